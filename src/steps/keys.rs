//! The keys to the platforms: asked about once a day and at start, renewed where a program can, told of when a person
//! must.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::JoinSet;

use crate::config::{Account, AccountStatus};
use crate::connector::{Connector, ConnectorError, Standing, UNAUTHORIZED};
use crate::domain::calendar;
use crate::domain::key::{Dead, Key, Missing, Renamed};
use crate::moves;
use crate::pipeline::{App, PassError};
use crate::store::{self, polls::AccountState};

/// Between two questions about a key that works.
const ASKED_EVERY: TimeDelta = TimeDelta::hours(24);

/// Between two questions that got no answer, or a bad one.
const AGAIN: TimeDelta = TimeDelta::hours(1);

/// So many accounts are asked at the same time.
const AT_ONCE: usize = 8;

/// What one account's platform said.
struct Heard {
    account: Account,
    before: Key,
    state: AccountState,
    answer: Result<Standing, ConnectorError>,
}

/// Asks about every key that is due. One account without a key that works costs the others nothing.
///
/// # Errors
/// The store's.
pub async fn all(app: &App) -> Result<(), PassError> {
    let mut asking = JoinSet::new();
    let (mut keys, mut states) =
        app.db.read(|reader| Ok((store::keys::all(reader)?, store::polls::states(reader)?))).await?;
    for account in &app.config.accounts {
        let Some(connector) =
            app.connectors.get(&account.id).filter(|_| account.status != AccountStatus::Closed)
        else {
            continue;
        };
        let before = keys.remove(&account.id).unwrap_or_default();
        let state = states.remove(&account.id).unwrap_or_default();
        if !is_due(app, account, &before, &state) {
            continue;
        }
        if asking.len() >= AT_ONCE
            && let Some(heard) = asking.join_next().await
        {
            note(app, heard.map_err(|error| PassError::Broken(crate::panics::ended(&error).to_owned()))?)
                .await?;
        }
        let (account, connector) = (account.clone(), Arc::clone(connector));
        asking.spawn(async move {
            let answer = ask(&account, connector.as_ref()).await;
            Heard { account, before, state, answer }
        });
    }
    while let Some(heard) = asking.join_next().await {
        note(app, heard.map_err(|error| PassError::Broken(crate::panics::ended(&error).to_owned()))?).await?;
    }
    Ok(())
}

/// At the start of a process, once a day, and at once when reading begins or ceases to be refused.
fn is_due(app: &App, account: &Account, key: &Key, state: &AccountState) -> bool {
    let refused = refusal(state).is_some();
    let changed = match &key.dead {
        None => refused,
        Some(dead) => dead.by_poll && !refused,
    };
    let now = app.clock.now();
    // Not short-circuited: the process has seen the account, whatever else is the reason to ask.
    app.sees_for_the_first_time(&account.id) | changed | key.next_at.is_none_or(|next| next <= now)
}

/// What the platform said when the last poll was refused.
fn refusal(state: &AccountState) -> Option<&str> {
    state.blind.as_ref().and_then(|(_, reason)| reason.strip_prefix(UNAUTHORIZED))
}

async fn ask(account: &Account, connector: &dyn Connector) -> Result<Standing, ConnectorError> {
    if let Err(error) = connector.renew().await {
        tracing::warn!(account = %account.id, %error, "the key could not be renewed");
        if matches!(error, ConnectorError::Unauthorized(_)) {
            return Err(error);
        }
    }
    connector.standing().await
}

async fn note(app: &App, heard: Heard) -> Result<(), PassError> {
    let Heard { account, before, state, answer } = heard;
    if let Ok(standing) = &answer {
        app.compare_clocks(&account.id, standing.date);
    }
    let now = app.clock.now();
    let key = learned(before, &state, answer, now);
    if let Some(trouble) = &key.trouble {
        tracing::warn!(account = %account.id, %trouble, "the platform did not tell how the key stands");
    }
    let config = app.config.clone();
    app.db
        .write(move |tx| {
            store::keys::set(tx, &account.id, &key)?;
            moves::key_stands(tx, &config, &account, &key, now)
        })
        .await?;
    Ok(())
}

/// What is known after an answer; what the platform did not tell stays as it was known.
fn learned(
    mut key: Key,
    state: &AccountState,
    answer: Result<Standing, ConnectorError>,
    now: DateTime<Utc>,
) -> Key {
    let refused = refusal(state).map(str::to_owned);
    if refused.is_none() {
        key.worked_at = key.worked_at.max(state.last_ok);
    }
    key.asked_at = Some(now);
    key.trouble = None;
    let (wait, reason) = match answer {
        Ok(standing) => {
            told(&mut key, standing, now);
            // Where a right is missing, that is why reading is refused.
            (ASKED_EVERY, refused.filter(|_| key.missing.is_empty()).map(|reason| (reason, true)))
        }
        Err(ConnectorError::Unauthorized(reason)) => (AGAIN, Some((reason, false))),
        Err(error) => {
            let wait = match &error {
                ConnectorError::RateLimited(wait) => TimeDelta::from_std(*wait).unwrap_or(AGAIN).max(AGAIN),
                _ => AGAIN,
            };
            key.trouble = Some(error.to_string());
            // No answer about the key is no news of it; that reading is refused is.
            let known = key.dead.clone().filter(|dead| !dead.by_poll).map(|dead| (dead.reason, false));
            (wait, known.or(refused.map(|reason| (reason, true))))
        }
    };
    key.next_at = Some(calendar::plus(now, wait));
    key.dead = reason.map(|(reason, by_poll)| {
        let known = key.dead.take();
        let before_its_time = key.worked_at.is_some() && key.expires_at.is_none_or(|end| end > now);
        Dead {
            since: known.as_ref().map_or(now, |dead| dead.since),
            revoked: known.map_or(before_its_time, |dead| dead.revoked),
            reason,
            by_poll,
        }
    });
    key
}

fn told(key: &mut Key, standing: Standing, now: DateTime<Utc>) {
    if standing != Standing::default() {
        key.worked_at = Some(now);
    }
    let Standing { holder, name, expires_at, data_access_until, renewable_until, rights, missing, .. } =
        standing;
    if let Some(name) = name {
        if let Some(from) = key.name.take().filter(|known| *known != name) {
            // Back to the name it had: nothing has happened after all.
            key.renamed = match key.renamed.take() {
                Some(renamed) if renamed.from == name => None,
                _ => Some(Renamed { from, at: now }),
            };
        }
        key.name = Some(name);
    }
    key.holder = holder.or(key.holder.take());
    key.expires_at = expires_at;
    key.data_access_until = data_access_until;
    key.renewable_until = renewable_until;
    key.rights = rights;
    key.missing = missing
        .into_iter()
        .map(|missing| Missing { right: missing.right, without: missing.without, place: missing.place })
        .collect();
}

#[cfg(test)]
mod tests {
    use crate::connector::MissingRight;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn now() -> DateTime<Utc> {
        at("2026-11-23T12:00:00Z")
    }

    fn read() -> AccountState {
        AccountState { last_ok: Some(at("2026-11-23T11:00:00Z")), ..AccountState::default() }
    }

    fn refused() -> AccountState {
        let error = ConnectorError::Unauthorized("GET /page: HTTP 401".to_owned());
        AccountState { blind: Some((now(), error.to_string())), ..read() }
    }

    fn standing() -> Standing {
        Standing { name: Some("Exempel kommun".to_owned()), ..Standing::default() }
    }

    fn unauthorized() -> Result<Standing, ConnectorError> {
        Err(ConnectorError::Unauthorized("withdrawn".to_owned()))
    }

    #[test]
    fn a_key_that_dies_before_its_time_may_be_a_lost_account_and_one_that_ends_is_not() {
        let worked = learned(Key::default(), &read(), Ok(standing()), now());
        assert_eq!((worked.dead.as_ref(), worked.name.as_deref()), (None, Some("Exempel kommun")));
        let dead = learned(worked.clone(), &read(), unauthorized(), now()).dead.unwrap();
        assert!(dead.revoked && !dead.by_poll);
        let ended = Key { expires_at: Some(now()), ..worked };
        assert!(!learned(ended, &read(), unauthorized(), now()).dead.unwrap().revoked);
        let never = learned(Key::default(), &AccountState::default(), unauthorized(), now());
        assert!(!never.dead.unwrap().revoked, "a key that never worked was never taken away");
    }

    #[test]
    fn a_refused_poll_is_a_dead_key_unless_a_missing_right_explains_it_and_both_end() {
        let key = learned(Key::default(), &refused(), Ok(Standing::default()), now());
        assert!(key.dead.as_ref().is_some_and(|dead| dead.by_poll), "{key:?}");
        let missing = MissingRight {
            right: "pages_read_user_content".to_owned(),
            without: "kommentarer läses".to_owned(),
            place: "appens inställningar".to_owned(),
        };
        let lacking = Standing { missing: vec![missing], ..standing() };
        let key = learned(key, &refused(), Ok(lacking), now());
        assert_eq!((key.dead.as_ref(), key.missing.len()), (None, 1));
        let key = learned(key, &read(), Ok(standing()), now());
        assert_eq!((key.dead, key.missing.len()), (None, 0));
    }

    #[test]
    fn no_answer_changes_nothing_of_what_is_known() {
        let dead = learned(Key::default(), &read(), unauthorized(), now());
        let silent = || Err(ConnectorError::Unavailable("no route".to_owned()));
        let later = at("2026-11-23T13:00:00Z");
        let key = learned(dead.clone(), &read(), silent(), later);
        assert_eq!((&key.dead, key.trouble.as_deref()), (&dead.dead, Some("unavailable: no route")));
        assert_eq!(key.next_at, Some(at("2026-11-23T14:00:00Z")));
        let fine = learned(Key::default(), &read(), Ok(standing()), now());
        assert_eq!(learned(fine, &read(), silent(), later).dead, None);
    }

    #[test]
    fn another_name_is_noticed_and_the_old_one_coming_back_too() {
        let named = |name: &str| Ok(Standing { name: Some(name.to_owned()), ..Standing::default() });
        let key = learned(Key::default(), &read(), named("Exempel"), now());
        assert_eq!(key.renamed, None, "the first name is no change");
        let key = learned(key, &read(), named("Fri krypto"), now());
        assert_eq!(key.renamed, Some(Renamed { from: "Exempel".to_owned(), at: now() }));
        let key = learned(key, &read(), Ok(Standing::default()), now());
        assert!(key.renamed.is_some(), "an answer without a name says nothing of it");
        assert_eq!(learned(key, &read(), named("Exempel"), now()).renamed, None);
    }
}
