//! What is known of the keys to the platforms; never a key itself (promise 9).

use std::collections::BTreeMap;

use rusqlite::OptionalExtension;

use super::{Reader, Result, Tx, json, to_json};
use crate::domain::key::Key;

/// What is known of an account's key; the default for one never asked about.
///
/// # Errors
/// Engine errors; `Corrupt` for a row that holds something else.
pub fn get(reader: &Reader, account: &str) -> Result<Key> {
    let doc: Option<String> = reader
        .prepare_cached("select doc from key_state where account = ?1")?
        .query_row([account], |row| row.get(0))
        .optional()?;
    doc.as_deref().map_or_else(|| Ok(Key::default()), json)
}

/// What is known of every key that was ever asked about, by account.
///
/// # Errors
/// As [`get`].
pub fn all(reader: &Reader) -> Result<BTreeMap<String, Key>> {
    let mut query = reader.prepare_cached("select account, doc from key_state")?;
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
    rows.map(|row| {
        let (account, doc) = row?;
        Ok((account, json(&doc)?))
    })
    .collect()
}

/// Notes what is known now.
///
/// # Errors
/// Engine errors.
pub fn set(tx: &Tx<'_>, account: &str, key: &Key) -> Result<()> {
    tx.prepare_cached("insert into key_state values (?1, ?2) on conflict do update set doc = excluded.doc")?
        .execute([account, &to_json(key)?])?;
    Ok(())
}
