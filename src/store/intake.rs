//! What people found by hand or were told of, beside the comments that the platforms gave.

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, params};

use super::{Reader, Result, Tx, code, moment, stamp};
use crate::domain::case::{CaseId, Outcome};

/// Who found an utterance, where, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intake {
    /// The comment's row.
    pub comment: i64,
    /// The service, in any word.
    pub platform: String,
    /// Person id of who found it; `None` for a visitor's tip.
    pub found_by: Option<String>,
    /// When it was found, or the tip came: what is known of the municipality's own knowledge (UTC).
    pub at: DateTime<Utc>,
    /// The operating-system account that entered it (N24).
    pub os_user: String,
}

/// Notes an intake.
///
/// # Errors
/// Engine errors.
pub fn add(tx: &Tx<'_>, intake: &Intake) -> Result<()> {
    tx.execute(
        "insert into intake (comment, platform, found_by, at, os_user) values (?1, ?2, ?3, ?4, ?5)",
        params![intake.comment, intake.platform, intake.found_by, stamp(intake.at), intake.os_user],
    )?;
    Ok(())
}

/// How a comment was taken in; `None` for one that a platform gave.
///
/// # Errors
/// Engine errors.
pub fn of(reader: &Reader, comment: i64) -> Result<Option<Intake>> {
    type Row = (String, Option<String>, String, String);
    let row: Option<Row> = reader
        .prepare_cached("select platform, found_by, at, os_user from intake where comment = ?1")?
        .query_row([comment], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .optional()?;
    row.map(|(platform, found_by, at, os_user)| {
        Ok(Intake { comment, platform, found_by, at: moment(&at)?, os_user })
    })
    .transpose()
}

/// Decisions of `account` about such comments that are entered in the log and that a person carries out by hand.
///
/// # Errors
/// Engine errors.
pub fn by_hand(reader: &Reader, account: &str) -> Result<Vec<(CaseId, Outcome)>> {
    let mut query = reader.prepare_cached(
        "select k.id, d.outcome from decision d join decision_state s on s.decision = d.id
         join case_file k on k.id = d.case_id join comment c on c.id = k.comment join intake i on i.comment = c.id
         where s.state = 'entered' and s.entry is not null and c.account = ?1
           and d.id = (select max(id) from decision where case_id = k.id)
           and (d.outcome in ('hide', 'remove') and k.state = 'hiding'
                or d.outcome = 'restore' and k.state in ('hidden', 'removed')) order by d.id",
    )?;
    query
        .query_map([account], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?
        .map(|row| {
            let (case, outcome) = row?;
            Ok((CaseId(case), code(&outcome)?))
        })
        .collect()
}
