//! What Uppsikt decides, without ever waiting or failing.
//!
//! Nothing here performs input or output, reads a clock, logs, or is asynchronous; only parsing returns errors.
//! `tests/it/tidy.rs` holds this module to it.

mod codes;

pub mod comment;
pub mod coverage;

pub mod media;

pub mod category;

pub mod text;

pub mod classify;

pub mod calendar;

pub mod deadline;

pub mod month;

pub mod roster;

pub mod duty;

pub mod case;

pub mod letter;

pub mod key;

pub mod spelling;

pub mod words;
