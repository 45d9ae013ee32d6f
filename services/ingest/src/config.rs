//! What ingest is told at its start.

use extract::ReaderProgram;
use std::path::PathBuf;

/// Configuration of the ingest worker.
#[derive(Debug, Clone)]
pub struct Config {
    /// A folder on local disk for the document in hand and its page images.
    pub scratch: PathBuf,
    /// The program that reads documents in a child process.
    pub reader: ReaderProgram,
    /// Versions of everything else that shapes a result (OCR engine, ranking, model): part of the name under
    /// which results are reused, so that a better version does its work anew.
    pub made_by: String,
}
