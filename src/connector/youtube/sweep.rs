//! Reading the channel's comments, one request at a time.
//!
//! One list holds the threads of the whole channel, newest first. A pass reads it until it meets what the last pass
//! had seen: that finds every new thread for one unit. A late reply under an old thread, an edit, a deletion and a
//! thread let through by a person do not come first in that list, so from time to time a sweep reads all three lists
//! to their ends. How often follows from what it costs: a channel with three hundred threads is read wholly several
//! times an hour, one with fifty thousand once a day.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::Ordering;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::wire::{self, Above, Thread, Trouble, View};
use super::{UNITS, Youtube};
use crate::connector::{ConnectorError, Cursor, Page, Purpose};
use crate::domain::comment::Seen;

/// How often what YouTube holds back is read in passes that do not read everything.
const WITHHELD_EVERY: TimeDelta = TimeDelta::minutes(15);

/// The longest time between two sweeps that read everything, whatever they cost.
const LONGEST: TimeDelta = TimeDelta::days(7);

/// How many requests one list may take, a hundred threads each.
const PAGES: u32 = 5_000;

/// How many threads' counts of replies are remembered, and how many posts.
const REMEMBERED: usize = 2_000;

/// The parts of a sweep, in their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stage {
    /// Nothing is read yet, or all is.
    #[default]
    Done,
    Published,
    Held,
    Spam,
    /// Titles of videos.
    Videos,
}

impl Stage {
    fn status(self) -> &'static str {
        match self {
            Self::Held => "heldForReview",
            Self::Spam => "likelySpam",
            _ => "published",
        }
    }

    fn view(self) -> View {
        if self == Self::Published { View::Published } else { View::Withheld }
    }
}

/// A thread whose replies did not all come along.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Deep {
    thread: String,
    post: String,
    published: bool,
    total: u64,
    #[serde(default)]
    on: Option<String>,
    #[serde(default)]
    pages: u32,
}

/// Where a sweep stands, and what outlives it.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about the sweep")]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Place {
    stage: Stage,
    /// The token of the list's next page.
    on: Option<String>,
    pages: u32,
    again: bool,
    /// This sweep reads everything.
    whole: bool,
    /// Units that it has cost.
    units: u64,
    deep: VecDeque<Deep>,
    /// The newest thread of this sweep.
    newest: Option<DateTime<Utc>>,
    /// Posts of which something could not be read; nothing is concluded about them.
    doubtful: BTreeSet<String>,
    /// The same, where not even the post is known.
    broken: bool,
    /// All lists are read to their ends; once the replies are too, what they did not show is not there.
    conclude: bool,
    /// Videos whose titles are to be read.
    videos: Vec<String>,

    /// The newest thread that an earlier sweep has read; outlives the sweep, as everything below.
    mark: Option<DateTime<Utc>>,
    withheld_at: Option<DateTime<Utc>>,
    whole_at: Option<DateTime<Utc>>,
    /// Units that the last sweep of everything cost.
    whole_units: u64,
    /// How many replies a thread had when they were last read.
    totals: BTreeMap<String, u64>,
    /// The posts under which comments have been seen.
    posts: BTreeSet<String>,
}

impl Place {
    fn read(cursor: Option<&Cursor>) -> Self {
        cursor.and_then(|cursor| serde_json::from_str(&cursor.0).ok()).unwrap_or_default()
    }

    /// Begins the next sweep.
    fn begin(self, youtube: &Youtube, now: DateTime<Utc>) -> Self {
        let cost = (self.whole_units + youtube.looks.load(Ordering::Relaxed)).max(1);
        let a_day =
            i64::try_from(cost.saturating_mul(86_400) / youtube.whole_units_a_day).unwrap_or(i64::MAX);
        let every = TimeDelta::try_seconds(a_day).unwrap_or(LONGEST).min(LONGEST);
        let due = self.whole_at.is_none_or(|at| now - at >= every);
        let ahead = youtube.http.budget().is_some_and(|budget| budget.is_ahead(UNITS));
        let whole = self.whole_at.is_none() || (due && !ahead);
        if whole {
            youtube.looks.store(0, Ordering::Relaxed);
        }
        Self {
            stage: Stage::Published,
            whole,
            mark: self.mark,
            withheld_at: self.withheld_at,
            whole_at: self.whole_at,
            whole_units: self.whole_units,
            totals: if whole { BTreeMap::new() } else { self.totals },
            posts: self.posts,
            ..Self::default()
        }
    }

    /// The list in hand is read; the next begins.
    fn turn(&mut self, now: DateTime<Utc>) {
        self.on = None;
        self.pages = 0;
        self.again = false;
        let withheld = self.whole || self.withheld_at.is_none_or(|at| now - at >= WITHHELD_EVERY);
        self.stage = match self.stage {
            Stage::Published => {
                self.mark = self.newest.or(self.mark);
                if withheld { Stage::Held } else { Stage::Videos }
            }
            Stage::Held => Stage::Spam,
            Stage::Spam => {
                self.withheld_at = Some(now);
                self.conclude = self.whole;
                Stage::Videos
            }
            Stage::Videos | Stage::Done => Stage::Done,
        };
        if self.stage == Stage::Videos && self.videos.is_empty() {
            self.stage = Stage::Done;
        }
    }

    /// Everything is read: says so of each post, and goes on with the films.
    fn listed(&mut self, now: DateTime<Utc>, page: &mut Page) {
        self.conclude = false;
        self.whole_at = Some(now);
        self.whole_units = self.units;
        if self.broken {
            return;
        }
        page.listed = self.posts.difference(&self.doubtful).cloned().collect();
        self.videos = self.posts.iter().filter(|post| wire::is_video(post)).cloned().collect();
        if !self.videos.is_empty() {
            self.stage = Stage::Videos;
        }
    }

    fn write(&self) -> Cursor {
        Cursor(serde_json::to_string(self).unwrap_or_default())
    }
}

/// Carries out the next request of the sweep.
pub(super) async fn page(youtube: &Youtube, from: Option<&Cursor>) -> Result<Page, ConnectorError> {
    let now = youtube.key.now();
    let mut place = Place::read(from);
    if place.stage == Stage::Done && place.deep.is_empty() {
        place = place.begin(youtube, now);
    }
    let mut page = Page::default();
    place.units += 1;
    if let Some(deep) = place.deep.pop_front() {
        replies(youtube, &mut place, deep, &mut page).await?;
    } else if place.stage == Stage::Videos {
        videos(youtube, &mut place, now, &mut page).await?;
    } else {
        threads(youtube, &mut place, now, &mut page).await?;
    }
    if place.conclude && place.deep.is_empty() {
        place.listed(now, &mut page);
    }
    page.more = place.stage != Stage::Done || !place.deep.is_empty();
    page.cursor = Some(place.write());
    Ok(page)
}

async fn threads(
    youtube: &Youtube,
    place: &mut Place,
    now: DateTime<Utc>,
    page: &mut Page,
) -> Result<(), ConnectorError> {
    let mut query = vec![
        ("part", "id,snippet,replies"),
        ("allThreadsRelatedToChannelId", youtube.channel.as_str()),
        ("moderationStatus", place.stage.status()),
        ("order", "time"),
        ("maxResults", "100"),
        ("textFormat", "plainText"),
    ];
    if let Some(on) = &place.on {
        query.push(("pageToken", on));
    }
    let (answer, _) = youtube.get("commentThreads", &query, Purpose::Poll).await?;
    page.date = answer.date;
    match wire::trouble(answer.status, &answer.body) {
        None => {}
        // A token that was stored for long may no longer be taken: the list is begun anew, once.
        Some((Trouble::Page, _)) if place.on.is_some() && !place.again => {
            place.on = None;
            place.pages = 0;
            place.again = true;
            return Ok(());
        }
        Some((Trouble::Disabled, _)) => {
            page.blind.push(
                "YouTube säger att kommentarer är avstängda på kanalen; det som stod där visas inte."
                    .to_owned(),
            );
            place.broken = true;
            place.turn(now);
            return Ok(());
        }
        Some(other) => return Err(youtube.told(&answer, &other, false)),
    }
    let read = wire::threads(answer.place(), &answer.body, &youtube.channel, place.stage.view())?;
    match read.faulty_posts {
        Some(posts) => place.doubtful.extend(posts),
        None => place.broken = true,
    }
    page.faults = read.faults;
    let oldest = read.threads.last().map(|thread| thread.top.created_at);
    for thread in read.threads {
        take(place, page, thread);
    }
    place.pages += 1;
    let known = place.stage == Stage::Published
        && oldest.zip(place.mark).is_some_and(|(oldest, mark)| oldest <= mark);
    // The newest page of what is held back is enough in a pass that does not read everything.
    let enough = !place.whole && (known || place.stage != Stage::Published);
    match read.next {
        Some(next) if !enough && Some(&next) != place.on.as_ref() && place.pages < PAGES => {
            place.on = Some(next);
        }
        Some(_) if !enough => {
            page.blind.push(format!(
                "YouTubes lista ({}) tog inte slut och lästes bara delvis.",
                place.stage.status()
            ));
            place.broken = true;
            place.turn(now);
        }
        _ => place.turn(now),
    }
    Ok(())
}

/// Takes over one thread: its comments, its post, and whether its replies must be asked for.
fn take(place: &mut Place, page: &mut Page, thread: Thread) {
    let published = place.stage == Stage::Published;
    if published {
        place.newest = place.newest.max(Some(thread.top.created_at));
    }
    let (id, post) = (thread.top.native_id.clone(), thread.top.post_id.clone());
    if !place.posts.contains(&post) {
        if place.posts.len() < REMEMBERED {
            place.posts.insert(post.clone());
        } else if place.whole {
            page.blind.push(format!(
                "Kanalen har kommentarer under fler än {REMEMBERED} inlägg; borttagna kommentarer under de övriga märks inte."
            ));
        }
        if wire::is_video(&post) && !place.videos.contains(&post) {
            place.videos.push(post.clone());
        }
    }
    let included = thread.replies.len() as u64;
    if thread.total > included && (place.whole || place.totals.get(&id) != Some(&thread.total)) {
        place.deep.push_back(Deep { thread: id, post, published, total: thread.total, on: None, pages: 0 });
    }
    page.comments.push(thread.top);
    page.comments.extend(thread.replies);
}

/// The replies of one thread beyond those that came along with it.
async fn replies(
    youtube: &Youtube,
    place: &mut Place,
    mut deep: Deep,
    page: &mut Page,
) -> Result<(), ConnectorError> {
    let mut query = vec![
        ("part", "id,snippet"),
        ("parentId", deep.thread.as_str()),
        ("maxResults", "100"),
        ("textFormat", "plainText"),
    ];
    if let Some(on) = &deep.on {
        query.push(("pageToken", on));
    }
    let (answer, _) = youtube.get("comments", &query, Purpose::Poll).await?;
    page.date = answer.date;
    match wire::trouble(answer.status, &answer.body) {
        None => {}
        // Gone since the thread was listed, or its comments were turned off: the others must not wait for it.
        Some((Trouble::Missing | Trouble::Disabled | Trouble::Refused | Trouble::Page, _)) => {
            page.blind.push(format!("Svaren i tråden {} gick inte att läsa i detta svep.", deep.thread));
            place.doubtful.insert(deep.post);
            return Ok(());
        }
        Some(other) => return Err(youtube.told(&answer, &other, false)),
    }
    let view = if deep.published { View::Published } else { View::Withheld };
    let above = Above { channel: &youtube.channel, post: Some(&deep.post) };
    let read = wire::comments(answer.place(), &answer.body, above, view)?;
    if !read.faults.is_empty() {
        place.doubtful.insert(deep.post.clone());
    }
    page.faults = read.faults;
    page.comments =
        read.comments.into_iter().map(|seen| Seen { parent_id: Some(deep.thread.clone()), ..seen }).collect();
    deep.pages += 1;
    match read.next {
        Some(next) if Some(&next) != deep.on.as_ref() && deep.pages < PAGES => {
            deep.on = Some(next);
            place.deep.push_front(deep);
        }
        Some(_) => {
            page.blind.push(format!("Listan över svar i tråden {} tog inte slut.", deep.thread));
            place.doubtful.insert(deep.post);
        }
        None if place.totals.len() < REMEMBERED || place.totals.contains_key(&deep.thread) => {
            place.totals.insert(deep.thread, deep.total);
        }
        None => {}
    }
    Ok(())
}

/// Titles, texts and counts of videos, fifty at a time.
async fn videos(
    youtube: &Youtube,
    place: &mut Place,
    now: DateTime<Utc>,
    page: &mut Page,
) -> Result<(), ConnectorError> {
    let rest = place.videos.split_off(place.videos.len().min(50));
    let ids = std::mem::replace(&mut place.videos, rest).join(",");
    let query = [("part", "id,snippet,statistics"), ("id", ids.as_str()), ("maxResults", "50")];
    let (answer, _) = youtube.get("videos", &query, Purpose::Poll).await?;
    page.date = answer.date;
    match wire::trouble(answer.status, &answer.body) {
        None => page.posts = wire::videos(answer.place(), &answer.body)?,
        // Comments are read all the same; only their context is missing.
        Some((Trouble::Missing | Trouble::Refused | Trouble::Unknown, word)) => {
            page.blind.push(format!("Filmernas titlar gick inte att läsa ({word})."));
        }
        Some(other) => return Err(youtube.told(&answer, &other, false)),
    }
    if place.videos.is_empty() {
        place.turn(now);
    }
    Ok(())
}
