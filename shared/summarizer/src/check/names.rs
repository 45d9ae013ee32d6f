//! Names that a sentence says: capitals where grammar asks for none.

use super::tokens::Token;
use super::when;
use crate::words;
use std::collections::BTreeSet;

/// Before a name, and no part of it.
const TITLES: &[&str] = &[
    "mr",
    "mrs",
    "ms",
    "miss",
    "dr",
    "prof",
    "professor",
    "sir",
    "madam",
    "lord",
    "lady",
    "herr",
    "frau",
    "m",
    "mme",
    "i",
    "mm",
    "am",
    "pm",
    "vat",
    "gbp",
    "eur",
    "usd",
    "chf",
];
/// Endings of words that begin sentences without being names.
const ENDINGS: &[&str] = &[
    "tion", "tions", "sion", "sions", "ment", "ments", "ing", "ings", "ness", "ity", "ities", "ance", "ence",
    "ances", "ences", "ed", "ly", "ful", "less", "able", "ible", "ive", "ous", "ship", "ism", "ers", "ors",
    "ages", "ures", "ies",
];

/// A run of words that name somebody or something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    /// Places among the tokens.
    pub tokens: std::ops::Range<usize>,
}

/// How this language writes names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writing {
    /// A capital inside a sentence is a name's.
    Latin,
    /// English: also at the beginning, unless the word is a common one.
    English,
    /// Every noun has a capital, so only two in a row tell a name.
    German,
}

/// The names of a sentence. `common` has the words that the document writes with small letters.
pub(super) fn names(
    tokens: &[Token],
    dated: impl Fn(&Token) -> bool,
    common: &BTreeSet<String>,
    writing: Writing,
) -> Vec<Name> {
    let candidate = |at: usize| {
        let token = &tokens[at];
        token.capital
            && !token.is(TITLES)
            && !dated(token)
            && when::weekday(token).is_none()
            && !when::is_month(&token.lower)
    };
    let mut out: Vec<Name> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if !candidate(at) {
            at += 1;
            continue;
        }
        let mut end = at + 1;
        while end < tokens.len()
            && tokens[end].clause == tokens[at].clause
            && candidate(end)
            && !tokens[end].first
        {
            end += 1;
        }
        let start =
            if tokens[at].first && !opens(&tokens[at], end - at, common, writing) { at + 1 } else { at };
        if start < end && (writing != Writing::German || end - start > 1) {
            out.push(Name { tokens: start..end });
        }
        at = end;
    }
    out
}

/// Whether the first word of a sentence is (part of) a name.
fn opens(token: &Token, run: usize, common: &BTreeSet<String>, writing: Writing) -> bool {
    let known =
        words::is_stop(&token.lower) || super::common::is_common(&token.stem) || common.contains(&token.stem);
    match writing {
        Writing::German => run > 1 && !known,
        _ if known => false,
        _ if run > 1 => true,
        Writing::Latin => false,
        Writing::English => {
            token.lower.chars().count() > 2 && !ENDINGS.iter().any(|ending| token.lower.ends_with(ending))
        }
    }
}

/// Whether a word of a name is told by words of the source: the same, a form of it ("German", "Germany"), or the
/// initials of a longer name.
pub(super) fn told(lower: &str, source: &BTreeSet<String>, initials: &BTreeSet<String>) -> bool {
    const FORMS: &[&str] = &["s", "n", "an", "ian", "ish", "ese", "i", "es", "er", "ers"];
    let form = |long: &str, short: &str| {
        short.chars().count() > 3 && long.strip_prefix(short).is_some_and(|rest| FORMS.contains(&rest))
    };
    source.contains(lower)
        || initials.contains(lower)
        || source.iter().any(|other| form(other, lower) || form(lower, other))
        || lower.chars().count() == 1 && source.iter().any(|other| other.starts_with(lower))
}

/// The initials of every run of two or more capitals: "United Nations" → "un".
pub(super) fn initials(tokens: &[Token]) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for start in 0..tokens.len() {
        let mut letters = String::new();
        for token in &tokens[start..] {
            if !token.capital && !token.is(&["of", "and", "the", "for"]) {
                break;
            }
            if token.capital {
                letters.extend(token.lower.chars().next());
                if letters.chars().count() > 1 {
                    out.insert(letters.clone());
                }
            }
        }
    }
    out
}
