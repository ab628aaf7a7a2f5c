//! Any text of ours on paper: headings, running text, names with values; PDF/A-1b as the handling is.

use chrono::{Datelike, NaiveDate};

use super::super::handling::Sheet as _;
use super::PdfError;
use super::sheet::{About, Sheet};

/// A piece of a printed text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// A heading.
    Heading(String),
    /// Running text.
    Paragraph(String),
    /// A name and what it is, side by side.
    Fact(String, String),
}

/// A text to be printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printed {
    /// Its name, which stands first.
    pub title: String,
    /// Who made it.
    pub author: String,
    /// An id that is the same whenever the same is printed.
    pub id: String,
    /// The day it tells of (Stockholm).
    pub date: NaiveDate,
    /// Stands at the foot of every page.
    pub foot: String,
    /// The text.
    pub blocks: Vec<Block>,
}

/// The text as pages, wholly determined by it.
///
/// # Errors
/// `Archival`: a sign that PDF/A-1b does not take.
pub fn plain(text: &Printed) -> Result<Vec<u8>, PdfError> {
    let mut sheet = Sheet::new();
    sheet.title(&text.title);
    for block in &text.blocks {
        match block {
            Block::Heading(heading) => sheet.heading(heading),
            Block::Paragraph(paragraph) => sheet.paragraph(paragraph),
            Block::Fact(name, value) => sheet.fact(name, value),
        }
    }
    sheet.finish(&About {
        title: text.title.clone(),
        author: text.author.clone(),
        id: text.id.clone(),
        date: (
            u16::try_from(text.date.year()).unwrap_or_default(),
            u8::try_from(text.date.month()).unwrap_or_default(),
            u8::try_from(text.date.day()).unwrap_or_default(),
        ),
        foot: text.foot.clone(),
    })
}
