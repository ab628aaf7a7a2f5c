//! What can go wrong on purpose.

use std::time::Duration;

use serde::Deserialize;

/// How a request fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
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
    /// Not carried out; the platform is down for a while (status 503).
    Down,
    /// No fault: takes back those that are set.
    None,
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
}

/// A fault that is set on an account.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) kind: Kind,
    pub(super) code: Option<i64>,
    pub(super) seconds: Option<u32>,
    on: On,
    left: u32,
}

impl Fault {
    /// The fault that was ordered.
    pub(super) fn new(order: &Order) -> Self {
        let by_default = match order.kind {
            Kind::Refuse | Kind::Lost => On::Write,
            _ => On::Any,
        };
        let left = order.times.unwrap_or(if order.kind == Kind::Token { u32::MAX } else { 1 });
        Self {
            kind: order.kind,
            code: order.code,
            seconds: order.seconds,
            on: order.on.unwrap_or(by_default),
            left,
        }
    }

    /// Whether it is for a request that writes, or only reads.
    pub(super) fn is_for(&self, writes: bool) -> bool {
        match self.on {
            On::Any => true,
            On::Write => writes,
            On::Read => !writes,
        }
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
        matches!(self.kind, Kind::Refuse | Kind::TooMany | Kind::Html | Kind::Token | Kind::Down)
    }

    /// How long the answer takes.
    pub(super) fn delay(&self) -> Duration {
        Duration::from_secs(self.seconds.unwrap_or(40).into())
    }
}
