//! The sandbox over a real socket, byte for byte.

mod control;
mod facebook;
mod instagram;
mod shapes;

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Handle, Sandbox};

/// An answer: status, lower-case head, body. Status 0 = the connection ended without one.
struct Reply {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    fn ndjson(&self) -> Vec<Value> {
        String::from_utf8(self.body.clone())
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

async fn ask(handle: &Handle, method: &str, path: &str, body: &str) -> Reply {
    let mut stream = TcpStream::connect(handle.addr()).await.unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAuthorization: Bearer TOKEN\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        handle.addr(),
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Reply { status: 0, head: String::new(), body: bytes };
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Reply { status, head, body: bytes[end + 4..].to_vec() }
}

async fn get(handle: &Handle, path: &str) -> Reply {
    ask(handle, "GET", &format!("/facebook/v25.0/{path}"), "").await
}

#[expect(clippy::needless_pass_by_value, reason = "every caller has just made the body")]
fn control(handle: &Handle, verb: &str, body: Value) {
    let done = handle.sandbox().control(verb, &body.to_string());
    done.unwrap_or_else(|error| panic!("{verb} {body}: {error}"));
}

async fn start(seed: &str) -> Handle {
    let sandbox = Sandbox::new();
    if !seed.is_empty() {
        sandbox.seed(seed).unwrap();
    }
    sandbox.start("127.0.0.1:0".parse().unwrap()).await.unwrap()
}

fn line(id: &str, minute: u32, text: &str) -> String {
    json!({
        "account": "page", "post": "page_1", "id": id, "author": { "id": "9", "name": "Åsa Öberg" },
        "at": format!("2026-11-20T{:02}:{:02}:00+0000", 8 + minute / 60, minute % 60), "text": text,
    })
    .to_string()
}

fn lines(count: u32) -> String {
    (0..count).map(|n| line(&format!("1_{n}"), n % 600, "Hej då 👋") + "\n").collect()
}

#[tokio::test]
async fn what_the_public_does_is_seen_in_the_state() {
    let handle = start("").await;
    let seed = line("1_1", 1, "ett") + "\n" + &line("1_2", 2, "två");
    assert_eq!(ask(&handle, "POST", "/control/add", &seed).await.json()["count"], 2);
    assert_eq!(ask(&handle, "POST", "/control/edit", r#"{"id":"1_1","text":"nytt"}"#).await.status, 200);
    assert_eq!(ask(&handle, "POST", "/control/delete", r#"{"id":"1_2"}"#).await.status, 200);
    assert_eq!(ask(&handle, "POST", "/facebook/v25.0/1_1", "is_hidden=true").await.json()["success"], true);
    let state = ask(&handle, "GET", "/control/state", "").await.ndjson();
    let first: Vec<_> =
        state.iter().map(|line| json!([line["id"], line["text"], line["hidden"], line["deleted"]])).collect();
    assert_eq!(first, [json!(["1_1", "nytt", true, false]), json!(["1_2", "två", false, true])]);
    handle.shutdown().await;
}

#[tokio::test]
async fn a_hostile_control_request_is_told_what_is_wrong_and_changes_nothing() {
    let handle = start(&line("1_1", 1, "ett")).await;
    let deep = "[".repeat(100_000);
    let twice = line("1_7", 1, "x") + "\n" + &line("1_7", 1, "y");
    let stranger = r#"{"account":"other","post":"page_1","id":"1_9","text":"x"}"#;
    let half = line("1_8", 1, "x") + "\n{\"account\":";
    let table: &[(&str, &str, u16)] = &[
        ("add", "", 400),
        ("add", "null", 400),
        ("add", "{}", 400),
        ("add", "\u{0}", 400),
        ("add", &deep, 400),
        ("add", &half, 400),
        ("add", &twice, 400),
        ("add", &line("1_1", 1, "ett"), 400),
        ("add", stranger, 400),
        ("add", r#"{"account":"","post":"p","id":"c","text":"x"}"#, 400),
        ("add", r#"{"account":"a","post":"c","id":"c","text":"x"}"#, 400),
        ("add", r#"{"account":7,"post":"p","id":"c","text":"x"}"#, 400),
        ("add", r#"{"account":"a","post":"p","id":"c","text":"\ud800"}"#, 400),
        ("edit", r#"{"id":"1_1"}"#, 400),
        ("edit", r#"{"id":"nobody","text":"x"}"#, 404),
        ("delete", r#"{"id":"nobody"}"#, 404),
        ("clock", r#"{"at":"yesterday"}"#, 400),
        ("fault", r#"{"account":"page","kind":"flood"}"#, 400),
        ("fault", r#"{"account":"page","kind":"lost","times":0}"#, 400),
        ("fault", r#"{"account":"page","kind":"lost","times":-1}"#, 400),
        ("account", r#"{"account":"page","usage":900}"#, 400),
        ("explode", "{}", 404),
    ];
    for (verb, body, status) in table {
        let reply = ask(&handle, "POST", &format!("/control/{verb}"), body).await;
        assert_eq!(reply.status, *status, "{verb} {}", body.chars().take(80).collect::<String>());
        assert!(!reply.json()["error"].as_str().unwrap().is_empty(), "{verb}");
    }
    let state = handle.sandbox().state();
    assert_eq!(state.len(), 1);
    assert_eq!(state[0].text, "ett");
    assert_eq!(ask(&handle, "GET", "/elsewhere", "").await.status, 404);
}

#[tokio::test]
async fn a_list_is_read_page_by_page_and_its_last_page_has_a_cursor_but_no_next() {
    let handle = start(&lines(5)).await;
    let first = get(&handle, "page_1/comments?filter=stream&limit=2&fields=id,message&summary=1").await;
    assert!(first.body.is_ascii(), "PHP's JSON is ASCII");
    let first = first.json();
    assert_eq!(first["data"][0]["message"], "Hej då 👋");
    assert_eq!(first["summary"]["total_count"], 5);
    let next = first["paging"]["next"].as_str().unwrap();
    assert!(next.contains("access_token=TOKEN"), "as the real one: {next}");
    let mut ids = Vec::new();
    let mut after = String::new();
    for _ in 0..10 {
        let page = get(&handle, &format!("page_1/comments?filter=stream&limit=2&fields=id&after={after}"))
            .await
            .json();
        ids.extend(page["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()));
        page["paging"]["cursors"]["after"].as_str().unwrap().clone_into(&mut after);
        if page["paging"]["next"].is_null() {
            break;
        }
    }
    assert_eq!(ids, ["1_0", "1_1", "1_2", "1_3", "1_4"]);
    let newest = get(&handle, "page_1/comments?order=reverse_chronological&limit=1&fields=id").await.json();
    assert_eq!(newest["data"][0]["id"], "1_4");
    let since = get(&handle, "page_1/comments?since=2026-11-20T08:03:00Z&fields=id").await.json();
    assert_eq!(since["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn deleted_comments_leave_an_empty_page_that_has_a_next_one() {
    let handle = start(&lines(3)).await;
    handle.sandbox().control("delete", r#"{"id":"1_0"}"#).unwrap();
    let page = get(&handle, "page_1/comments?limit=1&fields=id").await.json();
    assert_eq!(page["data"], json!([]));
    assert!(page["paging"]["next"].is_string());
    assert_eq!(get(&handle, "1_0").await.json()["error"]["error_subcode"], 33);
}

#[tokio::test]
async fn the_default_list_has_no_answers_to_comments_and_a_deleted_one_takes_its_answers_along() {
    let answer = r#"{"account":"page","post":"page_1","id":"1_s","parent":"1_0","text":"svar","at":"2026-11-20T09:00:00Z"}"#;
    let handle = start(&(lines(1) + answer)).await;
    let count = async |query: &str| {
        let page = get(&handle, &format!("page_1/comments?fields=id,parent{{id}}{query}")).await.json();
        page["data"].as_array().unwrap().len()
    };
    assert_eq!(count("").await, 1);
    assert_eq!(count("&filter=toplevel").await, 1);
    assert_eq!(count("&filter=stream").await, 2);
    assert_eq!(get(&handle, "1_0/comments?fields=id").await.json()["data"][0]["id"], "1_s");
    let parent = get(&handle, "1_s?fields=parent").await.json();
    assert_eq!(parent["parent"]["message"], "Hej då 👋", "the whole parent comes unless narrowed");
    assert_eq!(get(&handle, "1_s?fields=parent{id}").await.json()["parent"], json!({ "id": "1_0" }));
    handle.sandbox().control("delete", r#"{"id":"1_0"}"#).unwrap();
    assert_eq!(count("&filter=stream").await, 0);
    assert_eq!(get(&handle, "1_s").await.json()["error"]["code"], 100);
}

#[tokio::test]
async fn ids_and_times_come_back_as_they_were_given() {
    let odd = json!({
        "account": "at://did/x", "post": "p/1?x=å", "id": "k#/ö 1", "text": "",
        "at": "någon gång", "attachment": "image",
    });
    let handle = start(&odd.to_string()).await;
    let page =
        get(&handle, "p%2F1%3Fx=%C3%A5/comments?fields=id,created_time,message,attachment,from").await.json();
    let comment = &page["data"][0];
    assert_eq!(comment["id"], "k#/ö 1");
    assert_eq!(comment["created_time"], "någon gång");
    assert_eq!(comment["attachment"]["type"], "photo");
    assert!(comment.get("from").is_none());
    let posts = get(&handle, "at:%2F%2Fdid%2Fx/feed?fields=id,from{id}").await.json();
    assert_eq!(posts["data"][0], json!({ "id": "p/1?x=å", "from": { "id": "at://did/x" } }));
}

#[tokio::test]
async fn a_page_that_nothing_was_seeded_for_is_empty() {
    let handle = start("").await;
    assert_eq!(get(&handle, "4711/feed?fields=id").await.json(), json!({ "data": [] }));
    handle.sandbox().seed(&line("1_1", 1, "ett")).unwrap();
    assert_eq!(get(&handle, "nobody").await.json()["error"]["code"], 100);
}

#[tokio::test]
async fn errors_come_in_the_graph_envelope() {
    let handle = start(&lines(1)).await;
    let own = r#"{"account":"page","post":"page_1","id":"1_own","ours":true,"text":"vi"}"#;
    handle.sandbox().seed(own).unwrap();
    let table: &[(&str, &str, &str, i64)] = &[
        ("GET", "nothing", "", 100),
        ("GET", "page_1/comments?fields=id,secret", "", 100),
        ("GET", "page_1/comments?limit=x", "", 100),
        ("GET", "page_1/comments?after=x", "", 100),
        ("GET", "page_1/comments?filter=all", "", 100),
        ("GET", "page_1/likes", "", 100),
        ("GET", "1_0/a/b", "", 2500),
        ("POST", "1_0", "", 100),
        ("POST", "1_0", "is_hidden=perhaps", 100),
        ("POST", "1_0", "is_hidden=true&message=x", 200),
        ("POST", "1_own", "is_hidden=true", 200),
        ("POST", "nothing", "is_hidden=true", 100),
        ("DELETE", "nothing", "", 100),
        ("PATCH", "1_0", "", 100),
    ];
    for (method, path, body, code) in table {
        let reply = ask(&handle, method, &format!("/facebook/v25.0/{path}"), body).await;
        assert_eq!(reply.status, 400, "{method} {path}");
        assert_eq!(reply.json()["error"]["code"], *code, "{method} {path}");
    }
    assert!(handle.sandbox().state().iter().all(|comment| !comment.hidden));
    assert_eq!(get(&handle, "1_own?fields=can_hide,can_remove").await.json()["can_hide"], false);
}

#[tokio::test]
async fn every_request_is_counted_and_a_message_beside_is_hidden_is_a_violation() {
    let handle = start(&lines(1)).await;
    get(&handle, "page_1/comments?fields=id&access_token=SECRET").await;
    ask(&handle, "POST", "/facebook/v25.0/1_0", "is_hidden=true&message=x").await;
    let log = ask(&handle, "GET", "/control/requests", "").await;
    assert!(!String::from_utf8_lossy(&log.body).contains("SECRET"));
    let log = log.ndjson();
    assert_eq!(log.len(), 2);
    assert_eq!(log[0]["path"], "/facebook/v25.0/page_1/comments");
    assert_eq!(log[0]["keys"], json!(["fields", "access_token"]));
    assert_eq!((&log[0]["writes"], &log[1]["writes"]), (&json!(false), &json!(true)));
    assert!(log[0]["violation"].is_null());
    assert!(log[1]["violation"].as_str().unwrap().contains("message"));
    assert_eq!(ask(&handle, "GET", "/control/requests?since=1", "").await.ndjson().len(), 1);
}

#[tokio::test]
async fn each_fault_meets_as_many_requests_as_it_was_ordered_for() {
    // Kind, further keys, the status of the write that it meets (0 = none), and whether it was carried out.
    let table = [
        ("refuse", "", 400, false),
        ("lost", "", 0, true),
        ("truncated", "", 200, true),
        ("429", "", 429, false),
        ("html", "", 200, false),
        ("token", r#","times":1"#, 400, false),
        ("down", "", 503, false),
        ("slow", r#","seconds":1"#, 200, true),
    ];
    for (kind, more, status, carried_out) in table {
        let handle = start(&lines(1)).await;
        handle.sandbox().control("fault", &format!(r#"{{"account":"page","kind":"{kind}"{more}}}"#)).unwrap();
        let before = Instant::now();
        let reply = ask(&handle, "POST", "/facebook/v25.0/1_0", "is_hidden=true").await;
        assert_eq!(reply.status, status, "{kind}");
        assert_eq!(before.elapsed() > Duration::from_millis(900), kind == "slow", "{kind}");
        assert_eq!(handle.sandbox().state()[0].hidden, carried_out, "{kind}");
        let again = ask(&handle, "POST", "/facebook/v25.0/1_0", "is_hidden=true").await;
        assert_eq!(again.json()["success"], true, "{kind} is used up");
        assert!(handle.sandbox().requests()[0].fault.is_some(), "{kind}");
    }
}

#[tokio::test]
async fn a_refused_or_lost_write_does_not_meet_the_reads_before_it() {
    let handle = start(&lines(1)).await;
    handle.sandbox().control("fault", r#"{"account":"page","kind":"lost","times":2}"#).unwrap();
    assert_eq!(get(&handle, "1_0").await.status, 200);
    assert_eq!(ask(&handle, "POST", "/facebook/v25.0/1_0", "is_hidden=true").await.status, 0);
    assert_eq!(get(&handle, "1_0").await.status, 200);
    handle.sandbox().control("fault", r#"{"account":"page","kind":"lost","on":"read"}"#).unwrap();
    assert_eq!(get(&handle, "1_0").await.status, 0);
    handle.sandbox().control("fault", r#"{"account":"page","kind":"none"}"#).unwrap();
    assert_eq!(ask(&handle, "POST", "/facebook/v25.0/1_0", "is_hidden=false").await.status, 200);
}

#[tokio::test]
async fn the_clock_is_told_in_every_answer() {
    let handle = start(&lines(1)).await;
    handle.sandbox().control("clock", r#"{"at":"2026-11-20T12:00:00+01:00"}"#).unwrap();
    let reply = get(&handle, "1_0").await;
    assert!(reply.head.contains("date: fri, 20 nov 2026 11:00:00 gmt"), "{}", reply.head);
    assert_eq!(reply.head.matches("date:").count(), 1);
    let answer = ask(&handle, "POST", "/facebook/v25.0/1_0/comments", "message=Tack").await.json();
    let id = answer["id"].as_str().unwrap();
    assert_eq!(get(&handle, id).await.json()["created_time"], "2026-11-20T11:00:00+0000");
}

#[tokio::test]
async fn the_app_secret_must_be_proved_where_it_is_set() {
    let handle = start(&lines(1)).await;
    handle.sandbox().control("account", r#"{"account":"page","app_secret":"s3"}"#).unwrap();
    // printf TOKEN | openssl dgst -sha256 -hmac s3
    let proof = "28af3c07fb18d5133c303c678a980cdbfdc596a363e3ffc37ce9c4300d64a9a9";
    let cut = format!("1_0?appsecret_proof={}", &proof[..62]);
    for path in ["1_0", "1_0?appsecret_proof=zz", &cut] {
        assert_eq!(get(&handle, path).await.json()["error"]["code"], 100, "{path}");
    }
    assert_eq!(get(&handle, &format!("1_0?appsecret_proof={proof}")).await.status, 200);
}

#[tokio::test]
async fn what_happened_is_there_again_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sandbox.ndjson");
    {
        let sandbox = Sandbox::in_file(&path).unwrap();
        sandbox.seed(&lines(3)).unwrap();
        sandbox.control("edit", r#"{"id":"1_1","text":"ändrad"}"#).unwrap();
        let handle = sandbox.start("127.0.0.1:0".parse().unwrap()).await.unwrap();
        ask(&handle, "POST", "/facebook/v25.0/1_2", "is_hidden=true").await;
        handle.shutdown().await;
    }
    // Killed in the middle of a line.
    let mut torn = std::fs::read(&path).unwrap();
    torn.extend_from_slice(b"{\"account\":\"pa");
    crate::durable::write(&path, &torn, 0o600).unwrap();
    let first = Sandbox::in_file(&path).unwrap();
    first.control("delete", r#"{"id":"1_0"}"#).unwrap();
    let again = Sandbox::in_file(&path).unwrap();
    assert_eq!(again.state(), first.state());
    let state = again.state();
    assert!(state[0].deleted && state[2].hidden && state[1].edited);
    assert_eq!(state[1].text, "ändrad");
    crate::durable::write(&path, b"{}\n", 0o600).unwrap();
    assert!(Sandbox::in_file(&path).unwrap_err().to_string().contains("line 1"));
}

#[tokio::test]
async fn the_sandbox_listens_on_loopback_only_and_lets_go_of_its_port() {
    let sandbox = Sandbox::new();
    sandbox.start("0.0.0.0:0".parse().unwrap()).await.unwrap_err();
    let handle = sandbox.start("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let addr = handle.addr();
    sandbox.start(addr).await.unwrap_err();
    handle.shutdown().await;
    sandbox.start(addr).await.unwrap();
}

#[tokio::test]
async fn five_thousand_comments_are_served_in_seconds() {
    let handle = start("").await;
    let before = Instant::now();
    assert_eq!(ask(&handle, "POST", "/control/add", &lines(5_000)).await.status, 200);
    let mut after = String::new();
    let mut read = 0;
    loop {
        let path = format!("page_1/comments?filter=stream&limit=100&summary=1&after={after}");
        let page = get(&handle, &path).await.json();
        read += page["data"].as_array().unwrap().len();
        page["paging"]["cursors"]["after"].as_str().unwrap().clone_into(&mut after);
        if page["paging"]["next"].is_null() {
            break;
        }
    }
    assert_eq!(read, 5_000);
    assert!(before.elapsed() < Duration::from_secs(10), "{:?}", before.elapsed());
}

proptest! {
    #[test]
    fn no_body_of_a_control_request_brings_the_sandbox_down(
        verb in prop::sample::select(vec!["add", "edit", "delete", "hide", "clock", "fault", "account"]),
        garbage in any::<Vec<u8>>(),
        (cut, key, value) in (0_usize..200, 0_usize..7, ".{0,20}"),
    ) {
        let sandbox = Sandbox::new();
        sandbox.seed(&line("1_1", 1, "ett")).unwrap();
        let _ = super::control::act(&mut sandbox.world(), verb, &garbage);
        let mut body: Value = serde_json::from_str(&line("1_2", 1, "två")).unwrap();
        let name = ["account", "post", "id", "at", "text", "parent", "kind"][key];
        body[name] = json!(value);
        let whole = body.to_string();
        let part: String = whole.chars().take(cut).collect();
        let _ = sandbox.control(verb, &part);
        let _ = sandbox.control(verb, &whole);
        prop_assert!(sandbox.state().iter().any(|comment| comment.id == "1_1"));
    }
}
