//! What a token can do: hide, delete, answer, turn comments off, and write to somebody in private.

use serde_json::{Value, json};

use super::{Asker, living, living_media, refusal};
use crate::sandbox::comment::Hider;
use crate::sandbox::meta::act::{self, Reply};
use crate::sandbox::meta::error::GraphError;
use crate::sandbox::meta::{boolean, private};
use crate::sandbox::wire::Call;
use crate::sandbox::world::World;

/// `POST /{comment}` with `hide`; the field that tells is called `hidden`.
pub(super) fn hide(
    world: &mut World,
    call: &Call,
    asker: &Asker<'_>,
    object: &str,
) -> Result<Value, GraphError> {
    asker.must_moderate(world)?;
    if call.param("hidden").is_some() {
        world.violation("hidden is the field; the parameter is hide");
    }
    let ours = living(world, asker, object)?.ours;
    let hide = call.param("hide").ok_or_else(|| GraphError::new(100, "The parameter hide is required"))?;
    let hidden = boolean("hide", hide)?;
    // The account's own comment on its own media stays visible, though the answer says otherwise.
    if !ours {
        world.change(object, |comment| comment.hide(hidden, Hider::Us));
    }
    Ok(json!({ "success": true }))
}

/// `POST /{media}` with `comment_enabled`.
pub(super) fn media(
    world: &mut World,
    call: &Call,
    asker: &Asker<'_>,
    object: &str,
) -> Result<Value, GraphError> {
    asker.must_moderate(world)?;
    let account = living_media(world, object)?.account.clone();
    let enabled = call.param("comment_enabled");
    let enabled = enabled.ok_or_else(|| GraphError::new(100, "The parameter comment_enabled is required"))?;
    let closed = !boolean("comment_enabled", enabled)?;
    world.change_post(object, &account, |post| post.closed = closed);
    Ok(json!({ "success": true }))
}

/// `DELETE /{comment}`.
pub(super) fn delete(world: &mut World, asker: &Asker<'_>, object: &str) -> Result<Value, GraphError> {
    asker.must_moderate(world)?;
    living(world, asker, object)?;
    world.change(object, |comment| comment.deleted = true);
    Ok(json!({ "success": true }))
}

/// `POST /{comment}/replies` and `POST /{media}/comments`: answers as the account.
pub(super) fn reply(
    world: &mut World,
    call: &Call,
    asker: &Asker<'_>,
    object: &str,
) -> Result<Value, GraphError> {
    asker.must_moderate(world)?;
    let text = act::text(call, "The parameter message is required")?;
    let (post, parent) = if world.post(object).is_some() {
        (object.to_owned(), None)
    } else {
        let comment = living(world, asker, object)?;
        if comment.hidden {
            return Err(GraphError::new(100, "Hidden comments cannot be replied to"));
        }
        // One level only: an answer to an answer stands beside it.
        (comment.post.clone(), Some(comment.parent.clone().unwrap_or_else(|| object.to_owned())))
    };
    if living_media(world, &post)?.closed {
        return Err(GraphError::new(100, "Comments are turned off for this media"));
    }
    let id = (18_000_000_000_000_000_u64 + u64::try_from(world.count()).unwrap_or_default()).to_string();
    let name = world.account(asker.account).and_then(|account| account.username.clone());
    let answer = Reply { post, id: id.clone(), parent, name, text };
    act::write(world, asker.account, answer)?;
    Ok(json!({ "id": id }))
}

/// `POST /{user}/messages`: a message to who wrote a comment.
pub(super) fn message(world: &mut World, call: &Call, asker: &Asker<'_>) -> Result<Value, GraphError> {
    let [_, _, messages] = asker.flavour.rights();
    if !asker.holds(world, messages) {
        return Err(refusal());
    }
    let message = private::message(call)?;
    living(world, asker, &message.comment)?;
    private::send(world, &message.comment, &message.text)
}
