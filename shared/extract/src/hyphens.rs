//! Words that a line break parted.
//!
//! "govern-" and "ment" are one word; "long-" and "term" keep their hyphen. What the document itself writes
//! elsewhere decides: the word in one piece, the compound with its hyphen, or both halves as words.

use domain::text::{Line, Role};
use std::collections::HashSet;

/// Words as a document writes them, in small letters.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary(HashSet<String>);

impl Vocabulary {
    /// Of all lines of a document or page.
    pub fn of<'a>(lines: impl IntoIterator<Item = &'a str>) -> Self {
        let mut words = HashSet::new();
        for line in lines {
            let mut tokens = line.split_whitespace().peekable();
            while let Some(token) = tokens.next() {
                // The half word at the end of a line is no word.
                if tokens.peek().is_some() || !token.ends_with(['-', '\u{2010}']) {
                    words.insert(core_of(token).to_lowercase());
                }
            }
        }
        Self(words)
    }

    fn knows(&self, word: &str) -> bool {
        self.0.contains(word)
    }
}

fn core_of(token: &str) -> &str {
    token.trim_matches(|c: char| !c.is_alphanumeric())
}

/// The first line with its last word completed, and how many bytes of the next line went into it; `None`
/// where the line does not end within a word.
#[must_use]
pub fn joined(line: &str, next: &str, vocabulary: &Vocabulary) -> Option<(String, usize)> {
    let hyphen = line.chars().next_back().filter(|c| matches!(c, '-' | '\u{2010}' | '\u{ad}'))?;
    let before = &line[..line.len() - hyphen.len_utf8()];
    let left = before.split_whitespace().next_back()?;
    let right = next.split_whitespace().next()?;
    let meets = left.chars().next_back().is_some_and(char::is_alphabetic)
        && right.chars().next().is_some_and(char::is_lowercase);
    if !meets || left.contains("://") {
        return None;
    }
    let (lower_left, lower_right) = (core_of(left).to_lowercase(), core_of(right).to_lowercase());
    let together = format!("{lower_left}{lower_right}");
    let compound = format!("{lower_left}-{lower_right}");
    let halves = lower_left.len() > 2 && vocabulary.knows(&lower_left) && vocabulary.knows(&lower_right);
    let keep = hyphen != '\u{ad}'
        && !vocabulary.knows(&together)
        && (vocabulary.knows(&compound) || lower_left.contains('-') || halves);
    let text = if keep { format!("{before}-{right}") } else { format!("{before}{right}") };
    Some((text, next.len() - next.trim_start().len() + right.len()))
}

/// Puts parted words together within each paragraph. The rest of a word moves up to its beginning, so that
/// every line holds whole words; a line left without any goes.
pub fn join_lines(lines: &mut Vec<Line>, vocabulary: &Vocabulary) {
    for at in 1..lines.len() {
        let (head, tail) = lines.split_at_mut(at);
        let (line, next) = (&mut head[at - 1], &mut tail[0]);
        let apart = line.paragraph != next.paragraph
            || [line.role, next.role].iter().any(|role| matches!(role, Role::Row | Role::Code));
        if apart {
            continue;
        }
        if let Some((text, used)) = joined(&line.text, &next.text, vocabulary) {
            line.text = text;
            next.text = next.text[used..].trim_start().to_owned();
        }
    }
    lines.retain(|line| !line.text.is_empty());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_parted_by_a_line_break_is_whole_again_and_a_compound_keeps_its_hyphen() {
        let vocabulary = Vocabulary::of(["a long-term aim", "well, it is known"]);
        let join =
            |a, b| joined(a, b, &vocabulary).map(|(text, used)| (text, b[used..].trim_start().to_owned()));
        assert_eq!(join("the govern-", "ment said"), Some(("the government".to_owned(), "said".to_owned())));
        assert_eq!(join("a long-", "term plan"), Some(("a long-term".to_owned(), "plan".to_owned())));
        assert_eq!(join("a well-", "known, man"), Some(("a well-known,".to_owned(), "man".to_owned())));
        assert_eq!(join("Jean-", "Paul said"), None);
        assert_eq!(join("1990-", "2000"), None);
    }

    #[test]
    fn lines_of_one_paragraph_are_joined_and_others_are_not() {
        let line = |text: &str, paragraph| Line {
            text: text.to_owned(),
            role: Role::Body,
            paragraph,
            bbox: None,
            confidence: None,
        };
        let mut lines = vec![line("the govern-", 1), line("ment", 1), line("of a coun-", 1), line("try", 2)];
        join_lines(&mut lines, &Vocabulary::default());
        assert_eq!(
            lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(),
            ["the government", "of a coun-", "try"]
        );
    }
}
