//! Private replies: one message a comment, within seven days.
//!
//! Source: Meta's page "Messenger Platform - Private Replies". The codes 109xx are from its older page about the edge
//! `private_replies` and not confirmed for this one.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::error::GraphError;
use crate::sandbox::comment::Comment;
use crate::sandbox::seed;
use crate::sandbox::wire::Call;
use crate::sandbox::world::World;

/// For how many days a comment may be answered privately.
const DAYS: i64 = 7;

/// What is to be sent to who wrote which comment.
#[derive(Debug)]
pub(in crate::sandbox) struct Message {
    pub(in crate::sandbox) comment: String,
    pub(in crate::sandbox) text: String,
}

/// Reads `{"recipient":{"comment_id"},"message":{"text"}}`; a form holds the two objects as JSON texts.
pub(in crate::sandbox) fn message(call: &Call) -> Result<Message, GraphError> {
    let part = |name: &str| -> Value {
        let text = || serde_json::from_str(call.param(name)?).ok();
        call.json.get(name).cloned().or_else(text).unwrap_or_default()
    };
    let (recipient, message) = (part("recipient"), part("message"));
    let need = |value: &Value, name: &str| {
        let text = value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        text.ok_or_else(|| GraphError::new(100, &format!("Param {name} must be set")))
    };
    Ok(Message {
        comment: need(&recipient["comment_id"], "recipient")?,
        text: need(&message["text"], "message")?,
    })
}

/// Whether a comment can (still) be answered privately, and if not, why.
pub(in crate::sandbox) fn may(world: &World, comment: &Comment) -> Result<(), GraphError> {
    if comment.setting("private_reply").is_some() {
        return Err(GraphError::new(10_900, "Activity already replied to"));
    }
    // Another Page cannot be written to either; the sandbox knows only its own accounts as Pages.
    let to = comment.author.as_ref().and_then(|author| author.id.as_deref());
    if comment.ours || to.is_some_and(|to| world.account(to).is_some()) {
        return Err(GraphError::new(10_903, "This user can't reply to this activity"));
    }
    let age = seed::instant(&comment.at).map(|at| world.now().timestamp_millis() - at);
    if age.is_none_or(|age| age > TimeDelta::days(DAYS).num_milliseconds()) {
        return Err(GraphError::new(10_901, "Activity is too old to be replied to"));
    }
    Ok(())
}

/// Sends it. `GET /control/state` shows the text in the comment's memory.
pub(in crate::sandbox) fn send(world: &mut World, id: &str, text: &str) -> Result<Value, GraphError> {
    let comment = world.comment(id).ok_or_else(|| GraphError::missing(id))?;
    may(world, comment)?;
    let to = comment.author.as_ref().and_then(|author| author.id.clone());
    let number = world.count();
    world.change(id, |comment| {
        comment.memory.insert("private_reply".to_owned(), json!(text));
        let conversation = json!({ "id": format!("t_{number}"), "link": format!("/inbox/{number}/") });
        comment.memory.insert("private_reply_conversation".to_owned(), conversation);
    });
    Ok(json!({ "recipient_id": to, "message_id": format!("m_{id}") }))
}
