//! What a platform lets us ask, counted before we ask.
//!
//! One [`Budget`] stands for what one key, app or address may spend; accounts that share one share the budget. Hiding
//! and looking at dangerous comments have a reserve that polling may not eat.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Days, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::America::Los_Angeles;
use chrono_tz::Tz;

use super::ConnectorError;
use crate::clock::Clock;

/// What a request is for. Only the later ones may spend the reserve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Purpose {
    /// Lists.
    Poll,
    /// One comment: before preserving, before and after an act.
    Look,
    /// A write, or opening a session for one.
    Act,
}

/// The time after which a quota is whole again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// This long after its first unit was spent.
    Rolling(Duration),
    /// Midnight UTC.
    UtcDay,
    /// Midnight in Los Angeles, summer time included (YouTube).
    PacificDay,
}

/// One limit of a platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    /// Its name, as `doctor` shows it: "units a day".
    pub name: &'static str,
    /// How many units a window has.
    pub limit: u64,
    /// The window.
    pub window: Window,
    /// How many of them [`Purpose::Poll`] may not spend.
    pub reserve: u64,
}

/// What is left of a quota.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Whose it is and which: "youtube/units a day".
    pub name: String,
    /// How many units a window has.
    pub limit: u64,
    /// How many are spent.
    pub used: u64,
    /// How many polling may not spend.
    pub reserve: u64,
    /// When it is whole again (UTC); `None` while nothing is spent.
    pub resets_at: Option<DateTime<Utc>>,
}

/// What one key, app or address may spend. Cloning shares it.
#[derive(Clone)]
pub struct Budget {
    id: Arc<str>,
    clock: Clock,
    state: Arc<Mutex<BTreeMap<&'static str, Spent>>>,
}

#[derive(Debug, Clone)]
struct Spent {
    quota: Quota,
    used: u64,
    resets_at: Option<DateTime<Utc>>,
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget").field("id", &self.id).field("left", &self.left()).finish_non_exhaustive()
    }
}

impl Budget {
    /// A whole budget named `id` ("youtube", "bluesky/did:plc:…").
    pub fn new(id: &str, quotas: impl IntoIterator<Item = Quota>, clock: Clock) -> Self {
        let state =
            quotas.into_iter().map(|quota| (quota.name, Spent { quota, used: 0, resets_at: None })).collect();
        Self { id: id.into(), clock, state: Arc::new(Mutex::new(state)) }
    }

    /// Its name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Counts `costs` (a quota's name and units each), or none of them.
    ///
    /// # Errors
    /// `RateLimited` until the fullest of the quotas is whole again.
    pub fn spend(&self, costs: &[(&'static str, u64)], purpose: Purpose) -> Result<(), ConnectorError> {
        let now = self.clock.now();
        let mut state = self.state();
        let mut wait: Option<TimeDelta> = None;
        for (name, units) in costs {
            let Some(spent) = state.get_mut(name) else { continue };
            spent.turn(now);
            let reserve = if purpose == Purpose::Poll { spent.quota.reserve } else { 0 };
            if spent.used + units > spent.quota.limit.saturating_sub(reserve) {
                let until = spent.resets_at.unwrap_or(now) - now;
                wait = Some(wait.map_or(until, |longest| longest.max(until)));
            }
        }
        if let Some(wait) = wait {
            let wait = wait.to_std().unwrap_or_default().max(Duration::from_secs(1));
            return Err(ConnectorError::RateLimited(wait));
        }
        for (name, units) in costs {
            if let Some(spent) = state.get_mut(name) {
                spent.used += units;
                spent.resets_at.get_or_insert_with(|| spent.quota.window.end(now));
            }
        }
        Ok(())
    }

    /// Takes over what the platform says of a quota: how many units are spent and when it is whole again. Our own
    /// count stays where it is higher and the window the same: the platform's may lag behind.
    pub fn told(&self, name: &'static str, used: u64, limit: Option<u64>, resets_at: Option<DateTime<Utc>>) {
        let now = self.clock.now();
        let mut state = self.state();
        let Some(spent) = state.get_mut(name) else { return };
        spent.turn(now);
        if let Some(limit) = limit.filter(|limit| *limit > 0) {
            spent.quota.limit = limit;
        }
        let anew = match (spent.resets_at, resets_at) {
            (Some(known), Some(told)) => told - known > TimeDelta::seconds(5),
            _ => false,
        };
        spent.used = if anew { used } else { spent.used.max(used) };
        if let Some(resets_at) = resets_at {
            spent.resets_at = Some(resets_at);
        }
    }

    /// Counts units of which only the answer told how many they were; they are spent, whatever is left.
    pub fn add(&self, name: &'static str, units: u64) {
        let now = self.clock.now();
        let mut state = self.state();
        let Some(spent) = state.get_mut(name) else { return };
        spent.turn(now);
        spent.used = spent.used.saturating_add(units);
        spent.resets_at.get_or_insert_with(|| spent.quota.window.end(now));
    }

    /// Whether more of a day's quota is spent than its even share up to now: then what can wait should wait, so that
    /// the last hours of the day are not blind. False for quotas of shorter windows.
    pub fn is_ahead(&self, name: &str) -> bool {
        let now = self.clock.now();
        let mut state = self.state();
        let Some(spent) = state.get_mut(name) else { return false };
        spent.turn(now);
        let (Some(end), Window::UtcDay | Window::PacificDay) = (spent.resets_at, spent.quota.window) else {
            return false;
        };
        let day = TimeDelta::days(1).num_seconds();
        let gone = u64::try_from((day - (end - now).num_seconds()).clamp(0, day)).unwrap_or(0);
        let free = spent.quota.limit.saturating_sub(spent.quota.reserve);
        // A tenth of the day's units in advance, so that the day can begin.
        let share = free / 10 + free.saturating_mul(gone) / day.unsigned_abs();
        spent.used > share
    }

    /// What is left of each quota.
    pub fn left(&self) -> Vec<Left> {
        let now = self.clock.now();
        let mut state = self.state();
        state
            .values_mut()
            .map(|spent| {
                spent.turn(now);
                Left {
                    name: format!("{}/{}", self.id, spent.quota.name),
                    limit: spent.quota.limit,
                    used: spent.used,
                    reserve: spent.quota.reserve,
                    resets_at: spent.resets_at,
                }
            })
            .collect()
    }

    fn state(&self) -> MutexGuard<'_, BTreeMap<&'static str, Spent>> {
        // Counters of a thread that panicked are as good as any: they are counted before the request.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Spent {
    /// Begins a new window if the old one has ended.
    fn turn(&mut self, now: DateTime<Utc>) {
        if self.resets_at.is_some_and(|end| end <= now) {
            self.used = 0;
            self.resets_at = None;
        }
    }
}

impl Window {
    /// When a window that begins at `now` ends.
    fn end(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::Rolling(length) => now + TimeDelta::from_std(length).unwrap_or(TimeDelta::days(1)),
            Self::UtcDay => next_midnight(now, Tz::UTC),
            Self::PacificDay => next_midnight(now, Los_Angeles),
        }
    }
}

/// The next midnight in `zone`; where a clock change skips it, the first moment after.
fn next_midnight(now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    let tomorrow = now.with_timezone(&zone).date_naive().checked_add_days(Days::new(1));
    tomorrow
        .and_then(|day| zone.from_local_datetime(&day.and_time(NaiveTime::MIN)).earliest())
        .map_or(now + TimeDelta::days(1), |midnight| midnight.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(window: Window) -> (Budget, Clock) {
        let clock = Clock::manual("2026-03-08T09:00:00Z".parse().unwrap());
        let quota = Quota { name: "units", limit: 10, window, reserve: 4 };
        (Budget::new("test", [quota], clock.clone()), clock)
    }

    #[test]
    fn polling_stops_before_the_reserve_and_an_act_does_not() {
        let (budget, _) = budget(Window::UtcDay);
        budget.spend(&[("units", 6)], Purpose::Poll).unwrap();
        let error = budget.spend(&[("units", 1)], Purpose::Poll).unwrap_err();
        assert!(matches!(error, ConnectorError::RateLimited(wait) if wait == Duration::from_hours(15)));
        budget.spend(&[("units", 4)], Purpose::Act).unwrap();
        assert!(budget.spend(&[("units", 1)], Purpose::Act).is_err());
    }

    #[test]
    fn a_day_in_los_angeles_ends_at_its_own_midnight_also_when_the_clocks_change() {
        // 8 March 2026, 01:00 in Los Angeles; at 02:00 the clocks go forward, so the day has 23 hours.
        let (budget, clock) = budget(Window::PacificDay);
        budget.spend(&[("units", 6)], Purpose::Poll).unwrap();
        assert_eq!(budget.left()[0].resets_at, Some("2026-03-09T07:00:00Z".parse().unwrap()));
        clock.set("2026-03-09T07:00:00Z".parse().unwrap());
        budget.spend(&[("units", 6)], Purpose::Poll).unwrap();
        assert_eq!(budget.left()[0].resets_at, Some("2026-03-10T07:00:00Z".parse().unwrap()));
    }

    #[test]
    fn what_the_platform_says_counts_where_it_is_more() {
        let (budget, _) = budget(Window::Rolling(Duration::from_mins(15)));
        budget.spend(&[("units", 2)], Purpose::Poll).unwrap();
        let end = budget.left()[0].resets_at;
        budget.told("units", 1, Some(20), end);
        assert_eq!((budget.left()[0].used, budget.left()[0].limit), (2, 20));
        budget.told("units", 20, None, end);
        assert!(budget.spend(&[("units", 1)], Purpose::Act).is_err());
    }

    #[test]
    fn who_is_ahead_of_the_day_is_told_and_is_no_longer_when_the_day_has_caught_up() {
        let clock = Clock::manual("2026-03-04T00:00:00Z".parse().unwrap());
        let quota = Quota { name: "units", limit: 1_100, window: Window::UtcDay, reserve: 100 };
        let budget = Budget::new("test", [quota], clock.clone());
        assert!(!budget.is_ahead("units"));
        budget.add("units", 350);
        assert!(budget.is_ahead("units"));
        clock.set("2026-03-04T06:00:00Z".parse().unwrap());
        assert!(!budget.is_ahead("units"), "a tenth in advance, and a quarter of the day");
        budget.add("units", 10_000);
        assert!(budget.spend(&[("units", 1)], Purpose::Act).is_err(), "what is spent is spent");
        assert!(!budget.is_ahead("calls"));
    }

    #[test]
    fn a_cost_that_does_not_fit_spends_nothing() {
        let (budget, _) = budget(Window::UtcDay);
        assert!(budget.spend(&[("units", 11)], Purpose::Act).is_err());
        assert_eq!(budget.left()[0].used, 0);
    }
}
