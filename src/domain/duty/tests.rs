use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::domain::roster::{Absence, AbsenceKind, AccountStaff, Person};

fn instant(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn kind(code: &str) -> &'static Kind {
    Kind::named(code).unwrap()
}

/// The rungs of a kind, each as `code local-time`.
fn told(code: &str, trigger: &str) -> Vec<String> {
    let (kind, trigger, hours) = (kind(code), instant(trigger), Hours::default());
    let due = kind.period.due(trigger, &hours);
    rungs(kind, trigger, due, &hours)
        .into_iter()
        .map(|(rung, moment)| format!("{rung} {}", calendar::local(moment).format("%a %d %H:%M")))
        .collect()
}

#[test]
fn every_kind_has_a_code_a_name_a_source_and_somebody_to_tell() {
    let codes: BTreeSet<_> = KINDS.iter().map(|kind| kind.code).collect();
    assert_eq!(codes.len(), KINDS.len());
    assert_eq!(
        KINDS.iter().map(|kind| kind.code).collect::<Vec<_>>(),
        [
            "answer_24h",
            "answer_next_working_day",
            "answer_as_soon_as_possible",
            "review",
            "danger",
            "prompt_review",
            "approve",
            "changed_outside",
            "edited_after_answer",
            "account_blind",
            "hand_check",
            "act_failed",
            "automatic_look",
            "braked",
            "halted",
            "count_differs",
            "key_expires",
            "key_dead",
            "lost_access",
            "right_missing",
            "unanchored",
            "contradicted",
        ]
    );
    for kind in KINDS {
        assert!(!kind.name.is_empty() && !kind.source.is_empty(), "{}", kind.code);
        assert!(!kind.source.contains("  "), "{}", kind.source);
        assert!(kind.ladder.is_sorted_by_key(|(rung, _)| *rung), "{}", kind.code);
        assert!(kind.ladder.iter().all(|(_, targets)| !targets.is_empty()), "{}", kind.code);
        // What is the machine's to mend ends by itself, or by a command of its own.
        let machines = matches!(
            kind.code,
            "account_blind"
                | "braked"
                | "halted"
                | "count_differs"
                | "hand_check"
                | "unanchored"
                | "contradicted"
        );
        assert_eq!(kind.outcomes.is_empty(), machines || repeat(kind.code).is_some());
        assert_eq!(kind.urgent, matches!(kind.code, "danger" | "prompt_review"));
        assert_eq!(
            kind.code.starts_with("answer_"),
            kind.allows(Outcome::Answered) && !kind.allows(Outcome::Keep)
        );
    }
    assert_eq!(Kind::named("answer_48h"), None);
}

#[test]
fn codes_are_read_back() {
    for rung in Rung::ALL {
        assert_eq!(rung.code().parse(), Ok(*rung));
    }
    for state in DutyState::ALL {
        assert_eq!(state.code().parse(), Ok(*state));
        assert_eq!(state.is_open(), !matches!(state, DutyState::Closed | DutyState::Superseded));
    }
    assert_eq!(
        "late".parse::<DutyState>(),
        Err("`late` is none of running, warned, overdue, closed, superseded".to_owned())
    );
}

#[test]
fn a_profile_gives_the_answer_duties_that_it_promises() {
    let codes = |clocks: &Clocks| -> Vec<_> {
        answer_duties(clocks).into_iter().map(|(kind, period)| (kind.code, period)).collect()
    };
    assert_eq!(codes(&Clocks::default()), []);
    assert_eq!(
        codes(&Clocks { answer_24h: true, next_working_day: true, as_soon_as_possible: None }),
        [("answer_24h", Period::Hours(24)), ("answer_next_working_day", Period::NextWorkingDay),]
    );
    assert_eq!(
        codes(&Clocks { as_soon_as_possible: Some(4), ..Clocks::default() }),
        [("answer_as_soon_as_possible", Period::SameDayOrNext(4))]
    );
}

#[test]
fn the_ladder_is_climbed_in_staffed_hours() {
    // Kind, trigger, rungs by Stockholm's clocks.
    let table: &[(&str, &str, &[&str])] = &[
        // Monday noon, due Tuesday noon: warned on Tuesday morning.
        (
            "answer_24h",
            "2026-11-23T12:00:00+01:00",
            &["warn Tue 24 08:00", "due Tue 24 11:30", "overdue Tue 24 12:00", "escalate Tue 24 14:00"],
        ),
        // Due a quarter after the opening: warned before people go home the day before.
        (
            "answer_24h",
            "2026-11-23T08:15:00+01:00",
            &["warn Mon 23 15:30", "due Tue 24 08:00", "overdue Tue 24 08:15", "escalate Tue 24 10:15"],
        ),
        // Friday at ten, due on Saturday: warned before the weekend, nothing in it.
        (
            "answer_24h",
            "2026-11-20T10:00:00+01:00",
            &["warn Fri 20 15:30", "overdue Mon 23 08:00", "escalate Mon 23 10:00"],
        ),
        // It came in the last half hour before the weekend: told at once.
        (
            "answer_24h",
            "2026-11-20T16:00:00+01:00",
            &["warn Fri 20 16:00", "overdue Mon 23 08:00", "escalate Mon 23 10:00"],
        ),
        // Nobody is at work between Friday night and Saturday night.
        ("answer_24h", "2026-11-20T19:00:00+01:00", &["overdue Mon 23 08:00", "escalate Mon 23 10:00"]),
        // Christmas: from the 23rd to the 28th.
        (
            "answer_24h",
            "2026-12-23T09:00:00+01:00",
            &["warn Wed 23 15:30", "overdue Mon 28 08:00", "escalate Mon 28 10:00"],
        ),
        (
            "answer_next_working_day",
            "2026-11-20T19:00:00+01:00",
            &["warn Mon 23 08:00", "due Mon 23 16:00", "overdue Tue 24 08:00", "escalate Wed 25 08:00"],
        ),
        (
            "review",
            "2026-11-26T19:00:00+01:00",
            &["warn Fri 27 08:00", "due Fri 27 16:00", "overdue Mon 30 08:00", "escalate Tue 01 08:00"],
        ),
        (
            "answer_as_soon_as_possible",
            "2026-11-23T09:00:00+01:00",
            &["warn Mon 23 15:30", "due Mon 23 16:00", "overdue Tue 24 08:00", "escalate Wed 25 08:00"],
        ),
        (
            "answer_as_soon_as_possible",
            "2026-11-23T16:10:00+01:00",
            &["due Mon 23 16:10", "overdue Tue 24 08:00", "escalate Wed 25 08:00"],
        ),
        // At once, but in office hours.
        (
            "act_failed",
            "2026-11-20T22:00:00+01:00",
            &["due Mon 23 08:00", "overdue Mon 23 10:00", "escalate Mon 23 12:00"],
        ),
        (
            "account_blind",
            "2026-11-23T15:00:00+01:00",
            &["due Mon 23 15:00", "overdue Tue 24 08:00", "escalate Tue 24 10:00"],
        ),
        // Danger keeps no hours.
        (
            "danger",
            "2026-12-24T02:00:00+01:00",
            &["due Thu 24 02:00", "overdue Thu 24 02:10", "escalate Thu 24 02:20"],
        ),
    ];
    for (code, trigger, expected) in table {
        assert_eq!(told(code, trigger), *expected, "{code} {trigger}");
    }
}

#[test]
fn after_an_outage_only_the_highest_rung_is_sent() {
    let trigger = instant("2026-11-23T12:00:00+01:00");
    let kind = kind("answer_24h");
    let rungs = rungs(kind, trigger, kind.period.due(trigger, &Hours::default()), &Hours::default());
    let at = |text| instant(text);
    for (now, sent, expected) in [
        (at("2026-11-24T07:59:59+01:00"), None, None),
        (at("2026-11-24T08:00:00+01:00"), None, Some(Rung::Warn)),
        (at("2026-11-24T11:29:59+01:00"), Some(Rung::Warn), None),
        (at("2026-11-24T12:30:00+01:00"), Some(Rung::Warn), Some(Rung::Overdue)),
        (at("2026-12-24T12:30:00+01:00"), None, Some(Rung::Escalate)),
        (at("2026-12-24T12:30:00+01:00"), Some(Rung::Escalate), None),
        // The clock went backward: nothing is said twice.
        (at("2026-11-24T08:00:00+01:00"), Some(Rung::Overdue), None),
    ] {
        assert_eq!(highest_rung_reached(&rungs, now, sent), expected, "{now} {sent:?}");
    }
    assert_eq!(highest_rung_reached(&[], trigger, None), None);
}

#[test]
fn danger_is_told_again_at_most_eight_times_and_then_in_the_morning() {
    let trigger = instant("2026-12-24T02:00:00+01:00");
    let minutes: Vec<_> = repeats(trigger).iter().map(|moment| (*moment - trigger).num_minutes()).collect();
    assert_eq!(minutes, [10, 20, 40, 100, 160, 220, 280, 340]);
    let after = |minutes| trigger + TimeDelta::minutes(minutes);
    for (now, sent, expected) in [
        (after(9), 0, None),
        (after(10), 0, Some(1)),
        (after(10), 1, None),
        (after(99), 1, Some(3)),
        (after(10_000), 3, Some(8)),
        (after(10_000), 8, None),
        (after(-5), 0, None),
    ] {
        assert_eq!(highest_repeat_reached(trigger, now, sent), expected, "{now} {sent}");
    }
    assert_eq!([0, 1, 2, 8].map(rung_of_repeat), [Rung::Due, Rung::Overdue, Rung::Escalate, Rung::Escalate]);
    // The last repeat comes at 07.40: the summary waits for the next morning.
    assert_eq!(morning_summary(trigger), instant("2026-12-25T07:00:00+01:00"));
    assert_eq!(morning_summary(instant("2026-12-23T20:00:00+01:00")), instant("2026-12-24T07:00:00+01:00"));
}

fn roster(away: &[&str]) -> Roster {
    let person = |id: &str, roles: &[Role], deputy: Option<&str>| Person {
        id: id.into(),
        name: id.into(),
        email: format!("{id}@exempel.se"),
        roles: roles.to_vec(),
        employed: true,
        manager: false,
        trained: None,
        deputy: deputy.map(str::to_owned),
    };
    let date = "2026-11-23".parse().unwrap();
    Roster {
        persons: vec![
            person("anna", &[Role::Editor], Some("erik")),
            person("erik", &[Role::Editor, Role::Communicator], None),
            person("chef", &[Role::Owner, Role::Head], Some("erik")),
            person("kim", &[Role::Communicator], None),
            person("it", &[Role::It], None),
        ],
        absences: away
            .iter()
            .map(|id| Absence { person: (*id).into(), from: date, to: None, kind: AbsenceKind::Away })
            .collect(),
        accounts: vec![AccountStaff {
            account: "fb".into(),
            owner: "chef".into(),
            editors: vec!["anna".into()],
            registrar: "it".into(),
        }],
        operator: "it".into(),
    }
}

#[test]
fn each_rung_reaches_its_persons_once() {
    // Kind, rung, away, post's owner, may not, reached.
    type Row<'a> = (&'a str, Rung, &'a [&'a str], Option<&'a str>, &'a [&'a str], &'a [&'a str]);
    let table: &[Row<'_>] = &[
        ("answer_24h", Rung::Warn, &[], None, &[], &["anna"]),
        ("answer_24h", Rung::Due, &[], None, &[], &["anna", "erik"]),
        ("answer_24h", Rung::Overdue, &[], None, &[], &["anna", "chef"]),
        ("answer_24h", Rung::Escalate, &[], None, &[], &["chef", "erik"]),
        ("answer_24h", Rung::Warn, &["anna"], None, &[], &["erik"]),
        ("answer_24h", Rung::Overdue, &["anna", "chef"], None, &[], &["erik"]),
        ("answer_24h", Rung::Escalate, &["chef", "erik"], None, &[], &["kim"]),
        ("answer_24h", Rung::Escalate, &["anna", "chef", "erik", "kim"], None, &[], &["it"]),
        ("approve", Rung::Warn, &[], None, &["chef"], &["erik"]),
        ("changed_outside", Rung::Warn, &[], None, &[], &["chef"]),
        ("changed_outside", Rung::Warn, &[], Some("anna"), &[], &["anna"]),
        ("danger", Rung::Due, &[], None, &[], &["anna"]),
        ("danger", Rung::Escalate, &[], None, &[], &["anna", "erik", "chef"]),
        // A rung that its ladder does not have still reaches whoever is responsible.
        ("danger", Rung::Warn, &[], None, &[], &["anna"]),
        ("account_blind", Rung::Due, &[], None, &[], &["it", "chef"]),
    ];
    for (code, rung, away, post_owner, except, expected) in table {
        let roster = roster(away);
        let at = instant("2026-11-23T12:00:00+01:00");
        let ask = Ask { account: "fb", role: Role::Dpo, at, post_owner: *post_owner, except };
        let reached = rung_targets(kind(code), *rung, &roster, &ask);
        let reached: Vec<_> = reached.iter().map(|found| found.person.as_str()).collect();
        assert_eq!(reached, *expected, "{code} {rung} {away:?}");
    }
}

#[test]
fn the_edges_of_time_have_rungs_too() {
    for edge in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
        for kind in KINDS {
            let due = kind.period.due(edge, &Hours::default());
            assert!(!rungs(kind, edge, due, &Hours::default()).is_empty());
        }
    }
}

proptest! {
    #[test]
    fn rungs_rise_in_staffed_hours_and_warn_whenever_somebody_is_there(
        seconds in 631_152_000i64..4_102_444_800,
        index in 0usize..KINDS.len(),
    ) {
        let (kind, hours) = (&KINDS[index], Hours::default());
        let trigger = DateTime::from_timestamp(seconds, 0).unwrap();
        let due = kind.period.due(trigger, &hours);
        let rungs = rungs(kind, trigger, due, &hours);
        prop_assert!(rungs.is_sorted_by(|one, other| one.0 < other.0 && one.1 < other.1), "{:?}", rungs);
        prop_assert!(rungs[0].1 >= trigger);
        prop_assert_eq!(rungs.last().unwrap().0, Rung::Escalate);
        if !kind.urgent {
            prop_assert!(rungs.iter().all(|(_, moment)| calendar::is_staffed(*moment, &hours)), "{:?}", rungs);
        }
        // Overdue is never said before the time is out.
        prop_assert!(rungs.iter().all(|(rung, moment)| *rung < Rung::Overdue || *moment >= due));
        // Every missed deadline was warned of, if anybody was at work to be warned.
        if kind.period != Period::AtOnce && calendar::next_staffed(trigger, &hours) < due {
            prop_assert!(rungs[0].1 < due, "{:?}", rungs);
        }
    }
}
