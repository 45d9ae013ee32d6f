//! T5's settings.

use crate::ModelError;
use crate::settings::{Settings, unsupported};
use crate::weights::{Gguf, Weights};

/// The feed-forward part's activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// Version 1.0.
    Relu,
    /// Version 1.1: GELU by its tanh formula.
    Gelu,
}

#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub vocabulary: usize,
    pub hidden: usize,
    pub dim: usize,
    pub heads: usize,
    pub wide: usize,
    pub encoder_layers: usize,
    pub decoder_layers: usize,
    pub buckets: usize,
    pub farthest: usize,
    pub epsilon: f64,
    pub act: Act,
    pub gated: bool,
    /// The decoder's output is scaled by hidden^-0.5 before the last product.
    pub scaled: bool,
    /// The last product has weights of its own; `None` where the files decide.
    pub own_head: Option<bool>,
    pub start: u32,
    pub ends: Vec<u32>,
    /// Tokens of the encoder: what the model was trained on, as its positions are relative.
    pub context: usize,
}

impl Config {
    pub(crate) fn read(from: &Settings) -> Result<Self, ModelError> {
        let feed = from.text("feed_forward_proj").unwrap_or("relu");
        let (act, gated) = match feed {
            "relu" => (Act::Relu, false),
            "gated-gelu" => (Act::Gelu, true),
            other => return Err(from.unsupported("feed_forward_proj", other, "relu and gated-gelu")),
        };
        let encoder_layers = from.size("num_layers")?;
        let tied = from.flag("tie_word_embeddings");
        // Newer files say both apart; in older ones `false` means both.
        let scaled = from.flag("scale_decoder_outputs").unwrap_or(tied != Some(false));
        let own_head = match tied {
            Some(false) => Some(true),
            _ if scaled => Some(false),
            _ => None,
        };
        let mut ends = from.ids("eos_token_id")?;
        if ends.is_empty() {
            ends.push(1);
        }
        let config = Self {
            vocabulary: from.size("vocab_size")?,
            hidden: from.size("d_model")?,
            dim: from.size("d_kv")?,
            heads: from.size("num_heads")?,
            wide: from.size("d_ff")?,
            encoder_layers,
            decoder_layers: from.size_or("num_decoder_layers", encoder_layers)?,
            buckets: from.size_or("relative_attention_num_buckets", 32)?,
            farthest: from.size_or("relative_attention_max_distance", 128)?,
            epsilon: from.number_or("layer_norm_epsilon", 1e-6)?,
            act,
            gated,
            scaled,
            own_head,
            start: from.ids("decoder_start_token_id")?.first().copied().unwrap_or(0),
            ends,
            context: from.size_or("n_positions", 512)?,
        };
        if config.buckets < 4 || config.farthest <= config.buckets / 2 {
            let found = format!("{} up to {}", config.buckets, config.farthest);
            return Err(from.unsupported(
                "relative_attention_num_buckets",
                &found,
                "4 or more, up to a distance above half of them",
            ));
        }
        Ok(config)
    }

    /// Of a GGUF file. What it does not say of its kind shows in which tensors it has.
    pub(crate) fn of_gguf(gguf: &Gguf, weights: &Weights) -> Result<Self, ModelError> {
        let needed = |key: &str| gguf.needed(&format!("t5.{key}"));
        let whole = |key: &str| gguf.whole(&format!("t5.{key}")).and_then(|n| usize::try_from(n).ok());
        let epsilon = ["layer_norm_rms_epsilon", "layer_norm_epsilon"];
        let epsilon = epsilon.iter().find_map(|key| gguf.number(&format!("t5.attention.{key}")));
        let gated = weights.has("encoder.block.0.layer.1.DenseReluDense.wi_0.weight");
        let own = weights.has("lm_head.weight");
        let table = weights.shape("shared.weight");
        let encoder_layers = needed("block_count")?;
        let config = Self {
            vocabulary: table.and_then(|shape| shape.first().copied()).unwrap_or(0),
            hidden: needed("embedding_length")?,
            dim: needed("attention.key_length")?,
            heads: needed("attention.head_count")?,
            wide: needed("feed_forward_length")?,
            encoder_layers,
            decoder_layers: whole("decoder_block_count").unwrap_or(encoder_layers),
            buckets: needed("attention.relative_buckets_count")?,
            farthest: 128,
            epsilon: epsilon.unwrap_or(1e-6),
            act: if gated { Act::Gelu } else { Act::Relu },
            gated,
            scaled: !own,
            own_head: Some(own),
            start: gguf.whole("t5.decoder_start_token_id").unwrap_or(0),
            ends: vec![gguf.whole("tokenizer.ggml.eos_token_id").unwrap_or(1)],
            context: needed("context_length")?,
        };
        if config.buckets < 4 || config.farthest <= config.buckets / 2 {
            let found = config.buckets.to_string();
            let key = "t5.attention.relative_buckets_count";
            return Err(unsupported(&gguf.path, key, &found, "4 to 255"));
        }
        Ok(config)
    }
}
