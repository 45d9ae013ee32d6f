//! A model that reads and one that writes, as one backend.

use crate::{DeviceChoice, MiniLm, ModelError, Precision, Watch, Writer, WriterOptions};
use async_trait::async_trait;
use std::path::Path;
use std::sync::Arc;
use summarizer::{Backend, BackendError, Generator, Prompt};

/// How models run.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where.
    pub device: DeviceChoice,
    /// In how many bits the sentence encoder computes.
    pub precision: Precision,
    /// Who is told of each of its batches.
    pub watch: Watch,
    /// Who is told of each step of the model that writes.
    pub writer: Watch,
}

/// A sentence encoder and, where there is one, a model that writes, as one backend. Their weights are loaded when they are
/// first needed.
///
/// # Errors
/// A `ModelError` that names the file and what is wrong with it.
pub fn open(reader: &Path, writer: Option<&Path>, options: &Options) -> Result<Arc<dyn Backend>, ModelError> {
    let reader = MiniLm::open_as(reader, options)?;
    let Some(writer) = writer else { return Ok(Arc::new(reader)) };
    let writer = Writer::open(
        writer,
        WriterOptions { device: options.device, watch: options.writer.clone(), ..WriterOptions::default() },
    )?;
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

    async fn embed(&self, tenant: &str, texts: Vec<String>) -> Result<Vec<Vec<f32>>, BackendError> {
        self.reader.embed(tenant, texts).await
    }

    async fn warm_up(&self) -> Result<(), BackendError> {
        self.reader.warm_up().await?;
        let prompt = Prompt {
            instructions: String::new(),
            content: "A first sentence.".to_owned(),
            max_tokens: 1,
            temperature: 0.0,
            seed: 0,
            stop: Vec::new(),
        };
        self.writer.generate("", vec![prompt]).await.map(drop)
    }

    fn generator(&self) -> Option<&dyn Generator> {
        Some(&self.writer)
    }
}
