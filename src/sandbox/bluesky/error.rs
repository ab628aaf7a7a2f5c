//! Errors of XRPC: a name and a message.

use serde_json::json;

use crate::sandbox::wire::Answer;

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    name: &'static str,
    message: String,
}

impl Refusal {
    pub(super) fn new(status: u16, name: &'static str, message: &str) -> Self {
        Self { status, name, message: message.to_owned() }
    }

    /// A parameter or record that the lexicon does not allow.
    pub(super) fn invalid(message: &str) -> Self {
        Self::new(400, "InvalidRequest", message)
    }

    /// No token at all: the only one of these that is a 401.
    pub(super) fn missing() -> Self {
        Self::new(401, "AuthMissing", "Authentication Required")
    }

    /// The token's time is past; a 400.
    pub(super) fn expired() -> Self {
        Self::new(400, "ExpiredToken", "Token has expired")
    }

    /// It never was a token, or was taken back.
    pub(super) fn bad_token() -> Self {
        Self::new(400, "InvalidToken", "Token could not be verified")
    }

    /// The login is wrong, or the app password was taken back.
    pub(super) fn login() -> Self {
        Self::new(401, "AuthenticationRequired", "Invalid identifier or password")
    }

    /// Too many requests in the window.
    pub(super) fn limited() -> Self {
        Self::new(429, "RateLimitExceeded", "Rate Limit Exceeded")
    }

    pub(super) fn answer(&self) -> Answer {
        Answer::json(self.status, &json!({ "error": self.name, "message": self.message }))
    }
}
