//! What is said: whole sentences under a budget in words, none twice, in document order.

use crate::context;
use crate::cues;
use crate::rank::{self, Ranked};
use crate::structure::{Document, Kind};
use std::cell::OnceCell;
use std::hash::{DefaultHasher, Hash, Hasher};

/// tf-idf cosine above which a sentence repeats another.
const REPEATS: f64 = 0.5;
/// Share of the shorter sentence's words above which office sentences repeat each other.
const OVERLAPS: f64 = 0.6;
/// Cosine of embeddings above which a sentence says the same in other words.
pub(crate) const SAME_MEANING: f32 = 0.9;
/// Taken off a sentence that leans on the one before it.
pub(crate) const DANGLING: f64 = 1.0;
/// From here on a sentence holds something to act on ([`rank::act`]): a date, a sum or a duty.
const TELLS: f64 = 1.0;
/// Fewer words than this hold no sentence worth adding.
const LEAST: usize = 6;

/// Embeddings of some of the pool, by place in the pool.
pub(crate) struct Embedded {
    /// Ascending.
    pub places: Vec<usize>,
    pub vectors: Vec<Vec<f32>>,
}

impl Embedded {
    pub(crate) fn of(&self, place: usize) -> Option<&[f32]> {
        self.places.binary_search(&place).ok().and_then(|at| self.vectors.get(at)).map(Vec::as_slice)
    }

    /// Components of an embedding; 0 if there is none.
    pub(crate) fn size(&self) -> usize {
        self.vectors.first().map_or(0, Vec::len)
    }

    /// The mean of all.
    #[expect(clippy::cast_precision_loss, reason = "a few hundred vectors")]
    pub(crate) fn mean(&self) -> Vec<f64> {
        let mut sum = vec![0.0; self.size()];
        for vector in &self.vectors {
            sum.iter_mut().zip(vector).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        sum.iter().map(|sum| sum / self.vectors.len() as f64).collect()
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
pub(crate) fn select(
    document: &Document,
    ranked: &Ranked,
    merits: &[f64],
    order: &[usize],
    likeness: &Likeness,
    budget: usize,
) -> Vec<usize> {
    let sentence = |place: usize| &document.sentences[ranked.pool[place]];
    // What asks for action is not padded with courtesies because a few words are left. Merits only compare: in a
    // letter where every sentence matters half of them are below the mean.
    let is_padding = |place: usize| merits[place] < 0.0 && rank::act(sentence(place)) < TELLS;
    let order = order.iter().filter(|&&place| ranked.office < 0.5 || !is_padding(place));
    let mut left = budget;
    let mut chosen: Vec<usize> = Vec::new();
    // Whoever must act cannot guess what "it" is.
    let pairs = ranked.office >= 0.5;
    for &place in order {
        if chosen.contains(&place) {
            continue;
        }
        let words = sentence(place).words;
        let before = (pairs && cues::leans(&sentence(place).text))
            .then(|| support(document, ranked, place))
            .flatten()
            .filter(|before| !chosen.contains(before));
        let more = before.map_or(0, |before| sentence(before).words);
        if words + more > left || chosen.iter().any(|&other| likeness.repeats(place, other)) {
            continue;
        }
        chosen.push(place);
        chosen.extend(before);
        left -= words + more;
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

/// Sentences back in which what a sentence leans on is looked for.
const BACK: usize = 3;

/// The place of the sentence on which one leans: the one before it, unless one a little further back says that something
/// ends or is decided, which is then what the rest of the paragraph is about.
fn support(document: &Document, ranked: &Ranked, place: usize) -> Option<usize> {
    let sentences = &document.sentences;
    let index = ranked.pool[place];
    let (place, section) = (sentences[index].place, sentences[index].section);
    let before: Vec<usize> = (index.saturating_sub(BACK.min(place))..index)
        .rev()
        .take_while(|&at| sentences[at].section == section && sentences[at].kind != Kind::Row)
        .collect();
    let opens =
        |&&at: &&usize| context::ENDS.is_match(&sentences[at].text) && !cues::leans(&sentences[at].text);
    let of = before.iter().find(opens).or(before.first())?;
    ranked.pool.binary_search(of).ok()
}

/// Tells whether one sentence says what another has said. Looks at each sentence once.
pub(crate) struct Likeness<'a> {
    document: &'a Document,
    ranked: &'a Ranked,
    embedded: &'a Embedded,
    bags: Vec<OnceCell<Bag>>,
}

/// The distinct words of a sentence as hashes in order, and those of them that hold a figure.
struct Bag {
    words: Vec<u64>,
    figures: Vec<u64>,
}

impl<'a> Likeness<'a> {
    pub(crate) fn new(document: &'a Document, ranked: &'a Ranked, embedded: &'a Embedded) -> Self {
        Self { document, ranked, embedded, bags: ranked.pool.iter().map(|_| OnceCell::new()).collect() }
    }

    /// Whether the sentences at two places of the pool repeat each other.
    pub(crate) fn repeats(&self, a: usize, b: usize) -> bool {
        if self.ranked.office < 0.5 && self.ranked.vectors.cosine(a, b) > REPEATS {
            return true;
        }
        let (left, right) = (self.bag(a), self.bag(b));
        // The rent of one flat and of the next differ in nothing but their figures: both are news.
        let figures = shared(&left.figures, &right.figures);
        if figures < left.figures.len().min(right.figures.len()) {
            return false;
        }
        if self.embedded.cosine(a, b).is_some_and(|cosine| cosine >= SAME_MEANING) {
            return true;
        }
        let least = left.words.len().min(right.words.len());
        let words = shared(&left.words, &right.words);
        let same = words == left.words.len() && words == right.words.len();
        #[expect(clippy::cast_precision_loss, reason = "sentences have few words")]
        let share = words as f64 / least.max(1) as f64;
        same || self.ranked.office >= 0.5 && share > OVERLAPS
    }

    fn bag(&self, place: usize) -> &Bag {
        self.bags[place].get_or_init(|| Bag::new(&self.document.sentences[self.ranked.pool[place]].text))
    }
}

impl Bag {
    fn new(text: &str) -> Self {
        let lower = text.to_lowercase();
        let words = lower.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty());
        let (mut all, mut figures) = (Vec::new(), Vec::new());
        for word in words {
            let mut hasher = DefaultHasher::new();
            word.hash(&mut hasher);
            all.push(hasher.finish());
            if word.bytes().any(|byte| byte.is_ascii_digit()) {
                figures.push(hasher.finish());
            }
        }
        for list in [&mut all, &mut figures] {
            list.sort_unstable();
            list.dedup();
        }
        Self { words: all, figures }
    }
}

/// How many members two ascending lists share.
fn shared(a: &[u64], b: &[u64]) -> usize {
    let (mut i, mut j, mut count) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        count += usize::from(a[i] == b[j]);
        let (x, y) = (a[i], b[j]);
        i += usize::from(x <= y);
        j += usize::from(y <= x);
    }
    count
}
