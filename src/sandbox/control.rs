//! How a person or a test plays the public, and sees what became of it.
//!
//! | request | body |
//! |---|---|
//! | `POST /control/add` | seed lines (NDJSON); all or none |
//! | `POST /control/edit` | `{"id","text"}` |
//! | `POST /control/delete` | `{"id"}`, as its author does |
//! | `POST /control/hide` | `{"id","hidden":true}`, as somebody in the platform's own app does |
//! | `POST /control/clock` | `{"at"}`, RFC 3339; the clock then stands still |
//! | `POST /control/fault` | `{"account","kind","times","on","code","seconds"}`, see `fault` |
//! | `POST /control/account` | `{"account","app_secret","moderate","usage"}`, each but the first optional |
//! | `GET /control/state` | NDJSON `{"id","text","hidden","deleted",…}` |
//! | `GET /control/requests?since=N` | NDJSON `{"n","method","path","keys","writes",…}` |
//!
//! 400 tells what is wrong with a body, 404 that there is no such verb or comment; nothing is then changed.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::fault::Order;
use super::seed::Line;
use super::world::World;

/// Why a control request changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The body is at fault.
    #[error("{0}")]
    Bad(String),
    /// There is no such verb or comment.
    #[error("{0}")]
    Unknown(String),
}

#[derive(Deserialize)]
struct Edit {
    id: String,
    text: String,
}

#[derive(Deserialize)]
struct Delete {
    id: String,
}

#[derive(Deserialize)]
struct Hide {
    id: String,
    #[serde(default = "yes")]
    hidden: bool,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
struct Turn {
    at: DateTime<Utc>,
}

#[derive(Deserialize)]
struct Settings {
    account: String,
    #[serde(default)]
    app_secret: Option<String>,
    #[serde(default)]
    moderate: Option<bool>,
    #[serde(default)]
    usage: Option<u8>,
}

/// Carries out one verb; gives the number of things it touched.
pub(super) fn act(world: &mut World, verb: &str, body: &[u8]) -> Result<usize, ControlError> {
    match verb {
        "add" => return add(world, body),
        "edit" => {
            let Edit { id, text } = parse(body)?;
            let changed = world.change(&id, |comment| {
                comment.edited = comment.edited || comment.text != text;
                comment.text = text;
            });
            known(changed, &id)?;
        }
        "delete" => {
            let Delete { id } = parse(body)?;
            known(world.change(&id, |comment| comment.deleted = true), &id)?;
        }
        "hide" => {
            let Hide { id, hidden } = parse(body)?;
            known(world.change(&id, |comment| comment.hidden = hidden), &id)?;
        }
        "clock" => {
            let Turn { at } = parse(body)?;
            world.set_clock(at);
        }
        "fault" => {
            let order: Order = parse(body)?;
            if order.account.is_empty() || order.times == Some(0) {
                return Err(ControlError::Bad("a fault needs an account and at least one time".to_owned()));
            }
            world.set_fault(&order);
        }
        "account" => {
            let settings: Settings = parse(body)?;
            if settings.account.is_empty() {
                return Err(ControlError::Bad("`account` is empty".to_owned()));
            }
            let account = world.account_mut(&settings.account);
            if let Some(secret) = settings.app_secret {
                account.app_secret = Some(SecretString::from(secret));
            }
            account.moderate = settings.moderate.unwrap_or(account.moderate);
            account.usage = settings.usage.unwrap_or(account.usage);
        }
        _ => return Err(ControlError::Unknown(format!("there is no control verb `{verb}`"))),
    }
    Ok(1)
}

/// Adds seed lines, all or none.
pub(super) fn add(world: &mut World, body: &[u8]) -> Result<usize, ControlError> {
    let mut lines = Vec::new();
    let mut new = HashSet::new();
    // Whole values rather than lines, so that one indented object is as good as NDJSON.
    for line in serde_json::Deserializer::from_slice(body).into_iter::<Line>() {
        let number = lines.len() + 1;
        let bad = |reason: String| ControlError::Bad(format!("comment {number}: {reason}"));
        let line = line.map_err(|error| bad(error.to_string()))?;
        world.check(&line).map_err(bad)?;
        if !new.insert(line.id.clone()) {
            return Err(bad(format!("`{}` stands there twice", line.id)));
        }
        lines.push(line);
    }
    if lines.is_empty() {
        return Err(ControlError::Bad("the body holds no comment".to_owned()));
    }
    // Two lines of the same body may disagree on whose post it is: only the state after each tells.
    let mut owners = HashMap::new();
    for (index, line) in lines.iter().enumerate() {
        let owner = owners.entry(&line.post).or_insert(&line.account);
        if *owner != &line.account || new.contains(&line.post) {
            let reason =
                format!("comment {}: post `{}` is in use elsewhere in the body", index + 1, line.post);
            return Err(ControlError::Bad(reason));
        }
    }
    let count = lines.len();
    for line in lines {
        world.add(line);
    }
    Ok(count)
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ControlError> {
    serde_json::from_slice(body).map_err(|error| ControlError::Bad(error.to_string()))
}

fn known(found: bool, id: &str) -> Result<(), ControlError> {
    if found { Ok(()) } else { Err(ControlError::Unknown(format!("there is no comment `{id}`"))) }
}
