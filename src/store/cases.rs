//! Cases, what the rules said of them, and how they move.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, params};

use super::{Reader, Result, StoreError, Tx, code, json, moment, stamp, to_json};
use crate::domain::case::{CaseId, CaseState};
use crate::domain::category::Proposal;
use crate::domain::classify::{Assessment, Notes};

/// One case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Its stable id.
    pub id: CaseId,
    /// The comment's row.
    pub comment: i64,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// Where it stands.
    pub state: CaseState,
    /// Since when.
    pub state_at: DateTime<Utc>,
    /// The number in the municipality's own register, once somebody gave it.
    pub external_dnr: Option<String>,
    /// When somebody answered.
    pub answered_at: Option<DateTime<Utc>>,
}

/// What the rules said of one version.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The findings.
    pub assessment: Assessment,
    /// The rule set's hash.
    pub rules: String,
    /// When it was judged.
    pub at: DateTime<Utc>,
}

impl Judged {
    /// Nothing said, by no rules.
    pub(super) fn none() -> Self {
        Self {
            assessment: Assessment {
                findings: Vec::new(),
                proposal: Proposal::Keep,
                needs_answer: false,
                language: None,
                notes: Notes::default(),
            },
            rules: "-".to_owned(),
            at: DateTime::UNIX_EPOCH,
        }
    }
}

type Raw = (i64, i64, String, String, String, Option<String>, Option<String>);

fn case_of(raw: Raw) -> Result<Case> {
    let (id, comment, opened, state, since, external_dnr, answered) = raw;
    Ok(Case {
        id: CaseId(id),
        comment,
        opened_at: moment(&opened)?,
        state: code(&state)?,
        state_at: moment(&since)?,
        external_dnr,
        answered_at: answered.as_deref().map(moment).transpose()?,
    })
}

fn query(reader: &Reader, condition: &str, value: i64) -> Result<Option<Case>> {
    reader
        .prepare_cached(&format!(
            "select id, comment, opened_at, state, state_at, external_dnr, answered_at from case_file where {condition} = ?1"
        ))?
        .query_row([value], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?))
        })
        .optional()?
        .map(case_of)
        .transpose()
}

/// The case with this id.
///
/// # Errors
/// `Conflict` when there is none; engine errors.
pub fn get(reader: &Reader, id: CaseId) -> Result<Case> {
    query(reader, "id", id.0)?.ok_or_else(|| StoreError::Conflict(format!("there is no case {id}")))
}

/// The case of a comment, if there is one.
///
/// # Errors
/// Engine errors.
pub fn of_comment(reader: &Reader, comment: i64) -> Result<Option<Case>> {
    query(reader, "comment", comment)
}

/// The case that a person names: by case id (`c-000123`) or by diary number.
///
/// # Errors
/// `Conflict` when there is none; engine errors.
pub fn named(reader: &Reader, name: &str) -> Result<Case> {
    if let Ok(id) = name.parse::<CaseId>() {
        return get(reader, id);
    }
    let id: Option<i64> = reader
        .query_row("select case_id from diary where number = ?1", [name], |row| row.get(0))
        .optional()?;
    match id {
        Some(id) => get(reader, CaseId(id)),
        None => Err(StoreError::Conflict(format!(
            "there is no case `{name}`; name it by case id (c-000123) or by diary number, as `uppsikt cases` lists them"
        ))),
    }
}

/// The case of a comment, opened now if there was none.
///
/// # Errors
/// Engine errors.
pub fn open(tx: &Tx<'_>, comment: i64, now: DateTime<Utc>) -> Result<Case> {
    tx.execute(
        "insert or ignore into case_file (comment, opened_at, state, state_at) values (?1, ?2, 'open', ?2)",
        params![comment, stamp(now)],
    )?;
    of_comment(tx, comment)?.ok_or_else(|| StoreError::Corrupt(format!("comment {comment} has no case")))
}

/// Moves a case.
///
/// # Errors
/// Engine errors.
pub fn set_state(tx: &Tx<'_>, id: CaseId, state: CaseState, now: DateTime<Utc>) -> Result<()> {
    tx.prepare_cached("update case_file set state = ?2, state_at = ?3 where id = ?1 and state <> ?2")?
        .execute(params![id.0, state.code(), stamp(now)])?;
    Ok(())
}

/// Notes when somebody answered.
///
/// # Errors
/// Engine errors.
pub fn set_answered(tx: &Tx<'_>, id: CaseId, at: DateTime<Utc>) -> Result<()> {
    tx.execute("update case_file set answered_at = ?2 where id = ?1", params![id.0, stamp(at)])?;
    Ok(())
}

/// Stores what the rules say of a version; once, the first answer stands.
///
/// # Errors
/// Engine errors.
pub fn assess(
    tx: &Tx<'_>,
    version: i64,
    assessment: &Assessment,
    rules: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    tx.prepare_cached(
        "insert or ignore into assessment (version, rules, at, findings, proposal, needs_answer, language, notes)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        version,
        rules,
        stamp(now),
        to_json(&assessment.findings)?,
        assessment.proposal.code(),
        assessment.needs_answer,
        assessment.language,
        to_json(&assessment.notes)?,
    ])?;
    Ok(())
}

/// What the rules said of a version, if it has been judged.
///
/// # Errors
/// Engine errors.
pub fn assessment(reader: &Reader, version: i64) -> Result<Option<Judged>> {
    type Said = (String, String, String, String, bool, Option<String>, String);
    let row: Option<Said> = reader
        .prepare_cached(
            "select rules, at, findings, proposal, needs_answer, language, notes from assessment where version = ?1",
        )?
        .query_row([version], |row| {
            let (rules, at, findings) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok((rules, at, findings, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?))
        })
        .optional()?;
    row.map(|(rules, at, findings, proposal, needs_answer, language, notes)| {
        Ok(Judged {
            assessment: Assessment {
                findings: json(&findings)?,
                proposal: proposal_of(&proposal)?,
                needs_answer,
                language,
                notes: json(&notes)?,
            },
            rules,
            at: moment(&at)?,
        })
    })
    .transpose()
}

pub(super) fn proposal_of(text: &str) -> Result<Proposal> {
    [Proposal::Keep, Proposal::Review, Proposal::Hide, Proposal::Remove, Proposal::Escalate]
        .into_iter()
        .find(|proposal| proposal.code() == text)
        .ok_or_else(|| StoreError::Corrupt(format!("`{text}` is no proposal")))
}

/// What of the queue still waits to be preserved: cases whose newest version is flagged, decided on, changed by somebody
/// else or taken in by hand, and stands in no finished record.
const UNPRESERVED: &str = "from to_preserve q
    join comment c on c.id = q.comment
    join case_file k on k.comment = c.id
    join version v on v.comment = c.id and v.n = (select max(n) from version where comment = c.id)
    left join assessment a on a.version = v.id
    left join record r on r.version = v.id
    where (r.id is null or r.state = 'sealing')
      and (a.proposal <> 'keep' or k.state in ('hiding', 'awaiting_approval')
           or exists (select 1 from sighting s where s.comment = c.id and s.source = 'outside')
           or exists (select 1 from intake i where i.comment = c.id))";

/// Cases whose newest version is to be preserved and is not: flagged ones, and ones that a person decided to hide or
/// remove. Those where somebody may be in danger, and those decided on, come first.
///
/// With `purges` (the municipality has decided that texts on this platform go) a comment is not preserved for no other
/// reason than that it is gone.
///
/// # Errors
/// Engine errors.
pub fn unpreserved(reader: &Reader, account: &str, limit: usize, purges: bool) -> Result<Vec<CaseId>> {
    let mut query = reader.prepare_cached(&format!(
        "select k.id {UNPRESERVED} and c.account = ?1
           and (not ?3 or c.sighting <> 'gone' or a.proposal <> 'keep' or k.state in ('hiding', 'awaiting_approval')
                or exists (select 1 from intake i where i.comment = c.id))
         order by k.state = 'hiding' desc, a.proposal = 'escalate' desc, c.old, k.id limit ?2",
    ))?;
    query.query_map(params![account, limit, purges], |row| row.get(0))?.map(|id| Ok(CaseId(id?))).collect()
}

/// The accounts with cases as [`unpreserved`] gives them.
///
/// # Errors
/// Engine errors.
pub(super) fn unpreserved_accounts(reader: &Reader) -> Result<BTreeSet<String>> {
    let mut query = reader.prepare_cached(&format!("select distinct c.account {UNPRESERVED}"))?;
    query.query_map([], |row| row.get(0))?.map(|account| Ok(account?)).collect()
}

/// Whether the queue holds a comment of which nothing is to be preserved.
///
/// # Errors
/// Engine errors.
pub fn has_settled(reader: &Reader) -> Result<bool> {
    Ok(reader
        .prepare_cached(&format!(
            "select exists (select 1 from to_preserve where comment not in (select q.comment {UNPRESERVED}))"
        ))?
        .query_row([], |row| row.get(0))?)
}

/// Takes out of the queue what nothing is to be preserved of. Whatever changes about one of them puts it back.
///
/// # Errors
/// Engine errors.
pub fn settle(tx: &Tx<'_>) -> Result<()> {
    tx.prepare_cached(&format!(
        "delete from to_preserve where comment not in (select q.comment {UNPRESERVED})"
    ))?
    .execute([])?;
    Ok(())
}
