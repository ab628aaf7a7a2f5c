//! Whether somebody expects an answer: questions with and without a mark, and points of view put to the municipality.
//!
//! Unsure counts as yes (R40); praise, greetings, tags of friends and questions that answer themselves do not.

use super::Input;
use super::document::Document;
use super::rules::{Answer, AnswerRule, RuleSet};
use super::scan::Presence;
use crate::domain::text::{self, Flag, Sentence};

/// Judges the whole comment.
pub(super) fn needs_answer(rules: &RuleSet, document: &Document, _input: &Input<'_>) -> bool {
    let mut to_other = false;
    let mut wanted = false;
    let mut presence = Presence::default();
    for sentence in &document.sentences {
        let tokens = &document.tokens[sentence.first..sentence.end];
        presence.fill(document, *sentence);
        let said = kinds(rules, document, *sentence, &mut presence, None);
        let says = |kind: Answer| said.contains(&kind);
        // Who is spoken to stays so until the comment ends: "Anna, såg du? Ska vi gå?"
        to_other |= says(Answer::ToOther) || opens_with_a_name(rules, document, *sentence);
        let quoted = tokens.iter().all(|token| token.is(Flag::Quoted) || token.is(Flag::Emoji));
        if to_other || quoted || says(Answer::Rhetorical) {
            continue;
        }
        // A lone question mark in a sentence whose question is quoted belongs to the quotation.
        let asks = sentence.question && !ends_in_quotation(document, *sentence);
        wanted |= asks || says(Answer::Asks) || says(Answer::View);
    }
    // A question mark alone ("???") under a post asks what it means.
    wanted || (document.sentences.is_empty() && document.view.glyphs.iter().any(|glyph| glyph.ch == '?'))
}

fn ends_in_quotation(document: &Document, sentence: Sentence) -> bool {
    document.tokens[sentence.first..sentence.end].last().is_some_and(|token| token.is(Flag::Quoted))
}

/// "Anna, …" or "@anna …": another visitor, unless the name is the municipality's.
fn opens_with_a_name(rules: &RuleSet, document: &Document, sentence: Sentence) -> bool {
    let first = &document.tokens[sentence.first];
    let ours = |at: usize| {
        document
            .tokens
            .get(at)
            .is_some_and(|token| token.text.contains("kommun") || token.text.contains("region"))
    };
    if first.is(Flag::Mention) {
        return !ours(sentence.first) && !ours(sentence.first + 1);
    }
    // "Anna Berg ska vi …" without a comma is how a tag looks once the platform has made it a name.
    let named = |at: usize| at < sentence.end && document.has(at, rules.grammar.named);
    let comma_after = |at: usize| {
        document.view.glyphs.get(document.tokens[at].end).is_some_and(|glyph| matches!(glyph.ch, ',' | ':'))
    };
    let capital = |at: usize| document.tokens.get(at).is_some_and(|token| token.is(Flag::Capital));
    named(sentence.first)
        && (comma_after(sentence.first)
            || (sentence.first + 1 < sentence.end && capital(sentence.first + 1))
            || sentence.end == sentence.first + 1)
}

/// What a sentence says, or whether one rule holds in it.
fn kinds(
    rules: &RuleSet,
    document: &Document,
    sentence: Sentence,
    presence: &mut Presence,
    only: Option<&str>,
) -> Vec<Answer> {
    let mut kinds = Vec::new();
    let mut refused = Vec::new();
    for symbol in std::mem::take(&mut presence.symbols) {
        for term in rules.answer_triggers.get(symbol.bit()).map(Vec::as_slice).unwrap_or_default() {
            let (index, pattern) = &rules.answer_terms[*term];
            let rule: &AnswerRule = &rules.answers[*index];
            if kinds.contains(&rule.kind)
                || refused.contains(index)
                || only.is_some_and(|only| only != rule.id)
                || !presence.allows(rules.answer_masks[*term])
                || !presence.holds(pattern, document, sentence)
            {
                continue;
            }
            if rule.unless.iter().any(|pattern| document.in_sentence(pattern, sentence)) {
                refused.push(*index);
            } else {
                kinds.push(rule.kind);
            }
        }
    }
    kinds
}

/// Whether a rule about answers holds in a text: what its examples are run through.
pub(super) fn fires(rules: &RuleSet, rule: &AnswerRule, text: &str) -> bool {
    let document = Document::new(rules, text::stripped(&text::plain(text)), None);
    let mut presence = Presence::default();
    document.sentences.iter().any(|sentence| {
        presence.fill(&document, *sentence);
        !kinds(rules, &document, *sentence, &mut presence, Some(&rule.id)).is_empty()
    })
}
