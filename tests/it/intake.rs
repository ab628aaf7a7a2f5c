//! What a person found by hand, or a visitor told of: the same trail, and no request to any platform.

use std::fs;

use serde_json::Value;
use uppsikt::durable;

use crate::support::binary::{Set, Town, told};

/// The smallest picture that is one.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n-och resten";

fn town() -> Town {
    let town = Town::with(Set { mode: "watch", automatic: false, ..Set::default() }, &[]);
    let text = fs::read_to_string(town.path("uppsikt.toml")).unwrap();
    let denied =
        "[denied]\ntiktok = { by = \"kommundirektören\", on = 2023-04-20, dnr = \"KS 2023/77\" }\n[[board]]";
    durable::write(&town.path("uppsikt.toml"), text.replacen("[[board]]", denied, 1).as_bytes(), 0o600)
        .unwrap();
    durable::write(&town.path("bild.png"), PNG, 0o600).unwrap();
    town
}

#[test]
fn a_tip_is_a_case_that_is_judged_preserved_registered_and_exported_and_nothing_is_sent() {
    let mut town = town();
    let picture = town.path("bild.png").display().to_string();
    let output = town.run(&[
        "intake",
        "--platform",
        "Snapchat",
        "--account",
        "fb",
        "--tip",
        "--text",
        "Din idiot!",
        "--author",
        "kalle",
        "--link",
        "https://exempel.se/snap/1",
        "--screenshot",
        &picture,
        "--json",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    let case = line["case"].as_str().unwrap().to_owned();
    assert_eq!(town.one("select kind from duty where case_id is not null"), "prompt_review");
    let output = town.pass();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert_eq!(town.one("select state || look_kind from record"), "preservedelement");
    // Also in watch mode: the act is a person's.
    assert_eq!(town.decide(&case, "chef", "remove"), 0);
    town.pass();
    assert_eq!(town.one("select state from case_file"), "removed");
    assert_eq!(town.one("select count(*) from diary"), "1");
    assert_eq!(town.one("select count(*) from intent"), "0");
    assert_eq!(
        town.rows("select t from entry where record is not null order by idx"),
        ["snapshot", "registered", "decision"]
    );
    assert!(town.sandbox.writes().is_empty());
    let out = town.path("bag").display().to_string();
    let output = town.run(&["export", &case, "--out", &out]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let element: Value =
        serde_json::from_slice(&fs::read(town.path("bag/data/api/001-comment.response.json")).unwrap())
            .unwrap();
    assert_eq!((&element["platform"], &element["tip"]), (&"snapchat".into(), &true.into()));
    let shot = &element["screenshots"][0];
    assert_eq!(shot["sha256"], "47c2ca3832c95387818dd1067d422f0c86e188d32f19b525dbb1318787d179a2");
    let verified = town.run(&["verify", &out]);
    assert_eq!(verified.status.code(), Some(0), "{}", told(&verified));
}

#[test]
fn a_forbidden_service_is_taken_in_only_as_a_visitors_tip() {
    let mut town = town();
    let base = ["intake", "--platform", "tiktok", "--account", "fb", "--text", "Hej"];
    let output = town.run(&[&base[..], &["--found-by", "anna"]].concat());
    assert_eq!(output.status.code(), Some(2));
    for quoted in ["kommundirektören", "2023-04-20", "KS 2023/77"] {
        assert!(told(&output).contains(quoted), "{quoted}: {}", told(&output));
    }
    assert_eq!(town.one("select count(*) from comment"), "0");
    let output = town.run(&[&base[..], &["--tip"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    // Also what no rule flags is preserved: a person thought it worth telling.
    let output = town.pass();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert_eq!(
        town.rows(
            "select a.proposal || ' ' || r.state from assessment a join record r on r.version = a.version"
        ),
        ["keep preserved"]
    );
}

#[test]
fn what_is_wrong_is_told_and_nothing_is_written() {
    let town = town();
    durable::write(&town.path("fil.exe"), b"MZ", 0o600).unwrap();
    let exe = town.path("fil.exe").display().to_string();
    for (more, expected) in [
        (vec!["--account", "nej", "--tip", "--text", "x"], "no account `nej`"),
        (vec!["--board", "nej", "--tip", "--text", "x"], "no board `nej`"),
        (vec!["--account", "fb", "--found-by", "ledig", "--text", "x"], "nobody in service"),
        (vec!["--account", "fb", "--tip", "--text", " "], "neither a text nor a screenshot"),
        (vec!["--account", "fb", "--tip"], "neither a text nor a screenshot"),
        (vec!["--account", "fb", "--tip", "--text", "x", "--link", "javascript:x"], "no web address"),
        (vec!["--account", "fb", "--tip", "--text", "x", "--screenshot", &exe], "neither PNG"),
        (vec!["--account", "fb", "--tip", "--text", "x", "--at", "2099-01-01T00:00:00Z"], "in the future"),
        (vec!["--account", "fb", "--text", "x"], "--found-by"),
    ] {
        let output = town.run(&[&["intake", "--platform", "reddit"], &more[..]].concat());
        assert_eq!(output.status.code(), Some(2), "{more:?}: {}", told(&output));
        assert!(told(&output).contains(expected), "{expected}: {}", told(&output));
    }
    assert_eq!(town.one("select count(*) from comment"), "0");
}
