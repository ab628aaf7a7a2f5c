//! What has become of a comment, step by step: when, and who did it as far as anybody tells (N7).

use chrono::{DateTime, Utc};
use rusqlite::params;
use serde::Serialize;

use super::super::decisions::MACHINE;
use super::super::{Reader, Result, moment};
use crate::domain::case::CaseId;

/// Who did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// The comment's author.
    Author,
    /// A person of the municipality, in Uppsikt.
    Person,
    /// Uppsikt by itself, by a decided rule.
    Uppsikt,
    /// Somebody who has the municipality's account, outside of Uppsikt: the platform tells that the account did it, as
    /// Bluesky does, where what is hidden stands in the account's own repository.
    Account,
    /// The platform's own filter: its lists say that it holds the comment back, as YouTube's do.
    Platform,
    /// The platform does not tell: its filter, its moderators, the author or somebody in the municipality.
    Unknown,
}

/// One step in a comment's life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepView {
    /// When it was done where that is known (written, decided, carried out), else when Uppsikt saw it (UTC).
    pub at: DateTime<Utc>,
    /// `written`, `edited`; `decided_…` with an outcome; an entry of the log such as `hidden` or `restored`;
    /// `outside_…` with how it then stood, for what was not done through Uppsikt.
    pub what: String,
    /// Who did it.
    pub who: Who,
    /// The author's name, or the person's id.
    pub name: Option<String>,
}

/// The steps of the comment in row `comment`, whose case is `case`, in the order of time.
///
/// # Errors
/// Engine errors.
pub(super) fn history(reader: &Reader, case: CaseId, comment: i64) -> Result<Vec<StepView>> {
    // What happened in the same second stands as it must have happened: written, edited, then in the log's order.
    let mut query = reader.prepare_cached(
        "select created_at, 'written', case when ours then 'account' else 'author' end, coalesce(author_name, author_id), 0, 0
             from comment where id = ?1
         union all
         select v.seen_at, 'edited', 'author', coalesce(c.author_name, c.author_id), 1, v.n
             from version v join comment c on c.id = v.comment where c.id = ?1 and v.n > 1 and v.why = 'text'
         union all
         select d.at, 'decided_' || d.outcome, 'person', d.person, 2, coalesce(s.entry, 9223372036854775807)
             from decision d left join decision_state s on s.decision = d.id where d.case_id = ?2
         union all
         select e.at, r.kind, 'person', d.person, 2, e.idx
             from receipt r join intent i on i.id = r.intent join entry e on e.idx = r.entry
             join decision d on d.id = i.decision where i.case_id = ?2
         union all
         select at, 'outside_' || sighting,
                case when sighting = 'hidden_by_us' or (sighting = 'public' and before = 'hidden_by_us')
                     then 'account' when held then 'platform' else 'unknown' end, null, 3, id
             from (select at, sighting, source, id, held, lag(sighting) over (order by id) as before
                   from sighting where comment = ?1 and source <> 'look')
             where source = 'outside'
         order by 1, 5, 6",
    )?;
    let mut rows = query.query(params![comment, case.0])?;
    let mut steps = Vec::new();
    while let Some(row) = rows.next()? {
        let (who, name): (String, Option<String>) = (row.get(2)?, row.get(3)?);
        let who = match who.as_str() {
            "author" => Who::Author,
            "account" => Who::Account,
            "platform" => Who::Platform,
            "person" if name.as_deref() == Some(MACHINE) => Who::Uppsikt,
            "person" => Who::Person,
            _ => Who::Unknown,
        };
        steps.push(StepView { at: moment(&row.get::<_, String>(0)?)?, what: row.get(1)?, who, name });
    }
    Ok(steps)
}
