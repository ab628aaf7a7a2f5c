//! The brake on automatic hiding: it latches, and only a named person releases it.

use chrono::{DateTime, Duration, Utc};
use rusqlite::params;

use super::{Reader, Result, StoreError, Tx, cases, decisions, moment, stamp};
use crate::domain::case::{CaseId, CaseState};

/// The name that stands for every rule.
pub const ALL: &str = "all";

/// A brake that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// A rule id, or [`ALL`].
    pub rule: String,
    /// Since when.
    pub tripped_at: DateTime<Utc>,
    /// Why, in Swedish.
    pub why: String,
    /// The person who stopped it, if it was a person.
    pub by_person: Option<String>,
}

/// The limits, per sliding 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Automatic hides by one rule.
    pub per_rule: u32,
    /// Automatic hides in all.
    pub in_all: u32,
}

/// The brakes that hold now.
///
/// # Errors
/// Engine errors.
pub fn held(reader: &Reader) -> Result<Vec<Held>> {
    let mut query = reader.prepare_cached(
        "select rule, tripped_at, why, by_person from brake where released_at is null order by id",
    )?;
    let rows =
        query.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?, row.get(3)?)))?;
    rows.map(|row| {
        let (rule, at, why, by_person) = row?;
        Ok(Held { rule, tripped_at: moment(&at)?, why, by_person })
    })
    .collect()
}

/// The brake's no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Braked {
    /// Why, in Swedish.
    pub why: String,
    /// The cases whose automatic decisions became void by this: they are open, and a person must be told of each.
    pub cases: Vec<CaseId>,
}

/// Asks the brake before an automatic hide by `rule`; trips it when the limit is reached.
///
/// Counts committed hide intents, so it is asked in the transaction that would make the next one. Returns the reason
/// not to hide, or `None`.
///
/// # Errors
/// Engine errors.
pub fn ask(tx: &Tx<'_>, rule: &str, limits: Limits, now: DateTime<Utc>) -> Result<Option<Braked>> {
    if let Some(held) = held(tx)?.into_iter().find(|held| held.rule == rule || held.rule == ALL) {
        let cases = void(tx, &held.rule, now)?;
        return Ok(Some(Braked { why: held.why, cases }));
    }
    let since = stamp(now - Duration::hours(24));
    let (by_rule, in_all): (u32, u32) = tx.query_row(
        "select count(*) filter (where rule = ?1), count(*) from intent
         where act = 'hide' and rule is not null and created_at > ?2",
        [rule, &since],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let (name, why) = if in_all >= limits.in_all {
        (ALL, format!("{in_all} automatiska döljningar på 24 timmar; gränsen är {}", limits.in_all))
    } else if by_rule >= limits.per_rule {
        (rule, format!("regeln {rule} har dolt {by_rule} på 24 timmar; gränsen är {}", limits.per_rule))
    } else {
        return Ok(None);
    };
    tx.execute("insert into brake (rule, tripped_at, why) values (?1, ?2, ?3)", [name, &stamp(now), &why])?;
    let cases = void(tx, name, now)?;
    Ok(Some(Braked { why, cases }))
}

/// Automatic hides in the 24 hours before `now`.
///
/// # Errors
/// Engine errors.
pub fn hides(reader: &Reader, now: DateTime<Utc>) -> Result<u64> {
    Ok(reader.query_row(
        "select count(*) from intent where act = 'hide' and rule is not null and created_at > ?1",
        [stamp(now - Duration::hours(24))],
        |row| row.get(0),
    )?)
}

/// Whether a person stopped automatic hiding after this intent was made: it must not leave any more, also not after
/// the release.
///
/// An intent that was within the limits when the limit tripped the brake still leaves: it was counted.
///
/// # Errors
/// Engine errors.
pub fn stops(reader: &Reader, intent: i64) -> Result<bool> {
    Ok(reader.query_row(
        "select exists (select 1 from intent i join brake b on b.rule in ('all', i.rule)
         where i.id = ?1 and i.rule is not null and b.by_person is not null and b.tripped_at >= i.created_at)",
        [intent],
        |row| row.get(0),
    )?)
}

/// A person stops all automatic hiding. Returns the cases that were about to be hidden and now are open.
///
/// # Errors
/// Engine errors.
pub fn stop(tx: &Tx<'_>, by: &str, reason: &str, now: DateTime<Utc>) -> Result<Vec<CaseId>> {
    tx.execute(
        "insert into brake (rule, tripped_at, why, by_person, reason) values (?1, ?2, ?3, ?4, ?3)",
        params![ALL, stamp(now), reason, by],
    )?;
    void(tx, ALL, now)
}

/// A person releases the brake of one rule, or all brakes.
///
/// # Errors
/// `Conflict` when no such brake holds; engine errors.
pub fn release(tx: &Tx<'_>, rule: &str, by: &str, reason: &str, now: DateTime<Utc>) -> Result<usize> {
    let released = tx.execute(
        "update brake set released_at = ?2, released_by = ?3, reason = ?4
         where released_at is null and (rule = ?1 or ?1 = 'all')",
        params![rule, stamp(now), by, reason],
    )?;
    if released == 0 {
        let held: Vec<_> = held(tx)?.into_iter().map(|held| held.rule).collect();
        let held = if held.is_empty() {
            "no brake holds".to_owned()
        } else {
            format!("these hold: {}", held.join(", "))
        };
        return Err(StoreError::Conflict(format!("the brake of `{rule}` does not hold; {held}")));
    }
    Ok(released)
}

/// Nothing queued is hidden after the brake trips: waiting automatic decisions become void, and their cases open.
fn void(tx: &Tx<'_>, rule: &str, now: DateTime<Utc>) -> Result<Vec<CaseId>> {
    let queued: Vec<(i64, i64)> = tx
        .prepare_cached(
            "select d.id, d.case_id from decision d join decision_state s on s.decision = d.id
             where d.rule is not null and (d.rule = ?1 or ?1 = 'all')
               and (s.state = 'ready'
                    or s.state = 'entered' and not exists (select 1 from intent i where i.decision = d.id))
             order by d.id",
        )?
        .query_map([rule], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut opened = Vec::new();
    for (decision, case) in queued {
        decisions::set_state(tx, decision, "void")?;
        let case = CaseId(case);
        if cases::get(tx, case)?.state == CaseState::Hiding {
            cases::set_state(tx, case, CaseState::Open, now)?;
            opened.push(case);
        }
    }
    Ok(opened)
}
