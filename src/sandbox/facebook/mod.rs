//! The Graph API of Facebook Pages, as far as a daemon that moderates comments uses it.
//!
//! Source: Meta's pages "Graph API /{object-id}/comments", "Comment", "Handling Errors", "Rate Limits", "Get
//! long-lived tokens" and "Private Replies", the machine specification of the node Comment, and recorded answers
//! (tests/fixtures/connector/facebook).
//!
//! What no source tells is a setting in the account's memory (`POST /control/account`, `memory`), so that a client is
//! tried against both:
//!
//! | key | meaning | if not set |
//! |---|---|---|
//! | `hidden_unlisted` | the list leaves hidden comments out | they are listed for who may moderate |
//! | `user_token_empty` | lists are empty for a user's token (documented for "some nodes") | without authors |
//! | `long_ids` | comments' ids come as `{page}_{post}_{comment}` (deprecated); both forms are always taken | as seeded |
//! | `feed_by_time` | the feed pages by `until` and `__paging_token`, without cursors, as recorded of v10 | by cursors |
//! | `total_extra` | added to `summary.total_count`: what the platform counts and does not show | 0 |
//! | `throttle_code`, `throttle_status` | code and status of a call over a limit | 80001 (4, 17, 32, 613), 400 |
//! | `revoked_subcode` | subcode of a token that was taken back | 460 |
//! | `data_access_expires_at` | seconds since 1970, in `debug_token` | 90 days ahead |
//! | `category`, `instagram_business_account` | fields of the Page | `Local business`, none |
//!
//! Rights: the scopes `pages_read_engagement`, `pages_read_user_content`, `pages_manage_engagement`,
//! `pages_show_list`, `pages_messaging`, and the tasks of `me/accounts`. Quotas: `facebook.buc` (an account's),
//! `facebook.app` (the app's), `facebook.user`, `facebook.page`, `facebook.custom`.
//!
//! Not emulated: the ranking of comments without `order`, photos and albums as objects of their own, groups, live
//! videos, webhooks, and batches of several requests in one.

mod act;
mod app;
mod list;
mod node;

use axum::http::Method;
use serde_json::{Map, Value, json};

use super::comment::Comment;
use super::fault::Fault;
use super::meta::error::{self, GraphError};
use super::meta::usage::{self, Words};
use super::meta::{self, token};
use super::wire::{Answer, Call, Emulator};
use super::world::World;

/// As the control and the path call it.
const NAME: &str = "facebook";

const WORDS: Words = Words { prefix: NAME, usage: "pages", blocked: 80_001 };

/// How many objects one `ids` may name.
const MOST_IDS: usize = 50;

/// The Graph API of Pages.
#[derive(Debug)]
pub(super) struct Graph;

impl Emulator for Graph {
    fn account_of(&self, world: &World, call: &Call) -> Option<String> {
        account_of(world, call)
    }

    fn answer(&self, world: &mut World, call: &Call) -> Answer {
        answer(world, call)
    }

    fn fault(&self, fault: &Fault, call: &Call) -> Answer {
        error::fault(fault, call, WORDS.usage)
    }
}

/// The path without its version, which may be left out.
fn path_of(call: &Call) -> Vec<&str> {
    let is_version = |part: &&str| {
        part.starts_with('v') && part.get(1..2).is_some_and(|digit| digit.parse::<u8>().is_ok())
    };
    let path = call.segments();
    let skip = usize::from(path.first().is_some_and(is_version));
    path.into_iter().skip(skip).collect()
}

/// The native id that an object has in the sandbox: a comment's may come in the deprecated long form.
fn resolve<'a>(world: &World, object: &'a str) -> &'a str {
    if world.comment(object).is_some() || world.post(object).is_some() || world.account(object).is_some() {
        return object;
    }
    object
        .split_once('_')
        .map(|(_, short)| short)
        .filter(|short| world.comment(short).is_some())
        .unwrap_or(object)
}

/// The account that an object belongs to.
fn owner(world: &World, object: &str) -> Option<String> {
    if world.account(object).is_some() {
        return Some(object.to_owned());
    }
    let object = resolve(world, object);
    let by_comment = world.comment(object).map(|comment| &comment.account);
    by_comment.or_else(|| world.post(object).map(|post| &post.account)).cloned()
}

/// The account that a request is about, through the page, post or comment that it names, or the token.
fn account_of(world: &World, call: &Call) -> Option<String> {
    match path_of(call).first() {
        Some(&"me") => app::of_token(world, call.token.as_deref()?),
        Some(&"oauth" | &"debug_token") => {
            let token = ["fb_exchange_token", "input_token"].iter().find_map(|name| call.param(name))?;
            app::of_token(world, token)
        }
        Some(object) => owner(world, object),
        None => owner(world, call.param("ids")?.split(',').next()?),
    }
}

/// Carries a request out.
fn answer(world: &mut World, call: &Call) -> Answer {
    let account = account_of(world, call);
    let mut answer = match carry_out(world, call, account.as_deref()) {
        Ok(value) => meta::answer(&value),
        Err(error) => error.answer(),
    };
    if call.writes() && call.param("is_hidden").is_some() && call.param("message").is_some() {
        world.violation("message sent with is_hidden: the same call edits a comment");
    }
    usage::tell(world, &WORDS, account.as_deref(), &mut answer);
    answer
}

/// Who asks: the account and what its token may do.
struct Asker<'a> {
    account: &'a str,
    token: &'a str,
}

impl Asker<'_> {
    fn holds(&self, world: &World, right: &str) -> bool {
        world.account(self.account).is_none_or(|account| account.holds(self.token, right))
    }

    /// A right that is needed to read.
    fn must_read(&self, world: &World) -> Result<(), GraphError> {
        let right = "pages_read_engagement";
        if self.holds(world, right) { Ok(()) } else { Err(GraphError::unreadable(right)) }
    }

    /// The scope and the task that moderating needs.
    fn must_moderate(&self, world: &World) -> Result<(), GraphError> {
        if !self.holds(world, "pages_manage_engagement") {
            return Err(GraphError::right(
                200,
                "Requires pages_manage_engagement permission to manage the object",
            ));
        }
        if !self.moderates(world) {
            return Err(GraphError::right(
                200,
                "User does not have sufficient administrative permission for this action",
            ));
        }
        Ok(())
    }

    /// Whether ids, hidden comments and what may be done are told.
    fn moderates(&self, world: &World) -> bool {
        world.account(self.account).is_none_or(|account| account.moderate) && self.holds(world, "MODERATE")
    }

    /// Whether it is a person's token rather than the Page's.
    fn is_user(&self, world: &World) -> bool {
        let kind = || world.account(self.account)?.tokens.get(self.token)?.kind.as_deref();
        kind().is_some_and(|kind| kind.starts_with("user"))
    }

    /// Whether authors are told.
    fn sees_people(&self, world: &World) -> bool {
        self.moderates(world) && !self.is_user(world) && self.holds(world, "pages_read_user_content")
    }

    fn is_set(&self, world: &World, key: &str) -> bool {
        world.account(self.account).is_some_and(|account| account.is_set(key))
    }
}

fn carry_out(world: &mut World, call: &Call, account: Option<&str>) -> Result<Value, GraphError> {
    let path = path_of(call);
    if let ["oauth", "access_token"] = path.as_slice() {
        return app::exchange(world, call);
    }
    let Some(token) = &call.token else { return Err(GraphError::new(104, "An access token is required")) };
    match path.as_slice() {
        ["debug_token"] => return app::debug(world, call),
        ["me", "accounts"] => return app::accounts(world, call, token),
        [] if call.param("ids").is_some() => {}
        [] => return Err(GraphError::path()),
        all if all.len() > 2 => return Err(GraphError::path()),
        _ => {}
    }
    let object = path.first().copied().unwrap_or_default();
    let edge = path.get(1).copied();
    let account = match account {
        Some(account) => account,
        // A page that nothing was seeded for yet is a page without posts.
        None if call.method == Method::GET && edge == Some("feed") => {
            world.account_mut(object);
            object
        }
        None if object == "me" => return Err(GraphError::plain(190, "Invalid OAuth access token")),
        None => return Err(GraphError::missing(object)),
    };
    if let Some(error) = token::refused(world, account, token) {
        return Err(error);
    }
    token::prove(world, account, call, token)?;
    let ids: Vec<&str> = call.param("ids").filter(|_| path.is_empty()).unwrap_or(object).split(',').collect();
    usage::count(world, &WORDS, account, u64::try_from(ids.len()).unwrap_or(u64::MAX))?;
    let asker = Asker { account, token };
    if path.is_empty() {
        return several(world, call, &asker, &ids);
    }
    let object = if object == "me" { account } else { resolve(world, object) };
    match (&call.method, edge) {
        (&Method::GET, None) => node::read(world, call, &asker, object),
        (&Method::GET, Some(edge @ ("feed" | "posts" | "published_posts" | "visitor_posts")))
            if object == account =>
        {
            list::posts(world, call, &asker, edge)
        }
        (&Method::GET, Some("comments")) => list::comments(world, call, &asker, object),
        (&Method::POST, None) => act::update(world, call, &asker, object),
        (&Method::POST, Some("comments")) => act::reply(world, call, &asker, object),
        (&Method::POST, Some("messages")) if object == account => act::message(world, call, &asker),
        (&Method::DELETE, None) => act::delete(world, &asker, object),
        _ => Err(GraphError::new(100, "Unsupported request")),
    }
}

/// `GET /?ids=a,b`: all or none.
fn several(world: &World, call: &Call, asker: &Asker<'_>, ids: &[&str]) -> Result<Value, GraphError> {
    if ids.len() > MOST_IDS {
        return Err(GraphError::new(100, "Too many IDs. Maximum: 50."));
    }
    let mut all = Map::new();
    for id in ids {
        all.insert((*id).to_owned(), node::read(world, call, asker, resolve(world, id))?);
    }
    Ok(json!(all))
}

/// The comment, if it is still there and the token may see it.
fn living<'a>(world: &'a World, asker: &Asker<'_>, id: &str) -> Result<&'a Comment, GraphError> {
    world
        .comment(id)
        .filter(|comment| !world.is_gone(comment))
        .filter(|comment| !comment.hidden || asker.moderates(world))
        .ok_or_else(|| GraphError::missing(id))
}
