//! T5 on a processor: every matrix laid out beforehand for its products, those with the same input as one.
//!
//! The same computation as [`super::T5`], which other devices take and tests compare it with.

use super::bias::Bias;
use super::config::{Act, Config};
use crate::ModelError;
use crate::kernels::{
    Asking, Cache, Columns, Form, Level, Matrix, Then, attend, gelu_tanh, multiply, parts, rectified, relu,
    rows_at_once,
};
use crate::model::logits;
use crate::row::{Feed, Kept, Packed, Row};
use crate::weights::{Rows, Weights};
use candle_core::Result;
use rayon::prelude::*;
use std::sync::Arc;

type Loaded<T> = std::result::Result<T, ModelError>;

/// The products around an attention.
struct Attention {
    norm: Vec<f32>,
    /// Queries; of a row's own tokens keys and values behind them.
    into: Matrix,
    out: Matrix,
}

/// A decoder's attention to what the encoder said.
struct Cross {
    attention: Attention,
    /// Keys and values of the encoder's tokens.
    memory: Matrix,
}

struct Dense {
    norm: Vec<f32>,
    /// The gate's outputs, where there is one, then the others.
    wide: Matrix,
    narrow: Matrix,
}

pub(crate) struct PackedT5 {
    config: Config,
    level: Level,
    form: Form,
    epsilon: f32,
    table: Rows,
    encoder: Vec<(Attention, Dense)>,
    encoder_bias: Bias,
    encoder_norm: Vec<f32>,
    decoder: Vec<(Attention, Cross, Dense)>,
    decoder_bias: Bias,
    decoder_norm: Vec<f32>,
    head: Matrix,
}

fn attention(weights: &Weights, config: &Config, place: &str, name: &str, own: bool) -> Loaded<Attention> {
    let (hidden, inner) = (config.hidden, config.heads * config.dim);
    let names = ["q", "k", "v"].map(|part| format!("{place}.{name}.{part}.weight"));
    let parts = names.each_ref().map(|name| (name.as_str(), inner));
    let parts = if own { &parts[..] } else { &parts[..1] };
    Ok(Attention {
        norm: weights.vector(&format!("{place}.layer_norm.weight"), hidden)?,
        into: weights.matrix(parts, hidden)?,
        out: weights.matrix(&[(format!("{place}.{name}.o.weight").as_str(), hidden)], inner)?,
    })
}

fn cross(weights: &Weights, config: &Config, place: &str) -> Loaded<Cross> {
    let inner = config.heads * config.dim;
    let names = ["k", "v"].map(|part| format!("{place}.EncDecAttention.{part}.weight"));
    let parts = names.each_ref().map(|name| (name.as_str(), inner));
    Ok(Cross {
        attention: attention(weights, config, place, "EncDecAttention", false)?,
        memory: weights.matrix(&parts, config.hidden)?,
    })
}

fn dense(weights: &Weights, config: &Config, place: &str) -> Loaded<Dense> {
    let (hidden, wide) = (config.hidden, config.wide);
    let name = |part: &str| format!("{place}.DenseReluDense.{part}.weight");
    let names = if config.gated { vec![name("wi_0"), name("wi_1")] } else { vec![name("wi")] };
    let parts: Vec<(&str, usize)> = names.iter().map(|name| (name.as_str(), wide)).collect();
    Ok(Dense {
        norm: weights.vector(&format!("{place}.layer_norm.weight"), hidden)?,
        wide: weights.matrix(&parts, hidden)?,
        narrow: weights.matrix(&[(name("wo").as_str(), hidden)], wide)?,
    })
}

impl PackedT5 {
    /// Loads and lays out the weights. `level` may be any that this processor has.
    pub(crate) fn load(weights: &Weights, config: Config, level: Level) -> Loaded<Self> {
        let (rows, hidden) = (config.vocabulary, config.hidden);
        let name = super::table_name(weights);
        let own = config.own_head.unwrap_or_else(|| weights.has("lm_head.weight"));
        let head = weights.matrix(&[(if own { "lm_head.weight" } else { name }, rows)], hidden)?;
        let encoder = (0..config.encoder_layers).map(|at| {
            let place = format!("encoder.block.{at}.layer");
            let attention = attention(weights, &config, &format!("{place}.0"), "SelfAttention", true)?;
            Ok((attention, dense(weights, &config, &format!("{place}.1"))?))
        });
        let decoder = (0..config.decoder_layers).map(|at| {
            let place = format!("decoder.block.{at}.layer");
            let own = attention(weights, &config, &format!("{place}.0"), "SelfAttention", true)?;
            let cross = cross(weights, &config, &format!("{place}.1"))?;
            Ok((own, cross, dense(weights, &config, &format!("{place}.2"))?))
        });
        let bias = |part: &str, causal| Bias::of(weights, part, &config, causal);
        let norm = |part: &str| weights.vector(&format!("{part}.final_layer_norm.weight"), hidden);
        #[expect(clippy::cast_possible_truncation, reason = "a small constant of the configuration")]
        let epsilon = config.epsilon as f32;
        Ok(Self {
            level,
            form: weights.cache_form(),
            epsilon,
            table: weights.rows(name, rows, hidden)?,
            encoder: encoder.collect::<Loaded<_>>()?,
            encoder_bias: bias("encoder", false)?,
            encoder_norm: norm("encoder")?,
            decoder: decoder.collect::<Loaded<_>>()?,
            decoder_bias: bias("decoder", true)?,
            decoder_norm: norm("decoder")?,
            head,
            config,
        })
    }

    /// Reads the prompts, each with the length that its answer may have: a row for each, which has to read the start token.
    pub(crate) fn begin(&self, prompts: &[(&[u32], usize)]) -> Result<Vec<Row>> {
        let Config { heads, dim, .. } = self.config;
        let packed = Packed::of(prompts.iter().map(|(prompt, _)| (*prompt, 0, 0)));
        let hidden = self.encode(&packed)?;
        let mut crosses: Vec<Vec<Cache>> = prompts.iter().map(|_| Vec::new()).collect();
        let mut memory = vec![0.0; packed.ids.len() * 2 * heads * dim];
        for (_, cross, _) in &self.decoder {
            multiply(self.level, &hidden, &cross.memory, Then::Set, &mut memory);
            let part = |from| Columns { rows: &memory, width: 2 * heads * dim, from };
            for (caches, &(start, count)) in crosses.iter_mut().zip(&packed.spans) {
                let mut cache = Cache::room(self.form, heads, count, dim);
                cache.put(0, start, count, part(0), part(heads * dim));
                caches.push(cache);
            }
        }
        let row = |((_, room), cross): (&(&[u32], usize), Vec<Cache>)| {
            let own = (0..self.decoder.len()).map(|_| Cache::room(self.form, heads, *room, dim)).collect();
            Row { kept: Kept::Caches { own, cross: Arc::new(cross) }, length: 0 }
        };
        Ok(prompts.iter().zip(crosses).map(row).collect())
    }

    /// The encoder's output for all tokens, normalised.
    fn encode(&self, packed: &Packed) -> Result<Vec<f32>> {
        let Config { heads, dim, hidden, .. } = self.config;
        let inner = heads * dim;
        let count = packed.ids.len();
        let mut stream = self.table.of(&packed.ids)?;
        let (mut xs, mut qkv) = (vec![0.0; count * hidden], vec![0.0; count * 3 * inner]);
        let mut mixed = vec![0.0; count * inner];
        let room = |&(_, count): &(usize, usize)| Cache::room(self.form, heads, count, dim);
        let mut caches: Vec<Cache> = packed.spans.iter().map(room).collect();
        let bias = |head: usize, query: usize, scores: &mut [f32]| self.encoder_bias.add(head, query, scores);
        for (attention, dense) in &self.encoder {
            self.norm(&stream, &attention.norm, &mut xs);
            multiply(self.level, &xs, &attention.into, Then::Set, &mut qkv);
            let part = |from| Columns { rows: &qkv, width: 3 * inner, from };
            for (cache, &(start, count)) in caches.iter_mut().zip(&packed.spans) {
                cache.put(0, start, count, part(inner), part(2 * inner));
            }
            let asking = caches.iter().zip(&packed.spans);
            let asking: Vec<Asking> = asking
                .map(|(cache, &(row, count))| Asking { cache, row, count, length: count, causal: false })
                .collect();
            attend(self.level, part(0), heads, &asking, Some(&bias), &mut mixed);
            multiply(self.level, &mixed, &attention.out, Then::Add, &mut stream);
            self.dense(dense, &mut stream);
        }
        self.norm(&stream, &self.encoder_norm, &mut xs);
        Ok(xs)
    }

    /// Reads the rows' next tokens. Gives the wanted logits in their order.
    pub(crate) fn forward(&self, feeds: &mut [Feed]) -> Result<Vec<Vec<f32>>> {
        let hidden = self.config.hidden;
        let packed = Packed::new(feeds);
        let mut stream = self.table.of(&packed.ids)?;
        let mut xs = vec![0.0; stream.len()];
        for (at, (own, cross, dense)) in self.decoder.iter().enumerate() {
            self.attend_own(at, own, &packed, feeds, &mut stream, &mut xs)?;
            self.attend_cross(at, &cross.attention, &packed, feeds, &mut stream, &mut xs)?;
            self.dense(dense, &mut stream);
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
        self.norm(&wanted, &self.decoder_norm, &mut xs);
        if self.config.scaled {
            #[expect(clippy::cast_precision_loss, reason = "a model's width")]
            let scale = (hidden as f32).powf(-0.5);
            xs.iter_mut().for_each(|x| *x *= scale);
        }
        Ok(logits(self.level, &xs, &self.head))
    }

    fn attend_own(
        &self,
        at: usize,
        own: &Attention,
        packed: &Packed,
        feeds: &mut [Feed],
        stream: &mut [f32],
        xs: &mut [f32],
    ) -> Result<()> {
        let inner = self.config.heads * self.config.dim;
        let count = packed.ids.len();
        self.norm(stream, &own.norm, xs);
        let mut qkv = vec![0.0; count * 3 * inner];
        multiply(self.level, xs, &own.into, Then::Set, &mut qkv);
        let part = |from| Columns { rows: &qkv, width: 3 * inner, from };
        for (feed, &(start, count)) in feeds.iter_mut().zip(&packed.spans) {
            let length = feed.row.length;
            feed.row.own_cache(at)?.put(length, start, count, part(inner), part(2 * inner));
        }
        let mut asking = Vec::with_capacity(feeds.len());
        for (feed, &(row, count)) in feeds.iter().zip(&packed.spans) {
            let cache = &feed.row.caches()?.0[at];
            asking.push(Asking { cache, row, count, length: feed.row.length + count, causal: true });
        }
        let bias = |head: usize, query: usize, scores: &mut [f32]| self.decoder_bias.add(head, query, scores);
        let mut mixed = vec![0.0; count * inner];
        attend(self.level, part(0), self.config.heads, &asking, Some(&bias), &mut mixed);
        multiply(self.level, &mixed, &own.out, Then::Add, stream);
        Ok(())
    }

    fn attend_cross(
        &self,
        at: usize,
        cross: &Attention,
        packed: &Packed,
        feeds: &[Feed],
        stream: &mut [f32],
        xs: &mut [f32],
    ) -> Result<()> {
        let inner = self.config.heads * self.config.dim;
        self.norm(stream, &cross.norm, xs);
        let mut queries = vec![0.0; packed.ids.len() * inner];
        multiply(self.level, xs, &cross.into, Then::Set, &mut queries);
        let mut asking = Vec::with_capacity(feeds.len());
        for (feed, &(row, count)) in feeds.iter().zip(&packed.spans) {
            let cache = &feed.row.caches()?.1[at];
            asking.push(Asking { cache, row, count, length: cache.tokens(), causal: false });
        }
        let mut mixed = vec![0.0; queries.len()];
        let queries = Columns { rows: &queries, width: inner, from: 0 };
        attend(self.level, queries, self.config.heads, &asking, None, &mut mixed);
        multiply(self.level, &mixed, &cross.out, Then::Add, stream);
        Ok(())
    }

    fn norm(&self, stream: &[f32], gain: &[f32], out: &mut [f32]) {
        parts::rms_norm(self.level, stream, gain, self.epsilon, out);
    }

    /// Adds the feed-forward part to the residual stream.
    fn dense(&self, dense: &Dense, stream: &mut [f32]) {
        let Config { hidden, wide, .. } = self.config;
        let rows = rows_at_once().min(stream.len() / hidden).max(1);
        let both = dense.wide.outputs();
        let (mut xs, mut outer) = (vec![0.0; rows * hidden], vec![0.0; rows * both]);
        let mut inner = vec![0.0; rows * wide];
        for stream in stream.chunks_mut(rows * hidden) {
            let rows = stream.len() / hidden;
            let (xs, outer, inner) =
                (&mut xs[..stream.len()], &mut outer[..rows * both], &mut inner[..rows * wide]);
            self.norm(stream, &dense.norm, xs);
            multiply(self.level, xs, &dense.wide, Then::Set, outer);
            let each = inner.par_chunks_exact_mut(wide).zip(outer.par_chunks_exact(both));
            each.with_min_len(16).for_each(|(inner, outer)| self.act(outer, inner));
            multiply(self.level, inner, &dense.narrow, Then::Add, stream);
        }
    }

    /// What goes into the narrow product, of what came out of the wide one.
    fn act(&self, outer: &[f32], inner: &mut [f32]) {
        let (gate, other) = outer.split_at(inner.len());
        match (self.config.gated, self.config.act) {
            (true, Act::Gelu) => parts::gelu_times(self.level, gate, other, inner),
            (true, Act::Relu) => inner.iter_mut().zip(gate).zip(other).for_each(|((inner, gate), other)| {
                *inner = rectified(*gate) * other;
            }),
            (false, act) => {
                inner.copy_from_slice(gate);
                match act {
                    Act::Relu => relu(self.level, inner),
                    Act::Gelu => gelu_tanh(self.level, inner),
                }
            }
        }
    }
}
