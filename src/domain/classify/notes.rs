//! What a judgement remembers beside its findings. No text is kept here: only places, so that what is disposed of is
//! gone here too.

use serde::{Deserialize, Serialize};

use super::Finding;

/// What a judgement remembers beside its findings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Notes {
    /// What rules and categories on trial found: it is counted, and nothing follows from it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shadow: Vec<Finding>,
    /// Which words above the comment decided, by rule.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub context: Vec<Because>,
    /// Other comments that say nearly the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wave: Option<Wave>,
}

/// Where a text stands that is read beside a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The comment that is answered.
    Parent,
    /// The post.
    Post,
    /// An earlier comment of the same thread.
    Thread,
}

impl Source {
    /// What an editor calls it, in Swedish.
    pub fn name(self) -> &'static str {
        match self {
            Self::Parent => "kommentaren som den svarar på",
            Self::Post => "inlägget",
            Self::Thread => "en tidigare kommentar i tråden",
        }
    }
}

/// Words above a comment that a rule asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Because {
    /// The rule.
    pub rule: String,
    /// Where they stand.
    pub source: Source,
    /// Which earlier comment of the thread, the newest is 0; else 0.
    #[serde(default, skip_serializing_if = "is_first")]
    pub nth: usize,
    /// Start of the words there, in bytes; start and end are the same where it was the text as a whole.
    pub start: usize,
    /// End of the words there (exclusive), in bytes.
    pub end: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_first(nth: &usize) -> bool {
    *nth == 0
}

/// Comments that say nearly the same as one, within the days before it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wave {
    /// How many comments, this one among them.
    pub texts: usize,
    /// By how many writers.
    pub authors: usize,
    /// On how many of the municipality's accounts.
    pub accounts: usize,
    /// The rows of the other texts, at most fifty.
    pub with: Vec<i64>,
}
