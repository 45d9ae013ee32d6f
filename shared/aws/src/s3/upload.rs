//! Putting a document into the uploads bucket.
//!
//! S3 makes a version and an event of every put, also of the same bytes. Who repeats an upload (a script that was
//! broken off and started again) does not mean two documents, so the present version's hash is looked at first, and
//! the put happens only if that version still stands.

use super::{TRIES, check_key, disk};
use crate::classify::port_error;
use aws_sdk_s3::Client;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumAlgorithm;
use domain::Document;
use jiff::Timestamp;
use ports::{Fault, PortError, Result};
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::Path;
use std::time::Duration;

/// The user metadata that holds a document's SHA-256 in hexadecimal.
const SHA256: &str = "precis-sha256";

/// What names a version: its id, or where there are none its `ETag` without the quotes.
pub(super) fn version<'a>(id: Option<&'a str>, etag: Option<&'a str>) -> Option<&'a str> {
    id.filter(|id| !id.is_empty() && *id != "null").or(etag.map(|etag| etag.trim_matches('"')))
}

/// A file's bytes, streamed.
pub(super) async fn stream(file: &Path) -> Result<ByteStream> {
    ByteStream::from_path(file)
        .await
        .map_err(|error| PortError::new(Fault::Permanent, format!("reading a file: {error}")))
}

pub(super) async fn upload(client: &Client, bucket: &str, key: &str, file: &Path) -> Result<Document> {
    check_key(key)?;
    let (sha256, size) = hash(file).await?;
    let document = |version: &str, uploaded_at: Timestamp| Document {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        version: version.to_owned(),
        size,
        // Only the event tells.
        sequencer: None,
        uploaded_at,
    };
    for attempt in 1..=TRIES {
        let present = head(client, bucket, key).await?;
        if let Some(present) = present.as_ref().filter(|present| hash_of(present) == Some(&*sha256)) {
            let at = present.last_modified.and_then(|at| Timestamp::new(at.secs(), 0).ok());
            if let Some(version) = version(present.version_id.as_deref(), present.e_tag.as_deref()) {
                return Ok(document(version, at.unwrap_or_else(Timestamp::now)));
            }
        }
        let put = client
            .put_object()
            .bucket(bucket)
            .key(key)
            .metadata(SHA256, &sha256)
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .body(stream(file).await?);
        let put = match present.as_ref().and_then(|present| present.e_tag.clone()) {
            Some(etag) => put.if_match(etag),
            None => put.if_none_match("*"),
        };
        let error = match put.send().await {
            Ok(answer) => {
                let version = version(answer.version_id.as_deref(), answer.e_tag.as_deref());
                let lacking = || PortError::new(Fault::Permanent, "S3 named no version of what it stored");
                return Ok(document(version.ok_or_else(lacking)?, Timestamp::now()));
            }
            Err(error) => error,
        };
        match error.raw_response().map(|response| response.status().as_u16()) {
            // Somebody else put the same key meanwhile: look again at what is there.
            Some(404 | 409 | 412) if attempt < TRIES => {
                tokio::time::sleep(Duration::from_millis(50) * attempt).await;
            }
            _ => return Err(port_error("uploading a document", &error)),
        }
    }
    Err(PortError::new(Fault::Transient, "uploading a document: others kept writing its key"))
}

pub(super) fn hash_of(present: &HeadObjectOutput) -> Option<&str> {
    present.metadata.as_ref()?.get(SHA256).map(String::as_str)
}

async fn head(client: &Client, bucket: &str, key: &str) -> Result<Option<HeadObjectOutput>> {
    let head = client.head_object().bucket(bucket).key(key).send().await;
    match head.map_err(|error| port_error("looking for a document", &error)) {
        Ok(head) => Ok(Some(head)),
        Err(error) if error.fault == Fault::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// SHA-256 and size.
async fn hash(file: &Path) -> Result<(String, u64)> {
    let file = file.to_owned();
    let hashed = tokio::task::spawn_blocking(move || -> std::io::Result<(String, u64)> {
        let (mut hash, mut size) = (Sha256::new(), 0);
        let mut file = std::fs::File::open(file)?;
        let mut chunk = vec![0; 1 << 16];
        loop {
            let read = file.read(&mut chunk)?;
            if read == 0 {
                return Ok((hex::encode(hash.finalize()), size));
            }
            hash.update(&chunk[..read]);
            size += read as u64;
        }
    });
    match hashed.await {
        Ok(hashed) => hashed.map_err(|error| disk("reading a file", &error)),
        Err(error) => Err(PortError::new(Fault::Transient, format!("reading a file: {error}"))),
    }
}
