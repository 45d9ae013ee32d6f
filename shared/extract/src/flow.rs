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
}
