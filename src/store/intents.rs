//! What is about to be done on a platform, and how it went.

use chrono::{DateTime, Utc};
use rusqlite::params;

use super::{Act, Intent, Reader, Result, StoreError, Tx, comments, moment, stamp};
use crate::archive::Published;
use crate::domain::case::CaseId;

/// An intent about to be stored, in the transaction of its entry.
#[derive(Debug, Clone)]
pub struct NewIntent<'a> {
    /// What is to be done.
    pub act: Act,
    /// The case.
    pub case: CaseId,
    /// The comment's row.
    pub comment: i64,
    /// The record that preserves it.
    pub record: &'a str,
    /// The decision behind it.
    pub decision: i64,
    /// The rule, for automatic acts.
    pub rule: Option<&'a str>,
    /// The intent's entry in the log.
    pub entry: u64,
    /// When.
    pub at: DateTime<Utc>,
}

/// A stored intent that has no receipt yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenIntent {
    /// The row.
    pub id: i64,
    /// What is to be done.
    pub act: Act,
    /// The case.
    pub case: CaseId,
    /// The comment's row.
    pub comment: i64,
    /// The record that preserves it.
    pub record: String,
    /// The decision behind it.
    pub decision: i64,
    /// The intent's entry.
    pub entry: u64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Requests sent so far.
    pub acts: u32,
    /// When the platform accepted it.
    pub accepted_at: Option<DateTime<Utc>>,
    /// Second looks done.
    pub looks: u32,
    /// When to go on.
    pub next_at: DateTime<Utc>,
    /// What went wrong last.
    pub last_error: Option<String>,
}

const COLUMNS: &str =
    "i.id, i.act, i.case_id, i.comment, i.record, i.decision, i.entry, i.created_at, i.acts,
    i.accepted_at, i.looks, i.next_at, i.last_error from intent i";

type Raw =
    (i64, String, i64, i64, String, i64, u64, String, u32, Option<String>, u32, String, Option<String>);

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Raw> {
    Ok((
        row.get(0)?,
        row.get(1)?,
        row.get(2)?,
        row.get(3)?,
        row.get(4)?,
        row.get(5)?,
        row.get(6)?,
        row.get(7)?,
        row.get(8)?,
        row.get(9)?,
        row.get(10)?,
        row.get(11)?,
        row.get(12)?,
    ))
}

fn intent_of(raw: Raw) -> Result<OpenIntent> {
    let (id, act, case, comment, record, decision, entry, created, acts, accepted, looks, next, last_error) =
        raw;
    Ok(OpenIntent {
        id,
        act: Act::from_code(&act).ok_or_else(|| StoreError::Corrupt(format!("`{act}` is no act")))?,
        case: CaseId(case),
        comment,
        record,
        decision,
        entry,
        created_at: moment(&created)?,
        acts,
        accepted_at: accepted.as_deref().map(moment).transpose()?,
        looks,
        next_at: moment(&next)?,
        last_error,
    })
}

/// Stores an intent.
///
/// # Errors
/// Engine errors.
pub fn create(tx: &Tx<'_>, new: &NewIntent<'_>) -> Result<i64> {
    tx.execute(
        "insert into intent (act, case_id, comment, record, decision, rule, entry, created_at, state, next_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'pending', ?8)",
        params![
            new.act.code(),
            new.case.0,
            new.comment,
            new.record,
            new.decision,
            new.rule,
            new.entry,
            stamp(new.at)
        ],
    )?;
    Ok(tx.last_insert_rowid())
}

/// Open intents of `account` that are due, oldest first.
///
/// # Errors
/// Engine errors.
pub fn due(reader: &Reader, account: &str, now: DateTime<Utc>) -> Result<Vec<OpenIntent>> {
    reader
        .prepare_cached(&format!(
            "select {COLUMNS} join comment c on c.id = i.comment
             where i.state <> 'final' and i.next_at <= ?2 and c.account = ?1 order by i.id"
        ))?
        .query_map([account, &stamp(now)], read)?
        .map(|row| intent_of(row?))
        .collect()
}

/// When the next open intent of these accounts is due.
///
/// # Errors
/// Engine errors.
pub fn next_due_of(reader: &Reader, accounts: &[String]) -> Result<Option<DateTime<Utc>>> {
    let mut query = reader.prepare_cached(
        "select c.account, min(i.next_at) from intent i join comment c on c.id = i.comment
         where i.state <> 'final' group by c.account",
    )?;
    let waiting = query.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    let mut first = None;
    for row in waiting {
        let (account, next) = row?;
        if accounts.contains(&account) {
            first = first.into_iter().chain([moment(&next)?]).min();
        }
    }
    Ok(first)
}

/// True while an act on this comment is under way.
///
/// # Errors
/// Engine errors.
pub fn acting(reader: &Reader, comment: i64) -> Result<bool> {
    Ok(reader.query_row(
        "select exists (select 1 from intent where comment = ?1 and state <> 'final')",
        [comment],
        |row| row.get(0),
    )?)
}

/// The permit for an intent: its entry lies under a published checkpoint, and it has no receipt.
///
/// # Errors
/// `Conflict` when the checkpoint does not cover it or it is final.
pub fn permit(reader: &Reader, open: &OpenIntent, published: &Published) -> Result<Intent> {
    if open.entry >= published.size() {
        return Err(StoreError::Conflict(format!(
            "intent {} has entry {}, which the published checkpoint of size {} does not cover",
            open.id,
            open.entry,
            published.size()
        )));
    }
    let still: bool = reader.query_row(
        "select exists (select 1 from intent i where i.id = ?1 and i.state <> 'final' and i.entry = ?2
             and not exists (select 1 from receipt r where r.intent = i.id))",
        params![open.id, open.entry],
        |row| row.get(0),
    )?;
    if !still {
        return Err(StoreError::Conflict(format!("intent {} is final", open.id)));
    }
    let comment = comments::get(reader, open.comment)?;
    Ok(Intent::new(open.id, open.act, comment.comment.clone(), comment.target(), open.entry))
}

/// Notes that a request is about to be sent: counted before, so that a lost answer counts too.
///
/// # Errors
/// Engine errors.
pub fn count_act(tx: &Tx<'_>, id: i64) -> Result<()> {
    tx.execute("update intent set acts = acts + 1 where id = ?1", [id])?;
    Ok(())
}

/// Takes back [`count_act`] for a request that a quota kept from being carried out.
///
/// # Errors
/// Engine errors.
pub fn uncount_act(tx: &Tx<'_>, id: i64) -> Result<()> {
    tx.execute("update intent set acts = max(acts - 1, 0) where id = ?1", [id])?;
    Ok(())
}

/// Notes that the platform accepted, and when to look again.
///
/// # Errors
/// Engine errors.
pub fn accepted(tx: &Tx<'_>, id: i64, at: DateTime<Utc>, next: DateTime<Utc>) -> Result<()> {
    tx.execute(
        "update intent set state = 'accepted', accepted_at = ?2, next_at = ?3, last_error = null where id = ?1",
        params![id, stamp(at), stamp(next)],
    )?;
    Ok(())
}

/// Puts an intent off, with what went wrong.
///
/// # Errors
/// Engine errors.
pub fn put_off(tx: &Tx<'_>, id: i64, next: DateTime<Utc>, error: Option<&str>) -> Result<()> {
    tx.execute(
        "update intent set next_at = ?2, last_error = coalesce(?3, last_error) where id = ?1",
        params![id, stamp(next), error],
    )?;
    Ok(())
}

/// Counts a second look, and sets the next.
///
/// # Errors
/// Engine errors.
pub fn looked(tx: &Tx<'_>, id: i64, next: DateTime<Utc>) -> Result<()> {
    tx.execute("update intent set looks = looks + 1, next_at = ?2 where id = ?1", params![id, stamp(next)])?;
    Ok(())
}

/// The final receipt of an intent, in the transaction of its entry.
///
/// # Errors
/// Engine errors; an intent has at most one.
pub fn receive(tx: &Tx<'_>, id: i64, kind: &str, entry: u64, at: DateTime<Utc>) -> Result<()> {
    tx.execute("insert into receipt values (?1, ?2, ?3, ?4)", params![id, entry, kind, stamp(at)])?;
    tx.execute("update intent set state = 'final' where id = ?1", [id])?;
    Ok(())
}

/// Decisions of `account` that are entered in the log, want an act, and have no intent yet.
///
/// # Errors
/// Engine errors.
pub fn wanting(reader: &Reader, account: &str) -> Result<Vec<i64>> {
    let mut query = reader.prepare_cached(
        "select d.id from decision d join decision_state s on s.decision = d.id
         join case_file k on k.id = d.case_id join comment c on c.id = k.comment
         where s.state = 'entered' and s.entry is not null and c.account = ?1
           and (d.outcome = 'restore' or d.outcome = 'hide' and k.state = 'hiding')
           and not exists (select 1 from intent i where i.decision = d.id)
           and not exists (select 1 from intake t where t.comment = c.id) order by d.id",
    )?;
    query.query_map([account], |row| row.get(0))?.map(|id| Ok(id?)).collect()
}

/// Acts that are under way, or of which nobody could see that they worked.
///
/// # Errors
/// Engine errors.
pub fn unsettled(reader: &Reader) -> Result<usize> {
    Ok(reader.query_row(
        "select (select count(*) from intent where state <> 'final')
              + (select count(*) from case_file where state = 'hide_unconfirmed')",
        [],
        |row| row.get(0),
    )?)
}
