//! The files of a generating model: what must be there, and in which of its forms.
//!
//! A folder as the reference library writes it (`config.json`, `tokenizer.json` and `model.safetensors`, or several of them
//! with `model.safetensors.index.json`), or one GGUF file, alone or in a folder, with a `tokenizer.json` or its own.

use crate::ModelError;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Bytes of each weights file that the fingerprint reads at each end.
const ENDS: u64 = 64 * 1024;
const SINGLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

/// Where the weights are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stored {
    /// One file.
    Single(PathBuf),
    /// Several; which has a tensor.
    Sharded(BTreeMap<String, PathBuf>),
    /// One file with everything.
    Gguf(PathBuf),
}

/// A model's files, found but not read.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    folder: PathBuf,
    name: String,
    pub stored: Stored,
}

impl Files {
    /// Checks that the files are there; reads none whole but an index.
    pub(crate) fn open(path: &Path) -> Result<Self, ModelError> {
        let name =
            path.file_stem().map_or_else(|| "model".into(), |name| name.to_string_lossy()).into_owned();
        if path.is_file() {
            let folder = path.parent().unwrap_or(Path::new(".")).to_owned();
            return Ok(Self { folder, name, stored: Stored::Gguf(path.to_owned()) });
        }
        // A folder's name may have a dot in it.
        let name = path.file_name().map_or(name, |name| name.to_string_lossy().into_owned());
        let stored = find(path)?;
        let files = Self { folder: path.to_owned(), name, stored };
        let small: &[&str] = match files.stored {
            Stored::Gguf(_) => &[],
            _ => &["config.json", "tokenizer.json"],
        };
        for file in small.iter().map(|name| files.file(name)).chain(files.weights()) {
            File::open(&file).map_err(|source| ModelError::File { path: file, source })?;
        }
        Ok(files)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The weights files.
    pub(crate) fn weights(&self) -> Vec<PathBuf> {
        match &self.stored {
            Stored::Single(path) | Stored::Gguf(path) => vec![path.clone()],
            Stored::Sharded(places) => {
                places.values().collect::<BTreeSet<_>>().into_iter().cloned().collect()
            }
        }
    }

    /// A small file's JSON; `None` where there is no such file.
    pub(crate) fn json(&self, name: &str) -> Result<Option<Value>, ModelError> {
        read_json(&self.file(name))
    }

    /// `name@digits`: the same for the same weights. Of the weights only sizes and ends are read, so that naming a model
    /// does not cost loading it.
    pub(crate) fn fingerprint(&self) -> Result<String, ModelError> {
        let mut hash = Sha256::new();
        for name in ["config.json", "generation_config.json", "tokenizer.json"] {
            let path = self.file(name);
            if path.exists() {
                hash.update(std::fs::read(&path).map_err(|source| ModelError::File { path, source })?);
            }
        }
        for path in self.weights() {
            ends(&path, &mut hash).map_err(|source| ModelError::File { path, source })?;
        }
        let digits: String = hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        Ok(format!("{}@{digits}", self.name))
    }
}

fn ends(path: &Path, hash: &mut Sha256) -> std::io::Result<()> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    hash.update(size.to_le_bytes());
    for start in [0, size.saturating_sub(ENDS)] {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(start))?;
        (&mut file).take(ENDS).read_to_end(&mut bytes)?;
        hash.update(bytes);
    }
    Ok(())
}

fn read_json(path: &Path) -> Result<Option<Value>, ModelError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(ModelError::File { path: path.to_owned(), source }),
    };
    let read = serde_json::from_slice(&bytes);
    read.map(Some).map_err(|error| ModelError::Content { path: path.to_owned(), reason: error.to_string() })
}

fn find(folder: &Path) -> Result<Stored, ModelError> {
    let index = folder.join(INDEX);
    if let Some(value) = read_json(&index)? {
        return shards(folder, &index, &value);
    }
    let single = folder.join(SINGLE);
    if single.exists() {
        return Ok(Stored::Single(single));
    }
    let listed = std::fs::read_dir(folder)
        .map_err(|source| ModelError::File { path: folder.to_owned(), source })?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "gguf"));
    let mut listed: Vec<PathBuf> = listed.collect();
    listed.sort();
    match listed.as_slice() {
        [] => Err(ModelError::File { path: single, source: ErrorKind::NotFound.into() }),
        [one] => Ok(Stored::Gguf(one.clone())),
        several => Err(ModelError::Asked(format!(
            "{} holds {} GGUF files: give the path of one, {} for instance",
            folder.display(),
            several.len(),
            several[0].display()
        ))),
    }
}

fn shards(folder: &Path, index: &Path, value: &Value) -> Result<Stored, ModelError> {
    let wrong = |reason: String| ModelError::Content { path: index.to_owned(), reason };
    let places = value["weight_map"].as_object().ok_or_else(|| wrong("it has no weight_map".to_owned()))?;
    let mut out = BTreeMap::new();
    for (tensor, file) in places {
        let file = file.as_str().unwrap_or_default();
        // A file of this folder, not a way out of it.
        if file.is_empty() || Path::new(file).file_name() != Some(file.as_ref()) {
            return Err(wrong(format!("weight_map has no file name for {tensor}")));
        }
        out.insert(tensor.clone(), folder.join(file));
    }
    Ok(Stored::Sharded(out))
}
