//! Times as a letter says them: Swedish words, Stockholm time.

use chrono::{DateTime, Datelike, Days, Offset, TimeDelta, Timelike, Utc};
use chrono_tz::Europe::Stockholm;

use crate::domain::calendar;

/// The time of day: "16.30"; within a day of a change of the clocks with the offset: "02.30 (sommartid, UTC+2)".
pub fn clock(at: DateTime<Utc>) -> String {
    let local = at.with_timezone(&Stockholm);
    format!("{:02}.{:02}{}", local.hour(), local.minute(), offset_near_change(at))
}

/// The date in full: "måndag 23 november 2026".
pub fn date(at: DateTime<Utc>) -> String {
    let day = calendar::local_date(at);
    calendar::day_in_words(day)
}

/// Date and time in full: "måndag 23 november 2026 kl. 16.30".
pub fn moment(at: DateTime<Utc>) -> String {
    format!("{} kl. {}", date(at), clock(at))
}

/// As somebody says it who writes at `now`: "i dag 16.30", "i morgon 16.30", "onsdag 25 november 16.30".
pub fn soon(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let (day, today) = (calendar::local_date(at), calendar::local_date(now));
    let name = if day == today {
        "i dag".to_owned()
    } else if today.checked_add_days(Days::new(1)) == Some(day) {
        "i morgon".to_owned()
    } else if today.checked_sub_days(Days::new(1)) == Some(day) {
        "i går".to_owned()
    } else if day.year() == today.year() {
        calendar::day_and_month_in_words(day)
    } else {
        date(at)
    };
    format!("{name} {}", clock(at))
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
