//! The store of jobs: compare and set, search, and the claims on content.

use crate::error::Result;
use async_trait::async_trait;
use domain::{Job, JobId, Reason, Stage, State};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::time::Duration;

/// Which jobs to list. Empty fields do not filter.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only those in this state.
    pub state: Option<State>,
    /// Only those that ended for this reason.
    pub reason: Option<Reason>,
    /// Only those whose key starts so.
    pub key_prefix: Option<String>,
    /// Only those whose id starts so.
    pub id_prefix: Option<String>,
    /// Only those not written since.
    pub still_since: Option<Timestamp>,
    /// Only those that have not ended.
    pub unfinished: bool,
    /// At most so many; 0: the adapter's own bound.
    pub limit: usize,
    /// Go on behind this job (the last one of the page before).
    pub after: Option<JobId>,
}

/// The answer to a claim on content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContentClaim {
    /// Ours (or ours already): do the work.
    Won,
    /// Another job is at it until then, unless it renews.
    Held {
        /// By which job.
        by: JobId,
        /// Until when.
        until: Timestamp,
    },
    /// The work is done; take this run's artifacts.
    Finished {
        /// Whose.
        job: JobId,
        /// Which run of it.
        run: u32,
    },
}

/// How many jobs one cause has failed in a window.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// How many, each job and run counted once.
    pub count: u64,
    /// This job's place among them, from 1.
    pub place: u64,
    /// Up to three of their keys.
    pub examples: Vec<String>,
}

/// Jobs.
///
/// Contract: of two writers that read the same revision one wins and the other gets `Conflict`; a write is
/// durable when the call returns, and what was read afterwards by anyone is at least that new; a stored job of
/// a newer schema is never overwritten.
#[async_trait]
pub trait Jobs: Send + Sync {
    /// Stores a new job; if there is one of this id already, gives that back and changes nothing.
    async fn create(&self, job: &Job) -> Result<Option<Job>>;

    /// Reads a job.
    async fn get(&self, id: &JobId) -> Result<Option<Job>>;

    /// Writes `job` if the stored revision is `job.revision - 1`; else `Conflict` (or `NotFound`).
    async fn replace(&self, job: &Job) -> Result<()>;

    /// Writes `job` as [`Jobs::replace`] does and claims a content for its run, in one step: both happen or
    /// neither. Anything but `Won` says who has the content; the job is unwritten then. A claim held by the same
    /// job (of this or an earlier run) is no obstacle; one whose lease ended neither.
    async fn replace_claiming(&self, job: &Job, name: &str, lease: Duration) -> Result<ContentClaim>;

    /// Lists jobs, newest first; bounded, see [`Filter::limit`] and [`Filter::after`].
    async fn list(&self, filter: &Filter) -> Result<Vec<Job>>;

    /// How many jobs stand at each stage (unfinished) and how many have ended.
    async fn counts(&self) -> Result<Vec<(State, u64)>>;

    /// The newest job of a key in a bucket, by sequencer, then by time.
    async fn newest_of_key(&self, bucket: &str, key: &str) -> Result<Option<Job>>;

    /// All jobs of a key in a bucket, in no order.
    async fn of_key(&self, bucket: &str, key: &str) -> Result<Vec<Job>>;

    /// Which of these jobs there are, erased ones too.
    async fn known(&self, ids: &[JobId]) -> Result<BTreeSet<JobId>>;

    /// Forgets what hangs on a job beside its own record, which it does not touch: the contents that it has claimed or
    /// finished, and its key where tallies name it.
    async fn forget(&self, job: &Job) -> Result<()>;

    /// Claims the work on a content for `lease`, by a name that holds the tenant. A claim whose lease ended may
    /// be taken over by anybody; a finished one never.
    async fn claim_content(&self, name: &str, job: &JobId, run: u32, lease: Duration)
    -> Result<ContentClaim>;

    /// The job and run that hold a content (or finished it), if any does. A claim whose lease ended is nobody's.
    async fn content(&self, name: &str) -> Result<Option<(JobId, u32)>>;

    /// Says that this run's artifacts are the result of that content. Only the holder's word counts; from
    /// anybody else it changes nothing.
    async fn finish_content(&self, name: &str, job: &JobId, run: u32) -> Result<()>;

    /// Gives the claim up, if it is held by this run: the work ended without a result.
    async fn release_content(&self, name: &str, job: &JobId, run: u32) -> Result<()>;

    /// Counts this run into the cause's window and tells how many there are. Counting the same run again
    /// changes nothing. `cause` names tenant and reason; windows are whole hours from `window`.
    async fn tally(&self, cause: &str, window: i64, job: &JobId, run: u32, key: &str) -> Result<Tally>;

    /// The tally of a window, without counting.
    async fn tallied(&self, cause: &str, window: i64) -> Result<Tally>;
}

/// Names the queue state "stage" filters for people: `ingest`, …, `ended`.
#[must_use]
pub fn state_name(state: State) -> &'static str {
    match state {
        State::At(Stage::Ingest) => "ingest",
        State::At(Stage::Ocr) => "ocr",
        State::At(Stage::Summarize) => "summarize",
        State::At(Stage::Notify) => "notify",
        State::Ended => "ended",
    }
}
