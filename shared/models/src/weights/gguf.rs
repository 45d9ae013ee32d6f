//! GGUF: one file with weights in blocks of few bits, its settings and its tokenizer.
//!
//! Its tensors have names of their own; ours are asked for by those of the reference library.

use crate::ModelError;
use candle_core::quantized::QTensor;
use candle_core::quantized::gguf_file::{Content, Value};
use candle_core::{Device, Result};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

pub(crate) struct Gguf {
    pub path: PathBuf,
    content: Content,
}

impl Gguf {
    /// Reads the header.
    pub(crate) fn open(path: &Path) -> std::result::Result<Self, ModelError> {
        let file = File::open(path).map_err(|source| ModelError::File { path: path.to_owned(), source })?;
        let content = Content::read(&mut BufReader::new(file)).map_err(|error| ModelError::Content {
            path: path.to_owned(),
            reason: format!("it is truncated or no GGUF file ({error})"),
        })?;
        Ok(Self { path: path.to_owned(), content })
    }

    pub(crate) fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.content.tensor_infos.get(&own_name(name)).map(|info| info.shape.dims().to_vec())
    }

    pub(crate) fn tensor(&self, name: &str, device: &Device) -> Result<QTensor> {
        let mut file = BufReader::new(File::open(&self.path)?);
        self.content.tensor(&mut file, &own_name(name), device)
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
        "model.embed_tokens.weight" => Some("token_embd.weight"),
        "model.norm.weight" => Some("output_norm.weight"),
        "lm_head.weight" => Some("output.weight"),
        _ => None,
    };
    if let Some(whole) = whole {
        return whole.to_owned();
    }
    let layered = name.strip_prefix("model.layers.").and_then(|rest| rest.split_once('.'));
    let Some((layer, part)) = layered else { return name.to_owned() };
    let part = match part {
        "self_attn.q_proj.weight" => "attn_q.weight",
        "self_attn.k_proj.weight" => "attn_k.weight",
        "self_attn.v_proj.weight" => "attn_v.weight",
        "self_attn.o_proj.weight" => "attn_output.weight",
        "self_attn.q_norm.weight" => "attn_q_norm.weight",
        "self_attn.k_norm.weight" => "attn_k_norm.weight",
        "input_layernorm.weight" => "attn_norm.weight",
        "post_attention_layernorm.weight" => "ffn_norm.weight",
        "mlp.gate_proj.weight" => "ffn_gate.weight",
        "mlp.up_proj.weight" => "ffn_up.weight",
        "mlp.down_proj.weight" => "ffn_down.weight",
        other => other,
    };
    format!("blk.{layer}.{part}")
}
