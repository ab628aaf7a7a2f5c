//! What was seen of an account, and when it was blind: reckoned from the poll log alone.
//!
//! A poll sees what stands there when it begins. Between two successful polls everything was seen, unless one between
//! them failed or the second came later than the schedule and some patience allow. What is not shown to be seen is
//! blind: no silence is ever taken for watching.

use chrono::{DateTime, Utc};

/// One row of the poll log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poll {
    /// When it began (UTC).
    pub started_at: DateTime<Utc>,
    /// Why it failed; `None` when it succeeded.
    pub failure: Option<String>,
    /// Begun later than this, the next poll comes too late (UTC).
    pub late_at: DateTime<Utc>,
    /// Why the next one was put off beyond the schedule, in Swedish.
    pub slow: Option<String>,
}

/// How a stretch of time was watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// What was written then was read in time, if it was still there.
    Seen,
    /// The account was not read; why, in Swedish or in the platform's words.
    Blind(String),
    /// The watch had not begun.
    NotBegun,
    /// Not read yet, and no poll is late.
    Pending,
}

/// A stretch of time, from the one moment until before the other (UTC).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Its beginning.
    pub from: DateTime<Utc>,
    /// Its end.
    pub to: DateTime<Utc>,
    /// How it was watched.
    pub sight: Sight,
}

/// Why nothing was read although nothing failed, where other accounts were read meanwhile.
pub const NOT_READ: &str = "ingen läsning gjordes av kontot, fast Uppsikt gick";

/// Why nothing was read although nothing failed, where no account was.
pub const NOT_RUNNING: &str = "Uppsikt gick inte";

/// How the time between two moments was watched: spans in order, without gaps or overlaps, alike ones joined.
///
/// `polls` are the account's, by beginning, from the last successful one before `from` (if there is one) to the last
/// before `now`; `to` is at most `now`. `elsewhere` tells whether any other account was polled between two moments.
pub fn spans(
    polls: &[Poll],
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    elsewhere: impl Fn(DateTime<Utc>, DateTime<Utc>) -> bool,
) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut put = |begin: DateTime<Utc>, end: DateTime<Utc>, sight: Sight| {
        let (begin, end) = (begin.max(from), end.min(to));
        if begin >= end {
            return;
        }
        match spans.last_mut() {
            Some(last) if last.sight == sight && last.to == begin => last.to = end,
            _ => spans.push(Span { from: begin, to: end, sight }),
        }
    };
    let because = |last: &Poll, until: DateTime<Utc>| match &last.slow {
        Some(slow) => slow.clone(),
        None if elsewhere(last.late_at, until) => NOT_READ.to_owned(),
        None => NOT_RUNNING.to_owned(),
    };
    // What was read last, and the first failure since.
    let mut seen: Option<&Poll> = None;
    let mut failed: Option<&Poll> = None;
    for poll in polls {
        if poll.failure.is_some() {
            failed = failed.or(Some(poll));
            continue;
        }
        match (seen, failed) {
            (None, None) => put(from, poll.started_at, Sight::NotBegun),
            (None, Some(first)) => {
                put(from, first.started_at, Sight::NotBegun);
                put(first.started_at, poll.started_at, blind(first));
            }
            (Some(last), Some(first)) => put(last.started_at, poll.started_at, blind(first)),
            (Some(last), None) if poll.started_at > last.late_at => {
                put(last.started_at, poll.started_at, Sight::Blind(because(last, poll.started_at)));
            }
            (Some(last), None) => put(last.started_at, poll.started_at, Sight::Seen),
        }
        (seen, failed) = (Some(poll), None);
    }
    match (seen, failed) {
        (None, None) => put(from, to, Sight::NotBegun),
        (None, Some(first)) => {
            put(from, first.started_at, Sight::NotBegun);
            put(first.started_at, to, blind(first));
        }
        (Some(last), Some(first)) => put(last.started_at, to, blind(first)),
        (Some(last), None) if to > last.late_at => {
            put(last.started_at, to, Sight::Blind(because(last, to)));
        }
        (Some(last), None) => put(last.started_at, to, Sight::Pending),
    }
    spans
}

fn blind(first: &Poll) -> Sight {
    Sight::Blind(first.failure.clone().unwrap_or_default())
}

/// Whether a day was watched, whole: never one without a poll of its own, whatever stands around it.
///
/// Everything in it was read, or waits for a poll that is not late, and at least one poll of that very day succeeded.
pub fn watched(spans: &[Span], successes: usize) -> bool {
    successes > 0
        && !spans.is_empty()
        && spans.iter().all(|span| matches!(span.sight, Sight::Seen | Sight::Pending))
}

/// How many comments Uppsikt knows under a post, by how they stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Known {
    /// Public, by visitors.
    pub public: u64,
    /// Public, by the municipality itself.
    pub ours: u64,
    /// Hidden, by us or by others.
    pub hidden: u64,
    /// Gone.
    pub gone: u64,
    /// There, but not shown to us: filtered, or by somebody who blocks us.
    pub filtered: u64,
    /// Of the public ones, those that answer no other comment.
    pub top_level: u64,
}

/// What explains the difference between the platform's count and ours, in Swedish; and what nothing explains.
///
/// That is positive where the platform counts comments that we do not know, negative where it counts fewer than we see.
pub fn explained(told: u64, known: &Known) -> (Vec<&'static str>, i64) {
    let shown = known.public + known.ours;
    if told == shown {
        return (Vec::new(), 0);
    }
    if told < shown {
        if told == known.top_level {
            return (vec!["plattformen räknar inte svar på kommentarer"], 0);
        }
        if shown - told <= known.ours {
            return (vec!["plattformen räknar inte kommunens egna"], 0);
        }
        return (Vec::new(), -signed(shown - told - known.ours));
    }
    let mut extra = told - shown;
    let mut why = Vec::new();
    for (count, words) in [
        (known.hidden, "dolda räknas med"),
        (known.filtered, "bortfiltrerade räknas med"),
        (known.gone, "borttagna räknas med"),
    ] {
        if count > 0 && extra > 0 {
            why.push(words);
            extra = extra.saturating_sub(count);
        }
    }
    (why, signed(extra))
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::<Utc>::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    /// A poll every ten minutes, with two minutes' patience.
    fn poll(minute: i64, failure: Option<&str>) -> Poll {
        Poll {
            started_at: at(minute),
            failure: failure.map(str::to_owned),
            late_at: at(minute + 12),
            slow: None,
        }
    }

    fn told(polls: &[Poll], from: i64, to: i64) -> Vec<String> {
        spans(polls, at(from), at(to), |_, _| false)
            .into_iter()
            .map(|span| {
                let minutes = |at: DateTime<Utc>| at.timestamp() / 60;
                let what = match span.sight {
                    Sight::Seen => "sedd".to_owned(),
                    Sight::Blind(why) => format!("blind: {why}"),
                    Sight::NotBegun => "ej börjad".to_owned(),
                    Sight::Pending => "väntar".to_owned(),
                };
                format!("{}–{} {what}", minutes(span.from), minutes(span.to))
            })
            .collect()
    }

    #[test]
    fn what_was_read_what_failed_and_what_was_never_asked_are_told_apart() {
        let ok = |minute| poll(minute, None);
        let bad = |minute| poll(minute, Some("nyckeln"));
        let table: &[(&[Poll], i64, i64, &[&str])] = &[
            (&[], 0, 60, &["0–60 ej börjad"]),
            (&[ok(10), ok(20), ok(30)], 0, 35, &["0–10 ej börjad", "10–30 sedd", "30–35 väntar"]),
            // One failed: nothing is known of the time since the one before it.
            (
                &[ok(0), ok(10), bad(20), ok(22)],
                0,
                30,
                &["0–10 sedd", "10–22 blind: nyckeln", "22–30 väntar"],
            ),
            (&[ok(0), bad(10), bad(20)], 0, 30, &["0–30 blind: nyckeln"]),
            (&[bad(10), ok(20)], 0, 30, &["0–10 ej börjad", "10–20 blind: nyckeln", "20–30 väntar"]),
            // Nothing failed and nothing was asked: the daemon was down.
            (
                &[ok(0), ok(12), ok(25)],
                0,
                30,
                &["0–12 sedd", "12–25 blind: Uppsikt gick inte", "25–30 väntar"],
            ),
            (&[ok(0)], 0, 12, &["0–12 väntar"]),
            (&[ok(0)], 0, 13, &["0–13 blind: Uppsikt gick inte"]),
            // Only the asked-for time is told, though the poll before it is known.
            (&[ok(0), ok(100)], 40, 60, &["40–60 blind: Uppsikt gick inte"]),
            (&[ok(0)], 40, 40, &[]),
        ];
        for (polls, from, to, expected) in table {
            assert_eq!(told(polls, *from, *to), *expected, "{polls:?}");
        }
        let slow = Poll { slow: Some("kvoten".to_owned()), ..ok(0) };
        assert_eq!(told(&[slow, ok(50)], 0, 50), ["0–50 blind: kvoten"]);
        let meanwhile = spans(&[ok(0)], at(0), at(50), |_, _| true);
        assert_eq!(meanwhile[0].sight, Sight::Blind(NOT_READ.to_owned()));
    }

    #[test]
    fn the_platforms_count_is_explained_or_it_is_not() {
        let known = Known { public: 10, ours: 2, hidden: 1, gone: 3, filtered: 1, top_level: 7 };
        for (told, why, off) in [
            (12, &[][..], 0),
            (13, &["dolda räknas med"], 0),
            (14, &["dolda räknas med", "bortfiltrerade räknas med"], 0),
            (17, &["dolda räknas med", "bortfiltrerade räknas med", "borttagna räknas med"], 0),
            (20, &["dolda räknas med", "bortfiltrerade räknas med", "borttagna räknas med"], 3),
            (10, &["plattformen räknar inte kommunens egna"], 0),
            (7, &["plattformen räknar inte svar på kommentarer"], 0),
            (6, &[], -4),
            (u64::MAX, &["dolda räknas med", "bortfiltrerade räknas med", "borttagna räknas med"], i64::MAX),
        ] {
            assert_eq!(explained(told, &known), (why.to_vec(), off), "{told}");
        }
        assert_eq!(explained(5, &Known::default()), (vec![], 5));
    }

    proptest! {
        #[test]
        fn every_moment_is_accounted_for_once_and_a_silent_day_is_never_watched(
            mut rows in proptest::collection::vec((0..3000_i64, any::<bool>()), 0..40),
            from in 0..3000_i64, length in 1..1500_i64, elsewhere in any::<bool>(),
        ) {
            rows.sort_unstable();
            let polls: Vec<_> =
                rows.iter().map(|(minute, ok)| poll(*minute, (!ok).then_some("fel"))).collect();
            let to = from + length;
            // As the store gives them: from the last success before the beginning, to the end.
            let first = polls.iter().rposition(|poll| poll.failure.is_none() && poll.started_at <= at(from));
            let given: Vec<_> = polls[first.unwrap_or(0)..]
                .iter().filter(|poll| poll.started_at < at(to)).cloned().collect();
            let spans = spans(&given, at(from), at(to), |_, _| elsewhere);
            prop_assert_eq!(spans[0].from, at(from));
            prop_assert_eq!(spans.last().unwrap().to, at(to));
            for pair in spans.windows(2) {
                prop_assert_eq!(pair[0].to, pair[1].from);
                prop_assert_ne!(&pair[0].sight, &pair[1].sight);
            }
            // Every seen moment lies between two successes, no further apart than patience allows.
            let good: Vec<_> = given.iter().filter(|poll| poll.failure.is_none()).collect();
            for span in spans.iter().filter(|span| span.sight == Sight::Seen) {
                let mut moment = span.from;
                while moment < span.to {
                    let before = good.iter().rev().find(|poll| poll.started_at <= moment).unwrap();
                    let after = good.iter().find(|poll| poll.started_at > moment).unwrap();
                    prop_assert!(after.started_at <= before.late_at);
                    let failed = given.iter().any(|poll| poll.failure.is_some()
                        && poll.started_at > before.started_at && poll.started_at < after.started_at);
                    prop_assert!(!failed);
                    moment = after.started_at;
                }
            }
            let within = good.iter().filter(|poll| poll.started_at >= at(from)).count();
            if within == 0 {
                prop_assert!(!watched(&spans, within));
            }
            // A silence longer than the patience is blind, wherever it lies.
            if given.is_empty() || given.last().unwrap().late_at < at(from) {
                prop_assert!(!spans.iter().any(|span| matches!(span.sight, Sight::Seen | Sight::Pending)));
            }
        }
    }
}
