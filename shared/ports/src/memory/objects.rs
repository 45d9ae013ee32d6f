//! Documents as a bucket without versions has them, and artifacts written once.

use super::{BUCKET, Memory, fail, lock};
use crate::error::{Fault, PortError, Result};
use crate::objects::{Listing, Objects, Written};
use async_trait::async_trait;
use domain::Document;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::Path;

/// Documents of one page of a listing: few, so that tests turn pages.
const PAGE: usize = 10;
/// The longest key, in bytes (S3).
const MAX_KEY: usize = 1024;

#[derive(Default)]
pub(super) struct Store {
    documents: BTreeMap<String, Stored>,
    artifacts: BTreeMap<String, Vec<u8>>,
    sequence: u64,
}

struct Stored {
    document: Document,
    body: Vec<u8>,
    tags: BTreeMap<String, String>,
}

impl Store {
    /// Stores a version. Gives whether it is a new one.
    pub(super) fn put(
        &mut self,
        key: &str,
        body: Vec<u8>,
        tags: BTreeMap<String, String>,
        now: Timestamp,
    ) -> (Document, bool) {
        let mut hash = DefaultHasher::new();
        body.hash(&mut hash);
        let version = format!("{:016x}", hash.finish());
        if let Some(stored) = self.documents.get(key)
            && stored.document.version == version
        {
            return (stored.document.clone(), false);
        }
        self.sequence += 1;
        let document = Document {
            bucket: BUCKET.into(),
            key: key.into(),
            version,
            size: body.len() as u64,
            sequencer: Some(format!("{:016X}", self.sequence)),
            uploaded_at: now,
        };
        self.documents.insert(key.into(), Stored { document: document.clone(), body, tags });
        (document, true)
    }

    pub(super) fn remove(&mut self, key: &str) {
        self.documents.remove(key);
    }

    fn find(&self, document: &Document) -> Result<&Stored> {
        match self.documents.get(&document.key).filter(|_| document.bucket == BUCKET) {
            None => fail(Fault::NotFound, "the document is gone"),
            Some(stored) if stored.document.version != document.version => {
                fail(Fault::Conflict, "there is another version of the document")
            }
            Some(stored) => Ok(stored),
        }
    }
}

fn within(limit: u64, body: &[u8]) -> Result<()> {
    if body.len() as u64 > limit { fail(Fault::TooLarge, format!("more than {limit} bytes")) } else { Ok(()) }
}

fn file_error(error: &std::io::Error) -> PortError {
    PortError::new(Fault::Transient, format!("a file failed: {error}"))
}

#[async_trait]
impl Objects for Memory {
    async fn fetch(&self, document: &Document, limit: u64, into: &Path) -> Result<()> {
        let body = {
            let store = lock(&self.0.objects);
            let stored = store.find(document)?;
            within(limit, &stored.body)?;
            stored.body.clone()
        };
        std::fs::write(into, body).map_err(|error| file_error(&error))
    }

    async fn documents(&self, bucket: &str, prefix: &str) -> Result<Vec<Document>> {
        if bucket != BUCKET {
            return fail(Fault::Denied, "there is no such bucket");
        }
        let store = lock(&self.0.objects);
        let under = store.documents.iter().filter(|(key, _)| key.starts_with(prefix));
        Ok(under.map(|(_, stored)| stored.document.clone()).collect())
    }

    async fn listing(&self, bucket: &str, prefix: &str, after: &str) -> Result<Listing> {
        let mut documents = self.documents(bucket, prefix).await?;
        documents.retain(|document| document.key.as_str() > after);
        let more = documents.len() > PAGE;
        documents.truncate(PAGE);
        let next = documents.last().filter(|_| more).map(|last| last.key.clone());
        Ok(Listing { documents, next })
    }

    async fn versions(&self, bucket: &str, key: &str) -> Result<Vec<Document>> {
        let store = lock(&self.0.objects);
        let found = store.documents.get(key).filter(|_| bucket == BUCKET);
        Ok(found.map(|stored| stored.document.clone()).into_iter().collect())
    }

    async fn erase(&self, document: &Document) -> Result<bool> {
        let mut store = lock(&self.0.objects);
        let there = store.find(document).is_ok();
        if there {
            store.documents.remove(&document.key);
        }
        Ok(there)
    }

    async fn resume(&self, document: &Document, into: &Path) -> Result<()> {
        let body = lock(&self.0.objects).find(document)?.body.clone();
        let opened = File::options().create(true).append(true).open(into);
        let mut file = opened.map_err(|error| file_error(&error))?;
        let there = file.metadata().map_err(|error| file_error(&error))?.len();
        let Some(rest) = usize::try_from(there).ok().and_then(|there| body.get(there..)) else {
            return fail(Fault::TooLarge, "the file is longer than the document");
        };
        file.write_all(rest).map_err(|error| file_error(&error))
    }

    async fn sha256(&self, document: &Document) -> Result<Option<String>> {
        lock(&self.0.objects).find(document).map(|_| None)
    }

    async fn tags(&self, document: &Document) -> Result<BTreeMap<String, String>> {
        Ok(lock(&self.0.objects).find(document)?.tags.clone())
    }

    async fn is_current(&self, document: &Document) -> Result<bool> {
        Ok(lock(&self.0.objects).find(document).is_ok())
    }

    async fn upload(&self, key: &str, file: &Path) -> Result<Document> {
        if key.is_empty() || key.len() > MAX_KEY {
            return fail(Fault::Permanent, format!("a key has 1 to {MAX_KEY} bytes"));
        }
        let body = std::fs::read(file).map_err(|error| file_error(&error))?;
        Ok(self.put(key, body))
    }

    async fn read(&self, key: &str, limit: u64) -> Result<Vec<u8>> {
        let store = lock(&self.0.objects);
        let Some(body) = store.artifacts.get(key) else {
            return fail(Fault::NotFound, format!("there is no artifact {key}"));
        };
        within(limit, body)?;
        Ok(body.clone())
    }

    async fn write_once(&self, key: &str, body: Vec<u8>) -> Result<Written> {
        let mut store = lock(&self.0.objects);
        if store.artifacts.contains_key(key) {
            return Ok(Written::AlreadyThere);
        }
        store.artifacts.insert(key.to_owned(), body);
        Ok(Written::New)
    }

    async fn write_once_file(&self, key: &str, file: &Path) -> Result<Written> {
        let body = std::fs::read(file).map_err(|error| file_error(&error))?;
        self.write_once(key, body).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        let store = lock(&self.0.objects);
        Ok(store.artifacts.keys().filter(|key| key.starts_with(prefix)).cloned().collect())
    }

    async fn erase_artifacts(&self, prefix: &str) -> Result<u64> {
        let mut store = lock(&self.0.objects);
        let before = store.artifacts.len();
        store.artifacts.retain(|key, _| !key.starts_with(prefix));
        Ok((before - store.artifacts.len()) as u64)
    }

    async fn delete(&self, key: &str) -> Result<()> {
        lock(&self.0.objects).artifacts.remove(key);
        Ok(())
    }
}
