//! What can be wrong with a model, and how to mend it.

use std::path::PathBuf;

/// Why a model cannot be used. Every text names the file and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A file of the folder is missing or unreadable.
    #[error("{}: {source}; a model folder holds config.json, tokenizer.json and model.safetensors: run `make setup`, or give another folder", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is there but does not say what it should.
    #[error("{}: {reason}; fetch it again with `make setup`", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The weights lack a tensor.
    #[error("{}: tensor {tensor} is missing (wanted shape {wanted:?}); config.json and model.safetensors are of different models: fetch both again with `make setup`", path.display())]
    MissingTensor {
        /// The weights file.
        path: PathBuf,
        /// The tensor's name.
        tensor: String,
        /// Its shape by config.json.
        wanted: Vec<usize>,
    },
    /// A tensor has another shape than config.json says.
    #[error("{}: tensor {tensor} has shape {found:?}, wanted {wanted:?}; config.json and model.safetensors are of different models: fetch both again with `make setup`", path.display())]
    WrongShape {
        /// The weights file.
        path: PathBuf,
        /// The tensor's name.
        tensor: String,
        /// Its shape by config.json.
        wanted: Vec<usize>,
        /// Its shape in the file.
        found: Vec<usize>,
    },
    /// The device cannot be used.
    #[error("device {device}: {reason}")]
    Device {
        /// As it was asked for.
        device: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A computation failed.
    #[error("the model failed: {0}")]
    Run(String),
    /// The thread for the model could not be started.
    #[error("the model's thread cannot be started: {0}")]
    Thread(std::io::Error),
}

impl ModelError {
    /// Whether trying again with the same installation is useless.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        !matches!(self, Self::Run(_) | Self::Thread(_))
    }
}
