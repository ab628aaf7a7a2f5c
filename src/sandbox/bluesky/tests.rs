//! Bluesky as the lexicons, the fact sheet and the recorded answers tell it.

use serde_json::{Value, json};

use crate::sandbox::asking::{Client, same_shape};

const US: &str = "did:plc:kommunen";
const ROOT: &str = "at://did:plc:kommunen/app.bsky.feed.post/3root";
const GATE: &str =
    "com.atproto.repo.getRecord?repo=did:plc:kommunen&collection=app.bsky.feed.threadgate&rkey=3root";

fn uri(n: usize) -> String {
    format!("at://did:plc:asa/app.bsky.feed.post/3r{n}")
}

fn line(n: usize, more: &Value) -> Value {
    let mut line = json!({
        "account": US, "post": ROOT, "id": uri(n), "author": { "id": "did:plc:asa", "name": "Åsa Öberg" },
        "at": format!("2026-11-20T08:{n:02}:00.000Z"), "text": format!("Svar {n}"),
        "post_at": "2026-11-20T07:00:00.000Z", "post_text": "Nu öppnar badhuset",
    });
    line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    line
}

/// A chain of seven answers, each to the one before, and one more to the post. The account has logged in.
async fn start() -> Client {
    let mut seed = vec![line(1, &json!({}))];
    seed.extend((2..8).map(|n| line(n, &json!({ "parent": uri(n - 1) }))));
    seed.push(line(8, &json!({})));
    let mut client = Client::start("/bluesky/xrpc/", &seed).await;
    client.control("clock", &json!({ "at": "2026-11-23T12:00:00Z" }));
    client.control(
        "account",
        &json!({ "account": US, "username": "kommunen.se", "memory": { "password": "s3" } }),
    );
    let session = login(&client, "kommunen.se", "s3").await;
    assert_eq!(session.0, 200);
    with(&mut client, &session.1["accessJwt"]);
    client
}

fn with(client: &mut Client, token: &Value) {
    client.headers = vec![("Authorization", format!("Bearer {}", token.as_str().unwrap()))];
}

async fn login(client: &Client, identifier: &str, password: &str) -> (u16, Value) {
    let body = json!({ "identifier": identifier, "password": password });
    let reply = client.send("POST", "com.atproto.server.createSession", &body).await;
    (reply.status, reply.json())
}

async fn put(client: &Client, hidden: &[String], swap: Option<Value>) -> (u16, Value) {
    let record = json!({
        "$type": "app.bsky.feed.threadgate", "post": ROOT, "createdAt": "2026-11-23T12:00:00.000Z",
        "hiddenReplies": hidden,
    });
    let mut body =
        json!({ "repo": US, "collection": "app.bsky.feed.threadgate", "rkey": "3root", "record": record });
    if let Some(swap) = swap {
        body["swapRecord"] = swap;
    }
    let reply = client.send("POST", "com.atproto.repo.putRecord", &body).await;
    (reply.status, reply.json())
}

/// The answers that notifications tell of, by number, sorted.
async fn told(client: &Client) -> Vec<String> {
    let page = client.get("app.bsky.notification.listNotifications?limit=100").await.json();
    let mut uris: Vec<String> = page["notifications"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["uri"].as_str().unwrap().to_owned())
        .collect();
    uris.sort();
    uris
}

#[tokio::test]
async fn answers_have_the_recorded_shape() {
    let client = start().await;
    let recorded = include_str!("../../../tests/fixtures/connector/bluesky/createSession.json");
    same_shape(&login(&client, US, "s3").await.1, recorded, &[".status"], &[]);
    let record = client
        .get("com.atproto.repo.getRecord?repo=did:plc:asa&collection=app.bsky.feed.post&rkey=3r2")
        .await;
    let recorded = include_str!("../../../tests/fixtures/connector/bluesky/getRecord_post.json");
    same_shape(&record.json(), recorded, &["facets"], &["langs"]);
    let made = put(&client, &[], Some(Value::Null)).await.1;
    let recorded = include_str!("../../../tests/fixtures/connector/bluesky/putRecord.json");
    same_shape(&made, recorded, &[], &[".commit", ".validationStatus"]);
    let error = client.get("app.bsky.feed.getPosts").await;
    same_shape(
        &error.json(),
        include_str!("../../../tests/fixtures/connector/bluesky/error_400.json"),
        &[],
        &[],
    );
    // Of the long recordings, the parts that every answer to a post has.
    let all: Value = serde_json::from_str(include_str!(
        "../../../tests/fixtures/connector/bluesky/listNotifications.json"
    ))
    .unwrap();
    let replies = all["notifications"].as_array().unwrap();
    let one = replies.iter().find(|one| one["reason"] == "reply").unwrap().to_string();
    let page = client.get("app.bsky.notification.listNotifications").await.json();
    let absent = ["description", "avatar", "author.indexedAt", "followedBy", "following", "facets"];
    same_shape(&page["notifications"][0], &one, &absent, &[]);
    let thread: Value =
        serde_json::from_str(include_str!("../../../tests/fixtures/connector/bluesky/getPostThread.json"))
            .unwrap();
    let reply = thread["thread"]["replies"][0].to_string();
    let here = client.get(&format!("app.bsky.feed.getPostThread?uri={ROOT}")).await.json();
    let more = ["threadContext", "replies", "quoteCount", "threadMuted", "embeddingDisabled", "langs"];
    let absent =
        ["avatar", ".embed", ".parent", "replies", "followedBy", "following", "viewer", ".root.$type"];
    same_shape(&here["thread"]["replies"][0], &reply, &absent, &more);
}

#[tokio::test]
async fn a_hidden_answer_leaves_the_notifications_and_stays_in_the_thread() {
    let client = start().await;
    assert_eq!(told(&client).await, [1, 2, 3, 4, 5, 8].map(uri), "five deep and no deeper");
    let none = client.get(GATE).await;
    assert_eq!((none.status, &none.json()["error"]), (400, &json!("RecordNotFound")));
    assert_eq!(put(&client, &[uri(2)], Some(Value::Null)).await.0, 200);
    assert_eq!(told(&client).await, [1, 8].map(uri), "nor what stands below it");
    let thread = client.get(&format!("app.bsky.feed.getPostThread?uri={ROOT}")).await.json();
    let below = &thread["thread"]["replies"][0]["replies"][0];
    assert_eq!(below["post"]["uri"], uri(2));
    assert_eq!(thread["threadgate"]["record"]["hiddenReplies"], json!([uri(2)]));
    assert!(thread["threadgate"]["record"].get("allow").is_none());
    assert!(client.handle.sandbox().state()[1].hidden);
    let posts =
        client.get(&format!("app.bsky.feed.getPosts?uris={}&uris={}&uris=at://x/y/z", uri(2), uri(1))).await;
    assert_eq!(posts.json()["posts"].as_array().unwrap().len(), 2);
    assert!(client.violations().is_empty());
}

#[tokio::test]
async fn a_gate_is_written_only_over_the_one_that_was_read() {
    let client = start().await;
    let first = put(&client, &[uri(1)], Some(Value::Null)).await.1;
    let again = put(&client, &[uri(1)], Some(json!("bafyreistale"))).await;
    assert_eq!((again.0, &again.1["cid"]), (200, &first["cid"]), "the same record again, as tried");
    for stale in [Value::Null, json!("bafyreistale")] {
        let refused = put(&client, &[uri(1), uri(8)], Some(stale)).await;
        assert_eq!((refused.0, &refused.1["error"]), (400, &json!("InvalidSwap")));
    }
    // Somebody hides one in the app meanwhile.
    client.control("hide", &json!({ "id": uri(3) }));
    let read = client.get(GATE).await.json();
    assert_eq!(read["value"]["hiddenReplies"], json!([uri(1), uri(3)]));
    assert_ne!(read["cid"], first["cid"]);
    assert_eq!(put(&client, &[uri(1), uri(8)], Some(first["cid"].clone())).await.0, 400);
    assert_eq!(put(&client, &[uri(3)], Some(read["cid"].clone())).await.0, 200);
    let hidden: Vec<bool> = client.handle.sandbox().state().iter().map(|comment| comment.hidden).collect();
    assert_eq!(hidden, [false, false, true, false, false, false, false, false]);
    assert!(client.violations().is_empty());
    assert_eq!(put(&client, &[], None).await.0, 200);
    assert_eq!(client.violations().len(), 1, "without a comparison");
}

#[tokio::test]
async fn a_gate_hides_three_hundred_and_no_more_and_only_with_the_posts_own_key() {
    let client = start().await;
    let many: Vec<String> = (100..400).map(uri).collect();
    let made = put(&client, &many, Some(Value::Null)).await;
    assert_eq!(made.0, 200);
    let more: Vec<String> = (100..401).map(uri).collect();
    let refused = put(&client, &more, Some(made.1["cid"].clone())).await;
    assert_eq!((refused.0, &refused.1["error"]), (400, &json!("InvalidRequest")));
    assert!(refused.1["message"].as_str().unwrap().contains("array too big"));
    let write = async |repo: &str, rkey: &str, record: Value| {
        let body = json!({ "repo": repo, "collection": "app.bsky.feed.threadgate", "rkey": rkey, "record": record, "swapRecord": null });
        client.send("POST", "com.atproto.repo.putRecord", &body).await.status
    };
    let gate = json!({ "post": ROOT, "createdAt": "2026-11-23T12:00:00Z", "hiddenReplies": [uri(1)] });
    assert_eq!(write(US, "3other", gate.clone()).await, 200, "written, and without effect");
    assert!(client.handle.sandbox().state().iter().all(|comment| !comment.hidden));
    assert_eq!(write("did:plc:asa", "3root", gate).await, 401);
    assert_eq!(write(US, "3x", json!({ "post": ROOT })).await, 400);
    assert_eq!(write(US, "3x", json!({ "post": ROOT, "createdAt": "x", "hiddenReplies": "all" })).await, 400);
    assert_eq!(write(US, "3x", json!("x")).await, 400);
}

#[tokio::test]
async fn who_may_answer_is_nothing_that_hiding_may_change() {
    let client = start().await;
    let body = json!({
        "repo": US, "collection": "app.bsky.feed.threadgate", "rkey": "3root", "swapRecord": null,
        "record": { "post": ROOT, "createdAt": "2026-11-23T12:00:00Z", "allow": [], "hiddenReplies": [uri(1)] },
    });
    assert_eq!(client.send("POST", "com.atproto.repo.putRecord", &body).await.status, 200);
    assert!(client.violations()[0].contains("allow"));
}

#[tokio::test]
async fn a_session_is_renewed_once_and_an_expired_token_is_a_400() {
    let mut client = start().await;
    let session = login(&client, US, "s3").await.1;
    let refresh = async |client: &mut Client, token: &Value| {
        with(client, token);
        let reply = client.ask("POST", "com.atproto.server.refreshSession", "", "").await;
        (reply.status, reply.json())
    };
    client.control("clock", &json!({ "at": "2026-11-23T14:00:00Z" }));
    with(&mut client, &session["accessJwt"]);
    let reply = client.get("app.bsky.notification.listNotifications").await;
    assert_eq!((reply.status, &reply.json()["error"]), (400, &json!("ExpiredToken")));
    let (status, renewed) = refresh(&mut client, &session["refreshJwt"]).await;
    assert_eq!(status, 200);
    let recorded = include_str!("../../../tests/fixtures/connector/bluesky/refreshSession.json");
    same_shape(&renewed, recorded, &[".status"], &[".email"]);
    assert_eq!(refresh(&mut client, &session["refreshJwt"]).await.1["error"], "InvalidToken", "it rotates");
    with(&mut client, &renewed["accessJwt"]);
    assert_eq!(client.get("com.atproto.server.getSession").await.json()["did"], US);
    client.control("clock", &json!({ "at": "2027-02-21T14:00:00Z" }));
    assert_eq!(refresh(&mut client, &renewed["refreshJwt"]).await.1["error"], "ExpiredToken");
    client.headers.clear();
    let reply = client.get("app.bsky.notification.listNotifications").await;
    assert_eq!((reply.status, &reply.json()["error"]), (401, &json!("AuthMissing")));
    assert_eq!(
        client.get(&format!("{GATE}x")).await.json()["error"],
        "RecordNotFound",
        "a record needs no session"
    );
    for (identifier, password, status) in [(US, "wrong", 401), ("other.se", "s3", 401), ("", "s3", 400)] {
        assert_eq!(login(&client, identifier, password).await.0, status, "{identifier}");
    }
}

#[tokio::test]
async fn limits_are_told_in_every_answer_and_logins_are_few() {
    let client = start().await;
    let reply = client.get("com.atproto.server.getSession").await;
    assert_eq!((reply.header("ratelimit-limit"), reply.header("ratelimit-policy")), ("3000", "3000;w=300"));
    assert_eq!(reply.header("ratelimit-reset"), "1795435500");
    for _ in 0..29 {
        assert_eq!(login(&client, US, "s3").await.0, 200);
    }
    let body = json!({ "identifier": US, "password": "s3" });
    let refused = client.send("POST", "com.atproto.server.createSession", &body).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "300"));
    assert_eq!(refused.header("ratelimit-policy"), "30;w=300");
    client.control(
        "quota",
        &json!({ "account": US, "name": "bluesky.points", "limit": 3, "window": { "fixed": 3600 } }),
    );
    assert_eq!(put(&client, &[uri(1)], Some(Value::Null)).await.0, 200);
    assert_eq!(put(&client, &[], None).await.1["error"], "RateLimitExceeded");
}

#[tokio::test]
async fn a_list_ends_with_an_empty_page_and_a_thread_is_cut_at_its_depth() {
    let client = start().await;
    let mut found = 0;
    let mut cursor = String::new();
    let mut pages = 0;
    loop {
        let path = format!("app.bsky.notification.listNotifications?limit=4&cursor={cursor}");
        let page = client.get(&path).await.json();
        found += page["notifications"].as_array().unwrap().len();
        pages += 1;
        match page["cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!((found, pages), (6, 3));
    let depth = async |depth: &str| {
        let path = format!("app.bsky.feed.getPostThread?uri={ROOT}{depth}");
        let thread = client.get(&path).await.json();
        let mut next = &thread["thread"];
        let mut deep = 0;
        while next["replies"][0].is_object() {
            next = &next["replies"][0];
            deep += 1;
        }
        deep
    };
    assert_eq!((depth("").await, depth("&depth=1000").await, depth("&depth=0").await), (6, 7, 0));
    let above =
        client.get(&format!("app.bsky.feed.getPostThread?uri={}&parentHeight=2", uri(7))).await.json();
    assert_eq!(above["thread"]["parent"]["parent"]["post"]["uri"], uri(5));
    assert!(above["thread"]["parent"]["parent"]["parent"].is_null());
    for bad in ["?uri=at://a/b/c", "?depth=6", &format!("?uri={ROOT}&depth=1001")] {
        assert_eq!(client.get(&format!("app.bsky.feed.getPostThread{bad}")).await.status, 400, "{bad}");
    }
    client.control("edit", &json!({ "id": uri(8), "text": "x", "memory": { "blocked": true } }));
    let thread = client.get(&format!("app.bsky.feed.getPostThread?uri={ROOT}")).await.json();
    assert_eq!(thread["thread"]["replies"][1]["$type"], "app.bsky.feed.defs#blockedPost");
}

#[tokio::test]
async fn ones_own_answer_is_written_listed_and_deleted() {
    let client = start().await;
    let reply = json!({ "root": { "uri": ROOT, "cid": "x" }, "parent": { "uri": uri(1), "cid": "x" } });
    let record = json!({ "$type": "app.bsky.feed.post", "text": "Tack", "createdAt": "2026-11-23T12:00:00.000Z", "reply": reply });
    let body = json!({ "repo": US, "collection": "app.bsky.feed.post", "record": record });
    let made = client.send("POST", "com.atproto.repo.createRecord", &body).await.json();
    let uri = made["uri"].as_str().unwrap().to_owned();
    let feed = async |filter: &str| {
        let page = client.get(&format!("app.bsky.feed.getAuthorFeed?actor=kommunen.se{filter}")).await.json();
        let all = page["feed"].as_array().unwrap().iter();
        all.map(|one| one["post"]["uri"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(feed("").await, [uri.clone(), ROOT.to_owned()]);
    assert_eq!(feed("&filter=posts_no_replies").await, [ROOT]);
    let rkey = uri.rsplit('/').next().unwrap();
    let body = json!({ "repo": US, "collection": "app.bsky.feed.post", "rkey": rkey });
    assert_eq!(client.send("POST", "com.atproto.repo.deleteRecord", &body).await.status, 200);
    assert_eq!(feed("").await, [ROOT]);
}
