//! What may not be said again, or not yet, by taking its scores away.

use crate::controls::Controls;

/// Changes the scores of an answer's next token. `history` is what its decoder has read, without a prompt that the decoder
/// reads itself: what a document says may be said again. `written` of it are the answer's.
pub(super) fn apply(scores: &mut [f32], history: &[u32], written: usize, controls: &Controls, ends: &[u32]) {
    if controls.repetition_penalty != 1.0 {
        penalise(scores, history, controls.repetition_penalty);
    }
    if controls.no_repeat_ngram > 0 {
        for token in repeating(history, controls.no_repeat_ngram) {
            forbid(scores, token);
        }
    }
    if written < controls.min_tokens {
        for &token in ends {
            forbid(scores, token);
        }
    }
}

fn place(token: u32) -> usize {
    usize::try_from(token).unwrap_or(usize::MAX)
}

fn forbid(scores: &mut [f32], token: u32) {
    if let Some(score) = scores.get_mut(place(token)) {
        *score = f32::NEG_INFINITY;
    }
}

fn penalise(scores: &mut [f32], history: &[u32], penalty: f32) {
    let mut seen = history.to_vec();
    seen.sort_unstable();
    seen.dedup();
    for token in seen {
        if let Some(score) = scores.get_mut(place(token)) {
            *score = if *score < 0.0 { *score * penalty } else { *score / penalty };
        }
    }
}

/// Tokens with which the history would have a run of `size` tokens twice.
fn repeating(history: &[u32], size: usize) -> Vec<u32> {
    let Some(from) = (history.len() + 1).checked_sub(size) else { return Vec::new() };
    let last = &history[from..];
    history.windows(size).filter(|run| run[..size - 1] == *last).map(|run| run[size - 1]).collect()
}
