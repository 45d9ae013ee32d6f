//! The tokenizer inside a GGUF file, as the JSON that the tokenizer library reads.

use crate::ModelError;
use crate::settings::unsupported;
use crate::weights::Gguf;
use candle_core::quantized::gguf_file::Value as Held;
use serde_json::{Map, Value, json};

/// How Qwen's models cut a text into words before bytes are paired: contractions, letters, single digits, marks, breaks.
const WORDS: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const CONTROL: i64 = 3;
const OWN: i64 = 4;
const UNUSED: i64 = 5;

/// Byte-level pairs cut as Qwen's are; other tokenizers have to lie beside the file.
pub(super) fn tokenizer(gguf: &Gguf) -> Result<Value, ModelError> {
    for (key, known) in [("tokenizer.ggml.model", "gpt2"), ("tokenizer.ggml.pre", "qwen2")] {
        match gguf.text(key) {
            Some(found) if found == known => {}
            found => {
                let supported = format!("{known}, or any with a tokenizer.json beside the file");
                return Err(unsupported(&gguf.path, key, found.unwrap_or("missing"), &supported));
            }
        }
    }
    let lacks = |key: &str| ModelError::Content {
        path: gguf.path.clone(),
        reason: format!("its header has no {key}; put a tokenizer.json beside it"),
    };
    let list = |key: &str| gguf.texts(key).ok_or_else(|| lacks(key));
    let (tokens, merges) = (list("tokenizer.ggml.tokens")?, list("tokenizer.ggml.merges")?);
    let kinds = kinds(gguf);
    let (mut vocabulary, mut added) = (Map::new(), Vec::new());
    for (id, token) in tokens.iter().enumerate() {
        match kinds.get(id).copied().unwrap_or(1) {
            UNUSED => {}
            CONTROL | OWN => added.push(json!({
                "id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": true,
            })),
            _ => {
                vocabulary.insert((*token).to_owned(), json!(id));
            }
        }
    }
    let bytes =
        json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false});
    let cut = json!({"type": "Split", "pattern": {"Regex": WORDS}, "behavior": "Isolated", "invert": false});
    Ok(json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added,
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [cut, bytes.clone()]},
        "post_processor": null, "decoder": bytes,
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
            "vocab": vocabulary, "merges": merges,
        },
    }))
}

fn kinds(gguf: &Gguf) -> Vec<i64> {
    let Some(Held::Array(values)) = gguf.value("tokenizer.ggml.token_type") else { return Vec::new() };
    let kind = |value: &Held| match value {
        Held::I32(n) => i64::from(*n),
        Held::U32(n) => i64::from(*n),
        _ => 1,
    };
    values.iter().map(kind).collect()
}
