//! The work of one job at ocr: every page through the engine, in parts, then all pages merged.

use crate::part::{PageDone, Work};
use crate::{Config, pages};
use async_trait::async_trait;
use domain::text::{Line, Pages};
use domain::{Artifact, Job, Reason, Stage};
use futures::stream::{StreamExt, TryStreamExt};
use ports::{Cap, Fault, PortError, Stack};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use worker::{Claimed, Step, StepDone, StepFailure};

/// The largest artifact that is read.
const LIMIT: u64 = 512 << 20;

/// The ocr worker.
pub struct OcrStep {
    pub(crate) stack: Stack,
    pub(crate) config: Config,
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
        let asked = AtomicU32::new(0);
        let done = self.read(claimed, &asked).await;
        let pages = asked.into_inner();
        let usd = self.usd(pages);
        let note = move |job: &mut Job| {
            job.cost.ocr_paid = job.cost.ocr_paid.saturating_add(pages);
            job.cost.usd += usd;
        };
        match done {
            done if pages == 0 => done,
            Ok(StepDone::Advance { to, patch, claiming }) => {
                let patch = Box::new(move |job: &mut Job| {
                    patch(job);
                    note(job);
                });
                Ok(StepDone::Advance { to, patch, claiming })
            }
            // What was paid for is not forgotten with the attempt that paid.
            other => {
                claimed.update(note).await?;
                other
            }
        }
    }
}

impl OcrStep {
    /// What so many pages cost.
    pub(crate) fn usd(&self, pages: u32) -> f64 {
        f64::from(pages) * self.config.usd_a_page
    }

    /// Brings all pages as far as they go now. Counts the pages that the engine was asked for, where it answered at once.
    async fn read(&self, claimed: &Claimed, asked: &AtomicU32) -> Result<StepDone, StepFailure> {
        let job = &claimed.job;
        let total = u32::try_from(job.ocr_pages.len()).unwrap_or(u32::MAX);
        let read = self.read_before(job).await?;
        let caps = self.caps(job).await?;
        let work = self.plan(job, &read);
        if let Some(cap) = self.cannot_be_finished(job, &work, &caps).await? {
            return Ok(StepDone::end(self.stopped(&cap).await?, |_| {}));
        }
        let count = AtomicU32::new(u32::try_from(read.len()).unwrap_or(u32::MAX));
        claimed.progress(count.load(Ordering::Relaxed), total);
        let parts: Vec<Vec<PageDone>> = futures::stream::iter(work)
            .map(|work| {
                let (count, caps) = (&count, &caps);
                async move {
                    let done = self.part(claimed, work, caps, asked).await?;
                    let ended = done.iter().filter(|page| page.is_done()).count();
                    let ended = u32::try_from(ended).unwrap_or(u32::MAX);
                    claimed.progress(count.fetch_add(ended, Ordering::Relaxed) + ended, total);
                    Ok::<_, StepFailure>(done)
                }
            })
            .buffer_unordered(self.config.parts_at_once.max(1))
            .try_collect()
            .await?;
        let done: Vec<_> = parts.into_iter().flatten().collect();
        let waits = done.iter().filter_map(|page| match page {
            PageDone::NotYet(until) => Some(*until),
            _ => None,
        });
        // What was begun is finished and kept before a cap ends the job.
        if let Some(until) = waits.clone().min() {
            let why = format!("{} of {total} pages wait for OCR", waits.count());
            return Ok(StepDone::Defer { until, why });
        }
        let unpaid = done.iter().find_map(|page| match page {
            PageDone::Unpaid(cap) => Some(cap),
            _ => None,
        });
        match unpaid {
            Some(cap) => Ok(StepDone::end(self.stopped(cap).await?, |_| {})),
            None => self.merge(job, read, done).await,
        }
    }

    /// The cap that has no room for all that is left, if nothing of it was begun.
    async fn cannot_be_finished(
        &self,
        job: &Job,
        work: &[Work],
        caps: &[Cap],
    ) -> Result<Option<Cap>, StepFailure> {
        // An attempt that died may have taken its pages already.
        if job.attempts > 1 || !job.ocr_pending.is_empty() {
            return Ok(None);
        }
        let pages: usize = work.iter().map(|work| work.pages.len()).sum();
        self.lacking(caps, pages as u64).await
    }

    /// What is still to be read: parts that the engine is at, then the other pages in parts of their own.
    fn plan(&self, job: &Job, read: &BTreeMap<u32, Vec<Line>>) -> Vec<Work> {
        let is_open = |pages: &[u32]| pages.iter().any(|page| !read.contains_key(page));
        let pending: Vec<_> = job.ocr_pending.iter().filter(|part| is_open(&part.pages)).collect();
        let waits = |page: &u32| pending.iter().any(|part| part.pages.contains(page));
        let left: Vec<u32> =
            job.ocr_pages.iter().copied().filter(|page| !read.contains_key(page) && !waits(page)).collect();
        let started =
            pending.iter().map(|part| Work { pages: part.pages.clone(), pending: Some((*part).clone()) });
        let new = left.chunks(self.config.pages_a_part.max(1));
        started.chain(new.map(|pages| Work { pages: pages.to_vec(), pending: None })).collect()
    }

    /// The lines that are there already, from this run or an earlier one: the document's bytes are the same in all.
    async fn read_before(&self, job: &Job) -> Result<BTreeMap<u32, Vec<Line>>, StepFailure> {
        let oldest = if job.fresh { job.run } else { 1 };
        let there = self.stack.objects.list(&format!("jobs/{}/", job.id)).await?;
        let mut read = BTreeMap::new();
        for &page in &job.ocr_pages {
            let keys = (oldest..=job.run).rev().map(|run| Artifact::PartLines(page).key(&job.id, run));
            for key in keys.filter(|key| there.binary_search(key).is_ok()) {
                match self.stack.objects.read(&key, LIMIT).await {
                    Ok(body) => {
                        read.insert(page, pages::decode_lines(&body)?);
                        break;
                    }
                    Err(error) if error.fault == Fault::NotFound => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(read)
    }

    async fn merge(
        &self,
        job: &Job,
        read: BTreeMap<u32, Vec<Line>>,
        done: Vec<PageDone>,
    ) -> Result<StepDone, StepFailure> {
        let body = self.stack.objects.read(&Artifact::Read.key(&job.id, job.run), LIMIT).await?;
        let mut merged: Pages = serde_json::from_slice(&body).map_err(|error| {
            PortError::new(Fault::Permanent, format!("the pages artifact is damaged: {error}"))
        })?;
        for (number, lines) in read {
            pages::put_lines(&mut merged, number, lines);
        }
        for page in done {
            match page {
                PageDone::Lines(number, lines) => pages::put_lines(&mut merged, number, lines),
                PageDone::Unreadable(number, why) => pages::put_note(&mut merged, number, &why),
                PageDone::NotYet(..) | PageDone::Unpaid(..) => {}
            }
        }
        let body = pages::encode(&merged)?;
        self.stack.objects.write_once(&Artifact::Pages.key(&job.id, job.run), body).await?;
        Ok(StepDone::advance(Stage::Summarize, |job| job.ocr_pending.clear()))
    }
}

/// No engine: nothing is gained by trying again until an operator has installed one.
pub(crate) fn unavailable(error: PortError) -> StepFailure {
    if error.fault == Fault::Denied {
        return StepFailure::permanent(Reason::OcrUnavailable, error.what);
    }
    if error.fault == Fault::Transient {
        return StepFailure::again(Reason::OcrFailed, error.what);
    }
    error.into()
}
