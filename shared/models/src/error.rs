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
    /// A model, or a kind of it, that this program has no code for.
    #[error("{}: {what} is {found}; this program runs {supported}: give a folder with such a model", path.display())]
    Unsupported {
        /// The file that says so.
        path: PathBuf,
        /// The name of the setting.
        what: String,
        /// Its value.
        found: String,
        /// What would do.
        supported: String,
    },
    /// The tokenizer has tokens for which the model has no numbers.
    #[error("{}: token ids go up to {highest}, but the model has only {rows} of them; tokenizer and weights are of different models: fetch both again (`precis models pull`)", path.display())]
    Vocabulary {
        /// The tokenizer's file.
        path: PathBuf,
        /// The highest id of the tokenizer.
        highest: u32,
        /// Rows of the model's table of tokens.
        rows: usize,
    },
    /// A prompt, with the answer asked for, is longer than what the model can look back on.
    #[error(
        "a prompt of {prompt} tokens with an answer of up to {answer} does not fit the model's context of {context}: shorten it, or ask for a shorter answer"
    )]
    TooLong {
        /// Tokens of the prompt, with the model's own template.
        prompt: usize,
        /// Longest answer asked for.
        answer: usize,
        /// Tokens that fit.
        context: usize,
    },
    /// A request that means nothing.
    #[error("{0}")]
    Asked(String),
    /// The model's numbers overflowed, also where the row was computed alone in f32.
    #[error(
        "the model's answer has no finite numbers after {written} tokens ({found}), alone and in f32 too: its weights are damaged, `precis models verify` tells"
    )]
    NotFinite {
        /// Tokens of the answer before it.
        written: usize,
        /// What was found instead.
        found: String,
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
    /// A computation's failure in the library's words.
    pub(crate) fn run(error: impl std::fmt::Display) -> Self {
        Self::Run(error.to_string())
    }

    /// Whether the device had no room for what was computed, as CUDA's driver says it.
    pub(crate) fn is_out_of_memory(&self) -> bool {
        let said = |text: &str| text.contains("OUT_OF_MEMORY") || text.contains("out of memory");
        matches!(self, Self::Run(text) if said(text))
    }

    /// Whether trying again with the same installation is useless.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        !matches!(self, Self::Run(_) | Self::Thread(_) | Self::NotFinite { .. })
    }
}
