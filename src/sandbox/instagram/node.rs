//! Users, media and comments as the API writes them.

use serde_json::{Map, Value, json};

use super::{Asker, is_returned, living, living_media};
use crate::sandbox::comment::{Comment, Post};
use crate::sandbox::media;
use crate::sandbox::meta::error::GraphError;
use crate::sandbox::meta::fields::{self, Node, Wish};
use crate::sandbox::wire::Call;
use crate::sandbox::world::World;

const USER: Node = Node {
    known: &[
        "id",
        "user_id",
        "ig_id",
        "username",
        "name",
        "account_type",
        "biography",
        "profile_picture_url",
        "followers_count",
        "media_count",
        "website",
        "mentioned_comment",
    ],
    usual: &["id"],
};

pub(super) const MEDIA: Node = Node {
    known: &[
        "id",
        "caption",
        "children",
        "comments",
        "comments_count",
        "ig_id",
        "is_comment_enabled",
        "like_count",
        "media_product_type",
        "media_type",
        "media_url",
        "owner",
        "permalink",
        "shortcode",
        "thumbnail_url",
        "timestamp",
        "username",
    ],
    usual: &["id"],
};

/// Of a comment all that Meta's specification names, and its answers.
pub(super) const COMMENT: Node = Node {
    known: &[
        "from",
        "hidden",
        "id",
        "legacy_instagram_comment_id",
        "like_count",
        "media",
        "parent_id",
        "replies",
        "text",
        "timestamp",
        "user",
        "username",
    ],
    // Recorded: no more than these.
    usual: &["timestamp", "text", "id"],
};

/// `GET /{id}`.
pub(super) fn read(world: &World, call: &Call, asker: &Asker<'_>, object: &str) -> Result<Value, GraphError> {
    asker.must_read(world)?;
    let wishes = |node: &Node| fields::wishes(call.param("fields"), node);
    if object == asker.account {
        return user(world, call, asker, &wishes(&USER)?);
    }
    if world.post(object).is_some() {
        return media(world, call, asker, object, living_media(world, object)?, &wishes(&MEDIA)?);
    }
    comment(world, asker, living(world, asker, object)?, &wishes(&COMMENT)?)
}

fn user(world: &World, call: &Call, asker: &Asker<'_>, wishes: &[Wish]) -> Result<Value, GraphError> {
    let Some(account) = world.account(asker.account) else { return Ok(json!({ "id": asker.account })) };
    let handle = handle(world, asker.account);
    let mut node = Map::new();
    for wish in wishes {
        let value = match wish.name.as_str() {
            "id" | "user_id" | "ig_id" => json!(asker.account),
            "username" => json!(handle),
            "name" => json!(account.name),
            "account_type" => json!("BUSINESS"),
            "biography" if !account.about.is_empty() => json!(account.about),
            "profile_picture_url" => {
                let own = || media::address(&call.host, &media::portrait(asker.account));
                json!(account.picture.clone().unwrap_or_else(own))
            }
            "followers_count" => {
                json!(account.setting("followers_count").and_then(Value::as_u64).unwrap_or_default())
            }
            "media_count" => json!(world.posts_of(asker.account).filter(|(_, post)| !post.deleted).count()),
            "mentioned_comment" => {
                let id = wish
                    .arg("comment_id")
                    .ok_or_else(|| GraphError::new(100, "The parameter comment_id is required"))?;
                let named = |comment: &&Comment| {
                    comment.setting("mentions").and_then(Value::as_str) == Some(asker.account)
                        && !world.is_gone(comment)
                };
                let found = world.comment(id).filter(named).ok_or_else(|| GraphError::missing(id))?;
                comment(world, asker, found, &fields::wishes(wish.fields().as_deref(), &COMMENT)?)?
            }
            _ => continue,
        };
        node.insert(wish.name.clone(), value);
    }
    Ok(Value::Object(node))
}

/// The account's handle.
fn handle(world: &World, account: &str) -> String {
    let set = world.account(account).and_then(|account| account.username.clone());
    set.unwrap_or_else(|| "kommunen".to_owned())
}

/// A media object.
pub(super) fn media(
    world: &World,
    call: &Call,
    asker: &Asker<'_>,
    id: &str,
    post: &Post,
    wishes: &[Wish],
) -> Result<Value, GraphError> {
    let mut node = Map::new();
    let kind = post.media.first().map_or("image/jpeg", |media| media.mime());
    let url = |index: usize| match post.media.get(index) {
        Some(medium) => medium.url(&call.host),
        None => media::address(&call.host, id),
    };
    for wish in wishes {
        let value = match wish.name.as_str() {
            "id" | "ig_id" | "shortcode" => json!(id),
            // Recorded: absent where there is none.
            "caption" if !post.text.is_empty() => json!(post.text),
            "comments_count" => json!(super::list::count(world, asker, post)),
            "comments" => super::list::within(world, asker, post, wish)?,
            "is_comment_enabled" => json!(!post.closed),
            "like_count" => json!(post.setting("like_count").and_then(Value::as_u64).unwrap_or_default()),
            "media_product_type" => {
                post.setting("media_product_type").cloned().unwrap_or_else(|| json!("FEED"))
            }
            "media_type" => match (post.setting("media_type"), post.media.len()) {
                (Some(kind), _) => kind.clone(),
                (None, 2..) => json!("CAROUSEL_ALBUM"),
                (None, _) => json!(if kind.starts_with("video/") { "VIDEO" } else { "IMAGE" }),
            },
            "media_url" => json!(url(0)),
            "thumbnail_url" if kind.starts_with("video/") => json!(url(0)),
            "children" if post.media.len() > 1 => {
                let all: Vec<Value> = post.media.iter().map(|medium| json!({ "id": medium.id })).collect();
                json!({ "data": all })
            }
            "owner" => json!({ "id": post.account }),
            "permalink" => json!(format!("https://www.instagram.com/p/{id}/")),
            "timestamp" => json!(post.at),
            "username" => json!(handle(world, &post.account)),
            // A field without a value is left out.
            _ => continue,
        };
        node.insert(wish.name.clone(), value);
    }
    Ok(Value::Object(node))
}

/// A comment as the token sees it.
pub(super) fn comment(
    world: &World,
    asker: &Asker<'_>,
    comment: &Comment,
    wishes: &[Wish],
) -> Result<Value, GraphError> {
    let moderates = asker.moderates(world);
    let user_only = asker.is_set(world, "user_only");
    let author = comment.author.as_ref();
    let name = || match (comment.ours, author) {
        (true, _) => Some(handle(world, asker.account)),
        (false, author) => author.and_then(|author| author.name.clone()),
    };
    let mut node = Map::new();
    for wish in wishes {
        let value = match wish.name.as_str() {
            "id" => json!(comment.id),
            "text" => json!(comment.text),
            "timestamp" => json!(comment.at),
            "hidden" => json!(comment.hidden),
            "like_count" => json!(comment.likes),
            "media" => json!({ "id": comment.post }),
            "parent_id" => match &comment.parent {
                Some(parent) => json!(parent),
                None => continue,
            },
            // Since 2024-08-27 only with the right to manage comments.
            "username" if moderates && !user_only => match name() {
                Some(name) => json!(name),
                None => continue,
            },
            "from" if moderates && !user_only => match author.and_then(|author| author.id.as_ref()) {
                Some(id) => fields::narrow(wish, &json!({ "id": id, "username": name() })),
                None => continue,
            },
            // Documented only for the account's own comments; recorded also instead of a name.
            "user" if comment.ours || user_only => match author.and_then(|author| author.id.as_ref()) {
                Some(id) => json!({ "id": id }),
                None => continue,
            },
            "replies" => {
                let own = fields::wishes(wish.fields().as_deref(), &COMMENT)?;
                let answers =
                    world.answers_to(&comment.id).filter(|answer| is_returned(world, asker, answer));
                let data: Result<Vec<Value>, GraphError> =
                    answers.map(|answer| self::comment(world, asker, answer, &own)).collect();
                match data? {
                    empty if empty.is_empty() => continue,
                    data => json!({ "data": data }),
                }
            }
            name => match comment.setting(name) {
                Some(value) => value.clone(),
                None => continue,
            },
        };
        node.insert(wish.name.clone(), value);
    }
    Ok(Value::Object(node))
}
