//! `demo` on the real program: what a person who has nothing but the program sees, and what is behind it.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use chrono::{DateTime, Utc};
use uppsikt::domain::case::CaseState;
use uppsikt::domain::comment::CommentId;
use uppsikt::store::cases::Case;
use uppsikt::store::comments::StoredComment;
use uppsikt::store::duties::Duty;
use uppsikt::store::{Db, cases, comments, duties, letters, records};

/// A Monday at noon: the weekend before is played, since this one is not over.
const AT: &str = "2026-11-23T12:00:00Z";

struct Played {
    _home: tempfile::TempDir,
    dir: PathBuf,
    told: String,
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_uppsikt"));
    // Neither a home, nor a folder that can be written, nor a way out: a demo needs none of them.
    command.env_clear().env("HTTPS_PROXY", "http://127.0.0.1:9").env("HTTP_PROXY", "http://127.0.0.1:9");
    command.current_dir("/proc");
    command
}

fn demo(dir: &Path) -> Output {
    program().args(["demo", "--once", "--at", AT, "--dir"]).arg(dir).output().unwrap()
}

fn play() -> Played {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("demo");
    let output = demo(&dir);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    Played { _home: home, dir, told: String::from_utf8(output.stdout).unwrap() }
}

/// The weekend that most tests look at, played once.
fn played() -> &'static Played {
    static PLAYED: OnceLock<Played> = OnceLock::new();
    PLAYED.get_or_init(play)
}

impl Played {
    fn db(&self) -> Db {
        Db::open(&self.dir.join("data/uppsikt.db")).unwrap()
    }

    fn comment(&self, native: &str) -> StoredComment {
        let id = CommentId { account: "fb".to_owned(), native: native.to_owned() };
        self.db().read_now(|reader| comments::find(reader, &id)).unwrap().unwrap()
    }

    fn case(&self, native: &str) -> Option<Case> {
        let row = self.comment(native).id;
        self.db().read_now(|reader| cases::of_comment(reader, row)).unwrap()
    }

    fn state(&self, native: &str) -> Option<CaseState> {
        self.case(native).map(|case| case.state)
    }

    fn duties(&self, native: &str) -> Vec<Duty> {
        let Some(case) = self.case(native) else { return Vec::new() };
        self.db().read_now(|reader| duties::of_case(reader, case.id)).unwrap()
    }

    fn duty(&self, native: &str, kind: &str) -> Duty {
        self.duties(native).into_iter().find(|duty| duty.what.kind == kind).unwrap()
    }

    /// Whether the comment is hidden on the emulated platform, by its own memory.
    fn hidden_there(&self, native: &str) -> bool {
        let memory = std::fs::read_to_string(self.dir.join("data/sandbox.ndjson")).unwrap();
        let last = memory
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .rfind(|line| line["id"] == native);
        last.unwrap()["hidden"] == true
    }

    fn other(&self, words: &[&str]) -> Output {
        program().arg("--config").arg(self.dir.join("uppsikt.toml")).args(words).output().unwrap()
    }
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[test]
fn what_is_told_is_short_plain_and_in_every_part_there() {
    let told = &played().told;
    assert!(told.lines().count() <= 120, "{} lines", told.lines().count());
    assert!(!told.contains('\u{1b}'), "no colours into a pipe");
    let mut from = 0;
    for heading in [
        "fredag 13 november 2026 till måndag 16 november 2026",
        "\nVad som kom\n",
        "\nVad som flaggades och varför\n",
        "\nVad som bevarades och diariefördes\n",
        "\nVad som doldes och sågs vara dolt\n",
        "\nFristerna\n",
        "\nBreven\n",
        "\nBeviset\n",
    ] {
        let found = told[from..].find(heading).unwrap_or_else(|| panic!("{heading} in its place in\n{told}"));
        from += found;
    }
}

#[test]
fn the_threat_at_two_in_the_night_is_seen_within_the_pass_and_hidden_by_a_person() {
    let played = played();
    let threat = played.comment("7004_6");
    assert_eq!(threat.created_at, at("2026-11-14T01:04:00Z"), "02.04 in Stockholm");
    let danger = played.duty("7004_6", "danger");
    assert_eq!(danger.what.found_at, at("2026-11-14T01:05:00Z"));
    assert!(danger.closed_at.is_some());
    assert_eq!(played.state("7004_6"), Some(CaseState::Hidden));
    assert!(played.hidden_there("7004_6"));
    let case = played.case("7004_6").unwrap().id;
    let decided = played
        .db()
        .read_now(|reader| uppsikt::store::decisions::of_case(reader, case))
        .unwrap()
        .into_iter()
        .map(|decision| decision.person)
        .collect::<Vec<_>>();
    assert_eq!(decided, ["erik", "chef"], "no rule hides a threat");
}

#[test]
fn letters_leave_at_night_only_where_somebody_may_be_in_danger() {
    let played = played();
    let letters = played.db().read_now(letters::all).unwrap();
    let hours = uppsikt::domain::calendar::Hours::default();
    let sent: Vec<_> = letters.iter().filter(|letter| letter.state == "sent").collect();
    assert!(sent.len() > 10, "{} letters", sent.len());
    for letter in sent.iter().filter(|letter| letter.letter.kind != "urgent") {
        let at = letter.sent_at.unwrap();
        assert!(uppsikt::domain::calendar::is_staffed(at, &hours), "{} {at}", letter.letter.kind);
    }
    let files = std::fs::read_dir(played.dir.join("data/mail")).unwrap().count();
    assert_eq!(files, sent.len(), "each letter is a file");
}

/// When letters about a duty of a comment reached a rung, and to whom.
fn told_of(played: &Played, native: &str, kind: &str, rung: &str) -> Vec<(DateTime<Utc>, String)> {
    let duty = played.duty(native, kind).id;
    let letters = played.db().read_now(letters::all).unwrap();
    let about = letters
        .iter()
        .filter(|letter| letter.letter.duties.iter().any(|(id, at, _)| *id == duty && at == rung));
    about.filter_map(|letter| Some((letter.sent_at?, letter.letter.person.clone()))).collect()
}

#[test]
fn the_threat_is_told_at_five_past_two_and_to_more_until_somebody_has_read_it() {
    let due = told_of(played(), "7004_6", "danger", "due");
    assert_eq!(due, [(at("2026-11-14T01:05:00Z"), "anna".to_owned())]);
    let mut escalated = told_of(played(), "7004_6", "danger", "escalate");
    escalated.sort();
    let twenty = at("2026-11-14T01:25:00Z");
    assert_eq!(escalated, ["anna", "chef", "erik"].map(|person| (twenty, person.to_owned())));
    assert!(
        played().duty("7004_6", "danger").acknowledged_at > Some(twenty),
        "read at 02.27, and then quiet"
    );
}

#[test]
fn a_missed_answer_reaches_the_accounts_owner_on_monday() {
    let late = told_of(played(), "7002_6", "answer_24h", "overdue");
    assert!(late.contains(&(at("2026-11-16T07:00:00Z"), "chef".to_owned())), "{late:?}");
    let escalated = told_of(played(), "7002_6", "answer_24h", "escalate");
    assert!(escalated.contains(&(at("2026-11-16T09:00:00Z"), "chef".to_owned())), "{escalated:?}");
    assert!(told_of(played(), "7002_1", "answer_24h", "escalate").is_empty(), "answered at 09.15");
}

#[test]
fn a_child_in_danger_is_told_of_and_never_hidden() {
    let played = played();
    assert!(played.duties("7002_7").iter().any(|duty| duty.what.kind == "danger"));
    assert!(!played.hidden_there("7002_7"));
    assert!(!played.comment("7002_7").sighting.is_hidden());
    let case = played.case("7002_7").unwrap();
    assert!(
        !played.db().read_now(|reader| records::of_case(reader, case.id)).unwrap().is_empty(),
        "preserved"
    );
}

#[test]
fn what_is_older_than_the_watching_starts_no_duty() {
    let played = played();
    assert!(played.comment("6001_1").old);
    assert_eq!(played.state("6001_1"), Some(CaseState::Open), "flagged, so a person can find it");
    assert!(played.duties("6001_1").is_empty());
}

#[test]
fn what_a_rule_hid_wrongly_is_restored_and_stays() {
    let played = played();
    assert_eq!(played.state("7005_1"), Some(CaseState::Restored));
    assert!(!played.hidden_there("7005_1"));
    assert!(played.told.contains("inte tagen igen"), "{}", played.told);
    // The other two that the rule took were looked at and stay hidden.
    for spam in ["7002_4", "7005_5"] {
        assert_eq!(played.state(spam), Some(CaseState::Hidden), "{spam}");
        assert!(played.duty(spam, "automatic_look").closed_at.is_some(), "{spam}");
    }
}

#[test]
fn a_text_changed_after_the_answer_is_a_duty_of_its_own() {
    let played = played();
    assert_eq!(played.comment("7003_1").version.n, 2);
    let duty = played.duty("7003_1", "edited_after_answer");
    assert_eq!(duty.what.found_at, at("2026-11-14T08:31:00Z"));
    assert_eq!(played.duty("7003_1", "answer_24h").outcome.as_deref(), Some("answered"));
}

#[test]
fn what_was_done_in_the_platforms_app_or_by_its_filter_is_of_unknown_doing() {
    let played = played();
    for native in ["7004_1", "7003_7", "7005_8"] {
        let note = played.duty(native, "changed_outside").what.explain.remove(0);
        assert!(note.contains("okän"), "{native}: {note}");
    }
    assert!(!played.hidden_there("7004_1"));
    assert_eq!(played.state("7003_7"), Some(CaseState::Withdrawn));
}

#[test]
fn a_picture_without_text_is_shown_to_a_person() {
    let played = played();
    assert!(played.told.contains("kan inte läsas av reglerna"), "{}", played.told);
    assert_eq!(played.state("7003_3"), Some(CaseState::Kept));
}

#[test]
fn criticism_praise_and_hearty_swearing_are_left_alone() {
    let played = played();
    // Sharp words about politics, money, food, competence; swearing in praise.
    for native in ["7001_4", "7001_5", "7001_8", "7001_12", "7002_5", "7004_9", "7004_10", "7005_13"] {
        assert_eq!(played.state(native), None, "{native}");
        assert!(!played.hidden_there(native), "{native}");
    }
}

#[test]
fn questions_have_both_clocks_and_are_answered_or_missed_as_it_was() {
    let played = played();
    let (day, working) =
        (played.duty("7003_6", "answer_24h"), played.duty("7003_6", "answer_next_working_day"));
    assert_eq!(day.what.due_at, at("2026-11-14T18:00:00Z"), "asked on Friday at 19.00");
    assert_eq!(working.what.due_at, at("2026-11-16T15:30:00Z"), "closing time on Monday");
    assert_eq!(day.closed_at, Some(at("2026-11-14T16:40:00Z")), "at the answer's own time");
    let missed = played.duty("7002_6", "answer_24h");
    assert!(missed.closed_at.unwrap() > missed.what.due_at);
    for together in ["7005_4", "7005_6", "7005_12"] {
        assert_eq!(
            played.duty(together, "answer_24h").outcome.as_deref(),
            Some("answered_jointly"),
            "{together}"
        );
    }
    assert_eq!(played.duty("7003_10", "answer_24h").closed_at, None, "one question waits for the reader");
}

#[test]
fn every_other_command_works_on_what_the_demo_made() {
    let played = played();
    let check = played.other(&["check"]);
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
    let cases = played.other(&["cases", "--json"]);
    assert!(cases.status.success() && cases.stderr.is_empty(), "{}", String::from_utf8_lossy(&cases.stderr));
    let cases: Vec<serde_json::Value> = String::from_utf8(cases.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let threat = cases.iter().find(|case| case["comment"]["native_id"] == "7004_6").unwrap();
    assert_eq!((&threat["state"], &threat["categories"]), (&"hidden".into(), &serde_json::json!(["threat"])));
    let number = threat["dnr"].as_str().unwrap();
    assert!(played.told.contains(number), "the number told is the number given: {number}");
    for words in
        [vec!["case", number], vec!["case", number, "--json"], vec!["status"], vec!["status", "--json"]]
    {
        let shown = played.other(&words);
        assert!(shown.status.success(), "{words:?}: {}", String::from_utf8_lossy(&shown.stderr));
    }
    let key = played.dir.join("data/archive/log.vkey");
    let bag = std::fs::read_dir(played.dir.join("bevis")).unwrap().next().unwrap().unwrap().path();
    for path in [bag.as_path(), &played.dir.join("data")] {
        let verify = program().arg("verify").arg(path).arg("--key").arg(&key).output().unwrap();
        assert!(verify.status.success(), "{}", String::from_utf8_lossy(&verify.stdout));
    }
    // As told, word for word: what a reader copies works.
    for line in played.told.lines().filter(|line| line.contains("sha256sum")) {
        assert!(Command::new("sh").arg("-c").arg(line).output().unwrap().status.success(), "{line}");
    }
}

/// The address behind a link and what is asked of it, fetched as a browser does.
fn fetch(link: &str) -> String {
    let (host, path) = link.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn another_demo_tells_the_same_and_stays_for_whoever_clicks() {
    let first = played();
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("demo");
    let mut running = program()
        .args(["demo", "--at", AT, "--listen", "127.0.0.1:0", "--dir"])
        .arg(&dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut told = String::new();
    let mut lines = BufReader::new(running.stdout.take().unwrap());
    while !told.contains("Ctrl-C") {
        assert_ne!(lines.read_line(&mut told).unwrap(), 0, "ended early:\n{told}");
    }
    let link = told.lines().find(|line| line.contains("/c/c-")).unwrap().trim();
    let page = fetch(link);
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    assert!(page.contains("Simhallschefen"), "the case that waits: {page}");
    // Another case under the same signature opens nothing.
    assert!(!fetch(&link.replace("/c/c-0000", "/c/c-0001")).starts_with("HTTP/1.1 200"));
    let stopped = Command::new("kill").arg("-INT").arg(running.id().to_string()).status().unwrap();
    assert!(stopped.success());
    assert!(running.wait().unwrap().success(), "Ctrl-C is how it ends");

    let (story, _) = told.split_once("\nKlicka själv").unwrap();
    let second = Played { _home: home, dir, told: story.to_owned() };
    let plain = |played: &Played| {
        let told = played.told.replace(&played.dir.display().to_string(), "DIR");
        // The record's id is random; it ends the bag's name.
        let bag = std::fs::read_dir(played.dir.join("bevis")).unwrap().next().unwrap().unwrap().file_name();
        told.replace(bag.to_str().unwrap(), "BAG")
    };
    assert_eq!(plain(first), plain(&second));
    // The morning after can be gone on with, on the same emulated platform.
    let again = second.other(&["run", "--once", "--at", "2026-11-17T08:00:00Z"]);
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
}

#[test]
fn a_folder_that_is_not_free_is_left_as_it_is() {
    let played = played();
    let again = demo(&played.dir);
    assert_eq!(again.status.code(), Some(2));
    let said = String::from_utf8(again.stderr).unwrap();
    assert!(said.contains("holds a demo already") && said.contains("--config"), "{said}");

    let other = tempfile::tempdir().unwrap();
    std::fs::create_dir(other.path().join("semesterbilder")).unwrap();
    let refused = demo(other.path());
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("not a demo"), "{said}");
    assert_eq!(std::fs::read_dir(other.path()).unwrap().count(), 1);

    let file = tempfile::NamedTempFile::new().unwrap();
    assert_eq!(demo(file.path()).status.code(), Some(2));
}
