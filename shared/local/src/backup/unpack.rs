//! Reading a backup: checking it, and bringing it back. Archives may be anybody's, so names in them lead nowhere
//! but into the new folder, and nothing but plain files is made.

use super::pack::Hashing;
use super::{BackupError, DATABASE, Entry, FORMAT, MANIFEST, Made, Manifest, failed};
use crate::layout::Layout;
use crate::schema;
use rusqlite::Connection;
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path};

/// The largest manifest that is read into memory.
const MANIFEST_BYTES: u64 = 1 << 30;

/// Reads a whole backup and compares it with its manifest.
pub(super) fn check(file: &Path) -> Result<Made, BackupError> {
    read(file, None)
}

pub(super) fn unpack(file: &Path, folder: &Path) -> Result<Made, BackupError> {
    let folder = std::path::absolute(folder).map_err(failed("looking at", folder))?;
    match fs::read_dir(&folder) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(BackupError::NotEmpty(folder));
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed("looking at", &folder)(error)),
    }
    let parent = folder.parent().unwrap_or(&folder);
    let writing = failed("writing", &folder);
    fs::create_dir_all(parent).map_err(&writing)?;
    let scratch = tempfile::Builder::new().prefix(".precis-import-").tempdir_in(parent).map_err(&writing)?;
    let made = read(file, Some(scratch.path()))?;
    check_database(file, scratch.path())?;
    sync_all(scratch.path()).map_err(&writing)?;
    // Over an empty folder, if there is one.
    let scratch = scratch.keep();
    if let Err(error) = fs::rename(&scratch, &folder) {
        // It is ours and nobody will look for it.
        let _ = fs::remove_dir_all(&scratch);
        return Err(writing(error));
    }
    crate::body::sync_folder(parent).map_err(&writing)?;
    Ok(made)
}

/// Reads all entries, writing them below `into` if it is given, and compares them with the manifest.
fn read(file: &Path, into: Option<&Path>) -> Result<Made, BackupError> {
    let damaged = |cause: String| BackupError::Damaged { file: file.to_owned(), cause };
    let not_readable = |error: io::Error| damaged(format!("it is no backup, or was cut short ({error})"));
    let opened = File::open(file).map_err(failed("reading", file))?;
    let mut archive = tar::Archive::new(io::BufReader::new(opened));
    let mut found = Vec::new();
    let mut manifest: Option<Manifest> = None;
    for entry in archive.entries().map_err(not_readable)? {
        let mut entry = entry.map_err(not_readable)?;
        let path = entry.path().map_err(not_readable)?.to_str().map(str::to_owned);
        let path = path.ok_or_else(|| damaged("it names a file in an unknown encoding".into()))?;
        if entry.header().entry_type() != tar::EntryType::Regular || manifest.is_some() {
            return Err(damaged(format!("it holds something unexpected: {path:?}")));
        }
        if path == MANIFEST {
            let mut json = Vec::new();
            entry.by_ref().take(MANIFEST_BYTES).read_to_end(&mut json).map_err(not_readable)?;
            let read =
                serde_json::from_slice(&json).map_err(|error| damaged(format!("its manifest: {error}")))?;
            manifest = Some(read);
            continue;
        }
        if !is_ours(&path) {
            return Err(damaged(format!("it holds something unexpected: {path:?}")));
        }
        found.push(take(&mut entry, path, into)?);
    }
    let manifest = manifest.ok_or_else(|| damaged("it is no backup of Precis, or was cut short".into()))?;
    if manifest.format != FORMAT || manifest.schema > schema::VERSION {
        let (found, known) = (manifest.schema, schema::VERSION);
        return Err(BackupError::Newer { file: file.to_owned(), found, known });
    }
    for (found, listed) in found.iter().zip(&manifest.files) {
        if found != listed {
            return Err(damaged(format!("{:?} is not what it was when the backup was made", found.path)));
        }
    }
    if found.len() != manifest.files.len() || found.first().is_none_or(|first| first.path != DATABASE) {
        return Err(damaged("files are missing".into()));
    }
    Ok(manifest.made())
}

/// Names that a data folder has.
fn is_ours(path: &str) -> bool {
    let mut parts = Path::new(path).components();
    let Some(Component::Normal(first)) = parts.next() else { return false };
    let rest_is_plain = parts.all(|part| matches!(part, Component::Normal(_)));
    let single = ["precis.db", "precis.toml", "webhook-secret"].contains(&path);
    let below = ["objects", "results", "outbox"].iter().any(|name| first == *name && path.len() > name.len());
    rest_is_plain && (single || below)
}

fn take(entry: &mut impl Read, path: String, into: Option<&Path>) -> Result<Entry, BackupError> {
    let mut hashing = Hashing { inner: entry, hash: Sha256::new() };
    let size = match into {
        None => io::copy(&mut hashing, &mut io::sink()).map_err(failed("reading", Path::new(&path)))?,
        Some(folder) => {
            let target = folder.join(&path);
            let writing = failed("writing", &target);
            fs::create_dir_all(target.parent().unwrap_or(folder)).map_err(&writing)?;
            let mut file = File::create_new(&target).map_err(&writing)?;
            io::copy(&mut hashing, &mut file).map_err(&writing)?
        }
    };
    Ok(Entry { path, size, sha256: hex::encode(hashing.hash.finalize()) })
}

/// Whether the database is whole and every file that it names is there.
fn check_database(file: &Path, folder: &Path) -> Result<(), BackupError> {
    let damaged = |cause: String| BackupError::Damaged { file: file.to_owned(), cause };
    let layout = Layout { folder: folder.to_owned() };
    let database = Connection::open(layout.database())?;
    let found: String = database.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found != "ok" {
        return Err(damaged(format!("its database is damaged: {found}")));
    }
    for (table, folder) in [("uploads", layout.uploads()), ("artifacts", layout.artifacts())] {
        let mut statement =
            database.prepare(&format!("SELECT DISTINCT file FROM {table} WHERE file IS NOT NULL"))?;
        let names = statement.query_map([], |row| row.get::<_, String>(0))?;
        for name in names.collect::<rusqlite::Result<HashSet<_>>>()? {
            if !folder.join(name.get(..2).unwrap_or_default()).join(&name).is_file() {
                return Err(damaged(format!("an object that its database names is missing ({name})")));
            }
        }
    }
    Ok(())
}

/// Makes everything below a folder durable.
fn sync_all(folder: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(File::open(folder)?)?)
}
