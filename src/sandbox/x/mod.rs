//! The API of X, version 2, as far as a daemon that watches replies uses it.
//!
//! Source: X's own documentation and machine specification, and recorded answers (tests/fixtures/connector/x). An
//! account is a user, a post a tweet that it began a conversation with; a visitor's post (`/control/post` with an
//! author) is a conversation that somebody else began. Nothing in any answer tells that a reply is hidden.
//!
//! Settings of an account (`/control/account`, `memory`): `credits_milli` (thousandths of a dollar that are left),
//! `out_of_credit_status` (402 if not said; no source tells). Of a comment: `protected` (true = its author's account is).
//! Whether a search for a conversation also finds the tweet that it began with no source tells: here it does.

mod act;
mod list;
mod meter;
mod problem;
mod query;
mod tweet;

use axum::http::Method;
use serde_json::{Value, json};

use super::account::Worth;
use super::common;
use super::fault::{Fault, Kind};
use super::oauth::{self, Denied, Office};
use super::wire::{Answer, Call, Emulator};
use super::world::World;
use problem::Problem;
use tweet::View;

const OFFICE: Office =
    Office { platform: "x", prefix: "x", lives: 7_200, refresh_lives: None, rotates: true };

/// The API.
#[derive(Debug)]
pub(super) struct Api;

impl Emulator for Api {
    fn account_of(&self, world: &World, call: &Call) -> Option<String> {
        account_of(world, call)
    }

    fn answer(&self, world: &mut World, call: &Call) -> Answer {
        if call.segments() == ["2", "oauth2", "token"] {
            return token(world, call);
        }
        answer(world, call)
    }

    fn fault(&self, met: &Fault, _call: &Call) -> Answer {
        fault(met)
    }
}

/// The user that a request is about: the token's, or the one it names, or that of the tweet or conversation.
fn account_of(world: &World, call: &Call) -> Option<String> {
    if let Some(shown) = call.param("refresh_token") {
        return oauth::account_of(world, shown);
    }
    let of = |id: &str| {
        let comment = world.comment(id).map(|comment| comment.account.clone());
        comment.or_else(|| world.post(id).map(|post| post.account.clone()))
    };
    let segments = call.segments();
    let named = match segments.as_slice() {
        ["2", "users", id, ..] if *id != "me" && *id != "by" => return Some((*id).to_owned()),
        ["2", "tweets", "search", "recent"] => call.param("query").and_then(|query| {
            query.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').find_map(of)
        }),
        ["2", "tweets"] if call.method == Method::GET => {
            call.param("ids").and_then(|ids| ids.split(',').find_map(of))
        }
        ["2", "tweets", id, ..] => of(id),
        ["2", "tweets"] => call.json["reply"]["in_reply_to_tweet_id"].as_str().and_then(of),
        _ => None,
    };
    let digits = |id: &str| id.len() < 25 && id.bytes().all(|digit| digit.is_ascii_digit());
    named.or_else(|| common::whose(world, "x", call, digits))
}

fn answer(world: &mut World, call: &Call) -> Answer {
    let account = account_of(world, call);
    let good = call.token.as_deref().is_some_and(|token| {
        account.as_deref().is_none_or(|account| world.worth(account, token) == Worth::Good)
    });
    if !good {
        return Problem::unauthorized().answer();
    }
    let segments = call.segments();
    // Requests in fifteen minutes by a user, by what is asked for.
    let (name, limit) = match (&call.method, segments.as_slice()) {
        (&Method::GET, ["2", "tweets", "search", "recent"]) => ("search", 300),
        (&Method::GET, ["2", "users", "me"]) => ("me", 75),
        (&Method::GET, ["2", "users", _, "mentions"]) => ("mentions", 300),
        (&Method::GET, ["2", "users", ..]) => ("users", 900),
        (&Method::GET, ["2", "tweets", ..]) => ("tweets", 900),
        (&Method::PUT, ["2", "tweets", _, "hidden"]) => ("hidden", 50),
        (&Method::POST, ["2", "tweets"]) => ("post", 100),
        (&Method::DELETE, ["2", "tweets", _]) => ("delete", 50),
        _ => return Problem::not_found().answer(),
    };
    let spent = meter::count(world, account.as_deref(), name, limit);
    if spent.as_ref().is_some_and(|spent| !spent.allowed) {
        return meter::tell(Problem::too_many().answer(), spent.as_ref());
    }
    let scope = scope(&call.method, &segments);
    let its = account.as_deref().unwrap_or_default();
    let token = call.token.as_deref().unwrap_or_default();
    let holds =
        world.account(its).is_none_or(|account| scope.iter().all(|scope| account.holds(token, scope)));
    let found = if holds {
        carry_out(world, call, its)
    } else {
        Err(Problem::forbidden("You are not permitted to perform this action."))
    };
    let status = if call.method == Method::POST { 201 } else { 200 };
    let answer = found.map_or_else(|problem| problem.answer(), |found| Answer::json(status, &found));
    meter::tell(answer, spent.as_ref())
}

/// The scopes that a request needs.
fn scope(method: &Method, segments: &[&str]) -> &'static [&'static str] {
    match (method, segments) {
        (&Method::PUT, _) => &["tweet.read", "tweet.moderate.write", "users.read"],
        (&Method::POST | &Method::DELETE, _) => &["tweet.read", "tweet.write", "users.read"],
        _ => &["tweet.read", "users.read"],
    }
}

fn carry_out(world: &mut World, call: &Call, account: &str) -> Result<Value, Problem> {
    if call.method == Method::GET {
        // Without money nothing is read either, whatever it would have cost.
        meter::charge(world, account, 0)?;
    }
    let segments = call.segments();
    let below = segments.get(1..).unwrap_or_default();
    match (&call.method, below) {
        (&Method::GET, ["tweets", "search", "recent"]) => list::search(world, call, account),
        (&Method::GET, ["users", _, "mentions"]) => list::mentions(world, call, account),
        (&Method::GET, ["users", _, "tweets"]) => list::tweets(world, call, account),
        (&Method::GET, ["tweets"]) => {
            let ids: Vec<&str> =
                call.param("ids").unwrap_or_default().split(',').filter(|id| !id.is_empty()).collect();
            list::by_id(world, call, account, &ids, false)
        }
        (&Method::GET, ["tweets", id]) => list::by_id(world, call, account, &[id], true),
        (&Method::GET, ["users", "me"]) if !account.is_empty() => {
            Ok(json!({ "data": View::wanted(call)?.user(world, account, None) }))
        }
        (&Method::GET, ["users", id]) if world.account(id).is_some() => {
            Ok(json!({ "data": View::wanted(call)?.user(world, id, None) }))
        }
        (&Method::PUT, ["tweets", id, "hidden"]) => act::hide(world, call, account, id),
        (&Method::POST, ["tweets"]) => act::answer(world, call, account),
        (&Method::DELETE, ["tweets", id]) => act::delete(world, account, id),
        _ => Err(Problem::not_found()),
    }
}

/// `POST oauth2/token`.
fn token(world: &mut World, call: &Call) -> Answer {
    // An app with a secret shows it in the header, and nowhere else.
    let given = if call.param("client_secret").is_some() {
        Err(Denied::Client)
    } else {
        oauth::give(world, call, OFFICE)
    };
    match given {
        Ok(given) => Answer::json(
            200,
            &json!({
                "token_type": "bearer",
                "expires_in": OFFICE.lives,
                "access_token": given.access,
                "scope": given.scope("tweet.read tweet.moderate.write tweet.write users.read offline.access", " "),
                "refresh_token": given.refresh,
            }),
        ),
        Err(denied) => {
            let (status, error, description) = match denied {
                Denied::Kind => (400, "unsupported_grant_type", "Unsupported grant type"),
                Denied::Client => (401, "unauthorized_client", "Missing valid authorization header"),
                Denied::Nothing => (400, "invalid_request", "Missing required parameter"),
                Denied::Worthless => (400, "invalid_request", "Value passed for the token was invalid."),
            };
            Answer::json(status, &json!({ "error": error, "error_description": description }))
        }
    }
}

/// The answer of a request that met a fault; a `code` makes it the older form, with that number.
fn fault(fault: &Fault) -> Answer {
    let (status, title, code, message) = match fault.kind {
        Kind::Token | Kind::GoneToken => (401, "Unauthorized", 89, "Invalid or expired token"),
        Kind::TooMany => (429, "Too Many Requests", 88, "Rate limit exceeded"),
        Kind::Down => (503, "Service Unavailable", 130, "Over capacity"),
        Kind::Failed => (500, "Internal Error", 131, "Internal error"),
        Kind::StringError => return Answer::json(400, &json!({ "error": "invalid_request" })),
        Kind::Localised => (403, "Förbjudet", 220, "Åtgärden är inte tillåten"),
        _ => (403, "Forbidden", 220, "You are not permitted to perform this action."),
    };
    match fault.code {
        Some(given) => {
            let message = if given == code { message } else { "Error" };
            Problem::legacy(status, given, message).answer()
        }
        None => Problem::plain(status, title, message).answer(),
    }
}

#[cfg(test)]
mod tests;
