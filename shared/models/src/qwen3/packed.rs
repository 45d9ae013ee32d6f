//! Qwen3 on a processor: every matrix laid out beforehand for its products, those with the same input as one.
//!
//! The same computation as [`super::Qwen3`], which other devices take and tests compare it with.

use super::config::Config;
use crate::ModelError;
use crate::kernels::{
    Asking, Cache, Columns, Form, Level, Matrix, Then, attend, multiply, parts, rows_at_once,
};
use crate::model::logits;
use crate::row::{Feed, Kept, Packed, Row};
use crate::weights::{Rows, Weights};
use candle_core::Result;
use rayon::prelude::*;
use std::sync::Arc;

type Loaded<T> = std::result::Result<T, ModelError>;

struct Layer {
    attention_norm: Vec<f32>,
    /// Queries, keys and values.
    qkv: Matrix,
    out: Matrix,
    query_norm: Vec<f32>,
    key_norm: Vec<f32>,
    dense_norm: Vec<f32>,
    /// The gate's outputs, then the others.
    wide: Matrix,
    narrow: Matrix,
}

impl Layer {
    fn load(weights: &Weights, at: usize, config: &Config) -> Loaded<Self> {
        let (hidden, dim) = (config.hidden, config.dim);
        let (inner, shared) = (config.heads * dim, config.owners * dim);
        let name = |part: &str| format!("model.layers.{at}.{part}.weight");
        let matrix = |parts: &[(&str, usize)], inputs: usize| {
            let names: Vec<String> = parts.iter().map(|(part, _)| name(part)).collect();
            let sizes = parts.iter().map(|(_, size)| *size);
            let parts: Vec<(&str, usize)> = names.iter().map(String::as_str).zip(sizes).collect();
            weights.matrix(&parts, inputs)
        };
        let vector = |part: &str, size: usize| weights.vector(&name(part), size);
        let qkv = [("self_attn.q_proj", inner), ("self_attn.k_proj", shared), ("self_attn.v_proj", shared)];
        Ok(Self {
            attention_norm: vector("input_layernorm", hidden)?,
            qkv: matrix(&qkv, hidden)?,
            out: matrix(&[("self_attn.o_proj", hidden)], inner)?,
            query_norm: vector("self_attn.q_norm", dim)?,
            key_norm: vector("self_attn.k_norm", dim)?,
            dense_norm: vector("post_attention_layernorm", hidden)?,
            wide: matrix(&[("mlp.gate_proj", config.wide), ("mlp.up_proj", config.wide)], hidden)?,
            narrow: matrix(&[("mlp.down_proj", hidden)], config.wide)?,
        })
    }
}

pub(crate) struct PackedQwen3 {
    config: Config,
    level: Level,
    form: Form,
    epsilon: f32,
    table: Rows,
    layers: Vec<Layer>,
    norm: Vec<f32>,
    head: Matrix,
}

impl PackedQwen3 {
    /// Loads and lays out the weights. `level` may be any that this processor has.
    pub(crate) fn load(weights: &Weights, config: Config, level: Level) -> Loaded<Self> {
        let (rows, hidden, name) = (config.vocabulary, config.hidden, "model.embed_tokens.weight");
        let table = weights.rows(name, rows, hidden)?;
        let head = weights.matrix(&[(if config.tied { name } else { "lm_head.weight" }, rows)], hidden)?;
        let layers = (0..config.layers).map(|at| Layer::load(weights, at, &config));
        #[expect(clippy::cast_possible_truncation, reason = "a small constant of the configuration")]
        let epsilon = config.epsilon as f32;
        Ok(Self {
            level,
            form: weights.cache_form(),
            epsilon,
            table,
            layers: layers.collect::<Loaded<_>>()?,
            norm: weights.vector("model.norm.weight", hidden)?,
            head,
            config,
        })
    }

    /// A row for each prompt, with room for it and its answer; it has to read the prompt.
    pub(crate) fn begin(&self, prompts: &[(&[u32], usize)]) -> Vec<Row> {
        let Config { owners, dim, .. } = self.config;
        let row = |(prompt, room): &(&[u32], usize)| {
            let cache = |_| Cache::room(self.form, owners, prompt.len() + room, dim);
            let own = (0..self.layers.len()).map(cache).collect();
            Row { kept: Kept::Caches { own, cross: Arc::new(Vec::new()) }, length: 0 }
        };
        prompts.iter().map(row).collect()
    }

    /// Reads the rows' next tokens. Gives the wanted logits in their order.
    pub(crate) fn forward(&self, feeds: &mut [Feed]) -> Result<Vec<Vec<f32>>> {
        let Config { hidden, .. } = self.config;
        let packed = Packed::new(feeds);
        let turns = super::turns(&packed.positions, &self.config);
        let mut stream = self.table.of(&packed.ids)?;
        let mut xs = vec![0.0; stream.len()];
        for (at, layer) in self.layers.iter().enumerate() {
            self.normed(&stream, &layer.attention_norm, &mut xs);
            self.attend(at, layer, &packed, &turns, feeds, &xs, &mut stream)?;
            self.dense(layer, &mut stream);
        }
        for feed in feeds.iter_mut() {
            feed.row.length += feed.tokens.len();
        }
        let places = packed.places();
        let mut wanted = Vec::with_capacity(places.len() * hidden);
        for place in places {
            wanted.extend_from_slice(&stream[place * hidden..][..hidden]);
        }
        let mut xs = vec![0.0; wanted.len()];
        self.normed(&wanted, &self.norm, &mut xs);
        Ok(logits(self.level, &xs, &self.head))
    }

    fn normed(&self, stream: &[f32], gain: &[f32], out: &mut [f32]) {
        parts::rms_norm(self.level, stream, gain, self.epsilon, out);
    }

    #[expect(clippy::too_many_arguments, reason = "what a step has, and where it is")]
    fn attend(
        &self,
        at: usize,
        layer: &Layer,
        packed: &Packed,
        turns: &(Vec<f32>, Vec<f32>),
        feeds: &mut [Feed],
        xs: &[f32],
        stream: &mut [f32],
    ) -> Result<()> {
        let Config { heads, owners, dim, .. } = self.config;
        let (inner, width) = (heads * dim, (heads + 2 * owners) * dim);
        let mut qkv = vec![0.0; packed.ids.len() * width];
        multiply(self.level, xs, &layer.qkv, Then::Set, &mut qkv);
        #[expect(clippy::cast_precision_loss, reason = "a head has few dimensions")]
        let scale = (dim as f32).powf(-0.5);
        let angles = turns.0.par_chunks_exact(dim / 2).zip(turns.1.par_chunks_exact(dim / 2));
        qkv.par_chunks_exact_mut(width).with_min_len(16).zip(angles).for_each(|(token, (cos, sin))| {
            let (queries, keys) = token[..inner + owners * dim].split_at_mut(inner);
            parts::turn(self.level, queries, &layer.query_norm, self.epsilon, cos, sin, scale);
            parts::turn(self.level, keys, &layer.key_norm, self.epsilon, cos, sin, 1.0);
        });
        let part = |from| Columns { rows: &qkv, width, from };
        for (feed, &(start, count)) in feeds.iter_mut().zip(&packed.spans) {
            let length = feed.row.length;
            feed.row.own_cache(at)?.put(length, start, count, part(inner), part(inner + owners * dim));
        }
        let mut asking = Vec::with_capacity(feeds.len());
        for (feed, &(row, count)) in feeds.iter().zip(&packed.spans) {
            let cache = &feed.row.caches()?.0[at];
            asking.push(Asking { cache, row, count, length: feed.row.length + count, causal: true });
        }
        let mut mixed = vec![0.0; packed.ids.len() * inner];
        attend(self.level, part(0), heads, &asking, None, &mut mixed);
        multiply(self.level, &mixed, &layer.out, Then::Add, stream);
        Ok(())
    }

    /// Adds the feed-forward part to the residual stream.
    fn dense(&self, layer: &Layer, stream: &mut [f32]) {
        let Config { hidden, wide, .. } = self.config;
        let rows = rows_at_once().min(stream.len() / hidden).max(1);
        let (mut xs, mut both) = (vec![0.0; rows * hidden], vec![0.0; rows * 2 * wide]);
        let mut inner = vec![0.0; rows * wide];
        for stream in stream.chunks_mut(rows * hidden) {
            let rows = stream.len() / hidden;
            let (xs, both, inner) =
                (&mut xs[..stream.len()], &mut both[..rows * 2 * wide], &mut inner[..rows * wide]);
            self.normed(stream, &layer.dense_norm, xs);
            multiply(self.level, xs, &layer.wide, Then::Set, both);
            let each = inner.par_chunks_exact_mut(wide).zip(both.par_chunks_exact(2 * wide));
            each.with_min_len(16).for_each(|(inner, both)| {
                let (gate, other) = both.split_at(wide);
                parts::silu_times(self.level, gate, other, inner);
            });
            multiply(self.level, inner, &layer.narrow, Then::Add, stream);
        }
    }
}
