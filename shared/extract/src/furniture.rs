//! Page numbers, as they stand at the edge of a page, and lists of them.

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

/// The number that a line begins or ends with, for example of a running head: "Chapter 4: Costs 17".
#[must_use]
pub fn edge_numbers(text: &str) -> Vec<i64> {
    let words: Vec<&str> =
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let number = |word: &&str| word.parse().ok().filter(|number| (1..10_000).contains(number));
    [words.first(), words.last()].into_iter().flatten().filter_map(number).collect()
}

/// An entry of a table of contents or an index: dots that lead to a page number.
#[must_use]
pub fn is_contents_entry(text: &str) -> bool {
    let before = text.trim_end_matches(|c: char| c.is_alphanumeric() || c == ',');
    let leaders = before.chars().rev().take_while(|c| matches!(c, '.' | ' ' | '\u{2026}'));
    before.len() < text.len()
        && leaders.map(|c| if c == '\u{2026}' { 3 } else { usize::from(c == '.') }).sum::<usize>() >= 4
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
        assert!(is_contents_entry("2.4 Notes . . . . . . . . 17") && is_contents_entry("Costs ......... iv"));
        assert!(!is_contents_entry("It cost 3.50") && !is_contents_entry("and so on ......"));
        assert_eq!(edge_numbers("Chapter 4: Costs 17"), [17]);
    }
}
