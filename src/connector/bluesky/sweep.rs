//! One sweep over the account: notifications, the newest posts, some of the older ones, then every thread.
//!
//! Notifications are for discovery only: hidden replies and deep ones give none, and their order follows the
//! authors' own claims of time. What is under a post is known by reading its thread.

use std::collections::BTreeSet;
use std::mem;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::http;
use super::super::{ConnectorError, Cursor, ElementFault, Page};
use super::{Bluesky, Posts, error_of, own_post, own_uri, succeeded, thread, view};

/// The posts whose threads are read in every sweep.
const NEWEST: usize = 100;

/// The older posts whose threads are read in one sweep; the next sweep takes the ones before them.
const OLDER: usize = 50;

/// Pages of notifications in the first sweep ever, and in every later one.
const PAGES: [u32; 2] = [10, 50];

/// Notifications this much older than the newest of the sweep before are read again: indexing is not in order.
const OVERLAP: TimeDelta = TimeDelta::hours(1);

/// A page ends when it holds this many comments, or has read this many threads.
const PAGE: (usize, usize) = (300, 10);

/// The most addresses that `getPosts` takes.
const AT_ONCE: usize = 25;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stage {
    #[default]
    Notifications,
    Newest,
    Older,
    Threads,
}

/// Where in the sweep we are: the cursor's content.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Progress {
    stage: Stage,
    /// The newest notification of the last finished sweep.
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<DateTime<Utc>>,
    /// The newest notification of this sweep.
    #[serde(skip_serializing_if = "Option::is_none")]
    newest: Option<DateTime<Utc>>,
    /// Pages of notifications read in this sweep.
    #[serde(default)]
    pages: u32,
    /// The platform's cursor in the notifications.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    /// The platform would not take a cursor in this sweep, and the notifications were begun anew.
    #[serde(default)]
    again: bool,
    /// The platform's cursor after the newest posts.
    #[serde(skip_serializing_if = "Option::is_none")]
    after_newest: Option<String>,
    /// The platform's cursor among the older posts, kept from sweep to sweep.
    #[serde(skip_serializing_if = "Option::is_none")]
    older: Option<String>,
    /// The record keys of our root posts whose threads are still to be read.
    #[serde(default)]
    threads: BTreeSet<String>,
}

/// The next page of the sweep.
pub(super) async fn page(account: &Bluesky, from: Option<&Cursor>) -> Result<Page, ConnectorError> {
    let mut page = Page::default();
    let mut progress = match from.map(|cursor| serde_json::from_str(&cursor.0)) {
        None => Progress::default(),
        Some(Ok(progress)) => progress,
        Some(Err(_)) => {
            page.blind.push("läsläget gick inte att tolka; kontot läses om från början".to_owned());
            Progress::default()
        }
    };
    match progress.stage {
        Stage::Notifications => account.notifications(&mut progress, &mut page).await?,
        Stage::Newest => account.newest(&mut progress, &mut page).await?,
        Stage::Older => account.older(&mut progress, &mut page).await?,
        Stage::Threads => account.threads(&mut progress, &mut page).await?,
    }
    page.more = progress.stage != Stage::Threads || !progress.threads.is_empty();
    if !page.more {
        progress = Progress {
            seen: progress.newest.max(progress.seen),
            older: progress.older,
            ..Progress::default()
        };
    }
    let cursor = serde_json::to_string(&progress)
        .map_err(|error| ConnectorError::Malformed(format!("the cursor cannot be written: {error}")))?;
    page.cursor = Some(Cursor(cursor));
    Ok(page)
}

#[derive(Deserialize)]
struct Notifications<'a> {
    #[serde(borrow)]
    notifications: &'a RawValue,
    #[serde(default)]
    cursor: Value,
}

/// `app.bsky.notification.listNotifications#notification`; its record is read as a comment's where needed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notification {
    uri: String,
    reason: String,
    indexed_at: String,
    #[serde(default)]
    record: Value,
}

#[derive(Deserialize)]
struct Feed<'a> {
    #[serde(borrow)]
    feed: &'a RawValue,
    #[serde(default)]
    cursor: Value,
}

#[derive(Deserialize)]
struct FeedItem<'a> {
    #[serde(borrow)]
    post: &'a RawValue,
}

/// The platform's cursor for what comes next. A cursor that leads to where it was given is no way on.
fn next(place: &str, cursor: &Value, asked: Option<&str>) -> Result<Option<String>, ConnectorError> {
    match cursor.as_str().filter(|cursor| !cursor.is_empty()) {
        Some(cursor) if Some(cursor) == asked => {
            Err(ConnectorError::Malformed(format!("{place}: the cursor leads back to itself")))
        }
        Some(cursor) if cursor.len() > 2048 => {
            Err(ConnectorError::Malformed(format!("{place}: a cursor of {} bytes", cursor.len())))
        }
        cursor => Ok(cursor.map(str::to_owned)),
    }
}

/// Reads `body` as the lists that a sweep reads, and as the place where it stands.
pub(super) fn everything(body: &[u8]) {
    let _ = serde_json::from_slice::<Progress>(body);
    let (raw, cursor) = if let Ok(list) = serde_json::from_slice::<Notifications<'_>>(body) {
        (list.notifications, list.cursor)
    } else if let Ok(list) = serde_json::from_slice::<Feed<'_>>(body) {
        (list.feed, list.cursor)
    } else {
        return;
    };
    let _ = next("fuzz", &cursor, None);
    for element in http::elements("fuzz", raw).unwrap_or_default() {
        if let Ok(told) = http::element::<Notification>(element) {
            let root = told.record.pointer("/reply/root/uri").and_then(Value::as_str).unwrap_or_default();
            let _ =
                (view::instant(&told.indexed_at), own_post("did:plc:kommunen", root), told.uri, told.reason);
        }
        if let Ok(item) = serde_json::from_str::<FeedItem<'_>>(element.get()) {
            let _ = view::post("did:plc:kommunen", item.post);
        }
    }
}

impl Bluesky {
    /// One page of notifications: replies in our own threads become comments at once, their threads are read later;
    /// mentions and quotes elsewhere are counted and left.
    async fn notifications(&self, progress: &mut Progress, page: &mut Page) -> Result<(), ConnectorError> {
        let (answer, _) = self
            .read(|session| {
                let request = session
                    .get("app.bsky.notification.listNotifications")
                    .query("limit", "100")
                    .query("reasons", "reply")
                    .query("reasons", "mention")
                    .query("reasons", "quote");
                match &progress.at {
                    Some(cursor) => request.query("cursor", cursor),
                    None => request,
                }
            })
            .await?;
        // A cursor that was stored for long may no longer be taken: the notifications are begun anew, once. If that
        // does not help either, the sweep goes on without the rest of them, and the next one reads as far back as this.
        if answer.status == 400
            && progress.at.is_some()
            && error_of(&answer).as_deref() == Some("InvalidRequest")
        {
            progress.at = None;
            if progress.again {
                progress.newest = None;
                progress.stage = Stage::Newest;
                page.blind
                    .push("notiserna gick inte att läsa till slut; de läses om i nästa svep".to_owned());
            }
            (progress.pages, progress.again) = (0, true);
            return Ok(());
        }
        let answer = succeeded(answer)?;
        page.date = answer.date;
        let list: Notifications<'_> = answer.json()?;
        let cursor = next(answer.place(), &list.cursor, progress.at.as_deref())?;
        let horizon = progress.seen.map(|seen| seen - OVERLAP);
        let (mut outside, mut any_new) = (0_u32, false);
        let mut replies: Vec<(String, &RawValue)> = Vec::new();
        for raw in http::elements(answer.place(), list.notifications)? {
            let told: Notification = match http::element(raw) {
                Ok(told) => told,
                Err(error) => {
                    page.faults.push(thread::fault(view::uri(raw), &error));
                    continue;
                }
            };
            if !matches!(told.reason.as_str(), "reply" | "mention" | "quote") {
                continue;
            }
            let at = view::instant(&told.indexed_at);
            // A time from the future would make everything after it old.
            progress.newest = progress.newest.max(at.map(|at| answer.date.map_or(at, |now| at.min(now))));
            if at.is_some() && at < horizon {
                continue;
            }
            any_new = true;
            let root = told.record.pointer("/reply/root/uri").and_then(Value::as_str).unwrap_or_default();
            match own_post(&self.did, root) {
                Some(key) => {
                    progress.threads.insert(key.to_owned());
                    replies.push((told.uri, raw));
                }
                None => outside += u32::from(at.is_none() || at > progress.seen),
            }
        }
        self.notified(&replies, page).await?;
        if outside > 0 {
            page.blind.push(format!("utanför ansvar: {outside} omnämnanden eller citat i andras trådar"));
        }
        progress.pages += 1;
        let most = PAGES[usize::from(progress.seen.is_some())];
        let goes_on = cursor.is_some() && any_new;
        if goes_on && progress.pages >= most {
            page.blind.push(format!(
                "av notiserna lästes de {} senaste sidorna; svar i trådar som inte läses i detta svep kan saknas",
                progress.pages
            ));
        }
        if goes_on && progress.pages < most {
            progress.at = cursor;
        } else {
            progress.at = None;
            progress.stage = Stage::Newest;
        }
        Ok(())
    }

    /// The replies that notifications tell of, as posts. One that is no longer shown is taken from the notification
    /// itself: what was received is not lost because it is gone a second later.
    async fn notified(&self, replies: &[(String, &RawValue)], page: &mut Page) -> Result<(), ConnectorError> {
        for batch in replies.chunks(AT_ONCE) {
            let (answer, _) = self
                .read(|session| {
                    batch.iter().fold(session.get("app.bsky.feed.getPosts"), |request, (uri, _)| {
                        request.query("uris", uri)
                    })
                })
                .await?;
            let answer = succeeded(answer)?;
            let posts: Posts<'_> = answer.json()?;
            let shown = http::elements(answer.place(), posts.posts)?;
            for (uri, notification) in batch {
                let raw = shown.iter().copied().find(|raw| view::uri(raw).as_deref() == Some(uri));
                match view::comment(&self.did, raw.unwrap_or(notification), None) {
                    Ok(viewed) if viewed.root.is_some() => page.comments.push(viewed.seen),
                    Ok(_) => {}
                    Err(error) => page.faults.push(thread::fault(Some(uri.clone()), &error)),
                }
            }
        }
        Ok(())
    }

    async fn newest(&self, progress: &mut Progress, page: &mut Page) -> Result<(), ConnectorError> {
        progress.after_newest = self.feed(NEWEST, None, progress, page).await?;
        progress.stage = if progress.after_newest.is_some() { Stage::Older } else { Stage::Threads };
        if progress.after_newest.is_none() {
            progress.older = None;
        }
        Ok(())
    }

    async fn older(&self, progress: &mut Progress, page: &mut Page) -> Result<(), ConnectorError> {
        let from = progress.older.take().or_else(|| progress.after_newest.take());
        let after = match self.feed(OLDER, from.as_deref(), progress, page).await {
            Ok(after) => after,
            // This cursor outlives sweeps. Where it is no longer taken the next sweep begins with the youngest of them.
            Err(ConnectorError::Refused(_)) if from.is_some() => {
                page.blind.push(format!(
                    "inlägg äldre än de {NEWEST} senaste lästes inte i detta svep: Bluesky tog inte emot läsläget"
                ));
                progress.stage = Stage::Threads;
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        // A cursor that leads back to itself is no way to older posts: the next sweep begins with the youngest of them.
        progress.older = after.filter(|after| Some(after) != from.as_ref());
        progress.stage = Stage::Threads;
        let day = |post: Option<DateTime<Utc>>| post.map(|at| at.date_naive().to_string());
        let oldest = day(page.posts.iter().map(|post| post.created_at).min());
        let newest = day(page.posts.iter().map(|post| post.created_at).max());
        page.blind.push(match (oldest, newest) {
            (Some(oldest), Some(newest)) => format!(
                "inlägg äldre än de {NEWEST} senaste läses {OLDER} åt gången; i detta svep de från {oldest} till {newest}"
            ),
            _ => format!("inlägg äldre än de {NEWEST} senaste läses {OLDER} åt gången; i detta svep inga"),
        });
        Ok(())
    }

    /// One page of our own root posts. Those without replies are listed at once, the others' threads are to be read.
    async fn feed(
        &self,
        limit: usize,
        from: Option<&str>,
        progress: &mut Progress,
        page: &mut Page,
    ) -> Result<Option<String>, ConnectorError> {
        let (answer, _) = self
            .read(|session| {
                let request = session
                    .get("app.bsky.feed.getAuthorFeed")
                    .query("actor", &self.did)
                    .query("limit", &limit.to_string())
                    .query("filter", "posts_no_replies");
                match from {
                    Some(cursor) => request.query("cursor", cursor),
                    None => request,
                }
            })
            .await?;
        let answer = succeeded(answer)?;
        page.date = answer.date;
        let list: Feed<'_> = answer.json()?;
        for raw in http::elements(answer.place(), list.feed)? {
            let read = serde_json::from_str::<FeedItem<'_>>(raw.get())
                .and_then(|item| view::post(&self.did, item.post));
            match read {
                Ok(Some((post, replies))) => {
                    match own_post(&self.did, &post.native_id) {
                        Some(key) if replies > 0 => {
                            progress.threads.insert(key.to_owned());
                        }
                        Some(key) if progress.threads.contains(key) => {}
                        _ => page.listed.push(post.native_id.clone()),
                    }
                    page.posts.push(post);
                }
                // A repost, or an answer in somebody else's thread.
                Ok(None) => {}
                Err(error) => page.faults.push(thread::fault(None, &error)),
            }
        }
        next(answer.place(), &list.cursor, None)
    }

    /// Some of the threads that are left. When one cannot be asked for, what was read before it is handed over first.
    async fn threads(&self, progress: &mut Progress, page: &mut Page) -> Result<(), ConnectorError> {
        let mut left = mem::take(&mut progress.threads);
        for read in 0..PAGE.1 {
            if page.comments.len() >= PAGE.0 {
                break;
            }
            // The newest first: keys are times.
            let Some(key) = left.pop_last() else { break };
            let root = own_uri(&self.did, &key);
            match self.thread(&root).await {
                Ok(found) => {
                    page.date = found.date.or(page.date);
                    page.comments.extend(found.comments);
                    page.faults.extend(found.faults);
                    if found.unseen > 0 {
                        page.blind.push(format!(
                            "{root}: {} svar visas inte för kontot (borttagna av Bluesky, eller den ena har spärrat den andra)",
                            found.unseen
                        ));
                    }
                    if found.cut > 0 {
                        page.blind
                            .push(format!("{root}: {} grenar av tråden lästes inte till slut", found.cut));
                    } else {
                        page.listed.push(root);
                    }
                }
                Err(ConnectorError::Malformed(reason) | ConnectorError::Refused(reason)) => {
                    // One thread that cannot be read must not stop the others.
                    page.faults.push(ElementFault { native_id: Some(root.clone()), reason });
                    page.blind.push(format!("{root}: tråden gick inte att läsa"));
                }
                Err(error) => {
                    left.insert(key);
                    if read == 0 {
                        return Err(error);
                    }
                    break;
                }
            }
        }
        progress.threads = left;
        Ok(())
    }
}
