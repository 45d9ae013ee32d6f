//! What the summarizer asks of a model, in its own words.

use async_trait::async_trait;

/// A model that turns sentences into vectors. `models` has the real one; tests bring their own.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Model and version, stable for the same weights: it is part of the keys under which results are reused.
    fn name(&self) -> String;

    /// One unit-length vector for each text, in the same order, all of one length.
    /// Dropping the future cancels what has not begun.
    ///
    /// # Errors
    /// `BackendError` when the model cannot be loaded or run.
    async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, BackendError>;
}

/// Why a model gave no vectors.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// It could not be loaded: the text says which file and how to mend it.
    #[error("the model cannot be loaded: {0}")]
    Load(String),
    /// It failed on these texts.
    #[error("the model failed: {0}")]
    Run(String),
    /// It is shutting down; another process may do it.
    #[error("the model has been stopped")]
    Stopped,
}

impl BackendError {
    /// Whether trying again with the same installation is useless.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        matches!(self, Self::Load(_))
    }
}
