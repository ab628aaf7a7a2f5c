//! A matter that a person must handle: its states, and the moves allowed between them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A case's stable id, `c-000123`; never a diary number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CaseId(pub i64);

impl fmt::Display for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c-{:06}", self.0)
    }
}

impl FromStr for CaseId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.strip_prefix("c-")
            .and_then(|digits| digits.parse().ok())
            .filter(|id| *id > 0)
            .map(Self)
            .ok_or_else(|| format!("`{text}` is no case id (they look like c-000123)"))
    }
}

/// Where a case stands (DESIGN §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseState {
    /// Nobody has decided.
    Open,
    /// Proposed by an editor, waits for another person.
    AwaitingApproval,
    /// Decided; the platform has not yet been seen to hide it.
    Hiding,
    /// Seen hidden.
    Hidden,
    /// The platform accepted, nobody has seen it hidden within the hour.
    HideUnconfirmed,
    /// Removed.
    Removed,
    /// The platform refused, or three acts did not help: a person must act.
    HideFailed,
    /// Public again by a decision.
    Restored,
    /// Public again by somebody outside Uppsikt: no rule hides that version again.
    RestoredOutside,
    /// A person decided that it stays.
    Kept,
    /// Its author, or the platform, took it away before anybody decided.
    Withdrawn,
    /// Nothing is left to do.
    Closed,
}

/// What a person can decide (DESIGN §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Hide from everybody else.
    Hide,
    /// Remove from the platform; cannot be undone.
    Remove,
    /// It stays.
    Keep,
    /// Make it public again.
    Restore,
    /// It has been answered.
    Answered,
    /// It has been answered together with others.
    AnsweredJointly,
    /// Nobody expects an answer.
    NoAnswerNeeded,
    /// Handed over to somebody better placed.
    Forwarded,
    /// Its author was told where to turn.
    Referred,
}

super::codes::codes! { CaseState {
    Open = "open",
    AwaitingApproval = "awaiting_approval",
    Hiding = "hiding",
    Hidden = "hidden",
    HideUnconfirmed = "hide_unconfirmed",
    Removed = "removed",
    HideFailed = "hide_failed",
    Restored = "restored",
    RestoredOutside = "restored_outside",
    Kept = "kept",
    Withdrawn = "withdrawn",
    Closed = "closed",
} }

super::codes::codes! { Outcome {
    Hide = "hide",
    Remove = "remove",
    Keep = "keep",
    Restore = "restore",
    Answered = "answered",
    AnsweredJointly = "answered_jointly",
    NoAnswerNeeded = "no_answer_needed",
    Forwarded = "forwarded",
    Referred = "referred",
} }

/// What a change of a comment's standing on the platform means, when Uppsikt did not just do it itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutsideChange {
    /// Nothing that matters to anybody.
    None,
    /// Hidden, not by Uppsikt: by the platform's filter, or by somebody in its app (N7, N15).
    Hidden,
    /// Public again after a confirmed hide: no rule hides this version again.
    Restored,
    /// Public again after it was hidden outside Uppsikt.
    Shown,
    /// Gone: taken away by its author, by the platform, or by somebody in its app.
    Gone,
}

/// Reads a confirmed change of standing, never guessing who did it (N7).
///
/// `acting` is true while an act of ours on this comment is under way: the act's own second looks then tell.
pub fn outside_change(
    before: super::comment::Sighting,
    now: super::comment::Sighting,
    case: Option<CaseState>,
    acting: bool,
) -> OutsideChange {
    use super::comment::Sighting::{Gone, NoRight, NotListed, Public, Untold};
    if acting || matches!(now, NoRight | NotListed | Untold) || before == now {
        return OutsideChange::None;
    }
    let hidden_by_us = matches!(case, Some(CaseState::Hidden | CaseState::HideUnconfirmed));
    match now {
        Gone if case == Some(CaseState::Removed) => OutsideChange::None,
        Gone => OutsideChange::Gone,
        Public if hidden_by_us => OutsideChange::Restored,
        Public if before.is_hidden() => OutsideChange::Shown,
        // A comment that was thought gone or out of reach, and is there after all.
        Public => OutsideChange::None,
        _ if hidden_by_us || before.is_hidden() => OutsideChange::None,
        _ => OutsideChange::Hidden,
    }
}

/// Whether `outcome` can be decided on a case in `state`; the error is for the person who asked.
///
/// # Errors
/// A sentence that says why not, and what is possible instead.
pub fn allows(state: CaseState, outcome: Outcome) -> Result<(), String> {
    use CaseState::{AwaitingApproval, Hidden, HideUnconfirmed, Hiding, Removed, Withdrawn};
    match (outcome, state) {
        (Outcome::Hide, Hiding | Hidden) => {
            Err(format!("the case is {state} already; `restore` makes it public again"))
        }
        (Outcome::Keep, Hiding | Hidden | HideUnconfirmed) => {
            Err(format!("the case is {state}; `restore` makes it public again"))
        }
        (Outcome::Restore, Hidden | HideUnconfirmed | AwaitingApproval) => Ok(()),
        (Outcome::Restore, _) => Err(format!("the case is {state}; only what is hidden can be restored")),
        (Outcome::Hide | Outcome::Remove, Withdrawn | Removed) => {
            Err(format!("the case is {state}: the comment is no longer on the platform"))
        }
        _ => Ok(()),
    }
}
