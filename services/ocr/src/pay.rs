//! What may be spent: pages are taken of the caps that hold for a document *before* its engine is asked, and given back
//! only where the engine has said that it did nothing.
//!
//! What is taken stands under a name. Work that goes on between visits is answered for by the same work when it is asked
//! for again, and costs nothing then: so its name is that of its pages, and a worker that dies and comes again takes
//! nothing twice. A call that answers at once costs each time: so its name holds that of the attempt. A worker that dies in
//! the middle of it leaves its pages taken, whether they were paid for or not: the cap may come early, never late.
//!
//! Before the first call the caps are asked whether they have room for all pages of the document, so that none is begun
//! which cannot be finished. Where there is none the job ends, told to whoever may raise the cap, and waits for the new
//! month; see [`worker::Resume`].

use crate::handler::OcrStep;
use domain::{Job, JobId, Outcome, Reason};
use ports::{Cap, Fault, Part, PortError, Taken};
use worker::{Claimed, Resume, StepFailure};

/// Pages that were taken, of which caps.
pub(crate) struct Paid {
    name: String,
    of: Vec<Cap>,
    /// Whether another worker may have taken them under the same name.
    shared: bool,
}

impl OcrStep {
    /// The caps that hold for a job now. An operator may have raised them since its run began.
    pub(crate) async fn caps(&self, job: &Job) -> Result<Vec<Cap>, StepFailure> {
        let document = &job.document;
        let layers = self.stack.settings.layers(&document.bucket, &document.key).await?;
        Ok(Cap::of(&document.bucket, &layers, self.stack.clock.now()))
    }

    /// The first cap that has no room for so many pages.
    pub(crate) async fn lacking(&self, caps: &[Cap], pages: u64) -> Result<Option<Cap>, StepFailure> {
        for cap in caps {
            if self.stack.budget.spent(cap).await?.saturating_add(pages) > cap.pages {
                return Ok(Some(cap.clone()));
            }
        }
        Ok(None)
    }

    /// Takes the pages of a part, or says whose cap they exceed.
    pub(crate) async fn pay(
        &self,
        claimed: &Claimed,
        part: &Part,
        caps: &[Cap],
    ) -> Result<Result<Paid, Cap>, StepFailure> {
        let name = match part.images.len() {
            1 => format!("{} {}", name_of(part), claimed.holder()),
            _ => name_of(part),
        };
        if caps.is_empty() {
            return Ok(Ok(Paid { name, of: Vec::new(), shared: false }));
        }
        Ok(match self.stack.budget.take(&name, part.images.len() as u64, caps).await? {
            Taken::Yes => Ok(Paid { name, of: caps.to_vec(), shared: part.images.len() > 1 }),
            Taken::Exceeds(cap) => Err(cap),
        })
    }

    /// Gives the pages back, if this failure says that nothing was done with them. One that is lost on its way leaves
    /// that open.
    pub(crate) async fn refund(
        &self,
        claimed: &Claimed,
        paid: Paid,
        failure: &PortError,
    ) -> Result<(), StepFailure> {
        let may_have_worked = matches!(failure.fault, Fault::Transient | Fault::Full);
        if paid.of.is_empty() || may_have_worked {
            return Ok(());
        }
        if paid.shared {
            // Whoever was stopped for long and lost his claim must not give back what its new holder has spent.
            claimed.update(|_| {}).await?;
        }
        Ok(self.stack.budget.give_back(&paid.name, &paid.of).await?)
    }

    /// How a job ends that this cap stops, with the mark that one waits.
    pub(crate) async fn stopped(&self, cap: &Cap) -> Result<Outcome, StepFailure> {
        Resume::mark(&self.stack).await?;
        let place = if cap.prefix.is_empty() { "the whole bucket" } else { &cap.prefix };
        // The same words for all that one cap stops, so that they are told together.
        let detail = format!("ocr_monthly_pages of {place} is {} in {}", cap.pages, cap.month);
        Ok(Outcome::failed(Reason::OcrBudget, detail))
    }
}

/// Names the pages of a part, of all parts there ever are.
fn name_of(part: &Part) -> String {
    let pages: Vec<String> = part.images.iter().map(|image| image.page.to_string()).collect();
    let (which, run) = (pages.join(","), format!("{} {}", part.run, part.generation));
    // A hash of three texts, like a job's own name.
    format!("{} {}", part.job, JobId::of("part", &which, &run))
}
