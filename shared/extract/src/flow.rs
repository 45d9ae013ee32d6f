//! Building pages from formats that flow: blocks come one after the other, and have no place on paper.

use crate::PageReading;
use crate::text::{clean, clean_code};
use domain::text::{Line, Origin, Page, Role};

/// Collects blocks into pages.
#[derive(Default)]
pub(crate) struct Flow {
    pages: Vec<Vec<Line>>,
    current: Vec<Line>,
    paragraph: u32,
}

impl Flow {
    /// A paragraph, heading, item or the like; its line breaks are kept as lines.
    pub fn block(&mut self, role: Role, text: &str) {
        let before = self.current.len();
        self.paragraph += 1;
        for line in text.split('\n') {
            let text = if role == Role::Code { clean_code(line) } else { clean(line) };
            if !text.is_empty() {
                self.current.push(Line {
                    text,
                    role,
                    paragraph: self.paragraph,
                    bbox: None,
                    confidence: None,
                });
            }
        }
        if self.current.len() == before {
            self.paragraph -= 1;
        }
    }

    /// Ends the page.
    pub fn page_break(&mut self) {
        self.pages.push(std::mem::take(&mut self.current));
        self.paragraph = 0;
    }

    /// Ends the page unless nothing is on it yet.
    pub fn page_break_if_written(&mut self) {
        if !self.current.is_empty() {
            self.page_break();
        }
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.current.is_empty() && self.pages.iter().all(Vec::is_empty)
    }

    /// The pages, numbered from 1. There is always one.
    pub fn finish(mut self) -> Vec<PageReading> {
        if !self.current.is_empty() || self.pages.is_empty() {
            self.page_break();
        }
        self.name_title();
        let mut number = 0;
        self.pages
            .into_iter()
            .map(|lines| {
                number += 1;
                let origin = if lines.is_empty() { Origin::Blank } else { Origin::Text };
                PageReading::Read(Page { number, origin, lines, attachment: None, note: None })
            })
            .collect()
    }

    /// Formats without a word for it write the title as a heading: the first of all, and alone on the highest level.
    fn name_title(&mut self) {
        let headings = || {
            self.pages.iter().enumerate().flat_map(|(page, lines)| {
                lines.iter().filter_map(move |line| match line.role {
                    Role::Title => Some((page, line.paragraph, 0)),
                    Role::Heading(level) => Some((page, line.paragraph, level)),
                    _ => None,
                })
            })
        };
        let Some(first @ (page, paragraph, 1)) = headings().next() else { return };
        let deeper = |other: (usize, u32, u8)| other == first || other.2 > 1;
        if headings().all(deeper) {
            let lines = self.pages[page].iter_mut();
            lines.filter(|line| line.paragraph == paragraph).for_each(|line| line.role = Role::Title);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(headings: &[u8]) -> Vec<Role> {
        let mut flow = Flow::default();
        for &level in headings {
            flow.block(if level == 0 { Role::Title } else { Role::Heading(level) }, "Some\nheading");
            flow.block(Role::Body, "Text.");
        }
        let pages = flow.finish();
        let PageReading::Read(page) = &pages[0] else { unreachable!() };
        page.lines.iter().step_by(3).map(|line| line.role).collect()
    }

    #[test]
    fn the_first_heading_is_the_title_if_it_alone_is_on_the_highest_level() {
        assert_eq!(roles(&[1, 2, 2, 3]), [Role::Title, Role::Heading(2), Role::Heading(2), Role::Heading(3)]);
        assert_eq!(roles(&[1]), [Role::Title]);
        for not in [&[1, 2, 1][..], &[2, 1, 2], &[2, 3], &[0, 1, 2]] {
            let expected: Vec<_> =
                not.iter().map(|&n| if n == 0 { Role::Title } else { Role::Heading(n) }).collect();
            assert_eq!(roles(not), expected, "{not:?}");
        }
    }
}
