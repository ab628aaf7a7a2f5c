//! Time-stamps by an outside authority (RFC 3161): the request, the reply, and what a token proves.
//!
//! The request and the token's fields are written and read here; signatures and chains of certificates are left to
//! `rustls-webpki`. A chain is looked at as of the moment that the token names, so that a token can be verified when
//! its authority's certificate has long expired. Whether a certificate was revoked is not asked.

use base64::prelude::{BASE64_STANDARD, Engine};
use chrono::{DateTime, NaiveDateTime, Utc};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use sha2::{Digest, Sha256, Sha384, Sha512};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert, ring};

use super::der::{self, Broken, Der, Value};
use super::sha256;

/// The kind of a request's body.
pub const QUERY: &str = "application/timestamp-query";

/// The kind of a reply's body.
pub const REPLY: &str = "application/timestamp-reply";

/// A reply is not longer than this (bytes): a token with a long chain has some 10 kB.
pub const LONGEST: usize = 256 << 10;

const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
const TST_INFO: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04];
const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03];
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];
const SIGNING_CERTIFICATE_V2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x2f];
const SHA256_OID: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
const SHA384_OID: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];
const SHA512_OID: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
const TIME_STAMPING: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08];

/// Why a reply is no proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    /// The bytes are no reply, or what is in it is not what RFC 3161 says.
    #[error("this is no time-stamp reply: {0}")]
    Malformed(&'static str),
    /// The authority answered that it does not stamp this (status 2 and above).
    #[error("the authority refused, with status {status}{}", .words.as_deref().map(|words| format!(": {words}")).unwrap_or_default())]
    Refused {
        /// `PKIStatus`.
        status: u64,
        /// The authority's own words, if any.
        words: Option<String>,
    },
    /// The token is for other bytes.
    #[error("the token is for other bytes than these (message imprint)")]
    Imprint,
    /// The token answers another request.
    #[error("the token answers another request (nonce)")]
    Nonce,
    /// The signature does not hold: the token was changed.
    #[error("the token's signature does not hold: {0}")]
    Signature(String),
    /// The certificate does not lead to a trusted one, or may not sign time-stamps.
    #[error("the authority's certificate is not trusted: {0}")]
    Chain(String),
    /// The given file of certificates is none.
    #[error("there is no certificate (PEM) in it")]
    NoAuthority,
}

impl From<Broken> for TimestampError {
    fn from(_: Broken) -> Self {
        Self::Malformed("it is no DER, or a part of it is missing")
    }
}

/// A request to stamp `data`, with a nonce and certificates asked for (evidence that verifies without the authority).
///
/// Every byte is fixed but the digest's and the nonce's: RFC 3161 §2.4.1.
pub fn request(data: &[u8], nonce: u64) -> Vec<u8> {
    let mut number = vec![0x02, 0x08];
    let digits = nonce.to_be_bytes();
    // A DER integer is as short as it can be, and one whose top bit is set needs a zero before it.
    let skip = digits.iter().take_while(|digit| **digit == 0).count().min(7);
    let short = digits.get(skip..).unwrap_or_default();
    let sign = short.first().is_some_and(|first| *first >= 0x80);
    if let Some(length) = number.last_mut() {
        *length = u8::try_from(short.len() + usize::from(sign)).unwrap_or_default();
    }
    if sign {
        number.push(0);
    }
    number.extend_from_slice(short);
    let mut body = vec![0x02, 0x01, 0x01, 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09];
    body.extend_from_slice(SHA256_OID);
    body.extend_from_slice(&[0x05, 0x00, 0x04, 0x20]);
    body.extend_from_slice(&sha256(data));
    body.extend_from_slice(&number);
    body.extend_from_slice(&[0x01, 0x01, 0xff]);
    let mut whole = vec![der::SEQUENCE, u8::try_from(body.len()).unwrap_or_default()];
    whole.append(&mut body);
    whole
}

/// A nonce that nobody can foresee.
///
/// # Errors
/// The operating system gives no random bytes.
pub fn nonce() -> std::io::Result<u64> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
    Ok(u64::from_be_bytes(bytes))
}

/// A granted reply, taken apart; what of it holds is for its methods to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// When the authority says that the bytes were there (UTC, whole seconds).
    pub at: DateTime<Utc>,
    /// The token's serial number at the authority, hexadecimal.
    pub serial: String,
    imprint: Vec<u8>,
    nonce: Option<Vec<u8>>,
    /// The signed content, `TSTInfo`.
    content: Vec<u8>,
    /// The signed attributes as they are signed: a SET.
    attributes: Vec<u8>,
    digest: Hashed,
    signature: Vec<u8>,
    /// Issuer and serial number of the signer's certificate.
    signer: Vec<u8>,
    certificates: Vec<Vec<u8>>,
}

/// What a token proves once its chain is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// When the stamped bytes were there at the latest (UTC).
    pub at: DateTime<Utc>,
    /// When the authority's certificate expires (UTC): by then a newer token must cover the log.
    pub expires: DateTime<Utc>,
}

impl Token {
    /// Reads a reply (`TimeStampResp`).
    ///
    /// # Errors
    /// `Refused` when the authority granted nothing, `Malformed` when the bytes are no reply with a token in it.
    pub fn parse(reply: &[u8]) -> Result<Self, TimestampError> {
        if reply.len() > LONGEST {
            return Err(TimestampError::Malformed("it is longer than 256 KiB"));
        }
        let mut whole = Der(reply).only(der::SEQUENCE)?.inside();
        let mut status = whole.take(der::SEQUENCE)?.inside();
        let code = small(&status.take(der::INTEGER)?)?;
        if code > 1 {
            let words = status.take_if(der::SEQUENCE)?.and_then(|list| list.inside().next().ok());
            let words = words.map(|text| plain(&String::from_utf8_lossy(text.content)));
            return Err(TimestampError::Refused { status: code, words });
        }
        let mut token = whole.take(der::SEQUENCE)?.inside();
        if !whole.is_empty() {
            return Err(TimestampError::Malformed("something stands after the token"));
        }
        if token.take(der::OID)?.content != SIGNED_DATA {
            return Err(TimestampError::Malformed("its content is no signed data"));
        }
        let signed = token.take(der::context(0))?.inside().only(der::SEQUENCE)?;
        Self::signed_data(signed.inside())
    }

    fn signed_data(mut data: Der<'_>) -> Result<Self, TimestampError> {
        data.take(der::INTEGER)?;
        data.take(der::SET)?;
        let mut encapsulated = data.take(der::SEQUENCE)?.inside();
        if encapsulated.take(der::OID)?.content != TST_INFO {
            return Err(TimestampError::Malformed("its content is no time-stamp"));
        }
        let content = encapsulated.take(der::context(0))?.inside().only(der::OCTETS)?.content;
        let mut certificates = Vec::new();
        if let Some(list) = data.take_if(der::context(0))? {
            let mut list = list.inside();
            while !list.is_empty() {
                let one = list.next()?;
                // Other forms of certificates exist and are not for us.
                if one.tag == der::SEQUENCE {
                    certificates.push(one.whole.to_vec());
                }
            }
        }
        data.take_if(der::context(1))?;
        let signer = data.take(der::SET)?.inside().only(der::SEQUENCE)?;
        let mut signer = signer.inside();
        signer.take(der::INTEGER)?;
        let named = signer.take(der::SEQUENCE).map_err(|_| {
            TimestampError::Malformed("its signer is not named by the certificate's issuer and number")
        })?;
        let digest = Hashed::named(signer.take(der::SEQUENCE)?.inside().take(der::OID)?.content)
            .ok_or(TimestampError::Malformed("it is signed with another digest than SHA-256, 384 or 512"))?;
        let mut attributes = signer.take(der::context(0))?.whole.to_vec();
        // What is signed is the SET itself, not its place in the token (RFC 5652 §5.4).
        if let Some(tag) = attributes.first_mut() {
            *tag = der::SET;
        }
        signer.take(der::SEQUENCE)?;
        let signature = signer.take(der::OCTETS)?.content.to_vec();
        let info = info(content)?;
        Ok(Self {
            at: info.at,
            serial: hex::encode(info.serial),
            imprint: info.imprint.to_vec(),
            nonce: info.nonce.map(<[u8]>::to_vec),
            content: content.to_vec(),
            attributes,
            digest,
            signature,
            signer: named.content.to_vec(),
            certificates,
        })
    }

    /// Whether the token is for these bytes.
    ///
    /// # Errors
    /// `Imprint`.
    pub fn covers(&self, data: &[u8]) -> Result<(), TimestampError> {
        if self.imprint == sha256(data) { Ok(()) } else { Err(TimestampError::Imprint) }
    }

    /// Whether the token answers the request with this nonce.
    ///
    /// # Errors
    /// `Nonce`, also when it has none.
    pub fn answers(&self, nonce: u64) -> Result<(), TimestampError> {
        let digits = nonce.to_be_bytes();
        let short = |number: &[u8]| {
            let zeroes = number.iter().take_while(|digit| **digit == 0).count();
            number.get(zeroes..).unwrap_or_default().to_vec()
        };
        if self.nonce.as_deref().map(short) == Some(short(&digits)) {
            Ok(())
        } else {
            Err(TimestampError::Nonce)
        }
    }

    /// Whether the token is whole: signed by the certificate that lies in it, which may sign time-stamps.
    ///
    /// This says nothing about who the authority is.
    ///
    /// # Errors
    /// `Signature`, `Chain`, `Malformed`.
    pub fn is_whole(&self) -> Result<(), TimestampError> {
        let certificate = self.certificate()?;
        self.check_attributes(certificate)?;
        let signer = CertificateDer::from(certificate);
        let signer = EndEntityCert::try_from(&signer)
            .map_err(|error| TimestampError::Chain(format!("its certificate cannot be read ({error})")))?;
        let mut why = None;
        for algorithm in self.digest.algorithms() {
            match signer.verify_signature(algorithm, &self.attributes, &self.signature) {
                Ok(()) => return Ok(()),
                Err(error @ webpki::Error::InvalidSignatureForPublicKey) => why = Some(error.to_string()),
                Err(error) => why = why.or(Some(error.to_string())),
            }
        }
        Err(TimestampError::Signature(why.unwrap_or_default()))
    }

    /// Whether the token is whole, is for `data`, and was signed by an authority that `trusted` vouches for.
    ///
    /// # Errors
    /// Any but `Refused` and `Nonce`.
    pub fn verify(&self, data: &[u8], trusted: &Authorities) -> Result<Verified, TimestampError> {
        self.covers(data)?;
        self.is_whole()?;
        let certificate = self.certificate()?;
        let signer = CertificateDer::from(certificate);
        let signer =
            EndEntityCert::try_from(&signer).map_err(|error| TimestampError::Chain(error.to_string()))?;
        let between: Vec<CertificateDer<'_>> = self
            .certificates
            .iter()
            .filter(|other| other.as_slice() != certificate)
            .map(|other| CertificateDer::from(other.as_slice()))
            .collect();
        let anchors = trusted.anchors();
        let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(
            u64::try_from(self.at.timestamp()).unwrap_or_default(),
        ));
        signer
            .verify_for_usage(
                webpki::ALL_VERIFICATION_ALGS,
                &anchors,
                &between,
                at,
                KeyUsage::required(TIME_STAMPING),
                None,
                None,
            )
            .map_err(|error| TimestampError::Chain(error.to_string()))?;
        Ok(Verified { at: self.at, expires: expires(certificate)? })
    }

    /// When the certificate in the token expires (UTC).
    ///
    /// # Errors
    /// `Malformed`.
    pub fn expires(&self) -> Result<DateTime<Utc>, TimestampError> {
        expires(self.certificate()?)
    }

    /// The certificates in the token and then `authorities`, as PEM, each once.
    pub fn chain(&self, authorities: &Authorities) -> String {
        let mut all: Vec<&[u8]> = Vec::new();
        let given = authorities.0.iter().map(AsRef::as_ref);
        for certificate in self.certificates.iter().map(Vec::as_slice).chain(given) {
            if !all.contains(&certificate) {
                all.push(certificate);
            }
        }
        all.into_iter().map(pem).collect()
    }

    /// The signer's certificate, by issuer and number.
    fn certificate(&self) -> Result<&[u8], TimestampError> {
        let mut found = None;
        for certificate in &self.certificates {
            let parts = Certificate::read(certificate)?;
            if [parts.issuer, parts.number].concat() == self.signer {
                found = Some((certificate.as_slice(), parts));
            }
        }
        let (certificate, parts) =
            found.ok_or(TimestampError::Malformed("the signer's certificate is not in it"))?;
        // RFC 3161 §2.3: the one use, and critical.
        let usage = parts.usage.ok_or_else(|| {
            TimestampError::Chain("the certificate is not only for time-stamps (RFC 3161, 2.3)".to_owned())
        })?;
        if usage.inside().only(der::OID)?.content != TIME_STAMPING {
            return Err(TimestampError::Chain(
                "the certificate is for something else than time-stamps".to_owned(),
            ));
        }
        Ok(certificate)
    }

    /// What the signature is over names this content and this certificate.
    fn check_attributes(&self, certificate: &[u8]) -> Result<(), TimestampError> {
        let mut all = Der(&self.attributes).only(der::SET)?.inside();
        let (mut kind, mut digest) = (None, None);
        while !all.is_empty() {
            let mut attribute = all.take(der::SEQUENCE)?.inside();
            let name = attribute.take(der::OID)?.content;
            let values = attribute.take(der::SET)?;
            match name {
                CONTENT_TYPE => kind = Some(values.inside().only(der::OID)?.content),
                MESSAGE_DIGEST => digest = Some(values.inside().only(der::OCTETS)?.content),
                SIGNING_CERTIFICATE_V2 => bound(&values, certificate)?,
                _ => {}
            }
        }
        if kind != Some(TST_INFO) {
            return Err(TimestampError::Signature("it is over another kind of content".to_owned()));
        }
        if digest != Some(self.digest.of(&self.content).as_slice()) {
            return Err(TimestampError::Signature("it is over another content".to_owned()));
        }
        Ok(())
    }
}

/// `ESSCertIDv2` (RFC 5816): the digest of the one certificate that the signer says is its own.
fn bound(values: &Value<'_>, certificate: &[u8]) -> Result<(), TimestampError> {
    let mut first = values
        .inside()
        .only(der::SEQUENCE)?
        .inside()
        .take(der::SEQUENCE)?
        .inside()
        .take(der::SEQUENCE)?
        .inside();
    // Left out, it is SHA-256.
    let digest = match first.take_if(der::SEQUENCE)? {
        None => Some(Hashed::Sha256),
        Some(algorithm) => Hashed::named(algorithm.inside().take(der::OID)?.content),
    };
    let digest = digest.ok_or(TimestampError::Malformed("it names its certificate by an unknown digest"))?;
    if first.take(der::OCTETS)?.content == digest.of(certificate).as_slice() {
        Ok(())
    } else {
        Err(TimestampError::Signature("it names another certificate than the one in the token".to_owned()))
    }
}

/// Certificates that somebody trusts to vouch for time-stamps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorities(Vec<CertificateDer<'static>>);

impl Authorities {
    /// Reads one or more certificates (PEM).
    ///
    /// # Errors
    /// `NoAuthority`; `Chain` if one of them cannot stand at the head of a chain.
    pub fn from_pem(pem: &[u8]) -> Result<Self, TimestampError> {
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let all = read.map_err(|_| TimestampError::NoAuthority)?;
        if all.is_empty() {
            return Err(TimestampError::NoAuthority);
        }
        for certificate in &all {
            anchor_from_trusted_cert(certificate)
                .map_err(|error| TimestampError::Chain(error.to_string()))?;
        }
        Ok(Self(all))
    }

    fn anchors(&self) -> Vec<TrustAnchor<'_>> {
        self.0.iter().filter_map(|certificate| anchor_from_trusted_cert(certificate).ok()).collect()
    }
}

/// A digest that signers use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hashed {
    Sha256,
    Sha384,
    Sha512,
}

impl Hashed {
    fn named(oid: &[u8]) -> Option<Self> {
        match oid {
            SHA256_OID => Some(Self::Sha256),
            SHA384_OID => Some(Self::Sha384),
            SHA512_OID => Some(Self::Sha512),
            _ => None,
        }
    }

    fn of(self, data: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(data).to_vec(),
            Self::Sha384 => Sha384::digest(data).to_vec(),
            Self::Sha512 => Sha512::digest(data).to_vec(),
        }
    }

    /// The ways to sign with it; which one it is the certificate's key says.
    fn algorithms(self) -> Vec<&'static dyn SignatureVerificationAlgorithm> {
        match self {
            Self::Sha256 => vec![
                ring::RSA_PKCS1_2048_8192_SHA256,
                ring::ECDSA_P256_SHA256,
                ring::ECDSA_P384_SHA256,
                ring::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
            ],
            Self::Sha384 => vec![
                ring::RSA_PKCS1_2048_8192_SHA384,
                ring::ECDSA_P384_SHA384,
                ring::ECDSA_P256_SHA384,
                ring::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
            ],
            Self::Sha512 => vec![
                ring::RSA_PKCS1_2048_8192_SHA512,
                ring::RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
                ring::ED25519,
            ],
        }
    }
}

struct Info<'a> {
    at: DateTime<Utc>,
    serial: &'a [u8],
    imprint: &'a [u8],
    nonce: Option<&'a [u8]>,
}

/// `TSTInfo` (RFC 3161 §2.4.2).
fn info(content: &[u8]) -> Result<Info<'_>, TimestampError> {
    let mut info = Der(content).only(der::SEQUENCE)?.inside();
    if small(&info.take(der::INTEGER)?)? != 1 {
        return Err(TimestampError::Malformed("it is of another version than 1"));
    }
    info.take(der::OID)?;
    let mut imprint = info.take(der::SEQUENCE)?.inside();
    let hashed = imprint.take(der::SEQUENCE)?.inside().take(der::OID)?.content == SHA256_OID;
    let imprint = imprint.take(der::OCTETS)?.content;
    if !hashed {
        return Err(TimestampError::Imprint);
    }
    let serial = info.take(der::INTEGER)?.content;
    let at = time(&info.take(der::GENERALIZED_TIME)?)?;
    info.take_if(der::SEQUENCE)?;
    info.take_if(der::BOOLEAN)?;
    let nonce = info.take_if(der::INTEGER)?.map(|number| number.content);
    Ok(Info { at, serial, imprint, nonce })
}

/// What is needed of a certificate (RFC 5280 §4.1).
struct Certificate<'a> {
    number: &'a [u8],
    issuer: &'a [u8],
    until: Value<'a>,
    /// The list of the critical extension `extKeyUsage`.
    usage: Option<Value<'a>>,
}

impl<'a> Certificate<'a> {
    fn read(certificate: &'a [u8]) -> Result<Self, Broken> {
        let mut body = Der(certificate).only(der::SEQUENCE)?.inside().take(der::SEQUENCE)?.inside();
        body.take_if(der::context(0))?;
        let number = body.take(der::INTEGER)?.whole;
        body.take(der::SEQUENCE)?;
        let issuer = body.take(der::SEQUENCE)?.whole;
        let mut validity = body.take(der::SEQUENCE)?.inside();
        validity.next()?;
        let until = validity.next()?;
        let mut usage = None;
        while !body.is_empty() {
            let part = body.next()?;
            if part.tag != der::context(3) {
                continue;
            }
            let mut extensions = part.inside().only(der::SEQUENCE)?.inside();
            while !extensions.is_empty() {
                let mut extension = extensions.take(der::SEQUENCE)?.inside();
                let name = extension.take(der::OID)?.content;
                let critical = extension.take_if(der::BOOLEAN)?.is_some_and(|value| value.content == [0xff]);
                let value = extension.take(der::OCTETS)?.content;
                if name == EXTENDED_KEY_USAGE && critical {
                    usage = Some(Der(value).only(der::SEQUENCE)?);
                }
            }
        }
        Ok(Self { number, issuer, until, usage })
    }
}

fn expires(certificate: &[u8]) -> Result<DateTime<Utc>, TimestampError> {
    time(&Certificate::read(certificate)?.until)
}

/// A time in UTC, without its fractions of a second.
fn time(value: &Value<'_>) -> Result<DateTime<Utc>, TimestampError> {
    let wrong = TimestampError::Malformed("a time in it is none");
    let text = std::str::from_utf8(value.content).map_err(|_| wrong.clone())?;
    let text = text.strip_suffix('Z').ok_or(wrong.clone())?;
    let text = text.split_once('.').map_or(text, |(whole, _)| whole);
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let text = match (value.tag, text.len(), digits) {
        (der::GENERALIZED_TIME, 14, true) => text.to_owned(),
        // RFC 5280 §4.1.2.5.1: two digits below 50 are of this century.
        (der::UTC_TIME, 12, true) => format!("{}{text}", if text < "50" { "20" } else { "19" }),
        _ => return Err(wrong),
    };
    NaiveDateTime::parse_from_str(&text, "%Y%m%d%H%M%S").map(|time| time.and_utc()).map_err(|_| wrong)
}

fn small(value: &Value<'_>) -> Result<u64, TimestampError> {
    let digits = value.content;
    if (1..=7).contains(&digits.len()) && digits.first().is_some_and(|first| *first < 0x80) {
        return Ok(digits.iter().fold(0, |sum, digit| sum << 8 | u64::from(*digit)));
    }
    Err(TimestampError::Malformed("a number in it is none"))
}

/// An outsider's words on one short line.
fn plain(words: &str) -> String {
    words.chars().filter(|c| !c.is_control()).take(200).collect()
}

fn pem(certificate: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(certificate);
    let mut lines = String::from("-----BEGIN CERTIFICATE-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        lines.push_str(line);
        lines.push('\n');
        rest = after;
    }
    lines.push_str("-----END CERTIFICATE-----\n");
    lines
}

#[cfg(test)]
mod tests;
