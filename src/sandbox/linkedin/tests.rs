//! The Community Management API as the fact sheet tells it; nothing recorded may be copied.

use serde_json::{Value, json};

use crate::sandbox::asking::{Client, Reply};

const ORGANIZATION: &str = "urn:li:organization:2414183";
const SHARE: &str = "urn%3Ali%3Ashare%3A6275832358189047808";
const ACTIVITY: &str = "urn:li:activity:6273189577469632512";

fn line(id: &str, minute: u32, more: &Value) -> Value {
    let mut line = json!({
        "account": ORGANIZATION, "post": "urn:li:share:6275832358189047808",
        "id": format!("urn:li:comment:({ACTIVITY},{id})"), "author": { "id": "aBc", "name": "Åsa Öberg" },
        "at": format!("2026-11-20T08:{minute:02}:00Z"), "text": "Hej",
    });
    line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    line
}

fn encoded(urn: &str) -> String {
    percent_encoding::utf8_percent_encode(urn, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn urn(id: &str) -> String {
    format!("urn:li:comment:({ACTIVITY},{id})")
}

/// Thirteen comments, of which the first has two answers.
async fn start() -> Client {
    let mut seed: Vec<Value> = (10..23).map(|n| line(&format!("60{n}"), n, &json!({}))).collect();
    seed.push(line("7001", 30, &json!({ "parent": urn("6010") })));
    seed.push(line("7002", 31, &json!({ "parent": urn("6010") })));
    let mut client = Client::start("/linkedin/rest/", &seed).await;
    client.headers.push(("LinkedIn-Version", "202610".to_owned()));
    client.headers.push(("X-Restli-Protocol-Version", "2.0.0".to_owned()));
    client.control("clock", &json!({ "at": "2026-11-23T12:00:00Z" }));
    client
}

fn ids(page: &Value) -> Vec<&str> {
    page["elements"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect()
}

fn link<'a>(page: &'a Value, rel: &str) -> Option<&'a str> {
    let links = page["paging"]["links"].as_array().unwrap();
    links.iter().find(|link| link["rel"] == rel).and_then(|link| link["href"].as_str())
}

fn code(reply: &Reply) -> (u16, Value, Value) {
    (reply.status, reply.json()["serviceErrorCode"].clone(), reply.json()["code"].clone())
}

#[tokio::test]
async fn comments_are_counted_off_ten_at_a_time_and_the_last_page_has_no_next() {
    let client = start().await;
    let first = client.get(&format!("socialActions/{SHARE}/comments")).await.json();
    assert_eq!(ids(&first).len(), 10);
    assert_eq!((&first["paging"]["start"], &first["paging"]["count"]), (&json!(0), &json!(10)));
    assert_eq!(first["paging"]["total"], 13);
    let next = link(&first, "next").unwrap().strip_prefix("/rest/").unwrap();
    let second = client.get(next).await.json();
    assert_eq!(ids(&second), ["6020", "6021", "6022"]);
    assert!(link(&second, "next").is_none() && link(&second, "prev").is_some());
    client.control("delete", &json!({ "id": urn("6011") }));
    let after = client.get(&format!("socialActions/{SHARE}/comments?count=100")).await.json();
    assert_eq!((ids(&after).len(), &after["paging"]["total"]), (12, &json!(13)), "the sum is wrong, as seen");
    let answers = client.get(&format!("socialActions/{}/comments", encoded(&urn("6010")))).await.json();
    assert_eq!(ids(&answers), ["7001", "7002"]);
    assert_eq!(answers["elements"][0]["parentComment"], urn("6010"));
}

#[tokio::test]
async fn a_comment_has_the_documented_parts_and_nobodys_name() {
    let client = start().await;
    let page = client.get(&format!("socialActions/{SHARE}/comments?count=1")).await;
    assert!(!String::from_utf8_lossy(&page.body).contains("Åsa"));
    let comment = page.json()["elements"][0].clone();
    assert_eq!(comment["$URN"], urn("6010"));
    assert!(comment.get("commentUrn").is_none());
    assert_eq!(comment["object"], ACTIVITY, "not the share that was asked for");
    assert_eq!(comment["actor"], "urn:li:person:aBc");
    assert_eq!(comment["created"], json!({ "actor": "urn:li:person:aBc", "time": 1_795_162_200_000_i64 }));
    assert_eq!(comment["message"], json!({ "attributes": [], "text": "Hej" }));
    assert_eq!(comment["commentsSummary"]["totalFirstLevelComments"], 2);
    let single = client.get(&format!("socialActions/{}/comments/6010", encoded(ACTIVITY))).await.json();
    assert_eq!(single["commentUrn"], urn("6010"), "the documentation's name for it");
    assert!(single.get("$URN").is_none());
    let sums = client.get(&format!("socialActions/{SHARE}")).await.json();
    assert_eq!(sums["commentsSummary"]["aggregatedTotalComments"], 15);
    let sums = client.get(&format!("socialMetadata/{SHARE}")).await.json();
    assert_eq!(sums["commentSummary"], json!({ "count": 15, "topLevelCount": 13 }));
}

#[tokio::test]
async fn a_urn_that_is_not_escaped_is_refused_and_noted() {
    let client = start().await;
    for path in [
        "socialActions/urn:li:share:6275832358189047808/comments".to_owned(),
        "socialActions/urn%3Ali%3Acomment%3A(urn%3Ali%3Aactivity%3A6273189577469632512%2C6010)/comments"
            .to_owned(),
        "socialActions/urn%3Ali%3Acomment%3A%28urn%3Ali%3Aactivity%3A6273189577469632512,6010%29/comments"
            .to_owned(),
    ] {
        assert_eq!(client.get(&path).await.status, 400, "{path}");
    }
    assert_eq!(client.violations().len(), 3);
    assert_eq!(client.get(&format!("socialActions/{}/comments", encoded(&urn("6010")))).await.status, 200);
    let short = "urn:li:comment:(activity:6273189577469632512,6010)";
    assert_eq!(client.get(&format!("socialActions/{}/comments", encoded(short))).await.status, 200);
    assert_eq!(client.violations().len(), 3);
}

#[tokio::test]
async fn version_and_protocol_must_be_told_and_a_version_lives_a_year() {
    let mut client = start().await;
    let path = format!("socialActions/{SHARE}/comments");
    let table = [
        (Some("202611"), 200),
        (Some("202512"), 200),
        (Some("202511"), 426),
        (Some("202612"), 426),
        (Some("202613"), 426),
        (Some("2026"), 426),
        (Some("20261x"), 426),
        (None, 400),
    ];
    for (version, status) in table {
        client.headers.retain(|(name, _)| *name != "LinkedIn-Version");
        client.headers.extend(version.map(|version| ("LinkedIn-Version", version.to_owned())));
        assert_eq!(client.get(&path).await.status, status, "{version:?}");
    }
    // Taken away on the seventeenth.
    client.headers.push(("LinkedIn-Version", "202508".to_owned()));
    client.control("clock", &json!({ "at": "2026-08-16T23:59:59Z" }));
    assert_eq!(client.get(&path).await.status, 200);
    client.control("clock", &json!({ "at": "2026-08-17T00:00:00Z" }));
    assert_eq!(code(&client.get(&path).await), (426, Value::Null, json!("NONEXISTENT_VERSION")));
    client.control("clock", &json!({ "at": "2026-08-16T23:59:59Z" }));
    client.headers.retain(|(name, _)| *name != "X-Restli-Protocol-Version");
    assert_eq!(client.get(&path).await.status, 400);
}

#[tokio::test]
async fn the_posts_of_an_organization_are_found_by_author() {
    let client = start().await;
    let path = format!("posts?q=author&author={}&count=5", encoded(ORGANIZATION));
    client.control("post", &json!({ "account": ORGANIZATION, "id": "urn:li:ugcPost:7", "text": "Nytt", "at": "2026-11-22T08:00:00Z" }));
    let page = client.get(&path).await.json();
    assert_eq!(ids(&page), ["urn:li:ugcPost:7", "urn:li:share:6275832358189047808"]);
    assert_eq!(page["elements"][0]["author"], ORGANIZATION);
    assert_eq!(page["elements"][0]["createdAt"], 1_795_334_400_000_i64);
    for path in ["posts", "posts?q=author", "posts?q=author&author=x"] {
        assert_eq!(client.get(path).await.status, 400, "{path}");
    }
}

#[tokio::test]
async fn an_answer_is_created_with_its_number_in_a_header_and_two_levels_are_the_most() {
    let client = start().await;
    let body = |parent: Option<&str>| {
        json!({
            "actor": ORGANIZATION, "object": ACTIVITY, "message": { "text": "Tack" },
            "parentComment": parent.map(urn),
        })
    };
    let under = format!("socialActions/{}/comments", encoded(&urn("6010")));
    let made = client.send("POST", &under, &body(Some("6010"))).await;
    assert_eq!((made.status, made.body.len()), (201, 0));
    let id = made.header("x-restli-id").to_owned();
    let answers = client.get(&under).await.json();
    let own = &answers["elements"][2];
    assert_eq!((&own["id"], &own["actor"]), (&json!(id), &json!(ORGANIZATION)));
    assert!(own["created"]["impersonator"].is_string());
    assert_eq!(client.send("POST", &under, &body(Some("7001"))).await.status, 400);
    for (key, value) in [
        ("actor", json!("urn:li:organization:1")),
        ("object", json!("urn:li:activity:1")),
        ("message", json!({})),
    ] {
        let mut wrong = body(None);
        wrong[key] = value;
        let status = client.send("POST", &under, &wrong).await.status;
        assert!((400..404).contains(&status), "{key}: {status}");
    }
}

#[tokio::test]
async fn ones_own_comment_is_deleted_and_anothers_as_the_switch_says() {
    let client = start().await;
    client.control("add", &line("8001", 40, &json!({ "ours": true, "author": null })));
    let path = |id: &str| format!("socialActions/{SHARE}/comments/{id}?actor={}", encoded(ORGANIZATION));
    let delete = async |path: String| client.ask("DELETE", &path, "", "").await.status;
    assert_eq!(delete(format!("socialActions/{SHARE}/comments/8001")).await, 400, "the actor is missing");
    assert_eq!((delete(path("8001")).await, delete(path("8001")).await), (204, 404));
    assert_eq!(delete(path("6012")).await, 403);
    client.control("account", &json!({ "account": ORGANIZATION, "memory": { "delete_others": true } }));
    assert_eq!(delete(path("6012")).await, 204);
    let page = client.get(&format!("socialActions/{SHARE}/comments?count=100")).await.json();
    assert!(!ids(&page).contains(&"6012"));
}

#[tokio::test]
async fn closing_the_comments_deletes_them_and_is_noted() {
    let client = start().await;
    let path = format!("socialMetadata/{SHARE}?actor={}", encoded(ORGANIZATION));
    let close = json!({ "patch": { "$set": { "commentsState": "CLOSED" } } });
    assert_eq!(client.send("POST", &path, &close).await.status, 202);
    assert!(client.handle.sandbox().state().iter().all(|comment| comment.deleted));
    assert_eq!(client.violations().len(), 1);
}

#[tokio::test]
async fn a_role_decides_what_is_shown() {
    let client = start().await;
    let path = format!("socialActions/{SHARE}/comments");
    let acls = async || client.get("organizationAcls?q=roleAssignee").await.json();
    assert_eq!(acls().await["elements"][0]["role"], "ADMINISTRATOR");
    assert_eq!(acls().await["elements"][0]["organization"], ORGANIZATION);
    client.control("account", &json!({ "account": ORGANIZATION, "memory": { "role": "RECRUITING_POSTER" } }));
    let page = client.get(&path).await;
    assert_eq!((page.status, ids(&page.json()).len()), (200, 0), "an empty list, no error");
    client.control("account", &json!({ "account": ORGANIZATION, "memory": { "role": "NONE" } }));
    assert_eq!(client.get(&path).await.status, 403);
    assert_eq!(acls().await["elements"], json!([]));
    let rights = json!({ "account": ORGANIZATION, "rights": ["w_organization_social_feed"], "memory": { "role": null } });
    client.control("account", &rights);
    assert_eq!(code(&client.get(&path).await), (403, json!(100), json!("ACCESS_DENIED")));
}

#[tokio::test]
async fn a_member_has_a_hundred_calls_a_day_and_the_app_five_hundred_until_midnight_utc() {
    let client = start().await;
    let path = format!("socialActions/{SHARE}/comments?count=1");
    assert_eq!(client.get(&path).await.status, 200);
    client.control("quota", &json!({ "account": ORGANIZATION, "name": "linkedin.member", "used": 99 }));
    assert_eq!(client.get(&path).await.status, 200);
    let reply = client.get(&path).await;
    assert_eq!(reply.status, 429);
    assert!(reply.json()["message"].as_str().unwrap().contains("MEMBER DAY limit"));
    assert!(
        !reply.headers.contains_key("retry-after") && reply.headers.keys().all(|name| !name.contains("rate"))
    );
    client.control("clock", &json!({ "at": "2026-11-24T00:00:00Z" }));
    assert_eq!(client.get(&path).await.status, 200);
    client.control("quota", &json!({ "name": "linkedin.app", "used": 500 }));
    assert!(client.get(&path).await.json()["message"].as_str().unwrap().contains("APPLICATION DAY limit"));
}

#[tokio::test]
async fn pages_behind_one_token_share_one_members_calls() {
    let client = start().await;
    let other = json!({ "account": "urn:li:organization:999", "id": "urn:li:share:7999", "text": "x",
        "at": "2026-11-20T08:00:00Z" });
    client.control("post", &other);
    let path = |post: &str| format!("socialActions/{post}/comments?count=1");
    let (ours, theirs) = (path(SHARE), path(&encoded("urn:li:share:7999")));
    assert_eq!(client.get(&ours).await.status, 200);
    client.control("quota", &json!({ "account": ORGANIZATION, "name": "linkedin.member", "used": 99 }));
    assert_eq!(client.get(&theirs).await.status, 200);
    assert_eq!(client.get(&ours).await.status, 429);
    assert_eq!(client.get(&theirs).await.status, 429);
    let mut another = client;
    another.headers[0].1 = "Bearer ANOTHER".to_owned();
    assert_eq!(another.get(&theirs).await.status, 200);
}

#[tokio::test]
async fn tokens_live_sixty_days_and_refresh_ends_a_year_after_the_first_grant() {
    let client = start().await;
    client.control(
        "account",
        &json!({ "account": ORGANIZATION, "platform": "linkedin", "memory": { "code": "C" } }),
    );
    let office = Client { base: "/linkedin/", ..client };
    let exchange = "grant_type=authorization_code&client_id=a&client_secret=b&redirect_uri=c&code=C";
    let given = office.form("oauth/v2/accessToken", exchange).await.json();
    assert_eq!(
        (&given["expires_in"], &given["refresh_token_expires_in"]),
        (&json!(5_184_000), &json!(31_536_000))
    );
    assert_eq!(
        office.form("oauth/v2/accessToken", exchange).await.json()["error"],
        "invalid_grant",
        "a code is good once"
    );
    office.control("clock", &json!({ "at": "2027-01-22T12:00:00Z" }));
    let with = |token: &Value| {
        vec![
            ("Authorization", format!("Bearer {}", token.as_str().unwrap())),
            ("Linkedin-Version", "202611".to_owned()),
            ("X-Restli-Protocol-Version", "2.0.0".to_owned()),
        ]
    };
    let mut office = Client { headers: with(&given["access_token"]), ..office };
    let path = format!("rest/socialActions/{SHARE}/comments");
    assert_eq!(code(&office.get(&path).await), (401, json!(65601), json!("REVOKED_ACCESS_TOKEN")));
    let refresh = format!(
        "grant_type=refresh_token&client_id=a&refresh_token={}",
        given["refresh_token"].as_str().unwrap()
    );
    let again = office.form("oauth/v2/accessToken", &refresh).await.json();
    assert_eq!(again["refresh_token_expires_in"], 305 * 86_400, "never extended");
    office.headers = with(&again["access_token"]);
    assert_eq!(office.get(&path).await.status, 200);
    office.headers = with(&json!("nonsense"));
    assert_eq!(code(&office.get(&path).await), (401, json!(65600), json!("INVALID_ACCESS_TOKEN")));
    office.control("clock", &json!({ "at": "2027-11-23T12:00:00Z" }));
    assert_eq!(office.form("oauth/v2/accessToken", &refresh).await.status, 400);
}

#[tokio::test]
async fn throttling_comes_with_and_without_a_time_to_wait() {
    let client = start().await;
    let path = format!("socialActions/{SHARE}/comments");
    for (fault, waits) in [
        (json!({ "account": ORGANIZATION, "kind": "429" }), ""),
        (json!({ "account": ORGANIZATION, "kind": "429", "seconds": 60, "retry_after": true }), "60"),
    ] {
        client.control("fault", &fault);
        let reply = client.get(&path).await;
        assert_eq!((reply.status, reply.header("retry-after")), (429, waits));
        assert!(reply.json()["message"].as_str().unwrap().contains("throttled"));
    }
    client.control("fault", &json!({ "account": ORGANIZATION, "kind": "empty" }));
    let empty = client.get(&path).await.json();
    assert!(ids(&empty).is_empty() && link(&empty, "next").unwrap().contains("start=0"));
    client.control(
        "fault",
        &json!({ "account": ORGANIZATION, "kind": "gone_token", "times": 1, "code": 65600 }),
    );
    assert_eq!(code(&client.get(&path).await).1, 65600);
}
