//! In how many bits a model keeps its weights and computes.

use crate::ModelError;
use crate::kernels::Form;
use candle_core::{DType, Device};
use std::fmt;
use std::str::FromStr;

/// `auto`, `f32`, `f16`, `bf16` or `int8`. A GGUF file's weights stay as they are quantised; this is then how the rest computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// `f32` on a processor, `bf16` on a GPU.
    #[default]
    Auto,
    /// 32 bits: the reference.
    F32,
    /// 16 bits with 5 for the exponent: the residual stream stays in 32, so that nothing overflows where the reference clamps.
    F16,
    /// 16 bits with 8 for the exponent.
    Bf16,
    /// 8 bits, rounded when they are loaded: with a scale for each 32 numbers of a model that writes, for each output of a
    /// sentence encoder. On a processor only.
    Int8,
}

impl Precision {
    /// What `auto` means on a device.
    pub(crate) fn on(self, device: &Device) -> Self {
        match self {
            Self::Auto if device.is_cpu() => Self::F32,
            Self::Auto => Self::Bf16,
            other => other,
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::Int8 => "int8",
        })
    }
}

impl FromStr for Precision {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        match text {
            "auto" => Ok(Self::Auto),
            "f32" => Ok(Self::F32),
            "f16" => Ok(Self::F16),
            "bf16" => Ok(Self::Bf16),
            "int8" => Ok(Self::Int8),
            other => Err(ModelError::Asked(format!("precision {other}: give auto, f32, f16, bf16 or int8"))),
        }
    }
}

/// What [`Precision`] means on a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dtypes {
    /// Of matrices, where they are not quantised.
    pub weights: DType,
    /// Of what goes into them, and of the caches, in Candle's operations. The residual stream, norms and probabilities are
    /// always in f32.
    pub acts: DType,
    /// In what a processor's products take the matrices.
    pub form: Form,
    /// Whether they are a processor's own, or Candle's operations.
    pub own: bool,
}

impl Dtypes {
    /// In f32, by a processor's own products.
    pub(crate) const F32: Self = Self { weights: DType::F32, acts: DType::F32, form: Form::F32, own: true };

    pub(crate) fn of(precision: Precision, device: &Device) -> Result<Self, ModelError> {
        let own = device.is_cpu();
        let (weights, form) = match precision.on(device) {
            Precision::Auto | Precision::F32 => (DType::F32, Form::F32),
            // No processor here multiplies these: they are widened once.
            Precision::F16 => (DType::F16, Form::F32),
            Precision::Bf16 => (DType::BF16, Form::Bf16),
            Precision::Int8 if own => (DType::F32, Form::Q8),
            Precision::Int8 => {
                let asked = "precision int8 is for a processor: give bf16, or a GGUF file in Q8_0";
                return Err(ModelError::Asked(asked.to_owned()));
            }
        };
        Ok(Self { weights, acts: if own { DType::F32 } else { weights }, form, own })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precisions_are_read_as_they_are_written() {
        let all = [Precision::Auto, Precision::F32, Precision::F16, Precision::Bf16, Precision::Int8];
        for precision in all {
            assert_eq!(precision.to_string().parse::<Precision>().unwrap(), precision);
        }
        assert!("int4".parse::<Precision>().unwrap_err().to_string().contains("bf16"));
    }
}
