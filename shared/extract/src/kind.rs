//! What a file is, by its bytes. The name is believed only between kinds of text, which look alike.

use crate::ReadError;
use crate::package;
use crate::text::{Decoded, decode, looks_like_text};
use domain::reason::Reason;
use serde::{Deserialize, Serialize};

/// A kind of document that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// PDF.
    Pdf,
    /// Word document (Office Open XML).
    Docx,
    /// HTML.
    Html,
    /// Markdown.
    Markdown,
    /// Plain text.
    Text,
    /// An e-mail message as it travels (RFC 5322).
    Mail,
    /// PNG image.
    Png,
    /// JPEG image.
    Jpeg,
    /// TIFF image, of one or many pages.
    Tiff,
}

impl Kind {
    /// The word used in JSON and tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Docx => "docx",
            Self::Html => "html",
            Self::Markdown => "markdown",
            Self::Text => "text",
            Self::Mail => "mail",
            Self::Png => "png",
            Self::Jpeg => "jpeg",
            Self::Tiff => "tiff",
        }
    }

    /// The media type as IANA lists it.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Self::Html => "text/html",
            Self::Markdown => "text/markdown",
            Self::Text => "text/plain",
            Self::Mail => "message/rfc822",
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Tiff => "image/tiff",
        }
    }
}

/// Says what a file is. `bytes` is the whole file (a ZIP names its parts at its end).
///
/// # Errors
/// `EMPTY_FILE`, `ENCRYPTED` (an Office file behind a password) or `UNSUPPORTED_TYPE`, whose detail says what
/// it is where that is known.
pub fn detect(bytes: &[u8], name: &str) -> Result<Kind, ReadError> {
    if bytes.is_empty() {
        return Err(ReadError::of(Reason::EmptyFile, "it has zero bytes"));
    }
    if let Some(kind) = by_magic(bytes) {
        return Ok(kind);
    }
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return package::kind_of(bytes);
    }
    if bytes.starts_with(&[0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1]) {
        return Err(old_office(bytes));
    }
    if let Some(known) = known_foreign(bytes) {
        return Err(ReadError::unsupported(format!("it is {known}")));
    }
    by_text(bytes, name)
}

fn by_magic(bytes: &[u8]) -> Option<Kind> {
    let head = &bytes[..bytes.len().min(1024)];
    if head.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some(Kind::Png)
    } else if head.starts_with(&[0xFF, 0xD8, 0xFF]) {
        Some(Kind::Jpeg)
    } else if [&b"II*\0"[..], b"MM\0*", b"II+\0", b"MM\0+"].iter().any(|magic| head.starts_with(magic)) {
        Some(Kind::Tiff)
    } else if let Some(at) = find(head, b"%PDF-") {
        // Junk before the header is common and legal for readers; a page of prose about PDF is not PDF.
        let before = &head[..at];
        let prose = before.len() > 16 && looks_like_text(before) && !before.starts_with(b"%!PS");
        (!prose).then_some(Kind::Pdf)
    } else {
        None
    }
}

fn old_office(bytes: &[u8]) -> ReadError {
    let wide: Vec<u8> = "EncryptedPackage".bytes().flat_map(|byte| [byte, 0]).collect();
    if find(bytes, &wide).is_some() {
        ReadError::of(Reason::Encrypted, "it is an Office document behind a password")
    } else {
        ReadError::unsupported("it is an Office document of the time before 2007 (.doc, .xls, .ppt, .msg)")
    }
}

fn known_foreign(bytes: &[u8]) -> Option<&'static str> {
    const KNOWN: &[(&[u8], &str)] = &[
        (b"GIF8", "a GIF image"),
        (b"{\\rtf", "an RTF document"),
        (b"\x1f\x8b", "a gzip archive"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        (b"Rar!\x1a\x07", "a RAR archive"),
        (b"BZh", "a bzip2 archive"),
        (b"\xfd7zXZ\0", "an xz archive"),
        (b"\x28\xb5\x2f\xfd", "a zstd archive"),
        (b"\x7fELF", "a program"),
        (b"MZ\x90\0", "a Windows program"),
        (b"ID3", "an MP3 recording"),
        (b"OggS", "an Ogg recording"),
        (b"SQLite format 3\0", "an SQLite database"),
        (b"%!PS", "a PostScript file"),
    ];
    if bytes.len() > 12 {
        if &bytes[4..8] == b"ftyp" {
            return Some("a video, or an image as phones take it (MP4, HEIC)");
        }
        if bytes.starts_with(b"RIFF") {
            return Some(if &bytes[8..12] == b"WEBP" { "a WebP image" } else { "a recording or a video" });
        }
    }
    KNOWN.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, name)| *name)
}

fn by_text(bytes: &[u8], name: &str) -> Result<Kind, ReadError> {
    let head = &bytes[..bytes.len().min(64 << 10)];
    if bytes.iter().all(|&byte| byte == 0) {
        return Err(ReadError::of(Reason::ZeroBytes, format!("all of its {} bytes are zero", bytes.len())));
    }
    if !looks_like_text(head) {
        return Err(ReadError::unsupported("it is neither text nor a known kind of document"));
    }
    let Decoded { text, .. } = decode(head, None);
    let text = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    if is_html(text) {
        return Ok(Kind::Html);
    }
    if is_mail(text) {
        return Ok(Kind::Mail);
    }
    let extension = name.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase()).unwrap_or_default();
    Ok(match extension.as_str() {
        "md" | "markdown" | "mdown" | "mkd" => Kind::Markdown,
        "htm" | "html" | "xhtml" if text.contains("</") => Kind::Html,
        _ => Kind::Text,
    })
}

/// HTML shows itself by its first tag, after comments and an XML declaration.
fn is_html(text: &str) -> bool {
    let mut rest = text;
    for _ in 0..16 {
        rest = rest.trim_start();
        let skipped = if rest.starts_with("<!--") {
            rest.find("-->").map(|end| &rest[end + 3..])
        } else if rest.starts_with("<?") {
            rest.find("?>").map(|end| &rest[end + 2..])
        } else {
            None
        };
        match skipped {
            Some(after) => rest = after,
            None => break,
        }
    }
    let start: String = rest.chars().take(16).flat_map(char::to_lowercase).collect();
    [
        "<!doctype html",
        "<html",
        "<head",
        "<body",
        "<title",
        "<meta",
        "<div",
        "<p>",
        "<h1",
        "<table",
        "<article",
    ]
    .iter()
    .any(|tag| start.starts_with(tag))
}

/// Mail opens with header lines, among them at least two that letters have.
fn is_mail(text: &str) -> bool {
    const USUAL: &[&str] = &[
        "from",
        "to",
        "subject",
        "date",
        "received",
        "message-id",
        "mime-version",
        "return-path",
        "content-type",
        "delivered-to",
        "x-mailer",
        "reply-to",
        "cc",
        "dkim-signature",
    ];
    const PROOF: &[&str] = &["from", "received", "return-path", "message-id", "date", "mime-version"];
    let (mut usual, mut proof) = (0, 0);
    let lines =
        text.strip_prefix("From ").map_or(text, |mbox| mbox.split_once('\n').map_or("", |(_, rest)| rest));
    for line in lines.lines() {
        if line.is_empty() {
            break;
        }
        if line.starts_with([' ', '\t']) {
            continue;
        }
        let Some((field, value)) = line.split_once(':') else { return false };
        let known_shape = !field.is_empty() && field.bytes().all(|b| b.is_ascii_graphic());
        if !known_shape {
            return false;
        }
        let field = field.to_ascii_lowercase();
        usual += usize::from(USUAL.contains(&field.as_str()));
        // A memo has "From:" and "Date:" too; a message has an address or a machine's field.
        let machine = !matches!(field.as_str(), "from" | "date") || (field == "from" && value.contains('@'));
        proof += usize::from(PROOF.contains(&field.as_str()) && machine);
    }
    usual >= 2 && proof >= 1
}

/// Where `needle` first stands in `haystack`.
pub(crate) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// Where `needle` last stands in `haystack`.
pub(crate) fn find_last(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).rposition(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(bytes: &[u8], name: &str) -> Reason {
        detect(bytes, name).unwrap_err().reason()
    }

    #[test]
    fn the_content_decides_and_not_the_name() {
        assert_eq!(detect(b"\x89PNG\r\n\x1a\n....", "scan.pdf"), Ok(Kind::Png));
        assert_eq!(detect(b"%PDF-1.4\n...", "letter.docx"), Ok(Kind::Pdf));
        assert_eq!(detect(b"\xff\xd8\xff\xe0....", "x.png"), Ok(Kind::Jpeg));
        assert_eq!(detect(b"II*\0....", ""), Ok(Kind::Tiff));
        assert_eq!(detect(b"just words", "x.pdf"), Ok(Kind::Text));
    }

    #[test]
    fn zeros_noise_and_nothing_are_told_apart() {
        assert_eq!(reason(b"", "x.txt"), Reason::EmptyFile);
        assert_eq!(reason(&[0; 5000], "zeros.txt"), Reason::ZeroBytes);
        let mut state = 1_u32;
        let noise: Vec<u8> = (0..20_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        assert_eq!(reason(&noise, "noise.txt"), Reason::UnsupportedType);
    }

    #[test]
    fn the_name_tells_markdown_from_text_only() {
        assert_eq!(detect(b"# Title\n\ntext", "a.md"), Ok(Kind::Markdown));
        assert_eq!(detect(b"# Title\n\ntext", "a.txt"), Ok(Kind::Text));
    }

    #[test]
    fn html_is_seen_behind_comments_and_declarations() {
        assert_eq!(
            detect(b"<?xml version='1.0'?>\n<!-- x -->\n<!DOCTYPE HTML>\n<html>", "a.txt"),
            Ok(Kind::Html)
        );
        assert_eq!(detect(b"a < b and b > c", "a.html"), Ok(Kind::Text));
    }

    #[test]
    fn mail_is_known_by_its_head_and_a_memo_is_not_mail() {
        let mail = b"Received: by x; Mon\r\nFrom: a@example.org\r\nSubject: hi\r\n\r\nbody";
        assert_eq!(detect(mail, "x.txt"), Ok(Kind::Mail));
        assert_eq!(detect(b"From: Anna\nDate: today\nTo: all\n\nPlease read", "memo.txt"), Ok(Kind::Text));
        assert_eq!(detect(b"Note: this is\nplain prose\n", "x.eml"), Ok(Kind::Text));
    }

    #[test]
    fn a_page_that_speaks_of_pdf_is_not_pdf() {
        assert_eq!(detect(b"A PDF file begins with the characters %PDF-1.4 and so on.", ""), Ok(Kind::Text));
        assert_eq!(detect(b"\0\x01junk%PDF-1.4\n", ""), Ok(Kind::Pdf));
    }

    #[test]
    fn old_and_locked_office_files_are_named() {
        let mut ole = vec![0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1, 0, 0];
        assert_eq!(reason(&ole, "a.doc"), Reason::UnsupportedType);
        ole.extend("EncryptedPackage".bytes().flat_map(|byte| [byte, 0]));
        assert_eq!(reason(&ole, "a.docx"), Reason::Encrypted);
    }
}
