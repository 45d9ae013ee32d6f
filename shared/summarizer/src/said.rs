//! What a reader has been told already, sentence by sentence: so that nothing is said twice in other words.

use std::collections::BTreeSet;

/// Words that turn what a sentence says.
const TURNS: [&str; 6] = ["not", "no", "never", "only", "unless", "except"];

/// Sentences that were said.
#[derive(Debug, Default)]
pub(crate) struct Said(Vec<BTreeSet<String>>);

impl Said {
    pub(crate) fn by<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        Self(texts.map(carrying).collect())
    }

    pub(crate) fn add(&mut self, text: &str) {
        self.0.push(carrying(text));
    }

    /// Whether one sentence said this already: all of its figures, no less a "not", and most of the words that carry
    /// it; or whether this holds all that a sentence said.
    pub(crate) fn has(&self, text: &str) -> bool {
        let words = carrying(text);
        self.0.iter().any(|told| {
            let new: Vec<&String> = words.difference(told).collect();
            let turned = new.iter().any(|word| TURNS.contains(&word.as_str()));
            let figures = new.iter().any(|word| word.contains(|c: char| c.is_ascii_digit()));
            !words.is_empty() && new.len() * 5 <= words.len() && !figures && !turned
                || told.len() >= 3 && told.is_subset(&words)
        })
    }
}

/// The words of a text that carry what it says: long ones, figures, and those that turn it.
fn carrying(text: &str) -> BTreeSet<String> {
    let lower = text.to_lowercase();
    let words = lower
        .split(|c: char| !(c.is_alphanumeric() || c == '.' || c == ','))
        .map(|word| word.trim_matches(['.', ',']));
    let carries = |word: &&str| {
        word.chars().count() >= 4 || word.contains(|c: char| c.is_ascii_digit()) || TURNS.contains(word)
    };
    words.filter(carries).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_known_in_part_and_with_more_around_it_but_not_with_another_figure_or_turn() {
        let said = Said::by(["The rent rises to £4,240 a month from 1 March 2027, as agreed."].into_iter());
        assert!(said.has("the rent rises to £4,240"));
        assert!(said.has("From 1 March 2027 the rent rises"));
        for new in [
            "the rent rises to £4,250",
            "the rent never rises to £4,240",
            "the deposit is due on 1 March 2027",
        ] {
            assert!(!said.has(new), "{new}");
        }
        assert!(!Said::default().has("anything at all"));
    }
}
