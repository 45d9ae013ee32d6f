//! The first step: admit a document, take the text that it holds, send on only what needs OCR.
//!
//! [`events`] turns S3 events into jobs (and ends the jobs of replaced and deleted documents); [`handler`]
//! does a job's work: settings, size, reading in a child process, artifacts; `content` sees to it that the same
//! content is paid for once. The document's bytes are parsed nowhere else and never in this process.

pub mod config;
mod content;
pub mod events;
pub mod handler;
mod read;

pub use config::Config;
pub use handler::Ingest;
