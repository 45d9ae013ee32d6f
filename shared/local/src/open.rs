//! Opening a data folder: is it one, is it ours alone, is its database whole and of a version that we read.
//!
//! Nothing is changed before everything that could refuse has been asked.

use crate::db::{self, Db};
use crate::layout::Layout;
use crate::{schema, sweep, takeover};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use rustix::fs::FlockOperation;
use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How a data folder is to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// By one process that does the work (`precis up`, `precis summarize`): a second one is refused.
    #[default]
    Exclusive,
    /// Beside one that does the work (`precis jobs`, `precis put`): any number at once.
    Shared,
}

/// How to open a data folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenOptions {
    /// Alone or beside others.
    pub mode: Mode,
    /// Whether a folder that is missing or empty is made into a data folder.
    pub create: bool,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { mode: Mode::Exclusive, create: true }
    }
}

impl OpenOptions {
    /// For the process that does the work; makes the folder where there is none.
    #[must_use]
    pub fn exclusive() -> Self {
        Self::default()
    }

    /// For a command beside it; the folder must be there.
    #[must_use]
    pub fn shared() -> Self {
        Self { mode: Mode::Shared, create: false }
    }
}

/// Why a data folder was not opened. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no such folder.
    #[error(
        "there is no data folder {0}: start `precis up --data {0}` to make one, or name another by --data"
    )]
    Missing(PathBuf),
    /// It is there and is no folder.
    #[error("{0} is a file, not a folder: name a folder by --data")]
    NotAFolder(PathBuf),
    /// It holds things, none of them ours.
    #[error(
        "{0} is not a Precis data folder, and it is not empty: name a new folder, or an empty one, by --data"
    )]
    Foreign(PathBuf),
    /// We cannot write there.
    #[error(
        "cannot write to the data folder {folder}: {cause}. Give this user the right to write there, or name another folder by --data"
    )]
    Unwritable {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The disk is full.
    #[error(
        "the disk of the data folder {folder} is full: {cause}. Make room and start again; nothing was lost"
    )]
    Full {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// Another process does the work.
    #[error(
        "the data folder {folder} is in use by another Precis (process {pid}). Stop that one first (kill {pid}), or name another folder by --data; `precis jobs` and `precis put` work beside it"
    )]
    Locked {
        /// The folder.
        folder: PathBuf,
        /// That process, as it wrote it down; `?` if it did not get so far.
        pid: String,
    },
    /// A newer release wrote it.
    #[error(
        "{database} was written by a newer Precis (version {found}; this one reads up to {known}). It was left untouched: use the newer Precis, or another folder by --data"
    )]
    Newer {
        /// The database.
        database: PathBuf,
        /// Its version.
        found: i64,
        /// What we read.
        known: i64,
    },
    /// It is broken, or no database at all.
    #[error(
        "{database} is damaged and was left untouched: {cause}. Move the folder away and start with a new one, or bring a backup back by `precis import BACKUP --data NEW-FOLDER`"
    )]
    Corrupt {
        /// The database.
        database: PathBuf,
        /// What SQLite said.
        cause: String,
    },
    /// `precis.toml` cannot be used.
    #[error(transparent)]
    Settings(#[from] crate::settings::SettingsError),
    /// Anything else.
    #[error("cannot open the data folder {folder}: {cause}")]
    Other {
        /// The folder.
        folder: PathBuf,
        /// What happened.
        cause: String,
    },
}

/// Opens the folder's database. Blocking.
pub(crate) fn open(folder: &Path, options: OpenOptions) -> Result<(Layout, Db), OpenError> {
    open_with(folder, options, schema::STEPS)
}

fn open_with(folder: &Path, options: OpenOptions, steps: &[&str]) -> Result<(Layout, Db), OpenError> {
    let layout = Layout { folder: std::path::absolute(folder).map_err(|error| failed(folder, error))? };
    let is_new = inspect(&layout, options)?;
    if is_new {
        make(&layout.folder).map_err(|error| failed(&layout.folder, error))?;
    }
    let database = layout.database();
    if !is_new {
        // Asked before the lock, so that a folder of a newer release is refused as that even while it is in use.
        check_version(&database, schema::version_of(steps))?;
    }
    let lock = match options.mode {
        Mode::Exclusive => Some(lock(&layout)?),
        Mode::Shared => None,
    };
    for path in layout.folders() {
        make(&path).map_err(|error| failed(&layout.folder, error))?;
    }
    let mut connection = connect(&layout, options.mode, steps)?;
    if lock.is_some() {
        takeover::take_over(&layout, &mut connection);
        sweep::sweep(&layout, &connection).map_err(|error| sql(&layout, error))?;
    }
    let db = Db::start(&database, connection, lock).map_err(|error| failed(&layout.folder, error))?;
    Ok((layout, db))
}

/// Makes a folder that only its owner can read: documents are nobody else's business.
fn make(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Whether there is no database yet.
fn inspect(layout: &Layout, options: OpenOptions) -> Result<bool, OpenError> {
    let folder = &layout.folder;
    match fs::metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return if options.create { Ok(true) } else { Err(OpenError::Missing(folder.clone())) };
        }
        Err(error) => return Err(failed(folder, error)),
        Ok(found) if !found.is_dir() => return Err(OpenError::NotAFolder(folder.clone())),
        Ok(_) => {}
    }
    if fs::exists(layout.database()).map_err(|error| failed(folder, error))? {
        return Ok(false);
    }
    // Who put settings there means it for us, whatever lies beside them (a password file).
    let is_prepared = fs::exists(layout.settings()).map_err(|error| failed(folder, error))?;
    // Also what a first start leaves that was stopped in the middle.
    let ours = ["lock", "objects", "inbox", "results", "outbox", "lost+found"];
    for entry in fs::read_dir(folder).map_err(|error| failed(folder, error))? {
        let name = entry.map_err(|error| failed(folder, error))?.file_name();
        if !is_prepared && !ours.iter().any(|known| name == *known) {
            return Err(OpenError::Foreign(folder.clone()));
        }
    }
    if options.create { Ok(true) } else { Err(OpenError::Missing(folder.clone())) }
}

fn lock(layout: &Layout) -> Result<File, OpenError> {
    let folder = &layout.folder;
    let fail = |error: io::Error| failed(folder, error);
    let mut file = open_lock(layout).map_err(fail)?;
    let start = Instant::now();
    while !try_lock(&file, FlockOperation::NonBlockingLockExclusive).map_err(fail)? {
        // Somebody may be asking only whether it is locked, or be on his way out.
        if start.elapsed() > PATIENCE {
            let mut pid = String::new();
            // What cannot be read is only missing from the message.
            let _ = file.take(20).read_to_string(&mut pid);
            let pid = pid.trim();
            let pid = if pid.is_empty() { "?" } else { pid }.to_owned();
            return Err(OpenError::Locked { folder: folder.clone(), pid });
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let written = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .and_then(|()| file.flush());
    written.map_err(fail)?;
    Ok(file)
}

/// How long a start waits for the folder to be let go.
const PATIENCE: Duration = Duration::from_millis(300);

fn open_lock(layout: &Layout) -> io::Result<File> {
    File::options().read(true).write(true).create(true).truncate(false).open(layout.lock())
}

fn try_lock(file: &File, how: FlockOperation) -> io::Result<bool> {
    match rustix::fs::flock(file, how) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Whether a process does the work in this folder.
pub(crate) fn is_locked(layout: &Layout) -> bool {
    let free =
        File::open(layout.lock()).and_then(|file| try_lock(&file, FlockOperation::NonBlockingLockShared));
    matches!(free, Ok(false))
}

/// Looks at the file's header alone: `application_id` and `user_version` stand at fixed places, so a database
/// of another program or of a newer release is recognised without opening (and so touching) it.
fn check_version(database: &Path, known: i64) -> Result<(), OpenError> {
    let corrupt = |cause: &str| OpenError::Corrupt { database: database.to_owned(), cause: cause.to_owned() };
    let mut header = [0_u8; 100];
    let folder = database.parent().unwrap_or(database);
    let mut file = File::open(database).map_err(|error| failed(folder, error))?;
    if file.metadata().map_err(|error| failed(folder, error))?.len() == 0 {
        // A first start that was stopped before its first commit.
        return Ok(());
    }
    file.read_exact(&mut header).map_err(|_| corrupt("it is shorter than a database's header"))?;
    if &header[..16] != b"SQLite format 3\0" {
        return Err(corrupt("it does not begin like a database"));
    }
    let number = |at: usize| i32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let (version, application) = (i64::from(number(60)), number(68));
    if application != 0 && application != schema::APPLICATION {
        return Err(OpenError::Foreign(folder.to_owned()));
    }
    if version > known {
        return Err(OpenError::Newer { database: database.to_owned(), found: version, known });
    }
    Ok(())
}

fn connect(layout: &Layout, mode: Mode, steps: &[&str]) -> Result<Connection, OpenError> {
    let known = schema::version_of(steps);
    let database = layout.database();
    let fail = |error: rusqlite::Error| sql(layout, error);
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(&database, flags).map_err(fail)?;
    db::prepare(&connection).map_err(fail)?;
    let version = user_version(&connection).map_err(fail)?;
    if version > known {
        return Err(OpenError::Newer { database, found: version, known });
    }
    if version == 0 {
        connection.pragma_update(None, "application_id", schema::APPLICATION).map_err(fail)?;
    }
    connection.pragma_update(None, "journal_mode", "WAL").map_err(fail)?;
    if mode == Mode::Exclusive && version > 0 {
        check(layout, &connection)?;
    }
    if version < known {
        upgrade(layout, &mut connection, steps)?;
    }
    Ok(connection)
}

/// Takes the steps that are missing, in one transaction. Whoever else is opening the folder waits for its end, so
/// that what is kept beside the database is what was changed, and is kept once.
fn upgrade(layout: &Layout, connection: &mut Connection, steps: &[&str]) -> Result<(), OpenError> {
    let fail = |error: rusqlite::Error| sql(layout, error);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fail)?;
    let version = user_version(&transaction).map_err(fail)?;
    if version > 0 && version < schema::version_of(steps) {
        keep_former(layout, version)?;
    }
    schema::take(&transaction, version, steps).map_err(fail)?;
    transaction.commit().map_err(fail)
}

fn user_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// The largest database that is read through at each start.
const CHECKED_BYTES: u64 = 64 * 1024 * 1024;

fn check(layout: &Layout, connection: &Connection) -> Result<(), OpenError> {
    let size = fs::metadata(layout.database()).map_or(0, |found| found.len());
    if size > CHECKED_BYTES {
        return Ok(());
    }
    let found: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| sql(layout, error))?;
    if found == "ok" { Ok(()) } else { Err(OpenError::Corrupt { database: layout.database(), cause: found }) }
}

/// Copies the database before it is changed. A copy from an attempt that was stopped is replaced.
fn keep_former(layout: &Layout, version: i64) -> Result<(), OpenError> {
    let copy = layout.folder.join(format!("precis.db.before-{}", version + 1));
    let partial = layout.folder.join("precis.db.copying");
    let fail = |error: io::Error| failed(&layout.folder, error);
    match fs::remove_file(&partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fail(error)),
        _ => {}
    }
    let target = partial.to_str().ok_or_else(|| OpenError::Other {
        folder: layout.folder.clone(),
        cause: "its path is not UTF-8, so its database cannot be copied before the upgrade".into(),
    })?;
    // Not by the connection in whose transaction we are: SQLite copies only outside of any.
    let copied =
        db::connect(&layout.database()).and_then(|former| former.execute("VACUUM INTO ?1", [target]));
    copied.map_err(|error| sql(layout, error))?;
    File::open(&partial).and_then(|file| file.sync_all()).map_err(fail)?;
    fs::rename(&partial, copy).map_err(fail)
}

fn sql(layout: &Layout, error: rusqlite::Error) -> OpenError {
    use rusqlite::ErrorCode;
    let folder = layout.folder.clone();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            OpenError::Corrupt { database: layout.database(), cause: error.to_string() }
        }
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            OpenError::Unwritable { folder, cause: io::Error::other(error) }
        }
        Some(ErrorCode::DiskFull) => OpenError::Full { folder, cause: error.to_string() },
        _ => OpenError::Other { folder, cause: error.to_string() },
    }
}

fn failed(folder: &Path, error: io::Error) -> OpenError {
    let folder = folder.to_owned();
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            OpenError::Unwritable { folder, cause: error }
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            OpenError::Full { folder, cause: error.to_string() }
        }
        io::ErrorKind::NotADirectory => OpenError::NotAFolder(folder),
        _ => OpenError::Other { folder, cause: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEXT: &str = "ALTER TABLE gates ADD COLUMN note TEXT NOT NULL DEFAULT 'none'";

    fn steps() -> Vec<&'static str> {
        schema::STEPS.iter().copied().chain([NEXT]).collect()
    }

    fn gates(path: &Path) -> Vec<String> {
        let connection = Connection::open(path).unwrap();
        let statement = connection.prepare("SELECT * FROM gates").unwrap();
        statement.column_names().map(str::to_owned).collect()
    }

    #[test]
    fn a_commit_is_on_the_disk_before_it_is_answered() {
        let folder = tempfile::tempdir().unwrap();
        let (layout, _db) = open(folder.path(), OpenOptions::exclusive()).unwrap();
        let connection = connect(&layout, Mode::Shared, schema::STEPS).unwrap();
        let journal: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
        let synchronous: i64 = connection.query_row("PRAGMA synchronous", [], |row| row.get(0)).unwrap();
        assert_eq!((journal.as_str(), synchronous), ("wal", 2), "2 is FULL");
    }

    #[test]
    fn a_folder_with_settings_is_meant_for_us_and_one_of_other_things_is_not() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("smtp-password"), "secret").unwrap();
        let error = open(folder.path(), OpenOptions::exclusive()).err().unwrap();
        assert!(matches!(error, OpenError::Foreign(_)), "{error}");
        fs::write(folder.path().join("precis.toml"), "").unwrap();
        open(folder.path(), OpenOptions::exclusive()).unwrap();
    }

    #[test]
    fn an_older_database_is_kept_beside_itself_before_it_is_changed() {
        let folder = tempfile::tempdir().unwrap();
        drop(open(folder.path(), OpenOptions::exclusive()).unwrap());
        let database = folder.path().join("precis.db");
        Connection::open(&database).unwrap().execute("INSERT INTO gates (gate) VALUES ('x')", []).unwrap();
        drop(open_with(folder.path(), OpenOptions::exclusive(), &steps()).unwrap());
        assert!(gates(&database).contains(&"note".to_owned()));
        let former = folder.path().join(format!("precis.db.before-{}", schema::VERSION + 1));
        assert!(!gates(&former).contains(&"note".to_owned()));
        let rows = |path| {
            let count =
                Connection::open(path).unwrap().query_row("SELECT count(*) FROM gates", [], |row| row.get(0));
            count.unwrap()
        };
        assert_eq!((rows(&database), rows(&former)), (1, 1));
        let error = open(folder.path(), OpenOptions::shared()).err().unwrap();
        assert!(matches!(error, OpenError::Newer { .. }), "the former release leaves it alone: {error}");
    }

    #[test]
    fn of_many_who_open_an_older_database_at_once_one_upgrades_it() {
        let folder = tempfile::tempdir().unwrap();
        drop(open(folder.path(), OpenOptions::exclusive()).unwrap());
        std::thread::scope(|scope| {
            let one = |_| scope.spawn(|| open_with(folder.path(), OpenOptions::shared(), &steps()).map(drop));
            let all: Vec<_> = (0..8).map(one).collect();
            all.into_iter().for_each(|one| one.join().unwrap().unwrap());
        });
        assert!(gates(&folder.path().join("precis.db")).contains(&"note".to_owned()));
        let former = folder.path().join(format!("precis.db.before-{}", schema::VERSION + 1));
        assert!(!gates(&former).contains(&"note".to_owned()), "what is kept is the former one");
    }

    #[test]
    fn a_step_that_fails_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        drop(open(folder.path(), OpenOptions::exclusive()).unwrap());
        let mut steps = steps();
        steps.push("CREATE TABLE gates (again TEXT)");
        assert!(open_with(folder.path(), OpenOptions::exclusive(), &steps).is_err());
        assert!(!gates(&folder.path().join("precis.db")).contains(&"note".to_owned()));
        open(folder.path(), OpenOptions::exclusive()).unwrap();
    }
}
