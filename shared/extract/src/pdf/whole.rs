//! Whether a PDF is all there.
//!
//! A reader can dig pages out of half a file, and would then summarize half a document without a word. A PDF
//! is written front to back and ends with `startxref` and `%%EOF`; where objects follow the last of these,
//! or a linearized file is shorter than it says, the end is missing.

use crate::ReadError;
use crate::kind::{find, find_last};
use hayro::hayro_syntax::Pdf;
use hayro::hayro_syntax::object::Dict;

/// Refuses a file that was cut short.
pub(crate) fn check(bytes: &[u8]) -> Result<(), ReadError> {
    let end =
        [&b"%%EOF"[..], b"startxref"].iter().filter_map(|mark| find_last(bytes, mark)).max().unwrap_or(0);
    let tail = &bytes[end..];
    let cut =
        |place: &str| Err(ReadError::damaged(format!("the file ends at byte {}, {place}", bytes.len())));
    if let Some(at) = find_last(tail, b" obj") {
        let rest = &tail[at..];
        let object = object_name(&tail[..at]);
        return match (find(rest, b"endobj"), find(rest, b"stream")) {
            (Some(_), _) => cut("before its table of objects"),
            (None, Some(_)) => cut(&format!("in the middle of the contents of object {object}")),
            (None, None) => cut(&format!("in the middle of object {object}")),
        };
    }
    if end == 0 {
        return cut("before its first object");
    }
    match linearized_length(bytes) {
        Some(length) if length > bytes.len() as u64 => Err(ReadError::damaged(format!(
            "the file ends at byte {}, and by its own account it has {length}",
            bytes.len()
        ))),
        _ => Ok(()),
    }
}

/// The number that stands before " obj".
fn object_name(before: &[u8]) -> String {
    let tail = String::from_utf8_lossy(&before[before.len().saturating_sub(24)..]).into_owned();
    let mut numbers = tail.split_ascii_whitespace().rev();
    let _generation = numbers.next();
    let number: String = numbers.next().unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
    if number.is_empty() { "?".to_owned() } else { number }
}

fn linearized_length(bytes: &[u8]) -> Option<u64> {
    let head = &bytes[..bytes.len().min(1024)];
    let head = String::from_utf8_lossy(&head[find(head, b"/Linearized")?..]).into_owned();
    let dict = &head[..head.find("endobj").unwrap_or(head.len())];
    let after = &dict[dict.find("/L ")? + 3..];
    after.trim_start().split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Whether the file itself says, in the clear, that it has no pages.
pub(crate) fn says_no_pages(bytes: &[u8]) -> bool {
    find(bytes, b"/Count 0").is_some() && find(bytes, b"/Pages").is_some()
}

/// How many pages the root of the page tree speaks of.
pub(crate) fn stated_pages(pdf: &Pdf) -> Option<usize> {
    let catalog = pdf.xref().get::<Dict<'_>>(pdf.xref().root_id())?;
    let pages = catalog.get::<Dict<'_>>(b"Pages".as_slice())?;
    let count = pages.get::<i32>(b"Count".as_slice())?;
    // Nonsense beyond what the file could hold is not believed.
    usize::try_from(count).ok().filter(|count| *count <= pdf.len().max(pdf.pages().len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_file_says_where_it_ends() {
        let whole = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\nxref\ntrailer\n<<>>\nstartxref\n9\n%%EOF\n";
        assert_eq!(check(whole), Ok(()));
        let says = |bytes: &[u8]| check(bytes).unwrap_err().to_string();
        assert_eq!(says(&whole[..20]), "the file ends at byte 20, in the middle of object 1");
        assert_eq!(says(&whole[..36]), "the file ends at byte 36, before its table of objects");
        assert_eq!(
            says(b"%PDF-1.4\n12 0 obj\n<< >>\nstream\nabc"),
            "the file ends at byte 34, in the middle of the contents of object 12"
        );
        assert_eq!(says(b"%PDF-1.4\n"), "the file ends at byte 9, before its first object");
    }

    #[test]
    fn an_update_that_was_cut_and_a_short_linearized_file_are_noticed() {
        let updated = b"%PDF-1.4\n1 0 obj\nendobj\nstartxref\n9\n%%EOF\n2 0 obj\n<< /A";
        assert!(check(updated).is_err());
        let linear = b"%PDF-1.4\n1 0 obj\n<</Linearized 1/L 99999/H [1 2]>>\nendobj\nstartxref\n0\n%%EOF\n";
        assert!(check(linear).unwrap_err().to_string().contains("99999"));
    }

    #[test]
    fn junk_after_the_end_is_no_damage() {
        assert_eq!(check(b"%PDF-1.4\n1 0 obj\nendobj\nstartxref\n9\n%%EOF\n\0\0\0<!-- proxy -->"), Ok(()));
    }
}
