//! The step that people come for: pages in, a cited summary out.
//!
//! [`handler`] knows jobs and artifacts; what a summary is, `summarizer` knows; how a transformer runs, `models`.

pub mod handler;

pub use handler::{Summarize, finding, options};

use models::{Options, Ran, Watch};
use telemetry::metrics::{Model, ModelBatch, model_batch};

/// The same, with each batch counted in the metrics.
#[must_use]
pub fn watched(options: Options) -> Options {
    Options { watch: watch(Model::Reader), writer: watch(Model::Writer), ..options }
}

fn watch(model: Model) -> Watch {
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    Watch::new(move |&Ran { sequences, tokens, written, padding, fill, bytes, took, waited, waiting }| {
        let sequences = count(sequences);
        let batch = ModelBatch { sequences, tokens, written, padding, fill, bytes, took, waited, waiting };
        model_batch(model, &batch);
    })
}
