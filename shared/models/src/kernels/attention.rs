//! Attention within one text, as two products a head: queries with keys, their shares with values. Both have the shape
//! that the inner loop of a product takes, once their operands are laid out for it.

use super::packed::{PANEL, TILE, tile_f32};
use super::{Level, rows};

/// `qkv` has for each of the `tokens` the queries, keys and values of all heads, the scale in the queries; `out` gets a
/// row for each token, the heads side by side.
pub(crate) fn attention(level: Level, qkv: &[f32], tokens: usize, heads: usize, out: &mut [f32]) {
    let hidden = out.len() / tokens.max(1);
    let size = hidden / heads.max(1);
    let wide = tokens.next_multiple_of(PANEL);
    // Panels of keys, place by place, and of values, token by token. What lies behind the last one stays zero.
    let mut keys = vec![0.0; wide * size];
    let mut values = vec![0.0; tokens * size.next_multiple_of(PANEL)];
    let (mut queries, mut shares) = (vec![0.0; size * TILE], vec![0.0; tokens * TILE]);
    let mut scores = vec![0.0; TILE * wide];
    let mut sums = [[0.0; PANEL]; TILE];
    for head in 0..heads {
        let part = |token: usize, which: usize| &qkv[(token * 3 + which) * hidden + head * size..][..size];
        for token in 0..tokens {
            let panel = &mut keys[token / PANEL * PANEL * size..][..PANEL * size];
            spread(part(token, 1), panel, token % PANEL, PANEL);
            for (panel, some) in part(token, 2).chunks(PANEL).enumerate() {
                values[(panel * tokens + token) * PANEL..][..some.len()].copy_from_slice(some);
            }
        }
        for first in (0..tokens).step_by(TILE) {
            let count = TILE.min(tokens - first);
            for row in 0..count {
                spread(part(first + row, 0), &mut queries, row, TILE);
            }
            for (panel, keys) in keys.chunks_exact(PANEL * size).enumerate() {
                tile_f32(level, &queries, keys, &mut sums);
                for (row, sums) in sums.iter().enumerate().take(count) {
                    scores[row * wide + panel * PANEL..][..PANEL].copy_from_slice(sums);
                }
            }
            for (row, scores) in scores.chunks_exact_mut(wide).enumerate().take(count) {
                let scores = &mut scores[..tokens];
                rows::softmax(level, scores);
                spread(scores, &mut shares, row, TILE);
            }
            for (panel, values) in values.chunks_exact(PANEL * tokens).enumerate() {
                tile_f32(level, &shares, values, &mut sums);
                let (from, some) = (panel * PANEL, PANEL.min(size - panel * PANEL));
                for (row, sums) in sums.iter().enumerate().take(count) {
                    out[(first + row) * hidden + head * size + from..][..some].copy_from_slice(&sums[..some]);
                }
            }
        }
    }
}

/// Writes the numbers of a row to a column.
fn spread(row: &[f32], columns: &mut [f32], column: usize, stride: usize) {
    for (place, value) in columns.chunks_exact_mut(stride).zip(row) {
        place[column] = *value;
    }
}
