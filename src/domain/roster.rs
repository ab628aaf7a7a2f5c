//! Who is responsible at a given minute: role → person → deputy, never nobody.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::calendar;

pub use rights::{Refused, active_with_access, may, roles_for};

mod rights;

#[cfg(test)]
mod tests;

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

    /// What editors read, in Swedish, inside a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Editor => "redaktör",
            Self::Owner => "kontoansvarig chef",
            Self::Communicator => "kommunikatör",
            Self::Head => "verksamhetschef",
            Self::Registrar => "registrator",
            Self::Archivist => "arkivarie",
            Self::Dpo => "dataskyddsombud",
            Self::It => "driftansvarig",
            Self::Crisis => "medlem av krisledningsstaben",
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

impl Roster {
    /// The person with an id.
    pub fn person(&self, id: &str) -> Option<&Person> {
        self.persons.iter().find(|person| person.id == id)
    }

    /// Who answers for an account.
    pub fn staff(&self, account: &str) -> Option<&AccountStaff> {
        self.accounts.iter().find(|staff| staff.account == account)
    }

    /// Why a person is not at work on a local date; where several absences meet, the one that means most.
    ///
    /// Who has ended has ended for good: a last day given for it is not looked at.
    pub fn absence(&self, person: &str, date: NaiveDate) -> Option<&Absence> {
        self.absences
            .iter()
            .filter(|absence| absence.person == person && absence.from <= date)
            .filter(|absence| {
                absence.kind == AbsenceKind::Ended || absence.to.is_none_or(|last| date <= last)
            })
            .max_by_key(|absence| match absence.kind {
                AbsenceKind::Away => 0,
                AbsenceKind::Leave => 1,
                AbsenceKind::Ended => 2,
            })
    }

    /// True when a person exists, and is neither on leave nor gone for good, on a local date: may get letters,
    /// may decide, is counted. Somebody who is merely away is in service.
    pub fn in_service(&self, person: &str, date: NaiveDate) -> bool {
        self.person(person).is_some()
            && self.absence(person, date).is_none_or(|absence| absence.kind == AbsenceKind::Away)
    }

    /// Person ids that have a role for an account, in order of turn, whether at work or not.
    ///
    /// Editors, the owner and the registrar are those of the account; every other role holds for all accounts.
    pub fn holders(&self, role: Role, account: &str) -> Vec<&str> {
        let staff = self.staff(account);
        let all = || self.persons.iter().filter(|person| person.roles.contains(&role)).map(|p| p.id.as_str());
        match role {
            Role::Editor => {
                staff.map_or_else(Vec::new, |staff| staff.editors.iter().map(String::as_str).collect())
            }
            Role::Owner => staff.map_or_else(Vec::new, |staff| vec![staff.owner.as_str()]),
            Role::Registrar => staff.map_or_else(Vec::new, |staff| vec![staff.registrar.as_str()]),
            _ => all().collect(),
        }
    }

    /// Who acts for a person on a local date: the person, else the deputy, else the deputy's deputy, and so on.
    ///
    /// Persons in `except` are passed by like those who are away. Deputies that name each other end the search.
    /// Each person passed is told in `explain`.
    fn acting<'a>(
        &'a self,
        person: &str,
        date: NaiveDate,
        except: &[&str],
        explain: &mut Vec<String>,
    ) -> Option<&'a Person> {
        let mut passed: Vec<&str> = Vec::new();
        let mut current = self.person(person);
        if current.is_none() {
            explain.push(format!("`{person}` finns inte bland personerna."));
        }
        while let Some(candidate) = current {
            if passed.contains(&candidate.id.as_str()) {
                explain.push("Ersättarna hänvisar till varandra och ingen av dem är på plats.".to_owned());
                return None;
            }
            match self.absence(&candidate.id, date) {
                Some(absence) => explain.push(told_absent(candidate, absence)),
                None if except.contains(&candidate.id.as_str()) => {
                    explain.push(format!("{} får inte avgöra det här ärendet.", candidate.name));
                }
                None => return Some(candidate),
            }
            passed.push(&candidate.id);
            let deputy = candidate.deputy.as_deref()?;
            current = self.person(deputy);
            if current.is_none() {
                explain.push(format!("Ersättaren `{deputy}` finns inte bland personerna."));
            }
        }
        None
    }
}

fn told_absent(person: &Person, absence: &Absence) -> String {
    let until = absence.to.map_or_else(
        || " tills vidare".to_owned(),
        |last| format!(" till och med {}", calendar::day_in_words(last)),
    );
    match absence.kind {
        AbsenceKind::Away => format!("{} är borta{until}.", person.name),
        AbsenceKind::Leave => format!("{} är ledig{until}.", person.name),
        AbsenceKind::Ended => format!("{} har slutat.", person.name),
    }
}

/// Who is responsible, and how that person was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Responsible {
    /// The person's id.
    pub person: String,
    /// How, in Swedish sentences.
    pub explain: Vec<String>,
    /// True when nobody who should have been there was: somebody must mend the roster (R3).
    pub alarm: bool,
}

/// A question of who is responsible.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The account's id.
    pub account: &'a str,
    /// With whom the search begins.
    pub role: Role,
    /// The minute asked about (UTC).
    pub at: DateTime<Utc>,
    /// Person id of who made, or has taken over, the post: asked before everybody else (R4).
    pub post_owner: Option<&'a str>,
    /// Person ids that may not: who proposed it (four eyes), who is biased (jäv).
    pub except: &'a [&'a str],
}

/// Who is responsible for an account in a role at a minute: never nobody.
///
/// Each holder of the role in turn, each followed by the deputies; then the account's owner, the communicators,
/// and the operator, in the same manner. If even they are away: anybody at work, and at the very last the
/// operator, at work or not.
pub fn responsible(roster: &Roster, account: &str, role: Role, at: DateTime<Utc>) -> Responsible {
    find(roster, &Ask { account, role, at, post_owner: None, except: &[] })
}

/// As [`responsible`], with a post's owner, and with persons who may not.
pub fn find(roster: &Roster, ask: &Ask<'_>) -> Responsible {
    let date = calendar::local_date(ask.at);
    let mut explain = Vec::new();
    if roster.staff(ask.account).is_none() {
        explain.push(format!("Kontot `{}` har inga ansvariga i registret.", ask.account));
    }
    if let Some(owner) = ask.post_owner
        && let Some(person) = roster.acting(owner, date, ask.except, &mut explain)
    {
        explain.push(told_found(person, owner, roster, "ansvarig för inlägget"));
        return Responsible { person: person.id.clone(), explain, alarm: false };
    }
    for (rank, role) in chain(ask.role).into_iter().enumerate() {
        for holder in roster.holders(role, ask.account) {
            if let Some(person) = roster.acting(holder, date, ask.except, &mut explain) {
                explain.push(told_found(person, holder, roster, role.name()));
                return Responsible { person: person.id.clone(), explain, alarm: rank > 0 };
            }
        }
        explain.push(format!("Ingen {} och ingen ersättare är på plats.", role.name()));
    }
    last_resort(roster, ask, date, explain)
}

/// The operator and, if need be, whoever is at work.
fn last_resort(roster: &Roster, ask: &Ask<'_>, date: NaiveDate, mut explain: Vec<String>) -> Responsible {
    let alarm = ask.role != Role::It;
    if let Some(person) = roster.acting(&roster.operator, date, ask.except, &mut explain) {
        explain.push(told_found(person, &roster.operator, roster, Role::It.name()));
        return Responsible { person: person.id.clone(), explain, alarm };
    }
    let mut present = roster.persons.iter().filter(|person| roster.absence(&person.id, date).is_none());
    let person = if let Some(person) = present.find(|person| !ask.except.contains(&person.id.as_str())) {
        explain.push(format!("{} är på plats och får brevet i brist på andra.", person.name));
        &person.id
    } else {
        explain.push("Ingen alls är på plats; brevet går till driften ändå.".to_owned());
        &roster.operator
    };
    Responsible { person: person.clone(), explain, alarm: true }
}

/// The roles asked in turn, before the operator.
fn chain(first: Role) -> Vec<Role> {
    match first {
        Role::Editor | Role::Head => vec![first, Role::Owner, Role::Communicator],
        Role::Communicator => vec![Role::Communicator],
        // The operator is asked next.
        Role::It => Vec::new(),
        other => vec![other, Role::Communicator],
    }
}

fn told_found(person: &Person, holder: &str, roster: &Roster, role: &str) -> String {
    match roster.person(holder) {
        Some(principal) if principal.id != person.id => {
            format!("{} är på plats som ersättare för {} ({role}).", person.name, principal.name)
        }
        _ => format!("{} är {role} och på plats.", person.name),
    }
}

/// Whom a rung of a ladder reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// Who is responsible.
    Responsible,
    /// Who steps in for whoever is responsible: the deputy, else another of the same role.
    Deputy,
    /// The account's owner.
    Owner,
    /// A communicator.
    Communicator,
    /// Who runs the machine.
    Operator,
}

/// The person that a rung reaches at a minute: never nobody.
pub fn target(roster: &Roster, ask: &Ask<'_>, target: Target) -> Responsible {
    let role = match target {
        Target::Responsible => return find(roster, ask),
        Target::Deputy => {
            // With the responsible person out of the way, the same search finds who steps in.
            let first = find(roster, ask).person;
            let mut except: Vec<&str> = ask.except.to_vec();
            except.push(&first);
            let mut found = find(roster, &Ask { except: &except, ..*ask });
            found.explain =
                vec![format!("Kopia till den som kan rycka in: {}.", name(roster, &found.person))];
            return found;
        }
        Target::Owner => Role::Owner,
        Target::Communicator => Role::Communicator,
        Target::Operator => Role::It,
    };
    find(roster, &Ask { role, post_owner: None, ..*ask })
}

fn name<'a>(roster: &'a Roster, id: &'a str) -> &'a str {
    roster.person(id).map_or(id, |person| person.name.as_str())
}
