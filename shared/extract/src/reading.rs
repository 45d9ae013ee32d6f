//! What a reader hands back.

use crate::Kind;
use domain::text::{Origin, Page};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Why a page goes to OCR.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The document is a picture.
    Picture,
    /// The page has no or hardly any text, and a picture.
    NoText,
    /// The page has hardly any text, and its letters are drawn as shapes.
    DrawnText,
    /// The text is there, but does not say what is seen: characters without a meaning.
    BadCharacters,
    /// The text is there, but does not look like words.
    NoWords,
    /// A scan with a little text laid over it (a stamp, a footer).
    TextOverScan,
}

impl Why {
    /// For people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Picture => "the document is a picture",
            Self::NoText => "the page is a picture",
            Self::DrawnText => "the letters are drawn as shapes",
            Self::BadCharacters => "the text layer has characters without a meaning",
            Self::NoWords => "the text layer does not hold words",
            Self::TextOverScan => "the page is a scan with a little text laid over it",
        }
    }
}

/// One page, read or still to be read by OCR.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageReading {
    /// The page's text (origin text, blank or unread).
    Read(Page),
    /// The file holds no good text for this page; here is a picture of it.
    NeedsOcr {
        /// Counted from 1 through the whole document, attachments included.
        number: u32,
        /// An 8-bit grey PNG in the output folder, upright as far as the file says, at 200 dpi where the
        /// size of the page is known.
        image: PathBuf,
        /// Why.
        why: Why,
        /// The text that the file holds for the page, for whoever has nothing better.
        text_layer: Option<Page>,
        /// Name of the attachment that the page belongs to, for mail.
        attachment: Option<String>,
    },
}

impl PageReading {
    /// The page's number, from 1.
    #[must_use]
    pub fn number(&self) -> u32 {
        match self {
            Self::Read(page) => page.number,
            Self::NeedsOcr { number, .. } => *number,
        }
    }

    /// Name of the attachment that the page belongs to.
    #[must_use]
    pub fn attachment(&self) -> Option<&str> {
        match self {
            Self::Read(page) => page.attachment.as_deref(),
            Self::NeedsOcr { attachment, .. } => attachment.as_deref(),
        }
    }

    /// Moves the page `by` places on and says which attachment it belongs to.
    pub(crate) fn moved(mut self, by: u32, name: Option<&str>) -> Self {
        let rename = |old: Option<String>| match (name, old) {
            (Some(outer), Some(inner)) => Some(format!("{outer} / {inner}")),
            (Some(outer), None) => Some(outer.to_owned()),
            (None, old) => old,
        };
        match &mut self {
            Self::Read(page) => {
                page.number += by;
                page.attachment = rename(page.attachment.take());
            }
            Self::NeedsOcr { number, attachment, text_layer, .. } => {
                *number += by;
                *attachment = rename(attachment.take());
                if let Some(page) = text_layer {
                    page.number = *number;
                    page.attachment.clone_from(attachment);
                }
            }
        }
        self
    }
}

/// A page that could not be read, with a note for people.
pub(crate) fn unread(number: u32, note: impl Into<String>) -> PageReading {
    PageReading::Read(Page {
        number,
        origin: Origin::Unread,
        lines: Vec::new(),
        attachment: None,
        note: Some(note.into()),
    })
}

/// A document as the reader found it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// What it is, by its content.
    pub kind: Kind,
    /// The title that the file itself states (metadata, mail subject, `<title>`).
    pub title: Option<String>,
    /// In order, numbered from 1 without a gap.
    pub pages: Vec<PageReading>,
    /// Name and version of the reader: two readings by the same reader of the same bytes are the same.
    pub reader: String,
}
