//! One part: through the gate, to the engine, and its lines into their artifacts.

use crate::handler::{OcrStep, unavailable};
use crate::pages;
use domain::job::PendingPart;
use domain::text::Line;
use domain::{Artifact, Job, Reason};
use jiff::Timestamp;
use ports::{Cap, Fault, GateName, Lease, PageImage, PageLines, Part, Pass, PortError, Progress};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use worker::{Claimed, StepFailure};

/// The longest that a call which answers at once may hold its place at the gate.
const LEASE: Duration = Duration::from_secs(300);
/// The longest that a part which is read between visits may hold it.
const PENDING_LEASE: Duration = Duration::from_secs(3600);
/// A gate that opens again this soon is busy rather than closed.
const BUSY: Duration = Duration::from_secs(3);
/// How long a throttled gate stays closed when the engine does not say.
const THROTTLED: Duration = Duration::from_secs(5);
/// When to look after a part that nobody told us is done. A look costs a call, and completions rarely get lost.
const BACKSTOP: Duration = Duration::from_secs(300);

/// What became of one page.
pub(crate) enum PageDone {
    Lines(u32, Vec<Line>),
    Unreadable(u32, String),
    /// Not before then.
    NotYet(Timestamp),
    /// Not this month: this cap has no room.
    Unpaid(Cap),
}

impl PageDone {
    /// Whether nothing more becomes of it.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self, Self::Lines(..) | Self::Unreadable(..))
    }
}

/// Pages that are read together, and the work on them that is going on already.
pub(crate) struct Work {
    pub(crate) pages: Vec<u32>,
    pub(crate) pending: Option<PendingPart>,
}

type Done = Result<Vec<PageDone>, StepFailure>;

impl OcrStep {
    /// Brings a part as far as it goes now.
    pub(crate) async fn part(&self, claimed: &Claimed, work: Work, caps: &[Cap], asked: &AtomicU32) -> Done {
        let part = part_of(&claimed.job, &work.pages);
        let gate = match &work.pending {
            Some(_) => GateName::OcrCollect,
            None if part.images.len() == 1 => GateName::Ocr,
            None => GateName::OcrDocument,
        };
        let lease = match self.pass(gate).await.map_err(unavailable)? {
            Pass::Open(lease) => lease,
            Pass::Closed(until) => return Ok(not_yet(&part, until)),
        };
        let progress = match &work.pending {
            Some(pending) => self.stack.ocr.collect(&part, &pending.token).await,
            None => match self.start(claimed, &part, caps, asked).await {
                Ok(Ok(progress)) => progress,
                Ok(Err(cap)) => {
                    self.give_back(lease).await?;
                    return Ok(part.images.iter().map(|_| PageDone::Unpaid(cap.clone())).collect());
                }
                Err(failure) => {
                    self.give_back(lease).await?;
                    return Err(failure);
                }
            },
        };
        match progress {
            Ok(Progress::Pending(token)) => {
                let since = self.stack.clock.now();
                if work.pending.is_some() {
                    self.give_back(lease).await?;
                } else {
                    let pending = PendingPart { pages: work.pages, token, lease: lease.id, since };
                    let (pages, usd) = (count(&part), self.usd(count(&part)));
                    let note = move |job: &mut Job| {
                        job.ocr_pending.push(pending);
                        job.cost.ocr_paid = job.cost.ocr_paid.saturating_add(pages);
                        job.cost.usd += usd;
                    };
                    claimed.update(note).await?;
                }
                Ok(not_yet(&part, since + BACKSTOP))
            }
            ended => {
                self.give_back(lease).await?;
                // A look that failed says nothing of the work: it holds its place until it is at its end.
                let is_over = !matches!(&ended, Err(error) if !is_verdict(error.fault));
                if let Some(pending) = work.pending.as_ref().filter(|_| is_over) {
                    let lease = Lease { gate: GateName::OcrDocument, id: pending.lease.clone() };
                    self.give_back(lease).await?;
                }
                self.ended(claimed, part, gate, work.pending, ended, (caps, asked)).await
            }
        }
    }

    /// Pays for a part and asks the engine for it; or says whose cap it exceeds. Counts what was answered at once; what
    /// goes on is counted where it is written down.
    async fn start(
        &self,
        claimed: &Claimed,
        part: &Part,
        caps: &[Cap],
        asked: &AtomicU32,
    ) -> Result<Result<Result<Progress, PortError>, Cap>, StepFailure> {
        let paid = match self.pay(claimed, part, caps).await? {
            Ok(paid) => paid,
            Err(cap) => return Ok(Err(cap)),
        };
        let progress = self.stack.ocr.start(part).await;
        match &progress {
            Ok(Progress::Ready(_)) => {
                asked.fetch_add(count(part), Ordering::Relaxed);
            }
            Ok(Progress::Pending(_)) => {}
            Err(failure) => self.refund(claimed, paid, failure).await?,
        }
        Ok(Ok(progress))
    }

    /// The engine is done with a part, one way or another.
    async fn ended(
        &self,
        claimed: &Claimed,
        part: Part,
        gate: GateName,
        pending: Option<PendingPart>,
        progress: Result<Progress, PortError>,
        (caps, asked): (&[Cap], &AtomicU32),
    ) -> Done {
        let error = match progress {
            Ok(Progress::Ready(read)) => return self.store(&claimed.job, &part, read).await,
            Ok(Progress::Pending(_)) => return Ok(not_yet(&part, self.stack.clock.now() + BACKSTOP)),
            Err(error) => error,
        };
        match (error.fault, pending) {
            (Fault::Throttled(after), _) => {
                let until = self.stack.clock.now() + after.unwrap_or(THROTTLED);
                self.stack.gate.close(gate, until).await?;
                Ok(not_yet(&part, until))
            }
            // The work is lost: it is started anew, as another generation, by the next attempt.
            (Fault::NotFound, Some(lost)) => {
                claimed
                    .update(move |job| {
                        job.ocr_pending.retain(|pending| pending.token != lost.token);
                        job.ocr_generation += 1;
                    })
                    .await?;
                Err(StepFailure::again(Reason::OcrFailed, error.what))
            }
            // A page is at fault, not the engine: the others are still worth reading.
            (Fault::Permanent | Fault::TooLarge, pending) if part.images.len() > 1 => {
                if let Some(ended) = pending {
                    // Else the next attempt would look after it again, and read its pages anew.
                    claimed
                        .update(move |job| job.ocr_pending.retain(|pending| pending.token != ended.token))
                        .await?;
                }
                let mut done = Vec::new();
                for image in &part.images {
                    let alone = Work { pages: vec![image.page], pending: None };
                    done.extend(Box::pin(self.part(claimed, alone, caps, asked)).await?);
                }
                Ok(done)
            }
            (Fault::Permanent | Fault::TooLarge, _) => {
                let unreadable = |image: &PageImage| PageDone::Unreadable(image.page, error.what.clone());
                Ok(part.images.iter().map(unreadable).collect())
            }
            _ => Err(unavailable(error)),
        }
    }

    /// Keeps what was read, page by page. A page of the part that is missing could not be read.
    async fn store(&self, job: &Job, part: &Part, mut read: Vec<PageLines>) -> Done {
        let mut done = Vec::new();
        for image in &part.images {
            let Some(found) = read.iter().position(|page| page.page == image.page) else {
                done.push(PageDone::Unreadable(image.page, "OCR gave no answer for this page".into()));
                continue;
            };
            let PageLines { page, lines } = read.swap_remove(found);
            let key = Artifact::PartLines(page).key(&job.id, job.run);
            self.stack.objects.write_once(&key, pages::encode_lines(&lines)?).await?;
            done.push(PageDone::Lines(page, lines));
        }
        Ok(done)
    }

    /// Waits at the gate as long as it is only busy; a gate that is closed for longer sends the job away.
    async fn pass(&self, gate: GateName) -> Result<Pass, PortError> {
        let lease = if gate == GateName::OcrDocument { PENDING_LEASE } else { LEASE };
        loop {
            match self.stack.gate.take(gate, lease).await? {
                Pass::Closed(until) if until <= self.stack.clock.now() + BUSY => {
                    let wait = self.stack.clock.now().duration_until(until);
                    tokio::time::sleep(wait.try_into().unwrap_or_default()).await;
                }
                pass => return Ok(pass),
            }
        }
    }

    async fn give_back(&self, lease: Lease) -> Result<(), StepFailure> {
        Ok(self.stack.gate.give_back(lease).await?)
    }
}

fn count(part: &Part) -> u32 {
    u32::try_from(part.images.len()).unwrap_or(u32::MAX)
}

/// Whether a failure is the engine's last word on a part.
fn is_verdict(fault: Fault) -> bool {
    matches!(fault, Fault::NotFound | Fault::Permanent | Fault::TooLarge)
}

fn part_of(job: &Job, pages: &[u32]) -> Part {
    let image = |page: &u32| PageImage { page: *page, key: Artifact::Part(*page).key(&job.id, job.run) };
    Part {
        job: job.id.clone(),
        run: job.run,
        images: pages.iter().map(image).collect(),
        language: job.settings.language.clone(),
        generation: job.ocr_generation,
    }
}

fn not_yet(part: &Part, until: Timestamp) -> Vec<PageDone> {
    part.images.iter().map(|_| PageDone::NotYet(until)).collect()
}
