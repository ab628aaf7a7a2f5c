//! From `uppsikt.toml` to a checked `Config`; every fault at once, each with file, key and remedy.
//!
//! A `Config` that exists is whole: every reference in it points to something, every schedule fires, every
//! address can be parsed. Secrets are not in it: they are files, read when they are needed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, Utc};
use url::Url;

use crate::archive::sip::Version;
use crate::connector::{Reach, capabilities_of};
use crate::domain::calendar::Hours;
use crate::domain::category::{Category, CategoryPolicy, DecisionRef};
use crate::domain::comment::Platform;
use crate::domain::deadline::Clocks;
use crate::domain::roster::Roster;

mod anchors;

mod fault;

mod load;

mod machine;

mod people;

mod account;

mod profile;

mod secret;

mod platforms;

mod privacy;

mod reader;

mod storage;

#[cfg(test)]
mod tests;

pub use anchors::{Anchors, Authority, Every, Witness};
pub use fault::{Fault, Warning};
pub use load::Examined;
pub use platforms::{LinkedinLimits, Platforms, XLimits};
pub use privacy::DataProtection;
pub use profile::{EditorRules, Profile};
pub use storage::{Storage, StorageRule};

/// Everything an administrator decides, checked and with the profile merged in.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file it was read from.
    pub file: PathBuf,
    /// The name of the profile below it.
    pub profile: String,
    /// The municipality.
    pub organisation: Organisation,
    /// Where things lie.
    pub paths: Paths,
    /// How the network is left.
    pub network: Network,
    /// How letters leave.
    pub mail: Mail,
    /// The web pages for editors.
    pub desk: Desk,
    /// When the municipality is staffed (Stockholm time).
    pub hours: Hours,
    /// How many automatic hides are too many.
    pub brake: Brake,
    /// What each category leads to: every category is there, the profile's values overridden by the file's.
    pub categories: BTreeMap<Category, CategoryPolicy>,
    /// Which answer clocks the guideline promises.
    pub clocks: Clocks,
    /// Whether an editor's hide, remove or restore waits for a second person (R21).
    pub four_eyes: bool,
    /// Services that the municipality has forbidden, by code, with the decision (R8). Companies have their own.
    pub denied: BTreeMap<String, DecisionRef>,
    /// What is decided where a platform's terms and the archives act disagree, by the platform's code.
    pub storage: BTreeMap<String, Storage>,
    /// Who outside the municipality vouches for the log.
    pub anchors: Anchors,
    /// What may be asked of the platforms.
    pub platforms: Platforms,
    /// What is decided and published about the processing of personal data.
    pub data_protection: DataProtection,
    /// Boards and companies.
    pub boards: Vec<Board>,
    /// Persons, absences and who answers for which account.
    pub roster: Roster,
    /// The accounts, in the order of the file.
    pub accounts: Vec<Account>,
}

/// Whose installation this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organisation {
    /// The name in letters and bundles.
    pub name: String,
    /// The name of the transparency log without its number: a schemeless URL such as `exempel.se/uppsikt`.
    pub log_origin: String,
    /// Person id of who gets technical letters.
    pub operator: String,
    /// Its number (`organisationsnummer`, `212000-0000`): how a delivery to an e-archive names its sender.
    pub number: Option<String>,
    /// The e-archive that takes over.
    pub archive: Option<EArchive>,
}

/// The e-archive that takes over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EArchive {
    /// Its name.
    pub name: String,
    /// Its organisation's number.
    pub number: Option<String>,
    /// The agreement of delivery, as the two call it.
    pub agreement: Option<String>,
    /// Which E-ARK SIP it takes.
    pub version: Version,
}

/// Where things lie. Relative paths in the file are relative to the file's folder; here they are joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// Database, archive and mail folder.
    pub data: PathBuf,
    /// Tokens, which the service rotates.
    pub secrets: PathBuf,
    /// Free bytes below which nothing is hidden.
    pub min_free: u64,
    /// Where the key-encryption key comes from.
    pub kek: KekSource,
    /// The language model that is heard beside the rules; none unless the municipality has chosen one.
    pub model: Option<ModelChoice>,
    /// The folder with the municipality's own rules: `rules/` beside the file where it is there, or the one named.
    pub rules: Option<PathBuf>,
}

/// A language model to hear beside the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelChoice {
    /// The one that the program carries with it.
    BuiltIn,
    /// One of `uppsikt train`.
    File(PathBuf),
}

impl ModelChoice {
    /// What stands in the configuration or on the command line: `built-in`, or a file, relative to `folder`.
    #[must_use]
    pub fn named(name: &str, folder: &Path) -> Self {
        if name == "built-in" { Self::BuiltIn } else { Self::File(folder.join(name)) }
    }
}

/// Where the key-encryption key comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KekSource {
    /// A file that only the service may read.
    File(PathBuf),
    /// A systemd credential of this name.
    Credential(String),
}

/// How the network is left; municipal networks intercept TLS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// The proxy for every request to a platform.
    pub proxy: Option<Url>,
    /// A certificate authority (PEM) beside the platform's own store.
    pub ca_file: Option<PathBuf>,
}

/// How letters leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The sender's address.
    pub from: String,
    /// By which way.
    pub transport: Transport,
    /// Whether letters that can wait are held until the next staffed hour.
    pub office_hours_only: bool,
}

/// By which way letters leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// To a relay.
    Smtp(Smtp),
    /// As `.eml` files in `mail/` below the data folder.
    Folder,
}

/// The mail relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Smtp {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How the connection is encrypted.
    pub tls: Tls,
    /// Absent where the relay asks for none.
    pub username: Option<String>,
    /// The file with the password; there when `username` is.
    pub password_file: Option<PathBuf>,
    /// The named acceptance of letters without encryption on the way to the relay.
    pub accept_unencrypted: bool,
}

/// How the connection to the relay is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Begun in clear and raised; refused if the relay cannot.
    Starttls,
    /// From the first byte.
    Implicit,
    /// Not at all.
    None,
}

/// The web pages for editors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desk {
    /// Address and port it listens on.
    pub listen: std::net::SocketAddr,
    /// The address that stands in letters; never ends with `/`.
    pub public_url: String,
}

/// How many automatic hides are too many: sliding 24 hours, committed intents (DESIGN §3 "Brake").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Brake {
    /// For one rule.
    pub automatic_hides_per_rule_and_day: u32,
    /// In all.
    pub automatic_hides_per_day: u32,
}

/// A board (nämnd) or a municipal company: controller of personal data and owner of a diary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Board {
    /// The id that accounts name.
    pub id: String,
    /// The name in letters and bundles.
    pub name: String,
    /// Which of the two.
    pub kind: BoardKind,
    /// The template of the diary number, with `{year}` and `{n}`.
    pub diary: String,
    /// Person id of the registrar.
    pub registrar: String,
    /// A company's own list of forbidden services (R9); empty for a board, which follows the municipality's.
    pub denied: BTreeMap<String, DecisionRef>,
}

/// Board or company.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BoardKind {
    /// Nämnd.
    Board,
    /// Kommunalt bolag, which decides itself which services it uses (R9).
    Company,
}

/// One account on a platform.
#[derive(Debug, Clone)]
pub struct Account {
    /// The id that commands, the database and letters use.
    pub id: String,
    /// Which service.
    pub platform: Platform,
    /// The platform's id of the account, verbatim.
    pub native_id: String,
    /// The public address.
    pub url: String,
    /// Board id: the controller (R81).
    pub board: String,
    /// With whom the controller shares the responsibility, if with anybody (R81).
    pub joint_with: Option<String>,
    /// Where the agreement on the shared responsibility is registered.
    pub joint_agreement: Option<String>,
    /// Person id of the account owner.
    pub owner: String,
    /// Person ids of the editors, in order of turn.
    pub editors: Vec<String>,
    /// Whether it is in use.
    pub status: AccountStatus,
    /// Whether anything is written to the platform.
    pub mode: Mode,
    /// Older comments start no duty, no letter, no act; absent: the first successful poll (N1). UTC.
    pub watched_from: Option<DateTime<Utc>>,
    /// When it is polled (Stockholm time).
    pub poll: Poll,
    /// Who decided how often it is polled (R2).
    pub poll_decided: PollDecided,
    /// Whether pictures are fetched.
    pub media: Media,
    /// The municipality's decision that comments of others may be removed here, which nothing can undo; without it the
    /// most that is done is hiding.
    pub removal: Option<DecisionRef>,
    /// Places where visitors write that no API shows, each looked at by hand every working day (N13); `None`: those
    /// that the platform's connector names.
    pub by_hand: Option<Vec<String>>,
    /// How far back it is read; the platform's own way where that leaves no choice.
    pub reach: Reach,
    /// Which server answers for the platform.
    pub api: Api,
    /// The access token; relative names are below `paths.secrets`, and are joined here.
    pub token_file: Option<PathBuf>,
    /// Meta's app secret, for `appsecret_proof`.
    pub app_secret_file: Option<PathBuf>,
    /// Bluesky: a JSON object with `identifier` and `password`.
    pub login_file: Option<PathBuf>,
}

/// Whether an account is in use (R7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountStatus {
    /// In use.
    Active,
    /// Vilande: polled, but starts no answer duties.
    Dormant,
    /// Avslutad: not polled.
    Closed,
}

impl Account {
    /// Whether comments of others may be removed: the municipality has decided so, and the platform can.
    pub fn removes(&self) -> bool {
        // LinkedIn's own documentation leaves open whether it can; the decision then says that somebody has tried.
        let can = self.platform == Platform::Linkedin || capabilities_of(self.platform).remove;
        self.removal.is_some() && can
    }
}

impl AccountStatus {
    /// The code used in the configuration.
    pub fn code(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Dormant => "dormant",
            Self::Closed => "closed",
        }
    }
}

/// Whether anything is written to the platform (DESIGN §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Reads, judges, preserves; no writing request leaves.
    Watch,
    /// Also hides, restores and answers.
    Act,
}

impl Mode {
    /// The code used in the configuration.
    pub fn code(self) -> &'static str {
        match self {
            Self::Watch => "watch",
            Self::Act => "act",
        }
    }
}

/// Whether pictures are fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// Never.
    Never,
    /// When a person has said that it is not child abuse material.
    AfterReview,
}

/// Which server answers for a platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Api {
    /// The emulator in this process.
    Sandbox,
    /// A server; `https`, or `http` on loopback. The path has no final `/`.
    Url(Url),
}

/// A schedule in Stockholm time: six fields, weekdays by name.
#[derive(Debug, Clone)]
pub struct Poll {
    /// As written.
    pub text: String,
    /// To be asked with times in `Europe/Stockholm`.
    pub schedule: cron::Schedule,
}

/// Who decided how often an account is watched, and why (R2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PollDecided {
    /// Person id.
    pub by: String,
    /// When (local date).
    pub on: NaiveDate,
    /// Why this often.
    pub reason: String,
}

impl Account {
    /// The host that answers for it, with its port where it is not the usual one: accounts behind one host share its
    /// patience.
    pub fn host(&self) -> String {
        match &self.api {
            Api::Sandbox => "sandbox".to_owned(),
            Api::Url(url) => {
                let host = url.host_str().unwrap_or_default();
                url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
            }
        }
    }
}

impl Config {
    /// The account of this id.
    pub fn account(&self, id: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.id == id)
    }

    /// The board of this id.
    pub fn board(&self, id: &str) -> Option<&Board> {
        self.boards.iter().find(|board| board.id == id)
    }
}
