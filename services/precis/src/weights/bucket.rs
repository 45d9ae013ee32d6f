//! Models of a bucket, through the port of objects: read in the version that was listed, or not at all.
//!
//! A model that precis has pulled carries its record, and copied into a bucket with it, it is held against the hashes
//! there. Else S3's own checksum counts, where it keeps one; else size and `ETag`, by which each file is asked for.

use super::manifest::{self, Manifest};
use super::source::{Digest, Listing, Offer, Source, Trouble};
use super::transfer::Part;
use anyhow::{Context, anyhow};
use domain::Document;
use ports::{Fault, Objects, PortError};
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;

/// How often a file that comes is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// A model in a bucket.
pub struct Bucket {
    objects: Arc<dyn Objects>,
    runtime: Handle,
    bucket: String,
    prefix: String,
    /// What was listed, by path.
    listed: Mutex<HashMap<String, Document>>,
}

impl Bucket {
    /// The files whose keys begin with `prefix`.
    pub fn new(objects: Arc<dyn Objects>, runtime: Handle, bucket: String, prefix: String) -> Self {
        Self { objects, runtime, bucket, prefix, listed: Mutex::default() }
    }

    fn call<T>(&self, call: impl Future<Output = ports::Result<T>>) -> Result<T, Trouble> {
        self.runtime.block_on(call).map_err(|error| self.trouble(error))
    }

    fn trouble(&self, error: PortError) -> Trouble {
        let place = format!("s3://{}/{}", self.bucket, self.prefix);
        let what = error.what;
        match error.fault {
            Fault::Transient => Trouble::passing(what),
            Fault::Throttled(after) => Trouble::Passing { what, after },
            Fault::Full => Trouble::Full,
            Fault::TooLarge => Trouble::Changed,
            Fault::Conflict | Fault::NotFound => {
                anyhow!("{place}: {what}. It was replaced or deleted meanwhile. Do: the same command again").into()
            }
            Fault::Denied => anyhow!(
                "{place}: {what}. Do: check the bucket's name, the account (--profile) and its rights: s3:ListBucket on \
                 the bucket, s3:GetObject on its keys"
            )
            .into(),
            Fault::Permanent => {
                anyhow!("{place}: {what}. Do: if the bucket lies in another region, name it with --region").into()
            }
        }
    }

    fn document(&self, offer: &Offer) -> Result<Document, Trouble> {
        let listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        let document = listed.get(&offer.path).cloned();
        document.ok_or_else(|| anyhow!("{} was not listed", offer.path).into())
    }

    /// The record that lies beside the files.
    fn record(&self, document: &Document) -> Result<Manifest, Trouble> {
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let into = folder.path().join("record");
        self.call(self.objects.fetch(document, manifest::LARGEST, &into))?;
        let bytes = std::fs::read(&into).context("a temporary file")?;
        let damaged =
            || format!("{} in the bucket. Do: delete it there, or put the right one", manifest::NAME);
        Ok(Manifest::parse(&bytes).with_context(damaged)?)
    }
}

impl Source for Bucket {
    fn list(&self) -> Result<Listing, Trouble> {
        let documents = self.call(self.objects.documents(&self.bucket, &self.prefix))?;
        if documents.is_empty() {
            let (bucket, prefix) = (&self.bucket, &self.prefix);
            return Err(anyhow!(
                "s3://{bucket}/{prefix} is empty. Do: check the prefix (it is a folder of files)"
            )
            .into());
        }
        let path = |document: &Document| document.key.get(self.prefix.len()..).unwrap_or_default().to_owned();
        // What consoles make of a folder is an object without a name.
        let documents: HashMap<String, Document> = documents
            .into_iter()
            .map(|document| (path(&document), document))
            .filter(|(path, _)| !path.is_empty() && !path.ends_with('/'))
            .collect();
        let record = documents.get(manifest::NAME).map(|record| self.record(record)).transpose()?;
        let hash = |path: &str| {
            let recorded = record.iter().flat_map(|record| &record.files).find(|file| file.name == path);
            recorded.map_or(Digest::Unknown, |file| Digest::Sha256(file.sha256.clone()))
        };
        let offer = |(path, document): (&String, &Document)| Offer {
            path: path.clone(),
            size: document.size,
            digest: hash(path),
            version: document.version.clone(),
        };
        let offers = documents.iter().map(offer).collect();
        let origin = record.as_ref().map(|record| record.origin.clone().unwrap_or_else(|| record.shown()));
        *self.listed.lock().unwrap_or_else(PoisonError::into_inner) = documents;
        Ok(Listing { revision: None, origin, offers })
    }

    fn look(&self, offer: &mut Offer) -> Result<(), Trouble> {
        if offer.digest == Digest::Unknown
            && let Some(hash) = self.call(self.objects.sha256(&self.document(offer)?))?
        {
            offer.digest = Digest::Sha256(hash);
        }
        Ok(())
    }

    fn go_on(&self, offer: &Offer, _: &Listing, part: &mut Part<'_>) -> Result<(), Trouble> {
        let (document, path) = (self.document(offer)?, part.path().to_owned());
        self.runtime.block_on(async {
            let coming = self.objects.resume(&document, &path);
            tokio::pin!(coming);
            loop {
                tokio::select! {
                    came = &mut coming => return came.map_err(|error| self.trouble(error)),
                    () = tokio::time::sleep(LOOK) => part.measure()?,
                }
            }
        })
    }
}
