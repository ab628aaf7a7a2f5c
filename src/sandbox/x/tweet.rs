//! Posts and replies as one kind of thing, and how they look with the fields that were asked for.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::problem::{self, Problem};
use crate::sandbox::comment::{Comment, Place};
use crate::sandbox::common;
use crate::sandbox::wire::Call;
use crate::sandbox::world::World;

/// A post of an account, or a reply in its conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tweet {
    pub(super) id: String,
    pub(super) text: String,
    pub(super) author: String,
    /// The post that the conversation began with.
    pub(super) conversation: String,
    /// What it answers.
    pub(super) parent: Option<String>,
    pub(super) at: String,
    pub(super) place: Place,
    name: Option<String>,
    media: Vec<(String, String)>,
    likes: u64,
}

impl Tweet {
    /// The post with this id, unless it is gone.
    pub(super) fn post(world: &World, id: &str) -> Option<Self> {
        let post = world.post(id).filter(|post| !post.deleted)?;
        let author = post.author.clone().unwrap_or_default();
        let place = common::instant(&post.at).map_or(i64::MAX, |at| at.timestamp_millis());
        Some(Self {
            id: id.to_owned(),
            text: post.text.clone(),
            author: author.id.unwrap_or_else(|| post.account.clone()),
            conversation: id.to_owned(),
            parent: None,
            at: post.at.clone(),
            place: (place, 0),
            name: author.name,
            media: Vec::new(),
            likes: 0,
        })
    }

    /// A reply.
    pub(super) fn reply(comment: &Comment, place: Place) -> Self {
        let author = comment.author.clone().unwrap_or_default();
        Self {
            id: comment.id.clone(),
            text: comment.text.clone(),
            author: if comment.ours {
                comment.account.clone()
            } else {
                author.id.unwrap_or_else(|| common::big_number(&comment.id).to_string())
            },
            conversation: comment.post.clone(),
            parent: Some(comment.parent.clone().unwrap_or_else(|| comment.post.clone())),
            at: comment.at.clone(),
            place,
            name: author.name,
            media: comment.media.iter().map(|media| (media.id.clone(), media.mime().to_owned())).collect(),
            likes: comment.likes,
        }
    }

    /// What stands under this id now, unless it is gone or nobody may see it.
    pub(super) fn find(world: &World, id: &str) -> Option<Self> {
        let reply = || {
            let comment =
                world.comment(id).filter(|comment| is_there(world, comment) && !is_protected(comment))?;
            Some(Self::reply(comment, comment.place))
        };
        Self::post(world, id).or_else(reply)
    }
}

/// Whether a reply is still there. A reply whose parent is gone stays, as on the real one; only its post's end is
/// the end of the conversation for this emulator. A reply that is hidden stays too: behind a click.
pub(super) fn is_there(world: &World, comment: &Comment) -> bool {
    !comment.deleted && !comment.held && world.post(&comment.post).is_some_and(|post| !post.deleted)
}

/// Whether its author's account is protected (the comment's setting `protected`).
pub(super) fn is_protected(comment: &Comment) -> bool {
    comment.setting("protected") == Some(&Value::Bool(true))
}

/// What a request wants to see of tweets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View<'a> {
    fields: Vec<&'a str>,
    users: Vec<&'a str>,
    expansions: Vec<&'a str>,
}

const FIELDS: [&str; 17] = [
    "attachments",
    "author_id",
    "conversation_id",
    "created_at",
    "edit_history_tweet_ids",
    "entities",
    "id",
    "in_reply_to_user_id",
    "lang",
    "note_tweet",
    "possibly_sensitive",
    "public_metrics",
    "referenced_tweets",
    "reply_settings",
    "source",
    "text",
    "withheld",
];

const EXPANSIONS: [&str; 5] = [
    "author_id",
    "in_reply_to_user_id",
    "referenced_tweets.id",
    "referenced_tweets.id.author_id",
    "attachments.media_keys",
];

const USERS: [&str; 9] = [
    "created_at",
    "description",
    "id",
    "name",
    "profile_image_url",
    "protected",
    "public_metrics",
    "username",
    "verified",
];

impl<'a> View<'a> {
    /// What `tweet.fields`, `user.fields` and `expansions` say.
    pub(super) fn wanted(call: &'a Call) -> Result<Self, Problem> {
        let list = |name: &str, known: &[&str]| -> Result<Vec<&'a str>, Problem> {
            let text = call.param(name).unwrap_or_default();
            let all: Vec<&str> = text.split(',').filter(|field| !field.is_empty()).collect();
            match all.iter().find(|field| !known.contains(field)) {
                Some(unknown) => {
                    let message = format!(
                        "The `{name}` query parameter value [{unknown}] is not one of [{}]",
                        known.join(",")
                    );
                    Err(Problem::parameter(name, Some(text), &message))
                }
                None => Ok(all),
            }
        };
        Ok(Self {
            fields: list("tweet.fields", &FIELDS)?,
            users: list("user.fields", &USERS)?,
            expansions: list("expansions", &EXPANSIONS)?,
        })
    }

    /// Tweets with what they lead to: `data`, `includes`, and `errors` for what cannot be shown.
    pub(super) fn page(&self, world: &World, call: &Call, tweets: &[Tweet]) -> Map<String, Value> {
        let mut answer = Map::new();
        if !tweets.is_empty() {
            answer.insert("data".to_owned(), tweets.iter().map(|tweet| self.tweet(world, tweet)).collect());
        }
        let (includes, errors) = self.includes(world, call, tweets);
        if !includes.is_empty() {
            answer.insert("includes".to_owned(), Value::Object(includes));
        }
        if !errors.is_empty() {
            answer.insert("errors".to_owned(), Value::Array(errors));
        }
        answer
    }

    /// One tweet. Without `tweet.fields` only id, text and its versions.
    pub(super) fn tweet(&self, world: &World, tweet: &Tweet) -> Value {
        let mut shown = json!({ "edit_history_tweet_ids": [tweet.id], "id": tweet.id, "text": tweet.text });
        let expands = |name: &str| self.expansions.contains(&name);
        for field in &self.fields {
            let value = match *field {
                "author_id" => json!(tweet.author),
                "conversation_id" => json!(tweet.conversation),
                "created_at" => json!(date(&tweet.at)),
                "in_reply_to_user_id" => match answered(world, tweet) {
                    Some(user) => json!(user),
                    None => continue,
                },
                "referenced_tweets" => match &tweet.parent {
                    Some(parent) => json!([{ "type": "replied_to", "id": parent }]),
                    None => continue,
                },
                "public_metrics" => json!({
                    "retweet_count": 0, "reply_count": world.answers(&tweet.id), "like_count": tweet.likes,
                    "quote_count": 0, "bookmark_count": 0, "impression_count": 0,
                }),
                "entities" => match mentions(world, tweet) {
                    Some(mentions) => json!({ "mentions": mentions }),
                    None => continue,
                },
                "lang" => json!("sv"),
                "possibly_sensitive" => json!(false),
                "reply_settings" => json!("everyone"),
                "attachments" if !tweet.media.is_empty() => attachments(tweet),
                _ => continue,
            };
            shown[*field] = value;
        }
        // An expansion brings the field that it follows.
        if expands("author_id") {
            shown["author_id"] = json!(tweet.author);
        }
        if let (true, Some(parent)) =
            (self.expansions.iter().any(|name| name.starts_with("referenced")), &tweet.parent)
        {
            shown["referenced_tweets"] = json!([{ "type": "replied_to", "id": parent }]);
        }
        if expands("attachments.media_keys") && !tweet.media.is_empty() {
            shown["attachments"] = attachments(tweet);
        }
        shown
    }

    fn includes(&self, world: &World, call: &Call, tweets: &[Tweet]) -> (Map<String, Value>, Vec<Value>) {
        let (mut users, mut above, mut media) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut errors = Vec::new();
        for tweet in tweets {
            if self.expansions.contains(&"author_id") {
                users.insert(tweet.author.clone(), self.user(world, &tweet.author, tweet.name.as_deref()));
            }
            if let (true, Some(user)) =
                (self.expansions.contains(&"in_reply_to_user_id"), answered(world, tweet))
            {
                let shown = self.user(world, &user, None);
                users.entry(user).or_insert(shown);
            }
            if let (true, Some(parent)) =
                (self.expansions.iter().any(|name| name.starts_with("referenced")), &tweet.parent)
            {
                if let Some(found) = Tweet::find(world, parent) {
                    above.insert(parent.clone(), self.tweet(world, &found));
                } else {
                    let protected = world
                        .comment(parent)
                        .is_some_and(|comment| is_protected(comment) && !comment.deleted);
                    errors.push(problem::beside("referenced_tweets.id", parent, protected));
                }
            }
            if self.expansions.contains(&"attachments.media_keys") {
                for (id, mime) in &tweet.media {
                    let (kind, url) = kind(mime, id, &call.host);
                    let mut shown = json!({ "media_key": key(id), "type": kind });
                    if kind == "photo"
                        && call.param("media.fields").is_some_and(|fields| fields.contains("url"))
                    {
                        shown["url"] = json!(url);
                    }
                    media.insert(key(id), shown);
                }
            }
        }
        let mut includes = Map::new();
        for (name, found) in [("users", users), ("tweets", above), ("media", media)] {
            if !found.is_empty() {
                includes.insert(name.to_owned(), found.into_values().collect());
            }
        }
        (includes, errors)
    }

    /// A user: always id, name and username.
    pub(super) fn user(&self, world: &World, id: &str, name: Option<&str>) -> Value {
        let account = world.account(id);
        let name = account.map(|account| account.name.as_str()).or(name).unwrap_or("En användare");
        let mut shown = json!({ "id": id, "name": name, "username": username(world, id) });
        for field in &self.users {
            let value = match *field {
                "description" => json!(account.map_or("", |account| &account.about)),
                "created_at" => json!("2012-03-01T09:00:00.000Z"),
                "protected" | "verified" => json!(false),
                _ => continue,
            };
            shown[*field] = value;
        }
        shown
    }
}

/// The name after the @.
pub(super) fn username(world: &World, id: &str) -> String {
    let told = world.account(id).and_then(|account| account.username.clone());
    told.unwrap_or_else(|| {
        let letters: Vec<char> = id.chars().filter(char::is_ascii_alphanumeric).collect();
        format!("u{}", letters.iter().skip(letters.len().saturating_sub(12)).collect::<String>())
    })
}

/// The user whose tweet it answers.
fn answered(world: &World, tweet: &Tweet) -> Option<String> {
    let parent = tweet.parent.as_deref()?;
    let post = || Tweet::post(world, parent).map(|post| post.author);
    world.comment(parent).map(|above| Tweet::reply(above, above.place).author).or_else(post)
}

/// The accounts that it names, each with its place in the text, counted in characters.
fn mentions(world: &World, tweet: &Tweet) -> Option<Vec<Value>> {
    let text = tweet.text.to_lowercase();
    let of = |id: &String| {
        let username = username(world, id);
        let name = format!("@{}", username.to_lowercase());
        let start = text.get(..text.find(&name)?)?.chars().count();
        let end = start + name.chars().count();
        Some(json!({ "start": start, "end": end, "username": username, "id": id }))
    };
    let found: Vec<Value> = world.accounts.keys().filter_map(of).collect();
    (!found.is_empty()).then_some(found)
}

fn attachments(tweet: &Tweet) -> Value {
    let keys: Vec<String> = tweet.media.iter().map(|(id, _)| key(id)).collect();
    json!({ "media_keys": keys })
}

fn key(id: &str) -> String {
    format!("3_{}", common::big_number(id))
}

fn kind(mime: &str, id: &str, host: &str) -> (&'static str, String) {
    let kind = if mime.starts_with("image/") { "photo" } else { "video" };
    (kind, crate::sandbox::media::address(host, id))
}

/// A date with thousandths, as all of them here are.
fn date(at: &str) -> String {
    common::instant(at).map_or_else(|| at.to_owned(), common::long)
}
