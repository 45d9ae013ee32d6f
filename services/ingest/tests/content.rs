//! The same content is paid for once, and nobody waits for a job that will bring no result.
#![expect(clippy::unwrap_used, reason = "a test that fails here has failed")]

use domain::{Document, Job, Outcome, Reason};
use ports::memory::Memory;
use ports::{Jobs, Stack};
use precis_ingest::{Config, Ingest};
use std::time::Duration;
use worker::{Claimed, Step, StepDone, StepFailure, flow};

/// A step whose reader cannot be started: who comes so far would have paid.
fn step(stack: &Stack, scratch: &tempfile::TempDir) -> Ingest {
    let reader = extract::ReaderProgram::at(scratch.path().join("no such program"));
    Ingest::new(stack.clone(), Config { scratch: scratch.path().to_owned(), reader, made_by: "test".into() })
}

async fn job(memory: &Memory, document: Document) -> Job {
    let job = Job::new(document, memory.now());
    memory.create(&job).await.unwrap();
    job
}

/// Two jobs of one tenant with the same content, of which the first has claimed it.
async fn twins(memory: &Memory, step: &Ingest) -> (Job, Job) {
    let first = job(memory, memory.put("letters/a.txt", "the same")).await;
    let second = job(memory, memory.put("letters/b.txt", "the same")).await;
    assert!(run(&memory.stack(), step, &first).await.is_err(), "it goes to work");
    (first, second)
}

async fn run(stack: &Stack, step: &Ingest, job: &Job) -> Result<StepDone, StepFailure> {
    let stored = stack.jobs.get(&job.id).await.unwrap().unwrap();
    step.run(&Claimed::detached(stack, &stored).await?).await
}

fn waits(done: &Result<StepDone, StepFailure>) -> bool {
    matches!(done, Ok(StepDone::Defer { .. }))
}

#[tokio::test]
async fn a_job_waits_for_the_one_at_the_same_content_as_long_as_that_is_at_work() {
    let (memory, scratch) = (Memory::new(), tempfile::tempdir().unwrap());
    let stack = memory.stack();
    let step = step(&stack, &scratch);
    let (_, second) = twins(&memory, &step).await;
    let stranger = job(&memory, memory.put("offers/a.txt", "the same")).await;
    assert!(waits(&run(&stack, &step, &second).await));
    assert!(run(&stack, &step, &stranger).await.is_err(), "another tenant shares nothing");
}

#[tokio::test]
async fn who_waits_goes_to_work_as_soon_as_the_other_ended_without_a_result() {
    for outcome in [Outcome::superseded(Reason::NewerVersion), Outcome::failed(Reason::Internal, "no luck")] {
        let (memory, scratch) = (Memory::new(), tempfile::tempdir().unwrap());
        let stack = memory.stack();
        let step = step(&stack, &scratch);
        let (first, second) = twins(&memory, &step).await;
        // Ended by somebody else, or for good, before it had written down what it holds.
        flow::end(&stack, &first.id, None, &outcome).await.unwrap();
        assert!(run(&stack, &step, &second).await.is_err(), "it waits for {outcome:?}");
    }
}

#[tokio::test]
async fn a_result_that_is_about_to_be_finished_is_waited_for() {
    let (memory, scratch) = (Memory::new(), tempfile::tempdir().unwrap());
    let stack = memory.stack();
    let step = step(&stack, &scratch);
    let (first, second) = twins(&memory, &step).await;
    let mut summarized = stack.jobs.get(&first.id).await.unwrap().unwrap();
    // As it stands between the commit of its outcome and the message that follows.
    summarized.reuse = memory.contents().pop();
    let summarized = summarized.decide(None, Outcome::summarized(), memory.now(), Duration::ZERO).unwrap();
    memory.replace(&summarized).await.unwrap();
    assert!(waits(&run(&stack, &step, &second).await));
}
