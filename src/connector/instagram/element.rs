//! One comment or post, from its JSON.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::connector::graph::{Edge, Id, Next, Thread, fault, read, text_of, time};
use crate::connector::{ElementFault, Post};
use crate::domain::comment::{Attachment, Author, Kind, Seen, Visibility};

/// What is asked of a comment alone: no answers, they are other people's words.
pub(super) const FIELDS: &str = "id,text,timestamp,username,from,user,hidden,parent_id,media{id}";

/// What is asked of the comments under a post: the answers that the platform shows beside each, too.
pub(super) const LIST_FIELDS: &str = "id,text,timestamp,username,from,user,hidden,parent_id,\
                                      replies{id,text,timestamp,username,from,user,hidden,parent_id}";

/// What is asked of a post.
pub(super) const POST_FIELDS: &str =
    "id,caption,timestamp,permalink,comments_count,media_type,media_product_type";

/// Why an element without an id cannot be taken.
pub(super) const WITHOUT_ID: &str = "element without id: the token lacks the right to manage comments; connect the \
                                     account with it";

/// Whose account it is, to know its own comments.
#[derive(Debug, Clone, Copy)]
pub struct Own<'a> {
    /// The account's id.
    pub id: &'a str,
    /// The account's name, where it is known: the id beside a comment is another one than the account's.
    pub name: Option<&'a str>,
}

/// The fields that are read. Everything but id, time and text may be of any shape.
#[derive(Deserialize)]
struct Element {
    id: Option<Id>,
    text: Option<String>,
    timestamp: Option<String>,
    username: Option<Value>,
    from: Option<Value>,
    user: Option<Value>,
    hidden: Option<Value>,
    parent_id: Option<Value>,
}

/// A comment of a list, with the answers beside it.
pub(super) struct WithAnswers {
    pub(super) comments: Vec<Result<Seen, ElementFault>>,
    pub(super) thread: Option<Thread>,
}

/// The comment that `raw` holds and the answers in it, each as an element of its own.
pub(super) fn with_answers(raw: &RawValue, post_id: &str, own: Own<'_>) -> WithAnswers {
    let (replies, own_bytes) = apart(raw);
    let first = comment(raw, post_id, None, own).map(|seen| match own_bytes {
        Some(element) => Seen { element, ..seen },
        None => seen,
    });
    let Some(edge) = replies.and_then(|replies| serde_json::from_str::<Edge<'_>>(replies.get()).ok()) else {
        return WithAnswers { comments: vec![first], thread: None };
    };
    let Ok(parent) = first.as_ref().map(|seen| seen.native_id.clone()) else {
        // Whose answers they are cannot be said: the fault says that something is missing.
        return WithAnswers { comments: vec![first], thread: None };
    };
    let answers = edge.elements().unwrap_or_default();
    let mut comments = vec![first];
    comments.extend(answers.iter().map(|raw| comment(raw, post_id, Some(&parent), own)));
    let thread = Thread {
        id: parent,
        shown: u64::try_from(answers.len()).unwrap_or(u64::MAX),
        goes_on: edge.next() != Next::End,
    };
    // Without a single answer there is no thread, unless the platform says that there is more.
    let thread = Some(thread).filter(|thread| thread.shown > 0 || thread.goes_on);
    WithAnswers { comments, thread }
}

/// The answers in an element, and the element's bytes without them: what stands under a comment is not its own, and
/// must be erasable without it.
fn apart(raw: &RawValue) -> (Option<&RawValue>, Option<Vec<u8>>) {
    #[derive(Deserialize)]
    struct Replies<'a> {
        #[serde(borrow)]
        replies: Option<&'a RawValue>,
    }
    let Ok(Replies { replies: Some(replies) }) = serde_json::from_str::<Replies<'_>>(raw.get()) else {
        return (None, None);
    };
    let (whole, part) = (raw.get(), replies.get());
    // Both are slices of the same text.
    let from = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize);
    let without = from.and_then(|from| {
        let (before, after) = (whole.get(..from)?, whole.get(from + part.len()..)?);
        Some([before, "null", after].concat().into_bytes())
    });
    (Some(replies), without)
}

/// The comment that `raw` holds, under the post `post_id`; `parent` where it is known from the list.
pub(super) fn comment(
    raw: &RawValue,
    post_id: &str,
    parent: Option<&str>,
    own: Own<'_>,
) -> Result<Seen, ElementFault> {
    let element: Element = read(raw)?;
    let native_id = element.id.and_then(Id::verbatim).ok_or_else(|| fault(None, WITHOUT_ID))?;
    let created_at = time(element.timestamp.as_deref())
        .ok_or_else(|| fault(Some(&native_id), "timestamp is missing or no date"))?;
    // `username` is the usual form, `from` the newer, `user` that of the account's own comments.
    let plain = element.username.as_ref().and_then(Value::as_str).filter(|name| !name.is_empty());
    let author = Author {
        id: text_of(element.from.as_ref(), "id").or_else(|| text_of(element.user.as_ref(), "id")),
        name: plain
            .map(str::to_owned)
            .or_else(|| text_of(element.from.as_ref(), "username"))
            .or_else(|| text_of(element.user.as_ref(), "username")),
    };
    let ours = author.id.as_deref() == Some(own.id)
        || text_of(element.user.as_ref(), "id").as_deref() == Some(own.id)
        || own
            .name
            .is_some_and(|own| author.name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(own)));
    let parent_id = element.parent_id.and_then(|value| match value {
        Value::String(text) => Some(text).filter(|text| !text.is_empty() && text != post_id),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    });
    let text = element.text.unwrap_or_default();
    // Pictures and moving stickers in comments are not in the API: what has no text has one of them.
    let attachments = if text.trim().is_empty() { vec![Attachment::Other] } else { Vec::new() };
    Ok(Seen {
        post_id: post_id.to_owned(),
        parent_id: parent_id.or_else(|| parent.map(str::to_owned)),
        ours,
        author,
        created_at,
        text,
        permalink: None,
        kind: Kind::Comment,
        attachments,
        media: Vec::new(),
        visibility: match element.hidden {
            Some(Value::Bool(true)) => Visibility::Hidden,
            Some(Value::Bool(false)) => Visibility::Public,
            _ => Visibility::Unknown,
        },
        element: raw.get().as_bytes().to_vec(),
        native_id,
    })
}

/// The post that `raw` holds.
pub(super) fn post(raw: &RawValue) -> Result<Post, ElementFault> {
    #[derive(Deserialize)]
    struct Medium {
        id: Option<Id>,
        caption: Option<String>,
        timestamp: Option<String>,
        permalink: Option<Value>,
        comments_count: Option<Value>,
    }
    let medium: Medium = read(raw)?;
    let native_id = medium.id.and_then(Id::verbatim).ok_or_else(|| fault(None, "post without id"))?;
    let created_at = time(medium.timestamp.as_deref())
        .ok_or_else(|| fault(Some(&native_id), "timestamp of a post is missing or no date"))?;
    Ok(Post {
        native_id,
        text: medium.caption.unwrap_or_default(),
        created_at,
        permalink: medium.permalink.and_then(|url| url.as_str().map(str::to_owned)),
        comments: medium.comments_count.as_ref().and_then(Value::as_u64),
        element: raw.get().as_bytes().to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::connector::graph::trial::any_json;

    const OWN: Own<'static> = Own { id: "178", name: Some("kommunen") };

    fn raw(text: &str) -> &RawValue {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_answers_in_an_element_are_elements_of_their_own_and_its_bytes_hold_none_of_them() {
        let text = r#"{"id":"1","text":"fråga","timestamp":"2026-11-20T08:00:00+0000", "replies": {"data":[{"id":"2","text":"svar ett","timestamp":"2026-11-20T09:00:00+0000","username":"kommunen"},{"id":"3"}]},"hidden":false}"#;
        let found = with_answers(raw(text), "9", OWN);
        let [first, second, third] = &found.comments[..] else { panic!("{}", found.comments.len()) };
        let (first, second) = (first.as_ref().unwrap(), second.as_ref().unwrap());
        assert_eq!(
            String::from_utf8_lossy(&first.element),
            r#"{"id":"1","text":"fråga","timestamp":"2026-11-20T08:00:00+0000", "replies": null,"hidden":false}"#
        );
        assert_eq!(second.parent_id.as_deref(), Some("1"));
        assert!(second.ours && !first.ours);
        assert_eq!(third.as_ref().unwrap_err().native_id.as_deref(), Some("3"));
        assert_eq!(found.thread, Some(Thread { id: "1".to_owned(), shown: 2, goes_on: false }));
    }

    #[test]
    fn the_writer_is_found_in_each_of_the_three_forms() {
        // What stands beside the comment; id, name, and whether it is the account's own.
        let table = [
            (json!({ "username": "erik" }), None, Some("erik"), false),
            (json!({ "from": { "id": "5", "username": "erik" } }), Some("5"), Some("erik"), false),
            (json!({ "user": { "id": "178" } }), Some("178"), None, true),
            (
                json!({ "user": { "id": "178" }, "from": { "id": "6" }, "username": "x" }),
                Some("6"),
                Some("x"),
                true,
            ),
            (json!({ "username": "Kommunen" }), None, Some("Kommunen"), true),
            (json!({ "username": 7, "from": [], "user": "x" }), None, None, false),
            (json!({}), None, None, false),
        ];
        for (beside, id, name, ours) in table {
            let mut value = json!({ "id": "1", "text": "hej", "timestamp": "2026-11-20T08:00:00+0000" });
            value.as_object_mut().unwrap().extend(beside.as_object().unwrap().clone());
            let seen = comment(raw(&value.to_string()), "9", None, OWN).unwrap();
            assert_eq!(
                (seen.author.id.as_deref(), seen.author.name.as_deref(), seen.ours),
                (id, name, ours),
                "{value}"
            );
        }
    }

    #[test]
    fn a_comment_without_text_is_one_that_the_rules_cannot_read() {
        for text in [json!(""), json!("  "), Value::Null] {
            let value = json!({ "id": "1", "text": text, "timestamp": "2026-11-20T08:00:00+0000" });
            let seen = comment(raw(&value.to_string()), "9", None, OWN).unwrap();
            assert_eq!(seen.attachments, [Attachment::Other], "{value}");
        }
    }

    fn json_value() -> impl Strategy<Value = Value> {
        any_json("id|data|paging|next|text|timestamp|.{0,6}", 4, 24)
    }

    proptest! {
        #[test]
        fn any_json_is_a_comment_with_its_bytes_or_a_fault(
            fields in prop::collection::btree_map(
                "id|text|timestamp|from|user|username|hidden|parent_id|replies", json_value(), 0..9,
            ),
            whole in json_value(),
        ) {
            for value in [Value::Object(fields.into_iter().collect()), whole] {
                let text = value.to_string();
                for seen in with_answers(raw(&text), "9", OWN).comments.into_iter().flatten() {
                    prop_assert!(serde_json::from_slice::<Value>(&seen.element).is_ok());
                    prop_assert!(!seen.native_id.is_empty());
                }
                let _ = post(raw(&text));
            }
        }
    }
}
