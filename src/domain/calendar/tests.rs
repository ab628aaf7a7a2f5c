use std::collections::BTreeMap;
use std::fmt::Write;

use proptest::prelude::*;

use super::*;

const HOLIDAYS: &str = include_str!("../../../tests/fixtures/calendar/se_holidays_1990_2100.csv");
const WORKDAYS: &str = include_str!("../../../tests/fixtures/calendar/se_workdays_2020_2035.csv");
const CHANGES: &str = include_str!("../../../tests/fixtures/calendar/se_dst_2001_2037.csv");

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn instant(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn wall(text: &str) -> NaiveDateTime {
    text.parse().unwrap()
}

fn closed(rule: &str, reason: &str) -> ClosedDay {
    ClosedDay { when: rule.parse().unwrap(), reason: reason.into() }
}

fn short(rule: &str, close: &str, reason: &str) -> ShortDay {
    ShortDay { when: rule.parse().unwrap(), close: close.parse().unwrap(), reason: reason.into() }
}

#[test]
fn the_holidays_are_those_of_the_reference() {
    let mut computed = BTreeMap::<_, Vec<_>>::new();
    for holiday in holidays(1990, 2100) {
        computed.entry(holiday.date).or_default().push((holiday.name, holiday.kind.code()));
    }
    let mut reference = BTreeMap::<_, Vec<_>>::new();
    for line in HOLIDAYS.lines().skip(1) {
        let [day, name, kind] = line.split(',').collect::<Vec<_>>()[..] else { panic!("{line}") };
        reference.entry(date(day)).or_default().push((name, kind));
    }
    assert_eq!(reference.values().map(Vec::len).sum::<usize>(), 1776);
    assert_eq!(computed, reference);
}

#[test]
fn two_holidays_on_one_date_are_both_told() {
    let reason = day_off(date("2008-05-01"), &Hours::default()).unwrap();
    assert_eq!(reason, "första maj och Kristi himmelsfärdsdag (1 § lagen (1989:253) om allmänna helgdagar)");
}

#[test]
fn working_days_are_those_of_the_reference() {
    let hours = Hours::default();
    let mut seen = 0;
    for line in WORKDAYS.lines().skip(1) {
        let [day, weekday, working, next] = line.split(',').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let day = date(day);
        assert_eq!(day.weekday().number_from_monday().to_string(), weekday, "{line}");
        assert_eq!(is_working_day(day, &hours), working == "1", "{line}");
        assert_eq!(next_working_day(day, &hours), date(next), "{line}");
        seen += 1;
    }
    assert_eq!(seen, 5844);
}

#[test]
fn clocks_change_when_the_reference_says_so() {
    let mut seen = 0;
    for line in CHANGES.lines().skip(1) {
        let [at, before, after] = line.split(',').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let at = instant(at);
        let seconds = |text: &str| match text {
            "1:00:00" => 3600,
            "2:00:00" => 7200,
            other => panic!("{other}"),
        };
        let (before, after) = (seconds(before), seconds(after));
        assert_eq!(offset_seconds(at - TimeDelta::seconds(1)), before, "{line}");
        assert_eq!(offset_seconds(at), after, "{line}");
        let two_thirty = local_date(at).and_hms_opt(2, 30, 15).unwrap();
        if after > before {
            // Skipped: the first instant after the gap is the change itself.
            assert_eq!(to_utc(two_thirty), at, "{line}");
        } else {
            // Twice: the first of the two is still summer time, half an hour before the change.
            assert_eq!(to_utc(two_thirty), at - TimeDelta::seconds(1785), "{line}");
        }
        seen += 1;
    }
    assert_eq!(seen, 74);
}

#[test]
fn summer_time_goes_on_after_the_last_change_of_the_reference() {
    // Förordning (2001:127): last Sunday of March to last Sunday of October, 01.00 UTC.
    for year in 2038..=2150 {
        for (month, before, after) in [(3, 3600, 7200), (10, 7200, 3600)] {
            let last = NaiveDate::from_ymd_opt(year, month, 31).unwrap();
            let sunday = last - Days::new(u64::from(last.weekday().num_days_from_sunday()));
            let change = sunday.and_hms_opt(1, 0, 0).unwrap().and_utc();
            assert_eq!(offset_seconds(change - TimeDelta::seconds(1)), before, "{change}");
            assert_eq!(offset_seconds(change), after, "{change}");
            let two_thirty = sunday.and_hms_opt(2, 30, 0).unwrap();
            let expected = if month == 3 { change } else { change - TimeDelta::minutes(30) };
            assert_eq!(to_utc(two_thirty), expected, "{change}");
        }
    }
}

#[test]
fn wall_clock_times_become_instants() {
    let check = |time: &str, expected: &str| assert_eq!(to_utc(wall(time)), instant(expected), "{time}");
    check("2026-11-20T19:00:00", "2026-11-20T18:00:00Z");
    check("2026-07-01T08:00:00", "2026-07-01T06:00:00Z");
    check("2026-03-29T01:59:59", "2026-03-29T00:59:59Z");
    check("2026-03-29T02:00:00", "2026-03-29T01:00:00Z");
    check("2026-03-29T02:59:59", "2026-03-29T01:00:00Z");
    check("2026-03-29T03:00:00", "2026-03-29T01:00:00Z");
    check("2026-10-25T02:00:00", "2026-10-25T00:00:00Z");
    check("2026-10-25T02:30:00", "2026-10-25T00:30:00Z");
    check("2026-10-25T03:00:00", "2026-10-25T02:00:00Z");
}

#[test]
fn day_rules_are_read_and_written() {
    for (text, falls, misses) in [
        ("easter-3", "2026-04-02", "2026-04-03"),
        ("easter", "2026-04-05", "2026-04-06"),
        ("easter+38", "2026-05-13", "2026-05-14"),
        ("01-05", "2031-01-05", "2031-05-01"),
        ("02-29", "2028-02-29", "2027-02-28"),
        ("2027-05-07", "2027-05-07", "2028-05-07"),
    ] {
        let rule: DayRule = text.parse().unwrap();
        assert!(rule.falls_on(date(falls)), "{text}");
        assert!(!rule.falls_on(date(misses)), "{text}");
        assert_eq!(rule.to_string(), text);
    }
}

#[test]
fn bad_day_rules_are_refused_with_the_way_to_write_them() {
    let long = "9".repeat(100_000);
    for (text, told) in [
        ("", "write a date"),
        ("easter3", "easter-N"),
        ("easter-", "easter-N"),
        ("easter-81", "at most 80"),
        ("easter+251", "at most 250"),
        ("easter+99999999999999", "easter-N"),
        ("Easter-3", "easter-3"),
        ("13-01", "no year has that day"),
        ("02-30", "no year has that day"),
        ("1-5", "write a date"),
        ("2027-02-29", "no such day in that year"),
        ("2027-5-7", "write a date"),
        ("+027-05-07", "write a date"),
        ("7 maj", "write a date"),
        (long.as_str(), "write a date"),
    ] {
        let error = text.parse::<DayRule>().unwrap_err();
        assert!(error.contains(told), "{text}: {error}");
        assert!(error.len() < 300, "{error}");
    }
}

#[test]
fn local_decisions_close_days_and_shorten_them() {
    let hours = Hours {
        closed_days: vec![closed("easter+40", "klämdag"), closed("2026-05-16", "onödig")],
        short_days: vec![
            short("easter-3", "14:00", "skärtorsdag"),
            short("2026-04-02", "12:00", "skärtorsdag, strömavbrott"),
            short("12-23", "18:00", "längre än vanligt räknas inte"),
        ],
        ..Hours::default()
    };
    assert_eq!(day_off(date("2026-05-15"), &hours).unwrap(), "klämdag (kommunens eget beslut)");
    assert_eq!(day_off(date("2026-05-16"), &hours).unwrap().split(' ').next(), Some("lördag"));
    assert_eq!(next_working_day(date("2026-05-13"), &hours), date("2026-05-18"));
    assert_eq!(previous_working_day(date("2026-05-18"), &hours), date("2026-05-13"));
    let at = |text: &str| text.parse::<NaiveTime>().unwrap();
    assert_eq!(closing_time(date("2026-04-02"), &hours), (at("12:00:00"), Some("skärtorsdag, strömavbrott")));
    assert_eq!(closing_time(date("2027-03-25"), &hours), (at("14:00:00"), Some("skärtorsdag")));
    assert_eq!(closing_time(date("2026-12-23"), &hours), (at("16:30:00"), None));
    assert_eq!(closing(date("2026-04-02"), &hours), instant("2026-04-02T12:00:00+02:00"));
}

#[test]
fn staffed_periods_begin_at_the_opening_and_end_before_the_closing() {
    let hours = Hours::default();
    // At, staffed, next staffed, end of the last staffed period that is over.
    for (at, staffed, next, last) in [
        ("2026-11-20T07:59:59+01:00", false, "2026-11-20T08:00:00+01:00", "2026-11-19T16:30:00+01:00"),
        ("2026-11-20T08:00:00+01:00", true, "2026-11-20T08:00:00+01:00", "2026-11-19T16:30:00+01:00"),
        ("2026-11-20T16:29:59+01:00", true, "2026-11-20T16:29:59+01:00", "2026-11-19T16:30:00+01:00"),
        ("2026-11-20T16:30:00+01:00", false, "2026-11-23T08:00:00+01:00", "2026-11-20T16:30:00+01:00"),
        ("2026-11-22T12:00:00+01:00", false, "2026-11-23T08:00:00+01:00", "2026-11-20T16:30:00+01:00"),
        ("2026-12-24T02:00:00+01:00", false, "2026-12-28T08:00:00+01:00", "2026-12-23T16:30:00+01:00"),
        // Over the changes of the clock.
        ("2026-03-29T02:00:00+02:00", false, "2026-03-30T08:00:00+02:00", "2026-03-27T16:30:00+01:00"),
        ("2026-10-25T02:30:00+01:00", false, "2026-10-26T08:00:00+01:00", "2026-10-23T16:30:00+02:00"),
    ] {
        let at = instant(at);
        assert_eq!(is_staffed(at, &hours), staffed, "{at}");
        assert_eq!(next_staffed(at, &hours), instant(next), "{at}");
        assert_eq!(last_staffed_before(at, &hours), Some(instant(last)), "{at}");
    }
}

#[test]
fn hours_that_leave_nobody_at_work_hold_nothing_up() {
    let closed_days = (1..=12)
        .flat_map(|month| (1..=31).map(move |day| DayRule::Yearly(month, day)))
        .map(|when| ClosedDay { when, reason: "alltid stängt".into() })
        .collect();
    let hours = Hours { closed_days, ..Hours::default() };
    let now = instant("2026-11-20T10:00:00Z");
    assert_eq!(next_working_day(date("2026-11-20"), &hours), date("2026-11-23"));
    assert_eq!(previous_working_day(date("2026-11-23"), &hours), date("2026-11-20"));
    assert_eq!(next_staffed(now, &hours), now);
    assert_eq!(last_staffed_before(now, &hours), None);

    let backwards = Hours { open: Hours::default().close, close: Hours::default().open, ..Hours::default() };
    assert!(!is_staffed(now, &backwards));
    assert_eq!(next_staffed(now, &backwards), now);
}

#[test]
fn dates_at_the_edge_of_time_hold_nothing_up() {
    let hours = Hours::default();
    for edge in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
        is_staffed(edge, &hours);
        next_staffed(edge, &hours);
        last_staffed_before(edge, &hours);
        plus(edge, TimeDelta::MAX);
        assert!(!instant_in_words(edge).is_empty());
    }
    for edge in [NaiveDate::MIN, NaiveDate::MAX] {
        next_working_day(edge, &hours);
        previous_working_day(edge, &hours);
        to_utc(edge.and_time(NaiveTime::MIN));
        closing(edge, &hours);
    }
}

#[test]
fn easter_agrees_with_the_paschal_table() {
    // Source: the printed table of Easter days, 1961 to 2100, by its extremes and some others.
    for (year, day) in [
        (1961, "1961-04-02"),
        (1981, "1981-04-19"),
        (2000, "2000-04-23"),
        (2008, "2008-03-23"),
        (2011, "2011-04-24"),
        (2038, "2038-04-25"),
        (2049, "2049-04-18"),
        (2076, "2076-04-19"),
        (2100, "2100-03-28"),
    ] {
        assert_eq!(easter(year), Some(date(day)));
    }
}

#[test]
fn dates_are_told_in_swedish() {
    let mut told = String::new();
    for at in ["2026-11-20T18:00:00Z", "2026-07-05T06:05:00Z"] {
        let at = instant(at);
        writeln!(told, "{} ({})", instant_in_words(at), zone_in_words(at)).unwrap();
    }
    assert_eq!(
        told,
        "fredag 20 november 2026 kl. 19.00 (normaltid, UTC+1)\n\
         söndag 5 juli 2026 kl. 08.05 (sommartid, UTC+2)\n"
    );
}

#[test]
fn the_next_seven_in_the_morning_is_found_over_changes_of_the_clock() {
    let seven = NaiveTime::from_hms_opt(7, 0, 0).unwrap();
    for (from, to) in [
        ("2026-03-28T23:30:00+01:00", "2026-03-29T07:00:00+02:00"),
        ("2026-10-25T06:59:59+01:00", "2026-10-25T07:00:00+01:00"),
        ("2026-10-25T07:00:00+01:00", "2026-10-26T07:00:00+01:00"),
    ] {
        assert_eq!(next_at(instant(from), seven), instant(to));
    }
}

fn any_date() -> impl Strategy<Value = NaiveDate> {
    (0u64..40_541).prop_map(|days| NaiveDate::from_ymd_opt(1990, 1, 1).unwrap() + Days::new(days))
}

proptest! {
    #[test]
    fn forward_and_backward_agree(day in any_date()) {
        let hours = Hours { closed_days: vec![closed("easter+40", "klämdag")], ..Hours::default() };
        let next = next_working_day(day, &hours);
        let previous = previous_working_day(day, &hours);
        prop_assert!(previous < day && day < next);
        prop_assert!(is_working_day(next, &hours) && is_working_day(previous, &hours));
        if is_working_day(day, &hours) {
            prop_assert_eq!(previous_working_day(next, &hours), day);
            prop_assert_eq!(next_working_day(previous, &hours), day);
        } else {
            prop_assert_eq!(next_working_day(previous, &hours), next);
        }
        // The longest run of days off is that of Christmas or Easter.
        prop_assert!((next - day).num_days() <= 6);
    }

    #[test]
    fn local_time_and_back_is_the_same_instant_or_the_first_of_two(seconds in 0i64..3_500_000_000) {
        let at = DateTime::from_timestamp(631_152_000 + seconds, 0).unwrap();
        let back = to_utc(local(at).naive_local());
        prop_assert!(back == at || at - back == TimeDelta::hours(1));
    }

    #[test]
    fn staffed_instants_lie_on_either_side(seconds in 0i64..3_500_000_000) {
        let hours = Hours::default();
        let at = DateTime::from_timestamp(631_152_000 + seconds, 0).unwrap();
        let next = next_staffed(at, &hours);
        prop_assert!(next >= at && is_staffed(next, &hours));
        prop_assert_eq!(next == at, is_staffed(at, &hours));
        let last = last_staffed_before(at, &hours).unwrap();
        prop_assert!(last <= at && !is_staffed(last, &hours));
        prop_assert!(is_staffed(last - TimeDelta::seconds(1), &hours));
    }

    #[test]
    fn no_text_upsets_the_reading_of_a_day_rule(text in "\\PC{0,20}") {
        if let Ok(rule) = text.parse::<DayRule>() {
            prop_assert_eq!(rule.to_string().parse::<DayRule>(), Ok(rule));
        }
    }
}
