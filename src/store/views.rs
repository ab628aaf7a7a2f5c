//! What is shown of cases: the list, the one case, and how the installation is doing.
//!
//! The shape of [`CaseView`] is a public contract (DESIGN §7). A list is read with one query a table, never with one
//! a case.

mod file;

mod health;

mod history;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use rusqlite::types::Value;
use serde::Serialize;

use super::{Reader, Result, code, json, moment};
use crate::domain::case::{CaseId, CaseState, Outcome};
use crate::domain::category::{Category, Proposal};
use crate::domain::classify::Finding;
use crate::domain::comment::Author;
use crate::domain::duty::DutyState;

pub use file::{
    CaseFile, DecisionView, EventView, OutsideView, PostView, RecordView, ReplyView, VersionView, file,
    same_point,
};
pub use history::{StepView, Who};

pub use health::{AccountHealth, Health, LAST_PASS, health, last_pass};

/// One case as the command line gives it (DESIGN §7). Times are UTC.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CaseView {
    /// The stable id, `c-000123`.
    pub case: String,
    /// The number in Uppsikt's diary.
    pub dnr: Option<String>,
    /// The number in the municipality's own register.
    pub external_dnr: Option<String>,
    /// The account's id.
    pub account: String,
    /// The comment with its newest text.
    pub comment: CommentView,
    /// What the rules found in the newest text, strongest contract order, each once.
    pub categories: Vec<Category>,
    /// What the rules suggest; absent until the text has been judged.
    pub proposal: Option<Proposal>,
    /// Whether somebody seems to expect an answer.
    pub needs_answer: bool,
    /// Where the case stands.
    pub state: CaseState,
    /// When the comment was first seen hidden by Uppsikt's act; absent while it is not hidden.
    pub hidden_at: Option<DateTime<Utc>>,
    /// Every duty, oldest first.
    pub duties: Vec<DutyView>,
    /// Where the record that was last acted on stands in the log.
    pub log: LogView,
}

impl CaseView {
    /// True where no letter and no list may carry the text (R47).
    pub fn text_stays_home(&self) -> bool {
        self.categories.iter().any(|category| category.text_stays_home())
    }

    /// The open duty that falls due first.
    pub fn next_duty(&self) -> Option<&DutyView> {
        self.duties.iter().filter(|duty| duty.state.is_open()).min_by_key(|duty| duty.due_at)
    }
}

/// A comment with its newest text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CommentView {
    /// The platform's id, verbatim.
    pub native_id: String,
    /// The comment it answers.
    pub parent_id: Option<String>,
    /// Who wrote it.
    pub author: Author,
    /// The platform's own time.
    pub created_at: DateTime<Utc>,
    /// When Uppsikt first saw it.
    pub seen_at: DateTime<Utc>,
    /// The newest text.
    pub text: String,
    /// The public address.
    pub permalink: Option<String>,
}

/// One duty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DutyView {
    /// The row.
    pub id: i64,
    /// The kind's code (`domain::duty`).
    pub kind: String,
    /// When it is due.
    pub due_at: DateTime<Utc>,
    /// Where it stands.
    pub state: DutyState,
    /// How it ended.
    pub outcome: Option<String>,
    /// What started the clock.
    pub trigger_at: DateTime<Utc>,
    /// When Uppsikt saw it: late discovery is told apart from late answer.
    pub found_at: DateTime<Utc>,
    /// The reckoning in Swedish.
    pub explain: Vec<String>,
    /// When it ended.
    pub closed_at: Option<DateTime<Utc>>,
    /// Who ended it.
    pub closed_by: Option<String>,
    /// When somebody said that they had read of the danger and act.
    pub acknowledged_at: Option<DateTime<Utc>>,
    /// Who.
    pub acknowledged_by: Option<String>,
    /// Times before its end in which the account was not read: what started the clock was found late, or what would
    /// have stopped it was not seen.
    pub blind: Vec<BlindView>,
}

/// A time in which an account was not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BlindView {
    /// Seen until here (UTC).
    pub from: DateTime<Utc>,
    /// Read again (UTC); absent while it lasts.
    pub to: Option<DateTime<Utc>>,
    /// Why.
    pub because: String,
    /// The clock started in it: the discovery was late, and not the answer.
    pub late_discovery: bool,
}

/// Indexes of entries in the log; absent while there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct LogView {
    /// The record is preserved.
    pub snapshot: Option<u64>,
    /// It has a number.
    pub registered: Option<u64>,
    /// It is about to be hidden.
    pub hide_intent: Option<u64>,
    /// It was seen hidden.
    pub hidden: Option<u64>,
}

/// Which cases are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those where a person has something left to do: undecided, under way, in trouble, or with an open duty.
    pub open: bool,
    /// Only those of this account.
    pub account: Option<String>,
}

/// The states in which a case waits for somebody or something.
const WAITING: &str =
    "('open', 'awaiting_approval', 'hiding', 'hide_unconfirmed', 'hide_failed', 'restored_outside')";

/// The condition for a duty that is still open.
const OPEN: &str = "state in ('running', 'warned', 'overdue')";

/// The cases that `filter` lets through, oldest first.
///
/// # Errors
/// Engine errors; rows that hold what they should not.
pub fn list(reader: &Reader, filter: &Filter) -> Result<Vec<CaseView>> {
    let mut condition = "1".to_owned();
    let mut values = Vec::new();
    if filter.open {
        condition = format!(
            "(k.state in {WAITING} or exists (select 1 from duty w where w.case_id = k.id and w.{OPEN}))"
        );
    }
    if let Some(account) = &filter.account {
        condition += " and c.account = ?1";
        values.push(Value::Text(account.clone()));
    }
    load(reader, &condition, values)
}

/// One case.
///
/// # Errors
/// `Conflict` when there is none; engine errors.
pub fn case(reader: &Reader, id: CaseId) -> Result<CaseView> {
    load(reader, "k.id = ?1", vec![Value::Integer(id.0)])?
        .pop()
        .ok_or_else(|| super::StoreError::Conflict(format!("there is no case {id}")))
}

/// A case as its own row tells it, to be filled from the other tables.
struct Base {
    id: i64,
    view: CaseView,
}

fn load(reader: &Reader, condition: &str, values: Vec<Value>) -> Result<Vec<CaseView>> {
    let chosen = format!(
        "with chosen(id) as (select k.id from case_file k join comment c on c.id = k.comment where {condition})"
    );
    let values = rusqlite::params_from_iter(values);
    let mut bases = Vec::new();
    {
        let mut query = reader.prepare_cached(&format!(
            "{chosen} select k.id, k.external_dnr, c.account, c.native_id, c.parent_id, c.author_id, c.author_name,
                 c.created_at, c.first_seen_at, v.text, c.permalink, a.findings, a.proposal, a.needs_answer, k.state
             from chosen join case_file k on k.id = chosen.id join comment c on c.id = k.comment
             join version v on v.comment = c.id and v.n = (select max(n) from version where comment = c.id)
             left join assessment a on a.version = v.id order by k.id"
        ))?;
        let mut rows = query.query(values.clone())?;
        while let Some(row) = rows.next()? {
            bases.push(base(row)?);
        }
    }
    let mut duties = duties(reader, &chosen, &values)?;
    let mut numbers = numbers(reader, &chosen, &values)?;
    let mut logs = logs(reader, &chosen, &values)?;
    Ok(bases
        .into_iter()
        .map(|Base { id, mut view }| {
            view.duties = duties.remove(&id).unwrap_or_default();
            view.dnr = numbers.remove(&id);
            if let Some((log, hidden_at)) = logs.remove(&id) {
                view.log = log;
                view.hidden_at = hidden_at.filter(|_| view.state == CaseState::Hidden);
            }
            view
        })
        .collect())
}

type Values = rusqlite::ParamsFromIter<Vec<Value>>;

fn base(row: &rusqlite::Row<'_>) -> Result<Base> {
    let id: i64 = row.get(0)?;
    let (created, seen, state): (String, String, String) = (row.get(7)?, row.get(8)?, row.get(14)?);
    let (findings, proposal): (Option<String>, Option<String>) = (row.get(11)?, row.get(12)?);
    let findings: Vec<Finding> = findings.as_deref().map(json).transpose()?.unwrap_or_default();
    let mut categories: Vec<_> = findings.iter().map(|finding| finding.category).collect();
    categories.sort_unstable();
    categories.dedup();
    let view = CaseView {
        case: CaseId(id).to_string(),
        dnr: None,
        external_dnr: row.get(1)?,
        account: row.get(2)?,
        comment: CommentView {
            native_id: row.get(3)?,
            parent_id: row.get(4)?,
            author: Author { id: row.get(5)?, name: row.get(6)? },
            created_at: moment(&created)?,
            seen_at: moment(&seen)?,
            text: row.get(9)?,
            permalink: row.get(10)?,
        },
        categories,
        proposal: proposal.as_deref().map(super::cases::proposal_of).transpose()?,
        needs_answer: row.get::<_, Option<bool>>(13)?.unwrap_or_default(),
        state: code(&state)?,
        hidden_at: None,
        duties: Vec::new(),
        log: LogView::default(),
    };
    Ok(Base { id, view })
}

fn duties(reader: &Reader, chosen: &str, values: &Values) -> Result<HashMap<i64, Vec<DutyView>>> {
    let mut found: HashMap<i64, Vec<DutyView>> = HashMap::new();
    let mut query = reader.prepare_cached(&format!(
        "{chosen} select d.case_id, d.id, d.kind, d.due_at, d.state, d.outcome, d.trigger_at, d.found_at, d.explain,
             d.closed_at, d.closed_by, d.acknowledged_at, d.acknowledged_by
         from chosen join duty d on d.case_id = chosen.id order by d.id"
    ))?;
    let mut rows = query.query(values.clone())?;
    while let Some(row) = rows.next()? {
        let at = |index: usize| -> Result<DateTime<Utc>> { moment(&row.get::<_, String>(index)?) };
        let maybe = |index: usize| -> Result<Option<DateTime<Utc>>> {
            row.get::<_, Option<String>>(index)?.as_deref().map(moment).transpose()
        };
        found.entry(row.get(0)?).or_default().push(DutyView {
            id: row.get(1)?,
            kind: row.get(2)?,
            due_at: at(3)?,
            state: code(&row.get::<_, String>(4)?)?,
            outcome: row.get(5)?,
            trigger_at: at(6)?,
            found_at: at(7)?,
            explain: json(&row.get::<_, String>(8)?)?,
            closed_at: maybe(9)?,
            closed_by: row.get(10)?,
            acknowledged_at: maybe(11)?,
            acknowledged_by: row.get(12)?,
            blind: Vec::new(),
        });
    }
    let mut query = reader.prepare_cached(&format!(
        "{chosen} select d.case_id, d.id, b.from_at, b.to_at, b.reason,
             d.trigger_at >= b.from_at and (b.to_at is null or d.trigger_at < b.to_at)
         from chosen join duty d on d.case_id = chosen.id join blind_time b on b.account = d.account
         where b.from_at < min(coalesce(d.closed_at, d.due_at), d.due_at)
           and (b.to_at is null or b.to_at > d.trigger_at) order by b.from_at"
    ))?;
    let mut rows = query.query(values.clone())?;
    while let Some(row) = rows.next()? {
        let duty: i64 = row.get(1)?;
        let duties = found.entry(row.get(0)?).or_default();
        let Some(duty) = duties.iter_mut().find(|known| known.id == duty) else { continue };
        let late_discovery: bool = row.get(5)?;
        // A duty that a person's act or another change began, later than the comment, was found at once.
        let late_discovery = late_discovery && duty.found_at > duty.trigger_at;
        duty.blind.push(BlindView {
            from: moment(&row.get::<_, String>(2)?)?,
            to: row.get::<_, Option<String>>(3)?.as_deref().map(moment).transpose()?,
            because: row.get(4)?,
            late_discovery,
        });
    }
    Ok(found)
}

/// The newest number of each case that has one and was not annulled.
fn numbers(reader: &Reader, chosen: &str, values: &Values) -> Result<HashMap<i64, String>> {
    let mut query = reader.prepare_cached(&format!(
        "{chosen} select d.case_id, d.number from chosen join diary d on d.case_id = chosen.id
         where d.annulled_at is null order by d.entry"
    ))?;
    let rows = query.query_map(values.clone(), |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// By case: where it stands in the log, and when it was seen hidden.
type Logs = HashMap<i64, (LogView, Option<DateTime<Utc>>)>;

/// Where the current record of each case stands: the one last acted on, else the newest (DESIGN §4).
fn logs(reader: &Reader, chosen: &str, values: &Values) -> Result<Logs> {
    // Rows come worst candidate first, so that the last one of a case stands.
    let mut current: HashMap<i64, String> = HashMap::new();
    let mut query = reader.prepare_cached(&format!(
        "{chosen} select r.case_id, r.id from chosen join record r on r.case_id = chosen.id
         left join intent i on i.record = r.id and i.case_id = r.case_id
         where r.state = 'preserved' group by r.id order by max(i.entry) nulls first, r.version"
    ))?;
    let mut rows = query.query(values.clone())?;
    while let Some(row) = rows.next()? {
        current.insert(row.get(0)?, row.get(1)?);
    }
    let mut found = Logs::new();
    let mut query = reader.prepare_cached(&format!(
        "{chosen} select r.case_id, r.id, e.t, max(e.idx), e.at
         from chosen join record r on r.case_id = chosen.id join entry e on e.record = r.id
         where e.t in ('snapshot', 'registered', 'hide_intent', 'hidden', 'hide_unconfirmed') group by r.id, e.t"
    ))?;
    let mut rows = query.query(values.clone())?;
    while let Some(row) = rows.next()? {
        let (case, record): (i64, String) = (row.get(0)?, row.get(1)?);
        if current.get(&case) != Some(&record) {
            continue;
        }
        let (log, hidden_at) = found.entry(case).or_default();
        let index = Some(row.get(3)?);
        match row.get::<_, String>(2)?.as_str() {
            "snapshot" => log.snapshot = index,
            "registered" => log.registered = index,
            "hide_intent" => log.hide_intent = index,
            "hidden" => {
                log.hidden = index;
                *hidden_at = Some(moment(&row.get::<_, String>(4)?)?);
            }
            _ => {}
        }
    }
    Ok(found)
}

/// The outcomes that end an open duty of the case.
pub fn duty_outcomes(view: &CaseView) -> Vec<Outcome> {
    let open = |outcome: Outcome| {
        view.duties
            .iter()
            .filter(|duty| duty.state.is_open())
            .filter_map(|duty| crate::domain::duty::Kind::named(&duty.kind))
            .any(|kind| kind.allows(outcome))
    };
    Outcome::ALL.iter().copied().filter(|outcome| open(*outcome)).collect()
}
