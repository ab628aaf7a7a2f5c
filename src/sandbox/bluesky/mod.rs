//! Bluesky, small: a server with accounts, their records, and the app view, below `/bluesky/xrpc/`. The real network
//! stands beside it in tests/bluesky.
//!
//! Source: the lexicons, the tests of Bluesky's own repository, what was tried on the real network, and recorded
//! answers (tests/fixtures/connector/bluesky). Native ids are at-uris. An answer is hidden by the threadgate of its
//! root post; somebody who hides one in the app (`/control/hide`) changes that record too.
//!
//! Settings of an account (`/control/account`, `memory`): `password` and `app_password` (without either any is right; with the
//! latter a session may do less, and says so). Of a comment: `indexed_at`, `blocked`. Without a lag the app view is up to date at once; the real one never is: `/control/lag`.

mod cid;
mod error;
mod gate;
mod list;
mod repo;
mod session;
mod view;

use axum::http::Method;
use serde_json::Value;

use super::fault::{Fault, Kind};
use super::quota::{Rule, Spent, Window};
use super::wire::{Answer, Call, Emulator};
use super::world::World;
use error::Refusal;

/// Requests of one address in five minutes.
const ALL: Rule = Rule { limit: 3_000, window: Window::Fixed(300) };

/// Logins of one account in five minutes and in a day.
const LOGINS: [(&str, Rule); 2] = [
    ("bluesky.logins", Rule { limit: 30, window: Window::Fixed(300) }),
    ("bluesky.logins_day", Rule { limit: 300, window: Window::UtcDay }),
];

/// Points of one account's writes in an hour and in a day.
const WRITES: [(&str, Rule); 2] = [
    ("bluesky.points", Rule { limit: 5_000, window: Window::Fixed(3_600) }),
    ("bluesky.points_day", Rule { limit: 35_000, window: Window::UtcDay }),
];

/// The server.
#[derive(Debug)]
pub(super) struct Xrpc;

impl Emulator for Xrpc {
    fn account_of(&self, world: &World, call: &Call) -> Option<String> {
        account_of(world, call)
    }

    fn answer(&self, world: &mut World, call: &Call) -> Answer {
        answer(world, call)
    }

    fn fault(&self, met: &Fault, call: &Call) -> Answer {
        fault(met, call)
    }
}

/// The last part of an address: a record's key.
fn rkey(uri: &str) -> &str {
    uri.rsplit('/').next().unwrap_or(uri)
}

/// The account that a request is about: who logs in, whose session it is, or whose post is read.
fn account_of(world: &World, call: &Call) -> Option<String> {
    if method(call) == "com.atproto.server.createSession" {
        return session::known(world, call.json["identifier"].as_str()?);
    }
    let of = |uri: &str| {
        let comment = world.comment(uri).map(|comment| comment.account.clone());
        comment.or_else(|| world.post(uri).map(|post| post.account.clone()))
    };
    session::whose(world, call).or_else(|| {
        let uri = call.param("uri").or_else(|| call.param("uris")).and_then(of);
        uri.or_else(|| session::known(world, call.param("actor").or_else(|| call.param("repo"))?))
    })
}

/// The name of what is asked for.
fn method(call: &Call) -> &str {
    match call.path.as_slice() {
        [xrpc, name] if xrpc == "xrpc" => name,
        _ => "",
    }
}

fn answer(world: &mut World, call: &Call) -> Answer {
    let account = account_of(world, call);
    let its = account.as_deref();
    let mut told = spend(world, None, "bluesky.requests", 1, ALL);
    let more: &[(&str, Rule)] = match method(call) {
        "com.atproto.server.createSession" => &LOGINS,
        "com.atproto.repo.createRecord" | "com.atproto.repo.putRecord" | "com.atproto.repo.deleteRecord" => {
            &WRITES
        }
        _ => &[],
    };
    let points = match method(call) {
        "com.atproto.repo.createRecord" => 3,
        "com.atproto.repo.putRecord" => 2,
        _ => 1,
    };
    for (name, rule) in more {
        if told.0.allowed {
            // The header lines are those of the narrowest limit.
            let next = spend(world, its, name, points, *rule);
            if !next.0.allowed || next.0.left() < told.0.left() {
                told = next;
            }
        }
    }
    let (spent, seconds) = told;
    let answer = if spent.allowed {
        carry_out(world, call, its).unwrap_or_else(|refusal| refusal.answer())
    } else {
        Refusal::limited().answer().with("retry-after", spent.wait(world.now()).to_string())
    };
    answer
        .with("ratelimit-limit", spent.limit.to_string())
        .with("ratelimit-remaining", spent.left().to_string())
        .with("ratelimit-reset", spent.resets_at.timestamp().to_string())
        .with("ratelimit-policy", format!("{};w={seconds}", spent.limit))
}

fn spend(world: &mut World, account: Option<&str>, name: &str, units: u64, rule: Rule) -> (Spent, u32) {
    let seconds = match rule.window {
        Window::Rolling(seconds) | Window::Fixed(seconds) => seconds,
        Window::UtcDay | Window::PacificDay => 86_400,
    };
    let spent = world.spend(account, name, units, Some(rule)).unwrap_or_else(|| Spent {
        allowed: true,
        limit: rule.limit,
        used: units,
        resets_at: world.now(),
        stubborn: false,
    });
    (spent, seconds)
}

fn carry_out(world: &mut World, call: &Call, account: Option<&str>) -> Result<Answer, Refusal> {
    let (reads, name) = (call.method == Method::GET, method(call));
    let found: Value = match (reads, name) {
        (false, "com.atproto.server.createSession") => session::create(world, call, account)?,
        (false, "com.atproto.server.refreshSession") => session::refresh(world, call)?,
        // A record is read without a session.
        (true, "com.atproto.repo.getRecord") => repo::get(world, call)?,
        _ => {
            session::check(world, call, account)?;
            let account = account.unwrap_or_default();
            match (reads, name) {
                (true, "com.atproto.server.getSession") => session::get(world, call, account),
                (true, "app.bsky.notification.listNotifications") => {
                    list::notifications(world, call, account)?
                }
                (true, "app.bsky.feed.getPostThread") => view::thread(world, call)?,
                (true, "app.bsky.feed.getPosts") => list::posts(world, call)?,
                (true, "app.bsky.feed.getAuthorFeed") => list::feed(world, call)?,
                (false, "com.atproto.repo.putRecord") => repo::put(world, call, account)?,
                (false, "com.atproto.repo.createRecord") => repo::create(world, call, account)?,
                (false, "com.atproto.repo.deleteRecord") => repo::delete(world, call, account)?,
                _ => return Err(Refusal::new(501, "MethodNotImplemented", "Method Not Implemented")),
            }
        }
    };
    Ok(Answer::json(200, &found))
}

/// The answer of a request that met a fault.
fn fault(fault: &Fault, call: &Call) -> Answer {
    let logs_in = method(call) == "com.atproto.server.createSession";
    match fault.kind {
        Kind::Token | Kind::GoneToken if logs_in => Refusal::login().answer(),
        Kind::Token => Refusal::expired().answer(),
        Kind::GoneToken => Refusal::bad_token().answer(),
        Kind::TooMany => Refusal::limited().answer(),
        Kind::Down => Refusal::new(503, "UpstreamFailure", "Upstream Failure").answer(),
        Kind::Failed => Refusal::new(500, "InternalServerError", "Internal Server Error").answer(),
        Kind::Localised => Refusal::invalid("Begäran är inte tillåten").answer(),
        Kind::StringError => Answer::json(400, &Value::from("InvalidRequest")),
        _ => Refusal::invalid("The request was refused").answer(),
    }
}

#[cfg(test)]
mod tests;
