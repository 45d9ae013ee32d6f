//! A Qwen3 folder as a GGUF file in 8 or 4 bits, for `benches/models/decoder.py` to measure what others make of the same.
//!
//! ```text
//! quantising FOLDER Q8_0|Q4_K_M FILE.gguf
//! ```
//! Q4_K_M is its usual mixture here: 6 bits for the table of tokens, and for values and the last products of a layer in the
//! first and last eighth of the layers and in every third between. The tokenizer stays beside it, as `tokenizer.json`.

use candle_core::quantized::gguf_file::{Value, write};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::safetensors::MmapedSafetensors;
use candle_core::{DType, Device, Tensor};
use std::error::Error;
use std::path::Path;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// What the reference library and GGUF call the parts of a layer.
const PARTS: [(&str, &str); 11] = [
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

fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [folder, kind, out] = &args[..] else {
        return Err("usage: quantising FOLDER Q8_0|Q4_K_M FILE".into());
    };
    let folder = Path::new(folder);
    let config: serde_json::Value = serde_json::from_slice(&std::fs::read(folder.join("config.json"))?)?;
    let size = |key: &str| config[key].as_u64().ok_or(format!("config.json has no {key}"));
    let layers = size("num_hidden_layers")?;
    #[expect(unsafe_code, reason = "nobody changes the file while this reads it")]
    let tensors = unsafe { MmapedSafetensors::new(folder.join("model.safetensors"))? };

    let mut names = vec![
        ("model.embed_tokens.weight".to_owned(), "token_embd.weight".to_owned(), 0),
        ("model.norm.weight".to_owned(), "output_norm.weight".to_owned(), 0),
    ];
    for at in 0..layers {
        let pair = |(theirs, own): &(&str, &str)| {
            (format!("model.layers.{at}.{theirs}.weight"), format!("blk.{at}.{own}.weight"), at)
        };
        names.extend(PARTS.iter().map(pair));
    }
    let mut made = Vec::new();
    for (theirs, own, at) in names {
        let tensor = tensors.load(&theirs, &Device::Cpu)?.to_dtype(DType::F32)?;
        made.push((quantised(&tensor, &own, kind, at, layers)?, own));
    }
    let number = |key: &str| Ok::<_, Box<dyn Error>>(Value::U32(size(key)?.try_into()?));
    let theta = config["rope_theta"].as_f64().or(config["rope_parameters"]["rope_theta"].as_f64());
    let metadata = [
        ("general.architecture", Value::String("qwen3".to_owned())),
        ("qwen3.vocab_size", number("vocab_size")?),
        ("qwen3.block_count", number("num_hidden_layers")?),
        ("qwen3.context_length", number("max_position_embeddings")?),
        ("qwen3.embedding_length", number("hidden_size")?),
        ("qwen3.feed_forward_length", number("intermediate_size")?),
        ("qwen3.attention.head_count", number("num_attention_heads")?),
        ("qwen3.attention.head_count_kv", number("num_key_value_heads")?),
        ("qwen3.attention.key_length", number("head_dim")?),
        ("qwen3.attention.value_length", number("head_dim")?),
        ("qwen3.attention.layer_norm_rms_epsilon", Value::F32(1e-6)),
        ("qwen3.rope.freq_base", Value::F32(theta.ok_or("config.json has no rope_theta")? as f32)),
        ("tokenizer.ggml.model", Value::String("none".to_owned())),
    ];
    let metadata: Vec<(&str, &Value)> = metadata.iter().map(|(key, value)| (*key, value)).collect();
    let tensors: Vec<(&str, &QTensor)> = made.iter().map(|(tensor, name)| (name.as_str(), tensor)).collect();
    write(&mut std::fs::File::create(out)?, &metadata, &tensors)?;
    Ok(())
}

fn quantised(tensor: &Tensor, name: &str, kind: &str, at: u64, layers: u64) -> Outcome<QTensor> {
    let fine = at < layers / 8 || at >= 7 * layers / 8 || (at - layers / 8) % 3 == 2;
    let kind = match kind {
        _ if tensor.rank() == 1 => GgmlDType::F32,
        "Q8_0" => GgmlDType::Q8_0,
        "Q4_K_M" if name == "token_embd.weight" => GgmlDType::Q6K,
        "Q4_K_M" if fine && (name.contains("attn_v.") || name.contains("ffn_down")) => GgmlDType::Q6K,
        "Q4_K_M" => GgmlDType::Q4K,
        other => return Err(format!("{other}: give Q8_0 or Q4_K_M").into()),
    };
    Ok(QTensor::quantize(tensor, kind)?)
}
