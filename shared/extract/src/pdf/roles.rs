//! What each line is, judged by the whole document: the size of its body text, what is bold beside it, what
//! repeats on page after page, and which words it knows.

use super::columns::median;
use super::lines::{RawLine, RawPage};
use crate::furniture::{edge_numbers, ends_with_page_number, is_contents_entry, is_page_number};
use crate::hyphens::{Vocabulary, joined};
use domain::text::{BoundingBox, Line, Role};
use std::collections::{HashMap, HashSet};

/// What the document looks like.
pub(crate) struct Style {
    /// Size of its running text in points.
    body: f32,
    /// Sizes of headings, the largest first.
    sizes: Vec<i32>,
    /// Mean area of each character in em².
    ink: HashMap<char, f32>,
    /// Running heads and feet, digits masked.
    repeated: HashSet<String>,
    vocabulary: Vocabulary,
    /// What the numbers printed at the edges of pages are ahead of those counted, where three agree.
    offset: Option<i64>,
    /// Whether the largest size appears on the first page only: then it is the title's.
    title: bool,
}

/// Sizes compare in half points.
#[expect(clippy::cast_possible_truncation, reason = "a font size")]
fn halves(size: f32) -> i32 {
    (size * 2.0).round() as i32
}

/// How much larger than the body a heading is.
const LARGER: f32 = 1.12;
/// How much more ink bold has than the mean of the document.
const BOLDER: f32 = 1.15;

impl Style {
    /// Looks at all pages that are read from their text.
    pub fn of(pages: &[&RawPage]) -> Self {
        let body = body_size(pages);
        let mut style = Self {
            body,
            sizes: Vec::new(),
            ink: mean_ink(pages),
            repeated: repeated(pages),
            vocabulary: Vocabulary::of(
                pages.iter().flat_map(|page| &page.lines).map(|line| line.text.as_str()),
            ),
            offset: offset(pages),
            title: false,
        };
        let mut counts: HashMap<i32, usize> = HashMap::new();
        for line in pages.iter().flat_map(|page| &page.lines) {
            if line.size > body * LARGER && line.text.chars().any(char::is_alphabetic) {
                *counts.entry(halves(line.size)).or_default() += 1;
            }
        }
        style.sizes = counts.keys().copied().collect();
        style.sizes.sort_unstable_by(|a, b| b.cmp(a));
        style.title = style.sizes.first().is_some_and(|largest| {
            let has = |page: &RawPage| page.lines.iter().any(|line| halves(line.size) == *largest);
            counts.get(largest).is_some_and(|count| *count <= 3)
                && pages.first().is_some_and(|page| has(page))
                && !pages.iter().skip(1).any(|page| has(page))
        });
        style
    }

    /// The page's lines with roles, paragraphs and boxes.
    pub fn lines(&self, page: &RawPage, number: u32) -> Vec<Line> {
        let lines = join_hyphens(&page.lines, &self.vocabulary);
        let bold: Vec<bool> = lines.iter().map(|line| self.is_bold(line)).collect();
        let furniture: Vec<bool> = lines.iter().map(|line| self.is_furniture(line, page, number)).collect();
        let starts = paragraph_starts(&lines, &bold, &furniture);
        let mut out = Vec::with_capacity(lines.len());
        let mut from = 0;
        let mut paragraph = 0;
        while from < lines.len() {
            let to = (from + 1..lines.len()).find(|at| starts[*at]).unwrap_or(lines.len());
            paragraph += 1;
            let role = if furniture[from] {
                Role::Furniture
            } else {
                self.role(&lines[from..to], &bold[from..to], number)
            };
            for line in &lines[from..to] {
                let role = if line.row && role != Role::Furniture { Role::Row } else { role };
                let text = if role == Role::Item { without_bullet(&line.text) } else { &line.text };
                if !text.is_empty() {
                    out.push(Line {
                        text: text.to_owned(),
                        role,
                        paragraph,
                        bbox: Some(fractions(line, page)),
                        confidence: None,
                    });
                }
            }
            from = to;
        }
        out
    }

    fn role(&self, lines: &[RawLine], bold: &[bool], number: u32) -> Role {
        let first = &lines[0];
        let characters: usize = lines.iter().map(|line| line.text.chars().count()).sum();
        let letters = first.text.chars().filter(|c| c.is_alphabetic()).count();
        let large = lines.iter().all(|line| line.size > self.body * LARGER);
        if large && lines.len() <= 4 && characters <= 250 && letters > 0 {
            let at = self.sizes.iter().position(|size| *size == halves(first.size)).unwrap_or(0);
            if at == 0 && self.title && number == 1 {
                return Role::Title;
            }
            let level = at + usize::from(!self.title);
            return Role::Heading(u8::try_from(level.clamp(1, 6)).unwrap_or(6));
        }
        let stops = ['.', ',', ';', ':'].iter().any(|stop| lines[lines.len() - 1].text.ends_with(*stop));
        let stands_out = bold.iter().all(|bold| *bold) || lines.iter().all(|line| is_capitals(&line.text));
        if stands_out && lines.len() <= 3 && characters <= 150 && letters > 1 && !stops && !first.row {
            let level = (self.sizes.len() + usize::from(!self.title)).clamp(1, 6);
            return Role::Heading(u8::try_from(level).unwrap_or(6));
        }
        if is_item(&first.text) { Role::Item } else { Role::Body }
    }

    fn is_bold(&self, line: &RawLine) -> bool {
        let expected: f32 = line.text.chars().filter_map(|c| self.ink.get(&c)).sum();
        line.ink > 0.0 && expected > 0.0 && line.ink / expected > BOLDER
    }

    fn is_furniture(&self, line: &RawLine, page: &RawPage, number: u32) -> bool {
        let sideways =
            !line.upright && line.text.chars().count() < 60 && page.lines.iter().any(|other| other.upright);
        if sideways || is_contents_entry(&line.text) {
            return true;
        }
        let numbered = || {
            let printed = self.offset.map(|offset| i64::from(number) + offset);
            line.text.chars().count() < 100
                && printed.is_some_and(|it| edge_numbers(&line.text).contains(&it))
        };
        is_edge(line, page)
            && (self.repeated.contains(&masked(&line.text))
                || is_page_number(&line.text)
                || ends_with_page_number(&line.text)
                || numbered())
    }
}

/// How far the page numbers that are printed run ahead of the counted ones.
fn offset(pages: &[&RawPage]) -> Option<i64> {
    let mut counts: HashMap<i64, usize> = HashMap::new();
    for page in pages {
        let edge = page.lines.iter().filter(|line| is_edge(line, page));
        let here: HashSet<i64> = edge.flat_map(|line| edge_numbers(&line.text)).collect();
        for printed in here {
            *counts.entry(printed - i64::from(page.number)).or_default() += 1;
        }
    }
    counts
        .into_iter()
        .filter(|(_, count)| *count >= 3)
        .max_by_key(|(_, count)| *count)
        .map(|(offset, _)| offset)
}

/// The size in which most characters are set.
fn body_size(pages: &[&RawPage]) -> f32 {
    let mut counts: HashMap<i32, usize> = HashMap::new();
    for line in pages.iter().flat_map(|page| &page.lines) {
        *counts.entry(halves(line.size)).or_default() += line.text.len();
    }
    let most = counts.into_iter().max_by_key(|(size, count)| (*count, std::cmp::Reverse(*size)));
    #[expect(clippy::cast_precision_loss, reason = "a font size")]
    most.map_or(10.0, |(size, _)| size as f32 / 2.0)
}

#[expect(clippy::cast_precision_loss, reason = "counts of characters")]
fn mean_ink(pages: &[&RawPage]) -> HashMap<char, f32> {
    let mut sums: HashMap<char, (f32, u32)> = HashMap::new();
    for (character, (sum, count)) in pages.iter().flat_map(|page| &page.ink) {
        let entry = sums.entry(*character).or_default();
        *entry = (entry.0 + sum, entry.1 + count);
    }
    sums.into_iter().map(|(character, (sum, count))| (character, sum / count.max(1) as f32)).collect()
}

/// Lines at the top or bottom that come back on other pages: there are at least three of them, or two and
/// the document has no more pages.
fn repeated(pages: &[&RawPage]) -> HashSet<String> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for page in pages {
        let here: HashSet<String> =
            page.lines.iter().filter(|line| is_edge(line, page)).map(|line| masked(&line.text)).collect();
        for text in here {
            *counts.entry(text).or_default() += 1;
        }
    }
    let needed = if pages.len() <= 3 { 2 } else { 3 };
    counts
        .into_iter()
        .filter(|(text, count)| *count >= needed && !text.is_empty())
        .map(|(text, _)| text)
        .collect()
}

fn is_edge(line: &RawLine, page: &RawPage) -> bool {
    let middle = (line.rect.y0 + line.rect.y1) / 2.0;
    middle < 0.1 * page.height || middle > 0.9 * page.height
}

fn masked(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).filter(|c| !c.is_whitespace()).collect()
}

/// Puts words together that a line break parted. The part moves up to its beginning, so that a line still
/// holds whole words and its box is where they begin.
fn join_hyphens(lines: &[RawLine], vocabulary: &Vocabulary) -> Vec<RawLine> {
    let mut out = lines.to_vec();
    for at in 0..out.len().saturating_sub(1) {
        let (head, tail) = out.split_at_mut(at + 1);
        let (line, next) = (&mut head[at], &mut tail[0]);
        if line.block != next.block || (line.size - next.size).abs() > 0.1 * line.size || line.row || next.row
        {
            continue;
        }
        if let Some((joined, used)) = joined(&line.text, &next.text, vocabulary) {
            line.text = joined;
            next.text = next.text[used..].trim_start().to_owned();
        }
    }
    out.retain(|line| !line.text.is_empty());
    out
}

/// Where paragraphs begin.
fn paragraph_starts(lines: &[RawLine], bold: &[bool], furniture: &[bool]) -> Vec<bool> {
    let mut starts = vec![true; lines.len()];
    let mut from = 0;
    while from < lines.len() {
        let to =
            (from + 1..lines.len()).find(|at| lines[*at].block != lines[from].block).unwrap_or(lines.len());
        let column = Column::of(&lines[from..to]);
        let mut item = is_item(&lines[from].text);
        for at in from + 1..to {
            let (above, line) = (&lines[at - 1], &lines[at]);
            let changed =
                bold[at] != bold[at - 1] || furniture[at] != furniture[at - 1] || line.row != above.row;
            starts[at] = changed || furniture[at] || line.row || column.breaks(above, line, item);
            if starts[at] {
                item = is_item(&line.text);
            }
        }
        from = to;
    }
    starts
}

struct Column {
    left: f32,
    right: f32,
    leading: f32,
}

impl Column {
    fn of(lines: &[RawLine]) -> Self {
        let steps = lines.windows(2).map(|pair| pair[1].base - pair[0].base).filter(|step| *step > 0.0);
        Self {
            left: lines.iter().map(|line| line.frame.x0).fold(f32::INFINITY, f32::min),
            right: lines.iter().map(|line| line.frame.x1).fold(f32::NEG_INFINITY, f32::max),
            leading: median(steps.collect()),
        }
    }

    /// Whether a line begins a paragraph below the line above it.
    fn breaks(&self, above: &RawLine, line: &RawLine, in_item: bool) -> bool {
        let step = line.base - above.base;
        let em = line.size.max(1.0);
        let usual = self.leading.clamp(0.9 * em, 1.7 * em);
        let resized = (line.size - above.size).abs() > 0.1 * em;
        let apart = step > 1.3 * usual || step < 0.0;
        // Lines set around one middle begin anywhere.
        let flush = (line.frame.x0 - above.frame.x0).abs() < 0.2 * em;
        let middle = |line: &RawLine| line.frame.x0 + line.frame.x1;
        let centred = !flush && (middle(line) - middle(above)).abs() < em;
        let indented = !in_item
            && !centred
            && line.frame.x0 > self.left + 0.8 * em
            && above.frame.x0 < line.frame.x0 - 0.8 * em;
        let ended = above.text.ends_with(['.', '!', '?', ':', '\u{201d}', '"']);
        let left_free = (self.right - above.frame.x1) / (self.right - self.left).max(1.0);
        // Running text fills its lines; an address or a list of names does not, and has no full stops.
        let short = left_free > 0.2 && ended || left_free > 0.4 && !centred;
        let upper = line.text.chars().find(|c| c.is_alphanumeric()).is_some_and(|c| !c.is_lowercase());
        resized || apart || indented || is_item(&line.text) || (short && upper)
    }
}

/// A line of capitals: at least two words' worth of letters, nearly all of them large.
fn is_capitals(text: &str) -> bool {
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    letters >= 6 && text.chars().filter(|c| c.is_lowercase()).count() * 12 <= letters
}

const BULLETS: &[char] = &[
    '\u{2022}', '\u{25aa}', '\u{25cf}', '\u{25e6}', '\u{2023}', '\u{25a0}', '\u{b7}', '\u{2043}', '\u{27a2}',
    '\u{2756}', '\u{f0b7}',
];

/// Begins with a bullet, or with a short number and a stop.
fn is_item(text: &str) -> bool {
    if text.starts_with(BULLETS)
        || text.starts_with("- ")
        || text.starts_with("\u{2013} ")
        || text.starts_with("* ")
    {
        return true;
    }
    let Some((marker, rest)) = text.split_once(' ') else { return false };
    let Some(number) = marker.trim_start_matches('(').strip_suffix(['.', ')']) else { return false };
    let digits = (1..=2).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    let letter =
        number.len() == 1 && marker.ends_with(')') && number.bytes().all(|b| b.is_ascii_alphabetic());
    (digits || letter) && rest.chars().any(char::is_alphabetic)
}

/// A number stays: people cite by it.
fn without_bullet(text: &str) -> &str {
    text.strip_prefix("- ")
        .or_else(|| text.strip_prefix("* "))
        .or_else(|| text.strip_prefix("\u{2013} "))
        .unwrap_or(text)
        .trim_start_matches(BULLETS)
        .trim_start()
}

fn fractions(line: &RawLine, page: &RawPage) -> BoundingBox {
    let clamp = |value: f32, whole: f32| (value / whole.max(1.0)).clamp(0.0, 1.0);
    let (left, top) = (clamp(line.rect.x0, page.width), clamp(line.rect.y0, page.height));
    let (right, bottom) = (clamp(line.rect.x1, page.width), clamp(line.rect.y1, page.height));
    BoundingBox { left, top, width: right - left, height: bottom - top }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, y: f32, size: f32) -> RawLine {
        let rect =
            super::super::lines::Rect { x0: 72.0, y0: y - size * 0.75, x1: 500.0, y1: y + size * 0.22 };
        RawLine {
            text: text.to_owned(),
            frame: rect,
            rect,
            base: y,
            size,
            upright: true,
            ..RawLine::default()
        }
    }

    #[test]
    fn running_heads_that_change_by_chapter_are_known_by_their_page_numbers() {
        let pages: Vec<RawPage> = [("Costs", 3), ("Costs", 4), ("Gains", 5), ("Outlook", 6)]
            .iter()
            .zip(1..)
            .map(|((head, printed), number)| RawPage {
                number,
                ..page(vec![
                    line(&format!("{head} {printed}"), 30.0, 9.0),
                    line("Body text of the page.", 300.0, 10.0),
                ])
            })
            .collect();
        assert!(
            read(&pages).iter().all(|lines| lines[0].role == Role::Furniture && lines[1].role == Role::Body)
        );
    }

    fn page(lines: Vec<RawLine>) -> RawPage {
        RawPage { width: 612.0, height: 792.0, lines, blocks: 1, ..RawPage::default() }
    }

    fn read(pages: &[RawPage]) -> Vec<Vec<Line>> {
        let all: Vec<&RawPage> = pages.iter().collect();
        let style = Style::of(&all);
        pages.iter().zip(1..).map(|(page, number)| style.lines(page, number)).collect()
    }

    #[test]
    fn sizes_make_titles_and_headings() {
        let read = read(&[
            page(vec![
                line("The Report", 100.0, 20.0),
                line("Scope", 150.0, 14.0),
                line("Body text of the page that runs on,", 170.0, 10.0),
                line("and on for another line or two.", 182.0, 10.0),
            ]),
            page(vec![line("Method", 150.0, 14.0), line("More of the body text stands here.", 170.0, 10.0)]),
        ]);
        let roles: Vec<Role> = read.iter().flatten().map(|line| line.role).collect();
        assert_eq!(
            roles,
            [Role::Title, Role::Heading(1), Role::Body, Role::Body, Role::Heading(1), Role::Body]
        );
        assert_eq!(read[0].iter().map(|line| line.paragraph).collect::<Vec<_>>(), [1, 2, 3, 3]);
    }

    #[test]
    fn the_lines_of_an_address_are_not_one_sentence_with_what_follows() {
        let texts = [
            "Ellery Translation Bureau",
            "4 Chandler's Row",
            "This confirmation replaces that of 14 December 2026 and holds for all the goods",
            "Ellery has ordered.",
        ];
        let mut lines: Vec<RawLine> = texts
            .iter()
            .zip(0_u8..)
            .map(|(text, at)| line(text, 100.0 + 12.0 * f32::from(at), 10.0))
            .collect();
        for line in &mut lines {
            line.frame.x1 = line.frame.x0 + 5.0 * f32::from(u8::try_from(line.text.len()).unwrap());
        }
        let read = read(&[page(lines)]);
        assert_eq!(read[0].iter().map(|line| line.paragraph).collect::<Vec<_>>(), [1, 2, 3, 3]);
    }

    #[test]
    fn running_heads_and_page_numbers_are_furniture() {
        let pages: Vec<RawPage> = (1..5)
            .map(|n| {
                page(vec![
                    line(&format!("ACME Annual Report {n}"), 30.0, 9.0),
                    line("Body text that says something new.", 300.0, 10.0),
                    line(&format!("Page {n} of 4"), 770.0, 9.0),
                ])
            })
            .collect();
        for lines in read(&pages) {
            assert_eq!(
                lines.iter().map(|line| line.role).collect::<Vec<_>>(),
                [Role::Furniture, Role::Body, Role::Furniture]
            );
        }
    }

    #[test]
    fn items_end_paragraphs_and_lose_their_bullets() {
        let read = read(&[page(vec![
            line("\u{2022} first of the items", 100.0, 10.0),
            line("\u{2022} second of them", 112.0, 10.0),
            line("3. third of the items", 124.0, 10.0),
        ])]);
        let seen: Vec<_> =
            read[0].iter().map(|line| (line.role, line.paragraph, line.text.as_str())).collect();
        assert_eq!(
            seen,
            [
                (Role::Item, 1, "first of the items"),
                (Role::Item, 2, "second of them"),
                (Role::Item, 3, "3. third of the items")
            ]
        );
    }
}
