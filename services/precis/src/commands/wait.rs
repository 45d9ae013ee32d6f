//! Waiting for jobs to end.

use super::place::Place;
use anyhow::{Result, bail};
use domain::{Job, JobId, State};
use ports::Stack;
use std::time::Duration;

/// How often a job is looked at: soon after it was sent, then less and less often.
const POLLS: [u64; 5] = [20, 40, 80, 160, 320];
/// As often on AWS, where looking costs.
const POLLS_THERE: [u64; 4] = [500, 500, 1000, 2000];

/// Waits until this job has ended, on this machine.
pub async fn ended(stack: &Stack, id: &JobId) -> Result<Job> {
    ended_by(stack, id, &POLLS).await
}

/// Waits until this job of a place has ended.
pub async fn ended_at(place: &Place, id: &JobId) -> Result<Job> {
    ended_by(&place.stack, id, if place.aws().is_some() { &POLLS_THERE } else { &POLLS }).await
}

async fn ended_by(stack: &Stack, id: &JobId, polls: &[u64]) -> Result<Job> {
    let last = polls.last().copied().into_iter().cycle();
    let mut polls = polls.iter().copied().chain(last);
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
