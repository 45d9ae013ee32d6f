//! Backups: a data folder as one tar file with the sha-256 of everything in it.
//!
//! A backup is taken while work goes on: the database by SQLite's own online copy, which is one moment of it, and
//! then the objects that this copy names. It holds the settings and secrets of the folder too, so only its owner
//! can read it. It is read back and compared before it gets its name. The inbox is not in it: what was taken from
//! there is among the objects.

mod pack;
mod unpack;

use crate::open::{self, OpenError, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// What a backup holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Made {
    /// Number of files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Why a backup was not made, or not brought back. What was there before is untouched.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The data folder cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The backup's name is taken.
    #[error("{0} exists already: choose another name for the backup, or remove it")]
    Exists(PathBuf),
    /// The new folder is not new.
    #[error("{0} is not empty: a backup is only brought back into a new folder. Name another by --data")]
    NotEmpty(PathBuf),
    /// The file is no backup, or is damaged.
    #[error("{file} cannot be brought back: {cause}")]
    Damaged {
        /// The backup.
        file: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// A newer release made it.
    #[error(
        "{file} was made by a newer Precis (version {found}; this one reads up to {known}): use the newer one"
    )]
    Newer {
        /// The backup.
        file: PathBuf,
        /// Its version.
        found: i64,
        /// What we read.
        known: i64,
    },
    /// Reading or writing failed.
    #[error("{what} {path}: {cause}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The database could not be copied.
    #[error("copying the database: {0}")]
    Database(#[from] rusqlite::Error),
}

/// The first entry's name, and the last's.
const DATABASE: &str = "precis.db";
const MANIFEST: &str = "manifest.json";
/// Version of the archive's own shape.
const FORMAT: u32 = 1;

#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Manifest {
    format: u32,
    made_by: String,
    /// Version of the database.
    schema: i64,
    files: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Entry {
    path: String,
    size: u64,
    sha256: String,
}

impl Manifest {
    fn made(&self) -> Made {
        Made { files: self.files.len() as u64, bytes: self.files.iter().map(|entry| entry.size).sum() }
    }
}

fn failed<'a>(what: &'static str, path: &'a Path) -> impl Fn(io::Error) -> BackupError + 'a {
    move |cause| BackupError::Io { what, path: path.to_owned(), cause }
}

/// Writes a backup of the data folder `folder` into the new file `into`.
///
/// # Errors
/// [`BackupError`]; no half backup is left under that name.
pub async fn export(folder: &Path, into: &Path) -> Result<Made, BackupError> {
    let (folder, into) = (folder.to_owned(), into.to_owned());
    blocking(move || {
        // Refuses what is no data folder, or one of a newer release.
        let (layout, _db) = open::open(&folder, OpenOptions::shared())?;
        pack::pack(&layout, &into)
    })
    .await
}

/// Makes the new data folder `folder` from the backup `file`.
///
/// # Errors
/// [`BackupError`]; the folder appears whole or not at all.
pub async fn import(file: &Path, folder: &Path) -> Result<Made, BackupError> {
    let (file, folder) = (file.to_owned(), folder.to_owned());
    blocking(move || unpack::unpack(&file, &folder)).await
}

async fn blocking(
    work: impl FnOnce() -> Result<Made, BackupError> + Send + 'static,
) -> Result<Made, BackupError> {
    let stopped = |error: tokio::task::JoinError| BackupError::Io {
        what: "stopped in the middle of",
        path: PathBuf::from("a backup"),
        cause: io::Error::other(error),
    };
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(stopped(error)))
}
