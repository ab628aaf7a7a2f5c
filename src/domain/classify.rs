//! Rules and a comment → findings, a proposal, and whether an answer is due.
//!
//! The words live in `config/rules/*.toml`; here is the grammar that reads them: a term, whom it is about, and what
//! negation, quotation and praise round it do. Time grows with the length of the text and nothing else.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::category::{Category, Proposal};
use super::comment::{Attachment, Platform};
use super::text::{self, View};

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

pub use explain::explain;
pub use policy::Policies;
pub use rules::{RuleFault, RuleSet};

use document::Document;
use pattern::Pattern;
use rules::{Effect, Rule};
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

/// More findings of one rule tell nobody anything new.
const MOST_PER_RULE: usize = 10;

/// A bound on refused attempts of one rule in one view, so that hostile repetition stays cheap.
const MOST_ATTEMPTS: usize = 100;

/// How much less a finding is trusted when letters had to be read differently from how they stand.
const OTHER_READING: f64 = 0.85;

/// Judges one comment; total, pure, and linear in the length of the text.
pub fn classify(rules: &RuleSet, policies: &Policies, input: &Input<'_>) -> Assessment {
    let scan = scan(rules, input);
    let mut findings = scan.findings;
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
    let needs_answer = answer::needs_answer(rules, &scan.plain, input)
        || unread
        || findings.iter().any(|finding| finding.category == Category::IndividualCase);
    Assessment { findings, proposal, needs_answer, language: scan.language }
}

/// What one finding suggests: at most a look when the rule is unsure, unless somebody may be in danger. What only the
/// model has seen is looked at and no more, whatever it is.
fn proposal(policies: &Policies, finding: &Finding) -> Proposal {
    let wanted = policies.get(finding.category).proposal;
    if finding.rule.starts_with(combine::PREFIX) {
        return wanted.min(Proposal::Review);
    }
    if finding.band == Band::Look && !finding.category.is_danger() && finding.category != Category::SelfHarm {
        wanted.min(Proposal::Review)
    } else {
        wanted
    }
}

/// What the rules find before one finding silences another.
struct Scan {
    findings: Vec<Finding>,
    plain: Document,
    language: Option<String>,
}

fn scan(rules: &RuleSet, input: &Input<'_>) -> Scan {
    let views = text::views(input.text, &rules.undiacritic);
    let mut found = Found { findings: Vec::new(), per_rule: HashMap::new(), parent: None };
    let mut documents: Vec<Document> = Vec::with_capacity(views.len());
    for view in views {
        let document = Document::new(rules, view, documents.first());
        found.terms(rules, &document, documents.first(), input.parent);
        documents.push(document);
    }
    let bare = documents.iter().find(|document| document.view.reading == text::Reading::Stripped);
    let bare = bare.or(documents.first());
    // Folding takes the letters away that tell Sami from Swedish: the language is read in the plain view.
    let language = documents.first().and_then(language::guess);
    if let Some(document) = bare {
        for (index, rule) in rules.rules.iter().enumerate() {
            if let Some(detector) = rule.detector {
                for (span, view) in detect::run(detector, document, input, language.as_deref()) {
                    found.add(index, rule, span, view, rule.band, rule.confidence);
                }
            }
        }
    }
    let plain = match documents.iter().position(|document| document.view.reading == text::Reading::Stripped) {
        Some(at) => documents.swap_remove(at),
        None => documents.swap_remove(0),
    };
    Scan { findings: found.findings, plain, language }
}

/// Whether a rule by itself finds something in a text; `[image] …` stands for a comment with a picture,
/// `… ↩ …` for an answer and the comment that it answers.
fn fires(rules: &RuleSet, rule: &Rule, text: &str) -> bool {
    let (attachments, text): (&[Attachment], &str) = match text.strip_prefix("[image]") {
        Some(text) => (&[Attachment::Image], text.trim_start()),
        None => (&[], text),
    };
    let (text, parent) = text.split_once(" ↩ ").map_or((text, None), |(text, parent)| (text, Some(parent)));
    let scan = scan(rules, &Input { text, parent, attachments, ..Input::default() });
    scan.findings.iter().any(|finding| finding.rule == rule.id)
}

/// More of the parent comment is not read: its words are only a context.
const MOST_OF_PARENT: usize = 2000;

struct Found {
    findings: Vec<Finding>,
    /// The comment answered, read only when a rule asks for it.
    parent: Option<Document>,
    per_rule: HashMap<usize, Vec<(usize, usize)>>,
}

impl Found {
    fn terms(&mut self, rules: &RuleSet, document: &Document, base: Option<&Document>, parent: Option<&str>) {
        let mut attempts: HashMap<usize, usize> = HashMap::new();
        let mut anywhere: HashMap<usize, bool> = HashMap::new();
        let fresh: Vec<bool> = document
            .sentences
            .iter()
            .map(|sentence| base.is_none_or(|base| document.differs(base, *sentence)))
            .collect();
        for at in 0..document.tokens.len() {
            if !fresh[document.tokens[at].sentence] {
                continue;
            }
            let sentence = document.sentence_of(at);
            let end = sentence.end;
            for symbol in document.symbols(at) {
                for (index, pattern) in rules.heads.get(symbol).map(Vec::as_slice).unwrap_or_default() {
                    if (pattern.at_start && sentence.first != at) || !document.possible(pattern, sentence) {
                        continue;
                    }
                    let Some(after) = pattern.matches(&|i, symbol| document.has(i, symbol), at, end) else {
                        continue;
                    };
                    let tries = attempts.entry(*index).or_default();
                    *tries += 1;
                    if *tries > MOST_ATTEMPTS {
                        continue;
                    }
                    let rule = &rules.rules[*index];
                    let stopped = *anywhere
                        .entry(*index)
                        .or_insert_with(|| rule.unless_anywhere.iter().any(|pattern| document.any(pattern)));
                    if stopped || (pattern.joined && !document.neighbours(at)) {
                        continue;
                    }
                    if !rule.parent.is_empty() {
                        let Some(parent) = parent else { continue };
                        let parent = self.parent.get_or_insert_with(|| {
                            let text: String = parent.chars().take(MOST_OF_PARENT).collect();
                            Document::new(rules, text::stripped(&text::plain(&text)), None)
                        });
                        if !rule.parent.iter().any(|pattern| parent.any(pattern)) {
                            continue;
                        }
                    }
                    if let Some(band) = in_context(rules, rule, document, at, after) {
                        self.term(*index, rule, pattern, document, (at, after), band);
                    }
                }
            }
        }
    }

    fn term(
        &mut self,
        index: usize,
        rule: &Rule,
        pattern: &Pattern,
        document: &Document,
        (at, after): (usize, usize),
        mut band: Band,
    ) {
        let reading = if pattern.joined { text::Reading::Joined } else { document.view.reading };
        let as_written = matches!(reading, text::Reading::Plain | text::Reading::Stripped);
        let mut confidence = rule.confidence;
        if !as_written {
            confidence *= OTHER_READING;
            // A word that needs its context, read with other letters, rests on two guesses.
            if !rule.needs.is_empty() {
                band = Band::Look;
            }
        }
        if band == Band::Look && rule.band == Band::Obvious {
            confidence = confidence.min(0.6);
        }
        self.add(index, rule, document.bytes(at, after), reading.code(), band, confidence);
    }

    fn add(
        &mut self,
        index: usize,
        rule: &Rule,
        (start, end): (usize, usize),
        view: &str,
        band: Band,
        confidence: f64,
    ) {
        let spans = self.per_rule.entry(index).or_default();
        if spans.len() >= MOST_PER_RULE
            || spans.iter().any(|&(from, to)| start < to.max(from + 1) && from < end.max(start + 1))
        {
            return;
        }
        spans.push((start, end));
        self.findings.push(Finding {
            category: rule.category,
            rule: rule.id.clone(),
            version: rule.version,
            view: view.to_owned(),
            band,
            confidence,
            start,
            end,
        });
    }
}

/// The band of a term in its sentence; `None` when the grammar stops it.
fn in_context(rules: &RuleSet, rule: &Rule, document: &Document, at: usize, after: usize) -> Option<Band> {
    let grammar = &rules.grammar;
    let sentence = document.sentence_of(at);
    let mut band = rule.band;
    let mut apply = |effect: Effect| match effect {
        Effect::Stops => false,
        Effect::Lowers => {
            band = Band::Look;
            true
        }
        Effect::Ignored => true,
    };
    if !rule.needs.is_empty() {
        let from = sentence.first.max(at.saturating_sub(rule.near));
        let to = sentence.end.min(after.saturating_add(rule.near));
        let someone =
            (from..at).chain(after..to).any(|i| rule.needs.iter().any(|need| document.has(i, *need)));
        if !someone {
            return None;
        }
    }
    if !rule.also.is_empty() && !rule.also.iter().any(|pattern| document.in_sentence(pattern, sentence)) {
        return None;
    }
    if rule.unless.iter().any(|pattern| document.in_sentence(pattern, sentence)) {
        return None;
    }
    if rule.negation != Effect::Ignored {
        let from = sentence.first.max(at.saturating_sub(3));
        let to = sentence.end.min(after + 1);
        if (from..to).any(|i| document.has(i, grammar.negation)) && !apply(rule.negation) {
            return None;
        }
    }
    if document.tokens[at].is(text::Flag::Quoted) {
        // Marks alone may be emphasis; together with a word of reporting they are somebody else's words.
        let reported =
            (sentence.first.saturating_sub(6)..sentence.end).any(|i| document.has(i, grammar.report));
        let effect =
            if rule.quotation == Effect::Stops && !reported { Effect::Lowers } else { rule.quotation };
        if !apply(effect) {
            return None;
        }
    }
    if rule.positive != Effect::Ignored {
        let praised = (after..sentence.end.min(after + 2)).any(|i| document.has(i, grammar.positive));
        if praised && !apply(rule.positive) {
            return None;
        }
    }
    if rule.own != Effect::Ignored {
        // "jag är så dum", "dum som jag är"
        let me_then_being = |from: usize, to: usize| {
            (from..to).any(|i| document.has(i, grammar.first_person))
                && (from..to).any(|i| document.has(i, grammar.being))
        };
        let before = me_then_being(sentence.first.max(at.saturating_sub(4)), at);
        let behind = me_then_being(after, sentence.end.min(after + 4));
        if (before || behind) && !apply(rule.own) {
            return None;
        }
    }
    Some(band)
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
