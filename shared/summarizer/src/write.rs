//! A summary in new words, by a model that writes, held against the document.
//!
//! What the model is shown are whole sentences of the document, fenced off from what it is told (`prompt`). A document that
//! does not fit the model's context is written in steps (`plan`): notes on each section, then the summary from the notes;
//! where even that is too much, the best-ranked sentences of each section stand for it. Every sentence that comes back is
//! checked (`Checker`) against the sentences of the document itself, never against notes; what fails is replaced by its
//! best source sentence, and counted. The length is brought to within 15 % of what was asked for by leaving out the least
//! sentences or adding the document's own.
//!
//! Where the model can't write, fails, writes in another language, or fails too many checks, the extracted summary stays,
//! and `Summary::writing` says why.

mod material;
mod plan;
mod prompt;

use crate::backend::{Answer, Backend, BackendError, Generator, Prompt};
use crate::check::Verdict;
use crate::segment;
use crate::words::{self, count_words};
use domain::summary::{Citation, Cited, Summary, Writing, WritingStep};
pub use material::Material;
use plan::{Plan, Step};
use std::collections::HashSet;

/// Share of the asked length that a summary may be longer or shorter.
const TOLERANCE: f64 = 0.15;
/// Share of sentences that may fail the checks before none is believed.
const FAILURES: f64 = 0.5;
/// Words of an answer from which its language can be told.
const TELLING: usize = 20;

/// Replaces the sentences of an extracted summary by written ones. Headline, points and facts stay the document's own.
/// On any failure of the writer the summary stays as it is and says why. `tenant` is for [`Backend::embed`].
///
/// # Errors
/// `BackendError::Stopped` when the model is shutting down: another process may do it all.
pub async fn write(
    backend: &dyn Backend,
    tenant: &str,
    material: &Material,
    summary: &mut Summary,
    words: usize,
) -> Result<(), BackendError> {
    let Some(generator) = backend.generator() else {
        let why = format!("the model {} cannot write", backend.name());
        summary.writing = Some(Writing { instead: Some(why), ..Writing::default() });
        return Ok(());
    };
    let writer = Writer { backend, tenant, generator, material, words };
    let mut writing = Writing { model: Some(generator.name()), ..Writing::default() };
    match writer.write(&mut writing).await {
        Ok(sentences) => summary.sentences = sentences,
        Err(Failure::Backend(BackendError::Stopped)) => return Err(BackendError::Stopped),
        Err(failure) => {
            writing.generated.clear();
            writing.instead = Some(failure.to_string());
        }
    }
    summary.writing = Some(writing);
    Ok(())
}

/// Why nothing that was written is used.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Backend(#[from] BackendError),
    #[error("the document does not fit the model's context of {context} tokens")]
    Context { context: usize },
    #[error("the model wrote nothing")]
    Empty,
    #[error("the model wrote in another language ({found} instead of {wanted})")]
    Language { found: String, wanted: String },
    #[error("{failed} of {all} sentences that the model wrote failed the checks")]
    Checks { failed: usize, all: usize },
}

/// A sentence of the summary on its way.
struct Line {
    cited: Cited,
    /// In the model's words; otherwise the document's own, copied by the model or put in.
    generated: bool,
    /// Its best source: its place and worth in the document.
    source: usize,
}

struct Writer<'a> {
    backend: &'a dyn Backend,
    tenant: &'a str,
    generator: &'a dyn Generator,
    material: &'a Material,
    words: usize,
}

impl Writer<'_> {
    async fn write(&self, writing: &mut Writing) -> Result<Vec<Cited>, Failure> {
        let plan = plan::plan(self.generator, self.material, self.words)
            .ok_or_else(|| Failure::Context { context: self.generator.context() })?;
        let shown = self.notes(&plan, writing).await?;
        writing.steps.push(step("summary", &plan.last, &shown));
        let (mut lines, mut failed) = self.summary(&plan, &shown, None, writing).await?;
        let got = length(&lines);
        if self.short(got) && plan.available > got {
            // Once more, told so; the better of the two stays.
            let again = self.summary(&plan, &shown, Some(got), writing).await?;
            let off = |lines: &[Line]| length(lines).abs_diff(self.words);
            if off(&again.0) < off(&lines) {
                (lines, failed) = again;
            }
        }
        writing.replaced = count(failed);
        self.fit(&mut lines);
        let generated = lines.iter().enumerate().filter(|(_, line)| line.generated);
        writing.generated = generated.map(|(at, _)| count(at)).collect();
        Ok(lines.into_iter().map(|line| line.cited).collect())
    }

    /// What the last step is shown: the document's sentences, or checked notes on its sections.
    async fn notes(&self, plan: &Plan, writing: &mut Writing) -> Result<Vec<String>, Failure> {
        if plan.notes.is_empty() {
            return Ok(plan
                .last
                .sentences
                .iter()
                .map(|&at| self.material.sentences[at].text.clone())
                .collect());
        }
        let prompts = plan.notes.iter().map(|step| {
            let texts: Vec<String> =
                step.sentences.iter().map(|&at| self.material.sentences[at].text.clone()).collect();
            writing.steps.push(self::step("notes", step, &texts));
            prompt::notes(self.material, &step.heading, &texts, step.words, step.tokens)
        });
        let prompts: Vec<Prompt> = prompts.collect();
        let wanted = prompts.len();
        let answers = self.answers(prompts, wanted).await?;
        let mut out = Vec::new();
        for (answer, step) in answers.into_iter().zip(&plan.notes) {
            let mut room = step.words + step.words / 4;
            for line in self.checked(&lines_of(&answer)).await?.0 {
                let words = count_words(&line.cited.text);
                if words > room {
                    break;
                }
                room -= words;
                out.push(line.cited.text);
            }
        }
        Ok(out)
    }

    async fn answers(&self, prompts: Vec<Prompt>, wanted: usize) -> Result<Vec<Answer>, Failure> {
        let answers = self.generator.generate(self.tenant, prompts).await?;
        if answers.len() != wanted {
            let why = format!("{} answers for {wanted} prompts", answers.len());
            return Err(BackendError::Run(why).into());
        }
        Ok(answers)
    }

    async fn summary(
        &self,
        plan: &Plan,
        shown: &[String],
        before: Option<usize>,
        writing: &mut Writing,
    ) -> Result<(Vec<Line>, usize), Failure> {
        let prompt = prompt::summary(self.material, shown, self.words, before, plan.last.tokens);
        let answer = self.answers(vec![prompt], 1).await?.remove(0);
        let mut sentences = lines_of(&answer);
        if answer.cut && sentences.len() > 1 {
            // The last one is half a sentence.
            sentences.pop();
        }
        if sentences.is_empty() {
            return Err(Failure::Empty);
        }
        self.language(&sentences)?;
        let (lines, failed) = self.checked(&sentences).await?;
        writing.written = count(sentences.len());
        #[expect(clippy::cast_precision_loss, reason = "counts of sentences")]
        if failed as f64 > FAILURES * sentences.len() as f64 {
            return Err(Failure::Checks { failed, all: sentences.len() });
        }
        Ok((lines, failed))
    }

    fn language(&self, sentences: &[String]) -> Result<(), Failure> {
        let text = sentences.join(" ");
        let primary = |code: &str| code.split('-').next().unwrap_or(code).to_owned();
        let wanted = self.material.language.as_deref().map(primary);
        let found = Some(&text)
            .filter(|text| count_words(text) >= TELLING)
            .and_then(|text| words::detect_language(text));
        match (wanted, found) {
            (Some(wanted), Some(found)) if wanted != found => Err(Failure::Language { found, wanted }),
            _ => Ok(()),
        }
    }

    /// Each sentence with its sources, or the best source in the place of one that fails, and how many failed. None twice.
    async fn checked(&self, sentences: &[String]) -> Result<(Vec<Line>, usize), Failure> {
        let cosines = self.cosines(sentences).await?;
        let mut said = HashSet::new();
        let (mut out, mut failed) = (Vec::new(), 0);
        for (sentence, cosines) in sentences.iter().zip(cosines) {
            let verdict = self.material.checker.check(sentence, &cosines);
            failed += usize::from(!verdict.problems.is_empty());
            let Some(line) = self.line(sentence, &verdict) else { continue };
            if said.insert(line.cited.text.clone()) {
                out.push(line);
            }
        }
        Ok((out, failed))
    }

    fn line(&self, sentence: &str, verdict: &Verdict) -> Option<Line> {
        let best = verdict.supports.first()?;
        let own = &self.material.sentences[best.source];
        if own.text == sentence || !verdict.problems.is_empty() {
            let cited = Cited { text: own.text.clone(), citations: own.citations.clone() };
            return Some(Line { cited, generated: false, source: best.source });
        }
        let citations = verdict.supports.iter().flat_map(|support| {
            let cites = &self.material.sentences[support.source].citations;
            // 1 is kept for the source's own words.
            cites.iter().map(|cite| Citation { score: support.score.min(0.99), ..cite.clone() })
        });
        let cited = Cited { text: sentence.to_owned(), citations: citations.collect() };
        Some(Line { cited, generated: true, source: best.source })
    }

    /// Of each sentence's embedding with those of its likeliest sources.
    async fn cosines(&self, sentences: &[String]) -> Result<Vec<Vec<(usize, f32)>>, Failure> {
        let candidates: Vec<Vec<usize>> =
            sentences.iter().map(|text| self.material.checker.candidates(text)).collect();
        let mut sources: Vec<usize> = candidates.iter().flatten().copied().collect();
        sources.sort_unstable();
        sources.dedup();
        let own = sources.iter().map(|&at| self.material.sentences[at].text.clone());
        let texts: Vec<String> = sentences.iter().cloned().chain(own).collect();
        let wanted = texts.len();
        let vectors = self.backend.embed(self.tenant, texts).await?;
        if vectors.len() != wanted {
            return Err(BackendError::Run(format!("{} vectors for {wanted} sentences", vectors.len())).into());
        }
        let (said, told) = vectors.split_at(sentences.len());
        let cosine = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
        let of = |(sentence, candidates): (&Vec<f32>, &Vec<usize>)| {
            let near =
                candidates.iter().filter_map(|at| Some((*at, told.get(sources.binary_search(at).ok()?)?)));
            near.map(|(at, vector)| (at, cosine(sentence, vector))).collect()
        };
        Ok(said.iter().zip(&candidates).map(of).collect())
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of words")]
    fn short(&self, words: usize) -> bool {
        (words as f64) < (1.0 - TOLERANCE) * self.words as f64
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of words")]
    fn long(&self, words: usize) -> bool {
        words as f64 > (1.0 + TOLERANCE) * self.words as f64
    }

    /// Brings the length to what was asked for: the least sentences go, or the document's best are added where they
    /// stand in the document.
    fn fit(&self, lines: &mut Vec<Line>) {
        let worth = |line: &Line| self.material.sentences[line.source].merit;
        while lines.len() > 1 && self.long(length(lines)) {
            let least = (0..lines.len()).min_by(|&a, &b| worth(&lines[a]).total_cmp(&worth(&lines[b])));
            let Some(least) = least else { break };
            lines.remove(least);
        }
        let mut used: HashSet<usize> = lines.iter().map(|line| line.source).collect();
        for &at in &self.material.order {
            if !self.short(length(lines)) {
                break;
            }
            let own = &self.material.sentences[at];
            if used.contains(&at) || self.long(length(lines) + count_words(&own.text)) {
                continue;
            }
            used.insert(at);
            let place = lines.iter().position(|line| line.source > at).unwrap_or(lines.len());
            let cited = Cited { text: own.text.clone(), citations: own.citations.clone() };
            lines.insert(place, Line { cited, generated: false, source: at });
        }
    }
}

fn length(lines: &[Line]) -> usize {
    lines.iter().map(|line| count_words(&line.cited.text)).sum()
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn step(what: &str, step: &Step, shown: &[String]) -> WritingStep {
    WritingStep {
        what: what.to_owned(),
        sections: step.heading.clone(),
        sentences: count(shown.len()),
        of: count(step.of),
    }
}

/// The sentences of an answer, without list marks and emphasis.
fn lines_of(answer: &Answer) -> Vec<String> {
    let mut out = Vec::new();
    for line in answer.text.lines() {
        let line = line.trim().trim_start_matches(['-', '*', '•', '#', '>']).replace("**", "");
        let line = prompt::harmless(line.trim());
        let letters = |text: &str| text.chars().any(char::is_alphabetic);
        let found = segment::sentences(&line).into_iter().map(|range| line[range].trim().to_owned());
        out.extend(found.filter(|text| letters(text)));
    }
    out
}
