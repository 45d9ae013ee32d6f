//! No order, repetition or loss of messages, claims and expiries reaches an illegal state.
//!
//! A small world: one stored job, three workers that each remember the job as they last read it (perhaps long
//! ago), a clock. Operations come in any order; each is what a handler, a reconciler or an operator may try.
//! The store takes a write only on the revision that was read. After every accepted write the rules hold.
#![expect(clippy::unwrap_used, reason = "a test that fails here has failed")]

use jiff::Timestamp;
use precis_domain::job::{ClaimRefused, Illegal};
use precis_domain::settings::Layer;
use precis_domain::{Document, Job, JobId, Outcome, Reason, Stage, State};
use proptest::prelude::*;
use std::time::Duration;

const LEASE: Duration = Duration::from_secs(30);
const MAX_ATTEMPTS: u32 = 5;
const WORKERS: usize = 3;

#[derive(Debug, Clone)]
enum Op {
    /// A worker reads the job.
    Read(usize),
    /// A message says "this stage of this run"; the worker tries to claim what it last read.
    Claim(usize, Stage, u32),
    /// A worker reads the job and takes the claim that it owes.
    TakeUp(usize),
    /// A worker ends its stage as stages do.
    GoOn(usize),
    Renew(usize),
    Release(usize),
    Fail(usize),
    Advance(usize, State),
    Decide(usize),
    /// Somebody without a claim ends the job: dead letters, reconciler, a newer version.
    DecideFree(usize),
    GiveUp(usize),
    Restart(usize),
    /// Its version is uploaded once more.
    ComeBack(usize),
    /// Time passes.
    Tick(u64),
}

fn stage() -> impl Strategy<Value = Stage> {
    proptest::sample::select(Stage::ALL.to_vec())
}

fn op() -> impl Strategy<Value = Op> {
    let worker = 0..WORKERS;
    let state = prop_oneof![4 => stage().prop_map(State::At), 1 => Just(State::Ended)];
    prop_oneof![
        8 => worker.clone().prop_map(Op::Read),
        8 => (worker.clone(), stage(), 1..4_u32).prop_map(|(w, stage, run)| Op::Claim(w, stage, run)),
        4 => worker.clone().prop_map(Op::TakeUp),
        4 => worker.clone().prop_map(Op::GoOn),
        2 => worker.clone().prop_map(Op::Renew),
        1 => worker.clone().prop_map(Op::Release),
        1 => worker.clone().prop_map(Op::Fail),
        6 => (worker.clone(), state).prop_map(|(w, state)| Op::Advance(w, state)),
        2 => worker.clone().prop_map(Op::Decide),
        1 => worker.clone().prop_map(Op::DecideFree),
        1 => worker.clone().prop_map(Op::GiveUp),
        1 => worker.clone().prop_map(Op::Restart),
        1 => worker.prop_map(Op::ComeBack),
        2 => (1..90_u64).prop_map(Op::Tick),
    ]
}

struct World {
    now: Timestamp,
    stored: Job,
    seen: Vec<Job>,
}

fn document() -> Document {
    Document {
        bucket: "uploads".into(),
        key: "a.pdf".into(),
        version: "1".into(),
        size: 1,
        sequencer: None,
        uploaded_at: Timestamp::UNIX_EPOCH,
    }
}

impl World {
    fn new() -> Self {
        let now = Timestamp::UNIX_EPOCH;
        let stored = Job::new(document(), now);
        Self { now, seen: vec![stored.clone(); WORKERS], stored }
    }

    /// Compare and set. Gives what stood before if the write was accepted.
    fn write(&mut self, worker: usize, job: Job) -> Option<Job> {
        if self.stored.revision + 1 != job.revision {
            return None;
        }
        // What is stored is read back, so a field that does not survive is found here.
        let stored: Job = serde_json::from_str(&serde_json::to_string(&job).unwrap()).unwrap();
        assert_eq!(stored, job);
        self.seen[worker] = job.clone();
        Some(std::mem::replace(&mut self.stored, job))
    }

    fn apply(&mut self, op: &Op) {
        let now = self.now;
        let took = Duration::from_millis(5);
        let holder = |worker: &usize| format!("worker-{worker}");
        let (worker, next) = match op {
            Op::Tick(seconds) => return self.now += Duration::from_secs(*seconds),
            Op::Read(worker) => return self.seen[*worker] = self.stored.clone(),
            Op::Claim(w, stage, run) => {
                (w, self.seen[*w].claim(*stage, *run, &holder(w), now, LEASE, MAX_ATTEMPTS).ok())
            }
            Op::TakeUp(w) => {
                self.seen[*w] = self.stored.clone();
                let job = &self.seen[*w];
                let claimed = |stage| job.claim(stage, job.run, &holder(w), now, LEASE, MAX_ATTEMPTS).ok();
                (w, job.stage().and_then(claimed))
            }
            Op::GoOn(w) => (w, end_of_stage(&self.seen[*w], &holder(w), now)),
            Op::Renew(w) => (w, self.seen[*w].renew(&holder(w), now, LEASE).ok()),
            Op::Release(w) => (w, self.seen[*w].release(&holder(w), now, "not yet").ok()),
            Op::Fail(w) => (w, self.seen[*w].fail(&holder(w), now, "no").ok()),
            Op::Advance(w, to) => (w, self.seen[*w].advance(&holder(w), *to, now, took).ok()),
            Op::Decide(w) => {
                (w, self.seen[*w].decide(Some(&holder(w)), Outcome::summarized(), now, took).ok())
            }
            Op::DecideFree(w) => {
                let outcome = Outcome::failed(Reason::WorkerDied, "");
                (w, self.seen[*w].decide(None, outcome, now, took).ok())
            }
            Op::GiveUp(w) => (w, self.seen[*w].give_up_notifying(now, "nobody hears").ok()),
            Op::Restart(w) => (w, self.seen[*w].restart(Layer::default(), false, now).ok()),
            Op::ComeBack(w) => {
                let document = Document { uploaded_at: now, ..document() };
                (w, self.seen[*w].come_back(document, now).ok())
            }
        };
        let Some(next) = next else { return };
        if let Some(before) = self.write(*worker, next) {
            lawful_step(&before, &self.stored, op, now);
            lawful(&self.stored);
        }
    }
}

/// The usual end of the stage that the job stands at.
fn end_of_stage(job: &Job, holder: &str, now: Timestamp) -> Option<Job> {
    let took = Duration::from_millis(5);
    match job.stage()? {
        Stage::Ingest => job.advance(holder, State::At(Stage::Ocr), now, took).ok(),
        Stage::Ocr => job.advance(holder, State::At(Stage::Summarize), now, took).ok(),
        Stage::Summarize => job.decide(Some(holder), Outcome::summarized(), now, took).ok(),
        Stage::Notify => job.advance(holder, State::Ended, now, took).ok(),
    }
}

/// What holds for every job that is stored.
fn lawful(job: &Job) {
    match job.state {
        State::Ended => assert!(job.outcome.is_some() && job.claim.is_none()),
        State::At(Stage::Notify) => assert!(job.outcome.is_some()),
        State::At(_) => assert!(job.outcome.is_none()),
    }
    assert!(job.attempts <= MAX_ATTEMPTS);
    assert_eq!(job.past.len(), job.run as usize - 1, "each former run is kept");
    assert!(job.history.len() <= 200);
    assert!(job.claim.is_none() || job.attempts > 0, "who holds a claim has used an attempt");
}

/// What holds from one stored job to the next.
fn lawful_step(before: &Job, after: &Job, op: &Op, now: Timestamp) {
    assert_eq!(after.revision, before.revision + 1);
    assert_eq!(after.id, before.id);
    assert_eq!(JobId::of(&after.document.bucket, &after.document.key, &after.document.version), after.id);
    assert!(after.document == before.document || matches!(op, Op::ComeBack(_)));
    let holder = |job: &Job| job.claim.as_ref().map(|claim| claim.holder.clone());
    match op {
        Op::Claim(worker, ..) | Op::TakeUp(worker) => {
            let free = before.claim.as_ref().is_none_or(|claim| claim.until <= now);
            let me = Some(format!("worker-{worker}"));
            assert!(free || holder(before) == me, "a live claim is nobody else's to take");
            assert_eq!((holder(after), after.attempts), (me, before.attempts + 1));
        }
        Op::Renew(worker)
        | Op::Release(worker)
        | Op::Fail(worker)
        | Op::Advance(worker, _)
        | Op::GoOn(worker)
        | Op::Decide(worker) => {
            assert_eq!(holder(before), Some(format!("worker-{worker}")), "only the holder writes");
        }
        _ => {}
    }
    if after.run == before.run {
        assert!(before.outcome.is_none() || after.outcome == before.outcome, "an outcome stands");
        let order = |state: State| match state {
            State::At(stage) => stage as u8,
            State::Ended => 9,
        };
        assert!(order(after.state) >= order(before.state), "a run never goes back");
        assert!(
            !(before.state == State::Ended && after.revision > before.revision),
            "an ended run is written no more"
        );
    } else {
        assert_eq!((before.state, after.state), (State::Ended, State::At(Stage::Ingest)));
        assert_eq!((after.run, after.attempts), (before.run + 1, 0));
        assert_eq!(after.past.last().map(|past| Some(&past.outcome)), Some(before.outcome.as_ref()));
    }
    if after.state != before.state {
        assert_eq!((holder(after), after.attempts, &after.last_failure), (None, 0, &expected_failure(op)));
    }
}

/// A new stage knows nothing of the failures of the one before.
fn expected_failure(op: &Op) -> Option<String> {
    matches!(op, Op::GiveUp(_)).then(|| "nobody hears".to_owned())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_order_repetition_or_loss_reaches_an_illegal_state(ops in prop::collection::vec(op(), 0..120)) {
        let mut world = World::new();
        for op in &ops {
            world.apply(op);
        }
    }

    #[test]
    fn from_wherever_chance_has_left_it_a_job_can_be_brought_to_its_end(
        ops in prop::collection::vec(op(), 0..120)
    ) {
        let mut world = World::new();
        for op in &ops {
            world.apply(op);
        }
        // Whoever held it is dead; one worker takes what is owed, and who finds no attempts left ends it.
        world.now += LEASE;
        for _ in 0..8 {
            let Some(stage) = world.stored.stage() else { break };
            let job = world.stored.clone();
            let next = match job.claim(stage, job.run, "last", world.now, LEASE, MAX_ATTEMPTS) {
                Ok(claimed) => {
                    prop_assert!(world.write(0, claimed.clone()).is_some());
                    Ok(end_of_stage(&claimed, "last", world.now).unwrap())
                }
                Err(ClaimRefused::Exhausted) if stage == Stage::Notify => {
                    job.give_up_notifying(world.now, "no attempts left")
                }
                Err(ClaimRefused::Exhausted) => {
                    job.decide(None, Outcome::failed(Reason::WorkerDied, ""), world.now, LEASE)
                }
                Err(refused) => return Err(TestCaseError::fail(format!("{refused} at {stage}"))),
            };
            prop_assert!(world.write(0, next.unwrap()).is_some());
            lawful(&world.stored);
        }
        prop_assert_eq!(world.stored.state, State::Ended);
    }
}

#[test]
fn the_operations_reach_every_state_so_that_the_properties_say_something() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut reached = std::collections::BTreeSet::new();
    let (mut runs, mut exhausted) = (0, false);
    for _ in 0..2000 {
        let ops = prop::collection::vec(op(), 120).new_tree(&mut runner).unwrap().current();
        let mut world = World::new();
        for op in &ops {
            world.apply(op);
            reached.insert(format!("{:?}", world.stored.state));
            exhausted |= world.stored.attempts == MAX_ATTEMPTS;
        }
        runs = runs.max(world.stored.run);
    }
    assert_eq!(reached.len(), 5, "{reached:?}");
    assert!(runs >= 2 && exhausted, "{runs} runs, exhausted: {exhausted}");
}

#[test]
fn what_is_not_allowed_says_why() {
    let job = Job::new(document(), Timestamp::UNIX_EPOCH);
    let now = Timestamp::UNIX_EPOCH;
    assert_eq!(job.restart(Layer::default(), false, now), Err(Illegal::StillRunning));
    assert_eq!(job.renew("nobody", now, LEASE), Err(Illegal::NotHolder));
    let claimed = job.claim(Stage::Ingest, 1, "a", now, LEASE, 5).unwrap();
    assert_eq!(claimed.claim(Stage::Ingest, 1, "b", now, LEASE, 5), Err(ClaimRefused::Held(now + LEASE)));
    assert_eq!(claimed.claim(Stage::Ingest, 2, "b", now, LEASE, 5), Err(ClaimRefused::NotOwed));
    let (from, to) = (State::At(Stage::Ingest), State::Ended);
    assert_eq!(claimed.advance("a", to, now, LEASE), Err(Illegal::Step { from, to }));
    assert!(Illegal::Step { from, to }.to_string().contains("Ingest"));
}
