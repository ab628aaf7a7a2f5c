//! YouTube: a code becomes an access token of an hour and a refresh token.
//!
//! Source: Google "OAuth 2.0 for Mobile & Desktop Apps", "Refresh token expiration".

use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::service::{self, listed};
use super::{Connected, Exchange, File, Opened, endpoint, refused, refused_lacking};
use crate::connector::http::{Method, Request};
use crate::domain::comment::Platform;

use super::linkedin::{Granted, fine};

/// What every app that is not published yet must be told.
const TESTING: &str = "as long as the app's consent screen stands in \"Testing\", Google lets the key die after 7 days: publish \
                       the app (\"In production\") and connect again";

pub(super) async fn from_code(
    exchange: &Exchange<'_>,
    code: &SecretString,
    verifier: &SecretString,
) -> anyhow::Result<Connected> {
    let address = if exchange.base.starts_with("https://") {
        "https://oauth2.googleapis.com/token".to_owned()
    } else {
        format!("{}/token", exchange.base.trim_end_matches("/v3"))
    };
    let secret = exchange.app.secret.as_ref().map(SecretString::expose_secret).unwrap_or_default();
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.expose_secret()),
        ("redirect_uri", exchange.redirect.as_str()),
        ("client_id", &exchange.app.id),
        ("client_secret", secret),
        ("code_verifier", verifier.expose_secret()),
    ];
    let request = Request::new(Method::Post, &endpoint(&address)?, &[]).form(&fields);
    let answer = exchange.http.authenticate(request).await.and_then(fine);
    let granted: Granted = answer
        .and_then(|answer| answer.json())
        .map_err(|error| refused("the code was not exchanged for a key", &error))?;
    if granted.refresh_token.is_none() {
        anyhow::bail!(
            "the platform gave no refresh token, so the key would die within the hour; nothing was written: withdraw the \
             app's access at myaccount.google.com/permissions and begin again"
        );
    }
    let rights = listed(&granted.scope);
    let missing = service::of(Platform::Youtube).missing(&rights);
    let grant = granted.grant(exchange, exchange.clock.now());
    let request = Request::get(&endpoint(&exchange.base)?, &["channels"])
        .query("part", "snippet")
        .query("mine", "true")
        .bearer(&grant.access);
    let answer = exchange.http.get(request).await.and_then(fine);
    let body: Value = answer.and_then(|answer| answer.json()).map_err(|error| {
        refused_lacking("the channels that the key opens cannot be listed", &error, &missing)
    })?;
    let accounts = body.get("items").and_then(Value::as_array).into_iter().flatten().filter_map(|item| {
        Some(Opened {
            id: item.get("id")?.as_str()?.to_owned(),
            name: item.pointer("/snippet/title").and_then(Value::as_str).unwrap_or_default().to_owned(),
            tasks: Vec::new(),
        })
    });
    let accounts = accounts.collect();
    // Google tells of an end only where there is one: then the app is in Testing, or the person chose a time.
    let week = exchange.clock.now() + TimeDelta::days(8);
    let notes = match grant.refresh_expires_at {
        Some(end) if end < week => vec![format!("THE KEY ENDS WITHIN A WEEK: {TESTING}")],
        _ => vec![TESTING.to_owned()],
    };
    Ok(Connected { file: File::Grant(Box::new(grant)), accounts, rights, missing, notes })
}
