//! `uppsikt rules shadow`: what is on trial, and what it has found, so that it can be judged before it counts.

use std::io::Write;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use crate::assemble;
use crate::config::Config;
use crate::domain::calendar;
use crate::domain::classify::{OnTrial, RuleSet, Trial};
use crate::store::trials::{self, Tried};

/// So far back it is counted unless told otherwise.
const DAYS: i64 = 30;

/// Tells of every trial, and of what earlier trials have found.
///
/// # Errors
/// The store's; `out`'s.
pub(super) fn run(
    config: &Config,
    rules: &RuleSet,
    since: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    json: bool,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let since = since.unwrap_or(now - TimeDelta::days(DAYS));
    let mut found = Vec::new();
    assemble::reading(config, |reader| {
        found = trials::found(reader, since)?;
        Ok(())
    })?;
    let trials: Vec<Trial> = rules.trials().iter().collect();
    if json {
        for trial in &trials {
            writeln!(out, "{}", json!({ "trial": trial }))?;
        }
        for tried in &found {
            serde_json::to_writer(&mut *out, tried)?;
            writeln!(out)?;
        }
        return Ok(());
    }
    if trials.is_empty() {
        writeln!(
            out,
            "Inget är på prov. Skriv shadow = true i en egen regel, eller [[change]] för en av Uppsikts."
        )?;
    }
    let today = calendar::local_date(now);
    for trial in &trials {
        let of = match &trial.of {
            OnTrial::Rule(id) => format!("regeln {id}"),
            OnTrial::Category(category) => format!("kategorin {} ({category})", category.name()),
        };
        let until = match trial.until {
            Some(until) if until < today => format!(" till {until}; tiden är ute, och provet fortsätter"),
            Some(until) => format!(" till {until}"),
            None => String::new(),
        };
        writeln!(out, "På prov: {of}{until}. Bedömer, men ingenting följer.")?;
    }
    writeln!(out, "Sedan {}:", calendar::instant_in_words(since))?;
    if found.is_empty() {
        writeln!(out, "Inga träffar.")?;
    }
    for tried in &found {
        tell(tried, out)?;
    }
    Ok(())
}

fn tell(tried: &Tried, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(
        out,
        "{} ({}): {} texter, {} träffar att se på och {} uppenbara. I {} av texterna fann inget annat något.",
        tried.rule,
        tried.category.name(),
        tried.texts,
        tried.look,
        tried.obvious,
        tried.alone
    )?;
    if tried.hidden + tried.kept > 0 {
        writeln!(
            out,
            "  Människor har dolt eller tagit bort {} av dem och behållit {}.",
            tried.hidden, tried.kept
        )?;
    }
    writeln!(out, "  Nyast: {}", tried.comments.join(", "))
}
