//! Qwen3, dense: a decoder that reads the prompt and goes on writing. Here in Candle's operations, for devices other than the
//! processor, which has [`PackedQwen3`].

mod config;
mod packed;

pub(crate) use config::Config;
pub(crate) use packed::PackedQwen3;

use crate::ModelError;
use crate::attention::{Kv, causal};
use crate::linear::Linear;
use crate::norm::Norm;
use crate::row::{Feed, Kept, Packed, Row, together};
use crate::table::Table;
use crate::weights::Weights;
use candle_core::{DType, Device, Result, Tensor};
use candle_nn::ops::silu;
use candle_nn::rotary_emb::rope_thd;

struct Layer {
    attention_norm: Norm,
    query: Linear,
    key: Linear,
    value: Linear,
    out: Linear,
    query_norm: Norm,
    key_norm: Norm,
    dense_norm: Norm,
    gate: Linear,
    wide: Linear,
    narrow: Linear,
}

impl Layer {
    fn load(weights: &Weights, at: usize, config: &Config) -> std::result::Result<Self, ModelError> {
        let place = format!("model.layers.{at}");
        let (hidden, dim) = (config.hidden, config.dim);
        let (inner, shared) = (config.heads * dim, config.owners * dim);
        let linear = |name: &str, out, inner| weights.linear(&format!("{place}.{name}.weight"), out, inner);
        let norm = |name: &str, size| weights.norm(&format!("{place}.{name}.weight"), size, config.epsilon);
        Ok(Self {
            attention_norm: norm("input_layernorm", hidden)?,
            query: linear("self_attn.q_proj", inner, hidden)?,
            key: linear("self_attn.k_proj", shared, hidden)?,
            value: linear("self_attn.v_proj", shared, hidden)?,
            out: linear("self_attn.o_proj", hidden, inner)?,
            query_norm: norm("self_attn.q_norm", dim)?,
            key_norm: norm("self_attn.k_norm", dim)?,
            dense_norm: norm("post_attention_layernorm", hidden)?,
            gate: linear("mlp.gate_proj", config.wide, hidden)?,
            wide: linear("mlp.up_proj", config.wide, hidden)?,
            narrow: linear("mlp.down_proj", hidden, config.wide)?,
        })
    }
}

/// Where the tokens of a step stand: pairs of numbers of a query or key are turned by an angle that grows with the position.
struct Turns {
    cos: Tensor,
    sin: Tensor,
}

/// Cosines and sines of the angles, half a head's numbers for each position.
fn turns(positions: &[usize], config: &Config) -> (Vec<f32>, Vec<f32>) {
    let half = config.dim / 2;
    // In f32 as the reference: the angles of late positions are rounded, and the same is needed here.
    #[expect(clippy::cast_precision_loss, reason = "a head has few dimensions")]
    let exponents = (0..half).map(|i| (2 * i) as f32 / config.dim as f32);
    #[expect(clippy::cast_possible_truncation, reason = "as the reference rounds")]
    let theta = config.theta as f32;
    let speeds: Vec<f32> = exponents.map(|exponent| 1.0 / theta.powf(exponent)).collect();
    #[expect(clippy::cast_precision_loss, reason = "positions are below 2^24")]
    let angles = positions.iter().flat_map(|&place| speeds.iter().map(move |speed| place as f32 * speed));
    angles.map(|angle| (angle.cos(), angle.sin())).unzip()
}

impl Turns {
    fn at(positions: &[usize], config: &Config, device: &Device) -> Result<Self> {
        let shape = (positions.len(), config.dim / 2);
        let (cos, sin) = turns(positions, config);
        Ok(Self { cos: Tensor::from_vec(cos, shape, device)?, sin: Tensor::from_vec(sin, shape, device)? })
    }

    /// `(tokens, heads, dim)` in f32 → the same, turned.
    fn turn(&self, xs: &Tensor) -> Result<Tensor> {
        rope_thd(&xs.unsqueeze(0)?, &self.cos, &self.sin)?.squeeze(0)
    }
}

pub(crate) struct Qwen3 {
    pub config: Config,
    table: Table,
    layers: Vec<Layer>,
    norm: Norm,
    head: Linear,
    device: Device,
    acts: DType,
}

impl Qwen3 {
    pub(crate) fn load(weights: &Weights, config: Config) -> std::result::Result<Self, ModelError> {
        let (rows, hidden) = (config.vocabulary, config.hidden);
        let table = weights.table("model.embed_tokens.weight", rows, hidden)?;
        let head = if config.tied {
            table.linear().map_err(ModelError::run)?
        } else {
            weights.linear("lm_head.weight", rows, hidden)?
        };
        let layers = (0..config.layers).map(|at| Layer::load(weights, at, &config));
        Ok(Self {
            layers: layers.collect::<std::result::Result<_, _>>()?,
            norm: weights.norm("model.norm.weight", hidden, config.epsilon)?,
            table,
            head,
            device: weights.device.clone(),
            acts: weights.dtypes.acts,
            config,
        })
    }

    /// A row for each prompt, with room for it and its answer; it has to read the prompt.
    pub(crate) fn begin(&self, prompts: &[(&[u32], usize)]) -> Result<Vec<Row>> {
        let Config { owners, dim, .. } = self.config;
        let row = |(prompt, room): &(&[u32], usize)| {
            let kv = |_| Kv::room(owners, prompt.len() + room, dim, self.acts, &self.device);
            let own = (0..self.layers.len()).map(kv).collect::<Result<_>>()?;
            Ok(Row { kept: Kept::Tensors { own, cross: Vec::new() }, length: 0 })
        };
        prompts.iter().map(row).collect()
    }

    /// Reads the rows' next tokens. Gives the wanted logits in their order, `(wanted, vocabulary)` in f32; nothing where none
    /// are wanted.
    pub(crate) fn forward(&self, feeds: &mut [Feed]) -> Result<Option<Tensor>> {
        let packed = Packed::new(feeds);
        let turns = Turns::at(&packed.positions, &self.config, &self.device)?;
        let mut masks = Vec::with_capacity(feeds.len());
        for feed in feeds.iter() {
            masks.push(causal(feed.row.length, feed.tokens.len(), &self.device)?);
        }
        let mut stream = self.table.rows(&packed.tensor(&self.device)?)?;
        for at in 0..self.layers.len() {
            let attended = self.attend(at, &stream, &packed, &turns, feeds, &masks)?;
            stream = (stream + attended)?;
            stream = (&stream + self.dense(at, &stream)?)?;
        }
        for feed in feeds.iter_mut() {
            feed.row.length += feed.tokens.len();
        }
        if !packed.wants_any() {
            return Ok(None);
        }
        let xs = self.norm.forward(&packed.wanted(&stream)?)?.to_dtype(self.acts)?;
        self.head.forward(&xs)?.to_dtype(DType::F32).map(Some)
    }

    fn attend(
        &self,
        at: usize,
        stream: &Tensor,
        packed: &Packed,
        turns: &Turns,
        feeds: &[Feed],
        masks: &[Option<Tensor>],
    ) -> Result<Tensor> {
        let layer = &self.layers[at];
        let Config { heads, owners, dim, .. } = self.config;
        let count = stream.dim(0)?;
        let xs = layer.attention_norm.forward(stream)?.to_dtype(self.acts)?;
        let turned = |linear: &Linear, norm: &Norm, heads: usize| {
            let xs = linear.forward(&xs)?.reshape((count, heads, dim))?;
            turns.turn(&norm.forward(&xs)?)
        };
        #[expect(clippy::cast_precision_loss, reason = "a head has few dimensions")]
        let scale = (dim as f64).powf(-0.5);
        let queries = (turned(&layer.query, &layer.query_norm, heads)? * scale)?.to_dtype(self.acts)?;
        let keys = turned(&layer.key, &layer.key_norm, owners)?.to_dtype(self.acts)?;
        let values = layer.value.forward(&xs)?.reshape((count, owners, dim))?.to_dtype(self.acts)?;
        let mut parts = Vec::with_capacity(feeds.len());
        for ((feed, mask), &(start, count)) in feeds.iter().zip(masks).zip(&packed.spans) {
            let part = |part: &Tensor| part.narrow(0, start, count);
            let (kv, length) = (&feed.row.tensors()?.0[at], feed.row.length);
            kv.put(length, &part(&keys)?, &part(&values)?)?;
            parts.push(kv.attend(&part(&queries)?, length + count, mask.as_ref())?);
        }
        layer.out.forward(&together(&parts)?)?.to_dtype(DType::F32)
    }

    fn dense(&self, at: usize, stream: &Tensor) -> Result<Tensor> {
        let layer = &self.layers[at];
        let xs = layer.dense_norm.forward(stream)?.to_dtype(self.acts)?;
        let wide = (silu(&layer.gate.forward(&xs)?)? * layer.wide.forward(&xs)?)?;
        layer.narrow.forward(&wide)?.to_dtype(DType::F32)
    }
}
