//! The connector against a server that answers as a test tells it to.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::super::{UNITS, Youtube, budget, token_endpoint};
use crate::clock::Clock;
use crate::connector::http::script::{Asked, Reply, Server};
use crate::connector::http::{Endpoint, Http};
use crate::connector::testing::{NOW, act, ids, kind, permit, sweep, target};
use crate::connector::{Connector, ConnectorError, Cursor, Grant, Purpose, Sighting, Target, Token};
use crate::domain::comment::Visibility;
use crate::store::Act;

const CHANNEL: &str = "UCkommunen";
pub(super) const FILM: &str = "aaaaaaaaaaa";

pub(super) fn connector(server: &Server, grant: Grant) -> (Youtube, Clock) {
    let clock = Clock::manual(NOW.parse().unwrap());
    let http = Http::for_tests(Duration::from_secs(5));
    let api = server.endpoint.with_path("/youtube/v3");
    let budget = budget("youtube", clock.clone());
    let token = Arc::new(Token::fixed(grant));
    (Youtube::new(&http, api, CHANNEL.to_owned(), token, budget, clock.clone()), clock)
}

pub(super) async fn saying(
    reply: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
) -> (Server, Youtube, Clock) {
    let server = Server::start(reply).await;
    let (youtube, clock) = connector(&server, Grant::bare("nyckel".into()));
    (server, youtube, clock)
}

pub(super) fn comment(id: &str, at: &str) -> Value {
    json!({ "id": id, "snippet": {
        "textDisplay": format!("ord i {id}"), "publishedAt": at,
        "authorDisplayName": "Åsa Öberg", "authorChannelId": { "value": "UCnågon" },
    } })
}

fn thread(id: &str, at: &str, total: u64, replies: &[Value]) -> Value {
    json!({ "id": id, "snippet": { "videoId": FILM, "topLevelComment": comment(id, at), "totalReplyCount": total },
        "replies": { "comments": replies } })
}

pub(super) fn list(items: &[Value], next: Option<&str>) -> Reply {
    Reply::json(&json!({ "kind": "youtube#xListResponse", "items": items, "nextPageToken": next }))
}

fn error(status: u16, domain: &str, reason: &str) -> Reply {
    let body = json!({ "error": { "code": status, "message": "x", "errors": [{ "domain": domain, "reason": reason }] } });
    Reply::status(status, &body.to_string())
}

pub(super) fn is(asked: &Asked, method: &str) -> bool {
    asked.path.split('?').next().unwrap().ends_with(&format!("/{method}"))
}

/// A channel with two threads, one of which has more replies than come along.
fn small(asked: &Asked) -> Reply {
    if is(asked, "videos") {
        let film =
            json!({ "id": FILM, "snippet": { "title": "Badhuset", "publishedAt": "2026-11-01T00:00:00Z" } });
        return list(&[film], None);
    }
    if is(asked, "comments") {
        let reply = |n: u32| comment(&format!("T1.{n}"), "2026-11-20T09:00:00Z");
        return match asked.query("pageToken") {
            None => list(&[reply(1), reply(2)], Some("vidare")),
            Some(_) => list(&[reply(3)], None),
        };
    }
    match asked.query("moderationStatus").as_deref() {
        Some("published") => list(
            &[
                thread("T2", "2026-11-21T08:00:00.000Z", 0, &[]),
                thread("T1", "2026-11-20T08:00:00Z", 3, &[comment("T1.1", "2026-11-20T09:00:00Z")]),
            ],
            None,
        ),
        Some("heldForReview") => list(&[thread("T3", "2026-11-22T08:00:00Z", 0, &[])], None),
        _ => list(&[thread("T4", "2026-11-22T08:00:00Z", 0, &[])], None),
    }
}

#[tokio::test]
async fn the_first_sweep_reads_all_three_lists_the_late_replies_and_the_films() {
    let (server, youtube, _) = saying(small).await;
    let (page, requests) = sweep(&youtube, None).await.unwrap();
    assert_eq!(
        requests, 6,
        "three lists, two pages of replies, one of films: one call a channel, not one a film"
    );
    for asked in server.asked().iter().filter(|asked| is(asked, "commentThreads")) {
        assert_eq!(asked.query("allThreadsRelatedToChannelId").as_deref(), Some(CHANNEL));
        assert_eq!(asked.query("textFormat").as_deref(), Some("plainText"));
        assert_eq!(asked.query("maxResults").as_deref(), Some("100"));
        for other in ["videoId", "channelId", "id", "postId"] {
            assert_eq!(asked.query(other), None, "exactly one filter");
        }
        assert!(asked.head.contains("Bearer nyckel") && !asked.path.contains("nyckel"));
    }
    let state = |id: &str| page.comments.iter().find(|seen| seen.native_id == id).unwrap().visibility;
    assert_eq!((state("T1"), state("T1.3")), (Visibility::Public, Visibility::Public));
    assert_eq!((state("T3"), state("T4")), (Visibility::Hidden, Visibility::Hidden));
    let late = page.comments.iter().find(|seen| seen.native_id == "T1.3").unwrap();
    assert_eq!((late.parent_id.as_deref(), late.post_id.as_str()), (Some("T1"), FILM));
    assert_eq!(page.listed, [FILM]);
    assert_eq!(page.posts[0].text, "Badhuset");
    assert_eq!(youtube.budgets()[0].used, 6, "every call is a unit");
}

#[tokio::test]
async fn a_pass_after_that_costs_one_unit_and_concludes_nothing() {
    let (server, youtube, clock) = saying(small).await;
    let youtube = youtube.with_further_units(200);
    let (first, before) = sweep(&youtube, None).await.unwrap();
    let (page, requests) = sweep(&youtube, first.cursor).await.unwrap();
    assert_eq!(requests, 1);
    assert_eq!(ids(&page.comments), ["T2", "T1", "T1.1"]);
    assert!(page.listed.is_empty(), "what was not asked for is not missing");
    clock.set("2026-11-23T12:15:00Z".parse().unwrap());
    let (page, requests) = sweep(&youtube, page.cursor).await.unwrap();
    assert_eq!(requests, 3, "after a quarter of an hour what is held back too");
    // The lists cost five units of a hundred a day: the whole is due again after a twentieth of a day.
    clock.set("2026-11-23T13:11:00Z".parse().unwrap());
    assert_eq!(sweep(&youtube, page.cursor.clone()).await.unwrap().1, 3);
    clock.set("2026-11-23T13:13:00Z".parse().unwrap());
    let (page, requests) = sweep(&youtube, page.cursor).await.unwrap();
    assert_eq!((requests, page.listed.len()), (before, 1));
    assert_eq!(server.asked().len() as u64, youtube.budgets()[0].used);
}

#[tokio::test]
async fn new_threads_are_read_page_by_page_until_a_known_one_comes() {
    let many = Arc::new(AtomicUsize::new(0));
    let answered = Arc::clone(&many);
    let (_server, youtube, _) = saying(move |asked| {
        if asked.query("moderationStatus").as_deref() != Some("published") {
            return list(&[], None);
        }
        let start: usize = asked.query("pageToken").map_or(0, |token| token.parse().unwrap());
        let all = 10 + answered.load(Ordering::Relaxed);
        let page: Vec<_> = (start..(start + 5).min(all))
            .map(|n| {
                let at = 60 * (all - n);
                let at = format!("2026-11-20T{:02}:{:02}:00Z", at / 3600, at / 60 % 60);
                let mut item = thread(&format!("T{}", all - n), &at, 0, &[]);
                item["snippet"].as_object_mut().unwrap().remove("videoId");
                item
            })
            .collect();
        list(&page, (start + 5 < all).then(|| (start + 5).to_string()).as_deref())
    })
    .await;
    let (first, requests) = sweep(&youtube, None).await.unwrap();
    assert_eq!((first.comments.len(), requests), (10, 4));
    assert_eq!(first.listed, [CHANNEL], "comments on the channel itself stand under the channel");
    many.store(12, Ordering::Relaxed);
    let (second, requests) = sweep(&youtube, first.cursor).await.unwrap();
    assert_eq!(requests, 3, "twelve new ones on pages of five");
    assert!(ids(&second.comments).contains(&"T11"));
}

#[tokio::test]
async fn replies_are_asked_for_again_only_when_their_number_has_moved() {
    let total = Arc::new(AtomicUsize::new(3));
    let counted = Arc::clone(&total);
    let (server, youtube, _) = saying(move |asked| match asked.query("moderationStatus").as_deref() {
        Some("published") => {
            let total = counted.load(Ordering::Relaxed) as u64;
            list(&[thread("T1", "2026-11-20T08:00:00Z", total, &[])], None)
        }
        _ => small(asked),
    })
    .await;
    let replies = |server: &Server| server.asked().iter().filter(|asked| is(asked, "comments")).count();
    let (page, _) = sweep(&youtube, None).await.unwrap();
    assert_eq!(replies(&server), 2);
    let (page, _) = sweep(&youtube, page.cursor).await.unwrap();
    assert_eq!(replies(&server), 2);
    total.store(4, Ordering::Relaxed);
    let (page, _) = sweep(&youtube, page.cursor).await.unwrap();
    assert_eq!(replies(&server), 4);
    assert!(ids(&page.comments).contains(&"T1.3"));
}

#[tokio::test]
async fn a_page_token_that_is_worn_out_begins_its_list_anew_once() {
    let refusals = Arc::new(AtomicUsize::new(0));
    let (_server, youtube, _) = saying(move |asked| match asked.query("pageToken") {
        Some(_) if refusals.fetch_add(1, Ordering::Relaxed) == 0 => {
            error(400, "youtube.commentThread", "invalidPageToken")
        }
        Some(_) => list(&[thread("T1", "2026-11-20T08:00:00Z", 0, &[])], None),
        None if asked.query("moderationStatus").as_deref() == Some("published") => {
            list(&[thread("T2", "2026-11-21T08:00:00Z", 0, &[])], Some("två"))
        }
        None => list(&[], None),
    })
    .await;
    let (page, _) = sweep(&youtube, None).await.unwrap();
    assert_eq!(ids(&page.comments), ["T2", "T2", "T1"]);
    let (_server, youtube, _) = saying(|_| error(400, "youtube.commentThread", "invalidPageToken")).await;
    assert_eq!(
        kind(&youtube.page(None).await.unwrap_err()),
        "Refused",
        "without a token there is nothing to begin anew"
    );
}

#[tokio::test]
async fn a_sweep_cut_off_anywhere_goes_on_and_a_strange_cursor_begins_anew() {
    let count = Arc::new(AtomicUsize::new(0));
    let (_server, youtube, _) = saying(move |asked| match count.fetch_add(1, Ordering::Relaxed) % 2 {
        0 => Reply::Close,
        _ => small(asked),
    })
    .await;
    let (mut cursor, mut seen, mut failures) = (Some(Cursor("{\"stage\":7".to_owned())), Vec::new(), 0);
    loop {
        let Ok(page) = youtube.page(cursor.as_ref()).await else {
            failures += 1;
            continue;
        };
        seen.extend(page.comments);
        cursor = page.cursor;
        if !page.more {
            break;
        }
    }
    assert_eq!(failures, 6);
    assert_eq!(ids(&seen), ["T2", "T1", "T1.1", "T1.1", "T1.2", "T1.3", "T3", "T4"]);
}

#[tokio::test]
async fn a_thread_that_vanishes_and_comments_turned_off_are_no_failure_of_the_account() {
    for (status, reason) in [(404, "commentNotFound"), (403, "commentsDisabled")] {
        let (_server, youtube, _) = saying(move |asked| {
            if is(asked, "comments") { error(status, "youtube.comment", reason) } else { small(asked) }
        })
        .await;
        let (page, _) = sweep(&youtube, None).await.unwrap();
        assert!(page.blind[0].contains("T1"), "{:?}", page.blind);
        assert!(page.listed.is_empty(), "nothing is concluded about that film");
    }
    let (_server, youtube, _) = saying(|_| error(403, "youtube.commentThread", "commentsDisabled")).await;
    let (page, _) = sweep(&youtube, None).await.unwrap();
    assert!(page.blind[0].contains("avstängda") && page.listed.is_empty());
}

#[tokio::test]
async fn the_days_units_end_at_midnight_in_los_angeles() {
    let (_server, youtube, _) = saying(|_| error(403, "youtube.quota", "quotaExceeded")).await;
    let error = youtube.page(None).await.unwrap_err();
    // Noon UTC is four in the morning there; winter time.
    assert!(
        matches!(error, ConnectorError::RateLimited(wait) if wait == Duration::from_hours(20)),
        "{error}"
    );
    assert_eq!((youtube.budgets()[0].used, youtube.budgets()[0].limit), (10_000, 10_000));
    let again = act(&youtube, Act::Hide, target("T1", FILM)).await.unwrap_err();
    assert_eq!(kind(&again), "RateLimited", "and nothing more is asked until then");
}

#[tokio::test]
async fn polling_leaves_units_for_looks_and_acts() {
    let (server, youtube, _) = saying(|asked| match asked.method.as_str() {
        "POST" => Reply::Whole(204, String::new(), Vec::new()),
        _ => small(asked),
    })
    .await;
    let budget = youtube.http.budget().unwrap().clone();
    budget.spend(&[(UNITS, 8_500)], Purpose::Poll).unwrap();
    assert_eq!(kind(&youtube.page(None).await.unwrap_err()), "RateLimited");
    assert!(server.asked().is_empty());
    for _ in 0..30 {
        act(&youtube, Act::Hide, target("T1", FILM)).await.unwrap();
    }
    assert_eq!(youtube.budgets()[0].used, 10_000, "thirty hides at fifty units");
    assert_eq!(kind(&act(&youtube, Act::Hide, target("T1", FILM)).await.unwrap_err()), "RateLimited");
    assert_eq!(server.asked().len(), 30);
}

#[tokio::test]
async fn hiding_rejects_restoring_publishes_and_nobody_is_banned() {
    let (server, youtube, _) = saying(|_| Reply::Whole(204, String::new(), Vec::new())).await;
    act(&youtube, Act::Hide, target("T1.2", FILM)).await.unwrap();
    act(&youtube, Act::Restore, target("T1.2", FILM)).await.unwrap();
    let asked = server.asked();
    assert_eq!(asked.len(), 2);
    for (asked, status) in asked.iter().zip(["rejected", "published"]) {
        assert_eq!(asked.method, "POST");
        assert!(is(asked, "comments/setModerationStatus"));
        assert_eq!(asked.query("id").as_deref(), Some("T1.2"));
        assert_eq!(asked.query("moderationStatus").as_deref(), Some(status));
        assert_eq!(asked.query("banAuthor"), None);
        assert!(asked.body.is_empty());
    }
    let (intent, proof) = permit(Act::Restore, target("T1", FILM));
    assert_eq!(
        kind(&youtube.hide(&intent, &proof).await.unwrap_err()),
        "Refused",
        "an intent permits one act"
    );
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn each_refusal_of_a_write_says_what_to_do_next() {
    for (reply, expected) in [
        (error(403, "youtube.comment", "forbidden"), "Refused"),
        (error(404, "youtube.comment", "commentNotFound"), "Refused"),
        (error(400, "youtube.comment", "processingFailure"), "OutcomeUnknown"),
        (error(400, "youtube.comment", "operationNotSupported"), "Refused"),
        (error(403, "global", "insufficientPermissions"), "Unauthorized"),
        (error(401, "global", "authError"), "Unauthorized"),
        (error(403, "youtube.quota", "quotaExceeded"), "RateLimited"),
        (Reply::status(500, "{}"), "OutcomeUnknown"),
        (Reply::Close, "OutcomeUnknown"),
        (Reply::status(400, "{}"), "OutcomeUnknown"),
        (Reply::Whole(200, "Content-Type: text/html\r\n".to_owned(), b"<html>".to_vec()), "OutcomeUnknown"),
    ] {
        let told = format!("{reply:?}");
        let (server, youtube, _) = saying(move |_| reply.clone()).await;
        let error = act(&youtube, Act::Hide, target("T1", FILM)).await.unwrap_err();
        assert_eq!(kind(&error), expected, "{told}: {error}");
        assert_eq!(server.asked().len(), 1, "{told}");
    }
}

/// Whether `comments?id=` finds the comment, what the list of published threads says, and what that makes.
async fn looked(found: bool, published: &'static str, hidden_by_us: bool) -> Sighting {
    let (_server, youtube, _) = saying(move |asked| {
        if is(asked, "comments") && asked.query("id").is_some() {
            let items: &[Value] = &[comment("T1", "2026-11-20T08:00:00Z")];
            return list(if found { items } else { &[] }, None);
        }
        assert_eq!(asked.query("videoId").as_deref(), Some(FILM));
        match published {
            "listed" => list(&[thread("T1", "2026-11-20T08:00:00Z", 0, &[])], None),
            "passed" => list(&[thread("T0", "2026-11-19T08:00:00Z", 0, &[])], Some("mer")),
            "endless" => list(&[thread("T9", "2026-11-22T08:00:00Z", 0, &[])], Some("mer")),
            "empty" => list(&[], None),
            "off" => error(403, "youtube.commentThread", "commentsDisabled"),
            "right" => error(403, "youtube.commentThread", "forbidden"),
            _ => error(404, "youtube.commentThread", "videoNotFound"),
        }
    })
    .await;
    let look = youtube.look(&Target { hidden_by_us, ..target("T1", FILM) }).await.unwrap();
    assert_eq!(look.seen.is_some(), found);
    look.sighting
}

#[tokio::test]
async fn a_look_tells_public_hidden_by_us_gone_and_out_of_reach_apart() {
    for (found, published, by_us, expected) in [
        (true, "listed", false, Sighting::Public),
        // Somebody published it again in YouTube Studio.
        (true, "listed", true, Sighting::Public),
        (true, "empty", false, Sighting::NotListed),
        (true, "passed", false, Sighting::NotListed),
        (true, "passed", true, Sighting::Hidden),
        (true, "endless", false, Sighting::Untold),
        (true, "off", true, Sighting::Untold),
        (false, "empty", true, Sighting::Hidden),
        (false, "empty", false, Sighting::Gone),
        (false, "listed", false, Sighting::Gone),
        (false, "gone", true, Sighting::Gone),
        (false, "right", true, Sighting::NoRight),
        (false, "off", false, Sighting::NoRight),
    ] {
        assert_eq!(looked(found, published, by_us).await, expected, "{found} {published} {by_us}");
    }
}

#[tokio::test]
async fn a_look_at_a_reply_asks_the_list_of_its_thread() {
    for (shown, by_us, expected) in [
        (true, false, Sighting::Public),
        (true, true, Sighting::Untold),
        (false, false, Sighting::NotListed),
        (false, true, Sighting::Hidden),
    ] {
        let (server, youtube, _) = saying(move |asked| {
            let reply = comment("T1.2", "2026-11-20T08:00:00Z");
            list(if asked.query("id").is_some() || shown { std::slice::from_ref(&reply) } else { &[] }, None)
        })
        .await;
        let at = Target { parent_id: Some("T1".to_owned()), hidden_by_us: by_us, ..target("T1.2", FILM) };
        assert_eq!(youtube.look(&at).await.unwrap().sighting, expected);
        assert_eq!(server.asked()[1].query("parentId").as_deref(), Some("T1"));
    }
}

#[tokio::test]
async fn the_evidence_of_a_look_holds_one_comment_and_no_key() {
    let (_server, youtube, _) = saying(|asked| match asked.query("id") {
        Some(_) => list(&[comment("T1", "2026-11-20T08:00:00Z")], None),
        None => list(&[thread("T1", "2026-11-20T08:00:00Z", 0, &[])], None),
    })
    .await;
    let look = youtube.look(&target("T1", FILM)).await.unwrap();
    let answer = String::from_utf8(look.answer.unwrap()).unwrap();
    assert_eq!(answer.matches("textDisplay").count(), 1);
    assert!(!answer.contains("nyckel") && !look.url.contains("nyckel"));
    let (_server, youtube, _) = saying(|_| list(&[comment("T2", "2026-11-20T08:00:00Z")], None)).await;
    assert_eq!(kind(&youtube.look(&target("T1", FILM)).await.unwrap_err()), "Malformed", "another comment");
}

fn renewable() -> Grant {
    Grant {
        refresh: Some("förnyelse".into()),
        client_id: Some("app".to_owned()),
        client_secret: Some("apphemlighet".into()),
        ..Grant::bare("gammal".into())
    }
}

fn renewing(asked: &Asked) -> Reply {
    if asked.path == "/youtube/token" {
        return Reply::status(200, r#"{"access_token":"ny","expires_in":3599}"#);
    }
    if asked.head.contains("Bearer gammal") {
        return error(401, "global", "authError");
    }
    if asked.method == "POST" { Reply::Whole(204, String::new(), Vec::new()) } else { small(asked) }
}

#[tokio::test]
async fn a_key_that_has_ended_is_renewed_and_the_same_thing_asked_again() {
    let server = Server::start(renewing).await;
    let (youtube, _) = connector(&server, renewable());
    youtube.page(None).await.unwrap();
    let asked = server.asked();
    let paths: Vec<_> = asked.iter().map(|asked| asked.path.split('?').next().unwrap()).collect();
    assert_eq!(paths, ["/youtube/v3/commentThreads", "/youtube/token", "/youtube/v3/commentThreads"]);
    assert!(asked[1].body.contains("grant_type=refresh_token"));
}

#[tokio::test]
async fn a_write_with_an_ended_key_is_not_sent_twice() {
    let server = Server::start(renewing).await;
    let (youtube, _) = connector(&server, renewable());
    let error = act(&youtube, Act::Hide, target("T1", FILM)).await.unwrap_err();
    assert_eq!(kind(&error), "Unavailable", "nothing was carried out; the pipeline tries again");
    let writes =
        |server: &Server| server.asked().iter().filter(|asked| asked.path.contains("setModeration")).count();
    assert_eq!(writes(&server), 1);
    act(&youtube, Act::Hide, target("T1", FILM)).await.unwrap();
    assert_eq!(writes(&server), 2);
}

#[tokio::test]
async fn a_dead_refresh_token_asks_for_a_person_and_shows_no_secret() {
    let server = Server::start(|asked| {
        if asked.path == "/youtube/token" {
            Reply::status(
                400,
                r#"{"error":"invalid_grant","error_description":"Token has been expired or revoked."}"#,
            )
        } else {
            error(401, "global", "authError")
        }
    })
    .await;
    let (youtube, _) = connector(&server, renewable());
    let error = youtube.page(None).await.unwrap_err();
    assert_eq!(kind(&error), "Unauthorized");
    for secret in ["gammal", "förnyelse", "apphemlighet"] {
        assert!(!format!("{error:?} {youtube:?}").contains(secret));
    }
}

#[tokio::test]
async fn the_standing_says_whose_channel_the_key_is_for() {
    for (id, missing) in [(CHANNEL, 0), ("UCannan", 1)] {
        let (_server, youtube, _) =
            saying(move |_| list(&[json!({ "id": id, "snippet": { "title": "Norrby kommun" } })], None))
                .await;
        let standing = youtube.standing().await.unwrap();
        assert_eq!(standing.holder.as_deref(), Some("Norrby kommun"));
        assert_eq!(standing.missing.len(), missing);
    }
}

#[tokio::test]
async fn an_answer_to_a_reply_stands_beside_it_and_gives_its_id() {
    let (server, youtube, _) = saying(|_| Reply::status(200, r#"{"id":"T1.9"}"#)).await;
    let (intent, proof) = permit(Act::Reply, target("T1.2", FILM));
    assert_eq!(youtube.reply(&intent, &proof, "Tack!").await.unwrap(), "T1.9");
    let body = server.asked()[0].json();
    assert_eq!(body["snippet"], json!({ "parentId": "T1", "textOriginal": "Tack!" }));
}

#[tokio::test]
async fn whatever_a_list_says_the_sweep_neither_panics_nor_runs_for_ever() {
    let bodies = Arc::new(Mutex::new(crate::connector::testing::hostile(include_bytes!(
        "../../../../tests/fixtures/connector/youtube/commentThreads_video_p1.json"
    ))));
    let left = Arc::clone(&bodies);
    let (_server, youtube, _) = saying(move |_| {
        let body = left.lock().unwrap().pop().unwrap_or_else(|| b"{\"items\":[]}".to_vec());
        Reply::Whole(200, String::new(), body)
    })
    .await;
    let mut cursor = None;
    while !bodies.lock().unwrap().is_empty() {
        if let Ok(page) = youtube.page(cursor.as_ref()).await {
            cursor = page.cursor;
        }
    }
}

#[test]
fn keys_are_renewed_at_google_and_in_the_sandbox_beside_the_api() {
    for (api, expected) in [
        ("https://www.googleapis.com/youtube/v3", "https://oauth2.googleapis.com/token"),
        ("http://127.0.0.1:7/youtube/v3", "http://127.0.0.1:7/youtube/token"),
    ] {
        assert_eq!(token_endpoint(&Endpoint::parse(api).unwrap()).to_string(), expected);
    }
}
