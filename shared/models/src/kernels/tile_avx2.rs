//! The inner loops of a product for AVX2, which has no products of bytes that could not overflow: they are widened first.

#![expect(
    unsafe_code,
    reason = "a level is only had where the processor has its instructions; bounds are asserted"
)]

use super::matrix::PANEL;
use super::spread::Rows;
use super::tile::Panels;
use std::arch::x86_64::*;

/// By value and by constant counts, as those of AVX-512 are stored.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn store<const R: usize>(sums: [[__m256; 4]; R], out: &mut [[f32; PANEL]]) {
    let out = &mut out[..R];
    for (sums, out) in sums.into_iter().zip(out) {
        for (at, sum) in sums.into_iter().enumerate() {
            // SAFETY: there are 32 numbers.
            unsafe { _mm256_storeu_ps(out.as_mut_ptr().add(at * 8), sum) };
        }
    }
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn f32_avx2<const R: usize>(a: Rows, p: &Panels, out: &mut [[f32; PANEL]]) {
    let mut sums = [[_mm256_setzero_ps(); 4]; R];
    let stride = a.stride;
    let (mut a, mut line) = (a.words.as_ptr(), p.lines.as_ptr().cast::<f32>());
    for _ in 0..p.steps {
        // SAFETY: `steps` words for each row and two lines lie within the slices.
        unsafe {
            let mut weights = [_mm256_setzero_ps(); 4];
            for (at, weights) in weights.iter_mut().enumerate() {
                *weights = _mm256_load_ps(line.add(at * 8));
            }
            for (row, sums) in sums.iter_mut().enumerate() {
                let a = _mm256_set1_ps(f32::from_bits(*a.add(row.wrapping_mul(stride))));
                for (sum, weights) in sums.iter_mut().zip(&weights) {
                    *sum = _mm256_fmadd_ps(a, *weights, *sum);
                }
            }
            a = a.add(1);
            line = line.add(PANEL);
        }
    }
    store(sums, out);
}

/// Adds what each four bytes of the weights and four signed bytes of a row come to.
#[inline]
#[target_feature(enable = "avx2")]
fn four(whole: __m256i, weights: __m256i, row: __m256i) -> __m256i {
    let (even, odd) = (_mm256_and_si256(weights, _mm256_set1_epi16(255)), _mm256_srli_epi16::<8>(weights));
    let row_even = _mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(row));
    let both = _mm256_add_epi32(
        _mm256_madd_epi16(even, row_even),
        _mm256_madd_epi16(odd, _mm256_srai_epi16::<8>(row)),
    );
    _mm256_add_epi32(whole, both)
}

/// Eight half-precision numbers.
///
/// # Safety
/// 16 bytes can be read.
#[target_feature(enable = "avx2,f16c")]
unsafe fn widened(from: *const u8) -> __m256 {
    // SAFETY: as the caller says.
    _mm256_cvtph_ps(unsafe { _mm_loadu_si128(from.cast()) })
}

#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn q8_avx2<const R: usize>(a: Rows, p: &Panels, out: &mut [[f32; PANEL]]) {
    let mut sums = [[_mm256_setzero_ps(); 4]; R];
    let stride = a.stride;
    let (mut a, mut line) = (a.words.as_ptr(), p.lines.as_ptr());
    for _ in 0..p.steps {
        // SAFETY: `steps` times ten words for each row, and 17 lines, lie within the slices.
        unsafe {
            let spread = |word: usize, row: usize| {
                _mm256_set1_epi32((*a.add(row.wrapping_mul(stride).wrapping_add(word))).cast_signed())
            };
            let scales = line.add(16).cast::<u8>();
            for part in 0..4 {
                let scales = widened(scales.add(part * 16));
                for (row, sums) in sums.iter_mut().enumerate() {
                    // Weights have 128 added: what that comes to is taken away beforehand.
                    let mut whole = spread(8, row);
                    for group in 0..8 {
                        let weights = _mm256_load_si256(line.add(group * 2).cast::<__m256i>().add(part));
                        whole = four(whole, weights, spread(group, row));
                    }
                    let scaled = _mm256_mul_ps(scales, _mm256_castsi256_ps(spread(9, row)));
                    sums[part] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(whole), scaled, sums[part]);
                }
            }
            a = a.add(10);
            line = line.add(17);
        }
    }
    store(sums, out);
}

#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn q4_avx2<const R: usize>(a: Rows, p: &Panels, out: &mut [[f32; PANEL]]) {
    let low = _mm256_set1_epi8(15);
    let mut sums = [[_mm256_setzero_ps(); 4]; R];
    let stride = a.stride;
    let (mut a, mut line) = (a.words.as_ptr(), p.lines.as_ptr());
    for _ in 0..p.steps {
        // SAFETY: `steps` times ten words for each row, and ten lines, lie within the slices.
        unsafe {
            let spread = |word: usize, row: usize| {
                _mm256_set1_epi32((*a.add(row.wrapping_mul(stride).wrapping_add(word))).cast_signed())
            };
            for part in 0..4 {
                let scales = line.add(8).cast::<u8>().add(part * 16);
                let (scales, least) = (widened(scales), widened(scales.add(64)));
                for (row, sums) in sums.iter_mut().enumerate() {
                    let mut whole = _mm256_setzero_si256();
                    for pair in 0..4 {
                        let both = _mm256_load_si256(line.add(pair * 2).cast::<__m256i>().add(part));
                        let second = _mm256_and_si256(_mm256_srli_epi16::<4>(both), low);
                        whole = four(whole, _mm256_and_si256(both, low), spread(pair * 2, row));
                        whole = four(whole, second, spread(pair * 2 + 1, row));
                    }
                    let (all, scale) = (spread(8, row), _mm256_castsi256_ps(spread(9, row)));
                    let scaled = _mm256_mul_ps(scales, scale);
                    sums[part] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(whole), scaled, sums[part]);
                    sums[part] = _mm256_fnmadd_ps(least, _mm256_castsi256_ps(all), sums[part]);
                }
            }
            a = a.add(10);
            line = line.add(10);
        }
    }
    store(sums, out);
}
