//! What the emulators answer has the shape of what was recorded: the same keys, the same types, nothing more.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Handle, ask, start};

/// The paths of all that a value holds, each with its type; elements of lists count as one.
fn shape(value: &Value) -> BTreeSet<String> {
    fn walk(path: &str, value: &Value, into: &mut BTreeSet<String>) {
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "list",
            Value::Object(_) => "object",
        };
        into.insert(format!("{path} {kind}"));
        match value {
            Value::Array(all) => all.iter().for_each(|one| walk(&format!("{path}[]"), one, into)),
            Value::Object(all) => all.iter().for_each(|(key, one)| {
                // A key that is an id is one of many.
                let key = if key.starts_with(|letter: char| letter.is_ascii_digit()) { "ID" } else { key };
                walk(&format!("{path}.{key}"), one, into);
            }),
            _ => {}
        }
    }
    let mut into = BTreeSet::new();
    walk("", value, &mut into);
    into
}

fn recorded(name: &str) -> Value {
    let path = format!("{}/tests/fixtures/connector/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))).unwrap()
}

/// Compares the answer of `GET path` with the recorded one. What the emulator leaves out on purpose stands in
/// `without` and must really be in the recording, so that the list cannot grow stale.
async fn check(handle: &Handle, name: &str, path: &str, without: &[&str]) {
    let reply = ask(handle, "GET", path, "").await;
    let mut wanted = shape(&recorded(name));
    for part in without {
        let before = wanted.len();
        let (exact, below) = (format!("{part} "), [format!("{part}."), format!("{part}[")]);
        wanted.retain(|line| !line.starts_with(&exact) && !below.iter().any(|below| line.starts_with(below)));
        assert!(wanted.len() < before, "{name} does not hold {part}");
    }
    let is = shape(&reply.json());
    let missing: Vec<_> = wanted.difference(&is).collect();
    let more: Vec<_> = is.difference(&wanted).collect();
    assert!(missing.is_empty() && more.is_empty(), "{name}: missing {missing:?}, more {more:?}");
}

fn comment(id: &str, more: &Value) -> String {
    let mut line = json!({
        "account": "2121008874780932", "post": "2121008874780932_1", "id": id, "text": "Hej",
        "author": { "id": "2711636948859886", "name": "Åsa Öberg" }, "at": "2021-07-23T08:35:18+0000",
        "post_text": "Inlägg",
    });
    for (key, value) in more.as_object().unwrap() {
        line[key] = value.clone();
    }
    format!("{line}\n")
}

#[tokio::test]
async fn facebook_answers_in_the_shapes_that_were_recorded() {
    let seed =
        (0..3).map(|n| comment(&format!("1_{n}"), &json!({ "attachment": "image" }))).collect::<String>()
            + &comment("1_hidden", &json!({ "hidden": true }))
            + &comment("1_own", &json!({ "ours": true, "author": null }))
            + &comment(
                "1_tags",
                &json!({ "memory": { "message_tags": [
            { "id": "10201320088364238", "length": 13, "name": "Johan Pihl", "offset": 0, "type": "user" },
        ] } }),
            )
            + &comment("2_1", &json!({ "post": "2121008874780932_2", "at": "2021-07-01T08:00:00+0000" }));
    let handle = start(&seed).await;
    let control = |verb: &str, body: Value| handle.sandbox().control(verb, &body.to_string()).unwrap();
    let page = "2121008874780932";
    let fb = |path: &str| format!("/facebook/v25.0/{path}");
    let list = "comments?fields=id,comment_count,created_time,like_count,message,permalink_url&summary=1&filter=stream";
    // The recordings were made without the task MODERATE: no id although it was asked for.
    control("account", json!({ "account": page, "moderate": false }));
    check(&handle, "facebook/comments_list_p1", &fb(&format!("{page}_1/{list}&limit=2")), &[]).await;
    let first = ask(&handle, "GET", &fb(&format!("{page}_1/{list}&limit=4")), "").await.json();
    let after = first["paging"]["cursors"]["after"].as_str().unwrap();
    check(&handle, "facebook/comments_list_p2", &fb(&format!("{page}_1/{list}&limit=4&after={after}")), &[])
        .await;
    let fields = "fields=id,comment_count,created_time,like_count,message,permalink_url";
    check(&handle, "facebook/comment_single", &fb(&format!("1_0?{fields}")), &[]).await;
    check(&handle, "facebook/comments_by_ids", &fb(&format!("?ids=1_0,1_1&{fields}")), &[]).await;
    control("account", json!({ "account": page, "moderate": true }));
    let all = "fields=attachment,can_comment,can_hide,can_like,can_remove,can_reply_privately,comment_count,\
               created_time,from,id,is_hidden,is_private,like_count,message,permalink_url";
    check(&handle, "facebook/comment_full_model", &fb(&format!("1_0?{all}")), &[]).await;
    let some = "fields=id,from,message,can_remove,created_time,like_count,user_likes,can_hide,is_hidden";
    // An author who is a Page has a category as well; the sandbox's authors are persons.
    let page_author = [".from.category", ".from.category_list"];
    check(&handle, "facebook/comment_can_hide", &fb(&format!("1_0?{some}")), &page_author).await;
    check(&handle, "facebook/comment_is_hidden_true", &fb(&format!("1_hidden?{some}")), &page_author).await;
    check(&handle, "facebook/comment_message_tags", &fb("1_tags?fields=message_tags"), &[]).await;
    check(&handle, "facebook/me_accounts_tasks", &fb("me/accounts"), &[]).await;
    // This token belonged to a person; the sandbox takes any as the Page's until tokens are listed.
    let person = json!({ "account": page, "token": "TOKEN", "kind": "user" });
    control("token", person);
    check(&handle, "facebook/debug_token", &fb("debug_token?input_token=TOKEN"), &[]).await;
    control("token", json!({ "account": page, "token": "TOKEN" }));
    control("account", json!({ "account": page, "memory": { "feed_by_time": true } }));
    let posts = "posts?fields=id,message,created_time&limit=1";
    check(&handle, "facebook/page_feed_p1", &fb(&format!("{page}/{posts}")), &[]).await;
    let first = ask(&handle, "GET", &fb(&format!("{page}/{posts}")), "").await.json();
    let next = first["paging"]["next"].as_str().unwrap().split_once("v25.0/").unwrap().1.to_owned();
    check(&handle, "facebook/page_feed_p2", &fb(&next), &[]).await;
    let within = format!("{page}_2?fields=comments.limit(1).summary(true)");
    check(&handle, "facebook/post_with_comments", &fb(&within), &[]).await;
}

#[tokio::test]
async fn facebook_refuses_in_the_shapes_that_were_recorded() {
    let handle = start(&comment("1_0", &json!({}))).await;
    let control = |verb: &str, body: Value| handle.sandbox().control(verb, &body.to_string()).unwrap();
    let page = "2121008874780932";
    control("account", json!({ "account": page, "rights": ["MODERATE"] }));
    check(&handle, "facebook/error_100_permission", "/facebook/v25.0/1_0", &[]).await;
    control("account", json!({ "account": page, "rights": null, "app_secret": "s3" }));
    check(&handle, "facebook/error_100_appsecret_proof", "/facebook/v25.0/1_0", &[]).await;
    control("token", json!({ "account": page, "token": "TOKEN", "revoked": true }));
    // The title and text for people are documented as optional.
    let optional = [".error.error_user_title", ".error.error_user_msg"];
    check(&handle, "facebook/error_190_460_doc", "/facebook/v25.0/1_0", &optional).await;
}

#[tokio::test]
async fn instagram_answers_in_the_shapes_that_were_recorded() {
    let ig = |path: &str| format!("/instagram/v25.0/{path}");
    let line = |id: &str, more: Value| {
        let mut whole =
            json!({ "account": "17841406338772941", "post": "17846368219941692", "post_text": "" });
        for (key, value) in more.as_object().unwrap() {
            whole[key] = value.clone();
        }
        comment(id, &whole)
    };
    let seed = (1..5).map(|n| line(&format!("1789225064846617{n}"), json!({}))).collect::<String>()
        + &line("17845747489952795", json!({ "parent": "17892250648466171" }))
        + &line(
            "17000000000000001",
            json!({ "post": "17900000000000002", "at": "2020-01-01T00:00:00+0000" }),
        )
        + &line(
            "17967008497439572",
            json!({ "post": "17900000000000003", "account": "else", "post_text": "Foto",
            "memory": { "mentions": "17841406338772941" } }),
        );
    let handle = start(&seed).await;
    let control = |verb: &str, body: Value| handle.sandbox().control(verb, &body.to_string()).unwrap();
    check(&handle, "instagram/comments_list_p1", &ig("17846368219941692/comments?limit=2"), &[]).await;
    let first = ask(&handle, "GET", &ig("17846368219941692/comments?limit=2"), "").await.json();
    let after = first["paging"]["cursors"]["after"].as_str().unwrap();
    let last = ig(&format!("17846368219941692/comments?limit=2&after={after}"));
    check(&handle, "instagram/comments_list_p2", &last, &[]).await;
    let fields = "fields=id,like_count,text,timestamp,username";
    check(&handle, "instagram/comment_fields", &ig(&format!("17892250648466171?{fields}")), &[]).await;
    check(
        &handle,
        "instagram/comments_by_ids",
        &ig(&format!("?ids=17892250648466171,17892250648466172&{fields}")),
        &[],
    )
    .await;
    check(&handle, "instagram/comment_replies", &ig("17892250648466171/replies"), &[]).await;
    let all = "fields=id,like_count,media,text,timestamp,user,username,hidden,replies";
    // `user` comes with one's own comments only: the recording is of one.
    control("edit", json!({ "id": "17892250648466171", "text": "Hej", "memory": {} }));
    check(&handle, "instagram/comment_full_model", &ig(&format!("17892250648466171?{all}")), &[".user"])
        .await;
    let some = "fields=id,text,timestamp,like_count,media,hidden,username";
    check(&handle, "instagram/comment_missing_user", &ig(&format!("17892250648466172?{some}")), &[]).await;
    let mentioned = format!(
        "17841406338772941?fields=mentioned_comment.comment_id(17967008497439572){{{}}}",
        &fields[7..]
    );
    check(&handle, "instagram/mentioned_comment", &ig(&mentioned), &[]).await;
    control("account", json!({ "account": "17841406338772941", "memory": { "user_only": true } }));
    check(&handle, "instagram/comment_user_only", &ig(&format!("17892250648466171?{all}")), &[]).await;
    let media = "fields=id,comments_count,like_count,media_type,media_url,permalink,timestamp";
    let first_media = ig(&format!("17841406338772941/media?{media}&limit=1"));
    check(&handle, "instagram/user_media_p1", &first_media, &[]).await;
    check(&handle, "instagram/error_igapi_2500", &ig("17841406338772941/impressions/day"), &[]).await;
}
