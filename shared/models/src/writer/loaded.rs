//! What the thread of a writing model runs, and what it takes to load it.

use crate::ModelError;
use crate::desk;
use crate::files::Files;
use crate::model::Model;
use crate::precision::{Dtypes, Precision};
use crate::row::{Feed, Row};
use candle_core::Device;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// What it takes to load the model.
#[derive(Clone)]
pub(super) struct Loader {
    pub files: Files,
    pub device: Device,
    pub dtypes: Dtypes,
    pub loaded: Arc<OnceLock<Duration>>,
}

impl Loader {
    pub(super) fn load(self) -> Result<Loaded, ModelError> {
        let model = desk::timed("writer", &self.loaded, || {
            Model::load(&self.files, &self.device, self.dtypes, false).map(|(model, _)| model)
        })?;
        Ok(Loaded { model, loader: self })
    }

    /// Bytes of the weights as they are stored.
    pub(super) fn bytes(&self) -> Result<u64, ModelError> {
        let size = |path: std::path::PathBuf| {
            let size = std::fs::metadata(&path).map(|file| file.len());
            size.map_err(|source| ModelError::File { path, source })
        };
        self.files.weights().into_iter().map(size).sum()
    }
}

/// What the thread runs.
pub(super) trait Write: Sized {
    /// Rows for prompts, each with the tokens that it may have to read besides.
    fn begin(&self, prompts: &[(&[u32], usize)]) -> Result<Vec<Row>, ModelError>;

    /// One step of all rows; the wanted logits of each. Where it fails no row has gone on.
    fn forward(&self, feeds: &mut [Feed]) -> Result<Vec<Vec<Vec<f32>>>, ModelError>;

    /// The same weights in f32; `None` if they are so already.
    fn exact(&self) -> Result<Option<Self>, ModelError>;
}

/// A model with what it takes to load it otherwise.
pub(super) struct Loaded {
    pub model: Model,
    pub loader: Loader,
}

impl Write for Loaded {
    fn begin(&self, prompts: &[(&[u32], usize)]) -> Result<Vec<Row>, ModelError> {
        self.model.begin(prompts)
    }

    fn forward(&self, feeds: &mut [Feed]) -> Result<Vec<Vec<Vec<f32>>>, ModelError> {
        self.model.forward(feeds)
    }

    fn exact(&self) -> Result<Option<Self>, ModelError> {
        let Loader { files, device, .. } = &self.loader;
        let dtypes = Dtypes::of(Precision::F32, device)?;
        if self.loader.dtypes == dtypes && !files.stored.is_gguf() {
            return Ok(None);
        }
        let (model, _) = Model::load(files, device, dtypes, true)?;
        Ok(Some(Self { model, loader: Loader { dtypes, ..self.loader.clone() } }))
    }
}
