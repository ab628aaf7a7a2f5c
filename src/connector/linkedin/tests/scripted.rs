//! The connector against a server that answers as a test tells it to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::super::{CALLS, CALLS_A_DAY, Linkedin, VERSION, budget, quotas_by_person, token_endpoint};
use crate::clock::Clock;
use crate::connector::http::script::{Asked, Reply, Server};
use crate::connector::http::{Endpoint, Http};
use crate::connector::testing::{NOW, act, ids, kind, permit, sweep, target};
use crate::connector::{Budget, Connector, ConnectorError, Grant, Reach, Sighting, Target, Token};
use crate::domain::comment::{Attachment, Media};
use crate::store::Act;

const OURS: &str = "urn:li:organization:5515715";
const POST: &str = "urn:li:share:6001";
const ACTIVITY: &str = "urn:li:activity:7001";

async fn saying(reply: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> (Server, Linkedin, Clock) {
    saying_with(Grant::bare("nyckel".into()), reply).await
}

async fn saying_with(
    grant: Grant,
    reply: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
) -> (Server, Linkedin, Clock) {
    let server = Server::start(reply).await;
    let clock = Clock::manual(NOW.parse().unwrap());
    let http = Http::for_tests(Duration::from_secs(5));
    let budget = budget("linkedin", CALLS_A_DAY, clock.clone());
    let api = server.endpoint.with_path("/linkedin/rest");
    let linkedin = Linkedin::new(&http, api, "5515715", Arc::new(Token::fixed(grant)), budget, clock.clone());
    (server, linkedin, clock)
}

fn urn(id: &str) -> String {
    format!("urn:li:comment:({ACTIVITY},{id})")
}

fn comment(id: &str, answers: u64) -> Value {
    json!({ "actor": "urn:li:person:a", "created": { "time": 1_795_000_000_000_i64 }, "id": id, "object": ACTIVITY,
        "commentUrn": urn(id), "message": { "text": format!("ord i {id}") },
        "commentsSummary": { "aggregatedTotalComments": answers } })
}

fn list(elements: &[Value]) -> Reply {
    Reply::json(&json!({ "elements": elements, "paging": { "start": 0, "count": 100, "links": [] } }))
}

fn error(status: u16, service: u64, code: &str) -> Reply {
    let body = json!({ "status": status, "serviceErrorCode": service, "code": code, "message": "hemligt" });
    Reply::status(status, &body.to_string())
}

fn path(asked: &Asked) -> &str {
    asked.path.split('?').next().unwrap().strip_prefix("/linkedin/rest/").unwrap()
}

/// One post of yesterday, with two comments, of which the first has an answer.
fn small(asked: &Asked) -> Reply {
    let path = path(asked);
    if path == "organizationAcls" {
        list(&[json!({ "role": "ADMINISTRATOR", "state": "APPROVED", "organization": OURS })])
    } else if path == "posts" {
        list(&[json!({ "id": POST, "commentary": "Badhuset", "publishedAt": 1_795_348_800_000_i64 })])
    } else if path.contains("comment%3A") {
        list(&[comment("9", 0)])
    } else {
        list(&[comment("1", 1), comment("2", 0)])
    }
}

#[tokio::test]
async fn every_call_has_its_headers_and_its_urns_escaped() {
    let (server, linkedin, _) = saying(small).await;
    let (page, requests) = sweep(&linkedin, None).await.unwrap();
    assert_eq!(requests, 4, "roles, posts, comments, answers");
    let asked = server.asked();
    for asked in &asked {
        let head = asked.head.to_lowercase();
        assert!(head.contains(&format!("linkedin-version: {VERSION}")), "{head}");
        assert!(head.contains("x-restli-protocol-version: 2.0.0"));
    }
    assert_eq!(path(&asked[2]), "socialActions/urn%3Ali%3Ashare%3A6001/comments");
    assert_eq!(
        path(&asked[3]),
        "socialActions/urn%3Ali%3Acomment%3A%28urn%3Ali%3Aactivity%3A7001%2C1%29/comments"
    );
    assert!(asked[1].path.contains("author=urn%3Ali%3Aorganization%3A5515715"));
    assert_eq!(ids(&page.comments), [urn("1"), urn("2"), urn("9")]);
    assert!(
        page.comments.iter().all(|seen| seen.post_id == POST),
        "the post asked for, not the object in the answer"
    );
    assert_eq!(page.comments[2].parent_id, Some(urn("1")));
    assert_eq!(page.comments[0].author.name, None, "LinkedIn tells page apps no names");
    assert_eq!(page.listed, [POST]);
    assert_eq!(page.posts[0].text, "Badhuset");
}

#[tokio::test]
async fn a_later_pass_costs_one_call_a_young_post_and_asks_for_answers_only_when_their_number_moves() {
    let answers = Arc::new(AtomicUsize::new(1));
    let counted = Arc::clone(&answers);
    let (_server, linkedin, clock) = saying(move |asked| {
        if path(asked).ends_with("6001/comments") {
            return list(&[comment("1", counted.load(Ordering::Relaxed) as u64)]);
        }
        small(asked)
    })
    .await;
    let (page, _) = sweep(&linkedin, None).await.unwrap();
    let (page, requests) = sweep(&linkedin, page.cursor).await.unwrap();
    assert_eq!((requests, page.listed.len()), (1, 0));
    answers.store(2, Ordering::Relaxed);
    let (page, requests) = sweep(&linkedin, page.cursor).await.unwrap();
    assert_eq!(requests, 2);
    clock.set("2026-11-23T13:00:00Z".parse().unwrap());
    let (page, requests) = sweep(&linkedin, page.cursor).await.unwrap();
    assert_eq!(requests, 2, "once an hour the list of posts too");
    clock.set("2026-11-24T01:00:00Z".parse().unwrap());
    let (page, requests) = sweep(&linkedin, page.cursor).await.unwrap();
    assert_eq!((requests, page.listed.len()), (3, 1), "twice a day all of it");
}

#[tokio::test]
async fn every_page_of_a_list_is_read() {
    let (_server, linkedin, _) = saying(|asked| {
        if !path(asked).ends_with("6001/comments") {
            return small(asked);
        }
        let start: u64 = asked.query("start").unwrap().parse().unwrap();
        let links = if start < 200 { json!([{ "rel": "next", "href": "x" }]) } else { json!([]) };
        let elements: Vec<_> = (0..100).map(|n| comment(&format!("{}", start + n), 0)).collect();
        Reply::json(&json!({ "elements": elements, "paging": { "count": 100, "links": links, "total": 7 } }))
    })
    .await;
    let (page, requests) = sweep(&linkedin, None).await.unwrap();
    assert_eq!((page.comments.len(), requests), (300, 5));
    assert_eq!(page.listed, [POST]);
}

#[tokio::test]
async fn without_a_reading_role_empty_lists_are_not_taken_for_silence() {
    for roles in [json!([]), json!([{ "role": "RECRUITING_POSTER", "organization": OURS }])] {
        let (_server, linkedin, _) = saying(move |asked| match path(asked) {
            "organizationAcls" => Reply::json(&json!({ "elements": roles })),
            _ => list(&[]),
        })
        .await;
        let error = linkedin.page(None).await.unwrap_err();
        assert_eq!(kind(&error), "Unauthorized");
        assert!(error.to_string().contains("ADMINISTRATOR"), "{error}");
        let standing = linkedin.standing().await.unwrap();
        assert!(standing.missing[0].without.contains("tomma listor"));
    }
    // Where the app may not ask for roles, it says that it does not know.
    let (_server, linkedin, _) = saying(|asked| match path(asked) {
        "organizationAcls" => error(403, 100, "ACCESS_DENIED"),
        _ => small(asked),
    })
    .await;
    let (page, _) = sweep(&linkedin, None).await.unwrap();
    assert!(page.blind[0].contains("roll"), "{:?}", page.blind);
    assert_eq!(page.comments.len(), 3);
}

#[tokio::test]
async fn each_error_says_what_to_do_next_and_repeats_no_message() {
    for (reply, expected) in [
        (error(401, 65_600, "INVALID_ACCESS_TOKEN"), "Unauthorized"),
        (error(401, 65_601, "REVOKED_ACCESS_TOKEN"), "Unauthorized"),
        (error(400, 65_601, "EXPIRED"), "Unauthorized"),
        (error(403, 100, "ACCESS_DENIED"), "Unauthorized"),
        (error(426, 0, "NONEXISTENT_VERSION"), "Refused"),
        (error(400, 0, "VERSION_MISSING"), "Refused"),
        (error(400, 100, "ILLEGAL_ARGUMENT"), "Refused"),
        (error(429, 101, "TOO_MANY_REQUESTS"), "RateLimited"),
        (Reply::status(500, "{}"), "Unavailable"),
        (Reply::status(400, "\"x\""), "Malformed"),
        (Reply::status(200, "{}"), "Malformed"),
        (Reply::status(200, "[]"), "Malformed"),
    ] {
        let told = format!("{reply:?}");
        let is_version =
            matches!(&reply, Reply::Whole(_, _, body) if body.windows(7).any(|word| word == b"VERSION"));
        let (_server, linkedin, _) = saying(move |asked| match path(asked) {
            "organizationAcls" => small(asked),
            _ => reply.clone(),
        })
        .await;
        let first = linkedin.page(None).await.unwrap();
        let error = linkedin.page(first.cursor.as_ref()).await.unwrap_err();
        assert_eq!(kind(&error), expected, "{told}: {error}");
        assert!(!error.to_string().contains("hemligt"));
        assert_eq!(is_version, error.to_string().contains("update Uppsikt"), "{told}: {error}");
    }
}

#[tokio::test]
async fn the_apps_day_ends_by_our_own_count_and_polling_before_it() {
    let (server, linkedin, clock) = saying(small).await;
    let mut cursor = None;
    let error = loop {
        match linkedin.page(cursor.as_ref()).await {
            Ok(page) => cursor = page.cursor,
            Err(error) => break error,
        }
        assert!(server.asked().len() < 2_000, "polling goes on without end");
    };
    assert_eq!(kind(&error), "RateLimited", "{error}");
    let calls = u64::try_from(server.asked().len()).unwrap();
    assert!((CALLS_A_DAY * 8 / 10..CALLS_A_DAY).contains(&calls), "{calls}: looks and acts have the rest");
    // Without a word from the platform the day is over at midnight UTC.
    clock.set("2026-11-24T00:00:01Z".parse().unwrap());
    linkedin.page(cursor.as_ref()).await.unwrap();
}

#[tokio::test]
async fn a_429_says_whose_limit_it_is_and_until_when() {
    let day = |whose: &str| {
        let message =
            format!("Resource level throttle {whose} DAY limit for calls to this resource is reached.");
        json!({ "status": 429, "serviceErrorCode": 101, "code": "TOO_MANY_REQUESTS", "message": message })
            .to_string()
    };
    let minute =
        r#"{"status":429,"message":"Comment create throttled: creation rate limit exceeded for member"}"#;
    // Midnight UTC is twelve hours off.
    let midnight = 12 * 60 * 60;
    for (headers, body, wait, closed) in [
        ("", day("APPLICATION"), midnight, "calls a day"),
        ("", day("MEMBER"), midnight, "calls a day by the person"),
        ("", day("UNKNOWN"), midnight, "both"),
        ("Retry-After: 90\r\n", day("MEMBER"), 90, "calls a day by the person"),
        ("Retry-After: 90\r\n", minute.to_owned(), 90, "both"),
        ("", minute.to_owned(), 60, "both"),
        ("", "{}".to_owned(), 60, "both"),
        ("", String::new(), 60, "both"),
    ] {
        let reply = Reply::Whole(429, headers.to_owned(), body.clone().into_bytes());
        let (server, linkedin, clock) = saying(move |_| reply.clone()).await;
        let person = Budget::new("linkedin/anna", quotas_by_person(100), clock);
        let linkedin = linkedin.within(person);
        let error = linkedin.page(None).await.unwrap_err();
        let ConnectorError::RateLimited(told) = error else { panic!("{body}: {error}") };
        assert_eq!(told.as_secs(), wait, "{headers}{body}");
        for left in linkedin.budgets() {
            let (_, name) = left.name.rsplit_once('/').unwrap();
            let is_closed = left.used == left.limit;
            assert_eq!(is_closed, closed == "both" || closed == name, "{headers}{body}: {name}");
        }
        assert!(linkedin.page(None).await.is_err());
        assert_eq!(server.asked().len(), 1, "it is not asked again");
    }
}

#[tokio::test]
async fn the_persons_calls_are_counted_beside_the_apps_and_an_empty_one_costs_the_other_nothing() {
    let (server, linkedin, clock) = saying(small).await;
    let person = Budget::new("linkedin/anna", quotas_by_person(20), clock.clone());
    let linkedin = linkedin.within(person);
    let mut cursor = None;
    let error = loop {
        match linkedin.page(cursor.as_ref()).await {
            Ok(page) => cursor = page.cursor,
            Err(error) => break error,
        }
    };
    assert_eq!(kind(&error), "RateLimited");
    // Two of the twenty are kept for looks and acts.
    assert_eq!(server.asked().len(), 18);
    for _ in 0..30 {
        assert!(linkedin.page(cursor.as_ref()).await.is_err());
    }
    let used: Vec<_> = linkedin.budgets().iter().map(|left| left.used).collect();
    assert_eq!(used, [18, 18], "what is not sent is paid for by nobody");
    linkedin.look(&target(&urn("1"), POST)).await.unwrap_err();
    assert_eq!(server.asked().len(), 19, "a look has the reserve");
}

#[tokio::test]
async fn the_horizon_says_which_posts_are_young_and_the_sweep_which_old_ones_are_due() {
    let day = |days: i64| 1_795_348_800_000_i64 - days * 86_400_000;
    let older: Vec<_> =
        (0..12).map(|n| json!({ "id": format!("urn:li:share:{n}"), "publishedAt": day(10 + n) })).collect();
    let calls = async |horizon, sweep_days| {
        let posts = older.clone();
        let (server, linkedin, clock) = saying(move |asked| match path(asked) {
            "organizationAcls" => small(asked),
            "posts" => list(&posts),
            _ => list(&[]),
        })
        .await;
        let linkedin = linkedin.reaching(Reach { horizon: Some(horizon), sweep_days });
        let lists = || server.asked().iter().filter(|asked| path(asked).contains("socialActions")).count();
        let mut cursor = None;
        for _ in 0..6 {
            cursor = sweep(&linkedin, cursor).await.unwrap().0.cursor;
        }
        let first = lists();
        clock.set(clock.now() + TimeDelta::days(3));
        sweep(&linkedin, cursor).await.unwrap();
        (first, lists() - first)
    };
    assert_eq!(calls(7, 30).await, (12, 2), "all are older: two a pass");
    assert_eq!(calls(7, 3).await, (12, 12), "all have waited as long as they may");
    assert_eq!(calls(365, 30).await, (72, 12), "all are young: each in every pass");
}

#[tokio::test]
async fn a_post_that_is_gone_does_not_hold_up_the_others() {
    let (_server, linkedin, _) = saying(|asked| match path(asked) {
        "posts" => list(&[
            json!({ "id": "urn:li:share:1", "publishedAt": 1_795_348_800_001_i64 }),
            json!({ "id": POST, "publishedAt": 1_795_348_800_000_i64 }),
        ]),
        "socialActions/urn%3Ali%3Ashare%3A1/comments" => error(404, 0, "NOT_FOUND"),
        _ => small(asked),
    })
    .await;
    let (page, _) = sweep(&linkedin, None).await.unwrap();
    assert_eq!(page.comments.len(), 3);
    assert_eq!(page.listed, ["urn:li:share:1", POST]);
    let (_, requests) = sweep(&linkedin, page.cursor).await.unwrap();
    assert_eq!(requests, 1, "it is not asked for again");
}

#[tokio::test]
async fn nothing_hides_and_no_post_is_ever_closed() {
    let (server, linkedin, _) = saying(|_| Reply::status(200, "{}")).await;
    for wanted in [Act::Hide, Act::Restore] {
        assert_eq!(kind(&act(&linkedin, wanted, target(&urn("1"), POST)).await.unwrap_err()), "Refused");
    }
    assert!(server.asked().is_empty());
    let capabilities = linkedin.capabilities();
    assert!(!capabilities.hide && !capabilities.restore && !capabilities.remove);
}

#[tokio::test]
async fn removal_is_off_until_it_is_confirmed() {
    let (server, linkedin, _) = saying(|_| Reply::Whole(204, String::new(), Vec::new())).await;
    assert_eq!(kind(&act(&linkedin, Act::Remove, target(&urn("1"), POST)).await.unwrap_err()), "Refused");
    assert!(server.asked().is_empty());
    let linkedin = linkedin.with_confirmed_removal(true);
    assert!(linkedin.capabilities().remove);
    act(&linkedin, Act::Remove, target(&urn("1"), POST)).await.unwrap();
    let asked = server.asked();
    assert_eq!(asked[0].method, "DELETE");
    assert_eq!(path(&asked[0]), "socialActions/urn%3Ali%3Ashare%3A6001/comments/1");
    assert_eq!(asked[0].query("actor").as_deref(), Some(OURS));
    let (_server, gone, _) = saying(|_| error(404, 0, "NOT_FOUND")).await;
    act(&gone.with_confirmed_removal(true), Act::Remove, target(&urn("1"), POST)).await.unwrap();
    let (_server, lost, _) = saying(|_| Reply::Close).await;
    let error =
        act(&lost.with_confirmed_removal(true), Act::Remove, target(&urn("1"), POST)).await.unwrap_err();
    assert_eq!(kind(&error), "OutcomeUnknown");
}

#[tokio::test]
async fn a_look_tells_public_gone_and_out_of_reach_apart() {
    let gone = || error(404, 0, "NOT_FOUND");
    for (one, all, expected) in [
        (Reply::json(&comment("1", 0)), list(&[]), Sighting::Public),
        (gone(), list(&[]), Sighting::Gone),
        (gone(), gone(), Sighting::Gone),
        (gone(), error(403, 100, "ACCESS_DENIED"), Sighting::NoRight),
        (error(403, 100, "ACCESS_DENIED"), list(&[]), Sighting::NoRight),
    ] {
        let (_server, linkedin, _) =
            saying(move |asked| if path(asked).ends_with("/comments/1") { one.clone() } else { all.clone() })
                .await;
        let look = linkedin.look(&target(&urn("1"), POST)).await.unwrap();
        assert_eq!(look.sighting, expected);
        assert_eq!(look.seen.is_some(), expected == Sighting::Public);
    }
    let (server, linkedin, _) = saying(|_| Reply::json(&comment("9", 0))).await;
    let answer = Target { parent_id: Some(urn("1")), ..target(&urn("9"), POST) };
    let seen = linkedin.look(&answer).await.unwrap().seen.unwrap();
    assert_eq!((seen.native_id, seen.parent_id), (urn("9"), Some(urn("1"))));
    assert!(path(&server.asked()[0]).contains("comment%3A%28"), "an answer is asked for below its comment");
    assert_eq!(kind(&linkedin.look(&target(&urn("8"), POST)).await.unwrap_err()), "Malformed");
    assert_eq!(kind(&linkedin.look(&target("../../x", POST)).await.unwrap_err()), "Refused");
}

#[tokio::test]
async fn the_id_of_an_answer_stands_in_a_header() {
    let (server, linkedin, _) =
        saying(|_| Reply::Whole(201, "x-restli-id: 77\r\n".to_owned(), Vec::new())).await;
    let (intent, proof) = permit(Act::Reply, Target { parent_id: Some(urn("1")), ..target(&urn("9"), POST) });
    assert_eq!(linkedin.reply(&intent, &proof, "Tack!").await.unwrap(), urn("77"));
    let body = server.asked()[0].json();
    assert_eq!(body["parentComment"], json!(urn("1")), "there are two levels");
    assert_eq!((&body["actor"], &body["object"]), (&json!(OURS), &json!(ACTIVITY)));
}

#[tokio::test]
async fn the_days_calls_are_counted_and_a_pass_reads_less_when_they_go_too_fast() {
    let posts: Vec<_> = (0..8)
        .map(|n| json!({ "id": format!("urn:li:share:{n}"), "publishedAt": 1_795_348_800_000_i64 - n }))
        .collect();
    let (server, linkedin, clock) = saying(move |asked| match path(asked) {
        "posts" => list(&posts),
        "organizationAcls" => small(asked),
        _ => list(&[]),
    })
    .await;
    let (page, requests) = sweep(&linkedin, None).await.unwrap();
    assert_eq!(requests, 10);
    linkedin.http.budget().unwrap().add(CALLS, 300);
    let (page, requests) = sweep(&linkedin, page.cursor).await.unwrap();
    assert_eq!(requests, 2);
    assert!(page.blind[0].contains("räcker inte"), "{:?}", page.blind);
    linkedin.http.budget().unwrap().add(CALLS, 200);
    assert_eq!(kind(&linkedin.page(page.cursor.as_ref()).await.unwrap_err()), "RateLimited");
    assert_eq!(server.asked().len(), 12);
    clock.set("2026-11-24T00:00:00Z".parse().unwrap());
    assert!(linkedin.page(page.cursor.as_ref()).await.is_ok(), "the day ends at midnight UTC");
}

#[tokio::test]
async fn a_key_is_renewed_a_fortnight_before_its_end_and_the_refresh_tokens_end_stays() {
    let now: chrono::DateTime<chrono::Utc> = NOW.parse().unwrap();
    for (days, renewals) in [(20, 0), (13, 1)] {
        let grant = Grant {
            refresh: Some("r1".into()),
            expires_at: Some(now + TimeDelta::days(days)),
            refresh_expires_at: Some(now + TimeDelta::days(100)),
            client_id: Some("app".to_owned()),
            ..Grant::bare("gammal".into())
        };
        let (server, linkedin, _) = saying_with(grant, |_| {
            Reply::status(
                200,
                r#"{"access_token":"ny","expires_in":5184000,"refresh_token_expires_in":31536000}"#,
            )
        })
        .await;
        linkedin.renew().await.unwrap();
        assert_eq!(server.asked().len(), renewals);
        assert!(server.asked().iter().all(|asked| asked.path == "/linkedin/oauth/v2/accessToken"));
        let grant = linkedin.key.grant().await;
        assert_eq!(grant.access.expose_secret() == "ny", renewals == 1);
        assert_eq!(grant.refresh_expires_at, Some(now + TimeDelta::days(100)));
    }
    let endpoint = token_endpoint(&Endpoint::parse("https://api.linkedin.com/rest").unwrap());
    assert_eq!(endpoint.to_string(), "https://www.linkedin.com/oauth/v2/accessToken");
}

#[tokio::test]
async fn a_picture_is_asked_for_by_its_urn_and_fetched_without_the_key() {
    let (server, linkedin, _) =
        saying(|_| Reply::status(200, r#"{"downloadUrl":"https://exempel.invalid/x"}"#)).await;
    let media = Media { kind: Attachment::Image, url: "urn:li:image:C4".to_owned() };
    assert_eq!(kind(&linkedin.media(&media, 10).await.unwrap_err()), "Refused", "not a host of LinkedIn");
    assert_eq!(path(&server.asked()[0]), "images/urn%3Ali%3Aimage%3AC4");
}

#[tokio::test]
async fn whatever_a_list_says_the_sweep_neither_panics_nor_takes_it_for_read() {
    let body = include_bytes!("../../../../tests/fixtures/connector/linkedin/comments.json");
    for body in crate::connector::testing::hostile(body).into_iter().step_by(3) {
        let (_server, linkedin, _) = saying(move |asked| match path(asked) {
            "posts" | "organizationAcls" => small(asked),
            _ => Reply::Whole(200, String::new(), body.clone()),
        })
        .await;
        let mut cursor = None;
        for _ in 0..3 {
            if let Ok(page) = linkedin.page(cursor.as_ref()).await {
                cursor = page.cursor;
            }
        }
    }
}
