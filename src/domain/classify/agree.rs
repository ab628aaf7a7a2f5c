//! "Instämmer", "+1", 👍: a comment that only agrees says what it agrees with.
//!
//! What was found there is looked at here too, and never more: a nod is no sentence of one's own.

use std::collections::BTreeSet;

use super::notes::{Because, Notes, Source};
use super::{Band, Finding};
use crate::domain::category::Category;

/// What a finding by agreement is called.
pub(super) const RULE: &str = "agreement";

/// Its version: raised when it finds other things than before.
pub(super) const VERSION: u32 = 1;

/// The view of a finding that rests on what stands above.
pub(super) const VIEW: &str = "context";

/// A longer comment says something of its own.
const LONGEST: usize = 80;

/// How much less a nod is believed than what it nods to.
const LESS: f64 = 0.7;

/// How people agree.
#[derive(Debug, Default)]
pub(super) struct Agreeing {
    /// Expressions by words, longest first.
    phrases: Vec<Vec<String>>,
    beside: BTreeSet<String>,
}

impl Agreeing {
    pub(super) fn new(phrases: &[String], beside: &[String]) -> Self {
        let mut phrases: Vec<Vec<String>> =
            phrases.iter().map(|phrase| words(phrase)).filter(|words| !words.is_empty()).collect();
        phrases.sort_by_key(|phrase| std::cmp::Reverse(phrase.len()));
        Self { phrases, beside: beside.iter().flat_map(|word| words(word)).collect() }
    }

    /// Whether a comment agrees and says nothing else.
    pub(super) fn is_all_of(&self, text: &str) -> bool {
        if text.len() > 4 * LONGEST || text.chars().count() > LONGEST || text.contains('?') {
            return false;
        }
        let words = words(text);
        let (mut at, mut agrees) = (0, false);
        while at < words.len() {
            if let Some(phrase) = self.phrases.iter().find(|phrase| words[at..].starts_with(phrase)) {
                agrees = true;
                at += phrase.len();
            } else if self.beside.contains(&words[at]) {
                at += 1;
            } else {
                return false;
            }
        }
        agrees
    }
}

/// A text's words in small letters; symbols and emoji are words, marks are none, and who is spoken to is left out.
fn words(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut mention = false;
    for ch in text.to_lowercase().chars() {
        if ch.is_alphanumeric() || matches!(ch, '+' | '^' | '@') {
            if word.is_empty() {
                mention = ch == '@';
            }
            word.push(ch);
            continue;
        }
        if !word.is_empty() && !mention {
            all.push(std::mem::take(&mut word));
        }
        word.clear();
        // What only colours or joins emoji says nothing.
        let silent = ch.is_whitespace()
            || ch.is_ascii()
            || matches!(ch, '\u{200b}'..='\u{200f}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{2010}'..='\u{2027}');
        if !silent {
            all.push(ch.to_string());
        }
    }
    if !word.is_empty() && !mention {
        all.push(word);
    }
    all
}

/// Whether a nod to such a thing is looked at: danger, and what is said to hurt.
fn passes_on(category: Category) -> bool {
    category.is_danger()
        || matches!(
            category,
            Category::Harassment
                | Category::Hate
                | Category::Sexist
                | Category::Insult
                | Category::IncitementCrime
        )
}

/// What an agreeing comment takes over from the one above, each category once.
pub(super) fn take_over(text: &str, above: &[Finding], findings: &mut Vec<Finding>, notes: &mut Notes) {
    let start = text.len() - text.trim_start().len();
    let end = text.trim_end().len().max(start);
    for finding in above.iter().filter(|finding| passes_on(finding.category)) {
        if findings.iter().any(|known| known.category == finding.category) {
            continue;
        }
        findings.push(Finding {
            category: finding.category,
            rule: RULE.to_owned(),
            version: VERSION,
            view: VIEW.to_owned(),
            band: Band::Look,
            confidence: (finding.confidence * LESS * 1000.0).round() / 1000.0,
            start,
            end,
        });
        notes.context.push(Because {
            rule: RULE.to_owned(),
            source: Source::Parent,
            nth: 0,
            start: finding.start,
            end: finding.end,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Input, Policies, RuleSet, classify};
    use super::*;
    use crate::domain::category::Proposal;

    #[test]
    fn what_only_agrees_is_told_from_what_says_something() {
        let rules = RuleSet::embedded();
        for (text, agrees) in [
            ("Instämmer", true),
            ("instämmer helt!!!", true),
            ("+1", true),
            ("Exakt", true),
            ("Håller med dig till 100%", true),
            ("👍👍🏽", true),
            ("❤️", true),
            ("@Anna Precis så är det", true),
            ("^^^", true),
            ("Så sant som det är sagt.", true),
            ("Exakt?", false),
            ("Instämmer, häng dem", false),
            ("Tack", false),
            ("", false),
            ("och", false),
            ("@Anna", false),
            ("Instämmer inte", false),
            ("Exakt när öppnar badet", false),
        ] {
            assert_eq!(rules.agreeing.is_all_of(text), agrees, "{text}");
        }
        assert!(!rules.agreeing.is_all_of(&"+1 ".repeat(100_000)));
    }

    #[test]
    fn a_nod_to_danger_or_insult_is_looked_at_and_never_more() {
        let rules = RuleSet::embedded();
        for (text, parent, category) in [
            ("Instämmer", "Jag ska döda dig, din jävel", Some(Category::Threat)),
            ("👍", "Du är en jävla idiot", Some(Category::Insult)),
            ("+1", "Jag orkar inte leva längre, i kväll tar jag livet av mig", Some(Category::SelfHarm)),
            ("Instämmer", "Bibliotekets nya gardiner är fula", None),
            ("Instämmer", "Köp billiga klockor på www.klockor.example", None),
            ("Instämmer inte", "Du är en jävla idiot", None),
        ] {
            let input = Input { text, parent: Some(parent), ..Input::default() };
            let found = classify(&rules, &Policies::default(), &input);
            assert_eq!(
                found.findings.iter().map(|finding| finding.category).find(|found| Some(*found) == category),
                category,
                "{text} ↩ {parent}: {:?}",
                found.findings
            );
            assert!(found.findings.iter().all(|finding| finding.band == Band::Look), "{text} ↩ {parent}");
            assert!(found.proposal <= Proposal::Review, "{text} ↩ {parent}");
            assert_eq!(found.findings.is_empty(), category.is_none(), "{:?}", found.findings);
            for because in &found.notes.context {
                assert!(!parent[because.start..because.end].is_empty());
            }
        }
    }
}
