//! A model that reads and one that writes, as one backend.

use async_trait::async_trait;
use summarizer::{Backend, BackendError, Generator};

/// Embeds with one model and writes with another. Its name is the reader's: what is kept of embeddings depends on that alone,
/// and what is written names the writer.
pub struct Both<R, W> {
    /// Turns sentences into vectors.
    pub reader: R,
    /// Writes.
    pub writer: W,
}

#[async_trait]
impl<R: Backend, W: Generator> Backend for Both<R, W> {
    fn name(&self) -> String {
        self.reader.name()
    }

    async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, BackendError> {
        self.reader.embed(texts).await
    }

    fn generator(&self) -> Option<&dyn Generator> {
        Some(&self.writer)
    }
}
