//! How far each account has been read, and the proof of watching.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{OptionalExtension, Row, params};

use super::{Reader, Result, Tx, json, meta, moment, set_meta, stamp, to_json};
use crate::domain::coverage;

/// Failures in a row after which a person is told, if they also lasted for [`TELL_AFTER`].
pub const TELL_AFTER_FAILURES: u32 = 3;

/// How long reading must have failed before a person is told: one failed poll is no news.
pub const TELL_AFTER: TimeDelta = TimeDelta::minutes(10);

/// An account not read for so long after it should have been is told however few polls failed.
pub const TELL_WHEN_LATE: TimeDelta = TimeDelta::minutes(15);

/// The key of `meta` that says until when every account is read faster than by its schedule (RFC 3339).
pub const CRISIS_UNTIL: &str = "crisis_until";

/// What a poll that died with its process has as its reason.
const INTERRUPTED: &str = "läsningen avbröts: Uppsikt stannade";

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
    /// The beginning of the last successful poll: what stood there then was seen.
    pub seen_until: Option<DateTime<Utc>>,
    /// Read later than this, the account was blind.
    pub late_at: Option<DateTime<Utc>>,
    /// Polls that failed in a row.
    pub failures: u32,
    /// The platform does not take the key: only a person can mend that.
    pub dead_key: bool,
    /// When the running poll began, or one that died with its process.
    pub poll_began: Option<DateTime<Utc>>,
    /// Many comments came: read faster until then.
    pub surge_until: Option<DateTime<Utc>>,
    /// Why it is read more rarely than by its schedule, in Swedish.
    pub slow: Option<String>,
}

impl AccountState {
    /// Whether a person is told that the account cannot be read: at once where the key is dead, else when three polls
    /// in a row have failed over ten minutes, or nothing was read until a quarter of an hour after it should have been.
    pub fn worth_telling(&self, now: DateTime<Utc>) -> bool {
        let Some((since, _)) = &self.blind else { return false };
        let lasting = self.failures >= TELL_AFTER_FAILURES && now - *since >= TELL_AFTER;
        let late = self.late_at.is_some_and(|late| now - late >= TELL_WHEN_LATE);
        self.dead_key || lasting || late
    }
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
    /// Whether it failed because the platform does not take the key.
    pub dead_key: bool,
    /// Units spent, by the full name of the quota.
    pub cost: BTreeMap<String, u64>,
    /// Of these, what every poll of the account costs.
    pub usual: BTreeMap<String, u64>,
}

/// What a finished poll means for the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next {
    /// When the account is polled next.
    pub at: DateTime<Utc>,
    /// Read later than this, it was blind: the schedule's next time, and some patience.
    pub late_at: DateTime<Utc>,
    /// Until when it is read faster, if it is.
    pub surge_until: Option<DateTime<Utc>>,
    /// Why it is read more rarely than by its schedule, in Swedish.
    pub slow: Option<String>,
}

/// How far `account` has been read; the default for one never read.
///
/// # Errors
/// Engine errors; a row that holds no moment where one should be.
pub fn state(reader: &Reader, account: &str) -> Result<AccountState> {
    let row = reader
        .prepare_cached(&format!("select {STATE} from account_state where account = ?1"))?
        .query_row([account], |row| Ok(read_state(row)))
        .optional()?;
    row.unwrap_or_else(|| Ok(AccountState::default()))
}

/// How far each account has been read, by id; those never declared are left out.
///
/// # Errors
/// As [`state`].
pub fn states(reader: &Reader) -> Result<BTreeMap<String, AccountState>> {
    let mut query = reader.prepare_cached(&format!("select {STATE}, account from account_state"))?;
    let rows = query.query_map([], |row| Ok((row.get(15)?, read_state(row))))?;
    rows.map(|row| {
        let (account, state) = row?;
        Ok((account, state?))
    })
    .collect()
}

const STATE: &str =
    "watched_from, cursor, sweep_started, next_poll, last_ok, blind_since, blind_reason, not_before,
    seen_until, late_at, failures, dead_key, poll_began, surge_until, slow";

fn read_state(row: &Row<'_>) -> Result<AccountState> {
    let at = |column: usize| -> Result<Option<DateTime<Utc>>> {
        row.get::<_, Option<String>>(column)?.as_deref().map(moment).transpose()
    };
    let reason: Option<String> = row.get(6)?;
    Ok(AccountState {
        watched_from: at(0)?,
        cursor: row.get(1)?,
        sweep_started: at(2)?,
        next_poll: at(3)?,
        last_ok: at(4)?,
        blind: at(5)?.map(|since| (since, reason.unwrap_or_default())),
        not_before: at(7)?,
        seen_until: at(8)?,
        late_at: at(9)?,
        failures: row.get(10)?,
        dead_key: row.get(11)?,
        poll_began: at(12)?,
        surge_until: at(13)?,
        slow: row.get(14)?,
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

/// Notes that a poll begins.
///
/// One that began earlier and never ended died with its process: it gets its row in the log now. Where the account was not read in time, the blind time stands in its table before the first comment of this
/// poll is stored, so that what is found late is known to be.
///
/// # Errors
/// Engine errors.
pub fn begin(tx: &Tx<'_>, account: &str, at: DateTime<Utc>) -> Result<()> {
    let state = state(tx, account)?;
    if let Some(began) = state.poll_began {
        tx.execute(
            "insert into poll (account, started_at, ended_at, outcome, seen, new, faults, reason, blind, late_at)
             values (?1, ?2, ?2, 'failed', 0, 0, 0, ?3, '[]', ?4)",
            params![account, stamp(began), INTERRUPTED, state.late_at.map(stamp)],
        )?;
        blind_from(tx, account, state.seen_until, began, INTERRUPTED)?;
    }
    if state.late_at.is_some_and(|late| late < at) {
        let why = if somebody_polled(tx, account, state.late_at.unwrap_or(at), at)? {
            coverage::NOT_READ
        } else {
            coverage::NOT_RUNNING
        };
        let why = state.slow.as_deref().unwrap_or(why);
        blind_from(tx, account, state.seen_until, at, why)?;
    }
    tx.execute("update account_state set poll_began = ?2 where account = ?1", [account, &stamp(at)])?;
    Ok(())
}

/// Opens a blind time, unless one is open.
fn blind_from(
    tx: &Tx<'_>,
    account: &str,
    seen_until: Option<DateTime<Utc>>,
    at: DateTime<Utc>,
    reason: &str,
) -> Result<()> {
    tx.execute(
        "insert or ignore into blind_time (account, from_at, reason) values (?1, ?2, ?3)",
        [account, &stamp(seen_until.unwrap_or(at)), reason],
    )?;
    Ok(())
}

/// Whether any other account was polled between two moments.
///
/// # Errors
/// Engine errors.
pub fn somebody_polled(
    reader: &Reader,
    account: &str,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<bool> {
    Ok(reader
        .prepare_cached(
            "select exists (select 1 from poll where started_at > ?2 and started_at < ?3 and account <> ?1)",
        )?
        .query_row([account, &stamp(from), &stamp(to)], |row| row.get(0))?)
}

/// Notes a finished poll and when the next one comes. A success ends blindness; a failure begins it, unless it had
/// begun.
///
/// Returns true when this poll made the account blind.
///
/// # Errors
/// Engine errors.
pub fn finish(tx: &Tx<'_>, poll: &PollRow, next: &Next) -> Result<bool> {
    let told = |cost: &BTreeMap<String, u64>| {
        if cost.is_empty() { Ok(None) } else { to_json(cost).map(Some) }
    };
    let (cost, usual) = (told(&poll.cost)?, told(&poll.usual)?);
    tx.execute(
        "insert into poll (account, started_at, ended_at, outcome, seen, new, faults, reason, blind, late_at, slow, cost)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        params![
            poll.account,
            stamp(poll.started_at),
            stamp(poll.ended_at),
            if poll.failure.is_some() { "failed" } else { "ok" },
            poll.seen,
            poll.new,
            poll.faults,
            poll.failure,
            to_json(&poll.blind)?,
            stamp(next.late_at),
            next.slow,
            cost,
        ],
    )?;
    tx.execute(
        "update account_state set next_poll = ?2, surge_until = ?3, slow = ?4, poll_began = null where account = ?1",
        params![poll.account, stamp(next.at), next.surge_until.map(stamp), next.slow],
    )?;
    match &poll.failure {
        None => {
            tx.execute(
                "update blind_time set to_at = ?2 where account = ?1 and to_at is null",
                [&poll.account, &stamp(poll.started_at)],
            )?;
            tx.execute(
                "update account_state set last_ok = ?2, blind_since = null, blind_reason = null, not_before = null,
                     sweep_started = null, watched_from = coalesce(watched_from, ?3), seen_until = ?3, late_at = ?4,
                     failures = 0, dead_key = 0, cost = coalesce(?5, cost)
                 where account = ?1",
                params![
                    poll.account,
                    stamp(poll.ended_at),
                    stamp(poll.started_at),
                    stamp(next.late_at),
                    usual
                ],
            )?;
            Ok(false)
        }
        Some(reason) => {
            let seen_until = state(tx, &poll.account)?.seen_until;
            blind_from(tx, &poll.account, seen_until, poll.started_at, reason)?;
            tx.execute(
                "update account_state set failures = failures + 1, dead_key = ?2 where account = ?1",
                params![poll.account, poll.dead_key],
            )?;
            became_blind(tx, &poll.account, poll.started_at, reason)
        }
    }
}

/// Notes since when, and why, an account cannot be read; true if it could until now.
///
/// # Errors
/// Engine errors.
pub fn became_blind(tx: &Tx<'_>, account: &str, since: DateTime<Utc>, reason: &str) -> Result<bool> {
    let became = tx.execute(
        "update account_state set blind_since = ?2 where account = ?1 and blind_since is null",
        [account, &stamp(since)],
    )?;
    tx.execute("update account_state set blind_reason = ?2 where account = ?1", [account, reason])?;
    Ok(became == 1)
}

/// A time during which an account was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlindTime {
    /// Seen until here (UTC).
    pub from: DateTime<Utc>,
    /// Read again (UTC); `None` while it lasts.
    pub to: Option<DateTime<Utc>>,
    /// Why.
    pub reason: String,
}

/// The time during which an account was not read and in which `at` lies: what was written then was found late.
///
/// # Errors
/// Engine errors.
pub fn blind_at(reader: &Reader, account: &str, at: DateTime<Utc>) -> Result<Option<BlindTime>> {
    let row: Option<(String, Option<String>, String)> = reader
        .prepare_cached(
            "select from_at, to_at, reason from blind_time
             where account = ?1 and from_at <= ?2 and (to_at is null or to_at > ?2) order by from_at limit 1",
        )?
        .query_row([account, &stamp(at)], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    row.map(|(from, to, reason)| {
        Ok(BlindTime { from: moment(&from)?, to: to.as_deref().map(moment).transpose()?, reason })
    })
    .transpose()
}

/// One row of the poll log, as the report reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// When it began (UTC).
    pub started_at: DateTime<Utc>,
    /// Why it failed.
    pub failure: Option<String>,
    /// Read later than this, the account was blind (UTC); absent in rows of an older version.
    pub late_at: Option<DateTime<Utc>>,
    /// Why the next one was put off.
    pub slow: Option<String>,
    /// Comments in the answers.
    pub seen: u64,
    /// Of these, never seen before.
    pub new: u64,
    /// Elements that could not be read.
    pub faults: u64,
    /// What could not be read, in Swedish.
    pub blind: Vec<String>,
}

/// The polls of an account that began between two moments, and those since the last success before them, in order.
///
/// # Errors
/// Engine errors.
pub fn logged(reader: &Reader, account: &str, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<Logged>> {
    type Raw = (String, Option<String>, Option<String>, Option<String>, [u64; 3], String);
    let mut query = reader.prepare_cached(
        "select started_at, reason, late_at, slow, seen, new, faults, blind from poll
         where account = ?1 and started_at < ?3 and started_at >= coalesce(
             (select max(started_at) from poll where account = ?1 and outcome = 'ok' and started_at <= ?2),
             (select min(started_at) from poll where account = ?1), ?2)
         order by started_at, id",
    )?;
    let rows = query.query_map([account, &stamp(from), &stamp(to)], |row| {
        let counts = [row.get(4)?, row.get(5)?, row.get(6)?];
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, counts, row.get(7)?))
    })?;
    rows.map(|row| {
        let (started, failure, late, slow, [seen, new, faults], blind): Raw = row?;
        Ok(Logged {
            started_at: moment(&started)?,
            failure,
            late_at: late.as_deref().map(moment).transpose()?,
            slow,
            seen,
            new,
            faults,
            blind: json(&blind)?,
        })
    })
    .collect()
}

/// How many comments written between two moments were found only after the later one, and not for being older than
/// the watch.
///
/// # Errors
/// Engine errors.
pub fn found_late(reader: &Reader, account: &str, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<u64> {
    Ok(reader
        .prepare_cached(
            "select count(*) from comment where account = ?1 and created_at >= ?2 and created_at < ?3
             and first_seen_at >= ?3 and old = 0 and ours = 0",
        )?
        .query_row([account, &stamp(from), &stamp(to)], |row| row.get(0))?)
}

/// Units that one poll of each account last cost, by account and quota, without what is read only now and then.
///
/// # Errors
/// Engine errors.
pub fn costs(reader: &Reader) -> Result<BTreeMap<String, BTreeMap<String, u64>>> {
    let mut query =
        reader.prepare_cached("select account, cost from account_state where cost is not null")?;
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
    rows.map(|row| {
        let (account, cost) = row?;
        Ok((account, json(&cost)?))
    })
    .collect()
}

/// Units that the polls of an account spent between two moments, by quota, and how many polls there were.
///
/// # Errors
/// Engine errors.
pub fn spent(
    reader: &Reader,
    account: &str,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<(u64, BTreeMap<String, u64>)> {
    let mut query = reader.prepare_cached(
        "select cost from poll where account = ?1 and started_at >= ?2 and started_at < ?3",
    )?;
    let (mut polls, mut spent) = (0, BTreeMap::new());
    for row in query.query_map([account, &stamp(from), &stamp(to)], |row| row.get::<_, Option<String>>(0))? {
        polls += 1;
        let Some(cost) = row? else { continue };
        for (quota, units) in json::<BTreeMap<String, u64>>(&cost)? {
            *spent.entry(quota).or_default() += units;
        }
    }
    Ok((polls, spent))
}

/// Whether every account is to be read faster than by its schedule.
///
/// # Errors
/// Engine errors; a flag that is no moment.
pub fn crisis(reader: &Reader, now: DateTime<Utc>) -> Result<bool> {
    let until = meta(reader, CRISIS_UNTIL)?;
    Ok(until.as_deref().map(moment).transpose()?.is_some_and(|until| until > now))
}

/// Lets every account be read faster than by its schedule until then.
///
/// # Errors
/// Engine errors.
pub fn set_crisis(tx: &Tx<'_>, until: DateTime<Utc>) -> Result<()> {
    set_meta(tx, CRISIS_UNTIL, &stamp(until))
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
