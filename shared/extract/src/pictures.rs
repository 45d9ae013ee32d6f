//! A document as pictures of its pages, whatever text it holds: what a machine sees that reads by eye.
//!
//! For servers that do OCR on whole documents and are themselves only met in tests. It parses within this process:
//! a service that reads other people's documents uses [`crate::read`], which has walls.

use crate::reader::{Budget, Job};
use crate::reading::PageReading;
use crate::{Kind, Limits, ReadError, detect};
use crate::{pdf, raster, tiffs};
use domain::text::Origin;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// The picture of one page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Counted from 1.
    pub number: u32,
    /// Pages altogether; 0 as long as that is unknown (TIFF).
    pub total: u32,
    /// An 8-bit grey PNG in the output folder, at 200 dpi where the size of the page is known; none where nothing
    /// is on the page. The page's own failure leaves the others.
    pub image: Result<Option<PathBuf>, ReadError>,
}

/// Paints every page of a PDF, TIFF, PNG or JPEG into `out_dir`, in order, and hands each to `each` as soon as it is
/// there; that may take the file away, and may end the work. Bounded by the pages, pixels and image bytes of `limits`.
///
/// # Errors
/// When the document as a whole cannot be painted.
pub fn paint_pages(
    bytes: Vec<u8>,
    out_dir: &Path,
    limits: &Limits,
    each: &mut dyn FnMut(Picture) -> ControlFlow<()>,
) -> Result<(), ReadError> {
    let kind = detect(&bytes, "")?;
    let mut budget = Budget { pages: limits.max_pages, attachments: 0, images_bytes: limits.images_bytes };
    let mut nobody = |_, _| {};
    let mut job =
        Job { out_dir, limits, prefix: String::new(), depth: 0, budget: &mut budget, progress: &mut nobody };
    let pages = match kind {
        Kind::Pdf => return pdf::paint_all(bytes, &mut job, each),
        Kind::Tiff => tiffs::read(&bytes, &mut job)?.1,
        Kind::Png | Kind::Jpeg => raster::read(&bytes, kind, &mut job)?.1,
        other => {
            let what = format!("a document of the kind {} has no pictures of its pages", other.as_str());
            return Err(ReadError::unsupported(what));
        }
    };
    let total = u32::try_from(pages.len()).unwrap_or(u32::MAX);
    for page in pages {
        if each(picture(page, total)).is_break() {
            break;
        }
    }
    Ok(())
}

fn picture(page: PageReading, total: u32) -> Picture {
    let number = page.number();
    let image = match page {
        PageReading::NeedsOcr { image, .. } => Ok(Some(image)),
        PageReading::Read(page) if page.origin == Origin::Unread => {
            Err(ReadError::damaged(page.note.unwrap_or_default()))
        }
        PageReading::Read(_) => Ok(None),
    };
    Picture { number, total, image }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::reason::Reason;

    /// A PDF of pages that hold text, which a reader would take without looking.
    fn two_pages_of_text() -> Vec<u8> {
        let page = |kids: &str, content: &str| (kids.to_owned(), content.to_owned());
        let pages =
            [page("4 0 R", "BT /F 24 Tf 72 700 Td (seen) Tj ET 72 600 300 40 re f"), page("6 0 R", "")];
        let mut pdf = String::from(
            "%PDF-1.4\n1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj\n\
             2 0 obj <</Type/Pages/Kids[3 0 R 5 0 R]/Count 2/MediaBox[0 0 612 792]\
             /Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>> endobj\n",
        );
        for (at, (contents, content)) in pages.iter().enumerate() {
            let number = 3 + 2 * at;
            pdf += &format!(
                "{number} 0 obj <</Type/Page/Parent 2 0 R/Contents {contents}>> endobj\n\
                 {} 0 obj <</Length {}>> stream\n{content}\nendstream endobj\n",
                number + 1,
                content.len()
            );
        }
        (pdf + "trailer <</Root 1 0 R>>\n%%EOF\n").into_bytes()
    }

    fn pictures(bytes: Vec<u8>, limits: &Limits, most: usize) -> Result<Vec<Picture>, ReadError> {
        let folder = tempfile::tempdir().unwrap();
        let mut seen = Vec::new();
        paint_pages(bytes, folder.path(), limits, &mut |picture| {
            if let Ok(Some(path)) = &picture.image {
                // The painter leaves out a last column that is not whole.
                let (width, height) = image::open(path).unwrap().into_luma8().dimensions();
                assert!(
                    (1699..=1700).contains(&width) && (2199..=2200).contains(&height),
                    "{width} {height}"
                );
            }
            seen.push(picture);
            if seen.len() == most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok(seen)
    }

    #[test]
    fn pages_with_text_are_painted_too_and_empty_ones_are_told() {
        let seen = pictures(two_pages_of_text(), &Limits::default(), 9).unwrap();
        assert_eq!(seen.iter().map(|it| (it.number, it.total)).collect::<Vec<_>>(), [(1, 2), (2, 2)]);
        assert!(matches!(&seen[0].image, Ok(Some(_))));
        assert_eq!(seen[1].image, Ok(None));
        assert_eq!(pictures(two_pages_of_text(), &Limits::default(), 1).unwrap().len(), 1);
    }

    #[test]
    fn more_pages_than_allowed_and_other_kinds_are_refused() {
        let one = Limits { max_pages: 1, ..Limits::default() };
        let error = pictures(two_pages_of_text(), &one, 9).unwrap_err();
        assert_eq!(error.reason(), Reason::TooManyPages);
        let error = pictures(b"plain words of a text".to_vec(), &one, 9).unwrap_err();
        assert_eq!(error.reason(), Reason::UnsupportedType);
    }
}
