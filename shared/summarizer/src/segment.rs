//! A paragraph's text → sentences.
//!
//! Unicode's sentence boundaries (UAX #29, from `unicode-segmentation`) break in every script, but
//! know no abbreviations; the rules here put back together what they broke too eagerly.

use regex::Regex;
use std::ops::Range;
use std::sync::LazyLock;
use unicode_segmentation::UnicodeSegmentation;

/// After these a full stop never ends a sentence.
const ABBREVIATIONS: &[&str] = &[
    "e.g", "i.e", "vs", "cf", "fig", "figs", "dr", "mr", "mrs", "ms", "prof", "no", "nos", "nr", "sec", "eq",
    "al", "viz", "approx", "resp", "ca", "st", "vol", "pp", "p", "ed", "eds", "incl", "esp", "art", "arts",
    "para", "paras", "ref", "messrs", "hon", "rev", "gen", "col", "lt", "sgt", "capt", "dept", "est", "ext",
    "tel", "z.b", "d.h", "bzw", "vgl", "u.a", "abs", "str", "rn", "frau", "hr", "jan", "feb", "mar", "apr",
    "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec",
];
/// After these it ends one only when the next word is one that opens sentences.
const MAYBE: &[&str] =
    &["etc", "inc", "jr", "sr", "ltd", "co", "corp", "plc", "llc", "a.m", "p.m", "u.s", "u.k", "e.u", "u.n"];
/// Words that open a sentence, and rarely stand inside one with a capital.
const OPENERS: &[&str] = &[
    "the", "a", "an", "in", "it", "this", "that", "these", "those", "he", "she", "we", "they", "you", "i",
    "if", "for", "on", "at", "as", "but", "and", "or", "when", "where", "while", "however", "there",
    "please", "all", "any", "each", "no", "our", "your", "their", "his", "her", "its", "to", "after",
    "before", "since", "because", "with", "from", "by", "under", "both", "such", "although", "also", "then",
    "thus", "so",
];
static MONTHS_AFTER_ORDINAL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?i:jan|feb|mär|mar|apr|mai|jun|jul|aug|sep|okt|oct|nov|dez|dec)").expect("a fixed pattern")
});

/// The sentences of a text as byte ranges without surrounding space, in order, none empty.
pub(crate) fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    for (at, _) in text.split_sentence_bound_indices() {
        // `at` is where Unicode sees a boundary; keep it only if what lies before really ends there.
        if at > start && ends(&text[start..at], &text[at..]) {
            push(&mut out, text, start..at);
            start = at;
        }
    }
    push(&mut out, text, start..text.len());
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
    let right = after.trim_start_matches(|c: char| c.is_whitespace() || "\"'“‘([".contains(c));
    let Some(next) = right.chars().next() else { return false };
    let bare = left.trim_end_matches(|c: char| "\"'”’)]".contains(c));
    let Some(mark) = bare.chars().next_back() else { return false };
    if !".!?".contains(mark) {
        // Full-width marks, Devanagari's danda and the like end a sentence by themselves; a boundary
        // without any mark is a paragraph separator.
        return true;
    }
    if next.is_lowercase() || (before.len() == left.len() && next.is_alphanumeric()) {
        return false;
    }
    if !(next.is_alphanumeric() || next == '`') {
        return false;
    }
    let stem = bare.trim_end_matches(['.', '!', '?']);
    let last = stem.rsplit(char::is_whitespace).next().unwrap_or("");
    let word = last.trim_start_matches(|c: char| "(['\"“‘".contains(c)).to_lowercase();
    mark != '.' || !abbreviated(&word, last.len() == stem.trim_start().len(), right)
}

fn abbreviated(word: &str, alone: bool, right: &str) -> bool {
    if ABBREVIATIONS.contains(&word) {
        // "may" and "no" are words too: "The answer is no. We …"
        return word != "no" || right.starts_with(|c: char| c.is_ascii_digit());
    }
    let next: String = right.chars().take_while(|c| c.is_alphabetic()).collect::<String>().to_lowercase();
    let acronym = word.contains('.') && word.split('.').all(|part| part.chars().count() == 1);
    if MAYBE.contains(&word) || acronym {
        return !(OPENERS.contains(&next.as_str()) || word == "etc");
    }
    if word.chars().count() == 1 && word.chars().all(char::is_alphabetic) {
        return true;
    }
    let number = word.chars().all(|c| c.is_ascii_digit() || c == '.');
    number && (alone || word.len() <= 2 && MONTHS_AFTER_ORDINAL.is_match(right))
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
    fn empty_and_odd_texts_give_no_empty_sentence() {
        assert!(split("").is_empty() && split("  \u{a0} ").is_empty());
        for odd in ["...", ". . .", "?!?!", "a.b.c", "\u{feff}x", "))) ((("] {
            assert!(split(odd).iter().all(|s| !s.trim().is_empty()));
        }
    }
}
