//! The inner loop of a product for any processor. The others are tested against it.

use super::inner::{PANEL, Rows, Tile, WholeTile};

/// A number of `bfloat16` by its bits.
fn wide(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// Rows by a panel of outputs, both input by input, onto the bias.
#[inline(always)]
pub(super) fn tile_f32(a: Rows<f32>, panel: &[f32], bias: &[f32; PANEL], out: &mut Tile) {
    for (row, out) in out.iter_mut().enumerate().take(a.count) {
        let mut sums = *bias;
        for (a, weights) in a.values[row * a.stride..].iter().zip(panel.as_chunks::<PANEL>().0) {
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum += a * weight;
            }
        }
        *out = sums;
    }
}

/// The same for pairs of inputs as `bfloat16`.
#[inline(always)]
pub(super) fn tile_bf16(a: Rows<u16>, panel: &[u16], bias: &[f32; PANEL], out: &mut Tile) {
    for (row, out) in out.iter_mut().enumerate().take(a.count) {
        let mut sums = *bias;
        let pairs = a.values[row * a.stride..].as_chunks::<2>().0;
        for (&[first, second], weights) in pairs.iter().zip(panel.as_chunks::<{ 2 * PANEL }>().0) {
            for (sum, &[low, high]) in sums.iter_mut().zip(weights.as_chunks::<2>().0) {
                *sum += wide(first) * wide(low) + wide(second) * wide(high);
            }
        }
        *out = sums;
    }
}

/// The same for fours of inputs in 8 bits.
#[inline(always)]
pub(super) fn tile_int8(a: Rows<u8>, panel: &[i8], out: &mut WholeTile) {
    for (row, out) in out.iter_mut().enumerate().take(a.count) {
        let mut sums = [0_i32; PANEL];
        let fours = a.values[row * a.stride..].as_chunks::<4>().0;
        for (four, weights) in fours.iter().zip(panel.as_chunks::<{ 4 * PANEL }>().0) {
            for (sum, weights) in sums.iter_mut().zip(weights.as_chunks::<4>().0) {
                for (a, weight) in four.iter().zip(weights) {
                    // 65,536 inputs stay within 32 bits.
                    *sum = sum.wrapping_add(i32::from(*a) * i32::from(*weight));
                }
            }
        }
        *out = sums;
    }
}
