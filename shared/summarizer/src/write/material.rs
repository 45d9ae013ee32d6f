//! What a writer may use of a document: the ranked sentences with their places.

use crate::check::Checker;
use crate::{Analysis, cite};
use domain::summary::Citation;

/// A sentence of the document that may be shown.
pub(crate) struct Sentence {
    pub text: String,
    pub citations: Vec<Citation>,
    pub merit: f64,
    pub section: usize,
}

/// The sentences of a document that a writer may be shown, in order.
pub struct Material {
    pub(crate) sentences: Vec<Sentence>,
    /// Places of sentences, the best first.
    pub(crate) order: Vec<usize>,
    pub(crate) headings: Vec<String>,
    pub(crate) title: String,
    pub(crate) language: Option<String>,
    pub(crate) checker: Checker,
}

impl Analysis {
    /// What a writer needs of the document; to be taken before [`Analysis::finish`]. Pure computation, about as much as
    /// the ranking.
    #[must_use]
    pub fn material(&self) -> Material {
        let sentence = |(&at, &merit): (&usize, &f64)| {
            let sentence = &self.document.sentences[at];
            let citations = cite(sentence);
            Sentence { text: sentence.text.clone(), citations, merit, section: sentence.section }
        };
        let sentences: Vec<Sentence> = self.ranked.pool.iter().zip(&self.merits).map(sentence).collect();
        let texts: Vec<&str> = sentences.iter().map(|sentence| sentence.text.as_str()).collect();
        let about = format!("{}. {}", self.document.name, self.document.headings.join(". "));
        let checker = Checker::new(&texts, &about, self.language.as_deref());
        Material {
            sentences,
            order: self.order.clone(),
            headings: self.document.headings.clone(),
            title: self.document.name.clone(),
            language: self.language.clone(),
            checker,
        }
    }
}
