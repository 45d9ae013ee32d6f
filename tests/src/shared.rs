//! The documents that are kept beside the repository, and visible skips without them.

use std::path::PathBuf;

/// The folder of shared documents: in `PRECIS_SHARED`, else in `../shared` beside the repository.
#[must_use]
pub fn documents() -> Option<PathBuf> {
    let beside = || crate::program::repository().join("../shared");
    let shared = std::env::var_os("PRECIS_SHARED").map_or_else(beside, PathBuf::from);
    let documents = shared.join("documents");
    if documents.is_dir() {
        return std::fs::canonicalize(documents).ok();
    }
    skip("the shared documents are not there (PRECIS_SHARED names their folder)");
    None
}

/// Says that a test was not made, and why.
pub fn skip(why: &str) {
    println!("skipped: {why}");
}
