//! What is said: whole sentences under a budget in words, none twice, in document order.

use crate::cues;
use crate::rank::Ranked;
use crate::structure::Document;
use std::collections::HashSet;

/// tf-idf cosine above which a sentence repeats another.
const REPEATS: f64 = 0.5;
/// Share of the shorter sentence's words above which office sentences repeat each other.
const OVERLAPS: f64 = 0.6;
/// Cosine of embeddings above which a sentence says the same in other words.
pub(crate) const SAME_MEANING: f32 = 0.9;
/// Taken off a sentence that leans on the one before it.
const DANGLING: f64 = 1.0;
/// Fewer words than this hold no sentence worth adding.
const LEAST: usize = 6;

/// Embeddings of some of the pool, by place in the pool.
pub(crate) struct Embedded {
    pub places: Vec<usize>,
    pub vectors: Vec<Vec<f32>>,
}

impl Embedded {
    pub(crate) fn of(&self, place: usize) -> Option<&[f32]> {
        self.places.iter().position(|&p| p == place).and_then(|at| self.vectors.get(at)).map(Vec::as_slice)
    }

    /// Cosine of two embedded places; `None` if either has none.
    pub(crate) fn cosine(&self, a: usize, b: usize) -> Option<f32> {
        Some(self.of(a)?.iter().zip(self.of(b)?).map(|(x, y)| x * y).sum())
    }
}

/// Scores as selection sees them: dangling openings lowered.
pub(crate) fn merits(document: &Document, ranked: &Ranked) -> Vec<f64> {
    let lowered = |(&i, &score): (&usize, &f64)| {
        score - if cues::dangles(&document.sentences[i].text) { DANGLING } else { 0.0 }
    };
    ranked.pool.iter().zip(&ranked.scores).map(lowered).collect()
}

/// Places of the pool from the best to the worst; equal ones in document order.
pub(crate) fn order(merits: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..merits.len()).collect();
    order.sort_by(|&a, &b| merits[b].total_cmp(&merits[a]).then(a.cmp(&b)));
    order
}

/// Places of the pool that make the summary, in document order. Never more words than `budget`, unless
/// no sentence at all fits: then the shortest one.
pub(crate) fn select(document: &Document, ranked: &Ranked, order: &[usize], embedded: &Embedded, budget: usize) -> Vec<usize> {
    let sentence = |place: usize| &document.sentences[ranked.pool[place]];
    let mut left = budget;
    let mut chosen: Vec<usize> = Vec::new();
    for &place in order {
        let words = sentence(place).words;
        if words > left || chosen.iter().any(|&other| repeats(document, ranked, embedded, place, other)) {
            continue;
        }
        chosen.push(place);
        left -= words;
        if left < LEAST {
            break;
        }
    }
    if chosen.is_empty() {
        chosen.extend((0..ranked.pool.len()).min_by_key(|&place| sentence(place).words));
    }
    chosen.sort_unstable();
    chosen
}

/// Whether one sentence says what the other has said.
pub(crate) fn repeats(document: &Document, ranked: &Ranked, embedded: &Embedded, a: usize, b: usize) -> bool {
    let text = |place: usize| document.sentences[ranked.pool[place]].text.as_str();
    if text(a) == text(b) {
        return true;
    }
    if ranked.office < 0.5 && ranked.vectors.cosine(a, b) > REPEATS {
        return true;
    }
    let (left, right) = (bag(text(a)), bag(text(b)));
    // The rent of one flat and of the next differ in nothing but their figures: both are news.
    let figures = |bag: &HashSet<String>| -> HashSet<String> {
        bag.iter().filter(|word| word.bytes().any(|byte| byte.is_ascii_digit())).cloned().collect()
    };
    let (few, many) = (figures(&left), figures(&right));
    if !(few.is_subset(&many) || many.is_subset(&few)) {
        return false;
    }
    if embedded.cosine(a, b).is_some_and(|cosine| cosine >= SAME_MEANING) {
        return true;
    }
    let least = left.len().min(right.len()).max(1);
    #[expect(clippy::cast_precision_loss, reason = "sentences have few words")]
    let share = left.intersection(&right).count() as f64 / least as f64;
    ranked.office >= 0.5 && share > OVERLAPS
}

fn bag(text: &str) -> HashSet<String> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|w| !w.is_empty()).map(str::to_lowercase).collect()
}
