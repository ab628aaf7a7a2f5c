//! What no API shows a person looks at every working day, and ticks (N13).

use chrono::TimeDelta;
use uppsikt::cli::accounts;
use uppsikt::desk::link;
use uppsikt::store::hand_checks;

use crate::support::app::{MUNICIPALITY, Rig, at};
use crate::support::desk;

const BY_HAND: &str = "media = \"never\"\nby_hand = [\"recensioner\", \"berättelser\"]";

fn rig(now: &str) -> Rig {
    Rig::new(&MUNICIPALITY.replace("media = \"never\"", BY_HAND), now)
}

#[tokio::test]
async fn every_working_day_one_letter_asks_for_it_and_what_nobody_did_is_not_called_watched() {
    let rig = rig("2026-11-20T05:00:00Z");
    // Friday to Tuesday, through a weekend.
    rig.run_until("2026-11-24T16:00:00Z", TimeDelta::minutes(30)).await;
    let mut days: Vec<_> = rig
        .letters_to("anna")
        .iter()
        .filter(|mail| mail.text.contains("Se efter för hand"))
        .map(|mail| mail.at.date_naive().to_string())
        .collect();
    days.dedup();
    assert_eq!(days, ["2026-11-20", "2026-11-23", "2026-11-24"], "{:#?}", rig.letters_to("anna"));
    let first = rig.letters_to("anna").remove(0);
    let words = first.text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("recensioner, berättelser"), "{words}");
    assert!(first.text.contains("https://uppsikt.exempel.se/k/fb?p=anna&e="), "{}", first.text);
    assert_eq!(first.at, at("2026-11-20T07:00:00Z"), "at the opening");
    let ended: Vec<String> = rig
        .app
        .db
        .read_now(|reader| {
            let mut query = reader
                .prepare("select outcome from duty where kind = 'hand_check' and outcome is not null")?;
            let rows = query.query_map([], |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .unwrap();
    assert_eq!(ended, ["missed", "missed"]);
    assert_eq!(rig.open_duties().iter().filter(|duty| duty.what.kind == "hand_check").count(), 1);
}

#[tokio::test]
async fn the_letters_page_ticks_what_was_seen_and_nothing_else() {
    let rig = desk::Rig::with(|toml| toml.replace("media = \"never\"", BY_HAND)).await;
    let day = rig.app.clock.now().date_naive();
    let until = rig.app.clock.now() + TimeDelta::days(7);
    let link = |account: &str, person: &str| {
        let keys = rig.app.keys.lock().unwrap();
        let link = link::sign_account(keys.link_key().expose(), "https://x.se", account, person, until);
        link.strip_prefix("https://x.se").unwrap().to_owned()
    };
    let anna = link("fb", "anna");
    let page = rig.get(&anna).await;
    assert_eq!(page.status, 200);
    for told in ["recensioner", "berättelser", "Bocka av", "Du är Anna Exempel"] {
        assert!(page.body.contains(told), "{told}: {}", page.body);
    }
    let before = rig.dump();
    for (person, fields, status) in [
        ("anna", &[("found", "0")][..], 422),
        ("anna", &[("surface", "recensioner"), ("found", "många")], 422),
        ("anna", &[("surface", "recensioner"), ("found", "99999")], 422),
        ("anna", &[("surface", "något annat"), ("found", "0")], 409),
        ("registrator", &[("surface", "recensioner"), ("found", "0")], 409),
    ] {
        let answer = rig.post(&link("fb", person), "", fields).await;
        assert_eq!(answer.status, status, "{fields:?} {}", answer.body);
    }
    for wrong in
        [anna.replace("/k/fb", "/k/annat"), anna.replace("s=", "s=A"), anna.replace("/k/fb", "/c/c-000001")]
    {
        assert_eq!(rig.get(&wrong).await.status, 403, "{wrong}");
    }
    assert_eq!(rig.get(&link("annat", "anna")).await.status, 404);
    assert_eq!(rig.dump(), before);

    let ticked = rig.post(&anna, "", &[("surface", "recensioner"), ("found", "2")]).await;
    assert_eq!(ticked.status, 303, "{}", ticked.body);
    let page = rig.get(&format!("{anna}&r=ticked")).await.body;
    assert!(page.contains("Avbockat av Anna Exempel") && page.contains("2 att skriva in"), "{page}");
    // A second tick of the same changes nothing; the other place ends the day.
    assert_eq!(rig.post(&anna, "", &[("surface", "recensioner"), ("found", "9")]).await.status, 303);
    assert_eq!(rig.post(&anna, "", &[("surface", "berättelser"), ("found", "")]).await.status, 303);
    assert!(rig.get(&anna).await.body.contains("Allt är avbockat i dag"));
    let ticks = rig.app.db.read_now(move |reader| hand_checks::between(reader, "fb", day, day)).unwrap();
    let told: Vec<_> = ticks
        .iter()
        .map(|tick| (tick.surface.as_str(), tick.found, tick.person.as_str(), tick.os_user.as_str()))
        .collect();
    assert_eq!(told, [("recensioner", 2, "anna", "desk"), ("berättelser", 0, "anna", "desk")]);
}

#[tokio::test]
async fn a_tick_ends_the_days_duty() {
    let rig = rig("2026-11-23T07:30:00Z");
    rig.pass().await;
    assert_eq!(rig.open_duties().len(), 1);
    let (config, now) = (rig.app.config.clone(), rig.now());
    let left = rig
        .app
        .db
        .write_now(move |tx| {
            let all = ["recensioner".to_owned(), "berättelser".to_owned()];
            let asked = uppsikt::moves::hand::Checked {
                account: "fb",
                person: "erik",
                os_user: "erik",
                surfaces: &all,
                found: 0,
                at: now,
            };
            uppsikt::moves::hand::checked(tx, &config, &all, &asked)
        })
        .unwrap();
    assert!(left.is_empty());
    rig.run_until("2026-11-23T16:00:00Z", TimeDelta::hours(1)).await;
    assert!(rig.open_duties().is_empty(), "{:?}", rig.open_duties());
}

#[tokio::test]
async fn the_report_on_accounts_tells_who_looked_and_where_nobody_did() {
    // Friday, and a weekend on which nobody has to look.
    let rig = rig("2026-11-20T07:30:00Z");
    rig.pass().await;
    rig.advance(TimeDelta::minutes(5));
    let (config, now) = (rig.app.config.clone(), rig.now());
    rig.app
        .db
        .write_now(move |tx| {
            let all = ["recensioner".to_owned(), "berättelser".to_owned()];
            let asked = uppsikt::moves::hand::Checked {
                account: "fb",
                person: "erik",
                os_user: "desk",
                surfaces: &all[..1],
                found: 2,
                at: now,
            };
            uppsikt::moves::hand::checked(tx, &config, &all, &asked)
        })
        .unwrap();
    rig.run_until("2026-11-23T09:00:00Z", TimeDelta::minutes(30)).await;
    let show = |json| {
        let mut out = Vec::new();
        let days = (Some("2026-11-20".parse().unwrap()), Some("2026-11-23".parse().unwrap()));
        rig.app
            .db
            .read_now(|reader| {
                accounts::show(reader, &rig.app.config, days, rig.now(), json, &mut out).unwrap();
                Ok(())
            })
            .unwrap();
        String::from_utf8(out).unwrap()
    };
    let days: Vec<serde_json::Value> =
        show(true).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ticks: Vec<_> = days.iter().map(|day| day["by_hand"].clone()).collect();
    let missed = |surface: &str| serde_json::json!({ "surface": surface, "checked_at": null, "by": null, "entered_by": null, "found": 0 });
    assert_eq!(
        ticks,
        [
            serde_json::json!([
                { "surface": "recensioner", "checked_at": "2026-11-20T07:35:00Z", "by": "erik", "entered_by": "desk", "found": 2 },
                missed("berättelser"),
            ]),
            serde_json::json!([]),
            serde_json::json!([]),
            serde_json::json!([missed("recensioner"), missed("berättelser")]),
        ]
    );
    let words = show(false);
    assert!(words.contains("för hand: recensioner: sedd av erik fredag 20 november"), "{words}");
    assert!(words.contains("; 2 att skriva in"), "{words}");
    assert!(words.contains("för hand: berättelser: ingen har sett efter"), "{words}");
}
