//! 1. Platform → stored comments and cursor.

use chrono::{DateTime, TimeDelta, Utc};

use crate::config::{Account, AccountStatus};
use crate::connector::{Connector, ConnectorError, Cursor, Look, Page};
use crate::kill::{self, When};
use crate::pipeline::App;
use crate::store::polls::PollRow;
use crate::store::{self, StoreError, comments, polls};

/// A sweep of more pages than this is a platform that never ends; the account is then marked blind.
const MOST_PAGES: usize = 20_000;

/// Doubtful comments looked at in one poll; the rest wait for the next.
const MOST_LOOKS: usize = 200;

/// How a poll went.
#[derive(Debug, Default)]
pub struct Polled {
    /// Comments in the answers.
    pub seen: usize,
    /// Of these, never seen before.
    pub new: usize,
    /// Why it failed, if it did.
    pub failure: Option<String>,
}

/// Reads one account to the end of a sweep, page by page; each page is durable before the next is asked for.
///
/// A failure of the platform is a row in the poll log and, the first time, the beginning of a blind period; what was
/// stored stays, and the next poll goes on where this one stopped.
///
/// # Errors
/// Only the store's own.
pub async fn account(app: &App, account: &Account) -> Result<Polled, StoreError> {
    let Some(connector) = app.connectors.get(&account.id).filter(|_| account.status != AccountStatus::Closed)
    else {
        return Ok(Polled::default());
    };
    let started = app.clock.now();
    let id = account.id.clone();
    let declared = account.watched_from;
    let (state, sweep) = app
        .db
        .write(move |tx| {
            polls::declare(tx, &id, declared)?;
            let sweep = polls::begin_sweep(tx, &id, started)?;
            Ok((polls::state(tx, &id)?, sweep))
        })
        .await?;
    if state.not_before.is_some_and(|until| until > started) {
        return Ok(Polled::default());
    }
    let watched_from = state.watched_from.unwrap_or(sweep);
    let row = PollRow {
        account: account.id.clone(),
        started_at: started,
        ended_at: started,
        seen: 0,
        new: 0,
        faults: 0,
        failure: None,
        blind: Vec::new(),
    };
    let mut reading = Reading { row, listed: Vec::new(), doubtful: Vec::new(), wait: None };
    reading.pages(app, account, connector.as_ref(), state.cursor.map(Cursor), (sweep, watched_from)).await?;
    if reading.row.failure.is_none() {
        reading.confirm(app, account, connector.as_ref(), sweep).await?;
    }
    let Reading { mut row, wait, .. } = reading;
    row.ended_at = app.clock.now();
    row.blind.sort();
    row.blind.dedup();
    let polled = Polled { seen: row.seen, new: row.new, failure: row.failure.clone() };
    let config = app.config.clone();
    let next = app.next_poll(account, row.ended_at);
    app.db
        .write(move |tx| {
            let became_blind = polls::finish(tx, &row)?;
            polls::set_next(tx, &row.account, next)?;
            if let Some(wait) = wait {
                polls::set_not_before(tx, &row.account, row.ended_at + wait)?;
            }
            if became_blind {
                let reason = row.failure.clone().unwrap_or_default();
                crate::moves::begin(
                    tx,
                    &config,
                    &crate::moves::About {
                        kind: "account_blind",
                        case: None,
                        account: &row.account,
                        trigger_at: row.started_at,
                        found_at: row.ended_at,
                        note: Some(format!("Kontot kan inte läsas: {reason}")),
                    },
                )?;
            } else if row.failure.is_none() {
                store::duties::close_for_account(
                    tx,
                    &row.account,
                    "account_blind",
                    "seeing_again",
                    row.ended_at,
                )?;
            }
            Ok(())
        })
        .await?;
    Ok(polled)
}

/// What one sweep has found so far.
struct Reading {
    row: PollRow,
    /// Posts whose comments have been listed wholly.
    listed: Vec<String>,
    /// Comments whose standing in the list differs from what is stored.
    doubtful: Vec<i64>,
    /// How long the platform wants to be left alone.
    wait: Option<TimeDelta>,
}

impl Reading {
    /// Reads page by page to the end of the sweep; each page is durable before the next is asked for.
    async fn pages(
        &mut self,
        app: &App,
        account: &Account,
        connector: &dyn Connector,
        mut cursor: Option<Cursor>,
        (sweep, watched_from): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<(), StoreError> {
        for _ in 0..MOST_PAGES {
            let page = match connector.page(cursor.as_ref()).await {
                Ok(page) => page,
                Err(error) => {
                    if let ConnectorError::RateLimited(time) = &error {
                        self.wait = TimeDelta::from_std(*time).ok();
                    }
                    self.row.failure = Some(error.to_string());
                    return Ok(());
                }
            };
            app.compare_clocks(&account.id, page.date);
            self.take(account, &page);
            let more = page.more;
            cursor.clone_from(&page.cursor);
            kill::point("store", When::Before);
            kill::point("cursor", When::Before);
            let (id, now) = (account.id.clone(), app.clock.now());
            let stored = app
                .db
                .write(move |tx| comments::store_page(tx, &id, &page, sweep, watched_from, now))
                .await?;
            kill::point("store", When::After);
            kill::point("cursor", When::After);
            self.row.new += stored.new;
            self.doubtful.extend(stored.doubtful);
            if !more {
                return Ok(());
            }
        }
        self.row.failure = Some(format!("the platform's list did not end after {MOST_PAGES} pages"));
        Ok(())
    }

    /// Notes what a page holds besides its comments.
    fn take(&mut self, account: &Account, page: &Page) {
        self.row.seen += page.comments.len();
        self.row.faults += page.faults.len();
        for fault in &page.faults {
            tracing::warn!(account = %account.id, comment = ?fault.native_id, reason = %fault.reason, "an element could not be read");
            self.row.blind.push(format!(
                "ett element kunde inte läsas ({}): {}",
                fault.native_id.as_deref().unwrap_or("utan id"),
                fault.reason
            ));
        }
        self.row.blind.extend(page.blind.iter().cloned());
        self.listed.extend(page.listed.iter().cloned());
    }

    /// Looks one by one at what the lists showed otherwise than it is stored, or did not show at all.
    async fn confirm(
        &mut self,
        app: &App,
        account: &Account,
        connector: &dyn Connector,
        sweep: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let (id, listed) = (account.id.clone(), std::mem::take(&mut self.listed));
        let missing = app.db.read(move |reader| comments::missing(reader, &id, &listed, sweep)).await?;
        self.doubtful.extend(missing);
        self.doubtful.sort_unstable();
        self.doubtful.dedup();
        for comment in self.doubtful.iter().copied().take(MOST_LOOKS) {
            if let Err(error) = confirm(app, account, connector, comment).await? {
                self.row.blind.push(format!("en kommentar kunde inte ses efter: {error}"));
            }
        }
        Ok(())
    }
}

/// Looks at one comment whose standing in the list differs from what is stored, and notes what the look shows.
async fn confirm(
    app: &App,
    account: &Account,
    connector: &dyn Connector,
    comment: i64,
) -> Result<Result<(), ConnectorError>, StoreError> {
    let stored = app.db.read(move |reader| comments::get(reader, comment)).await?;
    let look = match connector.look(&stored.target()).await {
        Ok(look) => look,
        Err(error) => return Ok(Err(error)),
    };
    app.compare_clocks(&account.id, look.date);
    let (config, now) = (app.config.clone(), app.clock.now());
    app.db.write(move |tx| note_look(tx, &config, comment, &look, now)).await?;
    Ok(Ok(()))
}

/// Notes what a look shows: a new text is stored as a version, a new standing as a change that Uppsikt did not make.
///
/// # Errors
/// Engine errors.
pub(crate) fn note_look(
    tx: &store::Tx<'_>,
    config: &crate::config::Config,
    comment: i64,
    look: &Look,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let stored = comments::get(tx, comment)?;
    if let Some(seen) = &look.seen {
        comments::add_version(tx, &stored, seen, now)?;
    }
    crate::moves::sighted(tx, config, &stored, look.sighting, now)
}
