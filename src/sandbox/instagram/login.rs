//! Tokens of Instagram Login: an hour, sixty days, and sixty days more while they live.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{Flavour, NAME};
use crate::sandbox::account::Token;
use crate::sandbox::consent::{self, Code};
use crate::sandbox::meta::error::GraphError;
use crate::sandbox::meta::token::{self, LONG};
use crate::sandbox::wire::Call;
use crate::sandbox::world::World;

/// A short-lived token's life, and how old a long-lived one must be before it is refreshed, in hours.
const SHORT_HOURS: i64 = 1;
const RIPE_HOURS: i64 = 24;

/// The account whose list has the token; one that takes any token only if there is no other.
pub(super) fn of_token(world: &World, token: &str) -> Option<String> {
    let all = || world.accounts_of(NAME, token);
    all().find(|(_, account)| !account.tokens.is_empty()).or_else(|| all().next()).map(|(id, _)| id.clone())
}

fn need<'a>(call: &'a Call, name: &str) -> Result<&'a str, GraphError> {
    let missing = || GraphError::plain(100, &format!("Missing required parameter {name}"));
    call.param(name).filter(|value| !value.is_empty()).ok_or_else(missing)
}

fn must_be(call: &Call, grant: &str) -> Result<(), GraphError> {
    if need(call, "grant_type")? == grant {
        Ok(())
    } else {
        Err(GraphError::plain(100, "Invalid grant_type"))
    }
}

/// `POST /oauth/access_token` (api.instagram.com): a code, once, for a token of an hour.
pub(super) fn code(world: &mut World, call: &Call) -> Result<Value, GraphError> {
    for name in ["client_id", "client_secret", "redirect_uri"] {
        need(call, name)?;
    }
    must_be(call, "authorization_code")?;
    let code = need(call, "code")?.to_owned();
    let consent = match consent::redeem(world, call, NAME) {
        Code::Good(consent) => Some(consent),
        Code::Untold => None,
        Code::Bad => return Err(GraphError::plain(100, "Invalid authorization code")),
    };
    let first = || world.accounts.iter().find(|(_, account)| account.platform.as_deref() == Some(NAME));
    // Whose code it is cannot be told; a code may name the account after a point.
    let named = code.rsplit_once('.').map(|(_, id)| id.to_owned()).filter(|id| world.account(id).is_some());
    let told = consent.as_ref().map(|consent| consent.account.clone());
    let id = told.or(named).or_else(|| first().map(|(id, _)| id.clone()));
    let id = id.ok_or_else(|| GraphError::plain(100, "Invalid authorization code"))?;
    if !token::knows_secret(world, NAME, need(call, "client_secret")?) {
        return Err(GraphError::plain(1, "Error validating client secret."));
    }
    if !world.use_once(&format!("instagram code {code}")) {
        return Err(GraphError::plain(100, "This authorization code has been used"));
    }
    let new = format!("IGSHORT{code}");
    let expires_at = Some(world.now() + TimeDelta::hours(SHORT_HOURS));
    let rights = consent.map(|consent| consent.rights);
    if rights.is_some() {
        // From now on only listed tokens are taken.
        world.change_account(&id, |account| _ = account.tokens.entry(new.clone()).or_default());
    }
    take_on(
        world,
        &id,
        &new,
        Token { expires_at, kind: Some("short".to_owned()), rights, ..Token::default() },
    );
    let all = [Flavour::Instagram.rights().as_slice(), &["instagram_business_content_publish"]].concat();
    let held = world.account(&id).map(|account| account.held(&new, &all));
    Ok(json!({ "access_token": new, "user_id": id, "permissions": held }))
}

/// `GET /access_token?grant_type=ig_exchange_token`: a token of an hour for one of sixty days.
pub(super) fn exchange(world: &mut World, call: &Call) -> Result<Value, GraphError> {
    must_be(call, "ig_exchange_token")?;
    let (id, old) = whose(world, call)?;
    if !token::knows_secret(world, NAME, need(call, "client_secret")?) {
        return Err(GraphError::plain(1, "Error validating client secret."));
    }
    let kind = world.account(&id).and_then(|account| account.tokens.get(&old)?.kind.clone());
    if kind.as_deref() == Some("long") {
        return Err(GraphError::plain(452, "Session key invalid"));
    }
    Ok(longer(world, &id, &old))
}

/// `GET /refresh_access_token?grant_type=ig_refresh_token`: sixty days from now, for a token that is at least a day old
/// and has not expired.
pub(super) fn refresh(world: &mut World, call: &Call) -> Result<Value, GraphError> {
    must_be(call, "ig_refresh_token")?;
    let (id, old) = whose(world, call)?;
    let listed = world.account(&id).and_then(|account| account.tokens.get(&old)).cloned().unwrap_or_default();
    if listed.kind.as_deref() == Some("short") {
        return Err(GraphError::plain(452, "Session key invalid"));
    }
    // That it is refused is documented, with which code is not.
    if listed.issued_at.is_some_and(|issued| world.now() - issued < TimeDelta::hours(RIPE_HOURS)) {
        return Err(GraphError::plain(10, "The token must be at least 24 hours old to be refreshed"));
    }
    Ok(longer(world, &id, &old))
}

/// The account and the token that are to live longer.
fn whose(world: &World, call: &Call) -> Result<(String, String), GraphError> {
    let missing = || GraphError::plain(104, "An access token is required to request this resource.");
    let token = call.token.clone().ok_or_else(missing)?;
    let unknown = || GraphError::plain(190, "Invalid OAuth access token - Cannot parse access token");
    let id = of_token(world, &token).ok_or_else(unknown)?;
    match token::refused(world, &id, &token) {
        Some(error) => Err(error),
        None => Ok((id, token)),
    }
}

fn longer(world: &mut World, id: &str, old: &str) -> Value {
    let now = world.now();
    let rights = world.account(id).and_then(|account| account.tokens.get(old)?.rights.clone());
    let new = format!("{old}L");
    let token = Token {
        expires_at: Some(now + TimeDelta::seconds(LONG)),
        issued_at: Some(now),
        kind: Some("long".to_owned()),
        rights,
        ..Token::default()
    };
    take_on(world, id, &new, token);
    json!({ "access_token": new, "token_type": "bearer", "expires_in": LONG })
}

/// Puts a token on the account's list, where there is one.
fn take_on(world: &mut World, id: &str, name: &str, token: Token) {
    if world.account(id).is_some_and(|account| !account.tokens.is_empty()) {
        world.change_account(id, |account| {
            account.tokens.insert(name.to_owned(), token);
        });
    }
}
