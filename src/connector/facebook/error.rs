//! What the Graph API's errors mean. The code in the body decides, not the status, which varies.
//!
//! Source: Meta's page "Handling Errors"; the codes of rate limits and of sessions from other clients' code.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::connector::ConnectorError;
use crate::connector::http::Answer;

/// How long to wait where no header says it.
const UNSAID_WAIT: Duration = Duration::from_mins(5);

/// The longest wait that a header is believed.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// What the request would do: the same code may leave a write in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    Reading,
    Writing,
}

/// Why an answer is not what was asked for.
#[derive(Debug)]
pub(super) enum Failure {
    /// The object does not exist, or our rights do not reach it: the API does not tell which.
    Missing,
    /// The object lies outside of our rights, or so the API's words say; it may also not exist.
    OutOfReach(ConnectorError),
    /// The request about this one object is not taken; others may be.
    Object(ConnectorError),
    /// It would be the same for every object of the account.
    Error(ConnectorError),
}

impl Failure {
    /// The error, where `place` was asked for something that every account has.
    pub(super) fn into_error(self, place: &str) -> ConnectorError {
        match self {
            Self::OutOfReach(error) | Self::Object(error) | Self::Error(error) => error,
            Self::Missing => ConnectorError::Unauthorized(format!(
                "{place}: no such Page, or the token is not one of this Page; needed are {}",
                rights(Doing::Reading)
            )),
        }
    }
}

/// What the token needs.
pub(super) fn rights(doing: Doing) -> &'static str {
    match doing {
        Doing::Reading => "the rights pages_read_engagement and pages_read_user_content",
        Doing::Writing => "the right pages_manage_engagement and the task MODERATE",
    }
}

#[derive(Deserialize)]
struct Envelope {
    error: Value,
}

/// What is wrong with an answer; `None` for one that holds what was asked for.
///
/// The API's own message is never repeated: it may quote the token (code 190) and the words of a comment.
pub(super) fn failure(answer: &Answer, doing: Doing) -> Option<Failure> {
    let place = answer.place();
    let Ok(Envelope { error }) = serde_json::from_slice(&answer.body) else {
        if answer.is_success() && !answer.body.is_empty() {
            return None;
        }
        // Not the Graph API's words: a proxy's or portal's, which says nothing of what the platform did.
        let reason = format!("{place}: HTTP {} without the Graph API's envelope", answer.status);
        return Some(Failure::Error(match doing {
            Doing::Reading => ConnectorError::Malformed(reason),
            Doing::Writing => ConnectorError::OutcomeUnknown(reason),
        }));
    };
    let number = |key: &str| error.get(key).and_then(Value::as_i64);
    let (code, subcode) = (number("code"), number("error_subcode"));
    let told = error.get("message").and_then(Value::as_str).unwrap_or_default();
    let kind = error.get("type").and_then(Value::as_str).unwrap_or_default();
    let transient = error.get("is_transient").and_then(Value::as_bool).unwrap_or(false);
    let named = match (code, subcode) {
        (Some(code), Some(subcode)) => format!("{place}: Graph API error {code}/{subcode}"),
        (Some(code), None) => format!("{place}: Graph API error {code}"),
        (None, _) => format!("{place}: Graph API error without a code, HTTP {}", answer.status),
    };
    let with = |hint: &str| format!("{named}: {hint}");
    let rights = rights(doing);
    let error = match code {
        Some(4 | 17 | 32 | 341 | 613 | 80000..=80009) => ConnectorError::RateLimited(wait(answer)),
        Some(102 | 104 | 190 | 450 | 452 | 2500) => ConnectorError::Unauthorized(with(session(subcode))),
        Some(3 | 10 | 200..=299) => {
            ConnectorError::Unauthorized(with(&format!("the token lacks a right; needed are {rights}")))
        }
        Some(368) => ConnectorError::Refused(with("Facebook blocks such acts for a while, by its policy")),
        Some(506) => ConnectorError::Refused(with("Facebook takes the same text only once")),
        Some(100) if subcode == Some(33) || kind == "GraphMethodException" => return Some(Failure::Missing),
        Some(100) if told.contains("appsecret_proof") || told.contains("app secret proof") => {
            ConnectorError::Unauthorized(with(
                "the app demands appsecret_proof: set app_secret_file, or correct it",
            ))
        }
        Some(100) if told.contains("permission") => {
            let reason = with(&format!("no such object, or a right is missing; needed are {rights}"));
            return Some(Failure::OutOfReach(ConnectorError::Unauthorized(reason)));
        }
        Some(1 | 2) => later(doing, with("Facebook is out of order for a while")),
        _ if transient => later(doing, with("Facebook says that it will pass")),
        Some(_) => {
            let reason = with("Facebook does not take the request");
            return Some(Failure::Object(ConnectorError::Refused(reason)));
        }
        // Neither words nor a number that are known: nothing is concluded from it.
        None => match doing {
            Doing::Reading => ConnectorError::Malformed(named),
            Doing::Writing => ConnectorError::OutcomeUnknown(named),
        },
    };
    Some(Failure::Error(error))
}

/// "Unknown error" and "service unavailable": a write may have been carried out all the same.
fn later(doing: Doing, reason: String) -> ConnectorError {
    match doing {
        Doing::Reading => ConnectorError::Unavailable(reason),
        Doing::Writing => ConnectorError::OutcomeUnknown(reason),
    }
}

/// What to do about a token that is not taken, by the subcode.
fn session(subcode: Option<i64>) -> &'static str {
    match subcode {
        Some(458) => "the app is no longer connected to the account: connect it again",
        Some(459 | 464) => "Facebook wants the person behind the token to log in and pass a check",
        Some(460) => "the person behind the token has changed password: connect the account again",
        Some(463 | 467) => "the token has expired or was taken back: connect the account again",
        _ => "the token is not valid: connect the account again",
    }
}

/// How long to wait: what the usage header says, else five minutes.
fn wait(answer: &Answer) -> Duration {
    answer.regain().map_or(UNSAID_WAIT, |seconds| Duration::from_secs(seconds).min(LONGEST_WAIT))
}
