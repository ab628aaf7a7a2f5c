//! What LinkedIn's answers hold: pure functions from bytes, none of which panics.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::connector::http::{element, elements, malformed};
use crate::connector::{ConnectorError, ElementFault, Post};
use crate::domain::comment::{Attachment, Author, Kind, Media, Seen, Visibility};

/// One page of a list, and whether another follows.
#[derive(Debug)]
pub struct List<T> {
    /// What could be read.
    pub elements: Vec<T>,
    /// What could not.
    pub faults: Vec<ElementFault>,
    /// The `start` of the next page.
    pub next: Option<u64>,
}

/// A comment and how many answers the platform counts under it.
#[derive(Debug)]
pub struct Comment {
    /// The comment.
    pub seen: Seen,
    /// Its answers; 0 where the platform does not count.
    pub answers: u64,
}

#[derive(Deserialize)]
struct Paged<'a> {
    #[serde(borrow)]
    elements: Option<&'a RawValue>,
    #[serde(default)]
    paging: Option<Paging>,
}

#[derive(Deserialize)]
struct Paging {
    #[serde(default)]
    count: Value,
    #[serde(default)]
    links: Option<Value>,
}

/// The elements of a page that was asked for with `start` and `count`, and where the next begins.
///
/// A list ends where the answer has no link to a next page, or holds fewer than were asked for; `total` has been wrong
/// and is not read. A link where fewer came is followed: one call too many costs less than a comment.
fn list<'a>(
    place: &str,
    body: &'a [u8],
    (start, count): (u64, u64),
) -> Result<(Vec<&'a RawValue>, Option<u64>), ConnectorError> {
    let paged: Paged<'a> = serde_json::from_slice(body).map_err(|error| malformed(place, &error))?;
    let Some(raw) = paged.elements else {
        return Err(ConnectorError::Malformed(format!("{place}: neither a list nor an error")));
    };
    let found = elements(place, raw)?;
    // The platform may give fewer a page than asked for.
    let told = paged.paging.as_ref().and_then(|paging| paging.count.as_u64()).filter(|told| *told > 0);
    let size = told.map_or(count, |told| told.min(count));
    let full = found.len() as u64 >= size;
    let linked = paged.paging.and_then(|paging| paging.links).map(|links| {
        let rel = |link: &Value| link.get("rel").and_then(Value::as_str) == Some("next");
        links.as_array().is_some_and(|links| links.iter().any(rel))
    });
    let goes_on = !found.is_empty() && linked.unwrap_or(full);
    Ok((found, goes_on.then(|| start.saturating_add(size))))
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn millis(value: &Value) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(value.as_i64()?)
}

/// The long form of a comment's URN: notifications write `urn:li:comment:(activity:1,2)`, lists
/// `urn:li:comment:(urn:li:activity:1,2)`.
pub fn long_urn(urn: &str) -> String {
    match urn.strip_prefix("urn:li:comment:(") {
        Some(rest) if !rest.starts_with("urn:") => format!("urn:li:comment:(urn:li:{rest}"),
        _ => urn.to_owned(),
    }
}

/// The object and the number in a comment's URN.
pub fn parts(urn: &str) -> Option<(&str, &str)> {
    let (object, id) = urn.strip_prefix("urn:li:comment:(")?.strip_suffix(')')?.rsplit_once(',')?;
    (!object.is_empty() && !id.is_empty()).then_some((object, id))
}

/// One comment under the post `post` of the organisation `organization`.
///
/// # Errors
/// What makes it unreadable, without its content.
pub fn comment(raw: &RawValue, post: &str, organization: &str) -> Result<Comment, ElementFault> {
    #[derive(Deserialize)]
    struct Element {
        #[serde(rename = "$URN", default)]
        urn: Value,
        #[serde(rename = "commentUrn", default)]
        comment_urn: Value,
        #[serde(default)]
        id: Value,
        #[serde(default)]
        object: Value,
        #[serde(default)]
        actor: Value,
        #[serde(default)]
        created: Value,
        #[serde(default)]
        message: Value,
        #[serde(rename = "parentComment", default)]
        parent: Value,
        #[serde(default)]
        content: Value,
        #[serde(rename = "commentsSummary", default)]
        answers: Value,
    }
    let fault = |id: Option<&String>, reason: &str| ElementFault {
        native_id: id.cloned(),
        reason: reason.to_owned(),
    };
    let read: Element =
        element(raw).map_err(|_| fault(None, "a comment of another shape than expected, or broken JSON"))?;
    let id = text(&read.id).or_else(|| read.id.as_u64().map(|id| id.to_string()));
    let object = text(&read.object);
    // The documentation's name and the one of real answers; without either the URN is put together.
    let urn = text(&read.comment_urn).or_else(|| text(&read.urn)).map(|urn| long_urn(&urn));
    let urn = urn.or_else(|| Some(format!("urn:li:comment:({},{})", object.as_deref()?, id.as_deref()?)));
    let native_id = urn.ok_or_else(|| fault(None, "a comment without commentUrn, $URN and id"))?;
    let created_at = read
        .created
        .get("time")
        .and_then(millis)
        .ok_or_else(|| fault(Some(&native_id), "created.time is missing or no time"))?;
    let words = read.message.get("text").and_then(Value::as_str).unwrap_or_default().to_owned();
    let media = read.content.as_array().into_iter().flatten().filter_map(media).collect::<Vec<_>>();
    let unknown = read.content.as_array().map_or(0, Vec::len) > media.len();
    let attachments =
        media.iter().map(|media| media.kind).chain(unknown.then_some(Attachment::Other)).collect();
    let actor = text(&read.actor).or_else(|| read.created.get("actor").and_then(text));
    let count = |key: &str| read.answers.get(key).and_then(Value::as_u64);
    Ok(Comment {
        answers: count("aggregatedTotalComments").max(count("totalFirstLevelComments")).unwrap_or(0),
        seen: Seen {
            permalink: Some(format!("https://www.linkedin.com/feed/update/{post}")),
            ours: actor.as_deref() == Some(organization),
            native_id,
            // `object` may be the activity although a share or ugcPost was asked for: the post is the one asked for.
            post_id: post.to_owned(),
            parent_id: text(&read.parent).map(|urn| long_urn(&urn)),
            author: Author { id: actor, name: None },
            created_at,
            text: words,
            kind: Kind::Comment,
            attachments,
            media,
            visibility: Visibility::Public,
            element: raw.get().as_bytes().to_vec(),
        },
    })
}

/// A picture by its URN: LinkedIn gives an address only to who asks for that URN.
fn media(content: &Value) -> Option<Media> {
    let image = content.pointer("/entity/image").or_else(|| content.pointer("/entity/digitalmediaAsset"))?;
    Some(Media { kind: Attachment::Image, url: text(image)? })
}

/// The answer of `socialActions/{urn}/comments`, asked for with `start` and `count`.
///
/// # Errors
/// `Malformed` where it is no list at all; a broken element costs itself.
pub fn comments(
    place: &str,
    body: &[u8],
    paging: (u64, u64),
    post: &str,
    organization: &str,
) -> Result<List<Comment>, ConnectorError> {
    let (found, next) = list(place, body, paging)?;
    let mut read = List { elements: Vec::new(), faults: Vec::new(), next };
    for raw in found {
        match comment(raw, post, organization) {
            Ok(comment) => read.elements.push(comment),
            Err(fault) => read.faults.push(fault),
        }
    }
    Ok(read)
}

/// The answer of `posts?q=author`.
///
/// # Errors
/// As [`comments`].
pub fn posts(place: &str, body: &[u8], paging: (u64, u64)) -> Result<List<Post>, ConnectorError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Element {
        id: String,
        #[serde(default)]
        commentary: Value,
        #[serde(default)]
        published_at: Value,
        #[serde(default)]
        created_at: Value,
    }
    let (found, next) = list(place, body, paging)?;
    let mut read = List { elements: Vec::new(), faults: Vec::new(), next };
    for raw in found {
        let post = element::<Element>(raw).ok().and_then(|post| {
            Some(Post {
                created_at: millis(&post.published_at).or_else(|| millis(&post.created_at))?,
                permalink: Some(format!("https://www.linkedin.com/feed/update/{}", post.id)),
                native_id: post.id,
                text: post.commentary.as_str().unwrap_or_default().to_owned(),
                comments: None,
                element: raw.get().as_bytes().to_vec(),
            })
        });
        match post {
            Some(post) => read.elements.push(post),
            None => read
                .faults
                .push(ElementFault { native_id: None, reason: "a post without id or time".to_owned() }),
        }
    }
    Ok(read)
}

/// The roles that the answer of `organizationAcls?q=roleAssignee` gives for an organisation.
///
/// # Errors
/// As [`comments`].
pub fn roles(place: &str, body: &[u8], organization: &str) -> Result<Vec<String>, ConnectorError> {
    let (found, _) = list(place, body, (0, 100))?;
    let role = |raw: &RawValue| {
        let value: Value = element(raw).ok()?;
        let target = ["organization", "organizationTarget", "organizationalTarget"]
            .iter()
            .find_map(|key| value.get(key)?.as_str());
        let state = value.get("state").and_then(Value::as_str).unwrap_or("APPROVED");
        (target == Some(organization) && state == "APPROVED").then(|| text(value.get("role")?)).flatten()
    };
    Ok(found.into_iter().filter_map(role).collect())
}

/// The name that the answer of `organizations/{id}` gives.
pub fn name(body: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(body).ok()?;
    text(value.get("localizedName")?)
}

/// The address that the answer of `images/{urn}` gives.
pub fn download(body: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(body).ok()?;
    text(value.get("downloadUrl")?)
}

/// Why LinkedIn did not do what it was asked, by what to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The key is not taken: renew it.
    Key,
    /// The person behind the key is no longer an administrator, or the app lacks a right.
    Right,
    /// No such post or comment.
    Missing,
    /// The version of the API has ended.
    Version,
    /// The platform's own trouble.
    Later,
    /// It will not do this.
    Refused,
    /// Not the API's words.
    Unknown,
}

/// What is wrong with an answer, with its code; `None` for one that holds what was asked for. The status in the body is
/// not read: the number of the service's error and the real status decide.
pub fn trouble(status: u16, body: &[u8]) -> Option<(Trouble, String)> {
    let value: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let service = value.get("serviceErrorCode").and_then(Value::as_u64);
    if (200..300).contains(&status) && service.is_none() {
        return None;
    }
    let code = value.get("code").and_then(Value::as_str).unwrap_or_default();
    let is_word =
        !code.is_empty() && code.len() <= 64 && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let shown = match (service, is_word) {
        (Some(number), true) => format!("{number} {code}"),
        (Some(number), false) => number.to_string(),
        (None, true) => code.to_owned(),
        (None, false) => "no code".to_owned(),
    };
    let trouble = match (service, status) {
        // Invalid, revoked (or expired, as one source says), expired.
        (Some(65_600..=65_602), _) | (_, 401) => Trouble::Key,
        (_, 403) => Trouble::Right,
        (_, 404 | 410) => Trouble::Missing,
        (_, 426) => Trouble::Version,
        _ if code.contains("VERSION") => Trouble::Version,
        (_, 408 | 425) => Trouble::Later,
        _ if service.is_none() && code.is_empty() && !value.is_object() => Trouble::Unknown,
        _ => Trouble::Refused,
    };
    Some((trouble, shown))
}

/// Reads `body` as everything that the API may answer; what a fuzzer calls.
pub fn everything(body: &[u8]) {
    let _ = comments("fuzz", body, (0, 100), "urn:li:share:1", "urn:li:organization:1");
    let _ = posts("fuzz", body, (0, 100));
    let _ = roles("fuzz", body, "urn:li:organization:1");
    let _ = download(body);
    let _ = name(body);
    for status in [200, 400, 401, 403, 404, 426] {
        let _ = trouble(status, body);
    }
    if let Ok(urn) = std::str::from_utf8(body) {
        let _ = parts(&long_urn(urn));
    }
}
