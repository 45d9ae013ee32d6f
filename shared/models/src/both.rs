//! A model that reads and one that writes, as one backend.

use crate::{DeviceChoice, MiniLm, ModelError, Writer, WriterOptions};
use async_trait::async_trait;
use std::path::Path;
use std::sync::Arc;
use summarizer::{Backend, BackendError, Generator};

/// A sentence encoder and, where there is one, a model that writes, as one backend. Their weights are loaded when they are
/// first needed.
///
/// # Errors
/// A `ModelError` that names the file and what is wrong with it.
pub fn open(
    reader: &Path,
    writer: Option<&Path>,
    device: DeviceChoice,
) -> Result<Arc<dyn Backend>, ModelError> {
    let reader = MiniLm::open(reader, device)?;
    let Some(writer) = writer else { return Ok(Arc::new(reader)) };
    let writer = Writer::open(writer, WriterOptions { device, ..WriterOptions::default() })?;
    Ok(Arc::new(Both { reader, writer }))
}

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
