//! What no API shows: a person looks every working day, and ticks it (N13).

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::{About, begin};
use crate::config::{Account, AccountStatus, Config};
use crate::connector::{Capabilities, Reading};
use crate::domain::calendar;
use crate::domain::roster::{self, Role};
use crate::store::hand_checks::{self, HandCheck};
use crate::store::{Result, StoreError, Tx, do_once, duties, was_done};

/// The kind of duty.
const KIND: &str = "hand_check";

/// The places of an account that a person looks at: those that the configuration names, else those that the connector
/// knows its platform does not show; each with why, where that is known.
pub fn surfaces(
    account: &Account,
    capabilities: Option<Capabilities>,
) -> Vec<(String, Option<&'static str>)> {
    if let Some(named) = &account.by_hand {
        return named.iter().map(|name| (name.clone(), None)).collect();
    }
    let known = capabilities.map(|can| can.surfaces).unwrap_or_default();
    known
        .iter()
        .filter_map(|surface| match surface.reading {
            Reading::ByHand(why) => Some((surface.name.to_owned(), Some(why))),
            Reading::EveryPass | Reading::Swept => None,
        })
        .collect()
}

/// Begins today's look at `names`, once on every working day from its opening on; yesterday's that nobody made ends as
/// missed and stays so in the reports.
///
/// # Errors
/// Engine errors.
pub fn daily(
    tx: &Tx<'_>,
    config: &Config,
    account: &Account,
    names: &[String],
    now: DateTime<Utc>,
) -> Result<()> {
    let today = calendar::local_date(now);
    let once = format!("{KIND}:{}:{today}", account.id);
    if names.is_empty()
        || account.status != AccountStatus::Active
        || !calendar::is_staffed(now, &config.hours)
        || was_done(tx, &once)?
    {
        return Ok(());
    }
    do_once(tx, &once, now)?;
    duties::close_for_account(tx, &account.id, KIND, "missed", now)?;
    // The period is one to the end of the next working day: counted from yesterday, it is today.
    let yesterday = calendar::opening(today, &config.hours) - TimeDelta::days(1);
    let note = format!("Plattformen visar inte detta för Uppsikt. Se efter själv: {}.", names.join(", "));
    let about = About {
        kind: KIND,
        case: None,
        account: &account.id,
        trigger_at: yesterday,
        found_at: now,
        note: Some(note),
    };
    begin(tx, config, &about)
}

/// What a person says they have looked at.
#[derive(Debug, Clone, Copy)]
pub struct Checked<'a> {
    /// The account's id.
    pub account: &'a str,
    /// Person id.
    pub person: &'a str,
    /// The operating-system account that enters it, or `desk`.
    pub os_user: &'a str,
    /// The surfaces' names.
    pub surfaces: &'a [String],
    /// How many comments were found that must be entered by hand (`uppsikt intake`).
    pub found: u32,
    /// When.
    pub at: DateTime<Utc>,
}

/// Ticks what a person has looked at today; the duty ends when everything in `all` is ticked. Returns what is left.
///
/// # Errors
/// `Conflict`, with a sentence for the person; nothing is then written.
pub fn checked(tx: &Tx<'_>, config: &Config, all: &[String], asked: &Checked<'_>) -> Result<Vec<String>> {
    let roles = roster::roles_for(&config.roster, asked.person, asked.account, asked.at)
        .map_err(|refused| StoreError::Conflict(refused.to_string()))?;
    let looks = |role: &Role| matches!(role, Role::Editor | Role::Head | Role::Owner | Role::Communicator);
    if !roles.iter().any(looks) {
        return Err(StoreError::Conflict(format!(
            "`{}` is neither editor, owner, head nor communicator for account `{}`",
            asked.person, asked.account
        )));
    }
    if let Some(unknown) = asked.surfaces.iter().find(|name| !all.contains(name)) {
        return Err(StoreError::Conflict(format!(
            "`{unknown}` is none of the places that are looked at by hand on `{}`: {}",
            asked.account,
            all.join(", ")
        )));
    }
    let day = calendar::local_date(asked.at);
    for surface in asked.surfaces {
        let check = HandCheck {
            account: asked.account.to_owned(),
            day,
            surface: surface.clone(),
            at: asked.at,
            person: asked.person.to_owned(),
            os_user: asked.os_user.to_owned(),
            found: asked.found,
        };
        hand_checks::tick(tx, &check)?;
    }
    let left = left(tx, asked.account, all, day)?;
    if left.is_empty() {
        duties::close_for_account_by(tx, asked.account, KIND, "checked", asked.person, asked.at)?;
    }
    Ok(left)
}

/// What nobody has ticked on a day (Stockholm).
///
/// # Errors
/// Engine errors.
pub fn left(
    reader: &crate::store::Reader,
    account: &str,
    all: &[String],
    day: NaiveDate,
) -> Result<Vec<String>> {
    let ticked = hand_checks::between(reader, account, day, day)?;
    Ok(all.iter().filter(|name| !ticked.iter().any(|tick| tick.surface == **name)).cloned().collect())
}
