//! In how many bits a model keeps its weights and computes.

use crate::ModelError;
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
    /// 8 bits in the products alone: of a sentence encoder.
    Int8,
}

impl Precision {
    /// Of a dtype that weights may have.
    pub(crate) fn of(dtype: DType) -> Self {
        match dtype {
            DType::F16 => Self::F16,
            DType::BF16 => Self::Bf16,
            _ => Self::F32,
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
    /// Of what goes into them, and of the caches. The residual stream, norms and probabilities are always in f32.
    pub acts: DType,
}

impl Dtypes {
    pub(crate) const F32: Self = Self { weights: DType::F32, acts: DType::F32 };

    /// A processor computes in f32 whatever the weights are: it has no arithmetic in 16 bits that would be faster.
    pub(crate) fn of(precision: Precision, device: &Device) -> Result<Self, ModelError> {
        let weights = match precision {
            Precision::Auto if device.is_cpu() => DType::F32,
            Precision::Auto | Precision::Bf16 => DType::BF16,
            Precision::F32 => DType::F32,
            Precision::F16 => DType::F16,
            Precision::Int8 => {
                return Err(ModelError::Asked(
                    "precision int8: a model that writes takes f32, f16 or bf16".to_owned(),
                ));
            }
        };
        Ok(Self { weights, acts: if device.is_cpu() { DType::F32 } else { weights } })
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
