//! Markdown: its structure becomes roles, its markup goes.

use crate::flow::Flow;
use crate::reader::Job;
use crate::text::decode;
use crate::{PageReading, ReadError};
use domain::text::Role;
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

type Parts = (Option<String>, Vec<PageReading>);

pub(crate) fn read(bytes: &[u8], _job: &mut Job<'_>) -> Result<Parts, ReadError> {
    let text = decode(bytes, None).text;
    let mut writer = Writer::default();
    for event in Parser::new_ext(&text, options()) {
        writer.event(event);
    }
    writer.end_block();
    let title = writer.title;
    Ok((title, writer.flow.finish()))
}

fn options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS
}

#[derive(Default)]
struct Writer {
    flow: Flow,
    title: Option<String>,
    buffer: String,
    heading: Option<u8>,
    items: usize,
    quotes: usize,
    code: bool,
    metadata: bool,
    cells: Vec<String>,
}

impl Writer {
    fn role(&self) -> Role {
        match self.heading {
            Some(level) => Role::Heading(level),
            None if self.code => Role::Code,
            None if self.quotes > 0 => Role::Quote,
            None if self.items > 0 => Role::Item,
            None => Role::Body,
        }
    }

    fn end_block(&mut self) {
        let text = std::mem::take(&mut self.buffer);
        self.flow.block(self.role(), &text);
    }

    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.metadata => self.read_metadata(&text),
            Event::Text(text) | Event::Code(text) => self.buffer.push_str(&text),
            Event::InlineHtml(html) if html.starts_with("<br") => self.buffer.push('\n'),
            Event::Html(html) => {
                // Raw HTML in Markdown is layout; what it says is read, what it is not.
                let inner = crate::html::text_of(&html);
                self.buffer.push_str(&inner);
                self.end_block();
            }
            Event::SoftBreak | Event::HardBreak => self.buffer.push('\n'),
            Event::Rule => self.end_block(),
            _ => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::Heading { level, .. } => {
                self.end_block();
                self.heading = Some(level_of(*level));
            }
            Tag::Item => {
                self.end_block();
                self.items += 1;
            }
            Tag::BlockQuote(_) => {
                self.end_block();
                self.quotes += 1;
            }
            Tag::CodeBlock(_) => {
                self.end_block();
                self.code = true;
            }
            Tag::MetadataBlock(_) => self.metadata = true,
            Tag::TableHead | Tag::TableRow => self.cells.clear(),
            Tag::TableCell => self.buffer.clear(),
            Tag::Paragraph | Tag::List(_) | Tag::Table(_) | Tag::FootnoteDefinition(_) => self.end_block(),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => {
                self.end_block();
                self.heading = None;
            }
            TagEnd::Item => {
                self.end_block();
                self.items = self.items.saturating_sub(1);
            }
            TagEnd::BlockQuote(_) => {
                self.end_block();
                self.quotes = self.quotes.saturating_sub(1);
            }
            TagEnd::CodeBlock => {
                self.end_block();
                self.code = false;
            }
            TagEnd::MetadataBlock(_) => self.metadata = false,
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.buffer).replace('\n', " ");
                self.cells.push(cell.trim().to_owned());
            }
            TagEnd::TableHead | TagEnd::TableRow => {
                let row = std::mem::take(&mut self.cells);
                self.flow.block(Role::Row, &join_cells(&row));
            }
            TagEnd::Paragraph => self.end_block(),
            _ => {}
        }
    }

    fn read_metadata(&mut self, text: &str) {
        let title = text.lines().find_map(|line| line.strip_prefix("title:"));
        if let Some(title) = title {
            self.title = Some(title.trim().trim_matches(['"', '\'']).to_owned());
        }
    }
}

/// One row of a table as one line; a row of empty cells is no line.
pub(crate) fn join_cells(cells: &[String]) -> String {
    if cells.iter().all(|cell| cell.trim().is_empty()) { String::new() } else { cells.join(" | ") }
}

fn level_of(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structure_becomes_roles_and_markup_goes() {
        let source = "---\ntitle: \"The Plan\"\n---\n# One\n\nSome *bold* [link](http://x) text\nsecond line\n\n- a\n- b\n  - c\n\n> quoted\n\n```\nlet x  = 1;\n```\n\n| k | v |\n|---|---|\n| a | 1 |\n";
        let mut writer = Writer::default();
        Parser::new_ext(source, options()).for_each(|event| writer.event(event));
        assert_eq!(writer.title.as_deref(), Some("The Plan"));
        let pages = writer.flow.finish();
        let PageReading::Read(page) = &pages[0] else { unreachable!() };
        let lines: Vec<_> = page.lines.iter().map(|line| (line.role, line.text.as_str())).collect();
        assert_eq!(
            lines,
            [
                (Role::Title, "One"),
                (Role::Body, "Some bold link text"),
                (Role::Body, "second line"),
                (Role::Item, "a"),
                (Role::Item, "b"),
                (Role::Item, "c"),
                (Role::Quote, "quoted"),
                (Role::Code, "let x  = 1;"),
                (Role::Row, "k | v"),
                (Role::Row, "a | 1"),
            ]
        );
    }
}
