//! How far a backfill came, in a file that is whole or not there.

use super::walk::Cursor;
use crate::cli;
use crate::commands::place::Place;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The present version of the file.
const SCHEMA: u32 = 1;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Noted {
    schema: u32,
    /// What is sent: a checkpoint of another backfill must not be taken for this one's.
    of: String,
    cursor: Option<Cursor>,
    sent: u64,
}

/// The checkpoint of one backfill.
pub struct Checkpoint {
    file: PathBuf,
    noted: RefCell<Noted>,
}

impl Checkpoint {
    /// The checkpoint of what these arguments mean; a new one if there is none.
    pub fn open(place: &Place, args: &cli::Backfill, bucket: &str) -> Result<Self> {
        let account =
            place.aws().map(|aws| format!("{} {} {}", aws.names.stack, aws.names.account, aws.names.region));
        let what = [
            account.unwrap_or_default(),
            bucket.to_owned(),
            args.prefix.clone(),
            args.inventory.clone().unwrap_or_default(),
        ];
        let of = hex::encode(&Sha256::digest(what.join("\n"))[..8]);
        let file = match (&args.checkpoint, place.local()) {
            (Some(file), _) => file.clone(),
            (None, Some(local)) => local.layout.folder.join(format!("backfill-{of}.json")),
            (None, None) => state_folder()?.join(format!("backfill-{of}.json")),
        };
        let noted = read(&file)?.unwrap_or(Noted { schema: SCHEMA, of: of.clone(), cursor: None, sent: 0 });
        if noted.of != of {
            bail!(
                "{} is the checkpoint of another backfill. Do: name another file with --checkpoint, or delete it",
                file.display()
            );
        }
        Ok(Self { file, noted: RefCell::new(noted) })
    }

    /// Where to go on.
    pub fn cursor(&self) -> Option<Cursor> {
        self.noted.borrow().cursor.clone()
    }

    /// Documents that were sent before.
    pub fn sent(&self) -> u64 {
        self.noted.borrow().sent
    }

    /// Notes how far it came.
    pub fn note(&self, cursor: &Cursor, sent: u64) -> Result<()> {
        let mut noted = self.noted.borrow_mut();
        (noted.cursor, noted.sent) = (Some(cursor.clone()), sent);
        write(&self.file, &noted)
            .with_context(|| format!("the checkpoint {} cannot be written", self.file.display()))
    }

    /// All is sent: the next backfill begins at the beginning.
    pub fn remove(&self) -> Result<()> {
        match fs::remove_file(&self.file) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}

/// Where programs keep what they need to go on (XDG Base Directory Specification).
fn state_folder() -> Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local").join("state")));
    let Some(folder) = folder else {
        bail!("there is no home folder to note the progress in. Do: --checkpoint FILE")
    };
    Ok(folder.join("precis"))
}

fn read(file: &Path) -> Result<Option<Noted>> {
    let bytes = match fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(error).with_context(|| format!("the checkpoint {} cannot be read", file.display()));
        }
    };
    let noted: Noted = serde_json::from_slice(&bytes).with_context(|| {
        format!("the checkpoint {} cannot be understood. Do: delete it, and what has a job is left out all the same", file.display())
    })?;
    if noted.schema > SCHEMA {
        bail!("the checkpoint {} is of a newer precis. Do: use that one, or delete the file", file.display());
    }
    Ok(Some(noted))
}

fn write(file: &Path, noted: &Noted) -> Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    temporary.write_all(&serde_json::to_vec(noted)?)?;
    temporary.as_file().sync_data()?;
    temporary.persist(file)?;
    Ok(())
}
