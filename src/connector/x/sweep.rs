//! Reading what others write to the account, one request at a time, paying for each post that is shown.
//!
//! A sweep lists the account's own new posts, searches the replies in the conversations that it started in the last
//! seven days (thirteen to a query), and lists the mentions. Every list is asked only for what is newer than ten minutes
//! before the newest post seen: the search lags behind, and an id is a time. Once a day everything of the seven days is
//! read again, which shows what was deleted or edited; within a day X does not charge again for what it has shown.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::wire::{self, ProblemKind, Read, Trouble};
use super::{MENTIONS, READS, SEARCH, TIMELINE, X};
use crate::connector::{ConnectorError, Cursor, Page, Purpose};
use crate::domain::comment::Kind;

/// How far back the search reaches, a little less than X says.
const REACH: TimeDelta = TimeDelta::minutes(7 * 24 * 60 - 15);

/// How far before the newest post seen each list begins.
const OVERLAP: TimeDelta = TimeDelta::minutes(10);

/// How often everything is read again: X wants deletions followed within a day.
const WHOLE_EVERY: TimeDelta = TimeDelta::hours(23);

/// The longest query that X takes.
const QUERY: usize = 512;

/// How many requests one list may take.
const PAGES: u32 = 100;

/// The parts of a sweep, in their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stage {
    /// Nothing is read yet, or all is.
    #[default]
    Done,
    Own,
    Replies,
    Mentions,
}

/// A conversation that the account started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Own {
    id: String,
    at: DateTime<Utc>,
}

/// Where a sweep stands, and what outlives it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Place {
    stage: Stage,
    on: Option<String>,
    pages: u32,
    /// The list in hand was begun anew without its first id.
    again: bool,
    whole: bool,
    queries: VecDeque<String>,
    /// Something could not be read: nothing is concluded from what was not shown.
    doubtful: bool,
    /// The newest ids of this sweep.
    own_new: Option<String>,
    replies_new: Option<String>,
    mentions_new: Option<String>,

    /// The conversations of the last seven days; outlives the sweep, as everything below.
    own: Vec<Own>,
    own_since: Option<String>,
    replies_since: Option<String>,
    mentions_since: Option<String>,
    whole_at: Option<DateTime<Utc>>,
}

impl Place {
    fn read(cursor: Option<&Cursor>) -> Self {
        cursor.and_then(|cursor| serde_json::from_str(&cursor.0).ok()).unwrap_or_default()
    }

    fn begin(self, now: DateTime<Utc>) -> Self {
        Self {
            stage: Stage::Own,
            whole: self.whole_at.is_none_or(|at| now - at >= WHOLE_EVERY),
            own: self.own.into_iter().filter(|own| now - own.at < REACH).collect(),
            own_since: self.own_since,
            replies_since: self.replies_since,
            mentions_since: self.mentions_since,
            whole_at: self.whole_at,
            ..Self::default()
        }
    }

    /// The list in hand is read; the next begins.
    fn turn(&mut self, now: DateTime<Utc>, page: &mut Page) {
        self.on = None;
        self.pages = 0;
        self.again = false;
        let after = |new: &Option<String>, old: &Option<String>| match new {
            Some(new) => wire::newer(old.clone(), new),
            None => old.clone(),
        };
        match self.stage {
            Stage::Own => {
                self.own_since = after(&self.own_new, &self.own_since);
                self.queries = queries(&self.own);
                self.stage = if self.queries.is_empty() { Stage::Mentions } else { Stage::Replies };
            }
            Stage::Replies => {
                self.queries.pop_front();
                if !self.queries.is_empty() {
                    return;
                }
                self.replies_since = after(&self.replies_new, &self.replies_since);
                if self.whole && !self.doubtful {
                    page.listed = self.own.iter().map(|own| own.id.clone()).collect();
                }
                self.stage = Stage::Mentions;
            }
            Stage::Mentions | Stage::Done => {
                self.mentions_since = after(&self.mentions_new, &self.mentions_since);
                if self.whole {
                    self.whole_at = Some(now);
                }
                self.stage = Stage::Done;
            }
        }
    }

    /// The first id of the list in hand: none where all is read, and none older than X takes.
    fn since(&self, now: DateTime<Utc>) -> Option<String> {
        let since = match self.stage {
            Stage::Own => &self.own_since,
            Stage::Replies => &self.replies_since,
            Stage::Mentions | Stage::Done => &self.mentions_since,
        };
        let since = since.as_deref().filter(|_| !self.whole && !self.again)?;
        let since = wire::earlier(since, OVERLAP);
        wire::time_of(&since).is_none_or(|at| now - at < REACH).then_some(since)
    }
}

/// Queries of at most 512 characters that ask for every conversation once.
fn queries(own: &[Own]) -> VecDeque<String> {
    let mut queries = VecDeque::new();
    let mut query = String::new();
    for own in own {
        let part = format!("conversation_id:{}", own.id);
        if !query.is_empty() && query.len() + " OR ".len() + part.len() > QUERY {
            queries.push_back(std::mem::take(&mut query));
        }
        if !query.is_empty() {
            query.push_str(" OR ");
        }
        query.push_str(&part);
    }
    if !query.is_empty() {
        queries.push_back(query);
    }
    queries
}

/// Carries out the next request of the sweep.
pub(super) async fn page(x: &X, from: Option<&Cursor>) -> Result<Page, ConnectorError> {
    let now = x.key.now();
    let mut place = Place::read(from);
    if place.stage == Stage::Done {
        place = place.begin(now);
    }
    let mut page = Page::default();
    let since = place.since(now);
    let start = (now - REACH).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let mut query = vec![("max_results", "100")];
    match &since {
        Some(since) => query.push(("since_id", since)),
        // Replies need no beginning: the search goes no further back than it can.
        None if place.stage != Stage::Replies => query.push(("start_time", &start)),
        None => {}
    }
    let words = place.queries.front().cloned().unwrap_or_default();
    let (segments, quota): (&[&str], _) = match place.stage {
        Stage::Replies => (&["tweets", "search", "recent"], SEARCH),
        Stage::Own => (&["users", &x.user, "tweets"], TIMELINE),
        Stage::Mentions | Stage::Done => (&["users", &x.user, "mentions"], MENTIONS),
    };
    if place.stage == Stage::Replies {
        query.push(("query", &words));
    }
    if place.stage == Stage::Own {
        query.push(("exclude", "retweets"));
    }
    if let Some(on) = &place.on {
        query.push((if place.stage == Stage::Replies { "next_token" } else { "pagination_token" }, on));
    }
    let (answer, _) = x.get(segments, &query, quota, Purpose::Poll).await?;
    page.date = answer.date;
    match wire::trouble(answer.status, &answer.body) {
        None => {}
        // An id or a token that was stored for long is no longer taken: the list is begun anew, once.
        Some((Trouble::Refused, _))
            if answer.status == 400 && !place.again && (since.is_some() || place.on.is_some()) =>
        {
            place.again = true;
            place.on = None;
            place.pages = 0;
            page.more = true;
            page.cursor = Some(write(&place));
            return Ok(page);
        }
        Some(other) => return Err(x.told(&answer, &other, false)),
    }
    let read = wire::posts(answer.place(), &answer.body, &x.user)?;
    if let Some(budget) = x.http.budget() {
        // One was counted before.
        budget.add(READS, read.count.saturating_sub(1));
    }
    let withheld = read.problems.iter().filter(|problem| problem.kind == ProblemKind::NotAuthorized).count();
    if withheld > 0 {
        page.blind.push(format!(
            "X visar inte {withheld} inlägg som finns: författaren har skyddat eller spärrat dem."
        ));
    }
    place.doubtful |= !read.faults.is_empty();
    page.faults = read.faults;
    for post in read.posts {
        take(&mut place, &mut page, post, now);
    }
    place.pages += 1;
    match read.next {
        Some(next) if Some(&next) != place.on.as_ref() && place.pages < PAGES => place.on = Some(next),
        Some(_) => {
            page.blind.push("En av X listor tog inte slut och lästes bara delvis.".to_owned());
            place.doubtful = true;
            place.turn(now, &mut page);
        }
        None => place.turn(now, &mut page),
    }
    page.more = place.stage != Stage::Done;
    page.cursor = Some(write(&place));
    Ok(page)
}

fn write(place: &Place) -> Cursor {
    Cursor(serde_json::to_string(place).unwrap_or_default())
}

/// Takes over one post: one of ours that begins a conversation, or a comment.
fn take(place: &mut Place, page: &mut Page, post: Read, now: DateTime<Utc>) {
    let new = match place.stage {
        Stage::Own => &mut place.own_new,
        Stage::Replies => &mut place.replies_new,
        Stage::Mentions | Stage::Done => &mut place.mentions_new,
    };
    *new = wire::newer(new.take(), &post.newest);
    let begins = post.seen.native_id == post.seen.post_id || post.newest == post.seen.post_id;
    if post.seen.ours && begins {
        let young = now - post.seen.created_at < REACH;
        if young && !place.own.iter().any(|own| own.id == post.seen.post_id) {
            place.own.push(Own { id: post.seen.post_id.clone(), at: post.seen.created_at });
        }
        if place.stage == Stage::Own {
            page.posts.push(post.into_post());
        }
        return;
    }
    // The timeline shows what the account writes in other people's conversations too.
    if place.stage == Stage::Own && !place.own.iter().any(|own| own.id == post.seen.post_id) {
        return;
    }
    let in_ours = post.to_us || place.own.iter().any(|own| own.id == post.seen.post_id);
    let mut seen = post.seen;
    if place.stage == Stage::Mentions && !in_ours {
        // Written to the municipality, but in nobody's conversation of ours: it can be answered, not hidden.
        seen.kind = Kind::VisitorPost;
    }
    page.comments.push(seen);
}
