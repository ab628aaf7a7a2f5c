//! The handling: one record as pages that a person reads, PDF/A-1b (ISO 19005-1), which needs no other program in thirty
//! years.
//!
//! It is made in the process, from what the log commits to and from nothing else, so that the same bag gives the same
//! bytes. It is no picture of the platform, and says so.

mod plain;
mod sheet;
pub(super) mod text;

use chrono::Datelike;

use super::bag::BagInput;
use super::handling;
pub use plain::{Block, Printed, plain};
use sheet::{About, Sheet};

/// Why there is no handling.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PdfError {
    /// The bag is not whole; `bag::write` would refuse it too.
    #[error("the record cannot be shown: {0}")]
    Unsound(String),
    /// What was set does not keep to PDF/A-1b.
    #[error("the pages do not keep to PDF/A-1b, so they were not written: {0}")]
    Archival(String),
}

/// The record as pages.
///
/// # Errors
/// As [`PdfError`].
pub fn handling(input: &BagInput) -> Result<Vec<u8>, PdfError> {
    let mut sheet = Sheet::new();
    let frame = handling::fill(&mut sheet, input)?;
    sheet.finish(&About {
        title: frame.title,
        author: input.organisation.clone(),
        id: input.record.to_string(),
        date: (
            u16::try_from(input.date.year()).unwrap_or_default(),
            u8::try_from(input.date.month()).unwrap_or_default(),
            u8::try_from(input.date.day()).unwrap_or_default(),
        ),
        foot: frame.foot,
    })
}

#[cfg(test)]
mod tests;
