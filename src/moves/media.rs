//! What follows when a person has looked at a picture, film or sound beside a comment (N6, L12).

use chrono::{DateTime, Utc};

use super::{About, begin};
use crate::config::{Account, Config, Media, Mode};
use crate::domain::case::{CaseId, CaseState, Outcome, allows};
use crate::domain::category::{Category, Proposal};
use crate::domain::classify::{Assessment, Band, Finding};
use crate::domain::media::{MediaAnswer, needs_eyes};
use crate::domain::roster::{self, Role};
use crate::store::comments::{self, StoredComment};
use crate::store::decisions::{self, NewDecision};
use crate::store::media::{self, Capture, Review};
use crate::store::{Result, StoreError, Tx, cases};

/// Why nothing is kept of what is, or may be, child abuse material.
pub const NOTHING_KEPT: &str =
    "Övergreppsmaterial med barn: innehållet hämtas och bevaras inte (16 kap. 10 a § brottsbalken).";

/// The id that stands in place of a rule's where a person saw it in the picture.
const SEEN_BY_A_PERSON: &str = "sett-av-person";

/// What a person says of the pictures beside a comment.
#[derive(Debug, Clone, Copy)]
pub struct Looked<'a> {
    /// The case.
    pub case: CaseId,
    /// Person id of who looked.
    pub person: &'a str,
    /// The operating-system account that enters it, or `desk` (N24).
    pub os_user: &'a str,
    /// What they say.
    pub answer: MediaAnswer,
    /// Why nothing can be kept; for `Unavailable`.
    pub reason: &'a str,
    /// A picture of the screen that the person took, in place of what cannot be fetched.
    pub upload: Option<&'a Capture>,
    /// When.
    pub at: DateTime<Utc>,
}

/// A person has looked. What may be kept is fetched at the next pass; of child abuse material nothing is, it is hidden
/// at once, and the police are the next step.
///
/// # Errors
/// `Conflict`, with a sentence for the person; nothing is then written.
pub fn looked(tx: &Tx<'_>, config: &Config, asked: &Looked<'_>) -> Result<()> {
    let case = cases::get(tx, asked.case)?;
    let stored = comments::get(tx, case.comment)?;
    let conflict = |text: String| Err(StoreError::Conflict(text));
    let Some(account) = config.account(&stored.comment.account) else {
        return conflict(format!(
            "account `{}` is not in the configuration any more",
            stored.comment.account
        ));
    };
    let roles = roster::roles_for(&config.roster, asked.person, &account.id, asked.at)
        .map_err(|refused| StoreError::Conflict(refused.to_string()))?;
    let decides = |role: &Role| matches!(role, Role::Editor | Role::Head | Role::Owner | Role::Communicator);
    if !roles.iter().any(decides) {
        return conflict(format!(
            "`{}` is neither editor, owner, head nor communicator for account `{}` and may not say it",
            asked.person, account.id
        ));
    }
    let earlier = media::review(tx, stored.version.id)?;
    let mends = asked.answer == MediaAnswer::ChildAbuse
        && earlier.as_ref().is_some_and(|review| review.answer != MediaAnswer::ChildAbuse);
    if !needs_eyes(&stored.version.attachments) {
        return conflict(format!("{} has no picture, film or sound of its own", asked.case));
    }
    if earlier.is_some() && !mends {
        return conflict("somebody has answered the question of the picture already".to_owned());
    }
    let reason = reason(account, asked)?;
    let mut review = Review {
        id: 0,
        version: stored.version.id,
        person: asked.person.to_owned(),
        os_user: asked.os_user.to_owned(),
        at: asked.at,
        answer: asked.answer,
        reason: reason.clone(),
        made: None,
        attempts: 0,
    };
    if reason.is_empty() {
        return media::say(tx, &review);
    }
    // What was seen later than an answer is said of a version of its own: the earlier answer stands as it was given.
    let made = comments::add_media_version(tx, &stored, asked.at)?;
    review.made = Some(made);
    if let Some(earlier) = earlier {
        review.version = made;
        if earlier.made.is_none() {
            media::settle(tx, earlier.id, made, &reason)?;
        }
    }
    media::say(tx, &review)?;
    if let (Some(upload), MediaAnswer::Unavailable) = (asked.upload, asked.answer) {
        media::keep(tx, made, upload)?;
    }
    if asked.answer == MediaAnswer::ChildAbuse {
        judge(tx, &stored, made, asked)?;
        child_abuse(tx, config, account, &stored, asked)?;
    }
    Ok(())
}

/// Why nothing is fetched; empty where it shall be.
fn reason(account: &Account, asked: &Looked<'_>) -> Result<String> {
    match asked.answer {
        MediaAnswer::ChildAbuse => Ok(NOTHING_KEPT.to_owned()),
        MediaAnswer::Fetch if account.media == Media::Never => {
            Ok("Kontot är inställt på att inte hämta bilder, filmer och ljud (media = \"never\").".to_owned())
        }
        MediaAnswer::Fetch => Ok(String::new()),
        MediaAnswer::Unavailable if asked.reason.trim().is_empty() => {
            Err(StoreError::Conflict("say why nothing can be kept: --reason TEXT".to_owned()))
        }
        MediaAnswer::Unavailable => Ok(asked.reason.trim().to_owned()),
    }
}

/// What the person saw stands beside what the rules found: letters, register and page then treat it as such.
fn judge(tx: &Tx<'_>, stored: &StoredComment, made: i64, asked: &Looked<'_>) -> Result<()> {
    let before = cases::assessment(tx, stored.version.id)?;
    let rules = before.as_ref().map_or("-", |judged| judged.rules.as_str()).to_owned();
    let mut assessment = before.map_or(
        Assessment {
            findings: Vec::new(),
            proposal: Proposal::Escalate,
            needs_answer: false,
            language: None,
            notes: crate::domain::classify::Notes::default(),
        },
        |judged| judged.assessment,
    );
    assessment.proposal = Proposal::Escalate;
    assessment.findings.push(Finding {
        category: Category::ChildAbuse,
        rule: SEEN_BY_A_PERSON.to_owned(),
        version: 1,
        view: "plain".to_owned(),
        band: Band::Obvious,
        confidence: 1.0,
        start: 0,
        end: 0,
    });
    cases::assess(tx, made, &assessment, &rules, asked.at)
}

/// The no-content path: nothing is fetched, what was is blocked, the comment is hidden at once, and somebody calls the
/// police (L12). What is known of it, who wrote it and where, is preserved first as always.
fn child_abuse(
    tx: &Tx<'_>,
    config: &Config,
    account: &Account,
    stored: &StoredComment,
    asked: &Looked<'_>,
) -> Result<()> {
    let blocked = media::block(tx, stored.id, asked.person, asked.at)?;
    let mut note = "En människa har sett att det är, eller kan vara, övergreppsmaterial med barn. Spara, kopiera och \
                    sprid ingenting. Kontakta polisen: 114 14, eller 112 om ett barn är i fara nu. Lämna länken, inte \
                    bilden."
        .to_owned();
    if blocked > 0 {
        note.push_str(" Det som redan hade hämtats är spärrat: fråga polisen innan det förstörs.");
    }
    begin(
        tx,
        config,
        &About {
            kind: "danger",
            case: Some(asked.case),
            account: &account.id,
            trigger_at: asked.at,
            found_at: asked.at,
            note: Some(note),
        },
    )?;
    let case = cases::get(tx, asked.case)?;
    let waits = decisions::waiting(tx, asked.case)?.is_some();
    if account.mode != Mode::Act
        || waits
        || allows(case.state, Outcome::Hide).is_err()
        || matches!(case.state, CaseState::Hiding | CaseState::Hidden)
    {
        return Ok(());
    }
    decisions::decide(
        tx,
        &NewDecision {
            case: asked.case,
            person: asked.person.to_owned(),
            os_user: asked.os_user.to_owned(),
            outcome: Outcome::Hide,
            reason: format!("{NOTHING_KEPT} Döljs genast (5 § lagen 1998:112)."),
            // The law wants it away at once, whoever else must approve what is hidden.
            alone: true,
            rule: None,
            at: asked.at,
        },
    )?;
    Ok(())
}

/// What was fetched is kept beside a version of its own, with the reason for what could not be.
///
/// # Errors
/// Engine errors.
pub fn media_taken(
    tx: &Tx<'_>,
    review: i64,
    comment: i64,
    captures: &[Capture],
    missing: &[String],
    now: DateTime<Utc>,
) -> Result<()> {
    let stored = comments::get(tx, comment)?;
    let made = comments::add_media_version(tx, &stored, now)?;
    for capture in captures {
        media::keep(tx, made, capture)?;
    }
    let reason =
        if missing.is_empty() { String::new() } else { format!("Ej bevarat: {}.", missing.join("; ")) };
    media::settle(tx, review, made, &reason)
}
