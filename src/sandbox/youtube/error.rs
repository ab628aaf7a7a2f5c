//! Errors in the envelope of Google's APIs.

use serde_json::json;

use crate::sandbox::wire::Answer;

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    domain: &'static str,
    pub(super) reason: String,
    message: String,
    /// gRPC's name for the status, which only some answers have.
    name: Option<&'static str>,
}

impl Refusal {
    pub(super) fn new(status: u16, domain: &'static str, reason: &str, message: &str) -> Self {
        Self { status, domain, reason: reason.to_owned(), message: message.to_owned(), name: None }
    }

    /// A parameter with a value that it cannot have.
    pub(super) fn invalid(parameter: &str, value: &str) -> Self {
        Self::new(400, "global", "invalidParameter", &format!("Invalid value '{value}' for {parameter}."))
    }

    /// A parameter that must be there.
    pub(super) fn missing(parameter: &str) -> Self {
        Self::new(400, "global", "required", &format!("Required parameter: {parameter}"))
    }

    /// Parameters that exclude each other.
    pub(super) fn incompatible(which: &str) -> Self {
        let message = format!("Incompatible parameters specified in the request: {which}");
        Self::new(400, "youtube.parameter", "incompatibleParameters", &message)
    }

    /// Something that does not exist, or no longer.
    pub(super) fn not_found(reason: &str, message: &str) -> Self {
        Self::new(404, "youtube.commentThread", reason, message)
    }

    /// What this token may not do.
    pub(super) fn forbidden(message: &str) -> Self {
        Self::new(403, "youtube.common", "forbidden", message)
    }

    /// The video has its comments turned off.
    pub(super) fn closed() -> Self {
        let message = "The video identified by the <code><a href=\"/youtube/v3/docs/commentThreads/list#videoId\">\
                       videoId</a></code> parameter has disabled comments.";
        Self::new(403, "youtube.commentThread", "commentsDisabled", message)
    }

    /// The day's units are used up.
    pub(super) fn quota() -> Self {
        let message = "The request cannot be completed because you have exceeded your \
                       <a href=\"/youtube/v3/getting-started#quota\">quota</a>.";
        Self::new(403, "youtube.quota", "quotaExceeded", message)
    }

    /// The token is expired, taken back or no token.
    pub(super) fn token() -> Self {
        let message = "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie \
                       or other valid authentication credential.";
        Self { name: Some("UNAUTHENTICATED"), ..Self::new(401, "global", "authError", message) }
    }

    /// The token lacks the scope `youtube.force-ssl`.
    pub(super) fn scope() -> Self {
        let message = "Request had insufficient authentication scopes.";
        Self {
            name: Some("PERMISSION_DENIED"),
            ..Self::new(403, "global", "insufficientPermissions", message)
        }
    }

    /// As recorded: the status says permission, the reason says that the service is down.
    pub(super) fn contradicting() -> Self {
        let mut refusal = Self::new(
            403,
            "youtube.CoreErrorDomain",
            "SERVICE_UNAVAILABLE",
            "The caller does not have permission",
        );
        refusal.name = Some("PERMISSION_DENIED");
        refusal
    }

    /// Nobody's fault but the server's, with a status that says otherwise.
    pub(super) fn processing() -> Self {
        let message = "The API server failed to successfully process the request. While this can be a transient \
                       error, it usually indicates that the request's input is invalid.";
        Self::new(400, "youtube.commentThread", "processingFailure", message)
    }

    pub(super) fn answer(&self) -> Answer {
        let inner = if self.reason == "SERVICE_UNAVAILABLE" { "Permission denied." } else { &self.message };
        let mut error = json!({
            "code": self.status,
            "message": self.message,
            "errors": [{ "message": inner, "domain": self.domain, "reason": self.reason }],
        });
        if let Some(name) = self.name {
            error["status"] = json!(name);
        }
        Answer::json(self.status, &json!({ "error": error }))
    }
}
