//! What the answers of the Data API hold: pure functions from bytes, none of which panics.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::connector::http::{element, elements, malformed};
use crate::connector::oauth::error_word;
use crate::connector::{ConnectorError, ElementFault, Post};
use crate::domain::comment::{Author, Kind, Seen, Visibility};

/// Which view a list was asked in: lists do not repeat it, so the state of their elements is inferred from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// `moderationStatus=published`.
    Published,
    /// `heldForReview` or `likelySpam`.
    Withheld,
    /// Asked by id, where the state is told only by a field that is nearly always absent.
    ById,
}

/// A list of threads.
#[derive(Debug, Default)]
pub struct Threads {
    /// The threads that could be read.
    pub threads: Vec<Thread>,
    /// Those that could not.
    pub faults: Vec<ElementFault>,
    /// Whether every fault tells under which post it stands.
    pub faulty_posts: Option<Vec<String>>,
    /// Where the list goes on.
    pub next: Option<String>,
}

/// A comment of the top level and the replies that came along.
#[derive(Debug)]
pub struct Thread {
    /// The comment.
    pub top: Seen,
    /// The replies in the answer: only a part of them where `total` is more.
    pub replies: Vec<Seen>,
    /// How many replies the platform counts.
    pub total: u64,
}

/// A list of comments.
#[derive(Debug, Default)]
pub struct Comments {
    /// The comments that could be read.
    pub comments: Vec<Seen>,
    /// Those that could not.
    pub faults: Vec<ElementFault>,
    /// Where the list goes on.
    pub next: Option<String>,
}

#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    items: Option<&'a RawValue>,
    #[serde(rename = "nextPageToken", default)]
    next: Value,
    #[serde(default)]
    kind: Value,
}

impl<'a> List<'a> {
    /// The list and its elements. A list without matches may come without `items`.
    fn read(place: &str, body: &'a [u8]) -> Result<(Self, Vec<&'a RawValue>), ConnectorError> {
        let list: Self = serde_json::from_slice(body).map_err(|error| malformed(place, &error))?;
        let items = match list.items {
            Some(items) => elements(place, items)?,
            None if list.kind.as_str().is_some_and(|kind| kind.ends_with("ListResponse")) => Vec::new(),
            None => return Err(ConnectorError::Malformed(format!("{place}: neither a list nor an error"))),
        };
        Ok((list, items))
    }

    fn next(&self) -> Option<String> {
        self.next.as_str().filter(|next| (1..=4_000).contains(&next.len())).map(str::to_owned)
    }
}

#[derive(Deserialize)]
struct RawThread<'a> {
    #[serde(borrow)]
    snippet: Option<&'a RawValue>,
    #[serde(borrow)]
    replies: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ThreadSnippet<'a> {
    #[serde(rename = "topLevelComment", borrow)]
    top: &'a RawValue,
    #[serde(rename = "videoId", default)]
    video: Value,
    #[serde(rename = "postId", default)]
    post: Value,
    #[serde(rename = "totalReplyCount", default)]
    total: Value,
}

#[derive(Deserialize)]
struct Replies<'a> {
    #[serde(borrow)]
    comments: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct RawComment {
    #[serde(default)]
    id: Value,
    #[serde(default)]
    snippet: Option<Snippet>,
}

/// The fields that are read. Everything but id, time and text may be of any shape.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Snippet {
    #[serde(default)]
    author_display_name: Value,
    #[serde(default)]
    author_channel_id: Value,
    #[serde(default)]
    video_id: Value,
    #[serde(default)]
    post_id: Value,
    #[serde(default)]
    parent_id: Value,
    #[serde(default)]
    text_display: Value,
    #[serde(default)]
    text_original: Value,
    #[serde(default)]
    published_at: Value,
    #[serde(default)]
    moderation_status: Value,
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// What stands above a comment, as far as the list tells it.
#[derive(Debug, Clone, Copy)]
pub struct Above<'a> {
    /// Our channel.
    pub channel: &'a str,
    /// The post, where the comment itself does not name one: replies do not.
    pub post: Option<&'a str>,
}

/// One comment. Its post is the video, else the channel's post, else the channel itself: comments on the channel have
/// no `videoId`.
///
/// # Errors
/// What makes it unreadable, without its content.
pub fn comment(raw: &RawValue, above: Above<'_>, view: View) -> Result<Seen, ElementFault> {
    let fault = |id: Option<&String>, reason: &str| ElementFault {
        native_id: id.cloned(),
        reason: reason.to_owned(),
    };
    let read: RawComment =
        element(raw).map_err(|_| fault(None, "a comment of another shape than expected, or broken JSON"))?;
    let id = text(&read.id);
    let Some(native_id) = id.clone() else { return Err(fault(None, "a comment without id")) };
    let snippet = read.snippet.ok_or_else(|| fault(id.as_ref(), "a comment without snippet"))?;
    let created_at = snippet
        .published_at
        .as_str()
        .and_then(time)
        .ok_or_else(|| fault(id.as_ref(), "publishedAt is missing or no date"))?;
    // `textOriginal` is told to its author only; `textDisplay` is asked for as plain text and always told, so a
    // comment does not seem edited when one of the two is missing.
    let words = [&snippet.text_display, &snippet.text_original].into_iter().find_map(Value::as_str);
    let words = words.ok_or_else(|| fault(id.as_ref(), "a comment without text"))?.to_owned();
    let parent_id =
        text(&snippet.parent_id).or_else(|| native_id.split_once('.').map(|(parent, _)| parent.to_owned()));
    let video = text(&snippet.video_id);
    let post_id = video
        .clone()
        .or_else(|| text(&snippet.post_id))
        .or_else(|| above.post.map(str::to_owned))
        .unwrap_or_else(|| above.channel.to_owned());
    let author = Author {
        id: text(snippet.author_channel_id.get("value").unwrap_or(&Value::Null)),
        name: text(&snippet.author_display_name),
    };
    Ok(Seen {
        permalink: is_video(&post_id)
            .then(|| format!("https://www.youtube.com/watch?v={post_id}&lc={native_id}")),
        ours: author.id.as_deref() == Some(above.channel),
        visibility: match (snippet.moderation_status.as_str(), view) {
            (Some("published"), _) | (None, View::Published) => Visibility::Public,
            (Some("heldForReview" | "likelySpam" | "rejected"), _) | (None, View::Withheld) => {
                Visibility::Hidden
            }
            _ => Visibility::Unknown,
        },
        native_id,
        post_id,
        parent_id,
        author,
        created_at,
        text: words,
        kind: Kind::Comment,
        attachments: Vec::new(),
        media: Vec::new(),
        element: raw.get().as_bytes().to_vec(),
    })
}

/// A date, with or without fractions of a second (UTC).
fn time(value: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(value).ok().map(|at| at.to_utc())
}

/// Whether an id of a post is a video's: eleven letters, digits, `-` and `_`.
pub fn is_video(id: &str) -> bool {
    id.len() == 11 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// The answer of `commentThreads.list`.
///
/// # Errors
/// `Malformed` where it is no list at all; a broken element costs itself.
pub fn threads(place: &str, body: &[u8], channel: &str, view: View) -> Result<Threads, ConnectorError> {
    let (list, items) = List::read(place, body)?;
    let mut read = Threads { next: list.next(), faulty_posts: Some(Vec::new()), ..Threads::default() };
    for raw in items {
        if let Err((fault, post)) = thread(raw, channel, view, &mut read) {
            read.faults.push(fault);
            match (&mut read.faulty_posts, post) {
                (Some(posts), Some(post)) => posts.push(post),
                (posts, None) => *posts = None,
                (None, _) => {}
            }
        }
    }
    Ok(read)
}

/// Adds one thread; a fault of a reply costs the reply.
fn thread(
    raw: &RawValue,
    channel: &str,
    view: View,
    read: &mut Threads,
) -> Result<(), (ElementFault, Option<String>)> {
    let fault = |reason: &str| ElementFault { native_id: None, reason: reason.to_owned() };
    let outer: RawThread<'_> =
        serde_json::from_str(raw.get()).map_err(|_| (fault("a thread of another shape"), None))?;
    let snippet = outer.snippet.ok_or_else(|| (fault("a thread without snippet"), None))?;
    let snippet: ThreadSnippet<'_> = serde_json::from_str(snippet.get())
        .map_err(|_| (fault("a thread without a readable comment"), None))?;
    let post = text(&snippet.video).or_else(|| text(&snippet.post)).unwrap_or_else(|| channel.to_owned());
    let top = comment(snippet.top, Above { channel, post: Some(&post) }, view)
        .map_err(|fault| (fault, Some(post.clone())))?;
    let mut thread = Thread { top, replies: Vec::new(), total: snippet.total.as_u64().unwrap_or(0) };
    let replies = outer.replies.and_then(|raw| serde_json::from_str::<Replies<'_>>(raw.get()).ok());
    let replies = replies.and_then(|replies| elements("replies", replies.comments?).ok()).unwrap_or_default();
    for raw in replies {
        match comment(raw, Above { channel, post: Some(&post) }, view) {
            Ok(seen) => thread.replies.push(seen),
            // It is asked for again with the others, and told there.
            Err(_) => thread.total = thread.total.max(thread.replies.len() as u64 + 1),
        }
    }
    read.threads.push(thread);
    Ok(())
}

/// The answer of `comments.list`.
///
/// # Errors
/// As [`threads`].
pub fn comments(place: &str, body: &[u8], above: Above<'_>, view: View) -> Result<Comments, ConnectorError> {
    let (list, items) = List::read(place, body)?;
    let mut read = Comments { next: list.next(), ..Comments::default() };
    for raw in items {
        match comment(raw, above, view) {
            Ok(seen) => read.comments.push(seen),
            Err(fault) => read.faults.push(fault),
        }
    }
    Ok(read)
}

/// How many elements a list has, whatever they are.
///
/// # Errors
/// As [`threads`].
pub fn count(place: &str, body: &[u8]) -> Result<usize, ConnectorError> {
    Ok(List::read(place, body)?.1.len())
}

/// The answer of `videos.list` with `snippet` and `statistics`.
///
/// # Errors
/// As [`threads`].
pub fn videos(place: &str, body: &[u8]) -> Result<Vec<Post>, ConnectorError> {
    #[derive(Deserialize)]
    struct Video {
        id: String,
        snippet: VideoSnippet,
        #[serde(default)]
        statistics: Value,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct VideoSnippet {
        published_at: String,
        #[serde(default)]
        title: String,
        #[serde(default)]
        description: String,
    }
    let (_, items) = List::read(place, body)?;
    let post = |raw: &RawValue| {
        let video: Video = element(raw).ok()?;
        // Counts come as text.
        let count = video.statistics.get("commentCount").and_then(|count| count.as_str()?.parse().ok());
        Some(Post {
            permalink: Some(format!("https://www.youtube.com/watch?v={}", video.id)),
            native_id: video.id,
            text: format!("{}\n{}", video.snippet.title, video.snippet.description).trim().to_owned(),
            created_at: time(&video.snippet.published_at)?,
            comments: count,
            element: raw.get().as_bytes().to_vec(),
        })
    };
    Ok(items.into_iter().filter_map(post).collect())
}

/// The answer of `channels.list?mine=true`: id and title of each channel of the key.
///
/// # Errors
/// As [`threads`].
pub fn channels(place: &str, body: &[u8]) -> Result<Vec<(String, String)>, ConnectorError> {
    let (_, items) = List::read(place, body)?;
    let channel = |raw: &RawValue| {
        let value: Value = element(raw).ok()?;
        let title = value.pointer("/snippet/title").and_then(Value::as_str).unwrap_or_default();
        Some((text(value.get("id")?)?, title.to_owned()))
    };
    Ok(items.into_iter().filter_map(channel).collect())
}

/// The id of the comment that `comments.insert` made.
pub fn inserted(body: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(body).ok()?;
    text(value.get("id")?)
}

/// Why the API did not do what it was asked, by what to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The day's units are spent: midnight in Los Angeles.
    Quota,
    /// Too fast: a little later.
    Slow,
    /// The comments of this one video are turned off.
    Disabled,
    /// No such comment, thread or video.
    Missing,
    /// The token of a next page is no longer taken.
    Page,
    /// The key is not taken: renew it.
    Key,
    /// The key lacks a right.
    Right,
    /// The platform's own trouble.
    Later,
    /// It will not do this.
    Refused,
    /// Not the API's words.
    Unknown,
}

/// What is wrong with an answer, with the reason's word; `None` for one that holds what was asked for.
///
/// Code and reason may disagree: a recorded 403 "The caller does not have permission" gives the reason
/// `SERVICE_UNAVAILABLE`. Of the two the one that a person must act on is believed.
pub fn trouble(status: u16, body: &[u8]) -> Option<(Trouble, String)> {
    let success = (200..300).contains(&status);
    if let Some(word) = error_word(body) {
        // The form of OAuth, where `error` is a text.
        return Some((if status == 403 { Trouble::Right } else { Trouble::Key }, word));
    }
    let value: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let Some(error) = value.get("error") else {
        return match status {
            _ if success => None,
            401 => Some((Trouble::Key, "no words".to_owned())),
            _ => Some((Trouble::Unknown, "no words of the API".to_owned())),
        };
    };
    let word = |path: &str| error.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let (reason, domain, named) = (word("/errors/0/reason"), word("/errors/0/domain"), word("/status"));
    let shown = if reason.is_empty() { named } else { reason };
    let is_word = shown.len() <= 64 && shown.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let shown = if is_word && !shown.is_empty() { shown.to_owned() } else { "no reason".to_owned() };
    let trouble = match (reason, status) {
        ("quotaExceeded" | "dailyLimitExceeded", _) => Trouble::Quota,
        ("rateLimitExceeded" | "userRateLimitExceeded" | "servingLimitExceeded", _) => Trouble::Slow,
        _ if domain == "youtube.quota" => Trouble::Quota,
        ("commentsDisabled", _) => Trouble::Disabled,
        ("invalidPageToken", _) => Trouble::Page,
        ("processingFailure" | "backendError" | "internalError", _) => Trouble::Later,
        (
            "keyInvalid"
            | "keyExpired"
            | "accessNotConfigured"
            | "insufficientPermissions"
            | "ineligibleAccount",
            _,
        ) => Trouble::Right,
        // `required` is also the word for a parameter that is missing; for a key that is, it comes with a 401.
        ("authError" | "authorizationRequired", _) | (_, 401) => Trouble::Key,
        (_, 403) => Trouble::Right,
        (_, 404) => Trouble::Missing,
        (_, 408 | 425) => Trouble::Later,
        _ => Trouble::Refused,
    };
    Some((trouble, shown))
}

/// Reads `body` as everything that the API may answer; what a fuzzer calls.
pub fn everything(body: &[u8]) {
    for view in [View::Published, View::Withheld, View::ById] {
        let _ = threads("fuzz", body, "UC", view);
        let _ = comments("fuzz", body, Above { channel: "UC", post: None }, view);
    }
    let _ = videos("fuzz", body);
    let _ = channels("fuzz", body);
    let _ = inserted(body);
    for status in [200, 400, 401, 403, 404] {
        let _ = trouble(status, body);
    }
}
