//! The inner loop of a product for any processor. The others are tested against it.

use super::packed::{PANEL, TILE, Tile};

/// `a` holds [`TILE`] rows and `panel` [`PANEL`] outputs, both input by input; the products' sums go to `out`.
pub(super) fn tile(a: &[f32], panel: &[f32], out: &mut Tile) {
    *out = [[0.0; PANEL]; TILE];
    for (a, weights) in a.chunks_exact(TILE).zip(panel.chunks_exact(PANEL)) {
        for (row, a) in out.iter_mut().zip(a) {
            for (sum, weight) in row.iter_mut().zip(weights) {
                *sum += a * weight;
            }
        }
    }
}

/// The same for pairs of inputs as `bfloat16`, the first in the lower half.
pub(super) fn tile_bf16(a: &[u32], panel: &[u32], out: &mut Tile) {
    let (low, high) =
        (|pair: u32| f32::from_bits(pair << 16), |pair: u32| f32::from_bits(pair & 0xffff_0000));
    *out = [[0.0; PANEL]; TILE];
    for (a, weights) in a.chunks_exact(TILE).zip(panel.chunks_exact(PANEL)) {
        for (row, &a) in out.iter_mut().zip(a) {
            for (sum, &weight) in row.iter_mut().zip(weights) {
                *sum += low(a) * low(weight) + high(a) * high(weight);
            }
        }
    }
}
