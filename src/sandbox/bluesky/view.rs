//! How the app view shows people, posts and threads.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::{Value, json};

use super::error::Refusal;
use super::{cid, gate};
use crate::sandbox::comment::{Comment, Place};
use crate::sandbox::common;
use crate::sandbox::wire::Call;
use crate::sandbox::world::World;

/// The answers of a thread by what they answer, as the app view has them.
type Answers<'a> = HashMap<String, Vec<(Place, Cow<'a, Comment>)>>;

/// An account's handle.
pub(super) fn handle(world: &World, id: &str) -> String {
    let told = world.account(id).and_then(|account| account.username.clone());
    told.unwrap_or_else(|| format!("{}.test", id.rsplit([':', '/']).next().unwrap_or("x").to_lowercase()))
}

/// The record behind a post or answer that is there.
pub(super) fn record(world: &World, uri: &str) -> Option<Value> {
    if let Some(post) = world.post(uri).filter(|post| !post.deleted) {
        let at = common::rfc3339(&post.at, true);
        return Some(
            json!({ "$type": "app.bsky.feed.post", "text": post.text, "createdAt": at, "langs": ["sv"] }),
        );
    }
    let comment = world.comment(uri).filter(|comment| !comment.deleted)?;
    Some(answer_record(world, comment))
}

/// The name of a post's or answer's content. It is made of what the author wrote, without what it answers, so that no
/// chain of answers is to be followed.
pub(super) fn name(world: &World, uri: &str) -> String {
    let post = || world.post(uri).map(|post| json!([uri, post.text, post.at]));
    let content = world.comment(uri).map(|comment| json!([uri, comment.text, comment.at])).or_else(post);
    cid::of(&content.unwrap_or_else(|| json!(uri)))
}

fn answer_record(world: &World, comment: &Comment) -> Value {
    // What is gone is still named by what it was.
    let strong = |uri: &str| json!({ "uri": uri, "cid": name(world, uri) });
    let parent_ref = strong(comment.parent.as_ref().unwrap_or(&comment.post));
    let mut record = json!({
        "$type": "app.bsky.feed.post",
        "text": comment.text,
        "langs": ["sv"],
        "reply": { "root": strong(&comment.post), "parent": parent_ref },
        "createdAt": common::rfc3339(&comment.at, true),
    });
    let images: Vec<Value> = comment.media.iter().filter(|media| media.mime().starts_with("image/")).map(|media| {
        let blob = json!({ "$type": "blob", "ref": { "$link": cid::of(&json!(media.id)) }, "mimeType": media.mime(), "size": 570_738 });
        json!({ "alt": media.alt.clone().unwrap_or_default(), "image": blob })
    }).collect();
    if !images.is_empty() {
        record["embed"] = json!({ "$type": "app.bsky.embed.images", "images": images });
    }
    record
}

fn author(world: &World, id: &str, name: Option<&str>) -> Value {
    let name = world.account(id).map(|account| account.name.as_str()).or(name).unwrap_or_default();
    json!({
        "did": id,
        "handle": handle(world, id),
        "displayName": name,
        "viewer": { "muted": false, "blockedBy": false },
        "labels": [],
    })
}

/// Who wrote an answer.
pub(super) fn answerer(world: &World, comment: &Comment) -> Value {
    if comment.ours {
        return author(world, &comment.account, None);
    }
    let told = comment.author.clone().unwrap_or_default();
    let id = told.id.unwrap_or_else(|| format!("did:plc:{:024x}", common::number_of(&comment.id)));
    author(world, &id, told.name.as_deref())
}

/// A post of an account.
pub(super) fn post(world: &World, uri: &str) -> Option<Value> {
    let post = world.post(uri).filter(|post| !post.deleted)?;
    let record = record(world, uri)?;
    let direct = world
        .listed(post)
        .filter(|(_, comment)| comment.parent.is_none() && is_there(world, comment))
        .count();
    let mut view = json!({
        "uri": uri,
        "cid": name(world, uri),
        "author": author(world, &post.account, None),
        "record": record,
        "replyCount": direct, "repostCount": 0, "likeCount": 0, "quoteCount": 0,
        "indexedAt": common::rfc3339(&post.at, true),
        "viewer": { "threadMuted": false, "embeddingDisabled": false },
        "labels": [],
    });
    if let Some(gate) = gate::view(world, &post.account, uri) {
        view["threadgate"] = gate;
    }
    Some(view)
}

/// An answer.
pub(super) fn answer(world: &World, call: &Call, comment: &Comment, answers: usize) -> Value {
    let record = answer_record(world, comment);
    let mut view = json!({
        "uri": comment.id,
        "cid": name(world, &comment.id),
        "author": answerer(world, comment),
        "record": record,
        "replyCount": answers, "repostCount": 0, "likeCount": comment.likes, "quoteCount": 0,
        // When the network saw it; `createdAt` is what the author says.
        "indexedAt": indexed(comment),
        "viewer": { "threadMuted": false, "embeddingDisabled": false },
        "labels": [],
    });
    let images: Vec<Value> = comment
        .media
        .iter()
        .filter(|media| media.mime().starts_with("image/"))
        .map(|media| {
            let url = media.url(&call.host);
            json!({ "thumb": url, "fullsize": url, "alt": media.alt.clone().unwrap_or_default() })
        })
        .collect();
    if !images.is_empty() {
        view["embed"] = json!({ "$type": "app.bsky.embed.images#view", "images": images });
    }
    view
}

/// When the network saw an answer: the setting `indexed_at`, else when its author says it was written.
pub(super) fn indexed(comment: &Comment) -> String {
    let told = comment.setting("indexed_at").and_then(Value::as_str).unwrap_or(&comment.at);
    common::rfc3339(told, true)
}

/// Whether an answer is shown; one that is hidden is, behind a click.
pub(super) fn is_there(world: &World, comment: &Comment) -> bool {
    !comment.held && !world.is_gone(comment)
}

/// Whether its author blocks the account, or is blocked (the comment's setting `blocked`).
pub(super) fn is_blocked(comment: &Comment) -> bool {
    comment.setting("blocked") == Some(&Value::Bool(true))
}

/// `app.bsky.feed.getPostThread`: hidden answers stand in it, with the gate that hides them beside.
pub(super) fn thread(world: &World, call: &Call) -> Result<Value, Refusal> {
    let uri =
        call.param("uri").ok_or_else(|| Refusal::invalid("Error: Params must have the property \"uri\""))?;
    let number = |name: &str, usual: usize| match call.param(name) {
        None => Ok(usual),
        Some(text) => text
            .parse()
            .ok()
            .filter(|number| *number <= 1000)
            .ok_or_else(|| Refusal::invalid(&format!("Error: {name} must be an integer from 0 to 1000"))),
    };
    let (depth, height) = (number("depth", 6)?, number("parentHeight", 80)?);
    let missing = || Refusal::new(400, "NotFound", &format!("Post not found: {uri}"));
    let root = world.comment(uri).map_or(uri, |comment| &comment.post);
    let post = world.post(root).filter(|post| !post.deleted).ok_or_else(missing)?;
    let mut answers: Answers<'_> = HashMap::new();
    for (place, comment) in world.listed(post) {
        if !call.empty && is_there(world, &comment) {
            let above = comment.parent.clone().unwrap_or_else(|| root.to_owned());
            answers.entry(above).or_default().push((place, comment));
        }
    }
    let mut thread = if root == uri {
        json!({ "$type": "app.bsky.feed.defs#threadViewPost", "post": self::post(world, uri) })
    } else {
        let comment = world.comment(uri).filter(|comment| is_there(world, comment)).ok_or_else(missing)?;
        let mut thread = node(world, call, comment, &answers);
        thread["parent"] = parents(world, call, comment, height, &answers);
        thread
    };
    if depth > 0 {
        thread["replies"] = replies(world, call, uri, depth, &answers);
    }
    thread["threadContext"] = json!({});
    let mut answer = json!({ "thread": thread });
    if let Some(gate) = gate::view(world, &post.account, root) {
        answer["threadgate"] = gate;
    }
    Ok(answer)
}

fn node(world: &World, call: &Call, comment: &Comment, answers: &Answers<'_>) -> Value {
    if is_blocked(comment) {
        let author = answerer(world, comment)["did"].take();
        return json!({
            "$type": "app.bsky.feed.defs#blockedPost", "uri": comment.id, "blocked": true,
            "author": { "did": author, "viewer": { "blockedBy": true } },
        });
    }
    let below = answers.get(&comment.id).map_or(0, Vec::len);
    json!({
        "$type": "app.bsky.feed.defs#threadViewPost",
        "post": answer(world, call, comment, below),
        "threadContext": {},
    })
}

fn replies(world: &World, call: &Call, uri: &str, depth: usize, answers: &Answers<'_>) -> Value {
    let below = answers.get(uri).into_iter().flatten().map(|(_, comment)| {
        let mut shown = node(world, call, comment, answers);
        // A circle in a seed ends here: each step goes one down.
        if depth > 1 && !is_blocked(comment) {
            shown["replies"] = replies(world, call, &comment.id, depth - 1, answers);
        }
        shown
    });
    below.collect()
}

fn parents(world: &World, call: &Call, comment: &Comment, height: usize, answers: &Answers<'_>) -> Value {
    if height == 0 {
        return Value::Null;
    }
    match comment.parent.as_deref().and_then(|parent| world.comment(parent)) {
        Some(above) => {
            let mut shown = node(world, call, above, answers);
            shown["parent"] = parents(world, call, above, height - 1, answers);
            shown
        }
        None => json!({
            "$type": "app.bsky.feed.defs#threadViewPost", "post": post(world, &comment.post), "threadContext": {},
        }),
    }
}
