//! Errors as LinkedIn writes them.

use serde_json::{Value, json};

use crate::sandbox::wire::Answer;

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    service: Option<i64>,
    code: &'static str,
    message: String,
}

impl Refusal {
    pub(super) fn new(status: u16, service: Option<i64>, code: &'static str, message: &str) -> Self {
        Self { status, service, code, message: message.to_owned() }
    }

    /// A parameter, header or body that cannot be.
    pub(super) fn illegal(message: &str) -> Self {
        Self::new(400, None, "ILLEGAL_ARGUMENT", message)
    }

    /// What is not there, or no longer.
    pub(super) fn not_found(what: &str) -> Self {
        Self::new(404, Some(100), "NOT_FOUND", &format!("Could not find entity: {what}"))
    }

    /// What the member's role or the token's scopes do not allow.
    pub(super) fn forbidden(what: &str) -> Self {
        Self::new(403, Some(100), "ACCESS_DENIED", &format!("Not enough permissions to access: {what}"))
    }

    /// It never was a token.
    pub(super) fn invalid_token() -> Self {
        Self::new(401, Some(65600), "INVALID_ACCESS_TOKEN", "Invalid access token")
    }

    /// Taken back; one source says that the same number tells an expired one.
    pub(super) fn dead_token(expired: bool) -> Self {
        let how = if expired { "has expired" } else { "has been revoked by the user" };
        let message = format!("The token used in the request {how}");
        Self::new(401, Some(65601), "REVOKED_ACCESS_TOKEN", &message)
    }

    /// The day's calls are used up.
    pub(super) fn throttled(of: &str) -> Self {
        let message =
            format!("Resource level throttle {of} DAY limit for calls to this resource is reached.");
        Self::new(429, Some(101), "TOO_MANY_REQUESTS", &message)
    }

    /// The same with another number of LinkedIn's own.
    pub(super) fn numbered(mut self, service: Option<i64>) -> Self {
        self.service = service.or(self.service);
        self
    }

    pub(super) fn answer(&self) -> Answer {
        let mut body = json!({ "status": self.status });
        if let Some(service) = self.service {
            body["serviceErrorCode"] = Value::from(service);
        }
        body["code"] = json!(self.code);
        body["message"] = json!(self.message);
        Answer::json(self.status, &body)
    }
}
