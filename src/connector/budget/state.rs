//! The arithmetic of a quota: what is spent, until when, and when something fits again.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Days, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::America::Los_Angeles;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::{Purpose, Quota, Window};

/// A request sent so soon before midnight may be counted by the platform after it: it counts on both days.
const AROUND_MIDNIGHT: TimeDelta = TimeDelta::minutes(2);

/// Into how many parts a sliding window is divided; what was spent in a part is free again a window after its end.
const PARTS: i64 = 60;

/// How one budget stands: what the ledger keeps (JSON).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// By the quota's name.
    pub quotas: BTreeMap<String, Counted>,
}

/// How one quota stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// The quota.
    pub quota: Limit,
    /// Units by when they are free again (UTC); counted before the request is sent.
    #[serde(default)]
    pub spent: BTreeMap<DateTime<Utc>, u64>,
    /// What the platform last said.
    pub told: Option<Told>,
    /// The platform refused with "too many": nothing is asked before this (UTC).
    pub closed_until: Option<DateTime<Utc>>,
}

/// The quota as the ledger keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// How many units a window has.
    pub limit: u64,
    /// How many of them polling may not spend.
    pub reserve: u64,
    /// The window.
    pub window: Window,
}

/// What the platform said of a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// How many units were spent.
    pub used: u64,
    /// How many units a window has, if it said so.
    pub limit: Option<u64>,
    /// Units spent since it said so.
    pub since: u64,
    /// Until when it holds (UTC).
    pub until: DateTime<Utc>,
}

impl From<&Quota> for Limit {
    fn from(quota: &Quota) -> Self {
        Self { limit: quota.limit, reserve: quota.reserve, window: quota.window }
    }
}

impl Counted {
    /// A quota of which nothing is spent.
    pub fn whole(quota: Limit) -> Self {
        Self { quota, spent: BTreeMap::new(), told: None, closed_until: None }
    }

    /// How many units a window has, as far as the platform has said.
    pub fn limit(&self, now: DateTime<Utc>) -> u64 {
        self.told(now).and_then(|told| told.limit).unwrap_or(self.quota.limit)
    }

    /// How many units are kept from polling: never more than half, so that a limit that the platform lowers does not
    /// end the watch.
    pub fn reserve(&self, now: DateTime<Utc>) -> u64 {
        self.quota.reserve.min(self.limit(now) / 2)
    }

    /// How many units are spent, by our own count or the platform's, whichever is more.
    pub fn used(&self, now: DateTime<Utc>) -> u64 {
        if self.closed_until.is_some_and(|until| until > now) {
            return self.limit(now);
        }
        let ours: u64 = self.spent.range(now + TimeDelta::nanoseconds(1)..).map(|(_, units)| *units).sum();
        self.told(now).map_or(ours, |told| ours.max(told.used.saturating_add(told.since)))
    }

    /// When the quota is whole again if nothing more is spent; `None` while nothing is.
    pub fn whole_at(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let told = self.told(now).filter(|told| told.used + told.since > 0).map(|told| told.until);
        let spent = self.spent.iter().rev().find(|(_, units)| **units > 0).map(|(end, _)| *end);
        [told, spent, self.closed_until].into_iter().flatten().filter(|end| *end > now).max()
    }

    /// How long to wait until so many units can be spent; `None` when they can be now.
    pub fn wait(&self, units: u64, purpose: Purpose, now: DateTime<Utc>) -> Option<TimeDelta> {
        let fits = |at: DateTime<Utc>| {
            let reserve = if purpose == Purpose::Poll { self.reserve(at) } else { 0 };
            self.used(at).saturating_add(units) <= self.limit(at).saturating_sub(reserve)
        };
        if fits(now) {
            return None;
        }
        let ends =
            self.spent.keys().copied().chain(self.told.map(|told| told.until)).chain(self.closed_until);
        let first = ends.filter(|end| *end > now && fits(*end)).min();
        // More than a whole window has: it will not fit then either, but nothing is learnt by asking sooner.
        Some(first.unwrap_or_else(|| self.quota.window.end(now)) - now)
    }

    /// Counts units as spent now.
    pub fn spend(&mut self, units: u64, now: DateTime<Utc>) {
        *self.spent.entry(self.quota.window.end(now)).or_default() += units;
        if let Some(told) = &mut self.told {
            told.since += units;
        }
    }

    /// Takes back units that were counted and never spent.
    pub fn refund(&mut self, units: u64, end: DateTime<Utc>) {
        if let Some(spent) = self.spent.get_mut(&end) {
            *spent = spent.saturating_sub(units);
        }
        if let Some(told) = &mut self.told {
            told.since = told.since.saturating_sub(units);
        }
    }

    /// Forgets what is free again. A clock that went far ahead and came back must not shut the quota for years.
    pub fn turn(&mut self, now: DateTime<Utc>) {
        let latest = self.quota.window.end(now);
        let later: u64 =
            self.spent.range(latest + TimeDelta::nanoseconds(1)..).map(|(_, units)| *units).sum();
        self.spent.retain(|end, units| *end > now && *end <= latest && *units > 0);
        if later > 0 {
            *self.spent.entry(latest).or_default() += later;
        }
        self.told = self
            .told
            .filter(|told| told.until > now)
            .map(|told| Told { until: told.until.min(latest), ..told });
        let longest = now + TimeDelta::days(1);
        self.closed_until = self.closed_until.filter(|until| *until > now).map(|until| until.min(longest));
    }

    /// What the platform said, while it holds.
    pub(super) fn told(&self, now: DateTime<Utc>) -> Option<Told> {
        self.told.filter(|told| told.until > now)
    }
}

impl Window {
    /// When a unit that is spent at `now` is free again (UTC).
    pub fn end(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::Rolling(length) => {
                let length = seconds(length);
                let part = (length / PARTS).max(1);
                let end = now.timestamp().div_euclid(part).saturating_add(1).saturating_mul(part);
                DateTime::from_timestamp(end.saturating_add(length), 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
            }
            Self::UtcDay => next_midnight(now + AROUND_MIDNIGHT, Tz::UTC),
            Self::PacificDay => next_midnight(now + AROUND_MIDNIGHT, Los_Angeles),
        }
    }

    /// Its length.
    pub fn length(self) -> TimeDelta {
        match self {
            Self::Rolling(length) => TimeDelta::seconds(seconds(length)),
            Self::UtcDay | Self::PacificDay => TimeDelta::days(1),
        }
    }
}

/// Whole seconds, at least one and at most a year.
fn seconds(length: Duration) -> i64 {
    let whole = length.as_secs() + u64::from(length.subsec_nanos() > 0);
    i64::try_from(whole.clamp(1, 366 * 24 * 60 * 60)).unwrap_or(1)
}

/// The next midnight in `zone`; where a clock change skips it, the first moment after.
fn next_midnight(now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    let tomorrow = now.with_timezone(&zone).date_naive().checked_add_days(Days::new(1));
    tomorrow
        .and_then(|day| zone.from_local_datetime(&day.and_time(NaiveTime::MIN)).earliest())
        .map_or(now + TimeDelta::days(1), |midnight| midnight.with_timezone(&Utc))
}
