//! A simulated day of many accounts on six platforms, with quotas, faults and outages.
//!
//! The small one runs with the other tests; the whole one with
//! `UPPSIKT_ACCOUNTS=500 UPPSIKT_COMMENTS=20000 cargo test --release --test it day:: -- --nocapture`
//! (`tests/run day`). The clock goes five minutes a step, as fast as the machine can. A tenth of the accounts is read
//! every quarter of an hour, four tenths every half hour, the rest every hour, LinkedIn's pages every other hour.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::{Value, json};
use uppsikt::assemble;
use uppsikt::cli::accounts;
use uppsikt::domain::comment::Platform;
use uppsikt::pipeline::{self, Which};
use uppsikt::polling::{self, Pace};
use uppsikt::sandbox::Asked;
use uppsikt::store::polls;

use crate::support::app::at;
use crate::support::six::{Dice, PLATFORMS, Played, Six, control};

/// Midnight in Sweden.
const BEGIN: &str = "2026-11-23T23:00:00Z";
const STEP: i64 = 5;
const STEPS: i64 = 24 * 60 / STEP;

/// The daemon does not run between these steps (two to three in the morning).
const STOPPED: std::ops::Range<i64> = 24..36;

/// Comments come until this minute, so that every account is polled once more before midnight.
const LAST: usize = 21 * 60;

/// Nothing is changed in the step in which it comes.
const SOON: usize = 5;

/// Nothing is changed later: the two hours after midnight are for what is read once more.
const LATEST: i64 = 24 * 60 - STEP;

const POSTS: usize = 3;

/// What Bluesky's polls always say: not all posts beyond the newest hundred are read in every sweep. The script's are all
/// among those.
const OLDER_POSTS: &str = "inlägg äldre än de 100 senaste läses";

/// What YouTube's polls say that read only as far as the newest hundred threads, and so many minutes they may do so: late
/// replies under older threads are not theirs to receive.
const OLDER_THREADS: &str =
    "svar i trådar äldre än de 100 senaste lästes inte i detta svep; de läses så snart ";
const NEWEST_THREADS: usize = 100;

const TEXTS: [&str; 8] = [
    "Vilken fin sommar vi har haft i år.",
    "När öppnar badhuset?",
    "Tack för hjälpen! 🌻",
    "Det sitter bara idioter på det där kontoret",
    "Vägen till skolan är inte plogad, och så har det varit i en vecka nu.",
    "Hur länge ska vi vänta på bygglovet?",
    "Bra jobbat av er alla \"i huset\" & hemtjänsten <3",
    "Ja\noch\nnej",
];

/// What the script does with one comment.
#[derive(Debug)]
struct Meant {
    account: usize,
    id: String,
    /// The comment that it answers.
    above: Option<String>,
    text: String,
    edited: Option<String>,
    /// The steps before (or during) whose polls it came and went.
    from: i64,
    to: i64,
}

#[derive(Debug)]
enum Event {
    Add(Value),
    Edit(Value),
    Delete(Value),
    Undelete(Value),
    Fault(Value),
}

impl Event {
    fn play(&self, sandbox: &uppsikt::sandbox::Sandbox) {
        match self {
            Self::Add(body) => control(sandbox, "add", body),
            Self::Edit(body) => control(sandbox, "edit", body),
            Self::Delete(body) => control(sandbox, "delete", body),
            Self::Undelete(body) => control(sandbox, "undelete", body),
            Self::Fault(body) => control(sandbox, "fault", body),
        }
    }
}

/// A time during which an account's platform answers nothing that can be used.
#[derive(Debug)]
struct Outage {
    account: usize,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

#[derive(Debug)]
struct Script {
    accounts: Vec<Played>,
    meant: Vec<Meant>,
    /// By step; the flag says that it happens while the step's polls run.
    events: BTreeMap<i64, Vec<(bool, Event)>>,
    outages: Vec<Outage>,
}

fn number(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// How many accounts each platform has: as Swedish municipalities use them, and no more of LinkedIn than the calls of
/// its development tier are enough for.
fn accounts(count: usize) -> Vec<Played> {
    let share = |per_mille: usize| (count * per_mille / 1000).max(2);
    let mut of: BTreeMap<&str, usize> = BTreeMap::new();
    let small = [("youtube", 60), ("linkedin", 10), ("x", 50), ("bluesky", 100), ("instagram", 320)];
    of.extend(small.map(|(name, share_of)| (name, share(share_of))));
    let rest = count.saturating_sub(of.values().sum());
    of.insert("facebook", rest);
    let mut accounts = Vec::new();
    for platform in PLATFORMS {
        for number in 0..of[platform.code()] {
            let every = match (platform, number % 10) {
                (Platform::Linkedin, _) => 120,
                (_, 0) => 15,
                (_, 1..5) => 30,
                _ => 60,
            };
            accounts.push(Played::new(platform, number, every));
        }
    }
    accounts
}

/// The first step at or after a minute of the day.
fn step_of(minute: i64) -> i64 {
    (minute + STEP - 1).div_euclid(STEP)
}

fn script(accounts: Vec<Played>, comments: usize, dice: &mut Dice) -> Script {
    let begin = at(BEGIN);
    let mut script = Script { accounts, meant: Vec::new(), events: BTreeMap::new(), outages: Vec::new() };
    let mut minutes: Vec<i64> = (0..comments)
        .map(|_| {
            // Few write at night.
            let minute = dice.minutes(0, LAST);
            if minute < 360 && dice.roll(4) > 0 { dice.minutes(360, LAST) } else { minute }
        })
        .collect();
    minutes.sort_unstable();
    // Comments at the top level that stay, by account and post.
    let mut stay: BTreeMap<(usize, usize), Vec<(String, i64)>> = BTreeMap::new();
    for (number, minute) in minutes.into_iter().enumerate() {
        // One account in twenty gets a third of all comments.
        let count = script.accounts.len();
        let account =
            if dice.roll(3) == 0 { dice.roll(count.div_ceil(20)) * 19 % count } else { dice.roll(count) };
        let played = &script.accounts[account];
        let (post, when) = (dice.roll(POSTS), begin + TimeDelta::minutes(minute));
        let above = stay.get(&(account, post)).filter(|_| dice.roll(4) == 0);
        let above = above.map(|all| all[dice.roll(all.len())].clone());
        let post_id = played.post(post, posted(post));
        let (above, answered) = above.unzip();
        let id = played.comment(number, &post_id, above.as_deref(), when);
        let answers = above.clone();
        let text = format!("{} ({number})", TEXTS[dice.roll(TEXTS.len())]);
        let line = json!({
            "account": played.native, "post": post_id, "id": id, "parent": above, "text": text,
            "author": { "id": author(played.platform, number), "name": "Berit Besökare" }, "at": played.date(when),
        });
        let mut put = |minute: i64, event: Event, beside: bool| {
            script.events.entry(step_of(minute)).or_default().push((beside, event));
        };
        // An answer never comes before what it answers.
        let beside = dice.roll(2) == 0 || answered.is_some_and(|from: i64| from > step_of(minute));
        put(minute, Event::Add(line), beside);
        let from = step_of(minute) + i64::from(beside);
        let (mut to, mut edited) = (i64::MAX, None);
        match dice.roll(20) {
            0 => {
                let gone = (minute + dice.minutes(SOON, 300)).min(LATEST);
                put(gone, Event::Delete(json!({ "id": id })), dice.roll(2) == 0);
                to = step_of(gone);
                let back = gone + dice.minutes(10, 200);
                if dice.roll(3) == 0 && back <= LATEST {
                    put(back, Event::Undelete(json!({ "id": id })), false);
                }
            }
            1 if !matches!(played.platform, Platform::X | Platform::Bluesky) => {
                let new = format!("{text} – ändrat");
                let change = (minute + dice.minutes(SOON, 300)).min(LATEST);
                put(change, Event::Edit(json!({ "id": id, "text": new })), dice.roll(2) == 0);
                edited = Some(new);
            }
            _ if above.is_none() => stay.entry((account, post)).or_default().push((id.clone(), from)),
            _ => {}
        }
        script.meant.push(Meant { account, id, above: answers, text, edited, from, to });
    }
    faults(&mut script, dice);
    script
}

fn author(platform: Platform, number: usize) -> String {
    match platform {
        Platform::Bluesky => format!("did:plc:besok{}", number % 97),
        _ => format!("9{}", number % 997),
    }
}

fn posted(post: usize) -> DateTime<Utc> {
    at(BEGIN) - TimeDelta::hours(10 + 7 * i64::try_from(post).unwrap())
}

fn faults(script: &mut Script, dice: &mut Dice) {
    let begin = at(BEGIN);
    let order = |script: &mut Script, minute: i64, body: Value| {
        script.events.entry(step_of(minute)).or_default().push((false, Event::Fault(body)));
    };
    // Every platform is out once, for all of its accounts.
    let outages = [
        ("facebook", 600, 95),
        ("instagram", 480, 40),
        ("youtube", 700, 70),
        ("linkedin", 780, 180),
        ("x", 540, 61),
        ("bluesky", 900, 125),
    ];
    let kinds = ["down", "html", "token", "429"];
    let outage = |script: &mut Script, account: usize, kind: &str, minute: i64, lasts: i64| {
        let (from, to) = (begin + TimeDelta::minutes(minute), begin + TimeDelta::minutes(minute + lasts));
        let body =
            json!({ "kind": kind, "on": "any", "until": to, "seconds": 120, "retry_after": lasts % 2 == 0 });
        let body = fault(&script.accounts[account], body);
        // It answers everything: single answers that wait to go wrong would come before it.
        let native = script.accounts[account].native.clone();
        order(script, minute, json!({ "account": native, "kind": "none" }));
        order(script, minute, body);
        // It begins with the step that sets it.
        script.outages.push(Outage {
            account,
            from: from.max(begin + TimeDelta::minutes(step_of(minute) * STEP)),
            to,
        });
    };
    for account in 0..script.accounts.len() {
        let code = script.accounts[account].platform.code();
        let (_, minute, lasts) = outages.iter().find(|(name, ..)| *name == code).unwrap();
        outage(script, account, "down", *minute, *lasts);
        // And one account in three once more, alone.
        if dice.roll(3) == 0 {
            let kind = kinds[dice.roll(kinds.len())];
            outage(script, account, kind, dice.minutes(1100, 1140), dice.minutes(20, 100));
        }
    }
    // Single answers that go wrong: a hundred for five hundred accounts an hour.
    let single = [
        "429",
        "500",
        "down",
        "truncated",
        "html",
        "string_error",
        "wrong_type",
        "empty",
        "localised",
        "refuse",
    ];
    for number in 0..script.accounts.len() * 4 {
        let kind = single[number % single.len()];
        let account = &script.accounts[dice.roll(script.accounts.len())];
        let body = json!({ "kind": kind, "on": "read", "times": 1 + dice.roll(2), "seconds": 90,
            "retry_after": dice.roll(2) == 0 });
        let body = fault(account, body);
        let minute = dice.minutes(0, 1200);
        script.events.entry(step_of(minute)).or_default().push((false, Event::Fault(body)));
    }
}

/// The fault as it is set for an account. "Too many" of YouTube is the one that passes: its other one says that the
/// whole day's quota is spent, and then no channel is read before midnight in Los Angeles, as it should be.
fn fault(account: &Played, mut body: Value) -> Value {
    body["account"] = json!(account.native);
    if account.platform == Platform::Youtube && body["kind"] == "429" {
        body["code"] = json!(429);
    }
    body
}

/// What is counted of a platform.
#[derive(Debug, Default)]
struct Row {
    accounts: usize,
    written: usize,
    /// Of these, visible throughout one complete poll.
    bound: usize,
    stored: usize,
    polls: usize,
    failed: usize,
    calls: usize,
    refused: usize,
    /// Minutes that were seen, and that are named blind: together all of the day, for every account.
    seen: i64,
    blind: i64,
}

/// A complete sweep: from the first try after a success to the next success, with nothing told as not read.
#[derive(Debug, Clone, Copy)]
struct Sweep {
    from: i64,
    to: i64,
    /// It left out the replies under all but the newest threads, and said so.
    newest_only: bool,
}

/// The polls of an account: the step, and whether it succeeded.
#[derive(Debug, Default)]
struct Polls {
    done: Vec<(i64, bool)>,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_day_of_many_accounts_loses_nothing_and_accounts_for_every_blind_minute() {
    let (count, comments) = (number("UPPSIKT_ACCOUNTS", 30), number("UPPSIKT_COMMENTS", 1_200));
    let mut dice = Dice(0x0075_7070_7369_6b74);
    let script = script(accounts(count), comments, &mut dice);
    let began = Instant::now();
    let six = Six::new(&script.accounts, at(BEGIN)).await;
    for account in &script.accounts {
        for post in 0..POSTS {
            let when = posted(post);
            let order = json!({ "account": account.native, "id": account.post(post, when),
                "text": format!("Inlägg {post}"), "at": account.date(when) });
            six.control("post", &order);
        }
    }
    let (polls, calls) = play(&six, &script).await;
    let took = began.elapsed();
    let rows = judge(&six, &script, &polls, &calls);
    print(&rows, took, &six);
}

/// Plays the script to the end, and two hours more in which nothing happens and nothing fails.
async fn play(six: &Six, script: &Script) -> (Vec<Polls>, Vec<Asked>) {
    let pace = Pace { in_all: 16, per_host: 16, ..Pace::default() };
    let index: BTreeMap<&str, usize> =
        script.accounts.iter().enumerate().map(|(place, account)| (account.id.as_str(), place)).collect();
    let mut polls: Vec<Polls> = script.accounts.iter().map(|_| Polls::default()).collect();
    let mut calls: Vec<Asked> = Vec::new();
    let (none, mut news) = (Vec::new(), Vec::new());
    for step in 0..STEPS + 120 / STEP {
        if step > 0 {
            six.advance(TimeDelta::minutes(STEP));
        }
        if step == STEPS {
            for account in &script.accounts {
                six.control("fault", &json!({ "account": account.native, "kind": "none" }));
            }
        }
        let events = script.events.get(&step).unwrap_or(&none);
        for (_, event) in events.iter().filter(|(beside, _)| !beside) {
            event.play(six.sandbox());
        }
        let polled = AtomicBool::new(false);
        let read = std::thread::scope(|scope| {
            scope.spawn(|| {
                for (_, event) in events.iter().filter(|(beside, _)| *beside) {
                    event.play(six.sandbox());
                    if !polled.load(Ordering::Relaxed) {
                        std::thread::sleep(Duration::from_millis(2));
                    }
                }
            });
            let read = tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current().block_on(async {
                    if STOPPED.contains(&step) {
                        return Vec::new();
                    }
                    polling::all(&six.all.app, Which::Due, pace).await.unwrap()
                })
            });
            polled.store(true, Ordering::Relaxed);
            read
        });
        for (id, polled) in &read {
            polls[index[id.as_str()]].done.push((step, polled.failure.is_none()));
        }
        news.extend(read);
        // Judging, letters and deadlines: every quarter of an hour.
        if step % 3 == 0 && !STOPPED.contains(&step) {
            Box::pin(pipeline::pass_after(&six.all.app, std::mem::take(&mut news))).await.unwrap();
        }
        let known = calls.last().map_or(0, |asked| asked.n);
        let asked = six.sandbox().requests_since(known);
        assert!(asked.first().is_none_or(|first| first.n == known + 1), "the request log is too short");
        calls.extend(asked);
    }
    (polls, calls)
}

/// Everything that must hold, and what is worth telling.
fn judge(six: &Six, script: &Script, polls: &[Polls], calls: &[Asked]) -> BTreeMap<&'static str, Row> {
    let mut rows: BTreeMap<&'static str, Row> = BTreeMap::new();
    let all = six.stored();
    let stored: BTreeMap<(&str, &str), (&str, u32)> = all
        .iter()
        .map(|(account, id, text, n)| ((account.as_str(), id.as_str()), (text.as_str(), *n)))
        .collect();
    assert_eq!(stored.len(), all.len(), "a comment is stored twice");
    let meant: BTreeSet<(&str, &str)> =
        script.meant.iter().map(|one| (script.accounts[one.account].id.as_str(), one.id.as_str())).collect();
    let strange: Vec<_> = stored.keys().filter(|key| !meant.contains(*key)).collect();
    assert!(strange.is_empty(), "{} comments nobody wrote: {:?}", strange.len(), strange.first());
    for (account, ids) in &*six.received.lock().unwrap() {
        let lost: Vec<_> = ids.iter().filter(|id| !stored.contains_key(&(account, id))).collect();
        assert!(
            lost.is_empty(),
            "{account}: {} comments of received pages are not stored: {lost:?}",
            lost.len()
        );
    }
    comments(six, script, polls, &stored, &mut rows);
    for (account, polls) in script.accounts.iter().zip(polls) {
        let row = rows.entry(account.platform.code()).or_default();
        row.accounts += 1;
        row.polls += polls.done.len();
        row.failed += polls.done.iter().filter(|(_, ok)| !ok).count();
    }
    for asked in calls {
        let row = rows.get_mut(asked.platform.as_str()).unwrap_or_else(|| panic!("{asked:?}"));
        row.calls += 1;
        row.refused += usize::from(asked.spent.iter().any(|spent| spent.units == 0));
        assert_eq!(asked.violation, None, "{asked:?}");
        assert!(asked.status != 429 || asked.fault.is_some(), "a quota was overrun: {asked:?}");
        assert!(!asked.writes || asked.platform == "bluesky", "{asked:?}");
    }
    for (name, row) in &rows {
        assert_eq!(row.refused, 0, "{name}: calls were refused for lack of quota");
    }
    // The platforms' own counts.
    let quotas = six.sandbox().quotas();
    assert!(quotas.iter().any(|quota| quota.used > 0), "{quotas:?}");
    for quota in &quotas {
        assert!(quota.refused == 0 && quota.used <= quota.limit, "{quota:?}");
    }
    blind(six, script, polls, &mut rows);
    rows
}

fn comments(
    six: &Six,
    script: &Script,
    polls: &[Polls],
    stored: &BTreeMap<(&str, &str), (&str, u32)>,
    rows: &mut BTreeMap<&'static str, Row>,
) {
    // What polls said they had not read, by platform and its first words.
    let mut untold: BTreeMap<(&str, String), usize> = BTreeMap::new();
    let sweeps: Vec<Vec<Sweep>> = script
        .accounts
        .iter()
        .zip(polls)
        .map(|(account, polls)| sweeps(six, account, polls, &mut untold))
        .collect();
    // The threads of each account, in the order in which they came.
    let mut threads: BTreeMap<usize, Vec<&Meant>> = BTreeMap::new();
    for one in script.meant.iter().filter(|one| one.above.is_none()) {
        threads.entry(one.account).or_default().push(one);
    }
    // Whether a sweep that reads the newest threads only was bound to show the comment: it is a thread, or answers one
    // that was among them then.
    let among_newest = |one: &Meant, sweep: &Sweep| {
        one.above.as_deref().is_none_or(|above| {
            let mut newer = threads[&one.account].iter().rev().filter(|thread| thread.from <= sweep.to + 1);
            newer.position(|thread| thread.id == above).is_some_and(|place| place < NEWEST_THREADS)
        })
    };
    let platform: BTreeMap<String, (String, bool)> =
        six.sandbox().state().into_iter().map(|one| (one.id, (one.text, one.deleted))).collect();
    let (mut bound, mut lost, mut texts) = (0, Vec::new(), Vec::new());
    for one in &script.meant {
        let account = &script.accounts[one.account];
        let row = rows.entry(account.platform.code()).or_default();
        row.written += 1;
        let must = sweeps[one.account].iter().find(|sweep| {
            let there = sweep.from >= one.from && sweep.to < one.to;
            there && (!sweep.newest_only || among_newest(one, sweep))
        });
        bound += usize::from(must.is_some());
        row.bound += usize::from(must.is_some());
        let Some((text, versions)) = stored.get(&(account.id.as_str(), one.id.as_str())) else {
            lost.extend(must.map(|sweep| (one, sweep)));
            continue;
        };
        row.stored += 1;
        let (now, deleted) = &platform[&one.id];
        assert!(*text == one.text || Some(*text) == one.edited.as_deref(), "{one:?}: {text}");
        assert!(*versions <= 1 + u32::from(one.edited.is_some()), "{one:?}: {versions} texts");
        // These list everything in every sweep, so that a changed text is seen in the next.
        let at_once = matches!(account.platform, Platform::Facebook | Platform::Instagram);
        if at_once && !deleted && text != now {
            texts.push(one);
        }
    }
    assert!(
        lost.is_empty(),
        "{} comments were never received: {:#?}",
        lost.len(),
        &lost[..lost.len().min(8)]
    );
    assert!(texts.is_empty(), "{} comments have old texts: {:#?}", texts.len(), &texts[..texts.len().min(8)]);
    assert!(
        bound * 10 > script.meant.len() * 9,
        "only {bound} comments were visible throughout a whole sweep: {rows:#?}; not read: {untold:#?}"
    );
}

/// The complete sweeps of an account; what others left out is counted in `untold`.
fn sweeps(
    six: &Six,
    account: &Played,
    polls: &Polls,
    untold: &mut BTreeMap<(&'static str, String), usize>,
) -> Vec<Sweep> {
    let far = at("2100-01-01T00:00:00Z");
    let logged = six
        .all
        .app
        .db
        .read_now(|reader| polls::logged(reader, &account.id, at(BEGIN) - TimeDelta::days(1), far))
        .unwrap();
    for told in logged.iter().flat_map(|row| &row.blind) {
        let words: Vec<_> = told.split_whitespace().take(6).collect();
        *untold.entry((account.platform.code(), words.join(" "))).or_default() += 1;
    }
    let step = |row: &polls::Logged| (row.started_at - at(BEGIN)).num_minutes() / STEP;
    let is_known = |told: &String| told.starts_with(OLDER_POSTS) || told.starts_with(OLDER_THREADS);
    let unread: BTreeSet<i64> =
        logged.iter().filter(|row| row.faults > 0 || !row.blind.iter().all(is_known)).map(step).collect();
    let mut newest_only = BTreeSet::new();
    // When the older threads were last read, and whether the running sweep leaves them out.
    let (mut read_at, mut leaves_out) = (None, false);
    for row in &logged {
        if let Some(told) = row.blind.iter().find_map(|told| told.strip_prefix(OLDER_THREADS)) {
            let minutes = told.split_once(' ').unwrap().0.parse().unwrap();
            let since: TimeDelta = row.started_at - read_at.unwrap();
            assert!(since < TimeDelta::minutes(minutes), "{}: {row:?}: last read at {read_at:?}", account.id);
            newest_only.insert(step(row));
            leaves_out = true;
        }
        if row.failure.is_none() {
            read_at = if leaves_out { read_at } else { Some(row.started_at) };
            leaves_out = false;
        }
    }
    let (mut begun, mut sweeps) = (None, Vec::new());
    for (to, ok) in &polls.done {
        let from = *begun.get_or_insert(*to);
        if *ok {
            if unread.range(from..=*to).next().is_none() {
                sweeps.push(Sweep {
                    from,
                    to: *to,
                    newest_only: newest_only.range(from..=*to).next().is_some(),
                });
            }
            begun = None;
        }
    }
    sweeps
}

fn blind(six: &Six, script: &Script, polls: &[Polls], rows: &mut BTreeMap<&'static str, Row>) {
    let day = NaiveDate::from_ymd_opt(2026, 11, 24).unwrap();
    let (config, now) = (six.all.app.config.clone(), six.now());
    let days = six.all.app.db.read_now(|reader| accounts::days(reader, &config, (day, day), now)).unwrap();
    assert_eq!(days.len(), script.accounts.len());
    let moment = |step: i64| at(BEGIN) + TimeDelta::minutes(step * STEP);
    let stopped = moment(STOPPED.start)..moment(STOPPED.end);
    for (place, (account, told)) in script.accounts.iter().zip(&days).enumerate() {
        assert_eq!(told.account, account.id);
        let within = |at: DateTime<Utc>| told.blind.iter().any(|blind| blind.from <= at && at < blind.to);
        let done = &polls[place].done;
        // A poll that failed is in a blind time.
        for (step, _) in done.iter().filter(|(step, ok)| !ok && *step < STEPS) {
            assert!(within(moment(*step)), "{}: {} failed unseen: {told:#?}", account.id, moment(*step));
        }
        // So is every minute of an outage that a poll met.
        for outage in script.outages.iter().filter(|outage| outage.account == place) {
            let met = done.iter().any(|(step, _)| outage.from <= moment(*step) && moment(*step) < outage.to);
            let mut minute = outage.from;
            while met && minute < outage.to {
                assert!(within(minute), "{}: {minute} of {outage:?} is not told: {told:#?}", account.id);
                minute += TimeDelta::minutes(1);
            }
        }
        // And of the stop, where a poll would have come that late that something could go unseen.
        let before = done.iter().rev().find(|(step, ok)| *ok && *step < STOPPED.start).map(|(step, _)| *step);
        let after = done.iter().find(|(step, ok)| *ok && *step >= STOPPED.end).map(|(step, _)| *step);
        if let (Some(before), Some(after)) = (before, after)
            && (after - before) * STEP > account.every + account.every / 4 + 20
        {
            assert!(
                within(stopped.start) && within(stopped.end - TimeDelta::minutes(1)),
                "{}: {told:#?}",
                account.id
            );
        }
        let row = rows.entry(account.platform.code()).or_default();
        minutes(account, told, done, row);
        // Nothing else is called blind.
        for blind in &told.blind {
            let failed = done.iter().any(|(step, ok)| !ok && (blind.from..blind.to).contains(&moment(*step)));
            let slow = blind.because.starts_with("läses var");
            let off = blind.from < stopped.end && blind.to > stopped.start;
            assert!(failed || slow || off, "{}: {blind:?} is explained by nothing", account.id);
            row.blind += (blind.to - blind.from).num_minutes();
        }
    }
    for (name, row) in rows {
        let all = i64::try_from(row.accounts).unwrap() * 24 * 60;
        assert_eq!(row.seen + row.blind, all, "{name}: not every minute is accounted for");
    }
}

/// Every minute of the day lies between two successful polls. Where one between them failed all are blind; where none
/// did, and the daemon ran, all were seen, unless the report says that a quota made the second late.
fn minutes(account: &Played, told: &accounts::Day, done: &[(i64, bool)], row: &mut Row) {
    let moment = |step: i64| at(BEGIN) + TimeDelta::minutes(step * STEP);
    let cause = |at: DateTime<Utc>| {
        let mut causes = told.blind.iter().filter(|blind| blind.from <= at && at < blind.to);
        let cause = causes.next();
        assert!(causes.next().is_none(), "{}: {at} is blind twice: {told:#?}", account.id);
        cause.map(|blind| blind.because.as_str())
    };
    let first = done.first().unwrap().0;
    assert_eq!(first, 0, "{}: not polled at the beginning", account.id);
    let mut from = 0;
    for (to, ok) in done {
        if !ok {
            continue;
        }
        let failed = done.iter().any(|(step, ok)| !ok && from <= *step && step < to);
        let stopped = from < STOPPED.end && STOPPED.start < *to;
        let causes: Vec<_> = (from * STEP..(*to * STEP).min(24 * 60))
            .map(|minute| cause(at(BEGIN) + TimeDelta::minutes(minute)))
            .collect();
        let seen = causes.iter().filter(|cause| cause.is_none()).count();
        let fault = || format!("{}: {} to {}: {told:#?}", account.id, moment(from), moment(*to));
        assert!(seen == 0 || seen == causes.len(), "half blind: {}", fault());
        assert!(
            causes.iter().flatten().all(|cause| !cause.trim().is_empty()),
            "blind without a cause: {}",
            fault()
        );
        if failed {
            assert_eq!(seen, 0, "a poll failed unseen: {}", fault());
        } else if !stopped {
            let slow = causes.iter().flatten().all(|cause| cause.starts_with("läses var"));
            assert!(slow, "blind, and nothing failed: {}", fault());
        }
        row.seen += i64::try_from(seen).unwrap();
        from = *to;
    }
    assert!(moment(from) >= moment(STEPS), "{}: never read after the day", account.id);
}

#[expect(clippy::print_stderr, reason = "figures for whoever asks for them with --nocapture")]
fn print(rows: &BTreeMap<&'static str, Row>, took: Duration, six: &Six) {
    eprintln!(
        "| platform | accounts | comments | visible in a whole poll | received | polls | failed | calls | calls a day | calls an account and day | seen min an account | blind min an account |"
    );
    eprintln!("|---|---|---|---|---|---|---|---|---|---|---|---|");
    let mut sum = Row::default();
    for (name, row) in rows {
        line(name, row);
        sum.accounts += row.accounts;
        sum.written += row.written;
        sum.bound += row.bound;
        sum.stored += row.stored;
        sum.polls += row.polls;
        sum.failed += row.failed;
        sum.calls += row.calls;
        sum.seen += row.seen;
        sum.blind += row.blind;
    }
    line("all", &sum);
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let memory = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    let layout = assemble::Layout::new(&six.all.app.config.paths.data);
    let database = layout.database();
    let archive = size(&six.all.app.config.paths.data.join("archive"));
    eprintln!(
        "{memory} (Uppsikt and the emulated platforms in one process); database {:.1} MB, archive {:.1} MB; {:.1} min",
        megabytes(size(&database)),
        megabytes(archive),
        took.as_secs_f64() / 60.0
    );
}

/// Bytes of a file, or of all files below a folder.
fn size(path: &Path) -> u64 {
    if path.is_dir() {
        return std::fs::read_dir(path).unwrap().map(|entry| size(&entry.unwrap().path())).sum();
    }
    std::fs::metadata(path).unwrap().len()
}

fn megabytes(bytes: u64) -> f64 {
    f64::from(u32::try_from(bytes / 1000).unwrap()) / 1000.0
}

#[expect(clippy::print_stderr, reason = "figures for whoever asks for them with --nocapture")]
fn line(name: &str, row: &Row) {
    let each = |count: i64| count / i64::try_from(row.accounts.max(1)).unwrap();
    // The run is 26 hours long.
    let a_day = i64::try_from(row.calls).unwrap() * 24 / 26;
    eprintln!(
        "| {name} | {} | {} | {} | {} | {} | {} | {} | {a_day} | {} | {} | {} |",
        row.accounts,
        row.written,
        row.bound,
        row.stored,
        row.polls,
        row.failed,
        row.calls,
        each(a_day),
        each(row.seen),
        each(row.blind)
    );
}
