//! What rules and categories on trial have found, so that a municipality can judge them before they count.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rusqlite::params;
use serde::Serialize;

use super::{Reader, Result, code, judgements, stamp};
use crate::domain::case::CaseId;
use crate::domain::category::Category;

/// So many comments are named of each rule.
const MOST_NAMED: usize = 20;

/// What one rule on trial has found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tried {
    /// The rule.
    pub rule: String,
    /// The category.
    pub category: Category,
    /// Findings in the band look.
    pub look: u64,
    /// Findings in the band obvious.
    pub obvious: u64,
    /// Texts in which it found something.
    pub texts: u64,
    /// Of these, those in which nothing else was found: what turning it on would add.
    pub alone: u64,
    /// Of the comments, those that a person decided to hide or remove.
    pub hidden: u64,
    /// Of the comments, those that a person decided to keep.
    pub kept: u64,
    /// The newest comments, by case, or by account and id.
    pub comments: Vec<String>,
}

/// How many findings on trial there are in texts judged since `since`.
///
/// # Errors
/// Engine errors.
pub fn count(reader: &Reader, since: DateTime<Utc>) -> Result<u64> {
    Ok(reader.query_row(
        "select count(*) from assessment a, json_each(a.notes, '$.shadow') where a.notes <> '{}' and a.at >= ?1",
        params![stamp(since)],
        |row| row.get(0),
    )?)
}

/// What was found on trial in texts judged since `since`, most first.
///
/// # Errors
/// Engine errors; rows that hold what they should not.
pub fn found(reader: &Reader, since: DateTime<Utc>) -> Result<Vec<Tried>> {
    let mut query = reader.prepare(
        "select json_extract(f.value, '$.rule'), json_extract(f.value, '$.category'),
             json_extract(f.value, '$.band') = 'obvious', a.version, a.findings = '[]', k.id, c.account, c.native_id,
             (select d.outcome from decision d join decision_state s on s.decision = d.id
              where d.case_id = k.id and d.rule is null and d.outcome in ('hide', 'remove', 'keep')
                and s.state in ('ready', 'entered') order by d.id desc limit 1)
         from assessment a, json_each(a.notes, '$.shadow') f
         join version v on v.id = a.version join comment c on c.id = v.comment left join case_file k on k.comment = c.id
         where a.notes <> '{}' and a.at >= ?1 order by a.version desc",
    )?;
    let mut all: BTreeMap<(String, String), (Tried, i64)> = BTreeMap::new();
    let mut rows = query.query(params![stamp(since)])?;
    while let Some(row) = rows.next()? {
        let (rule, category): (String, String) = (row.get(0)?, row.get(1)?);
        let parsed: Category = code(&category)?;
        let (tried, last) = all.entry((rule.clone(), category)).or_insert_with(|| {
            let none = Tried {
                rule,
                category: parsed,
                look: 0,
                obvious: 0,
                texts: 0,
                alone: 0,
                hidden: 0,
                kept: 0,
                comments: Vec::new(),
            };
            (none, -1)
        });
        if row.get(2)? {
            tried.obvious += 1;
        } else {
            tried.look += 1;
        }
        let version: i64 = row.get(3)?;
        if version == *last {
            continue;
        }
        *last = version;
        tried.texts += 1;
        tried.alone += u64::from(row.get::<_, bool>(4)?);
        match row.get::<_, Option<String>>(8)?.as_deref() {
            Some("keep") => tried.kept += 1,
            Some(_) => tried.hidden += 1,
            None => {}
        }
        let (account, native): (String, String) = (row.get(6)?, row.get(7)?);
        let name = judgements::name(row.get::<_, Option<i64>>(5)?.map(CaseId), &account, &native);
        if tried.comments.len() < MOST_NAMED && !tried.comments.contains(&name) {
            tried.comments.push(name);
        }
    }
    let mut all: Vec<Tried> = all.into_values().map(|(tried, _)| tried).collect();
    all.sort_by(|one, two| two.texts.cmp(&one.texts).then_with(|| one.rule.cmp(&two.rule)));
    Ok(all)
}
