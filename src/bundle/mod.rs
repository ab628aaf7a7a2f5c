//! What leaves the house: evidence that holds up without Uppsikt.

pub mod bag;
pub mod pdf;

mod guide;
