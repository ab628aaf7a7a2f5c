//! What a platform lets us ask, counted before we ask.
//!
//! One [`Budget`] stands for what one key, app or address may spend; accounts that share one share the budget. Hiding
//! and looking at dangerous comments have a reserve that polling may not eat.
//!
//! What is spent is durable before the request is sent: a small lease of units is written to the [`Ledger`] as spent,
//! and requests are paid from it. A process that is killed forgets no spent unit; it loses at most the rest of its
//! leases, which then count as spent until their window ends.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::ConnectorError;
use crate::clock::Clock;

pub mod pace;

mod state;

#[cfg(test)]
mod tests;

pub use state::{Counted, Limit, State, Told};

/// What a request is for. Only the later ones may spend the reserve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Purpose {
    /// Lists.
    Poll,
    /// One comment: before preserving, before and after an act.
    Look,
    /// A write, or opening a session for one.
    Act,
}

/// The time after which a quota is whole again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Window {
    /// Each unit comes back so long after it was spent. Kept as a sliding window also where the platform's is fixed:
    /// nobody knows where a fixed one begins, and around its end it would allow double.
    Rolling(Duration),
    /// Midnight UTC.
    UtcDay,
    /// Midnight in Los Angeles, summer time included (YouTube).
    PacificDay,
}

/// One limit of a platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    /// Its name, as `doctor` shows it: "units a day".
    pub name: &'static str,
    /// How many units a window has.
    pub limit: u64,
    /// The window.
    pub window: Window,
    /// How many of them [`Purpose::Poll`] may not spend.
    pub reserve: u64,
}

/// What is left of a quota.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Whose it is and which: "youtube/units a day".
    pub name: String,
    /// How many units a window has.
    pub limit: u64,
    /// How many are spent.
    pub used: u64,
    /// How many polling may not spend.
    pub reserve: u64,
    /// When it is whole again (UTC); `None` while nothing is spent.
    pub resets_at: Option<DateTime<Utc>>,
    /// The window.
    pub window: Window,
}

/// Where budgets are kept between processes.
pub trait Ledger: Send + Sync {
    /// Applies `change` to what is kept of the budget `id` (the default for one never kept) and returns how it then
    /// stands. What the change returns true for is durable before this returns.
    ///
    /// # Errors
    /// A sentence without secrets; nothing was changed.
    fn exchange(&self, id: &str, change: Change) -> Result<State, String>;
}

/// A change of one budget; true if there was anything to change.
pub type Change = Box<dyn FnOnce(&mut State) -> bool + Send>;

tokio::task_local! {
    /// What the running poll has spent, by the full name of the quota.
    static METER: Arc<Mutex<BTreeMap<String, u64>>>;
}

/// Runs `work`, and tells what it spent of each budget ("youtube/units a day").
pub async fn metered<T>(work: impl Future<Output = T>) -> (T, BTreeMap<String, u64>) {
    let meter = Arc::new(Mutex::new(BTreeMap::new()));
    let result = METER.scope(Arc::clone(&meter), work).await;
    let spent = std::mem::take(&mut *meter.lock().unwrap_or_else(PoisonError::into_inner));
    (result, spent)
}

/// The budgets of one process, by name: accounts that share a key, an app or an address get the same one.
pub struct Book {
    clock: Clock,
    ledger: Option<Arc<dyn Ledger>>,
    open: Mutex<BTreeMap<String, Budget>>,
}

impl fmt::Debug for Book {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Book").finish_non_exhaustive()
    }
}

impl Book {
    /// Budgets that are kept in `ledger`.
    pub fn new(clock: Clock, ledger: Arc<dyn Ledger>) -> Self {
        Self { clock, ledger: Some(ledger), open: Mutex::default() }
    }

    /// The budget `id`, opened with these quotas unless it is open.
    pub fn budget(&self, id: &str, quotas: impl IntoIterator<Item = Quota>) -> Budget {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.entry(id.to_owned())
            .or_insert_with(|| Budget::opened(id, quotas, self.clock.clone(), self.ledger.clone()))
            .clone()
    }
}

/// What one key, app or address may spend. Cloning shares it.
#[derive(Clone)]
pub struct Budget {
    id: Arc<str>,
    clock: Clock,
    ledger: Option<Arc<dyn Ledger>>,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    quotas: BTreeMap<&'static str, Limit>,
    /// As the ledger last had it.
    state: State,
    leases: BTreeMap<&'static str, Lease>,
}

/// Units that the ledger has as spent and that are not.
#[derive(Debug, Clone, Copy)]
struct Lease {
    units: u64,
    /// When the ledger gives them back.
    end: DateTime<Utc>,
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget").field("id", &self.id).field("left", &self.left()).finish_non_exhaustive()
    }
}

impl Budget {
    /// A whole budget named `id` ("youtube", "bluesky/did:plc:…") that nobody keeps: for trials and tests.
    pub fn new(id: &str, quotas: impl IntoIterator<Item = Quota>, clock: Clock) -> Self {
        Self::opened(id, quotas, clock, None)
    }

    fn opened(
        id: &str,
        quotas: impl IntoIterator<Item = Quota>,
        clock: Clock,
        ledger: Option<Arc<dyn Ledger>>,
    ) -> Self {
        let quotas = quotas.into_iter().map(|quota| (quota.name, Limit::from(&quota))).collect();
        let inner = Arc::new(Mutex::new(Inner { quotas, ..Inner::default() }));
        let budget = Self { id: id.into(), clock, ledger, inner };
        let now = budget.clock.now();
        // What cannot be read now is read before the first request, which is not sent without it.
        if let Err(error) = budget.exchange(&mut budget.inner(), now, |_| true) {
            tracing::warn!(budget = %budget.id, %error, "the budget cannot be read");
        }
        budget
    }

    /// Its name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether it has a quota of this name.
    pub fn has(&self, name: &str) -> bool {
        self.inner().quotas.contains_key(name)
    }

    /// The time by its clock (UTC).
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Whether `costs` could be spent now, as far as this process knows; spends nothing.
    ///
    /// # Errors
    /// `RateLimited` until all of them fit.
    pub fn fits(&self, costs: &[(&'static str, u64)], purpose: Purpose) -> Result<(), ConnectorError> {
        let now = self.clock.now();
        let mut inner = self.inner();
        inner.fill(now);
        let (_, wanted, refunds) = inner.priced(costs, purpose, self.ledger.is_some(), now);
        match inner.state.wait(&wanted, &refunds, purpose, now) {
            Some(wait) => Err(limited(wait)),
            None => Ok(()),
        }
    }

    /// Counts `costs` (a quota's name and units each), or none of them; durable when this returns. A cost of nothing
    /// still asks whether the platform has said that the quota is at its end.
    ///
    /// Writes to the ledger now and then, and waits for it: some milliseconds.
    ///
    /// # Errors
    /// `RateLimited` until all of them fit; `Unavailable` when the ledger cannot be written.
    pub fn spend(&self, costs: &[(&'static str, u64)], purpose: Purpose) -> Result<(), ConnectorError> {
        let now = self.clock.now();
        let mut inner = self.inner();
        inner.fill(now);
        let (price, wanted, refunds) = inner.priced(costs, purpose, self.ledger.is_some(), now);
        if let Some(wait) = inner.state.wait(&wanted, &refunds, purpose, now) {
            return Err(limited(wait));
        }
        if wanted.iter().any(|wanted| wanted.need > 0) {
            let granted = self.take(&mut inner, wanted, refunds, purpose, now)?;
            for (name, units) in granted {
                let Some(limit) = inner.quotas.get(name).copied() else { continue };
                let end = limit.window.end(now);
                let kept =
                    inner.leases.get(name).filter(|lease| lease.end == end).map_or(0, |lease| lease.units);
                inner.leases.insert(name, Lease { units: kept + units, end });
            }
        }
        for (name, units) in &price {
            if let Some(lease) = inner.leases.get_mut(name) {
                lease.units = lease.units.saturating_sub(*units);
            }
        }
        drop(inner);
        let _ = METER.try_with(|meter| {
            let mut meter = meter.lock().unwrap_or_else(PoisonError::into_inner);
            for (name, units) in price.iter().filter(|(_, units)| **units > 0) {
                *meter.entry(format!("{}/{name}", self.id)).or_default() += units;
            }
        });
        Ok(())
    }

    /// Writes to the ledger what is needed and a little more; gives how many units of each there now are to spend.
    fn take(
        &self,
        inner: &mut Inner,
        wanted: Vec<Wanted>,
        refunds: Vec<(String, Lease)>,
        purpose: Purpose,
        now: DateTime<Utc>,
    ) -> Result<Vec<(&'static str, u64)>, ConnectorError> {
        let result = Arc::new(Mutex::new(Ok(Vec::new())));
        let slot = Arc::clone(&result);
        self.exchange(inner, now, move |state| {
            let answer = state.take(&wanted, &refunds, purpose, now);
            let changed = answer.is_ok();
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = answer;
            changed
        })
        .map_err(|error| {
            ConnectorError::Unavailable(format!("the budget {} cannot be kept: {error}", self.id))
        })?;
        let answer =
            std::mem::replace(&mut *result.lock().unwrap_or_else(PoisonError::into_inner), Ok(Vec::new()));
        answer.map_err(limited)
    }

    /// Takes over what the platform says of a quota: how many units are spent, how many there are, and until when that
    /// holds (left out: for a window). Replaces what it said before; our own count stays where it is higher: the
    /// platform's may lag behind.
    pub fn told(&self, name: &'static str, used: u64, limit: Option<u64>, resets_at: Option<DateTime<Utc>>) {
        let now = self.clock.now();
        let mut inner = self.inner();
        inner.fill(now);
        // What is leased and not yet spent comes on top of what the platform has counted.
        let since = inner.leases.get(name).map_or(0, |lease| lease.units);
        let Some(counted) = inner.state.quotas.get_mut(name) else { return };
        let latest = counted.quota.window.end(now);
        let until = resets_at.unwrap_or(latest).clamp(now, latest);
        let told = Told { used, limit: limit.filter(|limit| *limit > 0), since, until };
        counted.told = Some(told);
        counted.turn(now);
        // What leaves polling nothing must be known after a restart too; the rest is kept with the next lease.
        if counted.wait(1, Purpose::Poll, now).is_some() {
            self.keep(&mut inner, now);
        }
    }

    /// The platform refused a request with "too many": nothing more is asked of these quotas (all, when none is named)
    /// for so long, also after a restart.
    pub fn refused(&self, names: &[&'static str], wait: Duration) {
        let now = self.clock.now();
        let until =
            TimeDelta::from_std(wait).ok().and_then(|wait| now.checked_add_signed(wait)).unwrap_or(now);
        let mut inner = self.inner();
        inner.fill(now);
        for (name, counted) in &mut inner.state.quotas {
            if names.is_empty() || names.contains(&name.as_str()) {
                counted.closed_until = counted.closed_until.max(Some(until));
                counted.turn(now);
            }
        }
        self.keep(&mut inner, now);
    }

    /// Counts units of which only the answer told how many they were; they are spent, whatever is left.
    pub fn add(&self, name: &'static str, units: u64) {
        let now = self.clock.now();
        let mut inner = self.inner();
        inner.fill(now);
        let counted = self.exchange(&mut inner, now, move |state| {
            state.quotas.get_mut(name).is_some_and(|counted| {
                counted.spend(units, now);
                true
            })
        });
        if let Err(error) = counted {
            tracing::warn!(budget = %self.id, %error, "the budget cannot be kept");
        }
    }

    /// Whether more of a day's quota is spent than its even share up to now: then what can wait should wait, so that
    /// the last hours of the day are not blind. False for quotas of shorter windows.
    pub fn is_ahead(&self, name: &str) -> bool {
        let now = self.clock.now();
        let mut inner = self.inner();
        inner.fill(now);
        let Some(counted) = inner.state.quotas.get(name) else { return false };
        if matches!(counted.quota.window, Window::Rolling(_)) {
            return false;
        }
        let day = TimeDelta::days(1).num_seconds();
        let gone = (day - (counted.quota.window.end(now) - now).num_seconds()).clamp(0, day).unsigned_abs();
        let free = counted.limit(now).saturating_sub(counted.reserve(now));
        // A tenth of the day's units in advance, so that the day can begin.
        counted.used(now) > free / 10 + free.saturating_mul(gone) / day.unsigned_abs()
    }

    /// What is left of each quota.
    pub fn left(&self) -> Vec<Left> {
        let now = self.clock.now();
        let mut inner = self.inner();
        inner.fill(now);
        left(&self.id, &inner.state, now)
    }

    fn keep(&self, inner: &mut Inner, now: DateTime<Utc>) {
        if let Err(error) = self.exchange(inner, now, |_| true) {
            tracing::warn!(budget = %self.id, %error, "the budget cannot be kept");
        }
    }

    /// Applies `change` to the ledger's state, with what the platform has said since; `inner` then holds the result.
    fn exchange(
        &self,
        inner: &mut Inner,
        now: DateTime<Utc>,
        change: impl FnOnce(&mut State) -> bool + Send + 'static,
    ) -> Result<(), String> {
        let (quotas, ours) = (inner.quotas.clone(), inner.state.clone());
        let whole: Change = Box::new(move |state| {
            state.merge(&quotas, &ours, now);
            change(state)
        });
        if let Some(ledger) = &self.ledger {
            inner.state = ledger.exchange(&self.id, whole)?;
        } else {
            let mut state = inner.state.clone();
            if whole(&mut state) {
                inner.state = state;
            }
        }
        Ok(())
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Counters of a thread that panicked are as good as any: they are counted before the request.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is left of the quotas of a budget that somebody else keeps (`store::budgets`).
pub fn left(id: &str, state: &State, now: DateTime<Utc>) -> Vec<Left> {
    state
        .quotas
        .iter()
        .map(|(name, counted)| Left {
            name: format!("{id}/{name}"),
            limit: counted.limit(now),
            used: counted.used(now),
            reserve: counted.reserve(now),
            resets_at: counted.whole_at(now),
            window: counted.quota.window,
        })
        .collect()
}

impl Inner {
    /// Makes sure that every quota has a count, and forgets what is free again.
    fn fill(&mut self, now: DateTime<Utc>) {
        for (name, limit) in &self.quotas {
            if !self.state.quotas.contains_key(*name) {
                self.state.quotas.insert((*name).to_owned(), Counted::whole(*limit));
            }
        }
        for counted in self.state.quotas.values_mut() {
            counted.turn(now);
        }
    }

    fn priced(
        &self,
        costs: &[(&'static str, u64)],
        purpose: Purpose,
        kept: bool,
        now: DateTime<Utc>,
    ) -> Priced {
        let mut price: BTreeMap<&'static str, u64> = BTreeMap::new();
        for (name, units) in costs {
            if self.quotas.contains_key(name) {
                *price.entry(name).or_default() += units;
            }
        }
        let mut wanted = Vec::new();
        let mut refunds = Vec::new();
        for (name, units) in &price {
            let Some(limit) = self.quotas.get(name) else { continue };
            let lease = self.leases.get(name).copied().filter(|lease| lease.units > 0);
            let current = lease.filter(|lease| lease.end == limit.window.end(now));
            if let (Some(old), None) = (lease, current) {
                refunds.push(((*name).to_owned(), old));
            }
            let have = current.map_or(0, |lease| lease.units);
            let lease = lease_of(limit, purpose, kept);
            wanted.push(Wanted { name, need: units.saturating_sub(have), lease });
        }
        (price, wanted, refunds)
    }
}

/// What a request costs by quota, what it needs beyond the leases, and the leases whose window is over.
type Priced = (BTreeMap<&'static str, u64>, Vec<Wanted>, Vec<(String, Lease)>);

/// What a request needs of one quota.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    name: &'static str,
    /// Beyond the lease.
    need: u64,
    /// What is leased beyond that, if it fits.
    lease: u64,
}

/// How many units are written as spent before they are: a two-hundredth of the window, and none where a unit is dear
/// or may come from the reserve.
fn lease_of(limit: &Limit, purpose: Purpose, kept: bool) -> u64 {
    if kept && purpose == Purpose::Poll { (limit.limit / 200).min(50) } else { 0 }
}

fn limited(wait: TimeDelta) -> ConnectorError {
    ConnectorError::RateLimited(wait.to_std().unwrap_or_default().max(Duration::from_secs(1)))
}

impl State {
    /// Brings the ledger's state up to date: the quotas of this version, and what this process heard from the platform.
    fn merge(&mut self, quotas: &BTreeMap<&'static str, Limit>, ours: &Self, now: DateTime<Utc>) {
        for (name, limit) in quotas {
            let heard = ours.quotas.get(*name);
            let counted = self.quotas.entry((*name).to_owned()).or_insert_with(|| Counted::whole(*limit));
            counted.quota = *limit;
            if let Some(heard) = heard {
                counted.told = heard.told.or(counted.told);
                counted.closed_until = heard.closed_until.max(counted.closed_until);
            }
            counted.turn(now);
        }
        self.quotas.retain(|name, _| quotas.contains_key(name.as_str()));
    }

    /// How long until all fit; `None` when they do.
    fn wait(
        &self,
        wanted: &[Wanted],
        refunds: &[(String, Lease)],
        purpose: Purpose,
        now: DateTime<Utc>,
    ) -> Option<TimeDelta> {
        let wait = |wanted: &Wanted| {
            let mut counted = self.quotas.get(wanted.name)?.clone();
            for (_, lease) in refunds.iter().filter(|(name, _)| name == wanted.name) {
                counted.refund(lease.units, lease.end);
            }
            // What is paid from a lease, or costs nothing, is counted already: only the platform's own word stops it.
            if wanted.need == 0 {
                let closed = counted.closed_until.filter(|until| *until > now).map(|until| until - now);
                let told = counted.told(now).and_then(|_| counted.wait(0, purpose, now));
                return closed.max(told);
            }
            counted.wait(wanted.need, purpose, now)
        };
        wanted.iter().filter_map(wait).max()
    }

    /// Counts what is wanted, or nothing.
    fn take(
        &mut self,
        wanted: &[Wanted],
        refunds: &[(String, Lease)],
        purpose: Purpose,
        now: DateTime<Utc>,
    ) -> Result<Vec<(&'static str, u64)>, TimeDelta> {
        if let Some(wait) = self.wait(wanted, refunds, purpose, now) {
            return Err(wait);
        }
        for (name, lease) in refunds {
            if let Some(counted) = self.quotas.get_mut(name) {
                counted.refund(lease.units, lease.end);
            }
        }
        let mut granted = Vec::new();
        for wanted in wanted.iter().filter(|wanted| wanted.need > 0) {
            let Some(counted) = self.quotas.get_mut(wanted.name) else { continue };
            let more = wanted.need + wanted.lease;
            let units = if counted.wait(more, purpose, now).is_none() { more } else { wanted.need };
            counted.spend(units, now);
            granted.push((wanted.name, units));
        }
        Ok(granted)
    }
}
