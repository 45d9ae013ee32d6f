//! The step that costs: read the pages whose text the file does not hold, and only those.
//!
//! Each page is a part with its own artifacts (image in, lines out), so a worker that dies in the middle of a
//! long scan loses at most the pages in its hands, and a retry reads only what is missing.

pub mod config;
pub mod handler;
mod pages;

pub use config::Config;
pub use handler::OcrStep;
