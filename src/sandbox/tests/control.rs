//! What the control can do to every platform alike.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Handle, Reply, ask, control, get, line, lines, start};
use crate::sandbox::Sandbox;

async fn texts(handle: &Handle, path: &str) -> Vec<String> {
    let page = get(handle, path).await.json();
    let texts = page["data"].as_array().unwrap_or_else(|| panic!("{page}")).iter();
    texts.map(|one| one["message"].as_str().unwrap().to_owned()).collect()
}

const LIST: &str = "page_1/comments?filter=stream&fields=id,message";

#[tokio::test]
async fn a_change_shows_in_lists_only_after_the_lag_but_at_once_by_itself() {
    let handle = start(&line("1_1", 1, "först")).await;
    control(&handle, "clock", json!({ "at": "2026-11-20T12:00:00Z" }));
    control(&handle, "lag", json!({ "account": "page", "seconds": 60 }));
    assert_eq!(texts(&handle, LIST).await, ["först"], "what was there before the lag stays");
    control(&handle, "edit", json!({ "id": "1_1", "text": "ändrad" }));
    handle.sandbox().seed(&line("1_2", 2, "ny")).unwrap();
    assert_eq!(texts(&handle, LIST).await, ["först"]);
    assert_eq!(get(&handle, "1_1?fields=message").await.json()["message"], "ändrad");
    control(&handle, "clock", json!({ "forward": 59 }));
    control(&handle, "edit", json!({ "id": "1_1", "text": "ändrad igen" }));
    assert_eq!(texts(&handle, LIST).await, ["först"]);
    control(&handle, "clock", json!({ "forward": 1 }));
    assert_eq!(texts(&handle, LIST).await, ["ändrad", "ny"], "the second edit shows a minute after itself");
    control(&handle, "clock", json!({ "forward": 59 }));
    assert_eq!(texts(&handle, LIST).await, ["ändrad igen", "ny"]);
}

#[tokio::test]
async fn a_comment_can_move_and_come_back() {
    let handle = start(&(line("1_1", 1, "ett") + "\n" + &line("1_2", 2, "två"))).await;
    control(
        &handle,
        "post",
        json!({ "account": "page", "id": "page_2", "text": "Nytt", "at": "2026-11-21T08:00:00Z" }),
    );
    control(&handle, "move", json!({ "id": "1_1", "post": "page_2" }));
    assert_eq!(texts(&handle, LIST).await, ["två"]);
    assert_eq!(texts(&handle, "page_2/comments?fields=id,message").await, ["ett"]);
    control(
        &handle,
        "move",
        json!({ "id": "1_1", "post": "page_1", "parent": "1_2", "at": "2026-11-20T09:00:00Z" }),
    );
    assert_eq!(texts(&handle, "1_2/comments?fields=message").await, ["ett"]);
    assert_eq!(get(&handle, "1_1?fields=created_time").await.json()["created_time"], "2026-11-20T09:00:00Z");
    control(&handle, "delete", json!({ "id": "1_1" }));
    assert_eq!(texts(&handle, LIST).await, ["två"]);
    control(&handle, "undelete", json!({ "id": "1_1" }));
    assert_eq!(texts(&handle, LIST).await, ["två", "ett"]);
    // A post takes its comments along, and brings them back.
    control(&handle, "delete", json!({ "id": "page_1" }));
    assert_eq!(get(&handle, LIST).await.json()["error"]["code"], 100);
    assert_eq!(get(&handle, "1_2").await.json()["error"]["code"], 100);
    control(&handle, "undelete", json!({ "id": "page_1" }));
    assert_eq!(texts(&handle, LIST).await, ["två", "ett"]);
}

#[tokio::test]
async fn an_order_that_cannot_be_is_told_why_and_changes_nothing() {
    let other = json!({ "account": "other", "post": "other_1", "id": "9_1", "text": "x" }).to_string();
    let handle = start(&(line("1_1", 1, "ett") + "\n" + &other)).await;
    let table: &[(&str, Value, u16)] = &[
        ("move", json!({ "id": "nobody" }), 404),
        ("move", json!({ "id": "1_1", "post": "nowhere" }), 404),
        ("move", json!({ "id": "1_1", "post": "other_1" }), 400),
        ("move", json!({ "id": "1_1", "parent": "1_1" }), 400),
        ("post", json!({ "account": "page", "id": "1_1" }), 400),
        ("post", json!({ "account": "other", "id": "page_1" }), 400),
        ("post", json!({ "account": "", "id": "p" }), 400),
        ("undelete", json!({ "id": "nobody" }), 404),
        ("hold", json!({ "id": "nobody" }), 404),
        ("hide", json!({ "id": "1_1", "by": "ghost" }), 400),
        ("account", json!({ "account": "page", "revoke": ["MODERATE"] }), 400),
        ("token", json!({ "account": "page", "token": "" }), 400),
        ("expire", json!({ "account": "page" }), 404),
        ("expire", json!({ "account": "page", "token": "t" }), 404),
        ("quota", json!({ "account": "page", "name": "q", "used": 1 }), 400),
        ("quota", json!({ "name": "q", "limit": 1, "window": "monday" }), 400),
        ("lag", json!({ "account": "page", "seconds": -1 }), 400),
        ("clock", json!({}), 400),
        ("clock", json!({ "at": "2026-11-20T12:00:00Z", "forward": 1 }), 400),
        ("fault", json!({ "account": "page", "kind": "refuse", "status": 99 }), 400),
        ("reset", json!(7), 400),
    ];
    let before = handle.sandbox().state();
    for (verb, body, status) in table {
        let reply = ask(&handle, "POST", &format!("/control/{verb}"), &body.to_string()).await;
        assert_eq!(reply.status, *status, "{verb} {body}");
        assert!(!reply.json()["error"].as_str().unwrap().is_empty(), "{verb} {body}");
    }
    assert_eq!(handle.sandbox().state(), before);
    assert!(handle.sandbox().quotas().is_empty());
}

#[tokio::test]
async fn cursors_that_were_reset_are_no_longer_taken() {
    let handle = start(&lines(5)).await;
    let first = get(&handle, "page_1/comments?limit=2").await.json();
    let after = first["paging"]["cursors"]["after"].as_str().unwrap().to_owned();
    let next = format!("page_1/comments?limit=2&after={after}");
    assert_eq!(get(&handle, &next).await.status, 200);
    control(&handle, "reset", json!({ "account": "page" }));
    assert_eq!(get(&handle, &next).await.json()["error"]["code"], 100);
    assert_eq!(get(&handle, "page_1/comments?limit=2").await.status, 200);
}

#[tokio::test]
async fn media_are_served_as_ordered_and_every_fetch_is_counted() {
    let media = json!([
        { "id": "well" }, { "id": "film", "type": "video/mp4" }, { "id": "gone", "behaviour": "missing" },
        { "id": "trap", "behaviour": "wrong_type" }, { "id": "large", "behaviour": "huge", "bytes": 3_000_000 },
        { "id": "late", "behaviour": "slow", "seconds": 1 }, { "id": "in", "behaviour": "inwards" },
        { "id": "cut", "behaviour": "truncated" }, { "id": "bare", "behaviour": "unlabelled" },
    ]);
    let seed = json!({ "account": "page", "post": "page_1", "id": "1_1", "text": "", "attachment": "image", "media": media });
    let handle = start(&seed.to_string()).await;
    let attachment = get(&handle, "1_1?fields=attachment").await.json()["attachment"].clone();
    assert_eq!(attachment["url"], format!("http://{}/media/well", handle.addr()));
    let fetch = async |id: &str| ask(&handle, "GET", &format!("/media/{id}"), "").await;
    assert!(fetch("well").await.body.starts_with(b"\x89PNG"));
    let film = fetch("film").await;
    assert!(film.head.contains("content-type: video/mp4") && film.body[4..].starts_with(b"ftyp"));
    assert_eq!(fetch("gone").await.status, 404);
    let trap = fetch("trap").await;
    assert!(trap.head.contains("content-type: image/png") && trap.body.starts_with(b"<!DOCTYPE"));
    assert_eq!(fetch("large").await.body.len(), 3_000_000);
    let before = Instant::now();
    assert_eq!(fetch("late").await.status, 200);
    assert!(before.elapsed() > Duration::from_millis(900));
    assert_eq!(fetch("in").await.status, 302);
    assert_eq!(fetch("cut").await.status, 0);
    assert!(!fetch("bare").await.head.contains("content-type"));
    assert_eq!(fetch("never").await.status, 404);
    let fetched: Vec<_> = handle
        .sandbox()
        .requests()
        .into_iter()
        .filter(|asked| asked.platform == "media")
        .map(|asked| asked.path)
        .collect();
    assert_eq!(fetched.len(), 10);
    assert_eq!(fetched[0], "/media/well");
}

#[tokio::test]
async fn the_further_faults_are_what_they_say() {
    // Kind, further keys, on a read: status, whether the body is a list.
    let table = [
        ("string_error", json!({}), 500, false),
        ("localised", json!({}), 400, false),
        ("gone_token", json!({}), 400, false),
        ("refuse", json!({ "on": "read", "status": 418 }), 418, false),
        ("429", json!({ "seconds": 120, "retry_after": true }), 429, false),
        ("wrong_type", json!({}), 200, true),
        ("500", json!({ "on": "read" }), 500, false),
    ];
    for (kind, more, status, is_list) in table {
        let handle = start(&lines(2)).await;
        let mut order = json!({ "account": "page", "kind": kind });
        for (key, value) in more.as_object().unwrap() {
            order[key] = value.clone();
        }
        control(&handle, "fault", order);
        let reply = get(&handle, "page_1/comments").await;
        assert_eq!((reply.status, reply.json()["data"].is_array()), (status, is_list), "{kind}");
        let is_string = reply.json()["error"].is_string();
        assert_eq!(is_string, kind == "string_error", "{kind}");
        assert_eq!(reply.head.contains("retry-after: 120"), kind == "429", "{kind}");
        assert_eq!(reply.head.contains("text/plain"), kind == "wrong_type", "{kind}");
        assert_eq!(reply.json().to_string().contains("Åtgärden"), kind == "localised", "{kind}");
        // A token that is gone stays gone until that is taken back.
        assert_eq!(get(&handle, "page_1/comments").await.status == 200, kind != "gone_token", "{kind}");
        assert_eq!(handle.sandbox().requests()[0].fault.as_deref(), Some(kind));
    }
}

#[tokio::test]
async fn a_failure_after_the_deed_is_a_deed() {
    let handle = start(&lines(1)).await;
    control(&handle, "fault", json!({ "account": "page", "kind": "500" }));
    assert_eq!(ask(&handle, "POST", "/facebook/v25.0/1_0", "is_hidden=true").await.status, 500);
    assert!(handle.sandbox().state()[0].hidden);
}

#[tokio::test]
async fn an_empty_page_has_a_next_that_gives_what_it_left_out() {
    let handle = start(&lines(3)).await;
    let read = async |reply: Reply| {
        let page = reply.json();
        let ids: Vec<_> = page["data"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
        let next =
            page["paging"]["next"].as_str().map(|next| next.split_once("/v25.0/").unwrap().1.to_owned());
        (ids, next)
    };
    control(&handle, "fault", json!({ "account": "page", "kind": "empty", "times": 2 }));
    let mut next = Some("page_1/comments?limit=2&fields=id".to_owned());
    let (mut all, mut pages) = (Vec::new(), 0);
    while let Some(path) = next {
        let (ids, following) = read(get(&handle, &path).await).await;
        all.extend(ids);
        next = following;
        pages += 1;
        assert!(pages < 10);
    }
    assert_eq!((all.len(), pages), (3, 4));
}

#[tokio::test]
async fn a_fault_can_meet_every_account_some_paths_and_last_until_a_time() {
    let other = json!({ "account": "other", "post": "other_1", "id": "9_1", "text": "x" }).to_string();
    let handle = start(&(lines(1) + &other)).await;
    control(&handle, "clock", json!({ "at": "2026-11-20T12:00:00Z" }));
    control(
        &handle,
        "fault",
        json!({ "account": "*", "kind": "down", "path": "/comments", "until": "2026-11-20T13:00:00Z" }),
    );
    for _ in 0..3 {
        assert_eq!(get(&handle, "page_1/comments").await.status, 503);
        assert_eq!(get(&handle, "other_1/comments").await.status, 503);
        assert_eq!(get(&handle, "9_1").await.status, 200, "another path");
    }
    control(&handle, "clock", json!({ "at": "2026-11-20T13:00:00Z" }));
    assert_eq!(get(&handle, "page_1/comments").await.status, 200);
}

#[tokio::test]
async fn more_calls_at_once_than_the_platform_stands_are_a_violation() {
    let handle = start(&lines(1)).await;
    control(&handle, "account", json!({ "account": "page", "concurrent": 2, "delay_ms": 300 }));
    tokio::join!(get(&handle, "1_0"), get(&handle, "1_0"));
    assert!(handle.sandbox().requests().iter().all(|asked| asked.violation.is_none()));
    tokio::join!(get(&handle, "1_0"), get(&handle, "1_0"), get(&handle, "1_0"));
    let violations: Vec<_> =
        handle.sandbox().requests().into_iter().filter_map(|asked| asked.violation).collect();
    assert_eq!(violations, ["3 calls at once, more than 2"]);
}

#[tokio::test]
async fn accounts_posts_and_moves_are_there_again_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sandbox.ndjson");
    let orders = [
        (
            "account",
            json!({ "account": "page", "name": "Byn", "rights": ["MODERATE"], "app_secret": "s3", "memory": { "k": 1 } }),
        ),
        ("token", json!({ "account": "page", "token": "T", "expires_at": "2026-12-01T00:00:00Z" })),
        (
            "post",
            json!({ "account": "page", "id": "page_2", "text": "Besök", "author": { "id": "9", "name": "Åsa" } }),
        ),
        ("move", json!({ "id": "1_1", "post": "page_2" })),
        ("hold", json!({ "id": "1_2", "state": "likelySpam" })),
        ("hide", json!({ "id": "1_0", "by": "app" })),
        ("edit", json!({ "id": "1_0", "text": "nytt", "attachment": "video" })),
    ];
    let first = Sandbox::in_file(&path).unwrap();
    first.seed(&lines(3)).unwrap();
    for (verb, body) in &orders {
        first.control(verb, &body.to_string()).unwrap();
    }
    let again = Sandbox::in_file(&path).unwrap();
    assert_eq!(again.state(), first.state());
    assert_eq!(again.accounts(), first.accounts());
    assert_eq!(again.posts(), first.posts());
    assert_eq!(again.state()[0].hidden_by, Some("app"));
    assert_eq!(again.state()[0].edited_at, first.state()[0].edited_at);
    assert_eq!(again.state()[1].post, "page_2");
    assert!(again.posts().iter().any(|post| post.visitor));
    let handle = again.start("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let told = ask(&handle, "GET", "/control/accounts", "").await;
    assert_eq!(told.ndjson()[0]["tokens"], 1);
    assert_eq!(get(&handle, "1_0").await.json()["error"]["code"], 190, "only the listed token is taken");
}
