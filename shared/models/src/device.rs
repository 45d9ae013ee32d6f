//! Where a model runs.

use crate::ModelError;
use candle_core::Device;
use std::fmt;
use std::str::FromStr;

/// The processor or a GPU: `auto`, `cpu`, `cuda` or `cuda:1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// The first NVIDIA GPU where there is one that works, else the processor.
    Auto,
    /// All cores of the processor.
    #[default]
    Cpu,
    /// The NVIDIA GPU of that number; needs the `cuda` feature.
    Cuda(usize),
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(ordinal) => write!(f, "cuda:{ordinal}"),
        }
    }
}

impl FromStr for DeviceChoice {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        let unknown = || ModelError::Device {
            device: text.to_owned(),
            reason: "give auto, cpu, cuda or cuda:N".to_owned(),
        };
        match text.split_once(':') {
            None if text == "auto" => Ok(Self::Auto),
            None if text == "cpu" => Ok(Self::Cpu),
            None if text == "cuda" => Ok(Self::Cuda(0)),
            Some(("cuda", ordinal)) => ordinal.parse().map(Self::Cuda).map_err(|_| unknown()),
            _ => Err(unknown()),
        }
    }
}

impl DeviceChoice {
    /// Opens it.
    pub(crate) fn open(self) -> Result<Device, ModelError> {
        match self {
            Self::Auto => Ok(Self::Cuda(0).open().unwrap_or(Device::Cpu)),
            Self::Cpu => Ok(Device::Cpu),
            Self::Cuda(_) if !cfg!(feature = "cuda") => Err(ModelError::Device {
                device: self.to_string(),
                reason: "this build has no CUDA: build with the feature `cuda`, or use cpu".to_owned(),
            }),
            Self::Cuda(ordinal) => Device::new_cuda(ordinal)
                .map_err(|error| ModelError::Device { device: self.to_string(), reason: error.to_string() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_read_as_they_are_written() {
        for choice in [DeviceChoice::Auto, DeviceChoice::Cpu, DeviceChoice::Cuda(1)] {
            assert_eq!(choice.to_string().parse::<DeviceChoice>().unwrap(), choice);
        }
        assert_eq!("cuda".parse::<DeviceChoice>().unwrap(), DeviceChoice::Cuda(0));
        for wrong in ["gpu", "cuda:x", ""] {
            assert!(wrong.parse::<DeviceChoice>().is_err());
        }
    }

    #[test]
    #[cfg(not(feature = "cuda"))]
    fn auto_is_the_processor_where_nothing_else_can_be() {
        assert!(DeviceChoice::Auto.open().unwrap().is_cpu());
    }

    #[test]
    #[cfg(not(feature = "cuda"))]
    fn a_gpu_without_the_feature_says_how_to_build() {
        assert!(DeviceChoice::Cuda(0).open().unwrap_err().to_string().contains("feature `cuda`"));
    }
}
