//! What came to an account: for the daily summary, and for the one letter about older material.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use rusqlite::params;

use super::{Reader, Result, StoreError, moment, stamp};
use crate::domain::case::CaseId;
use crate::domain::category::Category;

/// Which comments are counted; the municipality's own never are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Those older than `watched_from`.
    Old,
    /// The others, first seen from the one moment and before the other.
    Seen(DateTime<Utc>, DateTime<Utc>),
}

/// How many came, and what the rules found in them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Comments.
    pub came: u64,
    /// Comments for which more than "keep" is proposed.
    pub flagged: u64,
    /// Comments with each category, the most frequent first; a comment may have several.
    pub by_category: Vec<(Category, u64)>,
}

/// Counts the comments of an account by their newest text.
///
/// # Errors
/// Engine errors; a category that is none.
pub fn counts(reader: &Reader, account: &str, which: Counted) -> Result<Counts> {
    let (condition, from, to) = match which {
        Counted::Old => ("c.old = 1 and ?2 = ?3", String::new(), String::new()),
        Counted::Seen(from, to) => {
            ("c.old = 0 and c.first_seen_at >= ?2 and c.first_seen_at < ?3", stamp(from), stamp(to))
        }
    };
    let values = params![account, from, to];
    let whose = format!("c.account = ?1 and c.ours = 0 and {condition}");
    let judged =
        "join version v on v.comment = c.id and v.n = (select max(n) from version where comment = c.id)
         join assessment a on a.version = v.id";
    let came = reader
        .query_row(&format!("select count(*) from comment c where {whose}"), values, |row| row.get(0))?;
    let flagged = reader.query_row(
        &format!("select count(*) from comment c {judged} where {whose} and a.proposal <> 'keep'"),
        values,
        |row| row.get(0),
    )?;
    let mut query = reader.prepare(&format!(
        "select json_extract(f.value, '$.category') as category, count(distinct c.id)
         from comment c {judged}, json_each(a.findings) f where {whose} group by category order by 2 desc, 1"
    ))?;
    let by_category = query
        .query_map(values, |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?
        .map(|row| {
            let (code, count) = row?;
            Ok((Category::from_str(&code).map_err(StoreError::Corrupt)?, count))
        })
        .collect::<Result<_>>()?;
    Ok(Counts { came, flagged, by_category })
}

/// True when an account has comments older than `watched_from`.
///
/// # Errors
/// Engine errors.
pub fn has_old(reader: &Reader, account: &str) -> Result<bool> {
    Ok(reader
        .prepare_cached("select exists (select 1 from comment where account = ?1 and old = 1 and ours = 0)")?
        .query_row([account], |row| row.get(0))?)
}

/// A time during which an account could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blind {
    /// The beginning of the first poll that failed.
    pub from: DateTime<Utc>,
    /// The beginning of the first poll that succeeded again; `None` if none has.
    pub to: Option<DateTime<Utc>>,
    /// Why the first one failed.
    pub reason: String,
}

/// The times between two moments during which an account could not be read.
///
/// # Errors
/// Engine errors.
pub fn blind(reader: &Reader, account: &str, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<Blind>> {
    let mut query = reader.prepare_cached(
        "select started_at, reason from poll where account = ?1 and started_at >= ?2 and started_at < ?3
         order by started_at, id",
    )?;
    let mut times: Vec<Blind> = Vec::new();
    for row in query.query_map(params![account, stamp(from), stamp(to)], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?))
    })? {
        let (at, failure) = row?;
        let at = moment(&at)?;
        let running = times.last_mut().filter(|time| time.to.is_none());
        match (failure, running) {
            (None, Some(time)) => time.to = Some(at),
            (Some(reason), None) => times.push(Blind { from: at, to: None, reason }),
            _ => {}
        }
    }
    Ok(times)
}

/// A number of the register, as the registrar's letter tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNumber {
    /// The number.
    pub number: String,
    /// When it was given.
    pub at: DateTime<Utc>,
    /// The case.
    pub case: CaseId,
    /// What everybody may read.
    pub public_text: String,
}

/// The numbers of a board given from the one moment and before the other, in order.
///
/// # Errors
/// Engine errors.
pub fn numbers(
    reader: &Reader,
    board: &str,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<NewNumber>> {
    let mut query = reader.prepare_cached(
        "select number, registered_at, case_id, public_text from diary
         where board = ?1 and registered_at >= ?2 and registered_at < ?3 order by year, n",
    )?;
    let rows = query.query_map(params![board, stamp(from), stamp(to)], |row| {
        Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?, row.get(3)?))
    })?;
    rows.map(|row| {
        let (number, at, case, public_text) = row?;
        Ok(NewNumber { number, at: moment(&at)?, case: CaseId(case), public_text })
    })
    .collect()
}

/// The number of a case in Uppsikt's series, the newest if it has several, and whether secrecy is marked on any.
///
/// # Errors
/// Engine errors.
pub fn registered(reader: &Reader, case: CaseId) -> Result<(Option<String>, bool)> {
    let mut query = reader
        .prepare_cached("select number, secrecy from diary where case_id = ?1 order by registered_at, n")?;
    let rows: Vec<(String, bool)> =
        query.query_map([case.0], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
    let secret = rows.iter().any(|(_, secret)| *secret);
    Ok((rows.into_iter().next_back().map(|(number, _)| number), secret))
}
