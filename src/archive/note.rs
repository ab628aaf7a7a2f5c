//! C2SP signed notes: a text with one or more signatures under it (c2sp.org/signed-note).
//!
//! Signed and verified here is Ed25519 only (type 0x01); lines of other types are kept and ignored, so that later
//! algorithms can add theirs. Witnesses' lines are `cosign`'s.

use std::fmt;
use std::str::FromStr;

use base64::prelude::{BASE64_STANDARD, Engine};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

/// Signature type 0x01: Ed25519 over the note's text.
const ED25519: u8 = 0x01;

/// A note with more signature lines than this is not read; the specification demands at least 16.
const MOST_SIGNATURES: usize = 64;

/// A note longer than this (bytes) is not read.
const LONGEST: usize = 1 << 20;

/// What is wrong with a note or a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// The text is no signed note.
    #[error("this is no signed note: {0}")]
    Malformed(&'static str),
    /// The text is no key to verify with.
    #[error("this is no verifier key: {0}")]
    BadKey(&'static str),
    /// A line that names a known key does not verify: the text or the line was changed.
    #[error("the signature by `{name}` does not fit the text")]
    BadSignature {
        /// The key's name.
        name: String,
    },
    /// None of the known keys has signed.
    #[error("none of the known keys has signed this note")]
    Unsigned,
}

/// A key to verify with, written `name+hex(key id)+base64(type || public key)` ("vkey").
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    key: VerifyingKey,
}

impl VerifierKey {
    /// The public half of `key` under `name`.
    ///
    /// # Errors
    /// `BadKey` if the name is empty or holds a space, a plus or a control character.
    pub fn of(name: &str, key: &SigningKey) -> Result<Self, NoteError> {
        check_name(name)?;
        Ok(Self { name: name.to_owned(), key: key.verifying_key() })
    }

    /// The key's name; for a log its origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first four bytes of `SHA-256(name || 0x0A || 0x01 || public key)`.
    pub fn id(&self) -> [u8; 4] {
        key_id(ED25519, &self.name, &self.key)
    }

    /// The 32 bytes of the public key.
    pub fn public_key(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// Whether `signature` (64 bytes) is this key's over `text`.
    fn verifies(&self, text: &str, signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.key.verify_strict(text.as_bytes(), &signature).is_ok())
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&write_key(ED25519, &self.name, &self.key))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

impl FromStr for VerifierKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let (name, key) = read_key(text, ED25519, "it is of a type other than Ed25519 (0x01)")?;
        Ok(Self { name, key })
    }
}

/// One line under a note: who signed, with which key, and the signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureLine {
    /// The key's name.
    pub name: String,
    /// The key's id.
    pub id: [u8; 4],
    /// The bytes after the id; their meaning depends on the key's type.
    pub signature: Vec<u8>,
}

impl fmt::Display for SignatureLine {
    /// The line as it stands in a note, with its line feed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.id[..], &self.signature].concat();
        writeln!(f, "\u{2014} {} {}", self.name, BASE64_STANDARD.encode(bytes))
    }
}

/// A note taken apart; nothing is verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The text, with its last line feed.
    pub text: String,
    /// The lines under it, in their order.
    pub signatures: Vec<SignatureLine>,
}

impl Note {
    /// Takes a note apart.
    ///
    /// # Errors
    /// `Malformed`, with what is wrong.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        let malformed = |what| Err(NoteError::Malformed(what));
        if note.len() > LONGEST {
            return malformed("it is longer than a mebibyte");
        }
        if note.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
            return malformed("it holds a control character");
        }
        let Some(at) = note.rfind("\n\n") else {
            return malformed("no empty line divides text and signatures");
        };
        let (text, lines) = (&note[..=at], &note[at + 2..]);
        let Some(lines) = lines.strip_suffix('\n') else {
            return malformed("the last line does not end");
        };
        let mut signatures = Vec::new();
        for line in lines.split('\n') {
            if signatures.len() == MOST_SIGNATURES {
                return malformed("it has more than 64 signatures");
            }
            let Some((name, encoded)) = line.strip_prefix("\u{2014} ").and_then(|rest| rest.split_once(' '))
            else {
                return malformed("a line under the text is no signature line");
            };
            if check_name(name).is_err() {
                return malformed("a signature line names no key");
            }
            let Ok(bytes) = BASE64_STANDARD.decode(encoded) else {
                return malformed("a signature is no base64");
            };
            let Some((id, signature)) = bytes.split_first_chunk::<4>() else {
                return malformed("a signature is shorter than a key id");
            };
            signatures.push(SignatureLine { name: name.to_owned(), id: *id, signature: signature.to_vec() });
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// Checks the note against the keys that are trusted; lines of other keys are ignored.
    ///
    /// # Errors
    /// `BadSignature` if a line of a trusted key does not verify, `Unsigned` if no trusted key has signed.
    pub fn verify(&self, trusted: &[VerifierKey]) -> Result<(), NoteError> {
        let mut verified = false;
        for line in &self.signatures {
            for key in trusted.iter().filter(|key| key.name == line.name && key.id() == line.id) {
                if !key.verifies(&self.text, &line.signature) {
                    return Err(NoteError::BadSignature { name: line.name.clone() });
                }
                verified = true;
            }
        }
        if verified { Ok(()) } else { Err(NoteError::Unsigned) }
    }
}

/// The note of `text`, signed with `key` under `name`.
///
/// # Errors
/// `Malformed` if the text does not end with a line feed or holds a control character; `BadKey` for a bad name.
pub fn sign(text: &str, name: &str, key: &SigningKey) -> Result<String, NoteError> {
    if !text.ends_with('\n') {
        return Err(NoteError::Malformed("the text does not end with a line feed"));
    }
    if text.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
        return Err(NoteError::Malformed("it holds a control character"));
    }
    check_name(name)?;
    let mut line = key_id(ED25519, name, &key.verifying_key()).to_vec();
    line.extend_from_slice(&key.sign(text.as_bytes()).to_bytes());
    Ok(format!("{text}\n\u{2014} {name} {}\n", BASE64_STANDARD.encode(line)))
}

/// A key as it is written: `name+hex(key id)+base64(type || public key)`.
pub(super) fn write_key(kind: u8, name: &str, key: &VerifyingKey) -> String {
    let mut encoded = vec![kind];
    encoded.extend_from_slice(key.as_bytes());
    format!("{name}+{}+{}", hex::encode(key_id(kind, name, key)), BASE64_STANDARD.encode(encoded))
}

/// Reads a key of this type.
pub(super) fn read_key(
    text: &str,
    kind: u8,
    other: &'static str,
) -> Result<(String, VerifyingKey), NoteError> {
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(NoteError::BadKey("it has not the form name+id+key"));
    };
    check_name(name)?;
    let bytes = BASE64_STANDARD.decode(key).map_err(|_| NoteError::BadKey("its last part is no base64"))?;
    let public = match bytes.split_first() {
        Some((found, public)) if *found == kind => public,
        Some(_) => return Err(NoteError::BadKey(other)),
        None => return Err(NoteError::BadKey("its last part is empty")),
    };
    let public: &[u8; 32] =
        public.try_into().map_err(|_| NoteError::BadKey("the public key has not 32 bytes"))?;
    let key = VerifyingKey::from_bytes(public)
        .map_err(|_| NoteError::BadKey("the public key is no point on the curve"))?;
    if id != hex::encode(key_id(kind, name, &key)) {
        return Err(NoteError::BadKey("its id does not belong to its name and key"));
    }
    Ok((name.to_owned(), key))
}

/// The first four bytes of `SHA-256(name || 0x0A || type || public key)`.
pub(super) fn key_id(kind: u8, name: &str, key: &VerifyingKey) -> [u8; 4] {
    let digest =
        Sha256::new().chain_update(name).chain_update([b'\n', kind]).chain_update(key.as_bytes()).finalize();
    [digest[0], digest[1], digest[2], digest[3]]
}

/// Each on a line of its own.
pub(crate) fn lines<T: fmt::Display>(all: impl IntoIterator<Item = T>) -> String {
    let mut text = String::new();
    for one in all {
        text.push_str(&one.to_string());
        text.push('\n');
    }
    text
}

pub(super) fn check_name(name: &str) -> Result<(), NoteError> {
    if name.is_empty() || name.chars().any(|c| c.is_whitespace() || c == '+' || c.is_control()) {
        return Err(NoteError::BadKey("its name is empty, or holds a space, a plus or a control character"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: c2sp.org/signed-note, "Example".
    const VKEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    const NOTE: &str = "This is an example message.\n\n\u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    #[test]
    fn the_specifications_own_example_verifies() {
        let vkey: VerifierKey = VKEY.parse().unwrap();
        assert_eq!(vkey.to_string(), VKEY);
        Note::parse(NOTE).unwrap().verify(&[vkey]).unwrap();
    }

    #[test]
    fn every_changed_byte_of_a_note_is_refused() {
        let vkey: VerifierKey = VKEY.parse().unwrap();
        for at in 0..NOTE.len() {
            for bit in 0..8 {
                let mut bytes = NOTE.as_bytes().to_vec();
                bytes[at] ^= 1 << bit;
                let Ok(changed) = String::from_utf8(bytes) else { continue };
                let verdict = Note::parse(&changed).and_then(|note| note.verify(std::slice::from_ref(&vkey)));
                assert!(verdict.is_err(), "byte {at} bit {bit}");
            }
        }
    }

    #[test]
    fn unknown_keys_are_ignored_and_a_failing_known_key_rejects() {
        let (ours, other) = (key(1), key(2));
        let (vours, vother) = (VerifierKey::of("a", &ours).unwrap(), VerifierKey::of("b", &other).unwrap());
        let text = "text\n\nwith an empty line\n";
        let mut note = sign(text, "a", &ours).unwrap();
        let stranger = sign("something else\n", "b", &other).unwrap();
        note.push_str(stranger.split("\n\n").nth(1).unwrap());
        let note = Note::parse(&note).unwrap();
        assert_eq!(note.text, text);
        note.verify(std::slice::from_ref(&vours)).unwrap();
        assert_eq!(
            note.verify(&[vours.clone(), vother]),
            Err(NoteError::BadSignature { name: "b".to_owned() })
        );
        // The same name with another key is another key.
        let namesake = VerifierKey::of("a", &other).unwrap();
        assert_eq!(note.verify(&[namesake]), Err(NoteError::Unsigned));
        assert_eq!(note.verify(&[]), Err(NoteError::Unsigned));
    }

    #[test]
    fn sixteen_signatures_and_more_are_read() {
        let ours = key(1);
        let mut note = String::from("text\n\n");
        for _ in 0..15 {
            note.push_str("\u{2014} other AAAAAAAA\n");
        }
        note.push_str(sign("text\n", "a", &ours).unwrap().split("\n\n").nth(1).unwrap());
        let note = Note::parse(&note).unwrap();
        assert_eq!(note.signatures.len(), 16);
        note.verify(&[VerifierKey::of("a", &ours).unwrap()]).unwrap();
    }

    #[test]
    fn what_is_no_note_is_refused() {
        let many = format!("t\n\n{}", "\u{2014} a AAAAAAAA\n".repeat(65));
        for bad in [
            "",
            "\n",
            "\n\n",
            "text\n",
            "text\n\n",
            "text\n\n\u{2014} a AAAAAAAA",
            "text\n\n- a AAAAAAAA\n",
            "text\n\n\u{2014} a\n",
            "text\n\n\u{2014}  AAAAAAAA\n",
            "text\n\n\u{2014} a+b AAAAAAAA\n",
            "text\n\n\u{2014} a AAA\n",
            "text\n\n\u{2014} a AAAA\n",
            "te\txt\n\n\u{2014} a AAAAAAAA\n",
            "text\r\n\n\u{2014} a AAAAAAAA\n",
            &many,
        ] {
            assert!(matches!(Note::parse(bad), Err(NoteError::Malformed(_))), "{bad:?}");
        }
        assert!(Note::parse(&"x".repeat(LONGEST + 1)).is_err());
        sign("no line feed", "a", &key(1)).unwrap_err();
        sign("text\n", "a b", &key(1)).unwrap_err();
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for bad in [
            "",
            "a+b",
            "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "example.com/foo+530d903a+Aeky",
            "example.com/foo+530d903a+",
            "example.com/foo+530d903a+%%%",
        ] {
            assert!(matches!(bad.parse::<VerifierKey>(), Err(NoteError::BadKey(_))), "{bad}");
        }
    }
}
