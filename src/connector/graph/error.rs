//! What the Graph API's errors mean. The code in the body decides, not the status, which varies.
//!
//! Source: Meta's page "Handling Errors"; the codes of rate limits and of sessions from other clients' code.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::Words;
use crate::connector::ConnectorError;
use crate::connector::http::Answer;

/// How long to wait where no header says it.
const UNSAID_WAIT: Duration = Duration::from_mins(5);

/// The longest wait that a header is believed.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// What the request would do: the same code may leave a write in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::connector) enum Doing {
    /// Nothing happens if it fails.
    Reading,
    /// It may have happened although it failed.
    Writing,
}

/// Why an answer is not what was asked for.
#[derive(Debug)]
pub(in crate::connector) enum Failure {
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
    pub(in crate::connector) fn into_error(self, place: &str, words: &Words) -> ConnectorError {
        match self {
            Self::OutOfReach(error) | Self::Object(error) | Self::Error(error) => error,
            Self::Missing => ConnectorError::Unauthorized(format!(
                "{place}: no such account, or the token is not one of this account; needed are {}",
                words.reading
            )),
        }
    }
}

/// Whose calls a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    App,
    Account,
}

/// The envelope of an error, read without its words.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// What decides; absent where it is no number.
    pub code: Option<i64>,
    /// What tells the cases of one code apart.
    pub subcode: Option<i64>,
    /// `GraphMethodException`, `IGApiException`, …: the kinds that decide something; else empty.
    pub kind: &'static str,
    /// Whether Meta says that it will pass.
    pub transient: bool,
    /// Whether Meta's words speak of `appsecret_proof`.
    pub speaks_of_proof: bool,
    /// Whether Meta's words speak of a permission.
    pub speaks_of_permission: bool,
}

impl Envelope {
    /// The error that a body holds; `None` where it holds none. Meta's own message is not kept: it may quote the token
    /// (code 190) and the words of a comment, and it is in the language of the person behind the token.
    pub fn read(body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Body {
            error: Value,
        }
        let Body { error } = serde_json::from_slice(body).ok()?;
        let number = |key: &str| error.get(key).and_then(Value::as_i64);
        let told = error.get("message").and_then(Value::as_str).unwrap_or_default();
        let kinds = ["GraphMethodException", "IGApiException"];
        let kind = error.get("type").and_then(Value::as_str).unwrap_or_default();
        Some(Self {
            code: number("code"),
            subcode: number("error_subcode"),
            kind: kinds.into_iter().find(|known| *known == kind).unwrap_or_default(),
            transient: error.get("is_transient").and_then(Value::as_bool).unwrap_or(false),
            speaks_of_proof: told.contains("appsecret_proof") || told.contains("app secret proof"),
            speaks_of_permission: told.contains("permission"),
        })
    }
}

/// Whether the answer says that a limit is reached: whose it is, and how long to wait.
pub(super) fn throttled(answer: &Answer) -> Option<(Whose, Duration)> {
    let whose = match Envelope::read(&answer.body)?.code? {
        4 | 341 => Whose::App,
        17 | 32 | 613 | 80000..=80009 => Whose::Account,
        _ => return None,
    };
    Some((whose, wait(answer)))
}

/// What is wrong with an answer; `None` for one that holds what was asked for.
pub(in crate::connector) fn failure(answer: &Answer, doing: Doing, words: &Words) -> Option<Failure> {
    let place = answer.place();
    let Some(envelope) = Envelope::read(&answer.body) else {
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
    let Envelope { code, subcode, kind, transient, .. } = envelope;
    let named = match (code, subcode) {
        (Some(code), Some(subcode)) => format!("{place}: Graph API error {code}/{subcode}"),
        (Some(code), None) => format!("{place}: Graph API error {code}"),
        (None, _) => format!("{place}: Graph API error without a code, HTTP {}", answer.status),
    };
    let with = |hint: &str| format!("{named}: {hint}");
    let platform = words.platform.label();
    let rights = words.rights(doing);
    let refused = |hint: String| Some(Failure::Object(ConnectorError::Refused(format!("{named}: {hint}"))));
    let error = match code {
        Some(4 | 17 | 32 | 341 | 613 | 80000..=80009) => ConnectorError::RateLimited(wait(answer)),
        // "Unknown path components" on graph.instagram.com: our request, not our key.
        Some(2500) if kind == "IGApiException" => {
            return refused(format!("{platform} does not know the request"));
        }
        Some(102 | 104 | 190 | 450 | 452 | 2500) => ConnectorError::Unauthorized(with(session(subcode))),
        Some(3 | 10 | 200..=299) => {
            ConnectorError::Unauthorized(with(&format!("the token lacks a right; needed are {rights}")))
        }
        Some(368) => ConnectorError::Refused(with("Meta blocks such acts for a while, by its policy")),
        Some(506) => ConnectorError::Refused(with("Meta takes the same text only once")),
        Some(100) if subcode == Some(33) || kind == "GraphMethodException" => return Some(Failure::Missing),
        Some(100) if envelope.speaks_of_proof => ConnectorError::Unauthorized(with(
            "the app demands appsecret_proof: set app_secret_file, or correct it",
        )),
        Some(100) if envelope.speaks_of_permission => {
            let reason = with(&format!("no such object, or a right is missing; needed are {rights}"));
            return Some(Failure::OutOfReach(ConnectorError::Unauthorized(reason)));
        }
        Some(1 | 2) => later(doing, with("the platform is out of order for a while")),
        _ if transient => later(doing, with("the platform says that it will pass")),
        Some(_) => return refused(format!("{platform} does not take the request")),
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
pub(super) fn session(subcode: Option<i64>) -> &'static str {
    match subcode {
        Some(458) => "the app is no longer connected to the account: connect it again",
        Some(459 | 464) => "Meta wants the person behind the token to log in and pass a check",
        Some(460) => "the person behind the token has changed password: connect the account again",
        Some(463 | 467) => "the token has expired or was taken back: connect the account again",
        _ => "the token is not valid: connect the account again",
    }
}

/// How long to wait: what the usage header says, else five minutes.
fn wait(answer: &Answer) -> Duration {
    answer.regain().map_or(UNSAID_WAIT, |seconds| Duration::from_secs(seconds).min(LONGEST_WAIT))
}
