//! What DynamoDB keeps: jobs, claims and gates, settings. `docs/aws-tables.md` lists tables, indexes and what each
//! access costs; `infra/data.yml` makes them.
//!
//! Every write that matters is conditional, and the condition's answer brings the item that stood against it, so that
//! losing costs no second read. Items that have a time to live are looked at with it in mind: DynamoDB deletes them
//! days late.

pub mod budgets;
pub mod claims;
pub mod gates;
pub mod jobs;
mod list;
pub mod settings;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use ports::{Fault, PortError, Result};
use std::collections::HashMap;
use std::time::Duration;

/// An item: its attributes by name.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// How long an ended job, and what hangs on it, is kept.
pub(crate) const KEPT: Duration = Duration::from_secs(400 * 24 * 3600);

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn number(value: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A text attribute, empty where there is none.
pub(crate) fn text_of<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name).and_then(|value| value.as_s().ok()).map_or("", String::as_str)
}

/// A whole number, zero where there is none.
pub(crate) fn number_of(item: &Item, name: &str) -> i64 {
    item.get(name).and_then(|value| value.as_n().ok()).and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Microseconds since 1970: what our own times are stored as.
pub(crate) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

pub(crate) fn timestamp(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX)
}

/// Seconds since 1970 some time from now, as TTL attributes are.
pub(crate) fn expiry(after: Duration) -> AttributeValue {
    number(Timestamp::now().as_second().saturating_add(i64::try_from(after.as_secs()).unwrap_or(i64::MAX)))
}

pub(crate) fn unbuilt(error: aws_smithy_types::error::operation::BuildError) -> PortError {
    PortError::new(Fault::Permanent, format!("a request could not be built: {error}"))
}

pub(crate) fn unreadable(what: &str, why: &dyn std::fmt::Display) -> PortError {
    PortError::new(Fault::Permanent, format!("{what} that is stored cannot be read: {why}"))
}

/// A short wait that grows and that two who met do not share.
pub(crate) async fn jitter(attempt: u32) {
    use std::hash::{BuildHasher, Hasher, RandomState};
    let random = RandomState::new().build_hasher().finish() % 1000;
    let most = 20_u64 << attempt.min(5);
    tokio::time::sleep(Duration::from_millis(5 + most * random / 1000)).await;
}

pub(crate) fn lost<T>(doing: &str) -> Result<T> {
    Err(PortError::new(Fault::Transient, format!("{doing}: others kept writing it")))
}
