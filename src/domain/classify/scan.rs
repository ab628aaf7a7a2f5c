//! Terms and detectors over every view of a comment: what the rules find before one finding silences another.
//!
//! Every term is filed under the rarest word that it needs. A sentence therefore asks only for the terms whose rare
//! word it holds; common words cost nothing, however many terms begin with them.

use std::cell::Cell;
use std::collections::HashMap;

use super::answer::{self, Said};
use super::around::{Allowed, Around};
use super::document::Document;
use super::example::Example;
use super::lexicon::Symbol;
use super::notes::Because;
use super::pattern::Pattern;
use super::rules::{Effect, Rule, RuleSet};
use super::{Band, Finding, Input, detect, language, weight};
use crate::domain::text::{self, BuildQuick, Sentence};

/// More findings of one rule tell nobody anything new.
const MOST_PER_RULE: usize = 10;

/// A bound on refused attempts of one rule in one view, so that hostile repetition stays cheap.
const MOST_ATTEMPTS: usize = 100;

/// More places at which rules were stopped are not remembered.
const MOST_STOPS: usize = 64;

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
    let views = text::views(input.text, &rules.undiacritic, &|word| rules.lexicon.knows(word));
    let mut found = Found::new(input);
    let mut presence = Presence::of(rules);
    let mut documents: Vec<Document> = Vec::with_capacity(views.len());
    // Answers are read where nothing is hidden and nothing guessed.
    let bare = views.iter().position(|view| view.reading == text::Reading::Stripped).unwrap_or_default();
    let mut said = Vec::new();
    for (place, view) in views.into_iter().enumerate() {
        let document = Document::new(rules, view, documents.first());
        let said = (place == bare).then_some(&mut said);
        found.terms(rules, &document, documents.first(), &mut presence, said);
        documents.push(document);
        found.view += 1;
    }
    found.settle();
    presence.done();
    let Some(bare) = documents.get(bare) else {
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
    let needs_answer = answer::needs_answer(rules, bare, &said);
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

/// Which symbols stand in one sentence, and where.
#[derive(Debug, Default)]
pub(super) struct Presence {
    mask: u128,
    /// Those under which terms may be filed.
    pub(super) symbols: Vec<Symbol>,
    /// By symbol: the words that carry it, as bits.
    places: Vec<u64>,
    /// The symbols whose places are not zero.
    touched: Vec<Symbol>,
}

thread_local! {
    /// The last comment's table, all zeros again: to make a new one for every comment takes longer than to judge it.
    static SPARE: Cell<Presence> = const { Cell::new(Presence::new()) };
}

impl Presence {
    const fn new() -> Self {
        Self { mask: 0, symbols: Vec::new(), places: Vec::new(), touched: Vec::new() }
    }

    /// A table for the symbols of these rules.
    pub(super) fn of(rules: &RuleSet) -> Self {
        let mut spare = SPARE.take();
        spare.places.resize(rules.lexicon.len(), 0);
        spare
    }

    /// Gives the table back for the next comment.
    pub(super) fn done(mut self) {
        self.clear();
        SPARE.set(self);
    }

    fn clear(&mut self) {
        for symbol in self.touched.drain(..) {
            self.places[symbol.bit()] = 0;
        }
        self.symbols.clear();
        self.mask = 0;
    }

    pub(super) fn fill(&mut self, rules: &RuleSet, document: &Document, sentence: Sentence) {
        self.clear();
        for (place, at) in (sentence.first..sentence.end).enumerate() {
            for symbol in document.symbols(at) {
                let places = &mut self.places[symbol.bit()];
                if *places == 0 {
                    self.touched.push(symbol);
                    if rules.lexicon.is_lead(symbol) {
                        self.mask |= symbol.mask();
                        self.symbols.push(symbol);
                    }
                }
                *places |= 1 << place;
            }
        }
        self.symbols.sort_unstable();
    }

    /// Whether a term may stand in the sentence; never wrongly false.
    pub(super) fn allows(&self, mask: u128) -> bool {
        self.mask & mask == mask
    }

    /// Whether a term stands in the sentence.
    pub(super) fn holds(&self, pattern: &Pattern, sentence: Sentence) -> bool {
        pattern.stands(&mut |symbol| self.places[symbol.bit()], sentence.end - sentence.first)
    }

    /// Where in the sentence a term may begin.
    fn beginnings(&self, pattern: &Pattern) -> impl Iterator<Item = usize> + use<> {
        let mut places = self.places[pattern.head.bit()];
        if pattern.at_start {
            places &= 1;
        }
        std::iter::from_fn(move || {
            let next = places.trailing_zeros();
            places &= places.wrapping_sub(1);
            usize::try_from(next).ok().filter(|place| *place < 64)
        })
    }
}

struct Found<'a> {
    findings: Vec<Finding>,
    because: Vec<Because>,
    around: Around<'a>,
    per_rule: HashMap<usize, Vec<(usize, usize)>, BuildQuick>,
    /// Which view is being read.
    view: usize,
    /// Of each finding: its rule and the view in which it was seen.
    seen: Vec<(usize, usize)>,
    /// Places where the grammar stopped a rule: the rule, the view, and the bytes.
    stopped: Vec<(usize, usize, (usize, usize))>,
    /// Whether words of attack or contempt were stopped.
    excused: bool,
}

/// What the grammar says of a term that stands there.
enum Verdict {
    /// What it needs beside it is not there.
    Lacks,
    /// What is beside it makes it something else.
    Stopped,
    /// How sure, and the words that count.
    Seen(Band, usize, usize),
}

impl<'a> Found<'a> {
    fn new(input: &Input<'a>) -> Self {
        Self {
            findings: Vec::new(),
            because: Vec::new(),
            around: Around::new(input),
            per_rule: HashMap::default(),
            view: 0,
            seen: Vec::new(),
            stopped: Vec::new(),
            excused: false,
        }
    }

    /// What makes words innocent may be written as oddly as the words: a rule that is stopped in one view of a place
    /// is stopped there in all of them.
    fn settle(&mut self) {
        if self.stopped.is_empty() || self.view < 2 {
            return;
        }
        let mut seen = std::mem::take(&mut self.seen).into_iter();
        let stopped = &self.stopped;
        self.findings.retain(|finding| {
            let Some((rule, view)) = seen.next() else { return true };
            !stopped.iter().any(|&(other, elsewhere, (start, end))| {
                other == rule && elsewhere != view && start < finding.end && finding.start < end
            })
        });
    }

    /// Whether a rule has found or been refused so often that more of it tells nothing.
    fn is_spent(&self, rule: usize, attempts: &HashMap<usize, usize, BuildQuick>) -> bool {
        attempts.get(&rule).is_some_and(|tries| *tries >= MOST_ATTEMPTS)
            || self.per_rule.get(&rule).is_some_and(|spans| spans.len() >= MOST_PER_RULE)
    }

    fn stop(&mut self, rule: usize, bytes: (usize, usize)) {
        if self.stopped.len() < MOST_STOPS {
            self.stopped.push((rule, self.view, bytes));
        }
    }

    fn terms(
        &mut self,
        rules: &RuleSet,
        document: &Document,
        base: Option<&Document>,
        presence: &mut Presence,
        mut said: Option<&mut Vec<Said>>,
    ) {
        let mut attempts: HashMap<usize, usize, BuildQuick> = HashMap::default();
        let mut anywhere: HashMap<usize, bool, BuildQuick> = HashMap::default();
        let mut candidates: Vec<(usize, usize, usize)> = Vec::new();
        for sentence in &document.sentences {
            let is_known = base.is_some_and(|base| !document.differs(base, *sentence));
            if is_known && said.is_none() {
                continue;
            }
            presence.fill(rules, document, *sentence);
            if let Some(said) = &mut said {
                said.push(answer::said(rules, *sentence, presence));
            }
            if is_known {
                continue;
            }
            candidates.clear();
            for &symbol in &presence.symbols {
                for (mask, term) in rules.triggers.get(symbol.bit()).map(Vec::as_slice).unwrap_or_default() {
                    if !presence.allows(*mask) {
                        continue;
                    }
                    let (index, pattern) = &rules.terms[*term];
                    if !presence.holds(pattern, *sentence) || self.is_spent(*index, &attempts) {
                        continue;
                    }
                    for place in presence.beginnings(pattern) {
                        let at = sentence.first + place;
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
                if stopped {
                    self.stop(*index, document.bytes(at, after));
                    continue;
                }
                if pattern.joined && !document.neighbours(at) {
                    continue;
                }
                let Some(Allowed(because)) = self.around.allows(rules, rule) else { continue };
                let seen = if rule.points > 0 {
                    adds_up(rule, document, at, after)
                } else {
                    in_context(rules, rule, document, presence, (at, after))
                };
                match seen {
                    Verdict::Seen(band, at, after) => {
                        self.term(*index, rule, pattern, document, (at, after), band);
                        self.because.extend(because.filter(|because| !self.because.contains(because)));
                    }
                    Verdict::Stopped => {
                        // Such a rule is only ever stopped by quotation, negation, praise or what its file names.
                        let unconditional =
                            rule.needs.is_empty() && rule.with.is_empty() && rule.also.is_empty();
                        self.excused |= unconditional && weight::SPEECH.contains(&rule.category);
                        self.stop(*index, document.bytes(at, after));
                    }
                    Verdict::Lacks => {}
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
        self.seen.push((index, self.view));
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
fn adds_up(rule: &Rule, document: &Document, at: usize, after: usize) -> Verdict {
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
    if holds(&rule.unless) {
        return Verdict::Stopped;
    }
    if !rule.with.iter().all(|group| holds(group)) {
        return Verdict::Lacks;
    }
    let words: usize = sentences.iter().map(|one| one.end - one.first).sum();
    // The more is said, the more signs meet by chance.
    let more = i32::try_from(words.saturating_sub(FEW_WORDS) / WORDS_PER_POINT).unwrap_or(i32::MAX);
    let reached: i32 = rule.signs.iter().filter(|(_, group)| holds(group)).map(|(worth, _)| worth).sum();
    if reached >= rule.points + more { Verdict::Seen(rule.band, at, after) } else { Verdict::Lacks }
}

/// The band of a term in its sentence and the words that count; or what speaks against it.
fn in_context(
    rules: &RuleSet,
    rule: &Rule,
    document: &Document,
    presence: &Presence,
    (at, after): (usize, usize),
) -> Verdict {
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
            return Verdict::Lacks;
        }
    }
    let (mut first, mut last) = (at, after);
    let own = document.tokens[at].sentence;
    for group in &rule.with {
        let in_own = group
            .iter()
            .filter(|pattern| presence.holds(pattern, sentence))
            .find_map(|pattern| document.find(pattern, sentence, at, after, rule.near));
        if let Some((from, to)) = in_own {
            (first, last) = (first.min(from), last.max(to));
        } else {
            let around = own.saturating_sub(1)..(own + 2).min(document.sentences.len());
            let nearby = rule.across
                && around.into_iter().any(|number| {
                    group.iter().any(|pattern| document.in_sentence(pattern, document.sentences[number]))
                });
            if !nearby {
                return Verdict::Lacks;
            }
        }
    }
    let beside = |pattern: &Pattern| {
        presence.holds(pattern, sentence) && document.find(pattern, sentence, at, after, rule.near).is_some()
    };
    if !rule.also.is_empty() && !rule.also.iter().any(beside) {
        return Verdict::Lacks;
    }
    if rule.unless.iter().any(|pattern| presence.holds(pattern, sentence)) {
        return Verdict::Stopped;
    }
    if rule.negation != Effect::Ignored {
        let from = sentence.first.max(at.saturating_sub(3));
        let to = sentence.end.min(after + 1);
        if (from..to).any(|i| document.has(i, grammar.negation)) && !apply(rule.negation) {
            return Verdict::Stopped;
        }
    }
    if document.tokens[at].is(text::Flag::Quoted) {
        // Marks alone may be emphasis; together with a word of reporting they are somebody else's words.
        let reported =
            (sentence.first.saturating_sub(6)..sentence.end).any(|i| document.has(i, grammar.report));
        let effect =
            if rule.quotation == Effect::Stops && !reported { Effect::Lowers } else { rule.quotation };
        if !apply(effect) {
            return Verdict::Stopped;
        }
    }
    if rule.positive != Effect::Ignored {
        let praised = (after..sentence.end.min(after + 2)).any(|i| document.has(i, grammar.positive));
        if praised && !apply(rule.positive) {
            return Verdict::Stopped;
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
            return Verdict::Stopped;
        }
    }
    Verdict::Seen(band, first, last)
}
