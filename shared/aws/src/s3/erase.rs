//! Versions: listing a bucket as its events named what is in it, and deleting for good.
//!
//! In a bucket with versions a plain deletion only hides a key, so everything here names versions. Where a bucket keeps
//! none, S3 calls the only one `null`, and a document is named by its `ETag`.

use super::{Store, looks_like_etag, upload};
use crate::classify::port_error;
use aws_sdk_s3::types::{Delete, ObjectIdentifier, ObjectVersion};
use domain::Document;
use jiff::Timestamp;
use ports::{Fault, Listing, PortError, Result};

/// Objects that one request deletes.
const BATCH: usize = 1000;

/// A version or a mark of a deletion, by its id.
struct Named {
    key: String,
    id: String,
}

/// What a listing by versions found, in its order: by key, the newest first.
#[derive(Default)]
struct Versions {
    objects: Vec<ObjectVersion>,
    marks: Vec<Named>,
}

impl Store {
    /// Everything below a prefix.
    async fn look_at_all(&self, bucket: &str, prefix: &str) -> Result<Versions> {
        let mut ask = self.client.list_object_versions().bucket(bucket).prefix(prefix);
        let mut all = Versions::default();
        loop {
            let answer = ask.clone().send().await;
            let answer = answer.map_err(|error| port_error("listing a bucket's versions", &error))?;
            let marks = answer.delete_markers.unwrap_or_default().into_iter();
            all.marks.extend(marks.filter_map(|mark| Some(Named { key: mark.key?, id: mark.version_id? })));
            all.objects.extend(answer.versions.unwrap_or_default());
            let truncated = answer.is_truncated == Some(true);
            let Some(next) = answer.next_key_marker.filter(|_| truncated) else { return Ok(all) };
            ask = ask.key_marker(next).set_version_id_marker(answer.next_version_id_marker);
        }
    }

    pub(super) async fn page(&self, bucket: &str, prefix: &str, after: &str) -> Result<Listing> {
        let mut ask = self.client.list_object_versions().bucket(bucket).prefix(prefix);
        if !after.is_empty() {
            // Without a version's mark it goes on with the next key, also where the last one's versions were cut off.
            ask = ask.key_marker(after);
        }
        let answer = ask.send().await.map_err(|error| port_error("listing a bucket", &error))?;
        let next = answer.next_key_marker.filter(|_| answer.is_truncated == Some(true));
        let found = answer.versions.unwrap_or_default().into_iter();
        let newest = found.filter(|version| version.is_latest == Some(true));
        let mut documents: Vec<_> = newest.filter_map(|version| document(bucket, version)).collect();
        documents.retain(|document| document.key.as_str() > after);
        if next.as_deref().is_some_and(|next| next <= after) {
            let what = format!("listing a bucket: S3 does not get on behind the key {after:?}");
            return Err(PortError::new(Fault::Permanent, what));
        }
        Ok(Listing { documents, next })
    }

    pub(super) async fn versions_of(&self, bucket: &str, key: &str) -> Result<Vec<Document>> {
        let found = self.look_at_all(bucket, key).await?;
        let of_key = found.objects.into_iter().filter(|version| version.key.as_deref() == Some(key));
        Ok(of_key.filter_map(|version| document(bucket, version)).collect())
    }

    pub(super) async fn erase_version(&self, document: &Document) -> Result<bool> {
        let found = self.look_at_all(&document.bucket, &document.key).await?;
        let of_key: Vec<_> =
            found.objects.iter().filter(|found| found.key.as_deref() == Some(&*document.key)).collect();
        let meant: Vec<_> = of_key.iter().filter(|found| is_meant(found, &document.version)).collect();
        for version in &meant {
            self.delete_version(document, version.version_id.as_deref()).await?;
        }
        if meant.len() == of_key.len() {
            for mark in found.marks.iter().filter(|mark| mark.key == document.key) {
                self.delete_version(document, Some(&mark.id)).await?;
            }
        }
        Ok(!meant.is_empty())
    }

    async fn delete_version(&self, document: &Document, id: Option<&str>) -> Result<()> {
        let delete = self.client.delete_object().bucket(&document.bucket).key(&document.key);
        let deleted = delete.set_version_id(id.map(str::to_owned)).send().await;
        match deleted.map_err(|error| port_error("erasing a document", &error)) {
            Err(error) if error.fault == Fault::NotFound => Ok(()),
            deleted => deleted.map(drop),
        }
    }

    pub(super) async fn erase_below(&self, prefix: &str) -> Result<u64> {
        let found = self.look_at_all(&self.results, prefix).await?;
        let count = found.objects.len() as u64;
        let objects = found.objects.into_iter();
        let objects = objects.filter_map(|found| Some(Named { key: found.key?, id: found.version_id? }));
        let all: Vec<_> = objects.chain(found.marks).collect();
        for batch in all.chunks(BATCH) {
            let mut delete = Delete::builder().quiet(true);
            for named in batch {
                let object = ObjectIdentifier::builder().key(&named.key).version_id(&named.id);
                delete = delete.objects(object.build().map_err(crate::dynamodb::unbuilt)?);
            }
            let delete = delete.build().map_err(crate::dynamodb::unbuilt)?;
            let answer = self.client.delete_objects().bucket(&self.results).delete(delete).send().await;
            let answer = answer.map_err(|error| port_error("erasing artifacts", &error))?;
            if let Some(failed) = answer.errors.unwrap_or_default().first() {
                let (code, said) = (failed.code.as_deref(), failed.message.as_deref());
                let (code, said) = (code.unwrap_or_default(), said.unwrap_or_default());
                return Err(crate::classify::by_code("erasing artifacts", code, said, None, None));
            }
        }
        Ok(count)
    }
}

/// Whether a version is the one that a document names, by its id or by its `ETag`.
fn is_meant(found: &ObjectVersion, version: &str) -> bool {
    let etag = found.e_tag.as_deref().map(|etag| etag.trim_matches('"'));
    found.version_id.as_deref() == Some(version) || (looks_like_etag(version) && etag == Some(version))
}

fn document(bucket: &str, version: ObjectVersion) -> Option<Document> {
    let at = version.last_modified.and_then(|at| Timestamp::new(at.secs(), 0).ok());
    Some(Document {
        bucket: bucket.to_owned(),
        version: upload::version(version.version_id.as_deref(), version.e_tag.as_deref())?.to_owned(),
        key: version.key?,
        size: u64::try_from(version.size?).ok()?,
        sequencer: None,
        uploaded_at: at.unwrap_or_default(),
    })
}
