//! Pages, posts and comments as the API writes them.

use serde_json::{Map, Value, json};

use super::{Asker, living};
use crate::domain::comment::Attachment;
use crate::sandbox::comment::{Comment, Post};
use crate::sandbox::media::{self, Media};
use crate::sandbox::meta::error::GraphError;
use crate::sandbox::meta::fields::{self, Node, Wish};
use crate::sandbox::meta::private;
use crate::sandbox::wire::Call;
use crate::sandbox::world::{World, graph_date};

const PAGE: Node = Node {
    known: &[
        "id",
        "name",
        "about",
        "description",
        "picture",
        "username",
        "link",
        "category",
        "fan_count",
        "tasks",
        "access_token",
        "instagram_business_account",
        "is_published",
    ],
    usual: &["name", "id"],
};

pub(super) const POST: Node = Node {
    known: &[
        "id",
        "message",
        "created_time",
        "updated_time",
        "permalink_url",
        "from",
        "to",
        "story",
        "is_hidden",
        "is_published",
        "status_type",
        "attachments",
        "comments",
        "full_picture",
    ],
    usual: &["created_time", "message", "id"],
};

/// Of a comment all that Meta's specification names.
pub(super) const COMMENT: Node = Node {
    known: &[
        "admin_creator",
        "application",
        "attachment",
        "can_comment",
        "can_hide",
        "can_like",
        "can_remove",
        "can_reply_privately",
        "comment_count",
        "created_time",
        "from",
        "id",
        "is_hidden",
        "is_private",
        "like_count",
        "live_broadcast_timestamp",
        "message",
        "message_tags",
        "object",
        "parent",
        "permalink_url",
        "private_reply_conversation",
        "user_likes",
    ],
    usual: &["created_time", "from", "message", "id"],
};

/// `GET /{id}`.
pub(super) fn read(world: &World, call: &Call, asker: &Asker<'_>, object: &str) -> Result<Value, GraphError> {
    asker.must_read(world)?;
    let wishes = |node: &Node| fields::wishes(call.param("fields"), node);
    if object == asker.account {
        return Ok(page(world, call, asker, &wishes(&PAGE)?));
    }
    if let Some(found) = world.post(object).filter(|post| !post.deleted) {
        return post(world, call, asker, object, found, &wishes(&POST)?);
    }
    Ok(comment(world, call, asker, living(world, asker, object)?, &wishes(&COMMENT)?, true))
}

fn page(world: &World, call: &Call, asker: &Asker<'_>, wishes: &[Wish]) -> Value {
    let Some(account) = world.account(asker.account) else { return json!({ "id": asker.account }) };
    let mut node = Map::new();
    for wish in wishes {
        let value = match wish.name.as_str() {
            "id" => json!(asker.account),
            "name" => json!(account.name),
            "about" | "description" if !account.about.is_empty() => json!(account.about),
            "username" => match &account.username {
                Some(name) => json!(name),
                None => continue,
            },
            "picture" => {
                let own = || media::address(&call.host, &media::portrait(asker.account));
                let url = account.picture.clone().unwrap_or_else(own);
                json!({ "data": { "height": 50, "is_silhouette": false, "url": url, "width": 50 } })
            }
            "link" => json!(format!("https://www.facebook.com/{}", asker.account)),
            "category" => account.setting("category").cloned().unwrap_or_else(|| json!("Local business")),
            "fan_count" => json!(account.setting("fan_count").and_then(Value::as_u64).unwrap_or_default()),
            "tasks" => json!(account.held(asker.token, &super::app::TASKS)),
            "access_token" => json!(super::app::page_token(asker.account, account)),
            "is_published" => json!(true),
            name => match account.setting(name) {
                Some(id) => json!({ "id": id }),
                None => continue,
            },
        };
        node.insert(wish.name.clone(), value);
    }
    Value::Object(node)
}

/// A post of the Page's or a visitor's.
pub(super) fn post(
    world: &World,
    call: &Call,
    asker: &Asker<'_>,
    id: &str,
    post: &Post,
    wishes: &[Wish],
) -> Result<Value, GraphError> {
    let mut node = Map::new();
    for wish in wishes {
        let value = match wish.name.as_str() {
            "id" => json!(id),
            "message" if !post.text.is_empty() => json!(post.text),
            "created_time" => json!(post.at),
            "updated_time" => json!(post.edited_at.map_or_else(|| post.at.clone(), graph_date)),
            "permalink_url" => json!(format!("https://www.facebook.com/{id}")),
            "from" => match &post.author {
                Some(_) if post.is_visitors() && !asker.sees_people(world) => continue,
                Some(author) => fields::narrow(wish, &json!({ "name": author.name, "id": author.id })),
                None => fields::narrow(wish, &json!({ "name": page_name(world, post), "id": post.account })),
            },
            "to" if post.is_visitors() => {
                json!({ "data": [{ "name": page_name(world, post), "id": post.account }] })
            }
            "is_hidden" => json!(post.hidden),
            "is_published" => json!(true),
            "status_type" if !post.is_visitors() => {
                json!(if post.media.is_empty() { "mobile_status_update" } else { "added_photos" })
            }
            "status_type" => json!("wall_post"),
            "full_picture" => match post.media.first() {
                Some(media) => json!(media.url(&call.host)),
                None => continue,
            },
            "attachments" if !post.media.is_empty() => {
                let all: Vec<Value> =
                    post.media.iter().map(|media| attachment(media, None, &call.host)).collect();
                json!({ "data": all })
            }
            "comments" => super::list::within(world, call, asker, post, wish)?,
            // A field without a value is left out.
            _ => continue,
        };
        node.insert(wish.name.clone(), value);
    }
    Ok(Value::Object(node))
}

fn page_name(world: &World, post: &Post) -> String {
    world.account(&post.account).map(|account| account.name.clone()).unwrap_or_default()
}

/// The id that is shown for a comment.
fn shown_id(world: &World, asker: &Asker<'_>, comment: &Comment) -> String {
    match comment.id.rsplit('_').next() {
        Some(last) if asker.is_set(world, "long_ids") => format!("{}_{last}", comment.post),
        _ => comment.id.clone(),
    }
}

/// A comment as the token sees it; `single` as the answer of its own address.
pub(super) fn comment(
    world: &World,
    call: &Call,
    asker: &Asker<'_>,
    comment: &Comment,
    wishes: &[Wish],
    single: bool,
) -> Value {
    let moderates = asker.moderates(world);
    let mut node = Map::new();
    for wish in wishes {
        let value = match wish.name.as_str() {
            // Recorded: without the task MODERATE a list has neither ids nor authors.
            "id" if moderates || single => json!(shown_id(world, asker, comment)),
            "from" if asker.sees_people(world) => match &comment.author {
                Some(author) => fields::narrow(wish, &json!({ "name": author.name, "id": author.id })),
                None => continue,
            },
            "message" => json!(comment.text),
            "created_time" => json!(comment.at),
            "permalink_url" => {
                json!(format!("https://www.facebook.com/{}?comment_id={}", comment.post, comment.id))
            }
            "is_hidden" if moderates => json!(comment.hidden),
            // Recorded: absent once the comment is hidden, false on the Page's own.
            "can_hide" if moderates && !comment.hidden => json!(!comment.ours),
            "can_remove" | "can_comment" | "can_like" => json!(moderates),
            "can_reply_privately" if moderates => json!(private::may(world, comment).is_ok()),
            "is_private" | "user_likes" => json!(false),
            "like_count" => json!(comment.likes),
            "comment_count" => json!(world.answers(&comment.id)),
            "parent" => match comment.parent.as_ref().and_then(|id| world.comment(id)) {
                // Without a narrower wish the whole parent comes, with what its author wrote.
                Some(parent) => fields::narrow(
                    wish,
                    &json!({ "created_time": parent.at, "message": parent.text, "id": shown_id(world, asker, parent) }),
                ),
                None => continue,
            },
            "object" => fields::narrow(wish, &json!({ "created_time": comment.at, "id": comment.post })),
            "attachment" => match (comment.attachment, comment.media.first()) {
                (kind, Some(media)) => attachment(media, kind, &call.host),
                (Some(kind), None) => link(kind, &comment.id),
                (None, None) => continue,
            },
            name => match comment.setting(name) {
                Some(value) => value.clone(),
                None => continue,
            },
        };
        node.insert(wish.name.clone(), value);
    }
    Value::Object(node)
}

fn attachment(media: &Media, kind: Option<Attachment>, host: &str) -> Value {
    let url = media.url(host);
    let mime = media.mime();
    let name = match kind {
        Some(kind) => word(kind),
        None if mime.starts_with("video/") => "video_inline",
        None if mime.starts_with("audio/") => "music",
        None => "photo",
    };
    let mut node = json!({
        "media": { "image": { "height": 403, "src": url, "width": 720 } },
        "target": { "id": media.id, "url": url },
        "type": name,
        "url": url,
    });
    if name == "video_inline" {
        node["media"]["source"] = json!(url);
    }
    if let Some(alt) = &media.alt {
        node["description"] = json!(alt);
    }
    node
}

/// An attachment without bytes: a link, another post.
fn link(kind: Attachment, id: &str) -> Value {
    let url = format!("https://media.example.org/{id}");
    json!({
        "media": { "image": { "height": 403, "src": format!("{url}.jpg"), "width": 720 } },
        "target": { "id": id, "url": url },
        "type": word(kind),
        "url": url,
    })
}

fn word(kind: Attachment) -> &'static str {
    match kind {
        Attachment::Image => "photo",
        Attachment::Video => "video_inline",
        Attachment::Audio => "music",
        Attachment::Link => "share",
        Attachment::Sticker => "sticker",
        Attachment::Quote | Attachment::Other => "unknown_kind",
    }
}
