//! Objects: the documents that came (uploads) and the artifacts that jobs write (results).

use crate::error::Result;
use async_trait::async_trait;
use domain::Document;
use std::collections::BTreeMap;
use std::path::Path;

/// Whether a write-once did write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// This call wrote it.
    New,
    /// It was there already, and stays as it was.
    AlreadyThere,
}

/// A page of what a bucket holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// Documents in their newest version, sorted by key.
    pub documents: Vec<Document>,
    /// Behind which key the next page begins; `None`: there is none.
    pub next: Option<String>,
}

/// Objects in both buckets.
///
/// Contract: a document is read exactly in its version, or not at all; bodies are streamed, never held whole in
/// memory (but for `read`, whose bound is small); an artifact appears whole or not at all and is durable when
/// the write returns; writing it again leaves the first.
#[async_trait]
pub trait Objects: Send + Sync {
    /// Streams a document into the new file `into`. `TooLarge` past `limit` bytes (before reading them where
    /// the size is known), `NotFound` if it is gone, `Conflict` if this is no longer the version there is.
    async fn fetch(&self, document: &Document, limit: u64, into: &Path) -> Result<()>;

    /// The documents of any bucket that may be read whose keys begin with `prefix`, each in its newest version,
    /// sorted by key. Fails for good where there is no such bucket.
    async fn documents(&self, bucket: &str, prefix: &str) -> Result<Vec<Document>>;

    /// The documents whose keys begin with `prefix` and come behind `after` (empty: from the beginning), a page of
    /// them, each in its newest version and named as its event named it, so that it makes the same job.
    async fn listing(&self, bucket: &str, prefix: &str, after: &str) -> Result<Listing>;

    /// Every version there is of a key, the newest first.
    async fn versions(&self, bucket: &str, key: &str) -> Result<Vec<Document>>;

    /// Deletes a version for good; the other versions of its key stay. When none is left, neither are the marks that
    /// its deletions left. Whether there was such a version.
    async fn erase(&self, document: &Document) -> Result<bool>;

    /// Streams onto the end of the file `into` what it lacks of a document; makes it if it is missing. It must hold
    /// nothing but the document's beginning. What has come stays when the rest does not, so that the same call goes
    /// on from there. `TooLarge` if the file is longer than the document, else fails as `fetch` does.
    async fn resume(&self, document: &Document, into: &Path) -> Result<()>;

    /// The SHA-256 of the document's bytes in hexadecimal, where the store keeps it. Reads no body.
    async fn sha256(&self, document: &Document) -> Result<Option<String>>;

    /// The document's tags.
    async fn tags(&self, document: &Document) -> Result<BTreeMap<String, String>>;

    /// Whether `document` is still the newest version of its key. `false` also when it was deleted.
    async fn is_current(&self, document: &Document) -> Result<bool>;

    /// Stores a file under `key` and lets the event happen that a bucket would send. The same bytes under the
    /// same key are the same version and make no second job; after another version they are the newest again,
    /// and their event happens once more.
    async fn upload(&self, key: &str, file: &Path) -> Result<Document>;

    /// Reads an artifact. `NotFound`, or `TooLarge` past `limit` bytes.
    async fn read(&self, key: &str, limit: u64) -> Result<Vec<u8>>;

    /// Writes an artifact, once.
    async fn write_once(&self, key: &str, body: Vec<u8>) -> Result<Written>;

    /// Writes a file as an artifact, once, by streaming it.
    async fn write_once_file(&self, key: &str, file: &Path) -> Result<Written>;

    /// The artifact keys below `prefix`, sorted.
    async fn list(&self, prefix: &str) -> Result<Vec<String>>;

    /// Deletes every artifact below `prefix` for good. Gives their number.
    async fn erase_artifacts(&self, prefix: &str) -> Result<u64>;

    /// Deletes an artifact; one that is not there is no failure.
    async fn delete(&self, key: &str) -> Result<()>;
}
