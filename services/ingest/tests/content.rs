//! The same content is paid for once, and nobody waits for a job that will bring no result.
//!
//! The real step under the real handler; the reader is a script that finds one page in everything, and the stages
//! after ingest are played by the test.
#![expect(clippy::unwrap_used, reason = "a test that fails here has failed")]

use domain::message::{Message, Nudge};
use domain::settings::Layer;
use domain::{Artifact, Document, Job, JobId, Outcome, Reason, Stage, State};
use ports::memory::Memory;
use ports::{ContentClaim, Jobs, Objects};
use precis_ingest::{Config, Ingest};
use std::time::Duration;
use worker::{Context, Handler, Settlement, StageHandler, Why, flow};

const READER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reader.sh");
const HOURS: Duration = Duration::from_secs(12 * 3600);

struct World {
    memory: Memory,
    scratch: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        Self { memory: Memory::new(), scratch: tempfile::tempdir().unwrap() }
    }

    async fn job(&self, key: &str) -> Job {
        self.job_of(self.memory.put(key, "the same")).await
    }

    async fn job_of(&self, document: Document) -> Job {
        let job = Job::new(document, self.memory.now());
        self.memory.create(&job).await.unwrap();
        job
    }

    /// Two jobs of one tenant with the same content, of which the first has gone on with the claim.
    async fn twins(&self) -> (Job, Job) {
        let (first, second) = (self.job("letters/a.txt").await, self.job("letters/b.txt").await);
        assert!(self.works(&first).await);
        (self.read(&first).await, second)
    }

    async fn read(&self, job: &Job) -> Job {
        self.memory.get(&job.id).await.unwrap().unwrap()
    }

    async fn ingest(&self, job: &Job) -> Settlement {
        let reader = extract::ReaderProgram::at(READER.into());
        let scratch = self.scratch.path().to_owned();
        let step = Ingest::new(self.memory.stack(), Config { scratch, reader, made_by: "test".into() });
        let handler = StageHandler::new(self.memory.stack(), step, worker::Config::default());
        let nudge = Nudge::new(job.id.clone(), self.read(job).await.run, Stage::Ingest, None);
        handler.handle(Message::Nudge(nudge), &Context::detached()).await
    }

    /// Whether the job is worked on and goes on to be summarized.
    async fn works(&self, job: &Job) -> bool {
        let settled = self.ingest(job).await;
        settled == Settlement::Done && self.read(job).await.state == State::At(Stage::Summarize)
    }

    /// Whether the job waits, and nothing of the visit is left on it.
    async fn waits(&self, job: &Job) -> bool {
        let settled = self.ingest(job).await;
        let now = self.read(job).await;
        matches!(settled, Settlement::Defer { why: Why::NotReady, .. })
            && (now.state, now.claim, now.attempts) == (State::At(Stage::Ingest), None, 0)
    }

    /// Whether the job takes over the result of that run.
    async fn takes(&self, job: &Job, from: &JobId, run: u32) -> bool {
        let settled = self.ingest(job).await;
        let now = self.read(job).await;
        let copied = self.memory.read(&Artifact::Result.key(&now.id, now.run), 100).await;
        settled == Settlement::Done
            && now.outcome == Some(Outcome::summarized())
            && now.reused_from == Some((from.clone(), run))
            && copied.unwrap() == b"a summary"
    }

    /// Decides a job, with a result if it is summarized; `ended` goes on past notify.
    async fn decide(&self, job: &Job, outcome: Outcome, ended: bool) -> Job {
        if outcome == Outcome::summarized() {
            let key = |artifact: Artifact| artifact.key(&job.id, job.run);
            self.memory.write_once(&key(Artifact::Pages), b"pages".to_vec()).await.unwrap();
            self.memory.write_once(&key(Artifact::Result), b"a summary".to_vec()).await.unwrap();
        }
        let now = self.memory.now();
        let mut job = self.read(job).await.decide(None, outcome, now, Duration::ZERO).unwrap();
        self.memory.replace(&job).await.unwrap();
        if ended {
            job = job.give_up_notifying(now, "nobody is told here").unwrap();
            self.memory.replace(&job).await.unwrap();
        }
        job
    }

    async fn restart(&self, job: &Job, fresh: bool) -> Job {
        let job = self.read(job).await.restart(Layer::default(), fresh, self.memory.now()).unwrap();
        self.memory.replace(&job).await.unwrap();
        job
    }

    async fn holder(&self) -> Option<(JobId, u32)> {
        let [name] = self.memory.contents().try_into().unwrap();
        self.memory.content(&name).await.unwrap()
    }
}

#[tokio::test]
async fn a_job_that_goes_on_has_claimed_its_content_and_says_so() {
    let world = World::new();
    let (first, _) = world.twins().await;
    assert_eq!(first.reuse, world.memory.contents().pop());
    assert_eq!(world.holder().await, Some((first.id, 1)));
}

#[tokio::test]
async fn a_job_waits_for_the_one_at_the_same_content_as_long_as_that_is_at_work() {
    let world = World::new();
    let (_, second) = world.twins().await;
    assert!(world.waits(&second).await);
    let stranger = world.job("offers/a.txt").await;
    assert!(world.works(&stranger).await, "another tenant shares nothing");
    assert!(world.waits(&second).await);
}

#[tokio::test]
async fn a_result_is_taken_over_as_soon_as_it_is_decided_and_for_good() {
    for ended in [false, true] {
        let world = World::new();
        let (first, second) = world.twins().await;
        world.decide(&first, Outcome::summarized(), ended).await;
        assert!(world.takes(&second, &first.id, 1).await);
        assert_eq!(world.holder().await, Some((first.id, 1)), "it is there for the next");
    }
}

#[tokio::test]
async fn who_comes_late_takes_the_result_of_a_run_that_others_came_after() {
    let world = World::new();
    let (first, second) = world.twins().await;
    world.decide(&first, Outcome::summarized(), true).await;
    world.restart(&first, true).await;
    assert!(world.takes(&second, &first.id, 1).await);
}

#[tokio::test]
async fn who_waits_goes_to_work_as_soon_as_the_other_ended_without_a_result() {
    for outcome in [
        Outcome::superseded(Reason::NewerVersion),
        Outcome::failed(Reason::Internal, "no luck"),
        Outcome::rejected(Reason::TooLittleText, ""),
    ] {
        let world = World::new();
        let (first, second) = world.twins().await;
        flow::end(&world.memory.stack(), &first.id, None, &outcome).await.unwrap();
        assert!(world.works(&second).await, "it waits for {outcome:?}");
        assert_eq!(world.holder().await, Some((second.id, 1)));
    }
}

#[tokio::test]
async fn a_claim_of_a_former_run_that_failed_or_of_a_job_that_is_gone_stops_nobody() {
    let world = World::new();
    let (first, second) = world.twins().await;
    world.decide(&first, Outcome::failed(Reason::Internal, "no luck"), true).await;
    let again = world.restart(&first, false).await;
    assert!(world.works(&second).await);
    assert!(world.waits(&again).await, "the former holder waits like anybody");

    let world = World::new();
    let (first, second) = world.twins().await;
    let name = first.reuse.unwrap();
    world.memory.release_content(&name, &first.id, 1).await.unwrap();
    world.memory.claim_content(&name, &JobId::of("b", "gone", "1"), 1, HOURS).await.unwrap();
    assert!(world.works(&second).await);
}

#[tokio::test]
async fn a_job_that_holds_the_name_of_another_content_now_stops_nobody() {
    let world = World::new();
    let (first, second) = world.twins().await;
    let mut other = world.read(&first).await;
    other.revision += 1;
    other.reuse = Some("another".into());
    world.memory.replace(&other).await.unwrap();
    assert!(world.works(&second).await);
}

#[tokio::test]
async fn of_two_that_read_the_same_at_the_same_time_one_goes_on_and_the_other_waits_for_it() {
    let world = World::new();
    let (first, second) = (world.job("letters/a.txt").await, world.job("letters/b.txt").await);
    let (one, two) = tokio::join!(world.ingest(&first), world.ingest(&second));
    let waiting = |settled: &Settlement| matches!(settled, Settlement::Defer { why: Why::NotReady, .. });
    assert!(waiting(&one) != waiting(&two), "{one:?} {two:?}");
    let (ahead, behind) = if waiting(&two) { (first, second) } else { (second, first) };
    assert_eq!(world.read(&ahead).await.state, State::At(Stage::Summarize));
    assert!(world.waits(&behind).await);
    world.decide(&ahead, Outcome::summarized(), false).await;
    assert!(world.takes(&behind, &ahead.id, 1).await);
}

#[tokio::test]
async fn a_result_that_is_gone_is_made_again_and_claimed_again() {
    let world = World::new();
    let (first, second) = world.twins().await;
    world.decide(&first, Outcome::summarized(), true).await;
    world.memory.delete(&Artifact::Result.key(&first.id, 1)).await.unwrap();
    assert!(world.works(&second).await);
    assert_eq!(world.holder().await, Some((second.id, 1)));
}

#[tokio::test]
async fn a_second_run_takes_its_own_older_result_works_after_a_failure_and_looks_at_nothing_if_fresh() {
    let world = World::new();
    let (first, _) = world.twins().await;
    world.decide(&first, Outcome::summarized(), true).await;
    let again = world.restart(&first, false).await;
    assert!(world.takes(&again, &first.id, 1).await);

    let world = World::new();
    let (first, _) = world.twins().await;
    world.decide(&first, Outcome::failed(Reason::Internal, "no luck"), true).await;
    let again = world.restart(&first, false).await;
    assert!(world.works(&again).await);
    assert_eq!(world.holder().await, Some((first.id, 2)));

    let world = World::new();
    let (first, _) = world.twins().await;
    world.decide(&first, Outcome::summarized(), true).await;
    let fresh = world.restart(&first, true).await;
    assert!(world.works(&fresh).await);
    assert_eq!(world.read(&fresh).await.reuse, None, "it claims nothing");
    assert_eq!(world.holder().await, Some((first.id, 1)));
}

#[tokio::test]
async fn what_an_earlier_release_finished_or_claimed_at_ingest_is_understood() {
    let world = World::new();
    let (first, second) = world.twins().await;
    let name = first.reuse.clone().unwrap();
    world.decide(&first, Outcome::summarized(), true).await;
    world.memory.finish_content(&name, &first.id, 1).await.unwrap();
    assert!(world.takes(&second, &first.id, 1).await);
    // Nobody can claim it, so its work is done without a claim once its result is gone.
    world.memory.delete(&Artifact::Result.key(&first.id, 1)).await.unwrap();
    let third = world.job("letters/c.txt").await;
    assert!(world.works(&third).await);
    assert_eq!(world.read(&third).await.reuse, None);

    let world = World::new();
    let (first, second) = (world.job("letters/a.txt").await, world.job("letters/b.txt").await);
    let claim = world.memory.claim_content(&name, &first.id, 1, HOURS).await.unwrap();
    assert_eq!(claim, ContentClaim::Won);
    assert!(world.waits(&second).await, "its holder is still at ingest");
    assert!(world.works(&first).await, "and is not stopped by its own claim");
    assert!(world.waits(&second).await);
}
