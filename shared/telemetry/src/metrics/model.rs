//! What the summarize service tells of its model and of the phases of a summary.

use super::{
    MODEL_FILL, MODEL_MEMORY, MODEL_SECONDS, MODEL_SEQUENCES, MODEL_TOKENS, MODEL_WAIT, MODEL_WAITING,
    SUMMARIZE_SECONDS,
};
use std::time::Duration;

/// A phase of one job's summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Structure and ranking.
    Rank,
    /// The model's queue and its work.
    Embed,
    /// Selection, facts and citations.
    Choose,
    /// A model that writes, with its checks.
    Write,
}

impl Phase {
    /// The label's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rank => "rank",
            Self::Embed => "embed",
            Self::Choose => "choose",
            Self::Write => "write",
        }
    }
}

/// A phase of a summary took so long.
pub fn summarized(phase: Phase, took: Duration) {
    metrics::histogram!(SUMMARIZE_SECONDS, "phase" => phase.as_str()).record(took.as_secs_f64());
}

/// Which of a service's models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Model {
    /// Turns sentences into vectors.
    Reader,
    /// Writes.
    Writer,
}

impl Model {
    /// The label's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Writer => "writer",
        }
    }
}

/// A batch of a model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ModelBatch {
    /// Sentences or answers in it.
    pub sequences: u64,
    /// Their tokens that were read.
    pub tokens: u64,
    /// Tokens of answers that were written.
    pub written: u64,
    /// Tokens that only filled rows.
    pub padding: u64,
    /// Its share of the budget.
    pub fill: f64,
    /// Bytes that it was planned to take.
    pub bytes: u64,
    /// How long the device had it.
    pub took: Duration,
    /// The longest wait for a first turn that ended with it.
    pub waited: Option<Duration>,
    /// Tokens that wait behind it.
    pub waiting: u64,
}

/// A batch of a model has run.
#[expect(clippy::cast_precision_loss, reason = "no process holds 2^53 tokens or bytes")]
pub fn model_batch(model: Model, batch: &ModelBatch) {
    let model = model.as_str();
    for (kind, tokens) in [("text", batch.tokens), ("written", batch.written), ("padding", batch.padding)] {
        metrics::counter!(MODEL_TOKENS, "model" => model, "kind" => kind).increment(tokens);
    }
    metrics::counter!(MODEL_SEQUENCES, "model" => model).increment(batch.sequences);
    metrics::histogram!(MODEL_SECONDS, "model" => model).record(batch.took.as_secs_f64());
    metrics::histogram!(MODEL_FILL, "model" => model).record(batch.fill);
    if let Some(waited) = batch.waited {
        metrics::histogram!(MODEL_WAIT, "model" => model).record(waited.as_secs_f64());
    }
    metrics::gauge!(MODEL_WAITING, "model" => model).set(batch.waiting as f64);
    metrics::gauge!(MODEL_MEMORY, "model" => model).set(batch.bytes as f64);
}
