//! The pieces that Meta's lists are made of: elements, ids, dates, and where a list goes on.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use url::Url;

use crate::connector::http::element;
use crate::connector::{ElementFault, Post};
use crate::domain::comment::Seen;

/// A page of posts, read.
#[derive(Debug)]
pub struct Posts {
    /// The posts, in the platform's order; those that visitors wrote too.
    pub posts: Vec<Post>,
    /// Those of them that visitors wrote, as utterances to judge.
    pub by_visitors: Vec<Seen>,
    /// Elements that could not be read.
    pub faults: Vec<ElementFault>,
    /// Where the list goes on.
    pub next: Next,
}

/// A page of comments, read.
#[derive(Debug)]
pub struct Comments {
    /// The comments, those beside them in the same element (replies) too.
    pub comments: Vec<Seen>,
    /// Elements that could not be read.
    pub faults: Vec<ElementFault>,
    /// How many of the faults are comments without an id: a right is missing.
    pub nameless: u32,
    /// Comments that have answers of which the page shows some.
    pub threads: Vec<Thread>,
    /// How many comments the platform counts under the post, if the page says it.
    pub total: Option<u64>,
    /// Where the list goes on.
    pub next: Next,
}

/// A comment with answers.
#[derive(Debug, PartialEq, Eq)]
pub struct Thread {
    /// The comment's id.
    pub id: String,
    /// How many of the answers the page shows.
    pub shown: u64,
    /// True where the page says itself that it does not show all of the answers.
    pub goes_on: bool,
}

/// Whether a list goes on.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// That was all.
    End,
    /// With these parameters in the next request.
    At(Vec<(String, String)>),
    /// There is more, but the answer does not say where, or where we have just been.
    Stuck,
}

/// An edge's answer.
#[derive(Deserialize)]
pub(in crate::connector) struct Edge<'a> {
    /// The array.
    #[serde(borrow)]
    pub(in crate::connector) data: &'a RawValue,
    /// Cursors and addresses; absent on Instagram's last page.
    #[serde(default)]
    pub(in crate::connector) paging: Option<Value>,
    /// Counts, where they were asked for.
    #[serde(default)]
    pub(in crate::connector) summary: Option<Value>,
}

impl<'a> Edge<'a> {
    /// The edge that `body` holds.
    pub(in crate::connector) fn read(body: &'a [u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(body)
    }

    /// Its elements, each with its exact bytes: a broken one costs itself, never the page.
    pub(in crate::connector) fn elements(&self) -> serde_json::Result<Vec<&'a RawValue>> {
        serde_json::from_str(self.data.get())
    }

    /// Where it goes on.
    pub(in crate::connector) fn next(&self) -> Next {
        next(self.paging.as_ref(), &[])
    }
}

/// An id: text in all recorded answers, a number in old ones.
#[derive(Deserialize)]
#[serde(untagged)]
pub(in crate::connector) enum Id {
    /// As recorded.
    Text(String),
    /// As in old answers.
    Number(u64),
}

impl Id {
    /// The id as text; `None` for an empty one.
    pub(in crate::connector) fn verbatim(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text).filter(|text| !text.is_empty()),
            Self::Number(number) => Some(number.to_string()),
        }
    }
}

/// One element as `T`; a fault that names the id where only the rest cannot be read.
pub(in crate::connector) fn read<T: DeserializeOwned>(raw: &RawValue) -> Result<T, ElementFault> {
    element(raw).map_err(|error| {
        // The id is told even where the rest cannot be read, so that a person can find the comment.
        #[derive(Deserialize)]
        struct OnlyId {
            id: Id,
        }
        let id = element::<OnlyId>(raw).ok().and_then(|only| only.id.verbatim());
        // serde's own words quote the value; the place is enough.
        fault(id.as_deref(), &format!("unreadable at column {} of the element", error.column()))
    })
}

/// A fault of one element.
pub(in crate::connector) fn fault(id: Option<&str>, reason: &str) -> ElementFault {
    ElementFault { native_id: id.map(str::to_owned), reason: reason.to_owned() }
}

/// A date of the Graph API: `2021-07-21T21:05:14+0000`, whose offset has no colon, or RFC 3339.
pub(in crate::connector) fn time(text: Option<&str>) -> Option<DateTime<Utc>> {
    let text = text?;
    DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%z")
        .or_else(|_| DateTime::parse_from_rfc3339(text))
        .ok()
        .map(|time| time.to_utc())
}

/// The text or number `key` of an object.
pub(in crate::connector) fn text_of(object: Option<&Value>, key: &str) -> Option<String> {
    match object?.get(key)? {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Where the list goes on after a request that was made with the parameters `sent`.
///
/// The last page still has a cursor on Facebook, and no `paging` at all on Instagram, so only `paging.next` tells that
/// there is more. Its address holds the token and is never followed; older edges page by time and have no cursor, so
/// its other parameters are taken instead.
pub(super) fn next(paging: Option<&Value>, sent: &[(String, String)]) -> Next {
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
    Next::At(on.into_iter().collect()).unless(sent)
}

impl Next {
    /// The same, unless it leads nowhere or back to where `sent` was.
    pub(super) fn unless(self, sent: &[(String, String)]) -> Self {
        match self {
            Self::At(on)
                if on.is_empty() || on == sent || on.iter().any(|(_, value)| value.len() > 4_000) =>
            {
                Self::Stuck
            }
            other => other,
        }
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
        assert_eq!(next(None, &[]), Next::End, "Instagram's last page");
    }

    #[test]
    fn a_cursor_that_leads_back_to_itself_is_not_followed() {
        let paging = json!({ "cursors": { "after": "a" }, "next": "https://g/x?after=a" });
        assert_eq!(next(Some(&paging), &[("after".to_owned(), "a".to_owned())]), Next::Stuck);
    }

    #[test]
    fn a_date_is_read_with_and_without_a_colon_in_its_offset() {
        let table = [
            ("2021-07-21T21:05:14+0000", Some("2021-07-21T21:05:14+00:00")),
            ("2021-07-21T21:05:14+00:00", Some("2021-07-21T21:05:14+00:00")),
            ("2021-07-21T23:05:14+0200", Some("2021-07-21T21:05:14+00:00")),
            ("2021-07-21T21:05:14Z", Some("2021-07-21T21:05:14+00:00")),
            ("2021-07-21T21:05:14", None),
            ("2021-07-21", None),
            ("1626901514", None),
            ("2021-02-30T21:05:14+0000", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(time(Some(text)).map(|time| time.to_rfc3339()).as_deref(), expected, "{text}");
        }
    }
}
