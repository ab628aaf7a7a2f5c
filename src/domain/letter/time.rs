//! Times as a letter says them: Swedish words, Stockholm time.

use chrono::{DateTime, Datelike, Days, NaiveDate, Offset, TimeDelta, Timelike, Utc};
use chrono_tz::Europe::Stockholm;

const WEEKDAYS: [&str; 7] = ["måndag", "tisdag", "onsdag", "torsdag", "fredag", "lördag", "söndag"];
const MONTHS: [&str; 12] = [
    "januari",
    "februari",
    "mars",
    "april",
    "maj",
    "juni",
    "juli",
    "augusti",
    "september",
    "oktober",
    "november",
    "december",
];

/// The time of day: "16.30"; within a day of a change of the clocks with the offset: "02.30 (sommartid, UTC+2)".
pub fn clock(at: DateTime<Utc>) -> String {
    let local = at.with_timezone(&Stockholm);
    format!("{:02}.{:02}{}", local.hour(), local.minute(), offset_near_change(at))
}

/// The date in full: "måndag 23 november 2026".
pub fn date(at: DateTime<Utc>) -> String {
    let day = local_date(at);
    format!("{} {}", day_and_month(day), day.year())
}

/// Date and time in full: "måndag 23 november 2026 kl. 16.30".
pub fn moment(at: DateTime<Utc>) -> String {
    format!("{} kl. {}", date(at), clock(at))
}

/// As somebody says it who writes at `now`: "i dag 16.30", "i morgon 16.30", "onsdag 25 november 16.30".
pub fn soon(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let (day, today) = (local_date(at), local_date(now));
    let name = if day == today {
        "i dag".to_owned()
    } else if today.checked_add_days(Days::new(1)) == Some(day) {
        "i morgon".to_owned()
    } else if today.checked_sub_days(Days::new(1)) == Some(day) {
        "i går".to_owned()
    } else if day.year() == today.year() {
        day_and_month(day)
    } else {
        date(at)
    };
    format!("{name} {}", clock(at))
}

fn local_date(at: DateTime<Utc>) -> NaiveDate {
    at.with_timezone(&Stockholm).date_naive()
}

fn day_and_month(day: NaiveDate) -> String {
    let weekday = WEEKDAYS[day.weekday().num_days_from_monday() as usize];
    format!("{weekday} {} {}", day.day(), MONTHS[day.month0() as usize])
}

/// Source: SFS 2001:127 (summer time): 02.00–03.00 does not exist in March and comes twice in October.
fn offset_near_change(at: DateTime<Utc>) -> &'static str {
    let offset = |at: DateTime<Utc>| at.with_timezone(&Stockholm).offset().fix().local_minus_utc();
    let day = TimeDelta::hours(24);
    let before = at.checked_sub_signed(day).map_or(0, offset);
    let after = at.checked_add_signed(day).map_or(0, offset);
    match (before == after, offset(at)) {
        (true, _) => "",
        (false, 7_200) => " (sommartid, UTC+2)",
        (false, _) => " (normaltid, UTC+1)",
    }
}
