//! Names of things: documents, jobs, runs, tenants, artifacts.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// One version of one object, as its bucket knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// The bucket.
    pub bucket: String,
    /// The key, decoded: any characters, never trusted in paths, logs or markup.
    pub key: String,
    /// S3 `VersionId`, else the `ETag` without its quotes; on one machine the sha-256 of the bytes.
    pub version: String,
    /// Size in bytes, as the event said.
    pub size: u64,
    /// S3's order of events on one key (hexadecimal, compared after right-padding).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequencer: Option<String>,
    /// When the object was created.
    pub uploaded_at: Timestamp,
}

impl Document {
    /// What people call it: the last part of its key.
    #[must_use]
    pub fn name(&self) -> &str {
        self.key.trim_end_matches('/').rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or(&self.key)
    }

    /// Whose it is.
    #[must_use]
    pub fn tenant(&self) -> Tenant {
        let prefix = self.key.split_once('/').map_or("", |(first, _)| first);
        Tenant { bucket: self.bucket.clone(), prefix: prefix.to_owned() }
    }
}

/// A bucket and the first part of the key in it. Results are never shared between tenants.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tenant {
    /// The bucket.
    pub bucket: String,
    /// The key up to its first `/`, or empty.
    pub prefix: String,
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.bucket, self.prefix)
    }
}

/// Names a job: 32 hexadecimal digits derived from bucket, key and version, so that a repeated event names
/// the same job. Fits Textract's `ClientRequestToken` and `JobTag`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct JobId(String);

impl JobId {
    /// The id of the job that a document makes.
    #[must_use]
    pub fn of(bucket: &str, key: &str, version: &str) -> Self {
        let mut hash = Sha256::new();
        for part in [bucket, key, version] {
            // Lengths keep ("a", "bc") and ("ab", "c") apart.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        Self(hex::encode(&hash.finalize()[..16]))
    }

    /// The whole id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Enough of it for people: the first eight digits.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.0[..8]
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is no job id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no job id: that is 32 of 0-9a-f")]
pub struct BadJobId(String);

impl std::str::FromStr for JobId {
    type Err = BadJobId;

    fn from_str(text: &str) -> Result<Self, BadJobId> {
        let good = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if good { Ok(Self(text.to_owned())) } else { Err(BadJobId(text.chars().take(40).collect())) }
    }
}

impl<'de> Deserialize<'de> for JobId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The sha-256 of a document's bytes, in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct ContentHash(pub String);

/// Things that a job writes, each once: `jobs/<JobId>/<run>/<name>` in the results bucket.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Artifact {
    /// What was read ([`crate::text::Pages`]) as far as ingest could; OCR pages still empty.
    Read,
    /// All pages, merged ([`crate::text::Pages`]).
    Pages,
    /// The image of a page that needs OCR (grey PNG, 200 dpi).
    Part(u32),
    /// The lines that OCR found on that page.
    PartLines(u32),
    /// Page images bound together for one OCR call (PDF), named by its first page and what tells it from others.
    Bundle(u32, String),
    /// The summary and what belongs to it ([`crate::outcome::Finding`]).
    Result,
}

impl Artifact {
    /// The object key.
    #[must_use]
    pub fn key(&self, job: &JobId, run: u32) -> String {
        let name = match self {
            Self::Read => "read".to_owned(),
            Self::Pages => "pages".to_owned(),
            Self::Part(page) => format!("part-{page}"),
            Self::PartLines(page) => format!("part-{page}-lines"),
            Self::Bundle(first, name) => format!("bundle-{first}-{name}"),
            Self::Result => "result".to_owned(),
        };
        format!("jobs/{job}/{run}/{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_version_of_a_document_always_names_the_same_job_and_others_do_not() {
        let id = JobId::of("uploads", "a/b.pdf", "1");
        assert_eq!(id, JobId::of("uploads", "a/b.pdf", "1"));
        assert_ne!(id, JobId::of("uploads", "a/b.pd", "f1"));
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        assert!("../../etc/passwd".parse::<JobId>().is_err());
    }

    #[test]
    fn a_tenant_is_the_bucket_and_the_first_prefix() {
        let document = |key: &str| Document {
            bucket: "b".into(),
            key: key.into(),
            version: "1".into(),
            size: 1,
            sequencer: None,
            uploaded_at: Timestamp::UNIX_EPOCH,
        };
        assert_eq!(document("contracts/2026/x.pdf").tenant().to_string(), "b/contracts");
        assert_eq!(document("x.pdf").tenant().to_string(), "b/");
        assert_eq!(document("contracts/2026/x.pdf").name(), "x.pdf");
        assert_eq!(document("folder/").name(), "folder");
    }
}
