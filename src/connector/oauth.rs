//! Keys that a program renews by itself (RFC 6749 §6): YouTube's, LinkedIn's and X's.
//!
//! The three differ in where they renew, in how the app names itself, and in whether the refresh token changes:
//! Google's stays, LinkedIn's stays and ends a year after the first grant whatever is renewed, X's is good for one use.
//! A renewal whose answer is lost may thus cost the key on X; nothing but a person's new consent mends that, and the
//! refusal of the next renewal says so.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

use super::ConnectorError;
use super::http::{Answer, Endpoint, Http, Method, Request};
use super::token::{Grant, Token};
use crate::archive::Preserved;
use crate::clock::Clock;
use crate::store::Intent;

/// A key is renewed when it has less than this left, so that no request is made with one that ends on the way.
const MARGIN: TimeDelta = TimeDelta::minutes(5);

/// The longest life of a key that is believed: ten years, in seconds.
const LONGEST: u64 = 10 * 366 * 24 * 60 * 60;

/// How an app names itself to the token endpoint (RFC 6749 §2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// Id and secret are fields of the form.
    Form,
    /// Id and secret stand in `Authorization: Basic`; an app without a secret names its id in the form.
    Basic,
}

/// A key and the way to its next one.
pub struct Key {
    token: Arc<Token>,
    http: Http,
    /// The whole address of the token endpoint.
    endpoint: Endpoint,
    naming: Naming,
    clock: Clock,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("endpoint", &self.endpoint.to_string()).finish_non_exhaustive()
    }
}

impl Key {
    /// The key `token`, renewed at `endpoint` (the whole address).
    pub fn new(token: Arc<Token>, http: Http, endpoint: Endpoint, naming: Naming, clock: Clock) -> Self {
        Self { token, http, endpoint, naming, clock }
    }

    /// The time that the key's end is compared with.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Where it is renewed.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The grant as it stands; asks nothing.
    pub async fn grant(&self) -> Grant {
        self.token.current().await
    }

    /// The key to make a request with, renewed first if it is about to end.
    ///
    /// # Errors
    /// As [`Key::renewed`], where the old key no longer works.
    pub async fn access(&self) -> Result<SecretString, ConnectorError> {
        Ok(self.within(MARGIN).await?.access)
    }

    /// The grant, renewed first if its key ends within `margin` and it can be renewed.
    ///
    /// # Errors
    /// As [`Key::renewed`], where the old key no longer works; a key that still does is given all the same.
    pub async fn within(&self, margin: TimeDelta) -> Result<Grant, ConnectorError> {
        let grant = self.token.current().await;
        let now = self.clock.now();
        if grant.refresh.is_none() || grant.expires_at.is_none_or(|end| end - now > margin) {
            return Ok(grant);
        }
        match self.renewed(&grant.access).await {
            Ok(renewed) => Ok(renewed),
            Err(error) if grant.expires_at.is_some_and(|end| end > now) && margin <= MARGIN => {
                tracing::warn!(%error, "a key could not be renewed yet");
                Ok(grant)
            }
            Err(error) => Err(error),
        }
    }

    /// Asks for what `ask` makes of a key, with the key renewed once where the answer says that it is no longer taken and it
    /// can be renewed; also gives the address.
    ///
    /// # Errors
    /// As [`Http::get`] and [`Key::renewed`].
    pub async fn get(
        &self,
        http: &Http,
        ask: impl Fn(SecretString) -> Request + Send + Sync,
        is_refused: fn(&Answer) -> bool,
    ) -> Result<(Answer, String), ConnectorError> {
        let key = self.access().await?;
        let request = ask(key.clone());
        let address = request.address();
        let answer = http.get(request).await?;
        if !is_refused(&answer) || self.grant().await.refresh.is_none() {
            return Ok((answer, address));
        }
        let grant = self.renewed(&key).await?;
        Ok((http.get(ask(grant.access)).await?, address))
    }

    /// Sends the one write that `intent` permits. Where the key had ended nothing was carried out: it is renewed, and the
    /// next try has another; nothing is sent twice.
    ///
    /// # Errors
    /// As [`Http::write`]; `Unavailable` after a renewal.
    pub async fn write(
        &self,
        http: &Http,
        (intent, proof): (&Intent, &Preserved),
        request: Request,
        is_refused: fn(&Answer) -> bool,
    ) -> Result<Answer, ConnectorError> {
        let key = self.access().await?;
        let answer = http.write(intent, proof, request.bearer(&key)).await?;
        if is_refused(&answer) && self.grant().await.refresh.is_some() {
            self.renewed(&key).await?;
            return Err(ConnectorError::Unavailable(format!("{}: the key had ended", answer.place())));
        }
        Ok(answer)
    }

    /// A grant in place of the one whose key was `old`, which the platform no longer takes.
    ///
    /// # Errors
    /// `Unauthorized` where there is no refresh token or it is no longer taken: a person must consent anew.
    /// `Unavailable` and `RateLimited` as the endpoint says.
    pub async fn renewed(&self, old: &SecretString) -> Result<Grant, ConnectorError> {
        self.token.renew(old, |grant| self.ask(grant)).await
    }

    async fn ask(&self, old: Grant) -> Result<Grant, ConnectorError> {
        let Some(refresh) = &old.refresh else {
            return Err(ConnectorError::Unauthorized(
                "the key is no longer taken and cannot be renewed: connect the account again".to_owned(),
            ));
        };
        let mut fields = vec![("grant_type", "refresh_token"), ("refresh_token", refresh.expose_secret())];
        let mut request = Request::new(Method::Post, &self.endpoint, &[]);
        match (self.naming, &old.client_id, &old.client_secret) {
            (Naming::Basic, Some(id), Some(secret)) => request = request.basic(id, secret),
            (_, Some(id), secret) => {
                fields.push(("client_id", id));
                if let Some(secret) = secret {
                    fields.push(("client_secret", secret.expose_secret()));
                }
            }
            (_, None, _) => {}
        }
        let answer = self.http.authenticate(request.form(&fields)).await?;
        let told = granted(&answer)?;
        let now = self.clock.now();
        let until = |seconds: Option<u64>| {
            let seconds = i64::try_from(seconds?.min(LONGEST)).ok()?;
            Some(now + TimeDelta::seconds(seconds))
        };
        let refresh_ends = until(told.refresh_expires_in);
        Ok(Grant {
            access: told.access,
            refresh: told.refresh.or_else(|| old.refresh.clone()),
            expires_at: until(told.expires_in),
            // LinkedIn's ends a year after the first grant, whatever is renewed: never a later day than was known.
            refresh_expires_at: match (old.refresh_expires_at, refresh_ends) {
                (Some(known), Some(told)) => Some(known.min(told)),
                (known, told) => known.or(told),
            },
            client_id: old.client_id,
            client_secret: old.client_secret,
        })
    }
}

/// What a token endpoint granted.
pub struct Granted {
    access: SecretString,
    refresh: Option<SecretString>,
    /// Seconds.
    expires_in: Option<u64>,
    /// Seconds.
    refresh_expires_in: Option<u64>,
}

impl fmt::Debug for Granted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Granted")
            .field("rotates", &self.refresh.is_some())
            .field("expires_in", &self.expires_in)
            .field("refresh_expires_in", &self.refresh_expires_in)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Stored {
    access_token: Option<String>,
    refresh_token: Option<String>,
    #[serde(default)]
    expires_in: Value,
    #[serde(default)]
    refresh_token_expires_in: Value,
}

/// Reads the body of a token endpoint's answer; `None` where it grants nothing.
pub fn parse(body: &[u8]) -> Option<Granted> {
    let stored: Stored = serde_json::from_slice(body).ok()?;
    Some(Granted {
        access: stored.access_token.filter(|token| !token.is_empty())?.into(),
        refresh: stored.refresh_token.filter(|token| !token.is_empty()).map(SecretString::from),
        expires_in: stored.expires_in.as_u64(),
        refresh_expires_in: stored.refresh_token_expires_in.as_u64(),
    })
}

/// The word of an error in the form of RFC 6749 §5.2, where `error` is a text, not an object; never the description,
/// which may quote what was sent.
pub fn error_word(body: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let word = value.get("error")?.as_str()?;
    let is_word =
        !word.is_empty() && word.len() <= 64 && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    Some(if is_word { word.to_owned() } else { "an unnamed error".to_owned() })
}

fn granted(answer: &Answer) -> Result<Granted, ConnectorError> {
    if answer.is_success()
        && let Some(granted) = parse(&answer.body)
    {
        return Ok(granted);
    }
    let place = answer.place();
    let status = answer.status;
    Err(match error_word(&answer.body).as_deref() {
        Some("temporarily_unavailable" | "server_error" | "internal_failure") => ConnectorError::Unavailable(
            format!("{place}: HTTP {status}, the platform renews no keys for the moment"),
        ),
        Some(word) => ConnectorError::Unauthorized(format!(
            "{place}: HTTP {status} {word}: the key can no longer be renewed; connect the account again"
        )),
        None if answer.is_success() => {
            ConnectorError::Malformed(format!("{place}: HTTP {status} without a key"))
        }
        None => ConnectorError::Unauthorized(format!(
            "{place}: HTTP {status}: the key was not renewed; connect the account again"
        )),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::http::script::{Reply, Server};
    use super::*;

    const NOW: &str = "2026-11-23T12:00:00Z";

    fn grant(seconds_left: i64) -> Grant {
        let now: DateTime<Utc> = NOW.parse().unwrap();
        Grant {
            refresh: Some("gammal-nyckel".into()),
            expires_at: Some(now + TimeDelta::seconds(seconds_left)),
            refresh_expires_at: Some(now + TimeDelta::days(30)),
            client_id: Some("app".to_owned()),
            client_secret: Some("apphemlighet".into()),
            ..Grant::bare("a1".into())
        }
    }

    fn key(server: &Server, grant: Grant, naming: Naming) -> Key {
        let http = Http::for_tests(Duration::from_millis(500));
        let clock = Clock::manual(NOW.parse().unwrap());
        Key::new(
            Arc::new(Token::fixed(grant)),
            http,
            server.endpoint.with_path("/2/oauth2/token"),
            naming,
            clock,
        )
    }

    #[tokio::test]
    async fn a_key_is_renewed_before_it_ends_and_not_earlier() {
        let body = r#"{"access_token":"a2","refresh_token":"r2","expires_in":7200,"refresh_token_expires_in":31536000}"#;
        for (left, expected) in [(7_200, "a1"), (301, "a1"), (299, "a2"), (-60, "a2")] {
            let server = Server::start(move |_| Reply::status(200, body)).await;
            let key = key(&server, grant(left), Naming::Form);
            assert_eq!(key.access().await.unwrap().expose_secret(), expected, "{left}");
        }
    }

    #[tokio::test]
    async fn the_end_of_a_refresh_token_is_never_moved_to_a_later_day() {
        let body = r#"{"access_token":"a2","expires_in":5184000,"refresh_token_expires_in":31536000}"#;
        let server = Server::start(move |_| Reply::status(200, body)).await;
        let key = key(&server, grant(0), Naming::Form);
        let renewed = key.renewed(&"a1".into()).await.unwrap();
        assert_eq!(renewed.refresh_expires_at, grant(0).refresh_expires_at);
        assert_eq!(
            renewed.refresh.unwrap().expose_secret(),
            "gammal-nyckel",
            "where none is told the old one stays"
        );
        assert_eq!(renewed.expires_at, Some("2027-01-22T12:00:00Z".parse().unwrap()));
    }

    #[tokio::test]
    async fn the_app_names_itself_as_the_platform_wants_it() {
        for (naming, secret, in_head, in_body) in [
            (Naming::Form, true, false, "client_id=app&client_secret=apphemlighet"),
            (Naming::Basic, true, true, ""),
            (Naming::Basic, false, false, "client_id=app"),
        ] {
            let server = Server::start(|_| Reply::status(200, r#"{"access_token":"a2"}"#)).await;
            let mut grant = grant(0);
            grant.client_secret = grant.client_secret.filter(|_| secret);
            let key = key(&server, grant, naming);
            key.renewed(&"a1".into()).await.unwrap();
            let asked = server.asked().remove(0);
            assert_eq!(asked.path, "/2/oauth2/token");
            assert_eq!(asked.head.to_lowercase().contains("authorization: basic"), in_head, "{naming:?}");
            assert!(asked.body.ends_with(in_body), "{}", asked.body);
            assert_eq!(asked.body.contains("client_secret"), naming == Naming::Form);
        }
    }

    #[tokio::test]
    async fn a_refusal_of_the_endpoint_asks_for_a_person_and_shows_nothing_secret() {
        let table = [
            (
                400,
                r#"{"error":"invalid_grant","error_description":"gammal-nyckel has expired"}"#,
                "Unauthorized",
            ),
            (400, r#"{"error":"error message"}"#, "Unauthorized"),
            (401, r#"{"error":"invalid_client"}"#, "Unauthorized"),
            (400, r#"{"error":"temporarily_unavailable"}"#, "Unavailable"),
            (200, "{}", "Malformed"),
            (200, "[]", "Malformed"),
            (500, "{}", "Unavailable"),
        ];
        for (status, body, expected) in table {
            let server = Server::start(move |_| Reply::status(status, body)).await;
            let error = key(&server, grant(0), Naming::Form).renewed(&"a1".into()).await.unwrap_err();
            let told = format!("{error:?}");
            assert!(told.starts_with(expected), "{status} {body}: {told}");
            assert!(!told.contains("gammal-nyckel") && !told.contains("hemlighet"), "{told}");
        }
    }

    #[tokio::test]
    async fn a_key_that_still_works_is_used_when_the_endpoint_is_down() {
        let server = Server::start(|_| Reply::status(503, "{}")).await;
        assert_eq!(key(&server, grant(120), Naming::Form).access().await.unwrap().expose_secret(), "a1");
        assert!(key(&server, grant(-1), Naming::Form).access().await.is_err());
    }

    #[test]
    fn nothing_that_an_endpoint_says_makes_it_panic() {
        for body in
            [&b""[..], b"{", b"null", b"7", b"[]", b"{\"access_token\":7}", b"\xff", b"{\"error\":{}}"]
        {
            assert!(parse(body).is_none());
            assert!(error_word(body).is_none());
        }
    }
}
