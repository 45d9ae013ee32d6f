//! What the end-to-end tests share: the built program, a running `precis up`, servers that listen on the loopback,
//! and ways to compare text.
//!
//! These tests know the product as its users do: by its command line, its files, its e-mails and its exit status.
//! They start `target/release/precis` itself, so `make test` builds it before them; nothing in here reaches into a
//! crate of the product for an answer.

pub mod bench;
pub mod cited;
pub mod deployment;
mod heard;
pub mod listen;
pub mod mail;
pub mod ministack;
pub mod papers;
pub mod program;
pub mod running;
pub mod shared;
pub mod words;

use std::path::PathBuf;

pub use program::{program, repository};

/// The folder of the sentence-embedding model.
#[must_use]
pub fn model() -> PathBuf {
    repository().join("models/all-MiniLM-L6-v2")
}

/// The folder of what is kept beside the repository; a visible skip without it.
#[must_use]
pub fn shared() -> Option<PathBuf> {
    shared::documents()?.parent().map(PathBuf::from)
}
