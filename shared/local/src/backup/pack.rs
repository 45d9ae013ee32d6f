//! Writing a backup.

use super::{BackupError, DATABASE, Entry, FORMAT, MANIFEST, Made, Manifest, failed, unpack};
use crate::layout::Layout;
use crate::schema;
use rusqlite::{Connection, OpenFlags};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

pub(super) fn pack(layout: &Layout, into: &Path) -> Result<Made, BackupError> {
    if fs::exists(into).map_err(failed("looking at", into))? {
        return Err(BackupError::Exists(into.to_owned()));
    }
    let parent = match into.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let writing = failed("writing the backup", into);
    let scratch = tempfile::Builder::new().prefix(".precis-export-").tempdir_in(parent).map_err(&writing)?;
    let copy = scratch.path().join(DATABASE);
    copy_database(&layout.database(), &copy)?;
    let objects = named_objects(layout, &copy)?;

    let archive = scratch.path().join("backup.tar");
    let file = File::create_new(&archive).map_err(&writing)?;
    file.set_permissions(fs::Permissions::from_mode(0o600)).map_err(&writing)?;
    let mut packer = Packer { tar: tar::Builder::new(io::BufWriter::new(file)), entries: Vec::new() };
    packer.add(DATABASE, &copy)?;
    for path in objects.into_iter().chain(people_see(layout)?) {
        packer.add_below(&layout.folder, &path)?;
    }
    let manifest = packer.finish(into)?;
    // What cannot be brought back is no backup.
    unpack::check(&archive)?;
    rename_new(&archive, into)?;
    crate::body::sync_folder(parent).map_err(&writing)?;
    Ok(manifest.made())
}

/// Renames, unless somebody took the name meanwhile.
fn rename_new(from: &Path, to: &Path) -> Result<(), BackupError> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        Err(rustix::io::Errno::EXIST) => Err(BackupError::Exists(to.to_owned())),
        // Some network file systems cannot promise it.
        Err(_) => fs::rename(from, to).map_err(failed("writing the backup", to)),
    }
}

fn copy_database(from: &Path, to: &Path) -> Result<(), BackupError> {
    let source = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    source.busy_timeout(std::time::Duration::from_secs(10))?;
    let mut target = Connection::open(to)?;
    // All pages in one step: one moment, whoever writes meanwhile.
    rusqlite::backup::Backup::new(&source, &mut target)?.step(-1)?;
    // A database of its own, without a log beside it.
    target.pragma_update(None, "journal_mode", "DELETE")?;
    Ok(())
}

/// The files that the copied database names. A row whose file was deleted after the copy goes from the copy too.
fn named_objects(layout: &Layout, copy: &Path) -> Result<Vec<PathBuf>, BackupError> {
    let database = Connection::open(copy)?;
    let mut paths = Vec::new();
    for (table, folder) in [("uploads", layout.uploads()), ("artifacts", layout.artifacts())] {
        let mut statement = database
            .prepare(&format!("SELECT DISTINCT file FROM {table} WHERE file IS NOT NULL ORDER BY file"))?;
        let names =
            statement.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
        for name in names {
            let path = folder.join(name.get(..2).unwrap_or_default()).join(&name);
            if path.is_file() {
                paths.push(path);
            } else {
                database.execute(&format!("DELETE FROM {table} WHERE file = ?1"), [&name])?;
            }
        }
    }
    Ok(paths)
}

/// Settings, heads, results and e-mails.
fn people_see(layout: &Layout) -> Result<Vec<PathBuf>, BackupError> {
    let single = [layout.settings(), layout.folder.join("webhook-secret")];
    let mut paths: Vec<PathBuf> = single.into_iter().filter(|path| path.is_file()).collect();
    let mut folders = vec![layout.heads(), layout.results(), layout.outbox()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let entry = entry.map_err(failed("looking through", &folder))?;
            let Ok(kind) = entry.file_type() else { continue };
            let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            if kind.is_dir() && !is_hidden {
                folders.push(entry.path());
            } else if kind.is_file() && !is_hidden {
                paths.push(entry.path());
            }
        }
    }
    paths.sort();
    Ok(paths)
}

struct Packer<W: Write> {
    tar: tar::Builder<W>,
    entries: Vec<Entry>,
}

impl Packer<io::BufWriter<File>> {
    fn add_below(&mut self, folder: &Path, path: &Path) -> Result<(), BackupError> {
        let name = path.strip_prefix(folder).ok().and_then(Path::to_str);
        match name {
            Some(name) => self.add(name, path),
            // We name all files in UTF-8; what is not is not ours.
            None => Ok(()),
        }
    }

    fn add(&mut self, name: &str, path: &Path) -> Result<(), BackupError> {
        let reading = failed("reading", path);
        let file = match File::open(path) {
            // Results may be replaced and e-mails taken away while we look.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other.map_err(&reading)?,
        };
        let size = file.metadata().map_err(&reading)?.len();
        let mut header = tar::Header::new_gnu();
        header.set_size(size);
        header.set_mode(0o600);
        let mut hashing = Hashing { inner: file.take(size), hash: Sha256::new() };
        self.tar.append_data(&mut header, name, &mut hashing).map_err(&reading)?;
        let sha256 = hex::encode(hashing.hash.finalize());
        self.entries.push(Entry { path: name.to_owned(), size, sha256 });
        Ok(())
    }

    fn finish(mut self, into: &Path) -> Result<Manifest, BackupError> {
        let writing = failed("writing the backup", into);
        let manifest = Manifest {
            format: FORMAT,
            made_by: concat!("precis ", env!("CARGO_PKG_VERSION")).to_owned(),
            schema: schema::VERSION,
            files: self.entries,
        };
        let json = serde_json::to_vec_pretty(&manifest).map_err(|error| writing(error.into()))?;
        let mut header = tar::Header::new_gnu();
        header.set_size(json.len() as u64);
        header.set_mode(0o600);
        self.tar.append_data(&mut header, MANIFEST, json.as_slice()).map_err(&writing)?;
        let file = self.tar.into_inner().and_then(|buffered| buffered.into_inner().map_err(io::Error::from));
        file.and_then(|file| file.sync_all()).map_err(&writing)?;
        Ok(manifest)
    }
}

/// Hashes what passes.
pub(super) struct Hashing<R> {
    pub(super) inner: R,
    pub(super) hash: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hash.update(&buffer[..read]);
        Ok(read)
    }
}
