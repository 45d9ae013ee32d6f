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
}

/// What is done with outputs, number by number, while they are at hand.
pub(crate) type Then = fn(Level, &mut [f32]);

/// `x · Wᵀ + bias` for each row of `x`, then `then`; `out` has `weight.outputs()` numbers for each row.
pub(crate) fn product(level: Level, x: &[f32], weight: &Packed, then: Option<Then>, out: &mut [f32]) {
    each_block(x, weight.inputs, out, weight.outputs, |x, out, block| {
        let laid = lay(level, x, weight, &mut block.rows);
        multiply(level, laid, weight, then, |sums, first, column, some| {
            rows::place(level, sums, some, &mut out[first * weight.outputs + column..], weight.outputs);
        });
    });
}

/// `narrow` of `then` of `wide`, as [`product`] each: what is between them, the widest rows that there are, stays in a
/// thread's cache.
pub(crate) fn feed_forward(
    level: Level,
    x: &[f32],
    (wide, then, narrow): (&Packed, Then, &Packed),
    out: &mut [f32],
) {
    assert_eq!(wide.outputs, narrow.inputs, "the second weights do not fit the first");
    each_block(x, wide.inputs, out, narrow.outputs, |x, out, Block { rows, inner, inner_rows }| {
        let count = x.len() / wide.inputs;
        let laid = lay(level, x, wide, rows);
        let laid = if matches!(narrow.panels, Panels::Bf16(_)) {
            let stride = wide.outputs.next_multiple_of(2);
            let halves = &mut inner_rows.halves;
            // What fills the last pair is zero.
            halves.clear();
            halves.resize(count * stride, 0);
            multiply(level, laid, wide, Some(then), |sums, first, column, some| {
                rows::place_halves(level, sums, some, &mut halves[first * stride + column..], stride);
            });
            Laid::Bf16(Rows { values: halves.as_slice(), stride, count })
        } else {
            inner.resize(count * wide.outputs, 0.0);
            multiply(level, laid, wide, Some(then), |sums, first, column, some| {
                rows::place(level, sums, some, &mut inner[first * wide.outputs + column..], wide.outputs);
            });
            lay(level, inner, narrow, inner_rows)
        };
        multiply(level, laid, narrow, None, |sums, first, column, some| {
            rows::place(level, sums, some, &mut out[first * narrow.outputs + column..], narrow.outputs);
        });
    });
}

/// What a thread needs for its rows.
#[derive(Default)]
struct Block {
    rows: Narrow,
    inner: Vec<f32>,
    inner_rows: Narrow,
}

/// Rows in fewer bits than they came.
#[derive(Default)]
struct Narrow {
    halves: Vec<u16>,
    bytes: Vec<u8>,
    steps: Vec<rows::Step>,
}

/// Shares rows and what comes of them out over the threads.
fn each_block(
    x: &[f32],
    inputs: usize,
    out: &mut [f32],
    outputs: usize,
    work: impl Fn(&[f32], &mut [f32], &mut Block) + Sync,
) {
    thread_local! {
        static BLOCK: RefCell<Block> = RefCell::default();
    }
    let rows = x.len() / inputs.max(1);
    assert_eq!((rows * inputs, rows * outputs), (x.len(), out.len()), "rows do not fit the weights");
    if out.is_empty() {
        return;
    }
    // Few rows are shared out a tile at a time.
    let shared = rows.div_ceil(rayon::current_num_threads()).next_multiple_of(TILE);
    let at_once = shared.min(ROWS);
    x.par_chunks(at_once * inputs)
        .zip(out.par_chunks_mut(at_once * outputs))
        .for_each(|(x, out)| BLOCK.with_borrow_mut(|block| work(x, out, block)));
}

/// Rows as weights of a width take them.
enum Laid<'a> {
    F32(Rows<'a, f32>),
    Bf16(Rows<'a, u16>),
    Int8(Rows<'a, u8>, &'a [rows::Step]),
}

fn lay<'a>(level: Level, x: &'a [f32], weight: &Packed, room: &'a mut Narrow) -> Laid<'a> {
    let (inputs, count) = (weight.inputs, x.len() / weight.inputs);
    match &weight.panels {
        Panels::F32(_) => Laid::F32(Rows { values: x, stride: inputs, count }),
        Panels::Bf16(_) => {
            let stride = inputs.next_multiple_of(2);
            room.halves.resize(count * stride, 0);
            rows::round(level, x, inputs, &mut room.halves, stride);
            Laid::Bf16(Rows { values: &room.halves, stride, count })
        }
        Panels::Int8(..) => {
            let stride = inputs.next_multiple_of(4);
            room.bytes.resize(count * stride, 0);
            room.steps.resize(count, rows::Step::default());
            rows::quantise(level, x, inputs, &mut room.bytes, stride, &mut room.steps);
            Laid::Int8(Rows { values: &room.bytes, stride, count }, &room.steps)
        }
    }
}

/// The products of all rows; `put` gets the sums of a tile, its first row and its first output, and how many outputs
/// there are.
fn multiply(
    level: Level,
    laid: Laid,
    weight: &Packed,
    then: Option<Then>,
    mut put: impl FnMut(&[[f32; PANEL]], usize, usize, usize),
) {
    let put = |panel: usize, first: usize, sums: &mut [[f32; PANEL]]| {
        if let Some(then) = then {
            then(level, sums.as_flattened_mut());
        }
        let column = panel * PANEL;
        put(sums, first, column, PANEL.min(weight.outputs - column));
    };
    let panels = weight.bias.len();
    match (laid, &weight.panels) {
        (Laid::F32(rows), Panels::F32(of)) => each_tile(rows, panels, put, |rows, panel, _, sums| {
            tile_f32(level, rows, of.get(panel), &weight.bias[panel], sums);
        }),
        (Laid::Bf16(rows), Panels::Bf16(of)) => each_tile(rows, panels, put, |rows, panel, _, sums| {
            tile_bf16(level, rows, of.get(panel), &weight.bias[panel], sums);
        }),
        (Laid::Int8(rows, steps), Panels::Int8(of, outputs)) => {
            let mut whole = [[0; PANEL]; TILE];
            each_tile(rows, panels, put, |rows, panel, first, sums| {
                tile_int8(level, rows, of.get(panel), &mut whole);
                let steps = &steps[first..first + rows.count];
                rows::unscale(level, &whole, steps, &outputs[panel], &weight.bias[panel], sums);
            });
        }
        _ => unreachable!("rows were laid out for weights of another width"),
    }
}

/// Every panel with every tile of rows. `tile` is told the rows, the panel and the first row.
fn each_tile<T>(
    rows: Rows<T>,
    panels: usize,
    mut put: impl FnMut(usize, usize, &mut [[f32; PANEL]]),
    mut tile: impl FnMut(Rows<T>, usize, usize, &mut Tile),
) {
    let mut sums = [[0.0; PANEL]; TILE];
    for panel in 0..panels {
        for first in (0..rows.count).step_by(TILE) {
            let count = TILE.min(rows.count - first);
            let some = Rows { values: &rows.values[first * rows.stride..], stride: rows.stride, count };
            tile(some, panel, first, &mut sums);
            put(panel, first, &mut sums[..count]);
        }
    }
}
