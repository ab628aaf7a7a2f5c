//! The verbs about comments and posts.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{ControlError, nullable, parse};
use crate::domain::comment::Attachment;
use crate::sandbox::comment::Hider;
use crate::sandbox::media::Media;
use crate::sandbox::seed::{Author, Line};
use crate::sandbox::world::World;

/// Adds seed lines, all or none.
pub(super) fn add(world: &mut World, body: &[u8]) -> Result<usize, ControlError> {
    let mut lines = Vec::new();
    let mut new = HashSet::new();
    // Whole values rather than lines, so that one indented object is as good as NDJSON.
    for line in serde_json::Deserializer::from_slice(body).into_iter::<Line>() {
        let number = lines.len() + 1;
        let bad = |reason: String| ControlError::Bad(format!("comment {number}: {reason}"));
        let line = line.map_err(|error| bad(error.to_string()))?;
        world.check(&line).map_err(bad)?;
        if !new.insert(line.id.clone()) {
            return Err(bad(format!("`{}` stands there twice", line.id)));
        }
        lines.push(line);
    }
    if lines.is_empty() {
        return Err(ControlError::Bad("the body holds no comment".to_owned()));
    }
    // Two lines of the same body may disagree on whose post it is: only the state after each tells.
    let mut owners = HashMap::new();
    for (index, line) in lines.iter().enumerate() {
        let owner = owners.entry(&line.post).or_insert(&line.account);
        if *owner != &line.account || new.contains(&line.post) {
            let reason =
                format!("comment {}: post `{}` is in use elsewhere in the body", index + 1, line.post);
            return Err(ControlError::Bad(reason));
        }
    }
    let count = lines.len();
    for line in lines {
        world.add(line);
    }
    Ok(count)
}

#[derive(Deserialize)]
struct Edit {
    id: String,
    text: String,
    #[serde(default)]
    likes: Option<u64>,
    #[serde(default)]
    media: Option<Vec<Media>>,
    #[serde(default, deserialize_with = "nullable")]
    #[expect(clippy::option_option, reason = "absent, null and a value are three different orders")]
    attachment: Option<Option<Attachment>>,
    #[serde(default, deserialize_with = "nullable")]
    #[expect(clippy::option_option, reason = "absent, null and a value are three different orders")]
    author: Option<Option<Author>>,
    #[serde(default)]
    memory: Map<String, Value>,
}

pub(super) fn edit(world: &mut World, body: &[u8]) -> Result<(), ControlError> {
    let edit: Edit = parse(body)?;
    let now = world.now();
    let found = world.change(&edit.id, |comment| {
        comment.rewrite(edit.text, now);
        comment.likes = edit.likes.unwrap_or(comment.likes);
        if let Some(kind) = edit.attachment {
            comment.attachment = kind;
            comment.media = kind.and_then(|kind| Media::of(kind, &comment.id)).into_iter().collect();
        }
        if let Some(media) = edit.media {
            comment.media = media;
        }
        if let Some(author) = edit.author {
            comment.author = author;
        }
        merge(&mut comment.memory, edit.memory);
    });
    known(found, &edit.id)
}

/// Adds the keys of `new`; a null takes one away.
pub(super) fn merge(memory: &mut Map<String, Value>, new: Map<String, Value>) {
    for (key, value) in new {
        if value.is_null() {
            memory.shift_remove(&key);
        } else {
            memory.insert(key, value);
        }
    }
}

#[derive(Deserialize)]
struct Delete {
    id: String,
}

pub(super) fn delete(world: &mut World, body: &[u8], deleted: bool) -> Result<(), ControlError> {
    let Delete { id } = parse(body)?;
    if let Some(post) = world.post(&id) {
        let account = post.account.clone();
        world.change_post(&id, &account, |post| post.deleted = deleted);
        return Ok(());
    }
    known(world.change(&id, |comment| comment.deleted = deleted), &id)
}

#[derive(Deserialize)]
struct Hide {
    id: String,
    #[serde(default = "yes")]
    hidden: bool,
    #[serde(default = "somebody")]
    by: Hider,
}

fn yes() -> bool {
    true
}

fn somebody() -> Hider {
    Hider::App
}

pub(super) fn hide(world: &mut World, body: &[u8]) -> Result<(), ControlError> {
    let Hide { id, hidden, by } = parse(body)?;
    if let Some(post) = world.post(&id) {
        let account = post.account.clone();
        world.change_post(&id, &account, |post| post.hidden = hidden);
        return Ok(());
    }
    known(world.change(&id, |comment| comment.hide(hidden, by)), &id)
}

#[derive(Deserialize)]
struct Hold {
    id: String,
    #[serde(default = "yes")]
    held: bool,
    #[serde(default)]
    state: Option<String>,
}

pub(super) fn hold(world: &mut World, body: &[u8]) -> Result<(), ControlError> {
    let Hold { id, held, state } = parse(body)?;
    let found = world.change(&id, |comment| {
        comment.held = held;
        comment.moderation = state;
    });
    known(found, &id)
}

#[derive(Deserialize)]
struct Place {
    id: String,
    #[serde(default)]
    post: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    #[expect(clippy::option_option, reason = "absent, null and a value are three different orders")]
    parent: Option<Option<String>>,
    #[serde(default)]
    at: Option<String>,
}

pub(super) fn place(world: &mut World, body: &[u8]) -> Result<(), ControlError> {
    let Place { id, post, parent, at } = parse(body)?;
    let Some(comment) = world.comment(&id) else { return known(false, &id) };
    let post = post.unwrap_or_else(|| comment.post.clone());
    let parent = parent.unwrap_or_else(|| comment.parent.clone()).filter(|parent| *parent != post);
    match world.post(&post) {
        None => return Err(ControlError::Unknown(format!("there is no post `{post}`"))),
        Some(to) if to.account != comment.account => {
            return Err(ControlError::Bad(format!("post `{post}` belongs to account `{}`", to.account)));
        }
        Some(_) => {}
    }
    if parent.as_ref() == Some(&id) {
        return Err(ControlError::Bad(format!("`{id}` cannot answer itself")));
    }
    world.place_comment(&id, &post, parent, at);
    Ok(())
}

#[derive(Deserialize)]
struct Post {
    account: String,
    id: String,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    at: Option<String>,
    #[serde(default)]
    author: Option<Author>,
    #[serde(default)]
    deleted: Option<bool>,
    #[serde(default)]
    hidden: Option<bool>,
    #[serde(default)]
    closed: Option<bool>,
    #[serde(default)]
    media: Option<Vec<Media>>,
    #[serde(default)]
    edited_at: Option<DateTime<Utc>>,
    #[serde(default)]
    memory: Map<String, Value>,
}

pub(super) fn post(world: &mut World, body: &[u8]) -> Result<(), ControlError> {
    let order: Post = parse(body)?;
    world.check_post(&order.id, &order.account).map_err(ControlError::Bad)?;
    let (now, new) = (world.now(), world.post(&order.id).is_none());
    world.change_post(&order.id, &order.account, |post| {
        if let Some(text) = order.text {
            if !new && post.text != text {
                post.edited_at = Some(now);
            }
            post.text = text;
        }
        if let Some(at) = order.at {
            post.at = at;
        }
        post.edited_at = order.edited_at.or(post.edited_at);
        post.author = order.author.or(post.author.take());
        post.deleted = order.deleted.unwrap_or(post.deleted);
        post.hidden = order.hidden.unwrap_or(post.hidden);
        post.closed = order.closed.unwrap_or(post.closed);
        if let Some(media) = order.media {
            post.media = media;
        }
        merge(&mut post.memory, order.memory);
    });
    Ok(())
}

fn known(found: bool, id: &str) -> Result<(), ControlError> {
    if found { Ok(()) } else { Err(ControlError::Unknown(format!("there is no comment `{id}`"))) }
}
