//! The work of one job at ingest.

use crate::content::{self, Content};
use crate::{Config, events, read};
use async_trait::async_trait;
use domain::event::ObjectEvent;
use domain::settings::{Layer, Source};
use domain::{ContentHash, Job, Outcome, Reason, Settings, Stage};
use extract::{Limits, ReadError};
use ports::{Fault, PortError, Stack};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use worker::{Claimed, Step, StepDone, StepFailure};

/// How soon to look again for a result that another job is making.
const CONTENT_POLL: Duration = Duration::from_secs(2);

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
        let tags = match self.stack.objects.tags(&job.document).await {
            Ok(tags) => tags,
            // Gone before anything of it was looked at.
            Err(error) => return gone_or_failed(error, Learnt::default()),
        };
        let mut learnt = Learnt { settings: self.settings(job, &tags).await?, ..Learnt::default() };
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
        match self.content(job, &learnt).await? {
            Content::Ours(claiming) => {
                let advance = self.read(claimed, learnt, folder.path(), &file).await?;
                Ok(match claiming {
                    Some(name) => advance.claiming(name),
                    None => advance,
                })
            }
            Content::AtWork => {
                let until = self.stack.clock.now() + CONTENT_POLL;
                let why = "another document with the same content is being read".into();
                Ok(StepDone::Defer { until, why })
            }
            Content::Copied(from, run) => {
                learnt.pages = from.pages;
                learnt.kind = from.kind;
                learnt.reused_from = Some((from.id, run));
                Ok(StepDone::end(Outcome::summarized(), learnt.patch()))
            }
        }
    }
}

impl Ingest {
    async fn settings(&self, job: &Job, tags: &BTreeMap<String, String>) -> Result<Settings, StepFailure> {
        let mut layers = self.stack.settings.layers(&job.document.bucket, &job.document.key).await?;
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

    /// Whose the work on the document's content is. `fresh` runs neither look nor claim.
    async fn content(&self, job: &Job, learnt: &Learnt) -> Result<Content, StepFailure> {
        let Some(hash) = learnt.content.as_ref().filter(|_| !job.fresh) else {
            return Ok(Content::Ours(None));
        };
        let name = format!(
            "{} {} {} {} {}",
            job.document.tenant(),
            hash.0,
            learnt.settings.fingerprint(),
            extract::READER,
            self.config.made_by
        );
        content::find(&self.stack, job, name).await
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
