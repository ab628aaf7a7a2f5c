//! What the Graph API of Pages does.

use serde_json::{Value, json};

use super::{Handle, ask, control, get, line, lines, start};

fn ids(page: &Value) -> Vec<&str> {
    let data = page["data"].as_array().unwrap_or_else(|| panic!("{page}"));
    data.iter().map(|one| one["id"].as_str().unwrap()).collect()
}

async fn code(handle: &Handle, method: &str, path: &str, body: &str) -> (u16, i64) {
    let reply = ask(handle, method, &format!("/facebook/v25.0/{path}"), body).await;
    (reply.status, reply.json()["error"]["code"].as_i64().unwrap_or_default())
}

#[tokio::test]
async fn each_right_opens_what_it_is_for() {
    const ALL: [&str; 6] = [
        "pages_read_engagement",
        "pages_read_user_content",
        "pages_manage_engagement",
        "pages_messaging",
        "MODERATE",
        "MESSAGING",
    ];
    let private = r#"recipient={"comment_id":"1_0"}&message={"text":"Hej"}"#;
    // Without which right, what is then refused, and how.
    let table = [
        ("pages_read_engagement", "GET", "page/feed", "", (400, 100)),
        ("pages_read_engagement", "GET", "page_1/comments", "", (400, 100)),
        ("pages_read_user_content", "GET", "page_1/comments", "", (403, 10)),
        ("pages_manage_engagement", "POST", "1_0", "is_hidden=true", (403, 200)),
        ("pages_manage_engagement", "DELETE", "1_0", "", (403, 200)),
        ("pages_manage_engagement", "POST", "1_0/comments", "message=Hej", (403, 200)),
        ("MODERATE", "POST", "1_0", "is_hidden=true", (403, 200)),
        ("pages_messaging", "POST", "page/messages", private, (403, 200)),
        ("MESSAGING", "POST", "page/messages", private, (403, 200)),
    ];
    for (right, method, path, body, refusal) in table {
        let handle = start(&lines(1)).await;
        // The comment is of this week.
        control(&handle, "clock", json!({ "at": "2026-11-20T12:00:00Z" }));
        control(&handle, "account", json!({ "account": "page", "rights": ALL, "revoke": [right] }));
        assert_eq!(code(&handle, method, path, body).await, refusal, "{method} {path} without {right}");
        assert!(!handle.sandbox().state()[0].hidden && !handle.sandbox().state()[0].deleted);
        control(&handle, "account", json!({ "account": "page", "grant": [right] }));
        assert_eq!(code(&handle, method, path, body).await, (200, 0), "{method} {path} with {right}");
    }
}

#[tokio::test]
async fn without_moderate_a_list_has_neither_ids_nor_authors_nor_hidden_comments() {
    let handle = start(&lines(2)).await;
    control(&handle, "hide", json!({ "id": "1_1" }));
    let list = "page_1/comments?filter=stream&fields=id,from,message,is_hidden";
    assert_eq!(
        get(&handle, list).await.json()["data"].as_array().unwrap().len(),
        2,
        "the moderator sees hidden ones"
    );
    control(
        &handle,
        "account",
        json!({ "account": "page", "rights": ["pages_read_engagement", "pages_read_user_content"] }),
    );
    assert_eq!(get(&handle, list).await.json()["data"], json!([{ "message": "Hej då 👋" }]));
    assert_eq!(code(&handle, "GET", "1_1", "").await, (400, 100));
}

#[tokio::test]
async fn a_persons_token_shows_no_authors_and_some_lists_not_at_all() {
    let handle = start(&lines(1)).await;
    control(&handle, "token", json!({ "account": "page", "token": "TOKEN", "kind": "user" }));
    let list = "page_1/comments?fields=id,from";
    assert_eq!(get(&handle, list).await.json()["data"], json!([{ "id": "1_0" }]));
    control(&handle, "account", json!({ "account": "page", "memory": { "user_token_empty": true } }));
    assert_eq!(get(&handle, list).await.json(), json!({ "data": [] }));
}

#[tokio::test]
async fn the_default_list_leaves_out_what_the_pages_own_filter_hid() {
    let handle = start(&lines(3)).await;
    control(&handle, "hide", json!({ "id": "1_0", "by": "filter" }));
    control(&handle, "hide", json!({ "id": "1_1", "by": "app" }));
    let list = async |query: &str| {
        let page =
            get(&handle, &format!("page_1/comments?fields=id&summary=total_count{query}")).await.json();
        (
            ids(&page).join(" "),
            page["summary"]["order"].as_str().unwrap().to_owned(),
            page["summary"]["total_count"].clone(),
        )
    };
    assert_eq!(list("").await, ("1_1 1_2".to_owned(), "ranked".to_owned(), json!(2)));
    assert_eq!(
        list("&filter=stream").await,
        ("1_0 1_1 1_2".to_owned(), "chronological".to_owned(), json!(3))
    );
    let newest = "&order=reverse_chronological";
    assert_eq!(list(newest).await, ("1_2 1_1 1_0".to_owned(), newest[7..].to_owned(), json!(3)));
    control(
        &handle,
        "account",
        json!({ "account": "page", "memory": { "hidden_unlisted": true, "total_extra": 4 } }),
    );
    assert_eq!(list("&filter=stream").await, ("1_2".to_owned(), "chronological".to_owned(), json!(5)));
}

#[tokio::test]
async fn a_list_can_be_read_between_two_times_and_backwards() {
    let handle = start(&lines(5)).await;
    let page = get(&handle, "page_1/comments?fields=id&since=2026-11-20T08:01:00%2B0000&until=1795161780")
        .await
        .json();
    // 1795161780 is 08:03 of that day.
    assert_eq!(ids(&page), ["1_1", "1_2", "1_3"]);
    let last = get(&handle, "page_1/comments?fields=id&limit=2").await.json();
    let after = last["paging"]["cursors"]["after"].as_str().unwrap();
    let second = get(&handle, &format!("page_1/comments?fields=id&limit=2&after={after}")).await.json();
    let previous = second["paging"]["previous"].as_str().unwrap().split_once("/v25.0/").unwrap().1.to_owned();
    let first = get(&handle, &previous).await.json();
    assert_eq!(ids(&first), ["1_0", "1_1"]);
    assert!(first["paging"]["previous"].is_null());
}

#[tokio::test]
async fn the_feed_has_visitors_posts_and_their_authors_for_who_may_see_them() {
    let handle = start(&line("1_1", 1, "ett")).await;
    let visitor = json!({ "account": "page", "id": "page_9", "text": "Hål i vägen", "at": "2026-11-21T08:00:00+0000",
        "author": { "id": "77", "name": "Nils" }, "media": [{ "id": "hole" }] });
    control(&handle, "post", visitor);
    let edge = async |edge: &str| {
        get(&handle, &format!("page/{edge}?fields=id,from,to,message,attachments")).await.json()
    };
    let feed = edge("feed").await;
    assert_eq!(ids(&feed), ["page_9", "page_1"]);
    assert_eq!(feed["data"][0]["from"], json!({ "name": "Nils", "id": "77" }));
    assert_eq!(feed["data"][0]["to"]["data"][0]["id"], "page");
    assert_eq!(feed["data"][0]["attachments"]["data"][0]["type"], "photo");
    assert_eq!(ids(&edge("posts").await), ["page_1"]);
    assert_eq!(ids(&edge("visitor_posts").await), ["page_9"]);
    control(&handle, "account", json!({ "account": "page", "rights": ["pages_read_engagement"] }));
    assert!(edge("visitor_posts").await["data"][0].get("from").is_none());
    control(&handle, "account", json!({ "account": "page", "rights": null }));
    assert_eq!(code(&handle, "POST", "page_9", "is_hidden=true").await, (200, 0));
    assert_eq!(get(&handle, "page_9?fields=is_hidden").await.json()["is_hidden"], true);
    assert_eq!(code(&handle, "DELETE", "page_9", "").await, (200, 0));
    assert_eq!(ids(&edge("feed").await), ["page_1"]);
    control(
        &handle,
        "post",
        json!({ "account": "page", "id": "page_1", "text": "Rättat", "edited_at": "2026-11-22T08:00:00Z" }),
    );
    let post = get(&handle, "page_1?fields=message,updated_time,created_time").await.json();
    assert_eq!(
        (&post["message"], &post["updated_time"]),
        (&json!("Rättat"), &json!("2026-11-22T08:00:00+0000"))
    );
}

#[tokio::test]
async fn how_many_comments_each_post_has_is_told_with_the_feed() {
    let handle = start(&lines(3)).await;
    handle
        .sandbox()
        .seed(r#"{"account":"page","post":"page_1","id":"1_s","parent":"1_0","text":"svar"}"#)
        .unwrap();
    let path = "page/feed?fields=id,comments.filter(stream).limit(0).summary(true)";
    let post = &get(&handle, path).await.json()["data"][0];
    assert_eq!(post["comments"]["data"], json!([]));
    assert_eq!(post["comments"]["summary"]["total_count"], 4);
}

#[tokio::test]
async fn a_feed_that_pages_by_time_gives_every_post_once() {
    let seed: String = (0..7)
        .map(|n| {
            json!({ "account": "page", "post": format!("page_{n}"), "id": format!("{n}_1"), "text": "x",
            // Several posts of the same second.
            "post_at": format!("2026-11-20T08:00:0{}+0000", n / 3) })
            .to_string()
        })
        .collect();
    let handle = start(&seed).await;
    control(&handle, "account", json!({ "account": "page", "memory": { "feed_by_time": true } }));
    control(&handle, "fault", json!({ "account": "page", "kind": "empty" }));
    let mut next = Some("page/feed?fields=id&limit=2".to_owned());
    let mut all = Vec::new();
    while let Some(path) = next {
        let page = get(&handle, &path).await.json();
        assert!(page["paging"]["cursors"].is_null());
        all.extend(ids(&page).into_iter().map(str::to_owned));
        next = page["paging"]["next"].as_str().map(|next| next.split_once("/v25.0/").unwrap().1.to_owned());
        assert!(all.len() < 20);
    }
    assert_eq!(all, ["page_6", "page_5", "page_4", "page_3", "page_2", "page_1", "page_0"]);
}

#[tokio::test]
async fn both_forms_of_a_comments_id_are_taken() {
    let handle = start(&line("55_66", 1, "ett")).await;
    assert_eq!(get(&handle, "55_66").await.status, 200);
    assert_eq!(get(&handle, "4711_55_66").await.status, 200);
    assert_eq!(code(&handle, "POST", "4711_55_66", "is_hidden=true").await, (200, 0));
    assert!(handle.sandbox().state()[0].hidden);
    control(&handle, "account", json!({ "account": "page", "memory": { "long_ids": true } }));
    assert_eq!(get(&handle, "55_66?fields=id").await.json()["id"], "page_1_66");
}

#[tokio::test]
async fn a_token_is_worth_what_debug_token_says() {
    let handle = start(&lines(1)).await;
    control(&handle, "clock", json!({ "at": "2026-11-20T12:00:00Z" }));
    let debug = async |token: &str| {
        get(&handle, &format!("debug_token?input_token={token}")).await.json()["data"].clone()
    };
    assert_eq!(debug("TOKEN").await["expires_at"], 0, "any token, without an end");
    control(
        &handle,
        "token",
        json!({ "account": "page", "token": "TOKEN", "kind": "user", "expires_at": "2026-11-20T13:00:00Z",
        "rights": ["pages_read_engagement", "MODERATE"] }),
    );
    let data = debug("TOKEN").await;
    assert_eq!(data["scopes"], json!(["pages_read_engagement"]));
    assert_eq!(
        (&data["type"], &data["expires_at"], &data["is_valid"]),
        (&json!("USER"), &json!(1_795_179_600), &json!(true))
    );
    assert_eq!(debug("other").await["is_valid"], false);
    let subcode = async || get(&handle, "1_0").await.json()["error"]["error_subcode"].as_i64();
    assert_eq!(subcode().await, None);
    control(&handle, "expire", json!({ "account": "page" }));
    assert_eq!(subcode().await, Some(463));
    assert_eq!(debug("TOKEN").await["error"]["subcode"], 463);
    control(&handle, "token", json!({ "account": "page", "token": "TOKEN", "revoked": true }));
    assert_eq!(subcode().await, Some(460));
    control(&handle, "account", json!({ "account": "page", "memory": { "revoked_subcode": 458 } }));
    assert_eq!(subcode().await, Some(458));
    control(&handle, "token", json!({ "account": "page", "token": "TOKEN", "forget": true }));
    control(&handle, "token", json!({ "account": "page", "token": "new" }));
    assert_eq!(get(&handle, "1_0").await.json()["error"]["code"], 190);
}

#[tokio::test]
async fn a_code_becomes_a_token_of_sixty_days_and_that_one_for_the_page_without_an_end() {
    let handle = start(&lines(1)).await;
    control(&handle, "clock", json!({ "at": "2026-11-20T12:00:00Z" }));
    control(&handle, "token", json!({ "account": "page", "token": "old", "kind": "page" }));
    control(&handle, "token", json!({ "account": "page", "token": "old", "forget": false, "revoked": true }));
    control(&handle, "account", json!({ "account": "page", "app_secret": "s3" }));
    let plain = async |path: &str| ask(&handle, "GET", &format!("/facebook/v25.0/{path}"), "").await.json();
    let code = "oauth/access_token?client_id=1&redirect_uri=https://x.se/&code=abc&client_secret=";
    assert_eq!(plain(&format!("{code}bad")).await["error"]["code"], 1);
    assert_eq!(plain("oauth/access_token?client_id=1&code=abc").await["error"]["code"], 101);
    let short = plain(&format!("{code}s3")).await["access_token"].as_str().unwrap().to_owned();
    assert_eq!(plain(&format!("{code}s3")).await["error"]["error_subcode"], 36_009, "a code is for once");
    let exchange = format!(
        "oauth/access_token?grant_type=fb_exchange_token&client_id=1&client_secret=s3&fb_exchange_token={short}"
    );
    let long = plain(&exchange).await;
    assert_eq!((&long["token_type"], &long["expires_in"]), (&json!("bearer"), &json!(5_183_944)));
    let long = long["access_token"].as_str().unwrap();
    let pages = plain_with(&handle, "me/accounts", long).await;
    let own = pages["data"][0]["access_token"].as_str().unwrap();
    assert!(pages["data"][0]["tasks"].as_array().unwrap().contains(&json!("MODERATE")));
    let debug = plain(&format!("debug_token?input_token={own}")).await;
    assert_eq!((&debug["data"]["type"], &debug["data"]["expires_at"]), (&json!("PAGE"), &json!(0)));
    control(&handle, "clock", json!({ "forward": 6_000 }));
    assert_eq!(plain(&exchange).await["error"]["error_subcode"], 463, "the short one is over");
    control(&handle, "account", json!({ "account": "page", "rights": ["MODERATE"] }));
    assert_eq!(plain_with(&handle, "me/accounts", long).await["data"], json!([]), "an empty list, no error");
}

async fn plain_with(handle: &Handle, path: &str, token: &str) -> Value {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(handle.addr()).await.unwrap();
    let request = format!(
        "GET /facebook/v25.0/{path}?access_token={token} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        handle.addr()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    serde_json::from_slice(&bytes[end + 4..]).unwrap()
}

#[tokio::test]
async fn a_limit_blocks_with_a_code_that_varies_and_headers_tell_how_near_it_is() {
    // Quota, its scope, further memory, status and code of the call over it.
    let table = [
        ("facebook.buc", true, json!({}), (400, 80_001)),
        ("facebook.buc", true, json!({ "throttle_code": 32, "throttle_status": 403 }), (403, 32)),
        ("facebook.app", false, json!({}), (400, 4)),
        ("facebook.user", true, json!({}), (400, 17)),
        ("facebook.page", true, json!({}), (400, 32)),
        ("facebook.custom", true, json!({ "throttle_status": 429 }), (429, 613)),
    ];
    for (name, by_account, memory, blocked) in table {
        let handle = start(&lines(1)).await;
        control(&handle, "clock", json!({ "at": "2026-11-20T12:00:00Z" }));
        control(&handle, "account", json!({ "account": "page", "memory": memory }));
        let account = by_account.then_some("page");
        control(
            &handle,
            "quota",
            json!({ "account": account, "name": name, "limit": 2, "window": { "rolling": 3600 } }),
        );
        assert_eq!(code(&handle, "GET", "1_0", "").await, (200, 0));
        assert_eq!(code(&handle, "GET", "1_0", "").await, (200, 0));
        for _ in 0..4 {
            assert_eq!(code(&handle, "POST", "1_0", "is_hidden=true").await, blocked, "{name}");
        }
        assert!(!handle.sandbox().state()[0].hidden);
        let log = handle.sandbox().requests();
        assert!(
            log[4].violation.is_none() && log[5].violation.is_some(),
            "{name}: to go on and on is a violation"
        );
        assert!(
            log[0].spent.iter().any(|spent| spent.quota == name && spent.units == 1),
            "{:?}",
            log[0].spent
        );
        assert_eq!(handle.sandbox().quotas()[0].used, 2);
        control(&handle, "clock", json!({ "forward": 3600 }));
        assert_eq!(code(&handle, "GET", "1_0", "").await, (200, 0), "{name}");
    }
}

#[tokio::test]
async fn usage_headers_come_only_after_some_calls() {
    let handle = start(&lines(1)).await;
    let header = async |name: &str| {
        let head = get(&handle, "1_0").await.head;
        let value = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")))?.to_owned();
        Some(serde_json::from_str::<Value>(&value).unwrap())
    };
    assert_eq!(header("x-app-usage").await, None);
    for _ in 0..3 {
        get(&handle, "1_0").await;
    }
    assert_eq!(header("x-app-usage").await.unwrap()["call_count"], 1);
    control(
        &handle,
        "quota",
        json!({ "account": "page", "name": "facebook.buc", "limit": 4, "used": 3, "window": { "rolling": 600 } }),
    );
    let used = header("x-business-use-case-usage").await.unwrap();
    let used = &used["page"][0];
    assert_eq!((&used["type"], &used["call_count"]), (&json!("pages"), &json!(100)));
    assert!(used["estimated_time_to_regain_access"].as_i64().unwrap() >= 10, "{used}");
}

#[tokio::test]
async fn a_private_reply_is_for_once_within_seven_days_and_not_to_oneself() {
    let own = json!({ "account": "page", "post": "page_1", "id": "1_own", "ours": true, "text": "vi", "at": "2026-11-20T08:00:00Z" });
    let handle = start(&(lines(2) + &own.to_string())).await;
    control(&handle, "clock", json!({ "at": "2026-11-27T08:00:59Z" }));
    let send = async |id: &str| {
        let body = format!(r#"recipient={{"comment_id":"{id}"}}&message={{"text":"Vi ringer dig"}}"#);
        code(&handle, "POST", "page/messages", &body).await
    };
    assert_eq!(send("1_0").await, (400, 10_901), "too old");
    assert_eq!(send("1_own").await, (400, 10_903));
    assert_eq!(get(&handle, "1_1?fields=can_reply_privately").await.json()["can_reply_privately"], true);
    assert_eq!(send("1_1").await, (200, 0));
    assert_eq!(send("1_1").await, (400, 10_900), "one a comment");
    assert_eq!(get(&handle, "1_1?fields=can_reply_privately").await.json()["can_reply_privately"], false);
    assert_eq!(send("nobody").await, (400, 100));
    assert_eq!(code(&handle, "POST", "page/messages", "message=x").await, (400, 100));
    assert_eq!(handle.sandbox().state()[1].memory["private_reply"], "Vi ringer dig");
}

#[tokio::test]
async fn the_page_tells_its_name_description_and_picture_and_who_answers_answers_as_it() {
    let handle = start(&line("1_1", 1, "ett")).await;
    control(
        &handle,
        "account",
        json!({ "account": "page", "name": "Arjeplogs kommun", "about": "Vi svarar vardagar." }),
    );
    let page = get(&handle, "page?fields=name,about,picture").await.json();
    assert_eq!((&page["name"], &page["about"]), (&json!("Arjeplogs kommun"), &json!("Vi svarar vardagar.")));
    let url = page["picture"]["data"]["url"].as_str().unwrap();
    let path = url.split_once(&handle.addr().to_string()).unwrap().1;
    assert!(ask(&handle, "GET", path, "").await.body.starts_with(b"\x89PNG"));
    let reply = ask(
        &handle,
        "POST",
        "/facebook/v25.0/1_1/comments?fields=id,message,created_time,permalink_url",
        "message=Tack",
    )
    .await;
    let id = reply.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(reply.json()["message"], "Tack");
    let answer = get(&handle, &format!("{id}?fields=from,parent{{id}},can_hide")).await.json();
    assert_eq!(answer["from"], json!({ "name": "Arjeplogs kommun", "id": "page" }));
    assert_eq!((&answer["parent"]["id"], &answer["can_hide"]), (&json!("1_1"), &json!(false)));
    control(&handle, "post", json!({ "account": "page", "id": "page_1", "closed": true }));
    assert_eq!(code(&handle, "POST", "page_1/comments", "message=x").await, (400, 200));
}

#[tokio::test]
async fn every_kind_of_attachment_is_told() {
    let handle = start(&line("1_1", 1, "ett")).await;
    for (kind, word) in [
        ("image", "photo"),
        ("video", "video_inline"),
        ("audio", "music"),
        ("link", "share"),
        ("sticker", "sticker"),
        ("other", "unknown_kind"),
    ] {
        control(&handle, "edit", json!({ "id": "1_1", "text": "ett", "attachment": kind }));
        assert_eq!(get(&handle, "1_1?fields=attachment").await.json()["attachment"]["type"], word);
    }
    control(&handle, "edit", json!({ "id": "1_1", "text": "ett", "attachment": null }));
    assert!(get(&handle, "1_1?fields=attachment").await.json().get("attachment").is_none());
}
