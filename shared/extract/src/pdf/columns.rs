//! Columns of text, told from the columns of a table.
//!
//! A gutter is a place across which no text runs in many rows while both sides have text. If both sides look
//! like running text (long lines that mostly fill their column), the sides are read one after the other; the
//! cells of a table are short and ragged, and its rows are read across. Rows that run across the gutter
//! (headings) end one stretch of columns and begin another.

use super::layout::{Word, is_rtl};

/// Rows with text on both sides that make a gutter believable.
const MIN_ROWS: usize = 4;
/// Running text fills its column: half of its lines at least so far. The first column of a table does not.
const FILL: f32 = 0.75;
/// Words below which a part of a page is not split.
const MIN_WORDS: usize = 16;
/// Columns within columns within columns.
const MAX_DEPTH: u8 = 4;

struct Row {
    base: f32,
    words: Vec<Word>,
    /// Wide gaps between its words.
    gaps: Vec<(f32, f32)>,
}

/// The blocks of a page in reading order; each is one column of lines.
pub(crate) fn in_reading_order(words: Vec<Word>) -> Vec<Vec<Word>> {
    let mut out = Vec::new();
    split(words, 0, &mut out);
    out.retain(|block| !block.is_empty());
    out
}

fn split(words: Vec<Word>, depth: u8, out: &mut Vec<Vec<Word>>) {
    if words.len() < MIN_WORDS || depth >= MAX_DEPTH {
        return out.push(words);
    }
    let em = median(words.iter().map(|word| word.size).collect());
    let rows = rows(words, em);
    let Some(gutter) = find_gutter(&rows, em) else {
        return out.push(rows.into_iter().flat_map(|row| row.words).collect());
    };
    let mut plain: Vec<Word> = Vec::new();
    for stretch in stretches(rows, gutter) {
        if !stretch.divided || !are_columns(&stretch.rows, gutter) {
            plain.extend(stretch.rows.into_iter().flat_map(|row| row.words));
            continue;
        }
        out.push(std::mem::take(&mut plain));
        let all = stretch.rows.into_iter().flat_map(|row| row.words);
        let (left, right): (Vec<Word>, Vec<Word>) = all.partition(|word| middle(word) < gutter);
        let from_the_right =
            left.iter().chain(&right).filter(|word| word.rtl).count() * 2 > left.len() + right.len();
        let (first, second) = if from_the_right { (right, left) } else { (left, right) };
        split(first, depth + 1, out);
        split(second, depth + 1, out);
    }
    out.push(plain);
}

fn middle(word: &Word) -> f32 {
    (word.x0 + word.x1) / 2.0
}

/// Rows loosely: the lines of two columns need not stand on one baseline.
fn rows(mut words: Vec<Word>, em: f32) -> Vec<Row> {
    words.sort_by(|a, b| a.base.total_cmp(&b.base));
    let mut rows: Vec<Row> = Vec::new();
    for word in words {
        match rows.last_mut() {
            Some(row) if word.base - row.base <= 0.6 * em => row.words.push(word),
            _ => rows.push(Row { base: word.base, words: vec![word], gaps: Vec::new() }),
        }
    }
    for row in &mut rows {
        row.words.sort_by(|a, b| a.x0.total_cmp(&b.x0));
        let mut end = f32::NEG_INFINITY;
        for word in &row.words {
            if end.is_finite() && word.x0 - end >= 0.9 * em {
                row.gaps.push((end, word.x0));
            }
            end = end.max(word.x1);
        }
    }
    rows
}

/// The place that most rows leave free, if enough do.
fn find_gutter(rows: &[Row], em: f32) -> Option<f32> {
    let mut candidates: Vec<f32> =
        rows.iter().flat_map(|row| row.gaps.iter().map(|gap| gap.1 - 0.2 * em)).collect();
    candidates.sort_by(f32::total_cmp);
    candidates.dedup_by(|a, b| (*a - *b).abs() < 0.3 * em);
    candidates
        .into_iter()
        .take(300)
        .map(|x| (rows.iter().filter(|row| row.gaps.iter().any(|gap| gap.0 <= x && x <= gap.1)).count(), x))
        .max_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)))
        .filter(|(count, _)| *count >= MIN_ROWS)
        .map(|(_, x)| x)
}

struct Stretch {
    divided: bool,
    rows: Vec<Row>,
}

/// Runs of rows that leave the gutter free, and runs of rows that do not.
fn stretches(rows: Vec<Row>, gutter: f32) -> Vec<Stretch> {
    let mut out: Vec<Stretch> = Vec::new();
    for row in rows {
        let both = row.gaps.iter().any(|gap| gap.0 <= gutter && gutter <= gap.1);
        let one_side =
            row.words.iter().all(|word| word.x1 <= gutter) || row.words.iter().all(|word| word.x0 >= gutter);
        let divided = both || one_side;
        match out.last_mut() {
            Some(stretch) if stretch.divided == divided => stretch.rows.push(row),
            _ => out.push(Stretch { divided, rows: vec![row] }),
        }
    }
    out
}

/// Whether both sides of the gutter are running text.
fn are_columns(rows: &[Row], gutter: f32) -> bool {
    let both =
        rows.iter().filter(|row| row.gaps.iter().any(|gap| gap.0 <= gutter && gutter <= gap.1)).count();
    both >= MIN_ROWS - 1 && [true, false].into_iter().all(|left| is_running(rows, gutter, left))
}

#[expect(clippy::cast_precision_loss, reason = "lengths of lines")]
fn is_running(rows: &[Row], gutter: f32, left: bool) -> bool {
    let (mut widths, mut characters) = (Vec::new(), 0_usize);
    let (mut from, mut to) = (f32::INFINITY, f32::NEG_INFINITY);
    for row in rows {
        let side: Vec<&Word> = row.words.iter().filter(|word| (middle(word) < gutter) == left).collect();
        if let (Some(first), Some(last)) = (side.first(), side.last()) {
            widths.push(last.x1 - first.x0);
            from = from.min(first.x0);
            to = to.max(last.x1);
            characters += side.iter().map(|word| word.text.chars().count() + 1).sum::<usize>();
        }
    }
    if widths.len() < MIN_ROWS - 1 {
        return false;
    }
    let long = characters as f32 / widths.len() as f32 >= 16.0;
    let rtl = rows.iter().any(|row| row.words.iter().any(|word| word.text.chars().any(is_rtl)));
    long && (rtl || median(widths) >= FILL * (to - from))
}

/// The middle value; 0 of none.
pub(crate) fn median(mut values: Vec<f32>) -> f32 {
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
