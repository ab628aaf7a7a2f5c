//! Posts and comments, as every emulated platform sees them.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::media::Media;
use super::seed::{Author, Line};
use crate::domain::comment::Attachment;

/// How many earlier versions are kept for lists that lag.
const KEPT: usize = 64;

/// A post of an account, or a visitor's on its page. What is not skipped is kept in the sandbox's memory.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Post {
    pub(super) account: String,
    pub(super) text: String,
    /// Verbatim.
    pub(super) at: String,
    /// Who wrote it; none = the account itself.
    pub(super) author: Option<Author>,
    pub(super) deleted: bool,
    /// Hidden by its platform or by a person (a visitor's post).
    pub(super) hidden: bool,
    /// When its text was last changed (UTC).
    pub(super) edited_at: Option<DateTime<Utc>>,
    /// Whether comments are turned off.
    pub(super) closed: bool,
    pub(super) media: Vec<Media>,
    /// What only one platform has.
    pub(super) memory: Map<String, Value>,
    /// Its comments by time and order of arrival; the key is what a paging cursor holds.
    #[serde(skip)]
    pub(super) comments: BTreeMap<Place, String>,
}

impl Post {
    /// Whether somebody else wrote it on the account's page.
    pub(super) fn is_visitors(&self) -> bool {
        self.author.as_ref().is_some_and(|author| author.id.as_ref() != Some(&self.account))
    }

    /// A setting that only one platform has.
    pub(super) fn setting(&self, key: &str) -> Option<&Value> {
        self.memory.get(key)
    }
}

/// A comment's place in a list: milliseconds since 1970 and order of arrival.
pub(super) type Place = (i64, u64);

/// A comment.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own; no two exclude each other")]
#[derive(Debug, Clone)]
pub(super) struct Comment {
    pub(super) id: String,
    pub(super) post: String,
    pub(super) account: String,
    /// The comment it answers; none at the top level.
    pub(super) parent: Option<String>,
    pub(super) author: Option<Author>,
    /// Verbatim.
    pub(super) at: String,
    pub(super) text: String,
    /// The account itself wrote it.
    pub(super) ours: bool,
    pub(super) attachment: Option<Attachment>,
    pub(super) media: Vec<Media>,
    pub(super) hidden: bool,
    /// Who hid it.
    pub(super) hidden_by: Option<Hider>,
    pub(super) deleted: bool,
    pub(super) edited: bool,
    /// When its text was last changed (UTC).
    pub(super) edited_at: Option<DateTime<Utc>>,
    /// Held for review: not public until somebody approves it.
    pub(super) held: bool,
    /// The platform's own word for its state (YouTube: `published`, `heldForReview`, `likelySpam`, `rejected`).
    pub(super) moderation: Option<String>,
    pub(super) likes: u64,
    /// What only one platform has.
    pub(super) memory: Map<String, Value>,
    pub(super) place: Place,
    /// When lists show this version (UTC).
    pub(super) shown_from: DateTime<Utc>,
    /// Earlier versions with the time from which lists showed them; none of it = it was not there.
    pub(super) past: VecDeque<(DateTime<Utc>, Option<Box<Comment>>)>,
}

/// Who hid a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Hider {
    /// A client of the API: Uppsikt.
    Us,
    /// The platform's own filter.
    Filter,
    /// Somebody in the platform's app.
    App,
}

impl Hider {
    /// As the control writes it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Us => "us",
            Self::Filter => "filter",
            Self::App => "app",
        }
    }
}

impl Comment {
    /// What a line says.
    pub(super) fn of(line: Line, at: String, place: Place) -> Self {
        let ours =
            line.ours || line.author.as_ref().and_then(|author| author.id.as_ref()) == Some(&line.account);
        let media = if line.media.is_empty() {
            line.attachment.and_then(|kind| Media::of(kind, &line.id)).into_iter().collect()
        } else {
            line.media
        };
        Self {
            parent: line.parent.filter(|parent| *parent != line.post),
            id: line.id,
            post: line.post,
            account: line.account,
            author: line.author,
            at,
            text: line.text,
            ours,
            attachment: line.attachment,
            media,
            hidden: line.hidden,
            hidden_by: line.hidden_by.or(line.hidden.then_some(Hider::Filter)),
            deleted: line.deleted,
            edited: line.edited || line.edited_at.is_some(),
            edited_at: line.edited_at,
            held: line.held,
            moderation: line.moderation,
            likes: line.likes,
            memory: line.memory,
            place,
            shown_from: DateTime::<Utc>::MIN_UTC,
            past: VecDeque::new(),
        }
    }

    /// The line that it comes back from.
    pub(super) fn line(&self) -> Line {
        Line {
            account: self.account.clone(),
            post: self.post.clone(),
            id: self.id.clone(),
            parent: self.parent.clone(),
            author: self.author.clone(),
            at: Some(self.at.clone()),
            text: self.text.clone(),
            post_text: None,
            post_at: None,
            ours: self.ours,
            attachment: self.attachment,
            media: self.media.clone(),
            hidden: self.hidden,
            hidden_by: self.hidden_by,
            deleted: self.deleted,
            edited: self.edited,
            edited_at: self.edited_at,
            held: self.held,
            moderation: self.moderation.clone(),
            likes: self.likes,
            memory: self.memory.clone(),
        }
    }

    /// Hides or shows it.
    pub(super) fn hide(&mut self, hidden: bool, by: Hider) {
        self.hidden = hidden;
        self.hidden_by = hidden.then_some(by);
    }

    /// Changes its text.
    pub(super) fn rewrite(&mut self, text: String, now: DateTime<Utc>) {
        if self.text != text {
            self.edited = true;
            self.edited_at = Some(now);
            self.text = text;
        }
    }

    /// A setting that only one platform has.
    pub(super) fn setting(&self, key: &str) -> Option<&Value> {
        self.memory.get(key)
    }

    /// Keeps `before` as what lists show until `from`.
    pub(super) fn shows_from(&mut self, from: DateTime<Utc>, before: Option<Box<Self>>, now: DateTime<Utc>) {
        if from <= now {
            self.past.clear();
            // For ever, also when the clock is set back.
            self.shown_from = DateTime::<Utc>::MIN_UTC;
            return;
        }
        let since = before.as_ref().map_or(DateTime::<Utc>::MIN_UTC, |before| before.shown_from);
        self.past.push_back((since, before));
        if self.past.len() > KEPT {
            self.past.pop_front();
        }
        self.shown_from = from;
    }

    /// The version that lists show at `now`; none where it is not there yet.
    pub(super) fn listed(&self, now: DateTime<Utc>) -> Option<Cow<'_, Self>> {
        if self.shown_from <= now {
            return Some(Cow::Borrowed(self));
        }
        let (_, version) = self.past.iter().rev().find(|(since, _)| *since <= now)?;
        version.as_ref().map(|version| Cow::Borrowed(&**version))
    }
}

/// How a comment stands: a line of `GET /control/state`.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own; no two exclude each other")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stood {
    /// The native id.
    pub id: String,
    /// Its text now.
    pub text: String,
    /// Whether it is hidden.
    pub hidden: bool,
    /// Whether it was deleted.
    pub deleted: bool,
    /// Whether its text was changed after it was written.
    pub edited: bool,
    /// The account's native id.
    pub account: String,
    /// The post's native id.
    pub post: String,
    /// The comment it answers.
    pub parent: Option<String>,
    /// Whether the account itself wrote it.
    pub ours: bool,
    /// Who hid it: `us` (a client of the API), `filter` (the platform), `app` (somebody in the platform's app).
    pub hidden_by: Option<&'static str>,
    /// When its text was last changed (UTC).
    pub edited_at: Option<DateTime<Utc>>,
    /// Whether it waits for somebody's approval.
    pub held: bool,
    /// The platform's own word for its state.
    pub moderation: Option<String>,
    /// What only one platform has.
    pub memory: Map<String, Value>,
}

impl From<&Comment> for Stood {
    fn from(comment: &Comment) -> Self {
        Self {
            id: comment.id.clone(),
            text: comment.text.clone(),
            hidden: comment.hidden,
            deleted: comment.deleted,
            edited: comment.edited,
            account: comment.account.clone(),
            post: comment.post.clone(),
            parent: comment.parent.clone(),
            ours: comment.ours,
            hidden_by: comment.hidden_by.map(Hider::word),
            edited_at: comment.edited_at,
            held: comment.held,
            moderation: comment.moderation.clone(),
            memory: comment.memory.clone(),
        }
    }
}

/// How a post stands: a line of `GET /control/posts`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PostLine {
    /// The native id.
    pub post: String,
    /// The account's native id.
    pub account: String,
    /// Its text now.
    pub text: String,
    /// Whether somebody else wrote it on the account's page.
    pub visitor: bool,
    /// Whether it was deleted.
    pub deleted: bool,
    /// Whether comments are turned off.
    pub closed: bool,
    /// How many comments it has, with those that are deleted.
    pub comments: usize,
}
