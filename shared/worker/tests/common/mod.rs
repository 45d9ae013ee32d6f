//! A world in memory on paused time, and steps made of closures.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::allow_attributes,
    reason = "tests; each binary uses its own part"
)]

use async_trait::async_trait;
use domain::message::Nudge;
use domain::{Document, Job, JobId, Outcome, Stage, State};
use futures::future::BoxFuture;
use jiff::Timestamp;
use ports::memory::Memory;
use ports::{Address, Outgoing, Queue, QueueAdmin, Stack};
use precis_worker::{
    Claimed, Config, Handler, InFlight, Runtime, Shutdown, StageHandler, Step, StepDone, StepFailure, flow,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;

pub type Answer = Result<StepDone, StepFailure>;

/// A step that does what a closure says and counts how often it ran.
pub struct Toy {
    stage: Stage,
    act: Box<dyn Fn(Job) -> BoxFuture<'static, Answer> + Send + Sync>,
    runs: Arc<AtomicU32>,
}

#[derive(Clone, Default)]
pub struct Runs(Arc<AtomicU32>);

impl Runs {
    pub fn count(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Toy {
    pub fn new<F>(stage: Stage, act: impl Fn(Job) -> F + Send + Sync + 'static) -> (Self, Runs)
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let runs = Runs::default();
        let act = Box::new(move |job| Box::pin(act(job)) as BoxFuture<'static, Answer>);
        (Self { stage, act, runs: Arc::clone(&runs.0) }, runs)
    }
}

#[async_trait]
impl Step for Toy {
    fn stage(&self) -> Stage {
        self.stage
    }

    async fn run(&self, claimed: &Claimed) -> Answer {
        self.runs.fetch_add(1, Ordering::SeqCst);
        (self.act)(claimed.job.clone()).await
    }
}

/// The usual end of a step at this stage.
pub fn done(stage: Stage) -> StepDone {
    match stage {
        Stage::Ingest | Stage::Ocr => StepDone::advance(Stage::Summarize, |_| {}),
        Stage::Summarize => StepDone::end(Outcome::summarized(), |_| {}),
        Stage::Notify => StepDone::ended(|_| {}),
    }
}

pub fn config() -> Config {
    Config { wait: Duration::from_secs(5), ..Config::default() }
}

/// A runtime at work.
pub struct Running {
    pub shutdown: Shutdown,
    pub in_flight: InFlight,
    pub task: JoinHandle<()>,
}

impl Running {
    pub async fn stop(self) {
        self.shutdown.drain();
        self.task.await.unwrap();
    }
}

pub fn start(stack: &Stack, step: Toy, config: Config) -> Running {
    start_handler(stack, Arc::new(StageHandler::new(stack.clone(), step, config.clone())), config)
}

pub fn start_handler(stack: &Stack, handler: Arc<dyn Handler>, config: Config) -> Running {
    let runtime = Runtime::new(stack.clone(), handler, config);
    let (shutdown, in_flight) = (Shutdown::new(), runtime.in_flight());
    let task = tokio::spawn(runtime.run(shutdown.clone()));
    Running { shutdown, in_flight, task }
}

pub fn document(key: &str) -> Document {
    Document {
        bucket: "uploads".into(),
        key: key.into(),
        version: "1".into(),
        size: 1,
        sequencer: None,
        uploaded_at: Timestamp::UNIX_EPOCH,
    }
}

/// Stores a job that stands at `stage`, without a nudge.
pub async fn silent_job(memory: &Memory, key: &str, stage: Stage) -> Job {
    let mut job = Job::new(document(key), memory.now());
    job.state = State::At(stage);
    if stage == Stage::Notify {
        job.outcome = Some(Outcome::summarized());
    }
    assert!(memory.stack().jobs.create(&job).await.unwrap().is_none());
    job
}

/// Stores a job that stands at `stage` and nudges it.
pub async fn job(memory: &Memory, key: &str, stage: Stage) -> Job {
    let job = silent_job(memory, key, stage).await;
    nudge(memory, &job, stage).await;
    job
}

/// Stores a job that stands at `stage` and sends what it owes, as workers do.
pub async fn owed_job(memory: &Memory, key: &str, stage: Stage) -> Job {
    let job = silent_job(memory, key, stage).await;
    flow::send_owed(&memory.stack(), &job).await.unwrap();
    job
}

pub async fn nudge(memory: &Memory, job: &Job, stage: Stage) {
    let body = Nudge::new(job.id.clone(), job.run, stage, job.trace.clone()).encode();
    send(memory, Address::live(stage), body, Duration::ZERO).await;
}

pub async fn send(memory: &Memory, to: Address, body: String, delay: Duration) {
    for sent in memory.send(to, vec![Outgoing::after(body, delay)]).await.unwrap() {
        sent.unwrap();
    }
}

pub async fn read(memory: &Memory, id: &JobId) -> Job {
    memory.stack().jobs.get(id).await.unwrap().unwrap()
}

/// The nudges that stand in a queue, whatever their state.
pub fn nudges(memory: &Memory, of: Address) -> Vec<Nudge> {
    memory.bodies(of).iter().map(|body| serde_json::from_str(body).unwrap()).collect()
}

/// Messages in the hands of receivers.
pub async fn in_hand(memory: &Memory, stage: Stage) -> u64 {
    memory.depth(stage.into()).await.unwrap().in_flight
}

pub async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}
