//! Bluesky (AT Protocol): replies under the municipality's own posts.
//!
//! Hiding is a record of our own, the *threadgate* of the root post, that lists the replies to be put behind a
//! click: <https://docs.bsky.app/docs/tutorials/thread-gates>. Only the root's author can write it, and every
//! writing of it is compare-and-swap, because people change it in the app too.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::http::{self, Answer, Endpoint, Http, Request};
use super::{
    Capabilities, Connector, ConnectorError, Cursor, Left, Look, Page, Purpose, Reading, Sighting, Standing,
    Surface, Target,
};
use crate::archive::Preserved;
use crate::domain::comment::{Platform, Visibility};
use crate::store::{Act, Intent};

mod gate;
mod rates;
mod reading;
mod session;
mod sweep;
mod thread;
mod view;

#[cfg(test)]
mod real;
#[cfg(test)]
mod tests;

pub use rates::within;
pub use reading::everything;
use session::{Session, Sessions};

/// The collection of posts.
const POST: &str = "app.bsky.feed.post";

/// One account on Bluesky.
///
/// The session lives in memory only: a start of the daemon costs one of the 300 log-ins that Bluesky allows a day,
/// so `run --once` every few minutes from a timer needs a pause of five minutes or more.
pub struct Bluesky {
    http: Http,
    did: String,
    sessions: Sessions,
}

impl fmt::Debug for Bluesky {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bluesky").field("did", &self.did).finish_non_exhaustive()
    }
}

impl Bluesky {
    /// The account `did`, reached through `api` (the entryway or its PDS) with `login`, the content of the
    /// login file: `{"identifier": "...", "password": "<app password>"}`.
    ///
    /// Asks nothing yet.
    ///
    /// # Errors
    /// A sentence for the administrator that names the key of the configuration and holds no secret.
    pub fn new(http: Http, api: &str, did: &str, login: &SecretString) -> Result<Self, String> {
        let entry = Endpoint::parse(api).map_err(|reason| format!("api {reason}"))?;
        if !did.starts_with("did:plc:") && !did.starts_with("did:web:") {
            return Err("native_id must be the account's DID, such as did:plc:abc".to_owned());
        }
        Ok(Self { http, did: did.to_owned(), sessions: Sessions::new(entry, login)? })
    }

    /// The hosts that this account speaks to: `api`'s, and the server that holds the account's repository, which only
    /// a log-in tells.
    pub async fn hosts(&self) -> Result<Vec<String>, ConnectorError> {
        let session = self.sessions.current(&self.http, &self.did).await?;
        let mut hosts = vec![self.sessions.entry().host().to_owned(), session.pds().host().to_owned()];
        hosts.dedup();
        Ok(hosts)
    }

    /// Reads, with the session renewed once if it has run out. Every answer of the platform below 500 comes back.
    async fn read(
        &self,
        ask: impl Fn(&Session) -> Request + Send + Sync,
    ) -> Result<(Answer, String), ConnectorError> {
        let session = self.sessions.current(&self.http, &self.did).await?;
        let request = ask(&session).bearer(session.access());
        let address = request.address();
        let answer = self.http.get(request).await?;
        rates::heed(&self.http, &answer);
        if !session::has_run_out(&answer) {
            return Ok((answer, address));
        }
        let session = self.sessions.renewed(&self.http, &self.did, &session).await?;
        let request = ask(&session).bearer(session.access());
        Ok((self.http.get(request).await?, address))
    }
}

/// The name of an error of XRPC, if the answer is one.
fn error_of(answer: &Answer) -> Option<String> {
    #[derive(Deserialize)]
    struct Fault {
        error: String,
    }
    let fault: Fault = answer.json().ok()?;
    // Names are short words; anything else is not shown.
    let is_name = fault.error.len() <= 64 && fault.error.bytes().all(|byte| byte.is_ascii_alphanumeric());
    Some(if is_name { fault.error } else { "an unnamed error".to_owned() })
}

/// The answer if it is a success, else the error that says what to do.
fn succeeded(answer: Answer) -> Result<Answer, ConnectorError> {
    if answer.is_success() {
        return Ok(answer);
    }
    let error = error_of(&answer).unwrap_or_default();
    let told = format!("{}: HTTP {} {error}", answer.place(), answer.status);
    Err(match (answer.status, error.as_str()) {
        (_, "InvalidSwap") => ConnectorError::Changed(told),
        (_, "RateLimitExceeded") => ConnectorError::RateLimited(answer.wait()),
        (401 | 403, _)
        | (
            _,
            "ExpiredToken"
            | "InvalidToken"
            | "AuthMissing"
            | "AuthenticationRequired"
            | "AccountTakedown"
            | "AccountDeactivated"
            | "AccountSuspended"
            | "RepoDeactivated"
            | "RepoTakendown"
            | "RepoSuspended",
        ) => ConnectorError::Unauthorized(told),
        (408 | 425, _) | (_, "UpstreamFailure" | "UpstreamTimeout" | "NotEnoughResources") => {
            ConnectorError::Unavailable(told)
        }
        _ => ConnectorError::Refused(told),
    })
}

/// The record key of a post in our own repository; `None` for every other address.
fn own_post<'a>(did: &str, uri: &'a str) -> Option<&'a str> {
    let key = uri
        .strip_prefix("at://")?
        .strip_prefix(did)?
        .strip_prefix('/')?
        .strip_prefix(POST)?
        .strip_prefix('/')?;
    let is_key = (1..=512).contains(&key.len())
        && !matches!(key, "." | "..")
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:~".contains(&byte));
    is_key.then_some(key)
}

/// The address of a post in our own repository.
fn own_uri(did: &str, key: &str) -> String {
    format!("at://{did}/{POST}/{key}")
}

/// The time in a record key (TID): 53 bits of microseconds since 1970, then 10 bits of clock id, in base 32.
/// Source: <https://atproto.com/specs/tid>.
fn time_of_key(key: &str) -> Option<DateTime<Utc>> {
    const DIGITS: &[u8] = b"234567abcdefghijklmnopqrstuvwxyz";
    if key.len() != 13 {
        return None;
    }
    let number = key.bytes().try_fold(0_u64, |number, byte| {
        let digit = DIGITS.iter().position(|known| *known == byte)?;
        number.checked_mul(32)?.checked_add(u64::try_from(digit).ok()?)
    })?;
    DateTime::from_timestamp_micros(i64::try_from(number >> 10).ok()?)
}

/// What the platform lets us do.
pub const CAPABILITIES: Capabilities = Capabilities {
    hide: true,
    restore: true,
    remove: false,
    reply: false,
    shows_hidden: true,
    surfaces: &[
        Surface { name: "svar under kontots inlägg", reading: Reading::EveryPass },
        Surface { name: "svar under äldre inlägg", reading: Reading::Swept },
        Surface {
            name: "citat av kontots inlägg",
            reading: Reading::ByHand("den som citerar skriver på sin egen sida"),
        },
    ],
    unconfirmed: &[],
    who_still_sees: "Svaret läggs bakom ”Dolda svar” längst ned i tråden: alla som klickar där kan läsa det, \
                             och det syns som vanligt i författarens egen profil. Svar under det följer med. Dolda \
                             svar kan läsas av vem som helst genom Blueskys öppna gränssnitt.",
};

#[async_trait]
impl Connector for Bluesky {
    fn platform(&self) -> Platform {
        Platform::Bluesky
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    async fn page(&self, from: Option<&Cursor>) -> Result<Page, ConnectorError> {
        sweep::page(self, from).await
    }

    async fn look(&self, target: &Target) -> Result<Look, ConnectorError> {
        let (answer, url) = self
            .read(|session| {
                session.get("app.bsky.feed.getPosts").query("uris", &target.native_id).purpose(Purpose::Look)
            })
            .await?;
        let answer = succeeded(answer)?;
        let found = {
            let posts: Posts<'_> = answer.json()?;
            http::elements(answer.place(), posts.posts)?
                .into_iter()
                .find(|raw| view::uri(raw).as_deref() == Some(&target.native_id))
                .map(|raw| view::comment(&self.did, raw, None))
        };
        let date = answer.date;
        let Some(comment) = found else {
            let sighting = self.absence(&target.native_id).await?;
            let gone = sighting == Sighting::Gone;
            let exchange = answer.exchange().filter(|_| gone);
            let answer = gone.then_some(answer.body);
            return Ok(Look { sighting, seen: None, answer, exchange, url, date });
        };
        let mut seen = comment.map_err(|error| http::malformed(answer.place(), &error))?.seen;
        // The gate is read from our own repository, which is the truth at once; the AppView lags behind it.
        let hidden = match own_post(&self.did, &seen.post_id) {
            Some(key) => self.gate(key).await?.is_some_and(|gate| gate.hides(&target.native_id)),
            None => false,
        };
        let (sighting, visibility) = if hidden {
            (Sighting::HiddenByUs, Visibility::Hidden)
        } else {
            (Sighting::Public, Visibility::Public)
        };
        seen.visibility = visibility;
        let exchange = answer.exchange();
        Ok(Look { sighting, seen: Some(seen), answer: Some(answer.body), exchange, url, date })
    }

    /// Whose key it is: Bluesky tells no end and no rights of an app password, only whether a session is open, and the
    /// account's handle, which may be another than before.
    async fn standing(&self) -> Result<Standing, ConnectorError> {
        let ask = |session: &Session| session.get("com.atproto.server.getSession").purpose(Purpose::Look);
        let (answer, _) = self.read(ask).await?;
        // Nothing is asked but whose session it is: the real server answers so for an account that it has suspended.
        if answer.status == 400 && error_of(&answer).as_deref() == Some("InvalidRequest") {
            return Err(ConnectorError::Unauthorized(format!(
                "{}: the server does not know the account of this session any more; is it suspended?",
                answer.place()
            )));
        }
        let answer = succeeded(answer)?;
        let Some((name, inactive)) = session::account(&answer.body) else {
            return Err(ConnectorError::Malformed(format!(
                "{}: the answer names no account",
                answer.place()
            )));
        };
        if let Some(status) = inactive {
            return Err(ConnectorError::Unauthorized(format!("the account is not active ({status})")));
        }
        Ok(Standing { holder: name.clone(), name, date: answer.date, ..Standing::default() })
    }

    async fn look_at_post(&self, native_id: &str) -> Result<Sighting, ConnectorError> {
        let (answer, _) = self
            .read(|session| {
                session.get("app.bsky.feed.getPosts").query("uris", native_id).purpose(Purpose::Look)
            })
            .await?;
        let answer = succeeded(answer)?;
        let posts: Posts<'_> = answer.json()?;
        let shown = http::elements(answer.place(), posts.posts)?;
        if shown.into_iter().any(|raw| view::uri(raw).as_deref() == Some(native_id)) {
            return Ok(Sighting::Public);
        }
        self.absence(native_id).await
    }

    fn budgets(&self) -> Vec<Left> {
        self.http.left()
    }

    async fn hide(&self, intent: &Intent, proof: &Preserved) -> Result<(), ConnectorError> {
        self.set_hidden(Act::Hide, intent, proof).await
    }

    async fn restore(&self, intent: &Intent, proof: &Preserved) -> Result<(), ConnectorError> {
        self.set_hidden(Act::Restore, intent, proof).await
    }
}

#[derive(Deserialize)]
struct Posts<'a> {
    #[serde(borrow)]
    posts: &'a RawValue,
}

impl Bluesky {
    /// Why a post is not shown: `getPosts` leaves out deleted posts and those of people who block us (or whom we
    /// block) alike, `getPostThread` tells them apart.
    async fn absence(&self, uri: &str) -> Result<Sighting, ConnectorError> {
        let (answer, _) = self
            .read(|session| {
                session
                    .get("app.bsky.feed.getPostThread")
                    .purpose(Purpose::Look)
                    .query("uri", uri)
                    .query("depth", "0")
                    .query("parentHeight", "0")
            })
            .await?;
        if answer.status == 400 && error_of(&answer).as_deref() == Some("NotFound") {
            return Ok(Sighting::Gone);
        }
        let answer = succeeded(answer)?;
        match thread::kind(&answer)? {
            thread::Kind::NotFound => Ok(Sighting::Gone),
            thread::Kind::Blocked => Ok(Sighting::NoRight),
            thread::Kind::Post => Err(ConnectorError::Unavailable(format!(
                "{}: the post is there, but another request did not show it",
                answer.place()
            ))),
        }
    }
}
