use super::*;

const DATA: &[u8] = include_bytes!("../../../tests/fixtures/tsa/data");
const QUERY: &[u8] = include_bytes!("../../../tests/fixtures/tsa/ec.tsq");
const EC: &[u8] = include_bytes!("../../../tests/fixtures/tsa/ec.tsr");
const EC_CA: &[u8] = include_bytes!("../../../tests/fixtures/tsa/ec-ca.pem");
const RSA: &[u8] = include_bytes!("../../../tests/fixtures/tsa/rsa.tsr");
const RSA_CA: &[u8] = include_bytes!("../../../tests/fixtures/tsa/rsa-ca.pem");
const REFUSED: &[u8] = include_bytes!("../../../tests/fixtures/tsa/refused.tsr");
const NONCE: u64 = 0xf1f2_f3f4_f5f6_f7f8;

fn authorities(pem: &[u8]) -> Authorities {
    Authorities::from_pem(pem).unwrap()
}

#[test]
fn the_request_is_what_openssl_writes_byte_for_byte() {
    assert_eq!(request(DATA, NONCE), QUERY);
}

#[test]
fn a_nonce_is_the_shortest_integer_that_it_can_be() {
    for (nonce, number) in [
        (0, "020100"),
        (0x7f, "02017f"),
        (0x80, "02020080"),
        (0x0102, "02020102"),
        (u64::MAX, "020900ffffffffffffffff"),
        (u64::MAX >> 1, "02087fffffffffffffff"),
    ] {
        let request = hex::encode(request(b"x", nonce));
        assert!(request.ends_with(&format!("{number}0101ff")), "{request}");
        assert_eq!(request.len() / 2 - 2, usize::from(hex::decode(&request[2..4]).unwrap()[0]), "{request}");
    }
}

#[test]
fn tokens_of_real_authorities_verify_with_elliptic_and_with_rsa_keys() {
    for (reply, ca) in [(EC, EC_CA), (RSA, RSA_CA)] {
        let token = Token::parse(reply).unwrap();
        token.answers(NONCE).unwrap();
        let verified = token.verify(DATA, &authorities(ca)).unwrap();
        assert!(verified.at > "2026-11-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap());
        assert_eq!(verified.expires, token.expires().unwrap());
        assert!(verified.expires > verified.at);
        let chain = token.chain(&authorities(ca));
        assert_eq!(chain.matches("BEGIN").count(), 2, "the authority's own root lies in the token already");
        Authorities::from_pem(chain.as_bytes()).unwrap();
    }
}

#[test]
fn another_text_nonce_or_root_is_told_apart() {
    let token = Token::parse(EC).unwrap();
    assert_eq!(token.verify(b"other", &authorities(EC_CA)), Err(TimestampError::Imprint));
    assert_eq!(token.answers(NONCE + 1), Err(TimestampError::Nonce));
    assert!(matches!(token.verify(DATA, &authorities(RSA_CA)), Err(TimestampError::Chain(_))));
    let refused = Token::parse(REFUSED).unwrap_err();
    assert!(matches!(refused, TimestampError::Refused { status: 2, .. }), "{refused}");
}

#[test]
fn no_changed_byte_of_what_a_token_proves_passes() {
    let authorities = authorities(EC_CA);
    let whole = Token::parse(EC).unwrap();
    let certificate = whole.certificate().unwrap();
    // The attributes are looked for without their tag, which is another while they are signed.
    let mut places: Vec<usize> = Vec::new();
    for part in [whole.content.as_slice(), &whole.attributes[1..], &whole.signature, certificate] {
        let start = EC.windows(part.len()).position(|there| there == part).unwrap();
        places.extend(start..start + part.len());
    }
    assert!(places.len() > 800, "{}", places.len());
    for at in places {
        for bit in 0..8 {
            let mut changed = EC.to_vec();
            changed[at] ^= 1 << bit;
            let held = Token::parse(&changed).and_then(|token| token.verify(DATA, &authorities));
            assert!(held.is_err(), "byte {at} bit {bit}");
        }
    }
}

#[test]
fn truncated_empty_and_hostile_replies_are_errors() {
    for length in 0..EC.len() {
        assert!(Token::parse(&EC[..length]).is_err(), "{length}");
    }
    assert!(Token::parse(&[EC, b"x"].concat()).is_err());
    assert!(Token::parse(b"<html>Captive portal</html>").is_err());
    assert!(Token::parse(&vec![0x30; LONGEST + 1]).is_err());
    assert!(Token::parse(&vec![0x30; 10_000]).is_err());
    for bad in [&b""[..], b"no certificate", b"-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n"]
    {
        assert_eq!(Authorities::from_pem(bad), Err(TimestampError::NoAuthority));
    }
}
