//! Sketches of texts, kept some days to find their likes across writers and accounts.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::params;

use super::{Reader, Result, Tx, stamp};
use crate::domain::classify::wave::{ALIKE, DAYS, Runs, Sketch};

/// So many of the newest are looked at in each band.
const MOST_IN_BAND: usize = 200;

/// So many are compared in full; more agree in so many bands that they need not be.
const MOST_COMPARED: usize = 50;

/// Who shares so many bands is alike without being compared: at a likeness of .6 that happens to one in ten.
const SURELY: usize = 5;

/// A text that may be alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Twin {
    /// The row of the text.
    pub version: i64,
    /// The row of the comment.
    pub comment: i64,
    /// The municipality's account.
    pub account: String,
    /// Who wrote it; `None` where the platform does not say.
    pub author: Option<String>,
}

/// Keeps a text's sketch.
///
/// # Errors
/// Engine errors.
pub fn remember(tx: &Tx<'_>, version: i64, sketch: &Sketch, at: DateTime<Utc>) -> Result<()> {
    let mut insert = tx.prepare_cached("insert or ignore into text_band values (?1, ?2, ?3, ?4)")?;
    for (band, hash) in sketch.iter().enumerate() {
        insert.execute(params![band, hash, version, stamp(at)])?;
    }
    Ok(())
}

/// Forgets the sketches whose days are over.
///
/// # Errors
/// Engine errors.
pub fn forget(tx: &Tx<'_>, now: DateTime<Utc>) -> Result<()> {
    tx.prepare_cached("delete from text_band where at < ?1")?
        .execute([stamp(now - TimeDelta::days(DAYS))])?;
    Ok(())
}

/// The texts that say nearly the same as one, of other comments, within the days before `at`; one a comment, oldest
/// first.
///
/// # Errors
/// Engine errors.
pub fn alike(
    reader: &Reader,
    comment: i64,
    runs: &Runs,
    sketch: &Sketch,
    at: DateTime<Utc>,
) -> Result<Vec<Twin>> {
    let mut shared: BTreeMap<i64, usize> = BTreeMap::new();
    let mut query = reader.prepare_cached(&format!(
        "select version from text_band where band = ?1 and hash = ?2 and at >= ?3 order by version desc
         limit {MOST_IN_BAND}"
    ))?;
    for (band, hash) in sketch.iter().enumerate() {
        let since = stamp(at - TimeDelta::days(DAYS));
        for version in query.query_map(params![band, hash, since], |row| row.get(0))? {
            *shared.entry(version?).or_default() += 1;
        }
    }
    let mut read = reader.prepare_cached(
        "select v.comment, c.account, coalesce(c.author_id, c.author_name), v.text
         from version v join comment c on c.id = v.comment where v.id = ?1",
    )?;
    let mut found: BTreeMap<i64, Twin> = BTreeMap::new();
    let mut compared = 0;
    for (version, bands) in shared.into_iter().rev() {
        let (twin, text): (Twin, String) = read.query_row([version], |row| {
            let (comment, account, author) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok((Twin { version, comment, account, author }, row.get(3)?))
        })?;
        if twin.comment == comment || found.contains_key(&twin.comment) {
            continue;
        }
        if bands < SURELY {
            compared += 1;
            if compared > MOST_COMPARED
                || !Runs::of(&text).is_some_and(|other| runs.likeness(&other) >= ALIKE)
            {
                continue;
            }
        }
        found.insert(twin.comment, twin);
    }
    let mut twins: Vec<Twin> = found.into_values().collect();
    twins.sort_by_key(|twin| twin.version);
    Ok(twins)
}
