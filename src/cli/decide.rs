//! `decide`: a person's decision, recorded now and carried out at the next pass.

use std::io::Write;

use super::Outcome;
use crate::assemble;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::case::Outcome as Decision;
use crate::store::decisions::Decided;
use crate::{moves, store};

/// Records a decision. The operating-system account is recorded beside the person named.
///
/// # Errors
/// When the case, the person or the right is missing, or the case does not allow it; nothing is then written.
pub fn run(
    config: &Config,
    case: &str,
    by: &str,
    outcome: Decision,
    reason: &str,
    out: &mut dyn Write,
) -> anyhow::Result<Outcome> {
    let db = assemble::database(config)?;
    let now = db.read_now(now)?;
    let (config, case, by, reason) = (config.clone(), case.to_owned(), by.to_owned(), reason.to_owned());
    let os_user = super::os_user();
    let (id, decided) = db.write_now(move |tx| {
        let case = store::cases::named(tx, &case)?;
        let decided = moves::decide(
            tx,
            &config,
            &moves::Decide {
                case: case.id,
                person: &by,
                os_user: &os_user,
                outcome,
                reason: &reason,
                at: now,
            },
        )?;
        Ok((case.id, decided))
    })?;
    let what = match decided {
        Decided::Complete => "recorded, done at the next pass",
        Decided::Waits => "recorded, waits for another person's approval",
        Decided::Refused => "recorded; what was proposed is refused",
    };
    writeln!(out, "{id}: {outcome} {what}")?;
    Ok(Outcome::Done)
}

/// Now; but never before the log's last entry, so that a decision made on a trial's data (`--at`) stands after it.
pub(super) fn now(reader: &store::Reader) -> store::Result<chrono::DateTime<chrono::Utc>> {
    let now = Clock::System.now();
    Ok(store::log::last_at(reader)?.map_or(now, |last| last.max(now)))
}
