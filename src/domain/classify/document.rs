//! A view cut into words, each with the symbols that the rules know it by.

use super::lexicon::Symbol;
use super::pattern::Pattern;
use super::rules::RuleSet;
use crate::domain::text::View;
use crate::domain::text::{Flag, Sentence, Token, tokens};

/// One view of one comment, ready for the rules.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) view: View,
    pub(super) tokens: Vec<Token>,
    pub(super) sentences: Vec<Sentence>,
    symbols: Vec<Symbol>,
    bounds: Vec<usize>,
}

impl Document {
    /// Reads a view; words that stand as in `base` are taken over from there.
    pub(super) fn new(rules: &RuleSet, view: View, base: Option<&Self>) -> Self {
        let (tokens, sentences) = tokens(&view);
        let mut symbols = Vec::with_capacity(tokens.len() * 4);
        let mut bounds = Vec::with_capacity(tokens.len() + 1);
        let mut of_one = Vec::new();
        bounds.push(0);
        let mut same = 0;
        for (at, token) in tokens.iter().enumerate() {
            if let Some(base) = base {
                let start = |place: usize| base.view.glyphs[base.tokens[place].first].start;
                while same < base.tokens.len() && start(same) < view.glyphs[token.first].start {
                    same += 1;
                }
                if base.tokens.get(same).is_some_and(|other| other.text == token.text)
                    && start(same) == view.glyphs[token.first].start
                {
                    symbols.extend_from_slice(base.symbols(same));
                    bounds.push(symbols.len());
                    continue;
                }
            }
            of_one.clear();
            rules.lexicon.symbols(token, &mut of_one);
            if names_a_person(rules, &tokens, at, &of_one) {
                rules.lexicon.give(rules.grammar.named, &mut of_one);
                of_one.sort_unstable();
                of_one.dedup();
            }
            symbols.extend_from_slice(&of_one);
            bounds.push(symbols.len());
        }
        let mut document = Self { view, tokens, sentences, symbols, bounds };
        document.name_after_title(rules);
        document
    }

    /// Whether a sentence reads otherwise than in `base`; what reads the same has been judged there.
    pub(super) fn differs(&self, base: &Self, sentence: Sentence) -> bool {
        let first = &self.view.glyphs[self.tokens[sentence.first].first];
        let at = base.tokens.partition_point(|token| base.view.glyphs[token.first].start < first.start);
        let there = base.tokens.get(at..at + (sentence.end - sentence.first));
        there.is_none_or(|there| {
            there
                .iter()
                .zip(&self.tokens[sentence.first..sentence.end])
                .any(|(one, two)| one.text != two.text)
        })
    }

    /// "rektor Lindqvist": a capital after a title names a person, whatever the name.
    fn name_after_title(&mut self, rules: &RuleSet) {
        let named: Vec<usize> = (1..self.tokens.len())
            .filter(|&at| {
                self.tokens[at].is(Flag::Capital)
                    && self.tokens[at].sentence == self.tokens[at - 1].sentence
                    && self.has(at - 1, rules.grammar.staff)
                    && !self.has(at, rules.grammar.named)
            })
            .collect();
        if named.is_empty() {
            return;
        }
        let mut symbols = Vec::with_capacity(self.symbols.len() + named.len());
        let mut bounds = vec![0];
        let mut next = named.iter().copied().peekable();
        for at in 0..self.tokens.len() {
            let from = symbols.len();
            symbols.extend_from_slice(self.symbols(at));
            if next.next_if_eq(&at).is_some() {
                rules.lexicon.give(rules.grammar.named, &mut symbols);
                symbols[from..].sort_unstable();
            }
            bounds.push(symbols.len());
        }
        self.symbols = symbols;
        self.bounds = bounds;
    }

    /// The symbols of one word, sorted.
    pub(super) fn symbols(&self, at: usize) -> &[Symbol] {
        &self.symbols[self.bounds[at]..self.bounds[at + 1]]
    }

    pub(super) fn has(&self, at: usize, symbol: Symbol) -> bool {
        self.symbols(at).binary_search(&symbol).is_ok()
    }

    pub(super) fn sentence_of(&self, at: usize) -> Sentence {
        self.sentences[self.tokens[at].sentence]
    }

    /// Whether a term matches somewhere in a sentence.
    pub(super) fn in_sentence(&self, pattern: &Pattern, sentence: Sentence) -> bool {
        (sentence.first..sentence.end)
            .take_while(|&at| !pattern.at_start || at == sentence.first)
            .any(|at| pattern.matches(&|i, symbol| self.has(i, symbol), at, sentence.end).is_some())
    }

    /// Where a term stands in a sentence, at most `near` words from the words `at..after`.
    pub(super) fn find(
        &self,
        pattern: &Pattern,
        sentence: Sentence,
        at: usize,
        after: usize,
        near: usize,
    ) -> Option<(usize, usize)> {
        let first =
            if pattern.at_start { sentence.first } else { sentence.first.max(at.saturating_sub(near)) };
        let last = sentence.end.min(after.saturating_add(near));
        (first..last).take_while(|&i| !pattern.at_start || i == sentence.first).find_map(|i| {
            pattern.matches(&|i, symbol| self.has(i, symbol), i, sentence.end).map(|end| (i, end))
        })
    }

    /// Whether a term matches in any sentence.
    pub(super) fn any(&self, pattern: &Pattern) -> bool {
        self.sentences.iter().any(|sentence| self.in_sentence(pattern, *sentence))
    }

    /// Whether only one space stands between a word and the next.
    pub(super) fn neighbours(&self, at: usize) -> bool {
        self.tokens.get(at + 1).is_some_and(|next| {
            next.first == self.tokens[at].end + 1
                && matches!(self.view.glyphs[self.tokens[at].end].ch, ' ' | '-')
        })
    }

    /// The bytes of the original behind some words.
    pub(super) fn bytes(&self, at: usize, after: usize) -> (usize, usize) {
        let first = self.tokens[at].first;
        let last = self.tokens[after.max(at + 1) - 1].end.max(first + 1) - 1;
        (self.view.glyphs[first].start, self.view.glyphs[last].end)
    }
}

fn names_a_person(rules: &RuleSet, tokens: &[Token], at: usize, symbols: &[Symbol]) -> bool {
    let token = &tokens[at];
    let is = |symbol| symbols.binary_search(&symbol).is_ok();
    token.is(Flag::Mention)
        || (token.is(Flag::Capital) && (is(rules.grammar.first_name) || is(rules.grammar.surname)))
}
