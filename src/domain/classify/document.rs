//! A view cut into words, each with the symbols that the rules know it by.

use std::sync::Arc;

use super::lexicon::{Entry, Symbol};
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
    words: Vec<Option<Arc<Entry>>>,
    /// What words carry beside their entries: what they are, and parts of words.
    extra: Vec<Symbol>,
    bounds: Vec<usize>,
}

impl Document {
    /// Reads a view; words that stand as in `base` are taken over from there.
    pub(super) fn new(rules: &RuleSet, view: View, base: Option<&Self>) -> Self {
        let (tokens, sentences) = tokens(&view);
        let mut words = Vec::with_capacity(tokens.len());
        let mut extra: Vec<Symbol> = Vec::with_capacity(tokens.len() * 2);
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
                    words.push(base.words[same].clone());
                    extra.extend_from_slice(base.extra(same));
                    bounds.push(extra.len());
                    continue;
                }
            }
            of_one.clear();
            let entry = rules.lexicon.read(token, &mut of_one);
            let own = entry.as_deref().map(|entry| entry.symbols.as_slice()).unwrap_or_default();
            let title = at.checked_sub(1).filter(|before| tokens[*before].sentence == token.sentence);
            let is = |symbol| own.binary_search(&symbol).is_ok() || of_one.contains(&symbol);
            // "rektor Lindqvist": a capital after a title names a person, whatever the name.
            let after_title = || {
                title.is_some_and(|before| {
                    let staff = rules.grammar.staff;
                    let word: &Option<Arc<Entry>> = &words[before];
                    word.as_deref().is_some_and(|entry| entry.symbols.binary_search(&staff).is_ok())
                        || extra[bounds[before]..].contains(&staff)
                })
            };
            let named = token.is(Flag::Mention)
                || (token.is(Flag::Capital)
                    && (is(rules.grammar.first_name) || is(rules.grammar.surname) || after_title()));
            if named {
                rules.lexicon.give(rules.grammar.named, &mut of_one);
            }
            words.push(entry);
            extra.extend_from_slice(&of_one);
            bounds.push(extra.len());
        }
        Self { view, tokens, sentences, words, extra, bounds }
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

    fn extra(&self, at: usize) -> &[Symbol] {
        &self.extra[self.bounds[at]..self.bounds[at + 1]]
    }

    pub(super) fn has(&self, at: usize, symbol: Symbol) -> bool {
        self.words[at].as_deref().is_some_and(|entry| entry.symbols.binary_search(&symbol).is_ok())
            || self.extra(at).contains(&symbol)
    }

    /// Every symbol of one word.
    pub(super) fn symbols(&self, at: usize) -> impl Iterator<Item = Symbol> {
        let own = self.words[at].as_deref().map(|entry| entry.symbols.as_slice()).unwrap_or_default();
        own.iter().chain(self.extra(at)).copied()
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
