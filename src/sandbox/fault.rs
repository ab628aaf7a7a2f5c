//! What can go wrong on purpose.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;

/// How a request fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// Not carried out; the platform says no. By default only requests that write.
    Refuse,
    /// Carried out; the connection ends before an answer. By default only requests that write.
    Lost,
    /// Carried out; the answer comes late.
    Slow,
    /// Carried out; half of the answer's body comes.
    Truncated,
    /// Not carried out; too many requests.
    #[serde(rename = "429")]
    TooMany,
    /// Not carried out; a web page comes instead, with status 200, as from a proxy's login page.
    Html,
    /// Not carried out; the token has expired.
    Token,
    /// Not carried out; the token was taken back (password changed, app removed).
    GoneToken,
    /// Not carried out; the platform is down for a while (status 503).
    Down,
    /// Carried out; the answer is a failure all the same (status 500). By default only requests that write.
    #[serde(rename = "500")]
    Failed,
    /// Carried out; a list comes empty, but with a next page that is this one. By default only requests that read.
    Empty,
    /// Not carried out; the error is a string where the platform otherwise gives an object.
    StringError,
    /// Not carried out; refused as `refuse`, but the text of the error is not English.
    Localised,
    /// Carried out; the answer is announced as `text/plain`.
    WrongType,
    /// No fault: takes back those that are set.
    None,
}

impl Kind {
    /// As the control writes it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Lost => "lost",
            Self::Slow => "slow",
            Self::Truncated => "truncated",
            Self::TooMany => "429",
            Self::Html => "html",
            Self::Token => "token",
            Self::GoneToken => "gone_token",
            Self::Down => "down",
            Self::Failed => "500",
            Self::Empty => "empty",
            Self::StringError => "string_error",
            Self::Localised => "localised",
            Self::WrongType => "wrong_type",
            Self::None => "none",
        }
    }
}

/// Which requests a fault is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum On {
    /// Those that change something.
    Write,
    /// Those that only read.
    Read,
    /// All.
    Any,
}

/// One fault as `POST /control/fault` gives it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Order {
    pub(super) account: String,
    pub(super) kind: Kind,
    /// How many requests; without it one, except for `token`, which stays until it is taken back.
    #[serde(default)]
    pub(super) times: Option<u32>,
    /// Which requests; without it those that write for `refuse` and `lost`, all for the others.
    #[serde(default)]
    pub(super) on: Option<On>,
    /// The platform's own error code to answer with, where the platform has codes.
    #[serde(default)]
    pub(super) code: Option<i64>,
    /// How late `slow` answers, in seconds (default 40); how long `429` says to wait.
    #[serde(default)]
    pub(super) seconds: Option<u32>,
    /// Whether `429` says how long in a `Retry-After`, which not every platform sends.
    #[serde(default)]
    pub(super) retry_after: bool,
    /// The status of the answer, where the platform's own varies.
    #[serde(default)]
    pub(super) status: Option<u16>,
    /// Only requests to paths that hold this text.
    #[serde(default)]
    pub(super) path: Option<String>,
    /// When it ends by the sandbox's clock, however often it was met; without `times` it is met until then.
    #[serde(default)]
    pub(super) until: Option<DateTime<Utc>>,
}

/// A fault that is set on an account.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) kind: Kind,
    pub(super) code: Option<i64>,
    pub(super) seconds: Option<u32>,
    /// Whether `429` tells a `Retry-After`; the wire adds it.
    pub(super) retry_after: bool,
    /// The status of the answer; the wire sets it.
    pub(super) status: Option<u16>,
    on: On,
    path: Option<String>,
    until: Option<DateTime<Utc>>,
    left: u32,
}

impl Fault {
    /// The fault that was ordered.
    pub(super) fn new(order: &Order) -> Self {
        let by_default = match order.kind {
            Kind::Refuse | Kind::Lost | Kind::Failed => On::Write,
            Kind::Empty => On::Read,
            _ => On::Any,
        };
        let stays = matches!(order.kind, Kind::Token | Kind::GoneToken) || order.until.is_some();
        Self {
            kind: order.kind,
            code: order.code,
            seconds: order.seconds,
            retry_after: order.retry_after,
            status: order.status,
            on: order.on.unwrap_or(by_default),
            path: order.path.clone(),
            until: order.until,
            left: order.times.unwrap_or(if stays { u32::MAX } else { 1 }),
        }
    }

    /// Whether it is for a request to `path` that writes, or only reads.
    pub(super) fn is_for(&self, writes: bool, path: &str) -> bool {
        let on = match self.on {
            On::Any => true,
            On::Write => writes,
            On::Read => !writes,
        };
        on && self.path.as_deref().is_none_or(|part| path.contains(part))
    }

    /// Whether its time is past.
    pub(super) fn is_over(&self, now: DateTime<Utc>) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// Counts one use; false when it was the last.
    pub(super) fn use_once(&mut self) -> bool {
        if self.left != u32::MAX {
            self.left = self.left.saturating_sub(1);
        }
        self.left > 0
    }

    /// Whether the request is answered without being carried out.
    pub(super) fn instead(&self) -> bool {
        matches!(
            self.kind,
            Kind::Refuse
                | Kind::TooMany
                | Kind::Html
                | Kind::Token
                | Kind::GoneToken
                | Kind::Down
                | Kind::StringError
                | Kind::Localised
        )
    }

    /// How long the answer takes.
    pub(super) fn delay(&self) -> Duration {
        if self.kind == Kind::Slow {
            Duration::from_secs(self.seconds.unwrap_or(40).into())
        } else {
            Duration::ZERO
        }
    }
}
