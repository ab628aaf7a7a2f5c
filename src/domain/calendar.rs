//! The Swedish calendar: public holidays, working days, office hours.
//!
//! Instants are UTC; dates and times of day are those of Europe/Stockholm (förordning (1979:988) om svensk
//! normaltid, förordning (2001:127) om sommartid). The machine's own time zone is never asked.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Days, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use chrono::{TimeZone, Timelike, Utc, Weekday};
use chrono_tz::Europe::Stockholm;

pub use holidays::{Holiday, HolidayKind, easter, holidays};

mod holidays;

#[cfg(test)]
mod tests;

/// When the municipality is staffed; Stockholm time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    /// Opening on every working day.
    pub open: NaiveTime,
    /// Closing on every working day that is not short.
    pub close: NaiveTime,
    /// Days on which the municipality is closed by its own decision, with the reason.
    pub closed_days: Vec<ClosedDay>,
    /// Working days with an earlier closing.
    pub short_days: Vec<ShortDay>,
}

impl Default for Hours {
    /// 08.00–16.30, no day closed or short by local decision.
    fn default() -> Self {
        let at = |hour, minute| NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or_default();
        Self { open: at(8, 0), close: at(16, 30), closed_days: Vec::new(), short_days: Vec::new() }
    }
}

/// A day closed by local decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedDay {
    /// Which day.
    pub when: DayRule,
    /// Why, in Swedish, as the explanation says it.
    pub reason: String,
}

/// A working day that ends early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShortDay {
    /// Which day.
    pub when: DayRule,
    /// The earlier closing.
    pub close: NaiveTime,
    /// Why, in Swedish.
    pub reason: String,
}

/// A single date, or a rule that names a day in every year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayRule {
    /// One date.
    Date(NaiveDate),
    /// Days counted from Easter Sunday: `easter-3` is Maundy Thursday.
    Easter(i32),
    /// The same date each year: `01-05`.
    Yearly(u32, u32),
}

impl DayRule {
    /// True when the rule names this local date.
    pub fn falls_on(self, date: NaiveDate) -> bool {
        match self {
            Self::Date(day) => day == date,
            Self::Easter(days) => {
                easter(date.year()).is_some_and(|sunday| date - sunday == TimeDelta::days(i64::from(days)))
            }
            Self::Yearly(month, day) => (date.month(), date.day()) == (month, day),
        }
    }
}

impl fmt::Display for DayRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Date(date) => write!(f, "{date}"),
            Self::Easter(0) => f.write_str("easter"),
            Self::Easter(days) => write!(f, "easter{days:+}"),
            Self::Yearly(month, day) => write!(f, "{month:02}-{day:02}"),
        }
    }
}

impl FromStr for DayRule {
    type Err = String;

    /// Reads `2027-05-07`, `01-05` (month-day) or `easter-3`.
    fn from_str(text: &str) -> Result<Self, String> {
        let shown: String = text.chars().take(40).collect();
        let digits = |part: &str, count| part.len() == count && part.bytes().all(|b| b.is_ascii_digit());
        if let Some(days) = text.strip_prefix("easter") {
            // The number must carry its sign: `easter3` would be read as either.
            let counted = days
                .is_empty()
                .then_some(0)
                .or_else(|| days.starts_with(['+', '-']).then_some(days)?.parse().ok());
            return match counted {
                // Further off the day would lie in another year than its Easter.
                Some(days @ -80..=250) => Ok(Self::Easter(days)),
                _ => Err(format!(
                    "`{shown}` names no day: write easter-N or easter+N, where N is the number of days before \
                     (at most 80) or after (at most 250) Easter Sunday"
                )),
            };
        }
        let parts: Vec<_> = text.split('-').collect();
        match parts[..] {
            [year, month, day] if digits(year, 4) && digits(month, 2) && digits(day, 2) => text
                .parse()
                .map(Self::Date)
                .map_err(|_| format!("`{shown}` is no date: there is no such day in that year")),
            [month, day] if digits(month, 2) && digits(day, 2) => {
                let (month, day) = (month.parse().unwrap_or(0), day.parse().unwrap_or(0));
                // A leap year, so that 02-29 is a day.
                NaiveDate::from_ymd_opt(2024, month, day)
                    .map(|_| Self::Yearly(month, day))
                    .ok_or_else(|| format!("`{shown}` is no month and day: no year has that day"))
            }
            _ => Err(format!(
                "`{shown}` names no day: write a date (2027-05-07), a month and day (01-05), or a number of days \
                 from Easter Sunday (easter-3)"
            )),
        }
    }
}

/// Years outside 1–9999 are moved to the nearest of them: a hostile date must not stop anybody's clock.
fn sane(instant: DateTime<Utc>) -> DateTime<Utc> {
    let year = |year| Utc.with_ymd_and_hms(year, 1, 2, 0, 0, 0).single().unwrap_or_default();
    instant.clamp(year(1), year(9999))
}

/// An instant as Stockholm's clocks show it.
pub fn local(instant: DateTime<Utc>) -> DateTime<FixedOffset> {
    let instant = sane(instant);
    if instant.year() <= LAST_TABLED_YEAR {
        return instant.with_timezone(&Stockholm).fixed_offset();
    }
    let year = instant.year();
    let summer = change(year, 3).is_some_and(|begins| begins <= instant)
        && change(year, 10).is_some_and(|ends| instant < ends);
    let offset = if summer { TimeDelta::hours(2) } else { TimeDelta::hours(1) };
    let seconds = i32::try_from(offset.num_seconds()).unwrap_or_default();
    FixedOffset::east_opt(seconds).map_or_else(|| instant.fixed_offset(), |zone| instant.with_timezone(&zone))
}

/// When summer time begins (month 3) or ends (month 10): 01.00 UTC on the month's last Sunday, förordning
/// (2001:127). For years after the tz database's tables, which end with 2099 in the form we have them.
fn change(year: i32, month: u32) -> Option<DateTime<Utc>> {
    let last = NaiveDate::from_ymd_opt(year, month, 31)?;
    let sunday = last.checked_sub_days(Days::new(u64::from(last.weekday().num_days_from_sunday())))?;
    Some(sunday.and_hms_opt(1, 0, 0)?.and_utc())
}

/// The last whole year for which the tables know of summer time.
const LAST_TABLED_YEAR: i32 = 2099;

/// The local date of an instant: the arrival day of what arrives then.
pub fn local_date(instant: DateTime<Utc>) -> NaiveDate {
    local(instant).date_naive()
}

/// The instant at which Stockholm's clocks show a time.
///
/// A time that is skipped in spring gives the first instant after the gap; one that comes twice in autumn the
/// first of the two (summer time).
pub fn to_utc(wall: NaiveDateTime) -> DateTime<Utc> {
    let (before, after) =
        (plus(wall.and_utc(), -TimeDelta::days(1)), plus(wall.and_utc(), TimeDelta::days(1)));
    if offset_seconds(before) == offset_seconds(after) {
        // No change of the clock is near.
        return plus(wall.and_utc(), -TimeDelta::seconds(i64::from(offset_seconds(before))));
    }
    let mut probe = wall;
    // The gap is an hour; three are room enough for whatever the tz database may come to hold.
    for _ in 0..=180 {
        // Summer time first: where both fit, it is the earlier instant.
        let found = [2, 1].into_iter().find_map(|ahead| {
            let instant = probe.and_utc().checked_sub_signed(TimeDelta::hours(ahead))?;
            (local(instant).naive_local() == probe).then_some(instant)
        });
        if let Some(found) = found {
            return found;
        }
        let minute = probe.with_second(0).and_then(|time| time.with_nanosecond(0)).unwrap_or(probe);
        probe = minute.checked_add_signed(TimeDelta::minutes(1)).unwrap_or(minute);
    }
    // Only changes before Sweden had these two offsets come here.
    wall.and_utc()
}

/// Why a local date is no working day, in Swedish with the law or the local decision; `None` on a working day.
///
/// A working day is Monday to Friday, no public holiday, not midsommarafton, julafton or nyårsafton, and not
/// closed by the municipality itself.
pub fn day_off(date: NaiveDate, hours: &Hours) -> Option<String> {
    day_off_by_law(date).or_else(|| {
        let closed = hours.closed_days.iter().find(|closed| closed.when.falls_on(date))?;
        Some(format!("{} (kommunens eget beslut)", closed.reason))
    })
}

fn day_off_by_law(date: NaiveDate) -> Option<String> {
    let falling = holidays::on(date);
    if let Some(first) = falling.first() {
        let names: Vec<_> = falling.iter().map(|holiday| lower_first(holiday.name)).collect();
        return Some(format!("{} ({})", names.join(" och "), first.kind.law()));
    }
    match date.weekday() {
        Weekday::Sat => Some(format!("lördag ({})", HolidayKind::Equal.law())),
        Weekday::Sun => Some(format!("söndag ({})", HolidayKind::Public.law())),
        _ => None,
    }
}

/// "Långfredagen" inside a sentence; names of persons (Kristi) keep their capital.
fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    match letters.next() {
        Some(first) if !name.starts_with("Kristi") => first.to_lowercase().chain(letters).collect(),
        _ => name.to_owned(),
    }
}

/// True on a working day (see [`day_off`]).
pub fn is_working_day(date: NaiveDate, hours: &Hours) -> bool {
    day_off(date, hours).is_none()
}

/// The first working day strictly after a date.
///
/// Hours that close every day of a year would leave none: then the closings are disregarded, and the law's days
/// alone count, because a promise must fall due some day.
pub fn next_working_day(date: NaiveDate, hours: &Hours) -> NaiveDate {
    walk(date, hours, NaiveDate::succ_opt)
}

/// The last working day strictly before a date; see [`next_working_day`].
pub fn previous_working_day(date: NaiveDate, hours: &Hours) -> NaiveDate {
    walk(date, hours, NaiveDate::pred_opt)
}

fn walk(date: NaiveDate, hours: &Hours, step: fn(&NaiveDate) -> Option<NaiveDate>) -> NaiveDate {
    let days = || std::iter::successors(step(&date), step).take(400);
    days()
        .find(|day| is_working_day(*day, hours))
        .or_else(|| days().find(|day| day_off_by_law(*day).is_none()))
        .unwrap_or(date)
}

/// The time at which a working day ends, and why it is earlier than usual, if it is.
pub fn closing_time(date: NaiveDate, hours: &Hours) -> (NaiveTime, Option<&str>) {
    hours
        .short_days
        .iter()
        .filter(|short| short.close < hours.close && short.when.falls_on(date))
        .min_by_key(|short| short.close)
        .map_or((hours.close, None), |short| (short.close, Some(short.reason.as_str())))
}

/// The instant at which a working day begins.
pub fn opening(date: NaiveDate, hours: &Hours) -> DateTime<Utc> {
    to_utc(date.and_time(hours.open))
}

/// The instant at which a working day ends.
pub fn closing(date: NaiveDate, hours: &Hours) -> DateTime<Utc> {
    to_utc(date.and_time(closing_time(date, hours).0))
}

/// The staffed period of a date, if it has one: from the opening until just before the closing.
fn staffed_on(date: NaiveDate, hours: &Hours) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let period = (opening(date, hours), closing(date, hours));
    (period.0 < period.1 && is_working_day(date, hours)).then_some(period)
}

/// True when somebody is at work: a working day, not before the opening, before the closing.
pub fn is_staffed(instant: DateTime<Utc>, hours: &Hours) -> bool {
    staffed_on(local_date(instant), hours).is_some_and(|(open, close)| open <= instant && instant < close)
}

/// The first staffed instant at or after an instant.
///
/// Where the hours leave no staffed period within a year, the instant itself: nothing may wait for ever.
pub fn next_staffed(instant: DateTime<Utc>, hours: &Hours) -> DateTime<Utc> {
    let days = std::iter::successors(Some(local_date(instant)), NaiveDate::succ_opt).take(400);
    days.filter_map(|day| staffed_on(day, hours))
        .find(|(_, close)| instant < *close)
        .map_or(instant, |(open, _)| open.max(instant))
}

/// The end of the last staffed period that is over at an instant; `None` where a whole year holds none.
pub fn last_staffed_before(instant: DateTime<Utc>, hours: &Hours) -> Option<DateTime<Utc>> {
    let days = std::iter::successors(Some(local_date(instant)), NaiveDate::pred_opt).take(400);
    days.filter_map(|day| staffed_on(day, hours)).map(|(_, close)| close).find(|close| *close <= instant)
}

/// The first such time of day (Stockholm) strictly after an instant.
pub fn next_at(instant: DateTime<Utc>, time: NaiveTime) -> DateTime<Utc> {
    let today = local_date(instant);
    [Some(today), today.checked_add_days(Days::new(1)), today.checked_add_days(Days::new(2))]
        .into_iter()
        .flatten()
        .map(|day| to_utc(day.and_time(time)))
        .find(|at| *at > instant)
        .unwrap_or(instant)
}

/// Adds time without ever leaving the years that can be told.
pub fn plus(instant: DateTime<Utc>, time: TimeDelta) -> DateTime<Utc> {
    let edge = if time < TimeDelta::zero() { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
    sane(sane(instant).checked_add_signed(time).unwrap_or(edge))
}

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

/// A date in Swedish: `lördag 21 november 2026`.
pub fn day_in_words(date: NaiveDate) -> String {
    format!("{} {}", day_and_month_in_words(date), date.year())
}

/// A date without its year: `lördag 21 november`.
pub fn day_and_month_in_words(date: NaiveDate) -> String {
    let weekday = WEEKDAYS[date.weekday().num_days_from_monday() as usize];
    format!("{weekday} {} {}", date.day(), MONTHS[date.month0() as usize])
}

/// A time of day in Swedish: `kl. 19.00`.
pub fn time_in_words(time: NaiveTime) -> String {
    time.format("kl. %H.%M").to_string()
}

/// An instant in Swedish, by Stockholm's clocks: `lördag 21 november 2026 kl. 19.00`.
pub fn instant_in_words(instant: DateTime<Utc>) -> String {
    let local = local(instant);
    format!("{} {}", day_in_words(local.date_naive()), time_in_words(local.time()))
}

/// What Stockholm's clocks go by at an instant: `normaltid, UTC+1` or `sommartid, UTC+2`.
pub fn zone_in_words(instant: DateTime<Utc>) -> String {
    let seconds = offset_seconds(instant);
    let name = if seconds == 7200 { "sommartid" } else { "normaltid" };
    format!("{name}, UTC+{}", seconds / 3600)
}

/// How far Stockholm's clocks are ahead of UTC at an instant, in seconds.
pub fn offset_seconds(instant: DateTime<Utc>) -> i32 {
    local(instant).offset().local_minus_utc()
}
