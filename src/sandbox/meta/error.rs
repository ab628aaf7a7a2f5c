//! Errors in the Graph API's envelope.

use serde_json::{Value, json};

use super::JSON;
use crate::sandbox::fault::{Fault, Kind};
use crate::sandbox::wire::{Answer, Call, php_json};

/// An error.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct GraphError {
    pub(in crate::sandbox) status: u16,
    pub(in crate::sandbox) code: i64,
    pub(in crate::sandbox) subcode: Option<i64>,
    pub(in crate::sandbox) kind: &'static str,
    pub(in crate::sandbox) message: String,
    pub(in crate::sandbox) transient: Option<bool>,
    /// For people, with a title; may be in the language of the app's user.
    pub(in crate::sandbox) user: Option<(&'static str, &'static str)>,
}

impl GraphError {
    /// An error as most are: status 400, `OAuthException`, the code in the message.
    pub(in crate::sandbox) fn new(code: i64, message: &str) -> Self {
        Self::plain(code, &format!("(#{code}) {message}"))
    }

    /// The same without the code in the message.
    pub(in crate::sandbox) fn plain(code: i64, message: &str) -> Self {
        Self {
            status: 400,
            code,
            subcode: None,
            kind: "OAuthException",
            message: message.to_owned(),
            transient: None,
            user: None,
        }
    }

    /// A right is missing. These come with 403; other refusals with the same codes come with 400.
    pub(in crate::sandbox) fn right(code: i64, message: &str) -> Self {
        Self { status: 403, ..Self::new(code, message) }
    }

    /// What is deleted, never was, or lies outside of the token's rights: the API does not tell them apart.
    pub(in crate::sandbox) fn missing(id: &str) -> Self {
        Self {
            subcode: Some(33),
            kind: "GraphMethodException",
            ..Self::plain(
                100,
                &format!(
                    "Unsupported request. Object with ID '{id}' does not exist, cannot be loaded due to missing \
                     permissions, or does not support this operation"
                ),
            )
        }
    }

    /// Recorded: without `pages_read_engagement` a page cannot be read; the code is that of a missing object.
    pub(in crate::sandbox) fn unreadable(right: &str) -> Self {
        Self::new(
            100,
            &format!(
                "Object does not exist, cannot be loaded due to missing permission or reviewable feature, or does \
                 not support this operation. This endpoint requires the '{right}' permission or the 'Page Public \
                 Content Access' feature."
            ),
        )
    }

    /// A field that the node does not have.
    pub(in crate::sandbox) fn field(name: &str) -> Self {
        Self::new(100, &format!("Tried accessing nonexisting field ({name})"))
    }

    /// A path that means nothing.
    pub(in crate::sandbox) fn path() -> Self {
        Self::plain(2500, "Unknown path components")
    }

    /// As it is sent.
    pub(in crate::sandbox) fn answer(&self) -> Answer {
        let mut error = json!({ "message": self.message, "type": self.kind, "code": self.code });
        if let Some(subcode) = self.subcode {
            error["error_subcode"] = json!(subcode);
        }
        if let Some(transient) = self.transient {
            error["is_transient"] = json!(transient);
        }
        if let Some((title, text)) = self.user {
            error["error_user_title"] = json!(title);
            error["error_user_msg"] = json!(text);
        }
        error["fbtrace_id"] = json!("EJplcsCHuLu");
        Answer::bytes(self.status, JSON, php_json(&json!({ "error": error })))
    }
}

/// The error of a request that met a fault; none for faults whose answer has another form.
pub(in crate::sandbox) fn of(fault: &Fault, call: &Call) -> GraphError {
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
        Kind::GoneToken => GraphError {
            subcode: Some(460),
            ..GraphError::plain(
                code(190),
                "Error validating access token: The session has been invalidated because the user changed their \
                 password or Facebook has changed the session for security reasons.",
            )
        },
        Kind::TooMany => {
            GraphError { status: 429, ..GraphError::new(code(4), "Application request limit reached") }
        }
        Kind::Down => GraphError {
            status: 503,
            transient: Some(true),
            ..GraphError::new(code(2), "Service temporarily unavailable")
        },
        Kind::Failed => GraphError {
            status: 500,
            transient: Some(true),
            ..GraphError::plain(code(1), "An unknown error has occurred.")
        },
        Kind::Localised => GraphError {
            user: Some((
                "Du kan inte använda funktionen just nu",
                "Vi begränsar hur ofta du kan göra vissa saker.",
            )),
            ..GraphError::plain(code(368), "(#368) Åtgärden du försökte utföra anses vara missbruk")
        },
        _ => GraphError::new(
            code(368),
            "The action attempted has been deemed abusive or is otherwise disallowed",
        ),
    };
    if code(0) == 100 {
        error.subcode = Some(33);
    }
    error
}

/// The answer of a request that met a fault.
pub(in crate::sandbox) fn fault(fault: &Fault, call: &Call, usage: &'static str) -> Answer {
    if fault.kind == Kind::StringError {
        let body = json!({ "error": "An unexpected error has occurred. Please retry your request later." });
        return Answer::bytes(500, JSON, php_json(&body));
    }
    let answer = of(fault, call).answer();
    if fault.kind != Kind::TooMany {
        return answer;
    }
    // Minutes; the header counts no smaller.
    let minutes = fault.seconds.unwrap_or(300).div_ceil(60);
    answer.with("x-business-use-case-usage", block("0", usage, 100, minutes.into()).to_string())
}

/// The value of `X-Business-Use-Case-Usage` for one account.
pub(in crate::sandbox) fn block(account: &str, usage: &str, percent: u64, minutes: i64) -> Value {
    let mut whole = json!({});
    whole[account] = json!([{
        "type": usage, "call_count": percent, "total_cputime": 1, "total_time": 1,
        "estimated_time_to_regain_access": minutes, "ads_api_access_tier": "development_access",
    }]);
    whole
}
