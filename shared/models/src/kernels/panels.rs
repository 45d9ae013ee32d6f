//! Weights in the order in which a product reads them: [`PANEL`] outputs side by side, step by step; the outputs of the
//! last panel that do not exist, and inputs that fill the last step, are zero.

use super::inner::PANEL;
use super::rows::half;
use rayon::prelude::*;

/// Bytes of a register, and of a cache's line: a load across two lines counts twice.
const LINE: usize = 64;

/// How wide numbers enter a product. What comes out is always `f32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Width {
    /// Single precision, 24 bits.
    #[default]
    F32,
    /// `bfloat16`, 8 bits: twice as fast where the processor multiplies pairs of it, and not quite the same.
    Bf16,
    /// Whole numbers of 8 bits: weights in steps of each output's largest, rows in steps of their own range. Four times as
    /// fast where the processor multiplies fours of them, and coarser than `Bf16`.
    Int8,
}

pub(super) enum Panels {
    F32(Lines<f32>),
    Bf16(Lines<u16>),
    /// With the outputs of each panel.
    Int8(Lines<i8>, Vec<Outputs>),
}

/// What turns whole sums back.
pub(crate) struct Outputs {
    /// What one step of an output's weights stands for.
    pub steps: [f32; PANEL],
    /// The sum of an output's weights, in steps: rows count from their lowest number on, not from zero.
    pub sums: [i32; PANEL],
}

impl Panels {
    pub(super) fn new(weight: &[f32], outputs: usize, inputs: usize, width: Width) -> Self {
        match width {
            Width::F32 => Self::F32(Lines::of::<1>(weight, outputs, inputs, |_, value| value)),
            Width::Bf16 => Self::Bf16(Lines::of::<2>(weight, outputs, inputs, |_, value| half(value))),
            Width::Int8 => {
                assert!(inputs <= 1 << 16, "{inputs} inputs would not fit whole sums of 32 bits");
                Self::int8(weight, outputs, inputs)
            }
        }
    }

    fn int8(weight: &[f32], outputs: usize, inputs: usize) -> Self {
        let step = |row: &[f32]| row.iter().fold(0.0_f32, |most, value| most.max(value.abs())) / 127.0;
        let all: Vec<f32> = weight.par_chunks_exact(inputs.max(1)).map(step).collect();
        let inverse: Vec<f32> = all.iter().map(|step| if *step > 0.0 { 1.0 / step } else { 0.0 }).collect();
        // Adding it leaves a whole number in the lowest bits.
        const WHOLE: f32 = 12_582_912.0;
        #[expect(clippy::cast_possible_truncation, reason = "within ±127, and what is no number becomes 0")]
        let whole = |output: usize, value: f32| (value * inverse[output] + WHOLE).to_bits() as i8;
        let panels = Lines::of::<4>(weight, outputs, inputs, whole);
        let of_panel = |panel: usize| {
            let mut sums = [0_i32; PANEL];
            for (place, value) in panels.get(panel).iter().enumerate() {
                sums[place / 4 % PANEL] += i32::from(*value);
            }
            Outputs {
                steps: std::array::from_fn(|at| all.get(panel * PANEL + at).copied().unwrap_or(0.0)),
                sums,
            }
        };
        let outputs = (0..outputs.div_ceil(PANEL)).into_par_iter().map(of_panel).collect();
        Self::Int8(panels, outputs)
    }
}

/// Panels one behind the other, from the beginning of a cache's line on.
pub(super) struct Lines<T> {
    all: Vec<T>,
    from: usize,
    panel: usize,
}

impl<T: Copy + Default + Send + Sync> Lines<T> {
    /// `weight` row after row an output each, `STEP` inputs in a step, each number by `narrow` (output, value).
    fn of<const STEP: usize>(
        weight: &[f32],
        outputs: usize,
        inputs: usize,
        narrow: impl Fn(usize, f32) -> T + Sync,
    ) -> Self {
        let panel = inputs.next_multiple_of(STEP) * PANEL;
        let count = outputs.div_ceil(PANEL);
        let mut all = vec![T::default(); count * panel + LINE];
        let from = all.as_ptr().align_offset(LINE);
        if panel > 0 {
            all[from..].par_chunks_exact_mut(panel).take(count).enumerate().for_each(|(number, panel)| {
                let first = number * PANEL;
                let rows: Vec<&[f32]> = weight.chunks_exact(inputs).skip(first).take(PANEL).collect();
                // Written in order, read from many rows at once: the other way round every number is a line of the cache.
                for (step, line) in panel.chunks_exact_mut(PANEL * STEP).enumerate() {
                    for ((at, row), places) in rows.iter().enumerate().zip(line.chunks_exact_mut(STEP)) {
                        for (place, value) in places.iter_mut().zip(&row[step * STEP..]) {
                            *place = narrow(first + at, *value);
                        }
                    }
                }
            });
        }
        Self { all, from, panel }
    }

    pub(super) fn get(&self, panel: usize) -> &[T] {
        &self.all[self.from + panel * self.panel..][..self.panel]
    }
}
