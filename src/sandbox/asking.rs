//! How the emulators' tests ask: over a real socket, header lines included; and what answers are compared by.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Handle, Sandbox};

/// An answer: status, header lines with lower-case names, body. Status 0 = the connection ended without one.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

impl Reply {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// A client of one platform.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) handle: Handle,
    /// What stands before every path.
    pub(super) base: &'static str,
    /// Header lines of every request.
    pub(super) headers: Vec<(&'static str, String)>,
}

impl Client {
    /// A client of a sandbox that holds the seed.
    pub(super) async fn start(base: &'static str, seed: &[Value]) -> Self {
        let sandbox = Sandbox::new();
        if !seed.is_empty() {
            let lines: Vec<String> = seed.iter().map(Value::to_string).collect();
            sandbox.seed(&lines.join("\n")).unwrap();
        }
        let handle = sandbox.start("127.0.0.1:0".parse().unwrap()).await.unwrap();
        Self { handle, base, headers: vec![("Authorization", "Bearer TOKEN".to_owned())] }
    }

    pub(super) async fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, "", "").await
    }

    /// A request with a JSON body.
    pub(super) async fn send(&self, method: &str, path: &str, body: &Value) -> Reply {
        self.ask(method, path, "application/json", &body.to_string()).await
    }

    /// A request with a form.
    pub(super) async fn form(&self, path: &str, body: &str) -> Reply {
        self.ask("POST", path, "application/x-www-form-urlencoded", body).await
    }

    pub(super) async fn ask(&self, method: &str, path: &str, kind: &str, body: &str) -> Reply {
        let mut stream = TcpStream::connect(self.handle.addr()).await.unwrap();
        let mut request =
            format!("{method} {}{path} HTTP/1.1\r\nHost: {}\r\n", self.base, self.handle.addr());
        for (name, value) in &self.headers {
            request.extend([*name, ": ", value, "\r\n"]);
        }
        if !kind.is_empty() {
            request.extend(["Content-Type: ", kind, "\r\n"]);
        }
        let length = body.len().to_string();
        request.extend(["Connection: close\r\nContent-Length: ", &length, "\r\n\r\n", body]);
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Reply { status: 0, headers: BTreeMap::new(), body: bytes };
        };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let headers = head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        Reply { status, headers, body: bytes[end + 4..].to_vec() }
    }

    /// Does what `POST /control/<verb>` does.
    pub(super) fn control(&self, verb: &str, body: &Value) {
        self.handle.sandbox().control(verb, &body.to_string()).unwrap();
    }

    /// What no client may do, and this one did.
    pub(super) fn violations(&self) -> Vec<String> {
        self.handle.sandbox().requests().into_iter().filter_map(|asked| asked.violation).collect()
    }
}

/// What a value is made of: every path in it with the type that stands there; an array's elements share one path.
fn shape(value: &Value, at: &str, into: &mut BTreeSet<String>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    into.insert(format!("{at}: {kind}"));
    match value {
        Value::Array(elements) => {
            for element in elements {
                shape(element, &format!("{at}[]"), into);
            }
        }
        Value::Object(object) => {
            for (key, element) in object {
                shape(element, &format!("{at}.{key}"), into);
            }
        }
        _ => {}
    }
}

/// Fails unless `answer` is made of what `recorded` is made of. `absent` may be missing here though it was recorded,
/// `more` may stand here though it was not; each entry is a part of the path.
pub(super) fn same_shape(answer: &Value, recorded: &str, absent: &[&str], more: &[&str]) {
    let recorded: Value = serde_json::from_str(recorded).unwrap();
    let (mut here, mut there) = (BTreeSet::new(), BTreeSet::new());
    shape(answer, "", &mut here);
    shape(&recorded, "", &mut there);
    let unlike = |one: &BTreeSet<String>, other: &BTreeSet<String>, but: &[&str]| -> Vec<String> {
        one.difference(other).filter(|path| !but.iter().any(|but| path.contains(but))).cloned().collect()
    };
    assert_eq!(unlike(&there, &here, absent), Vec::<String>::new(), "was recorded and is not here");
    assert_eq!(unlike(&here, &there, more), Vec::<String>::new(), "is here and was not recorded");
}
