//! Key points: the best sentences that the summary has no room for, spread over the document's topics.
//!
//! Greedy: each next one is worth its own score less its likeness (by embedding) to what is already
//! there, so that the second-best sentence about the same thing gives way to the best about another.

use crate::rank::Ranked;
use crate::select::{Embedded, Likeness};
use crate::structure::Document;

/// What full likeness to a chosen point costs, on a scale where the best sentence is worth 1.
const LIKENESS: f64 = 0.7;
/// A point is a line, not a paragraph.
const LONGEST: usize = 40;
/// Above this cosine two points are about the same thing.
const SAME_TOPIC: f64 = 0.85;

/// Three to five places of the pool (fewer if the document has fewer) that `said`, the summary, does not say,
/// in document order.
pub(crate) fn key_points(
    document: &Document,
    ranked: &Ranked,
    merits: &[f64],
    embedded: &Embedded,
    alike: &Likeness,
    said: &[usize],
) -> Vec<usize> {
    let words = |place: usize| document.sentences[ranked.pool[place]].words;
    let mut open: Vec<usize> =
        embedded.places.iter().copied().filter(|&place| (4..=LONGEST).contains(&words(place))).collect();
    open.sort_unstable();
    let wanted = (ranked.pool.len() / 6).clamp(3, 5);
    let (low, high) =
        open.iter().fold((f64::MAX, f64::MIN), |(low, high), &p| (low.min(merits[p]), high.max(merits[p])));
    let worth = |place: usize| (merits[place] - low) / (high - low).max(1e-9);
    let mut chosen: Vec<usize> = Vec::new();
    while chosen.len() < wanted {
        let likeness = |place: usize| {
            chosen
                .iter()
                .chain(said)
                .filter_map(|&other| embedded.cosine(place, other))
                .map(f64::from)
                .fold(0.0, f64::max)
        };
        let fresh = |place: &usize| {
            let place = *place;
            let mut others = chosen.iter().chain(said);
            likeness(place) < SAME_TOPIC
                && !others.any(|&other| other == place || alike.repeats(place, other))
        };
        let value = |place: usize| worth(place) - LIKENESS * likeness(place);
        let best = open.iter().copied().filter(fresh);
        // On equal value the earlier sentence wins, so that the result does not depend on iteration.
        let Some(best) = best.max_by(|&a, &b| value(a).total_cmp(&value(b)).then(b.cmp(&a))) else { break };
        chosen.push(best);
    }
    chosen.sort_unstable();
    chosen
}
