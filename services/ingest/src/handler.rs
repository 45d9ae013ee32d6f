//! The work of one job at ingest.

use crate::{Config, events, read};
use async_trait::async_trait;
use domain::event::ObjectEvent;
use domain::settings::{Layer, Source};
use domain::{Artifact, ContentHash, Job, Outcome, OutcomeKind, Reason, Settings, Stage};
use extract::{Limits, ReadError};
use ports::{ContentClaim, Fault, PortError, Stack};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::time::Duration;
use worker::{Claimed, Step, StepDone, StepFailure};

/// How long a claim on content lasts: longer than any document is worked on, else it would be paid for twice.
/// Nobody waits for its end, since whoever waits looks after the job that holds it.
pub const CONTENT_LEASE: Duration = Duration::from_secs(12 * 3600);
/// How soon to look again for a result that another job is making.
const CONTENT_POLL: Duration = Duration::from_secs(2);
/// The largest artifact that is copied when a result is reused.
const ARTIFACT_LIMIT: u64 = 512 << 20;

/// The ingest worker.
pub struct Ingest {
    stack: Stack,
    config: Config,
}

impl Ingest {
    /// A worker over these ports.
    #[must_use]
    pub fn new(stack: Stack, config: Config) -> Self {
        Self { stack, config }
    }
}

/// What the job learns on the way; written with its next state.
#[derive(Clone, Default)]
struct Learnt {
    settings: Settings,
    content: Option<ContentHash>,
    reuse: Option<String>,
    reused_from: Option<(domain::JobId, u32)>,
    kind: Option<String>,
    pages: Option<u32>,
    ocr_pages: Vec<u32>,
}

impl Learnt {
    /// Writes it down on the job.
    fn patch(self) -> impl FnOnce(&mut Job) + Send + 'static {
        move |job: &mut Job| {
            job.settings = self.settings;
            job.content = self.content;
            job.reuse = self.reuse;
            job.reused_from = self.reused_from;
            job.kind = self.kind.or(job.kind.take());
            job.pages = self.pages.or(job.pages);
            job.cost.ocr_pages = u32::try_from(self.ocr_pages.len()).unwrap_or(u32::MAX);
            job.ocr_pages = self.ocr_pages;
        }
    }
}

#[async_trait]
impl Step for Ingest {
    fn stage(&self) -> Stage {
        Stage::Ingest
    }

    async fn on_events(&self, events: Vec<ObjectEvent>) -> Result<(), StepFailure> {
        Ok(events::take(&self.stack, events).await?)
    }

    async fn run(&self, claimed: &Claimed) -> Result<StepDone, StepFailure> {
        let job = &claimed.job;
        let mut learnt = Learnt { settings: self.settings(job).await?, ..Learnt::default() };
        if let Some(outcome) = refuse_by_size(job, &learnt.settings) {
            return Ok(StepDone::end(outcome, learnt.patch()));
        }
        let folder = tempfile::Builder::new().prefix("ingest-").tempdir_in(&self.config.scratch)?;
        let file = folder.path().join("document");
        match self.stack.objects.fetch(&job.document, learnt.settings.max_bytes, &file).await {
            Ok(()) => {}
            Err(error) => return gone_or_failed(error, learnt),
        }
        learnt.content = Some(hash(&file).await?);
        if let Some(done) = self.reuse(job, &mut learnt).await? {
            return Ok(done);
        }
        self.read(claimed, learnt, folder.path(), &file).await
    }
}

impl Ingest {
    async fn settings(&self, job: &Job) -> Result<Settings, StepFailure> {
        let mut layers = self.stack.settings.layers(&job.document.bucket, &job.document.key).await?;
        let tags = self.stack.objects.tags(&job.document).await?;
        let ours =
            tags.iter().filter_map(|(name, value)| Some((name.strip_prefix("precis:")?, value.as_str())));
        for pair in ours {
            // One wrong tag must not cost the document: it is left out and said so.
            match Layer::from_pairs([pair]) {
                Ok(layer) => layers.push((Source::Tag, layer)),
                Err(_) => tracing::warn!(job.id = %job.id, "a tag of the document is no setting"),
            }
        }
        layers.push((Source::Run, job.asked.clone()));
        Ok(Settings::resolve(&layers))
    }

    /// Takes over the result of the same content, waits for the job that is making it, or claims the work.
    async fn reuse(&self, job: &Job, learnt: &mut Learnt) -> Result<Option<StepDone>, StepFailure> {
        let Some(content) = learnt.content.clone().filter(|_| !job.fresh) else { return Ok(None) };
        let name = format!(
            "{} {} {} {} {}",
            job.document.tenant(),
            content.0,
            learnt.settings.fingerprint(),
            extract::READER,
            self.config.made_by
        );
        match self.claim_content(&name, job).await? {
            ContentClaim::Won => {
                learnt.reuse = Some(name);
                Ok(None)
            }
            ContentClaim::Held { until, .. } => {
                let soon = self.stack.clock.now() + CONTENT_POLL;
                let why = "another document with the same content is being read".into();
                Ok(Some(StepDone::Defer { until: until.min(soon), why }))
            }
            ContentClaim::Finished { job: other, run } => {
                let Some(from) = self.copy_result(job, &other, run).await? else { return Ok(None) };
                learnt.pages = from.pages;
                learnt.kind = from.kind;
                learnt.reused_from = Some((other, run));
                Ok(Some(StepDone::end(Outcome::summarized(), learnt.clone().patch())))
            }
        }
    }

    /// Claims the work on a content, from a job too that will bring no result: it failed or was superseded before
    /// it had written down what it holds.
    async fn claim_content(&self, name: &str, job: &Job) -> Result<ContentClaim, StepFailure> {
        let jobs = &self.stack.jobs;
        let claim = jobs.claim_content(name, &job.id, job.run, CONTENT_LEASE).await?;
        let ContentClaim::Held { by, .. } = &claim else { return Ok(claim) };
        let brings_none = |holder: &Job| {
            let is_its = holder.reuse.as_deref() == Some(name);
            holder.outcome.as_ref().is_some_and(|outcome| outcome.kind != OutcomeKind::Summarized || !is_its)
        };
        let Some(holder) = jobs.get(by).await?.filter(brings_none) else { return Ok(claim) };
        // The claim may be one of its former runs'.
        for run in 1..=holder.run {
            jobs.release_content(name, by, run).await?;
        }
        Ok(jobs.claim_content(name, &job.id, job.run, CONTENT_LEASE).await?)
    }

    /// Copies a finished run's artifacts, so that erasing one job leaves the other. `None` if they are gone.
    async fn copy_result(
        &self,
        job: &Job,
        other: &domain::JobId,
        run: u32,
    ) -> Result<Option<Job>, StepFailure> {
        let Some(from) = self.stack.jobs.get(other).await? else { return Ok(None) };
        for artifact in [Artifact::Pages, Artifact::Result] {
            let body = match self.stack.objects.read(&artifact.key(other, run), ARTIFACT_LIMIT).await {
                Ok(body) => body,
                Err(error) if error.fault == Fault::NotFound => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            self.stack.objects.write_once(&artifact.key(&job.id, job.run), body).await?;
        }
        Ok(Some(from))
    }

    async fn read(
        &self,
        claimed: &Claimed,
        mut learnt: Learnt,
        folder: &Path,
        file: &Path,
    ) -> Result<StepDone, StepFailure> {
        let job = &claimed.job;
        let out = folder.join("pages");
        std::fs::create_dir(&out)?;
        let limits = limits(&learnt.settings);
        let watch = |done: u32, total: u32| claimed.progress(done, total);
        let reading =
            extract::read(file, job.document.name(), &out, &limits, &self.config.reader, watch).await;
        let reading = match reading {
            Ok(reading) => reading,
            Err(error) => return unread(learnt, &error),
        };
        learnt.kind = Some(reading.kind.as_str().to_owned());
        learnt.pages = Some(u32::try_from(reading.pages.len()).unwrap_or(u32::MAX));
        match read::store(self.stack.objects.as_ref(), job, reading, &out).await? {
            Err(outcome) => Ok(StepDone::end(outcome, learnt.patch())),
            Ok(ocr_pages) => {
                let to = if ocr_pages.is_empty() { Stage::Summarize } else { Stage::Ocr };
                learnt.ocr_pages = ocr_pages;
                Ok(StepDone::advance(to, learnt.patch()))
            }
        }
    }
}

fn unread(learnt: Learnt, error: &ReadError) -> Result<StepDone, StepFailure> {
    if !error.is_permanent() {
        return Err(StepFailure::again(error.reason(), error.to_string()));
    }
    Ok(StepDone::end(Outcome::rejected(error.reason(), error.to_string()), learnt.patch()))
}

fn limits(settings: &Settings) -> Limits {
    let seconds = u64::from(settings.reader_seconds);
    Limits {
        max_pages: settings.max_pages,
        memory_bytes: u64::from(settings.reader_memory_mib) << 20,
        cpu_seconds: seconds,
        wall: Duration::from_secs(seconds),
        ..Limits::default()
    }
}

fn refuse_by_size(job: &Job, settings: &Settings) -> Option<Outcome> {
    let size = job.document.size;
    if size == 0 {
        return Some(Outcome::rejected(Reason::EmptyFile, ""));
    }
    (size > settings.max_bytes).then(|| {
        let detail = format!("it has {size} bytes and the limit is {}", settings.max_bytes);
        Outcome::rejected(Reason::TooLarge, detail)
    })
}

fn gone_or_failed(error: PortError, learnt: Learnt) -> Result<StepDone, StepFailure> {
    let outcome = match error.fault {
        Fault::NotFound => Outcome::superseded(Reason::Deleted),
        Fault::Conflict => Outcome::superseded(Reason::NewerVersion),
        Fault::TooLarge => Outcome::rejected(Reason::TooLarge, error.what),
        _ => return Err(error.into()),
    };
    Ok(StepDone::end(outcome, learnt.patch()))
}

async fn hash(file: &Path) -> Result<ContentHash, StepFailure> {
    let file = file.to_owned();
    let hash = tokio::task::spawn_blocking(move || -> std::io::Result<String> {
        let mut hash = Sha256::new();
        let mut file = std::io::BufReader::with_capacity(1 << 16, std::fs::File::open(file)?);
        loop {
            let chunk = std::io::BufRead::fill_buf(&mut file)?;
            if chunk.is_empty() {
                break;
            }
            hash.update(chunk);
            let n = chunk.len();
            std::io::BufRead::consume(&mut file, n);
        }
        Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    });
    let hash = hash.await.map_err(|error| StepFailure::again(Reason::Internal, error.to_string()))?;
    Ok(ContentHash(hash?))
}
