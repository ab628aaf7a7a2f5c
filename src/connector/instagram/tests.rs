//! The connector against recorded answers and a server that says what each fact of the platform asks for.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::*;
use crate::connector::graph::trial::{self, kind, permit, sweep, target};
use crate::connector::http::script::{Asked, Reply, Server};
use crate::domain::comment::Attachment;

const TOKEN: &str = "IGAA-geheim-nyckel";
const GONE: &str = r#"{"error":{"code":100,"error_subcode":33,"type":"IGApiException","message":"x"}}"#;

fn with(endpoint: &Endpoint, token: Token, clock: Clock) -> Instagram {
    let http = Http::for_tests(Duration::from_millis(800));
    Instagram::open(http, endpoint.clone(), "178".to_owned(), Arc::new(token), None, clock)
}

fn instagram(server: &Server) -> Instagram {
    with(&server.endpoint, Token::fixed(Grant::bare(TOKEN.into())), Clock::System)
}

fn comment(id: &str, user: &str) -> Value {
    json!({ "id": id, "text": "hej", "timestamp": "2026-11-20T08:00:00+0000", "username": user, "hidden": false })
}

fn medium(id: &str, count: u64) -> Value {
    json!({ "id": id, "caption": id, "timestamp": "2026-11-19T08:00:00+0000", "comments_count": count })
}

fn path(asked: &Asked) -> &str {
    asked.path.split('?').next().unwrap()
}

fn lines(server: &Server) -> Vec<String> {
    server.asked().iter().map(|asked| format!("{} {}", asked.method, path(asked))).collect()
}

/// A server whose account is called `kommunen`, and that says the rest.
async fn server(rest: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Server {
    Server::start(move |asked| match path(asked) {
        "/178" => Reply::json(&json!({ "id": "178", "username": "kommunen" })),
        _ => rest(asked),
    })
    .await
}

#[test]
fn every_recorded_answer_has_become_what_it_was() {
    let now: DateTime<Utc> = "2026-11-23T08:00:00Z".parse().unwrap();
    let own = Own { id: "17841406338772941", name: None };
    let mut out = String::new();
    for (name, body) in trial::recorded("instagram") {
        writeln!(out, "{name}").unwrap();
        trial::envelope(&mut out, &body);
        if serde_json::from_slice::<Value>(&body).unwrap()["id"].is_string() {
            trial::one(&mut out, "comment", parse::comment(&body, "9", own));
        }
        trial::posts(&mut out, parse::posts(&body));
        trial::comments(&mut out, parse::comments(&body, "9", None, own));
        if let Ok(granted) = parse::granted(&body, now) {
            writeln!(out, "  {granted:?}").unwrap();
        }
        if let Some(id) = parse::created(&body) {
            writeln!(out, "  created {id}").unwrap();
        }
    }
    insta::with_settings!({
        snapshot_path => "../../../tests/fixtures/connector",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!("instagram", out) });
}

#[tokio::test]
async fn answers_that_the_list_does_not_show_are_read_from_their_own_edge() {
    let replies = |ids: &[&str], next: bool| {
        let data: Vec<Value> = ids.iter().map(|id| comment(id, "erik")).collect();
        let mut edge = json!({ "data": data });
        if next {
            edge["paging"] = json!({ "cursors": { "after": "a" }, "next": "https://graph.instagram.com/x" });
        }
        edge
    };
    // What stands beside the comment, what the platform counts, and the requests for comments that it leads to.
    let table = [
        (replies(&["2", "3"], false), 3, vec!["/m/comments"]),
        (replies(&["2"], true), 3, vec!["/m/comments", "/1/replies"]),
        (replies(&["2"], false), 3, vec!["/m/comments", "/1/replies"]),
        (json!({ "data": [] }), 1, vec!["/m/comments"]),
        (Value::Null, 1, vec!["/m/comments"]),
    ];
    for (beside, count, expected) in table {
        let told = beside.clone();
        let server = server(move |asked| match path(asked) {
            "/178/media" => Reply::json(&json!({ "data": [medium("m", count)] })),
            "/1/replies" => Reply::json(&json!({ "data": [comment("2", "erik"), comment("3", "kommunen")] })),
            _ => {
                let mut first = comment("1", "erik");
                first["replies"] = told.clone();
                Reply::json(&json!({ "data": [first] }))
            }
        })
        .await;
        let (page, _) = sweep(&instagram(&server), None).await.unwrap();
        let asked: Vec<String> = server.asked().iter().skip(2).map(|asked| path(asked).to_owned()).collect();
        assert_eq!(asked, expected, "{beside}");
        let mut ids: Vec<_> = page.comments.iter().map(|seen| seen.native_id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len() as u64, count, "{beside}");
        assert!(
            page.comments
                .iter()
                .all(|seen| seen.parent_id.as_deref() == (seen.native_id != "1").then_some("1"))
        );
        assert_eq!((page.listed, page.blind), (vec!["m".to_owned()], vec![]), "{beside}");
        assert_eq!(page.posts[0].comments, Some(count));
    }
}

#[tokio::test]
async fn a_count_that_stays_different_is_told_and_looked_into_once() {
    let server = server(|asked| match path(asked) {
        "/178/media" => Reply::json(&json!({ "data": [medium("m", 5)] })),
        "/1/replies" => Reply::json(&json!({ "data": [comment("2", "erik")] })),
        _ => {
            let mut first = comment("1", "erik");
            first["replies"] = json!({ "data": [comment("2", "erik")] });
            Reply::json(&json!({ "data": [first] }))
        }
    })
    .await;
    let instagram = instagram(&server);
    let (page, first) = sweep(&instagram, None).await.unwrap();
    assert_eq!(page.blind, ["Instagram räknar 5 kommentarer under inlägg m men visar 2."]);
    let (page, second) = sweep(&instagram, page.cursor).await.unwrap();
    assert_eq!(page.blind.len(), 1);
    assert_eq!((first, second), (3, 2));
}

#[tokio::test]
async fn a_post_without_comments_is_not_asked_for_them_and_counts_as_listed() {
    let server = server(|asked| match path(asked) {
        "/178/media" => Reply::json(&json!({ "data": [medium("m", 0), medium("n", 1)] })),
        _ => Reply::json(&json!({ "data": [comment("1", "erik")] })),
    })
    .await;
    let (page, requests) = sweep(&instagram(&server), None).await.unwrap();
    assert_eq!((page.listed, requests), (vec!["m".to_owned(), "n".to_owned()], 2));
}

#[tokio::test]
async fn a_page_without_paging_is_the_last_and_the_token_in_an_address_goes_nowhere() {
    let server = server(|asked| match (path(asked), asked.query("after").is_some()) {
        ("/178/media", _) => Reply::json(&json!({ "data": [medium("m", 2)] })),
        (_, false) => Reply::json(&json!({
            "data": [comment("1", "erik")],
            "paging": { "cursors": { "after": "c" }, "next": format!("https://graph.instagram.com/m/comments?access_token={TOKEN}&after=c") },
        })),
        _ => Reply::json(&json!({ "data": [comment("2", "erik")] })),
    })
    .await;
    let instagram = instagram(&server);
    let (mut cursor, mut listed) = (None, Vec::new());
    for _ in 0..3 {
        let page = instagram.page(cursor.as_ref()).await.unwrap();
        assert!(!format!("{page:?}").contains(TOKEN), "{page:?}");
        listed.extend(page.listed);
        cursor = page.cursor;
    }
    assert_eq!(listed, ["m"], "the list has ended, and is not one that only seems to");
    assert!(server.asked().iter().all(|asked| !asked.path.contains(TOKEN)));
    assert_eq!(lines(&server), ["GET /178", "GET /178/media", "GET /m/comments", "GET /m/comments"]);
}

#[tokio::test]
async fn a_look_tells_our_own_hide_from_a_deletion() {
    // What the comment and its post answer, whether we hid it, and what that comes to.
    let (there, hidden) = (comment("1", "erik"), {
        let mut hidden = comment("1", "erik");
        hidden["hidden"] = json!(true);
        hidden
    });
    let mut untold = comment("1", "erik");
    untold.as_object_mut().unwrap().remove("hidden");
    let no_right = r#"{"error":{"code":100,"message":"missing permission"}}"#;
    let table = [
        (there.to_string(), true, false, Sighting::Public),
        (hidden.to_string(), true, true, Sighting::Hidden),
        (untold.to_string(), true, true, Sighting::Untold),
        (GONE.to_owned(), true, false, Sighting::Gone),
        (GONE.to_owned(), true, true, Sighting::Untold),
        (GONE.to_owned(), false, false, Sighting::NoRight),
        (GONE.to_owned(), false, true, Sighting::NoRight),
        (no_right.to_owned(), true, false, Sighting::NoRight),
    ];
    for (body, post, hidden_by_us, expected) in table {
        let told = body.clone();
        let server = server(move |asked| match path(asked) {
            "/m" if post => Reply::json(&json!({ "id": "m" })),
            "/1" => Reply::status(if told.contains("error") { 400 } else { 200 }, &told),
            _ => Reply::status(400, GONE),
        })
        .await;
        let look = instagram(&server).look(&Target { hidden_by_us, ..target("1", "m") }).await.unwrap();
        assert_eq!(look.sighting, expected, "{body} {hidden_by_us}");
        assert_eq!(look.answer.is_some(), look.seen.is_some());
        assert!(!look.url.contains("replies"), "no words of others in the evidence");
    }
}

#[tokio::test]
async fn the_parameter_is_hide_and_each_act_is_one_request_after_a_look() {
    let server = server(|asked| match asked.method.as_str() {
        "GET" => Reply::json(&comment("1", "erik")),
        "POST" if path(asked) == "/1/replies" => Reply::json(&json!({ "id": "7" })),
        _ => Reply::json(&json!({ "success": true })),
    })
    .await;
    let instagram = instagram(&server);
    instagram.look(&target("1", "m")).await.unwrap();
    let (hiding, proof) = permit(Act::Hide, target("1", "m"));
    instagram.hide(&hiding, &proof).await.unwrap();
    let (restoring, proof) = permit(Act::Restore, target("1", "m"));
    instagram.restore(&restoring, &proof).await.unwrap();
    let (replying, proof) = permit(Act::Reply, target("1", "m"));
    assert_eq!(instagram.reply(&replying, &proof, "Hej").await.unwrap(), "7");
    let (removing, proof) = permit(Act::Remove, target("1", "m"));
    instagram.remove(&removing, &proof).await.unwrap();
    let acts: Vec<String> = server
        .asked()
        .iter()
        .skip(2)
        .map(|asked| format!("{} {} {}", asked.method, path(asked), asked.body))
        .collect();
    assert_eq!(
        acts,
        ["POST /1 hide=true", "POST /1 hide=false", "POST /1/replies message=Hej", "DELETE /1 "]
    );
    // A permit for one act is none for another.
    for error in [
        instagram.hide(&restoring, &proof).await.unwrap_err(),
        instagram.restore(&hiding, &proof).await.unwrap_err(),
        instagram.remove(&hiding, &proof).await.unwrap_err(),
        instagram.reply(&hiding, &proof, "Hej").await.unwrap_err(),
    ] {
        assert_eq!(kind(&error), "Refused");
    }
    assert_eq!(server.asked().len(), 6);
}

#[tokio::test]
async fn our_own_comments_stay_visible_and_are_never_asked_to_be_hidden() {
    for looked in [true, false] {
        let server = server(|asked| match asked.method.as_str() {
            "GET" => Reply::json(&comment("1", "Kommunen")),
            _ => Reply::json(&json!({ "success": true })),
        })
        .await;
        let instagram = instagram(&server);
        if looked {
            assert!(instagram.look(&target("1", "m")).await.unwrap().seen.unwrap().ours);
        }
        let (hiding, proof) = permit(Act::Hide, target("1", "m"));
        let error = instagram.hide(&hiding, &proof).await.unwrap_err();
        assert!(kind(&error) == "Refused" && error.to_string().contains("stay visible"), "{error}");
        assert!(server.asked().iter().all(|asked| asked.method == "GET"));
    }
}

#[tokio::test]
async fn the_code_and_the_type_decide_what_an_error_means() {
    let table = [
        (json!({ "code": 2500, "type": "IGApiException" }), "Refused"),
        (json!({ "code": 2500, "type": "OAuthException" }), "Unauthorized"),
        (json!({ "code": 190, "type": "IGApiException" }), "Unauthorized"),
        (json!({ "code": 80002, "type": "OAuthException" }), "RateLimited"),
        (json!({ "code": 4, "type": "IGApiException" }), "RateLimited"),
        (json!({ "code": 10, "type": "IGApiException" }), "Unauthorized"),
        (json!({ "code": 2, "is_transient": true }), "Unavailable"),
        (json!("invalid"), "Malformed"),
    ];
    for (error, expected) in table {
        let body = json!({ "error": error }).to_string();
        for status in [200, 400, 403] {
            let body = body.clone();
            let server = server(move |_| Reply::status(status, &body)).await;
            let failed = instagram(&server).page(None).await.unwrap_err();
            assert_eq!(kind(&failed), expected, "{status} {error}: {failed}");
        }
    }
}

#[tokio::test]
async fn broken_answers_cost_themselves_and_lose_nothing() {
    let after = Cursor(r#"{"posts":["m"],"stage":"comments"}"#.to_owned());
    for body in ["[]", "{}", "null", r#"{"data":null}"#, r#"{"data":{}}"#, r#"{"data":[]"#, "<html>"] {
        let server = server(move |_| Reply::status(200, body)).await;
        for from in [None, Some(&after)] {
            assert_eq!(kind(&instagram(&server).page(from).await.unwrap_err()), "Malformed", "{body}");
        }
    }
    for reply in [Reply::Close, Reply::HeadOnly, Reply::status(503, "{}")] {
        let server = server(move |_| reply.clone()).await;
        assert_eq!(kind(&instagram(&server).page(None).await.unwrap_err()), "Unavailable");
    }
    let good = comment("1", "erik");
    for bad in [r#"{"id":"2"}"#, r#"{"text":"x"}"#, "7", r#"{"id":"2","text":[],"timestamp":"x"}"#] {
        let body = format!(r#"{{"data":[{good},{bad},{good}]}}"#);
        let server = server(move |_| Reply::status(200, &body)).await;
        let page = instagram(&server).page(Some(&after)).await.unwrap();
        assert_eq!((page.comments.len(), page.faults.len()), (2, 1), "{bad}");
        assert!(page.listed.is_empty(), "a list with a broken element is not whole");
    }
}

#[tokio::test]
async fn what_the_key_does_not_show_is_told_with_the_right_that_lacks() {
    let bare = json!({ "id": "1", "timestamp": "2026-11-20T08:00:00+0000", "text": "" });
    let server = server(move |_| Reply::json(&json!({ "data": [bare, { "text": "x" }] }))).await;
    let after = Cursor(r#"{"posts":["m"],"stage":"comments"}"#.to_owned());
    let page = instagram(&server).page(Some(&after)).await.unwrap();
    assert_eq!(page.comments[0].attachments, [Attachment::Other]);
    assert_eq!(page.comments[0].visibility, Visibility::Unknown);
    assert_eq!(page.blind.len(), 2, "{:?}", page.blind);
    assert!(
        page.blind[0].contains("saknar id") && page.blind[1].contains("instagram_business_manage_comments")
    );
}

fn key(expires_at: &str) -> Token {
    let expires_at = Some(expires_at.parse().unwrap());
    Token::fixed(Grant { expires_at, ..Grant::bare(TOKEN.into()) })
}

fn monday() -> Clock {
    Clock::manual("2026-11-23T08:00:00Z".parse().unwrap())
}

#[tokio::test]
async fn a_key_is_renewed_when_less_than_thirty_days_are_left_of_it_and_never_after() {
    // When the key ends; whether it is renewed, and how that ends.
    let table = [
        ("2027-01-20T08:00:00Z", false, None),
        ("2026-12-23T08:00:00Z", false, None),
        ("2026-12-23T07:59:59Z", true, None),
        ("2026-11-23T08:00:01Z", true, None),
        ("2026-11-23T08:00:00Z", false, Some("Unauthorized")),
        ("2026-10-01T08:00:00Z", false, Some("Unauthorized")),
    ];
    for (end, asks, expected) in table {
        let server = Server::start(|_| {
            Reply::json(&json!({ "access_token": "ny", "token_type": "bearer", "expires_in": 5_184_000 }))
        })
        .await;
        let instagram = with(&server.endpoint, key(end), monday());
        let done = instagram.renew().await;
        assert_eq!(done.as_ref().err().map(kind), expected, "{end}");
        assert_eq!(!server.asked().is_empty(), asks, "{end}");
        if asks {
            let asked = &server.asked()[0];
            assert_eq!(path(asked), "/refresh_access_token");
            assert_eq!(asked.query("grant_type").as_deref(), Some("ig_refresh_token"));
            let grant = instagram.graph.token().current().await;
            assert_eq!(grant.access.expose_secret(), "ny");
            assert_eq!(grant.expires_at, Some("2027-01-22T08:00:00Z".parse().unwrap()));
            instagram.renew().await.unwrap();
            assert_eq!(server.asked().len(), 1, "the new one is not due");
        }
    }
}

#[tokio::test]
async fn a_renewal_that_fails_keeps_the_key_and_shows_it_nowhere() {
    let table = [
        (400, format!(r#"{{"error":{{"code":190,"message":"{TOKEN}"}}}}"#), "Unauthorized"),
        (400, r#"{"error":{"code":2,"message":"x"}}"#.to_owned(), "Unavailable"),
        (200, r#"{"token_type":"bearer"}"#.to_owned(), "Malformed"),
        (200, r#"{"access_token":""}"#.to_owned(), "Malformed"),
        (502, "x".to_owned(), "Unavailable"),
    ];
    for (status, body, expected) in table {
        let told = body.clone();
        let server = Server::start(move |_| Reply::status(status, &told)).await;
        let instagram = with(&server.endpoint, key("2026-12-01T08:00:00Z"), monday());
        let error = instagram.renew().await.unwrap_err();
        assert_eq!(kind(&error), expected, "{body}");
        assert!(!format!("{error:?} {instagram:?}").contains(TOKEN), "{error:?}");
        assert_eq!(instagram.graph.token().current().await.access.expose_secret(), TOKEN);
    }
}

#[tokio::test]
async fn a_renewed_key_is_in_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ig");
    let token = Token::open(&path, &TOKEN.into()).unwrap();
    let server =
        Server::start(|_| Reply::json(&json!({ "access_token": "ny", "expires_in": 5_184_000 }))).await;
    with(&server.endpoint, token, monday()).renew().await.unwrap();
    let written: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(written["access_token"], "ny");
    assert_eq!(written["expires_at"], "2027-01-22T08:00:00Z");
}

#[tokio::test]
async fn the_host_tells_whose_key_it_is() {
    let table = [
        ("https://graph.instagram.com/v25.0", Login::Instagram, Some("https://graph.instagram.com")),
        ("https://graph.facebook.com/v25.0", Login::Facebook, Some("https://graph.facebook.com")),
        ("http://127.0.0.1:9/instagram/v25.0", Login::Instagram, Some("http://127.0.0.1:9/instagram")),
        ("http://127.0.0.1:9/instagram", Login::Instagram, None),
    ];
    for (api, login, root) in table {
        let token = Token::fixed(Grant::bare(TOKEN.into()));
        let instagram = with(&Endpoint::parse(api).unwrap(), token, Clock::System);
        assert_eq!(instagram.login, login, "{api}");
        assert_eq!(instagram.root.map(|root| root.to_string()).as_deref(), root, "{api}");
    }
}

#[tokio::test]
async fn the_standing_of_each_kind_of_key_says_what_its_host_tells() {
    let server = server(|_| {
        Reply::json(&json!({ "data": { "is_valid": true, "expires_at": 0, "scopes": ["instagram_basic", "pages_read_engagement"] } }))
    })
    .await;
    let own = with(&server.endpoint, key("2026-12-01T08:00:00Z"), monday()).standing().await.unwrap();
    assert_eq!(own.holder.as_deref(), Some("kommunen"));
    assert_eq!(own.expires_at, Some("2026-12-01T08:00:00Z".parse().unwrap()));
    assert_eq!(own.renewable_until, own.expires_at);
    let pages = instagram(&server).logged_in_by(Login::Facebook);
    let standing = pages.standing().await.unwrap();
    assert_eq!((standing.holder.as_deref(), standing.expires_at), (Some("kommunen"), None));
    let missing: Vec<_> = standing.missing.iter().map(|right| right.right.as_str()).collect();
    assert_eq!(missing, ["instagram_manage_comments eller instagram_business_manage_comments"]);
    pages.renew().await.unwrap();
    assert!(!lines(&server).iter().any(|line| line.contains("refresh")), "a Page's key does not end");
}

#[tokio::test]
async fn a_post_that_vanishes_has_its_comments_looked_at() {
    let there = Arc::new(Mutex::new(true));
    let shown = Arc::clone(&there);
    let server = server(move |asked| {
        let there = *shown.lock().unwrap();
        match path(asked) {
            "/178/media" if there => Reply::json(&json!({ "data": [medium("m", 1)] })),
            "/178/media" => Reply::json(&json!({ "data": [] })),
            "/m/comments" if there => Reply::json(&json!({ "data": [comment("1", "erik")] })),
            _ => Reply::status(400, GONE),
        }
    })
    .await;
    let instagram = instagram(&server);
    let (page, _) = sweep(&instagram, None).await.unwrap();
    *there.lock().unwrap() = false;
    let (page, _) = sweep(&instagram, page.cursor).await.unwrap();
    assert_eq!(page.listed, ["m"]);
    // Also what we had hidden: with its post it is gone.
    let hidden = Target { hidden_by_us: true, ..target("1", "m") };
    assert_eq!(instagram.look(&hidden).await.unwrap().sighting, Sighting::Gone);
}
