//! BERT's encoder on a processor: the tokens of all texts of a batch one behind the other, no padding, every weight
//! laid out beforehand for the kernels.
//!
//! Texts do not see each other, so a few of them go through all layers on one thread while others do on the next: what
//! they compute stays in the thread's cache, and nobody waits for anybody between two layers. Only where there are fewer
//! texts than threads does a product share its rows out.
//!
//! The same computation as [`crate::bert`], which other devices take and tests compare it with.

use crate::kernels::{
    Level, Packed, Width, attention, feed_forward, gelu, gelu_near, gelu_tanh, product, relu, rows,
};
use crate::mapped::{Mapped, Table};
use candle_core::Result;
use candle_transformers::models::bert::{Config, HiddenAct};
use rayon::prelude::*;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Tokens that go through the layers together: their rows stay in a thread's cache, and the weights, which do not, are
/// read once for all of them.
const TOGETHER: usize = 192;

/// Gain, shift.
type Norm = (Vec<f32>, Vec<f32>);

struct Layer {
    /// Queries (with the attention's scale), keys and values in one.
    qkv: Packed,
    attended: Packed,
    attended_norm: Norm,
    wide: Packed,
    narrow: Packed,
    norm: Norm,
}

/// The encoder.
pub(crate) struct PackedBert {
    level: Level,
    hidden: usize,
    heads: usize,
    eps: f32,
    activation: fn(Level, &mut [f32]),
    /// One row for each token of the vocabulary.
    words: Table,
    /// One row for each place, with the vector of the first kind of token, as every text is of that kind.
    places: Vec<f32>,
    norm: Norm,
    layers: Vec<Layer>,
    /// Room for what is computed, kept from batch to batch: fresh memory costs more than what is written to it.
    rooms: Mutex<Vec<Room>>,
}

/// What stands between the layers' products, a row for each token.
#[derive(Default)]
struct Room {
    xs: Vec<f32>,
    qkv: Vec<f32>,
    context: Vec<f32>,
    added: Vec<f32>,
}

fn norm(file: &Mapped, name: &str) -> Result<Norm> {
    Ok((file.numbers(&format!("{name}.weight"))?, file.numbers(&format!("{name}.bias"))?))
}

/// Weight, row after row an output each, and bias.
fn dense(file: &Mapped, name: &str) -> Result<(Vec<f32>, Vec<f32>)> {
    Ok((file.numbers(&format!("{name}.weight"))?, file.numbers(&format!("{name}.bias"))?))
}

impl Layer {
    fn load(file: &Mapped, number: usize, config: &Config, width: Width) -> Result<Self> {
        let name = |part: &str| format!("encoder.layer.{number}.{part}");
        #[expect(clippy::cast_precision_loss, reason = "a head has few dimensions")]
        let scale = 1.0 / ((config.hidden_size / config.num_attention_heads) as f32).sqrt();
        let (mut weights, mut biases) = dense(file, &name("attention.self.query"))?;
        weights.iter_mut().chain(&mut biases).for_each(|value| *value *= scale);
        for part in ["attention.self.key", "attention.self.value"] {
            let (weight, bias) = dense(file, &name(part))?;
            weights.extend(weight);
            biases.extend(bias);
        }
        let packed = |part: &str| {
            let (weight, bias) = dense(file, &name(part))?;
            Ok::<_, candle_core::Error>(Packed::new(&weight, bias, width))
        };
        Ok(Self {
            qkv: Packed::new(&weights, biases, width),
            attended: packed("attention.output.dense")?,
            attended_norm: norm(file, &name("attention.output.LayerNorm"))?,
            wide: packed("intermediate.dense")?,
            narrow: packed("output.dense")?,
            norm: norm(file, &name("output.LayerNorm"))?,
        })
    }
}

impl PackedBert {
    /// Lays the weights out. `file` has every tensor of `config`, in its shape.
    pub(crate) fn load(file: &Arc<Mapped>, config: &Config, level: Level, width: Width) -> Result<Self> {
        let n = config.hidden_size;
        let mut places = file.numbers("embeddings.position_embeddings.weight")?;
        let kinds = file.numbers("embeddings.token_type_embeddings.weight")?;
        for place in places.chunks_exact_mut(n) {
            place.iter_mut().zip(&kinds).for_each(|(place, kind)| *place += kind);
        }
        #[expect(clippy::cast_possible_truncation, reason = "1e-12 is one of both kinds")]
        let eps = config.layer_norm_eps as f32;
        let layer = |number| Layer::load(file, number, config, width);
        Ok(Self {
            level,
            hidden: n,
            heads: config.num_attention_heads,
            eps,
            activation: match (config.hidden_act, width) {
                (HiddenAct::Gelu, Width::F32) => gelu,
                (HiddenAct::Gelu, _) => gelu_near,
                (HiddenAct::GeluApproximate, _) => gelu_tanh,
                (HiddenAct::Relu, _) => relu,
            },
            words: file.table("embeddings.word_embeddings.weight", n)?,
            places,
            norm: norm(file, "embeddings.LayerNorm")?,
            layers: (0..config.num_hidden_layers).into_par_iter().map(layer).collect::<Result<_>>()?,
            rooms: Mutex::default(),
        })
    }

    /// Token ids of each text → the mean of its last hidden states as a unit vector.
    ///
    /// # Errors
    /// An id beyond the vocabulary, a text that is empty or longer than there are places.
    pub(crate) fn forward(&self, texts: &[&[u32]]) -> Result<Vec<Vec<f32>>> {
        let (vocabulary, longest) = (self.words.rows(), self.places.len() / self.hidden);
        for text in texts {
            if text.is_empty() || text.len() > longest {
                candle_core::bail!("a text of {} tokens, where 1 to {longest} fit", text.len());
            }
            if let Some(id) = text.iter().find(|id| **id as usize >= vocabulary) {
                candle_core::bail!("token {id} in a vocabulary of {vocabulary}");
            }
        }
        let vectors = groups(texts).into_par_iter().map(|texts| {
            let mut room = self.rooms().pop().unwrap_or_default();
            let vectors = self.together(texts, &mut room);
            self.rooms().push(room);
            vectors
        });
        Ok(vectors.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    fn rooms(&self) -> MutexGuard<'_, Vec<Room>> {
        // What a thread that panicked left there is overwritten anyway.
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A few texts through all layers.
    fn together(&self, texts: &[&[u32]], room: &mut Room) -> Result<Vec<Vec<f32>>> {
        let n = self.hidden;
        let tokens: usize = texts.iter().map(|text| text.len()).sum();
        let Room { xs, qkv, context, added } = room;
        self.embed(texts, xs, added)?;
        for (room, width) in [(&mut *qkv, 3 * n), (&mut *context, n), (&mut *added, n)] {
            room.resize(tokens * width, 0.0);
        }
        for layer in &self.layers {
            product(self.level, xs, &layer.qkv, None, qkv);
            self.attend(texts, qkv, context);
            product(self.level, context, &layer.attended, None, added);
            self.add_norm(xs, added, &layer.attended_norm);
            feed_forward(self.level, xs, (&layer.wide, self.activation, &layer.narrow), added);
            self.add_norm(xs, added, &layer.norm);
        }
        let mut rest = xs.as_slice();
        let pooled = texts.iter().map(|text| {
            let (text, others) = rest.split_at(text.len() * n);
            rest = others;
            pooled(text, n)
        });
        Ok(pooled.collect())
    }

    /// A row for each token; `places` is overwritten.
    fn embed(&self, texts: &[&[u32]], xs: &mut Vec<f32>, places: &mut Vec<f32>) -> Result<()> {
        xs.clear();
        places.clear();
        self.words.copy(texts.iter().flat_map(|text| text.iter().copied()), xs)?;
        for text in texts {
            places.extend_from_slice(&self.places[..text.len() * self.hidden]);
        }
        self.add_norm(xs, places, &self.norm);
        Ok(())
    }

    /// Each text by itself.
    fn attend(&self, texts: &[&[u32]], mut qkv: &[f32], mut out: &mut [f32]) {
        let mut all = Vec::with_capacity(texts.len());
        for text in texts {
            let (mine, others) = out.split_at_mut(text.len() * self.hidden);
            let (my_qkv, rest) = qkv.split_at(text.len() * 3 * self.hidden);
            (out, qkv) = (others, rest);
            all.push((text.len(), my_qkv, mine));
        }
        all.into_par_iter()
            .for_each(|(length, qkv, out)| attention(self.level, qkv, length, self.heads, out));
    }

    fn add_norm(&self, xs: &mut [f32], added: &[f32], norm: &Norm) {
        rows::add_norm(self.level, xs, added, &norm.0, &norm.1, self.eps);
    }
}

/// Texts that lie beside each other, up to [`TOGETHER`] tokens, or one that is longer; fewer where there would be less than
/// a group for each thread.
fn groups<'a>(texts: &'a [&'a [u32]]) -> Vec<&'a [&'a [u32]]> {
    let tokens: usize = texts.iter().map(|text| text.len()).sum();
    let most = tokens.div_ceil(rayon::current_num_threads()).min(TOGETHER);
    let (mut out, mut start, mut held) = (Vec::new(), 0, 0);
    for (at, text) in texts.iter().enumerate() {
        if at > start && held + text.len() > most {
            out.push(&texts[start..at]);
            (start, held) = (at, 0);
        }
        held += text.len();
    }
    out.extend(texts.get(start..).filter(|rest| !rest.is_empty()));
    out
}

/// The mean of rows, as a unit vector.
#[expect(clippy::cast_precision_loss, reason = "a text has few tokens")]
fn pooled(rows: &[f32], width: usize) -> Vec<f32> {
    let mut mean = vec![0.0; width];
    for row in rows.chunks_exact(width) {
        mean.iter_mut().zip(row).for_each(|(mean, value)| *mean += value);
    }
    let count = (rows.len() / width.max(1)).max(1) as f32;
    mean.iter_mut().for_each(|value| *value /= count);
    let norm = mean.iter().map(|value| value * value).sum::<f32>().sqrt().max(1e-12);
    mean.iter_mut().for_each(|value| *value /= norm);
    mean
}

#[cfg(test)]
mod tests;
