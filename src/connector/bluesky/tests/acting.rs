//! Hiding, restoring and looking: what is written into the gate, and what each answer means.

use super::*;

/// A gate as the repository holds it, and what `act` makes of it: the body of `putRecord`, or nothing.
async fn after(act: Act, gate: Reply, put: Reply) -> (Result<(), ConnectorError>, Option<Value>) {
    let server = serving(move |name, _| match name {
        "getRecord" => gate.clone(),
        "putRecord" => put.clone(),
        other => panic!("{other}"),
    })
    .await;
    let account = account(&server, DID);
    let (intent, proof) = permit(act, &reply_uri(1), &root());
    let result = match act {
        Act::Hide => account.hide(&intent, &proof).await,
        _ => account.restore(&intent, &proof).await,
    };
    let put: Vec<_> = server.asked().into_iter().filter(|asked| asked.path.ends_with("putRecord")).collect();
    assert!(put.len() <= 1, "one act is one write");
    (result, put.first().map(Asked::json))
}

fn written() -> Reply {
    Reply::json(&json!({"uri": "at://x", "cid": "bafy2"}))
}

fn gate(record: &Value) -> Reply {
    Reply::json(&json!({"uri": "at://x", "cid": "bafy1", "value": record}))
}

#[tokio::test]
async fn the_gate_keeps_everything_but_the_one_line() {
    let us = reply_uri(1);
    let (result, put) = after(Act::Hide, none(), written()).await;
    result.unwrap();
    assert_eq!(
        put.unwrap(),
        json!({"repo": DID, "collection": "app.bsky.feed.threadgate", "rkey": "3juqjtr23dk2h", "swapRecord": null, "record": {
            "$type": "app.bsky.feed.threadgate", "post": root(), "createdAt": "2023-05-02T11:07:53.848Z", "hiddenReplies": [us]}})
    );
    let theirs = json!({"$type": "app.bsky.feed.threadgate", "okänt": {"b": 1, "a": [null]}, "allow": [], "post": root(),
        "hiddenReplies": [reply_uri(9)], "createdAt": "2020-01-01T00:00:00+00:00"});
    let (result, put) = after(Act::Hide, gate(&theirs), written()).await;
    result.unwrap();
    let mut wanted = theirs.clone();
    wanted["hiddenReplies"] = json!([reply_uri(9), us]);
    let put = put.unwrap();
    assert_eq!(put["record"].to_string(), wanted.to_string(), "also the order of its keys");
    assert_eq!(put["swapRecord"], "bafy1");
    let (result, put) = after(Act::Restore, gate(&wanted), written()).await;
    result.unwrap();
    assert_eq!(put.unwrap()["record"].to_string(), theirs.to_string());
    for (act, stored) in [
        (Act::Hide, gate(&wanted)),
        (Act::Restore, gate(&theirs)),
        (Act::Restore, none()),
        (Act::Restore, gate(&json!({"post": root()}))),
    ] {
        let (result, put) = after(act, stored, written()).await;
        assert!(result.is_ok() && put.is_none(), "what is so already needs no write");
    }
}

#[tokio::test]
async fn what_the_repository_answers_to_a_write_says_what_to_do() {
    let many: Vec<_> = (10..310).map(reply_uri).collect();
    let swap = Reply::status(400, r#"{"error":"InvalidSwap","message":"Record was at bafy"}"#);
    let big =
        Reply::status(400, r#"{"error":"InvalidRequest","message":"array too big (maximum 300, got 301)"}"#);
    for (stored, put, error, sent) in [
        (none(), swap, "Changed", true),
        (none(), big, "Refused", true),
        (gate(&json!({"hiddenReplies": many})), written(), "Refused", false),
        (gate(&json!({"hiddenReplies": "x"})), written(), "Malformed", false),
        (gate(&json!([])), written(), "Malformed", false),
        (Reply::status(500, "{}"), written(), "Unavailable", false),
        (Reply::Silence, written(), "Unavailable", false),
        (none(), Reply::status(500, "{}"), "OutcomeUnknown", true),
        (none(), Reply::Silence, "OutcomeUnknown", true),
        (none(), Reply::HeadOnly, "OutcomeUnknown", true),
        (none(), Reply::Close, "OutcomeUnknown", true),
        (none(), Reply::status(200, "{}"), "OutcomeUnknown", true),
        (none(), Reply::status(200, "<html>"), "OutcomeUnknown", true),
        (none(), Reply::Whole(429, "Retry-After: 9\r\n".to_owned(), b"{}".to_vec()), "RateLimited", true),
        (none(), Reply::status(401, r#"{"error":"AuthMissing"}"#), "Unauthorized", true),
        (none(), Reply::status(403, r#"{"error":"Forbidden"}"#), "Unauthorized", true),
    ] {
        let shown = format!("{stored:?} {put:?}");
        let (result, body) = after(Act::Hide, stored, put).await;
        let result = result.unwrap_err();
        assert_eq!((name(&result).as_str(), body.is_some()), (error, sent), "{shown}: {result}");
        if error == "Refused" {
            assert!(result.to_string().contains("300"), "{result}");
        }
    }
}

#[tokio::test]
async fn what_is_not_permitted_asks_nothing() {
    let server = serving(|name, _| panic!("{name}")).await;
    let account = account(&server, DID);
    let (hide, proof) = permit(Act::Hide, &reply_uri(1), &root());
    let (_, other) = permit(Act::Hide, &reply_uri(2), &root());
    let mut refused = vec![account.restore(&hide, &proof).await, account.hide(&hide, &other).await];
    for (native, post) in [
        (reply_uri(1), reply_uri(2)),
        (reply_uri(1), format!("at://{DID}/app.bsky.feed.like/3juqjtr23dk2h")),
        (reply_uri(1), format!("at://{DID}x/{POST}/3juqjtr23dk2h")),
        (reply_uri(1), format!("at://{DID}/{POST}/a/b")),
        (reply_uri(1), format!("at://{DID}/{POST}/..")),
        (reply_uri(1), String::new()),
        (root(), root()),
        ("7".to_owned(), root()),
    ] {
        let (intent, proof) = permit(Act::Hide, &native, &post);
        refused.push(account.hide(&intent, &proof).await);
    }
    for result in refused {
        assert!(matches!(result, Err(ConnectorError::Refused(_))), "{result:?}");
    }
    let watched = crate::connector::DryRun(Box::new(account));
    assert!(matches!(watched.hide(&hide, &proof).await, Err(ConnectorError::Refused(_))));
    assert!(matches!(watched.restore(&hide, &proof).await, Err(ConnectorError::Refused(_))));
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_look_tells_each_standing_apart() {
    let shown = || Reply::json(&json!({"posts": [post_view(&reply_uri(1), "Hej", 0)]}));
    let empty = || Reply::json(&json!({"posts": []}));
    let hidden = || gate(&json!({"hiddenReplies": [reply_uri(1)]}));
    let blocked =
        Reply::json(&json!({"thread": {"$type": "app.bsky.feed.defs#blockedPost", "blocked": true}}));
    let missing =
        Reply::json(&json!({"thread": {"$type": "app.bsky.feed.defs#notFoundPost", "notFound": true}}));
    let not_found = Reply::status(400, r#"{"error":"NotFound"}"#);
    let there = Reply::json(&thread_of(vec![]));
    for (posts, record, thread, sighting) in [
        (shown(), none(), Reply::Close, Ok(Sighting::Public)),
        (shown(), gate(&json!({})), Reply::Close, Ok(Sighting::Public)),
        (shown(), hidden(), Reply::Close, Ok(Sighting::HiddenByUs)),
        (shown(), Reply::status(500, "{}"), Reply::Close, Err("Unavailable")),
        (empty(), Reply::Close, not_found, Ok(Sighting::Gone)),
        (empty(), Reply::Close, missing, Ok(Sighting::Gone)),
        (empty(), Reply::Close, blocked, Ok(Sighting::NoRight)),
        (empty(), Reply::Close, there, Err("Unavailable")),
        (empty(), Reply::Close, Reply::status(200, "{}"), Err("Malformed")),
        (Reply::status(200, "{}"), none(), Reply::Close, Err("Malformed")),
        (Reply::json(&json!({"posts": [{"uri": reply_uri(1)}]})), none(), Reply::Close, Err("Malformed")),
        (Reply::status(400, r#"{"error":"InvalidRequest"}"#), none(), Reply::Close, Err("Refused")),
    ] {
        let told = format!("{posts:?} {record:?} {thread:?}");
        let server = serving(move |name, _| match name {
            "getPosts" => posts.clone(),
            "getRecord" => record.clone(),
            _ => thread.clone(),
        })
        .await;
        let target =
            Target { native_id: reply_uri(1), post_id: root(), parent_id: None, hidden_by_us: false };
        match (account(&server, DID).look(&target).await, sighting) {
            (Ok(look), Ok(wanted)) => {
                assert_eq!(look.sighting, wanted, "{told}");
                assert_eq!(look.seen.is_some(), !matches!(wanted, Sighting::Gone | Sighting::NoRight));
                assert!(look.url.contains("getPosts?uris=at%3A%2F%2Fdid%3Aplc%3Aanna"), "{}", look.url);
                if let Some(seen) = look.seen {
                    let answer = look.answer.unwrap();
                    assert!(
                        answer.windows(seen.element.len()).any(|part| part == seen.element),
                        "exact bytes"
                    );
                }
            }
            (Err(error), Err(wanted)) => assert_eq!(name(&error), wanted, "{told}: {error}"),
            (look, wanted) => panic!("{told}: {look:?}, not {wanted:?}"),
        }
    }
}
