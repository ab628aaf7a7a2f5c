//! The platform's own counts of comments, against what Uppsikt knows.

use chrono::{DateTime, Utc};
use rusqlite::params;

use super::{Reader, Result, Tx, json, stamp, to_json};
use crate::connector::{Post, Sighting};
use crate::domain::coverage::{self, Known};

/// Sweeps in a row that a difference must hold: a comment that comes between count and list makes one for a moment.
pub const SWEEPS: u32 = 2;

/// Notes what the platform counts under the posts of a page.
///
/// # Errors
/// Engine errors.
pub fn told(tx: &Tx<'_>, account: &str, posts: &[Post], sweep: DateTime<Utc>) -> Result<()> {
    for post in posts {
        let Some(count) = post.comments else { continue };
        tx.prepare_cached(
            "insert into post_total (account, native_id, told, told_at) values (?1, ?2, ?3, ?4)
             on conflict do update set told = excluded.told, told_at = excluded.told_at",
        )?
        .execute(params![
            account,
            post.native_id,
            i64::try_from(count).unwrap_or(i64::MAX),
            stamp(sweep)
        ])?;
    }
    Ok(())
}

/// A post whose count differs from ours without anything that explains it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Off {
    /// The platform's id of the post.
    pub post: String,
    /// How many comments the platform counts.
    pub told: u64,
    /// More at the platform than we know, or (negative) fewer than we see.
    pub off: i64,
    /// What explains the rest of the difference, in Swedish.
    pub because: Vec<String>,
}

/// Compares the counts told in a finished sweep with what is stored; gives how many posts differ, for [`SWEEPS`] sweeps
/// and by more than a person was told of, without anything that explains it.
///
/// # Errors
/// Engine errors.
pub fn reconcile(tx: &Tx<'_>, account: &str, sweep: DateTime<Utc>) -> Result<usize> {
    type Raw = (String, i64, i64, u32, i64);
    let mut query = tx.prepare_cached(
        "select native_id, told, off, sweeps, reported from post_total where account = ?1 and told_at >= ?2",
    )?;
    let rows: Vec<Raw> = query
        .query_map([account, &stamp(sweep)], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let mut new = 0;
    for (post, told, before, sweeps, reported) in rows {
        let (why, off) = coverage::explained(told.unsigned_abs(), &known(tx, account, &post)?);
        let sweeps = match off.signum() {
            0 => 0,
            side if side == before.signum() => sweeps.saturating_add(1),
            _ => 1,
        };
        // A difference that a person has heard of is news again only when it has grown.
        let reported = if off.signum() == reported.signum() && off != 0 { reported } else { 0 };
        if sweeps >= SWEEPS && off.unsigned_abs() > reported.unsigned_abs() {
            new += 1;
        }
        tx.prepare_cached(
            "update post_total set off = ?3, because = ?4, sweeps = ?5, reported = ?6
             where account = ?1 and native_id = ?2",
        )?
        .execute(params![account, post, off, to_json(&why)?, sweeps, reported])?;
    }
    Ok(new)
}

/// Notes that a person is told of the differences that stand.
///
/// # Errors
/// Engine errors.
pub fn reported(tx: &Tx<'_>, account: &str) -> Result<()> {
    tx.execute(
        "update post_total set reported = off where account = ?1 and sweeps >= ?2",
        params![account, SWEEPS],
    )?;
    Ok(())
}

/// The posts of an account whose counts have differed for [`SWEEPS`] sweeps without anything that explains it, the
/// greatest difference first.
///
/// # Errors
/// Engine errors.
pub fn off(reader: &Reader, account: &str) -> Result<Vec<Off>> {
    let mut query = reader.prepare_cached(
        "select native_id, told, off, because from post_total
         where account = ?1 and off <> 0 and sweeps >= ?2 order by abs(off) desc, native_id",
    )?;
    let rows = query.query_map(params![account, SWEEPS], |row| {
        Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get(2)?, row.get::<_, String>(3)?))
    })?;
    rows.map(|row| {
        let (post, told, off, because) = row?;
        Ok(Off { post, told: told.unsigned_abs(), off, because: json(&because)? })
    })
    .collect()
}

/// What Uppsikt knows under a post.
fn known(reader: &Reader, account: &str, post: &str) -> Result<Known> {
    let mut query = reader.prepare_cached(
        "select sighting, ours, parent_id is null or parent_id = post_id, count(*) from comment
         where account = ?1 and post_id = ?2 group by 1, 2, 3",
    )?;
    let mut known = Known::default();
    for row in query.query_map([account, post], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?, row.get::<_, bool>(2)?, row.get::<_, u64>(3)?))
    })? {
        let (sighting, ours, top, count) = row?;
        match Sighting::from_code(&sighting) {
            Some(Sighting::Hidden | Sighting::HiddenByUs) => known.hidden += count,
            Some(Sighting::Gone) => known.gone += count,
            Some(Sighting::NotListed | Sighting::NoRight) => known.filtered += count,
            _ => {
                known.top_level += if top { count } else { 0 };
                if ours {
                    known.ours += count;
                } else {
                    known.public += count;
                }
            }
        }
    }
    Ok(known)
}
