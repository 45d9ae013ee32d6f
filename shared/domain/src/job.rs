//! A job: what we owe a document, and how far we are.
//!
//! The job is the truth and messages are only nudges, so every rule about what may follow what stands here.
//! Each change is a method that takes the job as it was read and gives the job as it should be written; the
//! store accepts it only if nobody else wrote meanwhile (`revision`). Work that costs or is heard is done
//! under a *claim*, and attempts are counted when a claim is taken: a worker that dies has used one up, a
//! worker that gives the job back (drain, throttle) has not.
//!
//! ```text
//! Ingest ──▶ Ocr ──▶ Summarize ──▶ Notify ──▶ Ended
//!    └────────────────▶┘              ▲
//!    any stage, with an outcome ──────┘      retry, reprocess, come back: Ended ──▶ Ingest, run + 1
//! ```

use crate::ids::{ContentHash, Document, JobId};
use crate::outcome::{Cost, Outcome};
use crate::settings::{Layer, Settings};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// A step of the way. Each has its queue and its worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Admit the document and take the text that it holds.
    Ingest,
    /// Read the pages that hold none.
    Ocr,
    /// Rank, choose and cite.
    Summarize,
    /// Tell people and programs.
    Notify,
}

impl Stage {
    /// All, in order.
    pub const ALL: [Self; 4] = [Self::Ingest, Self::Ocr, Self::Summarize, Self::Notify];

    /// Its name in queues, metrics and tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Ocr => "ocr",
            Self::Summarize => "summarize",
            Self::Notify => "notify",
        }
    }
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// This stage owes it work.
    At(Stage),
    /// Nothing is owed any more.
    Ended,
}

/// Somebody is at work on the job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Who: unique for each taking of a claim.
    pub holder: String,
    /// When it lapses unless renewed.
    pub until: Timestamp,
}

/// What happened, for people who look at the job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// When.
    pub at: Timestamp,
    /// In which run.
    pub run: u32,
    /// In which stage.
    pub stage: Stage,
    /// What.
    pub what: What,
    /// More, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Time that the work took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
}

/// Kinds of history entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The stage's work was done.
    Done,
    /// It waits for something.
    Waited,
    /// An attempt failed.
    Failed,
    /// The job got its outcome here.
    Decided,
    /// A new run was asked for.
    Restarted,
}

/// Pages that an OCR engine works on between our visits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingPart {
    /// The pages, in order.
    pub pages: Vec<u32>,
    /// The engine's name for the work.
    pub token: String,
    /// The lease at the gate that is given back when it is done.
    pub lease: String,
    /// Since when.
    pub since: Timestamp,
}

/// How a former run ended. Its artifacts stay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PastRun {
    /// Its number.
    pub run: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// The settings that held.
    pub settings: Settings,
    /// What it cost; nothing is known of runs that earlier releases made.
    #[serde(default, skip_serializing_if = "Cost::is_none")]
    pub cost: Cost,
}

/// What we owe one document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Version of this shape; a newer one is never overwritten.
    pub schema: u32,
    /// Its name.
    pub id: JobId,
    /// What it is about.
    pub document: Document,
    /// Which pass, from 1.
    pub run: u32,
    /// Grows by one with each write; the store compares it.
    pub revision: u64,
    /// Where the run is.
    pub state: State,
    /// Who works on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<Claim>,
    /// Claims taken in this stage of this run, those given back not counted.
    pub attempts: u32,
    /// Why the last attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<String>,
    /// The settings of this run, once ingest has resolved them.
    #[serde(default)]
    pub settings: Settings,
    /// What was asked for when this run was started.
    #[serde(default)]
    pub asked: Layer,
    /// Do the work even if the same content has a result already.
    #[serde(default)]
    pub fresh: bool,
    /// The document's kind, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The hash of its bytes, once read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<ContentHash>,
    /// The name under which this run's result may be reused. It is written together with the run's claim on that
    /// content, which stands as long as nobody finds that the run brought no result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reuse: Option<String>,
    /// The job and run whose result this run took over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reused_from: Option<(JobId, u32)>,
    /// Number of pages, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<u32>,
    /// Pages that need OCR (numbers from 1), each with a part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ocr_pages: Vec<u32>,
    /// Pages that an OCR engine is at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ocr_pending: Vec<PendingPart>,
    /// How often OCR work of this run came to a dead end and was started anew.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub ocr_generation: u32,
    /// How it ends, once decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// The window of the digest that tells people of this run, where it has no e-mail of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<i64>,
    /// Milliseconds of work by stage, this run.
    #[serde(default)]
    pub timings_ms: BTreeMap<String, u64>,
    /// What this run cost.
    #[serde(default)]
    pub cost: Cost,
    /// What happened, oldest first, bounded.
    #[serde(default)]
    pub history: Vec<HistoryEntry>,
    /// Former runs, oldest first.
    #[serde(default)]
    pub past: Vec<PastRun>,
    /// When the job was made.
    pub created_at: Timestamp,
    /// When it was last written.
    pub updated_at: Timestamp,
    /// W3C `traceparent` of the event that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// Since when its document is to be forgotten; see [`crate::erase`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased: Option<Timestamp>,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Why a claim was not given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClaimRefused {
    /// Another holder works on it.
    #[error("claimed until {0}")]
    Held(Timestamp),
    /// This stage owes the job nothing (any more).
    #[error("the job is elsewhere")]
    NotOwed,
    /// The attempts of this stage are used up.
    #[error("all attempts are used up")]
    Exhausted,
}

/// A change that the rules do not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Illegal {
    /// No such step from here.
    #[error("a job at {from:?} cannot go to {to:?}")]
    Step {
        /// Where the job is.
        from: State,
        /// Where it was to go.
        to: State,
    },
    /// The claim is another's.
    #[error("the claim is not (or no longer) held")]
    NotHolder,
    /// A run can be started again only after it ended.
    #[error("the job is still at work")]
    StillRunning,
}

/// The present version of the stored shape.
pub const JOB_SCHEMA: u32 = 1;
/// Entries of history that are kept.
const HISTORY_KEPT: usize = 200;

impl Job {
    /// The job of a new document.
    #[must_use]
    pub fn new(document: Document, now: Timestamp) -> Self {
        Self {
            schema: JOB_SCHEMA,
            id: JobId::of(&document.bucket, &document.key, &document.version),
            document,
            run: 1,
            revision: 0,
            state: State::At(Stage::Ingest),
            claim: None,
            attempts: 0,
            last_failure: None,
            settings: Settings::default(),
            asked: Layer::default(),
            fresh: false,
            kind: None,
            content: None,
            reuse: None,
            reused_from: None,
            pages: None,
            ocr_pages: Vec::new(),
            ocr_pending: Vec::new(),
            ocr_generation: 0,
            outcome: None,
            digest: None,
            timings_ms: BTreeMap::new(),
            cost: Cost::default(),
            history: Vec::new(),
            past: Vec::new(),
            created_at: now,
            updated_at: now,
            trace: None,
            erased: None,
        }
    }

    /// The stage that owes it work.
    #[must_use]
    pub fn stage(&self) -> Option<Stage> {
        match self.state {
            State::At(stage) => Some(stage),
            State::Ended => None,
        }
    }

    /// Since when the present stage owes it work.
    #[must_use]
    pub fn at_stage_since(&self) -> Timestamp {
        let came = |entry: &&HistoryEntry| matches!(entry.what, What::Done | What::Decided | What::Restarted);
        self.history.iter().rev().find(came).map_or(self.created_at, |entry| entry.at)
    }

    /// Takes the claim for `lease`, counting an attempt.
    ///
    /// # Errors
    /// [`ClaimRefused`], with the job unchanged.
    pub fn claim(
        &self,
        stage: Stage,
        run: u32,
        holder: &str,
        now: Timestamp,
        lease: Duration,
        max_attempts: u32,
    ) -> Result<Self, ClaimRefused> {
        if self.run != run || self.state != State::At(stage) {
            return Err(ClaimRefused::NotOwed);
        }
        if let Some(claim) = &self.claim
            && claim.until > now
            && claim.holder != holder
        {
            return Err(ClaimRefused::Held(claim.until));
        }
        if self.attempts >= max_attempts {
            return Err(ClaimRefused::Exhausted);
        }
        let mut job = self.changed(now);
        job.attempts += 1;
        job.claim = Some(Claim { holder: holder.to_owned(), until: now + lease });
        Ok(job)
    }

    /// Keeps the claim for another `lease`.
    ///
    /// # Errors
    /// [`Illegal::NotHolder`] if it was lost.
    pub fn renew(&self, holder: &str, now: Timestamp, lease: Duration) -> Result<Self, Illegal> {
        self.held_by(holder)?;
        let mut job = self.changed(now);
        job.claim = Some(Claim { holder: holder.to_owned(), until: now + lease });
        Ok(job)
    }

    /// Gives the claim back without having used up an attempt: drain, throttle, not ready yet.
    ///
    /// # Errors
    /// [`Illegal::NotHolder`] if it was lost.
    pub fn release(&self, holder: &str, now: Timestamp, why: &str) -> Result<Self, Illegal> {
        self.held_by(holder)?;
        let mut job = self.changed(now);
        job.claim = None;
        job.attempts = job.attempts.saturating_sub(1);
        job.note(now, What::Waited, why, None);
        Ok(job)
    }

    /// Ends an attempt that failed; the attempt stays counted.
    ///
    /// # Errors
    /// [`Illegal::NotHolder`] if the claim was lost.
    pub fn fail(&self, holder: &str, now: Timestamp, cause: &str) -> Result<Self, Illegal> {
        self.held_by(holder)?;
        let mut job = self.changed(now);
        job.claim = None;
        job.last_failure = Some(cause.to_owned());
        job.note(now, What::Failed, cause, None);
        Ok(job)
    }

    /// Goes on to `next` when the holder's work is done.
    ///
    /// # Errors
    /// If the claim was lost, or no such step exists.
    pub fn advance(
        &self,
        holder: &str,
        next: State,
        now: Timestamp,
        took: Duration,
    ) -> Result<Self, Illegal> {
        self.held_by(holder)?;
        let legal = match (self.state, next) {
            (State::At(Stage::Ingest), State::At(Stage::Ocr | Stage::Summarize))
            | (State::At(Stage::Ocr), State::At(Stage::Summarize)) => self.outcome.is_none(),
            (State::At(Stage::Notify), State::Ended) => self.outcome.is_some(),
            _ => false,
        };
        if !legal {
            return Err(Illegal::Step { from: self.state, to: next });
        }
        Ok(self.moved(next, now, took, What::Done, ""))
    }

    /// Decides how the job ends; people and programs are told next. `holder` is `None` for those who end jobs
    /// without a claim: the dead-letter consumer, the reconciler, a newer version.
    ///
    /// # Errors
    /// If the claim was lost, or the job is at notify or ended already.
    pub fn decide(
        &self,
        holder: Option<&str>,
        outcome: Outcome,
        now: Timestamp,
        took: Duration,
    ) -> Result<Self, Illegal> {
        if let Some(holder) = holder {
            self.held_by(holder)?;
        }
        let to = State::At(Stage::Notify);
        if !matches!(self.state, State::At(Stage::Ingest | Stage::Ocr | Stage::Summarize)) {
            return Err(Illegal::Step { from: self.state, to });
        }
        let note = outcome.reason.map_or("", |reason| reason.code());
        let mut job = self.moved(to, now, took, What::Decided, note);
        job.outcome = Some(outcome);
        Ok(job)
    }

    /// Ends a job whose notification itself cannot be made: the outcome stands, nobody could be told.
    ///
    /// # Errors
    /// If the job is not at notify.
    pub fn give_up_notifying(&self, now: Timestamp, cause: &str) -> Result<Self, Illegal> {
        if self.state != State::At(Stage::Notify) {
            return Err(Illegal::Step { from: self.state, to: State::Ended });
        }
        let mut job = self.moved(State::Ended, now, Duration::ZERO, What::Failed, cause);
        job.last_failure = Some(cause.to_owned());
        Ok(job)
    }

    /// Starts a new run; the old one is kept with its outcome.
    ///
    /// # Errors
    /// [`Illegal::StillRunning`] unless the job has ended.
    pub fn restart(&self, asked: Layer, fresh: bool, now: Timestamp) -> Result<Self, Illegal> {
        let (State::Ended, Some(outcome)) = (self.state, self.outcome.clone()) else {
            return Err(Illegal::StillRunning);
        };
        let mut job = self.changed(now);
        job.past.push(PastRun { run: self.run, outcome, settings: self.settings.clone(), cost: self.cost });
        job.run += 1;
        job.state = State::At(Stage::Ingest);
        job.claim = None;
        job.attempts = 0;
        job.last_failure = None;
        job.asked = asked;
        job.fresh = fresh;
        job.reuse = None;
        job.reused_from = None;
        job.ocr_pages.clear();
        job.ocr_pending.clear();
        job.ocr_generation = 0;
        job.outcome = None;
        job.digest = None;
        job.timings_ms.clear();
        job.cost = Cost::default();
        job.note(now, What::Restarted, "", None);
        Ok(job)
    }

    /// Starts a new run since this version was uploaded once more (as `document` says) after another had taken its
    /// place: what people find under its key is to be about it again.
    ///
    /// # Errors
    /// [`Illegal::StillRunning`] unless the job has ended.
    pub fn come_back(&self, document: Document, now: Timestamp) -> Result<Self, Illegal> {
        Ok(Self { document, ..self.restart(Layer::default(), false, now)? })
    }

    /// What all its runs cost together, as far as it is known.
    #[must_use]
    pub fn total_cost(&self) -> Cost {
        let mut total = self.cost;
        for past in &self.past {
            total += past.cost;
        }
        total
    }

    /// Whether `holder` has the claim.
    ///
    /// # Errors
    /// [`Illegal::NotHolder`] if not.
    pub fn held_by(&self, holder: &str) -> Result<(), Illegal> {
        match &self.claim {
            Some(claim) if claim.holder == holder => Ok(()),
            _ => Err(Illegal::NotHolder),
        }
    }

    pub(crate) fn changed(&self, now: Timestamp) -> Self {
        let mut job = self.clone();
        job.revision += 1;
        job.updated_at = now;
        job
    }

    fn moved(&self, next: State, now: Timestamp, took: Duration, what: What, note: &str) -> Self {
        let mut job = self.changed(now);
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        job.note(now, what, note, Some(ms));
        if let State::At(stage) = self.state {
            *job.timings_ms.entry(stage.as_str().to_owned()).or_default() += ms;
        }
        job.state = next;
        job.claim = None;
        job.attempts = 0;
        // The next stage must not be blamed for what went wrong in this one; history keeps it.
        job.last_failure = None;
        job
    }

    fn note(&mut self, at: Timestamp, what: What, note: &str, duration_ms: Option<u64>) {
        let stage = self.stage().unwrap_or(Stage::Notify);
        // A wait that repeats is one wait: polling must not push the story out of a bounded history.
        if what == What::Waited
            && let Some(last) = self.history.last_mut()
            && last.what == What::Waited
            && last.stage == stage
            && last.run == self.run
        {
            note.clone_into(&mut last.note);
            return;
        }
        self.history.push(HistoryEntry {
            at,
            run: self.run,
            stage,
            what,
            note: note.to_owned(),
            duration_ms,
        });
        if self.history.len() > HISTORY_KEPT {
            self.history.remove(0);
        }
    }
}
