//! Who may decide what, and who counts.

use chrono::{DateTime, NaiveDate, Utc};
use thiserror::Error;

use super::{AbsenceKind, Person, Role, Roster};
use crate::domain::calendar;

/// Why a person may not.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refused {
    /// There is no such person.
    #[error("`{person}` is no person in the roster (see [[person]] in the configuration)")]
    UnknownPerson {
        /// The id that was given.
        person: String,
    },
    /// There is no such account.
    #[error("`{account}` is no account in the roster (see [[account]] in the configuration)")]
    UnknownAccount {
        /// The id that was given.
        account: String,
    },
    /// On leave, or gone for good: no access (N11).
    #[error("`{person}` is on leave or has ended and may not decide; change the absence if that is wrong")]
    NotInService {
        /// The person's id.
        person: String,
    },
    /// Not in that role for that account.
    #[error("`{person}` is not {role} for `{account}`, nor steps in for one who is away")]
    MissingRight {
        /// The person's id.
        person: String,
        /// The role that is missing.
        role: Role,
        /// The account's id.
        account: String,
    },
}

impl Refused {
    /// The same for the page that an editor reads.
    pub fn in_swedish(&self) -> String {
        match self {
            Self::UnknownPerson { person } => format!("”{person}” finns inte bland personerna."),
            Self::UnknownAccount { account } => format!("”{account}” finns inte bland kontona."),
            Self::NotInService { person } => {
                format!("”{person}” är ledig eller har slutat och får inte besluta.")
            }
            Self::MissingRight { person, role, account } => format!(
                "”{person}” är inte {} för ”{account}” och är inte heller ersättare för någon som är borta.",
                role.name()
            ),
        }
    }
}

/// Whether a person may act in a role for an account at a minute (UTC).
///
/// Editors and owners may for their own accounts, other roles for all. A deputy may while the one deputised for
/// is not at work. Who is merely away may; who is on leave or has ended may not.
pub fn may(
    roster: &Roster,
    person: &str,
    role: Role,
    account: &str,
    at: DateTime<Utc>,
) -> Result<(), Refused> {
    if roles_for(roster, person, account, at)?.contains(&role) {
        return Ok(());
    }
    Err(Refused::MissingRight { person: person.to_owned(), role, account: account.to_owned() })
}

/// Every role in which a person may act for an account at a minute (UTC), own and as a deputy.
pub fn roles_for(
    roster: &Roster,
    person: &str,
    account: &str,
    at: DateTime<Utc>,
) -> Result<Vec<Role>, Refused> {
    let date = calendar::local_date(at);
    let Some(known) = roster.person(person) else {
        return Err(Refused::UnknownPerson { person: person.to_owned() });
    };
    if roster.staff(account).is_none() {
        return Err(Refused::UnknownAccount { account: account.to_owned() });
    }
    if !roster.in_service(person, date) {
        return Err(Refused::NotInService { person: person.to_owned() });
    }
    let holds = |role: Role| {
        roster.holders(role, account).into_iter().any(|holder| {
            if holder == person {
                return known.roles.contains(&role);
            }
            roster.absence(holder, date).is_some()
                && roster.person(holder).is_some_and(|principal| principal.roles.contains(&role))
                && roster.acting(holder, date, &[], &mut Vec::new()).is_some_and(|acting| acting.id == person)
        })
    };
    Ok(Role::ALL.into_iter().filter(|role| holds(*role)).collect())
}

/// The persons that count as having access to an account on a local date: its editors and its owner, without
/// those on leave or gone for good (R62 wants at least two).
pub fn active_with_access<'a>(roster: &'a Roster, account: &str, date: NaiveDate) -> Vec<&'a Person> {
    let Some(staff) = roster.staff(account) else { return Vec::new() };
    let mut counted: Vec<&Person> = Vec::new();
    for id in staff.editors.iter().chain([&staff.owner]) {
        let gone = roster.absence(id, date).is_some_and(|absence| absence.kind != AbsenceKind::Away);
        if let Some(person) = roster.person(id)
            && !gone
            && !counted.iter().any(|other| other.id == person.id)
        {
            counted.push(person);
        }
    }
    counted
}
