//! What a person must do, as data: kind, source, period, who, ladder, allowed outcomes.
//!
//! A duty climbs a ladder of rungs; a letter is written when a rung is reached. Duties that are not urgent are
//! told of in staffed hours only, so a duty that falls due in the night is warned of before people go home.

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::calendar::{self, Hours};
use super::case::Outcome;
use super::deadline::{self, Clocks};
use super::roster::{self, Ask, Responsible, Role, Roster, Target};

pub use kinds::KINDS;
pub use repeats::{Repeat, repeat};

mod kinds;

mod repeats;

#[cfg(test)]
mod tests;

/// More open answer duties than this under one post become one duty for the thread (N2).
pub const THREAD_LIMIT: usize = 20;

/// Kinds that are told once and never again: nothing gets worse by waiting, and it ends by itself.
pub const TOLD_ONCE: [&str; 1] = ["count_differs"];

/// How long before the due time the last reminder comes.
const LAST_CALL: TimeDelta = TimeDelta::minutes(30);

/// How long before people go home a warning comes, if what it warns of falls due while they are away.
const BEFORE_GOING_HOME: TimeDelta = TimeDelta::minutes(60);

/// How soon an hour-counted duty that is overdue escalates.
const ESCALATE_AFTER: TimeDelta = TimeDelta::hours(2);

/// Minutes after a danger was flagged at which it is told again: 10, 20, 40 minutes, then every hour (N8).
const REPEATS: [i64; 8] = [10, 20, 40, 100, 160, 220, 280, 340];

/// A kind of duty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The code in the database and on the command line: a public contract.
    pub code: &'static str,
    /// What editors read, in Swedish.
    pub name: &'static str,
    /// The paragraph or law behind it, in Swedish, as a letter quotes it.
    pub source: &'static str,
    /// From which instant the period counts.
    pub trigger: Trigger,
    /// How long there is.
    pub period: Period,
    /// With whom the search for a responsible person begins.
    pub first: Role,
    /// Whom each rung reaches.
    pub ladder: Ladder,
    /// The outcomes that end it.
    pub outcomes: &'static [Outcome],
    /// True when it is told of at any hour, again and again.
    pub urgent: bool,
}

/// The rungs of a kind of duty, each with those whom it reaches.
pub type Ladder = &'static [(Rung, &'static [Target])];

/// From which instant a duty's period counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// The platform's own time of the comment, also when it was found late.
    Received,
    /// The rules flagged it.
    Flagged,
    /// An editor proposed a decision that needs another person.
    Proposed,
    /// A change was seen that Uppsikt did not make.
    SeenChanged,
    /// Reading or acting failed.
    Failed,
    /// It comes back every working day.
    Daily,
}

/// How long a duty gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Period {
    /// So many hours, nights and holidays included.
    Hours(u32),
    /// Until the end of the next working day.
    NextWorkingDay,
    /// So many hours of the first staffed day, and until its end at the latest.
    SameDayOrNext(u32),
    /// At once; for a duty that is not urgent: as soon as somebody is at work.
    AtOnce,
    /// Until the end of so manyeth working day.
    WorkingDays(u32),
}

impl Period {
    /// When a duty falls due that began at `trigger` (UTC).
    pub fn due(self, trigger: DateTime<Utc>, hours: &Hours) -> DateTime<Utc> {
        match self {
            Self::Hours(count) => deadline::after_hours(trigger, count),
            Self::NextWorkingDay => deadline::end_of_next_working_day(trigger, hours),
            Self::SameDayOrNext(count) => deadline::same_day_or_next(trigger, count, hours),
            Self::AtOnce => trigger,
            Self::WorkingDays(count) => deadline::end_of_working_day(trigger, count, hours),
        }
    }
}

impl Kind {
    /// The kind with a code.
    pub fn named(code: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.code == code)
    }

    /// True when deciding so ends such a duty.
    pub fn allows(&self, outcome: Outcome) -> bool {
        self.outcomes.contains(&outcome)
    }

    /// Whom a rung reaches.
    pub fn targets(&self, rung: Rung) -> &'static [Target] {
        self.ladder.iter().find(|(step, _)| *step == rung).map_or(&[], |(_, targets)| targets)
    }
}

/// The answer duties that a municipality's promises give each comment that expects an answer, with their periods.
pub fn answer_duties(clocks: &Clocks) -> Vec<(&'static Kind, Period)> {
    let promised = [
        ("answer_24h", clocks.answer_24h.then_some(Period::Hours(24))),
        ("answer_next_working_day", clocks.next_working_day.then_some(Period::NextWorkingDay)),
        ("answer_as_soon_as_possible", clocks.as_soon_as_possible.map(Period::SameDayOrNext)),
    ];
    promised.into_iter().filter_map(|(code, period)| Some((Kind::named(code)?, period?))).collect()
}

/// A step of the ladder; higher is later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rung {
    /// There is time left.
    Warn,
    /// The last call before the due time; of a duty without a period, the first word of it.
    Due,
    /// The time is out.
    Overdue,
    /// And nobody has acted: those above are told.
    Escalate,
}

super::codes::codes! { Rung {
    Warn = "warn",
    Due = "due",
    Overdue = "overdue",
    Escalate = "escalate",
} }

/// Where a duty stands (DESIGN §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DutyState {
    /// Begun, nobody has been warned.
    Running,
    /// Somebody has been told.
    Warned,
    /// The time is out.
    Overdue,
    /// Done.
    Closed,
    /// Something else took its place, or its reason is gone.
    Superseded,
}

super::codes::codes! { DutyState {
    Running = "running",
    Warned = "warned",
    Overdue = "overdue",
    Closed = "closed",
    Superseded = "superseded",
} }

impl DutyState {
    /// True while somebody still has something to do.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Running | Self::Warned | Self::Overdue)
    }
}

/// When a duty that began at `trigger` and falls due at `due` reaches each of its rungs (UTC), lowest first.
///
/// Urgent duties: at once, and a rung higher after 10 and 20 minutes, at any hour. All others reach every rung
/// in staffed hours:
/// - `warn`: five sixths of an hour-counted period (20 of 24 hours), or the opening of the due day; moved to an
///   hour before people go home if it would otherwise come too late to help, and left out if nobody is at work
///   between trigger and due time;
/// - `due`: half an hour before the due time, left out where the due time lies outside staffed hours;
/// - `overdue`: the first staffed instant from the due time on;
/// - `escalate`: two hours later for periods in hours, else the opening of the next working day.
///
/// A rung that would not come before the next higher one is left out.
pub fn rungs(
    kind: &Kind,
    trigger: DateTime<Utc>,
    due: DateTime<Utc>,
    hours: &Hours,
) -> Vec<(Rung, DateTime<Utc>)> {
    if kind.urgent {
        let [first, second, ..] = repeats(trigger);
        return vec![(Rung::Due, trigger), (Rung::Overdue, first), (Rung::Escalate, second)];
    }
    let begun = calendar::next_staffed(trigger, hours);
    let (called, overdue) = if kind.period == Period::AtOnce {
        let late = calendar::next_staffed(calendar::plus(begun, ESCALATE_AFTER), hours);
        (Some(begun), late)
    } else {
        (last_call(begun, due, hours), calendar::next_staffed(due, hours))
    };
    let escalate = match kind.period {
        Period::Hours(_) | Period::AtOnce => {
            calendar::next_staffed(calendar::plus(overdue, ESCALATE_AFTER), hours)
        }
        _ => calendar::opening(calendar::next_working_day(calendar::local_date(overdue), hours), hours),
    };
    let moments = [
        (Rung::Warn, warning(kind.period, trigger, due, hours)),
        (Rung::Due, called),
        (Rung::Overdue, Some(overdue)),
        (Rung::Escalate, Some(escalate)),
    ];
    let mut kept: Vec<(Rung, DateTime<Utc>)> = Vec::new();
    for (rung, moment) in moments.into_iter().rev() {
        let Some(moment) = moment else { continue };
        if kept.last().is_none_or(|(_, higher)| moment < *higher) {
            kept.push((rung, moment));
        }
    }
    kept.reverse();
    kept
}

/// The last reminder before a due time that somebody at work can keep.
fn last_call(begun: DateTime<Utc>, due: DateTime<Utc>, hours: &Hours) -> Option<DateTime<Utc>> {
    let closes = calendar::last_staffed_before(due, hours) == Some(due);
    if !closes && !calendar::is_staffed(due, hours) {
        return None;
    }
    let opened = calendar::opening(calendar::local_date(due), hours);
    Some((due - LAST_CALL).max(opened).max(begun))
}

/// The warning while there is time, if anybody is at work to read it.
fn warning(
    period: Period,
    trigger: DateTime<Utc>,
    due: DateTime<Utc>,
    hours: &Hours,
) -> Option<DateTime<Utc>> {
    let wanted = match period {
        Period::AtOnce => return None,
        Period::Hours(_) => due - (due - trigger) / 6,
        // The same as the last call when the whole period is shorter than an hour; it is then left out.
        Period::SameDayOrNext(_) => (due - BEFORE_GOING_HOME).max(trigger),
        Period::NextWorkingDay | Period::WorkingDays(_) => {
            calendar::opening(calendar::local_date(due), hours)
        }
    };
    let ahead = calendar::next_staffed(wanted, hours);
    if ahead == wanted || ahead + BEFORE_GOING_HOME <= due {
        return Some(ahead);
    }
    let home = calendar::last_staffed_before(wanted, hours)?;
    let moment = (home - BEFORE_GOING_HOME)
        .max(calendar::next_staffed(trigger, hours))
        .max(calendar::opening(calendar::local_date(home), hours));
    (moment < home).then_some(moment)
}

/// The highest rung that is reached and not yet sent.
///
/// After an outage one letter is enough: the rungs below say less, and are not true any more.
pub fn highest_rung_reached(
    rungs: &[(Rung, DateTime<Utc>)],
    now: DateTime<Utc>,
    last_sent: Option<Rung>,
) -> Option<Rung> {
    let reached = rungs.iter().filter(|(_, moment)| *moment <= now).map(|(rung, _)| *rung).max();
    reached.filter(|rung| last_sent.is_none_or(|sent| sent < *rung))
}

/// When a danger that nobody has decided or acknowledged is told again (UTC): at most eight times, at any hour.
pub fn repeats(trigger: DateTime<Utc>) -> [DateTime<Utc>; 8] {
    REPEATS.map(|minutes| calendar::plus(trigger, TimeDelta::minutes(minutes)))
}

/// The number (1–8) of the last repeat that is reached, if it is higher than the last one sent (0: none).
pub fn highest_repeat_reached(trigger: DateTime<Utc>, now: DateTime<Utc>, last_sent: usize) -> Option<usize> {
    let reached = repeats(trigger).iter().filter(|moment| **moment <= now).count();
    (reached > last_sent).then_some(reached)
}

/// The rung of the ladder on which a repeat (1–8) stands; 0 is the first word.
pub fn rung_of_repeat(number: usize) -> Rung {
    match number {
        0 => Rung::Due,
        1 => Rung::Overdue,
        _ => Rung::Escalate,
    }
}

/// When a danger that still nobody has answered stands in a summary to all: the first 07.00 (Stockholm) after
/// the last repeat.
pub fn morning_summary(trigger: DateTime<Utc>) -> DateTime<Utc> {
    let [.., last] = repeats(trigger);
    calendar::next_at(last, NaiveTime::from_hms_opt(7, 0, 0).unwrap_or_default())
}

/// The persons that a rung reaches, each once: never nobody.
///
/// `ask.role` is not looked at: the kind says with whom the search begins.
pub fn rung_targets(kind: &Kind, rung: Rung, roster: &Roster, ask: &Ask<'_>) -> Vec<Responsible> {
    let ask = Ask { role: kind.first, ..*ask };
    let mut reached: Vec<Responsible> = Vec::new();
    let targets = match kind.targets(rung) {
        [] => &[Target::Responsible],
        targets => targets,
    };
    for target in targets {
        let found = roster::target(roster, &ask, *target);
        if !reached.iter().any(|other| other.person == found.person) {
            reached.push(found);
        }
    }
    reached
}
