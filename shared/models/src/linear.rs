//! The one place where activations meet weights: every product of the generating models goes through [`Linear`].

use candle_core::quantized::{QMatMul, QTensor};
use candle_core::{DType, Module, Result, Tensor};
use std::sync::Arc;

/// A matrix of weights, as stored: `(out, in)`. There are no biases in these models.
#[derive(Debug, Clone)]
pub(crate) struct Linear(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Dense(Tensor),
    Quantised(QMatMul),
}

impl Linear {
    /// Weights `(out, in)` in f32, f16 or bf16.
    pub(crate) fn dense(weight: Tensor) -> Self {
        Self(Kind::Dense(weight))
    }

    /// Weights `(out, in)` in blocks of few bits.
    pub(crate) fn quantised(weight: Arc<QTensor>) -> Result<Self> {
        Ok(Self(Kind::Quantised(QMatMul::from_arc(weight)?)))
    }

    /// `(rows, in)` → `(rows, out)`. The product is computed and given in f32 where either side is in f32 or the weights are
    /// quantised, else in the 16 bits that both have. Rows don't see each other.
    pub(crate) fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        match &self.0 {
            Kind::Dense(weight) if xs.dtype() == weight.dtype() => xs.matmul(&weight.t()?),
            Kind::Dense(weight) => xs.to_dtype(DType::F32)?.matmul(&weight.to_dtype(DType::F32)?.t()?),
            Kind::Quantised(weight) => weight.forward(&xs.to_dtype(DType::F32)?.contiguous()?),
        }
    }
}
