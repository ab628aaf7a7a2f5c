//! The verbs about accounts, their tokens and quotas, time and faults.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::comments::merge;
use super::{ControlError, nullable, parse};
use crate::sandbox::account::Token;
use crate::sandbox::fault::Order;
use crate::sandbox::quota::{Rule, Window};
use crate::sandbox::world::World;

#[derive(Deserialize)]
struct Settings {
    account: String,
    #[serde(default)]
    platform: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    about: Option<String>,
    #[serde(default)]
    picture: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    #[expect(clippy::option_option, reason = "absent, null and a value are three different orders")]
    rights: Option<Option<BTreeSet<String>>>,
    #[serde(default)]
    grant: BTreeSet<String>,
    #[serde(default)]
    revoke: BTreeSet<String>,
    #[serde(default)]
    app_secret: Option<String>,
    #[serde(default)]
    moderate: Option<bool>,
    #[serde(default)]
    usage: Option<u8>,
    #[serde(default)]
    lag: Option<u32>,
    #[serde(default)]
    delay_ms: Option<u32>,
    #[serde(default, deserialize_with = "nullable")]
    #[expect(clippy::option_option, reason = "absent, null and a value are three different orders")]
    concurrent: Option<Option<u32>>,
    #[serde(default)]
    memory: Map<String, Value>,
}

pub(super) fn account(world: &mut World, body: &[u8]) -> Result<(), ControlError> {
    let order: Settings = parse(body)?;
    named(&order.account)?;
    let rights = match &order.rights {
        Some(rights) => rights.clone(),
        None => world.account(&order.account).and_then(|account| account.rights.clone()),
    };
    if rights.is_none() && !order.revoke.is_empty() {
        let reason = "the account holds all rights: say which in `rights` before taking one away";
        return Err(ControlError::Bad(reason.to_owned()));
    }
    world.change_account(&order.account, |account| {
        account.rights = rights.map(|mut rights| {
            rights.extend(order.grant);
            rights.retain(|right| !order.revoke.contains(right));
            rights
        });
        account.platform = order.platform.or(account.platform.take());
        account.username = order.username.or(account.username.take());
        account.picture = order.picture.or(account.picture.take());
        if let Some(name) = order.name {
            account.name = name;
        }
        if let Some(about) = order.about {
            account.about = about;
        }
        if let Some(secret) = order.app_secret {
            account.app_secret = Some(SecretString::from(secret));
        }
        account.moderate = order.moderate.unwrap_or(account.moderate);
        account.usage = order.usage.unwrap_or(account.usage);
        account.lag = order.lag.unwrap_or(account.lag);
        account.delay_ms = order.delay_ms.unwrap_or(account.delay_ms);
        account.concurrent = order.concurrent.unwrap_or(account.concurrent);
        merge(&mut account.memory, order.memory);
    });
    Ok(())
}

#[derive(Deserialize)]
struct TokenOrder {
    account: String,
    token: String,
    #[serde(default)]
    forget: bool,
    #[serde(flatten)]
    is: Token,
}

pub(super) fn token(world: &mut World, body: &[u8]) -> Result<(), ControlError> {
    let order: TokenOrder = parse(body)?;
    named(&order.account)?;
    if order.token.is_empty() {
        return Err(ControlError::Bad("`token` is empty".to_owned()));
    }
    world.change_account(&order.account, |account| {
        if order.forget {
            account.tokens.remove(&order.token);
        } else {
            account.tokens.insert(order.token, order.is);
        }
    });
    Ok(())
}

#[derive(Deserialize)]
struct Expire {
    account: String,
    #[serde(default)]
    token: Option<String>,
}

pub(super) fn expire(world: &mut World, body: &[u8]) -> Result<usize, ControlError> {
    let Expire { account: id, token } = parse(body)?;
    let now = world.now();
    let is_meant = |name: &String| token.as_ref().is_none_or(|token| token == name);
    let count =
        world.account(&id).map_or(0, |account| account.tokens.keys().filter(|name| is_meant(name)).count());
    if count == 0 {
        // An account that takes any token has none to expire: the fault `token` is for that.
        let reason = "there is no such token on the account's list; add it with /control/token, or set the fault `token`";
        return Err(ControlError::Unknown(reason.to_owned()));
    }
    world.change_account(&id, |account| {
        for (_, token) in account.tokens.iter_mut().filter(|(name, _)| is_meant(name)) {
            token.expires_at = Some(now);
        }
    });
    Ok(count)
}

#[derive(Deserialize)]
struct QuotaOrder {
    #[serde(default)]
    account: Option<String>,
    name: String,
    #[serde(default)]
    limit: Option<u64>,
    #[serde(default)]
    used: Option<u64>,
    #[serde(default)]
    window: Option<Window>,
}

pub(super) fn quota(world: &mut World, body: &[u8]) -> Result<(), ControlError> {
    let order: QuotaOrder = parse(body)?;
    let account = order.account.as_deref();
    let old = world.rule(account, &order.name);
    let (Some(limit), Some(window)) =
        (order.limit.or(old.map(|rule| rule.limit)), order.window.or(old.map(|rule| rule.window)))
    else {
        return Err(ControlError::Bad("a quota that is not there yet needs `limit` and `window`".to_owned()));
    };
    let now = world.now();
    let quota = world.set_quota(account, &order.name, Rule { limit, window });
    if let Some(used) = order.used {
        quota.set_used(now, used);
    }
    Ok(())
}

#[derive(Deserialize)]
struct Lag {
    account: String,
    seconds: u32,
}

pub(super) fn lag(world: &mut World, body: &[u8]) -> Result<(), ControlError> {
    let Lag { account: id, seconds } = parse(body)?;
    named(&id)?;
    world.change_account(&id, |account| account.lag = seconds);
    Ok(())
}

#[derive(Deserialize)]
struct Turn {
    #[serde(default)]
    at: Option<DateTime<Utc>>,
    #[serde(default)]
    forward: Option<u32>,
}

pub(super) fn clock(world: &mut World, body: &[u8]) -> Result<(), ControlError> {
    let Turn { at, forward } = parse(body)?;
    let to = match (at, forward) {
        (Some(at), None) => Some(at),
        (None, Some(seconds)) => world.now().checked_add_signed(TimeDelta::seconds(seconds.into())),
        _ => None,
    };
    let to = to.ok_or_else(|| ControlError::Bad("the clock needs either `at` or `forward`".to_owned()))?;
    world.set_clock(to);
    Ok(())
}

pub(super) fn fault(world: &mut World, body: &[u8]) -> Result<(), ControlError> {
    let order: Order = parse(body)?;
    if order.account.is_empty() || order.times == Some(0) {
        return Err(ControlError::Bad("a fault needs an account and at least one time".to_owned()));
    }
    if order.status.is_some_and(|status| !(200..600).contains(&status)) {
        return Err(ControlError::Bad("`status` is none that an answer can have".to_owned()));
    }
    world.set_fault(&order);
    Ok(())
}

#[derive(Deserialize)]
struct Reset {
    #[serde(default)]
    account: Option<String>,
}

pub(super) fn reset(world: &mut World, body: &[u8]) -> Result<(), ControlError> {
    let Reset { account } = parse(body)?;
    world.reset_cursors(account.as_deref());
    Ok(())
}

fn named(account: &str) -> Result<(), ControlError> {
    if account.is_empty() { Err(ControlError::Bad("`account` is empty".to_owned())) } else { Ok(()) }
}
