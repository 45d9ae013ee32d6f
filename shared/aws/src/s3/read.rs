//! Reading a bucket by its prefix rather than by its events: what is in it, and reads that go on where they broke off.
//!
//! A listing names no version ids (asking for them wants a right of its own), so a document is named by its `ETag` and
//! read with `If-Match`: the same bytes, or none.

use super::{Store, append, looks_like_etag, upload};
use crate::classify::port_error;
use aws_sdk_s3::types::{ChecksumMode, ChecksumType, Object};
use domain::Document;
use jiff::Timestamp;
use ports::{Fault, PortError, Result};
use std::path::Path;
use tokio::fs::File;

impl Store {
    pub(super) async fn listed(&self, bucket: &str, prefix: &str) -> Result<Vec<Document>> {
        let mut pages = self.client.list_objects_v2().bucket(bucket).prefix(prefix).into_paginator().send();
        let mut documents = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| port_error("listing a bucket", &error))?;
            let objects = page.contents.unwrap_or_default();
            documents.extend(objects.into_iter().filter_map(|object| document(bucket, object)));
        }
        documents.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(documents)
    }

    pub(super) async fn go_on(&self, document: &Document, into: &Path) -> Result<()> {
        let opened = File::options().create(true).append(true).open(into).await;
        let file = opened.map_err(|error| super::disk("laying down a document", &error))?;
        let there = file.metadata().await.map_err(|error| super::disk("laying down a document", &error))?;
        let lacking =
            document.size.checked_sub(there.len()).ok_or_else(|| super::too_large(document.size))?;
        if lacking == 0 {
            return Ok(());
        }
        let answer = self.open(document, there.len()).await?;
        let begins = format!("bytes {}-", there.len());
        let skip = match answer.content_range.as_deref() {
            Some(range) if range.starts_with(&begins) => 0,
            // Some that speak as S3 does know no ranges, and send everything.
            None => there.len(),
            Some(_) => {
                let what = "reading a document: another part of it came than was asked for";
                return Err(PortError::new(Fault::Permanent, what));
            }
        };
        append(answer.body, skip, lacking, file).await
    }

    /// The checksum of the whole body that S3 keeps, or what our own uploads say of themselves.
    pub(super) async fn kept_hash(&self, document: &Document) -> Result<Option<String>> {
        let ask = self.client.head_object().bucket(&document.bucket).key(&document.key);
        let ask = if looks_like_etag(&document.version) {
            ask.if_match(format!("\"{}\"", document.version))
        } else {
            ask.version_id(&document.version)
        };
        let head = ask.checksum_mode(ChecksumMode::Enabled).send().await;
        let head = head.map_err(|error| port_error("looking at a document", &error))?;
        let whole = head.checksum_type.as_ref().is_none_or(|kind| *kind == ChecksumType::FullObject);
        let checksum = head.checksum_sha256.as_deref().filter(|_| whole);
        let checksum = checksum.and_then(|text| aws_smithy_types::base64::decode(text).ok());
        let checksum = checksum.filter(|bytes| bytes.len() == 32).map(hex::encode);
        Ok(checksum.or_else(|| upload::hash_of(&head).map(str::to_owned)))
    }
}

fn document(bucket: &str, object: Object) -> Option<Document> {
    let at = object.last_modified.and_then(|at| Timestamp::new(at.secs(), 0).ok());
    Some(Document {
        bucket: bucket.to_owned(),
        key: object.key?,
        version: upload::version(None, object.e_tag.as_deref())?.to_owned(),
        size: u64::try_from(object.size?).ok()?,
        sequencer: None,
        uploaded_at: at.unwrap_or_default(),
    })
}
