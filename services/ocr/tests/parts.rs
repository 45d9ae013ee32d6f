//! Parts of pages: started once, written down while the engine is at them, gone on with when it is done.
#![expect(clippy::unwrap_used, reason = "a test that fails here has failed")]

use domain::message::{Completion, Message};
use domain::text::{Origin, Page, Pages};
use domain::{Artifact, Job, Stage, State};
use ports::memory::Memory;
use ports::{GateName, Jobs, Objects, Pass};
use precis_ocr::{Completed, Config, OcrStep};
use std::time::Duration;
use worker::{Claimed, Context, Handler, Settlement, StageHandler, Step, StepDone};

const LIMIT: u64 = 1 << 20;

/// A job at ocr whose pages with these images need it.
async fn scan(memory: &Memory, images: &[&[u8]]) -> Job {
    let document = memory.put("scans/letter.pdf", "%PDF");
    let mut job = Job::new(document, memory.now());
    job.state = State::At(Stage::Ocr);
    job.ocr_pages = (1..).take(images.len()).collect();
    for (page, image) in (1..).zip(images) {
        memory.write_once(&Artifact::Part(page).key(&job.id, 1), image.to_vec()).await.unwrap();
    }
    let unread = |number: &u32| Page {
        number: *number,
        origin: Origin::Unread,
        lines: Vec::new(),
        attachment: None,
        note: None,
    };
    let pages = Pages { pages: job.ocr_pages.iter().map(unread).collect(), title: None };
    let body = serde_json::to_vec(&pages).unwrap();
    memory.write_once(&Artifact::Read.key(&job.id, 1), body).await.unwrap();
    memory.create(&job).await.unwrap();
    job
}

fn step(memory: &Memory) -> OcrStep {
    OcrStep::new(memory.stack(), Config { parts_at_once: 2, pages_a_part: 10, usd_a_page: 0.0015 })
}

/// One attempt under a claim that is given up afterwards.
async fn attempt(memory: &Memory, job: &Job) -> Result<StepDone, worker::StepFailure> {
    let stored = memory.get(&job.id).await.unwrap().unwrap();
    let claimed = Claimed::detached(&memory.stack(), &stored).await.unwrap();
    let done = step(memory).run(&claimed).await;
    let stored = memory.get(&job.id).await.unwrap().unwrap();
    memory.replace(&stored.release(claimed.holder(), memory.now(), "").unwrap()).await.unwrap();
    done
}

async fn merged(memory: &Memory, job: &Job) -> Pages {
    let body = memory.read(&Artifact::Pages.key(&job.id, 1), LIMIT).await.unwrap();
    serde_json::from_slice(&body).unwrap()
}

async fn pending(memory: &Memory, job: &Job) -> Vec<domain::job::PendingPart> {
    memory.get(&job.id).await.unwrap().unwrap().ocr_pending
}

fn completed(memory: &Memory) -> Completed {
    let stage = StageHandler::new(memory.stack(), step(memory), worker::Config::default());
    Completed::new(memory.stack(), stage)
}

fn completion(job: &Job, token: &str) -> Message {
    Message::Completion(Completion { token: token.into(), status: "SUCCEEDED".into(), job: job.id.clone() })
}

#[tokio::test(start_paused = true)]
async fn a_part_is_started_once_and_its_completion_brings_the_job_on() {
    let memory = Memory::new();
    memory.pend_ocr(1);
    let job = scan(&memory, &[b"page one", b"page two"]).await;
    assert!(matches!(attempt(&memory, &job).await.unwrap(), StepDone::Defer { .. }));
    let waiting = pending(&memory, &job).await;
    assert_eq!(waiting[0].pages, [1, 2]);

    let settled = completed(&memory).handle(completion(&job, &waiting[0].token), &Context::detached()).await;
    assert_eq!(settled, Settlement::Done);
    let origins: Vec<_> = merged(&memory, &job).await.pages.iter().map(|page| page.origin).collect();
    assert_eq!(origins, [Origin::Ocr, Origin::Ocr]);
    let stored = memory.get(&job.id).await.unwrap().unwrap();
    assert_eq!((stored.state, stored.ocr_pending.len()), (State::At(Stage::Summarize), 0));
    assert_eq!(memory.ocr_starts().len(), 2, "each page is paid for once");
}

#[tokio::test(start_paused = true)]
async fn a_start_that_was_not_written_down_is_answered_for_by_the_same_work() {
    let memory = Memory::new();
    memory.pend_ocr(1);
    let job = scan(&memory, &[b"page one", b"page two"]).await;
    attempt(&memory, &job).await.unwrap();
    // As if the worker had died between the start and its note on the job.
    let mut forgot = memory.get(&job.id).await.unwrap().unwrap();
    let token = forgot.ocr_pending[0].token.clone();
    forgot.ocr_pending.clear();
    forgot.revision += 1;
    memory.replace(&forgot).await.unwrap();

    attempt(&memory, &job).await.unwrap();
    assert_eq!(pending(&memory, &job).await[0].token, token);
    assert_eq!(memory.ocr_starts().len(), 2, "nothing is paid for again");
}

#[tokio::test(start_paused = true)]
async fn work_that_was_lost_is_started_anew_as_another_generation() {
    let memory = Memory::new();
    memory.pend_ocr(1);
    let job = scan(&memory, &[b"page one", b"page two"]).await;
    attempt(&memory, &job).await.unwrap();
    let mut lost = memory.get(&job.id).await.unwrap().unwrap();
    lost.ocr_pending[0].token = "expired".into();
    lost.revision += 1;
    memory.replace(&lost).await.unwrap();

    assert!(attempt(&memory, &job).await.is_err(), "the attempt counts as failed");
    attempt(&memory, &job).await.unwrap();
    let stored = memory.get(&job.id).await.unwrap().unwrap();
    assert_eq!(stored.ocr_generation, 1);
    assert!(matches!(attempt(&memory, &job).await.unwrap(), StepDone::Advance { .. }));
    assert_eq!(memory.ocr_starts().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_page_that_cannot_be_read_costs_only_itself() {
    let memory = Memory::new();
    let job = scan(&memory, &[b"page one", &[0xff, 0xfe], b"page three"]).await;
    assert!(matches!(attempt(&memory, &job).await.unwrap(), StepDone::Advance { .. }));
    let pages = merged(&memory, &job).await.pages;
    let origins: Vec<_> = pages.iter().map(|page| page.origin).collect();
    assert_eq!(origins, [Origin::Ocr, Origin::Unread, Origin::Ocr]);
    assert_eq!(pages[1].note.as_deref(), Some("the image cannot be read"));
}

#[tokio::test(start_paused = true)]
async fn a_pending_part_holds_its_place_at_the_gate_until_it_is_done() {
    let memory = Memory::new();
    memory.pend_ocr(1);
    memory.limit(GateName::OcrDocument, 1);
    let job = scan(&memory, &[b"page one", b"page two"]).await;
    attempt(&memory, &job).await.unwrap();
    let take =
        async || memory.stack().gate.take(GateName::OcrDocument, Duration::from_secs(1)).await.unwrap();
    assert!(matches!(take().await, Pass::Closed(_)));
    attempt(&memory, &job).await.unwrap();
    assert!(matches!(take().await, Pass::Open(_)));
}

#[tokio::test(start_paused = true)]
async fn a_completion_that_nobody_waits_for_waits_a_while_and_changes_nothing() {
    let memory = Memory::new();
    memory.pend_ocr(1);
    let job = scan(&memory, &[b"page one", b"page two"]).await;
    attempt(&memory, &job).await.unwrap();
    let before = memory.get(&job.id).await.unwrap();
    let settled = completed(&memory).handle(completion(&job, "forged"), &Context::detached()).await;
    // It may have overtaken the note of its start.
    assert!(matches!(settled, Settlement::Release(_)));
    assert_eq!(memory.get(&job.id).await.unwrap(), before);

    let other = Job::new(memory.put("scans/other.pdf", "%PDF-1"), memory.now());
    let settled = completed(&memory).handle(completion(&other, "any"), &Context::detached()).await;
    assert_eq!(settled, Settlement::Done);
}
