//! Judgements with everything they rested on: the text, what stood above it then, and what was said of it.

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, Row, params};

use super::comments::StoredComment;
use super::{Reader, Result, cases, json, moment, stamp};
use crate::domain::case::CaseId;
use crate::domain::classify::{Input, Wave};
use crate::domain::comment::{Attachment, Platform};

/// So many earlier comments of a thread are read.
const THREAD: usize = 5;

/// Among so many of the post's newest they are looked for.
const LOOKED_THROUGH: usize = 40;

/// What stood above a comment at some time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Above {
    /// The comment that it answers.
    pub parent: Option<String>,
    /// The post.
    pub post: Option<String>,
    /// Earlier comments of the same thread, the newest first.
    pub thread: Vec<String>,
}

impl Above {
    /// The text that a rule looked at; `None` where it is not there, or was disposed of.
    pub fn text(&self, source: crate::domain::classify::Source, nth: usize) -> Option<&str> {
        use crate::domain::classify::Source;
        match source {
            Source::Parent => self.parent.as_deref(),
            Source::Post => self.post.as_deref(),
            Source::Thread => self.thread.get(nth).map(String::as_str),
        }
        .filter(|text| !text.is_empty())
    }

    /// The thread as the judge takes it.
    pub fn thread(&self) -> Vec<&str> {
        self.thread.iter().map(String::as_str).collect()
    }

    /// What the judge is asked.
    pub fn input<'a>(
        &'a self,
        text: &'a str,
        platform: Option<Platform>,
        thread: &'a [&'a str],
        wave: Option<&'a Wave>,
        attachments: &'a [Attachment],
    ) -> Input<'a> {
        Input {
            text,
            platform,
            parent: self.parent.as_deref(),
            post: self.post.as_deref(),
            thread,
            wave,
            attachments,
        }
    }
}

/// What stood above a comment at `at`.
///
/// # Errors
/// Engine errors.
pub fn above(reader: &Reader, stored: &StoredComment, at: DateTime<Utc>) -> Result<Above> {
    let (parent, account) = (stored.parent_id.as_deref(), stored.comment.account.as_str());
    read_above(reader, stored.id, account, &stored.post_id, parent, at)
}

fn read_above(
    reader: &Reader,
    comment: i64,
    account: &str,
    post: &str,
    parent: Option<&str>,
    at: DateTime<Utc>,
) -> Result<Above> {
    let at = stamp(at);
    let of_parent = match parent {
        None => None,
        Some(native) => reader
            .prepare_cached(
                "select v.text from comment c join version v on v.comment = c.id
                 where c.account = ?1 and c.native_id = ?2 and v.seen_at <= ?3 order by v.n desc limit 1",
            )?
            .query_row(params![account, native, at], |row| row.get(0))
            .optional()?,
    };
    let of_post: Option<String> = reader
        .prepare_cached(
            "select coalesce((select w.text from post_version w where w.post = p.id and w.seen_at <= ?3
                 order by w.n desc limit 1), p.text) from post p where p.account = ?1 and p.native_id = ?2",
        )?
        .query_row(params![account, post, at], |row| row.get(0))
        .optional()?;
    let mut earlier = reader.prepare_cached(&format!(
        "select (select v.text from version v where v.comment = e.id and v.seen_at <= ?5 order by v.n desc limit 1)
         from (select id, parent_id, native_id from comment where account = ?1 and post_id = ?2 and id < ?3
               order by id desc limit {LOOKED_THROUGH}) e
         where e.parent_id is ?4 and e.native_id is not ?4 order by e.id desc limit {THREAD}"
    ))?;
    let thread = earlier.query_map(params![account, post, comment, parent, at], |row| row.get(0))?;
    let thread: Vec<Option<String>> = thread.collect::<rusqlite::Result<_>>()?;
    Ok(Above { parent: of_parent, post: of_post, thread: thread.into_iter().flatten().collect() })
}

/// One text with what was said of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The row of the text.
    pub version: i64,
    /// 1, 2, …
    pub n: u32,
    /// When the text was first seen.
    pub seen_at: DateTime<Utc>,
    /// The account's id.
    pub account: String,
    /// The platform's id of the comment.
    pub native: String,
    /// The text; empty also where it was disposed of.
    pub text: String,
    /// What stood beside it.
    pub attachments: Vec<Attachment>,
    /// True where the text was disposed of: it cannot be judged again.
    pub gone: bool,
    /// True where it is the same text, stored anew with what a person said of the pictures beside it.
    pub media: bool,
    /// The case, if there is one.
    pub case: Option<CaseId>,
    /// What stood above it when it was judged.
    pub above: Above,
    /// What was said.
    pub judged: cases::Judged,
}

const COLUMNS: &str = "v.id, v.n, v.seen_at, c.account, c.native_id, v.text, v.attachments,
    exists (select 1 from purged p where p.version = v.id), k.id, c.id, c.post_id, c.parent_id, v.why = 'media'
    from version v join comment c on c.id = v.comment join assessment a on a.version = v.id
    left join case_file k on k.comment = c.id";

type Place = (i64, String, Option<String>);

fn read(row: &Row<'_>) -> rusqlite::Result<(Judgement, String, String, Place)> {
    let judgement = Judgement {
        version: row.get(0)?,
        n: row.get(1)?,
        seen_at: DateTime::UNIX_EPOCH,
        account: row.get(3)?,
        native: row.get(4)?,
        text: row.get(5)?,
        attachments: Vec::new(),
        gone: row.get(7)?,
        media: row.get(12)?,
        case: row.get::<_, Option<i64>>(8)?.map(CaseId),
        above: Above::default(),
        judged: cases::Judged::none(),
    };
    Ok((judgement, row.get(2)?, row.get(6)?, (row.get(9)?, row.get(10)?, row.get(11)?)))
}

fn whole(reader: &Reader, raw: (Judgement, String, String, Place)) -> Result<Judgement> {
    let (mut judgement, seen_at, attachments, (comment, post, parent)) = raw;
    judgement.seen_at = moment(&seen_at)?;
    judgement.attachments = json(&attachments)?;
    if let Some(judged) = cases::assessment(reader, judgement.version)? {
        judgement.judged = judged;
    }
    judgement.above =
        read_above(reader, comment, &judgement.account, &post, parent.as_deref(), judgement.judged.at)?;
    Ok(judgement)
}

/// The judgements of the comments of others, of texts first seen at `since` or later, after row `after`, in the order
/// of rows: a page of them.
///
/// # Errors
/// Engine errors; rows that hold what they should not.
pub fn page(reader: &Reader, after: i64, since: DateTime<Utc>, limit: usize) -> Result<Vec<Judgement>> {
    let mut query = reader.prepare_cached(&format!(
        "select {COLUMNS} where v.id > ?1 and v.seen_at >= ?2 and c.ours = 0 and v.why <> 'media'
         order by v.id limit ?3"
    ))?;
    let rows: Vec<_> =
        query.query_map(params![after, stamp(since), limit], read)?.collect::<rusqlite::Result<_>>()?;
    rows.into_iter().map(|row| whole(reader, row)).collect()
}

/// Every judgement of a comment, oldest text first.
///
/// # Errors
/// Engine errors; rows that hold what they should not.
pub fn of_comment(reader: &Reader, comment: i64) -> Result<Vec<Judgement>> {
    let mut query = reader.prepare_cached(&format!("select {COLUMNS} where c.id = ?1 order by v.n"))?;
    let rows: Vec<_> = query.query_map([comment], read)?.collect::<rusqlite::Result<_>>()?;
    rows.into_iter().map(|row| whole(reader, row)).collect()
}

/// What a text of another comment is called: its case, or account and id.
///
/// # Errors
/// Engine errors.
pub fn name_of(reader: &Reader, version: i64) -> Result<Option<String>> {
    let row: Option<(Option<i64>, String, String)> = reader
        .prepare_cached(
            "select k.id, c.account, c.native_id from version v join comment c on c.id = v.comment
             left join case_file k on k.comment = c.id where v.id = ?1",
        )?
        .query_row([version], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    Ok(row.map(|(case, account, native)| name(case.map(CaseId), &account, &native)))
}

/// What a comment is called: its case, or account and id.
pub fn name(case: Option<CaseId>, account: &str, native: &str) -> String {
    case.map_or_else(|| format!("{account}/{native}"), |case| case.to_string())
}
