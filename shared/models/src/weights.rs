//! The weights of a generating model: a tensor is asked for by its name and shape, and comes from whichever form they are in.

mod gguf;
mod raw;
#[cfg(test)]
mod tests;

pub(crate) use gguf::Gguf;
pub(crate) use raw::Rows;

use crate::ModelError;
use crate::files::{Files, Stored};
use crate::kernels::{Form, Level, has_bf16};
use crate::linear::Linear;
use crate::norm::Norm;
use crate::precision::Dtypes;
use crate::table::Table;
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::safetensors::MmapedSafetensors;
use candle_core::{DType, Device, Tensor};
use raw::{Kind, Raw};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The folder's weights on their way to a device.
pub(crate) struct Weights {
    source: Arc<Source>,
    stored: Stored,
    pub device: Device,
    pub dtypes: Dtypes,
    /// Unpack what is quantised.
    plain: bool,
}

enum Source {
    Mapped(MmapedSafetensors),
    Gguf(Gguf),
}

enum Found {
    Plain(Tensor),
    Quantised(Arc<QTensor>),
}

impl Source {
    /// A tensor as it lies there.
    fn raw(&self, name: &str) -> candle_core::Result<Raw<'_>> {
        match self {
            Self::Mapped(mapped) => {
                let view = mapped.get(name)?;
                Ok(Raw { kind: Kind::Dense(view.dtype().try_into()?), bytes: view.data() })
            }
            Self::Gguf(gguf) => {
                let (kind, bytes) = gguf.bytes(name)?;
                let kind = match kind {
                    GgmlDType::F32 => Kind::Dense(DType::F32),
                    GgmlDType::F16 => Kind::Dense(DType::F16),
                    GgmlDType::BF16 => Kind::Dense(DType::BF16),
                    other => Kind::Blocks(other),
                };
                Ok(Raw { kind, bytes })
            }
        }
    }
}

impl Weights {
    /// Opens the files. With `plain`, quantised weights are unpacked to the dtype of the others.
    pub(crate) fn open(
        files: &Files,
        device: &Device,
        dtypes: Dtypes,
        plain: bool,
    ) -> Result<Self, ModelError> {
        let source = match &files.stored {
            Stored::Gguf(path) => Source::Gguf(Gguf::open(path)?),
            _ => Source::Mapped(mapped(&files.weights())?),
        };
        let source = Arc::new(source);
        Ok(Self { source, stored: files.stored.clone(), device: device.clone(), dtypes, plain })
    }

    /// The same without unpacking, for what GGUF says besides tensors.
    pub(crate) fn gguf(&self) -> Option<&Gguf> {
        match &*self.source {
            Source::Gguf(gguf) => Some(gguf),
            Source::Mapped(_) => None,
        }
    }

    /// The file in which a tensor is, or ought to be.
    pub(crate) fn file(&self, name: &str) -> &Path {
        match &self.stored {
            Stored::Single(path) | Stored::Gguf(path) => path,
            Stored::Sharded(places) => {
                places.get(name).or_else(|| places.values().next()).map_or(Path::new(""), PathBuf::as_path)
            }
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        match &*self.source {
            Source::Mapped(mapped) => mapped.get(name).is_ok(),
            Source::Gguf(gguf) => gguf.shape(name).is_some(),
        }
    }

    /// Its shape in the file.
    pub(crate) fn shape(&self, name: &str) -> Option<Vec<usize>> {
        match &*self.source {
            Source::Mapped(mapped) => mapped.get(name).ok().map(|view| view.shape().to_vec()),
            Source::Gguf(gguf) => gguf.shape(name),
        }
    }

    fn content(&self, name: &str, reason: impl std::fmt::Display) -> ModelError {
        let reason = format!("tensor {name}: {reason}");
        ModelError::Content { path: self.file(name).to_owned(), reason }
    }

    fn damaged(&self, name: &str, error: impl std::fmt::Display) -> ModelError {
        self.content(name, format!("the file is truncated or damaged ({error})"))
    }

    /// In what a processor's products take numbers that are not in bits.
    fn form(&self) -> Form {
        if self.plain { Form::F32 } else { self.dtypes.form }
    }

    /// In what a processor keeps keys and values: where weights are rounded these may be, if it has products for that.
    pub(crate) fn cache_form(&self) -> Form {
        let rounded = self.form() < Form::F32 || (self.gguf().is_some() && !self.plain);
        if rounded && has_bf16(Level::best()) { Form::Bf16 } else { Form::F32 }
    }

    /// It is there, and of this shape.
    fn known(&self, name: &str, wanted: &[usize]) -> Result<(), ModelError> {
        let (path, tensor) = (self.file(name).to_owned(), name.to_owned());
        let wanted = wanted.to_vec();
        match self.shape(name) {
            None => Err(ModelError::MissingTensor { path, tensor, wanted }),
            Some(found) if found != wanted => Err(ModelError::WrongShape { path, tensor, wanted, found }),
            Some(_) => Ok(()),
        }
    }

    fn find(&self, name: &str, wanted: &[usize]) -> Result<Found, ModelError> {
        self.known(name, wanted)?;
        match &*self.source {
            Source::Mapped(mapped) => {
                let found = mapped.load(name, &self.device).map_err(|error| self.content(name, error))?;
                let kind = found.dtype();
                if !matches!(kind, DType::F32 | DType::F16 | DType::BF16) {
                    let reason = format!("it is in {}; f32, f16 and bf16 can be used", kind.as_str());
                    return Err(self.content(name, reason));
                }
                Ok(Found::Plain(found))
            }
            Source::Gguf(gguf) => gguf
                .tensor(name, &self.device)
                .and_then(|found| match found.dtype() {
                    GgmlDType::F32 | GgmlDType::F16 | GgmlDType::BF16 => {
                        found.dequantize(&self.device).map(Found::Plain)
                    }
                    _ if self.plain => found.dequantize(&self.device).map(Found::Plain),
                    _ => Ok(Found::Quantised(Arc::new(found))),
                })
                .map_err(|error| self.damaged(name, error)),
        }
    }

    fn plain(&self, name: &str, shape: &[usize], dtype: DType) -> Result<Tensor, ModelError> {
        match self.find(name, shape)? {
            Found::Plain(tensor) => tensor.to_dtype(dtype),
            Found::Quantised(tensor) => tensor.dequantize(&self.device).and_then(|t| t.to_dtype(dtype)),
        }
        .map_err(|error| self.content(name, error))
    }

    /// A small tensor in f32.
    pub(crate) fn small(&self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
        self.plain(name, shape, DType::F32)
    }

    pub(crate) fn norm(&self, name: &str, size: usize, epsilon: f64) -> Result<Norm, ModelError> {
        Ok(Norm::new(self.small(name, &[size])?, epsilon))
    }

    /// A matrix `(out, in)`.
    pub(crate) fn linear(&self, name: &str, out: usize, inner: usize) -> Result<Linear, ModelError> {
        self.linear_in(name, out, inner, self.dtypes.weights)
    }

    /// A matrix `(out, in)`, in another dtype than the others unless it is quantised.
    pub(crate) fn linear_in(
        &self,
        name: &str,
        out: usize,
        inner: usize,
        dtype: DType,
    ) -> Result<Linear, ModelError> {
        match self.find(name, &[out, inner])? {
            Found::Plain(tensor) => tensor.to_dtype(dtype).map(Linear::dense),
            Found::Quantised(tensor) => Linear::quantised(tensor),
        }
        .map_err(|error| self.content(name, error))
    }

    /// The table of tokens.
    pub(crate) fn table(&self, name: &str, rows: usize, size: usize) -> Result<Table, ModelError> {
        match self.find(name, &[rows, size])? {
            Found::Plain(tensor) => tensor.to_dtype(self.dtypes.weights).map(Table::Dense),
            Found::Quantised(tensor) => Ok(Table::Quantised(tensor)),
        }
        .map_err(|error| self.content(name, error))
    }
}

fn mapped(paths: &[PathBuf]) -> Result<MmapedSafetensors, ModelError> {
    for path in paths {
        // One by one first, so that a broken file is told by its name.
        map(std::slice::from_ref(path)).map_err(|error| ModelError::Content {
            path: path.clone(),
            reason: format!("it is truncated or no safetensors file ({error})"),
        })?;
    }
    map(paths).map_err(ModelError::run)
}

fn map(paths: &[PathBuf]) -> candle_core::Result<MmapedSafetensors> {
    #[expect(
        unsafe_code,
        reason = "model files are written once, then only replaced whole, never changed in place"
    )]
    unsafe {
        MmapedSafetensors::multi(paths)
    }
}
