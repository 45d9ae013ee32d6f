//! What is done to rows besides multiplying them: plain Rust, compiled for each level.

use super::level::levels;
use super::packed::Tile;
use super::{Level, plain};

levels! {
    /// `plain::tile_bf16`, compiled for the level.
    fn tile_bf16(a: &[u32], panel: &[u32], out: &mut Tile) = plain::tile_bf16;
}
levels! {
    /// GELU by the error function, number by number. The error function is formula 7.1.26 of Abramowitz and Stegun,
    /// off by less than 1.5e-7.
    fn gelu(values: &mut [f32]) = gelu_plain;
}
levels! {
    /// GELU by the hyperbolic tangent (the "new" or "approximate" one).
    fn gelu_tanh(values: &mut [f32]) = gelu_tanh_plain;
}
levels! {
    /// What is below zero is zero.
    fn relu(values: &mut [f32]) = relu_plain;
}
levels! {
    /// Adds `other` to `values` and normalises each row to mean 0 and variance 1, times `gain`, plus `shift`.
    fn add_norm(values: &mut [f32], other: &[f32], gain: &[f32], shift: &[f32], eps: f32) = add_norm_plain;
}
levels! {
    /// e to each number, divided by their sum.
    fn softmax(scores: &mut [f32]) = softmax_plain;
}

/// e to the x for each of 16 places at once where the processor can: x = n·ln 2 + r, a polynomial for e^r, 2^n by its
/// bits. Off by less than two units of the last place; below −87 it is as good as zero.
#[inline(always)]
fn exp(x: f32) -> f32 {
    /// Adding and taking it away rounds to a whole number.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 88.0);
    let n = (x * std::f32::consts::LOG2_E + ROUND) - ROUND;
    let r = x - n * 0.693_359_4 - n * -2.121_944_4e-4;
    let p = 1.987_569_1e-4_f32;
    let p = p * r + 1.398_199_9e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 0.166_666_65;
    let p = p * r + 0.5;
    let e = p * r * r + r + 1.0;
    // Whole and within ±127.
    e * f32::from_bits((((n + ROUND).to_bits() & 0x3ff).wrapping_add(127) & 0xff) << 23)
}

#[inline(always)]
fn gelu_plain(values: &mut [f32]) {
    for value in values {
        let x = *value;
        let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
        let t = 1.0 / (1.0 + 0.327_591_1 * z);
        let p = 1.061_405_4_f32;
        let p = p * t - 1.453_152;
        let p = p * t + 1.421_413_8;
        let p = p * t - 0.284_496_72;
        let p = p * t + 0.254_829_6;
        // 1 − erf(z), for the side on which little is left.
        let rest = p * t * exp(-z * z);
        let share = if x < 0.0 { 0.5 * rest } else { 1.0 - 0.5 * rest };
        *value = x * share;
    }
}

#[inline(always)]
fn gelu_tanh_plain(values: &mut [f32]) {
    for value in values {
        let x = *value;
        let inner = 0.797_884_6 * (x + 0.044_715 * x * x * x);
        // tanh(y) = 1 − 2 / (e^2y + 1)
        let tanh = 1.0 - 2.0 / (exp(2.0 * inner) + 1.0);
        *value = 0.5 * x * (1.0 + tanh);
    }
}

#[inline(always)]
fn relu_plain(values: &mut [f32]) {
    values.iter_mut().for_each(|value| *value = value.max(0.0));
}

/// Sums in 16 lanes, so that the processor may add 16 at once: floating point addition is not reordered otherwise.
#[inline(always)]
fn sum(values: impl Iterator<Item = f32>) -> f32 {
    let mut lanes = [0.0_f32; 16];
    for (at, value) in values.enumerate() {
        lanes[at % 16] += value;
    }
    lanes.iter().sum()
}

#[inline(always)]
#[expect(clippy::cast_precision_loss, reason = "a row has few numbers")]
fn add_norm_plain(values: &mut [f32], other: &[f32], gain: &[f32], shift: &[f32], eps: f32) {
    let width = gain.len();
    for (row, other) in values.chunks_exact_mut(width).zip(other.chunks_exact(width)) {
        row.iter_mut().zip(other).for_each(|(value, other)| *value += other);
        let mean = sum(row.iter().copied()) / width as f32;
        let variance = sum(row.iter().map(|value| (value - mean) * (value - mean))) / width as f32;
        let scale = 1.0 / (variance + eps).sqrt();
        for ((value, gain), shift) in row.iter_mut().zip(gain).zip(shift) {
            *value = (*value - mean) * scale * gain + shift;
        }
    }
}

#[inline(always)]
fn softmax_plain(scores: &mut [f32]) {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    scores.iter_mut().for_each(|score| *score = exp(*score - most));
    let share = 1.0 / sum(scores.iter().copied());
    scores.iter_mut().for_each(|score| *score *= share);
}
