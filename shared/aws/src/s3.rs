//! `Objects` over S3: documents in the uploads bucket, artifacts in the results bucket.
//!
//! A document is read in exactly the version that its event named: by `VersionId`, or where the bucket keeps no
//! versions by `If-Match` on the `ETag`. An artifact is written once (`If-None-Match: *`) with a SHA-256 that S3
//! checks; the bucket's own rule encrypts it. Bodies are streamed.

mod erase;
mod read;
mod upload;

use crate::classify::port_error;
use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumAlgorithm;
use domain::Document;
use hyper::body::Bytes;
use ports::{Fault, Listing, Objects, PortError, Result, Written};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt;

/// Tries of a write that met another at the same moment.
const TRIES: u32 = 6;
/// The most bytes of a key.
const MAX_KEY: usize = 1024;

/// The objects of a deployment.
pub struct Store {
    client: Client,
    uploads: String,
    results: String,
}

impl Store {
    /// Over these buckets. Nothing is asked yet.
    #[must_use]
    pub fn new(client: Client, uploads: String, results: String) -> Self {
        Self { client, uploads, results }
    }

    /// Begins to read a document in its version, from this byte on.
    async fn open(&self, document: &Document, from: u64) -> Result<GetObjectOutput> {
        let range = (from > 0).then(|| format!("bytes={from}-"));
        let get = || {
            let get = self.client.get_object().bucket(&document.bucket).key(&document.key);
            get.set_range(range.clone())
        };
        let by_version = || get().version_id(&document.version).send();
        let mut was_replaced = false;
        let opened = if looks_like_etag(&document.version) {
            match get().if_match(format!("\"{}\"", document.version)).send().await {
                // A version id of such a form is rare, and not to be told from an ETag.
                Err(error) if error.raw_response().is_some_and(|r| r.status().as_u16() == 412) => {
                    was_replaced = true;
                    by_version().await
                }
                opened => opened,
            }
        } else {
            by_version().await
        };
        opened.map_err(|error| {
            let error = port_error("reading a document", &error);
            match error.fault {
                Fault::NotFound if was_replaced => PortError::new(Fault::Conflict, error.what),
                // S3 calls an id that it never gave out an invalid argument.
                Fault::Permanent => PortError::new(Fault::Conflict, error.what),
                _ => error,
            }
        })
    }

    /// Puts an artifact unless it is there.
    async fn put_once(&self, key: &str, body: Body<'_>) -> Result<Written> {
        check_key(key)?;
        for attempt in 1..=TRIES {
            let put = self
                .client
                .put_object()
                .bucket(&self.results)
                .key(key)
                .if_none_match("*")
                .checksum_algorithm(ChecksumAlgorithm::Sha256)
                .body(body.stream().await?);
            let Err(error) = put.send().await else { return Ok(Written::New) };
            let status = error.raw_response().map(|response| response.status().as_u16());
            match status {
                Some(412) => return Ok(Written::AlreadyThere),
                // Another write of the same key is under way: whether it will be there is open.
                Some(409) if attempt < TRIES => tokio::time::sleep(Duration::from_millis(50) * attempt).await,
                _ => return Err(port_error("writing an artifact", &error)),
            }
        }
        Err(PortError::new(Fault::Transient, "writing an artifact: others kept writing it"))
    }
}

/// A body that can be sent again without being copied.
enum Body<'a> {
    Bytes(Bytes),
    File(&'a Path),
}

impl Body<'_> {
    async fn stream(&self) -> Result<ByteStream> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.clone().into()),
            Self::File(file) => upload::stream(file).await,
        }
    }
}

/// An `ETag` is an MD5, with the number of its parts behind it when it was uploaded in parts.
fn looks_like_etag(version: &str) -> bool {
    let (digest, parts) = version.split_once('-').unwrap_or((version, "1"));
    digest.len() == 32
        && digest.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        && parts.bytes().all(|byte| byte.is_ascii_digit())
}

fn check_key(key: &str) -> Result<()> {
    if key.is_empty() || key.len() > MAX_KEY {
        return Err(PortError::new(Fault::Permanent, format!("an object's key has 1 to {MAX_KEY} bytes")));
    }
    Ok(())
}

fn too_large(limit: u64) -> PortError {
    PortError::new(Fault::TooLarge, format!("it has more than {limit} bytes"))
}

/// The size that the answer states; its body is never taken beyond that.
fn size(answer: &GetObjectOutput) -> u64 {
    answer.content_length.and_then(|length| u64::try_from(length).ok()).unwrap_or(0)
}

fn disk(doing: &str, error: &std::io::Error) -> PortError {
    let fault = match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Fault::Full,
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => Fault::Denied,
        _ => Fault::Transient,
    };
    PortError::new(fault, format!("{doing}: {error}"))
}

/// Streams a body into a new file.
async fn save(body: ByteStream, limit: u64, into: &Path) -> Result<()> {
    let file = File::create_new(into).await.map_err(|error| disk("laying down a document", &error))?;
    append(body, 0, limit, file).await
}

/// Streams a body, but for its first bytes, onto the end of a file. What has come is written when the rest does not come.
async fn append(mut body: ByteStream, mut skip: u64, limit: u64, mut file: File) -> Result<()> {
    let mut left = limit;
    loop {
        let mut chunk = match body.try_next().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break,
            Err(error) => {
                // The file writes behind: without this the last of what came would be lost.
                let _ = file.flush().await;
                return Err(PortError::new(
                    Fault::Transient,
                    format!("reading a document: its body broke off ({error})"),
                ));
            }
        };
        let known = usize::try_from(skip).map_or(chunk.len(), |skip| skip.min(chunk.len()));
        skip -= chunk.split_to(known).len() as u64;
        left = left.checked_sub(chunk.len() as u64).ok_or_else(|| too_large(limit))?;
        file.write_all(&chunk).await.map_err(|error| disk("laying down a document", &error))?;
    }
    file.flush().await.map_err(|error| disk("laying down a document", &error))
}

#[async_trait]
impl Objects for Store {
    async fn fetch(&self, document: &Document, limit: u64, into: &Path) -> Result<()> {
        let answer = self.open(document, 0).await?;
        if size(&answer) > limit {
            return Err(too_large(limit));
        }
        let saved = save(answer.body, limit, into).await;
        if saved.is_err() {
            // Half a document must not be taken for one.
            let _ = fs::remove_file(into).await;
        }
        saved
    }

    async fn documents(&self, bucket: &str, prefix: &str) -> Result<Vec<Document>> {
        self.listed(bucket, prefix).await
    }

    async fn listing(&self, bucket: &str, prefix: &str, after: &str) -> Result<Listing> {
        self.page(bucket, prefix, after).await
    }

    async fn versions(&self, bucket: &str, key: &str) -> Result<Vec<Document>> {
        self.versions_of(bucket, key).await
    }

    async fn erase(&self, document: &Document) -> Result<bool> {
        self.erase_version(document).await
    }

    async fn erase_artifacts(&self, prefix: &str) -> Result<u64> {
        self.erase_below(prefix).await
    }

    async fn resume(&self, document: &Document, into: &Path) -> Result<()> {
        self.go_on(document, into).await
    }

    async fn sha256(&self, document: &Document) -> Result<Option<String>> {
        self.kept_hash(document).await
    }

    async fn tags(&self, document: &Document) -> Result<BTreeMap<String, String>> {
        let mut ask = self.client.get_object_tagging().bucket(&document.bucket).key(&document.key);
        if !looks_like_etag(&document.version) {
            ask = ask.version_id(&document.version);
        }
        let answer = ask.send().await.map_err(|error| port_error("reading a document's tags", &error))?;
        Ok(answer.tag_set.into_iter().map(|tag| (tag.key, tag.value)).collect())
    }

    async fn is_current(&self, document: &Document) -> Result<bool> {
        let head = self.client.head_object().bucket(&document.bucket).key(&document.key).send().await;
        let head = match head.map_err(|error| port_error("looking at a document", &error)) {
            Ok(head) => head,
            Err(error) if error.fault == Fault::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        Ok(upload::version(head.version_id.as_deref(), head.e_tag.as_deref()) == Some(&*document.version)
            || head.e_tag.is_some_and(|etag| etag.trim_matches('"') == document.version))
    }

    async fn upload(&self, key: &str, file: &Path) -> Result<Document> {
        upload::upload(&self.client, &self.uploads, key, file).await
    }

    async fn read(&self, key: &str, limit: u64) -> Result<Vec<u8>> {
        let answer = self.client.get_object().bucket(&self.results).key(key).send().await;
        let answer = answer.map_err(|error| port_error("reading an artifact", &error))?;
        if size(&answer) > limit {
            return Err(too_large(limit));
        }
        let body = answer.body.collect().await;
        let body = body.map_err(|error| {
            PortError::new(Fault::Transient, format!("reading an artifact: its body broke off ({error})"))
        })?;
        Ok(body.to_vec())
    }

    async fn write_once(&self, key: &str, body: Vec<u8>) -> Result<Written> {
        self.put_once(key, Body::Bytes(body.into())).await
    }

    async fn write_once_file(&self, key: &str, file: &Path) -> Result<Written> {
        self.put_once(key, Body::File(file)).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        let mut pages =
            self.client.list_objects_v2().bucket(&self.results).prefix(prefix).into_paginator().send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| port_error("listing artifacts", &error))?;
            keys.extend(page.contents.unwrap_or_default().into_iter().filter_map(|object| object.key));
        }
        keys.sort();
        Ok(keys)
    }

    async fn delete(&self, key: &str) -> Result<()> {
        let deleted = self.client.delete_object().bucket(&self.results).key(key).send().await;
        match deleted.map_err(|error| port_error("deleting an artifact", &error)) {
            Err(error) if error.fault == Fault::NotFound => Ok(()),
            deleted => deleted.map(|_| ()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_is_told_from_a_version_id() {
        for etag in ["d41d8cd98f00b204e9800998ecf8427e", "d41d8cd98f00b204e9800998ecf8427e-12"] {
            assert!(looks_like_etag(etag));
        }
        for id in ["3HL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY", "null", "", "D41D8CD98F00B204E9800998ECF8427E"] {
            assert!(!looks_like_etag(id));
        }
    }
}
