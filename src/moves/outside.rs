//! What follows when a comment stands otherwise than before, and Uppsikt did not do it.

use chrono::{DateTime, Utc};

use super::{ANSWER_KINDS, About, begin};
use crate::config::{Config, StorageRule};
use crate::connector::Sighting;
use crate::domain::case::{CaseState, OutsideChange, outside_change};
use crate::domain::words;
use crate::store::comments::StoredComment;
use crate::store::decisions::MACHINE;
use crate::store::{Result, Tx, cases, comments, decisions, duties, intents};

/// What follows when a look shows a comment standing otherwise than before, and Uppsikt is not just acting on it.
///
/// Who did it is never guessed (N7); the platform's own lists may tell that it holds the comment back (`held`).
///
/// # Errors
/// Engine errors.
pub fn sighted(
    tx: &Tx<'_>,
    config: &Config,
    stored: &StoredComment,
    (sighting, held): (Sighting, bool),
    now: DateTime<Utc>,
) -> Result<()> {
    let case = cases::of_comment(tx, stored.id)?;
    let acting =
        intents::acting(tx, stored.id)? || case.as_ref().is_some_and(|case| case.state == CaseState::Hiding);
    let change = outside_change(stored.sighting, sighting, case.as_ref().map(|case| case.state), acting);
    if sighting != stored.sighting && sighting.tells() && !acting {
        comments::note_sighting(tx, stored.id, sighting, "look", now)?;
    }
    if let Some(case) = &case
        && case.state == CaseState::HideUnconfirmed
        && sighting.is_hidden()
        && !acting
    {
        // The platform took longer than the hour that Uppsikt waits.
        cases::set_state(tx, case.id, CaseState::Hidden, now)?;
        duties::close(tx, case.id, &["act_failed"], "done", MACHINE, now)?;
    }
    if change == OutsideChange::None || stored.old || stored.ours {
        return Ok(());
    }
    if change == OutsideChange::Gone && case.is_none() && purges(config, &stored.comment.account) {
        // A case would preserve it, and the municipality has decided that it goes.
        return Ok(());
    }
    let case = cases::open(tx, stored.id, now)?;
    comments::note_outside(tx, stored.id, sighting, held, now)?;
    let what = match change {
        OutsideChange::None => return Ok(()),
        OutsideChange::Hidden => "Kommentaren har dolts",
        OutsideChange::Shown => "Kommentaren, som var dold, är synlig igen",
        OutsideChange::Restored => {
            cases::set_state(tx, case.id, CaseState::RestoredOutside, now)?;
            "Kommentaren, som Uppsikt hade dolt, är synlig igen"
        }
        OutsideChange::Gone => {
            withdrawn(tx, &case, now)?;
            "Kommentaren finns inte längre på plattformen: dess författare, plattformen eller någon i kommunen har \
             tagit bort den"
        }
    };
    begin(
        tx,
        config,
        &About {
            kind: "changed_outside",
            case: Some(case.id),
            account: &stored.comment.account,
            trigger_at: now,
            found_at: now,
            note: Some(format!("{what}. Ändrad utanför Uppsikt, av {}.", words::outsider("", held))),
        },
    )
}

/// Whether the municipality has decided that texts on this account's platform go.
pub fn purges(config: &Config, account: &str) -> bool {
    let account = config.account(account);
    let storage = account.and_then(|account| config.storage.get(account.platform.code()));
    storage.is_some_and(|storage| storage.rule != StorageRule::Keep)
}

/// The comment is gone: nobody waits for an answer any more; where somebody may be in danger the duty goes on (N12).
///
/// # Errors
/// Engine errors.
pub fn withdrawn(tx: &Tx<'_>, case: &cases::Case, now: DateTime<Utc>) -> Result<()> {
    duties::close(tx, case.id, &ANSWER_KINDS, "withdrawn", MACHINE, now)?;
    duties::close(tx, case.id, &["review", "approve", "edited_after_answer"], "withdrawn", MACHINE, now)?;
    if let Some(proposal) = decisions::waiting(tx, case.id)? {
        decisions::set_state(tx, proposal.id, "void")?;
    }
    if matches!(
        case.state,
        CaseState::Open
            | CaseState::AwaitingApproval
            | CaseState::Kept
            | CaseState::Closed
            | CaseState::HideFailed
            | CaseState::Restored
            | CaseState::RestoredOutside
    ) {
        cases::set_state(tx, case.id, CaseState::Withdrawn, now)?;
    }
    duties::settle_threads(tx, now)
}
