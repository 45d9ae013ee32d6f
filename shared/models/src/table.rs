//! The table of tokens: a vector for each, and, where they are tied, the weights of the last product.

use crate::linear::Linear;
use candle_core::quantized::QTensor;
use candle_core::{DType, Result, Tensor};
use std::sync::Arc;

#[derive(Debug, Clone)]
pub(crate) enum Table {
    Dense(Tensor),
    /// Rows are unpacked as they are asked for.
    Quantised(Arc<QTensor>),
}

impl Table {
    /// The vectors of `ids`, in f32: `(ids, hidden)`.
    pub(crate) fn rows(&self, ids: &Tensor) -> Result<Tensor> {
        match self {
            Self::Dense(table) => table.index_select(ids, 0)?.to_dtype(DType::F32),
            Self::Quantised(table) => table.embedding(ids),
        }
    }

    /// The same numbers as a product: hidden → one number for each token.
    pub(crate) fn linear(&self) -> Result<Linear> {
        match self {
            Self::Dense(table) => Ok(Linear::dense(table.clone())),
            Self::Quantised(table) => Linear::quantised(Arc::clone(table)),
        }
    }
}
