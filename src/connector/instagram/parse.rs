//! What Instagram's answers hold, as pure functions of their bytes: what the connector calls, and what a fuzzer may.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::element;
use crate::connector::ElementFault;
use crate::connector::graph::{Comments, Edge, Posts};
use crate::domain::comment::Seen;

pub use super::element::Own;
pub use crate::connector::graph::{
    Envelope, KeyFacts, account_usage, app_usage, created, is_done, key_facts,
};

/// Reads a page of the account's posts.
///
/// # Errors
/// Where the body is no edge; a broken element is a fault of the page.
pub fn posts(body: &[u8]) -> Result<Posts, serde_json::Error> {
    let edge = Edge::read(body)?;
    let mut posts =
        Posts { posts: Vec::new(), by_visitors: Vec::new(), faults: Vec::new(), next: edge.next() };
    for raw in edge.elements()? {
        match element::post(raw) {
            Ok(post) => posts.posts.push(post),
            Err(fault) => posts.faults.push(fault),
        }
    }
    Ok(posts)
}

/// Reads a page of the comments under `post_id`, or of the answers to its comment `parent`.
///
/// # Errors
/// As [`posts`].
pub fn comments(
    body: &[u8],
    post_id: &str,
    parent: Option<&str>,
    own: Own<'_>,
) -> Result<Comments, serde_json::Error> {
    let edge = Edge::read(body)?;
    let mut comments = Comments {
        comments: Vec::new(),
        faults: Vec::new(),
        nameless: 0,
        threads: Vec::new(),
        total: None,
        next: edge.next(),
    };
    for raw in edge.elements()? {
        let found = match parent {
            None => element::with_answers(raw, post_id, own),
            Some(_) => element::WithAnswers {
                comments: vec![element::comment(raw, post_id, parent, own)],
                thread: None,
            },
        };
        for comment in found.comments {
            match comment {
                Ok(seen) => comments.comments.push(seen),
                Err(fault) => {
                    comments.nameless += u32::from(fault.reason == element::WITHOUT_ID);
                    comments.faults.push(fault);
                }
            }
        }
        comments.threads.extend(found.thread);
    }
    Ok(comments)
}

/// Reads the answer about one comment under `post_id`.
///
/// # Errors
/// Why it is no comment.
pub fn comment(body: &[u8], post_id: &str, own: Own<'_>) -> Result<Seen, ElementFault> {
    let raw: &RawValue = serde_json::from_slice(body).map_err(|error| ElementFault {
        native_id: None,
        reason: format!("no JSON at line {}, column {}", error.line(), error.column()),
    })?;
    element::comment(raw, post_id, None, own)
}

/// A key as Instagram grants or renews it. Shown without the key.
pub struct Granted {
    /// The key.
    pub access: secrecy::SecretString,
    /// When it ends (UTC), where the answer says it.
    pub expires_at: Option<DateTime<Utc>>,
    /// The account it is for, where the answer says it.
    pub user_id: Option<String>,
    /// Its rights, where the answer says them.
    pub rights: Vec<String>,
}

impl std::fmt::Debug for Granted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Granted")
            .field("expires_at", &self.expires_at)
            .field("user_id", &self.user_id)
            .field("rights", &self.rights)
            .finish_non_exhaustive()
    }
}

/// Reads the answer of `access_token` or `refresh_access_token`, received at `now`.
///
/// # Errors
/// Where there is no key in it.
pub fn granted(body: &[u8], now: DateTime<Utc>) -> Result<Granted, serde_json::Error> {
    #[derive(Deserialize)]
    struct Body {
        access_token: String,
        expires_in: Option<i64>,
        user_id: Option<serde_json::Value>,
        #[serde(default)]
        permissions: serde_json::Value,
    }
    let body: Body = serde_json::from_slice(body)?;
    if body.access_token.is_empty() {
        return Err(serde::de::Error::custom("an empty key"));
    }
    let rights = match &body.permissions {
        // Recorded as a list, and written with commas in Meta's pages.
        serde_json::Value::Array(list) => {
            list.iter().filter_map(|right| right.as_str().map(str::to_owned)).collect()
        }
        serde_json::Value::String(text) => {
            text.split(',').map(|right| right.trim().to_owned()).filter(|right| !right.is_empty()).collect()
        }
        _ => Vec::new(),
    };
    Ok(Granted {
        access: body.access_token.into(),
        expires_at: body
            .expires_in
            .filter(|seconds| *seconds > 0)
            .and_then(TimeDelta::try_seconds)
            .and_then(|length| now.checked_add_signed(length)),
        user_id: body.user_id.and_then(|id| match id {
            serde_json::Value::String(text) => Some(text),
            serde_json::Value::Number(number) => Some(number.to_string()),
            _ => None,
        }),
        rights,
    })
}
