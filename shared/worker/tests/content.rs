//! A content is claimed in the write that moves its job on, and only there.

mod common;

use common::*;
use domain::{JobId, Stage, State};
use ports::Address;
use ports::Jobs;
use ports::faults::{Call, Mode, Plan, wrap};
use ports::memory::Memory;
use precis_worker::StepDone;
use std::time::Duration;

const FAR: Duration = Duration::from_secs(86_400);

fn claims() -> (Toy, Runs) {
    Toy::new(Stage::Ingest, |_| async {
        Ok(StepDone::advance(Stage::Summarize, |job| job.pages = Some(3)).claiming("c".into()))
    })
}

#[tokio::test(start_paused = true)]
async fn the_write_that_moves_a_job_on_claims_its_content_for_more_than_a_year() {
    let memory = Memory::new();
    let (step, _) = claims();
    let job = job(&memory, "a.txt", Stage::Ingest).await;
    let running = start(&memory.stack(), step, config());
    seconds(1).await;
    let now = read(&memory, &job.id).await;
    assert_eq!((now.state, now.pages, now.revision), (State::At(Stage::Summarize), Some(3), 2));
    assert_eq!(now.reuse.as_deref(), Some("c"), "its name is on the job");
    running.stop().await;
    tokio::time::advance(366 * Duration::from_secs(86_400)).await;
    assert_eq!(memory.content("c").await.unwrap(), Some((job.id, 1)));
}

#[tokio::test(start_paused = true)]
async fn who_finds_the_content_taken_stays_where_it_is_and_is_asked_again_until_it_is_free() {
    let memory = Memory::new();
    let (step, runs) = claims();
    let first = JobId::of("b", "first", "1");
    memory.claim_content("c", &first, 1, FAR).await.unwrap();
    let job = job(&memory, "a.txt", Stage::Ingest).await;
    let running = start(&memory.stack(), step, config());
    seconds(60).await;
    let now = read(&memory, &job.id).await;
    assert_eq!((now.state, now.claim, now.attempts), (State::At(Stage::Ingest), None, 0));
    assert_eq!((now.reuse, now.pages), (None, None), "nothing of it is written");
    assert!(runs.count() > config().max_attempts, "waiting uses up no attempt: {}", runs.count());
    assert!(memory.bodies(Address::live(Stage::Summarize)).is_empty());
    memory.release_content("c", &first, 1).await.unwrap();
    seconds(10).await;
    assert_eq!(read(&memory, &job.id).await.state, State::At(Stage::Summarize));
    assert_eq!(memory.content("c").await.unwrap(), Some((job.id, 1)));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_lost_is_told_apart_by_what_stands() {
    for (mode, wanted) in [(Mode::Before, 2), (Mode::Unacknowledged, 1), (Mode::Late, 1), (Mode::Slow, 1)] {
        let memory = Memory::new();
        let (step, runs) = claims();
        let (stack, log) =
            wrap(memory.stack(), Plan::at(Call { name: "Jobs.replace_claiming", nth: 1 }, mode));
        let job = job(&memory, "a.txt", Stage::Ingest).await;
        let running = start(&stack, step, config());
        seconds(600).await;
        assert_eq!(log.fired().len(), 1, "{mode:?}");
        assert_eq!(read(&memory, &job.id).await.state, State::At(Stage::Summarize), "{mode:?}");
        assert_eq!(memory.content("c").await.unwrap(), Some((job.id, 1)), "{mode:?}");
        assert_eq!(runs.count(), wanted, "{mode:?}");
        assert!(memory.bodies(Address::live(Stage::Ingest)).is_empty(), "{mode:?}");
        running.stop().await;
    }
}
