//! The upper of the two ways to handle messages: one step of a job, under its claim.

use crate::claimed::Claimed;
use async_trait::async_trait;
use domain::event::ObjectEvent;
use domain::message::Digest;
use domain::{Audience, Job, Outcome, Reason, Stage, State};
use jiff::Timestamp;
use ports::{Fault, PortError};
use std::time::Duration;

/// What a step changes on its job beside where it goes. State, run, claim, attempts and revision are not its
/// to change and are put back.
pub type Patch = Box<dyn FnOnce(&mut Job) + Send>;

/// The patch that changes nothing.
#[must_use]
pub fn unchanged() -> Patch {
    Box::new(|_| {})
}

/// Where a job goes from here. Everything that the next stage reads must be written before this is returned.
pub enum StepDone {
    /// On to the next state.
    Advance {
        /// Where to.
        to: State,
        /// What changes on the job.
        patch: Patch,
        /// The content that is claimed in the same write; see [`StepDone::claiming`].
        claiming: Option<String>,
    },
    /// It has its outcome; notify is next.
    End {
        /// How it ends.
        outcome: Outcome,
        /// What changes on the job.
        patch: Patch,
    },
    /// It waits. The attempt is given back. Waits over 15 minutes chain: the step is asked again in between.
    Defer {
        /// Not before.
        until: Timestamp,
        /// What for, for people who look at the job.
        why: String,
    },
}

impl StepDone {
    /// On to that stage, with these changes.
    pub fn advance(to: Stage, patch: impl FnOnce(&mut Job) + Send + 'static) -> Self {
        Self::Advance { to: State::At(to), patch: Box::new(patch), claiming: None }
    }

    /// Claims the content of this name for the job's run in the very write that moves it on, and notes the name
    /// on the job ([`Job::reuse`]). If the content is another's by then, the job stays where it is and the step is
    /// asked again, so that it finds the holder. Only an advance can claim.
    #[must_use]
    pub fn claiming(self, name: String) -> Self {
        match self {
            Self::Advance { to, patch, .. } => Self::Advance { to, patch, claiming: Some(name) },
            other => other,
        }
    }

    /// Notify is done: nothing is owed any more. With these changes.
    pub fn ended(patch: impl FnOnce(&mut Job) + Send + 'static) -> Self {
        Self::Advance { to: State::Ended, patch: Box::new(patch), claiming: None }
    }

    /// It ends so, with these changes.
    pub fn end(outcome: Outcome, patch: impl FnOnce(&mut Job) + Send + 'static) -> Self {
        Self::End { outcome, patch: Box::new(patch) }
    }
}

/// What kind of failure ended an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Slow down; the attempt is given back.
    Throttled(Option<Duration>),
    /// No room; the attempt is given back and the queue waits.
    Full,
    /// May work the next time; the attempt is used up.
    Transient,
    /// Trying again is useless: the job ends.
    Permanent,
    /// The claim went to another; nothing of this attempt counts.
    LostClaim,
}

/// How a step fails.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{cause}")]
pub struct StepFailure {
    /// What went wrong, for people. Never holds document text or secrets.
    pub cause: String,
    /// How the job ends if this ends it; `None`: failed as `Internal`, with the cause.
    pub outcome: Option<Outcome>,
    pub(crate) kind: Kind,
}

impl StepFailure {
    /// It may work the next time. When all attempts are used up the job fails for this reason.
    pub fn again(reason: Reason, cause: impl Into<String>) -> Self {
        let cause = cause.into();
        Self { outcome: Some(ended_for(reason, &cause)), cause, kind: Kind::Transient }
    }

    /// It will never work: the job ends for this reason.
    pub fn permanent(reason: Reason, cause: impl Into<String>) -> Self {
        let cause = cause.into();
        Self { outcome: Some(ended_for(reason, &cause)), cause, kind: Kind::Permanent }
    }

    /// It will never work: the job ends so.
    #[must_use]
    pub fn end(outcome: Outcome) -> Self {
        let cause = outcome.detail.clone().or_else(|| outcome.reason.map(|reason| reason.code().to_owned()));
        Self { cause: cause.unwrap_or_default(), outcome: Some(outcome), kind: Kind::Permanent }
    }

    /// Slow down: the attempt is given back, and the queue waits until then.
    pub fn throttled(after: Option<Duration>, cause: impl Into<String>) -> Self {
        Self { cause: cause.into(), outcome: None, kind: Kind::Throttled(after) }
    }

    pub(crate) fn lost_claim() -> Self {
        let cause = "the claim went to another worker".into();
        Self { cause, outcome: None, kind: Kind::LostClaim }
    }

    /// Whether trying again is useless until somebody changes something.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        self.kind == Kind::Permanent
    }

    /// How the job ends if this ends it.
    #[must_use]
    pub fn ending(&self) -> Outcome {
        self.outcome.clone().unwrap_or_else(|| ended_for(Reason::Internal, &self.cause))
    }
}

/// Rejected if the sender can mend the reason, else failed.
fn ended_for(reason: Reason, cause: &str) -> Outcome {
    match reason.audience() {
        Audience::Sender => Outcome::rejected(reason, cause),
        Audience::Operator => Outcome::failed(reason, cause),
    }
}

impl From<PortError> for StepFailure {
    fn from(error: PortError) -> Self {
        let (kind, reason) = match error.fault {
            Fault::Throttled(after) => (Kind::Throttled(after), None),
            Fault::Full => (Kind::Full, Some(Reason::StorageFull)),
            Fault::Transient => (Kind::Transient, None),
            Fault::Denied => (Kind::Permanent, Some(Reason::AccessDenied)),
            Fault::TooLarge => (Kind::Permanent, Some(Reason::TooLarge)),
            // A step that expects these has its own answer; here nobody did.
            Fault::NotFound | Fault::Conflict | Fault::Permanent => (Kind::Permanent, None),
        };
        Self { outcome: reason.map(|reason| ended_for(reason, &error.what)), cause: error.what, kind }
    }
}

impl From<std::io::Error> for StepFailure {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind;
        let (kind, reason) = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => (Kind::Full, Some(Reason::StorageFull)),
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                (Kind::Permanent, Some(Reason::AccessDenied))
            }
            _ => (Kind::Transient, None),
        };
        let cause = error.to_string();
        Self { outcome: reason.map(|reason| ended_for(reason, &cause)), cause, kind }
    }
}

/// One step of every job.
///
/// Contract: `run` may be dropped at any await (a lost claim, a stop) and may run again for the same job and
/// run, so what it writes is written once (artifacts) or by compare and set ([`Claimed::update`]).
#[async_trait]
pub trait Step: Send + Sync {
    /// Which stage it is; its nudges come from that stage's queue.
    fn stage(&self) -> Stage;

    /// Does the work of this stage for a claimed job, and says where the job goes.
    async fn run(&self, claimed: &Claimed) -> Result<StepDone, StepFailure>;

    /// Takes in the S3 events of one message of this stage's queue. Only ingest has any. A permanent failure
    /// sends the message to the dead letters.
    async fn on_events(&self, events: Vec<ObjectEvent>) -> Result<(), StepFailure> {
        drop(events);
        let cause = format!("an S3 event in the queue of {}", self.stage());
        Err(StepFailure::permanent(Reason::Internal, cause))
    }

    /// Takes in a digest of this stage's queue. Only notify has any.
    async fn on_digest(&self, digest: Digest) -> Result<(), StepFailure> {
        drop(digest);
        let cause = format!("a digest in the queue of {}", self.stage());
        Err(StepFailure::permanent(Reason::Internal, cause))
    }
}
