//! LinkedIn: a code becomes a token of sixty days and, for approved partners, a refresh token of a year.
//!
//! Source: LinkedIn "Authorization Code Flow (3-legged OAuth)", "Programmatic Refresh Tokens", "Organization Access
//! Control by Role".

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

use super::flow::word;
use super::service::{self, listed};
use super::{Connected, Exchange, File, Opened, endpoint, refused, refused_lacking};
use crate::connector::http::{Answer, Method, Request};
use crate::connector::token::Grant;
use crate::connector::{ConnectorError, MissingRight};
use crate::domain::comment::Platform;

/// What a token endpoint grants (RFC 6749 §5.1).
#[derive(Deserialize)]
pub(super) struct Granted {
    #[serde(deserialize_with = "super::hidden")]
    access_token: SecretString,
    #[serde(default, deserialize_with = "super::hidden_if_any")]
    pub(super) refresh_token: Option<SecretString>,
    #[serde(default)]
    expires_in: Option<i64>,
    #[serde(default)]
    refresh_token_expires_in: Option<i64>,
    #[serde(default)]
    pub(super) scope: String,
}

impl Granted {
    pub(super) fn grant(self, exchange: &Exchange<'_>, now: DateTime<Utc>) -> Grant {
        let until = |seconds: Option<i64>| {
            seconds
                .filter(|seconds| *seconds > 0)
                .and_then(|seconds| now.checked_add_signed(TimeDelta::try_seconds(seconds)?))
        };
        Grant {
            access: self.access_token,
            expires_at: until(self.expires_in),
            refresh_expires_at: until(self.refresh_token_expires_in).filter(|_| self.refresh_token.is_some()),
            refresh: self.refresh_token,
            client_id: Some(exchange.app.id.clone()),
            client_secret: exchange.app.secret.clone(),
        }
    }
}

/// The answer, unless it is a refusal (RFC 6749 §5.2, or the platform's own form); of its words only the error's name.
pub(super) fn fine(answer: Answer) -> Result<Answer, ConnectorError> {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if answer.is_success() {
        return object(answer, &body);
    }
    let name = body
        .get("error")
        .and_then(|error| error.as_str().or_else(|| error.get("status")?.as_str()))
        .or_else(|| body.get("code")?.as_str())
        .or_else(|| body.get("title")?.as_str())
        .map(word)
        .unwrap_or_default();
    Err(ConnectorError::Unauthorized(
        format!("{}: HTTP {} {name}", answer.place(), answer.status).trim_end().to_owned(),
    ))
}

/// The answer, if it is an object: read into fields, a list would pass for one, its elements in order.
pub(super) fn object(answer: Answer, body: &Value) -> Result<Answer, ConnectorError> {
    if body.is_object() {
        return Ok(answer);
    }
    Err(ConnectorError::Malformed(format!("{}: HTTP {} without an object", answer.place(), answer.status)))
}

pub(super) async fn from_code(exchange: &Exchange<'_>, code: &SecretString) -> anyhow::Result<Connected> {
    let address = if exchange.base.starts_with("https://api.linkedin.com") {
        "https://www.linkedin.com/oauth/v2/accessToken".to_owned()
    } else {
        format!("{}/oauth/v2/accessToken", exchange.base.trim_end_matches("/rest"))
    };
    let secret = exchange.app.secret.as_ref().map(SecretString::expose_secret).unwrap_or_default();
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.expose_secret()),
        ("redirect_uri", exchange.redirect.as_str()),
        ("client_id", &exchange.app.id),
        ("client_secret", secret),
    ];
    let request = Request::new(Method::Post, &endpoint(&address)?, &[]).form(&fields);
    let answer = exchange.http.authenticate(request).await.and_then(fine);
    let granted: Granted = answer
        .and_then(|answer| answer.json())
        .map_err(|error| refused("the code was not exchanged for a key", &error))?;
    let rights = listed(&granted.scope);
    let grant = granted.grant(exchange, exchange.clock.now());
    let missing = service::of(Platform::Linkedin).missing(&rights);
    let accounts = roles(exchange, &grant.access, &missing).await?;
    let mut notes = Vec::new();
    if grant.refresh.is_none() {
        notes.push(
            "LinkedIn renews keys for approved partners only: a person connects again every 60 days"
                .to_owned(),
        );
    }
    notes.push(
        "asking for another set of rights elsewhere makes every earlier key of this app and person invalid"
            .to_owned(),
    );
    Ok(Connected { file: File::Grant(Box::new(grant)), accounts, rights, missing, notes })
}

/// The organisations that the person administers.
async fn roles(
    exchange: &Exchange<'_>,
    key: &SecretString,
    missing: &[MissingRight],
) -> anyhow::Result<Vec<Opened>> {
    let request = Request::get(&endpoint(&exchange.base)?, &["organizationAcls"])
        .query("q", "roleAssignee")
        .query("state", "APPROVED")
        .header("linkedin-version", &exchange.linkedin_version)
        .header("x-restli-protocol-version", "2.0.0")
        .bearer(key);
    let answer = exchange.http.get(request).await.and_then(fine);
    let body: Value = answer.and_then(|answer| answer.json()).map_err(|error| {
        refused_lacking("the organisations that the key opens cannot be listed", &error, missing)
    })?;
    let mut accounts: Vec<Opened> = Vec::new();
    for element in body.get("elements").and_then(Value::as_array).into_iter().flatten() {
        let named = element.get("organization").or_else(|| element.get("organizationalTarget"));
        let Some(urn) = named.and_then(Value::as_str) else { continue };
        let role = element.get("role").and_then(Value::as_str).unwrap_or("?").to_owned();
        // The configuration may name the organisation by its URN or by its number.
        let number = urn.rsplit(':').next().unwrap_or(urn);
        let id = if exchange.account.native_id == number { number } else { urn };
        match accounts.iter_mut().find(|known| known.id == id) {
            Some(known) => known.tasks.push(role),
            None => accounts.push(Opened { id: id.to_owned(), name: String::new(), tasks: vec![role] }),
        }
    }
    Ok(accounts)
}
