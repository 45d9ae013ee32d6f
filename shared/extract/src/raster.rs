//! Pictures: one page each, for OCR.

use crate::pdf::blank;
use crate::reader::Job;
use crate::reading::Why;
use crate::{Kind, PageReading, ReadError};
use image::codecs::png::{CompressionType, FilterType as PngFilter, PngEncoder};
use image::imageops::FilterType;
use image::{
    DynamicImage, ExtendedColorType, GrayImage, ImageDecoder, ImageEncoder, ImageFormat, ImageReader,
};
use std::io::Cursor;
use std::path::PathBuf;

type Parts = (Option<String>, Vec<PageReading>);

/// Longest side of a picture for OCR: an A4 page at 300 dpi. More costs time and reads no better.
const LONGEST: u32 = 3508;
/// Shortest height of a page worth reading as it is; smaller pictures are enlarged.
const SHORTEST: u32 = 1200;

pub(crate) fn read(bytes: &[u8], kind: Kind, job: &mut Job<'_>) -> Result<Parts, ReadError> {
    let format = if kind == Kind::Png { ImageFormat::Png } else { ImageFormat::Jpeg };
    let picture = decode(bytes, format, job.limits.pixels)?;
    let page = page(&sized(picture), 1, job)?;
    (job.progress)(1, 1);
    Ok((None, vec![page]))
}

fn decode(bytes: &[u8], format: ImageFormat, pixels: u64) -> Result<GrayImage, ReadError> {
    let damaged = |error: &dyn std::fmt::Display| {
        ReadError::damaged(format!("the picture cannot be decoded ({error})"))
    };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.no_limits();
    let mut decoder = reader.into_decoder().map_err(|error| damaged(&error))?;
    let (width, height) = decoder.dimensions();
    check_size(width, height, pixels)?;
    let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| damaged(&error))?;
    picture.apply_orientation(orientation);
    Ok(grey(picture))
}

/// Refuses dimensions before anything is allocated for them.
pub(crate) fn check_size(width: u32, height: u32, pixels: u64) -> Result<(), ReadError> {
    if u64::from(width) * u64::from(height) > pixels {
        return Err(ReadError::limit(format!(
            "the picture has {width} × {height} pixels, more than {pixels}"
        )));
    }
    if width == 0 || height == 0 {
        return Err(ReadError::damaged("the picture has no pixels"));
    }
    Ok(())
}

/// Grey, what is transparent shown on white.
pub(crate) fn grey(picture: DynamicImage) -> GrayImage {
    if !picture.color().has_alpha() {
        return picture.into_luma8();
    }
    let with_alpha = picture.into_luma_alpha8();
    let (width, height) = with_alpha.dimensions();
    let mut out = GrayImage::new(width, height);
    for (to, from) in out.pixels_mut().zip(with_alpha.pixels()) {
        let [luma, alpha] = from.0.map(u32::from);
        to.0[0] = u8::try_from((luma * alpha + 255 * (255 - alpha)) / 255).unwrap_or(255);
    }
    out
}

/// Brings a picture of unknown resolution to a size that OCR reads well.
pub(crate) fn sized(picture: GrayImage) -> GrayImage {
    let longest = picture.width().max(picture.height());
    if longest > LONGEST {
        scaled(&picture, f64::from(LONGEST) / f64::from(longest), 1.0)
    } else if (32..SHORTEST).contains(&longest) {
        scaled(&picture, 2.0, 1.0)
    } else {
        picture
    }
}

/// Scales by `factor`, and the height by `stretch` more.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded by the longest side")]
pub(crate) fn scaled(picture: &GrayImage, factor: f64, stretch: f64) -> GrayImage {
    let side = |length: u32, factor: f64| (f64::from(length) * factor).round().clamp(1.0, 20_000.0) as u32;
    let (width, height) = (side(picture.width(), factor), side(picture.height(), factor * stretch));
    image::imageops::resize(picture, width, height, FilterType::Triangle)
}

/// A page made of a picture: blank, or for OCR.
pub(crate) fn page(picture: &GrayImage, number: u32, job: &mut Job<'_>) -> Result<PageReading, ReadError> {
    if is_blank(picture) {
        return Ok(blank(number));
    }
    let image = write(picture, number, job)?;
    Ok(PageReading::NeedsOcr { number, image, why: Why::Picture, text_layer: None, attachment: None })
}

/// Whether there is nothing on a picture: hardly a pixel differs from its surroundings by what ink does.
pub(crate) fn is_blank(picture: &GrayImage) -> bool {
    let width = picture.width() as usize;
    let data = picture.as_raw();
    let needed = data.len() / 100_000 + 4;
    // Neighbours are compared, so that a shadow over the sheet is not taken for ink.
    let mut edges = 0;
    for row in data.chunks_exact(width.max(1)) {
        edges += row.windows(3).filter(|three| three[0].abs_diff(three[2]) > 48).count();
        if edges >= needed {
            return false;
        }
    }
    true
}

/// Writes a picture into the output folder within the budget of the document.
pub(crate) fn write(picture: &GrayImage, number: u32, job: &mut Job<'_>) -> Result<PathBuf, ReadError> {
    let mut bytes = Vec::new();
    PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, PngFilter::Adaptive)
        .write_image(picture.as_raw(), picture.width(), picture.height(), ExtendedColorType::L8)
        .map_err(|error| {
            ReadError::limit(format!("the picture of page {number} cannot be encoded ({error})"))
        })?;
    let left = job.budget.images_bytes.checked_sub(bytes.len() as u64);
    job.budget.images_bytes =
        left.ok_or_else(|| ReadError::limit("the pictures of its pages take more room than is allowed"))?;
    let path = job.out_dir.join(format!("{}page-{number}.png", job.prefix));
    std::fs::write(&path, &bytes)
        .map_err(|error| ReadError::io("the picture of a page cannot be written", &error))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, read_in_process};
    use domain::reason::Reason;
    use domain::text::Origin;

    fn png(picture: &GrayImage) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    fn written(width: u32, height: u32) -> GrayImage {
        GrayImage::from_fn(width, height, |x, y| {
            image::Luma([if x % 40 < 4 && y % 60 < 30 { 0 } else { 250 }])
        })
    }

    #[test]
    fn a_picture_goes_to_ocr_and_an_empty_sheet_is_blank() {
        let folder = tempfile::tempdir().unwrap();
        let read = |picture: &GrayImage| {
            read_in_process(png(picture), "x.png", folder.path(), &Limits::default(), &mut |_, _| {})
                .unwrap()
                .pages
                .remove(0)
        };
        let PageReading::NeedsOcr { image, why: Why::Picture, .. } = read(&written(1300, 1700)) else {
            panic!("not for OCR")
        };
        assert_eq!(image::open(image).unwrap().into_luma8().dimensions(), (1300, 1700));
        // A sheet with a soft shadow and nothing on it.
        let shadow = GrayImage::from_fn(1300, 1700, |x, _| image::Luma([200 + (x / 30) as u8]));
        assert!(matches!(read(&shadow), PageReading::Read(page) if page.origin == Origin::Blank));
    }

    #[test]
    fn pictures_are_brought_to_a_size_that_reads_well() {
        assert_eq!(sized(written(6000, 4000)).dimensions(), (3508, 2339));
        assert_eq!(sized(written(500, 700)).dimensions(), (1000, 1400));
        assert_eq!(sized(written(1275, 1651)).dimensions(), (1275, 1651));
    }

    #[test]
    fn huge_dimensions_are_refused_before_they_cost_memory() {
        // A PNG that claims 60,000 × 60,000 pixels and has none.
        let mut bytes = png(&written(8, 8));
        bytes[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
        bytes[20..24].copy_from_slice(&60_000_u32.to_be_bytes());
        let crc = crc32(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&crc.to_be_bytes());
        let folder = tempfile::tempdir().unwrap();
        let error =
            read_in_process(bytes, "x.png", folder.path(), &Limits::default(), &mut |_, _| {}).unwrap_err();
        assert_eq!(error.reason(), Reason::ReaderLimit);
    }

    #[test]
    fn a_truncated_picture_is_damaged() {
        let bytes = png(&written(800, 800));
        let folder = tempfile::tempdir().unwrap();
        let cut = bytes[..bytes.len() / 2].to_vec();
        let error =
            read_in_process(cut, "x.png", folder.path(), &Limits::default(), &mut |_, _| {}).unwrap_err();
        assert_eq!(error.reason(), Reason::Damaged);
    }

    #[test]
    fn what_is_transparent_is_white() {
        let clear = DynamicImage::ImageLumaA8(image::ImageBuffer::from_pixel(4, 4, image::LumaA([0, 0])));
        assert_eq!(grey(clear).as_raw(), &[255; 16]);
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0_u32, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 }
            })
        })
    }
}
