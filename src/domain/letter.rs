//! What is said to whom: letters as values.
//!
//! A letter is per person and moment, not per duty (N2). It carries as little as the person needs to act: where a
//! category forbids it, neither the comment's text nor its author nor the words found leave the house (R47).
//!
//! The outbox may keep summaries, the registrar's day, troubles and entered decisions as JSON. Duties and dangers it
//! may not: each is read again before sending, so that no letter says what is no longer true (DESIGN §2).

mod clean;
mod subject;
mod time;

pub use super::duty::Rung;
pub use clean::{Line, Link, MessageId, Quote, Recipient};
pub use time::{clock, date, moment, soon};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::case::{CaseId, Outcome};
use super::category::{Category, Proposal};

/// One letter to one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Our own id, stored before sending, the same however often it is sent.
    pub message_id: MessageId,
    /// Who gets it.
    pub to: Recipient,
    /// When it was made (UTC); "i dag" in the text is the Swedish date of this moment.
    pub created_at: DateTime<Utc>,
    /// The letter that this one follows up, so that mail programs show them together.
    pub in_reply_to: Option<MessageId>,
    /// Who sends it and where the log stood.
    pub foot: Foot,
    /// What it says.
    pub body: Body,
}

/// Stands under every letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foot {
    /// The municipality.
    pub organisation: Line,
    /// Whom to ask about the letter: the operator.
    pub operator: Recipient,
    /// Where the log stood; `None` before its first checkpoint (DESIGN §4).
    pub checkpoint: Option<CheckpointFoot>,
}

/// A checkpoint in short: enough to show later that the log was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointFoot {
    /// The log's name, for example `exempel.se/uppsikt/logg1`.
    pub origin: Line,
    /// How many entries it covers.
    pub size: u64,
    /// The root of the tree, SHA-256 in base64.
    pub root_base64: Line,
}

/// What a letter says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Everything of one person that reaches a rung at this moment.
    Duties(Duties),
    /// Somebody may be in danger: now, at any hour.
    Urgent(Urgent),
    /// What came to a watched account since the last summary.
    DailySummary(Summary),
    /// What was found among comments older than the watching, told once.
    FirstNight(Summary),
    /// New diary numbers and the signed checkpoint, daily to the registrar.
    Registrar(RegistrarDay),
    /// Something is wrong with the machine; to the operator.
    Technical(Trouble),
    /// A decision was entered in the person's name from the command line (N24).
    Entered(Entered),
}

/// The kind of a letter: the name of its templates, and what the outbox knows of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LetterKind {
    /// [`Body::Duties`].
    Duties,
    /// [`Body::Urgent`].
    Urgent,
    /// [`Body::DailySummary`].
    DailySummary,
    /// [`Body::FirstNight`].
    FirstNight,
    /// [`Body::Registrar`].
    Registrar,
    /// [`Body::Technical`].
    Technical,
    /// [`Body::Entered`].
    Entered,
}

impl LetterKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Duties,
        Self::Urgent,
        Self::DailySummary,
        Self::FirstNight,
        Self::Registrar,
        Self::Technical,
        Self::Entered,
    ];

    /// The code used in the database, and the name of the templates.
    pub fn code(self) -> &'static str {
        match self {
            Self::Duties => "duties",
            Self::Urgent => "urgent",
            Self::DailySummary => "daily_summary",
            Self::FirstNight => "first_night",
            Self::Registrar => "registrar",
            Self::Technical => "technical",
            Self::Entered => "entered",
        }
    }

    /// True where the letter leaves at once, at any hour; others keep office hours.
    pub fn is_urgent(self) -> bool {
        matches!(self, Self::Urgent)
    }
}

/// A letter with duties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duties {
    /// The duties, in any order: [`by_post`] orders them.
    pub items: Vec<LetterItem>,
    /// The page with everything that waits for the person.
    pub list: Option<Link>,
    /// True where the day's number of letters is reached: more waits on the page, no letter tells of it today.
    pub last_today: bool,
}

/// A letter about danger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Urgent {
    /// What was found.
    pub items: Vec<LetterItem>,
    /// 0 for the first letter, then the number of the reminder.
    pub repeat: u32,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetterItem {
    /// What it is about.
    pub matter: Matter,
    /// What to do, as an order that can begin a sentence: "Svara", "Godkänn eller avslå", "Ta ställning till polisanmälan".
    pub act: Line,
    /// What kind of duty it is, in Swedish: "svar inom 24 timmar".
    pub duty: Line,
    /// How far up the ladder.
    pub rung: Rung,
    /// When it must be done (UTC); `None` is as soon as possible.
    pub due_at: Option<DateTime<Utc>>,
    /// How the time was reckoned, in Swedish sentences.
    pub reckoning: Vec<Line>,
    /// The account, as people call it: "Facebook".
    pub account: Line,
    /// The title or first words of the post it stands under.
    pub post: Option<Line>,
    /// The page where it is done; without a desk the letter names the command.
    pub link: Option<Link>,
    /// Names of the others who were told.
    pub told: Vec<Line>,
}

/// What a thing to do is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matter {
    /// One comment.
    Case {
        /// Its case.
        case: CaseId,
        /// Its diary number in Uppsikt's series.
        dnr: Option<Line>,
        /// What a letter may tell of it.
        content: Content,
    },
    /// Many comments under one post that seem to want an answer, told as one.
    Thread {
        /// How many.
        count: u32,
    },
    /// Something about the account itself.
    Account,
}

/// What a letter may tell of a comment.
///
/// Made only by [`Content::new`], so that a text which must stay at home cannot get into a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    categories: Vec<Category>,
    withheld: bool,
    author: Option<Line>,
    text: Option<Quote>,
    why: Vec<Why>,
    proposal: Option<Proposal>,
}

/// Why a rule found something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// The explanation, without the comment's words: "personangrepp enligt riktlinjen punkt 1 (regel insult.fool)".
    pub sentence: Line,
    /// The words that the rule found.
    pub words: Option<Line>,
}

impl Content {
    /// What a letter may tell of a comment with these categories.
    ///
    /// Where one category forbids it ([`Category::text_stays_home`]) text, author and words are dropped here (R47);
    /// where a machine may suggest nothing ([`Category::nothing_preselected`]) the proposal is (N21).
    pub fn new(
        categories: &[Category],
        author: Option<&str>,
        text: &str,
        why: Vec<Why>,
        proposal: Option<Proposal>,
    ) -> Self {
        let withheld = categories.iter().any(|category| category.text_stays_home());
        let proposal = proposal.filter(|_| !categories.iter().any(|category| category.nothing_preselected()));
        let mut content = Self {
            categories: categories.to_vec(),
            withheld: false,
            author: author.map(Line::new).filter(|name| !name.is_empty()),
            text: Some(Quote::new(text)).filter(|quote| !quote.is_empty()),
            why,
            proposal,
        };
        if withheld {
            content = content.withhold();
        }
        content
    }

    /// The same without text, author and words: for what the caller knows and the categories do not (secrecy marked).
    #[must_use]
    pub fn withhold(mut self) -> Self {
        self.withheld = true;
        self.author = None;
        self.text = None;
        for why in &mut self.why {
            why.words = None;
        }
        self
    }

    /// The categories found.
    pub fn categories(&self) -> &[Category] {
        &self.categories
    }

    /// True where text, author and words stay at home.
    pub fn is_withheld(&self) -> bool {
        self.withheld
    }

    /// The author's name, if it may be told.
    pub fn author(&self) -> Option<&Line> {
        self.author.as_ref()
    }

    /// The text, if it may be told; `None` also where the comment has none.
    pub fn text(&self) -> Option<&Quote> {
        self.text.as_ref()
    }

    /// Why the rules found something.
    pub fn why(&self) -> &[Why] {
        &self.why
    }

    /// What is suggested, if a machine may suggest anything.
    pub fn proposal(&self) -> Option<Proposal> {
        self.proposal
    }
}

impl LetterItem {
    /// The categories of its comment; none for threads and accounts.
    pub fn categories(&self) -> &[Category] {
        match &self.matter {
            Matter::Case { content, .. } => content.categories(),
            Matter::Thread { .. } | Matter::Account => &[],
        }
    }

    /// True where somebody may be in danger.
    pub fn is_danger(&self) -> bool {
        self.categories().iter().any(|category| category.is_danger())
    }

    /// How many comments it stands for; 0 for an account.
    pub fn comments(&self) -> u64 {
        match self.matter {
            Matter::Case { .. } => 1,
            Matter::Thread { count } => u64::from(count),
            Matter::Account => 0,
        }
    }

    /// Danger first, then what is due first; what has no time comes last, and case order settles ties.
    fn order(&self) -> impl Ord {
        let case = match self.matter {
            Matter::Case { case, .. } => Some(case),
            Matter::Thread { .. } | Matter::Account => None,
        };
        (!self.is_danger(), self.due_at.is_none(), self.due_at, case)
    }
}

/// The items that stand under one post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post<'a> {
    /// The account.
    pub account: &'a Line,
    /// The post's title; `None` for what stands under no post.
    pub title: Option<&'a Line>,
    /// Danger first, then by time.
    pub items: Vec<&'a LetterItem>,
}

/// The items by post: posts with danger first, then the post whose first item is due first.
pub fn by_post(items: &[LetterItem]) -> Vec<Post<'_>> {
    let mut sorted: Vec<&LetterItem> = items.iter().collect();
    sorted.sort_by_key(|item| item.order());
    let mut posts: Vec<Post<'_>> = Vec::new();
    for item in sorted {
        // A thousand items under a few posts: looking through the posts is cheap enough.
        match posts.iter_mut().find(|post| *post.account == item.account && post.title == item.post.as_ref())
        {
            Some(post) => post.items.push(item),
            None => posts.push(Post { account: &item.account, title: item.post.as_ref(), items: vec![item] }),
        }
    }
    posts
}

/// What came, and what the rules found in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// From when (UTC); `None` where everything earlier is counted.
    pub from: Option<DateTime<Utc>>,
    /// Until when (UTC).
    pub to: DateTime<Utc>,
    /// One row an account.
    pub accounts: Vec<AccountSummary>,
    /// The page with what was flagged.
    pub link: Option<Link>,
}

/// One account's row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountSummary {
    /// The account, as people call it.
    pub account: Line,
    /// How many comments came.
    pub came: u64,
    /// How many of them were flagged; a comment may have several categories.
    pub flagged: u64,
    /// How many have each category.
    pub by_category: Vec<(Category, u64)>,
    /// True where the account is only watched: nothing is hidden.
    pub watch_only: bool,
    /// Times when the account could not be read, as sentences.
    pub blind: Vec<Line>,
}

/// The registrar's daily letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrarDay {
    /// The board whose series it is.
    pub board: Line,
    /// New numbers, in order.
    pub numbers: Vec<DiaryNumber>,
    /// The signed checkpoint, exactly as published; `None` before the first one.
    pub signed_checkpoint: Option<String>,
    /// The page with the diary.
    pub link: Option<Link>,
}

/// One new diary number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiaryNumber {
    /// The number.
    pub dnr: Line,
    /// When it was registered (UTC).
    pub at: DateTime<Utc>,
    /// The case.
    #[serde(with = "case_id")]
    pub case: CaseId,
    /// The public text of the entry.
    pub what: Line,
}

/// What the operator must know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "trouble", rename_all = "snake_case")]
pub enum Trouble {
    /// An account cannot be read.
    AccountBlind {
        /// The account, as people call it.
        account: Line,
        /// Since when (UTC).
        since: DateTime<Utc>,
        /// Why, as far as is known.
        reason: Line,
    },
    /// The disk is nearly full.
    DiskLow {
        /// What is free: "1,2 GiB".
        free: Line,
        /// The least that is demanded.
        least: Line,
    },
    /// The clock cannot be trusted.
    ClockWrong {
        /// What was seen.
        reason: Line,
    },
    /// Too much was hidden automatically.
    BrakeTripped {
        /// The rule, or `None` for all rules together.
        rule: Option<Line>,
        /// How many hides in 24 hours.
        hides: u64,
    },
    /// A platform does not do what a person has decided.
    ActFailed {
        /// The case.
        #[serde(with = "case_id")]
        case: CaseId,
        /// The account, as people call it.
        account: Line,
        /// What was decided.
        outcome: Outcome,
        /// Why, as far as is known.
        reason: Line,
    },
    /// A person's letters are refused by their mail server.
    MailRefused {
        /// The person's name.
        person: Line,
        /// What the server said.
        reason: Line,
    },
    /// Something about the key to a platform that a person must do.
    Key {
        /// The account, as people call it.
        account: Line,
        /// The account's id, for the command that gives a new key.
        id: Line,
        /// The platform's code, for the same.
        platform: Line,
        /// What.
        matter: KeyMatter,
        /// When it ends, or since when it is so (UTC).
        at: DateTime<Utc>,
        /// What is known beside, in Swedish sentences.
        facts: Vec<Line>,
    },
    /// Anything else.
    Other {
        /// What has happened.
        what: Line,
        /// What Uppsikt does meanwhile.
        effect: Line,
        /// What to do.
        remedy: Line,
    },
}

/// What is the matter with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyMatter {
    /// It works, and will not for long.
    Expires,
    /// It does not work.
    Dead,
    /// It stopped working before its time, or the account has another name: somebody may have taken it (R66).
    Lost,
    /// It lacks a right.
    Rights,
}

/// A decision entered in somebody's name (N24).
///
/// The reason is left out on purpose: people quote the comment in it, and its category is not known here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entered {
    /// The case.
    #[serde(with = "case_id")]
    pub case: CaseId,
    /// Its diary number in Uppsikt's series.
    pub dnr: Option<Line>,
    /// What was decided.
    pub outcome: Outcome,
    /// The operating-system account that entered it.
    pub os_user: Line,
    /// When (UTC).
    pub at: DateTime<Utc>,
    /// The page of the case.
    pub link: Option<Link>,
}

/// Case ids as people write them, `c-000123`.
mod case_id {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::CaseId;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
    pub(super) fn serialize<S: Serializer>(id: &CaseId, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(id)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<CaseId, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

impl Letter {
    /// The kind.
    pub fn kind(&self) -> LetterKind {
        match self.body {
            Body::Duties(_) => LetterKind::Duties,
            Body::Urgent(_) => LetterKind::Urgent,
            Body::DailySummary(_) => LetterKind::DailySummary,
            Body::FirstNight(_) => LetterKind::FirstNight,
            Body::Registrar(_) => LetterKind::Registrar,
            Body::Technical(_) => LetterKind::Technical,
            Body::Entered(_) => LetterKind::Entered,
        }
    }

    /// The subject: what to do, and by when in Swedish time (L21). One line without control characters, at most 150
    /// characters; never the comment's text, its author or a case that must stay at home.
    pub fn subject(&self) -> String {
        subject::of(self)
    }
}

#[cfg(test)]
mod tests;
