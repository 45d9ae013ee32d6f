//! Rows on their way into a product: in the form in which they meet the weights, and cut into tiles.
//!
//! Where weights are in bits, rows are rounded to 8 for each block of 32 inputs, by the largest of them. Then products of
//! whole numbers are summed exactly, and what a row comes to does not depend on its neighbours.

use super::Level;
use super::level::levels;
use super::matrix::{BLOCK, Form, ROUND, pair};
use rayon::prelude::*;

/// Rows of a tile that the inner loops are made for.
const SIZES: [usize; 7] = [1, 2, 3, 4, 6, 8, 12];

/// Most rows of a tile: as many as the sums of a panel leave room for in the registers.
pub(super) fn most(level: Level, form: Form) -> usize {
    match form {
        _ if !wide(level) => 3,
        Form::F32 | Form::Bf16 => 12,
        Form::Q8 | Form::Q4 => 6,
    }
}

/// Whether the level has AVX-512's 32 registers.
pub(super) fn wide(level: Level) -> bool {
    match level {
        Level::Plain => false,
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => false,
        #[cfg(target_arch = "x86_64")]
        _ => true,
    }
}

/// Whether the processor multiplies pairs of `bfloat16`: elsewhere they are widened at each use, which saves memory alone.
pub(crate) fn has_bf16(level: Level) -> bool {
    match level {
        Level::Plain => false,
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 | Level::Avx512 => false,
        #[cfg(target_arch = "x86_64")]
        _ => true,
    }
}

/// The smallest tile that holds so many rows.
pub(super) fn size(rows: usize) -> usize {
    SIZES.into_iter().find(|size| *size >= rows).unwrap_or(rows)
}

/// Words from one row to the next: such that the rows of a tile do not all fall on the same few places of a cache.
pub(super) fn stride(form: Form, inputs: usize) -> usize {
    let lines = (form.steps(inputs) * form.words()).div_ceil(16);
    (lines + 1 - lines % 2) * 16
}

/// Rows as a product takes them, each step by step.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub words: &'a [u32],
    pub stride: usize,
}

/// Rows in tiles.
pub(super) struct Spread {
    words: Vec<u32>,
    /// Words from one row to the next.
    pub stride: usize,
    /// Rows of every tile but the last, which may have fewer.
    pub most: usize,
    rows: usize,
}

impl Spread {
    /// Of rows of `inputs` numbers.
    pub(super) fn new(level: Level, form: Form, x: &[f32], inputs: usize) -> Self {
        let (rows, most, stride) = (x.len() / inputs.max(1), most(level, form), stride(form, inputs));
        let padded = rows / most * most + if rows.is_multiple_of(most) { 0 } else { size(rows % most) };
        let mut words = vec![0; padded * stride];
        let some = |(x, words): (&[f32], &mut [u32])| spread(level, form, x, inputs, words);
        if rows > most && rayon::current_num_threads() > 1 {
            x.par_chunks(most * inputs).zip(words.par_chunks_mut(most * stride)).for_each(some);
        } else {
            some((x, &mut words));
        }
        Self { words, stride, most, rows }
    }

    pub(super) fn tiles(&self) -> usize {
        self.rows.div_ceil(self.most)
    }

    /// A tile, the rows for which it has room, and those that it has.
    pub(super) fn tile(&self, at: usize) -> (Rows<'_>, usize, usize) {
        let rows = self.most.min(self.rows - at * self.most);
        (Rows { words: &self.words[at * self.most * self.stride..], stride: self.stride }, size(rows), rows)
    }
}

/// Rows of `inputs` numbers into words, [`stride`] of them for each.
pub(super) fn spread(level: Level, form: Form, x: &[f32], inputs: usize, words: &mut [u32]) {
    let stride = stride(form, inputs);
    match form {
        Form::F32 => spread_f32(level, x, inputs, stride, words),
        Form::Bf16 => spread_bf16(level, x, inputs, stride, words),
        Form::Q8 => spread_bits(level, x, inputs, stride, false, words),
        Form::Q4 => spread_bits(level, x, inputs, stride, true, words),
    }
}

levels! {
    fn spread_f32(x: &[f32], inputs: usize, stride: usize, words: &mut [u32]) = spread_f32_plain;
}
levels! {
    fn spread_bf16(x: &[f32], inputs: usize, stride: usize, words: &mut [u32]) = spread_bf16_plain;
}
levels! {
    /// `sums`: beside the scale stands the sum of the block's numbers; else what 128 times each of them comes to.
    fn spread_bits(x: &[f32], inputs: usize, stride: usize, sums: bool, words: &mut [u32]) = spread_bits_plain;
}

#[inline(always)]
fn spread_f32_plain(x: &[f32], inputs: usize, stride: usize, words: &mut [u32]) {
    for (x, words) in x.chunks_exact(inputs).zip(words.chunks_exact_mut(stride)) {
        words.iter_mut().zip(x).for_each(|(word, x)| *word = x.to_bits());
    }
}

#[inline(always)]
fn spread_bf16_plain(x: &[f32], inputs: usize, stride: usize, words: &mut [u32]) {
    for (x, words) in x.chunks_exact(inputs).zip(words.chunks_exact_mut(stride)) {
        let (whole, rest) = x.as_chunks::<2>();
        words.iter_mut().zip(whole).for_each(|(word, two)| *word = pair(two[0], two[1]));
        if let [last] = rest {
            words[whole.len()] = pair(*last, 0.0);
        }
    }
}

#[inline(always)]
fn spread_bits_plain(x: &[f32], inputs: usize, stride: usize, sums: bool, words: &mut [u32]) {
    for (x, words) in x.chunks_exact(inputs).zip(words.chunks_exact_mut(stride)) {
        for (some, words) in x.chunks(BLOCK).zip(words.as_chunks_mut::<10>().0) {
            let (quants, sum, scale) = if let Ok(block) = some.try_into() {
                rounded(block)
            } else {
                let mut block = [0.0; BLOCK];
                block[..some.len()].copy_from_slice(some);
                rounded(&block)
            };
            for (word, four) in words.iter_mut().zip(quants.as_chunks::<4>().0) {
                *word = four[0] & 255 | (four[1] & 255) << 8 | (four[2] & 255) << 16 | four[3] << 24;
            }
            #[expect(clippy::cast_precision_loss, reason = "below 2^12")]
            let beside =
                if sums { (scale * sum as f32).to_bits() } else { sum.wrapping_mul(-128).cast_unsigned() };
            words[8] = beside;
            words[9] = scale.to_bits();
        }
    }
}

/// A block in 8 bits: each number in the lowest bits, their sum, the scale. The scale is no number where one of them is none.
#[inline(always)]
fn rounded(block: &[f32; BLOCK]) -> ([u32; BLOCK], i32, f32) {
    let (mut most, mut bad) = ([0.0_f32; 16], [0.0_f32; 16]);
    for half in block.as_chunks::<16>().0 {
        for ((most, bad), x) in most.iter_mut().zip(&mut bad).zip(half) {
            let size = x.abs();
            *most = if size > *most { size } else { *most };
            *bad += x * 0.0;
        }
    }
    let most = most.iter().fold(0.0_f32, |most, x| if *x > most { *x } else { most });
    let bad: f32 = bad.iter().sum();
    let scale = most / 127.0;
    let per = if scale > 0.0 { 1.0 / scale } else { 0.0 };
    let quants = block.map(|x| (x * per + ROUND).to_bits());
    let sum = quants.iter().fold(0, |sum: u32, x| sum.wrapping_add(x.wrapping_sub(ROUND.to_bits())));
    (quants, sum.cast_signed(), scale + bad)
}
