//! One thread, walked to the end: also below hidden replies, below branches that the answer cuts off, and past
//! elements that cannot be read.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::http::{self, Answer};
use super::super::{ConnectorError, ElementFault};
use super::{Bluesky, error_of, succeeded, view};
use crate::domain::comment::{Seen, Visibility};

/// How deep one answer may go. The lexicon allows 1000; each level is read once more for every level above it, so
/// deeper threads are cheaper in several answers.
const DEPTH: &str = "200";

/// The most answers asked for one thread in one sweep.
const ANSWERS: usize = 200;

/// The most branches asked for again because they show fewer replies than are counted: nearly always the rest is
/// not for our eyes (blocks), and the second answer shows no more.
const SHORT: usize = 20;

/// The longest answer for one thread.
const LIMIT: usize = 64 * 1024 * 1024;

/// What one node of a thread is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A post.
    Post,
    /// Deleted, or taken down by the network's moderators.
    NotFound,
    /// By somebody who blocks us, or whom we block.
    Blocked,
}

#[derive(Deserialize)]
struct Thread<'a> {
    #[serde(borrow)]
    thread: &'a RawValue,
    #[serde(default)]
    threadgate: Value,
}

#[derive(Deserialize)]
struct Node<'a> {
    #[serde(rename = "$type", default)]
    kind: Value,
    #[serde(borrow)]
    post: Option<&'a RawValue>,
    #[serde(borrow)]
    replies: Option<Vec<&'a RawValue>>,
    #[serde(default)]
    blocked: Value,
}

impl Node<'_> {
    fn is(&self) -> Kind {
        match self.kind.as_str() {
            _ if self.post.is_some() => Kind::Post,
            Some("app.bsky.feed.defs#blockedPost") => Kind::Blocked,
            _ if self.blocked == Value::Bool(true) => Kind::Blocked,
            _ => Kind::NotFound,
        }
    }
}

/// What the first node of an answer of `getPostThread` is.
pub(super) fn kind(answer: &Answer) -> Result<Kind, ConnectorError> {
    let thread: Thread<'_> = answer.json()?;
    let node: Node<'_> =
        serde_json::from_str(thread.thread.get()).map_err(|error| http::malformed(answer.place(), &error))?;
    Ok(node.is())
}

/// What a thread held.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) comments: Vec<Seen>,
    pub(super) faults: Vec<ElementFault>,
    /// Nodes of people who block us or whom we block, and replies that are counted but not shown.
    pub(super) unseen: u64,
    /// Branches that were not followed to their end.
    pub(super) cut: usize,
    /// The platform's clock.
    pub(super) date: Option<DateTime<Utc>>,
    seen: HashSet<String>,
    hidden: HashSet<String>,
    gate_read: bool,
}

/// A branch of which an answer showed less than its post counts.
struct Branch {
    uri: String,
    missing: u64,
    /// The answer ends here because of its depth, and not only shows fewer replies than are counted.
    ends: bool,
}

impl Bluesky {
    /// Every reply under the root post `uri` that the AppView shows us. A root that is gone has none.
    pub(super) async fn thread(&self, root: &str) -> Result<Found, ConnectorError> {
        let mut found = Found::default();
        let mut branches = vec![Branch { uri: root.to_owned(), missing: 0, ends: true }];
        let mut asked = HashSet::new();
        let mut short = 0;
        while let Some(branch) = branches.pop() {
            short += usize::from(!branch.ends);
            if asked.contains(&branch.uri) || (!branch.ends && short > SHORT) {
                // Asked for on its own it still shows less than it counts: the rest is not for our eyes.
                found.unseen += branch.missing;
                continue;
            }
            if asked.len() >= ANSWERS {
                found.cut += 1;
                continue;
            }
            asked.insert(branch.uri.clone());
            let (answer, _) = self
                .read(|session| {
                    session
                        .get("app.bsky.feed.getPostThread")
                        .query("uri", &branch.uri)
                        .query("depth", DEPTH)
                        .query("parentHeight", "0")
                        .up_to(LIMIT)
                })
                .await?;
            if answer.status == 400 && error_of(&answer).as_deref() == Some("NotFound") {
                continue;
            }
            let answer = succeeded(answer)?;
            found.date = answer.date;
            walk((&self.did, root), (answer.place(), &answer.body), &mut found, &mut branches)?;
        }
        Ok(found)
    }
}

/// Takes every node of one answer. Iterative, and each level of it is parsed alone: no depth can overflow
/// anything, and what cannot be read costs itself.
fn walk(
    (did, root): (&str, &str),
    (place, body): (&str, &[u8]),
    found: &mut Found,
    branches: &mut Vec<Branch>,
) -> Result<(), ConnectorError> {
    let thread: Thread<'_> = serde_json::from_slice(body).map_err(|error| http::malformed(place, &error))?;
    if !found.gate_read {
        found.gate_read = true;
        let hidden = thread.threadgate.pointer("/record/hiddenReplies").and_then(Value::as_array);
        found.hidden =
            hidden.into_iter().flatten().filter_map(|uri| Some(uri.as_str()?.to_owned())).collect();
    }
    let mut nodes = vec![thread.thread];
    while let Some(raw) = nodes.pop() {
        let node: Node<'_> = match serde_json::from_str(raw.get()) {
            Ok(node) => node,
            Err(error) => {
                found.faults.push(fault(None, &error));
                continue;
            }
        };
        let Some(post) = node.post else {
            found.unseen += u64::from(node.is() == Kind::Blocked);
            continue;
        };
        match view::comment(did, post, Some(root)) {
            Ok(viewed) => {
                let shown = node.replies.as_ref().map_or(0, Vec::len) as u64;
                if viewed.reply_count > shown {
                    let missing = viewed.reply_count - shown;
                    let ends = node.replies.is_none();
                    branches.push(Branch { uri: viewed.seen.native_id.clone(), missing, ends });
                }
                let mut seen = viewed.seen;
                if seen.native_id != root && found.seen.insert(seen.native_id.clone()) {
                    let is_hidden = found.hidden.contains(&seen.native_id);
                    seen.visibility = if is_hidden { Visibility::Hidden } else { Visibility::Public };
                    found.comments.push(seen);
                }
            }
            Err(error) => found.faults.push(fault(view::uri(post), &error)),
        }
        nodes.extend(node.replies.into_iter().flatten());
    }
    Ok(())
}

/// Reads `body` as everything that tells of a thread.
pub(super) fn everything(did: &str, body: &[u8]) {
    let root = "at://did:plc:kommunen/app.bsky.feed.post/3lbvgqk2w2c2x";
    let _ = walk((did, root), ("fuzz", body), &mut Found::default(), &mut Vec::new());
    if let Ok(thread) = serde_json::from_slice::<Thread<'_>>(body) {
        let _ = serde_json::from_str::<Node<'_>>(thread.thread.get()).map(|node| node.is());
    }
}

/// A fault with the place of it and nothing of the content.
pub(super) fn fault(native_id: Option<String>, error: &serde_json::Error) -> ElementFault {
    let reason = match error.classify() {
        serde_json::error::Category::Data => "a part has another shape than expected",
        _ => "broken JSON",
    };
    ElementFault { native_id, reason: format!("{reason} (column {})", error.column()) }
}
