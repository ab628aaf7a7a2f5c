//! The one integration binary.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop with a message")]

mod archive;
mod bag;
mod bluesky;
mod browser;
mod connect;
mod crash;
mod day;
mod decided;
mod demo;
mod desk;
mod faults;
mod fuzz;
mod hand;
mod intake;
mod interleaving;
mod keys;
mod late;
mod letters;
mod life;
mod mail;
mod media;
mod order;
mod panics;
mod pdf;
mod polling;
mod posts;
mod purge;
mod readme;
mod rules;
mod secrets;
mod supply;
mod support;
mod tidy;
mod units;
mod views;
