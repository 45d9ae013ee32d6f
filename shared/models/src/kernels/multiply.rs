//! Products of rows with a [`Matrix`], from one row to thousands.
//!
//! The weights of a panel are read once for all rows that are at hand: with few rows their reading is the work, and eight
//! rows cost little more than one. With many rows the rows are taken in parts that stay in the cache.

use super::Level;
use super::matrix::{Matrix, PANEL};
use super::spread::Spread;
use super::tile::{Panels, at_once, tile};
use rayon::prelude::*;
use std::marker::PhantomData;

/// Words of rows that are walked through for each panel: what stays in the cache of a core beside it.
const AT_HAND: usize = 96 * 1024;
/// Products of numbers below which a part is not worth a thread of its own.
const WORTH: usize = 1 << 18;

/// Rows that a chain of products should take at a time, so that what one leaves for the next is still in the cache.
pub(crate) fn rows_at_once() -> usize {
    256 * rayon::current_num_threads()
}

/// What happens to what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// It is replaced.
    Set,
    /// The product is added to it.
    Add,
}

/// Rows of numbers that several threads write at once, each its own part.
pub(super) struct Cells<'a> {
    start: *mut f32,
    width: usize,
    len: usize,
    borrowed: PhantomData<&'a mut [f32]>,
}

#[expect(unsafe_code, reason = "what threads may do with it is what `part` asks of its callers")]
unsafe impl Sync for Cells<'_> {}

impl<'a> Cells<'a> {
    pub(super) fn new(cells: &'a mut [f32], width: usize) -> Self {
        Self { start: cells.as_mut_ptr(), width, len: cells.len(), borrowed: PhantomData }
    }

    /// `count` numbers of a row.
    ///
    /// # Safety
    /// Nobody else has any of them meanwhile.
    #[expect(unsafe_code, reason = "disjoint columns of rows are no slices to split")]
    pub(super) unsafe fn part(&self, row: usize, from: usize, count: usize) -> &'a mut [f32] {
        let start = row * self.width + from;
        assert!(from + count <= self.width && start + count <= self.len, "beyond the rows");
        // SAFETY: within the slice, and by the caller's word nobody else's.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(start), count) }
    }
}

/// `x · Wᵀ` for each row of `x`; `out` has `weight.outputs()` numbers for each row.
pub(crate) fn multiply(level: Level, x: &[f32], weight: &Matrix, then: Then, out: &mut [f32]) {
    let rows = x.len() / weight.inputs.max(1);
    assert_eq!(
        (rows * weight.inputs, rows * weight.outputs),
        (x.len(), out.len()),
        "rows do not fit the weights"
    );
    if out.is_empty() {
        return;
    }
    let spread = Spread::new(level, weight.form, x, weight.inputs);
    let steps = weight.form.steps(weight.inputs);
    let (stride, count) = (steps * weight.form.lines(), weight.outputs.div_ceil(PANEL));
    let panels = Panels { form: weight.form, lines: &weight.lines, steps, stride, count };
    let cells = Cells::new(out, weight.outputs);

    let tiles = (AT_HAND / (spread.stride * spread.most)).clamp(1, spread.tiles());
    let parts = spread.tiles().div_ceil(tiles);
    let some = share(parts, count, PANEL * weight.inputs * rows.min(tiles * spread.most));
    let runs = count.div_ceil(some);
    let run = |at: usize| {
        let (part, first) = (at / runs, at % runs * some);
        let tiles = part * tiles..((part + 1) * tiles).min(spread.tiles());
        block(
            level,
            &spread,
            tiles,
            panels.some(first, some.min(count - first)),
            first * PANEL,
            then,
            &cells,
        );
    };
    if parts * runs == 1 || rayon::current_num_threads() == 1 {
        (0..parts * runs).for_each(run);
    } else {
        (0..parts * runs).into_par_iter().with_max_len(1).for_each(run);
    }
}

/// Panels of a piece of work, where the rows make `parts` and a panel takes so many products.
fn share(parts: usize, panels: usize, products: usize) -> usize {
    let threads = rayon::current_num_threads();
    if threads == 1 {
        return panels;
    }
    // Several for each thread, as some are slower than others.
    let wanted = (4 * threads).div_ceil(parts);
    panels.div_ceil(wanted).max(WORTH / products.max(1)).clamp(1, panels)
}

/// Some tiles of rows with some panels, the first of which has the outputs from `column` on.
fn block(
    level: Level,
    spread: &Spread,
    tiles: std::ops::Range<usize>,
    panels: Panels,
    column: usize,
    then: Then,
    cells: &Cells,
) {
    let mut sums = [[0.0; PANEL]; 12];
    let mut from = 0;
    let few = if tiles.len() == 1 { at_once(panels.form, spread.tile(tiles.start).1) } else { 1 };
    while from < panels.count {
        let count = panels.next(from, few);
        for at in tiles.clone() {
            let (words, room, rows) = spread.tile(at);
            let sums = &mut sums[..room * count];
            tile(level, words, panels.some(from, count), room, sums);
            for (panel, sums) in sums.chunks_exact(room).enumerate() {
                let column = column + (from + panel) * PANEL;
                for (row, sums) in sums.iter().enumerate().take(rows) {
                    put(cells, at * spread.most + row, column, sums, then);
                }
            }
        }
        from += count;
    }
}

fn put(cells: &Cells, row: usize, column: usize, sums: &[f32; PANEL], then: Then) {
    let count = PANEL.min(cells.width - column);
    #[expect(unsafe_code, reason = "every piece of work has its own rows and panels")]
    let out = unsafe { cells.part(row, column, count) };
    match then {
        Then::Set => out.copy_from_slice(&sums[..count]),
        Then::Add => out.iter_mut().zip(sums).for_each(|(out, sum)| *out += sum),
    }
}
