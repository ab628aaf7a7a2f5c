//! Facebook and Instagram: a code becomes a short-lived token, that one a token of sixty days, and Facebook's the Page's
//! own, which has no end of its own.
//!
//! Source: Meta "Get Long-Lived Tokens", "Get a Page Access Token", "Business Login for Instagram".

use anyhow::bail;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

use super::flow::word;
use super::linkedin::object;
use super::service::{self, listed};
use super::{Connected, Exchange, File, Opened, endpoint, refused, refused_lacking};
use crate::connector::graph;
use crate::connector::http::{Answer, Method, Request};
use crate::connector::token::Grant;
use crate::connector::{ConnectorError, MissingRight};
use crate::domain::comment::Platform;

/// The right, on the Page itself, without which nothing can be hidden.
const MODERATE: &str = "MODERATE";

/// At most so many pages of Pages are read.
const MOST_PAGES: usize = 20;

#[derive(Deserialize)]
struct Short {
    #[serde(deserialize_with = "super::hidden")]
    access_token: SecretString,
    #[serde(default)]
    permissions: Value,
}

#[derive(Deserialize)]
struct Long {
    #[serde(deserialize_with = "super::hidden")]
    access_token: SecretString,
    #[serde(default)]
    expires_in: Option<i64>,
}

#[derive(Deserialize)]
struct Page {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default, deserialize_with = "super::hidden_if_any")]
    access_token: Option<SecretString>,
    #[serde(default)]
    tasks: Vec<String>,
}

#[derive(Deserialize)]
struct Pages {
    data: Vec<Page>,
    #[serde(default)]
    paging: Value,
}

#[derive(Deserialize, Default)]
struct Told {
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    expires_at: i64,
    #[serde(default)]
    data_access_expires_at: i64,
}

pub(super) async fn from_code(exchange: &Exchange<'_>, code: &SecretString) -> anyhow::Result<Connected> {
    let secret = exchange.app.secret.as_ref().map(SecretString::expose_secret).unwrap_or_default();
    let mut fields = vec![
        ("client_id", exchange.app.id.as_str()),
        ("client_secret", secret),
        ("redirect_uri", &exchange.redirect),
        ("code", code.expose_secret()),
    ];
    let place = if exchange.account.platform == Platform::Instagram {
        fields.push(("grant_type", "authorization_code"));
        endpoint(&instagram_codes(&exchange.base))?
    } else {
        endpoint(&format!("{}/oauth/access_token", exchange.base))?
    };
    let request = Request::new(Method::Post, &place, &[]).form(&fields);
    let answer = exchange.http.authenticate(request).await.and_then(fine);
    let short: Short = answer
        .and_then(|answer| answer.json())
        .map_err(|error| refused("the code was not exchanged for a token", &error))?;
    let rights = match &short.permissions {
        Value::String(text) => listed(text),
        Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    lasting(exchange, short.access_token, rights).await
}

/// A token that a person took from the developers' pages: of a system user, or short-lived.
pub(super) async fn from_token(exchange: &Exchange<'_>, token: SecretString) -> anyhow::Result<Connected> {
    lasting(exchange, token, Vec::new()).await
}

async fn lasting(
    exchange: &Exchange<'_>,
    token: SecretString,
    rights: Vec<String>,
) -> anyhow::Result<Connected> {
    let (token, expires_at, note) = if let Some(secret) =
        exchange.app.secret.as_ref().filter(|_| !exchange.app.id.is_empty())
    {
        let long = long(exchange, &token, secret).await?;
        let end = long
            .expires_in
            .filter(|seconds| *seconds > 0)
            .and_then(|seconds| exchange.clock.now().checked_add_signed(TimeDelta::try_seconds(seconds)?));
        (long.access_token, end, None)
    } else {
        let note = "the token was not exchanged for one that lasts: give --client-id and --client-secret-file for that";
        (token, None, Some(note.to_owned()))
    };
    let mut connected = match exchange.account.platform {
        Platform::Instagram => instagram(exchange, token, expires_at, rights).await?,
        _ => facebook(exchange, token).await?,
    };
    connected.notes.extend(note);
    Ok(connected)
}

/// The exchange that Meta documents as a GET: token and secret stand in the address, which is shown nowhere.
async fn long(exchange: &Exchange<'_>, token: &SecretString, secret: &SecretString) -> anyhow::Result<Long> {
    let (path, kind) = match exchange.account.platform {
        Platform::Instagram => (vec!["access_token"], "ig_exchange_token"),
        _ => (vec!["oauth", "access_token"], "fb_exchange_token"),
    };
    let base = match exchange.account.platform {
        Platform::Instagram => unversioned(&exchange.base),
        _ => exchange.base.clone(),
    };
    let place = endpoint(&base)?;
    let mut request =
        Request::get(&place, &path).query("grant_type", kind).query("client_secret", secret.expose_secret());
    request = match exchange.account.platform {
        Platform::Instagram => request.query("access_token", token.expose_secret()),
        _ => request.query("client_id", &exchange.app.id).query("fb_exchange_token", token.expose_secret()),
    };
    let answer = exchange.http.get(request).await.and_then(fine);
    answer
        .and_then(|answer| answer.json())
        .map_err(|error| refused("the token was not exchanged for one that lasts", &error))
}

async fn facebook(exchange: &Exchange<'_>, user: SecretString) -> anyhow::Result<Connected> {
    let pages = pages(exchange, &user).await?;
    let accounts: Vec<_> = pages
        .iter()
        .map(|page| Opened { id: page.id.clone(), name: page.name.clone(), tasks: page.tasks.clone() })
        .collect();
    let native = &exchange.account.native_id;
    let mut missing = Vec::new();
    let mut notes = Vec::new();
    let mut key = None;
    if let Some(page) = pages.into_iter().find(|page| page.id == *native) {
        if !page.tasks.iter().any(|task| task == MODERATE) {
            missing.push(MissingRight {
                right: format!("uppgiften {MODERATE} på sidan"),
                without: "kommentarer kan inte döljas".to_owned(),
                place: "sidans inställningar, Åtkomst till sidan, för den person som loggade in".to_owned(),
            });
        }
        if page.access_token.is_none() {
            bail!(
                "the platform gave no key for page {native}; nothing was written: {}",
                service::of(Platform::Facebook).place
            );
        }
        key = page.access_token;
    }
    // Without a page of ours the caller refuses, with the list of those that there are.
    let key = key.unwrap_or(user);
    let told = debug(exchange, &key).await;
    let rights = if let Some(told) = &told {
        missing.extend(service::of(Platform::Facebook).missing(&told.scopes));
        told.scopes.clone()
    } else {
        notes.push(
            "the platform did not tell which rights the key holds; `uppsikt doctor` asks again".to_owned(),
        );
        Vec::new()
    };
    let told = told.unwrap_or_default();
    if let Some(until) = moment(told.data_access_expires_at) {
        notes.push(format!(
            "access to data ends {} unless the person who logged in does so again before",
            until.format("%Y-%m-%d")
        ));
    }
    let grant = Grant {
        expires_at: moment(told.expires_at),
        client_id: Some(exchange.app.id.clone()).filter(|id| !id.is_empty()),
        ..Grant::bare(key)
    };
    Ok(Connected { file: File::Grant(Box::new(grant)), accounts, rights, missing, notes })
}

/// The request with the proof that many apps demand of every call from a server.
fn proven(exchange: &Exchange<'_>, request: Request, key: &SecretString) -> Request {
    let proof = exchange.app.secret.as_ref().and_then(|secret| graph::proof(secret, key));
    match proof {
        Some(proof) => request.query("appsecret_proof", proof.expose_secret()),
        None => request,
    }
}

/// The Pages that the person has a task on. `paging.next` holds the token and is never followed: only its cursor is.
async fn pages(exchange: &Exchange<'_>, user: &SecretString) -> anyhow::Result<Vec<Page>> {
    let place = endpoint(&exchange.base)?;
    let mut all = Vec::new();
    let mut after: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let mut request = Request::get(&place, &["me", "accounts"])
            .query("fields", "id,name,access_token,tasks")
            .query("limit", "100")
            .bearer(user);
        request = proven(exchange, request, user);
        if let Some(after) = &after {
            request = request.query("after", after);
        }
        let answer = exchange.http.get(request).await.and_then(fine);
        let pages: Pages = answer
            .and_then(|answer| answer.json())
            .map_err(|error| refused("the pages of the person who logged in cannot be listed", &error))?;
        all.extend(pages.data);
        let more = pages.paging.get("next").is_some();
        after = pages.paging.pointer("/cursors/after").and_then(Value::as_str).map(str::to_owned);
        if !more || after.is_none() {
            return Ok(all);
        }
    }
    Ok(all)
}

async fn debug(exchange: &Exchange<'_>, key: &SecretString) -> Option<Told> {
    #[derive(Deserialize)]
    struct Wrapped {
        data: Told,
    }
    let place = endpoint(&exchange.base).ok()?;
    // A key may ask about itself; the app's own token is needed only for other people's.
    let request =
        Request::get(&place, &["debug_token"]).query("input_token", key.expose_secret()).bearer(key);
    let answer = exchange.http.get(proven(exchange, request, key)).await.and_then(fine).ok()?;
    answer.json::<Wrapped>().ok().map(|wrapped| wrapped.data)
}

async fn instagram(
    exchange: &Exchange<'_>,
    token: SecretString,
    expires_at: Option<DateTime<Utc>>,
    rights: Vec<String>,
) -> anyhow::Result<Connected> {
    #[derive(Deserialize)]
    struct Me {
        #[serde(default)]
        id: Option<String>,
        #[serde(default)]
        user_id: Option<String>,
        #[serde(default)]
        username: String,
    }
    let place = endpoint(&exchange.base)?;
    let request = Request::get(&place, &["me"]).query("fields", "id,user_id,username").bearer(&token);
    let answer = exchange.http.get(proven(exchange, request, &token)).await.and_then(fine);
    let lacking =
        if rights.is_empty() { Vec::new() } else { service::of(Platform::Instagram).missing(&rights) };
    let me: Me = answer.and_then(|answer| answer.json()).map_err(|error| {
        refused_lacking("the account that the key opens cannot be read", &error, &lacking)
    })?;
    // An account has an id of its own and one as a professional account; either may stand in the configuration.
    let accounts = [me.user_id, me.id]
        .into_iter()
        .flatten()
        .map(|id| Opened { id, name: me.username.clone(), tasks: Vec::new() })
        .collect();
    let (missing, notes) = if rights.is_empty() {
        let note = "the platform did not tell which rights the key holds; `uppsikt doctor` asks again";
        (Vec::new(), vec![note.to_owned()])
    } else {
        (lacking, Vec::new())
    };
    let grant = Grant {
        expires_at,
        client_id: Some(exchange.app.id.clone()).filter(|id| !id.is_empty()),
        ..Grant::bare(token)
    };
    Ok(Connected { file: File::Grant(Box::new(grant)), accounts, rights, missing, notes })
}

/// Instagram exchanges codes on a host of its own; an emulator has but one.
fn instagram_codes(base: &str) -> String {
    if base.starts_with("https://graph.instagram.com") {
        "https://api.instagram.com/oauth/access_token".to_owned()
    } else {
        format!("{}/oauth/access_token", unversioned(base))
    }
}

/// The base without `/v25.0`: Instagram's exchanges have no version.
fn unversioned(base: &str) -> String {
    match base.rsplit_once('/') {
        Some((before, last))
            if last.starts_with('v') && last[1..].starts_with(|c: char| c.is_ascii_digit()) =>
        {
            before.to_owned()
        }
        _ => base.to_owned(),
    }
}

/// A moment in seconds since 1970; 0 is never.
fn moment(seconds: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(seconds, 0).filter(|_| seconds > 0)
}

/// The answer, unless it is a refusal; of its words only the numbers and the type, since the sentence may quote what was
/// sent.
fn fine(answer: Answer) -> Result<Answer, ConnectorError> {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let error = body.get("error");
    if answer.is_success() && error.is_none() {
        return object(answer, &body);
    }
    let code = error.and_then(|error| error.get("code")).or(body.get("code")).and_then(Value::as_i64);
    let kind = error
        .and_then(|error| error.get("type"))
        .or(body.get("error_type"))
        .and_then(Value::as_str)
        .map(word)
        .unwrap_or_default();
    let code = code.map(|code| format!(" code {code}")).unwrap_or_default();
    Err(ConnectorError::Unauthorized(
        format!("{}: HTTP {}{code} {kind}", answer.place(), answer.status).trim_end().to_owned(),
    ))
}
