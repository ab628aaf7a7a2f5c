//! What was asked of the platforms, and what of it no client may do.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use serde::Serialize;

/// How many requests are remembered.
const REMEMBERED: usize = 20_000;

/// One request to a platform: a line of `GET /control/requests`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// Its number, from 1.
    pub n: u64,
    /// When, by the sandbox's clock (UTC).
    pub at: DateTime<Utc>,
    /// The platform's name as in the path; `media` for a picture or film.
    pub platform: String,
    /// GET, POST, …
    pub method: String,
    /// The path without its query.
    pub path: String,
    /// The names of the parameters in query and body; never their values.
    pub keys: Vec<String>,
    /// Whether it would change something.
    pub writes: bool,
    /// The account it was about, if known.
    pub account: Option<String>,
    /// What was used of which quota; also what was refused, with no units.
    pub spent: Vec<Units>,
    /// The fault that met it.
    pub fault: Option<String>,
    /// The status of the answer, also of one that was lost.
    pub status: u16,
    /// What no client may do, and this one did; several joined by `; `.
    pub violation: Option<String>,
}

/// Units of one quota.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Units {
    /// The quota's name.
    pub quota: String,
    /// How many; 0 if the call was refused.
    pub units: u64,
}

/// The requests, and what the one in hand has done so far.
#[derive(Debug, Default)]
pub(super) struct Log {
    asked: VecDeque<Asked>,
    count: u64,
    spent: Vec<Units>,
    violations: Vec<String>,
}

impl Log {
    /// Notes that the request in hand used a quota.
    pub(super) fn spent(&mut self, quota: &str, units: u64) {
        self.spent.push(Units { quota: quota.to_owned(), units });
    }

    /// Notes that the request in hand is one that no client may make.
    pub(super) fn violation(&mut self, what: &str) {
        if self.violations.iter().all(|known| known != what) {
            self.violations.push(what.to_owned());
        }
    }

    /// Remembers the request in hand; its number and what was noted are given here.
    pub(super) fn remember(&mut self, mut asked: Asked) {
        self.count += 1;
        asked.n = self.count;
        asked.spent = std::mem::take(&mut self.spent);
        let violations = std::mem::take(&mut self.violations);
        asked.violation = (!violations.is_empty()).then(|| violations.join("; "));
        if self.asked.len() == REMEMBERED {
            self.asked.pop_front();
        }
        self.asked.push_back(asked);
    }

    /// The requests after number `since`.
    pub(super) fn since(&self, since: u64) -> Vec<Asked> {
        self.asked.iter().filter(|asked| asked.n > since).cloned().collect()
    }
}
