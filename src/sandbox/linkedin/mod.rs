//! LinkedIn's Community Management API, as far as a daemon that moderates comments uses it.
//!
//! LinkedIn's own pages could be read only at their heads, so more than elsewhere here stands on others' notes
//! (docs: README, "not confirmed"). An account is an organization, a post a share or `ugcPost`. Native ids are URNs;
//! `/linkedin/rest/…` answers, and for what is not below `rest` in reality `/linkedin/oauth/v2/accessToken`.
//!
//! Settings of an account (`/control/account`, `memory`): `role` (`ADMINISTRATOR`,
//! `DIRECT_SPONSORED_CONTENT_POSTER`, `RECRUITING_POSTER`, null = no longer any), `delete_others` (whether an
//! administrator may delete another member's comment, which no source tells; without it 403). Of a post: `activity`,
//! the URN that answers call it by; without it that of its first comment, or one made up.

mod act;
mod error;
mod gate;
mod list;
mod urn;

use axum::http::Method;
use serde_json::{Value, json};

use super::common;
use super::fault::{Fault, Kind};
use super::oauth::{self, Denied, Office};
use super::wire::{Answer, Call, Emulator};
use super::world::World;
use error::Refusal;
use gate::Role;
use urn::Target;

const OFFICE: Office = Office {
    platform: "linkedin",
    prefix: "AQ",
    lives: 5_184_000,
    refresh_lives: Some(365 * 24 * 60 * 60),
    rotates: false,
};

/// The Community Management API.
#[derive(Debug)]
pub(super) struct Community;

impl Emulator for Community {
    fn account_of(&self, world: &World, call: &Call) -> Option<String> {
        account_of(world, call)
    }

    fn answer(&self, world: &mut World, call: &Call) -> Answer {
        if call.segments() == ["oauth", "v2", "accessToken"] {
            return token(world, call);
        }
        answer(world, call).unwrap_or_else(|refusal| refusal.answer())
    }

    fn fault(&self, met: &Fault, _call: &Call) -> Answer {
        fault(met)
    }
}

/// The path below `rest`, which an address that ends there already has.
fn below(call: &Call) -> Vec<&str> {
    let segments = call.segments();
    match segments.as_slice() {
        ["rest", below @ ..] => below.to_vec(),
        _ => segments,
    }
}

/// The organization that a request names, or that of the post or comment that it names.
fn named(world: &World, call: &Call) -> Option<String> {
    let below = below(call);
    if let [_, urn, ..] = below.as_slice()
        && let Some(target) = urn::target(world, urn)
    {
        return world.post(target.post(world)?).map(|post| post.account.clone());
    }
    if let ["organizations", id] = below.as_slice() {
        return Some(urn::account(world, &urn::organization(id)));
    }
    let named = call.param("author").or_else(|| call.param("actor"));
    if let Some(named) = named {
        return Some(urn::account(world, named));
    }
    call.param("refresh_token").and_then(|shown| oauth::account_of(world, shown))
}

/// The organization that a request is about: the one it names, or the token's.
fn account_of(world: &World, call: &Call) -> Option<String> {
    named(world, call).or_else(|| common::whose(world, "linkedin", call, |id| id.starts_with("urn:li:")))
}

fn answer(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let account = account_of(world, call);
    gate::pass(world, call, account.as_deref(), named(world, call).is_some())?;
    let its = account.as_deref().unwrap_or_default();
    let below = below(call);
    let target = |world: &World, urn: &str| urn::target(world, urn).ok_or_else(|| Refusal::not_found(urn));
    if below.first() != Some(&"organizationAcls") && Role::of(world, its) == Role::None {
        // A member who was an administrator and is no longer.
        return Err(Refusal::forbidden(&format!("{}.{}", below.join("."), call.method)));
    }
    if call.param("ids").is_some() {
        return Err(Refusal::forbidden("BATCH_GET, which the Development tier does not have"));
    }
    let found: Value = match (&call.method, below.as_slice()) {
        (&Method::GET, ["posts"]) => list::posts(world, call, its)?,
        (&Method::GET, ["posts", id]) => list::post(world, id, its)?,
        (&Method::GET, ["organizationAcls"]) => list::roles(world, call)?,
        (&Method::GET, ["organizations", id]) => {
            let is = world.account(its).ok_or_else(|| Refusal::not_found(id))?;
            json!({ "id": id.parse::<u64>().ok(), "localizedName": is.name, "vanityName": is.username })
        }
        (&Method::GET, ["socialActions", urn, "comments"]) => {
            list::comments(world, call, its, &target(world, urn)?)?
        }
        (&Method::GET, ["socialActions", urn, "comments", id]) => {
            list::comment(world, call, &numbered(world, urn, id)?)?
        }
        (&Method::GET, ["socialActions", urn]) => list::sums(world, &target(world, urn)?, false)?,
        (&Method::GET, ["socialMetadata", urn]) => list::sums(world, &target(world, urn)?, true)?,
        (&Method::POST, ["socialActions", urn, "comments"]) => {
            let target = target(world, urn)?;
            return act::create(world, call, its, &target);
        }
        (&Method::DELETE, ["socialActions", urn, "comments", id]) => {
            let id = numbered(world, urn, id)?;
            return act::delete(world, call, its, &id);
        }
        (&Method::POST, ["socialMetadata", urn]) => {
            let target = target(world, urn)?;
            return act::close(world, call, &target);
        }
        _ => return Err(Refusal::new(404, None, "RESOURCE_NOT_FOUND", "No virtual resource found")),
    };
    Ok(Answer::json(200, &found))
}

/// The comment with a number under something; some clients give the whole URN instead of the number.
fn numbered(world: &World, urn: &str, id: &str) -> Result<String, Refusal> {
    if let Some(Target::Comment(whole)) = urn::target(world, id) {
        return Ok(whole);
    }
    let under = urn::target(world, urn).ok_or_else(|| Refusal::not_found(urn))?;
    urn::numbered(world, &under, id).ok_or_else(|| Refusal::not_found(id))
}

/// `POST oauth/v2/accessToken`.
fn token(world: &mut World, call: &Call) -> Answer {
    match oauth::give(world, call, OFFICE) {
        Ok(given) => Answer::json(
            200,
            &json!({
                "access_token": given.access,
                "expires_in": OFFICE.lives,
                "refresh_token": given.refresh,
                "refresh_token_expires_in": given.refresh_left,
                "scope": given.scope("r_organization_social_feed,w_organization_social_feed,rw_organization_admin", ","),
                "token_type": "Bearer",
            }),
        ),
        Err(denied) => {
            let (status, error, description) = match denied {
                Denied::Kind => (400, "unsupported_grant_type", "Unsupported grant type"),
                Denied::Client => (401, "invalid_client", "Client authentication failed"),
                Denied::Nothing => (400, "invalid_request", "A required parameter is missing"),
                Denied::Worthless => (
                    400,
                    "invalid_grant",
                    "The provided authorization grant or refresh token is invalid, expired or revoked",
                ),
            };
            Answer::json(status, &json!({ "error": error, "error_description": description }))
        }
    }
}

/// The answer of a request that met a fault; `code` is a `serviceErrorCode`.
fn fault(fault: &Fault) -> Answer {
    let refusal = match fault.kind {
        Kind::Token => Refusal::dead_token(true),
        Kind::GoneToken => Refusal::dead_token(false),
        Kind::TooMany => Refusal::new(
            429,
            Some(101),
            "TOO_MANY_REQUESTS",
            "Comment create throttled: creation rate limit exceeded for member",
        ),
        Kind::Down => Refusal::new(503, None, "SERVICE_UNAVAILABLE", "Service Unavailable"),
        Kind::Failed => Refusal::new(500, None, "INTERNAL_SERVER_ERROR", "Internal Server Error"),
        Kind::StringError => return Answer::json(400, &json!({ "error": "bad_request" })),
        Kind::Localised => Refusal::new(403, Some(100), "ACCESS_DENIED", "Behörighet saknas"),
        _ => Refusal::forbidden("partnerApiSocialActions"),
    };
    refusal.numbered(fault.code).answer()
}

#[cfg(test)]
mod tests;
