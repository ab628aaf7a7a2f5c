//! Texts that went because a platform's terms and a decision say so: which, when, and by which decision.

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, params};
use serde::Serialize;
use serde_json::Value;

use super::{Reader, Result, Tx, json, moment, stamp};

/// One emptying of texts of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Purge {
    /// When (UTC).
    pub at: DateTime<Utc>,
    /// Its entry in the log.
    pub entry: u64,
    /// The rule's word in the configuration.
    pub rule: String,
    /// The decision's reference.
    pub dnr: String,
    /// How many texts went.
    pub texts: usize,
}

/// Stores what the log's entry `entry` commits to.
///
/// # Errors
/// Engine errors.
pub fn put(
    tx: &Tx<'_>,
    entry: u64,
    account: &str,
    at: DateTime<Utc>,
    doc: &Value,
    salt: &[u8; 16],
) -> Result<()> {
    tx.prepare_cached("insert into purge (entry, account, at, doc, salt) values (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![entry, account, stamp(at), doc.to_string(), salt])?;
    Ok(())
}

/// The emptyings of an account between two moments, oldest first.
///
/// # Errors
/// Engine errors.
pub fn between(reader: &Reader, account: &str, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<Purge>> {
    let mut query = reader.prepare_cached(
        "select entry, at, doc from purge where account = ?1 and at >= ?2 and at < ?3 order by entry",
    )?;
    let mut rows = query.query([account, &stamp(from), &stamp(to)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// The emptying by which a version's text went, if it has.
///
/// # Errors
/// Engine errors.
pub fn of_version(reader: &Reader, version: i64) -> Result<Option<Purge>> {
    reader
        .prepare_cached(
            "select q.entry, q.at, q.doc from purged p join purge q on q.entry = p.entry where p.version = ?1",
        )?
        .query_row([version], |row| Ok(read(row)))
        .optional()?
        .transpose()
}

fn read(row: &rusqlite::Row<'_>) -> Result<Purge> {
    let doc: Value = json(&row.get::<_, String>(2)?)?;
    let text = |path: &str| doc.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(Purge {
        at: moment(&row.get::<_, String>(1)?)?,
        entry: row.get(0)?,
        rule: text("/rule"),
        dnr: text("/decided/dnr"),
        texts: doc["versions"].as_array().map_or(0, Vec::len),
    })
}
