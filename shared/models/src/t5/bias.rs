//! T5 knows where tokens stand only by a number that is added to each head's scores, for each distance of query and key.
//!
//! Near distances have a number each, farther ones share one in buckets that widen with the logarithm, and beyond a largest
//! distance there is one for all. The encoder tells before from after; the decoder sees only what is before, and has all its
//! buckets for that.

use super::config::Config;
use crate::ModelError;
use crate::weights::Weights;
use candle_core::{Device, Result, Tensor};
use std::ops::Range;

pub(crate) struct Bias {
    /// Of each head, by distance (key − query) from −farthest to +farthest; for a decoder from −farthest to 0.
    by_distance: Vec<Vec<f32>>,
    farthest: usize,
    causal: bool,
}

impl Bias {
    /// Of the `encoder` or the `decoder`.
    pub(crate) fn of(
        weights: &Weights,
        part: &str,
        config: &Config,
        causal: bool,
    ) -> std::result::Result<Self, ModelError> {
        let name = format!("{part}.block.0.layer.0.SelfAttention.relative_attention_bias.weight");
        Self::load(weights, &name, config, causal)
    }

    /// From the first layer's table `(buckets, heads)`; the other layers share it.
    fn load(
        weights: &Weights,
        name: &str,
        config: &Config,
        causal: bool,
    ) -> std::result::Result<Self, ModelError> {
        let table = weights.small(name, &[config.buckets, config.heads])?;
        let table: Vec<Vec<f32>> = table.to_vec2().map_err(ModelError::run)?;
        let farthest = config.farthest;
        let numbers = |head: usize| {
            let before = (0..=farthest).rev().map(|distance| (distance, false));
            let after = (1..=farthest).map(|distance| (distance, true));
            let after = after.take(if causal { 0 } else { farthest });
            before
                .chain(after)
                .map(|(distance, after)| table[bucket(distance, after, config, causal)][head])
                .collect()
        };
        Ok(Self { by_distance: (0..config.heads).map(numbers).collect(), farthest, causal })
    }

    /// Adds its numbers to a head's scores of a query at a position with the keys from the first on.
    pub(crate) fn add(&self, head: usize, query: usize, scores: &mut [f32]) {
        let head = &self.by_distance[head];
        let (first, last) = (head[0], head[head.len() - 1]);
        // Too far before, in the table, too far after.
        let start = query.saturating_sub(self.farthest).min(scores.len());
        let end = (query + head.len() - self.farthest).min(scores.len()).max(start);
        let from = start + self.farthest - query.min(start + self.farthest);
        scores[..start].iter_mut().for_each(|score| *score += first);
        scores[start..end].iter_mut().zip(&head[from..]).for_each(|(score, bias)| *score += bias);
        let after = if self.causal { f32::NEG_INFINITY } else { last };
        scores[end..].iter_mut().for_each(|score| *score += after);
    }

    /// For queries at these positions over the first `keys` keys: `(heads, queries, keys)`. A decoder's query has −∞ for
    /// keys after it.
    pub(crate) fn over(&self, queries: Range<usize>, keys: usize, device: &Device) -> Result<Tensor> {
        let (heads, count) = (self.by_distance.len(), queries.len());
        let mut out = vec![0.0; heads * count * keys];
        for (at, scores) in out.chunks_exact_mut(keys).enumerate() {
            self.add(at / count, queries.start + at % count, scores);
        }
        Tensor::from_vec(out, (heads, count, keys), device)
    }
}

/// The number's place in the table. In f32, as the reference has it: some distances are on the edge of two buckets.
fn bucket(distance: usize, after: bool, config: &Config, causal: bool) -> usize {
    let buckets = if causal { config.buckets } else { config.buckets / 2 };
    let exact = buckets / 2;
    let base = if after && !causal { buckets } else { 0 };
    if distance < exact {
        return base + distance;
    }
    #[expect(clippy::cast_precision_loss, reason = "distances and buckets are small")]
    let (distance, near, far, coarse) =
        (distance as f32, exact as f32, config.farthest as f64 / exact as f64, (buckets - exact) as f32);
    #[expect(clippy::cast_possible_truncation, reason = "as the reference rounds")]
    let scale = far.ln() as f32;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number above 0")]
    let place = ((distance / near).ln() / scale * coarse) as usize;
    base + (exact + place).min(buckets - 1)
}
