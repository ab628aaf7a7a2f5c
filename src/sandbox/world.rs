//! What exists in the sandbox.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::io;
use std::path::Path;

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde::Serialize;

use super::fault::{Fault, Kind, Order};
use super::journal::Journal;
use super::seed::{self, Author, Line};
use crate::clock::Clock;
use crate::domain::comment::Attachment;

/// How many requests are remembered.
const REMEMBERED: usize = 20_000;

/// How deep an answer to an answer is followed; a seed may hold a circle.
const DEEPEST: usize = 100;

/// An account of the municipality.
#[derive(Debug)]
pub(super) struct Account {
    /// Posts in the order in which they were created.
    pub(super) posts: Vec<String>,
    /// If set, requests must prove that they know it (Facebook's `appsecret_proof`).
    pub(super) app_secret: Option<SecretString>,
    /// Whether the token may moderate; without it ids and authors are left out (Facebook).
    pub(super) moderate: bool,
    /// How much of the rate limit is used up, in percent, as usage headers tell.
    pub(super) usage: u8,
    faults: VecDeque<Fault>,
}

impl Default for Account {
    fn default() -> Self {
        Self { posts: Vec::new(), app_secret: None, moderate: true, usage: 1, faults: VecDeque::new() }
    }
}

/// A post of an account.
#[derive(Debug)]
pub(super) struct Post {
    pub(super) account: String,
    pub(super) text: String,
    /// Verbatim.
    pub(super) at: String,
    /// Its comments by time and order of arrival; the key is what a paging cursor holds.
    pub(super) comments: BTreeMap<Place, String>,
}

/// A comment's place in a list: milliseconds since 1970 and order of arrival.
pub(super) type Place = (i64, u64);

/// A comment.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own; no two exclude each other")]
#[derive(Debug)]
pub(super) struct Comment {
    pub(super) id: String,
    pub(super) post: String,
    pub(super) account: String,
    pub(super) parent: Option<String>,
    pub(super) author: Option<Author>,
    /// Verbatim.
    pub(super) at: String,
    pub(super) text: String,
    pub(super) ours: bool,
    pub(super) attachment: Option<Attachment>,
    pub(super) hidden: bool,
    pub(super) deleted: bool,
    pub(super) edited: bool,
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
}

/// One request to a platform: a line of `GET /control/requests`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// Its number, from 1.
    pub n: u64,
    /// GET, POST, …
    pub method: String,
    /// The path without its query.
    pub path: String,
    /// The names of the parameters in query and body; never their values.
    pub keys: Vec<String>,
    /// Whether it would change something.
    pub writes: bool,
    /// The account it was about, if known.
    pub account: Option<String>,
    /// The fault that met it.
    pub fault: Option<String>,
    /// The status of the answer, also of one that was lost.
    pub status: u16,
    /// What no client may do, and this one did.
    pub violation: Option<String>,
}

/// The whole state.
pub(super) struct World {
    clock: Clock,
    accounts: BTreeMap<String, Account>,
    posts: HashMap<String, Post>,
    comments: HashMap<String, Comment>,
    order: Vec<String>,
    /// The answers to a comment, also before it is there itself.
    answers: HashMap<String, Vec<String>>,
    asked: VecDeque<Asked>,
    requests: u64,
    journal: Option<Journal>,
}

impl Default for World {
    fn default() -> Self {
        Self {
            clock: Clock::System,
            accounts: BTreeMap::new(),
            posts: HashMap::new(),
            comments: HashMap::new(),
            order: Vec::new(),
            answers: HashMap::new(),
            asked: VecDeque::new(),
            requests: 0,
            journal: None,
        }
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("comments", &self.comments.len()).finish_non_exhaustive()
    }
}

impl World {
    /// Reads what `path` holds, and keeps every later change there.
    pub(super) fn remember_in(&mut self, path: &Path) -> io::Result<()> {
        let (journal, text) = Journal::open(path)?;
        for (number, line) in text.lines().enumerate() {
            let fault = |reason: String| {
                let reason = format!("{}, line {}: {reason}", path.display(), number + 1);
                io::Error::new(io::ErrorKind::InvalidData, reason)
            };
            let line: Line = serde_json::from_str(line).map_err(|error| fault(error.to_string()))?;
            // The last line about a comment is how it stands.
            if let Some(comment) = self.comments.get_mut(&line.id) {
                comment.text = line.text;
                comment.hidden = line.hidden;
                comment.deleted = line.deleted;
                comment.edited = line.edited;
            } else {
                self.check(&line).map_err(fault)?;
                self.insert(line);
            }
        }
        self.journal = Some(journal);
        Ok(())
    }

    /// The time that the platforms think it is (UTC, whole seconds).
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Sets the time; it stands still there.
    pub(super) fn set_clock(&mut self, to: DateTime<Utc>) {
        self.clock = Clock::manual(to);
    }

    /// Whether `line` can be added, and if not, why.
    pub(super) fn check(&self, line: &Line) -> Result<(), String> {
        for (name, value) in [("account", &line.account), ("post", &line.post), ("id", &line.id)] {
            if value.is_empty() {
                return Err(format!("`{name}` is empty"));
            }
        }
        if self.comments.contains_key(&line.id) {
            return Err(format!("there is already a comment `{}`; change it with /control/edit", line.id));
        }
        if self.posts.contains_key(&line.id) || line.id == line.post {
            return Err(format!("`{}` is the id of a post", line.id));
        }
        if let Some(post) = self.posts.get(&line.post)
            && post.account != line.account
        {
            return Err(format!("post `{}` belongs to account `{}`", line.post, post.account));
        }
        Ok(())
    }

    /// Adds a comment that `check` has found in order, and what it needs.
    pub(super) fn add(&mut self, line: Line) {
        let id = line.id.clone();
        self.insert(line);
        self.keep(&id);
    }

    fn insert(&mut self, line: Line) {
        let at = line.at.unwrap_or_else(|| graph_date(self.now()));
        let when = seed::instant(&at).unwrap_or(i64::MAX);
        let place = (when, u64::try_from(self.order.len()).unwrap_or(u64::MAX));
        let account = self.accounts.entry(line.account.clone()).or_default();
        let post = self.posts.entry(line.post.clone()).or_insert_with(|| {
            account.posts.push(line.post.clone());
            Post {
                account: line.account.clone(),
                text: line.post_text.unwrap_or_default(),
                at: line.post_at.unwrap_or_else(|| at.clone()),
                comments: BTreeMap::new(),
            }
        });
        post.comments.insert(place, line.id.clone());
        let ours =
            line.ours || line.author.as_ref().and_then(|author| author.id.as_ref()) == Some(&line.account);
        let author = line.author.or_else(|| {
            ours.then(|| Author { id: Some(line.account.clone()), name: Some("Kommunen".to_owned()) })
        });
        if let Some(parent) = &line.parent {
            self.answers.entry(parent.clone()).or_default().push(line.id.clone());
        }
        self.order.push(line.id.clone());
        self.comments.insert(
            line.id.clone(),
            Comment {
                parent: line.parent.filter(|parent| *parent != line.post),
                id: line.id,
                post: line.post,
                account: line.account,
                author,
                at,
                text: line.text,
                ours,
                attachment: line.attachment,
                hidden: line.hidden,
                deleted: line.deleted,
                edited: line.edited,
            },
        );
    }

    /// Changes a comment; false when there is none with this id.
    pub(super) fn change(&mut self, id: &str, how: impl FnOnce(&mut Comment)) -> bool {
        let Some(comment) = self.comments.get_mut(id) else { return false };
        how(comment);
        self.keep(id);
        true
    }

    /// Writes how a comment stands to the sandbox's memory, if it has one.
    fn keep(&mut self, id: &str) {
        let Some(journal) = &mut self.journal else { return };
        let Some(comment) = self.comments.get(id) else { return };
        let post = self.posts.get(&comment.post);
        let line = Line {
            account: comment.account.clone(),
            post: comment.post.clone(),
            id: comment.id.clone(),
            parent: comment.parent.clone(),
            author: comment.author.clone(),
            at: Some(comment.at.clone()),
            text: comment.text.clone(),
            post_text: post.map(|post| post.text.clone()),
            post_at: post.map(|post| post.at.clone()),
            ours: comment.ours,
            attachment: comment.attachment,
            hidden: comment.hidden,
            deleted: comment.deleted,
            edited: comment.edited,
        };
        let written =
            serde_json::to_string(&line).map_err(io::Error::from).and_then(|line| journal.append(&line));
        if let Err(error) = written {
            tracing::error!(%error, "the sandbox cannot keep its state; it will be forgotten at the end");
        }
    }

    /// The account with this native id.
    pub(super) fn account(&self, id: &str) -> Option<&Account> {
        self.accounts.get(id)
    }

    /// The account with this native id, created if unknown.
    pub(super) fn account_mut(&mut self, id: &str) -> &mut Account {
        self.accounts.entry(id.to_owned()).or_default()
    }

    /// The post with this native id.
    pub(super) fn post(&self, id: &str) -> Option<&Post> {
        self.posts.get(id)
    }

    /// The comment with this native id, also a deleted one.
    pub(super) fn comment(&self, id: &str) -> Option<&Comment> {
        self.comments.get(id)
    }

    /// Whether a comment was deleted, or one that it answers was.
    pub(super) fn is_gone(&self, comment: &Comment) -> bool {
        let mut next = Some(comment);
        for _ in 0..DEEPEST {
            let Some(comment) = next else { return false };
            if comment.deleted {
                return true;
            }
            next = comment.parent.as_ref().and_then(|parent| self.comments.get(parent));
        }
        false
    }

    /// How many answers to a comment are there.
    pub(super) fn answers(&self, id: &str) -> usize {
        let ids = self.answers.get(id).into_iter().flatten();
        ids.filter_map(|id| self.comments.get(id)).filter(|answer| !self.is_gone(answer)).count()
    }

    /// How many comments there are and were: part of the id of the next answer.
    pub(super) fn count(&self) -> usize {
        self.order.len()
    }

    /// How every comment stands, in the order of arrival.
    pub(super) fn stood(&self) -> Vec<Stood> {
        self.order
            .iter()
            .filter_map(|id| self.comments.get(id))
            .map(|comment| Stood {
                id: comment.id.clone(),
                text: comment.text.clone(),
                hidden: comment.hidden,
                deleted: comment.deleted,
                edited: comment.edited,
                account: comment.account.clone(),
                post: comment.post.clone(),
                parent: comment.parent.clone(),
                ours: comment.ours,
            })
            .collect()
    }

    /// Sets a fault, or with kind `none` takes all of the account's back.
    pub(super) fn set_fault(&mut self, order: &Order) {
        let faults = &mut self.account_mut(&order.account).faults;
        if order.kind == Kind::None {
            faults.clear();
        } else {
            faults.push_back(Fault::new(order));
        }
    }

    /// The first fault that is set for such a request; it is used up by one.
    pub(super) fn take_fault(&mut self, account: &str, writes: bool) -> Option<Fault> {
        let faults = &mut self.accounts.get_mut(account)?.faults;
        let index = faults.iter().position(|fault| fault.is_for(writes))?;
        let taken = faults.get(index)?.clone();
        if !faults.get_mut(index)?.use_once() {
            faults.remove(index);
        }
        Some(taken)
    }

    /// Remembers a request; its number is given here.
    pub(super) fn remember(&mut self, mut asked: Asked) {
        self.requests += 1;
        asked.n = self.requests;
        if self.asked.len() == REMEMBERED {
            self.asked.pop_front();
        }
        self.asked.push_back(asked);
    }

    /// The requests after number `since`.
    pub(super) fn asked(&self, since: u64) -> Vec<Asked> {
        self.asked.iter().filter(|asked| asked.n > since).cloned().collect()
    }
}

/// A date as the Graph API writes it.
pub(super) fn graph_date(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S+0000").to_string()
}
