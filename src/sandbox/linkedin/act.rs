//! What changes something: comments written and deleted, and what must never be called.

use serde_json::Value;

use super::error::Refusal;
use super::list::is_public;
use super::urn::{self, Target};
use crate::sandbox::common;
use crate::sandbox::seed::{Author, Line};
use crate::sandbox::wire::{Answer, Call};
use crate::sandbox::world::{World, graph_date};

/// How long a comment may be.
const LONGEST: usize = 1_250;

/// `POST socialActions/{urn}/comments`: 201, with the new comment's number in a header and nothing else.
pub(super) fn create(
    world: &mut World,
    call: &Call,
    account: &str,
    target: &Target,
) -> Result<Answer, Refusal> {
    acts_as(world, call.json["actor"].as_str(), account)?;
    let text = call.json["message"]["text"].as_str().filter(|text| !text.trim().is_empty());
    let text = text.ok_or_else(|| Refusal::illegal("/message/text :: field is required but not found"))?;
    if text.chars().count() > LONGEST {
        return Err(Refusal::illegal("/message/text :: text is too long"));
    }
    let post = target.post(world).ok_or_else(|| Refusal::not_found("post"))?.to_owned();
    let object = call.json["object"].as_str();
    let object = object.ok_or_else(|| Refusal::illegal("/object :: field is required but not found"))?;
    if urn::target(world, object) != Some(Target::Post(post.clone())) {
        return Err(Refusal::illegal("/object :: does not match the resource"));
    }
    if world.post(&post).is_some_and(|post| post.closed) {
        return Err(Refusal::forbidden("comments, which are closed"));
    }
    let parent = match (call.json["parentComment"].as_str(), target) {
        (Some(parent), _) => match urn::target(world, parent) {
            Some(Target::Comment(id)) => Some(id),
            _ => return Err(Refusal::not_found(parent)),
        },
        (None, Target::Comment(id)) => Some(id.clone()),
        (None, Target::Post(_)) => None,
    };
    if let Some(parent) = &parent {
        let above = world.comment(parent).filter(|above| is_public(world, above));
        let above = above.ok_or_else(|| Refusal::not_found("parentComment"))?;
        if above.parent.is_some() {
            return Err(Refusal::illegal("/parentComment :: comments are nested at most two levels deep"));
        }
    }
    let number = common::big_number(&format!("{post} {}", world.count()));
    let id = format!("urn:li:comment:({},{number})", urn::activity(world, &post));
    let name = world.account(account).map(|account| account.name.clone());
    let line = Line {
        account: account.to_owned(),
        post,
        id,
        parent,
        author: Some(Author { id: Some(account.to_owned()), name }),
        at: Some(graph_date(world.now())),
        text: text.to_owned(),
        ours: true,
        ..Line::default()
    };
    world
        .check(&line)
        .map_err(|_| Refusal::new(500, None, "INTERNAL_SERVER_ERROR", "Internal Server Error"))?;
    world.add(line);
    Ok(Answer::none(201).with("x-restli-id", number.to_string()))
}

/// `DELETE socialActions/{urn}/comments/{id}?actor=…`: 204. One's own always; another member's as the setting says.
pub(super) fn delete(world: &mut World, call: &Call, account: &str, id: &str) -> Result<Answer, Refusal> {
    acts_as(world, call.param("actor"), account)?;
    let comment = world.comment(id).filter(|comment| is_public(world, comment));
    let comment = comment.ok_or_else(|| Refusal::not_found("comment"))?;
    let may = comment.ours || world.account(account).is_some_and(|account| account.is_set("delete_others"));
    if !may {
        return Err(Refusal::forbidden("socialActions.comments.DELETE"));
    }
    world.change(id, |comment| comment.deleted = true);
    Ok(Answer::none(204))
}

/// `POST socialMetadata/{urn}`: closing the comments deletes those that are there.
pub(super) fn close(world: &mut World, call: &Call, target: &Target) -> Result<Answer, Refusal> {
    let state = call.json["patch"]["$set"]["commentsState"].as_str();
    let closed = match state {
        Some("CLOSED") => true,
        Some("OPEN") => false,
        _ => return Err(Refusal::illegal("/patch/$set/commentsState :: field is required but not found")),
    };
    let id = target.post(world).ok_or_else(|| Refusal::not_found("post"))?.to_owned();
    let post = world.post(&id).ok_or_else(|| Refusal::not_found("post"))?;
    let (account, comments): (String, Vec<String>) =
        (post.account.clone(), post.comments.values().cloned().collect());
    world.change_post(&id, &account, |post| post.closed = closed);
    if closed {
        world.violation("commentsState CLOSED, which deletes every comment under the post");
        for id in comments {
            world.change(&id, |comment| comment.deleted = true);
        }
    }
    Ok(Answer::json(202, &Value::Null))
}

/// Whether the actor is the organization itself, which its administrators may speak for.
fn acts_as(world: &World, actor: Option<&str>, account: &str) -> Result<(), Refusal> {
    let actor = actor.ok_or_else(|| Refusal::illegal("Parameter 'actor' is required"))?;
    if urn::account(world, actor) == account { Ok(()) } else { Err(Refusal::forbidden("actor")) }
}
