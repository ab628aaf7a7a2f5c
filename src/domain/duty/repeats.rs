//! Duties that a machine closes and that nobody may forget meanwhile: told again on days of their own, not on a ladder
//! that ends.

use chrono::{DateTime, TimeDelta, Utc};

use super::Rung;
use crate::domain::calendar;

/// When a duty is told again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// So many days after it began (0 is at once), then every so many days.
    Since {
        /// The first ones, rising.
        days: &'static [i64],
        /// Then every so many.
        then: i64,
    },
    /// So many days before it falls due, then every day, also when it is long past.
    Before {
        /// The first ones, falling; the last is 1.
        days: &'static [i64],
    },
}

/// A dead key, a lost account, a missing right: at once, after two days, then every five.
const UNTIL_MENDED: Repeat = Repeat::Since { days: &[0, 2], then: 5 };

/// The kinds that are told so, by code. A kind that is not here climbs its ladder.
const REPEATS: &[(&str, Repeat)] = &[
    ("key_dead", UNTIL_MENDED),
    ("lost_access", UNTIL_MENDED),
    ("right_missing", UNTIL_MENDED),
    ("key_expires", Repeat::Before { days: &[30, 14, 7, 3, 1] }),
];

/// How a kind of duty is told again; `None` where it climbs its ladder.
pub fn repeat(code: &str) -> Option<Repeat> {
    REPEATS.iter().find(|(kind, _)| *kind == code).map(|(_, repeat)| *repeat)
}

impl Repeat {
    /// The number, from 0, of the last moment that `now` has reached; `None` before the first.
    pub fn reached(self, trigger: DateTime<Utc>, due: DateTime<Utc>, now: DateTime<Utc>) -> Option<u32> {
        let (moments, last, every): (Vec<_>, _, _) = match self {
            Self::Since { days, then } => {
                let moments: Vec<_> = days.iter().map(|day| after(trigger, *day)).collect();
                (moments.clone(), moments.last().copied().unwrap_or(trigger), then)
            }
            Self::Before { days } => {
                let moments: Vec<_> = days.iter().map(|day| after(due, -day)).collect();
                (moments.clone(), moments.last().copied().unwrap_or(due), 1)
            }
        };
        let first = moments.iter().filter(|moment| **moment <= now).count();
        let rest = if now > last { (now - last).num_days() / every.max(1) } else { 0 };
        let reached = u32::try_from(first).ok()?.checked_add(u32::try_from(rest).ok()?)?;
        reached.checked_sub(1)
    }

    /// The rung on which a moment stands: who is told, and how gravely.
    pub fn rung(self, turn: u32) -> Rung {
        match (self, turn) {
            (_, 0) => Rung::Due,
            (Self::Since { .. }, 1) | (Self::Before { .. }, 1..=3) => Rung::Overdue,
            _ => Rung::Escalate,
        }
    }
}

fn after(at: DateTime<Utc>, days: i64) -> DateTime<Utc> {
    calendar::plus(at, TimeDelta::days(days))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(repeat: Repeat, trigger: i64, due: i64) -> Vec<(i64, u32)> {
        let zero: DateTime<Utc> = "2026-11-01T12:00:00Z".parse().unwrap();
        let mut told = Vec::new();
        for day in -40..40 {
            let reached = repeat.reached(after(zero, trigger), after(zero, due), after(zero, day));
            if let Some(turn) = reached
                && told.last().is_none_or(|(_, last)| *last < turn)
            {
                told.push((day, turn));
            }
        }
        told
    }

    #[test]
    fn a_dead_key_is_told_at_once_after_two_days_and_then_every_five() {
        let told = days(repeat("key_dead").unwrap(), 0, 0);
        assert_eq!(
            told,
            [(0, 0), (2, 1), (7, 2), (12, 3), (17, 4), (22, 5), (27, 6), (32, 7), (37, 8)],
            "and so on without end"
        );
    }

    #[test]
    fn a_key_that_ends_is_told_30_14_7_3_and_1_days_before_and_then_daily() {
        let told: Vec<_> =
            days(repeat("key_expires").unwrap(), -40, 0).into_iter().map(|(day, _)| day).collect();
        assert_eq!(told[..9], [-30, -14, -7, -3, -1, 0, 1, 2, 3]);
    }

    #[test]
    fn after_an_outage_only_the_last_word_is_said() {
        let zero: DateTime<Utc> = "2026-11-01T12:00:00Z".parse().unwrap();
        let repeat = repeat("key_expires").unwrap();
        assert_eq!(repeat.reached(zero, after(zero, 5), zero), Some(2));
        assert_eq!(repeat.reached(zero, after(zero, 31), zero), None);
    }
}
