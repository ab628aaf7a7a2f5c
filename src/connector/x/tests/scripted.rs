//! The connector against a server that answers as a test tells it to.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::super::{READS_A_DAY, X, budget};
use crate::clock::Clock;
use crate::connector::http::Http;
use crate::connector::http::script::{Asked, Reply, Server};
use crate::connector::testing::{NOW, act, ids, kind, permit, sweep, target};
use crate::connector::{Connector, ConnectorError, Grant, Sighting, Token};
use crate::domain::comment::{Attachment, Kind, Media, Visibility};
use crate::store::Act;

const US: &str = "12";
/// An id of 20 November 2026, 12:00 UTC.
const OWN: &str = "2123748187960246272";

async fn saying(reply: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> (Server, X, Clock) {
    saying_with(Grant::bare("nyckel".into()), reply).await
}

async fn saying_with(
    grant: Grant,
    reply: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
) -> (Server, X, Clock) {
    let server = Server::start(reply).await;
    let clock = Clock::manual(NOW.parse().unwrap());
    let http = Http::for_tests(Duration::from_secs(5));
    let budget = budget("x/12", READS_A_DAY, clock.clone());
    let api = server.endpoint.with_path("/x/2");
    let x = X::new(&http, api, US.to_owned(), Arc::new(Token::fixed(grant)), budget, clock.clone());
    (server, x, clock)
}

fn post(id: &str, conversation: &str, author: &str, at: &str) -> Value {
    json!({ "id": id, "text": format!("ord i {id}"), "author_id": author, "conversation_id": conversation,
        "created_at": at, "edit_history_tweet_ids": [id] })
}

fn list(posts: &[Value], next: Option<&str>) -> Reply {
    let mut meta = json!({ "result_count": posts.len() });
    if let Some(next) = next {
        meta["next_token"] = json!(next);
    }
    Reply::json(&if posts.is_empty() {
        json!({ "meta": meta })
    } else {
        json!({ "data": posts, "meta": meta })
    })
}

fn is(asked: &Asked, path: &str) -> bool {
    asked.path.split('?').next().unwrap() == format!("/x/2/{path}")
}

/// One post of ours, a reply under it, and a mention elsewhere.
fn small(asked: &Asked) -> Reply {
    if is(asked, "users/12/tweets") {
        return list(&[post(OWN, OWN, US, "2026-11-20T12:00:00.000Z")], None);
    }
    if is(asked, "tweets/search/recent") {
        return list(&[post("2123748187960246377", OWN, "77", "2026-11-21T12:00:00.000Z")], None);
    }
    list(&[post("2123748187960246388", "2123748187960246388", "78", "2026-11-22T12:00:00.000Z")], None)
}

#[tokio::test]
async fn a_poll_costs_three_calls_and_asks_for_every_field_that_is_read() {
    let (server, x, _) = saying(small).await;
    let (page, requests) = sweep(&x, None).await.unwrap();
    assert_eq!(requests, 3);
    assert_eq!(ids(&page.comments), ["2123748187960246377", "2123748187960246388"]);
    assert_eq!(page.posts[0].native_id, OWN);
    assert_eq!(page.comments[0].visibility, Visibility::Unknown, "no field tells that a reply is hidden");
    assert_eq!((page.comments[0].kind, page.comments[1].kind), (Kind::Comment, Kind::VisitorPost));
    assert_eq!(page.comments[0].parent_id, None);
    assert_eq!(page.listed, [OWN], "the first sweep reads everything that the search reaches");
    let asked = server.asked();
    assert_eq!(asked[1].query("query"), Some(format!("conversation_id:{OWN}")));
    for asked in &asked {
        let fields = asked.query("tweet.fields").unwrap();
        for field in
            ["author_id", "conversation_id", "created_at", "referenced_tweets", "in_reply_to_user_id"]
        {
            assert!(fields.contains(field));
        }
        assert_eq!(asked.query("max_results").as_deref(), Some("100"));
    }
    let spent = x.budgets().into_iter().find(|left| left.name.ends_with("posts read a day")).unwrap();
    assert_eq!(spent.used, 3, "each post shown is paid for");
}

#[tokio::test]
async fn later_passes_ask_only_for_what_is_newer_than_ten_minutes_before_the_newest() {
    let (server, x, clock) = saying(small).await;
    let (page, _) = sweep(&x, None).await.unwrap();
    let (page, _) = sweep(&x, page.cursor).await.unwrap();
    assert!(page.listed.is_empty(), "what was not asked for is not missing");
    for asked in &server.asked()[3..6] {
        let since: u64 = asked.query("since_id").unwrap().parse().unwrap();
        let newest: u64 = OWN.parse().unwrap();
        assert!(since < newest && (newest - since) >> 22 <= 600_001, "{since}");
        assert_eq!(asked.query("start_time"), None);
    }
    clock.set("2026-11-24T11:30:00Z".parse().unwrap());
    let (page, _) = sweep(&x, page.cursor).await.unwrap();
    assert_eq!(page.listed, [OWN], "once a day everything is read again, so that deletions are followed");
    assert!(server.asked()[6..].iter().all(|asked| asked.query("since_id").is_none()));
    // A week after the post its conversation can no longer be searched.
    clock.set("2026-11-28T12:00:00Z".parse().unwrap());
    let (_, requests) = sweep(&x, page.cursor).await.unwrap();
    assert_eq!(requests, 2);
}

#[tokio::test]
async fn thirteen_conversations_fit_into_one_query_of_512_characters() {
    let own: Vec<_> = (0..30)
        .map(|n| {
            let id = format!("21237481879602464{n:02}");
            post(&id, &id, US, "2026-11-20T12:00:00.000Z")
        })
        .collect();
    let (server, x, _) =
        saying(move |asked| if is(asked, "users/12/tweets") { list(&own, None) } else { list(&[], None) })
            .await;
    let (page, requests) = sweep(&x, None).await.unwrap();
    assert_eq!(requests, 5, "own posts, three searches, mentions");
    assert_eq!(page.listed.len(), 30);
    let queries: Vec<_> = server.asked().iter().filter_map(|asked| asked.query("query")).collect();
    assert!(queries.iter().all(|query| query.len() <= 512));
    assert_eq!(queries.iter().map(|query| query.matches("conversation_id:").count()).sum::<usize>(), 30);
}

#[tokio::test]
async fn a_silent_account_costs_two_calls_and_no_money() {
    let (_server, x, _) = saying(|_| list(&[], None)).await;
    let (page, requests) = sweep(&x, None).await.unwrap();
    assert_eq!((requests, page.comments.len()), (2, 0));
}

#[tokio::test]
async fn every_page_is_read_and_a_worn_out_id_begins_the_list_anew_once() {
    let refusals = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&refusals);
    let (server, x, _) = saying(move |asked| {
        if asked.query("since_id").is_some() && count.fetch_add(1, Ordering::Relaxed) == 0 {
            return Reply::status(
                400,
                r#"{"title":"Invalid Request","detail":"since_id","type":"x/invalid-request"}"#,
            );
        }
        if is(asked, "users/12/mentions") && asked.query("pagination_token").is_none() {
            return list(&[post("2123748187960246399", "5", "79", "2026-11-22T12:00:00.000Z")], Some("mer"));
        }
        small(asked)
    })
    .await;
    let (page, requests) = sweep(&x, None).await.unwrap();
    assert_eq!((requests, page.comments.len()), (4, 3));
    let (page, requests) = sweep(&x, page.cursor).await.unwrap();
    assert_eq!((requests, page.comments.len()), (5, 3));
    assert_eq!(server.asked()[5].query("since_id"), None);
    let always = |_: &Asked| Reply::status(400, r#"{"title":"Invalid Request","type":"x/invalid-request"}"#);
    let (_server, x, _) = saying(always).await;
    assert_eq!(kind(&x.page(None).await.unwrap_err()), "Refused");
}

#[tokio::test]
async fn a_look_says_that_it_is_there_and_not_whether_it_is_hidden() {
    let not_found = json!({ "errors": [{ "type": "https://api.twitter.com/2/problems/resource-not-found",
        "title": "Not Found Error", "value": "7", "resource_id": "7" }] });
    let protected = json!({ "errors": [{ "type": "https://api.twitter.com/2/problems/not-authorized-for-resource",
        "title": "Authorization Error", "resource_id": "7" }] });
    let there = json!({ "data": [post("7", OWN, "77", "2026-11-20T12:00:00Z")] });
    for (answer, expected) in
        [(there, Sighting::Untold), (not_found, Sighting::Gone), (protected, Sighting::NoRight)]
    {
        let (server, x, _) = saying(move |_| Reply::json(&answer)).await;
        let look = x.look(&target("7", OWN)).await.unwrap();
        assert_eq!(look.sighting, expected);
        assert_eq!(look.seen.is_some(), expected == Sighting::Untold);
        assert_eq!(server.asked().len(), 1);
        assert_eq!(server.asked()[0].query("ids").as_deref(), Some("7"));
    }
    let other = json!({ "data": [post("8", OWN, "77", "2026-11-20T12:00:00Z")] });
    let (_server, x, _) = saying(move |_| Reply::json(&other)).await;
    assert_eq!(kind(&x.look(&target("7", OWN)).await.unwrap_err()), "Malformed");
    let (_server, x, _) = saying(|_| Reply::json(&json!({ "data": [] }))).await;
    assert_eq!(kind(&x.look(&target("7", OWN)).await.unwrap_err()), "Malformed");
}

#[tokio::test]
async fn a_look_at_an_edited_post_asks_for_its_newest_text() {
    let (server, x, _) = saying(|asked| {
        let id = asked.query("ids").unwrap();
        let mut post = post(&id, OWN, "77", "2026-11-20T12:00:00Z");
        post["edit_history_tweet_ids"] = json!(["7", "9"]);
        Reply::json(&json!({ "data": [post] }))
    })
    .await;
    let seen = x.look(&target("7", OWN)).await.unwrap().seen.unwrap();
    assert_eq!((seen.native_id.as_str(), seen.text.as_str()), ("7", "ord i 9"));
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn hiding_and_restoring_are_one_put_with_json() {
    let (server, x, _) = saying(|asked| Reply::json(&json!({ "data": asked.json() }))).await;
    act(&x, Act::Hide, target("7", OWN)).await.unwrap();
    act(&x, Act::Restore, target("7", OWN)).await.unwrap();
    let asked = server.asked();
    assert_eq!(asked.len(), 2);
    for (asked, hidden) in asked.iter().zip([true, false]) {
        assert_eq!((asked.method.as_str(), asked.path.as_str()), ("PUT", "/x/2/tweets/7/hidden"));
        assert_eq!(asked.json(), json!({ "hidden": hidden }));
    }
    assert_eq!(kind(&act(&x, Act::Remove, target("7", OWN)).await.unwrap_err()), "Refused");
}

#[tokio::test]
async fn each_refusal_of_a_hide_says_what_to_do_next() {
    for (reply, expected) in [
        (
            Reply::status(
                403,
                r#"{"title":"Forbidden","detail":"not your conversation","type":"about:blank"}"#,
            ),
            "Refused",
        ),
        (Reply::status(404, r#"{"title":"Not Found Error","type":"x/resource-not-found"}"#), "Refused"),
        (Reply::status(402, r#"{"title":"CreditsDepleted"}"#), "Unauthorized"),
        (Reply::status(402, r#"{"title":"Payment Required"}"#), "Unauthorized"),
        (Reply::status(403, r#"{"title":"CreditsDepleted"}"#), "Unauthorized"),
        (Reply::status(401, r#"{"title":"Unauthorized","status":401}"#), "Unauthorized"),
        (Reply::status(429, r#"{"errors":[{"code":88,"message":"Rate limit exceeded"}]}"#), "RateLimited"),
        (Reply::status(200, r#"{"data":{"hidden":false}}"#), "OutcomeUnknown"),
        (Reply::status(200, "{}"), "OutcomeUnknown"),
        (Reply::status(503, "{}"), "OutcomeUnknown"),
        (Reply::Close, "OutcomeUnknown"),
    ] {
        let told = format!("{reply:?}");
        let (server, x, _) = saying(move |_| reply.clone()).await;
        let error = act(&x, Act::Hide, target("7", OWN)).await.unwrap_err();
        assert_eq!(kind(&error), expected, "{told}: {error}");
        assert_eq!(server.asked().len(), 1);
    }
}

#[tokio::test]
async fn the_headers_tell_what_is_left_of_each_window() {
    let left = AtomicI64::new(1);
    let (_server, x, _) = saying(move |asked| {
        let left = left.fetch_sub(1, Ordering::Relaxed);
        let headers = format!(
            "x-rate-limit-limit: 50\r\nx-rate-limit-remaining: {left}\r\nx-rate-limit-reset: 1795435500\r\n"
        );
        Reply::Whole(200, headers, json!({ "data": asked.json() }).to_string().into_bytes())
    })
    .await;
    act(&x, Act::Hide, target("7", OWN)).await.unwrap();
    let left = x.budgets().into_iter().find(|left| left.name.ends_with("hides in 15 minutes")).unwrap();
    assert_eq!((left.used, left.limit), (49, 50));
    act(&x, Act::Hide, target("7", OWN)).await.unwrap();
    assert_eq!(
        kind(&act(&x, Act::Hide, target("7", OWN)).await.unwrap_err()),
        "RateLimited",
        "before it is sent"
    );
}

#[tokio::test]
async fn fifty_hides_in_a_window_and_no_more_also_without_headers() {
    let (server, x, clock) = saying(|asked| Reply::json(&json!({ "data": asked.json() }))).await;
    for _ in 0..50 {
        act(&x, Act::Hide, target("7", OWN)).await.unwrap();
    }
    assert_eq!(kind(&act(&x, Act::Hide, target("7", OWN)).await.unwrap_err()), "RateLimited");
    assert_eq!(server.asked().len(), 50, "the one too many is not sent");
    clock.set(clock.now() + chrono::TimeDelta::minutes(16));
    act(&x, Act::Hide, target("7", OWN)).await.unwrap();
}

#[tokio::test]
async fn a_429_is_heard_before_it_is_an_error_and_closes_its_window_only() {
    let now = NOW.parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp();
    for (headers, wait, told) in [
        // The reset without a Date: our clock knows how long that is.
        (
            format!(
                "x-rate-limit-limit: 40\r\nx-rate-limit-remaining: 0\r\nx-rate-limit-reset: {}\r\n",
                now + 700
            ),
            700,
            (40, 40),
        ),
        (
            format!(
                "Retry-After: 30\r\nx-rate-limit-limit: 40\r\nx-rate-limit-remaining: 0\r\nx-rate-limit-reset: {}\r\n",
                now + 700
            ),
            30,
            (40, 40),
        ),
        (format!("x-rate-limit-reset: {}\r\n", now + 700), 700, (900, 900)),
        (String::new(), 60, (900, 900)),
        ("x-rate-limit-limit: många\r\nx-rate-limit-reset: igår\r\n".to_owned(), 60, (900, 900)),
    ] {
        let reply = headers.clone();
        let (server, x, _) = saying(move |asked| {
            if asked.query("ids").is_some() {
                return Reply::Whole(429, reply.clone(), br#"{"title":"Too Many Requests"}"#.to_vec());
            }
            small(asked)
        })
        .await;
        let error = x.look(&target("7", OWN)).await.unwrap_err();
        let ConnectorError::RateLimited(told_wait) = error else { panic!("{headers}: {error}") };
        assert_eq!(told_wait.as_secs(), wait, "{headers}");
        let left = x.budgets();
        let of = |name: &str| {
            left.iter().find(|left| left.name.ends_with(name)).map(|left| (left.used, left.limit))
        };
        assert_eq!(of("lookups in 15 minutes"), Some(told), "{headers}");
        assert_eq!(
            of("posts read a day"),
            Some((1, READS_A_DAY)),
            "our own cap is not the platform's: {headers}"
        );
        let before = server.asked().len();
        assert!(matches!(x.look(&target("7", OWN)).await, Err(ConnectorError::RateLimited(_))));
        assert_eq!(server.asked().len(), before, "it is not asked again");
        sweep(&x, None).await.unwrap();
    }
}

#[tokio::test]
async fn the_narrow_window_of_the_question_about_the_key_is_not_that_of_looks() {
    let (_server, x, _) = saying(|asked| {
        let headers =
            "x-rate-limit-limit: 75\r\nx-rate-limit-remaining: 0\r\nx-rate-limit-reset: 1795435500\r\n";
        match asked.query("ids") {
            Some(id) => Reply::json(&json!({ "data": [post(&id, OWN, "77", "2026-11-20T12:00:00Z")] })),
            None => Reply::Whole(
                200,
                headers.to_owned(),
                br#"{"data":{"id":"12","username":"kommunen"}}"#.to_vec(),
            ),
        }
    })
    .await;
    x.standing().await.unwrap();
    assert_eq!(kind(&x.standing().await.unwrap_err()), "RateLimited", "75 in 15 minutes");
    x.look(&target("7", OWN)).await.unwrap();
}

#[tokio::test]
async fn no_more_posts_are_paid_for_than_the_cap_allows_and_looks_keep_a_reserve() {
    let (server, x, _) = saying(|asked| match asked.query("ids") {
        Some(id) => Reply::json(&json!({ "data": [post(&id, OWN, "77", "2026-11-20T12:00:00Z")] })),
        None => list(&[], None),
    })
    .await;
    x.http.budget().unwrap().add(super::super::READS, READS_A_DAY * 9 / 10);
    assert_eq!(kind(&x.page(None).await.unwrap_err()), "RateLimited");
    assert!(server.asked().is_empty());
    x.look(&target("7", OWN)).await.unwrap();
    // Each post is paid for, and not each call.
    let (_server, x, _) = saying(|_| {
        let posts: Vec<_> = (60..67)
            .map(|n| post(&format!("21237481879602462{n}"), OWN, "77", "2026-11-21T12:00:00Z"))
            .collect();
        list(&posts, None)
    })
    .await;
    x.page(None).await.unwrap();
    let read = x.budgets().into_iter().find(|left| left.name.ends_with(super::super::READS)).unwrap();
    assert_eq!(read.used, 7);
}

#[tokio::test]
async fn only_who_named_the_account_is_answered() {
    for (mentions, allowed) in
        [(json!([{ "id": US }]), true), (json!([{ "id": "13" }]), false), (json!([]), false)]
    {
        let (server, x, _) = saying(move |asked| {
            if asked.method == "POST" {
                return Reply::status(201, r#"{"data":{"id":"99","text":"Tack!"}}"#);
            }
            let mut post = post("7", OWN, "77", "2026-11-20T12:00:00Z");
            post["entities"] = json!({ "mentions": mentions });
            Reply::json(&json!({ "data": [post] }))
        })
        .await;
        let (intent, proof) = permit(Act::Reply, target("7", OWN));
        let result = x.reply(&intent, &proof, "Tack!").await;
        if allowed {
            assert_eq!(result.unwrap(), "99");
            assert_eq!(server.asked()[1].json()["reply"]["in_reply_to_tweet_id"], "7");
        } else {
            assert_eq!(kind(&result.unwrap_err()), "Refused");
            assert_eq!(server.asked().len(), 1, "nothing is written");
        }
    }
}

#[tokio::test]
async fn a_refresh_token_is_used_once_and_the_new_one_is_in_the_file_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x-token");
    let text = r#"{"access_token":"gammal","refresh_token":"r1","client_id":"app","client_secret":"hemlig"}"#;
    let server = Server::start(|asked| {
        if asked.path == "/x/2/oauth2/token" {
            assert!(
                asked.body.contains("refresh_token=r1")
                    && asked.head.to_lowercase().contains("authorization: basic")
            );
            return Reply::status(200, r#"{"access_token":"ny","refresh_token":"r2","expires_in":7200}"#);
        }
        if asked.head.contains("Bearer gammal") {
            return Reply::status(401, r#"{"title":"Unauthorized","status":401}"#);
        }
        list(&[], None)
    })
    .await;
    let clock = Clock::manual(NOW.parse().unwrap());
    let token = Arc::new(Token::open(&path, &text.into()).unwrap());
    let http = Http::for_tests(Duration::from_secs(5));
    let budget = budget("x/12", READS_A_DAY, clock.clone());
    let x = X::new(&http, server.endpoint.with_path("/x/2"), US.to_owned(), token, budget, clock);
    let (one, two) = tokio::join!(x.page(None), x.page(None));
    one.unwrap();
    two.unwrap();
    assert_eq!(server.asked().iter().filter(|asked| asked.path.ends_with("token")).count(), 1);
    assert!(std::fs::read_to_string(&path).unwrap().contains("r2"));
}

#[tokio::test]
async fn pictures_are_fetched_from_xs_own_hosts_only() {
    let (_server, x, _) = saying(|_| list(&[], None)).await;
    for url in [
        "https://exempel.invalid/a.jpg",
        "https://pbs.twimg.com.exempel.invalid/a.jpg",
        "http://pbs.twimg.com/a.jpg",
    ] {
        let media = Media { kind: Attachment::Image, url: url.to_owned() };
        assert_eq!(kind(&x.media(&media, 1_000).await.unwrap_err()), "Refused", "{url}");
    }
}

#[tokio::test]
async fn the_standing_says_whose_key_it_is() {
    for (id, missing) in [(US, 0), ("13", 1)] {
        let (server, x, _) =
            saying(move |_| Reply::json(&json!({ "data": { "id": id, "username": "norrby" } }))).await;
        let standing = x.standing().await.unwrap();
        assert_eq!((standing.holder.as_deref(), standing.missing.len()), (Some("norrby"), missing));
        assert_eq!(server.asked()[0].path, "/x/2/users/me", "X refuses fields of posts there");
    }
}

#[tokio::test]
async fn whatever_a_list_says_the_sweep_neither_panics_nor_takes_it_for_read() {
    let body = include_bytes!("../../../../tests/fixtures/connector/x/users_mentions.json");
    for body in crate::connector::testing::hostile(body).into_iter().step_by(3) {
        let (_server, x, _) = saying(move |_| Reply::Whole(200, String::new(), body.clone())).await;
        if let Ok(page) = x.page(None).await {
            assert!(page.listed.is_empty());
        }
    }
}
