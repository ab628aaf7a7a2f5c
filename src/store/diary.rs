//! The register: numbers without gaps, per board and year.

use chrono::{DateTime, Datelike, Utc};
use chrono_tz::Europe::Stockholm;
use rusqlite::{OptionalExtension, params};

use super::{Reader, Result, Tx, stamp};
use crate::domain::case::CaseId;

/// A number that is about to be used, in the same transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    /// The board.
    pub board: String,
    /// The year, Stockholm time.
    pub year: i32,
    /// The serial in board and year, from 1.
    pub n: i64,
    /// As people write it.
    pub text: String,
}

/// A row of the register.
#[derive(Debug, Clone)]
pub struct Registration<'a> {
    /// The number.
    pub number: &'a Number,
    /// The record.
    pub record: &'a str,
    /// The case.
    pub case: CaseId,
    /// The log entry that says so.
    pub entry: u64,
    /// What everybody may read (OSL 5:2), chosen by outcome, never by suspicion.
    pub public_text: &'a str,
    /// Whether secrecy is marked.
    pub secrecy: bool,
    /// When.
    pub at: DateTime<Utc>,
}

/// The next number of `board` at `at`, by its template (`{year}`, `{n}`).
///
/// # Errors
/// Engine errors.
pub fn next(tx: &Tx<'_>, board: &str, template: &str, at: DateTime<Utc>) -> Result<Number> {
    let year = at.with_timezone(&Stockholm).year();
    let n: i64 = tx.query_row(
        "select coalesce(max(n), 0) + 1 from diary where board = ?1 and year = ?2",
        params![board, year],
        |row| row.get(0),
    )?;
    // The braces are the template's own, not a format string's.
    let text = template
        .replace(concat!("{", "year}"), &year.to_string())
        .replace(concat!("{", "n}"), &n.to_string());
    Ok(Number { board: board.to_owned(), year, n, text })
}

/// Enters a row.
///
/// # Errors
/// Engine errors; a record is registered once.
pub fn register(tx: &Tx<'_>, row: &Registration<'_>) -> Result<()> {
    tx.execute(
        "insert into diary (board, year, n, number, record, case_id, entry, registered_at, public_text, secrecy)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            row.number.board,
            row.number.year,
            row.number.n,
            row.number.text,
            row.record,
            row.case.0,
            row.entry,
            stamp(row.at),
            row.public_text,
            row.secrecy
        ],
    )?;
    Ok(())
}

/// The number of a record, if it is registered.
///
/// # Errors
/// Engine errors.
pub fn of_record(reader: &Reader, record: &str) -> Result<Option<String>> {
    Ok(reader
        .prepare_cached("select number from diary where record = ?1")?
        .query_row([record], |row| row.get(0))
        .optional()?)
}

/// Numbers given since `from`, in order, with their public texts; of one board.
///
/// # Errors
/// Engine errors.
pub fn since(
    reader: &Reader,
    board: &str,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<(String, String)>> {
    let mut query = reader.prepare_cached(
        "select number, public_text from diary where board = ?1 and registered_at >= ?2 and registered_at < ?3
         order by year, n",
    )?;
    let rows = query.query_map([board, &stamp(from), &stamp(to)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
