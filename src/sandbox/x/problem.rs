//! Errors: problems as RFC 7807 has them, the older form with numbers, and the ones that stand beside data.

use serde_json::{Value, json};

use crate::sandbox::wire::Answer;

const TYPES: &str = "https://api.twitter.com/2/problems";

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    status: u16,
    body: Value,
}

impl Problem {
    /// A problem without a type of its own.
    pub(super) fn plain(status: u16, title: &str, detail: &str) -> Self {
        Self {
            status,
            body: json!({ "title": title, "detail": detail, "type": "about:blank", "status": status }),
        }
    }

    /// A parameter that is missing, unknown or out of bounds.
    pub(super) fn parameter(name: &str, value: Option<&str>, message: &str) -> Self {
        let given: Vec<&str> = value.into_iter().collect();
        let body = json!({
            "errors": [{ "parameters": { name: given }, "message": message }],
            "title": "Invalid Request",
            "detail": "One or more parameters to your request was invalid.",
            "type": format!("{TYPES}/invalid-request"),
        });
        Self { status: 400, body }
    }

    pub(super) fn unauthorized() -> Self {
        Self::plain(401, "Unauthorized", "Unauthorized")
    }

    pub(super) fn forbidden(detail: &str) -> Self {
        Self::plain(403, "Forbidden", detail)
    }

    pub(super) fn too_many() -> Self {
        Self::plain(429, "Too Many Requests", "Too Many Requests")
    }

    pub(super) fn not_found() -> Self {
        Self::plain(404, "Not Found", "Not Found")
    }

    /// Nothing is left of what was paid for; no source tells the status.
    pub(super) fn credits(status: u16) -> Self {
        let mut problem =
            Self::plain(status, "CreditsDepleted", "Your enrolled account does not have any credits.");
        problem.body["type"] = json!(format!("{TYPES}/credits"));
        problem
    }

    /// The older form.
    pub(super) fn legacy(status: u16, code: i64, message: &str) -> Self {
        Self { status, body: json!({ "errors": [{ "code": code, "message": message }] }) }
    }

    pub(super) fn answer(&self) -> Answer {
        let kind = if self.body.get("type").is_some() {
            "application/problem+json; charset=utf-8"
        } else {
            "application/json; charset=utf-8"
        };
        Answer::bytes(self.status, kind, self.body.to_string().into_bytes())
    }
}

/// Why something that was asked for stands not in `data`, though the answer is a 200.
pub(super) fn beside(parameter: &str, id: &str, protected: bool) -> Value {
    let (title, detail, kind) = if protected {
        (
            "Authorization Error",
            format!("Sorry, you are not authorized to see the Tweet with {parameter}: [{id}]."),
            "not-authorized-for-resource",
        )
    } else {
        ("Not Found Error", format!("Could not find tweet with {parameter}: [{id}]."), "resource-not-found")
    };
    json!({
        "value": id,
        "detail": detail,
        "title": title,
        "resource_type": "tweet",
        "parameter": parameter,
        "resource_id": id,
        "type": format!("{TYPES}/{kind}"),
    })
}
