//! The connector against the emulated Facebook, in this process.

use std::collections::BTreeSet;
use std::time::Instant;

use serde_json::json;

use super::*;
use crate::connector::Sighting;
use crate::domain::comment::{Attachment, Platform, Visibility};
use crate::sandbox::{Handle, Sandbox};

/// A comment as the seed writes it, with these further keys.
fn line(id: &str, more: &serde_json::Value) -> String {
    let mut line = json!({
        "account": "4", "post": "4_1", "id": id, "author": { "id": "9", "name": "Åsa Öberg" },
        "at": "2026-11-20T08:00:00+0000", "text": "När öppnar badhuset? 👋",
    });
    for (key, value) in more.as_object().unwrap() {
        line[key] = value.clone();
    }
    line.to_string() + "\n"
}

async fn start(seed: &str) -> (Handle, Facebook) {
    let sandbox = Sandbox::new();
    sandbox.seed(seed).unwrap();
    let handle = sandbox.start("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let facebook = facebook(&handle.api(Platform::Facebook), None);
    (handle, facebook)
}

fn writes(handle: &Handle) -> usize {
    handle.sandbox().requests().iter().filter(|asked| asked.writes).count()
}

#[tokio::test]
async fn a_sweep_shows_every_comment_as_it_stands_and_writes_nothing() {
    let seed = line("1_1", &json!({ "post_text": "Badhuset öppnar", "attachment": "image" }))
        + &line("1_2", &json!({ "parent": "1_1", "hidden": true, "at": "2026-11-20T09:00:00+01:00" }))
        + &line("1_3", &json!({ "ours": true, "author": { "id": "4", "name": "Kommunen" } }))
        + &line("1_4", &json!({ "author": null }))
        + &line("2_1", &json!({ "post": "4_2", "at": "2026-11-21T08:00:00+0000" }))
        + &line("1_5", &json!({ "at": "inte ett datum" }));
    let (handle, facebook) = start(&seed).await;
    let (page, requests) = sweep(&facebook, None).await.unwrap();
    assert_eq!(requests, 3, "the posts, and each post's comments");
    let by_id = |id: &str| page.comments.iter().find(|seen| seen.native_id == id).unwrap();
    assert_eq!(page.comments.len(), 5);
    assert_eq!(by_id("1_1").attachments, [Attachment::Image]);
    assert_eq!(by_id("1_1").text, "När öppnar badhuset? 👋");
    assert!(by_id("1_1").element.is_ascii(), "the bytes are the platform's, not made from the text");
    assert_eq!(by_id("1_2").parent_id.as_deref(), Some("1_1"));
    assert_eq!(by_id("1_2").visibility, Visibility::Hidden);
    assert_eq!(by_id("1_2").created_at, by_id("1_1").created_at);
    assert!(by_id("1_3").ours && !by_id("1_1").ours);
    assert_eq!(by_id("1_4").author.id, None);
    assert_eq!(by_id("2_1").post_id, "4_2");
    assert_eq!(page.faults.len(), 1);
    assert_eq!(page.faults[0].native_id.as_deref(), Some("1_5"));
    assert_eq!(page.listed, ["4_2"], "a post with an unreadable comment is not listed wholly");
    assert_eq!(page.posts.len(), 2);
    assert_eq!(page.posts[1].text, "Badhuset öppnar");
    assert!(page.date.is_some());
    assert_eq!(writes(&handle), 0);
    let (again, _) = sweep(&facebook, page.cursor).await.unwrap();
    assert_eq!(again.comments.len(), 5, "the cursor of a finished sweep begins the next");
}

#[tokio::test]
async fn five_thousand_comments_are_read_once_each_also_past_empty_pages() {
    let seed: String = (0..5_000)
        .map(|n| line(&format!("{}_{n}", n / 4_000), &json!({ "post": format!("4_{}", n / 4_000) })))
        .collect();
    let (handle, facebook) = start(&seed).await;
    for n in 100..300 {
        handle.sandbox().control("delete", &json!({ "id": format!("0_{n}") }).to_string()).unwrap();
    }
    let before = Instant::now();
    let (page, requests) = sweep(&facebook, None).await.unwrap();
    let ids: BTreeSet<_> = page.comments.iter().map(|seen| seen.native_id.as_str()).collect();
    assert_eq!((ids.len(), page.comments.len()), (4_800, 4_800));
    assert_eq!(requests, 51);
    assert_eq!(page.listed.len(), 2);
    assert!(page.blind.is_empty(), "{:?}", page.blind);
    assert!(before.elapsed().as_secs() < 20, "{:?}", before.elapsed());
}

#[tokio::test]
async fn a_sweep_that_is_cut_anywhere_goes_on_where_it_was() {
    let seed: String =
        (0..250).map(|n| line(&format!("1_{n}"), &json!({ "post": format!("4_{}", n % 2) }))).collect();
    let (handle, facebook) = start(&seed).await;
    let mut cursor = None;
    let mut ids = BTreeSet::new();
    let mut failures = 0;
    loop {
        // Each second request meets a broken line; the caller asks again with the cursor it has stored.
        handle.sandbox().control("fault", r#"{"account":"4","kind":"lost","on":"read"}"#).unwrap();
        assert_eq!(kind(&facebook.page(cursor.as_ref()).await.unwrap_err()), "Unavailable");
        failures += 1;
        let page = facebook.page(cursor.as_ref()).await.unwrap();
        ids.extend(page.comments.into_iter().map(|seen| seen.native_id));
        cursor = page.cursor;
        if !page.more {
            break;
        }
    }
    assert_eq!(ids.len(), 250);
    assert!(failures > 3);
}

#[tokio::test]
async fn without_the_task_moderate_the_missing_right_is_named_and_nothing_is_taken_for_listed() {
    let (handle, facebook) = start(&(line("1_1", &json!({})) + &line("1_2", &json!({})))).await;
    handle.sandbox().control("account", r#"{"account":"4","moderate":false}"#).unwrap();
    let (page, _) = sweep(&facebook, None).await.unwrap();
    assert_eq!(page.comments.len(), 0);
    assert_eq!(page.faults.len(), 2);
    assert!(page.faults[0].reason.contains("MODERATE"), "{}", page.faults[0].reason);
    assert!(page.blind.iter().any(|line| line.contains("MODERATE")), "{:?}", page.blind);
    assert!(page.listed.is_empty());
    assert_eq!(facebook.look(&target("1_1", "4_1")).await.unwrap().sighting, Sighting::NoRight);
}

#[tokio::test]
async fn a_look_tells_public_hidden_gone_and_out_of_reach_apart() {
    let seed = line("1_1", &json!({}))
        + &line("1_2", &json!({ "parent": "1_1", "hidden": true }))
        + &line("1_3", &json!({}));
    let (handle, facebook) = start(&seed).await;
    handle.sandbox().control("delete", r#"{"id":"1_3"}"#).unwrap();
    let table = [
        ("1_1", "4_1", Sighting::Public),
        ("1_2", "4_1", Sighting::Hidden),
        ("1_3", "4_1", Sighting::Gone),
        // The post too is out of reach: nothing is known.
        ("1_3", "4_9", Sighting::NoRight),
        ("åäö/../1_1", "4_1", Sighting::Gone),
    ];
    for (id, post, expected) in table {
        let look = facebook.look(&target(id, post)).await.unwrap();
        assert_eq!(look.sighting, expected, "{id}");
        assert_eq!(look.seen.is_some(), matches!(expected, Sighting::Public | Sighting::Hidden), "{id}");
        assert_eq!(look.answer.is_some(), look.seen.is_some(), "{id}");
        assert!(look.date.is_some());
        if let (Some(seen), Some(answer)) = (look.seen, look.answer) {
            assert_eq!(seen.element, answer);
            assert_eq!(seen.parent_id.is_some(), id == "1_2");
            let answer = String::from_utf8(answer).unwrap();
            assert_eq!(answer.matches("badhuset").count(), 1, "no words of the parent: {answer}");
        }
    }
    assert_eq!(writes(&handle), 0);
}

#[tokio::test]
async fn hiding_and_restoring_can_be_repeated_and_send_one_write_each() {
    let (handle, facebook) = start(&line("1_1", &json!({}))).await;
    for (hidden, sighting) in [
        (true, Sighting::Hidden),
        (true, Sighting::Hidden),
        (false, Sighting::Public),
        (false, Sighting::Public),
    ] {
        let before = writes(&handle);
        if hidden {
            hide(&facebook, "1_1").await.unwrap();
        } else {
            restore(&facebook, "1_1").await.unwrap();
        }
        assert_eq!(writes(&handle), before + 1);
        assert_eq!(facebook.look(&target("1_1", "4_1")).await.unwrap().sighting, sighting);
    }
    let asked = handle.sandbox().requests();
    assert!(
        asked.iter().all(|asked| asked.violation.is_none() && !asked.keys.contains(&"message".to_owned()))
    );
    assert!(asked.iter().all(|asked| !asked.keys.contains(&"access_token".to_owned())));
}

#[tokio::test]
async fn what_the_page_may_not_hide_is_refused_before_a_write() {
    let (handle, facebook) = start(&line("1_1", &json!({ "ours": true }))).await;
    let error = hide(&facebook, "1_1").await.unwrap_err();
    assert_eq!(kind(&error), "Refused");
    assert!(error.to_string().contains("can_hide"), "{error}");
    assert_eq!(kind(&hide(&facebook, "1_9").await.unwrap_err()), "Refused");
    assert_eq!(writes(&handle), 0);
    assert_eq!(kind(&restore(&facebook, "1_9").await.unwrap_err()), "Refused");
}

#[tokio::test]
async fn each_fault_of_a_write_says_what_to_do_next() {
    // Fault; the error, and whether the platform has hidden the comment all the same.
    let table = [
        (r#""kind":"refuse""#, "Refused", false),
        (r#""kind":"refuse","code":200"#, "Unauthorized", false),
        (r#""kind":"refuse","code":100"#, "Refused", false),
        (r#""kind":"lost""#, "OutcomeUnknown", true),
        (r#""kind":"slow","on":"write","seconds":30"#, "OutcomeUnknown", true),
        (r#""kind":"truncated","on":"write""#, "OutcomeUnknown", true),
        (r#""kind":"html","on":"write""#, "OutcomeUnknown", false),
        (r#""kind":"down","on":"write""#, "OutcomeUnknown", false),
        (r#""kind":"429","on":"write","seconds":600"#, "RateLimited", false),
        (r#""kind":"token","on":"write""#, "Unauthorized", false),
    ];
    for (fault, expected, hidden) in table {
        let (handle, facebook) = start(&line("1_1", &json!({}))).await;
        handle.sandbox().control("fault", &format!(r#"{{"account":"4",{fault}}}"#)).unwrap();
        let error = hide(&facebook, "1_1").await.unwrap_err();
        assert_eq!(kind(&error), expected, "{fault}: {error}");
        assert!(!format!("{error:?}").contains(TOKEN), "{error:?}");
        if let ConnectorError::RateLimited(wait) = error {
            assert_eq!(wait.as_secs(), 600, "the platform's own word");
        }
        assert_eq!(writes(&handle), 1, "{fault}: the connector does not try again");
        assert_eq!(handle.sandbox().state()[0].hidden, hidden, "{fault}");
    }
}

#[tokio::test]
async fn each_fault_of_a_read_says_what_to_do_next_and_loses_nothing() {
    let table = [
        (r#""kind":"refuse","on":"read""#, "Refused"),
        (r#""kind":"lost","on":"read""#, "Unavailable"),
        (r#""kind":"slow","seconds":30"#, "Unavailable"),
        (r#""kind":"truncated""#, "Malformed"),
        (r#""kind":"html""#, "Malformed"),
        (r#""kind":"down""#, "Unavailable"),
        (r#""kind":"429""#, "RateLimited"),
        (r#""kind":"token","times":1"#, "Unauthorized"),
    ];
    for (fault, expected) in table {
        let (handle, facebook) = start(&line("1_1", &json!({}))).await;
        let first = facebook.page(None).await.unwrap();
        for from in [None, first.cursor] {
            handle.sandbox().control("fault", &format!(r#"{{"account":"4",{fault}}}"#)).unwrap();
            let error = facebook.page(from.as_ref()).await.unwrap_err();
            assert_eq!(kind(&error), expected, "{fault}: {error}");
            assert!(!format!("{error:?}").contains(TOKEN), "{error:?}");
            facebook.page(from.as_ref()).await.unwrap();
            handle.sandbox().control("fault", &format!(r#"{{"account":"4",{fault}}}"#)).unwrap();
            assert_eq!(kind(&facebook.look(&target("1_1", "4_1")).await.unwrap_err()), expected, "{fault}");
        }
    }
}

#[tokio::test]
async fn the_app_secret_is_proved_where_the_platform_demands_it() {
    let (handle, without) = start(&line("1_1", &json!({}))).await;
    handle
        .sandbox()
        .control("account", &json!({ "account": "4", "app_secret": SECRET }).to_string())
        .unwrap();
    let error = without.page(None).await.unwrap_err();
    assert!(error.to_string().contains("app_secret_file"), "{error}");
    let with = facebook(&handle.api(Platform::Facebook), Some(SECRET));
    sweep(&with, None).await.unwrap();
    hide(&with, "1_1").await.unwrap();
    let look = with.look(&target("1_1", "4_1")).await.unwrap();
    assert_eq!(look.sighting, Sighting::Hidden);
    assert!(!look.url.contains("proof"), "{}", look.url);
}

#[tokio::test]
async fn a_post_that_vanishes_during_a_sweep_does_not_stop_it() {
    let (_handle, facebook) = start(&line("1_1", &json!({}))).await;
    let from = Cursor(r#"{"posts":["4_9","4_1"],"stage":"comments"}"#.to_owned());
    let (page, _) = sweep(&facebook, Some(from)).await.unwrap();
    assert_eq!(page.comments.len(), 1);
    assert_eq!(page.listed, ["4_1"]);
    assert!(page.blind[0].contains("4_9"), "{:?}", page.blind);
}

#[tokio::test]
async fn older_posts_are_read_in_turn_and_the_length_of_a_turn_is_stated() {
    let seed: String = (0..160)
        .map(|n| {
            let at = format!("2026-{:02}-{:02}T08:00:00Z", 1 + n / 28, 1 + n % 28);
            line(&format!("1_{n}"), &json!({ "post": format!("4_{n}"), "at": at }))
        })
        .collect();
    let (handle, facebook) = start(&seed).await;
    let mut cursor = None;
    let mut read = Vec::new();
    let mut told = String::new();
    for _ in 0..4 {
        let (page, _) = sweep(&facebook, cursor).await.unwrap();
        let older: BTreeSet<u32> = page
            .comments
            .iter()
            .map(|seen| seen.post_id.trim_start_matches("4_").parse().unwrap())
            .filter(|n| *n < 60)
            .collect();
        assert_eq!(page.comments.len(), 100 + older.len(), "the newest hundred each time");
        read.push((older.first().copied().unwrap(), older.len()));
        told = page.blind.concat();
        cursor = page.cursor;
    }
    assert_eq!(read, [(35, 25), (10, 25), (0, 10), (35, 25)]);
    assert!(told.contains("Ett helt varv är 60 inlägg, 3 svep."), "{told}");
    // A cursor that is no longer taken costs the turn, not the sweep.
    let worn = cursor.unwrap().0.replace(r#""older":{"on":[["after",""#, r#""older":{"on":[["after","x"#);
    let (page, _) = sweep(&facebook, Some(Cursor(worn))).await.unwrap();
    assert_eq!(page.comments.len(), 100);
    let (page, _) = sweep(&facebook, page.cursor).await.unwrap();
    assert_eq!(page.comments.len(), 125);
    assert_eq!(writes(&handle), 0);
}

#[tokio::test]
async fn a_cursor_that_is_no_longer_taken_begins_its_list_anew_and_then_gives_it_up() {
    let seed: String = (0..3).map(|n| line(&format!("1_{n}"), &json!({}))).collect();
    let (_handle, facebook) = start(&(seed + &line("2_1", &json!({ "post": "4_2" })))).await;
    let worn =
        r#"{"posts":["4_1","4_2"],"stage":"comments","on":[["after","utgången"]],"pages":7,"shown":700}"#;
    let (page, _) = sweep(&facebook, Some(Cursor(worn.to_owned()))).await.unwrap();
    assert_eq!(page.comments.len(), 4);
    assert_eq!(page.listed, ["4_1", "4_2"]);
    let twice = worn.replace(r#""pages":7"#, r#""again":true"#);
    let (page, _) = sweep(&facebook, Some(Cursor(twice))).await.unwrap();
    assert_eq!(page.listed, ["4_2"], "a list that is refused again does not hold up the others");
    assert!(page.blind[0].contains("4_1"), "{:?}", page.blind);
    let feed = r#"{"on":[["after","utgången"]],"pages":3}"#;
    let (page, _) = sweep(&facebook, Some(Cursor(feed.to_owned()))).await.unwrap();
    assert_eq!(page.comments.len(), 4);
}
