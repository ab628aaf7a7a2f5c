//! The proof that a comment is preserved.

use crate::domain::comment::CommentId;

/// Proof that one version of one comment is in the archive and reads back whole.
///
/// Made only by reading pack, entry and covering checkpoint back in this process; not `Clone`; borrowed for one act.
/// The comment's id is inside the proof, so that the wrong comment cannot be hidden with it.
#[derive(Debug)]
pub struct Preserved {
    comment: CommentId,
    text_digest: [u8; 32],
    record: String,
}

impl Preserved {
    /// Only `Vault::recall` makes one, after reading everything back.
    pub(super) fn new(comment: CommentId, text_digest: [u8; 32], record: String) -> Self {
        Self { comment, text_digest, record }
    }

    /// The comment that is preserved.
    pub fn comment(&self) -> &CommentId {
        &self.comment
    }

    /// SHA-256 of the preserved text (UTF-8).
    pub fn text_digest(&self) -> &[u8; 32] {
        &self.text_digest
    }

    /// The record's id, 32 hexadecimal digits.
    pub fn record(&self) -> &str {
        &self.record
    }

    /// A proof of nothing, for unit tests of connectors.
    #[cfg(test)]
    pub(crate) fn for_tests(comment: CommentId, text: &str) -> Self {
        use sha2::Digest;
        Self { comment, text_digest: sha2::Sha256::digest(text.as_bytes()).into(), record: "00".repeat(16) }
    }
}
