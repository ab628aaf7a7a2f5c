//! What persons looked at by hand, because no API shows it (N13).

use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::params;

use super::{Reader, Result, StoreError, Tx, moment, stamp};

/// One tick: a person looked at one surface on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandCheck {
    /// The account.
    pub account: String,
    /// The day (Stockholm).
    pub day: NaiveDate,
    /// The surface's name in Swedish.
    pub surface: String,
    /// When it was ticked (UTC).
    pub at: DateTime<Utc>,
    /// Person id.
    pub person: String,
    /// The operating-system account that entered it, or `desk`.
    pub os_user: String,
    /// Comments that were found there and must be entered by hand.
    pub found: u32,
}

/// Stores a tick; the first of a day stands.
///
/// # Errors
/// Engine errors.
pub fn tick(tx: &Tx<'_>, check: &HandCheck) -> Result<bool> {
    let inserted = tx.execute(
        "insert or ignore into hand_check (account, day, surface, at, person, os_user, found)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            check.account,
            check.day.to_string(),
            check.surface,
            stamp(check.at),
            check.person,
            check.os_user,
            check.found
        ],
    )?;
    Ok(inserted > 0)
}

/// The ticks of an account from one day to another (Stockholm), both included, oldest first.
///
/// # Errors
/// Engine errors.
pub fn between(reader: &Reader, account: &str, from: NaiveDate, to: NaiveDate) -> Result<Vec<HandCheck>> {
    let mut query = reader.prepare_cached(
        "select account, day, surface, at, person, os_user, found from hand_check
         where account = ?1 and day between ?2 and ?3 order by day, id",
    )?;
    let mut rows = query.query([account, &from.to_string(), &to.to_string()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let day: String = row.get(1)?;
        found.push(HandCheck {
            account: row.get(0)?,
            day: day.parse().map_err(|_| StoreError::Corrupt(format!("`{day}` is no day")))?,
            surface: row.get(2)?,
            at: moment(&row.get::<_, String>(3)?)?,
            person: row.get(4)?,
            os_user: row.get(5)?,
            found: row.get(6)?,
        });
    }
    Ok(found)
}
