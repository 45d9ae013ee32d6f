//! `precis summarize --explain`: why each sentence of a summary was taken.

use crate::show::clean;
use anyhow::{Context, Result};
use domain::outcome::Report;
use domain::text::Pages;
use domain::{Artifact, Job};
use models::MiniLm;
use ports::Stack;
use std::fmt::Write;
use std::sync::Arc;
use summarizer::{Backend, Explained, Head, Options, Weighed};

/// The largest pages artifact that is read.
const LIMIT: u64 = 512 << 20;
/// Candidates that were not taken, shown for comparison.
const MISSED: usize = 3;
/// Characters of a sentence in the list.
const SHOWN: usize = 110;

/// What ranks a document once more, to say why.
pub struct Explainer<'a> {
    /// The model that the pipeline has, too.
    pub model: &'a MiniLm,
    /// The ranking in use.
    pub head: Option<Arc<Head>>,
}

impl Explainer<'_> {
    /// The ranking of the document once more, with the terms of each score: of the sentences that were taken, and of the
    /// best that were not.
    pub async fn explain(&self, stack: &Stack, job: &Job, report: &Report) -> Result<String> {
        let Some(summary) = &report.summary else { return Ok(String::new()) };
        let body = stack.objects.read(&Artifact::Pages.key(&job.id, job.run), LIMIT).await;
        let body = body.context(
            "the pages of this run are not kept, since the result was taken from another document with the same content; \
             with --fresh it is explained",
        )?;
        let pages: Pages = serde_json::from_slice(&body).context("the pages artifact is damaged")?;
        let options = Options { head: self.head.clone(), ..summarize::options(&job.settings) };
        let options = options.suited(&self.model.name());
        let mut analysis = summarizer::analyse(&pages, job.document.name(), &options)?;
        let vectors = self.model.embed("", analysis.texts()).await?;
        let taken = |explained: &Explained| summary.sentences.iter().any(|said| said.text == explained.text);
        let (taken, missed): (Vec<_>, Vec<_>) = analysis.explain(vectors).into_iter().partition(taken);
        let mut out = String::from("Why these sentences: score, then weight × value of each term\n");
        taken.iter().for_each(|one| line(&mut out, '*', one));
        out.push_str("The best that were not taken (no room for them, or said already)\n");
        missed.iter().take(MISSED).for_each(|one| line(&mut out, ' ', one));
        if !job.settings.focus.is_empty() {
            out.push_str(
                "What was asked (the focus) moves sentences besides; it is no part of these scores.\n",
            );
        }
        Ok(out)
    }
}

fn line(out: &mut String, mark: char, one: &Explained) {
    let text: String = clean(&one.text).chars().take(SHOWN).collect();
    let _ = writeln!(out, "{mark} {:+.2}  {text} [p. {}, {} words]", one.score, one.page, one.words);
    let term = |term: &Weighed| {
        format!("{} {:+.2} × {:.2} = {:+.2}", term.name, term.weight, term.value, term.weight * term.value)
    };
    let terms: Vec<String> = one.terms.iter().map(term).collect();
    let _ = writeln!(out, "        {}", terms.join(", "));
}
