//! The API of X as the fact sheet and the recorded answers tell it.

use serde_json::{Value, json};

use super::query::Query;
use crate::sandbox::asking::{Client, same_shape};

const US: &str = "2244994945";
const POST: &str = "1578516068309794817";
const OTHERS: &str = "1578516068309700000";

fn line(id: u64, minute: u32, more: &Value) -> Value {
    let mut line = json!({
        "account": US, "post": POST, "id": id.to_string(), "author": { "id": "77", "name": "Åsa Öberg" },
        "at": format!("2026-11-20T{:02}:{:02}:00.000Z", 9 + minute / 60, minute % 60), "text": "Hej",
        "post_at": "2026-11-20T08:00:00.000Z", "post_text": "Nu öppnar badhuset",
    });
    line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    line
}

const FIRST: u64 = 1_578_516_068_309_800_000;

/// Twelve replies; the last answers the first. The platform's clock stands at noon of the 23rd.
async fn start() -> Client {
    let mut seed: Vec<Value> = (0..11_u32).map(|n| line(FIRST + u64::from(n), n, &json!({}))).collect();
    seed.push(line(FIRST + 11, 11, &json!({ "parent": FIRST.to_string(), "author": { "id": "78" } })));
    let client = Client::start("/x/2/", &seed).await;
    client.control(
        "account",
        &json!({ "account": US, "platform": "x", "name": "Kommunen", "username": "kommunen" }),
    );
    client.control("clock", &json!({ "at": "2026-11-23T12:00:00Z" }));
    client
}

fn ids(page: &Value) -> Vec<&str> {
    page["data"]
        .as_array()
        .map_or(Vec::new(), |all| all.iter().map(|one| one["id"].as_str().unwrap()).collect())
}

fn search(more: &str) -> String {
    format!("tweets/search/recent?query=conversation_id%3A{POST}{more}")
}

#[tokio::test]
async fn without_fields_only_id_text_and_versions_come_as_recorded() {
    let client = start().await;
    let recorded = include_str!("../../../tests/fixtures/connector/x/search_recent_default_fields.json");
    let page = client.get(&search("")).await;
    same_shape(&page.json(), recorded, &[], &[]);
    let headers: Value = serde_json::from_str(include_str!(
        "../../../tests/fixtures/connector/x/search_recent_default_fields.meta.json"
    ))
    .unwrap();
    for name in headers["headers"].as_object().unwrap().keys() {
        assert!(page.headers.contains_key(name), "{name}");
    }
    let recorded = include_str!("../../../tests/fixtures/connector/x/users_mentions.json");
    same_shape(&client.get(&format!("users/{US}/mentions")).await.json(), recorded, &[], &[]);
    let recorded = include_str!("../../../tests/fixtures/connector/x/tweets_lookup.json");
    same_shape(&client.get(&format!("tweets?ids={POST},{FIRST}")).await.json(), recorded, &[], &[]);
    let fields = "&tweet.fields=author_id,conversation_id,created_at,in_reply_to_user_id,referenced_tweets";
    let tweet = client.get(&search(fields)).await.json()["data"][0].clone();
    assert_eq!(tweet["author_id"], "78");
    assert_eq!(tweet["conversation_id"], POST);
    assert_eq!(tweet["created_at"], "2026-11-20T09:11:00.000Z");
    assert_eq!(tweet["in_reply_to_user_id"], "77");
    assert_eq!(tweet["referenced_tweets"], json!([{ "type": "replied_to", "id": FIRST.to_string() }]));
    assert_eq!(client.get(&search("&tweet.fields=hidden")).await.status, 400, "no field tells that");
}

#[tokio::test]
async fn a_search_comes_newest_first_in_pages_of_ten_to_a_hundred_and_sees_seven_days() {
    let client = start().await;
    let first = client.get(&search("&max_results=10")).await.json();
    assert_eq!(first["meta"]["newest_id"], (FIRST + 11).to_string());
    assert_eq!(first["meta"]["oldest_id"], (FIRST + 2).to_string());
    let next = first["meta"]["next_token"].as_str().unwrap();
    let second = client.get(&search(&format!("&next_token={next}"))).await.json();
    assert_eq!(ids(&second), [(FIRST + 1).to_string(), FIRST.to_string(), POST.to_owned()]);
    assert!(second["meta"].get("next_token").is_none());
    let since = client.get(&search(&format!("&since_id={}", FIRST + 9))).await.json();
    assert_eq!(since["meta"]["result_count"], 2);
    let none = client.get(&search(&format!("&since_id={}", FIRST + 11))).await.json();
    assert_eq!(none, json!({ "meta": { "result_count": 0 } }), "no data at all");
    for bad in ["&max_results=9", "&max_results=101", "&next_token=x", "&since_id=x"] {
        let reply = client.get(&search(bad)).await;
        assert_eq!((reply.status, &reply.json()["title"]), (400, &json!("Invalid Request")), "{bad}");
    }
    client.control("clock", &json!({ "at": "2026-11-27T09:05:00Z" }));
    assert_eq!(
        ids(&client.get(&search("")).await.json()).len(),
        7,
        "what is older than seven days is not found"
    );
    assert_eq!(client.get(&search(&format!("&since_id={FIRST}"))).await.status, 400);
}

#[test]
fn a_query_is_read_or_refused() {
    let table = [
        ("conversation_id:1", true),
        ("(conversation_id:1 OR conversation_id:2) -from:kommunen", true),
        ("conversation_id:1 -is:retweet \"hej\"", true),
        ("", false),
        ("(conversation_id:1", false),
        ("conversation_id:", false),
        ("conversation_id:1 OR", false),
        ("geocode:1", false),
        ("-", false),
    ];
    for (text, fine) in table {
        assert_eq!(Query::read(text).is_some(), fine, "{text}");
    }
    assert!(Query::read(&"(".repeat(500)).is_none());
    assert!(Query::read(&"a".repeat(513)).is_none());
}

#[tokio::test]
async fn several_conversations_are_found_at_once_without_ones_own_posts() {
    let client = start().await;
    client.control("add", &line(FIRST + 50, 50, &json!({ "post": "1578516068309794999", "text": "Två" })));
    let query =
        format!("(conversation_id%3A{POST}%20OR%20conversation_id%3A1578516068309794999)%20-from%3Akommunen");
    let page = client.get(&format!("tweets/search/recent?max_results=100&query={query}")).await.json();
    assert_eq!(ids(&page).len(), 13);
    assert!(!ids(&page).contains(&POST));
}

#[tokio::test]
async fn what_cannot_be_shown_stands_beside_the_rest_in_a_200() {
    let client = start().await;
    client.control("delete", &json!({ "id": FIRST.to_string() }));
    client.control(
        "edit",
        &json!({ "id": (FIRST + 1).to_string(), "text": "x", "memory": { "protected": true } }),
    );
    let path = format!("tweets?ids={FIRST},{},{}", FIRST + 1, FIRST + 2);
    let reply = client.get(&path).await;
    assert_eq!(reply.status, 200);
    let page = reply.json();
    assert_eq!(ids(&page), [(FIRST + 2).to_string()]);
    let errors: Vec<_> =
        page["errors"].as_array().unwrap().iter().map(|error| error["title"].as_str().unwrap()).collect();
    assert_eq!(errors, ["Not Found Error", "Authorization Error"]);
    let single = client.get(&format!("tweets/{FIRST}")).await;
    assert_eq!(single.status, 200);
    assert!(single.json().get("data").is_none() && single.json()["errors"].is_array());
    // A reply to what is gone: the reply comes, its parent stands among the errors.
    let expanded = client
        .get(&search("&max_results=10&expansions=referenced_tweets.id,author_id&user.fields=username"))
        .await
        .json();
    assert_eq!(expanded["errors"][0]["parameter"], "referenced_tweets.id");
    assert_eq!(expanded["errors"][0]["value"], FIRST.to_string());
    let users: Vec<_> =
        expanded["includes"]["users"].as_array().unwrap().iter().map(|user| user["id"].clone()).collect();
    assert_eq!(users, [json!("77"), json!("78")]);
    assert_eq!(expanded["includes"]["users"][0]["name"], "Åsa Öberg");
}

#[tokio::test]
async fn a_reply_is_hidden_in_ones_own_conversation_only_and_nothing_tells_it() {
    let client = start().await;
    let hide = async |id: &str, hidden: Value| {
        client.send("PUT", &format!("tweets/{id}/hidden"), &json!({ "hidden": hidden })).await
    };
    let reply = hide(&FIRST.to_string(), json!(true)).await;
    same_shape(
        &reply.json(),
        include_str!("../../../tests/fixtures/connector/x/hide_reply_200.json"),
        &[],
        &[],
    );
    assert_eq!(reply.json(), json!({ "data": { "hidden": true } }));
    assert_eq!((reply.header("x-rate-limit-limit"), reply.header("x-rate-limit-remaining")), ("50", "49"));
    assert_eq!(reply.header("x-rate-limit-reset"), "1795436100");
    assert!(client.handle.sandbox().state()[0].hidden);
    let page = client.get(&search("&max_results=100&tweet.fields=author_id")).await;
    assert!(String::from_utf8_lossy(&page.body).contains(&FIRST.to_string()), "it is still found");
    assert!(!String::from_utf8_lossy(&page.body).contains("hidden"));
    assert_eq!(hide(&FIRST.to_string(), json!(false)).await.json(), json!({ "data": { "hidden": false } }));
    let others = json!({ "account": US, "id": OTHERS, "author": { "id": "99" }, "text": "Kommunen är dum" });
    client.control("post", &others);
    client.control("add", &line(FIRST + 60, 60, &json!({ "post": OTHERS })));
    client.control("add", &line(FIRST + 61, 61, &json!({ "ours": true, "author": null })));
    let table = [
        ((FIRST + 60).to_string(), json!(true), 403),
        ((FIRST + 61).to_string(), json!(true), 403),
        (POST.to_owned(), json!(true), 403),
        ("1".to_owned(), json!(true), 404),
        (FIRST.to_string(), json!("true"), 400),
        (FIRST.to_string(), Value::Null, 400),
    ];
    for (id, hidden, status) in table {
        let reply = hide(&id, hidden).await;
        assert_eq!(reply.status, status, "{id}");
        assert!(reply.header("content-type").starts_with("application/problem+json"), "{id}");
    }
    assert!(client.handle.sandbox().state().iter().all(|comment| !comment.hidden));
}

#[tokio::test]
async fn fifty_are_hidden_in_fifteen_minutes_and_the_header_tells_when_more_may_be() {
    let client = start().await;
    let path = format!("tweets/{FIRST}/hidden");
    for n in 0..50 {
        assert_eq!(client.send("PUT", &path, &json!({ "hidden": n % 2 == 0 })).await.status, 200, "{n}");
    }
    let refused = client.send("PUT", &path, &json!({ "hidden": true })).await;
    assert_eq!((refused.status, refused.header("x-rate-limit-remaining")), (429, "0"));
    assert_eq!(refused.json()["title"], "Too Many Requests");
    assert_eq!(client.get(&search("")).await.status, 200, "other windows are not touched");
    client.control("clock", &json!({ "at": "2026-11-23T12:15:00Z" }));
    assert_eq!(client.send("PUT", &path, &json!({ "hidden": true })).await.status, 200);
}

#[tokio::test]
async fn an_answer_is_refused_unless_the_author_named_us() {
    let client = start().await;
    let answer = async |id: u64| {
        let body = json!({ "text": "Tack", "reply": { "in_reply_to_tweet_id": id.to_string() } });
        client.send("POST", "tweets", &body).await
    };
    assert_eq!(answer(FIRST).await.status, 403);
    client.control("edit", &json!({ "id": FIRST.to_string(), "text": "Hej @Kommunen, när?" }));
    let made = answer(FIRST).await;
    assert_eq!(made.status, 201);
    same_shape(&made.json(), include_str!("../../../tests/fixtures/connector/x/create_tweet.json"), &[], &[]);
    let id = made.json()["data"]["id"].as_str().unwrap().to_owned();
    assert!(id.parse::<u64>().unwrap() > 1 << 53);
    let mine = client.get(&format!("users/{US}/tweets")).await.json();
    assert_eq!(ids(&mine), [id.as_str(), POST]);
    assert_eq!(ids(&client.get(&format!("users/{US}/tweets?exclude=replies,retweets")).await.json()), [POST]);
    let deleted = client.ask("DELETE", &format!("tweets/{id}"), "", "").await;
    same_shape(
        &deleted.json(),
        include_str!("../../../tests/fixtures/connector/x/delete_tweet.json"),
        &[],
        &[],
    );
    assert_eq!(client.ask("DELETE", &format!("tweets/{FIRST}"), "", "").await.status, 403);
}

#[tokio::test]
async fn when_the_money_is_used_up_every_call_is_refused_and_a_post_costs_once_a_day() {
    let client = start().await;
    let set = |more: Value| client.control("account", &json!({ "account": US, "memory": more }));
    set(json!({ "credits_milli": 100 }));
    let left = async || {
        let accounts = Client {
            base: "/control/",
            headers: Vec::new(),
            handle: client.handle.sandbox().start("127.0.0.1:0".parse().unwrap()).await.unwrap(),
        };
        let lines = accounts.get("accounts").await;
        serde_json::from_slice::<Value>(&lines.body).unwrap()["memory"]["credits_milli"].clone()
    };
    client.get(&search("&max_results=10")).await;
    assert_eq!(left().await, 50);
    client.get(&search("&max_results=10")).await;
    assert_eq!(left().await, 50, "the same ten again");
    client.send("PUT", &format!("tweets/{FIRST}/hidden"), &json!({ "hidden": true })).await;
    assert_eq!(left().await, 45);
    client.control("clock", &json!({ "at": "2026-11-24T00:00:00Z" }));
    client.get(&search("&max_results=10")).await;
    assert_eq!(left().await, 0);
    assert_eq!(client.get(&search("")).await.status, 402);
    set(json!({ "out_of_credit_status": 403 }));
    assert_eq!(
        client.send("PUT", &format!("tweets/{FIRST}/hidden"), &json!({ "hidden": true })).await.status,
        403
    );
    assert_eq!(client.get("users/me").await.json()["title"], "CreditsDepleted");
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_an_access_token_two_hours() {
    let client = start().await;
    client.control(
        "token",
        &json!({ "account": US, "token": "TOKEN", "refresh": "R1", "expires_at": "2026-11-23T14:00:00Z" }),
    );
    assert_eq!(
        client.get("users/me").await.json()["data"],
        json!({ "id": US, "name": "Kommunen", "username": "kommunen" })
    );
    let ask = |refresh: &str| format!("grant_type=refresh_token&client_id=a&refresh_token={refresh}");
    let given = client.form("oauth2/token", &ask("R1")).await.json();
    assert_eq!((&given["expires_in"], &given["token_type"]), (&json!(7_200), &json!("bearer")));
    let again = client.form("oauth2/token", &ask("R1")).await;
    assert_eq!((again.status, &again.json()["error"]), (400, &json!("invalid_request")));
    let second = client.form("oauth2/token", &ask(given["refresh_token"].as_str().unwrap())).await;
    assert_eq!(second.status, 200);
    client.control("clock", &json!({ "at": "2026-11-23T14:00:00Z" }));
    let dead = client.get("users/me").await;
    assert_eq!((dead.status, &dead.json()["title"]), (401, &json!("Unauthorized")));
}

#[tokio::test]
async fn rights_and_faults_come_in_both_forms_of_error() {
    let client = start().await;
    client.control("account", &json!({ "account": US, "rights": ["tweet.read", "users.read"] }));
    assert_eq!(client.get(&search("")).await.status, 200);
    assert_eq!(
        client.send("PUT", &format!("tweets/{FIRST}/hidden"), &json!({ "hidden": true })).await.status,
        403
    );
    client.control("fault", &json!({ "account": US, "kind": "429", "code": 88 }));
    let legacy = client.get(&search("")).await;
    assert_eq!(
        (legacy.status, legacy.json()),
        (429, json!({ "errors": [{ "code": 88, "message": "Rate limit exceeded" }] }))
    );
    client.control("fault", &json!({ "account": US, "kind": "down" }));
    assert_eq!(client.get(&search("")).await.json()["type"], "about:blank");
    client.control("fault", &json!({ "account": US, "kind": "empty" }));
    let empty = client.get(&search("")).await.json();
    assert!(empty.get("data").is_none() && empty["meta"]["next_token"].is_string());
    let whole = client
        .get(&search(&format!(
            "&max_results=100&next_token={}",
            empty["meta"]["next_token"].as_str().unwrap()
        )))
        .await;
    assert_eq!(whole.json()["meta"]["result_count"], 13);
}
