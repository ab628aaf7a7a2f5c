//! What Facebook and Instagram share: Meta's Graph API.
//!
//! The token goes in the `Authorization` header, so that no answer to a request for one object repeats it; the
//! addresses that lists hold (`paging.next`) do, and are therefore never followed, stored or shown: only their cursor
//! is taken.
//!
//! Source: Meta's pages "Handling Errors", "Rate Limits", "Securing requests", "Debug-token"; what is only in other
//! clients' code is said where it is used.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::Sha256;
use tokio::time::Instant;

use super::http::{Answer, Endpoint, Http, Method, Request};
use super::{ConnectorError, Post, Purpose, Sighting, Target, Token};
use crate::archive::Preserved;
use crate::clock::Clock;
use crate::domain::comment::Platform;
use crate::store::{Act, Intent};

mod error;
mod json;
mod place;
pub(super) mod standing;
pub(super) mod sweep;
#[cfg(test)]
pub(super) mod trial;
mod usage;

pub use error::Envelope;
pub use json::{Comments, Next, Posts, Thread};
pub use standing::{KeyFacts, key_facts};
pub use usage::{account_usage, app_usage, quotas};

pub(super) use error::{Doing, Failure, failure};
pub(super) use json::{Edge, Id, fault, read, text_of, time};

/// How long what a look told of our rights over a comment is taken for true.
const FRESH: Duration = Duration::from_mins(1);

/// How many comments' rights are remembered.
const REMEMBERED: usize = 256;

/// What differs between the two in words.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) platform: Platform,
    /// The rights that reading needs.
    pub(super) reading: &'static str,
    /// The rights that writing needs.
    pub(super) writing: &'static str,
    /// The use case in the usage header.
    pub(super) usage: &'static str,
}

impl Words {
    fn rights(&self, doing: Doing) -> &'static str {
        match doing {
            Doing::Reading => self.reading,
            Doing::Writing => self.writing,
        }
    }
}

/// What the platform lets us do with one comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Permits {
    pub(super) hide: bool,
    pub(super) remove: bool,
}

/// What a connector remembers between requests; a start of the daemon forgets it, and nothing is lost by that.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// The posts of the running sweep, to tell their counts beside their comments.
    pub(super) posts: BTreeMap<String, Post>,
    /// The older posts that the running turn has met, and those that the last whole turn met.
    pub(super) older: BTreeSet<String>,
    pub(super) older_before: BTreeSet<String>,
    /// Posts that were on the account's list and are no longer: what stood under them is gone with them.
    pub(super) vanished: BTreeSet<String>,
    /// Posts whose count differs from what they show although all answers were read: the two numbers.
    pub(super) settled: BTreeMap<String, (u64, u64)>,
    /// The account's own name, and whether the platform was asked for it.
    pub(super) own_name: Option<String>,
    pub(super) asked_name: bool,
    /// What looks told of our rights over comments.
    permits: BTreeMap<String, (Instant, Permits)>,
}

/// The way to the Graph API with one key.
pub(super) struct Graph {
    http: Http,
    api: Endpoint,
    token: Arc<Token>,
    app_secret: Option<SecretString>,
    clock: Clock,
    words: &'static Words,
    memory: Mutex<Memory>,
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Graph")
            .field("api", &self.api.to_string())
            .field("proves_app_secret", &self.app_secret.is_some())
            .finish_non_exhaustive()
    }
}

impl Graph {
    pub(super) fn new(
        http: Http,
        api: Endpoint,
        token: Arc<Token>,
        app_secret: Option<SecretString>,
        clock: Clock,
        words: &'static Words,
    ) -> Self {
        Self { http, api, token, app_secret, clock, words, memory: Mutex::default() }
    }

    pub(super) fn http(&self) -> &Http {
        &self.http
    }

    pub(super) fn api(&self) -> &Endpoint {
        &self.api
    }

    pub(super) fn token(&self) -> &Token {
        &self.token
    }

    pub(super) fn words(&self) -> &'static Words {
        self.words
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        // What a thread that panicked left is as good as nothing remembered, and nothing remembered is allowed.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for `segments` below the API; also gives the address, free of secrets.
    pub(super) async fn get(
        &self,
        segments: &[&str],
        query: &[(&str, &str)],
        purpose: Purpose,
    ) -> Result<(Answer, String), ConnectorError> {
        let key = self.token.current().await.access;
        let mut request = Request::get(&self.api, segments).bearer(&key).purpose(purpose);
        for (name, value) in query {
            request = request.query(name, value);
        }
        let address = request.address();
        if let Some(proof) = self.proof(&key) {
            // The API takes it as a parameter only; `http` shows it nowhere.
            request = request.query("appsecret_proof", proof.expose_secret());
        }
        let answer = self.http.get(usage::priced(request)).await?;
        self.hear(&answer);
        Ok((answer, address))
    }

    /// Asks for one object.
    pub(super) async fn object(
        &self,
        id: &str,
        fields: &str,
        purpose: Purpose,
    ) -> Result<Asked, ConnectorError> {
        let (answer, address) = self.get(&[id], &[("fields", fields)], purpose).await?;
        let date = answer.date;
        let object = match failure(&answer, Doing::Reading, self.words) {
            None => Object::There(answer),
            Some(Failure::Missing) => Object::Missing,
            Some(Failure::OutOfReach(_)) => Object::OutOfReach,
            Some(Failure::Object(error) | Failure::Error(error)) => return Err(error),
        };
        Ok(Asked { object, address, date })
    }

    /// The name of `object` as its field `field` tells it; `None` where the platform does not.
    pub(super) async fn own_name(&self, object: &str, field: &str) -> Result<Option<String>, ConnectorError> {
        let fields = format!("id,{field}");
        let Object::There(answer) = self.object(object, &fields, Purpose::Look).await?.object else {
            return Ok(None);
        };
        let named: serde_json::Value = answer.json()?;
        Ok(text_of(Some(&named), field))
    }

    /// Whether a comment that cannot be read is gone: deleted and out of reach look the same, and only what the same
    /// token still reads tells them apart.
    pub(super) async fn is_gone(&self, target: &Target) -> Result<bool, ConnectorError> {
        if self.memory().vanished.contains(&target.post_id) {
            return Ok(true);
        }
        if target.post_id == target.native_id {
            return Ok(false);
        }
        Ok(matches!(self.object(&target.post_id, "id", Purpose::Look).await?.object, Object::There(_)))
    }

    /// Whether a post of the account's own is still there. What is missing and what is out of reach may look the same: it
    /// is gone if the same key still reads the account.
    pub(super) async fn look_at_post(&self, id: &str, account: &str) -> Result<Sighting, ConnectorError> {
        match self.object(id, "id", Purpose::Look).await?.object {
            Object::There(_) => return Ok(Sighting::Public),
            Object::OutOfReach => return Ok(Sighting::NoRight),
            Object::Missing => {}
        }
        let reads = matches!(self.object(account, "id", Purpose::Look).await?.object, Object::There(_));
        Ok(if reads { Sighting::Gone } else { Sighting::NoRight })
    }

    /// Sends the one request that `intent` permits: `fields` in the body, or in the address of a DELETE.
    pub(super) async fn write(
        &self,
        method: Method,
        segments: &[&str],
        fields: &[(&str, &str)],
        (intent, proof): (&Intent, &Preserved),
    ) -> Result<Written, ConnectorError> {
        let key = self.token.current().await.access;
        let secret = self.proof(&key);
        let mut fields = fields.to_vec();
        if let Some(secret) = &secret {
            fields.push(("appsecret_proof", secret.expose_secret()));
        }
        let mut request = Request::new(method, &self.api, segments).bearer(&key);
        if method == Method::Delete {
            for (name, value) in fields {
                request = request.query(name, value);
            }
        } else {
            request = request.form(&fields);
        }
        let answer = self.http.write(intent, proof, usage::priced(request)).await?;
        self.hear(&answer);
        match failure(&answer, Doing::Writing, self.words) {
            Some(Failure::Object(error) | Failure::Error(error)) => Err(error),
            Some(Failure::Missing | Failure::OutOfReach(_)) => Ok(Written::Missing(answer)),
            None => Ok(Written::Answered(answer)),
        }
    }

    /// Carries out an update whose answer says `true` or `{"success": true}`.
    pub(super) async fn update(
        &self,
        id: &str,
        field: (&str, &str),
        permit: (&Intent, &Preserved),
    ) -> Result<(), ConnectorError> {
        match self.write(Method::Post, &[id], &[field], permit).await? {
            Written::Answered(answer) => told_done(&answer),
            // One comment that cannot be reached must not stop the account.
            Written::Missing(answer) => Err(self.out_of_reach(&answer)),
        }
    }

    /// Removes the comment; one that is gone already is as good as removed.
    pub(super) async fn remove(&self, permit: (&Intent, &Preserved)) -> Result<(), ConnectorError> {
        let target = permit.0.target();
        match self.write(Method::Delete, &[&target.native_id], &[], permit).await? {
            Written::Answered(answer) => told_done(&answer),
            Written::Missing(_) if self.is_gone(target).await? => Ok(()),
            Written::Missing(answer) => Err(self.out_of_reach(&answer)),
        }
    }

    /// Answers a comment; gives the answer's id.
    pub(super) async fn answer(
        &self,
        edge: &str,
        text: &str,
        permit: (&Intent, &Preserved),
    ) -> Result<String, ConnectorError> {
        let id = permit.0.target().native_id.as_str();
        match self.write(Method::Post, &[id, edge], &[("message", text)], permit).await? {
            Written::Answered(answer) => created(&answer.body).ok_or_else(|| {
                ConnectorError::OutcomeUnknown(format!(
                    "{}: HTTP {}, and the answer does not name what was written",
                    answer.place(),
                    answer.status
                ))
            }),
            Written::Missing(answer) => Err(self.out_of_reach(&answer)),
        }
    }

    fn out_of_reach(&self, answer: &Answer) -> ConnectorError {
        ConnectorError::Refused(format!(
            "{}: the comment no longer exists, or the token lacks {}",
            answer.place(),
            self.words.writing
        ))
    }

    /// Remembers what a look told of our rights, so that the act right after it need not ask again.
    pub(super) fn remember(&self, id: &str, permits: Permits) {
        let mut memory = self.memory();
        let now = Instant::now();
        memory.permits.retain(|_, (at, _)| now.duration_since(*at) < FRESH);
        if memory.permits.len() < REMEMBERED {
            memory.permits.insert(id.to_owned(), (now, permits));
        }
    }

    /// What a look told of our rights a moment ago.
    pub(super) fn remembered(&self, id: &str) -> Option<Permits> {
        let memory = self.memory();
        let (at, permits) = memory.permits.get(id)?;
        (at.elapsed() < FRESH).then_some(*permits)
    }

    /// Whether `bytes` hold our key: then they are no evidence.
    pub(super) async fn repeats_key(&self, bytes: &[u8]) -> bool {
        let key = self.token.current().await.access;
        contains(bytes, key.expose_secret().as_bytes())
    }

    /// HMAC-SHA256 of the token under the app's secret, in hexadecimal (`appsecret_proof`).
    fn proof(&self, key: &SecretString) -> Option<SecretString> {
        proof(self.app_secret.as_ref()?, key)
    }

    fn hear(&self, answer: &Answer) {
        if let Some(budget) = self.http.budget() {
            usage::hear(budget, &self.clock, self.words.usage, answer);
        }
    }
}

/// The app's id and secret, where a text holds both as Meta writes an app's token: `id|secret`.
fn app_id(text: &str) -> Option<(&str, &str)> {
    text.split_once('|').filter(|(id, _)| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()))
}

/// What came of asking for one object.
pub(super) struct Asked {
    pub(super) object: Object,
    /// The address, free of secrets.
    pub(super) address: String,
    pub(super) date: Option<DateTime<Utc>>,
}

pub(super) enum Object {
    There(Answer),
    /// Deleted, or outside of our rights.
    Missing,
    /// Outside of our rights, as the API says it.
    OutOfReach,
}

/// What came of a request that writes.
pub(super) enum Written {
    Answered(Answer),
    /// What it was about cannot be reached.
    Missing(Answer),
}

/// Whether the answer of an update says that it was carried out. The body of this answer is documented nowhere; both
/// forms are seen for other updates.
pub fn is_done(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Done {
        Plain(bool),
        Named { success: bool },
    }
    matches!(serde_json::from_slice(body), Ok(Done::Plain(true) | Done::Named { success: true }))
}

/// The id of what was written.
pub fn created(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Created {
        id: Id,
    }
    serde_json::from_slice::<Created>(body).ok()?.id.verbatim()
}

fn told_done(answer: &Answer) -> Result<(), ConnectorError> {
    if answer.is_success() && is_done(&answer.body) {
        return Ok(());
    }
    Err(ConnectorError::OutcomeUnknown(format!(
        "{}: HTTP {}, and the answer does not say that it was done",
        answer.place(),
        answer.status
    )))
}

/// The target, if `intent` permits `act` on what `proof` preserves.
pub(super) fn permits<'a>(
    intent: &'a Intent,
    proof: &Preserved,
    act: Act,
) -> Result<&'a Target, ConnectorError> {
    if intent.act() != act {
        return Err(ConnectorError::Refused(format!(
            "intent {} permits {:?}, not {act:?}",
            intent.id(),
            intent.act()
        )));
    }
    if intent.target().native_id != proof.comment().native {
        return Err(ConnectorError::Refused(format!(
            "intent {} names another comment than record {} preserves",
            intent.id(),
            proof.record()
        )));
    }
    Ok(intent.target())
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    !part.is_empty() && bytes.windows(part.len()).any(|window| window == part)
}

/// What shows that whoever holds `key` also knows the app's secret (`appsecret_proof`), which many apps demand; the secret
/// may have the app's id before it (`id|secret`, for `debug_token`).
pub(crate) fn proof(secret: &SecretString, key: &SecretString) -> Option<SecretString> {
    let plain = secret.expose_secret();
    let plain = app_id(plain).map_or(plain, |(_, rest)| rest);
    // HMAC takes keys of every length, so `ok` drops nothing.
    let mut mac = Hmac::<Sha256>::new_from_slice(plain.as_bytes()).ok()?;
    mac.update(key.expose_secret().as_bytes());
    Some(SecretString::from(hex::encode(mac.finalize().into_bytes())))
}
