//! Matrix products with weights that were laid out beforehand.

#[cfg(target_arch = "x86_64")]
use super::x86;
use super::{Level, plain, rows};
use rayon::prelude::*;

/// Outputs of a panel: two registers of AVX-512.
pub(super) const PANEL: usize = 32;
/// Rows of a tile.
pub(super) const TILE: usize = 12;
/// The sums of a tile: rows by outputs.
pub(super) type Tile = [[f32; PANEL]; TILE];
/// Rows that one thread takes at a time: their copy and a panel stay in its cache.
const ROWS: usize = 8 * TILE;

/// How wide numbers enter a product. Sums are always `f32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Width {
    /// Single precision, 24 bits.
    #[default]
    F32,
    /// `bfloat16`, 8 bits: twice as fast where the processor multiplies pairs of it, and not quite the same.
    Bf16,
}

/// A weight matrix `(outputs, inputs)` with its bias, in panels of [`PANEL`] outputs, each input by input; the outputs
/// of the last panel that do not exist are zero. As `bfloat16` two inputs share a place.
pub(crate) struct Packed {
    outputs: usize,
    inputs: usize,
    bias: Vec<f32>,
    panels: Panels,
}

enum Panels {
    F32(Vec<f32>),
    Bf16(Vec<u32>),
}

impl Packed {
    /// Lays out `weight`, row after row an output each, of `bias.len()` outputs.
    pub(crate) fn new(weight: &[f32], bias: Vec<f32>, width: Width) -> Self {
        let outputs = bias.len();
        let inputs = weight.len() / outputs.max(1);
        let value = |panel: usize, input: usize, at: usize| {
            let output = panel * PANEL + at;
            if output < outputs && input < inputs { weight[output * inputs + input] } else { 0.0 }
        };
        let count = outputs.div_ceil(PANEL);
        let panels = match width {
            Width::F32 => {
                let mut all = Vec::with_capacity(count * inputs * PANEL);
                for panel in 0..count {
                    for input in 0..inputs {
                        all.extend((0..PANEL).map(|at| value(panel, input, at)));
                    }
                }
                Panels::F32(all)
            }
            Width::Bf16 => {
                let mut all = Vec::with_capacity(count * inputs.div_ceil(2) * PANEL);
                for panel in 0..count {
                    for input in (0..inputs).step_by(2) {
                        let pair = |at| pair(value(panel, input, at), value(panel, input + 1, at));
                        all.extend((0..PANEL).map(pair));
                    }
                }
                Panels::Bf16(all)
            }
        };
        Self { outputs, inputs, bias, panels }
    }

    /// Numbers of a row that comes out.
    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }
}

/// Two numbers as `bfloat16`, the first in the lower half.
fn pair(low: f32, high: f32) -> u32 {
    bf16(low) >> 16 | bf16(high) & 0xffff_0000
}

/// Rounded to the nearest `bfloat16`, ties to even, in the upper half; what is no number stays none.
#[inline(always)]
fn bf16(value: f32) -> u32 {
    let bits = value.to_bits();
    if value.is_nan() {
        return bits | 0x0040_0000;
    }
    bits.wrapping_add(0x7fff + (bits >> 16 & 1))
}

/// What is done with a row's outputs while they are at hand.
pub(crate) type Then = fn(Level, &mut [f32]);

/// `x · Wᵀ + bias` for each row of `x`, then `then`; `out` has `weight.outputs()` numbers for each row.
pub(crate) fn product(level: Level, x: &[f32], weight: &Packed, then: Option<Then>, out: &mut [f32]) {
    let rows = x.len() / weight.inputs.max(1);
    assert_eq!(
        (rows * weight.inputs, rows * weight.outputs),
        (x.len(), out.len()),
        "rows do not fit the weights"
    );
    if rows == 0 {
        return;
    }
    // Few rows are shared out over the threads a tile at a time.
    let shared = rows.div_ceil(rayon::current_num_threads()).next_multiple_of(TILE);
    let at_once = shared.min(ROWS);
    x.par_chunks(at_once * weight.inputs)
        .zip(out.par_chunks_mut(at_once * weight.outputs))
        .for_each(|(x, out)| block(level, x, weight, then, out));
}

/// The product for the rows of one thread.
fn block(level: Level, x: &[f32], weight: &Packed, then: Option<Then>, out: &mut [f32]) {
    let tiles = (x.len() / weight.inputs).div_ceil(TILE);
    match &weight.panels {
        Panels::F32(panels) => {
            let step = weight.inputs;
            let mut a = vec![0.0; tiles * TILE * step];
            for (row, x) in x.chunks_exact(weight.inputs).enumerate() {
                let tile = &mut a[row / TILE * TILE * step..][..TILE * step];
                tile.iter_mut().skip(row % TILE).step_by(TILE).zip(x).for_each(|(to, from)| *to = *from);
            }
            each_tile(&a, panels, step, weight, out, |a, panel, tile| tile_f32(level, a, panel, tile));
        }
        Panels::Bf16(panels) => {
            let step = weight.inputs.div_ceil(2);
            let mut a = vec![0; tiles * TILE * step];
            for (row, x) in x.chunks_exact(weight.inputs).enumerate() {
                let tile = &mut a[row / TILE * TILE * step..][..TILE * step];
                let pairs = x.chunks(2).map(|x| pair(x[0], x.get(1).copied().unwrap_or(0.0)));
                tile.iter_mut().skip(row % TILE).step_by(TILE).zip(pairs).for_each(|(to, from)| *to = from);
            }
            each_tile(&a, panels, step, weight, out, |a, panel, tile| tile_bf16(level, a, panel, tile));
        }
    }
    if let Some(then) = then {
        then(level, out);
    }
}

/// Every panel with every tile of rows; the sums with their bias go to `out`.
fn each_tile<T>(
    a: &[T],
    panels: &[T],
    step: usize,
    weight: &Packed,
    out: &mut [f32],
    tile: impl Fn(&[T], &[T], &mut Tile),
) {
    let mut sums = [[0.0; PANEL]; TILE];
    for (number, (panel, bias)) in
        panels.chunks_exact(step * PANEL).zip(weight.bias.chunks(PANEL)).enumerate()
    {
        let column = number * PANEL;
        for (a, out) in a.chunks_exact(step * TILE).zip(out.chunks_mut(TILE * weight.outputs)) {
            tile(a, panel, &mut sums);
            for (sums, out) in sums.iter().zip(out.chunks_exact_mut(weight.outputs)) {
                for ((out, sum), bias) in out[column..].iter_mut().zip(sums).zip(bias) {
                    *out = sum + bias;
                }
            }
        }
    }
}

/// One tile of rows with one panel of outputs.
pub(super) fn tile_f32(level: Level, a: &[f32], panel: &[f32], out: &mut Tile) {
    #[cfg(target_arch = "x86_64")]
    #[expect(unsafe_code, reason = "a level is only had where the processor has its instructions")]
    match level {
        Level::Plain => {}
        Level::Avx2 => return unsafe { x86::tile_avx2(a, panel, out) },
        Level::Avx512 | Level::Avx512Bf16 => return unsafe { x86::tile_avx512(a, panel, out) },
    }
    let _ = level;
    plain::tile(a, panel, out);
}

fn tile_bf16(level: Level, a: &[u32], panel: &[u32], out: &mut Tile) {
    #[cfg(target_arch = "x86_64")]
    #[expect(unsafe_code, reason = "a level is only had where the processor has its instructions")]
    if level == Level::Avx512Bf16 {
        return unsafe { x86::tile_avx512_bf16(a, panel, out) };
    }
    rows::tile_bf16(level, a, panel, out);
}
