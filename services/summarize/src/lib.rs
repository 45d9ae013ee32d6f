//! The step that people come for: pages in, a cited summary out.
//!
//! [`handler`] knows jobs and artifacts; what a summary is, `summarizer` knows; how a transformer runs, `models`.

pub mod handler;

pub use handler::{Summarize, finding, options};

use models::{Ran, Watch};
use telemetry::metrics::{ModelBatch, model_batch};

/// Counts each batch of the sentence model in the metrics.
#[must_use]
pub fn watch() -> Watch {
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    Watch::new(move |&Ran { sequences, tokens, padding, fill, bytes, took, waited, waiting }| {
        let sequences = count(sequences);
        model_batch(&ModelBatch { sequences, tokens, padding, fill, bytes, took, waited, waiting });
    })
}
