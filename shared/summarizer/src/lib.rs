//! Pages in, a cited summary out. Knows no queue, no cloud and no particular model.
//!
//! The way of a document: its lines become sentences that remember where they stand (`structure`);
//! every sentence is scored for what the document is about and for what its reader must do (`rank`);
//! whole sentences are taken under a budget, none twice (`select`); key points are spread over the
//! document's topics by a model's embeddings (`points`); dates and sums become short lines (`facts`).
//! Every word of the result is the document's own and says on which page it stands.
//!
//! [`summarize`] does it all. Its two halves, [`analyse`] and [`Analysis::finish`], are pure computation
//! (about a second for a text of 1,000 pages on one core, as `benches/length` measures, and a millisecond for a letter);
//! only the embedding between them waits. A caller on an async executor who expects books runs the halves in
//! `spawn_blocking` and awaits the backend itself.

mod amounts;
mod backend;
pub mod batch;
mod centrality;
mod check;
mod clause;
mod context;
mod cues;
mod dates;
mod explain;
mod facts;
mod features;
mod focus;
mod head;
mod headline;
pub mod learn;
mod notes;
mod old;
mod options;
mod parties;
mod points;
mod rank;
mod said;
mod segment;
mod select;
mod structure;
mod trim;
mod words;
mod write;

pub use backend::{Answer, Backend, BackendError, Generator, Prompt};
pub use check::{Checker, Problem, ProblemKind, Support, Verdict};
pub use explain::{Explained, Weighed};
pub use features::{FEATURES, Feature};
pub use head::{Data, FORMAT, Head, HeadError, LARGEST, RECIPE, Record, Score};
pub use options::Options;
pub use words::count_words;
pub use write::{Material, write};

use domain::summary::{Citation, Cited, Coverage, Summary};
use domain::text::{Origin, Pages};
use facts::Source;
use features::Features;
use focus::Focus;
use rank::Ranked;
use select::{Embedded, Likeness};
use std::sync::Arc;
use structure::{Document, Kind, Part, Sentence};
use words::Stems;

/// Version of segmentation, ranking and selection: part of the keys under which results are reused.
/// Raised whenever the same document may give another summary.
pub const VERSION: &str = "7";

/// Fewer words than this are no text to summarize.
const TOO_LITTLE: usize = 20;

/// What ranks: [`VERSION`] and, where there is one, the head's name. Part of the keys under which results are reused.
#[must_use]
pub fn ranker(head: Option<&Head>) -> String {
    head.map_or_else(|| VERSION.to_owned(), |head| format!("{VERSION} head {}", head.name()))
}

/// A summary and what was read for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Summarized {
    /// The summary; every sentence, point and fact has at least one citation.
    pub summary: Summary,
    /// Pages and words read of those there are.
    pub coverage: Coverage,
    /// BCP-47; `None` if it could not be told.
    pub language: Option<String>,
    /// 0 = a document about something, 1 = one that asks for action (RANKING.md's λ).
    pub office: f64,
    /// Sentences that the ranking saw.
    pub sentences: usize,
    /// Sentences that were embedded.
    pub embedded: usize,
}

/// Why there is no summary.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SummarizeError {
    /// No letters at all.
    #[error("there is no text in it")]
    NoText,
    /// Too few words to be shortened.
    #[error("words of text in it: {words}")]
    TooLittleText {
        /// Words of running text, items, rows and quotes.
        words: usize,
    },
    /// The model failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

impl SummarizeError {
    /// Whether the same document will fail again.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::NoText | Self::TooLittleText { .. } => true,
            Self::Backend(error) => error.is_permanent(),
        }
    }
}

/// Summarizes a document; `file_name` (a key's last part) stands in where it has no title.
///
/// # Errors
/// `NoText` and `TooLittleText` when there is nothing to shorten; `Backend` when the model fails.
pub async fn summarize(
    backend: &dyn Backend,
    pages: &Pages,
    file_name: &str,
    options: &Options,
) -> Result<Summarized, SummarizeError> {
    let analysis = analyse(pages, file_name, &options.clone().suited(&backend.name()))?;
    let vectors = backend.embed("", analysis.texts()).await?;
    Ok(analysis.finish(vectors)?)
}

/// A ranked document that waits for the embeddings of [`Analysis::texts`].
pub struct Analysis {
    document: Document,
    ranked: Ranked,
    merits: Vec<f64>,
    order: Vec<usize>,
    places: Vec<usize>,
    stems: Stems,
    file_name: String,
    words: usize,
    language: Option<String>,
    coverage: Coverage,
    focus: Option<(Focus, Vec<Vec<f64>>)>,
    head: Option<Arc<Head>>,
}

/// The first half: structure and ranking. Pure computation, near linear in the document's length.
///
/// # Errors
/// `NoText` and `TooLittleText`.
pub fn analyse(pages: &Pages, file_name: &str, options: &Options) -> Result<Analysis, SummarizeError> {
    let mut document = structure::read(pages);
    let words = document.sentences.iter().map(|sentence| sentence.words).sum::<usize>();
    let letters =
        pages.pages.iter().filter(|page| page.origin != Origin::Unread).flat_map(|page| &page.lines);
    let letters = letters.into_iter().any(|line| line.text.chars().any(char::is_alphabetic));
    if !letters {
        return Err(SummarizeError::NoText);
    }
    if words < TOO_LITTLE {
        return Err(SummarizeError::TooLittleText { words });
    }
    let language = options.language.clone().or_else(|| words::detect_language(&sample(&document)));
    let stems = Stems::new(language.as_deref());
    if stems.english() {
        let office = rank::office(&document) >= 0.5;
        trim::trim(&mut document, office);
    }
    let ranked = rank::rank(&document, &stems, options.words);
    if ranked.pool.is_empty() {
        return Err(SummarizeError::TooLittleText { words: 0 });
    }
    let merits = select::merits(&document, &ranked);
    let order = select::order(&merits);
    let focus = options.focus.as_deref().and_then(|asked| Focus::new(asked, &stems));
    let focus = focus.map(|focus| {
        let shares = focus.shares(&document, &ranked, &stems);
        (focus, shares)
    });
    let meant = options.head.as_ref().is_some_and(|head| head.weighs_meaning()) && ranked.office > 0.0;
    let most = if meant { MEANT } else { embedded_share(ranked.pool.len()) };
    let mut places: Vec<usize> = order.iter().copied().take(most).collect();
    if let Some((_, shares)) = &focus {
        places.extend(asked_places(shares, &order));
    }
    places.sort_unstable();
    places.dedup();
    Ok(Analysis {
        coverage: coverage(pages),
        file_name: file_name.to_owned(),
        words: options.words,
        document,
        ranked,
        merits,
        order,
        places,
        stems,
        language,
        focus,
        head: options.head.clone(),
    })
}

/// Candidates that may answer a question: those that share its words, then the best by merit.
fn asked_places(shares: &[Vec<f64>], order: &[usize]) -> Vec<usize> {
    let share = |place: usize| shares.iter().map(|part| part[place]).fold(0.0, f64::max);
    let mut places = order.to_vec();
    places.sort_by(|&a, &b| share(b).total_cmp(&share(a)));
    places.truncate(ASKED);
    places
}

/// Embeddings of candidates for a question.
const ASKED: usize = 96;
/// Embeddings of candidates for a head that weighs what they mean: all of a letter.
const MEANT: usize = 128;

/// Candidates worth an embedding: most of a letter, the best of a book. It is most of what a document
/// costs, so no more than the summary and five points on different topics need.
fn embedded_share(pool: usize) -> usize {
    (pool / 6).clamp(8, 32)
}

impl Analysis {
    /// The texts whose embeddings [`Analysis::finish`] needs, in its order: at most 32 sentences, at most 128 of a document
    /// that asks for action, more where something is asked, and then the parts of the question.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        let sentence = |&place: &usize| self.document.sentences[self.ranked.pool[place]].text.clone();
        let asked = self.focus.iter().flat_map(|(focus, _)| focus.texts());
        self.places.iter().map(sentence).chain(asked).collect()
    }

    /// The second half: selection, points, facts, citations.
    ///
    /// # Errors
    /// `BackendError::Run` when there is not one vector for each text.
    pub fn finish(mut self, mut vectors: Vec<Vec<f32>>) -> Result<Summarized, BackendError> {
        let asked = self.focus.as_ref().map_or(0, |(focus, _)| focus.len());
        if vectors.len() != self.places.len() + asked {
            let (got, want) = (vectors.len(), self.places.len() + asked);
            return Err(BackendError::Run(format!("{got} vectors for {want} texts")));
        }
        let question = vectors.split_off(self.places.len());
        let embedded = Embedded { places: self.places.clone(), vectors };
        self.learn(&embedded);
        let mut notes: Vec<String> = notes::shape(&self.document).into_iter().collect();
        let relevance = self.attend(&embedded, &question, &mut notes);
        let Self { document, ranked, .. } = &self;
        let alike = Likeness::new(document, ranked, &embedded);
        let chosen = select::select(document, ranked, &self.merits, &self.order, &alike, self.words);
        let points = points::key_points(document, ranked, &self.merits, &embedded, &alike, &chosen);
        let cited = |places: &[usize]| places.iter().map(|&place| self.cited(ranked.pool[place])).collect();
        let said: Vec<usize> = chosen.iter().map(|&place| ranked.pool[place]).collect();
        let headline = self.headline(&chosen);
        let words = said.iter().map(|&index| document.sentences[index].words).sum::<usize>();
        notes.extend(notes::length(self.words, words, said.len() == document.sentences.len()));
        let key_facts = facts::key_facts(&Source {
            document,
            said: &said,
            superseded: &ranked.superseded,
            today: ranked.today.as_deref(),
            language: self.language.as_deref(),
            office: ranked.office >= 0.5,
            told: words + headline::alone(&headline, said.iter().map(|&index| &document.sentences[index])),
            budget: self.words,
            relevance: &relevance,
        });
        let (sentences, key_points) = (cited(&chosen), cited(&points));
        Ok(Summarized {
            summary: Summary { headline, sentences, key_points, key_facts, notes, writing: None },
            coverage: self.coverage,
            language: self.language.clone(),
            office: ranked.office,
            sentences: document.sentences.len(),
            embedded: embedded.places.len(),
        })
    }

    /// Ranks by the head, if there is one.
    fn learn(&mut self, embedded: &Embedded) {
        let Some(head) = &self.head else { return };
        let mut features = Features::of(&self.document, &self.ranked);
        if head.weighs_meaning() && self.ranked.office > 0.0 {
            if embedded.size() == 0 {
                return;
            }
            features = features.with_meaning(embedded, self.ranked.office);
        }
        if let Some(scores) = head.scores(&features, &self.ranked.scores) {
            self.ranked.scores = scores;
            self.merits = select::merits(&self.document, &self.ranked);
            self.order = select::order(&self.merits);
        }
    }

    /// Ranks towards what was asked. Gives how much each sentence has to do with it; nothing if nothing was asked.
    fn attend(&mut self, embedded: &Embedded, question: &[Vec<f32>], notes: &mut Vec<String>) -> Vec<f64> {
        let Some((focus, shares)) = &self.focus else { return Vec::new() };
        let answer = focus.answer(shares, embedded, question);
        let all = answer.silent.len() == focus.len();
        notes.extend(focus::note(&answer.silent, all, self.language.as_deref()));
        for (merit, more) in self.merits.iter_mut().zip(&answer.merits) {
            *merit += more;
        }
        self.order = select::order(&self.merits);
        let mut relevance = vec![0.0; self.document.sentences.len()];
        for (&index, near) in self.ranked.pool.iter().zip(&answer.relevance) {
            relevance[index] = *near;
        }
        relevance
    }

    /// The line of the best sentence, where one that need not be cut and stands by itself is better.
    fn headline(&self, chosen: &[usize]) -> String {
        // What was asked for has far higher merits.
        let scale = if self.focus.is_some() { 5.0 } else { 1.0 };
        let line = |place: usize| {
            let sentence = &self.document.sentences[self.ranked.pool[place]];
            let line = headline::headline(&self.document.name, &self.file_name, &sentence.text, &self.stems);
            let row = f64::from(u8::from(sentence.kind == Kind::Row));
            let scrap = f64::from(u8::from(sentence.words < 7));
            let cut = f64::from(u8::from(line.ends_with('…')));
            let leans = f64::from(u8::from(cues::leans(&sentence.text)));
            (self.merits[place] - scale * (2.0 * row + 1.5 * scrap + 0.7 * cut + leans), line)
        };
        let lines = chosen.iter().map(|&place| line(place));
        // On equal worth the earlier one.
        lines
            .reduce(|best, next| if next.0 > best.0 { next } else { best })
            .map(|(_, line)| line)
            .unwrap_or_default()
    }

    fn cited(&self, sentence: usize) -> Cited {
        let sentence = &self.document.sentences[sentence];
        Cited { text: sentence.text.clone(), citations: cite(sentence) }
    }
}

/// Where a sentence stands, page by page: its own words, so fully supported.
fn cite(sentence: &Sentence) -> Vec<Citation> {
    let cite = |part: &Part| Citation {
        page: part.page,
        text: part.text.clone(),
        score: 1.0,
        bbox: part.bbox,
        confidence: part.confidence,
        trimmed: sentence.trimmed,
    };
    sentence.parts.iter().map(cite).collect()
}

/// Some thousand characters from the beginning and the middle: enough to tell a language.
fn sample(document: &Document) -> String {
    let sentences = &document.sentences;
    let mut out = String::new();
    for (from, most) in [(0, 2000), (sentences.len() / 2, 4000)] {
        for sentence in &sentences[from..] {
            if out.len() > most {
                break;
            }
            out.extend(sentence.text.chars().take(500));
            out.push('\n');
        }
    }
    out
}

/// Everything on a page that could be read is read.
fn coverage(pages: &Pages) -> Coverage {
    let read = || pages.pages.iter().filter(|page| page.origin != Origin::Unread);
    let words = read().map(|page| u64::try_from(page.words()).unwrap_or(u64::MAX)).sum();
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Coverage {
        pages_read: count(read().count()),
        pages_total: count(pages.pages.len()),
        words_read: words,
        words_total: words,
    }
}

/// The sentences of a paragraph, in order; a line break ends one.
#[must_use]
pub fn sentences(text: &str) -> Vec<&str> {
    segment::sentences(text).into_iter().map(|range| &text[range]).collect()
}

/// Whether a sentence opens with something that leans on the one before it ("However", "It", "This" …).
/// The ranking lowers such sentences; evaluations count them.
#[must_use]
pub fn dangles(sentence: &str) -> bool {
    cues::dangles(sentence)
}
