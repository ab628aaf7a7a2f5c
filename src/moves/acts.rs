//! What follows when an act took effect, failed, was braked, or may not be carried out at all.

use chrono::{DateTime, Utc};

use super::{About, begin};
use crate::config::Config;
use crate::domain::case::CaseId;
use crate::store::decisions::MACHINE;
use crate::store::intents::OpenIntent;
use crate::store::{Result, Tx, brake, cases, comments, duties};

/// An act took effect: what was waiting for it ends.
///
/// # Errors
/// Engine errors.
pub fn act_done(tx: &Tx<'_>, open: &OpenIntent, now: DateTime<Utc>) -> Result<()> {
    duties::close(tx, open.case, &["act_failed"], "done", MACHINE, now)?;
    Ok(())
}

/// An act failed, or cannot be carried out at the moment: a person is told. If it is not over, Uppsikt goes on trying.
///
/// # Errors
/// Engine errors.
pub fn act_in_trouble(
    tx: &Tx<'_>,
    config: &Config,
    open: &OpenIntent,
    why: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    let account = comments::get(tx, open.comment)?.comment.account;
    begin(
        tx,
        config,
        &About {
            kind: "act_failed",
            case: Some(open.case),
            account: &account,
            trigger_at: now,
            found_at: now,
            note: Some(format!("Det gick inte på plattformen: {why}.")),
        },
    )
}

/// The text was edited to something milder between decision and act: a person looks again.
///
/// # Errors
/// Engine errors.
pub fn edited(tx: &Tx<'_>, config: &Config, case: CaseId, now: DateTime<Utc>) -> Result<()> {
    let comment = cases::get(tx, case)?.comment;
    let account = comments::get(tx, comment)?.comment.account;
    let note =
        "Texten ändrades till något mildare mellan beslut och åtgärd. Ingenting har dolts; se efter igen.";
    begin(
        tx,
        config,
        &About {
            kind: "review",
            case: Some(case),
            account: &account,
            trigger_at: now,
            found_at: now,
            note: Some(note.to_owned()),
        },
    )
}

/// The brake has tripped by itself: the operator is told once, and of each case a person.
///
/// # Errors
/// Engine errors.
pub fn braked(
    tx: &Tx<'_>,
    config: &Config,
    account: &str,
    braked: &brake::Braked,
    now: DateTime<Utc>,
) -> Result<()> {
    for case in &braked.cases {
        not_hidden(tx, config, *case, &braked.why, now)?;
    }
    begin(
        tx,
        config,
        &About {
            kind: "braked",
            case: None,
            account,
            trigger_at: now,
            found_at: now,
            note: Some(format!(
                "Bromsen har löst ut: {}. `uppsikt brake --release` släpper den, när någon sett efter.",
                braked.why
            )),
        },
    )
}

/// The brake holds: nothing was hidden, and a person decides.
///
/// # Errors
/// Engine errors.
pub fn not_hidden(tx: &Tx<'_>, config: &Config, case: CaseId, why: &str, now: DateTime<Utc>) -> Result<()> {
    let comment = cases::get(tx, case)?.comment;
    let account = comments::get(tx, comment)?.comment.account;
    duties::close(tx, case, &["automatic_look"], "braked", MACHINE, now)?;
    begin(
        tx,
        config,
        &About {
            kind: "review",
            case: Some(case),
            account: &account,
            trigger_at: now,
            found_at: now,
            note: Some(format!("Bromsen håller: {why}. Ingenting har dolts; en människa avgör.")),
        },
    )
}

/// Tells the operator why nothing is hidden or registered; closes the duty when all is well again.
///
/// # Errors
/// Engine errors.
pub fn halted(tx: &Tx<'_>, config: &Config, reasons: &[String], now: DateTime<Utc>) -> Result<()> {
    if reasons.is_empty() {
        duties::close_for_account(tx, "", "halted", "well_again", now)?;
        return Ok(());
    }
    begin(
        tx,
        config,
        &About {
            kind: "halted",
            case: None,
            account: "",
            trigger_at: now,
            found_at: now,
            note: Some(format!("Ingenting döljs eller registreras just nu: {}.", reasons.join("; "))),
        },
    )
}
