//! OCR: page images in, lines out, at once or later.

use crate::error::Result;
use async_trait::async_trait;
use domain::JobId;
use domain::text::Line;

/// The image of one page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageImage {
    /// Page number in its document.
    pub page: u32,
    /// The artifact key of its image: grey PNG, 200 dpi, upright as far as the file says.
    pub key: String,
}

/// Pages that are read by one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The job whose pages they are.
    pub job: JobId,
    /// Its run.
    pub run: u32,
    /// The pages, in order; at least one.
    pub images: Vec<PageImage>,
    /// The document's language (BCP 47) if it is known, else empty.
    pub language: String,
    /// Grows when work that was started for these pages came to a dead end and must be started anew.
    pub generation: u32,
}

/// The lines of one page, with boxes and confidences; none: the page is blank.
#[derive(Debug, Clone, PartialEq)]
pub struct PageLines {
    /// Page number in its document.
    pub page: u32,
    /// Its lines, in reading order.
    pub lines: Vec<Line>,
}

/// How far a part is.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// What was read. A page of the part that is not among them could not be read.
    Ready(Vec<PageLines>),
    /// Ask again with this token.
    Pending(String),
}

/// OCR.
///
/// Contract: `start` is what costs. Starting the same part again (same job, run, pages and generation) costs
/// nothing where the engine works between visits: it answers for the work that is going on. Where it works at
/// once, dropping the future stops the work if that is possible. An engine that is missing is `Denied` with what
/// to install; a part that it cannot read is `Permanent`.
#[async_trait]
pub trait Ocr: Send + Sync {
    /// Engine and version, part of the name under which results are reused.
    async fn version(&self) -> Result<String>;

    /// Starts reading a part.
    async fn start(&self, part: &Part) -> Result<Progress>;

    /// Looks after a part that was pending. `NotFound`: the work behind the token is lost (it failed for a
    /// reason of the engine's, or its results have expired) and must be started anew.
    async fn collect(&self, part: &Part, token: &str) -> Result<Progress>;
}
