//! When an account is read next: its own schedule, spread over its slot, and what lets it come sooner or later.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Europe::Stockholm;

use crate::config::{Account, AccountStatus, Config};
use crate::connector::Left;
use crate::connector::budget::pace::{self, Demand, Planned, Reader};
use crate::domain::calendar;
use crate::store::polls::{AccountState, Next};

/// Accounts behind one host begin their polls within this much of a slot, evenly; never later than the slot is long.
const SPREAD_OVER: TimeDelta = TimeDelta::minutes(10);

/// So many new comments in one poll are a surge.
const SURGE: usize = 20;

/// How long an account is read faster after a surge.
const SURGE_LASTS: TimeDelta = TimeDelta::hours(1);

/// How much faster, and how fast at most.
const FASTER: i32 = 5;
const FASTEST: TimeDelta = TimeDelta::minutes(1);

/// After a failure the next try comes after a minute, then two, four …, at most this; never later than the schedule's.
const LONGEST_RETRY: TimeDelta = TimeDelta::minutes(30);

/// A poll that has ended.
#[derive(Debug, Clone, Copy)]
pub struct Ended<'a> {
    /// The account.
    pub account: &'a Account,
    /// When it ended (UTC).
    pub at: DateTime<Utc>,
    /// Whether it succeeded.
    pub ok: bool,
    /// Whether the platform does not take the key.
    pub dead_key: bool,
    /// How long the platform, or a budget, asks to be left alone.
    pub wait: Option<TimeDelta>,
    /// Comments never seen before.
    pub new: usize,
    /// How the account stood before it.
    pub state: &'a AccountState,
    /// What is left of the quotas it spends of.
    pub left: &'a [Left],
    /// What one poll of each account costs, by account and quota.
    pub costs: &'a BTreeMap<String, BTreeMap<String, u64>>,
    /// Whether everything is read faster now.
    pub crisis: bool,
}

/// The time between the two polls after `after`, by the account's schedule.
pub fn every(account: &Account, after: DateTime<Utc>) -> TimeDelta {
    let mut slots = account.poll.schedule.after(&after.with_timezone(&Stockholm));
    match (slots.next(), slots.next()) {
        (Some(one), Some(other)) => (other - one).max(TimeDelta::seconds(1)),
        _ => TimeDelta::days(1),
    }
}

/// How many polls a day the account's schedule asks for, on the day after `at` (Stockholm).
pub fn polls_a_day(account: &Account, at: DateTime<Utc>) -> u64 {
    let day = calendar::local_date(at).succ_opt().unwrap_or_default();
    let midnight = |day: chrono::NaiveDate| calendar::to_utc(day.and_time(chrono::NaiveTime::MIN));
    let (from, to) = (midnight(day), midnight(day.succ_opt().unwrap_or_default()));
    let before = (from - TimeDelta::seconds(1)).with_timezone(&Stockholm);
    let count = account.poll.schedule.after(&before).take_while(|slot| *slot < to).count();
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// What a configuration costs a day at the pace of its schedules, by quota; and the accounts whose cost is not known
/// because no poll of theirs has succeeded yet.
pub fn planned<'a>(
    config: &'a Config,
    costs: &BTreeMap<String, BTreeMap<String, u64>>,
    left: &[Left],
    at: DateTime<Utc>,
) -> (Vec<Planned>, Vec<&'a str>) {
    let (mut readers, mut unknown) = (Vec::new(), Vec::new());
    for account in config.accounts.iter().filter(|account| account.status != AccountStatus::Closed) {
        let Some(costs) = costs.get(&account.id) else {
            unknown.push(account.id.as_str());
            continue;
        };
        let polls = polls_a_day(account, at);
        readers.extend(costs.iter().map(|(quota, units)| Reader {
            quota: quota.clone(),
            a_day: left.iter().find(|left| left.name == *quota).map(pace::polling_a_day),
            polls,
            units: *units,
        }));
    }
    (pace::plan(&readers), unknown)
}

/// When `account` is polled next after `after` by its schedule in Stockholm time.
///
/// Moved within the slot so that the accounts behind one host do not all begin at once; always the same for the same
/// accounts.
pub fn slot(config: &Config, account: &Account, after: DateTime<Utc>) -> DateTime<Utc> {
    let moved = offset(config, account, every(account, after));
    account
        .poll
        .schedule
        .after(&(after - moved).with_timezone(&Stockholm))
        .next()
        .map_or(after + TimeDelta::hours(24), |next| next.with_timezone(&Utc) + moved)
}

/// The part of its slot that an account waits: evenly over those behind the same host, nothing for the first.
fn offset(config: &Config, account: &Account, every: TimeDelta) -> TimeDelta {
    let host = account.host();
    let beside =
        config.accounts.iter().filter(|other| other.status != AccountStatus::Closed && other.host() == host);
    let (mut place, mut count) = (0_i64, 0_i64);
    for other in beside {
        if other.id == account.id {
            place = count;
        }
        count += 1;
    }
    let window = every.min(SPREAD_OVER).num_seconds();
    TimeDelta::seconds(window * place / count.max(1))
}

/// How late a poll may begin before the account counts as unread: the daemon's own pace, and others before it.
pub fn patience(every: TimeDelta) -> TimeDelta {
    TimeDelta::minutes(2) + (every / 4).min(TimeDelta::minutes(30))
}

/// What a poll that has ended means for the next.
pub fn next(config: &Config, ended: &Ended<'_>) -> Next {
    let (account, at, state) = (ended.account, ended.at, ended.state);
    let scheduled = slot(config, account, at);
    let every = every(account, at);
    let late_at = scheduled + patience(every);
    let lively = account.status == AccountStatus::Active;
    let surge = ended.ok && lively && ended.new >= SURGE && state.last_ok.is_some();
    let surge_until =
        if surge { Some(at + SURGE_LASTS) } else { state.surge_until.filter(|until| *until > at) };
    let plain = |at| Next { at, late_at, surge_until, slow: None };
    if !ended.ok {
        if let Some(wait) = ended.wait {
            return plain((at + wait.min(TimeDelta::days(1))).max(retry(state, at).min(scheduled)));
        }
        // Asking again with a dead key helps nobody before the schedule's time.
        return plain(if ended.dead_key { scheduled } else { retry(state, at).min(scheduled) });
    }
    let fast = lively && (ended.crisis || surge_until.is_some());
    let wanted = if fast { (every / FASTER).max(FASTEST).min(every) } else { every };
    let ordinary = if fast { scheduled.min(at + wanted) } else { scheduled };
    let mut next = plain(ordinary);
    for left in ended.left {
        let cost_of =
            |id: &str| ended.costs.get(id).and_then(|costs| costs.get(&left.name)).copied().unwrap_or(0);
        if cost_of(&account.id) == 0 {
            continue;
        }
        let sharing = config.accounts.iter().filter(|other| other.status != AccountStatus::Closed);
        // Many accounts have few schedules: each is reckoned once.
        let mut known: BTreeMap<&str, TimeDelta> = BTreeMap::new();
        let demands: Vec<_> = sharing
            .filter_map(|other| {
                let units = cost_of(&other.id);
                if units == 0 {
                    return None;
                }
                if other.id == account.id {
                    return Some(Demand { units, every: wanted });
                }
                let schedule = other.poll.schedule.source();
                let every = *known.entry(schedule).or_insert_with(|| self::every(other, at));
                Some(Demand { units, every })
            })
            .collect();
        let stretch = pace::stretch(left, &demands, at);
        let then = at + pace::spread(wanted, stretch, left, at);
        if stretch > 1000 && then > next.at {
            next.at = then;
            if then > late_at {
                next.slow = Some(slow(left, then - at, every));
            }
        }
    }
    next
}

/// Why an account is read more rarely than by its schedule, in Swedish.
fn slow(left: &Left, then: TimeDelta, every: TimeDelta) -> String {
    let share = left.limit.saturating_sub(left.reserve);
    let whole = left.resets_at.map_or_else(String::new, |at| {
        format!(", hela kvoten finns åter {}", calendar::instant_in_words(at))
    });
    format!(
        "läses var {}:e minut i stället för var {}:e för att kvoten ska räcka: {} av {} kvar av {}{whole}",
        then.num_minutes().max(1),
        every.num_minutes().max(1),
        share.saturating_sub(left.used),
        share,
        left.name
    )
}

/// When to try again after a failure.
fn retry(state: &AccountState, at: DateTime<Utc>) -> DateTime<Utc> {
    let doubled = TimeDelta::minutes(1) * 2_i32.pow(state.failures.min(5));
    at + doubled.min(LONGEST_RETRY)
}
