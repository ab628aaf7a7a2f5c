//! What the answers of the X API v2 hold: pure functions from bytes, none of which panics.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::connector::http::{element, elements, malformed};
use crate::connector::{ConnectorError, ElementFault, Post};
use crate::domain::comment::{Attachment, Author, Kind, Media, Seen, Visibility};

/// Milliseconds from 1970 to X's own beginning of time, which its ids count from.
const EPOCH: i64 = 1_288_834_974_657;

/// Ids below this were counted, not made from the time.
const FIRST_SNOWFLAKE: u64 = 1 << 40;

/// A list of posts.
#[derive(Debug, Default)]
pub struct Posts {
    /// The posts that could be read.
    pub posts: Vec<Read>,
    /// Those that could not.
    pub faults: Vec<ElementFault>,
    /// What X says it does not show, beside what it shows.
    pub problems: Vec<Problem>,
    /// Where the list goes on.
    pub next: Option<String>,
    /// How many posts the answer held, which is what it costs.
    pub count: u64,
}

/// One post as a comment.
#[derive(Debug)]
pub struct Read {
    /// The comment.
    pub seen: Seen,
    /// The id of its newest text: an edit gives the post another id, and keeps the first in its history.
    pub newest: String,
    /// Whether it names or quotes the account: X lets a program answer only who did.
    pub summons: bool,
    /// Whether it answers the account.
    pub to_us: bool,
}

/// One of the `errors` that may stand beside `data`, also in an answer with the status 200.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The id it is about.
    pub id: Option<String>,
    /// What it means for that post.
    pub kind: ProblemKind,
}

/// What a partial error means for the post it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    /// Deleted.
    NotFound,
    /// Protected, suspended, or the author blocks us.
    NotAuthorized,
    /// Something else.
    Other,
}

/// The time in an id; `None` for ids that hold none.
pub fn time_of(id: &str) -> Option<DateTime<Utc>> {
    let number: u64 = id.parse().ok().filter(|number| *number >= FIRST_SNOWFLAKE)?;
    DateTime::from_timestamp_millis(i64::try_from(number >> 22).ok()?.checked_add(EPOCH)?)
}

/// The smallest id of the moment `back` before the id's own; ids that hold no time stay as they are.
pub fn earlier(id: &str, back: TimeDelta) -> String {
    let moved = time_of(id).and_then(|at| {
        let millis = at.checked_sub_signed(back)?.timestamp_millis().checked_sub(EPOCH)?;
        Some(u64::try_from(millis).ok()? << 22)
    });
    moved.map_or_else(|| id.to_owned(), |moved| moved.max(1).to_string())
}

/// The larger of two ids, as numbers: they are texts of different lengths, and larger than a double holds exactly.
pub fn newer(a: Option<String>, b: &str) -> Option<String> {
    let key = |id: &str| id.parse::<u64>().ok();
    match (a.as_deref().and_then(key), key(b)) {
        (_, None) => a,
        (Some(known), Some(told)) if known >= told => a,
        _ => Some(b.to_owned()),
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(default)]
    includes: Option<Value>,
    #[serde(default)]
    errors: Option<Value>,
    #[serde(default)]
    meta: Option<Value>,
}

#[derive(Deserialize)]
struct Element {
    #[serde(default)]
    id: Value,
    #[serde(default)]
    text: Value,
    #[serde(default)]
    note_tweet: Value,
    #[serde(default)]
    author_id: Value,
    #[serde(default)]
    conversation_id: Value,
    #[serde(default)]
    created_at: Value,
    #[serde(default)]
    in_reply_to_user_id: Value,
    #[serde(default)]
    referenced_tweets: Value,
    #[serde(default)]
    attachments: Value,
    #[serde(default)]
    entities: Value,
    #[serde(default)]
    edit_history_tweet_ids: Value,
}

/// An id: text in all recorded answers. A number beyond 2^53 has lost digits somewhere; one below is taken.
fn id(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => number.as_u64().filter(|number| *number <= 1 << 53).map(|n| n.to_string()),
        _ => None,
    }
}

/// What came along with a list: names of users, kinds and addresses of media.
#[derive(Default)]
struct Includes {
    users: HashMap<String, (String, String)>,
    media: HashMap<String, Media>,
    unaddressed: HashMap<String, Attachment>,
}

impl Includes {
    fn read(includes: Option<&Value>) -> Self {
        let mut read = Self::default();
        let list = |key| includes.and_then(|all| all.get(key)?.as_array()).into_iter().flatten();
        let word = |value: &Value, key| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        for user in list("users") {
            if let Some(id) = user.get("id").and_then(id) {
                read.users.insert(id, (word(user, "username"), word(user, "name")));
            }
        }
        for media in list("media") {
            let kind = match media.get("type").and_then(Value::as_str) {
                Some("photo") => Attachment::Image,
                Some("video" | "animated_gif") => Attachment::Video,
                _ => Attachment::Other,
            };
            let key = word(media, "media_key");
            match media.get("url").and_then(Value::as_str) {
                Some(url) => read.media.insert(key, Media { kind, url: url.to_owned() }).is_some(),
                None => read.unaddressed.insert(key, kind).is_some(),
            };
        }
        read
    }
}

/// The answer of a list or of a lookup of posts, for the account with the number `us`.
///
/// # Errors
/// `Malformed` where it is none; a broken element costs itself.
pub fn posts(place: &str, body: &[u8], us: &str) -> Result<Posts, ConnectorError> {
    let envelope: Envelope<'_> = serde_json::from_slice(body).map_err(|error| malformed(place, &error))?;
    // Without matches there is a count of 0 and no `data`.
    if envelope.data.is_none() && envelope.meta.is_none() && envelope.errors.is_none() {
        return Err(ConnectorError::Malformed(format!("{place}: neither posts nor errors")));
    }
    let includes = Includes::read(envelope.includes.as_ref());
    let raws = envelope.data.map(|data| elements(place, data)).transpose()?.unwrap_or_default();
    let next = envelope.meta.as_ref().and_then(|meta| id(meta.get("next_token")?));
    let mut read = Posts {
        next: next.filter(|next| next.len() <= 4_000),
        count: raws.len() as u64,
        problems: problems(envelope.errors.as_ref()),
        ..Posts::default()
    };
    for raw in raws {
        match post(raw, us, &includes) {
            Ok(post) => read.posts.push(post),
            Err(fault) => read.faults.push(fault),
        }
    }
    Ok(read)
}

fn post(raw: &RawValue, us: &str, includes: &Includes) -> Result<Read, ElementFault> {
    let fault = |id: Option<&String>, reason: &str| ElementFault {
        native_id: id.cloned(),
        reason: reason.to_owned(),
    };
    let read: Element =
        element(raw).map_err(|_| fault(None, "a post of another shape than expected, or broken JSON"))?;
    let newest = id(&read.id).ok_or_else(|| fault(None, "a post without an id that is a text"))?;
    // The first id stands for the post through all its edits.
    let native_id = read.edit_history_tweet_ids.get(0).and_then(id).unwrap_or_else(|| newest.clone());
    let created_at = read
        .created_at
        .as_str()
        .and_then(|at| DateTime::parse_from_rfc3339(at).ok())
        .map(|at| at.to_utc())
        .or_else(|| time_of(&native_id))
        .ok_or_else(|| fault(Some(&native_id), "created_at is missing or no date"))?;
    // Long posts are cut off in `text`.
    let words = read.note_tweet.get("text").and_then(Value::as_str).or_else(|| read.text.as_str());
    let words = words.ok_or_else(|| fault(Some(&native_id), "a post without text"))?.to_owned();
    let references = |kind: &str| {
        let of = |reference: &&Value| reference.get("type").and_then(Value::as_str) == Some(kind);
        let found = read.referenced_tweets.as_array().into_iter().flatten().find(of)?;
        id(found.get("id")?)
    };
    let post_id = id(&read.conversation_id).unwrap_or_else(|| native_id.clone());
    let author = id(&read.author_id);
    let names = author.as_ref().and_then(|author| includes.users.get(author));
    let (mut attachments, mut media) = (Vec::new(), Vec::new());
    for key in read.attachments.get("media_keys").and_then(Value::as_array).into_iter().flatten() {
        let key = key.as_str().unwrap_or_default();
        match includes.media.get(key) {
            Some(found) => {
                attachments.push(found.kind);
                media.push(found.clone());
            }
            None => attachments.push(includes.unaddressed.get(key).copied().unwrap_or(Attachment::Other)),
        }
    }
    if references("quoted").is_some() {
        attachments.push(Attachment::Quote);
    }
    let mentions = read.entities.get("mentions").and_then(Value::as_array).into_iter().flatten();
    let to_us = id(&read.in_reply_to_user_id).as_deref() == Some(us);
    let summons = mentions.filter_map(|mention| id(mention.get("id")?)).any(|mentioned| mentioned == us);
    Ok(Read {
        newest,
        summons,
        to_us,
        seen: Seen {
            permalink: Some(format!("https://x.com/i/web/status/{native_id}")),
            parent_id: references("replied_to").filter(|parent| *parent != post_id),
            ours: author.as_deref() == Some(us),
            author: Author {
                name: names.map(|(username, name)| format!("{name} (@{username})")),
                id: author,
            },
            native_id,
            post_id,
            created_at,
            text: words,
            kind: Kind::Comment,
            attachments,
            media,
            // No field tells that a reply is hidden.
            visibility: Visibility::Unknown,
            element: raw.get().as_bytes().to_vec(),
        },
    })
}

impl Read {
    /// The post as one of the municipality's own.
    pub fn into_post(self) -> Post {
        Post {
            native_id: self.seen.native_id,
            text: self.seen.text,
            created_at: self.seen.created_at,
            permalink: self.seen.permalink,
            comments: None,
            element: self.seen.element,
        }
    }
}

fn problems(errors: Option<&Value>) -> Vec<Problem> {
    let problem = |error: &Value| {
        let word = |key| error.get(key).and_then(Value::as_str).unwrap_or_default();
        let told = word("type");
        let kind = if told.ends_with("/resource-not-found") || word("title") == "Not Found Error" {
            ProblemKind::NotFound
        } else if told.ends_with("/not-authorized-for-resource") || word("title") == "Authorization Error" {
            ProblemKind::NotAuthorized
        } else {
            ProblemKind::Other
        };
        let of = ["resource_id", "value"].into_iter().find_map(|key| id(error.get(key)?));
        Problem { id: of, kind }
    };
    errors.and_then(Value::as_array).into_iter().flatten().map(problem).collect()
}

/// What `PUT …/hidden` says it did.
pub fn hidden(body: &[u8]) -> Option<bool> {
    let value: Value = serde_json::from_slice(body).ok()?;
    value.pointer("/data/hidden")?.as_bool()
}

/// The id of the post that was created.
pub fn created(body: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(body).ok()?;
    id(value.pointer("/data/id")?)
}

/// The number and the name of the key's own account.
pub fn me(body: &[u8]) -> Option<(String, String)> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let name = value.pointer("/data/username").and_then(Value::as_str).unwrap_or_default();
    Some((id(value.pointer("/data/id")?)?, name.to_owned()))
}

/// Why X did not do what it was asked, by what to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Too many in this window.
    Slow,
    /// No credits are left, or the month's cap is reached: nothing goes until a person has paid.
    Credits,
    /// The key is not taken: renew it.
    Key,
    /// The key or the app lacks a right.
    Right,
    /// No such post.
    Missing,
    /// The platform's own trouble.
    Later,
    /// It will not do this.
    Refused,
    /// Not the API's words.
    Unknown,
}

/// What is wrong with an answer, with a word for it; `None` for one that holds what was asked for, also where `errors`
/// stand beside it.
pub fn trouble(status: u16, body: &[u8]) -> Option<(Trouble, String)> {
    let value: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let has = |key| value.get(key).is_some();
    if (200..300).contains(&status) && (has("data") || has("meta")) {
        return None;
    }
    let word = |key| value.get(key).and_then(Value::as_str).unwrap_or_default();
    // Problem documents name a type that is an address, of which the last part tells.
    let kind = word("type").rsplit('/').next().unwrap_or_default();
    // The form of the API before: a list of numbered errors.
    let code = value.pointer("/errors/0/code").and_then(Value::as_u64);
    let partial = value.pointer("/errors/0/type").and_then(Value::as_str).unwrap_or_default();
    if (200..300).contains(&status) && !partial.is_empty() {
        // `errors` alone in a 200: the posts asked for are not shown, each with its reason.
        return None;
    }
    let told = format!("{kind} {} {} {}", word("title"), word("reason"), word("detail")).to_ascii_lowercase();
    let is_word = |text: &str| {
        !text.is_empty()
            && text.len() <= 64
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    let shown = match code {
        Some(code) => code.to_string(),
        None if is_word(kind) => kind.to_owned(),
        None => "no type".to_owned(),
    };
    let trouble = match (code, status) {
        (Some(88), _) | (_, 429) => Trouble::Slow,
        (Some(32 | 89 | 215), _) | (_, 401) => Trouble::Key,
        (Some(34 | 144), _) | (_, 404) => Trouble::Missing,
        (Some(64 | 326), _) => Trouble::Right,
        (Some(130 | 131), _) | (_, 408 | 425) => Trouble::Later,
        (_, 402) => Trouble::Credits,
        _ if told.contains("credits")
            || told.contains("usage-capped")
            || told.contains("usagecapexceeded") =>
        {
            Trouble::Credits
        }
        _ if [
            "client-forbidden",
            "unsupported-authentication",
            "oauth1-permissions",
            "client-not-enrolled",
        ]
        .iter()
        .any(|kind| told.contains(kind)) =>
        {
            Trouble::Right
        }
        _ if !value.is_object() || (200..300).contains(&status) => Trouble::Unknown,
        (_, 403)
            if partial.is_empty() && kind.is_empty() && code.is_none() && !has("title") && !has("detail") =>
        {
            Trouble::Unknown
        }
        _ => Trouble::Refused,
    };
    Some((trouble, shown))
}

/// Reads `body` as everything that the API may answer; what a fuzzer calls.
pub fn everything(body: &[u8]) {
    let _ = posts("fuzz", body, "12");
    let _ = hidden(body);
    let _ = created(body);
    let _ = me(body);
    for status in [200, 400, 401, 402, 403, 404, 429] {
        let _ = trouble(status, body);
    }
    if let Ok(id) = std::str::from_utf8(body) {
        let _ = newer(Some(earlier(id, TimeDelta::minutes(10))), id);
    }
}
