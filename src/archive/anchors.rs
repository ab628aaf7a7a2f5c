//! What outsiders say of one checkpoint, as it goes into a bag.

use super::note::lines;

/// A time-stamp and cosignatures of a bag's checkpoint; both may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Anchors {
    /// The authority's reply as it came, and its certificates (PEM).
    pub stamp: Option<(Vec<u8>, String)>,
    /// Keys of witnesses, each with its signature line.
    pub cosignatures: Vec<(String, String)>,
}

impl Anchors {
    /// The files that a bag has more: path and bytes.
    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        let mut files = Vec::new();
        if let Some((reply, chain)) = &self.stamp {
            files.push(("uppsikt/checkpoint.tsr".to_owned(), reply.clone()));
            files.push(("uppsikt/tsa-chain.pem".to_owned(), chain.clone().into_bytes()));
        }
        if !self.cosignatures.is_empty() {
            let keys = lines(self.cosignatures.iter().map(|(key, _)| key));
            files.push(("uppsikt/witness.vkey".to_owned(), keys.into_bytes()));
        }
        files
    }

    /// The checkpoint with the witnesses' lines under it, as the proofs have it.
    pub fn cosigned(&self, checkpoint: &str) -> String {
        let lines = self.cosignatures.iter().map(|(_, line)| line.as_str());
        std::iter::once(checkpoint).chain(lines).collect()
    }
}
