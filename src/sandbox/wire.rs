//! From the wire to the emulated platforms and back.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::consent;
use super::control::{self, ControlError};
use super::fault::{Fault, Kind};
use super::line::Cut;
use super::log::Asked;
use super::media::{Behaviour, Media};
use super::world::World;
use super::{Sandbox, bluesky, facebook, instagram, linkedin, x, youtube};

/// One emulated platform. Every method sees the same world: an account, its posts and their comments.
pub(super) trait Emulator: Sync {
    /// The account that a request is about, if it can be told.
    fn account_of(&self, world: &World, call: &Call) -> Option<String>;

    /// Carries a request out. What it uses of a quota goes through `World::spend`, what no client may do through
    /// `World::violation`. Where `call.empty` is set, a list comes without elements and with a next page that is
    /// the same again.
    fn answer(&self, world: &mut World, call: &Call) -> Answer;

    /// The answer of a request that met a fault: instead of being carried out, or (`500`) after it.
    fn fault(&self, fault: &Fault, call: &Call) -> Answer;
}

/// The platform that answers below `/<name>/`.
fn emulator(name: &str) -> Option<&'static dyn Emulator> {
    match name {
        "bluesky" => Some(&bluesky::Xrpc),
        "facebook" => Some(&facebook::Graph),
        "instagram" => Some(&instagram::Graph),
        "linkedin" => Some(&linkedin::Community),
        "x" => Some(&x::Api),
        "youtube" => Some(&youtube::DataApi),
        _ => None,
    }
}

/// The largest body that is read; a seed of 5 000 comments is about 2 MB.
const LARGEST: usize = 64 * 1024 * 1024;

/// One request to a platform.
#[derive(Debug, Clone, Default)]
pub(super) struct Call {
    pub(super) method: Method,
    /// The platform's name, as the path begins.
    pub(super) platform: String,
    /// The segments of the path after the platform's name, decoded.
    pub(super) path: Vec<String>,
    /// The path after the platform's name as it was sent, for platforms that are strict about escapes.
    pub(super) raw: String,
    /// Query, form and the top level of a JSON body, in this order; values as text.
    pub(super) params: Vec<(String, String)>,
    /// The body, where it is JSON; else null.
    pub(super) json: Value,
    /// The header lines, names in lower case.
    pub(super) headers: HeaderMap,
    /// From the `Authorization` header, else from `access_token`.
    pub(super) token: Option<String>,
    /// The address that the client used.
    pub(super) host: String,
    /// It met the fault `empty`.
    pub(super) empty: bool,
}

impl Call {
    /// The first parameter of this name.
    pub(super) fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A header line.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        text_header(&self.headers, name)
    }

    /// Whether it would change something.
    pub(super) fn writes(&self) -> bool {
        self.method != Method::GET && self.method != Method::HEAD
    }

    /// The path's segments, to be matched.
    pub(super) fn segments(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }
}

/// A platform's answer.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// The media type; empty = none is told.
    pub(super) kind: Cow<'static, str>,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// Any bytes.
    pub(super) fn bytes(status: u16, kind: &'static str, body: Vec<u8>) -> Self {
        Self { status, kind: kind.into(), headers: Vec::new(), body }
    }

    /// A text.
    pub(super) fn text(status: u16, kind: &'static str, body: &str) -> Self {
        Self::bytes(status, kind, body.as_bytes().to_vec())
    }

    /// JSON as most platforms write it.
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self::bytes(status, "application/json; charset=utf-8", body.to_string().into_bytes())
    }

    /// Nothing but a status.
    pub(super) fn none(status: u16) -> Self {
        Self::bytes(status, "", Vec::new())
    }

    /// The same with one more header line.
    #[must_use]
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// How many calls are in hand, by account.
type Busy = Arc<Mutex<HashMap<String, u32>>>;

/// The routes of all platforms and of the control.
pub(super) fn router(sandbox: Sandbox) -> Router {
    Router::new()
        .route("/control/state", get(async |State(Shared(sandbox, _))| ndjson(&sandbox.world().stood())))
        .route("/control/posts", get(async |State(Shared(sandbox, _))| ndjson(&sandbox.world().post_lines())))
        .route(
            "/control/accounts",
            get(async |State(Shared(sandbox, _))| ndjson(&sandbox.world().account_lines())),
        )
        .route(
            "/control/quotas",
            get(async |State(Shared(sandbox, _))| ndjson(&sandbox.world().quota_lines())),
        )
        .route("/control/requests", get(requests))
        .route("/control/{verb}", post(act))
        .route("/media/{id}", get(medium))
        .route("/{platform}/{*path}", any(on_platform))
        .fallback(nowhere)
        .layer(DefaultBodyLimit::max(LARGEST))
        .with_state(Shared(sandbox, Busy::default()))
}

/// What every request shares.
#[derive(Clone)]
struct Shared(Sandbox, Busy);

async fn nowhere() -> Response {
    problem(StatusCode::NOT_FOUND, "the sandbox has no such address")
}

async fn act(State(Shared(sandbox, _)): State<Shared>, Path(verb): Path<String>, body: Bytes) -> Response {
    match control::act(&mut sandbox.world(), &verb, &body) {
        Ok(count) => Json(json!({ "ok": true, "count": count })).into_response(),
        Err(ControlError::Bad(reason)) => problem(StatusCode::BAD_REQUEST, &reason),
        Err(ControlError::Unknown(reason)) => problem(StatusCode::NOT_FOUND, &reason),
    }
}

#[derive(Deserialize)]
struct Since {
    #[serde(default)]
    since: u64,
}

async fn requests(
    State(Shared(sandbox, _)): State<Shared>,
    Query(Since { since }): Query<Since>,
) -> Response {
    let asked = sandbox.world().log.since(since);
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

async fn medium(
    State(Shared(sandbox, _)): State<Shared>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    Path(id): Path<String>,
    method: Method,
    uri: Uri,
) -> Response {
    let medium = sandbox.world().medium(&id);
    let answer = medium.as_ref().map_or_else(|| Answer::text(404, "text/plain", ""), Media::answer);
    let date = {
        let mut world = sandbox.world();
        let asked = Asked {
            n: 0,
            at: world.now(),
            platform: "media".to_owned(),
            method: method.to_string(),
            path: uri.path().to_owned(),
            keys: Vec::new(),
            writes: false,
            account: None,
            spent: Vec::new(),
            fault: None,
            status: answer.status,
            violation: None,
        };
        world.remember(asked);
        http_date(&world)
    };
    if let Some(medium) = medium {
        tokio::time::sleep(medium.delay()).await;
        if medium.behaviour == Behaviour::Truncated {
            cut.cut();
        }
    }
    send(answer, false, &date)
}

async fn on_platform(
    State(Shared(sandbox, busy)): State<Shared>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    Path((name, _)): Path<(String, String)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(platform) = emulator(&name) else { return nowhere().await };
    let mut call = call(method, &uri, headers, &body, &name);
    let (answer, fault, date, delay, place) = {
        let mut world = sandbox.world();
        let account = platform.account_of(&world, &call);
        let fault = world.take_fault(account.as_deref(), call.writes(), uri.path());
        let place = Place::take(&busy, &format!("{name}/{}", account.as_deref().unwrap_or_default()));
        let settings = account.as_deref().and_then(|account| world.account(account));
        let delay = settings.map_or(0, |account| account.delay_ms);
        if let Some(most) = settings.and_then(|account| account.concurrent)
            && place.at_once > most
        {
            world.violation(&format!("{} calls at once, more than {most}", place.at_once));
        }
        if let Some(account) = &account
            && world.account(account).is_some_and(|account| account.platform.is_none())
        {
            world.change_account(account, |account| account.platform = Some(name.clone()));
        }
        call.empty = fault.as_ref().is_some_and(|fault| fault.kind == Kind::Empty);
        let answer = answer(&mut world, platform, &call, fault.as_ref());
        let asked = Asked {
            n: 0,
            at: world.now(),
            platform: name,
            method: call.method.to_string(),
            path: uri.path().to_owned(),
            keys: call.params.iter().map(|(key, _)| key.clone()).collect(),
            writes: call.writes(),
            account,
            spent: Vec::new(),
            fault: fault.as_ref().map(|fault| fault.kind.word().to_owned()),
            status: answer.status,
            violation: None,
        };
        world.remember(asked);
        (answer, fault, http_date(&world), delay, place)
    };
    if delay > 0 {
        tokio::time::sleep(Duration::from_millis(delay.into())).await;
    }
    if let Some(fault) = &fault {
        tokio::time::sleep(fault.delay()).await;
        if fault.kind == Kind::Lost {
            cut.cut();
        }
    }
    drop(place);
    send(answer, fault.is_some_and(|fault| fault.kind == Kind::Truncated), &date)
}

/// The answer of a platform, with the fault that the request met.
fn answer(world: &mut World, platform: &dyn Emulator, call: &Call, fault: Option<&Fault>) -> Answer {
    // The pages for people are other servers' than the interface: its faults are not theirs.
    if let Some(page) = consent::page(world, call) {
        return page;
    }
    let mut answer = match fault {
        Some(fault) if fault.kind == Kind::Html => login_page(),
        Some(fault) if fault.instead() => platform.fault(fault, call),
        Some(fault) if fault.kind == Kind::Failed => {
            platform.answer(world, call);
            platform.fault(fault, call)
        }
        _ => platform.answer(world, call),
    };
    if let Some(fault) = fault {
        if let (Kind::TooMany, true) = (fault.kind, fault.retry_after) {
            answer.headers.push(("retry-after", fault.seconds.unwrap_or(60).to_string()));
        }
        if fault.kind == Kind::WrongType {
            answer.kind = "text/plain".into();
        }
        answer.status = fault.status.unwrap_or(answer.status);
    }
    answer
}

/// A call in hand; it is over when this is dropped, also when the client went away.
struct Place {
    busy: Busy,
    who: String,
    at_once: u32,
}

impl Place {
    fn take(busy: &Busy, who: &str) -> Self {
        let mut calls = busy.lock().unwrap_or_else(PoisonError::into_inner);
        let count = calls.entry(who.to_owned()).or_default();
        *count += 1;
        Self { busy: Arc::clone(busy), who: who.to_owned(), at_once: *count }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut calls = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = calls.get_mut(&self.who) {
            *count = count.saturating_sub(1);
        }
    }
}

fn http_date(world: &World) -> String {
    world.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Reads a request as every platform's emulator wants it; what cannot be read is left out.
fn call(method: Method, uri: &Uri, headers: HeaderMap, body: &[u8], platform: &str) -> Call {
    let raw = uri.path().strip_prefix(&format!("/{platform}/")).unwrap_or_default().to_owned();
    let path = raw
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
        .collect();
    let mut params: Vec<(String, String)> =
        url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let is_json =
        text_header(&headers, "content-type").is_some_and(|kind| kind.starts_with("application/json"));
    let mut json = Value::Null;
    if is_json {
        json = serde_json::from_slice(body).unwrap_or_default();
        params.extend(json.as_object().into_iter().flatten().map(|(key, value)| match value {
            Value::String(text) => (key.clone(), text.clone()),
            other => (key.clone(), other.to_string()),
        }));
    } else {
        params.extend(url::form_urlencoded::parse(body).into_owned());
    }
    let token = text_header(&headers, "authorization")
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("oauth"))
        .map(|(_, token)| token.trim().to_owned())
        .or_else(|| params.iter().find(|(key, _)| key == "access_token").map(|(_, value)| value.clone()))
        .filter(|token| !token.is_empty());
    let host = text_header(&headers, "host").unwrap_or("sandbox.invalid").to_owned();
    Call {
        method,
        platform: platform.to_owned(),
        path,
        raw,
        params,
        json,
        headers,
        token,
        host,
        empty: false,
    }
}

fn text_header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn login_page() -> Answer {
    Answer::text(
        200,
        "text/html; charset=utf-8",
        "<!DOCTYPE html><html><body><h1>Logga in</h1></body></html>",
    )
}

fn send(mut answer: Answer, truncated: bool, date: &str) -> Response {
    if truncated {
        answer.body.truncate(answer.body.len() / 2);
    }
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if let (false, Ok(kind)) = (answer.kind.is_empty(), HeaderValue::from_str(&answer.kind)) {
        headers.insert(header::CONTENT_TYPE, kind);
    }
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

/// A text that can stand in an address.
pub(super) fn base64(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

/// The text that `base64` wrote.
pub(super) fn unbase64(text: &str) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()
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
