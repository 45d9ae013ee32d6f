//! GGUF: one file with weights in blocks of few bits, its settings and its tokenizer.
//!
//! Its tensors have names of their own; ours are asked for by those of the reference library.

use crate::ModelError;
use candle_core::quantized::gguf_file::{Content, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Result, bail};
use memmap2::Mmap;
use std::fs::File;
use std::io::Cursor;
use std::path::{Path, PathBuf};

pub(crate) struct Gguf {
    pub path: PathBuf,
    content: Content,
    map: Mmap,
}

impl Gguf {
    /// Reads the header.
    pub(crate) fn open(path: &Path) -> std::result::Result<Self, ModelError> {
        let file = File::open(path).map_err(|source| ModelError::File { path: path.to_owned(), source })?;
        #[expect(
            unsafe_code,
            reason = "model files are written once, then only replaced whole, never changed in place"
        )]
        let map = unsafe { Mmap::map(&file) };
        let map = map.map_err(|source| ModelError::File { path: path.to_owned(), source })?;
        let content = Content::read(&mut Cursor::new(&map[..])).map_err(|error| ModelError::Content {
            path: path.to_owned(),
            reason: format!("it is truncated or no GGUF file ({error})"),
        })?;
        Ok(Self { path: path.to_owned(), content, map })
    }

    pub(crate) fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.content.tensor_infos.get(&own_name(name)).map(|info| info.shape.dims().to_vec())
    }

    pub(crate) fn tensor(&self, name: &str, device: &Device) -> Result<QTensor> {
        self.content.tensor(&mut Cursor::new(&self.map[..]), &own_name(name), device)
    }

    /// A tensor's kind and bytes.
    pub(crate) fn bytes(&self, name: &str) -> Result<(GgmlDType, &[u8])> {
        let Some(info) = self.content.tensor_infos.get(&own_name(name)) else { bail!("it is missing") };
        let kind = info.ggml_dtype;
        let blocks = info.shape.elem_count() / kind.block_size();
        let from = usize::try_from(self.content.tensor_data_offset.saturating_add(info.offset));
        let rest = from.ok().and_then(|from| self.map.get(from..));
        let bytes = rest.and_then(|rest| rest.get(..blocks.saturating_mul(kind.type_size())));
        match bytes {
            Some(bytes) => Ok((kind, bytes)),
            None => bail!("it ends beyond the file"),
        }
    }

    pub(crate) fn architecture(&self) -> &str {
        self.text("general.architecture").unwrap_or_default()
    }

    pub(crate) fn value(&self, key: &str) -> Option<&Value> {
        self.content.metadata.get(key)
    }

    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        text(self.value(key)?)
    }

    pub(crate) fn number(&self, key: &str) -> Option<f64> {
        match self.value(key)? {
            Value::F32(n) => Some(f64::from(*n)),
            Value::F64(n) => Some(*n),
            _ => self.whole(key).map(f64::from),
        }
    }

    pub(crate) fn whole(&self, key: &str) -> Option<u32> {
        match self.value(key)? {
            Value::U8(n) => Some(u32::from(*n)),
            Value::U16(n) => Some(u32::from(*n)),
            Value::U32(n) => Some(*n),
            Value::U64(n) => u32::try_from(*n).ok(),
            Value::I32(n) => u32::try_from(*n).ok(),
            Value::I64(n) => u32::try_from(*n).ok(),
            _ => None,
        }
    }

    /// A setting that the model can't do without.
    pub(crate) fn needed(&self, key: &str) -> std::result::Result<usize, ModelError> {
        let found = self.whole(key).and_then(|n| usize::try_from(n).ok());
        found.ok_or_else(|| ModelError::Content {
            path: self.path.clone(),
            reason: format!("its header has no {key}"),
        })
    }

    /// The place of a token in the list of them.
    pub(crate) fn token(&self, name: &str) -> Option<u32> {
        let tokens = self.texts("tokenizer.ggml.tokens")?;
        tokens.iter().position(|token| *token == name).and_then(|at| u32::try_from(at).ok())
    }

    pub(crate) fn texts(&self, key: &str) -> Option<Vec<&str>> {
        let Value::Array(values) = self.value(key)? else { return None };
        values.iter().map(text).collect()
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// `model.layers.3.self_attn.q_proj.weight` → `blk.3.attn_q.weight`.
fn own_name(name: &str) -> String {
    let whole = match name {
        "model.embed_tokens.weight" | "shared.weight" => Some("token_embd.weight"),
        "model.norm.weight" => Some("output_norm.weight"),
        "lm_head.weight" => Some("output.weight"),
        "encoder.final_layer_norm.weight" => Some("enc.output_norm.weight"),
        "decoder.final_layer_norm.weight" => Some("dec.output_norm.weight"),
        _ => None,
    };
    let layered = |prefix: &str| name.strip_prefix(prefix).and_then(|rest| rest.split_once('.'));
    if let Some(whole) = whole {
        whole.to_owned()
    } else if let Some((layer, part)) = layered("model.layers.") {
        format!("blk.{layer}.{}", own_part(part, &QWEN3))
    } else if let Some((layer, part)) = layered("encoder.block.") {
        format!("enc.blk.{layer}.{}", own_part(part, &T5_ENCODER))
    } else if let Some((layer, part)) = layered("decoder.block.") {
        format!("dec.blk.{layer}.{}", own_part(part, &T5_DECODER))
    } else {
        name.to_owned()
    }
}

type Names = [(&'static str, &'static str)];

fn own_part(part: &str, names: &Names) -> String {
    let bare = part.strip_suffix(".weight").unwrap_or(part);
    let own = names.iter().find(|(name, _)| *name == bare).map_or(bare, |(_, own)| own);
    format!("{own}.weight")
}

const QWEN3: [(&str, &str); 11] = [
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.o_proj", "attn_output"),
    ("self_attn.q_norm", "attn_q_norm"),
    ("self_attn.k_norm", "attn_k_norm"),
    ("input_layernorm", "attn_norm"),
    ("post_attention_layernorm", "ffn_norm"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
];

const T5_ENCODER: [(&str, &str); 11] = [
    ("layer.0.SelfAttention.q", "attn_q"),
    ("layer.0.SelfAttention.k", "attn_k"),
    ("layer.0.SelfAttention.v", "attn_v"),
    ("layer.0.SelfAttention.o", "attn_o"),
    ("layer.0.SelfAttention.relative_attention_bias", "attn_rel_b"),
    ("layer.0.layer_norm", "attn_norm"),
    ("layer.1.DenseReluDense.wi", "ffn_up"),
    ("layer.1.DenseReluDense.wi_0", "ffn_gate"),
    ("layer.1.DenseReluDense.wi_1", "ffn_up"),
    ("layer.1.DenseReluDense.wo", "ffn_down"),
    ("layer.1.layer_norm", "ffn_norm"),
];

const T5_DECODER: [(&str, &str); 16] = [
    ("layer.0.SelfAttention.q", "attn_q"),
    ("layer.0.SelfAttention.k", "attn_k"),
    ("layer.0.SelfAttention.v", "attn_v"),
    ("layer.0.SelfAttention.o", "attn_o"),
    ("layer.0.SelfAttention.relative_attention_bias", "attn_rel_b"),
    ("layer.0.layer_norm", "attn_norm"),
    ("layer.1.EncDecAttention.q", "cross_attn_q"),
    ("layer.1.EncDecAttention.k", "cross_attn_k"),
    ("layer.1.EncDecAttention.v", "cross_attn_v"),
    ("layer.1.EncDecAttention.o", "cross_attn_o"),
    ("layer.1.layer_norm", "cross_attn_norm"),
    ("layer.2.DenseReluDense.wi", "ffn_up"),
    ("layer.2.DenseReluDense.wi_0", "ffn_gate"),
    ("layer.2.DenseReluDense.wi_1", "ffn_up"),
    ("layer.2.DenseReluDense.wo", "ffn_down"),
    ("layer.2.layer_norm", "ffn_norm"),
];
