//! What follows from how the key of an account stands: duties begun, and closed when it works again.

use chrono::{DateTime, Utc};

use super::{About, begin};
use crate::config::{Account, Config};
use crate::domain::calendar;
use crate::domain::duty::Kind;
use crate::domain::key::{Because, Key, WARNED_AHEAD};
use crate::store::duties::{self, NewDuty};
use crate::store::{Result, StoreError, Tx};

/// Begins and closes the duties about an account's key, as `key` stands at `now`.
///
/// # Errors
/// Engine errors.
pub fn key_stands(
    tx: &Tx<'_>,
    config: &Config,
    account: &Account,
    key: &Key,
    now: DateTime<Utc>,
) -> Result<()> {
    let id = account.id.as_str();
    let lost = key.may_be_lost(now);
    if lost {
        tell(tx, config, account, "lost_access", "Kontot kan vara i andra händer.", now)?;
    } else {
        duties::close_for_account(tx, id, "lost_access", "works_again", now)?;
    }
    if key.dead.is_some() && !lost {
        tell(tx, config, account, "key_dead", "Nyckeln till plattformen gäller inte.", now)?;
    } else {
        // Where the account may be lost, that is what is told.
        duties::close_for_account(tx, id, "key_dead", "works_again", now)?;
    }
    if key.dead.is_some() {
        // What a key lacks, and when it ends, means nothing while it does not work.
        duties::close_for_account(tx, id, "right_missing", "key_dead", now)?;
        duties::close_for_account(tx, id, "key_expires", "key_dead", now)?;
        return Ok(());
    }
    rights(tx, account, key, now)?;
    end(tx, config, account, key, now)
}

fn tell(
    tx: &Tx<'_>,
    config: &Config,
    account: &Account,
    kind: &'static str,
    note: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    let about = About {
        kind,
        case: None,
        account: &account.id,
        trigger_at: now,
        found_at: now,
        note: Some(note.to_owned()),
    };
    begin(tx, config, &about)
}

/// One duty for all rights that are missing; another set is told anew.
fn rights(tx: &Tx<'_>, account: &Account, key: &Key, now: DateTime<Utc>) -> Result<()> {
    let lacking = key.lacking();
    let open = duties::open_of_kind(tx, "right_missing")?;
    let told = open.iter().find(|duty| duty.what.account == account.id);
    if told.is_some_and(|duty| duty.what.explain == lacking) {
        return Ok(());
    }
    duties::close_for_account(tx, &account.id, "right_missing", "right_given", now)?;
    if lacking.is_empty() { Ok(()) } else { put(tx, "right_missing", account, now, now, lacking) }
}

/// A key that ends within a month: one duty for each end.
fn end(tx: &Tx<'_>, config: &Config, account: &Account, key: &Key, now: DateTime<Utc>) -> Result<()> {
    let near = key.ends(&config.roster).filter(|(at, _)| *at <= calendar::plus(now, WARNED_AHEAD));
    let open = duties::open_of_kind(tx, "key_expires")?;
    let told = open.iter().find(|duty| duty.what.account == account.id);
    let Some((at, because)) = near else {
        duties::close_for_account(tx, &account.id, "key_expires", "renewed", now)?;
        return Ok(());
    };
    if told.is_some_and(|duty| duty.what.due_at.timestamp() == at.timestamp()) {
        return Ok(());
    }
    duties::close_for_account(tx, &account.id, "key_expires", "renewed", now)?;
    let why = match because {
        Because::Itself => "Nyckeln gäller inte längre än så, och Uppsikt kan inte förnya den.".to_owned(),
        Because::Renewal => {
            "Uppsikt kan inte förnya nyckeln längre än så: en person måste logga in.".to_owned()
        }
        Because::DataAccess => {
            "Plattformen stänger sina uppgifter för en nyckel vars person inte har loggat in på länge."
                .to_owned()
        }
        Because::Holder(name) => format!("Nyckeln är {name}s, som slutar då."),
    };
    put(tx, "key_expires", account, now, at, vec![why])
}

fn put(
    tx: &Tx<'_>,
    kind: &str,
    account: &Account,
    now: DateTime<Utc>,
    due_at: DateTime<Utc>,
    explain: Vec<String>,
) -> Result<()> {
    let kind =
        Kind::named(kind).ok_or_else(|| StoreError::Corrupt(format!("there is no kind of duty `{kind}`")))?;
    duties::begin(
        tx,
        &NewDuty {
            kind: kind.code.to_owned(),
            case: None,
            account: account.id.clone(),
            post_id: None,
            trigger_at: now,
            found_at: now,
            due_at,
            explain,
        },
    )?;
    Ok(())
}
