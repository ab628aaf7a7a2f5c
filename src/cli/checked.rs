//! `checked`: what a person has looked at by hand, because no API shows it (N13).

use std::io::Write;

use anyhow::{Context, bail};

use super::Outcome;
use super::args::Checked;
use crate::assemble;
use crate::config::Config;
use crate::connector::capabilities_of;
use crate::moves::hand;

/// Ticks the places of an account for today.
///
/// # Errors
/// When the account, a place, the person or the right is missing; nothing is then written.
pub fn run(config: &Config, asked: &Checked, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let account =
        config.account(&asked.account).with_context(|| format!("there is no account `{}`", asked.account))?;
    let all: Vec<String> = hand::surfaces(account, Some(capabilities_of(account.platform)))
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    if all.is_empty() {
        bail!("nothing on `{}` is looked at by hand; see by_hand in the configuration", account.id);
    }
    let chosen = if asked.surfaces.is_empty() { all.clone() } else { asked.surfaces.clone() };
    let db = assemble::database(config)?;
    let now = db.read_now(super::decide::now)?;
    let (config, asked, os_user) = (config.clone(), asked.clone(), super::os_user());
    let account = account.id.clone();
    let left = db.write_now({
        let account = account.clone();
        move |tx| {
            let checked = hand::Checked {
                account: &account,
                person: &asked.by,
                os_user: &os_user,
                surfaces: &chosen,
                found: asked.found,
                at: now,
            };
            hand::checked(tx, &config, &all, &checked)
        }
    })?;
    if left.is_empty() {
        writeln!(out, "{account}: everything is ticked today")?;
    } else {
        writeln!(out, "{account}: ticked; left today: {}", left.join(", "))?;
    }
    Ok(Outcome::Done)
}
