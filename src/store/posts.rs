//! The municipality's own posts: every text they have had, and when they were no longer there (N26).

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{OptionalExtension, params};

use super::{Reader, Result, Tx, moment, stamp};
use crate::connector::Post;
use crate::domain::calendar;

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

/// So many posts beside one that was listed are expected to be listed too: a longer run of others was not asked for.
const RUN: u32 = 5;

/// Where a sweep listed no post at all, it may not have asked for them (LinkedIn's list is read once an hour, X's wholly
/// once a day): only after this time does that mean anything.
const SILENCE: TimeDelta = TimeDelta::hours(26);

/// Posts of an account that may be gone: a look at each tells. At most `most`, the last listed first.
///
/// They are those that its finished sweep begun at `sweep` did not list although their neighbours in time were, or that
/// stand at either end of all that are known.
///
/// A post that was looked at since it was last listed, and after `again`, is not asked for anew: one that is too old to
/// be listed costs one look, and not one a sweep.
///
/// # Errors
/// Engine errors.
pub fn unlisted(
    reader: &Reader,
    account: &str,
    sweep: DateTime<Utc>,
    again: DateTime<Utc>,
    most: u32,
) -> Result<Vec<String>> {
    // A post far from everything that the sweep listed tells nothing: lists end at a horizon.
    let mut query = reader.prepare_cached(&format!(
        "select native_id from (
             select native_id, listed_at, looked_at, created_at,
                    max(listed_at = ?2) over (order by created_at, id rows between {RUN} preceding and 1 preceding) as older,
                    max(listed_at = ?2) over (order by created_at, id rows between 1 following and {RUN} following) as younger,
                    row_number() over (order by created_at, id) as from_oldest,
                    row_number() over (order by created_at desc, id desc) as from_youngest
             from post where account = ?1 and gone_at is null and listed_at is not null)
         where listed_at < ?2
           and (older = 1 or from_oldest <= {RUN}) and (younger = 1 or from_youngest <= {RUN})
           and (listed_at <= ?5 or exists (select 1 from post where account = ?1 and listed_at = ?2))
           and (looked_at is null or looked_at < listed_at or looked_at <= ?3)
         order by listed_at desc, created_at desc limit ?4"
    ))?;
    let silent = calendar::plus(sweep, -SILENCE);
    let found = query
        .query_map(params![account, stamp(sweep), stamp(again), most, stamp(silent)], |row| row.get(0))?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// Notes that a post was looked at by itself, whatever the look told.
///
/// # Errors
/// Engine errors.
pub fn looked(tx: &Tx<'_>, account: &str, native: &str, now: DateTime<Utc>) -> Result<()> {
    tx.prepare_cached("update post set looked_at = ?3 where account = ?1 and native_id = ?2")?.execute([
        account,
        native,
        &stamp(now),
    ])?;
    Ok(())
}

/// Rows of the comments under a post that were not known to be gone, oldest first.
///
/// # Errors
/// Engine errors.
pub fn comments(reader: &Reader, account: &str, native: &str) -> Result<Vec<i64>> {
    let mut query = reader.prepare_cached(
        "select id from comment where account = ?1 and post_id = ?2 and sighting <> 'gone' order by id",
    )?;
    let found = query.query_map([account, native], |row| row.get(0))?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// The posts of an account that were found gone between two moments, with when.
///
/// # Errors
/// Engine errors.
pub fn gone_between(
    reader: &Reader,
    account: &str,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<(String, DateTime<Utc>)>> {
    let mut query = reader.prepare_cached(
        "select native_id, gone_at from post where account = ?1 and gone_at >= ?2 and gone_at < ?3
         order by gone_at, id",
    )?;
    let mut rows = query.query([account, &stamp(from), &stamp(to)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push((row.get(0)?, moment(&row.get::<_, String>(1)?)?));
    }
    Ok(found)
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

    /// Posts 0 (now) to `count` - 1, one a day back, all listed at `start`.
    fn listed(count: i64, start: DateTime<Utc>) -> (tempfile::TempDir, Db) {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::create(&folder.path().join("db")).unwrap();
        db.write_now(move |tx| {
            for n in 0..count {
                store(tx, "fb", &post(&n.to_string(), "text", start - TimeDelta::days(n)), start, start)?;
            }
            Ok(())
        })
        .unwrap();
        (folder, db)
    }

    #[test]
    fn a_post_that_may_be_gone_stands_beside_what_was_listed_and_not_beyond_a_horizon() {
        let start: DateTime<Utc> = "2026-11-23T08:00:00Z".parse().unwrap();
        // How many there are, which of them the sweep so many minutes later lists, and which are then looked at.
        let table: [(i64, i64, &[i64], &[&str]); 8] = [
            (5, 5, &[0, 1, 2, 3, 4], &[]),
            (5, 5, &[0, 1, 3, 4], &["2"]),
            // The youngest and the oldest too: their removal must show, and a look tells it from an end of the list.
            (5, 5, &[1, 2, 3], &["0", "4"]),
            // No list at all may not have been asked for; after a while it is strange.
            (1, 5, &[], &[]),
            (1, 27 * 60, &[], &["0"]),
            // A list that ends at a horizon: only the very oldest of all could be one that was removed.
            (40, 5, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], &[]),
            // The newest, and older ones in turn: what lies between was not asked for.
            (40, 5, &[0, 1, 2, 20, 21, 23, 24], &["22"]),
            (40, 27 * 60, &[], &[]),
        ];
        for (count, minutes, again, expected) in table {
            let (_folder, db) = listed(count, start);
            let (again, next) = (again.to_vec(), start + TimeDelta::minutes(minutes));
            db.write_now(move |tx| {
                for n in again {
                    store(tx, "fb", &post(&n.to_string(), "text", start - TimeDelta::days(n)), next, next)?;
                }
                let found = unlisted(tx, "fb", next, next - TimeDelta::days(7), 10)?;
                assert_eq!(found, *expected, "{count}");
                Ok(())
            })
            .unwrap();
        }
    }

    #[test]
    fn what_was_looked_at_waits_until_it_is_listed_again_or_a_week_has_passed() {
        let start: DateTime<Utc> = "2026-11-23T08:00:00Z".parse().unwrap();
        let (_folder, db) = listed(3, start);
        db.write_now(move |tx| {
            let list = |tx: &Tx<'_>, n: i64, at| {
                store(tx, "fb", &post(&n.to_string(), "text", start - TimeDelta::days(n)), at, at)
            };
            let asked = |tx: &Tx<'_>, at| unlisted(tx, "fb", at, at - TimeDelta::days(7), 10);
            let mut at = start;
            for expected in [&["1"][..], &[]] {
                at += TimeDelta::minutes(5);
                list(tx, 0, at)?;
                list(tx, 2, at)?;
                assert_eq!(asked(tx, at)?, *expected);
                looked(tx, "fb", "1", at)?;
            }
            at += TimeDelta::days(7);
            list(tx, 0, at)?;
            list(tx, 2, at)?;
            assert_eq!(asked(tx, at)?, ["1"]);
            set_gone(tx, "fb", "1", at)?;
            assert_eq!(gone_between(tx, "fb", start, at + TimeDelta::seconds(1))?, [("1".to_owned(), at)]);
            assert!(asked(tx, at)?.is_empty());
            // It comes back.
            list(tx, 1, at)?;
            assert_eq!(gone_at(tx, "fb", "1")?, None);
            Ok(())
        })
        .unwrap();
    }
}
