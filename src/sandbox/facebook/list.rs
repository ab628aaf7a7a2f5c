//! The feed, and the comments of a post or under a comment.

use std::borrow::Cow;
use std::cmp::Reverse;

use serde_json::{Value, json};

use super::{Asker, living, node};
use crate::sandbox::comment::{Comment, Hider, Place, Post};
use crate::sandbox::meta::error::GraphError;
use crate::sandbox::meta::fields::{self, Wish};
use crate::sandbox::meta::is_yes;
use crate::sandbox::meta::page::{self, Slice};
use crate::sandbox::seed;
use crate::sandbox::wire::Call;
use crate::sandbox::world::World;

/// `GET /{page}/feed` and its sisters: the posts, newest first.
pub(super) fn posts(world: &World, call: &Call, asker: &Asker<'_>, edge: &str) -> Result<Value, GraphError> {
    asker.must_read(world)?;
    let wishes = fields::wishes(call.param("fields"), &node::POST)?;
    let wanted = |post: &Post| match edge {
        "feed" => true,
        "visitor_posts" => post.is_visitors(),
        _ => !post.is_visitors(),
    };
    let (since, until) = (time(call, "since")?, time(call, "until")?);
    let by_time = call.param("__paging_token").is_none_or(str::is_empty);
    let mut list: Vec<(Place, (&String, &Post))> = world
        .posts_of(asker.account)
        .enumerate()
        .map(|(index, (id, post))| {
            let when = seed::instant(&post.at).unwrap_or(i64::MAX);
            ((when, u64::try_from(index).unwrap_or(u64::MAX)), (id, post))
        })
        .filter(|(_, (_, post))| !post.deleted && wanted(post))
        .filter(|((when, _), _)| !by_time || since.is_none_or(|since| *when >= since))
        .filter(|((when, _), _)| !by_time || until.is_none_or(|until| *when <= until))
        .collect();
    list.sort_by_key(|(place, _)| Reverse(*place));
    let data = |slice: &Slice<(&String, &Post)>| -> Result<Vec<Value>, GraphError> {
        slice
            .elements
            .iter()
            .map(|(_, (id, post))| node::post(world, call, asker, id, post, &wishes))
            .collect()
    };
    if !asker.is_set(world, "feed_by_time") {
        let slice = Slice::take(world, call, asker.account, list, true)?;
        return Ok(slice.page(world, call, asker.account, data(&slice)?));
    }
    // Recorded: the feed pages by time; the token tells posts of the same second apart.
    let token = call.param("__paging_token").filter(|token| !token.is_empty());
    let way = if is_yes(call.param("__previous")) { "before" } else { "after" };
    let mut places = Call { params: call.params.clone(), ..call.clone() };
    places.params.retain(|(key, _)| !matches!(key.as_str(), "after" | "before"));
    places.params.extend(token.map(|token| (way.to_owned(), token.to_owned())));
    let slice = Slice::take(world, &places, asker.account, list, true)?;
    let mut page = json!({ "data": data(&slice)? });
    if let (Some((first, _)), Some((last, _))) = (slice.elements.first(), slice.elements.last()) {
        let place =
            |place: &Place| ((place.0 / 1000).to_string(), page::cursor(world, asker.account, *place));
        let ((since, before), (until, after)) = (place(first), place(last));
        let before = [("__previous", "1"), ("since", &since), ("until", ""), ("__paging_token", &before)];
        page["paging"] = json!({ "previous": page::address(call, &before) });
        if slice.has_more() {
            let after =
                [("until", until.as_str()), ("since", ""), ("__paging_token", &after), ("__previous", "")];
            page["paging"]["next"] = json!(page::address(call, &after));
        }
    } else if slice.has_more() {
        let same: Vec<(&str, &str)> = ["until", "since", "__paging_token", "__previous"]
            .into_iter()
            .filter_map(|name| Some((name, call.param(name)?)))
            .collect();
        page["paging"] = json!({ "next": page::address(call, &same) });
    }
    Ok(page)
}

/// How a list of comments was asked for.
struct Order {
    /// Answers to comments too.
    stream: bool,
    newest_first: bool,
    /// The default: the platform leaves out what its own filter hid.
    filtered: bool,
}

impl Order {
    fn of(filter: Option<&str>, order: Option<&str>) -> Result<Self, GraphError> {
        let stream = match filter.map(str::to_ascii_lowercase).as_deref() {
            None | Some("toplevel") => false,
            Some("stream") => true,
            Some(_) => return Err(GraphError::new(100, "Param filter must be one of {TOPLEVEL, STREAM}")),
        };
        let newest_first = match order.map(str::to_ascii_lowercase).as_deref() {
            None | Some("chronological") => false,
            Some("reverse_chronological") => true,
            Some(_) => return Err(GraphError::new(100, "Param order is not known")),
        };
        Ok(Self { stream, newest_first, filtered: !stream && order.is_none() })
    }

    /// As the summary tells it. Recorded: a list without `filter` and `order` is "ranked".
    fn word(&self) -> &'static str {
        match (self.filtered, self.newest_first) {
            (true, _) => "ranked",
            (false, true) => "reverse_chronological",
            (false, false) => "chronological",
        }
    }
}

/// The comments of a post (or under `above`) that the token may see, in their order; deleted ones are marked.
fn select<'a>(
    world: &'a World,
    asker: &Asker<'_>,
    post: &'a Post,
    above: Option<&str>,
    order: &Order,
    (since, until): (Option<i64>, Option<i64>),
) -> Vec<(Place, (Cow<'a, Comment>, bool))> {
    let moderates = asker.moderates(world);
    let unlisted = asker.is_set(world, "hidden_unlisted");
    if asker.is_user(world) && asker.is_set(world, "user_token_empty") {
        return Vec::new();
    }
    let wanted = |comment: &Comment| {
        let here = match above {
            Some(above) => comment.parent.as_deref() == Some(above),
            None => order.stream || comment.parent.is_none(),
        };
        let filtered = order.filtered && comment.hidden_by == Some(Hider::Filter);
        let seen = !comment.hidden || (moderates && !unlisted && !filtered);
        here && seen
    };
    let mut list: Vec<_> = world
        .listed(post)
        .filter(|((when, _), _)| since.is_none_or(|since| *when >= since))
        .filter(|((when, _), _)| until.is_none_or(|until| *when <= until))
        .filter(|(_, comment)| wanted(comment))
        .map(|(place, comment)| {
            let gone = world.is_gone(&comment);
            (place, (comment, gone))
        })
        .collect();
    if order.newest_first {
        list.reverse();
    }
    list
}

/// `GET /{object}/comments`: those under a post, or the answers to a comment.
///
/// A deleted comment still takes its place in a page and is left out of it afterwards, so that a page may be
/// empty and still have a next one.
pub(super) fn comments(
    world: &World,
    call: &Call,
    asker: &Asker<'_>,
    object: &str,
) -> Result<Value, GraphError> {
    asker.must_read(world)?;
    if !asker.holds(world, "pages_read_user_content") {
        let message = "This endpoint requires the 'pages_read_user_content' permission or the 'Page Public Content \
                       Access' feature.";
        return Err(GraphError::right(10, message));
    }
    let wishes = fields::wishes(call.param("fields"), &node::COMMENT)?;
    let order = Order::of(call.param("filter"), call.param("order"))?;
    let times = (time(call, "since")?, time(call, "until")?);
    let (post, above) = if let Some(post) = world.post(object).filter(|post| !post.deleted) {
        (post, None)
    } else {
        let comment = living(world, asker, object)?;
        (world.post(&comment.post).ok_or_else(|| GraphError::missing(object))?, Some(object))
    };
    let list = select(world, asker, post, above, &order, times);
    let total = list.iter().filter(|(_, (_, gone))| !gone).count();
    let slice = Slice::take(world, call, asker.account, list, order.newest_first)?;
    let data = slice
        .elements
        .iter()
        .filter(|(_, (_, gone))| !gone)
        .map(|(_, (comment, _))| node::comment(world, call, asker, comment, &wishes, false))
        .collect();
    let mut page = slice.page(world, call, asker.account, data);
    let summary = call.param("summary");
    if is_yes(summary) || summary.is_some_and(|fields| fields.contains("total_count")) {
        page["summary"] = self::summary(world, asker, &order, total, post);
    }
    Ok(page)
}

fn summary(world: &World, asker: &Asker<'_>, order: &Order, total: usize, post: &Post) -> Value {
    let extra = world.account(asker.account).and_then(|account| account.setting("total_extra")?.as_u64());
    let total = u64::try_from(total).unwrap_or(u64::MAX).saturating_add(extra.unwrap_or_default());
    json!({ "order": order.word(), "total_count": total, "can_comment": !post.closed })
}

/// `comments.limit(3).summary(true)` as a field of a post.
pub(super) fn within(
    world: &World,
    call: &Call,
    asker: &Asker<'_>,
    post: &Post,
    wish: &Wish,
) -> Result<Value, GraphError> {
    let order = Order::of(wish.arg("filter"), wish.arg("order"))?;
    let limit = if wish.arg("limit") == Some("0") { 0 } else { page::limit(wish.arg("limit"))? };
    let wishes = fields::wishes(wish.fields().as_deref(), &node::COMMENT)?;
    let list = select(world, asker, post, None, &order, (None, None));
    let living: Vec<_> = list.into_iter().filter(|(_, (_, gone))| !gone).collect();
    let shown: Vec<_> = living.iter().take(limit).collect();
    let data: Vec<Value> = shown
        .iter()
        .map(|(_, (comment, _))| node::comment(world, call, asker, comment, &wishes, false))
        .collect();
    let mut node = json!({ "data": data });
    if let (Some((first, _)), Some((last, _))) = (shown.first(), shown.last()) {
        let cursor = |place: Place| page::cursor(world, asker.account, place);
        node["paging"] = json!({ "cursors": { "before": cursor(*first), "after": cursor(*last) } });
    }
    if is_yes(wish.arg("summary")) || wish.arg("summary") == Some("total_count") {
        node["summary"] = summary(world, asker, &order, living.len(), post);
    }
    Ok(node)
}

/// `since` and `until`: seconds since 1970, or a date. Empty is as good as absent.
fn time(call: &Call, name: &str) -> Result<Option<i64>, GraphError> {
    let Some(text) = call.param(name).filter(|text| !text.is_empty()) else { return Ok(None) };
    text.parse::<i64>()
        .ok()
        .and_then(|seconds| seconds.checked_mul(1000))
        .or_else(|| seed::instant(text))
        .map(Some)
        .ok_or_else(|| GraphError::new(100, &format!("Param {name} must be a date")))
}
