//! TIFF: each picture in the file is a page; fax in both its groups.
//!
//! Group 4 is decoded by the TIFF library; Group 3, which it does not know, by `hayro-ccitt`. A fax in
//! standard resolution has pixels twice as high as wide, and is stretched. Of palettes the library knows nothing
//! either, see [`palette`].

use crate::raster::{self, check_size};
use crate::reader::Job;
use crate::reading::unread;
use crate::{PageReading, ReadError};
use hayro_ccitt::{DecodeSettings, DecoderContext, EncodingMode};
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, Luma};
use std::borrow::Cow;
use std::io::Cursor;
use tiff::decoder::{Decoder, DecodingResult, Limits as TiffLimits};
use tiff::tags::{ByteOrder, Tag};
use tiff::{ColorType, TiffError};

type Parts = (Option<String>, Vec<PageReading>);
type Pages<'a> = Decoder<Cursor<Cow<'a, [u8]>>>;

pub(crate) fn read(bytes: &[u8], job: &mut Job<'_>) -> Result<Parts, ReadError> {
    let damaged =
        |error: &TiffError| ReadError::damaged(format!("its list of pictures cannot be read ({error})"));
    let mut limits = TiffLimits::default();
    limits.decoding_buffer_size = usize::try_from(job.limits.pixels.saturating_mul(4)).unwrap_or(usize::MAX);
    limits.intermediate_buffer_size = limits.decoding_buffer_size;
    let mut file = open(bytes).map_err(|error| damaged(&error))?.with_limits(limits);
    let (mut pages, mut first_error) = (Vec::new(), None);
    loop {
        let number = u32::try_from(pages.len() + 1).unwrap_or(u32::MAX);
        if job.budget.pages == 0 {
            return Err(ReadError::too_many_pages(pages.len() + 1, job.limits.max_pages));
        }
        job.budget.pages -= 1;
        pages.push(match picture(&mut file, bytes, pages.len(), job.limits.pixels) {
            Ok(picture) => raster::page(&picture, number, job)?,
            Err(error) => {
                let page = unread(number, error.to_string());
                first_error.get_or_insert(error);
                page
            }
        });
        (job.progress)(number, 0);
        if !file.more_images() {
            break;
        }
        if let Err(error) = file.next_image() {
            pages.push(unread(number + 1, format!("the next picture cannot be found ({error})")));
            break;
        }
    }
    let readable = pages.iter().any(|page| !matches!(page, PageReading::Read(page) if page.note.is_some()));
    match first_error {
        Some(error) if !readable => Err(error),
        _ => Ok((None, pages)),
    }
}

fn open(bytes: &[u8]) -> Result<Pages<'_>, TiffError> {
    Decoder::new(Cursor::new(Cow::Borrowed(bytes)))
}

/// The current picture, `index` counted from 0, upright and with square pixels.
fn picture(file: &mut Pages<'_>, bytes: &[u8], index: usize, pixels: u64) -> Result<GrayImage, ReadError> {
    let wrong = |error: TiffError| match error {
        TiffError::UnsupportedError(kind) => {
            ReadError::unsupported(format!("it is a TIFF of a rare kind ({kind})"))
        }
        error => ReadError::damaged(format!("the picture cannot be decoded ({error})")),
    };
    let (width, height) = file.dimensions().map_err(wrong)?;
    check_size(width, height, pixels)?;
    let compression = file.find_tag_unsigned::<u16>(Tag::Compression).ok().flatten().unwrap_or(1);
    let grey = if matches!(compression, 2 | 3) {
        group3(file, bytes, compression, width, height)?
    } else {
        let palette = palette(file, index).map_err(wrong)?;
        let color = file.colortype().map_err(wrong)?;
        let samples = file.read_image().map_err(wrong)?;
        to_grey(color, samples, palette.as_deref(), (width, height))?
    };
    let orientation = file.find_tag_unsigned::<u16>(Tag::Orientation).ok().flatten().unwrap_or(1);
    let orientation =
        u8::try_from(orientation).ok().and_then(Orientation::from_exif).unwrap_or(Orientation::NoTransforms);
    let mut upright = DynamicImage::ImageLuma8(square(file, grey));
    upright.apply_orientation(orientation);
    Ok(raster::sized(upright.into_luma8()))
}

/// Stretches a picture whose pixels are not square, and enlarges one of low resolution.
fn square(file: &mut Pages<'_>, picture: GrayImage) -> GrayImage {
    let mut resolution =
        |tag| file.get_tag(tag).ok().and_then(rational).filter(|dpi| (1.0..=10_000.0).contains(dpi));
    let (Some(x), Some(y)) = (resolution(Tag::XResolution), resolution(Tag::YResolution)) else {
        return picture;
    };
    let stretch = x / y;
    if (0.8..=1.25).contains(&stretch) || !(0.2..=5.0).contains(&stretch) {
        return picture;
    }
    if stretch > 1.0 {
        raster::scaled(&picture, 1.0, stretch)
    } else {
        raster::scaled(&picture, 1.0 / stretch, stretch)
    }
}

fn rational(value: tiff::decoder::ifd::Value) -> Option<f64> {
    match value {
        tiff::decoder::ifd::Value::Rational(over, under) if under > 0 => {
            Some(f64::from(over) / f64::from(under))
        }
        other => other.into_u32().ok().map(f64::from),
    }
}

/// The colours of a picture whose pixels are indices, as greys; `None` for any other picture.
///
/// The library refuses such pictures, but decodes the indices of one that says that they are greys. So its entry
/// is made to say so, and read again.
fn palette(file: &mut Pages<'_>, index: usize) -> Result<Option<Vec<u8>>, TiffError> {
    const CLASSIC: [[u8; 2]; 2] = [[42, 0], [0, 42]];
    let classic = CLASSIC.iter().any(|version| file.inner().get_ref().get(2..4) == Some(&version[..]));
    let Some(start) = file.ifd_pointer().filter(|_| classic) else { return Ok(None) };
    if file.find_tag_unsigned::<u16>(Tag::PhotometricInterpretation)? != Some(3) {
        return Ok(None);
    }
    let map = file.get_tag_u16_vec(Tag::ColorMap)?;
    // All reds, then all greens, then all blues. Some programs write eight bits where sixteen are due.
    let shift = if map.iter().all(|&part| part < 256) { 0 } else { 8 };
    let count = map.len() / 3;
    let part = |at: usize| (map[at] >> shift) as u8;
    let greys = (0..count).map(|at| luma(part(at), part(count + at), part(2 * count + at))).collect();

    let grey = match file.byte_order() {
        ByteOrder::LittleEndian => 1_u16.to_le_bytes(),
        ByteOrder::BigEndian => 1_u16.to_be_bytes(),
    };
    file.goto_offset_u64(start.0)?;
    for _ in 0..file.read_short()? {
        let entry = file.inner().position();
        if file.read_short()? == Tag::PhotometricInterpretation.to_u16() {
            let at = usize::try_from(entry + 8)?;
            if let Some(value) = file.inner().get_mut().to_mut().get_mut(at..at + 2) {
                value.copy_from_slice(&grey);
            }
        }
        file.goto_offset_u64(entry + 12)?;
    }
    file.seek_to_image(index)?;
    Ok(Some(greys))
}

fn to_grey(
    color: ColorType,
    samples: DecodingResult,
    palette: Option<&[u8]>,
    (width, height): (u32, u32),
) -> Result<GrayImage, ReadError> {
    let unknown = || {
        ReadError::damaged(format!("the picture's colours are of a kind that is not known here ({color:?})"))
    };
    let bytes: Vec<u8> = match samples {
        DecodingResult::U8(samples) => samples,
        DecodingResult::U16(samples) => samples.into_iter().map(|sample| (sample >> 8) as u8).collect(),
        _ => return Err(unknown()),
    };
    let pixels: Vec<u8> = match color {
        ColorType::Gray(bits @ (1 | 2 | 4 | 8)) => {
            let even: Vec<u8> = (0..=255).step_by(255 / ((1 << bits) - 1)).collect();
            let shade =
                |sample: u8| palette.unwrap_or(&even).get(usize::from(sample)).copied().unwrap_or(255);
            unpack(&bytes, width, bits).map(shade).collect()
        }
        ColorType::Gray(16) if palette.is_none() => bytes,
        ColorType::GrayA(_) => bytes.chunks_exact(2).map(|it| over_white(it[0], it[1])).collect(),
        ColorType::RGB(_) => bytes.chunks_exact(3).map(|it| luma(it[0], it[1], it[2])).collect(),
        ColorType::RGBA(_) => {
            bytes.chunks_exact(4).map(|it| over_white(luma(it[0], it[1], it[2]), it[3])).collect()
        }
        ColorType::YCbCr(_) => bytes.chunks_exact(3).map(|it| it[0]).collect(),
        ColorType::CMYK(_) => bytes
            .chunks_exact(4)
            .map(|it| {
                let ink = |part: u8| ((255 - u32::from(part)) * (255 - u32::from(it[3])) / 255) as u8;
                luma(ink(it[0]), ink(it[1]), ink(it[2]))
            })
            .collect(),
        _ => return Err(unknown()),
    };
    GrayImage::from_raw(width, height, pixels)
        .ok_or_else(|| ReadError::damaged("the picture has fewer pixels than it says"))
}

fn luma(red: u8, green: u8, blue: u8) -> u8 {
    ((u32::from(red) * 77 + u32::from(green) * 150 + u32::from(blue) * 29) >> 8) as u8
}

fn over_white(value: u8, alpha: u8) -> u8 {
    let alpha = u32::from(alpha);
    ((u32::from(value) * alpha + 255 * (255 - alpha)) / 255) as u8
}

/// Samples of at most eight bits, whose rows begin at whole bytes.
fn unpack(bytes: &[u8], width: u32, bits: u8) -> impl Iterator<Item = u8> {
    let bits = u32::from(bits);
    let row = (width * bits).div_ceil(8) as usize;
    let highest = u8::MAX >> (8 - bits);
    bytes.chunks_exact(row.max(1)).flat_map(move |row| {
        (0..width).map(move |x| {
            let at = x * bits;
            (row[(at / 8) as usize] >> (8 - bits - at % 8)) & highest
        })
    })
}

/// Rows of black and white runs, as fax sends them.
struct Rows {
    picture: GrayImage,
    row: u32,
}

impl hayro_ccitt::Decoder for Rows {
    fn push_row(&mut self, changes: &[u32]) {
        let width = self.picture.width();
        if self.row < self.picture.height() {
            for run in changes.chunks(2) {
                for x in run[0]..run.get(1).copied().unwrap_or(width).min(width) {
                    self.picture.put_pixel(x, self.row, Luma([0]));
                }
            }
        }
        self.row += 1;
    }
}

fn group3(
    file: &mut Pages<'_>,
    bytes: &[u8],
    compression: u16,
    width: u32,
    height: u32,
) -> Result<GrayImage, ReadError> {
    let wrong = |what: String| ReadError::damaged(format!("the fax cannot be decoded ({what})"));
    let mut list = |tag| file.find_tag_unsigned_vec::<u64>(tag).ok().flatten().unwrap_or_default();
    let (offsets, counts) = (list(Tag::StripOffsets), list(Tag::StripByteCounts));
    let mut number = |tag, usual: u32| file.find_tag_unsigned::<u32>(tag).ok().flatten().unwrap_or(usual);
    let rows_per_strip = number(Tag::RowsPerStrip, height).clamp(1, height);
    let options = number(Tag::Unknown(292), 0);
    let reversed = number(Tag::FillOrder, 1) == 2;
    let black_is_zero = number(Tag::PhotometricInterpretation, 0) == 1;
    let mut rows = Rows { picture: GrayImage::from_pixel(width, height, Luma([255])), row: 0 };
    for (index, (offset, count)) in offsets.iter().zip(&counts).enumerate() {
        let range = usize::try_from(*offset).ok().zip(usize::try_from(offset.saturating_add(*count)).ok());
        let strip = range
            .and_then(|(from, to)| bytes.get(from..to))
            .ok_or_else(|| wrong("its data is missing".to_owned()))?;
        let strip: Vec<u8> =
            if reversed { strip.iter().map(|byte| byte.reverse_bits()).collect() } else { strip.to_vec() };
        let first = rows_per_strip.saturating_mul(u32::try_from(index).unwrap_or(u32::MAX));
        rows.row = first;
        let settings = DecodeSettings {
            columns: width,
            rows: rows_per_strip.min(height.saturating_sub(first)),
            end_of_block: true,
            end_of_line: compression == 3,
            rows_are_byte_aligned: compression == 2,
            encoding: if options & 1 == 1 { EncodingMode::Group3_2D } else { EncodingMode::Group3_1D },
            strict: false,
        };
        hayro_ccitt::decode(&strip, &mut rows, &mut DecoderContext::new(settings))
            .map_err(|error| wrong(format!("{error:?}")))?;
    }
    if black_is_zero {
        // Fax codes white first; this file calls the first colour black.
        rows.picture.pixels_mut().for_each(|pixel| pixel.0[0] = 255 - pixel.0[0]);
    }
    Ok(rows.picture)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, read_in_process};
    use tiff::encoder::{TiffEncoder, colortype};

    fn two_pages() -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let mut file = TiffEncoder::new(&mut bytes).unwrap();
        for step in [3_u32, 5] {
            let data: Vec<u8> = (0..400 * 300_u32)
                .map(|at| if at % 400 % 40 < step && at / 400 % 20 < 12 { 0 } else { 255 })
                .collect();
            file.write_image::<colortype::Gray8>(400, 300, &data).unwrap();
        }
        bytes.into_inner()
    }

    #[test]
    fn every_picture_is_a_page() {
        let folder = tempfile::tempdir().unwrap();
        let reading =
            read_in_process(two_pages(), "x.tif", folder.path(), &Limits::default(), &mut |_, _| {}).unwrap();
        assert_eq!(reading.pages.iter().map(PageReading::number).collect::<Vec<_>>(), [1, 2]);
        assert!(reading.pages.iter().all(|page| matches!(page, PageReading::NeedsOcr { .. })));
    }

    #[test]
    fn more_pictures_than_allowed_are_too_many_pages() {
        let folder = tempfile::tempdir().unwrap();
        let limits = Limits { max_pages: 1, ..Limits::default() };
        let error =
            read_in_process(two_pages(), "x.tif", folder.path(), &limits, &mut |_, _| {}).unwrap_err();
        assert_eq!(error.reason(), domain::reason::Reason::TooManyPages);
    }

    #[test]
    fn bits_are_unpacked_row_by_row() {
        assert!(unpack(&[0b1010_0000, 0b0100_0000], 3, 1).eq([1, 0, 1, 0, 1, 0]));
        assert!(unpack(&[0b1100_0110], 4, 2).eq([3, 0, 1, 2]));
        assert!(unpack(&[200, 7], 2, 8).eq([200, 7]));
    }

    /// A TIFF of one picture with these tags, whose data stand at byte 8.
    fn made(data: &[u8], tags: &[(u16, u16, u32, u32)]) -> Vec<u8> {
        let mut bytes = b"II*\0".to_vec();
        bytes.extend((8 + data.len() as u32).to_le_bytes());
        bytes.extend(data);
        bytes.extend((tags.len() as u16).to_le_bytes());
        for (tag, kind, count, value) in tags {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(kind.to_le_bytes());
            bytes.extend(count.to_le_bytes());
            bytes.extend(value.to_le_bytes());
        }
        bytes.extend(0_u32.to_le_bytes());
        bytes
    }

    fn first_picture(bytes: &[u8]) -> GrayImage {
        picture(&mut open(bytes).unwrap(), bytes, 0, 1000).unwrap()
    }

    /// A fax of 8 × 2 pixels in Group 3 (modified Huffman): each row three white, two black, three white.
    #[test]
    fn group_3_fax_is_decoded() {
        let white_3 = "1000";
        let black_2 = "11";
        let row = u8::from_str_radix(&format!("{white_3}{black_2}{}", &white_3[..2]), 2).unwrap();
        // Width, height, bits, compression, white is zero, offset, one sample, rows in the strip, its length.
        let tags: [(u16, u32); 9] =
            [(256, 8), (257, 2), (258, 1), (259, 2), (262, 0), (273, 8), (277, 1), (278, 2), (279, 4)];
        let bytes = made(&[row, 0, row, 0], &tags.map(|(tag, value)| (tag, 4, 1, value)));
        let expected = [255, 255, 255, 0, 0, 255, 255, 255];
        assert_eq!(first_picture(&bytes).as_raw(), &[expected, expected].concat());
    }

    /// Two rows of two pixels of four bits; colour 1 is black, 2 white, 3 pure green, all others red.
    #[test]
    fn the_indices_of_a_palette_become_the_greys_of_its_colours() {
        for sixteen in [true, false] {
            let full = if sixteen { 0xffff_u16 } else { 0xff };
            let mut map = [[full; 16], [0; 16], [0; 16]];
            for (index, colour) in [(1, [0, 0, 0]), (2, [full; 3]), (3, [0, full, 0])] {
                for (part, value) in colour.into_iter().enumerate() {
                    map[part][index] = value;
                }
            }
            let mut data = vec![0x12, 0x31];
            data.extend(map.as_flattened().iter().flat_map(|part| part.to_le_bytes()));
            let short = |tag, value| (tag, 3, 1, value);
            let bytes = made(
                &data,
                &[
                    short(256, 2),
                    short(257, 2),
                    short(258, 4),
                    short(259, 1),
                    short(262, 3),
                    (273, 4, 1, 8),
                    short(277, 1),
                    short(278, 2),
                    (279, 4, 1, 2),
                    (320, 3, 48, 10),
                ],
            );
            assert_eq!(first_picture(&bytes).as_raw(), &[0, 255, 149, 0]);
        }
    }
}
