//! One comment as a line of JSON: what the seed file, `/control/add` and the sandbox's own memory hold.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::comment::Hider;
use super::media::Media;
use crate::domain::comment::Attachment;

/// A comment and what must exist for it. Ids and `at` are kept as they are written.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own; no two exclude each other")]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Line {
    /// The account's native id.
    pub(super) account: String,
    /// The post's native id; an unknown post is created.
    pub(super) post: String,
    /// The comment's native id.
    pub(super) id: String,
    /// The comment it answers; absent, null or the post's id at the top level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) parent: Option<String>,
    /// Who wrote it; absent where the platform would not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) author: Option<Author>,
    /// When, as the platform shall show it; the sandbox's clock if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) at: Option<String>,
    /// What it says.
    #[serde(default)]
    pub(super) text: String,
    /// The post's text; the first line that names the post decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) post_text: Option<String>,
    /// The post's time; that of its first comment if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) post_at: Option<String>,
    /// Written by the account itself.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) ours: bool,
    /// Something beside the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) attachment: Option<Attachment>,
    /// Hidden from the beginning, as by the platform's own filter.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) hidden: bool,
    /// Deleted (in the sandbox's memory).
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) deleted: bool,
    /// Its text was changed after it was written.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) edited: bool,
    /// When that was (UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) edited_at: Option<DateTime<Utc>>,
    /// Pictures and films that the sandbox serves itself; an attachment without any gets one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) media: Vec<Media>,
    /// Who hid it; the platform's filter if nothing else is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) hidden_by: Option<Hider>,
    /// Held for review.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) held: bool,
    /// The platform's own word for its state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) moderation: Option<String>,
    /// How many like it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) likes: u64,
    /// What only one platform has.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(super) memory: Map<String, Value>,
}

/// Who wrote a comment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Author {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// The instant in milliseconds since 1970 (UTC), if `at` is a date as any of the platforms writes it.
pub(super) fn instant(at: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(at)
        .or_else(|_| DateTime::parse_from_str(at, "%Y-%m-%dT%H:%M:%S%z"))
        .ok()
        .map(|instant| instant.timestamp_millis())
}
