//! A proof that one entry is in the log, with the checkpoint it leads to (c2sp.org/tlog-proof@v1).

use std::fmt::Write;

use base64::prelude::{BASE64_STANDARD, Engine};

use super::checkpoint::{self, Checkpoint};
use super::merkle::{self, Hash};
use super::note::{NoteError, VerifierKey};

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";

/// A proof longer than this many hashes belongs to no tree that can exist.
const MOST_HASHES: usize = 64;

/// A proof taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The entry's index in the log.
    pub index: u64,
    /// The path, the leaf's sibling first.
    pub path: Vec<Hash>,
    /// The checkpoint's file, verbatim, with all its signature lines.
    pub checkpoint: String,
}

/// Why a proof does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The text is no proof.
    #[error("this is no tlog-proof: {0}")]
    Malformed(&'static str),
    /// The checkpoint in it is none, or is not signed as it must be.
    #[error(transparent)]
    Checkpoint(#[from] NoteError),
    /// The path does not lead from the entry to the checkpoint's root.
    #[error("the path from entry {index} does not lead to the checkpoint's root")]
    Path {
        /// The entry's index.
        index: u64,
    },
}

impl Proof {
    /// The proof as a file.
    pub fn text(&self) -> String {
        let mut text = format!("{FIRST_LINE}\nindex {}\n", self.index);
        for hash in &self.path {
            // Writing to a `String` cannot fail.
            let _ = writeln!(text, "{}", BASE64_STANDARD.encode(hash));
        }
        text.push('\n');
        text.push_str(&self.checkpoint);
        text
    }

    /// Takes a proof apart; verifies nothing. An `extra` line is allowed and dropped: nothing authenticates it.
    ///
    /// # Errors
    /// `Malformed`, with what is wrong.
    pub fn parse(text: &str) -> Result<Self, ProofError> {
        let Some((head, checkpoint)) = text.split_once("\n\n") else {
            return Err(ProofError::Malformed("no empty line divides path and checkpoint"));
        };
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(FIRST_LINE) {
            return Err(ProofError::Malformed("its first line is another"));
        }
        if let Some(extra) = lines.next_if(|line| line.starts_with("extra ")) {
            let encoded = extra.trim_start_matches("extra ");
            BASE64_STANDARD
                .decode(encoded)
                .map_err(|_| ProofError::Malformed("its extra line is no base64"))?;
        }
        let index = lines
            .next()
            .and_then(|line| line.strip_prefix("index "))
            .and_then(checkpoint::decimal)
            .ok_or(ProofError::Malformed("it has no index"))?;
        let mut path = Vec::new();
        for line in lines {
            if path.len() == MOST_HASHES {
                return Err(ProofError::Malformed("its path is longer than 64 hashes"));
            }
            path.push(checkpoint::hash(line).ok_or(ProofError::Malformed("a line of its path is no hash"))?);
        }
        Ok(Self { index, path, checkpoint: checkpoint.to_owned() })
    }

    /// Checks the path from `leaf` to the root of the checkpoint; returns that checkpoint. With `trusted` keys the
    /// checkpoint must be signed by one of them; without any, its signatures are not looked at.
    ///
    /// # Errors
    /// Any [`ProofError`].
    pub fn verify(&self, leaf: &Hash, trusted: &[VerifierKey]) -> Result<Checkpoint, ProofError> {
        let (checkpoint, note) = Checkpoint::parse(&self.checkpoint)?;
        if !trusted.is_empty() {
            note.verify(trusted)?;
        }
        if !merkle::verify_inclusion(leaf, self.index, checkpoint.size, &self.path, &checkpoint.root) {
            return Err(ProofError::Path { index: self.index });
        }
        Ok(checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn vector() -> (String, Hash, Vec<VerifierKey>) {
        let vector: Value =
            serde_json::from_str(include_str!("../../tests/fixtures/vectors/own-tlog.json")).unwrap();
        let leaf = merkle::leaf_hash(&hex::decode(vector["leaf_data_hex"].as_str().unwrap()).unwrap());
        let vkey = vector["log_vkey"].as_str().unwrap().parse().unwrap();
        (vector["tlog_proof"].as_str().unwrap().to_owned(), leaf, vec![vkey])
    }

    #[test]
    fn the_vectors_proof_verifies_and_is_written_back_byte_for_byte() {
        let (text, leaf, keys) = vector();
        let proof = Proof::parse(&text).unwrap();
        assert_eq!(proof.index, 3);
        assert_eq!(proof.verify(&leaf, &keys).unwrap().size, 5);
        assert_eq!(proof.text(), text);
    }

    #[test]
    fn another_leaf_index_or_key_does_not_verify() {
        let (text, leaf, keys) = vector();
        let mut proof = Proof::parse(&text).unwrap();
        let other = merkle::leaf_hash(b"other");
        assert_eq!(proof.verify(&other, &keys), Err(ProofError::Path { index: 3 }));
        let stranger = ed25519_dalek::SigningKey::from_bytes(&[9; 32]);
        let stranger = VerifierKey::of("exempel.se/uppsikt/logg1", &stranger).unwrap();
        assert_eq!(proof.verify(&leaf, &[stranger]), Err(ProofError::Checkpoint(NoteError::Unsigned)));
        proof.index = 2;
        assert_eq!(proof.verify(&leaf, &keys), Err(ProofError::Path { index: 2 }));
    }

    #[test]
    fn an_extra_line_is_allowed_and_other_lines_are_not() {
        let (text, leaf, keys) = vector();
        let extra = text.replacen("\nindex", "\nextra AAAA\nindex", 1);
        Proof::parse(&extra).unwrap().verify(&leaf, &keys).unwrap();
        for bad in [
            String::new(),
            text.replacen("@v1", "@v2", 1),
            text.replacen("\nindex", "\nextra %\nindex", 1),
            text.replacen("index 3", "index 03", 1),
            text.replacen("index 3", "index", 1),
            text.replacen("ApjR", "A", 1),
            text.replacen(
                "index 3\n",
                &format!("index 3\n{}", "ApjRIpBtz8EIkstTpzmS/FufST6kybrbJ7eRtBJ6f+c=\n".repeat(64)),
                1,
            ),
        ] {
            assert!(matches!(Proof::parse(&bad), Err(ProofError::Malformed(_))), "{bad}");
        }
    }
}
