//! The stages of a comment's way, in this order. Each takes rows in one state and leaves them in the next.
//!
//! Steps never call steps; they meet only in the database. A crash anywhere is a restart of the same functions over
//! the same rows (DESIGN §3).

pub mod poll;

pub mod keys;

pub mod judge;

pub mod media;

pub mod preserve;

pub mod register;

pub mod act;

pub mod watch;

pub mod notify;

pub mod received;

pub mod purge;

pub mod anchor;

pub mod export;
