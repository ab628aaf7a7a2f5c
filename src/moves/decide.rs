//! What follows when a person decides: rights, the decision, and what it ends or begins.

use chrono::{DateTime, Utc};

use super::{ANSWER_KINDS, About, begin, settle};
use crate::config::{Account, Config, Mode};
use crate::domain::case::{CaseId, CaseState, Outcome};
use crate::domain::roster::Role;
use crate::domain::{duty, roster};
use crate::outbox;
use crate::store::comments::StoredComment;
use crate::store::decisions::{Decided, MACHINE, NewDecision};
use crate::store::{Result, StoreError, Tx, cases, comments, decisions, duties, intake, media};

/// A decision as a person asks for it.
#[derive(Debug, Clone, Copy)]
pub struct Decide<'a> {
    /// The case.
    pub case: CaseId,
    /// Person id of who decides.
    pub person: &'a str,
    /// The operating-system account that enters it, or `desk` (N24).
    pub os_user: &'a str,
    /// What is decided.
    pub outcome: Outcome,
    /// Why, in the person's words.
    pub reason: &'a str,
    /// When.
    pub at: DateTime<Utc>,
}

/// A person decides: rights, the decision, and what it ends or begins (DESIGN §7, `decide`).
///
/// # Errors
/// `Conflict`, with a sentence for the person; nothing is then written.
pub fn decide(tx: &Tx<'_>, config: &Config, asked: &Decide<'_>) -> Result<Decided> {
    let &Decide { case: id, person, outcome, at: now, .. } = asked;
    let case = cases::get(tx, id)?;
    let stored = comments::get(tx, case.comment)?;
    let account = config.account(&stored.comment.account).ok_or_else(|| {
        StoreError::Conflict(format!(
            "account `{}` is not in the configuration any more",
            stored.comment.account
        ))
    })?;
    let by_hand = intake::of(tx, stored.id)?.is_some();
    let alone = rights(config, account, person, outcome, by_hand, now)?;
    let new = NewDecision {
        case: id,
        person: person.to_owned(),
        os_user: asked.os_user.to_owned(),
        outcome,
        reason: asked.reason.to_owned(),
        alone,
        rule: None,
        at: now,
    };
    // A person confirms what the machine hid: a decision of its own, and no second act.
    let confirms = case.state == CaseState::Hidden
        && outcome == Outcome::Hide
        && duties::of_case(tx, id)?
            .iter()
            .any(|duty| duty.what.kind == "automatic_look" && duty.closed_at.is_none());
    if confirms {
        decisions::confirm(tx, &new)?;
        end(tx, id, outcome, person, now)?;
        tell_entered(tx, config, asked)?;
        return Ok(Decided::Complete);
    }
    if matches!(outcome, Outcome::Hide | Outcome::Remove) && media::is_unseen(tx, &stored)? {
        return Err(StoreError::Conflict(format!(
            "{id} has a picture, film or sound beside its text: look at it on the platform first and say what it is, with \
             `uppsikt media {id} --by {person} --answer fetch|unavailable|child_abuse`"
        )));
    }
    let decided = decisions::decide(tx, &new)?;
    let about = |kind, note: &str| About {
        kind,
        case: Some(id),
        account: &account.id,
        trigger_at: now,
        found_at: now,
        note: Some(note.to_owned()),
    };
    match decided {
        Decided::Waits => {
            duties::close(tx, id, &["review", "prompt_review", "danger"], "proposed", person, now)?;
            begin(tx, config, &about("approve", "En redaktör har föreslagit; en annan person avgör."))?;
        }
        Decided::Refused => {
            duties::close(tx, id, &["approve"], "refused", person, now)?;
            if outcome == Outcome::Keep {
                end(tx, id, outcome, person, now)?;
            } else if cases::get(tx, id)?.state == CaseState::Open {
                begin(tx, config, &about("review", "Förslaget avslogs; ärendet är öppet igen."))?;
            }
        }
        Decided::Complete => {
            end(tx, id, outcome, person, now)?;
            if outcome == Outcome::AnsweredJointly {
                for case in joint(tx, &stored)? {
                    duties::close(tx, case, &ANSWER_KINDS, outcome.code(), person, now)?;
                    cases::set_answered(tx, case, now)?;
                    settle(tx, case, now)?;
                }
                duties::close_for_post(tx, &account.id, &stored.post_id, outcome.code(), person, now)?;
            }
        }
    }
    settle(tx, id, now)?;
    duties::settle_threads(tx, now)?;
    tell_entered(tx, config, asked)?;
    Ok(decided)
}

/// Whoever has a shell can name anybody: the named person is told (N24). On the desk the person decides themselves.
fn tell_entered(tx: &Tx<'_>, config: &Config, asked: &Decide<'_>) -> Result<()> {
    if matches!(asked.os_user, "desk" | MACHINE) {
        return Ok(());
    }
    outbox::entered(tx, config, asked.case, asked.person, asked.os_user, asked.outcome, asked.at)
}

/// A person says that they act on what may be a danger: it is not repeated any more, and stays a duty (N8).
///
/// Whoever has a role for the account may; returns how many dangers of the case were not acknowledged before.
///
/// # Errors
/// `Conflict`, with a sentence for the person; engine errors.
pub fn acknowledge(
    tx: &Tx<'_>,
    config: &Config,
    id: CaseId,
    person: &str,
    now: DateTime<Utc>,
) -> Result<usize> {
    let case = cases::get(tx, id)?;
    let account = comments::get(tx, case.comment)?.comment.account;
    roster::roles_for(&config.roster, person, &account, now)
        .map_err(|refused| StoreError::Conflict(refused.to_string()))?;
    duties::acknowledge(tx, id, person, now)
}

/// Ends the open duties of a case that this outcome ends; the table of kinds says which.
fn end(tx: &Tx<'_>, id: CaseId, outcome: Outcome, person: &str, now: DateTime<Utc>) -> Result<()> {
    for open in duties::of_case(tx, id)?.iter().filter(|duty| duty.closed_at.is_none()) {
        if duty::Kind::named(&open.what.kind).is_some_and(|kind| kind.allows(outcome)) {
            duties::close_one(tx, open.id, outcome.code(), person, now)?;
        }
    }
    Ok(())
}

/// Whether this person may decide this, and whether the decision is complete by itself.
fn rights(
    config: &Config,
    account: &Account,
    person: &str,
    outcome: Outcome,
    by_hand: bool,
    now: DateTime<Utc>,
) -> Result<bool> {
    // What a person does by hand on the platform depends on no interface.
    if outcome == Outcome::Remove && !by_hand && !account.removes() {
        return Err(StoreError::Conflict(format!(
            "account `{}` removes nothing: set removal = {{ by, on, dnr }} for it where the municipality has decided that \
             comments on {} may be removed; `hide` is what can be undone",
            account.id,
            account.platform.label()
        )));
    }
    let writes = matches!(outcome, Outcome::Hide | Outcome::Remove | Outcome::Restore);
    if writes && account.mode == Mode::Watch && !by_hand {
        return Err(StoreError::Conflict(format!(
            "account `{}` is in watch mode: nothing is written to the platform; set mode = \"act\" for it",
            account.id
        )));
    }
    let roles = roster::roles_for(&config.roster, person, &account.id, now)
        .map_err(|refused| StoreError::Conflict(refused.to_string()))?;
    if roles.iter().any(|role| matches!(role, Role::Head | Role::Owner | Role::Communicator)) {
        return Ok(true);
    }
    if roles.contains(&Role::Editor) {
        return Ok(!config.four_eyes);
    }
    Err(StoreError::Conflict(format!(
        "`{person}` is neither editor, owner, head nor communicator for account `{}` and may not decide",
        account.id
    )))
}

/// The cases under the same post.
fn joint(tx: &Tx<'_>, stored: &StoredComment) -> Result<Vec<CaseId>> {
    let mut found = Vec::new();
    for other in comments::thread(tx, &stored.comment.account, &stored.post_id)? {
        if let Some(case) = cases::of_comment(tx, other.id)? {
            found.push(case.id);
        }
    }
    Ok(found)
}
