//! Emulated platforms for the demo, tests and benches.
