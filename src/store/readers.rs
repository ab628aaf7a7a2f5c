//! A few connections that only read, kept open: to open one reads the whole schema, which takes longer than most reads.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::{Reader, Result, StoreError};

/// So many stay open while nobody reads; more are opened, and closed again, while many read at once.
const KEPT: usize = 8;

/// Statements that each connection keeps prepared.
const PREPARED: usize = 128;

/// The connections of one database that nobody uses now.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), idle: Mutex::default() }
    }

    /// Runs `work` on one snapshot.
    pub(super) fn read<T>(&self, work: impl FnOnce(&Reader) -> Result<T>) -> Result<T> {
        let idle = self.idle().pop();
        let mut connection = idle.map_or_else(|| self.open(), Ok)?;
        let snapshot = connection.transaction()?;
        let done = work(&snapshot);
        let ended = snapshot.finish();
        // After an error of the engine a connection is not trusted with anything else.
        if ended.is_ok() && !matches!(done, Err(StoreError::Engine(_))) && self.idle().len() < KEPT {
            self.idle().push(connection);
        }
        done
    }

    fn open(&self) -> Result<Connection> {
        let connection = Connection::open_with_flags(
            &self.path,
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        connection.busy_timeout(Duration::from_secs(10))?;
        connection.set_prepared_statement_cache_capacity(PREPARED);
        Ok(connection)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        // A connection is taken out while it is used: a list that a panic left behind is whole.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
