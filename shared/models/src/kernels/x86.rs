//! The inner loop of a product for x86-64: as many sums as the processor has registers, so that every number that is
//! loaded is used many times.
//!
//! With AVX-512 a tile of 12 rows by 32 outputs takes 24 of 32 registers. With AVX2 (16 registers) it is done in four
//! parts of 6 rows by 16 outputs.

#![expect(unsafe_code, reason = "loads by address, each within bounds that are asserted")]

use super::packed::{PANEL, TILE, Tile};
use core::arch::x86_64::{
    __m512, __m512bh, __m512i, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_setzero_ps,
    _mm256_storeu_ps, _mm512_dpbf16_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_loadu_si512,
    _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
};
use core::mem::transmute;

/// As `plain::tile`.
#[target_feature(enable = "avx512f")]
pub(super) fn tile_avx512(a: &[f32], panel: &[f32], out: &mut Tile) {
    let inputs = panel.len() / PANEL;
    assert!(a.len() >= inputs * TILE);
    let mut sums = [[_mm512_setzero_ps(); 2]; TILE];
    let (mut a, mut panel) = (a.as_ptr(), panel.as_ptr());
    for _ in 0..inputs {
        // SAFETY: `inputs` steps of `TILE` and of `PANEL` numbers lie within the slices.
        unsafe {
            let weights = [_mm512_loadu_ps(panel), _mm512_loadu_ps(panel.add(16))];
            for (row, sums) in sums.iter_mut().enumerate() {
                let a = _mm512_set1_ps(*a.add(row));
                sums[0] = _mm512_fmadd_ps(a, weights[0], sums[0]);
                sums[1] = _mm512_fmadd_ps(a, weights[1], sums[1]);
            }
            a = a.add(TILE);
            panel = panel.add(PANEL);
        }
    }
    store(&sums, out);
}

/// As `plain::tile_bf16`.
#[target_feature(enable = "avx512f,avx512bf16")]
pub(super) fn tile_avx512_bf16(a: &[u32], panel: &[u32], out: &mut Tile) {
    let pairs = panel.len() / PANEL;
    assert!(a.len() >= pairs * TILE);
    let mut sums = [[_mm512_setzero_ps(); 2]; TILE];
    let (mut a, mut panel) = (a.as_ptr(), panel.as_ptr());
    // SAFETY: both are 512 bits of plain numbers.
    let halves = |bits: __m512i| unsafe { transmute::<__m512i, __m512bh>(bits) };
    for _ in 0..pairs {
        // SAFETY: `pairs` steps of `TILE` and of `PANEL` pairs lie within the slices.
        unsafe {
            let weights =
                [halves(_mm512_loadu_si512(panel.cast())), halves(_mm512_loadu_si512(panel.add(16).cast()))];
            for (row, sums) in sums.iter_mut().enumerate() {
                let a = halves(_mm512_set1_epi32((*a.add(row)).cast_signed()));
                sums[0] = _mm512_dpbf16_ps(sums[0], a, weights[0]);
                sums[1] = _mm512_dpbf16_ps(sums[1], a, weights[1]);
            }
            a = a.add(TILE);
            panel = panel.add(PANEL);
        }
    }
    store(&sums, out);
}

#[target_feature(enable = "avx512f")]
fn store(sums: &[[__m512; 2]; TILE], out: &mut Tile) {
    for (sums, out) in sums.iter().zip(out) {
        // SAFETY: a row of the tile holds 32 numbers.
        unsafe {
            _mm512_storeu_ps(out.as_mut_ptr(), sums[0]);
            _mm512_storeu_ps(out.as_mut_ptr().add(16), sums[1]);
        }
    }
}

/// As `plain::tile`.
#[target_feature(enable = "avx2,fma")]
pub(super) fn tile_avx2(a: &[f32], panel: &[f32], out: &mut Tile) {
    const ROWS: usize = 6;
    let inputs = panel.len() / PANEL;
    assert!(a.len() >= inputs * TILE);
    for (first, column) in [(0, 0), (0, 16), (ROWS, 0), (ROWS, 16)] {
        let mut sums = [[_mm256_setzero_ps(); 2]; ROWS];
        // SAFETY: `first` and `column` lie within the first step.
        let (mut a, mut panel) = unsafe { (a.as_ptr().add(first), panel.as_ptr().add(column)) };
        for _ in 0..inputs {
            // SAFETY: `inputs` steps of `TILE` and of `PANEL` numbers lie within the slices. Behind the last one the
            // addresses may lie outside, so they are moved by wrapping, and nothing is read there.
            unsafe {
                let weights = [_mm256_loadu_ps(panel), _mm256_loadu_ps(panel.add(8))];
                for (row, sums) in sums.iter_mut().enumerate() {
                    let a = _mm256_set1_ps(*a.add(row));
                    sums[0] = _mm256_fmadd_ps(a, weights[0], sums[0]);
                    sums[1] = _mm256_fmadd_ps(a, weights[1], sums[1]);
                }
            }
            a = a.wrapping_add(TILE);
            panel = panel.wrapping_add(PANEL);
        }
        for (sums, out) in sums.iter().zip(&mut out[first..]) {
            // SAFETY: 16 numbers from `column` on lie within a row of the tile.
            unsafe {
                _mm256_storeu_ps(out.as_mut_ptr().add(column), sums[0]);
                _mm256_storeu_ps(out.as_mut_ptr().add(column + 8), sums[1]);
            }
        }
    }
}
