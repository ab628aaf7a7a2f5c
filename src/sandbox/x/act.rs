//! What changes something: hiding, answering, deleting one's own.

use serde_json::{Value, json};

use super::meter;
use super::problem::Problem;
use super::tweet::{Tweet, is_there, username};
use crate::sandbox::comment::Hider;
use crate::sandbox::common;
use crate::sandbox::seed::{Author, Line};
use crate::sandbox::wire::Call;
use crate::sandbox::world::{World, graph_date};

/// How long a tweet may be without paying for more.
const LONGEST: usize = 280;

/// `PUT tweets/:id/hidden`: only replies in conversations that the account itself began.
pub(super) fn hide(world: &mut World, call: &Call, account: &str, id: &str) -> Result<Value, Problem> {
    let Some(hidden) = call.json.get("hidden").and_then(Value::as_bool) else {
        return Err(Problem::parameter("hidden", None, "$.hidden: is missing but it is required"));
    };
    meter::charge(world, account, meter::MANAGE)?;
    let comment = world.comment(id).filter(|comment| is_there(world, comment)).ok_or_else(|| {
        if world.post(id).is_some() {
            Problem::forbidden("A conversation's first Tweet cannot be hidden.")
        } else {
            Problem::not_found()
        }
    })?;
    let began = Tweet::post(world, &comment.post).is_some_and(|post| post.author == account);
    if !began || comment.account != account {
        return Err(Problem::forbidden("You can only hide replies in conversations that you have started."));
    }
    if comment.ours {
        return Err(Problem::forbidden("You are not permitted to hide your own Tweet."));
    }
    world.change(id, |comment| comment.hide(hidden, Hider::Us));
    Ok(json!({ "data": { "hidden": hidden } }))
}

/// `POST tweets`: an answer, only to somebody who named the account.
pub(super) fn answer(world: &mut World, call: &Call, account: &str) -> Result<Value, Problem> {
    let text = call.json["text"].as_str().filter(|text| !text.trim().is_empty());
    let text =
        text.ok_or_else(|| Problem::parameter("text", None, "$.text: is missing but it is required"))?;
    if text.chars().count() > LONGEST {
        return Err(Problem::forbidden("Your Tweet text is too long."));
    }
    let has_address = text.contains("http://") || text.contains("https://");
    meter::charge(world, account, if has_address { meter::WRITE_URL } else { meter::WRITE })?;
    let Some(parent) = call.json["reply"]["in_reply_to_tweet_id"].as_str() else {
        // A new conversation: a post of the account.
        let id = fresh(world, account);
        world
            .check_post(&id, account)
            .map_err(|_| Problem::plain(500, "Internal Error", "Internal Error"))?;
        let text = text.to_owned();
        world.change_post(&id, account, |post| post.text.clone_from(&text));
        return Ok(json!({ "data": { "id": id, "text": text } }));
    };
    let above = Tweet::find(world, parent).ok_or_else(|| {
        Problem::forbidden("You attempted to reply to a Tweet that is deleted or not visible to you.")
    })?;
    let name = format!("@{}", username(world, account)).to_lowercase();
    if above.author != account && !above.text.to_lowercase().contains(&name) {
        return Err(Problem::forbidden(
            "Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged by \
             the author of the post you are replying to.",
        ));
    }
    let id = fresh(world, account);
    let line = Line {
        account: account.to_owned(),
        post: above.conversation.clone(),
        id: id.clone(),
        parent: Some(parent.to_owned()),
        author: Some(Author {
            id: Some(account.to_owned()),
            name: world.account(account).map(|is| is.name.clone()),
        }),
        at: Some(graph_date(world.now())),
        text: text.to_owned(),
        ours: true,
        ..Line::default()
    };
    world.check(&line).map_err(|_| Problem::plain(500, "Internal Error", "Internal Error"))?;
    world.add(line);
    Ok(json!({ "data": { "id": id, "text": text } }))
}

/// `DELETE tweets/:id`: one's own only.
pub(super) fn delete(world: &mut World, account: &str, id: &str) -> Result<Value, Problem> {
    let found = Tweet::find(world, id).ok_or_else(Problem::not_found)?;
    if found.author != account {
        return Err(Problem::forbidden("You are not permitted to delete this Tweet."));
    }
    if !world.change(id, |comment| comment.deleted = true) {
        world.change_post(id, account, |post| post.deleted = true);
    }
    Ok(json!({ "data": { "deleted": true } }))
}

/// An id that no tweet has, and greater than those that the same account was given before.
fn fresh(world: &World, account: &str) -> String {
    let made = world.now().timestamp_millis() - 1_288_834_974_657;
    let posts = world.posts_of(account).count();
    let number = (made << 22) + i64::try_from((world.count() + posts) % (1 << 22)).unwrap_or_default();
    let id = number.to_string();
    if world.post(&id).is_some() || world.comment(&id).is_some() {
        common::big_number(&format!("{id} {}", world.count())).to_string()
    } else {
        id
    }
}
