//! Many accounts at once: nobody waits for another's platform, every poll ends, and every poll is in the log.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use tokio::sync::Notify;
use uppsikt::archive::Preserved;
use uppsikt::cli::accounts;
use uppsikt::config::{Account, Config};
use uppsikt::connector::{
    Capabilities, Connector, ConnectorError, Cursor, Left, Look, Page, Post, Sighting, Target, Window,
};
use uppsikt::domain::comment::Platform;
use uppsikt::pipeline::Which;
use uppsikt::polling::schedule::{self, Ended};
use uppsikt::polling::{self, Pace};
use uppsikt::store::polls::AccountState;
use uppsikt::store::{self, Intent, polls, totals};
use uppsikt::{daemon, steps};

use crate::support::app::{Call, MUNICIPALITY, Rig, at};
use crate::support::six::{Played, Six};

/// What a played platform does when a page is asked for.
#[derive(Debug)]
enum Does {
    Answers(Page),
    Fails(ConnectorError),
    Hangs,
    Panics,
    Takes(Duration),
}

/// A platform whose pages are played in order; after the last one it answers with nothing new.
#[derive(Debug, Default)]
struct Stage {
    plays: Mutex<VecDeque<Does>>,
    running: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    released: Arc<Notify>,
}

impl Stage {
    fn of(plays: impl IntoIterator<Item = Does>) -> Self {
        Self { plays: Mutex::new(plays.into_iter().collect()), ..Self::default() }
    }
}

#[async_trait]
impl Connector for Stage {
    fn platform(&self) -> Platform {
        Platform::Facebook
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            hide: false,
            restore: false,
            remove: false,
            reply: false,
            shows_hidden: true,
            who_still_sees: "alla",
            surfaces: &[],
            unconfirmed: &[],
        }
    }

    async fn page(&self, _from: Option<&Cursor>) -> Result<Page, ConnectorError> {
        let next = self.plays.lock().unwrap().pop_front();
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(running, Ordering::SeqCst);
        let answer = match next {
            None => Ok(Page::default()),
            Some(Does::Answers(page)) => Ok(page),
            Some(Does::Fails(error)) => Err(error),
            Some(Does::Panics) => panic!("played"),
            Some(Does::Takes(time)) => {
                tokio::time::sleep(time).await;
                Ok(Page::default())
            }
            Some(Does::Hangs) => {
                self.released.notified().await;
                Ok(Page::default())
            }
        };
        self.running.fetch_sub(1, Ordering::SeqCst);
        answer
    }

    async fn look(&self, _target: &Target) -> Result<Look, ConnectorError> {
        let url = "https://fake.exempel.se/x".to_owned();
        Ok(Look { sighting: Sighting::Gone, seen: None, answer: None, exchange: None, url, date: None })
    }

    async fn hide(&self, _intent: &Intent, _proof: &Preserved) -> Result<(), ConnectorError> {
        Err(ConnectorError::Refused("played".to_owned()))
    }

    async fn restore(&self, _intent: &Intent, _proof: &Preserved) -> Result<(), ConnectorError> {
        Err(ConnectorError::Refused("played".to_owned()))
    }
}

/// The municipality with so many Facebook accounts, fb, a1, a2 …
fn accounts_of(count: usize) -> String {
    let (head, account) = MUNICIPALITY.split_once("[[account]]").unwrap();
    let mut text = format!("{head}[[account]]{account}");
    for number in 1..count {
        let more = account
            .replace("id = \"fb\"", &format!("id = \"a{number}\""))
            .replace("123456789012345", &format!("{}", 200_000_000_000_000_u64 + number as u64))
            .replace("exempelkommun", &format!("exempel{number}"));
        text.push_str("[[account]]");
        text.push_str(&more);
    }
    text
}

fn rig(count: usize, now: &str) -> Rig {
    Rig::new(&accounts_of(count), now)
}

fn play(rig: &mut Rig, account: &str, stage: Stage) -> Arc<Stage> {
    let stage = Arc::new(stage);
    rig.app.connectors.insert(account.to_owned(), stage.clone());
    stage
}

/// Outcome and reason of every row in the log, by account.
fn log(rig: &Rig, account: &str) -> Vec<(DateTime<Utc>, Option<String>)> {
    let (id, far) = (account.to_owned(), at("2100-01-01T00:00:00Z"));
    let rows =
        rig.app.db.read_now(|reader| polls::logged(reader, &id, at("2000-01-01T00:00:00Z"), far)).unwrap();
    rows.into_iter().map(|row| (row.started_at, row.failure)).collect()
}

fn state(rig: &Rig, account: &str) -> AccountState {
    rig.app.db.read_now(|reader| polls::state(reader, account)).unwrap()
}

const QUICK: Pace = Pace { in_all: 16, per_host: 4, longest: Duration::from_secs(4) };

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_hangs_or_panics_delays_nobody_and_each_poll_has_its_row() {
    let mut rig = rig(6, "2026-11-23T12:00:00Z");
    play(&mut rig, "a1", Stage::of([Does::Hangs]));
    play(&mut rig, "a2", Stage::of([Does::Panics]));
    play(&mut rig, "a3", Stage::of([Does::Fails(ConnectorError::Unavailable("nere".to_owned()))]));
    let began = Instant::now();
    let read = polling::all(&rig.app, Which::All, QUICK).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(
        read.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(),
        ["fb", "a1", "a2", "a3", "a4", "a5"]
    );
    for (id, polled) in read {
        let expected = match id.as_str() {
            "a1" => Some("läsningen blev inte klar"),
            "a2" => Some("fel i Uppsikt"),
            "a3" => Some("nere"),
            _ => None,
        };
        let told = polled.failure.unwrap_or_default();
        assert!(expected.map_or(told.is_empty(), |part| told.contains(part)), "{id}: {told}");
        assert_eq!(log(&rig, &id).len(), 1, "{id}");
        assert_eq!(state(&rig, &id).blind.is_some(), expected.is_some(), "{id}");
        assert_eq!(state(&rig, &id).poll_began, None, "{id}");
    }
    // All is well again: the next poll reads, and the account sees.
    rig.advance(TimeDelta::minutes(5));
    polling::all(&rig.app, Which::All, QUICK).await.unwrap();
    assert!(["a1", "a2", "a3"].iter().all(|id| state(&rig, id).blind.is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_host_is_asked_by_more_at_once_than_it_has_patience_for() {
    for (pace, most) in [
        (Pace { in_all: 16, per_host: 4, ..Pace::default() }, 4),
        (Pace { in_all: 3, per_host: 8, ..Pace::default() }, 3),
    ] {
        let mut rig = rig(12, "2026-11-23T12:00:00Z");
        let (running, highest) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        for number in 0..12 {
            let id = if number == 0 { "fb".to_owned() } else { format!("a{number}") };
            let stage = Stage {
                running: running.clone(),
                most: highest.clone(),
                ..Stage::of([Does::Takes(Duration::from_millis(30))])
            };
            play(&mut rig, &id, stage);
        }
        let read = polling::all(&rig.app, Which::All, pace).await.unwrap();
        assert_eq!(read.len(), 12);
        assert!(read.iter().all(|(_, polled)| polled.failure.is_none()));
        assert_eq!(highest.load(Ordering::SeqCst), most);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_one_platform_hangs_the_daemon_judges_acts_and_writes_letters_for_the_others() {
    let mut rig = rig(2, "2026-11-23T12:00:00Z");
    let stage = play(&mut rig, "a1", Stage::of([Does::Hangs]));
    rig.comment("fb", "p", "1", "Jag vet var du bor. Du ska dö.", at("2026-11-23T11:59:00Z"));
    rig.app.db.write_now(|tx| polls::declare(tx, "fb", Some(at("2026-11-23T00:00:00Z")))).unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let app = rig.app.clone();
    let running = tokio::spawn(async move {
        let stopped = async move { drop(stopped.await) };
        Box::pin(daemon::run(&app, stopped)).await
    });
    let began = Instant::now();
    while rig.letters_to("anna").is_empty() {
        assert!(began.elapsed() < Duration::from_secs(30), "no letter of the danger");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(state(&rig, "a1").poll_began.is_some(), "its poll still hangs");
    assert!(log(&rig, "a1").is_empty());
    assert_eq!(log(&rig, "fb").len(), 1, "and it is not asked again before its time");
    stage.released.notify_one();
    stop.send(()).unwrap();
    running.await.unwrap().unwrap();
    assert_eq!(log(&rig, "a1").len(), 1);
}

#[tokio::test]
async fn a_poll_that_died_with_its_process_is_in_the_log_and_the_time_was_blind() {
    let mut rig = rig(1, "2026-11-23T12:00:00Z");
    rig.pass().await;
    rig.set("2026-11-23T12:05:00Z");
    // As a kill leaves it: begun, never ended.
    rig.app.db.write_now(|tx| polls::begin(tx, "fb", at("2026-11-23T12:05:00Z"))).unwrap();
    rig.restart();
    rig.set("2026-11-23T12:07:00Z");
    rig.comment("fb", "p", "1", "När öppnar badhuset?", at("2026-11-23T12:06:00Z"));
    rig.pass().await;
    let rows = log(&rig, "fb");
    let failures: Vec<_> = rows.iter().map(|(_, failure)| failure.as_deref().unwrap_or("")).collect();
    assert_eq!(failures, ["", "läsningen avbröts: Uppsikt stannade", ""]);
    let duty = rig.open_duties().into_iter().find(|duty| duty.what.kind == "answer_24h").unwrap();
    assert!(
        duty.what.explain[0].starts_with("Upptäckt sent: kontot lästes inte mellan"),
        "{:?}",
        duty.what.explain
    );
}

#[tokio::test]
async fn one_failed_poll_is_no_letter_three_over_ten_minutes_are_and_a_dead_key_is_at_once() {
    type Step = (i64, Option<ConnectorError>, bool);
    let down = || ConnectorError::Unavailable("nere".to_owned());
    // Minutes between polls, what each does, and whether somebody was told after it.
    let dead = || ConnectorError::Unauthorized("nyckeln gäller inte".to_owned());
    let table: Vec<(&str, Vec<Step>)> = vec![
        ("once", vec![(5, Some(down()), false), (1, None, false), (5, None, false)]),
        (
            "three over ten minutes",
            vec![
                (5, Some(down()), false),
                (1, Some(down()), false),
                (2, Some(down()), false),
                (8, Some(down()), true),
            ],
        ),
        (
            "three in three minutes",
            vec![(5, Some(down()), false), (1, Some(down()), false), (1, Some(down()), false)],
        ),
        ("two, but long after", vec![(5, Some(down()), false), (20, Some(down()), true)]),
        ("dead key", vec![(5, Some(dead()), true)]),
    ];
    for (what, steps) in table {
        let rig = rig(1, "2026-11-23T12:00:00Z");
        rig.pass().await;
        for (minutes, error, told) in steps {
            rig.advance(TimeDelta::minutes(minutes));
            let failed = error.is_some();
            if let Some(error) = error {
                rig.fake("fb").fault(Call::Page, false, error);
            }
            rig.pass().await;
            let open = rig.open_duties().iter().any(|duty| duty.what.kind == "account_blind");
            assert_eq!(open, failed, "{what}");
            for person in ["drift", "chef"] {
                assert_eq!(
                    rig.letters_to(person).len(),
                    usize::from(told),
                    "{what}: {person} at {}",
                    rig.now()
                );
            }
        }
    }
}

#[tokio::test]
async fn an_account_that_nobody_reads_is_told_once_although_nothing_fails() {
    let rig = rig(1, "2026-11-23T12:00:00Z");
    rig.pass().await;
    rig.set("2026-11-23T12:30:00Z");
    let account = rig.app.config.account("fb").unwrap().clone();
    for _ in 0..2 {
        steps::poll::silent(&rig.app, &account, at("2026-11-23T12:08:00Z")).await.unwrap();
        steps::watch::all(&rig.app).await.unwrap();
        rig.advance(TimeDelta::minutes(5));
    }
    let told = rig.outbox().iter().filter(|stored| stored.letter.person == "it").count();
    assert_eq!(told, 1);
    rig.pass().await;
    assert!(rig.open_duties().is_empty());
}

fn account_of(config: &Config, id: &str) -> Account {
    config.account(id).unwrap().clone()
}

#[test]
fn accounts_behind_one_host_begin_evenly_over_their_slot_and_always_the_same() {
    let rig = rig(5, "2026-11-23T12:00:00Z");
    let config = &rig.app.config;
    let slots: Vec<_> = config
        .accounts
        .iter()
        .map(|account| schedule::slot(config, account, at("2026-11-23T12:00:00Z")).to_rfc3339())
        .collect();
    let minutes: Vec<_> = slots.iter().map(|slot| &slot[14..19]).collect();
    assert_eq!(minutes, ["05:00", "01:00", "02:00", "03:00", "04:00"]);
    for account in &config.accounts {
        let first = schedule::slot(config, account, at("2026-11-23T12:00:00Z"));
        assert_eq!(schedule::slot(config, account, first), first + TimeDelta::minutes(5), "{}", account.id);
        assert_eq!(schedule::polls_a_day(account, first), 288);
    }
    // A night when the clocks go back: an hour more of polls.
    let account = account_of(config, "fb");
    assert_eq!(schedule::polls_a_day(&account, at("2026-10-24T12:00:00Z")), 300);
}

#[test]
fn the_next_poll_comes_sooner_after_a_failure_or_a_surge_and_later_when_a_quota_runs_out() {
    let rig = rig(2, "2026-11-23T12:00:00Z");
    let config = &rig.app.config;
    let account = account_of(config, "fb");
    let now = at("2026-11-23T12:00:10Z");
    let seen = AccountState { last_ok: Some(at("2026-11-23T11:55:00Z")), ..AccountState::default() };
    let failed = |failures| AccountState { failures, ..seen.clone() };
    let surging = AccountState { surge_until: Some(at("2026-11-23T12:30:00Z")), ..seen.clone() };
    let left = |used| Left {
        name: "youtube/units a day".to_owned(),
        limit: 1000,
        used,
        reserve: 100,
        resets_at: Some(at("2026-11-24T08:00:00Z")),
        window: Window::PacificDay,
    };
    let none: &[Left] = &[];
    let costs: BTreeMap<_, _> = [("fb", 2_u64), ("a1", 3)]
        .map(|(id, units)| (id.to_owned(), [("youtube/units a day".to_owned(), units)].into()))
        .into();
    let (fresh, spent, empty) = ([left(0)], [left(800)], [left(900)]);
    let base = Ended {
        account: &account,
        at: now,
        ok: true,
        dead_key: false,
        wait: None,
        new: 0,
        state: &seen,
        left: none,
        costs: &costs,
        crisis: false,
    };
    let minutes = |ended: &Ended<'_>| {
        let next = schedule::next(config, ended);
        ((next.at - now).num_seconds(), next.slow.is_some(), next.surge_until.is_some())
    };
    assert_eq!(minutes(&base), (290, false, false), "the schedule");
    assert_eq!(minutes(&Ended { crisis: true, ..base }), (60, false, false));
    assert_eq!(minutes(&Ended { new: 20, ..base }), (60, false, true), "many came");
    let first = Ended { new: 20, state: &AccountState::default(), ..base };
    assert!(!minutes(&first).2, "the first night is no surge");
    assert_eq!(minutes(&Ended { state: &surging, ..base }), (60, false, true), "and it lasts");
    let bad = Ended { ok: false, ..base };
    assert_eq!(minutes(&bad).0, 60, "tried again soon");
    assert_eq!(minutes(&Ended { state: &failed(1), ..bad }).0, 120);
    assert_eq!(minutes(&Ended { state: &failed(40), ..bad }).0, 290, "never later than the schedule");
    assert_eq!(minutes(&Ended { dead_key: true, ..bad }).0, 290, "a dead key is not tried sooner");
    assert_eq!(minutes(&Ended { wait: Some(TimeDelta::hours(3)), ..bad }).0, 3 * 3600);
    // 20 hours are left: 5 units every five minutes are 1200 of 855, of 95 or of nothing.
    assert_eq!(
        minutes(&Ended { left: &fresh, ..base }),
        (420, false, false),
        "a little rarer, within patience"
    );
    let (rare, slow, _) = minutes(&Ended { left: &spent, ..base });
    assert!(slow && (3700..3900).contains(&rare), "{rare}");
    assert_eq!(
        minutes(&Ended { left: &empty, ..base }),
        (20 * 3600 - 10, true, false),
        "when it is whole again"
    );
    let next = schedule::next(config, &Ended { left: &spent, ..base });
    let slow = next.slow.unwrap();
    assert!(slow.contains("läses var 63:e minut i stället för var 5:e"), "{slow}");
    assert!(slow.contains("100 av 900 kvar"), "{slow}");
    assert!(next.late_at < next.at, "the report calls it blind");
    // Another account's quota is none of ours.
    let other = BTreeMap::new();
    assert_eq!(minutes(&Ended { left: &empty, costs: &other, ..base }).0, 290);
}

#[tokio::test]
async fn a_quota_that_runs_out_slows_an_account_down_and_the_report_says_so() {
    let mut rig = rig(1, "2026-11-23T12:00:00Z");
    rig.pass().await;
    let slow = "läses var 60:e minut i stället för var 5:e för att kvoten ska räcka";
    rig.app
        .db
        .write_now(move |tx| {
            tx.execute("update account_state set slow = ?1", [slow])?;
            tx.execute("update poll set slow = ?1", [slow])?;
            Ok(())
        })
        .unwrap();
    rig.restart();
    rig.set("2026-11-23T13:00:00Z");
    rig.pass().await;
    let days = report(&rig, "2026-11-23", "2026-11-23");
    assert_eq!(days[0].blind.len(), 1);
    assert_eq!(days[0].blind[0].because, slow);
    assert!(!days[0].watched);
}

fn report(rig: &Rig, from: &str, to: &str) -> Vec<accounts::Day> {
    let days = (from.parse().unwrap(), to.parse().unwrap());
    rig.app.db.read_now(|reader| accounts::days(reader, &rig.app.config, days, rig.now())).unwrap()
}

#[tokio::test]
async fn the_report_tells_day_by_day_what_was_seen_and_no_silent_day_was_watched() {
    let rig = rig(1, "2026-11-20T23:00:00Z");
    // Stockholm's Saturday is watched, on Sunday the daemon is down from 10 to 18, on Monday nothing runs at all.
    rig.pass().await;
    while rig.now() < at("2026-11-22T09:00:00Z") {
        rig.advance(TimeDelta::minutes(5));
        steps::poll::account(&rig.app, rig.app.config.account("fb").unwrap()).await.unwrap();
    }
    rig.set("2026-11-22T17:00:00Z");
    rig.comment("fb", "p", "1", "Vad kostar en parkering?", at("2026-11-22T12:00:00Z"));
    while rig.now() < at("2026-11-22T23:00:00Z") {
        steps::poll::account(&rig.app, rig.app.config.account("fb").unwrap()).await.unwrap();
        rig.advance(TimeDelta::minutes(5));
    }
    rig.set("2026-11-24T12:00:00Z");
    let days = report(&rig, "2026-11-20", "2026-11-30");
    let told: Vec<_> = days
        .iter()
        .map(|day| {
            let blind: Vec<_> = day.blind.iter().map(|blind| (blind.to - blind.from).num_minutes()).collect();
            (day.day.to_string(), day.watched, day.polls, blind, day.because)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("2026-11-20".to_owned(), false, 0, vec![], Some("bevakningen hade inte börjat")),
            ("2026-11-21".to_owned(), true, 288, vec![], None),
            ("2026-11-22".to_owned(), false, 193, vec![480, 5], None),
            ("2026-11-23".to_owned(), false, 0, vec![1440], None),
            ("2026-11-24".to_owned(), false, 0, vec![780], None),
        ]
    );
    assert_eq!(days[2].blind[0].because, "Uppsikt gick inte");
    assert_eq!(days[2].blind[0].found_late, 1);
    assert_eq!(days[3].seen_until, Some(at("2026-11-22T22:55:00Z")));
    // The deadline runs from the comment's own time; that it was found late stands with it.
    rig.set("2026-11-22T23:00:00Z");
    rig.pass().await;
    let duty = rig.open_duties().into_iter().find(|duty| duty.what.kind == "answer_24h").unwrap();
    assert_eq!(duty.what.trigger_at, at("2026-11-22T12:00:00Z"));
    assert!(duty.what.explain[0].contains("Upptäckt sent"), "{:?}", duty.what.explain);
}

#[tokio::test]
async fn the_command_tells_the_same_in_words_and_as_json_and_refuses_impossible_days() {
    let rig = rig(1, "2026-11-23T12:00:00Z");
    rig.pass().await;
    rig.fake("fb").fault(Call::Page, false, ConnectorError::Unavailable("nere".to_owned()));
    rig.advance(TimeDelta::minutes(5));
    rig.pass().await;
    rig.advance(TimeDelta::minutes(1));
    let show = |from: Option<&str>, to: Option<&str>, json| {
        let days = (from.map(|day| day.parse().unwrap()), to.map(|day| day.parse().unwrap()));
        let mut out = Vec::new();
        let mut result = Ok(());
        rig.app
            .db
            .read_now(|reader| {
                result = accounts::show(reader, &rig.app.config, days, rig.now(), json, &mut out);
                Ok(())
            })
            .unwrap();
        result.map(|()| String::from_utf8(out).unwrap())
    };
    let text = show(None, None, false).unwrap();
    assert_eq!(text.lines().filter(|line| line.starts_with("2026-11-")).count(), 7);
    assert!(text.contains("BLINT en del av dagen"), "{text}");
    assert!(text.contains("  blint från "), "{text}");
    let json = show(Some("2026-11-23"), None, true).unwrap();
    let line: serde_json::Value = serde_json::from_str(json.trim()).unwrap();
    assert_eq!(line["account"], "fb");
    assert_eq!(line["watched"], false);
    assert_eq!(line["blind"][0]["from"], "2026-11-23T12:00:00Z");
    assert!(show(Some("2026-11-24"), Some("2026-11-23"), false).is_err());
    assert!(show(Some("2020-01-01"), Some("2026-11-23"), false).is_err());
    assert_eq!(
        show(Some("2027-01-01"), Some("2027-01-02"), true).unwrap(),
        "",
        "days to come are not told of"
    );
}

fn post(comments: u64) -> Page {
    let post = Post {
        native_id: "p".to_owned(),
        text: "Inlägget".to_owned(),
        created_at: at("2026-11-23T10:00:00Z"),
        permalink: None,
        comments: Some(comments),
        element: Vec::new(),
    };
    Page { posts: vec![post], cursor: Some(Cursor("{}".to_owned())), ..Page::default() }
}

#[tokio::test]
async fn a_count_that_nothing_explains_is_told_once_when_it_has_held_for_two_sweeps() {
    let mut rig = rig(1, "2026-11-23T12:00:00Z");
    // Three that nobody has seen, for two sweeps; then none; then one, for a moment.
    let counts = [0, 3, 3, 3, 5, 5, 0, 1, 0];
    play(&mut rig, "fb", Stage::of(counts.map(|count| Does::Answers(post(count)))));
    let mut told = Vec::new();
    for _ in counts {
        rig.advance(TimeDelta::minutes(5));
        rig.pass().await;
        let open = rig.open_duties().iter().filter(|duty| duty.what.kind == "count_differs").count();
        told.push((open, rig.letters_to("chef").len()));
    }
    assert_eq!(told, [(0, 0), (0, 0), (1, 1), (1, 1), (1, 2), (1, 2), (0, 2), (0, 2), (0, 2)]);
    let letter = rig.letters_to("chef")[0].text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(letter.contains("plattformen räknar 3 kommentarer som Uppsikt inte har sett"), "{letter}");
    assert!(letter.contains("uppsikt accounts"), "{letter}");
    assert!(rig.letters_to("drift").is_empty());
}

#[tokio::test]
async fn a_difference_that_the_hidden_and_the_gone_explain_is_nobodys_trouble() {
    let mut rig = rig(1, "2026-11-23T12:00:00Z");
    rig.comment("fb", "p", "1", "Vilken fin sommar.", at("2026-11-23T11:00:00Z"));
    rig.comment("fb", "p", "2", "Vilken fin höst.", at("2026-11-23T11:00:00Z"));
    rig.pass().await;
    rig.fake("fb").remove("2");
    rig.advance(TimeDelta::minutes(5));
    rig.pass().await;
    play(&mut rig, "fb", Stage::of([2, 2, 2].map(|count| Does::Answers(post(count)))));
    for _ in 0..3 {
        rig.advance(TimeDelta::minutes(5));
        rig.pass().await;
    }
    assert!(rig.app.db.read_now(|reader| totals::off(reader, "fb")).unwrap().is_empty());
    assert!(rig.open_duties().iter().all(|duty| duty.what.kind != "count_differs"));
}

#[tokio::test]
async fn in_a_crisis_everything_is_read_faster_until_it_is_over() {
    let rig = rig(1, "2026-11-23T12:00:00Z");
    rig.app.db.write_now(|tx| polls::set_crisis(tx, at("2026-11-23T13:00:00Z"))).unwrap();
    rig.pass().await;
    assert_eq!(state(&rig, "fb").next_poll, Some(at("2026-11-23T12:01:00Z")));
    rig.set("2026-11-23T13:00:00Z");
    rig.pass().await;
    assert_eq!(state(&rig, "fb").next_poll, Some(at("2026-11-23T13:05:00Z")));
    rig.app.db.write_now(|tx| store::set_meta(tx, polls::CRISIS_UNTIL, "snart")).unwrap();
    assert!(rig.app.db.read_now(|reader| polls::crisis(reader, rig.now())).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_only_now_and_then_does_not_count_as_what_every_poll_costs() {
    let channel = Played::new(Platform::Youtube, 1, 5);
    let six = Six::new(std::slice::from_ref(&channel), at("2026-11-24T08:00:00Z")).await;
    let post = channel.post(0, six.now());
    // Two pages of threads, and a hundred of them with more answers than come along.
    for thread in 0..150_usize {
        let written = six.now() - TimeDelta::minutes(i64::try_from(thread).unwrap());
        let above = channel.comment(thread * 10, &post, None, written);
        let answers = if thread < 100 { 6 } else { 0 };
        for number in 0..=answers {
            let parent = (number > 0).then_some(above.as_str());
            let id = channel.comment(thread * 10 + number, &post, parent, written);
            let line = json!({ "account": channel.native, "post": post, "id": id, "parent": parent,
                "author": { "id": "UCbesokare", "name": "Berit" }, "at": channel.date(written), "text": "Hej" });
            six.control("add", &line);
        }
    }
    let read = polling::all(&six.all.app, Which::All, Pace::default()).await.unwrap();
    assert_eq!((read[0].1.new, read[0].1.failure.as_deref()), (150 + 600, None));
    let far = at("2100-01-01T00:00:00Z");
    let (spent, usual, state) = six
        .all
        .app
        .db
        .read_now(|reader| {
            let (_, spent) = polls::spent(reader, &channel.id, at("2000-01-01T00:00:00Z"), far)?;
            Ok((spent, polls::costs(reader)?, polls::state(reader, &channel.id)?))
        })
        .unwrap();
    // All pages, a hundred threads' answers, the two lists of what is held back and the film; of these every poll costs the
    // newest page and, at most, the two lists.
    let units = |costs: &BTreeMap<String, u64>| costs.values().copied().collect::<Vec<_>>();
    let asked = six.sandbox().requests_since(0).len() as u64;
    assert!(asked > 100, "{asked}");
    assert_eq!((units(&spent), units(&usual[&channel.id])), (vec![asked], vec![3]));
    // So many units in each of 288 polls a day would not fit.
    assert!(state.next_poll.unwrap() <= six.now() + TimeDelta::minutes(5), "{state:?}");
    assert_eq!(state.slow, None);
}
