//! One sequence in a running batch, and the batch of what its rows have to read next.

use crate::attention::Kv;
use candle_core::{Device, Result, Tensor};

/// A sequence: its caches and how much of them is filled.
#[derive(Debug)]
pub(crate) struct Row {
    /// Of its own tokens, by layer.
    pub own: Vec<Kv>,
    /// Of the encoder's, by layer; empty for a model without one.
    pub cross: Vec<Kv>,
    /// Tokens that the model has read.
    pub length: usize,
}

impl Row {
    /// Another row that goes on from here. What the encoder said is shared.
    pub(crate) fn fork(&self) -> Result<Self> {
        let own = self.own.iter().map(Kv::fork).collect::<Result<_>>()?;
        Ok(Self { own, cross: self.cross.clone(), length: self.length })
    }
}

/// What a row reads in this step.
pub(crate) struct Feed<'a> {
    pub row: &'a mut Row,
    /// At least one.
    pub tokens: &'a [u32],
    /// Of the last so many tokens the logits are wanted.
    pub wanted: usize,
}

/// The feeds of a step, packed.
pub(crate) struct Packed {
    /// Ids of all tokens.
    pub ids: Tensor,
    /// Where each row's tokens begin in it, and how many they are.
    pub spans: Vec<(usize, usize)>,
    /// The position of each token in its row.
    pub positions: Vec<usize>,
    wanted: Vec<u32>,
}

impl Packed {
    pub(crate) fn new(feeds: &[Feed], device: &Device) -> Result<Self> {
        let rows = feeds.iter().map(|feed| (feed.tokens, feed.row.length, feed.wanted));
        Self::of(rows, device)
    }

    /// Of rows with their tokens, what they have read before, and how many logits are wanted.
    pub(crate) fn of<'a>(
        rows: impl Iterator<Item = (&'a [u32], usize, usize)>,
        device: &Device,
    ) -> Result<Self> {
        let (mut ids, mut spans) = (Vec::new(), Vec::new());
        let (mut positions, mut wanted) = (Vec::new(), Vec::new());
        for (tokens, length, logits) in rows {
            spans.push((ids.len(), tokens.len()));
            ids.extend_from_slice(tokens);
            positions.extend(length..length + tokens.len());
            let end = u32::try_from(ids.len()).map_err(candle_core::Error::wrap)?;
            let logits = u32::try_from(logits.min(tokens.len())).map_err(candle_core::Error::wrap)?;
            wanted.extend(end - logits..end);
        }
        let count = ids.len();
        Ok(Self { ids: Tensor::from_vec(ids, count, device)?, spans, positions, wanted })
    }

    /// The hidden states of the tokens whose logits are wanted.
    pub(crate) fn wanted(&self, hidden: &Tensor) -> Result<Tensor> {
        if self.wanted.len() == hidden.dim(0)? {
            return Ok(hidden.clone());
        }
        hidden.index_select(&Tensor::new(self.wanted.as_slice(), hidden.device())?, 0)
    }

    pub(crate) fn wants_any(&self) -> bool {
        !self.wanted.is_empty()
    }
}

/// Puts what was computed row by row together again.
pub(crate) fn together(parts: &[Tensor]) -> Result<Tensor> {
    match parts {
        [one] => Ok(one.clone()),
        parts => Tensor::cat(parts, 0),
    }
}
