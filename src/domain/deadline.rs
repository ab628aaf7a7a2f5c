//! When an answer is due, reckoned and told in Swedish.
//!
//! The clock starts at the time the platform gives the comment, not when it was found: what has reached the
//! municipality's page has arrived (TF 2 kap. 9 §, FL 22 §). The words "nästkommande arbetsdag" are defined by
//! nobody; here they mean the first working day strictly after the arrival day, until its closing time.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::calendar::{self, Hours};

#[cfg(test)]
mod tests;

/// Which promises of answering a municipality has made; a profile has some of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Clocks {
    /// An answer within 24 hours, "alltid": nights, weekends and holidays count (R37).
    pub answer_24h: bool,
    /// An answer by the end of the next working day (R38).
    pub next_working_day: bool,
    /// An answer as soon as possible on working days (R39): so many hours of the working day on which somebody
    /// can first see it, and by its closing at the latest. 24 simply means "by the end of that day".
    pub as_soon_as_possible: Option<u32>,
}

/// When answers are due, and how that was found. The line that `due` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reckoning {
    /// The instant the clocks start (UTC).
    pub received: DateTime<Utc>,
    /// 24 hours later (UTC); `None` where the profile has no such clock.
    pub answer_24h: Option<DateTime<Utc>>,
    /// Closing time of the next working day (UTC); `None` where the profile has no such clock.
    pub next_working_day: Option<DateTime<Utc>>,
    /// As soon as possible (UTC); `None` where the profile has no such clock.
    pub as_soon_as_possible: Option<DateTime<Utc>>,
    /// The reckoning, step by step, in Swedish sentences that an editor can check.
    pub explain: Vec<String>,
}

impl Reckoning {
    /// The earliest of the times: the one that is warned of first.
    pub fn earliest(&self) -> Option<DateTime<Utc>> {
        [self.answer_24h, self.next_working_day, self.as_soon_as_possible].into_iter().flatten().min()
    }
}

/// Reckons every clock that the municipality has, and tells how.
pub fn reckon(received: DateTime<Utc>, clocks: &Clocks, hours: &Hours) -> Reckoning {
    let mut explain = vec![arrival(received)];
    let answer_24h = clocks.answer_24h.then(|| {
        let due = after_hours(received, 24);
        tell_24h(received, due, hours, &mut explain);
        due
    });
    let next_working_day = clocks.next_working_day.then(|| {
        let due = end_of_next_working_day(received, hours);
        tell_next_working_day(received, due, hours, &mut explain);
        due
    });
    let as_soon_as_possible = clocks.as_soon_as_possible.map(|promised| {
        let due = same_day_or_next(received, promised, hours);
        tell_as_soon_as_possible(received, promised, due, hours, &mut explain);
        due
    });
    let reckoning =
        Reckoning { received, answer_24h, next_working_day, as_soon_as_possible, explain: Vec::new() };
    let times = [answer_24h, next_working_day, as_soon_as_possible];
    match reckoning.earliest() {
        None => explain.push("Kommunens profil har ingen svarstid.".to_owned()),
        Some(first) if times.iter().flatten().any(|due| *due != first) => explain.push(format!(
            "Tidigast av tiderna, och den som påminns om först: {}.",
            calendar::instant_in_words(first)
        )),
        Some(_) => {}
    }
    Reckoning { explain, ..reckoning }
}

/// So many hours later, as a stopwatch counts: nothing stops it, and changes of the clock do not lengthen it.
pub fn after_hours(received: DateTime<Utc>, hours: u32) -> DateTime<Utc> {
    calendar::plus(received, TimeDelta::hours(i64::from(hours)))
}

/// Closing time of the first working day strictly after the arrival day.
pub fn end_of_next_working_day(received: DateTime<Utc>, hours: &Hours) -> DateTime<Utc> {
    end_of_working_day(received, 1, hours)
}

/// Closing time of the `count`th working day strictly after the arrival day (0 counts as 1).
pub fn end_of_working_day(received: DateTime<Utc>, count: u32, hours: &Hours) -> DateTime<Utc> {
    let mut day = calendar::local_date(received);
    for _ in 0..count.max(1) {
        let next = calendar::next_working_day(day, hours);
        if next == day {
            break;
        }
        day = next;
    }
    calendar::closing(day, hours)
}

/// So many hours after somebody can first see it, and by the closing of that day at the latest.
///
/// What arrives in office hours is thus due the same day; what arrives outside them, on the next day at work.
pub fn same_day_or_next(received: DateTime<Utc>, promised_hours: u32, hours: &Hours) -> DateTime<Utc> {
    let seen = calendar::next_staffed(received, hours);
    after_hours(seen, promised_hours).min(calendar::closing(calendar::local_date(seen), hours)).max(seen)
}

fn arrival(received: DateTime<Utc>) -> String {
    format!(
        "Kommentaren kom {} ({}); det är ankomstdagen.",
        calendar::instant_in_words(received),
        calendar::zone_in_words(received)
    )
}

fn tell_24h(received: DateTime<Utc>, due: DateTime<Utc>, hours: &Hours, explain: &mut Vec<String>) {
    explain.push(format!(
        "Svar inom 24 timmar: timmarna räknas utan uppehåll, även nätter, helger och helgdagar, till {}.",
        calendar::instant_in_words(due)
    ));
    let shift = calendar::offset_seconds(due) - calendar::offset_seconds(received);
    if shift != 0 {
        let (season, turned) = if shift > 0 { ("sommartid", "fram") } else { ("normaltid", "tillbaka") };
        explain.push(format!(
            "Under tiden går klockan över till {season} och ställs {turned} en timme, så de 24 timmarna slutar {} \
             och inte {} (förordningen (2001:127) om sommartid).",
            calendar::time_in_words(calendar::local(due).time()),
            calendar::time_in_words(calendar::local(received).time()),
        ));
    }
    if !calendar::is_staffed(due, hours) {
        let last = calendar::last_staffed_before(due, hours).filter(|last| *last > received && *last < due);
        explain.push(match last {
            Some(last) => format!(
                "Den tiden ligger utanför kontorstid; någon är på plats senast till {}.",
                calendar::instant_in_words(last)
            ),
            None => "Kontoret är obemannat hela den tiden.".to_owned(),
        });
    }
}

fn tell_next_working_day(
    received: DateTime<Utc>,
    due: DateTime<Utc>,
    hours: &Hours,
    explain: &mut Vec<String>,
) {
    explain.push("Svar senast nästkommande arbetsdag: räknas från dagen efter ankomstdagen.".to_owned());
    tell_days_off(received, due, hours, explain);
    explain.push(tell_end(due, hours, "är nästkommande arbetsdag och slutar"));
}

fn tell_as_soon_as_possible(
    received: DateTime<Utc>,
    promised: u32,
    due: DateTime<Utc>,
    hours: &Hours,
    explain: &mut Vec<String>,
) {
    explain.push(
        "Svar så snart som möjligt under arbetsdagar: samma arbetsdag, annars närmaste arbetsdag.".to_owned(),
    );
    let seen = calendar::next_staffed(received, hours);
    let (arrived, day) = (calendar::local_date(received), calendar::local_date(seen));
    if seen > received {
        if let Some(reason) = calendar::day_off(arrived, hours) {
            explain.push(not_working(arrived, &reason));
        } else if arrived != day {
            explain.push(format!(
                "Arbetsdagen {} hade slutat {} när kommentaren kom.",
                calendar::day_in_words(arrived),
                calendar::time_in_words(calendar::closing_time(arrived, hours).0)
            ));
        }
        tell_days_off(received, seen, hours, explain);
        explain.push(format!("Någon är på plats från {}.", calendar::instant_in_words(seen)));
    }
    if due == calendar::closing(day, hours) {
        explain.push(tell_end(due, hours, "är arbetsdag och slutar"));
    } else {
        explain.push(format!("Målet är {promised} timmar: till {}.", calendar::instant_in_words(due)));
    }
}

/// One sentence for each day strictly between the arrival day and another that is no working day.
fn tell_days_off(received: DateTime<Utc>, until: DateTime<Utc>, hours: &Hours, explain: &mut Vec<String>) {
    let until = calendar::local_date(until);
    for day in calendar::local_date(received).iter_days().skip(1).take_while(|day| *day < until) {
        if let Some(reason) = calendar::day_off(day, hours) {
            explain.push(not_working(day, &reason));
        }
    }
}

fn not_working(day: chrono::NaiveDate, reason: &str) -> String {
    format!("{} är ingen arbetsdag: {reason}.", upper_first(&calendar::day_in_words(day)))
}

fn tell_end(due: DateTime<Utc>, hours: &Hours, words: &str) -> String {
    let day = calendar::local_date(due);
    let (close, early) = calendar::closing_time(day, hours);
    let early = early.map_or_else(String::new, |reason| format!(", tidigare än vanligt ({reason})"));
    format!(
        "{} {words} {}{early}: svaret ska ges senast då.",
        upper_first(&calendar::day_in_words(day)),
        calendar::time_in_words(close)
    )
}

fn upper_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
