//! What Facebook's and Instagram's APIs have in common: the Graph API's errors, fields, pages, tokens and limits.

pub(super) mod act;
pub(super) mod error;
pub(super) mod fields;
pub(super) mod page;
pub(super) mod private;
pub(super) mod token;
pub(super) mod usage;

use serde_json::Value;

use super::wire::{Answer, php_json};

/// The media type of every answer.
pub(super) const JSON: &str = "application/json; charset=UTF-8";

/// A good answer.
pub(super) fn answer(value: &Value) -> Answer {
    Answer::bytes(200, JSON, php_json(value))
}

/// Whether a parameter says yes.
pub(super) fn is_yes(value: Option<&str>) -> bool {
    value.is_some_and(|value| matches!(value, "1" | "true"))
}

/// A parameter that must be a boolean.
pub(super) fn boolean(name: &str, value: &str) -> Result<bool, error::GraphError> {
    match value {
        "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        _ => Err(error::GraphError::new(100, &format!("Param {name} must be a boolean"))),
    }
}
