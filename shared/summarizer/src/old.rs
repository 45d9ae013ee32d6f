//! Which of two values holds, where a document tells an old one beside a new one.
//!
//! A quoted thread, a letter about a change and a contract that replaces another name both. The old one is told in
//! its sentence, where the words beside it say that it is old; as a line of its own it would read as if it held.

use crate::amounts::{Habits, amounts};
use crate::cues;
use crate::dates;
use crate::structure::{Kind, Sentence};
use regex::Regex;
use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

/// The words right before an old value.
static BEFORE: LazyLock<Regex> = LazyLock::new(|| {
    let instead = "instead of|in place of|rather than|previously|formerly|hitherto|until now|no longer|not|forget|statt|bisher";
    let thing = r"(?:old|former|previous|original) (?:\w+ ){0,2}\w+(?: (?:of|was|were|is|at))?";
    let once = "had (?:been|cost)(?: only)?";
    let compared = r"for comparison\b[^.;]*";
    let replaces = r"(?:replac|supersed)(?:es|ing)(?: that of| the \w+ of)?";
    pattern(&format!(r"\b(?:{instead}|{replaces}|{thing}|{once}|{compared}|until (?:\w+ ){{0,3}}\w+:)$"))
});

/// What was expected once, in front of it.
static EXPECTED: LazyLock<Regex> = LazyLock::new(|| {
    let thought = "told|announced|expected|estimated|assumed|thought|hoped";
    pattern(&format!(r"\b(?:(?:first|initial|original|earlier) estimates?|(?:{thought})\b[^.;]*\bwould)\b"))
});

/// What is told of a thing that holds no longer, behind it.
static ENDED: LazyLock<Regex> = LazyLock::new(|| {
    let done = "(?:is|are|was|were) (?:hereby )?(?:superseded|replaced|withdrawn|cancelled|revoked)";
    let no_longer = "no longer (?:appl|hold|valid|due|payable|charged|in force)";
    let put_off = "(?:put off|postponed|called off)";
    pattern(&format!(r"\b(?:ceases? to|lapses|{done}|{put_off}|{no_longer})"))
});

/// The words right before a day that something has to be done by, which does not end with what else ends.
static BOUND: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(?:by|before|later than|within|until|till)$"));

/// The words right before a value that was so once, whether or not it still is.
static PAST: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(?:was|were|has been|have been|would be)$"));

fn pattern(text: &str) -> Regex {
    cues::latin(&format!("(?i){text}"))
}

/// Whether the sentence says that the value at `range` holds no longer: "from EUR 4,000 to EUR 4,240", "instead
/// of 1 March", "the former fee of £50", "the fee of £50 ceases to …". `among` has the ranges of all values of
/// its kind, in order.
pub(crate) fn is_replaced(text: &str, range: &Range<usize>, among: &[Range<usize>]) -> bool {
    let before = lead(text, range);
    let next = among.iter().find(|other| other.start >= range.end);
    let onward = next
        .map(|next| text[range.end..next.start].trim())
        .is_some_and(|between| between == "to" || between == "auf" || between.ends_with(" to"));
    let from = onward && ["from", "von"].iter().any(|word| before.to_lowercase().ends_with(word));
    from || BEFORE.is_match(before)
        || EXPECTED.is_match(before)
        || !BOUND.is_match(before) && ENDED.find(text).is_some_and(|end| end.start() >= range.end)
}

/// Whether the words before the value tell of the past.
pub(crate) fn may_be_past(text: &str, range: &Range<usize>) -> bool {
    PAST.is_match(lead(text, range))
}

/// The sentences (indices, ascending) that tell what the document itself says holds no longer: quoted mail with a
/// value that is called old outside of any quote ("please forget 25 February"), and the rows of a table "until" a day
/// beside others "from" one.
pub(crate) fn superseded(sentences: &[Sentence]) -> Vec<usize> {
    let quote = |sentence: &Sentence| sentence.kind == Kind::Quote;
    let mut old = HashSet::new();
    if sentences.iter().any(quote) {
        for sentence in sentences.iter().filter(|sentence| !quote(sentence)) {
            let values = values(&sentence.text);
            let ranges: Vec<_> = values.iter().map(|(range, _)| range.clone()).collect();
            let replaced = |(range, _): &&(Range<usize>, String)| is_replaced(&sentence.text, range, &ranges);
            old.extend(values.iter().filter(replaced).map(|(_, value)| value.clone()));
        }
    }
    let until = |sentence: &Sentence| sentence.kind == Kind::Row && UNTIL.is_match(&sentence.text);
    let from = |sentence: &Sentence| sentence.kind == Kind::Row && FROM.is_match(&sentence.text);
    let is_old = |sentence: &Sentence| {
        let again = || values(&sentence.text).iter().any(|(_, value)| old.contains(value));
        let newer = |other: &Sentence| from(other) && other.section == sentence.section;
        quote(sentence) && !old.is_empty() && again() || until(sentence) && sentences.iter().any(newer)
    };
    (0..sentences.len()).filter(|&at| is_old(&sentences[at])).collect()
}

/// How the rows of a table begin that tell what was and what will be.
static UNTIL: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(?:until|till|up to|before)\b"));
static FROM: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(?:from|as of|after)\b"));

/// The days and sums of a text, each as it is written without spaces: "25february".
fn values(text: &str) -> Vec<(Range<usize>, String)> {
    if !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return Vec::new();
    }
    let days = dates::dates(text, None).into_iter().map(|day| day.range);
    let sums = amounts(text, Habits::default()).into_iter().map(|sum| sum.range);
    let written = |range: Range<usize>| {
        let plain = text[range.clone()].trim_end_matches('.').chars().filter(|c| !c.is_whitespace());
        (range, plain.collect::<String>().to_lowercase())
    };
    days.chain(sums).map(written).collect()
}

/// A clause of the past …
static HISTORY: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\b(?:was|were|had|has been|have been|used to|in the past|originally)\b"));

/// … that is none if it says what was decided, or what must be.
static HOLDS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:must|shall|will|had to|please|agreed|decided|resolved|approved|awarded|granted|refused|rejected|confirmed|found|moved|postponed|withdrawn|cancelled|closed|set|fixed|due)\b",
    )
});

/// Whether a clause tells what happened rather than what holds.
pub(crate) fn is_history(clause: &str) -> bool {
    HISTORY.is_match(clause) && !HOLDS.is_match(clause)
}

/// The words before a value.
fn lead<'a>(text: &'a str, range: &Range<usize>) -> &'a str {
    text[..range.start].trim_end_matches(|c: char| c.is_whitespace() || "(,".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(kind: Kind, text: &str) -> Sentence {
        let text = text.to_owned();
        Sentence { text, kind, section: 0, place: 1, words: 9, parts: vec![], trimmed: false }
    }

    #[test]
    fn what_a_quote_says_of_a_value_that_was_called_old_and_the_rows_before_a_change_are_superseded() {
        let mail = [
            row(Kind::Body, "Please forget 25 February, the desks come on 11 March."),
            row(Kind::Quote, "The desks will be delivered on 25 February."),
            row(Kind::Quote, "The lamps will be delivered on 3 March."),
        ];
        assert_eq!(superseded(&mail), [1]);
        let table = [
            row(Kind::Row, "until 31 March 2027, Days: 5"),
            row(Kind::Row, "from 1 April 2027, Days: 4"),
            row(Kind::Body, "until then nothing changes"),
        ];
        assert_eq!(superseded(&table), [0]);
        assert!(superseded(&table[..1]).is_empty() && superseded(&mail[1..]).is_empty());
    }

    fn replaced(text: &str, value: &str) -> bool {
        let found = amounts(text, Habits { one_dollar: true, ..Habits::default() });
        let all: Vec<_> = found.iter().map(|f| f.range.clone()).collect();
        let at = text.find(value).unwrap();
        is_replaced(text, all.iter().find(|range| range.start == at).unwrap(), &all)
    }

    #[test]
    fn a_value_that_another_replaces_is_told_from_the_one_that_holds() {
        for (text, old, new) in [
            ("It rises from €40 to €50.", "€40", "€50"),
            ("You pay €50 instead of €40.", "€40", "€50"),
            ("The fee is €50 (previously €40).", "€40", "€50"),
            ("The former monthly fee of €40 becomes €50.", "€40", "€50"),
            ("House Espresso; Until 28 February: €40; From 1 March: €50", "€40", "€50"),
            ("It replaces the fee of €40 by €50.", "€40", "€50"),
            ("The fee is €50; for comparison: in this year you pay €40.", "€40", "€50"),
        ] {
            assert!(replaced(text, old) && !replaced(text, new), "{text}");
        }
    }

    #[test]
    fn a_value_of_what_ends_is_old_and_one_that_is_only_told_is_not() {
        for text in [
            "The letter, including the monthly fee of €40 set out there, ceases to have effect in May.",
            "In our pilot the bicycles had cost only €40, but with a subsidy.",
            "Our first estimate on Sunday was €40.",
            "In November we told you that the cost would be €40.",
        ] {
            assert!(replaced(text, "€40"), "{text}");
        }
        for text in ["A fee from €40 is usual.", "The cost was €40.", "The old lease ends, and €40 are due."]
        {
            assert!(!replaced(text, "€40"), "{text}");
        }
    }

    #[test]
    fn a_deadline_is_no_old_date() {
        for text in [
            "Repair the roof before 3 May 2027, but not before 1 May 2027.",
            "Return it by 12 March 2027; failing that, the offer lapses.",
        ] {
            let days: Vec<_> = dates::dates(text, None).into_iter().map(|day| day.range).collect();
            assert!(days.iter().all(|day| !is_replaced(text, day, &days) && !may_be_past(text, day)));
        }
    }
}
