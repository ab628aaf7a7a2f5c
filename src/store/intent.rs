//! The permit to write to a platform.

use crate::connector::Target;
use crate::domain::comment::CommentId;

/// What is about to be done on a platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    /// Hide from everybody else.
    Hide,
    /// Remove; cannot be undone.
    Remove,
    /// Make public again.
    Restore,
    /// Answer as the municipality.
    Reply,
}

impl Act {
    /// The code used in the database; with `_intent` behind it, the kind of the log entry.
    pub fn code(self) -> &'static str {
        match self {
            Self::Hide => "hide",
            Self::Remove => "remove",
            Self::Restore => "restore",
            Self::Reply => "reply",
        }
    }

    /// The act with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Hide, Self::Remove, Self::Restore, Self::Reply].into_iter().find(|act| act.code() == code)
    }
}

/// A permit for one act: its entry is in the log and a published checkpoint covers it (DESIGN §3, steps 8 and 9).
///
/// Only the store makes one; `connector::http` has no writing method without it.
#[derive(Debug)]
pub struct Intent {
    id: i64,
    act: Act,
    comment: CommentId,
    target: Target,
    entry: u64,
}

impl Intent {
    /// Only `store::intents::permit` makes one.
    pub(super) fn new(id: i64, act: Act, comment: CommentId, target: Target, entry: u64) -> Self {
        Self { id, act, comment, target, entry }
    }

    /// The row's id.
    pub fn id(&self) -> i64 {
        self.id
    }

    /// What is permitted.
    pub fn act(&self) -> Act {
        self.act
    }

    /// The comment it is about.
    pub fn comment(&self) -> &CommentId {
        &self.comment
    }

    /// What the platform needs to know to find the comment.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The index of the intent's entry in the log.
    pub fn entry(&self) -> u64 {
        self.entry
    }

    /// A permit that covers nothing, for unit tests of connectors.
    #[cfg(test)]
    pub(crate) fn for_tests(act: Act, comment: CommentId, target: Target) -> Self {
        Self { id: 1, act, comment, target, entry: 0 }
    }
}
