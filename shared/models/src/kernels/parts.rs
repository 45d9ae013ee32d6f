//! What transformers that write do to rows besides multiplying them: norms, positions, shares, gates. Plain Rust, compiled
//! for each level.

use super::Level;
use super::activations::exp;
use super::level::levels;

levels! {
    /// e to each score, divided by their sum.
    fn softmax(scores: &mut [f32]) = softmax_plain;
}
levels! {
    /// Each row of `gain.len()` numbers divided by the root of their mean square, times `gain`.
    fn rms_norm(rows: &[f32], gain: &[f32], epsilon: f32, out: &mut [f32]) = rms_norm_plain;
}
levels! {
    /// The same for each head of a token in place, then turned by the angles of its position, then scaled.
    fn turn(heads: &mut [f32], gain: &[f32], epsilon: f32, cos: &[f32], sin: &[f32], scale: f32) = turn_plain;
}
levels! {
    /// x · sigmoid(x) of each number, times the other one.
    fn silu_times(values: &[f32], others: &[f32], out: &mut [f32]) = silu_times_plain;
}
levels! {
    /// GELU by the hyperbolic tangent of each number, times the other one.
    fn gelu_times(values: &[f32], others: &[f32], out: &mut [f32]) = gelu_times_plain;
}

const LANES: usize = 16;

/// The sum of what `of` makes of each number, in 16 lanes, so that the processor may add 16 at once.
#[inline(always)]
fn sum(values: &[f32], of: impl Fn(f32) -> f32) -> f32 {
    let (whole, rest) = values.as_chunks::<LANES>();
    let mut lanes = [0.0_f32; LANES];
    for some in whole {
        lanes.iter_mut().zip(some).for_each(|(lane, value)| *lane += of(*value));
    }
    lanes.iter_mut().zip(rest).for_each(|(lane, value)| *lane += of(*value));
    lanes.iter().sum()
}

/// The largest; what is no number is passed over.
#[inline(always)]
fn largest(values: &[f32]) -> f32 {
    let (whole, rest) = values.as_chunks::<LANES>();
    let mut lanes = [f32::NEG_INFINITY; LANES];
    for some in whole {
        for (lane, value) in lanes.iter_mut().zip(some) {
            *lane = if *value > *lane { *value } else { *lane };
        }
    }
    lanes.iter().chain(rest).fold(f32::NEG_INFINITY, |most, value| if *value > most { *value } else { most })
}

#[inline(always)]
fn softmax_plain(scores: &mut [f32]) {
    let most = largest(scores);
    scores.iter_mut().for_each(|score| *score = exp(*score - most));
    let share = 1.0 / sum(scores, |score| score);
    scores.iter_mut().for_each(|score| *score *= share);
}

#[inline(always)]
#[expect(clippy::cast_precision_loss, reason = "a row has few numbers")]
fn scale_of(row: &[f32], epsilon: f32) -> f32 {
    1.0 / (sum(row, |value| value * value) / row.len() as f32 + epsilon).sqrt()
}

#[inline(always)]
fn rms_norm_plain(rows: &[f32], gain: &[f32], epsilon: f32, out: &mut [f32]) {
    for (row, out) in rows.chunks_exact(gain.len()).zip(out.chunks_exact_mut(gain.len())) {
        let scale = scale_of(row, epsilon);
        for ((out, value), gain) in out.iter_mut().zip(row).zip(gain) {
            *out = value * scale * gain;
        }
    }
}

#[inline(always)]
fn turn_plain(heads: &mut [f32], gain: &[f32], epsilon: f32, cos: &[f32], sin: &[f32], scale: f32) {
    for head in heads.chunks_exact_mut(gain.len()) {
        let norm = scale_of(head, epsilon);
        let (first, second) = head.split_at_mut(cos.len());
        let (gains, others) = gain.split_at(cos.len());
        let pairs = first.iter_mut().zip(second).zip(gains.iter().zip(others)).zip(cos.iter().zip(sin));
        for (((first, second), (gain, other)), (cos, sin)) in pairs {
            let (a, b) = (*first * norm * gain, *second * norm * other);
            *first = (a * cos - b * sin) * scale;
            *second = (a * sin + b * cos) * scale;
        }
    }
}

#[inline(always)]
fn silu_times_plain(values: &[f32], others: &[f32], out: &mut [f32]) {
    for ((out, x), other) in out.iter_mut().zip(values).zip(others) {
        *out = x / (1.0 + exp(-x)) * other;
    }
}

#[inline(always)]
fn gelu_times_plain(values: &[f32], others: &[f32], out: &mut [f32]) {
    for ((out, x), other) in out.iter_mut().zip(values).zip(others) {
        let inner = 0.797_884_6 * (x + 0.044_715 * x * x * x);
        // tanh(y) = 1 − 2 / (e^2y + 1)
        let tanh = 1.0 - 2.0 / (exp(2.0 * inner) + 1.0);
        *out = 0.5 * x * (1.0 + tanh) * other;
    }
}
