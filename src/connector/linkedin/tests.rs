//! The connector against samples made by hand, and against a server that says what a test tells it to.

mod scripted;

use std::fmt::Write as _;

use super::wire;
use crate::connector::testing::{fault_line, hostile, line, post_line, recorded};

const ORGANIZATION: &str = "urn:li:organization:5515715";
const POST: &str = "urn:li:share:6001";

/// Everything that an answer is read as.
fn became(name: &str, body: &[u8]) -> String {
    let mut out = String::new();
    let status = name.strip_prefix("error_").map_or(200, |rest| rest[..3].parse().unwrap());
    if let Some((trouble, word)) = wire::trouble(status, body) {
        writeln!(out, "with HTTP {status}: {trouble:?} ({word})").unwrap();
    }
    if name == "comment" {
        let raw: Box<serde_json::value::RawValue> = serde_json::from_slice(body).unwrap();
        let comment = wire::comment(&raw, POST, ORGANIZATION).unwrap();
        writeln!(out, "{} {{{} answers}}", line(&comment.seen), comment.answers).unwrap();
    } else if name == "posts" {
        let read = wire::posts("x", body, (0, 10)).unwrap();
        writeln!(out, "posts, next {:?}", read.next).unwrap();
        read.elements.iter().for_each(|post| writeln!(out, "{}", post_line(post)).unwrap());
        read.faults.iter().for_each(|fault| writeln!(out, "{}", fault_line(fault)).unwrap());
    } else if name == "organization_acls" {
        writeln!(out, "roles {:?}", wire::roles("x", body, ORGANIZATION).unwrap()).unwrap();
    } else {
        match wire::comments("x", body, (0, 10), POST, ORGANIZATION) {
            Ok(read) => {
                writeln!(out, "comments, next {:?}", read.next).unwrap();
                for comment in &read.elements {
                    writeln!(out, "{} {{{} answers}}", line(&comment.seen), comment.answers).unwrap();
                }
                read.faults.iter().for_each(|fault| writeln!(out, "{}", fault_line(fault)).unwrap());
            }
            Err(error) => writeln!(out, "as comments: {error}").unwrap(),
        }
    }
    out
}

#[test]
fn every_sample_becomes_what_its_snapshot_says() {
    let files = recorded("linkedin");
    assert_eq!(files.len(), 12);
    for (name, body) in files {
        insta::assert_snapshot!(name.clone(), became(&name, &body));
    }
}

#[test]
fn no_answer_bent_or_cut_off_makes_a_parser_panic() {
    for (_, body) in recorded("linkedin") {
        for body in hostile(&body) {
            wire::everything(&body);
        }
    }
}

#[test]
fn a_list_ends_without_a_link_or_with_fewer_than_asked_for_and_the_total_is_not_trusted() {
    let element = r#"{"commentUrn":"urn:li:comment:(urn:li:activity:1,2)","created":{"time":1},"message":{"text":"a"}}"#;
    let linked = r#""links":[{"rel":"next","href":"x"}]"#;
    for (elements, paging, next) in [
        (2, r#""start":0,"count":2,"total":2"#.to_owned(), Some(2)),
        (1, r#""start":0,"count":2,"total":900"#.to_owned(), None),
        (2, r#""start":0,"count":2,"links":[],"total":900"#.to_owned(), None),
        (2, r#""links":[{"rel":"prev"}]"#.to_owned(), None),
        (2, format!("{linked},\"total\":2"), Some(2)),
        // Some of a page may have been filtered away: the link says that it goes on.
        (1, format!("{linked},\"count\":2"), Some(2)),
        (0, linked.to_owned(), None),
        (1, r#""count":1"#.to_owned(), Some(1)),
        (1, r#""count":0"#.to_owned(), None),
    ] {
        let body = format!(r#"{{"elements":[{}],"paging":{{{paging}}}}}"#, vec![element; elements].join(","));
        let read = wire::comments("x", body.as_bytes(), (0, 2), POST, ORGANIZATION).unwrap();
        assert_eq!(read.next, next, "{elements} {paging}");
    }
    let bare = format!(r#"{{"elements":[{element},{element}]}}"#);
    assert_eq!(wire::comments("x", bare.as_bytes(), (0, 2), POST, ORGANIZATION).unwrap().next, Some(2));
}

#[test]
fn the_short_and_the_long_name_of_a_comment_are_one() {
    for (urn, expected) in [
        ("urn:li:comment:(activity:1,2)", "urn:li:comment:(urn:li:activity:1,2)"),
        ("urn:li:comment:(urn:li:activity:1,2)", "urn:li:comment:(urn:li:activity:1,2)"),
        ("urn:li:share:1", "urn:li:share:1"),
    ] {
        assert_eq!(wire::long_urn(urn), expected);
    }
    assert_eq!(wire::parts("urn:li:comment:(urn:li:activity:1,2)"), Some(("urn:li:activity:1", "2")));
    for bad in ["urn:li:share:1", "urn:li:comment:(1)", "urn:li:comment:(,)", "2", ""] {
        assert_eq!(wire::parts(bad), None);
    }
}
