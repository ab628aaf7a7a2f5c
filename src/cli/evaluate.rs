//! `evaluate`: how well the rules and the model do against a labelled file, or against the public collections.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, Write};
use std::path::Path;

use serde::Serialize;

use super::classify::for_each_line;
use crate::domain::category::Category;
use crate::domain::classify::{Input, Policies, RuleSet, classify};

mod baseline;
mod figures;
pub mod layers;
mod rows;
mod stats;
pub mod suite;

pub use baseline::Baseline;

use figures::{Scored, precision_recall_svg, reliability_svg};
use stats::{Count, interval, share};

/// A curve of fewer lines is no curve.
const FEWEST_FOR_A_CURVE: u32 = 5;

const HEADER: &str = "id\tlabels\tneeds_answer\thard\ttext";

/// Everything counted over some lines.
#[derive(Debug, Default)]
struct Tally {
    lines: u32,
    by_category: BTreeMap<Category, Count>,
    clean: u32,
    clean_alarmed: u32,
    answers: u32,
    answers_right: u32,
    /// Of each line: its labels, and what was found with how much confidence.
    judged: Vec<(BTreeSet<Category>, BTreeMap<Category, f64>)>,
    /// Of each line, what another system has answered.
    others: Vec<Option<BTreeSet<Category>>>,
}

/// How `evaluate` reports.
#[derive(Debug, Default)]
pub struct Report<'a> {
    /// One object a line instead of tables.
    pub json: bool,
    /// What to compare with.
    pub against: Option<&'a Baseline>,
    /// Where curves go.
    pub figures: Option<&'a Path>,
}

#[derive(Serialize)]
struct Row<'a> {
    split: &'a str,
    category: &'a str,
    precision: Option<f64>,
    recall: Option<f64>,
    f1: Option<f64>,
    f1_low: Option<f64>,
    f1_high: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    against_f1: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    difference_low: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    difference_high: Option<f64>,
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
    clean_alarmed_per_1000: Option<f64>,
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
    report: &Report<'_>,
) -> io::Result<bool> {
    let json = report.json;
    let mut sound = true;
    let mut splits: BTreeMap<&str, Tally> = BTreeMap::new();
    for_each_line(input, |number, line| {
        let outcome = line.map_err(ToOwned::to_owned).and_then(|line| row(number, line));
        match outcome {
            Ok(None) => {}
            Ok(Some(Labelled { id, labels, needs_answer: answer, hard, text })) => {
                let judged = classify(rules, policies, &Input { text: &text, ..Input::default() });
                let mut found: BTreeMap<Category, f64> = BTreeMap::new();
                for finding in &judged.findings {
                    let confidence = found.entry(finding.category).or_default();
                    *confidence = confidence.max(finding.confidence);
                }
                let other = match report.against {
                    Some(Baseline::Answers(answers)) => answers
                        .get(&id)
                        .map(|labels| labels.iter().filter_map(|label| label.parse().ok()).collect()),
                    _ => None,
                };
                for split in ["all", if hard { "hard" } else { "easy" }] {
                    let tally = splits.entry(split).or_default();
                    tally.add(&labels, &found, answer, judged.needs_answer);
                    tally.others.push(other.clone());
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
        tally.print(&mut out, split, rules.version(), report)?;
    }
    if let (Some(folder), Some(tally)) = (report.figures, splits.get("all")) {
        tally.draw(folder).map_err(io::Error::other)?;
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

/// One labelled line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labelled {
    /// Its name.
    pub id: String,
    /// What it is; nothing for an innocent text.
    pub labels: BTreeSet<Category>,
    /// Whether somebody expects an answer, where that is known.
    pub needs_answer: Option<bool>,
    /// Whether it is hard.
    pub hard: bool,
    /// The text.
    pub text: String,
}

/// Every line of a labelled file.
///
/// # Errors
/// The first bad line, with its number.
pub fn read_rows(input: impl BufRead) -> anyhow::Result<Vec<Labelled>> {
    let mut rows = Vec::new();
    let mut bad = None;
    for_each_line(input, |number, line| {
        match line.map_err(ToOwned::to_owned).and_then(|line| row(number, line)) {
            Ok(labelled) => rows.extend(labelled),
            Err(error) => bad = bad.take().or(Some((number, error))),
        }
        Ok(())
    })?;
    match bad {
        None => Ok(rows),
        Some((number, error)) => Err(anyhow::anyhow!("line {number}: {error}")),
    }
}

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
    let mut parts = line.splitn(5, '\t');
    let (Some(id), Some(labels), Some(answer), Some(hard), Some(text)) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
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
    let hard = !matches!(hard, "" | "false" | "0" | "no");
    Ok(Some(Labelled { id: id.to_owned(), labels, needs_answer: answer, hard, text: text.to_owned() }))
}

impl Tally {
    fn add(
        &mut self,
        labels: &BTreeSet<Category>,
        confidence: &BTreeMap<Category, f64>,
        answer: Option<bool>,
        judged: bool,
    ) {
        self.lines += 1;
        let found: BTreeSet<Category> = confidence.keys().copied().collect();
        self.judged.push((labels.clone(), confidence.clone()));
        for category in labels.union(&found) {
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

    /// The middle 95 % of the F1 of one category.
    fn range(&self, category: Category) -> Option<(f64, f64)> {
        let pair = |at: usize| {
            let (labels, found) = &self.judged[at];
            (labels.contains(&category), found.contains_key(&category))
        };
        interval(self.judged.len(), |drawn| Count::of(drawn.iter().map(|&at| pair(at))).f1())
    }

    /// What the baseline has for a category: its F1, and ours minus theirs with its middle 95 % where both have
    /// judged the same lines.
    fn against(
        &self,
        split: &str,
        category: Category,
        baseline: Option<&Baseline>,
    ) -> Option<(f64, Option<(f64, f64)>)> {
        if let Some(Baseline::Figures(figures)) = baseline {
            let key = (split.to_owned(), category.code().to_owned());
            return figures.get(&key).map(|f1| (*f1, None));
        }
        let common: Vec<(bool, bool, bool)> = self
            .judged
            .iter()
            .zip(&self.others)
            .filter_map(|((labels, found), other)| {
                let theirs = other.as_ref()?.contains(&category);
                Some((labels.contains(&category), found.contains_key(&category), theirs))
            })
            .collect();
        let theirs = Count::of(common.iter().map(|one| (one.0, one.2))).f1()?;
        let range = interval(common.len(), |drawn| {
            let ours = Count::of(drawn.iter().map(|&at| (common[at].0, common[at].1))).f1()?;
            Some(ours - Count::of(drawn.iter().map(|&at| (common[at].0, common[at].2))).f1()?)
        });
        Some((theirs, range))
    }

    /// Curves of the categories with enough lines to draw one.
    fn draw(&self, folder: &Path) -> anyhow::Result<()> {
        crate::durable::create_folder(folder)?;
        let scored: Vec<Scored> = self
            .by_category
            .iter()
            .filter(|(_, count)| count.hits + count.misses >= FEWEST_FOR_A_CURVE)
            .map(|(category, count)| Scored {
                name: category.code().to_owned(),
                points: self
                    .judged
                    .iter()
                    .map(|(labels, found)| {
                        (found.get(category).copied().unwrap_or(0.0), labels.contains(category))
                    })
                    .collect(),
                working: count
                    .recall()
                    .zip(count.precision())
                    .map(|(recall, precision)| ("all findings".to_owned(), recall, precision))
                    .into_iter()
                    .collect(),
            })
            .collect();
        suite::write(folder, "precision-recall.svg", &precision_recall_svg("Precision and recall", &scored))?;
        suite::write(folder, "reliability.svg", &reliability_svg("Reliability of the confidence", &scored))
    }

    fn print(&self, out: &mut impl Write, split: &str, version: &str, report: &Report<'_>) -> io::Result<()> {
        if report.json {
            for (category, count) in &self.by_category {
                let (range, other) = (self.range(*category), self.against(split, *category, report.against));
                let difference = other.and_then(|(_, difference)| difference);
                let row = Row {
                    f1_low: range.map(|range| range.0),
                    f1_high: range.map(|range| range.1),
                    against_f1: other.map(|(f1, _)| f1),
                    difference_low: difference.map(|range| range.0),
                    difference_high: difference.map(|range| range.1),
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
                clean_alarmed_per_1000: share(self.clean_alarmed, self.clean).map(|share| 1000.0 * share),
                needs_answer_lines: self.answers,
                needs_answer_right: self.answers_right,
                rules: version,
            };
            serde_json::to_writer(&mut *out, &summary)?;
            return out.write_all(b"\n");
        }
        writeln!(out, "{split}: {} lines, rules {version}", self.lines)?;
        write!(out, "  {:<24}{:>10}{:>8}{:>8}{:>9}", "category", "precision", "recall", "f1", "support")?;
        writeln!(out, "  f1 95 %{}", if report.against.is_some() { "       against" } else { "" })?;
        for (category, count) in &self.by_category {
            let shown =
                |share: Option<f64>| share.map_or_else(|| "-".to_owned(), |share| format!("{share:.3}"));
            write!(
                out,
                "  {:<24}{:>10}{:>8}{:>8}{:>9}",
                category.code(),
                shown(count.precision()),
                shown(count.recall()),
                shown(count.f1()),
                count.hits + count.misses
            )?;
            if let Some((low, high)) = self.range(*category) {
                write!(out, "  {low:.2}–{high:.2}")?;
            }
            if let Some((f1, difference)) = self.against(split, *category, report.against) {
                write!(out, "     {f1:.3}")?;
                if let Some((low, high)) = difference {
                    write!(out, " (difference {low:+.2}–{high:+.2})")?;
                }
            }
            writeln!(out)?;
        }
        write!(out, "  false alarms on clean lines: {} of {}", self.clean_alarmed, self.clean)?;
        match share(self.clean_alarmed, self.clean) {
            Some(share) => writeln!(out, " ({:.1} per 1000)", 1000.0 * share)?,
            None => writeln!(out)?,
        }
        writeln!(out, "  needs_answer right: {} of {}", self.answers_right, self.answers)
    }
}

#[cfg(test)]
mod tests;
