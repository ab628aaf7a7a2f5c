//! What outsiders say of the log: time-stamps and cosignatures, and how asking for them goes.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{OptionalExtension, Row, params};
use serde::Serialize;

use super::{Reader, Result, Tx, moment, stamp};

/// A time-stamp of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// How many entries the checkpoint covers.
    pub size: u64,
    /// The stamped bytes: the checkpoint before any cosignature.
    pub checkpoint: String,
    /// The authority's id.
    pub authority: String,
    /// The reply, as it came.
    pub reply: Vec<u8>,
    /// The certificates (PEM).
    pub chain: String,
    /// What the authority says the time was (UTC).
    pub at: DateTime<Utc>,
    /// When its certificate expires (UTC).
    pub expires: DateTime<Utc>,
    /// Our clock when it came (UTC).
    pub received: DateTime<Utc>,
}

/// A witness's cosignature of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosignature {
    /// How many entries the checkpoint covers.
    pub size: u64,
    /// The checkpoint before any cosignature.
    pub checkpoint: String,
    /// The witness's id.
    pub witness: String,
    /// The key that the line verifies with.
    pub vkey: String,
    /// The signature line, with its line feed.
    pub line: String,
    /// What the witness says the time was (UTC).
    pub at: DateTime<Utc>,
    /// Our clock when it came (UTC).
    pub received: DateTime<Utc>,
}

/// How asking one of them went last, if not well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Since when it has not gone well (UTC).
    pub since: DateTime<Utc>,
    /// When it was tried last (UTC).
    pub last: DateTime<Utc>,
    /// How many times in a row.
    pub times: u32,
    /// It answered, and what it said is not true.
    pub lie: bool,
    /// Why.
    pub why: String,
}

const STAMP: &str = "size, checkpoint, authority, reply, chain, at, expires, received";
const COSIGNATURE: &str = "size, checkpoint, witness, vkey, line, at, received";

/// Keeps a stamp.
///
/// # Errors
/// Engine errors.
pub fn keep_stamp(tx: &Tx<'_>, new: &Stamp) -> Result<()> {
    tx.execute(
        &format!("insert into stamp ({STAMP}) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"),
        params![
            new.size,
            new.checkpoint,
            new.authority,
            new.reply,
            new.chain,
            stamp(new.at),
            stamp(new.expires),
            stamp(new.received)
        ],
    )?;
    Ok(())
}

/// Keeps a cosignature; one of the same checkpoint and key that is there stays.
///
/// # Errors
/// Engine errors.
pub fn keep_cosignature(tx: &Tx<'_>, new: &Cosignature) -> Result<()> {
    tx.execute(
        &format!("insert or ignore into cosignature ({COSIGNATURE}) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)"),
        params![
            new.size,
            new.checkpoint,
            new.witness,
            new.vkey,
            new.line,
            stamp(new.at),
            stamp(new.received)
        ],
    )?;
    Ok(())
}

/// The newest stamp of an authority.
///
/// # Errors
/// Engine errors.
pub fn newest_stamp(reader: &Reader, authority: &str) -> Result<Option<Stamp>> {
    let sql = format!("select {STAMP} from stamp where authority = ?1 order by id desc limit 1");
    reader.query_row(&sql, [authority], |row| Ok(read_stamp(row))).optional()?.transpose()
}

/// The newest cosignature of a witness.
///
/// # Errors
/// Engine errors.
pub fn newest_cosignature(reader: &Reader, witness: &str) -> Result<Option<Cosignature>> {
    let sql = format!("select {COSIGNATURE} from cosignature where witness = ?1 order by id desc limit 1");
    reader.query_row(&sql, [witness], |row| Ok(read_cosignature(row))).optional()?.transpose()
}

/// The stamps and cosignatures of the checkpoint over `size` entries, or of all, in the order in which they came.
///
/// # Errors
/// Engine errors.
pub fn of(reader: &Reader, size: Option<u64>) -> Result<(Vec<Stamp>, Vec<Cosignature>)> {
    let which = "where ?1 is null or size = ?1 order by id";
    let mut stamps = reader.prepare(&format!("select {STAMP} from stamp {which}"))?;
    let stamps = stamps.query_map([size], |row| Ok(read_stamp(row)))?;
    let mut cosignatures = reader.prepare(&format!("select {COSIGNATURE} from cosignature {which}"))?;
    let cosignatures = cosignatures.query_map([size], |row| Ok(read_cosignature(row)))?;
    Ok((stamps.map(|row| row?).collect::<Result<_>>()?, cosignatures.map(|row| row?).collect::<Result<_>>()?))
}

/// The cosignatures of a checkpoint, in the order in which they came.
///
/// # Errors
/// Engine errors.
pub fn cosignatures(reader: &Reader, checkpoint: &str) -> Result<Vec<Cosignature>> {
    let sql = format!("select {COSIGNATURE} from cosignature where checkpoint = ?1 order by id");
    let mut query = reader.prepare_cached(&sql)?;
    let rows = query.query_map([checkpoint], |row| Ok(read_cosignature(row)))?;
    rows.map(|row| row?).collect()
}

/// The stamp to show for the entries below `covered`: the earliest that covers them, which says most about when they
/// were there; among those whose certificate is valid for another year, if there is one.
///
/// # Errors
/// Engine errors.
pub fn stamp_covering(reader: &Reader, covered: u64, now: DateTime<Utc>) -> Result<Option<Stamp>> {
    let sql = format!(
        "select {STAMP} from stamp where size >= ?1 order by expires < ?2, case when expires < ?2 then -id else id end
         limit 1"
    );
    let lasting = stamp(now + TimeDelta::days(365));
    reader.query_row(&sql, params![covered, lasting], |row| Ok(read_stamp(row))).optional()?.transpose()
}

/// The earliest cosigned checkpoint over the entries below `covered`.
///
/// # Errors
/// Engine errors.
pub fn cosigned_covering(reader: &Reader, covered: u64) -> Result<Option<String>> {
    Ok(reader
        .query_row(
            "select checkpoint from cosignature where size >= ?1 order by size, id limit 1",
            [covered],
            |row| row.get(0),
        )
        .optional()?)
}

/// The largest checkpoint that is stamped, and the largest that is cosigned: how many entries each covers.
///
/// # Errors
/// Engine errors.
pub fn largest(reader: &Reader) -> Result<(u64, u64)> {
    Ok(reader.query_row(
        "select (select coalesce(max(size), 0) from stamp), (select coalesce(max(size), 0) from cosignature)",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?)
}

/// When the last of all stamps expires (UTC).
///
/// # Errors
/// Engine errors.
pub fn lasts_until(reader: &Reader) -> Result<Option<DateTime<Utc>>> {
    let text: Option<String> = reader.query_row("select max(expires) from stamp", [], |row| row.get(0))?;
    text.as_deref().map(moment).transpose()
}

/// Whether something was preserved by the entries with index in `from..to`.
///
/// # Errors
/// Engine errors.
pub fn preserved_between(reader: &Reader, from: u64, to: u64) -> Result<bool> {
    Ok(reader
        .prepare_cached(
            "select exists (select 1 from entry where idx >= ?1 and idx < ?2 and t = 'snapshot')",
        )?
        .query_row([from, to], |row| row.get(0))?)
}

/// When an entry was made (UTC).
///
/// # Errors
/// Engine errors.
pub fn made_at(reader: &Reader, index: u64) -> Result<Option<DateTime<Utc>>> {
    let text: Option<String> = reader
        .prepare_cached("select at from entry where idx = ?1")?
        .query_row([index], |row| row.get(0))
        .optional()?;
    text.as_deref().map(moment).transpose()
}

/// How one outsider stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// `timestamp` or `witness`.
    pub kind: &'static str,
    /// Its id.
    pub id: String,
    /// How many entries the newest checkpoint covers that it vouched for; 0 for none.
    pub size: u64,
    /// When, by its own clock (UTC).
    pub at: Option<DateTime<Utc>>,
    /// When its certificate expires (UTC); only of an authority.
    pub expires: Option<DateTime<Utc>>,
    /// What went wrong when it was asked last.
    pub fault: Option<Fault>,
}

/// How the authorities and witnesses of these ids stand.
///
/// # Errors
/// Engine errors.
pub fn standing(reader: &Reader, authorities: &[&str], witnesses: &[&str]) -> Result<Vec<Standing>> {
    let mut faults = faults(reader)?;
    let mut all = Vec::new();
    for id in authorities {
        let newest = newest_stamp(reader, id)?;
        all.push(Standing {
            kind: "timestamp",
            id: (*id).to_owned(),
            size: newest.as_ref().map_or(0, |stamp| stamp.size),
            at: newest.as_ref().map(|stamp| stamp.at),
            expires: newest.map(|stamp| stamp.expires),
            fault: faults.remove(&format!("timestamp:{id}")),
        });
    }
    for id in witnesses {
        let newest = newest_cosignature(reader, id)?;
        all.push(Standing {
            kind: "witness",
            id: (*id).to_owned(),
            size: newest.as_ref().map_or(0, |one| one.size),
            at: newest.map(|one| one.at),
            expires: None,
            fault: faults.remove(&format!("witness:{id}")),
        });
    }
    Ok(all)
}

/// Notes how asking went: `None` when it went well.
///
/// # Errors
/// Engine errors.
pub fn asked(tx: &Tx<'_>, name: &str, fault: Option<(&str, bool)>, now: DateTime<Utc>) -> Result<()> {
    match fault {
        None => tx.execute("delete from anchor_fault where name = ?1", [name])?,
        Some((why, lie)) => tx.execute(
            "insert into anchor_fault (name, since, last, times, lie, why) values (?1, ?2, ?2, 1, ?3, ?4)
             on conflict do update set last = excluded.last, times = times + 1, lie = excluded.lie, why = excluded.why",
            params![name, stamp(now), lie, why],
        )?,
    };
    Ok(())
}

/// Those that did not do well when they were asked last.
///
/// # Errors
/// Engine errors.
pub fn faults(reader: &Reader) -> Result<BTreeMap<String, Fault>> {
    let mut query = reader.prepare_cached("select name, since, last, times, lie, why from anchor_fault")?;
    let rows = query.query_map([], |row| {
        let times = (row.get::<_, String>(1)?, row.get::<_, String>(2)?);
        Ok((row.get(0)?, times, row.get(3)?, row.get(4)?, row.get(5)?))
    })?;
    rows.map(|row| {
        let (name, (since, last), times, lie, why) = row?;
        Ok((name, Fault { since: moment(&since)?, last: moment(&last)?, times, lie, why }))
    })
    .collect()
}

fn read_stamp(row: &Row<'_>) -> Result<Stamp> {
    Ok(Stamp {
        size: row.get(0)?,
        checkpoint: row.get(1)?,
        authority: row.get(2)?,
        reply: row.get(3)?,
        chain: row.get(4)?,
        at: moment(&row.get::<_, String>(5)?)?,
        expires: moment(&row.get::<_, String>(6)?)?,
        received: moment(&row.get::<_, String>(7)?)?,
    })
}

fn read_cosignature(row: &Row<'_>) -> Result<Cosignature> {
    Ok(Cosignature {
        size: row.get(0)?,
        checkpoint: row.get(1)?,
        witness: row.get(2)?,
        vkey: row.get(3)?,
        line: row.get(4)?,
        at: moment(&row.get::<_, String>(5)?)?,
        received: moment(&row.get::<_, String>(6)?)?,
    })
}
