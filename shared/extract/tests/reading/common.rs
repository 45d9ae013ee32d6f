//! What the tests over documents share.

use precis_extract::{Limits, PageReading, ReadError, ReaderProgram, Reading};
use std::path::{Path, PathBuf};

/// The shared documents, or `None` after saying that they are missing.
pub fn documents() -> Option<PathBuf> {
    let folder = std::env::var_os("PRECIS_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let documents = folder.join("documents");
    if documents.is_dir() {
        return Some(documents);
    }
    println!("skipped: no shared documents (set PRECIS_SHARED)");
    None
}

pub fn reader() -> ReaderProgram {
    ReaderProgram::at(PathBuf::from(env!("CARGO_BIN_EXE_precis-reader")))
}

/// Reads through the child process.
pub async fn read(file: &Path, limits: &Limits) -> Result<Reading, ReadError> {
    let folder = tempfile::tempdir().unwrap();
    let name = file.file_name().unwrap().to_string_lossy().into_owned();
    precis_extract::read(file, &name, folder.path(), limits, &reader(), |_, _| {}).await
}

/// Reads bytes through the child process.
pub async fn read_bytes(bytes: &[u8], name: &str, limits: &Limits) -> Result<Reading, ReadError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    std::fs::write(&file, bytes).unwrap();
    read(&file, limits).await
}

/// The text of the pages that were read.
pub fn text(reading: &Reading) -> String {
    let mut text = String::new();
    for page in &reading.pages {
        if let PageReading::Read(page) = page {
            for line in &page.lines {
                text.push_str(&line.text);
                text.push('\n');
            }
        }
    }
    text
}
