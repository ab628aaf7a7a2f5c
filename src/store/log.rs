//! The log: entries in one row each, appended in the transaction of what they tell.
//!
//! The index is the primary key; `at` never runs backwards; an entry of a record points at the record's previous one,
//! so that a missing event shows.

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, params};
use serde_json::Value;

use super::{Reader, Result, StoreError, Tx, moment, stamp};
use crate::archive::entry::{Entry, Kind, RecordId, TreeHead};
use crate::archive::fields::Tree;
use crate::archive::merkle::Hash;

/// The texts that are cut in words, so that a release can mask inside a sentence.
///
/// Roots are reckoned anew from stored fields when a bag is made: a path that stood in an entry once must stay as it
/// is here for ever, and only paths that no entry has had yet may be added.
pub const SPLIT: &[&str] = &["/comment/text", "/post/text", "/parent/text", "/reason", "/earlier/reason"];

/// The log's name and its key's: the configured origin and the number of the log. `restore` begins the next one.
pub fn origin(log_origin: &str) -> String {
    format!("{log_origin}/logg1")
}

/// A stored entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// Its index in the log.
    pub index: u64,
    /// What it tells.
    pub kind: String,
    /// When.
    pub at: DateTime<Utc>,
    /// The exact bytes of its leaf.
    pub leaf: Vec<u8>,
    /// Which tree of the record lies behind its root.
    pub tree: Option<u32>,
    /// What that tree commits to, unless disposed of.
    pub doc: Option<String>,
}

/// How many entries there are.
///
/// # Errors
/// Engine errors.
pub fn size(reader: &Reader) -> Result<u64> {
    Ok(reader
        .prepare_cached("select coalesce(max(idx) + 1, 0) from entry")?
        .query_row([], |row| row.get(0))?)
}

/// The time of the last entry.
///
/// # Errors
/// Engine errors.
pub fn last_at(reader: &Reader) -> Result<Option<DateTime<Utc>>> {
    let text: Option<String> = reader
        .query_row("select at from entry order by idx desc limit 1", [], |row| row.get(0))
        .optional()?;
    text.as_deref().map(moment).transpose()
}

/// The leaves with index in `from..to`, in order.
///
/// # Errors
/// Engine errors.
pub fn leaves(reader: &Reader, from: u64, to: u64) -> Result<Vec<Vec<u8>>> {
    let mut query =
        reader.prepare_cached("select leaf from entry where idx >= ?1 and idx < ?2 order by idx")?;
    let rows = query.query_map([from, to], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The entries of a record, in log order.
///
/// # Errors
/// Engine errors.
pub fn of_record(reader: &Reader, record: &str) -> Result<Vec<StoredEntry>> {
    let mut query = reader.prepare_cached(
        "select e.idx, e.t, e.at, e.leaf, e.tree, d.doc from entry e left join entry_doc d on d.idx = e.idx
         where e.record = ?1 order by e.idx",
    )?;
    let rows = query.query_map([record], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
    })?;
    rows.map(|row| {
        let (index, kind, at, leaf, tree, doc) = row?;
        Ok(StoredEntry { index, kind, at: moment(&at)?, leaf, tree, doc })
    })
    .collect()
}

/// The index of the newest entry of this kind of a record.
///
/// # Errors
/// Engine errors.
pub fn index_of(reader: &Reader, record: &str, kind: &str) -> Result<Option<u64>> {
    Ok(reader
        .prepare_cached("select max(idx) from entry where record = ?1 and t = ?2")?
        .query_row([record, kind], |row| row.get(0))?)
}

/// The first entry of a record: its pack has been read back whole.
///
/// # Errors
/// Engine errors; a record has one snapshot.
pub fn append_snapshot(
    tx: &Tx<'_>,
    record: &str,
    tree: TreeHead,
    pack: Hash,
    doc: &str,
    now: DateTime<Utc>,
) -> Result<u64> {
    let id: RecordId =
        record.parse().map_err(|_| StoreError::Corrupt(format!("`{record}` is no record id")))?;
    let at = time(tx, now)?;
    let entry = Entry::snapshot(at, id, tree, pack).map_err(refused)?;
    append(tx, &entry, Some(record), Some(0), Some(doc))
}

/// A later entry of a record, with a tree over `doc` behind its root.
///
/// `key` is the record's key, from which the tree's own key is derived.
///
/// # Errors
/// Engine errors; `Corrupt` where the kind or the fields do not fit.
pub fn append_rooted(
    tx: &Tx<'_>,
    kind: &str,
    record: &str,
    doc: &Value,
    key: &[u8; 32],
    now: DateTime<Utc>,
) -> Result<u64> {
    let j: u32 =
        tx.query_row("select coalesce(max(tree) + 1, 0) from entry where record = ?1", [record], |row| {
            row.get(0)
        })?;
    let tree = Tree::of(doc, SPLIT, &[], key, j).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let entry = following(tx, kind, record, Some(tree.head()), now)?;
    append(tx, &entry, Some(record), Some(j), Some(&doc.to_string()))
}

/// A later entry of a record, without fields.
///
/// # Errors
/// As [`append_rooted`].
pub fn append_bare(tx: &Tx<'_>, kind: &str, record: &str, now: DateTime<Utc>) -> Result<u64> {
    let entry = following(tx, kind, record, None, now)?;
    append(tx, &entry, Some(record), None, None)
}

/// The entry that commits to all comments that one account received in one day.
///
/// # Errors
/// Engine errors.
pub fn append_received(tx: &Tx<'_>, tree: TreeHead, now: DateTime<Utc>) -> Result<u64> {
    let entry = Entry::received(time(tx, now)?, tree).map_err(refused)?;
    append(tx, &entry, None, None, None)
}

/// Something about the log or what it commits to; belongs to no record.
///
/// # Errors
/// Engine errors.
pub fn append_note(tx: &Tx<'_>, tree: TreeHead, now: DateTime<Utc>) -> Result<u64> {
    let entry = Entry::note(time(tx, now)?, Some(tree)).map_err(refused)?;
    append(tx, &entry, None, None, None)
}

fn following(
    tx: &Tx<'_>,
    kind: &str,
    record: &str,
    tree: Option<TreeHead>,
    now: DateTime<Utc>,
) -> Result<Entry> {
    let kind: Kind = kind.parse().map_err(refused)?;
    let previous: Option<u64> =
        tx.query_row("select max(idx) from entry where record = ?1", [record], |row| row.get(0))?;
    let previous = previous
        .ok_or_else(|| StoreError::Corrupt(format!("record {record} has no entry before `{kind}`")))?;
    Entry::following(kind, time(tx, now)?, previous, tree).map_err(refused)
}

/// The time of the next entry: now, or the last entry's if the clock has gone backwards.
fn time(tx: &Tx<'_>, now: DateTime<Utc>) -> Result<DateTime<Utc>> {
    Ok(last_at(tx)?.map_or(now, |last| last.max(now)))
}

fn append(
    tx: &Tx<'_>,
    entry: &Entry,
    record: Option<&str>,
    tree: Option<u32>,
    doc: Option<&str>,
) -> Result<u64> {
    let index = size(tx)?;
    tx.prepare_cached(
        "insert into entry (idx, t, record, ref, tree, at, leaf, hash) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        index,
        entry.kind().code(),
        record,
        entry.previous(),
        tree,
        stamp(entry.at()),
        entry.canonical(),
        entry.leaf_hash()
    ])?;
    if let Some(doc) = doc {
        tx.prepare_cached("insert into entry_doc values (?1, ?2)")?.execute(params![index, doc])?;
    }
    Ok(index)
}

fn refused(error: crate::archive::entry::EntryError) -> StoreError {
    StoreError::Corrupt(format!("log entry: {error}"))
}
