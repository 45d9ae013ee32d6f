//! A toy of the whole pipeline: four steps that use every port a real one does, over any stack.

use crate::common::{Answer, Running, start_handler};
use async_trait::async_trait;
use domain::event::ObjectEvent;
use domain::{Artifact, Audience, Job, Outcome, OutcomeKind, Reason, Stage};
use ports::{Channel, Fault, GateName, Notification, PageImage, Part, Pass, PortError, Progress, Stack};
use precis_worker::{
    Claimed, Config, DeadLetters, Reconciler, Shutdown, StageHandler, Step, StepDone, StepFailure, flow,
};
use std::sync::Arc;
use std::time::Duration;

const LIMIT: u64 = 1 << 20;

pub struct Ingest(pub Stack);
pub struct Ocr(pub Stack);
pub struct Summarize(pub Stack);
pub struct Notify(pub Stack);

#[async_trait]
impl Step for Ingest {
    fn stage(&self) -> Stage {
        Stage::Ingest
    }

    async fn on_events(&self, events: Vec<ObjectEvent>) -> Result<(), StepFailure> {
        for event in events {
            if let ObjectEvent::Created(document) = event {
                let trace = Some(telemetry::TraceParent::start().to_string());
                let job = Job { trace, ..Job::new(document, self.0.clock.now()) };
                let job = self.0.jobs.create(&job).await?.unwrap_or(job);
                flow::send_owed(&self.0, &job).await?;
            }
        }
        Ok(())
    }

    async fn run(&self, claimed: &Claimed) -> Answer {
        let job = &claimed.job;
        self.0.settings.layers(&job.document.bucket, &job.document.key).await?;
        self.0.objects.tags(&job.document).await?;
        if !self.0.objects.is_current(&job.document).await? {
            return Ok(StepDone::end(Outcome::superseded(Reason::NewerVersion), |_| {}));
        }
        let name = format!("content {}", job.document.version);
        if let Some((other, run)) = self.0.jobs.content(&name).await? {
            let holder = self.0.jobs.get(&other).await?;
            if holder.is_none_or(|holder| holder.outcome.is_none()) {
                let until = self.0.clock.now() + Duration::from_secs(2);
                return Ok(StepDone::Defer { until, why: "the same content is being read".into() });
            }
            let result = self.0.objects.read(&Artifact::Result.key(&other, run), LIMIT).await?;
            self.0.objects.write_once(&claimed.key(&Artifact::Result), result).await?;
            return Ok(StepDone::end(Outcome::summarized(), |_| {}));
        }
        claimed.update(|job| job.kind = Some("text".into())).await?;
        self.0.objects.write_once(&claimed.key(&Artifact::Part(1)), b"a scanned line".to_vec()).await?;
        let to = if job.document.key.contains("scan") { Stage::Ocr } else { Stage::Summarize };
        Ok(StepDone::advance(to, |_| {}).claiming(name))
    }
}

#[async_trait]
impl Step for Ocr {
    fn stage(&self) -> Stage {
        Stage::Ocr
    }

    async fn run(&self, claimed: &Claimed) -> Answer {
        let lines = claimed.key(&Artifact::PartLines(1));
        match self.0.objects.read(&lines, LIMIT).await {
            Ok(_) => return Ok(StepDone::advance(Stage::Summarize, |_| {})),
            Err(error) if error.fault == Fault::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        let lease = match self.0.gate.take(GateName::Ocr, Duration::from_secs(60)).await? {
            Pass::Open(lease) => lease,
            Pass::Closed(until) => return Ok(StepDone::Defer { until, why: "the gate is closed".into() }),
        };
        let part = Part {
            job: claimed.job.id.clone(),
            run: claimed.job.run,
            images: vec![PageImage { page: 1, key: claimed.key(&Artifact::Part(1)) }],
            language: String::new(),
            generation: 0,
        };
        let mut progress = self.0.ocr.start(&part).await?;
        let read = loop {
            match progress {
                Progress::Ready(read) => break read,
                Progress::Pending(token) => {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    progress = self.0.ocr.collect(&part, &token).await?;
                }
            }
        };
        let text: Vec<_> = read.into_iter().flat_map(|page| page.lines).map(|line| line.text).collect();
        self.0.objects.write_once(&lines, text.join("\n").into_bytes()).await?;
        self.0.gate.give_back(lease).await?;
        Ok(StepDone::advance(Stage::Summarize, |_| {}))
    }
}

#[async_trait]
impl Step for Summarize {
    fn stage(&self) -> Stage {
        Stage::Summarize
    }

    async fn run(&self, claimed: &Claimed) -> Answer {
        self.0.objects.read(&claimed.key(&Artifact::Part(1)), LIMIT).await?;
        self.0.objects.write_once(&claimed.key(&Artifact::Result), b"a summary".to_vec()).await?;
        Ok(StepDone::end(Outcome::summarized(), |_| {}))
    }
}

#[async_trait]
impl Step for Notify {
    fn stage(&self) -> Stage {
        Stage::Notify
    }

    async fn run(&self, claimed: &Claimed) -> Answer {
        let job = &claimed.job;
        let outcome = job.outcome.clone().ok_or_else(|| {
            StepFailure::from(PortError::new(Fault::Permanent, "a job at notify has no outcome"))
        })?;
        if outcome.kind == OutcomeKind::Failed {
            let reason = outcome.reason.map_or("", Reason::code);
            self.0.jobs.tally(reason, 0, &job.id, job.run, &job.document.key).await?;
        }
        let told = Notification {
            id: format!("{}-{}", job.id, job.run),
            job: Some(job.id.clone()),
            run: job.run,
            bucket: job.document.bucket.clone(),
            key: job.document.key.clone(),
            outcome: outcome.kind,
            reason: outcome.reason,
            audience: outcome.audience().unwrap_or(Audience::Sender),
            subject: "a summary".into(),
            text: String::new(),
            markdown: String::new(),
            json: String::new(),
        };
        for channel in [Channel::Outcomes, Channel::Completions] {
            self.0.topic.publish(channel, &told).await?;
        }
        Ok(StepDone::ended(|_| {}))
    }
}

/// All workers over one stack, `copies` of each.
pub struct Pipeline {
    runtimes: Vec<Running>,
    shutdown: Shutdown,
    care: Vec<tokio::task::JoinHandle<()>>,
}

pub fn start_pipeline(stack: &Stack, copies: usize) -> Pipeline {
    fn one<S: Step + 'static>(stack: &Stack, step: S) -> Running {
        let config = Config::default();
        start_handler(stack, Arc::new(StageHandler::new(stack.clone(), step, config.clone())), config)
    }
    let mut runtimes = Vec::new();
    for _ in 0..copies {
        runtimes.push(one(stack, Ingest(stack.clone())));
        runtimes.push(one(stack, Ocr(stack.clone())));
        runtimes.push(one(stack, Summarize(stack.clone())));
        runtimes.push(one(stack, Notify(stack.clone())));
    }
    let shutdown = Shutdown::new();
    let care = vec![
        tokio::spawn(DeadLetters::new(stack.clone()).run(shutdown.clone())),
        tokio::spawn(Reconciler::new(stack.clone()).run(shutdown.clone())),
    ];
    Pipeline { runtimes, shutdown, care }
}

impl Pipeline {
    pub async fn stop(self) {
        self.shutdown.drain();
        for running in self.runtimes {
            running.stop().await;
        }
        for task in self.care {
            task.await.unwrap();
        }
    }
}
