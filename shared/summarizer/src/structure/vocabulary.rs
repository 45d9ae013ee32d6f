//! Whether a hyphen at a line's end belongs to the word.

use crate::words;
use domain::text::Pages;
use std::collections::HashSet;

/// The document's own words, asked whether a hyphen at a line's end belongs to the word.
pub(super) struct Vocabulary(HashSet<String>);

impl Vocabulary {
    pub(super) fn new(pages: &Pages) -> Self {
        let lines = || pages.pages.iter().flat_map(|page| &page.lines);
        if !lines().any(|line| line.text.trim_end().ends_with(['-', '\u{2010}'])) {
            return Self(HashSet::new());
        }
        let mut words = HashSet::new();
        let mut broken = false;
        for line in lines() {
            // The halves of broken words are no words.
            for word in line.text.split_whitespace().skip(usize::from(broken)) {
                if !word.ends_with(['-', '\u{2010}']) {
                    words.insert(word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase());
                }
            }
            broken = line.text.trim_end().ends_with(['-', '\u{2010}']);
        }
        Self(words)
    }

    /// "informa-" + "tion" loses it, "well-" + "known" keeps it.
    pub(super) fn drops_hyphen(&self, before: &str, after: &str) -> bool {
        let left =
            before.trim_end_matches(['-', '\u{2010}']).rsplit(char::is_whitespace).next().unwrap_or("");
        let left = left.trim_start_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        let right = after.split(|c: char| !c.is_alphanumeric()).next().unwrap_or("");
        if !right.starts_with(char::is_lowercase)
            || left.is_empty()
            || left.ends_with(|c: char| !c.is_alphabetic())
        {
            return false;
        }
        if self.0.contains(&format!("{left}{right}")) {
            return true;
        }
        let part = left.rsplit('-').next().unwrap_or(&left);
        let whole = |word: &str| word.chars().count() > 2 && self.0.contains(word);
        let prefix = words::PREFIXES.contains(&part);
        !(self.0.contains(&format!("{left}-{right}")) || prefix || whole(part) && whole(right))
    }
}
