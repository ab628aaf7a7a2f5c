//! Sessions: two hours of access, ninety days of refresh, and a refresh token that is good once.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::error::Refusal;
use super::view;
use crate::sandbox::account::{Token, Worth};
use crate::sandbox::common;
use crate::sandbox::wire::{self, Call};
use crate::sandbox::world::World;

const ACCESS: TimeDelta = TimeDelta::minutes(120);
const REFRESH: TimeDelta = TimeDelta::days(90);

/// The setting of an account that holds its password; without it any is right.
const PASSWORD: &str = "password";

/// The setting that holds an app password, which opens sessions that may do less.
const APP_PASSWORD: &str = "app_password";

/// The scopes of a session by the account's own password, by an app password, and of its renewal.
const OWN: &str = "com.atproto.access";
const APP: &str = "com.atproto.appPass";
const RENEWAL: &str = "com.atproto.refresh";

/// The account with this handle, address or DID.
pub(super) fn known(world: &World, identifier: &str) -> Option<String> {
    let identifier = identifier.trim_start_matches('@');
    let fits = |id: &&String| *id == identifier || view::handle(world, id).eq_ignore_ascii_case(identifier);
    if let Some(id) = world.accounts.keys().find(fits) {
        return Some(id.clone());
    }
    // Where no handle was ever told, the only account that could be meant is.
    let mut all =
        world.accounts.iter().filter(|(id, account)| id.starts_with("did:") && account.username.is_none());
    match (all.next(), all.next()) {
        (Some((id, _)), None) if !identifier.starts_with("did:") => Some(id.clone()),
        _ => None,
    }
}

/// The account whose session a token is of.
pub(super) fn whose(world: &World, call: &Call) -> Option<String> {
    let token = call.token.as_deref()?;
    let is_its = |account: &&String| {
        world.account(account).is_some_and(|account| {
            account.tokens.contains_key(token)
                || account.tokens.values().any(|is| is.refresh.as_deref() == Some(token))
        })
    };
    let listed = world.accounts.keys().find(is_its).cloned();
    listed.or_else(|| common::whose(world, "bluesky", call, |id| id.starts_with("did:")))
}

/// Whether a request's token is taken.
pub(super) fn check(world: &World, call: &Call, account: Option<&str>) -> Result<(), Refusal> {
    let token = call.token.as_deref().ok_or_else(Refusal::missing)?;
    let account = account.ok_or_else(Refusal::bad_token)?;
    match world.worth(account, token) {
        Worth::Good => Ok(()),
        Worth::Expired => Err(Refusal::expired()),
        Worth::Revoked | Worth::Unknown => Err(Refusal::bad_token()),
    }
}

/// `com.atproto.server.createSession`.
pub(super) fn create(world: &mut World, call: &Call, account: Option<&str>) -> Result<Value, Refusal> {
    for name in ["identifier", "password"] {
        if call.json[name].as_str().is_none_or(str::is_empty) {
            return Err(Refusal::invalid(&format!("Input must have the property \"{name}\"")));
        }
    }
    let account = account.ok_or_else(Refusal::login)?;
    let set = |key: &str| world.account(account).and_then(|account| account.setting(key));
    let shown = &call.json["password"];
    let scope = if set(APP_PASSWORD) == Some(shown) {
        APP
    } else if set(PASSWORD).map_or_else(|| set(APP_PASSWORD).is_none(), |password| password == shown) {
        OWN
    } else {
        return Err(Refusal::login());
    };
    Ok(open(world, call, account, scope))
}

/// `com.atproto.server.refreshSession`, with the refresh token where others show the access token.
pub(super) fn refresh(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let shown = call.token.as_deref().ok_or_else(Refusal::missing)?.to_owned();
    let found = world.accounts.iter().find_map(|(id, account)| {
        let (access, token) = account.tokens.iter().find(|(_, is)| is.refresh.as_deref() == Some(&shown))?;
        Some((id.clone(), access.clone(), token.clone()))
    });
    let (account, access, token) = found.ok_or_else(Refusal::bad_token)?;
    if token.revoked {
        return Err(Refusal::bad_token());
    }
    if token.refresh_expires_at.is_some_and(|end| end <= world.now()) {
        return Err(Refusal::expired());
    }
    world.change_account(&account, |account| {
        if let Some(token) = account.tokens.get_mut(&access) {
            token.refresh = None;
        }
    });
    let scope = if token.kind.as_deref() == Some(APP) { APP } else { OWN };
    Ok(open(world, call, &account, scope))
}

/// `com.atproto.server.getSession`.
pub(super) fn get(world: &World, call: &Call, account: &str) -> Value {
    json!({
        "did": account,
        "handle": view::handle(world, account),
        "didDoc": did_doc(world, call, account),
        "active": true,
    })
}

fn open(world: &mut World, call: &Call, account: &str, scope: &'static str) -> Value {
    let now = world.now();
    let number = world.account(account).map_or(0, |account| account.tokens.len());
    let token = |scope: &str, lives: TimeDelta| {
        let head = wire::base64(r#"{"typ":"at+jwt","alg":"HS256"}"#);
        let claims = json!({
            "scope": scope, "sub": account, "iat": now.timestamp(), "exp": (now + lives).timestamp(),
            "jti": format!("{number}"),
        });
        let body = wire::base64(&claims.to_string());
        format!("{head}.{body}.{:016x}", common::number_of(&body))
    };
    let (access, refresh) = (token(scope, ACCESS), token(RENEWAL, REFRESH));
    let listed = Token {
        expires_at: Some(now + ACCESS),
        issued_at: Some(now),
        refresh: Some(refresh.clone()),
        refresh_expires_at: Some(now + REFRESH),
        kind: Some(scope.to_owned()),
        ..Token::default()
    };
    world.change_account(account, |account| {
        // What neither opens nor renews anything any longer is forgotten after a day.
        account.tokens.retain(|_, token| {
            token.refresh.is_some() || token.expires_at.is_none_or(|end| end + TimeDelta::days(1) > now)
        });
        account.tokens.insert(access.clone(), listed);
    });
    let mut session = get(world, call, account);
    session["email"] = json!("kommun@example.org");
    session["emailConfirmed"] = json!(true);
    session["emailAuthFactor"] = json!(false);
    session["accessJwt"] = json!(access);
    session["refreshJwt"] = json!(refresh);
    session
}

/// Where the account's data is: this server.
fn did_doc(world: &World, call: &Call, account: &str) -> Value {
    json!({
        "@context": [
            "https://www.w3.org/ns/did/v1",
            "https://w3id.org/security/multikey/v1",
            "https://w3id.org/security/suites/secp256k1-2019/v1",
        ],
        "id": account,
        "alsoKnownAs": [format!("at://{}", view::handle(world, account))],
        "verificationMethod": [{
            "id": format!("{account}#atproto"),
            "type": "Multikey",
            "controller": account,
            "publicKeyMultibase": "zQ3shXjHeiBuRCKmM36cuYnm7YEMzhGnCmCyW92sRJ9pribSF",
        }],
        "service": [{
            "id": "#atproto_pds",
            "type": "AtprotoPersonalDataServer",
            "serviceEndpoint": format!("http://{}/bluesky", call.host),
        }],
    })
}
