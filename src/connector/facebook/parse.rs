//! What Facebook's answers hold, as pure functions of their bytes: what the connector calls, and what a fuzzer may.

use serde_json::value::RawValue;

use super::element::{self, WITHOUT_ID};
use crate::connector::ElementFault;
use crate::connector::graph::{Comments, Edge, Permits, Posts};
use crate::domain::comment::Seen;

pub use crate::connector::graph::{
    Envelope, KeyFacts, account_usage, app_usage, created, is_done, key_facts,
};

/// Reads a page of the Page's posts.
///
/// # Errors
/// Where the body is no edge; a broken element is a fault of the page.
pub fn posts(body: &[u8], page_id: &str) -> Result<Posts, serde_json::Error> {
    let edge = Edge::read(body)?;
    let mut posts =
        Posts { posts: Vec::new(), by_visitors: Vec::new(), faults: Vec::new(), next: edge.next() };
    for raw in edge.elements()? {
        match element::post(raw, page_id) {
            Ok((post, by_visitor)) => {
                posts.posts.push(post);
                posts.by_visitors.extend(by_visitor);
            }
            Err(fault) => posts.faults.push(fault),
        }
    }
    Ok(posts)
}

/// Reads a page of the comments under `post_id`.
///
/// # Errors
/// As [`posts`].
pub fn comments(body: &[u8], post_id: &str, page_id: &str) -> Result<Comments, serde_json::Error> {
    let edge = Edge::read(body)?;
    let mut comments = Comments {
        comments: Vec::new(),
        faults: Vec::new(),
        nameless: 0,
        threads: Vec::new(),
        total: edge.summary.as_ref().and_then(|summary| summary.get("total_count")?.as_u64()),
        next: edge.next(),
    };
    for raw in edge.elements()? {
        match element::comment(raw, post_id, page_id) {
            Ok(seen) => comments.comments.push(seen),
            Err(fault) => {
                comments.nameless += u32::from(fault.reason == WITHOUT_ID);
                comments.faults.push(fault);
            }
        }
    }
    Ok(comments)
}

/// Reads the answer about one comment under `post_id`.
///
/// # Errors
/// Why it is no comment.
pub fn comment(body: &[u8], post_id: &str, page_id: &str) -> Result<Seen, ElementFault> {
    element::comment(whole(body)?, post_id, page_id)
}

/// Reads the answer about one post that a visitor wrote.
///
/// # Errors
/// Why it is none.
pub fn visitor_post(body: &[u8], page_id: &str) -> Result<Seen, ElementFault> {
    let (post, seen) = element::post(whole(body)?, page_id)?;
    seen.ok_or_else(|| ElementFault {
        native_id: Some(post.native_id),
        reason: "the post is the Page's own, or its writer is not told".to_owned(),
    })
}

/// What the answer says that the Page may do with the comment.
pub(super) fn permits(body: &[u8]) -> Permits {
    whole(body).map_or(Permits { hide: true, remove: true }, element::permits)
}

fn whole(body: &[u8]) -> Result<&RawValue, ElementFault> {
    serde_json::from_slice(body).map_err(|error| ElementFault {
        native_id: None,
        reason: format!("no JSON at line {}, column {}", error.line(), error.column()),
    })
}
