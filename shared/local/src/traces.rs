//! What a data folder keeps of a document beside its record, its versions and its artifacts: messages that wait, what was
//! told and is to be delivered, result files, e-mails in the outbox, the file in the inbox.
//!
//! Files go first and rows last, so that an erasure which breaks off finds them again. What was published under the
//! job's name stays as a name without a body: a worker that is late publishes it once more, and nobody hears.

use crate::Local;
use crate::deliver::names::of_mail;
use crate::fault::{self, DbResult};
use crate::inbox::after;
use crate::objects::blocking;
use crate::time;
use domain::Job;
use domain::event::ObjectEvent;
use domain::message::Message;
use ports::{Notification, Result};
use rusqlite::{Connection, params};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The endings of result files.
const ENDINGS: [&str; 3] = ["md", "json", "txt"];
/// The largest database that is written anew while somebody works: a second or two.
const COMPACTED: u64 = 128 << 20;
/// So many characters of a key tell it from others in an e-mail about many.
const TELLING: usize = 50;

/// What is kept of a document, or was.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Traces {
    /// Messages that wait in queues, dead letters too.
    pub messages: usize,
    /// What was told of it: kept so that nobody is told twice, and to be delivered.
    pub told: usize,
    /// Result files, e-mails in the outbox, the file in the inbox.
    pub files: Vec<PathBuf>,
}

/// The rows of these.
#[derive(Default)]
struct Rows {
    messages: Vec<i64>,
    notifications: Vec<i64>,
    results: Vec<String>,
    inbox: Vec<(PathBuf, u64, i64)>,
}

impl Local {
    /// What this folder keeps of a job's document, as far as this module says; without the file in the inbox if that is
    /// to be kept.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub async fn traces(&self, job: &Job, keep_inbox: bool) -> Result<Traces> {
        let (rows, files) = self.find(job, keep_inbox).await?;
        Ok(Traces { messages: rows.messages.len(), told: rows.notifications.len(), files })
    }

    /// Deletes all of it for good, and lets nobody hear of the job's present run any more. Gives what it was.
    ///
    /// # Errors
    /// If something cannot be deleted; asking again goes on.
    pub async fn erase_traces(&self, job: &Job, keep_inbox: bool) -> Result<Traces> {
        let (rows, files) = self.find(job, keep_inbox).await?;
        let traces = Traces { messages: rows.messages.len(), told: rows.notifications.len(), files };
        let (paths, roots) = (traces.files.clone(), [self.layout.results(), self.layout.outbox()]);
        blocking("deleting files of a document", move || {
            paths.iter().try_for_each(|path| remove(path, &roots))
        })
        .await?;
        let job = job.clone();
        self.objects.db.write("erasing a document", move |db| delete(db, &job, &rows)).await?;
        Ok(traces)
    }

    /// Takes out of the database what was deleted in it before and stands there still, in pages that are not used any
    /// more and in its log: by writing it anew. `false` if that was not done: a large one would keep whoever works here
    /// waiting, or somebody read an older state.
    ///
    /// # Errors
    /// If the database cannot be opened or written.
    pub async fn compact(&self) -> Result<bool> {
        let size = fs::metadata(self.layout.database()).map_or(0, |found| found.len());
        if size > COMPACTED && self.somebody_works() {
            return Ok(false);
        }
        self.objects.db.compact().await
    }

    async fn find(&self, job: &Job, keep_inbox: bool) -> Result<(Rows, Vec<PathBuf>)> {
        let wanted = job.clone();
        let mut rows = self.objects.db.read("looking for a document", move |db| find(db, &wanted)).await?;
        if keep_inbox {
            rows.inbox.clear();
        }
        let (layout, job) = (self.layout.clone(), job.clone());
        let look = move || {
            let mut files: Vec<PathBuf> = rows
                .results
                .iter()
                .flat_map(|path| ENDINGS.map(|ending| layout.results().join(format!("{path}.{ending}"))))
                .collect();
            files.extend(
                (1..=job.run).map(|run| {
                    layout.outbox().join(format!("{}.eml", of_mail(&format!("{}-{run}", job.id))))
                }),
            );
            files.extend(digests(&layout.outbox(), &job.document.key));
            files.extend(rows.inbox.iter().filter(|file| is_untouched(file)).map(|(path, ..)| path.clone()));
            if !keep_inbox {
                files.extend(after::moved(&layout.inbox(), &job.document.key, &job.document.version));
            }
            files.retain(|path| fs::symlink_metadata(path).is_ok());
            Ok((rows, files))
        };
        blocking("looking for files of a document", look).await
    }
}

fn find(db: &Connection, job: &Job) -> DbResult<Rows> {
    let mut rows = Rows::default();
    let mut statement = db.prepare("SELECT id, body FROM messages")?;
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        if is_about(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?, job) {
            rows.messages.push(row.get(0)?);
        }
    }
    let mut statement =
        db.prepare("SELECT seq, id, body FROM notifications WHERE id LIKE ?1 OR body IS NOT NULL")?;
    let own = format!("{}-", job.id);
    let mut found = statement.query([format!("{own}%")])?;
    while let Some(row) = found.next()? {
        let (id, body): (String, Option<String>) = (row.get(1)?, row.get(2)?);
        let names_it = || -> DbResult<bool> {
            let Some(body) = &body else { return Ok(false) };
            let told: Notification = serde_json::from_str(body)?;
            Ok(told.job.is_none() && names(&told.text, &job.document.key))
        };
        if id.starts_with(&own) || names_it()? {
            rows.notifications.push(row.get(0)?);
        }
    }
    let mut statement = db.prepare("SELECT path FROM result_files WHERE job = ?1")?;
    let found = statement.query_map([job.id.as_str()], |row| row.get(0))?;
    rows.results = found.collect::<rusqlite::Result<_>>()?;
    let mut statement =
        db.prepare("SELECT path, size, modified_ns FROM inbox_files WHERE key = ?1 AND version = ?2")?;
    let found = statement.query_map([&job.document.key, &job.document.version], |row| {
        let path: Vec<u8> = row.get(0)?;
        Ok((PathBuf::from(OsStr::from_bytes(&path)), row.get(1)?, row.get(2)?))
    })?;
    rows.inbox = found.collect::<rusqlite::Result<_>>()?;
    Ok(rows)
}

/// Whether a message is about this job.
fn is_about(body: &str, job: &Job) -> bool {
    match Message::decode(body) {
        Ok(Message::Nudge(nudge)) => nudge.job == job.id,
        Ok(Message::Completion(completion)) => completion.job == job.id,
        Ok(Message::Events(events)) => events.iter().any(|event| match event {
            ObjectEvent::Created(document) => ObjectEvent::job_id(document) == job.id,
            ObjectEvent::Removed { bucket, key, version, .. } => {
                let document = &job.document;
                *bucket == document.bucket
                    && *key == document.key
                    && version.as_ref().is_none_or(|version| *version == document.version)
            }
            ObjectEvent::Test | ObjectEvent::Other(_) => false,
        }),
        Ok(Message::Digest(_)) | Err(_) => false,
    }
}

fn delete(db: &Connection, job: &Job, rows: &Rows) -> DbResult<()> {
    for id in &rows.messages {
        db.execute("DELETE FROM messages WHERE id = ?1", [id])?;
    }
    for seq in &rows.notifications {
        db.execute("DELETE FROM deliveries WHERE notification = ?1", [seq])?;
        db.execute("UPDATE notifications SET body = NULL WHERE seq = ?1", [seq])?;
    }
    for channel in [ports::Channel::Outcomes, ports::Channel::Completions] {
        db.execute(
            "INSERT INTO notifications (id, channel, published_at, body) VALUES (?1, ?2, ?3, NULL)
             ON CONFLICT DO NOTHING",
            params![format!("{}-{}", job.id, job.run), crate::topic::channel_name(channel), time::now()],
        )?;
    }
    db.execute("DELETE FROM result_files WHERE job = ?1", [job.id.as_str()])?;
    for (path, ..) in &rows.inbox {
        db.execute("DELETE FROM inbox_files WHERE path = ?1", [path.as_os_str().as_bytes()])?;
    }
    Ok(())
}

/// Whether a file of an inbox is still the one that was taken.
fn is_untouched((path, size, modified_ns): &(PathBuf, u64, i64)) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| {
        let modified = found.mtime().saturating_mul(1_000_000_000).saturating_add(found.mtime_nsec());
        found.is_file() && found.len() == *size && modified == *modified_ns
    })
}

/// E-mails about many that name a document of this key.
fn digests(outbox: &Path, key: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(outbox).into_iter().flatten().flatten();
    let digests = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("digest-"));
    let names_it = |path: &PathBuf| {
        let Ok(bytes) = fs::read(path) else { return false };
        let mail = mail_parser::MessageParser::default().parse(&bytes);
        mail.and_then(|mail| mail.body_text(0).map(|text| names(&text, key))).unwrap_or(false)
    };
    digests.map(|entry| entry.path()).filter(names_it).collect()
}

/// Whether a text for people names that key. It is wrapped there, and shortened in its middle where it is long.
fn names(text: &str, key: &str) -> bool {
    let squeeze = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    let telling: String = key.chars().take_while(|c| !c.is_control()).take(TELLING).collect();
    let telling = squeeze(&telling);
    !telling.is_empty() && squeeze(text).contains(&telling)
}

/// Deletes a file, and the folders above it that are empty then.
fn remove(path: &Path, roots: &[PathBuf]) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(fault::io("deleting a file of a document", &error));
        }
        _ => {}
    }
    let within =
        |folder: &&Path| roots.iter().any(|root| folder.starts_with(root) && *folder != root.as_path());
    for folder in path.ancestors().skip(1).take_while(within) {
        // One that is not empty stays.
        if fs::remove_dir(folder).is_err() {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_in_a_wrapped_text_and_another_is_not() {
        let text =
            "- contracts/2026/a very long\n  name of a lease.pdf (3 pages): Rent rises\n- other.txt: x";
        assert!(names(text, "contracts/2026/a very long name of a lease.pdf") && names(text, "other.txt"));
        assert!(!names(text, "contracts/2025/a.pdf") && !names(text, "") && !names(text, "\n"));
    }
}
