//! Whether somebody expects an answer: questions with and without a mark, and points of view put to the municipality.
//!
//! Unsure counts as yes (R40); praise, greetings, tags of friends and questions that answer themselves do not.

use super::document::Document;
use super::rules::{Answer, AnswerRule, RuleSet};
use super::scan::Presence;
use crate::domain::text::{self, Flag, Sentence};

/// What one sentence says about an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Said(u8);

impl Said {
    fn holds(self, kind: Answer) -> bool {
        self.0 & (1 << kind as u8) != 0
    }
}

/// Judges the whole comment by what its sentences say.
pub(super) fn needs_answer(rules: &RuleSet, document: &Document, said: &[Said]) -> bool {
    let mut to_other = false;
    let mut wanted = false;
    for (sentence, said) in document.sentences.iter().zip(said) {
        let tokens = &document.tokens[sentence.first..sentence.end];
        // Who is spoken to stays so until the comment ends: "Anna, såg du? Ska vi gå?"
        to_other |= said.holds(Answer::ToOther) || opens_with_a_name(rules, document, *sentence);
        let quoted = tokens.iter().all(|token| token.is(Flag::Quoted) || token.is(Flag::Emoji));
        if to_other || quoted || said.holds(Answer::Rhetorical) {
            continue;
        }
        // A lone question mark in a sentence whose question is quoted belongs to the quotation.
        let asks = sentence.question && !ends_in_quotation(document, *sentence);
        wanted |= asks || said.holds(Answer::Asks) || said.holds(Answer::View);
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

/// What a sentence says; `presence` is filled with it.
pub(super) fn said(rules: &RuleSet, sentence: Sentence, presence: &Presence) -> Said {
    kinds(rules, sentence, presence, None)
}

/// What a sentence says, or whether one rule holds in it.
fn kinds(rules: &RuleSet, sentence: Sentence, presence: &Presence, only: Option<&str>) -> Said {
    let mut said = Said::default();
    let mut refused = Vec::new();
    for &symbol in &presence.symbols {
        for (mask, term) in rules.answer_triggers.get(symbol.bit()).map(Vec::as_slice).unwrap_or_default() {
            if !presence.allows(*mask) {
                continue;
            }
            let (index, pattern) = &rules.answer_terms[*term];
            let rule: &AnswerRule = &rules.answers[*index];
            if said.holds(rule.kind)
                || refused.contains(index)
                || only.is_some_and(|only| only != rule.id)
                || !presence.holds(pattern, sentence)
            {
                continue;
            }
            if rule.unless.iter().any(|pattern| presence.holds(pattern, sentence)) {
                refused.push(*index);
            } else {
                said.0 |= 1 << rule.kind as u8;
            }
        }
    }
    said
}

/// Whether a rule about answers holds in a text: what its examples are run through.
pub(super) fn fires(rules: &RuleSet, rule: &AnswerRule, text: &str) -> bool {
    let document = Document::new(rules, text::stripped(&text::plain(text)), None);
    let mut presence = Presence::of(rules);
    let found = document.sentences.iter().any(|sentence| {
        presence.fill(rules, &document, *sentence);
        kinds(rules, *sentence, &presence, Some(&rule.id)) != Said::default()
    });
    presence.done();
    found
}

#[cfg(test)]
mod tests {
    use crate::domain::classify::{Input, Policies, RuleSet, classify};

    /// Own rows: they keep what has been reached, and say nothing about strangers' words.
    #[test]
    fn who_asks_or_has_a_case_waits_for_an_answer_and_who_only_sounds_like_it_does_not() {
        let (rules, policies) = (RuleSet::embedded(), Policies::default());
        let asks = |text: &str| classify(&rules, &policies, &Input { text, ..Input::default() }).needs_answer;
        for text in [
            "Kommer ni att sanda vid skolan i år",
            "Vem bestämmer om detta egentligen",
            "Hur länge ska vi vänta på svar?",
            "Vet någon om sopbilen kommer idag",
            "Min ansökan om bygglov ligger sedan mars, varför händer inget",
            "Jag har väntat i åtta veckor på beslut om hemtjänst till mamma",
            "Får man ha hund i parken",
            "När kommer bussen hit",
            "Finns det lov på fredag",
            "Går det att betala med kort",
            "Tänker ni svara på mejlet jag skickade",
            "Skulle gärna vilja veta var man anmäler sig",
            "Vart vänder jag mig med klagomål",
            "Är det sant att biblioteket ska stänga",
            "Tar ni emot grovsopor på lördagar",
            "Varför?",
            "Hur tänker ni nu?",
        ] {
            assert!(asks(text), "{text}");
        }
        for text in [
            "Är ni helt dumma i huvudet eller?",
            "Kan det bli bättre än så här? Nej!",
            "Vem bryr sig?",
            "Han frågade \"när öppnar ni?\" och fick inget svar.",
            "Karin, kommer du på lördag?",
            "@Lisa har du sett?",
            "Anna Berg ska vi ta en fika?",
            "Så fint det blev i parken!",
            "Tack för att ni svarade så snabbt",
            "Vilken härlig dag",
            "Grattis till alla pristagare",
            "Vad kul!",
            "Visst är det fint?",
            "Är det inte underbart?",
        ] {
            assert!(!asks(text), "{text}");
        }
    }
}
