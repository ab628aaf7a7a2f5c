//! One comment or post, from its JSON.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::connector::graph::{Id, Permits, fault, read, text_of, time};
use crate::connector::{ElementFault, Post};
use crate::domain::comment::{Attachment, Author, Kind, Media, Seen, Visibility};

/// What is asked of a comment. `parent{id}` and no more: the whole parent would be another person's words in the
/// evidence of this one.
pub(super) const FIELDS: &str = "id,message,created_time,from{id,name},parent{id},permalink_url,is_hidden,can_hide,\
                                 can_remove,attachment,comment_count,object{id}";

/// What is asked of a post.
pub(super) const POST_FIELDS: &str =
    "id,message,created_time,permalink_url,from{id,name},is_hidden,attachments{type,media,url}";

/// Why an element without an id cannot be taken: the reason, and what to do.
pub(super) const WITHOUT_ID: &str = "element without id: the token lacks the task MODERATE on the Page (or the \
                                     right pages_read_user_content); connect the account with them";

/// The most pictures of one attachment that are named.
const MOST_MEDIA: usize = 20;

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
    can_remove: Option<Value>,
    attachment: Option<Value>,
    attachments: Option<Value>,
}

impl Element {
    fn author(&self) -> Author {
        Author { id: text_of(self.from.as_ref(), "id"), name: text_of(self.from.as_ref(), "name") }
    }

    fn visibility(&self) -> Visibility {
        match self.is_hidden {
            Some(Value::Bool(true)) => Visibility::Hidden,
            Some(Value::Bool(false)) => Visibility::Public,
            _ => Visibility::Unknown,
        }
    }

    fn permalink(&self) -> Option<String> {
        self.permalink_url.as_ref()?.as_str().map(str::to_owned)
    }

    fn permits(&self) -> Permits {
        let denied = |right: &Option<Value>| *right == Some(Value::Bool(false));
        Permits {
            // A hidden comment has no `can_hide` and may be hidden again.
            hide: self.visibility() == Visibility::Hidden || !denied(&self.can_hide),
            remove: !denied(&self.can_remove),
        }
    }
}

/// The comment that `raw` holds, under the post `post_id` of the Page `page_id`.
pub(super) fn comment(raw: &RawValue, post_id: &str, page_id: &str) -> Result<Seen, ElementFault> {
    let mut element: Element = read(raw)?;
    let native_id = element.id.take().and_then(Id::verbatim).ok_or_else(|| fault(None, WITHOUT_ID))?;
    let created_at = time(element.created_time.as_deref())
        .ok_or_else(|| fault(Some(&native_id), "created_time is missing or no date"))?;
    let author = element.author();
    let beside: Vec<&Value> =
        element.attachment.as_ref().filter(|value| !value.is_null()).into_iter().collect();
    Ok(Seen {
        post_id: post_id.to_owned(),
        // Webhooks name the post as the parent at the top level; lists leave it out.
        parent_id: text_of(element.parent.as_ref(), "id").filter(|parent| !is_same(parent, post_id)),
        ours: author.id.as_deref() == Some(page_id),
        author,
        created_at,
        permalink: element.permalink(),
        kind: Kind::Comment,
        attachments: beside.iter().map(|value| attachment(value)).collect(),
        media: media(&beside),
        visibility: element.visibility(),
        text: element.message.unwrap_or_default(),
        element: raw.get().as_bytes().to_vec(),
        native_id,
    })
}

/// A post, and the same as an utterance to judge where a visitor wrote it.
pub(super) fn post(raw: &RawValue, page_id: &str) -> Result<(Post, Option<Seen>), ElementFault> {
    let mut element: Element = read(raw)?;
    let native_id = element.id.take().and_then(Id::verbatim).ok_or_else(|| fault(None, "post without id"))?;
    let created_at = time(element.created_time.as_deref())
        .ok_or_else(|| fault(Some(&native_id), "created_time of a post is missing or no date"))?;
    let author = element.author();
    let permalink = element.permalink();
    let visibility = element.visibility();
    let beside: Vec<&Value> = element
        .attachments
        .as_ref()
        .and_then(|edge| edge.get("data")?.as_array())
        .into_iter()
        .flatten()
        .collect();
    let (attachments, media) = (beside.iter().map(|value| attachment(value)).collect(), media(&beside));
    let text = element.message.unwrap_or_default();
    // Without a writer it is the Page's own: the API always names visitors to a token that may read them.
    let by_visitor = author.id.as_deref().is_some_and(|writer| writer != page_id).then(|| Seen {
        native_id: native_id.clone(),
        post_id: native_id.clone(),
        parent_id: None,
        author,
        created_at,
        text: text.clone(),
        permalink: permalink.clone(),
        kind: Kind::VisitorPost,
        attachments,
        media,
        ours: false,
        visibility,
        element: raw.get().as_bytes().to_vec(),
    });
    let element = if by_visitor.is_some() { Vec::new() } else { raw.get().as_bytes().to_vec() };
    Ok((Post { native_id, text, created_at, permalink, comments: None, element }, by_visitor))
}

/// What the Page may do with the comment.
pub(super) fn permits(raw: &RawValue) -> Permits {
    read::<Element>(raw).map_or(Permits { hide: true, remove: true }, |element| element.permits())
}

/// Whether two ids name the same object: the old form of a comment's id, `{page}_{post}_{comment}`, has the Page in
/// front of the new one, `{post}_{comment}`; a post's has it too, `{page}_{post}`, and old answers leave it out.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    let below = |long: &str, short: &str| {
        long.strip_suffix(short)
            .and_then(|page| page.strip_suffix('_'))
            .is_some_and(|page| !page.is_empty() && page.bytes().all(|byte| byte.is_ascii_digit()))
    };
    one == other || below(one, other) || below(other, one)
}

/// The kind of an attachment. Its types are listed nowhere: what is not known is `Other`, never nothing.
fn attachment(value: &Value) -> Attachment {
    let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
    let has = |part: &str| kind.contains(part);
    if has("sticker") {
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
    }
}

/// Where the pictures and films of attachments can be fetched, those of an album too.
fn media(beside: &[&Value]) -> Vec<Media> {
    let inner = |value: &Value| {
        value.get("subattachments").and_then(|edge| edge.get("data")?.as_array()).cloned().unwrap_or_default()
    };
    beside
        .iter()
        .flat_map(|value| std::iter::once((*value).clone()).chain(inner(value)))
        .filter_map(|value| {
            let of = |path: [&str; 2]| {
                let media = value.get("media")?;
                let at =
                    if path[1].is_empty() { media.get(path[0]) } else { media.get(path[0])?.get(path[1]) };
                at?.as_str().filter(|url| !url.is_empty()).map(str::to_owned)
            };
            // A film's own address where it is told, else the picture that stands for it.
            let url = of(["source", ""]).or_else(|| of(["image", "src"]))?;
            Some(Media { kind: attachment(&value), url })
        })
        .take(MOST_MEDIA)
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::connector::graph::trial::any_json;

    fn json_value() -> impl Strategy<Value = Value> {
        any_json("id|name|type|media|data|subattachments|.{0,6}", 3, 16)
    }

    proptest! {
        #[test]
        fn any_json_is_a_comment_with_its_bytes_or_a_fault(
            fields in prop::collection::btree_map(
                "id|message|created_time|from|parent|permalink_url|is_hidden|can_hide|attachment|attachments", json_value(), 0..9,
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
                let _ = permits(raw);
            }
        }
    }

    #[test]
    fn both_forms_of_an_id_name_the_same_comment() {
        let table = [
            ("1_2", "1_2", true),
            ("4_1_2", "1_2", true),
            ("1_2", "4_1_2", true),
            ("4_1", "1", true),
            ("11_2", "1_2", false),
            ("x_1_2", "1_2", false),
            ("_1_2", "1_2", false),
            ("1_3", "1_2", false),
        ];
        for (one, other, expected) in table {
            assert_eq!(is_same(one, other), expected, "{one} {other}");
        }
    }

    #[test]
    fn the_pictures_of_an_album_and_a_film_have_their_addresses() {
        let album = json!({ "type": "album", "subattachments": { "data": [
            { "type": "photo", "media": { "image": { "src": "https://scontent.fbcdn.net/1.jpg" } } },
            { "type": "video_inline", "media": { "source": "https://video.fbcdn.net/2.mp4", "image": { "src": "https://scontent.fbcdn.net/2.jpg" } } },
            { "type": "share", "url": "https://exempel.se" },
        ] } });
        let found = media(&[&album]);
        let told: Vec<_> = found.iter().map(|media| (media.kind, media.url.as_str())).collect();
        assert_eq!(
            told,
            [
                (Attachment::Image, "https://scontent.fbcdn.net/1.jpg"),
                (Attachment::Video, "https://video.fbcdn.net/2.mp4")
            ]
        );
    }
}
