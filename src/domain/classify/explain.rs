//! A finding in words that an editor, an auditor and the author understand.

use super::notes::Because;
use super::{Band, Finding, RuleSet, agree, combine, wave};
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
    match finding.rule.as_str() {
        agree::RULE => {
            return format!(
                "Kommentaren säger inget eget utan håller med kommentaren som den svarar på, och där finns {what} \
                 (regeln ”{}” version {}). Den {band}; uppenbart blir det aldrig av ett medhåll.",
                finding.rule, finding.version
            );
        }
        wave::RULE => {
            let words = text.get(finding.start..finding.end).unwrap_or_default();
            return format!(
                "Nästan samma text har kommit från flera håll, och den säljer något eller leder någonstans: ”{}” \
                 (regeln ”{}” version {}, {what}). Den {band}; inget döljs för att många skriver lika.",
                short(words),
                finding.rule,
                finding.version
            );
        }
        _ => {}
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
            let (quote, (line, character)) = (short(words), place(text, finding.start));
            let reading = Reading::explanation(&finding.view);
            format!(
                "{rule} ({what}) träffar ”{quote}” på rad {line}, tecken {character}, {reading}, och {band}."
            )
        }
    }
}

/// The line and the character in it of a byte offset, both counted from 1.
pub fn place(text: &str, start: usize) -> (usize, usize) {
    let before = text.get(..start).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    (line, before.rsplit('\n').next().unwrap_or_default().chars().count() + 1)
}

/// Which words above the comment decided, in Swedish; `above` is the text that they stand in, if it is still there.
pub fn reason(because: &Because, above: Option<&str>) -> String {
    let of = match because.nth {
        0 => because.source.name().to_owned(),
        nth => format!("{} ({} steg tillbaka)", because.source.name(), nth + 1),
    };
    let words = above.and_then(|text| text.get(because.start..because.end));
    match (above, words.filter(|words| !words.is_empty())) {
        (Some(text), Some(words)) => {
            let (line, character) = place(text, because.start);
            format!("Sammanhanget avgjorde: ”{}” i {of}, rad {line}, tecken {character}.", short(words))
        }
        (Some(_), None) => format!("Sammanhanget avgjorde: {of} som helhet."),
        (None, _) => format!("Sammanhanget avgjorde: {of}, vars text inte längre finns kvar."),
    }
}

fn short(words: &str) -> String {
    let mut quote: String = words.chars().take(LONGEST_QUOTE).collect();
    if quote.len() < words.len() {
        quote.push('…');
    }
    quote
}

/// The model knows no rule and no reason; what it can say is how likely, and which words weighed most.
fn of_model(rules: &RuleSet, finding: &Finding, text: &str, what: &str, band: &str) -> String {
    let percent = (finding.confidence * 100.0).round();
    let name = finding.rule.split('@').nth(1).unwrap_or(&finding.rule);
    let words = rules.model().map(|model| combine::heaviest(model, finding, text, 5)).unwrap_or_default();
    let weighed = if words.is_empty() {
        match text.get(finding.start..finding.end).filter(|words| !words.is_empty()) {
            Some(words) => {
                format!("”{}” vägde tyngst", short(words))
            }
            None => "inget enskilt ord vägde tyngst".to_owned(),
        }
    } else {
        let quoted: Vec<String> = words.iter().map(|word| format!("”{}”", short(word))).collect();
        format!("tyngst vägde {}", quoted.join(", "))
    };
    format!(
        "Språkmodellen ({name}) bedömer med {percent} procents sannolikhet att texten är {what}; {weighed}. Modellen \
         har lärt av exempel och kan inte ange något annat skäl; träffen {band}."
    )
}
