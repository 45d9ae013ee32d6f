//! What becomes of a file once the data folder has it.

use super::walk::{DONE, Found};
use super::{AfterTaking, Inbox};
use crate::fault;
use ports::{Fault, PortError, Result};
use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Names that are tried beside the file's own.
const NAMES: u32 = 10_000;

pub(super) fn after(inbox: &Inbox, file: &Found) -> Result<()> {
    match inbox.after {
        AfterTaking::Keep => Ok(()),
        AfterTaking::Delete => {
            fs::remove_file(&file.path).map_err(|error| fault::io("deleting a file from an inbox", &error))
        }
        AfterTaking::Move => {
            let target = inbox.folder.join(DONE).join(&file.relative);
            move_away(&file.path, &target)
                .map_err(|error| fault::io("moving a file to the folder done", &error))
        }
    }?;
    if inbox.after != AfterTaking::Keep && fs::symlink_metadata(&file.path).is_ok() {
        // Written anew in the very moment; the next look takes it.
        return Err(PortError::new(Fault::Transient, "the file came again while it was cleared away"));
    }
    Ok(())
}

/// The files in `done` that hold a document of these bytes, which came under this key.
pub(crate) fn moved(folder: &Path, key: &str, sha256: &str) -> Vec<PathBuf> {
    let relative = Path::new(key);
    if !relative.components().all(|part| matches!(part, std::path::Component::Normal(_))) {
        return Vec::new();
    }
    let target = folder.join(DONE).join(relative);
    let names = (1..NAMES).map(|number| numbered(&target, number));
    let there = names.take_while(|path| fs::symlink_metadata(path).is_ok_and(|found| found.is_file()));
    there.filter(|path| hash(path).is_ok_and(|hash| hash == sha256)).collect()
}

fn hash(path: &Path) -> std::io::Result<String> {
    let (mut file, mut hash) = (fs::File::open(path)?, Sha256::new());
    let mut chunk = vec![0; 1 << 16];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(hex::encode(hash.finalize())),
            read => hash.update(&chunk[..read]),
        }
    }
}

/// Renames, to `name-2.pdf` and so on where the name is taken.
fn move_away(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to.parent().unwrap_or(to))?;
    for number in 1..NAMES {
        let target = numbered(to, number);
        match rustix::fs::renameat_with(CWD, from, CWD, &target, RenameFlags::NOREPLACE) {
            Ok(()) => return Ok(()),
            Err(Errno::EXIST) => {}
            // Network file systems cannot refuse to replace; nobody else writes into this folder.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                if fs::symlink_metadata(&target).is_err() {
                    return fs::rename(from, &target);
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(std::io::Error::other("too many files of this name"))
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    if number == 1 {
        return path.to_owned();
    }
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{number}"));
    if let Some(ending) = path.extension() {
        name.push(".");
        name.push(ending);
    }
    path.with_file_name(name)
}
