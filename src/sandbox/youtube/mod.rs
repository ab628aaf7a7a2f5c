//! The YouTube Data API v3, as far as a daemon that moderates comments uses it.
//!
//! Source: the discovery document and Google's pages on `commentThreads`, `comments` and quotas, and recorded answers
//! (tests/fixtures/connector/youtube). An account is a channel and a post is a video; a post whose id is the
//! channel's own is the channel's discussion, one that begins with `Ugkx` a community post.
//!
//! What no source tells, and how it is here: a reply that is held back stands in no list; `comments?id=` shows what is
//! held back and not what is rejected; an unknown id is left out of a list by ids.

mod act;
mod channel;
mod error;
mod list;
mod show;
mod status;

use axum::http::Method;
use serde_json::{Value, json};

use super::account::Worth;
use super::common;
use super::fault::{Fault, Kind};
use super::oauth::{self, Denied, Office};
use super::quota::{Rule, Window};
use super::wire::{Answer, Call, Emulator};
use super::world::World;
use error::Refusal;

/// The quota of the whole app, in units.
const UNITS: &str = "youtube.units";

/// What a project has in a day.
const A_DAY: Rule = Rule { limit: 10_000, window: Window::PacificDay };

/// The only scope that reads and moderates comments.
const SCOPE: &str = "https://www.googleapis.com/auth/youtube.force-ssl";

const OFFICE: Office =
    Office { platform: "youtube", prefix: "ya29.", lives: 3599, refresh_lives: None, rotates: false };

/// The Data API.
#[derive(Debug)]
pub(super) struct DataApi;

/// What comments stand under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Surface {
    Video,
    Post,
    Channel,
}

impl Surface {
    fn of(account: &str, post: &str) -> Self {
        if post == account {
            Self::Channel
        } else if post.starts_with("Ugkx") {
            Self::Post
        } else {
            Self::Video
        }
    }
}

impl Emulator for DataApi {
    fn account_of(&self, world: &World, call: &Call) -> Option<String> {
        account_of(world, call)
    }

    fn answer(&self, world: &mut World, call: &Call) -> Answer {
        if call.segments() == ["token"] {
            return token(world, call);
        }
        answer(world, call).unwrap_or_else(|refusal| refusal.answer())
    }

    fn fault(&self, met: &Fault, _call: &Call) -> Answer {
        fault(met)
    }
}

/// The channel that a request is about: the one it names, or that of a video or comment, or the token's.
fn account_of(world: &World, call: &Call) -> Option<String> {
    if let Some(shown) = call.param("refresh_token") {
        return oauth::account_of(world, shown);
    }
    let named = ["allThreadsRelatedToChannelId", "channelId"].iter().find_map(|name| call.param(name));
    if let Some(named) = named {
        return Some(named.to_owned());
    }
    if let Some(playlist) = call.param("playlistId") {
        return channel::channel_of(world, playlist);
    }
    let snippet = call.json.get("snippet").and_then(|snippet| snippet["parentId"].as_str());
    let ids = ["id", "videoId", "postId", "parentId"].iter().filter_map(|name| call.param(name));
    let of = |id: &str| {
        let comment = world.comment(id).map(|comment| comment.account.clone());
        comment
            .or_else(|| world.post(id).map(|post| post.account.clone()))
            .or_else(|| world.account(id).map(|_| id.to_owned()))
    };
    ids.flat_map(|ids| ids.split(','))
        .chain(snippet)
        .find_map(of)
        .or_else(|| common::whose(world, "youtube", call, |id| id.starts_with("UC")))
}

fn answer(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let account = account_of(world, call);
    let token = call.token.as_deref().ok_or_else(Refusal::token)?;
    if let Some(account) = &account
        && world.worth(account, token) != Worth::Good
    {
        return Err(Refusal::token());
    }
    // Every call costs, also one that is refused for what it asks.
    let spent = world.spend(None, UNITS, act::cost(&call.method), Some(A_DAY));
    if spent.is_some_and(|spent| !spent.allowed) {
        return Err(Refusal::quota());
    }
    let holds = |account: &str| {
        world
            .account(account)
            .is_none_or(|account| account.holds(token, SCOPE) || account.holds(token, "youtube.force-ssl"))
    };
    if account.as_deref().is_some_and(|account| !holds(account)) {
        return Err(Refusal::scope());
    }
    let segments = call.segments();
    let [version, path @ ..] = segments.as_slice() else { return Err(unknown()) };
    if *version != "v3" {
        return Err(unknown());
    }
    if call.method == Method::POST && call.header("content-length").is_none() && call.json == Value::Null {
        // Google's front end demands the header also where there is no body.
        return Err(Refusal::new(411, "global", "required", "Length Required"));
    }
    let its = account.as_deref().unwrap_or_default();
    let found = match (&call.method, path) {
        (&Method::GET, ["commentThreads"]) => list::threads(world, call, its)?,
        (&Method::GET, ["comments"]) => list::comments(world, call, its)?,
        (&Method::GET, ["channels"]) => channel::channels(world, call, account.as_deref())?,
        (&Method::GET, ["videos"]) => channel::videos(world, call)?,
        (&Method::GET, ["playlistItems"]) => channel::uploaded(world, call, its)?,
        (&Method::POST, ["comments", "setModerationStatus"]) => return act::moderate(world, call, its),
        (&Method::POST, ["comments"]) => return act::reply(world, call, its),
        (&Method::DELETE, ["comments"]) => return act::delete(world, call),
        _ => return Err(unknown()),
    };
    Ok(Answer::json(200, &found))
}

fn unknown() -> Refusal {
    Refusal::new(404, "global", "notFound", "Not Found")
}

/// Whether comments are turned off under a video.
fn is_closed(world: &World, post: &str) -> bool {
    world.post(post).is_some_and(|post| post.closed)
}

/// `POST token`: what `https://oauth2.googleapis.com/token` does. Its errors are texts, not objects.
fn token(world: &mut World, call: &Call) -> Answer {
    match oauth::give(world, call, OFFICE) {
        Ok(given) => {
            let mut body = json!({
                "access_token": given.access,
                "expires_in": OFFICE.lives,
                "scope": given.scope(SCOPE, " "),
                "token_type": "Bearer",
            });
            if given.first {
                body["refresh_token"] = json!(given.refresh);
            }
            Answer::json(200, &body)
        }
        Err(denied) => {
            let (status, error, description) = match denied {
                Denied::Kind => (400, "unsupported_grant_type", "Invalid grant_type"),
                Denied::Client => (401, "invalid_client", "The OAuth client was not found."),
                Denied::Nothing => (400, "invalid_request", "Missing required parameter"),
                Denied::Worthless => (400, "invalid_grant", "Token has been expired or revoked."),
            };
            Answer::json(status, &json!({ "error": error, "error_description": description }))
        }
    }
}

/// The answer of a request that met a fault. A `refuse` may say with which of Google's status codes.
fn fault(fault: &Fault) -> Answer {
    match (fault.kind, fault.code) {
        (Kind::Token | Kind::GoneToken, _) => Refusal::token().answer(),
        (Kind::TooMany, Some(429)) => Refusal::new(
            429,
            "global",
            "rateLimitExceeded",
            "Resource has been exhausted (e.g. check quota).",
        )
        .answer(),
        (Kind::TooMany, _) => Refusal::quota().answer(),
        (Kind::Down | Kind::Failed, _) => {
            let status = if fault.kind == Kind::Down { 503 } else { 500 };
            Refusal::new(status, "global", "backendError", "Backend Error").answer()
        }
        (Kind::StringError, _) => Answer::json(400, &json!({ "error": "error message" })),
        (Kind::Localised, _) => Refusal::forbidden("Anropet saknar behörighet.").answer(),
        (_, Some(400)) => Refusal::processing().answer(),
        (_, Some(503)) => Refusal::contradicting().answer(),
        _ => Refusal::forbidden("The caller does not have permission").answer(),
    }
}

#[cfg(test)]
mod tests;
