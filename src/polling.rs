//! Reading many accounts at once: within each host's patience, each at its own time, none in another's way.
//!
//! A poll is a task of its own. It ends after [`Pace::longest`] whatever the platform does, and a poll that fails, hangs
//! or panics is a row in the poll log and stops nobody else. The steps after it never wait for it in the daemon: they
//! take what is stored, whenever it was.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio::sync::Notify;
use tokio::task::{Id, JoinError, JoinSet};

use crate::config::{Account, AccountStatus};
use crate::panics;
use crate::pipeline::{App, PassError, Which};
use crate::steps::poll::{self, Polled};
use crate::store::StoreError;
use crate::store::polls::{self, AccountState};

pub mod schedule;

/// How often it is looked for accounts whose time has come.
const LOOK: Duration = Duration::from_secs(1);

/// How long polls that run may go on when the daemon is asked to stop; what they have read is stored.
const GRACE: Duration = Duration::from_secs(20);

/// How many polls run at once, and how long each may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Polls at once.
    pub in_all: usize,
    /// Of these, behind one host.
    pub per_host: usize,
    /// One poll. What it has read by then is stored, and the next goes on from there.
    pub longest: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { in_all: 16, per_host: 4, longest: Duration::from_mins(20) }
    }
}

impl Pace {
    /// The pace for `app`: under a manual clock one account after another, so that a trial gives the same numbers
    /// every time.
    pub fn of(app: &App) -> Self {
        let usual = Self::default();
        if app.clock.is_system() { usual } else { Self { in_all: 1, per_host: 1, ..usual } }
    }
}

/// An account that was polled, and how it went.
pub type Read = (String, Polled);

/// Polls every account that `which` names, and waits for all; each for at most the pace's longest.
///
/// # Errors
/// The store's. What a platform does wrong is in the result.
pub async fn all(app: &App, which: Which, pace: Pace) -> Result<Vec<Read>, PassError> {
    let mut queue = match which {
        Which::Due => due(app, &app.db.read(polls::states).await?),
        Which::All => app.config.accounts.iter().filter(|account| is_read(app, account)).cloned().collect(),
    };
    let mut polls = Running::new(app, pace);
    let mut read = Vec::new();
    loop {
        polls.start(&mut queue);
        match polls.next().await? {
            Some(one) => read.push(one),
            None => break,
        }
    }
    // As they stand in the configuration, whatever order they ended in.
    let in_order = |id: &str| app.config.accounts.iter().position(|account| account.id == id);
    read.sort_by_key(|(id, _)| in_order(id));
    Ok(read)
}

/// What a daemon's polls tell its passes.
#[derive(Debug, Clone, Default)]
pub struct Reports(Arc<Told>);

#[derive(Debug, Default)]
struct Told {
    read: Mutex<Vec<Read>>,
    beat: Mutex<Option<Instant>>,
    news: Notify,
}

impl Reports {
    /// What has ended since the last time this was asked.
    pub fn take(&self) -> Vec<Read> {
        std::mem::take(&mut *self.0.read.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until a poll has found something new.
    pub async fn news(&self) {
        self.0.news.notified().await;
    }

    /// Whether somebody has looked for due accounts within `time`: a daemon that reads nothing is no daemon, however
    /// many passes it finishes.
    pub fn alive_within(&self, time: Duration) -> bool {
        self.0.beat.lock().unwrap_or_else(PoisonError::into_inner).is_none_or(|beat| beat.elapsed() <= time)
    }

    fn beat(&self) {
        *self.0.beat.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    fn add(&self, read: Read) {
        let news = read.1.new > 0;
        self.0.read.lock().unwrap_or_else(PoisonError::into_inner).push(read);
        if news {
            self.0.news.notify_one();
        }
    }
}

/// Polls each account when its time has come, until `shutdown` completes.
///
/// # Errors
/// The store's: systemd starts the daemon anew from what is durable.
pub async fn run(
    app: &App,
    pace: Pace,
    reports: &Reports,
    shutdown: impl Future<Output = ()>,
) -> Result<(), PassError> {
    tokio::pin!(shutdown);
    let began = app.clock.now();
    let mut polls = Running::new(app, pace);
    loop {
        reports.beat();
        let states = app.db.read(polls::states).await?;
        let mut queue = due(app, &states);
        queue.retain(|account| !polls.has(&account.id));
        polls.start(&mut queue);
        silent(app, &states, began).await?;
        tokio::select! {
            ended = polls.next(), if !polls.is_idle() => if let Some(read) = ended? { reports.add(read) },
            () = tokio::time::sleep(LOOK) => {}
            () = &mut shutdown => break,
        }
    }
    // Waiting is cut, work is not: what runs may end, for a while.
    let until = tokio::time::Instant::now() + GRACE;
    while let Ok(Some(read)) = tokio::time::timeout_at(until, polls.next()).await.unwrap_or(Ok(None)) {
        reports.add(read);
    }
    polls.cut("Uppsikt stoppades medan kontot lästes").await
}

/// The accounts that somebody reads.
fn is_read(app: &App, account: &Account) -> bool {
    account.status != AccountStatus::Closed && app.connectors.contains_key(&account.id)
}

/// The accounts whose time has come, the one that has waited longest first.
fn due(app: &App, states: &BTreeMap<String, AccountState>) -> VecDeque<Account> {
    let now = app.clock.now();
    let mut due: Vec<(Option<DateTime<Utc>>, &Account)> = Vec::new();
    for account in app.config.accounts.iter().filter(|account| is_read(app, account)) {
        let state = states.get(&account.id);
        let wait = state.and_then(|state| state.not_before.max(state.next_poll));
        if wait.is_none_or(|wait| wait <= now) {
            due.push((wait, account));
        }
    }
    due.sort_by_key(|(wait, _)| *wait);
    due.into_iter().map(|(_, account)| account.clone()).collect()
}

/// Tells of accounts that nobody has read although their time is long past, and whose polls did not even fail (R1).
async fn silent(
    app: &App,
    states: &BTreeMap<String, AccountState>,
    began: DateTime<Utc>,
) -> Result<(), StoreError> {
    let now = app.clock.now();
    for account in app.config.accounts.iter().filter(|account| is_read(app, account)) {
        let Some(state) = states.get(&account.id) else { continue };
        if state.blind.is_some() || state.slow.is_some() || state.late_at.is_some_and(|late| late > now) {
            continue;
        }
        let every = schedule::every(account, began);
        // A daemon that has just begun is given the time of an ordinary slot.
        let late = state.late_at.unwrap_or(began).max(began + every + schedule::patience(every));
        if late <= now {
            poll::silent(app, account, late).await?;
        }
    }
    Ok(())
}

/// The polls that run.
struct Running {
    app: App,
    pace: Pace,
    tasks: JoinSet<Result<Read, StoreError>>,
    accounts: BTreeMap<Id, Account>,
}

impl Running {
    fn new(app: &App, pace: Pace) -> Self {
        Self { app: app.clone(), pace, tasks: JoinSet::new(), accounts: BTreeMap::new() }
    }

    fn has(&self, account: &str) -> bool {
        self.accounts.values().any(|running| running.id == account)
    }

    fn is_idle(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Starts as many as the pace lets, in order; those whose host is busy stay in the queue and are in nobody's way.
    fn start(&mut self, queue: &mut VecDeque<Account>) {
        let mut busy: BTreeMap<String, usize> = BTreeMap::new();
        for running in self.accounts.values() {
            *busy.entry(running.host()).or_default() += 1;
        }
        let mut waiting = VecDeque::new();
        while let Some(account) = queue.pop_front() {
            let host = busy.entry(account.host()).or_default();
            if self.accounts.len() >= self.pace.in_all || *host >= self.pace.per_host {
                waiting.push_back(account);
                continue;
            }
            *host += 1;
            let (app, mine, longest) = (self.app.clone(), account.clone(), self.pace.longest);
            let task = self.tasks.spawn(async move {
                let polled =
                    if let Ok(polled) = tokio::time::timeout(longest, poll::account(&app, &mine)).await {
                        polled?
                    } else {
                        let why =
                            format!("läsningen blev inte klar på {} minuter", longest.as_secs().div_ceil(60));
                        poll::cut_off(&app, &mine, &why).await?
                    };
                Ok((mine.id, polled))
            });
            self.accounts.insert(task.id(), account);
        }
        *queue = waiting;
    }

    /// The next poll that ends; `None` when none runs.
    async fn next(&mut self) -> Result<Option<Read>, PassError> {
        let Some(ended) = self.tasks.join_next_with_id().await else { return Ok(None) };
        match ended {
            Ok((id, read)) => {
                self.accounts.remove(&id);
                Ok(Some(read?))
            }
            Err(error) => self.broke(&error, "läsningen avbröts av ett fel i Uppsikt").await.map(Some),
        }
    }

    /// A poll that panicked or was aborted gets its row in the log like any other.
    async fn broke(&mut self, error: &JoinError, why: &str) -> Result<Read, PassError> {
        let Some(account) = self.accounts.remove(&error.id()) else {
            return Err(PassError::Broken(panics::ended(error).to_owned()));
        };
        tracing::error!(account = %account.id, why = panics::ended(error), "a poll did not end by itself");
        let polled = poll::cut_off(&self.app, &account, why).await?;
        Ok((account.id, polled))
    }

    /// Ends what runs; each gets its row in the log.
    async fn cut(mut self, why: &str) -> Result<(), PassError> {
        self.tasks.abort_all();
        while let Some(ended) = self.tasks.join_next_with_id().await {
            if let Err(error) = ended {
                self.broke(&error, why).await?;
            }
        }
        Ok(())
    }
}
