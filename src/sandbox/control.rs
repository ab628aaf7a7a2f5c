//! How a person or a test plays the public, the platform and the passing of time, and sees what became of it.
//!
#![doc = include_str!("control.md")]

mod accounts;
mod comments;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::world::World;

/// The table of the verbs, as `uppsikt sandbox --help` prints it.
pub const HELP: &str = include_str!("control.md");

/// Why a control request changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The body is at fault.
    #[error("{0}")]
    Bad(String),
    /// There is no such verb, comment or post.
    #[error("{0}")]
    Unknown(String),
}

/// Carries out one verb; gives the number of things it touched.
pub(super) fn act(world: &mut World, verb: &str, body: &[u8]) -> Result<usize, ControlError> {
    match verb {
        "add" => return comments::add(world, body),
        "edit" => comments::edit(world, body)?,
        "delete" => comments::delete(world, body, true)?,
        "undelete" => comments::delete(world, body, false)?,
        "hide" => comments::hide(world, body)?,
        "hold" => comments::hold(world, body)?,
        "move" => comments::place(world, body)?,
        "post" => comments::post(world, body)?,
        "account" => accounts::account(world, body)?,
        "token" => accounts::token(world, body)?,
        "expire" => return accounts::expire(world, body),
        "quota" => accounts::quota(world, body)?,
        "lag" => accounts::lag(world, body)?,
        "clock" => accounts::clock(world, body)?,
        "fault" => accounts::fault(world, body)?,
        "reset" => accounts::reset(world, body)?,
        _ => return Err(ControlError::Unknown(format!("there is no control verb `{verb}`"))),
    }
    Ok(1)
}

/// Adds seed lines, all or none.
pub(super) fn add(world: &mut World, body: &[u8]) -> Result<usize, ControlError> {
    comments::add(world, body)
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ControlError> {
    serde_json::from_slice(body).map_err(|error| ControlError::Bad(error.to_string()))
}

/// Keeps `null` apart from a key that is absent: the outer `None` is absence.
#[expect(clippy::option_option, reason = "absent, null and a value are three different orders")]
fn nullable<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(
    from: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(from).map(Some)
}
