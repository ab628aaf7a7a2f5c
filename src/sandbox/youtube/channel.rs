//! Channels, their videos and the list of their uploads.

use serde_json::{Value, json};

use super::error::Refusal;
use super::list::parts;
use super::status::{self, Status};
use super::{Surface, show};
use crate::sandbox::comment::{Comment, Post};
use crate::sandbox::common;
use crate::sandbox::wire::Call;
use crate::sandbox::world::World;

/// `GET channels`: one's own (`mine`), or by id.
pub(super) fn channels(world: &World, call: &Call, account: Option<&str>) -> Result<Value, Refusal> {
    let parts = parts(call, &["id", "snippet", "statistics", "contentDetails", "status"])?;
    let ids: Vec<&str> = match (call.param("mine"), call.param("id")) {
        (Some("true"), None) => account.into_iter().collect(),
        (None, Some(ids)) => ids.split(',').filter(|id| world.account(id).is_some()).collect(),
        (Some(_), Some(_)) => return Err(Refusal::incompatible("mine, id")),
        _ => {
            let message = "No filter selected. Expected one of: id, mine";
            return Err(Refusal::new(400, "youtube.parameter", "missingRequiredParameter", message));
        }
    };
    let items: Vec<Value> = ids
        .iter()
        .map(|id| {
            let account = world.account(id);
            let videos = world.posts_of(id).filter(|(post, is)| is_video(id, post, is)).count();
            let name = account.map_or("Kommunen", |account| &account.name);
            let about = account.map_or("", |account| &account.about);
            let handle = account.and_then(|account| account.username.clone());
            let mut item = json!({
                "kind": "youtube#channel",
                "etag": show::etag(id),
                "id": id,
                "snippet": {
                    "title": name,
                    "description": about,
                    "customUrl": handle.map(|handle| format!("@{handle}")),
                    "publishedAt": "2012-03-01T09:00:00Z",
                    "localized": { "title": name, "description": about },
                    "country": "SE",
                },
                "statistics": {
                    "viewCount": "0",
                    "subscriberCount": "0",
                    "hiddenSubscriberCount": false,
                    "videoCount": videos.to_string(),
                },
                "contentDetails": { "relatedPlaylists": { "likes": "", "uploads": uploads(id) } },
                "status": { "privacyStatus": "public", "isLinked": true },
            });
            show::cut(&mut item, &parts);
            item
        })
        .collect();
    Ok(list("youtube#channelListResponse", items, None, 5))
}

/// `GET videos?id=…`: at most fifty; unknown ones are left out.
pub(super) fn videos(world: &World, call: &Call) -> Result<Value, Refusal> {
    let parts = parts(call, &["id", "snippet", "statistics", "status", "contentDetails"])?;
    let ids: Vec<&str> = call.param("id").ok_or_else(|| Refusal::missing("id"))?.split(',').collect();
    if ids.len() > 50 {
        return Err(Refusal::invalid("id", &format!("{} ids", ids.len())));
    }
    let items: Vec<Value> = ids
        .iter()
        .filter_map(|id| Some((*id, world.post(id)?)))
        .filter(|(id, post)| is_video(&post.account, id, post))
        .map(|(id, post)| {
            let mut item = json!({
                "kind": "youtube#video",
                "etag": show::etag(id),
                "id": id,
                "snippet": {
                    "publishedAt": common::rfc3339(&post.at, false),
                    "channelId": post.account,
                    "title": post.text.lines().next().unwrap_or_default(),
                    "description": post.text,
                    "channelTitle": world.account(&post.account).map(|account| account.name.clone()),
                    "liveBroadcastContent": "none",
                },
                "statistics": { "viewCount": "0", "likeCount": "0", "favoriteCount": "0" },
                "status": { "uploadStatus": "processed", "privacyStatus": "public" },
                "contentDetails": { "duration": "PT2M" },
            });
            if !post.closed {
                // With replies, as far as anybody may see them; a number as text, as all of them here.
                item["statistics"]["commentCount"] = json!(count(world, post).to_string());
            }
            show::cut(&mut item, &parts);
            item
        })
        .collect();
    Ok(list("youtube#videoListResponse", items, None, 5))
}

/// `GET playlistItems?playlistId=…`: the uploads, newest first.
pub(super) fn uploaded(world: &World, call: &Call, account: &str) -> Result<Value, Refusal> {
    let parts = parts(call, &["id", "snippet", "contentDetails", "status"])?;
    let playlist = call.param("playlistId").ok_or_else(|| Refusal::missing("playlistId"))?;
    if playlist != uploads(account) {
        let message = "The playlist identified with the request's playlistId parameter cannot be found.";
        return Err(Refusal::new(404, "youtube.playlistItem", "playlistNotFound", message));
    }
    let limit = match call.param("maxResults") {
        None => 5,
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=50).contains(limit))
            .ok_or_else(|| Refusal::invalid("maxResults", text))?,
    };
    let after = match call.param("pageToken").filter(|token| !token.is_empty()) {
        None => None,
        Some(token) => Some(common::place(world, account, playlist, token).ok_or_else(|| {
            let message = "The request specifies an invalid page token.";
            Refusal::new(400, "youtube.parameter", "invalidPageToken", message)
        })?),
    };
    let all = world
        .posts_of(account)
        .enumerate()
        .filter(|(_, (id, post))| is_video(account, id, post))
        .map(|(number, (id, post))| {
            let when = common::instant(&post.at).map_or(i64::MAX, |at| at.timestamp_millis());
            ((when, u64::try_from(number).unwrap_or(u64::MAX)), (id, post))
        })
        .collect();
    let slice = common::newest_first(call, all, after, limit);
    let items = slice.elements.into_iter().map(|(id, post)| {
        let mut item = json!({
            "kind": "youtube#playlistItem",
            "etag": show::etag(id),
            "id": format!("{:x}", common::number_of(id)),
            "snippet": {
                "publishedAt": common::rfc3339(&post.at, false),
                "channelId": account,
                "title": post.text.lines().next().unwrap_or_default(),
                "description": post.text,
                "playlistId": playlist,
                "resourceId": { "kind": "youtube#video", "videoId": id },
            },
            "contentDetails": { "videoId": id, "videoPublishedAt": common::rfc3339(&post.at, false) },
            "status": { "privacyStatus": "public" },
        });
        show::cut(&mut item, &parts);
        item
    });
    let next = slice.next.map(|next| common::cursor(world, account, playlist, next));
    Ok(list("youtube#playlistItemListResponse", items.collect(), next, limit))
}

/// The playlist of a channel's uploads.
fn uploads(account: &str) -> String {
    format!("UU{}", account.strip_prefix("UC").unwrap_or(account))
}

/// The channel whose uploads a playlist holds.
pub(super) fn channel_of(world: &World, playlist: &str) -> Option<String> {
    let rest = playlist.strip_prefix("UU")?;
    [format!("UC{rest}"), rest.to_owned()].into_iter().find(|id| world.account(id).is_some())
}

fn is_video(account: &str, id: &str, post: &Post) -> bool {
    Surface::of(account, id) == Surface::Video && !post.deleted && !post.hidden
}

fn count(world: &World, post: &Post) -> usize {
    let seen = |comment: &Comment| {
        !world.is_gone(comment)
            && status::of(comment) == Status::Published
            && !status::is_buried(world, comment)
    };
    world.listed(post).filter(|(_, comment)| seen(comment)).count()
}

fn list(kind: &str, items: Vec<Value>, next: Option<String>, limit: usize) -> Value {
    let mut page = json!({ "kind": kind, "etag": show::etag(&format!("{kind} {}", items.len())) });
    if let Some(next) = next {
        page["nextPageToken"] = json!(next);
    }
    page["pageInfo"] = json!({ "totalResults": items.len(), "resultsPerPage": limit });
    page["items"] = Value::Array(items);
    page
}
