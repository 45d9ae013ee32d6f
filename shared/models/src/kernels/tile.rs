//! The inner loop of a product: a tile of rows with panels of outputs. Written out for AVX2 and AVX-512 ([`super::tile_x86`]),
//! and here for any processor; the others are tested against it.
//!
//! At a level every output is summed in the order of its inputs, in one sum, however many rows stand beside: so a row comes
//! to the same, to the last bit, in any company.

use super::Level;
use super::level::levels;
use super::matrix::{Form, Line, PANEL};
use super::spread::Rows;
#[cfg(target_arch = "x86_64")]
use super::tile_x86;
use half::f16;

/// Panels of as many steps each.
#[derive(Clone, Copy)]
pub(super) struct Panels<'a> {
    pub form: Form,
    pub lines: &'a [Line],
    pub steps: usize,
    /// Lines from one to the next.
    pub stride: usize,
    pub count: usize,
}

impl<'a> Panels<'a> {
    fn panel(&self, at: usize) -> &'a [Line] {
        &self.lines[at * self.stride..][..self.steps * self.form.lines()]
    }

    /// Some of them.
    pub(super) fn some(&self, from: usize, count: usize) -> Self {
        Self { lines: &self.lines[from * self.stride..], count, ..*self }
    }

    /// How many to take at once from there on: what is left over goes in powers of two.
    pub(super) fn next(&self, from: usize, most: usize) -> usize {
        let left = (self.count - from).min(most).max(1);
        1 << left.ilog2()
    }
}

/// Panels that one call takes: with few rows several, so that their sums do not wait for each other.
pub(super) fn at_once(form: Form, rows: usize) -> usize {
    match (form, rows) {
        (Form::F32 | Form::Bf16, 1) => 4,
        (Form::F32 | Form::Bf16, 2) => 2,
        _ => 1,
    }
}

/// Sums of a tile of `rows` with 1, 2 or 4 panels: of each panel all rows.
pub(super) fn tile(level: Level, a: Rows, panels: Panels, rows: usize, sums: &mut [[f32; PANEL]]) {
    let (words, last) = (panels.steps * panels.form.words(), a.stride * (rows - 1));
    assert!(words <= a.stride && last + words <= a.words.len(), "rows do not fit the panels");
    assert_eq!(sums.len(), rows * panels.count, "sums do not fit rows and panels");
    #[cfg(target_arch = "x86_64")]
    if tile_x86::tile(level, a, panels, rows, sums) {
        return;
    }
    for (at, sums) in sums.chunks_exact_mut(rows).enumerate() {
        let panel = panels.panel(at);
        match panels.form {
            Form::F32 => tile_f32(level, a.words, a.stride, panel, sums),
            Form::Bf16 => tile_bf16(level, a.words, a.stride, panel, sums),
            Form::Q8 => tile_q8(level, a.words, a.stride, panel, sums),
            Form::Q4 => tile_q4(level, a.words, a.stride, panel, sums),
        }
    }
}

levels! {
    fn tile_f32(a: &[u32], stride: usize, panel: &[Line], sums: &mut [[f32; PANEL]]) = plain_f32;
}
levels! {
    fn tile_bf16(a: &[u32], stride: usize, panel: &[Line], sums: &mut [[f32; PANEL]]) = plain_bf16;
}
levels! {
    fn tile_q8(a: &[u32], stride: usize, panel: &[Line], sums: &mut [[f32; PANEL]]) = plain_q8;
}
levels! {
    fn tile_q4(a: &[u32], stride: usize, panel: &[Line], sums: &mut [[f32; PANEL]]) = plain_q4;
}

/// Two lines as numbers of one kind.
#[inline(always)]
fn numbers(lines: &[Line], number: impl Fn(u32) -> f32) -> [f32; PANEL] {
    std::array::from_fn(|at| number(lines[at / 16].0[at % 16]))
}

#[inline(always)]
fn plain_f32(a: &[u32], stride: usize, panel: &[Line], sums: &mut [[f32; PANEL]]) {
    sums.fill([0.0; PANEL]);
    for (step, lines) in panel.chunks_exact(2).enumerate() {
        let weights = numbers(lines, f32::from_bits);
        for (sums, a) in sums.iter_mut().zip(a.chunks(stride)) {
            let a = f32::from_bits(a[step]);
            sums.iter_mut().zip(&weights).for_each(|(sum, weight)| *sum += a * weight);
        }
    }
}

#[inline(always)]
fn plain_bf16(a: &[u32], stride: usize, panel: &[Line], sums: &mut [[f32; PANEL]]) {
    let (low, high) =
        (|pair: u32| f32::from_bits(pair << 16), |pair: u32| f32::from_bits(pair & 0xffff_0000));
    sums.fill([0.0; PANEL]);
    for (step, lines) in panel.chunks_exact(2).enumerate() {
        let (first, second) = (numbers(lines, low), numbers(lines, high));
        for (sums, a) in sums.iter_mut().zip(a.chunks(stride)) {
            let a = a[step];
            for ((sum, first), second) in sums.iter_mut().zip(&first).zip(&second) {
                *sum += low(a) * first + high(a) * second;
            }
        }
    }
}

/// 32 half-precision numbers of a line.
#[inline(always)]
fn halves(line: &Line) -> [f32; PANEL] {
    std::array::from_fn(|at| f16::from_bits((line.0[at / 2] >> (at % 2 * 16) & 0xffff) as u16).to_f32())
}

/// What four bytes of an output and four of a row come to.
#[inline(always)]
fn four(weights: u32, row: u32) -> i32 {
    let one = |shift: u32| {
        let weight = (weights >> shift & 255).cast_signed();
        weight.wrapping_mul(row.wrapping_shl(24 - shift).cast_signed() >> 24)
    };
    one(0).wrapping_add(one(8)).wrapping_add(one(16)).wrapping_add(one(24))
}

#[inline(always)]
#[expect(clippy::cast_precision_loss, reason = "below 2^20")]
fn plain_q8(a: &[u32], stride: usize, panel: &[Line], sums: &mut [[f32; PANEL]]) {
    sums.fill([0.0; PANEL]);
    for (step, lines) in panel.chunks_exact(Form::Q8.lines()).enumerate() {
        let scales = halves(&lines[16]);
        for (sums, a) in sums.iter_mut().zip(a.chunks(stride)) {
            let a = &a[step * Form::Q8.words()..][..Form::Q8.words()];
            let mut whole = [a[8].cast_signed(); PANEL];
            for (group, lines) in lines[..16].chunks_exact(2).enumerate() {
                for (at, whole) in whole.iter_mut().enumerate() {
                    *whole = whole.wrapping_add(four(lines[at / 16].0[at % 16], a[group]));
                }
            }
            let scale = f32::from_bits(a[9]);
            for ((sum, whole), weight) in sums.iter_mut().zip(&whole).zip(&scales) {
                *sum += *whole as f32 * (weight * scale);
            }
        }
    }
}

#[inline(always)]
#[expect(clippy::cast_precision_loss, reason = "below 2^17")]
fn plain_q4(a: &[u32], stride: usize, panel: &[Line], sums: &mut [[f32; PANEL]]) {
    sums.fill([0.0; PANEL]);
    for (step, lines) in panel.chunks_exact(Form::Q4.lines()).enumerate() {
        let (scales, least) = (halves(&lines[8]), halves(&lines[9]));
        for (sums, a) in sums.iter_mut().zip(a.chunks(stride)) {
            let a = &a[step * Form::Q4.words()..][..Form::Q4.words()];
            let mut whole = [0_i32; PANEL];
            for (pair, lines) in lines[..8].chunks_exact(2).enumerate() {
                let (low, high) = (a[pair * 2], a[pair * 2 + 1]);
                for (at, whole) in whole.iter_mut().enumerate() {
                    let word = lines[at / 16].0[at % 16];
                    let both =
                        four(word & 0x0f0f_0f0f, low).wrapping_add(four(word >> 4 & 0x0f0f_0f0f, high));
                    *whole = whole.wrapping_add(both);
                }
            }
            let (all, scale) = (f32::from_bits(a[8]), f32::from_bits(a[9]));
            for (((sum, whole), weight), least) in sums.iter_mut().zip(&whole).zip(&scales).zip(&least) {
                *sum += *whole as f32 * (weight * scale) - least * all;
            }
        }
    }
}
