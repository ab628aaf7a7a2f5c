//! The Data API as the fact sheet and the recorded answers tell it.

use serde_json::{Value, json};

use crate::sandbox::asking::{Client, same_shape};

const CHANNEL: &str = "UCa-vrCLQHviTOVnEKDOdetQ";

fn line(post: &str, id: &str, minute: u32, more: &Value) -> Value {
    let mut line = json!({
        "account": CHANNEL, "post": post, "id": id, "author": { "id": "UCe9", "name": "Åsa Öberg" },
        "at": format!("2026-11-20T08:{minute:02}:00Z"), "text": "Hej <b>då</b> & \"tack\"",
    });
    line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    line
}

/// Three threads: one on the channel, two under a video, of which the first has seven replies.
fn seed() -> Vec<Value> {
    let mut seed = vec![
        line("video1", "Ugx1", 0, &json!({})),
        line(CHANNEL, "Ugx2", 1, &json!({})),
        line("video1", "Ugx3", 2, &json!({})),
    ];
    for n in 0..7_u32 {
        seed.push(line("video1", &format!("Ugx1.{n}"), 10 + n, &json!({ "parent": "Ugx1" })));
    }
    seed
}

async fn start() -> Client {
    Client::start("/youtube/v3/", &seed()).await
}

const ALL: &str = "commentThreads?part=snippet,replies&allThreadsRelatedToChannelId=UCa-vrCLQHviTOVnEKDOdetQ";

fn ids(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

fn used(client: &Client) -> u64 {
    let asked = client.handle.sandbox().requests();
    asked.iter().flat_map(|asked| &asked.spent).map(|spent| spent.units).sum()
}

#[tokio::test]
async fn a_page_of_threads_is_made_of_what_was_recorded() {
    let client = start().await;
    let all = client.get(ALL).await.json();
    let recorded = include_str!(
        "../../../tests/fixtures/connector/youtube/commentThreads_allThreadsRelatedToChannelId.json"
    );
    // Another's `textOriginal` is promised to nobody.
    same_shape(&all, recorded, &["textOriginal"], &[".replies"]);
    let channel = &all["items"][1]["snippet"];
    assert!(
        channel.get("videoId").is_none() && channel["topLevelComment"]["snippet"].get("videoId").is_none()
    );
    let single = client.get("comments?part=snippet&id=Ugx2").await.json();
    let recorded = include_str!("../../../tests/fixtures/connector/youtube/comments_single.json");
    same_shape(&single, recorded, &["textOriginal"], &[]);
    let replies = client.get("comments?part=snippet&parentId=Ugx1&maxResults=2").await.json();
    let recorded = include_str!("../../../tests/fixtures/connector/youtube/comments_by_parent_p1.json");
    same_shape(&replies, recorded, &["textOriginal"], &[]);
    let thread = client.get("commentThreads?part=snippet,replies&id=Ugx1").await.json();
    let recorded =
        include_str!("../../../tests/fixtures/connector/youtube/comment_thread_with_replies_model.json");
    same_shape(&thread["items"][0], recorded, &["textOriginal", "comments[].snippet.videoId"], &[]);
}

#[tokio::test]
async fn a_thread_brings_five_replies_along_and_tells_how_many_there_are() {
    let client = start().await;
    let all = client.get(ALL).await.json();
    assert_eq!(ids(&all), ["Ugx3", "Ugx2", "Ugx1"], "newest first");
    assert!(all["items"][0].get("replies").is_none());
    let thread = &all["items"][2];
    assert_eq!(thread["snippet"]["totalReplyCount"], 7);
    assert_eq!(thread["replies"]["comments"].as_array().unwrap().len(), 5);
    let mut found = Vec::new();
    let mut token = String::new();
    for _ in 0..9 {
        let path = format!("comments?part=id&parentId=Ugx1&maxResults=3&pageToken={token}");
        let page = client.get(&path).await.json();
        found.extend(ids(&page).into_iter().map(str::to_owned));
        match page["nextPageToken"].as_str() {
            Some(next) => next.clone_into(&mut token),
            None => break,
        }
    }
    assert_eq!(found, (0..7).rev().map(|n| format!("Ugx1.{n}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn exactly_one_filter_and_only_values_that_exist_are_taken() {
    let client = start().await;
    let table = [
        ("commentThreads?part=snippet", 400, "missingRequiredParameter"),
        ("commentThreads?videoId=video1", 400, "required"),
        ("commentThreads?part=snippet&videoId=video1&id=Ugx1", 400, "incompatibleParameters"),
        ("commentThreads?part=snippet&id=Ugx1&moderationStatus=heldForReview", 400, "incompatibleParameters"),
        ("commentThreads?part=snippet&videoId=video1&moderationStatus=rejected", 400, "invalidParameter"),
        ("commentThreads?part=snippet&videoId=video1&maxResults=0", 400, "invalidParameter"),
        ("commentThreads?part=snippet&videoId=video1&maxResults=101", 400, "invalidParameter"),
        ("commentThreads?part=snippet&videoId=video1&order=newest", 400, "invalidParameter"),
        ("commentThreads?part=snippet&videoId=video1&textFormat=text", 400, "invalidParameter"),
        ("commentThreads?part=snippet&videoId=video1&pageToken=x", 400, "invalidPageToken"),
        ("commentThreads?part=body&videoId=video1", 400, "unknownPart"),
        ("commentThreads?part=snippet&videoId=nothing", 404, "videoNotFound"),
        ("comments?part=snippet", 400, "missingRequiredParameter"),
        ("comments?part=snippet&id=Ugx1&parentId=Ugx1", 400, "incompatibleParameters"),
        ("comments?part=snippet&parentId=nothing", 404, "commentNotFound"),
        ("comments?part=snippet&parentId=Ugx1.1", 404, "commentNotFound"),
        ("captions?part=snippet", 404, "notFound"),
    ];
    for (path, status, reason) in table {
        let reply = client.get(path).await;
        assert_eq!(reply.status, status, "{path}");
        assert_eq!(reply.json()["error"]["errors"][0]["reason"], reason, "{path}");
        assert_eq!(reply.json()["error"]["code"], status, "{path}");
    }
    // Each of them was a call, and each cost.
    assert_eq!(used(&client), 17);
}

#[tokio::test]
async fn text_is_html_unless_plain_text_is_wanted_and_only_ones_own_original_is_shown() {
    let client = start().await;
    let text = async |path: &str| client.get(path).await.json()["items"][0]["snippet"].clone();
    let html = text("comments?part=snippet&id=Ugx2").await;
    assert_eq!(html["textDisplay"], "Hej &lt;b&gt;då&lt;/b&gt; &amp; &quot;tack&quot;");
    assert!(html.get("textOriginal").is_none());
    let plain = text("comments?part=snippet&id=Ugx2&textFormat=plainText").await;
    assert_eq!(plain["textDisplay"], "Hej <b>då</b> & \"tack\"");
    let reply = json!({ "snippet": { "parentId": "Ugx2", "textOriginal": "Tack & hej" } });
    let own = client.send("POST", "comments?part=snippet", &reply).await;
    let recorded = include_str!("../../../tests/fixtures/connector/youtube/comments_insert.json");
    same_shape(&own.json(), recorded, &[], &[]);
    assert!(own.json()["id"].as_str().unwrap().starts_with("Ugx2."));
    assert_eq!(own.json()["snippet"]["textOriginal"], "Tack & hej");
    assert_eq!(own.json()["snippet"]["authorChannelId"]["value"], CHANNEL);
    let nothing = json!({ "snippet": { "parentId": "Ugx1.1", "textOriginal": "x" } });
    assert_eq!(client.send("POST", "comments?part=snippet", &nothing).await.status, 404, "one level only");
}

#[tokio::test]
async fn a_rejected_comment_is_never_listed_again_and_takes_its_replies_along() {
    let client = start().await;
    let reject = "comments/setModerationStatus?id=Ugx1,Ugx3&moderationStatus=rejected";
    let reply = client.form(reject, "").await;
    assert_eq!((reply.status, reply.body.len()), (204, 0));
    for status in ["published", "heldForReview", "likelySpam"] {
        let page = client.get(&format!("{ALL}&moderationStatus={status}")).await.json();
        assert!(!ids(&page).contains(&"Ugx1"), "{status}");
    }
    assert_eq!(ids(&client.get("comments?part=id&id=Ugx1,Ugx1.1,Ugx2").await.json()), ["Ugx2"]);
    assert_eq!(ids(&client.get("comments?part=id&parentId=Ugx1").await.json()), Vec::<&str>::new());
    assert!(client.handle.sandbox().state()[0].hidden);
    let back = "comments/setModerationStatus?id=Ugx1&moderationStatus=published";
    assert_eq!(client.form(back, "").await.status, 204);
    assert_eq!(ids(&client.get(ALL).await.json()), ["Ugx2", "Ugx1"]);
    assert_eq!(ids(&client.get("comments?part=id&parentId=Ugx1").await.json()).len(), 7);
}

#[tokio::test]
async fn a_moderation_call_is_carried_out_for_all_or_for_none() {
    let client = start().await;
    let many = (0..51).map(|n| format!("Ugx{n}")).collect::<Vec<_>>().join(",");
    let table = [
        ("id=Ugx1&moderationStatus=likelySpam", 400, "invalidParameter"),
        ("id=Ugx1&moderationStatus=published&banAuthor=true", 400, "banWithoutReject"),
        ("id=Ugx1&moderationStatus=heldForReview&banAuthor=true", 400, "banWithoutReject"),
        ("id=Ugx1,nothing&moderationStatus=rejected", 404, "commentNotFound"),
        ("moderationStatus=rejected", 400, "required"),
        ("id=Ugx1", 400, "required"),
        (&format!("id={many}&moderationStatus=rejected"), 400, "invalidParameter"),
    ];
    for (query, status, reason) in table {
        let reply = client.form(&format!("comments/setModerationStatus?{query}"), "").await;
        assert_eq!(
            (reply.status, &reply.json()["error"]["errors"][0]["reason"]),
            (status, &json!(reason)),
            "{query}"
        );
    }
    assert!(client.handle.sandbox().state().iter().all(|comment| !comment.hidden));
    let ban = "comments/setModerationStatus?id=Ugx1&moderationStatus=rejected&banAuthor=true";
    assert_eq!(client.form(ban, "").await.status, 204);
}

#[tokio::test]
async fn what_the_filter_holds_is_told_by_the_filter_that_was_asked_for() {
    let client = start().await;
    client.control("hold", &json!({ "id": "Ugx3", "held": true, "state": "likelySpam" }));
    client.control("hide", &json!({ "id": "Ugx2", "by": "filter" }));
    let page = async |status: &str| client.get(&format!("{ALL}&moderationStatus={status}")).await.json();
    let spam = page("likelySpam").await;
    assert_eq!(ids(&spam), ["Ugx3"]);
    assert_eq!(spam["items"][0]["snippet"]["topLevelComment"]["snippet"]["moderationStatus"], "likelySpam");
    assert_eq!(spam["items"][0]["snippet"]["isPublic"], false);
    assert_eq!(ids(&page("heldForReview").await), ["Ugx2"]);
    let published = page("published").await;
    assert_eq!(ids(&published), ["Ugx1"]);
    assert!(published["items"][0]["snippet"]["topLevelComment"]["snippet"].get("moderationStatus").is_none());
    let by_id = client.get("comments?part=snippet&id=Ugx3").await.json();
    assert!(by_id["items"][0]["snippet"].get("moderationStatus").is_none(), "never set by id");
    let approve = "comments/setModerationStatus?id=Ugx3,Ugx2&moderationStatus=published";
    assert_eq!(client.form(approve, "").await.status, 204);
    assert_eq!(ids(&client.get(ALL).await.json()).len(), 3);
}

#[tokio::test]
async fn a_day_has_ten_thousand_units_and_ends_at_midnight_in_california() {
    let client = start().await;
    client.control("clock", &json!({ "at": "2026-11-20T12:00:00Z" }));
    assert_eq!(client.get(ALL).await.status, 200);
    client.control("quota", &json!({ "name": "youtube.units", "used": 9_949 }));
    assert_eq!(
        client.form("comments/setModerationStatus?id=Ugx1&moderationStatus=rejected", "").await.status,
        204
    );
    assert_eq!(client.get(ALL).await.status, 200);
    let reply = client.get(ALL).await;
    assert_eq!(reply.status, 403);
    let error = reply.json()["error"].clone();
    assert_eq!(
        (&error["errors"][0]["reason"], &error["errors"][0]["domain"]),
        (&json!("quotaExceeded"), &json!("youtube.quota"))
    );
    assert!(reply.headers.keys().all(|name| !name.contains("limit") && !name.contains("quota")));
    client.control("clock", &json!({ "at": "2026-11-21T07:59:59Z" }));
    assert_eq!(client.get(ALL).await.status, 403);
    client.control("clock", &json!({ "at": "2026-11-21T08:00:00Z" }));
    assert_eq!(client.get(ALL).await.status, 200);
}

#[tokio::test]
async fn a_video_without_comments_says_so_and_its_comments_stand_in_no_list() {
    let client = start().await;
    client.control("post", &json!({ "account": CHANNEL, "id": "video1", "closed": true }));
    let reply = client.get("commentThreads?part=snippet&videoId=video1").await;
    assert_eq!(
        (reply.status, &reply.json()["error"]["errors"][0]["reason"]),
        (403, &json!("commentsDisabled"))
    );
    assert_eq!(ids(&client.get(ALL).await.json()), ["Ugx2"]);
    let video = client.get("videos?part=statistics&id=video1,nothing").await.json();
    assert_eq!(ids(&video), ["video1"]);
    assert!(video["items"][0]["statistics"].get("commentCount").is_none());
}

#[tokio::test]
async fn a_channel_leads_to_its_uploads_and_each_tells_how_many_comments_it_has() {
    let client = start().await;
    let channel = client.get("channels?part=snippet,statistics,contentDetails&mine=true").await.json();
    assert_eq!(channel["items"][0]["id"], CHANNEL);
    assert_eq!(channel["items"][0]["statistics"]["videoCount"], "1");
    let uploads = channel["items"][0]["contentDetails"]["relatedPlaylists"]["uploads"].as_str().unwrap();
    let list = client.get(&format!("playlistItems?part=contentDetails&playlistId={uploads}")).await.json();
    assert_eq!(list["items"][0]["contentDetails"]["videoId"], "video1");
    let count = async || {
        let videos = client.get("videos?part=statistics&id=video1").await.json();
        videos["items"][0]["statistics"]["commentCount"].clone()
    };
    assert_eq!(count().await, "9");
    client.form("comments/setModerationStatus?id=Ugx1&moderationStatus=rejected", "").await;
    assert_eq!(count().await, "1");
}

#[tokio::test]
async fn only_ones_own_comment_can_be_deleted() {
    let client = start().await;
    let own = line("video1", "Ugx9", 30, &json!({ "ours": true, "author": null }));
    client.control("add", &own);
    let delete = async |id: &str| client.ask("DELETE", &format!("comments?id={id}"), "", "").await.status;
    assert_eq!((delete("Ugx9").await, delete("Ugx9").await), (204, 404));
    assert_eq!((delete("Ugx1").await, delete("nothing").await), (403, 404));
}

#[tokio::test]
async fn a_refresh_token_gives_an_access_token_of_an_hour_and_dies_when_it_is_taken_back() {
    let client = start().await;
    client.control("clock", &json!({ "at": "2026-11-20T12:00:00Z" }));
    client.control("token", &json!({ "account": CHANNEL, "token": "TOKEN", "refresh": "R", "expires_at": "2026-11-20T12:00:10Z" }));
    let ask = "grant_type=refresh_token&client_id=a&client_secret=b&refresh_token=R";
    // Beside the API, not below its version.
    assert_eq!(client.form("token", ask).await.status, 404);
    let office = Client { base: "/youtube/", ..client };
    let given = office.form("token", ask).await.json();
    assert_eq!(given["expires_in"], 3599);
    assert!(given.get("refresh_token").is_none(), "a refresh gives no new one");
    office.control("clock", &json!({ "at": "2026-11-20T12:00:11Z" }));
    let old = office.get(&format!("v3/{ALL}")).await;
    assert_eq!((old.status, &old.json()["error"]["status"]), (401, &json!("UNAUTHENTICATED")));
    let fresh = Client {
        headers: vec![("Authorization", format!("Bearer {}", given["access_token"].as_str().unwrap()))],
        ..office
    };
    assert_eq!(fresh.get(&format!("v3/{ALL}")).await.status, 200);
    for (form, status, error) in [
        ("grant_type=refresh_token&client_id=a&refresh_token=other", 400, "invalid_grant"),
        ("grant_type=password&client_id=a", 400, "unsupported_grant_type"),
        ("grant_type=refresh_token&client_id=a", 400, "invalid_request"),
    ] {
        let reply = fresh.form("token", form).await;
        assert_eq!((reply.status, reply.json()["error"].as_str().unwrap()), (status, error), "{form}");
    }
}

#[tokio::test]
async fn faults_come_as_the_recorded_errors_do() {
    let client = start().await;
    let table = [
        (json!({ "kind": "refuse", "on": "any", "code": 503 }), 403, "SERVICE_UNAVAILABLE"),
        (json!({ "kind": "refuse", "on": "any", "code": 400 }), 400, "processingFailure"),
        (json!({ "kind": "refuse", "on": "any" }), 403, "forbidden"),
        (json!({ "kind": "429" }), 403, "quotaExceeded"),
        (json!({ "kind": "429", "code": 429 }), 429, "rateLimitExceeded"),
        (json!({ "kind": "token", "times": 1 }), 401, "authError"),
        (json!({ "kind": "down" }), 503, "backendError"),
    ];
    for (mut fault, status, reason) in table {
        fault["account"] = json!(CHANNEL);
        client.control("fault", &fault);
        let reply = client.get(ALL).await;
        assert_eq!(
            (reply.status, &reply.json()["error"]["errors"][0]["reason"]),
            (status, &json!(reason)),
            "{fault}"
        );
        if reason == "SERVICE_UNAVAILABLE" {
            let recorded =
                include_str!("../../../tests/fixtures/connector/youtube/error_403_permission.json");
            same_shape(&reply.json(), recorded, &[], &[]);
        }
    }
    client.control("fault", &json!({ "account": CHANNEL, "kind": "string_error" }));
    let recorded = include_str!("../../../tests/fixtures/connector/youtube/error_string_form.json");
    same_shape(&client.get(ALL).await.json(), recorded, &[], &[]);
    client.control("fault", &json!({ "account": CHANNEL, "kind": "empty" }));
    let empty = client.get(ALL).await.json();
    assert_eq!(empty["items"], json!([]));
    let next = empty["nextPageToken"].as_str().unwrap();
    assert_eq!(ids(&client.get(&format!("{ALL}&pageToken={next}")).await.json()).len(), 3);
}

#[tokio::test]
async fn what_is_new_shows_late_and_what_is_deleted_leaves_a_shorter_page() {
    let client = start().await;
    client.control("clock", &json!({ "at": "2026-11-20T12:00:00Z" }));
    client.control("lag", &json!({ "account": CHANNEL, "seconds": 60 }));
    client.control("add", &line("video1", "Ugx4", 59, &json!({})));
    client.control("delete", &json!({ "id": "Ugx3" }));
    assert_eq!(ids(&client.get(ALL).await.json()), ["Ugx3", "Ugx2", "Ugx1"]);
    client.control("clock", &json!({ "at": "2026-11-20T12:01:00Z" }));
    let page = client.get(&format!("{ALL}&maxResults=2")).await.json();
    assert_eq!(ids(&page), ["Ugx4"]);
    let next = page["nextPageToken"].as_str().unwrap();
    assert_eq!(
        ids(&client.get(&format!("{ALL}&maxResults=2&pageToken={next}")).await.json()),
        ["Ugx2", "Ugx1"]
    );
    client.control("reset", &json!({}));
    assert_eq!(client.get(&format!("{ALL}&maxResults=2&pageToken={next}")).await.status, 400);
}
