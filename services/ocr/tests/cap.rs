//! The monthly cap: no more pages are asked for than it says, whoever asks at once, dies in between or fails; and nothing
//! that it stops is lost.
#![expect(clippy::unwrap_used, reason = "a test that fails here has failed")]

use domain::settings::{Layer, MonthlyPages, Source};
use domain::text::{Origin, Page, Pages};
use domain::{Artifact, Job, Reason, Stage, State};
use ports::faults::{Call, Mode, Plan, wrap};
use ports::memory::{BUCKET, Memory};
use ports::{Cap, Fault, Filter, Jobs, Objects, QueueAdmin, QueueName, Stack};
use precis_ocr::{Config, OcrStep};
use std::time::Duration;
use worker::{Claimed, Reconciler, Resume, Service, Shutdown, Step, StepDone, StepFailure};

const USD: f64 = 0.0015;

/// A job at ocr with so many pages that need it.
async fn scan(memory: &Memory, key: &str, pages: u32) -> Job {
    let document = memory.put(key, format!("%PDF {key}"));
    let mut job = Job::new(document, memory.now());
    job.state = State::At(Stage::Ocr);
    job.ocr_pages = (1..=pages).collect();
    let unread = |number: &u32| Page {
        number: *number,
        origin: Origin::Unread,
        lines: Vec::new(),
        attachment: None,
        note: None,
    };
    for page in &job.ocr_pages {
        memory.write_once(&Artifact::Part(*page).key(&job.id, 1), b"a line".to_vec()).await.unwrap();
    }
    let read = Pages { pages: job.ocr_pages.iter().map(unread).collect(), title: None };
    memory.write_once(&Artifact::Read.key(&job.id, 1), serde_json::to_vec(&read).unwrap()).await.unwrap();
    memory.create(&job).await.unwrap();
    job
}

fn cap(pages: u32) -> (Source, Layer) {
    (Source::File, Layer { ocr_monthly_pages: Some(MonthlyPages(pages)), ..Layer::default() })
}

fn step(stack: Stack, pages_a_part: usize) -> OcrStep {
    OcrStep::new(stack, Config { parts_at_once: 2, pages_a_part, usd_a_page: USD })
}

async fn spent(memory: &Memory) -> u64 {
    let caps = Cap::of(BUCKET, &[cap(1)], memory.now());
    memory.stack().budget.spent(&caps[0]).await.unwrap()
}

async fn stored(memory: &Memory, job: &Job) -> Job {
    memory.get(&job.id).await.unwrap().unwrap()
}

/// An attempt under a claim of its own, and the job with the attempt that it used up.
async fn attempt(memory: &Memory, stack: &Stack, job: &Job, a_part: usize) -> Result<StepDone, StepFailure> {
    let claimed = Claimed::detached(stack, &stored(memory, job).await).await.unwrap();
    let done = step(stack.clone(), a_part).run(&claimed).await;
    let now = stored(memory, job).await;
    memory.replace(&now.fail(claimed.holder(), memory.now(), "broke off").unwrap()).await.unwrap();
    done
}

fn is_stopped(done: &Result<StepDone, StepFailure>) -> bool {
    matches!(done, Ok(StepDone::End { outcome, .. }) if outcome.reason == Some(Reason::OcrBudget))
}

/// Two services at work on everything that waits, until nothing does.
async fn work(memory: &Memory, pages_a_part: usize) {
    let shutdown = Shutdown::new();
    let numbers =
        worker::Config { concurrency: 5, wait: Duration::from_secs(1), ..worker::Config::default() };
    let service = || {
        Service::new(memory.stack(), numbers.clone())
            .step(step(memory.stack(), pages_a_part))
            .run(shutdown.clone())
    };
    let stop = async {
        tokio::time::sleep(Duration::from_secs(3600)).await;
        shutdown.stop();
    };
    tokio::join!(service(), service(), stop);
}

async fn nudge_all(memory: &Memory) {
    // As if nobody remembered them: the reconciler sends what they owe.
    let later = memory.now() + Duration::from_secs(86_400);
    Reconciler::new(memory.stack()).look(None, later).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn many_workers_ask_for_exactly_as_many_pages_as_the_cap_has() {
    let memory = Memory::new();
    memory.set_layers(vec![cap(10)]);
    for number in 0..14 {
        scan(&memory, &format!("scans/{number}.pdf"), 1).await;
    }
    nudge_all(&memory).await;
    work(&memory, 1).await;
    assert_eq!((memory.ocr_starts().len(), spent(&memory).await), (10, 10));
    let jobs = Jobs::list(&memory, &Filter::default()).await.unwrap();
    let (went_on, stopped): (Vec<_>, Vec<_>) = jobs.iter().partition(|job| job.outcome.is_none());
    assert_eq!((went_on.len(), stopped.len()), (10, 4));
    for job in &went_on {
        assert_eq!((job.state, job.cost.ocr_paid), (State::At(Stage::Summarize), 1));
        assert!((job.cost.usd - USD).abs() < 1e-12);
    }
    for job in &stopped {
        let outcome = job.outcome.as_ref().unwrap();
        assert_eq!((outcome.reason, job.cost.ocr_paid), (Some(Reason::OcrBudget), 0));
        assert_eq!(outcome.detail.as_deref(), Some("ocr_monthly_pages of the whole bucket is 10 in 2026-01"));
    }
    assert_eq!(
        memory.depth(QueueName::Ocr).await.unwrap().waiting,
        0,
        "nothing waits and is asked again and again"
    );
}

#[tokio::test(start_paused = true)]
async fn a_document_that_cannot_be_finished_is_not_begun_and_leaves_room_for_smaller_ones() {
    let memory = Memory::new();
    memory.set_layers(vec![cap(5)]);
    let (large, small) = (scan(&memory, "a.pdf", 6).await, scan(&memory, "b.pdf", 5).await);
    let stack = memory.stack();
    assert!(is_stopped(&attempt(&memory, &stack, &large, 1).await));
    assert_eq!((memory.ocr_starts().len(), spent(&memory).await), (0, 0));
    assert!(matches!(attempt(&memory, &stack, &small, 1).await, Ok(StepDone::Advance { .. })));
    assert_eq!((memory.ocr_starts().len(), spent(&memory).await), (5, 5));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_lost_on_its_way_counts_each_time_and_one_that_was_refused_does_not() {
    let memory = Memory::new();
    memory.set_layers(vec![cap(3)]);
    let job = scan(&memory, "a.pdf", 1).await;
    let refused = Call { name: "Ocr.start", nth: 1 };
    let throttled = Plan::none().and(refused, Mode::Before, Fault::Throttled(None));
    let (stack, _) = wrap(memory.stack(), throttled);
    assert!(matches!(attempt(&memory, &stack, &job, 1).await, Ok(StepDone::Defer { .. })));
    assert_eq!((memory.ocr_starts().len(), spent(&memory).await), (0, 0), "it was given back");
    tokio::time::advance(Duration::from_secs(60)).await;
    for times in 1..=3 {
        // The engine did it, and the answer never came: whether it was paid for is open.
        let plan = Plan::at(Call { name: "Ocr.start", nth: 1 }, Mode::Unacknowledged);
        let (stack, _) = wrap(memory.stack(), plan);
        assert!(attempt(&memory, &stack, &job, 1).await.is_err());
        assert_eq!((memory.ocr_starts().len(), spent(&memory).await), (times, times as u64));
    }
    let mut again = stored(&memory, &job).await;
    (again.attempts, again.revision) = (2, again.revision + 1);
    memory.replace(&again).await.unwrap();
    assert!(is_stopped(&attempt(&memory, &memory.stack(), &job, 1).await));
    assert_eq!(memory.ocr_starts().len(), 3, "the cap came early rather than late");
}

#[tokio::test(start_paused = true)]
async fn work_that_goes_on_is_paid_for_once_although_its_worker_died() {
    let memory = Memory::new();
    memory.set_layers(vec![cap(2)]);
    memory.pend_ocr(1);
    let job = scan(&memory, "a.pdf", 2).await;
    let stack = memory.stack();
    assert!(matches!(attempt(&memory, &stack, &job, 10).await, Ok(StepDone::Defer { .. })));
    // The worker died before it had written down what it had started.
    let mut forgot = stored(&memory, &job).await;
    assert_eq!(forgot.cost.ocr_paid, 2);
    (forgot.ocr_pending, forgot.revision) = (Vec::new(), forgot.revision + 1);
    memory.replace(&forgot).await.unwrap();
    let done = attempt(&memory, &stack, &job, 10).await;
    assert!(matches!(done, Ok(StepDone::Advance { .. } | StepDone::Defer { .. })));
    assert_eq!((memory.ocr_starts().len(), spent(&memory).await), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn what_a_cap_stopped_runs_by_itself_in_the_new_month_or_when_there_is_room_and_pays_for_nothing_twice()
{
    let memory = Memory::new();
    memory.set_layers(vec![cap(4)]);
    for number in 0..6 {
        scan(&memory, &format!("{number}.pdf"), 1).await;
    }
    nudge_all(&memory).await;
    work(&memory, 1).await;
    let stopped =
        || Filter { reason: Some(Reason::OcrBudget), state: Some(State::Ended), ..Filter::default() };
    end_all(&memory).await;
    assert_eq!(Jobs::list(&memory, &stopped()).await.unwrap().len(), 2);
    let resume = Resume::new(memory.stack());
    assert_eq!(resume.look().await.unwrap(), 0, "the month is not over");
    memory.set_layers(vec![cap(5)]);
    assert_eq!(resume.look().await.unwrap(), 1, "room for one");
    tokio::time::advance(Duration::from_secs(31 * 86_400)).await;
    assert_eq!(resume.look().await.unwrap(), 1, "a new month");
    assert_eq!(Jobs::list(&memory, &stopped()).await.unwrap().len(), 0);
    assert_eq!(resume.look().await.unwrap(), 0);
    assert!(memory.contents().is_empty(), "nobody looks for more: {:?}", memory.contents());
    let again = Jobs::list(&memory, &Filter { unfinished: true, ..Filter::default() }).await.unwrap();
    assert!(again.iter().filter(|job| job.run == 2).all(|job| job.state == State::At(Stage::Ingest)));
}

/// Tells of everything that is to be told.
async fn end_all(memory: &Memory) {
    for job in Jobs::list(memory, &Filter { state: Some(State::At(Stage::Notify)), ..Filter::default() })
        .await
        .unwrap()
    {
        let mut ended = job.clone();
        (ended.state, ended.revision) = (State::Ended, ended.revision + 1);
        memory.replace(&ended).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_completion_that_is_lost_delays_a_document_and_its_lost_nudge_does_too() {
    let memory = Memory::new();
    memory.pend_ocr(1);
    let job = scan(&memory, "a.pdf", 3).await;
    nudge_all(&memory).await;
    // No completion ever comes.
    work(&memory, 10).await;
    assert_eq!(stored(&memory, &job).await.state, State::At(Stage::Summarize));

    let other = scan(&memory, "b.pdf", 3).await;
    memory.pend_ocr(1);
    nudge_all(&memory).await;
    let shutdown = Shutdown::new();
    let service =
        Service::new(memory.stack(), worker::Config::default()).step(step(memory.stack(), 10)).reconciling();
    let losing = async {
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert_eq!(stored(&memory, &other).await.ocr_pending.len(), 1, "it is started");
        memory.purge(ports::Address::live(QueueName::Ocr)).await.unwrap();
        tokio::time::sleep(Duration::from_secs(2 * 3600)).await;
        shutdown.stop();
    };
    tokio::join!(service.run(shutdown.clone()), losing);
    assert_eq!(stored(&memory, &other).await.state, State::At(Stage::Summarize));
    assert_eq!(memory.ocr_starts().len(), 6, "each page was paid for once");
}
