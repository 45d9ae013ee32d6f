//! Promises of the store of jobs.

use super::{FAR, Fresh};
use crate::{Fault, Filter};
use domain::{Document, Job, JobId, Outcome, Reason, Stage, State};
use jiff::Timestamp;

/// A job of a document that nothing else is known of; times count seconds from a fixed moment.
pub(super) fn job(key: &str, second: i64) -> Job {
    let at = Timestamp::new(1_800_000_000 + second, 0).expect("a time");
    let document = Document {
        bucket: "b".into(),
        key: key.into(),
        version: format!("v{second}"),
        size: 3,
        sequencer: None,
        uploaded_at: at,
    };
    Job::new(document, at)
}

/// The next revision of a job.
pub(super) fn changed(job: &Job, note: &str) -> Job {
    let mut job = job.clone();
    job.revision += 1;
    job.last_failure = Some(note.to_owned());
    job
}

fn ended(job: &Job, outcome: Outcome) -> Job {
    let mut job = changed(job, "");
    job.state = State::Ended;
    job.outcome = Some(outcome);
    job
}

pub(super) async fn a_job_is_made_once(fresh: Fresh) {
    let jobs = &fresh.stack.jobs;
    let first = job("a", 1);
    assert_eq!(jobs.get(&first.id).await.expect("get works"), None);
    assert_eq!(jobs.create(&first).await.expect("create works"), None);
    let mut again = first.clone();
    again.last_failure = Some("another".into());
    assert_eq!(jobs.create(&again).await.expect("create works"), Some(first.clone()), "the first stays");
    assert_eq!(jobs.get(&first.id).await.expect("get works"), Some(first.clone()));
    let missing = jobs.replace(&changed(&job("b", 2), "")).await.expect_err("it is not there");
    assert_eq!(missing.fault, Fault::NotFound);
}

pub(super) async fn of_many_who_make_the_same_job_one_does(fresh: Fresh) {
    let makers: Vec<_> = (0..8)
        .map(|number| {
            let jobs = fresh.stack.jobs.clone();
            let mine = Job { last_failure: Some(format!("maker {number}")), ..job("a", 1) };
            tokio::spawn(async move { (jobs.create(&mine).await, mine) })
        })
        .collect();
    let (mut made, mut found) = (Vec::new(), Vec::new());
    for maker in makers {
        match maker.await.expect("a maker does not panic") {
            (Ok(None), mine) => made.push(mine),
            (Ok(Some(there)), _) => found.push(there),
            (Err(error), _) => panic!("create works: {error}"),
        }
    }
    assert_eq!(made.len(), 1, "one makes it");
    assert!(found.iter().all(|there| *there == made[0]), "and the others are given what he made");
}

pub(super) async fn of_many_writers_of_one_revision_one_wins(fresh: Fresh) {
    let jobs = fresh.stack.jobs.clone();
    let mut current = job("a", 1);
    jobs.create(&current).await.expect("create works");
    for _ in 0..5 {
        let writers: Vec<_> = (0..8)
            .map(|number| {
                let (jobs, mine) = (jobs.clone(), changed(&current, &format!("writer {number}")));
                tokio::spawn(async move { jobs.replace(&mine).await.map(|()| mine) })
            })
            .collect();
        let mut winner = None;
        for writer in writers {
            match writer.await.expect("a writer does not panic") {
                Ok(written) => assert!(winner.replace(written).is_none(), "two writers won"),
                Err(error) => assert_eq!(error.fault, Fault::Conflict, "{error}"),
            }
        }
        current = winner.expect("one of them wins");
        assert_eq!(jobs.get(&current.id).await.expect("get works"), Some(current.clone()));
    }
    let skipping = Job { revision: current.revision + 2, ..current.clone() };
    assert_eq!(jobs.replace(&skipping).await.expect_err("a revision is missing").fault, Fault::Conflict);
}

pub(super) async fn a_job_of_a_newer_shape_is_never_overwritten(fresh: Fresh) {
    let jobs = &fresh.stack.jobs;
    let newer = Job { schema: domain::job::JOB_SCHEMA + 1, ..job("a", 1) };
    jobs.create(&newer).await.expect("create works");
    let older = Job { schema: domain::job::JOB_SCHEMA, ..changed(&newer, "older") };
    jobs.replace(&older).await.expect_err("an older release must not write over it");
    let kept = jobs.list(&Filter::default()).await.map(|listed| listed.first().map(|job| job.revision));
    // Whether an older release can read it is another matter.
    assert!(!matches!(kept, Ok(Some(revision)) if revision != newer.revision), "it was overwritten");
}

pub(super) async fn a_job_comes_back_as_it_was_written(fresh: Fresh) {
    let jobs = &fresh.stack.jobs;
    let mut written = job("a/b \u{1F980}\n\u{0}.pdf", 1);
    written.document.sequencer = Some("0A".into());
    written.ocr_pages = vec![2, 9];
    written.trace = Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into());
    written.timings_ms.insert("ingest".into(), 12);
    let claimed =
        written.claim(Stage::Ingest, 1, "me", written.created_at, FAR, 3).expect("it can be claimed");
    jobs.create(&written).await.expect("create works");
    jobs.replace(&claimed).await.expect("replace works");
    assert_eq!(jobs.get(&claimed.id).await.expect("get works"), Some(claimed.clone()));
    assert_eq!(jobs.list(&Filter::default()).await.expect("list works"), [claimed]);
}

pub(super) async fn jobs_are_listed_newest_first_page_by_page(fresh: Fresh) {
    let jobs = &fresh.stack.jobs;
    let mut all: Vec<_> = (0..7).map(|second| job(&format!("k{second}"), second)).collect();
    for job in &all {
        jobs.create(job).await.expect("create works");
    }
    all.reverse();
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = jobs.list(&Filter { limit: 3, after, ..Filter::default() }).await.expect("list works");
        assert!(page.len() <= 3, "a page keeps its bound");
        let Some(last) = page.last() else { break };
        after = Some(last.id.clone());
        listed.extend(page);
    }
    assert_eq!(listed, all);
}

pub(super) async fn filters_let_through_what_they_say(fresh: Fresh) {
    let jobs = &fresh.stack.jobs;
    let (waiting, failed, done) = (job("in/a_b", 1), job("in/a%b", 2), job("out/c", 3));
    for job in [&waiting, &failed, &done] {
        jobs.create(job).await.expect("create works");
    }
    let outcome = Outcome::rejected(Reason::Encrypted, "it asks for a password");
    jobs.replace(&ended(&failed, outcome)).await.expect("replace works");
    jobs.replace(&ended(&done, Outcome::summarized())).await.expect("replace works");
    let keys = async |filter: Filter| {
        let found = jobs.list(&filter).await.expect("list works");
        found.into_iter().map(|job| job.document.key).collect::<Vec<_>>()
    };
    assert_eq!(keys(Filter { state: Some(State::Ended), ..Filter::default() }).await, ["out/c", "in/a%b"]);
    assert_eq!(keys(Filter { unfinished: true, ..Filter::default() }).await, ["in/a_b"]);
    assert_eq!(keys(Filter { reason: Some(Reason::Encrypted), ..Filter::default() }).await, ["in/a%b"]);
    let prefix = |prefix: &str| Filter { key_prefix: Some(prefix.into()), ..Filter::default() };
    assert_eq!(keys(prefix("in/")).await, ["in/a%b", "in/a_b"]);
    assert_eq!(keys(prefix("in/a_")).await, ["in/a_b"], "no character of a prefix stands for another");
    assert_eq!(keys(prefix("in/a%")).await, ["in/a%b"]);
    let id =
        |length: usize| Filter { id_prefix: Some(done.id.as_str()[..length].into()), ..Filter::default() };
    assert_eq!(keys(id(8)).await, ["out/c"]);
    assert_eq!(keys(id(32)).await, ["out/c"]);
    let still = Filter { still_since: Some(waiting.updated_at), ..Filter::default() };
    assert_eq!(keys(still).await, ["in/a_b"]);
    let counts = jobs.counts().await.expect("counts work");
    let count = |state| counts.iter().find(|(at, _)| *at == state).map_or(0, |(_, count)| *count);
    assert_eq!(
        (count(State::Ended), count(State::At(Stage::Ingest)), count(State::At(Stage::Ocr))),
        (2, 1, 0)
    );
}

pub(super) async fn the_newest_job_of_a_key_is_told_by_sequencer(fresh: Fresh) {
    let jobs = &fresh.stack.jobs;
    let with = |key: &str, second, sequencer: &str| {
        let mut job = job(key, second);
        job.document.sequencer = Some(sequencer.into());
        job
    };
    // "9" is later than "88FF": sequencers are compared after padding on the right.
    let (newest, older) = (with("a", 1, "9"), with("a", 2, "88FF"));
    for job in [&newest, &older, &job("other", 9)] {
        jobs.create(job).await.expect("create works");
    }
    let found = jobs.newest_of_key("b", "a").await.expect("newest_of_key works");
    assert_eq!(found.map(|job| job.id), Some(newest.id));
    let mut back = changed(&older, "");
    back.document.sequencer = Some("A".into());
    jobs.replace(&back).await.expect("replace works");
    let found = jobs.newest_of_key("b", "a").await.expect("newest_of_key works");
    assert_eq!(found, Some(back), "a version that was uploaded once more is the newest again");
    assert_eq!(jobs.newest_of_key("b", "missing").await.expect("newest_of_key works"), None);
    assert_eq!(jobs.newest_of_key("another bucket", "a").await.expect("newest_of_key works"), None);
    let (early, late) = (job("t", 5), job("t", 6));
    for job in [&late, &early] {
        jobs.create(job).await.expect("create works");
    }
    let found = jobs.newest_of_key("b", "t").await.expect("newest_of_key works");
    assert_eq!(found.map(|job| job.id), Some(late.id), "without sequencers the time tells");
}

pub(super) async fn a_tally_counts_each_run_once(fresh: Fresh) {
    let jobs = &fresh.stack.jobs;
    for number in 0..5_u64 {
        let job = JobId::of("b", "k", &number.to_string());
        let key = format!("k{number}");
        for _ in 0..2 {
            let tally = jobs.tally("cause", 3600, &job, 1, &key).await.expect("tally works");
            assert_eq!(
                (tally.count, tally.place),
                (number + 1, number + 1),
                "counting again changes nothing"
            );
        }
    }
    let first = JobId::of("b", "k", "0");
    let tally = jobs.tally("cause", 3600, &first, 1, "k0").await.expect("tally works");
    assert_eq!((tally.count, tally.place), (5, 1), "a place is kept");
    assert_eq!(tally.examples.len(), 3);
    let tally = jobs.tally("cause", 3600, &first, 2, "k0").await.expect("tally works");
    assert_eq!(tally.count, 6, "another run counts");
    for (cause, window) in [("cause", 7200), ("another", 3600)] {
        assert_eq!(jobs.tallied(cause, window).await.expect("tallied works").count, 0);
    }
    assert_eq!(jobs.tallied("cause", 3600).await.expect("tallied works").count, 6);
}
