//! Recorded and hostile answers, from a server that says them byte for byte.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::*;
use crate::connector::Sighting;
use crate::connector::http::script::{Reply, Server};
use crate::domain::comment::{Attachment, Kind, Visibility};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/connector/facebook")
}

/// A cursor in the middle of the sweep: the next request lists the comments of the post `4_1`.
fn at_the_comments() -> Cursor {
    Cursor(r#"{"posts":["4_1"],"stage":"comments"}"#.to_owned())
}

async fn saying(reply: Reply) -> (Server, Facebook) {
    let server = Server::start(move |_| reply.clone()).await;
    let facebook = facebook(&server.endpoint.to_string(), None);
    (server, facebook)
}

/// What the connector makes of an answer: as a list of posts, as a list of comments, and as the answer of a look.
async fn made_of(reply: Reply, id: &str) -> [String; 3] {
    let (_server, facebook) = saying(reply).await;
    let list = |page: Result<Page, ConnectorError>| match page {
        Ok(page) => {
            let more = if page.cursor.as_ref().is_some_and(|cursor| cursor.0.contains(r#""on":[["#)) {
                "+"
            } else {
                ""
            };
            format!(
                "{} of {}{more}",
                page.comments.len() + page.posts.len(),
                page.comments.len() + page.posts.len() + page.faults.len()
            )
        }
        Err(error) => kind(&error).to_owned(),
    };
    let posts = list(facebook.page(None).await);
    let comments = list(facebook.page(Some(&at_the_comments())).await);
    let look = match facebook.look(&target(id, "4_1")).await {
        Ok(look) => look.sighting.code().to_owned(),
        Err(error) => kind(&error).to_owned(),
    };
    [posts, comments, look]
}

#[tokio::test]
async fn every_recorded_answer_is_read_or_rejected_on_purpose() {
    // File; as posts, as comments, as a look. "3 of 5+": three of five elements could be read, and the list goes on.
    let table = [
        ("comment_can_hide.json", ["Malformed", "Malformed", "public"]),
        ("comment_create_response.json", ["Malformed", "Malformed", "no_right"]),
        ("comment_full_model.json", ["Malformed", "Malformed", "public"]),
        ("comment_is_hidden_true.json", ["Malformed", "Malformed", "hidden"]),
        // No time: asked for with other fields than ours.
        ("comment_message_tags.json", ["Malformed", "Malformed", "Malformed"]),
        ("comment_own_page_can_hide_false.json", ["Malformed", "Malformed", "public"]),
        // Without is_hidden nothing is known about how it stands.
        ("comment_single.json", ["Malformed", "Malformed", "no_right"]),
        ("comments_by_ids.json", ["Malformed", "Malformed", "Malformed"]),
        // No element has an id: each is told as a fault.
        ("comments_list_p1.json", ["0 of 10+", "0 of 10+", "Malformed"]),
        ("comments_list_p2.json", ["0 of 5", "0 of 5", "Malformed"]),
        ("debug_token.json", ["Malformed", "Malformed", "Malformed"]),
        ("error_100_appsecret_proof.json", ["Unauthorized", "Unauthorized", "Unauthorized"]),
        // Said about one post or comment it is no reason to stop the account.
        ("error_100_permission.json", ["Unauthorized", "0 of 0", "no_right"]),
        ("error_190_460_doc.json", ["Unauthorized", "Unauthorized", "Unauthorized"]),
        ("error_1_transient_flag.json", ["Unavailable", "Unavailable", "Unavailable"]),
        // Batches are not asked for.
        ("error_batch_inner.json", ["Malformed", "Malformed", "Malformed"]),
        ("me_accounts_p1.json", ["0 of 4+", "0 of 4+", "Malformed"]),
        ("me_accounts_tasks.json", ["0 of 1", "0 of 1", "Malformed"]),
        ("page_feed_p1.json", ["5 of 5+", "5 of 5+", "Malformed"]),
        ("page_feed_p2.json", ["5 of 5", "5 of 5", "Malformed"]),
        ("photo_with_comments_summary.json", ["Malformed", "Malformed", "Malformed"]),
        ("post_with_comments.json", ["Malformed", "Malformed", "Malformed"]),
        ("post_with_empty_comments.json", ["Malformed", "Malformed", "no_right"]),
        ("private_conversation.json", ["Malformed", "Malformed", "Malformed"]),
        // What is pushed is of another shape; it is not asked for.
        ("webhook_feed_comment_add.json", ["Malformed", "Malformed", "Malformed"]),
        ("webhook_feed_comment_add_old.json", ["Malformed", "Malformed", "Malformed"]),
        ("webhook_feed_comment_add_photo.json", ["Malformed", "Malformed", "Malformed"]),
        ("webhook_feed_comment_edited.json", ["Malformed", "Malformed", "Malformed"]),
        ("webhook_feed_comment_hide.json", ["Malformed", "Malformed", "Malformed"]),
        ("webhook_feed_comment_remove.json", ["Malformed", "Malformed", "Malformed"]),
        ("webhook_feed_comment_unhide.json", ["Malformed", "Malformed", "Malformed"]),
        ("webhook_mention_comment_add.json", ["Malformed", "Malformed", "Malformed"]),
        ("webhook_two_entries.json", ["Malformed", "Malformed", "Malformed"]),
    ];
    let mut files: Vec<String> = fs::read_dir(fixtures())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    files.sort();
    assert_eq!(files, table.map(|(file, _)| file), "every recorded answer stands in the table");
    for (file, expected) in table {
        let body = fs::read_to_string(fixtures().join(file)).unwrap();
        let value: Value = serde_json::from_str(&body).unwrap();
        let id = value["id"].as_str().unwrap_or("4_1_2").to_owned();
        let status = if value["error"].is_object() { 400 } else { 200 };
        assert_eq!(made_of(Reply::status(status, &body), &id).await, expected, "{file}");
    }
}

#[tokio::test]
async fn a_recorded_comment_is_read_whole() {
    let body = fs::read_to_string(fixtures().join("comment_full_model.json")).unwrap();
    let (_server, facebook) = saying(Reply::status(200, &body)).await;
    let look = facebook.look(&target("2954961744718970_2966313500250461", "4_1")).await.unwrap();
    let seen = look.seen.unwrap();
    assert_eq!(look.answer.unwrap(), body.as_bytes(), "the exact bytes of the answer");
    assert_eq!(seen.element, body.trim().as_bytes());
    assert_eq!(seen.text, "Tack för informationen!");
    assert_eq!(seen.created_at.to_rfc3339(), "2021-07-23T08:35:18+00:00");
    assert_eq!(seen.author.name.as_deref(), Some("Omar Hassan"));
    assert_eq!(seen.author.id.as_deref(), Some("2711636948859886"));
    assert_eq!(seen.attachments, [Attachment::Image]);
    assert_eq!((seen.ours, seen.visibility, seen.parent_id), (false, Visibility::Public, None));
    assert_eq!(seen.permalink.as_deref(), Some("https://media.example.org/f7fe3e58f86f"));
}

#[tokio::test]
async fn the_usage_header_says_how_long_to_wait() {
    let recorded = fs::read_to_string(fixtures().join("headers_rate_limit.txt")).unwrap();
    let table = [
        (String::new(), 300),
        (recorded.lines().filter(|line| !line.is_empty()).fold(String::new(), |all, line| all + line + "\r\n"), 300),
        (r#"x-business-use-case-usage: {"1":[{"estimated_time_to_regain_access":7},{"estimated_time_to_regain_access":12}]}"#.to_owned() + "\r\n", 720),
        (r#"x-business-use-case-usage: {"1":[{"estimated_time_to_regain_access":18446744073709551615}]}"#.to_owned() + "\r\n", 86_400),
        ("x-business-use-case-usage: [1,{}]\r\n".to_owned(), 300),
        ("x-business-use-case-usage: {\r\n".to_owned(), 300),
    ];
    for (headers, seconds) in table {
        for code in [4, 17, 32, 341, 613, 80001, 80002] {
            let body = json!({ "error": { "code": code, "message": "limit" } }).to_string();
            let (_server, facebook) = saying(Reply::Whole(403, headers.clone(), body.into_bytes())).await;
            match facebook.page(None).await.unwrap_err() {
                ConnectorError::RateLimited(wait) => assert_eq!(wait.as_secs(), seconds, "{code} {headers}"),
                other => panic!("{code}: {other}"),
            }
        }
    }
}

#[tokio::test]
async fn the_code_in_the_body_decides_whatever_the_status() {
    // Code, subcode, is_transient; what reading makes of it, and what hiding does.
    let table = [
        (json!(1), Value::Null, Value::Null, "Unavailable", "OutcomeUnknown"),
        (json!(2), Value::Null, json!(true), "Unavailable", "OutcomeUnknown"),
        (json!(3), Value::Null, Value::Null, "Unauthorized", "Unauthorized"),
        (json!(10), Value::Null, Value::Null, "Unauthorized", "Unauthorized"),
        (json!(200), Value::Null, Value::Null, "Unauthorized", "Unauthorized"),
        (json!(299), Value::Null, Value::Null, "Unauthorized", "Unauthorized"),
        (json!(102), Value::Null, Value::Null, "Unauthorized", "Unauthorized"),
        (json!(190), json!(463), Value::Null, "Unauthorized", "Unauthorized"),
        (json!(190), json!(460), json!(true), "Unauthorized", "Unauthorized"),
        (json!(450), Value::Null, Value::Null, "Unauthorized", "Unauthorized"),
        (json!(452), Value::Null, Value::Null, "Unauthorized", "Unauthorized"),
        (json!(2500), Value::Null, Value::Null, "Unauthorized", "Unauthorized"),
        (json!(4), Value::Null, Value::Null, "RateLimited", "RateLimited"),
        (json!(80001), Value::Null, json!(true), "RateLimited", "RateLimited"),
        (json!(368), Value::Null, Value::Null, "Refused", "Refused"),
        (json!(506), Value::Null, Value::Null, "Refused", "Refused"),
        (json!(100), json!(33), Value::Null, "Unauthorized", "Refused"),
        (json!(100), Value::Null, Value::Null, "Refused", "Refused"),
        (json!(987_654), Value::Null, Value::Null, "Refused", "Refused"),
        (json!(987_654), Value::Null, json!(true), "Unavailable", "OutcomeUnknown"),
        (json!("190"), Value::Null, Value::Null, "Malformed", "OutcomeUnknown"),
        (Value::Null, Value::Null, Value::Null, "Malformed", "OutcomeUnknown"),
    ];
    for (code, subcode, transient, reading, writing) in table {
        let error = json!({
            "code": code, "error_subcode": subcode, "is_transient": transient,
            "message": format!("{TOKEN} Tack för informationen!"), "type": TOKEN, "fbtrace_id": TOKEN,
        });
        for status in [200, 400, 401, 403] {
            let body = json!({ "error": error }).to_string();
            let server = Server::start(move |asked| {
                if asked.path.contains("can_hide") && !asked.path.contains("attachment") {
                    return Reply::json(&json!({ "id": "1_1", "can_hide": true, "is_hidden": false }));
                }
                Reply::status(status, &body)
            })
            .await;
            let facebook = facebook(&server.endpoint.to_string(), Some(SECRET));
            let failed = facebook.page(None).await.unwrap_err();
            assert_eq!(kind(&failed), reading, "reading: {status} {error}");
            assert!(!failed.to_string().contains(TOKEN) && !failed.to_string().contains("Tack"), "{failed}");
            let failed = hide(&facebook, "1_1").await.unwrap_err();
            assert_eq!(kind(&failed), writing, "hiding: {status} {error}");
            assert!(!failed.to_string().contains(TOKEN) && !failed.to_string().contains("Tack"), "{failed}");
        }
    }
}

#[tokio::test]
async fn an_answer_to_a_hide_that_does_not_say_done_is_an_unknown_outcome() {
    let table = [
        (200, r#"{"success":true}"#, None),
        (200, "true", None),
        (200, r#" {"success":true,"more":1} "#, None),
        (200, "false", Some("OutcomeUnknown")),
        (200, r#"{"success":false}"#, Some("OutcomeUnknown")),
        (200, r#"{"success":"true"}"#, Some("OutcomeUnknown")),
        (200, r#"{"id":"1_1"}"#, Some("OutcomeUnknown")),
        (200, "{}", Some("OutcomeUnknown")),
        (200, "[]", Some("OutcomeUnknown")),
        (200, "", Some("OutcomeUnknown")),
        (200, r#"{"success":tr"#, Some("OutcomeUnknown")),
        (200, "<html>", Some("OutcomeUnknown")),
        (302, "", Some("OutcomeUnknown")),
        (403, "<html>", Some("OutcomeUnknown")),
        (404, r#"{"success":true}"#, Some("OutcomeUnknown")),
        (500, r#"{"error":{"code":190}}"#, Some("OutcomeUnknown")),
        (429, "", Some("RateLimited")),
    ];
    for (status, body, expected) in table {
        let server = Server::start(move |asked| match asked.method.as_str() {
            "GET" => Reply::json(&json!({ "id": "1_1" })),
            _ => Reply::status(status, body),
        })
        .await;
        let facebook = facebook(&server.endpoint.to_string(), None);
        for result in [hide(&facebook, "1_1").await, restore(&facebook, "1_1").await] {
            assert_eq!(result.as_ref().err().map(kind), expected, "{status} {body}");
        }
        let writes: Vec<_> = server.asked().into_iter().filter(|asked| asked.method == "POST").collect();
        assert_eq!(writes.len(), 2, "one request that writes for each act, whatever the answer");
        assert_eq!(writes[0].body, "is_hidden=true");
        assert_eq!(writes[1].body, "is_hidden=false");
    }
}

#[tokio::test]
async fn a_hostile_list_costs_its_broken_elements_and_nothing_else() {
    let good = r#"{"id":"1_1","message":"hej","created_time":"2026-11-20T08:00:00+0000","is_hidden":false}"#;
    let deep = format!(
        r#"{{"id":"1_8","created_time":"2026-11-20T08:00:00+0000","attachment":{}{}}}"#,
        "[".repeat(9_000),
        "]".repeat(9_000)
    );
    let long = format!(
        r#"{{"id":"1_9","created_time":"2026-11-20T08:00:00+0000","message":"{}"}}"#,
        "å".repeat(300_000)
    );
    // Element; its id where it is read or told, and whether it could be read.
    let table = [
        (good, Some("1_1"), true),
        (r#"{"id":7,"created_time":"2026-11-20T08:00:00+00:00"}"#, Some("7"), true),
        (
            r#"{"id":"1_2","created_time":"2026-11-20T08:00:00Z","message":null,"from":null}"#,
            Some("1_2"),
            true,
        ),
        (
            r#"{"id":"1_3","created_time":"2026-11-20T08:00:00+0000","from":7,"parent":[],"is_hidden":"no","permalink_url":{}}"#,
            Some("1_3"),
            true,
        ),
        (&long, Some("1_9"), true),
        (&deep, Some("1_8"), false),
        (
            r#"{"id":"1_4","message":"half a pair \ud83d","created_time":"2026-11-20T08:00:00+0000"}"#,
            Some("1_4"),
            // Half a pair is read as U+FFFD: nobody escapes being read by writing one.
            true,
        ),
        (r#"{"id":"1_5","message":["hej"],"created_time":"2026-11-20T08:00:00+0000"}"#, Some("1_5"), false),
        (r#"{"id":"1_6","message":"hej","created_time":"igår"}"#, Some("1_6"), false),
        (r#"{"id":"1_7","message":"hej","created_time":1763625600}"#, Some("1_7"), false),
        (r#"{"id":"","created_time":"2026-11-20T08:00:00+0000"}"#, None, false),
        (r#"{"id":{},"created_time":"2026-11-20T08:00:00+0000"}"#, None, false),
        ("null", None, false),
        ("[]", None, false),
        ("\"text\"", None, false),
        ("7", None, false),
    ];
    for (element, id, read) in table {
        let body = format!(r#"{{"data":[{good},{element},{good}],"paging":{{}}}}"#);
        let (_server, facebook) = saying(Reply::status(200, &body)).await;
        let page = facebook.page(Some(&at_the_comments())).await.unwrap();
        let name: String = element.chars().take(90).collect();
        assert_eq!(page.comments.len(), if read { 3 } else { 2 }, "{name}");
        assert_eq!(page.faults.len(), usize::from(!read), "{name}");
        let told = if read {
            Some(page.comments[1].native_id.as_str())
        } else {
            page.faults[0].native_id.as_deref()
        };
        assert_eq!(told, id, "{name}");
        if read {
            assert_eq!(page.comments[1].element, element.as_bytes(), "{name}");
        } else {
            assert!(page.faults[0].reason.len() < 200 && !page.faults[0].reason.contains("hej"), "{name}");
            assert!(page.listed.is_empty(), "a list with a broken element is not whole");
        }
    }
}

#[tokio::test]
async fn an_answer_that_is_no_list_is_not_understood_and_moves_nothing() {
    for body in [
        "[]",
        "{}",
        "null",
        r#"{"data":null}"#,
        r#"{"data":{}}"#,
        r#"{"data":"x"}"#,
        r#"{"data":[]"#,
        "<html>",
    ] {
        let (_server, facebook) = saying(Reply::status(200, body)).await;
        for from in [None, Some(at_the_comments())] {
            let error = facebook.page(from.as_ref()).await.unwrap_err();
            assert_eq!(kind(&error), "Malformed", "{body}");
        }
    }
    for reply in [Reply::Close, Reply::Silence, Reply::HeadOnly, Reply::status(503, "{}")] {
        let (_server, facebook) = saying(reply.clone()).await;
        let error = facebook.page(None).await.unwrap_err();
        assert_eq!(kind(&error), "Unavailable", "{reply:?}");
    }
}

#[tokio::test]
async fn a_list_that_never_ends_does_end() {
    // Two cursors that lead to each other.
    let server = Server::start(|asked| {
        if asked.path.contains("/feed") {
            return Reply::json(&json!({ "data": [{ "id": "4_1", "created_time": "2026-11-20T08:00:00+0000" }] }));
        }
        let after = if asked.query("after").as_deref() == Some("a") { "b" } else { "a" };
        Reply::json(&json!({
            "data": [], "paging": { "cursors": { "after": after }, "next": format!("https://graph.facebook.com/?after={after}") },
        }))
    })
    .await;
    let (page, requests) = sweep(&facebook(&server.endpoint.to_string(), None), None).await.unwrap();
    assert!(requests <= 2_001, "{requests}");
    assert!(page.listed.is_empty());
    assert!(page.blind[0].contains("tog inte slut"), "{:?}", page.blind);
}

#[tokio::test]
async fn a_look_is_refused_as_evidence_if_it_is_about_another_comment_or_repeats_the_token() {
    let other = json!({ "id": "1_2", "created_time": "2026-11-20T08:00:00+0000", "is_hidden": false });
    let leaking =
        json!({ "id": "1_1", "created_time": "2026-11-20T08:00:00+0000", "is_hidden": false, "next": TOKEN });
    for body in [other, leaking] {
        let (_server, facebook) = saying(Reply::json(&body)).await;
        let error = facebook.look(&target("1_1", "4_1")).await.unwrap_err();
        assert_eq!(kind(&error), "Malformed");
        assert!(!error.to_string().contains(TOKEN), "{error}");
    }
}

#[tokio::test]
async fn the_token_goes_in_the_header_and_nowhere_else() {
    let server = Server::start(|asked| match asked.method.as_str() {
        "POST" => Reply::json(&json!({ "success": true })),
        _ => Reply::json(&json!({ "id": "1_1", "created_time": "2026-11-20T08:00:00+0000", "is_hidden": false, "data": [] })),
    })
    .await;
    let facebook = facebook(&server.endpoint.to_string(), Some(SECRET));
    let page = facebook.page(None).await.unwrap();
    let look = facebook.look(&target("1_1", "4_1")).await.unwrap();
    hide(&facebook, "1_1").await.unwrap();
    restore(&facebook, "1_1").await.unwrap();
    // printf %s "$TOKEN" | openssl dgst -sha256 -hmac "$SECRET"
    let proof = "5519c00ec25137ad0fdde3f0ef49b81437d4d5f3cf9788b5d74c2813c702be69";
    for asked in server.asked() {
        assert!(
            asked.head.contains(&format!("Bearer {TOKEN}"))
                || asked.head.contains(&format!("bearer {TOKEN}")),
            "{}",
            asked.head
        );
        assert!(!asked.path.contains(TOKEN) && !asked.body.contains(TOKEN));
        let told = asked.query("appsecret_proof").unwrap_or(asked.body.clone());
        assert!(told.contains(proof), "{told}");
        assert!(!asked.body.contains("message"));
    }
    let shown = format!("{facebook:?} {look:?} {page:?} {}", look.url);
    for secret in [TOKEN, SECRET, proof] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert_eq!(look.sighting, Sighting::Public);
    assert!(look.url.ends_with("/1_1?fields=id%2Cmessage%2Ccreated_time%2Cfrom%7Bid%2Cname%7D%2Cparent%7Bid%7D%2Cpermalink_url%2Cis_hidden%2Ccan_hide%2Ccan_remove%2Cattachment%2Ccomment_count%2Cobject%7Bid%7D"), "{}", look.url);
}

#[tokio::test]
async fn a_permit_for_something_else_is_refused_before_anything_is_sent() {
    let (server, facebook) = saying(Reply::json(&json!({ "success": true }))).await;
    let (restoring, proof) = permit(Act::Restore, target("1_1", "4_1"));
    assert_eq!(kind(&facebook.hide(&restoring, &proof).await.unwrap_err()), "Refused");
    let (hiding, _) = permit(Act::Hide, target("1_1", "4_1"));
    assert_eq!(kind(&facebook.restore(&hiding, &proof).await.unwrap_err()), "Refused");
    assert!(server.asked().is_empty());
    let (_, other) = permit(Act::Hide, target("1_2", "4_1"));
    assert_eq!(kind(&facebook.hide(&hiding, &other).await.unwrap_err()), "Refused");
    assert!(server.asked().iter().all(|asked| asked.method == "GET"));
}

#[tokio::test]
async fn what_a_list_of_posts_does_not_show_is_stated() {
    let post = |id: &str, from: &str| json!({ "id": id, "message": "Hej", "created_time": "2026-11-20T08:00:00+0000", "from": { "id": from } });
    let body = json!({
        "data": [post("4_1", "4"), post("4_2", "77"), { "id": "4_3" }, { "message": "utan id" }, post("4_1", "4")],
        "paging": { "next": "https://graph.facebook.com/v25.0/4/feed?access_token=SCRUBBED" },
    });
    let (_server, facebook) = saying(Reply::json(&body)).await;
    let page = facebook.page(None).await.unwrap();
    assert_eq!(page.posts.len(), 3);
    assert_eq!(page.faults.len(), 2);
    assert_eq!(page.faults[0].native_id.as_deref(), Some("4_3"));
    let [visitor] = &page.comments[..] else { panic!("{:?}", page.comments) };
    assert_eq!((visitor.native_id.as_str(), visitor.post_id.as_str()), ("4_2", "4_2"));
    assert_eq!((visitor.kind, visitor.author.id.as_deref()), (Kind::VisitorPost, Some("77")));
    let kept: Vec<bool> = page.posts.iter().map(|post| post.element.is_empty()).collect();
    assert_eq!(kept, [false, true, false], "a visitor's post is no record of the municipality's own");
    assert!(page.blind[0].contains("säger inte var listan över inlägg går vidare"), "{:?}", page.blind);
    let cursor = page.cursor.unwrap().0;
    assert!(cursor.contains(r#""posts":["4_1","4_2"]"#), "each post once: {cursor}");
    assert!(!cursor.contains("SCRUBBED"));
}

#[tokio::test]
async fn a_count_that_differs_from_what_is_shown_is_stated() {
    let comment = json!({ "id": "1_1", "created_time": "2026-11-20T08:00:00+0000", "from": { "id": "9" } });
    for (total, expected) in
        [(json!(18), 1), (json!(1), 0), (json!(0), 0), (json!("18"), 0), (Value::Null, 0)]
    {
        let body = json!({ "data": [comment], "summary": { "total_count": total } });
        let (_server, facebook) = saying(Reply::json(&body)).await;
        let page = facebook.page(Some(&at_the_comments())).await.unwrap();
        assert_eq!(page.blind.len(), expected, "{total} {:?}", page.blind);
        assert_eq!(page.listed, ["4_1"]);
        assert!(!page.more);
    }
}
