//! What happened under an account from one moment to another, counted: never by who wrote, never by opinion (L7, L18).
//!
//! Everything is counted by events that lie in the span, as they stood at its end, so that the same span gives the same
//! figures whenever it is asked for, as long as nothing of it has been disposed of.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use rusqlite::params;
use serde::Serialize;

use super::decisions::MACHINE;
use super::{Reader, Result, code, json, moment, stamp};
use crate::domain::case::{CaseId, Outcome};
use crate::domain::category::Category;
use crate::domain::classify::{Band, Finding};
use crate::domain::duty::{Kind, Period};
use crate::domain::month::percentile;

/// From the first moment, until the second, which is no longer in it (UTC).
pub type Span = (DateTime<Utc>, DateTime<Utc>);

/// What happened under one account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// What was received.
    pub comments: Comments,
    /// Comments in which the rules found a category, by its code.
    pub found: BTreeMap<String, Found>,
    /// Decisions that are complete, by outcome.
    pub decided: BTreeMap<String, Decided>,
    /// What was done on the platform, by kind of receipt: `hidden`, `restored` …
    pub done: BTreeMap<String, u64>,
    /// Changes on the platform that Uppsikt did not make, by how the comment then stood.
    pub outside: BTreeMap<String, u64>,
    /// Duties that fell due, by kind.
    pub duties: BTreeMap<String, Duties>,
    /// Seconds from a comment to its answer, of comments that were answered in the span.
    pub answered: Times,
    /// Seconds from the flag to the moment at which the comment was seen hidden.
    pub hidden_after: Times,
    /// Seconds from the first letter about a flagged comment to the first decision on it.
    pub decided_after_letter: Times,
    /// Rules behind what was hidden, and how often it was made public again; by rule.
    pub rules: BTreeMap<String, RuleFigures>,
}

/// What was received.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Comments {
    /// Comments of visitors.
    pub received: u64,
    /// Of these, entered by hand.
    pub by_hand: u64,
    /// Older than the watch: kept and searchable, without deadline.
    pub older: u64,
    /// Written by the municipality's account.
    pub ours: u64,
}

/// Comments with a finding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Found {
    /// A person was to look.
    pub look: u64,
    /// Beyond doubt, by the rules.
    pub obvious: u64,
}

/// Complete decisions of one outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Decided {
    /// By persons.
    pub persons: u64,
    /// By a rule, where that was decided by name.
    pub rules: u64,
}

/// Duties of one kind that fell due in the span, as they stood at its end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Duties {
    /// All of them.
    pub due: u64,
    /// Done by then.
    pub in_time: u64,
    /// Done afterwards.
    pub late: u64,
    /// Not done.
    pub missed: u64,
    /// Of the late and the missed: those found only after they had fallen due (R37).
    pub found_late: u64,
    /// Outrun by something else, or their reason was gone.
    pub fell_away: u64,
    /// Seconds from what started the clock until it was done or, for danger, somebody said that they acted.
    pub took: Times,
}

/// Times in seconds. Medians and percentiles are values that occurred (nearest rank).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Times(pub Vec<i64>);

impl Times {
    /// Half of them took no longer.
    pub fn median(&self) -> Option<i64> {
        percentile(&self.0, 50)
    }

    /// Nineteen of twenty took no longer.
    pub fn most(&self) -> Option<i64> {
        percentile(&self.0, 95)
    }
}

impl Serialize for Times {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Told {
            count: usize,
            median_seconds: Option<i64>,
            p95_seconds: Option<i64>,
        }
        Told { count: self.0.len(), median_seconds: self.median(), p95_seconds: self.most() }
            .serialize(serializer)
    }
}

/// What became of the hides that rest on a rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct RuleFigures {
    /// Cases that were hidden or removed.
    pub hidden: u64,
    /// Of these, made public again by a person before the span's end.
    pub restored: u64,
}

/// A decision that a rule made, for the list that goes to the board (7 kap. 8 § kommunallagen).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Automatic {
    /// The case.
    pub case: String,
    /// Its number in the diary.
    pub dnr: Option<String>,
    /// When (UTC).
    pub at: DateTime<Utc>,
    /// The rule.
    pub rule: String,
    /// What the rule found.
    pub category: Option<Category>,
    /// When a person looked at it afterwards (UTC); absent while nobody has.
    pub looked_at: Option<DateTime<Utc>>,
    /// What that person decided.
    pub outcome: Option<Outcome>,
}

/// What a board's diary received.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Diary {
    /// Numbers given.
    pub registered: u64,
    /// Of these, marked as possibly secret.
    pub secrecy: u64,
    /// Numbers annulled.
    pub annulled: u64,
    /// Numbers given before the span's end that still have no number in the municipality's own register.
    pub without_external: u64,
}

/// What happened under `account` in `span`.
///
/// # Errors
/// Engine errors; rows that do not hold what they should.
pub fn figures(reader: &Reader, account: &str, span: Span) -> Result<Figures> {
    Ok(Figures {
        comments: comments(reader, account, span)?,
        found: found(reader, account, span)?,
        decided: decided(reader, account, span)?,
        done: counted(
            reader,
            "select r.kind, count(*) from receipt r join intent i on i.id = r.intent join comment c on c.id = i.comment
             where c.account = ?1 and r.at >= ?2 and r.at < ?3 group by 1",
            account,
            span,
        )?,
        outside: counted(
            reader,
            "select s.sighting, count(*) from sighting s join comment c on c.id = s.comment
             where s.source = 'outside' and c.account = ?1 and s.at >= ?2 and s.at < ?3 group by 1",
            account,
            span,
        )?,
        duties: duties(reader, account, span)?,
        answered: times(
            reader,
            "select min(trigger_at), max(closed_at) from duty
             where account = ?1 and closed_at >= ?2 and closed_at < ?3 and kind like 'answer\\_%' escape '\\'
               and outcome in ('answered', 'answered_jointly') and case_id is not null
             group by case_id order by case_id",
            account,
            span,
        )?,
        hidden_after: times(
            reader,
            "select k.opened_at, min(r.at) from receipt r join intent i on i.id = r.intent
             join case_file k on k.id = i.case_id join comment c on c.id = k.comment
             where c.account = ?1 and r.at >= ?2 and r.at < ?3 and r.kind in ('hidden', 'removed')
             group by k.id order by k.id",
            account,
            span,
        )?,
        decided_after_letter: times(
            reader,
            "select min(l.sent_at), d.at from decision d join decision_state s on s.decision = d.id
             join case_file k on k.id = d.case_id join comment c on c.id = k.comment
             join duty y on y.case_id = k.id join letter_duty j on j.duty = y.id join letter l on l.id = j.letter
             where c.account = ?1 and d.at >= ?2 and d.at < ?3 and d.rule is null
               and l.sent_at is not null and l.sent_at <= d.at
               and d.id = (select min(o.id) from decision o where o.case_id = k.id and o.rule is null)
             group by d.id order by d.id",
            account,
            span,
        )?,
        rules: rules(reader, account, span)?,
    })
}

fn words((from, to): Span) -> (String, String) {
    (stamp(from), stamp(to))
}

fn comments(reader: &Reader, account: &str, span: Span) -> Result<Comments> {
    let (from, to) = words(span);
    Ok(reader.query_row(
        "select count(*) filter (where ours = 0 and old = 0),
                count(*) filter (where ours = 0 and old = 0 and i.comment is not null),
                count(*) filter (where ours = 0 and old = 1),
                count(*) filter (where ours = 1)
         from comment c left join intake i on i.comment = c.id
         where c.account = ?1 and c.first_seen_at >= ?2 and c.first_seen_at < ?3",
        params![account, from, to],
        |row| {
            Ok(Comments {
                received: row.get(0)?,
                by_hand: row.get(1)?,
                older: row.get(2)?,
                ours: row.get(3)?,
            })
        },
    )?)
}

/// Each comment once a category, in the strongest band that any of its texts had.
fn found(reader: &Reader, account: &str, span: Span) -> Result<BTreeMap<String, Found>> {
    let (from, to) = words(span);
    let mut query = reader.prepare_cached(
        "select c.id, a.findings from assessment a join version v on v.id = a.version join comment c on c.id = v.comment
         where c.account = ?1 and c.ours = 0 and c.old = 0 and a.at >= ?2 and a.at < ?3 and a.findings <> '[]'",
    )?;
    let mut rows = query.query(params![account, from, to])?;
    let mut strongest: BTreeMap<(Category, i64), Band> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let findings: Vec<Finding> = json(&row.get::<_, String>(1)?)?;
        for finding in findings {
            let band = strongest.entry((finding.category, row.get(0)?)).or_insert(finding.band);
            if finding.band == Band::Obvious {
                *band = Band::Obvious;
            }
        }
    }
    let mut found: BTreeMap<String, Found> = BTreeMap::new();
    for ((category, _), band) in strongest {
        let row = found.entry(category.code().to_owned()).or_default();
        match band {
            Band::Look => row.look += 1,
            Band::Obvious => row.obvious += 1,
        }
    }
    Ok(found)
}

/// A proposal that another person completed is one decision, and counts when it was complete.
fn decided(reader: &Reader, account: &str, span: Span) -> Result<BTreeMap<String, Decided>> {
    let (from, to) = words(span);
    let mut query = reader.prepare_cached(
        "select d.outcome, count(*) filter (where d.person <> ?4), count(*) filter (where d.person = ?4)
         from decision d join decision_state s on s.decision = d.id
         join case_file k on k.id = d.case_id join comment c on c.id = k.comment
         where c.account = ?1 and d.at >= ?2 and d.at < ?3 and s.state in ('ready', 'entered')
           and not exists (select 1 from decision o where o.completes = d.id)
         group by 1",
    )?;
    let rows = query.query_map(params![account, from, to, MACHINE], |row| {
        Ok((row.get(0)?, Decided { persons: row.get(1)?, rules: row.get(2)? }))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn counted(reader: &Reader, sql: &str, account: &str, span: Span) -> Result<BTreeMap<String, u64>> {
    let (from, to) = words(span);
    let mut query = reader.prepare_cached(sql)?;
    let rows = query.query_map(params![account, from, to], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Seconds between two moments of each row.
fn times(reader: &Reader, sql: &str, account: &str, span: Span) -> Result<Times> {
    let (from, to) = words(span);
    let mut query = reader.prepare_cached(sql)?;
    let mut rows = query.query(params![account, from, to])?;
    let mut times = Times::default();
    while let Some(row) = rows.next()? {
        let (begun, ended): (String, String) = (row.get(0)?, row.get(1)?);
        times.0.push((moment(&ended)? - moment(&begun)?).num_seconds().max(0));
    }
    Ok(times)
}

fn duties(reader: &Reader, account: &str, span: Span) -> Result<BTreeMap<String, Duties>> {
    let (from, to) = words(span);
    let mut query = reader.prepare_cached(
        "select kind, trigger_at, found_at, due_at, outcome, closed_at, acknowledged_at, state = 'superseded'
         from duty where account = ?1 and due_at >= ?2 and due_at < ?3",
    )?;
    let mut rows = query.query(params![account, from, to])?;
    let mut duties: BTreeMap<String, Duties> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let kind: String = row.get(0)?;
        let at = |column: usize| -> Result<DateTime<Utc>> { moment(&row.get::<_, String>(column)?) };
        let then = |column: usize| -> Result<Option<DateTime<Utc>>> {
            let text: Option<String> = row.get(column)?;
            // What happened after the span's end is not known in it.
            Ok(text.as_deref().map(moment).transpose()?.filter(|at| *at < span.1))
        };
        let (trigger, found, due) = (at(1)?, at(2)?, at(3)?);
        let missed = row.get::<_, Option<String>>(4)?.as_deref() == Some("missed");
        let (closed, acknowledged) = (then(5)?, then(6)?);
        let figures = duties.entry(kind.clone()).or_default();
        figures.due += 1;
        if closed.is_some() && row.get(7)? {
            figures.fell_away += 1;
            continue;
        }
        let acted = acknowledged.into_iter().chain(closed.filter(|_| !missed)).min();
        if let Some(acted) = acted {
            figures.took.0.push((acted - trigger).num_seconds().max(0));
        }
        // What is due at once has no time to keep: how long it took is told instead.
        if Kind::named(&kind).is_some_and(|kind| kind.period == Period::AtOnce) {
            continue;
        }
        let well = match closed.filter(|_| !missed) {
            Some(closed) if closed <= due => {
                figures.in_time += 1;
                true
            }
            Some(_) => {
                figures.late += 1;
                false
            }
            None => {
                figures.missed += 1;
                false
            }
        };
        figures.found_late += u64::from(!well && found >= due);
    }
    Ok(duties)
}

/// The rules whose findings stand in the texts that were decided to be hidden, each once a case.
fn rules(reader: &Reader, account: &str, span: Span) -> Result<BTreeMap<String, RuleFigures>> {
    let (from, to) = words(span);
    let mut query = reader.prepare_cached(
        "select k.id, a.findings,
                exists (select 1 from receipt r join intent i on i.id = r.intent
                        where i.case_id = k.id and r.kind = 'restored' and r.at < ?3)
         from decision d join decision_state s on s.decision = d.id join case_file k on k.id = d.case_id
         join comment c on c.id = k.comment join assessment a on a.version = d.version
         where c.account = ?1 and d.at >= ?2 and d.at < ?3 and d.outcome in ('hide', 'remove')
           and s.state in ('ready', 'entered')",
    )?;
    let mut rows = query.query(params![account, from, to])?;
    let mut seen: BTreeSet<(i64, String)> = BTreeSet::new();
    let mut rules: BTreeMap<String, RuleFigures> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let findings: Vec<Finding> = json(&row.get::<_, String>(1)?)?;
        for finding in findings {
            if seen.insert((row.get(0)?, finding.rule.clone())) {
                let figures = rules.entry(finding.rule).or_default();
                figures.hidden += 1;
                figures.restored += u64::from(row.get::<_, bool>(2)?);
            }
        }
    }
    Ok(rules)
}

/// Every decision that a rule made under `account` in `span`, oldest first, with what a person said of it before the
/// span's end (N9).
///
/// # Errors
/// Engine errors; rows that do not hold what they should.
pub fn automatic(reader: &Reader, account: &str, span: Span) -> Result<Vec<Automatic>> {
    let (from, to) = words(span);
    let mut query = reader.prepare_cached(
        "select k.id, d.at, d.rule, a.findings,
                (select y.number from diary y where y.case_id = k.id and y.registered_at < ?3 order by y.n limit 1),
                (select o.at from decision o where o.case_id = k.id and o.id > d.id and o.rule is null and o.at < ?3
                 order by o.id limit 1),
                (select o.outcome from decision o where o.case_id = k.id and o.id > d.id and o.rule is null and o.at < ?3
                 order by o.id limit 1)
         from decision d join case_file k on k.id = d.case_id join comment c on c.id = k.comment
         left join assessment a on a.version = d.version
         where c.account = ?1 and d.at >= ?2 and d.at < ?3 and d.person = ?4 order by d.id",
    )?;
    let mut rows = query.query(params![account, from, to, MACHINE])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let rule: String = row.get::<_, Option<String>>(2)?.unwrap_or_default();
        let findings: Option<String> = row.get(3)?;
        let findings: Vec<Finding> = findings.as_deref().map(json).transpose()?.unwrap_or_default();
        let category = findings.iter().find(|finding| finding.rule == rule).map(|finding| finding.category);
        let (looked, outcome): (Option<String>, Option<String>) = (row.get(5)?, row.get(6)?);
        all.push(Automatic {
            case: CaseId(row.get(0)?).to_string(),
            dnr: row.get(4)?,
            at: moment(&row.get::<_, String>(1)?)?,
            rule,
            category,
            looked_at: looked.as_deref().map(moment).transpose()?,
            outcome: outcome.as_deref().map(code).transpose()?,
        });
    }
    Ok(all)
}

/// What the diary of `board` received in `span`.
///
/// # Errors
/// Engine errors.
pub fn diary(reader: &Reader, board: &str, span: Span) -> Result<Diary> {
    let (from, to) = words(span);
    Ok(reader.query_row(
        "select count(*) filter (where registered_at >= ?2),
                count(*) filter (where registered_at >= ?2 and secrecy = 1),
                count(*) filter (where annulled_at >= ?2 and annulled_at < ?3),
                count(*) filter (where annulled_at is null and k.external_dnr is null)
         from diary d join case_file k on k.id = d.case_id where d.board = ?1 and d.registered_at < ?3",
        params![board, from, to],
        |row| {
            Ok(Diary {
                registered: row.get(0)?,
                secrecy: row.get(1)?,
                annulled: row.get(2)?,
                without_external: row.get(3)?,
            })
        },
    )?)
}

/// How many entries the log had at a moment.
///
/// # Errors
/// Engine errors.
pub fn entries_before(reader: &Reader, at: DateTime<Utc>) -> Result<u64> {
    Ok(reader.query_row("select count(*) from entry where at < ?1", [stamp(at)], |row| row.get(0))?)
}
