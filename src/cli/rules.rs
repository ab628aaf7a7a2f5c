//! `uppsikt rules check|list|replay|shadow`: rules as the municipality's own data.

use std::io::Write;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde_json::json;

use super::args::Rules;
use super::{Outcome, choice, load};
use crate::assemble;
use crate::clock::Clock;
use crate::domain::calendar;
use crate::domain::category::Category;
use crate::domain::classify::{RuleFault, RuleSet};

mod replay;
mod shadow;

pub(super) use replay::again;

/// Does what was asked of the rules.
///
/// # Errors
/// A configuration or a folder that cannot be read; the store's; `out`'s.
pub fn run(asked: &Rules, config: &Path, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    match asked {
        Rules::Check { rules, json } => check(folder(rules.as_ref(), config)?.as_deref(), *json, out),
        Rules::List { rules, category, json } => {
            let rules = assemble::rules(folder(rules.as_ref(), config)?.as_deref(), None)?;
            list(&rules, *category, *json, out)?;
            Ok(Outcome::Done)
        }
        Rules::Replay { since, rules, model, json } => {
            let config = load(config)?;
            let model = choice(model.as_deref()).or_else(|| config.paths.model.clone());
            let folder = rules.clone().or_else(|| config.paths.rules.clone());
            let rules = assemble::rules(folder.as_deref(), model.as_ref())?;
            replay::run(&config, &rules, midnight(*since), *json, out)?;
            Ok(Outcome::Done)
        }
        Rules::Shadow { since, json } => {
            let config = load(config)?;
            let rules = assemble::rules(config.paths.rules.as_deref(), None)?;
            shadow::run(&config, &rules, since.map(midnight), Clock::System.now(), *json, out)?;
            Ok(Outcome::Done)
        }
    }
}

/// The folder with the municipality's own rules: the one named, or that of the configuration where there is one.
fn folder(named: Option<&PathBuf>, config: &Path) -> anyhow::Result<Option<PathBuf>> {
    match named {
        Some(folder) => Ok(Some(folder.clone())),
        None if config.is_file() => Ok(load(config)?.paths.rules),
        None => Ok(None),
    }
}

/// The first moment of a day in Stockholm.
fn midnight(day: NaiveDate) -> DateTime<Utc> {
    calendar::to_utc(day.and_time(NaiveTime::MIN))
}

/// Reads the rules and runs their examples: every fault a line, in the order of files and lines.
fn check(folder: Option<&Path>, json: bool, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let files = assemble::own_rules(folder)?;
    let own = files.len();
    let (mut faults, sums) = match RuleSet::with_own(files) {
        Ok(rules) => {
            let sums = (rules.rules().count(), rules.examples(), Some(rules.version().to_owned()));
            (rules.check_examples(), sums)
        }
        Err(faults) => (faults, (0, 0, None)),
    };
    faults.sort_by(|one, two| (&one.file, one.line).cmp(&(&two.file, two.line)));
    for fault in &faults {
        if json {
            writeln!(out, "{}", line(fault))?;
        } else {
            writeln!(out, "error: {fault}")?;
        }
    }
    let (count, examples, version) = sums;
    if json {
        let checked = json!({
            "rules": count, "examples": examples, "own_files": own, "errors": faults.len(), "version": version,
        });
        writeln!(out, "{}", json!({ "checked": checked }))?;
    } else if let Some(version) = version {
        writeln!(
            out,
            "{count} rules, {examples} examples, {own} files of your own, version {version}: {} errors",
            faults.len()
        )?;
    } else {
        writeln!(out, "{own} files of your own: {} errors; no example was run", faults.len())?;
    }
    Ok(faults.is_empty().into())
}

fn line(fault: &RuleFault) -> serde_json::Value {
    json!({
        "severity": "error",
        "file": fault.file,
        "line": fault.line,
        "rule": fault.rule,
        "message": fault.problem,
        "remedy": fault.remedy,
    })
}

fn list(rules: &RuleSet, category: Option<Category>, json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    for rule in rules.rules().filter(|rule| category.is_none_or(|category| category == rule.category)) {
        if json {
            serde_json::to_writer(&mut *out, &rule)?;
            writeln!(out)?;
            continue;
        }
        let band = if rule.band == crate::domain::classify::Band::Obvious { "obvious" } else { "look" };
        let own = if rule.own { ", egen" } else { "" };
        let trial = if rule.shadow { ", på prov" } else { "" };
        writeln!(
            out,
            "{:<36} v{:<3} {:<24} {band:<8} {}:{}{own}{trial}",
            rule.id,
            rule.version,
            rule.category.code(),
            rule.file,
            rule.line
        )?;
    }
    Ok(())
}
