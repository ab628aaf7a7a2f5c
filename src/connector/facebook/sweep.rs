//! Reading the Page's comments, one request at a time.
//!
//! A sweep lists the newest posts and, in turn, a few of the older ones, then the comments of each; the next sweep
//! begins anew with the newest. Each call does one request; the cursor says where in the sweep the next one stands,
//! so a restart goes on in the middle. One post that cannot be read never holds up the others.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use url::Url;

use super::Facebook;
use super::element::{self, FIELDS, POST_FIELDS, WITHOUT_ID};
use super::error::{Doing, Failure, failure};
use crate::connector::http::{Answer, elements};
use crate::connector::{ConnectorError, Cursor, Page};

/// How many of the newest posts each sweep reads.
const POSTS: usize = 100;

/// How many older posts a sweep reads beside them, going on where the last one stopped.
const OLDER_POSTS: u32 = 25;

/// How many requests the list of posts may take: it may hold empty pages.
const POST_PAGES: u32 = 50;

/// How many requests one post's comments may take, a hundred comments each: more than any post has, so that a list
/// that never ends does end.
const COMMENT_PAGES: u32 = 2_000;

/// Where a sweep stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    /// Posts whose comments are still to be read, the first one now.
    #[serde(default)]
    posts: Vec<String>,
    /// Which list is in hand.
    #[serde(default)]
    stage: Stage,
    /// Where the list in hand goes on: parameters of the next request.
    #[serde(default)]
    on: Vec<(String, String)>,
    /// How many requests the list in hand has taken.
    #[serde(default)]
    pages: u32,
    /// How many comments the list in hand has shown.
    #[serde(default)]
    shown: u64,
    /// Whether an element of the list in hand could not be read.
    #[serde(default)]
    broken: bool,
    /// Whether the list in hand was begun anew because its cursor was not taken any more.
    #[serde(default)]
    again: bool,
    /// How far the older posts are read; outlives the sweep.
    #[serde(default)]
    older: Older,
}

/// The parts of a sweep, in their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Stage {
    /// The list of the newest posts.
    #[default]
    Newest,
    /// The list of the older posts that are in turn.
    Older,
    /// The comments of one post after the other.
    Comments,
}

/// Where the turn through the older posts stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Older {
    /// Where the next sweep goes on; empty where the newest posts end.
    #[serde(default)]
    on: Vec<(String, String)>,
    /// How many posts the present turn has read.
    #[serde(default)]
    read: u32,
    /// How many posts the last whole turn read.
    #[serde(default)]
    whole: Option<u32>,
}

impl Place {
    /// A cursor of another version begins a new sweep: that may repeat comments and skips none.
    fn read(cursor: Option<&Cursor>) -> Self {
        cursor.and_then(|cursor| serde_json::from_str(&cursor.0).ok()).unwrap_or_default()
    }

    /// The list in hand is read; the next begins.
    fn turn(&mut self) {
        self.on.clear();
        self.pages = 0;
        self.shown = 0;
        self.broken = false;
        self.again = false;
    }

    /// Begins the list in hand anew, once: a cursor that was stored for long may no longer be taken.
    fn begin_again(&mut self) -> bool {
        if self.on.is_empty() || self.again {
            return false;
        }
        self.turn();
        self.again = true;
        true
    }

    /// The posts are listed; their comments come next.
    fn posts_are_listed(&mut self) {
        self.turn();
        self.stage = Stage::Comments;
    }

    fn write(&self) -> Cursor {
        // A struct of texts and numbers can always be written; an empty cursor would only begin a new sweep.
        Cursor(serde_json::to_string(self).unwrap_or_default())
    }
}

/// An edge's answer.
#[derive(Deserialize)]
struct Edge<'a> {
    #[serde(borrow)]
    data: &'a RawValue,
    #[serde(default)]
    paging: Option<Value>,
    #[serde(default)]
    summary: Option<Value>,
}

/// Whether a list goes on.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    End,
    At(Vec<(String, String)>),
    /// There is more, but the answer does not say where, or where we have just been.
    Stuck,
}

/// Carries out the next request of the sweep.
pub(super) async fn page(facebook: &Facebook, from: Option<&Cursor>) -> Result<Page, ConnectorError> {
    let mut place = Place::read(from);
    let mut page = Page::default();
    if place.stage == Stage::Comments && !place.posts.is_empty() {
        comments(facebook, &mut place, &mut page).await?;
    } else {
        if place.stage == Stage::Comments {
            // The last sweep is finished.
            place = Place { older: place.older, ..Place::default() };
        }
        posts(facebook, &mut place, &mut page).await?;
    }
    page.more = !(place.stage == Stage::Comments && place.posts.is_empty());
    page.cursor = Some(place.write());
    Ok(page)
}

async fn posts(facebook: &Facebook, place: &mut Place, page: &mut Page) -> Result<(), ConnectorError> {
    let limit = if place.stage == Stage::Older { OLDER_POSTS.to_string() } else { POSTS.to_string() };
    let answer =
        ask(facebook, &facebook.page_id, "feed", POST_FIELDS, &[("limit", &limit)], &place.on).await?;
    page.date = answer.date;
    match failure(&answer, Doing::Reading) {
        None => {}
        Some(Failure::Object(_)) if place.stage == Stage::Older => {
            // The stored cursor is not taken any more: the next sweep begins where the newest posts end.
            page.blind.push("Äldre inlägg kunde inte läsas i detta svep; varvet börjar om.".to_owned());
            place.older = Older { whole: place.older.whole, ..Older::default() };
            place.posts_are_listed();
            return Ok(());
        }
        Some(Failure::Object(_)) if place.begin_again() => return Ok(()),
        Some(other) => return Err(other.into_error(answer.place())),
    }
    let edge: Edge<'_> = answer.json()?;
    let by_visitors = take_posts(&answer, &edge, facebook, place, page)?;
    if by_visitors > 0 {
        page.blind.push(format!(
            "{by_visitors} inlägg på sidan är skrivna av besökare. Kommentarerna under dem läses, men inläggen \
             själva bedöms inte."
        ));
    }
    place.pages += 1;
    let next = next(edge.paging.as_ref(), &place.on);
    if place.stage == Stage::Older {
        turn_through_the_older(place, page, next);
        return Ok(());
    }
    let enough = place.posts.len() >= POSTS || place.pages >= POST_PAGES;
    match next {
        Next::At(on) if !enough => place.on = on,
        Next::At(on) => {
            place.turn();
            place.stage = Stage::Older;
            place.on = if place.older.on.is_empty() { on } else { place.older.on.clone() };
        }
        Next::End => {
            place.older = Older::default();
            place.posts_are_listed();
        }
        Next::Stuck => {
            page.blind.push(format!(
                "Facebook säger inte var listan över inlägg går vidare. Bara de {} senaste läses; nya kommentarer \
                 under äldre inlägg ses inte.",
                place.posts.len()
            ));
            place.posts_are_listed();
        }
    }
    Ok(())
}

/// Takes over the posts of a list; gives how many of them visitors wrote.
fn take_posts(
    answer: &Answer,
    edge: &Edge<'_>,
    facebook: &Facebook,
    place: &mut Place,
    page: &mut Page,
) -> Result<u32, ConnectorError> {
    let mut by_visitors = 0;
    for raw in elements(answer.place(), edge.data)? {
        match element::post(raw, &facebook.page_id) {
            Ok((post, own)) => {
                by_visitors += u32::from(!own);
                if !place.posts.contains(&post.native_id) {
                    place.posts.push(post.native_id.clone());
                }
                page.posts.push(post);
            }
            Err(fault) => page.faults.push(fault),
        }
    }
    Ok(by_visitors)
}

/// Remembers how far the older posts are read, and states what that means.
fn turn_through_the_older(place: &mut Place, page: &mut Page, next: Next) {
    let older = &mut place.older;
    older.read = older.read.saturating_add(u32::try_from(page.posts.len()).unwrap_or(u32::MAX));
    match next {
        Next::At(on) => older.on = on,
        Next::End | Next::Stuck => *older = Older { whole: Some(older.read), ..Older::default() },
    }
    let turn = match older.whole {
        Some(posts) => {
            format!("Ett helt varv är {posts} inlägg, {} svep.", posts.div_ceil(OLDER_POSTS).max(1))
        }
        None => "Inget helt varv är läst än.".to_owned(),
    };
    page.blind.push(format!(
        "Sidans {POSTS} senaste inlägg läses i varje svep, äldre inlägg {OLDER_POSTS} per svep: nya kommentarer \
         där ses senare. {turn}"
    ));
    place.posts_are_listed();
}

async fn comments(facebook: &Facebook, place: &mut Place, page: &mut Page) -> Result<(), ConnectorError> {
    let Some(post) = place.posts.first().cloned() else { return Ok(()) };
    // Without `filter=stream` answers to comments are left out, and the default order is "ranked".
    let how = [("limit", "100"), ("filter", "stream"), ("order", "chronological"), ("summary", "true")];
    let answer = ask(facebook, &post, "comments", FIELDS, &how, &place.on).await?;
    page.date = answer.date;
    match failure(&answer, Doing::Reading) {
        None => {}
        Some(Failure::Error(error)) => return Err(error),
        Some(Failure::Object(_)) if place.begin_again() => return Ok(()),
        Some(Failure::Missing | Failure::OutOfReach(_) | Failure::Object(_)) => {
            // Removed since the posts were listed, or of a kind that has no comments to read. The others must not
            // wait for it.
            page.blind.push(format!(
                "Kommentarerna under inlägg {post} kunde inte läsas: det är borttaget, ligger utanför Uppsikts \
                 rättigheter eller är av ett slag som inte kan läsas."
            ));
            place.posts.remove(0);
            place.turn();
            return Ok(());
        }
    }
    let edge: Edge<'_> = answer.json()?;
    let mut nameless = 0_u32;
    let mut unnamed = 0_u32;
    for raw in elements(answer.place(), edge.data)? {
        place.shown += 1;
        match element::comment(raw, &post, &facebook.page_id) {
            Ok(seen) => {
                unnamed += u32::from(seen.author.id.is_none());
                page.comments.push(seen);
            }
            Err(fault) => {
                nameless += u32::from(fault.reason == WITHOUT_ID);
                place.broken = true;
                page.faults.push(fault);
            }
        }
    }
    if nameless > 0 {
        page.blind.push(format!(
            "{nameless} kommentarer under inlägg {post} saknar id och kan inte bevakas: nyckeln saknar uppgiften \
             MODERATE på sidan. Anslut kontot på nytt med den."
        ));
    }
    if unnamed > 0 {
        page.blind.push(format!(
            "Facebook visar inte vem som skrev {unnamed} av kommentarerna under inlägg {post}. Gäller det alla \
             saknar nyckeln rättigheten pages_read_user_content."
        ));
    }
    place.pages += 1;
    match next(edge.paging.as_ref(), &place.on) {
        Next::At(on) if place.pages < COMMENT_PAGES => {
            place.on = on;
            return Ok(());
        }
        Next::End => {
            let total = edge.summary.as_ref().and_then(|summary| summary.get("total_count")?.as_u64());
            if let Some(total) = total.filter(|total| *total > place.shown) {
                page.blind.push(format!(
                    "Facebook räknar {total} kommentarer under inlägg {post} men visar {}.",
                    place.shown
                ));
            }
            if !place.broken {
                page.listed.push(post);
            }
        }
        Next::At(_) | Next::Stuck => page.blind.push(format!(
            "Listan över kommentarer under inlägg {post} tog inte slut och lästes bara delvis ({} kommentarer).",
            place.shown
        )),
    }
    place.posts.remove(0);
    place.turn();
    Ok(())
}

async fn ask(
    facebook: &Facebook,
    object: &str,
    edge: &str,
    fields: &str,
    how: &[(&str, &str)],
    on: &[(String, String)],
) -> Result<Answer, ConnectorError> {
    let mut query = vec![("fields", fields)];
    query.extend(how);
    query.extend(on.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    Ok(facebook.get(&[object, edge], &query).await?.0)
}

/// Where the list goes on after a request that was made with the parameters `sent`.
///
/// The last page still has a cursor, so only `paging.next` tells that there is more. Its address holds the token
/// and is never followed; older edges page by time and have no cursor, so its other parameters are taken instead.
fn next(paging: Option<&Value>, sent: &[(String, String)]) -> Next {
    let Some(paging) = paging else { return Next::End };
    let Some(address) = paging.get("next").and_then(Value::as_str).filter(|next| !next.is_empty()) else {
        return Next::End;
    };
    let cursor = paging.get("cursors").and_then(|cursors| cursors.get("after")).and_then(Value::as_str);
    let on: BTreeSet<(String, String)> = match cursor.filter(|after| !after.is_empty()) {
        Some(after) => [("after".to_owned(), after.to_owned())].into(),
        None => Url::parse(address)
            .map(|url| {
                url.query_pairs()
                    .filter(|(name, value)| {
                        matches!(name.as_ref(), "after" | "until" | "__paging_token") && !value.is_empty()
                    })
                    .map(|(name, value)| (name.into_owned(), value.into_owned()))
                    .collect()
            })
            .unwrap_or_default(),
    };
    let on: Vec<_> = on.into_iter().collect();
    if on.is_empty() || on == sent || on.iter().any(|(_, value)| value.len() > 4_000) {
        Next::Stuck
    } else {
        Next::At(on)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(pairs: &[(&str, &str)]) -> Next {
        Next::At(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn only_the_address_of_a_next_page_says_that_there_is_one() {
        let cursors = json!({ "before": "b", "after": "a" });
        let address = "https://graph.facebook.com/x?access_token=SECRET&after=z";
        let table = [
            (Value::Null, Next::End),
            (json!({ "cursors": cursors }), Next::End),
            (json!({ "cursors": cursors, "next": "" }), Next::End),
            (json!({ "cursors": cursors, "next": 7 }), Next::End),
            (json!({ "cursors": cursors, "next": address }), at(&[("after", "a")])),
            (json!({ "next": address }), at(&[("after", "z")])),
            (json!({ "next": "no address" }), Next::Stuck),
            (json!({ "next": "https://graph.facebook.com/x?access_token=SECRET" }), Next::Stuck),
            (
                json!({ "next": "https://g/posts?access_token=S&until=1624385168&since&__paging_token=t" }),
                at(&[("__paging_token", "t"), ("until", "1624385168")]),
            ),
        ];
        for (paging, expected) in table {
            assert_eq!(next(Some(&paging), &[]), expected, "{paging}");
        }
    }

    #[test]
    fn a_cursor_that_leads_back_to_itself_is_not_followed() {
        let paging = json!({ "cursors": { "after": "a" }, "next": "https://g/x?after=a" });
        assert_eq!(next(Some(&paging), &[("after".to_owned(), "a".to_owned())]), Next::Stuck);
    }

    #[test]
    fn a_cursor_from_elsewhere_begins_a_new_sweep() {
        for text in ["", "null", "[]", "{\"posts\":7}", "\u{0}", "{\"posts\":"] {
            assert_eq!(Place::read(Some(&Cursor(text.to_owned()))), Place::default(), "{text:?}");
        }
    }
}
