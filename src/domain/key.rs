//! Keys to the platforms: what is known of one, and when a person must do something about it. Never the key itself.
//!
//! Source: N14 and R66 of the requirements; how each platform's keys end stands with its connector.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::calendar;
use super::roster::{AbsenceKind, Roster};

/// So long before a key ends the duty begins; the first warning comes 30 days before, between two daily questions.
pub const WARNED_AHEAD: TimeDelta = TimeDelta::days(31);

/// So long an account's new name is told of, if nobody gives it another one.
const NAME_SETTLES: TimeDelta = TimeDelta::days(14);

/// What is known of the key of one account. Times are UTC.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Key {
    /// When the platform was last asked.
    pub asked_at: Option<DateTime<Utc>>,
    /// When to ask next.
    pub next_at: Option<DateTime<Utc>>,
    /// When it last worked.
    pub worked_at: Option<DateTime<Utc>>,
    /// Why the last question brought no answer.
    pub trouble: Option<String>,
    /// It does not work.
    pub dead: Option<Dead>,
    /// Whose it is, as the platform names them.
    pub holder: Option<String>,
    /// The account's name, as visitors see it.
    pub name: Option<String>,
    /// The account got another name.
    pub renamed: Option<Renamed>,
    /// When it stops working by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// When access to data ends although the key still works.
    pub data_access_until: Option<DateTime<Utc>>,
    /// When it can no longer be renewed without a person.
    pub renewable_until: Option<DateTime<Utc>>,
    /// The rights it holds, in the platform's words.
    pub rights: Vec<String>,
    /// The rights it lacks.
    pub missing: Vec<Missing>,
}

/// A key that does not work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dead {
    /// Since when (UTC).
    pub since: DateTime<Utc>,
    /// What the platform says.
    pub reason: String,
    /// It was reading that failed; asked about the key, the platform said nothing.
    pub by_poll: bool,
    /// It had worked and was not due to end: somebody may have taken the account, or withdrawn the key.
    pub revoked: bool,
}

/// Another name of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renamed {
    /// The name it had.
    pub from: String,
    /// When the new one was seen (UTC).
    pub at: DateTime<Utc>,
}

/// A right that the key lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// In the platform's words.
    pub right: String,
    /// What does not work without it, in Swedish.
    pub without: String,
    /// Where it is given, in Swedish.
    pub place: String,
}

/// Why a key ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Because {
    /// By itself.
    Itself,
    /// The platform closes its data to a key whose person has not logged in for long.
    DataAccess,
    /// It cannot be renewed any more.
    Renewal,
    /// This person, whose key it is, ends their employment.
    Holder(String),
}

impl Key {
    /// When a person must have given a new key at the latest, and why; `None` where nothing is known to end.
    ///
    /// A key that a program can renew ends when it no longer can.
    pub fn ends(&self, roster: &Roster) -> Option<(DateTime<Utc>, Because)> {
        let itself = match self.renewable_until {
            Some(until) => Some((until, Because::Renewal)),
            None => self.expires_at.map(|at| (at, Because::Itself)),
        };
        let data = self.data_access_until.map(|at| (at, Because::DataAccess));
        let holder = self.leaving(roster).map(|(name, at)| (at, Because::Holder(name)));
        itself.into_iter().chain(data).chain(holder).min_by_key(|(at, _)| *at)
    }

    /// The person whose key it is, and the beginning of the day on which their employment ends; only where the roster
    /// knows of an end.
    fn leaving(&self, roster: &Roster) -> Option<(String, DateTime<Utc>)> {
        let holder = self.holder.as_deref()?.trim().to_lowercase();
        let person = roster.persons.iter().find(|person| person.name.trim().to_lowercase() == holder)?;
        let ended = roster
            .absences
            .iter()
            .filter(|absence| absence.person == person.id && absence.kind == AbsenceKind::Ended)
            .map(|absence| absence.from)
            .min()?;
        Some((person.name.clone(), calendar::to_utc(ended.and_time(chrono::NaiveTime::MIN))))
    }

    /// True while a new name of the account is told of.
    pub fn is_renamed(&self, now: DateTime<Utc>) -> bool {
        self.renamed.as_ref().is_some_and(|renamed| now < calendar::plus(renamed.at, NAME_SETTLES))
    }

    /// True when the account may be in other hands (R66).
    pub fn may_be_lost(&self, now: DateTime<Utc>) -> bool {
        self.dead.as_ref().is_some_and(|dead| dead.revoked) || self.is_renamed(now)
    }

    /// What is known of a change of name, of the person behind the key, and of its end, in Swedish sentences.
    pub fn facts(&self, roster: &Roster, now: DateTime<Utc>) -> Vec<String> {
        let mut facts = Vec::new();
        if let Some(dead) = &self.dead {
            facts.push(format!("Plattformen svarar: {}", dead.reason));
        }
        if let (Some(renamed), true) = (&self.renamed, self.is_renamed(now)) {
            facts.push(format!(
                "Kontot hette ”{}” och heter sedan {} ”{}”.",
                renamed.from,
                calendar::instant_in_words(renamed.at),
                self.name.as_deref().unwrap_or("okänt")
            ));
        }
        if let Some(holder) = &self.holder {
            facts.push(format!("Nyckeln tillhör: {holder}."));
        }
        if let Some((name, at)) = self.leaving(roster) {
            facts.push(format!(
                "{name} slutar {}. En nyckel som är en persons dör när personen går.",
                calendar::day_in_words(calendar::local_date(at))
            ));
        }
        facts
    }

    /// The missing rights, a Swedish sentence each.
    pub fn lacking(&self) -> Vec<String> {
        self.missing
            .iter()
            .map(|missing| {
                format!(
                    "Rättigheten {} saknas. Utan den: {}. Den ges här: {}.",
                    missing.right,
                    missing.without.trim_end_matches('.'),
                    missing.place.trim_end_matches('.')
                )
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::super::roster::{Absence, Person};
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn roster() -> Roster {
        Roster {
            persons: vec![Person {
                id: "anna".to_owned(),
                name: "Anna Exempel".to_owned(),
                email: "anna@exempel.se".to_owned(),
                roles: Vec::new(),
                employed: true,
                manager: false,
                trained: None,
                deputy: None,
            }],
            absences: vec![Absence {
                person: "anna".to_owned(),
                from: NaiveDate::from_ymd_opt(2026, 12, 31).unwrap(),
                to: None,
                kind: AbsenceKind::Ended,
            }],
            ..Roster::default()
        }
    }

    #[test]
    fn a_key_ends_at_the_first_of_its_ends_and_a_renewable_one_when_it_no_longer_is() {
        let (soon, later) = (at("2026-12-01T00:00:00Z"), at("2027-03-01T00:00:00Z"));
        let nobody = Roster::default();
        let key = Key { expires_at: Some(soon), ..Key::default() };
        assert_eq!(key.ends(&nobody), Some((soon, Because::Itself)));
        let key = Key { expires_at: Some(soon), renewable_until: Some(later), ..Key::default() };
        assert_eq!(key.ends(&nobody), Some((later, Because::Renewal)));
        let key = Key { data_access_until: Some(soon), ..key };
        assert_eq!(key.ends(&nobody), Some((soon, Because::DataAccess)));
        assert_eq!(Key::default().ends(&nobody), None);
    }

    #[test]
    fn a_persons_key_ends_when_the_person_does_and_the_letter_says_so() {
        let key = Key { holder: Some("anna exempel".to_owned()), ..Key::default() };
        // Midnight in Stockholm.
        let end = at("2026-12-30T23:00:00Z");
        assert_eq!(key.ends(&roster()), Some((end, Because::Holder("Anna Exempel".to_owned()))));
        let facts = key.facts(&roster(), at("2026-11-23T12:00:00Z")).join("\n");
        assert!(facts.contains("Anna Exempel slutar") && facts.contains("31 december 2026"), "{facts}");
        let other = Key { holder: Some("Exempel kommun".to_owned()), ..Key::default() };
        assert_eq!(other.ends(&roster()), None);
    }

    #[test]
    fn a_new_name_is_told_of_for_two_weeks() {
        let renamed = Renamed { from: "Exempel kommun".to_owned(), at: at("2026-11-01T08:00:00Z") };
        let key = Key { name: Some("Fri krypto".to_owned()), renamed: Some(renamed), ..Key::default() };
        assert!(key.may_be_lost(at("2026-11-14T08:00:00Z")));
        assert!(!key.may_be_lost(at("2026-11-15T08:00:00Z")));
        let facts = key.facts(&roster(), at("2026-11-02T08:00:00Z")).join(" ");
        assert!(facts.contains("”Exempel kommun”") && facts.contains("”Fri krypto”"), "{facts}");
    }
}
