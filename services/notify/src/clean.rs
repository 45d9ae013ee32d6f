//! Other people's text made harmless: keys, headlines, sentences and notes come from files that anybody may
//! send, and end in e-mails, on terminals and in Markdown.
//!
//! What a character *does* is taken away (new lines, control codes, switches of direction, invisible marks);
//! what it *says* stays. Only subjects lose more: they are ASCII, so the rest is spelled out in Latin letters.

/// One line of plain text: no control characters, no direction overrides, no invisible characters, single
/// spaces. Joiners stay, since Persian words and emoji need them.
#[must_use]
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().filter(|&c| !is_invisible(c)) {
        if !(c.is_whitespace() || c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with(' ') {
            out.push(' ');
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// Characters that show nothing themselves and change or hide what is beside them.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Printable ASCII that says the same as far as Latin letters can. What would be read as a coded word by a mail
/// program (`=?…?=`, RFC 2047) is broken up, for it could say anything after decoding.
#[must_use]
pub fn ascii(text: &str) -> String {
    let spelled: String = clean(text)
        .chars()
        .map(|c| match c {
            // Spelled out these would be words nobody wrote.
            '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{fffd}' => "",
            c => any_ascii::any_ascii_char(c),
        })
        .collect();
    let printable: String = spelled.chars().map(|c| if matches!(c, ' '..='~') { c } else { ' ' }).collect();
    clean(&printable).replace("=?", "= ?").replace("?=", "? =")
}

/// The text, or as many whole words of it as fit into `limit` characters with an ellipsis behind. A first word
/// that is longer than that is cut.
#[must_use]
pub fn clip(text: &str, limit: usize, ellipsis: &str) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let room = limit.saturating_sub(ellipsis.chars().count());
    let end = text.char_indices().nth(room).map_or(text.len(), |(at, _)| at);
    let head = &text[..end];
    let whole =
        if text[end..].starts_with(' ') { head } else { head.rsplit_once(' ').map_or(head, |(h, _)| h) };
    // Half a line of room given away for one long word is too much: then the word is cut.
    let kept = if whole.chars().count() * 2 < room { head } else { whole };
    format!("{}{ellipsis}", kept.trim_end_matches([' ', ',', ';', ':', '.', '-']))
}

/// The two ends of a long text, for keys: the folder and the file's ending both matter.
#[must_use]
pub fn clip_middle(text: &str, limit: usize) -> String {
    let count = text.chars().count();
    if count <= limit {
        return text.to_owned();
    }
    let tail = limit / 2;
    let head: String = text.chars().take(limit - tail - 1).collect();
    let end: String = text.chars().skip(count - tail).collect();
    format!("{head}…{end}")
}

/// A number with separators between thousands, whatever follows its digits kept.
#[must_use]
pub fn thousands(number: &str) -> String {
    let digits = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    let (whole, rest) = number.split_at(digits);
    let mut out = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_character_does_is_taken_away_and_what_it_says_stays() {
        assert_eq!(clean("a\r\nBcc: b\t c\u{0}\u{1b}[31m"), "a Bcc: b c [31m");
        assert_eq!(clean("gpj.\u{202e}exe\u{200b}\u{feff}"), "gpj.exe");
        assert_eq!(clean("naïve 東京 👩\u{200d}🚒"), "naïve 東京 👩\u{200d}🚒");
        assert_eq!(clean("  a \u{2028} b  "), "a b");
    }

    #[test]
    fn subjects_spell_other_scripts_in_latin_letters() {
        assert_eq!(ascii("Mietvertrag Müllerstraße – 5 €"), "Mietvertrag Mullerstrasse - 5 EUR");
        assert_eq!(ascii("Договор"), "Dogovor");
        assert!(!ascii("東京").is_empty());
        assert!(!ascii("=?utf-8?B?QmNj?= x").contains("=?"));
    }

    #[test]
    fn clipping_keeps_whole_words_and_both_ends_of_a_key() {
        assert_eq!(clip("one two three", 9, "..."), "one...");
        assert_eq!(clip("one two three", 10, "..."), "one two...");
        assert_eq!(clip("short", 10, "..."), "short");
        assert_eq!(clip(&"x".repeat(50), 10, "..."), "xxxxxxx...");
        assert_eq!(clip_middle("contracts/a-very-long-name.pdf", 15), "contrac…ame.pdf");
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(thousands("4240"), "4,240");
        assert_eq!(thousands("1234567.50"), "1,234,567.50");
        assert_eq!(thousands("12"), "12");
        assert_eq!(thousands(""), "");
    }
}
