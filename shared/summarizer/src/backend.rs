//! What the summarizer asks of a model, in its own words.

use async_trait::async_trait;

/// A model that turns sentences into vectors, and may be able to write. `models` has the real ones; tests bring their own.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Model and version, stable for the same weights: it is part of the keys under which results are reused.
    fn name(&self) -> String;

    /// One unit-length vector for each text, in the same order, all of one length. `tenant` says whose document they are of,
    /// so that a model that many share is shared fairly; empty where one alone uses it.
    /// Dropping the future cancels what has not begun.
    ///
    /// # Errors
    /// `BackendError` when the model cannot be loaded or run.
    async fn embed(&self, tenant: &str, texts: Vec<String>) -> Result<Vec<Vec<f32>>, BackendError>;

    /// Loads what is not loaded yet and runs it once, so that the first document does not wait for it.
    ///
    /// # Errors
    /// `BackendError` when a model cannot be loaded or run.
    async fn warm_up(&self) -> Result<(), BackendError> {
        self.embed("", vec!["A first sentence.".to_owned()]).await.map(drop)
    }

    /// The part of it that writes; `None` for a model that only reads.
    fn generator(&self) -> Option<&dyn Generator> {
        None
    }
}

/// A model that continues texts.
#[async_trait]
pub trait Generator: Send + Sync {
    /// Model and version, stable for the same weights.
    fn name(&self) -> String;

    /// Tokens that a prompt and its answer may have together.
    fn context(&self) -> usize;

    /// Tokens of a text; what the model's own template adds to a prompt is not counted.
    fn count(&self, text: &str) -> usize;

    /// One answer for each prompt, in the same order; the model may run them as one batch. The same prompts give the same
    /// answers at temperature 0, and at any with the same seeds. `tenant` says whose document they are of, as for
    /// [`Backend::embed`]. Dropping the future cancels what has not been written.
    ///
    /// # Errors
    /// `BackendError` when the model cannot be loaded or run, or a prompt does not fit the context.
    async fn generate(&self, tenant: &str, prompts: Vec<Prompt>) -> Result<Vec<Answer>, BackendError>;
}

/// What a generator is asked to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    /// Ours: a chat model's system message.
    pub instructions: String,
    /// The document's, fenced: a chat model's user message.
    pub content: String,
    /// Longest answer, in tokens.
    pub max_tokens: usize,
    /// 0 takes the likeliest token each time.
    pub temperature: f32,
    /// For temperatures above 0.
    pub seed: u64,
    /// Texts that end an answer; they are not part of it.
    pub stop: Vec<String>,
}

/// What a generator wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Without the prompt and without what stopped it.
    pub text: String,
    /// Its tokens.
    pub tokens: usize,
    /// It was cut at `max_tokens`.
    pub cut: bool,
}

/// Why a model gave nothing.
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
