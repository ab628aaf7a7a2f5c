//! One pass over everything: a function of the database, the platforms and the time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use crate::archive::entry::RecordId;
use crate::archive::keys::{Keys, KeysError, Secret};
use crate::archive::{ArchiveError, Preserved, Published, Vault};
use crate::beside;
use crate::clock::Clock;
use crate::config::{Account, Config, Mode};
use crate::connector::{Connector, Left};
use crate::domain::classify::{Policies, RuleSet};
use crate::mail::{Mailer, Templates};
use crate::polling::{self, Pace, Read};
use crate::steps;
use crate::store::{self, Db, StoreError, work};

/// Platforms' clocks further than this from ours, on two hosts, mean that ours is wrong.
const CLOCK_MAY_DIFFER: TimeDelta = TimeDelta::minutes(5);

/// The log's last entry this far in the future means that our clock went backwards.
const CLOCK_MAY_GO_BACK: TimeDelta = TimeDelta::seconds(2);

/// A text that is edited faster than this waits for the next pass.
const MOST_ROUNDS: usize = 3;

/// Of the texts that single looks show anew, so many of a comment are preserved in one round.
const MOST_TEXTS: usize = 2;

/// Second looks waited for by `run --once`.
const WAIT_FOR_LOOKS: TimeDelta = TimeDelta::seconds(60);

/// Everything a pass needs. Cloning shares it.
#[derive(Clone)]
pub struct App {
    /// The checked configuration.
    pub config: Arc<Config>,
    /// The truth.
    pub db: Db,
    /// Record keys and signing keys.
    pub keys: Arc<Mutex<Keys>>,
    /// Packs, tiles, checkpoint.
    pub vault: Arc<Vault>,
    /// By account id.
    pub connectors: BTreeMap<String, Arc<dyn Connector>>,
    /// The way letters leave.
    pub mailer: Arc<Mailer>,
    /// The texts of letters.
    pub templates: Arc<Templates>,
    /// The rules.
    pub rules: Arc<RuleSet>,
    /// What each category leads to.
    pub policies: Arc<Policies>,
    /// The time.
    pub clock: Clock,
    /// What is known about how far our clock is off, by account, and why nothing may be hidden now.
    pub guard: Arc<Mutex<Guard>>,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("accounts", &self.connectors.keys()).finish_non_exhaustive()
    }
}

/// What stops hiding and registering, while storing goes on (promise 7).
#[derive(Debug, Default)]
pub struct Guard {
    skews: BTreeMap<String, TimeDelta>,
    reasons: Vec<String>,
    /// The accounts whose keys this process has asked about.
    asked: BTreeSet<String>,
}

/// Why a pass could not go on. What was committed stays; the next pass begins from it.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The archive: a file cannot be written, or does not read back as it was written.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The key table.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// A piece of work did not end.
    #[error("a piece of work did not end: {0}")]
    Broken(String),
}

impl PassError {
    /// True when the disk cannot be trusted: the daemon stops, and systemd starts it anew from what is durable.
    pub fn is_disk(&self) -> bool {
        match self {
            Self::Store(error) => error.is_disk(),
            Self::Keys(_) | Self::Broken(_) => true,
            Self::Archive(_) => false,
        }
    }
}

/// Which accounts a pass polls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those whose schedule says so.
    Due,
    /// All that are not closed.
    All,
}

/// What a pass did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pass {
    /// Comments never seen before.
    pub new: usize,
    /// Texts judged.
    pub judged: usize,
    /// Versions preserved.
    pub preserved: usize,
    /// Decisions entered in diary or log.
    pub entered: usize,
    /// Intents gone on with.
    pub acted: usize,
    /// Letters the server took.
    pub letters: usize,
    /// Letters that could not be sent now.
    pub letters_waiting: usize,
    /// Letters the server will not have.
    pub letters_refused: usize,
    /// Accounts that could not be read, with why.
    pub unread: Vec<(String, String)>,
    /// Why nothing is hidden or registered at the moment.
    pub halted: Vec<String>,
}

/// One pass: poll, judge, preserve, register, act, watch, notify; each from the rows the one before left.
///
/// # Errors
/// The disk's. What a platform or the mail server does wrong is in the result, not an error.
pub async fn pass(app: &App, which: Which) -> Result<Pass, PassError> {
    let read = polling::all(app, which, Pace::of(app)).await?;
    pass_after(app, read).await
}

/// All of a pass but the polls, which have ended or run beside it.
///
/// # Errors
/// As [`pass`].
pub async fn pass_after(app: &App, read: Vec<Read>) -> Result<Pass, PassError> {
    let mut done = Pass::default();
    for (account, polled) in read {
        done.new += polled.new;
        if let Some(why) = polled.failure {
            done.unread.push((account, why));
        }
    }
    steps::keys::all(app).await?;
    // After the polls, whose answers tell the platforms' time, and before anything that depends on it.
    app.look_after_ourselves().await?;
    done.judged += steps::judge::all(app).await?;
    // Where somebody may be in danger a person is told before anything else is done.
    steps::watch::urgent(app).await?;
    steps::notify::urgent(app, &mut done).await?;
    rounds(app, &mut done).await?;
    steps::received::days(app).await?;
    steps::purge::all(app).await?;
    steps::watch::all(app).await?;
    steps::notify::drain(app, &mut done).await?;
    app.or_halt(app.publish().await.map(drop)).await?;
    done.halted = app.well_again().await?;
    let now = app.clock.now();
    app.db.write(move |tx| store::set_meta(tx, store::views::LAST_PASS, &store::stamp(now))).await?;
    Ok(done)
}

/// Preserves and acts, and does so again while anything moved: where an act's look showed another text, the decision
/// can follow onto it in the same pass.
async fn rounds(app: &App, done: &mut Pass) -> Result<(), PassError> {
    for _ in 0..MOST_ROUNDS {
        let before = (done.entered, done.acted);
        app.or_halt(preserve(app, done).await).await?;
        app.or_halt(act(app, done).await).await?;
        let judged = steps::judge::all(app).await?;
        done.judged += judged;
        if judged == 0 && before == (done.entered, done.acted) {
            break;
        }
    }
    Ok(())
}

async fn preserve(app: &App, done: &mut Pass) -> Result<(), PassError> {
    let pace = Pace::of(app);
    // What nothing is to be preserved of leaves the queue; most comments that ever were a case have.
    if app.db.read(store::cases::has_settled).await? {
        app.db.write(store::cases::settle).await?;
    }
    let now = app.clock.now();
    // What persons have allowed is fetched; what came of it stands beside the same text, which is judged as it was.
    let fetching = app.db.read(move |reader| work::to_fetch(reader, now)).await?;
    let fetched = beside::each(app, pace, &fetching, |app, account| async move {
        Ok(steps::media::account(&app, &account).await?)
    })
    .await?;
    if fetched > 0 {
        done.judged += steps::judge::all(app).await?;
    }
    for _ in 0..MOST_TEXTS {
        let waiting = app.db.read(work::to_preserve).await?;
        done.preserved += beside::each(app, pace, &waiting, |app, account| async move {
            steps::preserve::account(&app, &account).await
        })
        .await?;
        // The single look may have shown a newer text, which is judged before it is preserved.
        let judged = steps::judge::all(app).await?;
        done.judged += judged;
        if judged == 0 {
            break;
        }
    }
    Ok(())
}

async fn act(app: &App, done: &mut Pass) -> Result<(), PassError> {
    // An archive that cannot be written shows here, before anything is registered.
    app.publish().await?;
    // One account after the other: numbers in the diary are given in one order.
    let entering = app.db.read(work::to_enter).await?;
    for account in of(&app.config, &entering) {
        done.entered += steps::register::decisions(app, account).await?;
    }
    // Those of an earlier process that died between entering a decision and its intent.
    let wanting = app.db.read(work::to_intend).await?;
    for account in of(&app.config, &wanting) {
        steps::register::intents(app, account).await?;
    }
    let published = app.publish().await?;
    let now = app.clock.now();
    let due = app.db.read(move |reader| work::to_act(reader, now)).await?;
    done.acted += beside::each(app, Pace::of(app), &due, |app, account| {
        let published = published.clone();
        async move { steps::act::account(&app, &account, &published).await }
    })
    .await?;
    Ok(())
}

/// The accounts of these names, as they stand in the configuration.
fn of<'a>(config: &'a Config, names: &BTreeSet<String>) -> impl Iterator<Item = &'a Account> {
    config.accounts.iter().filter(|account| names.contains(&account.id))
}

/// One pass over all accounts, then the second looks that fall within a minute, then the outbox (`run --once`).
///
/// Under a manual clock nobody waits: the clock is moved to each second look.
///
/// # Errors
/// As [`pass`].
pub async fn once(app: &App) -> Result<Pass, PassError> {
    let mut done = pass(app, Which::All).await?;
    let until = app.clock.now() + WAIT_FOR_LOOKS;
    while let Some(next) = app.next_act().await?.filter(|next| *next <= until) {
        app.wait_until(next).await;
        rounds(app, &mut done).await?;
        if app.next_act().await? == Some(next) {
            // Nothing moves.
            break;
        }
    }
    steps::watch::all(app).await?;
    steps::notify::drain(app, &mut done).await?;
    app.or_halt(app.publish().await.map(drop)).await?;
    done.halted = app.well_again().await?;
    // After everything that somebody waits for. An archive that cannot be read has been told above.
    let asked = match steps::anchor::mend(app).await {
        Ok(()) => steps::anchor::all(app).await,
        Err(error) => Err(error),
    };
    match asked {
        Err(error) if error.is_disk() => return Err(error),
        Err(error) => tracing::error!(%error, "nobody outside could be asked about the log"),
        Ok(()) => {}
    }
    Ok(done)
}

impl App {
    /// What is left of every quota, as this process counts them; each once, however many accounts share it.
    pub fn budgets(&self) -> Vec<Left> {
        let all = self.connectors.values().flat_map(|connector| connector.budgets());
        let by_name: BTreeMap<String, Left> = all.map(|left| (left.name.clone(), left)).collect();
        by_name.into_values().collect()
    }

    /// When the next act or second look is due; `None` when there is none that this process may go on with.
    ///
    /// # Errors
    /// The store's.
    pub async fn next_act(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        if self.must_not_act().is_some() {
            return Ok(None);
        }
        let acting: Vec<_> = self
            .config
            .accounts
            .iter()
            .filter(|account| account.mode == Mode::Act && self.connectors.contains_key(&account.id))
            .map(|account| account.id.clone())
            .collect();
        self.db.read(move |reader| store::intents::next_due_of(reader, &acting)).await
    }

    async fn wait_until(&self, until: DateTime<Utc>) {
        if self.clock.is_system() {
            let wait = (until - self.clock.now()).to_std().unwrap_or_default();
            tokio::time::sleep(wait).await;
        } else if until > self.clock.now() {
            self.clock.set(until);
        }
    }

    /// True the first time that this process asks so about an account.
    pub fn sees_for_the_first_time(&self, account: &str) -> bool {
        self.guard().asked.insert(account.to_owned())
    }

    /// Compares a platform's clock with ours; a manual clock is not compared.
    pub fn compare_clocks(&self, account: &str, date: Option<DateTime<Utc>>) {
        if let (Some(date), true) = (date, self.clock.is_system()) {
            let skew = date - self.clock.now();
            self.guard().skews.insert(account.to_owned(), skew);
        }
    }

    fn guard(&self) -> std::sync::MutexGuard<'_, Guard> {
        self.guard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why nothing may be hidden or registered now, in Swedish; `None` when everything is as it should be.
    pub fn must_not_act(&self) -> Option<String> {
        let guard = self.guard();
        (!guard.reasons.is_empty()).then(|| guard.reasons.join("; "))
    }

    /// Why nothing is hidden or registered after a pass. Only a pass without any such reason ends the duty, so that an
    /// archive that fails again in every pass is told once.
    async fn well_again(&self) -> Result<Vec<String>, PassError> {
        let reasons = self.guard().reasons.clone();
        if reasons.is_empty() {
            let (config, now) = (self.config.clone(), self.clock.now());
            self.db.write(move |tx| crate::moves::halted(tx, &config, &[], now)).await?;
        }
        Ok(reasons)
    }

    /// Looks at disk, archive and clock before anything is done; what is wrong stops hiding and is told (promise 7).
    async fn look_after_ourselves(&self) -> Result<(), PassError> {
        let mut reasons = Vec::new();
        let (vault, least) = (self.vault.clone(), self.config.paths.min_free);
        let disk = tokio::task::spawn_blocking(move || vault.check(least))
            .await
            .map_err(|error| PassError::Broken(crate::panics::ended(&error).to_owned()))?;
        reasons.extend(disk);
        let now = self.clock.now();
        let newest = self.db.read(store::log::last_at).await?;
        if newest.is_some_and(|newest| newest - now > CLOCK_MAY_GO_BACK) {
            reasons.push("klockan går före eller efter: loggens senaste post ligger i framtiden".to_owned());
        }
        {
            let mut guard = self.guard();
            let off: Vec<_> = guard
                .skews
                .iter()
                .filter(|(_, skew)| skew.abs() > CLOCK_MAY_DIFFER)
                .map(|(id, _)| id.clone())
                .collect();
            let hosts: BTreeSet<_> = off
                .iter()
                .filter_map(|id| self.config.account(id))
                .map(|account| format!("{:?}", account.api))
                .collect();
            if hosts.len() >= 2 {
                reasons.push("serverns klocka skiljer sig mer än fem minuter från plattformarnas".to_owned());
            }
            guard.reasons.clone_from(&reasons);
        }
        if !reasons.is_empty() {
            let config = self.config.clone();
            self.db.write(move |tx| crate::moves::halted(tx, &config, &reasons, now)).await?;
        }
        Ok(())
    }

    /// Turns a failing archive into a reason not to hide, told to a person; the pass goes on storing (promise 7).
    async fn or_halt(&self, result: Result<(), PassError>) -> Result<(), PassError> {
        let Err(error) = result else { return Ok(()) };
        if error.is_disk() {
            return Err(error);
        }
        tracing::error!(%error, "the archive cannot be used");
        let reasons = {
            let mut guard = self.guard();
            let reason = format!("arkivet kan inte användas: {error}");
            if !guard.reasons.contains(&reason) {
                guard.reasons.push(reason);
            }
            guard.reasons.clone()
        };
        let (config, now) = (self.config.clone(), self.clock.now());
        self.db.write(move |tx| crate::moves::halted(tx, &config, &reasons, now)).await?;
        Ok(())
    }

    /// Writes tiles and checkpoint over all committed entries (DESIGN §3, step 9).
    ///
    /// # Errors
    /// The archive's: nothing is hidden until it can be written again.
    pub async fn publish(&self) -> Result<Published, PassError> {
        crate::kill::point("publish", crate::kill::When::Before);
        let (db, vault, keys) = (self.db.clone(), self.vault.clone(), self.keys.clone());
        let origin = self.log_origin();
        let published = tokio::task::spawn_blocking(move || -> Result<Published, PassError> {
            let size = db.read_now(store::log::size)?;
            let signer = keys.lock().unwrap_or_else(PoisonError::into_inner).signing_key().clone();
            let leaves = |from, to| db.read_now(|reader| store::log::leaves(reader, from, to));
            Ok(vault.publish(&origin, size, &signer, leaves)?)
        })
        .await
        .map_err(|error| PassError::Broken(crate::panics::ended(&error).to_owned()))??;
        crate::kill::point("publish", crate::kill::When::After);
        Ok(published)
    }

    /// The log's name: the configuration's origin and the number of the log.
    pub fn log_origin(&self) -> String {
        store::log::origin(&self.config.organisation.log_origin)
    }

    /// The key of a record that has one.
    ///
    /// # Errors
    /// The key table's; `Corrupt` when the record has none.
    pub fn record_key(&self, record: &str) -> Result<Secret, PassError> {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = || StoreError::Corrupt(format!("record {record} has no key"));
        let id = record.parse().map_err(|_| missing())?;
        Ok(keys.existing_record_key(id)?.ok_or_else(missing)?)
    }

    /// Makes the key of a new record, durable before anything else of the record is.
    ///
    /// # Errors
    /// The key table's.
    pub fn make_record_key(&self, record: RecordId) -> Result<(), PassError> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).record_key(record)?;
        Ok(())
    }

    /// Reads a record back from the archive: pack, entry and covering checkpoint; the proof is for one act.
    ///
    /// # Errors
    /// The archive's, when anything does not read back as it was written.
    pub async fn recall(&self, record: &str, published: &Published) -> Result<Preserved, PassError> {
        let key = self.record_key(record)?;
        let id = record.to_owned();
        let (comment, leaf, index) = self
            .db
            .read(move |reader| {
                let row = store::records::get(reader, &id)?;
                let comment = store::comments::get(reader, row.comment)?.comment;
                let snapshot = store::log::of_record(reader, &id)?
                    .into_iter()
                    .next()
                    .ok_or_else(|| StoreError::Corrupt(format!("record {id} has no snapshot")))?;
                Ok((comment, snapshot.leaf, snapshot.index))
            })
            .await?;
        let (vault, published) = (self.vault.clone(), published.clone());
        tokio::task::spawn_blocking(move || vault.recall(&published, comment, index, &leaf, key.expose()))
            .await
            .map_err(|error| PassError::Broken(crate::panics::ended(&error).to_owned()))?
            .map_err(PassError::from)
    }
}
