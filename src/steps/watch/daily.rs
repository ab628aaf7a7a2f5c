//! Letters once a day or once ever: what came, what was old, what was registered.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::config::{AccountStatus, Config, Mode};
use crate::domain::calendar;
use crate::domain::roster::{self, Ask, Role, Target};
use crate::outbox::{self, Says};
use crate::store::{Result, Tx, comments, do_once, last_done, polls, summaries, was_done};

pub(super) fn all(tx: &Tx<'_>, config: &Config, now: DateTime<Utc>) -> Result<()> {
    // What a poll has just stored is judged before it is counted.
    if comments::unjudged(tx, 1)?.is_empty() {
        first_nights(tx, config, now)?;
        summaries(tx, config, now)?;
    }
    registers(tx, config, now)
}

/// Older material is told of once, when the first reading of an account is done (N1).
fn first_nights(tx: &Tx<'_>, config: &Config, now: DateTime<Utc>) -> Result<()> {
    for account in &config.accounts {
        let name = format!("first_night:{}", account.id);
        if was_done(tx, &name)?
            || polls::state(tx, &account.id)?.last_ok.is_none()
            || !summaries::has_old(tx, &account.id)?
        {
            continue;
        }
        do_once(tx, &name, now)?;
        let person = holder(config, &account.id, Target::Owner, now);
        let says = Says::Older { account: account.id.clone() };
        outbox::put(tx, &person, &says, now, outbox::send_after(config, now), Vec::new())?;
    }
    Ok(())
}

/// What came to accounts in watch mode: to each owner, at the first staffed moment of a working day.
fn summaries(tx: &Tx<'_>, config: &Config, now: DateTime<Utc>) -> Result<()> {
    let mut letters: BTreeMap<String, BTreeMap<String, DateTime<Utc>>> = BTreeMap::new();
    for account in &config.accounts {
        if account.mode != Mode::Watch || account.status == AccountStatus::Closed {
            continue;
        }
        let state = polls::state(tx, &account.id)?;
        let Some(watched_from) = state.watched_from.filter(|_| state.last_ok.is_some()) else { continue };
        if let Some(since) = once_a_day(tx, config, &format!("summary:{}", account.id), watched_from, now)? {
            let owner = holder(config, &account.id, Target::Owner, now);
            letters.entry(owner).or_default().insert(account.id.clone(), since);
        }
    }
    for (owner, accounts) in letters {
        outbox::put(tx, &owner, &Says::Came { accounts, to: now }, now, now, Vec::new())?;
    }
    Ok(())
}

/// New numbers and the log's state, to each board's registrar, also when there are none: the letters are the proof
/// that the log was not changed.
fn registers(tx: &Tx<'_>, config: &Config, now: DateTime<Utc>) -> Result<()> {
    for board in &config.boards {
        let Some(from) = once_a_day(tx, config, &format!("registrar:{}", board.id), now, now)? else {
            continue;
        };
        let account = config.accounts.iter().find(|account| account.board == board.id);
        let person = account.map_or_else(
            || board.registrar.clone(),
            |account| {
                let ask = Ask {
                    account: &account.id,
                    role: Role::Registrar,
                    at: now,
                    post_owner: None,
                    except: &[],
                };
                roster::find(&config.roster, &ask).person
            },
        );
        let says = Says::Register { board: board.id.clone(), from, to: now };
        outbox::put(tx, &person, &says, now, now, Vec::new())?;
    }
    Ok(())
}

/// From when to tell, if it is to be told now: on staffed days after the one on which the counting began at `start`.
fn once_a_day(
    tx: &Tx<'_>,
    config: &Config,
    name: &str,
    start: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>> {
    let today = format!("{name}:{}", calendar::local_date(now));
    if was_done(tx, &today)? {
        return Ok(None);
    }
    let Some(last) = last_done(tx, &format!("{name}:"))? else {
        do_once(tx, &today, start.min(now))?;
        return Ok(None);
    };
    if !calendar::is_staffed(now, &config.hours) {
        return Ok(None);
    }
    do_once(tx, &today, now)?;
    Ok(Some(last))
}

fn holder(config: &Config, account: &str, target: Target, now: DateTime<Utc>) -> String {
    let ask = Ask { account, role: Role::Owner, at: now, post_owner: None, except: &[] };
    roster::target(&config.roster, &ask, target).person
}
