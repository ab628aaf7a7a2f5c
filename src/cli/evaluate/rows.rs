//! The part of `evaluate --suite` that counts rows: the functional suite, words that only look abusive, personal
//! numbers, questions. What is not in the folder is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;

use anyhow::Context;
use serde_json::{Value, json};

use super::stats::{Count, share};
use super::{Labelled, row};
use crate::domain::category::Category;
use crate::domain::classify::{Assessment, Band, Input, Policies, RuleSet, classify};

/// The rule that finds personal numbers.
const NUMBERS: &str = "personal-number";

/// What is asked of every family of traps.
const FAMILY: f64 = 0.9;

/// Prints a table for each collection of rows that the folder holds.
///
/// # Errors
/// A file that is there and cannot be read.
pub(super) fn tables(
    folder: &Path,
    rules: &RuleSet,
    policies: &Policies,
    as_json: bool,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let judge = |text: &str| classify(rules, policies, &Input { text, ..Input::default() });
    let mut lines = Vec::new();
    lines.extend(functional(folder, &judge)?);
    lines.extend(collisions(folder, &judge)?);
    lines.extend(numbers(folder, &judge)?);
    lines.extend(questions(folder, &judge)?);
    for (text, mut object) in lines {
        if as_json {
            object["split"] = "rows".into();
            writeln!(out, "{object}")?;
        } else {
            writeln!(out, "{text}")?;
        }
    }
    Ok(())
}

type Line = (String, Value);

fn open(folder: &Path, name: &str) -> anyhow::Result<Option<String>> {
    let path = folder.join(name);
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
    }
}

/// What a judgement found; `unreadable` is a referral and no finding.
fn found(judged: &Assessment) -> BTreeSet<Category> {
    let categories = judged.findings.iter().map(|finding| finding.category);
    categories.filter(|category| *category != Category::Unreadable).collect()
}

/// A row is right when exactly its labels are found.
fn functional(folder: &Path, judge: &dyn Fn(&str) -> Assessment) -> anyhow::Result<Vec<Line>> {
    let Some(file) = open(folder, "sv-functional-suite/suite.tsv")? else { return Ok(Vec::new()) };
    let (mut right, mut all, mut innocent, mut alarmed) = (0_u32, 0_u32, 0_u32, 0_u32);
    let mut families: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    for (number, line) in (1_u64..).zip(file.lines()) {
        let parsed =
            row(number, line.as_bytes()).map_err(|why| anyhow::anyhow!("suite.tsv, line {number}: {why}"))?;
        let Some(Labelled { labels, text, .. }) = parsed else { continue };
        let family = line.split('\t').nth(3).unwrap_or_default();
        let said = found(&judge(&text));
        let well = said == labels;
        let tally = families.entry(family).or_default();
        tally.0 += u32::from(well);
        tally.1 += 1;
        right += u32::from(well);
        all += 1;
        if labels.is_empty() {
            innocent += 1;
            alarmed += u32::from(!said.is_empty());
        }
    }
    let weak: Vec<&str> = families
        .iter()
        .filter(|(name, (right, all))| !name.is_empty() && share(*right, *all).unwrap_or(1.0) < FAMILY)
        .map(|(name, _)| *name)
        .collect();
    let rate = 100.0 * share(right, all).unwrap_or_default();
    let text = format!(
        "functional suite: {right} of {all} rows right ({rate:.1} %), {alarmed} of {innocent} innocent alarmed, {} of {} \
         families under {:.0} %: {}",
        weak.len(),
        families.len() - usize::from(families.contains_key("")),
        100.0 * FAMILY,
        if weak.is_empty() { "none".to_owned() } else { weak.join(", ") }
    );
    let object = json!({ "rows": "functional", "right": right, "all": all, "innocent": innocent, "alarmed": alarmed, "weak_families": weak });
    Ok(vec![(text, object)])
}

/// Hard words inside innocent ones: nothing may be found there.
fn collisions(folder: &Path, judge: &dyn Fn(&str) -> Assessment) -> anyhow::Result<Vec<Line>> {
    let Some(file) = open(folder, "traps/dictionary_collisions.tsv")? else { return Ok(Vec::new()) };
    let mut lines = Vec::new();
    for position in ["inside", "prefix", "suffix"] {
        let mut words = BTreeSet::new();
        for line in file.lines().skip(1) {
            let mut cells = line.split('\t').skip(1);
            if let (Some(at), Some(word)) = (cells.next(), cells.next())
                && at == position
            {
                words.insert(word);
            }
        }
        let alarmed = words.iter().filter(|word| !found(&judge(word)).is_empty()).count();
        lines.push((
            format!("dictionary words with a hard word {position}: {alarmed} of {} alarm", words.len()),
            json!({ "rows": "collisions", "position": position, "words": words.len(), "alarmed": alarmed }),
        ));
    }
    Ok(lines)
}

/// Personal and coordination numbers in every written form, in running text.
fn numbers(folder: &Path, judge: &dyn Fn(&str) -> Assessment) -> anyhow::Result<Vec<Line>> {
    let mut lines = Vec::new();
    for (name, what) in [("allPins", "personal numbers"), ("allCoords", "coordination numbers")] {
        let Some(file) = open(folder, &format!("personnummer-testdata/{name}.json"))? else { continue };
        let all: Vec<String> = serde_json::from_str(&file).with_context(|| format!("{name}.json"))?;
        let band = |text: &str| {
            let judged = judge(text);
            judged.findings.iter().filter(|finding| finding.rule == NUMBERS).map(|finding| finding.band).max()
        };
        let (mut whole, mut bare) = (0_u32, 0_u32);
        for number in all.iter().filter(|number| number.is_char_boundary(8) && number.len() == 12) {
            let (date, last) = number.split_at(8);
            let short = &date[2..];
            let forms = [
                format!("{date}{last}"),
                format!("{date}-{last}"),
                format!("{date} {last}"),
                format!("{short}-{last}"),
                format!("{short} {last}"),
            ];
            whole += u32::from(
                forms
                    .iter()
                    .all(|form| band(&format!("Hej, det gäller {form}, hör av er.")) == Some(Band::Obvious)),
            );
            bare +=
                u32::from(band(&format!("Hej, det gäller {short}{last}, hör av er.")) == Some(Band::Look));
        }
        lines.push((
            format!(
                "{what}: {whole} of {} found in all of five forms, {bare} as ten bare digits (to look at)",
                all.len()
            ),
            json!({ "rows": "numbers", "kind": name, "all": all.len(), "found": whole, "bare": bare }),
        ));
    }
    Ok(lines)
}

/// Questions of authorities' pages and of running text against its statements, with and without the mark.
fn questions(folder: &Path, judge: &dyn Fn(&str) -> Assessment) -> anyhow::Result<Vec<Line>> {
    let mut texts: Vec<(String, bool)> = Vec::new();
    if let Some(file) = open(folder, "superlim2/swefaq_dev.jsonl")? {
        let mut seen = BTreeSet::new();
        for line in file.lines() {
            let asked: Value = serde_json::from_str(line).context("swefaq_dev.jsonl")?;
            if let Some(question) = asked["question"].as_str()
                && seen.insert(question.to_owned())
            {
                texts.push((question.to_owned(), true));
            }
        }
    }
    for part in ["dev", "test"] {
        let Some(file) = open(folder, &format!("ud-sv-talbanken/sv_talbanken-ud-{part}.conllu"))? else {
            continue;
        };
        let sentences = file.lines().filter_map(|line| line.strip_prefix("# text = "));
        texts.extend(sentences.map(|text| (text.to_owned(), text.trim_end().ends_with('?'))));
    }
    if texts.is_empty() {
        return Ok(Vec::new());
    }
    let mut lines = Vec::new();
    for (marks, name) in [(true, "with"), (false, "without")] {
        let count = Count::of(texts.iter().map(|(text, is)| {
            let shown = if marks { text.as_str() } else { text.trim_end_matches(['?', ' ']) };
            (*is, judge(shown).needs_answer)
        }));
        let figure = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"));
        lines.push((
            format!(
                "needs_answer {name} question mark: F1 {} (precision {}, recall {}), {} questions of {}",
                figure(count.f1()),
                figure(count.precision()),
                figure(count.recall()),
                count.hits + count.misses,
                texts.len()
            ),
            json!({ "rows": "needs_answer", "mark": marks, "f1": count.f1(), "precision": count.precision(), "recall": count.recall(), "texts": texts.len() }),
        ));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_from_what_the_folder_holds() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            crate::durable::create_folder(path.parent().unwrap()).unwrap();
            crate::durable::write(&path, text.as_bytes(), 0o644).unwrap();
        };
        write(
            "sv-functional-suite/suite.tsv",
            "id\tlabels\tneeds_answer\thard\ttext\n1\tinsult\tfalse\tno_swear\tDin idiot!\n2\t\ttrue\tquestion\tNär öppnar badet?\n3\tthreat\tfalse\tveiled\tSol i dag\n",
        );
        write(
            "traps/dictionary_collisions.tsv",
            "stem\tposition\tword\nhora\tinside\tthorax\nhora\tsuffix\thora\n",
        );
        write("personnummer-testdata/allPins.json", "[\"191212121212\", \"191212121213\"]");
        write(
            "superlim2/swefaq_dev.jsonl",
            "{\"question\":\"När öppnar badet?\"}\n{\"question\":\"När öppnar badet?\"}\n",
        );
        write("ud-sv-talbanken/sv_talbanken-ud-dev.conllu", "# text = Sverige har många sjöar.\n");
        let (mut text, mut objects) = (Vec::new(), Vec::new());
        let rules = RuleSet::embedded();
        tables(folder.path(), &rules, &Policies::default(), false, &mut text).unwrap();
        tables(folder.path(), &rules, &Policies::default(), true, &mut objects).unwrap();
        let text = String::from_utf8(text).unwrap();
        for part in [
            "2 of 3 rows right (66.7 %), 0 of 1 innocent alarmed, 1 of 3 families under 90 %: veiled",
            "word inside: 0 of 1 alarm",
            "word suffix: 1 of 1 alarm",
            "personal numbers: 1 of 2 found in all of five forms, 1 as ten bare digits",
            "needs_answer with question mark: F1 1.000",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert_eq!(String::from_utf8(objects).unwrap().lines().count(), text.lines().count());
        let empty = tempfile::tempdir().unwrap();
        let mut nothing = Vec::new();
        tables(empty.path(), &rules, &Policies::default(), false, &mut nothing).unwrap();
        assert!(nothing.is_empty());
    }
}
