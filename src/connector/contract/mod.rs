//! What every connector promises, held against the emulated platforms: one test a promise, each for all six; and what
//! Bluesky's promises, every one, against the real network too.
//!
//! The emulators are written from the platforms' documentation and never from the connectors, so a promise that holds
//! here is one that two readings of the same source agree on. `gotchas` names, for each known oddity of a platform, the
//! test that fails without its handling.

mod acting;
mod changes;
mod faults;
mod gotchas;
mod keys;
mod limits;
mod looking;
mod network;
mod reading;
mod town;
mod wire;
