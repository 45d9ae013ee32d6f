//! The work of one job at summarize.

use async_trait::async_trait;
use domain::outcome::Finding;
use domain::settings::{Settings, Write};
use domain::summary::PageReport;
use domain::text::{Origin, Pages};
use domain::{Artifact, Document, Job, Outcome, Reason, Stage};
use ports::{Fault, PortError, Stack};
use std::sync::Arc;
use std::time::Instant;
use summarizer::{Backend, Head, Options, SummarizeError, Summarized};
use telemetry::metrics::{self, Phase};
use worker::{Claimed, Step, StepDone, StepFailure};

/// The largest pages artifact that is read.
const LIMIT: u64 = 512 << 20;

/// Times the phases of one summary.
struct Phases(Instant);

impl Phases {
    fn begin() -> Self {
        Self(Instant::now())
    }

    /// What ran since the former end was this phase.
    fn end(&mut self, phase: Phase) {
        let began = std::mem::replace(&mut self.0, Instant::now());
        metrics::summarized(phase, self.0.saturating_duration_since(began));
    }
}

/// The summarize worker.
pub struct Summarize {
    stack: Stack,
    backend: Arc<dyn Backend>,
    head: Option<Arc<Head>>,
}

impl Summarize {
    /// Both computing halves run on the blocking pool: a book takes a second, and others are waiting.
    async fn made(
        &self,
        pages: &Arc<Pages>,
        document: &Document,
        options: Options,
        write: Write,
    ) -> Result<Result<Summarized, SummarizeError>, StepFailure> {
        let (pages, name) = (Arc::clone(pages), document.name().to_owned());
        let tenant = document.tenant().to_string();
        let words = options.words;
        let mut phases = Phases::begin();
        let halved = move || {
            let analysis = summarizer::analyse(&pages, &name, &options)?;
            let material = (write == Write::Generate).then(|| analysis.material());
            Ok((analysis, material))
        };
        let (analysis, material) = match blocking(halved).await? {
            Ok(halved) => halved,
            Err(error) => return Ok(Err(error)),
        };
        phases.end(Phase::Rank);
        let vectors = match self.backend.embed(&tenant, analysis.texts()).await {
            Ok(vectors) => vectors,
            Err(error) => return Ok(Err(error.into())),
        };
        phases.end(Phase::Embed);
        let mut made = match blocking(move || analysis.finish(vectors)).await? {
            Ok(made) => made,
            Err(error) => return Ok(Err(error.into())),
        };
        phases.end(Phase::Choose);
        if let Some(material) = material {
            let written =
                summarizer::write(&*self.backend, &tenant, &material, &mut made.summary, words).await;
            if let Err(error) = written {
                return Ok(Err(error.into()));
            }
            phases.end(Phase::Write);
        }
        Ok(Ok(made))
    }

    /// A worker over these ports and this model.
    #[must_use]
    pub fn new(stack: Stack, backend: Arc<dyn Backend>) -> Self {
        Self { stack, backend, head: None }
    }

    /// The same with a learnt ranking.
    #[must_use]
    pub fn with_head(self, head: Option<Arc<Head>>) -> Self {
        Self { head, ..self }
    }
}

#[async_trait]
impl Step for Summarize {
    fn stage(&self) -> Stage {
        Stage::Summarize
    }

    async fn run(&self, claimed: &Claimed) -> Result<StepDone, StepFailure> {
        let job = &claimed.job;
        let body = self.stack.objects.read(&Artifact::Pages.key(&job.id, job.run), LIMIT).await?;
        let pages: Arc<Pages> = Arc::new(serde_json::from_slice(&body).map_err(|error| {
            PortError::new(Fault::Permanent, format!("the pages artifact is damaged: {error}"))
        })?);
        let total = u32::try_from(pages.pages.len()).unwrap_or(u32::MAX);
        claimed.progress(0, total);
        match self.summarize(job, &pages).await? {
            Ok(finding) => {
                let body = serde_json::to_vec(&finding).map_err(|error| {
                    PortError::new(Fault::Permanent, format!("the summary is no JSON: {error}"))
                })?;
                self.stack.objects.write_once(&Artifact::Result.key(&job.id, job.run), body).await?;
                claimed.progress(total, total);
                Ok(StepDone::end(Outcome::summarized(), |_| {}))
            }
            Err(outcome) => Ok(StepDone::end(outcome, |_| {})),
        }
    }
}

impl Summarize {
    async fn summarize(
        &self,
        job: &Job,
        pages: &Arc<Pages>,
    ) -> Result<Result<Finding, Outcome>, StepFailure> {
        let options = Options { head: self.head.clone(), ..options(&job.settings) };
        let options = options.suited(&self.backend.name());
        match self.made(pages, &job.document, options, job.settings.write).await? {
            Ok(made) => Ok(Ok(finding(made, pages, self.head.as_deref(), &self.backend.name()))),
            Err(error) => outcome(error, pages).map(Err),
        }
    }
}

/// What the settings of a run ask of its summary.
#[must_use]
pub fn options(settings: &Settings) -> Options {
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    Options {
        words: settings.words as usize,
        language: given(&settings.language),
        focus: given(settings.focus.trim()),
        ..Options::default()
    }
}

/// The `result` artifact of a summary that this learnt ranking and this model had a part in.
#[must_use]
pub fn finding(made: Summarized, pages: &Pages, head: Option<&Head>, model: &str) -> Finding {
    Finding {
        summary: made.summary,
        coverage: made.coverage,
        pages: pages.pages.iter().map(report).collect(),
        language: made.language,
        title: pages.title.clone(),
        made_by: format!("{}, {model}", summarizer::ranker(head)),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, StepFailure> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| StepFailure::again(Reason::Internal, error.to_string()))
}

fn outcome(error: SummarizeError, pages: &Pages) -> Result<Outcome, StepFailure> {
    let unread = pages.pages.iter().filter(|page| page.origin == Origin::Unread).count();
    let detail =
        if unread > 0 { format!("{error}; {unread} pages could not be read") } else { error.to_string() };
    match error {
        SummarizeError::TooLittleText { .. } => Ok(Outcome::rejected(Reason::TooLittleText, detail)),
        SummarizeError::NoText => Ok(Outcome::rejected(Reason::NoText, detail)),
        SummarizeError::Backend(error) if error.is_permanent() => {
            Ok(Outcome::failed(Reason::ModelUnavailable, error.to_string()))
        }
        SummarizeError::Backend(error) => {
            Err(StepFailure::again(Reason::ModelUnavailable, error.to_string()))
        }
    }
}

fn report(page: &domain::text::Page) -> PageReport {
    PageReport {
        number: page.number,
        origin: page.origin,
        confidence: page.confidence(),
        attachment: page.attachment.clone(),
        note: page.note.clone().filter(|_| page.origin == Origin::Unread),
    }
}
