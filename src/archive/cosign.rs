//! Cosignatures: another party says that it has seen a checkpoint, and that the log only grew since the one before
//! (c2sp.org/tlog-cosignature, `cosignature/v1`; Ed25519, type 0x04).

use std::fmt;
use std::str::FromStr;

use base64::prelude::{BASE64_STANDARD, Engine};
use chrono::{DateTime, Utc};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use super::note::{self, NoteError, SignatureLine};

/// Signature type 0x04: a time, and Ed25519 over it and the whole text.
const COSIGNATURE: u8 = 0x04;

/// A witness's key to verify with, written `name+hex(key id)+base64(0x04 || public key)`.
#[derive(Clone, PartialEq, Eq)]
pub struct WitnessKey {
    name: String,
    key: VerifyingKey,
}

impl WitnessKey {
    /// The public half of `key` under `name`.
    ///
    /// # Errors
    /// `BadKey` if the name is empty or holds a space, a plus or a control character.
    pub fn of(name: &str, key: &SigningKey) -> Result<Self, NoteError> {
        note::check_name(name)?;
        Ok(Self { name: name.to_owned(), key: key.verifying_key() })
    }

    /// The witness's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The 32 bytes of the public key.
    pub fn public_key(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// True for a line that says to be of this key.
    pub fn is_of(&self, line: &SignatureLine) -> bool {
        line.name == self.name && line.id == note::key_id(COSIGNATURE, &self.name, &self.key)
    }

    /// When the witness cosigned `text` (a checkpoint's three lines) by `line`.
    ///
    /// # Errors
    /// `BadSignature` if the line is another key's, or does not fit the text.
    pub fn verify(&self, text: &str, line: &SignatureLine) -> Result<DateTime<Utc>, NoteError> {
        let bad = || NoteError::BadSignature { name: self.name.clone() };
        let (seconds, signature) = line.signature.split_first_chunk::<8>().ok_or_else(bad)?;
        let seconds = u64::from_be_bytes(*seconds);
        let signature = Signature::from_slice(signature).map_err(|_| bad())?;
        if !self.is_of(line) || self.key.verify_strict(&message(text, seconds), &signature).is_err() {
            return Err(bad());
        }
        let at = i64::try_from(seconds).ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        at.ok_or_else(bad)
    }
}

impl fmt::Display for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&note::write_key(COSIGNATURE, &self.name, &self.key))
    }
}

impl fmt::Debug for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WitnessKey({self})")
    }
}

impl FromStr for WitnessKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let wrong = "it is no key of a witness (type 0x04)";
        let (name, key) = note::read_key(text, COSIGNATURE, wrong)?;
        Ok(Self { name, key })
    }
}

/// The line that says that `name` saw the checkpoint `text` at `at`; it ends with a line feed.
///
/// # Errors
/// `BadKey` for a bad name; `Malformed` for a time before 1970.
pub fn line(text: &str, name: &str, key: &SigningKey, at: DateTime<Utc>) -> Result<String, NoteError> {
    note::check_name(name)?;
    let seconds =
        u64::try_from(at.timestamp()).map_err(|_| NoteError::Malformed("its time is before 1970"))?;
    let mut bytes = note::key_id(COSIGNATURE, name, &key.verifying_key()).to_vec();
    bytes.extend_from_slice(&seconds.to_be_bytes());
    bytes.extend_from_slice(&key.sign(&message(text, seconds)).to_bytes());
    Ok(format!("\u{2014} {name} {}\n", BASE64_STANDARD.encode(bytes)))
}

fn message(text: &str, seconds: u64) -> Vec<u8> {
    format!("cosignature/v1\ntime {seconds}\n{text}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::note::Note;
    use serde_json::Value;

    fn vector() -> Value {
        serde_json::from_str(include_str!("../../tests/fixtures/vectors/own-tlog.json")).unwrap()
    }

    #[test]
    fn the_vectors_cosignature_verifies_and_is_made_again_byte_for_byte() {
        let vector = vector();
        let key: WitnessKey = vector["witness_vkey"].as_str().unwrap().parse().unwrap();
        let checkpoint = vector["checkpoint"].as_str().unwrap();
        let note = Note::parse(checkpoint).unwrap();
        let theirs = note.signatures.iter().find(|line| key.is_of(line)).unwrap();
        let at = key.verify(&note.text, theirs).unwrap();
        let seed: [u8; 32] =
            hex::decode(vector["witness_seed_hex"].as_str().unwrap()).unwrap().try_into().unwrap();
        let secret = SigningKey::from_bytes(&seed);
        assert_eq!(WitnessKey::of(key.name(), &secret).unwrap().to_string(), vector["witness_vkey"]);
        let ours = line(&note.text, key.name(), &secret, at).unwrap();
        assert!(checkpoint.ends_with(&ours), "{ours}");
    }

    #[test]
    fn another_text_time_key_or_name_does_not_verify() {
        let vector = vector();
        let key: WitnessKey = vector["witness_vkey"].as_str().unwrap().parse().unwrap();
        let note = Note::parse(vector["checkpoint"].as_str().unwrap()).unwrap();
        let theirs = note.signatures.iter().find(|line| key.is_of(line)).unwrap();
        assert!(key.verify(&note.text.replace("\n5\n", "\n6\n"), theirs).is_err());
        for at in 0..theirs.signature.len() {
            let mut line = theirs.clone();
            line.signature[at] ^= 1;
            assert!(key.verify(&note.text, &line).is_err(), "{at}");
        }
        let mut short = theirs.clone();
        short.signature.truncate(7);
        assert!(key.verify(&note.text, &short).is_err());
        let stranger = WitnessKey::of(key.name(), &SigningKey::from_bytes(&[3; 32])).unwrap();
        assert!(!stranger.is_of(theirs) && stranger.verify(&note.text, theirs).is_err());
        // A log's key is none of a witness, and the other way round.
        assert!(vector["log_vkey"].as_str().unwrap().parse::<WitnessKey>().is_err());
        assert!(vector["witness_vkey"].as_str().unwrap().parse::<note::VerifierKey>().is_err());
    }
}
