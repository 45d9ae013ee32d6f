//! What may be asked of a summary.

use crate::Head;
use std::sync::Arc;

/// What the reader wants.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Most words of the summary's sentences together. One sentence is always given, if longer the
    /// document's shortest one.
    pub words: usize,
    /// The document's language as BCP-47; detected if `None`.
    pub language: Option<String>,
    /// What is asked of the document, in its language ("termination and liability").
    pub focus: Option<String>,
    /// The learnt ranking; the hand-set one if `None`, or if it does not suit the model.
    pub head: Option<Arc<Head>>,
}

impl Default for Options {
    fn default() -> Self {
        Self { words: 120, language: None, focus: None, head: None }
    }
}

impl Options {
    /// The same for embeddings of this model ([`Backend::name`](crate::Backend::name)): a head that weighs those of another one does not rank.
    #[must_use]
    pub fn suited(mut self, model: &str) -> Self {
        self.head = self.head.filter(|head| head.suits(model));
        self
    }
}
