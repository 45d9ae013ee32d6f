//! Jobs: started once for each token, read one after the other, told of, kept for seven days.
//!
//! What is known of them stands in memory and, before anybody hears of it, on disk. A server that starts takes up
//! again what was not finished, and tells again what was not told.

use crate::cloud::Cloud;
use crate::config::Config;
use crate::error::{ApiError, Code};
use crate::reading::{LARGE, PAGES, Read, Reader};
use crate::store::{Job, Request, Status, Store};
use crate::wire::{Get, Start, Warning};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// How long results are kept, and a token names its job.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
/// How often an end is told before the next start of the server has to.
const TELLINGS: u32 = 12;

#[derive(Default)]
struct Known {
    jobs: HashMap<String, Job>,
    tokens: HashMap<String, String>,
    /// Jobs that are not in `jobs` yet and count already.
    arriving: usize,
}

/// All jobs of the server.
pub struct Jobs {
    known: Mutex<Known>,
    pub(crate) store: Store,
    cloud: Cloud,
    reader: Arc<Reader>,
    /// Documents in memory at the same time.
    room: Arc<Semaphore>,
    runs: AtomicU64,
    config: Config,
}

impl Jobs {
    /// The jobs of the state folder; those that were not at their end go on.
    ///
    /// # Errors
    /// The disk's.
    pub fn open(config: &Config, cloud: Cloud, reader: Arc<Reader>) -> std::io::Result<Arc<Self>> {
        let store = Store::open(&config.state)?;
        let (jobs, damaged) = store.load()?;
        for path in damaged {
            tracing::warn!(path = %path.display(), "job file cannot be understood");
        }
        let mut known = Known::default();
        let mut open = Vec::new();
        for job in jobs {
            if job.status == Status::InProgress || !job.told {
                open.push(job.id.clone());
            }
            known.insert(job);
        }
        let this = Arc::new(Self {
            known: Mutex::new(known),
            store,
            cloud,
            reader,
            room: Arc::new(Semaphore::new(config.pages())),
            runs: AtomicU64::new(0),
            config: config.clone(),
        });
        for id in open {
            tracing::info!(textract.job = %id, "job taken up again");
            tokio::spawn(Arc::clone(&this).run(id));
        }
        Ok(this)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a job, or names the one that the token has started already.
    ///
    /// # Errors
    /// As the API's model says.
    pub async fn start(self: &Arc<Self>, call: Start) -> Result<String, ApiError> {
        call.check()?;
        let token = call.client_request_token;
        let request = Request {
            location: call.document_location.s3,
            tag: call.job_tag,
            channel: call.notification_channel,
        };
        if let Some(id) = self.known().of_token(token.as_deref(), &request)? {
            return Ok(id);
        }
        let arriving = Arriving::new(self)?;
        let size = self.cloud.size(&request.location).await?;
        if size.0 > LARGE {
            return Err(ApiError::new(Code::DocumentTooLarge, "a PDF or TIFF may have 500 MB"));
        }
        let job = new_job(token, request);
        let id = job.id.clone();
        {
            let mut known = self.known();
            // Somebody may have come with the same token meanwhile.
            if let Some(id) = known.of_token(job.token.as_deref(), &job.request)? {
                return Ok(id);
            }
            known.insert(job.clone());
        }
        drop(arriving);
        if let Err(error) = self.saved(job).await {
            self.known().remove(&id);
            return Err(error);
        }
        tokio::spawn(Arc::clone(self).run(id.clone()));
        Ok(id)
    }

    /// The job that a call asks for.
    ///
    /// # Errors
    /// `InvalidJobIdException` for one that was never there or is no longer kept.
    pub fn get(&self, call: &Get) -> Result<Job, ApiError> {
        let known = self.known();
        let job = known.jobs.get(&call.job_id).filter(|job| !is_over(job, Timestamp::now()));
        job.cloned().ok_or_else(|| ApiError::new(Code::InvalidJobId, "Request has invalid Job Id"))
    }

    /// Forgets what is no longer kept. Called now and then.
    pub async fn sweep(&self) {
        let now = Timestamp::now();
        let over: Vec<String> =
            self.known().jobs.values().filter(|job| is_over(job, now)).map(|job| job.id.clone()).collect();
        for id in over {
            self.known().remove(&id);
            let store = self.store.clone();
            let removed = tokio::task::spawn_blocking(move || store.remove(&id)).await;
            if let Ok(Err(error)) = removed {
                tracing::warn!(error = %error, "old job not removed");
            }
        }
    }

    /// Brings a job to its end, and tells it.
    async fn run(self: Arc<Self>, id: String) {
        let Some(mut job) = self.known().jobs.get(&id).cloned() else { return };
        if job.status == Status::InProgress {
            let read = self.read(&job).await;
            if let Err(error) = &read {
                tracing::info!(textract.job = %id, error = %error, "job failed");
            }
            let left = i64::try_from(self.config.delay.as_millis()).unwrap_or(i64::MAX);
            let left = job.started_ms.saturating_add(left).saturating_sub(now_ms());
            tokio::time::sleep(Duration::from_millis(u64::try_from(left).unwrap_or(0))).await;
            if let Err(error) = self.end(&mut job, read).await {
                // It stays in progress; the next start of the server tries again.
                tracing::error!(textract.job = %id, error = %error, "job not written down");
                return;
            }
        }
        self.tell(job).await;
    }

    async fn read(&self, job: &Job) -> Result<Read, ApiError> {
        let every = self.config.fail_every;
        if every > 0 && (self.runs.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(every) {
            return Err(ApiError::new(Code::InternalServer, "it was told to fail"));
        }
        let _place = self.room.acquire().await.map_err(|error| ApiError::internal(&error))?;
        let bytes = self.cloud.read(&job.request.location, LARGE).await?;
        self.reader.read(bytes, PAGES).await
    }

    async fn end(&self, job: &mut Job, read: Result<Read, ApiError>) -> Result<(), ApiError> {
        match read {
            Ok(read) => {
                job.total = read.total;
                job.status = if read.unread.is_empty() { Status::Succeeded } else { Status::PartialSuccess };
                if !read.unread.is_empty() {
                    job.warnings = vec![Warning { error_code: "BAD_PAGE".into(), pages: read.unread }];
                }
                let (store, id) = (self.store.clone(), job.id.clone());
                let saved = tokio::task::spawn_blocking(move || store.save_pages(&id, &read.pages)).await;
                let saved = saved.map_err(|error| ApiError::internal(&error))?;
                job.pages = saved.map_err(|error| ApiError::internal(&error))?;
            }
            Err(error) => {
                job.status = Status::Failed;
                job.message = Some(error.code.status_message().to_owned());
            }
        }
        job.finished_ms = Some(now_ms());
        job.told = job.request.channel.is_none();
        self.saved(job.clone()).await?;
        self.known().insert(job.clone());
        Ok(())
    }

    async fn tell(&self, mut job: Job) {
        let mut wait = Duration::from_secs(1);
        for telling in 1..=TELLINGS {
            if job.told {
                return;
            }
            match self.cloud.tell(&job).await {
                Ok(()) => {
                    job.told = true;
                    self.known().insert(job.clone());
                    if let Err(error) = self.saved(job.clone()).await {
                        tracing::warn!(textract.job = %job.id, error = %error, "told job not written down");
                    }
                }
                Err(error) => {
                    tracing::warn!(textract.job = %job.id, telling, error = %error, "completion not published");
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(Duration::from_secs(60));
                }
            }
        }
    }

    async fn saved(&self, job: Job) -> Result<(), ApiError> {
        let store = self.store.clone();
        let saved = tokio::task::spawn_blocking(move || store.save(&job)).await;
        saved.map_err(|error| ApiError::internal(&error))?.map_err(|error| ApiError::internal(&error))
    }
}

impl Known {
    fn insert(&mut self, job: Job) {
        if let Some(token) = &job.token {
            self.tokens.insert(token.clone(), job.id.clone());
        }
        self.jobs.insert(job.id.clone(), job);
    }

    fn remove(&mut self, id: &str) {
        if let Some(token) = self.jobs.remove(id).and_then(|job| job.token) {
            self.tokens.retain(|known, of| *known != token || of != id);
        }
    }

    /// The job of a token, dead or alive: a token is good for one job.
    fn of_token(&self, token: Option<&str>, request: &Request) -> Result<Option<String>, ApiError> {
        let job = token.and_then(|token| self.tokens.get(token)).and_then(|id| self.jobs.get(id));
        match job.filter(|job| !is_over(job, Timestamp::now())) {
            None => Ok(None),
            Some(job) if job.request == *request => Ok(Some(job.id.clone())),
            Some(_) => Err(ApiError::new(
                Code::IdempotentParameterMismatch,
                "the ClientRequestToken was used with other parameters",
            )),
        }
    }

    fn unfinished(&self) -> usize {
        self.jobs.values().filter(|job| job.status == Status::InProgress).count() + self.arriving
    }
}

/// A start that holds its place among the concurrent jobs while S3 is asked.
struct Arriving<'a>(&'a Jobs);

impl<'a> Arriving<'a> {
    fn new(jobs: &'a Jobs) -> Result<Self, ApiError> {
        let most = jobs.config.quotas.concurrent_jobs;
        let mut known = jobs.known();
        if most > 0 && known.unfinished() >= most {
            let what = format!("{most} jobs are open, and no more are allowed at the same time");
            return Err(ApiError::new(Code::LimitExceeded, what));
        }
        known.arriving += 1;
        Ok(Self(jobs))
    }
}

impl Drop for Arriving<'_> {
    fn drop(&mut self) {
        self.0.known().arriving -= 1;
    }
}

fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

fn is_over(job: &Job, now: Timestamp) -> bool {
    let kept = i64::try_from(KEPT.as_millis()).unwrap_or(i64::MAX);
    job.finished_ms.is_some_and(|finished| finished.saturating_add(kept) < now.as_millisecond())
}

fn new_job(token: Option<String>, request: Request) -> Job {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let seed = format!("{} {count} {} {token:?}", Timestamp::now(), std::process::id());
    Job {
        id: hex::encode(Sha256::digest(seed.as_bytes())),
        token,
        request,
        started_ms: now_ms(),
        finished_ms: None,
        status: Status::InProgress,
        message: None,
        total: 0,
        warnings: Vec::new(),
        pages: Vec::new(),
        told: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::job;

    #[test]
    fn a_token_names_its_job_even_when_that_failed_and_refuses_other_parameters() {
        let mut known = Known::default();
        let failed = Job { status: Status::Failed, finished_ms: Some(now_ms()), ..job("a") };
        known.insert(failed.clone());
        assert_eq!(known.of_token(Some("token"), &failed.request), Ok(Some("a".into())));
        assert_eq!(known.of_token(Some("other"), &failed.request), Ok(None));
        assert_eq!(known.of_token(None, &failed.request), Ok(None));
        let mut other = failed.request.clone();
        other.tag = None;
        let error = known.of_token(Some("token"), &other).unwrap_err();
        assert_eq!(error.code, Code::IdempotentParameterMismatch);
    }

    #[test]
    fn after_seven_days_a_job_is_over_and_its_token_free() {
        let mut known = Known::default();
        let week = 7 * 24 * 3600 * 1000;
        let old = |age: i64| Job { finished_ms: Some(now_ms() - age), ..job("a") };
        known.insert(old(week - 60_000));
        assert!(known.of_token(Some("token"), &old(0).request).unwrap().is_some());
        known.insert(old(week + 60_000));
        assert!(known.of_token(Some("token"), &old(0).request).unwrap().is_none());
        known.remove("a");
        assert!(known.tokens.is_empty());
    }

    #[test]
    fn ids_are_64_digits_and_never_the_same() {
        let ids = [0; 2].map(|_| new_job(None, job("a").request).id);
        assert!(ids[0].len() == 64 && ids[0] != ids[1]);
    }
}
