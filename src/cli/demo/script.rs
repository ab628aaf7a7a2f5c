//! The made-up weekend as data: what happens when, in Stockholm time.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc, Weekday};
use serde::Deserialize;

use crate::domain::calendar;
use crate::domain::case::Outcome;

const SCRIPT: &str = include_str!("script.ndjson");

/// So many days before the Friday the old material was written.
const OLD: u64 = 9;

/// Something that happens.
#[derive(Debug, Clone)]
pub(super) struct Event {
    /// When (UTC).
    pub(super) at: DateTime<Utc>,
    /// True for what was there before Uppsikt watched.
    pub(super) old: bool,
    /// What.
    pub(super) what: What,
}

/// What happens.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum What {
    /// The municipality writes a post.
    Post { id: String, text: String },
    /// Somebody writes a comment.
    Comment {
        post: String,
        id: String,
        name: String,
        text: String,
        #[serde(default)]
        to: Option<String>,
        #[serde(default)]
        attachment: Option<String>,
        /// Hidden by the platform's own filter from the beginning.
        #[serde(default)]
        hidden: bool,
    },
    /// The municipality's account answers, one comment or all of them.
    Reply {
        post: String,
        id: String,
        text: String,
        #[serde(default)]
        to: Option<String>,
    },
    /// A comment's author changes it.
    Edit { comment: String, text: String },
    /// A comment's author takes it away.
    Delete { comment: String },
    /// Somebody hides a comment in the platform's own app.
    Hide { comment: String },
    /// Somebody shows it again there.
    Show { comment: String },
    /// A person says, at the desk, that they have read of a danger and act.
    Read { comment: String, by: String },
    /// A person decides, as at the desk.
    Decide { comment: String, by: String, outcome: Outcome, reason: String },
}

#[derive(Deserialize)]
struct Line {
    at: String,
    #[serde(flatten)]
    what: What,
}

/// The weekend that begins on the Friday `friday`, in order of time.
///
/// # Errors
/// What is wrong with which line: a fault of the program, found by its tests.
pub(super) fn weekend(friday: NaiveDate) -> Result<Vec<Event>, String> {
    let mut events = Vec::new();
    for (number, line) in SCRIPT.lines().enumerate() {
        let wrong = |why: String| format!("the script's line {}: {why}", number + 1);
        let line: Line = serde_json::from_str(line).map_err(|error| wrong(error.to_string()))?;
        let (day, time) = line.at.split_once(' ').ok_or_else(|| wrong("`at` is a day and a time".into()))?;
        let date = match day {
            "gammal" => friday.checked_sub_days(Days::new(OLD)),
            "fre" => Some(friday),
            "lör" => friday.checked_add_days(Days::new(1)),
            "sön" => friday.checked_add_days(Days::new(2)),
            "mån" => friday.checked_add_days(Days::new(3)),
            other => return Err(wrong(format!("`{other}` is no day"))),
        };
        let time =
            NaiveTime::parse_from_str(time, "%H.%M").map_err(|_| wrong(format!("`{time}` is no time")))?;
        let date = date.ok_or_else(|| wrong("the day is beyond the calendar".into()))?;
        events.push(Event {
            at: calendar::to_utc(date.and_time(time)),
            old: day == "gammal",
            what: line.what,
        });
    }
    // The clock's change may put two times the other way round.
    events.sort_by_key(|event| event.at);
    Ok(events)
}

/// The Friday of the last Friday to Monday that was over at `now`.
pub(super) fn last_friday(now: DateTime<Utc>) -> NaiveDate {
    use chrono::Datelike;
    let today = calendar::local_date(now);
    let since_tuesday = today.weekday().days_since(Weekday::Tue);
    // The last Tuesday, today included: at its midnight the Monday was over.
    let tuesday = today.checked_sub_days(Days::new(u64::from(since_tuesday))).unwrap_or(today);
    tuesday.checked_sub_days(Days::new(4)).unwrap_or(tuesday)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_script_is_whole_in_every_weekend_of_a_year() {
        let mut friday = NaiveDate::from_ymd_opt(2026, 1, 2).unwrap();
        for _ in 0..53 {
            let events = weekend(friday).unwrap();
            let (mut posts, mut comments) = (BTreeSet::new(), BTreeSet::new());
            for event in &events {
                match &event.what {
                    What::Post { id, .. } => assert!(posts.insert(id.clone()), "{id} twice"),
                    What::Comment { post, id, .. } | What::Reply { post, id, .. } => {
                        assert!(posts.contains(post), "{post} is not there yet");
                        assert!(comments.insert(format!("{post}_{id}")), "{post}_{id} twice");
                    }
                    What::Edit { comment, .. }
                    | What::Delete { comment }
                    | What::Hide { comment }
                    | What::Show { comment }
                    | What::Read { comment, .. }
                    | What::Decide { comment, .. } => {
                        assert!(comments.contains(comment), "{comment} is not there yet");
                    }
                }
            }
            let written = events.iter().filter(|event| matches!(event.what, What::Comment { .. })).count();
            assert!((50..=70).contains(&written), "{written} comments");
            friday = friday + Days::new(7);
        }
    }

    #[test]
    fn the_weekend_played_is_the_last_one_that_is_over() {
        for (now, friday) in [
            ("2026-11-23T12:00:00Z", "2026-11-13"), // a Monday: not over yet
            ("2026-11-23T22:59:59Z", "2026-11-13"), // a second before midnight in Stockholm
            ("2026-11-23T23:00:00Z", "2026-11-20"), // Tuesday has begun
            ("2026-11-29T10:00:00Z", "2026-11-20"), // a Sunday
            ("2026-01-01T10:00:00Z", "2025-12-26"),
        ] {
            assert_eq!(last_friday(now.parse().unwrap()).to_string(), friday, "{now}");
        }
    }
}
