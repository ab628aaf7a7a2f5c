//! The municipality's own posts: every text they have had, and when they were no longer there (N26).

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, params};

use super::{Reader, Result, Tx, moment, stamp};
use crate::connector::Post;

/// A stored text of a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostVersion {
    /// 1, 2, …
    pub n: u32,
    /// When Uppsikt first saw it (UTC).
    pub seen_at: DateTime<Utc>,
    /// The text.
    pub text: String,
    /// The exact bytes of its element; empty where the platform gave only id and text.
    pub element: Vec<u8>,
}

/// Stores a post as a page shows it; another text is a version of its own.
///
/// # Errors
/// Engine errors.
pub(super) fn store(
    tx: &Tx<'_>,
    account: &str,
    post: &Post,
    sweep: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<()> {
    tx.prepare_cached(
        "insert into post (account, native_id, text, created_at, permalink, seen_at, listed_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         on conflict (account, native_id) do update set text = excluded.text, permalink = excluded.permalink,
             listed_at = excluded.listed_at, gone_at = null",
    )?
    .execute(params![
        account,
        post.native_id,
        post.text,
        stamp(post.created_at),
        post.permalink,
        stamp(now),
        stamp(sweep)
    ])?;
    let id: i64 = tx
        .prepare_cached("select id from post where account = ?1 and native_id = ?2")?
        .query_row([account, &post.native_id], |row| row.get(0))?;
    tx.prepare_cached(
        "insert into post_version (post, n, seen_at, text, element)
         select ?1, coalesce(max(n), 0) + 1, ?2, ?3, ?4 from post_version where post = ?1
         having coalesce((select text from post_version where post = ?1 order by n desc limit 1) <> ?3, 1)",
    )?
    .execute(params![id, stamp(now), post.text, post.element])?;
    Ok(())
}

/// Every text that a post has had, oldest first.
///
/// # Errors
/// Engine errors.
pub fn versions(reader: &Reader, account: &str, native: &str) -> Result<Vec<PostVersion>> {
    let mut query = reader.prepare_cached(
        "select v.n, v.seen_at, v.text, v.element from post_version v join post p on p.id = v.post
         where p.account = ?1 and p.native_id = ?2 order by v.n",
    )?;
    let mut rows = query.query([account, native])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(PostVersion {
            n: row.get(0)?,
            seen_at: moment(&row.get::<_, String>(1)?)?,
            text: row.get(2)?,
            element: row.get(3)?,
        });
    }
    Ok(found)
}

/// Since when a post has been looked for in vain.
///
/// # Errors
/// Engine errors.
pub fn gone_at(reader: &Reader, account: &str, native: &str) -> Result<Option<DateTime<Utc>>> {
    let text: Option<Option<String>> = reader
        .prepare_cached("select gone_at from post where account = ?1 and native_id = ?2")?
        .query_row([account, native], |row| row.get(0))
        .optional()?;
    text.flatten().as_deref().map(moment).transpose()
}

/// The posts that the newest `newest` of an account belong to and that its sweep begun at `sweep` did not list, although
/// a younger and an older one were: they are no longer there.
///
/// # Errors
/// Engine errors.
pub fn missing(tx: &Tx<'_>, account: &str, sweep: DateTime<Utc>) -> Result<Vec<String>> {
    // A post outside of what the sweep listed tells nothing: only one between two that were listed is missing.
    let mut query = tx.prepare_cached(
        "select native_id from post where account = ?1 and gone_at is null and coalesce(listed_at, '') < ?2
             and created_at > (select min(created_at) from post where account = ?1 and listed_at = ?2)
             and created_at < (select max(created_at) from post where account = ?1 and listed_at = ?2)",
    )?;
    let found = query.query_map([account, &stamp(sweep)], |row| row.get(0))?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// Notes that a post is no longer there.
///
/// # Errors
/// Engine errors.
pub fn set_gone(tx: &Tx<'_>, account: &str, native: &str, now: DateTime<Utc>) -> Result<()> {
    tx.execute(
        "update post set gone_at = ?3 where account = ?1 and native_id = ?2 and gone_at is null",
        [account, native, &stamp(now)],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::store::Db;

    fn post(native: &str, text: &str, created_at: DateTime<Utc>) -> Post {
        Post {
            native_id: native.to_owned(),
            text: text.to_owned(),
            created_at,
            permalink: None,
            comments: None,
            element: format!("{{\"id\":\"{native}\"}}").into_bytes(),
        }
    }

    #[test]
    fn another_text_is_a_version_and_the_same_text_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::create(&folder.path().join("db")).unwrap();
        let start: DateTime<Utc> = "2026-11-23T08:00:00Z".parse().unwrap();
        for (turn, text) in (0..).zip(["Badet stänger.", "Badet stänger.", "Badet öppnar.", "Badet stänger."])
        {
            let now = start + TimeDelta::hours(turn);
            db.write_now(move |tx| store(tx, "fb", &post("1", text, start), now, now)).unwrap();
        }
        let versions = db.read_now(|reader| versions(reader, "fb", "1")).unwrap();
        let told: Vec<_> = versions.iter().map(|version| (version.n, version.text.as_str())).collect();
        assert_eq!(told, [(1, "Badet stänger."), (2, "Badet öppnar."), (3, "Badet stänger.")]);
        assert_eq!(versions[1].seen_at, start + TimeDelta::hours(2));
    }

    #[test]
    fn a_post_is_missing_only_between_two_that_were_listed() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::create(&folder.path().join("db")).unwrap();
        let start: DateTime<Utc> = "2026-11-23T08:00:00Z".parse().unwrap();
        let day = move |n| start - TimeDelta::days(n);
        db.write_now(move |tx| {
            for n in 0..5 {
                store(tx, "fb", &post(&n.to_string(), "text", day(n)), start, start)?;
            }
            let next = start + TimeDelta::minutes(5);
            // The youngest and the two oldest tell nothing of what lies beyond them.
            for n in [1, 3] {
                store(tx, "fb", &post(&n.to_string(), "text", day(n)), next, next)?;
            }
            assert_eq!(missing(tx, "fb", next)?, ["2"]);
            set_gone(tx, "fb", "2", next)?;
            assert!(missing(tx, "fb", next)?.is_empty());
            // It comes back.
            store(tx, "fb", &post("2", "text", day(2)), next, next)?;
            assert_eq!(gone_at(tx, "fb", "2")?, None);
            Ok(())
        })
        .unwrap();
    }
}
