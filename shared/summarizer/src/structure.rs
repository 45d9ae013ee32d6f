//! Pages → blocks → sentences that remember where they stand.
//!
//! A block is a paragraph (its lines joined, also over a page break), a list item, a table row, a quote
//! or a heading. Sentences never cross blocks. Code, signatures and boilerplate stand beside the matter: they are
//! read and counted, but nobody wants them in a summary.

mod aside;
mod blocks;
mod edges;
mod table;
mod vocabulary;

use crate::dates;
use crate::segment;
use crate::words::count_words;
use blocks::{Block, blocks};
use domain::text::{BoundingBox, Pages, Role};
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
    /// Running text.
    Body,
    /// An item of a list.
    Item,
    /// A row of a table.
    Row,
    /// Quoted from an earlier message.
    Quote,
    /// Computer code or other preformatted text.
    Code,
    /// A greeting with the name, office and address under it.
    Signature,
    /// The number of a page.
    PageNumber,
    /// A head or foot that comes back page after page.
    RunningHead,
    /// A web page's word about cookies.
    CookieNotice,
    /// A company's small print: its register, its rights.
    LegalFooter,
    /// The warning and the advice under a mail.
    Disclaimer,
    /// What the reader of the format took for a menu, a head or a foot.
    Furniture,
}

impl Kind {
    /// Told by its words or its repetition, so that it may be the matter of an odd document.
    fn is_told_by_words(self) -> bool {
        matches!(
            self,
            Self::Signature | Self::RunningHead | Self::CookieNotice | Self::LegalFooter | Self::Disclaimer
        )
    }
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
    /// In reading order: what may be ranked and said.
    pub sentences: Vec<Sentence>,
    /// What was read and stands beside the matter, block by block.
    pub aside: Vec<Sentence>,
}

/// Reads the structure of a document.
pub(crate) fn read(pages: &Pages) -> Document {
    let (blocks, beside) = blocks(pages);
    let level = section_level(&blocks);
    let headers = table::headers(&blocks);
    let title = title(&blocks, pages);
    let own = title.map(|at| blocks[at].text.clone());
    let mut document = Document {
        title: own.or_else(|| pages.title.clone()).unwrap_or_default().trim().to_owned(),
        ..Document::default()
    };
    document.name = name(&blocks, pages).unwrap_or_else(|| document.title.clone());
    let mut place = 0;
    for (at, block) in blocks.iter().enumerate() {
        let header = headers[at].map(|header| blocks[header].text.as_str());
        // A title in the midst is that of a second document.
        let second = block.role == Role::Title && title != Some(at) && !document.sentences.is_empty();
        match block.role {
            Role::Row if headers[at] == Some(at) => {}
            Role::Heading(n) if n <= level => {
                document.headings.push(block.text.clone());
                place = 0;
            }
            Role::Title if second => {
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
    let whole = |block: &Block| sentence(block, 0..block.text.len(), None, 0, 0);
    document.aside = beside.iter().filter_map(whole).collect();
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
    let kind = block.aside.unwrap_or(match block.role {
        Role::Item => Kind::Item,
        Role::Row => Kind::Row,
        Role::Quote => Kind::Quote,
        _ => Kind::Body,
    });
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

#[cfg(test)]
#[path = "structure_tests.rs"]
mod tests;
