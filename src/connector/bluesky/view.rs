//! A post as the AppView shows it → a comment.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use url::Url;

use super::super::Post;
use super::super::http;
use super::{own_post, time_of_key};
use crate::domain::comment::{Attachment, Author, Kind, Seen, Visibility};

/// How long before its indexing an author may claim to have written.
const CLAIM: TimeDelta = TimeDelta::minutes(10);

/// `app.bsky.feed.defs#postView`, and of a notification the same parts.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostView {
    uri: String,
    author: Profile,
    record: Record,
    indexed_at: String,
    #[serde(default)]
    reply_count: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    did: String,
    #[serde(default)]
    handle: Value,
    #[serde(default)]
    display_name: Value,
}

/// `app.bsky.feed.post`. What the author wrote and nobody checked: only the text must have its shape.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    #[serde(default)]
    text: String,
    #[serde(default)]
    created_at: Value,
    #[serde(default)]
    reply: Option<ReplyRef>,
    #[serde(default)]
    embed: Value,
    #[serde(default)]
    facets: Value,
}

#[derive(Deserialize)]
struct ReplyRef {
    root: Ref,
    parent: Ref,
}

#[derive(Deserialize)]
struct Ref {
    uri: String,
}

/// A comment and what its element tells beside.
#[derive(Debug)]
pub(super) struct Viewed {
    pub(super) seen: Seen,
    /// How many direct replies the AppView counts.
    pub(super) reply_count: u64,
    /// The root that the record itself names; `None` for a post that answers nothing.
    pub(super) root: Option<String>,
}

/// The address of the post in an element, if that much can be read.
pub(super) fn uri(raw: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        uri: String,
    }
    http::element::<Named>(raw).ok().map(|named| named.uri).filter(|uri| uri.len() <= 1024)
}

/// The comment in an element: under `root` if that is known from the thread it was read in, else under the root
/// that its record names.
pub(super) fn comment(did: &str, raw: &RawValue, root: Option<&str>) -> Result<Viewed, serde_json::Error> {
    let view: PostView = http::element(raw)?;
    let mut created_at = time_of(&view)?;
    let (named_root, parent) = match view.record.reply {
        Some(reply) => (Some(reply.root.uri), Some(reply.parent.uri)),
        None => (None, None),
    };
    let post_id = root.map(str::to_owned).or_else(|| named_root.clone()).unwrap_or_else(|| view.uri.clone());
    // Some AppViews show the author's claim as `indexedAt` (tried on the real network). A reply is at least never
    // older than the post of ours that it answers, whose key tells its time.
    if let Some(root) = own_post(did, &post_id).and_then(time_of_key) {
        created_at = created_at.max(root);
    }
    let name = [&view.author.display_name, &view.author.handle]
        .into_iter()
        .filter_map(Value::as_str)
        .find(|name| !name.trim().is_empty())
        .map(str::to_owned);
    Ok(Viewed {
        reply_count: view.reply_count.as_u64().unwrap_or(0),
        root: named_root,
        seen: Seen {
            permalink: permalink(&view.uri),
            parent_id: parent.filter(|parent| *parent != post_id),
            post_id,
            ours: view.author.did == did,
            author: Author { id: Some(view.author.did), name },
            created_at,
            kind: Kind::Comment,
            media: Vec::new(),
            attachments: attachments(&view.record.embed, &view.record.facets, &view.record.text),
            text: view.record.text,
            native_id: view.uri,
            visibility: Visibility::Unknown,
            element: raw.get().as_bytes().to_vec(),
        },
    })
}

/// A post of our own, and how many replies stand under it.
pub(super) fn post(did: &str, raw: &RawValue) -> Result<Option<(Post, u64)>, serde_json::Error> {
    let view: PostView = http::element(raw)?;
    if view.author.did != did || view.record.reply.is_some() {
        return Ok(None);
    }
    let created_at = time_of(&view)?;
    let count = view.reply_count.as_u64().unwrap_or(0);
    let permalink = permalink(&view.uri);
    let post = Post {
        native_id: view.uri,
        text: view.record.text,
        created_at,
        permalink,
        comments: Some(count),
        element: raw.get().as_bytes().to_vec(),
    };
    Ok(Some((post, count)))
}

/// The platform's own time: `indexedAt`, except that the author's claim counts when it lies 0–10 min before it.
fn time_of(view: &PostView) -> Result<DateTime<Utc>, serde_json::Error> {
    let indexed =
        instant(&view.indexed_at).ok_or_else(|| serde::de::Error::custom("indexedAt is no time"))?;
    let claimed = view.record.created_at.as_str().and_then(instant);
    Ok(claimed.filter(|claimed| *claimed <= indexed && indexed - claimed <= CLAIM).unwrap_or(indexed))
}

pub(super) fn instant(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc())
}

fn permalink(uri: &str) -> Option<String> {
    let (did, rest) = uri.strip_prefix("at://")?.split_once('/')?;
    let key = rest.strip_prefix("app.bsky.feed.post/")?;
    Some(format!("https://bsky.app/profile/{did}/post/{key}"))
}

/// What stands beside the text, from the record: the view of it may be cut by labels and blocks.
fn attachments(embed: &Value, facets: &Value, text: &str) -> Vec<Attachment> {
    let mut found = Vec::new();
    embedded(embed, &mut found);
    let hides_its_goal = |uri: &str| {
        Url::parse(uri).ok().and_then(|url| {
            let host = url.host_str()?.trim_start_matches("www.").to_owned();
            Some(!text.to_lowercase().contains(&host))
        })
    };
    let links = facets
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|facet| facet.get("features")?.as_array())
        .flatten()
        .filter_map(|feature| feature.get("uri")?.as_str());
    // A link under other words than its address is not in the text that the rules read.
    if links.into_iter().any(|uri| hides_its_goal(uri).unwrap_or(true)) && !found.contains(&Attachment::Link)
    {
        found.push(Attachment::Link);
    }
    found
}

fn embedded(embed: &Value, found: &mut Vec<Attachment>) {
    let Some(kind) = embed.get("$type").and_then(Value::as_str) else {
        if !embed.is_null() {
            found.push(Attachment::Other);
        }
        return;
    };
    let count =
        |list: &str| embed.get(list).and_then(Value::as_array).map_or(1, |items| items.len().clamp(1, 20));
    match kind {
        "app.bsky.embed.images" => found.extend(vec![Attachment::Image; count("images")]),
        "app.bsky.embed.gallery" => found.extend(vec![Attachment::Image; count("items")]),
        "app.bsky.embed.video" => found.push(Attachment::Video),
        "app.bsky.embed.record" => found.push(Attachment::Quote),
        "app.bsky.embed.recordWithMedia" => {
            found.push(Attachment::Quote);
            match embed.get("media") {
                // One level: media holds pictures, a film or a link, never another of its kind.
                Some(media) if media.get("$type").and_then(Value::as_str) != Some(kind) => {
                    embedded(media, found);
                }
                _ => found.push(Attachment::Other),
            }
        }
        "app.bsky.embed.external" => {
            // Animated pictures are links to a picture service.
            let uri = embed.pointer("/external/uri").and_then(Value::as_str).unwrap_or_default();
            let moving = Url::parse(uri).is_ok_and(|url| url.path().to_ascii_lowercase().ends_with(".gif"));
            found.push(if moving { Attachment::Video } else { Attachment::Link });
        }
        _ => found.push(Attachment::Other),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DID: &str = "did:plc:kommun";

    fn view(created: &str, indexed: &str, extra: &Value) -> Result<Viewed, serde_json::Error> {
        let mut record = json!({"text": "Hej", "createdAt": created});
        record.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let view = json!({"uri": "at://did:plc:anna/app.bsky.feed.post/3k", "indexedAt": indexed,
            "author": {"did": "did:plc:anna", "handle": "anna.test"}, "record": record});
        comment(DID, &serde_json::value::to_raw_value(&view).unwrap(), None)
    }

    #[test]
    fn the_authors_claim_counts_only_right_before_the_indexing() {
        let indexed = "2026-11-23T06:00:00.000Z";
        for (claimed, time) in [
            ("2026-11-23T05:59:58.500Z", "2026-11-23T05:59:58.500Z"),
            ("2026-11-23T05:50:00.000Z", "2026-11-23T05:50:00Z"),
            ("2026-11-23T05:49:59.999Z", indexed),
            ("2026-11-23T06:00:00.001Z", indexed),
            ("2036-01-01T00:00:00Z", indexed),
            ("1970-01-01T00:00:00Z", indexed),
            ("2026-11-23T06:55:00+01:00", "2026-11-23T05:55:00Z"),
            ("i går", indexed),
            ("", indexed),
        ] {
            assert_eq!(
                view(claimed, indexed, &json!({})).unwrap().seen.created_at,
                instant(time).unwrap(),
                "{claimed}"
            );
        }
        assert!(view("2026-11-23T05:59:58Z", "snart", &json!({})).is_err());
    }

    #[test]
    fn no_claim_is_older_than_the_post_it_answers() {
        let root = format!("at://{DID}/app.bsky.feed.post/3juqjtr23dk2h");
        let reply = json!({"reply": {"root": {"uri": root}, "parent": {"uri": root}}});
        for (shown, time) in [
            ("1980-01-01T00:00:00Z", "2023-05-02T11:07:53.848112Z"),
            ("2023-05-02T11:07:53Z", "2023-05-02T11:07:53.848112Z"),
            ("2023-05-02T11:07:54Z", "2023-05-02T11:07:54Z"),
        ] {
            assert_eq!(
                view(shown, shown, &reply).unwrap().seen.created_at,
                instant(time).unwrap(),
                "{shown}"
            );
        }
    }

    #[test]
    fn everything_beside_the_text_is_told() {
        use Attachment::{Image, Link, Other, Quote, Video};
        let link = |uri: &str| json!({"facets": [{"features": [{"$type": "x#link", "uri": uri}]}]});
        for (extra, found) in [
            (json!({}), vec![]),
            (json!({"embed": {"$type": "app.bsky.embed.images", "images": [{}, {}]}}), vec![Image, Image]),
            (json!({"embed": {"$type": "app.bsky.embed.images", "images": "x"}}), vec![Image]),
            (json!({"embed": {"$type": "app.bsky.embed.video"}}), vec![Video]),
            (json!({"embed": {"$type": "app.bsky.embed.record"}}), vec![Quote]),
            (
                json!({"embed": {"$type": "app.bsky.embed.recordWithMedia", "media": {"$type": "app.bsky.embed.video"}}}),
                vec![Quote, Video],
            ),
            (
                json!({"embed": {"$type": "app.bsky.embed.recordWithMedia", "media": {"$type": "app.bsky.embed.recordWithMedia"}}}),
                vec![Quote, Other],
            ),
            (
                json!({"embed": {"$type": "app.bsky.embed.external", "external": {"uri": "https://a.example/x"}}}),
                vec![Link],
            ),
            (
                json!({"embed": {"$type": "app.bsky.embed.external", "external": {"uri": "https://t.example/a.gif?hh=1"}}}),
                vec![Video],
            ),
            (json!({"embed": {"$type": "app.bsky.embed.hologram"}}), vec![Other]),
            (json!({"embed": 7}), vec![Other]),
            (link("https://bluff.example/x"), vec![Link]),
            (
                json!({"text": "se www.bluff.example/…", "facets": link("https://www.bluff.example/x")["facets"]}),
                vec![],
            ),
            (json!({"facets": [7, {"features": 7}, {"features": [7, {"tag": "x"}]}]}), vec![]),
        ] {
            let viewed = view("2026-11-23T06:00:00Z", "2026-11-23T06:00:00Z", &extra).unwrap();
            assert_eq!(viewed.seen.attachments, found, "{extra}");
        }
    }

    #[test]
    fn what_the_author_may_write_freely_never_costs_the_comment() {
        for extra in [
            json!({"createdAt": 7}),
            json!({"createdAt": null}),
            json!({"embed": []}),
            json!({"facets": "x"}),
            json!({"langs": {"a": 1}}),
            json!({"text": "\u{0}\u{202e}😀"}),
        ] {
            assert!(view("2026-11-23T06:00:00Z", "2026-11-23T06:00:00Z", &extra).is_ok(), "{extra}");
        }
        assert!(view("x", "2026-11-23T06:00:00Z", &json!({"text": 7})).is_err());
    }
}
