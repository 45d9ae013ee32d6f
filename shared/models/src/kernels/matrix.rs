//! A matrix of weights in the order in which the inner loops of a product take it, in one of several [`Form`]s.
//!
//! Outputs stand in panels of [`PANEL`]. A panel is a run of steps: an input for each of its outputs in single precision, a
//! pair of inputs as `bfloat16`, a block of 32 inputs in 8 or 4 bits with a scale for each output. So whatever the form,
//! a product walks a panel from its first line to its last, and of its rows at the same time. That is what reading weights
//! from memory wants, which is most of the work where few rows meet them.

use half::f16;
#[cfg(target_os = "linux")]
use memmap2::Advice;
use memmap2::MmapMut;
use rayon::prelude::*;
use std::alloc::{Layout, handle_alloc_error};
use std::ops::{Deref, DerefMut};

/// Outputs of a panel: two registers of AVX-512.
pub(super) const PANEL: usize = 32;
/// Inputs that share a scale: a block of the formats in 8 and 4 bits.
pub(crate) const BLOCK: usize = 32;

/// 64 bytes: a register of AVX-512, and what caches are made of.
#[repr(C, align(64))]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line(pub(super) [u32; 16]);

impl Line {
    pub(super) const ZERO: Self = Self([0; 16]);
}

/// Many lines, on large pages where the system has them: walking through gigabytes would else be slowed by looking up where
/// each 4 KB of them lie.
pub(super) struct Lines {
    map: MmapMut,
    count: usize,
}

impl Lines {
    /// All zero.
    fn zero(count: usize) -> Self {
        let layout = Layout::array::<Line>(count.max(1)).unwrap_or(Layout::new::<Line>());
        // As any other memory: what a machine does not have ends the program.
        let map = MmapMut::map_anon(layout.size()).unwrap_or_else(|_| handle_alloc_error(layout));
        #[cfg(target_os = "linux")]
        if let Err(error) = map.advise(Advice::HugePage) {
            tracing::debug!(%error, "no large pages");
        }
        Self { map, count: layout.size() / size_of::<Line>() * usize::from(count > 0) }
    }
}

#[expect(unsafe_code, reason = "bytes of a map of its own, seen as numbers")]
impl Deref for Lines {
    type Target = [Line];

    fn deref(&self) -> &[Line] {
        // SAFETY: a page's beginning is aligned, so many lines lie there, and a line may have any bits.
        unsafe { std::slice::from_raw_parts(self.map.as_ptr().cast(), self.count) }
    }
}

#[expect(unsafe_code, reason = "bytes of a map of its own, seen as numbers")]
impl DerefMut for Lines {
    fn deref_mut(&mut self) -> &mut [Line] {
        // SAFETY: as above, and nobody else has them.
        unsafe { std::slice::from_raw_parts_mut(self.map.as_mut_ptr().cast(), self.count) }
    }
}

/// What the numbers of a matrix are, from the coarsest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    /// 4 bits: a number is `scale · q − least`, for blocks of 32.
    Q4,
    /// 8 bits: a number is `scale · q`, for blocks of 32.
    Q8,
    /// `bfloat16`.
    Bf16,
    /// Single precision.
    F32,
}

impl Form {
    /// Inputs of a step.
    pub(super) fn inputs(self) -> usize {
        match self {
            Self::F32 => 1,
            Self::Bf16 => 2,
            Self::Q8 | Self::Q4 => BLOCK,
        }
    }

    /// Lines of a panel for a step. In bits the last ones have the scales, and the least numbers after them.
    pub(super) fn lines(self) -> usize {
        match self {
            Self::F32 | Self::Bf16 => 2,
            Self::Q8 => 16 + 1,
            Self::Q4 => 8 + 2,
        }
    }

    /// Words of a row of activations for a step.
    pub(super) fn words(self) -> usize {
        match self {
            Self::F32 | Self::Bf16 => 1,
            Self::Q8 | Self::Q4 => BLOCK / 4 + 2,
        }
    }

    pub(super) fn steps(self, inputs: usize) -> usize {
        inputs.div_ceil(self.inputs())
    }
}

/// 32 numbers of an output in few bits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block {
    pub scale: f16,
    /// What is taken away from each; none in 8 bits.
    pub least: f16,
    /// In 8 bits with 128 added.
    pub quants: [u8; BLOCK],
}

impl Block {
    /// The nearest in 8 bits; as many as there are, the others are zero.
    pub(crate) fn nearest(values: &[f32]) -> Self {
        let mut block = [0.0; BLOCK];
        block[..values.len()].copy_from_slice(values);
        let (mut most, mut bad) = ([0.0_f32; 8], [0.0_f32; 8]);
        for some in block.as_chunks::<8>().0 {
            for ((most, bad), x) in most.iter_mut().zip(&mut bad).zip(some) {
                *most = if x.abs() > *most { x.abs() } else { *most };
                *bad += x * 0.0;
            }
        }
        let scale = f16::from_f32(most.iter().fold(0.0, |most: f32, x| most.max(*x)) / 127.0);
        let per = if scale == f16::ZERO { 0.0 } else { 1.0 / scale.to_f32() };
        let quants = block.map(|x| ((x * per).clamp(-127.0, 127.0) + ROUND).to_bits().to_le_bytes()[0] ^ 128);
        // Numbers that are none must not become some.
        let whole = bad.iter().all(|bad| *bad == 0.0);
        Self { scale: if whole { scale } else { f16::NAN }, least: f16::ZERO, quants }
    }
}

/// Adding it rounds to a whole number, which then stands in the lowest bits.
pub(super) const ROUND: f32 = 12_582_912.0;

/// Weights `(outputs, inputs)`. What lies beyond the last output or input of a panel is zero.
pub(crate) struct Matrix {
    pub(super) form: Form,
    pub(super) outputs: usize,
    pub(super) inputs: usize,
    pub(super) lines: Lines,
}

impl Matrix {
    /// Lays out weights of which `row` writes the numbers of an output. In 4 bits there is no way from numbers: what asks
    /// for that gets 8.
    pub(crate) fn new(
        form: Form,
        outputs: usize,
        inputs: usize,
        row: impl Fn(usize, &mut [f32]) + Sync,
    ) -> Self {
        let form = form.max(Form::Q8);
        Self::panels(form, outputs, inputs, |panel, lines| {
            let mut numbers = vec![0.0; inputs];
            for output in panel * PANEL..outputs.min((panel + 1) * PANEL) {
                row(output, &mut numbers);
                let at = output % PANEL;
                match form {
                    Form::F32 => {
                        for (lines, value) in lines.chunks_exact_mut(2).zip(&numbers) {
                            lines[at / 16].0[at % 16] = value.to_bits();
                        }
                    }
                    Form::Bf16 => {
                        for (lines, two) in lines.chunks_exact_mut(2).zip(numbers.chunks(2)) {
                            lines[at / 16].0[at % 16] = pair(two[0], two.get(1).copied().unwrap_or(0.0));
                        }
                    }
                    Form::Q8 | Form::Q4 => {
                        for (lines, some) in lines.chunks_exact_mut(form.lines()).zip(numbers.chunks(BLOCK)) {
                            place(form, &Block::nearest(some), at, lines);
                        }
                    }
                }
            }
        })
    }

    /// The same from blocks of 8 or 4 bits: `block` gives an output's at a step.
    pub(crate) fn of_blocks(
        form: Form,
        outputs: usize,
        inputs: usize,
        block: impl Fn(usize, usize) -> Block + Sync,
    ) -> Self {
        Self::panels(form, outputs, inputs, |panel, lines| {
            for output in panel * PANEL..outputs.min((panel + 1) * PANEL) {
                for (step, lines) in lines.chunks_exact_mut(form.lines()).enumerate() {
                    place(form, &block(output, step), output % PANEL, lines);
                }
            }
        })
    }

    fn panels(form: Form, outputs: usize, inputs: usize, fill: impl Fn(usize, &mut [Line]) + Sync) -> Self {
        let size = form.steps(inputs) * form.lines();
        let mut lines = Lines::zero(outputs.div_ceil(PANEL) * size);
        if size > 0 {
            lines.par_chunks_mut(size).enumerate().for_each(|(panel, lines)| fill(panel, lines));
        }
        Self { form, outputs, inputs, lines }
    }

    /// Numbers of a row that goes in.
    pub(crate) fn inputs(&self) -> usize {
        self.inputs
    }

    /// Numbers of a row that comes out.
    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }
}

/// An output's block into the lines of its step.
fn place(form: Form, block: &Block, at: usize, lines: &mut [Line]) {
    let (line, word) = (at / 16, at % 16);
    let half = |number: f16| u32::from(number.to_bits()) << (at % 2 * 16);
    if form == Form::Q4 {
        for (pair, eight) in block.quants.chunks_exact(8).enumerate() {
            let bytes = std::array::from_fn(|i| eight[i] & 15 | eight[i + 4] << 4);
            lines[pair * 2 + line].0[word] = u32::from_le_bytes(bytes);
        }
        lines[9].0[at / 2] |= half(block.least);
        lines[8].0[at / 2] |= half(block.scale);
    } else {
        for (group, four) in block.quants.chunks_exact(4).enumerate() {
            let bytes = std::array::from_fn(|i| four[i]);
            lines[group * 2 + line].0[word] = u32::from_le_bytes(bytes);
        }
        lines[16].0[at / 2] |= half(block.scale);
    }
}

/// Two numbers as `bfloat16`, the first in the lower half.
#[inline(always)]
pub(super) fn pair(low: f32, high: f32) -> u32 {
    bf16(low) >> 16 | bf16(high) & 0xffff_0000
}

/// Rounded to the nearest `bfloat16`, ties to even, in the upper half; what is no number stays none.
#[inline(always)]
pub(super) fn bf16(value: f32) -> u32 {
    let bits = value.to_bits();
    let rounded = bits.wrapping_add(0x7fff_u32.wrapping_add(bits >> 16 & 1));
    if value.is_nan() { bits | 0x0040_0000 } else { rounded }
}
