//! What persons said of pictures, films and sounds, and what was kept of them.

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, params};

use super::comments::StoredComment;
use super::{Reader, Result, StoreError, Tx, moment, stamp};
use crate::domain::media::{MediaAnswer, needs_eyes};

/// What a person said of one version's attachments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// The row.
    pub id: i64,
    /// The version whose attachments were looked at.
    pub version: i64,
    /// Person id.
    pub person: String,
    /// The operating-system account that entered it, or `desk`.
    pub os_user: String,
    /// When.
    pub at: DateTime<Utc>,
    /// What was said.
    pub answer: MediaAnswer,
    /// Why nothing, or not everything, was kept, in Swedish; empty while it is being fetched, and where all was kept.
    pub reason: String,
    /// The version that holds what came of it; absent while it is being fetched.
    pub made: Option<i64>,
    /// How many times fetching was tried.
    pub attempts: u32,
}

/// One picture, film or sound that is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Capture {
    /// Its path below `data/` in pack and bag.
    pub path: String,
    /// The exact bytes.
    pub bytes: Vec<u8>,
    /// SHA-256 (hex).
    pub sha256: String,
    /// What kind it is, as its server said.
    pub kind: String,
    /// `fetched` from the platform, or `uploaded` by a person.
    pub source: &'static str,
    /// The address, free of secrets; empty for what was uploaded.
    pub url: String,
    /// When it was fetched or uploaded.
    pub at: DateTime<Utc>,
}

impl std::fmt::Debug for Capture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What people show each other stays out of logs.
        write!(f, "Capture({}, {} bytes)", self.path, self.bytes.len())
    }
}

const COLUMNS: &str = "id, version, person, os_user, at, answer, reason, made, attempts from media_review";

type Raw = (i64, i64, String, String, String, String, String, Option<i64>, u32);

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
    ))
}

fn review_of(raw: Raw) -> Result<Review> {
    let (id, version, person, os_user, at, answer, reason, made, attempts) = raw;
    let answer = answer.parse().map_err(StoreError::Corrupt)?;
    Ok(Review { id, version, person, os_user, at: moment(&at)?, answer, reason, made, attempts })
}

/// What was said of a version: of its own attachments, or of those of the version before that it was made from.
///
/// # Errors
/// Engine errors.
pub fn review(reader: &Reader, version: i64) -> Result<Option<Review>> {
    reader
        .prepare_cached(&format!(
            "select {COLUMNS} where version = ?1 or made = ?1 order by id desc limit 1"
        ))?
        .query_row([version], read)
        .optional()?
        .map(review_of)
        .transpose()
}

/// Whether a person must still say what the newest version's attachments are before the comment can be hidden.
///
/// # Errors
/// Engine errors.
pub fn is_unseen(reader: &Reader, stored: &StoredComment) -> Result<bool> {
    Ok(needs_eyes(&stored.version.attachments) && review(reader, stored.version.id)?.is_none())
}

/// Whether something is being fetched for this version: no act before it is kept, or known not to be.
///
/// # Errors
/// Engine errors.
pub fn is_fetching(reader: &Reader, version: i64) -> Result<bool> {
    Ok(review(reader, version)?.is_some_and(|review| review.made.is_none()))
}

/// Stores what a person said; `made` where nothing is to be fetched.
///
/// # Errors
/// `Conflict` when somebody has said it already; engine errors.
pub fn say(tx: &Tx<'_>, review: &Review) -> Result<()> {
    let inserted = tx.execute(
        "insert into media_review (version, person, os_user, at, answer, reason, made, next_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?4) on conflict (version) do nothing",
        params![
            review.version,
            review.person,
            review.os_user,
            stamp(review.at),
            review.answer.code(),
            review.reason,
            review.made,
        ],
    )?;
    if inserted == 0 {
        return Err(StoreError::Conflict(
            "somebody has answered the question of the picture already".to_owned(),
        ));
    }
    Ok(())
}

/// What is to be fetched in `account` at `now`.
///
/// # Errors
/// Engine errors.
pub fn due(reader: &Reader, account: &str, now: DateTime<Utc>) -> Result<Vec<Review>> {
    reader
        .prepare_cached(&format!(
            "select {COLUMNS} where made is null and next_at <= ?2 and version in
                 (select v.id from version v join comment c on c.id = v.comment where c.account = ?1) order by id"
        ))?
        .query_map([account, &stamp(now)], read)?
        .map(|row| review_of(row?))
        .collect()
}

/// Tries again later.
///
/// # Errors
/// Engine errors.
pub fn put_off(tx: &Tx<'_>, id: i64, next: DateTime<Utc>) -> Result<()> {
    tx.execute(
        "update media_review set attempts = attempts + 1, next_at = ?2 where id = ?1 and made is null",
        params![id, stamp(next)],
    )?;
    Ok(())
}

/// Ends the fetching: `made` holds what came of it, and `reason` says what could not be kept.
///
/// # Errors
/// Engine errors.
pub fn settle(tx: &Tx<'_>, id: i64, made: i64, reason: &str) -> Result<()> {
    tx.execute(
        "update media_review set made = ?2, reason = ?3 where id = ?1 and made is null",
        params![id, made, reason],
    )?;
    Ok(())
}

/// The comment whose version this is.
///
/// # Errors
/// Engine errors.
pub fn comment_of(reader: &Reader, version: i64) -> Result<i64> {
    Ok(reader.query_row("select comment from version where id = ?1", [version], |row| row.get(0))?)
}

/// Keeps one picture, film or sound beside a version.
///
/// # Errors
/// Engine errors.
pub fn keep(tx: &Tx<'_>, version: i64, capture: &Capture) -> Result<()> {
    tx.execute(
        "insert or ignore into capture (version, path, bytes, sha256, kind, source, url, at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            version,
            capture.path,
            capture.bytes,
            capture.sha256,
            capture.kind,
            capture.source,
            capture.url,
            stamp(capture.at),
        ],
    )?;
    Ok(())
}

/// What is kept beside a version, in the order of the paths.
///
/// # Errors
/// Engine errors.
pub fn captures(reader: &Reader, version: i64) -> Result<Vec<Capture>> {
    let mut query = reader.prepare_cached(
        "select path, bytes, sha256, kind, source, url, at from capture where version = ?1 order by path",
    )?;
    let mut rows = query.query([version])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let source: String = row.get(4)?;
        found.push(Capture {
            path: row.get(0)?,
            bytes: row.get(1)?,
            sha256: row.get(2)?,
            kind: row.get(3)?,
            source: if source == "uploaded" { "uploaded" } else { "fetched" },
            url: row.get(5)?,
            at: moment(&row.get::<_, String>(6)?)?,
        });
    }
    Ok(found)
}

/// Blocks every record of a comment beside which something is kept; gives how many.
///
/// # Errors
/// Engine errors.
pub fn block(tx: &Tx<'_>, comment: i64, person: &str, now: DateTime<Utc>) -> Result<usize> {
    Ok(tx.execute(
        "insert or ignore into blocked (record, at, person)
         select r.id, ?2, ?3 from record r where r.comment = ?1
             and exists (select 1 from capture where version = r.version)",
        params![comment, stamp(now), person],
    )?)
}

/// Whether nobody may open this record.
///
/// # Errors
/// Engine errors.
pub fn is_blocked(reader: &Reader, record: &str) -> Result<bool> {
    Ok(reader
        .query_row("select exists (select 1 from blocked where record = ?1)", [record], |row| row.get(0))?)
}
