//! Preserved versions: the rows from which packs are made.

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, params};

use super::{Reader, Result, StoreError, Tx, moment, stamp};
use crate::connector::Sighting;
use crate::domain::case::CaseId;

/// One version under preservation. Its pack is wholly determined by this row and the record's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// 32 hexadecimal digits, random.
    pub id: String,
    /// The version's row.
    pub version: i64,
    /// The comment's row.
    pub comment: i64,
    /// The case.
    pub case: CaseId,
    /// Exact bytes of the single look, or of the stored element.
    pub look: Vec<u8>,
    /// True for a single look, false for the stored element.
    pub single: bool,
    /// How a single look's answer travelled (`archive::exchange`), as JSON.
    pub exchange: Option<Box<str>>,
    /// The address asked, free of secrets.
    pub look_url: String,
    /// When it was asked, or when the element was read.
    pub look_at: DateTime<Utc>,
    /// How the comment stood.
    pub sighting: Sighting,
    /// The fields of the snapshot, JSON.
    pub doc: String,
    /// The pack's nonce.
    pub nonce: [u8; 24],
    /// SHA-256 of the pack file (hex), once preserved.
    pub pack_digest: Option<String>,
}

const COLUMNS: &str =
    "id, version, comment, case_id, look, look_kind = 'look', look_url, look_at, sighting, doc, nonce,
    pack_digest, exchange from record";

/// A row, with what must still be read of its texts: the moment of the look and the sighting.
type Raw = (Record, String, String);

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Raw> {
    let record = Record {
        id: row.get(0)?,
        version: row.get(1)?,
        comment: row.get(2)?,
        case: CaseId(row.get(3)?),
        look: row.get(4)?,
        single: row.get(5)?,
        look_url: row.get(6)?,
        look_at: DateTime::UNIX_EPOCH,
        sighting: Sighting::Untold,
        doc: row.get(9)?,
        nonce: row.get(10)?,
        pack_digest: row.get(11)?,
        exchange: row.get(12)?,
    };
    Ok((record, row.get(7)?, row.get(8)?))
}

fn record_of((record, at, sighting): Raw) -> Result<Record> {
    let known = Sighting::from_code(&sighting)
        .ok_or_else(|| StoreError::Corrupt(format!("`{sighting}` is no sighting")))?;
    Ok(Record { look_at: moment(&at)?, sighting: known, ..record })
}

/// The record with this id.
///
/// # Errors
/// `Corrupt` when there is none; engine errors.
pub fn get(reader: &Reader, id: &str) -> Result<Record> {
    reader
        .prepare_cached(&format!("select {COLUMNS} where id = ?1"))?
        .query_row([id], read)
        .optional()?
        .map(record_of)
        .transpose()?
        .ok_or_else(|| StoreError::Corrupt(format!("there is no record {id}")))
}

/// The record of a version, if one was begun.
///
/// # Errors
/// Engine errors.
pub fn of_version(reader: &Reader, version: i64) -> Result<Option<Record>> {
    reader
        .prepare_cached(&format!("select {COLUMNS} where version = ?1"))?
        .query_row([version], read)
        .optional()?
        .map(record_of)
        .transpose()
}

/// The records of an account that were begun and have no snapshot yet.
///
/// # Errors
/// Engine errors.
pub fn sealing(reader: &Reader, account: &str) -> Result<Vec<Record>> {
    reader
        .prepare_cached(&format!(
            "select {COLUMNS} where state = 'sealing'
             and comment in (select c.id from comment c where c.account = ?1) order by record.rowid"
        ))?
        .query_map([account], read)?
        .map(|row| record_of(row?))
        .collect()
}

/// The preserved records of a case, in log order of their snapshots.
///
/// # Errors
/// Engine errors.
pub fn of_case(reader: &Reader, case: CaseId) -> Result<Vec<Record>> {
    reader
        .prepare_cached(&format!(
            "select {COLUMNS} where case_id = ?1 and state = 'preserved'
             order by (select min(idx) from entry where entry.record = record.id)"
        ))?
        .query_map([case.0], read)?
        .map(|row| record_of(row?))
        .collect()
}

/// The record of a case that was last acted on, else the newest (DESIGN §4).
///
/// # Errors
/// Engine errors.
pub fn current(reader: &Reader, case: CaseId) -> Result<Option<Record>> {
    reader
        .prepare_cached(&format!(
            "select {COLUMNS} where case_id = ?1 and state = 'preserved'
             order by (select max(entry) from intent where intent.record = record.id) desc nulls last, version desc limit 1"
        ))?
        .query_row([case.0], read)
        .optional()?
        .map(record_of)
        .transpose()
}

/// Begins a record: the exact look and the nonce are fixed from here on (DESIGN §3, step 3).
///
/// # Errors
/// Engine errors; a version has one record.
pub fn begin(tx: &Tx<'_>, record: &Record) -> Result<()> {
    tx.execute(
        "insert into record (id, version, comment, case_id, look, look_kind, look_url, look_at, sighting, doc, nonce, exchange,
         state)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 'sealing')",
        params![
            record.id,
            record.version,
            record.comment,
            record.case.0,
            record.look,
            if record.single { "look" } else { "element" },
            record.look_url,
            stamp(record.look_at),
            record.sighting.code(),
            record.doc,
            record.nonce,
            record.exchange,
        ],
    )?;
    Ok(())
}

/// Ends it: the pack was read back whole; in the transaction of its snapshot entry (step 6).
///
/// # Errors
/// Engine errors.
pub fn preserved(tx: &Tx<'_>, id: &str, pack_digest: &str) -> Result<()> {
    tx.execute("update record set state = 'preserved', pack_digest = ?2 where id = ?1", [id, pack_digest])?;
    Ok(())
}

/// Cases with a preserved record whose comment was written in `from..to`, oldest first.
///
/// # Errors
/// Engine errors.
pub fn cases_between(
    reader: &Reader,
    account: &str,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<CaseId>> {
    let mut query = reader.prepare_cached(
        "select distinct k.id, c.created_at from case_file k join comment c on c.id = k.comment
         join record r on r.case_id = k.id and r.state = 'preserved'
         where c.account = ?1 and c.created_at >= ?2 and c.created_at < ?3 order by c.created_at, k.id",
    )?;
    query
        .query_map([account, &stamp(from), &stamp(to)], |row| row.get(0))?
        .map(|id| Ok(CaseId(id?)))
        .collect()
}
