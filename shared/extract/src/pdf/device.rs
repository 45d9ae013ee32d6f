//! What a PDF page paints, taken down instead of painted: characters with their places, and how much of the
//! page pictures and drawings cover.

use crate::kind::find;
use hayro_interpret::font::{Glyph as FontGlyph, GlyphRun};
use hayro_interpret::hayro_cmap::BfString;
use hayro_interpret::kurbo::{Affine, BezPath, PathEl, Point, Rect, Shape};
use hayro_interpret::{BlendMode, ClipPath, Device, DrawMode, DrawProps, Image, ImageDrawProps, SoftMask};
use std::collections::{HashMap, HashSet};

/// Characters that one page may have: a dense newspaper page has 30,000.
const MAX_GLYPHS: usize = 1_000_000;
/// Cells per side of the raster on which covers are measured.
const CELLS: usize = 100;

/// One character on the page. Lengths are points, from the top left of the page as it is shown.
#[derive(Debug, Clone)]
pub(crate) struct Glyph {
    /// What it says; U+FFFD when the file does not tell.
    pub text: String,
    /// Where its baseline begins.
    pub start: Point,
    /// Where its baseline ends.
    pub end: Point,
    /// Size of the font.
    pub size: f32,
    /// Area of its shape in em², which tells bold from regular; 0 when unknown.
    pub ink: f32,
}

/// Collects a page.
pub(crate) struct Collector {
    width: f64,
    height: f64,
    pub glyphs: Vec<Glyph>,
    pub overflow: bool,
    pub visible_text: bool,
    pub path_segments: usize,
    pub paints: usize,
    pub largest_image: u64,
    cover: Vec<bool>,
    ink: HashMap<u128, f32>,
    seen: HashSet<(String, i64, i64)>,
}

impl Collector {
    /// For a page of `width` × `height` points; `ink` is carried from page to page.
    pub fn new(width: f32, height: f32, ink: HashMap<u128, f32>) -> Self {
        Self {
            width: f64::from(width),
            height: f64::from(height),
            glyphs: Vec::new(),
            overflow: false,
            visible_text: false,
            path_segments: 0,
            paints: 0,
            largest_image: 0,
            cover: vec![false; CELLS * CELLS],
            ink,
            seen: HashSet::new(),
        }
    }

    pub fn into_ink(self) -> HashMap<u128, f32> {
        self.ink
    }

    /// Share of the page that pictures cover.
    #[expect(clippy::cast_precision_loss, reason = "at most 10,000 cells")]
    pub fn image_cover(&self) -> f32 {
        self.cover.iter().filter(|covered| **covered).count() as f32 / (CELLS * CELLS) as f32
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the raster before"
    )]
    fn mark(&mut self, rect: Rect) {
        let cell =
            |value: f64, whole: f64| (value / whole * CELLS as f64).round().clamp(0.0, CELLS as f64) as usize;
        let (left, right) = (cell(rect.x0, self.width), cell(rect.x1, self.width));
        for row in cell(rect.y0, self.height)..cell(rect.y1, self.height) {
            self.cover[row * CELLS + left..row * CELLS + right.max(left)].fill(true);
        }
    }

    fn ink_of(&mut self, glyph: &FontGlyph<'_>) -> f32 {
        let FontGlyph::Outline(outline) = glyph else { return 0.0 };
        *self.ink.entry(outline.identifier().cache_key()).or_insert_with(|| {
            let area = outline.outline().area().abs() / 1e6;
            #[expect(clippy::cast_possible_truncation, reason = "an area of about one em²")]
            {
                if area.is_finite() { area as f32 } else { 0.0 }
            }
        })
    }

    fn push(&mut self, glyph: &FontGlyph<'_>, transform: Affine) {
        let text = match glyph.as_unicode() {
            Some(BfString::Char(character)) => character.to_string(),
            Some(BfString::String(text)) => text,
            None => '\u{fffd}'.to_string(),
        };
        let advance = match glyph {
            FontGlyph::Outline(outline) => outline.advance_width(),
            FontGlyph::Type3(shape) => shape.advance_width(),
        };
        let start = transform * Point::ORIGIN;
        let end = transform * Point::new(f64::from(advance.unwrap_or(500.0)), 0.0);
        let size = (transform * Point::new(0.0, 1000.0)).distance(start);
        let on_page = start.is_finite()
            && end.is_finite()
            && start.x.max(end.x) > 0.0
            && start.x.min(end.x) < self.width
            && start.y.max(end.y) > 0.0
            && start.y.min(end.y) < self.height + size;
        if !on_page || !(0.5..=2000.0).contains(&size) {
            return;
        }
        // Bold made by printing twice, and shadows: the same character at the same place is one character.
        let step = size * 0.12;
        #[expect(clippy::cast_possible_truncation, reason = "a page is far smaller than 2^63 steps")]
        let place = ((start.x / step).round() as i64, (start.y / step).round() as i64);
        if !text.trim().is_empty() && !self.seen.insert((text.clone(), place.0, place.1)) {
            return;
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most 2,000 points")]
        let size = size as f32;
        let ink = self.ink_of(glyph);
        self.glyphs.push(Glyph { text, start, end, size, ink });
    }
}

impl<'a> Device<'a> for Collector {
    fn draw_path(&mut self, path: &BezPath, _: DrawProps<'a>, _: &DrawMode) {
        self.path_segments +=
            path.elements().iter().filter(|it| !matches!(it, PathEl::MoveTo(_) | PathEl::ClosePath)).count();
        self.paints += 1;
    }

    fn draw_rect(&mut self, _: &Rect, _: DrawProps<'a>, _: &DrawMode) {
        self.paints += 1;
    }

    fn push_clip_path(&mut self, _: &ClipPath) {}

    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}

    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, mode: &DrawMode) {
        for glyph in run.glyphs() {
            if self.glyphs.len() >= MAX_GLYPHS {
                self.overflow = true;
                return;
            }
            self.push(glyph, props.transform * glyph.transform());
        }
        self.visible_text |= !matches!(mode, DrawMode::Invisible);
    }

    fn draw_image(&mut self, image: Image<'a, '_>, props: ImageDrawProps<'a>) {
        let (width, height) = (image.width(), image.height());
        let rect =
            props.transform.transform_rect_bbox(Rect::new(0.0, 0.0, f64::from(width), f64::from(height)));
        let rect = rect.intersect(Rect::new(0.0, 0.0, self.width, self.height));
        if rect.is_finite() && rect.area() > 0.0 {
            self.largest_image = self.largest_image.max(u64::from(width) * u64::from(height));
            self.mark(rect);
        }
    }

    fn pop_clip(&mut self) {}

    fn pop_transparency_group(&mut self) {}
}

/// A PDF string as text: UTF-16 or UTF-8 by its mark, else Latin.
pub(crate) fn pdf_string(bytes: &[u8]) -> String {
    if bytes.starts_with(&[0xFE, 0xFF])
        || bytes.starts_with(&[0xFF, 0xFE])
        || bytes.starts_with(&[0xEF, 0xBB, 0xBF])
    {
        return crate::text::decode(bytes, None).text;
    }
    if find(bytes, b"\0").is_none() && std::str::from_utf8(bytes).is_ok() {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    encoding_rs::WINDOWS_1252.decode(bytes).0.into_owned()
}
