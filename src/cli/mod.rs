//! The commands, as functions over readers and writers.

pub mod classify;

pub mod evaluate;
