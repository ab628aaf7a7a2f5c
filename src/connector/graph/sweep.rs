//! Reading an account's comments, one request at a time.
//!
//! A sweep lists the newest posts and, in turn, a few of the older ones, then the comments of each; the next sweep
//! begins anew with the newest. Each call does one request; the cursor says where in the sweep the next one stands,
//! so a restart goes on in the middle. One post that cannot be read never holds up the others.
//!
//! A post that the last sweep listed and this one does not is asked for once more. Where it cannot be read either, it
//! is gone, and its comments are looked at one by one; where it can, it has only slipped among the older ones.

use chrono::TimeDelta;

use super::json::{Comments, Next, Posts};
use super::place::{Place, Stage};
use super::{Doing, Failure, Graph, failure, place};
use crate::connector::http::{Answer, malformed};
use crate::connector::{ConnectorError, Cursor, Page, Purpose, Reach};

/// How many of the newest posts each sweep reads where no horizon is set.
const POSTS: usize = 100;

/// The most posts that a horizon makes each sweep read.
const MOST_POSTS: usize = 1_000;

/// How many requests the list of posts may take: it may hold empty pages.
const POST_PAGES: u32 = 50;

/// How many requests one post's comments may take, a hundred comments each: more than any post has, so that a list
/// that never ends does end.
const COMMENT_PAGES: u32 = 2_000;

/// How many vanished posts are remembered.
const MOST_VANISHED: usize = 200;

/// A list and how to ask for it.
#[derive(Debug)]
pub(in crate::connector) struct Edge {
    pub(in crate::connector) name: &'static str,
    pub(in crate::connector) fields: &'static str,
    pub(in crate::connector) how: &'static [(&'static str, &'static str)],
}

/// The lists of a platform.
#[derive(Debug)]
pub(in crate::connector) struct Lists {
    pub(in crate::connector) posts: Edge,
    pub(in crate::connector) comments: Edge,
    /// Answers to one comment, where the list of comments shows only some of them.
    pub(in crate::connector) replies: Option<Edge>,
    /// Whether the list of posts tells how many comments stand under each: one without any is not asked for them.
    pub(in crate::connector) counts: bool,
}

/// What the reading of an account stands on.
pub(in crate::connector) struct Ground<'a> {
    pub(in crate::connector) graph: &'a Graph,
    /// The account's id.
    pub(in crate::connector) account: &'a str,
    pub(in crate::connector) reach: Reach,
    pub(in crate::connector) lists: &'static Lists,
}

/// What reads a platform's lists.
pub(in crate::connector) trait Source: Sync {
    /// What is read, and from where.
    fn ground(&self) -> Ground<'_>;
    fn graph(&self) -> &Graph {
        self.ground().graph
    }
    /// The account's id.
    fn account(&self) -> &str {
        self.ground().account
    }
    fn reach(&self) -> Reach {
        self.ground().reach
    }
    fn lists(&self) -> &'static Lists {
        self.ground().lists
    }
    fn read_posts(&self, body: &[u8]) -> serde_json::Result<Posts>;
    /// Reads comments under `post`, or the answers to its comment `parent`.
    fn read_comments(&self, body: &[u8], post: &str, parent: Option<&str>) -> serde_json::Result<Comments>;
    /// What a page of comments does not show, in Swedish.
    fn unshown(&self, post: &str, comments: &Comments) -> Vec<String>;
}

/// Carries out the next request of the sweep.
pub(in crate::connector) async fn page(
    source: &dyn Source,
    from: Option<&Cursor>,
) -> Result<Page, ConnectorError> {
    let mut place = Place::read(from);
    let mut page = Page::default();
    source.graph().memory().vanished = place.vanished.iter().cloned().collect();
    if place.stage == Stage::Comments && !place.posts.is_empty() {
        comments(source, &mut place, &mut page).await?;
    } else {
        if place.stage == Stage::Comments {
            // The last sweep is finished.
            place = Place {
                older: place.older,
                before: place.newest,
                vanished: place.vanished,
                ..Place::default()
            };
        }
        posts(source, &mut place, &mut page).await?;
    }
    place.begin_rechecks();
    page.more = !place.is_finished();
    page.cursor = Some(place.write());
    Ok(page)
}

async fn posts(source: &dyn Source, place: &mut Place, page: &mut Page) -> Result<(), ConnectorError> {
    let edge = &source.lists().posts;
    let first = place.stage == Stage::Newest && place.pages == 0;
    let limit = match (place.stage, source.reach().horizon) {
        (Stage::Older, _) => place.older.pace().to_string(),
        // Pages are read whole: shorter ones reach less far beyond the horizon.
        (_, Some(_)) => "25".to_owned(),
        _ => POSTS.to_string(),
    };
    let answer = ask(source, source.account(), edge, Some(&limit), &place.on).await?;
    page.date = answer.date;
    let words = source.graph().words();
    match failure(&answer, Doing::Reading, words) {
        None => {}
        Some(Failure::Object(_)) if place.stage == Stage::Older => {
            // The stored cursor is not taken any more: the next sweep begins where the newest posts end.
            page.blind.push("Äldre inlägg kunde inte läsas i detta svep; varvet börjar om.".to_owned());
            place.older.over(place.older.whole);
            source.graph().memory().older.clear();
            place.posts_are_listed();
            return Ok(());
        }
        Some(Failure::Object(_)) if place.begin_again() => return Ok(()),
        Some(other) => return Err(other.into_error(answer.place(), words)),
    }
    let posts = source.read_posts(&answer.body).map_err(|error| malformed(answer.place(), &error))?;
    if first {
        // What stood under a vanished post is looked at until all of it is settled.
        page.listed.extend(place.vanished.iter().cloned());
        source.graph().memory().posts.clear();
    }
    let oldest = posts.posts.iter().map(|post| post.created_at).min();
    let next = take_posts(source, posts, place, page);
    place.pages += 1;
    if place.stage == Stage::Older {
        turn_through_the_older(source, place, page, next);
        return Ok(());
    }
    let reached = match source.reach().horizon {
        None => place.newest.len() >= POSTS,
        Some(days) => {
            let now = answer.date.unwrap_or_else(|| source.graph().now());
            oldest.is_some_and(|oldest| oldest < now - TimeDelta::days(i64::from(days)))
                || place.newest.len() >= MOST_POSTS
        }
    };
    match next {
        Next::At(on) if !reached && place.pages < POST_PAGES => place.on = on,
        Next::At(on) => {
            place.turn();
            place.stage = Stage::Older;
            place.on = if place.older.on.is_empty() { on } else { place.older.on.clone() };
        }
        Next::End => {
            place.older.over(None);
            place.posts_are_listed();
        }
        Next::Stuck => {
            page.blind.push(format!(
                "{} säger inte var listan över inlägg går vidare. Bara de {} senaste läses; nya kommentarer \
                 under äldre inlägg ses inte.",
                words.platform.label(),
                place.newest.len()
            ));
            place.posts_are_listed();
        }
    }
    Ok(())
}

/// Takes over the posts of a list.
fn take_posts(source: &dyn Source, posts: Posts, place: &mut Place, page: &mut Page) -> Next {
    let mut memory = source.graph().memory();
    for post in &posts.posts {
        let id = &post.native_id;
        place.vanished.retain(|vanished| vanished != id);
        if place.stage == Stage::Newest && !place.newest.contains(id) {
            place.newest.push(id.clone());
        }
        if place.stage == Stage::Older {
            memory.older.insert(id.clone());
        }
        if source.lists().counts && post.comments == Some(0) {
            // Nothing to ask for; what stood there before is looked at one by one.
            page.listed.push(id.clone());
        } else if !place.posts.contains(id) {
            place.posts.push(id.clone());
        }
        memory.posts.insert(id.clone(), post.clone());
    }
    page.posts.extend(posts.posts);
    page.comments.extend(posts.by_visitors);
    page.faults.extend(posts.faults);
    posts.next.unless(&place.on)
}

/// Remembers how far the older posts are read, and states what that means.
fn turn_through_the_older(source: &dyn Source, place: &mut Place, page: &mut Page, next: Next) {
    let now = page.date.unwrap_or_else(|| source.graph().now());
    let allowed = TimeDelta::days(i64::from(source.reach().sweep_days));
    let older = &mut place.older;
    let late = now - *older.since.get_or_insert(now) > allowed;
    if late {
        older.pace = older.pace().saturating_mul(2).min(place::MOST_OLDER_POSTS);
    }
    older.read = older.read.saturating_add(u32::try_from(page.posts.len()).unwrap_or(u32::MAX));
    match next {
        Next::At(on) => older.on = on,
        Next::End | Next::Stuck => {
            older.over(Some(older.read));
            let mut memory = source.graph().memory();
            let now = std::mem::take(&mut memory.older);
            let before = std::mem::replace(&mut memory.older_before, now);
            let gone = before.difference(&memory.older_before);
            let gone: Vec<String> = gone.filter(|id| !place.newest.contains(id)).cloned().collect();
            place.before.extend(gone);
        }
    }
    let step = place.older.pace();
    let turn = match place.older.whole {
        Some(posts) => format!("Ett helt varv är {posts} inlägg, {} svep.", posts.div_ceil(step).max(1)),
        None => "Inget helt varv är läst än.".to_owned(),
    };
    let newest = match source.reach().horizon {
        None => format!("Sidans {POSTS} senaste inlägg läses i varje svep"),
        Some(days) => format!("Inlägg yngre än {days} dygn läses i varje svep"),
    };
    let late = if late {
        format!(" Varvet har tagit längre än de {} dygn som är bestämda.", source.reach().sweep_days)
    } else {
        String::new()
    };
    page.blind.push(format!(
        "{newest}, äldre inlägg {step} per svep: nya kommentarer där ses senare. {turn}{late}"
    ));
    place.posts_are_listed();
}

async fn comments(source: &dyn Source, place: &mut Place, page: &mut Page) -> Result<(), ConnectorError> {
    let Some(post) = place.posts.first().cloned() else { return Ok(()) };
    let lists = source.lists();
    let parent = if place.answers { place.threads.first().cloned() } else { None };
    let (object, edge) = match (&parent, &lists.replies) {
        (Some(parent), Some(replies)) => (parent, replies),
        _ => (&post, &lists.comments),
    };
    let answer = ask(source, object, edge, Some("100"), &place.on).await?;
    page.date = answer.date;
    let words = source.graph().words();
    match failure(&answer, Doing::Reading, words) {
        None => {}
        Some(Failure::Error(error)) => return Err(error),
        Some(Failure::Object(_)) if place.begin_again() => return Ok(()),
        Some(_) if parent.is_some() => {
            // The comment is gone since it was listed, and its answers with it: they are not shown, and so looked at.
            place.threads.remove(0);
            place.turn();
            end_of_list(source, place, page, &post);
            return Ok(());
        }
        Some(Failure::Missing | Failure::OutOfReach(_)) if place.rechecking => {
            // Not on the account's list any more, and not to be read either.
            source.graph().memory().vanished.insert(post.clone());
            place.vanished.push(post.clone());
            let surplus = place.vanished.len().saturating_sub(MOST_VANISHED);
            place.vanished.drain(..surplus);
            page.listed.push(post);
            place.next_post();
            return Ok(());
        }
        Some(Failure::Missing | Failure::OutOfReach(_) | Failure::Object(_)) => {
            // Removed since the posts were listed, or of a kind that has no comments to read. The others must not
            // wait for it; the next sweep asks again whether it is still there.
            page.blind.push(format!(
                "Kommentarerna under inlägg {post} kunde inte läsas: det är borttaget, ligger utanför Uppsikts \
                 rättigheter eller är av ett slag som inte kan läsas."
            ));
            place.next_post();
            return Ok(());
        }
    }
    let found = source
        .read_comments(&answer.body, &post, parent.as_deref())
        .map_err(|error| malformed(answer.place(), &error))?;
    page.blind.extend(source.unshown(&post, &found));
    place.shown += u64::try_from(found.comments.len() + found.faults.len()).unwrap_or(u64::MAX);
    place.broken |= !found.faults.is_empty();
    for thread in found.threads {
        if thread.goes_on {
            place.read_again(thread.id, thread.shown);
        } else {
            place.perhaps.push((thread.id, thread.shown));
        }
    }
    place.total = found.total.or(place.total);
    count(source, &post, found.total, page);
    page.comments.extend(found.comments);
    page.faults.extend(found.faults);
    place.pages += 1;
    match found.next.unless(&place.on) {
        Next::At(on) if place.pages < COMMENT_PAGES => place.on = on,
        Next::End => {
            if parent.is_some() {
                place.threads.remove(0);
            }
            place.turn();
            end_of_list(source, place, page, &post);
        }
        Next::At(_) | Next::Stuck => {
            page.blind.push(format!(
                "Listan över kommentarer under inlägg {post} tog inte slut och lästes bara delvis ({} \
                 kommentarer).",
                place.shown
            ));
            place.next_post();
        }
    }
    Ok(())
}

/// A list of the post in hand has ended: the answers that were not shown come next, or the next post.
fn end_of_list(source: &dyn Source, place: &mut Place, page: &mut Page, post: &str) {
    let graph = source.graph();
    let total = place.total.or_else(|| graph.memory().posts.get(post)?.comments);
    let short = total.is_some_and(|total| total > place.shown);
    if !place.answers {
        place.answers = true;
        let perhaps = std::mem::take(&mut place.perhaps);
        let settled = graph.memory().settled.get(post).copied();
        // A count that differs for another reason (hidden, filtered) is not looked into again each time.
        if short && settled != total.map(|total| (total, place.shown)) {
            for (comment, shown) in perhaps {
                place.read_again(comment, shown);
            }
        }
    }
    if !place.threads.is_empty() {
        return;
    }
    if let Some(total) = total.filter(|_| short) {
        graph.memory().settled.insert(post.to_owned(), (total, place.shown));
        page.blind.push(format!(
            "{} räknar {total} kommentarer under inlägg {post} men visar {}.",
            graph.words().platform.label(),
            place.shown
        ));
    }
    if !place.broken {
        page.listed.push(post.to_owned());
    }
    place.next_post();
}

/// Tells the platform's own count beside the comments it counts.
fn count(source: &dyn Source, post: &str, total: Option<u64>, page: &mut Page) {
    let Some(total) = total else { return };
    let mut memory = source.graph().memory();
    if let Some(known) = memory.posts.get_mut(post).filter(|known| known.comments != Some(total)) {
        known.comments = Some(total);
        page.posts.push(known.clone());
    }
}

async fn ask(
    source: &dyn Source,
    object: &str,
    edge: &Edge,
    limit: Option<&str>,
    on: &[(String, String)],
) -> Result<Answer, ConnectorError> {
    let mut query = vec![("fields", edge.fields)];
    query.extend(limit.map(|limit| ("limit", limit)));
    query.extend(edge.how);
    query.extend(on.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    Ok(source.graph().get(&[object, edge.name], &query, Purpose::Poll).await?.0)
}
