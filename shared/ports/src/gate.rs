//! Gates: rates and concurrency that all tasks share, since a quota is the account's and not a task's.

use crate::error::Result;
use async_trait::async_trait;
use jiff::Timestamp;
use std::time::Duration;

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GateName {
    /// Pages that are read by a call each: calls a second, and calls at once.
    Ocr,
    /// Parts of many pages: starts a second, and parts at work at once.
    OcrDocument,
    /// Calls a second that look after started parts.
    OcrCollect,
    /// E-mails a second. What programs are told passes no gate.
    Publish,
}

impl GateName {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Ocr, Self::OcrDocument, Self::OcrCollect, Self::Publish];

    /// The name in tables and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ocr => "ocr",
            Self::OcrDocument => "ocr-document",
            Self::OcrCollect => "ocr-collect",
            Self::Publish => "publish",
        }
    }
}

/// The right to one call (and, where concurrency is limited, to be at it).
#[derive(Debug, PartialEq, Eq)]
pub struct Lease {
    /// Of which gate.
    pub gate: GateName,
    /// Its name.
    pub id: String,
}

/// The answer of a gate.
#[derive(Debug, PartialEq, Eq)]
pub enum Pass {
    /// Go on.
    Open(Lease),
    /// Not before then.
    Closed(Timestamp),
}

/// Gates.
///
/// Contract: no more leases live than the limit over all holders; a lease whose time ends is free again,
/// whoever died with it; a closed gate stays closed for all until its time.
#[async_trait]
pub trait Gate: Send + Sync {
    /// Asks for a lease of at most `ttl`.
    async fn take(&self, gate: GateName, ttl: Duration) -> Result<Pass>;

    /// Gives a lease back. One that lapsed is no failure.
    async fn give_back(&self, lease: Lease) -> Result<()>;

    /// Closes the gate for all until then: somebody was throttled.
    async fn close(&self, gate: GateName, until: Timestamp) -> Result<()>;

    /// Until when the gate is closed, if it is.
    async fn closed_until(&self, gate: GateName) -> Result<Option<Timestamp>>;
}
