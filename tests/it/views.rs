//! What the command line shows of cases: the contract's keys, the list, the explanation, and the installation's health.

use std::sync::Arc;
use std::time::Instant;

use chrono::TimeDelta;
use serde_json::{Value, json};
use uppsikt::cli;
use uppsikt::clock::Clock;
use uppsikt::connector::budget::Book;
use uppsikt::connector::{Purpose, Quota, Window};
use uppsikt::domain::case::CaseState;
use uppsikt::domain::category::{Category, Proposal};
use uppsikt::steps;
use uppsikt::store::views::{self, Filter};
use uppsikt::store::{self, cases, intents, log, polls};

use crate::support::app::at;
use crate::support::desk::{Plant, Rig, monday};

const HIDE: [(&str, &str); 4] =
    [("outcome", "hide"), ("reason", "Personangrepp, p. 1"), ("unbiased", "1"), ("confirmed", "1")];

fn case(rig: &Rig, name: &str, json: bool) -> anyhow::Result<String> {
    let mut out = Vec::new();
    rig.app
        .db
        .read_now(|reader| Ok(cli::case::show(reader, &rig.app.config, name, json, &mut out)))
        .unwrap()?;
    Ok(String::from_utf8(out).unwrap())
}

fn cases(rig: &Rig, filter: &Filter, json: bool) -> anyhow::Result<String> {
    let mut out = Vec::new();
    rig.app
        .db
        .read_now(|reader| Ok(cli::cases::list(reader, &rig.app.config, filter, json, &mut out)))
        .unwrap()?;
    Ok(String::from_utf8(out).unwrap())
}

fn open() -> Filter {
    Filter { open: true, ..Filter::default() }
}

/// Registers and intends what is decided, as a pass does before it speaks to the platform.
async fn register(rig: &Rig) {
    let account = rig.app.config.account("fb").unwrap();
    steps::register::decisions(&rig.app, account).await.unwrap();
    steps::register::intents(&rig.app, account).await.unwrap();
}

#[tokio::test]
async fn a_case_is_given_with_the_keys_of_the_contract() {
    let rig = Rig::start().await;
    let id = rig.plant(Plant { needs_answer: true, ..Plant::default() }).await;
    let before: Value = serde_json::from_str(&case(&rig, "c-000001", true).unwrap()).unwrap();
    assert_eq!(
        before["log"],
        json!({ "snapshot": null, "registered": null, "hide_intent": null, "hidden": null })
    );
    rig.preserve().await;
    let decided = rig.post(&rig.link(id, "chef"), "1-0", &HIDE).await;
    assert_eq!(decided.status, 303);
    register(&rig).await;
    // The platform's part is played here: it was seen hidden a minute later.
    let seen = monday() + TimeDelta::minutes(1);
    let key = {
        let record = rig.app.db.read_now(|reader| store::records::current(reader, id)).unwrap().unwrap();
        rig.app.record_key(&record.id).unwrap()
    };
    rig.app
        .db
        .write(move |tx| {
            let open = intents::due(tx, "fb", seen)?.remove(0);
            let entry = log::append_rooted(
                tx,
                "hidden",
                &open.record,
                &json!({ "result": "hidden" }),
                key.expose(),
                seen,
            )?;
            intents::receive(tx, open.id, "hidden", entry, seen)?;
            cases::set_state(tx, id, CaseState::Hidden, seen)
        })
        .await
        .unwrap();

    let told: Value = serde_json::from_str(&case(&rig, "c-000001", true).unwrap()).unwrap();
    for (key, value) in [
        ("case", json!("c-000001")),
        ("dnr", json!("UPP-KS 2026/1")),
        ("external_dnr", json!(null)),
        ("account", json!("fb")),
        (
            "comment",
            json!({
                "native_id": "1_1", "parent_id": null, "author": { "id": "9", "name": "Nils Näthatare" },
                "created_at": "2026-11-23T05:00:00Z", "seen_at": "2026-11-23T08:00:00Z",
                "text": "Du är en idiot, rektorn!",
                "permalink": "https://www.facebook.com/exempelkommun/posts/1?comment_id=1_1",
            }),
        ),
        ("categories", json!(["insult"])),
        ("proposal", json!("review")),
        ("needs_answer", json!(true)),
        ("state", json!("hidden")),
        ("hidden_at", json!("2026-11-23T08:01:00Z")),
        // snapshot, registered, decision, hide_intent, hidden
        ("log", json!({ "snapshot": 0, "registered": 1, "hide_intent": 3, "hidden": 4 })),
    ] {
        assert_eq!(told[key], value, "{key}");
    }
    let duties = told["duties"].as_array().unwrap();
    assert_eq!(duties.len(), 3, "{duties:?}");
    for (key, value) in [
        ("kind", json!("review")),
        ("due_at", json!("2026-11-24T15:30:00Z")),
        ("state", json!("closed")),
        ("outcome", json!("hide")),
    ] {
        assert_eq!(duties[0][key], value, "{key}");
    }
    assert!(duties.iter().all(|duty| duty["id"].is_i64()));
    // The list gives the same, one object a line, and by diary number it is the same case.
    let listed: Value = serde_json::from_str(&cases(&rig, &Filter::default(), true).unwrap()).unwrap();
    for (key, value) in listed.as_object().unwrap() {
        assert_eq!(&told[key], value, "{key}");
    }
    assert_eq!(case(&rig, "UPP-KS 2026/1", true).unwrap(), case(&rig, "c-000001", true).unwrap());
    assert_eq!(cases(&rig, &open(), true).unwrap(), "", "a hidden case with every duty done is not open");

    let words = case(&rig, "c-000001", false).unwrap();
    for part in [
        "Ärende c-000001, UPP-KS 2026/1 i Uppsikts diarium",
        "Läge: Dold, sedan måndag 23 november 2026 kl. 09.01",
        "> Du är en idiot, rektorn!",
        "personangrepp eller förolämpning: regel insult.prov version 3, på orden ”idiot”",
        "kommentarer p. 1",
        "BrB 5 kap. 3 §",
        "Chef Exempel (chef): Dölj om version 1 (inmatat av desk)",
        "> Personangrepp, p. 1",
        "svar inom 24 timmar",
        "Klockan startade",
        "plats 0 i loggen",
        "registrerad i diariet",
    ] {
        assert!(words.contains(part), "{part} is not told:\n{words}");
    }
}

#[tokio::test]
async fn the_list_shows_what_is_open_and_obeys_no_strangers_text() {
    let rig = Rig::start().await;
    let hostile = "\u{1b}]0;ägd\u{7}\u{1b}[2J rad ett\r\nrad två \u{202e}bakvänt";
    rig.plant(Plant {
        text: hostile,
        author: "\u{1b}[31mröd\n",
        found: vec![],
        needs_answer: true,
        proposal: Proposal::Keep,
        ..Plant::default()
    })
    .await;
    rig.plant(Plant {
        id: "1_2",
        text: "Ring 070-1234567",
        found: vec![(Category::PersonalData, "070-1234567")],
        ..Plant::default()
    })
    .await;
    let kept = rig.plant(Plant { id: "1_3", ..Plant::default() }).await;
    let done =
        rig.post(&rig.link(kept, "chef"), "1-0", &[("outcome", "keep"), ("reason", "Står kvar")]).await;
    assert_eq!(done.status, 303, "{}", done.body);
    let table = cases(&rig, &Filter::default(), false).unwrap();
    assert_eq!(table.lines().count(), 4, "{table}");
    assert!(table.starts_with("ÄRENDE") && table.contains("2026-11-24 06.00"), "{table}");
    assert!(!table.contains("070") && table.contains("känsligt"), "{table}");
    assert!(table.contains("Behållen"), "{table}");
    for told in [table, case(&rig, "c-000001", false).unwrap()] {
        assert!(!told.contains(|letter: char| letter.is_control() && letter != '\n'), "{told:?}");
        assert!(!told.contains('\u{202e}'), "{told:?}");
    }
    assert_eq!(cases(&rig, &open(), true).unwrap().lines().count(), 2);
    let of = |account: &str| Filter { account: Some(account.to_owned()), ..Filter::default() };
    assert_eq!(cases(&rig, &of("fb"), true).unwrap().lines().count(), 3);
    assert_eq!(cases(&rig, &of("bsky"), false).unwrap(), "Inga ärenden.\n");
    let error = cases(&rig, &of("tiktok"), false).unwrap_err().to_string();
    assert!(error.contains("tiktok") && error.contains("fb, bsky"), "{error}");
    for name in ["c-000099", "UPP-KS 2026/9", "", "c-", "'; drop table case_file"] {
        assert!(case(&rig, name, true).is_err(), "{name}");
    }
}

#[tokio::test]
async fn five_thousand_cases_are_listed_and_one_is_shown_at_once() {
    let rig = Rig::start().await;
    let now = monday();
    rig.plant(Plant { needs_answer: true, ..Plant::default() }).await;
    rig.preserve().await;
    // The one case with all its rows, five thousand times, by the database itself.
    let db = rig.folder.path().join("uppsikt.db");
    let script = "
import sqlite3, sys
c = sqlite3.connect(sys.argv[1]); c.execute('pragma foreign_keys=off')
def copy(table, sets):
    names = [r[1] for r in c.execute(f'pragma table_info({table})')]
    first = c.execute(f'select * from {table} order by rowid' if table != 'record' else 'select * from record').fetchall()
    for n in range(1, 5000):
        for row in first:
            row = dict(zip(names, row)); row.update(sets(n, row))
            c.execute(f'insert into {table} values ({chr(44).join(chr(63) * len(names))})', [row[k] for k in names])
size = c.execute('select count(*) from duty').fetchone()[0]
copy('comment', lambda n, r: dict(id=n + 1, native_id=f'x_{n}'))
copy('version', lambda n, r: dict(id=n + 1, comment=n + 1))
copy('assessment', lambda n, r: dict(version=n + 1))
copy('case_file', lambda n, r: dict(id=n + 1, comment=n + 1))
copy('duty', lambda n, r: dict(id=n * size + r['id'], case_id=n + 1))
copy('record', lambda n, r: dict(id=f'{n:032x}', version=n + 1, comment=n + 1, case_id=n + 1))
copy('entry', lambda n, r: dict(idx=n, record=f'{n:032x}'))
c.commit()";
    let output = std::process::Command::new("python3").args(["-c", script]).arg(&db).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let begun = Instant::now();
    let listed = cases(&rig, &open(), true).unwrap();
    let list = begun.elapsed();
    assert_eq!(listed.lines().count(), 5_000);
    let final_one: Value = serde_json::from_str(listed.lines().last().unwrap()).unwrap();
    assert_eq!((&final_one["case"], &final_one["log"]["snapshot"]), (&json!("c-005000"), &json!(4999)));
    assert_eq!(final_one["duties"].as_array().unwrap().len(), 3);
    let begun = Instant::now();
    case(&rig, "c-002500", true).unwrap();
    let one = begun.elapsed();
    let link = rig.link(uppsikt::domain::case::CaseId(2_500), "anna");
    let begun = Instant::now();
    assert_eq!(rig.get(&link).await.status, 200);
    let page = begun.elapsed();
    let begun = Instant::now();
    rig.app.db.read_now(|reader| views::health(reader, &["fb"], now)).unwrap();
    assert!(begun.elapsed().as_millis() < 500, "the health took {:?}", begun.elapsed());
    assert!(list.as_millis() < 5_000, "the list took {list:?}");
    assert!(one.as_millis() < 300, "one case took {one:?}");
    assert!(page.as_millis() < 500, "the page took {page:?}");
}

#[tokio::test]
async fn status_tells_how_the_installation_is_doing() {
    let rig = Rig::start().await;
    let now = monday();
    let status = |json: bool| {
        let mut out = Vec::new();
        rig.app
            .db
            .read_now(|reader| {
                Ok(cli::status::show(reader, &rig.app.config, now + TimeDelta::days(2), json, &mut out))
            })
            .unwrap()
            .unwrap();
        String::from_utf8(out).unwrap()
    };
    let fresh: Value = serde_json::from_str(&status(true)).unwrap();
    assert_eq!(
        (&fresh["last_pass"], &fresh["checkpoint_size"], &fresh["vkey"]),
        (&json!(null), &json!(null), &json!(null))
    );

    rig.plant(Plant { needs_answer: true, ..Plant::default() }).await;
    rig.preserve().await;
    rig.app.publish().await.unwrap();
    uppsikt::durable::write(
        &rig.folder.path().join("archive/log.vkey"),
        b"exempel.se/uppsikt/logg1+x+y\n",
        0o644,
    )
    .unwrap();
    rig.app
        .db
        .write(move |tx| {
            store::set_meta(tx, "last_pass", "2026-11-23T08:00:00Z")?;
            store::brake::stop(tx, "chef", "Något är fel", now)?;
            polls::declare(tx, "bsky", None)?;
            let poll = polls::PollRow {
                account: "bsky".to_owned(),
                started_at: now,
                ended_at: now,
                seen: 0,
                new: 0,
                faults: 0,
                failure: Some("lösenordet gäller inte".to_owned()),
                blind: vec![],
                dead_key: false,
                cost: std::collections::BTreeMap::new(),
                usual: std::collections::BTreeMap::new(),
            };
            let next = polls::Next { at: now, late_at: now, surge_until: None, slow: None };
            polls::finish(tx, &poll, &next).map(|_| ())
        })
        .await
        .unwrap();
    let told: Value = serde_json::from_str(&status(true)).unwrap();
    for (pointer, value) in [
        ("/last_pass", json!("2026-11-23T08:00:00Z")),
        ("/accounts/0/account", json!("fb")),
        ("/accounts/0/mode", json!("act")),
        ("/accounts/0/watched_from", json!("2026-11-01T00:00:00Z")),
        ("/accounts/1/blind_since", json!("2026-11-23T08:00:00Z")),
        ("/accounts/1/blind_reason", json!("lösenordet gäller inte")),
        ("/cases/open", json!(1)),
        ("/open_duties", json!(3)),
        ("/overdue_duties", json!(3)),
        ("/letters_waiting", json!(0)),
        ("/brakes/0/0", json!("all")),
        ("/log_size", json!(1)),
        ("/checkpoint_size", json!(1)),
        ("/vkey", json!("exempel.se/uppsikt/logg1+x+y")),
    ] {
        assert_eq!(told.pointer(pointer), Some(&value), "{pointer}: {told:#}");
    }
    let words = status(false);
    for part in [
        "KAN INTE LÄSAS sedan måndag",
        "3 öppna, 3 försenade",
        "Bromsen håller allt: Något är fel",
        "1 poster",
        "+x+y",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
    uppsikt::durable::write(&rig.folder.path().join("archive/checkpoint"), b"skr\xc3\xa4p", 0o644).unwrap();
    let error = rig
        .app
        .db
        .read_now(|reader| Ok(cli::status::show(reader, &rig.app.config, now, true, &mut Vec::new())))
        .unwrap()
        .unwrap_err();
    assert!(error.to_string().contains("archive/checkpoint"), "{error}");
}

#[tokio::test]
async fn what_is_left_of_every_quota_and_when_it_comes_back_is_told_in_words_json_and_metrics() {
    let rig = Rig::start().await;
    let now = at("2026-11-23T12:00:00Z");
    let show = |how: &str| {
        let mut out = Vec::new();
        rig.app
            .db
            .read_now(|reader| {
                Ok(match how {
                    "metrics" => cli::metrics::show(reader, &rig.app.config, now, &mut out),
                    _ => cli::status::show(reader, &rig.app.config, now, how == "json", &mut out),
                })
            })
            .unwrap()
            .unwrap();
        String::from_utf8(out).unwrap()
    };
    assert!(!show("words").contains("Kvoter"), "nothing was spent yet");
    assert!(!show("metrics").contains("uppsikt_quota"), "{}", show("metrics"));

    let ledger = Arc::new(store::budgets::Budgets(rig.app.db.clone()));
    let units = Quota { name: "units a day", limit: 10_000, window: Window::PacificDay, reserve: 1_500 };
    let budget = Book::new(Clock::manual(now), ledger).budget("youtube", [units]);
    // A write is counted as it is; more than the share of polling is left after it.
    budget.spend(&[("units a day", 8_000)], Purpose::Act).unwrap();
    // Midnight in California.
    let told: Value = serde_json::from_str(&show("json")).unwrap();
    assert_eq!(
        told["quotas"],
        json!([{ "quota": "youtube/units a day", "limit": 10_000, "left": 2_000, "left_for_polling": 500,
            "resets_at": "2026-11-24T08:00:00Z" }])
    );
    let words = show("words");
    let line = "youtube/units a day: 2000 av 10000 kvar, 500 för läsning; hel igen tisdag 24 november 2026 kl. 09.00";
    assert!(words.contains(line), "{words}");
    let metrics = show("metrics");
    for line in [
        "# TYPE uppsikt_quota_left_units gauge",
        "uppsikt_quota_limit_units{quota=\"youtube/units a day\"} 10000",
        "uppsikt_quota_left_units{quota=\"youtube/units a day\"} 2000",
        "uppsikt_quota_left_for_polling_units{quota=\"youtube/units a day\"} 500",
        "uppsikt_quota_whole_again_timestamp_seconds{quota=\"youtube/units a day\"} 1795507200",
        "uppsikt_account_blind{account=\"fb\",platform=\"facebook\"} 0",
        "uppsikt_duties_open 0",
    ] {
        assert!(metrics.lines().any(|told| told == line), "{line}: {metrics}");
    }
    // What polling has used up is at nothing, and hiding is not.
    budget.spend(&[("units a day", 600)], Purpose::Act).unwrap();
    assert!(show("metrics").contains("left_for_polling_units{quota=\"youtube/units a day\"} 0\n"));
    assert!(show("metrics").contains("quota_left_units{quota=\"youtube/units a day\"} 1400\n"));
}

#[tokio::test]
async fn silence_is_told_with_its_reason() {
    let rig = Rig::start().await;
    let silent = |minutes: i64| {
        let now = monday() + TimeDelta::minutes(minutes);
        rig.app.db.read_now(|reader| cli::status::silent(reader, now, TimeDelta::minutes(30)))
    };
    assert!(silent(0).unwrap().unwrap().contains("aldrig"));
    rig.app.db.write(|tx| store::set_meta(tx, "last_pass", "2026-11-23T08:00:00+00:00")).await.unwrap();
    for (minutes, told) in
        [(0, None), (30, None), (31, Some("måndag 23 november 2026 kl. 09.00")), (-31, Some("framtiden"))]
    {
        let reason = silent(minutes).unwrap();
        assert_eq!(reason.is_some(), told.is_some(), "{minutes}: {reason:?}");
        assert!(told.is_none_or(|told| reason.unwrap().contains(told)), "{minutes}");
    }
    rig.app.db.write(|tx| store::set_meta(tx, "last_pass", "i går")).await.unwrap();
    assert!(silent(0).is_err());
}
