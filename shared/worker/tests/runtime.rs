//! The loop: permits, polling, settling, drain.

mod common;

use async_trait::async_trait;
use common::*;
use domain::message::Message;
use domain::{Outcome, Reason, Stage, State};
use ports::faults::{Plan, wrap};
use ports::memory::Memory;
use ports::{Address, Fault, PortError, QueueAdmin, QueueName};
use precis_worker::{Config, Context, Handler, Settlement, StepDone, StepFailure, Why};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A handler of the textract-completions queue that answers as a closure says.
struct Low<F>(F, AtomicU32);

#[async_trait]
impl<F: Fn(u32) -> Settlement + Send + Sync> Handler for Low<F> {
    fn queue(&self) -> Address {
        Address::live(QueueName::OcrCompleted)
    }

    async fn handle(&self, _: Message, _: &Context) -> Settlement {
        (self.0)(self.1.fetch_add(1, Ordering::SeqCst) + 1)
    }
}

fn low<F: Fn(u32) -> Settlement + Send + Sync>(act: F) -> Arc<Low<F>> {
    Arc::new(Low(act, AtomicU32::new(0)))
}

fn some_nudge() -> String {
    let job = domain::Job::new(document("x"), jiff::Timestamp::UNIX_EPOCH);
    domain::message::Nudge::new(job.id, 1, Stage::Ocr, None).encode()
}

#[tokio::test(start_paused = true)]
async fn no_more_messages_are_taken_than_can_be_worked_on() {
    let memory = Memory::new();
    for key in 0..9 {
        job(&memory, &key.to_string(), Stage::Summarize).await;
    }
    let (step, runs) = Toy::new(Stage::Summarize, |_| async {
        seconds(10).await;
        Ok(done(Stage::Summarize))
    });
    let running = start(&memory.stack(), step, Config { concurrency: 2, ..config() });
    for _ in 0..40 {
        assert!(in_hand(&memory, Stage::Summarize).await <= 2);
        assert!(running.in_flight.len() <= 2);
        seconds(1).await;
    }
    seconds(15).await;
    assert_eq!(runs.count(), 9);
    assert!(memory.bodies(Address::live(Stage::Summarize)).is_empty());
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn tenants_share_the_workers_fairly_also_those_that_wait_for_something() {
    let memory = Memory::new();
    let (step, _) = Toy::new(Stage::Summarize, |job| async move {
        seconds(10).await;
        // The first attempt of each fails, so that all are sent again.
        if job.attempts < 2 {
            Err(StepFailure::again(Reason::Internal, "not yet"))
        } else {
            Ok(done(Stage::Summarize))
        }
    });
    for number in 0..100 {
        owed_job(&memory, &format!("many/{number}.pdf"), Stage::Summarize).await;
    }
    let running = start(&memory.stack(), step, Config { concurrency: 2, ..config() });
    seconds(15).await;
    let few = owed_job(&memory, "few/a.pdf", Stage::Summarize).await;
    seconds(60).await;
    assert_eq!(
        read(&memory, &few.id).await.outcome,
        Some(Outcome::summarized()),
        "it waited behind the many"
    );
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_none_is_settled_alone_and_goes_where_operators_look() {
    let memory = Memory::new();
    for body in ["{", "{\"v\":1}", "{\"v\":1,\"job\":\"../../etc\",\"run\":1,\"stage\":\"ocr\"}", "[]"] {
        send(&memory, Address::live(Stage::Summarize), body.into(), Duration::ZERO).await;
    }
    let job = job(&memory, "a.pdf", Stage::Summarize).await;
    let (step, _) = Toy::new(Stage::Summarize, |_| async { Ok(done(Stage::Summarize)) });
    let running = start(&memory.stack(), step, config());
    seconds(2).await;
    assert_eq!(read(&memory, &job.id).await.state, State::At(Stage::Notify));
    assert!(memory.bodies(Address::live(Stage::Summarize)).is_empty());
    assert_eq!(memory.bodies(Address::dead(Stage::Summarize)).len(), 4);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn events_and_digests_in_the_wrong_queue_go_to_the_dead_letters() {
    let memory = Memory::new();
    let event = domain::event::encode_created(&document("a.pdf"));
    send(&memory, Address::live(Stage::Summarize), event, Duration::ZERO).await;
    let (step, _) = Toy::new(Stage::Summarize, |_| async { Ok(done(Stage::Summarize)) });
    let running = start(&memory.stack(), step, config());
    seconds(2).await;
    assert_eq!(memory.bodies(Address::dead(Stage::Summarize)).len(), 1);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_of_a_newer_release_waits_for_a_day_without_dying() {
    let memory = Memory::new();
    let body = "{\"v\":2,\"something\":\"new\"}";
    send(&memory, Address::live(Stage::Summarize), body.into(), Duration::ZERO).await;
    let (step, _) = Toy::new(Stage::Summarize, |_| async { Ok(done(Stage::Summarize)) });
    let running = start(&memory.stack(), step, config());
    seconds(24 * 3600).await;
    assert_eq!(memory.bodies(Address::live(Stage::Summarize)), [body]);
    assert!(memory.bodies(Address::dead(Stage::Summarize)).is_empty());
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_step_that_panics_is_retried_and_harms_nobody_else() {
    let memory = Memory::new();
    let (step, _) = Toy::new(Stage::Summarize, |job| async move {
        assert!(job.document.key != "bad.pdf" || job.attempts > 2, "no such luck");
        Ok(done(Stage::Summarize))
    });
    let (bad, good) =
        (job(&memory, "bad.pdf", Stage::Summarize).await, job(&memory, "good.pdf", Stage::Summarize).await);
    let running = start(&memory.stack(), step, config());
    seconds(1).await;
    assert_eq!(read(&memory, &good.id).await.state, State::At(Stage::Notify));
    let failed = read(&memory, &bad.id).await;
    assert_eq!(failed.state, State::At(Stage::Summarize));
    assert!(failed.last_failure.unwrap().contains("no such luck"));
    seconds(60).await;
    assert_eq!(read(&memory, &bad.id).await.outcome, Some(Outcome::summarized()));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_always_panics_leaves_its_message_to_the_dead_letters() {
    let memory = Memory::new();
    send(&memory, Address::live(QueueName::OcrCompleted), some_nudge(), Duration::ZERO).await;
    let handler = low(|_| panic!("always"));
    let running = start_handler(&memory.stack(), handler.clone(), config());
    seconds(2 * 3600).await;
    assert_eq!(handler.1.load(Ordering::SeqCst), ports::queue::MAX_RECEIVES);
    assert_eq!(memory.bodies(Address::dead(QueueName::OcrCompleted)).len(), 1);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn long_waits_chain_and_use_up_no_receives() {
    let memory = Memory::new();
    let until = memory.now() + Duration::from_secs(5 * 3600);
    let clock = memory.clone();
    send(&memory, Address::live(QueueName::OcrCompleted), some_nudge(), Duration::ZERO).await;
    let handler = low(move |_| {
        if clock.now() < until { Settlement::Defer { until, why: Why::NotReady } } else { Settlement::Done }
    });
    let running = start_handler(&memory.stack(), handler.clone(), config());
    seconds(5 * 3600 - 10).await;
    assert_eq!(memory.bodies(Address::live(QueueName::OcrCompleted)).len(), 1);
    seconds(20).await;
    assert!(memory.bodies(Address::live(QueueName::OcrCompleted)).is_empty());
    assert!(memory.bodies(Address::dead(QueueName::OcrCompleted)).is_empty());
    assert_eq!(handler.1.load(Ordering::SeqCst), 21, "one look each 15 minutes and one at the end");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_throttled_step_gives_its_attempt_back_and_polling_pauses() {
    let memory = Memory::new();
    let (stack, log) = wrap(memory.stack(), Plan::none());
    let born = memory.now();
    let clock = memory.clone();
    let (step, runs) = Toy::new(Stage::Ocr, move |_| {
        let throttled = clock.now() < born + Duration::from_secs(50);
        let fault = Fault::Throttled(Some(Duration::from_secs(60)));
        async move {
            if throttled { Err(PortError::new(fault, "slow down").into()) } else { Ok(done(Stage::Ocr)) }
        }
    });
    let first = job(&memory, "a.pdf", Stage::Ocr).await;
    let running = start(&stack, step, Config { concurrency: 1, ..config() });
    seconds(1).await;
    let second = job(&memory, "b.pdf", Stage::Ocr).await;
    let receives = || log.calls().iter().filter(|call| call.name == "Queue.receive").count();
    let before = receives();
    seconds(55).await;
    assert_eq!(receives(), before, "nobody polls while the gate is closed");
    assert_eq!((runs.count(), read(&memory, &first.id).await.attempts), (1, 0));
    seconds(60).await;
    for id in [first.id, second.id] {
        assert_eq!(read(&memory, &id).await.state, State::At(Stage::Summarize));
    }
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_outcome_from_a_low_handler_ends_the_job_of_its_nudge() {
    let memory = Memory::new();
    let job = silent_job(&memory, "a.pdf", Stage::Ocr).await;
    let body = domain::message::Nudge::new(job.id.clone(), 1, Stage::Ocr, None).encode();
    send(&memory, Address::live(QueueName::OcrCompleted), body, Duration::ZERO).await;
    let outcome = Outcome::failed(Reason::OcrFailed, "the service said FAILED");
    let ends = outcome.clone();
    let running =
        start_handler(&memory.stack(), low(move |_| Settlement::End { outcome: ends.clone() }), config());
    seconds(1).await;
    assert_eq!(read(&memory, &job.id).await.outcome, Some(outcome));
    assert_eq!(nudges(&memory, Address::live(Stage::Notify)).len(), 1);
    assert!(memory.bodies(Address::live(QueueName::OcrCompleted)).is_empty());
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_drain_finishes_what_is_held_and_takes_nothing_new() {
    let memory = Memory::new();
    let (step, runs) = Toy::new(Stage::Summarize, |_| async {
        seconds(10).await;
        Ok(done(Stage::Summarize))
    });
    let held = job(&memory, "a.pdf", Stage::Summarize).await;
    let running = start(&memory.stack(), step, config());
    seconds(7).await;
    let in_flight = running.in_flight.list();
    assert_eq!(in_flight[0].job, Some(held.id.clone()));
    assert_eq!((in_flight[0].name.as_str(), in_flight[0].stage), ("a.pdf", Some(Stage::Summarize)));
    running.shutdown.drain();
    seconds(1).await;
    // It arrives while the last poll is still open.
    let late = job(&memory, "b.pdf", Stage::Summarize).await;
    running.task.await.unwrap();
    assert_eq!(runs.count(), 1);
    assert_eq!(read(&memory, &held.id).await.state, State::At(Stage::Notify));
    let depth = memory.depth(QueueName::Summarize).await.unwrap();
    assert_eq!((depth.waiting, depth.in_flight, depth.delayed), (1, 0, 0), "it was given back at once");
    assert_eq!(read(&memory, &late.id).await.attempts, 0);
}

#[tokio::test(start_paused = true)]
async fn what_a_drain_cannot_finish_is_given_back_with_its_attempt() {
    let memory = Memory::new();
    let (step, _) = Toy::new(Stage::Summarize, |_| async {
        seconds(3600).await;
        Ok(done(Stage::Summarize))
    });
    let held = job(&memory, "a.pdf", Stage::Summarize).await;
    let running = start(&memory.stack(), step, config());
    seconds(100).await;
    assert_eq!(read(&memory, &held.id).await.attempts, 1);
    let before = memory.now();
    running.stop().await;
    let took = Duration::try_from(memory.now().duration_since(before)).unwrap();
    assert!(took >= config().drain && took < config().drain + config().grace, "{took:?}");
    let now = read(&memory, &held.id).await;
    assert_eq!((now.claim, now.attempts), (None, 0));
    let depth = memory.depth(QueueName::Summarize).await.unwrap();
    assert_eq!((depth.waiting, depth.in_flight, depth.delayed), (1, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_second_wish_to_stop_ends_the_drain_at_once_and_loses_nothing() {
    let memory = Memory::new();
    let (step, _) = Toy::new(Stage::Summarize, |_| async {
        seconds(3600).await;
        Ok(done(Stage::Summarize))
    });
    job(&memory, "a.pdf", Stage::Summarize).await;
    let running = start(&memory.stack(), step, config());
    seconds(7).await;
    running.shutdown.drain();
    // The open poll ends first.
    seconds(6).await;
    let before = memory.now();
    running.shutdown.stop();
    running.task.await.unwrap();
    assert!(memory.now().duration_since(before).as_secs() < 1);
    assert_eq!(memory.depth(QueueName::Summarize).await.unwrap().waiting, 1);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_does_not_hear_is_dropped_and_its_heartbeats_end() {
    struct Deaf;
    #[async_trait]
    impl Handler for Deaf {
        fn queue(&self) -> Address {
            Address::live(QueueName::OcrCompleted)
        }
        async fn handle(&self, _: Message, _: &Context) -> Settlement {
            std::future::pending().await
        }
    }
    let memory = Memory::new();
    send(&memory, Address::live(QueueName::OcrCompleted), some_nudge(), Duration::ZERO).await;
    let running = start_handler(&memory.stack(), Arc::new(Deaf), config());
    seconds(600).await;
    assert_eq!(memory.depth(QueueName::OcrCompleted).await.unwrap().in_flight, 1, "the heartbeat keeps it");
    running.stop().await;
    seconds(config().visibility.as_secs() + 1).await;
    assert_eq!(memory.depth(QueueName::OcrCompleted).await.unwrap().waiting, 1);
}

#[tokio::test(start_paused = true)]
async fn a_task_is_protected_while_a_long_job_runs_and_not_for_short_ones() {
    let memory = Memory::new();
    let (step, _) = Toy::new(Stage::Summarize, |job| async move {
        seconds(if job.document.key == "long.pdf" { 700 } else { 1 }).await;
        Ok(done(Stage::Summarize))
    });
    let running = start(&memory.stack(), step, config());
    job(&memory, "short.pdf", Stage::Summarize).await;
    seconds(30).await;
    assert!(memory.protection().is_empty());
    job(&memory, "long.pdf", Stage::Summarize).await;
    seconds(600).await;
    let calls = memory.protection();
    assert!((2..=4).contains(&calls.len()) && calls.iter().all(Option::is_some), "{calls:?}");
    seconds(200).await;
    assert_eq!(memory.protection().last(), Some(&None));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_cannot_be_polled_is_polled_again() {
    let memory = Memory::new();
    let (stack, log) = wrap(memory.stack(), Plan::none().always("Queue.receive", Fault::Transient));
    let (step, _) = Toy::new(Stage::Summarize, |_| async { Ok(done(Stage::Summarize)) });
    let job = job(&memory, "a.pdf", Stage::Summarize).await;
    let running = start(&stack, step, config());
    seconds(600).await;
    let polls = log.calls().len();
    assert!((10..100).contains(&polls), "{polls} polls in ten minutes of trouble");
    log.mend();
    seconds(61).await;
    assert_eq!(read(&memory, &job.id).await.state, State::At(Stage::Notify));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_step_that_waits_gives_its_attempt_back_and_is_asked_again() {
    let memory = Memory::new();
    let until = memory.now() + Duration::from_secs(40);
    let clock = memory.clone();
    let (step, runs) = Toy::new(Stage::Ocr, move |_| {
        let wait = clock.now() < until;
        async move { Ok(if wait { StepDone::Defer { until, why: "not yet".into() } } else { done(Stage::Ocr) }) }
    });
    let job = job(&memory, "a.pdf", Stage::Ocr).await;
    let running = start(&memory.stack(), step, config());
    seconds(20).await;
    let now = read(&memory, &job.id).await;
    assert_eq!((now.attempts, now.claim.as_ref()), (0, None));
    assert_eq!(now.history.last().unwrap().note, "not yet");
    seconds(30).await;
    assert_eq!((runs.count(), read(&memory, &job.id).await.state), (2, State::At(Stage::Summarize)));
    running.stop().await;
}
