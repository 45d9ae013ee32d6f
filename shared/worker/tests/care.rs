//! Those who look after what was forgotten: dead letters and the reconciler.

mod common;

use common::*;
use domain::{Outcome, Reason, Stage, State};
use ports::memory::Memory;
use ports::{Address, Jobs, QueueAdmin, QueueName};
use precis_worker::{DeadLetters, Reconciler, Shutdown};
use std::time::Duration;

fn letters(memory: &Memory) -> (Shutdown, tokio::task::JoinHandle<()>) {
    let shutdown = Shutdown::new();
    (shutdown.clone(), tokio::spawn(DeadLetters::new(memory.stack()).run(shutdown)))
}

async fn dead_nudge(memory: &Memory, job: &domain::Job, stage: Stage) {
    let body = domain::message::Nudge::new(job.id.clone(), job.run, stage, None).encode();
    send(memory, Address::dead(stage), body, Duration::ZERO).await;
}

#[tokio::test(start_paused = true)]
async fn a_dead_nudge_ends_its_job_and_tells_about_it() {
    let memory = Memory::new();
    let job = silent_job(&memory, "a.pdf", Stage::Ocr).await;
    dead_nudge(&memory, &job, Stage::Ocr).await;
    let (shutdown, task) = letters(&memory);
    seconds(1).await;
    let now = read(&memory, &job.id).await;
    assert_eq!(now.outcome.unwrap().reason, Some(Reason::WorkerDied));
    assert!(memory.bodies(Address::dead(Stage::Ocr)).is_empty());
    assert_eq!(nudges(&memory, Address::live(Stage::Notify)).len(), 1);
    shutdown.drain();
    task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_dead_nudge_to_notify_ends_the_job_with_the_outcome_that_it_had() {
    let memory = Memory::new();
    let job = silent_job(&memory, "a.pdf", Stage::Notify).await;
    dead_nudge(&memory, &job, Stage::Notify).await;
    let (shutdown, task) = letters(&memory);
    seconds(1).await;
    let now = read(&memory, &job.id).await;
    assert_eq!((now.state, now.outcome), (State::Ended, Some(Outcome::summarized())));
    shutdown.drain();
    task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_dead_nudge_harms_no_job_that_has_gone_on_or_is_worked_on() {
    let memory = Memory::new();
    let gone_on = silent_job(&memory, "on.pdf", Stage::Summarize).await;
    dead_nudge(&memory, &gone_on, Stage::Ocr).await;
    let busy = silent_job(&memory, "busy.pdf", Stage::Ocr).await;
    let lease = Duration::from_secs(600);
    let busy = busy.claim(Stage::Ocr, 1, "me", memory.now(), lease, 5).unwrap();
    memory.replace(&busy).await.unwrap();
    dead_nudge(&memory, &busy, Stage::Ocr).await;
    let (shutdown, task) = letters(&memory);
    seconds(5).await;
    assert_eq!(read(&memory, &gone_on.id).await, gone_on);
    assert_eq!(nudges(&memory, Address::live(Stage::Summarize)).len(), 1, "what it owes now is sent");
    assert_eq!(read(&memory, &busy.id).await, busy);
    assert_eq!(memory.bodies(Address::dead(Stage::Ocr)).len(), 1, "the letter waits for the claim");
    seconds(620).await;
    assert_eq!(read(&memory, &busy.id).await.outcome.unwrap().reason, Some(Reason::WorkerDied));
    shutdown.drain();
    task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn letters_that_nobody_understands_stay_for_operators_who_may_redrive_them() {
    let memory = Memory::new();
    let event = domain::event::encode_created(&document("a.pdf"));
    for body in ["{", "{\"v\":7}", &event] {
        send(&memory, Address::dead(Stage::Ingest), body.into(), Duration::ZERO).await;
    }
    let (shutdown, task) = letters(&memory);
    seconds(48 * 3600).await;
    assert_eq!(memory.depth(QueueName::Ingest).await.unwrap().dead, 3);
    assert_eq!(memory.redrive(QueueName::Ingest).await.unwrap(), 3);
    assert_eq!(memory.bodies(Address::live(Stage::Ingest)).len(), 3);
    shutdown.drain();
    task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_message_was_lost_is_nudged_again_and_a_deep_queue_is_not_flooded() {
    let memory = Memory::new();
    let job = silent_job(&memory, "a.pdf", Stage::Ocr).await;
    let shutdown = Shutdown::new();
    let task = tokio::spawn(Reconciler::new(memory.stack()).run(shutdown.clone()));
    seconds(19 * 60).await;
    assert!(memory.bodies(Address::live(Stage::Ocr)).is_empty(), "its message may only be delayed");
    seconds(3 * 60).await;
    assert_eq!(nudges(&memory, Address::live(Stage::Ocr))[0].job, job.id);
    seconds(24 * 3600).await;
    let nudged = nudges(&memory, Address::live(Stage::Ocr)).len();
    assert!((6..=9).contains(&nudged), "{nudged} nudges in a day in which nobody works");
    shutdown.drain();
    task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_first_look_after_a_start_nudges_all_that_is_still() {
    let memory = Memory::new();
    for key in 0..450 {
        silent_job(&memory, &key.to_string(), Stage::Summarize).await;
    }
    seconds(33 * 60).await;
    let reconciler = Reconciler::new(memory.stack());
    assert_eq!(reconciler.look(None, memory.now()).await.unwrap(), 450, "more than one page of them");
    let last = memory.now();
    seconds(60).await;
    assert_eq!(reconciler.look(Some(last), memory.now()).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn jobs_at_work_are_left_alone_and_those_out_of_attempts_are_ended() {
    let memory = Memory::new();
    let lease = Duration::from_secs(7200);
    let busy = silent_job(&memory, "busy.pdf", Stage::Ocr).await;
    let busy = busy.claim(Stage::Ocr, 1, "me", memory.now(), lease, 5).unwrap();
    memory.replace(&busy).await.unwrap();
    let mut died = silent_job(&memory, "died.pdf", Stage::Ocr).await;
    died.attempts = 5;
    died.claim = Some(domain::job::Claim { holder: "dead".into(), until: memory.now() });
    died.revision += 1;
    memory.replace(&died).await.unwrap();
    seconds(3600).await;
    let reconciler = Reconciler::new(memory.stack());
    assert_eq!(reconciler.look(None, memory.now()).await.unwrap(), 1);
    assert_eq!(read(&memory, &busy.id).await, busy);
    assert_eq!(read(&memory, &died.id).await.outcome.unwrap().reason, Some(Reason::WorkerDied));
    assert_eq!(nudges(&memory, Address::live(Stage::Notify)).len(), 1);
}
