//! The one integration binary.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop with a message")]

mod archive;
mod bag;
mod bluesky;
mod letters;
mod mail;
mod support;
mod tidy;
