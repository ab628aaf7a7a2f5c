//! Edges: lists that come page by page.

use serde_json::{Value, json};
use url::form_urlencoded;

use super::error::GraphError;
use crate::sandbox::comment::Place;
use crate::sandbox::wire::Call;
use crate::sandbox::world::World;

/// How many elements a page has at most, and without `limit`.
const MOST: usize = 100;
const USUAL: usize = 25;

/// What a cursor says that stands before everything.
const BEGINNING: &str = "beginning";

/// One page of a list.
#[derive(Debug)]
pub(in crate::sandbox) struct Slice<T> {
    pub(in crate::sandbox) elements: Vec<(Place, T)>,
    more: bool,
    earlier: bool,
}

/// How many elements a request wants.
pub(in crate::sandbox) fn limit(text: Option<&str>) -> Result<usize, GraphError> {
    match text {
        None => Ok(USUAL),
        Some(text) => text
            .parse::<usize>()
            .map(|limit| limit.clamp(1, MOST))
            .map_err(|_| GraphError::new(100, "Param limit must be an integer")),
    }
}

impl<T> Slice<T> {
    /// The elements after (or before) the call's cursor, out of a list in its order; `descending` tells which way
    /// it runs.
    pub(in crate::sandbox) fn take(
        world: &World,
        call: &Call,
        account: &str,
        list: Vec<(Place, T)>,
        descending: bool,
    ) -> Result<Self, GraphError> {
        let limit = limit(call.param("limit"))?;
        let cursor = |name: &str| {
            let cursor = call.param(name).filter(|cursor| !cursor.is_empty());
            cursor.map(|cursor| place(world, account, cursor)).transpose().map(Option::flatten)
        };
        let (after, before) = (cursor("after")?, cursor("before")?);
        if call.empty {
            return Ok(Self { elements: Vec::new(), more: true, earlier: false });
        }
        let is_later = |place: Place, than: Place| if descending { place < than } else { place > than };
        let mut list: Vec<_> = list
            .into_iter()
            .filter(|(place, _)| after.is_none_or(|after| is_later(*place, after)))
            .filter(|(place, _)| before.is_none_or(|before| is_later(before, *place)))
            .collect();
        if before.is_some() {
            let start = list.len().saturating_sub(limit);
            let elements = list.split_off(start);
            return Ok(Self { elements, more: true, earlier: start > 0 });
        }
        let more = list.len() > limit;
        list.truncate(limit);
        Ok(Self { elements: list, more, earlier: after.is_some() })
    }

    /// The envelope. The last page still has cursors, and every address holds the token: both as recorded.
    pub(in crate::sandbox) fn page(
        &self,
        world: &World,
        call: &Call,
        account: &str,
        data: Vec<Value>,
    ) -> Value {
        let mut page = json!({});
        page["data"] = Value::Array(data);
        let ends = (self.elements.first(), self.elements.last());
        let (before, after) = match ends {
            (Some(first), Some(last)) => (cursor(world, account, first.0), cursor(world, account, last.0)),
            // An empty page with a next one: that is this page again.
            _ if self.more => {
                let same =
                    call.param("after").map_or_else(|| world.cursor(account, BEGINNING), str::to_owned);
                (same.clone(), same)
            }
            _ => return page,
        };
        page["paging"] = json!({ "cursors": { "before": before, "after": after } });
        if self.more {
            page["paging"]["next"] = json!(address(call, &[("after", &after)]));
        }
        if self.earlier {
            page["paging"]["previous"] = json!(address(call, &[("before", &before)]));
        }
        page
    }

    /// Whether there is another page.
    pub(in crate::sandbox) fn has_more(&self) -> bool {
        self.more
    }
}

/// The address of this list with other places in it. The token stands in it, as in the real ones.
pub(in crate::sandbox) fn address(call: &Call, with: &[(&str, &str)]) -> String {
    const PLACES: [&str; 9] = [
        "access_token",
        "after",
        "before",
        "appsecret_proof",
        "since",
        "until",
        "__paging_token",
        "__previous",
        "pretty",
    ];
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("access_token", call.token.as_deref().unwrap_or_default());
    query.append_pair("pretty", "0");
    for (key, value) in &call.params {
        // `since` of a comment list is a filter and stays; of a feed it is a place.
        let stays = key == "since" && with.iter().any(|(name, _)| matches!(*name, "after" | "before"));
        if stays || !PLACES.contains(&key.as_str()) {
            query.append_pair(key, value);
        }
    }
    for (key, value) in with {
        query.append_pair(key, value);
    }
    let path = call.raw.trim_end_matches('/');
    format!("http://{}/{}/{path}?{}", call.host, call.platform, query.finish())
}

/// A cursor at an element.
pub(in crate::sandbox) fn cursor(world: &World, account: &str, (when, number): Place) -> String {
    world.cursor(account, &format!("{when}:{number}"))
}

/// The place that a cursor stands for; none before everything.
fn place(world: &World, account: &str, cursor: &str) -> Result<Option<Place>, GraphError> {
    let read = || {
        let text = world.uncursor(account, cursor)?;
        if text == BEGINNING {
            return Some(None);
        }
        let (when, number) = text.split_once(':')?;
        Some(Some((when.parse().ok()?, number.parse().ok()?)))
    };
    read().ok_or_else(|| GraphError::new(100, "Invalid cursors values"))
}
