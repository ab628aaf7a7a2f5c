//! Platforms, disks and clocks that fail: nothing is lost, nothing is hidden that should not be, and somebody is told.

use std::fs::{self, File};
use std::path::Path;

use chrono::TimeDelta;
use uppsikt::durable;

use crate::support::binary::{Set, Town, comment, told};
use crate::support::whole::{Meant, assert_whole};

const HIDDEN: Meant<'_> = Meant { hidden: &["1_1"], more_writes: 0 };

fn comments() -> Vec<String> {
    vec![comment(1, 1, "Din idiot!"), comment(1, 2, "Vilken fin sommar vi har haft i år.")]
}

#[test]
fn a_read_that_fails_loses_nothing_and_the_account_is_said_to_be_blind() {
    for (kind, times) in [("down", 50), ("429", 1), ("truncated", 1), ("html", 1), ("token", 50), ("slow", 2)]
    {
        let mut town = Town::new(&comments());
        town.sandbox.fault(kind, "read", times);
        let output = town.pass();
        if kind == "slow" {
            assert_eq!(output.status.code(), Some(0), "{kind}: {}", told(&output));
        } else {
            assert_eq!(output.status.code(), Some(1), "{kind}: {}", told(&output));
            assert!(told(&output).contains("account fb could not be read"), "{kind}: {}", told(&output));
            // A key that was refused is told as such beside the blindness.
            let told: &[&str] =
                if kind == "token" { &["account_blind", "key_dead"] } else { &["account_blind"] };
            assert_eq!(town.duties(""), told, "{kind}");
            assert!(!town.one("select blind_since from account_state").is_empty(), "{kind}");
        }
        town.sandbox.mend();
        town.settle();
        assert_eq!(town.duties(""), [""; 0], "{kind}");
        assert_whole(&town, &HIDDEN, kind);
    }
}

#[test]
fn a_write_whose_answer_is_lost_is_settled_by_looking() {
    // Carried out, or not; only what was not is asked again.
    for (kind, more_writes) in
        [("lost", 0), ("truncated", 0), ("slow", 0), ("429", 1), ("html", 1), ("down", 1), ("token", 1)]
    {
        let mut town = Town::new(&comments());
        town.sandbox.fault(kind, "write", 1);
        let output = town.pass();
        assert!(matches!(output.status.code(), Some(0 | 1)), "{kind}: {}", told(&output));
        town.sandbox.mend();
        town.settle();
        assert_eq!(town.sandbox.writes()["1_1"], 1 + more_writes, "{kind}");
        assert_whole(&town, &Meant { more_writes, ..HIDDEN }, kind);
    }
}

#[test]
fn a_lost_answer_is_not_asked_for_again_while_nobody_can_look() {
    let mut town = Town::new(&comments());
    town.sandbox.fault("lost", "write", 1);
    let first = town.tick();
    let output = town
        .command(&["run", "--once", "--at", &first])
        .env("UPPSIKT_KILL_AT", "relook:before")
        .output()
        .unwrap();
    assert!(output.status.success(), "the lost answer is settled by a first look: {}", told(&output));
    assert_whole(&town, &HIDDEN, "lost");

    let mut town = Town::new(&comments());
    let at = town.tick();
    let killed =
        town.command(&["run", "--once", "--at", &at]).env("UPPSIKT_KILL_AT", "act:lost").output().unwrap();
    assert!(!killed.status.success());
    town.sandbox.fault("down", "read", 200);
    for _ in 0..3 {
        town.pass();
    }
    assert_eq!(town.sandbox.writes()["1_1"], 1);
    town.sandbox.mend();
    town.settle();
    assert_whole(&town, &HIDDEN, "lost while blind");
}

#[test]
fn what_the_platform_will_not_hide_becomes_a_persons_matter() {
    let mut town = Town::new(&comments());
    town.sandbox.fault("refuse", "write", 1);
    town.pass();
    town.settle();
    assert_eq!(town.case("1_1"), "hide_failed");
    assert!(town.duties("1_1").contains(&"act_failed".to_owned()), "{:?}", town.duties("1_1"));
    assert_eq!(town.sandbox.writes()["1_1"], 1);
    // A person asks again; the number stays the first one.
    assert_eq!(town.decide(&town.case_id("1_1"), "karin", "hide"), 0);
    town.settle();
    assert_eq!(town.case("1_1"), "hidden");
    assert_eq!(town.one("select number from diary"), "UPP-KS 2031/1");
    assert!(!town.duties("1_1").contains(&"act_failed".to_owned()), "{:?}", town.duties("1_1"));

    // At most three requests, then a person.
    let mut town = Town::new(&comments());
    town.sandbox.fault("down", "write", 50);
    for _ in 0..4 {
        town.pass();
    }
    assert_eq!(town.sandbox.writes()["1_1"], 3);
    assert_eq!(town.case("1_1"), "hide_failed");
    assert_eq!(town.one("select count(*) from receipt"), "1");
}

#[test]
fn an_account_that_is_watched_is_never_written_to() {
    let watch = Set { mode: "watch", ..Set::default() };
    let mut town = Town::with(watch, &comments());
    town.settle();
    let case = town.case_id("1_1");
    assert_eq!(town.case("1_1"), "open");
    assert_eq!(town.decide(&case, "karin", "hide"), 2);
    assert_eq!(town.one("select count(*) from decision"), "0");
    assert_eq!(town.decide(&case, "karin", "keep"), 0);
    town.settle();
    assert_eq!(town.case("1_1"), "kept");
    assert!(town.sandbox.writes().is_empty());

    // What was decided while it was in mode act waits, if the mode is taken back before it is done.
    let mut town = Town::with(Set { automatic: false, ..Set::default() }, &comments());
    town.settle();
    assert_eq!(town.decide(&town.case_id("1_1"), "karin", "hide"), 0);
    town.configure(watch);
    town.pass();
    town.pass();
    assert!(town.sandbox.writes().is_empty());
    town.configure(Set::default());
    town.settle();
    assert_whole(&town, &HIDDEN, "act again");
}

/// Nothing is hidden or registered, everything is stored, one duty tells it, and all of it is done afterwards.
fn check_halt(what: &str, spoil: impl Fn(&mut Town), mend: impl Fn(&mut Town)) {
    let mut town = Town::new(&comments());
    spoil(&mut town);
    for _ in 0..2 {
        let output = town.pass();
        assert_eq!(output.status.code(), Some(0), "{what}: {}", told(&output));
        assert!(told(&output).contains("nothing is hidden or registered"), "{what}: {}", told(&output));
    }
    assert_eq!(town.one("select count(*) from comment"), town.sandbox.state().len().to_string(), "{what}");
    assert_eq!(town.one("select count(*) from diary"), "0", "{what}");
    assert_eq!(town.one("select count(*) from entry where t <> 'snapshot'"), "0", "{what}");
    assert!(town.sandbox.writes().is_empty(), "{what}");
    assert_eq!(town.one("select count(*) from duty where kind = 'halted'"), "1", "{what}");
    assert_eq!(town.duties(""), ["halted"], "{what}");
    mend(&mut town);
    town.settle();
    assert_eq!(town.duties(""), [""; 0], "{what}");
    assert_whole(&town, &HIDDEN, what);
}

#[test]
fn an_archive_that_cannot_be_written_stops_hiding_and_not_storing() {
    // A file where a folder should be stops root too, whom permissions do not stop.
    for part in ["packs", "tile", ".probe"] {
        check_halt(
            part,
            |town| {
                let path = town.data().join("archive").join(part);
                if part == ".probe" {
                    durable::create_folder(&path.join("x")).unwrap();
                } else {
                    durable::write(&path, b"", 0o600).unwrap();
                }
            },
            |town| {
                let path = town.data().join("archive").join(part);
                if part == ".probe" {
                    fs::remove_dir_all(&path).unwrap();
                } else {
                    fs::remove_file(&path).unwrap();
                }
            },
        );
    }
    let checkpoint = |town: &Town| (town.data().join("archive/checkpoint"), town.data().join("aside"));
    check_halt(
        "checkpoint",
        |town| {
            let (checkpoint, aside) = checkpoint(town);
            fs::rename(&checkpoint, aside).unwrap();
            durable::create_folder(&checkpoint.join("x")).unwrap();
        },
        |town| {
            let (checkpoint, aside) = checkpoint(town);
            fs::remove_dir_all(&checkpoint).unwrap();
            fs::rename(aside, &checkpoint).unwrap();
        },
    );
}

#[test]
fn a_disk_that_is_nearly_full_stops_hiding_and_not_storing() {
    check_halt(
        "min_free",
        |town| town.configure(Set { min_free: "900 TiB", ..Set::default() }),
        |town| town.configure(Set::default()),
    );
}

#[test]
fn a_clock_that_goes_backwards_stops_hiding_and_not_storing() {
    let mut town = Town::new(&comments());
    town.settle();
    let (now, size) = (town.now, town.one("select count(*) from diary"));
    town.sandbox.control("add", &comment(1, 3, "Kommunchefen är en riktig idiot."));
    town.now -= TimeDelta::hours(2);
    let output = town.pass();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(told(&output).contains("nothing is hidden or registered"), "{}", told(&output));
    assert_eq!(town.one("select count(*) from comment"), "3");
    assert_eq!(town.one("select count(*) from diary"), size);
    assert_eq!(town.sandbox.hidden(), ["1_1"]);
    assert_eq!(town.duties(""), ["halted"]);
    town.now = now;
    town.settle();
    assert_eq!(town.duties(""), [""; 0]);
    assert_whole(&town, &Meant { hidden: &["1_1", "1_3"], more_writes: 0 }, "clock");
}

#[test]
fn one_process_at_a_time_has_the_data_folder() {
    let mut town = Town::new(&comments());
    let lock = File::open(town.data().join("lock")).unwrap();
    lock.lock().unwrap();
    let output = town.pass();
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    assert!(told(&output).contains("is locked"), "{}", told(&output));
    assert_eq!(town.one("select count(*) from comment"), "0");
    lock.unlock().unwrap();
    town.settle();
    // Nothing is made in place of what is there, or of what was lost.
    assert_eq!(town.run(&["init"]).status.code(), Some(2));
    fs::remove_file(town.data().join("uppsikt.db")).unwrap();
    assert_eq!(town.pass().status.code(), Some(2));
    assert_eq!(town.run(&["init"]).status.code(), Some(2));
    assert!(!town.data().join("uppsikt.db").exists());
}

fn copy(from: &Path, to: &Path) {
    durable::create_folder(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn put_back(from: &Path, data: &Path, names: &[&str]) {
    for name in names {
        let (from, to) = (from.join(name), data.join(name));
        if to.is_dir() {
            fs::remove_dir_all(&to).unwrap();
            copy(&from, &to);
        } else if from.exists() {
            fs::copy(from, to).unwrap();
        } else {
            let _ = fs::remove_file(to);
        }
    }
}

const DATABASE: [&str; 5] = ["uppsikt.db", "uppsikt.db-wal", "uppsikt.db-shm", "keys.db", "keys.db-wal"];

#[test]
fn a_database_from_a_backup_does_not_fork_the_log() {
    let mut town = Town::new(&[comment(1, 2, "Vilken fin sommar vi har haft i år.")]);
    town.settle();
    let before = town.path("before");
    copy(&town.data(), &before);
    town.sandbox.control("add", &comment(1, 1, "Din idiot!"));
    town.settle();
    let after = town.path("after");
    copy(&town.data(), &after);

    // Older than the archive.
    put_back(&before, &town.data(), &DATABASE);
    let refused = |town: &mut Town| {
        let output = town.pass();
        assert_eq!(output.status.code(), Some(2), "{}", told(&output));
        assert!(told(&output).contains("uppsikt restore"), "{}", told(&output));
    };
    refused(&mut town);

    // As long as the archive's log, but another one: the same day lived twice.
    put_back(&before, &town.data(), &["archive"]);
    town.sandbox.control("hide", r#"{"id":"1_1","hidden":false}"#);
    town.settle();
    assert_eq!(town.one("select count(*) from entry where t = 'hidden'"), "1");
    put_back(&after, &town.data(), &["archive"]);
    refused(&mut town);

    // The right one goes on.
    put_back(&after, &town.data(), &DATABASE);
    town.settle();
}
