//! From the wire to the emulated platforms and back.

use std::fmt::Write as _;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::control::{self, ControlError};
use super::fault::{Fault, Kind};
use super::line::Cut;
use super::world::{Asked, World};
use super::{Sandbox, facebook};

/// One emulated platform. Every method sees the same world: an account, its posts and their comments.
pub(super) trait Emulator: Sync {
    /// The account that a request is about, if it can be told.
    fn account_of(&self, world: &World, call: &Call) -> Option<String>;

    /// Carries a request out.
    fn answer(&self, world: &mut World, call: &Call) -> Answer;

    /// The answer of a request that met a fault instead of being carried out.
    fn fault(&self, fault: &Fault, call: &Call) -> Answer;
}

/// The platform that answers below `/<name>/`.
fn emulator(name: &str) -> Option<&'static dyn Emulator> {
    match name {
        "facebook" => Some(&facebook::Graph),
        _ => None,
    }
}

/// The largest body that is read; a seed of 5 000 comments is about 2 MB.
const LARGEST: usize = 64 * 1024 * 1024;

/// One request to a platform.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    /// The segments of the path after the platform's name, decoded.
    pub(super) path: Vec<String>,
    /// Query, form and the top level of a JSON body, in this order; values as text.
    pub(super) params: Vec<(String, String)>,
    /// From the `Authorization` header, else from `access_token`.
    pub(super) token: Option<String>,
    /// The address that the client used.
    pub(super) host: String,
}

impl Call {
    /// The first parameter of this name.
    pub(super) fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether it would change something.
    pub(super) fn writes(&self) -> bool {
        self.method != Method::GET && self.method != Method::HEAD
    }
}

/// A platform's answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) kind: &'static str,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
    /// What no client may do, and this one did.
    pub(super) violation: Option<&'static str>,
}

/// The routes of all platforms and of the control.
pub(super) fn router(sandbox: Sandbox) -> Router {
    Router::new()
        .route("/control/state", get(state))
        .route("/control/requests", get(requests))
        .route("/control/{verb}", post(act))
        .route("/{platform}/{*path}", any(on_platform))
        .fallback(nowhere)
        .layer(DefaultBodyLimit::max(LARGEST))
        .with_state(sandbox)
}

async fn nowhere() -> Response {
    problem(StatusCode::NOT_FOUND, "the sandbox has no such address")
}

async fn act(State(sandbox): State<Sandbox>, Path(verb): Path<String>, body: Bytes) -> Response {
    match control::act(&mut sandbox.world(), &verb, &body) {
        Ok(count) => Json(json!({ "ok": true, "count": count })).into_response(),
        Err(ControlError::Bad(reason)) => problem(StatusCode::BAD_REQUEST, &reason),
        Err(ControlError::Unknown(reason)) => problem(StatusCode::NOT_FOUND, &reason),
    }
}

async fn state(State(sandbox): State<Sandbox>) -> Response {
    let stood = sandbox.world().stood();
    ndjson(&stood)
}

#[derive(Deserialize)]
struct Since {
    #[serde(default)]
    since: u64,
}

async fn requests(State(sandbox): State<Sandbox>, Query(Since { since }): Query<Since>) -> Response {
    let asked = sandbox.world().asked(since);
    ndjson(&asked)
}

fn ndjson<T: Serialize>(lines: &[T]) -> Response {
    let mut text = String::new();
    for line in lines {
        let Ok(line) = serde_json::to_string(line) else { continue };
        text.push_str(&line);
        text.push('\n');
    }
    ([(header::CONTENT_TYPE, "application/x-ndjson; charset=utf-8")], text).into_response()
}

fn problem(status: StatusCode, reason: &str) -> Response {
    (status, Json(json!({ "error": reason }))).into_response()
}

async fn on_platform(
    State(sandbox): State<Sandbox>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    Path((name, _)): Path<(String, String)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(platform) = emulator(&name) else { return nowhere().await };
    let call = call(method, &uri, &headers, &body, &format!("/{name}/"));
    let (answer, fault, date) = {
        let mut world = sandbox.world();
        let account = platform.account_of(&world, &call);
        let fault = account.as_deref().and_then(|account| world.take_fault(account, call.writes()));
        let answer = match &fault {
            Some(fault) if fault.kind == Kind::Html => login_page(),
            Some(fault) if fault.instead() => platform.fault(fault, &call),
            _ => platform.answer(&mut world, &call),
        };
        remember(&mut world, &call, uri.path(), account, fault.as_ref(), &answer);
        (answer, fault, world.now())
    };
    match &fault {
        Some(fault) if fault.kind == Kind::Lost => cut.cut(),
        Some(fault) if fault.kind == Kind::Slow => tokio::time::sleep(fault.delay()).await,
        _ => {}
    }
    let truncated = fault.is_some_and(|fault| fault.kind == Kind::Truncated);
    send(answer, truncated, &date.format("%a, %d %b %Y %H:%M:%S GMT").to_string())
}

fn remember(
    world: &mut World,
    call: &Call,
    path: &str,
    account: Option<String>,
    fault: Option<&Fault>,
    answer: &Answer,
) {
    world.remember(Asked {
        n: 0,
        method: call.method.to_string(),
        path: path.to_owned(),
        keys: call.params.iter().map(|(key, _)| key.clone()).collect(),
        writes: call.writes(),
        account,
        fault: fault.map(|fault| format!("{:?}", fault.kind).to_lowercase()),
        status: answer.status,
        violation: answer.violation.map(str::to_owned),
    });
}

/// Reads a request as every platform's emulator wants it; what cannot be read is left out.
fn call(method: Method, uri: &Uri, headers: &HeaderMap, body: &[u8], below: &str) -> Call {
    let path = uri.path().strip_prefix(below).unwrap_or_default();
    let path = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
        .collect();
    let mut params: Vec<(String, String)> =
        url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let is_json =
        text_header(headers, "content-type").is_some_and(|kind| kind.starts_with("application/json"));
    if is_json {
        if let Ok(Value::Object(object)) = serde_json::from_slice(body) {
            params.extend(object.into_iter().map(|(key, value)| match value {
                Value::String(text) => (key, text),
                other => (key, other.to_string()),
            }));
        }
    } else {
        params.extend(url::form_urlencoded::parse(body).into_owned());
    }
    let token = text_header(headers, "authorization")
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("oauth"))
        .map(|(_, token)| token.trim().to_owned())
        .or_else(|| params.iter().find(|(key, _)| key == "access_token").map(|(_, value)| value.clone()))
        .filter(|token| !token.is_empty());
    let host = text_header(headers, "host").unwrap_or("sandbox.invalid").to_owned();
    Call { method, path, params, token, host }
}

fn text_header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn login_page() -> Answer {
    Answer {
        status: 200,
        kind: "text/html; charset=utf-8",
        headers: Vec::new(),
        body: b"<!DOCTYPE html><html><body><h1>Logga in</h1></body></html>".to_vec(),
        violation: None,
    }
}

fn send(mut answer: Answer, truncated: bool, date: &str) -> Response {
    if truncated {
        answer.body.truncate(answer.body.len() / 2);
    }
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(answer.kind));
    if let Ok(date) = HeaderValue::from_str(date) {
        headers.insert(header::DATE, date);
    }
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    response
}

/// JSON as PHP writes it: only ASCII, and `/` escaped. That is how the Graph API answers, and why evidence keeps
/// the bytes and not a text made from them.
pub(super) fn php_json(value: &Value) -> Vec<u8> {
    let plain = value.to_string();
    let mut out = String::with_capacity(plain.len() + plain.len() / 8);
    let mut units = [0_u16; 2];
    for letter in plain.chars() {
        match letter {
            // Outside of strings JSON has neither, so escaping every one is right.
            '/' => out.push_str("\\/"),
            letter if letter.is_ascii() => out.push(letter),
            letter => {
                for unit in letter.encode_utf16(&mut units) {
                    // Writing to a string cannot fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.into_bytes()
}
