//! Everything about one case.

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, params};
use serde::Serialize;

use super::super::purges::Purge;
use super::super::{
    Reader, Result, StoreError, cases, code, comments, decisions, json, media, moment, posts, purges, records,
};
use super::history::{StepView, history};
use super::{CaseView, case};
use crate::domain::case::{CaseId, Outcome};
use crate::domain::category::{Category, Proposal};
use crate::domain::classify::Finding;
use crate::domain::comment::{Attachment, Author};
use crate::domain::media::MediaAnswer;

/// The most replies shown beside a comment; the rest are counted.
const MOST_REPLIES: usize = 20;

/// Everything about one case: the contract's keys, and those that explain.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CaseFile {
    /// The contract's keys.
    #[serde(flatten)]
    pub view: CaseView,
    /// The platform's id of the post it stands under.
    pub post_id: String,
    /// How the comment stood when last seen.
    pub sighting: &'static str,
    /// Older than the start of the watch: no duty, letter or act.
    pub old: bool,
    /// The post, if it has been seen.
    pub post: Option<PostView>,
    /// The comment it answers, if it has been seen.
    pub parent: Option<ReplyView>,
    /// What was answered to it, oldest first; at most twenty.
    pub replies: Vec<ReplyView>,
    /// How many replies there are in all.
    pub replies_in_all: usize,
    /// Every text it has had, oldest first; never empty.
    pub versions: Vec<VersionView>,
    /// The pictures, films and sounds beside the newest text.
    pub media: MediaView,
    /// Every decision, oldest first.
    pub decisions: Vec<DecisionView>,
    /// Every log entry of its records, in log order.
    pub events: Vec<EventView>,
    /// Changes that Uppsikt did not make, by nobody knows whom (N7).
    pub outside: Vec<OutsideView>,
    /// All of it, step by step: when, and who did it as far as anybody tells.
    pub history: Vec<StepView>,
    /// When somebody answered.
    pub answered_at: Option<DateTime<Utc>>,
    /// When the case was opened.
    pub opened_at: DateTime<Utc>,
    /// Since when it is in its state.
    pub state_at: DateTime<Utc>,
}

impl CaseFile {
    /// The newest text with what was found in it.
    ///
    /// # Errors
    /// `Corrupt` for a comment without a version, which the store never writes.
    pub fn newest(&self) -> Result<&VersionView> {
        self.versions.last().ok_or_else(|| StoreError::Corrupt(format!("{} has no text", self.view.case)))
    }

    /// The proposal that waits for another person.
    pub fn waiting(&self) -> Option<&DecisionView> {
        self.decisions.iter().rev().find(|decision| decision.state == "waiting")
    }
}

/// A post of the municipality.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PostView {
    /// Its text; may be empty.
    pub text: String,
    /// When it was published (UTC).
    pub created_at: DateTime<Utc>,
    /// Its public address.
    pub permalink: Option<String>,
    /// When it was found to be no longer there (UTC).
    pub gone_at: Option<DateTime<Utc>>,
    /// How many texts it has had.
    pub versions: usize,
}

/// Another comment in the thread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReplyView {
    /// Who wrote it.
    pub author: Author,
    /// The platform's own time (UTC).
    pub created_at: DateTime<Utc>,
    /// The newest text.
    pub text: String,
    /// Written by the municipality's account.
    pub ours: bool,
    /// Other people do not see it.
    pub hidden: bool,
}

/// One text of the comment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VersionView {
    /// 1, 2, …
    pub n: u32,
    /// When Uppsikt first saw it (UTC).
    pub seen_at: DateTime<Utc>,
    /// The text.
    pub text: String,
    /// What stands beside it.
    pub attachments: Vec<Attachment>,
    /// True where it is the same text, stored anew with what a person said of the pictures beside it.
    pub media: bool,
    /// What the rules found; byte offsets into this text.
    pub findings: Vec<Finding>,
    /// What the rules suggested; absent until it was judged.
    pub proposal: Option<Proposal>,
    /// When and why the text is not kept any more, where a platform's terms and a decision say so.
    pub purged: Option<Purge>,
    /// Its record, once preserved.
    pub record: Option<RecordView>,
}

/// What is known and kept of the pictures, films and sounds beside a text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct MediaView {
    /// A person must look and say what it is before the comment can be hidden.
    pub unseen: bool,
    /// It is being fetched; nothing is hidden before that is over.
    pub fetching: bool,
    /// What a person said of it.
    pub answer: Option<MediaAnswer>,
    /// Who said it.
    pub by: Option<String>,
    /// When (UTC).
    pub at: Option<DateTime<Utc>>,
    /// Why nothing, or not everything, was kept.
    pub not_kept: Option<String>,
    /// What is kept: path below `data/`, SHA-256 (hex) and bytes.
    pub kept: Vec<(String, String, u64)>,
    /// Nobody may open it until the police have answered.
    pub blocked: bool,
}

/// What is preserved of one text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordView {
    /// The record's id.
    pub id: String,
    /// The index of its snapshot in the log.
    pub snapshot: Option<u64>,
    /// When the evidence was taken (UTC).
    pub taken_at: DateTime<Utc>,
    /// True for a request for this one comment, false for its element of a list.
    pub single: bool,
    /// SHA-256 of the pack file (hex).
    pub pack: Option<String>,
    /// Its number in Uppsikt's diary.
    pub dnr: Option<String>,
}

/// One decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DecisionView {
    /// Person id, or `uppsikt` for a decided automatism.
    pub person: String,
    /// The operating-system account that entered it, or `desk`.
    pub os_user: String,
    /// What was decided.
    pub outcome: Outcome,
    /// When (UTC).
    pub at: DateTime<Utc>,
    /// The rule, for automatic ones.
    pub rule: Option<String>,
    /// Why; absent once disposed of.
    pub reason: Option<String>,
    /// waiting, ready, entered, refused, void.
    pub state: String,
    /// The number of the text that was decided on.
    pub version: u32,
    /// True where it completed or refused an earlier proposal.
    pub answers_proposal: bool,
}

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventView {
    /// Its index.
    pub index: u64,
    /// What it tells.
    pub t: String,
    /// When (UTC).
    pub at: DateTime<Utc>,
    /// The record.
    pub record: String,
}

/// A change that Uppsikt did not make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutsideView {
    /// When it was seen (UTC).
    pub at: DateTime<Utc>,
    /// How the comment then stood.
    pub sighting: String,
    /// The platform itself holds it back, as its lists say; otherwise nobody tells who did it.
    pub held: bool,
}

/// Everything about one case.
///
/// # Errors
/// `Conflict` when there is none; engine errors.
pub fn file(reader: &Reader, id: CaseId) -> Result<CaseFile> {
    let view = case(reader, id)?;
    let row = cases::get(reader, id)?;
    let stored = comments::get(reader, row.comment)?;
    let post = comments::post(reader, &stored.comment.account, &stored.post_id)?;
    let parent = match &stored.parent_id {
        None => None,
        Some(native) => {
            let parent = crate::domain::comment::CommentId {
                account: stored.comment.account.clone(),
                native: native.clone(),
            };
            comments::find(reader, &parent)?.map(|parent| ReplyView {
                hidden: parent.sighting.is_hidden(),
                author: parent.author,
                created_at: parent.created_at,
                text: parent.version.text,
                ours: parent.ours,
            })
        }
    };
    let (replies, replies_in_all) = replies(reader, &stored)?;
    let versions = versions(reader, row.comment)?;
    let decisions = decided(reader, id)?;
    let media = media_of(reader, &stored)?;
    Ok(CaseFile {
        media,
        view,
        post_id: stored.post_id.clone(),
        sighting: stored.sighting.code(),
        old: stored.old,
        post: post
            .map(|post| {
                Ok::<_, StoreError>(PostView {
                    gone_at: posts::gone_at(reader, &stored.comment.account, &stored.post_id)?,
                    versions: posts::versions(reader, &stored.comment.account, &stored.post_id)?.len(),
                    text: post.text,
                    created_at: post.created_at,
                    permalink: post.permalink,
                })
            })
            .transpose()?,
        parent,
        replies,
        replies_in_all,
        versions,
        decisions,
        events: events(reader, id)?,
        outside: outside(reader, row.comment)?,
        history: history(reader, id, row.comment)?,
        answered_at: row.answered_at,
        opened_at: row.opened_at,
        state_at: row.state_at,
    })
}

fn replies(reader: &Reader, stored: &comments::StoredComment) -> Result<(Vec<ReplyView>, usize)> {
    let condition = "from comment c join version v on v.comment = c.id
            and v.n = (select max(n) from version where comment = c.id)
        where c.account = ?1 and c.post_id = ?2 and c.parent_id = ?3";
    let names = params![stored.comment.account, stored.post_id, stored.comment.native];
    let all = reader.query_row(&format!("select count(*) {condition}"), names, |row| row.get(0))?;
    // The municipality's own answers are never crowded out by strangers' replies.
    let mut query = reader.prepare_cached(&format!(
        "select * from (select c.author_id, c.author_name, c.created_at, v.text, c.ours, c.sighting {condition}
             order by c.ours desc, c.created_at, c.id limit {MOST_REPLIES}) order by created_at"
    ))?;
    let mut rows = query.query(names)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(ReplyView {
            author: Author { id: row.get(0)?, name: row.get(1)? },
            created_at: moment(&row.get::<_, String>(2)?)?,
            text: row.get(3)?,
            ours: row.get(4)?,
            hidden: matches!(row.get::<_, String>(5)?.as_str(), "hidden" | "hidden_by_us"),
        });
    }
    Ok((found, all))
}

fn media_of(reader: &Reader, stored: &comments::StoredComment) -> Result<MediaView> {
    let version = stored.version.id;
    let record = records::of_version(reader, version)?;
    let mut view = MediaView {
        unseen: media::is_unseen(reader, stored)?,
        blocked: record.is_some_and(|record| media::is_blocked(reader, &record.id).unwrap_or(true)),
        kept: media::captures(reader, version)?
            .into_iter()
            .map(|capture| (capture.path, capture.sha256, capture.bytes.len() as u64))
            .collect(),
        ..MediaView::default()
    };
    if let Some(review) = media::review(reader, version)? {
        view.fetching = review.made.is_none();
        view.answer = Some(review.answer);
        view.by = Some(review.person);
        view.at = Some(review.at);
        view.not_kept = Some(review.reason).filter(|reason| !reason.is_empty());
    }
    Ok(view)
}

fn versions(reader: &Reader, comment: i64) -> Result<Vec<VersionView>> {
    let mut query = reader.prepare_cached(
        "select v.id, v.n, v.seen_at, v.text, v.attachments, v.why = 'media' from version v where v.comment = ?1 order by v.n",
    )?;
    let mut rows = query.query([comment])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let judged = cases::assessment(reader, id)?;
        let record = records::of_version(reader, id)?.filter(|record| record.pack_digest.is_some());
        let record = record.map(|record| record_view(reader, record)).transpose()?;
        found.push(VersionView {
            n: row.get(1)?,
            seen_at: moment(&row.get::<_, String>(2)?)?,
            text: row.get(3)?,
            attachments: json(&row.get::<_, String>(4)?)?,
            media: row.get(5)?,
            proposal: judged.as_ref().map(|judged| judged.assessment.proposal),
            purged: purges::of_version(reader, id)?,
            findings: judged.map(|judged| judged.assessment.findings).unwrap_or_default(),
            record,
        });
    }
    Ok(found)
}

fn record_view(reader: &Reader, record: records::Record) -> Result<RecordView> {
    Ok(RecordView {
        snapshot: super::super::log::index_of(reader, &record.id, "snapshot")?,
        dnr: super::super::diary::of_record(reader, &record.id)?,
        id: record.id,
        taken_at: record.look_at,
        single: record.single,
        pack: record.pack_digest,
    })
}

fn decided(reader: &Reader, id: CaseId) -> Result<Vec<DecisionView>> {
    let mut number = reader.prepare_cached("select n from version where id = ?1")?;
    decisions::of_case(reader, id)?
        .into_iter()
        .map(|decision| {
            Ok(DecisionView {
                version: number
                    .query_row([decision.version], |row| row.get(0))
                    .optional()?
                    .unwrap_or_default(),
                person: decision.person,
                os_user: decision.os_user,
                outcome: decision.outcome,
                at: decision.at,
                rule: decision.rule,
                reason: decision.reason,
                state: decision.state,
                answers_proposal: decision.completes.is_some(),
            })
        })
        .collect()
}

fn events(reader: &Reader, id: CaseId) -> Result<Vec<EventView>> {
    let mut query = reader.prepare_cached(
        "select e.idx, e.t, e.at, r.id from record r join entry e on e.record = r.id where r.case_id = ?1 order by e.idx",
    )?;
    let mut rows = query.query([id.0])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(EventView {
            index: row.get(0)?,
            t: row.get(1)?,
            at: moment(&row.get::<_, String>(2)?)?,
            record: row.get(3)?,
        });
    }
    Ok(found)
}

fn outside(reader: &Reader, comment: i64) -> Result<Vec<OutsideView>> {
    let mut query = reader.prepare_cached(
        "select at, sighting, held from sighting where comment = ?1 and source = 'outside' order by id",
    )?;
    let mut rows = query.query([comment])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let at = moment(&row.get::<_, String>(0)?)?;
        found.push(OutsideView { at, sighting: row.get(1)?, held: row.get(2)? });
    }
    Ok(found)
}

/// What became of the last ten comments that persons decided on under the same point, newest first (N21).
///
/// # Errors
/// Engine errors.
pub fn same_point(reader: &Reader, category: Category, except: CaseId) -> Result<Vec<Outcome>> {
    let mut query = reader.prepare_cached(
        "select d.outcome from decision d join decision_state s on s.decision = d.id
         join assessment a on a.version = d.version
         where d.outcome in ('hide', 'remove', 'keep') and d.rule is null and s.state in ('ready', 'entered')
           and d.case_id <> ?2
           and exists (select 1 from json_each(a.findings) f where json_extract(f.value, '$.category') = ?1)
         order by d.id desc limit 10",
    )?;
    let mut rows = query.query(params![category.code(), except.0])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(code(&row.get::<_, String>(0)?)?);
    }
    Ok(found)
}
