//! Supervision of a Swedish municipality's social media: what breaks the published guideline is preserved and registered
//! before it is hidden, and a person decides about speech. README.md says what it does and how it is used.
//!
//! The modules stand in the order in which data passes through them.

pub mod clock;

pub mod durable;

pub mod kill;

pub mod panics;

pub mod domain;

pub mod config;

pub mod archive;

pub mod bundle;

pub mod store;

pub mod connector;

pub mod outbox;

pub mod moves;

pub mod steps;

pub mod pipeline;

mod beside;

pub mod polling;

pub mod mail;

pub mod sandbox;

pub mod assemble;

pub mod desk;

pub mod daemon;

pub mod cli;
