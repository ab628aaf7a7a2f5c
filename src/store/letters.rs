//! The outbox: what is to be said to whom, kept until it is said or no longer true.

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, params};

use super::{Reader, Result, Tx, moment, stamp};

/// A letter about to be queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLetter {
    /// The Message-ID, fixed here so that a letter sent twice is recognised as one.
    pub message_id: String,
    /// Person id.
    pub person: String,
    /// The kind's code.
    pub kind: String,
    /// When it was queued.
    pub created_at: DateTime<Utc>,
    /// Not sent before this.
    pub send_after: DateTime<Utc>,
    /// What it says beside its duties, JSON.
    pub content: String,
    /// The duties it speaks of, each with the rung, and the turn of a repeated one.
    pub duties: Vec<(i64, String, u32)>,
}

/// A stored letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredLetter {
    /// The row.
    pub id: i64,
    /// The letter.
    pub letter: NewLetter,
    /// queued, sent, superseded, refused.
    pub state: String,
    /// How often sending was tried.
    pub attempts: u32,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When the server took it.
    pub sent_at: Option<DateTime<Utc>>,
    /// True where the server may have it, because its answer was lost.
    pub perhaps: bool,
}

/// Queues a letter. Duties that already stand in a letter for the same rung, person and turn are left out; with no
/// duty left of the ones given, nothing is queued.
///
/// # Errors
/// Engine errors.
pub fn queue(tx: &Tx<'_>, new: &NewLetter) -> Result<Option<i64>> {
    let mut fresh = Vec::new();
    for (duty, rung, turn) in &new.duties {
        let there: bool = tx.query_row(
            "select exists (select 1 from letter_duty where duty = ?1 and rung = ?2 and person = ?3 and turn = ?4)",
            params![duty, rung, new.person, turn],
            |row| row.get(0),
        )?;
        if !there {
            fresh.push((duty, rung, turn));
        }
    }
    if fresh.is_empty() && !new.duties.is_empty() {
        return Ok(None);
    }
    tx.execute(
        "insert into letter (message_id, person, kind, created_at, send_after, content, state)
         values (?1, ?2, ?3, ?4, ?5, ?6, 'queued')",
        params![
            new.message_id,
            new.person,
            new.kind,
            stamp(new.created_at),
            stamp(new.send_after),
            new.content
        ],
    )?;
    let id = tx.last_insert_rowid();
    for (duty, rung, turn) in fresh {
        tx.execute(
            "insert into letter_duty (letter, duty, rung, person, turn) values (?1, ?2, ?3, ?4, ?5)",
            params![id, duty, rung, new.person, turn],
        )?;
    }
    Ok(Some(id))
}

/// Adds duties to a letter that has not been tried yet; one that stands in it already rises to the new rung.
///
/// # Errors
/// Engine errors.
pub fn join(tx: &Tx<'_>, letter: i64, person: &str, duties: &[(i64, String, u32)]) -> Result<()> {
    for (duty, rung, turn) in duties {
        tx.prepare_cached(
            "insert into letter_duty (letter, duty, rung, person, turn) values (?1, ?2, ?3, ?4, ?5)
             on conflict (letter, duty) do update set rung = excluded.rung, turn = excluded.turn
             on conflict (duty, rung, person, turn) do nothing",
        )?
        .execute(params![letter, duty, rung, person, turn])?;
    }
    Ok(())
}

/// The letter of a kind to a person that leaves at `send_after` and has not been tried yet.
///
/// # Errors
/// Engine errors.
pub fn untried(reader: &Reader, person: &str, kind: &str, send_after: DateTime<Utc>) -> Result<Option<i64>> {
    Ok(reader
        .prepare_cached(
            "select id from letter where state = 'queued' and attempts = 0 and person = ?1 and kind = ?2
             and send_after = ?3 order by id desc",
        )?
        .query_row(params![person, kind, stamp(send_after)], |row| row.get(0))
        .optional()?)
}

/// How many letters of a kind a person gets between two moments: those sent, and those that are to be.
///
/// # Errors
/// Engine errors.
pub fn count(
    reader: &Reader,
    person: &str,
    kind: &str,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<usize> {
    Ok(reader
        .prepare_cached(
            "select count(*) from letter where person = ?1 and kind = ?2 and state in ('queued', 'sent')
             and coalesce(sent_at, send_after) >= ?3 and coalesce(sent_at, send_after) < ?4",
        )?
        .query_row(params![person, kind, stamp(from), stamp(to)], |row| row.get(0))?)
}

/// How many letters a person has got since `from`.
///
/// # Errors
/// Engine errors.
pub fn sent_since(reader: &Reader, person: &str, from: DateTime<Utc>) -> Result<usize> {
    Ok(reader
        .prepare_cached("select count(*) from letter where person = ?1 and sent_at > ?2")?
        .query_row(params![person, stamp(from)], |row| row.get(0))?)
}

/// One standing of a duty in a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The letter.
    pub letter: i64,
    /// Its state.
    pub state: String,
    /// To whom.
    pub person: String,
    /// The rung's code.
    pub rung: String,
    /// The duty's turn.
    pub turn: u32,
    /// The letter's id.
    pub message_id: String,
}

/// Every letter that a duty stands in, oldest first.
///
/// # Errors
/// Engine errors.
pub fn standings(reader: &Reader, duty: i64) -> Result<Vec<Standing>> {
    let mut query = reader.prepare_cached(
        "select d.letter, l.state, d.person, d.rung, d.turn, l.message_id
         from letter_duty d join letter l on l.id = d.letter where d.duty = ?1 order by d.letter",
    )?;
    let rows = query.query_map([duty], |row| {
        Ok(Standing {
            letter: row.get(0)?,
            state: row.get(1)?,
            person: row.get(2)?,
            rung: row.get(3)?,
            turn: row.get(4)?,
            message_id: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A new Message-ID's left side: random, so that it says nothing.
///
/// # Errors
/// Engine errors.
pub fn new_id(reader: &Reader) -> Result<String> {
    Ok(reader.query_row("select 'l-' || lower(hex(randomblob(12)))", [], |row| row.get(0))?)
}

/// How many letters should have left by `now`, or have been tried in vain.
///
/// # Errors
/// Engine errors.
pub fn unsent(reader: &Reader, now: DateTime<Utc>) -> Result<usize> {
    Ok(reader.query_row(
        "select count(*) from letter where state = 'queued' and (attempts > 0 or send_after <= ?1)",
        [stamp(now)],
        |row| row.get(0),
    )?)
}

type Raw =
    (i64, String, String, String, String, String, String, String, u32, Option<String>, Option<String>, bool);

fn collect(reader: &Reader, condition: &str, values: &[&dyn rusqlite::ToSql]) -> Result<Vec<StoredLetter>> {
    let rows: Vec<Raw> = reader
        .prepare_cached(&format!(
            "select id, message_id, person, kind, created_at, send_after, content, state, attempts, last_error, sent_at,
                 perhaps from letter {condition}"
        ))?
        .query_map(values, |row| {
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
            ))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let mut duties =
        reader.prepare_cached("select duty, rung, turn from letter_duty where letter = ?1 order by duty")?;
    rows.into_iter()
        .map(
            |(
                id,
                message_id,
                person,
                kind,
                created,
                after,
                content,
                state,
                attempts,
                last_error,
                sent,
                perhaps,
            )| {
                let duties = duties
                    .query_map([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
                    .collect::<rusqlite::Result<_>>()?;
                Ok(StoredLetter {
                    id,
                    letter: NewLetter {
                        message_id,
                        person,
                        kind,
                        created_at: moment(&created)?,
                        send_after: moment(&after)?,
                        content,
                        duties,
                    },
                    state,
                    attempts,
                    last_error,
                    sent_at: sent.as_deref().map(moment).transpose()?,
                    perhaps,
                })
            },
        )
        .collect()
}

/// Queued letters whose time has come: urgent ones first, then in order.
///
/// # Errors
/// Engine errors.
pub fn sendable(reader: &Reader, now: DateTime<Utc>) -> Result<Vec<StoredLetter>> {
    collect(
        reader,
        "where state = 'queued' and send_after <= ?1 order by kind = 'urgent' desc, id",
        params![stamp(now)],
    )
}

/// All letters, oldest first.
///
/// # Errors
/// Engine errors.
pub fn all(reader: &Reader) -> Result<Vec<StoredLetter>> {
    collect(reader, "order by id", params![])
}

/// Notes that the server took a letter.
///
/// # Errors
/// Engine errors.
pub fn sent(tx: &Tx<'_>, id: i64, at: DateTime<Utc>) -> Result<()> {
    tx.execute(
        "update letter set state = 'sent', sent_at = ?2, attempts = attempts + 1, last_error = null where id = ?1",
        params![id, stamp(at)],
    )?;
    Ok(())
}

/// Notes that sending failed for now, and when to try again; `perhaps`: the server may have it.
///
/// # Errors
/// Engine errors.
pub fn put_off(tx: &Tx<'_>, id: i64, until: DateTime<Utc>, error: &str, perhaps: bool) -> Result<()> {
    tx.execute(
        "update letter set attempts = attempts + 1, last_error = ?3, send_after = ?2, perhaps = max(perhaps, ?4)
         where id = ?1",
        params![id, stamp(until), error, perhaps],
    )?;
    Ok(())
}

/// Moves the duties of one letter into another to the same person; the emptied one is superseded.
///
/// # Errors
/// Engine errors.
pub fn merge(tx: &Tx<'_>, into: i64, from: &StoredLetter) -> Result<()> {
    tx.execute("delete from letter_duty where letter = ?1", [from.id])?;
    join(tx, into, &from.letter.person, &from.letter.duties)?;
    end(tx, from.id, "superseded", Some("told in an earlier letter that also waited"))
}

/// Ends a letter that is not sent: `superseded` when it is no longer true, `refused` when the server will not have it.
///
/// # Errors
/// Engine errors.
pub fn end(tx: &Tx<'_>, id: i64, state: &str, error: Option<&str>) -> Result<()> {
    tx.execute("update letter set state = ?2, last_error = ?3 where id = ?1", params![id, state, error])?;
    Ok(())
}

/// How many letters wait, and since when the oldest.
///
/// # Errors
/// Engine errors.
pub fn waiting(reader: &Reader) -> Result<(usize, Option<DateTime<Utc>>)> {
    let (count, oldest): (usize, Option<String>) = reader.query_row(
        "select count(*), min(created_at) from letter where state = 'queued' and attempts > 0",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok((count, oldest.as_deref().map(moment).transpose()?))
}
