//! The media of an account, the comments on one, and the answers to a comment.

use std::borrow::Cow;
use std::cmp::Reverse;

use serde_json::{Value, json};

use super::{Asker, is_returned, living, living_media, node};
use crate::sandbox::comment::{Comment, Place, Post};
use crate::sandbox::meta::error::GraphError;
use crate::sandbox::meta::fields::{self, Wish};
use crate::sandbox::meta::page::{self, Slice};
use crate::sandbox::seed;
use crate::sandbox::wire::Call;
use crate::sandbox::world::World;

/// How many comments a page has at most.
const MOST: usize = 50;

/// `GET /{user}/media`, newest first. Recorded: the last page still has both cursors.
pub(super) fn media(world: &World, call: &Call, asker: &Asker<'_>) -> Result<Value, GraphError> {
    asker.must_read(world)?;
    let wishes = fields::wishes(call.param("fields"), &node::MEDIA)?;
    let mut list: Vec<(Place, (&String, &Post))> = world
        .posts_of(asker.account)
        .enumerate()
        .filter(|(_, (_, post))| !post.deleted)
        .map(|(index, (id, post))| {
            let when = seed::instant(&post.at).unwrap_or(i64::MAX);
            ((when, u64::try_from(index).unwrap_or(u64::MAX)), (id, post))
        })
        .collect();
    list.sort_by_key(|(place, _)| Reverse(*place));
    let slice = Slice::take(world, call, asker.account, list, true)?;
    let data: Result<Vec<Value>, GraphError> = slice
        .elements
        .iter()
        .map(|(_, (id, post))| node::media(world, call, asker, id, post, &wishes))
        .collect();
    Ok(slice.page(world, call, asker.account, data?))
}

/// The comments on a media object that the edge holds, in the order of time; with those that are gone, marked.
fn select<'a>(
    world: &'a World,
    asker: &Asker<'_>,
    post: &'a Post,
    above: Option<&str>,
) -> Vec<(Place, (Cow<'a, Comment>, bool))> {
    if post.setting("age_gated") == Some(&Value::Bool(true)) {
        return Vec::new();
    }
    let unlisted = asker.is_set(world, "hidden_unlisted");
    world
        .listed(post)
        .filter(|(_, comment)| comment.parent.as_deref() == above)
        .filter(|(_, comment)| !(unlisted && comment.hidden))
        .filter(|(_, comment)| comment.setting("unlisted") != Some(&Value::Bool(true)))
        .map(|(place, comment)| {
            let gone = !is_returned(world, asker, &comment);
            (place, (comment, gone))
        })
        .collect()
}

/// How many comments and answers people see: `comments_count`.
pub(super) fn count(world: &World, asker: &Asker<'_>, post: &Post) -> usize {
    let seen = |comment: &Comment| is_returned(world, asker, comment) && !comment.hidden;
    world.listed(post).filter(|(_, comment)| seen(comment)).count()
}

/// `GET /{media}/comments`: the top level, newest first. There is no `filter`, `order` or `since`: they are ignored.
pub(super) fn comments(
    world: &World,
    call: &Call,
    asker: &Asker<'_>,
    object: &str,
) -> Result<Value, GraphError> {
    let post = living_media(world, object)?;
    let mut list = select(world, asker, post, None);
    list.reverse();
    edge(world, call, asker, list, true)
}

/// `GET /{comment}/replies`: the answers, oldest first. There is one level of them.
pub(super) fn replies(
    world: &World,
    call: &Call,
    asker: &Asker<'_>,
    object: &str,
) -> Result<Value, GraphError> {
    let comment = living(world, asker, object)?;
    let post = living_media(world, &comment.post)?;
    edge(world, call, asker, select(world, asker, post, Some(object)), false)
}

/// Recorded: a page has only the cursor `after`, and the last one has no `paging` at all.
fn edge(
    world: &World,
    call: &Call,
    asker: &Asker<'_>,
    list: Vec<(Place, (Cow<'_, Comment>, bool))>,
    descending: bool,
) -> Result<Value, GraphError> {
    asker.must_read(world)?;
    let wishes = fields::wishes(call.param("fields"), &node::COMMENT)?;
    let mut fewer = call.clone();
    let limit = page::limit(call.param("limit"))?.min(MOST);
    fewer.params.retain(|(key, _)| !matches!(key.as_str(), "limit" | "before"));
    fewer.params.push(("limit".to_owned(), limit.to_string()));
    let slice = Slice::take(world, &fewer, asker.account, list, descending)?;
    let data: Result<Vec<Value>, GraphError> = slice
        .elements
        .iter()
        .filter(|(_, (_, gone))| !gone)
        .map(|(_, (comment, _))| node::comment(world, asker, comment, &wishes))
        .collect();
    let mut page = slice.page(world, call, asker.account, data?);
    if slice.has_more() {
        let after = page["paging"]["cursors"]["after"].take();
        page["paging"] = json!({ "cursors": { "after": after }, "next": page["paging"]["next"] });
    } else if let Some(page) = page.as_object_mut() {
        page.shift_remove("paging");
    }
    Ok(page)
}

/// `comments.limit(3){…}` as a field of a media object.
pub(super) fn within(
    world: &World,
    asker: &Asker<'_>,
    post: &Post,
    wish: &Wish,
) -> Result<Value, GraphError> {
    let limit = page::limit(wish.arg("limit"))?.min(MOST);
    let wishes = fields::wishes(wish.fields().as_deref(), &node::COMMENT)?;
    let list = select(world, asker, post, None);
    let living = list.iter().rev().filter(|(_, (_, gone))| !gone).take(limit);
    let data: Result<Vec<Value>, GraphError> =
        living.map(|(_, (comment, _))| node::comment(world, asker, comment, &wishes)).collect();
    Ok(json!({ "data": data? }))
}
