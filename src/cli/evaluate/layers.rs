//! `evaluate --layers DIR`: the layers below the words, each against everything that it must not miss or mistake.
//!
//! Personal numbers in every written form, innocent words that hold a hard one, disguised words, languages. What is
//! measured is made from the public collections in the folder by fixed rules, so that two runs count the same.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;

use anyhow::{Context, anyhow};
use serde_json::json;

use super::stats::share;
use crate::cli::corpus::{Corpus, Source};
use crate::domain::category::Category;
use crate::domain::classify::{Assessment, Band, Input, Policies, RuleSet, classify};

mod disguise;
mod innocent;
mod numbers;

#[cfg(test)]
mod tests;

/// So many failures are told beside a figure.
const TOLD: usize = 20;

/// How often something was right.
#[derive(Debug)]
struct Figure {
    layer: &'static str,
    name: String,
    tried: u32,
    right: u32,
    /// The share that the project asks for.
    goal: f64,
    failures: Vec<String>,
}

impl Figure {
    fn new(layer: &'static str, name: impl Into<String>, goal: f64) -> Self {
        Self { layer, name: name.into(), tried: 0, right: 0, goal, failures: Vec::new() }
    }

    fn count(&mut self, right: bool, what: impl FnOnce() -> String) {
        self.tried += 1;
        if right {
            self.right += 1;
        } else if self.failures.len() < TOLD {
            self.failures.push(what());
        }
    }

    fn share(&self) -> Option<f64> {
        share(self.right, self.tried)
    }
}

/// Rules and policies, and how to ask them.
struct Judge<'a> {
    rules: &'a RuleSet,
    policies: &'a Policies,
}

impl Judge<'_> {
    fn judge(&self, text: &str) -> Assessment {
        classify(self.rules, self.policies, &Input { text, ..Input::default() })
    }

    fn categories(&self, text: &str) -> BTreeSet<Category> {
        self.judge(text).findings.iter().map(|finding| finding.category).collect()
    }

    /// The bands of the personal numbers in a text that cover some bytes of it.
    fn personal_numbers(&self, text: &str, (start, end): (usize, usize)) -> Vec<Band> {
        let found = self.judge(text);
        let covers = |from: usize, to: usize| from <= start && end <= to;
        found
            .findings
            .iter()
            .filter(|one| one.rule == "personal-number" && covers(one.start, one.end))
            .map(|one| one.band)
            .collect()
    }
}

/// Measures every layer for which the folder holds something; true when something was there.
///
/// # Errors
/// A file that is there and cannot be read; a folder with nothing in it.
pub fn run(
    folder: &Path,
    rules: &RuleSet,
    policies: &Policies,
    json: bool,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let judge = Judge { rules, policies };
    let mut any = false;
    let mut tell = |figures: Vec<Figure>, out: &mut dyn Write| -> anyhow::Result<()> {
        any |= !figures.is_empty();
        for figure in figures {
            print(&figure, json, out)?;
        }
        Ok(())
    };
    if let Some(all) = all_numbers(folder)? {
        tell(numbers::measure(&judge, &all, 2000), out)?;
    }
    if let Some(text) = read(&folder.join("traps/dictionary_collisions.tsv"))? {
        let mut words: BTreeMap<&str, bool> = BTreeMap::new();
        for line in text.lines().skip(1) {
            let mut cells = line.split('\t').skip(1);
            if let (Some(position), Some(word)) = (cells.next(), cells.next()) {
                *words.entry(word).or_insert(true) &= position == "inside";
            }
        }
        tell(innocent::measure(&judge, &words), out)?;
    }
    if let Some(text) = read(&folder.join("sv-functional-suite/suite.tsv"))? {
        let rows: Vec<(&str, &str)> = text
            .lines()
            .skip(1)
            .filter_map(|line| {
                let cells: Vec<_> = line.split('\t').collect();
                Some((*cells.get(1)?, *cells.get(4)?))
            })
            .collect();
        tell(disguise::measure(&judge, &rows), out)?;
    }
    if folder.join("rtp-lx").is_dir() {
        tell(languages(&judge, folder)?, out)?;
    }
    if !any {
        return Err(anyhow!(
            "{} holds none of personnummer-testdata, traps, sv-functional-suite and rtp-lx; name the folder that they lie in",
            folder.display()
        ));
    }
    Ok(())
}

fn print(figure: &Figure, json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    if json {
        let line = json!({
            "layer": figure.layer, "name": figure.name, "tried": figure.tried, "right": figure.right,
            "share": figure.share(), "goal": figure.goal, "failures": figure.failures,
        });
        serde_json::to_writer(&mut *out, &line)?;
        writeln!(out)?;
        return Ok(());
    }
    let share = figure.share().unwrap_or_default();
    let mark = if share >= figure.goal { "" } else { "  below the goal" };
    writeln!(
        out,
        "{:<11} {:<58} {:>7} of {:>7}  {:.4}  (goal {:.3}){mark}",
        figure.layer, figure.name, figure.right, figure.tried, share, figure.goal
    )?;
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
    }
}

/// Twelve digits each: personal numbers and coordination numbers.
fn all_numbers(folder: &Path) -> anyhow::Result<Option<Vec<String>>> {
    let mut all = Vec::new();
    for name in ["personnummer-testdata/allPins.json", "personnummer-testdata/allCoords.json"] {
        if let Some(text) = read(&folder.join(name))? {
            let numbers: Vec<String> = serde_json::from_str(&text).with_context(|| name)?;
            if let Some(odd) = numbers.iter().find(|number| number.len() != 12) {
                return Err(anyhow!("{name}: `{odd}` has not twelve digits"));
            }
            all.extend(numbers);
        }
    }
    Ok((!all.is_empty()).then_some(all))
}

/// How often Swedish is taken for something that nobody reads, and foreign texts for something that is read.
fn languages(judge: &Judge<'_>, folder: &Path) -> anyhow::Result<Vec<Figure>> {
    let is_unread =
        |text: &str| judge.judge(text).findings.iter().any(|one| one.category == Category::Unreadable);
    let mut figures = Vec::new();
    let corpus = Corpus::read(folder)?;
    for source in [Source::Prompt, Source::Benign, Source::Reviews, Source::Political] {
        let mut figure = Figure::new("language", format!("Swedish, {}: read", source.name()), 0.999);
        for text in corpus.texts.iter().filter(|text| text.source == source) {
            figure.count(!is_unread(&text.text), || text.text.clone());
        }
        figures.push(figure);
    }
    for (name, file, unread) in [
        ("Finnish: for a person", "FI", true),
        ("Norwegian: read", "NO-NB", false),
        ("Danish: read", "DA", false),
        ("English: read", "EN", false),
    ] {
        let Some(text) = read(&folder.join(format!("rtp-lx/{file}.jsonl")))? else { continue };
        let mut figure = Figure::new("language", name, if unread { 0.95 } else { 0.98 });
        for line in text.lines() {
            let line: serde_json::Value = serde_json::from_str(line).with_context(|| file)?;
            // Machines continue in whatever language they like.
            if line["kind"] != "machine_completion"
                && let Some(text) = line["text"].as_str()
            {
                figure.count(is_unread(text) == unread, || text.to_owned());
            }
        }
        figures.push(figure);
    }
    figures.retain(|figure| figure.tried > 0);
    Ok(figures)
}
