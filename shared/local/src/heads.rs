//! The learnt rankings of a data folder: `heads/<name>.json`, and in `heads/current` the name of the one in use.
//!
//! A head's file is named by what is in it and never changed. Another one that comes into use leaves the old ones
//! beside it, so that going back is one command.

use crate::layout::Layout;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Bytes that are read of a file that says it is a head: more than any has.
const LIMIT: u64 = 1 << 20;

/// The heads of a data folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heads {
    folder: PathBuf,
}

impl Heads {
    /// Of this folder. Nothing is touched yet.
    #[must_use]
    pub fn of(layout: &Layout) -> Self {
        Self { folder: layout.heads() }
    }

    /// Names of all that are kept, in the order of the alphabet.
    ///
    /// # Errors
    /// The folder cannot be looked into. One that is not there yet has none.
    pub fn list(&self) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry?.file_name().to_string_lossy().into_owned();
            names.extend(name.strip_suffix(".json").filter(|name| is_name(name)).map(str::to_owned));
        }
        names.sort();
        Ok(names)
    }

    /// Where the head of a name lies, if it can be one.
    ///
    /// # Errors
    /// `InvalidInput` when it cannot.
    pub fn path(&self, name: &str) -> io::Result<PathBuf> {
        if is_name(name) {
            return Ok(self.folder.join(format!("{name}.json")));
        }
        Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{name:?} is no name of a head")))
    }

    /// The head's bytes.
    ///
    /// # Errors
    /// It is not there, cannot be read, or is far too large.
    pub fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let path = self.path(name)?;
        if fs::metadata(&path)?.len() > LIMIT {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is far too large for a head"));
        }
        fs::read(path)
    }

    /// Keeps a head under its name.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn keep(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.path(name)?;
        self.write(&path, bytes)
    }

    /// The name of the one in use; `None` for the hand-set ranking.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn current(&self) -> io::Result<Option<String>> {
        match fs::read_to_string(self.folder.join("current")) {
            Ok(name) => Ok(Some(name.trim().to_owned()).filter(|name| !name.is_empty())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Brings one that is kept into use, or (`None`) the hand-set ranking.
    ///
    /// # Errors
    /// It is not there, or this cannot be written.
    pub fn choose(&self, name: Option<&str>) -> io::Result<()> {
        if let Some(name) = name {
            fs::metadata(self.path(name)?)?;
        }
        self.write(&self.folder.join("current"), format!("{}\n", name.unwrap_or_default()).as_bytes())
    }

    /// Whole or not at all, and on the disk when this returns.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        File::open(&self.folder)?.sync_all()
    }
}

/// Hexadecimal digits: it becomes part of a path.
fn is_name(name: &str) -> bool {
    (8..=64).contains(&name.len()) && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heads() -> (tempfile::TempDir, Heads) {
        let folder = tempfile::tempdir().unwrap();
        let heads = Heads::of(&Layout { folder: folder.path().to_owned() });
        (folder, heads)
    }

    #[test]
    fn a_folder_without_heads_has_the_hand_set_ranking_in_use() {
        let (_folder, heads) = heads();
        assert!(heads.list().unwrap().is_empty());
        assert_eq!(heads.current().unwrap(), None);
    }

    #[test]
    fn the_old_head_stays_beside_the_new_one_and_can_come_back() {
        let (_folder, heads) = heads();
        heads.keep("aaaaaaaa0000", b"old").unwrap();
        heads.keep("bbbbbbbb0000", b"new").unwrap();
        heads.choose(Some("aaaaaaaa0000")).unwrap();
        heads.choose(Some("bbbbbbbb0000")).unwrap();
        assert_eq!(heads.current().unwrap().as_deref(), Some("bbbbbbbb0000"));
        assert_eq!(heads.list().unwrap(), ["aaaaaaaa0000", "bbbbbbbb0000"]);
        assert_eq!(heads.read("aaaaaaaa0000").unwrap(), b"old");
        heads.choose(None).unwrap();
        assert_eq!(heads.current().unwrap(), None);
    }

    #[test]
    fn a_head_that_is_not_kept_or_has_no_name_of_one_is_not_brought_into_use() {
        let (_folder, heads) = heads();
        assert_eq!(heads.choose(Some("cccccccc0000")).unwrap_err().kind(), io::ErrorKind::NotFound);
        for name in ["../../etc/passwd", "", "current", "AAAAAAAA0000"] {
            assert_eq!(heads.choose(Some(name)).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{name}");
        }
    }
}
