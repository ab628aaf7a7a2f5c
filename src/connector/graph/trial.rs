//! What the tests of Facebook and Instagram share.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Comments, Envelope, Next, Posts};
use crate::archive::Preserved;
use crate::connector::{Connector, ConnectorError, Cursor, ElementFault, Page, Target};
use crate::domain::comment::{CommentId, Seen};
use crate::store::{Act, Intent};

pub(in crate::connector) fn target(native_id: &str, post_id: &str) -> Target {
    Target {
        native_id: native_id.to_owned(),
        post_id: post_id.to_owned(),
        parent_id: None,
        hidden_by_us: false,
    }
}

pub(in crate::connector) fn permit(act: Act, target: Target) -> (Intent, Preserved) {
    let comment = CommentId { account: "a".to_owned(), native: target.native_id.clone() };
    (Intent::for_tests(act, comment.clone(), target), Preserved::for_tests(comment, "text"))
}

/// A whole sweep as one page, with the number of requests that it took.
pub(in crate::connector) async fn sweep(
    connector: &dyn Connector,
    from: Option<Cursor>,
) -> Result<(Page, u32), ConnectorError> {
    let mut whole = Page { cursor: from, ..Page::default() };
    for requests in 1..5_000 {
        let page = connector.page(whole.cursor.as_ref()).await?;
        whole.comments.extend(page.comments);
        // A post comes a second time with the count that stands beside its comments.
        for post in page.posts {
            match whole.posts.iter_mut().find(|known| known.native_id == post.native_id) {
                Some(known) => *known = post,
                None => whole.posts.push(post),
            }
        }
        whole.faults.extend(page.faults);
        whole.listed.extend(page.listed);
        whole.blind.extend(page.blind);
        whole.date = page.date;
        whole.cursor = page.cursor;
        if !page.more {
            return Ok((whole, requests));
        }
    }
    panic!("the sweep does not end");
}

/// The name of an error, which is what the caller goes by.
pub(in crate::connector) fn kind(error: &ConnectorError) -> &'static str {
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

/// The recorded answers of a platform, by name.
pub(in crate::connector) fn recorded(platform: &str) -> Vec<(String, Vec<u8>)> {
    let folder: PathBuf =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/connector").join(platform);
    let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

/// A comment in one line.
pub(in crate::connector) fn line(seen: &Seen) -> String {
    format!(
        "{} {:?} under {} parent {:?} by {:?}/{:?}{} at {} {:?} {:?} {:?} beside {:?} media {:?}",
        seen.kind.code(),
        seen.native_id,
        seen.post_id,
        seen.parent_id,
        seen.author.id,
        seen.author.name,
        if seen.ours { " (ours)" } else { "" },
        seen.created_at.to_rfc3339(),
        seen.visibility,
        seen.text,
        seen.permalink,
        seen.attachments,
        seen.media.iter().map(|media| media.url.as_str()).collect::<Vec<_>>(),
    )
}

pub(in crate::connector) fn one(out: &mut String, name: &str, seen: Result<Seen, ElementFault>) {
    match seen {
        Ok(seen) => writeln!(out, "  {name}: {}", line(&seen)).unwrap(),
        Err(fault) => writeln!(out, "  no {name}: {:?} {}", fault.native_id, fault.reason).unwrap(),
    }
}

pub(in crate::connector) fn posts(out: &mut String, posts: serde_json::Result<Posts>) {
    let Ok(posts) = posts else { return writeln!(out, "  no posts").unwrap() };
    writeln!(out, "  posts, {}", next(&posts.next)).unwrap();
    for post in posts.posts {
        let at = post.created_at.to_rfc3339();
        writeln!(
            out,
            "    {} at {at} {:?} {:?} {:?}",
            post.native_id, post.comments, post.text, post.permalink
        )
        .unwrap();
    }
    told(out, posts.by_visitors, posts.faults);
}

pub(in crate::connector) fn comments(out: &mut String, comments: serde_json::Result<Comments>) {
    let Ok(comments) = comments else { return writeln!(out, "  no comments").unwrap() };
    let (total, threads) = (comments.total, &comments.threads);
    writeln!(out, "  comments, total {total:?}, threads {threads:?}, {}", next(&comments.next)).unwrap();
    told(out, comments.comments, comments.faults);
}

fn told(out: &mut String, seen: Vec<Seen>, faults: Vec<ElementFault>) {
    for seen in seen {
        writeln!(out, "    {}", line(&seen)).unwrap();
    }
    for fault in faults {
        writeln!(out, "    fault {:?}: {}", fault.native_id, fault.reason).unwrap();
    }
}

fn next(next: &Next) -> String {
    format!("{next:?}")
}

pub(in crate::connector) fn envelope(out: &mut String, body: &[u8]) {
    if let Some(envelope) = Envelope::read(body) {
        writeln!(out, "  {envelope:?}").unwrap();
    }
}

/// Any JSON, up to `depth` levels; its objects have keys that match `keys`, a regular expression.
pub(in crate::connector) fn any_json(
    keys: &'static str,
    depth: u32,
    size: u32,
) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!("2026-11-20T08:00:00+0000")),
    ];
    leaf.prop_recursive(depth, size, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(keys, inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}
