//! The inner loop of every product: a few rows with a panel of outputs, input by input, all their sums at once.
//!
//! Rows stay as they lie; only their width may have changed. A panel is laid out for it ([`super::Packed`]). A step takes
//! 32 bits of each row: one number in single precision, two in `bfloat16`, four in 8 bits.

#[cfg(target_arch = "x86_64")]
use super::x86;
use super::{Level, rows};

/// Outputs of a panel: two registers of AVX-512.
pub(crate) const PANEL: usize = 32;
/// Rows of a tile.
pub(crate) const TILE: usize = 12;
/// The sums of a tile: rows by outputs.
pub(crate) type Tile = [[f32; PANEL]; TILE];
/// The same, of whole numbers.
pub(crate) type WholeTile = [[i32; PANEL]; TILE];

/// Up to [`TILE`] rows of numbers, each `stride` behind the one before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows<'a, T> {
    pub values: &'a [T],
    pub stride: usize,
    pub count: usize,
}

impl<T> Rows<'_, T> {
    /// Whether each row has so many numbers.
    pub(super) fn hold(&self, numbers: usize) -> bool {
        (1..=TILE).contains(&self.count) && self.values.len() >= (self.count - 1) * self.stride + numbers
    }
}

/// `a` by the panel, onto `bias`. Of `out` the first rows are written, as many as there are in `a`.
pub(super) fn tile_f32(level: Level, a: Rows<f32>, panel: &[f32], bias: &[f32; PANEL], out: &mut Tile) {
    #[cfg(target_arch = "x86_64")]
    #[expect(unsafe_code, reason = "a level is only had where the processor has its instructions")]
    match level {
        Level::Plain => {}
        Level::Avx2 => return unsafe { x86::tile_avx2(a, panel, bias, out) },
        Level::Avx512 | Level::Avx512Vnni | Level::Avx512Bf16 => {
            return unsafe { x86::tile_avx512(a, panel, bias, out) };
        }
    }
    rows::tile_f32(level, a, panel, bias, out);
}

/// The same for pairs of inputs as `bfloat16`.
pub(super) fn tile_bf16(level: Level, a: Rows<u16>, panel: &[u16], bias: &[f32; PANEL], out: &mut Tile) {
    #[cfg(target_arch = "x86_64")]
    #[expect(unsafe_code, reason = "a level is only had where the processor has its instructions")]
    if level == Level::Avx512Bf16 {
        return unsafe { x86::tile_avx512_bf16(a, panel, bias, out) };
    }
    rows::tile_bf16(level, a, panel, bias, out);
}

/// The same for fours of inputs in 8 bits, the rows' from 0 to 255 and the panel's from −127 to 127: the same whole
/// numbers at every level.
pub(super) fn tile_int8(level: Level, a: Rows<u8>, panel: &[i8], out: &mut WholeTile) {
    #[cfg(target_arch = "x86_64")]
    #[expect(unsafe_code, reason = "a level is only had where the processor has its instructions")]
    if matches!(level, Level::Avx512Vnni | Level::Avx512Bf16) {
        return unsafe { x86::tile_avx512_vnni(a, panel, out) };
    }
    rows::tile_int8(level, a, panel, out);
}
