//! What ocr is told at its start.

/// Configuration of the ocr worker.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// Pages of one document that are read at the same time; the gate bounds them over all documents.
    pub pages_at_once: usize,
}
