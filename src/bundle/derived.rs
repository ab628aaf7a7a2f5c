//! What is made of a record for people and players: paper, page, web archive. None of it is committed to by the log; all
//! of it can be made again.

use std::collections::BTreeMap;

use super::bag::BagInput;
use super::html;
use super::pdf::{self, PdfError};
use super::wacz::{self, WaczError};

/// Where the handling lies as paper, below `data/`.
pub const HANDLING: &str = "render/handling.pdf";

/// Where it lies as a page for a browser.
pub const PAGE: &str = "render/handling.html";

/// Where the web archive lies.
pub const CAPTURE: &str = "capture/snapshot.wacz";

/// Why it cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DerivedError {
    /// The handling.
    #[error(transparent)]
    Handling(#[from] PdfError),
    /// The web archive.
    #[error(transparent)]
    Wacz(#[from] WaczError),
}

/// All of it: path below `data/` and bytes, wholly determined by what goes in.
///
/// # Errors
/// As [`DerivedError`].
pub fn derive(input: &BagInput) -> Result<BTreeMap<String, Vec<u8>>, DerivedError> {
    let (paper, page) = (pdf::handling(input)?, html::handling(input)?);
    let archive = wacz::archive(input, &page)?;
    Ok(BTreeMap::from([(HANDLING.to_owned(), paper), (PAGE.to_owned(), page), (CAPTURE.to_owned(), archive)]))
}
