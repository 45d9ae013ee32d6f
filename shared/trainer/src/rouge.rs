//! ROUGE-1, -2 and -L (C.-Y. Lin, 2004) as the Python package `rouge-score` computes them with its stemmer, so that
//! what is learnt is what is reported. Held to its figures in `tests/rouge.rs`.
//!
//! Like there, tokens are runs of ASCII letters and digits; a text in a script without them has none, and scores 0.

use crate::porter;
use std::collections::HashMap;

/// F1 of the three, each 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Rouge {
    /// Of single stems.
    pub one: f64,
    /// Of pairs of neighbours.
    pub two: f64,
    /// Of the longest common subsequence.
    pub l: f64,
}

impl Rouge {
    /// The mean of the three: what RANKING.md calls avg.
    #[must_use]
    pub fn mean(&self) -> f64 {
        (self.one + self.two + self.l) / 3.0
    }
}

/// Turns texts into numbered stems. Texts that are compared must come from the same one.
#[derive(Debug, Default)]
pub struct Tokens {
    ids: HashMap<String, u32>,
    /// A word and its stem's number: stemming is most of the work, and words repeat.
    words: HashMap<String, u32>,
}

impl Tokens {
    /// The stems of a text, in order. Words of up to three letters are their own stems.
    pub fn of(&mut self, text: &str) -> Vec<u32> {
        let lower = text.to_lowercase();
        let words = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        words.map(|word| self.id(word)).collect()
    }

    fn id(&mut self, word: &str) -> u32 {
        if let Some(&id) = self.words.get(word) {
            return id;
        }
        let id = self.stem_number(&if word.len() > 3 { porter::stem(word) } else { word.to_owned() });
        self.words.insert(word.to_owned(), id);
        id
    }

    /// The number of a stem.
    pub fn stem_number(&mut self, stem: &str) -> u32 {
        let next = u32::try_from(self.ids.len()).unwrap_or(u32::MAX);
        *self.ids.entry(stem.to_owned()).or_insert(next)
    }
}

/// A reference that many summaries are held against.
#[derive(Debug, Clone)]
pub struct Reference {
    tokens: Vec<u32>,
    single: HashMap<u32, u32>,
    pairs: HashMap<(u32, u32), u32>,
}

impl Reference {
    /// From its stems.
    #[must_use]
    pub fn new(tokens: Vec<u32>) -> Self {
        let (single, pairs) = (counts(tokens.iter().copied()), counts(couples(&tokens)));
        Self { tokens, single, pairs }
    }

    /// ROUGE of a summary's stems.
    #[must_use]
    pub fn score(&self, summary: &[u32]) -> Rouge {
        let (n, m) = (self.tokens.len(), summary.len());
        let one = shared(&self.single, counts(summary.iter().copied()));
        let two = shared(&self.pairs, counts(couples(summary)));
        Rouge {
            one: f1(one, n, m),
            two: f1(two, n.saturating_sub(1), m.saturating_sub(1)),
            l: f1(self.common(summary), n, m),
        }
    }

    /// Length of the longest common subsequence.
    fn common(&self, summary: &[u32]) -> usize {
        let mut row = vec![0_usize; self.tokens.len() + 1];
        for word in summary {
            let mut diagonal = 0;
            for (at, other) in self.tokens.iter().enumerate() {
                let above = row[at + 1];
                row[at + 1] = if word == other { diagonal + 1 } else { above.max(row[at]) };
                diagonal = above;
            }
        }
        row[self.tokens.len()]
    }
}

fn couples(tokens: &[u32]) -> impl Iterator<Item = (u32, u32)> {
    tokens.windows(2).map(|pair| (pair[0], pair[1]))
}

fn counts<T: std::hash::Hash + Eq>(items: impl Iterator<Item = T>) -> HashMap<T, u32> {
    let mut out = HashMap::new();
    for item in items {
        *out.entry(item).or_insert(0) += 1;
    }
    out
}

fn shared<T: std::hash::Hash + Eq>(a: &HashMap<T, u32>, b: HashMap<T, u32>) -> usize {
    b.into_iter().map(|(item, n)| n.min(a.get(&item).copied().unwrap_or(0)) as usize).sum()
}

#[expect(clippy::cast_precision_loss, reason = "texts have far fewer than 2^52 words")]
fn f1(hits: usize, reference: usize, summary: usize) -> f64 {
    if hits == 0 {
        return 0.0;
    }
    let (recall, precision) = (hits as f64 / reference as f64, hits as f64 / summary as f64);
    2.0 * precision * recall / (precision + recall)
}
