//! Innocent words that hold a hard one.

use std::collections::BTreeMap;

use super::{Figure, Judge};
use crate::domain::category::Category;

const LAYER: &str = "dictionary";

/// Sentences that a word is put into: by itself, told, and said to somebody.
const ROUND: &[(&str, &str, &str)] = &[
    ("by themselves", "", ""),
    ("in a sentence", "Vi läste om ", " i boken igår."),
    ("said to somebody", "Din ", "!"),
    ("of somebody", "Ni är ", ""),
];

/// What is hard wherever it stands in a word: what was thought innocent by its place is not.
const HARD: &[&str] = &["jävel", "jävl", "negrer", "barnporr"];

/// The words, and whether a hard one stands inside. A word that begins or ends with a hard one may be a compound of
/// it, and hard itself: for these the findings are told, to be read by a person.
pub(super) fn measure(judge: &Judge<'_>, words: &BTreeMap<&str, bool>) -> Vec<Figure> {
    let mut figures = Vec::new();
    for (name, before, after) in ROUND {
        let mut inside = Figure::new(LAYER, format!("let be, with a hard word inside: {name}"), 1.0);
        let mut ends =
            Figure::new(LAYER, format!("let be, with one at an end (some are hard): {name}"), 0.97);
        for (word, is_inside) in words {
            let found = judge.judge(&format!("{before}{word}{after}"));
            let hit = found.findings.iter().find(|one| one.category != Category::Unreadable);
            let is_hard = HARD.iter().any(|hard| word.contains(hard));
            let figure = if *is_inside && !is_hard { &mut inside } else { &mut ends };
            figure.count(hit.is_none(), || format!("{word} ({})", hit.map_or("", |one| one.rule.as_str())));
        }
        figures.extend([inside, ends]);
    }
    figures.retain(|figure| figure.tried > 0);
    figures
}
