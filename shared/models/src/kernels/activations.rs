//! What is done to single numbers: plain Rust, compiled for each level.

use super::Level;
use super::level::levels;

levels! {
    /// GELU by the error function, number by number. The error function is formula 7.1.26 of Abramowitz and Stegun,
    /// off by less than 1.5e-7.
    fn gelu(values: &mut [f32]) = gelu_plain;
}
levels! {
    /// The same for what goes on in fewer bits, in half the time: off by less than 1.5e-5, and by 3.2e-5 of a number
    /// beyond ±4.
    fn gelu_near(values: &mut [f32]) = gelu_near_plain;
}
levels! {
    /// GELU by the hyperbolic tangent (the "new" or "approximate" one).
    fn gelu_tanh(values: &mut [f32]) = gelu_tanh_plain;
}
levels! {
    /// What is below zero is zero.
    fn relu(values: &mut [f32]) = relu_plain;
}

/// e to the x for each of 16 places at once where the processor can: x = n·ln 2 + r, a polynomial for e^r, 2^n by its
/// bits. Off by less than two units of the last place; below −87 it is as good as zero.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
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

/// The normal distribution as ½ + x·p(x²) within ±4, p fitted to the least farthest error of x times it.
#[inline(always)]
fn gelu_near_plain(values: &mut [f32]) {
    for value in values {
        let x = value.clamp(-4.0, 4.0);
        let u = x * x;
        let p = 6.740_396e-11_f32;
        let p = p * u - 6.066_907_4e-9;
        let p = p * u + 2.440_845_3e-7;
        let p = p * u - 5.860_600_6e-6;
        let p = p * u + 9.494_025e-5;
        let p = p * u - 1.112_856_1e-3;
        let p = p * u + 9.815_801e-3;
        let p = p * u - 6.632_363e-2;
        let p = p * u + 0.398_881_02;
        *value *= 0.5 + x * p;
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
    values.iter_mut().for_each(|value| *value = rectified(*value));
}

/// What is no number stays none, so that it is found out; `max` would make 0 of it.
#[inline(always)]
pub(crate) fn rectified(value: f32) -> f32 {
    if value <= 0.0 { 0.0 } else { value }
}
