//! How far each account has been read, and the proof of watching.

use chrono::{DateTime, Utc};
use rusqlite::OptionalExtension;

use super::{Reader, Result, Tx, moment, stamp, to_json};

/// How far an account has been read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountState {
    /// Comments older than this start no duty, letter or act; `None` before the first successful poll.
    pub watched_from: Option<DateTime<Utc>>,
    /// The connector's own words.
    pub cursor: Option<String>,
    /// When the running sweep began.
    pub sweep_started: Option<DateTime<Utc>>,
    /// When to poll next.
    pub next_poll: Option<DateTime<Utc>>,
    /// When a poll last succeeded.
    pub last_ok: Option<DateTime<Utc>>,
    /// Since when reading fails, and why.
    pub blind: Option<(DateTime<Utc>, String)>,
    /// A rate limit: nothing is asked earlier.
    pub not_before: Option<DateTime<Utc>>,
}

/// One finished poll.
#[derive(Debug, Clone)]
pub struct PollRow {
    /// The account.
    pub account: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// Comments in the answers.
    pub seen: usize,
    /// Of these, never seen before.
    pub new: usize,
    /// Elements that could not be read.
    pub faults: usize,
    /// Why it failed; `None` when it succeeded.
    pub failure: Option<String>,
    /// What could not be read, in Swedish.
    pub blind: Vec<String>,
}

/// How far `account` has been read; the default for one never read.
///
/// # Errors
/// Engine errors; a row that holds no moment where one should be.
pub fn state(reader: &Reader, account: &str) -> Result<AccountState> {
    type Row = [Option<String>; 8];
    let row: Option<Row> = reader
        .prepare_cached(
            "select watched_from, cursor, sweep_started, next_poll, last_ok, blind_since, blind_reason, not_before
             from account_state where account = ?1",
        )?
        .query_row([account], |row| {
            Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?])
        })
        .optional()?;
    let Some([watched, cursor, sweep, next, ok, since, reason, before]) = row else {
        return Ok(AccountState::default());
    };
    let at = |text: Option<String>| text.as_deref().map(moment).transpose();
    Ok(AccountState {
        watched_from: at(watched)?,
        cursor,
        sweep_started: at(sweep)?,
        next_poll: at(next)?,
        last_ok: at(ok)?,
        blind: at(since)?.map(|since| (since, reason.unwrap_or_default())),
        not_before: at(before)?,
    })
}

/// Makes sure that `account` has a row, and notes the `watched_from` of the configuration, which rules.
///
/// # Errors
/// Engine errors.
pub fn declare(tx: &Tx<'_>, account: &str, watched_from: Option<DateTime<Utc>>) -> Result<()> {
    tx.execute("insert or ignore into account_state (account) values (?1)", [account])?;
    if let Some(from) = watched_from {
        tx.execute("update account_state set watched_from = ?2 where account = ?1", [account, &stamp(from)])?;
    }
    Ok(())
}

/// Begins a sweep at `at`, unless one is running; returns when the running one began.
///
/// # Errors
/// Engine errors.
pub fn begin_sweep(tx: &Tx<'_>, account: &str, at: DateTime<Utc>) -> Result<DateTime<Utc>> {
    tx.execute(
        "update account_state set sweep_started = coalesce(sweep_started, ?2) where account = ?1",
        [account, &stamp(at)],
    )?;
    let text: String =
        tx.query_row("select sweep_started from account_state where account = ?1", [account], |row| {
            row.get(0)
        })?;
    moment(&text)
}

/// Notes a finished poll. A success ends blindness; a failure begins it, unless it had begun.
///
/// Returns true when this poll made the account blind.
///
/// # Errors
/// Engine errors.
pub fn finish(tx: &Tx<'_>, poll: &PollRow) -> Result<bool> {
    tx.execute(
        "insert into poll (account, started_at, ended_at, outcome, seen, new, faults, reason, blind)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        rusqlite::params![
            poll.account,
            stamp(poll.started_at),
            stamp(poll.ended_at),
            if poll.failure.is_some() { "failed" } else { "ok" },
            poll.seen,
            poll.new,
            poll.faults,
            poll.failure,
            to_json(&poll.blind)?,
        ],
    )?;
    match &poll.failure {
        None => {
            tx.execute(
                "update account_state set last_ok = ?2, blind_since = null, blind_reason = null, not_before = null,
                     sweep_started = null, watched_from = coalesce(watched_from, ?3)
                 where account = ?1",
                [&poll.account, &stamp(poll.ended_at), &stamp(poll.started_at)],
            )?;
            Ok(false)
        }
        Some(reason) => {
            let became = tx.execute(
                "update account_state set blind_since = ?2, blind_reason = ?3 where account = ?1 and blind_since is null",
                [&poll.account, &stamp(poll.started_at), reason],
            )?;
            tx.execute(
                "update account_state set blind_reason = ?2 where account = ?1",
                [&poll.account, reason],
            )?;
            Ok(became == 1)
        }
    }
}

/// Sets when `account` is polled next.
///
/// # Errors
/// Engine errors.
pub fn set_next(tx: &Tx<'_>, account: &str, next: DateTime<Utc>) -> Result<()> {
    tx.execute("update account_state set next_poll = ?2 where account = ?1", [account, &stamp(next)])?;
    Ok(())
}

/// Notes that the platform wants no request before `until`.
///
/// # Errors
/// Engine errors.
pub fn set_not_before(tx: &Tx<'_>, account: &str, until: DateTime<Utc>) -> Result<()> {
    tx.execute("update account_state set not_before = ?2 where account = ?1", [account, &stamp(until)])?;
    Ok(())
}

/// The end of the first successful poll of an account.
///
/// # Errors
/// Engine errors.
pub fn first_success(reader: &Reader, account: &str) -> Result<Option<DateTime<Utc>>> {
    let text: Option<String> = reader.query_row(
        "select min(ended_at) from poll where account = ?1 and outcome = 'ok'",
        [account],
        |row| row.get(0),
    )?;
    text.as_deref().map(moment).transpose()
}
