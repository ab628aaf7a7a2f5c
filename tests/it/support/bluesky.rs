//! The real Bluesky network of `tests/bluesky`, started for one test run.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;

/// A running network; stops and leaves nothing when it is dropped, also when the test is killed.
#[derive(Debug)]
pub(crate) struct Network {
    /// Where the accounts live: the `api` of an account.
    pub(crate) pds_url: String,
    control: String,
    child: Option<Child>,
}

impl Network {
    /// The network that all tests of this run share: the one whose control port `UPPSIKT_BLUESKY_CONTROL` names, a
    /// new one if `UPPSIKT_REQUIRE_BLUESKY=1`, else none. Panics where it is required and does not start.
    pub(crate) fn of_this_run() -> Option<&'static Self> {
        // Never dropped, but the end of this process closes the network's standard input, and that stops it.
        static SHARED: OnceLock<Option<Network>> = OnceLock::new();
        let required = || std::env::var("UPPSIKT_REQUIRE_BLUESKY").is_ok_and(|value| value == "1");
        let shared = SHARED.get_or_init(|| match std::env::var("UPPSIKT_BLUESKY_CONTROL") {
            Ok(control) => Some(Self::attach(&control)),
            Err(_) => required().then(Self::start),
        });
        shared.as_ref()
    }

    /// Starts a network of its own. `tests/bluesky/setup.sh` must have run.
    pub(crate) fn start() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bluesky");
        let mut child = Command::new(folder.join("start.sh"))
            .arg("--until-stdin-closes")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            if let Some(ready) = line.strip_prefix("READY ") {
                let ready: Value = serde_json::from_str(ready).unwrap();
                let mut network = Self::attach(ready["control"].as_str().unwrap());
                network.child = Some(child);
                return network;
            }
            said.push_str(&line);
            said.push('\n');
        }
        panic!(
            "the Bluesky network did not start (has tests/bluesky/setup.sh run?): {:?}\n{said}",
            child.wait()
        );
    }

    fn attach(control: &str) -> Self {
        let control = control.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let mut network = Self { pds_url: String::new(), control, child: None };
        let about = network.control("GET", "/", &Value::Null);
        network.pds_url.push_str(about["pds"].as_str().unwrap());
        network
    }

    /// One request to the control port that `tests/bluesky/network.js` describes. Panics on every error.
    pub(crate) fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut stream = TcpStream::connect(&self.control).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(2))).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            self.control,
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{method} {path}: {body}");
        serde_json::from_str(body).unwrap()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.stdin.take());
            let _ = child.wait();
        }
    }
}
