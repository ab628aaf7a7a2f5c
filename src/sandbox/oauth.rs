//! OAuth: how a client gets tokens, alike on the platforms that follow the standard.
//!
//! An account whose tokens are listed (`/control/account`) gives only for refresh tokens and codes that it knows;
//! where no account of the platform lists any, every refresh token and code is taken, as every token is.

use chrono::TimeDelta;
use serde_json::Value;

use super::account::{Account, Token};
use super::common;
use super::consent::{self, Code};
use super::wire::Call;
use super::world::World;

/// The setting of an account that holds a code which its owner has been shown and which is good once.
const CODE: &str = "code";

/// How a platform gives tokens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Office {
    pub(super) platform: &'static str,
    /// What its access tokens begin with.
    pub(super) prefix: &'static str,
    /// Seconds that an access token lives.
    pub(super) lives: i64,
    /// Seconds that a refresh token lives, from the first grant; none = it does not end by itself.
    pub(super) refresh_lives: Option<i64>,
    /// Whether a refresh token is good once and a new one comes with each answer.
    pub(super) rotates: bool,
}

/// What was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) access: String,
    pub(super) refresh: String,
    /// Seconds that the refresh token still lives.
    pub(super) refresh_left: Option<i64>,
    /// Whether it was for a code, not for a refresh token.
    pub(super) first: bool,
    /// What it holds, in the order in which it was asked for, where a person's consent said.
    pub(super) scope: Option<Vec<String>>,
}

impl Given {
    /// The text of `scope`: what was consented to, else `all`.
    pub(super) fn scope(&self, all: &str, between: &str) -> String {
        self.scope.as_ref().map_or_else(|| all.to_owned(), |scope| scope.join(between))
    }
}

/// Why nothing was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Denied {
    /// The kind of grant is missing, or one that the platform does not have.
    Kind,
    /// The client did not say who it is.
    Client,
    /// The code or refresh token is missing.
    Nothing,
    /// The code or refresh token is used up, expired, taken back or never was one.
    Worthless,
}

/// Answers a request for tokens.
pub(super) fn give(world: &mut World, call: &Call, office: Office) -> Result<Given, Denied> {
    let kind = call.param("grant_type").ok_or(Denied::Kind)?;
    if call.param("client_id").is_none_or(str::is_empty) && call.header("authorization").is_none() {
        return Err(Denied::Client);
    }
    let (name, first) = match kind {
        "authorization_code" => ("code", true),
        "refresh_token" => ("refresh_token", false),
        _ => return Err(Denied::Kind),
    };
    let shown = call.param(name).filter(|text| !text.is_empty()).ok_or(Denied::Nothing)?.to_owned();
    if !first {
        return refresh(world, &shown, office);
    }
    match consent::redeem(world, call, office.platform) {
        Code::Untold => exchange(world, &shown, office),
        Code::Bad => Err(Denied::Worthless),
        Code::Good(consent) => {
            // Without this X gives no refresh token.
            let lasts = office.platform != "x" || consent.rights.contains("offline.access");
            let ends = office.refresh_lives.map(|seconds| world.now() + TimeDelta::seconds(seconds));
            let token = Token {
                refresh: lasts.then(|| fresh(world, &format!("refresh {shown}"), "r")),
                refresh_expires_at: ends,
                rights: Some(consent.rights.clone()),
                ..Token::default()
            };
            let mut given = list(world, &consent.account, token, office, true);
            let account = world.account(&consent.account);
            let holds = |right: &&String| account.is_none_or(|account| account.holds(&given.access, right));
            given.scope = Some(consent.rights.iter().filter(holds).cloned().collect());
            Ok(given)
        }
    }
}

fn exchange(world: &mut World, code: &str, office: Office) -> Result<Given, Denied> {
    let mine = |world: &World| -> Vec<(String, bool)> {
        let all =
            world.accounts.iter().filter(|(_, account)| account.platform.as_deref() == Some(office.platform));
        let codes = all.filter_map(|(id, account)| Some((id, account.setting(CODE)?.as_str())));
        codes.map(|(id, its)| (id.clone(), its == Some(code))).collect()
    };
    let codes = mine(world);
    let Some((account, _)) = codes.iter().find(|(_, fits)| *fits) else {
        return if codes.is_empty() {
            Ok(unlisted(world, code, office, true))
        } else {
            Err(Denied::Worthless)
        };
    };
    world.change_account(account, |account| {
        // It stays known that the account gives codes, and that this one is used up.
        account.memory.insert(CODE.to_owned(), Value::Null);
    });
    let ends = office.refresh_lives.map(|seconds| world.now() + TimeDelta::seconds(seconds));
    let refresh = fresh(world, &format!("refresh {code}"), "r");
    let token = Token { refresh: Some(refresh), refresh_expires_at: ends, ..Token::default() };
    Ok(list(world, account, token, office, true))
}

fn refresh(world: &mut World, shown: &str, office: Office) -> Result<Given, Denied> {
    let its = |(id, account): (&String, &Account)| {
        let found = account.tokens.iter().find(|(_, token)| token.refresh.as_deref() == Some(shown))?;
        Some((id.clone(), found.0.clone(), found.1.clone()))
    };
    let lists = world.accounts.values().any(|account| {
        account.platform.as_deref().is_none_or(|its| its == office.platform) && !account.tokens.is_empty()
    });
    let Some((account, access, old)) = world.accounts.iter().find_map(its) else {
        return if lists { Err(Denied::Worthless) } else { Ok(unlisted(world, shown, office, false)) };
    };
    let now = world.now();
    if old.revoked || old.refresh_expires_at.is_some_and(|end| end <= now) {
        return Err(Denied::Worthless);
    }
    let refresh = if office.rotates {
        // What was shown is used up; the access token that came with it lives on to its end.
        world.change_account(&account, |account| {
            if let Some(token) = account.tokens.get_mut(&access) {
                token.refresh = None;
            }
        });
        fresh(world, shown, "r")
    } else {
        shown.to_owned()
    };
    Ok(list(world, &account, Token { refresh: Some(refresh), ..old }, office, false))
}

/// Gives a token that its account lists from now on.
fn list(world: &mut World, account: &str, token: Token, office: Office, first: bool) -> Given {
    let now = world.now();
    let access = fresh(world, account, office.prefix);
    let token =
        Token { expires_at: Some(now + TimeDelta::seconds(office.lives)), issued_at: Some(now), ..token };
    let given = Given {
        access: access.clone(),
        refresh: token.refresh.clone().unwrap_or_default(),
        refresh_left: token.refresh_expires_at.map(|end| (end - now).num_seconds()),
        first,
        scope: None,
    };
    world.change_account(account, |account| {
        account.tokens.insert(access, token);
    });
    given
}

/// Gives a token where none is listed and any is taken.
fn unlisted(world: &World, shown: &str, office: Office, first: bool) -> Given {
    let refresh = if first || office.rotates { fresh(world, shown, "r") } else { shown.to_owned() };
    let access = fresh(world, shown, office.prefix);
    Given { access, refresh, refresh_left: office.refresh_lives, first, scope: None }
}

/// The account that lists a refresh token.
pub(super) fn account_of(world: &World, refresh: &str) -> Option<String> {
    let lists =
        |account: &Account| account.tokens.values().any(|token| token.refresh.as_deref() == Some(refresh));
    world.accounts.iter().find(|(_, account)| lists(account)).map(|(id, _)| id.clone())
}

/// A token that was never given before.
fn fresh(world: &World, from: &str, prefix: &str) -> String {
    let tokens: usize = world.accounts.values().map(|account| account.tokens.len()).sum();
    let text = format!("{from} {tokens} {}", world.now());
    format!("{prefix}{:016x}{:016x}", common::number_of(&text), common::number_of(from))
}
