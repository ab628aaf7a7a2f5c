//! One comment or post, from its JSON.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::connector::{ElementFault, Post};
use crate::domain::comment::{Attachment, Author, Kind, Seen, Visibility};

/// What is asked of a comment. `parent{id}` and no more: the whole parent would be another person's words in the
/// evidence of this one.
pub(super) const FIELDS: &str = "id,message,created_time,from{id,name},parent{id},permalink_url,is_hidden,can_hide,\
                                 attachment,comment_count,object{id}";

/// What is asked of a post.
pub(super) const POST_FIELDS: &str = "id,message,created_time,permalink_url,from{id}";

/// Why an element without an id cannot be taken: the reason, and what to do.
pub(super) const WITHOUT_ID: &str = "element without id: the token lacks the task MODERATE on the Page (or the \
                                     right pages_read_user_content); connect the account with them";

/// The fields that are read. Everything but id, time and text may be of any shape: what the platform adds or breaks
/// there costs that field, not the comment.
#[derive(Deserialize)]
struct Element {
    id: Option<Id>,
    message: Option<String>,
    created_time: Option<String>,
    from: Option<Value>,
    parent: Option<Value>,
    permalink_url: Option<Value>,
    is_hidden: Option<Value>,
    can_hide: Option<Value>,
    attachment: Option<Value>,
}

/// An id: text in all recorded answers, a number in old ones.
#[derive(Deserialize)]
#[serde(untagged)]
enum Id {
    Text(String),
    Number(u64),
}

impl Id {
    fn verbatim(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text).filter(|text| !text.is_empty()),
            Self::Number(number) => Some(number.to_string()),
        }
    }
}

/// The comment that `raw` holds, under the post `post_id` of the Page `page_id`.
pub(super) fn comment(raw: &RawValue, post_id: &str, page_id: &str) -> Result<Seen, ElementFault> {
    let element = read(raw)?;
    let native_id = element.id.and_then(Id::verbatim).ok_or_else(|| fault(None, WITHOUT_ID))?;
    let created_at = time(element.created_time.as_deref())
        .ok_or_else(|| fault(Some(&native_id), "created_time is missing or no date"))?;
    let author =
        Author { id: text_of(element.from.as_ref(), "id"), name: text_of(element.from.as_ref(), "name") };
    Ok(Seen {
        post_id: post_id.to_owned(),
        // Webhooks name the post as the parent at the top level; lists leave it out.
        parent_id: text_of(element.parent.as_ref(), "id").filter(|parent| parent != post_id),
        ours: author.id.as_deref() == Some(page_id),
        author,
        created_at,
        text: element.message.unwrap_or_default(),
        permalink: element.permalink_url.and_then(|url| url.as_str().map(str::to_owned)),
        kind: Kind::Comment,
        attachments: element.attachment.as_ref().and_then(attachment).into_iter().collect(),
        media: Vec::new(),
        visibility: match element.is_hidden {
            Some(Value::Bool(true)) => Visibility::Hidden,
            Some(Value::Bool(false)) => Visibility::Public,
            _ => Visibility::Unknown,
        },
        element: raw.get().as_bytes().to_vec(),
        native_id,
    })
}

/// A post, and whether the Page itself wrote it.
pub(super) fn post(raw: &RawValue, page_id: &str) -> Result<(Post, bool), ElementFault> {
    let element = read(raw)?;
    let native_id = element.id.and_then(Id::verbatim).ok_or_else(|| fault(None, "post without id"))?;
    let created_at = time(element.created_time.as_deref())
        .ok_or_else(|| fault(Some(&native_id), "created_time of a post is missing or no date"))?;
    let writer = text_of(element.from.as_ref(), "id");
    let post = Post {
        native_id,
        text: element.message.unwrap_or_default(),
        created_at,
        permalink: element.permalink_url.and_then(|url| url.as_str().map(str::to_owned)),
        comments: None,
        element: raw.get().as_bytes().to_vec(),
    };
    // Without a writer it is the Page's own: the API always names visitors to a token that may read them.
    Ok((post, writer.is_none_or(|writer| writer == page_id)))
}

/// Whether the Page may hide the comment. A hidden one has no `can_hide` and may be hidden again.
pub(super) fn may_hide(raw: &RawValue) -> bool {
    let Ok(element) = read(raw) else { return true };
    element.is_hidden == Some(Value::Bool(true)) || element.can_hide != Some(Value::Bool(false))
}

fn read(raw: &RawValue) -> Result<Element, ElementFault> {
    serde_json::from_str(raw.get()).map_err(|error| {
        // The id is told even where the rest cannot be read, so that a person can find the comment.
        #[derive(Deserialize)]
        struct OnlyId {
            id: Id,
        }
        let id = serde_json::from_str::<OnlyId>(raw.get()).ok().and_then(|only| only.id.verbatim());
        // serde's own words quote the value; the place is enough.
        fault(id.as_deref(), &format!("unreadable at column {} of the element", error.column()))
    })
}

fn fault(id: Option<&str>, reason: &str) -> ElementFault {
    ElementFault { native_id: id.map(str::to_owned), reason: reason.to_owned() }
}

/// A date of the Graph API: `2021-07-21T21:05:14+0000`, whose offset has no colon, or RFC 3339.
fn time(text: Option<&str>) -> Option<DateTime<Utc>> {
    let text = text?;
    DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%z")
        .or_else(|_| DateTime::parse_from_rfc3339(text))
        .ok()
        .map(|time| time.to_utc())
}

/// The text or number `key` of an object.
fn text_of(object: Option<&Value>, key: &str) -> Option<String> {
    match object?.get(key)? {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The kind of an attachment. Its types are listed nowhere: what is not known is `Other`, never nothing.
fn attachment(value: &Value) -> Option<Attachment> {
    if value.is_null() {
        return None;
    }
    let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
    let has = |part: &str| kind.contains(part);
    Some(if has("sticker") {
        Attachment::Sticker
    } else if has("video") || has("animated") || has("gif") {
        Attachment::Video
    } else if has("photo") || has("image") || has("album") {
        Attachment::Image
    } else if has("audio") || has("music") {
        Attachment::Audio
    } else if has("share") || has("link") {
        Attachment::Link
    } else {
        Attachment::Other
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            Just(json!("2026-11-20T08:00:00+0000")),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("id|name|type|.{0,6}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_json_is_a_comment_with_its_bytes_or_a_fault(
            fields in prop::collection::btree_map(
                "id|message|created_time|from|parent|permalink_url|is_hidden|can_hide|attachment", json_value(), 0..9,
            ),
            whole in json_value(),
        ) {
            for value in [Value::Object(fields.into_iter().collect()), whole] {
                let text = value.to_string();
                let raw: &RawValue = serde_json::from_str(&text).unwrap();
                match comment(raw, "4_1", "4") {
                    Ok(seen) => {
                        prop_assert_eq!(&seen.element, text.as_bytes());
                        prop_assert_eq!(value["message"].as_str().unwrap_or_default(), seen.text);
                        prop_assert!(!seen.native_id.is_empty());
                    }
                    Err(fault) => prop_assert!(fault.reason.len() < 200),
                }
                let _ = post(raw, "4");
                let _ = may_hide(raw);
            }
        }
    }

    #[test]
    fn a_date_is_read_with_and_without_a_colon_in_its_offset() {
        let table = [
            ("2021-07-21T21:05:14+0000", Some("2021-07-21T21:05:14+00:00")),
            ("2021-07-21T21:05:14+00:00", Some("2021-07-21T21:05:14+00:00")),
            ("2021-07-21T23:05:14+0200", Some("2021-07-21T21:05:14+00:00")),
            ("2021-07-21T21:05:14Z", Some("2021-07-21T21:05:14+00:00")),
            ("2021-07-21T21:05:14", None),
            ("2021-07-21", None),
            ("1626901514", None),
            ("2021-02-30T21:05:14+0000", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(time(Some(text)).map(|time| time.to_rfc3339()).as_deref(), expected, "{text}");
        }
    }
}
