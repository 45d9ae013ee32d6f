//! What a nudge comes to: claims, attempts, commits, lost races.

mod common;

use common::*;
use domain::{Outcome, Reason, Stage, State};
use ports::faults::{Call, Mode, Plan, wrap};
use ports::memory::Memory;
use ports::{Address, Fault, Jobs, PortError};
use precis_worker::{StepDone, StepFailure, flow};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_nudge_leads_to_the_next_state_its_nudge_and_an_empty_queue() {
    let memory = Memory::new();
    let (step, runs) =
        Toy::new(Stage::Ingest, |_| async { Ok(StepDone::advance(Stage::Ocr, |job| job.pages = Some(7))) });
    let mut job = silent_job(&memory, "a.pdf", Stage::Ingest).await;
    job.trace = Some("00-9f86d081884c7d659a2feaa0c55ad015-9f86d081884c7d65-01".into());
    job.revision += 1;
    memory.replace(&job).await.unwrap();
    nudge(&memory, &job, Stage::Ingest).await;
    let running = start(&memory.stack(), step, config());
    seconds(1).await;
    let now = read(&memory, &job.id).await;
    assert_eq!((now.state, now.pages, now.claim, now.attempts), (State::At(Stage::Ocr), Some(7), None, 0));
    assert_eq!(runs.count(), 1);
    assert!(memory.bodies(Address::live(Stage::Ingest)).is_empty());
    let next = nudges(&memory, Address::live(Stage::Ocr));
    assert_eq!(next.len(), 1);
    assert_eq!((&next[0].job, next[0].run, next[0].stage), (&job.id, 1, Stage::Ocr));
    assert_eq!(next[0].trace, job.trace, "the trace goes along");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_nudge_that_comes_late_sends_what_the_job_owes_now_and_runs_nothing() {
    let memory = Memory::new();
    let (step, runs) = Toy::new(Stage::Ingest, |_| async { Ok(done(Stage::Ingest)) });
    let job = silent_job(&memory, "a.pdf", Stage::Summarize).await;
    nudge(&memory, &job, Stage::Ingest).await;
    let running = start(&memory.stack(), step, config());
    seconds(1).await;
    assert_eq!(runs.count(), 0);
    assert!(memory.bodies(Address::live(Stage::Ingest)).is_empty());
    assert_eq!(nudges(&memory, Address::live(Stage::Summarize))[0].stage, Stage::Summarize);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_nudge_for_an_ended_an_unknown_or_a_restarted_job_is_done() {
    let memory = Memory::new();
    let (step, runs) = Toy::new(Stage::Ingest, |_| async { Ok(done(Stage::Ingest)) });
    let mut ended = silent_job(&memory, "ended.pdf", Stage::Notify).await;
    ended.state = State::Ended;
    ended.revision += 1;
    memory.replace(&ended).await.unwrap();
    nudge(&memory, &ended, Stage::Ingest).await;
    let unknown = domain::Job::new(document("unknown.pdf"), memory.now());
    nudge(&memory, &unknown, Stage::Ingest).await;
    let running = start(&memory.stack(), step, config());
    seconds(1).await;
    assert_eq!(runs.count(), 0);
    assert!(memory.bodies(Address::live(Stage::Ingest)).is_empty());
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn two_workers_with_the_same_message_do_the_work_once() {
    let memory = Memory::new();
    let slow = || {
        Toy::new(Stage::Summarize, |_| async {
            seconds(20).await;
            Ok(done(Stage::Summarize))
        })
    };
    let job = silent_job(&memory, "a.pdf", Stage::Summarize).await;
    for _ in 0..6 {
        nudge(&memory, &job, Stage::Summarize).await;
    }
    let ((one, runs_one), (two, runs_two)) = (slow(), slow());
    let (one, two) = (start(&memory.stack(), one, config()), start(&memory.stack(), two, config()));
    seconds(300).await;
    assert_eq!(runs_one.count() + runs_two.count(), 1);
    assert_eq!(read(&memory, &job.id).await.state, State::At(Stage::Notify));
    assert!(memory.bodies(Address::live(Stage::Summarize)).is_empty());
    one.stop().await;
    two.stop().await;
}

#[tokio::test(start_paused = true)]
async fn work_that_outlives_visibility_and_lease_many_times_is_done_once() {
    let memory = Memory::new();
    let slow = || {
        Toy::new(Stage::Ocr, |_| async {
            seconds(1200).await;
            Ok(done(Stage::Ocr))
        })
    };
    let job = job(&memory, "a.pdf", Stage::Ocr).await;
    let ((one, runs_one), (two, runs_two)) = (slow(), slow());
    let (one, two) = (start(&memory.stack(), one, config()), start(&memory.stack(), two, config()));
    seconds(1500).await;
    assert_eq!(runs_one.count() + runs_two.count(), 1);
    assert_eq!(read(&memory, &job.id).await.state, State::At(Stage::Summarize));
    one.stop().await;
    two.stop().await;
}

#[tokio::test(start_paused = true)]
async fn attempts_that_fail_are_counted_on_the_job_and_the_last_one_ends_it_with_its_cause() {
    let memory = Memory::new();
    let (step, runs) =
        Toy::new(Stage::Ocr, |_| async { Err(StepFailure::again(Reason::OcrFailed, "the engine stumbled")) });
    let job = job(&memory, "a.pdf", Stage::Ocr).await;
    let running = start(&memory.stack(), step, config());
    seconds(600).await;
    let now = read(&memory, &job.id).await;
    assert_eq!(runs.count(), config().max_attempts);
    assert_eq!(now.outcome, Some(Outcome::failed(Reason::OcrFailed, "the engine stumbled")));
    assert_eq!(nudges(&memory, Address::live(Stage::Notify)).len(), 1);
    assert!(memory.bodies(Address::live(Stage::Ocr)).is_empty());
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_dies_each_time_uses_up_the_attempts_and_the_job_says_so() {
    let memory = Memory::new();
    let (step, runs) = Toy::new(Stage::Ocr, |_| async { Ok(done(Stage::Ocr)) });
    let mut job = silent_job(&memory, "a.pdf", Stage::Ocr).await;
    for _ in 0..5 {
        // A claim that is taken and never given back is what a killed worker leaves.
        let lease = Duration::from_secs(30);
        job = job.claim(Stage::Ocr, 1, &format!("dead-{}", job.attempts), memory.now(), lease, 5).unwrap();
        memory.replace(&job).await.unwrap();
        seconds(31).await;
    }
    nudge(&memory, &job, Stage::Ocr).await;
    let running = start(&memory.stack(), step, config());
    seconds(5).await;
    let now = read(&memory, &job.id).await;
    assert_eq!(runs.count(), 0);
    assert_eq!(now.outcome.unwrap().reason, Some(Reason::WorkerDied));
    assert_eq!(now.state, State::At(Stage::Notify));
    assert_eq!(nudges(&memory, Address::live(Stage::Notify)).len(), 1);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_permanent_failure_ends_the_job_at_once_with_its_reason() {
    for (fault, reason) in [
        (Fault::Denied, Reason::AccessDenied),
        (Fault::TooLarge, Reason::TooLarge),
        (Fault::Permanent, Reason::Internal),
    ] {
        let memory = Memory::new();
        let (step, runs) =
            Toy::new(Stage::Summarize, move |_| async move { Err(PortError::new(fault, "no").into()) });
        let job = job(&memory, "a.pdf", Stage::Summarize).await;
        let running = start(&memory.stack(), step, config());
        seconds(1).await;
        let now = read(&memory, &job.id).await;
        assert_eq!((runs.count(), now.outcome.unwrap().reason), (1, Some(reason)), "{fault:?}");
        running.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_burns_no_attempts_and_work_goes_on_by_itself_when_there_is_room() {
    let memory = Memory::new();
    let born = memory.now();
    let clock = memory.clone();
    let (step, runs) = Toy::new(Stage::Summarize, move |_| {
        let full = clock.now() < born + Duration::from_secs(600);
        async move {
            if full { Err(PortError::new(Fault::Full, "no room").into()) } else { Ok(done(Stage::Summarize)) }
        }
    });
    let job = job(&memory, "a.pdf", Stage::Summarize).await;
    let running = start(&memory.stack(), step, config());
    seconds(590).await;
    let now = read(&memory, &job.id).await;
    assert!(runs.count() > config().max_attempts, "it was tried {} times", runs.count());
    assert_eq!((now.state, now.attempts), (State::At(Stage::Summarize), 0));
    seconds(90).await;
    assert_eq!(read(&memory, &job.id).await.outcome, Some(Outcome::summarized()));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn telling_that_cannot_be_done_is_given_up_and_the_outcome_stands() {
    let memory = Memory::new();
    let (step, _) = Toy::new(Stage::Notify, |_| async { Err(PortError::new(Fault::Denied, "no").into()) });
    let job = job(&memory, "a.pdf", Stage::Notify).await;
    let running = start(&memory.stack(), step, config());
    seconds(1).await;
    let now = read(&memory, &job.id).await;
    assert_eq!((now.state, now.outcome), (State::Ended, Some(Outcome::summarized())));
    assert_eq!(now.last_failure.as_deref(), Some("no"));
    assert!(memory.bodies(Address::live(Stage::Notify)).is_empty());
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn who_is_superseded_while_at_work_commits_nothing() {
    let memory = Memory::new();
    let (step, runs) = Toy::new(Stage::Summarize, |_| async {
        seconds(100).await;
        Ok(done(Stage::Summarize))
    });
    let job = job(&memory, "a.pdf", Stage::Summarize).await;
    let running = start(&memory.stack(), step, config());
    seconds(5).await;
    let outcome = Outcome::superseded(Reason::NewerVersion);
    flow::end(&memory.stack(), &job.id, None, &outcome).await.unwrap();
    seconds(15).await;
    assert!(running.in_flight.is_empty(), "the step is dropped at the next heartbeat");
    seconds(120).await;
    let now = read(&memory, &job.id).await;
    assert_eq!((runs.count(), now.outcome, now.state), (1, Some(outcome), State::At(Stage::Notify)));
    assert!(memory.bodies(Address::live(Stage::Summarize)).is_empty());
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_commit_whose_answer_was_lost_is_known_as_ours_and_the_step_is_not_run_again() {
    for mode in [Mode::Before, Mode::Unacknowledged] {
        let memory = Memory::new();
        // The first write takes the claim, the second commits.
        let (stack, log) = wrap(memory.stack(), Plan::at(Call { name: "Jobs.replace", nth: 2 }, mode));
        let (step, runs) = Toy::new(Stage::Summarize, |_| async { Ok(done(Stage::Summarize)) });
        let job = job(&memory, "a.pdf", Stage::Summarize).await;
        let running = start(&stack, step, config());
        seconds(60).await;
        assert_eq!(log.fired().len(), 1);
        assert_eq!(read(&memory, &job.id).await.state, State::At(Stage::Notify), "{mode:?}");
        assert_eq!(runs.count(), if mode == Mode::Before { 2 } else { 1 }, "{mode:?}");
        assert_eq!(nudges(&memory, Address::live(Stage::Notify)).len(), 1);
        running.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_is_deleted_only_when_the_next_one_was_accepted() {
    let memory = Memory::new();
    let (stack, log) = wrap(memory.stack(), Plan::none().always("Queue.send", Fault::Transient));
    let (step, runs) = Toy::new(Stage::Summarize, |_| async { Ok(done(Stage::Summarize)) });
    let job = job(&memory, "a.pdf", Stage::Summarize).await;
    let running = start(&stack, step, config());
    seconds(30).await;
    assert_eq!(read(&memory, &job.id).await.state, State::At(Stage::Notify));
    assert_eq!(
        memory.bodies(Address::live(Stage::Summarize)).len(),
        1,
        "the message stands for the next one"
    );
    assert!(memory.bodies(Address::live(Stage::Notify)).is_empty());
    log.mend();
    seconds(120).await;
    assert_eq!(nudges(&memory, Address::live(Stage::Notify)).len(), 1);
    assert!(memory.bodies(Address::live(Stage::Summarize)).is_empty());
    assert_eq!(runs.count(), 1);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_be_reached_costs_no_job_its_attempts_or_receives() {
    let memory = Memory::new();
    let (stack, log) = wrap(memory.stack(), Plan::none().always("Jobs.get", Fault::Transient));
    let (step, _) = Toy::new(Stage::Summarize, |_| async { Ok(done(Stage::Summarize)) });
    let job = job(&memory, "a.pdf", Stage::Summarize).await;
    let running = start(&stack, step, config());
    seconds(4 * 3600).await;
    assert!(memory.bodies(Address::dead(Stage::Summarize)).is_empty());
    log.mend();
    seconds(120).await;
    assert_eq!(read(&memory, &job.id).await.outcome, Some(Outcome::summarized()));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_job_of_a_newer_release_waits_for_it() {
    let memory = Memory::new();
    let mut job = silent_job(&memory, "a.pdf", Stage::Summarize).await;
    (job.schema, job.revision) = (job.schema + 1, 1);
    memory.replace(&job).await.unwrap();
    nudge(&memory, &job, Stage::Summarize).await;
    let (step, runs) = Toy::new(Stage::Summarize, |_| async { Ok(done(Stage::Summarize)) });
    let running = start(&memory.stack(), step, config());
    seconds(3600).await;
    assert_eq!((runs.count(), read(&memory, &job.id).await), (0, job));
    assert_eq!(memory.bodies(Address::live(Stage::Summarize)).len(), 1);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_step_may_not_change_is_put_back() {
    let memory = Memory::new();
    let (step, _) = Toy::new(Stage::Summarize, |_| async {
        Ok(StepDone::end(Outcome::summarized(), |job| {
            job.run = 9;
            job.revision = 99;
            job.claim = None;
            job.state = State::Ended;
            job.kind = Some("text".into());
        }))
    });
    let job = job(&memory, "a.pdf", Stage::Summarize).await;
    let running = start(&memory.stack(), step, config());
    seconds(1).await;
    let now = read(&memory, &job.id).await;
    assert_eq!((now.run, now.revision, now.state), (1, 2, State::At(Stage::Notify)));
    assert_eq!(now.kind.as_deref(), Some("text"));
    running.stop().await;
}
