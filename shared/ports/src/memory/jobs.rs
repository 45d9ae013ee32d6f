//! Jobs in their stored form, claims on content, tallies.

use super::{Memory, fail, lock};
use crate::error::{Fault, PortError, Result};
use crate::jobs::{ContentClaim, Filter, Jobs, Tally};
use async_trait::async_trait;
use domain::event::compare_sequencers;
use domain::{Job, JobId, Stage, State};
use jiff::Timestamp;
use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Jobs in one answer where no limit is asked for.
const PAGE: usize = 1000;

#[derive(Default)]
pub(super) struct Store {
    jobs: BTreeMap<JobId, String>,
    contents: BTreeMap<String, Content>,
    tallies: BTreeMap<(String, i64), Vec<Counted>>,
}

/// A run in a tally: its job, its number, the document's key.
type Counted = (JobId, u32, String);

struct Content {
    job: JobId,
    run: u32,
    until: Timestamp,
    finished: bool,
}

impl Store {
    fn get(&self, id: &JobId) -> Result<Option<Job>> {
        self.jobs.get(id).map(|stored| parse(stored)).transpose()
    }

    fn put(&mut self, job: &Job) {
        self.jobs.insert(job.id.clone(), serde_json::json!(job).to_string());
    }

    fn replace(&mut self, job: &Job) -> Result<()> {
        let Some(stored) = self.get(&job.id)? else {
            return fail(Fault::NotFound, "there is no such job");
        };
        if stored.schema > job.schema {
            return fail(Fault::Permanent, "a newer release wrote this job");
        }
        if stored.revision + 1 != job.revision {
            return fail(Fault::Conflict, "somebody else wrote the job");
        }
        self.put(job);
        Ok(())
    }

    /// Who has a content at `now`, if this run of this job cannot have it.
    fn obstacle(&self, name: &str, job: &JobId, run: u32, now: Timestamp) -> Option<ContentClaim> {
        let content = self.contents.get(name)?;
        if content.finished {
            return Some(ContentClaim::Finished { job: content.job.clone(), run: content.run });
        }
        let is_ours = content.job == *job && content.run <= run;
        (!is_ours && content.until > now)
            .then(|| ContentClaim::Held { by: content.job.clone(), until: content.until })
    }

    fn claim(&mut self, name: &str, job: &JobId, run: u32, until: Timestamp) {
        let content = Content { job: job.clone(), run, until, finished: false };
        self.contents.insert(name.to_owned(), content);
    }

    pub(super) fn contents(&self) -> Vec<String> {
        self.contents.keys().cloned().collect()
    }

    fn all(&self) -> Result<Vec<Job>> {
        self.jobs.values().map(|stored| parse(stored)).collect()
    }

    fn tally(&self, cause: &str, window: i64, of: Option<(&JobId, u32)>) -> Tally {
        let Some(counted) = self.tallies.get(&(cause.to_owned(), window)) else { return Tally::default() };
        let place = of.and_then(|(job, run)| counted.iter().position(|(j, r, _)| j == job && *r == run));
        Tally {
            count: counted.len() as u64,
            place: place.map_or(0, |place| place as u64 + 1),
            examples: counted
                .iter()
                .map(|(_, _, key)| key.clone())
                .filter(|key| !key.is_empty())
                .take(3)
                .collect(),
        }
    }
}

fn parse(stored: &str) -> Result<Job> {
    serde_json::from_str(stored)
        .map_err(|error| PortError::new(Fault::Permanent, format!("a stored job cannot be read: {error}")))
}

fn passes(filter: &Filter, job: &Job) -> bool {
    let starts =
        |text: &str, prefix: &Option<String>| prefix.as_ref().is_none_or(|prefix| text.starts_with(prefix));
    filter.state.is_none_or(|state| state == job.state)
        && filter
            .reason
            .is_none_or(|reason| job.outcome.as_ref().is_some_and(|outcome| outcome.reason == Some(reason)))
        && starts(&job.document.key, &filter.key_prefix)
        && starts(job.id.as_str(), &filter.id_prefix)
        && filter.still_since.is_none_or(|since| job.updated_at <= since)
        && (!filter.unfinished || job.state != State::Ended)
}

/// Which of two jobs of one key is the later.
fn later(a: &Job, b: &Job) -> Ordering {
    let by_sequencer = match (&a.document.sequencer, &b.document.sequencer) {
        (Some(a), Some(b)) => compare_sequencers(a, b),
        _ => Ordering::Equal,
    };
    by_sequencer
        .then(a.document.uploaded_at.cmp(&b.document.uploaded_at))
        .then(a.created_at.cmp(&b.created_at))
}

#[async_trait]
impl Jobs for Memory {
    async fn create(&self, job: &Job) -> Result<Option<Job>> {
        let mut store = lock(&self.0.jobs);
        let stored = store.get(&job.id)?;
        if stored.is_none() {
            store.put(job);
        }
        Ok(stored)
    }

    async fn get(&self, id: &JobId) -> Result<Option<Job>> {
        lock(&self.0.jobs).get(id)
    }

    async fn replace(&self, job: &Job) -> Result<()> {
        lock(&self.0.jobs).replace(job)
    }

    async fn replace_claiming(&self, job: &Job, name: &str, lease: Duration) -> Result<ContentClaim> {
        let now = self.now();
        let mut store = lock(&self.0.jobs);
        if let Some(obstacle) = store.obstacle(name, &job.id, job.run, now) {
            return Ok(obstacle);
        }
        store.replace(job)?;
        store.claim(name, &job.id, job.run, now + lease);
        Ok(ContentClaim::Won)
    }

    async fn list(&self, filter: &Filter) -> Result<Vec<Job>> {
        let mut jobs = lock(&self.0.jobs).all()?;
        jobs.sort_by_key(|job| Reverse((job.created_at, job.id.clone())));
        let from = match &filter.after {
            Some(after) => jobs.iter().position(|job| job.id == *after).map_or(jobs.len(), |at| at + 1),
            None => 0,
        };
        let limit = if filter.limit == 0 { PAGE } else { filter.limit };
        Ok(jobs.drain(from..).filter(|job| passes(filter, job)).take(limit).collect())
    }

    async fn counts(&self) -> Result<Vec<(State, u64)>> {
        let jobs = lock(&self.0.jobs).all()?;
        let states = Stage::ALL.map(State::At).into_iter().chain([State::Ended]);
        let count = |state| jobs.iter().filter(|job| job.state == state).count() as u64;
        Ok(states.map(|state| (state, count(state))).collect())
    }

    async fn newest_of_key(&self, bucket: &str, key: &str) -> Result<Option<Job>> {
        let jobs = lock(&self.0.jobs).all()?;
        let of_key = jobs.into_iter().filter(|job| job.document.bucket == bucket && job.document.key == key);
        Ok(of_key.max_by(later))
    }

    async fn of_key(&self, bucket: &str, key: &str) -> Result<Vec<Job>> {
        let jobs = lock(&self.0.jobs).all()?;
        Ok(jobs.into_iter().filter(|job| job.document.bucket == bucket && job.document.key == key).collect())
    }

    async fn known(&self, ids: &[JobId]) -> Result<BTreeSet<JobId>> {
        let store = lock(&self.0.jobs);
        Ok(ids.iter().filter(|id| store.jobs.contains_key(*id)).cloned().collect())
    }

    async fn forget(&self, job: &Job) -> Result<()> {
        let mut store = lock(&self.0.jobs);
        store.contents.retain(|_, content| content.job != job.id);
        let counted = store.tallies.values_mut().flatten();
        counted.filter(|(id, _, _)| *id == job.id).for_each(|(_, _, key)| key.clear());
        Ok(())
    }

    async fn claim_content(
        &self,
        name: &str,
        job: &JobId,
        run: u32,
        lease: Duration,
    ) -> Result<ContentClaim> {
        let now = self.now();
        let mut store = lock(&self.0.jobs);
        if let Some(obstacle) = store.obstacle(name, job, run, now) {
            return Ok(obstacle);
        }
        store.claim(name, job, run, now + lease);
        Ok(ContentClaim::Won)
    }

    async fn content(&self, name: &str) -> Result<Option<(JobId, u32)>> {
        let now = self.now();
        let store = lock(&self.0.jobs);
        let live = store.contents.get(name).filter(|content| content.finished || content.until > now);
        Ok(live.map(|content| (content.job.clone(), content.run)))
    }

    async fn finish_content(&self, name: &str, job: &JobId, run: u32) -> Result<()> {
        if let Some(content) = lock(&self.0.jobs).contents.get_mut(name)
            && content.job == *job
            && content.run == run
        {
            content.finished = true;
        }
        Ok(())
    }

    async fn release_content(&self, name: &str, job: &JobId, run: u32) -> Result<()> {
        let mut store = lock(&self.0.jobs);
        let ours = |content: &Content| content.job == *job && content.run == run && !content.finished;
        if store.contents.get(name).is_some_and(ours) {
            store.contents.remove(name);
        }
        Ok(())
    }

    async fn tally(&self, cause: &str, window: i64, job: &JobId, run: u32, key: &str) -> Result<Tally> {
        let mut store = lock(&self.0.jobs);
        let counted = store.tallies.entry((cause.to_owned(), window)).or_default();
        if !counted.iter().any(|(j, r, _)| j == job && *r == run) {
            counted.push((job.clone(), run, key.to_owned()));
        }
        Ok(store.tally(cause, window, Some((job, run))))
    }

    async fn tallied(&self, cause: &str, window: i64) -> Result<Tally> {
        Ok(lock(&self.0.jobs).tally(cause, window, None))
    }
}
