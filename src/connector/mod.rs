//! The platforms: one trait, one file a platform, and `http`, the only place that sends.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::archive::Preserved;
use crate::archive::exchange::Exchange;
use crate::domain::comment::{Media, Platform, Seen};
use crate::store::{Act, Intent};

pub use crate::domain::comment::Sighting;

pub mod budget;

pub mod http;

pub mod token;

pub mod graph;

pub mod oauth;

pub mod facebook;

pub mod instagram;

pub mod bluesky;

pub mod youtube;

pub mod linkedin;

pub mod x;

pub mod dry_run;

pub mod unkeyed;

#[cfg(test)]
mod contract;

#[cfg(test)]
mod testing;

pub use bluesky::Bluesky;
pub use budget::{Budget, Left, Purpose, Quota, Window};
pub use dry_run::DryRun;
pub use http::Fetched;
pub use linkedin::Linkedin;
pub use token::{Grant, Token, TokenError};
pub use unkeyed::Unkeyed;
pub use x::X;
pub use youtube::Youtube;

/// Where reading stopped, in the connector's own words (JSON); stored with the page it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(pub String);

/// One page of comments.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The comments read, in any order. May repeat what was seen before; never skips any.
    pub comments: Vec<Seen>,
    /// The posts seen, for context and for the register of what is watched.
    pub posts: Vec<Post>,
    /// Elements that could not be read: what and why, without their content. Each costs itself, never the page.
    pub faults: Vec<ElementFault>,
    /// Where to go on; stored in the transaction that stores the comments.
    pub cursor: Option<Cursor>,
    /// Whether another page of this sweep follows at once.
    pub more: bool,
    /// Posts whose comments have now been listed wholly in this sweep: a known comment under one of them that
    /// was not listed is looked at one by one.
    pub listed: Vec<String>,
    /// What the platform cannot show or Uppsikt did not read in this page, in Swedish, for the poll log.
    pub blind: Vec<String>,
    /// Whether it belongs to what is read now and then beyond what every sweep reads: what it costs says nothing about the
    /// next sweep's cost. Whoever reads so keeps that within a share of the quota.
    pub beyond: bool,
    /// The platform's clock, from the answer's `Date` header.
    pub date: Option<DateTime<Utc>>,
}

/// A post of the municipality, as context for the comments under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// The platform's id, verbatim.
    pub native_id: String,
    /// Its text; may be empty.
    pub text: String,
    /// When it was published (UTC).
    pub created_at: DateTime<Utc>,
    /// Its public address, if the platform gives one.
    pub permalink: Option<String>,
    /// How many comments the platform says stand under it, all levels; absent where it does not count.
    pub comments: Option<u64>,
    /// The exact bytes of the post's element in the answer, free of tokens: the municipality's own record (N26).
    /// Empty where only its id and text came along with something else.
    pub element: Vec<u8>,
}

/// One element of a list that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElementFault {
    /// The platform's id of the element, if that much could be read.
    pub native_id: Option<String>,
    /// Why, without any of the element's content.
    pub reason: String,
}

/// The one comment that a look or a write is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The platform's id, verbatim.
    pub native_id: String,
    /// The post it stands under.
    pub post_id: String,
    /// The comment it answers; `None` at the top level.
    pub parent_id: Option<String>,
    /// Whether Uppsikt hid it and has not shown it again: some platforms no longer list what was rejected, and then
    /// only our own memory tells that from a deletion.
    pub hidden_by_us: bool,
}

/// The answer of a request for one comment.
#[derive(Debug, Clone)]
pub struct Look {
    /// How it stands.
    pub sighting: Sighting,
    /// The comment as the answer shows it; absent for `Gone` and `NoRight`.
    pub seen: Option<Seen>,
    /// The exact bytes of the answer, free of tokens and of other people's comments; absent where the platform
    /// has no request for one comment (the stored element is then the evidence).
    pub answer: Option<Vec<u8>>,
    /// How that answer travelled; absent with it.
    pub exchange: Option<Exchange>,
    /// The address asked, free of secrets.
    pub url: String,
    /// The platform's clock, from the answer's `Date` header.
    pub date: Option<DateTime<Utc>>,
}

/// What a platform lets the municipality do, and what it means.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about a platform")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// A comment can be hidden.
    pub hide: bool,
    /// A hidden comment can be made public again.
    pub restore: bool,
    /// Another's comment can be removed.
    pub remove: bool,
    /// The municipality can answer in public.
    pub reply: bool,
    /// Whether a look tells that a comment is hidden. Where it does not, a hide stays unconfirmed until a person has
    /// seen the page.
    pub shows_hidden: bool,
    /// Who still sees a hidden comment, in Swedish, as the case page says it before the choice.
    pub who_still_sees: &'static str,
    /// What is read and what is not (N13).
    pub surfaces: &'static [Surface],
    /// What no source confirmed about the live platform, and the one call that would.
    pub unconfirmed: &'static [Unconfirmed],
}

/// What a platform lets the municipality do, as far as its connector knows.
pub fn capabilities_of(platform: Platform) -> Capabilities {
    match platform {
        Platform::Facebook => facebook::CAPABILITIES,
        Platform::Instagram => instagram::CAPABILITIES,
        Platform::Bluesky => bluesky::CAPABILITIES,
        Platform::Youtube => youtube::CAPABILITIES,
        Platform::Linkedin => linkedin::CAPABILITIES,
        Platform::X => x::CAPABILITIES,
    }
}

/// Whether a comment that this platform's lists show as hidden is held back by the platform itself.
///
/// YouTube lists what it holds as likely spam or for review, and nothing that a person has rejected. Elsewhere nobody tells
/// who hid a comment.
pub fn lists_what_it_holds(platform: Platform) -> bool {
    platform == Platform::Youtube
}

/// A place where visitors write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Surface {
    /// Its name in Swedish, as on the page: "kommentarer under inlägg".
    pub name: &'static str,
    /// How far it is read.
    pub reading: Reading,
}

/// How far a surface is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// In every pass, for posts younger than the account's horizon.
    EveryPass,
    /// In turn: older posts, the longest gap being the account's `sweep_days`.
    Swept,
    /// The API does not show it: a person looks, every day (why, in Swedish).
    ByHand(&'static str),
}

/// How far back an account is read, and how often what is older.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// Posts younger than this many days are read in every pass; `None`: a fixed number of the newest ones.
    pub horizon: Option<u32>,
    /// How many days may lie between two readings of an older post.
    pub sweep_days: u32,
}

impl Default for Reach {
    fn default() -> Self {
        Self { horizon: None, sweep_days: 7 }
    }
}

/// How far back a platform's accounts are read unless the municipality says otherwise; `None` where the platform's lists
/// leave no choice.
pub fn reach_of(platform: Platform) -> Option<Reach> {
    match platform {
        Platform::Facebook | Platform::Instagram => Some(Reach::default()),
        Platform::Linkedin => Some(Reach { horizon: Some(linkedin::YOUNG_DAYS), ..Reach::default() }),
        Platform::Youtube | Platform::X | Platform::Bluesky => None,
    }
}

/// A fact that the documentation does not settle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unconfirmed {
    /// What is assumed.
    pub fact: &'static str,
    /// The one call against the live platform that would settle it.
    pub confirm: &'static str,
}

/// How the key of an account stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whose key it is, as the platform names them; a person's name where it is a person's.
    pub holder: Option<String>,
    /// The account's name, as visitors see it; `None` where the answer does not tell. Another name than before may mean
    /// that the account is in other hands (R66).
    pub name: Option<String>,
    /// When the key stops working by itself (UTC); `None` where it does not, where the connector renews it without a
    /// person, or where the platform does not say.
    pub expires_at: Option<DateTime<Utc>>,
    /// When access to data ends although the key still works (Meta: 90 days without a log-in).
    pub data_access_until: Option<DateTime<Utc>>,
    /// When the key can no longer be renewed without a person (a refresh token's own end).
    pub renewable_until: Option<DateTime<Utc>>,
    /// The rights it holds, in the platform's words.
    pub rights: Vec<String>,
    /// The rights it lacks.
    pub missing: Vec<MissingRight>,
    /// The platform's clock, from the answer's `Date` header.
    pub date: Option<DateTime<Utc>>,
}

/// A right that the key lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingRight {
    /// In the platform's words.
    pub right: String,
    /// What does not work without it, in Swedish.
    pub without: String,
    /// Where it is given, in Swedish.
    pub place: String,
}

/// How [`ConnectorError::Unauthorized`] begins when it is told; the poll log keeps the words and not the type.
pub const UNAUTHORIZED: &str = "not authorised: ";

/// Why a platform did not do what it was asked, told apart by what to do next.
#[derive(Debug, thiserror::Error)]
pub enum ConnectorError {
    /// Ask again after this time.
    #[error("rate limited for {} s", .0.as_secs())]
    RateLimited(Duration),
    /// Our key or right does not hold: stop this account, tell a person.
    #[error("{}{}", UNAUTHORIZED, .0)]
    Unauthorized(String),
    /// The request may or may not have been carried out: look before acting again.
    #[error("outcome unknown: {0}")]
    OutcomeUnknown(String),
    /// Somebody changed the same thing in between: read again, then act again.
    #[error("changed in between: {0}")]
    Changed(String),
    /// The platform will not do this, however often it is asked: a person must act.
    #[error("refused: {0}")]
    Refused(String),
    /// Nothing was carried out; it may go better later.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// The answer cannot be understood; nothing of it was taken.
    #[error("answer not understood: {0}")]
    Malformed(String),
}

/// One account on one platform. Methods may be called at the same time.
///
/// Implementations never retry: the pipeline alone does, and it must see each failure once. (Renewing an expired
/// session and asking the same thing again is not a retry.)
#[async_trait]
pub trait Connector: Send + Sync + std::fmt::Debug {
    /// The platform.
    fn platform(&self) -> Platform;

    /// What it lets us do.
    fn capabilities(&self) -> Capabilities;

    /// The next page after `from`. `None` begins for the first time; the cursor of a finished sweep begins the next.
    async fn page(&self, from: Option<&Cursor>) -> Result<Page, ConnectorError>;

    /// How one comment stands now. `Gone` is an answer, not an error.
    async fn look(&self, target: &Target) -> Result<Look, ConnectorError>;

    /// Whether a post of the account's own, that a sweep did not list any more, is still there: `Public`, `Gone`, `NoRight`
    /// where our rights do not reach it, or `Untold` where the platform's posts are not listed or it does not say.
    async fn look_at_post(&self, native_id: &str) -> Result<Sighting, ConnectorError> {
        let _ = native_id;
        Ok(Sighting::Untold)
    }

    /// Hides the comment that `proof` preserves. Hiding a hidden comment succeeds.
    ///
    /// Carries out one request that writes, and only with an intent that a published checkpoint covers.
    async fn hide(&self, intent: &Intent, proof: &Preserved) -> Result<(), ConnectorError>;

    /// Makes the comment public again. Restoring a public comment succeeds.
    async fn restore(&self, intent: &Intent, proof: &Preserved) -> Result<(), ConnectorError>;

    /// Removes the comment that `proof` preserves; it cannot be undone. Removing one that is gone succeeds.
    async fn remove(&self, intent: &Intent, proof: &Preserved) -> Result<(), ConnectorError> {
        let _ = (intent, proof);
        Err(ConnectorError::Refused(format!(
            "{} lets nobody remove another's comment",
            self.platform().label()
        )))
    }

    /// Answers the comment in public as the municipality; gives the answer's native id.
    async fn reply(&self, intent: &Intent, proof: &Preserved, text: &str) -> Result<String, ConnectorError> {
        let _ = (intent, proof, text);
        Err(ConnectorError::Refused(format!("{} takes no answer through its API", self.platform().label())))
    }

    /// How the account's key stands: whose it is, until when, with which rights. Never the key itself. Empty where the
    /// platform tells nothing.
    async fn standing(&self) -> Result<Standing, ConnectorError> {
        Ok(Standing::default())
    }

    /// Renews the key before it runs out, where the platform lets a program do that; the new key is durable before the
    /// old one is dropped. Does nothing where a key is not due or cannot be renewed.
    async fn renew(&self) -> Result<(), ConnectorError> {
        Ok(())
    }

    /// What is left of the platform's quotas, from our own count and its headers.
    fn budgets(&self) -> Vec<Left> {
        Vec::new()
    }

    /// Fetches what stands beside a comment, after a person has said that it may be fetched (N6): at most `limit`
    /// bytes, only from the platform's own hosts, without our key.
    async fn media(&self, media: &Media, limit: usize) -> Result<Fetched, ConnectorError> {
        let _ = (media, limit);
        Err(ConnectorError::Refused(format!("{} gives no address to fetch it from", self.platform().label())))
    }
}

/// The native id that a write is about: the intent permits `act`, and is about the comment that `proof` preserves.
fn permitted<'a>(intent: &'a Intent, proof: &Preserved, act: Act) -> Result<&'a str, ConnectorError> {
    let id = intent.target().native_id.as_str();
    if intent.act() != act {
        return Err(ConnectorError::Refused(format!(
            "intent {} permits {:?}, not {act:?}",
            intent.id(),
            intent.act()
        )));
    }
    if id != proof.comment().native {
        return Err(ConnectorError::Refused(format!(
            "intent {} names another comment than record {} preserves",
            intent.id(),
            proof.record()
        )));
    }
    Ok(id)
}
