//! The connector against recorded answers, and against a server that says what a test tells it to.

mod late;
mod scripted;

use std::fmt::Write as _;

use super::wire::{self, Above, View};
use crate::connector::testing::{fault_line, hostile, line, post_line, recorded};

const CHANNEL: &str = "UCa-vrCLQHviTOVnEKDOdetQ";

/// Everything that an answer is read as.
fn became(body: &[u8]) -> String {
    let mut out = String::new();
    let text = std::str::from_utf8(body).unwrap();
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    // A single thread or comment is read as a list of one.
    let single = value["kind"].as_str().is_some_and(|kind| !kind.ends_with("Response"));
    let body =
        if single { format!("{{\"items\":[{}]}}", text.trim_end()).into_bytes() } else { body.to_vec() };
    for status in [200, 400, 403] {
        if let Some((trouble, word)) =
            wire::trouble(status, &body).filter(|(t, _)| *t != wire::Trouble::Unknown)
        {
            writeln!(out, "with HTTP {status}: {trouble:?} ({word})").unwrap();
        }
    }
    if let Some(id) = wire::inserted(text.as_bytes()) {
        writeln!(out, "inserted {id}").unwrap();
    }
    if value["kind"].as_str().is_some_and(|kind| kind.contains("hread")) {
        let read = wire::threads("x", &body, CHANNEL, View::Published).unwrap();
        writeln!(out, "threads, next {:?}", read.next.map(|next| next.len())).unwrap();
        for thread in &read.threads {
            writeln!(out, "{} {{{} answers}}", line(&thread.top), thread.total).unwrap();
            thread.replies.iter().for_each(|reply| writeln!(out, "  {}", line(reply)).unwrap());
        }
        read.faults.iter().for_each(|fault| writeln!(out, "{}", fault_line(fault)).unwrap());
    } else if let Ok(read) =
        wire::comments("x", &body, Above { channel: CHANNEL, post: Some("JE8xdDp5B8Q") }, View::ById)
    {
        writeln!(out, "comments, next {:?}", read.next.map(|next| next.len())).unwrap();
        read.comments.iter().for_each(|seen| writeln!(out, "{}", line(seen)).unwrap());
        read.faults.iter().for_each(|fault| writeln!(out, "{}", fault_line(fault)).unwrap());
    }
    if let Some(granted) = crate::connector::oauth::parse(&body) {
        writeln!(out, "{granted:?}").unwrap();
    }
    out
}

#[test]
fn every_recorded_answer_becomes_what_its_snapshot_says() {
    let files = recorded("youtube");
    assert_eq!(files.len(), 17);
    for (name, body) in files {
        let became = became(&body);
        assert!(!became.is_empty(), "{name}");
        insta::assert_snapshot!(name, became);
    }
}

#[test]
fn no_answer_bent_or_cut_off_makes_a_parser_panic_or_take_what_it_should_not() {
    for (_, body) in recorded("youtube") {
        for body in hostile(&body) {
            wire::everything(&body);
        }
    }
}

#[test]
fn one_broken_thread_costs_itself_and_the_conclusions_about_its_post() {
    let body = r#"{"items":[
        {"snippet":{"videoId":"aaaaaaaaaaa","topLevelComment":{"id":"T1","snippet":{"textDisplay":"ett","publishedAt":"2026-11-01T00:00:00Z"}}}},
        {"snippet":{"videoId":"bbbbbbbbbbb","topLevelComment":{"id":"T2","snippet":{"textDisplay":"två","publishedAt":"i går"}}}},
        {"snippet":{"videoId":"ccccccccccc","topLevelComment":{"id":"T3","snippet":{"textDisplay":"half \ud800","publishedAt":"2026-11-01T00:00:00.5Z"}}}}
    ]}"#;
    let read = wire::threads("x", body.as_bytes(), CHANNEL, View::Published).unwrap();
    assert_eq!(read.threads.len(), 2);
    assert_eq!(read.faults[0].native_id.as_deref(), Some("T2"));
    assert_eq!(read.faulty_posts, Some(vec!["bbbbbbbbbbb".to_owned()]));
    assert_eq!(read.threads[1].top.text, "half \u{fffd}", "nobody escapes by half a surrogate pair");
    let nameless = r#"{"items":[{"snippet":7}]}"#;
    let read = wire::threads("x", nameless.as_bytes(), CHANNEL, View::Published).unwrap();
    assert_eq!((read.faults.len(), read.faulty_posts), (1, None));
}

#[test]
fn words_are_taken_as_plain_text_and_entities_in_them_are_the_writers_own() {
    let raw = r#"{"id":"T.R","snippet":{"textDisplay":"5 &lt; 6 <b>å</b>","textOriginal":"annat","publishedAt":"2026-11-01T00:00:00Z"}}"#;
    let raw: Box<serde_json::value::RawValue> = serde_json::from_str(raw).unwrap();
    let seen = wire::comment(&raw, Above { channel: CHANNEL, post: None }, View::Withheld).unwrap();
    assert_eq!(seen.text, "5 &lt; 6 <b>å</b>");
    assert_eq!(seen.parent_id.as_deref(), Some("T"), "the id of a reply holds its parent's");
    assert_eq!(seen.post_id, CHANNEL, "a comment on the channel has no video");
    assert_eq!(seen.visibility, crate::domain::comment::Visibility::Hidden);
}

#[test]
fn a_state_that_is_told_wins_over_the_view_that_was_asked() {
    for (told, view, expected) in [
        ("published", View::Withheld, "Public"),
        ("heldForReview", View::Published, "Hidden"),
        ("likelySpam", View::ById, "Hidden"),
        ("rejected", View::ById, "Hidden"),
        ("", View::ById, "Unknown"),
        ("", View::Published, "Public"),
        ("", View::Withheld, "Hidden"),
    ] {
        let raw = format!(
            r#"{{"id":"T","snippet":{{"textDisplay":"a","publishedAt":"2026-11-01T00:00:00Z","moderationStatus":"{told}"}}}}"#
        );
        let raw: Box<serde_json::value::RawValue> = serde_json::from_str(&raw).unwrap();
        let seen = wire::comment(&raw, Above { channel: CHANNEL, post: None }, view);
        if told.is_empty() {
            // An empty word is as good as none only where the field is absent.
            let absent = raw.get().replace(",\"moderationStatus\":\"\"", "");
            let raw: Box<serde_json::value::RawValue> = serde_json::from_str(&absent).unwrap();
            let seen = wire::comment(&raw, Above { channel: CHANNEL, post: None }, view).unwrap();
            assert_eq!(format!("{:?}", seen.visibility), expected);
        } else {
            assert_eq!(format!("{:?}", seen.unwrap().visibility), expected, "{told}");
        }
    }
}

#[test]
fn each_error_of_the_api_says_what_to_do_next() {
    let error = |code: u16, domain: &str, reason: &str| {
        format!(
            r#"{{"error":{{"code":{code},"message":"hemligt","errors":[{{"domain":"{domain}","reason":"{reason}"}}]}}}}"#
        )
    };
    for (status, body, expected) in [
        (403, error(403, "youtube.quota", "quotaExceeded"), "Quota"),
        (403, error(403, "youtube.quota", "someNewWord"), "Quota"),
        (403, error(403, "usageLimits", "userRateLimitExceeded"), "Slow"),
        (403, error(403, "youtube.commentThread", "commentsDisabled"), "Disabled"),
        (403, error(403, "youtube.comment", "forbidden"), "Right"),
        (403, error(403, "youtube.CoreErrorDomain", "SERVICE_UNAVAILABLE"), "Right"),
        (400, error(400, "youtube.comment", "processingFailure"), "Later"),
        (400, error(400, "youtube.comment", "banWithoutReject"), "Refused"),
        (400, error(400, "youtube.comment", "operationNotSupported"), "Refused"),
        (400, error(400, "youtube.commentThread", "invalidPageToken"), "Page"),
        (400, error(400, "usageLimits", "keyInvalid"), "Right"),
        (404, error(404, "youtube.comment", "commentNotFound"), "Missing"),
        (401, error(401, "global", "authError"), "Key"),
        (401, String::new(), "Key"),
        (400, r#"{"error":"invalid_grant","error_description":"hemligt"}"#.to_owned(), "Key"),
        (404, String::new(), "Unknown"),
    ] {
        let (trouble, word) = wire::trouble(status, body.as_bytes()).unwrap();
        assert_eq!(format!("{trouble:?}"), expected, "{status} {body}");
        assert!(!word.contains("hemligt"));
    }
    assert_eq!(wire::trouble(204, b""), None);
    assert_eq!(wire::trouble(200, b"{\"items\":[]}"), None);
}

#[test]
fn a_film_is_told_with_its_words_and_its_number_of_comments() {
    let body = r#"{"items":[{"id":"JE8xdDp5B8Q","snippet":{"publishedAt":"2026-11-01T10:00:00Z","title":"Badhuset","description":"Öppnar i maj"},"statistics":{"commentCount":"12"}},{"id":7}]}"#;
    let videos = wire::videos("x", body.as_bytes()).unwrap();
    assert_eq!(videos.len(), 1);
    insta::assert_snapshot!(post_line(&videos[0]), @r#"post JE8xdDp5B8Q at 2026-11-01T10:00:00+00:00 with Some(12) comments: "Badhuset\nÖppnar i maj""#);
}
