//! A finding in words that an editor, an auditor and the author understand.

use super::{Band, Finding, RuleSet, combine};
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
    if finding.rule.starts_with(combine::PREFIX) {
        return of_model(rules, finding, text, what, band);
    }
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

/// The model knows no rule and no reason; what it can say is how likely, and which words weighed most.
fn of_model(rules: &RuleSet, finding: &Finding, text: &str, what: &str, band: &str) -> String {
    let percent = (finding.confidence * 100.0).round();
    let name = finding.rule.split('@').nth(1).unwrap_or(&finding.rule);
    let words = rules.model().map(|model| combine::heaviest(model, finding, text, 5)).unwrap_or_default();
    let weighed = if words.is_empty() {
        match text.get(finding.start..finding.end).filter(|words| !words.is_empty()) {
            Some(words) => {
                let quote: String = words.chars().take(LONGEST_QUOTE).collect();
                format!("”{quote}” vägde tyngst")
            }
            None => "inget enskilt ord vägde tyngst".to_owned(),
        }
    } else {
        let quoted: Vec<String> = words
            .iter()
            .map(|word| format!("”{}”", word.chars().take(LONGEST_QUOTE).collect::<String>()))
            .collect();
        format!("tyngst vägde {}", quoted.join(", "))
    };
    format!(
        "Språkmodellen ({name}) bedömer med {percent} procents sannolikhet att texten är {what}; {weighed}. Modellen \
         har lärt av exempel och kan inte ange något annat skäl; träffen {band}."
    )
}
