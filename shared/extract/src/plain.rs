//! Plain text: paragraphs by blank lines, pages by form feeds.

use crate::flow::Flow;
use crate::reader::Job;
use crate::text::decode;
use crate::{PageReading, ReadError};
use domain::text::Role;

type Parts = (Option<String>, Vec<PageReading>);

pub(crate) fn read(bytes: &[u8], job: &mut Job<'_>) -> Result<Parts, ReadError> {
    let text = decode(bytes, None).text;
    let breaks = text.matches('\u{c}').count();
    if breaks >= job.limits.max_pages as usize {
        return Err(ReadError::too_many_pages(breaks + 1, job.limits.max_pages));
    }
    let mut flow = Flow::default();
    write(&text, &mut flow);
    Ok((None, flow.finish()))
}

/// Writes plain text into a flow: its paragraphs, its pages, its obvious headings, items and quotes.
pub(crate) fn write(text: &str, flow: &mut Flow) {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut pages = text.split('\u{c}').peekable();
    while let Some(page) = pages.next() {
        for paragraph in paragraphs(page) {
            write_paragraph(&paragraph, flow);
        }
        // A form feed after the last page ends it; it does not begin another.
        if pages.peek().is_some_and(|rest| !rest.trim().is_empty()) {
            flow.page_break();
        }
    }
}

fn paragraphs(page: &str) -> Vec<Vec<&str>> {
    let mut out = vec![Vec::new()];
    for line in page.lines() {
        if line.trim().is_empty() {
            out.push(Vec::new());
        } else if let Some(last) = out.last_mut() {
            last.push(line);
        }
    }
    out.retain(|paragraph| !paragraph.is_empty());
    out
}

fn write_paragraph(lines: &[&str], flow: &mut Flow) {
    if let [text, rule] = lines
        && is_rule(rule)
        && !is_rule(text)
    {
        return flow.block(Role::Heading(if rule.trim().starts_with('=') { 1 } else { 2 }), text);
    }
    if let [text] = lines
        && is_heading(text)
    {
        return flow.block(Role::Heading(2), text);
    }
    let mut open: Option<(Role, String)> = None;
    for line in lines.iter().filter(|line| !is_rule(line)) {
        let (role, text, starts) = classify(line);
        match &mut open {
            // The lines after an item's first belong to it until the next one begins.
            Some((was, body)) if !starts && (*was == role || (*was == Role::Item && role == Role::Body)) => {
                body.push('\n');
                body.push_str(text);
            }
            _ => {
                if let Some((role, body)) = open.take() {
                    flow.block(role, &body);
                }
                open = Some((role, text.to_owned()));
            }
        }
    }
    if let Some((role, body)) = open {
        flow.block(role, &body);
    }
}

/// The role of a line, its text without a bullet or quote mark, and whether it begins something.
fn classify(line: &str) -> (Role, &str, bool) {
    let trimmed = line.trim_start();
    if let Some(quoted) = trimmed.strip_prefix('>') {
        return (Role::Quote, quoted.trim_start_matches(['>', ' ']), false);
    }
    for bullet in ["- ", "* ", "+ ", "\u{2022}", "\u{25aa}", "\u{25cf}", "\u{2013} ", "\u{b7} "] {
        if let Some(item) = trimmed.strip_prefix(bullet) {
            return (Role::Item, item, true);
        }
    }
    if is_numbered(trimmed) { (Role::Item, trimmed, true) } else { (Role::Body, line, false) }
}

/// "1. …", "2) …", "a) …": the number stays, since people cite by it.
fn is_numbered(text: &str) -> bool {
    let Some((marker, rest)) = text.split_once(' ') else { return false };
    let Some(number) = marker.strip_suffix(['.', ')']) else { return false };
    !rest.trim().is_empty()
        && ((1..=3).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
            || (number.len() == 1
                && marker.ends_with(')')
                && number.bytes().all(|byte| byte.is_ascii_alphabetic())))
}

fn is_rule(line: &str) -> bool {
    let line = line.trim();
    line.len() >= 3
        && ["=", "-", "_", "*", "~", "#"].iter().any(|mark| line.chars().all(|c| mark.contains(c)))
}

/// A line that stands alone, is short, says something and ends without a stop, in capitals or numbered.
fn is_heading(line: &str) -> bool {
    let line = line.trim();
    let letters = line.chars().filter(|c| c.is_alphabetic()).count();
    let capitals = line.chars().filter(|c| c.is_uppercase()).count();
    let short = line.chars().count() <= 80 && !line.ends_with(['.', ',', ';', ':', '?']);
    short && letters >= 3 && capitals * 10 >= letters * 8
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::text::{Page, Pages};

    fn pages(text: &str) -> Vec<Page> {
        let mut flow = Flow::default();
        write(text, &mut flow);
        flow.finish()
            .into_iter()
            .map(|page| match page {
                PageReading::Read(page) => page,
                PageReading::NeedsOcr { .. } => unreachable!(),
            })
            .collect()
    }

    #[test]
    fn blank_lines_part_paragraphs_and_form_feeds_part_pages() {
        let pages = pages("one\r\ntwo\r\n\r\nthree\u{c}four\n\u{c}\n");
        assert_eq!(pages.len(), 2);
        let numbers: Vec<_> = pages[0].lines.iter().map(|line| line.paragraph).collect();
        assert_eq!(numbers, [1, 1, 2]);
        assert_eq!(Pages { pages, title: None }.to_text(), "one\ntwo\n\nthree\n\u{c}four\n");
    }

    #[test]
    fn headings_items_and_quotes_have_their_roles() {
        let page = &pages(
            "ANNUAL REPORT\n\nIntro\n=====\n\n- first\n  goes on\n- second\n3. third\n\n> said he\n> before",
        )[0];
        let roles: Vec<_> = page.lines.iter().map(|line| (line.role, line.text.as_str())).collect();
        assert_eq!(
            roles,
            [
                (Role::Heading(2), "ANNUAL REPORT"),
                (Role::Heading(1), "Intro"),
                (Role::Item, "first"),
                (Role::Item, "goes on"),
                (Role::Item, "second"),
                (Role::Item, "3. third"),
                (Role::Quote, "said he"),
                (Role::Quote, "before"),
            ]
        );
    }
}
