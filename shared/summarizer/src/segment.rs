//! A paragraph's text → sentences.
//!
//! Unicode's sentence boundaries (UAX #29, which are ICU's; from `unicode-segmentation`) break in every script,
//! but know no abbreviations; the rules here put back together what they broke too eagerly, and break at the few
//! signs that they pass over (an ellipsis, a footnote's number, Greek's question mark, Thai's space).

mod lists;
mod thai;

use lists::{ABBREVIATIONS, ARTICLES, COUNTED, LABELLED, MAYBE, NUMBERED, OPENERS};
use regex::Regex;
use std::ops::Range;
use std::sync::LazyLock;
use unicode_segmentation::UnicodeSegmentation;

/// Signs that may close a sentence after its mark.
const CLOSING: &[char] = &['"', '\'', '”', '’', ')', ']', '“', '»', '›'];
/// Signs that may stand before its first word.
const OPENING: &[char] = &['"', '\'', '“', '‘', '(', '[', '„', '‚', '«', '‹', '»', '¿', '¡', '*', '_'];

/// Ends that UAX #29 passes over: an ellipsis, a mark with footnote numbers, Greek's question mark, and a mark before
/// a number, a sign, or a lower-case letter that counts items or begins "iPad".
static PASSED_OVER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?:…["'”’»)]*|[.!?;]["'”’»)]*(?:\[\d{1,3}\])+|[.!?] ?|\p{Greek};) +"#)
        .expect("a fixed pattern")
});
static BEGINS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^[\d€$£¥§–—]").expect("a fixed pattern"));
/// What counts items in running text, and names that begin with a small letter.
static ENUMERATOR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:\(?[a-z]\) |\(?[ivx]{1,4}\) |[a-z]\p{Lu}\p{L})").expect("a fixed pattern")
});
static ROMAN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(?:x{0,3})(?:ix|iv|v?i{0,3})$").expect("a fixed pattern"));

/// The sentences of a text as byte ranges without surrounding space, in order, none empty. A line break ends one.
pub(crate) fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    for (at, forced) in boundaries(text) {
        // `at` is where there may be a boundary; keep it only if what lies before really ends there.
        if at > start && (forced || ends(&text[start..at], &text[at..])) {
            push(&mut out, text, start..at);
            start = at;
        }
    }
    push(&mut out, text, start..text.len());
    out
}

/// Where a sentence may begin, ascending; `true` where nothing is left to be asked.
fn boundaries(text: &str) -> Vec<(usize, bool)> {
    let mut out: Vec<(usize, bool)> =
        text.split_sentence_bound_indices().map(|(at, _)| (at, text[..at].ends_with('\n'))).collect();
    for found in PASSED_OVER.find_iter(text) {
        let (mark, after) = (found.as_str().trim_end(), &text[found.end()..]);
        let next = after.trim_start_matches(OPENING).chars().next().unwrap_or(' ');
        let plain = mark.ends_with(['.', '!', '?']);
        if plain && (ENUMERATOR.is_match(after) || BEGINS.is_match(after)) || !plain && next.is_uppercase() {
            out.push((found.end(), !plain));
        }
    }
    if text.contains(thai::is_thai) {
        out.extend(thai::starts(text).into_iter().map(|at| (at, true)));
    }
    out.sort_unstable();
    out
}

fn push(out: &mut Vec<Range<usize>>, text: &str, range: Range<usize>) {
    let slice = &text[range.clone()];
    let trimmed = slice.trim();
    if !trimmed.is_empty() {
        let begin = range.start + (slice.len() - slice.trim_start().len());
        out.push(begin..begin + trimmed.len());
    }
}

/// Whether a sentence really ends between `before` and `after`.
fn ends(before: &str, after: &str) -> bool {
    let left = before.trim_end();
    let right = after.trim_start_matches(|c: char| c.is_whitespace() || OPENING.contains(&c));
    let Some(next) = right.chars().next() else { return false };
    let bare = left.trim_end_matches(CLOSING);
    let Some(mark) = bare.chars().next_back() else { return false };
    if !".!?".contains(mark) {
        // Full-width marks, Devanagari's danda and the like end a sentence by themselves, also before a bracket
        // closes, unless a Japanese particle takes up what was said; a boundary without any mark is a line's end.
        let told = left.ends_with(['」', '』'])
            && after.starts_with(['と', 'っ', 'は', 'が', 'を', 'の', 'に', 'で', 'も']);
        return !told && !bare.ends_with(['(', '[']);
    }
    let glued = before.len() == left.len();
    let item = ENUMERATOR.is_match(after);
    if !item && (next.is_lowercase() || glued && next.is_alphanumeric() || ",;:.!?)]}”’…%".contains(next))
    {
        return false;
    }
    let stem = bare.trim_end_matches(['.', '!', '?']);
    let last = stem.rsplit(char::is_whitespace).next().unwrap_or("");
    mark != '.' || !abbreviated(last, stem.trim_start(), right)
}

/// Whether the full stop after `last`, the last word of the sentence so far, belongs to it.
fn abbreviated(last: &str, sentence: &str, right: &str) -> bool {
    let alone = last.len() == sentence.len();
    let word = last.trim_start_matches(OPENING).to_lowercase();
    // "l'art. 12", "dell'art. 7"
    let word = word.rsplit(['\'', '’']).next().unwrap_or("");
    if ABBREVIATIONS.contains(&word) {
        return true;
    }
    if NUMBERED.contains(&word) {
        // "no. 14", "Art. IV", "Fig. B"; but "The answer is no. We …".
        let second = right.chars().nth(1).is_some_and(char::is_lowercase);
        return right.starts_with(|c: char| c.is_ascii_digit() || c.is_uppercase() && !second);
    }
    let next = right.chars().take_while(|c| c.is_alphabetic()).collect::<String>().to_lowercase();
    let opens = OPENERS.contains(&next.as_str());
    let letters = word.chars().count();
    if alone && (letters == 1 || !word.is_empty() && ROMAN.is_match(word)) {
        return true;
    }
    let acronym = word.contains('.') && word.split('.').all(|part| part.chars().count() == 1);
    let before = sentence[..sentence.len() - last.len()].trim_end();
    // "and so on", "of the year", where Russian writes a letter.
    if matches!(word, "т.д" | "т.п") || matches!(word, "д" | "п") && before.ends_with("т.") {
        return false;
    }
    if word == "г" && before.ends_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    if MAYBE.contains(&word) || acronym {
        return !(opens || ARTICLES.contains(&next.as_str()));
    }
    if letters == 1 && word.chars().all(char::is_alphabetic) {
        let label = before.rsplit(char::is_whitespace).next().unwrap_or("").to_lowercase();
        return !(opens || LABELLED.contains(&label.as_str()));
    }
    // "Tab. 2", "Bd. 4"; not "in May. 40 came".
    let shortened =
        letters <= 3 && last.starts_with(char::is_uppercase) && last.ends_with(char::is_lowercase);
    if shortened && !alone && word != "may" && right.starts_with(|c: char| c.is_ascii_digit()) {
        return true;
    }
    let number = word.chars().all(|c| c.is_ascii_digit() || c == '.');
    number && (alone || word.len() <= 2 && COUNTED.contains(&next.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        sentences(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn a_full_stop_before_a_capital_ends_a_sentence() {
        assert_eq!(split("Rent rises. Notice is due."), ["Rent rises.", "Notice is due."]);
        assert_eq!(split("Why? Because! \"Yes.\" He left."), ["Why?", "Because!", "\"Yes.\"", "He left."]);
    }

    #[test]
    fn abbreviations_initials_and_numbers_do_not_end_one() {
        for whole in [
            "See e.g. Smith et al. 2020 and Fig. 3 for it.",
            "Mr. J. R. Hartley of Dr. No Ltd. Products signed it.",
            "It grew by 3.5 per cent to No. 5 of the list.",
            "1. The tenant pays.",
            "Der Vertrag endet am 3. Oktober 2026 z.B. durch Kündigung.",
            "The U.S. Congress met at 5 p.m. Eastern time.",
        ] {
            assert_eq!(split(whole), [whole]);
        }
    }

    #[test]
    fn an_abbreviation_ends_one_before_a_word_that_opens_sentences() {
        assert_eq!(
            split("Pens, paper, etc. The rest came later."),
            ["Pens, paper, etc.", "The rest came later."]
        );
        assert_eq!(split("It is sold by Acme Inc. The price is fair.").len(), 2);
        assert_eq!(split("The answer is no. We go on.").len(), 2);
    }

    #[test]
    fn other_scripts_have_their_own_marks() {
        assert_eq!(split("今日は晴れです。明日は雨です。"), ["今日は晴れです。", "明日は雨です。"]);
        assert_eq!(split("यह पहला वाक्य है। यह दूसरा है।").len(), 2);
    }

    #[test]
    fn between_thai_sentences_there_may_be_any_space() {
        let one = "ผู้เช่าต้องชำระค่าเช่าเดือนละ 4,240 บาท หากชำระล่าช้าผู้ให้เช่ามีสิทธิบอกเลิกสัญญา";
        let parts = split(one).len();
        for between in [" ", "  ", " \t "] {
            assert_eq!(split(&format!("{one}{between}{one}")).len(), 2 * parts, "{between:?}");
        }
    }

    #[test]
    fn empty_and_odd_texts_give_no_empty_sentence() {
        assert!(split("").is_empty() && split("  \u{a0} ").is_empty());
        for odd in ["...", ". . .", "?!?!", "a.b.c", "\u{feff}x", "))) ((("] {
            assert!(split(odd).iter().all(|s| !s.trim().is_empty()));
        }
    }

    /// The committed set, with a truth for each text: all but a few as it says (`benches/segmentation` compares).
    #[test]
    fn tricky_texts_break_where_their_truth_says() {
        let (mut right, mut found, mut true_ends, mut wrong) = (0, 0, 0, Vec::new());
        for row in include_str!("../tests/truth/sentences.jsonl").lines() {
            let row: serde_json::Value = serde_json::from_str(row).unwrap();
            let list = row["sentences"].as_array().unwrap();
            let truth: Vec<&str> = list.iter().map(|s| s.as_str().unwrap()).collect();
            let text = truth.join(row["between"].as_str().unwrap());
            let ours = split(&text);
            let ends = |parts: &[&str]| {
                let mut at = 0;
                let lengths = parts.iter().map(|part| part.chars().filter(|c| !c.is_whitespace()).count());
                lengths.map(|length| (at += length, at).1).collect::<Vec<usize>>()
            };
            let (a, b) = (ends(&ours), ends(&truth));
            right += a.iter().filter(|end| b.contains(end)).count();
            (found, true_ends) = (found + a.len(), true_ends + b.len());
            if a != b {
                wrong.push(format!("{ours:?}"));
            }
        }
        let f = 2.0 * f64::from(small(right)) / f64::from(small(found + true_ends));
        assert!(f >= 0.98, "F {f:.3}:\n{}", wrong.join("\n"));
    }

    fn small(count: usize) -> u32 {
        u32::try_from(count).unwrap()
    }

    #[test]
    fn what_follows_a_mark_may_be_a_sign_or_a_footnote() {
        assert_eq!(split("It rose. €40 is due. – He paid. § 4 applies.").len(), 4);
        assert_eq!(split("So the court held.[3] The rest is open…  Nobody knows.").len(), 3);
        assert_eq!(split("He left (why?) at 5 p.m. (local time).").len(), 1);
    }
}
