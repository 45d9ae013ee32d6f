//! Merging what OCR read into what ingest read.

use domain::text::{Line, Origin, Pages};
use ports::{Fault, PortError};
use serde::Serialize;

/// Puts recognised lines on their page.
pub fn put_lines(pages: &mut Pages, number: u32, lines: Vec<Line>) {
    let Some(page) = pages.pages.iter_mut().find(|page| page.number == number) else { return };
    page.origin =
        if lines.iter().any(|line| !line.text.trim().is_empty()) { Origin::Ocr } else { Origin::Blank };
    page.lines = lines;
    page.note = None;
}

/// Says on the page why it could not be read.
pub fn put_note(pages: &mut Pages, number: u32, why: &str) {
    if let Some(page) = pages.pages.iter_mut().find(|page| page.number == number) {
        page.origin = Origin::Unread;
        page.note = Some(why.to_owned());
    }
}

/// As an artifact.
pub fn encode(value: &impl Serialize) -> Result<Vec<u8>, PortError> {
    serde_json::to_vec(value).map_err(|error| {
        PortError::new(Fault::Permanent, format!("pages cannot be written as JSON: {error}"))
    })
}

/// Lines as an artifact.
pub fn encode_lines(lines: &[Line]) -> Result<Vec<u8>, PortError> {
    encode(&lines)
}

/// Lines from an artifact.
pub fn decode_lines(body: &[u8]) -> Result<Vec<Line>, PortError> {
    serde_json::from_slice(body)
        .map_err(|error| PortError::new(Fault::Permanent, format!("a part's lines are damaged: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::text::{Page, Role};

    fn unread(number: u32) -> Page {
        Page { number, origin: Origin::Unread, lines: Vec::new(), attachment: None, note: Some("why".into()) }
    }

    fn line(text: &str) -> Line {
        Line { text: text.into(), role: Role::Body, paragraph: 0, bbox: None, confidence: Some(0.9) }
    }

    #[test]
    fn recognised_lines_make_a_page_read_and_none_make_it_blank() {
        let mut pages = Pages { pages: vec![unread(1), unread(2), unread(3)], title: None };
        put_lines(&mut pages, 2, vec![line("Rent rises.")]);
        put_lines(&mut pages, 3, vec![line(" ")]);
        put_note(&mut pages, 1, "too dark");
        let origins: Vec<_> = pages.pages.iter().map(|page| page.origin).collect();
        assert_eq!(origins, [Origin::Unread, Origin::Ocr, Origin::Blank]);
        assert_eq!(pages.pages[0].note.as_deref(), Some("too dark"));
        assert_eq!(pages.pages[1].note, None);
    }

    #[test]
    fn lines_survive_their_artifact_and_a_damaged_one_is_named() {
        let lines = vec![line("a"), line("b")];
        assert_eq!(decode_lines(&encode_lines(&lines).unwrap()).unwrap(), lines);
        assert!(decode_lines(b"[{").unwrap_err().is_permanent());
    }
}
