//! PDF: the text layer page by page, and pictures of the pages that have no good one.
//!
//! Each page is interpreted once by a device that takes down characters instead of painting them
//! ([`device`]); [`layout`] makes words and lines of them in reading order; [`roles`] looks at all pages
//! together and tells headings, running heads and hyphens. A page whose text cannot be trusted
//! ([`crate::ocr_rule`]) is painted by `hayro`.

mod columns;
mod device;
mod layout;
mod lines;
mod paint;
mod roles;
mod whole;

use crate::ocr_rule::{PageStats, needs_ocr};
use crate::reader::Job;
use crate::reading::{Why, unread};
use crate::text::is_private;
use crate::{PageReading, Picture, ReadError, words};
use device::{Collector, Glyph};
use domain::reason::Reason;
use domain::text::{Origin, Page};
use hayro::hayro_syntax::Pdf;
use hayro::hayro_syntax::page::Page as PdfPage;
use hayro::hayro_syntax::{DecryptionError, LoadPdfError};
use hayro_interpret::kurbo::Rect;
use hayro_interpret::util::TransformExt;
use hayro_interpret::{Context, InterpreterCache, InterpreterSettings, interpret_page};
use lines::RawPage;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};

type Parts = (Option<String>, Vec<PageReading>);

/// One page after the first pass.
enum Seen {
    Text(RawPage),
    Ocr(Why, RawPage),
    Blank,
    Unread(String),
}

pub(crate) fn read(bytes: Vec<u8>, job: &mut Job<'_>) -> Result<Parts, ReadError> {
    let (pdf, stated) = open(bytes, job)?;
    let total = u32::try_from(stated).unwrap_or(u32::MAX);
    let mut seen = look_at_pages(&pdf, total, job);
    if seen.iter().all(|page| matches!(page, Seen::Unread(_))) {
        return Err(ReadError::damaged("none of its pages can be read"));
    }
    seen.extend((pdf.pages().len()..stated).map(|_| Seen::Unread(missing(&pdf, stated))));
    let title =
        pdf.metadata().title.as_deref().map(device::pdf_string).and_then(|title| honest_title(&title));
    Ok((title, finish(seen, &pdf, total, job)?))
}

/// The file, and how many pages it has or says it has; they are taken off the budget.
fn open(bytes: Vec<u8>, job: &mut Job<'_>) -> Result<(Pdf, usize), ReadError> {
    whole::check(&bytes)?;
    let no_pages = whole::says_no_pages(&bytes);
    let pdf = Pdf::new(bytes).map_err(|error| refused(error, no_pages))?;
    let there = pdf.pages().len();
    if there == 0 {
        return Err(ReadError::of(Reason::NoPages, "its list of pages is empty"));
    }
    let stated = whole::stated_pages(&pdf).filter(|count| *count > there).unwrap_or(there);
    if stated > job.budget.pages as usize {
        return Err(ReadError::too_many_pages(stated, job.limits.max_pages));
    }
    job.budget.pages -= u32::try_from(stated).unwrap_or(u32::MAX);
    Ok((pdf, stated))
}

fn missing(pdf: &Pdf, stated: usize) -> String {
    format!("the file speaks of {stated} pages, and only {} are in it", pdf.pages().len())
}

/// Every page as a picture, whether it holds text or not.
pub(crate) fn paint_all(
    bytes: Vec<u8>,
    job: &mut Job<'_>,
    each: &mut dyn FnMut(Picture) -> ControlFlow<()>,
) -> Result<(), ReadError> {
    let (pdf, stated) = open(bytes, job)?;
    for index in 0..stated {
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        let image = match pdf.pages().get(index) {
            Some(page) => match catch_unwind(AssertUnwindSafe(|| paint::paint(page, job.limits))) {
                Ok(picture) if crate::raster::is_blank(&picture) => Ok(None),
                Ok(picture) => Ok(Some(crate::raster::write(&picture, number, job)?)),
                Err(_) => Err(ReadError::damaged("painting the page made the reader stop")),
            },
            None => Err(ReadError::damaged(missing(&pdf, stated))),
        };
        let total = u32::try_from(stated).unwrap_or(u32::MAX);
        if each(Picture { number, total, image }).is_break() {
            break;
        }
    }
    Ok(())
}

fn refused(error: LoadPdfError, no_pages: bool) -> ReadError {
    match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => {
            ReadError::of(Reason::Encrypted, "it opens only with a password")
        }
        LoadPdfError::Decryption(DecryptionError::UnsupportedAlgorithm) => {
            ReadError::of(Reason::Encrypted, "it is encrypted in a way that is not known here")
        }
        LoadPdfError::Decryption(_) => {
            ReadError::of(Reason::Encrypted, "it is encrypted, and its encryption is damaged")
        }
        LoadPdfError::Invalid if no_pages => ReadError::of(Reason::NoPages, "its list of pages is empty"),
        LoadPdfError::Invalid => ReadError::damaged("neither its table of objects nor any page can be found"),
    }
}

/// The first pass: every page's characters, and what to do with it.
fn look_at_pages(pdf: &Pdf, total: u32, job: &mut Job<'_>) -> Vec<Seen> {
    let cache = InterpreterCache::new();
    let mut ink = HashMap::new();
    let mut seen = Vec::new();
    for (index, page) in pdf.pages().iter().enumerate() {
        let (width, height) = page.render_dimensions();
        let mut collector = Collector::new(width, height, std::mem::take(&mut ink));
        let done = catch_unwind(AssertUnwindSafe(|| interpret(page, pdf, &cache, &mut collector)));
        seen.push(match done {
            Err(_) => Seen::Unread("the page made the reader stop".to_owned()),
            Ok(()) if collector.overflow => {
                Seen::Unread("the page has more than a million characters".to_owned())
            }
            Ok(()) => judge(&mut collector, u32::try_from(index + 1).unwrap_or(u32::MAX), width, height),
        });
        ink = collector.into_ink();
        (job.progress)(u32::try_from(index).unwrap_or(u32::MAX), total);
    }
    seen
}

fn interpret<'a>(page: &PdfPage<'a>, pdf: &'a Pdf, cache: &InterpreterCache<'a>, collector: &mut Collector) {
    let (width, height) = page.render_dimensions();
    let mut context = Context::new(
        page.initial_transform(true).to_kurbo(),
        Rect::new(0.0, 0.0, f64::from(width), f64::from(height)),
        cache,
        pdf.xref(),
        InterpreterSettings::default(),
    );
    interpret_page(page, &mut context, collector);
}

fn judge(collector: &mut Collector, number: u32, width: f32, height: f32) -> Seen {
    let glyphs = std::mem::take(&mut collector.glyphs);
    let raw = RawPage { number, ..layout::lay_out(&glyphs, width, height) };
    let stats = stats(&glyphs, &raw, collector, width, height);
    match needs_ocr(&stats) {
        Some(why) => Seen::Ocr(why, raw),
        None if raw.lines.is_empty() => Seen::Blank,
        None => Seen::Text(raw),
    }
}

fn stats(glyphs: &[Glyph], raw: &RawPage, collector: &Collector, width: f32, height: f32) -> PageStats {
    let (mut characters, mut bad, mut area) = (0, 0, 0.0);
    for glyph in glyphs {
        let Some(first) = glyph.text.chars().next() else { continue };
        if first.is_whitespace() {
            continue;
        }
        characters += 1;
        bad += usize::from(first == '\u{fffd}' || is_private(first) || first.is_control());
        #[expect(clippy::cast_possible_truncation, reason = "points on a page")]
        {
            area += glyph.size * glyph.start.distance(glyph.end) as f32;
        }
    }
    let text: Vec<&str> = raw.lines.iter().map(|line| line.text.as_str()).collect();
    PageStats {
        characters,
        bad_characters: bad,
        shapes: words::shapes(&text.join(" ")),
        image_cover: collector.image_cover(),
        largest_image: collector.largest_image,
        path_segments: collector.path_segments,
        text_cover: area / (width * height).max(1.0),
        visible_text: collector.visible_text,
    }
}

/// The second pass: roles over the whole document, then pages for OCR are painted.
fn finish(seen: Vec<Seen>, pdf: &Pdf, total: u32, job: &mut Job<'_>) -> Result<Vec<PageReading>, ReadError> {
    let raw: Vec<&RawPage> = seen
        .iter()
        .filter_map(|page| match page {
            Seen::Text(raw) => Some(raw),
            _ => None,
        })
        .collect();
    let style = roles::Style::of(&raw);
    let mut out = Vec::with_capacity(seen.len());
    for (index, page) in seen.iter().enumerate() {
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        let text_page = |raw: &RawPage| Page {
            number,
            origin: Origin::Text,
            lines: style.lines(raw, number),
            attachment: None,
            note: None,
        };
        out.push(match page {
            Seen::Text(raw) => PageReading::Read(text_page(raw)),
            Seen::Blank => blank(number),
            Seen::Unread(note) => unread(number, note.as_str()),
            Seen::Ocr(why, raw) => {
                let text_layer = (!raw.lines.is_empty()).then(|| text_page(raw));
                for_ocr(&pdf.pages()[index], number, *why, text_layer, job)?
            }
        });
        (job.progress)(number, total);
    }
    Ok(out)
}

pub(crate) fn blank(number: u32) -> PageReading {
    PageReading::Read(Page { number, origin: Origin::Blank, lines: Vec::new(), attachment: None, note: None })
}

fn for_ocr(
    page: &PdfPage<'_>,
    number: u32,
    why: Why,
    text_layer: Option<Page>,
    job: &mut Job<'_>,
) -> Result<PageReading, ReadError> {
    let Ok(picture) = catch_unwind(AssertUnwindSafe(|| paint::paint(page, job.limits))) else {
        return Ok(unread(number, "painting the page made the reader stop"));
    };
    if text_layer.is_none() && crate::raster::is_blank(&picture) {
        return Ok(blank(number));
    }
    let image = crate::raster::write(&picture, number, job)?;
    Ok(PageReading::NeedsOcr { number, image, why, text_layer, attachment: None })
}

/// Titles that programs leave behind say nothing.
fn honest_title(title: &str) -> Option<String> {
    let title = title.trim().trim_start_matches("Microsoft Word - ").trim();
    let lower = title.to_lowercase();
    let empty = lower.is_empty()
        || ["untitled", "(anonymous)", "title", "document", "unknown"].contains(&lower.as_str());
    let file =
        [".doc", ".docx", ".indd", ".qxd", ".pdf", ".tex", ".dvi", ".rtf", ".odt", ".xls", ".xlsx", ".pptx"]
            .iter()
            .any(|end| lower.ends_with(end));
    (!empty && !file).then(|| title.to_owned())
}
