//! What persons must do, and how far they have been reminded.

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, params};

use super::{Reader, Result, Tx, json, moment, stamp, to_json};
use crate::domain::case::CaseId;

/// A duty about to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDuty {
    /// The kind's code (`domain::duty`).
    pub kind: String,
    /// The case, for duties about one comment.
    pub case: Option<CaseId>,
    /// The account.
    pub account: String,
    /// The post, for duties about a thread.
    pub post_id: Option<String>,
    /// What started the clock: the comment's own time, a decision, a failure.
    pub trigger_at: DateTime<Utc>,
    /// When Uppsikt saw it.
    pub found_at: DateTime<Utc>,
    /// When it is due.
    pub due_at: DateTime<Utc>,
    /// The reckoning, told in Swedish.
    pub explain: Vec<String>,
}

/// A stored duty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duty {
    /// The row.
    pub id: i64,
    /// What it is about.
    pub what: NewDuty,
    /// running, warned, overdue, closed, superseded.
    pub state: String,
    /// The highest rung that a letter was queued for.
    pub rung: Option<String>,
    /// Urgent ones: the number of the last repeat that was queued. Threads: how often the due time moved.
    pub turn: u32,
    /// How it ended.
    pub outcome: Option<String>,
    /// When it ended.
    pub closed_at: Option<DateTime<Utc>>,
    /// The thread duty that carries it.
    pub thread: Option<i64>,
    /// When somebody said that they act; an urgent one is not repeated after that.
    pub acknowledged_at: Option<DateTime<Utc>>,
}

impl Duty {
    /// True while somebody still has something to do.
    pub fn is_open(&self) -> bool {
        self.closed_at.is_none() && self.state != "superseded"
    }
}

const COLUMNS: &str =
    "id, kind, case_id, account, post_id, trigger_at, found_at, due_at, explain, state, rung, outcome,
    closed_at, thread, turn, acknowledged_at from duty";

/// The condition for a duty that is still open.
const OPEN: &str = "state in ('running', 'warned', 'overdue')";

type Raw = (
    i64,
    String,
    Option<i64>,
    String,
    Option<String>,
    [String; 3],
    String,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<i64>,
    (u32, Option<String>),
);

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Raw> {
    Ok((
        row.get(0)?,
        row.get(1)?,
        row.get(2)?,
        row.get(3)?,
        row.get(4)?,
        [row.get(5)?, row.get(6)?, row.get(7)?],
        row.get(8)?,
        row.get(9)?,
        row.get(10)?,
        row.get(11)?,
        row.get(12)?,
        row.get(13)?,
        (row.get(14)?, row.get(15)?),
    ))
}

fn duty_of(raw: Raw) -> Result<Duty> {
    let (
        id,
        kind,
        case,
        account,
        post_id,
        [trigger, found, due],
        explain,
        state,
        rung,
        outcome,
        closed,
        thread,
        (turn, acknowledged),
    ) = raw;
    Ok(Duty {
        id,
        what: NewDuty {
            kind,
            case: case.map(CaseId),
            account,
            post_id,
            trigger_at: moment(&trigger)?,
            found_at: moment(&found)?,
            due_at: moment(&due)?,
            explain: json(&explain)?,
        },
        state,
        rung,
        outcome,
        closed_at: closed.as_deref().map(moment).transpose()?,
        thread,
        turn,
        acknowledged_at: acknowledged.as_deref().map(moment).transpose()?,
    })
}

/// Begins a duty; an open one of the same kind on the same case (or account and post) stands, and nothing is added.
///
/// # Errors
/// Engine errors.
pub fn begin(tx: &Tx<'_>, new: &NewDuty) -> Result<Option<i64>> {
    let there: bool = tx.query_row(
        &format!(
            "select exists (select 1 from duty where kind = ?1 and case_id is ?2 and account = ?3 and post_id is ?4 and {OPEN})"
        ),
        params![new.kind, new.case.map(|case| case.0), new.account, new.post_id],
        |row| row.get(0),
    )?;
    if there {
        return Ok(None);
    }
    tx.execute(
        "insert into duty (kind, case_id, account, post_id, trigger_at, found_at, due_at, explain, state)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'running')",
        params![
            new.kind,
            new.case.map(|case| case.0),
            new.account,
            new.post_id,
            stamp(new.trigger_at),
            stamp(new.found_at),
            stamp(new.due_at),
            to_json(&new.explain)?
        ],
    )?;
    Ok(Some(tx.last_insert_rowid()))
}

/// The duty in row `id`.
///
/// # Errors
/// Engine errors.
pub fn get(reader: &Reader, id: i64) -> Result<Option<Duty>> {
    reader
        .prepare_cached(&format!("select {COLUMNS} where id = ?1"))?
        .query_row([id], read)
        .optional()?
        .map(duty_of)
        .transpose()
}

/// All open duties, the first due first.
///
/// # Errors
/// Engine errors.
pub fn open(reader: &Reader) -> Result<Vec<Duty>> {
    collect(reader, &format!("where {OPEN} order by due_at, id"), params![])
}

/// All duties of a case, oldest first.
///
/// # Errors
/// Engine errors.
pub fn of_case(reader: &Reader, case: CaseId) -> Result<Vec<Duty>> {
    collect(reader, "where case_id = ?1 order by id", params![case.0])
}

fn collect(reader: &Reader, condition: &str, values: &[&dyn rusqlite::ToSql]) -> Result<Vec<Duty>> {
    reader
        .prepare_cached(&format!("select {COLUMNS} {condition}"))?
        .query_map(values, read)?
        .map(|row| duty_of(row?))
        .collect()
}

/// Closes the open duties of a case whose kind is in `kinds`; returns how many.
///
/// # Errors
/// Engine errors.
pub fn close(
    tx: &Tx<'_>,
    case: CaseId,
    kinds: &[&str],
    outcome: &str,
    by: &str,
    at: DateTime<Utc>,
) -> Result<usize> {
    let mut closed = 0;
    for kind in kinds {
        closed += tx
            .prepare_cached(&format!(
                "update duty set state = 'closed', outcome = ?3, closed_by = ?4, closed_at = ?5
                 where case_id = ?1 and kind = ?2 and {OPEN}"
            ))?
            .execute(params![case.0, kind, outcome, by, stamp(at)])?;
    }
    Ok(closed)
}

/// Closes the open duties of one kind that are about an account (not a case); returns how many.
///
/// # Errors
/// Engine errors.
pub fn close_for_account(
    tx: &Tx<'_>,
    account: &str,
    kind: &str,
    outcome: &str,
    at: DateTime<Utc>,
) -> Result<usize> {
    close_for_account_by(tx, account, kind, outcome, "uppsikt", at)
}

/// Closes the open duties of this kind of an account, by a person.
///
/// # Errors
/// Engine errors.
pub fn close_for_account_by(
    tx: &Tx<'_>,
    account: &str,
    kind: &str,
    outcome: &str,
    by: &str,
    at: DateTime<Utc>,
) -> Result<usize> {
    Ok(tx.execute(
        &format!(
            "update duty set state = 'closed', outcome = ?3, closed_by = ?4, closed_at = ?5
             where account = ?1 and kind = ?2 and case_id is null and {OPEN}"
        ),
        params![account, kind, outcome, by, stamp(at)],
    )?)
}

/// Closes one duty.
///
/// # Errors
/// Engine errors.
pub fn close_one(tx: &Tx<'_>, id: i64, outcome: &str, by: &str, at: DateTime<Utc>) -> Result<()> {
    tx.execute(
        &format!(
            "update duty set state = 'closed', outcome = ?2, closed_by = ?3, closed_at = ?4 where id = ?1 and {OPEN}"
        ),
        params![id, outcome, by, stamp(at)],
    )?;
    Ok(())
}

/// Notes that a letter was queued for a rung, and the state that follows from it.
///
/// # Errors
/// Engine errors.
pub fn reached(tx: &Tx<'_>, id: i64, rung: &str, turn: u32, state: &str) -> Result<()> {
    tx.prepare_cached(&format!("update duty set rung = ?2, turn = ?3, state = ?4 where id = ?1 and {OPEN}"))?
        .execute(params![id, rung, turn, state])?;
    Ok(())
}

/// Notes that the time of these duties is out, though no letter may have been queued for it.
///
/// # Errors
/// Engine errors.
pub fn overdue(tx: &Tx<'_>, ids: &[i64]) -> Result<()> {
    let mut update = tx.prepare_cached(
        "update duty set state = 'overdue' where id = ?1 and state in ('running', 'warned')",
    )?;
    for id in ids {
        update.execute([id])?;
    }
    Ok(())
}

/// The open duties of one kind, the first due first.
///
/// # Errors
/// Engine errors.
pub fn open_of_kind(reader: &Reader, kind: &str) -> Result<Vec<Duty>> {
    collect(reader, &format!("where kind = ?1 and {OPEN} order by due_at, id"), params![kind])
}

/// An open duty about one comment, with the post that the comment stands under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnderPost {
    /// The duty.
    pub duty: Duty,
    /// The post.
    pub post: String,
}

/// The open duties of these kinds about comments, by account and post, the first due first.
///
/// # Errors
/// Engine errors.
pub fn under_posts(reader: &Reader, kinds: &[&str]) -> Result<Vec<UnderPost>> {
    let mut query = reader.prepare_cached(&format!(
        "select d.id, c.post_id from duty d join case_file k on k.id = d.case_id join comment c on c.id = k.comment
         where d.kind = ?1 and d.{OPEN}"
    ))?;
    let mut found = Vec::new();
    for kind in kinds {
        let posts: std::collections::BTreeMap<i64, String> = query
            .query_map([kind], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        for duty in open_of_kind(reader, kind)? {
            if let Some(post) = posts.get(&duty.id) {
                found.push(UnderPost { post: post.clone(), duty });
            }
        }
    }
    found.sort_by(|one, other| {
        let key =
            |of: &UnderPost| (of.duty.what.account.clone(), of.post.clone(), of.duty.what.due_at, of.duty.id);
        key(one).cmp(&key(other))
    });
    Ok(found)
}

/// The open thread duties.
///
/// # Errors
/// Engine errors.
pub fn threads(reader: &Reader) -> Result<Vec<Duty>> {
    collect(reader, &format!("where post_id is not null and {OPEN} order by id"), params![])
}

/// How many comments a thread duty carries that are still open.
///
/// # Errors
/// Engine errors.
pub fn carried(reader: &Reader, thread: i64) -> Result<u32> {
    Ok(reader
        .prepare_cached(&format!("select count(distinct case_id) from duty where thread = ?1 and {OPEN}"))?
        .query_row([thread], |row| row.get(0))?)
}

/// Ends thread duties that carry nothing any more, and lets open duties go whose thread duty has ended.
///
/// # Errors
/// Engine errors.
pub fn settle_threads(tx: &Tx<'_>, at: DateTime<Utc>) -> Result<()> {
    tx.prepare_cached(&format!(
        "update duty set state = 'closed', outcome = 'nothing_left', closed_by = 'uppsikt', closed_at = ?1
         where post_id is not null and {OPEN}
         and not exists (select 1 from duty d where d.thread = duty.id and d.{OPEN})"
    ))?
    .execute([stamp(at)])?;
    tx.prepare_cached(&format!(
        "update duty set thread = null where thread is not null and {OPEN}
         and not exists (select 1 from duty t where t.id = duty.thread and t.{OPEN})"
    ))?
    .execute([])?;
    Ok(())
}

/// Moves the due time of a thread duty; `rung` is what is still told of the new one.
///
/// # Errors
/// Engine errors.
pub fn move_due(tx: &Tx<'_>, id: i64, due: DateTime<Utc>, rung: Option<&str>, state: &str) -> Result<()> {
    tx.execute(
        "update duty set due_at = ?2, rung = ?3, state = ?4, turn = turn + 1 where id = ?1",
        params![id, stamp(due), rung, state],
    )?;
    Ok(())
}

/// Lets a thread duty carry the answer duties of one post.
///
/// # Errors
/// Engine errors.
pub fn carry(tx: &Tx<'_>, thread: i64, duties: &[i64]) -> Result<()> {
    for duty in duties {
        tx.prepare_cached("update duty set thread = ?2 where id = ?1")?.execute(params![duty, thread])?;
    }
    Ok(())
}

/// True while any duty of the case is open.
///
/// # Errors
/// Engine errors.
pub fn any_open(reader: &Reader, case: CaseId) -> Result<bool> {
    Ok(reader.query_row(
        &format!("select exists (select 1 from duty where case_id = ?1 and {OPEN})"),
        [case.0],
        |row| row.get(0),
    )?)
}

/// Closes the thread duty of a post, if there is one.
///
/// # Errors
/// Engine errors.
pub fn close_for_post(
    tx: &Tx<'_>,
    account: &str,
    post: &str,
    outcome: &str,
    by: &str,
    at: DateTime<Utc>,
) -> Result<()> {
    tx.execute(
        &format!(
            "update duty set state = 'closed', outcome = ?3, closed_by = ?4, closed_at = ?5
             where account = ?1 and post_id = ?2 and {OPEN}"
        ),
        params![account, post, outcome, by, stamp(at)],
    )?;
    Ok(())
}

/// Closes all open duties of one kind.
///
/// # Errors
/// Engine errors.
pub fn close_kind(tx: &Tx<'_>, kind: &str, outcome: &str, by: &str, at: DateTime<Utc>) -> Result<()> {
    tx.execute(
        &format!(
            "update duty set state = 'closed', outcome = ?2, closed_by = ?3, closed_at = ?4 where kind = ?1 and {OPEN}"
        ),
        params![kind, outcome, by, stamp(at)],
    )?;
    Ok(())
}

/// Notes that a person has read of a danger and acts: the reminders stop, the duty goes on (N8).
///
/// Returns how many open danger duties of the case this acknowledged; none that somebody had acknowledged before.
///
/// # Errors
/// Engine errors.
pub fn acknowledge(tx: &Tx<'_>, case: CaseId, person: &str, now: DateTime<Utc>) -> Result<usize> {
    Ok(tx.execute(
        &format!(
            "update duty set acknowledged_at = ?3, acknowledged_by = ?2
             where case_id = ?1 and kind = 'danger' and acknowledged_at is null and {OPEN}"
        ),
        params![case.0, person, stamp(now)],
    )?)
}
