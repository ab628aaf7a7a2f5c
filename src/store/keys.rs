//! What is known of the keys to the platforms; never a key itself (promise 9).

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

/// Notes what is known now.
///
/// # Errors
/// Engine errors.
pub fn set(tx: &Tx<'_>, account: &str, key: &Key) -> Result<()> {
    tx.prepare_cached("insert into key_state values (?1, ?2) on conflict do update set doc = excluded.doc")?
        .execute([account, &to_json(key)?])?;
    Ok(())
}
