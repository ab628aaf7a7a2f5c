//! Evidence: the log, the packs, the keys, and the proof that something is preserved.

mod preserved;

pub use preserved::Preserved;
