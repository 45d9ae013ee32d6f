//! Jobs that ended because a month's pages of OCR were used up run again by themselves, once there is room: in the new
//! month, or after an operator raised the cap.
//!
//! To find them costs a look through the ended jobs, so it is done only while somebody waits: whoever ends a job so
//! leaves a mark ([`Resume::mark`]) in the store of content claims, and it is taken away when nobody waits any more. The
//! oldest go first. Each is counted against what its caps have left, so that no more are started than can be finished; what
//! they really take is taken when they come to OCR.

use crate::flow::{self, Wrote};
use crate::shutdown::Shutdown;
use domain::job::JOB_SCHEMA;
use domain::{Job, JobId, Reason, State};
use ports::{Cap, Filter, Stack};
use std::collections::BTreeMap;
use std::time::Duration;

/// The mark's name.
const MARK: &str = "waiting for a budget";
/// As long as a job's record is kept.
const KEPT: Duration = Duration::from_secs(400 * 86_400);
/// How often to look.
const EVERY: Duration = Duration::from_secs(3600);
/// Jobs read in one call.
const PAGE: usize = 200;
/// Jobs that one look starts at most; the next look goes on.
const MOST: usize = 500;

/// Runs again what waits for a budget.
pub struct Resume {
    stack: Stack,
    every: Duration,
}

impl Resume {
    /// Looks each hour.
    #[must_use]
    pub fn new(stack: Stack) -> Self {
        Self { stack, every: EVERY }
    }

    /// Says that somebody waits, from now on.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn mark(stack: &Stack) -> ports::Result<()> {
        stack.jobs.claim_content(MARK, &all(), 1, KEPT).await.map(drop)
    }

    /// Works until the shutdown.
    pub async fn run(self, shutdown: impl Into<Shutdown>) {
        let shutdown = shutdown.into();
        loop {
            match self.look().await {
                Ok(0) => {}
                Ok(started) => tracing::info!(started, "jobs that waited for a budget run again"),
                Err(error) => tracing::warn!(error = %error, "jobs that wait for a budget not looked after"),
            }
            tokio::select! {
                () = shutdown.draining() => return,
                () = tokio::time::sleep(self.every) => {}
            }
        }
    }

    /// Looks once. Gives how many jobs were started again.
    ///
    /// # Errors
    /// If a port fails; the next look makes up for it.
    pub async fn look(&self) -> ports::Result<usize> {
        if self.stack.jobs.content(MARK).await?.is_none() {
            return Ok(0);
        }
        let mut waiting = self.waiting().await?;
        if waiting.is_empty() {
            self.stack.jobs.release_content(MARK, &all(), 1).await?;
            // Somebody may have come to wait between the two.
            waiting = self.waiting().await?;
            if !waiting.is_empty() {
                Self::mark(&self.stack).await?;
            }
        }
        let (mut room, mut started) = (BTreeMap::new(), 0);
        for job in waiting.iter().rev() {
            if started < MOST && self.fits(job, &mut room).await? {
                started += usize::from(self.start(job).await?);
            }
        }
        Ok(started)
    }

    /// The jobs that wait, newest first.
    async fn waiting(&self) -> ports::Result<Vec<Job>> {
        let mut filter = Filter {
            state: Some(State::Ended),
            reason: Some(Reason::OcrBudget),
            limit: PAGE,
            ..Filter::default()
        };
        let mut waiting: Vec<Job> = Vec::new();
        loop {
            let page = self.stack.jobs.list(&filter).await?;
            let more = page.len() >= PAGE;
            filter.after = page.last().map(|last| last.id.clone());
            waiting.extend(page);
            if !more {
                return Ok(waiting);
            }
        }
    }

    /// Whether a job's caps have room for it, which is its from now on.
    async fn fits(&self, job: &Job, room: &mut BTreeMap<String, u64>) -> ports::Result<bool> {
        let document = &job.document;
        let layers = self.stack.settings.layers(&document.bucket, &document.key).await?;
        let caps = Cap::of(&document.bucket, &layers, self.stack.clock.now());
        for cap in &caps {
            if !room.contains_key(&cap.name) {
                let spent = self.stack.budget.spent(cap).await?;
                room.insert(cap.name.clone(), cap.pages.saturating_sub(spent));
            }
        }
        let pages = job.ocr_pages.len() as u64;
        let fits = caps.iter().all(|cap| room.get(&cap.name).is_some_and(|left| *left >= pages));
        if fits {
            for cap in &caps {
                room.entry(cap.name.clone()).and_modify(|left| *left -= pages);
            }
        }
        Ok(fits)
    }

    async fn start(&self, job: &Job) -> ports::Result<bool> {
        let again = job.restart(job.asked.clone(), job.fresh, self.stack.clock.now());
        let Some(again) = again.ok().filter(|_| job.schema <= JOB_SCHEMA) else { return Ok(false) };
        match flow::write(&*self.stack.jobs, &again).await? {
            Wrote::Ours => flow::send_owed(&self.stack, &again).await.map(|()| true),
            Wrote::Lost(_) => Ok(false),
        }
    }
}

/// In whose name the mark is: no job's, so that it outlives each.
fn all() -> JobId {
    JobId::of("waiting", MARK, "")
}
