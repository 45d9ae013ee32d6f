//! `all-MiniLM-L6-v2` and its kin as summarizer's backend.

use crate::folder::Folder;
use crate::worker::{self, Request};
use crate::{DeviceChoice, ModelError};
use async_trait::async_trait;
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use summarizer::{Backend, BackendError, Generator};
use tokio::sync::oneshot;

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
        Self::start(Folder::open(folder)?, device, false)
    }

    /// Opens a folder and loads it at once; blocks while it does.
    ///
    /// # Errors
    /// Any `ModelError`: which file, which tensor, the shape wanted and found, how to mend it.
    pub fn load(folder: &Path, device: DeviceChoice) -> Result<Self, ModelError> {
        Self::start(Folder::open(folder)?, device, true)
    }

    fn start(folder: Folder, device: DeviceChoice, now: bool) -> Result<Self, ModelError> {
        let name = folder.fingerprint()?;
        let (requests, queue) = channel();
        let loaded = Arc::new(OnceLock::new());
        let noted = Arc::clone(&loaded);
        let encoder = if now { Some(worker::load(&folder, device, &loaded)?) } else { None };
        std::thread::Builder::new()
            .name("model".to_owned())
            .spawn(move || worker::serve(&folder, device, &queue, &noted, encoder))
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

    async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, BackendError> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let (reply, answer) = oneshot::channel();
        self.requests.send(Request { texts, reply }).map_err(|_| BackendError::Stopped)?;
        answer.await.map_err(|_| BackendError::Stopped)?
    }

    /// An encoder has no words of its own.
    fn generator(&self) -> Option<&dyn Generator> {
        None
    }
}
