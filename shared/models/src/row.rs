//! One sequence in a running batch, and the batch of what its rows have to read next.

use crate::attention::Kv;
use crate::kernels::Cache;
use candle_core::{Device, Result, Tensor, bail};
use std::ops::Range;
use std::sync::Arc;

/// A sequence: its caches and how much of them is filled.
#[derive(Debug)]
pub(crate) struct Row {
    pub kept: Kept,
    /// Tokens that the model has read.
    pub length: usize,
}

/// Keys and values by layer: of the row's own tokens, and of the encoder's, which are empty for a model without one.
#[derive(Debug)]
pub(crate) enum Kept {
    /// On any device.
    Tensors { own: Vec<Kv>, cross: Vec<Kv> },
    /// On a processor, as its own products take them.
    Caches { own: Vec<Cache>, cross: Arc<Vec<Cache>> },
}

impl Row {
    /// Another row that goes on from here. What the encoder said is shared.
    pub(crate) fn fork(&self) -> Result<Self> {
        let kept = match &self.kept {
            Kept::Tensors { own, cross } => {
                let own = own.iter().map(Kv::fork).collect::<Result<_>>()?;
                Kept::Tensors { own, cross: cross.clone() }
            }
            Kept::Caches { own, cross } => Kept::Caches { own: own.clone(), cross: Arc::clone(cross) },
        };
        Ok(Self { kept, length: self.length })
    }

    pub(crate) fn tensors(&self) -> Result<(&[Kv], &[Kv])> {
        match &self.kept {
            Kept::Tensors { own, cross } => Ok((own, cross)),
            Kept::Caches { .. } => bail!("a row of another model"),
        }
    }

    pub(crate) fn caches(&self) -> Result<(&[Cache], &[Cache])> {
        match &self.kept {
            Kept::Caches { own, cross } => Ok((own, cross)),
            Kept::Tensors { .. } => bail!("a row of another model"),
        }
    }

    pub(crate) fn own_cache(&mut self, layer: usize) -> Result<&mut Cache> {
        match &mut self.kept {
            Kept::Caches { own, .. } => Ok(&mut own[layer]),
            Kept::Tensors { .. } => bail!("a row of another model"),
        }
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
    pub ids: Vec<u32>,
    /// Where each row's tokens begin in it, and how many they are.
    pub spans: Vec<(usize, usize)>,
    /// The position of each token in its row.
    pub positions: Vec<usize>,
    /// Those of each row whose logits are wanted.
    wanted: Vec<Range<usize>>,
}

impl Packed {
    pub(crate) fn new(feeds: &[Feed]) -> Self {
        Self::of(feeds.iter().map(|feed| (feed.tokens, feed.row.length, feed.wanted)))
    }

    /// Of rows with their tokens, what they have read before, and how many logits are wanted.
    pub(crate) fn of<'a>(rows: impl Iterator<Item = (&'a [u32], usize, usize)>) -> Self {
        let mut packed =
            Self { ids: Vec::new(), spans: Vec::new(), positions: Vec::new(), wanted: Vec::new() };
        for (tokens, length, logits) in rows {
            packed.spans.push((packed.ids.len(), tokens.len()));
            packed.ids.extend_from_slice(tokens);
            packed.positions.extend(length..length + tokens.len());
            let end = packed.ids.len();
            packed.wanted.push(end - logits.min(tokens.len())..end);
        }
        packed
    }

    /// The ids, for Candle's operations.
    pub(crate) fn tensor(&self, device: &Device) -> Result<Tensor> {
        Tensor::new(self.ids.as_slice(), device)
    }

    /// Places of the tokens whose logits are wanted.
    pub(crate) fn places(&self) -> Vec<usize> {
        self.wanted.iter().cloned().flatten().collect()
    }

    /// The hidden states of the tokens whose logits are wanted.
    pub(crate) fn wanted(&self, hidden: &Tensor) -> Result<Tensor> {
        let places = self.places();
        if places.len() == hidden.dim(0)? {
            return Ok(hidden.clone());
        }
        let places: std::result::Result<Vec<u32>, _> = places.into_iter().map(u32::try_from).collect();
        hidden.index_select(&Tensor::new(places.map_err(candle_core::Error::wrap)?, hidden.device())?, 0)
    }

    pub(crate) fn wants_any(&self) -> bool {
        self.wanted.iter().any(|wanted| !wanted.is_empty())
    }
}

/// Puts what was computed row by row together again.
pub(crate) fn together(parts: &[Tensor]) -> Result<Tensor> {
    match parts {
        [one] => Ok(one.clone()),
        parts => Tensor::cat(parts, 0),
    }
}
