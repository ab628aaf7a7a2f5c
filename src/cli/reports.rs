//! `uppsikt reports`: what happened in a month, for a board: counted, never by who wrote (R43, R92, N9).

mod page;

#[cfg(test)]
mod tests;

use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use clap::ValueEnum;
use serde::Serialize;

use super::accounts::{self, Day};
use super::{Outcome, args, decide};
use crate::config::{Board, Config};
use crate::domain::month::Month;
use crate::store::reports::{self, Automatic, Diary, Figures};
use crate::store::{self, Reader};
use crate::{assemble, bundle, durable};

/// In which form a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// A web page that needs nothing beside itself.
    Html,
    /// Section, row, column and value, comma-separated (RFC 4180).
    Csv,
    /// Pages for the minutes, PDF/A-1b.
    Pdf,
    /// One JSON object a line: a board each.
    Json,
}

/// A board's month. Times are UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The municipality.
    pub organisation: String,
    /// The board's id.
    pub board: String,
    /// Its name.
    pub board_name: String,
    /// The month in Stockholm, `2026-11`.
    pub month: String,
    /// Its first moment.
    pub from: DateTime<Utc>,
    /// The first moment that is not counted.
    pub to: DateTime<Utc>,
    /// The month is not over: what is told changes until it is.
    pub preliminary: bool,
    /// The accounts, in the order of the configuration.
    pub accounts: Vec<AccountReport>,
    /// What the diary received.
    pub diary: Diary,
    /// What rules decided by themselves: the list for the board.
    pub automatic: Vec<Automatic>,
    /// How many entries the log had at the end: where the report's proof stands.
    pub log_entries: u64,
}

/// An account's month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountReport {
    /// Its id.
    pub account: String,
    /// Its platform's name.
    pub platform: &'static str,
    /// How it was watched.
    pub watch: Watch,
    /// What happened.
    #[serde(flatten)]
    pub figures: Figures,
}

/// How an account was watched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Watch {
    /// Days that were asked about.
    pub days: u64,
    /// Of these, watched without a gap.
    pub watched: u64,
    /// Readings that succeeded.
    pub polls: u64,
    /// Readings that failed.
    pub failed: u64,
    /// Minutes in which it was blind.
    pub blind_minutes: i64,
    /// The longest of these times.
    pub longest_blind_minutes: i64,
    /// Comments written in blind times and found afterwards.
    pub found_late: u64,
    /// Places that a person was to look at by hand, a place and a day each.
    pub by_hand: u64,
    /// Of these, those that nobody looked at.
    pub by_hand_missed: u64,
}

/// Writes the report that was asked for.
///
/// # Errors
/// A board that there is not, several where the form holds one, a month to come, a path that exists; the store's.
pub fn run(config: &Config, asked: &args::Reports, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let now = assemble::reading(config, |reader| Ok(decide::now(reader)?))?;
    let month = asked.month.unwrap_or_else(|| Month::of(now).previous());
    if month > Month::of(now) {
        bail!("{month} has not begun; name a month that has");
    }
    let boards = boards(config, asked.board.as_deref())?;
    if asked.form != Form::Json && boards.len() > 1 {
        let names: Vec<_> = boards.iter().map(|board| board.id.as_str()).collect();
        bail!("there are several boards: name one with --board ({}), or take --as json", names.join(", "));
    }
    let mut bytes = Vec::new();
    for board in boards {
        let report = assemble::reading(config, |reader| Ok(of(reader, config, board, month, now)?))?;
        match asked.form {
            Form::Json => {
                serde_json::to_writer(&mut bytes, &report)?;
                bytes.push(b'\n');
            }
            Form::Csv => bytes.extend(page::csv(&report).into_bytes()),
            Form::Html => bytes.extend(page::html(&report)?.into_bytes()),
            Form::Pdf => bytes.extend(bundle::pdf::plain(&page::printed(&report))?),
        }
    }
    match &asked.out {
        Some(path) => write(path, &bytes)?,
        None => out.write_all(&bytes)?,
    }
    Ok(Outcome::Done)
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    if path.try_exists()? {
        bail!("{} exists already; name another file with --out", path.display());
    }
    durable::write(path, bytes, 0o640).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(())
}

/// The boards that have accounts, or the one that was named.
fn boards<'a>(config: &'a Config, named: Option<&str>) -> anyhow::Result<Vec<&'a Board>> {
    if let Some(id) = named {
        let Some(board) = config.board(id) else {
            let known: Vec<_> = config.boards.iter().map(|board| board.id.as_str()).collect();
            bail!("there is no board `{id}`; there are {}", known.join(", "));
        };
        return Ok(vec![board]);
    }
    let with = |board: &&Board| config.accounts.iter().any(|account| account.board == board.id);
    Ok(config.boards.iter().filter(with).collect())
}

/// The month of a board as it stands at `now`.
///
/// # Errors
/// The store's.
pub fn of(
    reader: &Reader,
    config: &Config,
    board: &Board,
    month: Month,
    now: DateTime<Utc>,
) -> store::Result<Report> {
    let (from, end) = month.span();
    let span = (from, end.min(now));
    let mine: Vec<_> = config.accounts.iter().filter(|account| account.board == board.id).cloned().collect();
    let config = Config { accounts: mine, ..config.clone() };
    let days = accounts::days(reader, &config, (month.first(), month.last()), span.1)?;
    let (mut accounts, mut automatic) = (Vec::new(), Vec::new());
    for account in &config.accounts {
        automatic.extend(reports::automatic(reader, &account.id, span)?);
        accounts.push(AccountReport {
            account: account.id.clone(),
            platform: account.platform.label(),
            watch: watch(days.iter().filter(|day| day.account == account.id)),
            figures: reports::figures(reader, &account.id, span)?,
        });
    }
    automatic.sort_by(|a, b| (a.at, &a.case).cmp(&(b.at, &b.case)));
    Ok(Report {
        organisation: config.organisation.name.clone(),
        board: board.id.clone(),
        board_name: board.name.clone(),
        month: month.to_string(),
        from,
        to: span.1,
        preliminary: span.1 < end,
        accounts,
        diary: reports::diary(reader, &board.id, span)?,
        automatic,
        log_entries: reports::entries_before(reader, span.1)?,
    })
}

fn watch<'a>(days: impl Iterator<Item = &'a Day>) -> Watch {
    let mut watch = Watch::default();
    for day in days {
        watch.days += 1;
        watch.watched += u64::from(day.watched);
        watch.polls += day.polls as u64;
        watch.failed += day.failed as u64;
        for blind in &day.blind {
            let minutes = (blind.to - blind.from).num_minutes();
            watch.blind_minutes += minutes;
            watch.longest_blind_minutes = watch.longest_blind_minutes.max(minutes);
            watch.found_late += blind.found_late;
        }
        watch.by_hand += day.by_hand.len() as u64;
        watch.by_hand_missed += day.by_hand.iter().filter(|place| place.checked_at.is_none()).count() as u64;
    }
    watch
}
