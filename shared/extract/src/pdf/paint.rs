//! A page as a grey picture at 200 dpi.

use crate::Limits;
use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_syntax::page::Page;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings, render};
use image::GrayImage;

/// The resolution at which OCR reads best for its cost.
pub(crate) const DPI: f32 = 200.0;
/// The longest side of a picture: beyond it a poster is painted smaller.
const MAX_SIDE: f32 = 12_000.0;

/// Paints a page.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "bounded by the side and the pixels"
)]
pub(crate) fn paint(page: &Page<'_>, limits: &Limits) -> GrayImage {
    let (width, height) = page.render_dimensions();
    let pixels = (limits.pixels.min(50_000_000) as f32 / (width * height).max(1.0)).sqrt();
    let scale = (DPI / 72.0).min(MAX_SIDE / width.max(height)).min(pixels);
    // A cache for this page alone: kept over pages, it would hold all pictures of a long scan.
    let cache = RenderCache::new();
    let settings = PixmapSettings { x_scale: scale, y_scale: scale, bg_color: WHITE };
    let pixmap = render(page, &cache, &InterpreterSettings::default(), &RenderSettings::default(), &settings);
    let grey = pixmap.data_as_u8_slice().chunks_exact(4).map(|pixel| {
        // The luma weights of BT.601 in 1/256.
        ((u32::from(pixel[0]) * 77 + u32::from(pixel[1]) * 150 + u32::from(pixel[2]) * 29) >> 8) as u8
    });
    let (width, height) = (u32::from(pixmap.width()), u32::from(pixmap.height()));
    GrayImage::from_raw(width, height, grey.collect())
        .unwrap_or_else(|| GrayImage::from_pixel(1, 1, image::Luma([255])))
}
