//! S3 event notifications: the one way in which a document announces itself, on one machine too.
//!
//! Two forms exist. A bucket's own notification has `Records`, its keys encoded like a form (`+` for a space,
//! then percent); EventBridge's has `detail`, its keys as they are. Source: Amazon S3 User Guide, "Event
//! message structure" and "EventBridge event message structure".

use crate::ids::{Document, JobId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// What an event says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectEvent {
    /// There is a new version of an object.
    Created(Document),
    /// An object, or one version of it, is gone.
    Removed {
        /// The bucket.
        bucket: String,
        /// The decoded key.
        key: String,
        /// The version that was removed; `None` where the bucket has no versions or a delete marker was set.
        version: Option<String>,
        /// S3's order of events on one key.
        sequencer: Option<String>,
    },
    /// S3 tells that notifications are set up (`s3:TestEvent`).
    Test,
    /// An event of another kind (restored, replicated, tagged …): nothing is owed.
    Other(String),
}

impl ObjectEvent {
    /// The job that a created object makes.
    #[must_use]
    pub fn job_id(document: &Document) -> JobId {
        JobId::of(&document.bucket, &document.key, &document.version)
    }
}

/// A body that is no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an S3 event: {0}")]
pub struct NotAnEvent(pub String);

#[derive(Serialize, Deserialize)]
struct Notification {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    event_version: String,
    event_source: String,
    event_time: Timestamp,
    event_name: String,
    s3: S3,
}

#[derive(Serialize, Deserialize)]
struct S3 {
    bucket: Bucket,
    object: Object,
}

#[derive(Serialize, Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    key: String,
    #[serde(default)]
    size: u64,
    #[serde(default, alias = "etag", skip_serializing_if = "Option::is_none")]
    e_tag: Option<String>,
    #[serde(default, alias = "version-id", skip_serializing_if = "Option::is_none")]
    version_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sequencer: Option<String>,
}

#[derive(Deserialize)]
struct EventBridge {
    #[serde(rename = "detail-type")]
    detail_type: String,
    time: Timestamp,
    detail: Detail,
}

#[derive(Deserialize)]
struct Detail {
    bucket: Bucket,
    object: Object,
    #[serde(default, rename = "deletion-type")]
    deletion_type: String,
}

/// Reads all events of a message body.
///
/// # Errors
/// If the body is neither form.
pub fn decode(body: &str) -> Result<Vec<ObjectEvent>, NotAnEvent> {
    let value: serde_json::Value =
        serde_json::from_str(body).map_err(|error| NotAnEvent(error.to_string()))?;
    let fail = |error: serde_json::Error| NotAnEvent(error.to_string());
    if value.get("Event").and_then(|event| event.as_str()) == Some("s3:TestEvent") {
        return Ok(vec![ObjectEvent::Test]);
    }
    if value.get("Records").is_some() {
        let notification: Notification = serde_json::from_value(value).map_err(fail)?;
        return notification.records.into_iter().map(from_record).collect();
    }
    if value.get("detail-type").is_some() {
        let event: EventBridge = serde_json::from_value(value).map_err(fail)?;
        return Ok(vec![from_bridge(event)?]);
    }
    Err(NotAnEvent("it has neither \"Records\" nor \"detail-type\"".into()))
}

fn from_record(record: Record) -> Result<ObjectEvent, NotAnEvent> {
    let mut object = record.s3.object;
    object.key = decode_key(&object.key)?;
    event(&record.event_name, record.s3.bucket.name, object, record.event_time)
}

fn from_bridge(event_: EventBridge) -> Result<ObjectEvent, NotAnEvent> {
    let name = match event_.detail_type.as_str() {
        "Object Created" => "ObjectCreated:",
        "Object Deleted" if event_.detail.deletion_type == "Delete Marker Created" => {
            "ObjectRemoved:DeleteMarkerCreated"
        }
        "Object Deleted" => "ObjectRemoved:",
        other => other,
    };
    event(name, event_.detail.bucket.name, event_.detail.object, event_.time)
}

fn event(name: &str, bucket: String, object: Object, at: Timestamp) -> Result<ObjectEvent, NotAnEvent> {
    // A bucket without versions says "null", which tells two versions apart no better than nothing does.
    let version = object.version_id.filter(|version| !version.is_empty() && version != "null");
    let name = name.strip_prefix("s3:").unwrap_or(name);
    if name.starts_with("ObjectCreated:") {
        let etag = object.e_tag.map(|etag| etag.trim_matches('"').to_owned());
        let version =
            version.or(etag).ok_or_else(|| NotAnEvent("an object without version and ETag".into()))?;
        let (key, size, sequencer) = (object.key, object.size, object.sequencer);
        return Ok(ObjectEvent::Created(Document { bucket, key, version, size, sequencer, uploaded_at: at }));
    }
    if name.starts_with("ObjectRemoved:") || name.starts_with("LifecycleExpiration:") {
        // A delete marker is a version of its own; what it hides is the key.
        let version = version.filter(|_| !name.ends_with(":DeleteMarkerCreated"));
        return Ok(ObjectEvent::Removed { bucket, key: object.key, version, sequencer: object.sequencer });
    }
    Ok(ObjectEvent::Other(name.chars().take(100).collect()))
}

/// The event that an object's creation makes, as S3 would send it: what the local inbox puts into the queue.
#[must_use]
pub fn encode_created(document: &Document) -> String {
    let object = Object {
        key: encode_key(&document.key),
        size: document.size,
        e_tag: None,
        version_id: Some(document.version.clone()),
        sequencer: document.sequencer.clone(),
    };
    let record = Record {
        event_version: "2.1".into(),
        event_source: "aws:s3".into(),
        event_time: document.uploaded_at,
        event_name: "ObjectCreated:Put".into(),
        s3: S3 { bucket: Bucket { name: document.bucket.clone() }, object },
    };
    serde_json::json!({ "Records": [record] }).to_string()
}

/// Undoes the encoding of a key in a notification: `+` is a space, then percent-decoding.
fn decode_key(key: &str) -> Result<String, NotAnEvent> {
    let bytes = key.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'+' => out.push(b' '),
            b'%' => {
                let digits =
                    key.get(at + 1..at + 3).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
                let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
                out.push(byte.ok_or_else(|| NotAnEvent("a key with a broken percent code".into()))?);
                at += 2;
            }
            byte => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8(out).map_err(|_| NotAnEvent("a key that is not UTF-8".into()))
}

/// Encodes a key as S3's notifications do.
fn encode_key(key: &str) -> String {
    let mut out = String::with_capacity(key.len());
    for byte in key.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' | b'/' => {
                out.push(byte as char)
            }
            b' ' => out.push('+'),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// Which of two events on the same key came first: S3's sequencers are hexadecimal texts of unequal length,
/// compared after padding the shorter with zeros on the right.
#[must_use]
pub fn compare_sequencers(a: &str, b: &str) -> Ordering {
    let width = a.len().max(b.len());
    format!("{a:0<width$}").to_ascii_uppercase().cmp(&format!("{b:0<width$}").to_ascii_uppercase())
}
