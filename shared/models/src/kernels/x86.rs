//! The inner loop of a product for x86-64: as many sums as the processor has registers, so that every number that is
//! loaded is used many times.
//!
//! With AVX-512 a tile of 12 rows by 32 outputs takes 24 of 32 registers. With AVX2 (16 registers) it is done in parts of
//! 4 rows by 16 outputs. Where fewer rows are left, 8 or 4 are computed, the last one repeated.

#![expect(unsafe_code, reason = "loads by address, each within bounds that are asserted")]

use super::activations::exp;
use super::inner::{PANEL, Rows, TILE, Tile, WholeTile};
use super::rows::LANES;
use core::arch::x86_64::{
    __m512, __m512bh, __m512i, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_storeu_ps,
    _mm512_add_ps, _mm512_dpbf16_ps, _mm512_dpbusd_epi32, _mm512_fmadd_ps, _mm512_loadu_ps,
    _mm512_loadu_si512, _mm512_max_ps, _mm512_reduce_add_ps, _mm512_reduce_max_ps, _mm512_set1_epi32,
    _mm512_set1_ps, _mm512_setzero_ps, _mm512_setzero_si512, _mm512_storeu_ps, _mm512_storeu_si512,
};
use core::array::from_fn;
use core::mem::transmute;

/// Where each row begins; behind the last one, that one again.
fn starts<T, const ROWS: usize>(a: Rows<T>) -> [*const T; ROWS] {
    from_fn(|row| a.values.as_ptr().wrapping_add(row.min(a.count - 1) * a.stride))
}

/// The kernel for as many rows as there are.
macro_rules! by_rows {
    ($rows:expr, $kernel:ident($($arg:expr),*)) => {
        match $rows {
            0..=4 => $kernel::<4>($($arg),*),
            5..=8 => $kernel::<8>($($arg),*),
            _ => $kernel::<TILE>($($arg),*),
        }
    };
}

/// As `plain::tile_f32`.
#[target_feature(enable = "avx512f")]
pub(super) fn tile_avx512(a: Rows<f32>, panel: &[f32], bias: &[f32; PANEL], out: &mut Tile) {
    by_rows!(a.count, avx512_f32(a, panel, bias, out));
}

#[target_feature(enable = "avx512f")]
fn avx512_f32<const ROWS: usize>(a: Rows<f32>, panel: &[f32], bias: &[f32; PANEL], out: &mut Tile) {
    let steps = panel.len() / PANEL;
    assert!(a.hold(steps), "rows are shorter than the panel");
    let (starts, mut panel) = (starts::<_, ROWS>(a), panel.as_ptr());
    let mut sums = [biased(bias); ROWS];
    for step in 0..steps {
        // SAFETY: each row has `steps` numbers, and the panel `steps` times `PANEL`.
        unsafe {
            let weights = [_mm512_loadu_ps(panel), _mm512_loadu_ps(panel.add(16))];
            for (start, sums) in starts.iter().zip(&mut sums) {
                let a = _mm512_set1_ps(*start.add(step));
                sums[0] = _mm512_fmadd_ps(a, weights[0], sums[0]);
                sums[1] = _mm512_fmadd_ps(a, weights[1], sums[1]);
            }
            panel = panel.add(PANEL);
        }
    }
    store(sums, out);
}

/// As `plain::tile_bf16`.
#[target_feature(enable = "avx512f,avx512bf16")]
pub(super) fn tile_avx512_bf16(a: Rows<u16>, panel: &[u16], bias: &[f32; PANEL], out: &mut Tile) {
    by_rows!(a.count, avx512_bf16(a, panel, bias, out));
}

#[target_feature(enable = "avx512f,avx512bf16")]
fn avx512_bf16<const ROWS: usize>(a: Rows<u16>, panel: &[u16], bias: &[f32; PANEL], out: &mut Tile) {
    let steps = panel.len() / (2 * PANEL);
    assert!(a.hold(2 * steps), "rows are shorter than the panel");
    let (starts, mut panel) = (starts::<_, ROWS>(a), panel.as_ptr());
    let mut sums = [biased(bias); ROWS];
    // SAFETY: both are 512 bits of plain numbers.
    let halves = |bits: __m512i| unsafe { transmute::<__m512i, __m512bh>(bits) };
    for step in 0..steps {
        // SAFETY: each row has `steps` pairs, and the panel `steps` times `PANEL`.
        unsafe {
            let weights =
                [halves(_mm512_loadu_si512(panel.cast())), halves(_mm512_loadu_si512(panel.add(32).cast()))];
            for (start, sums) in starts.iter().zip(&mut sums) {
                let a = halves(_mm512_set1_epi32(start.cast::<i32>().add(step).read_unaligned()));
                sums[0] = _mm512_dpbf16_ps(sums[0], a, weights[0]);
                sums[1] = _mm512_dpbf16_ps(sums[1], a, weights[1]);
            }
            panel = panel.add(2 * PANEL);
        }
    }
    store(sums, out);
}

/// As `plain::tile_int8`.
#[target_feature(enable = "avx512f,avx512vnni")]
pub(super) fn tile_avx512_vnni(a: Rows<u8>, panel: &[i8], out: &mut WholeTile) {
    by_rows!(a.count, avx512_vnni(a, panel, out));
}

#[target_feature(enable = "avx512f,avx512vnni")]
fn avx512_vnni<const ROWS: usize>(a: Rows<u8>, panel: &[i8], out: &mut WholeTile) {
    let steps = panel.len() / (4 * PANEL);
    assert!(a.hold(4 * steps), "rows are shorter than the panel");
    let (starts, mut panel) = (starts::<_, ROWS>(a), panel.as_ptr());
    let mut sums = [[_mm512_setzero_si512(); 2]; ROWS];
    for step in 0..steps {
        // SAFETY: each row has `steps` fours, and the panel `steps` times `PANEL`.
        unsafe {
            let weights = [_mm512_loadu_si512(panel.cast()), _mm512_loadu_si512(panel.add(64).cast())];
            for (start, sums) in starts.iter().zip(&mut sums) {
                let a = _mm512_set1_epi32(start.cast::<i32>().add(step).read_unaligned());
                sums[0] = _mm512_dpbusd_epi32(sums[0], a, weights[0]);
                sums[1] = _mm512_dpbusd_epi32(sums[1], a, weights[1]);
            }
            panel = panel.add(4 * PANEL);
        }
    }
    for row in 0..ROWS {
        let out = out[row].as_mut_ptr();
        // SAFETY: a row of the tile holds 32 numbers.
        unsafe {
            _mm512_storeu_si512(out.cast(), sums[row][0]);
            _mm512_storeu_si512(out.add(16).cast(), sums[row][1]);
        }
    }
}

#[target_feature(enable = "avx512f")]
fn biased(bias: &[f32; PANEL]) -> [__m512; 2] {
    // SAFETY: there are 32 numbers.
    unsafe { [_mm512_loadu_ps(bias.as_ptr()), _mm512_loadu_ps(bias.as_ptr().add(16))] }
}

/// By value and counted by a constant, so that the sums of the loop before stay in registers.
#[inline]
#[target_feature(enable = "avx512f")]
fn store<const ROWS: usize>(sums: [[__m512; 2]; ROWS], out: &mut Tile) {
    for row in 0..ROWS {
        let out = out[row].as_mut_ptr();
        // SAFETY: a row of the tile holds 32 numbers.
        unsafe {
            _mm512_storeu_ps(out, sums[row][0]);
            _mm512_storeu_ps(out.add(16), sums[row][1]);
        }
    }
}

/// As `rows::softmax`, for rows that fill registers: they are short, and a compiler takes longer to begin a row than to
/// end it.
#[target_feature(enable = "avx512f")]
pub(super) fn softmax_avx512(scores: &mut [f32], width: usize) {
    for row in scores.chunks_exact_mut(width) {
        let (lanes, []) = row.as_chunks_mut::<LANES>() else { unreachable!("a row of {width} scores") };
        // SAFETY: as many numbers as a register has.
        let load = |lane: &[f32; LANES]| unsafe { _mm512_loadu_ps(lane.as_ptr()) };
        let most = lanes
            .iter()
            .fold(_mm512_set1_ps(f32::NEG_INFINITY), |most, lane| _mm512_max_ps(most, load(lane)));
        let most = _mm512_reduce_max_ps(most);
        let mut sum = _mm512_setzero_ps();
        for lane in &mut *lanes {
            lane.iter_mut().for_each(|score| *score = exp(*score - most));
            sum = _mm512_add_ps(sum, load(lane));
        }
        let share = 1.0 / _mm512_reduce_add_ps(sum);
        lanes.as_flattened_mut().iter_mut().for_each(|score| *score *= share);
    }
}

/// As `plain::tile_f32`.
#[target_feature(enable = "avx2,fma")]
pub(super) fn tile_avx2(a: Rows<f32>, panel: &[f32], bias: &[f32; PANEL], out: &mut Tile) {
    const ROWS: usize = 4;
    let steps = panel.len() / PANEL;
    assert!(a.hold(steps), "rows are shorter than the panel");
    let starts = starts::<_, TILE>(a);
    for first in (0..a.count).step_by(ROWS) {
        for column in [0, 16] {
            // SAFETY: 16 numbers from `column` on lie within the bias, a step of the panel, and a row of the tile; each
            // row has `steps` numbers, and the panel `steps` times `PANEL`.
            unsafe {
                let bias = bias.as_ptr().add(column);
                let mut sums = [[_mm256_loadu_ps(bias), _mm256_loadu_ps(bias.add(8))]; ROWS];
                for step in 0..steps {
                    let weights = panel.as_ptr().add(step * PANEL + column);
                    let weights = [_mm256_loadu_ps(weights), _mm256_loadu_ps(weights.add(8))];
                    for (row, sums) in sums.iter_mut().enumerate() {
                        let a = _mm256_set1_ps(*starts[first + row].add(step));
                        sums[0] = _mm256_fmadd_ps(a, weights[0], sums[0]);
                        sums[1] = _mm256_fmadd_ps(a, weights[1], sums[1]);
                    }
                }
                for (sums, out) in sums.iter().zip(&mut out[first..]) {
                    _mm256_storeu_ps(out.as_mut_ptr().add(column), sums[0]);
                    _mm256_storeu_ps(out.as_mut_ptr().add(column + 8), sums[1]);
                }
            }
        }
    }
}
