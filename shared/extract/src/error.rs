//! What can go wrong when a document is read.

use domain::reason::Reason;
use serde::{Deserialize, Serialize};

/// Why a document was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadError {
    /// The document itself is at fault: reading it again ends the same way.
    #[error("{detail}")]
    Document {
        /// The cause by its code.
        reason: Reason,
        /// What was seen, for people: half a sentence without a full stop.
        detail: String,
    },
    /// The machine is at fault: a later attempt may succeed.
    #[error("{detail}")]
    Machine {
        /// The cause by its code.
        reason: Reason,
        /// What was seen, for people: half a sentence without a full stop.
        detail: String,
    },
}

impl ReadError {
    /// The cause by its code, to explain and advise from.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Document { reason, .. } | Self::Machine { reason, .. } => *reason,
        }
    }

    /// Whether another attempt must end the same way.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        matches!(self, Self::Document { .. })
    }

    pub(crate) fn of(reason: Reason, detail: impl Into<String>) -> Self {
        Self::Document { reason, detail: detail.into() }
    }

    pub(crate) fn damaged(detail: impl Into<String>) -> Self {
        Self::of(Reason::Damaged, detail)
    }

    pub(crate) fn limit(detail: impl Into<String>) -> Self {
        Self::of(Reason::ReaderLimit, detail)
    }

    pub(crate) fn unsupported(detail: impl Into<String>) -> Self {
        Self::of(Reason::UnsupportedType, detail)
    }

    pub(crate) fn too_many_pages(pages: usize, limit: u32) -> Self {
        Self::of(Reason::TooManyPages, format!("it has {pages} pages and the limit is {limit}"))
    }

    /// A failure of reading or writing a file of ours, `what` said as "cannot open the document".
    pub(crate) fn io(what: &str, error: &std::io::Error) -> Self {
        let reason = match error.kind() {
            std::io::ErrorKind::PermissionDenied => Reason::AccessDenied,
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Reason::StorageFull,
            std::io::ErrorKind::FileTooLarge => return Self::limit(format!("{what}: it would be too large")),
            _ => Reason::Internal,
        };
        Self::Machine { reason, detail: format!("{what}: {error}") }
    }
}
