//! Attention within one text, as two products a head: queries with keys, their shares with values. Both have the shape
//! that the inner loop of a product takes, once keys and values are laid out for it; queries are taken as they lie.

use super::inner::{PANEL, Rows, TILE, tile_f32};
use super::rows::LANES;
#[cfg(target_arch = "x86_64")]
use super::x86;
use super::{Level, rows};

/// `qkv` has for each of the `tokens` the queries, keys and values of all heads, the scale in the queries; `out` gets a
/// row for each token, the heads side by side.
pub(crate) fn attention(level: Level, qkv: &[f32], tokens: usize, heads: usize, out: &mut [f32]) {
    let hidden = out.len() / tokens.max(1);
    let size = hidden / heads.max(1);
    // Scores beyond the last token are not looked at; they fill the registers.
    let wide = tokens.next_multiple_of(LANES);
    // Panels of keys, place by place, and of values, token by token. What lies behind the last one stays zero.
    let mut keys = vec![0.0; tokens.next_multiple_of(PANEL) * size];
    let mut values = vec![0.0; tokens * size.next_multiple_of(PANEL)];
    let mut scores = vec![0.0; TILE * wide];
    let mut sums = [[0.0; PANEL]; TILE];
    for head in 0..heads {
        let part = |token: usize, which: usize| &qkv[(token * 3 + which) * hidden + head * size..];
        for token in 0..tokens {
            let panel = &mut keys[token / PANEL * PANEL * size..][..PANEL * size];
            for (place, key) in panel.as_chunks_mut::<PANEL>().0.iter_mut().zip(part(token, 1)) {
                place[token % PANEL] = *key;
            }
        }
        for panel in 0..size.div_ceil(PANEL) {
            let (from, to) = (panel * PANEL, &mut values[panel * tokens * PANEL..][..tokens * PANEL]);
            rows::gather(level, &part(0, 2)[from..], 3 * hidden, PANEL.min(size - from), to);
        }
        for first in (0..tokens).step_by(TILE) {
            let count = TILE.min(tokens - first);
            let queries = Rows { values: part(first, 0), stride: 3 * hidden, count };
            for (panel, keys) in keys.chunks_exact(PANEL * size).enumerate() {
                tile_f32(level, queries, keys, &[0.0; PANEL], &mut sums);
                let column = panel * PANEL;
                rows::place(level, &sums[..count], PANEL.min(wide - column), &mut scores[column..], wide);
            }
            let scores = &mut scores[..count * wide];
            scores.chunks_exact_mut(wide).for_each(|row| row[tokens..].fill(f32::NEG_INFINITY));
            softmax(level, scores, wide);
            let shares = Rows { values: &*scores, stride: wide, count };
            for (panel, values) in values.chunks_exact(PANEL * tokens).enumerate() {
                tile_f32(level, shares, values, &[0.0; PANEL], &mut sums);
                let (from, some) = (panel * PANEL, PANEL.min(size - panel * PANEL));
                let out = &mut out[first * hidden + head * size + from..];
                rows::place(level, &sums[..count], some, out, hidden);
            }
        }
    }
}

/// e to each number of rows of `width`, divided by the row's sum.
fn softmax(level: Level, scores: &mut [f32], width: usize) {
    #[cfg(target_arch = "x86_64")]
    #[expect(unsafe_code, reason = "a level is only had where the processor has its instructions")]
    if level >= Level::Avx512 {
        return unsafe { x86::softmax_avx512(scores, width) };
    }
    rows::softmax(level, scores, width);
}
