//! The one integration binary.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop with a message")]

mod mail;
mod bluesky_network;
mod support;
mod tidy;
