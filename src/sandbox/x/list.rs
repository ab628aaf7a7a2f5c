//! What is read: search, mentions, an account's own tweets, and tweets by id.

use serde_json::{Map, Value, json};

use chrono::TimeDelta;

use super::meter;
use super::problem::{self, Problem};
use super::query::Query;
use super::tweet::{Tweet, View, is_protected, is_there};
use crate::sandbox::common;
use crate::sandbox::wire::Call;
use crate::sandbox::world::World;

/// How far back `search/recent` sees.
const RECENT: TimeDelta = TimeDelta::days(7);

/// `GET tweets/search/recent`.
pub(super) fn search(world: &mut World, call: &Call, account: &str) -> Result<Value, Problem> {
    let text = call.param("query").unwrap_or_default();
    let query = Query::read(text).ok_or_else(|| {
        Problem::parameter("query", Some(text), "The query is empty, too long or not understood")
    })?;
    let oldest = world.now() - RECENT;
    if let Some(since) = call.param("since_id")
        && let Some(known) = Tweet::find(world, since)
        && common::instant(&known.at).is_some_and(|at| at < oldest)
    {
        let message = format!("'since_id' must be a tweet id created after [{}].", common::long(oldest));
        return Err(Problem::parameter("since_id", Some(since), &message));
    }
    let found = all(world, account)
        .into_iter()
        .filter(|tweet| common::instant(&tweet.at).is_some_and(|at| at >= oldest))
        .filter(|tweet| query.finds(world, tweet))
        .collect();
    page(world, call, account, &format!("search {text}"), found, 10, meter::READ)
}

/// `GET users/:id/mentions`: what answers one of its tweets, or names it.
pub(super) fn mentions(world: &mut World, call: &Call, account: &str) -> Result<Value, Problem> {
    let name = format!("@{}", super::tweet::username(world, account)).to_lowercase();
    let found = all(world, account)
        .into_iter()
        .filter(|tweet| tweet.author != account)
        .filter(|tweet| {
            let above = tweet.parent.as_deref().and_then(|parent| Tweet::find(world, parent));
            above.is_some_and(|above| above.author == account) || tweet.text.to_lowercase().contains(&name)
        })
        .collect();
    page(world, call, account, "mentions", found, 5, meter::OWNED)
}

/// `GET users/:id/tweets`: its posts and replies.
pub(super) fn tweets(world: &mut World, call: &Call, account: &str) -> Result<Value, Problem> {
    let no_replies =
        call.param("exclude").is_some_and(|exclude| exclude.split(',').any(|one| one == "replies"));
    let found = all(world, account)
        .into_iter()
        .filter(|tweet| tweet.author == account && (!no_replies || tweet.parent.is_none()))
        .collect();
    page(world, call, account, "tweets", found, 5, meter::OWNED)
}

/// `GET tweets?ids=…` and `GET tweets/:id`: what cannot be shown is told beside the rest, in the same 200.
pub(super) fn by_id(
    world: &mut World,
    call: &Call,
    account: &str,
    ids: &[&str],
    one: bool,
) -> Result<Value, Problem> {
    let view = View::wanted(call)?;
    if ids.is_empty() || ids.len() > 100 {
        let message = "The `ids` query parameter must hold between 1 and 100 values";
        return Err(Problem::parameter("ids", call.param("ids"), message));
    }
    let mut found = Vec::new();
    let mut errors = Vec::new();
    for id in ids {
        if let Some(tweet) = Tweet::find(world, id) {
            found.push(tweet);
        } else {
            let protected =
                world.comment(id).is_some_and(|comment| is_protected(comment) && is_there(world, comment));
            errors.push(problem::beside(if one { "id" } else { "ids" }, id, protected));
        }
    }
    meter::pay(world, account, meter::READ, &found)?;
    let mut answer = view.page(world, call, &found);
    if let (true, Some(data)) = (one, answer.get_mut("data")) {
        *data = data[0].take();
    }
    if !errors.is_empty() {
        let all = answer.entry("errors").or_insert_with(|| json!([]));
        if let Value::Array(all) = all {
            all.extend(errors);
        }
    }
    Ok(Value::Object(answer))
}

/// Every tweet of an account's conversations that lists show.
fn all(world: &World, account: &str) -> Vec<Tweet> {
    let posts = world.posts_of(account).filter_map(|(id, _)| Tweet::post(world, id));
    let replies = common::comments_of(world, account)
        .filter(|(_, comment)| is_there(world, comment) && !is_protected(comment))
        .map(|(place, comment)| Tweet::reply(&comment, place));
    posts.chain(replies).collect()
}

fn page(
    world: &mut World,
    call: &Call,
    account: &str,
    list: &str,
    mut found: Vec<Tweet>,
    fewest: usize,
    price: u64,
) -> Result<Value, Problem> {
    let view = View::wanted(call)?;
    let limit = match call.param("max_results") {
        None => 10,
        Some(text) => text.parse().ok().filter(|limit| (fewest..=100).contains(limit)).ok_or_else(|| {
            let message =
                format!("The `max_results` query parameter value [{text}] is not between {fewest} and 100");
            Problem::parameter("max_results", Some(text), &message)
        })?,
    };
    let (token, name) = match (call.param("next_token"), call.param("pagination_token")) {
        (Some(token), _) => (Some(token), "next_token"),
        (None, token) => (token, "pagination_token"),
    };
    let after = match token {
        None => None,
        Some(token) => Some(common::place(world, account, list, token).ok_or_else(|| {
            Problem::parameter(
                name,
                Some(token),
                &format!("The `{name}` query parameter value [{token}] is not valid"),
            )
        })?),
    };
    for (name, newer) in [("since_id", true), ("until_id", false)] {
        let Some(id) = call.param(name) else { continue };
        if id.is_empty() || !id.bytes().all(|digit| digit.is_ascii_digit()) {
            let message = format!("The `{name}` query parameter value [{id}] is not a valid id");
            return Err(Problem::parameter(name, Some(id), &message));
        }
        found.retain(|tweet| is_newer(&tweet.id, id) == newer && tweet.id != id);
    }
    let slice = common::newest_first(
        call,
        found.into_iter().map(|tweet| (tweet.place, tweet)).collect(),
        after,
        limit,
    );
    meter::pay(world, account, price, &slice.elements)?;
    let mut answer = view.page(world, call, &slice.elements);
    let mut meta = Map::new();
    let ids = || slice.elements.iter().map(|tweet| &tweet.id);
    if let Some(newest) = ids().reduce(|one, other| if is_newer(other, one) { other } else { one }) {
        meta.insert("newest_id".to_owned(), json!(newest));
    }
    if let Some(oldest) = ids().reduce(|one, other| if is_newer(other, one) { one } else { other }) {
        meta.insert("oldest_id".to_owned(), json!(oldest));
    }
    meta.insert("result_count".to_owned(), json!(slice.elements.len()));
    if let Some(next) = slice.next {
        meta.insert("next_token".to_owned(), json!(common::cursor(world, account, list, next)));
    }
    answer.insert("meta".to_owned(), Value::Object(meta));
    Ok(Value::Object(answer))
}

/// Whether an id is a later one: they are numbers that grow, too large for most programs' numbers.
fn is_newer(one: &str, than: &str) -> bool {
    (one.len(), one) > (than.len(), than)
}
