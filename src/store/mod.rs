//! The truth, in SQLite. SQL lives only here.
//!
//! One writer connection on a thread of its own, a few read-only ones. A read transaction lasts under a second, so
//! that the write-ahead log can be checkpointed. An error of the disk stops the daemon: an fsync that failed once
//! cannot be trusted the second time.

mod intent;
mod readers;
mod writer;

pub mod anchors;
pub mod brake;
pub mod budgets;
pub mod cases;
pub mod comments;
pub mod decisions;
pub mod diary;
pub mod duties;
pub mod hand_checks;
pub mod intake;
pub mod intents;
pub mod judgements;
pub mod keys;
pub mod letters;
pub mod log;
pub mod media;
pub mod polls;
pub mod posts;
pub mod purges;
pub mod records;
pub mod reports;
pub mod rule_sets;
pub mod summaries;
pub mod totals;
pub mod trials;
pub mod views;
pub mod waves;
pub mod work;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

pub use intent::{Act, Intent};

/// A transaction; what is done in it is done wholly or not at all.
pub type Tx<'a> = rusqlite::Transaction<'a>;

/// A connection that only reads.
pub type Reader = Connection;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// What was asked goes against the state of things; nothing was written. The sentence is for the person who asked.
    #[error("{0}")]
    Conflict(String),
    /// A row does not hold what it should.
    #[error("the database holds something it should not: {0}")]
    Corrupt(String),
    /// The database file cannot be used as it is.
    #[error("{0}")]
    Unusable(String),
    /// The database engine failed; after a disk error nothing it says can be trusted.
    #[error("database: {0}")]
    Engine(#[from] rusqlite::Error),
}

impl StoreError {
    /// True when the disk, not the request, is at fault: the daemon stops and starts anew from what is durable.
    pub fn is_disk(&self) -> bool {
        use rusqlite::ErrorCode;
        matches!(
            self,
            Self::Engine(rusqlite::Error::SqliteFailure(error, _))
                if matches!(
                    error.code,
                    ErrorCode::SystemIoFailure | ErrorCode::DiskFull | ErrorCode::DatabaseCorrupt | ErrorCode::ReadOnly
                        | ErrorCode::NotADatabase | ErrorCode::CannotOpen
                )
        )
    }
}

/// The result of a store call.
pub type Result<T> = std::result::Result<T, StoreError>;

const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_initial.sql"),
    include_str!("migrations/0002_platforms.sql"),
    include_str!("migrations/0003_watch.sql"),
    include_str!("migrations/0004_keys.sql"),
    include_str!("migrations/0005_media.sql"),
    include_str!("migrations/0006_surfaces.sql"),
    include_str!("migrations/0007_gone.sql"),
    include_str!("migrations/0008_judgements.sql"),
    include_str!("migrations/0009_queues.sql"),
    include_str!("migrations/0010_held.sql"),
    include_str!("migrations/0011_anchors.sql"),
    include_str!("migrations/0012_exchange.sql"),
];

/// The database of one data folder.
#[derive(Clone)]
pub struct Db {
    path: PathBuf,
    // Closed before the writer, which is the last to leave and tidies the log behind it.
    readers: Arc<readers::Readers>,
    writer: mpsc::Sender<Box<dyn writer::Job>>,
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Db {
    /// Creates a new database at `path`.
    ///
    /// # Errors
    /// `Unusable` when a file is already there; engine errors.
    pub fn create(path: &Path) -> Result<Self> {
        if path.exists() {
            return Err(StoreError::Unusable(format!("{} exists already", path.display())));
        }
        let mut connection = Connection::open(path)?;
        prepare(&connection)?;
        migrate(&mut connection)?;
        Ok(Self::with(path, connection))
    }

    /// Opens the database at `path`, bringing its schema up to date.
    ///
    /// # Errors
    /// `Unusable` when there is none (`init` makes one; a new one in its place would hide a loss) or when a newer
    /// Uppsikt wrote it; engine errors.
    pub fn open(path: &Path) -> Result<Self> {
        let mut connection = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )
        .map_err(|error| {
            StoreError::Unusable(format!(
                "{} cannot be opened ({error}); `uppsikt init` creates it",
                path.display()
            ))
        })?;
        prepare(&connection)?;
        migrate(&mut connection)?;
        Ok(Self::with(path, connection))
    }

    fn with(path: &Path, connection: Connection) -> Self {
        let readers = Arc::new(readers::Readers::new(path));
        Self { path: path.to_owned(), readers, writer: writer::start(connection) }
    }

    /// Runs `work` wholly or not at all in a `BEGIN IMMEDIATE` transaction on the writer thread; it is durable when this
    /// returns. What waits at the same time may share the transaction.
    ///
    /// # Errors
    /// Whatever `work` returns, after a rollback; engine errors of the commit.
    pub async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T> + Send + 'static,
    {
        let (reply, answer) = tokio::sync::oneshot::channel();
        self.submit(writer::job(work, move |done| drop(reply.send(done))))?;
        answer.await.map_err(|_| StoreError::Unusable("the database's writer has stopped".to_owned()))?
    }

    /// As [`Db::write`], for code that is not asynchronous.
    ///
    /// # Errors
    /// As [`Db::write`].
    pub fn write_now<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T> + Send + 'static,
    {
        let (reply, answer) = mpsc::channel();
        self.submit(writer::job(work, move |done| drop(reply.send(done))))?;
        answer.recv().map_err(|_| StoreError::Unusable("the database's writer has stopped".to_owned()))?
    }

    fn submit(&self, job: Box<dyn writer::Job>) -> Result<()> {
        self.writer
            .send(job)
            .map_err(|_| StoreError::Unusable("the database's writer has stopped".to_owned()))
    }

    /// Reads on a connection that cannot write, off the asynchronous threads.
    ///
    /// # Errors
    /// Whatever `work` returns; engine errors.
    pub async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Reader) -> Result<T> + Send + 'static,
    {
        let this = self.clone();
        tokio::task::spawn_blocking(move || this.read_now(work)).await.map_err(|error| {
            StoreError::Unusable(format!("a read did not end: {}", crate::panics::ended(&error)))
        })?
    }

    /// As [`Db::read`], for code that is not asynchronous.
    ///
    /// # Errors
    /// As [`Db::read`].
    pub fn read_now<T>(&self, work: impl FnOnce(&Reader) -> Result<T>) -> Result<T> {
        self.readers.read(work)
    }
}

fn prepare(connection: &Connection) -> Result<()> {
    connection.busy_timeout(std::time::Duration::from_secs(30))?;
    connection.set_prepared_statement_cache_capacity(128);
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", "on")?;
    connection.pragma_update(None, "secure_delete", "on")?;
    connection.pragma_update(None, "trusted_schema", "off")?;
    // Without it `replace` removes the row it meets unseen by the triggers that forbid removing.
    connection.pragma_update(None, "recursive_triggers", "on")?;
    Ok(())
}

fn migrate(connection: &mut Connection) -> Result<()> {
    let have: usize = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if have > MIGRATIONS.len() {
        return Err(StoreError::Unusable(format!(
            "the database was written by a newer Uppsikt (schema {have}, this one knows {}); install that one",
            MIGRATIONS.len()
        )));
    }
    for (number, sql) in MIGRATIONS.iter().enumerate().skip(have) {
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute_batch(sql)?;
        tx.pragma_update(None, "user_version", number + 1)?;
        tx.commit()?;
    }
    Ok(())
}

/// A moment as the database writes it.
pub(crate) fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A moment as the database wrote it.
pub(crate) fn moment(text: &str) -> Result<DateTime<Utc>> {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%SZ")
        .map(|naive| naive.and_utc())
        .map_err(|_| StoreError::Corrupt(format!("`{text}` is no moment")))
}

/// What the engine finds wrong with the file, at most a hundred lines; nothing when it is sound. Reads all of it.
///
/// # Errors
/// Engine errors.
pub fn faults(reader: &Reader) -> Result<Vec<String>> {
    let mut query = reader.prepare("pragma quick_check")?;
    let lines: Vec<String> = query.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    Ok(lines.into_iter().filter(|line| line != "ok").collect())
}

/// The value of a key of `meta`.
///
/// # Errors
/// Engine errors.
pub fn meta(reader: &Reader, key: &str) -> Result<Option<String>> {
    use rusqlite::OptionalExtension;
    Ok(reader.query_row("select value from meta where key = ?1", [key], |row| row.get(0)).optional()?)
}

/// Sets a key of `meta`.
///
/// # Errors
/// Engine errors.
pub fn set_meta(tx: &Tx<'_>, key: &str, value: &str) -> Result<()> {
    tx.execute(
        "insert into meta values (?1, ?2) on conflict do update set value = excluded.value",
        [key, value],
    )?;
    Ok(())
}

/// Notes that something was done once; false if it had been done before.
///
/// # Errors
/// Engine errors.
pub fn do_once(tx: &Tx<'_>, name: &str, at: DateTime<Utc>) -> Result<bool> {
    Ok(tx.execute("insert or ignore into done values (?1, ?2)", [name, &stamp(at)])? == 1)
}

/// True if [`do_once`] has noted this name.
///
/// # Errors
/// Engine errors.
pub fn was_done(reader: &Reader, name: &str) -> Result<bool> {
    Ok(reader
        .prepare_cached("select exists (select 1 from done where name = ?1)")?
        .query_row([name], |row| row.get(0))?)
}

/// When something was last done whose name begins so.
///
/// # Errors
/// Engine errors.
pub fn last_done(reader: &Reader, beginning: &str) -> Result<Option<DateTime<Utc>>> {
    let text: Option<String> = reader.query_row(
        "select max(at) from done where name >= ?1 and name < ?1 || char(1114111)",
        [beginning],
        |row| row.get(0),
    )?;
    text.as_deref().map(moment).transpose()
}

/// A JSON text of a row as a value.
pub(crate) fn json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| StoreError::Corrupt(format!("JSON: {error}")))
}

/// A value as the JSON text of a row.
pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(format!("JSON: {error}")))
}

/// A code of a row as a value.
pub(crate) fn code<T: std::str::FromStr<Err = String>>(text: &str) -> Result<T> {
    text.parse().map_err(StoreError::Corrupt)
}

#[cfg(test)]
mod tests;
