//! The work of one job at ocr: every part through the engine, then all pages merged.

use crate::{Config, pages};
use async_trait::async_trait;
use domain::text::{Line, Pages};
use domain::{Artifact, Job, Reason, Stage};
use futures::stream::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use ports::{Fault, GateName, Part, Pass, PortError, Stack};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use worker::{Claimed, Step, StepDone, StepFailure};

/// The longest that one page may hold its place at the gate.
const LEASE: Duration = Duration::from_secs(300);
/// A gate that opens again this soon is busy rather than closed.
const BUSY: Duration = Duration::from_secs(3);
/// How soon to ask again for a page that the engine is still at.
const COLLECT_POLL: Duration = Duration::from_secs(2);
/// The largest artifact that is read.
const LIMIT: u64 = 512 << 20;

/// The ocr worker.
pub struct OcrStep {
    stack: Stack,
    config: Config,
}

/// What became of one page.
enum PageDone {
    Lines(u32, Vec<Line>),
    Unreadable(u32, String),
    NotYet(Timestamp),
}

impl OcrStep {
    /// A worker over these ports.
    #[must_use]
    pub fn new(stack: Stack, config: Config) -> Self {
        Self { stack, config }
    }
}

#[async_trait]
impl Step for OcrStep {
    fn stage(&self) -> Stage {
        Stage::Ocr
    }

    async fn run(&self, claimed: &Claimed) -> Result<StepDone, StepFailure> {
        let job = &claimed.job;
        let total = u32::try_from(job.ocr_pages.len()).unwrap_or(u32::MAX);
        let count = AtomicU32::new(0);
        let done: Result<Vec<PageDone>, PortError> = futures::stream::iter(job.ocr_pages.clone())
            .map(|page| {
                let count = &count;
                async move {
                    let done = self.page(job, page).await?;
                    if !matches!(done, PageDone::NotYet(_)) {
                        claimed.progress(count.fetch_add(1, Ordering::Relaxed) + 1, total);
                    }
                    Ok(done)
                }
            })
            .buffer_unordered(self.config.pages_at_once.max(1))
            .try_collect()
            .await;
        let done = done.map_err(unavailable)?;
        let waits = done.iter().filter_map(|page| match page {
            PageDone::NotYet(until) => Some(*until),
            _ => None,
        });
        if let Some(until) = waits.max() {
            let left = done.iter().filter(|page| matches!(page, PageDone::NotYet(_))).count();
            let why = format!("{left} of {total} pages wait for the OCR gate");
            return Ok(StepDone::Defer { until, why });
        }
        self.merge(job, done).await
    }
}

impl OcrStep {
    /// One page: taken from an earlier attempt or run, or read now if the gate is open.
    async fn page(&self, job: &Job, page: u32) -> Result<PageDone, PortError> {
        if let Some(lines) = self.read_before(job, page).await? {
            return Ok(PageDone::Lines(page, lines));
        }
        let lease = match self.pass().await? {
            Pass::Open(lease) => lease,
            Pass::Closed(until) => return Ok(PageDone::NotYet(until)),
        };
        let image = Artifact::Part(page).key(&job.id, job.run);
        let read = self.recognise(Part { page, image, language: job.settings.language.clone() }).await;
        self.stack.gate.give_back(lease).await?;
        match read {
            Ok(lines) => {
                let body = pages::encode_lines(&lines)?;
                let key = Artifact::PartLines(page).key(&job.id, job.run);
                self.stack.objects.write_once(&key, body).await?;
                Ok(PageDone::Lines(page, lines))
            }
            Err(error) => match error.fault {
                // The page is at fault, not the engine: the others are still worth reading.
                Fault::Permanent | Fault::TooLarge => Ok(PageDone::Unreadable(page, error.what)),
                Fault::Throttled(after) => {
                    let until = self.stack.clock.now() + after.unwrap_or(Duration::from_secs(5));
                    self.stack.gate.close(GateName::Ocr, until).await?;
                    Ok(PageDone::NotYet(until))
                }
                _ => Err(error),
            },
        }
    }

    /// Waits at the gate as long as it is only busy; a gate that is closed for longer sends the job away.
    async fn pass(&self) -> Result<Pass, PortError> {
        loop {
            match self.stack.gate.take(GateName::Ocr, LEASE).await? {
                Pass::Closed(until) if until <= self.stack.clock.now() + BUSY => {
                    let wait = self.stack.clock.now().duration_until(until);
                    tokio::time::sleep(wait.try_into().unwrap_or_default()).await;
                }
                pass => return Ok(pass),
            }
        }
    }

    async fn recognise(&self, part: Part) -> Result<Vec<Line>, PortError> {
        let mut progress = self.stack.ocr.start(&part).await?;
        loop {
            match progress {
                ports::Progress::Ready(lines) => return Ok(lines),
                ports::Progress::Pending(token) => {
                    tokio::time::sleep(COLLECT_POLL).await;
                    progress = self.stack.ocr.collect(&token).await?;
                }
            }
        }
    }

    /// The lines of this page from this run or an earlier one: the document's bytes are the same in all.
    async fn read_before(&self, job: &Job, page: u32) -> Result<Option<Vec<Line>>, PortError> {
        let oldest = if job.fresh { job.run } else { 1 };
        for run in (oldest..=job.run).rev() {
            match self.stack.objects.read(&Artifact::PartLines(page).key(&job.id, run), LIMIT).await {
                Ok(body) => return pages::decode_lines(&body).map(Some),
                Err(error) if error.fault == Fault::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    async fn merge(&self, job: &Job, done: Vec<PageDone>) -> Result<StepDone, StepFailure> {
        let body = self.stack.objects.read(&Artifact::Read.key(&job.id, job.run), LIMIT).await?;
        let mut merged: Pages = serde_json::from_slice(&body).map_err(|error| {
            PortError::new(Fault::Permanent, format!("the pages artifact is damaged: {error}"))
        })?;
        for page in done {
            match page {
                PageDone::Lines(number, lines) => pages::put_lines(&mut merged, number, lines),
                PageDone::Unreadable(number, why) => pages::put_note(&mut merged, number, &why),
                PageDone::NotYet(_) => {}
            }
        }
        let body = pages::encode(&merged)?;
        self.stack.objects.write_once(&Artifact::Pages.key(&job.id, job.run), body).await?;
        Ok(StepDone::advance(Stage::Summarize, |_| {}))
    }
}

/// No engine: nothing is gained by trying again until an operator has installed one.
fn unavailable(error: PortError) -> StepFailure {
    if error.fault == Fault::Denied {
        return StepFailure::permanent(Reason::OcrUnavailable, error.what);
    }
    if error.fault == Fault::Transient {
        return StepFailure::again(Reason::OcrFailed, error.what);
    }
    error.into()
}
