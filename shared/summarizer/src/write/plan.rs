//! How a document is written about that may be longer than the model's context.

use super::material::Material;
use super::prompt;
use crate::backend::Generator;
use crate::words::count_words;

/// Sections at most on which notes are written: each costs a run of the model.
const NOTES: usize = 24;
/// Words of notes on one section at most and at least.
const NOTE_WORDS: (usize, usize) = (20, 80);
/// Fewer words than this are no summary.
const LEAST: usize = 5;

/// One call of the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// The sections that it is shown, by their headings.
    pub heading: Vec<String>,
    /// Places of the sentences that it is shown; none for a summary from notes.
    pub sentences: Vec<usize>,
    /// Sentences that there are.
    pub of: usize,
    /// Words to be written.
    pub words: usize,
    /// Tokens that these may take.
    pub tokens: usize,
}

/// Notes first, if there are any, then the summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    pub notes: Vec<Step>,
    pub last: Step,
    /// Words of all that may be shown: a summary can't be longer.
    pub available: usize,
}

/// The plan for a document; `None` if the context has no room even for its instructions and one sentence.
pub(super) fn plan(generator: &dyn Generator, material: &Material, words: usize) -> Option<Plan> {
    let tokens: Vec<usize> = material.sentences.iter().map(|s| generator.count(&s.text) + 2).collect();
    let counts: Vec<usize> = material.sentences.iter().map(|s| count_words(&s.text)).collect();
    let available: usize = counts.iter().sum();
    let all: usize = tokens.iter().sum();
    // Tokens for so many words, as this document's words go, and a quarter more.
    let cost = |words: usize| (words * all).div_ceil(available.max(1)) * 5 / 4 + 16;
    let overhead = prompt::overhead(generator, material);
    let answer = cost(words.max(LEAST) * 5 / 4);
    let room = generator.context().checked_sub(overhead + answer).filter(|room| *room > 0)?;
    let every: Vec<usize> = (0..material.sentences.len()).collect();
    let last = |sentences: Vec<usize>| Step {
        heading: headings(material, &every),
        sentences,
        of: every.len(),
        words,
        tokens: answer,
    };
    if all <= room {
        return Some(Plan { notes: Vec::new(), last: last(every.clone()), available });
    }
    let chunks = chunks(material, &tokens, room);
    let note_words = (words_in(room, all, available) * 4 / 5 / chunks.len().max(1)).min(NOTE_WORDS.1);
    if chunks.len() < 2 || note_words < NOTE_WORDS.0 {
        // Notes would have no room: the best sentences do.
        let best = best(material, &tokens, every.clone(), room);
        return (!best.is_empty()).then(|| Plan { notes: Vec::new(), last: last(best), available });
    }
    let share = generator.context().checked_sub(overhead + cost(note_words))?;
    let note = |chunk: Vec<usize>| Step {
        heading: headings(material, &chunk),
        of: chunk.len(),
        sentences: best(material, &tokens, chunk, share.min(room)),
        words: note_words,
        tokens: cost(note_words),
    };
    Some(Plan { notes: chunks.into_iter().map(note).collect(), last: last(Vec::new()), available })
}

/// Words that fit so many tokens.
fn words_in(tokens: usize, all: usize, available: usize) -> usize {
    tokens * available / all.max(1)
}

/// Neighbouring sections together as far as they fit, a long one in parts; never more than [`NOTES`], so that in a book
/// each is longer than the room and its best sentences are shown.
fn chunks(material: &Material, tokens: &[usize], room: usize) -> Vec<Vec<usize>> {
    let all: usize = tokens.iter().sum();
    let size = room.max(all.div_ceil(NOTES));
    let mut out: Vec<Vec<usize>> = Vec::new();
    let mut filled = 0;
    for section in (0..tokens.len())
        .collect::<Vec<_>>()
        .chunk_by(|&a, &b| material.sentences[a].section == material.sentences[b].section)
    {
        let whole: usize = section.iter().map(|&at| tokens[at]).sum();
        let fits = filled + whole <= size;
        for (nth, &at) in section.iter().enumerate() {
            let new = out.is_empty() || (nth == 0 && !fits) || filled + tokens[at] > size;
            if new && out.len() < NOTES {
                out.push(Vec::new());
                filled = 0;
            }
            filled += tokens[at];
            if let Some(last) = out.last_mut() {
                last.push(at);
            }
        }
    }
    out
}

/// The best-ranked of some sentences that fit, in document order.
fn best(material: &Material, tokens: &[usize], mut sentences: Vec<usize>, room: usize) -> Vec<usize> {
    let worth = |at: &usize| material.sentences[*at].merit;
    sentences.sort_by(|a, b| worth(b).total_cmp(&worth(a)).then(a.cmp(b)));
    let mut left = room;
    sentences.retain(|&at| {
        let fits = tokens[at] <= left;
        left -= if fits { tokens[at] } else { 0 };
        fits
    });
    sentences.sort_unstable();
    sentences
}

/// The headings over some sentences, none twice in a row.
fn headings(material: &Material, sentences: &[usize]) -> Vec<String> {
    let mut sections: Vec<usize> = sentences.iter().map(|&at| material.sentences[at].section).collect();
    sections.dedup();
    let named = sections.into_iter().filter_map(|section| material.headings.get(section));
    named.filter(|heading| !heading.is_empty()).cloned().collect()
}
