//! Signed links: who may see which case until when.
//!
//! `<public_url>/c/<case>?p=<person>&e=<unix seconds>&s=<signature>`, the signature being base64url (no padding) of
//! HMAC-SHA256 under the link key over `"uppsikt-link/1" 0x00 case 0x00 person 0x00 e`. None of the parts can hold a
//! zero byte, so no two links have the same bytes under the signature.

use std::fmt;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use url::form_urlencoded;

use crate::domain::case::CaseId;

/// Why a link opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Not signed by this installation for this case, person and time.
    #[error("the link is not signed by this installation for this case and person")]
    Forged,
    /// Signed, and its time is over.
    #[error("the link has expired")]
    Expired,
}

/// The page on which one person ticks what they have looked at by hand on an account, valid until `expires`.
pub fn sign_account(
    key: &[u8; 32],
    public_url: &str,
    account: &str,
    person: &str,
    expires: DateTime<Utc>,
) -> String {
    let subject = Subject::Account(account);
    let query = query(key, subject, person, expires.timestamp());
    // Ids of accounts are letters a-z, digits, `-` and `_`: nothing to escape.
    format!("{}/k/{account}?{query}", public_url.trim_end_matches('/'))
}

/// What a link opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject<'a> {
    /// The page of a case.
    Case(CaseId),
    /// The page of an account.
    Account(&'a str),
}

impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Case(case) => write!(f, "{case}"),
            // No case's id holds a slash: no link opens both.
            Self::Account(account) => write!(f, "konto/{account}"),
        }
    }
}

/// The address of a case for one person, valid until `expires` (UTC, whole seconds).
pub fn sign(key: &[u8; 32], public_url: &str, case: CaseId, person: &str, expires: DateTime<Utc>) -> String {
    let query = query(key, Subject::Case(case), person, expires.timestamp());
    format!("{}/c/{case}?{query}", public_url.trim_end_matches('/'))
}

/// The part of the address behind the question mark.
pub(crate) fn query(key: &[u8; 32], subject: Subject<'_>, person: &str, e: i64) -> String {
    let signature = mac(key, subject, person, e)
        .map(|mac| BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
        .unwrap_or_default();
    form_urlencoded::Serializer::new(String::new())
        .append_pair("p", person)
        .append_pair("e", &e.to_string())
        .append_pair("s", &signature)
        .finish()
}

/// Whether a link opens `subject` for `person` at `now`; `e` is its time in unix seconds, `s` its signature.
///
/// The comparison takes the same time wherever the signatures differ.
///
/// # Errors
/// `Forged` before `Expired`: whoever has no signed link learns nothing.
pub fn verify(
    key: &[u8; 32],
    subject: Subject<'_>,
    person: &str,
    e: i64,
    s: &str,
    now: DateTime<Utc>,
) -> Result<(), LinkError> {
    let signature = BASE64_URL_SAFE_NO_PAD.decode(s).map_err(|_| LinkError::Forged)?;
    let mac = mac(key, subject, person, e).ok_or(LinkError::Forged)?;
    mac.verify_slice(&signature).map_err(|_| LinkError::Forged)?;
    if now.timestamp() >= e { Err(LinkError::Expired) } else { Ok(()) }
}

/// `None` never: HMAC takes keys of every length. A person id with a zero byte would be ambiguous and opens nothing.
fn mac(key: &[u8; 32], subject: Subject<'_>, person: &str, e: i64) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok().filter(|_| !person.contains('\0'))?;
    mac.update(format!("uppsikt-link/1\0{subject}\0{person}\0{e}").as_bytes());
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    /// `p`, `e` and `s` of a link.
    fn parts(link: &str) -> (String, i64, String) {
        let url = url::Url::parse(link).unwrap();
        let get = |name: &str| url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
        (get("p"), get("e").parse().unwrap(), get("s"))
    }

    #[test]
    fn a_link_opens_its_case_for_its_person_until_its_time() {
        for person in ["anna", "åsa&p=erik", "a b+c%", "\"><script>"] {
            let link = sign(&KEY, "https://uppsikt.exempel.se/", CaseId(123), person, at(1_000));
            assert!(link.starts_with("https://uppsikt.exempel.se/c/c-000123?p="), "{link}");
            assert!(link.is_ascii() && !link.contains([' ', '"', '<']), "{link}");
            let (p, e, s) = parts(&link);
            assert_eq!((p.as_str(), e), (person, 1_000));
            let case = |case| Subject::Case(CaseId(case));
            let verify = |id, person: &str, e, s: &str, now| verify(&KEY, case(id), person, e, s, at(now));
            assert_eq!(verify(123, person, e, &s, 999), Ok(()));
            assert_eq!(verify(123, person, e, &s, 1_000), Err(LinkError::Expired));
            assert_eq!(verify(123, person, 9_999, &s, 999), Err(LinkError::Forged));
            assert_eq!(verify(124, person, e, &s, 999), Err(LinkError::Forged));
            assert_eq!(verify(123, "erik", e, &s, 999), Err(LinkError::Forged));
            assert_eq!(super::verify(&[8; 32], case(123), person, e, &s, at(999)), Err(LinkError::Forged));
        }
    }

    #[test]
    fn the_link_of_an_account_opens_no_case() {
        let link = sign_account(&KEY, "https://x.se", "fb", "anna", at(1_000));
        assert!(link.starts_with("https://x.se/k/fb?p=anna&e=1000&s="), "{link}");
        let (_, e, s) = parts(&link);
        assert_eq!(verify(&KEY, Subject::Account("fb"), "anna", e, &s, at(0)), Ok(()));
        for other in [Subject::Account("ig"), Subject::Case(CaseId(1))] {
            assert_eq!(verify(&KEY, other, "anna", e, &s, at(0)), Err(LinkError::Forged));
        }
    }

    #[test]
    fn what_is_no_signature_opens_nothing() {
        let (_, e, s) = parts(&sign(&KEY, "https://x.se", CaseId(1), "anna", at(1_000)));
        let mut changed = s.clone().into_bytes();
        changed[5] = if changed[5] == b'A' { b'B' } else { b'A' };
        for wrong in [
            "",
            "A",
            "=",
            &s[..20],
            &format!("{s}A"),
            &format!("{s}="),
            std::str::from_utf8(&changed).unwrap(),
        ] {
            assert_eq!(
                verify(&KEY, Subject::Case(CaseId(1)), "anna", e, wrong, at(0)),
                Err(LinkError::Forged),
                "{wrong}"
            );
        }
        assert_eq!(verify(&KEY, Subject::Case(CaseId(1)), "anna\0", e, &s, at(0)), Err(LinkError::Forged));
    }

    #[test]
    fn the_format_is_the_documented_one() {
        // Reckoned with Python's hmac, hashlib and base64.
        let (_, _, s) = parts(&sign(&KEY, "https://x.se", CaseId(1), "anna", at(1_000)));
        assert_eq!(s, "46kUInOxyDmAWMK5ZAnD76k9zMkdM_6eXfxaUGaGpDU");
    }
}
