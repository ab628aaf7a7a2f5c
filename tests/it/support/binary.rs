//! The program itself, run as a person runs it, against a sandbox in a process of its own.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use tempfile::TempDir;
use uppsikt::domain::comment::Platform;
use uppsikt::durable;

use super::municipality::{INSULTS_BY_ITSELF, Municipality, account};

/// The native id of the one account.
pub(crate) const PAGE: &str = "123456789012345";

const PROGRAM: &str = env!("CARGO_BIN_EXE_uppsikt");

/// `uppsikt sandbox` in a process of its own; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct SandboxProcess {
    child: Child,
    address: String,
}

impl SandboxProcess {
    fn start(seed: &Path) -> Self {
        let mut child = Command::new(PROGRAM)
            .args(["sandbox", "--listen", "127.0.0.1:0", "--seed"])
            .arg(seed)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("http://").unwrap().to_owned();
        Self { child, address }
    }

    fn ask(&self, request: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "{request} HTTP/1.1\r\nhost: sandbox\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{request} {body}: {answer}");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(!head.to_lowercase().contains("chunked"), "{head}");
        body.to_owned()
    }

    /// `POST /control/<verb>`.
    pub(crate) fn control(&self, verb: &str, body: &str) {
        self.ask(&format!("POST /control/{verb}"), body);
    }

    /// Sets a fault on the account.
    pub(crate) fn fault(&self, kind: &str, on: &str, times: u32) {
        self.control(
            "fault",
            &json!({ "account": PAGE, "kind": kind, "on": on, "times": times, "seconds": 1 }).to_string(),
        );
    }

    /// Takes all faults back.
    pub(crate) fn mend(&self) {
        self.control("fault", &json!({ "account": PAGE, "kind": "none" }).to_string());
    }

    fn lines(&self, what: &str) -> Vec<Value> {
        self.ask(&format!("GET /control/{what}"), "")
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Native id → (text, hidden, deleted).
    pub(crate) fn state(&self) -> BTreeMap<String, (String, bool, bool)> {
        self.lines("state")
            .iter()
            .map(|stood| {
                let text = |key: &str| stood[key].as_str().unwrap().to_owned();
                let flag = |key: &str| stood[key].as_bool().unwrap();
                (text("id"), (text("text"), flag("hidden"), flag("deleted")))
            })
            .collect()
    }

    /// The native ids that are hidden, in order.
    pub(crate) fn hidden(&self) -> Vec<String> {
        self.state().into_iter().filter(|(_, (_, hidden, _))| *hidden).map(|(id, _)| id).collect()
    }

    /// How many requests that write each object got.
    pub(crate) fn writes(&self) -> BTreeMap<String, usize> {
        let mut writes = BTreeMap::new();
        for asked in self.lines("requests") {
            assert_eq!(asked["violation"], Value::Null, "{asked}");
            if asked["writes"].as_bool().unwrap() {
                let object = asked["path"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
                *writes.entry(object).or_default() += 1;
            }
        }
        writes
    }
}

impl Drop for SandboxProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A seed line of a comment under post `post`.
pub(crate) fn comment(post: u32, id: u32, text: &str) -> String {
    let at = start() - TimeDelta::hours(1) + TimeDelta::seconds(i64::from(id));
    json!({
        "account": PAGE, "post": format!("{PAGE}_{post}"), "id": format!("{post}_{id}"), "parent": null,
        "author": { "id": format!("9{id}"), "name": format!("Person {id}") }, "at": at, "text": text,
    })
    .to_string()
}

/// Monday morning. Years ahead, so that what `decide` enters now never lies after it.
pub(crate) fn start() -> DateTime<Utc> {
    "2031-03-03T09:00:00Z".parse().unwrap()
}

/// A municipality: its configuration, its data folder and its page.
#[derive(Debug)]
pub(crate) struct Town {
    folder: TempDir,
    pub(crate) sandbox: SandboxProcess,
    /// The next pass's time.
    pub(crate) now: DateTime<Utc>,
    account: Watched,
}

/// The account that a town watches.
#[derive(Debug, Clone)]
pub(crate) struct Watched {
    pub(crate) id: String,
    pub(crate) platform: Platform,
    pub(crate) native: String,
    /// The line of the configuration that names the key's file.
    pub(crate) key: String,
    /// When its town's first pass is; the watch began two days before.
    pub(crate) start: DateTime<Utc>,
}

impl Watched {
    fn page() -> Self {
        Self {
            id: "fb".to_owned(),
            platform: Platform::Facebook,
            native: PAGE.to_owned(),
            key: "token_file = \"fb-token\"".to_owned(),
            start: start(),
        }
    }

    fn api(&self, address: &str) -> String {
        let path = match self.platform {
            Platform::Facebook => "facebook/v25.0",
            Platform::Instagram => "instagram/v25.0",
            Platform::Youtube => "youtube/v3",
            Platform::Linkedin => "linkedin/rest",
            Platform::X => "x/2",
            Platform::Bluesky => "bluesky",
        };
        format!("http://{address}/{path}")
    }
}

/// What a configuration in these tests can vary in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Set {
    pub(crate) mode: &'static str,
    pub(crate) automatic: bool,
    pub(crate) min_free: &'static str,
    /// Automatic hides by a rule and day.
    pub(crate) limit: u32,
}

impl Default for Set {
    fn default() -> Self {
        Self { mode: "act", automatic: true, min_free: "1 MiB", limit: 5 }
    }
}

impl Town {
    /// Seeds a page with `comments`, writes a configuration and runs `init`.
    pub(crate) fn with(set: Set, comments: &[String]) -> Self {
        Self::of(Watched::page(), "token", set, comments)
    }

    /// The same with another account, and what stands in its key's file.
    pub(crate) fn of(account: Watched, key: &str, set: Set, comments: &[String]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let seed = folder.path().join("seed.ndjson");
        durable::write(&seed, comments.join("\n").as_bytes(), 0o600).unwrap();
        let sandbox = SandboxProcess::start(&seed);
        let file = format!("secrets/{}", account.key.split('"').nth(1).unwrap());
        let town = Self { folder, sandbox, now: account.start, account };
        durable::create_folder(&town.path("secrets")).unwrap();
        durable::write(&town.path(&file), key.as_bytes(), 0o600).unwrap();
        town.configure(set);
        let init = town.run(&["init"]);
        assert!(init.status.success(), "{}", told(&init));
        town
    }

    /// As [`Town::with`], with automatic hiding of insults.
    pub(crate) fn new(comments: &[String]) -> Self {
        Self::with(Set::default(), comments)
    }

    /// Writes the configuration anew.
    pub(crate) fn configure(&self, set: Set) {
        let (limit, api) = (set.limit, self.account.api(&self.sandbox.address));
        let mut municipality = Municipality::in_folder(set.min_free)
            .but("per_rule_and_day = 5", &format!("per_rule_and_day = {limit}"))
            .but("hides_per_day = 20", &format!("hides_per_day = {}", limit * 4))
            .but("manager = true", "manager = true\ndeputy = \"erik\"")
            .and(MORE_PEOPLE);
        if set.automatic {
            municipality = municipality.and(INSULTS_BY_ITSELF);
        }
        let watched_from = (self.account.start - TimeDelta::hours(58)).to_rfc3339();
        let more = format!(
            "mode = \"{}\"\nwatched_from = \"{watched_from}\"\npoll = \"0 */5 * * * *\"\nby_hand = []\n\
             api = \"{api}\"\n{}",
            set.mode, self.account.key
        );
        municipality
            .and(&account(&self.account.id, self.account.platform.code(), &self.account.native, &more))
            .write(&self.path("uppsikt.toml"));
    }

    /// A path below the town's folder.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    /// The data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// The program with this configuration and these arguments.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.arg("--config").arg(self.path("uppsikt.toml")).args(arguments);
        command.env_remove("UPPSIKT_KILL_AT").env("RUST_LOG", "warn").stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// `run --once` at the town's time, which then goes on by `step`.
    pub(crate) fn pass(&mut self) -> Output {
        let at = self.tick();
        self.run(&["run", "--once", "--at", &at])
    }

    /// The time of the next pass; the one after it comes five minutes later.
    pub(crate) fn tick(&mut self) -> String {
        let at = self.now.to_rfc3339();
        // The platforms live in the same time.
        self.sandbox.control("clock", &serde_json::json!({ "at": at }).to_string());
        self.now += TimeDelta::minutes(5);
        at
    }

    /// Passes until one has nothing left to do, and was content.
    pub(crate) fn settle(&mut self) {
        let mut last = String::new();
        for _ in 0..6 {
            let output = self.pass();
            last = told(&output);
            let quiet = last.contains(" 0 judged, 0 preserved, 0 decisions entered, 0 acts gone on with");
            if output.status.code() == Some(0) && quiet {
                return;
            }
        }
        panic!("it does not become quiet: {last}");
    }

    /// `decide`; the exit code.
    pub(crate) fn decide(&self, case: &str, by: &str, outcome: &str) -> i32 {
        let output =
            self.run(&["decide", case, "--by", by, "--outcome", outcome, "--reason", "Riktlinjens punkt 1."]);
        output.status.code().unwrap()
    }

    /// The database, for reading.
    pub(crate) fn db(&self) -> Connection {
        Connection::open_with_flags(self.data().join("uppsikt.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
    }

    /// All rows of a query, each as its columns' texts joined by `|`.
    pub(crate) fn rows(&self, sql: &str) -> Vec<String> {
        rows(&self.db(), sql)
    }

    /// The one value of a query.
    pub(crate) fn one(&self, sql: &str) -> String {
        let mut rows = self.rows(sql);
        assert_eq!(rows.len(), 1, "{sql}: {rows:?}");
        rows.remove(0)
    }

    /// The state of the case of a comment.
    pub(crate) fn case(&self, native: &str) -> String {
        self.one(&format!(
            "select k.state from case_file k join comment c on c.id = k.comment where c.native_id = '{native}'"
        ))
    }

    /// The id of the case of a comment, as commands take it.
    pub(crate) fn case_id(&self, native: &str) -> String {
        self.one(&format!(
            "select printf('c-%06d', k.id) from case_file k join comment c on c.id = k.comment
             where c.native_id = '{native}'"
        ))
    }

    /// The open duties of the case of a comment, or (`""`) of no case.
    pub(crate) fn duties(&self, native: &str) -> Vec<String> {
        let about = if native.is_empty() {
            "d.case_id is null".to_owned()
        } else {
            format!(
                "d.case_id = (select k.id from case_file k join comment c on c.id = k.comment
                 where c.native_id = '{native}')"
            )
        };
        self.rows(&format!(
            "select d.kind from duty d where {about} and d.state in ('running', 'warned', 'overdue') order by 1"
        ))
    }
}

/// All rows of a query, each as its columns' texts joined by `|`.
pub(crate) fn rows(db: &Connection, sql: &str) -> Vec<String> {
    let mut query = db.prepare(sql).unwrap();
    let columns = query.column_count();
    query
        .query_map([], |row| {
            let values: rusqlite::Result<Vec<_>> = (0..columns)
                .map(|column| {
                    Ok(match row.get::<_, rusqlite::types::Value>(column)? {
                        rusqlite::types::Value::Null => String::new(),
                        rusqlite::types::Value::Integer(number) => number.to_string(),
                        rusqlite::types::Value::Real(number) => number.to_string(),
                        rusqlite::types::Value::Text(text) => text,
                        rusqlite::types::Value::Blob(bytes) => hex::encode(bytes),
                    })
                })
                .collect();
            Ok(values?.join("|"))
        })
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

/// What a run printed, both ways, and how it ended.
pub(crate) fn told(output: &Output) -> String {
    format!(
        "{:?}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Whether the process died of SIGKILL.
pub(crate) fn was_killed(output: &Output) -> bool {
    output.status.signal() == Some(9)
}

/// The bytes of a file.
pub(crate) fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Two more communicators, one of whom is away, and a deputy for the head.
const MORE_PEOPLE: &str = r#"[[person]]
id = "karin"
name = "Karin Exempel"
email = "karin@exempel.se"
roles = ["communicator"]
employed = true
trained = 2026-03-01
[[person]]
id = "ledig"
name = "Ledig Exempel"
email = "ledig@exempel.se"
roles = ["communicator"]
employed = true
trained = 2026-03-01
[[absence]]
person = "ledig"
from = 2026-01-01
kind = "leave"
"#;
