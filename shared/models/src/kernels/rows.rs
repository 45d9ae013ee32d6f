//! What is done to rows besides multiplying them: plain Rust, compiled for each level.

use super::activations::exp;
use super::inner::{PANEL, Rows, Tile, WholeTile};
use super::level::levels;
use super::panels::Outputs;
use super::{Level, plain};

levels! {
    /// `plain::tile_f32`, compiled for the level.
    fn tile_f32(a: Rows<f32>, panel: &[f32], bias: &[f32; PANEL], out: &mut Tile) = plain::tile_f32;
}
levels! {
    /// `plain::tile_bf16`, compiled for the level.
    fn tile_bf16(a: Rows<u16>, panel: &[u16], bias: &[f32; PANEL], out: &mut Tile) = plain::tile_bf16;
}
levels! {
    /// `plain::tile_int8`, compiled for the level.
    fn tile_int8(a: Rows<u8>, panel: &[i8], out: &mut WholeTile) = plain::tile_int8;
}
levels! {
    /// Adds `other` to `values` and normalises each row to mean 0 and variance 1, times `gain`, plus `shift`.
    fn add_norm(values: &mut [f32], other: &[f32], gain: &[f32], shift: &[f32], eps: f32) = add_norm_plain;
}
levels! {
    /// e to each number of rows of `width`, divided by the row's sum.
    fn softmax(scores: &mut [f32], width: usize) = softmax_plain;
}
levels! {
    /// Rows of `inputs` numbers as `bfloat16`, one every `stride` places.
    fn round(x: &[f32], inputs: usize, halves: &mut [u16], stride: usize) = round_plain;
}
levels! {
    /// Rows of `inputs` numbers in 255 steps from their lowest (or zero) to their highest (or zero), one every `stride`
    /// places. A row with what is no number, or without end, gets a step that is no number.
    fn quantise(x: &[f32], inputs: usize, bytes: &mut [u8], stride: usize, steps: &mut [Step]) = quantise_plain;
}
levels! {
    /// Whole sums back to numbers, onto the bias.
    fn unscale(
        whole: &WholeTile, steps: &[Step], outputs: &Outputs, bias: &[f32; PANEL], sums: &mut Tile,
    ) = unscale_plain;
}
levels! {
    /// The first `some` numbers of each row of a tile to every `stride` places of `out`.
    fn place(sums: &[[f32; PANEL]], some: usize, out: &mut [f32], stride: usize) = place_plain;
}

levels! {
    /// The same as `bfloat16`.
    fn place_halves(sums: &[[f32; PANEL]], some: usize, out: &mut [u16], stride: usize) = place_halves_plain;
}
levels! {
    /// The first `some` numbers of every `stride` to rows of [`PANEL`].
    fn gather(x: &[f32], stride: usize, some: usize, out: &mut [f32]) = gather_plain;
}

/// What a row's whole numbers stand for: `size` · (number − `zero`).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Step {
    size: f32,
    zero: i32,
}

/// Numbers of the widest register.
pub(super) const LANES: usize = 16;

/// Every number's term, joined in lanes and these by halves: floating point is not reordered otherwise. So many lanes
/// that the compiler makes a loop of registers of them.
#[inline(always)]
fn fold(values: &[f32], start: f32, term: impl Fn(f32) -> f32, join: impl Fn(f32, f32) -> f32) -> f32 {
    const WIDE: usize = 4 * LANES;
    let mut lanes = [start; WIDE];
    let (chunks, rest) = values.as_chunks::<WIDE>();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane = join(*lane, term(*value));
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane = join(*lane, term(*value));
    }
    let mut half = WIDE;
    while half > 1 {
        half /= 2;
        let (left, right) = lanes.split_at_mut(half);
        left.iter_mut().zip(right).for_each(|(a, b)| *a = join(*a, *b));
    }
    lanes[0]
}

#[inline(always)]
fn sum(values: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    fold(values, 0.0, term, |a, b| a + b)
}

#[inline(always)]
#[expect(clippy::cast_precision_loss, reason = "a row has few numbers")]
fn add_norm_plain(values: &mut [f32], other: &[f32], gain: &[f32], shift: &[f32], eps: f32) {
    let width = gain.len();
    for (row, other) in values.chunks_exact_mut(width).zip(other.chunks_exact(width)) {
        row.iter_mut().zip(other).for_each(|(value, other)| *value += other);
        let mean = sum(row, |value| value) / width as f32;
        let variance = sum(row, |value| (value - mean) * (value - mean)) / width as f32;
        let scale = 1.0 / (variance + eps).sqrt();
        for ((value, gain), shift) in row.iter_mut().zip(gain).zip(shift) {
            *value = (*value - mean) * scale * gain + shift;
        }
    }
}

#[inline(always)]
fn softmax_plain(scores: &mut [f32], width: usize) {
    for row in scores.chunks_exact_mut(width) {
        let most = fold(row, f32::NEG_INFINITY, |score| score, larger);
        row.iter_mut().for_each(|score| *score = exp(*score - most));
        let share = 1.0 / sum(row, |share| share);
        row.iter_mut().for_each(|score| *score *= share);
    }
}

/// The bits of a number → a whole number in the same order, and back.
#[inline(always)]
fn key(bits: i32) -> i32 {
    bits ^ (bits >> 31 & 0x7fff_ffff)
}

#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if b > a { b } else { a }
}

#[inline(always)]
fn smaller(a: f32, b: f32) -> f32 {
    if b < a { b } else { a }
}

/// Rounded to the nearest `bfloat16`, ties to even; what is no number stays none.
#[inline(always)]
pub(super) fn half(value: f32) -> u16 {
    let bits = value.to_bits();
    let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1));
    ((if value.is_nan() { bits | 0x0040_0000 } else { rounded }) >> 16) as u16
}

#[inline(always)]
fn round_plain(x: &[f32], inputs: usize, halves: &mut [u16], stride: usize) {
    for (row, halves) in x.chunks_exact(inputs).zip(halves.chunks_exact_mut(stride)) {
        let (halves, rest) = halves.split_at_mut(inputs);
        halves.iter_mut().zip(row).for_each(|(to, from)| *to = half(*from));
        rest.fill(0);
    }
}

#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "within 0 and 255 by then")]
fn quantise_plain(x: &[f32], inputs: usize, bytes: &mut [u8], stride: usize, steps: &mut [Step]) {
    /// Adding it leaves a whole number in the lowest bits.
    const WHOLE: f32 = 12_582_912.0;
    for ((row, bytes), step) in x.chunks_exact(inputs).zip(bytes.chunks_exact_mut(stride)).zip(steps) {
        let (mut low, mut high) = (0, 0);
        for value in row {
            let key = key(value.to_bits().cast_signed());
            (low, high) = (low.min(key), high.max(key));
        }
        let [low, high] = [low, high].map(|bits| f32::from_bits(key(bits).cast_unsigned()));
        // What is no number lies beyond what has no end, on either side.
        let range = if low.is_finite() && high.is_finite() { high - low } else { f32::NAN };
        let inverse = if range > 0.0 { 255.0 / range } else { 0.0 };
        let zero = (-low * inverse + WHOLE) - WHOLE;
        *step = Step { size: range / 255.0, zero: zero as i32 };
        for (byte, value) in bytes.iter_mut().zip(row) {
            let place = smaller(larger(value * inverse + zero, 0.0), 255.0);
            *byte = (place + WHOLE).to_bits() as u8;
        }
    }
}

#[inline(always)]
#[expect(clippy::cast_precision_loss, reason = "what a sum of 31 bits loses is far below a step")]
fn unscale_plain(whole: &WholeTile, steps: &[Step], outputs: &Outputs, bias: &[f32; PANEL], sums: &mut Tile) {
    for ((whole, step), out) in whole.iter().zip(steps).zip(sums) {
        for at in 0..PANEL {
            let sum = whole[at].wrapping_sub(step.zero.wrapping_mul(outputs.sums[at]));
            out[at] = sum as f32 * (step.size * outputs.steps[at]) + bias[at];
        }
    }
}

#[inline(always)]
fn place_plain(sums: &[[f32; PANEL]], some: usize, out: &mut [f32], stride: usize) {
    // Nearly always all of them, a length that the compiler knows: the loops must not become one.
    if some == PANEL {
        for (row, sums) in sums.iter().enumerate() {
            out[row * stride..][..PANEL].copy_from_slice(sums);
        }
    } else {
        for (row, sums) in sums.iter().enumerate() {
            out[row * stride..][..some].copy_from_slice(&sums[..some]);
        }
    }
}

#[inline(always)]
fn place_halves_plain(sums: &[[f32; PANEL]], some: usize, out: &mut [u16], stride: usize) {
    if some == PANEL {
        for (row, sums) in sums.iter().enumerate() {
            let out = &mut out[row * stride..][..PANEL];
            out.iter_mut().zip(sums).for_each(|(out, sum)| *out = half(*sum));
        }
    } else {
        for (row, sums) in sums.iter().enumerate() {
            let out = &mut out[row * stride..][..some];
            out.iter_mut().zip(sums).for_each(|(out, sum)| *out = half(*sum));
        }
    }
}

#[inline(always)]
fn gather_plain(x: &[f32], stride: usize, some: usize, out: &mut [f32]) {
    let rows = out.as_chunks_mut::<PANEL>().0.iter_mut().enumerate();
    if some == PANEL {
        rows.for_each(|(row, out)| out.copy_from_slice(&x[row * stride..][..PANEL]));
    } else {
        rows.for_each(|(row, out)| out[..some].copy_from_slice(&x[row * stride..][..some]));
    }
}
