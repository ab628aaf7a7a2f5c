//! Where a sweep stands: the connector's cursor.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::connector::Cursor;

/// How many older posts a sweep reads beside them at first, going on where the last one stopped.
const OLDER_POSTS: u32 = 25;

/// How many it reads at most, when a turn takes longer than it may.
pub(super) const MOST_OLDER_POSTS: u32 = 100;

/// How many posts that may have vanished are asked for in one sweep; the rest in the next.
const RECHECKS: usize = 100;

/// Where a sweep stands.
#[expect(clippy::struct_excessive_bools, reason = "each says something of its own about the list in hand")]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Place {
    /// Posts whose comments are still to be read, the first one now.
    pub(super) posts: Vec<String>,
    /// Which list is in hand.
    pub(super) stage: Stage,
    /// Where the list in hand goes on: parameters of the next request.
    pub(super) on: Vec<(String, String)>,
    /// How many requests the list in hand has taken.
    pub(super) pages: u32,
    /// How many comments the post in hand has shown.
    pub(super) shown: u64,
    /// Whether an element of the post in hand could not be read.
    pub(super) broken: bool,
    /// Whether the list in hand was begun anew because its cursor was not taken any more.
    pub(super) again: bool,
    /// Comments whose answers are to be read, the first one now; only once the list of comments has ended.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) threads: Vec<String>,
    /// Comments of which perhaps not all answers were shown, and how many were.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) perhaps: Vec<(String, u64)>,
    /// How many comments the platform counts under the post in hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) total: Option<u64>,
    /// Whether the answers are in hand, not the comments.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) answers: bool,
    /// Posts that may have vanished, still to be asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) recheck: Vec<String>,
    /// Whether `posts` are those.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) rechecking: bool,
    /// The newest posts as this sweep has listed them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) newest: Vec<String>,
    /// The newest posts as the last sweep listed them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) before: Vec<String>,
    /// Posts that have vanished; outlives the sweep.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) vanished: Vec<String>,
    /// How far the older posts are read; outlives the sweep.
    pub(super) older: Older,
}

/// The parts of a sweep, in their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Stage {
    /// The list of the newest posts.
    #[default]
    Newest,
    /// The list of the older posts that are in turn.
    Older,
    /// The comments of one post after the other.
    Comments,
}

/// Where the turn through the older posts stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Older {
    /// Where the next sweep goes on; empty where the newest posts end.
    pub(super) on: Vec<(String, String)>,
    /// How many posts the present turn has read.
    pub(super) read: u32,
    /// How many posts the last whole turn read.
    pub(super) whole: Option<u32>,
    /// When the present turn began, by the platform's clock.
    pub(super) since: Option<DateTime<Utc>>,
    /// How many posts a sweep reads; zero for the usual number.
    pub(super) pace: u32,
}

impl Older {
    pub(super) fn pace(&self) -> u32 {
        self.pace.clamp(OLDER_POSTS, MOST_OLDER_POSTS)
    }

    /// The turn is over; the next begins where the newest posts end.
    pub(super) fn over(&mut self, whole: Option<u32>) {
        *self = Self { whole, pace: self.pace, ..Self::default() };
    }
}

impl Place {
    /// A cursor of another version begins a new sweep: that may repeat comments and skips none.
    pub(super) fn read(cursor: Option<&Cursor>) -> Self {
        cursor.and_then(|cursor| serde_json::from_str(&cursor.0).ok()).unwrap_or_default()
    }

    /// The list in hand is read; the next begins.
    pub(super) fn turn(&mut self) {
        self.on.clear();
        self.pages = 0;
        self.again = false;
    }

    /// The post in hand is read; the next begins.
    pub(super) fn next_post(&mut self) {
        self.posts.remove(0);
        self.turn();
        self.shown = 0;
        self.total = None;
        self.broken = false;
        self.answers = false;
        self.threads.clear();
        self.perhaps.clear();
    }

    /// Begins the list in hand anew, once: a cursor that was stored for long may no longer be taken.
    pub(super) fn begin_again(&mut self) -> bool {
        if self.on.is_empty() || self.again {
            return false;
        }
        self.turn();
        if !self.answers {
            self.shown = 0;
            self.broken = false;
        }
        self.again = true;
        true
    }

    /// The answers to `comment` will be read; those that were `shown` beside it do not count.
    pub(super) fn read_again(&mut self, comment: String, shown: u64) {
        self.shown = self.shown.saturating_sub(shown);
        self.threads.push(comment);
    }

    /// The posts are listed; their comments come next, and then those that may have vanished.
    pub(super) fn posts_are_listed(&mut self) {
        self.turn();
        self.stage = Stage::Comments;
        let listed: BTreeSet<&String> = self.posts.iter().chain(&self.newest).collect();
        let missing = std::mem::take(&mut self.before)
            .into_iter()
            .filter(|id| !listed.contains(id) && !self.vanished.contains(id));
        let more: Vec<String> = missing.filter(|id| !self.recheck.contains(id)).take(RECHECKS).collect();
        self.recheck.extend(more);
        self.begin_rechecks();
    }

    /// After the last post come those that may have vanished.
    pub(super) fn begin_rechecks(&mut self) {
        if self.posts.is_empty() && !self.rechecking && !self.recheck.is_empty() {
            self.posts = std::mem::take(&mut self.recheck);
            self.rechecking = true;
        }
    }

    pub(super) fn is_finished(&self) -> bool {
        self.stage == Stage::Comments && self.posts.is_empty()
    }

    pub(super) fn write(&self) -> Cursor {
        // A struct of texts and numbers can always be written; an empty cursor would only begin a new sweep.
        Cursor(serde_json::to_string(self).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_from_elsewhere_begins_a_new_sweep() {
        for text in ["", "null", "[]", "{\"posts\":7}", "\u{0}", "{\"posts\":"] {
            assert_eq!(Place::read(Some(&Cursor(text.to_owned()))), Place::default(), "{text:?}");
        }
    }
}
