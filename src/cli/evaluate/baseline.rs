//! What `--against` compares with: figures saved earlier, or another system's answers.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use anyhow::{Context, anyhow};
use serde::Deserialize;

use crate::domain::category::Category;
use crate::domain::classify::model::{HEADS, Head};

/// Earlier figures or another system's answers.
#[derive(Debug)]
pub enum Baseline {
    /// F1 by split and category (or head), from `evaluate --json`.
    Figures(HashMap<(String, String), f64>),
    /// Answers by id: category codes or heads.
    Answers(HashMap<String, BTreeSet<String>>),
}

#[derive(Deserialize)]
struct Figure {
    split: String,
    category: Option<String>,
    f1: Option<f64>,
}

impl Baseline {
    /// Reads what `evaluate --json` printed, or a TSV file `id<TAB>labels` with category codes or heads between `;`.
    ///
    /// # Errors
    /// A file that is neither, with its first wrong line.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} is no baseline", path.display()))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let text = text.trim_start_matches('\u{feff}');
        if text.starts_with('{') {
            let mut figures = HashMap::new();
            for (number, line) in text.lines().enumerate() {
                let figure: Figure = serde_json::from_str(line)
                    .with_context(|| format!("line {}: not what `evaluate --json` prints", number + 1))?;
                if let (Some(category), Some(f1)) = (figure.category, figure.f1) {
                    figures.insert((figure.split, category), f1);
                }
            }
            return Ok(Self::Figures(figures));
        }
        let mut lines = text.lines().enumerate();
        if lines.next().is_none_or(|(_, header)| header.trim_end() != "id\tlabels") {
            return Err(anyhow!("line 1: neither JSON nor `id<TAB>labels`"));
        }
        let mut answers = HashMap::new();
        for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
            let wrong = |what: &str| anyhow!("line {}: {what}", number + 1);
            let (id, labels) = line.split_once('\t').ok_or_else(|| wrong("fewer than two columns"))?;
            let labels: BTreeSet<String> = labels
                .split(';')
                .map(str::trim)
                .filter(|label| !label.is_empty())
                .map(ToOwned::to_owned)
                .collect();
            if labels
                .iter()
                .any(|label| label.parse::<Category>().is_err() && Head::from_code(label).is_none())
            {
                return Err(wrong("a label that is neither a category nor a head of the model"));
            }
            if answers.insert(id.to_owned(), labels).is_some() {
                return Err(wrong("an id that was given before"));
            }
        }
        Ok(Self::Answers(answers))
    }
}

/// Which heads some answers speak of.
pub(super) fn heads(labels: &BTreeSet<String>) -> [bool; HEADS] {
    let mut heads = [false; HEADS];
    for head in Head::ALL {
        heads[head as usize] = labels.iter().any(|label| {
            label == head.code() || head.categories().iter().any(|category| category.code() == label)
        });
    }
    heads
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_and_answers_are_told_apart() {
        let figures =
            "{\"split\":\"all\",\"category\":\"insult\",\"f1\":0.5}\n{\"split\":\"all\",\"lines\":3}\n";
        let Ok(Baseline::Figures(figures)) = Baseline::parse(figures) else { panic!("no figures") };
        assert!((figures[&("all".to_owned(), "insult".to_owned())] - 0.5).abs() < 1e-9);
        let Ok(Baseline::Answers(answers)) = Baseline::parse("id\tlabels\na\thate; violence\nb\t\n") else {
            panic!("no answers")
        };
        assert_eq!(heads(&answers["a"]), [false, true, true, false, false]);
        assert_eq!(heads(&answers["b"]), [false; HEADS]);
    }

    #[test]
    fn what_is_no_baseline_is_told_with_its_line() {
        for (text, part) in [
            ("", "line 1"),
            ("a\tb\n", "line 1"),
            ("{\"split\":1}", "line 1"),
            ("id\tlabels\na\tnonsense\n", "line 2"),
            ("id\tlabels\na\n", "line 2"),
            ("id\tlabels\na\thate\na\thate\n", "line 3"),
        ] {
            let error = Baseline::parse(text).unwrap_err();
            assert!(format!("{error:#}").contains(part), "{text}: {error:#}");
        }
    }
}
