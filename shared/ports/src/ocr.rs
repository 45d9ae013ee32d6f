//! OCR: a page image in, lines out, at once or later.

use crate::error::Result;
use async_trait::async_trait;
use domain::text::Line;

/// One page to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Page number in its document.
    pub page: u32,
    /// The artifact key of its image: grey PNG, 200 dpi, upright as far as the file says.
    pub image: String,
    /// The document's language (BCP 47) if it is known, else empty.
    pub language: String,
}

/// How far a part is.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// The lines, with boxes and confidences.
    Ready(Vec<Line>),
    /// Ask again with this token.
    Pending(String),
}

/// OCR.
///
/// Contract: `start` is what costs; dropping its future stops the work where that is possible. An engine that
/// is missing is `Denied` with what to install; an image it cannot read is `Permanent`.
#[async_trait]
pub trait Ocr: Send + Sync {
    /// Engine and version, part of the name under which results are reused.
    async fn version(&self) -> Result<String>;

    /// Starts reading a part.
    async fn start(&self, part: &Part) -> Result<Progress>;

    /// Looks after a part that was pending.
    async fn collect(&self, token: &str) -> Result<Progress>;
}
