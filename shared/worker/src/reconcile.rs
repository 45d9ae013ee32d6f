//! The reconciler: jobs that have been still for too long are nudged again, so that a lost message only delays.
//!
//! It keeps nothing: how long a job has been still says when its next nudge is due (after the threshold, then
//! each time that age doubles, then at an even step), so that a deep queue is not flooded and any number of
//! copies may run. The threshold is longer than the longest delay of a message, since a job whose message is
//! merely delayed is not lost.

use crate::config::Config;
use crate::flow::{self, Wrote};
use crate::shutdown::Shutdown;
use crate::stage::exhausted;
use domain::Job;
use domain::job::JOB_SCHEMA;
use jiff::Timestamp;
use ports::queue::MAX_DELAY;
use ports::{Filter, Stack};
use std::time::Duration;

/// Jobs read in one call.
const PAGE: usize = 200;
/// Doublings after which nudges come at an even step.
const DOUBLINGS: u32 = 5;

/// Nudges jobs that nobody seems to remember.
pub struct Reconciler {
    stack: Stack,
    threshold: Duration,
    every: Duration,
    max_attempts: u32,
}

impl Reconciler {
    /// Looks each minute for jobs that were still for 20 minutes.
    #[must_use]
    pub fn new(stack: Stack) -> Self {
        Self {
            stack,
            threshold: MAX_DELAY + Duration::from_secs(300),
            every: Duration::from_secs(60),
            max_attempts: Config::default().max_attempts,
        }
    }

    /// The same with other times: how long a job must be still, and how often to look.
    #[must_use]
    pub fn with_times(mut self, threshold: Duration, every: Duration) -> Self {
        self.threshold = threshold;
        self.every = every;
        self
    }

    /// Works until the shutdown. The first look nudges everything that is still, since nobody knows for how
    /// long nobody looked.
    pub async fn run(self, shutdown: impl Into<Shutdown>) {
        let shutdown = shutdown.into();
        let mut last = None;
        loop {
            let now = self.stack.clock.now();
            match self.look(last, now).await {
                Ok(0) => last = Some(now),
                Ok(nudged) => {
                    tracing::info!(nudged, "still jobs nudged");
                    last = Some(now);
                }
                Err(error) => tracing::warn!(error = %error, "still jobs not nudged"),
            }
            tokio::select! {
                () = shutdown.draining() => return,
                () = tokio::time::sleep(self.every) => {}
            }
        }
    }

    /// Looks once, at `now`, for the first time since `last`. Gives how many jobs were nudged or ended.
    ///
    /// # Errors
    /// If a port fails; the next look makes up for it.
    pub async fn look(&self, last: Option<Timestamp>, now: Timestamp) -> ports::Result<usize> {
        let mut filter = Filter {
            unfinished: true,
            still_since: Some(now - self.threshold),
            limit: PAGE,
            ..Filter::default()
        };
        let mut nudged = 0;
        loop {
            let page = self.stack.jobs.list(&filter).await?;
            for job in &page {
                nudged += usize::from(self.due(job, last, now) && self.nudge(job, now).await?);
            }
            match page.last() {
                Some(last) if page.len() >= PAGE => filter.after = Some(last.id.clone()),
                _ => return Ok(nudged),
            }
        }
    }

    async fn nudge(&self, job: &Job, now: Timestamp) -> ports::Result<bool> {
        if job.schema > JOB_SCHEMA || flow::is_claimed(job, now) {
            return Ok(false);
        }
        let mut job = job.clone();
        if job.attempts >= self.max_attempts
            && let Some(ended) = exhausted(&job, now)
        {
            match flow::write(&*self.stack.jobs, &ended).await? {
                Wrote::Ours => job = ended,
                // It moves after all.
                Wrote::Lost(_) => return Ok(false),
            }
        }
        flow::send_owed(&self.stack, &job).await.map(|()| true)
    }

    /// Whether a nudge of this job fell due since the last look.
    fn due(&self, job: &Job, last: Option<Timestamp>, now: Timestamp) -> bool {
        let nudges_at = |at: Timestamp| {
            let age = Duration::try_from(at.duration_since(job.updated_at)).unwrap_or_default();
            nudges_due(age, self.threshold)
        };
        nudges_at(now) > last.map_or(0, nudges_at)
    }
}

/// How many nudges a job of this age has had: one at the threshold, at 2, 4, 8, 16 and 32 times it, then one
/// for each further 32 times.
fn nudges_due(age: Duration, threshold: Duration) -> u64 {
    let times = u64::try_from(age.as_millis() / threshold.as_millis().max(1)).unwrap_or(u64::MAX);
    match times.checked_ilog2() {
        None => 0,
        Some(doublings) if doublings <= DOUBLINGS => 1 + u64::from(doublings),
        Some(_) => u64::from(DOUBLINGS) + (times >> DOUBLINGS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nudges_fall_due_at_doubling_ages_and_then_evenly() {
        let threshold = Duration::from_secs(10);
        let due = |times: u64| nudges_due(threshold * u32::try_from(times).unwrap(), threshold);
        let ages = [0, 1, 2, 3, 4, 8, 16, 31, 32, 63, 64, 95, 96];
        assert_eq!(ages.map(due), [0, 1, 2, 2, 3, 4, 5, 5, 6, 6, 7, 7, 8]);
    }
}
