//! One test for each fact of the platform that the module's table names and that a recorded answer does not show.

use std::fmt::Write as _;
use std::sync::Arc;

use chrono::TimeDelta;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::*;
use crate::clock::Clock;
use crate::connector::facebook::parse;
use crate::connector::graph::trial;
use crate::connector::http::script::{Asked, Reply, Server};
use crate::connector::{Budget, Grant, Purpose, Reach, Sighting, Token, graph};
use crate::domain::comment::{Attachment, Kind, Media, Visibility};

const GONE: &str = r#"{"error":{"code":100,"error_subcode":33,"type":"GraphMethodException","message":"x"}}"#;

fn comment(id: &str) -> Value {
    json!({
        "id": id, "message": "hej", "created_time": "2026-11-20T08:00:00+0000", "is_hidden": false,
        "can_hide": true, "can_remove": true, "from": { "id": "9", "name": "Åsa" },
    })
}

fn post(id: &str, day: u32) -> Value {
    json!({ "id": id, "message": id, "created_time": format!("2026-11-{day:02}T08:00:00+0000"), "from": { "id": "4" } })
}

fn path(asked: &Asked) -> &str {
    asked.path.split('?').next().unwrap()
}

fn lines(server: &Server) -> Vec<String> {
    server.asked().iter().map(|asked| format!("{} {}", asked.method, path(asked))).collect()
}

#[test]
fn every_recorded_answer_has_become_what_it_was() {
    let mut out = String::new();
    for (name, body) in trial::recorded("facebook") {
        writeln!(out, "{name}").unwrap();
        let id = serde_json::from_slice::<Value>(&body).unwrap()["id"].is_string();
        trial::envelope(&mut out, &body);
        if id {
            trial::one(&mut out, "comment", parse::comment(&body, "4_1", "4"));
        }
        trial::posts(&mut out, parse::posts(&body, "4"));
        trial::comments(&mut out, parse::comments(&body, "4_1", "4"));
        if let Ok(facts) = parse::key_facts(&body) {
            writeln!(out, "  {facts:?}").unwrap();
        }
        if let Some(id) = parse::created(&body) {
            writeln!(out, "  created {id}").unwrap();
        }
    }
    insta::with_settings!({
        snapshot_path => "../../../../tests/fixtures/connector",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!("facebook", out) });
}

#[tokio::test]
async fn a_hide_right_after_a_look_is_one_request_and_a_refusal_none() {
    let server = Server::start(|asked| match (asked.method.as_str(), path(asked)) {
        ("GET", "/1_2") => {
            let mut own = comment("1_2");
            own["can_hide"] = json!(false);
            own["can_remove"] = json!(false);
            Reply::json(&own)
        }
        ("GET", _) => Reply::json(&comment("1_1")),
        _ => Reply::json(&json!({ "success": true })),
    })
    .await;
    let facebook = facebook(&server.endpoint.to_string(), None);
    facebook.look(&target("1_1", "4_1")).await.unwrap();
    hide(&facebook, "1_1").await.unwrap();
    let (removing, proof) = permit(Act::Remove, target("1_1", "4_1"));
    facebook.remove(&removing, &proof).await.unwrap();
    assert_eq!(lines(&server), ["GET /1_1", "POST /1_1", "DELETE /1_1"]);
    facebook.look(&target("1_2", "4_1")).await.unwrap();
    let error = hide(&facebook, "1_2").await.unwrap_err();
    assert!(kind(&error) == "Refused" && error.to_string().contains("can_hide"), "{error}");
    let (removing, proof) = permit(Act::Remove, target("1_2", "4_1"));
    let error = facebook.remove(&removing, &proof).await.unwrap_err();
    assert!(kind(&error) == "Refused" && error.to_string().contains("can_remove"), "{error}");
    assert_eq!(lines(&server).len(), 4, "what may not be done is not asked for");
}

#[tokio::test]
async fn what_is_gone_is_removed_and_what_is_out_of_reach_is_not() {
    // Whether the post is still read; what removing a comment that is not there comes to.
    for (post_reads, expected) in [(true, None), (false, Some("Refused"))] {
        let server = Server::start(move |asked| match path(asked) {
            "/4_1" if post_reads => Reply::json(&json!({ "id": "4_1" })),
            _ => Reply::status(400, GONE),
        })
        .await;
        let facebook = facebook(&server.endpoint.to_string(), None);
        let (removing, proof) = permit(Act::Remove, target("1_1", "4_1"));
        let done = facebook.remove(&removing, &proof).await;
        assert_eq!(done.as_ref().err().map(kind), expected, "{done:?}");
    }
}

#[tokio::test]
async fn an_answer_of_ours_has_an_id_or_an_unknown_outcome() {
    let table = [
        (200, r#"{"id":"1_9"}"#, Ok("1_9")),
        (200, r#"{"success":true}"#, Err("OutcomeUnknown")),
        (200, "", Err("OutcomeUnknown")),
        (400, r#"{"error":{"code":506}}"#, Err("Refused")),
        (400, r#"{"error":{"code":368}}"#, Err("Refused")),
        (400, GONE, Err("Refused")),
        (400, r#"{"error":{"code":200}}"#, Err("Unauthorized")),
        (500, "{}", Err("OutcomeUnknown")),
    ];
    for (status, body, expected) in table {
        let server = Server::start(move |_| Reply::status(status, body)).await;
        let facebook = facebook(&server.endpoint.to_string(), None);
        let (replying, proof) = permit(Act::Reply, target("1_1", "4_1"));
        let id = facebook.reply(&replying, &proof, "Hej & tack").await;
        assert_eq!(id.as_deref().map_err(kind), expected, "{status} {body}");
        assert_eq!(lines(&server), ["POST /1_1/comments"]);
        assert_eq!(server.asked()[0].body, "message=Hej+%26+tack");
        let (hiding, proof) = permit(Act::Hide, target("1_1", "4_1"));
        assert_eq!(kind(&facebook.reply(&hiding, &proof, "Hej").await.unwrap_err()), "Refused");
    }
}

#[tokio::test]
async fn a_visitors_post_is_looked_at_hidden_and_removed_as_a_post() {
    let server = Server::start(|asked| match asked.method.as_str() {
        "GET" => Reply::json(&json!({
            "id": "4_7", "message": "hej", "created_time": "2026-11-20T08:00:00+0000", "is_hidden": true,
            "from": { "id": "9", "name": "Åsa" }, "attachments": { "data": [{ "type": "photo", "media": { "image": { "src": "https://scontent.fbcdn.net/1" } } }] },
        })),
        _ => Reply::json(&json!({ "success": true })),
    })
    .await;
    let facebook = facebook(&server.endpoint.to_string(), None);
    let look = facebook.look(&target("4_7", "4_7")).await.unwrap();
    assert_eq!(look.sighting, Sighting::Hidden);
    let seen = look.seen.unwrap();
    assert_eq!((seen.kind, seen.attachments), (Kind::VisitorPost, vec![Attachment::Image]));
    assert!(!server.asked()[0].path.contains("can_hide"), "a post has no such field");
    for (act, expected) in [
        (Act::Hide, "POST /4_7 is_hidden=true"),
        (Act::Restore, "POST /4_7 is_hidden=false"),
        (Act::Remove, "DELETE /4_7 "),
    ] {
        let (intent, proof) = permit(act, target("4_7", "4_7"));
        match act {
            Act::Hide => facebook.hide(&intent, &proof).await.unwrap(),
            Act::Restore => facebook.restore(&intent, &proof).await.unwrap(),
            _ => facebook.remove(&intent, &proof).await.unwrap(),
        }
        let asked = server.asked().pop().unwrap();
        assert_eq!(format!("{} {} {}", asked.method, path(&asked), asked.body), expected);
    }
    assert_eq!(server.asked().len(), 4);
}

#[tokio::test]
async fn the_platforms_own_count_stands_beside_the_post() {
    let server = Server::start(|asked| match path(asked) {
        "/4/feed" => Reply::json(&json!({ "data": [post("4_1", 20)] })),
        _ => Reply::json(&json!({ "data": [comment("1_1")], "summary": { "total_count": 3 } })),
    })
    .await;
    let (page, _) = sweep(&facebook(&server.endpoint.to_string(), None), None).await.unwrap();
    assert_eq!(page.posts.len(), 1);
    assert_eq!((page.posts[0].comments, page.posts[0].text.as_str()), (Some(3), "4_1"));
    assert!(page.blind[0].contains("räknar 3 kommentarer under inlägg 4_1 men visar 1"), "{:?}", page.blind);
}

#[tokio::test]
async fn a_post_that_has_vanished_from_the_page_counts_as_listed_until_it_is_back() {
    let there = Arc::new(std::sync::Mutex::new(vec!["4_2", "4_1"]));
    let shown = Arc::clone(&there);
    let server = Server::start(move |asked| {
        let there = shown.lock().unwrap().clone();
        match path(asked) {
            "/4/feed" => {
                Reply::json(&json!({ "data": there.iter().map(|id| post(id, 20)).collect::<Vec<_>>() }))
            }
            "/4_1/comments" if there.contains(&"4_1") => Reply::json(&json!({ "data": [comment("1_1")] })),
            "/4_2/comments" => Reply::json(&json!({ "data": [] })),
            _ => Reply::status(400, GONE),
        }
    })
    .await;
    let facebook = facebook(&server.endpoint.to_string(), None);
    let (page, requests) = sweep(&facebook, None).await.unwrap();
    assert_eq!((page.listed, requests), (vec!["4_2".to_owned(), "4_1".to_owned()], 3));
    assert_eq!(facebook.look(&target("1_1", "4_1")).await.unwrap().sighting, Sighting::NoRight);
    *there.lock().unwrap() = vec!["4_2"];
    let (page, requests) = sweep(&facebook, page.cursor).await.unwrap();
    assert_eq!((page.listed, requests), (vec!["4_2".to_owned(), "4_1".to_owned()], 3), "asked for once more");
    assert!(page.blind.is_empty(), "{:?}", page.blind);
    assert_eq!(facebook.look(&target("1_1", "4_1")).await.unwrap().sighting, Sighting::Gone);
    // A start of the daemon in between: the cursor remembers, and asks for it no more.
    let anew = super::facebook(&server.endpoint.to_string(), None);
    let (page, requests) = sweep(&anew, page.cursor).await.unwrap();
    assert_eq!((page.listed, requests), (vec!["4_1".to_owned(), "4_2".to_owned()], 2));
    assert_eq!(anew.look(&target("1_1", "4_1")).await.unwrap().sighting, Sighting::Gone);
    *there.lock().unwrap() = vec!["4_2", "4_1"];
    let (page, _) = sweep(&anew, page.cursor).await.unwrap();
    assert_eq!(page.comments.len(), 1);
    let (page, _) = sweep(&anew, page.cursor).await.unwrap();
    assert_eq!(page.listed, ["4_2", "4_1"]);
}

#[tokio::test]
async fn a_horizon_says_how_far_back_each_sweep_reads() {
    let server = Server::start(|asked| {
        if path(asked) != "/4/feed" {
            return Reply::json(&json!({ "data": [] }));
        }
        let first = asked.query("after").is_none();
        let posts: Vec<Value> = (if first { 20..22_u32 } else { 1..3 }).map(|day| post(&format!("4_{day}"), day)).rev().collect();
        let body = json!({ "data": posts, "paging": { "cursors": { "after": "a" }, "next": "https://graph.facebook.com/x" } });
        Reply::Whole(200, "Date: Sat, 21 Nov 2026 12:00:00 GMT\r\n".to_owned(), body.to_string().into_bytes())
    })
    .await;
    // The horizon, and how many lists of posts a sweep asks for before the turn of the older ones.
    for (horizon, newest) in [(1, 1), (15, 2)] {
        let facebook = facebook(&server.endpoint.to_string(), None)
            .reaching(Reach { horizon: Some(horizon), ..Reach::default() });
        let mut cursor = None;
        for _ in 0..newest {
            let page = facebook.page(cursor.as_ref()).await.unwrap();
            cursor = page.cursor;
        }
        let stage = if horizon == 1 { "older" } else { "comments" };
        assert!(cursor.unwrap().0.contains(&format!(r#""stage":"{stage}""#)), "{horizon}");
    }
    let asked = server.asked();
    assert!(asked.iter().all(|asked| asked.query("limit").as_deref() == Some("25")));
}

#[tokio::test]
async fn both_forms_of_an_id_are_the_same_comment_in_a_look() {
    let server = Server::start(|_| Reply::json(&comment("4_1_2"))).await;
    let facebook = facebook(&server.endpoint.to_string(), None);
    let look = facebook.look(&target("1_2", "4_1")).await.unwrap();
    assert_eq!(look.seen.unwrap().native_id, "1_2", "the id that we know it by");
    assert_eq!(kind(&facebook.look(&target("1_3", "4_1")).await.unwrap_err()), "Malformed");
}

#[tokio::test]
async fn what_is_known_of_the_key_is_told_with_what_it_lacks() {
    let all = ["pages_read_engagement", "pages_read_user_content", "pages_manage_engagement"];
    // What `debug_token` says; the rights that lack, or the error.
    let table = [
        (
            json!({ "type": "PAGE", "profile_id": "4", "scopes": all, "expires_at": 0, "data_access_expires_at": 1_780_000_000 }),
            Ok(vec![]),
        ),
        (
            json!({ "type": "PAGE", "profile_id": "4", "scopes": all[..2] }),
            Ok(vec!["pages_manage_engagement"]),
        ),
        (json!({ "type": "USER", "user_id": "7", "scopes": all }), Ok(vec!["page access token"])),
        (json!({ "type": "PAGE", "profile_id": "5", "scopes": all }), Ok(vec!["page access token"])),
        (json!({ "is_valid": false, "error": { "code": 190, "subcode": 460 } }), Err("Unauthorized")),
    ];
    for (mut data, expected) in table {
        if data.get("is_valid").is_none() {
            data["is_valid"] = json!(true);
        }
        let body = json!({ "data": data }).to_string();
        let server = Server::start(move |asked| match path(asked) {
            "/debug_token" => Reply::status(200, &body),
            _ => Reply::json(&json!({ "id": "4", "name": "Exempels kommun" })),
        })
        .await;
        let facebook = facebook(&server.endpoint.to_string(), Some(&format!("12345|{SECRET}")));
        let standing = facebook.standing().await;
        let asked = &server.asked()[0];
        assert_eq!(asked.query("input_token").as_deref(), Some(TOKEN));
        assert!(asked.head.contains(&format!("earer 12345|{SECRET}")), "the app asks about the key");
        match standing {
            Ok(standing) => {
                let missing: Vec<_> = standing.missing.iter().map(|right| right.right.as_str()).collect();
                assert_eq!(Ok(missing), expected, "{data}");
                assert_eq!(standing.holder.as_deref(), Some("Exempels kommun"));
                assert_eq!(standing.expires_at, None);
                assert!(!format!("{standing:?}").contains(TOKEN));
            }
            Err(error) => {
                assert_eq!(Err(kind(&error)), expected, "{data}");
                assert!(
                    !error.to_string().contains(TOKEN) && error.to_string().contains("password"),
                    "{error}"
                );
            }
        }
    }
    // Without the app's id the key asks about itself.
    let server = Server::start(|_| Reply::json(&json!({ "data": { "is_valid": true } }))).await;
    facebook(&server.endpoint.to_string(), None).standing().await.unwrap();
    assert!(server.asked()[0].head.contains(&format!("earer {TOKEN}")));
}

fn limited(server: &Server) -> (Facebook, Budget, Clock) {
    let clock = Clock::manual("2026-11-23T08:00:00Z".parse().unwrap());
    let budget = Budget::new("facebook/4", graph::quotas(), clock.clone());
    let http = Http::for_tests(Duration::from_millis(800)).within(budget.clone());
    let token = Arc::new(Token::fixed(Grant::bare(TOKEN.into())));
    (Facebook::open(http, server.endpoint.clone(), "4".to_owned(), token, None, clock.clone()), budget, clock)
}

#[tokio::test]
async fn polling_slows_down_before_the_limit_and_acts_go_on() {
    let header = r#"x-business-use-case-usage: {"4":[{"type":"pages","call_count":80,"total_cputime":2,"total_time":2,"estimated_time_to_regain_access":0}]}"#;
    let server = Server::start(move |asked| {
        let body = if asked.method == "GET" {
            json!({ "data": [], "id": "1_1", "created_time": "2026-11-20T08:00:00+0000", "is_hidden": false })
        } else {
            json!({ "success": true })
        };
        Reply::Whole(
            200,
            format!("{header}\r\nx-app-usage: {{\"call_count\":100}}\r\n"),
            body.to_string().into_bytes(),
        )
    })
    .await;
    let (facebook, budget, clock) = limited(&server);
    facebook.page(None).await.unwrap();
    let told: Vec<(u64, u64)> = facebook.budgets().iter().map(|left| (left.used, left.reserve)).collect();
    assert_eq!(told, [(80, 25), (100, 25)]);
    match facebook.page(None).await.unwrap_err() {
        ConnectorError::RateLimited(wait) => assert_eq!(wait.as_secs(), 600),
        other => panic!("{other}"),
    }
    assert_eq!(server.asked().len(), 1, "nothing was sent");
    facebook.look(&target("1_1", "4_1")).await.unwrap();
    hide(&facebook, "1_1").await.unwrap();
    clock.set(clock.now() + TimeDelta::minutes(11));
    facebook.page(None).await.unwrap();
    assert!(budget.spend(&[("per cent of the account's calls", 0)], Purpose::Poll).is_err(), "told anew");
}

#[tokio::test]
async fn a_limit_that_is_reached_stops_acts_too_until_the_platform_answers_again() {
    let headers = r#"x-business-use-case-usage: {"4":[{"type":"pages","call_count":100,"estimated_time_to_regain_access":7}]}"#;
    let server = Server::start(move |_| {
        Reply::Whole(400, format!("{headers}\r\n"), br#"{"error":{"code":80001,"message":"limit"}}"#.to_vec())
    })
    .await;
    let (facebook, _, clock) = limited(&server);
    for _ in 0..3 {
        assert_eq!(kind(&facebook.look(&target("1_1", "4_1")).await.unwrap_err()), "RateLimited");
        assert_eq!(kind(&hide(&facebook, "1_1").await.unwrap_err()), "RateLimited");
    }
    assert_eq!(server.asked().len(), 1);
    clock.set(clock.now() + TimeDelta::minutes(8));
    assert_eq!(kind(&facebook.look(&target("1_1", "4_1")).await.unwrap_err()), "RateLimited");
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn pictures_are_fetched_from_the_platforms_own_hosts_only_and_without_the_key() {
    let server =
        Server::start(|_| Reply::Whole(200, "Content-Type: image/jpeg\r\n".to_owned(), vec![0xff, 0xd8]))
            .await;
    let facebook = facebook(&server.endpoint.to_string(), None);
    let media = |url: &str| Media { kind: Attachment::Image, url: url.to_owned() };
    let fetched = facebook.media(&media(&format!("{}/1.jpg", server.endpoint)), 100).await.unwrap();
    assert_eq!((fetched.bytes, fetched.kind.as_deref()), (vec![0xff, 0xd8], Some("image/jpeg")));
    assert!(!server.asked()[0].head.to_lowercase().contains("authorization"));
    for elsewhere in [
        "https://media.example.org/1.jpg",
        "https://fbcdn.net.example.org/1",
        "http://scontent.fbcdn.net/1",
        "file:///etc/passwd",
        "",
    ] {
        assert_eq!(
            kind(&facebook.media(&media(elsewhere), 100).await.unwrap_err()),
            "Refused",
            "{elsewhere}"
        );
    }
}

#[tokio::test]
async fn a_comment_without_is_hidden_or_writer_names_the_right_that_lacks() {
    let mut bare = comment("1_1");
    bare.as_object_mut().unwrap().retain(|key, _| key != "from" && key != "is_hidden");
    let body = bare.clone();
    let server = Server::start(move |asked| match path(asked) {
        "/4_1/comments" => Reply::json(&json!({ "data": [body] })),
        _ => Reply::json(&body),
    })
    .await;
    let facebook = facebook(&server.endpoint.to_string(), None);
    let page =
        facebook.page(Some(&Cursor(r#"{"posts":["4_1"],"stage":"comments"}"#.to_owned()))).await.unwrap();
    assert_eq!(page.comments[0].visibility, Visibility::Unknown);
    assert!(page.blind[0].contains("pages_read_user_content"), "{:?}", page.blind);
    assert_eq!(facebook.look(&target("1_1", "4_1")).await.unwrap().sighting, Sighting::NoRight);
}

#[tokio::test]
async fn a_key_in_a_file_is_the_one_that_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fb");
    let token = Token::open(
        &path,
        &format!(r#"{{"access_token":"{TOKEN}","client_id":"77","client_secret":"{SECRET}"}}"#).into(),
    )
    .unwrap();
    let server = Server::start(|_| Reply::json(&json!({ "data": { "is_valid": true } }))).await;
    let facebook = Facebook::open(
        Http::for_tests(Duration::from_millis(800)),
        server.endpoint.clone(),
        "4".to_owned(),
        Arc::new(token),
        None,
        Clock::System,
    );
    facebook.standing().await.unwrap();
    assert!(server.asked()[0].head.contains(&format!("earer 77|{SECRET}")));
    assert!(facebook.graph.token().current().await.access.expose_secret() == TOKEN);
    assert!(!format!("{facebook:?}").contains(TOKEN));
}
