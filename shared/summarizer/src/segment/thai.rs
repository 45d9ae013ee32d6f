//! Thai writes no full stops: a space parts sentences, and also clauses, lists and numbers.
//!
//! Unicode's rules know no sentence in Thai but the paragraph. Here a space ends one where both sides are
//! clauses of their own (of `CLAUSE` words or more, by ICU's dictionary) and the right one does not say by its
//! first word that it goes on.

use crate::words::count_words;

/// Words of a clause at least; the items of a list are shorter.
const CLAUSE: usize = 5;
/// Characters on either side in which a clause shows: no more is looked at, however long a text has no clause.
const LOOK: usize = 100;
/// What goes on with the clause before: and, or, but, which, that, with, for, by, of, until, such as.
const GOES_ON: &[&str] = &[
    "และ",
    "หรือ",
    "แต่",
    "ซึ่ง",
    "ที่",
    "กับ",
    "เพื่อ",
    "โดย",
    "ของ",
    "จนถึง",
    "เช่น",
    "ได้แก่",
    "คือ",
    "ว่า",
    "ตามที่",
    "รวมทั้ง",
];

pub(super) fn is_thai(c: char) -> bool {
    ('\u{e00}'..='\u{e7f}').contains(&c)
}

/// Where sentences begin inside a stretch of text, as byte offsets.
pub(super) fn starts(text: &str) -> Vec<usize> {
    let mut out = Vec::new();
    let mut start = 0;
    for (space, _) in text.match_indices(' ') {
        // Of several spaces together the first one has been asked.
        if space < start {
            continue;
        }
        let (left, right) = (&text[start..space], text[space..].trim_start());
        let next = right.split(' ').next().unwrap_or("");
        let goes_on = GOES_ON.iter().any(|word| next.starts_with(word));
        if ends(left)
            && next.starts_with(is_thai)
            && !goes_on
            && is_clause(head(next))
            && is_clause(tail(left))
        {
            start = text.len() - right.len();
            out.push(start);
        }
    }
    out
}

fn head(text: &str) -> &str {
    text.char_indices().nth(LOOK).map_or(text, |(end, _)| &text[..end])
}

fn tail(text: &str) -> &str {
    text.char_indices().rev().nth(LOOK).map_or(text, |(from, _)| &text[from..])
}

fn is_clause(text: &str) -> bool {
    count_words(text) >= CLAUSE
}

/// A clause ends in a letter (and not in a sign of repetition or abbreviation) or in a year.
fn ends(left: &str) -> bool {
    let digits = left.bytes().rev().take_while(u8::is_ascii_digit).count();
    let year = digits == 4 && ["25", "20", "19"].iter().any(|age| left[left.len() - 4..].starts_with(age));
    year || left.ends_with(is_thai) && !left.ends_with(['ๆ', 'ฯ'])
}
