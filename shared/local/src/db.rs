//! The database, with one writer that commits for many.
//!
//! A durable commit costs an fsync, whatever it holds, so commits and not rows are what is scarce. All writes of
//! this process therefore go to one thread: it takes every request that is waiting, runs each within a savepoint
//! (one that fails is undone alone), commits once, and only then answers them all. While it waits for the disk
//! the next requests gather, so the more there is to do the fewer fsyncs each write costs, and a lone write
//! still goes out at once.
//!
//! Readers have connections of their own; in WAL mode they neither wait for the writer nor block it, and see
//! everything that was answered before they began.

use crate::fault::{self, DbError, DbResult};
use ports::{Fault, PortError};
use rusqlite::{Connection, OpenFlags};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

/// The most requests of one commit: bounds what one of them can be kept waiting by the others.
const BATCH: usize = 512;
/// Connections that are kept for reading.
const READERS: usize = 4;
/// How long a write waits for another process's.
const BUSY: Duration = Duration::from_secs(10);

/// The database of a data folder.
#[derive(Clone)]
pub(crate) struct Db {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    requests: Option<mpsc::Sender<Box<dyn Work>>>,
    readers: Mutex<Vec<Connection>>,
    thread: Option<JoinHandle<()>>,
}

impl Db {
    /// Starts the writer over an open, migrated connection. What is `kept` (the lock) lives as long as it does.
    pub(crate) fn start(path: &Path, writer: Connection, kept: impl Send + 'static) -> std::io::Result<Self> {
        let (requests, received) = mpsc::channel();
        let thread = std::thread::Builder::new().name("precis-db".into()).spawn(move || {
            write_all(&writer, &received);
            drop(writer);
            drop(kept);
        })?;
        let inner = Inner {
            path: path.to_owned(),
            requests: Some(requests),
            readers: Mutex::new(Vec::new()),
            thread: Some(thread),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Runs `work` within a transaction; when this returns `Ok`, it is on the disk.
    pub(crate) async fn write<T, F>(&self, what: &'static str, work: F) -> ports::Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> DbResult<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let task = Task { what, work: Some(work), done: None, reply };
        let sent = self.inner.requests.as_ref().is_some_and(|requests| requests.send(Box::new(task)).is_ok());
        if !sent {
            return Err(fault::stopped(what));
        }
        answer.await.unwrap_or_else(|_| Err(fault::stopped(what)))
    }

    /// Writes the database anew, without what was deleted in it, and empties its log. `false`: the log could not be
    /// emptied, since somebody reads an older state.
    pub(crate) async fn compact(&self) -> ports::Result<bool> {
        let path = self.inner.path.clone();
        let what = "writing the database anew";
        let task = tokio::task::spawn_blocking(move || {
            let compacted = connect(&path).and_then(|connection| {
                connection.execute_batch("VACUUM")?;
                connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0))
            });
            compacted.map(|busy| busy == 0).map_err(|error| fault::sql(what, &error))
        });
        task.await.unwrap_or_else(|_| Err(fault::stopped(what)))
    }

    /// Runs `work` on a snapshot.
    pub(crate) async fn read<T, F>(&self, what: &'static str, work: F) -> ports::Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> DbResult<T> + Send + 'static,
    {
        let inner = self.inner.clone();
        let task = tokio::task::spawn_blocking(move || {
            let connection = inner.reader().map_err(|error| fault::sql(what, &error))?;
            let result = work(&connection).map_err(|error| error.into_port(what));
            inner.keep(connection);
            result
        });
        task.await.unwrap_or_else(|_| Err(fault::stopped(what)))
    }
}

impl Inner {
    fn reader(&self) -> rusqlite::Result<Connection> {
        let kept = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(connection) = kept {
            return Ok(connection);
        }
        let connection = connect(&self.path)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    }

    fn keep(&self, connection: Connection) {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < READERS {
            readers.push(connection);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // The writer closes last: only the last to close folds the log into the database.
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.requests = None;
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
        {
            // The last request is committed and the lock let go before whoever owned us goes on.
            let _ = thread.join();
        }
    }
}

/// Opens an existing database with what every connection needs.
pub(crate) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    prepare(&connection)?;
    Ok(connection)
}

/// Sets what holds for a connection rather than for the file.
pub(crate) fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(128);
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // Checkpoints cost two fsyncs; fewer, larger ones are cheaper, and the log still stays small.
    connection.pragma_update(None, "wal_autocheckpoint", 4000)?;
    connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
    Ok(())
}

/// A request as the writer sees it.
trait Work: Send {
    /// Does the work.
    fn run(&mut self, connection: &Connection) -> Ran;
    /// Answers, when the fate of the commit is known.
    fn answer(self: Box<Self>, commit: Result<(), PortError>);
    /// What is tried, for the error of a commit.
    fn what(&self) -> &'static str;
}

/// How the work of a request went.
enum Ran {
    /// It may stay.
    Well,
    /// It must be undone; with SQLite's word for why, where it was SQLite that failed.
    Badly(Option<rusqlite::ffi::Error>),
}

struct Task<T, F> {
    what: &'static str,
    work: Option<F>,
    done: Option<DbResult<T>>,
    reply: oneshot::Sender<ports::Result<T>>,
}

impl<T, F> Work for Task<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> DbResult<T> + Send,
{
    fn run(&mut self, connection: &Connection) -> Ran {
        self.done = self.work.take().map(|work| work(connection));
        match &self.done {
            Some(Ok(_)) => Ran::Well,
            Some(Err(DbError::Sql(error))) => Ran::Badly(error.sqlite_error().copied()),
            _ => Ran::Badly(None),
        }
    }

    fn answer(self: Box<Self>, commit: Result<(), PortError>) {
        let result = match (self.done, commit) {
            (Some(Err(error)), _) => Err(error.into_port(self.what)),
            (_, Err(error)) => Err(error),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => Err(fault::stopped(self.what)),
        };
        // Nobody may be waiting any more: then the write stands all the same.
        let _ = self.reply.send(result);
    }

    fn what(&self) -> &'static str {
        self.what
    }
}

fn write_all(connection: &Connection, received: &mpsc::Receiver<Box<dyn Work>>) {
    let (mut writes, mut commits) = (0_u64, 0_u64);
    while let Ok(first) = received.recv() {
        let mut waiting = VecDeque::from([first]);
        while waiting.len() < BATCH
            && let Ok(next) = received.try_recv()
        {
            waiting.push_back(next);
        }
        let before = connection.total_changes();
        let requests = waiting.len() as u64;
        while !waiting.is_empty() {
            commit(connection, &mut waiting);
        }
        // A look into an empty queue costs no fsync and is not counted.
        if connection.total_changes() > before {
            writes += requests;
            commits += 1;
        }
    }
    tracing::debug!(db.writes = writes, db.commits = commits, "database closed");
}

/// Commits as many of the waiting requests as one transaction carries, and answers those.
fn commit(connection: &Connection, waiting: &mut VecDeque<Box<dyn Work>>) {
    let mut done = Vec::with_capacity(waiting.len());
    let mut result = connection.execute_batch("BEGIN IMMEDIATE");
    if result.is_err() {
        done.extend(waiting.drain(..));
    }
    while let Some(mut task) = waiting.pop_front() {
        let ran = run_within_savepoint(connection, &mut *task);
        done.push(task);
        if let Err(error) = ran {
            result = Err(error);
            break;
        }
    }
    if result.is_ok() {
        result = connection.execute_batch("COMMIT");
    }
    if result.is_err() && !connection.is_autocommit() {
        // Nothing to do about a rollback that fails: the transaction ends with the connection at the latest.
        let _ = connection.execute_batch("ROLLBACK");
    }
    for task in done {
        let what = task.what();
        task.answer(match &result {
            Ok(()) => Ok(()),
            Err(error) => Err(fault::sql(what, error)),
        });
    }
}

/// `Err` when the whole transaction is lost, not when the request failed.
fn run_within_savepoint(connection: &Connection, task: &mut dyn Work) -> rusqlite::Result<()> {
    connection.execute_batch("SAVEPOINT request")?;
    let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| task.run(connection)));
    let is_good = matches!(ran, Ok(Ran::Well));
    let failure = match ran {
        Ok(Ran::Well) => None,
        Ok(Ran::Badly(failure)) => failure,
        // The panic's message is out already; whoever asked is told that his work was not done.
        Err(_) => None,
    };
    if connection.is_autocommit() {
        // SQLite itself gives the transaction up where the disk is full or fails.
        let code = failure.unwrap_or_else(|| rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR));
        return Err(rusqlite::Error::SqliteFailure(code, Some("the transaction was given up".into())));
    }
    if !is_good {
        connection.execute_batch("ROLLBACK TO request")?;
    }
    connection.execute_batch("RELEASE request")
}

/// A refusal from within a transaction.
pub(crate) fn refuse<T>(fault: Fault, what: impl Into<String>) -> DbResult<T> {
    Err(DbError::Port(PortError::new(fault, what)))
}
