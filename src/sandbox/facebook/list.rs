//! Edges: lists that come page by page.

use std::cmp::Reverse;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::fields::{self, Node};
use super::{Call, GraphError, comment_node, living, post_node};
use crate::sandbox::comment::{Comment, Place};
use crate::sandbox::seed;
use crate::sandbox::world::World;

/// How many elements a page has at most, and without `limit`.
const MOST: usize = 100;
const USUAL: usize = 25;

/// `GET /{page}/feed`: the posts, newest first.
pub(super) fn posts(world: &World, call: &Call, account: &str) -> Result<Value, GraphError> {
    let wishes = fields::wishes(call.param("fields"), Node::Post).map_err(|name| GraphError::field(&name))?;
    let mut posts: Vec<(Place, &String)> = world
        .account(account)
        .into_iter()
        .flat_map(|account| &account.posts)
        .enumerate()
        .filter_map(|(index, id)| {
            let when = seed::instant(&world.post(id)?.at).unwrap_or(i64::MAX);
            Some(((when, u64::try_from(index).unwrap_or(u64::MAX)), id))
        })
        .collect();
    posts.sort_by_key(|(place, _)| Reverse(*place));
    let slice = Slice::take(call, posts.into_iter(), true)?;
    let data =
        slice.elements.iter().filter_map(|(_, id)| Some(post_node(id, world.post(id)?, &wishes))).collect();
    Ok(slice.page(call, data))
}

/// `GET /{object}/comments`: those under a post, or the answers to a comment.
///
/// A deleted comment still takes its place in a page and is left out of it afterwards, so that a page may be
/// empty and still have a next one. Hidden comments are listed; no source tells whether the API does so.
pub(super) fn comments(world: &World, call: &Call, account: &str, object: &str) -> Result<Value, GraphError> {
    let wishes =
        fields::wishes(call.param("fields"), Node::Comment).map_err(|name| GraphError::field(&name))?;
    let stream = match call.param("filter") {
        None | Some("toplevel") => false,
        Some("stream") => true,
        Some(_) => return Err(GraphError::new(100, "Param filter must be one of {TOPLEVEL, STREAM}")),
    };
    let newest_first = match call.param("order") {
        None | Some("chronological") => false,
        Some("reverse_chronological") => true,
        Some(_) => return Err(GraphError::new(100, "Param order is not known")),
    };
    let since = call.param("since").map(instant).transpose()?;
    let (post, above) = if let Some(post) = world.post(object) {
        (post, None)
    } else {
        let comment = living(world, object)?;
        (world.post(&comment.post).ok_or_else(|| GraphError::missing(object))?, Some(object))
    };
    let wanted = |comment: &Comment| match above {
        Some(above) => comment.parent.as_deref() == Some(above),
        None => stream || comment.parent.is_none(),
    };
    let all = post
        .comments
        .iter()
        .filter(|((when, _), _)| since.is_none_or(|since| *when >= since))
        .filter_map(|(place, id)| Some((*place, world.comment(id)?)))
        .filter(|(_, comment)| wanted(comment));
    let slice = if newest_first {
        Slice::take(call, all.clone().rev(), true)?
    } else {
        Slice::take(call, all.clone(), false)?
    };
    let moderates = world.account(account).is_none_or(|account| account.moderate);
    let data = slice
        .elements
        .iter()
        .filter(|(_, comment)| !world.is_gone(comment))
        .map(|(_, comment)| comment_node(world, comment, &wishes, moderates, false))
        .collect();
    let mut page = slice.page(call, data);
    if matches!(call.param("summary"), Some("1" | "true")) {
        page["summary"] = json!({
            "order": if newest_first { "reverse_chronological" } else { "chronological" },
            "total_count": all.filter(|(_, comment)| !world.is_gone(comment)).count(),
            "can_comment": true,
        });
    }
    Ok(page)
}

/// One page of a list.
struct Slice<T> {
    elements: Vec<(Place, T)>,
    more: bool,
    before: bool,
}

impl<T> Slice<T> {
    /// The elements after the cursor; `descending` tells which way the list runs.
    fn take(
        call: &Call,
        list: impl Iterator<Item = (Place, T)>,
        descending: bool,
    ) -> Result<Self, GraphError> {
        let limit = match call.param("limit") {
            None => USUAL,
            Some(text) => text
                .parse::<usize>()
                .map_err(|_| GraphError::new(100, "Param limit must be an integer"))?
                .clamp(1, MOST),
        };
        let after = call.param("after").filter(|after| !after.is_empty()).map(place).transpose()?;
        let mut rest = list.skip_while(|(place, _)| match after {
            None => false,
            Some(after) if descending => *place >= after,
            Some(after) => *place <= after,
        });
        let elements = rest.by_ref().take(limit).collect();
        Ok(Self { elements, more: rest.next().is_some(), before: after.is_some() })
    }

    /// The envelope. The last page still has cursors, and every address holds the token: both as recorded.
    fn page(&self, call: &Call, data: Vec<Value>) -> Value {
        let mut page = json!({});
        page["data"] = Value::Array(data);
        let (Some(first), Some(last)) = (self.elements.first(), self.elements.last()) else { return page };
        let (before, after) = (cursor(first.0), cursor(last.0));
        page["paging"] = json!({ "cursors": { "before": before, "after": after } });
        if self.more {
            page["paging"]["next"] = json!(address(call, "after", &after));
        }
        if self.before {
            page["paging"]["previous"] = json!(address(call, "before", &before));
        }
        page
    }
}

fn address(call: &Call, way: &str, cursor: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("access_token", call.token.as_deref().unwrap_or_default());
    for (key, value) in &call.params {
        if !matches!(key.as_str(), "access_token" | "after" | "before" | "appsecret_proof") {
            query.append_pair(key, value);
        }
    }
    query.append_pair(way, cursor);
    format!("http://{}/facebook/{}?{}", call.host, call.path.join("/"), query.finish())
}

fn cursor((when, number): Place) -> String {
    URL_SAFE_NO_PAD.encode(format!("{when}:{number}"))
}

fn place(cursor: &str) -> Result<Place, GraphError> {
    let read = || {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
        let (when, number) = text.split_once(':')?;
        Some((when.parse().ok()?, number.parse().ok()?))
    };
    read().ok_or_else(|| GraphError::new(100, "Invalid cursors values"))
}

/// `since`: seconds since 1970, or a date.
fn instant(text: &str) -> Result<i64, GraphError> {
    text.parse::<i64>()
        .ok()
        .and_then(|seconds| seconds.checked_mul(1000))
        .or_else(|| seed::instant(text))
        .ok_or_else(|| GraphError::new(100, "Param since must be a date"))
}
