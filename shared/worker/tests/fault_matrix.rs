//! The fault matrix: every call that the pipeline makes, failing in every way, with two copies of each worker
//! and every message twice. The calls are recorded from clean runs, not listed by hand.
#![expect(clippy::unwrap_used, reason = "a test that fails here has failed")]

mod common;
#[path = "common/pipeline.rs"]
mod pipeline;

use domain::{Artifact, Outcome, Stage, State};
use pipeline::start_pipeline;
use ports::faults::{Call, Log, Mode, Plan, wrap};
use ports::memory::Memory;
use ports::{Address, Filter, Jobs, Objects, QueueName};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Two documents of one content and a scan of another: every stage, a reuse, both ways out of ingest.
const DOCUMENTS: [(&str, &str); 3] = [("a.txt", "same"), ("b.txt", "same"), ("scan.pdf", "other")];
/// Longer than any chain of waits that one fault may cause.
const PATIENCE: Duration = Duration::from_secs(3 * 3600);

struct Run {
    memory: Memory,
    log: Log,
    took: Duration,
}

/// Runs the pipeline under a plan until nothing is owed and nothing stands in a queue.
fn run(plan: Plan, copies: usize, twice: bool) -> Result<Run, String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let memory = Memory::new();
        memory.pend_ocr(1);
        let (stack, log) = wrap(memory.stack(), plan);
        for (key, body) in DOCUMENTS {
            let document = memory.put(key, body);
            if twice {
                memory.announce(&document);
            }
        }
        let start = memory.now();
        let pipeline = start_pipeline(&stack, copies);
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let took = Duration::try_from(memory.now().duration_since(start)).unwrap();
            if settled(&memory).await {
                pipeline.stop().await;
                return Ok(Run { memory, log, took });
            }
            if took > PATIENCE {
                return Err(describe(&memory).await);
            }
        }
    })
}

async fn settled(memory: &Memory) -> bool {
    let jobs = Jobs::list(memory, &Filter::default()).await.unwrap();
    let ended = jobs.len() == DOCUMENTS.len() && jobs.iter().all(|job| job.state == State::Ended);
    let empty = QueueName::ALL.iter().all(|queue| {
        memory.bodies(Address::live(*queue)).is_empty() && memory.bodies(Address::dead(*queue)).is_empty()
    });
    ended && empty
}

async fn describe(memory: &Memory) -> String {
    let jobs = Jobs::list(memory, &Filter::default()).await.unwrap();
    let mut text = String::from("not settled:");
    for job in jobs {
        text +=
            &format!("\n  {} {:?} attempts {} {:?}", job.document.key, job.state, job.attempts, job.claim);
    }
    for queue in QueueName::ALL {
        text += &format!("\n  {}: {:?}", queue.as_str(), memory.bodies(Address::live(queue)));
        text += &format!(", dead {:?}", memory.bodies(Address::dead(queue)));
    }
    text
}

/// What must hold however things failed. Gives what was paid and heard more than once.
async fn check(run: &Run, mode: Option<Mode>) -> Result<(), String> {
    let memory = &run.memory;
    for job in Jobs::list(memory, &Filter::default()).await.unwrap() {
        if job.outcome != Some(Outcome::summarized()) {
            return Err(format!("{} ended as {:?}", job.document.key, job.outcome));
        }
        let result = memory.read(&Artifact::Result.key(&job.id, 1), 100).await;
        if result.as_deref().ok() != Some(b"a summary") {
            return Err(format!("{} has no result", job.document.key));
        }
    }
    let ids: BTreeSet<_> =
        memory.published().into_iter().map(|(channel, told)| (channel as u8, told.id)).collect();
    if ids.len() != 2 * DOCUMENTS.len() || memory.published().len() != ids.len() {
        return Err(format!("{} of {} things were told", memory.published().len(), 2 * DOCUMENTS.len()));
    }
    let mut starts: BTreeMap<String, u32> = BTreeMap::new();
    for start in memory.ocr_starts() {
        *starts.entry(start).or_default() += 1;
    }
    // The stated window: a call that is paid or heard and whose result is not committed is made once more.
    let allowed = if mode.is_some() { 2 } else { 1 };
    if starts.values().any(|count| *count > allowed) {
        return Err(format!("paid more than {allowed} times: {starts:?}"));
    }
    let repeated = memory.publish_calls() - 2 * DOCUMENTS.len() as u64;
    if repeated > if mode.is_some() { 2 } else { 0 } {
        return Err(format!("{repeated} publishes were repeated"));
    }
    Ok(())
}

fn try_one(plan: Plan, copies: usize, twice: bool, mode: Option<Mode>) -> Result<Run, String> {
    let run = run(plan, copies, twice)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(check(&run, mode))?;
    Ok(run)
}

/// The calls of a clean run. Polls that find nothing are endless; those of the first seconds stand for them.
fn recorded(copies: usize, twice: bool) -> Vec<Call> {
    let run = try_one(Plan::none(), copies, twice, None).unwrap();
    assert!(run.took < Duration::from_secs(60), "a clean run takes {:?}", run.took);
    let calls: BTreeSet<Call> = run.log.calls().into_iter().collect();
    calls.into_iter().collect()
}

fn matrix(copies: usize, twice: bool) {
    let calls = recorded(copies, twice);
    let names: BTreeSet<_> = calls.iter().map(|call| call.name).collect();
    println!("{} calls of {} methods, {} ways each", calls.len(), names.len(), Mode::ALL.len());
    let (mut wrong, mut fired) = (Vec::new(), 0_usize);
    for call in &calls {
        for mode in Mode::ALL {
            match try_one(Plan::at(call.clone(), mode), copies, twice, Some(mode)) {
                Ok(run) => fired += run.log.fired().len(),
                Err(why) => wrong.push(format!("{call}, {mode:?}: {why}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{} of the cases end wrong:\n{}", wrong.len(), wrong.join("\n"));
    // A plan may miss when timing moves a call; if many did, the matrix would prove little.
    let cases = calls.len() * Mode::ALL.len();
    println!("{fired} of {cases} faults happened");
    assert!(fired * 10 >= cases * 9, "only {fired} of {cases} faults happened");
}

#[test]
fn the_recorded_calls_cover_every_port_that_steps_use() {
    let calls = recorded(1, false);
    let names: BTreeSet<_> = calls.iter().map(|call| call.name).collect();
    for name in [
        "Queue.send",
        "Queue.receive",
        "Queue.settle",
        "Jobs.create",
        "Jobs.get",
        "Jobs.replace",
        "Jobs.list",
        "Jobs.replace_claiming",
        "Jobs.content",
        "Objects.read",
        "Objects.write_once",
        "Objects.tags",
        "Ocr.start",
        "Ocr.collect",
        "Gate.take",
        "Gate.give_back",
        "Topic.publish",
        "SettingsSource.layers",
    ] {
        assert!(names.contains(name), "{name} is not among {names:?}");
    }
}

#[test]
fn whatever_call_fails_in_whatever_way_every_document_ends_right_and_is_told_once() {
    matrix(1, false);
}

#[test]
fn the_same_holds_with_two_copies_of_each_worker_and_each_event_twice() {
    matrix(2, true);
}

#[test]
fn a_port_that_fails_for_ten_minutes_delays_and_loses_nothing() {
    let names: BTreeSet<_> = recorded(1, false).into_iter().map(|call| call.name).collect();
    // Inside a step a failure costs an attempt, and five of them do not outlast ten minutes.
    let around = |name: &&&str| name.starts_with("Queue.") || ["Jobs.get", "Jobs.create"].contains(*name);
    for name in names.iter().filter(around) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let memory = Memory::new();
            let (stack, log) = wrap(memory.stack(), Plan::none().always(name, ports::Fault::Transient));
            for (key, body) in DOCUMENTS {
                memory.put(key, body);
            }
            let pipeline = start_pipeline(&stack, 1);
            tokio::time::sleep(Duration::from_secs(600)).await;
            log.mend();
            let mut patience = 3600;
            while !settled(&memory).await {
                patience -= 1;
                assert!(patience > 0, "{name}: {}", describe(&memory).await);
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            pipeline.stop().await;
            let ended = |job: &domain::Job| job.outcome == Some(Outcome::summarized());
            assert!(Jobs::list(&memory, &Filter::default()).await.unwrap().iter().all(ended), "{name}");
            assert_eq!(memory.bodies(Address::dead(Stage::Ingest)), Vec::<String>::new());
        });
    }
}
