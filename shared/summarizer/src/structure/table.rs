//! Tables: which row names the columns, and a row as a sentence.

use super::blocks::Block;
use crate::dates;
use crate::words::count_words;
use domain::text::Role;

/// A cell of so many words needs no name to be understood.
const PROSE: usize = 4;

/// For each block that is a row of a table with a header the index of that header: the first of at least
/// three rows of three cells or more, if it has names in all its cells and no figures but those of a date
/// ("From 1 March") over what are no dates.
pub(super) fn headers(blocks: &[Block]) -> Vec<Option<usize>> {
    let mut out = vec![None; blocks.len()];
    let width = |at: usize| cells(&blocks[at].text).count();
    let mut start = 0;
    while start < blocks.len() {
        let mut end = start;
        while end < blocks.len() && blocks[end].role == Role::Row && width(end) == width(start) {
            end += 1;
        }
        if end >= start + 3 && width(start) >= 3 && names(&blocks[start].text, &blocks[start + 1].text) {
            out[start..end].fill(Some(start));
        }
        start = end.max(start + 1);
    }
    out
}

/// Whether a row names what stands in the row below it.
fn names(row: &str, below: &str) -> bool {
    let dated = |cell: &str| !dates::dates(cell, None).is_empty();
    cells(row).zip(cells(below)).skip(1).all(|(cell, below)| {
        let figures = cell.chars().any(|c| c.is_ascii_digit());
        cell.chars().any(char::is_alphabetic) && (!figures || dated(cell) && !dated(below))
    })
}

/// The cells of a row; the first may be empty.
fn cells(row: &str) -> impl Iterator<Item = &str> {
    row.split('|').map(str::trim)
}

/// Cells as a reader would say them: "Garage: EUR 120", or with a header "Roof, Cost: EUR 900; Due: May" and,
/// where a cell explains itself, "Ann: Write to all groups; By when: 12 February".
pub(super) fn row_text(raw: &str, header: Option<&str>) -> String {
    let Some(header) = header else {
        let cells: Vec<&str> = cells(raw).filter(|cell| !cell.is_empty()).collect();
        return match cells[..] {
            [name, value] if !name.ends_with([':', '.']) => format!("{name}: {value}"),
            _ => cells.join(", "),
        };
    };
    let mut out = String::new();
    for (at, (cell, name)) in cells(raw).zip(cells(header)).enumerate() {
        if !cell.chars().any(char::is_alphanumeric) {
            continue;
        }
        let prose = count_words(cell) >= PROSE;
        if !out.is_empty() {
            out.push_str(if at > 1 {
                "; "
            } else if prose {
                ": "
            } else {
                ", "
            });
        }
        if at > 0 && !prose {
            out.push_str(name.trim_end_matches(':'));
            out.push_str(": ");
        }
        out.push_str(cell);
    }
    out
}
