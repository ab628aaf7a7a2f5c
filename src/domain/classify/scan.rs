//! Terms and detectors over every view of a comment: what the rules find before one finding silences another.
//!
//! Every term is filed under the rarest word that it needs. A sentence therefore asks only for the terms whose rare
//! word it holds; common words cost nothing, however many terms begin with them.

use std::collections::HashMap;

use super::around::{Allowed, Around};
use super::document::Document;
use super::example::Example;
use super::lexicon::Symbol;
use super::notes::Because;
use super::pattern::Pattern;
use super::rules::{Effect, Rule, RuleSet};
use super::{Band, Finding, Input, answer, detect, language, weight};
use crate::domain::text::{self, BuildQuick, Sentence};

/// More findings of one rule tell nobody anything new.
const MOST_PER_RULE: usize = 10;

/// A bound on refused attempts of one rule in one view, so that hostile repetition stays cheap.
const MOST_ATTEMPTS: usize = 100;

/// How much less a finding is trusted when letters had to be read differently from how they stand.
const OTHER_READING: f64 = 0.85;

/// What the rules find before one finding silences another.
pub(super) struct Scan {
    pub(super) findings: Vec<Finding>,
    /// Which words above the comment decided.
    pub(super) because: Vec<Because>,
    pub(super) needs_answer: bool,
    pub(super) language: Option<String>,
    /// Words of attack or contempt were there, and what stands round them spoke for the writer.
    pub(super) excused: bool,
}

pub(super) fn scan(rules: &RuleSet, input: &Input<'_>) -> Scan {
    let views = text::views(input.text, &rules.undiacritic);
    let mut found = Found {
        findings: Vec::new(),
        because: Vec::new(),
        per_rule: HashMap::new(),
        around: Around::new(input),
        excused: false,
    };
    let mut documents: Vec<Document> = Vec::with_capacity(views.len());
    for view in views {
        let document = Document::new(rules, view, documents.first());
        found.terms(rules, &document, documents.first());
        documents.push(document);
    }
    let bare = documents.iter().find(|document| document.view.reading == text::Reading::Stripped);
    let Some(bare) = bare.or(documents.first()) else {
        return Scan {
            findings: found.findings,
            because: found.because,
            needs_answer: false,
            language: None,
            excused: found.excused,
        };
    };
    // Folding takes the letters away that tell Sami from Swedish: the language is read in the plain view.
    let language = documents.first().and_then(language::guess);
    for (index, detector) in &rules.detectors {
        let rule = &rules.rules[*index];
        for place in detect::run(*detector, bare, input, language.as_deref()) {
            let band = rule.band.min(place.band);
            found.add(*index, rule, place.span, place.view, band, rule.confidence);
        }
    }
    let needs_answer = answer::needs_answer(rules, bare, input);
    Scan { findings: found.findings, because: found.because, needs_answer, language, excused: found.excused }
}

/// The words in which a rule by itself finds something in an example (see [`Example`]); `None` where it does not.
pub(super) fn fires(rules: &RuleSet, rule: &Rule, example: &str) -> Option<String> {
    let example = Example::parse(example);
    let input = example.input();
    let scan = scan(rules, &input);
    let finding = scan.findings.iter().find(|finding| finding.rule == rule.id)?;
    Some(input.text.get(finding.start..finding.end).unwrap_or_default().to_owned())
}

/// The distinct symbols of one sentence under which terms may be filed, and the bits of them all.
#[derive(Debug, Default)]
pub(super) struct Presence {
    mask: u128,
    pub(super) symbols: Vec<Symbol>,
    /// Where in the sentence a symbol stands, for those that were asked for.
    places: HashMap<Symbol, u64, BuildQuick>,
}

impl Presence {
    pub(super) fn fill(&mut self, document: &Document, sentence: Sentence) {
        self.symbols.clear();
        self.places.clear();
        self.mask = 0;
        for at in sentence.first..sentence.end {
            for symbol in document.leads(at) {
                self.mask |= symbol.mask();
                self.symbols.push(symbol);
            }
        }
        self.symbols.sort_unstable();
        self.symbols.dedup();
    }

    /// Whether a term may stand in the sentence; never wrongly false.
    pub(super) fn allows(&self, mask: u128) -> bool {
        self.mask & mask == mask
    }

    /// Whether a term stands in the sentence.
    pub(super) fn holds(&mut self, pattern: &Pattern, document: &Document, sentence: Sentence) -> bool {
        let places = &mut self.places;
        let mut find = |symbol: Symbol| {
            *places.entry(symbol).or_insert_with(|| {
                (sentence.first..sentence.end)
                    .enumerate()
                    .filter(|(_, at)| document.has(*at, symbol))
                    .fold(0, |bits, (place, _)| bits | 1 << place)
            })
        };
        pattern.stands(&mut find, sentence.end - sentence.first)
    }
}

struct Found<'a> {
    findings: Vec<Finding>,
    because: Vec<Because>,
    around: Around<'a>,
    per_rule: HashMap<usize, Vec<(usize, usize)>>,
    excused: bool,
}

impl Found<'_> {
    fn terms(&mut self, rules: &RuleSet, document: &Document, base: Option<&Document>) {
        let mut attempts: HashMap<usize, usize> = HashMap::new();
        let mut anywhere: HashMap<usize, bool> = HashMap::new();
        let mut presence = Presence::default();
        let mut candidates: Vec<(usize, usize, usize)> = Vec::new();
        for sentence in &document.sentences {
            if base.is_some_and(|base| !document.differs(base, *sentence)) {
                continue;
            }
            presence.fill(document, *sentence);
            candidates.clear();
            for symbol in std::mem::take(&mut presence.symbols) {
                for term in rules.triggers.get(symbol.bit()).map(Vec::as_slice).unwrap_or_default() {
                    if !presence.allows(rules.term_masks[*term]) {
                        continue;
                    }
                    let (_, pattern) = &rules.terms[*term];
                    if !presence.holds(pattern, document, *sentence) {
                        continue;
                    }
                    let last = if pattern.at_start { sentence.first + 1 } else { sentence.end };
                    for at in sentence.first..last {
                        if let Some(after) =
                            pattern.matches(&|i, symbol| document.has(i, symbol), at, sentence.end)
                        {
                            candidates.push((at, *term, after));
                        }
                    }
                }
            }
            candidates.sort_unstable();
            for &(at, term, after) in &candidates {
                let (index, pattern) = &rules.terms[term];
                let rule = &rules.rules[*index];
                let tries = attempts.entry(*index).or_default();
                *tries += 1;
                if *tries > MOST_ATTEMPTS {
                    continue;
                }
                let stopped = *anywhere
                    .entry(*index)
                    .or_insert_with(|| rule.unless_anywhere.iter().any(|pattern| document.any(pattern)));
                if stopped || (pattern.joined && !document.neighbours(at)) {
                    continue;
                }
                let Some(Allowed(because)) = self.around.allows(rules, rule) else { continue };
                let seen = if rule.points > 0 {
                    adds_up(rule, document, at, after)
                } else {
                    in_context(rules, rule, document, at, after)
                };
                // Such a rule is only ever stopped by quotation, negation, praise or what its file names.
                let bare = rule.needs.is_empty() && rule.with.is_empty() && rule.also.is_empty();
                self.excused |= seen.is_none() && bare && weight::SPEECH.contains(&rule.category);
                if let Some((band, at, after)) = seen {
                    self.term(*index, rule, pattern, document, (at, after), band);
                    self.because.extend(because.filter(|because| !self.because.contains(because)));
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

/// Comments up to this many words are one context for signs; longer ones are read a few sentences at a time.
const ONE_CONTEXT: usize = 60;

/// Signs in so few words need no more points than the rule asks for; beyond, one more for every [`WORDS_PER_POINT`].
const FEW_WORDS: usize = 16;

const WORDS_PER_POINT: usize = 8;

/// Whether the signs in a comment reach a rule's points together.
fn adds_up(rule: &Rule, document: &Document, at: usize, after: usize) -> Option<(Band, usize, usize)> {
    let own = document.tokens[at].sentence;
    let sentences = if document.tokens.len() <= ONE_CONTEXT {
        &document.sentences[..]
    } else {
        &document.sentences[own.saturating_sub(1)..(own + 2).min(document.sentences.len())]
    };
    let holds = |patterns: &[Pattern]| {
        patterns
            .iter()
            .any(|pattern| sentences.iter().any(|sentence| document.in_sentence(pattern, *sentence)))
    };
    if holds(&rule.unless) || !rule.with.iter().all(|group| holds(group)) {
        return None;
    }
    let words: usize = sentences.iter().map(|one| one.end - one.first).sum();
    // The more is said, the more signs meet by chance.
    let more = i32::try_from(words.saturating_sub(FEW_WORDS) / WORDS_PER_POINT).unwrap_or(i32::MAX);
    let reached: i32 = rule.signs.iter().filter(|(_, group)| holds(group)).map(|(worth, _)| worth).sum();
    (reached >= rule.points + more).then_some((rule.band, at, after))
}

/// The band of a term in its sentence and the words that count; `None` when the grammar stops it.
fn in_context(
    rules: &RuleSet,
    rule: &Rule,
    document: &Document,
    at: usize,
    after: usize,
) -> Option<(Band, usize, usize)> {
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
    let (mut first, mut last) = (at, after);
    let own = document.tokens[at].sentence;
    for group in &rule.with {
        let in_own = group.iter().find_map(|pattern| document.find(pattern, sentence, at, after, rule.near));
        if let Some((from, to)) = in_own {
            (first, last) = (first.min(from), last.max(to));
        } else {
            let around = own.saturating_sub(1)..(own + 2).min(document.sentences.len());
            let nearby = rule.across
                && around.into_iter().any(|number| {
                    group.iter().any(|pattern| document.in_sentence(pattern, document.sentences[number]))
                });
            if !nearby {
                return None;
            }
        }
    }
    let beside = |pattern: &Pattern| document.find(pattern, sentence, at, after, rule.near).is_some();
    if !rule.also.is_empty() && !rule.also.iter().any(beside) {
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
    Some((band, first, last))
}
