//! What the weekend left behind, read from the store: the telling says nothing that does not stand there.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::domain::case::{CaseState, Outcome};
use crate::domain::category::Category;
use crate::domain::classify::{Assessment, Finding};
use crate::moves::ANSWER_KINDS;
use crate::store::cases::{self, Case};
use crate::store::comments::{self, StoredComment};
use crate::store::decisions::{self, Decision};
use crate::store::duties::{self, Duty};
use crate::store::letters::{self, StoredLetter};
use crate::store::log::{self, StoredEntry};
use crate::store::{Reader, Result, StoreError, diary, records};

/// Everything that is told.
#[derive(Debug)]
pub(super) struct Story {
    /// The posts of the weekend with their texts, oldest first.
    pub(super) posts: Vec<(String, String)>,
    /// All comments, the municipality's own too, by post and time.
    pub(super) comments: Vec<StoredComment>,
    /// All cases, oldest first.
    pub(super) files: Vec<File>,
    /// All letters, oldest first.
    pub(super) letters: Vec<StoredLetter>,
    /// The entries of the log, counted by kind.
    pub(super) entries: BTreeMap<String, usize>,
}

/// One case.
#[derive(Debug)]
pub(super) struct File {
    pub(super) case: Case,
    pub(super) comment: StoredComment,
    /// What the rules say of its newest text.
    pub(super) judged: Option<Assessment>,
    pub(super) duties: Vec<Duty>,
    pub(super) decisions: Vec<Decision>,
    pub(super) kept: Vec<Kept>,
}

/// One preserved version.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) number: Option<String>,
    pub(super) entries: Vec<StoredEntry>,
}

impl Story {
    /// Reads what there is about the posts with these native ids.
    pub(super) fn read(reader: &Reader, account: &str, posts: &[String]) -> Result<Self> {
        let mut story = Self {
            posts: Vec::new(),
            comments: Vec::new(),
            files: Vec::new(),
            letters: letters::all(reader)?,
            entries: BTreeMap::new(),
        };
        for native in posts {
            let text = comments::post(reader, account, native)?.map(|post| post.text).unwrap_or_default();
            story.posts.push((native.clone(), text));
            story.comments.extend(comments::thread(reader, account, native)?);
        }
        for comment in &story.comments {
            if let Some(case) = cases::of_comment(reader, comment.id)? {
                story.files.push(File::read(reader, case, comment.clone())?);
            }
        }
        story.files.sort_by_key(|file| file.case.id);
        for leaf in log::leaves(reader, 0, log::size(reader)?)? {
            let leaf: serde_json::Value = serde_json::from_slice(&leaf)
                .map_err(|error| StoreError::Corrupt(format!("a log entry: {error}")))?;
            *story.entries.entry(leaf["t"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
        }
        Ok(story)
    }

    /// The case whose bundle is shown: one with a danger in it that was seen hidden, else the first seen hidden.
    pub(super) fn shown(&self) -> Option<&File> {
        let mut hidden = self.files.iter().filter(|file| file.seen("hidden").is_some());
        hidden
            .clone()
            .find(|file| file.findings().iter().any(|finding| finding.category == Category::Threat))
            .or_else(|| hidden.next())
    }

    /// The case that a person who clicks would begin with: open, flagged, the newest.
    pub(super) fn open(&self) -> Option<&File> {
        let open = |file: &&File| file.case.state == CaseState::Open && !file.comment.old;
        self.files.iter().rev().filter(open).max_by_key(|file| file.is_flagged())
    }
}

impl File {
    fn read(reader: &Reader, case: Case, comment: StoredComment) -> Result<Self> {
        let judged = cases::assessment(reader, comment.version.id)?.map(|judged| judged.assessment);
        let mut kept = Vec::new();
        for record in records::of_case(reader, case.id)? {
            kept.push(Kept {
                number: diary::of_record(reader, &record.id)?,
                entries: log::of_record(reader, &record.id)?,
            });
        }
        Ok(Self {
            judged,
            duties: duties::of_case(reader, case.id)?,
            decisions: decisions::of_case(reader, case.id)?,
            kept,
            case,
            comment,
        })
    }

    /// What the rules found in its newest text.
    pub(super) fn findings(&self) -> &[Finding] {
        self.judged.as_ref().map_or(&[], |judged| &judged.findings)
    }

    /// Whether the rules found something that a person must see.
    pub(super) fn is_flagged(&self) -> bool {
        !self.findings().is_empty()
    }

    /// The duties to answer.
    pub(super) fn answers(&self) -> impl Iterator<Item = &Duty> {
        self.duties.iter().filter(|duty| ANSWER_KINDS.contains(&duty.what.kind.as_str()))
    }

    /// When the log says that this was last seen (`hidden`, `restored`).
    pub(super) fn seen(&self, kind: &str) -> Option<DateTime<Utc>> {
        let entries = self.kept.iter().flat_map(|kept| &kept.entries);
        entries.filter(|entry| entry.kind == kind).map(|entry| entry.at).max()
    }

    /// The diary numbers.
    pub(super) fn numbers(&self) -> Vec<&str> {
        self.kept.iter().filter_map(|kept| kept.number.as_deref()).collect()
    }

    /// Who decided so, oldest first.
    pub(super) fn deciders(&self, outcome: Outcome) -> Vec<&str> {
        let mut found: Vec<&str> = Vec::new();
        for decision in self.decisions.iter().filter(|decision| decision.outcome == outcome) {
            if !found.contains(&decision.person.as_str()) {
                found.push(&decision.person);
            }
        }
        found
    }
}
