//! Lines → blocks: paragraphs (also over a page break), items, rows, quotes, headings.

use super::vocabulary::Vocabulary;
use super::{Kind, aside};
use crate::dates;
use crate::words::{count_words, unspaced};
use domain::text::{Line, Origin, Page, Pages, Role};

/// Lines joined to one text, with the place of each.
pub(super) struct Block<'a> {
    /// What it is: the reader's word, or what its first line shows.
    pub role: Role,
    /// Set for what stands beside the matter.
    pub aside: Option<Kind>,
    pub page: u32,
    pub text: String,
    /// Where a line begins in the text, its page, the line.
    pub lines: Vec<(usize, u32, &'a Line)>,
    paragraph: u32,
    /// Characters of its widest line.
    widest: usize,
    /// The role that its lines came with.
    read_as: Role,
}

impl<'a> Block<'a> {
    fn new(line: &'a Line, aside: Option<Kind>, page: u32, text: &str) -> Self {
        let bullet = if line.role == Role::Body { without_bullet(text) } else { None };
        Self {
            role: if bullet.is_some() { Role::Item } else { line.role },
            aside,
            page,
            text: bullet.unwrap_or(text).to_owned(),
            lines: vec![(0, page, line)],
            paragraph: line.paragraph,
            widest: text.chars().count(),
            read_as: line.role,
        }
    }
}

/// The blocks of the matter in reading order, and those that stand beside it.
pub(super) fn blocks(pages: &Pages) -> (Vec<Block<'_>>, Vec<Block<'_>>) {
    let vocabulary = Vocabulary::new(pages);
    let kinds = aside::kinds(pages);
    let (mut out, mut beside): (Vec<Block>, Vec<Block>) = (Vec::new(), Vec::new());
    // Where the running text of the last page stopped, so that the next page may go on with it.
    let mut open: Option<usize> = None;
    for (page, kinds) in pages.pages.iter().zip(&kinds).filter(|(page, _)| page.origin != Origin::Unread) {
        let width = usual_width(page);
        let mut first = true;
        // Whether something stands between this line and the last one of the matter.
        let mut parted = false;
        for (line, kind) in page.lines.iter().zip(kinds) {
            let text = clean(&line.text);
            if text.is_empty() {
                continue;
            }
            if let Some(kind) = kind {
                parted |= *kind != Kind::Furniture;
                set_aside(&mut beside, *kind, line, page, &text, &vocabulary);
                continue;
            }
            let joins = !std::mem::take(&mut parted)
                && out.last().is_some_and(|last| {
                    belongs(last, line, page)
                        && !(line.role == Role::Body && stands_alone(last, &text, width))
                });
            if joins {
                let last = out.len() - 1;
                append(&mut out[last], page.number, line, &text, &vocabulary);
            } else if let Some(at) =
                open.filter(|_| first).filter(|&at| continues(&out[at], line, page, &text))
            {
                append(&mut out[at], page.number, line, &text, &vocabulary);
                // The rest of this paragraph on the new page goes on in the same block.
                out[at].page = page.number;
                out[at].paragraph = line.paragraph;
            } else {
                out.push(Block::new(line, None, page.number, &text));
            }
            first = false;
        }
        open = out.len().checked_sub(1);
    }
    find_headings(&mut out);
    (out, beside)
}

fn set_aside<'a>(
    beside: &mut Vec<Block<'a>>,
    kind: Kind,
    line: &'a Line,
    page: &Page,
    text: &str,
    vocabulary: &Vocabulary,
) {
    match beside.last_mut().filter(|last| last.aside == Some(kind) && belongs(last, line, page)) {
        Some(last) => append(last, page.number, line, text, vocabulary),
        None => beside.push(Block::new(line, Some(kind), page.number, text)),
    }
}

/// Whether a line is of the same paragraph as a block, as its reader says.
fn belongs(last: &Block, line: &Line, page: &Page) -> bool {
    last.page == page.number
        && last.paragraph == line.paragraph
        && last.read_as == line.role
        && line.role != Role::Row
}

/// Characters that three quarters of a page's lines of running text stay within.
fn usual_width(page: &Page) -> usize {
    let body = page.lines.iter().filter(|line| line.role == Role::Body);
    let mut widths: Vec<usize> = body.map(|line| line.text.chars().count()).collect();
    widths.sort_unstable();
    widths.get(widths.len() * 3 / 4).copied().unwrap_or(0)
}

/// Whether a line of running text, though in one paragraph with the line above, begins something of its own: it
/// begins with a bullet, or the line above ended so early that its writer wanted the line to end there, as under a
/// heading without a full stop, in an address, in verse.
fn stands_alone(last: &Block, text: &str, width: usize) -> bool {
    if without_bullet(text).is_some() {
        return true;
    }
    let above = &last.text[last.lines.last().map_or(0, |line| line.0)..];
    let widest = last.widest.max(width);
    let word = text.split(' ').next().unwrap_or("").chars().count();
    let early = widest >= NARROW && (above.chars().count() + 1 + word) * 10 <= widest * 6;
    let goes_on = above.ends_with([',', ';', '-', '–', '—', '(', '&', '/']) || ends_openly(above);
    early && !goes_on && text.starts_with(|c: char| c.is_uppercase() || c.is_numeric())
}

/// Where lines are shorter than this, none is short.
const NARROW: usize = 40;

/// Whether a line ends in a word that a sentence cannot end in.
fn ends_openly(line: &str) -> bool {
    let last = line.rsplit(' ').next().unwrap_or("").to_lowercase();
    [
        "the", "a", "an", "of", "to", "and", "or", "in", "on", "at", "by", "for", "with", "from", "der",
        "die", "das", "und", "von", "mit", "für", "im", "am", "de", "du", "la", "le", "les", "et", "des",
        "el", "y", "del", "mr.", "mrs.", "ms.", "dr.", "no.",
    ]
    .contains(&last.as_str())
}

/// The text after a bullet.
fn without_bullet(text: &str) -> Option<&str> {
    let rest = text.strip_prefix(['•', '▪', '●', '◦', '‣', '■', '⁃', '➢', '\u{f0b7}'])?.trim_start();
    (!rest.is_empty()).then_some(rest)
}

/// Where no reader told headings, as in recognised text: a short line alone in its paragraph, without a stop, over
/// a paragraph of running text. One alone may be anything, so there must be two.
fn find_headings(blocks: &mut [Block]) {
    if blocks.iter().any(|block| matches!(block.role, Role::Heading(_))) {
        return;
    }
    let prose = |block: &Block| block.role == Role::Body && count_words(&block.text) >= PROSE;
    let found: Vec<usize> = (0..blocks.len().saturating_sub(1))
        .filter(|&at| {
            is_heading(&blocks[at]) && blocks[at + 1].page == blocks[at].page && prose(&blocks[at + 1])
        })
        .collect();
    if found.len() >= 2 {
        found.into_iter().for_each(|at| blocks[at].role = Role::Heading(2));
    }
}

/// Words of a paragraph that a heading stands over, and of a heading.
const PROSE: usize = 12;
const HEADING: usize = 8;

fn is_heading(block: &Block) -> bool {
    let text = block.text.as_str();
    let begins = text.chars().next().is_some_and(|c| c.is_uppercase() || c.is_ascii_digit());
    let words = count_words(text);
    block.role == Role::Body
        && block.lines.len() == 1
        && begins
        && (1..=HEADING).contains(&words)
        && text.chars().filter(|c| c.is_alphabetic()).count() >= 3
        && !text.ends_with(['.', ',', ';', ':', '!', '?', ')', '"', '”'])
        && !text.contains(['@', '|'])
        && dates::dates(text, None).is_empty()
}

/// Whether a page's first line goes on with the paragraph in which the page before stopped.
fn continues(block: &Block, line: &Line, page: &Page, text: &str) -> bool {
    let flowing = |role| matches!(role, Role::Body | Role::Item);
    let neighbour = block.page + 1 == page.number && page.attachment.is_none();
    let same = block.role == line.role || block.role == Role::Item && line.role == Role::Body;
    if !(neighbour && same && flowing(block.role)) {
        return false;
    }
    let end = block.text.trim_end_matches(|c: char| "\"'”’)]".contains(c));
    if end.ends_with(['.', '!', '?', ':', '。', '！', '？']) {
        return false;
    }
    let lower = text.chars().find(|c| c.is_alphanumeric()).is_some_and(|c| !c.is_uppercase());
    lower || end.ends_with([',', ';', '-']) || block.text.chars().count() > 60
}

fn append<'a>(block: &mut Block<'a>, page: u32, line: &'a Line, text: &str, vocabulary: &Vocabulary) {
    let next = text.chars().next().unwrap_or(' ');
    let last = block.text.chars().next_back().unwrap_or(' ');
    if matches!(last, '-' | '\u{2010}') && next.is_alphanumeric() && hyphenated(&block.text) {
        if vocabulary.drops_hyphen(&block.text, text) {
            block.text.pop();
        }
    } else if !(unspaced(last) && unspaced(next)) {
        block.text.push(' ');
    }
    block.lines.push((block.text.len(), page, line));
    block.widest = block.widest.max(text.chars().count());
    block.text.push_str(text);
}

/// Whether the hyphen at the end hangs on a word (and is no dash).
fn hyphenated(text: &str) -> bool {
    text.chars().rev().nth(1).is_some_and(char::is_alphanumeric)
}

/// White space as single spaces; soft hyphens, byte order marks and control characters taken out.
fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.trim().chars() {
        if c.is_whitespace() {
            if !out.ends_with(' ') {
                out.push(' ');
            }
        } else if !(c.is_control() || matches!(c, '\u{ad}' | '\u{feff}' | '\u{200b}' | '\u{fffd}')) {
            out.push(c);
        }
    }
    out.truncate(out.trim_end().len());
    out
}
