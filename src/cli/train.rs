//! `train`: texts and decisions → a model file.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, anyhow, bail};

use super::Outcome;
use super::args::Train;
use super::corpus::{Corpus, Source, Text};
use super::evaluate::{Labelled, read_rows};
use crate::domain::category::Category;
use crate::domain::classify::model::{Example, HEADS, Head, Model, Plan, Standing, Trained, fold, train};
use crate::domain::classify::{RuleSet, Ruled, ruled};
use crate::durable;

/// How many parts `--cross-fit` deals the texts to.
pub const OUTER: u32 = 5;

/// Deals the texts of `--cross-fit` otherwise than the folds inside each training.
pub const OUTER_SEED: u64 = 0x7570_7073_696b_7401;

/// How much a text counts beside a labelled one. Of the many political texts every third is enough to learn from; the
/// others are only held against the thresholds.
fn weight(source: Source, key: &str) -> f32 {
    match source {
        Source::Prompt => 1.0,
        Source::Helping => 0.5,
        Source::Political if fold(key, OUTER_SEED + 1, 3) > 0 => 0.0,
        Source::Benign | Source::Reviews | Source::Political => 0.6,
    }
}

/// A decision of the municipality's own counts more than a text from somewhere else.
const DECISION: f32 = 2.0;

/// Trains and writes the model, and says what it learned.
///
/// # Errors
/// Files that cannot be read or written, too few examples, an output that exists.
pub fn run(asked: &Train, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let plan = plan(asked)?;
    for path in std::iter::once(&asked.out).chain(&asked.cross_fit) {
        if path.exists() {
            bail!("{} exists; nothing is overwritten: name a path that does not", path.display());
        }
    }
    let words = match &asked.words {
        Some(path) => {
            std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?
        }
        None => Model::embedded_words().to_owned(),
    };
    let rules = RuleSet::embedded();
    let mut examples = Vec::new();
    if let Some(folder) = &asked.data {
        let corpus = Corpus::read(folder)?;
        for file in &corpus.files {
            writeln!(out, "read {file}")?;
        }
        examples.extend(corpus.texts.into_iter().map(|text| example(&rules, text)));
    }
    for path in &asked.decisions {
        let file =
            std::fs::File::open(path).with_context(|| format!("{} cannot be opened", path.display()))?;
        let rows = read_rows(std::io::BufReader::new(file))
            .with_context(|| format!("{}: nothing was trained", path.display()))?;
        writeln!(out, "read {} decisions from {}", rows.len(), path.display())?;
        examples.extend(rows.into_iter().map(|row| decision(&rules, row)));
    }
    let trained = train(&examples, &words, &plan).map_err(|fault| anyhow!("nothing was trained: {fault}"))?;
    report(&examples, &trained, out)?;
    write(&asked.out, &trained.model)?;
    writeln!(out, "{} is in {}", trained.model.id(), asked.out.display())?;
    if let Some(folder) = &asked.cross_fit {
        durable::create_folder(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        for part in 0..OUTER {
            let rest: Vec<Example> =
                examples.iter().filter(|one| fold(&one.key, OUTER_SEED, OUTER) != part).cloned().collect();
            let trained =
                train(&rest, &words, &plan).map_err(|fault| anyhow!("without part {part}: {fault}"))?;
            write(&cross_fit_path(folder, part), &trained.model)?;
            writeln!(out, "without part {part}: {} texts", rest.len())?;
        }
    }
    Ok(Outcome::Done)
}

/// Where the model that has not seen a part lies.
pub fn cross_fit_path(folder: &Path, part: u32) -> std::path::PathBuf {
    folder.join(format!("without-{part}.model"))
}

fn plan(asked: &Train) -> anyhow::Result<Plan> {
    let sound = |ch: char| ch.is_ascii_lowercase() || ch.is_ascii_digit() || ch == '-';
    if asked.name.is_empty() || asked.name.len() > 40 || !asked.name.chars().all(sound) {
        bail!("`{}` is no name: use 1 to 40 lower-case letters, digits and hyphens", asked.name);
    }
    if asked.version == 0 {
        bail!("versions begin at 1");
    }
    Ok(Plan { name: asked.name.clone(), version: asked.version, seed: asked.seed, ..Plan::default() })
}

fn write(path: &Path, model: &Model) -> anyhow::Result<()> {
    durable::write_once(path, &model.to_bytes())
        .with_context(|| format!("{} cannot be written", path.display()))
}

/// Which heads a set of categories speaks of.
pub fn heads(categories: &BTreeSet<Category>) -> [bool; HEADS] {
    let mut heads = [false; HEADS];
    for head in Head::ALL {
        heads[head as usize] = head.categories().iter().any(|category| categories.contains(category));
    }
    heads
}

/// What the rules have found, by head, and how they stand to the text.
fn found(rules: &RuleSet, text: &str) -> ([bool; HEADS], Ruled) {
    let (categories, stand) = ruled(rules, text);
    (heads(&categories), stand)
}

fn example(rules: &RuleSet, text: Text) -> Example {
    let standing = match text.source {
        Source::Prompt => Standing::Measured,
        Source::Helping => Standing::Helping,
        Source::Reviews => Standing::Clean(0),
        Source::Benign => Standing::Clean(1),
        Source::Political => Standing::Clean(2),
    };
    let (found, stand) = if standing == Standing::Helping {
        ([false; HEADS], Ruled::Nothing)
    } else {
        found(rules, &text.text)
    };
    Example {
        weight: weight(text.source, &text.key),
        found,
        ruled: stand,
        standing,
        text: text.text,
        key: text.key,
        labels: text.labels,
    }
}

/// A decision is measured like what is to be judged; one without categories is an innocent text.
fn decision(rules: &RuleSet, row: Labelled) -> Example {
    let mut labels = heads(&row.labels);
    labels[Head::Rough as usize] = labels.iter().any(|label| *label);
    let (found, stand) = found(rules, &row.text);
    Example {
        found,
        ruled: stand,
        key: format!("decision/{}", row.id),
        text: row.text,
        labels,
        weight: DECISION,
        standing: Standing::Measured,
    }
}

/// What the held-out folds say of the model: of abuse what it says itself, of innocent text what both alarm about.
fn report(examples: &[Example], trained: &Trained, out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(
        out,
        "held-out folds, beside the rules:{:>5} {:>9} {:>7} {:>6} {:>7} {:>6}",
        "n", "precision", "recall", "f1", "look", "sure"
    )?;
    for head in Head::ALL {
        let look = trained.model.look(head);
        let (mut hits, mut told, mut there) = (0_u32, 0_u32, 0_u32);
        for (example, scores) in examples.iter().zip(&trained.held_out) {
            let Some(scores) = scores.filter(|_| example.standing == Standing::Measured) else { continue };
            let (says, is) =
                (trained.model.speaks(head, &scores, example.ruled), example.labels[head as usize]);
            hits += u32::from(says && is);
            told += u32::from(says);
            there += u32::from(is);
        }
        let share = |part: u32, whole: u32| f64::from(part) / f64::from(whole.max(1));
        writeln!(
            out,
            "  {:<30} {there:>5} {:>9.3} {:>7.3} {:>6.3} {look:>7.3} {:>6.3}",
            head.code(),
            share(hits, told),
            share(hits, there),
            share(2 * hits, told + there),
            trained.model.sure(head)
        )?;
    }
    for (pool, source) in Source::POOLS.iter().enumerate() {
        let (mut alarms, mut all) = (0_u32, 0_u32);
        for (example, scores) in examples.iter().zip(&trained.held_out) {
            let of_pool = matches!(example.standing, Standing::Clean(of) if usize::from(of) == pool);
            let Some(scores) = scores.filter(|_| of_pool) else { continue };
            all += 1;
            let says = |head: &Head| trained.model.speaks(*head, &scores, example.ruled);
            alarms += u32::from(
                matches!(example.ruled, Ruled::Called | Ruled::Elsewhere) || Head::ALL.iter().any(says),
            );
        }
        if all > 0 {
            let rate = 1000.0 * f64::from(alarms) / f64::from(all);
            writeln!(
                out,
                "  innocent, {:<20} {all:>5} {rate:>9.1} alarms per 1000, the rules' among them",
                source.name()
            )?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
