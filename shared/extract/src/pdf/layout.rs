//! From characters to words, and from words to lines in reading order.
//!
//! Text may run in four directions on one page (a table turned sideways beside upright text). Each direction
//! is laid out in a frame of its own in which it runs from left to right, and mapped back at the end.

use super::columns;
use super::device::Glyph;
use super::lines::{self, RawLine, RawPage, Rect};
use crate::text::push_spelled;
use std::collections::HashMap;

/// A gap of so much of the font's size parts words.
const WORD_GAP: f32 = 0.15;
/// A character may reach back so much of the font's size (kerning, accents) and still belong to the word.
const OVERLAP: f32 = 0.6;

/// A word in its frame: `x` along the line, `base` down the page, in points.
#[derive(Debug, Clone, Default)]
pub(crate) struct Word {
    /// In visual order, from left to right.
    pub text: String,
    pub x0: f32,
    pub x1: f32,
    pub base: f32,
    pub size: f32,
    /// Sum of the areas of its characters in em².
    pub ink: f32,
    /// Whether it holds characters of a script that runs from right to left.
    pub rtl: bool,
}

impl Word {
    pub fn top(&self) -> f32 {
        self.base - 0.75 * self.size
    }

    pub fn bottom(&self) -> f32 {
        self.base + 0.22 * self.size
    }
}

/// Where text runs to, in quarter turns clockwise from "to the right".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Turn(u8);

impl Turn {
    /// `None` for text at a slant: a watermark.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number from 0 to 3")]
    fn of(glyph: &Glyph) -> Option<Self> {
        let (dx, dy) = (glyph.end.x - glyph.start.x, glyph.end.y - glyph.start.y);
        if dx == 0.0 && dy == 0.0 {
            return Some(Self(0));
        }
        let quarters = dy.atan2(dx) / std::f64::consts::FRAC_PI_2;
        ((quarters - quarters.round()).abs() < 0.17).then(|| Self(quarters.round().rem_euclid(4.0) as u8))
    }

    #[expect(clippy::cast_possible_truncation, reason = "points on a page")]
    fn into_frame(self, point: hayro_interpret::kurbo::Point, width: f32, height: f32) -> (f32, f32) {
        let (x, y) = (point.x as f32, point.y as f32);
        match self.0 {
            0 => (x, y),
            1 => (y, width - x),
            2 => (width - x, height - y),
            _ => (height - y, x),
        }
    }

    fn onto_page(self, rect: Rect, width: f32, height: f32) -> Rect {
        let Rect { x0, y0, x1, y1 } = rect;
        match self.0 {
            0 => rect,
            1 => Rect { x0: width - y1, y0: x0, x1: width - y0, y1: x1 },
            2 => Rect { x0: width - x1, y0: height - y1, x1: width - x0, y1: height - y0 },
            _ => Rect { x0: y0, y0: height - x1, x1: y1, y1: height - x0 },
        }
    }
}

/// Lays out a page of the given size in points.
pub(crate) fn lay_out(glyphs: &[Glyph], width: f32, height: f32) -> RawPage {
    let mut turns: HashMap<Turn, Vec<&Glyph>> = HashMap::new();
    for glyph in glyphs {
        if let Some(turn) = Turn::of(glyph) {
            turns.entry(turn).or_default().push(glyph);
        }
    }
    let mut turns: Vec<_> = turns.into_iter().collect();
    // What most of the text does comes first; a stamp along the margin after it.
    turns.sort_by_key(|(turn, glyphs)| (std::cmp::Reverse(glyphs.len()), *turn));
    let mut page = RawPage { width, height, ..RawPage::default() };
    for (turn, glyphs) in turns {
        let words = words_of(&glyphs, turn, width, height, &mut page.ink);
        let sideways = turn.0 % 2 == 1;
        for column in blocks(words, if sideways { width } else { height }) {
            let block = page.blocks;
            page.blocks += 1;
            let made = lines::make(column).into_iter().map(|line| RawLine {
                rect: turn.onto_page(line.frame, width, height),
                upright: turn.0 == 0,
                block,
                ..line
            });
            page.lines.extend(made);
        }
    }
    page
}

/// What stands apart at the very top and bottom of a page belongs to no column: it comes first and last.
fn blocks(words: Vec<Word>, height: f32) -> Vec<Vec<Word>> {
    let (head, rest): (Vec<Word>, Vec<Word>) = words.into_iter().partition(|word| word.base < 0.08 * height);
    let (foot, body): (Vec<Word>, Vec<Word>) = rest.into_iter().partition(|word| word.base > 0.93 * height);
    let lowest = |words: &[Word]| words.iter().map(Word::bottom).fold(f32::NEG_INFINITY, f32::max);
    let highest = |words: &[Word]| words.iter().map(Word::top).fold(f32::INFINITY, f32::min);
    let apart = |above: &[Word], below: &[Word]| {
        let size = above.first().or(below.first()).map_or(10.0, |word| word.size);
        highest(below) - lowest(above) > 0.5 * size
    };
    let (mut before, mut main, mut after) = (Vec::new(), body, Vec::new());
    if apart(&head, &main) {
        before.push(head)
    } else {
        main.extend(head)
    }
    if apart(&main, &foot) {
        after.push(foot)
    } else {
        main.extend(foot)
    }
    before.extend(columns::in_reading_order(main));
    before.extend(after);
    before.retain(|block| !block.is_empty());
    before
}

fn words_of(
    glyphs: &[&Glyph],
    turn: Turn,
    width: f32,
    height: f32,
    ink: &mut HashMap<char, (f32, u32)>,
) -> Vec<Word> {
    let mut words = Vec::new();
    let mut open: Option<Word> = None;
    for glyph in glyphs {
        let (x0, base) = turn.into_frame(glyph.start, width, height);
        let (x1, _) = turn.into_frame(glyph.end, width, height);
        let place = Place { x0: x0.min(x1), x1: x0.max(x1), base };
        let text = spelled(&glyph.text);
        if text.is_empty() {
            words.extend(open.take());
            continue;
        }
        if let Some(first) = text.chars().next() {
            let known = ink.entry(first).or_default();
            *known = (known.0 + glyph.ink, known.1 + 1);
        }
        let rtl = text.chars().any(is_rtl);
        match open.as_mut().and_then(|word| side(word, place, glyph.size, rtl).map(|side| (word, side))) {
            Some((word, Side::After)) => word.text.push_str(&text),
            Some((word, Side::Before)) => word.text.insert_str(0, &text),
            None => {
                words.extend(open.take());
                open = Some(Word {
                    text,
                    base,
                    size: glyph.size,
                    x0: place.x0,
                    x1: place.x1,
                    ..Word::default()
                });
            }
        }
        if let Some(word) = &mut open {
            word.x0 = word.x0.min(place.x0);
            word.x1 = word.x1.max(place.x1);
            word.ink += glyph.ink;
            word.rtl |= rtl;
        }
    }
    words.extend(open);
    words
}

#[derive(Clone, Copy)]
struct Place {
    x0: f32,
    x1: f32,
    base: f32,
}

enum Side {
    Before,
    After,
}

/// On which side of a word a character belongs to it, if it does.
fn side(word: &Word, at: Place, size: f32, rtl: bool) -> Option<Side> {
    let same_line =
        (at.base - word.base).abs() < 0.2 * word.size && (size - word.size).abs() < 0.35 * word.size;
    if !same_line {
        return None;
    }
    let near = |gap: f32| gap < WORD_GAP * word.size && gap > -OVERLAP * word.size;
    let (after, before) = (at.x0 - word.x1, word.x0 - at.x1);
    let to_the_left = rtl && word.rtl && near(before) && before.abs() < after.abs();
    if to_the_left {
        Some(Side::Before)
    } else if near(after) {
        Some(Side::After)
    } else {
        None
    }
}

/// What a character says, without what cannot be seen; empty for white space.
fn spelled(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars().filter(|c| !c.is_whitespace() && !c.is_control()) {
        push_spelled(&mut out, character);
    }
    out
}

/// Hebrew, Arabic and their kin.
pub(crate) fn is_rtl(character: char) -> bool {
    matches!(character, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{10800}'..='\u{10fff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use hayro_interpret::kurbo::Point;

    /// Sets text from a point, `step` points to a character, in the direction of `(dx, dy)`.
    pub(crate) fn set(text: &str, x: f64, y: f64, step: f64, (dx, dy): (f64, f64)) -> Vec<Glyph> {
        text.chars()
            .enumerate()
            .map(|(index, character)| {
                #[expect(clippy::cast_precision_loss, reason = "short texts")]
                let along = index as f64 * step;
                Glyph {
                    text: character.to_string(),
                    start: Point::new(x + along * dx, y + along * dy),
                    end: Point::new(x + (along + step) * dx, y + (along + step) * dy),
                    size: 10.0,
                    ink: 0.1,
                }
            })
            .collect()
    }

    fn texts(glyphs: &[Glyph]) -> Vec<String> {
        lay_out(glyphs, 600.0, 800.0).lines.into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn lines_come_from_top_to_bottom_whatever_the_order_of_painting() {
        let mut glyphs = set("second line", 50.0, 120.0, 5.0, (1.0, 0.0));
        glyphs.extend(set("first line", 50.0, 100.0, 5.0, (1.0, 0.0)));
        assert_eq!(texts(&glyphs), ["first line", "second line"]);
    }

    #[test]
    fn gaps_without_a_space_part_words() {
        let mut glyphs = set("two", 50.0, 100.0, 5.0, (1.0, 0.0));
        glyphs.extend(set("words", 68.0, 100.0, 5.0, (1.0, 0.0)));
        assert_eq!(texts(&glyphs), ["two words"]);
    }

    #[test]
    fn turned_text_is_read_and_put_where_it_stands() {
        let page = lay_out(&set("sideways", 100.0, 700.0, 5.0, (0.0, -1.0)), 600.0, 800.0);
        assert_eq!(page.lines[0].text, "sideways");
        let rect = page.lines[0].rect;
        assert!(
            rect.x0 < 100.0
                && rect.x1 > 100.0
                && (rect.y0 - 660.0).abs() < 0.1
                && (rect.y1 - 700.0).abs() < 0.1,
            "{rect:?}"
        );
    }

    #[test]
    fn hebrew_is_read_from_right_to_left_whichever_way_it_was_painted() {
        let logical = "\u{5e9}\u{5dc}\u{5d5}\u{5dd} 12 \u{5e2}\u{5d5}\u{5dc}\u{5dd}";
        // As seen from left to right: the words in reverse, their letters too, the number as it is.
        let seen = "\u{5dd}\u{5dc}\u{5d5}\u{5e2} 12 \u{5dd}\u{5d5}\u{5dc}\u{5e9}";
        assert_eq!(texts(&set(seen, 50.0, 100.0, 5.0, (1.0, 0.0))), [logical]);
    }

    #[test]
    fn two_columns_are_read_one_after_the_other_below_a_common_heading() {
        let mut glyphs = set(
            "A heading that runs over the whole width of both of the columns here",
            50.0,
            80.0,
            5.0,
            (1.0, 0.0),
        );
        for row in 0..8 {
            let y = 110.0 + 12.0 * f64::from(row);
            glyphs.extend(set(&format!("left column row {row} is full of words"), 50.0, y, 5.0, (1.0, 0.0)));
            glyphs.extend(set(&format!("right column row {row} is full of them"), 270.0, y, 5.0, (1.0, 0.0)));
        }
        let texts = texts(&glyphs);
        assert!(texts[0].starts_with("A heading"));
        assert!(texts[1..9].iter().all(|text| text.starts_with("left")), "{texts:?}");
        assert!(texts[9..].iter().all(|text| text.starts_with("right")), "{texts:?}");
    }

    #[test]
    fn the_rows_of_a_table_stay_rows() {
        let mut glyphs = Vec::new();
        for (row, (name, price)) in
            [("Bolt", "1.20"), ("Nut", "0.40"), ("Washer", "0.10"), ("Nail", "0.05"), ("Hook", "0.90")]
                .iter()
                .enumerate()
        {
            #[expect(clippy::cast_precision_loss, reason = "five rows")]
            let y = 100.0 + 14.0 * row as f64;
            glyphs.extend(set(name, 50.0, y, 5.0, (1.0, 0.0)));
            glyphs.extend(set(price, 250.0, y, 5.0, (1.0, 0.0)));
        }
        assert_eq!(texts(&glyphs)[0], "Bolt | 1.20");
        assert!(lay_out(&glyphs, 600.0, 800.0).lines.iter().all(|line| line.row));
    }

    #[test]
    fn cells_of_several_words_do_not_make_a_column_of_text() {
        let tasks = [
            ("Empty paper baskets and bins", "all rooms", "each visit"),
            ("Vacuum carpets in corridors", "ground to second floor", "each visit"),
            ("Clean washrooms, refill soap and towels", "all washrooms", "each visit"),
            ("Descale kettles", "kitchens 0.07 and 1.07", "first Monday"),
            ("Clean windows from inside", "all floors", "April and October"),
            ("Wash glass doors at reception", "ground floor", "each visit"),
        ];
        let mut glyphs = Vec::new();
        for (row, cells) in tasks.iter().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "six rows")]
            let y = 100.0 + 18.0 * row as f64;
            for (cell, x) in [cells.0, cells.1, cells.2].into_iter().zip([50.0, 280.0, 430.0]) {
                glyphs.extend(set(cell, x, y, 5.0, (1.0, 0.0)));
            }
        }
        assert_eq!(texts(&glyphs)[1], "Vacuum carpets in corridors | ground to second floor | each visit");
    }
}
