//! Comments, every text they have had, and how they were seen to stand.

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, Row, params};

use super::{Reader, Result, StoreError, Tx, json, moment, stamp, to_json};
use crate::connector::{Page, Sighting, Target};
use crate::domain::comment::{Attachment, Author, CommentId, Kind, Seen, Visibility};

/// A stored comment with its newest version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredComment {
    /// The row.
    pub id: i64,
    /// Account and native id.
    pub comment: CommentId,
    /// The post it stands under.
    pub post_id: String,
    /// The comment it answers.
    pub parent_id: Option<String>,
    /// Who wrote it.
    pub author: Author,
    /// The platform's own time.
    pub created_at: DateTime<Utc>,
    /// When Uppsikt first saw it.
    pub first_seen_at: DateTime<Utc>,
    /// Its public address.
    pub permalink: Option<String>,
    /// What kind of utterance it is.
    pub kind: Kind,
    /// Written by the municipality.
    pub ours: bool,
    /// Older than `watched_from`.
    pub old: bool,
    /// How it stood when last seen.
    pub sighting: Sighting,
    /// Whether the last act on it that the platform accepted was a hide.
    pub hidden_by_us: bool,
    /// The newest version.
    pub version: Version,
}

impl StoredComment {
    /// What the platform needs to know to find it.
    pub fn target(&self) -> Target {
        Target {
            native_id: self.comment.native.clone(),
            post_id: self.post_id.clone(),
            parent_id: self.parent_id.clone(),
            hidden_by_us: self.hidden_by_us,
        }
    }
}

/// One text that a comment has had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The row.
    pub id: i64,
    /// 1, 2, …
    pub n: u32,
    /// When Uppsikt first saw it.
    pub seen_at: DateTime<Utc>,
    /// The text.
    pub text: String,
    /// What stands beside it.
    pub attachments: Vec<Attachment>,
    /// True where it holds what a person said of the pictures beside the same text, and no other text.
    pub media: bool,
}

/// What storing a page found.
#[derive(Debug, Default)]
pub struct Stored {
    /// Comments never seen before.
    pub new: usize,
    /// New texts of known comments.
    pub edited: usize,
    /// Comments whose standing in the list differs from what is stored: looked at one by one before it is believed.
    pub doubtful: Vec<i64>,
    /// Those of them that a list shows as hidden: a look that finds one which the public list does not show (`NotListed`)
    /// tells no more than that, and the list does.
    pub withheld: Vec<i64>,
}

const COLUMNS: &str =
    "c.id, c.account, c.native_id, c.post_id, c.parent_id, c.author_id, c.author_name, c.created_at,
    c.first_seen_at, c.permalink, c.ours, c.old, c.sighting, v.id, v.n, v.seen_at, v.text, v.attachments,
    v.why = 'media', c.kind, coalesce((select act = 'hide' from intent where comment = c.id and act in ('hide', 'restore')
        and accepted_at is not null order by id desc limit 1), 0)";

const NEWEST: &str = "from comment c join version v on v.comment = c.id
    and v.n = (select max(n) from version where comment = c.id)";

fn read(row: &Row<'_>) -> rusqlite::Result<Result<StoredComment>> {
    let (created, first, seen): (String, String, String) = (row.get(7)?, row.get(8)?, row.get(15)?);
    let (sighting, attachments): (String, String) = (row.get(12)?, row.get(17)?);
    let (id, comment) = (row.get(0)?, CommentId { account: row.get(1)?, native: row.get(2)? });
    let (post_id, parent_id) = (row.get(3)?, row.get(4)?);
    let author = Author { id: row.get(5)?, name: row.get(6)? };
    let (permalink, ours, old) = (row.get(9)?, row.get(10)?, row.get(11)?);
    let (version, n, text) = (row.get(13)?, row.get(14)?, row.get(16)?);
    let (kind, hidden_by_us): (String, bool) = (row.get(19)?, row.get(20)?);
    let media: bool = row.get(18)?;
    Ok((|| {
        Ok(StoredComment {
            id,
            comment,
            post_id,
            parent_id,
            author,
            created_at: moment(&created)?,
            first_seen_at: moment(&first)?,
            permalink,
            kind: Kind::from_code(&kind)
                .ok_or_else(|| StoreError::Corrupt(format!("`{kind}` is no kind of comment")))?,
            ours,
            old,
            sighting: sighting_of(&sighting)?,
            hidden_by_us,
            version: Version {
                id: version,
                n,
                seen_at: moment(&seen)?,
                text,
                attachments: json(&attachments)?,
                media,
            },
        })
    })())
}

fn sighting_of(code: &str) -> Result<Sighting> {
    Sighting::from_code(code).ok_or_else(|| StoreError::Corrupt(format!("`{code}` is no sighting")))
}

/// The comment in row `id`.
///
/// # Errors
/// `Corrupt` when there is none; engine errors.
pub fn get(reader: &Reader, id: i64) -> Result<StoredComment> {
    reader
        .prepare_cached(&format!("select {COLUMNS} {NEWEST} where c.id = ?1"))?
        .query_row([id], read)
        .optional()?
        .ok_or_else(|| StoreError::Corrupt(format!("there is no comment in row {id}")))?
}

/// The comment with this account and native id.
///
/// # Errors
/// Engine errors.
pub fn find(reader: &Reader, comment: &CommentId) -> Result<Option<StoredComment>> {
    reader
        .prepare_cached(&format!("select {COLUMNS} {NEWEST} where c.account = ?1 and c.native_id = ?2"))?
        .query_row([&comment.account, &comment.native], read)
        .optional()?
        .transpose()
}

/// The comments under one post, oldest first.
///
/// # Errors
/// Engine errors.
pub fn thread(reader: &Reader, account: &str, post: &str) -> Result<Vec<StoredComment>> {
    reader
        .prepare_cached(&format!(
            "select {COLUMNS} {NEWEST} where c.account = ?1 and c.post_id = ?2 order by c.created_at, c.id"
        ))?
        .query_map([account, post], read)?
        .map(|row| row?)
        .collect()
}

/// The exact bytes of a version's element.
///
/// # Errors
/// Engine errors.
pub fn element(reader: &Reader, version: i64) -> Result<Vec<u8>> {
    Ok(reader.query_row("select element from version where id = ?1", [version], |row| row.get(0))?)
}

/// A post's text, creation and address, if it has been seen.
///
/// # Errors
/// Engine errors.
pub fn post(reader: &Reader, account: &str, native: &str) -> Result<Option<crate::connector::Post>> {
    let row: Option<(String, String, Option<String>)> = reader
        .prepare_cached("select text, created_at, permalink from post where account = ?1 and native_id = ?2")?
        .query_row([account, native], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    row.map(|(text, created, permalink)| {
        Ok(crate::connector::Post {
            native_id: native.to_owned(),
            text,
            created_at: moment(&created)?,
            permalink,
            comments: None,
            element: Vec::new(),
        })
    })
    .transpose()
}

/// The newest version of any comment. A page that was asked for before a version was stored does not know that text.
///
/// # Errors
/// Engine errors.
pub fn newest_version(reader: &Reader) -> Result<i64> {
    Ok(reader.query_row("select coalesce(max(id), 0) from version", [], |row| row.get(0))?)
}

/// What changes when anything is learnt of a comment or done to it: its newest sighting, version and act, with how far
/// that has come. A look begun before such a change is older than what is known.
///
/// # Errors
/// Engine errors.
pub fn mark(reader: &Reader, comment: i64) -> Result<String> {
    Ok(reader
        .prepare_cached(
            "select coalesce((select max(id) from sighting where comment = ?1), 0) || '/' ||
                    coalesce((select max(id) from version where comment = ?1), 0) || '/' ||
                    coalesce((select group_concat(id || state || acts || looks || coalesce(accepted_at, ''))
                        from intent where comment = ?1), '')",
        )?
        .query_row([comment], |row| row.get(0))?)
}

/// Stores one page and the cursor behind it, in the caller's transaction (DESIGN §3, step 1).
///
/// `sweep` is when the running sweep began; `watched_from` divides old material from new.
///
/// # Errors
/// Engine errors.
pub fn store_page(
    tx: &Tx<'_>,
    account: &str,
    page: &Page,
    sweep: DateTime<Utc>,
    watched_from: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Stored> {
    store_page_asked(tx, account, page, sweep, watched_from, (now, newest_version(tx)?))
}

/// As [`store_page`], for a page that was asked for when `asked` was the newest version: while it was on its way, a
/// look may have shown a newer text.
///
/// # Errors
/// Engine errors.
pub fn store_page_asked(
    tx: &Tx<'_>,
    account: &str,
    page: &Page,
    sweep: DateTime<Utc>,
    watched_from: DateTime<Utc>,
    (now, asked): (DateTime<Utc>, i64),
) -> Result<Stored> {
    let newest = newest_version(tx)?;
    let mut stored = Stored::default();
    for post in &page.posts {
        super::posts::store(tx, account, post, sweep, now)?;
    }
    for seen in &page.comments {
        let when = When { sweep, watched_from, now, between: (asked, newest) };
        store_seen(tx, account, seen, when, &mut stored)?;
    }
    if let Some(cursor) = &page.cursor {
        tx.execute("update account_state set cursor = ?2 where account = ?1", [account, &cursor.0])?;
    }
    Ok(stored)
}

/// Stores what a person took in by hand: seen once, never listed by a platform.
///
/// # Errors
/// Engine errors.
pub fn take_in(tx: &Tx<'_>, account: &str, seen: &Seen, now: DateTime<Utc>) -> Result<()> {
    let newest = newest_version(tx)?;
    let when = When { sweep: now, watched_from: DateTime::<Utc>::MIN_UTC, now, between: (newest, newest) };
    store_seen(tx, account, seen, when, &mut Stored::default())
}

#[derive(Debug, Clone, Copy)]
struct When {
    sweep: DateTime<Utc>,
    watched_from: DateTime<Utc>,
    now: DateTime<Utc>,
    /// Versions after the one and up to the other were stored while the page was on its way.
    between: (i64, i64),
}

fn store_seen(tx: &Tx<'_>, account: &str, seen: &Seen, when: When, stored: &mut Stored) -> Result<()> {
    let When { sweep, watched_from, now, between } = when;
    let id = CommentId { account: account.to_owned(), native: seen.native_id.clone() };
    let Some(known) = find(tx, &id)? else {
        let sighting = match seen.visibility {
            Visibility::Hidden => Sighting::Hidden,
            Visibility::Public | Visibility::Unknown => Sighting::Public,
        };
        tx.prepare_cached(
            "insert into comment (account, native_id, post_id, parent_id, author_id, author_name, created_at,
                 first_seen_at, permalink, ours, old, listed_at, sighting, sighted_at, kind)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?8, ?14)",
        )?
        .execute(params![
            account,
            seen.native_id,
            seen.post_id,
            seen.parent_id,
            seen.author.id,
            seen.author.name,
            stamp(seen.created_at),
            stamp(now),
            seen.permalink,
            seen.ours,
            seen.created_at < watched_from,
            stamp(sweep),
            sighting.code(),
            seen.kind.code(),
        ])?;
        let row = tx.last_insert_rowid();
        insert_version(tx, row, 1, seen, now)?;
        note_sighting(tx, row, sighting, "list", now)?;
        stored.new += 1;
        return Ok(());
    };
    tx.prepare_cached(
        "update comment set listed_at = ?2, author_id = coalesce(?3, author_id), author_name = coalesce(?4, author_name),
             permalink = coalesce(?5, permalink) where id = ?1",
    )?
    .execute(params![known.id, stamp(sweep), seen.author.id, seen.author.name, seen.permalink])?;
    if known.version.id > between.0 && known.version.id <= between.1 {
        // The page may be older than what is stored: the single look tells.
        if known.version.text != seen.text {
            stored.doubtful.push(known.id);
        }
    } else if add_version(tx, &known, seen, now)? {
        stored.edited += 1;
    }
    let differs = match seen.visibility {
        Visibility::Public => known.sighting != Sighting::Public,
        Visibility::Hidden => !known.sighting.is_hidden(),
        Visibility::Unknown => known.sighting == Sighting::Gone,
    };
    if differs {
        stored.doubtful.push(known.id);
        if seen.visibility == Visibility::Hidden {
            stored.withheld.push(known.id);
        }
    }
    Ok(())
}

/// Stores the text that `seen` shows as a new version, if it is another than the newest; true if it was.
///
/// # Errors
/// Engine errors.
pub fn add_version(tx: &Tx<'_>, known: &StoredComment, seen: &Seen, now: DateTime<Utc>) -> Result<bool> {
    if known.version.attachments == seen.attachments
        && (known.version.text == seen.text || went(tx, known.version.id, &seen.text)?)
    {
        return Ok(false);
    }
    insert_version(tx, known.id, known.version.n + 1, seen, now)?;
    Ok(true)
}

/// Stores a version with the text and the attachments of the newest, for what a person said of the pictures or what was
/// fetched of them: a record of its own then holds it. Gives its row.
///
/// # Errors
/// Engine errors.
pub fn add_media_version(tx: &Tx<'_>, known: &StoredComment, now: DateTime<Utc>) -> Result<i64> {
    tx.execute(
        "insert into version (comment, n, seen_at, text, attachments, element, salt, why)
         select comment, ?2, ?3, text, attachments, element, randomblob(16), 'media' from version where id = ?1",
        params![known.version.id, known.version.n + 1, stamp(now)],
    )?;
    Ok(tx.last_insert_rowid())
}

/// Whether the text of this version went, and was this one.
fn went(tx: &Tx<'_>, version: i64, text: &str) -> Result<bool> {
    let row: Option<(String, Vec<u8>)> = tx
        .prepare_cached(
            "select p.digest, v.salt from purged p join version v on v.id = p.version where v.id = ?1",
        )?
        .query_row([version], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(row.is_some_and(|(digest, salt)| digest == digest_of(&salt, text)))
}

fn digest_of(salt: &[u8], text: &str) -> String {
    crate::archive::sha256_hex(&[salt, text.as_bytes()].concat())
}

/// A text that goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purged {
    /// The version's row.
    pub version: i64,
    /// The day's entry that commits to it.
    pub received: u64,
    /// SHA-256 of its salt and text, hexadecimal: how it is known when the platform lists it again.
    pub digest: String,
}

/// The texts of an account that may go: gone from the platform, or (with `before`) seen before that moment.
///
/// Only those in no record, not the municipality's own, not taken in by a person, and that their day's entry commits to.
///
/// # Errors
/// Engine errors.
pub fn to_purge(reader: &Reader, account: &str, before: Option<DateTime<Utc>>) -> Result<Vec<Purged>> {
    let mut query = reader.prepare_cached(
        "select v.id, v.received, v.salt, v.text from version v join comment c on c.id = v.comment
         where c.account = ?1 and (c.sighting = 'gone' or v.seen_at < ?2) and v.received is not null and c.ours = 0
           and not exists (select 1 from purged p where p.version = v.id)
           and not exists (select 1 from record r where r.version = v.id)
           and not exists (select 1 from intake i where i.comment = c.id)
         order by v.id",
    )?;
    let rows = query.query_map(params![account, before.map(stamp)], |row| {
        let (salt, text): (Vec<u8>, String) = (row.get(2)?, row.get(3)?);
        Ok(Purged { version: row.get(0)?, received: row.get(1)?, digest: digest_of(&salt, &text) })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Empties these texts of an account; ids and digests stay, and the writers' names go too. `entry` is the log's, that
/// tells of it.
///
/// # Errors
/// Engine errors.
pub fn purge(tx: &Tx<'_>, account: &str, due: &[Purged], entry: u64) -> Result<()> {
    for gone in due {
        tx.prepare_cached("insert into purged (version, digest, entry) values (?1, ?2, ?3)")?
            .execute(params![gone.version, gone.digest, entry])?;
        tx.prepare_cached("update version set text = '', element = x'' where id = ?1")?
            .execute([gone.version])?;
    }
    tx.execute(
        "update comment set author_name = null where account = ?1 and author_name is not null
           and exists (select 1 from version v join purged p on p.version = v.id where v.comment = comment.id)
           and not exists (select 1 from record r where r.comment = comment.id)",
        [account],
    )?;
    Ok(())
}

fn insert_version(tx: &Tx<'_>, comment: i64, n: u32, seen: &Seen, now: DateTime<Utc>) -> Result<()> {
    tx.prepare_cached(
        "insert into version (comment, n, seen_at, text, attachments, element, salt)
         values (?1, ?2, ?3, ?4, ?5, ?6, randomblob(16))",
    )?
    .execute(params![comment, n, stamp(now), seen.text, to_json(&seen.attachments)?, seen.element])?;
    Ok(())
}

/// Notes how a comment was seen to stand.
///
/// # Errors
/// Engine errors.
pub fn note_sighting(
    tx: &Tx<'_>,
    comment: i64,
    sighting: Sighting,
    source: &str,
    at: DateTime<Utc>,
) -> Result<()> {
    tx.prepare_cached("insert into sighting (comment, at, sighting, source) values (?1, ?2, ?3, ?4)")?
        .execute(params![comment, stamp(at), sighting.code(), source])?;
    tx.prepare_cached("update comment set sighting = ?2, sighted_at = ?3 where id = ?1")?
        .execute(params![comment, sighting.code(), stamp(at)])?;
    Ok(())
}

/// Notes how a comment stands that Uppsikt did not change; `held`: the platform's own lists say that it holds it back.
///
/// # Errors
/// Engine errors.
pub fn note_outside(
    tx: &Tx<'_>,
    comment: i64,
    sighting: Sighting,
    held: bool,
    at: DateTime<Utc>,
) -> Result<()> {
    note_sighting(tx, comment, sighting, "outside", at)?;
    if held {
        tx.execute(
            "update sighting set held = 1 where id = (select max(id) from sighting where comment = ?1)",
            [comment],
        )?;
    }
    Ok(())
}

/// Known comments under wholly listed posts that this sweep did not list: they may be gone, or only hidden from lists.
///
/// # Errors
/// Engine errors.
pub fn missing(reader: &Reader, account: &str, posts: &[String], sweep: DateTime<Utc>) -> Result<Vec<i64>> {
    let mut missing = Vec::new();
    let mut query = reader.prepare_cached(
        "select id from comment where account = ?1 and post_id = ?2 and listed_at < ?3
         and sighting not in ('gone', 'not_listed') order by id",
    )?;
    for post in posts {
        for id in query.query_map([account, post, &stamp(sweep)], |row| row.get(0))? {
            missing.push(id?);
        }
    }
    Ok(missing)
}

/// Rows of comments whose newest version has not been judged, oldest first.
///
/// # Errors
/// Engine errors.
pub fn unjudged(reader: &Reader, limit: usize) -> Result<Vec<i64>> {
    let mut query = reader.prepare_cached(
        "select v.comment from to_judge t join version v on v.id = t.version order by v.id limit ?1",
    )?;
    query.query_map([limit], |row| row.get(0))?.map(|id| Ok(id?)).collect()
}

/// The row of the version before version `n` of a comment.
///
/// # Errors
/// Engine errors.
pub fn version_before(reader: &Reader, comment: i64, n: u32) -> Result<Option<i64>> {
    Ok(reader
        .prepare_cached("select id from version where comment = ?1 and n < ?2 order by n desc limit 1")?
        .query_row(params![comment, n], |row| row.get(0))
        .optional()?)
}

/// A version that no daily entry commits to yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreceived {
    /// The row.
    pub id: i64,
    /// The account.
    pub account: String,
    /// When Uppsikt first saw it.
    pub seen_at: DateTime<Utc>,
    /// The text.
    pub text: String,
    /// Its salt in the daily tree.
    pub salt: [u8; 16],
}

/// The versions first seen before `midnight` that no daily entry commits to, oldest first; a busy first night is
/// taken in several passes.
///
/// # Errors
/// Engine errors.
pub fn unreceived(reader: &Reader, midnight: DateTime<Utc>) -> Result<Vec<Unreceived>> {
    let mut query = reader.prepare_cached(
        "select v.id, c.account, v.seen_at, v.text, v.salt from version v join comment c on c.id = v.comment
         where v.received is null and v.seen_at < ?1 order by v.id limit 100000",
    )?;
    let rows = query.query_map([stamp(midnight)], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?, row.get(3)?, row.get(4)?))
    })?;
    rows.map(|row| {
        let (id, account, seen, text, salt) = row?;
        Ok(Unreceived { id, account, seen_at: moment(&seen)?, text, salt })
    })
    .collect()
}

/// Notes which entry commits to these versions.
///
/// # Errors
/// Engine errors.
pub fn received(tx: &Tx<'_>, versions: &[Unreceived], entry: u64) -> Result<()> {
    let mut update = tx.prepare_cached("update version set received = ?2 where id = ?1")?;
    for version in versions {
        update.execute(params![version.id, entry])?;
    }
    Ok(())
}
