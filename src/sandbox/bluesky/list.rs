//! Lists: notifications, an account's feed, posts by their addresses.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::error::Refusal;
use super::{session, view};
use crate::sandbox::comment::{Comment, Place};
use crate::sandbox::common;
use crate::sandbox::wire::Call;
use crate::sandbox::world::World;

/// How many ancestors of an answer are told of it.
const DEPTH: usize = 5;

/// `app.bsky.notification.listNotifications`: answers to what the account wrote, newest first; none that is hidden,
/// none below a hidden one, and none deeper than five.
pub(super) fn notifications(world: &World, call: &Call, account: &str) -> Result<Value, Refusal> {
    let reasons: Vec<&str> =
        call.params.iter().filter(|(key, _)| key == "reasons").map(|(_, value)| value.as_str()).collect();
    let wanted = reasons.is_empty() || reasons.contains(&"reply");
    let all: Vec<(Place, (Place, Cow<'_, Comment>))> = common::comments_of(world, account)
        .filter(|(_, comment)| wanted && !comment.ours && !view::is_blocked(comment))
        .filter(|(_, comment)| view::is_there(world, comment) && is_told(world, comment))
        .map(|(place, comment)| (place, (place, comment)))
        .collect();
    let (elements, cursor) = page(world, call, account, "notifications", all)?;
    let shown: Vec<Value> = elements
        .iter()
        .map(|comment| {
            let view = view::answer(world, call, comment, 0);
            json!({
                "uri": view["uri"],
                "cid": view["cid"],
                "author": view["author"],
                "reason": "reply",
                "reasonSubject": comment.parent.as_ref().unwrap_or(&comment.post),
                "record": view["record"],
                "isRead": false,
                "indexedAt": view["indexedAt"],
                "labels": [],
            })
        })
        .collect();
    let mut answer =
        json!({ "notifications": shown, "priority": false, "seenAt": common::long(world.now()) });
    if let Some(cursor) = cursor {
        answer["cursor"] = json!(cursor);
    }
    Ok(answer)
}

/// Whether the account hears of an answer: it wrote one of the five posts above it.
fn is_told(world: &World, comment: &Comment) -> bool {
    let above = common::ancestors(world, comment);
    if comment.hidden || above.iter().any(|above| above.hidden) {
        return false;
    }
    above.len() < DEPTH || above.iter().take(DEPTH).any(|above| above.ours)
}

/// `app.bsky.feed.getAuthorFeed`: the posts of an account, and its answers unless they are not wanted.
pub(super) fn feed(world: &World, call: &Call) -> Result<Value, Refusal> {
    let actor = call
        .param("actor")
        .ok_or_else(|| Refusal::invalid("Error: Params must have the property \"actor\""))?;
    let account = session::known(world, actor)
        .ok_or_else(|| Refusal::invalid(&format!("Profile not found: {actor}")))?;
    let answers = match call.param("filter") {
        None | Some("posts_with_replies" | "posts_and_author_threads") => true,
        Some("posts_no_replies") => false,
        Some(other) => return Err(Refusal::invalid(&format!("Error: filter {other} is not here"))),
    };
    let posts = world.posts_of(&account).enumerate().filter_map(|(number, (id, post))| {
        let when = common::instant(&post.at).map_or(i64::MAX, |at| at.timestamp_millis());
        let place = (when, u64::try_from(number).unwrap_or(u64::MAX));
        Some((place, (place, view::post(world, id).filter(|_| !post.is_visitors())?)))
    });
    let own = common::comments_of(world, &account)
        .filter(|(_, comment)| answers && comment.ours && view::is_there(world, comment))
        .map(|(place, comment)| {
            (place, (place, view::answer(world, call, &comment, world.answers(&comment.id))))
        });
    let all = posts.chain(own).collect();
    let (elements, cursor) = page(world, call, &account, &format!("feed {answers}"), all)?;
    let feed: Vec<Value> = elements.into_iter().map(|post| json!({ "post": post })).collect();
    let mut answer = json!({ "feed": feed });
    if let Some(cursor) = cursor {
        answer["cursor"] = json!(cursor);
    }
    Ok(answer)
}

/// `app.bsky.feed.getPosts`: at most 25; those that are gone are left out.
pub(super) fn posts(world: &World, call: &Call) -> Result<Value, Refusal> {
    let uris: Vec<&str> = call
        .params
        .iter()
        .filter(|(key, _)| key == "uris" || key == "uris[]")
        .map(|(_, value)| value.as_str())
        .collect();
    if uris.is_empty() || uris.len() > 25 {
        return Err(Refusal::invalid("Error: uris must have between 1 and 25 elements"));
    }
    let answer = |uri: &&str| {
        let comment = world.comment(uri).filter(|comment| !comment.deleted && !view::is_blocked(comment))?;
        Some(view::answer(world, call, comment, world.answers(uri)))
    };
    let found: Vec<Value> =
        uris.iter().filter_map(|uri| view::post(world, uri).or_else(|| answer(uri))).collect();
    Ok(json!({ "posts": found }))
}

/// A page of a list. A page with anything on it has a cursor; the page after the last is empty and has none.
fn page<T>(
    world: &World,
    call: &Call,
    account: &str,
    list: &str,
    all: Vec<(Place, (Place, T))>,
) -> Result<(Vec<T>, Option<String>), Refusal> {
    let limit = match call.param("limit") {
        None => 50,
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=100).contains(limit))
            .ok_or_else(|| Refusal::invalid("Error: limit must be an integer from 1 to 100"))?,
    };
    let after = match call.param("cursor").filter(|cursor| !cursor.is_empty()) {
        None => None,
        Some(cursor) => Some(
            common::place(world, account, list, cursor)
                .ok_or_else(|| Refusal::invalid("Malformed cursor"))?,
        ),
    };
    let slice = common::newest_first(call, all, after, limit);
    let end = slice.elements.last().map(|(place, _)| *place).or(slice.next);
    let cursor = end.map(|end| common::cursor(world, account, list, end));
    Ok((slice.elements.into_iter().map(|(_, element)| element).collect(), cursor))
}
