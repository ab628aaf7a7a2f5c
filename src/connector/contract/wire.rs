//! The wire between a connector and the real Bluesky network: notes every request, and spoils answers when told to.
//!
//! It is a wire and no platform: what it does not spoil comes from the network's own servers byte for byte, except that
//! the servers' address is replaced by the wire's, so that nobody goes past it. Faults that no healthy network gives (a
//! proxy's page, half an answer, an answer that is lost, 429, empty pages) are what a wire can do to it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::connector::http::script::{Asked, Reply, Server};

/// One fault, ordered in the words of the sandbox's control.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Fault {
    kind: String,
    #[serde(default = "once")]
    times: u32,
    on: Option<String>,
    #[serde(default)]
    path: String,
    seconds: Option<u32>,
    #[serde(default)]
    retry_after: bool,
}

fn once() -> u32 {
    1
}

impl Fault {
    fn is_for(&self, asked: &Asked) -> bool {
        let by_default = match self.kind.as_str() {
            "refuse" | "lost" | "500" => "write",
            "empty" => "read",
            _ => "any",
        };
        let on = match self.on.as_deref().unwrap_or(by_default) {
            "write" => writes(asked),
            "read" => !writes(asked),
            _ => true,
        };
        let path = asked.path.split('?').next().unwrap_or_default();
        on && path.contains(&self.path)
    }
}

/// Whether a request would change something.
fn writes(asked: &Asked) -> bool {
    asked.method != "GET"
}

/// Whether it opens or renews a session.
fn opens(asked: &Asked) -> bool {
    asked.path.contains("Session") && writes(asked)
}

#[derive(Debug, Default)]
struct State {
    faults: Vec<Fault>,
    /// Keys that the wire says have run out.
    ended: BTreeSet<String>,
    /// The keys that the network gave: of each session the key and what it is renewed with.
    given: Vec<(String, String)>,
    /// Cursors of the wire's own, and the network's that they stand for.
    again: BTreeMap<String, Option<String>>,
    /// The next cursor is no longer taken.
    lapsed: bool,
    /// Everything is answered with 429, and how often it was.
    full: Option<u32>,
}

/// The wire, before the network's servers.
#[derive(Debug)]
pub(super) struct Wire {
    server: Server,
    state: Arc<Mutex<State>>,
}

impl Wire {
    /// A wire to the server at `pds` (`http://host:port`).
    pub(super) async fn to(pds: &str) -> Self {
        let state = Arc::<Mutex<State>>::default();
        let (shared, pds) = (Arc::clone(&state), pds.trim_end_matches('/').to_owned());
        let server = Server::start(move |asked| answer(&mut shared.lock().unwrap(), &pds, asked)).await;
        Self { server, state }
    }

    /// Its address.
    pub(super) fn api(&self) -> String {
        self.server.endpoint.to_string()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Requests from now on meet this fault.
    pub(super) fn fault(&self, fault: Fault) {
        self.state().faults.push(fault);
    }

    /// Takes all faults back.
    pub(super) fn heal(&self) {
        self.state().faults.clear();
    }

    /// The next cursor that is sent is no longer taken.
    pub(super) fn lapse_a_cursor(&self) {
        self.state().lapsed = true;
    }

    /// Whether somebody else has used up the address's requests.
    pub(super) fn use_up(&self, is_full: bool) {
        self.state().full = is_full.then_some(0);
    }

    /// How often a request was refused because they are used up.
    pub(super) fn refused(&self) -> u32 {
        self.state().full.unwrap_or(0)
    }

    /// The keys given so far have run out, and what they are renewed with too if `wholly`.
    pub(super) fn end_sessions(&self, wholly: bool) {
        let mut state = self.state();
        for (key, renewal) in state.given.clone() {
            state.ended.insert(key);
            if wholly {
                state.ended.insert(renewal);
            }
        }
    }

    /// Every request that went through, in order.
    pub(super) fn asked(&self) -> Vec<Asked> {
        self.server.asked()
    }

    /// How many of them were acts.
    pub(super) fn writes(&self) -> usize {
        self.asked().iter().filter(|asked| writes(asked) && !opens(asked)).count()
    }

    /// Every key that went over the wire.
    pub(super) fn keys(&self) -> Vec<String> {
        self.state().given.iter().flat_map(|(key, renewal)| [key.clone(), renewal.clone()]).collect()
    }
}

fn error(status: u16, name: &str, message: &str) -> Reply {
    Reply::status(status, &json!({ "error": name, "message": message }).to_string())
}

/// An answer in the network's own form: status, head and body.
fn told(status: u16, name: &str, message: &str) -> (u16, String, Vec<u8>) {
    (status, String::new(), json!({ "error": name, "message": message }).to_string().into_bytes())
}

/// What comes back over the wire for a request.
fn answer(state: &mut State, pds: &str, asked: &Asked) -> Reply {
    if let Some(refused) = &mut state.full {
        *refused += 1;
        let headers = "Content-Type: application/json\r\nRateLimit-Limit: 3000\r\nRateLimit-Remaining: 0\r\n\
                       RateLimit-Policy: 3000;w=300\r\nRetry-After: 300\r\n";
        return Reply::Whole(429, headers.to_owned(), br#"{"error":"RateLimitExceeded"}"#.to_vec());
    }
    let place = state.faults.iter().position(|fault| fault.is_for(asked));
    let fault = place.map(|place| {
        let fault = &mut state.faults[place];
        fault.times -= 1;
        let met = fault.clone();
        if met.times == 0 {
            state.faults.remove(place);
        }
        met
    });
    if let Some(reply) = fault.as_ref().and_then(instead) {
        return reply;
    }
    let (path, cursor) = with_cursor(state, &asked.path);
    let key = header(&asked.head, "authorization").and_then(|value| value.strip_prefix("Bearer "));
    let (status, head, mut body) = if key.is_some_and(|key| state.ended.contains(key)) {
        told(400, "ExpiredToken", "Token has expired")
    } else if cursor.is_some() && std::mem::take(&mut state.lapsed) {
        told(400, "InvalidRequest", "Malformed cursor")
    } else {
        match forward(pds, &path, asked) {
            Some(answer) => answer,
            None => return Reply::Close,
        }
    };
    if opens(asked) && status == 200 {
        note_session(state, asked, pds, &mut body);
    }
    let kind = header(&head, "content-type").unwrap_or("application/json").to_owned();
    let mut headers = format!("Content-Type: {kind}\r\n");
    for name in ["date", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "ratelimit-policy"] {
        if let Some(value) = header(&head, name) {
            headers.extend([name, ": ", value, "\r\n"]);
        }
    }
    match fault.as_ref().map(|fault| fault.kind.as_str()) {
        Some("lost") => Reply::Close,
        Some("slow") => Reply::Silence,
        Some("500") => error(500, "InternalServerError", "Internal Server Error"),
        Some("truncated") => {
            body.truncate(body.len() / 2);
            Reply::Whole(status, headers, body)
        }
        Some("wrong_type") => Reply::Whole(status, headers.replace(&kind, "text/plain"), body),
        Some("empty") if status == 200 => {
            Reply::Whole(status, headers, emptied(state, &body, cursor.as_ref()))
        }
        _ => Reply::Whole(status, headers, body),
    }
}

/// The answer that comes instead of the request's being carried out.
fn instead(fault: &Fault) -> Option<Reply> {
    Some(match fault.kind.as_str() {
        "refuse" => error(400, "InvalidRequest", "The request was refused"),
        "localised" => error(400, "InvalidRequest", "Begäran är inte tillåten"),
        "string_error" => Reply::status(400, "\"InvalidRequest\""),
        "down" => error(503, "UpstreamFailure", "Upstream Failure"),
        "html" => {
            let page = "<!DOCTYPE html><html><title>Logga in</title><p>Gästnät</p></html>";
            Reply::Whole(200, "Content-Type: text/html\r\n".to_owned(), page.as_bytes().to_vec())
        }
        "429" => {
            let wait = if fault.retry_after {
                format!("Retry-After: {}\r\n", fault.seconds.unwrap_or(60))
            } else {
                String::new()
            };
            let body = br#"{"error":"RateLimitExceeded","message":"Rate Limit Exceeded"}"#;
            Reply::Whole(429, format!("Content-Type: application/json\r\n{wait}"), body.to_vec())
        }
        "lost" | "slow" | "500" | "truncated" | "wrong_type" | "empty" => return None,
        other => panic!("the wire knows no fault {other}"),
    })
}

/// The path with the network's own cursor in it, and that cursor.
fn with_cursor(state: &mut State, path: &str) -> (String, Option<String>) {
    let Some((place, query)) = path.split_once('?') else { return (path.to_owned(), None) };
    let mut cursor = None;
    let mut sent = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if name != "cursor" {
            sent.append_pair(&name, &value);
            continue;
        }
        cursor = state.again.get(value.as_ref()).cloned().unwrap_or(Some(value.into_owned()));
        if let Some(cursor) = &cursor {
            sent.append_pair("cursor", cursor);
        }
    }
    (format!("{place}?{}", sent.finish()), cursor)
}

/// Asks the network the same.
fn forward(pds: &str, path: &str, asked: &Asked) -> Option<(u16, String, Vec<u8>)> {
    let host = pds.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).ok()?;
    stream.set_read_timeout(Some(Duration::from_mins(1))).ok()?;
    // HTTP/1.0: the answer comes unchunked, and ends with the connection.
    let mut request = format!("{} {path} HTTP/1.0\r\nHost: {host}\r\n", asked.method);
    for line in asked.head.lines() {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        if !matches!(name.as_str(), "host" | "connection" | "content-length" | "accept-encoding") {
            request += line;
            request += "\r\n";
        }
    }
    let length = asked.body.len().to_string();
    request.extend(["Content-Length: ", &length, "\r\n\r\n", &asked.body]);
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, head, answer.split_off(end + 4)))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (own, value) = line.split_once(':')?;
        own.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// Notes the keys of a session that was opened, and lets its document name the wire as the account's home.
fn note_session(state: &mut State, asked: &Asked, pds: &str, body: &mut Vec<u8>) {
    let mut session: Value = serde_json::from_slice(body).unwrap();
    let key = |name: &str| session[name].as_str().unwrap().to_owned();
    // Keys given in the same second are the same text: what is given anew has not ended.
    state.ended.retain(|ended| *ended != key("accessJwt") && *ended != key("refreshJwt"));
    state.given.push((key("accessJwt"), key("refreshJwt")));
    let wire = format!("http://{}", header(&asked.head, "host").unwrap());
    for service in session["didDoc"]["service"].as_array_mut().into_iter().flatten() {
        if service["serviceEndpoint"] == pds {
            service["serviceEndpoint"] = Value::from(wire.clone());
        }
    }
    *body = session.to_string().into_bytes();
}

/// The answer with an empty list, and with a cursor that leads to the same page again.
fn emptied(state: &mut State, body: &[u8], cursor: Option<&String>) -> Vec<u8> {
    let mut told: Value = serde_json::from_slice(body).unwrap();
    for list in ["notifications", "feed"] {
        if told.get(list).is_some() {
            told[list] = json!([]);
            let own = format!("again-{}", state.again.len());
            told["cursor"] = Value::from(own.clone());
            state.again.insert(own, cursor.cloned());
        }
    }
    if told.get("posts").is_some() {
        told["posts"] = json!([]);
    }
    if let Some(replies) = told.pointer_mut("/thread/replies") {
        *replies = json!([]);
    }
    told.to_string().into_bytes()
}
