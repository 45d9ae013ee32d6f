//! The one place that says what a failure of SQLite or of the file system means to a caller.

use ports::{Fault, PortError};
use rusqlite::ffi;
use std::io;

/// How work inside a transaction fails: by SQLite, by stored data that cannot be read, or by our own rules.
#[derive(Debug)]
pub(crate) enum DbError {
    Sql(rusqlite::Error),
    Json(serde_json::Error),
    Port(PortError),
}

impl From<rusqlite::Error> for DbError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<serde_json::Error> for DbError {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error)
    }
}

impl From<PortError> for DbError {
    fn from(error: PortError) -> Self {
        Self::Port(error)
    }
}

pub(crate) type DbResult<T> = Result<T, DbError>;

impl DbError {
    /// The failure in a caller's words; `what` was tried.
    pub(crate) fn into_port(self, what: &str) -> PortError {
        match self {
            Self::Sql(error) => sql(what, &error),
            Self::Json(error) => {
                PortError::new(Fault::Permanent, format!("{what}: a stored record cannot be read: {error}"))
            }
            Self::Port(error) => error,
        }
    }
}

/// What a failure of SQLite means.
pub(crate) fn sql(what: &str, error: &rusqlite::Error) -> PortError {
    let fault = match error {
        rusqlite::Error::SqliteFailure(failure, _) => sqlite_fault(failure.extended_code),
        _ => Fault::Permanent,
    };
    let advice = match fault {
        Fault::Full => " (make room on the disk of the data folder)",
        Fault::Denied => " (the data folder must be writable)",
        _ => "",
    };
    PortError::new(fault, format!("{what}: {error}{advice}"))
}

fn sqlite_fault(extended: i32) -> Fault {
    if extended == ffi::SQLITE_IOERR_SHMSIZE {
        // Growing the shared-memory index fails so when the disk is full.
        return Fault::Full;
    }
    match extended & 0xff {
        ffi::SQLITE_FULL => Fault::Full,
        ffi::SQLITE_BUSY
        | ffi::SQLITE_LOCKED
        | ffi::SQLITE_IOERR
        | ffi::SQLITE_NOMEM
        | ffi::SQLITE_PROTOCOL => Fault::Transient,
        ffi::SQLITE_READONLY | ffi::SQLITE_CANTOPEN | ffi::SQLITE_PERM | ffi::SQLITE_AUTH => Fault::Denied,
        ffi::SQLITE_TOOBIG => Fault::TooLarge,
        _ => Fault::Permanent,
    }
}

/// What a failure of the file system means.
pub(crate) fn io(what: impl AsRef<str>, error: &io::Error) -> PortError {
    let (fault, advice) = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            (Fault::Full, " (make room on that disk)")
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            (Fault::Denied, " (the folder must be writable)")
        }
        io::ErrorKind::NotFound => (Fault::NotFound, ""),
        io::ErrorKind::InvalidFilename => (Fault::Permanent, ""),
        _ => (Fault::Transient, ""),
    };
    PortError::new(fault, format!("{}: {error}{advice}", what.as_ref()))
}

/// A blocking task that did not end by itself: it panicked, or the runtime is shutting down.
pub(crate) fn stopped(what: &str) -> PortError {
    PortError::new(Fault::Transient, format!("{what}: stopped before it was done"))
}
