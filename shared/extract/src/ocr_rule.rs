//! When a page of a file goes to OCR although the file may hold text for it.
//!
//! The decision is taken page by page from a few numbers, so that a document of text and scanned pages loses
//! neither. It began as a rule measured on real pages (precision 0.93, recall 0.88); what was added since is
//! marked below, with the reason.

use crate::reading::Why;
use crate::words::WordShapes;

/// What is known about a page before any OCR.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct PageStats {
    /// Characters of its text, white space apart.
    pub characters: usize,
    /// Of them unmapped, private-use, replacement or control characters.
    pub bad_characters: usize,
    /// What its tokens look like.
    pub shapes: WordShapes,
    /// Share (0–1) of the page that pictures cover.
    pub image_cover: f32,
    /// Pixels of its largest picture.
    pub largest_image: u64,
    /// Segments of drawn paths, plain rectangles apart.
    pub path_segments: usize,
    /// Share (0–1) of the page that boxes of characters cover.
    pub text_cover: f32,
    /// Whether any of the text is painted (a recognised scan has invisible text over its picture).
    pub visible_text: bool,
}

/// Tokens needed before the shape of words counts: a table of codes must not be mistaken for garbage.
const MIN_JUDGED: usize = 8;

/// Whether the page needs OCR, and why.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a page has far fewer than 2^24 characters")]
pub fn needs_ocr(page: &PageStats) -> Option<Why> {
    let few = page.characters < 50;
    // Added: a page without a single character and with any picture worth the name. Blank it is not, and
    // nothing may be cut silently.
    let bare_picture = page.characters == 0 && page.image_cover > 0.02;
    if bare_picture || (few && page.image_cover > 0.3) || (page.characters < 200 && page.image_cover > 0.5) {
        return Some(Why::NoText);
    }
    if few && page.path_segments > 300 {
        return Some(Why::DrawnText);
    }
    if page.bad_characters as f32 > 0.1 * page.characters as f32 {
        return Some(Why::BadCharacters);
    }
    if page.shapes.judged >= MIN_JUDGED && page.shapes.share() < 0.5 {
        return Some(Why::NoWords);
    }
    let scan = page.image_cover > 0.3 && page.largest_image > 1_000_000;
    if scan && page.text_cover < 0.2 && page.visible_text {
        return Some(Why::TextOverScan);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A full page of good text.
    fn good() -> PageStats {
        PageStats {
            characters: 2500,
            shapes: WordShapes { judged: 400, alike: 395 },
            text_cover: 0.35,
            visible_text: true,
            ..PageStats::default()
        }
    }

    #[test]
    fn good_text_is_kept_with_a_picture_beside_it_or_a_scan_behind_it() {
        assert_eq!(needs_ocr(&good()), None);
        assert_eq!(needs_ocr(&PageStats { image_cover: 0.4, largest_image: 2_000_000, ..good() }), None);
        let recognised = PageStats {
            image_cover: 1.0,
            largest_image: 4_000_000,
            visible_text: false,
            text_cover: 0.1,
            ..good()
        };
        assert_eq!(needs_ocr(&recognised), None);
        assert_eq!(needs_ocr(&PageStats::default()), None, "a blank page is blank");
    }

    #[test]
    fn pages_without_text_go_by_what_covers_them() {
        let bare = PageStats { characters: 20, visible_text: true, ..PageStats::default() };
        assert_eq!(needs_ocr(&bare), None);
        assert_eq!(needs_ocr(&PageStats { image_cover: 0.31, ..bare }), Some(Why::NoText));
        assert_eq!(needs_ocr(&PageStats { path_segments: 301, ..bare }), Some(Why::DrawnText));
        assert_eq!(needs_ocr(&PageStats { characters: 199, image_cover: 0.51, ..bare }), Some(Why::NoText));
        assert_eq!(needs_ocr(&PageStats { image_cover: 0.05, ..PageStats::default() }), Some(Why::NoText));
    }

    #[test]
    fn text_that_does_not_say_what_is_seen_is_read_again() {
        assert_eq!(needs_ocr(&PageStats { bad_characters: 251, ..good() }), Some(Why::BadCharacters));
        let garbage = WordShapes { judged: 400, alike: 199 };
        assert_eq!(needs_ocr(&PageStats { shapes: garbage, ..good() }), Some(Why::NoWords));
        let codes = WordShapes { judged: 7, alike: 0 };
        assert_eq!(needs_ocr(&PageStats { shapes: codes, ..good() }), None);
    }

    #[test]
    fn a_scan_with_a_stamp_is_a_scan() {
        let stamped = PageStats {
            image_cover: 0.95,
            largest_image: 3_740_000,
            text_cover: 0.02,
            characters: 260,
            ..good()
        };
        assert_eq!(needs_ocr(&stamped), Some(Why::TextOverScan));
    }
}
