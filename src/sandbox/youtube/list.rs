//! What is read: threads and replies, page by page.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};

use super::Surface;
use super::error::Refusal;
use super::show::{self, Text};
use super::status::{self, Status};
use crate::sandbox::comment::{Comment, Place};
use crate::sandbox::common::{self, Slice};
use crate::sandbox::wire::Call;
use crate::sandbox::world::World;

/// How many replies come along with a thread at most; the others are asked for with `comments`.
const ALONG: usize = 5;

/// The filters of `commentThreads`, of which a request has exactly one.
const FILTERS: [&str; 5] = ["allThreadsRelatedToChannelId", "channelId", "videoId", "postId", "id"];

/// What may not stand beside `id`.
const NOT_WITH_ID: [&str; 5] = ["maxResults", "moderationStatus", "order", "pageToken", "searchTerms"];

/// `GET commentThreads`.
///
/// Threads are told by the status of their first comment. A reply that is held back stands in no list at all: no
/// source tells where it would.
pub(super) fn threads(world: &World, call: &Call, account: &str) -> Result<Value, Refusal> {
    let parts = parts(call, &["id", "snippet", "replies"])?;
    let given: Vec<(&str, &str)> =
        FILTERS.iter().filter_map(|name| Some((*name, call.param(name)?))).collect();
    let (filter, wanted) = match given.as_slice() {
        [one] => *one,
        [] => {
            let message = format!("No filter selected. Expected one of: {}", FILTERS.join(", "));
            return Err(Refusal::new(400, "youtube.parameter", "missingRequiredParameter", &message));
        }
        many => {
            let names: Vec<&str> = many.iter().map(|(name, _)| *name).collect();
            return Err(Refusal::incompatible(&names.join(", ")));
        }
    };
    if filter == "id"
        && let Some(other) = NOT_WITH_ID.iter().find(|name| call.param(name).is_some())
    {
        return Err(Refusal::incompatible(&format!("id, {other}")));
    }
    let status = match call.param("moderationStatus") {
        None => Status::Published,
        Some(name) => Status::named(name)
            .filter(|status| *status != Status::Rejected)
            .ok_or_else(|| Refusal::invalid("moderationStatus", name))?,
    };
    let by_relevance = match call.param("order") {
        None | Some("time") => false,
        Some("relevance") => true,
        Some(other) => return Err(Refusal::invalid("order", other)),
    };
    let text = Text::wanted(call)?;
    let limit = limit(call)?;
    exists(world, account, filter, wanted)?;

    let ids: BTreeSet<&str> = wanted.split(',').collect();
    let terms = call.param("searchTerms").map(str::to_lowercase);
    let fits = |comment: &Comment| match filter {
        "id" => ids.contains(comment.id.as_str()),
        "channelId" => Surface::of(&comment.account, &comment.post) == Surface::Channel,
        "videoId" | "postId" => comment.post == wanted,
        _ => !super::is_closed(world, &comment.post),
    };
    let tops = common::comments_of(world, account)
        .filter(|(_, comment)| comment.parent.is_none() && fits(comment))
        .filter(|(_, comment)| terms.as_ref().is_none_or(|terms| comment.text.to_lowercase().contains(terms)))
        .map(|(place, comment)| {
            let place = if by_relevance { (i64::MAX - place.0.rem_euclid(97), place.1) } else { place };
            (place, comment)
        })
        .collect();
    let list = format!("{filter} {wanted} {} {by_relevance}", status.name());
    let slice = slice(world, call, account, &list, tops, if filter == "id" { usize::MAX } else { limit })?;

    // Who left between two requests leaves a page shorter, or empty with a next one.
    let shown =
        slice.elements.iter().filter(|comment| !world.is_gone(comment)).filter(|comment| match filter {
            "id" => status::of(comment) != Status::Rejected,
            _ => status::of(comment) == status,
        });
    let mut replies = replies(world, account);
    let items: Vec<Value> = shown
        .map(|comment| {
            let below = replies.remove(comment.id.as_str()).unwrap_or_default();
            let along = parts.contains(&"replies").then(|| below.iter().take(ALONG));
            let named = matches!(filter, "allThreadsRelatedToChannelId" | "channelId");
            let told = (filter != "id" && status != Status::Published).then_some(status);
            let mut thread = show::thread(call, comment, below.len(), text, named, told);
            if let Some(along) = along.filter(|along| along.len() > 0) {
                let along: Vec<Value> =
                    along.map(|reply| show::comment(call, reply, text, false, None)).collect();
                thread["replies"] = json!({ "comments": along });
            }
            show::cut(&mut thread, &parts);
            thread
        })
        .collect();
    let mut page = json!({
        "kind": "youtube#commentThreadListResponse",
        "etag": show::etag(&list),
    });
    if let Some(next) = slice.next {
        page["nextPageToken"] = json!(common::cursor(world, account, &list, next));
    }
    // As recorded: how many there are on this page, whatever the name says.
    page["pageInfo"] = json!({ "totalResults": items.len(), "resultsPerPage": limit });
    page["items"] = Value::Array(items);
    Ok(page)
}

/// `GET comments`: the replies to a comment, or comments by their ids.
pub(super) fn comments(world: &World, call: &Call, account: &str) -> Result<Value, Refusal> {
    let parts = parts(call, &["id", "snippet"])?;
    let text = Text::wanted(call)?;
    let mut page = json!({ "kind": "youtube#commentListResponse" });
    let items: Vec<Cow<'_, Comment>> = match (call.param("parentId"), call.param("id")) {
        (Some(_), Some(_)) => return Err(Refusal::incompatible("parentId, id")),
        (None, None) => {
            let message = "No filter selected. Expected one of: parentId, id";
            return Err(Refusal::new(400, "youtube.parameter", "missingRequiredParameter", message));
        }
        (None, Some(ids)) => {
            page["etag"] = json!(show::etag(ids));
            ids.split(',')
                .filter_map(|id| world.comment(id))
                .filter(|comment| comment.account == account && !world.is_gone(comment))
                .filter(|comment| {
                    status::of(comment) != Status::Rejected && !status::is_buried(world, comment)
                })
                .map(Cow::Borrowed)
                .collect()
        }
        (Some(parent), None) => {
            let above = world.comment(parent).filter(|above| !world.is_gone(above) && above.parent.is_none());
            if above.is_none() {
                return Err(Refusal::not_found("commentNotFound", "The comment could not be found."));
            }
            let limit = limit(call)?;
            let below = common::comments_of(world, account)
                .filter(|(_, comment)| comment.parent.is_some() && show::top(world, comment) == parent)
                .collect();
            let slice = slice(world, call, account, parent, below, limit)?;
            page["etag"] = json!(show::etag(parent));
            if let Some(next) = slice.next {
                page["nextPageToken"] = json!(common::cursor(world, account, parent, next));
            }
            // As recorded: here nothing tells how many there are.
            page["pageInfo"] = json!({ "resultsPerPage": limit });
            slice.elements.into_iter().filter(|reply| is_public(world, reply)).collect()
        }
    };
    let items = items
        .into_iter()
        .map(|comment| {
            let mut item = show::comment(call, &comment, text, false, None);
            show::cut(&mut item, &parts);
            item
        })
        .collect();
    page["items"] = Value::Array(items);
    Ok(page)
}

/// Whether everybody sees it.
fn is_public(world: &World, comment: &Comment) -> bool {
    !world.is_gone(comment)
        && status::of(comment) == Status::Published
        && common::ancestors(world, comment).into_iter().all(|above| status::of(above) == Status::Published)
}

/// The public replies of every thread of an account, newest first.
fn replies<'a>(world: &'a World, account: &str) -> HashMap<String, Vec<Cow<'a, Comment>>> {
    let mut replies: HashMap<String, Vec<(Place, Cow<'a, Comment>)>> = HashMap::new();
    for (place, comment) in common::comments_of(world, account) {
        if comment.parent.is_some() && is_public(world, &comment) {
            replies.entry(show::top(world, &comment)).or_default().push((place, comment));
        }
    }
    let sorted = replies.into_iter().map(|(id, mut below)| {
        below.sort_by_key(|(place, _)| std::cmp::Reverse(*place));
        (id, below.into_iter().map(|(_, comment)| comment).collect())
    });
    sorted.collect()
}

fn exists(world: &World, account: &str, filter: &str, wanted: &str) -> Result<(), Refusal> {
    match filter {
        "videoId" if super::is_closed(world, wanted) => Err(Refusal::closed()),
        "videoId" | "postId" if world.post(wanted).is_none_or(|post| post.account != account) => {
            let message = "The video identified by the videoId parameter could not be found.";
            Err(Refusal::not_found("videoNotFound", message))
        }
        _ => Ok(()),
    }
}

fn slice<'a>(
    world: &World,
    call: &Call,
    account: &str,
    list: &str,
    all: Vec<(Place, Cow<'a, Comment>)>,
    limit: usize,
) -> Result<Slice<Cow<'a, Comment>>, Refusal> {
    let after = match call.param("pageToken").filter(|token| !token.is_empty()) {
        None => None,
        Some(token) => Some(common::place(world, account, list, token).ok_or_else(|| {
            let message = "The request specifies an invalid page token.";
            Refusal::new(400, "youtube.parameter", "invalidPageToken", message)
        })?),
    };
    Ok(common::newest_first(call, all, after, limit))
}

/// `maxResults`.
fn limit(call: &Call) -> Result<usize, Refusal> {
    let Some(text) = call.param("maxResults") else { return Ok(20) };
    text.parse()
        .ok()
        .filter(|limit| (1..=100).contains(limit))
        .ok_or_else(|| Refusal::invalid("maxResults", text))
}

/// `part`, which must be there.
pub(super) fn parts<'a>(call: &'a Call, known: &[&str]) -> Result<Vec<&'a str>, Refusal> {
    let text = call.param("part").ok_or_else(|| Refusal::missing("part"))?;
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    match parts.iter().find(|part| !known.contains(part)) {
        Some(unknown) => Err(Refusal::new(
            400,
            "youtube.part",
            "unknownPart",
            &format!("The request specifies an unknown part: '{unknown}'"),
        )),
        None => Ok(parts),
    }
}
