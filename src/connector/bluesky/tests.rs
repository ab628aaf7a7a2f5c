//! Recorded answers, and answers that the real network cannot be made to give.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::connector::Cursor;
use crate::connector::http::script::{Asked, Reply, Server};
use crate::domain::comment::CommentId;

mod acting;

const DID: &str = "did:plc:kommun";
const PASSWORD: &str = "app-losen-4711";
const TOKEN: &str = "eyJ-hemlig-token";
const RECORDED_DID: &str = "did:plc:iijrtk7ocored6zuziwmqq3c";

fn recorded(name: &str) -> Value {
    let path = format!("{}/tests/fixtures/connector/bluesky/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn session(did: &str, token: &str) -> Reply {
    Reply::json(&json!({"did": did, "accessJwt": token, "refreshJwt": format!("{token}-r"), "active": true}))
}

fn none() -> Reply {
    Reply::status(400, r#"{"error":"RecordNotFound","message":"Could not locate record"}"#)
}

fn account(server: &Server, did: &str) -> Bluesky {
    let login = json!({"identifier": "kommun.test", "password": PASSWORD}).to_string();
    Bluesky::new(
        Http::for_tests(Duration::from_millis(500)),
        &server.endpoint.to_string(),
        did,
        &login.into(),
    )
    .unwrap()
}

/// A server that logs in and gives everything else to `reply`.
async fn serving(reply: impl Fn(&str, &Asked) -> Reply + Send + Sync + 'static) -> Server {
    Server::start(move |asked| {
        let name = asked.path.strip_prefix("/xrpc/").unwrap_or_default();
        let name =
            name.split('?').next().unwrap_or_default().rsplit('.').next().unwrap_or_default().to_owned();
        match name.as_str() {
            "createSession" => session(DID, TOKEN),
            name => reply(name, asked),
        }
    })
    .await
}

fn root() -> String {
    format!("at://{DID}/{POST}/3juqjtr23dk2h")
}

fn reply_uri(n: usize) -> String {
    format!("at://did:plc:anna/{POST}/3k{n:011}")
}

fn post_view(uri: &str, text: &str, replies: usize) -> Value {
    let did = uri.split('/').nth(2).unwrap();
    json!({"uri": uri, "cid": "bafy", "author": {"did": did, "handle": "a.test"}, "replyCount": replies,
        "indexedAt": "2026-11-23T06:00:01.000Z",
        "record": {"$type": POST, "text": text, "createdAt": "2026-11-23T06:00:00.000Z",
            "reply": {"root": {"uri": root(), "cid": "x"}, "parent": {"uri": root(), "cid": "x"}}}})
}

fn root_view(replies: usize) -> Value {
    let mut view = post_view(&root(), "Inlägg", replies);
    view["record"].as_object_mut().unwrap().remove("reply");
    view
}

fn thread_of(replies: Vec<Value>) -> Value {
    let post = root_view(replies.len());
    let mut thread = json!({"thread": {"$type": "app.bsky.feed.defs#threadViewPost", "post": post}});
    thread["thread"]["replies"] = Value::Array(replies);
    thread
}

fn node(post: Value, replies: Option<Vec<Value>>) -> Value {
    let mut node = json!({"$type": "app.bsky.feed.defs#threadViewPost"});
    node["post"] = post;
    if let Some(replies) = replies {
        node["replies"] = Value::Array(replies);
    }
    node
}

/// The answers of an account with one post and no notifications; the thread is `thread`.
fn quiet(name: &str, thread: &Reply) -> Reply {
    match name {
        "listNotifications" => Reply::json(&json!({"notifications": []})),
        "getAuthorFeed" => Reply::json(&json!({"feed": [{"post": root_view(1)}]})),
        "getPostThread" => thread.clone(),
        other => panic!("{other} was not expected"),
    }
}

async fn sweep(
    account: &Bluesky,
    mut from: Option<Cursor>,
) -> Result<(Page, Option<Cursor>), ConnectorError> {
    let mut all = Page::default();
    for _ in 0..300 {
        let page = account.page(from.as_ref()).await?;
        all.comments.extend(page.comments);
        all.posts.extend(page.posts);
        all.faults.extend(page.faults);
        all.listed.extend(page.listed);
        all.blind.extend(page.blind);
        from = page.cursor;
        if !page.more {
            return Ok((all, from));
        }
    }
    panic!("the sweep does not end");
}

fn permit(act: Act, native: &str, post: &str) -> (Intent, Preserved) {
    let id = CommentId { account: "bsky".to_owned(), native: native.to_owned() };
    let target = Target {
        native_id: native.to_owned(),
        post_id: post.to_owned(),
        parent_id: None,
        hidden_by_us: false,
    };
    (Intent::for_tests(act, id.clone(), target), Preserved::for_tests(id, "x"))
}

fn name(error: &ConnectorError) -> String {
    format!("{error:?}").split('(').next().unwrap().to_owned()
}

#[tokio::test]
async fn recorded_notifications_and_threads_are_read_whole() {
    let mut opened = recorded("createSession");
    opened["active"] = json!(true);
    // The document names bsky.social, which a test must not speak to.
    opened["didDoc"] = json!(null);
    let server =
        Server::start(move |asked| match asked.path.split('?').next().unwrap().rsplit('.').next().unwrap() {
            "createSession" => Reply::json(&opened),
            "listNotifications" => Reply::json(&recorded("listNotifications")),
            "getPosts" => Reply::json(&json!({"posts": []})),
            "getAuthorFeed" => Reply::json(&json!({"feed": []})),
            _ => Reply::json(&recorded("getPostThread")),
        })
        .await;
    let account = account(&server, RECORDED_DID);
    let page = account.page(None).await.unwrap();
    assert!(page.faults.is_empty(), "{:?}", page.faults);
    // Of 24 replies, mentions and quotes three stand in our own threads; they come from the notification itself.
    assert_eq!(page.comments.len(), 3);
    assert!(page.comments.iter().all(|seen| seen.post_id.contains(RECORDED_DID) && !seen.text.is_empty()));
    assert_eq!(page.blind, ["utanför ansvar: 21 omnämnanden eller citat i andras trådar"]);
    let found = account.thread("at://did:plc:x/app.bsky.feed.post/3aaa").await.unwrap();
    assert!(found.faults.is_empty(), "{:?}", found.faults);
    assert_eq!(found.comments.len(), 5);
}

#[tokio::test]
async fn recorded_sessions_of_an_inactive_account_are_unauthorised() {
    let server = Server::start(|_| Reply::json(&recorded("createSession"))).await;
    let error = account(&server, RECORDED_DID).page(None).await.unwrap_err();
    assert!(matches!(&error, ConnectorError::Unauthorized(told) if told.contains("deactivated")), "{error}");
}

#[tokio::test]
async fn a_session_that_has_run_out_is_renewed_once_for_all_and_the_same_is_asked_again() {
    let renewals = AtomicUsize::new(0);
    let server = Server::start(move |asked| {
        let head = asked.head.to_ascii_lowercase();
        match asked.path.rsplit('.').next().unwrap() {
            "createSession" => session(DID, "gammal"),
            "refreshSession" => {
                assert!(head.contains("bearer gammal-r"), "the refresh token renews: {head}");
                renewals.fetch_add(1, Ordering::SeqCst);
                assert_eq!(renewals.load(Ordering::SeqCst), 1, "a refresh token is good once");
                session(DID, "ny")
            }
            _ if head.contains("bearer gammal\r") || head.ends_with("bearer gammal") => {
                Reply::status(400, r#"{"error":"ExpiredToken","message":"Token has expired"}"#)
            }
            _ => Reply::json(&json!({"notifications": []})),
        }
    })
    .await;
    let account = account(&server, DID);
    let (one, two) = tokio::join!(account.page(None), account.page(None));
    assert!(one.unwrap().more && two.unwrap().more);
    let logins = server.asked().iter().filter(|asked| asked.path.ends_with("createSession")).count();
    assert_eq!(logins, 1);
}

#[tokio::test]
async fn a_refused_renewal_logs_in_again_and_a_lasting_refusal_is_unauthorised() {
    let server = serving(|_, _| Reply::status(400, r#"{"error":"ExpiredToken","message":"x"}"#)).await;
    let account = account(&server, DID);
    let error = account.page(None).await.unwrap_err();
    assert_eq!(name(&error), "Unauthorized", "{error}");
    let paths: Vec<_> =
        server.asked().iter().map(|asked| asked.path.rsplit('.').next().unwrap().to_owned()).collect();
    assert_eq!(paths.len(), 5, "{paths:?}");
    assert_eq!(paths.iter().filter(|path| *path == "createSession").count(), 2);
    // Log-ins are few: the next ones run into our own limit before Bluesky's.
    let mut last = String::new();
    for _ in 0..10 {
        last = name(&account.page(None).await.unwrap_err());
    }
    assert_eq!(last, "RateLimited");
    let logins = server.asked().iter().filter(|asked| asked.path.ends_with("createSession")).count();
    assert_eq!(logins, 6);
}

#[tokio::test]
async fn no_error_and_no_shown_value_holds_a_secret() {
    let bodies = [
        (400, format!(r#"{{"error":"{TOKEN} {PASSWORD}","message":"{TOKEN}"}}"#)),
        (401, format!(r#"{{"error":"AuthMissing","message":"{TOKEN} {PASSWORD}"}}"#)),
        (200, format!(r#"{{"notifications":"{TOKEN}"}}"#)),
        (200, format!(r#"{{"notifications":[{{"uri":7,"reason":"{TOKEN}"}}],"cursor":"x"}}"#)),
        (500, format!(r#"{{"error":"{TOKEN}"}}"#)),
    ];
    for (status, body) in bodies {
        let server = serving(move |_, _| Reply::status(status, &body)).await;
        let account = account(&server, DID);
        let result = account.page(None).await;
        let shown = format!("{result:?} {account:?} {:?}", account.sessions);
        assert!(!shown.contains(PASSWORD) && !shown.contains(TOKEN), "{shown}");
    }
    let server = Server::start(|_| session("did:plc:annan", TOKEN)).await;
    let error = account(&server, DID).page(None).await.unwrap_err();
    assert_eq!(name(&error), "Unauthorized");
    assert!(!error.to_string().contains(TOKEN));
    for login in ["", "losen", r#"{"identifier":"a"}"#, r#"{"identifier":"","password":"app-losen-4711"}"#] {
        let error =
            Bluesky::new(Http::for_tests(Duration::from_secs(1)), "https://bsky.social", DID, &login.into());
        assert!(!error.unwrap_err().contains("losen-4711"));
    }
}

#[tokio::test]
async fn a_broken_reply_costs_itself_and_not_the_thread() {
    let good = |n| node(post_view(&reply_uri(n), "Hej", 0), Some(vec![]));
    let mut no_author = post_view(&reply_uri(2), "x", 0);
    no_author["author"] = json!("Anna");
    let mut no_text = post_view(&reply_uri(3), "x", 0);
    no_text["record"]["text"] = json!(["hot"]);
    let list = vec![
        good(1),
        node(no_author, None),
        node(no_text, Some(vec![good(4)])),
        json!(7),
        json!({"$type": "app.bsky.feed.defs#notFoundPost", "uri": reply_uri(5), "notFound": true}),
        json!({"$type": "app.bsky.feed.defs#blockedPost", "uri": reply_uri(6), "blocked": true, "author": {"did": "x"}}),
        json!({"$type": "nytt", "något": []}),
        good(7),
    ];
    let body = thread_of(list).to_string().replacen("\"Hej\"", r#""\u0000hot \ud83d""#, 1);
    let server = serving(move |name, _| quiet(name, &Reply::status(200, &body))).await;
    let (page, _) = sweep(&account(&server, DID), None).await.unwrap();
    let mut found: Vec<_> = page.comments.iter().map(|seen| seen.native_id.clone()).collect();
    found.sort();
    assert_eq!(found, [1, 4, 7].map(reply_uri), "also below a reply that cannot be read");
    assert!(page.comments.iter().any(|seen| seen.text == "\0hot \u{fffd}"), "half a pair hides nobody");
    let mut faults: Vec<_> = page.faults.iter().map(|fault| fault.native_id.clone()).collect();
    faults.sort();
    assert_eq!(faults, [None, Some(reply_uri(2)), Some(reply_uri(3))]);
    assert!(page.faults.iter().all(|fault| !fault.reason.contains("hot") && !fault.reason.contains("Anna")));
    assert_eq!(page.listed, [root()]);
    assert!(page.blind.iter().any(|line| line.contains("1 svar visas inte")), "{:?}", page.blind);
}

#[tokio::test]
async fn one_thread_that_cannot_be_read_does_not_stop_the_sweep() {
    let broken = [
        Reply::status(200, r#"{"thread":{"post":{"uri":"#),
        Reply::status(200, "[]"),
        Reply::status(200, r#"{"tråd":1}"#),
        Reply::Whole(200, "Content-Type: text/html\r\n".to_owned(), b"<html>".to_vec()),
        Reply::status(400, r#"{"error":"InvalidRequest","message":"x"}"#),
    ];
    for reply in broken {
        let server = serving(move |name, _| quiet(name, &reply)).await;
        let (page, cursor) = sweep(&account(&server, DID), None).await.unwrap();
        assert_eq!((page.faults.len(), page.listed.len()), (1, 0), "{page:?}");
        assert!(page.blind.iter().any(|line| line.contains("gick inte att läsa")));
        assert!(cursor.is_some());
    }
    // A root that is gone has no replies, and what is known under it is looked at.
    let gone = Reply::status(400, r#"{"error":"NotFound","message":"Post not found"}"#);
    let server = serving(move |name, _| quiet(name, &gone)).await;
    let (page, _) = sweep(&account(&server, DID), None).await.unwrap();
    assert_eq!((page.listed, page.faults), (vec![root()], vec![]));
}

#[tokio::test]
async fn a_failing_network_loses_no_place_in_the_sweep() {
    let server = serving(|name, _| match name {
        "getPostThread" => Reply::status(503, "{}"),
        other => quiet(other, &Reply::Close),
    })
    .await;
    let account = account(&server, DID);
    let page = account.page(None).await.unwrap();
    let page = account.page(page.cursor.as_ref()).await.unwrap();
    assert!(page.more);
    for _ in 0..3 {
        let error = account.page(page.cursor.as_ref()).await.unwrap_err();
        assert_eq!(name(&error), "Unavailable");
    }
    assert!(page.cursor.unwrap().0.contains("3juqjtr23dk2h"), "the thread is still to be read");
}

#[tokio::test]
async fn cut_branches_are_asked_for_again_and_endless_ones_end() {
    // Every answer shows one more level and says that there is another.
    let server = serving(|name, asked| match name {
        "getPostThread" => {
            let uri = asked.query("uri").unwrap();
            let n: usize =
                uri.strip_prefix(&reply_uri(0)[..reply_uri(0).len() - 11]).map_or(0, |n| n.parse().unwrap());
            let below = node(post_view(&reply_uri(n + 1), "Hej", 1), None);
            let mut top = if n == 0 { root_view(1) } else { post_view(&uri, "Hej", 1) };
            top["uri"] = json!(uri);
            Reply::json(&json!({"thread": node(top, Some(vec![below]))}))
        }
        other => quiet(other, &Reply::Close),
    })
    .await;
    let (page, _) = sweep(&account(&server, DID), None).await.unwrap();
    assert_eq!(page.comments.len(), 200);
    assert!(page.listed.is_empty(), "what was not read to its end is not listed");
    assert!(page.blind.iter().any(|line| line.contains("lästes inte till slut")), "{:?}", page.blind);
}

#[tokio::test]
async fn a_thread_a_thousand_deep_in_one_answer_is_walked() {
    // Built as text: serde_json's own values go no deeper than 128 levels.
    let mut body = format!(r#"{{"thread":{{"post":{},"replies":["#, root_view(1));
    for n in 1..=1000 {
        let view = post_view(&reply_uri(n), "Hej", usize::from(n < 1000));
        write!(body, r#"{{"$type":"app.bsky.feed.defs#threadViewPost","post":{view},"replies":["#).unwrap();
    }
    body.push_str(&"]}".repeat(1001));
    body.push('}');
    let server = serving(move |name, _| quiet(name, &Reply::status(200, &body))).await;
    let began = std::time::Instant::now();
    let (page, _) = sweep(&account(&server, DID), None).await.unwrap();
    assert_eq!((page.comments.len(), page.faults.len()), (1000, 0));
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[tokio::test]
async fn cursors_that_lead_nowhere_end() {
    // Back to itself.
    let server = serving(|_, _| Reply::json(&json!({"notifications": [], "cursor": "a"}))).await;
    let from = Cursor(json!({"stage": "notifications", "at": "a"}).to_string());
    let error = account(&server, DID).page(Some(&from)).await.unwrap_err();
    assert_eq!(name(&error), "Malformed");
    // Always another: new notifications for ever.
    let count = AtomicUsize::new(0);
    let server = serving(move |name, _| match name {
        "listNotifications" => {
            let n = count.fetch_add(1, Ordering::SeqCst);
            Reply::json(&json!({"cursor": format!("c{n}"), "notifications": [{"uri": reply_uri(n), "reason": "mention",
                "indexedAt": "2026-11-23T06:00:00Z", "record": {}}]}))
        }
        "getAuthorFeed" => Reply::json(&json!({"feed": [], "cursor": "samma"})),
        other => quiet(other, &Reply::Close),
    })
    .await;
    let account = account(&server, DID);
    let (page, cursor) = sweep(&account, None).await.unwrap();
    assert!(page.blind.iter().any(|line| line.contains("10 senaste sidorna")), "{:?}", page.blind);
    // The older posts' cursor leads back to itself: the sweep ends all the same, and so does the next.
    let (page, _) = sweep(&account, cursor).await.unwrap();
    assert!(page.blind.iter().any(|line| line.contains("50 senaste sidorna")), "{:?}", page.blind);
}

#[tokio::test]
async fn a_cursor_that_is_not_ours_begins_again() {
    let server = serving(|name, _| quiet(name, &Reply::json(&thread_of(vec![])))).await;
    for text in ["", "null", "{}", "7", r#"{"stage":"okänd"}"#, r#"{"stage":"threads","extra":1}"#] {
        let page = account(&server, DID).page(Some(&Cursor(text.to_owned()))).await.unwrap();
        assert!(page.more);
        assert_eq!(page.blind, ["läsläget gick inte att tolka; kontot läses om från början"], "{text}");
    }
}

#[tokio::test]
async fn older_posts_are_read_in_turn_from_sweep_to_sweep() {
    let server = serving(|name, asked| match name {
        "getAuthorFeed" => {
            let mut view = root_view(0);
            let (key, next) = match asked.query("cursor").as_deref() {
                None => ("3juqjtr23dk2a", Some("efter-100")),
                Some("efter-100") => ("3juqjtr23dk2b", Some("efter-150")),
                Some("efter-150") => ("3juqjtr23dk2c", None),
                other => panic!("{other:?}"),
            };
            view["uri"] = json!(own_uri(DID, key));
            Reply::json(&json!({"feed": [{"post": view}, {"post": post_view(&reply_uri(1), "delat", 3), "reason": {}}], "cursor": next}))
        }
        other => quiet(other, &Reply::Close),
    })
    .await;
    let account = account(&server, DID);
    let mut cursor = None;
    for older in ["b", "c", "b", "c"] {
        let (page, next) = sweep(&account, cursor).await.unwrap();
        let keys: Vec<_> =
            page.posts.iter().map(|post| post.native_id.chars().last().unwrap().to_string()).collect();
        assert_eq!(keys, ["a", older]);
        assert_eq!(page.listed.len(), 2, "a post without replies is listed at once");
        assert!(page.blind.iter().any(|line| line.contains("50 åt gången")), "{:?}", page.blind);
        cursor = next;
    }
}

#[test]
fn the_time_in_a_key_is_read() {
    // The keys of two recorded posts and the times that their records claim.
    let time = |key| time_of_key(key).map(|time| time.format("%Y-%m-%dT%H:%M").to_string());
    assert_eq!(time("3juqjtr23dk2h").as_deref(), Some("2023-05-02T11:07"));
    assert_eq!(time("3jxzbtxkj4k2n").as_deref(), Some("2023-06-13T02:54"));
    for key in ["", "self", "3juqjtr23dk20", "åäöåäöå", "zzzzzzzzzzzzzz"] {
        assert_eq!(time(key), None, "{key}");
    }
}
