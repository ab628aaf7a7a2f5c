//! What Instagram's API does.

use serde_json::{Value, json};

use super::{Handle, Reply, ask, control, start};

async fn ig(handle: &Handle, method: &str, path: &str, body: &str) -> Reply {
    ask(handle, method, &format!("/instagram/v25.0/{path}"), body).await
}

async fn get(handle: &Handle, path: &str) -> Value {
    ig(handle, "GET", path, "").await.json()
}

fn line(id: &str, minute: u32, more: &Value) -> String {
    let mut line = json!({
        "account": "178", "post": "1790", "id": id, "text": format!("text {id}"), "post_text": "Midsommar",
        "author": { "id": "9", "name": "asa.oberg" }, "at": format!("2026-11-20T08:{minute:02}:00+0000"),
    });
    for (key, value) in more.as_object().unwrap() {
        line[key] = value.clone();
    }
    format!("{line}\n")
}

fn lines(count: u32) -> String {
    (0..count).map(|n| line(&format!("1{n}"), n, &json!({}))).collect()
}

fn ids(page: &Value) -> Vec<&str> {
    let data = page["data"].as_array().unwrap_or_else(|| panic!("{page}"));
    data.iter().map(|one| one["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn comments_come_newest_first_with_three_fields_and_the_last_page_has_no_paging() {
    let handle = start(&(lines(3) + &line("77", 9, &json!({ "parent": "10" })))).await;
    let first = get(&handle, "1790/comments?limit=2").await;
    assert_eq!(ids(&first), ["12", "11"]);
    let keys: Vec<_> = first["data"][0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["timestamp", "text", "id"]);
    assert!(
        first["paging"]["next"]
            .as_str()
            .unwrap()
            .contains("/instagram/v25.0/1790/comments?access_token=TOKEN")
    );
    assert!(first["paging"]["cursors"].get("before").is_none());
    let after = first["paging"]["cursors"]["after"].as_str().unwrap();
    let last = get(&handle, &format!("1790/comments?limit=2&after={after}")).await;
    assert_eq!(ids(&last), ["10"]);
    assert!(last.get("paging").is_none());
    assert_eq!(ids(&get(&handle, "10/replies").await), ["77"]);
    assert_eq!(get(&handle, "77?fields=parent_id").await["parent_id"], "10");
    // There are no such parameters: they change nothing.
    assert_eq!(
        ids(&get(&handle, "1790/comments?order=chronological&filter=stream&since=2030-01-01").await).len(),
        3
    );
}

#[tokio::test]
async fn the_parameter_that_hides_is_hide_and_the_field_that_tells_is_hidden() {
    let handle = start(&(lines(1) + &line("own", 5, &json!({ "ours": true, "author": null })))).await;
    let wrong = ig(&handle, "POST", "10", "hidden=true").await;
    assert_eq!((wrong.status, &wrong.json()["error"]["code"]), (400, &json!(100)));
    assert!(!handle.sandbox().state()[0].hidden);
    assert!(handle.sandbox().requests()[0].violation.as_ref().unwrap().contains("hide"));
    assert_eq!(ig(&handle, "POST", "10", "hide=true").await.json(), json!({ "success": true }));
    assert_eq!(get(&handle, "10?fields=hidden").await["hidden"], true);
    assert_eq!(handle.sandbox().state()[0].hidden_by, Some("us"));
    assert_eq!(ids(&get(&handle, "1790/comments").await), ["own", "10"]);
    control(&handle, "account", json!({ "account": "178", "memory": { "hidden_unlisted": true } }));
    assert_eq!(ids(&get(&handle, "1790/comments").await), ["own"]);
    assert_eq!(get(&handle, "10?fields=id").await["id"], "10", "who kept the id can still show it again");
    assert_eq!(ig(&handle, "POST", "10", "hide=false").await.status, 200);
    assert_eq!(ids(&get(&handle, "1790/comments").await).len(), 2);
    assert_eq!(ig(&handle, "POST", "own", "hide=true").await.json(), json!({ "success": true }));
    assert_eq!(
        get(&handle, "own?fields=hidden").await["hidden"],
        false,
        "one's own stays visible all the same"
    );
    assert_eq!(ig(&handle, "POST", "10", "hide=perhaps").await.status, 400);
}

#[tokio::test]
async fn restricted_persons_and_gated_media_are_not_returned() {
    let ad =
        line("ad", 4, &json!({ "memory": { "unlisted": true }, "author": { "id": "8", "name": "nils" } }));
    let handle =
        start(&(lines(2) + &ad + &line("20", 6, &json!({ "author": { "id": "8", "name": "nils" } })))).await;
    assert_eq!(ids(&get(&handle, "1790/comments").await), ["20", "11", "10"]);
    control(&handle, "account", json!({ "account": "178", "memory": { "restricted": ["9"] } }));
    assert_eq!(ids(&get(&handle, "1790/comments").await), ["20"]);
    assert_eq!(get(&handle, "10").await["error"]["code"], 100);
    control(&handle, "edit", json!({ "id": "10", "text": "text 10", "memory": { "approved": true } }));
    assert_eq!(ids(&get(&handle, "1790/comments").await), ["20", "10"]);
    control(&handle, "post", json!({ "account": "178", "id": "1790", "memory": { "age_gated": true } }));
    assert_eq!(get(&handle, "1790/comments").await, json!({ "data": [] }));
}

#[tokio::test]
async fn each_flavour_has_rights_and_errors_of_its_own() {
    // Path, rights held, whether names are told, whether a hide is done, the type of an error.
    let table = [
        ("v25.0", vec!["instagram_business_basic"], false, false, "IGApiException"),
        (
            "v25.0",
            vec!["instagram_business_basic", "instagram_business_manage_comments"],
            true,
            true,
            "IGApiException",
        ),
        (
            "graph.instagram.com",
            vec!["instagram_basic", "instagram_manage_comments"],
            false,
            false,
            "IGApiException",
        ),
        (
            "graph.facebook.com/v25.0",
            vec!["instagram_basic", "instagram_manage_comments", "pages_read_engagement"],
            true,
            true,
            "OAuthException",
        ),
        (
            "graph.facebook.com/v25.0",
            vec!["instagram_basic", "pages_read_engagement"],
            false,
            false,
            "OAuthException",
        ),
    ];
    for (path, rights, named, hides, kind) in table {
        let handle = start(&lines(1)).await;
        control(&handle, "account", json!({ "account": "178", "rights": rights }));
        let at = |rest: &str| format!("/instagram/{path}/{rest}");
        let list = ask(&handle, "GET", &at("1790/comments?fields=id,username,from"), "").await.json();
        assert_eq!(list["data"][0]["username"] == "asa.oberg", named, "{path} {rights:?}: {list}");
        let hide = ask(&handle, "POST", &at("10"), "hide=true").await;
        assert_eq!(hide.status == 200, hides, "{path} {rights:?}");
        let error = ask(&handle, "GET", &at("10?fields=secret"), "").await.json();
        assert_eq!(error["error"]["type"], kind, "{path} {rights:?}: {error}");
    }
    let handle = start(&lines(1)).await;
    control(&handle, "token", json!({ "account": "178", "token": "other" }));
    assert_eq!(
        get(&handle, "10").await["error"]["type"],
        "OAuthException",
        "a bad token is the same in both"
    );
}

#[tokio::test]
async fn an_answer_stands_under_its_comment_and_comments_can_be_turned_off() {
    let handle = start(&lines(1)).await;
    let id =
        ig(&handle, "POST", "10/replies", "message=Tack").await.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(ids(&get(&handle, "10/replies").await), [id.as_str()]);
    let below = ig(&handle, "POST", &format!("{id}/replies"), "message=igen").await.json();
    assert_eq!(
        get(&handle, &format!("{}?fields=parent_id", below["id"].as_str().unwrap())).await["parent_id"],
        "10"
    );
    assert_eq!(get(&handle, "1790?fields=comments_count,is_comment_enabled").await["comments_count"], 3);
    assert_eq!(ig(&handle, "POST", "1790", "comment_enabled=false").await.status, 200);
    assert_eq!(get(&handle, "1790?fields=is_comment_enabled").await["is_comment_enabled"], false);
    assert_eq!(ig(&handle, "POST", "10/replies", "message=x").await.status, 400);
    assert_eq!(ig(&handle, "DELETE", "10", "").await.status, 200);
    assert_eq!(get(&handle, "10").await["error"]["code"], 100);
    assert_eq!(get(&handle, "1790/comments").await["data"], json!([]));
}

#[tokio::test]
async fn media_come_page_by_page_and_me_is_the_account() {
    let more: String =
        (0..3).map(|n| line(&format!("5{n}"), 30 + n, &json!({ "post": format!("180{n}") }))).collect();
    let handle = start(&(lines(1) + &more)).await;
    control(&handle, "account", json!({ "account": "178", "username": "arjeplog", "platform": "instagram" }));
    let mut next = Some("178/media?limit=3".to_owned());
    let mut all = Vec::new();
    while let Some(path) = next {
        let page = get(&handle, &path).await;
        all.extend(ids(&page).into_iter().map(str::to_owned));
        next = page["paging"]["next"].as_str().map(|next| next.split_once("/v25.0/").unwrap().1.to_owned());
    }
    assert_eq!(all, ["1802", "1801", "1800", "1790"]);
    let me = get(&handle, "me?fields=user_id,username,media_count").await;
    assert_eq!(
        (&me["user_id"], &me["username"], &me["media_count"]),
        (&json!("178"), &json!("arjeplog"), &json!(4))
    );
    let url = get(&handle, "1790?fields=media_url,caption").await;
    assert_eq!(url["caption"], "Midsommar");
    let path =
        url["media_url"].as_str().unwrap().split_once(&handle.addr().to_string()).unwrap().1.to_owned();
    assert_eq!(ask(&handle, "GET", &path, "").await.status, 200);
    assert_eq!(get(&handle, "4711/media").await, json!({ "data": [] }), "an account without media");
}

#[tokio::test]
async fn a_token_is_refreshed_when_it_is_a_day_old_and_not_when_it_is_over() {
    let handle = start(&lines(1)).await;
    control(&handle, "clock", json!({ "at": "2026-11-20T12:00:00Z" }));
    control(&handle, "account", json!({ "account": "178", "app_secret": "s3", "platform": "instagram" }));
    control(
        &handle,
        "token",
        json!({ "account": "178", "token": "IGSHORT", "kind": "short", "expires_at": "2026-11-20T13:00:00Z" }),
    );
    let plain = async |path: &str| {
        ask(&handle, "GET", &format!("/instagram/graph.instagram.com/{path}"), "").await.json()
    };
    // `ask` sends TOKEN as a header; a token in the query is for exchanges, which name it there.
    control(
        &handle,
        "token",
        json!({ "account": "178", "token": "TOKEN", "kind": "short", "expires_at": "2026-11-20T13:00:00Z" }),
    );
    let refresh = "refresh_access_token?grant_type=ig_refresh_token";
    assert_eq!(plain(refresh).await["error"]["code"], 452, "a token of an hour is exchanged, not refreshed");
    let exchange = "access_token?grant_type=ig_exchange_token&client_secret=";
    assert_eq!(plain(&format!("{exchange}bad")).await["error"]["code"], 1);
    let long = plain(&format!("{exchange}s3")).await;
    assert_eq!((&long["access_token"], &long["expires_in"]), (&json!("TOKENL"), &json!(5_183_944)));
    // From here on, TOKEN is a long one that was given now.
    control(
        &handle,
        "token",
        json!({ "account": "178", "token": "TOKEN", "kind": "long", "issued_at": "2026-11-20T12:00:00Z",
        "expires_at": "2027-01-19T12:00:00Z" }),
    );
    control(&handle, "clock", json!({ "at": "2026-11-21T11:59:59Z" }));
    assert_eq!(plain(refresh).await["error"]["code"], 10, "younger than a day");
    control(&handle, "clock", json!({ "at": "2026-11-21T12:00:00Z" }));
    assert_eq!(plain(refresh).await["token_type"], "bearer");
    control(&handle, "clock", json!({ "at": "2027-01-19T12:00:00Z" }));
    assert_eq!(plain(refresh).await["error"]["error_subcode"], 463, "too late: a person must log in");
    assert_eq!(plain("access_token?grant_type=x").await["error"]["code"], 100);
}

#[tokio::test]
async fn a_code_is_for_once_and_gives_the_rights_that_are_held() {
    let handle = start(&lines(1)).await;
    control(
        &handle,
        "account",
        json!({ "account": "178", "platform": "instagram",
        "rights": ["instagram_business_basic", "instagram_business_manage_comments"] }),
    );
    let body =
        "client_id=1&client_secret=s&redirect_uri=https://x.se/&grant_type=authorization_code&code=abc";
    let first = ask(&handle, "POST", "/instagram/api.instagram.com/oauth/access_token", body).await.json();
    assert_eq!(
        first["permissions"],
        json!(["instagram_business_basic", "instagram_business_manage_comments"])
    );
    assert_eq!(first["user_id"], "178");
    let second = ask(&handle, "POST", "/instagram/api.instagram.com/oauth/access_token", body).await;
    assert_eq!(second.status, 400);
}

#[tokio::test]
async fn a_limit_blocks_with_instagrams_code() {
    let handle = start(&lines(1)).await;
    control(
        &handle,
        "quota",
        json!({ "account": "178", "name": "instagram.buc", "limit": 1, "window": { "rolling": 60 } }),
    );
    assert_eq!(ig(&handle, "GET", "10", "").await.status, 200);
    let blocked = ig(&handle, "GET", "10", "").await;
    assert_eq!(blocked.json()["error"]["code"], 80_002);
    assert!(
        blocked.head.contains(r#""type":"instagram""#) && blocked.head.contains("x-business-use-case-usage")
    );
}
