//! The lines of one column.

use super::layout::{Word, is_rtl};
use std::collections::HashMap;
use unicode_bidi::{BidiInfo, Level};

/// A rectangle in points.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Rect {
    pub x0: f32,
    pub y0: f32,
    pub x1: f32,
    pub y1: f32,
}

/// A line before anything is known of the rest of the document.
#[derive(Debug, Clone, Default)]
pub(crate) struct RawLine {
    pub text: String,
    /// Where it stands in the frame of its direction.
    pub frame: Rect,
    /// Where it stands on the page.
    pub rect: Rect,
    pub base: f32,
    pub size: f32,
    /// Area of its characters in em².
    pub ink: f32,
    /// Whether it is a row of a table, its cells joined by `" | "`.
    pub row: bool,
    /// Whether the text runs as the page stands.
    pub upright: bool,
    /// Lines of one column share this number.
    pub block: u32,
}

/// A page before anything is known of the rest of the document.
#[derive(Debug, Clone, Default)]
pub(crate) struct RawPage {
    /// Counted from 1.
    pub number: u32,
    pub width: f32,
    pub height: f32,
    pub lines: Vec<RawLine>,
    pub blocks: u32,
    /// For each character the sum of its areas in em², and how often it was seen.
    pub ink: HashMap<char, (f32, u32)>,
}

/// A gap of so many font sizes parts cells.
const CELL_GAP: f32 = 1.8;
/// A gap of so many parts cells too, where the row above or below has one at the same place.
const NARROW_GAP: f32 = 0.8;

struct Row {
    words: Vec<Word>,
    top: f32,
    bottom: f32,
}

struct Cell {
    text: String,
    x0: f32,
    x1: f32,
}

/// Makes lines of the words of one column, from top to bottom.
pub(crate) fn make(words: Vec<Word>) -> Vec<RawLine> {
    let rows = rows(words);
    let mut cells: Vec<Vec<Cell>> = rows.iter().map(|row| cells_of(&row.words, CELL_GAP)).collect();
    part_narrow_cells(&rows, &mut cells);
    let table = table_rows(&rows, &cells);
    rows.iter().zip(cells).zip(table).map(|((row, cells), is_row)| line(row, &cells, is_row)).collect()
}

fn line(row: &Row, cells: &[Cell], is_row: bool) -> RawLine {
    let separator = if is_row { " | " } else { " " };
    let text = cells.iter().map(|cell| cell.text.as_str()).collect::<Vec<_>>().join(separator);
    // The size that most of its characters have: a footnote mark does not make a line small.
    let mut sizes: Vec<(f32, usize)> = row.words.iter().map(|word| (word.size, word.text.len())).collect();
    sizes.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = sizes.iter().map(|(_, length)| length).sum::<usize>() / 2;
    let mut passed = 0;
    let size = sizes.iter().find(|(_, length)| {
        passed += length;
        passed > half
    });
    let size = size.or(sizes.last()).map_or(0.0, |(size, _)| *size);
    let main = row.words.iter().find(|word| (word.size - size).abs() < 0.01);
    RawLine {
        text: crate::text::clean(&text.replace('\u{fffd}', "")),
        frame: Rect {
            x0: row.words.iter().map(|word| word.x0).fold(f32::INFINITY, f32::min),
            y0: row.top,
            x1: row.words.iter().map(|word| word.x1).fold(f32::NEG_INFINITY, f32::max),
            y1: row.bottom,
        },
        base: main.map_or(row.bottom, |word| word.base),
        size,
        ink: row.words.iter().map(|word| word.ink).sum(),
        row: is_row,
        ..RawLine::default()
    }
}

/// Words that overlap in height by half stand in one row, so that raised and lowered ones stay with theirs.
fn rows(mut words: Vec<Word>) -> Vec<Row> {
    words.sort_by(|a, b| a.base.total_cmp(&b.base));
    let mut rows: Vec<Row> = Vec::new();
    for word in words {
        let (top, bottom) = (word.top(), word.bottom());
        let fits = rows.last().is_some_and(|row| {
            let shared = row.bottom.min(bottom) - row.top.max(top);
            shared >= 0.5 * (row.bottom - row.top).min(bottom - top)
        });
        match rows.last_mut() {
            Some(row) if fits => {
                // A large initial must not draw the lines beside it together: the row keeps its height.
                if bottom - top < 2.0 * (row.bottom - row.top) {
                    row.top = row.top.min(top);
                    row.bottom = row.bottom.max(bottom);
                }
                row.words.push(word);
            }
            _ => rows.push(Row { words: vec![word], top, bottom }),
        }
    }
    for row in &mut rows {
        row.words.sort_by(|a, b| a.x0.total_cmp(&b.x0));
    }
    rows
}

fn cells_of(words: &[Word], gap: f32) -> Vec<Cell> {
    let mut cells: Vec<(Vec<&Word>, f32)> = Vec::new();
    for word in words {
        match cells.last_mut() {
            Some((cell, end)) if word.x0 - *end < gap * word.size => {
                cell.push(word);
                *end = end.max(word.x1);
            }
            _ => cells.push((vec![word], word.x1)),
        }
    }
    let mut cells: Vec<Cell> = cells
        .into_iter()
        .map(|(words, x1)| Cell { text: logical(&join(&words)), x0: words[0].x0, x1 })
        .collect();
    if words.iter().filter(|word| word.rtl).count() * 2 > words.len() {
        cells.reverse();
    }
    cells
}

/// Words side by side; a raised mark or a part in another size touches its word.
fn join(words: &[&Word]) -> String {
    let mut text = String::new();
    let mut last: Option<&Word> = None;
    for word in words {
        if let Some(last) = last
            && !touches(last, word)
        {
            text.push(' ');
        }
        text.push_str(&word.text);
        last = Some(word);
    }
    text
}

/// Whether two words are one, split by a change of size or height (drop caps, H₂O). Words on one baseline
/// in one size were parted by a space.
fn touches(left: &Word, right: &Word) -> bool {
    let changed = (left.size - right.size).abs() > 0.05 * left.size
        || (left.base - right.base).abs() > 0.05 * left.size;
    changed && right.x0 - left.x1 < 0.08 * left.size.max(right.size)
}

/// From the order on the page to the order of reading.
fn logical(visual: &str) -> String {
    let rtl = visual.chars().filter(|c| is_rtl(*c)).count();
    if rtl == 0 {
        return visual.to_owned();
    }
    let ltr = visual.chars().filter(|c| c.is_alphabetic()).count()
        - rtl.min(visual.chars().filter(|c| c.is_alphabetic()).count());
    let level = if rtl >= ltr { Level::rtl() } else { Level::ltr() };
    let info = BidiInfo::new(visual, Some(level));
    info.paragraphs
        .iter()
        .map(|paragraph| info.reorder_line(paragraph, paragraph.range.clone()).into_owned())
        .collect()
}

/// A row whose cells nearly touch is parted like the row beside it.
fn part_narrow_cells(rows: &[Row], cells: &mut [Vec<Cell>]) {
    for at in 0..rows.len() {
        let narrow = cells_of(&rows[at].words, NARROW_GAP);
        let beside = [at.checked_sub(1), Some(at + 1)];
        let fits = beside.into_iter().flatten().filter_map(|other| cells.get(other)).any(|other| {
            narrow.len() > cells[at].len()
                && narrow.len() == other.len()
                && narrow.iter().zip(other).all(|(a, b)| same_place(a, b))
        });
        if fits {
            cells[at] = narrow;
        }
    }
}

/// Whether two cells begin, end or have their middles at the same place.
fn same_place(a: &Cell, b: &Cell) -> bool {
    let close = |a: f32, b: f32| (a - b).abs() < 4.0;
    close(a.x0, b.x0) || close(a.x1, b.x1) || close(a.x0 + a.x1, b.x0 + b.x1)
}

/// Which rows belong to a table: at least two in sequence with cells that begin or end at the same places.
fn table_rows(rows: &[Row], cells: &[Vec<Cell>]) -> Vec<bool> {
    let mut table = vec![false; rows.len()];
    for index in 1..rows.len() {
        let near = rows[index].top - rows[index - 1].bottom < 3.0 * (rows[index].bottom - rows[index].top);
        if near && aligned(&cells[index - 1], &cells[index]) {
            table[index - 1] = true;
            table[index] = true;
        }
    }
    table
}

fn aligned(above: &[Cell], below: &[Cell]) -> bool {
    let shared =
        || below.iter().skip(1).any(|cell| above.iter().skip(1).any(|other| same_place(cell, other)));
    above.len() > 1 && below.len() > 1 && shared()
}
