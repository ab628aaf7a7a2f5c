//! What leaves the house: evidence that holds up without Uppsikt.

pub mod bag;
pub mod derived;
pub mod html;
pub mod pdf;
pub mod sip;
pub mod wacz;

mod guide;
mod handling;
