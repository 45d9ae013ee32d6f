//! Lines for plain mail programs and terminals: 78 columns by what is seen, not by bytes or characters.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The widest line. RFC 5322 asks for it, and quoting in a reply still fits into 80.
pub const WIDTH: usize = 78;
/// Past this even an address is cut: mail forbids lines over 998 bytes, and nobody types such a link.
const LONGEST_TOKEN: usize = 400;

/// Breaks `text` into lines of at most [`WIDTH`] columns. The first line starts with `first`, the others with
/// `rest`. An address (`https://…`) is never broken and may stand out; other words that no line holds are, and
/// scripts without spaces break between their characters. A no-break space holds its words together, and is written
/// as a plain one.
#[must_use]
pub fn wrap(first: &str, rest: &str, text: &str) -> String {
    let mut out = String::from(first);
    let mut column = first.width();
    let indent = rest.width();
    let mut fresh = true;
    for token in text.split(|c: char| c.is_whitespace() && c != '\u{a0}').filter(|token| !token.is_empty()) {
        let token = shorten(&token.replace('\u{a0}', " "));
        let gap = usize::from(!fresh);
        let breakable = !is_address(&token) && (token.width() > WIDTH - indent || has_wide(&token));
        if column + gap + token.width() <= WIDTH {
            out.push_str(if fresh { "" } else { " " });
            out.push_str(&token);
            column += gap + token.width();
        } else if breakable {
            if !fresh && column + gap < WIDTH - 1 {
                out.push(' ');
                column += 1;
            }
            column = push_broken(&mut out, column, rest, &token);
        } else {
            // Behind a label wider than the indent a line of its own may hold what the first cannot.
            if !fresh || column > indent {
                out.truncate(out.trim_end().len());
                out.push('\n');
                out.push_str(rest);
            }
            out.push_str(&token);
            column = indent + token.width();
        }
        fresh = false;
    }
    out.truncate(out.trim_end().len());
    out
}

fn shorten(token: &str) -> String {
    crate::clean::clip_middle(token, LONGEST_TOKEN)
}

fn is_address(token: &str) -> bool {
    let token = token.trim_start_matches(['(', '<', '"', '[']);
    ["http://", "https://", "file://", "s3://"].iter().any(|scheme| token.starts_with(scheme))
}

fn has_wide(token: &str) -> bool {
    token.chars().any(|c| c.width() == Some(2))
}

/// Pushes a token character by character, breaking where the line is full. Gives the column.
fn push_broken(out: &mut String, mut column: usize, rest: &str, token: &str) -> usize {
    for c in token.chars() {
        let width = c.width().unwrap_or(0);
        if column + width > WIDTH {
            out.push('\n');
            out.push_str(rest);
            column = rest.width();
        }
        out.push(c);
        column += width;
    }
    column
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_flow_into_lines_with_a_hanging_indent() {
        let text = "word ".repeat(30);
        let wrapped = wrap("- ", "  ", &text);
        let lines: Vec<_> = wrapped.lines().collect();
        assert!(lines[0].starts_with("- word") && lines[1].starts_with("  word"));
        assert!(lines.iter().all(|line| line.width() <= WIDTH));
        assert_eq!(wrapped.split_whitespace().filter(|word| *word == "word").count(), 30);
    }

    #[test]
    fn an_address_is_never_broken_and_a_long_word_is() {
        let address = format!("https://example.org/{}", "a".repeat(90));
        let wrapped = wrap("Open: ", "  ", &format!("see {address} now"));
        assert!(wrapped.lines().any(|line| line.trim() == address), "{wrapped}");
        let labelled = wrap("Document: ", "  ", &"y".repeat(74));
        assert_eq!(labelled, format!("Document:\n  {}", "y".repeat(74)));
        assert!(wrap("", "", &"x".repeat(200)).lines().all(|line| line.width() <= WIDTH));
    }

    #[test]
    fn a_script_without_spaces_breaks_between_its_characters() {
        let wrapped = wrap("- ", "  ", &"契約".repeat(60));
        assert!(
            wrapped.lines().count() >= 3 && wrapped.lines().all(|line| line.width() <= WIDTH),
            "{wrapped}"
        );
        assert_eq!(wrapped.chars().filter(|c| *c == '契').count(), 60);
    }

    proptest! {
        #[test]
        fn no_text_makes_a_line_too_wide_unless_it_is_one_address(text in "\\PC{0,300}") {
            for line in wrap("- ", "  ", &crate::clean::clean(&text)).lines() {
                prop_assert!(line.chars().map(|c| c.width().unwrap_or(0)).sum::<usize>() <= WIDTH
                    || is_address(line.trim()), "{line}");
            }
        }
    }
}
