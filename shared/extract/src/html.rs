//! HTML: what the page says, without its menus.
//!
//! The tree is walked without recursion, since its depth is the sender's to choose.

use crate::flow::Flow;
use crate::markdown::join_cells;
use crate::reader::Job;
use crate::text::{clean, decode};
use crate::{PageReading, ReadError};
use domain::text::Role;
use ego_tree::iter::Edge;
use scraper::node::Element;
use scraper::{ElementRef, Html, Node};

type Parts = (Option<String>, Vec<PageReading>);

/// Reads a page; `declared` is the encoding that a mail header states for it.
pub(crate) fn read(bytes: &[u8], declared: Option<&str>, _job: &mut Job<'_>) -> Result<Parts, ReadError> {
    let mut flow = Flow::default();
    let sniffed = declared.map(str::to_owned).or_else(|| declared_inside(bytes));
    let title = write(&decode(bytes, sniffed.as_deref()).text, &mut flow);
    Ok((title, flow.finish()))
}

/// The encoding that a `<meta>` near the top declares.
fn declared_inside(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(4096)]).to_ascii_lowercase();
    let after = &head[head.find("charset=")? + 8..];
    let label: String = after
        .trim_start_matches(['"', '\'', ' '])
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "-_:".contains(*c))
        .collect();
    (!label.is_empty()).then_some(label)
}

/// Writes the page's content into a flow and returns its title.
pub(crate) fn write(source: &str, flow: &mut Flow) -> Option<String> {
    let document = Html::parse_document(source);
    let root = document.root_element();
    let title = first(root, "title").map(|element| element.text().collect::<String>());
    let start = main_content(root);
    Writer::new(flow, true).walk(start);
    if flow.is_empty() {
        // A page made of nothing but what looks like menus: then they are what it says.
        Writer::new(flow, false).walk(root);
    }
    title
}

/// The words of a fragment, for HTML inside other formats.
pub(crate) fn text_of(fragment: &str) -> String {
    let document = Html::parse_fragment(fragment);
    clean(&document.root_element().text().collect::<Vec<_>>().join(" "))
}

fn first<'a>(root: ElementRef<'a>, name: &str) -> Option<ElementRef<'a>> {
    root.descendent_elements().find(|element| element.value().name() == name)
}

fn letters(element: ElementRef<'_>) -> usize {
    element.text().map(|text| text.trim().len()).sum()
}

/// The element that the page itself marks as its content, if that holds enough to be believed.
fn main_content(root: ElementRef<'_>) -> ElementRef<'_> {
    let marked = root.descendent_elements().filter(|element| {
        let it = element.value();
        it.name() == "main" || it.name() == "article" || it.attr("role") == Some("main")
    });
    // Of several articles (a list of them) none is the content: then all is read.
    let mut outer: Vec<ElementRef<'_>> = Vec::new();
    for element in marked {
        let inside = element.ancestors().any(|node| outer.iter().any(|known| known.id() == node.id()));
        if !inside {
            outer.push(element);
        }
        if outer.len() > 1 {
            return root;
        }
    }
    match outer.as_slice() {
        [only] if letters(*only) >= 200 => *only,
        _ => root,
    }
}

/// Whether a whole element is left out.
fn is_dropped(element: ElementRef<'_>, menus: bool) -> bool {
    let it = element.value();
    let silent = matches!(
        it.name(),
        "script"
            | "style"
            | "template"
            | "noscript"
            | "svg"
            | "iframe"
            | "object"
            | "head"
            | "select"
            | "button"
            | "textarea"
            | "canvas"
            | "audio"
            | "video"
            | "math"
            | "datalist"
    );
    silent || is_hidden(it) || (menus && (is_menu_element(element) || is_menu_by_name(element)))
}

fn is_hidden(it: &Element) -> bool {
    let style = it.attr("style").unwrap_or_default().replace(' ', "").to_ascii_lowercase();
    it.attr("hidden").is_some()
        || it.attr("aria-hidden") == Some("true")
        || style.contains("display:none")
        || style.contains("visibility:hidden")
        || style.contains("mso-hide:all")
}

fn is_menu_element(element: ElementRef<'_>) -> bool {
    let it = element.value();
    let by_role = matches!(
        it.attr("role"),
        Some("navigation" | "banner" | "contentinfo" | "search" | "menu" | "menubar")
    );
    let of_page = || {
        !element
            .ancestors()
            .filter_map(ElementRef::wrap)
            .any(|outer| matches!(outer.value().name(), "main" | "article" | "section" | "blockquote"))
    };
    by_role
        || matches!(it.name(), "nav" | "aside" | "menu")
        // The head and foot of an article belong to it; those of the page do not.
        || (matches!(it.name(), "header" | "footer") && of_page() && first(element, "h1").is_none())
}

/// Menus without the right element: named like one, and made of links.
fn is_menu_by_name(element: ElementRef<'_>) -> bool {
    const NAMES: &[&str] = &[
        "nav",
        "navbar",
        "navigation",
        "menu",
        "sidebar",
        "breadcrumb",
        "breadcrumbs",
        "footer",
        "cookie",
        "cookies",
        "share",
        "social",
        "related",
        "pagination",
        "toc",
        "contents",
        "skip-link",
        "advert",
        "ads",
        "banner",
    ];
    let it = element.value();
    if !matches!(it.name(), "div" | "ul" | "ol" | "section" | "p" | "table" | "details") {
        return false;
    }
    let named = it.classes().chain(it.id()).any(|name| {
        let name = name.to_ascii_lowercase();
        NAMES.iter().any(|known| name == *known) || name.split(['-', '_']).any(|part| NAMES.contains(&part))
    });
    named && {
        let all = letters(element);
        let links: usize =
            element.descendent_elements().filter(|inner| inner.value().name() == "a").map(letters).sum();
        links * 2 > all || all < 40
    }
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "body"
            | "caption"
            | "center"
            | "dd"
            | "details"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "header"
            | "hr"
            | "html"
            | "legend"
            | "li"
            | "main"
            | "nav"
            | "ol"
            | "p"
            | "pre"
            | "section"
            | "summary"
            | "table"
            | "tbody"
            | "td"
            | "tfoot"
            | "th"
            | "thead"
            | "tr"
            | "ul"
    )
}

fn role_of(name: &str) -> Option<Role> {
    Some(match name {
        "h1" => Role::Heading(1),
        "h2" => Role::Heading(2),
        "h3" => Role::Heading(3),
        "h4" => Role::Heading(4),
        "h5" => Role::Heading(5),
        "h6" => Role::Heading(6),
        "li" => Role::Item,
        "blockquote" => Role::Quote,
        _ => return None,
    })
}

struct Writer<'f> {
    flow: &'f mut Flow,
    menus: bool,
    buffer: String,
    /// The roles of the open elements that have one; the innermost counts.
    roles: Vec<Role>,
    pre: usize,
    /// Cells of the open rows: tables may stand inside tables.
    rows: Vec<Vec<String>>,
    cell: usize,
}

impl<'f> Writer<'f> {
    fn new(flow: &'f mut Flow, menus: bool) -> Self {
        Self { flow, menus, buffer: String::new(), roles: Vec::new(), pre: 0, rows: Vec::new(), cell: 0 }
    }

    fn role(&self) -> Role {
        self.roles.last().copied().unwrap_or_default()
    }

    /// What was gathered becomes a block, or part of the open table cell.
    fn end_block(&mut self) {
        let text = std::mem::take(&mut self.buffer);
        match self.rows.last_mut() {
            Some(row) if self.cell > 0 => {
                let text = clean(&text);
                if let (Some(cell), false) = (row.last_mut(), text.is_empty()) {
                    if !cell.is_empty() {
                        cell.push(' ');
                    }
                    cell.push_str(&text);
                }
            }
            _ => {
                let role = if self.pre > 0 { Role::Code } else { self.role() };
                self.flow.block(role, &text);
            }
        }
    }

    fn text(&mut self, text: &str) {
        if self.pre > 0 {
            self.buffer.push_str(text);
        } else {
            // Outside <pre> a line break is a space like any other.
            self.buffer.extend(text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }));
        }
    }

    fn open(&mut self, it: &Element) {
        let name = it.name();
        if name == "br" {
            self.buffer.push('\n');
        } else if is_block(name) {
            self.end_block();
        }
        match name {
            "pre" => self.pre += 1,
            "tr" => self.rows.push(Vec::new()),
            "td" | "th" => {
                self.cell += 1;
                if let Some(row) = self.rows.last_mut() {
                    row.push(String::new());
                }
            }
            _ => {}
        }
        self.roles.extend(role_of(name));
    }

    fn close(&mut self, it: &Element) {
        let name = it.name();
        if is_block(name) {
            self.end_block();
        }
        match name {
            "pre" => self.pre = self.pre.saturating_sub(1),
            "td" | "th" => self.cell = self.cell.saturating_sub(1),
            "tr" => self.end_row(),
            _ => {}
        }
        if role_of(name).is_some() {
            self.roles.pop();
        }
    }

    fn end_row(&mut self) {
        let Some(row) = self.rows.pop() else { return };
        let text = join_cells(&row);
        if self.rows.is_empty() {
            // One cell to a row is a table for layout, and its text is text.
            let role = if row.len() > 1 { Role::Row } else { self.role() };
            self.flow.block(role, &text);
        } else {
            self.buffer.push_str(&text);
            self.end_block();
        }
    }

    fn walk(&mut self, root: ElementRef<'_>) {
        let mut skip = None;
        for edge in root.traverse() {
            match edge {
                Edge::Open(node) if skip.is_none() => match node.value() {
                    Node::Text(text) => self.text(text),
                    Node::Element(it) => match ElementRef::wrap(node) {
                        Some(element) if node.id() != root.id() && is_dropped(element, self.menus) => {
                            skip = Some(node.id());
                        }
                        _ => self.open(it),
                    },
                    _ => {}
                },
                Edge::Close(node) => {
                    if skip == Some(node.id()) {
                        skip = None;
                    } else if skip.is_none()
                        && let Node::Element(it) = node.value()
                    {
                        self.close(it);
                    }
                }
                Edge::Open(_) => {}
            }
        }
        self.end_block();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(source: &str) -> (Option<String>, Vec<(Role, String)>) {
        let mut flow = Flow::default();
        let title = write(source, &mut flow);
        let lines = flow
            .finish()
            .into_iter()
            .flat_map(|page| match page {
                PageReading::Read(page) => page.lines,
                PageReading::NeedsOcr { .. } => Vec::new(),
            })
            .map(|line| (line.role, line.text))
            .collect();
        (title, lines)
    }

    #[test]
    fn content_is_read_and_menus_are_not() {
        let (title, lines) = lines(
            "<html><head><title>The\n Report</title><script>x()</script></head><body>\
             <nav><a href=/>Home</a></nav><header>ACME <a>login</a></header>\
             <div class='side-menu'><a>one</a> <a>two</a></div>\
             <h1>Report</h1><p>First <b>bold</b>\nline.<br>Second.</p><ul><li>item one<li>item two</ul>\
             <table><tr><th>Name<th>Price</tr><tr><td><p>Bolt</p><td>3</tr></table>\
             <pre>a\n  b</pre><blockquote>said</blockquote><p style='display: none'>secret</p>\
             <footer>Imprint</footer></body></html>",
        );
        assert_eq!(title.as_deref().map(clean).as_deref(), Some("The Report"));
        let expected = [
            (Role::Title, "Report"),
            (Role::Body, "First bold line."),
            (Role::Body, "Second."),
            (Role::Item, "item one"),
            (Role::Item, "item two"),
            (Role::Row, "Name | Price"),
            (Role::Row, "Bolt | 3"),
            (Role::Code, "a"),
            (Role::Code, "  b"),
            (Role::Quote, "said"),
        ];
        assert_eq!(lines, expected.map(|(role, text)| (role, text.to_owned())));
    }

    #[test]
    fn the_element_marked_as_content_is_taken_when_it_holds_enough() {
        let long = "word ".repeat(80);
        let (_, lines) =
            lines(&format!("<p>before</p><main><header><h1>T</h1></header><p>{long}</p></main><p>after</p>"));
        assert_eq!(lines.len(), 2, "{lines:?}");
    }

    #[test]
    fn a_page_of_menus_only_is_read_as_it_is() {
        let (_, lines) = lines("<nav><ul><li><a>Opening hours</a></li></ul></nav>");
        assert_eq!(lines, [(Role::Item, "Opening hours".to_owned())]);
    }

    #[test]
    fn nesting_of_any_depth_is_read() {
        let deep = format!("{}deep{}", "<div>".repeat(20_000), "</div>".repeat(20_000));
        assert_eq!(lines(&deep).1, [(Role::Body, "deep".to_owned())]);
    }
}
