//! What persons decide, what the brake holds, and what becomes of a comment that changes in between.

use crate::support::binary::{Set, Town, comment, told};
use crate::support::whole::{assert_archive, assert_log};

const LOOK: &str = "Det sitter bara idioter på det där kontoret";
const OBVIOUS: &str = "Din idiot!";
const FINE: &str = "Vilken fin sommar vi har haft i år.";

/// A town that hides nothing by itself, with these comments stored and judged.
fn by_hand(texts: &[&str]) -> Town {
    let comments: Vec<_> = (1..).zip(texts).map(|(id, text)| comment(1, id, text)).collect();
    let mut town = Town::with(Set { automatic: false, ..Set::default() }, &comments);
    town.settle();
    town
}

fn edit(town: &Town, native: &str, text: &str) {
    town.sandbox.control("edit", &serde_json::json!({ "id": native, "text": text }).to_string());
}

/// The kinds of entry of the record of a version of a comment.
fn chain(town: &Town, native: &str, version: u32) -> String {
    town.one(&format!(
        "select group_concat(t, ' ') from (select e.t from entry e join record r on r.id = e.record
         join version v on v.id = r.version join comment c on c.id = v.comment
         where c.native_id = '{native}' and v.n = {version} order by e.idx)"
    ))
}

#[test]
fn the_brake_stops_after_its_limit_and_holds_until_a_named_person_releases_it() {
    let comments: Vec<_> = (1..=7).map(|id| comment(1, id, OBVIOUS)).collect();
    let mut town = Town::new(&comments);
    town.settle();
    assert_eq!(town.sandbox.hidden().len(), 5);
    let left: Vec<_> = (1..=7).map(|id| format!("1_{id}")).filter(|id| town.case(id) != "hidden").collect();
    assert_eq!(left.len(), 2);
    for native in &left {
        assert_eq!(town.case(native), "open");
        // A person is told of each, and nobody stands in the public register for what was left standing.
        assert_eq!(town.duties(native), ["review"]);
    }
    assert_eq!(town.duties(""), ["braked"]);
    assert_eq!(town.one("select count(*) from diary"), "5");
    assert_eq!(town.one("select count(*) from entry where t = 'hide_intent'"), "5");

    // It latches: new ones are not hidden either, also after a release that is refused.
    town.sandbox.control("add", &comment(1, 8, OBVIOUS));
    for by in ["nobody", "ledig"] {
        let refused = town.run(&["brake", "--release", "all", "--by", by, "--reason", "Sett efter."]);
        assert_eq!(refused.status.code(), Some(2), "{}", told(&refused));
    }
    town.settle();
    assert_eq!(town.sandbox.hidden().len(), 5);
    assert_eq!(town.duties("1_8"), ["review"]);

    // A person's decision is not braked.
    assert_eq!(town.decide(&town.case_id(&left[0]), "karin", "hide"), 0);
    town.settle();
    assert_eq!(town.case(&left[0]), "hidden");

    // Released: nothing that was queued is hidden without a new decision, and the limit of the day still holds.
    let released = town.run(&["brake", "--release", "all", "--by", "chef", "--reason", "Sett efter."]);
    assert_eq!(released.status.code(), Some(0), "{}", told(&released));
    assert_eq!(town.duties(""), [""; 0]);
    town.settle();
    assert_eq!(town.sandbox.hidden().len(), 6);
    assert_eq!(town.case(&left[1]), "open");
    town.now += chrono::TimeDelta::hours(25);
    town.sandbox.control("add", &comment(1, 9, OBVIOUS));
    town.settle();
    assert_eq!(town.case("1_9"), "hidden");
    assert_eq!(town.case(&left[1]), "open");
    assert_log(&town, "brake");
    assert_archive(&town, "brake");
}

#[test]
fn a_person_who_stops_automatic_hiding_also_stops_what_has_not_left() {
    for point in ["assess:after", "register:before", "register:after", "intent:after", "look:after"] {
        let mut town = Town::new(&[comment(1, 1, OBVIOUS)]);
        let at = town.tick();
        town.command(&["run", "--once", "--at", &at]).env("UPPSIKT_KILL_AT", point).output().unwrap();
        let stop = town.run(&["brake", "--stop", "--by", "karin", "--reason", "Regeln träffar fel."]);
        assert_eq!(stop.status.code(), Some(0), "{point}: {}", told(&stop));
        let release = town.run(&["brake", "--release", "all", "--by", "chef", "--reason", "Rättad."]);
        assert_eq!(release.status.code(), Some(0), "{point}: {}", told(&release));
        town.settle();
        assert_eq!(town.sandbox.hidden(), [""; 0], "{point}");
        assert!(town.sandbox.writes().is_empty(), "{point}");
        assert_eq!(town.case("1_1"), "open", "{point}");
        assert_eq!(town.duties("1_1"), ["review"], "{point}");
        // A new decision hides it.
        assert_eq!(town.decide(&town.case_id("1_1"), "karin", "hide"), 0, "{point}");
        town.settle();
        assert_eq!(town.sandbox.hidden(), ["1_1"], "{point}");
        assert_log(&town, point);
        assert_archive(&town, point);
    }
}

#[test]
fn four_eyes_complete_or_refuse_what_an_editor_proposes() {
    let mut town = by_hand(&[LOOK, LOOK, LOOK]);
    let ids = ["1_1", "1_2", "1_3"].map(|native| town.case_id(native));
    let decisions = |town: &Town| town.one("select count(*) from decision");
    // Nobody, without the right, on leave, a case that is not there, what cannot be: nothing is written.
    for (case, by, outcome) in [
        (ids[0].as_str(), "nobody", "hide"),
        (&ids[0], "registrator", "hide"),
        (&ids[0], "it", "keep"),
        (&ids[0], "ledig", "hide"),
        (&ids[0], "karin", "remove"),
        (&ids[0], "karin", "restore"),
        ("c-000099", "karin", "hide"),
        ("UPP-KS 2031/1", "karin", "hide"),
    ] {
        assert_eq!(town.decide(case, by, outcome), 2, "{case} {by} {outcome}");
    }
    let silent = town.run(&["decide", &ids[0], "--by", "karin", "--outcome", "hide", "--reason", " "]);
    assert_eq!(silent.status.code(), Some(2), "{}", told(&silent));
    assert_eq!(decisions(&town), "0");

    for id in &ids {
        assert_eq!(town.decide(id, "anna", "hide"), 0);
        // The same person, or another editor, is not a second pair of eyes.
        assert_eq!(town.decide(id, "anna", "hide"), 2);
        assert_eq!(town.decide(id, "erik", "hide"), 2);
    }
    assert_eq!(decisions(&town), "3");
    town.settle();
    assert_eq!(town.case("1_1"), "awaiting_approval");
    assert_eq!(town.duties("1_1"), ["approve"]);
    assert!(town.sandbox.writes().is_empty());
    assert_eq!(town.one("select count(*) from diary"), "0");

    assert_eq!(town.decide(&ids[0], "karin", "hide"), 0);
    assert_eq!(town.decide(&ids[1], "chef", "keep"), 0);
    town.settle();
    assert_eq!(town.case("1_1"), "hidden");
    assert_eq!(town.case("1_2"), "kept");
    assert_eq!(town.case("1_3"), "awaiting_approval");
    assert_eq!(town.duties("1_2"), [""; 0]);
    assert_eq!(chain(&town, "1_1", 1), "snapshot registered decision hide_intent hidden");
    assert_eq!(chain(&town, "1_2", 1), "snapshot decision");
    // Both persons stand in the evidence of what two decided.
    let who = "select json_extract(doc, '$.earlier.by.id') || ' ' || json_extract(doc, '$.by.id')
               from entry join entry_doc using (idx) where t = 'decision' order by idx limit 1";
    assert_eq!(town.one(who), "anna karin");
    // A case is also named by its number.
    assert_eq!(town.decide("UPP-KS 2031/1", "karin", "hide"), 2);
    assert_eq!(town.decide("UPP-KS 2031/1", "karin", "restore"), 0);
    town.settle();
    assert_eq!(town.case("1_1"), "restored");
    assert!(!town.one("select os_user from decision limit 1").is_empty());
    assert_log(&town, "four eyes");
    assert_archive(&town, "four eyes");
}

#[test]
fn what_a_person_restores_no_rule_takes_again() {
    let mut town = Town::new(&[comment(1, 1, OBVIOUS)]);
    town.settle();
    let case = town.case_id("1_1");
    assert_eq!(town.decide(&case, "chef", "restore"), 0);
    town.settle();
    assert_eq!(town.case("1_1"), "restored");
    assert_eq!(town.sandbox.hidden(), [""; 0]);
    assert_eq!(
        chain(&town, "1_1", 1),
        "snapshot registered decision hide_intent hidden decision restore_intent restored"
    );
    // Also when its author goes on.
    edit(&town, "1_1", "Din jävla idiot!");
    town.settle();
    town.settle();
    assert_eq!(town.sandbox.hidden(), [""; 0]);
    assert_eq!(town.one("select count(*) from diary"), "1");
    assert_log(&town, "restored");
    assert_archive(&town, "restored");
}

#[test]
fn what_others_do_on_the_platform_is_told_and_never_fought() {
    let mut town = Town::new(&[comment(1, 1, OBVIOUS), comment(1, 2, FINE), comment(1, 3, LOOK)]);
    town.settle();
    // Shown again in the platform's app.
    town.sandbox.control("hide", r#"{"id":"1_1","hidden":false}"#);
    // Hidden in the platform's app.
    town.sandbox.control("hide", r#"{"id":"1_2","hidden":true}"#);
    town.settle();
    town.settle();
    assert_eq!(town.case("1_1"), "restored_outside");
    assert_eq!(town.duties("1_1"), ["automatic_look", "changed_outside"]);
    assert_eq!(town.duties("1_2"), ["changed_outside"]);
    assert_eq!(town.sandbox.hidden(), ["1_2"]);
    assert_eq!(town.sandbox.writes().values().sum::<usize>(), 1);

    // Taken away by its author: nobody waits for an answer, the review ends.
    town.sandbox.control("delete", r#"{"id":"1_3"}"#);
    town.settle();
    assert_eq!(town.case("1_3"), "withdrawn");
    assert_eq!(town.duties("1_3"), ["changed_outside"]);
    assert_eq!(town.decide(&town.case_id("1_3"), "karin", "hide"), 2);
    assert_log(&town, "outside");
    assert_archive(&town, "outside");
}

#[test]
fn a_comment_that_is_gone_ends_its_answers_and_not_its_danger() {
    let mut town = by_hand(&["När öppnar badhuset?", "Jag ska döda dig din jävel, jag vet var du bor"]);
    assert!(town.duties("1_1").iter().any(|kind| kind.starts_with("answer")), "{:?}", town.duties("1_1"));
    assert!(town.duties("1_2").contains(&"danger".to_owned()), "{:?}", town.duties("1_2"));
    for native in ["1_1", "1_2"] {
        town.sandbox.control("delete", &format!(r#"{{"id":"{native}"}}"#));
    }
    town.settle();
    assert!(!town.duties("1_1").iter().any(|kind| kind.starts_with("answer")), "{:?}", town.duties("1_1"));
    assert!(town.duties("1_2").contains(&"danger".to_owned()), "{:?}", town.duties("1_2"));
    assert_eq!((town.case("1_1"), town.case("1_2")), ("withdrawn".to_owned(), "withdrawn".to_owned()));
}

/// Decides to hide a text, edits it before, or right at, the act, and passes.
fn edited(point: Option<&str>, text: &str) -> Town {
    let mut town = by_hand(&[LOOK]);
    assert_eq!(town.decide(&town.case_id("1_1"), "karin", "hide"), 0);
    if let Some(point) = point {
        let at = town.tick();
        let killed =
            town.command(&["run", "--once", "--at", &at]).env("UPPSIKT_KILL_AT", point).output().unwrap();
        assert!(!killed.status.success(), "{}", told(&killed));
    }
    edit(&town, "1_1", text);
    town.settle();
    town
}

const POINTS: [Option<&str>; 4] = [None, Some("register:before"), Some("intent:after"), Some("act:before")];

#[test]
fn a_text_made_milder_between_decision_and_act_is_not_hidden() {
    // Politics is no milder a proposal than an insult, and still another matter.
    for text in [FINE, "Rösta på Moderaterna i valet!"] {
        for point in POINTS {
            let town = edited(point, text);
            assert_eq!(town.sandbox.hidden(), [""; 0], "{point:?} {text}");
            assert!(town.sandbox.writes().is_empty(), "{point:?} {text}");
            assert_eq!(town.case("1_1"), "open", "{point:?} {text}");
            assert!(town.duties("1_1").contains(&"review".to_owned()), "{point:?} {:?}", town.duties("1_1"));
            assert_log(&town, "milder");
            assert_archive(&town, "milder");
        }
    }
}

#[test]
fn a_decision_follows_onto_a_text_that_is_no_milder() {
    for point in POINTS {
        let town = edited(point, "Det sitter bara jävla idioter på det där kontoret");
        assert_eq!(town.sandbox.hidden(), ["1_1"], "{point:?}");
        assert_eq!(town.sandbox.writes()["1_1"], 1, "{point:?}");
        assert_eq!(town.case("1_1"), "hidden", "{point:?}");
        assert_eq!(chain(&town, "1_1", 2), "snapshot registered decision hide_intent hidden", "{point:?}");
        assert!(chain(&town, "1_1", 1).starts_with("snapshot"), "{point:?}");
        assert!(!town.duties("1_1").contains(&"act_failed".to_owned()), "{point:?} {:?}", town.duties("1_1"));
        assert_log(&town, "follows");
        assert_archive(&town, "follows");
    }
}

#[test]
fn a_machines_decision_follows_only_where_its_rule_still_finds_the_obvious() {
    for (text, hidden) in [("Din jävla idiot!", true), (LOOK, false)] {
        for point in ["assess:after", "intent:after", "act:before"] {
            let mut town = Town::new(&[comment(1, 1, OBVIOUS)]);
            let at = town.tick();
            town.command(&["run", "--once", "--at", &at]).env("UPPSIKT_KILL_AT", point).output().unwrap();
            edit(&town, "1_1", text);
            town.settle();
            assert_eq!(!town.sandbox.hidden().is_empty(), hidden, "{point} {text}");
            assert_eq!(town.case("1_1"), if hidden { "hidden" } else { "open" }, "{point} {text}");
            assert_eq!(town.duties("1_1").contains(&"review".to_owned()), !hidden, "{point} {text}");
            assert_log(&town, point);
            assert_archive(&town, point);
        }
    }
}

#[test]
fn a_record_begun_before_a_crash_is_finished_although_its_text_has_changed_since() {
    let mut town = Town::with(Set { automatic: false, ..Set::default() }, &[comment(1, 1, LOOK)]);
    let at = town.tick();
    town.command(&["run", "--once", "--at", &at]).env("UPPSIKT_KILL_AT", "keys:after").output().unwrap();
    edit(&town, "1_1", FINE);
    town.settle();
    assert_eq!(chain(&town, "1_1", 1), "snapshot");
    assert_archive(&town, "begun");
}

#[test]
fn a_text_that_changes_after_it_was_kept_or_answered_comes_back_to_a_person() {
    let mut town = by_hand(&[LOOK, "När öppnar badhuset?"]);
    assert_eq!(town.decide(&town.case_id("1_1"), "anna", "keep"), 0);
    assert_eq!(town.decide(&town.case_id("1_2"), "anna", "answered"), 0);
    town.settle();
    assert_eq!(town.case("1_1"), "kept");
    edit(&town, "1_1", "Du är en jävla hora");
    edit(&town, "1_2", OBVIOUS);
    town.settle();
    for native in ["1_1", "1_2"] {
        assert_eq!(town.case(native), "open", "{native}");
        let duties = town.duties(native);
        assert!(duties.contains(&"edited_after_answer".to_owned()), "{native}: {duties:?}");
        assert!(duties.iter().any(|kind| kind == "review" || kind == "danger"), "{native}: {duties:?}");
    }
    assert!(town.sandbox.writes().is_empty());
}

#[test]
fn a_person_confirms_what_the_machine_hid_although_its_author_went_on_writing() {
    let mut town = Town::new(&[comment(1, 1, OBVIOUS)]);
    town.settle();
    assert_eq!(town.duties("1_1"), ["automatic_look"]);
    edit(&town, "1_1", FINE);
    assert_eq!(town.decide(&town.case_id("1_1"), "anna", "hide"), 0);
    town.settle();
    assert_eq!(town.case("1_1"), "hidden");
    assert_eq!(town.duties("1_1"), [""; 0]);
    assert_eq!(chain(&town, "1_1", 1), "snapshot registered decision hide_intent hidden decision");
    assert_eq!(town.sandbox.writes()["1_1"], 1);
}
