//! How a comment and a thread look in an answer.

use serde_json::{Value, json};

use super::Surface;
use super::error::Refusal;
use super::status::Status;
use crate::sandbox::comment::Comment;
use crate::sandbox::common;
use crate::sandbox::wire::Call;
use crate::sandbox::world::World;

/// As what `textDisplay` is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Text {
    Html,
    Plain,
}

impl Text {
    pub(super) fn wanted(call: &Call) -> Result<Self, Refusal> {
        match call.param("textFormat") {
            None | Some("html") => Ok(Self::Html),
            Some("plainText") => Ok(Self::Plain),
            Some(other) => Err(Refusal::invalid("textFormat", other)),
        }
    }

    fn show(self, text: &str) -> String {
        if self == Self::Plain {
            return text.to_owned();
        }
        let mut html = String::with_capacity(text.len() + 16);
        for letter in text.chars() {
            match letter {
                '&' => html.push_str("&amp;"),
                '<' => html.push_str("&lt;"),
                '>' => html.push_str("&gt;"),
                '"' => html.push_str("&quot;"),
                '\'' => html.push_str("&#39;"),
                '\n' => html.push_str("<br>"),
                letter => html.push(letter),
            }
        }
        html
    }
}

/// The comment that a thread begins with. Seeds may nest deeper than YouTube's single level.
pub(super) fn top(world: &World, comment: &Comment) -> String {
    common::ancestors(world, comment).last().map_or(&comment.id, |top| &top.id).clone()
}

/// A thread, with all its parts but the replies.
pub(super) fn thread(
    call: &Call,
    top: &Comment,
    replies: usize,
    text: Text,
    named: bool,
    told: Option<Status>,
) -> Value {
    let mut snippet = json!({});
    if named {
        snippet["channelId"] = json!(top.account);
    }
    match Surface::of(&top.account, &top.post) {
        Surface::Video => snippet["videoId"] = json!(top.post),
        Surface::Post => snippet["postId"] = json!(top.post),
        Surface::Channel => {}
    }
    snippet["topLevelComment"] = comment(call, top, text, named, told);
    snippet["canReply"] = json!(told.is_none());
    snippet["totalReplyCount"] = json!(replies);
    snippet["isPublic"] = json!(told.is_none());
    json!({
        "kind": "youtube#commentThread",
        "etag": etag(&format!("thread {} {replies}", top.id)),
        "id": top.id,
        "snippet": snippet,
    })
}

/// A comment; `named` with the channel that it stands on, `told` with its status, which only some answers have.
pub(super) fn comment(
    call: &Call,
    comment: &Comment,
    text: Text,
    named: bool,
    told: Option<Status>,
) -> Value {
    let author = comment.author.clone().unwrap_or_default();
    let id = author.id.unwrap_or_else(|| format!("UC{:022x}", common::number_of(&comment.id)));
    let picture = format!("http://{}/media/{:x}", call.host, common::number_of(&id));
    let published = common::rfc3339(&comment.at, common::number_of(&comment.id).is_multiple_of(2));
    let updated = comment.edited_at.map_or_else(|| published.clone(), common::long);
    let mut snippet = json!({
        "authorDisplayName": author.name.unwrap_or_else(|| "@anonym".to_owned()),
        "authorProfileImageUrl": picture,
        "authorChannelUrl": format!("http://www.youtube.com/channel/{id}"),
        "authorChannelId": { "value": id },
        "textDisplay": text.show(&comment.text),
    });
    if named {
        snippet["channelId"] = json!(comment.account);
    }
    // As recorded, a reply that is listed under its parent does not tell the video.
    if comment.parent.is_none() && Surface::of(&comment.account, &comment.post) == Surface::Video {
        snippet["videoId"] = json!(comment.post);
    }
    // Guaranteed to the author only, so nobody else gets it.
    if comment.ours {
        snippet["textOriginal"] = json!(comment.text);
    }
    if let Some(parent) = &comment.parent {
        // The reply's id tells the thread; where a seed has ids of its own the parent does.
        let thread = comment.id.split_once('.').map_or(parent.as_str(), |(thread, _)| thread);
        snippet["parentId"] = json!(thread);
    }
    snippet["canRate"] = json!(true);
    snippet["viewerRating"] = json!("none");
    snippet["likeCount"] = json!(comment.likes);
    if let Some(told) = told {
        snippet["moderationStatus"] = json!(told.name());
    }
    snippet["publishedAt"] = json!(published);
    snippet["updatedAt"] = json!(updated);
    json!({
        "kind": "youtube#comment",
        "etag": etag(&format!("{} {}", comment.id, comment.text)),
        "id": comment.id,
        "snippet": snippet,
    })
}

/// Leaves out the parts that were not asked for.
pub(super) fn cut(item: &mut Value, parts: &[&str]) {
    if let Value::Object(item) = item {
        item.retain(|key, _| matches!(key.as_str(), "kind" | "etag" | "id") || parts.contains(&key.as_str()));
    }
}

/// A tag that changes with what it is of.
pub(super) fn etag(of: &str) -> String {
    format!("\"{:016x}{:016x}\"", common::number_of(of), common::number_of(&format!("{of}.")))
}
