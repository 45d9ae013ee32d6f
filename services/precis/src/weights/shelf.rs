//! A folder of models: what is in it, what is coming, who is at it.
//!
//! `NAME/` is a model. While it comes there are `.pull-NAME/` with its files, `.pull-NAME.json` which says what is coming,
//! and `.pull-NAME.lock`, held by whoever brings it and gone with him.

use super::describe;
use super::manifest::{Manifest, Recorded};
use crate::show::clean;
use anyhow::{Context, Result, anyhow, bail};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

const COMING: &str = ".pull-";

/// A model that is there.
pub struct Model {
    /// Its name.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Its record; `None` where it did not come by `precis models pull`.
    pub record: Result<Option<Manifest>>,
}

/// One that has not come whole.
pub struct Unfinished {
    /// The name it will have.
    pub name: String,
    /// What is coming.
    pub plan: Plan,
    /// Bytes that are here.
    pub here: u64,
}

/// What is coming.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    /// From where.
    pub source: String,
    /// Of which commit.
    pub revision: Option<String>,
    /// The files; their hashes are not known yet.
    pub files: Vec<Recorded>,
}

/// Whether a model may be called so.
pub fn check_name(name: &str) -> Result<()> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > 100 || !name.chars().all(good) || name.starts_with(['.', '-']) {
        bail!(
            "{:?} is no name for a model: 1 to 100 letters, digits, '-', '_' and '.', and no '.' or '-' at the beginning. \
             Do: choose one with --as NAME",
            clean(name)
        );
    }
    Ok(())
}

/// The models of a folder, by name.
pub fn models(root: &Path) -> Vec<Model> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let model = |entry: fs::DirEntry| {
        let (name, folder) = (entry.file_name().into_string().ok()?, entry.path());
        let there = check_name(&name).is_ok() && describe::is_model(&folder);
        there.then(|| Model { record: Manifest::of(&folder), name, folder })
    };
    let mut models: Vec<_> = entries.filter_map(model).collect();
    models.sort_by(|one, other| one.name.cmp(&other.name));
    models
}

/// What has not come whole.
pub fn unfinished(root: &Path) -> Vec<Unfinished> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let one = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let name = name.strip_prefix(COMING)?.strip_suffix(".json")?.to_owned();
        let place = Coming::new(root, &name);
        Some(Unfinished { here: describe::size(&place.work), plan: place.plan()?, name })
    };
    let mut all: Vec<_> = entries.filter_map(one).collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all
}

/// Where a model gathers.
pub struct Coming {
    /// The folder of its files.
    pub work: PathBuf,
    plan: PathBuf,
    lock: PathBuf,
}

impl Coming {
    /// That of this name.
    pub fn new(root: &Path, name: &str) -> Self {
        let of = |ending: &str| root.join(format!("{COMING}{name}{ending}"));
        Self { work: of(""), plan: of(".json"), lock: of(".lock") }
    }

    /// What was coming when it broke off.
    pub fn plan(&self) -> Option<Plan> {
        serde_json::from_slice(&fs::read(&self.plan).ok()?).ok()
    }

    /// Notes what is coming.
    pub fn set_plan(&self, plan: &Plan) -> std::io::Result<()> {
        let mut fresh = self.plan.clone().into_os_string();
        fresh.push(".new");
        fs::write(&fresh, serde_json::to_vec_pretty(plan)?)?;
        fs::rename(&fresh, &self.plan)
    }

    /// Forgets all that has come.
    pub fn forget(&self) -> Result<()> {
        let gone = |removed: std::io::Result<()>, place: &Path| match removed {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(anyhow!(error).context(format!("{}", place.display())))
            }
            _ => Ok(()),
        };
        gone(fs::remove_file(&self.plan), &self.plan)?;
        // A link in this place is removed, not followed.
        match fs::symlink_metadata(&self.work) {
            Ok(found) if !found.is_dir() => gone(fs::remove_file(&self.work), &self.work),
            _ => gone(fs::remove_dir_all(&self.work), &self.work),
        }
    }

    /// Takes the lock, or says who has it.
    pub fn lock(&self) -> Result<Lock> {
        let trouble = || format!("{}", self.lock.display());
        loop {
            let opened = File::options().read(true).write(true).create(true).truncate(false).open(&self.lock);
            let mut file = opened.with_context(trouble)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let mut pid = String::new();
                    let _ = file.read_to_string(&mut pid);
                    let who = if pid.is_empty() {
                        String::new()
                    } else {
                        format!(" (process {})", clean(pid.trim()))
                    };
                    bail!("another command is at it{who}. Do: wait until that has ended");
                }
                Err(TryLockError::Error(error)) => return Err(error).with_context(trouble),
            }
            // Its former holder may have removed it between our opening and our locking.
            let same = fs::metadata(&self.lock).ok().zip(file.metadata().ok());
            if same.is_some_and(|(there, ours)| there.ino() == ours.ino() && there.dev() == ours.dev()) {
                // Only for the words of whoever comes meanwhile: a full disk may lack it.
                let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
                return Ok(Lock { path: self.lock.clone(), _file: file });
            }
        }
    }
}

/// Held as long as somebody works on a model.
pub struct Lock {
    path: PathBuf,
    _file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // While it is still held, so that nobody removes that of the next one.
        let _ = fs::remove_file(&self.path);
    }
}

/// Removes a model at once: it is away before its files go, one after the other.
pub fn remove(root: &Path, model: &Model) -> Result<()> {
    let trouble = || format!("{}", model.folder.display());
    if fs::symlink_metadata(&model.folder).with_context(trouble)?.is_symlink() {
        bail!("{} is a link to elsewhere. Do: rm {0}", model.folder.display());
    }
    let coming = Coming::new(root, &model.name);
    let _lock = coming.lock().with_context(|| model.name.clone())?;
    let away = root.join(format!(".removed-{}", model.name));
    let _ = fs::remove_dir_all(&away);
    fs::rename(&model.folder, &away).with_context(trouble)?;
    fs::remove_dir_all(&away).with_context(|| format!("{}", away.display()))
}
