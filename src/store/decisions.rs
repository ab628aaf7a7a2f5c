//! What persons decided, and the machine where a person decided that it may.

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, params};

use super::{Reader, Result, StoreError, Tx, cases, code, moment, stamp};
use crate::domain::case::{CaseId, CaseState, Outcome, allows};

/// The person id under which a decided automatism acts.
pub const MACHINE: &str = "uppsikt";

/// A decision about to be made. Whether the person has the right is checked before (roster, profile).
#[derive(Debug, Clone)]
pub struct NewDecision {
    /// The case.
    pub case: CaseId,
    /// Person id, or [`MACHINE`].
    pub person: String,
    /// The operating-system account that entered it, or `desk` (N24).
    pub os_user: String,
    /// What was decided.
    pub outcome: Outcome,
    /// Why, in the person's words.
    pub reason: String,
    /// True where this person's decision is complete by itself: role, or no four-eyes in the profile.
    pub alone: bool,
    /// The rule that an automatic decision rests on.
    pub rule: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

/// What a decision led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decided {
    /// It is complete and is carried out at the next pass.
    Complete,
    /// It waits for another person.
    Waits,
    /// It refused what another had proposed; the case is as it was before.
    Refused,
}

/// One stored decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The row.
    pub id: i64,
    /// The case.
    pub case: CaseId,
    /// The version that was decided on.
    pub version: i64,
    /// Person id, or [`MACHINE`].
    pub person: String,
    /// The operating-system account that entered it, or `desk`.
    pub os_user: String,
    /// What was decided.
    pub outcome: Outcome,
    /// When.
    pub at: DateTime<Utc>,
    /// The rule, for automatic ones.
    pub rule: Option<String>,
    /// The proposal that it completed or refused.
    pub completes: Option<i64>,
    /// Why; absent once disposed of.
    pub reason: Option<String>,
    /// waiting, ready, entered, refused, void.
    pub state: String,
}

const COLUMNS: &str = "d.id, d.case_id, d.version, d.person, d.os_user, d.outcome, d.at, d.rule, d.completes, r.reason, s.state
    from decision d join decision_state s on s.decision = d.id left join decision_reason r on r.decision = d.id";

type Raw =
    (i64, i64, i64, String, String, String, String, Option<String>, Option<i64>, Option<String>, String);

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Raw> {
    Ok((
        row.get(0)?,
        row.get(1)?,
        row.get(2)?,
        row.get(3)?,
        row.get(4)?,
        row.get(5)?,
        row.get(6)?,
        row.get(7)?,
        row.get(8)?,
        row.get(9)?,
        row.get(10)?,
    ))
}

fn decision_of(raw: Raw) -> Result<Decision> {
    let (id, case, version, person, os_user, outcome, at, rule, completes, reason, state) = raw;
    Ok(Decision {
        id,
        case: CaseId(case),
        version,
        person,
        os_user,
        outcome: code(&outcome)?,
        at: moment(&at)?,
        rule,
        completes,
        reason,
        state,
    })
}

/// Makes a decision: the row, its effect on the case, and on an earlier proposal (DESIGN §7, `decide`).
///
/// # Errors
/// `Conflict`, with a sentence for the person, when the case does not allow it or the same person decides twice;
/// nothing is then written.
pub fn decide(tx: &Tx<'_>, new: &NewDecision) -> Result<Decided> {
    if new.reason.trim().is_empty() {
        return Err(StoreError::Conflict("a decision needs a reason: --reason TEXT".to_owned()));
    }
    let case = cases::get(tx, new.case)?;
    allows(case.state, new.outcome).map_err(StoreError::Conflict)?;
    let version: i64 = tx.query_row(
        "select id from version where comment = ?1 order by n desc limit 1",
        [case.comment],
        |row| row.get(0),
    )?;
    let writes = matches!(new.outcome, Outcome::Hide | Outcome::Remove | Outcome::Restore);
    let waiting = waiting(tx, new.case)?;
    if let Some(proposal) = waiting.filter(|_| writes || new.outcome == Outcome::Keep) {
        if proposal.person == new.person {
            return Err(StoreError::Conflict(format!(
                "{} proposed this; another person must approve or refuse it",
                new.person
            )));
        }
        if !new.alone {
            return Err(StoreError::Conflict(format!(
                "the case waits for approval of `{}`; a head, owner or communicator decides it",
                proposal.outcome
            )));
        }
        let same = proposal.outcome == new.outcome && proposal.version == version;
        let id = insert(tx, new, version, Some(proposal.id), if same { "ready" } else { "entered" })?;
        set_state(tx, proposal.id, if same { "entered" } else { "refused" })?;
        if same {
            effect(tx, new, case.state)?;
            return Ok(Decided::Complete);
        }
        // A refusal leaves the case as it was before the proposal; `keep` is also a decision of its own.
        let back = if proposal.outcome == Outcome::Restore { CaseState::Hidden } else { CaseState::Open };
        cases::set_state(tx, new.case, back, new.at)?;
        if new.outcome == Outcome::Keep && back == CaseState::Open {
            set_state(tx, id, "ready")?;
            effect(tx, new, back)?;
        }
        return Ok(Decided::Refused);
    }
    if writes && !new.alone {
        insert(tx, new, version, None, "waiting")?;
        cases::set_state(tx, new.case, CaseState::AwaitingApproval, new.at)?;
        return Ok(Decided::Waits);
    }
    insert(tx, new, version, None, "ready")?;
    effect(tx, new, case.state)?;
    Ok(Decided::Complete)
}

fn effect(tx: &Tx<'_>, new: &NewDecision, before: CaseState) -> Result<()> {
    match new.outcome {
        Outcome::Hide | Outcome::Remove => cases::set_state(tx, new.case, CaseState::Hiding, new.at),
        Outcome::Keep => cases::set_state(tx, new.case, CaseState::Kept, new.at),
        // The state follows when the platform shows it again; an approved proposal goes back to what it was.
        Outcome::Restore if before == CaseState::AwaitingApproval => {
            cases::set_state(tx, new.case, CaseState::Hidden, new.at)
        }
        Outcome::Answered | Outcome::AnsweredJointly => cases::set_answered(tx, new.case, new.at),
        Outcome::Restore | Outcome::NoAnswerNeeded | Outcome::Forwarded | Outcome::Referred => Ok(()),
    }
}

fn insert(tx: &Tx<'_>, new: &NewDecision, version: i64, completes: Option<i64>, state: &str) -> Result<i64> {
    tx.execute(
        "insert into decision (case_id, version, person, os_user, outcome, at, rule, completes)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            new.case.0,
            version,
            new.person,
            new.os_user,
            new.outcome.code(),
            stamp(new.at),
            new.rule,
            completes
        ],
    )?;
    let id = tx.last_insert_rowid();
    tx.execute("insert into decision_reason values (?1, ?2)", params![id, new.reason])?;
    tx.execute("insert into decision_state (decision, state) values (?1, ?2)", params![id, state])?;
    Ok(id)
}

/// A decision that follows an earlier one onto a newer version of the text, when that is not milder (N12).
///
/// # Errors
/// Engine errors.
pub fn follow(tx: &Tx<'_>, earlier: &Decision, version: i64, at: DateTime<Utc>) -> Result<i64> {
    tx.execute(
        "insert into decision (case_id, version, person, os_user, outcome, at, rule, completes)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            earlier.case.0,
            version,
            earlier.person,
            MACHINE,
            earlier.outcome.code(),
            stamp(at),
            earlier.rule,
            earlier.id
        ],
    )?;
    let id = tx.last_insert_rowid();
    let reason = format!(
        "Samma beslut som tidigare, på en ny version av texten som inte är mildare. {}",
        earlier.reason.as_deref().unwrap_or_default()
    );
    tx.execute("insert into decision_reason values (?1, ?2)", params![id, reason])?;
    tx.execute("insert into decision_state (decision, state) values (?1, 'ready')", [id])?;
    Ok(id)
}

/// The decision in row `id`.
///
/// # Errors
/// `Corrupt` when there is none; engine errors.
pub fn get(reader: &Reader, id: i64) -> Result<Decision> {
    reader
        .prepare_cached(&format!("select {COLUMNS} where d.id = ?1"))?
        .query_row([id], read)
        .optional()?
        .map(decision_of)
        .transpose()?
        .ok_or_else(|| StoreError::Corrupt(format!("there is no decision in row {id}")))
}

/// The proposal of a case that waits for another person.
///
/// # Errors
/// Engine errors.
pub fn waiting(reader: &Reader, case: CaseId) -> Result<Option<Decision>> {
    reader
        .prepare_cached(&format!(
            "select {COLUMNS} where d.case_id = ?1 and s.state = 'waiting' order by d.id desc limit 1"
        ))?
        .query_row([case.0], read)
        .optional()?
        .map(decision_of)
        .transpose()
}

/// Complete decisions that have not been entered in the log, oldest first; of one account.
///
/// # Errors
/// Engine errors.
pub fn ready(reader: &Reader, account: &str) -> Result<Vec<Decision>> {
    reader
        .prepare_cached(&format!(
            "select {COLUMNS} join case_file k on k.id = d.case_id join comment c on c.id = k.comment
             where s.state = 'ready' and c.account = ?1 order by d.id"
        ))?
        .query_map([account], read)?
        .map(|row| decision_of(row?))
        .collect()
}

/// All decisions of a case, oldest first.
///
/// # Errors
/// Engine errors.
pub fn of_case(reader: &Reader, case: CaseId) -> Result<Vec<Decision>> {
    reader
        .prepare_cached(&format!("select {COLUMNS} where d.case_id = ?1 order by d.id"))?
        .query_map([case.0], read)?
        .map(|row| decision_of(row?))
        .collect()
}

/// Moves a decision on.
///
/// # Errors
/// Engine errors.
pub fn set_state(tx: &Tx<'_>, decision: i64, state: &str) -> Result<()> {
    tx.prepare_cached("update decision_state set state = ?2 where decision = ?1")?
        .execute(params![decision, state])?;
    Ok(())
}

/// Notes that a decision is in the log, or that there was no record to enter it on.
///
/// # Errors
/// Engine errors.
pub fn entered(tx: &Tx<'_>, decision: i64, entry: Option<u64>) -> Result<()> {
    tx.prepare_cached("update decision_state set state = 'entered', entry = ?2 where decision = ?1")?
        .execute(params![decision, entry])?;
    Ok(())
}

/// A person's own decision on what the machine has already hidden: entered in the log, and no second act.
///
/// # Errors
/// `Conflict` without a reason; engine errors.
pub fn confirm(tx: &Tx<'_>, new: &NewDecision) -> Result<()> {
    if new.reason.trim().is_empty() {
        return Err(StoreError::Conflict("a decision needs a reason: --reason TEXT".to_owned()));
    }
    let version: i64 = tx.query_row(
        "select d.version from decision d where d.case_id = ?1 and d.rule is not null order by d.id desc limit 1",
        [new.case.0],
        |row| row.get(0),
    )?;
    insert(tx, new, version, None, "ready")?;
    Ok(())
}
