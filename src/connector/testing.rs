//! What the tests of several connectors share.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::budget::{Change, Ledger, State};
use super::{Connector, ConnectorError, Cursor, ElementFault, Page, Post, Target};
use crate::archive::Preserved;
use crate::domain::comment::{CommentId, Seen};
use crate::store::{Act, Intent};

#[path = "../../tests/it/support/bluesky.rs"]
pub(super) mod network;

/// The moment at which these tests stand still.
pub(super) const NOW: &str = "2026-11-23T12:00:00Z";

/// A ledger in memory, for several budgets of one process.
#[derive(Debug, Default)]
pub(super) struct Shelf(Mutex<BTreeMap<String, State>>);

impl Ledger for Shelf {
    fn exchange(&self, id: &str, change: Change) -> Result<State, String> {
        let mut kept = self.0.lock().unwrap();
        let mut state = kept.get(id).cloned().unwrap_or_default();
        if change(&mut state) {
            kept.insert(id.to_owned(), state.clone());
        }
        Ok(state)
    }
}

/// Where the recorded answers of a platform lie.
pub(super) fn fixtures(platform: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/connector").join(platform)
}

/// Every recorded answer of a platform, by name.
pub(super) fn recorded(platform: &str) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(fixtures(platform))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

pub(super) fn target(native_id: &str, post_id: &str) -> Target {
    Target {
        native_id: native_id.to_owned(),
        post_id: post_id.to_owned(),
        parent_id: None,
        hidden_by_us: false,
    }
}

pub(super) fn permit(act: Act, target: Target) -> (Intent, Preserved) {
    let comment = CommentId { account: "konto".to_owned(), native: target.native_id.clone() };
    (Intent::for_tests(act, comment.clone(), target), Preserved::for_tests(comment, "text"))
}

/// Hides, restores or removes `target`.
pub(super) async fn act(connector: &dyn Connector, act: Act, target: Target) -> Result<(), ConnectorError> {
    let (intent, proof) = permit(act, target);
    match act {
        Act::Hide => connector.hide(&intent, &proof).await,
        Act::Restore => connector.restore(&intent, &proof).await,
        Act::Remove => connector.remove(&intent, &proof).await,
        Act::Reply => connector.reply(&intent, &proof, "Tack!").await.map(drop),
    }
}

/// A whole sweep as one page, with the number of requests that it took.
pub(super) async fn sweep(
    connector: &dyn Connector,
    from: Option<Cursor>,
) -> Result<(Page, u32), ConnectorError> {
    let mut whole = Page { cursor: from, ..Page::default() };
    for requests in 1..5_000 {
        let page = connector.page(whole.cursor.as_ref()).await?;
        whole.comments.extend(page.comments);
        whole.posts.extend(page.posts);
        whole.faults.extend(page.faults);
        whole.listed.extend(page.listed);
        whole.blind.extend(page.blind);
        whole.date = page.date;
        whole.cursor = page.cursor;
        if !page.more {
            whole.listed.sort();
            return Ok((whole, requests));
        }
    }
    panic!("the sweep does not end");
}

/// The name of an error, which is what the caller goes by.
pub(super) fn kind(error: &ConnectorError) -> &'static str {
    match error {
        ConnectorError::RateLimited(_) => "RateLimited",
        ConnectorError::Unauthorized(_) => "Unauthorized",
        ConnectorError::OutcomeUnknown(_) => "OutcomeUnknown",
        ConnectorError::Changed(_) => "Changed",
        ConnectorError::Refused(_) => "Refused",
        ConnectorError::Unavailable(_) => "Unavailable",
        ConnectorError::Malformed(_) => "Malformed",
    }
}

/// The ids of comments, in order.
pub(super) fn ids(comments: &[Seen]) -> Vec<&str> {
    comments.iter().map(|seen| seen.native_id.as_str()).collect()
}

/// A comment as a line of a snapshot.
pub(super) fn line(seen: &Seen) -> String {
    let mut line = format!(
        "comment {} under {}{} at {} by {}{}: {:?}",
        seen.native_id,
        seen.post_id,
        seen.parent_id.as_ref().map(|parent| format!(" answering {parent}")).unwrap_or_default(),
        seen.created_at.to_rfc3339(),
        seen.author.id.as_deref().unwrap_or("nobody told"),
        seen.author.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default(),
        seen.text,
    );
    write!(line, " [{:?}, {:?}{}", seen.kind, seen.visibility, if seen.ours { ", ours" } else { "" })
        .unwrap();
    for attachment in &seen.attachments {
        write!(line, ", {}", attachment.code()).unwrap();
    }
    write!(line, ", {} bytes]", seen.element.len()).unwrap();
    line
}

pub(super) fn post_line(post: &Post) -> String {
    format!(
        "post {} at {} with {:?} comments: {:?}",
        post.native_id,
        post.created_at.to_rfc3339(),
        post.comments,
        post.text
    )
}

pub(super) fn fault_line(fault: &ElementFault) -> String {
    format!("fault {}: {}", fault.native_id.as_deref().unwrap_or("without id"), fault.reason)
}

/// Bytes that no platform should send, made of an answer that it does: cut off, bent, and nested.
pub(super) fn hostile(body: &[u8]) -> Vec<Vec<u8>> {
    let text = String::from_utf8_lossy(body).into_owned();
    let mut bodies: Vec<Vec<u8>> =
        (0..body.len()).step_by((body.len() / 60).max(1)).map(|end| body[..end].to_vec()).collect();
    for (from, to) in [
        ("\"", "'"),
        (":", ": [],"),
        ("\"id\":", "\"id\": null, \"x\":"),
        ("\"id\":", "\"id\": 7, \"x\":"),
        ("{", "[{"),
        ("\"items\"", "\"items\": null, \"kind\""),
        ("\"snippet\"", "\"snippet\": 7, \"y\""),
        ("\"data\"", "\"data\": \"\", \"y\""),
        ("\"elements\"", "\"elements\": {}, \"y\""),
        ("Z\"", "\""),
        ("a", "\\ud800"),
        ("a", "\u{0}"),
        ("0", "999999999999999999999999"),
        ("1", "-1"),
    ] {
        bodies.push(text.replace(from, to).into_bytes());
    }
    bodies.push([&b"["[..]].concat().repeat(20_000));
    bodies.push(vec![0xff; 10]);
    bodies
}
