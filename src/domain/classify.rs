//! Rules and a comment → findings, a proposal, and whether an answer is due.
//!
//! The words live in `config/rules/*.toml`; here is the grammar that reads them: a term, whom it is about, and what
//! negation, quotation and praise round it do. Time grows with the length of the text and nothing else.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::category::{Category, Proposal};
use super::comment::{Attachment, Platform};

mod agree;
mod answer;
mod around;
mod combine;
mod detect;
mod document;
mod example;
mod explain;
mod language;
mod lexicon;
pub mod model;
mod notes;
mod pattern;
mod policy;
mod rules;
mod scan;
pub mod wave;
mod weight;

pub use explain::{explain, place, reason};
pub use model::Ruled;
pub use notes::{Because, Notes, Source, Wave};
pub use policy::Policies;
pub use rules::{OnTrial, RuleFault, RuleFile, RuleSet, RuleView, Trial, Trials};

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

impl Finding {
    /// True where not the words but what stands round them decided: who is agreed with, who else wrote the same.
    pub fn is_from_context(&self) -> bool {
        rules::BUILT_IN.contains(&self.rule.as_str())
    }
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
    /// What is remembered beside: what is on trial, what the context was, who else wrote the same.
    pub notes: Notes,
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
    /// Earlier comments of the same thread, the newest first.
    pub thread: &'a [&'a str],
    /// Other comments that say nearly the same.
    pub wave: Option<&'a Wave>,
    /// What stands beside the text.
    pub attachments: &'a [Attachment],
}

/// Judges one comment; total, pure, and linear in the length of the text.
pub fn classify(rules: &RuleSet, policies: &Policies, input: &Input<'_>) -> Assessment {
    let scan = scan(rules, input);
    let mut findings = scan.findings;
    let mut notes = Notes { context: scan.because, ..Notes::default() };
    if let Some(parent) = input.parent.filter(|_| rules.agreeing.is_all_of(input.text)) {
        let above =
            found(rules, &Input { text: parent, parent: None, wave: None, attachments: &[], ..*input });
        agree::take_over(input.text, &above, &mut findings, &mut notes);
    }
    if let Some(wave) = input.wave.filter(|wave| wave.is_told()) {
        wave::add(rules, input.text, wave, &mut findings);
        notes.wave = Some(wave.clone());
    }
    let mut findings = heard(rules, input.text, (findings, scan.excused), &mut notes.shadow);
    for all in [&mut findings, &mut notes.shadow] {
        all.sort_by(|one, two| {
            (one.start, one.end, one.category, &one.rule).cmp(&(two.start, two.end, two.category, &two.rule))
        });
    }
    let proposal = findings.iter().map(|finding| proposal(policies, finding)).max().unwrap_or(Proposal::Keep);
    let unread = findings
        .iter()
        .any(|finding| finding.category == Category::Unreadable && finding.end > finding.start);
    let needs_answer = scan.needs_answer
        || unread
        || findings.iter().any(|finding| finding.category == Category::IndividualCase);
    Assessment { findings, proposal, needs_answer, language: scan.language, notes }
}

/// What is found in a text, without what is on trial.
fn found(rules: &RuleSet, input: &Input<'_>) -> Vec<Finding> {
    let scan = scan(rules, input);
    heard(rules, input.text, (scan.findings, scan.excused), &mut Vec::new())
}

/// Lets the model speak and the findings settle. What is on trial is laid aside first: it neither adds to the others
/// nor silences them.
fn heard(
    rules: &RuleSet,
    text: &str,
    (findings, excused): (Vec<Finding>, bool),
    shadow: &mut Vec<Finding>,
) -> Vec<Finding> {
    let on_trial = |finding: &Finding| rules.trials().covers(&finding.rule, finding.category);
    let (mut tried, mut counted): (Vec<_>, Vec<_>) = findings.into_iter().partition(on_trial);
    weight::weigh(text, &mut counted);
    if let Some(model) = rules.model() {
        combine::hear(model, text, excused, &mut counted);
        let (more, rest) = counted.into_iter().partition(on_trial);
        tried.extend::<Vec<_>>(more);
        counted = rest;
    }
    if !tried.is_empty() {
        let mut all = [counted.clone(), tried].concat();
        weight::weigh(text, &mut all);
        settle(&mut all);
        shadow.extend(all.into_iter().filter(on_trial));
    }
    settle(&mut counted);
    counted
}

/// What the rules alone find in a text, and how a model is heard beside them: what `train` must know.
pub fn ruled(rules: &RuleSet, text: &str) -> (BTreeSet<Category>, Ruled) {
    let scan = scan(rules, &Input { text, ..Input::default() });
    let mut findings = scan.findings;
    weight::weigh(text, &mut findings);
    let stand = combine::ruled(&findings, scan.excused);
    settle(&mut findings);
    (findings.into_iter().map(|finding| finding.category).collect(), stand)
}

/// What one finding suggests: at most a look when the rule is unsure, unless the category is always escalated. What
/// only the model has seen, or only the context tells, is looked at and no more, whatever it is.
fn proposal(policies: &Policies, finding: &Finding) -> Proposal {
    let wanted = policies.get(finding.category).proposal;
    if finding.rule.starts_with(combine::PREFIX) || finding.is_from_context() {
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
    // What the model sees beside a rule is told beside it, and silences nothing.
    let all: Vec<Finding> =
        findings.iter().filter(|finding| finding.view != combine::VIEW).cloned().collect();
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
