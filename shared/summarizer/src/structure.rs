//! Pages → blocks → sentences that remember where they stand.
//!
//! A block is a paragraph (its lines joined, also over a page break), a list item, a table row, a quote
//! or a heading. Sentences never cross blocks. Furniture and code are left out: they are read and
//! counted, but nobody wants them in a summary.

mod table;

use crate::dates;
use crate::segment;
use crate::words::{self, count_words, unspaced};
use domain::text::{BoundingBox, Line, Origin, Page, Pages, Role};
use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

/// A sentence's share of one page.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Part {
    pub page: u32,
    /// The source's own words on that page, line breaks as spaces.
    pub text: String,
    pub bbox: Option<BoundingBox>,
    pub confidence: Option<f32>,
}

/// What a sentence stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Body,
    Item,
    Row,
    Quote,
}

/// A sentence and its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sentence {
    /// For readers: one line, table cells separated by commas.
    pub text: String,
    pub kind: Kind,
    /// Index into `Document::headings`.
    pub section: usize,
    /// Its number within its section, from 0.
    pub place: usize,
    /// Words as `count_words` counts them.
    pub words: usize,
    /// One for each page that it stands on, in order.
    pub parts: Vec<Part>,
    /// `text` leaves words of the parts out.
    pub trimmed: bool,
}

impl Sentence {
    /// What the document says here, without the names that a table's header gives to the cells of a row: they
    /// say nothing new in each row.
    pub(crate) fn own_words(&self) -> Cow<'_, str> {
        match self.kind {
            Kind::Row => {
                self.parts.iter().map(|part| part.text.as_str()).collect::<Vec<_>>().join(" ").into()
            }
            _ => self.text.as_str().into(),
        }
    }

    /// A line that is no sentence and bears a date, as over a letter or a signature.
    pub(crate) fn is_dateline(&self) -> bool {
        self.kind == Kind::Body
            && self.words <= DATELINE
            && !self.text.ends_with(['.', '!', '?', ';', ':'])
            && !dates::dates(&self.text, None).is_empty()
    }
}

/// Words of such a line at most.
const DATELINE: usize = 10;

/// A document as the ranking sees it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Document {
    /// Its own title; empty if it states none.
    pub title: String,
    /// What to call it in one line: the title, or the heading under it where the title is a letterhead.
    pub name: String,
    /// The heading of each section; empty for text before the first one.
    pub headings: Vec<String>,
    /// In reading order.
    pub sentences: Vec<Sentence>,
}

/// Lines joined to one text, with the place of each.
struct Block<'a> {
    role: Role,
    paragraph: u32,
    page: u32,
    text: String,
    lines: Vec<(usize, u32, &'a Line)>,
}

/// Reads the structure of a document.
pub(crate) fn read(pages: &Pages) -> Document {
    let blocks = blocks(pages);
    let level = section_level(&blocks);
    let headers = table::headers(&blocks);
    let own = title(&blocks, pages).map(|at| blocks[at].text.clone());
    let mut document = Document {
        title: own.or_else(|| pages.title.clone()).unwrap_or_default().trim().to_owned(),
        ..Document::default()
    };
    document.name = name(&blocks, pages).unwrap_or_else(|| document.title.clone());
    let mut place = 0;
    for (at, block) in blocks.iter().enumerate() {
        let header = headers[at].map(|header| blocks[header].text.as_str());
        match block.role {
            Role::Row if headers[at] == Some(at) => {}
            Role::Heading(n) if n <= level => {
                document.headings.push(block.text.clone());
                place = 0;
            }
            Role::Title | Role::Heading(_) | Role::Code | Role::Furniture => {}
            Role::Body | Role::Item | Role::Row | Role::Quote => {
                if document.headings.is_empty() {
                    document.headings.push(String::new());
                }
                let section = document.headings.len() - 1;
                for range in sentence_ranges(block) {
                    if let Some(sentence) = sentence(block, range, header, section, place) {
                        document.sentences.push(sentence);
                        place += 1;
                    }
                }
            }
        }
    }
    document
}

/// The document's title, not that of an attachment.
fn title(blocks: &[Block], pages: &Pages) -> Option<usize> {
    let attached: HashSet<u32> =
        pages.pages.iter().filter(|page| page.attachment.is_some()).map(|page| page.number).collect();
    blocks.iter().position(|block| block.role == Role::Title && !attached.contains(&block.page))
}

/// The heading right under a title in capitals, which is whoever wrote it rather than what it is.
fn name(blocks: &[Block], pages: &Pages) -> Option<String> {
    let at = title(blocks, pages)?;
    let next = blocks.get(at + 1)?;
    let letterhead = !blocks[at].text.chars().any(char::is_lowercase);
    (letterhead && matches!(next.role, Role::Heading(_))).then(|| next.text.clone())
}

/// The level whose headings open sections: the highest one that occurs twice, else the highest.
fn section_level(blocks: &[Block]) -> u8 {
    let mut counts = [0_usize; 256];
    for block in blocks {
        if let Role::Heading(n) = block.role {
            counts[usize::from(n)] += 1;
        }
    }
    let first = |least| counts.iter().position(|&count| count >= least).and_then(|n| u8::try_from(n).ok());
    first(2).or_else(|| first(1)).unwrap_or(0)
}

fn sentence_ranges(block: &Block) -> Vec<Range<usize>> {
    if block.role == Role::Row {
        return std::iter::once(0..block.text.len()).collect();
    }
    let skip = numbering(&block.text);
    segment::sentences(&block.text[skip..])
        .into_iter()
        .map(|range| range.start + skip..range.end + skip)
        .collect()
}

/// Bytes of a clause number at the start ("2.1 ", "(a) ", "3. "): it is not part of what is said.
fn numbering(text: &str) -> usize {
    let Some((first, rest)) = text.split_once(' ') else { return 0 };
    let bare = first.trim_start_matches('(').trim_end_matches([')', '.']);
    let closed = first.ends_with([')', '.']);
    let digits = bare
        .split('.')
        .all(|part| !part.is_empty() && part.len() <= 3 && part.bytes().all(|b| b.is_ascii_digit()));
    let dotted = digits && bare.contains('.') && rest.trim_start().starts_with(char::is_uppercase);
    let letter =
        closed && bare.len() == 1 && first.ends_with(')') && bare.bytes().all(|b| b.is_ascii_alphabetic());
    if dotted || letter || closed && digits { first.len() + 1 } else { 0 }
}

fn sentence(
    block: &Block,
    range: Range<usize>,
    header: Option<&str>,
    section: usize,
    place: usize,
) -> Option<Sentence> {
    let raw = &block.text[range.clone()];
    if !raw.chars().any(char::is_alphanumeric) {
        return None;
    }
    let kind = match block.role {
        Role::Item => Kind::Item,
        Role::Row => Kind::Row,
        Role::Quote => Kind::Quote,
        _ => Kind::Body,
    };
    let text = if kind == Kind::Row { table::row_text(raw, header) } else { raw.to_owned() };
    let parts = parts(block, &range);
    Some(Sentence { words: count_words(&text), text, kind, section, place, parts, trimmed: false })
}

/// The lines under a range of the block's text, gathered page by page.
fn parts(block: &Block, range: &Range<usize>) -> Vec<Part> {
    let mut out: Vec<(Part, f32, f32)> = Vec::new();
    for (index, &(start, page, line)) in block.lines.iter().enumerate() {
        let end = block.lines.get(index + 1).map_or(block.text.len(), |next| next.0);
        let (from, to) = (start.max(range.start), end.min(range.end));
        if from >= to || block.text[from..to].trim().is_empty() {
            continue;
        }
        let text = &block.text[from..to];
        #[expect(clippy::cast_precision_loss, reason = "a line has far fewer than 2^24 bytes")]
        let weight = line.confidence.map_or(0.0, |_| text.len() as f32);
        let sum = weight * line.confidence.unwrap_or(0.0);
        match out.last_mut() {
            Some((part, sums, weights)) if part.page == page => {
                part.text.push_str(text);
                part.bbox = match (part.bbox, line.bbox) {
                    (Some(a), Some(b)) => Some(a.union(b)),
                    (a, b) => a.or(b),
                };
                *sums += sum;
                *weights += weight;
            }
            _ => out.push((
                Part { page, text: text.to_owned(), bbox: line.bbox, confidence: None },
                sum,
                weight,
            )),
        }
    }
    out.into_iter()
        .map(|(mut part, sum, weight)| {
            part.text = part.text.trim().to_owned();
            part.confidence = (weight > 0.0).then(|| (sum / weight).clamp(0.0, 1.0));
            part
        })
        .collect()
}

fn blocks(pages: &Pages) -> Vec<Block<'_>> {
    let vocabulary = Vocabulary::new(pages);
    let mut out: Vec<Block> = Vec::new();
    // Where the running text of the last page stopped, so that the next page may go on with it.
    let mut open: Option<usize> = None;
    for page in pages.pages.iter().filter(|page| page.origin != Origin::Unread) {
        let mut first = true;
        for line in page.lines.iter().filter(|line| line.role != Role::Furniture) {
            let text = clean(&line.text);
            if text.is_empty() {
                continue;
            }
            let joins = out.last().is_some_and(|last| {
                last.page == page.number
                    && last.paragraph == line.paragraph
                    && last.role == line.role
                    && !matches!(line.role, Role::Row)
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
                out.push(Block {
                    role: line.role,
                    paragraph: line.paragraph,
                    page: page.number,
                    lines: vec![(0, page.number, line)],
                    text,
                });
            }
            first = false;
        }
        open = out.len().checked_sub(1);
    }
    out
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

/// The document's own words, asked whether a hyphen at a line's end belongs to the word.
struct Vocabulary(HashSet<String>);

impl Vocabulary {
    fn new(pages: &Pages) -> Self {
        let lines = || pages.pages.iter().flat_map(|page| &page.lines);
        if !lines().any(|line| line.text.trim_end().ends_with(['-', '\u{2010}'])) {
            return Self(HashSet::new());
        }
        let mut words = HashSet::new();
        let mut broken = false;
        for line in lines() {
            // The halves of broken words are no words.
            for word in line.text.split_whitespace().skip(usize::from(broken)) {
                if !word.ends_with(['-', '\u{2010}']) {
                    words.insert(word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase());
                }
            }
            broken = line.text.trim_end().ends_with(['-', '\u{2010}']);
        }
        Self(words)
    }

    /// "informa-" + "tion" loses it, "well-" + "known" keeps it.
    fn drops_hyphen(&self, before: &str, after: &str) -> bool {
        let left =
            before.trim_end_matches(['-', '\u{2010}']).rsplit(char::is_whitespace).next().unwrap_or("");
        let left = left.trim_start_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        let right = after.split(|c: char| !c.is_alphanumeric()).next().unwrap_or("");
        if !right.starts_with(char::is_lowercase)
            || left.is_empty()
            || left.ends_with(|c: char| !c.is_alphabetic())
        {
            return false;
        }
        if self.0.contains(&format!("{left}{right}")) {
            return true;
        }
        let part = left.rsplit('-').next().unwrap_or(&left);
        let whole = |word: &str| word.chars().count() > 2 && self.0.contains(word);
        let prefix = words::PREFIXES.contains(&part);
        !(self.0.contains(&format!("{left}-{right}")) || prefix || whole(part) && whole(right))
    }
}

#[cfg(test)]
#[path = "structure_tests.rs"]
mod tests;
