//! Tensors as they lie in a mapped file, and how they become what a processor's products want: nothing is read but what is
//! asked for, and each number once.

use super::{Source, Weights};
use crate::ModelError;
use crate::kernels::{BLOCK, Block, Form, Matrix};
use candle_core::quantized::GgmlDType;
use candle_core::quantized::ggml_file::qtensor_from_ggml;
use candle_core::{DType, Device, Result, bail};
use half::{bf16, f16};
use std::sync::Arc;

/// A tensor's bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Raw<'a> {
    pub kind: Kind,
    pub bytes: &'a [u8],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Dense(DType),
    Blocks(GgmlDType),
}

impl Kind {
    /// Bytes of so many numbers, which have to be whole blocks.
    fn bytes(self, numbers: usize) -> usize {
        match self {
            Self::Dense(dtype) => numbers * dtype.size_in_bytes(),
            Self::Blocks(kind) => numbers / kind.block_size() * kind.type_size(),
        }
    }
}

impl Raw<'_> {
    /// The numbers of a row.
    fn row(&self, at: usize, out: &mut [f32]) -> Result<()> {
        let size = self.kind.bytes(out.len());
        let Some(bytes) = self.bytes.get(at * size..(at + 1) * size) else { bail!("row {at} is missing") };
        match self.kind {
            Kind::Dense(DType::F32) => {
                out.iter_mut().zip(bytes.as_chunks().0).for_each(|(out, b)| *out = f32::from_le_bytes(*b));
            }
            Kind::Dense(DType::F16) => {
                let numbers = out.iter_mut().zip(bytes.as_chunks().0);
                numbers.for_each(|(out, b)| *out = f16::from_le_bytes(*b).to_f32());
            }
            Kind::Dense(DType::BF16) => {
                let numbers = out.iter_mut().zip(bytes.as_chunks().0);
                numbers.for_each(|(out, b)| *out = bf16::from_le_bytes(*b).to_f32());
            }
            Kind::Dense(other) => bail!("it is in {}; f32, f16 and bf16 can be used", other.as_str()),
            Kind::Blocks(kind) => {
                // A copy, as blocks have to lie on even addresses.
                let bytes = bytes.to_vec();
                let row = qtensor_from_ggml(kind, &bytes, vec![out.len()], &Device::Cpu)?;
                out.copy_from_slice(&row.dequantize(&Device::Cpu)?.to_vec1::<f32>()?);
            }
        }
        Ok(())
    }

    /// Whether rows of so many numbers are whole blocks, and all there.
    fn checked(&self, rows: usize, inputs: usize) -> Result<()> {
        if let Kind::Blocks(kind) = self.kind
            && !inputs.is_multiple_of(kind.block_size())
        {
            bail!("rows of {inputs} numbers in blocks of {}", kind.block_size());
        }
        if self.bytes.len() < self.kind.bytes(rows * inputs) {
            bail!("{} bytes, wanted {}", self.bytes.len(), self.kind.bytes(rows * inputs));
        }
        // Whatever is wrong with the kind shows at once.
        if rows > 0 { self.row(0, &mut vec![0.0; inputs]) } else { Ok(()) }
    }

    /// Block `step` of a row, of a kind that a product takes as it is.
    pub(super) fn block(&self, kind: GgmlDType, row: usize, step: usize, inputs: usize) -> Block {
        let numbers = row * inputs + step * BLOCK;
        match kind {
            GgmlDType::Q4K => four_bits(&self.bytes[numbers / 256 * 144..][..144], numbers % 256 / BLOCK),
            _ => eight_bits(&self.bytes[numbers / BLOCK * 34..][..34]),
        }
    }
}

/// A scale, then 32 signed bytes.
fn eight_bits(bytes: &[u8]) -> Block {
    let scale = f16::from_le_bytes([bytes[0], bytes[1]]);
    Block { scale, least: f16::ZERO, quants: std::array::from_fn(|at| bytes[2 + at] ^ 128) }
}

/// Block `at` of eight that share their bytes: a scale of their scales and one of what is taken away, 6 bits of each for
/// every block, then 4 bits for every number, of two blocks in one byte.
fn four_bits(bytes: &[u8], at: usize) -> Block {
    let number = |at: usize| f16::from_le_bytes([bytes[at], bytes[at + 1]]).to_f32();
    let six = &bytes[4..16];
    let (scale, least) = if at < 4 {
        (six[at] & 63, six[at + 4] & 63)
    } else {
        (six[at + 4] & 15 | six[at - 4] >> 6 << 4, six[at + 4] >> 4 | six[at] >> 6 << 4)
    };
    let four = &bytes[16 + at / 2 * BLOCK..][..BLOCK];
    Block {
        scale: f16::from_f32(number(0) * f32::from(scale)),
        least: f16::from_f32(number(2) * f32::from(least)),
        quants: std::array::from_fn(|byte| four[byte] >> (at % 2 * 4) & 15),
    }
}

/// A part of a matrix: a tensor's name and the outputs that it has.
pub(crate) type Part<'a> = (&'a str, usize);

impl Weights {
    /// Several matrices of `inputs` as one, their outputs one after the other, laid out for a processor. What is in bits
    /// stays as it is where all of it has one of the kinds that there are products for; otherwise it gets 8.
    pub(crate) fn matrix(&self, parts: &[Part], inputs: usize) -> std::result::Result<Matrix, ModelError> {
        let mut raw = Vec::with_capacity(parts.len());
        let mut first = Vec::with_capacity(parts.len());
        let mut outputs = 0;
        for (name, count) in parts {
            self.known(name, &[*count, inputs])?;
            let found = self.source.raw(name).map_err(|error| self.damaged(name, error))?;
            found.checked(*count, inputs).map_err(|error| self.content(name, error))?;
            raw.push(found);
            first.push(outputs);
            outputs += count;
        }
        let whose = |output: usize| {
            let part = first.partition_point(|from| *from <= output) - 1;
            (&raw[part], output - first[part])
        };
        let kinds: Vec<Kind> = raw.iter().map(|raw| raw.kind).collect();
        let same = kinds.iter().all(|kind| *kind == kinds[0]);
        for (kind, form) in [(GgmlDType::Q8_0, Form::Q8), (GgmlDType::Q4K, Form::Q4)] {
            if same && !self.plain && kinds[0] == Kind::Blocks(kind) {
                return Ok(Matrix::of_blocks(form, outputs, inputs, |output, step| {
                    let (raw, row) = whose(output);
                    raw.block(kind, row, step, inputs)
                }));
            }
        }
        let bits = kinds.iter().any(|kind| matches!(kind, Kind::Blocks(_)));
        let form = if bits && !self.plain { Form::Q8 } else { self.form() };
        let dtype = self.dtypes.weights;
        Ok(Matrix::new(form, outputs, inputs, |output, out| {
            let (raw, row) = whose(output);
            match raw.row(row, out) {
                Ok(()) => rounded(out, dtype),
                // It has been looked at before: this would be a fault of the machine, and must not pass for an answer.
                Err(_) => out.fill(f32::NAN),
            }
        }))
    }

    /// A vector in f32.
    pub(crate) fn vector(&self, name: &str, size: usize) -> std::result::Result<Vec<f32>, ModelError> {
        self.small(name, &[size])?.to_vec1().map_err(|error| self.damaged(name, error))
    }

    /// The table of tokens, which stays in its file.
    pub(crate) fn rows(&self, name: &str, rows: usize, size: usize) -> std::result::Result<Rows, ModelError> {
        self.known(name, &[rows, size])?;
        let found = self.source.raw(name).map_err(|error| self.damaged(name, error))?;
        found.checked(rows, size).map_err(|error| self.content(name, error))?;
        let (source, dtype) = (Arc::clone(&self.source), self.dtypes.weights);
        Ok(Rows { source, name: name.to_owned(), rows, size, dtype })
    }
}

/// A matrix of which a few rows are wanted at a time, in its file.
pub(crate) struct Rows {
    source: Arc<Source>,
    name: String,
    rows: usize,
    size: usize,
    dtype: DType,
}

impl Rows {
    /// These rows, one after the other, in f32.
    pub(crate) fn of(&self, ids: &[u32]) -> Result<Vec<f32>> {
        let raw = self.source.raw(&self.name)?;
        let mut out = vec![0.0; ids.len() * self.size];
        for (id, out) in ids.iter().zip(out.chunks_exact_mut(self.size)) {
            match usize::try_from(*id) {
                Ok(at) if at < self.rows => raw.row(at, out)?,
                _ => bail!("token {id} in a table of {}", self.rows),
            }
            rounded(out, self.dtype);
        }
        Ok(out)
    }
}

/// As another dtype has them.
fn rounded(values: &mut [f32], dtype: DType) {
    match dtype {
        DType::F16 => values.iter_mut().for_each(|value| *value = f16::from_f32(*value).to_f32()),
        DType::BF16 => values.iter_mut().for_each(|value| *value = bf16::from_f32(*value).to_f32()),
        _ => {}
    }
}
