//! What T5's encoder and decoder are made of.

use super::config::{Act, Config};
use crate::ModelError;
use crate::linear::Linear;
use crate::norm::Norm;
use crate::weights::Weights;
use candle_core::{DType, Result, Tensor};

/// Just under the largest f16.
const LARGEST_F16: f64 = 65504.0 - 1000.0;

/// What may have overflowed in f16 is brought back, as the reference does it.
pub(super) fn clamped(xs: &Tensor) -> Result<Tensor> {
    if xs.dtype() == DType::F16 { xs.clamp(-LARGEST_F16, LARGEST_F16) } else { Ok(xs.clone()) }
}

/// Adds what a part computed to the residual stream, which stays in f32.
pub(super) fn added(stream: &Tensor, part: &Tensor) -> Result<Tensor> {
    stream + clamped(part)?.to_dtype(DType::F32)?
}

/// The products around an attention.
pub(super) struct Attention {
    pub query: Linear,
    pub key: Linear,
    pub value: Linear,
    pub out: Linear,
    pub norm: Norm,
    heads: usize,
    dim: usize,
    acts: DType,
}

impl Attention {
    /// `place` is a layer's prefix, `name` that of its attention.
    pub(super) fn load(
        weights: &Weights,
        place: &str,
        name: &str,
        config: &Config,
    ) -> std::result::Result<Self, ModelError> {
        let (hidden, inner) = (config.hidden, config.heads * config.dim);
        let part = |part: &str| format!("{place}.{name}.{part}.weight");
        Ok(Self {
            query: weights.linear(&part("q"), inner, hidden)?,
            key: weights.linear(&part("k"), inner, hidden)?,
            value: weights.linear(&part("v"), inner, hidden)?,
            out: weights.linear(&part("o"), hidden, inner)?,
            norm: weights.norm(&format!("{place}.layer_norm.weight"), hidden, config.epsilon)?,
            heads: config.heads,
            dim: config.dim,
            acts: weights.dtypes.acts,
        })
    }

    /// The normalised stream, as the products take it.
    pub(super) fn normed(&self, stream: &Tensor) -> Result<Tensor> {
        self.norm.forward(stream)?.to_dtype(self.acts)
    }

    /// `(tokens, hidden)` → `(tokens, heads, dim)`.
    pub(super) fn split(&self, linear: &Linear, xs: &Tensor) -> Result<Tensor> {
        linear.forward(xs)?.to_dtype(self.acts)?.reshape((xs.dim(0)?, self.heads, self.dim))
    }
}

/// The feed-forward part.
pub(super) struct Dense {
    norm: Norm,
    gate: Option<Linear>,
    wide: Linear,
    narrow: Linear,
    act: Act,
    acts: DType,
}

impl Dense {
    pub(super) fn load(
        weights: &Weights,
        place: &str,
        config: &Config,
    ) -> std::result::Result<Self, ModelError> {
        let (hidden, wide) = (config.hidden, config.wide);
        let part = |part: &str| format!("{place}.DenseReluDense.{part}.weight");
        let (gate, up) = if config.gated {
            (Some(weights.linear(&part("wi_0"), wide, hidden)?), "wi_1")
        } else {
            (None, "wi")
        };
        // Overflows in f16: the reference keeps these weights in f32.
        let narrow = if weights.dtypes.weights == DType::F16 { DType::F32 } else { weights.dtypes.weights };
        Ok(Self {
            norm: weights.norm(&format!("{place}.layer_norm.weight"), hidden, config.epsilon)?,
            gate,
            wide: weights.linear(&part(up), wide, hidden)?,
            narrow: weights.linear_in(&part("wo"), hidden, wide, narrow)?,
            act: config.act,
            acts: weights.dtypes.acts,
        })
    }

    /// The residual stream with this part added.
    pub(super) fn forward(&self, stream: &Tensor) -> Result<Tensor> {
        let xs = self.norm.forward(stream)?.to_dtype(self.acts)?;
        let active = |xs: Tensor| match self.act {
            Act::Relu => xs.relu(),
            Act::Gelu => xs.gelu(),
        };
        let wide = match &self.gate {
            Some(gate) => (active(gate.forward(&xs)?)? * self.wide.forward(&xs)?)?,
            None => active(self.wide.forward(&xs)?)?,
        };
        added(stream, &self.narrow.forward(&wide)?)
    }
}
