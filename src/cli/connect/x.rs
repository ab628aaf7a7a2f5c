//! X: a code becomes an access token of two hours and a refresh token that is good for one use.
//!
//! Source: X "OAuth 2.0 Authorization Code Flow with PKCE".

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::linkedin::{Granted, fine};
use super::service::{self, listed};
use super::{Connected, Exchange, File, Opened, endpoint, refused, refused_lacking};
use crate::connector::http::{Method, Request};
use crate::domain::comment::Platform;

pub(super) async fn from_code(
    exchange: &Exchange<'_>,
    code: &SecretString,
    verifier: &SecretString,
) -> anyhow::Result<Connected> {
    let place = endpoint(&format!("{}/oauth2/token", exchange.base))?;
    let mut fields = vec![
        ("grant_type", "authorization_code"),
        ("code", code.expose_secret()),
        ("redirect_uri", exchange.redirect.as_str()),
        ("code_verifier", verifier.expose_secret()),
    ];
    let mut request = Request::new(Method::Post, &place, &[]);
    // An app with a secret proves itself in the header (RFC 6749 §2.3.1); one without names itself in the form.
    match &exchange.app.secret {
        Some(secret) => request = request.basic(&exchange.app.id, secret),
        None => fields.push(("client_id", &exchange.app.id)),
    }
    let request = request.form(&fields);
    let answer = exchange.http.authenticate(request).await.and_then(fine);
    let granted: Granted = answer.and_then(|answer| answer.json()).map_err(|error| {
        refused("the code was not exchanged for a key (it is good for 30 seconds)", &error)
    })?;
    let rights = listed(&granted.scope);
    let missing = service::of(Platform::X).missing(&rights);
    let grant = granted.grant(exchange, exchange.clock.now());
    let request = Request::get(&endpoint(&exchange.base)?, &["users", "me"]).bearer(&grant.access);
    let answer = exchange.http.get(request).await.and_then(fine);
    let body: Value = answer.and_then(|answer| answer.json()).map_err(|error| {
        refused_lacking("the account that the key opens cannot be read", &error, &missing)
    })?;
    let text = |name: &str| body.get("data").and_then(|data| data.get(name)?.as_str()).map(str::to_owned);
    let accounts = text("id")
        .map(|id| Opened { id, name: text("username").unwrap_or_default(), tasks: Vec::new() })
        .into_iter()
        .collect();
    let notes = vec![
        "the key renews itself and each renewal is good once: keep one copy of its file only".to_owned(),
    ];
    Ok(Connected { file: File::Grant(Box::new(grant)), accounts, rights, missing, notes })
}
