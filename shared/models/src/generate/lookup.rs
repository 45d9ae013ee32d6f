//! Guessing what comes next from what has been said: a summary repeats its document's words.

/// Longest run of tokens that is looked for.
const LONGEST: usize = 3;
/// Shortest.
const SHORTEST: usize = 2;

/// Up to `most` tokens that followed where the last few of `seen` stood before: the longest such run, its latest place.
pub(super) fn guess(seen: &[u32], most: usize) -> Vec<u32> {
    for size in (SHORTEST..=LONGEST).rev() {
        let Some(from) = seen.len().checked_sub(size) else { continue };
        let last = &seen[from..];
        let before = seen[..seen.len() - 1].windows(size).rposition(|run| run == last);
        if let Some(at) = before {
            let next = &seen[at + size..];
            return next[..most.min(next.len())].to_vec();
        }
    }
    Vec::new()
}
