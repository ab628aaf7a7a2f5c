//! `evaluate --suite`: rules, model and both on the public collections, in one table.
//!
//! With `--models` each text is judged by a model that has not seen it, nor any translation or continuation of it
//! (`train --cross-fit`). Nothing is chosen here by what comes out: thresholds are the models' own.

use std::collections::{BTreeSet, HashMap};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use serde_json::json;

use super::baseline::{Baseline, heads};
use super::figures::{Scored, precision_recall_svg, reliability_svg};
use super::stats::{Count, interval, share};
use crate::cli::corpus::{Corpus, Source, Text};
use crate::cli::train::{OUTER, OUTER_SEED, cross_fit_path};
use crate::domain::category::Category;
use crate::domain::classify::model::{HEADS, Head, Model, Reader, Ruled, fold};
use crate::domain::classify::{Band, Finding, Input, Policies, RuleSet, classify};

/// The heads that are measured; roughness is no category of a guideline.
const MEASURED: [Head; 4] = [Head::Insult, Head::Identity, Head::Violence, Head::Sexual];

/// What there is to do.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The folder with the collections.
    pub folder: &'a Path,
    /// The folder with the models of `train --cross-fit`.
    pub models: Option<&'a Path>,
    /// Without them, the one model to hear.
    pub model: Arc<Model>,
    /// Where curves go.
    pub figures: Option<&'a Path>,
    /// One object a line instead of a table.
    pub json: bool,
}

/// What three systems say of one text.
struct Judged {
    text: Text,
    rules: BTreeSet<Category>,
    rules_obvious: bool,
    model: [bool; HEADS],
    probability: [f32; HEADS],
    both: BTreeSet<Category>,
    both_obvious: bool,
}

/// Judges everything and prints the table.
///
/// # Errors
/// Files that cannot be read or written.
pub fn run(
    asked: &Asked<'_>,
    policies: &Policies,
    against: Option<&Baseline>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let corpus = Corpus::read(asked.folder)?;
    let rules = RuleSet::embedded();
    let with: Vec<RuleSet> = match asked.models {
        Some(folder) => {
            (0..OUTER).map(|part| beside(&cross_fit_path(folder, part))).collect::<Result<_, _>>()?
        }
        None => vec![RuleSet::embedded().with_model(Arc::clone(&asked.model))],
    };
    let mut reader = Reader::default();
    let judged: Vec<Judged> = corpus
        .texts
        .into_iter()
        .filter(|text| text.source != Source::Helping)
        .map(|text| {
            let both =
                if with.len() == 1 { &with[0] } else { &with[fold(&text.key, OUTER_SEED, OUTER) as usize] };
            judge(text, &rules, both, policies, &mut reader)
        })
        .collect();
    let held_out = asked.models.is_some();
    if !held_out {
        let why = "a model may have seen these texts: its figures are no measurement; give --models with the \
                   folder of `train --cross-fit`";
        if asked.json {
            writeln!(out, "{}", json!({ "warning": why }))?;
        } else {
            writeln!(out, "warning: {why}")?;
        }
    }
    let prompts: Vec<&Judged> = judged.iter().filter(|one| one.text.source == Source::Prompt).collect();
    heads_table(&prompts, against, asked.json, out)?;
    pools_table(&judged, asked.json, out)?;
    super::rows::tables(asked.folder, &rules, policies, asked.json, out)?;
    if let Some(folder) = asked.figures {
        figures(&prompts, &judged, held_out, folder)?;
        writeln!(out, "figures are in {}", folder.display())?;
    }
    Ok(())
}

fn beside(path: &Path) -> anyhow::Result<RuleSet> {
    let bytes = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let model = Model::from_bytes(&bytes).with_context(|| path.display().to_string())?;
    Ok(RuleSet::embedded().with_model(Arc::new(model)))
}

fn judge(text: Text, rules: &RuleSet, both: &RuleSet, policies: &Policies, reader: &mut Reader) -> Judged {
    let input = Input { text: &text.text, ..Input::default() };
    let of_rules = classify(rules, policies, &input).findings;
    let of_both = classify(both, policies, &input).findings;
    let mut model = [false; HEADS];
    let mut probability = [0.0; HEADS];
    if let Some(one) = both.model() {
        let scores = one.score(reader, &text.text);
        probability = scores.probability;
        for head in MEASURED {
            model[head as usize] = one.speaks(head, &scores, Ruled::Nothing);
        }
    }
    let categories = |findings: &[Finding]| findings.iter().map(|finding| finding.category).collect();
    let counts = |finding: &&Finding| alarms(text.source, finding.category);
    let obvious = |findings: &[Finding]| findings.iter().filter(counts).any(|one| one.band == Band::Obvious);
    Judged {
        rules: categories(&of_rules),
        rules_obvious: obvious(&of_rules),
        both: categories(&of_both),
        both_obvious: obvious(&of_both),
        model,
        probability,
        text,
    }
}

/// Whether a finding in an innocent text is a false alarm: a referral to a reader is none, and political texts are
/// political.
fn alarms(source: Source, category: Category) -> bool {
    let political =
        source == Source::Political && matches!(category, Category::Political | Category::OffTopic);
    category != Category::Unreadable && !political
}

fn says(head: Head, found: &BTreeSet<Category>) -> bool {
    head.categories().iter().any(|category| found.contains(category))
}

fn heads_table(
    prompts: &[&Judged],
    against: Option<&Baseline>,
    json: bool,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    if prompts.is_empty() {
        return Ok(());
    }
    let others: Option<Vec<Option<[bool; HEADS]>>> = match against {
        Some(Baseline::Answers(answers)) => {
            Some(prompts.iter().map(|one| answers.get(&one.text.id).map(heads)).collect())
        }
        _ => None,
    };
    if !json {
        writeln!(out, "RTP-LX, Swedish prompts: {} texts", prompts.len())?;
        let columns = "majority   rules   model  combined  [95 %]           P      R";
        writeln!(
            out,
            "  {:<10}{:>5}  {columns}{}",
            "F1",
            "n",
            if against.is_some() { "   against  difference" } else { "" }
        )?;
    }
    for head in MEASURED {
        let is = |one: &Judged| one.text.labels[head as usize];
        let count =
            |says: &dyn Fn(&Judged) -> bool| Count::of(prompts.iter().map(|one| (is(one), says(one))));
        let positives = count(&|_| true);
        // Says of every text what most texts are.
        let majority = if 2 * positives.hits as usize > prompts.len() { positives.f1() } else { Some(0.0) };
        let rules = count(&|one| says(head, &one.rules));
        let model = count(&|one| one.model[head as usize]);
        let both = count(&|one| says(head, &one.both));
        let drawn = |at: &[usize]| {
            Count::of(at.iter().map(|&at| (is(prompts[at]), says(head, &prompts[at].both)))).f1()
        };
        let range = interval(prompts.len(), drawn).unwrap_or_default();
        let other = compare(head, prompts, others.as_deref(), against);
        if json {
            let figures = |count: Count| json!({ "precision": count.precision(), "recall": count.recall(), "f1": count.f1() });
            let line = json!({
                "split": "suite", "category": head.code(), "support": positives.hits, "f1": both.f1(),
                "f1_low": range.0, "f1_high": range.1, "majority_f1": majority, "rules": figures(rules),
                "model": figures(model), "combined": figures(both),
                "against": other.map(|other| json!({ "f1": other.f1, "difference": other.difference, "low": other.range.map(|r| r.0), "high": other.range.map(|r| r.1) })),
            });
            writeln!(out, "{line}")?;
            continue;
        }
        let text =
            |figure: Option<f64>| figure.map_or_else(|| "-".to_owned(), |figure| format!("{figure:.3}"));
        write!(
            out,
            "  {:<10}{:>5}  {:>8}{:>8}{:>8}{:>10}  [{:.3}–{:.3}]{:>9}{:>7}",
            head.code(),
            positives.hits,
            text(majority),
            text(rules.f1()),
            text(model.f1()),
            text(both.f1()),
            range.0,
            range.1,
            text(both.precision()),
            text(both.recall())
        )?;
        if let Some(other) = other {
            write!(out, "{:>10}  {:+.3}", text(Some(other.f1)), other.difference)?;
            if let Some((low, high)) = other.range {
                write!(out, " [{low:+.3}–{high:+.3}]")?;
            }
        }
        writeln!(out)?;
    }
    Ok(())
}

struct Compared {
    f1: f64,
    difference: f64,
    range: Option<(f64, f64)>,
}

/// Ours minus theirs, on the texts that both have judged; drawn in pairs.
fn compare(
    head: Head,
    prompts: &[&Judged],
    others: Option<&[Option<[bool; HEADS]>]>,
    against: Option<&Baseline>,
) -> Option<Compared> {
    if let Some(Baseline::Figures(figures)) = against {
        let f1 = *figures.get(&("suite".to_owned(), head.code().to_owned()))?;
        let ours =
            Count::of(prompts.iter().map(|one| (one.text.labels[head as usize], says(head, &one.both))))
                .f1()?;
        return Some(Compared { f1, difference: ours - f1, range: None });
    }
    let common: Vec<(bool, bool, bool)> = prompts
        .iter()
        .zip(others?)
        .filter_map(|(one, other)| {
            Some((one.text.labels[head as usize], says(head, &one.both), (*other)?[head as usize]))
        })
        .collect();
    let both = |at: &mut dyn Iterator<Item = usize>| -> Option<(f64, f64)> {
        let at: Vec<usize> = at.collect();
        let ours = Count::of(at.iter().map(|&at| (common[at].0, common[at].1))).f1()?;
        let theirs = Count::of(at.iter().map(|&at| (common[at].0, common[at].2))).f1()?;
        Some((ours, theirs))
    };
    let (ours, theirs) = both(&mut (0..common.len()))?;
    let range =
        interval(common.len(), |at| both(&mut at.iter().copied()).map(|(ours, theirs)| ours - theirs));
    Some(Compared { f1: theirs, difference: ours - theirs, range })
}

fn pools_table(judged: &[Judged], json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    if !json {
        writeln!(
            out,
            "innocent texts, alarms per 1000 (in brackets: obvious; then which findings they were)"
        )?;
    }
    for source in Source::POOLS {
        let pool: Vec<&Judged> = judged.iter().filter(|one| one.text.source == source).collect();
        if pool.is_empty() {
            continue;
        }
        let alarmed = |found: &BTreeSet<Category>| found.iter().any(|category| alarms(source, *category));
        let rate = |says: &dyn Fn(&Judged) -> bool| {
            let count = pool.iter().filter(|one| says(one)).count();
            1000.0
                * share(u32::try_from(count).unwrap_or(u32::MAX), u32::try_from(pool.len()).unwrap_or(1))
                    .unwrap_or(0.0)
        };
        let rules = rate(&|one| alarmed(&one.rules));
        let rules_obvious = rate(&|one| one.rules_obvious);
        let model = rate(&|one| one.model.contains(&true));
        let both = rate(&|one| alarmed(&one.both));
        let obvious = rate(&|one| one.both_obvious);
        let drawn = |at: &[usize]| {
            let count = at.iter().filter(|&&at| alarmed(&pool[at].both)).count();
            Some(1000.0 * share(u32::try_from(count).ok()?, u32::try_from(at.len()).ok()?)?)
        };
        let (low, high) = interval(pool.len(), drawn).unwrap_or_default();
        let mut kinds: HashMap<Category, usize> = HashMap::new();
        for category in pool.iter().flat_map(|one| &one.both).filter(|category| alarms(source, **category)) {
            *kinds.entry(*category).or_default() += 1;
        }
        let mut kinds: Vec<_> = kinds.into_iter().collect();
        kinds.sort_by_key(|(category, count)| (std::cmp::Reverse(*count), category.code()));
        if json {
            let kinds: serde_json::Map<_, _> =
                kinds.iter().map(|(category, count)| (category.code().to_owned(), json!(count))).collect();
            let line = json!({
                "split": "suite", "pool": source.name(), "texts": pool.len(), "rules": rules,
                "rules_obvious": rules_obvious, "model": model, "combined": both, "combined_low": low,
                "combined_high": high, "combined_obvious": obvious, "findings": kinds,
            });
            writeln!(out, "{line}")?;
            continue;
        }
        let kinds: Vec<_> =
            kinds.iter().map(|(category, count)| format!("{} {count}", category.code())).collect();
        writeln!(
            out,
            "  {:<10}{:>5}  rules {rules:>5.1} ({rules_obvious:.1})  model {model:>5.1}  combined {both:>5.1} \
             ({obvious:.1}) [{low:.1}–{high:.1}]  {}",
            source.name(),
            pool.len(),
            kinds.join(", ")
        )?;
    }
    Ok(())
}

fn figures(prompts: &[&Judged], judged: &[Judged], held_out: bool, folder: &Path) -> anyhow::Result<()> {
    crate::durable::create_folder(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let note = if held_out { "held-out texts" } else { "texts that it has seen" };
    let curves: Vec<Scored> = MEASURED
        .iter()
        .map(|&head| {
            let is = |one: &Judged| one.text.labels[head as usize];
            let working = [("rules", false), ("combined", true)]
                .into_iter()
                .filter_map(|(name, both)| {
                    let found = |one: &Judged| says(head, if both { &one.both } else { &one.rules });
                    let count = Count::of(prompts.iter().map(|one| (is(one), found(one))));
                    Some((name.to_owned(), count.recall()?, count.precision()?))
                })
                .collect();
            Scored {
                name: head.code().to_owned(),
                points: prompts
                    .iter()
                    .map(|one| (f64::from(one.probability[head as usize]), is(one)))
                    .collect(),
                working,
            }
        })
        .collect();
    let title = format!("Precision and recall of the model on {note}, RTP-LX Swedish");
    write(folder, "precision-recall.svg", &precision_recall_svg(&title, &curves))?;
    // Probabilities are set on labelled and innocent text together, and hold for such a mixture.
    let mixed: Vec<&Judged> = judged.iter().filter(|one| one.text.source != Source::Political).collect();
    let bars: Vec<Scored> = MEASURED
        .iter()
        .map(|&head| Scored {
            name: head.code().to_owned(),
            points: mixed
                .iter()
                .map(|one| (f64::from(one.probability[head as usize]), one.text.labels[head as usize]))
                .collect(),
            working: Vec::new(),
        })
        .collect();
    let title = format!("Reliability of the model on {note}, prompts, benign and reviews");
    write(folder, "reliability.svg", &reliability_svg(&title, &bars))
}

pub(super) fn write(folder: &Path, name: &str, svg: &str) -> anyhow::Result<()> {
    let path = folder.join(name);
    crate::durable::write(&path, svg.as_bytes(), 0o644)
        .with_context(|| format!("{} cannot be written", path.display()))
}
