//! `all-MiniLM-L6-v2` and its kin as summarizer's backend.

use crate::folder::Folder;
use crate::kernels::Width;
use crate::reader::{self, Request, Wanted};
use crate::{DeviceChoice, ModelError, Options};
use async_trait::async_trait;
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use summarizer::{Backend, BackendError, Generator};

/// A sentence encoder: BERT from a folder with `config.json`, `tokenizer.json` and `model.safetensors`,
/// mean pooling, unit vectors (384 numbers for MiniLM-L6). Texts are truncated where
/// `sentence_bert_config.json` says, else at 256 tokens.
///
/// Cheap to open: the weights are loaded by its own thread, at the first request or by [`MiniLm::load`].
/// The thread ends when the value is dropped.
pub struct MiniLm {
    name: String,
    requests: Sender<Request>,
    loaded: Arc<OnceLock<Duration>>,
}

impl MiniLm {
    /// Opens a folder: checks that its files are there and starts the thread. Loads nothing yet.
    ///
    /// # Errors
    /// `ModelError::File` for a missing file.
    pub fn open(folder: &Path, device: DeviceChoice) -> Result<Self, ModelError> {
        Self::open_as(folder, &Options { device, ..Options::default() })
    }

    /// The same, and how it runs. Precision `auto` and `f32` are the reference's; `bf16` is up to twice as fast on a processor that
    /// multiplies pairs of it (cosine with the reference 0.9999 and more), `int8` up to three times on one that multiplies
    /// fours of bytes (0.998 in the mean). Either may order near equals otherwise, so its name says so.
    ///
    /// # Errors
    /// `ModelError::File` for a missing file, `ModelError::Asked` for `f16`, `ModelError::Device` for a GPU that is not there.
    pub fn open_as(folder: &Path, options: &Options) -> Result<Self, ModelError> {
        Self::start(folder, options, false)
    }

    /// Opens a folder and loads it at once; blocks while it does.
    ///
    /// # Errors
    /// Any `ModelError`: which file, which tensor, the shape wanted and found, how to mend it.
    pub fn load(folder: &Path, device: DeviceChoice) -> Result<Self, ModelError> {
        Self::load_as(folder, &Options { device, ..Options::default() })
    }

    /// The same, and how it runs, as [`MiniLm::open_as`].
    ///
    /// # Errors
    /// Any `ModelError`.
    pub fn load_as(folder: &Path, options: &Options) -> Result<Self, ModelError> {
        Self::start(folder, options, true)
    }

    fn start(folder: &Path, options: &Options, now: bool) -> Result<Self, ModelError> {
        let Options { device, precision, watch, .. } = options.clone();
        let wanted = Wanted { folder: Folder::open(folder)?, device, precision, watch };
        if matches!(device, DeviceChoice::Cuda(_)) {
            // Not left to the first document: whoever asked for it is still looking.
            device.open()?;
        }
        let mut name = wanted.folder.fingerprint()?;
        match wanted.width()? {
            Width::F32 => {}
            Width::Bf16 => name.push_str(" bf16"),
            Width::Int8 => name.push_str(" int8"),
        }
        let (requests, queue) = channel();
        let loaded = Arc::new(OnceLock::new());
        let noted = Arc::clone(&loaded);
        let encoder = if now { Some(reader::load(&wanted, &loaded)?) } else { None };
        std::thread::Builder::new()
            .name("model".to_owned())
            .spawn(move || reader::serve(&wanted, &queue, &noted, encoder))
            .map_err(ModelError::Thread)?;
        Ok(Self { name, requests, loaded })
    }

    /// How long loading took; `None` while nothing has been loaded.
    #[must_use]
    pub fn load_time(&self) -> Option<Duration> {
        self.loaded.get().copied()
    }
}

#[async_trait]
impl Backend for MiniLm {
    fn name(&self) -> String {
        self.name.clone()
    }

    async fn embed(&self, tenant: &str, texts: Vec<String>) -> Result<Vec<Vec<f32>>, BackendError> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let (request, answer) = Request::new(tenant, texts);
        self.requests.send(request).map_err(|_| BackendError::Stopped)?;
        answer.await.map_err(|_| BackendError::Stopped)?
    }

    /// An encoder has no words of its own.
    fn generator(&self) -> Option<&dyn Generator> {
        None
    }
}
