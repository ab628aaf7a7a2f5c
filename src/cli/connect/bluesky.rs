//! Bluesky: an app password, tried before it is written.
//!
//! Source: AT Protocol, `com.atproto.server.createSession`; the scopes of a session in the reference server.

use anyhow::bail;
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

use super::linkedin::fine;
use super::{Connected, Exchange, File, Opened, endpoint, refused};
use crate::connector::http::{Method, Request};

/// How to come by an app password.
pub(super) const ASK: &str = "Make an app password at https://bsky.app/settings/app-passwords (without access to direct \
                              messages), paste it here, then Enter:";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Opening {
    did: String,
    handle: String,
    #[serde(deserialize_with = "super::hidden")]
    access_jwt: SecretString,
    active: Option<bool>,
}

pub(super) async fn connect(
    exchange: &Exchange<'_>,
    name: &str,
    password: &SecretString,
) -> anyhow::Result<Connected> {
    let login = json!({ "identifier": name, "password": password.expose_secret() });
    let place = endpoint(&exchange.base)?;
    let request =
        Request::new(Method::Post, &place, &["xrpc", "com.atproto.server.createSession"]).json(&login);
    let answer = exchange.http.authenticate(request).await.and_then(fine);
    let opening: Opening = answer
        .and_then(|answer| answer.json())
        .map_err(|error| refused("the app password does not open the account", &error))?;
    if opening.active == Some(false) {
        bail!("the account {} is not active; nothing was written", opening.handle);
    }
    let mut notes = Vec::new();
    match scope(&opening.access_jwt).as_deref() {
        Some("com.atproto.access") => bail!(
            "this is the account's own password, which opens everything; nothing was written: make an app password"
        ),
        Some("com.atproto.appPassPrivileged") => {
            notes.push("this app password also opens direct messages; one without that is enough".to_owned());
        }
        _ => {}
    }
    let login = SecretString::from(format!("{login}\n"));
    Ok(Connected {
        file: File::Login(login),
        accounts: vec![Opened { id: opening.did, name: opening.handle, tasks: Vec::new() }],
        rights: Vec::new(),
        missing: Vec::new(),
        notes,
    })
}

/// What a session may, from the claims of its token; not verified: it is our own.
fn scope(token: &SecretString) -> Option<String> {
    let claims = BASE64_URL_SAFE_NO_PAD.decode(token.expose_secret().split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    claims.get("scope")?.as_str().map(str::to_owned)
}
