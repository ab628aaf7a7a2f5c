//! What changes something: moderation, replies, deletion. Each costs fifty units.

use axum::http::Method;
use serde_json::Value;

use super::error::Refusal;
use super::list::parts;
use super::show::{self, Text};
use super::status::{self, Status};
use crate::sandbox::common;
use crate::sandbox::seed::{Author, Line};
use crate::sandbox::wire::{Answer, Call};
use crate::sandbox::world::World;

/// How many comments one moderation call may name: no source tells a limit, and fifty are known to work.
const AT_ONCE: usize = 50;

/// How long a comment may be.
const LONGEST: usize = 10_000;

/// `POST comments/setModerationStatus`: 204 without a body, for all of the comments or for none.
pub(super) fn moderate(world: &mut World, call: &Call, account: &str) -> Result<Answer, Refusal> {
    let ids: Vec<String> = call
        .param("id")
        .filter(|ids| !ids.is_empty())
        .ok_or_else(|| Refusal::missing("id"))?
        .split(',')
        .map(str::to_owned)
        .collect();
    let name = call.param("moderationStatus").ok_or_else(|| Refusal::missing("moderationStatus"))?;
    let status = Status::named(name)
        .filter(|status| *status != Status::LikelySpam)
        .ok_or_else(|| Refusal::invalid("moderationStatus", name))?;
    match call.param("banAuthor") {
        Some("true") if status != Status::Rejected => {
            let message = "The banAuthor parameter can only be used if the moderationStatus is rejected.";
            return Err(Refusal::new(400, "youtube.comment", "banWithoutReject", message));
        }
        None | Some("true" | "false") => {}
        Some(other) => return Err(Refusal::invalid("banAuthor", other)),
    }
    if ids.len() > AT_ONCE {
        return Err(Refusal::invalid("id", &format!("{} ids", ids.len())));
    }
    for id in &ids {
        let comment = world.comment(id).filter(|comment| !world.is_gone(comment));
        let comment = comment.ok_or_else(not_found)?;
        if comment.account != account {
            let message = "The request cannot be completed because the authenticated user does not own the channel \
                           or video.";
            return Err(Refusal::forbidden(message));
        }
    }
    for id in &ids {
        status::set(world, id, status);
    }
    Ok(Answer::none(204))
}

/// `POST comments`: a reply to a thread.
pub(super) fn reply(world: &mut World, call: &Call, account: &str) -> Result<Answer, Refusal> {
    let parts = parts(call, &["id", "snippet"])?;
    let snippet: Value =
        call.param("snippet").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let text = snippet["textOriginal"].as_str().filter(|text| !text.trim().is_empty()).ok_or_else(|| {
        Refusal::new(400, "youtube.comment", "commentTextRequired", "The comment text is required.")
    })?;
    if text.chars().count() > LONGEST {
        let message = "The comment text is too long.";
        return Err(Refusal::new(400, "youtube.comment", "commentTextTooLong", message));
    }
    let parent = snippet["parentId"].as_str().ok_or_else(|| {
        Refusal::new(400, "youtube.comment", "parentIdMissing", "The parent comment's id is required.")
    })?;
    let above = world
        .comment(parent)
        .filter(|above| {
            !world.is_gone(above) && above.parent.is_none() && status::of(above) != Status::Rejected
        })
        .ok_or_else(|| {
            let message = "The specified parent comment could not be found.";
            Refusal::new(404, "youtube.comment", "parentCommentNotFound", message)
        })?;
    if super::is_closed(world, &above.post) {
        return Err(Refusal::closed());
    }
    let name = world.account(account).map(|account| account.name.clone());
    let id = format!("{parent}.{:016x}", common::number_of(&format!("{parent} {}", world.count())));
    let line = Line {
        account: account.to_owned(),
        post: above.post.clone(),
        id: id.clone(),
        parent: Some(parent.to_owned()),
        author: Some(Author { id: Some(account.to_owned()), name }),
        at: Some(world.now().format("%Y-%m-%dT%H:%M:%SZ").to_string()),
        text: text.to_owned(),
        ours: true,
        ..Line::default()
    };
    world.check(&line).map_err(|_| Refusal::processing())?;
    world.add(line);
    let comment = world.comment(&id).ok_or_else(Refusal::processing)?;
    let mut item = show::comment(call, comment, Text::Html, false, None);
    show::cut(&mut item, &parts);
    Ok(Answer::json(200, &item))
}

/// `DELETE comments`: one's own only.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.param("id").ok_or_else(|| Refusal::missing("id"))?.to_owned();
    let comment = world.comment(&id).filter(|comment| !world.is_gone(comment)).ok_or_else(not_found)?;
    if !comment.ours {
        let message = "The comment could not be deleted because of insufficient permissions.";
        return Err(Refusal::forbidden(message));
    }
    world.change(&id, |comment| comment.deleted = true);
    Ok(Answer::none(204))
}

/// What a call costs, in units of the day's quota; also one that fails.
pub(super) fn cost(method: &Method) -> u64 {
    if *method == Method::GET { 1 } else { 50 }
}

fn not_found() -> Refusal {
    let message = "One or more of the specified comments could not be found.";
    Refusal::new(404, "youtube.comment", "commentNotFound", message)
}
