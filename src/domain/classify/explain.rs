//! A finding in words that an editor, an auditor and the author understand.

use super::{Band, Finding, RuleSet};
use crate::domain::text::Reading;

/// How many characters of the words are repeated.
const LONGEST_QUOTE: usize = 80;

/// One Swedish sentence: which rule, which words, where, in which reading, how sure.
pub fn explain(rules: &RuleSet, finding: &Finding, text: &str) -> String {
    let what = finding.category.name();
    let band = match finding.band {
        Band::Obvious => "bedöms som uppenbart",
        Band::Look => "ska ses av en människa",
    };
    let current = match rules.rule(&finding.rule) {
        Some(rule) if rule.version == finding.version => "",
        Some(_) => " (regeln har ändrats sedan dess)",
        None => " (regeln finns inte längre)",
    };
    let rule = format!("Regeln ”{}” version {}{current}", finding.rule, finding.version);
    match text.get(finding.start..finding.end).filter(|words| !words.is_empty()) {
        None => format!("{rule} ({what}) gäller kommentaren som helhet ({}) och {band}.", finding.view),
        Some(words) => {
            let mut quote: String = words.chars().take(LONGEST_QUOTE).collect();
            if quote.len() < words.len() {
                quote.push('…');
            }
            let before = text.get(..finding.start).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            let character = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            let reading = Reading::explanation(&finding.view);
            format!(
                "{rule} ({what}) träffar ”{quote}” på rad {line}, tecken {character}, {reading}, och {band}."
            )
        }
    }
}
