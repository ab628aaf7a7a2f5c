//! The threadgate: who may answer a post, and which answers its author has hidden.

use serde_json::{Map, Value, json};

use super::cid;
use super::error::Refusal;
use crate::sandbox::comment::Hider;
use crate::sandbox::world::World;

pub(super) const COLLECTION: &str = "app.bsky.feed.threadgate";

/// How many answers a gate can hide.
const MOST: usize = 300;

/// The setting of an account that holds its records, but for posts: an object from `<collection>/<rkey>`.
const RECORDS: &str = "records";

/// The post whose gate has this key: it must have the same key, in the same repository.
pub(super) fn post<'a>(world: &'a World, repo: &str, rkey: &str) -> Option<&'a String> {
    world.posts_of(repo).map(|(id, _)| id).find(|id| super::rkey(id) == rkey)
}

/// A record that is no post.
pub(super) fn record(world: &World, repo: &str, collection: &str, rkey: &str) -> Option<Value> {
    let stored = || world.account(repo)?.setting(RECORDS)?.get(format!("{collection}/{rkey}")).cloned();
    let post = (collection == COLLECTION).then(|| post(world, repo, rkey)).flatten();
    match post {
        Some(post) => gate(world, post, stored()),
        None => stored(),
    }
}

/// The gate of a post as it is, with what somebody hid or showed again in the app.
fn gate(world: &World, id: &str, stored: Option<Value>) -> Option<Value> {
    let post = world.post(id)?;
    let mut listed: Vec<String> = stored
        .iter()
        .flat_map(|gate| gate["hiddenReplies"].as_array().into_iter().flatten())
        .filter_map(|uri| uri.as_str().map(str::to_owned))
        .filter(|uri| world.comment(uri).is_none_or(|comment| comment.hidden))
        .collect();
    let hidden = post.comments.values().filter(|id| world.comment(id).is_some_and(|comment| comment.hidden));
    for id in hidden {
        if !listed.contains(id) {
            listed.push(id.clone());
        }
    }
    let mut gate = match stored {
        Some(gate) => gate,
        None if listed.is_empty() => return None,
        None => json!({ "$type": COLLECTION, "post": id, "createdAt": post.at }),
    };
    if !listed.is_empty() || gate.get("hiddenReplies").is_some() {
        gate["hiddenReplies"] = json!(listed);
    }
    Some(gate)
}

/// The gate as the app view shows it, for those that a post has.
pub(super) fn view(world: &World, repo: &str, post: &str) -> Option<Value> {
    let rkey = super::rkey(post);
    let record = record(world, repo, COLLECTION, rkey)?;
    let uri = format!("at://{repo}/{COLLECTION}/{rkey}");
    Some(json!({ "uri": uri, "cid": cid::of(&record), "record": record, "lists": [] }))
}

/// Writes a record that is no post; `None` deletes it.
pub(super) fn write(world: &mut World, repo: &str, collection: &str, rkey: &str, record: Option<&Value>) {
    let old = self::record(world, repo, collection, rkey);
    let key = format!("{collection}/{rkey}");
    world.change_account(repo, |account| {
        let records = account.memory.entry(RECORDS).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(records) = records {
            match record {
                Some(record) => records.insert(key, record.clone()),
                None => records.remove(&key),
            };
        }
    });
    if collection != COLLECTION {
        return;
    }
    let Some(post) = post(world, repo, rkey).cloned() else { return };
    if let (old, Some(new)) = (old, record)
        && old.as_ref().and_then(|old| old.get("allow")) != new.get("allow")
    {
        world.violation("a gate is written with another `allow`: that changes who may answer");
    }
    // A gate that names another post has no effect.
    let names_it = record.is_none_or(|record| record["post"] == json!(post));
    let hides = |id: &str| {
        record.is_some_and(|record| {
            names_it && record["hiddenReplies"].as_array().is_some_and(|all| all.iter().any(|uri| uri == id))
        })
    };
    let Some(is) = world.post(&post) else { return };
    let changes: Vec<(String, bool)> = is
        .comments
        .values()
        .filter_map(|id| Some((id.clone(), hides(id), world.comment(id)?.hidden)))
        .filter(|(_, hide, hidden)| hide != hidden)
        .map(|(id, hide, _)| (id, hide))
        .collect();
    for (id, hide) in changes {
        world.change(&id, |comment| comment.hide(hide, Hider::Us));
    }
}

/// What the lexicon demands of a gate.
pub(super) fn check(record: &Value) -> Result<(), Refusal> {
    let wrong = |what: &str| Refusal::invalid(&format!("Invalid {COLLECTION} record: {what}"));
    for name in ["post", "createdAt"] {
        if record[name].as_str().is_none_or(str::is_empty) {
            return Err(wrong(&format!("Record must have the property \"{name}\"")));
        }
    }
    match record.get("hiddenReplies") {
        None => {}
        Some(Value::Array(all)) if all.len() > MOST => {
            return Err(wrong(&format!(
                "array too big (maximum {MOST}, got {}) at $.hiddenReplies",
                all.len()
            )));
        }
        Some(Value::Array(all)) if all.iter().all(Value::is_string) => {}
        Some(_) => return Err(wrong("Record/hiddenReplies must be an array of at-uris")),
    }
    match record.get("allow") {
        None => Ok(()),
        Some(Value::Array(rules)) if rules.len() <= 5 => Ok(()),
        Some(_) => Err(wrong("Record/allow must be an array of at most 5")),
    }
}
