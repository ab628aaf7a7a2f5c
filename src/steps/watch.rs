//! 7. Open duties and the time → letters in the outbox.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::config::Config;
use crate::domain::calendar::{self, Hours};
use crate::domain::duty::{self, Kind, Period, Repeat, Rung};
use crate::moves::hand;
use crate::outbox::{self, MORNING, Place, Says};
use crate::pipeline::{App, PassError};
use crate::store::duties::{self, Duty};
use crate::store::{StoreError, Tx, polls};

mod daily;

mod threads;

/// Letters about danger, before anything else is done.
///
/// # Errors
/// The store's.
pub async fn urgent(app: &App) -> Result<(), PassError> {
    let (config, now) = (app.config.clone(), app.clock.now());
    app.db.write(move |tx| dangers(tx, &config, now)).await?;
    Ok(())
}

/// All other letters whose rung is reached.
///
/// # Errors
/// The store's.
pub async fn all(app: &App) -> Result<(), PassError> {
    let (config, now) = (app.config.clone(), app.clock.now());
    let by_hand: Vec<(String, Vec<String>)> = config
        .accounts
        .iter()
        .map(|account| {
            let can = app.connectors.get(&account.id).map(|connector| connector.capabilities());
            let names = hand::surfaces(account, can).into_iter().map(|(name, _)| name).collect();
            (account.id.clone(), names)
        })
        .collect();
    app.db
        .write(move |tx| {
            threads::carry(tx, &config, now)?;
            for (account, names) in &by_hand {
                if let Some(account) = config.account(account) {
                    hand::daily(tx, &config, account, names, now)?;
                }
            }
            rungs(tx, &config, now)?;
            daily::all(tx, &config, now)
        })
        .await?;
    Ok(())
}

/// Urgent duties that nobody has acknowledged: the first word, then the repeats, then the summary at 07.00; of those
/// missed while the daemon was down only the last (N8).
fn dangers(tx: &Tx<'_>, config: &Config, now: DateTime<Utc>) -> Result<(), StoreError> {
    let mut letters: BTreeMap<(String, bool), Vec<Place>> = BTreeMap::new();
    for kind in duty::KINDS.iter().filter(|kind| kind.urgent) {
        for duty in duties::open_of_kind(tx, kind.code)? {
            let told = duty.rung.is_some().then_some(duty.turn);
            let trigger = duty.what.trigger_at;
            let turn = if kind.code == "danger" {
                turn_reached(trigger, now, told)
            } else {
                prompt_turn_reached(trigger, now, told, &config.hours)
            };
            let Some(turn) = turn else { continue };
            if duty.acknowledged_at.is_some() {
                continue;
            }
            let summary = turn == MORNING;
            let rung = duty::rung_of_repeat(turn as usize);
            let persons = if summary {
                outbox::everybody(tx, config, kind, &duty, now)?
            } else {
                outbox::persons(tx, config, kind, rung, &duty, now)?
            };
            for person in persons {
                letters.entry((person, summary)).or_default().push((duty.id, rung.code().to_owned(), turn));
            }
            let state = if turn == 0 { "warned" } else { "overdue" };
            duties::reached(tx, duty.id, rung.code(), turn, state)?;
        }
    }
    for ((person, summary), duties) in letters {
        outbox::put(tx, &person, &Says::Dangers { summary }, now, now, duties)?;
    }
    Ok(())
}

/// The turn to tell now: 0 for the first word, 1 to 8 for the repeats, [`MORNING`] for the summary.
fn turn_reached(trigger: DateTime<Utc>, now: DateTime<Utc>, told: Option<u32>) -> Option<u32> {
    let repeat = |last: u32| {
        duty::highest_repeat_reached(trigger, now, last as usize).and_then(|turn| u32::try_from(turn).ok())
    };
    match told {
        // Whoever has heard nothing yet gets the alarm, however late, and not a summary of alarms.
        None => Some(repeat(0).unwrap_or(0)),
        Some(last) if last >= MORNING => None,
        Some(_) if now >= duty::morning_summary(trigger) => Some(MORNING),
        Some(last) => repeat(last),
    }
}

/// The turn to tell now of what is told at once and is no danger: nobody is woken twice. 0 for the first word, at any
/// hour; 1 after two hours of work; 2 when the next working day opens.
fn prompt_turn_reached(
    trigger: DateTime<Utc>,
    now: DateTime<Utc>,
    told: Option<u32>,
    hours: &Hours,
) -> Option<u32> {
    let again = calendar::next_staffed(calendar::next_staffed(trigger, hours) + TimeDelta::hours(2), hours);
    let next_day = calendar::next_working_day(calendar::local_date(again), hours);
    let reached = match now {
        now if now >= calendar::opening(next_day, hours) => 2,
        now if now >= again => 1,
        _ => 0,
    };
    // After an outage only the last word is said; the first word is said whatever the hour.
    told.is_none_or(|told| told < reached).then_some(reached)
}

/// Every open duty that can wait and that no thread carries: the highest rung reached and not told.
fn rungs(tx: &Tx<'_>, config: &Config, now: DateTime<Utc>) -> Result<(), StoreError> {
    let mut letters: BTreeMap<String, Vec<Place>> = BTreeMap::new();
    let mut late = Vec::new();
    let open = duties::open(tx)?;
    // A dead key is why nothing can be read: that is told, and once.
    let keyless: BTreeSet<String> = open
        .iter()
        .filter(|duty| matches!(duty.what.kind.as_str(), "key_dead" | "lost_access"))
        .map(|duty| duty.what.account.clone())
        .collect();
    for duty in open {
        if duty.what.kind == "account_blind" && keyless.contains(&duty.what.account) {
            continue;
        }
        let Some(kind) = Kind::named(&duty.what.kind) else {
            return Err(StoreError::Corrupt(format!("there is no kind of duty `{}`", duty.what.kind)));
        };
        if kind.urgent {
            continue;
        }
        if let Some(repeat) = duty::repeat(kind.code) {
            again(tx, config, kind, repeat, &duty, now)?;
            continue;
        }
        let out = kind.period != Period::AtOnce && duty.what.due_at <= now;
        if out && duty.state != "overdue" {
            late.push(duty.id);
        }
        if duty.thread.is_some() {
            continue;
        }
        let once = duty::TOLD_ONCE.contains(&kind.code) && duty.rung.is_some();
        if once || !is_news(tx, &duty, now)? {
            continue;
        }
        let Some(rung) = reached(kind, &duty, config, now)? else { continue };
        let state = if out || rung >= Rung::Overdue { "overdue" } else { "warned" };
        duties::reached(tx, duty.id, rung.code(), duty.turn, state)?;
        let place = (duty.id, rung.code().to_owned(), duty.turn);
        for person in outbox::persons(tx, config, kind, rung, &duty, now)? {
            if is_machine(&duty) {
                let when = outbox::send_after(config, now);
                outbox::put(tx, &person, &Says::Machine, now, when, vec![place.clone()])?;
            } else {
                letters.entry(person).or_default().push(place.clone());
            }
        }
    }
    duties::overdue(tx, &late)?;
    for (person, duties) in letters {
        outbox::put_duties(tx, config, &person, now, duties)?;
    }
    Ok(())
}

/// A duty that is told again on days of its own, in a letter of its own; of the days missed only the last.
fn again(
    tx: &Tx<'_>,
    config: &Config,
    kind: &Kind,
    repeat: Repeat,
    duty: &Duty,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let told = duty.rung.is_some().then_some(duty.turn);
    let reached = repeat.reached(duty.what.trigger_at, duty.what.due_at, now);
    let Some(turn) = reached.filter(|turn| told.is_none_or(|told| told < *turn)) else { return Ok(()) };
    let rung = repeat.rung(turn);
    duties::reached(tx, duty.id, rung.code(), turn, if turn == 0 { "warned" } else { "overdue" })?;
    for person in outbox::persons(tx, config, kind, rung, duty, now)? {
        let place = (duty.id, rung.code().to_owned(), turn);
        outbox::put(tx, &person, &Says::Machine, now, outbox::send_after(config, now), vec![place])?;
    }
    Ok(())
}

/// The highest rung that is reached and not told.
fn reached(
    kind: &Kind,
    duty: &Duty,
    config: &Config,
    now: DateTime<Utc>,
) -> Result<Option<Rung>, StoreError> {
    let told = told(duty)?;
    if told == Some(Rung::Escalate) {
        return Ok(None);
    }
    let rungs = duty::rungs(kind, duty.what.trigger_at, duty.what.due_at, &config.hours);
    Ok(duty::highest_rung_reached(&rungs, now, told))
}

/// False for an account that could not be read once: that is told when it lasts.
fn is_news(tx: &Tx<'_>, duty: &Duty, now: DateTime<Utc>) -> Result<bool, StoreError> {
    if duty.what.kind != "account_blind" || duty.rung.is_some() {
        return Ok(true);
    }
    Ok(polls::state(tx, &duty.what.account)?.worth_telling(now))
}

fn told(duty: &Duty) -> Result<Option<Rung>, StoreError> {
    duty.rung.as_deref().map(|code| code.parse().map_err(StoreError::Corrupt)).transpose()
}

/// About an account or the installation: told in a letter of its own.
fn is_machine(duty: &Duty) -> bool {
    duty.what.kind != "hand_check" && duty.what.case.is_none() && duty.what.post_id.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_repeats_missed_only_the_last_is_told_and_the_summary_once() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        // 02.00 in Stockholm.
        let trigger = at("2026-12-24T01:00:00Z");
        for (now, told, expected) in [
            ("2026-12-24T01:00:00Z", None, Some(0)),
            ("2026-12-24T01:09:59Z", Some(0), None),
            ("2026-12-24T01:10:00Z", Some(0), Some(1)),
            ("2026-12-24T01:45:00Z", Some(0), Some(3)),
            ("2026-12-24T01:45:00Z", Some(3), None),
            // The eighth repeat comes at 07.40; the summary is the next 07.00.
            ("2026-12-24T06:40:00Z", Some(7), Some(8)),
            ("2026-12-24T12:00:00Z", Some(8), None),
            ("2026-12-25T06:00:00Z", Some(8), Some(MORNING)),
            ("2026-12-27T12:00:00Z", Some(2), Some(MORNING)),
            ("2026-12-27T12:00:00Z", Some(MORNING), None),
            // Nobody was told at all: the alarm, not the summary.
            ("2026-12-27T12:00:00Z", None, Some(8)),
        ] {
            assert_eq!(turn_reached(trigger, at(now), told), expected, "{now} {told:?}");
        }
    }
}
