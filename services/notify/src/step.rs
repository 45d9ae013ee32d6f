//! The notify step: read the job and its result, render, tell.
//!
//! Programs are told first ([`Channel::Outcomes`], always), then people ([`Channel::Completions`]), then the
//! job ends. Only e-mail is paced: a run that is mailed takes one place at the gate, before anybody is told, so
//! that a gate that is closed makes nobody hear of the run twice; programs pass no gate. A summary that waited too
//! long for its place is told by a digest ([`digest`]). A crash in between tells again on redelivery. The
//! notification's id is the same then (`<job>-<run>`), so the local topic tells nobody twice; SNS does not know ids,
//! so there the time between a publish and the commit of the ended job is a window in which a crash repeats at most
//! the messages in hand.
//!
//! A result that is missing or cannot be read ends the telling with the cause on the job: the outcome stands,
//! and sending an e-mail without its summary would hide that something is broken.

use crate::digest::{self, PATIENCE, Rule};
use crate::{Links, many, render};
use async_trait::async_trait;
use domain::message::Digest;
use domain::outcome::Finding;
use domain::{Artifact, Job, JobId, OutcomeKind, Reason, Stage, State};
use futures::StreamExt;
use jiff::Timestamp;
use ports::{
    Address, Channel, ContentClaim, Fault, Filter, GateName, Lease, Notification, Outgoing, Pass, PortError,
    QueueName, Stack,
};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::Duration;
use telemetry::metrics;
use worker::{Claimed, Step, StepDone, StepFailure, flow};

/// The largest result that is read. A summary is small; its page table grows with the document.
const RESULT_LIMIT: u64 = 64 << 20;
/// Results that are read at once for a digest.
const READS: usize = 8;
/// How long telling may take before its place at the gate is another's.
const LEASE: Duration = Duration::from_secs(60);
/// How long the gate stays closed when a throttle names no time.
const PAUSE: Duration = Duration::from_secs(5);

/// Hears of what was told, beside everybody else: for the terminal of whoever runs the pipeline.
pub type Echo = Arc<dyn Fn(&Notification) + Send + Sync>;

/// The step of [`Stage::Notify`].
pub struct NotifyStep {
    stack: Stack,
    links: Links,
    rule: Rule,
    bursts: Rule,
    echo: Option<Echo>,
}

/// How people hear of a run.
enum Way {
    /// By an e-mail of its own, for which there is this place at the gate.
    Mail(Lease),
    /// By the digest of this window.
    Digest(i64),
    /// Not at all.
    Silent,
    /// Not yet.
    Later(Timestamp),
}

/// What came of asking the gate.
enum Entry {
    In(Lease),
    Until(Timestamp),
}

impl NotifyStep {
    /// The step over these ports: objects, jobs, queue, gate, topic and clock.
    #[must_use]
    pub fn new(stack: Stack, links: Links) -> Self {
        Self { stack, links, rule: Rule::default(), bursts: Rule::bursts(), echo: None }
    }

    /// The same with another rule for digests of failures.
    #[must_use]
    pub fn with_rule(mut self, rule: Rule) -> Self {
        self.rule = rule;
        self
    }

    /// The same with somebody who looks on.
    #[must_use]
    pub fn with_echo(mut self, echo: Option<Echo>) -> Self {
        self.echo = echo;
        self
    }

    /// The result of the run, which only a summary has.
    async fn finding(&self, job: &Job) -> Result<Option<Finding>, StepFailure> {
        let Some(outcome) = &job.outcome else {
            return Err(StepFailure::permanent(
                Reason::Internal,
                "the job came to notify without an outcome",
            ));
        };
        if outcome.kind != OutcomeKind::Summarized {
            return Ok(None);
        }
        let key = Artifact::Result.key(&job.id, job.run);
        let broken = |why: &str| StepFailure::permanent(Reason::Internal, format!("the result {key} {why}"));
        match self.stack.objects.read(&key, RESULT_LIMIT).await {
            Ok(body) => serde_json::from_slice(&body).map(Some).map_err(|error| {
                // The parser's message may quote the document; its place in the file tells enough.
                broken(&format!("cannot be understood (line {}, column {})", error.line(), error.column()))
            }),
            Err(error) if error.fault == Fault::NotFound => Err(broken("is not there")),
            Err(error) => Err(error.into()),
        }
    }

    /// How people hear of this run. Asks for a digest where that is this run's to do.
    async fn way(&self, job: &Job, notification: &Notification) -> Result<Way, PortError> {
        if notification.outcome == OutcomeKind::Superseded {
            return Ok(Way::Silent);
        }
        if notification.reason == Some(Reason::OcrBudget) {
            return self.way_of_a_cap(job).await;
        }
        if let Some(window) = match notification.reason {
            Some(_) => self.count(job, notification.reason).await?,
            None => None,
        } {
            return Ok(Way::Digest(window));
        }
        match self.enter().await? {
            Entry::In(lease) => Ok(Way::Mail(lease)),
            Entry::Until(until)
                if notification.reason.is_none() && until.duration_since(job.at_stage_since()) > PATIENCE =>
            {
                Ok(self.count(job, None).await?.map_or(Way::Later(until), Way::Digest))
            }
            Entry::Until(until) => Ok(Way::Later(until)),
        }
    }

    /// A cap that is used up stops every scan for the rest of the month, and there is one thing to do about it: the first
    /// that it stops is mailed, and nobody hears more of it. Programs hear of every one.
    async fn way_of_a_cap(&self, job: &Job) -> Result<Way, PortError> {
        let detail = job.outcome.as_ref().and_then(|outcome| outcome.detail.as_deref()).unwrap_or_default();
        let cause = format!("{} {} {detail}", Reason::OcrBudget, job.document.bucket);
        let tally = self.stack.jobs.tally(&cause, 0, &job.id, job.run, &job.document.key).await?;
        if tally.place > 1 {
            return Ok(Way::Silent);
        }
        Ok(match self.enter().await? {
            Entry::In(lease) => Way::Mail(lease),
            Entry::Until(until) => Way::Later(until),
        })
    }

    /// The rule for digests of this cause.
    fn rule(&self, cause: Option<Reason>) -> &Rule {
        if cause.is_some() { &self.rule } else { &self.bursts }
    }

    /// Counts this run among those that are told together, and asks for their digest where that is this run's to do.
    /// Gives the digest's window, if that is how people hear of the run.
    async fn count(&self, job: &Job, cause: Option<Reason>) -> Result<Option<i64>, PortError> {
        let rule = self.rule(cause);
        let prefix = digest::prefix(job, &self.stack.subscriptions.list().await?);
        let window = rule.window_at(self.stack.clock.now());
        let digest = Digest::new(cause, job.document.tenant().to_string(), prefix, window);
        let (name, key) = (digest::cause(&digest), &job.document.key);
        let tally = self.stack.jobs.tally(&name, window, &job.id, job.run, key).await?;
        if rule.asks(tally.place) {
            self.send(&digest, rule.due(window)).await?;
        }
        Ok((!rule.is_mailed(tally.place)).then_some(window))
    }

    /// Puts a digest into the queue, to be seen at `at` or after the longest delay.
    async fn send(&self, digest: &Digest, at: Timestamp) -> Result<(), PortError> {
        let delay = at.duration_since(self.stack.clock.now()).try_into().unwrap_or(Duration::ZERO);
        let message = Outgoing::after(digest.encode(), delay);
        flow::send(&*self.stack.queue, Address::live(QueueName::Notify), message).await
    }

    async fn enter(&self) -> Result<Entry, PortError> {
        Ok(match self.stack.gate.take(GateName::Publish, LEASE).await? {
            Pass::Open(lease) => Entry::In(lease),
            Pass::Closed(until) => Entry::Until(until),
        })
    }

    /// Gives the place at the gate back, and closes the gate for all if we were told to slow down.
    async fn leave(&self, lease: Lease, told: &Result<(), PortError>) {
        if let Err(PortError { fault: Fault::Throttled(after), .. }) = told {
            let until = self.stack.clock.now() + after.unwrap_or(PAUSE);
            if let Err(error) = self.stack.gate.close(GateName::Publish, until).await {
                tracing::warn!(error = %error, "publish gate not closed");
            }
        }
        // A lease that cannot be given back lapses.
        if let Err(error) = self.stack.gate.give_back(lease).await {
            tracing::debug!(error = %error, "publish lease not given back");
        }
    }

    /// Tells programs, and people too if there is a place at the gate for them.
    async fn tell(&self, notification: &Notification, place: Option<Lease>) -> Result<(), PortError> {
        let programs = self.stack.topic.publish(Channel::Outcomes, notification).await;
        let Some(lease) = place else { return programs };
        if programs.is_err() {
            // What slows programs down is no word about e-mail.
            self.leave(lease, &Ok(())).await;
            return programs;
        }
        let people = self.stack.topic.publish(Channel::Completions, notification).await;
        self.leave(lease, &people).await;
        people
    }

    /// The documents that a digest of a burst names: the newest of those that it tells of.
    async fn named(&self, digest: &Digest) -> Result<Vec<many::Summarized>, PortError> {
        let (bucket, prefix) = digest::place(digest);
        let filter = Filter { state: Some(State::Ended), key_prefix: Some(prefix), ..Filter::default() };
        let mut jobs = self.stack.jobs.list(&filter).await?;
        jobs.retain(|job| {
            let summarized =
                job.outcome.as_ref().is_some_and(|outcome| outcome.kind == OutcomeKind::Summarized);
            summarized && job.document.bucket == bucket && job.digest == Some(digest.window)
        });
        jobs.truncate(many::NAMED);
        let read = async |job: Job| {
            // Its name alone tells of it, too.
            let finding = self.finding(&job).await.unwrap_or_default();
            (job, finding.map(|finding| finding.summary))
        };
        Ok(futures::stream::iter(jobs).map(read).buffered(READS).collect().await)
    }

    async fn tell_digest(&self, digest: &Digest) -> Result<(), StepFailure> {
        let rule = self.rule(digest.digest);
        let tally = self.stack.jobs.tallied(&digest::cause(digest), digest.window).await?;
        if tally.count <= rule.singly {
            return Ok(());
        }
        let notification = match digest.digest {
            Some(reason) => many::failed(digest, reason, &tally, rule, &self.links.whom()),
            None => many::summarized(digest, tally.count, &self.named(digest).await?, rule, &self.links),
        };
        let lease = match self.enter().await? {
            Entry::In(lease) => lease,
            Entry::Until(until) => {
                let wait = until.duration_since(self.stack.clock.now()).try_into().unwrap_or(Duration::ZERO);
                return Err(StepFailure::throttled(Some(wait), "the publish gate is closed"));
            }
        };
        let told = self.stack.topic.publish(Channel::Completions, &notification).await;
        self.leave(lease, &told).await;
        Ok(told?)
    }
}

#[async_trait]
impl Step for NotifyStep {
    fn stage(&self) -> Stage {
        Stage::Notify
    }

    async fn run(&self, claimed: &Claimed) -> Result<StepDone, StepFailure> {
        let job = &claimed.job;
        let finding = self.finding(job).await?;
        let notification = render(job, finding.as_ref(), &self.links);
        let (place, digest) = match self.way(job, &notification).await? {
            Way::Mail(lease) => (Some(lease), None),
            Way::Digest(window) => (None, Some(window)),
            Way::Silent => (None, None),
            Way::Later(until) => {
                return Ok(StepDone::Defer { until, why: "the publish gate is closed".into() });
            }
        };
        self.tell(&notification, place).await?;
        if let Some(echo) = &self.echo {
            echo(&notification);
        }
        count(job, finding.as_ref());
        Ok(StepDone::ended(move |job| job.digest = digest))
    }

    async fn on_digest(&self, digest: Digest) -> Result<(), StepFailure> {
        let due = self.rule(digest.digest).due(digest.window);
        if self.stack.clock.now() < due {
            return Ok(self.send(&digest, due).await?);
        }
        let (name, teller) = (digest::name(&digest), teller());
        let jobs = &self.stack.jobs;
        match jobs.claim_content(&name, &teller, 1, LEASE).await? {
            ContentClaim::Finished { .. } => Ok(()),
            ContentClaim::Held { until, .. } => Ok(self.send(&digest, until).await?),
            ContentClaim::Won => {
                if let Err(failure) = self.tell_digest(&digest).await {
                    // What cannot be given back lapses.
                    let _ = jobs.release_content(&name, &teller, 1).await;
                    return Err(failure);
                }
                Ok(jobs.finish_content(&name, &teller, 1).await?)
            }
        }
    }
}

/// Counts a run that was told. A crash before the commit counts it again; metrics may.
fn count(job: &Job, finding: Option<&Finding>) {
    if let Some(outcome) = &job.outcome {
        metrics::outcome(outcome.kind, outcome.reason);
    }
    if job.reused_from.is_none() {
        for page in finding.iter().flat_map(|finding| &finding.pages) {
            metrics::pages(page.origin, 1);
        }
    }
}

/// A name that no other teller has, so that two of them never both hold the claim on one digest.
fn teller() -> JobId {
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u128(std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_nanos()));
    JobId::of("teller", &hasher.finish().to_string(), "")
}
