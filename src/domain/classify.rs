//! Rules and a comment → findings, a proposal, and whether an answer is due.

use serde::{Deserialize, Serialize};

use super::category::{Category, Proposal};

/// How sure a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Band {
    /// A person looks.
    Look,
    /// Unmistakable.
    Obvious,
}

/// One rule that matched, and where.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What the guideline calls it.
    pub category: Category,
    /// The rule's id.
    pub rule: String,
    /// The rule's version.
    pub version: u32,
    /// The view of the text in which it matched (`plain`, `leet`, …).
    pub view: String,
    /// How sure.
    pub band: Band,
    /// 0 to 1; orders findings, decides nothing by itself.
    pub confidence: f64,
    /// Start of the words, a byte offset into the original text.
    pub start: usize,
    /// End of the words (exclusive), a byte offset into the original text.
    pub end: usize,
}

/// What the rules say of one version of one comment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// Every finding, in order of place; empty for a clean comment.
    pub findings: Vec<Finding>,
    /// The strongest proposal of the categories found.
    pub proposal: Proposal,
    /// Whether somebody seems to expect an answer; unsure counts as yes.
    pub needs_answer: bool,
    /// The guessed language (ISO 639-1), if any could be guessed.
    pub language: Option<String>,
}
