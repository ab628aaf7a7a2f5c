//! Who is responsible at a given minute: role → person → deputy, never nobody.

use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// What a person may and must do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Redaktör: watches and answers.
    Editor,
    /// Kontoansvarig chef.
    Owner,
    /// Kommunikatör.
    Communicator,
    /// Verksamhetschef: approves.
    Head,
    /// Registrator.
    Registrar,
    /// Arkivarie.
    Archivist,
    /// Dataskyddsombud.
    Dpo,
    /// IT operations.
    It,
    /// Crisis staff.
    Crisis,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 9] = [
        Self::Editor,
        Self::Owner,
        Self::Communicator,
        Self::Head,
        Self::Registrar,
        Self::Archivist,
        Self::Dpo,
        Self::It,
        Self::Crisis,
    ];

    /// The code used in configuration.
    pub fn code(self) -> &'static str {
        match self {
            Self::Editor => "editor",
            Self::Owner => "owner",
            Self::Communicator => "communicator",
            Self::Head => "head",
            Self::Registrar => "registrar",
            Self::Archivist => "archivist",
            Self::Dpo => "dpo",
            Self::It => "it",
            Self::Crisis => "crisis",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(code: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|role| role.code() == code).ok_or_else(|| format!("unknown role `{code}`"))
    }
}

/// Somebody who gets letters or decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The id used in the configuration and in `--by`.
    pub id: String,
    /// The name in letters.
    pub name: String,
    /// Where letters go.
    pub email: String,
    /// What the person may do.
    pub roles: Vec<Role>,
    /// Whether the person is employed by the municipality (R57, R58).
    pub employed: bool,
    /// Whether the person is a manager (R57).
    pub manager: bool,
    /// When the person was trained as an editor (R58).
    pub trained: Option<NaiveDate>,
    /// The person id of who steps in.
    pub deputy: Option<String>,
}

/// What an absence means (N11).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AbsenceKind {
    /// Away: the deputy acts.
    Away,
    /// Leave: no letters, no access, not counted.
    Leave,
    /// Ended: as leave, for good.
    Ended,
}

/// A time when a person is not at work; local dates, both inclusive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absence {
    /// The person's id.
    pub person: String,
    /// First day.
    pub from: NaiveDate,
    /// Last day; `None` is open-ended.
    pub to: Option<NaiveDate>,
    /// What it means.
    pub kind: AbsenceKind,
}

/// Who answers for one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountStaff {
    /// The account's id.
    pub account: String,
    /// Person id of the account owner, a manager.
    pub owner: String,
    /// Person ids of the editors, in order of turn.
    pub editors: Vec<String>,
    /// Person id of the board's registrar.
    pub registrar: String,
}

/// Everybody, and when they are away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roster {
    /// All persons.
    pub persons: Vec<Person>,
    /// All absences.
    pub absences: Vec<Absence>,
    /// All accounts' staff.
    pub accounts: Vec<AccountStaff>,
    /// Person id that gets technical letters; the last resort of every chain.
    pub operator: String,
}
