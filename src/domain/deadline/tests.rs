use std::process::Command;

use chrono::{Days, NaiveDate};
use proptest::prelude::*;

use super::*;
use crate::domain::calendar::{ClosedDay, ShortDay};

const CHANGES: &str = include_str!("../../../tests/fixtures/calendar/se_dst_2001_2037.csv");

const ARJEPLOG: Clocks = Clocks { answer_24h: true, next_working_day: true, as_soon_as_possible: None };
const SAME_DAY: Clocks = Clocks { answer_24h: false, next_working_day: false, as_soon_as_possible: Some(24) };

fn instant(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn friday_after_ascension_closed() -> Hours {
    let closed = ClosedDay { when: "2026-05-15".parse().unwrap(), reason: "klämdag".into() };
    Hours { closed_days: vec![closed], ..Hours::default() }
}

/// Source: requirements 3.5. Received, 24 hours later, closing of the next working day.
const VECTORS: &[(&str, &str, &str)] = &[
    ("2026-11-20T19:00:00+01:00", "2026-11-21T19:00:00+01:00", "2026-11-23T16:30:00+01:00"),
    ("2026-11-21T10:00:00+01:00", "2026-11-22T10:00:00+01:00", "2026-11-23T16:30:00+01:00"),
    ("2026-04-02T15:30:00+02:00", "2026-04-03T15:30:00+02:00", "2026-04-07T16:30:00+02:00"),
    ("2026-04-30T12:00:00+02:00", "2026-05-01T12:00:00+02:00", "2026-05-04T16:30:00+02:00"),
    ("2026-05-13T12:00:00+02:00", "2026-05-14T12:00:00+02:00", "2026-05-15T16:30:00+02:00"),
    ("2026-06-05T12:00:00+02:00", "2026-06-06T12:00:00+02:00", "2026-06-08T16:30:00+02:00"),
    ("2026-06-18T12:00:00+02:00", "2026-06-19T12:00:00+02:00", "2026-06-22T16:30:00+02:00"),
    ("2026-10-30T12:00:00+01:00", "2026-10-31T12:00:00+01:00", "2026-11-02T16:30:00+01:00"),
    ("2026-12-23T16:59:00+01:00", "2026-12-24T16:59:00+01:00", "2026-12-28T16:30:00+01:00"),
    ("2026-12-30T12:00:00+01:00", "2026-12-31T12:00:00+01:00", "2027-01-04T16:30:00+01:00"),
    ("2025-12-23T12:00:00+01:00", "2025-12-24T12:00:00+01:00", "2025-12-29T16:30:00+01:00"),
    ("2027-01-05T12:00:00+01:00", "2027-01-06T12:00:00+01:00", "2027-01-07T16:30:00+01:00"),
    ("2027-03-25T12:00:00+01:00", "2027-03-26T12:00:00+01:00", "2027-03-30T16:30:00+02:00"),
    ("2026-03-28T18:00:00+01:00", "2026-03-29T19:00:00+02:00", "2026-03-30T16:30:00+02:00"),
    ("2026-03-28T02:30:00+01:00", "2026-03-29T03:30:00+02:00", "2026-03-30T16:30:00+02:00"),
    ("2026-10-24T18:00:00+02:00", "2026-10-25T17:00:00+01:00", "2026-10-26T16:30:00+01:00"),
    ("2026-10-24T02:30:00+02:00", "2026-10-25T02:30:00+02:00", "2026-10-26T16:30:00+01:00"),
    ("2026-10-25T02:30:00+02:00", "2026-10-26T01:30:00+01:00", "2026-10-26T16:30:00+01:00"),
    ("2026-10-25T02:30:00+01:00", "2026-10-26T02:30:00+01:00", "2026-10-26T16:30:00+01:00"),
    // Friday morning and Friday night have the same next working day.
    ("2026-11-20T07:00:00+01:00", "2026-11-21T07:00:00+01:00", "2026-11-23T16:30:00+01:00"),
    // The arrival day is the local one: 23.30Z on Sunday is Monday in Sweden.
    ("2026-11-22T23:30:00Z", "2026-11-23T23:30:00Z", "2026-11-24T16:30:00+01:00"),
];

#[test]
fn the_vectors_of_the_requirements_hold() {
    for (received, in_24h, next) in VECTORS {
        let reckoning = reckon(instant(received), &ARJEPLOG, &Hours::default());
        assert_eq!(reckoning.answer_24h, Some(instant(in_24h)), "{received}");
        assert_eq!(reckoning.next_working_day, Some(instant(next)), "{received}");
        assert_eq!(reckoning.as_soon_as_possible, None);
        assert_eq!(reckoning.earliest(), Some(instant(in_24h).min(instant(next))));
    }
}

#[test]
fn a_squeezed_day_closed_by_the_municipality_moves_the_deadline() {
    let reckoning = reckon(instant("2026-05-13T12:00:00+02:00"), &ARJEPLOG, &friday_after_ascension_closed());
    assert_eq!(reckoning.next_working_day, Some(instant("2026-05-18T16:30:00+02:00")));
    assert!(
        reckoning
            .explain
            .contains(&"Fredag 15 maj 2026 är ingen arbetsdag: klämdag (kommunens eget beslut).".to_owned()),
        "{:#?}",
        reckoning.explain
    );
}

/// The zone of the machine is set for a whole process, so the vectors run again in others.
#[test]
fn the_zone_of_the_machine_does_not_matter() {
    for zone in ["Pacific/Auckland", "America/Los_Angeles", "UTC", "nonsense"] {
        let run = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "domain::deadline::tests::the_vectors_of_the_requirements_hold"])
            .env("TZ", zone)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success() && told.contains("1 passed"), "{zone}: {told}");
    }
}

#[test]
fn as_soon_as_possible_is_the_same_working_day_or_the_next() {
    // Received, promised hours, due.
    for (received, promised, due) in [
        ("2026-11-23T09:00:00+01:00", 4, "2026-11-23T13:00:00+01:00"),
        ("2026-11-23T09:00:00+01:00", 24, "2026-11-23T16:30:00+01:00"),
        ("2026-11-23T06:00:00+01:00", 4, "2026-11-23T12:00:00+01:00"),
        ("2026-11-23T16:00:00+01:00", 4, "2026-11-23T16:30:00+01:00"),
        ("2026-11-23T16:30:00+01:00", 24, "2026-11-24T16:30:00+01:00"),
        ("2026-11-21T10:00:00+01:00", 24, "2026-11-23T16:30:00+01:00"),
        ("2026-11-21T10:00:00+01:00", 4, "2026-11-23T12:00:00+01:00"),
        ("2026-04-02T17:00:00+02:00", 24, "2026-04-07T16:30:00+02:00"),
        ("2026-11-23T09:00:00+01:00", 0, "2026-11-23T09:00:00+01:00"),
        ("2026-11-23T09:00:00+01:00", u32::MAX, "2026-11-23T16:30:00+01:00"),
    ] {
        let clocks = Clocks { as_soon_as_possible: Some(promised), ..Clocks::default() };
        let reckoning = reckon(instant(received), &clocks, &Hours::default());
        assert_eq!(reckoning.as_soon_as_possible, Some(instant(due)), "{received} + {promised}");
        assert_eq!(reckoning.answer_24h, None);
    }
}

#[test]
fn the_reckoning_is_told_so_that_an_editor_can_check_it() {
    let check = |received: &str, clocks: &Clocks, hours: &Hours, told: &[&str]| {
        assert_eq!(reckon(instant(received), clocks, hours).explain, told, "{received}");
    };
    check(
        "2026-04-02T15:30:00+02:00",
        &ARJEPLOG,
        &Hours::default(),
        &[
            "Kommentaren kom torsdag 2 april 2026 kl. 15.30 (sommartid, UTC+2); det är ankomstdagen.",
            "Svar inom 24 timmar: timmarna räknas utan uppehåll, även nätter, helger och helgdagar, till fredag 3 april \
         2026 kl. 15.30.",
            "Den tiden ligger utanför kontorstid; någon är på plats senast till torsdag 2 april 2026 kl. 16.30.",
            "Svar senast nästkommande arbetsdag: räknas från dagen efter ankomstdagen.",
            "Fredag 3 april 2026 är ingen arbetsdag: långfredagen (1 § lagen (1989:253) om allmänna helgdagar).",
            "Lördag 4 april 2026 är ingen arbetsdag: lördag (2 § lagen (1930:173) om beräkning av lagstadgad tid).",
            "Söndag 5 april 2026 är ingen arbetsdag: påskdagen (1 § lagen (1989:253) om allmänna helgdagar).",
            "Måndag 6 april 2026 är ingen arbetsdag: annandag påsk (1 § lagen (1989:253) om allmänna helgdagar).",
            "Tisdag 7 april 2026 är nästkommande arbetsdag och slutar kl. 16.30: svaret ska ges senast då.",
            "Tidigast av tiderna, och den som påminns om först: fredag 3 april 2026 kl. 15.30.",
        ],
    );
    check(
        "2026-03-28T18:00:00+01:00",
        &Clocks { next_working_day: false, ..ARJEPLOG },
        &Hours::default(),
        &[
            "Kommentaren kom lördag 28 mars 2026 kl. 18.00 (normaltid, UTC+1); det är ankomstdagen.",
            "Svar inom 24 timmar: timmarna räknas utan uppehåll, även nätter, helger och helgdagar, till söndag 29 mars \
         2026 kl. 19.00.",
            "Under tiden går klockan över till sommartid och ställs fram en timme, så de 24 timmarna slutar kl. 19.00 \
         och inte kl. 18.00 (förordningen (2001:127) om sommartid).",
            "Kontoret är obemannat hela den tiden.",
        ],
    );
    check(
        "2026-10-24T18:00:00+02:00",
        &Clocks { next_working_day: false, ..ARJEPLOG },
        &Hours::default(),
        &[
            "Kommentaren kom lördag 24 oktober 2026 kl. 18.00 (sommartid, UTC+2); det är ankomstdagen.",
            "Svar inom 24 timmar: timmarna räknas utan uppehåll, även nätter, helger och helgdagar, till söndag 25 \
         oktober 2026 kl. 17.00.",
            "Under tiden går klockan över till normaltid och ställs tillbaka en timme, så de 24 timmarna slutar kl. \
         17.00 och inte kl. 18.00 (förordningen (2001:127) om sommartid).",
            "Kontoret är obemannat hela den tiden.",
        ],
    );
    let maundy = ShortDay {
        when: "easter-3".parse().unwrap(),
        close: "12:00".parse::<chrono::NaiveTime>().unwrap(),
        reason: "skärtorsdag".into(),
    };
    let short = Hours { short_days: vec![maundy], ..Hours::default() };
    check(
        "2026-04-01T18:00:00+02:00",
        &SAME_DAY,
        &short,
        &[
            "Kommentaren kom onsdag 1 april 2026 kl. 18.00 (sommartid, UTC+2); det är ankomstdagen.",
            "Svar så snart som möjligt under arbetsdagar: samma arbetsdag, annars närmaste arbetsdag.",
            "Arbetsdagen onsdag 1 april 2026 hade slutat kl. 16.30 när kommentaren kom.",
            "Någon är på plats från torsdag 2 april 2026 kl. 08.00.",
            "Torsdag 2 april 2026 är arbetsdag och slutar kl. 12.00, tidigare än vanligt (skärtorsdag): svaret ska ges \
         senast då.",
        ],
    );
    let four = Clocks { as_soon_as_possible: Some(4), ..Clocks::default() };
    check(
        "2026-11-21T10:00:00+01:00",
        &four,
        &Hours::default(),
        &[
            "Kommentaren kom lördag 21 november 2026 kl. 10.00 (normaltid, UTC+1); det är ankomstdagen.",
            "Svar så snart som möjligt under arbetsdagar: samma arbetsdag, annars närmaste arbetsdag.",
            "Lördag 21 november 2026 är ingen arbetsdag: lördag (2 § lagen (1930:173) om beräkning av lagstadgad tid).",
            "Söndag 22 november 2026 är ingen arbetsdag: söndag (1 § lagen (1989:253) om allmänna helgdagar).",
            "Någon är på plats från måndag 23 november 2026 kl. 08.00.",
            "Målet är 4 timmar: till måndag 23 november 2026 kl. 12.00.",
        ],
    );
    check(
        "2026-11-23T09:00:00+01:00",
        &Clocks::default(),
        &Hours::default(),
        &[
            "Kommentaren kom måndag 23 november 2026 kl. 09.00 (normaltid, UTC+1); det är ankomstdagen.",
            "Kommunens profil har ingen svarstid.",
        ],
    );
}

#[test]
fn a_reckoning_is_written_as_the_contract_says() {
    let reckoning = reckon(instant("2026-11-20T19:00:00+01:00"), &ARJEPLOG, &Hours::default());
    let json = serde_json::to_string(&Reckoning { explain: vec!["Så.".into()], ..reckoning }).unwrap();
    assert_eq!(
        json,
        r#"{"received":"2026-11-20T18:00:00Z","answer_24h":"2026-11-21T18:00:00Z","next_working_day":"2026-11-23T15:30:00Z","as_soon_as_possible":null,"explain":["Så."]}"#
    );
}

#[test]
fn the_24_hours_are_24_hours_over_every_change_of_the_clock() {
    let mut seen = 0;
    for line in CHANGES.lines().skip(1) {
        let change = instant(line.split(',').next().unwrap());
        // From a day before to a day after, every half hour.
        for half_hours in -48..=48 {
            let received = change + TimeDelta::minutes(30 * half_hours);
            let reckoning = reckon(received, &ARJEPLOG, &Hours::default());
            let due = reckoning.answer_24h.unwrap();
            assert_eq!(due - received, TimeDelta::hours(24));
            // The change happens at 01.00Z on a Sunday: who arrives on the Saturday before it and ends after it
            // is told of it, and nobody else.
            let told = reckoning.explain.iter().any(|sentence| sentence.contains("2001:127"));
            assert_eq!(told, received < change && due >= change, "{received}");
            // Next working day: always 16.30 by the wall clock.
            let next = calendar::local(reckoning.next_working_day.unwrap()).naive_local();
            assert_eq!(next.time().to_string(), "16:30:00", "{received}");
        }
        seen += 1;
    }
    assert_eq!(seen, 74);
}

#[test]
fn the_edges_of_time_are_reckoned_too() {
    let every = Clocks { as_soon_as_possible: Some(u32::MAX), ..ARJEPLOG };
    for edge in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
        assert!(!reckon(edge, &every, &Hours::default()).explain.is_empty());
        end_of_working_day(edge, 5, &Hours::default());
    }
}

fn any_instant() -> impl Strategy<Value = DateTime<Utc>> {
    (631_152_000i64..4_102_444_800).prop_map(|seconds| DateTime::from_timestamp(seconds, 0).unwrap())
}

proptest! {
    #[test]
    fn the_deadline_is_the_end_of_a_working_day(received in any_instant()) {
        let hours = friday_after_ascension_closed();
        let due = end_of_next_working_day(received, &hours);
        let (arrived, day) = (calendar::local_date(received), calendar::local_date(due));
        prop_assert!(arrived < day && calendar::is_working_day(day, &hours));
        prop_assert_eq!(due, calendar::closing(day, &hours));
        // Backward: no working day lies between.
        prop_assert!(calendar::previous_working_day(day, &hours) <= arrived);
        let told = reckon(received, &ARJEPLOG, &hours);
        let skipped = told.explain.iter().filter(|sentence| sentence.contains("är ingen arbetsdag")).count();
        prop_assert_eq!(i64::try_from(skipped).unwrap(), (day - arrived).num_days() - 1);
    }

    #[test]
    fn later_comments_are_never_due_earlier(one in any_instant(), later in 0i64..1_000_000, promised in 0u32..30) {
        let other = one + TimeDelta::seconds(later);
        let hours = friday_after_ascension_closed();
        let clocks = Clocks { as_soon_as_possible: Some(promised), ..ARJEPLOG };
        let (first, second) = (reckon(one, &clocks, &hours), reckon(other, &clocks, &hours));
        prop_assert!(first.answer_24h <= second.answer_24h);
        prop_assert!(first.next_working_day <= second.next_working_day);
        prop_assert!(first.as_soon_as_possible <= second.as_soon_as_possible);
        prop_assert!(second.as_soon_as_possible.unwrap() >= other);
    }

    #[test]
    fn so_many_working_days_are_counted_one_by_one(received in any_instant(), count in 1u32..12) {
        let hours = Hours::default();
        let (arrived, due) = (calendar::local_date(received), end_of_working_day(received, count, &hours));
        let between = (1u64..60)
            .map(|days| arrived + Days::new(days))
            .take_while(|day: &NaiveDate| *day <= calendar::local_date(due))
            .filter(|day| calendar::is_working_day(*day, &hours))
            .count();
        prop_assert_eq!(between, count as usize);
    }
}
