//! The one door to all formats, without the walls: the child process calls it, and tests do.

use crate::{Kind, Limits, ReadError, Reading, detect};
use crate::{docx, html, mail, markdown, pdf, plain, raster, tiffs};
use domain::reason::Reason;
use std::path::Path;

/// Name and version of the reader. The number after the plus sign grows whenever the same file would be
/// read differently, so that kept results are not mistaken for new ones.
pub const READER: &str = concat!("precis-extract ", env!("CARGO_PKG_VERSION"), "+2");

/// Where reading stands: pages done, pages altogether (0 while unknown).
pub(crate) type Progress<'a> = &'a mut dyn FnMut(u32, u32);

/// What every format's reader is given beside the bytes.
pub(crate) struct Job<'a> {
    /// Where page images go.
    pub out_dir: &'a Path,
    /// The bounds.
    pub limits: &'a Limits,
    /// Prefix of image names, so that attachments do not overwrite each other.
    pub prefix: String,
    /// Nesting of attachments, 0 for the document itself.
    pub depth: u32,
    /// What may still be used up by the whole document.
    pub budget: &'a mut Budget,
    /// Called after each page.
    pub progress: Progress<'a>,
}

/// What is left for the whole document, attachments included.
pub(crate) struct Budget {
    pub pages: u32,
    pub attachments: u32,
    pub images_bytes: u64,
}

/// Reads a document within this process: no protection from what hostile bytes do to a parser. Images for
/// OCR are written into `out_dir`, and named in the answer by their path there.
///
/// # Errors
/// When the document as a whole cannot be read; a page that cannot is `Unread` in the answer.
pub fn read_in_process(
    bytes: Vec<u8>,
    name: &str,
    out_dir: &Path,
    limits: &Limits,
    progress: &mut dyn FnMut(u32, u32),
) -> Result<Reading, ReadError> {
    let mut budget = Budget {
        pages: limits.max_pages,
        attachments: limits.attachments,
        images_bytes: limits.images_bytes,
    };
    let mut job = Job { out_dir, limits, prefix: String::new(), depth: 0, budget: &mut budget, progress };
    read_part(bytes, name, &mut job)
}

/// Reads the document or one attachment, out of the shared budget.
pub(crate) fn read_part(bytes: Vec<u8>, name: &str, job: &mut Job<'_>) -> Result<Reading, ReadError> {
    let kind = detect(&bytes, name)?;
    let (title, pages) = match kind {
        Kind::Pdf => pdf::read(bytes, job)?,
        Kind::Docx => docx::read(&bytes, job)?,
        Kind::Html => html::read(&bytes, None, job)?,
        Kind::Markdown => markdown::read(&bytes, job)?,
        Kind::Text => plain::read(&bytes, job)?,
        Kind::Mail => mail::read(&bytes, job)?,
        Kind::Png | Kind::Jpeg => raster::read(&bytes, kind, job)?,
        Kind::Tiff => tiffs::read(&bytes, job)?,
    };
    if pages.is_empty() {
        return Err(ReadError::of(Reason::NoPages, "no page was found in it"));
    }
    if pages.len() > job.limits.max_pages as usize {
        return Err(ReadError::too_many_pages(pages.len(), job.limits.max_pages));
    }
    let title = title
        .map(|title| crate::text::clean(&title))
        .filter(|title| !title.is_empty() && !title.starts_with('<'));
    Ok(Reading { kind, title, pages, reader: READER.to_owned() })
}
