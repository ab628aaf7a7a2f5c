//! Evidence: the log, the packs, the keys, and the proof that something is preserved.
//!
//! The formats on disk are specified in `archive/README.md`, so that a stranger can write a verifier.

mod preserved;

mod vault;

pub mod jcs;

pub mod entry;

pub mod fields;

pub mod exchange;

pub mod pack;

pub mod keys;

pub mod merkle;

pub mod note;

pub mod cosign;

pub mod witness;

pub mod checkpoint;

pub mod proof;

mod der;

pub mod timestamp;

pub mod anchors;
pub mod sip;

pub mod stored;

pub mod tiles;

pub mod bagit;

pub mod verify;

pub mod wacz;

pub mod warc;

pub use preserved::Preserved;
pub use vault::{ArchiveError, Published, Vault, sha256, sha256_hex};
