//! Matrix products with weights that were laid out beforehand.

use super::inner::{PANEL, Rows, TILE, Tile, tile_bf16, tile_f32, tile_int8};
use super::panels::{Panels, Width};
use super::{Level, rows};
use rayon::prelude::*;
use std::cell::RefCell;

/// Rows that one thread takes at a time: they and a panel stay in its cache.
const ROWS: usize = 8 * TILE;

/// A weight matrix `(outputs, inputs)` with its bias.
pub(crate) struct Packed {
    outputs: usize,
    inputs: usize,
    /// A row for each panel; zero for outputs that do not exist.
    bias: Vec<[f32; PANEL]>,
    panels: Panels,
}

impl Packed {
    /// Lays out `weight`, row after row an output each, of `bias.len()` outputs.
    pub(crate) fn new(weight: &[f32], bias: Vec<f32>, width: Width) -> Self {
        let outputs = bias.len();
        let inputs = weight.len() / outputs.max(1);
        let panels = Panels::new(weight, outputs, inputs, width);
        let padded = |some: &[f32]| std::array::from_fn(|at| some.get(at).copied().unwrap_or(0.0));
        Self { outputs, inputs, bias: bias.chunks(PANEL).map(padded).collect(), panels }
    }

    /// Numbers of a row that comes out.
    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }
}

/// What is done with outputs, number by number, while they are at hand.
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

/// Rows in fewer bits than they came.
#[derive(Default)]
struct Narrow {
    halves: Vec<u16>,
    bytes: Vec<u8>,
    steps: Vec<rows::Step>,
}

/// The product for the rows of one thread.
fn block(level: Level, x: &[f32], weight: &Packed, then: Option<Then>, out: &mut [f32]) {
    thread_local! {
        static NARROW: RefCell<Narrow> = RefCell::default();
    }
    let (inputs, count) = (weight.inputs, x.len() / weight.inputs);
    match &weight.panels {
        Panels::F32(panels) => {
            let rows = Rows { values: x, stride: inputs, count };
            each_tile(level, rows, weight, then, out, |rows, panel, _, sums| {
                tile_f32(level, rows, panels.get(panel), &weight.bias[panel], sums);
            });
        }
        Panels::Bf16(panels) => NARROW.with_borrow_mut(|Narrow { halves, .. }| {
            let stride = inputs.next_multiple_of(2);
            halves.resize(count * stride, 0);
            rows::round(level, x, inputs, halves, stride);
            let rows = Rows { values: halves.as_slice(), stride, count };
            each_tile(level, rows, weight, then, out, |rows, panel, _, sums| {
                tile_bf16(level, rows, panels.get(panel), &weight.bias[panel], sums);
            });
        }),
        Panels::Int8(panels, outputs) => NARROW.with_borrow_mut(|Narrow { bytes, steps, .. }| {
            let stride = inputs.next_multiple_of(4);
            bytes.resize(count * stride, 0);
            steps.resize(count, rows::Step::default());
            rows::quantise(level, x, inputs, bytes, stride, steps);
            let rows = Rows { values: bytes.as_slice(), stride, count };
            let mut whole = [[0; PANEL]; TILE];
            each_tile(level, rows, weight, then, out, |rows, panel, first, sums| {
                tile_int8(level, rows, panels.get(panel), &mut whole);
                let steps = &steps[first..first + rows.count];
                rows::unscale(level, &whole, steps, &outputs[panel], &weight.bias[panel], sums);
            });
        }),
    }
}

/// Every panel with every tile of rows; the sums go to `out`. `tile` is told the rows, the panel and the first row.
fn each_tile<T>(
    level: Level,
    rows: Rows<T>,
    weight: &Packed,
    then: Option<Then>,
    out: &mut [f32],
    mut tile: impl FnMut(Rows<T>, usize, usize, &mut Tile),
) {
    let mut sums = [[0.0; PANEL]; TILE];
    for panel in 0..weight.bias.len() {
        for (first, out) in (0..rows.count).step_by(TILE).zip(out.chunks_mut(TILE * weight.outputs)) {
            let count = TILE.min(rows.count - first);
            let some = Rows { values: &rows.values[first * rows.stride..], stride: rows.stride, count };
            tile(some, panel, first, &mut sums);
            let sums = &mut sums[..count];
            if let Some(then) = then {
                then(level, sums.as_flattened_mut());
            }
            let column = panel * PANEL;
            let some = PANEL.min(weight.outputs - column);
            rows::place(level, sums, some, &mut out[column..], weight.outputs);
        }
    }
}
