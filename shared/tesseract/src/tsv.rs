//! Tesseract's table of words, made lines.
//!
//! A row is: level, page, block, paragraph, line, word, left, top, width, height, confidence (0–100, −1
//! above the word), text. Pixels count from the top left.

use domain::text::{BoundingBox, Line, Role};
use extract::furniture::{ends_with_page_number, is_page_number};
use extract::hyphens::{Vocabulary, join_lines};

/// A recognised page and how well it came out.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Recognised {
    pub lines: Vec<Line>,
    /// The same lines as they stand on the page, with their words.
    pub standing: Vec<WordLine>,
    /// Words with a letter or digit in them.
    pub words: usize,
    /// Mean confidence (0–1) of those, weighted by their length.
    pub confidence: f32,
    /// What was read well: characters of words, each weighted by confidence, doubtful words left out.
    pub score: f32,
}

impl Recognised {
    /// Every box on the page.
    pub(crate) fn boxes(&mut self) -> impl Iterator<Item = &mut BoundingBox> {
        let standing = self
            .standing
            .iter_mut()
            .flat_map(|line| line.words.iter_mut().map(|word| &mut word.bbox).chain(line.line.bbox.as_mut()));
        self.lines.iter_mut().filter_map(|line| line.bbox.as_mut()).chain(standing)
    }
}

/// A line as it stands on the page.
#[derive(Debug, Clone, PartialEq)]
pub struct WordLine {
    /// The whole of it.
    pub line: Line,
    /// Its words, in reading order; at least one.
    pub words: Vec<PlacedWord>,
}

/// A word in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacedWord {
    /// The text, without spaces.
    pub text: String,
    /// Fractions of the page.
    pub bbox: BoundingBox,
    /// 0–1.
    pub confidence: f32,
}

/// Below it a word without a letter or digit is taken for dirt.
const SIGN_CONFIDENCE: f32 = 0.6;
/// Below it a word says nothing about the page having been read.
const DOUBTFUL: f32 = 0.5;

struct Word<'a> {
    place: (u32, u32, u32),
    left: f32,
    top: f32,
    width: f32,
    height: f32,
    confidence: f32,
    text: &'a str,
}

/// Reads the table; lines keep the engine's order.
pub(crate) fn parse(table: &str) -> Recognised {
    let (mut width, mut height) = (1.0_f32, 1.0_f32);
    let mut out = Recognised::default();
    let mut open: Vec<Word<'_>> = Vec::new();
    let mut paragraph = 0;
    let mut last = None;
    let mut weight = 0.0_f32;
    let mut flush = |open: &mut Vec<Word<'_>>, lines: &mut Vec<WordLine>, (width, height): (f32, f32)| {
        let Some(first) = open.first() else { return };
        let group = (first.place.0, first.place.1);
        if last != Some(group) {
            paragraph += 1;
            last = Some(group);
        }
        lines.push(line(open, paragraph, width, height));
        open.clear();
    };
    for row in table.lines() {
        let cells: Vec<&str> = row.splitn(12, '\t').collect();
        if cells.len() < 11 {
            continue;
        }
        let number = |at: usize| cells[at].parse::<f32>().unwrap_or(0.0);
        if cells[0] == "1" {
            (width, height) = (number(8).max(1.0), number(9).max(1.0));
        }
        let Some(word) = word(&cells) else { continue };
        if open.first().is_some_and(|first| first.place != word.place) {
            flush(&mut open, &mut out.standing, (width, height));
        }
        if word.text.chars().any(char::is_alphanumeric) {
            let length = length(word.text);
            out.words += 1;
            out.confidence += word.confidence * length;
            weight += length;
            if word.confidence >= DOUBTFUL {
                out.score += word.confidence * length;
            }
        }
        open.push(word);
    }
    flush(&mut open, &mut out.standing, (width, height));
    out.lines = out.standing.iter().map(|standing| standing.line.clone()).collect();
    mark_page_numbers(&mut out.lines);
    let vocabulary = Vocabulary::of(out.lines.iter().map(|line| line.text.as_str()));
    join_lines(&mut out.lines, &vocabulary);
    out.confidence /= weight.max(1.0);
    out
}

/// The first and the last line, where they stand at the edge and are a page's number.
fn mark_page_numbers(lines: &mut [Line]) {
    let last = lines.len().saturating_sub(1);
    for at in [0, last] {
        let Some(line) = lines.get_mut(at) else { continue };
        let edge = line.bbox.is_some_and(|bbox| bbox.top > 0.9 || bbox.top + bbox.height < 0.08);
        if edge && (is_page_number(&line.text) || ends_with_page_number(&line.text)) {
            line.role = Role::Furniture;
        }
    }
}

fn word<'a>(cells: &[&'a str]) -> Option<Word<'a>> {
    let text = cells.get(11).map(|text| text.trim()).filter(|text| !text.is_empty())?;
    let number = |at: usize| cells[at].parse::<f32>().ok();
    let place = |at: usize| cells[at].parse::<u32>().unwrap_or(0);
    let confidence = (number(10)? / 100.0).clamp(0.0, 1.0);
    let dirt = !text.chars().any(char::is_alphanumeric) && confidence < SIGN_CONFIDENCE;
    (cells[0] == "5" && !dirt).then_some(Word {
        place: (place(2), place(3), place(4)),
        left: number(6)?,
        top: number(7)?,
        width: number(8)?,
        height: number(9)?,
        confidence,
        text,
    })
}

#[expect(clippy::cast_precision_loss, reason = "the length of a word")]
fn length(text: &str) -> f32 {
    text.chars().count() as f32
}

fn line(words: &[Word<'_>], paragraph: u32, width: f32, height: f32) -> WordLine {
    let placed: Vec<PlacedWord> = words
        .iter()
        .map(|word| PlacedWord {
            text: word.text.to_owned(),
            bbox: BoundingBox {
                left: word.left / width,
                top: word.top / height,
                width: word.width / width,
                height: word.height / height,
            },
            confidence: word.confidence,
        })
        .collect();
    let weight: f32 = words.iter().map(|word| length(word.text)).sum();
    let sum: f32 = words.iter().map(|word| word.confidence * length(word.text)).sum();
    let line = Line {
        text: words.iter().map(|word| word.text).collect::<Vec<_>>().join(" "),
        role: Role::Body,
        paragraph,
        bbox: placed.iter().map(|word| word.bbox).reduce(BoundingBox::union),
        confidence: Some(sum / weight.max(1.0)),
    };
    WordLine { line, words: placed }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n\
        1\t1\t0\t0\t0\t0\t0\t0\t1000\t2000\t-1\t\n\
        4\t1\t1\t1\t1\t0\t100\t200\t400\t20\t-1\t\n\
        5\t1\t1\t1\t1\t1\t100\t200\t100\t20\t90.0\tgood\n\
        5\t1\t1\t1\t1\t2\t250\t200\t250\t20\t50.0\tday\n\
        5\t1\t1\t1\t1\t3\t500\t200\t5\t20\t12.0\t|\n\
        5\t1\t1\t1\t2\t1\t100\t230\t100\t20\t96.0\tsir\n\
        5\t1\t2\t1\t1\t1\t100\t400\t100\t20\t96.0\t\n\
        5\t1\t2\t1\t1\t2\t100\t400\t100\t20\t80.0\tNext\n";

    #[test]
    fn words_become_lines_with_boxes_confidence_and_paragraphs() {
        let page = parse(TABLE);
        let seen: Vec<_> = page.lines.iter().map(|line| (line.text.as_str(), line.paragraph)).collect();
        assert_eq!(seen, [("good day", 1), ("sir", 1), ("Next", 2)]);
        let bbox = page.lines[0].bbox.unwrap();
        for (got, expected) in [(bbox.left, 0.1), (bbox.top, 0.1), (bbox.width, 0.4), (bbox.height, 0.01)] {
            assert!((got - expected).abs() < 1e-5, "{bbox:?}");
        }
        let expected = (0.9 * 4.0 + 0.5 * 3.0) / 7.0;
        assert!((page.lines[0].confidence.unwrap() - expected).abs() < 1e-5);
        assert_eq!(page.words, 4);
        let words: Vec<_> = page.standing[0].words.iter().map(|word| word.text.as_str()).collect();
        assert_eq!(words, ["good", "day"]);
        assert_eq!(page.standing[0].words[1].bbox.left, 0.25);
    }

    #[test]
    fn a_table_of_nothing_is_a_page_of_nothing() {
        assert_eq!(parse(""), Recognised::default());
        assert_eq!(parse("1\t1\t0\t0\t0\t0\t0\t0\t10\t10\t-1\t\n").lines, []);
    }
}
