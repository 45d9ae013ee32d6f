//! Messages between stages: nudges that say "look at this job". Versioned, append only.
//!
//! A message says which run and stage its sender believed in; the handler reads the job and does what the job
//! needs. So a message may come twice, late or never, and a message of an older run is simply done.

use crate::event::{self, ObjectEvent};
use crate::ids::JobId;
use crate::job::Stage;
use crate::reason::Reason;
use serde::{Deserialize, Serialize};

/// The newest version of nudges.
pub const NUDGE_SCHEMA: u32 = 1;
/// The newest version of digests.
pub const DIGEST_SCHEMA: u32 = 2;

/// "This job may owe this stage some work."
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nudge {
    /// Version of the shape.
    pub v: u32,
    /// The job.
    pub job: JobId,
    /// The run that the sender saw.
    pub run: u32,
    /// The stage that the sender saw.
    pub stage: Stage,
    /// W3C `traceparent`, to follow one document through all services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

/// "Tell people about the many jobs that failed for one cause, or that were summarized in one burst."
///
/// Version 1 knew failures alone, and those of a whole tenant. Whatever that cannot say is of version 2, so that
/// a release that reads 1 leaves it to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// Version of the shape.
    pub v: u32,
    /// The cause; `None`: they were summarized.
    pub digest: Option<Reason>,
    /// Whose documents (a tenant as text).
    pub tenant: String,
    /// What all their keys begin with, if that is not the tenant's own prefix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Start of the time that is told about, in seconds since 1970.
    pub window: i64,
}

/// "The part that you started is done", from an OCR engine that works between visits: as Textract publishes it
/// (<https://docs.aws.amazon.com/textract/latest/dg/async-notification-payload.html>).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Completion {
    /// The engine's name for the work (Textract's `JobId`).
    #[serde(rename = "JobId")]
    pub token: String,
    /// How it ended, in the engine's words. Not relied upon: the engine is asked.
    #[serde(rename = "Status")]
    pub status: String,
    /// The job that it was started for.
    #[serde(rename = "JobTag")]
    pub job: JobId,
}

/// Everything that may stand in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// From stage to stage.
    Nudge(Nudge),
    /// To notify.
    Digest(Digest),
    /// To ocr, from its engine.
    Completion(Completion),
    /// To ingest, as S3 sends it.
    Events(Vec<ObjectEvent>),
}

/// A body that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Written by a newer release than this: wait for it rather than reject it.
    #[error("message version {0} is newer than this release reads")]
    Newer(u64),
    /// No message of ours at all.
    #[error("malformed message: {0}")]
    Malformed(String),
}

impl Nudge {
    /// A nudge.
    #[must_use]
    pub fn new(job: JobId, run: u32, stage: Stage, trace: Option<String>) -> Self {
        Self { v: NUDGE_SCHEMA, job, run, stage, trace }
    }

    /// The body to send.
    #[must_use]
    pub fn encode(&self) -> String {
        serde_json::json!(self).to_string()
    }
}

impl Digest {
    /// A digest of the jobs of a tenant (whose keys begin with `prefix`) that were counted in a window, of the
    /// oldest version that can say it.
    #[must_use]
    pub fn new(cause: Option<Reason>, tenant: String, prefix: Option<String>, window: i64) -> Self {
        let v = if cause.is_some() && prefix.is_none() { 1 } else { DIGEST_SCHEMA };
        Self { v, digest: cause, tenant, prefix, window }
    }

    /// The body to send.
    #[must_use]
    pub fn encode(&self) -> String {
        serde_json::json!(self).to_string()
    }
}

impl Message {
    /// Reads a body of this version, or an S3 event.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(body: &str) -> Result<Self, DecodeError> {
        let malformed = |error: &dyn std::fmt::Display| DecodeError::Malformed(error.to_string());
        let value: serde_json::Value = serde_json::from_str(body).map_err(|error| malformed(&error))?;
        if let Some(inner) = enveloped(&value) {
            return Self::decode(inner);
        }
        let newest = if value.get("digest").is_some() { DIGEST_SCHEMA } else { NUDGE_SCHEMA };
        match value.get("v").and_then(serde_json::Value::as_u64) {
            Some(version) if version > u64::from(newest) => Err(DecodeError::Newer(version)),
            Some(_) if value.get("digest").is_some() => {
                serde_json::from_value(value).map(Self::Digest).map_err(|error| malformed(&error))
            }
            Some(_) => serde_json::from_value(value).map(Self::Nudge).map_err(|error| malformed(&error)),
            None if value.get("JobTag").is_some() => {
                serde_json::from_value(value).map(Self::Completion).map_err(|error| malformed(&error))
            }
            None => event::decode(body).map(Self::Events).map_err(|error| malformed(&error)),
        }
    }
}

/// What a message holds that came through an SNS topic without raw delivery
/// (<https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html>). Such a text is no longer than the
/// message around it, so envelopes in envelopes end.
fn enveloped(value: &serde_json::Value) -> Option<&str> {
    let text = |name: &str| value.get(name).and_then(serde_json::Value::as_str);
    (text("Type") == Some("Notification") && text("TopicArn").is_some()).then(|| text("Message")).flatten()
}
