//! Root-mean-square normalisation, always in f32.

use candle_core::{DType, Result, Tensor};
use candle_nn::ops::rms_norm;

#[derive(Debug)]
pub(crate) struct Norm {
    weight: Tensor,
    epsilon: f32,
}

impl Norm {
    /// A weight in f32 for each number of a vector.
    pub(crate) fn new(weight: Tensor, epsilon: f64) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "a small constant of the configuration")]
        Self { weight, epsilon: epsilon as f32 }
    }

    /// Over the last dimension; given in f32.
    pub(crate) fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        rms_norm(&xs.to_dtype(DType::F32)?.contiguous()?, &self.weight, self.epsilon)
    }
}
