//! The log's head: its name, its size and its root, as a signed note (c2sp.org/tlog-checkpoint).

use base64::prelude::{BASE64_STANDARD, Engine};
use ed25519_dalek::SigningKey;

use super::merkle::Hash;
use super::note::{self, Note, NoteError};

/// What a checkpoint says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name, for example `exempel.se/uppsikt/logg1`.
    pub origin: String,
    /// How many entries the log has.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

impl Checkpoint {
    /// The text that is signed.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, BASE64_STANDARD.encode(self.root))
    }

    /// Reads the text of a note. Extension lines are refused: this log writes none, and nobody would check them.
    ///
    /// # Errors
    /// `Malformed`, with what is wrong.
    pub fn from_text(text: &str) -> Result<Self, NoteError> {
        let mut lines = text.split('\n');
        let (Some(origin), Some(size), Some(root), Some(""), None) =
            (lines.next(), lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(NoteError::Malformed("a checkpoint has three lines: origin, size and root"));
        };
        if origin.is_empty() {
            return Err(NoteError::Malformed("the checkpoint has no origin"));
        }
        let size = decimal(size).ok_or(NoteError::Malformed("the checkpoint's size is no plain number"))?;
        let root = hash(root).ok_or(NoteError::Malformed("the checkpoint's root is no hash"))?;
        Ok(Self { origin: origin.to_owned(), size, root })
    }

    /// Takes a whole checkpoint file apart; verifies nothing.
    ///
    /// # Errors
    /// `Malformed`, with what is wrong.
    pub fn parse(file: &str) -> Result<(Self, Note), NoteError> {
        let note = Note::parse(file)?;
        Ok((Self::from_text(&note.text)?, note))
    }
}

/// A checkpoint's file as it was before anybody cosigned it: the text and the log's own line, which is the first. This
/// is what time-stamps are over.
///
/// # Errors
/// `Malformed` if it is no note, or another than the log's line stands first.
pub fn before_cosignatures(file: &str) -> Result<&str, NoteError> {
    let (checkpoint, note) = Checkpoint::parse(file)?;
    if note.signatures.first().is_none_or(|line| line.name != checkpoint.origin) {
        return Err(NoteError::Malformed("the first line under it is not the log's own"));
    }
    let start = note.text.len() + 1;
    let line = file.get(start..).and_then(|lines| lines.find('\n')).unwrap_or_default();
    Ok(file.get(..=start + line).unwrap_or(file))
}

/// The checkpoint over the first `size` entries, signed under the log's own name.
///
/// # Errors
/// `BadKey` or `Malformed` if the origin cannot be a key's name.
pub fn sign(origin: &str, size: u64, root: Hash, key: &SigningKey) -> Result<String, NoteError> {
    let checkpoint = Checkpoint { origin: origin.to_owned(), size, root };
    note::sign(&checkpoint.text(), origin, key)
}

/// A number without sign, spaces or leading zeroes.
pub fn decimal(text: &str) -> Option<u64> {
    let plain = text == "0" || (!text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()));
    if plain { text.parse().ok() } else { None }
}

/// A hash in standard base64.
pub(super) fn hash(text: &str) -> Option<Hash> {
    BASE64_STANDARD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::note::VerifierKey;
    use serde_json::Value;

    fn vector() -> Value {
        serde_json::from_str(include_str!("../../tests/fixtures/vectors/own-tlog.json")).unwrap()
    }

    #[test]
    fn the_same_key_and_tree_give_the_vectors_checkpoint() {
        let vector = vector();
        let expected = vector["checkpoint"].as_str().unwrap();
        let seed: [u8; 32] =
            hex::decode(vector["log_seed_hex"].as_str().unwrap()).unwrap().try_into().unwrap();
        let key = SigningKey::from_bytes(&seed);
        let vkey: VerifierKey = vector["log_vkey"].as_str().unwrap().parse().unwrap();
        let (checkpoint, note) = Checkpoint::parse(expected).unwrap();
        note.verify(std::slice::from_ref(&vkey)).unwrap();
        assert_eq!(checkpoint.size, 5);
        assert_eq!(VerifierKey::of(&checkpoint.origin, &key).unwrap(), vkey);
        let ours = sign(&checkpoint.origin, 5, checkpoint.root, &key).unwrap();
        // The vector has a witness's line besides ours, which we ignore but keep.
        assert!(expected.starts_with(&ours));
        assert_eq!(note.signatures.len(), 2);
        assert_eq!(before_cosignatures(expected).unwrap(), ours);
        assert_eq!(before_cosignatures(&ours).unwrap(), ours);
        let stranger = SigningKey::from_bytes(&[5; 32]);
        let other = note::sign(&checkpoint.text(), "annan", &stranger).unwrap();
        assert!(before_cosignatures(&other).is_err());
    }

    #[test]
    fn what_is_no_checkpoint_is_refused() {
        let root = "Tju7H3tHjc/nH7YxYxUZo7yhLJrvyhYSv85ME6hiZNQ=";
        for bad in [
            String::new(),
            "a\n".to_owned(),
            "a\n5\n".to_owned(),
            format!("a\n5\n{root}"),
            format!("\n5\n{root}\n"),
            format!("a\n05\n{root}\n"),
            format!("a\n+5\n{root}\n"),
            format!("a\n-5\n{root}\n"),
            format!("a\n\n{root}\n"),
            format!("a\n18446744073709551616\n{root}\n"),
            format!("a\n5\n{root}\nextension\n"),
            "a\n5\nAAAA\n".to_owned(),
        ] {
            assert!(Checkpoint::from_text(&bad).is_err(), "{bad:?}");
        }
        assert_eq!(Checkpoint::from_text(&format!("a\n0\n{root}\n")).unwrap().size, 0);
    }
}
