//! What a trainer needs of a document: its sentences as numbers, and the very selection that summaries are made with.
//!
//! A trainer that had its own idea of what may be chosen would learn to win another game. So it tries orders of
//! sentences on [`Material::choose`], and weighs what comes out.

use crate::features::Features;
use crate::head::on_scale;
use crate::select::{Embedded, Likeness};
use crate::{Analysis, Head, MEANT, Options, SummarizeError, analyse, select};
use domain::text::Pages;

/// A document that is learnt from.
pub struct Material {
    analysis: Analysis,
    features: Features,
    /// What selection takes off each place's score.
    lowered: Vec<f64>,
    nothing: Embedded,
}

impl Material {
    /// Reads and ranks a document. No model is asked: near-duplicates are told by their words alone.
    ///
    /// # Errors
    /// `NoText` and `TooLittleText`.
    pub fn new(pages: &Pages, language: Option<String>, words: usize) -> Result<Self, SummarizeError> {
        let options = Options { words, language, head: None, ..Options::default() };
        let analysis = analyse(pages, "", &options)?;
        let features = Features::of(&analysis.document, &analysis.ranked);
        let lowered =
            analysis.merits.iter().zip(&analysis.ranked.scores).map(|(merit, score)| merit - score).collect();
        let nothing = Embedded { places: Vec::new(), vectors: Vec::new() };
        Ok(Self { analysis, features, lowered, nothing })
    }

    /// The texts whose embeddings a head may weigh; none if the document does not ask for action.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        self.meant().into_iter().map(|place| self.text(place).to_owned()).collect()
    }

    /// The same with the embeddings of [`Material::texts`].
    #[must_use]
    pub fn with_meaning(self, vectors: Vec<Vec<f32>>) -> Self {
        let share = self.analysis.ranked.office;
        let embedded = Embedded { places: self.meant(), vectors };
        Self { features: self.features.with_meaning(&embedded, share), ..self }
    }

    fn meant(&self) -> Vec<usize> {
        if self.office() <= 0.0 {
            return Vec::new();
        }
        let mut places: Vec<usize> = self.analysis.order.iter().copied().take(MEANT).collect();
        places.sort_unstable();
        places
    }

    /// Sentences that may be chosen.
    #[must_use]
    pub fn len(&self) -> usize {
        self.features.rows()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The sentence at a place, from 0.
    #[must_use]
    pub fn text(&self, place: usize) -> &str {
        &self.analysis.document.sentences[self.analysis.ranked.pool[place]].text
    }

    /// Its words.
    #[must_use]
    pub fn words(&self, place: usize) -> usize {
        self.analysis.document.sentences[self.analysis.ranked.pool[place]].words
    }

    /// Its features: one for each of [`FEATURES`](crate::FEATURES), and behind them what it and its neighbours mean.
    #[must_use]
    pub fn features(&self, place: usize) -> &[f64] {
        self.features.row(place)
    }

    /// How far the document asks for action, 0 to 1.
    #[must_use]
    pub fn office(&self) -> f64 {
        self.analysis.ranked.office
    }

    /// Each place's merit under weights (one for each of [`FEATURES`](crate::FEATURES)) as selection sees it: on the scale of the
    /// hand-set score, openings that lean lowered.
    #[must_use]
    pub fn merits(&self, weights: &[f64]) -> Vec<f64> {
        let scores = on_scale(&self.features.weighed(weights), &self.analysis.ranked.scores);
        scores.into_iter().zip(&self.lowered).map(|(score, lowered)| score + lowered).collect()
    }

    /// The places that make the summary when they are tried in this order (all places, best first); ascending.
    /// `merits` as [`Material::merits`] gives them.
    #[must_use]
    pub fn choose(&self, merits: &[f64], order: &[usize], words: usize) -> Vec<usize> {
        let Analysis { document, ranked, .. } = &self.analysis;
        let alike = Likeness::new(document, ranked, &self.nothing);
        select::select(document, ranked, merits, order, &alike, words)
    }

    /// What is chosen under weights.
    #[must_use]
    pub fn summary(&self, weights: &[f64], words: usize) -> Vec<usize> {
        let merits = self.merits(weights);
        self.choose(&merits, &select::order(&merits), words)
    }

    /// Chosen places as text.
    #[must_use]
    pub fn told(&self, places: &[usize]) -> String {
        places.iter().map(|&place| self.text(place)).collect::<Vec<_>>().join(" ")
    }
}

impl Head {
    /// The weights of a head, or of the hand-set ranking.
    #[must_use]
    pub fn weights_of(head: Option<&Self>) -> Vec<f64> {
        head.map_or_else(Self::recipe, Self::weights)
    }
}
