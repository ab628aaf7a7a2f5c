//! `brake`: stops automatic hiding, or releases what holds; without either, tells what holds.

use std::io::Write;

use anyhow::anyhow;

use super::{Outcome, args};
use crate::assemble;
use crate::config::Config;
use crate::moves;
use crate::store::{self, brake};

/// Stops, releases or tells.
///
/// # Errors
/// When the person is unknown or not in service, or no such brake holds.
pub fn run(config: &Config, brake: &args::Brake, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let db = assemble::database(config)?;
    let (Some(by), Some(reason)) = (brake.by.clone(), brake.reason.clone()) else {
        let held = db.read_now(brake::held)?;
        if held.is_empty() {
            writeln!(out, "no brake holds")?;
        }
        for held in held {
            writeln!(out, "{} since {}: {}", held.rule, held.tripped_at, held.why)?;
        }
        return Ok(Outcome::Done);
    };
    let now = db.read_now(super::decide::now)?;
    if config.roster.person(&by).is_none() {
        return Err(anyhow!("`{by}` is no person in the configuration; nothing was changed"));
    }
    if !config.roster.in_service(&by, crate::domain::calendar::local_date(now)) {
        return Err(anyhow!("`{by}` is on leave or has ended; nothing was changed"));
    }
    if reason.trim().is_empty() {
        return Err(anyhow!("a reason is needed: --reason TEXT"));
    }
    let (release, config) = (brake.release.clone(), config.clone());
    let told = db.write_now(move |tx| {
        if let Some(rule) = release {
            let released = brake::release(tx, &rule, &by, &reason, now)?;
            store::duties::close_kind(tx, "braked", "released", &by, now)?;
            return Ok(format!("released {released}; what was void needs a new decision"));
        }
        for case in brake::stop(tx, &by, &reason, now)? {
            moves::not_hidden(tx, &config, case, &reason, now)?;
        }
        Ok("stopped: nothing is hidden automatically until the brake is released".to_owned())
    })?;
    writeln!(out, "{told}")?;
    Ok(Outcome::Done)
}
