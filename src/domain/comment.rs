//! A comment, as a platform shows it.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A service on which the municipality has accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// Facebook Pages (Graph API).
    Facebook,
    /// Instagram professional accounts.
    Instagram,
    /// YouTube channels (Data API v3).
    Youtube,
    /// LinkedIn organisation pages.
    Linkedin,
    /// X, formerly Twitter (API v2).
    X,
    /// Bluesky (AT Protocol).
    Bluesky,
}

impl Platform {
    /// Every platform, in the order of the documentation.
    pub const ALL: [Self; 6] =
        [Self::Facebook, Self::Instagram, Self::Youtube, Self::Linkedin, Self::X, Self::Bluesky];

    /// The code used in configuration, database and evidence.
    pub fn code(self) -> &'static str {
        match self {
            Self::Facebook => "facebook",
            Self::Instagram => "instagram",
            Self::Youtube => "youtube",
            Self::Linkedin => "linkedin",
            Self::X => "x",
            Self::Bluesky => "bluesky",
        }
    }

    /// The name people know it by.
    pub fn label(self) -> &'static str {
        match self {
            Self::Facebook => "Facebook",
            Self::Instagram => "Instagram",
            Self::Youtube => "YouTube",
            Self::Linkedin => "LinkedIn",
            Self::X => "X",
            Self::Bluesky => "Bluesky",
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Platform {
    type Err = String;

    fn from_str(code: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|platform| platform.code() == code)
            .ok_or_else(|| format!("unknown platform `{code}`"))
    }
}

/// The name of one comment: the account it stands under, and the platform's own id of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CommentId {
    /// The account's id in the configuration (`[[account]] id`).
    pub account: String,
    /// The platform's id, verbatim; on Bluesky the at-uri.
    pub native: String,
}

impl fmt::Display for CommentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.account, self.native)
    }
}

/// Who wrote a comment, as far as the platform tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// The platform's id of the author; absent where our rights do not show it.
    pub id: Option<String>,
    /// The name shown beside the comment.
    pub name: Option<String>,
}

/// Something beside the text that the rules cannot read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Attachment {
    /// A picture.
    Image,
    /// A film or an animated picture.
    Video,
    /// Sound.
    Audio,
    /// A link preview or a shared page.
    Link,
    /// A sticker.
    Sticker,
    /// Another post, quoted.
    Quote,
    /// A kind of attachment that Uppsikt does not know.
    Other,
}

impl Attachment {
    /// The code used in configuration, database and evidence.
    pub fn code(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Link => "link",
            Self::Sticker => "sticker",
            Self::Quote => "quote",
            Self::Other => "other",
        }
    }
}

/// What kind of utterance it is (R6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A comment or a reply under a post of the account.
    #[default]
    Comment,
    /// A post that a visitor wrote on the account's own page.
    VisitorPost,
    /// A direct message; read by named officials only.
    Message,
}

impl Kind {
    /// The code used in the database and in evidence.
    pub fn code(self) -> &'static str {
        match self {
            Self::Comment => "comment",
            Self::VisitorPost => "visitor_post",
            Self::Message => "message",
        }
    }

    /// The kind with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Comment, Self::VisitorPost, Self::Message].into_iter().find(|kind| kind.code() == code)
    }
}

/// A picture, film or sound beside a comment's text, by its address; nothing is fetched without a person's word (N6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// What it is, as far as the platform says.
    pub kind: Attachment,
    /// Where it can be fetched now; such addresses expire, and may hold tokens: never stored, never shown.
    pub url: String,
}

/// Whether other people see a comment, as far as the answer that holds it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Everybody sees it.
    Public,
    /// It is hidden or held back.
    Hidden,
    /// The answer does not say.
    Unknown,
}

/// How one comment stands for everybody at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sighting {
    /// Everybody sees it.
    Public,
    /// Hidden, and the platform tells that the municipality's account did it.
    HiddenByUs,
    /// Hidden; the platform does not tell by whom.
    Hidden,
    /// The single look finds it, the public list does not show it.
    NotListed,
    /// It is there, and the platform does not tell whether others see it: what was known before still holds.
    Untold,
    /// The platform says that it no longer exists.
    Gone,
    /// Our rights do not reach it: nothing is known about it.
    NoRight,
}

impl Sighting {
    /// The code used in the database and in evidence.
    pub fn code(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::HiddenByUs => "hidden_by_us",
            Self::Hidden => "hidden",
            Self::NotListed => "not_listed",
            Self::Untold => "untold",
            Self::Gone => "gone",
            Self::NoRight => "no_right",
        }
    }

    /// The sighting with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        [
            Self::Public,
            Self::HiddenByUs,
            Self::Hidden,
            Self::NotListed,
            Self::Untold,
            Self::Gone,
            Self::NoRight,
        ]
        .into_iter()
        .find(|sighting| sighting.code() == code)
    }

    /// True where other people do not see it.
    pub fn is_hidden(self) -> bool {
        matches!(self, Self::HiddenByUs | Self::Hidden)
    }

    /// True where it tells how the comment stands for others.
    pub fn tells(self) -> bool {
        !matches!(self, Self::Untold | Self::NoRight)
    }
}

/// One comment as one element of a platform's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The platform's id, verbatim.
    pub native_id: String,
    /// The post it stands under, the platform's id verbatim.
    pub post_id: String,
    /// The comment it answers; `None` at the top level.
    pub parent_id: Option<String>,
    /// Who wrote it.
    pub author: Author,
    /// The platform's own time of it (UTC). On Bluesky `indexedAt`, see DESIGN §3 "Clocks".
    pub created_at: DateTime<Utc>,
    /// The text, exactly as sent; empty when there is none.
    pub text: String,
    /// The public address, if the platform gives one.
    pub permalink: Option<String>,
    /// What kind of utterance it is.
    pub kind: Kind,
    /// What stands beside the text.
    pub attachments: Vec<Attachment>,
    /// Where what stands beside the text can be fetched, as far as the answer says it.
    pub media: Vec<Media>,
    /// True when the municipality's own account wrote it.
    pub ours: bool,
    /// Whether others see it.
    pub visibility: Visibility,
    /// The exact bytes of this comment's element in the answer (never the whole page).
    pub element: Vec<u8>,
}
