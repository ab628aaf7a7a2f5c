//! `evaluate`: how well the rules do against a labelled file.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, Write};

use serde::Serialize;

use super::classify::for_each_line;
use crate::domain::category::Category;
use crate::domain::classify::{Input, Policies, RuleSet, classify};

const HEADER: &str = "id\tlabels\tneeds_answer\thard\ttext";

/// Hits and misses of one category.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Count {
    hits: u32,
    false_alarms: u32,
    misses: u32,
}

/// Everything counted over some lines.
#[derive(Debug, Default)]
struct Tally {
    lines: u32,
    by_category: BTreeMap<Category, Count>,
    clean: u32,
    clean_alarmed: u32,
    answers: u32,
    answers_right: u32,
}

#[derive(Serialize)]
struct Row<'a> {
    split: &'a str,
    category: &'a str,
    precision: Option<f64>,
    recall: Option<f64>,
    f1: Option<f64>,
    support: u32,
    hits: u32,
    false_alarms: u32,
    misses: u32,
}

#[derive(Serialize)]
struct Summary<'a> {
    split: &'a str,
    lines: u32,
    clean_lines: u32,
    clean_alarmed: u32,
    needs_answer_lines: u32,
    needs_answer_right: u32,
    rules: &'a str,
}

/// Judges every line of a tab-separated file and prints what was right; true when no line was bad.
///
/// The header is `id`, `labels` (codes between `;`), `needs_answer`, `hard` (why the line is hard; empty or `false`
/// when it is not), `text`, without quoting. `unreadable` is a referral to a person, so it is counted as a category of
/// its own but is no false alarm on a clean line. With `json`, one object a line.
pub fn run(
    input: impl BufRead,
    mut out: impl Write,
    rules: &RuleSet,
    policies: &Policies,
    json: bool,
) -> io::Result<bool> {
    let mut sound = true;
    let mut splits: BTreeMap<&str, Tally> = BTreeMap::new();
    for_each_line(input, |number, line| {
        let outcome = line.map_err(ToOwned::to_owned).and_then(|line| row(number, line));
        match outcome {
            Ok(None) => {}
            Ok(Some((labels, answer, hard, text))) => {
                let judged = classify(rules, policies, &Input { text: &text, ..Input::default() });
                let found: BTreeSet<_> = judged.findings.iter().map(|finding| finding.category).collect();
                for split in ["all", if hard { "hard" } else { "easy" }] {
                    splits.entry(split).or_default().add(&labels, &found, answer, judged.needs_answer);
                }
            }
            Err(error) => {
                sound = false;
                bad_line(&mut out, number, &error, json)?;
            }
        }
        Ok(())
    })?;
    for (split, tally) in &splits {
        tally.print(&mut out, split, rules.version(), json)?;
    }
    out.flush()?;
    Ok(sound)
}

fn bad_line(out: &mut impl Write, number: u64, error: &str, json: bool) -> io::Result<()> {
    if json {
        serde_json::to_writer(&mut *out, &serde_json::json!({ "line": number, "error": error }))?;
        return out.write_all(b"\n");
    }
    writeln!(out, "line {number}: {error}")
}

type Labelled = (BTreeSet<Category>, Option<bool>, bool, String);

fn row(number: u64, line: &[u8]) -> Result<Option<Labelled>, String> {
    let line = std::str::from_utf8(line).map_err(|_| "not UTF-8".to_owned())?;
    if number == 1 {
        let header = line.trim_start_matches('\u{feff}');
        return if header == HEADER {
            Ok(None)
        } else {
            Err(format!("the first line must be `{}`", HEADER.replace('\t', "<TAB>")))
        };
    }
    if line.is_empty() {
        return Ok(None);
    }
    let mut parts = line.splitn(5, '\t').skip(1);
    let (Some(labels), Some(answer), Some(hard), Some(text)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("fewer than five columns".into());
    };
    let labels = labels
        .split(';')
        .map(str::trim)
        .filter(|label| !label.is_empty())
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    let answer = match answer {
        "true" | "1" | "yes" => Some(true),
        "false" | "0" | "no" => Some(false),
        "" => None,
        _ => return Err("needs_answer is neither true nor false".into()),
    };
    Ok(Some((labels, answer, !matches!(hard, "" | "false" | "0" | "no"), text.to_owned())))
}

impl Tally {
    fn add(
        &mut self,
        labels: &BTreeSet<Category>,
        found: &BTreeSet<Category>,
        answer: Option<bool>,
        judged: bool,
    ) {
        self.lines += 1;
        for category in labels.union(found) {
            let count = self.by_category.entry(*category).or_default();
            match (labels.contains(category), found.contains(category)) {
                (true, true) => count.hits += 1,
                (true, false) => count.misses += 1,
                (false, _) => count.false_alarms += 1,
            }
        }
        if labels.is_empty() {
            self.clean += 1;
            self.clean_alarmed += u32::from(found.iter().any(|category| *category != Category::Unreadable));
        }
        if let Some(answer) = answer {
            self.answers += 1;
            self.answers_right += u32::from(answer == judged);
        }
    }

    fn print(&self, out: &mut impl Write, split: &str, version: &str, json: bool) -> io::Result<()> {
        if json {
            for (category, count) in &self.by_category {
                let row = Row {
                    split,
                    category: category.code(),
                    precision: count.precision(),
                    recall: count.recall(),
                    f1: count.f1(),
                    support: count.hits + count.misses,
                    hits: count.hits,
                    false_alarms: count.false_alarms,
                    misses: count.misses,
                };
                serde_json::to_writer(&mut *out, &row)?;
                out.write_all(b"\n")?;
            }
            let summary = Summary {
                split,
                lines: self.lines,
                clean_lines: self.clean,
                clean_alarmed: self.clean_alarmed,
                needs_answer_lines: self.answers,
                needs_answer_right: self.answers_right,
                rules: version,
            };
            serde_json::to_writer(&mut *out, &summary)?;
            return out.write_all(b"\n");
        }
        writeln!(out, "{split}: {} lines, rules {version}", self.lines)?;
        writeln!(out, "  {:<24}{:>10}{:>8}{:>8}{:>9}", "category", "precision", "recall", "f1", "support")?;
        for (category, count) in &self.by_category {
            let shown =
                |share: Option<f64>| share.map_or_else(|| "-".to_owned(), |share| format!("{share:.3}"));
            writeln!(
                out,
                "  {:<24}{:>10}{:>8}{:>8}{:>9}",
                category.code(),
                shown(count.precision()),
                shown(count.recall()),
                shown(count.f1()),
                count.hits + count.misses
            )?;
        }
        writeln!(out, "  false alarms on clean lines: {} of {}", self.clean_alarmed, self.clean)?;
        writeln!(out, "  needs_answer right: {} of {}", self.answers_right, self.answers)
    }
}

impl Count {
    /// Of what was found, how much is right; `None` when nothing was found.
    fn precision(self) -> Option<f64> {
        share(self.hits, self.hits + self.false_alarms)
    }

    /// Of what is there, how much was found; `None` when there is nothing.
    fn recall(self) -> Option<f64> {
        share(self.hits, self.hits + self.misses)
    }

    fn f1(self) -> Option<f64> {
        share(2 * self.hits, 2 * self.hits + self.false_alarms + self.misses)
    }
}

fn share(part: u32, whole: u32) -> Option<f64> {
    (whole > 0).then(|| f64::from(part) / f64::from(whole))
}

#[cfg(test)]
mod tests;
