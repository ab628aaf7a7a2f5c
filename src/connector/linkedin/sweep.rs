//! Reading the organisation's comments, one request at a time, with few requests a day.
//!
//! LinkedIn lists comments post by post and counts calls by the day, so a pass reads the posts that are young, and a
//! few of the older ones in turn. The list of posts itself is read once an hour. Answers to a comment are asked for
//! where their number has moved; twice a day each post is read wholly, and only that says `listed`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::Linkedin;
use super::wire::{self, Trouble};
use crate::connector::{ConnectorError, Cursor, Page, Purpose, Reach};

/// How many older posts a pass reads beside them.
const OLDER: usize = 2;

/// How many it may be where they have waited as long as they may.
const MOST_OLDER: usize = 25;

/// How many young posts are read when the day's calls are used up faster than the day.
const FEW: usize = 2;

/// How often the list of posts is read.
const POSTS_EVERY: TimeDelta = TimeDelta::hours(1);

/// How often a young post is read wholly.
const WHOLE_EVERY: TimeDelta = TimeDelta::hours(12);

/// How often the roles of the person behind the key are asked for.
const ROLES_EVERY: TimeDelta = TimeDelta::hours(24);

/// Elements a page.
const COUNT: u64 = 100;

/// How many requests one list may take.
const PAGES: u32 = 100;

/// How many posts are kept in turn, and how many comments' numbers of answers.
const REMEMBERED: usize = 1_000;

/// The parts of a sweep, in their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stage {
    /// Nothing is read yet, or all is.
    #[default]
    Done,
    Roles,
    Posts,
    Comments,
}

/// A list of comments to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Task {
    post: String,
    /// The comment whose answers they are.
    #[serde(default)]
    parent: Option<String>,
    whole: bool,
    #[serde(default)]
    start: u64,
    #[serde(default)]
    pages: u32,
}

/// A post in turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    id: String,
    at: DateTime<Utc>,
    /// When it was last read wholly.
    #[serde(default)]
    whole: Option<DateTime<Utc>>,
}

/// Where a sweep stands, and what outlives it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Place {
    stage: Stage,
    start: u64,
    pages: u32,
    tasks: VecDeque<Task>,
    /// Posts of which something could not be read in this sweep.
    doubtful: BTreeSet<String>,

    /// The newest first; outlives the sweep, as everything below.
    known: Vec<Known>,
    posts_at: Option<DateTime<Utc>>,
    roles_at: Option<DateTime<Utc>>,
    /// How many answers a comment had when they were last read.
    answers: BTreeMap<String, u64>,
}

impl Place {
    fn read(cursor: Option<&Cursor>) -> Self {
        cursor.and_then(|cursor| serde_json::from_str(&cursor.0).ok()).unwrap_or_default()
    }

    fn begin(self, now: DateTime<Utc>) -> Self {
        let due = |at: Option<DateTime<Utc>>, every| at.is_none_or(|at| now - at >= every);
        let stage = if due(self.roles_at, ROLES_EVERY) {
            Stage::Roles
        } else if due(self.posts_at, POSTS_EVERY) {
            Stage::Posts
        } else {
            Stage::Comments
        };
        Self {
            stage,
            known: self.known,
            posts_at: self.posts_at,
            roles_at: self.roles_at,
            answers: self.answers,
            ..Self::default()
        }
    }

    /// The posts of this pass: the young, and of the others those that have waited longest.
    fn choose(&mut self, now: DateTime<Utc>, ahead: bool, reach: Reach) {
        self.stage = Stage::Comments;
        let horizon = TimeDelta::days(reach.horizon.unwrap_or(super::YOUNG_DAYS).into());
        let is_young = |post: &&Known| now - post.at < horizon;
        let mut young: Vec<_> = self.known.iter().filter(is_young).cloned().collect();
        let mut older: Vec<_> = self.known.iter().filter(|post| !is_young(post)).cloned().collect();
        older.sort_by_key(|post| post.whole);
        // Those that have waited almost as long as they may are read, as many as it takes, while the day's calls last.
        let due = TimeDelta::days(reach.sweep_days.into()) - WHOLE_EVERY;
        let late = older.iter().take_while(|post| post.whole.is_some_and(|at| now - at >= due)).count();
        if ahead {
            young.truncate(FEW);
        }
        older.truncate(if ahead { 1 } else { OLDER.max(late.min(MOST_OLDER)) });
        let task = |post: Known, whole| Task { post: post.id, parent: None, whole, start: 0, pages: 0 };
        self.tasks = young
            .into_iter()
            .map(|post| {
                let whole = post.whole.is_none_or(|at| now - at >= WHOLE_EVERY);
                task(post, whole)
            })
            .collect();
        self.tasks.extend(older.into_iter().map(|post| task(post, true)));
        if self.tasks.is_empty() {
            self.stage = Stage::Done;
        }
    }

    /// One list is read. If it was the last of its post, the post is.
    fn finished(&mut self, task: &Task, now: DateTime<Utc>, page: &mut Page) {
        if self.tasks.front().is_some_and(|next| next.post == task.post) {
            return;
        }
        if task.whole {
            if let Some(post) = self.known.iter_mut().find(|post| post.id == task.post) {
                post.whole = Some(now);
            }
            if !self.doubtful.contains(&task.post) {
                page.listed.push(task.post.clone());
            }
        }
        if self.tasks.is_empty() {
            self.stage = Stage::Done;
        }
    }
}

/// Carries out the next request of the sweep.
pub(super) async fn page(linkedin: &Linkedin, from: Option<&Cursor>) -> Result<Page, ConnectorError> {
    let now = linkedin.key.now();
    let ahead = linkedin.is_ahead();
    let mut place = Place::read(from);
    let mut page = Page::default();
    if place.stage == Stage::Done {
        place = place.begin(now);
        if place.stage == Stage::Comments {
            place.choose(now, ahead, linkedin.reach);
        }
    }
    match place.stage {
        Stage::Roles => {
            roles(linkedin, &mut page).await?;
            place.roles_at = Some(now);
            place.stage = Stage::Posts;
        }
        Stage::Posts => posts(linkedin, &mut place, now, ahead, &mut page).await?,
        Stage::Comments => comments(linkedin, &mut place, now, &mut page).await?,
        Stage::Done => {}
    }
    if ahead && place.stage == Stage::Done {
        page.blind.push(format!(
            "Dagens anrop till LinkedIn räcker inte till alla inlägg: i detta svep lästes de {FEW} senaste och ett äldre."
        ));
    }
    page.more = place.stage != Stage::Done;
    page.cursor = Some(Cursor(serde_json::to_string(&place).unwrap_or_default()));
    Ok(page)
}

/// Without the right role lists are empty, not refused: so the roles are asked for.
async fn roles(linkedin: &Linkedin, page: &mut Page) -> Result<(), ConnectorError> {
    let (answer, _) = linkedin.acls(Purpose::Poll).await?;
    page.date = answer.date;
    match wire::trouble(answer.status, &answer.body) {
        None => {
            let roles = wire::roles(answer.place(), &answer.body, &linkedin.organization)?;
            if !super::reads(&roles) {
                return Err(ConnectorError::Unauthorized(format!(
                    "{}: the person behind the key has none of the roles {} for the page, and would be shown empty \
                     lists; give one and connect the account again",
                    answer.place(),
                    super::READERS.join(", ")
                )));
            }
            Ok(())
        }
        Some((Trouble::Right | Trouble::Missing | Trouble::Refused, _)) => {
            page.blind.push(
                "LinkedIn visar inte vilken roll personen bakom nyckeln har på sidan; saknas rollen visas tomma listor."
                    .to_owned(),
            );
            Ok(())
        }
        Some(other) => Err(linkedin.told(&answer, &other, false)),
    }
}

async fn posts(
    linkedin: &Linkedin,
    place: &mut Place,
    now: DateTime<Utc>,
    ahead: bool,
    page: &mut Page,
) -> Result<(), ConnectorError> {
    let (start, count) = (place.start.to_string(), COUNT.to_string());
    let query = [
        ("q", "author"),
        ("author", linkedin.organization.as_str()),
        ("start", &start),
        ("count", &count),
        ("sortBy", "CREATED"),
    ];
    let (answer, _) = linkedin.get(&["posts"], &query, Purpose::Poll).await?;
    page.date = answer.date;
    if let Some(other) = wire::trouble(answer.status, &answer.body) {
        return Err(linkedin.told(&answer, &other, false));
    }
    let list = wire::posts(answer.place(), &answer.body, (place.start, COUNT))?;
    page.faults = list.faults;
    let first = place.posts_at.is_none();
    let mut met = false;
    for post in &list.elements {
        if place.known.iter().any(|known| known.id == post.native_id) {
            met = true;
        } else if place.known.len() < REMEMBERED {
            place.known.push(Known { id: post.native_id.clone(), at: post.created_at, whole: None });
        }
    }
    page.posts = list.elements;
    place.pages += 1;
    match list.next {
        Some(next)
            if (first || !met)
                && next > place.start
                && place.pages < PAGES
                && place.known.len() < REMEMBERED =>
        {
            place.start = next;
        }
        _ => {
            place.known.sort_by_key(|post| std::cmp::Reverse(post.at));
            place.posts_at = Some(now);
            place.choose(now, ahead, linkedin.reach);
        }
    }
    if place.known.len() >= REMEMBERED {
        page.blind.push(format!("Bara {REMEMBERED} av sidans inlägg läses i tur och ordning."));
    }
    Ok(())
}

async fn comments(
    linkedin: &Linkedin,
    place: &mut Place,
    now: DateTime<Utc>,
    page: &mut Page,
) -> Result<(), ConnectorError> {
    let Some(task) = place.tasks.front().cloned() else {
        place.stage = Stage::Done;
        return Ok(());
    };
    let (start, count) = (task.start.to_string(), COUNT.to_string());
    let object = task.parent.as_deref().unwrap_or(&task.post);
    let segments = ["socialActions", object, "comments"];
    let (answer, _) = linkedin.get(&segments, &[("start", &start), ("count", &count)], Purpose::Poll).await?;
    page.date = answer.date;
    // Only an answer takes the list off the queue: what fails is asked for again.
    place.tasks.pop_front();
    match wire::trouble(answer.status, &answer.body) {
        None => {}
        Some((Trouble::Missing, _)) if task.parent.is_none() => {
            // The post is gone; so are its comments, which the looks will find.
            place.known.retain(|known| known.id != task.post);
            page.listed.push(task.post.clone());
            place.finished(&Task { whole: false, ..task }, now, page);
            return Ok(());
        }
        Some((Trouble::Missing, _)) => {
            place.finished(&task, now, page);
            return Ok(());
        }
        Some((Trouble::Refused, word)) => {
            page.blind.push(format!("Kommentarerna till {object} gick inte att läsa ({word})."));
            place.doubtful.insert(task.post.clone());
            place.finished(&task, now, page);
            return Ok(());
        }
        Some(other) => return Err(linkedin.told(&answer, &other, false)),
    }
    let list = wire::comments(
        answer.place(),
        &answer.body,
        (task.start, COUNT),
        &task.post,
        &linkedin.organization,
    )?;
    if !list.faults.is_empty() {
        place.doubtful.insert(task.post.clone());
    }
    page.faults = list.faults;
    let mut deeper = Vec::new();
    for comment in list.elements {
        let mut seen = comment.seen;
        if let Some(parent) = &task.parent {
            // There are two levels; an answer says whose it is only sometimes.
            seen.parent_id = seen.parent_id.or_else(|| Some(parent.clone()));
        } else if comment.answers > 0 {
            let moved = place.answers.get(&seen.native_id) != Some(&comment.answers);
            if moved || task.whole {
                let parent = Some(seen.native_id.clone());
                deeper.push(Task { parent, start: 0, pages: 0, ..task.clone() });
            }
            if moved && place.answers.len() < REMEMBERED {
                place.answers.insert(seen.native_id.clone(), comment.answers);
            }
        }
        page.comments.push(seen);
    }
    match list.next {
        Some(next) if next > task.start && task.pages < PAGES => {
            let rest = Task { start: next, pages: task.pages + 1, ..task.clone() };
            place.tasks.push_front(rest);
        }
        Some(_) => {
            page.blind.push(format!("Listan över kommentarer till {object} tog inte slut."));
            place.doubtful.insert(task.post.clone());
        }
        None => {}
    }
    for task in deeper.into_iter().rev() {
        place.tasks.push_front(task);
    }
    place.finished(&task, now, page);
    Ok(())
}
