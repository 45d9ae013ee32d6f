//! Qwen3's settings, from `config.json` or a GGUF file's header.

use crate::ModelError;
use crate::settings::{Settings, unsupported};
use crate::weights::{Gguf, Weights};

#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub vocabulary: usize,
    pub hidden: usize,
    pub wide: usize,
    pub layers: usize,
    pub heads: usize,
    /// Heads of keys and values; several of the queries share one.
    pub owners: usize,
    pub dim: usize,
    pub theta: f64,
    pub epsilon: f64,
    /// The last product has the numbers of the table of tokens.
    pub tied: bool,
    pub context: usize,
    pub ends: Vec<u32>,
}

impl Config {
    pub(crate) fn read(from: &Settings) -> Result<Self, ModelError> {
        let heads = from.size("num_attention_heads")?;
        let hidden = from.size("hidden_size")?;
        let config = Self {
            vocabulary: from.size("vocab_size")?,
            hidden,
            wide: from.size("intermediate_size")?,
            layers: from.size("num_hidden_layers")?,
            heads,
            owners: from.size_or("num_key_value_heads", heads)?,
            dim: from.size_or("head_dim", 128)?,
            theta: theta(from)?,
            epsilon: from.number_or("rms_norm_eps", 1e-6)?,
            tied: from.flag("tie_word_embeddings").unwrap_or(false),
            context: from.size("max_position_embeddings")?,
            ends: from.ids("eos_token_id")?,
        };
        for key in ["attention_bias", "use_sliding_window"] {
            if from.flag(key) == Some(true) {
                return Err(from.unsupported(key, "true", "models without"));
            }
        }
        match from.text("hidden_act") {
            None | Some("silu") => {}
            Some(other) => return Err(from.unsupported("hidden_act", other, "silu")),
        }
        config.checked(|found| from.unsupported("num_attention_heads", found, FITTING))
    }

    /// Of a GGUF file of a model with the reference library's names.
    pub(crate) fn of_gguf(gguf: &Gguf, weights: &Weights) -> Result<Self, ModelError> {
        let needed = |key: &str| gguf.needed(&format!("qwen3.{key}"));
        let heads = needed("attention.head_count")?;
        let hidden = needed("embedding_length")?;
        let whole = |key: &str| gguf.whole(&format!("qwen3.{key}")).and_then(|n| usize::try_from(n).ok());
        let number = |key: &str, otherwise| gguf.number(&format!("qwen3.{key}")).unwrap_or(otherwise);
        if let Some(kind) = gguf.text("qwen3.rope.scaling.type").filter(|kind| *kind != "none") {
            return Err(unsupported(&gguf.path, "qwen3.rope.scaling.type", kind, "none"));
        }
        let table = weights.shape("model.embed_tokens.weight");
        let config = Self {
            vocabulary: table.and_then(|shape| shape.first().copied()).unwrap_or(0),
            hidden,
            wide: needed("feed_forward_length")?,
            layers: needed("block_count")?,
            heads,
            owners: whole("attention.head_count_kv").unwrap_or(heads),
            dim: whole("attention.key_length").unwrap_or(hidden / heads.max(1)),
            theta: number("rope.freq_base", 10000.0),
            epsilon: number("attention.layer_norm_rms_epsilon", 1e-6),
            tied: !weights.has("lm_head.weight"),
            context: needed("context_length")?,
            // A turn's end and a text's, whichever the header calls so.
            ends: [
                gguf.whole("tokenizer.ggml.eos_token_id"),
                gguf.token("<|im_end|>"),
                gguf.token("<|endoftext|>"),
            ]
            .into_iter()
            .flatten()
            .collect(),
        };
        config.checked(|found| unsupported(&gguf.path, "qwen3.attention.head_count", found, FITTING))
    }

    fn checked(self, wrong: impl Fn(&str) -> ModelError) -> Result<Self, ModelError> {
        let Self { heads, owners, dim, .. } = self;
        if owners == 0 || heads == 0 || !heads.is_multiple_of(owners) || dim == 0 || !dim.is_multiple_of(2) {
            return Err(wrong(&format!("{heads} over {owners} of {dim} numbers")));
        }
        Ok(self)
    }
}

const FITTING: &str = "a multiple of the heads of keys, of an even size";

/// Older files have it by itself, newer ones under the positions' parameters.
fn theta(from: &Settings) -> Result<f64, ModelError> {
    let inner = |key: &str| {
        let value = from.value.get(key).filter(|value| value.is_object())?;
        Some(Settings { path: from.path.clone(), value: value.clone() })
    };
    let mut theta = from.number_or("rope_theta", 10000.0)?;
    for key in ["rope_parameters", "rope_scaling"] {
        let Some(inner) = inner(key) else { continue };
        match inner.text("rope_type").or_else(|| inner.text("type")) {
            None | Some("default") => theta = inner.number_or("rope_theta", theta)?,
            Some(other) => return Err(from.unsupported(key, other, "default")),
        }
    }
    Ok(theta)
}
