//! What a blind period touched is marked everywhere a deadline is shown, and the platform's own counts are explained or
//! told.

use chrono::TimeDelta;
use serde_json::{Value, json};
use uppsikt::cli::case;
use uppsikt::connector::ConnectorError;
use uppsikt::pipeline::{self, Which};
use uppsikt::store::totals;

use crate::support::app::{Call, MUNICIPALITY, Rig, at};
use crate::support::desk;
use crate::support::six::{Played, Six};
use uppsikt::domain::comment::Platform;

/// A question written while the account could not be read, and one that was seen in time.
async fn blind_town() -> Rig {
    let rig = Rig::new(MUNICIPALITY, "2026-11-23T08:00:00Z");
    rig.pass().await;
    rig.comment("fb", "p", "i_tid", "När öppnar badhuset?", at("2026-11-23T08:01:00Z"));
    rig.advance(TimeDelta::minutes(5));
    rig.pass().await;
    // Three hours of a platform that does not answer.
    for _ in 0..36 {
        rig.advance(TimeDelta::minutes(5));
        rig.fake("fb").fault(Call::Page, false, ConnectorError::Unavailable("nere".to_owned()));
        rig.pass().await;
    }
    rig.comment("fb", "p", "sent", "När öppnar simhallen?", at("2026-11-23T09:00:00Z"));
    rig.advance(TimeDelta::minutes(5));
    rig.pass().await;
    rig
}

fn shown(rig: &Rig, native: &str, json: bool) -> String {
    let mut out = Vec::new();
    let name = rig.case("fb", native).to_string();
    rig.app
        .db
        .read_now(|reader| {
            case::show(reader, &rig.app.config, &name, json, &mut out).unwrap();
            Ok(())
        })
        .unwrap();
    String::from_utf8(out).unwrap()
}

#[tokio::test]
async fn a_deadline_that_a_blind_period_touched_says_so_in_the_case_and_in_its_letter() {
    let rig = blind_town().await;
    let duties = |native| -> Vec<Value> {
        let file: Value = serde_json::from_str(&shown(&rig, native, true)).unwrap();
        file["duties"].as_array().unwrap().clone()
    };
    let blind = json!({
        "from": "2026-11-23T08:05:00Z", "to": "2026-11-23T11:10:00Z", "because": "unavailable: nere",
    });
    for (native, late) in [("sent", true), ("i_tid", false)] {
        let mut expected = blind.clone();
        expected["late_discovery"] = json!(late);
        let duties = duties(native);
        assert!(!duties.is_empty());
        for duty in duties {
            assert_eq!(duty["blind"], json!([expected]), "{native}: {duty}");
            assert_eq!(duty["found_at"].as_str() > Some("2026-11-23T11:00:00Z"), late, "{native}");
        }
    }
    let words = shown(&rig, "sent", false);
    assert!(
        words.contains("Upptäckt sent: kontot lästes inte mellan måndag 23 november 2026 kl. 09.05"),
        "{words}"
    );
    let words = shown(&rig, "i_tid", false);
    assert!(!words.contains("Upptäckt sent"), "{words}");
    assert!(words.contains("Kontot lästes inte mellan måndag 23 november 2026 kl. 09.05"), "{words}");

    rig.run_until("2026-11-24T12:00:00Z", TimeDelta::minutes(30)).await;
    let letters: Vec<String> = rig
        .letters_to("anna")
        .iter()
        .map(|mail| mail.text.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|text| text.contains("simhallen"))
        .collect();
    assert!(!letters.is_empty());
    for letter in letters {
        assert!(letter.contains("Upptäckt sent: kontot lästes inte mellan"), "{letter}");
    }
}

#[tokio::test]
async fn the_case_page_marks_a_late_discovery_and_a_blind_time() {
    let rig = desk::Rig::start().await;
    let blind = "insert into blind_time (account, from_at, to_at, reason)
                 values ('fb', '2026-11-23T04:00:00Z', '2026-11-23T06:00:00Z', 'nere')";
    rig.app.db.write(move |tx| Ok(tx.execute(blind, [])?)).await.unwrap();
    let case = rig.plant(desk::Plant { needs_answer: true, ..desk::Plant::default() }).await;
    let page = rig.get(&rig.link(case, "anna")).await.body;
    for told in [
        "<dt>Upptäckt sent</dt>",
        "<dt>Kontot lästes inte</dt>",
        ": nere</dd>",
        "<h3>Förlopp</h3>",
        "skriven, av",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
}

#[tokio::test]
async fn a_count_that_hiding_deleting_or_filtering_changed_is_explained_and_nobody_is_troubled() {
    let now = at("2026-11-23T10:00:00Z");
    // What happens to the first of two comments, and what then explains the platform's count.
    let table = [
        (
            Platform::Facebook,
            "hide",
            json!({ "hidden": true, "by": "filter" }),
            "hidden",
            2,
            "dolda räknas med",
        ),
        (Platform::Facebook, "delete", json!({}), "gone", 1, ""),
        (Platform::Bluesky, "edit", json!({ "text": "x", "memory": { "blocked": true } }), "public", 2, ""),
        (Platform::Bluesky, "delete", json!({}), "gone", 1, ""),
    ];
    for (platform, verb, order, sighting, told, because) in table {
        let account = Played::new(platform, 1, 5);
        let six = Six::new(std::slice::from_ref(&account), now).await;
        let post = account.post(1, now - TimeDelta::hours(2));
        let line = json!({ "account": account.native, "id": post, "text": "Inlägg",
            "at": account.date(now - TimeDelta::hours(2)) });
        six.control("post", &line);
        let written = now - TimeDelta::minutes(30);
        let ids = [1, 2].map(|number| account.comment(number, &post, None, written));
        for id in &ids {
            let author = if platform == Platform::Bluesky { id.split('/').nth(2).unwrap() } else { "4711" };
            let line = json!({ "account": account.native, "post": post, "id": id,
                "author": { "id": author, "name": "Kalle" }, "at": account.date(written), "text": "Vilken fin dag." });
            six.control("add", &line);
        }
        let pass = async || {
            six.advance(TimeDelta::minutes(5));
            Box::pin(pipeline::pass(&six.all.app, Which::All)).await.unwrap();
        };
        pass().await;
        let mut order = order.clone();
        order["id"] = json!(ids[0]);
        six.control(verb, &order);
        for _ in 0..3 {
            pass().await;
        }
        six.advance(TimeDelta::hours(25));
        pass().await;
        let path = uppsikt::assemble::Layout::new(&six.all.app.config.paths.data).database();
        let db = rusqlite::Connection::open(path).unwrap();
        let get = |sql: &str| crate::support::binary::rows(&db, sql);
        let stands = |id: &str| get(&format!("select sighting from comment where native_id = '{id}'"));
        assert_eq!(
            (stands(&ids[0]), stands(&ids[1])),
            (vec![sighting.to_owned()], vec!["public".to_owned()]),
            "{platform} {verb}"
        );
        let because = if because.is_empty() { "[]".to_owned() } else { format!("[\"{because}\"]") };
        assert_eq!(
            get("select told, off, because from post_total"),
            [format!("{told}|0|{because}")],
            "{platform} {verb}"
        );
        assert!(six.all.app.db.read_now(|reader| totals::off(reader, &account.id)).unwrap().is_empty());
        assert_eq!(get("select count(*) from duty where kind = 'count_differs'"), ["0"]);
    }
}

#[tokio::test]
async fn each_cause_of_a_difference_is_named_and_what_is_left_over_is_the_difference() {
    use uppsikt::connector::{Post, Sighting};
    use uppsikt::domain::comment::CommentId;
    use uppsikt::store::comments;
    // How the first of two comments stands, what the platform counts, what explains it, and what nothing does.
    let table = [
        (Sighting::Hidden, 2, "[\"dolda räknas med\"]", 0),
        (Sighting::Hidden, 3, "[\"dolda räknas med\"]", 1),
        (Sighting::Gone, 2, "[\"borttagna räknas med\"]", 0),
        (Sighting::NotListed, 2, "[\"bortfiltrerade räknas med\"]", 0),
        (Sighting::NotListed, 1, "[]", 0),
        (Sighting::Public, 2, "[]", 0),
        (Sighting::Public, 0, "[]", -2),
    ];
    for (sighting, told, because, off) in table {
        let rig = Rig::new(MUNICIPALITY, "2026-11-23T08:00:00Z");
        rig.pass().await;
        for native in ["1", "2"] {
            rig.comment("fb", "p", native, "Vilken fin dag.", rig.now());
        }
        rig.pass().await;
        let now = rig.now();
        let row = rig
            .app
            .db
            .write_now(move |tx| {
                let id = CommentId { account: "fb".to_owned(), native: "1".to_owned() };
                let stored = comments::find(tx, &id)?.unwrap();
                comments::note_sighting(tx, stored.id, sighting, "look", now)?;
                let post = Post {
                    native_id: "p".to_owned(),
                    text: String::new(),
                    created_at: now,
                    permalink: None,
                    comments: Some(told),
                    element: Vec::new(),
                };
                totals::told(tx, "fb", &[post], now)?;
                totals::reconcile(tx, "fb", now)?;
                Ok(tx.query_row("select because || off from post_total", [], |row| row.get::<_, String>(0))?)
            })
            .unwrap();
        assert_eq!(row, format!("{because}{off}"), "{sighting:?} {told}");
    }
}
