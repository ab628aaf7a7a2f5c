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
/// STUB
#[derive(Debug, Default)]
pub struct RuleSet;
impl RuleSet {
    /// s
    pub fn embedded() -> Self {
        Self
    }
    /// s
    pub fn version(&self) -> &str {
        "stub"
    }
}
/// STUB
#[derive(Debug, Default, Clone)]
pub struct Policies;
/// STUB
#[derive(Debug)]
pub struct Input<'a> {
    /// s
    pub text: &'a str,
    /// s
    pub platform: Option<super::comment::Platform>,
    /// s
    pub parent: Option<&'a str>,
    /// s
    pub post: Option<&'a str>,
    /// s
    pub attachments: &'a [super::comment::Attachment],
}
/// STUB
pub fn classify(_r: &RuleSet, _p: &Policies, i: &Input<'_>) -> Assessment {
    let bad = i.text.contains("idiot");
    Assessment {
        findings: if bad {
            vec![Finding {
                category: Category::Insult,
                rule: "insult.stub".into(),
                version: 1,
                view: "plain".into(),
                band: Band::Obvious,
                confidence: 1.0,
                start: 0,
                end: 1,
            }]
        } else {
            vec![]
        },
        proposal: if bad { Proposal::Hide } else { Proposal::Keep },
        needs_answer: i.text.contains('?'),
        language: None,
    }
}
impl FromIterator<(Category, super::category::CategoryPolicy)> for Policies { fn from_iter<T: IntoIterator<Item = (Category, super::category::CategoryPolicy)>>(_p: T) -> Self { Self } }
