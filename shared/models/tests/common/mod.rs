//! A small model with random weights, made here, as a folder.

#![allow(dead_code, reason = "each test file uses some of it")]
#![expect(clippy::unwrap_used, reason = "helpers of tests are not marked as tests")]

use candle_core::{DType, Device, Tensor};
use candle_nn::{VarBuilder, VarMap};
use candle_transformers::models::bert::{BertModel, Config};
use std::collections::HashMap;
use std::path::Path;
use tempfile::TempDir;

pub const WORDS: &[&str] = &[
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "rent", "rises", "notice", "is", "due", "roof", "leaks",
    "now", "##s",
];

pub fn config() -> serde_json::Value {
    serde_json::json!({
        "vocab_size": WORDS.len(), "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
        "intermediate_size": 64, "hidden_act": "gelu", "hidden_dropout_prob": 0.1, "max_position_embeddings": 64,
        "type_vocab_size": 2, "initializer_range": 0.02, "layer_norm_eps": 1e-12, "pad_token_id": 0
    })
}

fn tokenizer() -> serde_json::Value {
    let vocab: HashMap<&str, usize> = WORDS.iter().copied().zip(0..).collect();
    serde_json::json!({
        "version": "1.0",
        // As exports carry them: both must be overridden.
        "truncation": {"direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0},
        "padding": {"strategy": {"Fixed": 20}, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"},
        "added_tokens": [],
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]},
        "decoder": null,
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": vocab}
    })
}

/// Weights of Candle's own BERT, so that the same file serves both.
pub fn weights(seed: u64) -> HashMap<String, Tensor> {
    let map = VarMap::new();
    let vb = VarBuilder::from_varmap(&map, DType::F32, &Device::Cpu);
    let config: Config = serde_json::from_value(config()).unwrap();
    BertModel::load(vb, &config).unwrap();
    let names: Vec<(String, Tensor)> =
        map.data().lock().unwrap().iter().map(|(n, v)| (n.clone(), v.as_tensor().clone())).collect();
    let mut state = seed;
    let mut random = move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    };
    let mut sorted = names;
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    sorted
        .into_iter()
        .map(|(name, tensor)| {
            let values: Vec<f32> = (0..tensor.elem_count()).map(|_| random() * 0.5).collect();
            (name, Tensor::from_vec(values, tensor.shape(), &Device::Cpu).unwrap())
        })
        .collect()
}

pub fn write(folder: &Path, weights: &HashMap<String, Tensor>) {
    std::fs::write(folder.join("config.json"), config().to_string()).unwrap();
    std::fs::write(folder.join("tokenizer.json"), tokenizer().to_string()).unwrap();
    candle_core::safetensors::save(weights, folder.join("model.safetensors")).unwrap();
}

pub fn model() -> (TempDir, HashMap<String, Tensor>) {
    let folder = tempfile::tempdir().unwrap();
    let weights = weights(1);
    write(folder.path(), &weights);
    (folder, weights)
}
