//! `fields=id,from{id,name},…`: what an answer shall hold.

use serde_json::{Map, Value};

/// What a request reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    Page,
    Post,
    Comment,
}

impl Node {
    /// The fields that exist. Of a comment all that Meta's specification names.
    fn known(self) -> &'static [&'static str] {
        match self {
            Self::Page => &["id", "name"],
            Self::Post => &[
                "id",
                "message",
                "created_time",
                "updated_time",
                "permalink_url",
                "from",
                "story",
                "is_hidden",
                "is_published",
                "status_type",
                "attachments",
            ],
            Self::Comment => &[
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
        }
    }

    /// What comes without `fields`.
    fn default(self) -> &'static [&'static str] {
        match self {
            Self::Page => &["name", "id"],
            Self::Post => &["created_time", "message", "id"],
            Self::Comment => &["created_time", "from", "message", "id"],
        }
    }
}

/// One field that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) name: String,
    /// Which of its own fields; empty for what comes by default.
    within: Vec<String>,
}

/// Reads `fields`; the error is the name of a field that does not exist. `id` always comes.
pub(super) fn wishes(fields: Option<&str>, node: Node) -> Result<Vec<Wish>, String> {
    let plain = |name: &str| Wish { name: name.to_owned(), within: Vec::new() };
    let Some(fields) = fields.filter(|fields| !fields.trim().is_empty()) else {
        return Ok(node.default().iter().map(|name| plain(name)).collect());
    };
    let mut wishes: Vec<Wish> = Vec::new();
    for part in split(fields) {
        let (name, within) = match part.split_once('{') {
            Some((name, rest)) => {
                let inner = rest.strip_suffix('}').unwrap_or(rest);
                (name, split(inner).map(str::to_owned).collect())
            }
            None => (part, Vec::new()),
        };
        // `comments.limit(1)` and the like: what stands after the point only narrows.
        let name = name.split('.').next().unwrap_or(name).trim();
        if !node.known().contains(&name) {
            return Err(name.to_owned());
        }
        if wishes.iter().all(|wish| wish.name != name) {
            wishes.push(Wish { name: name.to_owned(), within });
        }
    }
    if wishes.iter().all(|wish| wish.name != "id") {
        wishes.push(plain("id"));
    }
    Ok(wishes)
}

/// Splits at the commas outside of braces.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    text.split(move |letter: char| {
        match letter {
            '{' | '(' => depth += 1,
            '}' | ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ',' && depth == 0
    })
    .map(str::trim)
    .filter(|part| !part.is_empty())
}

/// Of `whole`, what `wish` asks for; null values are left out, as the API does. `id` always comes.
pub(super) fn narrow(wish: &Wish, whole: &Value) -> Value {
    let Value::Object(whole) = whole else { return Value::Null };
    let kept: Map<String, Value> = whole
        .iter()
        .filter(|(_, value)| !value.is_null())
        .filter(|(key, _)| wish.within.is_empty() || wish.within.contains(key) || *key == "id")
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    Value::Object(kept)
}
