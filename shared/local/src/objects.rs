//! Objects: documents by bucket, key and version (the sha-256 of their bytes), artifacts by key.
//!
//! An upload is recorded in the same transaction that puts its event into the ingest queue, so a document and
//! the news of it exist together or not at all.

use crate::body::{Body, Folder, Stored};
use crate::db::{Db, refuse};
use crate::erase;
use crate::fault::{self, DbResult};
use crate::queue::{self, Bells};
use crate::reading::{self, Bytes};
use crate::time;
use async_trait::async_trait;
use domain::{Document, event};
use ports::{Address, Fault, Listing, Objects, Outgoing, PortError, QueueName, Result, Written};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

/// The one bucket of a data folder.
pub const UPLOADS: &str = "uploads";
/// The longest key, in bytes, as S3 has it.
const MAX_KEY: usize = 1024;

/// The objects of a data folder.
pub(crate) struct ObjectStore {
    pub(crate) db: Db,
    pub(crate) bells: Bells,
    pub(crate) uploads: Folder,
    pub(crate) artifacts: Folder,
}

type Columns = (u64, Option<Vec<u8>>, Option<String>);

#[async_trait]
impl Objects for ObjectStore {
    async fn fetch(&self, document: &Document, limit: u64, into: &Path) -> Result<()> {
        let wanted = document.clone();
        let (size, body, file) =
            self.db.read("fetching a document", move |db| find_upload(db, &wanted, limit)).await?;
        let (folder, into, sha256) = (self.uploads.clone(), into.to_owned(), document.version.clone());
        blocking("fetching a document", move || match (body, file) {
            (_, Some(name)) => folder.copy_out(&name, &sha256, &into),
            (Some(bytes), None) if bytes.len() as u64 == size => write_new(&into, &bytes),
            _ => Err(PortError::new(Fault::Permanent, "fetching a document: its record has no body")),
        })
        .await
    }

    async fn documents(&self, bucket: &str, prefix: &str) -> Result<Vec<Document>> {
        known(bucket)?;
        let prefix = prefix.to_owned();
        self.db.read("listing documents", move |db| reading::newest(db, &prefix)).await
    }

    async fn listing(&self, bucket: &str, prefix: &str, after: &str) -> Result<Listing> {
        known(bucket)?;
        let (prefix, after) = (prefix.to_owned(), after.to_owned());
        self.db.read("listing documents", move |db| reading::page(db, &prefix, &after)).await
    }

    async fn versions(&self, bucket: &str, key: &str) -> Result<Vec<Document>> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        self.db.read("listing versions", move |db| erase::versions(db, &bucket, &key)).await
    }

    async fn erase(&self, document: &Document) -> Result<bool> {
        let (document, folder) = (document.clone(), self.uploads.clone());
        self.db.write("erasing a document", move |db| erase::upload(db, &folder, &document)).await
    }

    async fn resume(&self, document: &Document, into: &Path) -> Result<()> {
        let wanted = document.clone();
        let (size, body, file) =
            self.db.read("fetching a document", move |db| find_upload(db, &wanted, u64::MAX)).await?;
        let bytes = match file {
            Some(name) => Bytes::Stored(self.uploads.clone(), name),
            None => Bytes::Inline(body.unwrap_or_default()),
        };
        let into = into.to_owned();
        blocking("fetching a document", move || reading::append(&bytes, size, &into)).await
    }

    async fn sha256(&self, document: &Document) -> Result<Option<String>> {
        let wanted = document.clone();
        self.db.read("looking at a document", move |db| find_upload(db, &wanted, u64::MAX)).await?;
        Ok(Some(document.version.clone()))
    }

    async fn tags(&self, document: &Document) -> Result<BTreeMap<String, String>> {
        let document = document.clone();
        self.db
            .read("reading a document's tags", move |db| {
                let tags: Option<String> = db
                    .prepare_cached(
                        "SELECT tags FROM uploads WHERE bucket = ?1 AND key = ?2 AND version = ?3",
                    )?
                    .query_row([&document.bucket, &document.key, &document.version], |row| row.get(0))
                    .optional()?;
                let Some(tags) = tags else {
                    return refuse(Fault::NotFound, "reading a document's tags: it is gone");
                };
                Ok(serde_json::from_str(&tags)?)
            })
            .await
    }

    async fn is_current(&self, document: &Document) -> Result<bool> {
        let document = document.clone();
        self.db
            .read("looking for a document's newest version", move |db| {
                let newest: Option<String> = db
                    .prepare_cached(
                        "SELECT version FROM uploads WHERE bucket = ?1 AND key = ?2
                         ORDER BY sequencer DESC LIMIT 1",
                    )?
                    .query_row([&document.bucket, &document.key], |row| row.get(0))
                    .optional()?;
                Ok(newest.is_some_and(|version| version == document.version))
            })
            .await
    }

    async fn upload(&self, key: &str, file: &Path) -> Result<Document> {
        let file = file.to_owned();
        let open = move || File::open(&file).map_err(|error| fault::io("reading the file to upload", &error));
        self.upload_opened(key, open, |_| Ok(())).await
    }

    async fn read(&self, key: &str, limit: u64) -> Result<Vec<u8>> {
        let key = key.to_owned();
        let (size, body, file) =
            self.db.read("reading an artifact", move |db| find_artifact(db, &key, limit)).await?;
        let Some(name) = file else { return Ok(body.unwrap_or_default()) };
        let path = self.artifacts.path(&name)?;
        let bytes = tokio::fs::read(path).await.map_err(|error| fault::io("reading an artifact", &error))?;
        if bytes.len() as u64 == size {
            return Ok(bytes);
        }
        Err(PortError::new(Fault::Permanent, "reading an artifact: its file changed on the disk"))
    }

    async fn write_once(&self, key: &str, body: Vec<u8>) -> Result<Written> {
        let folder = self.artifacts.clone();
        let stored = if body.len() as u64 <= crate::body::INLINE {
            folder.take_bytes(body)?
        } else {
            if self.has_artifact(key).await? {
                return Ok(Written::AlreadyThere);
            }
            blocking("writing an artifact", move || folder.take_bytes(body)).await?
        };
        self.record_artifact(key, stored).await
    }

    async fn write_once_file(&self, key: &str, file: &Path) -> Result<Written> {
        if self.has_artifact(key).await? {
            return Ok(Written::AlreadyThere);
        }
        let (folder, file) = (self.artifacts.clone(), file.to_owned());
        let take = move || {
            let file = File::open(&file).map_err(|error| fault::io("reading the file to store", &error));
            folder.take_file(&mut file?, true)
        };
        let stored = blocking("writing an artifact", take).await?;
        self.record_artifact(key, stored).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        let (start, end) = (prefix.to_owned(), format!("{prefix}\u{10FFFF}"));
        self.db
            .read("listing artifacts", move |db| {
                let mut statement =
                    db.prepare_cached("SELECT key FROM artifacts WHERE key >= ?1 AND key < ?2 ORDER BY key")?;
                let keys = statement.query_map([start, end], |row| row.get(0))?;
                Ok(keys.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }

    async fn erase_artifacts(&self, prefix: &str) -> Result<u64> {
        let (prefix, folder) = (prefix.to_owned(), self.artifacts.clone());
        self.db.write("erasing artifacts", move |db| erase::artifacts(db, &folder, &prefix)).await
    }

    async fn delete(&self, key: &str) -> Result<()> {
        let key = key.to_owned();
        let file = self
            .db
            .write("deleting an artifact", move |db| {
                let file = db
                    .prepare_cached("DELETE FROM artifacts WHERE key = ?1 RETURNING file")?
                    .query_row([key], |row| row.get::<_, Option<String>>(0))
                    .optional()?;
                Ok(file.flatten())
            })
            .await?;
        if let Some(name) = file {
            let folder = self.artifacts.clone();
            blocking("deleting an artifact", move || {
                folder.discard(&Body::File(name));
                Ok(())
            })
            .await?;
        }
        Ok(())
    }
}

impl ObjectStore {
    /// Uploads what `open` opens, unless `check` refuses it after it was read and before anybody knows of it.
    pub(crate) async fn upload_opened<O, C>(&self, key: &str, open: O, check: C) -> Result<Document>
    where
        O: FnOnce() -> Result<File> + Send + 'static,
        C: FnOnce(&File) -> Result<()> + Send + 'static,
    {
        if key.is_empty() || key.len() > MAX_KEY {
            let what = format!("uploading: a key has 1 to {MAX_KEY} bytes, this one {}", key.len());
            return Err(PortError::new(Fault::Permanent, what));
        }
        let folder = self.uploads.clone();
        let take = move || {
            let mut file = open()?;
            let stored = folder.take_file(&mut file, false)?;
            check(&file)?;
            Ok(stored)
        };
        let stored = blocking("uploading", take).await?;
        let key = key.to_owned();
        let document = self.db.write("uploading", move |db| record_upload(db, key, &stored)).await?;
        self.bells.ring(Address::live(QueueName::Ingest));
        Ok(document)
    }

    async fn has_artifact(&self, key: &str) -> Result<bool> {
        let key = key.to_owned();
        self.db
            .read("looking for an artifact", move |db| {
                let mut statement = db.prepare_cached("SELECT 1 FROM artifacts WHERE key = ?1")?;
                Ok(statement.exists([key])?)
            })
            .await
    }

    async fn record_artifact(&self, key: &str, stored: Stored) -> Result<Written> {
        let key = key.to_owned();
        let (written, stored) = self
            .db
            .write("writing an artifact", move |db| {
                let (body, file) = stored.body.columns();
                let written = db
                    .prepare_cached(
                        "INSERT INTO artifacts (key, size, body, file) VALUES (?1, ?2, ?3, ?4)
                         ON CONFLICT DO NOTHING",
                    )?
                    .execute(params![key, signed(stored.size), body, file])?;
                Ok((written == 1, stored))
            })
            .await?;
        if written {
            return Ok(Written::New);
        }
        self.artifacts.discard(&stored.body);
        Ok(Written::AlreadyThere)
    }
}

fn known(bucket: &str) -> Result<()> {
    if bucket == UPLOADS {
        return Ok(());
    }
    Err(PortError::new(Fault::Denied, format!("listing documents: there is no {bucket:?}")))
}

fn signed(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

fn find_upload(db: &Connection, document: &Document, limit: u64) -> DbResult<Columns> {
    let (bucket, key) = (&document.bucket, &document.key);
    let size: Option<u64> = db
        .prepare_cached("SELECT size FROM uploads WHERE bucket = ?1 AND key = ?2 AND version = ?3")?
        .query_row([bucket, key, &document.version], |row| row.get(0))
        .optional()?;
    let Some(size) = size else {
        let mut others = db.prepare_cached("SELECT 1 FROM uploads WHERE bucket = ?1 AND key = ?2")?;
        return if others.exists([bucket, key])? {
            refuse(Fault::Conflict, "fetching a document: there is no such version of it")
        } else {
            refuse(Fault::NotFound, "fetching a document: it is gone")
        };
    };
    within(size, limit, "fetching a document")?;
    let mut statement = db.prepare_cached(
        "SELECT size, body, file FROM uploads WHERE bucket = ?1 AND key = ?2 AND version = ?3",
    )?;
    Ok(statement
        .query_row([bucket, key, &document.version], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?)
}

fn find_artifact(db: &Connection, key: &str, limit: u64) -> DbResult<Columns> {
    let size: Option<u64> = db
        .prepare_cached("SELECT size FROM artifacts WHERE key = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()?;
    let Some(size) = size else {
        return refuse(Fault::NotFound, format!("reading an artifact: there is no {key:?}"));
    };
    within(size, limit, "reading an artifact")?;
    let mut statement = db.prepare_cached("SELECT size, body, file FROM artifacts WHERE key = ?1")?;
    Ok(statement.query_row([key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?)
}

fn within(size: u64, limit: u64, what: &str) -> DbResult<()> {
    if size <= limit {
        return Ok(());
    }
    refuse(Fault::TooLarge, format!("{what}: it has {size} bytes, the limit is {limit}"))
}

fn record_upload(db: &Connection, key: String, stored: &Stored) -> DbResult<Document> {
    let document = |size, sequencer, at| Document {
        bucket: UPLOADS.to_owned(),
        key: key.clone(),
        version: stored.sha256.clone(),
        size,
        sequencer: Some(sequencer),
        uploaded_at: time::timestamp(at),
    };
    let current: Option<(String, u64, String, i64)> = db
        .prepare_cached(
            "SELECT version, size, sequencer, uploaded_at FROM uploads WHERE bucket = ?1 AND key = ?2
             ORDER BY sequencer DESC LIMIT 1",
        )?
        .query_row([UPLOADS, &key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .optional()?;
    if let Some((version, size, sequencer, at)) = current
        && version == stored.sha256
    {
        return Ok(document(size, sequencer, at));
    }
    let now = time::now();
    let sequencer = next_sequencer(db, now)?;
    let (body, file) = stored.body.columns();
    // A version that was there before keeps its body and is the newest again.
    db.prepare_cached(
        "INSERT INTO uploads (bucket, key, version, size, sequencer, uploaded_at, body, file)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (bucket, key, version) DO UPDATE SET sequencer = ?5, uploaded_at = ?6",
    )?
    .execute(params![UPLOADS, key, stored.sha256, signed(stored.size), sequencer, now, body, file])?;
    let document = document(stored.size, sequencer, now);
    let event = Outgoing::now(event::encode_created(&document)).of(document.tenant().to_string());
    queue::insert(db, Address::live(QueueName::Ingest), &event, now)?;
    Ok(document)
}

/// Grows with every upload, and with the clock as long as that does not go back.
fn next_sequencer(db: &Connection, now: i64) -> DbResult<String> {
    let last: Option<String> =
        db.prepare_cached("SELECT max(sequencer) FROM uploads")?.query_row([], |row| row.get(0))?;
    let last = last.and_then(|last| u64::from_str_radix(&last, 16).ok()).unwrap_or(0);
    Ok(format!("{:016X}", u64::try_from(now).unwrap_or(0).max(last + 1)))
}

fn write_new(into: &Path, bytes: &[u8]) -> Result<()> {
    use std::io::Write;
    let writing = |error: std::io::Error| fault::io("writing the fetched document", &error);
    let mut file = File::create_new(into).map_err(writing)?;
    file.write_all(bytes).map_err(|error| {
        let _ = std::fs::remove_file(into);
        writing(error)
    })
}

pub(crate) async fn blocking<T, F>(what: &'static str, work: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T> + Send + 'static,
{
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(fault::stopped(what)))
}
