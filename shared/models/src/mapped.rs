//! A file of weights, mapped into memory: what is laid out anew is read from there once, and a table of which a text needs
//! a few rows is never read whole. Processes on one machine share what they have read.

use candle_core::safetensors::MmapedSafetensors;
use candle_core::{DType, Device, Result};
use std::path::Path;
use std::sync::Arc;

/// A safetensors file.
pub(crate) struct Mapped(MmapedSafetensors);

impl Mapped {
    /// Reads the header; every tensor that it names lies within the file.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        #[expect(
            unsafe_code,
            reason = "model files are written once, then only replaced whole, never changed in place"
        )]
        let file = unsafe { MmapedSafetensors::new(path) }?;
        Ok(Self(file))
    }

    /// What Candle's models take their tensors from.
    pub(crate) fn into_inner(self) -> MmapedSafetensors {
        self.0
    }

    /// `None` where there is no such tensor.
    pub(crate) fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.0.get(name).ok().map(|view| view.shape().to_vec())
    }

    /// All numbers of a tensor, row after row, in single precision.
    pub(crate) fn numbers(&self, name: &str) -> Result<Vec<f32>> {
        let view = self.0.get(name)?;
        if DType::try_from(view.dtype())? == DType::F32 {
            return Ok(floats(view.data()).collect());
        }
        self.0.load(name, &Device::Cpu)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1()
    }

    /// A table of rows of `width`, left in the file if it is in single precision.
    pub(crate) fn table(self: &Arc<Self>, name: &'static str, width: usize) -> Result<Table> {
        let view = self.0.get(name)?;
        let rows = view.shape().iter().product::<usize>() / width.max(1);
        let held =
            if DType::try_from(view.dtype())? == DType::F32 { None } else { Some(self.numbers(name)?) };
        Ok(Table { file: Arc::clone(self), name, held, rows, width })
    }
}

/// Numbers as they lie in a file.
fn floats(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes))
}

/// Rows of numbers, one for each token.
pub(crate) struct Table {
    file: Arc<Mapped>,
    name: &'static str,
    held: Option<Vec<f32>>,
    rows: usize,
    width: usize,
}

impl Table {
    /// How many there are.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Appends rows to `out`; each must be there.
    pub(crate) fn copy(&self, rows: impl Iterator<Item = u32>, out: &mut Vec<f32>) -> Result<()> {
        if let Some(held) = &self.held {
            rows.for_each(|row| out.extend_from_slice(&held[row as usize * self.width..][..self.width]));
            return Ok(());
        }
        let (view, size) = (self.file.0.get(self.name)?, 4 * self.width);
        rows.for_each(|row| out.extend(floats(&view.data()[row as usize * size..][..size])));
        Ok(())
    }
}
