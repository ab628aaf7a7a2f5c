//! Rules and a comment → findings, a proposal, and whether an answer is due.
//!
//! The words live in `config/rules/*.toml`; here is the grammar that reads them: a term, whom it is about, and what
//! negation, quotation and praise round it do. Time grows with the length of the text and nothing else.

use serde::{Deserialize, Serialize};

use super::category::{Category, Proposal};
use super::comment::{Attachment, Platform};

mod answer;
mod combine;
mod detect;
mod document;
mod explain;
mod language;
mod lexicon;
pub mod model;
mod pattern;
mod policy;
mod rules;
mod scan;
mod weight;

pub use explain::explain;
pub use policy::Policies;
pub use rules::{RuleFault, RuleSet};

use scan::scan;

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

/// One comment and what stands round it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Input<'a> {
    /// The comment's text, exactly as sent.
    pub text: &'a str,
    /// Where it was written.
    pub platform: Option<Platform>,
    /// The text of the comment that it answers.
    pub parent: Option<&'a str>,
    /// The text of the post that it stands under.
    pub post: Option<&'a str>,
    /// What stands beside the text.
    pub attachments: &'a [Attachment],
}

/// Judges one comment; total, pure, and linear in the length of the text.
pub fn classify(rules: &RuleSet, policies: &Policies, input: &Input<'_>) -> Assessment {
    let scan = scan(rules, input);
    let mut findings = scan.findings;
    weight::weigh(input.text, &mut findings);
    if let Some(model) = rules.model() {
        combine::hear(model, input.text, &mut findings);
    }
    settle(&mut findings);
    findings.sort_by(|one, two| {
        (one.start, one.end, one.category, &one.rule).cmp(&(two.start, two.end, two.category, &two.rule))
    });
    let proposal = findings.iter().map(|finding| proposal(policies, finding)).max().unwrap_or(Proposal::Keep);
    let unread = findings
        .iter()
        .any(|finding| finding.category == Category::Unreadable && finding.end > finding.start);
    let needs_answer = scan.needs_answer
        || unread
        || findings.iter().any(|finding| finding.category == Category::IndividualCase);
    Assessment { findings, proposal, needs_answer, language: scan.language }
}

/// What one finding suggests: at most a look when the rule is unsure, unless the category is always escalated. What
/// only the model has seen is looked at and no more, whatever it is.
fn proposal(policies: &Policies, finding: &Finding) -> Proposal {
    let wanted = policies.get(finding.category).proposal;
    if finding.rule.starts_with(combine::PREFIX) {
        return wanted.min(Proposal::Review);
    }
    if finding.band == Band::Look && wanted != Proposal::Escalate {
        wanted.min(Proposal::Review)
    } else {
        wanted
    }
}

/// Lets the graver of two findings about the same words speak.
fn settle(findings: &mut Vec<Finding>) {
    let near = |finding: &Finding, of: &[Category], reach: usize, all: &[Finding]| {
        all.iter().any(|other| {
            of.contains(&other.category)
                && other.start <= finding.end + reach
                && finding.start <= other.end + reach
        })
    };
    let all = findings.clone();
    findings.retain(|finding| match finding.category {
        // A swear word that only strengthens an attack is no second offence.
        Category::Profanity => {
            !near(finding, &[Category::Insult, Category::Hate, Category::Sexist, Category::Threat], 3, &all)
        }
        // What the model says, it says of the text and not of a word.
        Category::Insult => {
            finding.view == combine::VIEW || !near(finding, &[Category::Hate, Category::Sexist], 0, &all)
        }
        // Who urges to terrorism urges to a crime.
        Category::IncitementCrime => !near(finding, &[Category::IncitementTerror], 0, &all),
        // An accusation on hearsay is a rumour.
        Category::Defamation => !near(finding, &[Category::GossipLies], 40, &all),
        // The seller's own number in an advertisement is not a private person's.
        Category::PersonalData if finding.rule.starts_with("phone") || finding.rule.starts_with("email") => {
            !all.iter().any(|other| matches!(other.category, Category::SpamTroll | Category::Commercial))
        }
        Category::Unreadable if finding.end > finding.start => {
            !all.iter().any(|other| other.category != Category::Unreadable && other.band == Band::Obvious)
        }
        _ => true,
    });
}

#[cfg(test)]
mod tests;
