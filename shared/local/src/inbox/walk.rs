//! Finding the files of an inbox, and opening one without being led elsewhere.

use super::{AfterTaking, Inbox};
use crate::fault;
use ports::{Fault, PortError, Result};
use rustix::fs::{Mode, OFlags, ResolveFlags};
use sha2::{Digest, Sha256};
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Folders within folders that are looked into.
const DEPTH: usize = 64;
/// The folder in an inbox that taken files move to.
pub(super) const DONE: &str = "done";

/// What tells that a file changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) size: u64,
    pub(super) modified_ns: i64,
}

/// A file in an inbox.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    /// Below the inbox.
    pub(super) relative: PathBuf,
    pub(super) key: String,
    pub(super) stamp: Stamp,
}

/// All files of an inbox that may be documents.
pub(super) fn walk(inbox: &Inbox) -> Result<Vec<Found>> {
    let looking = |error: std::io::Error| fault::io("looking through an inbox", &error);
    if fs::exists(inbox.folder.join("precis.db")).map_err(looking)? {
        let what =
            "looking through an inbox: it is a data folder itself, and its results would come in again";
        return Err(PortError::new(Fault::Permanent, what));
    }
    let mut found = Vec::new();
    let mut folders = vec![(inbox.folder.clone(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if depth == 0 => return Err(looking(error)),
            // Gone meanwhile, or not for us to see: the others are still looked into.
            Err(_) => continue,
        };
        for entry in entries {
            let entry = entry.map_err(looking)?;
            // Of the link itself: what a link leads to may lie anywhere, so links are left alone.
            let Ok(metadata) = entry.metadata() else { continue };
            let (name, path) = (entry.file_name(), entry.path());
            if metadata.is_dir() {
                let is_done = depth == 0 && inbox.after == AfterTaking::Move && name == DONE;
                if !is_done && depth < DEPTH && is_ordinary_folder(&name, &path) {
                    folders.push((path, depth + 1));
                }
            } else if metadata.is_file() && is_document_name(&name) {
                let Ok(relative) = path.strip_prefix(&inbox.folder) else { continue };
                let (relative, key) = (relative.to_owned(), key_of(&inbox.prefix, relative));
                found.push(Found { relative, key, stamp: stamp(&metadata), path });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn stamp(metadata: &Metadata) -> Stamp {
    let nanoseconds = metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec());
    Stamp { size: metadata.len(), modified_ns: nanoseconds }
}

/// The stamp of an open file.
pub(super) fn stamp_of(file: &File) -> Result<Stamp> {
    let metadata = file.metadata().map_err(|error| fault::io("looking at a file of an inbox", &error))?;
    Ok(stamp(&metadata))
}

fn is_ordinary_folder(name: &OsStr, path: &Path) -> bool {
    let name = name.as_bytes();
    let is_service =
        matches!(name, b"lost+found" | b"$RECYCLE.BIN" | b"System Volume Information" | b"@eaDir");
    // A data folder within an inbox would feed on its own results.
    !name.starts_with(b".") && !is_service && !fs::exists(path.join("precis.db")).unwrap_or(true)
}

/// Hidden files, and those that programs make while they work on another.
fn is_document_name(name: &OsStr) -> bool {
    let name = name.as_bytes().to_ascii_lowercase();
    let starts: [&[u8]; 2] = [b".", b"~$"];
    let ends: [&[u8]; 10] = [
        b".part",
        b".partial",
        b".crdownload",
        b".download",
        b".tmp",
        b".temp",
        b".filepart",
        b".swp",
        b".opdownload",
        b"~",
    ];
    let names: [&[u8]; 2] = [b"thumbs.db", b"desktop.ini"];
    !starts.iter().any(|start| name.starts_with(start))
        && !ends.iter().any(|end| name.ends_with(end))
        && !names.contains(&name.as_slice())
}

/// The key of a file. A name that is not UTF-8 is told apart by a piece of its hash.
fn key_of(prefix: &str, relative: &Path) -> String {
    let parts: Vec<String> = relative.iter().map(readable).collect();
    format!("{prefix}{}", parts.join("/"))
}

fn readable(name: &OsStr) -> String {
    match name.to_str() {
        Some(name) => name.to_owned(),
        None => {
            let hash = hex::encode(Sha256::digest(name.as_bytes()));
            format!("{}-{}", name.to_string_lossy(), &hash[..8])
        }
    }
}

/// Opens a file that was found. Whoever may write into the inbox could have put a link in its place, or in the
/// place of a folder above, so no link is followed below the inbox.
pub(super) fn open(folder: &Path, file: &Found) -> Result<File> {
    let opening = |error: std::io::Error| fault::io("reading a file of an inbox", &error);
    let inbox = File::open(folder).map_err(opening)?;
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    let opened = match rustix::fs::openat2(&inbox, &file.relative, flags, Mode::empty(), resolve) {
        // Before Linux 5.6, or forbidden in this container: the last part at least is no link.
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => {
            rustix::fs::openat(&inbox, &file.relative, flags, Mode::empty())
        }
        other => other,
    };
    let opened = File::from(opened.map_err(|error| opening(error.into()))?);
    if !opened.metadata().map_err(opening)?.is_file() {
        return Err(PortError::new(Fault::Permanent, "reading a file of an inbox: it is no file any more"));
    }
    Ok(opened)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_written_and_hidden_names_are_no_documents() {
        for name in ["a.pdf", "x.tmp.pdf", "~a.pdf", "Thumbs.db.pdf", "ü"] {
            assert!(is_document_name(OsStr::new(name)), "{name}");
        }
        for name in [".a.pdf", "~$letter.docx", "a.pdf.part", "A.CRDOWNLOAD", "a.tmp", "a~", "Thumbs.db"] {
            assert!(!is_document_name(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn names_that_are_not_utf_8_have_keys_that_differ() {
        let key = |bytes: &[u8]| key_of("in/", &Path::new("a").join(OsStr::from_bytes(bytes)));
        assert_eq!(key("ü.pdf".as_bytes()), "in/a/ü.pdf");
        assert_ne!(key(b"\xff.pdf"), key(b"\xfe.pdf"));
    }
}
