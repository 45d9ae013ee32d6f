//! The step that people come for: pages in, a cited summary out.
//!
//! [`handler`] knows jobs and artifacts; what a summary is, `summarizer` knows; how a transformer runs, `models`.

pub mod handler;

pub use handler::{Summarize, finding, options};
