//! A model's folder: what must be in it, and that it fits together.

use crate::ModelError;
use crate::mapped::Mapped;
use candle_transformers::models::bert::Config;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use tokenizers::{Tokenizer, TruncationParams};

/// Bytes of the weights that the fingerprint reads at each end.
const ENDS: u64 = 64 * 1024;
/// The longest sequence where the folder does not say.
const TOKENS: usize = 256;

/// The files of a BERT-like sentence encoder.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Checks that the files are there; reads none whole.
    pub(crate) fn open(path: &Path) -> Result<Self, ModelError> {
        let folder = Self { path: path.to_owned() };
        for name in ["config.json", "tokenizer.json", "model.safetensors"] {
            let path = folder.file(name);
            File::open(&path).map_err(|source| ModelError::File { path, source })?;
        }
        Ok(folder)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Bytes of the weights.
    pub(crate) fn size(&self) -> Result<u64, ModelError> {
        let path = self.file("model.safetensors");
        std::fs::metadata(&path).map(|file| file.len()).map_err(|source| ModelError::File { path, source })
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, ModelError> {
        let path = self.file(name);
        std::fs::read(&path).map_err(|source| ModelError::File { path, source })
    }

    fn content(&self, name: &str, reason: impl ToString) -> ModelError {
        ModelError::Content { path: self.file(name), reason: reason.to_string() }
    }

    /// `name@digits`: the same for the same weights, another one after any training. Reads the small files,
    /// and of the weights their size and both ends (a header with every tensor's place, and trained
    /// numbers), so that naming a model does not cost loading it.
    pub(crate) fn fingerprint(&self) -> Result<String, ModelError> {
        let mut hash = Sha256::new();
        hash.update(self.read("config.json")?);
        hash.update(self.read("tokenizer.json")?);
        let path = self.file("model.safetensors");
        let wrap = |source| ModelError::File { path: path.clone(), source };
        let mut file = File::open(&path).map_err(wrap)?;
        let size = file.metadata().map_err(wrap)?.len();
        hash.update(size.to_le_bytes());
        for start in [0, size.saturating_sub(ENDS)] {
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(start)).map_err(wrap)?;
            (&mut file).take(ENDS).read_to_end(&mut bytes).map_err(wrap)?;
            hash.update(bytes);
        }
        let digits: String = hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let name = self.path.file_name().map_or_else(|| "model".into(), |name| name.to_string_lossy());
        Ok(format!("{name}@{digits}"))
    }

    pub(crate) fn config(&self) -> Result<Config, ModelError> {
        let config: Config = serde_json::from_slice(&self.read("config.json")?)
            .map_err(|error| self.content("config.json", error))?;
        if config.num_attention_heads == 0 || !config.hidden_size.is_multiple_of(config.num_attention_heads) {
            let reason = format!(
                "hidden_size {} is no multiple of num_attention_heads {}",
                config.hidden_size, config.num_attention_heads
            );
            return Err(self.content("config.json", reason));
        }
        Ok(config)
    }

    /// The tokenizer without padding, truncating where the sentence encoder does: the file itself may
    /// carry the settings of whoever exported it.
    pub(crate) fn tokenizer(&self, config: &Config) -> Result<Tokenizer, ModelError> {
        let mut tokenizer = Tokenizer::from_bytes(self.read("tokenizer.json")?)
            .map_err(|error| self.content("tokenizer.json", error))?;
        let max_length = self.longest()?.min(config.max_position_embeddings);
        let truncation = TruncationParams { max_length, ..TruncationParams::default() };
        tokenizer.with_padding(None);
        tokenizer.with_truncation(Some(truncation)).map_err(|error| self.content("tokenizer.json", error))?;
        Ok(tokenizer)
    }

    fn longest(&self) -> Result<usize, ModelError> {
        let name = "sentence_bert_config.json";
        if !self.file(name).exists() {
            return Ok(TOKENS);
        }
        let value: serde_json::Value =
            serde_json::from_slice(&self.read(name)?).map_err(|error| self.content(name, error))?;
        Ok(value["max_seq_length"].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(TOKENS))
    }

    /// The weights, every tensor of `config` there and of its shape.
    pub(crate) fn weights(&self, config: &Config) -> Result<Mapped, ModelError> {
        let name = "model.safetensors";
        let path = self.file(name);
        File::open(&path).map_err(|source| ModelError::File { path: path.clone(), source })?;
        let mapped = Mapped::open(&path).map_err(|error| {
            self.content(name, format!("it is truncated or no safetensors file ({error})"))
        })?;
        for (tensor, wanted) in shapes(config) {
            let path = path.clone();
            match mapped.shape(&tensor) {
                None => return Err(ModelError::MissingTensor { path, tensor, wanted }),
                Some(found) if found != wanted => {
                    return Err(ModelError::WrongShape { path, tensor, wanted, found });
                }
                Some(_) => {}
            }
        }
        Ok(mapped)
    }
}

/// Every tensor of a BERT encoder with its shape.
fn shapes(config: &Config) -> Vec<(String, Vec<usize>)> {
    let (hidden, wide) = (config.hidden_size, config.intermediate_size);
    let mut out = vec![
        ("embeddings.word_embeddings.weight".to_owned(), vec![config.vocab_size, hidden]),
        ("embeddings.position_embeddings.weight".to_owned(), vec![config.max_position_embeddings, hidden]),
        ("embeddings.token_type_embeddings.weight".to_owned(), vec![config.type_vocab_size, hidden]),
        ("embeddings.LayerNorm.weight".to_owned(), vec![hidden]),
        ("embeddings.LayerNorm.bias".to_owned(), vec![hidden]),
    ];
    for layer in 0..config.num_hidden_layers {
        let dense = [
            ("attention.self.query", hidden, hidden),
            ("attention.self.key", hidden, hidden),
            ("attention.self.value", hidden, hidden),
            ("attention.output.dense", hidden, hidden),
            ("intermediate.dense", wide, hidden),
            ("output.dense", hidden, wide),
        ];
        for (name, rows, columns) in dense {
            out.push((format!("encoder.layer.{layer}.{name}.weight"), vec![rows, columns]));
            out.push((format!("encoder.layer.{layer}.{name}.bias"), vec![rows]));
        }
        for name in ["attention.output.LayerNorm", "output.LayerNorm"] {
            for part in ["weight", "bias"] {
                out.push((format!("encoder.layer.{layer}.{name}.{part}"), vec![hidden]));
            }
        }
    }
    out
}
