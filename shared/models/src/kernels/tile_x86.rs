//! The inner loops of a product for AVX-512, and which is taken. The sums of a tile stay in registers while its rows and a panel are
//! walked through: for each step the panel's lines, and one number or word of each row, spread over a register.

#![expect(
    unsafe_code,
    reason = "a level is only had where the processor has its instructions; bounds are asserted"
)]
#![expect(
    clippy::needless_range_loop,
    reason = "plain counts are unrolled, so that what they count stays in registers"
)]

use super::Level;
use super::matrix::{Form, PANEL};
use super::spread::Rows;
use super::tile::Panels;
use super::tile_avx2::{f32_avx2, q4_avx2, q8_avx2};
use std::arch::x86_64::*;
use std::mem::transmute;
use std::sync::LazyLock;

/// Whether products of bytes can be summed four at a time.
fn vnni() -> bool {
    static HAS: LazyLock<bool> =
        LazyLock::new(|| is_x86_feature_detected!("avx512vnni") && is_x86_feature_detected!("avx512bw"));
    *HAS
}

/// Whether half-precision numbers can be widened eight at a time.
fn f16c() -> bool {
    static HAS: LazyLock<bool> = LazyLock::new(|| is_x86_feature_detected!("f16c"));
    *HAS
}

/// Calls a loop made for so many rows; `false` where there is none.
macro_rules! by_rows {
    ($rows:expr, [$($size:literal)*], $r:ident => $call:expr) => {
        match $rows {
            $($size => {
                const $r: usize = $size;
                $call;
                true
            })*
            _ => false,
        }
    };
}

/// As `super::tile::tile`, which has checked the lengths; `false` where this processor has no loop for it.
pub(super) fn tile(level: Level, a: Rows, p: Panels, rows: usize, sums: &mut [[f32; PANEL]]) -> bool {
    let last = p.count.saturating_sub(1) * p.stride + p.steps * p.form.lines();
    assert!(p.count > 0 && p.lines.len() >= last, "panels beyond the lines");
    match p.form {
        Form::F32 if level >= Level::Avx512 => unsafe {
            match p.count {
                4 => by_rows!(rows, [1], R => f32_avx512::<R, 4>(a, &p, sums)),
                2 => by_rows!(rows, [1 2], R => f32_avx512::<R, 2>(a, &p, sums)),
                1 => by_rows!(rows, [1 2 3 4 6 8 12], R => f32_avx512::<R, 1>(a, &p, sums)),
                _ => false,
            }
        },
        Form::Bf16 if level >= Level::Avx512Bf16 => unsafe {
            match p.count {
                4 => by_rows!(rows, [1], R => bf16_avx512::<R, 4>(a, &p, sums)),
                2 => by_rows!(rows, [1 2], R => bf16_avx512::<R, 2>(a, &p, sums)),
                1 => by_rows!(rows, [1 2 3 4 6 8 12], R => bf16_avx512::<R, 1>(a, &p, sums)),
                _ => false,
            }
        },
        Form::Q8 if level >= Level::Avx512 && vnni() && p.count == 1 => unsafe {
            by_rows!(rows, [1 2 3 4 6], R => q8_avx512::<R>(a, &p, sums))
        },
        Form::Q4 if level >= Level::Avx512 && vnni() && p.count == 1 => unsafe {
            by_rows!(rows, [1 2 3 4 6], R => q4_avx512::<R>(a, &p, sums))
        },
        _ if level == Level::Avx2 => {
            sums.chunks_exact_mut(rows).enumerate().all(|(at, sums)| avx2(a, &p.some(at, 1), rows, sums))
        }
        _ => false,
    }
}

/// The same for one panel.
fn avx2(a: Rows, p: &Panels, rows: usize, sums: &mut [[f32; PANEL]]) -> bool {
    unsafe {
        match p.form {
            Form::F32 => by_rows!(rows, [1 2 3], R => f32_avx2::<R>(a, p, sums)),
            Form::Q8 if f16c() => by_rows!(rows, [1 2 3], R => q8_avx2::<R>(a, p, sums)),
            Form::Q4 if f16c() => by_rows!(rows, [1 2 3], R => q4_avx2::<R>(a, p, sums)),
            _ => false,
        }
    }
}

/// The sums of two registers each. Taken by value and counted by a constant: a sum whose address were looked at, or that were
/// reached by an index which is only known when it runs, would be written to memory at every step of the loop before.
#[inline]
#[target_feature(enable = "avx512f")]
fn store<const R: usize>(sums: [[__m512; 2]; R], out: &mut [[f32; PANEL]]) {
    assert!(out.len() >= R, "a tile beyond its sums");
    for row in 0..R {
        let out = out[row].as_mut_ptr();
        // SAFETY: there are 32 numbers.
        unsafe {
            _mm512_storeu_ps(out, sums[row][0]);
            _mm512_storeu_ps(out.add(16), sums[row][1]);
        }
    }
}

#[target_feature(enable = "avx512f")]
fn f32_avx512<const R: usize, const P: usize>(a: Rows, p: &Panels, out: &mut [[f32; PANEL]]) {
    let mut sums = [[[_mm512_setzero_ps(); 2]; R]; P];
    let stride = a.stride;
    let (mut a, mut line) = (a.words.as_ptr(), p.lines.as_ptr());
    for _ in 0..p.steps {
        // SAFETY: `steps` words for each row and two lines of each panel lie within the slices.
        unsafe {
            for (panel, sums) in sums.iter_mut().enumerate() {
                let line = line.add(panel.wrapping_mul(p.stride)).cast::<f32>();
                let weights = [_mm512_load_ps(line), _mm512_load_ps(line.add(16))];
                for (row, sums) in sums.iter_mut().enumerate() {
                    let a = _mm512_set1_ps(f32::from_bits(*a.add(row.wrapping_mul(stride))));
                    sums[0] = _mm512_fmadd_ps(a, weights[0], sums[0]);
                    sums[1] = _mm512_fmadd_ps(a, weights[1], sums[1]);
                }
            }
            a = a.add(1);
            line = line.add(2);
        }
    }
    for panel in 0..P {
        store(sums[panel], &mut out[panel * R..]);
    }
}

#[target_feature(enable = "avx512f,avx512bf16")]
fn bf16_avx512<const R: usize, const P: usize>(a: Rows, p: &Panels, out: &mut [[f32; PANEL]]) {
    // SAFETY: both are 512 bits of plain numbers.
    let halves = |bits: __m512i| unsafe { transmute::<__m512i, __m512bh>(bits) };
    let mut sums = [[[_mm512_setzero_ps(); 2]; R]; P];
    let stride = a.stride;
    let (mut a, mut line) = (a.words.as_ptr(), p.lines.as_ptr());
    for _ in 0..p.steps {
        // SAFETY: `steps` words for each row and two lines of each panel lie within the slices.
        unsafe {
            for (panel, sums) in sums.iter_mut().enumerate() {
                let line = line.add(panel.wrapping_mul(p.stride)).cast::<__m512i>();
                let weights = [halves(_mm512_load_si512(line)), halves(_mm512_load_si512(line.add(1)))];
                for (row, sums) in sums.iter_mut().enumerate() {
                    let a = halves(_mm512_set1_epi32((*a.add(row.wrapping_mul(stride))).cast_signed()));
                    sums[0] = _mm512_dpbf16_ps(sums[0], a, weights[0]);
                    sums[1] = _mm512_dpbf16_ps(sums[1], a, weights[1]);
                }
            }
            a = a.add(1);
            line = line.add(2);
        }
    }
    for panel in 0..P {
        store(sums[panel], &mut out[panel * R..]);
    }
}

/// 16 half-precision numbers.
///
/// # Safety
/// 32 bytes can be read.
#[target_feature(enable = "avx512f")]
unsafe fn widened(from: *const u8) -> __m512 {
    // SAFETY: as the caller says.
    _mm512_cvtph_ps(unsafe { _mm256_loadu_si256(from.cast()) })
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn q8_avx512<const R: usize>(a: Rows, p: &Panels, out: &mut [[f32; PANEL]]) {
    let mut sums = [[_mm512_setzero_ps(); 2]; R];
    let stride = a.stride;
    let (mut a, mut line) = (a.words.as_ptr(), p.lines.as_ptr());
    for _ in 0..p.steps {
        // SAFETY: `steps` times ten words for each row, and 17 lines, lie within the slices.
        unsafe {
            let spread = |word: usize, row: usize| {
                _mm512_set1_epi32((*a.add(row.wrapping_mul(stride).wrapping_add(word))).cast_signed())
            };
            // Weights have 128 added: what that comes to is taken away beforehand.
            let mut whole = [[_mm512_setzero_si512(); 2]; R];
            for (row, whole) in whole.iter_mut().enumerate() {
                *whole = [spread(8, row); 2];
            }
            for group in 0..8 {
                let line = line.add(group * 2).cast::<__m512i>();
                let weights = [_mm512_load_si512(line), _mm512_load_si512(line.add(1))];
                for (row, whole) in whole.iter_mut().enumerate() {
                    let a = spread(group, row);
                    whole[0] = _mm512_dpbusd_epi32(whole[0], weights[0], a);
                    whole[1] = _mm512_dpbusd_epi32(whole[1], weights[1], a);
                }
            }
            let scales = line.add(16).cast::<u8>();
            let scales = [widened(scales), widened(scales.add(32))];
            for row in 0..R {
                let scale = _mm512_castsi512_ps(spread(9, row));
                for at in 0..2 {
                    let scaled = _mm512_mul_ps(scales[at], scale);
                    sums[row][at] =
                        _mm512_fmadd_ps(_mm512_cvtepi32_ps(whole[row][at]), scaled, sums[row][at]);
                }
            }
            a = a.add(10);
            line = line.add(17);
        }
    }
    store(sums, out);
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn q4_avx512<const R: usize>(a: Rows, p: &Panels, out: &mut [[f32; PANEL]]) {
    let low = _mm512_set1_epi8(15);
    let mut sums = [[_mm512_setzero_ps(); 2]; R];
    let stride = a.stride;
    let (mut a, mut line) = (a.words.as_ptr(), p.lines.as_ptr());
    for _ in 0..p.steps {
        // SAFETY: `steps` times ten words for each row, and ten lines, lie within the slices.
        unsafe {
            let spread = |word: usize, row: usize| {
                _mm512_set1_epi32((*a.add(row.wrapping_mul(stride).wrapping_add(word))).cast_signed())
            };
            let mut whole = [[_mm512_setzero_si512(); 2]; R];
            for pair in 0..4 {
                let line = line.add(pair * 2).cast::<__m512i>();
                let both = [_mm512_load_si512(line), _mm512_load_si512(line.add(1))];
                let first = [_mm512_and_si512(both[0], low), _mm512_and_si512(both[1], low)];
                let second = [
                    _mm512_and_si512(_mm512_srli_epi16::<4>(both[0]), low),
                    _mm512_and_si512(_mm512_srli_epi16::<4>(both[1]), low),
                ];
                for row in 0..R {
                    let (low, high) = (spread(pair * 2, row), spread(pair * 2 + 1, row));
                    for at in 0..2 {
                        whole[row][at] = _mm512_dpbusd_epi32(whole[row][at], first[at], low);
                        whole[row][at] = _mm512_dpbusd_epi32(whole[row][at], second[at], high);
                    }
                }
            }
            let scales = line.add(8).cast::<u8>();
            let least = [widened(scales.add(64)), widened(scales.add(96))];
            let scales = [widened(scales), widened(scales.add(32))];
            for row in 0..R {
                let (all, scale) = (_mm512_castsi512_ps(spread(8, row)), _mm512_castsi512_ps(spread(9, row)));
                for at in 0..2 {
                    let scaled = _mm512_mul_ps(scales[at], scale);
                    let sum = _mm512_fmadd_ps(_mm512_cvtepi32_ps(whole[row][at]), scaled, sums[row][at]);
                    sums[row][at] = _mm512_fnmadd_ps(least[at], all, sum);
                }
            }
            a = a.add(10);
            line = line.add(10);
        }
    }
    store(sums, out);
}
