//! What a token can do: hide, delete, answer, and write to somebody in private.

use serde_json::{Value, json};

use super::node::COMMENT;
use super::{Asker, living, node, resolve};
use crate::sandbox::comment::Hider;
use crate::sandbox::meta::act::{self, Reply};
use crate::sandbox::meta::boolean;
use crate::sandbox::meta::error::GraphError;
use crate::sandbox::meta::{fields, private};
use crate::sandbox::wire::Call;
use crate::sandbox::world::World;

/// `POST /{comment}`: hides, shows again, or edits, one and the same call. A visitor's post is hidden likewise.
pub(super) fn update(
    world: &mut World,
    call: &Call,
    asker: &Asker<'_>,
    object: &str,
) -> Result<Value, GraphError> {
    asker.must_moderate(world)?;
    let hidden = call.param("is_hidden").map(|value| boolean("is_hidden", value)).transpose()?;
    if let Some(post) = world.post(object).filter(|post| !post.deleted) {
        let (visitor, account) = (post.is_visitors(), post.account.clone());
        let hidden = hidden.filter(|_| visitor).ok_or_else(|| GraphError::new(100, "Nothing to update"))?;
        world.change_post(object, &account, |post| post.hidden = hidden);
        return Ok(json!({ "success": true }));
    }
    let ours = living(world, asker, object)?.ours;
    let message = call.param("message").map(str::to_owned);
    match (&message, hidden) {
        // A Page may edit its own words only, and hide only others'.
        (Some(_), _) if !ours => return Err(GraphError::new(200, "Permissions error")),
        (_, Some(true)) if ours => return Err(GraphError::new(200, "Comment cannot be hidden")),
        (None, None) => return Err(GraphError::new(100, "Nothing to update")),
        _ => {}
    }
    let now = world.now();
    world.change(object, |comment| {
        if let Some(message) = message {
            comment.rewrite(message, now);
        }
        if let Some(hidden) = hidden {
            comment.hide(hidden, Hider::Us);
        }
    });
    Ok(json!({ "success": true }))
}

/// `DELETE /{comment}` or a post.
pub(super) fn delete(world: &mut World, asker: &Asker<'_>, object: &str) -> Result<Value, GraphError> {
    asker.must_moderate(world)?;
    if let Some(post) = world.post(object).filter(|post| !post.deleted) {
        let account = post.account.clone();
        world.change_post(object, &account, |post| post.deleted = true);
        return Ok(json!({ "success": true }));
    }
    living(world, asker, object)?;
    world.change(object, |comment| comment.deleted = true);
    Ok(json!({ "success": true }))
}

/// `POST /{object}/comments`: answers as the Page.
pub(super) fn reply(
    world: &mut World,
    call: &Call,
    asker: &Asker<'_>,
    object: &str,
) -> Result<Value, GraphError> {
    asker.must_moderate(world)?;
    let text = act::text(call, "Param message must be set")?;
    let (post, parent) = if world.post(object).is_some_and(|post| !post.deleted) {
        (object.to_owned(), None)
    } else {
        let comment = living(world, asker, object)?;
        // Two levels only: an answer to an answer stands beside it.
        (comment.post.clone(), Some(comment.parent.clone().unwrap_or_else(|| object.to_owned())))
    };
    if world.post(&post).is_some_and(|post| post.closed) {
        return Err(GraphError::new(200, "Commenting is turned off for this post"));
    }
    let last = post.rsplit('_').next().unwrap_or(&post);
    let id = format!("{last}_{}", 9_000_000_000_000_000 + world.count());
    let name = world.account(asker.account).map(|account| account.name.clone());
    let answer = Reply { post, id: id.clone(), parent, name, text };
    act::write(world, asker.account, answer)?;
    let Some(fields) = call.param("fields") else { return Ok(json!({ "id": id })) };
    let wishes = fields::wishes(Some(fields), &COMMENT)?;
    Ok(node::comment(world, call, asker, living(world, asker, &id)?, &wishes, true))
}

/// `POST /{page}/messages`: a message to who wrote a comment.
pub(super) fn message(world: &mut World, call: &Call, asker: &Asker<'_>) -> Result<Value, GraphError> {
    for right in ["pages_messaging", "MESSAGING"] {
        if !asker.holds(world, right) {
            return Err(GraphError::right(200, &format!("Requires {right} permission to send messages")));
        }
    }
    let message = private::message(call)?;
    let id = resolve(world, &message.comment).to_owned();
    living(world, asker, &id)?;
    private::send(world, &id, &message.text)
}
