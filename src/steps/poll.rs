//! 1. Platform → stored comments and cursor.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::config::{Account, AccountStatus};
use crate::connector::{
    Connector, ConnectorError, Cursor, Look, Page, Sighting, budget, lists_what_it_holds,
};
use crate::kill::{self, When};
use crate::pipeline::App;
use crate::polling::schedule::{self, Ended};
use crate::store::polls::{Next, PollRow};
use crate::store::{self, StoreError, comments, polls, totals};

mod posts;

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
            let state = polls::state(tx, &id)?;
            if state.not_before.is_some_and(|until| until > started) {
                return Ok((state, started));
            }
            polls::begin(tx, &id, started)?;
            let sweep = polls::begin_sweep(tx, &id, started)?;
            Ok((state, sweep))
        })
        .await?;
    if let Some(until) = state.not_before.filter(|until| *until > started) {
        let why = format!("the platform asked to be left alone until {until:?}");
        return Ok(Polled { failure: Some(why), ..Polled::default() });
    }
    let watched_from = state.watched_from.unwrap_or(sweep);
    let mut reading = Reading {
        row: empty(account, started),
        listed: Vec::new(),
        doubtful: Vec::new(),
        withheld: BTreeSet::new(),
        beyond: false,
        wait: None,
    };
    let ((), cost) = {
        let (result, cost) = budget::metered(async {
            reading
                .pages(app, account, connector.as_ref(), state.cursor.map(Cursor), (sweep, watched_from))
                .await?;
            if reading.row.failure.is_none() {
                reading.confirm(app, account, connector.as_ref(), sweep).await?;
            }
            Ok::<_, StoreError>(())
        })
        .await;
        (result?, cost)
    };
    let Reading { mut row, wait, beyond, .. } = reading;
    // Looks are counted as usual where no more than usual was read.
    if !beyond {
        add(&mut row.usual, &cost);
    }
    add(&mut row.cost, &cost);
    end(app, account, row, sweep, wait).await
}

/// Writes the row of a poll that was ended from outside: it took too long, or it panicked. What its pages held is
/// stored, and the next poll goes on from there.
///
/// # Errors
/// The store's.
pub async fn cut_off(app: &App, account: &Account, why: &str) -> Result<Polled, StoreError> {
    let now = app.clock.now();
    let id = account.id.clone();
    let state = app.db.read(move |reader| polls::state(reader, &id)).await?;
    let mut row = empty(account, state.poll_began.unwrap_or(now));
    row.failure = Some(why.to_owned());
    end(app, account, row, state.sweep_started.unwrap_or(now), None).await
}

/// Tells that nothing was read since `late`, although nothing failed (R1).
///
/// # Errors
/// The store's.
pub async fn silent(app: &App, account: &Account, late: DateTime<Utc>) -> Result<(), StoreError> {
    let (id, config, now) = (account.id.clone(), app.config.clone(), app.clock.now());
    let why = "ingen läsning av kontot har blivit klar inom dess intervall";
    app.db
        .write(move |tx| {
            if polls::became_blind(tx, &id, late, why)? {
                begin_blind(tx, &config, &id, (late, now), why)?;
            }
            Ok(())
        })
        .await
}

fn empty(account: &Account, started_at: DateTime<Utc>) -> PollRow {
    PollRow {
        account: account.id.clone(),
        started_at,
        ended_at: started_at,
        seen: 0,
        new: 0,
        faults: 0,
        failure: None,
        blind: Vec::new(),
        dead_key: false,
        cost: BTreeMap::new(),
        usual: BTreeMap::new(),
    }
}

/// Adds units by quota.
fn add(sum: &mut BTreeMap<String, u64>, more: &BTreeMap<String, u64>) {
    for (quota, units) in more {
        *sum.entry(quota.clone()).or_default() += units;
    }
}

/// Ends a poll: its row in the log, when the next one comes, and what follows for the watch.
async fn end(
    app: &App,
    account: &Account,
    mut row: PollRow,
    sweep: DateTime<Utc>,
    wait: Option<TimeDelta>,
) -> Result<Polled, StoreError> {
    row.ended_at = app.clock.now();
    row.blind.sort();
    row.blind.dedup();
    let polled = Polled { seen: row.seen, new: row.new, failure: row.failure.clone() };
    // Reckoned before the transaction, which others wait for: nothing but its own polls changes what it is made of.
    let next = next(app, account, &row, wait).await?;
    let config = app.config.clone();
    app.db
        .write(move |tx| {
            let became_blind = polls::finish(tx, &row, &next)?;
            if let Some(wait) = wait {
                polls::set_not_before(tx, &row.account, row.ended_at + wait)?;
            }
            if became_blind {
                let reason = row.failure.clone().unwrap_or_default();
                begin_blind(tx, &config, &row.account, (row.started_at, row.ended_at), &reason)?;
            } else if row.failure.is_none() {
                store::duties::close_for_account(
                    tx,
                    &row.account,
                    "account_blind",
                    "seeing_again",
                    row.ended_at,
                )?;
                counts(tx, &config, &row.account, sweep, row.ended_at)?;
            }
            Ok(())
        })
        .await?;
    Ok(polled)
}

/// When the account is polled next.
async fn next(
    app: &App,
    account: &Account,
    row: &PollRow,
    wait: Option<TimeDelta>,
) -> Result<Next, StoreError> {
    let (config, account, row) = (app.config.clone(), account.clone(), row.clone());
    let left = app.connectors.get(&account.id).map(|connector| connector.budgets()).unwrap_or_default();
    app.db
        .read(move |reader| {
            let state = polls::state(reader, &row.account)?;
            let ok = row.failure.is_none();
            let mut costs = BTreeMap::new();
            // What the others cost counts only where they spend of the same.
            if ok && !left.is_empty() {
                costs = polls::costs(reader)?;
                if !row.usual.is_empty() {
                    costs.insert(row.account.clone(), row.usual.clone());
                }
            }
            let ended = Ended {
                account: &account,
                at: row.ended_at,
                ok,
                dead_key: row.dead_key,
                wait,
                new: row.new,
                state: &state,
                left: &left,
                costs: &costs,
                crisis: polls::crisis(reader, row.ended_at)?,
            };
            Ok(schedule::next(&config, &ended))
        })
        .await
}

/// The duty of an account that cannot be read. It is told when it lasts, or at once where the key is dead.
fn begin_blind(
    tx: &store::Tx<'_>,
    config: &crate::config::Config,
    account: &str,
    (trigger_at, found_at): (DateTime<Utc>, DateTime<Utc>),
    reason: &str,
) -> Result<(), StoreError> {
    crate::moves::begin(
        tx,
        config,
        &crate::moves::About {
            kind: "account_blind",
            case: None,
            account,
            trigger_at,
            found_at,
            note: Some(format!("Kontot kan inte läsas: {reason}")),
        },
    )
}

/// Compares the platform's own counts with ours after a whole sweep; what nothing explains is told to the owner once.
fn counts(
    tx: &store::Tx<'_>,
    config: &crate::config::Config,
    account: &str,
    sweep: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let new = totals::reconcile(tx, account, sweep)?;
    let off = totals::off(tx, account)?;
    if off.is_empty() {
        store::duties::close_for_account(tx, account, "count_differs", "agrees", now)?;
    }
    if new == 0 {
        return Ok(());
    }
    totals::reported(tx, account)?;
    store::duties::close_for_account(tx, account, "count_differs", "told_anew", now)?;
    let (more, fewer): (Vec<_>, Vec<_>) = off.iter().partition(|off| off.off > 0);
    let sum = |posts: &[&totals::Off]| {
        posts.iter().fold(0_u64, |sum, off| sum.saturating_add(off.off.unsigned_abs()))
    };
    let mut parts = Vec::new();
    if !more.is_empty() {
        parts.push(format!("plattformen räknar {} kommentarer som Uppsikt inte har sett", sum(&more)));
    }
    if !fewer.is_empty() {
        parts.push(format!("Uppsikt har {} kommentarer som plattformen inte räknar", sum(&fewer)));
    }
    let note = format!(
        "Antalet kommentarer stämmer inte under {} inlägg: {}. Ingenting förklarar skillnaden.",
        off.len(),
        parts.join("; ")
    );
    crate::moves::begin(
        tx,
        config,
        &crate::moves::About {
            kind: "count_differs",
            case: None,
            account,
            trigger_at: now,
            found_at: now,
            note: Some(note),
        },
    )
}

/// What one sweep has found so far.
struct Reading {
    row: PollRow,
    /// Posts whose comments have been listed wholly.
    listed: Vec<String>,
    /// Comments whose standing in the list differs from what is stored.
    doubtful: Vec<i64>,
    /// Those of them that a list shows as hidden.
    withheld: BTreeSet<i64>,
    /// Whether more was read than every poll reads.
    beyond: bool,
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
            let asked = app.db.read(comments::newest_version).await?;
            let (page, cost) = budget::metered(connector.page(cursor.as_ref())).await;
            add(&mut self.row.cost, &cost);
            let page = match page {
                Ok(page) => page,
                Err(error) => {
                    if let ConnectorError::RateLimited(time) = &error {
                        self.wait = TimeDelta::from_std(*time).ok();
                    }
                    self.row.dead_key = matches!(error, ConnectorError::Unauthorized(_));
                    self.row.failure = Some(error.to_string());
                    return Ok(());
                }
            };
            app.compare_clocks(&account.id, page.date);
            if page.beyond {
                self.beyond = true;
            } else {
                add(&mut self.row.usual, &cost);
            }
            self.take(account, &page);
            let more = page.more;
            cursor.clone_from(&page.cursor);
            kill::point_with("store", When::Before, &(&page, connector));
            kill::point("cursor", When::Before);
            let (id, now) = (account.id.clone(), app.clock.now());
            let stored = app
                .db
                .write(move |tx| {
                    totals::told(tx, &id, &page.posts, sweep)?;
                    comments::store_page_asked(tx, &id, &page, sweep, watched_from, (now, asked))
                })
                .await?;
            kill::point("store", When::After);
            kill::point("cursor", When::After);
            self.row.new += stored.new;
            self.doubtful.extend(stored.doubtful);
            self.withheld.extend(stored.withheld);
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
        let gone = posts::look(app, account, connector, sweep).await?;
        self.doubtful.extend(gone.comments);
        if let Some(error) = gone.failure {
            self.row.blind.push(format!("ett eget inlägg kunde inte ses efter: {error}"));
        }
        self.doubtful.sort_unstable();
        self.doubtful.dedup();
        for comment in self.doubtful.iter().copied().take(MOST_LOOKS) {
            if let Err(error) =
                confirm(app, account, connector, (comment, self.withheld.contains(&comment))).await?
            {
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
    (comment, withheld): (i64, bool),
) -> Result<Result<(), ConnectorError>, StoreError> {
    let (stored, before) = app
        .db
        .read(move |reader| Ok((comments::get(reader, comment)?, comments::mark(reader, comment)?)))
        .await?;
    let look = match connector.look(&stored.target()).await {
        // Its own list told that it is held back, the look that it is there and not shown: it is hidden.
        Ok(look) if withheld && look.sighting == Sighting::NotListed => {
            Look { sighting: Sighting::Hidden, ..look }
        }
        Ok(look) => look,
        Err(error) => return Ok(Err(error)),
    };
    let held = withheld && look.sighting.is_hidden() && lists_what_it_holds(connector.platform());
    app.compare_clocks(&account.id, look.date);
    let (config, now) = (app.config.clone(), app.clock.now());
    app.db
        .write(move |tx| {
            // An act, or another look, came between: what this look saw is older than what is known.
            if comments::mark(tx, comment)? != before {
                return Ok(());
            }
            note_look(tx, &config, comment, (&look, held), now)
        })
        .await?;
    Ok(Ok(()))
}

/// Notes what a look shows: a new text is stored as a version, a new standing as a change that Uppsikt did not make; by
/// the platform itself, where its lists say that it holds the comment back (`held`).
///
/// # Errors
/// Engine errors.
pub(crate) fn note_look(
    tx: &store::Tx<'_>,
    config: &crate::config::Config,
    comment: i64,
    (look, held): (&Look, bool),
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let stored = comments::get(tx, comment)?;
    if let Some(seen) = &look.seen {
        comments::add_version(tx, &stored, seen, now)?;
    }
    crate::moves::sighted(tx, config, &stored, (look.sighting, held), now)
}
