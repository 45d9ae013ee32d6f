//! Textract's blocks as lines.

use aws_sdk_textract::types::{Block, BlockType, Warning};
use domain::text::{BoundingBox, Line, Role};
use ports::{PageImage, PageLines};
use std::collections::BTreeMap;

/// Pages as they come in, answer by answer, by their number in the call's document (from 1).
#[derive(Debug, Default)]
pub(super) struct Collected {
    pages: BTreeMap<u32, Vec<Line>>,
    unread: Vec<u32>,
}

impl Collected {
    /// Takes an answer's blocks in. Only lines are kept, and that a page was there.
    pub(super) fn add(&mut self, blocks: Vec<Block>) {
        for block in blocks {
            // Answers about one image may leave the page out.
            let page = block.page().and_then(|page| u32::try_from(page).ok()).unwrap_or(1);
            match block.block_type() {
                Some(BlockType::Page) => {
                    self.pages.entry(page).or_default();
                }
                Some(BlockType::Line) => self.pages.entry(page).or_default().extend(line(&block)),
                _ => {}
            }
        }
    }

    /// Takes in which pages were not read.
    pub(super) fn warn(&mut self, warnings: &[Warning]) {
        let pages = warnings.iter().flat_map(Warning::pages);
        self.unread.extend(pages.filter_map(|page| u32::try_from(*page).ok()));
    }

    /// The pages under their own numbers. One that was not read is left out.
    pub(super) fn finish(mut self, images: &[PageImage]) -> Vec<PageLines> {
        let read = (1..).zip(images).filter_map(|(position, image)| {
            let mut lines = self.pages.remove(&position)?;
            // A warning about a page with lines on it concerns a part of the page.
            if lines.is_empty() && self.unread.contains(&position) {
                return None;
            }
            number_paragraphs(&mut lines);
            Some(PageLines { page: image.page, lines })
        });
        read.collect()
    }
}

fn line(block: &Block) -> Option<Line> {
    let text = block.text()?.trim().replace(['\n', '\r'], " ");
    let bbox = block.geometry().and_then(|geometry| geometry.bounding_box()).map(|bbox| BoundingBox {
        left: bbox.left(),
        top: bbox.top(),
        width: bbox.width(),
        height: bbox.height(),
    });
    let confidence = block.confidence().map(|percent| (percent / 100.0).clamp(0.0, 1.0));
    (!text.is_empty()).then_some(Line { text, role: Role::Body, paragraph: 1, bbox, confidence })
}

/// Textract knows no paragraphs here: one ends where the next line stands further off than lines of a paragraph do,
/// is much larger or smaller, or stands higher (the next column).
fn number_paragraphs(lines: &mut [Line]) {
    let mut paragraph = 1;
    let mut above: Option<BoundingBox> = None;
    for line in lines {
        if let (Some(above), Some(here)) = (above, line.bbox)
            && is_parted(above, here)
        {
            paragraph += 1;
        }
        line.paragraph = paragraph;
        above = line.bbox.or(above);
    }
}

fn is_parted(above: BoundingBox, here: BoundingBox) -> bool {
    let (smaller, larger) = (above.height.min(here.height), above.height.max(here.height));
    let gap = here.top - (above.top + above.height);
    // Boxes of a line with and without descenders differ by a third.
    larger > smaller * 1.6 || gap > larger * 0.9 || here.top < above.top - larger * 0.5
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_textract::types::{BoundingBox as Box, Geometry};

    fn block(kind: BlockType, page: i32, text: &str, top: f32) -> Block {
        let bbox = Box::builder().left(0.1).top(top).width(0.5).height(0.02).build();
        Block::builder()
            .block_type(kind)
            .page(page)
            .text(text)
            .confidence(87.5)
            .geometry(Geometry::builder().bounding_box(bbox).build())
            .build()
    }

    fn images(pages: &[u32]) -> Vec<PageImage> {
        pages.iter().map(|&page| PageImage { page, key: String::new() }).collect()
    }

    #[test]
    fn lines_come_under_their_own_pages_and_a_page_that_is_missing_was_not_read() {
        let mut collected = Collected::default();
        collected.add(vec![
            block(BlockType::Page, 1, "", 0.0),
            block(BlockType::Line, 1, " one ", 0.1),
            block(BlockType::Word, 1, "one", 0.1),
            block(BlockType::Page, 2, "", 0.0),
            block(BlockType::Page, 4, "", 0.0),
        ]);
        collected.add(vec![block(BlockType::Line, 1, "two", 0.123)]);
        collected.warn(&[Warning::builder().error_code("BAD_PAGE").pages(4).build()]);
        let read = collected.finish(&images(&[7, 9, 11, 12]));
        assert_eq!(read.iter().map(|page| page.page).collect::<Vec<_>>(), [7, 9]);
        let texts: Vec<_> = read[0].lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["one", "two"]);
        assert_eq!(read[0].lines[0].confidence, Some(0.875));
        assert!(read[1].lines.is_empty());
    }

    #[test]
    fn a_gap_a_column_and_another_size_of_letters_part_paragraphs() {
        let at = |top: f32, height: f32| Line {
            text: "x".into(),
            role: Role::Body,
            paragraph: 0,
            bbox: Some(BoundingBox { left: 0.1, top, width: 0.3, height }),
            confidence: None,
        };
        let mut lines =
            [at(0.10, 0.04), at(0.16, 0.02), at(0.185, 0.02), at(0.21, 0.02), at(0.25, 0.02), at(0.16, 0.02)];
        number_paragraphs(&mut lines);
        assert_eq!(lines.map(|line| line.paragraph), [1, 2, 2, 2, 3, 4]);
    }
}
