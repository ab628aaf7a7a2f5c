//! The truth, in SQLite. SQL lives only here.

mod intent;

pub use intent::{Act, Intent};
