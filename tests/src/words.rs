//! Comparing texts that were read by different programs.

use std::collections::HashMap;

/// What typography and line breaks do to a text, undone: ligatures spelled out, soft hyphens gone, lower case.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            'ﬀ' => plain.push_str("ff"),
            'ﬁ' => plain.push_str("fi"),
            'ﬂ' => plain.push_str("fl"),
            'ﬃ' => plain.push_str("ffi"),
            'ﬄ' => plain.push_str("ffl"),
            '\u{ad}' => {}
            other => plain.extend(other.to_lowercase()),
        }
    }
    plain
}

/// Letters and digits alone: equal for a sentence and the same sentence broken into lines, hyphenated or not.
#[must_use]
pub fn letters(text: &str) -> String {
    plain(text).chars().filter(|character| character.is_alphanumeric()).collect()
}

/// How often each word occurs.
fn counted(text: &str) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for word in
        plain(text).split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty())
    {
        *counts.entry(word.to_owned()).or_default() += 1;
    }
    counts
}

/// The share of `truth`'s words, each as often as it occurs, that are in `read`; and some that are not.
#[must_use]
pub fn found(truth: &str, read: &str) -> (f64, Vec<String>) {
    let (truth, read) = (counted(truth), counted(read));
    let all: usize = truth.values().sum();
    let mut hits = 0;
    let mut missed = Vec::new();
    for (word, count) in &truth {
        let hit = read.get(word).copied().unwrap_or(0).min(*count);
        hits += hit;
        if hit < *count {
            missed.push(format!("{word}×{}", count - hit));
        }
    }
    missed.sort();
    missed.truncate(20);
    #[expect(clippy::cast_precision_loss, reason = "documents have fewer words than a float counts exactly")]
    let share = hits as f64 / all.max(1) as f64;
    (share, missed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_the_same_however_it_is_broken_into_lines() {
        assert_eq!(letters("The ﬁrst soft\u{ad}ware-\nproject"), letters("the first Software project"));
    }

    #[test]
    fn each_word_counts_as_often_as_it_occurs() {
        let (share, missed) = found("a b b c", "b a x");
        assert!((share - 0.5).abs() < 1e-9, "{share}");
        assert_eq!(missed, ["b×1", "c×1"]);
    }
}
