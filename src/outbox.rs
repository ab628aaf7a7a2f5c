//! Who is told, when, and what the outbox keeps of it until it is said.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::domain::calendar;
use crate::domain::case::{CaseId, Outcome};
use crate::domain::duty::{self, Kind, Rung};
use crate::domain::letter::{LetterKind, Trouble};
use crate::domain::roster::{self, Ask, Role};
use crate::store::duties::Duty;
use crate::store::letters::{self, NewLetter, StoredLetter};
use crate::store::{Reader, Result, StoreError, Tx, decisions, do_once, duties, to_json};

/// At most so many letters with duties that can wait, to one person on one day (N2); the last one says so.
pub const LETTERS_A_DAY: usize = 8;

/// The turn of an urgent duty's summary at 07.00, behind its eight repeats.
pub const MORNING: u32 = 9;

/// A duty in a letter: its row, the rung's code, its turn.
pub type Place = (i64, String, u32);

/// What the outbox keeps of a letter beside its duties. Everything that can be read again is read again when the
/// letter leaves, so that it says nothing that is no longer true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "says", rename_all = "snake_case")]
pub enum Says {
    /// Its duties.
    Duties {
        /// True for the day's last letter of its kind.
        last_today: bool,
    },
    /// Dangers; in the summary at 07.00 as a list.
    Dangers {
        /// True for the summary.
        summary: bool,
    },
    /// What came to these accounts.
    Came {
        /// From when (UTC), by account id.
        accounts: BTreeMap<String, DateTime<Utc>>,
        /// Until when (UTC).
        to: DateTime<Utc>,
    },
    /// What was found in an account's older comments.
    Older {
        /// The account.
        account: String,
    },
    /// New diary numbers and the log's state.
    Register {
        /// The board.
        board: String,
        /// From when (UTC).
        from: DateTime<Utc>,
        /// Until when (UTC).
        to: DateTime<Utc>,
    },
    /// Something wrong with the machine that is no duty.
    Trouble {
        /// What.
        trouble: Trouble,
    },
    /// A duty of the machine's side.
    Machine,
    /// A decision entered in the person's name (N24).
    Entered {
        /// The case.
        case: i64,
        /// What was decided.
        outcome: String,
        /// The operating-system account.
        os_user: String,
        /// When (UTC).
        at: DateTime<Utc>,
    },
}

impl Says {
    fn kind(&self) -> LetterKind {
        match self {
            Self::Duties { .. } => LetterKind::Duties,
            Self::Dangers { .. } => LetterKind::Urgent,
            Self::Came { .. } => LetterKind::DailySummary,
            Self::Older { .. } => LetterKind::FirstNight,
            Self::Register { .. } => LetterKind::Registrar,
            Self::Trouble { .. } | Self::Machine => LetterKind::Technical,
            Self::Entered { .. } => LetterKind::Entered,
        }
    }
}

/// When a letter that can wait may leave, at `now` or after it (UTC).
pub fn send_after(config: &Config, now: DateTime<Utc>) -> DateTime<Utc> {
    if config.mail.office_hours_only { calendar::next_staffed(now, &config.hours) } else { now }
}

/// True while a letter that can wait must.
pub fn must_wait(config: &Config, now: DateTime<Utc>) -> bool {
    send_after(config, now) > now
}

/// Queues a letter; `None` when all its duties have been told to this person already.
///
/// # Errors
/// Engine errors.
pub fn put(
    tx: &Tx<'_>,
    person: &str,
    says: &Says,
    now: DateTime<Utc>,
    send_after: DateTime<Utc>,
    duties: Vec<Place>,
) -> Result<Option<i64>> {
    letters::queue(
        tx,
        &NewLetter {
            message_id: letters::new_id(tx)?,
            person: person.to_owned(),
            kind: says.kind().code().to_owned(),
            created_at: now,
            send_after,
            content: to_json(says)?,
            duties,
        },
    )
}

/// Queues duties that can wait: into the letter that the person gets at that moment anyway, or else a new one; on a
/// day that is full, into the first letter of the next working day.
///
/// # Errors
/// Engine errors.
pub fn put_duties(
    tx: &Tx<'_>,
    config: &Config,
    person: &str,
    now: DateTime<Utc>,
    duties: Vec<Place>,
) -> Result<()> {
    let kind = LetterKind::Duties.code();
    let mut when = send_after(config, now);
    loop {
        if let Some(letter) = letters::untried(tx, person, kind, when)? {
            return letters::join(tx, letter, person, &duties);
        }
        let (from, to) = day_of(when);
        let today = letters::count(tx, person, kind, from, to)?;
        if today < LETTERS_A_DAY {
            let says = Says::Duties { last_today: today + 1 == LETTERS_A_DAY };
            put(tx, person, &says, now, when, duties)?;
            return Ok(());
        }
        let tomorrow = calendar::opening(
            calendar::next_working_day(calendar::local_date(when), &config.hours),
            &config.hours,
        );
        // Hours that never open must not hold a letter for ever.
        when = tomorrow.max(calendar::plus(when, TimeDelta::hours(1)));
    }
}

/// The local day of a moment, as two moments.
fn day_of(moment: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
    let date = calendar::local_date(moment);
    let next = date.checked_add_days(Days::new(1)).unwrap_or(date);
    (calendar::to_utc(date.and_time(NaiveTime::MIN)), calendar::to_utc(next.and_time(NaiveTime::MIN)))
}

/// The persons that a duty's rung reaches now: in service, each once, never nobody.
///
/// # Errors
/// Engine errors.
pub fn persons(
    reader: &Reader,
    config: &Config,
    kind: &Kind,
    rung: Rung,
    duty: &Duty,
    now: DateTime<Utc>,
) -> Result<Vec<String>> {
    let except = barred(reader, kind, duty)?;
    let except: Vec<&str> = except.iter().map(String::as_str).collect();
    let mut reached = Vec::new();
    for account in accounts(config, duty) {
        let ask = Ask { account, role: kind.first, at: now, post_owner: None, except: &except };
        reached.extend(
            duty::rung_targets(kind, rung, &config.roster, &ask).into_iter().map(|found| found.person),
        );
    }
    Ok(in_service(config, reached, now))
}

/// Everybody whom a danger concerns: those whom its last rung reaches, and the account's editors at work.
///
/// # Errors
/// Engine errors.
pub fn everybody(
    reader: &Reader,
    config: &Config,
    kind: &Kind,
    duty: &Duty,
    now: DateTime<Utc>,
) -> Result<Vec<String>> {
    let mut all = persons(reader, config, kind, Rung::Escalate, duty, now)?;
    let date = calendar::local_date(now);
    let editors = config.roster.holders(Role::Editor, &duty.what.account).into_iter();
    all.extend(editors.filter(|editor| config.roster.absence(editor, date).is_none()).map(str::to_owned));
    Ok(in_service(config, all, now))
}

/// The accounts whose people a duty concerns: all of them, where it is about the installation itself.
fn accounts<'a>(config: &'a Config, duty: &'a Duty) -> Vec<&'a str> {
    if duty.what.account.is_empty() && !config.accounts.is_empty() {
        config.accounts.iter().map(|account| account.id.as_str()).collect()
    } else {
        vec![&duty.what.account]
    }
}

/// Who may not: whoever proposed what is to be approved (R21).
fn barred(reader: &Reader, kind: &Kind, duty: &Duty) -> Result<Vec<String>> {
    let (true, Some(case)) = (kind.code == "approve", duty.what.case) else { return Ok(Vec::new()) };
    Ok(decisions::waiting(reader, case)?.map(|proposal| proposal.person).into_iter().collect())
}

fn in_service(config: &Config, reached: Vec<String>, now: DateTime<Utc>) -> Vec<String> {
    let date = calendar::local_date(now);
    let mut persons: Vec<String> = Vec::new();
    for person in reached {
        if config.roster.in_service(&person, date) && !persons.contains(&person) {
            persons.push(person);
        }
    }
    if persons.is_empty() {
        persons.push(config.roster.operator.clone());
    }
    persons
}

/// Tells the next in line of every duty of a letter that its person cannot get (refused, on leave, gone).
///
/// # Errors
/// Engine errors.
pub fn pass_on(
    tx: &Tx<'_>,
    config: &Config,
    stored: &StoredLetter,
    says: &Says,
    now: DateTime<Utc>,
) -> Result<()> {
    let mut letters: BTreeMap<String, Vec<Place>> = BTreeMap::new();
    for (id, rung, turn) in &stored.letter.duties {
        let Some(duty) = duties::get(tx, *id)?.filter(Duty::is_open) else { continue };
        let Some(kind) = Kind::named(&duty.what.kind) else { continue };
        let mut except = barred(tx, kind, &duty)?;
        except.push(stored.letter.person.clone());
        for standing in letters::standings(tx, *id)? {
            if standing.state == "refused" && !except.contains(&standing.person) {
                except.push(standing.person);
            }
        }
        let names: Vec<&str> = except.iter().map(String::as_str).collect();
        let account = accounts(config, &duty).first().copied().unwrap_or_default().to_owned();
        let ask = Ask { account: &account, role: kind.first, at: now, post_owner: None, except: &names };
        let next = roster::find(&config.roster, &ask).person;
        if !except.contains(&next) {
            letters.entry(next).or_default().push((*id, rung.clone(), *turn));
        }
    }
    for (person, duties) in letters {
        let when = if says.kind().is_urgent() { now } else { send_after(config, now) };
        put(tx, &person, says, now, when, duties)?;
    }
    Ok(())
}

/// Tells the operator of something that is no duty, once under each name; `not_to` cannot be reached.
///
/// # Errors
/// Engine errors.
pub fn trouble(
    tx: &Tx<'_>,
    config: &Config,
    name: &str,
    trouble: Trouble,
    not_to: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    if !do_once(tx, name, now)? {
        return Ok(());
    }
    let account = config.accounts.first().map(|account| account.id.as_str()).unwrap_or_default();
    let ask = Ask { account, role: Role::It, at: now, post_owner: None, except: &[not_to] };
    let person = roster::find(&config.roster, &ask).person;
    put(tx, &person, &Says::Trouble { trouble }, now, send_after(config, now), Vec::new())?;
    Ok(())
}

/// Tells a person that a decision was entered in their name from a command line (N24).
///
/// # Errors
/// Engine errors.
pub fn entered(
    tx: &Tx<'_>,
    config: &Config,
    case: CaseId,
    person: &str,
    os_user: &str,
    outcome: Outcome,
    now: DateTime<Utc>,
) -> Result<()> {
    let says = Says::Entered {
        case: case.0,
        outcome: outcome.code().to_owned(),
        os_user: os_user.to_owned(),
        at: now,
    };
    put(tx, person, &says, now, send_after(config, now), Vec::new())?;
    Ok(())
}

/// What a stored letter says.
///
/// # Errors
/// `Corrupt` for a content that is none.
pub fn says(stored: &StoredLetter) -> Result<Says> {
    serde_json::from_str(&stored.letter.content)
        .map_err(|error| StoreError::Corrupt(format!("letter {}: {error}", stored.id)))
}
