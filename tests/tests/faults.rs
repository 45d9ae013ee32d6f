//! The fault matrix over the real steps: every port call that the pipeline makes, failing in every way, with two
//! copies of each worker and every event twice. The calls are recorded from a clean run, not listed by hand.
//!
//! The stack is in memory and its claims and visibility last a second; reading, ranking and the model are real.

use async_trait::async_trait;
use domain::outcome::Finding;
use domain::text::{Line, Role};
use domain::{Artifact, Job, OutcomeKind, State};
use futures::StreamExt;
use models::{DeviceChoice, MiniLm};
use ports::faults::{Call, Log, Mode, Plan, wrap};
use ports::memory::Memory;
use ports::{Address, Filter, Jobs, Objects, Ocr, PageImage, PageLines, Part, Progress, QueueName, Stack};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use summarizer::Backend;
use tokio::task::JoinSet;
use worker::{Backoff, Config, DeadLetters, Reconciler, Runtime, Shutdown, StageHandler, Step};

/// Cases at the same time: nearly all of each is waiting.
const AT_ONCE: usize = 32;
/// Longer than any chain of waits that one fault may cause.
const PATIENCE: Duration = Duration::from_secs(120);
/// Longer than a claim and a visibility last.
const LATE: Duration = Duration::from_millis(2500);
const MODES: [Mode; 3] = [Mode::Before, Mode::Unacknowledged, Mode::Late];

const LETTER: &str = "Rent review for Mill Road 4.\n\nThe rent rises by 6 per cent to EUR 4,240 a month from 1 March \
    2027. Either party may end the lease with three months' notice. The tenant repairs the roof before winter. The \
    deposit of EUR 8,000 stays as it is until the lease ends. Please sign both copies by 30 November 2026.\n";
const SCANNED: [&str; 3] = [
    "The cellar is closed from Monday 15 February because the pipes are being replaced.",
    "All bicycles must be out of the cellar by Sunday 14 February at six in the evening.",
    "The owners pay for the storage of what is left there and will not ask for it back.",
];

/// An engine that reads every image alike and writes down what it was paid for.
#[derive(Default)]
struct Engine(Mutex<Vec<String>>);

#[async_trait]
impl Ocr for Engine {
    async fn version(&self) -> ports::Result<String> {
        Ok("engine of the test".into())
    }

    async fn start(&self, part: &Part) -> ports::Result<Progress> {
        self.0.lock().unwrap().extend(part.images.iter().map(|image| image.key.clone()));
        let line = |(paragraph, text): (usize, &&str)| Line {
            text: (*text).to_owned(),
            role: Role::Body,
            paragraph: u32::try_from(paragraph).unwrap(),
            bbox: None,
            confidence: Some(0.9),
        };
        let lines: Vec<_> = SCANNED.iter().enumerate().map(line).collect();
        let read = |image: &PageImage| PageLines { page: image.page, lines: lines.clone() };
        Ok(Progress::Ready(part.images.iter().map(read).collect()))
    }

    async fn collect(&self, _: &Part, token: &str) -> ports::Result<Progress> {
        panic!("nothing is pending under {token}")
    }
}

/// Key, body and the right end of each document.
fn documents() -> Vec<(&'static str, Vec<u8>, OutcomeKind)> {
    let mut scan = std::io::Cursor::new(Vec::new());
    image::GrayImage::from_fn(120, 80, |x, y| image::Luma([u8::from((x * y) % 7 == 0) * 200]))
        .write_to(&mut scan, image::ImageFormat::Png)
        .unwrap();
    vec![
        ("letters/a.txt", LETTER.into(), OutcomeKind::Summarized),
        ("letters/b.txt", LETTER.into(), OutcomeKind::Summarized),
        ("letters/scan.png", scan.into_inner(), OutcomeKind::Summarized),
        ("letters/few.txt", b"Hello there\n".to_vec(), OutcomeKind::Rejected),
    ]
}

struct World {
    model: Arc<dyn Backend>,
    scratch: tempfile::TempDir,
}

struct Run {
    memory: Memory,
    engine: Arc<Engine>,
    log: Log,
}

fn config() -> Config {
    let short = Backoff { base: Duration::from_millis(50), cap: Duration::from_millis(500) };
    Config {
        concurrency: 4,
        visibility: Duration::from_secs(1),
        lease: Duration::from_secs(1),
        backoff: short,
        pause: short,
        wait: Duration::from_millis(300),
        drain: Duration::from_secs(5),
        ..Config::default()
    }
}

struct Pipeline {
    tasks: JoinSet<()>,
    shutdown: Shutdown,
}

impl Pipeline {
    fn start(world: &World, stack: &Stack) -> Self {
        let mut pipeline = Self { tasks: JoinSet::new(), shutdown: Shutdown::new() };
        let links = notify::Links::folder(world.scratch.path());
        for _ in 0..2 {
            let settings = ingest::Config {
                scratch: world.scratch.path().to_owned(),
                reader: extract::ReaderProgram::at(precis_tests::program()),
                made_by: "test".into(),
            };
            pipeline.stage(stack, ingest::Ingest::new(stack.clone(), settings));
            pipeline.stage(
                stack,
                ocr::OcrStep::new(
                    stack.clone(),
                    ocr::Config { parts_at_once: 2, pages_a_part: 1, usd_a_page: 0.0 },
                ),
            );
            pipeline.stage(stack, summarize::Summarize::new(stack.clone(), world.model.clone()));
            pipeline.stage(stack, notify::NotifyStep::new(stack.clone(), links.clone()));
        }
        let dead = DeadLetters::new(stack.clone()).with_config(config());
        let times = (Duration::from_secs(2), Duration::from_millis(500));
        let reconciler = Reconciler::new(stack.clone()).with_times(times.0, times.1);
        let (one, two) = (pipeline.shutdown.clone(), pipeline.shutdown.clone());
        pipeline.tasks.spawn(async move { dead.run(one).await });
        pipeline.tasks.spawn(async move { reconciler.run(two).await });
        pipeline
    }

    fn stage<S: Step + 'static>(&mut self, stack: &Stack, step: S) {
        let handler = StageHandler::new(stack.clone(), step, config());
        let runtime = Runtime::new(stack.clone(), Arc::new(handler), config());
        let shutdown = self.shutdown.clone();
        self.tasks.spawn(async move { runtime.run(shutdown).await });
    }

    async fn stop(mut self) {
        self.shutdown.drain();
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
    }
}

/// Runs all documents under a plan until nothing is owed and nothing stands in a queue.
async fn run(world: &World, plan: Plan) -> Result<Run, String> {
    let (memory, engine) = (Memory::new(), Arc::new(Engine::default()));
    let inner = Stack { ocr: engine.clone(), ..memory.stack() };
    let (stack, log) = wrap(inner, plan.late(LATE));
    for (key, body, _) in documents() {
        let document = memory.put(key, body);
        memory.announce(&document);
    }
    let pipeline = Pipeline::start(world, &stack);
    let start = Instant::now();
    while !settled(&memory).await {
        if start.elapsed() > PATIENCE {
            return Err(describe(&memory).await);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    pipeline.stop().await;
    Ok(Run { memory, engine, log })
}

async fn jobs(memory: &Memory) -> Vec<Job> {
    Jobs::list(memory, &Filter::default()).await.unwrap()
}

async fn settled(memory: &Memory) -> bool {
    let jobs = jobs(memory).await;
    let empty = QueueName::ALL.iter().all(|queue| {
        memory.bodies(Address::live(*queue)).is_empty() && memory.bodies(Address::dead(*queue)).is_empty()
    });
    empty && jobs.len() == documents().len() && jobs.iter().all(|job| job.state == State::Ended)
}

async fn describe(memory: &Memory) -> String {
    let mut text = String::from("not settled:");
    for job in jobs(memory).await {
        text += &format!(
            "\n  {} {:?} attempts {} {:?}",
            job.document.key, job.state, job.attempts, job.last_failure
        );
    }
    for queue in QueueName::ALL {
        let (live, dead) = (memory.bodies(Address::live(queue)), memory.bodies(Address::dead(queue)));
        text += &format!("\n  {}: {live:?}, dead {dead:?}", queue.as_str());
    }
    text
}

/// What must hold however things failed.
async fn check(run: &Run, faulty: bool) -> Result<(), String> {
    let memory = &run.memory;
    let jobs = jobs(memory).await;
    for (key, _, kind) in documents() {
        let job = jobs.iter().find(|job| job.document.key == key).unwrap();
        if job.outcome.as_ref().map(|outcome| outcome.kind) != Some(kind) {
            return Err(format!("{key} ended as {:?}", job.outcome));
        }
        if kind == OutcomeKind::Summarized {
            let result = memory.read(&Artifact::Result.key(&job.id, job.run), 1 << 20).await;
            let finding = result.ok().and_then(|body| serde_json::from_slice::<Finding>(&body).ok());
            if finding.is_none_or(|finding| finding.summary.sentences.is_empty()) {
                return Err(format!("{key} has no whole result"));
            }
        }
    }
    let told: BTreeSet<_> =
        memory.published().into_iter().map(|(channel, told)| (channel as u8, told.id)).collect();
    let wanted = 2 * documents().len();
    if told.len() != wanted || memory.published().len() != wanted {
        return Err(format!("{} of {wanted} things were told", memory.published().len()));
    }
    let mut paid: BTreeMap<String, u32> = BTreeMap::new();
    for image in run.engine.0.lock().unwrap().iter() {
        *paid.entry(image.clone()).or_default() += 1;
    }
    // The stated window: a call that is paid for and whose lines are not yet written is made once more.
    let allowed = if faulty { 2 } else { 1 };
    if paid.len() != 1 || paid.values().any(|count| *count > allowed) {
        return Err(format!("paid more than {allowed} times: {paid:?}"));
    }
    let repeated = memory.publish_calls().saturating_sub(wanted as u64);
    if repeated > if faulty { 2 } else { 0 } {
        return Err(format!("{repeated} publishes were repeated"));
    }
    Ok(())
}

#[test]
fn whatever_port_call_of_the_real_steps_fails_every_document_ends_right_and_is_told_once() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let model = Arc::new(MiniLm::load(&precis_tests::model(), DeviceChoice::Cpu).unwrap());
    let world = World { model, scratch };
    runtime.block_on(async {
        let clean = run(&world, Plan::none()).await.unwrap();
        check(&clean, false).await.unwrap();
        let calls: BTreeSet<Call> = clean.log.calls().into_iter().collect();
        let names: BTreeSet<_> = calls.iter().map(|call| call.name).collect();
        for name in [
            "Queue.send",
            "Queue.settle",
            "Jobs.replace",
            "Jobs.replace_claiming",
            "Jobs.content",
            "Objects.fetch",
            "Objects.write_once",
            "Ocr.start",
            "Gate.take",
            "Topic.publish",
        ] {
            assert!(names.contains(name), "{name} is not among the recorded calls {names:?}");
        }
        let cases: Vec<_> = calls.iter().flat_map(|call| MODES.map(|mode| (call.clone(), mode))).collect();
        println!("{} calls of {} methods, {} ways each", calls.len(), names.len(), MODES.len());
        let world = &world;
        let ended: Vec<_> = futures::stream::iter(cases.clone())
            .map(|(call, mode)| async move {
                let run = run(world, Plan::at(call.clone(), mode)).await;
                let run = run.map_err(|why| format!("{call}, {mode:?}: {why}"))?;
                check(&run, true).await.map_err(|why| format!("{call}, {mode:?}: {why}"))?;
                Ok::<_, String>(run.log.fired().len())
            })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let wrong: Vec<_> = ended.iter().filter_map(|end| end.as_ref().err()).cloned().collect();
        assert!(
            wrong.is_empty(),
            "{} of {} cases end wrong:\n{}",
            wrong.len(),
            cases.len(),
            wrong.join("\n")
        );
        let fired: usize = ended.iter().flatten().filter(|fired| **fired > 0).count();
        println!("{fired} of {} faults happened", cases.len());
        // Timing moves calls; if many were missed, the matrix would prove little.
        assert!(fired * 10 >= cases.len() * 7, "only {fired} of {} faults happened", cases.len());
    });
}
