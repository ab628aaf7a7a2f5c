//! Instagram's API for professional accounts, in both its flavours.
//!
//! | flavour | host | below `/instagram/` |
//! |---|---|---|
//! | Instagram Login | graph.instagram.com | `v25.0/…` or `graph.instagram.com/v25.0/…` |
//! | Facebook Login | graph.facebook.com | `graph.facebook.com/v25.0/…`, or `v25.0/…` where the account's `login` is `facebook` |
//!
//! Source: Meta's pages "IG Comment", "IG Media", "Refresh Access Token", the machine specifications of the nodes
//! `IGComment` and `IGMedia`, and recorded answers (tests/fixtures/connector/instagram). Posts of the sandbox are
//! media, their text is the caption.
//!
//! Settings in the account's memory (`POST /control/account`, `memory`):
//!
//! | key | meaning | if not set |
//! |---|---|---|
//! | `login` | `facebook`: the flavour where the path does not tell | Instagram Login |
//! | `hidden_unlisted` | hidden comments drop out of the list | they stay, with `hidden` true |
//! | `restricted` | ids of persons whose comments are not returned until `approved` is set in the comment's memory | none |
//! | `user_only` | authors come as `user{id}` without `username` | `username` and `from` |
//! | `throttle_code`, `throttle_status`, `revoked_subcode` | as at Facebook | 80002, 400; 460 |
//!
//! In a post's memory: `age_gated` (its comments are not returned), `media_type`, `media_product_type`. In a comment's:
//! `unlisted` (under an advertisement or a broadcast that is over: not in this edge), `mentions` (the id of an account
//! that it names: read through `mentioned_comment`), `approved`.
//!
//! Rights: `instagram_business_basic`, `instagram_business_manage_comments`, `instagram_business_manage_messages`; with
//! Facebook Login `instagram_basic`, `instagram_manage_comments`, `pages_read_engagement`, `pages_messaging`. Quotas:
//! `instagram.buc` and so on, as at Facebook.
//!
//! Not emulated: stories, live broadcasts, publishing, webhooks, and that comments of a media object that has them
//! turned off may become unreadable.

mod act;
mod list;
mod login;
mod node;

use axum::http::Method;
use serde_json::{Map, Value, json};

use super::comment::{Comment, Post};
use super::fault::{Fault, Kind};
use super::meta::error::{self, GraphError};
use super::meta::usage::{self, Words};
use super::meta::{self, token};
use super::wire::{Answer, Call, Emulator};
use super::world::World;

/// As the control and the path call it.
const NAME: &str = "instagram";

const WORDS: Words = Words { prefix: NAME, usage: "instagram", blocked: 80_002 };

/// How many objects one `ids` may name.
const MOST_IDS: usize = 50;

/// Instagram's API.
#[derive(Debug)]
pub(super) struct Graph;

impl Emulator for Graph {
    fn account_of(&self, world: &World, call: &Call) -> Option<String> {
        account_of(world, call)
    }

    fn answer(&self, world: &mut World, call: &Call) -> Answer {
        let account = account_of(world, call);
        let flavour = Flavour::of(world, call, account.as_deref());
        let mut answer = match carry_out(world, call, account.as_deref(), flavour) {
            Ok(value) => meta::answer(&value),
            Err(error) => flavour.dress(error).answer(),
        };
        usage::tell(world, &WORDS, account.as_deref(), &mut answer);
        answer
    }

    fn fault(&self, fault: &Fault, call: &Call) -> Answer {
        if matches!(fault.kind, Kind::StringError | Kind::TooMany) {
            return error::fault(fault, call, WORDS.usage);
        }
        Flavour::of_path(call).unwrap_or(Flavour::Instagram).dress(error::of(fault, call)).answer()
    }
}

/// How people logged in, which decides the host, the rights and the errors' type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flavour {
    Instagram,
    Facebook,
}

impl Flavour {
    fn of_path(call: &Call) -> Option<Self> {
        match call.path.first().map(String::as_str) {
            Some("graph.facebook.com") => Some(Self::Facebook),
            Some("graph.instagram.com" | "api.instagram.com") => Some(Self::Instagram),
            _ => None,
        }
    }

    fn of(world: &World, call: &Call, account: Option<&str>) -> Self {
        let set = || world.account(account?)?.setting("login")?.as_str();
        Self::of_path(call).unwrap_or(if set() == Some("facebook") {
            Self::Facebook
        } else {
            Self::Instagram
        })
    }

    /// Recorded: on graph.instagram.com the type is `IGApiException`, except where the token is at fault.
    fn dress(self, error: GraphError) -> GraphError {
        let about_token = matches!(error.code, 102 | 104 | 190);
        let kind = if self == Self::Instagram && !about_token { "IGApiException" } else { error.kind };
        GraphError { kind, ..error }
    }

    /// The scopes for reading, for comments and for messages.
    fn rights(self) -> [&'static str; 3] {
        match self {
            Self::Instagram => [
                "instagram_business_basic",
                "instagram_business_manage_comments",
                "instagram_business_manage_messages",
            ],
            Self::Facebook => ["instagram_basic", "instagram_manage_comments", "pages_messaging"],
        }
    }
}

/// The path without host and version, which may be left out.
fn path_of(call: &Call) -> Vec<&str> {
    let is_version = |part: &&str| {
        part.starts_with('v') && part.get(1..2).is_some_and(|digit| digit.parse::<u8>().is_ok())
    };
    let mut path = call.segments();
    if Flavour::of_path(call).is_some() {
        path.remove(0);
    }
    if path.first().is_some_and(is_version) {
        path.remove(0);
    }
    path
}

fn owner(world: &World, object: &str) -> Option<String> {
    if world.account(object).is_some() {
        return Some(object.to_owned());
    }
    let by_comment = world.comment(object).map(|comment| &comment.account);
    by_comment.or_else(|| world.post(object).map(|post| &post.account)).cloned()
}

/// The account that a request is about, through the user, media or comment that it names, or the token.
fn account_of(world: &World, call: &Call) -> Option<String> {
    match path_of(call).first() {
        Some(&"me" | &"access_token" | &"refresh_access_token") => {
            login::of_token(world, call.token.as_deref()?)
        }
        Some(object) => owner(world, object),
        None => owner(world, call.param("ids")?.split(',').next()?),
    }
}

/// Who asks: the account, its token, and how people logged in.
struct Asker<'a> {
    account: &'a str,
    token: &'a str,
    flavour: Flavour,
}

impl Asker<'_> {
    fn holds(&self, world: &World, right: &str) -> bool {
        world.account(self.account).is_none_or(|account| account.holds(self.token, right))
    }

    fn must_read(&self, world: &World) -> Result<(), GraphError> {
        let [read, _, _] = self.flavour.rights();
        let page = self.flavour == Flavour::Instagram || self.holds(world, "pages_read_engagement");
        if page && self.holds(world, read) { Ok(()) } else { Err(refusal()) }
    }

    fn must_moderate(&self, world: &World) -> Result<(), GraphError> {
        if self.moderates(world) { Ok(()) } else { Err(refusal()) }
    }

    /// Whether authors and what is hidden are told.
    fn moderates(&self, world: &World) -> bool {
        let [_, comments, _] = self.flavour.rights();
        self.holds(world, comments) && world.account(self.account).is_none_or(|account| account.moderate)
    }

    fn is_set(&self, world: &World, key: &str) -> bool {
        world.account(self.account).is_some_and(|account| account.is_set(key))
    }
}

fn refusal() -> GraphError {
    GraphError::right(10, "Application does not have permission for this action")
}

fn carry_out(
    world: &mut World,
    call: &Call,
    account: Option<&str>,
    flavour: Flavour,
) -> Result<Value, GraphError> {
    let path = path_of(call);
    match path.as_slice() {
        ["oauth", "access_token"] => return login::code(world, call),
        ["access_token"] => return login::exchange(world, call),
        ["refresh_access_token"] => return login::refresh(world, call),
        _ => {}
    }
    let Some(token) = &call.token else {
        return Err(GraphError::plain(104, "An access token is required to request this resource."));
    };
    if path.len() > 2 || (path.is_empty() && call.param("ids").is_none()) {
        return Err(GraphError::path());
    }
    let object = path.first().copied().unwrap_or_default();
    let edge = path.get(1).copied();
    let account = match account {
        Some(account) => account,
        // An account that nothing was seeded for yet is one without media.
        None if call.method == Method::GET && edge == Some("media") && object != "me" => {
            world.account_mut(object);
            object
        }
        None if object == "me" => return Err(GraphError::plain(190, "Invalid OAuth access token")),
        None => return Err(GraphError::missing(object)),
    };
    if let Some(error) = token::refused(world, account, token) {
        return Err(error);
    }
    if flavour == Flavour::Facebook {
        token::prove(world, account, call, token)?;
    }
    let ids: Vec<&str> = call.param("ids").filter(|_| path.is_empty()).unwrap_or(object).split(',').collect();
    usage::count(world, &WORDS, account, u64::try_from(ids.len()).unwrap_or(u64::MAX))?;
    let asker = Asker { account, token, flavour };
    if path.is_empty() {
        return several(world, call, &asker, &ids);
    }
    let object = if object == "me" { account } else { object };
    match (&call.method, edge) {
        (&Method::GET, None) => node::read(world, call, &asker, object),
        (&Method::GET, Some("media")) if object == account => list::media(world, call, &asker),
        (&Method::GET, Some("comments")) => list::comments(world, call, &asker, object),
        (&Method::GET, Some("replies")) => list::replies(world, call, &asker, object),
        (&Method::POST, None) if world.post(object).is_some() => act::media(world, call, &asker, object),
        (&Method::POST, None) => act::hide(world, call, &asker, object),
        (&Method::POST, Some("comments" | "replies")) => act::reply(world, call, &asker, object),
        (&Method::POST, Some("messages")) if object == account => act::message(world, call, &asker),
        (&Method::DELETE, None) => act::delete(world, &asker, object),
        _ => Err(GraphError::path()),
    }
}

/// `GET /?ids=a,b`: all or none.
fn several(world: &World, call: &Call, asker: &Asker<'_>, ids: &[&str]) -> Result<Value, GraphError> {
    if ids.len() > MOST_IDS {
        return Err(GraphError::new(100, "Too many IDs. Maximum: 50."));
    }
    let mut all = Map::new();
    for id in ids {
        all.insert((*id).to_owned(), node::read(world, call, asker, id)?);
    }
    Ok(json!(all))
}

/// Whether a comment is returned at all: it is there, and its author not restricted or approved.
fn is_returned(world: &World, asker: &Asker<'_>, comment: &Comment) -> bool {
    let author = comment.author.as_ref().and_then(|author| author.id.as_deref());
    let restricted = || {
        let list = world.account(asker.account)?.setting("restricted")?.as_array()?;
        Some(list.iter().any(|id| id.as_str().is_some() && id.as_str() == author))
    };
    let approved = comment.setting("approved") == Some(&Value::Bool(true));
    !world.is_gone(comment) && !comment.held && (approved || !restricted().unwrap_or_default())
}

/// The comment, if it is returned.
fn living<'a>(world: &'a World, asker: &Asker<'_>, id: &str) -> Result<&'a Comment, GraphError> {
    world
        .comment(id)
        .filter(|comment| is_returned(world, asker, comment))
        .ok_or_else(|| GraphError::missing(id))
}

/// The media object, if it is there.
fn living_media<'a>(world: &'a World, id: &str) -> Result<&'a Post, GraphError> {
    world.post(id).filter(|post| !post.deleted).ok_or_else(|| GraphError::missing(id))
}
