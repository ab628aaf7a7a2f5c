//! What leaves the house: evidence that holds up without Uppsikt.

pub mod bag;

mod guide;
