//! The connector against recorded answers, and against a server that says what a test tells it to.

mod scripted;

use std::fmt::Write as _;

use chrono::TimeDelta;

use super::wire;
use crate::connector::testing::{fault_line, hostile, line, recorded};

/// Everything that an answer is read as.
fn became(body: &[u8]) -> String {
    let mut out = String::new();
    for status in [200, 403] {
        if let Some((trouble, word)) = wire::trouble(status, body) {
            writeln!(out, "with HTTP {status}: {trouble:?} ({word})").unwrap();
        }
    }
    if let Some(hidden) = wire::hidden(body) {
        writeln!(out, "hidden {hidden}").unwrap();
    }
    if let Some(id) = wire::created(body) {
        writeln!(out, "created {id}").unwrap();
    }
    match wire::posts("x", body, "12") {
        Ok(read) => {
            writeln!(out, "{} posts, next {:?}", read.count, read.next).unwrap();
            read.posts.iter().for_each(|post| writeln!(out, "{}", line(&post.seen)).unwrap());
            read.faults.iter().for_each(|fault| writeln!(out, "{}", fault_line(fault)).unwrap());
        }
        Err(error) => writeln!(out, "as posts: {error}").unwrap(),
    }
    out
}

#[test]
fn every_recorded_answer_becomes_what_its_snapshot_says() {
    let files = recorded("x");
    assert_eq!(files.iter().filter(|(name, _)| !name.contains(".meta")).count(), 7);
    for (name, body) in files {
        if name.contains(".meta") {
            // Status and headers of the answer beside it.
            let meta: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert!(meta["headers"]["x-rate-limit-limit"].is_string(), "{name}");
            continue;
        }
        insta::assert_snapshot!(name, became(&body));
    }
}

#[test]
fn no_answer_bent_or_cut_off_makes_a_parser_panic() {
    for (_, body) in recorded("x") {
        for body in hostile(&body) {
            wire::everything(&body);
        }
    }
}

#[test]
fn ids_are_texts_and_times_and_are_compared_as_numbers() {
    assert_eq!(wire::time_of("1578516068309794817").unwrap().to_rfc3339(), "2022-10-07T22:42:12.752+00:00");
    assert_eq!(wire::time_of("12"), None);
    let earlier = wire::earlier("1578516068309794817", TimeDelta::minutes(10));
    assert_eq!(wire::time_of(&earlier).unwrap().to_rfc3339(), "2022-10-07T22:32:12.752+00:00");
    assert_eq!(wire::earlier("abc", TimeDelta::minutes(10)), "abc");
    for (a, b, expected) in [
        (None, "9", Some("9")),
        (Some("9"), "10", Some("10")),
        (Some("1578516068309794816"), "1578516068309794817", Some("1578516068309794817")),
        (Some("1578516068309794817"), "1578516068309794816", Some("1578516068309794817")),
        (Some("9"), "x", Some("9")),
        (None, "x", None),
    ] {
        assert_eq!(wire::newer(a.map(str::to_owned), b).as_deref(), expected);
    }
}

#[test]
fn a_number_that_a_double_cannot_hold_is_no_id() {
    let read = |id: &str| {
        let body =
            format!(r#"{{"data":[{{"id":{id},"text":"a","created_at":"2026-11-20T08:00:00.000Z"}}]}}"#);
        wire::posts("x", body.as_bytes(), "12").unwrap()
    };
    assert_eq!(read("1578516068309794817").faults.len(), 1);
    assert_eq!(read("\"1578516068309794817\"").posts[0].seen.native_id, "1578516068309794817");
    assert_eq!(read("77").posts[0].seen.native_id, "77");
}

#[test]
fn a_full_answer_is_read_whole() {
    let body = r#"{"data":[{"id":"1578516068309794900","edit_history_tweet_ids":["1578516068309794817","1578516068309794900"],
        "author_id":"77","conversation_id":"1578516000000000000","created_at":"2022-10-07T22:43:14.000Z","in_reply_to_user_id":"12",
        "referenced_tweets":[{"type":"replied_to","id":"1578516000000000001"},{"type":"quoted","id":"5"}],
        "attachments":{"media_keys":["3_1","7_1","9_9"]},"entities":{"mentions":[{"username":"norrby","id":"12"}]},
        "text":"kort","note_tweet":{"text":"långt och helt"}}],
        "includes":{"users":[{"id":"77","username":"asa","name":"Åsa"}],
            "media":[{"media_key":"3_1","type":"photo","url":"https://pbs.twimg.com/media/a.jpg"},{"media_key":"7_1","type":"video"}]},
        "errors":[{"type":"https://api.twitter.com/2/problems/not-authorized-for-resource","resource_id":"88","title":"Authorization Error"},
            {"type":"https://api.twitter.com/2/problems/resource-not-found","value":"89","title":"Not Found Error"}],
        "meta":{"result_count":1}}"#;
    assert_eq!(wire::trouble(200, body.as_bytes()), None, "errors beside data are no failure");
    let read = wire::posts("x", body.as_bytes(), "12").unwrap();
    let post = &read.posts[0];
    insta::assert_snapshot!(line(&post.seen), @r#"comment 1578516068309794817 under 1578516000000000000 answering 1578516000000000001 at 2022-10-07T22:43:14+00:00 by 77 (Åsa (@asa)): "långt och helt" [Comment, Unknown, image, video, other, quote, 518 bytes]"#);
    assert_eq!(post.newest, "1578516068309794900");
    assert!(post.summons && post.to_us);
    assert_eq!(post.seen.media[0].url, "https://pbs.twimg.com/media/a.jpg");
    assert_eq!(read.problems[0].kind, wire::ProblemKind::NotAuthorized);
    assert_eq!(read.problems[1].kind, wire::ProblemKind::NotFound);
    assert_eq!(read.problems[1].id.as_deref(), Some("89"));
}

#[test]
fn an_empty_result_is_a_count_of_nothing_without_data() {
    let read = wire::posts("x", br#"{"meta":{"result_count":0}}"#, "12").unwrap();
    assert_eq!((read.count, read.next), (0, None));
    assert!(wire::posts("x", b"{}", "12").is_err());
}

#[test]
fn problem_documents_and_the_numbered_errors_of_old_say_what_to_do_next() {
    for (status, body, expected) in [
        (429, r#"{"errors":[{"code":88,"message":"Rate limit exceeded"}]}"#, "Slow"),
        (200, r#"{"errors":[{"code":88,"message":"Rate limit exceeded"}]}"#, "Slow"),
        (401, r#"{"title":"Unauthorized","type":"about:blank","status":401,"detail":"Unauthorized"}"#, "Key"),
        (400, r#"{"errors":[{"code":89,"message":"Invalid or expired token"}]}"#, "Key"),
        (402, r#"{"title":"CreditsDepleted","type":"https://api.x.com/2/problems/credits"}"#, "Credits"),
        (403, r#"{"title":"CreditsDepleted","detail":"no credits"}"#, "Credits"),
        (
            403,
            r#"{"title":"Forbidden","detail":"You can only hide replies to your own conversations","type":"about:blank","status":403}"#,
            "Refused",
        ),
        (
            403,
            r#"{"title":"Client Forbidden","reason":"client-not-enrolled","type":"https://api.twitter.com/2/problems/client-forbidden"}"#,
            "Right",
        ),
        (
            403,
            r#"{"title":"Unsupported Authentication","type":"https://api.twitter.com/2/problems/unsupported-authentication"}"#,
            "Right",
        ),
        (403, r#"{"errors":[{"code":326,"message":"account locked"}]}"#, "Right"),
        (
            404,
            r#"{"title":"Not Found Error","type":"https://api.twitter.com/2/problems/resource-not-found"}"#,
            "Missing",
        ),
        (
            400,
            r#"{"title":"Invalid Request","type":"https://api.twitter.com/2/problems/invalid-request"}"#,
            "Refused",
        ),
        (400, r#"{"errors":[{"code":130,"message":"Over capacity"}]}"#, "Later"),
        (403, "{}", "Unknown"),
        (400, "", "Unknown"),
        (200, "[]", "Unknown"),
    ] {
        let (trouble, word) = wire::trouble(status, body.as_bytes()).unwrap();
        assert_eq!(format!("{trouble:?}"), expected, "{status} {body}");
        assert!(word.len() < 65);
    }
}
