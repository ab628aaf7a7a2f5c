//! Reading the channel's comments, one request at a time.
//!
//! One list holds the threads of the whole channel, newest first, a hundred for a unit. There are three kinds of pass
//! ([`Extent`]). All find every new thread, and the new replies among the newest hundred threads, for one unit.
//!
//! A late reply under an older thread does not come first in that list: it only moves its thread's count. A wide pass
//! reads the list to its end and asks for replies where a count has moved. A deletion, an edited reply and a thread let
//! through by a person do not even do that: a sweep of everything reads all three lists and all replies. How often
//! each comes follows from what it costs and its share of the day's units: a channel of a hundred threads is read to its
//! end in every pass; where the app has no other channel, one of a thousand every four minutes and one of fifty thousand
//! every three hours; however many there are, once a day.
//!
//! The counts of comments that `videos.list` tells are no shorter way: they come late, leave out the channel's own
//! discussion and its posts, and cost a unit each pass, for which the list itself shows a hundred threads more.

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

/// The longest time between two passes that read the published list to its end, whatever they cost and however little of
/// the day's units is left.
const LONGEST_WIDE: TimeDelta = TimeDelta::days(1);

/// How many threads every pass reads at least: a page.
const NEWEST: u32 = 100;

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

/// How far a pass reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Extent {
    /// Published threads, newest first, until known ones come; of what is held back the newest page.
    #[default]
    Newest,
    /// All published threads, and the replies of those whose count has moved.
    Wide,
    /// All lists to their ends, and all replies.
    Whole,
}

/// A thread whose replies did not all come along.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Deep {
    thread: String,
    post: String,
    published: bool,
    total: u64,
    /// An ordinary pass would not ask for them.
    #[serde(default)]
    beyond: bool,
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
    extent: Extent,
    /// The list in hand has shown a thread that an earlier sweep has read.
    met: bool,
    /// Units that it has cost.
    units: u64,
    /// Of these, what an ordinary pass would not have cost.
    beyond: u64,
    /// The published list is read to its end again once so many minutes have gone since the last time.
    wide_after: i64,
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
    /// When the published list was last read to its end.
    wide_at: Option<DateTime<Utc>>,
    /// Units that it cost beyond those of an ordinary pass.
    wide_units: u64,
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
        let ahead = youtube.http.budget().is_some_and(|budget| budget.is_ahead(UNITS));
        let looks = youtube.looks.load(Ordering::Relaxed);
        let whole_every = every((self.whole_units + looks).max(1), youtube.whole_units_a_day, LONGEST);
        let wide_every =
            if ahead { LONGEST_WIDE } else { every(self.wide_units, youtube.wide_units_a_day, LONGEST_WIDE) };
        let extent = match (self.whole_at, self.wide_at) {
            (None, _) => Extent::Whole,
            (Some(at), _) if now - at >= whole_every && !ahead => Extent::Whole,
            (_, Some(at)) if now - at < wide_every => Extent::Newest,
            _ => Extent::Wide,
        };
        if extent == Extent::Whole {
            youtube.looks.store(0, Ordering::Relaxed);
        }
        Self {
            stage: Stage::Published,
            extent,
            wide_after: (wide_every.num_seconds() + 899) / 900 * 15,
            mark: self.mark,
            withheld_at: self.withheld_at,
            whole_at: self.whole_at,
            whole_units: self.whole_units,
            wide_at: self.wide_at,
            wide_units: self.wide_units,
            totals: if extent == Extent::Whole { BTreeMap::new() } else { self.totals },
            posts: self.posts,
            ..Self::default()
        }
    }

    /// The list in hand is read; the next begins.
    fn turn(&mut self, now: DateTime<Utc>) {
        let (whole, pages) = (self.extent == Extent::Whole, self.pages);
        self.on = None;
        self.pages = 0;
        self.met = false;
        self.again = false;
        let withheld = whole || self.withheld_at.is_none_or(|at| now - at >= WITHHELD_EVERY);
        self.stage = match self.stage {
            Stage::Published => {
                self.mark = self.newest.or(self.mark);
                if whole {
                    self.wide_units = u64::from(pages.saturating_sub(1));
                }
                if withheld { Stage::Held } else { Stage::Videos }
            }
            Stage::Held => Stage::Spam,
            Stage::Spam => {
                self.withheld_at = Some(now);
                self.conclude = whole;
                Stage::Videos
            }
            Stage::Videos | Stage::Done => Stage::Done,
        };
        if self.stage == Stage::Videos && self.videos.is_empty() {
            self.stage = Stage::Done;
        }
    }

    /// The pass has ended.
    fn end(&mut self, now: DateTime<Utc>) {
        if self.extent == Extent::Wide {
            self.wide_units = self.beyond;
        }
        if self.extent != Extent::Newest {
            self.wide_at = Some(now);
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

/// How often what costs `units` can be read with `a_day` units.
fn every(units: u64, a_day: u64, longest: TimeDelta) -> TimeDelta {
    let seconds = i64::try_from(units.saturating_mul(86_400) / a_day.max(1)).unwrap_or(i64::MAX);
    TimeDelta::try_seconds(seconds).unwrap_or(longest).min(longest)
}

/// Carries out the next request of the sweep.
pub(super) async fn page(youtube: &Youtube, from: Option<&Cursor>) -> Result<Page, ConnectorError> {
    let now = youtube.key.now();
    let mut place = Place::read(from);
    if place.stage == Stage::Done && place.deep.is_empty() {
        place = place.begin(youtube, now);
    }
    let mut page = Page::default();
    if let Some(deep) = place.deep.pop_front() {
        page.beyond = deep.beyond;
        replies(youtube, &mut place, deep, &mut page).await?;
    } else if place.stage == Stage::Videos {
        page.beyond = place.extent == Extent::Whole;
        videos(youtube, &mut place, now, &mut page).await?;
    } else {
        // The first page of each list is an ordinary pass's too.
        page.beyond = place.pages > 0 && (place.met || place.mark.is_none());
        threads(youtube, &mut place, now, &mut page).await?;
    }
    place.units += 1;
    place.beyond += u64::from(page.beyond);
    if place.conclude && place.deep.is_empty() {
        place.listed(now, &mut page);
    }
    page.more = place.stage != Stage::Done || !place.deep.is_empty();
    if !page.more {
        place.end(now);
    }
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
    place.met |= place.stage != Stage::Published
        || oldest.zip(place.mark).is_some_and(|(oldest, mark)| oldest <= mark);
    // The newest page of what is held back is enough in a pass that does not read everything.
    let enough = match place.extent {
        Extent::Newest => place.met,
        Extent::Wide => place.stage != Stage::Published,
        Extent::Whole => false,
    };
    if enough && place.stage == Stage::Published && read.next.is_some() {
        page.blind.push(format!(
            "svar i trådar äldre än de {NEWEST} senaste lästes inte i detta svep; de läses så snart {} minuter har gått \
             sedan sist, och varje dygn när kvoten är knapp",
            place.wide_after
        ));
    }
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
        } else if place.extent == Extent::Whole {
            page.blind.push(format!(
                "Kanalen har kommentarer under fler än {REMEMBERED} inlägg; borttagna kommentarer under de övriga märks inte."
            ));
        }
        if wire::is_video(&post) && !place.videos.contains(&post) {
            place.videos.push(post.clone());
        }
    }
    let whole = place.extent == Extent::Whole;
    let remembered = place.totals.get(&id).copied();
    if thread.total <= thread.replies.len() as u64 {
        // All of them are here. Should they become more than come along, that is news.
        place.totals.remove(&id);
    } else if whole || remembered != Some(thread.total) {
        let beyond = page.beyond || whole;
        if beyond && !whole && remembered.is_none() && place.totals.len() >= REMEMBERED {
            let told = format!(
                "Fler än {REMEMBERED} trådar har fler svar än dem som följer med; sena svar i de övriga läses inte i \
                 detta svep."
            );
            if !page.blind.contains(&told) {
                page.blind.push(told);
            }
        } else {
            let total = thread.total;
            place.deep.push_back(Deep { thread: id, post, published, total, beyond, on: None, pages: 0 });
        }
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
        None => {
            if place.totals.len() >= REMEMBERED && !place.totals.contains_key(&deep.thread) && !deep.beyond {
                // A thread of the newest page would be asked for in every pass.
                place.totals.pop_first();
            }
            if place.totals.len() < REMEMBERED || place.totals.contains_key(&deep.thread) {
                place.totals.insert(deep.thread, deep.total);
            }
        }
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
