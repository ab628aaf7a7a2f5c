#![doc = include_str!("../README.md")]
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
