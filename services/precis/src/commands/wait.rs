//! Waiting for jobs to end.

use anyhow::{Result, bail};
use domain::{Job, JobId, State};
use ports::Stack;
use std::time::Duration;

/// How often a job is looked at: soon after it was sent, then less and less often.
const POLLS: [u64; 5] = [20, 40, 80, 160, 320];

/// Waits until this job has ended.
pub async fn ended(stack: &Stack, id: &JobId) -> Result<Job> {
    let mut polls = POLLS.iter().copied().chain(std::iter::repeat(320));
    loop {
        match stack.jobs.get(id).await? {
            Some(job) if job.state == State::Ended => return Ok(job),
            // The event is still on its way through ingest.
            Some(_) | None => {}
        }
        let Some(ms) = polls.next() else { bail!("the job {id} never ended") };
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
}
