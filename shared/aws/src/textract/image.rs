//! Page images: what PDF needs to know of them, and smaller ones where they are too large for Textract.
//!
//! They are our own artifacts, yet a reader of hostile documents has painted them: every length is checked.

use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{ExtendedColorType, GrayImage, ImageReader, Limits};
use std::io::Cursor;

/// The largest image that Textract takes, in bytes.
pub(super) const MAX_BYTES: usize = 10 << 20;
/// And on a side, in pixels.
const MAX_SIDE: u32 = 10_000;
/// Qualities that are tried one after the other. Below the last, letters fray.
const QUALITIES: [u8; 5] = [90, 75, 60, 45, 30];
/// What decoding a page may take: 200 dpi of A0 in colour is less.
const MAX_DECODED: u64 = 512 << 20;

/// How a picture's data is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// PNG's compressed rows.
    Rows,
    /// A JPEG file.
    Jpeg,
}

/// A picture as PDF takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Picture {
    pub(super) width: u32,
    pub(super) height: u32,
    /// 1 grey, 3 colour.
    pub(super) colours: u8,
    /// Bits of each.
    pub(super) bits: u8,
    pub(super) form: Form,
    pub(super) data: Vec<u8>,
}

/// Why an image cannot be sent, for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ImageError {
    #[error("the page image is damaged ({0})")]
    Damaged(String),
    #[error("the page image has more than {0} bytes however small it is made")]
    TooLarge(usize),
}

/// Takes an image over as it is, or as a grey JPEG where it has more than `most` bytes or is of a form that PDF has
/// no word for (interlaced, transparent).
pub(super) fn for_bundle(bytes: &[u8], most: usize) -> Result<Picture, ImageError> {
    let as_it_is = if bytes.starts_with(b"\x89PNG\r\n\x1a\n") { rows(bytes) } else { jpeg(bytes) };
    match as_it_is {
        Some(picture) if bytes.len() <= most && fits(picture.width, picture.height) => Ok(picture),
        _ => {
            let data = smaller(bytes, most)?;
            jpeg(&data).ok_or_else(|| ImageError::Damaged("it cannot be read back".into()))
        }
    }
}

/// Whether Textract takes the image as it is, by what it says of itself.
pub(super) fn is_fine(bytes: &[u8]) -> bool {
    let size = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok();
    let size = size.and_then(|reader| reader.into_dimensions().ok());
    bytes.len() <= MAX_BYTES && size.is_none_or(|(width, height)| fits(width, height))
}

fn fits(width: u32, height: u32) -> bool {
    width.max(height) <= MAX_SIDE
}

/// The same picture as a grey JPEG of at most `most` bytes.
pub(super) fn smaller(bytes: &[u8], most: usize) -> Result<Vec<u8>, ImageError> {
    let damaged = |error: &dyn std::fmt::Display| ImageError::Damaged(error.to_string());
    let mut reader =
        ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|error| damaged(&error))?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_DECODED);
    reader.limits(limits);
    let mut picture = reader.decode().map_err(|error| damaged(&error))?.into_luma8();
    if !fits(picture.width(), picture.height()) {
        picture = scaled(&picture, f64::from(MAX_SIDE) / f64::from(picture.width().max(picture.height())));
    }
    // Half as large on each side is still 100 dpi, which reads; a quarter does not.
    for _ in 0..2 {
        for quality in QUALITIES {
            let mut out = Vec::new();
            JpegEncoder::new_with_quality(&mut out, quality)
                .encode(picture.as_raw(), picture.width(), picture.height(), ExtendedColorType::L8)
                .map_err(|error| damaged(&error))?;
            if out.len() <= most {
                return Ok(out);
            }
        }
        picture = scaled(&picture, 0.5);
    }
    Err(ImageError::TooLarge(most))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "smaller than it was, and at least 1"
)]
fn scaled(picture: &GrayImage, factor: f64) -> GrayImage {
    let side = |length: u32| (f64::from(length) * factor).round().max(1.0) as u32;
    image::imageops::resize(picture, side(picture.width()), side(picture.height()), FilterType::Triangle)
}

/// A PNG's compressed rows; `None` for one that is interlaced, transparent, of a palette, or not whole.
fn rows(bytes: &[u8]) -> Option<Picture> {
    let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let (mut at, mut header, mut data) = (8, None, Vec::new());
    loop {
        let length = usize::try_from(number(at)?).ok()?;
        let body = bytes.get(at + 8..(at + 8).checked_add(length)?)?;
        match bytes.get(at + 4..at + 8)? {
            b"IHDR" => header = Some(body),
            b"IDAT" => data.extend_from_slice(body),
            // Says which colour is no colour.
            b"tRNS" => return None,
            b"IEND" => break,
            _ => {}
        }
        at += length + 12;
    }
    let [w0, w1, w2, w3, h0, h1, h2, h3, bits, colour, 0, 0, 0] = *header? else { return None };
    let colours = match colour {
        0 => 1,
        2 => 3,
        _ => return None,
    };
    let (width, height) = (u32::from_be_bytes([w0, w1, w2, w3]), u32::from_be_bytes([h0, h1, h2, h3]));
    (width > 0 && height > 0 && !data.is_empty()).then_some(Picture {
        width,
        height,
        colours,
        bits,
        form: Form::Rows,
        data,
    })
}

/// A JPEG file of one or three colours with what its frame header says; `None` for any other (CMYK, not whole).
fn jpeg(bytes: &[u8]) -> Option<Picture> {
    if !bytes.starts_with(&[0xFF, 0xD8]) {
        return None;
    }
    let mut at = 2;
    loop {
        let [0xFF, marker, high, low] = *bytes.get(at..at + 4)? else { return None };
        let length = usize::from(u16::from_be_bytes([high, low]));
        // Every start of a frame but for the tables that share their range.
        if (0xC0..=0xCF).contains(&marker) && !matches!(marker, 0xC4 | 0xC8 | 0xCC) {
            let [bits, h0, h1, w0, w1, colours] = *bytes.get(at + 4..at + 10)? else { return None };
            let picture = Picture {
                width: u32::from(u16::from_be_bytes([w0, w1])),
                height: u32::from(u16::from_be_bytes([h0, h1])),
                colours,
                bits,
                form: Form::Jpeg,
                data: bytes.to_vec(),
            };
            let known = bits == 8 && matches!(colours, 1 | 3) && picture.width > 0 && picture.height > 0;
            return known.then_some(picture);
        }
        at += length.max(2) + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{DynamicImage, ImageFormat};

    fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut out = Cursor::new(Vec::new());
        picture.write_to(&mut out, format).unwrap();
        out.into_inner()
    }

    /// Noise, which no compression makes small.
    fn noise(width: u32, height: u32) -> GrayImage {
        let mut state = 1_u32;
        GrayImage::from_fn(width, height, |_, _| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            image::Luma([(state >> 24) as u8])
        })
    }

    #[test]
    fn a_png_or_jpeg_is_taken_over_as_it_is() {
        let grey = DynamicImage::ImageLuma8(noise(30, 20));
        for (picture, colours) in [(grey.clone(), 1), (DynamicImage::ImageRgb8(grey.into_rgb8()), 3)] {
            let png = for_bundle(&encoded(&picture, ImageFormat::Png), MAX_BYTES).unwrap();
            assert_eq!((png.width, png.height, png.colours, png.bits), (30, 20, colours, 8));
            assert_eq!(png.form, Form::Rows);
            let bytes = encoded(&picture, ImageFormat::Jpeg);
            let jpeg = for_bundle(&bytes, MAX_BYTES).unwrap();
            assert_eq!((jpeg.width, jpeg.height, jpeg.colours, jpeg.form), (30, 20, colours, Form::Jpeg));
            assert_eq!(jpeg.data, bytes);
        }
    }

    #[test]
    fn what_is_transparent_or_too_large_becomes_a_grey_jpeg_within_the_bound() {
        let clear = DynamicImage::ImageLumaA8(image::ImageBuffer::from_pixel(9, 9, image::LumaA([0, 0])));
        assert_eq!(for_bundle(&encoded(&clear, ImageFormat::Png), MAX_BYTES).unwrap().form, Form::Jpeg);
        let bytes = encoded(&DynamicImage::ImageLuma8(noise(600, 600)), ImageFormat::Png);
        let small = for_bundle(&bytes, 120_000).unwrap();
        assert!(small.data.len() <= 120_000 && small.colours == 1, "{}", small.data.len());
        assert_eq!(for_bundle(&bytes, 1000).unwrap_err(), ImageError::TooLarge(1000));
    }

    #[test]
    fn more_pixels_than_textract_takes_are_made_fewer() {
        let long = encoded(&DynamicImage::ImageLuma8(GrayImage::new(10_400, 40)), ImageFormat::Png);
        assert!(!is_fine(&long));
        let picture = for_bundle(&long, MAX_BYTES).unwrap();
        assert_eq!((picture.width, picture.height), (10_000, 38));
        assert!(is_fine(&picture.data));
    }

    #[test]
    fn damaged_images_are_said_to_be_and_never_read_past_their_end() {
        let whole = encoded(&DynamicImage::ImageLuma8(noise(30, 20)), ImageFormat::Png);
        for end in 0..whole.len() {
            let picture = for_bundle(&whole[..end], MAX_BYTES);
            let damaged = matches!(picture, Err(ImageError::Damaged(_)));
            assert!(damaged || end > whole.len() / 2, "{end}");
        }
        let jpeg_file = encoded(&DynamicImage::ImageLuma8(noise(30, 20)), ImageFormat::Jpeg);
        for end in 0..jpeg_file.len().min(200) {
            let _ = jpeg(&jpeg_file[..end]);
        }
        assert!(rows(b"\x89PNG\r\n\x1a\n\xFF\xFF\xFF\xFFIDAT").is_none());
    }
}
