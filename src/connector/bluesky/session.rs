//! Logging in, and staying logged in.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;

use super::super::ConnectorError;
use super::super::http::{Answer, Endpoint, Http, Method, Request};
use super::{error_of, rates, succeeded};

/// Log-ins we allow ourselves: well below Bluesky's 30 in 5 minutes and 300 a day, which the municipality's people
/// share when they log in with the password. Source: the rate limits at <https://docs.bsky.app/docs/advanced-guides/rate-limits>.
const LOGINS: [(usize, Duration); 2] = [(6, Duration::from_mins(5)), (100, Duration::from_hours(24))];

/// An open session.
#[derive(Debug)]
pub(super) struct Session {
    access: SecretString,
    refresh: SecretString,
    /// The server that holds the account's repository.
    pds: Endpoint,
}

impl Session {
    pub(super) fn access(&self) -> &SecretString {
        &self.access
    }

    pub(super) fn pds(&self) -> &Endpoint {
        &self.pds
    }

    /// A reading request for the method `name`.
    pub(super) fn get(&self, name: &str) -> Request {
        Request::get(&self.pds, &["xrpc", name]).costs(rates::REQUESTS, 1)
    }

    /// A writing request for the method `name`.
    pub(super) fn procedure(&self, name: &str) -> Request {
        Request::new(Method::Post, &self.pds, &["xrpc", name]).costs(rates::REQUESTS, 1)
    }
}

/// The way to a session, and the one that is open.
#[derive(Debug)]
pub(super) struct Sessions {
    entry: Endpoint,
    identifier: String,
    password: SecretString,
    open: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    session: Option<Arc<Session>>,
    logins: VecDeque<Instant>,
}

#[derive(Deserialize)]
struct Login {
    identifier: String,
    password: String,
}

/// What `createSession` and `refreshSession` answer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Opened {
    did: String,
    access_jwt: String,
    refresh_jwt: String,
    #[serde(default)]
    did_doc: serde_json::Value,
    active: Option<bool>,
    status: Option<String>,
}

/// True for the answers that mean "renew the session": on Bluesky a token that has run out is HTTP 400.
pub(super) fn has_run_out(answer: &Answer) -> bool {
    matches!(answer.status, 400 | 401)
        && matches!(error_of(answer).as_deref(), Some("ExpiredToken" | "InvalidToken"))
}

impl Sessions {
    pub(super) fn new(entry: Endpoint, login: &SecretString) -> Result<Self, String> {
        let login: Login = serde_json::from_str(login.expose_secret()).map_err(|_| {
            "login_file must hold {\"identifier\": \"...\", \"password\": \"...\"}".to_owned()
        })?;
        if login.identifier.trim().is_empty() || login.password.is_empty() {
            return Err("login_file: identifier and password must not be empty".to_owned());
        }
        Ok(Self {
            entry,
            identifier: login.identifier.trim().to_owned(),
            password: login.password.into(),
            open: Mutex::default(),
        })
    }

    pub(super) fn entry(&self) -> &Endpoint {
        &self.entry
    }

    /// The open session, opened now if there is none.
    pub(super) async fn current(&self, http: &Http, did: &str) -> Result<Arc<Session>, ConnectorError> {
        let mut state = self.open.lock().await;
        match &state.session {
            Some(session) => Ok(Arc::clone(session)),
            None => self.log_in(http, did, &mut state).await,
        }
    }

    /// A session in place of `old`, which the platform no longer takes. Of several callers with the same `old` one
    /// renews it: a refresh token is good for one renewal.
    pub(super) async fn renewed(
        &self,
        http: &Http,
        did: &str,
        old: &Arc<Session>,
    ) -> Result<Arc<Session>, ConnectorError> {
        let mut state = self.open.lock().await;
        match &state.session {
            Some(session) if !Arc::ptr_eq(session, old) => return Ok(Arc::clone(session)),
            _ => {}
        }
        let request = old.procedure("com.atproto.server.refreshSession").bearer(&old.refresh);
        let answer = http.authenticate(request).await?;
        if answer.is_success() {
            return self.opened(&answer, did, &mut state);
        }
        state.session = None;
        self.log_in(http, did, &mut state).await
    }

    async fn log_in(
        &self,
        http: &Http,
        did: &str,
        state: &mut State,
    ) -> Result<Arc<Session>, ConnectorError> {
        let now = Instant::now();
        for (most, period) in LOGINS {
            let recent: Vec<_> = state.logins.iter().filter(|at| now.duration_since(**at) < period).collect();
            if let Some(first) = recent.first().filter(|_| recent.len() >= most) {
                return Err(ConnectorError::RateLimited(period.saturating_sub(now.duration_since(**first))));
            }
        }
        while state.logins.len() >= LOGINS[1].0 {
            state.logins.pop_front();
        }
        state.logins.push_back(now);
        let body = json!({ "identifier": self.identifier, "password": self.password.expose_secret() });
        let request = Request::new(Method::Post, &self.entry, &["xrpc", "com.atproto.server.createSession"])
            .costs(rates::REQUESTS, 1)
            .costs(rates::LOGINS, 1)
            .costs(rates::LOGINS_A_DAY, 1)
            .json(&body);
        let answer = http.authenticate(request).await?;
        if !answer.is_success() {
            let error = error_of(&answer).unwrap_or_default();
            return Err(match (answer.status, error.as_str()) {
                (_, "AuthFactorTokenRequired") => ConnectorError::Unauthorized(
                    "login_file holds the account's own password, which needs a code by mail; make an app password"
                        .to_owned(),
                ),
                (400 | 401 | 403, _) => ConnectorError::Unauthorized(format!(
                    "log-in at {} refused with HTTP {} {error}; check login_file",
                    self.entry, answer.status
                )),
                _ => match succeeded(answer) {
                    Err(error) => error,
                    Ok(answer) => ConnectorError::Malformed(answer.place().to_owned()),
                },
            });
        }
        self.opened(&answer, did, state)
    }

    fn opened(&self, answer: &Answer, did: &str, state: &mut State) -> Result<Arc<Session>, ConnectorError> {
        let opened: Opened = answer.json()?;
        if opened.did != did {
            return Err(ConnectorError::Unauthorized(format!(
                "login_file logs in as {}, not as native_id {did}",
                if opened.did.len() < 200 { &opened.did } else { "another account" }
            )));
        }
        if opened.active == Some(false) {
            return Err(ConnectorError::Unauthorized(format!(
                "the account is not active ({})",
                opened.status.filter(|status| status.len() < 40).unwrap_or_default()
            )));
        }
        let pds = home(&opened.did_doc, did, &self.entry).unwrap_or_else(|| self.entry.clone());
        let session =
            Arc::new(Session { access: opened.access_jwt.into(), refresh: opened.refresh_jwt.into(), pds });
        state.session = Some(Arc::clone(&session));
        Ok(session)
    }
}

/// The server that the DID document names as the account's home, if it is one that may be spoken to: https, or
/// loopback when the entry itself is loopback (a document must not lead our token to a service on this machine).
fn home(document: &serde_json::Value, did: &str, entry: &Endpoint) -> Option<Endpoint> {
    let own = format!("{did}#atproto_pds");
    let address = document.get("service")?.as_array()?.iter().find_map(|service| {
        let id = service.get("id")?.as_str()?;
        let kind = service.get("type")?.as_str()?;
        ((id == "#atproto_pds" || id == own) && kind == "AtprotoPersonalDataServer")
            .then(|| service.get("serviceEndpoint")?.as_str())?
    })?;
    Endpoint::parse(address).ok().filter(|home| !home.is_loopback() || entry.is_loopback())
}

/// What `getSession` says of the account: its handle, as visitors see it, and why it is not active where it is not. A
/// handle that cannot be resolved for the moment is no name.
pub(super) fn account(body: &[u8]) -> Option<(Option<String>, Option<String>)> {
    #[derive(Deserialize)]
    struct Got {
        #[serde(default)]
        handle: String,
        active: Option<bool>,
        status: Option<String>,
    }
    let got: Got = serde_json::from_slice(body).ok()?;
    let handle = Some(got.handle).filter(|handle| !handle.is_empty() && handle != "handle.invalid");
    let inactive =
        (got.active == Some(false)).then(|| got.status.filter(|word| word.len() < 40).unwrap_or_default());
    Some((handle, inactive))
}

/// Reads `body` as an answer to a log-in.
pub(super) fn everything(did: &str, body: &[u8]) {
    let _ = account(body);
    let (Ok(opened), Ok(entry)) =
        (serde_json::from_slice::<Opened>(body), Endpoint::parse("https://bsky.social"))
    else {
        return;
    };
    let _ = home(&opened.did_doc, did, &entry);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_tells_the_handle_unless_it_is_lost_for_the_moment() {
        let ended = |word: &str| Some(word.to_owned());
        for (body, handle, inactive) in [
            (json!({ "handle": "exempel.se", "did": "did:plc:a", "active": true }), Some("exempel.se"), None),
            (json!({ "handle": "exempel.se" }), Some("exempel.se"), None),
            (json!({ "handle": "handle.invalid", "active": true }), None, None),
            (json!({}), None, None),
            (
                json!({ "handle": "a.se", "active": false, "status": "takendown" }),
                Some("a.se"),
                ended("takendown"),
            ),
            (json!({ "handle": "a.se", "active": false }), Some("a.se"), ended("")),
        ] {
            let told = account(body.to_string().as_bytes()).unwrap();
            assert_eq!(told, (handle.map(str::to_owned), inactive), "{body}");
        }
        for body in ["", "[]", "{\"handle\": 7}", "null"] {
            assert_eq!(account(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn the_home_in_the_document_is_taken_only_where_it_is_safe() {
        let outer = Endpoint::parse("https://bsky.social").unwrap();
        let inner = Endpoint::parse("http://localhost:2583").unwrap();
        for (address, from_outer, from_inner) in [
            ("https://morel.host.bsky.network", true, true),
            ("http://localhost:1", false, true),
            ("https://127.0.0.1", false, true),
            ("http://morel.host.bsky.network", false, false),
            ("https://u:p@morel.host.bsky.network", false, false),
            ("file:///etc/passwd", false, false),
            ("", false, false),
        ] {
            let document = json!({"service": [
                {"id": "#other", "type": "X", "serviceEndpoint": "https://other.example"},
                {"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": address},
            ]});
            assert_eq!(home(&document, "did:plc:a", &outer).is_some(), from_outer, "{address}");
            assert_eq!(home(&document, "did:plc:a", &inner).is_some(), from_inner, "{address}");
        }
        for document in
            [json!(null), json!({"service": 7}), json!({"service": [7, {}, {"id": 1}]}), json!([])]
        {
            assert_eq!(home(&document, "did:plc:a", &outer), None);
        }
    }
}
