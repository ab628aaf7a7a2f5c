//! What is read: comments, posts, sums and roles. Lists are counted off with `start` and `count`.

use std::borrow::Cow;
use std::cmp::Reverse;

use serde_json::{Value, json};

use super::error::Refusal;
use super::gate::Role;
use super::urn::{self, Target};
use crate::domain::comment::Attachment;
use crate::sandbox::comment::{Comment, Place, Post};
use crate::sandbox::common;
use crate::sandbox::wire::Call;
use crate::sandbox::world::World;

/// `GET socialActions/{urn}/comments`: those under a post, or the answers to a comment. The oldest come first.
pub(super) fn comments(world: &World, call: &Call, account: &str, target: &Target) -> Result<Value, Refusal> {
    if Role::of(world, account) == Role::Recruiting {
        return page(call, Vec::<Value>::new(), 0);
    }
    let post = target.post(world).and_then(|id| world.post(id)).ok_or_else(|| Refusal::not_found("post"))?;
    let all: Vec<(Place, Cow<'_, Comment>)> =
        world.listed(post).filter(|(_, comment)| is_under(world, comment, target)).collect();
    // The sum counts what is gone: it has been wrong on the real one, too.
    let total = all.len();
    let seen = all.into_iter().map(|(_, comment)| comment).filter(|comment| is_public(world, comment));
    let elements: Vec<Value> = seen.map(|comment| element(world, call, &comment, true)).collect();
    page(call, elements, total)
}

/// `GET socialActions/{urn}/comments/{id}`.
pub(super) fn comment(world: &World, call: &Call, id: &str) -> Result<Value, Refusal> {
    let comment = world
        .comment(id)
        .filter(|comment| is_public(world, comment))
        .ok_or_else(|| Refusal::not_found("comment"))?;
    Ok(element(world, call, comment, false))
}

/// `GET socialActions/{urn}` and `GET socialMetadata/{urn}`: the platform's own sums.
pub(super) fn sums(world: &World, target: &Target, metadata: bool) -> Result<Value, Refusal> {
    let id = target.post(world).ok_or_else(|| Refusal::not_found("post"))?;
    let post = world.post(id).ok_or_else(|| Refusal::not_found("post"))?;
    let seen: Vec<_> = world
        .listed(post)
        .filter(|(_, comment)| is_public(world, comment))
        .filter(|(_, comment)| match target {
            Target::Post(_) => true,
            Target::Comment(_) => is_under(world, comment, target),
        })
        .collect();
    let first = seen.iter().filter(|(_, comment)| is_under(world, comment, target)).count();
    let entity = urn::activity(world, id);
    Ok(if metadata {
        json!({
            "entity": entity,
            "commentsState": if post.closed { "CLOSED" } else { "OPEN" },
            "commentSummary": { "count": seen.len(), "topLevelCount": first },
            "reactionSummaries": {},
        })
    } else {
        json!({
            "target": entity,
            "commentsSummary": {
                "selectedComments": [],
                "totalFirstLevelComments": first,
                "aggregatedTotalComments": seen.len(),
            },
            "likesSummary": { "selectedLikes": [], "aggregatedTotalLikes": 0, "likedByCurrentUser": false },
        })
    })
}

/// `GET posts?q=author&author=…`, newest first.
pub(super) fn posts(world: &World, call: &Call, account: &str) -> Result<Value, Refusal> {
    if call.param("q") != Some("author") {
        return Err(Refusal::illegal("Parameter 'q' is required and must name a finder"));
    }
    let author = call.param("author").ok_or_else(|| Refusal::illegal("Parameter 'author' is required"))?;
    if !author.starts_with("urn:li:organization:") && world.account(author).is_none() {
        return Err(Refusal::illegal("Parameter 'author' must be the URN of an organization or a person"));
    }
    if Role::of(world, account) == Role::Recruiting {
        return page(call, Vec::<Value>::new(), 0);
    }
    let mut posts: Vec<_> = world
        .posts_of(account)
        .filter(|(_, post)| !post.deleted && !post.hidden && !post.is_visitors())
        .map(|(id, post)| (millis(&post.at), id, post))
        .collect();
    posts.sort_by_key(|(at, _, _)| Reverse(*at));
    let total = posts.len();
    let element = |(at, id, post): (i64, &String, &Post)| post_element(account, at, id, post);
    page(call, posts.into_iter().map(element).collect(), total)
}

/// `GET posts/{urn}`: one post.
pub(super) fn post(world: &World, id: &str, account: &str) -> Result<Value, Refusal> {
    let post = world.post(id).filter(|post| post.account == account && !post.deleted && !post.hidden);
    let post = post.ok_or_else(|| Refusal::not_found(id))?;
    Ok(post_element(account, millis(&post.at), id, post))
}

fn post_element(account: &str, at: i64, id: &str, post: &Post) -> Value {
    let changed = post.edited_at.map_or(at, |at| at.timestamp_millis());
    json!({
        "id": id,
        "author": urn::organization(account),
        "commentary": post.text,
        "createdAt": at,
        "publishedAt": at,
        "lastModifiedAt": changed,
        "lifecycleState": "PUBLISHED",
        "lifecycleStateInfo": { "isEditedByAuthor": post.edited_at.is_some() },
        "visibility": "PUBLIC",
        "isReshareDisabledByAuthor": false,
        "distribution": {
            "feedDistribution": "MAIN_FEED", "targetEntities": [], "thirdPartyDistributionChannels": [],
        },
    })
}

/// `GET organizationAcls?q=roleAssignee`: where the token's member has which role.
pub(super) fn roles(world: &World, call: &Call) -> Result<Value, Refusal> {
    if call.param("q") != Some("roleAssignee") {
        return Err(Refusal::illegal("Parameter 'q' is required and must name a finder"));
    }
    let token = call.token.as_deref().unwrap_or_default();
    let elements: Vec<Value> = world
        .accounts_of("linkedin", token)
        .filter(|(id, account)| account.platform.is_some() || id.starts_with("urn:li:"))
        .map(|(id, _)| (id, Role::name(world, id)))
        .filter(|(_, role)| call.param("role").is_none_or(|wanted| wanted == *role) && *role != "NONE")
        .map(|(id, role)| {
            json!({
                "role": role,
                "organization": urn::organization(id),
                "roleAssignee": format!("urn:li:person:{:x}", common::number_of(token)),
                "state": "APPROVED",
            })
        })
        .collect();
    let total = elements.len();
    page(call, elements, total)
}

/// The comments that a page shows; an emulated fault leaves it empty, with itself as the next.
fn page(call: &Call, all: Vec<Value>, total: usize) -> Result<Value, Refusal> {
    let number = |name: &str, usual: usize| match call.param(name) {
        None => Ok(usual),
        Some(text) => text
            .parse::<usize>()
            .map_err(|_| Refusal::illegal(&format!("Invalid query parameters passed to request: {name}"))),
    };
    let start = number("start", 0)?;
    let count = number("count", 10)?.min(100);
    let there = all.len();
    let elements: Vec<Value> =
        if call.empty { Vec::new() } else { all.into_iter().skip(start).take(count).collect() };
    let mut links = Vec::new();
    let link = |rel: &str, start: usize| {
        let path = call.path.iter().map(|part| {
            percent_encoding::utf8_percent_encode(part, percent_encoding::NON_ALPHANUMERIC).to_string()
        });
        let path: Vec<String> = path.collect();
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (key, value) in call.params.iter().filter(|(key, _)| !matches!(key.as_str(), "start" | "count")) {
            query.append_pair(key, value);
        }
        query.append_pair("start", &start.to_string()).append_pair("count", &count.to_string());
        let href = format!("/{}?{}", path.join("/"), query.finish());
        json!({ "type": "application/json", "rel": rel, "href": href })
    };
    if start > 0 {
        links.push(link("prev", start.saturating_sub(count)));
    }
    if call.empty {
        links.push(link("next", start));
    } else if start.saturating_add(count) < there {
        links.push(link("next", start + count));
    }
    Ok(json!({
        "paging": { "start": start, "count": count, "links": links, "total": total },
        "elements": elements,
    }))
}

/// Whether a comment stands directly under the post or comment. There are two levels: what a seed nests deeper
/// stands under the comment that its thread begins with.
fn is_under(world: &World, comment: &Comment, target: &Target) -> bool {
    match target {
        Target::Post(_) => comment.parent.is_none(),
        Target::Comment(id) => common::ancestors(world, comment).last().is_some_and(|top| top.id == *id),
    }
}

/// LinkedIn cannot hide; what its own filter took away is not shown to the API either.
pub(super) fn is_public(world: &World, comment: &Comment) -> bool {
    let gone = |comment: &Comment| comment.hidden || comment.held;
    !world.is_gone(comment) && !gone(comment) && !common::ancestors(world, comment).into_iter().any(gone)
}

/// A comment: in a list with `$URN`, alone with `commentUrn`. Nobody's name is told to a page's app.
fn element(world: &World, call: &Call, comment: &Comment, listed: bool) -> Value {
    let author = comment.author.as_ref().and_then(|author| author.id.as_deref());
    let actor = match author {
        _ if comment.ours => urn::organization(&comment.account),
        Some(id) => urn::person(id),
        None => format!("urn:li:person:{:x}", common::number_of(&comment.id)),
    };
    let mut created = json!({ "actor": actor, "time": millis(&comment.at) });
    let mut changed = created.clone();
    if comment.ours {
        created["impersonator"] = json!("urn:li:person:redaktor");
    }
    if let Some(at) = comment.edited_at {
        changed["time"] = json!(at.timestamp_millis());
    }
    let name = if listed { "$URN" } else { "commentUrn" };
    let answers = world.answers(&comment.id);
    let mut element = json!({
        "actor": actor,
        "created": created,
        "lastModified": changed,
        "id": urn::number(comment),
        name: urn::comment(world, comment),
        "message": { "attributes": [], "text": comment.text },
        "object": urn::activity(world, &comment.post),
        "likesSummary": {
            "selectedLikes": [], "aggregatedTotalLikes": comment.likes, "likedByCurrentUser": false,
            "totalLikes": comment.likes,
        },
        "commentsSummary": {
            "selectedComments": [], "totalFirstLevelComments": answers, "aggregatedTotalComments": answers,
        },
    });
    if let Some(above) = common::ancestors(world, comment).last() {
        element["parentComment"] = json!(urn::comment(world, above));
    }
    let pictures = comment.media.iter().filter(|_| comment.attachment != Some(Attachment::Link));
    let content: Vec<Value> = pictures
        .map(|media| {
            let kind = if media.mime().starts_with("image/") { "IMAGE" } else { "VIDEO" };
            json!({ "type": kind, "url": media.url(&call.host), "entity": { "digitalmediaAsset": media.id } })
        })
        .collect();
    if !content.is_empty() {
        element["content"] = Value::Array(content);
    }
    element
}

fn millis(at: &str) -> i64 {
    common::instant(at).map_or(0, |at| at.timestamp_millis())
}
