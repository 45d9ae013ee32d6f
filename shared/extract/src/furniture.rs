//! Page numbers, as they stand at the edge of a page.

/// "7", "- 7 -", "Page 7 of 9", "Seite 7", "vii".
#[must_use]
pub fn is_page_number(text: &str) -> bool {
    let lower = text.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    (1..=5).contains(&words.len())
        && words.iter().any(|word| is_number(word))
        && words.iter().all(|word| is_number(word) || FILLERS.contains(word))
}

/// A short line that ends with "Page 7" or "page 7 of 9", whatever stands before it.
#[must_use]
pub fn ends_with_page_number(text: &str) -> bool {
    let lower = text.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let tail = |length: usize| words.len().checked_sub(length).map(|from| &words[from..]);
    let page = |word: &str| ["page", "seite", "p\u{e1}gina", "pagina"].contains(&word);
    let short = text.chars().count() <= 120;
    short
        && (tail(2).is_some_and(|it| page(it[0]) && is_number(it[1]))
            || tail(4).is_some_and(|it| {
                page(it[0]) && is_number(it[1]) && FILLERS.contains(&it[2]) && is_number(it[3])
            }))
}

const FILLERS: &[&str] =
    &["page", "of", "seite", "von", "p", "pg", "s", "p\u{e1}gina", "de", "pagina", "di", "sur"];

fn is_number(word: &str) -> bool {
    word.len() <= 4
        && (word.bytes().all(|b| b.is_ascii_digit()) || word.bytes().all(|b| b"ivxlc".contains(&b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_numbers_are_told_from_what_only_looks_like_them() {
        for text in ["7", "- 12 -", "xiv", "Page 3 of 12", "Seite 4", "3/12"] {
            assert!(is_page_number(text), "{text}");
        }
        for text in ["2026 budget", "mix", "12345", "Of page boys", ""] {
            assert!(!is_page_number(text), "{text}");
        }
        assert!(
            ends_with_page_number("ACME Ltd, internal Page 3")
                && ends_with_page_number("ACME \u{b7} page 3 of 9")
        );
        assert!(!ends_with_page_number("Version 3"));
    }
}
