//! The one connection that writes, on a thread of its own: what waits at the same time shares a transaction, and so
//! the fsync that makes it durable.
//!
//! Each piece of work is still done wholly or not at all, and is answered only when it is durable. One that fails takes
//! back what it wrote and nothing else; where the commit fails, all of its group have failed.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior, ffi};

use super::{Result, StoreError, Tx};

/// Pieces of work that share a transaction at most.
const MOST: usize = 64;

/// No further work joins a transaction that has gone on for so long: the first waits for the last.
const LONGEST: Duration = Duration::from_millis(20);

/// A piece of work that waits for the writer.
pub(super) trait Job: Send {
    /// Does it; true if what it wrote is to stay.
    fn run(&mut self, tx: &Tx<'_>) -> bool;

    /// Tells whoever asked for it, once its transaction is durable or has failed with `fault`.
    fn answer(self: Box<Self>, fault: Option<&rusqlite::Error>);
}

/// Work, what came of it, and where that is to go.
struct Work<T, F, R> {
    todo: Option<F>,
    done: Option<Result<T>>,
    reply: R,
}

/// A job that does `work` and gives its result to `reply`.
pub(super) fn job<T, F, R>(work: F, reply: R) -> Box<dyn Job>
where
    T: Send + 'static,
    F: FnOnce(&Tx<'_>) -> Result<T> + Send + 'static,
    R: FnOnce(Result<T>) + Send + 'static,
{
    Box::new(Work { todo: Some(work), done: None, reply })
}

impl<T, F, R> Job for Work<T, F, R>
where
    T: Send,
    F: FnOnce(&Tx<'_>) -> Result<T> + Send,
    R: FnOnce(Result<T>) + Send,
{
    fn run(&mut self, tx: &Tx<'_>) -> bool {
        self.done = self.todo.take().map(|work| work(tx));
        matches!(self.done, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, fault: Option<&rusqlite::Error>) {
        let Self { done, reply, .. } = *self;
        reply(match (done, fault) {
            (Some(Err(error)), _) => Err(error),
            (_, Some(fault)) => Err(StoreError::Engine(alike(fault))),
            (Some(done), None) => done,
            (None, None) => Err(StoreError::Unusable("the database's writer did not begin".to_owned())),
        });
    }
}

/// An error that says the same: one fault is told to everybody whose work it undid.
fn alike(error: &rusqlite::Error) -> rusqlite::Error {
    match error {
        rusqlite::Error::SqliteFailure(code, text) => rusqlite::Error::SqliteFailure(*code, text.clone()),
        other => rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_ERROR), Some(other.to_string())),
    }
}

/// Starts the thread. It ends when the last sender is dropped.
pub(super) fn start(mut connection: Connection) -> Sender<Box<dyn Job>> {
    let (writer, jobs) = channel();
    thread::spawn(move || {
        while let Ok(first) = jobs.recv() {
            group(&mut connection, first, &jobs);
        }
    });
    writer
}

/// Does `first` and what waits behind it in one transaction, and answers all.
fn group(connection: &mut Connection, first: Box<dyn Job>, waiting: &Receiver<Box<dyn Job>>) {
    let mut jobs = vec![first];
    let fault = together(connection, &mut jobs, waiting).err();
    for job in jobs {
        job.answer(fault.as_ref());
    }
}

fn together(
    connection: &mut Connection,
    jobs: &mut Vec<Box<dyn Job>>,
    waiting: &Receiver<Box<dyn Job>>,
) -> rusqlite::Result<()> {
    let began = Instant::now();
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // The first has nobody's work to spare: where it fails, the transaction is taken back.
    if !jobs.iter_mut().all(|first| first.run(&tx)) {
        return tx.rollback();
    }
    while jobs.len() < MOST && began.elapsed() < LONGEST {
        let Ok(mut job) = waiting.try_recv() else { break };
        tx.prepare_cached("savepoint job")?.execute([])?;
        let kept = job.run(&tx);
        jobs.push(job);
        if tx.is_autocommit() {
            // The disk is full, or worse: the engine has taken back everything, also what had gone well.
            let code = ffi::Error::new(ffi::SQLITE_IOERR);
            let why = "the engine took back the whole transaction".to_owned();
            return Err(rusqlite::Error::SqliteFailure(code, Some(why)));
        }
        if !kept {
            tx.prepare_cached("rollback to job")?.execute([])?;
        }
        tx.prepare_cached("release job")?.execute([])?;
    }
    tx.commit()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    type Answers = Arc<Mutex<Vec<(u32, std::result::Result<(), String>)>>>;

    fn database() -> (tempfile::TempDir, Connection) {
        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open(folder.path().join("db")).unwrap();
        connection.execute_batch("pragma journal_mode = wal; create table t (n integer unique)").unwrap();
        (folder, connection)
    }

    fn insert(n: u32, fails: bool, answers: &Answers) -> Box<dyn Job> {
        let answers = Arc::clone(answers);
        job(
            move |tx| {
                tx.execute("insert into t values (?1)", [n])?;
                if fails { Err(StoreError::Conflict(format!("{n} shall not be"))) } else { Ok(()) }
            },
            move |done| {
                answers.lock().unwrap().push((n, done.map_err(|error| error.to_string())));
            },
        )
    }

    fn stored(connection: &Connection) -> Vec<u32> {
        let mut query = connection.prepare("select n from t order by n").unwrap();
        query.query_map([], |row| row.get(0)).unwrap().map(|n| n.unwrap()).collect()
    }

    #[test]
    fn work_that_fails_in_a_group_takes_back_its_own_and_nothing_else() {
        // Which of five fail, and what then stands in the table.
        for failing in [vec![], vec![0], vec![2], vec![0, 1], vec![4], vec![0, 1, 2, 3, 4]] {
            let (_folder, mut connection) = database();
            let answers = Answers::default();
            let (send, waiting) = channel();
            for n in 0..5 {
                send.send(insert(n, failing.contains(&n), &answers)).unwrap();
            }
            while let Ok(first) = waiting.try_recv() {
                group(&mut connection, first, &waiting);
            }
            let told = answers.lock().unwrap();
            assert_eq!(told.iter().map(|(n, _)| *n).collect::<Vec<_>>(), [0, 1, 2, 3, 4], "{failing:?}");
            for (n, answer) in told.iter() {
                assert_eq!(answer.is_err(), failing.contains(n), "{failing:?}: {n} {answer:?}");
            }
            let kept: Vec<u32> = (0..5).filter(|n| !failing.contains(n)).collect();
            assert_eq!(stored(&connection), kept, "{failing:?}");
        }
    }

    #[test]
    fn what_waits_together_is_one_transaction() {
        let (folder, mut connection) = database();
        let path = folder.path().join("db");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (send, waiting) = channel();
        for n in 1..MOST {
            let (path, seen) = (path.clone(), Arc::clone(&seen));
            let work = move |tx: &Tx<'_>| {
                tx.execute("insert into t values (?1)", [n])?;
                let other = Connection::open(&path)?;
                Ok(other.query_row("select count(*) from t", [], |row| row.get::<_, usize>(0))?)
            };
            send.send(job(work, move |done| seen.lock().unwrap().push(done.unwrap()))).unwrap();
        }
        group(&mut connection, insert(0, false, &Answers::default()), &waiting);
        let seen = seen.lock().unwrap();
        // On a slow machine the last do not join; another connection sees nothing of any before the commit.
        assert!(!seen.is_empty(), "nothing was shared");
        assert!(seen.iter().all(|count| *count == 0), "{seen:?}");
        assert_eq!(stored(&connection).len(), seen.len() + 1);
    }

    #[test]
    fn where_the_commit_fails_nobody_is_told_that_it_went_well() {
        let (_folder, mut connection) = database();
        connection
            .execute_batch(
                "pragma foreign_keys = on;
                 create table u (n integer references t (n) deferrable initially deferred)",
            )
            .unwrap();
        let answers = Answers::default();
        let told = Arc::clone(&answers);
        let first = job(
            |tx: &Tx<'_>| Ok(tx.execute("insert into u values (99)", []).map(drop)?),
            move |done: Result<()>| told.lock().unwrap().push((0, done.map_err(|error| error.to_string()))),
        );
        let (send, waiting) = channel();
        for n in 1..4 {
            send.send(insert(n, n == 2, &answers)).unwrap();
        }
        group(&mut connection, first, &waiting);
        let told = answers.lock().unwrap();
        assert_eq!(told.len(), 4);
        for (n, answer) in told.iter() {
            let why = answer.as_ref().unwrap_err();
            assert_eq!(why.contains("shall not be"), *n == 2, "{n}: {why}");
        }
        assert_eq!(stored(&connection), [] as [u32; 0]);
    }

    #[test]
    fn where_the_engine_takes_back_everything_all_have_failed_as_with_a_broken_disk() {
        let (_folder, mut connection) = database();
        let answers = Answers::default();
        let (send, waiting) = channel();
        let told = Arc::clone(&answers);
        send.send(job(
            |tx: &Tx<'_>| Ok(tx.execute_batch("insert into t values (7); rollback")?),
            move |done| told.lock().unwrap().push((7, done.map_err(|error| error.to_string()))),
        ))
        .unwrap();
        let faults = Arc::new(Mutex::new(None));
        let fault = Arc::clone(&faults);
        let first = job(
            |tx: &Tx<'_>| Ok(tx.execute("insert into t values (1)", [])?),
            move |done: Result<usize>| *fault.lock().unwrap() = Some(done.unwrap_err().is_disk()),
        );
        group(&mut connection, first, &waiting);
        assert_eq!(*faults.lock().unwrap(), Some(true), "the daemon stops and starts anew");
        assert!(answers.lock().unwrap()[0].1.is_err());
        assert_eq!(stored(&connection), [] as [u32; 0]);
        // And the connection goes on.
        group(&mut connection, insert(2, false, &answers), &waiting);
        assert_eq!(stored(&connection), [2]);
    }
}
