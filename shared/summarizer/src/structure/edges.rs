//! The edges of pages: page numbers, and heads and feet that come back page after page.
//!
//! A number that is always the same distance from the page's own, or the same words at the edge of three pages,
//! are no matter of the document. Readers of some formats have told already (`Role::Furniture`); recognised text
//! and plain text come without.

use super::Kind;
use domain::text::{Line, Origin, Page, Pages, Role};
use regex::Regex;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Lines at the top and at the bottom that are looked at.
const EDGE: usize = 2;
/// Pages on which the same must stand.
const REPEATED: usize = 3;
/// Characters of a running head at most.
const LONGEST: usize = 120;

/// "7", "- 7 -", "(vii)", "Page 7 of 9", "Seite 7/9", "第 7 页".
static PAGE_NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)^(?P<word>page|seite|página|pagina|pág\.|pag\.|p\.|s\.|стр\.|страница|صفحة|หน้า|第)?\s*[-–—|(\[]?\s*(?:(?P<number>\d{1,4})|x{0,3}(?:ix|iv|v?i{1,3}|v|x))\s*[-–—|)\]]?\s*(?P<of>(?:of|von|de|di|sur|van|из|من|/)\s*\d{1,4})?\s*[页頁]?$",
    )
    .expect("a fixed pattern")
});

/// Marks the lines at the edges of pages that are furniture.
pub(super) fn mark(pages: &Pages, kinds: &mut [Vec<Option<Kind>>]) {
    let mut seen: HashMap<String, (usize, usize)> = HashMap::new();
    for (at, page) in pages.pages.iter().enumerate() {
        for line in edge_lines(page, &kinds[at]) {
            let (last, count) =
                seen.entry(key(&page.lines[line].text, page.number)).or_insert((usize::MAX, 0));
            if *last != at {
                (*last, *count) = (at, *count + 1);
            }
        }
    }
    for (at, page) in pages.pages.iter().enumerate() {
        for line in edge_lines(page, &kinds[at]) {
            let text = page.lines[line].text.trim();
            let repeated = seen.get(&key(text, page.number)).is_some_and(|(_, count)| *count >= REPEATED);
            let head = repeated && text.chars().any(char::is_alphabetic) && text.chars().count() <= LONGEST;
            if is_page_number(text, page.number, repeated, pages.pages.len()) {
                kinds[at][line] = Some(Kind::PageNumber);
            } else if head && !heads_a_section(&page.lines[line]) {
                kinds[at][line] = Some(Kind::RunningHead);
            }
        }
    }
}

/// Titles, and headings that are told apart by a number: "Chapter 1" on page 1, "Chapter 2" on page 2.
fn heads_a_section(line: &Line) -> bool {
    let numbered = line.text.contains(|c: char| c.is_ascii_digit());
    line.role == Role::Title || matches!(line.role, Role::Heading(_)) && numbered
}

/// Indices of the lines at a page's edges that may be furniture.
fn edge_lines(page: &Page, kinds: &[Option<Kind>]) -> Vec<usize> {
    let standing = |line: &Line| !matches!(line.role, Role::Row | Role::Code) && !line.text.trim().is_empty();
    let mut open: Vec<usize> = (0..page.lines.len())
        .filter(|&at| page.origin != Origin::Unread && kinds[at].is_none() && standing(&page.lines[at]))
        .collect();
    if open.len() > 2 * EDGE {
        open.drain(EDGE..open.len() - EDGE);
    }
    // The first line of a paragraph that fills the page is no head, though other pages may begin with the same.
    let apart = |at: &usize| {
        let paragraph = page.lines[*at].paragraph;
        let mut inside = open[0]..=open[open.len() - 1];
        inside.all(|line| page.lines[line].paragraph != paragraph || open.contains(&line))
    };
    open.iter().copied().filter(apart).collect()
}

/// What is the same on each page: the words, and how far a number at their edge is ahead of the page's own.
fn key(text: &str, page: u32) -> String {
    let mut words: Vec<String> = text.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let said: Vec<usize> =
        (0..words.len()).filter(|&at| words[at].chars().any(char::is_alphanumeric)).collect();
    let mut edges = vec![said.first().copied(), said.last().copied()];
    edges.dedup();
    for at in edges.into_iter().flatten() {
        if let Ok(number @ 1..=9999) = words[at].trim_matches(|c: char| !c.is_alphanumeric()).parse::<i64>() {
            words[at] = format!("{{{}}}", number - i64::from(page));
        }
    }
    words.join(" ")
}

fn is_page_number(text: &str, page: u32, repeated: bool, pages: usize) -> bool {
    let Some(found) = PAGE_NUMBER.captures(text) else { return false };
    let own = found.name("number").is_some_and(|number| number.as_str().parse() == Ok(page));
    let roman = found.name("number").is_none() && pages > 1;
    found.name("word").is_some() || found.name("of").is_some() || repeated || own && pages > 1 || roman
}
