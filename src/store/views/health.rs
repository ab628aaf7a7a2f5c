//! How the installation is doing, as the database knows it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rusqlite::params;
use serde::Serialize;

use super::super::{Reader, Result, StoreError, brake, log, meta, moment, polls, stamp};
use super::OPEN;

/// The key of `meta` under which the daemon notes when a pass was finished last (RFC 3339, UTC).
pub const LAST_PASS: &str = "last_pass";

/// How the installation is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Health {
    /// When a pass was finished last (UTC); absent before the first.
    pub last_pass: Option<DateTime<Utc>>,
    /// Each account asked for, in the order given; serialized by who knows the configuration too.
    #[serde(skip)]
    pub accounts: Vec<AccountHealth>,
    /// How many cases stand in each state.
    pub cases: BTreeMap<String, u64>,
    /// Open duties.
    pub open_duties: u64,
    /// Of these, those whose time is out.
    pub overdue_duties: u64,
    /// Letters that wait to be sent.
    pub letters_waiting: u64,
    /// Since when the oldest of these waits (UTC).
    pub letters_since: Option<DateTime<Utc>>,
    /// Letters the mail server would not have.
    pub letters_refused: u64,
    /// Brakes that hold: the rule (or `all`) and why.
    pub brakes: Vec<(String, String)>,
    /// Entries in the log.
    pub log_size: u64,
}

/// How the watch over one account is doing. Times are UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountHealth {
    /// The account's id.
    pub account: String,
    /// When a poll last succeeded.
    pub last_ok: Option<DateTime<Utc>>,
    /// Since when it cannot be read.
    pub blind_since: Option<DateTime<Utc>>,
    /// Why.
    pub blind_reason: Option<String>,
    /// Older comments start no duty, letter or act.
    pub watched_from: Option<DateTime<Utc>>,
    /// When it is polled next.
    pub next_poll: Option<DateTime<Utc>>,
    /// Why it is read more rarely than by its schedule, in Swedish.
    pub slow: Option<String>,
}

/// How the installation is doing at `now`, with these accounts.
///
/// # Errors
/// Engine errors; rows that hold what they should not.
pub fn health(reader: &Reader, accounts: &[&str], now: DateTime<Utc>) -> Result<Health> {
    let accounts = accounts
        .iter()
        .map(|id| {
            let state = polls::state(reader, id)?;
            let (blind_since, blind_reason) = state.blind.unzip();
            Ok(AccountHealth {
                account: (*id).to_owned(),
                last_ok: state.last_ok,
                blind_since,
                blind_reason,
                watched_from: state.watched_from,
                next_poll: state.next_poll,
                slow: state.slow,
            })
        })
        .collect::<Result<_>>()?;
    let mut query = reader.prepare_cached("select state, count(*) from case_file group by state")?;
    let cases =
        query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
    let (open_duties, overdue_duties) = reader.query_row(
        &format!(
            "select count(*), count(*) filter (where due_at < ?1 or state = 'overdue') from duty where {OPEN}"
        ),
        params![stamp(now)],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let (letters_waiting, since, letters_refused): (u64, Option<String>, u64) = reader.query_row(
        "select count(*) filter (where state = 'queued' and send_after <= ?1),
             min(created_at) filter (where state = 'queued' and send_after <= ?1),
             count(*) filter (where state = 'refused') from letter",
        params![stamp(now)],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    Ok(Health {
        last_pass: last_pass(reader)?,
        accounts,
        cases,
        open_duties,
        overdue_duties,
        letters_waiting,
        letters_since: since.as_deref().map(moment).transpose()?,
        letters_refused,
        brakes: brake::held(reader)?.into_iter().map(|held| (held.rule, held.why)).collect(),
        log_size: log::size(reader)?,
    })
}

/// When a pass was finished last (UTC).
///
/// # Errors
/// Engine errors; `Corrupt` where no moment stands.
pub fn last_pass(reader: &Reader) -> Result<Option<DateTime<Utc>>> {
    meta(reader, LAST_PASS)?
        .map(|text| {
            DateTime::parse_from_rfc3339(&text)
                .map(|at| at.to_utc())
                .map_err(|_| StoreError::Corrupt(format!("meta {LAST_PASS}: `{text}` is no moment")))
        })
        .transpose()
}
