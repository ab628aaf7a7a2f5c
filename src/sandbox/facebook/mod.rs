//! The Graph API of Facebook Pages, as far as a daemon that moderates comments uses it.
//!
//! Source: Meta's pages "Graph API /{object-id}/comments", "Comment", "Handling Errors" and "Rate Limits", the
//! machine specification of the node Comment, and recorded answers (tests/fixtures/connector/facebook). What no
//! source tells (the body of a hide's answer, whether the list shows hidden comments) is marked below.

mod fields;
mod list;

use axum::http::Method;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};
use sha2::Sha256;

use super::comment::{Comment, Hider, Post};
use super::fault::{Fault, Kind};
use super::seed::{Author, Line};
use super::wire::{Answer, Call, Emulator, php_json};
use super::world::{World, graph_date};
use crate::domain::comment::Attachment;
use fields::{Node, Wish};

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

    fn fault(&self, met: &Fault, call: &Call) -> Answer {
        fault(met, call)
    }
}

/// The account that a request is about, through the page, post or comment that it names.
fn account_of(world: &World, call: &Call) -> Option<String> {
    let object = call.path.get(1)?;
    if world.account(object).is_some() {
        return Some(object.clone());
    }
    world
        .comment(object)
        .map(|comment| &comment.account)
        .or_else(|| world.post(object).map(|post| &post.account))
        .cloned()
}

/// Carries a request out.
fn answer(world: &mut World, call: &Call) -> Answer {
    let account = account_of(world, call);
    let usage = account.as_deref().and_then(|id| world.account(id)).map_or(1, |account| account.usage);
    let mut answer = match carry_out(world, call, account.as_deref()) {
        Ok(value) => Answer::bytes(200, "application/json; charset=UTF-8", php_json(&value)),
        Err(error) => error.answer(),
    };
    if call.writes() && call.param("is_hidden").is_some() && call.param("message").is_some() {
        world.violation("message sent with is_hidden: the same call edits a comment");
    }
    let app = json!({ "call_count": usage, "total_cputime": 1, "total_time": 1 });
    answer.headers.push(("x-app-usage", app.to_string()));
    answer
}

fn carry_out(world: &mut World, call: &Call, account: Option<&str>) -> Result<Value, GraphError> {
    let Some(token) = &call.token else { return Err(GraphError::new(104, "An access token is required")) };
    let (Some(version), Some(object)) = (call.path.first(), call.path.get(1)) else {
        return Err(GraphError::new(2500, "Unknown path components"));
    };
    if !version.starts_with('v') || call.path.len() > 3 {
        return Err(GraphError::new(2500, "Unknown path components"));
    }
    let edge = call.path.get(2).map(String::as_str);
    let account = match account {
        Some(account) => account,
        // A page that nothing was seeded for yet is a page without posts.
        None if call.method == Method::GET && edge == Some("feed") => {
            world.account_mut(object);
            object
        }
        None => return Err(GraphError::missing(object)),
    };
    prove(world, account, call, token)?;
    match (&call.method, edge) {
        (&Method::GET, None) => read(world, call, account, object),
        (&Method::GET, Some("feed" | "posts" | "published_posts")) if object == account => {
            list::posts(world, call, account)
        }
        (&Method::GET, Some("comments")) => list::comments(world, call, account, object),
        (&Method::POST, None) => update(world, call, object),
        (&Method::POST, Some("comments")) => reply(world, call, account, object),
        (&Method::DELETE, None) => {
            living(world, object)?;
            world.change(object, |comment| comment.deleted = true);
            Ok(json!({ "success": true }))
        }
        _ => Err(GraphError::new(100, "Unsupported request")),
    }
}

/// Whether the request knows the app's secret, where one is set.
fn prove(world: &World, account: &str, call: &Call, token: &str) -> Result<(), GraphError> {
    let Some(secret) = world.account(account).and_then(|account| account.app_secret.as_ref()) else {
        return Ok(());
    };
    let refused = || GraphError::new(100, "Invalid appsecret_proof provided in the API argument");
    let proof = call.param("appsecret_proof").ok_or_else(|| {
        GraphError::new(100, "API calls from the server require an appsecret_proof argument")
    })?;
    let proof = hex::decode(proof).map_err(|_| refused())?;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).map_err(|_| refused())?;
    mac.update(token.as_bytes());
    mac.verify_slice(&proof).map_err(|_| refused())
}

/// The comment, if it is still there.
fn living<'a>(world: &'a World, id: &str) -> Result<&'a Comment, GraphError> {
    world.comment(id).filter(|comment| !world.is_gone(comment)).ok_or_else(|| GraphError::missing(id))
}

fn read(world: &World, call: &Call, account: &str, object: &str) -> Result<Value, GraphError> {
    let node =
        |node: Node| fields::wishes(call.param("fields"), node).map_err(|name| GraphError::field(&name));
    if object == account {
        let mut page = Map::new();
        for wish in node(Node::Page)? {
            match wish.name.as_str() {
                "name" => page.insert("name".to_owned(), json!("Kommunen")),
                name => page.insert(name.to_owned(), json!(account)),
            };
        }
        return Ok(Value::Object(page));
    }
    if let Some(post) = world.post(object) {
        return Ok(post_node(object, post, &node(Node::Post)?));
    }
    let comment = living(world, object)?;
    let moderates = world.account(account).is_none_or(|account| account.moderate);
    Ok(comment_node(world, comment, &node(Node::Comment)?, moderates, true))
}

/// Hides, shows again, or edits: one and the same call.
fn update(world: &mut World, call: &Call, object: &str) -> Result<Value, GraphError> {
    let comment = living(world, object)?;
    let (ours, hidden) = (comment.ours, call.param("is_hidden"));
    if let Some(message) = call.param("message") {
        // A Page may edit its own words only.
        if !ours {
            return Err(GraphError::new(200, "Permissions error"));
        }
        let message = message.to_owned();
        world.change(object, |comment| {
            comment.text = message;
            comment.edited = true;
        });
    }
    match hidden {
        Some("true" | "1") if ours => Err(GraphError::new(200, "Comment cannot be hidden")),
        Some("true" | "1") => {
            world.change(object, |comment| comment.hide(true, Hider::Us));
            Ok(json!({ "success": true }))
        }
        Some("false" | "0") => {
            world.change(object, |comment| comment.hide(false, Hider::Us));
            Ok(json!({ "success": true }))
        }
        Some(_) => Err(GraphError::new(100, "Param is_hidden must be a boolean")),
        None if call.param("message").is_some() => Ok(json!({ "success": true })),
        None => Err(GraphError::new(100, "Nothing to update")),
    }
}

/// Answers as the Page.
fn reply(world: &mut World, call: &Call, account: &str, object: &str) -> Result<Value, GraphError> {
    let text = call.param("message").filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| GraphError::new(100, "Param message must be set"))?.to_owned();
    let (post, parent) = if world.post(object).is_some() {
        (object.to_owned(), None)
    } else {
        (living(world, object)?.post.clone(), Some(object.to_owned()))
    };
    let id = format!("{post}_svar{}", world.count());
    let line = Line {
        account: account.to_owned(),
        post,
        id: id.clone(),
        parent,
        author: Some(Author { id: Some(account.to_owned()), name: Some("Kommunen".to_owned()) }),
        at: Some(graph_date(world.now())),
        text,
        ours: true,
        ..Line::default()
    };
    world.check(&line).map_err(|_| GraphError::new(1, "An unknown error occurred"))?;
    world.add(line);
    Ok(json!({ "id": id }))
}

fn post_node(id: &str, post: &Post, wishes: &[Wish]) -> Value {
    let mut node = Map::new();
    for wish in wishes {
        let value = match wish.name.as_str() {
            "id" => json!(id),
            "message" if !post.text.is_empty() => json!(post.text),
            "created_time" | "updated_time" => json!(post.at),
            "permalink_url" => json!(format!("https://www.facebook.com/{id}")),
            "from" => fields::narrow(wish, &json!({ "name": "Kommunen", "id": post.account })),
            // A field without a value is left out.
            _ => continue,
        };
        node.insert(wish.name.clone(), value);
    }
    Value::Object(node)
}

/// A comment as the Page's token sees it; `single` as the answer of its own address.
fn comment_node(world: &World, comment: &Comment, wishes: &[Wish], moderates: bool, single: bool) -> Value {
    let mut node = Map::new();
    for wish in wishes {
        let value = match wish.name.as_str() {
            // Recorded: without the task MODERATE a list has neither ids nor authors.
            "id" if moderates || single => json!(comment.id),
            "from" if moderates => match &comment.author {
                Some(author) => fields::narrow(wish, &json!({ "name": author.name, "id": author.id })),
                None => continue,
            },
            "message" => json!(comment.text),
            "created_time" => json!(comment.at),
            "permalink_url" => {
                json!(format!("https://www.facebook.com/{}?comment_id={}", comment.post, comment.id))
            }
            "is_hidden" if moderates => json!(comment.hidden),
            // Recorded: absent once the comment is hidden, false on the Page's own.
            "can_hide" if moderates && !comment.hidden => json!(!comment.ours),
            "can_remove" | "can_comment" | "can_like" => json!(moderates),
            "is_private" | "user_likes" => json!(false),
            "like_count" => json!(0),
            "comment_count" => json!(world.answers(&comment.id)),
            "parent" => match comment.parent.as_ref().and_then(|id| world.comment(id)) {
                // Without a narrower wish the whole parent comes, with what its author wrote.
                Some(parent) => fields::narrow(
                    wish,
                    &json!({ "created_time": parent.at, "message": parent.text, "id": parent.id }),
                ),
                None => continue,
            },
            "object" => fields::narrow(wish, &json!({ "created_time": comment.at, "id": comment.post })),
            "attachment" => match comment.attachment {
                Some(kind) => attachment(kind, &comment.id),
                None => continue,
            },
            _ => continue,
        };
        node.insert(wish.name.clone(), value);
    }
    Value::Object(node)
}

fn attachment(kind: Attachment, id: &str) -> Value {
    let name = match kind {
        Attachment::Image => "photo",
        Attachment::Video => "video_inline",
        Attachment::Audio => "music",
        Attachment::Link => "share",
        Attachment::Sticker => "sticker",
        Attachment::Quote | Attachment::Other => "unknown_kind",
    };
    let url = format!("https://media.example.org/{id}");
    json!({
        "media": { "image": { "height": 403, "src": format!("{url}.jpg"), "width": 720 } },
        "target": { "id": id, "url": url },
        "type": name,
        "url": url,
    })
}

/// An error in the Graph API's envelope.
#[derive(Debug)]
pub(super) struct GraphError {
    status: u16,
    code: i64,
    subcode: Option<i64>,
    kind: &'static str,
    message: String,
    transient: bool,
}

impl GraphError {
    fn new(code: i64, message: &str) -> Self {
        let message = format!("(#{code}) {message}");
        Self { status: 400, code, subcode: None, kind: "OAuthException", message, transient: false }
    }

    /// What is deleted, never was, or lies outside of the token's rights: the API does not tell them apart.
    fn missing(id: &str) -> Self {
        Self {
            status: 400,
            code: 100,
            subcode: Some(33),
            kind: "GraphMethodException",
            message: format!(
                "Unsupported request. Object with ID '{id}' does not exist, cannot be loaded due to missing \
                 permissions, or does not support this operation"
            ),
            transient: false,
        }
    }

    fn field(name: &str) -> Self {
        Self::new(100, &format!("Tried accessing nonexisting field ({name})"))
    }

    fn answer(&self) -> Answer {
        let mut error = json!({
            "message": self.message,
            "type": self.kind,
            "code": self.code,
            "fbtrace_id": "EJplcsCHuLu",
        });
        if let Some(subcode) = self.subcode {
            error["error_subcode"] = json!(subcode);
        }
        if self.transient {
            error["is_transient"] = json!(true);
        }
        Answer::bytes(self.status, "application/json; charset=UTF-8", php_json(&json!({ "error": error })))
    }
}

/// The answer of a request that met a fault instead of being carried out.
fn fault(fault: &Fault, call: &Call) -> Answer {
    let token = call.token.as_deref().unwrap_or_default();
    let code = |default: i64| fault.code.unwrap_or(default);
    let mut error = match fault.kind {
        // The API repeats a bad token in its message, which is why messages are never logged.
        Kind::Token => GraphError {
            subcode: Some(463),
            ..GraphError::new(
                code(190),
                &format!("Error validating access token {token}: Session has expired"),
            )
        },
        Kind::TooMany => {
            GraphError { status: 429, ..GraphError::new(code(4), "Application request limit reached") }
        }
        Kind::Down => GraphError {
            status: 503,
            transient: true,
            ..GraphError::new(code(2), "Service temporarily unavailable")
        },
        _ => GraphError::new(
            code(368),
            "The action attempted has been deemed abusive or is otherwise disallowed",
        ),
    };
    if code(0) == 100 {
        error.subcode = Some(33);
    }
    let mut answer = error.answer();
    if fault.kind == Kind::TooMany {
        // Minutes; the header counts no smaller.
        let minutes = fault.seconds.unwrap_or(300).div_ceil(60);
        let usage = json!({ "0": [{
            "type": "pages", "call_count": 100, "total_cputime": 1, "total_time": 1,
            "estimated_time_to_regain_access": minutes,
        }] });
        answer.headers.push(("x-business-use-case-usage", usage.to_string()));
    }
    answer
}
