//! How often an account is watched, and who decided so.

use chrono::{Days, NaiveDate, TimeZone};
use chrono_tz::Europe::Stockholm;
use cron::Schedule;

use super::super::reader::{Node, Report, quote};
use super::super::{AccountStatus, Poll, PollDecided};
use super::Context;

/// A schedule in Stockholm time that fires, and names its weekdays.
pub(super) fn poll(node: &Node<'_, '_>, status: Option<AccountStatus>, report: &mut Report) -> Option<Poll> {
    let text = node.text(report)?;
    let schedule = match parse_schedule(&text.value) {
        Ok(schedule) => schedule,
        Err((message, remedy)) => {
            report.fault(&node.place, format!("{}: {message}", quote(&text.value)), remedy);
            return None;
        }
    };
    let first = NaiveDate::from_ymd_opt(2027, 1, 1)?;
    let midnight = |days| {
        let day = first.checked_add_days(Days::new(days))?.and_hms_opt(0, 0, 0)?;
        Stockholm.from_local_datetime(&day).earliest()
    };
    // A common year tells whether every day has a poll; which year it is does not matter.
    let polled = |days: u64| {
        let (from, to) = (midnight(days)?, midnight(days + 1)?);
        schedule.after(&(from - chrono::TimeDelta::seconds(1))).next().map(|at| at < to)
    };
    if polled(0).is_none() {
        report.fault(
            &node.place,
            format!("{} never comes", quote(&text.value)),
            "correct the day and the month",
        );
        return None;
    }
    let missed = (0..365).filter(|days| polled(*days) != Some(true)).count();
    if missed > 0 && status == Some(AccountStatus::Active) {
        report.warn(
            &node.place,
            format!("leaves days of a year unwatched ({missed} of 365): \"daglig bevakning är att föredra\""),
            "watch at least once every 24 hours, such as \"0 */5 * * * *\"",
        );
    }
    let mut fields = text.value.split_whitespace();
    if fields.next().is_some_and(|seconds| seconds.contains(['*', '/', '-', ','])) {
        report.warn(
            &node.place,
            "polls more than once a minute, and will use up what the platform allows",
            "write one number of seconds first, such as \"0 */5 * * * *\"",
        );
    }
    Some(Poll { text: text.value, schedule })
}

impl Poll {
    /// How often it fires on a working day that is in no week of a clock change.
    pub(in super::super) fn a_day(&self) -> u64 {
        let Some(monday) = NaiveDate::from_ymd_opt(2027, 1, 11).and_then(|day| day.and_hms_opt(0, 0, 0))
        else {
            return 0;
        };
        let Some(from) = Stockholm.from_local_datetime(&monday).earliest() else { return 0 };
        let before = from - chrono::TimeDelta::seconds(1);
        self.schedule.after(&before).take_while(|at| *at < from + chrono::TimeDelta::days(1)).count() as u64
    }
}

fn parse_schedule(text: &str) -> Result<Schedule, (String, &'static str)> {
    const REMEDY: &str =
        "write sec min hour day month weekday, such as \"0 */5 * * * *\" or \"0 0 8 * * MON-FRI\"";
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() != 6 {
        return Err((format!("has {} fields, not six", fields.len()), REMEDY));
    }
    // `cron` counts Sunday as 1, other programs as 0 or 7; nobody should have to remember which.
    if fields[5].contains(|c: char| c.is_ascii_digit()) {
        return Err((
            "names a weekday by number, which means different days in different programs".to_owned(),
            "write weekdays by name: MON-SUN",
        ));
    }
    for field in &fields {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "*,/-?".contains(c);
        // `cron` would build a set of all numbers between two bounds, and step by nothing.
        let numbers = || field.split(|c: char| !c.is_ascii_digit()).filter(|number| !number.is_empty());
        let no_step = field.split('/').skip(1).any(|step| step.trim_start_matches('0').is_empty());
        if !field.chars().all(allowed)
            || field.len() > 100
            || numbers().any(|number| number.len() > 2)
            || no_step
        {
            return Err((format!("the field {} cannot be read", quote(field)), REMEDY));
        }
    }
    fields.join(" ").parse().map_err(|_| ("cannot be read as a schedule".to_owned(), REMEDY))
}

pub(super) fn poll_decided(
    node: &Node<'_, '_>,
    context: &Context<'_>,
    report: &mut Report,
) -> Option<PollDecided> {
    let mut section = node.table(report)?;
    let by = section.need(report, "by", "name the person who decided").and_then(|node| node.text(report));
    let on = section.need(report, "on", "write the date").and_then(|node| node.date(report));
    let reason = section.need(report, "reason", "write why this often").and_then(|node| node.text(report));
    section.close(report);
    if let Some(by) = &by
        && context.known.expect_person(by, report)
        && context.known.person(&by.value).is_some_and(|person| !person.manager)
    {
        report.warn(
            &by.place,
            format!(
                "person `{}` is no manager: the account's manager decides how often it is watched",
                by.value
            ),
            "let the manager decide",
        );
    }
    Some(PollDecided { by: by?.value, on: on?.value, reason: reason?.value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_has_six_fields_and_names_its_weekdays() {
        for good in
            ["0 */5 * * * *", "30 */2 * * * *", "0 0 8,12 * * MON-FRI", "0 0 8 1 JAN ?", "0  0 8 * * Sun"]
        {
            parse_schedule(good).unwrap();
        }
        for bad in [
            "",
            "* * * * *",
            "0 0 8 * * 1",
            "0 0 8 * * 2-6",
            "0 0 8 * * * 2027",
            "0 0-4000000000 8 * * *",
            "0 */0 8 * * *",
            "0 */00 8 * * *",
            "0 0 25 * * *",
            "0 0 8 * * MÅN",
            "x x x x x x",
            "0 0 8 32 * *",
        ] {
            assert!(parse_schedule(bad).is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_schedule_makes_it_panic(text in "[0-9*/,?a-zA-Z -]{0,40}") {
            if let Ok(schedule) = parse_schedule(&text) {
                let _ = schedule.after(&Stockholm.with_ymd_and_hms(2027, 3, 28, 0, 0, 0).unwrap()).next();
            }
        }
    }
}
