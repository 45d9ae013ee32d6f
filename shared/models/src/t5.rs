//! T5, versions 1.0 and 1.1 (flan-t5 and its kin): an encoder that reads the prompt once, and a decoder that writes. Here in
//! Candle's operations, for devices other than the processor, which has [`PackedT5`].

mod bias;
mod config;
mod layers;
mod packed;

pub(crate) use config::Config;
pub(crate) use packed::PackedT5;

use crate::ModelError;
use crate::attention::Kv;
use crate::linear::Linear;
use crate::norm::Norm;
use crate::row::{Feed, Kept, Packed, Row, together};
use crate::table::Table;
use crate::weights::Weights;
use bias::Bias;
use candle_core::{DType, Device, Result, Tensor};
use layers::{Attention, Dense, added};
use std::collections::HashMap;

pub(crate) struct T5 {
    pub config: Config,
    table: Table,
    encoder: Vec<(Attention, Dense)>,
    encoder_bias: Bias,
    encoder_norm: Norm,
    decoder: Vec<(Attention, Attention, Dense)>,
    decoder_bias: Bias,
    decoder_norm: Norm,
    head: Linear,
    device: Device,
    acts: DType,
}

/// Files of newer libraries have the table of tokens under its first name only, some older ones only under the others.
fn table_name(weights: &Weights) -> &'static str {
    let names = ["shared.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight"];
    names.into_iter().find(|name| weights.has(name)).unwrap_or(names[0])
}

impl T5 {
    pub(crate) fn load(weights: &Weights, config: Config) -> std::result::Result<Self, ModelError> {
        let table = weights.table(table_name(weights), config.vocabulary, config.hidden)?;
        let own = config.own_head.unwrap_or_else(|| weights.has("lm_head.weight"));
        let head = if own {
            weights.linear("lm_head.weight", config.vocabulary, config.hidden)?
        } else {
            table.linear().map_err(ModelError::run)?
        };
        let layer = |at: usize| {
            let place = format!("encoder.block.{at}.layer");
            let attention = Attention::load(weights, &format!("{place}.0"), "SelfAttention", &config)?;
            Ok((attention, Dense::load(weights, &format!("{place}.1"), &config)?))
        };
        let encoder =
            (0..config.encoder_layers).map(layer).collect::<std::result::Result<_, ModelError>>()?;
        let layer = |at: usize| {
            let place = format!("decoder.block.{at}.layer");
            let own = Attention::load(weights, &format!("{place}.0"), "SelfAttention", &config)?;
            let cross = Attention::load(weights, &format!("{place}.1"), "EncDecAttention", &config)?;
            Ok((own, cross, Dense::load(weights, &format!("{place}.2"), &config)?))
        };
        let decoder =
            (0..config.decoder_layers).map(layer).collect::<std::result::Result<_, ModelError>>()?;
        let bias = |part: &str, causal| Bias::of(weights, part, &config, causal);
        let norm = |part: &str| {
            weights.norm(&format!("{part}.final_layer_norm.weight"), config.hidden, config.epsilon)
        };
        Ok(Self {
            encoder_bias: bias("encoder", false)?,
            encoder_norm: norm("encoder")?,
            decoder_bias: bias("decoder", true)?,
            decoder_norm: norm("decoder")?,
            table,
            encoder,
            decoder,
            head,
            device: weights.device.clone(),
            acts: weights.dtypes.acts,
            config,
        })
    }

    /// Reads the prompts, each with the length that its answer may have: a row for each, which has to read the start token.
    pub(crate) fn begin(&self, prompts: &[(&[u32], usize)]) -> Result<Vec<Row>> {
        let packed = Packed::of(prompts.iter().map(|(prompt, _)| (*prompt, 0, 0)));
        let hidden = self.encode(&packed)?;
        let mut rows = Vec::with_capacity(prompts.len());
        for (_, room) in prompts {
            let own = |_| Kv::room(self.config.heads, *room, self.config.dim, self.acts, &self.device);
            let own = (0..self.decoder.len()).map(own).collect::<Result<_>>()?;
            rows.push((own, Vec::with_capacity(self.decoder.len())));
        }
        for (_, cross, _) in &self.decoder {
            let (keys, values) = (cross.split(&cross.key, &hidden)?, cross.split(&cross.value, &hidden)?);
            for ((_, cross), &(start, count)) in rows.iter_mut().zip(&packed.spans) {
                let part = |part: &Tensor| part.narrow(0, start, count);
                cross.push(Kv::fixed(&part(&keys)?, &part(&values)?)?);
            }
        }
        let row = |(own, cross)| Row { kept: Kept::Tensors { own, cross }, length: 0 };
        Ok(rows.into_iter().map(row).collect())
    }

    /// The encoder's output for all tokens, normalised.
    fn encode(&self, packed: &Packed) -> Result<Tensor> {
        let mut stream = self.table.rows(&packed.tensor(&self.device)?)?;
        let mut biases = HashMap::new();
        for &(_, count) in &packed.spans {
            if let std::collections::hash_map::Entry::Vacant(place) = biases.entry(count) {
                place.insert(self.encoder_bias.over(0..count, count, &self.device)?);
            }
        }
        for (attention, dense) in &self.encoder {
            let xs = attention.normed(&stream)?;
            let queries = attention.split(&attention.query, &xs)?;
            let (keys, values) =
                (attention.split(&attention.key, &xs)?, attention.split(&attention.value, &xs)?);
            let mut parts = Vec::with_capacity(packed.spans.len());
            for &(start, count) in &packed.spans {
                let part = |part: &Tensor| part.narrow(0, start, count);
                let own = Kv::fixed(&part(&keys)?, &part(&values)?)?;
                parts.push(own.attend(&part(&queries)?, count, biases.get(&count))?);
            }
            stream = added(&stream, &attention.out.forward(&together(&parts)?)?)?;
            stream = dense.forward(&stream)?;
        }
        self.encoder_norm.forward(&stream)?.to_dtype(self.acts)
    }

    /// Reads the rows' next tokens. Gives the wanted logits in their order, `(wanted, vocabulary)` in f32; nothing where none
    /// are wanted.
    pub(crate) fn forward(&self, feeds: &mut [Feed]) -> Result<Option<Tensor>> {
        let packed = Packed::new(feeds);
        let mut biases = Vec::with_capacity(feeds.len());
        for feed in feeds.iter() {
            let (from, to) = (feed.row.length, feed.row.length + feed.tokens.len());
            biases.push(self.decoder_bias.over(from..to, to, &self.device)?);
        }
        let mut stream = self.table.rows(&packed.tensor(&self.device)?)?;
        for (at, (own, cross, dense)) in self.decoder.iter().enumerate() {
            let xs = own.normed(&stream)?;
            let queries = own.split(&own.query, &xs)?;
            let (keys, values) = (own.split(&own.key, &xs)?, own.split(&own.value, &xs)?);
            let mut parts = Vec::with_capacity(feeds.len());
            for ((feed, bias), &(start, count)) in feeds.iter().zip(&biases).zip(&packed.spans) {
                let part = |part: &Tensor| part.narrow(0, start, count);
                let (kv, length) = (&feed.row.tensors()?.0[at], feed.row.length);
                kv.put(length, &part(&keys)?, &part(&values)?)?;
                parts.push(kv.attend(&part(&queries)?, length + count, Some(bias))?);
            }
            stream = added(&stream, &own.out.forward(&together(&parts)?)?)?;

            let queries = cross.split(&cross.query, &cross.normed(&stream)?)?;
            let mut parts = Vec::with_capacity(feeds.len());
            for (feed, &(start, count)) in feeds.iter().zip(&packed.spans) {
                let kv = &feed.row.tensors()?.1[at];
                parts.push(kv.attend(&queries.narrow(0, start, count)?, kv.len()?, None)?);
            }
            stream = added(&stream, &cross.out.forward(&together(&parts)?)?)?;
            stream = dense.forward(&stream)?;
        }
        for feed in feeds.iter_mut() {
            feed.row.length += feed.tokens.len();
        }
        if packed.wants_any() { self.logits(&packed.wanted(&stream)?).map(Some) } else { Ok(None) }
    }

    fn logits(&self, stream: &Tensor) -> Result<Tensor> {
        let mut xs = self.decoder_norm.forward(stream)?;
        if self.config.scaled {
            #[expect(clippy::cast_precision_loss, reason = "a model's width")]
            let scale = (self.config.hidden as f64).powf(-0.5);
            xs = (xs * scale)?;
        }
        self.head.forward(&xs.to_dtype(self.acts)?)?.to_dtype(DType::F32)
    }
}
