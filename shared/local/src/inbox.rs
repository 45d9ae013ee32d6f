//! An inbox: a folder into which people drop documents.
//!
//! It is looked through again and again rather than watched, because network folders tell nobody of changes. A
//! file is taken once it has stopped changing, is read through one open handle and refused if it changed
//! meanwhile, so what is stored was one whole state of it. Taken files are remembered by size and time, so an
//! untouched one is not read again at the next start; one that is read again has the same version and makes no
//! second job.

pub(crate) mod after;
mod walk;

use crate::fault;
use crate::objects::ObjectStore;
use futures::StreamExt;
use ports::{Fault, PortError, Result};
use rusqlite::params;
use std::collections::HashMap;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use walk::{Found, Stamp};

/// What becomes of a file that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AfterTaking {
    /// It stays as it is.
    #[default]
    Keep,
    /// It moves to the folder `done` in its inbox (never over another file), which is not looked into.
    Move,
    /// It is deleted; the data folder has it.
    Delete,
}

/// A folder to take documents from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbox {
    /// The folder. Sub-folders become parts of keys.
    pub folder: PathBuf,
    /// What keys begin with: empty, or ending in `/`.
    pub prefix: String,
    /// What becomes of taken files.
    pub after: AfterTaking,
}

/// What one look found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scanned {
    /// Files that were taken.
    pub taken: usize,
    /// Files that may still be changing.
    pub waiting: usize,
    /// Files that could not be taken, and are tried again.
    pub failed: usize,
}

/// Times between looks; shorter ones for tests.
#[derive(Debug, Clone, Copy)]
struct Times {
    poll: Duration,
    settle: Duration,
    settle_empty: Duration,
    retry: Duration,
}

const TIMES: Times = Times {
    poll: Duration::from_secs(1),
    settle: Duration::from_secs(2),
    // Some programs make the file first and write it much later.
    settle_empty: Duration::from_secs(10),
    retry: Duration::from_secs(30),
};

/// Files taken at once: their commits share fsyncs.
const AT_ONCE: usize = 16;

/// Looks through one inbox.
pub struct InboxWatcher {
    objects: Arc<ObjectStore>,
    inbox: Inbox,
    times: Times,
    /// What was taken, by path; read from the database at the first look.
    taken: Option<HashMap<PathBuf, Stamp>>,
    seen: HashMap<PathBuf, Seen>,
    folder_failed: bool,
}

struct Seen {
    stamp: Stamp,
    since: Instant,
    looks: u32,
    failed: Option<Failed>,
}

struct Failed {
    what: String,
    at: Instant,
}

impl InboxWatcher {
    pub(crate) fn new(objects: Arc<ObjectStore>, inbox: Inbox) -> Self {
        Self { objects, inbox, times: TIMES, taken: None, seen: HashMap::new(), folder_failed: false }
    }

    /// Shortens how long a file must have been still (2 seconds; an empty one 10), for tests.
    #[must_use]
    pub fn settling(mut self, settle: Duration) -> Self {
        self.times = Times { poll: settle, settle, settle_empty: settle, retry: settle };
        self
    }

    /// Looks until `stop` ends.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        loop {
            let start = Instant::now();
            match self.scan().await {
                Ok(_) => self.folder_failed = false,
                Err(error) if !self.folder_failed => {
                    self.folder_failed = true;
                    tracing::error!(inbox = %self.inbox.folder.display(), error = %error, "inbox cannot be looked through");
                }
                Err(_) => {}
            }
            // A folder that takes long to look through is looked through less often.
            let pause = self.times.poll.max(start.elapsed() * 4);
            tokio::select! {
                biased;
                () = &mut stop => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Looks once, and takes what has stopped changing.
    ///
    /// # Errors
    /// If the folder itself cannot be looked through, or the data folder cannot be written.
    pub async fn scan(&mut self) -> Result<Scanned> {
        let inbox = self.inbox.clone();
        let found = tokio::task::spawn_blocking(move || walk::walk(&inbox)).await;
        let found = found.unwrap_or_else(|_| Err(fault::stopped("looking through an inbox")))?;
        let mut taken = match self.taken.take() {
            Some(taken) => taken,
            None => self.remembered().await?,
        };
        self.forget(&found, &mut taken).await?;
        let mut scanned = Scanned::default();
        let mut ready = Vec::new();
        for file in found {
            if taken.get(&file.path) == Some(&file.stamp) {
                continue;
            }
            match self.look_at(&file) {
                Look::Ready => ready.push(file),
                Look::Waiting => scanned.waiting += 1,
                Look::Failed => scanned.failed += 1,
            }
        }
        self.take_all(ready, &mut taken, &mut scanned).await?;
        self.taken = Some(taken);
        Ok(scanned)
    }

    /// Whether a file has been still for long enough.
    fn look_at(&mut self, file: &Found) -> Look {
        let times = self.times;
        let now = Instant::now();
        let fresh = || Seen { stamp: file.stamp, since: now, looks: 0, failed: None };
        let seen = self.seen.entry(file.path.clone()).or_insert_with(fresh);
        if seen.stamp != file.stamp {
            *seen = fresh();
        }
        seen.looks += 1;
        let settle = if file.stamp.size == 0 { times.settle_empty } else { times.settle };
        if seen.looks < 2 || now - seen.since < settle {
            return Look::Waiting;
        }
        match &seen.failed {
            Some(failed) if now - failed.at < times.retry => Look::Failed,
            _ => Look::Ready,
        }
    }

    async fn take_all(
        &mut self,
        ready: Vec<Found>,
        taken: &mut HashMap<PathBuf, Stamp>,
        scanned: &mut Scanned,
    ) -> Result<()> {
        let (objects, inbox) = (self.objects.clone(), self.inbox.clone());
        let mut results = futures::stream::iter(ready)
            .map(|file| {
                let (objects, inbox) = (objects.clone(), inbox.clone());
                async move { (take(&objects, &inbox, &file).await, file) }
            })
            .buffer_unordered(AT_ONCE);
        let mut new = Vec::new();
        while let Some((result, file)) = results.next().await {
            match result {
                Ok(version) => {
                    scanned.taken += 1;
                    self.seen.remove(&file.path);
                    if inbox.after == AfterTaking::Keep {
                        taken.insert(file.path.clone(), file.stamp);
                        new.push((file, version));
                    }
                }
                Err(error) => {
                    scanned.failed += 1;
                    self.report(&file, &error);
                }
            }
        }
        drop(results);
        self.remember(new).await
    }

    /// Says once what is wrong with a file.
    fn report(&mut self, file: &Found, error: &PortError) {
        let Some(seen) = self.seen.get_mut(&file.path) else { return };
        if seen.failed.as_ref().is_none_or(|failed| failed.what != error.what) {
            tracing::warn!(inbox.file = ?file.path, error = %error, "file not taken from the inbox, will be tried again");
        }
        seen.failed = Some(Failed { what: error.what.clone(), at: Instant::now() });
    }

    async fn remembered(&self) -> Result<HashMap<PathBuf, Stamp>> {
        let folder = self.inbox.folder.clone();
        self.objects
            .db
            .read("reading what was taken from an inbox", move |db| {
                let mut statement = db.prepare("SELECT path, size, modified_ns FROM inbox_files")?;
                let mut rows = statement.query([])?;
                let mut taken = HashMap::new();
                while let Some(row) = rows.next()? {
                    let bytes: Vec<u8> = row.get(0)?;
                    let path = PathBuf::from(std::ffi::OsStr::from_bytes(&bytes));
                    if path.starts_with(&folder) {
                        taken.insert(path, Stamp { size: row.get(1)?, modified_ns: row.get(2)? });
                    }
                }
                Ok(taken)
            })
            .await
    }

    async fn remember(&self, new: Vec<(Found, String)>) -> Result<()> {
        if new.is_empty() {
            return Ok(());
        }
        self.objects
            .db
            .write("remembering what was taken from an inbox", move |db| {
                let mut statement = db.prepare_cached(
                    "INSERT OR REPLACE INTO inbox_files (path, key, size, modified_ns, version)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                )?;
                for (file, version) in &new {
                    let path = file.path.as_os_str().as_bytes();
                    let size = i64::try_from(file.stamp.size).unwrap_or(i64::MAX);
                    statement.execute(params![path, file.key, size, file.stamp.modified_ns, version])?;
                }
                Ok(())
            })
            .await
    }

    /// Forgets files that are gone.
    async fn forget(&mut self, found: &[Found], taken: &mut HashMap<PathBuf, Stamp>) -> Result<()> {
        let there: std::collections::HashSet<&Path> = found.iter().map(|file| file.path.as_path()).collect();
        self.seen.retain(|path, _| there.contains(path.as_path()));
        let gone: Vec<PathBuf> =
            taken.keys().filter(|path| !there.contains(path.as_path())).cloned().collect();
        if gone.is_empty() {
            return Ok(());
        }
        for path in &gone {
            taken.remove(path);
        }
        self.objects
            .db
            .write("forgetting files that are gone", move |db| {
                let mut statement = db.prepare_cached("DELETE FROM inbox_files WHERE path = ?1")?;
                for path in &gone {
                    statement.execute([path.as_os_str().as_bytes()])?;
                }
                Ok(())
            })
            .await
    }
}

enum Look {
    Ready,
    Waiting,
    Failed,
}

/// Uploads one file; then it may go.
async fn take(objects: &ObjectStore, inbox: &Inbox, file: &Found) -> Result<String> {
    let (folder, wanted) = (inbox.folder.clone(), file.clone());
    let open = move || walk::open(&folder, &wanted);
    let stamp = file.stamp;
    let check = move |opened: &File| {
        if walk::stamp_of(opened)? == stamp {
            return Ok(());
        }
        Err(PortError::new(Fault::Transient, "the file changed while it was read"))
    };
    let document = objects.upload_opened(&file.key, open, check).await?;
    let (inbox, file) = (inbox.clone(), file.clone());
    let done = tokio::task::spawn_blocking(move || after::after(&inbox, &file)).await;
    done.unwrap_or_else(|_| Err(fault::stopped("clearing an inbox")))?;
    Ok(document.version)
}
