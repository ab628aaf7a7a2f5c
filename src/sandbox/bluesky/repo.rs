//! Records: read, written with a comparison, deleted.

use serde_json::{Value, json};

use super::error::Refusal;
use super::{cid, gate, session, view};
use crate::sandbox::seed::{Author, Line};
use crate::sandbox::wire::Call;
use crate::sandbox::world::World;

pub(super) const POST: &str = "app.bsky.feed.post";

/// How long a post may be, in letters.
const LONGEST: usize = 300;

/// `com.atproto.repo.getRecord`.
pub(super) fn get(world: &World, call: &Call) -> Result<Value, Refusal> {
    let param = |name: &str| {
        call.param(name)
            .ok_or_else(|| Refusal::invalid(&format!("Error: Params must have the property \"{name}\"")))
    };
    let (repo, collection, rkey) = (param("repo")?, param("collection")?, param("rkey")?);
    let repo = session::known(world, repo).unwrap_or_else(|| repo.to_owned());
    let uri = format!("at://{repo}/{collection}/{rkey}");
    let record = if collection == POST {
        view::record(world, &uri)
    } else {
        gate::record(world, &repo, collection, rkey)
    };
    let record = record
        .ok_or_else(|| Refusal::new(400, "RecordNotFound", &format!("Could not locate record: {uri}")))?;
    let cid = if collection == POST { view::name(world, &uri) } else { cid::of(&record) };
    Ok(json!({ "uri": uri, "cid": cid, "value": record }))
}

/// `com.atproto.repo.putRecord`: with `swapRecord` only if the record still is the one that was read.
pub(super) fn put(world: &mut World, call: &Call, account: &str) -> Result<Value, Refusal> {
    let (collection, rkey) = place(world, call, account)?;
    let rkey = rkey.ok_or_else(|| Refusal::invalid("Input must have the property \"rkey\""))?;
    if collection == POST {
        return Err(Refusal::invalid("a post is not changed but written anew"));
    }
    let record = record(call, collection)?;
    let old = gate::record(world, account, collection, rkey).map(|old| cid::of(&old));
    let new = cid::of(&record);
    let uri = format!("at://{account}/{collection}/{rkey}");
    if call.json.get("swapRecord").is_none() && collection == gate::COLLECTION {
        world.violation("a gate is written without swapRecord: what somebody changed meanwhile is lost");
    }
    // As on the real one: the same record again is not written, and not compared either.
    if old.as_ref() != Some(&new) {
        match call.json.get("swapRecord") {
            None => {}
            Some(Value::Null) if old.is_none() => {}
            Some(Value::String(cid)) if old.as_ref() == Some(cid) => {}
            Some(_) => {
                let at = old.unwrap_or_else(|| "null".to_owned());
                return Err(Refusal::new(400, "InvalidSwap", &format!("Record was at {at}")));
            }
        }
        gate::write(world, account, collection, rkey, Some(&record));
    }
    Ok(json!({ "uri": uri, "cid": new, "commit": commit(world, account), "validationStatus": "valid" }))
}

/// `com.atproto.repo.createRecord`.
pub(super) fn create(world: &mut World, call: &Call, account: &str) -> Result<Value, Refusal> {
    let (collection, rkey) = place(world, call, account)?;
    let record = record(call, collection)?;
    let rkey = rkey.map_or_else(|| tid(world), str::to_owned);
    let uri = format!("at://{account}/{collection}/{rkey}");
    if collection != POST {
        if gate::record(world, account, collection, &rkey).is_some() {
            return Err(Refusal::invalid(&format!("There is already a value at key: {collection}/{rkey}")));
        }
        gate::write(world, account, collection, &rkey, Some(&record));
        return Ok(json!({ "uri": uri, "cid": cid::of(&record), "commit": commit(world, account) }));
    }
    let text =
        record["text"].as_str().ok_or_else(|| Refusal::invalid("Record must have the property \"text\""))?;
    if text.chars().count() > LONGEST {
        let message = format!("Invalid {POST} record: string too long (maximum {LONGEST}) at $.text");
        return Err(Refusal::invalid(&message));
    }
    let at = record["createdAt"].as_str().map(str::to_owned);
    let failed = |_| Refusal::new(500, "InternalServerError", "Internal Server Error");
    let reply = &record["reply"];
    if let (Some(root), Some(parent)) = (reply["root"]["uri"].as_str(), reply["parent"]["uri"].as_str()) {
        let post = world.post(root).ok_or_else(|| Refusal::invalid("the root is not there"))?;
        let line = Line {
            account: post.account.clone(),
            post: root.to_owned(),
            id: uri.clone(),
            parent: Some(parent.to_owned()),
            author: Some(Author { id: Some(account.to_owned()), name: None }),
            at,
            text: text.to_owned(),
            ours: post.account == account,
            ..Line::default()
        };
        world.check(&line).map_err(failed)?;
        world.add(line);
    } else {
        world.check_post(&uri, account).map_err(failed)?;
        world.change_post(&uri, account, |post| {
            text.clone_into(&mut post.text);
            post.at = at.unwrap_or_else(|| post.at.clone());
        });
    }
    Ok(json!({
        "uri": uri, "cid": view::name(world, &uri), "commit": commit(world, account), "validationStatus": "valid",
    }))
}

/// `com.atproto.repo.deleteRecord`: what is not there is deleted as well as what is.
pub(super) fn delete(world: &mut World, call: &Call, account: &str) -> Result<Value, Refusal> {
    let (collection, rkey) = place(world, call, account)?;
    let rkey = rkey.ok_or_else(|| Refusal::invalid("Input must have the property \"rkey\""))?;
    if collection == POST {
        let uri = format!("at://{account}/{POST}/{rkey}");
        if world.post(&uri).is_some_and(|post| post.account == account) {
            world.change_post(&uri, account, |post| post.deleted = true);
        } else {
            world.change(&uri, |comment| comment.deleted = true);
        }
    } else if gate::record(world, account, collection, rkey).is_some() {
        gate::write(world, account, collection, rkey, None);
    }
    Ok(json!({ "commit": commit(world, account) }))
}

/// Collection and key of what is written: in one's own repository only.
fn place<'a>(world: &World, call: &'a Call, account: &str) -> Result<(&'a str, Option<&'a str>), Refusal> {
    let text = |name: &str| call.json[name].as_str().filter(|text| !text.is_empty());
    let repo = text("repo").ok_or_else(|| Refusal::invalid("Input must have the property \"repo\""))?;
    if repo != account && view::handle(world, account) != repo {
        return Err(Refusal::new(401, "AuthenticationRequired", "Authentication Required"));
    }
    let collection = text("collection");
    let collection =
        collection.ok_or_else(|| Refusal::invalid("Input must have the property \"collection\""))?;
    Ok((collection, text("rkey")))
}

/// The record of a request, if the lexicon allows it.
fn record(call: &Call, collection: &str) -> Result<Value, Refusal> {
    let mut record = call.json.get("record").filter(|record| record.is_object()).cloned();
    let record =
        record.as_mut().ok_or_else(|| Refusal::invalid("Input must have the property \"record\""))?;
    match record["$type"].as_str() {
        None => record["$type"] = json!(collection),
        Some(kind) if kind == collection => {}
        Some(kind) => {
            return Err(Refusal::invalid(&format!("Invalid $type: expected {collection}, got {kind}")));
        }
    }
    if collection == gate::COLLECTION {
        gate::check(record)?;
    }
    Ok(record.take())
}

fn commit(world: &World, account: &str) -> Value {
    let rev = tid(world);
    json!({ "cid": cid::of(&json!([account, rev])), "rev": rev })
}

/// A key that grows with time.
fn tid(world: &World) -> String {
    let letters = b"234567abcdefghijklmnopqrstuvwxyz";
    let number = u64::try_from(world.now().timestamp_micros()).unwrap_or_default() << 10
        | (u64::try_from(world.count()).unwrap_or_default() & 1023);
    (0..13)
        .rev()
        .map(|place| char::from(letters[usize::try_from((number >> (place * 5)) & 31).unwrap_or(0)]))
        .collect()
}
