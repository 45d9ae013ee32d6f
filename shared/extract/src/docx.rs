//! Word documents: the main text with its styles, lists, tables, notes and page breaks.
//!
//! A DOCX has no pages of its own; Word notes where they ended when it last laid the text out
//! (`lastRenderedPageBreak`), and those marks and the author's own breaks are the pages here.

use crate::flow::Flow;
use crate::markdown::join_cells;
use crate::package::Package;
use crate::reader::Job;
use crate::{PageReading, ReadError};
use domain::text::Role;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::collections::HashMap;

type Parts = (Option<String>, Vec<PageReading>);

pub(crate) fn read(bytes: &[u8], job: &mut Job<'_>) -> Result<Parts, ReadError> {
    let mut package = Package::open(bytes, job.limits)?;
    let main = main_part(&mut package)?;
    let Some(body) = package.xml(&main)? else {
        return Err(ReadError::damaged(format!("its text ({main}) is missing from the package")));
    };
    let folder = main.rsplit_once('/').map(|(folder, _)| format!("{folder}/")).unwrap_or_default();
    let styles =
        package.xml(&format!("{folder}styles.xml"))?.map(|xml| Styles::read(&xml)).unwrap_or_default();
    let mut writer = Writer::new(&styles, job.limits.max_pages);
    writer.walk(&body)?;
    for notes in ["footnotes.xml", "endnotes.xml"] {
        if let Some(xml) = package.xml(&format!("{folder}{notes}"))? {
            writer.walk(&xml)?;
        }
    }
    let title = package.xml("docProps/core.xml")?.and_then(|xml| first_text(&xml, "title"));
    Ok((title, writer.flow.finish()))
}

/// The path of the main text, which the package's relations name.
fn main_part(package: &mut Package<'_>) -> Result<String, ReadError> {
    let relations = package.xml("_rels/.rels")?.unwrap_or_default();
    let mut reader = Reader::from_str(&relations);
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Eof => break,
            Event::Start(start) | Event::Empty(start) => {
                let is_main = attribute(&start, "Type").is_some_and(|kind| kind.ends_with("/officeDocument"));
                if let (true, Some(target)) = (is_main, attribute(&start, "Target")) {
                    return Ok(target.trim_start_matches('/').to_owned());
                }
            }
            _ => {}
        }
    }
    Ok("word/document.xml".to_owned())
}

/// An attribute's value by its name without a namespace prefix.
fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    start.attributes().with_checks(false).flatten().find_map(|attribute| {
        let key = attribute.key.local_name();
        (AsRef::<str>::as_ref(&key) == name)
            .then(|| {
                attribute
                    .normalized_value(quick_xml::XmlVersion::Implicit1_0)
                    .ok()
                    .map(|value| value.into_owned())
            })
            .flatten()
    })
}

/// The text of the first element with this local name.
fn first_text(xml: &str, name: &str) -> Option<String> {
    let mut reader = Reader::from_str(xml);
    let mut inside = false;
    let mut text = String::new();
    loop {
        match reader.read_event().ok()? {
            Event::Eof => return None,
            Event::Start(start) if local(start.local_name().as_ref()) == name => inside = true,
            Event::End(end) if inside && local(end.local_name().as_ref()) == name => return Some(text),
            event if inside => push_text(&mut text, &event),
            _ => {}
        }
    }
}

fn local(name: &str) -> &str {
    name
}

/// Appends what a text, CDATA or entity event stands for.
fn push_text(out: &mut String, event: &Event<'_>) {
    match event {
        Event::Text(text) => out.push_str(&text.xml10_content()),
        Event::CData(text) => out.push_str(&text.xml10_content()),
        Event::GeneralRef(reference) => {
            if let Ok(Some(character)) = reference.resolve_char_ref() {
                out.push(character);
            } else {
                out.push_str(match &*reference.xml10_content() {
                    "amp" => "&",
                    "lt" => "<",
                    "gt" => ">",
                    "quot" => "\"",
                    "apos" => "'",
                    _ => "",
                });
            }
        }
        _ => {}
    }
}

/// What styles mean: their built-in names are English in every language of Word.
#[derive(Default)]
struct Styles {
    roles: HashMap<String, Role>,
}

impl Styles {
    fn read(xml: &str) -> Self {
        let mut reader = Reader::from_str(xml);
        let (mut roles, mut bases) = (HashMap::new(), HashMap::new());
        let mut id: Option<String> = None;
        while let Ok(event) = reader.read_event() {
            match event {
                Event::Eof => break,
                Event::Start(start) | Event::Empty(start) => {
                    let value = attribute(&start, "val").unwrap_or_default();
                    match (local(start.local_name().as_ref()), &id) {
                        ("style", _) => id = attribute(&start, "styleId"),
                        ("name", Some(id)) => {
                            if let Some(role) = role_of_style(&value) {
                                roles.insert(id.clone(), role);
                            }
                        }
                        ("basedOn", Some(id)) => {
                            bases.insert(id.clone(), value);
                        }
                        ("outlineLvl", Some(id)) => {
                            if let Some(level) = value.parse::<u8>().ok().filter(|level| *level < 9) {
                                roles.entry(id.clone()).or_insert(Role::Heading(level + 1));
                            }
                        }
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        // A style of one's own inherits what its base means.
        for (id, base) in &bases {
            let mut base = Some(base);
            for _ in 0..8 {
                let Some(known) = base else { break };
                if let Some(role) = roles.get(known).copied() {
                    roles.entry(id.clone()).or_insert(role);
                    break;
                }
                base = bases.get(known);
            }
        }
        Self { roles }
    }
}

fn role_of_style(name: &str) -> Option<Role> {
    let name = name.to_ascii_lowercase();
    if let Some(level) = name.strip_prefix("heading ").and_then(|level| level.trim().parse::<u8>().ok()) {
        return Some(Role::Heading(level.clamp(1, 9)));
    }
    match name.as_str() {
        "title" => Some(Role::Title),
        "subtitle" => Some(Role::Heading(2)),
        "quote" | "intense quote" => Some(Role::Quote),
        "html preformatted" | "macro" | "plain text" => Some(Role::Code),
        _ if name.starts_with("list bullet")
            || name.starts_with("list number")
            || name == "list paragraph" =>
        {
            Some(Role::Item)
        }
        _ if name.starts_with("toc ") => Some(Role::Furniture),
        _ => None,
    }
}

struct Writer<'s> {
    flow: Flow,
    styles: &'s Styles,
    max_pages: u32,
    pages: u32,
    text: String,
    role: Option<Role>,
    item: bool,
    in_text: bool,
    hidden_run: bool,
    /// Open elements whose content is not the document's text (deleted, moved away, a second rendering).
    skipped: u32,
    /// Rows of the open tables; cells hold the text so far.
    rows: Vec<Vec<String>>,
    break_after: bool,
}

impl<'s> Writer<'s> {
    fn new(styles: &'s Styles, max_pages: u32) -> Self {
        Self {
            flow: Flow::default(),
            styles,
            max_pages,
            pages: 1,
            text: String::new(),
            role: None,
            item: false,
            in_text: false,
            hidden_run: false,
            skipped: 0,
            rows: Vec::new(),
            break_after: false,
        }
    }

    fn walk(&mut self, xml: &str) -> Result<(), ReadError> {
        let mut reader = Reader::from_str(xml);
        reader.config_mut().expand_empty_elements = true;
        reader.config_mut().check_end_names = false;
        loop {
            let event = reader.read_event().map_err(|error| {
                ReadError::damaged(format!(
                    "its text breaks off at byte {} of the XML ({error})",
                    reader.error_position()
                ))
            })?;
            match event {
                Event::Eof => break,
                Event::Start(start) => self.open(&start)?,
                Event::End(end) => self.close(local(end.local_name().as_ref()))?,
                event if self.in_text && self.skipped == 0 && !self.hidden_run => {
                    push_text(&mut self.text, &event)
                }
                _ => {}
            }
        }
        self.end_paragraph();
        Ok(())
    }

    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), ReadError> {
        let on = || attribute(start, "val").is_none_or(|value| value != "0" && value != "false");
        match local(start.local_name().as_ref()) {
            "Fallback" | "del" | "moveFrom" | "instrText" => self.skipped += 1,
            _ if self.skipped > 0 => {}
            "p" => self.end_paragraph(),
            "r" => self.hidden_run = false,
            "vanish" if on() => self.hidden_run = true,
            "t" => self.in_text = true,
            "tab" if !self.text.is_empty() => self.text.push(' '),
            "noBreakHyphen" => self.text.push('-'),
            "cr" => self.text.push('\n'),
            "br" => match attribute(start, "type").as_deref() {
                Some("page") => self.page_break()?,
                Some(_) => self.text.push(' '),
                None => self.text.push('\n'),
            },
            "lastRenderedPageBreak" => self.page_break()?,
            "pStyle" => {
                let id = attribute(start, "val").unwrap_or_default();
                self.role = self.styles.roles.get(&id).copied();
            }
            "numPr" => self.item = true,
            // Section ends are page ends unless they say otherwise; Word writes the marks for both.
            "sectPr" => self.break_after = true,
            "type" if self.break_after && attribute(start, "val").as_deref() == Some("continuous") => {
                self.break_after = false;
            }
            "tr" => self.rows.push(Vec::new()),
            "tc" => {
                if let Some(row) = self.rows.last_mut() {
                    row.push(String::new());
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, name: &str) -> Result<(), ReadError> {
        match name {
            "Fallback" | "del" | "moveFrom" | "instrText" => self.skipped = self.skipped.saturating_sub(1),
            _ if self.skipped > 0 => {}
            "t" => self.in_text = false,
            "r" => self.hidden_run = false,
            "p" => {
                self.end_paragraph();
                if std::mem::take(&mut self.break_after) && self.rows.is_empty() {
                    self.page_break()?;
                }
            }
            "tr" => self.end_row(),
            _ => {}
        }
        Ok(())
    }

    fn current_role(&self) -> Role {
        match self.role {
            Some(role) => role,
            None if self.item => Role::Item,
            None => Role::Body,
        }
    }

    fn end_paragraph(&mut self) {
        let text = std::mem::take(&mut self.text);
        if let Some(cell) = self.rows.last_mut().and_then(|row| row.last_mut()) {
            let text = crate::text::clean(&text);
            if !text.is_empty() {
                if !cell.is_empty() {
                    cell.push(' ');
                }
                cell.push_str(&text);
            }
        } else {
            self.flow.block(self.current_role(), &text);
        }
        self.role = None;
        self.item = false;
    }

    fn end_row(&mut self) {
        self.end_paragraph();
        let Some(row) = self.rows.pop() else { return };
        let text = join_cells(&row);
        match self.rows.last_mut().and_then(|outer| outer.last_mut()) {
            Some(cell) => {
                if !cell.is_empty() && !text.is_empty() {
                    cell.push_str("; ");
                }
                cell.push_str(&text);
            }
            None => self.flow.block(if row.len() > 1 { Role::Row } else { Role::Body }, &text),
        }
    }

    fn page_break(&mut self) -> Result<(), ReadError> {
        if self.rows.is_empty() {
            let text = std::mem::take(&mut self.text);
            self.flow.block(self.current_role(), &text);
            // Word marks an author's break twice: as the break, and where it took effect.
            self.flow.page_break_if_written();
            self.pages += 1;
            if self.pages > self.max_pages.saturating_mul(4) {
                return Err(ReadError::too_many_pages(self.pages as usize, self.max_pages));
            }
        }
        Ok(())
    }
}
