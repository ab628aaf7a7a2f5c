//! What a platform lets a client do in a time: counted here, refused by the emulators.

use std::collections::VecDeque;

use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use chrono_tz::America::Los_Angeles;
use serde::{Deserialize, Serialize};

/// How many calls over the limit a client may make before it should have understood.
const GRACE: u64 = 3;

/// When what is used comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Window {
    /// Each unit this many seconds after it was used.
    Rolling(u32),
    /// All at once, at whole multiples of this many seconds since 1970.
    Fixed(u32),
    /// All at midnight UTC.
    UtcDay,
    /// All at midnight Pacific time, which has daylight saving (YouTube).
    PacificDay,
}

impl Window {
    /// When the window that holds `now` began; for a rolling one, how far back still counts.
    fn start(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::Rolling(seconds) => now - TimeDelta::seconds(seconds.into()),
            Self::Fixed(seconds) => {
                let length = i64::from(seconds.max(1));
                DateTime::from_timestamp(now.timestamp().div_euclid(length) * length, 0).unwrap_or(now)
            }
            Self::UtcDay => now.date_naive().and_time(NaiveTime::MIN).and_utc(),
            Self::PacificDay => pacific_midnight(now, 0).unwrap_or(now),
        }
    }

    /// When a fixed window that holds `now` ends.
    fn end(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::Rolling(seconds) => now + TimeDelta::seconds(seconds.into()),
            Self::Fixed(seconds) => self.start(now) + TimeDelta::seconds(seconds.max(1).into()),
            Self::UtcDay => self.start(now) + TimeDelta::days(1),
            Self::PacificDay => pacific_midnight(now, 1).unwrap_or(now),
        }
    }
}

/// The midnight in California at or before `now`, or `days` after it. The change of the hour is at two o'clock, so
/// midnight is always there, once.
fn pacific_midnight(now: DateTime<Utc>, days: u64) -> Option<DateTime<Utc>> {
    let day = now.with_timezone(&Los_Angeles).date_naive().checked_add_days(Days::new(days))?;
    let midnight = day.and_time(NaiveTime::MIN).and_local_timezone(Los_Angeles).earliest()?;
    Some(midnight.with_timezone(&Utc))
}

/// How much there is, and of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rule {
    /// Units that may be used in one window.
    pub(super) limit: u64,
    /// When they come back.
    pub(super) window: Window,
}

/// One quota of an account, or of the whole app.
#[derive(Debug, Clone)]
pub(super) struct Quota {
    pub(super) rule: Rule,
    /// When units were used and how many, oldest first.
    used: VecDeque<(DateTime<Utc>, u64)>,
    /// Calls that were refused since there was last something left.
    refused: u64,
}

/// What became of an attempt to use a quota.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spent {
    /// False: nothing was used, and the call must be refused.
    pub(super) allowed: bool,
    pub(super) limit: u64,
    /// Units used in the window, with this attempt's if it was allowed.
    pub(super) used: u64,
    /// When (something of) it comes back.
    pub(super) resets_at: DateTime<Utc>,
    /// Whether the client had been refused so often that it should have stopped.
    pub(super) stubborn: bool,
}

impl Spent {
    /// Units that are left.
    pub(super) fn left(&self) -> u64 {
        self.limit.saturating_sub(self.used)
    }

    /// How much is used, in percent, as Meta's headers tell; may be above 100 when the limit was lowered.
    pub(super) fn percent(&self) -> u64 {
        self.used.saturating_mul(100).checked_div(self.limit).unwrap_or(100)
    }

    /// Seconds until something comes back, at least one.
    pub(super) fn wait(&self, now: DateTime<Utc>) -> i64 {
        (self.resets_at - now).num_seconds().max(1)
    }
}

impl Quota {
    /// A quota that nothing was used of.
    pub(super) fn new(rule: Rule) -> Self {
        Self { rule, used: VecDeque::new(), refused: 0 }
    }

    /// Says that `units` are used up now, and nothing else.
    pub(super) fn set_used(&mut self, now: DateTime<Utc>, units: u64) {
        self.used.clear();
        self.refused = 0;
        if units > 0 {
            self.used.push_back((now, units));
        }
    }

    /// How it stands.
    pub(super) fn stands(&mut self, now: DateTime<Utc>) -> Spent {
        let start = self.rule.window.start(now);
        let rolls = matches!(self.rule.window, Window::Rolling(_));
        // A clock that is set back leaves entries of the future behind: they count until they are past.
        while self.used.front().is_some_and(|(at, _)| if rolls { *at <= start } else { *at < start }) {
            self.used.pop_front();
        }
        let used = self.used.iter().map(|(_, units)| units).sum();
        let resets_at = match (self.rule.window, self.used.front()) {
            (Window::Rolling(seconds), Some((at, _))) => *at + TimeDelta::seconds(seconds.into()),
            (window, _) => window.end(now),
        };
        Spent { allowed: true, limit: self.rule.limit, used, resets_at, stubborn: false }
    }

    /// Uses `units`, if they are there.
    pub(super) fn spend(&mut self, now: DateTime<Utc>, units: u64) -> Spent {
        let mut spent = self.stands(now);
        if spent.used.saturating_add(units) > spent.limit {
            self.refused += 1;
            spent.allowed = false;
            spent.stubborn = self.refused > GRACE;
            return spent;
        }
        self.refused = 0;
        match self.used.back_mut() {
            Some((at, used)) if *at == now => *used += units,
            _ => self.used.push_back((now, units)),
        }
        spent.used += units;
        spent
    }

    /// Calls that were refused since there was last something left.
    pub(super) fn refused(&self) -> u64 {
        self.refused
    }
}

/// How a quota stands: a line of `GET /control/quotas`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QuotaLine {
    /// The account's native id; none for the whole app's.
    pub account: Option<String>,
    /// The quota's name, as `POST /control/quota` and the request log call it.
    pub name: String,
    /// Units a window.
    pub limit: u64,
    /// Units used in the window that runs.
    pub used: u64,
    /// When (something of) it comes back (UTC).
    pub resets_at: DateTime<Utc>,
    /// Calls refused since there was last something left.
    pub refused: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_used_comes_back_when_the_window_says() {
        // Window, when five of five are used, when the next is still refused, when it is there again.
        let table = [
            (Window::Rolling(60), "2026-11-23T10:00:00Z", "2026-11-23T10:00:59Z", "2026-11-23T10:01:00Z"),
            (Window::Fixed(900), "2026-11-23T10:14:00Z", "2026-11-23T10:14:59Z", "2026-11-23T10:15:00Z"),
            (Window::UtcDay, "2026-11-23T00:00:00Z", "2026-11-23T23:59:59Z", "2026-11-24T00:00:00Z"),
            // Winter: eight hours behind; summer: seven.
            (Window::PacificDay, "2026-11-23T08:00:00Z", "2026-11-24T07:59:59Z", "2026-11-24T08:00:00Z"),
            (Window::PacificDay, "2026-07-01T07:00:00Z", "2026-07-02T06:59:59Z", "2026-07-02T07:00:00Z"),
            // The day on which summer time ends has 25 hours.
            (Window::PacificDay, "2026-11-01T07:00:00Z", "2026-11-02T07:59:59Z", "2026-11-02T08:00:00Z"),
        ];
        for (window, first, still, again) in table {
            let mut quota = Quota::new(Rule { limit: 5, window });
            assert!(quota.spend(at(first), 5).allowed, "{window:?}");
            let refused = quota.spend(at(still), 1);
            assert!(!refused.allowed, "{window:?}");
            assert_eq!(refused.resets_at, at(again), "{window:?}");
            assert!(quota.spend(at(again), 1).allowed, "{window:?}");
        }
    }

    #[test]
    fn a_client_that_goes_on_after_being_refused_is_called_stubborn() {
        let mut quota = Quota::new(Rule { limit: 1, window: Window::UtcDay });
        let now = at("2026-11-23T10:00:00Z");
        let attempts: Vec<_> =
            (0..6).map(|_| quota.spend(now, 1)).map(|one| (one.allowed, one.stubborn)).collect();
        let refused = (false, false);
        assert_eq!(attempts, [(true, false), refused, refused, refused, (false, true), (false, true)]);
        assert_eq!(quota.stands(now).left(), 0);
        assert_eq!(quota.refused(), 5);
        quota.set_used(now, 0);
        assert!(quota.spend(now, 1).allowed);
    }
}
