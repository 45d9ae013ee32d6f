//! The record that lies in each model's folder: where it came from, and what its bytes are.
//!
//! Like every file that a release has written it stays readable: a change of its form comes with a new number.

use super::source::Offer;
use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

/// The record's name in a model's folder.
pub const NAME: &str = "precis-model.json";
/// The form that is written.
const VERSION: u32 = 1;
/// More than any record has, in bytes.
pub const LARGEST: u64 = 4 << 20;

/// The record of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The form of this record.
    pub precis_model: u32,
    /// Where it came from, as it may be typed again.
    pub source: String,
    /// The commit, where the source has such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Where the source had it from, if it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// When.
    pub pulled_at: Timestamp,
    /// Its files, sorted.
    pub files: Vec<Recorded>,
}

/// A file of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// Its path within the folder.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// The SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// What the source called this content.
    #[serde(default)]
    pub version: String,
}

impl Manifest {
    /// A new record.
    pub fn new(
        source: String,
        revision: Option<String>,
        origin: Option<String>,
        files: Vec<Recorded>,
    ) -> Self {
        let pulled_at = Timestamp::now();
        let mut manifest = Self { precis_model: VERSION, source, revision, origin, pulled_at, files };
        manifest.files.sort_by(|one, other| one.name.cmp(&other.name));
        manifest
    }

    /// Reads a record.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let manifest: Self = serde_json::from_slice(bytes).context("it is damaged")?;
        if manifest.precis_model > VERSION {
            let newer = manifest.precis_model;
            bail!("a newer precis wrote it (form {newer}, this one knows {VERSION}). Do: update precis");
        }
        Ok(manifest)
    }

    /// The record of a folder; `None` where it has none.
    pub fn of(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(NAME);
        let mut bytes = Vec::new();
        match File::open(&path) {
            Ok(file) => file.take(LARGEST).read_to_end(&mut bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => Err(error),
        }
        .with_context(|| format!("{}", path.display()))?;
        Self::parse(&bytes).map(Some).with_context(|| format!("{}", path.display()))
    }

    /// Writes it into a folder, durably.
    pub fn write(&self, folder: &Path) -> std::io::Result<()> {
        let mut file = File::create(folder.join(NAME))?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.write_all(b"\n")?;
        file.sync_all()
    }

    /// `hf:owner/name@1a2b3c4d5e6f`.
    pub fn shown(&self) -> String {
        let revision = self.revision.as_deref().map(|revision| revision.get(..12).unwrap_or(revision));
        revision.map_or_else(|| self.source.clone(), |revision| format!("{}@{revision}", self.source))
    }

    /// Bytes of all files.
    pub fn size(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }

    /// Whether these are the files that were recorded, as far as a listing tells.
    pub fn is_of(&self, offers: &[Offer]) -> bool {
        let same = |offer: &Offer| {
            let there = self.files.iter().find(|file| file.name == offer.path);
            there.is_some_and(|file| file.size == offer.size && file.version == offer.version)
        };
        self.files.len() == offers.len() && offers.iter().all(same)
    }

    /// What is wrong with the files of a folder: by size alone, or `whole`, by every byte.
    pub fn faults(&self, folder: &Path, whole: bool) -> Vec<String> {
        let found = self.files.iter().filter_map(|file| file.fault(folder, whole).map(|why| (file, why)));
        let mut faults: Vec<_> = found.map(|(file, why)| format!("{}: {why}", file.name)).collect();
        for name in super::describe::files_read(folder) {
            if self.files.iter().all(|file| file.name != name) {
                faults.push(format!("{name}: it did not come with the model"));
            }
        }
        faults
    }
}

impl Recorded {
    fn fault(&self, folder: &Path, whole: bool) -> Option<String> {
        let path = folder.join(&self.name);
        let size = match std::fs::metadata(&path) {
            Ok(found) if found.is_file() => found.len(),
            Ok(_) => return Some("it is no file".to_owned()),
            Err(error) => return Some(error.to_string()),
        };
        if size != self.size {
            return Some(format!("it has {size} bytes and should have {}", self.size));
        }
        if !whole {
            return None;
        }
        match sha256(&path) {
            Ok(hash) if hash == self.sha256 => None,
            Ok(_) => Some("its bytes are not those that came".to_owned()),
            Err(error) => Some(error.to_string()),
        }
    }
}

/// The SHA-256 of a file's bytes, in hexadecimal.
pub fn sha256(path: &Path) -> std::io::Result<String> {
    let mut hash = Sha256::new();
    let mut file = File::open(path)?;
    let mut piece = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok(hex::encode(hash.finalize()));
        }
        hash.update(&piece[..read]);
    }
}
