//! Models that write, from the outside: many who ask at once, and every way in which a folder or a request can be wrong. The
//! models are the tiny ones of `tests/golden`, whole or broken on purpose.

#![expect(clippy::unwrap_used, reason = "helpers of tests are not marked as tests")]

mod broken;
mod damaged;
mod together;

use candle_core::{Device, Tensor};
use precis_models::{DeviceChoice, Precision, Writer, WriterOptions};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use summarizer::Prompt;
use tempfile::TempDir;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// A model's folder to break.
fn copy(name: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(golden(name)).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    folder
}

fn options(precision: Precision) -> WriterOptions {
    WriterOptions { device: DeviceChoice::Cpu, precision, ..WriterOptions::default() }
}

fn open(path: &Path) -> Writer {
    Writer::load(path, options(Precision::F32)).unwrap()
}

fn tensors(path: &Path) -> HashMap<String, Tensor> {
    candle_core::safetensors::load(path, &Device::Cpu).unwrap()
}

fn prompt(content: &str, max_tokens: usize) -> Prompt {
    Prompt {
        instructions: String::new(),
        content: content.to_owned(),
        max_tokens,
        temperature: 0.0,
        seed: 0,
        stop: Vec::new(),
    }
}

/// Changes a folder's configuration.
fn set(folder: &Path, key: &str, value: serde_json::Value) {
    let path = folder.join("config.json");
    let mut config: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    config[key] = value;
    std::fs::write(path, config.to_string()).unwrap();
}
