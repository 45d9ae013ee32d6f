//! One token out of its scores.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::RngCore;

/// The likeliest; of equals the first.
pub(super) fn likeliest(scores: &[f32]) -> u32 {
    let mut best = (0, f32::NEG_INFINITY);
    // Nearly every part has none that is better, which is told at once: vocabularies are large.
    for (part, some) in scores.chunks(PART).enumerate() {
        if some.iter().fold(false, |better, score| better | (*score > best.1)) {
            for (at, &score) in some.iter().enumerate() {
                if score > best.1 {
                    best = (part * PART + at, score);
                }
            }
        }
    }
    id(best.0)
}

const PART: usize = 256;

pub(super) fn id(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// The `count` highest scores with their places, highest first; of equals the first.
pub(super) fn highest(scores: &[f32], count: usize) -> Vec<(usize, f32)> {
    let mut all: Vec<(usize, f32)> = scores.iter().copied().enumerate().collect();
    let order = |a: &(usize, f32), b: &(usize, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
    if count < all.len() {
        all.select_nth_unstable_by(count, order);
        all.truncate(count);
    }
    all.sort_unstable_by(order);
    all
}

/// log softmax.
pub(super) fn log_shares(scores: &[f32]) -> Vec<f32> {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = scores.iter().map(|&score| f64::from(score - most).exp()).sum();
    #[expect(clippy::cast_possible_truncation, reason = "as the scores themselves")]
    let log = sum.ln() as f32;
    scores.iter().map(|&score| score - most - log).collect()
}

/// How many tokens are looked at first: nearly always they have the wanted share.
const FIRST: usize = 1024;

/// The likeliest tokens that together have the share `top_p`, with their weights: each of them until the share is reached.
pub(super) fn nucleus(scores: &[f32], temperature: f32, top_p: f32) -> Vec<(usize, f64)> {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weight = |score: f32| (f64::from(score - most) / f64::from(temperature)).exp();
    let wanted = scores.iter().map(|&score| weight(score)).sum::<f64>() * f64::from(top_p);
    let mut count = FIRST.min(scores.len());
    loop {
        let mut kept = Vec::new();
        let mut sum = 0.0;
        for (token, score) in highest(scores, count) {
            if top_p < 1.0 && sum >= wanted {
                return kept;
            }
            sum += weight(score);
            kept.push((token, weight(score)));
        }
        if count == scores.len() {
            return kept;
        }
        count = scores.len();
    }
}

/// One of them by chance.
pub(super) fn drawn(scores: &[f32], temperature: f32, top_p: f32, random: &mut ChaCha8Rng) -> u32 {
    let kept = nucleus(scores, temperature, top_p);
    let all: f64 = kept.iter().map(|(_, weight)| weight).sum();
    #[expect(clippy::cast_precision_loss, reason = "53 bits, as many as a number has")]
    let mut left = (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64 * all;
    for &(token, weight) in &kept {
        left -= weight;
        if left < 0.0 {
            return id(token);
        }
    }
    // Rounding.
    kept.last().map_or(0, |&(token, _)| id(token))
}
