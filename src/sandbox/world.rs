//! What exists in the sandbox.
//!
//! Emulators read through [`World::account`], [`World::post`], [`World::comment`] and [`World::listed`] (which lags),
//! and change through the `change_…` functions, which also keep the change in the sandbox's memory.

mod limits;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

use super::account::{Account, AccountLine, Worth};
use super::comment::{Comment, Place, Post, PostLine, Stood};
use super::consent::Consent;
use super::fault::Fault;
use super::kept::Memory;
use super::log::Log;
use super::media::{self, Media};
use super::quota::Quota;
use super::seed::{self, Author, Line};
use crate::clock::Clock;

/// How deep an answer to an answer is followed; a seed may hold a circle.
const DEEPEST: usize = 100;

/// The whole state.
pub(super) struct World {
    clock: Clock,
    pub(super) accounts: BTreeMap<String, Account>,
    pub(super) posts: HashMap<String, Post>,
    pub(super) comments: HashMap<String, Comment>,
    order: Vec<String>,
    /// The answers to a comment, also before it is there itself.
    answers: HashMap<String, Vec<String>>,
    media: HashMap<String, Media>,
    /// By account (none: the whole app) and name.
    quotas: BTreeMap<(Option<String>, String), Quota>,
    /// Those that are set on every account.
    faults: VecDeque<Fault>,
    /// What the request in hand does, and what those before it did.
    pub(super) log: Log,
    pub(super) memory: Memory,
    /// The account that a token was first used for, by the token: it stands for the person behind it.
    holders: HashMap<String, String>,
    /// Codes and the like that can be used only once.
    used: HashSet<String>,
    /// The codes that consents gave; none for those that are used up, and for the marks of who ever asked for one.
    pub(super) consents: BTreeMap<String, Option<Consent>>,
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
            media: HashMap::new(),
            quotas: BTreeMap::new(),
            faults: VecDeque::new(),
            log: Log::default(),
            memory: Memory::default(),
            holders: HashMap::new(),
            used: HashSet::new(),
            consents: BTreeMap::new(),
        }
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("comments", &self.comments.len()).finish_non_exhaustive()
    }
}

/// Time.
impl World {
    /// The time that the platforms think it is (UTC, whole seconds).
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Sets the time; it stands still there.
    pub(super) fn set_clock(&mut self, to: DateTime<Utc>) {
        self.clock = Clock::manual(to);
    }
}

/// Accounts.
impl World {
    /// The account with this native id.
    pub(super) fn account(&self, id: &str) -> Option<&Account> {
        self.accounts.get(id)
    }

    /// The account with this native id, created if unknown. What is changed is not kept: see `change_account`.
    pub(super) fn account_mut(&mut self, id: &str) -> &mut Account {
        self.accounts.entry(id.to_owned()).or_default()
    }

    /// Changes an account, which is created if unknown.
    pub(super) fn change_account(&mut self, id: &str, how: impl FnOnce(&mut Account)) {
        how(self.account_mut(id));
        if let Some(account) = self.accounts.get(id) {
            self.memory.account(id, account);
        }
    }

    /// What `token` is worth for an account; an unknown one takes any.
    pub(super) fn worth(&self, account: &str, token: &str) -> Worth {
        self.account(account).map_or(Worth::Good, |account| account.worth(token, self.now()))
    }

    /// The accounts of a platform that have `token` on their list, or take any.
    pub(super) fn accounts_of<'a>(
        &'a self,
        platform: &'a str,
        token: &'a str,
    ) -> impl Iterator<Item = (&'a String, &'a Account)> {
        self.accounts.iter().filter(move |(_, account)| {
            account.platform.as_deref().is_none_or(|its| its == platform)
                && (account.tokens.is_empty() || account.tokens.contains_key(token))
        })
    }

    /// The account that stands for the person behind `token`, now used for `account`: the first that a request with it
    /// named. Until then it is `account`.
    pub(super) fn holder(&mut self, token: &str, account: &str, named: bool) -> String {
        if named {
            return self.holders.entry(token.to_owned()).or_insert_with(|| account.to_owned()).clone();
        }
        self.holders.get(token).map_or(account, String::as_str).to_owned()
    }

    /// Whether this (a code, a refresh token) was not used before; from now on it was.
    pub(super) fn use_once(&mut self, what: &str) -> bool {
        self.used.insert(what.to_owned())
    }

    /// A paging cursor that says `text`, good until the account's cursors are reset.
    pub(super) fn cursor(&self, account: &str, text: &str) -> String {
        let epoch = self.account(account).map_or(0, |account| account.cursors);
        super::wire::base64(&format!("{epoch}~{text}"))
    }

    /// What a paging cursor says; none where it is not one, or no longer taken.
    pub(super) fn uncursor(&self, account: &str, cursor: &str) -> Option<String> {
        let whole = super::wire::unbase64(cursor)?;
        let (epoch, text) = whole.split_once('~')?;
        let now = self.account(account).map_or(0, |account| account.cursors);
        (epoch.parse() == Ok(now)).then(|| text.to_owned())
    }

    /// No cursor of this account, or of any, is taken any longer.
    pub(super) fn reset_cursors(&mut self, account: Option<&str>) {
        let all: Vec<String> = match account {
            Some(account) => vec![account.to_owned()],
            None => self.accounts.keys().cloned().collect(),
        };
        for id in all {
            self.change_account(&id, |account| account.cursors += 1);
        }
    }

    /// How every account stands.
    pub(super) fn account_lines(&self) -> Vec<AccountLine> {
        let line = |(id, account): (&String, &Account)| AccountLine {
            account: id.clone(),
            platform: account.platform.clone(),
            name: account.name.clone(),
            rights: account.rights.as_ref().map(|rights| rights.iter().cloned().collect()),
            tokens: account.tokens.len(),
            posts: account.posts.len(),
            lag: account.lag,
            memory: account.memory.clone(),
        };
        self.accounts.iter().map(line).collect()
    }
}

/// Posts.
impl World {
    /// The post with this native id, also a deleted one.
    pub(super) fn post(&self, id: &str) -> Option<&Post> {
        self.posts.get(id)
    }

    /// The account's posts in the order in which they were created, also deleted ones.
    pub(super) fn posts_of<'a>(&'a self, account: &str) -> impl Iterator<Item = (&'a String, &'a Post)> {
        let ids = self.accounts.get(account).map(|account| account.posts.as_slice()).unwrap_or_default();
        ids.iter().filter_map(|id| Some((id, self.posts.get(id)?)))
    }

    /// Why a post cannot have this id and account, if it cannot.
    pub(super) fn check_post(&self, id: &str, account: &str) -> Result<(), String> {
        if id.is_empty() || account.is_empty() {
            return Err("`id` or `account` is empty".to_owned());
        }
        if self.comments.contains_key(id) {
            return Err(format!("`{id}` is the id of a comment"));
        }
        match self.posts.get(id) {
            Some(post) if post.account != account => {
                Err(format!("post `{id}` belongs to account `{}`", post.account))
            }
            _ => Ok(()),
        }
    }

    /// Changes a post that `check_post` has found in order; it is created if unknown, now.
    pub(super) fn change_post(&mut self, id: &str, account: &str, how: impl FnOnce(&mut Post)) {
        let now = self.now();
        let post = self.posts.entry(id.to_owned()).or_insert_with(|| {
            self.accounts.entry(account.to_owned()).or_default().posts.push(id.to_owned());
            Post { account: account.to_owned(), at: graph_date(now), ..Post::default() }
        });
        how(post);
        for media in &post.media {
            self.media.insert(media.id.clone(), media.clone());
        }
        self.memory.post(id, post);
    }

    /// How every post stands, by account.
    pub(super) fn post_lines(&self) -> Vec<PostLine> {
        let line = |(id, post): (&String, &Post)| PostLine {
            post: id.clone(),
            account: post.account.clone(),
            text: post.text.clone(),
            visitor: post.is_visitors(),
            deleted: post.deleted,
            closed: post.closed,
            comments: post.comments.len(),
        };
        self.accounts.keys().flat_map(|account| self.posts_of(account)).map(line).collect()
    }
}

/// Comments.
impl World {
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
        self.check_post(&line.post, &line.account)
    }

    /// Adds a comment that `check` has found in order, and what it needs.
    pub(super) fn add(&mut self, line: Line) {
        let id = line.id.clone();
        self.insert(line);
        self.show_later(&id, None);
        self.keep(&id);
    }

    /// Adds a comment without keeping it.
    pub(super) fn insert(&mut self, mut line: Line) {
        let at = line.at.take().unwrap_or_else(|| graph_date(self.now()));
        let when = seed::instant(&at).unwrap_or(i64::MAX);
        let place = (when, u64::try_from(self.order.len()).unwrap_or(u64::MAX));
        let account = self.accounts.entry(line.account.clone()).or_default();
        let post = self.posts.entry(line.post.clone()).or_insert_with(|| {
            account.posts.push(line.post.clone());
            Post {
                account: line.account.clone(),
                text: line.post_text.take().unwrap_or_default(),
                at: line.post_at.take().unwrap_or_else(|| at.clone()),
                ..Post::default()
            }
        });
        post.comments.insert(place, line.id.clone());
        let (id, name) = (line.account.clone(), account.name.clone());
        let mut comment = Comment::of(line, at, place);
        if comment.ours && comment.author.is_none() {
            comment.author = Some(Author { id: Some(id), name: Some(name) });
        }
        if let Some(parent) = &comment.parent {
            self.answers.entry(parent.clone()).or_default().push(comment.id.clone());
        }
        for media in &comment.media {
            self.media.insert(media.id.clone(), media.clone());
        }
        self.order.push(comment.id.clone());
        self.comments.insert(comment.id.clone(), comment);
    }

    /// Changes a comment; false when there is none with this id. Its post and parent change with `place_comment`.
    pub(super) fn change(&mut self, id: &str, how: impl FnOnce(&mut Comment)) -> bool {
        let Some(comment) = self.comments.get_mut(id) else { return false };
        let before = Box::new(Comment { past: VecDeque::new(), ..comment.clone() });
        how(comment);
        for media in &comment.media {
            self.media.insert(media.id.clone(), media.clone());
        }
        self.show_later(id, Some(before));
        self.keep(id);
        true
    }

    /// Puts a comment under another post or comment, or at another time. Lists show that at once.
    pub(super) fn place_comment(
        &mut self,
        id: &str,
        post: &str,
        parent: Option<String>,
        at: Option<String>,
    ) -> bool {
        let Some(comment) = self.comments.get_mut(id) else { return false };
        if let Some(old) = self.posts.get_mut(&comment.post) {
            old.comments.remove(&comment.place);
        }
        if let Some(old) = &comment.parent
            && let Some(answers) = self.answers.get_mut(old)
        {
            answers.retain(|answer| answer != id);
        }
        if let Some(at) = at {
            comment.place.0 = seed::instant(&at).unwrap_or(i64::MAX);
            comment.at = at;
        }
        post.clone_into(&mut comment.post);
        if let Some(new) = self.posts.get_mut(post) {
            new.comments.insert(comment.place, id.to_owned());
        }
        if let Some(new) = &parent {
            self.answers.entry(new.clone()).or_default().push(id.to_owned());
        }
        comment.parent = parent;
        self.keep(id);
        true
    }

    /// What lists show changes only after the account's lag.
    fn show_later(&mut self, id: &str, before: Option<Box<Comment>>) {
        let now = self.now();
        let Some(comment) = self.comments.get_mut(id) else { return };
        let lag = self.accounts.get(&comment.account).map_or(0, |account| account.lag);
        comment.shows_from(now + TimeDelta::seconds(lag.into()), before, now);
    }

    fn keep(&mut self, id: &str) {
        if let Some(comment) = self.comments.get(id) {
            self.memory.comment(comment, self.posts.get(&comment.post));
        }
    }

    /// The comment with this native id as it is, also a deleted one.
    pub(super) fn comment(&self, id: &str) -> Option<&Comment> {
        self.comments.get(id)
    }

    /// The comments of a post as lists show them, by time: without those that are too new for the account's lag,
    /// but with deleted ones (see `is_gone`).
    pub(super) fn listed<'a>(
        &'a self,
        post: &'a Post,
    ) -> impl DoubleEndedIterator<Item = (Place, Cow<'a, Comment>)> + Clone {
        let now = self.now();
        post.comments
            .iter()
            .filter_map(move |(place, id)| Some((*place, self.comments.get(id)?.listed(now)?)))
    }

    /// Whether a comment was deleted, or one that it answers was, or its post.
    pub(super) fn is_gone(&self, comment: &Comment) -> bool {
        if self.posts.get(&comment.post).is_some_and(|post| post.deleted) {
            return true;
        }
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

    /// The answers to a comment in the order of arrival, as they are, without those that are gone.
    pub(super) fn answers_to<'a>(&'a self, id: &str) -> impl Iterator<Item = &'a Comment> {
        let ids = self.answers.get(id).into_iter().flatten();
        ids.filter_map(|id| self.comments.get(id)).filter(|answer| !self.is_gone(answer))
    }

    /// How many answers to a comment are there.
    pub(super) fn answers(&self, id: &str) -> usize {
        self.answers_to(id).count()
    }

    /// How many comments there are and were: part of the id of the next answer.
    pub(super) fn count(&self) -> usize {
        self.order.len()
    }

    /// How every comment stands, in the order of arrival.
    pub(super) fn stood(&self) -> Vec<Stood> {
        self.order.iter().filter_map(|id| self.comments.get(id)).map(Stood::from).collect()
    }

    /// The picture or film with this id.
    pub(super) fn medium(&self, id: &str) -> Option<Media> {
        let portrait = || media::of_portrait(id).filter(|(account, _)| self.accounts.contains_key(*account));
        let of_post = || self.posts.contains_key(id).then(|| Media { id: id.to_owned(), ..Media::default() });
        self.media.get(id).cloned().or_else(|| portrait().map(|(_, media)| media)).or_else(of_post)
    }
}

/// A date as the Graph API writes it.
pub(super) fn graph_date(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S+0000").to_string()
}
