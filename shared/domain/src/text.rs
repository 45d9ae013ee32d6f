//! What was read: pages made of lines.
//!
//! A reader (text layer, OCR, HTML …) ends here, and everything after it (ranking, citing, e-mails)
//! starts here. A `Line` keeps where it stands, so that a sentence of a summary can be shown in its place.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A rectangle on a page, as fractions (0–1) of the page's width and height, from the top left.
/// The same shape as Textract's `BoundingBox`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BoundingBox {
    /// Distance from the left edge.
    pub left: f32,
    /// Distance from the top edge.
    pub top: f32,
    /// Width.
    pub width: f32,
    /// Height.
    pub height: f32,
}

impl BoundingBox {
    /// The smallest box that holds both.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        let left = self.left.min(other.left);
        let top = self.top.min(other.top);
        let right = (self.left + self.width).max(other.left + other.width);
        let bottom = (self.top + self.height).max(other.top + other.height);
        Self { left, top, width: right - left, height: bottom - top }
    }
}

/// What a line is in its document, as far as the reader could tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Running text.
    #[default]
    Body,
    /// The document's own title.
    Title,
    /// A heading, 1 the highest.
    Heading(u8),
    /// An item of a list, its marker taken off.
    Item,
    /// One row of a table, cells joined by `" | "`.
    Row,
    /// Text quoted from an earlier message.
    Quote,
    /// Computer code or other preformatted text.
    Code,
    /// Running head, page number, footer, menu: read, counted, never quoted.
    Furniture,
}

/// One line of text in reading order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The text, without a line break.
    pub text: String,
    /// What it is.
    #[serde(default)]
    pub role: Role,
    /// Lines of one paragraph share this number; it grows in reading order within a page.
    pub paragraph: u32,
    /// Where it stands, when the format has places.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bbox: Option<BoundingBox>,
    /// 0–1, for OCR only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f32>,
}

/// Where a page's text comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The file itself holds the text.
    Text,
    /// Optical character recognition.
    Ocr,
    /// There is nothing on it.
    Blank,
    /// It could not be read.
    Unread,
}

impl Origin {
    /// The word used in JSON, metrics and tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Ocr => "ocr",
            Self::Blank => "blank",
            Self::Unread => "unread",
        }
    }
}

/// One page of a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// Counted from 1 through the whole document, attachments included.
    pub number: u32,
    /// Where the text comes from.
    pub origin: Origin,
    /// The lines in reading order.
    pub lines: Vec<Line>,
    /// Name of the attachment that the page belongs to, for mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachment: Option<String>,
    /// Why an `Unread` page was not read, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Page {
    /// Words (runs between white space) on the page.
    #[must_use]
    pub fn words(&self) -> usize {
        self.lines.iter().map(|line| line.text.split_whitespace().count()).sum()
    }

    /// Mean confidence of its lines weighted by characters; `None` where nothing was recognised.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a page has far fewer than 2^24 characters")]
    pub fn confidence(&self) -> Option<f32> {
        let (sum, weight) = self.lines.iter().fold((0.0, 0.0), |(sum, weight), line| match line.confidence {
            Some(confidence) => {
                let n = line.text.chars().count() as f32;
                (sum + confidence * n, weight + n)
            }
            None => (sum, weight),
        });
        (weight > 0.0).then(|| sum / weight)
    }
}

/// A document's pages and what the reader learnt beside them: the `pages` artifact.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Pages {
    /// In order, numbered from 1 without a gap.
    pub pages: Vec<Page>,
    /// The title that the file itself states (metadata, mail subject, `<title>`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

impl Pages {
    /// The text that was read, page by page: form feeds between pages, blank lines between paragraphs.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        for (index, page) in self.pages.iter().enumerate() {
            if index > 0 {
                out.push('\u{c}');
            }
            let mut last = None;
            for line in &page.lines {
                if last.is_some_and(|paragraph| paragraph != line.paragraph) {
                    out.push('\n');
                }
                out.push_str(&line.text);
                out.push('\n');
                last = Some(line.paragraph);
            }
        }
        out
    }
}
