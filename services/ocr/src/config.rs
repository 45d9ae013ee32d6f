//! What ocr is told at its start.

/// Configuration of the ocr worker.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Config {
    /// Parts of one document that are read at the same time; the gate bounds them over all documents.
    pub parts_at_once: usize,
    /// The most pages that one call reads: 1 for an engine that reads page by page.
    pub pages_a_part: usize,
    /// What a page costs, in US dollars; 0 for an engine of one's own.
    pub usd_a_page: f64,
}
