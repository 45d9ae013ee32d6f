//! What becomes of jobs when documents are uploaded, replaced, deleted and brought back, in whatever order it is told.
#![expect(clippy::unwrap_used, reason = "a test that fails here has failed")]

use domain::event::ObjectEvent;
use domain::message::{Message, Nudge};
use domain::{Document, Job, Outcome, OutcomeKind, Reason, Stage, State};
use ports::memory::{BUCKET, Memory};
use ports::{Address, Fault, Jobs};
use precis_ingest::events::take;
use std::time::Duration;

/// An upload of a key: its version, and its place in S3's order.
fn upload(key: &str, version: &str, sequencer: &str) -> Document {
    Document {
        bucket: BUCKET.into(),
        key: key.into(),
        version: version.into(),
        size: 9,
        sequencer: Some(sequencer.into()),
        uploaded_at: "2027-03-01T08:00:00Z".parse().unwrap(),
    }
}

/// A deletion of a key, or of one version of it.
fn removed(key: &str, version: Option<&str>, sequencer: &str) -> ObjectEvent {
    ObjectEvent::Removed {
        bucket: BUCKET.into(),
        key: key.into(),
        version: version.map(str::to_owned),
        sequencer: Some(sequencer.into()),
    }
}

async fn tell(memory: &Memory, document: &Document) {
    take(&memory.stack(), vec![ObjectEvent::Created(document.clone())]).await.unwrap();
}

async fn job_of(memory: &Memory, document: &Document) -> Job {
    memory.get(&ObjectEvent::job_id(document)).await.unwrap().unwrap()
}

/// Ends the job as the steps and notify do.
async fn finish(memory: &Memory, document: &Document) {
    let mut job = job_of(memory, document).await;
    if job.outcome.is_none() {
        job = job.decide(None, Outcome::summarized(), memory.now(), Duration::ZERO).unwrap();
        memory.replace(&job).await.unwrap();
    }
    let claimed = job.claim(Stage::Notify, job.run, "me", memory.now(), Duration::from_secs(30), 5).unwrap();
    memory.replace(&claimed).await.unwrap();
    let ended = claimed.advance("me", State::Ended, memory.now(), Duration::ZERO).unwrap();
    memory.replace(&ended).await.unwrap();
}

fn outcome(job: &Job) -> Option<(OutcomeKind, Option<Reason>)> {
    job.outcome.as_ref().map(|outcome| (outcome.kind, outcome.reason))
}

const REPLACED: Option<(OutcomeKind, Option<Reason>)> =
    Some((OutcomeKind::Superseded, Some(Reason::NewerVersion)));

fn nudges(memory: &Memory, stage: Stage) -> Vec<Nudge> {
    let nudge = |body: String| match Message::decode(&body) {
        Ok(Message::Nudge(nudge)) => nudge,
        other => panic!("{other:?}"),
    };
    memory.bodies(Address::live(stage)).into_iter().map(nudge).collect()
}

#[tokio::test(start_paused = true)]
async fn an_event_that_comes_twice_makes_one_job_with_a_trace_of_its_own() {
    let memory = Memory::new();
    let (a, b) = (upload("a.pdf", "1", "01"), upload("b.pdf", "1", "02"));
    for document in [&a, &a, &b] {
        tell(&memory, document).await;
    }
    assert_eq!(Jobs::list(&memory, &ports::Filter::default()).await.unwrap().len(), 2);
    let (a, b) = (job_of(&memory, &a).await, job_of(&memory, &b).await);
    assert!(a.trace.is_some() && a.trace != b.trace, "{:?} {:?}", a.trace, b.trace);
    assert!(nudges(&memory, Stage::Ingest).iter().all(|nudge| [&a.trace, &b.trace].contains(&&nudge.trace)));
}

#[tokio::test(start_paused = true)]
async fn a_newer_version_ends_the_one_before_in_whatever_order_they_are_told() {
    let (old, new) = (upload("a.pdf", "old", "88FF"), upload("a.pdf", "new", "9"));
    for order in [[&old, &new], [&new, &old]] {
        let memory = Memory::new();
        for document in order {
            tell(&memory, document).await;
        }
        assert_eq!(outcome(&job_of(&memory, &old).await), REPLACED);
        assert_eq!(job_of(&memory, &new).await.state, State::At(Stage::Ingest));
        let told = nudges(&memory, Stage::Notify);
        let is_old = |nudge: &Nudge| nudge.job == ObjectEvent::job_id(&old);
        assert!(!told.is_empty() && told.iter().all(is_old), "programs hear of it: {told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_ended_stays_as_it_ended_when_a_newer_version_comes() {
    let memory = Memory::new();
    let (old, new) = (upload("a.pdf", "old", "01"), upload("a.pdf", "new", "02"));
    tell(&memory, &old).await;
    finish(&memory, &old).await;
    tell(&memory, &new).await;
    assert_eq!(outcome(&job_of(&memory, &old).await), Some((OutcomeKind::Summarized, None)));
}

#[tokio::test(start_paused = true)]
async fn a_version_that_comes_back_has_a_new_run_and_is_the_newest_again() {
    let memory = Memory::new();
    let (first, other, back) =
        (upload("a.pdf", "one", "01"), upload("a.pdf", "two", "02"), upload("a.pdf", "one", "03"));
    tell(&memory, &first).await;
    finish(&memory, &first).await;
    tell(&memory, &other).await;
    for _ in 0..2 {
        tell(&memory, &back).await;
        let job = job_of(&memory, &back).await;
        assert_eq!((job.run, job.state, &job.document), (2, State::At(Stage::Ingest), &back));
        assert_eq!(outcome(&job_of(&memory, &other).await), REPLACED, "it is no longer the newest");
    }
    assert_eq!(memory.newest_of_key(BUCKET, "a.pdf").await.unwrap().unwrap().document, back);
    // A late repetition of its first event brings nothing back.
    finish(&memory, &back).await;
    tell(&memory, &first).await;
    assert_eq!(job_of(&memory, &back).await.run, 2);
}

#[tokio::test(start_paused = true)]
async fn a_version_that_comes_back_while_its_end_is_told_is_taken_up_afterwards() {
    let memory = Memory::new();
    let (first, other, back) =
        (upload("a.pdf", "one", "01"), upload("a.pdf", "two", "02"), upload("a.pdf", "one", "03"));
    tell(&memory, &first).await;
    tell(&memory, &other).await;
    let again = vec![ObjectEvent::Created(back.clone())];
    let error = take(&memory.stack(), again).await.unwrap_err();
    assert_eq!(error.fault, Fault::Transient, "{error}");
    finish(&memory, &first).await;
    tell(&memory, &back).await;
    assert_eq!(job_of(&memory, &back).await.run, 2);
}

#[tokio::test(start_paused = true)]
async fn a_document_that_was_deleted_before_it_was_read_is_read_when_it_comes_again() {
    let memory = Memory::new();
    let (first, again) = (upload("a.pdf", "one", "01"), upload("a.pdf", "one", "03"));
    tell(&memory, &first).await;
    take(&memory.stack(), vec![removed("a.pdf", None, "02")]).await.unwrap();
    finish(&memory, &first).await;
    for _ in 0..2 {
        tell(&memory, &again).await;
        let job = job_of(&memory, &again).await;
        assert_eq!((job.run, job.state), (2, State::At(Stage::Ingest)));
    }
    // One that has its result needs nothing more.
    finish(&memory, &again).await;
    tell(&memory, &upload("a.pdf", "one", "04")).await;
    assert_eq!(job_of(&memory, &again).await.run, 2);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_ends_the_version_it_is_about_and_no_later_upload() {
    let document = upload("a.pdf", "1", "05");
    for (event, ends) in [
        (removed("a.pdf", None, "06"), true),
        (removed("a.pdf", Some("1"), "06"), true),
        (removed("a.pdf", Some("0"), "06"), false),
        (removed("a.pdf", None, "04"), false),
    ] {
        let memory = Memory::new();
        tell(&memory, &document).await;
        take(&memory.stack(), vec![event.clone()]).await.unwrap();
        let expected = ends.then_some((OutcomeKind::Superseded, Some(Reason::Deleted)));
        assert_eq!(outcome(&job_of(&memory, &document).await), expected, "{event:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn folders_as_consoles_draw_them_and_events_of_other_kinds_make_no_job() {
    let memory = Memory::new();
    let folder = Document { size: 0, ..upload("contracts/", "1", "01") };
    let events =
        vec![ObjectEvent::Created(folder), ObjectEvent::Test, ObjectEvent::Other("ObjectTagging:Put".into())];
    take(&memory.stack(), events).await.unwrap();
    assert!(Jobs::list(&memory, &ports::Filter::default()).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_old_event_of_an_erased_document_makes_nothing_and_a_new_upload_is_a_new_run() {
    let memory = Memory::new();
    let document = upload("private/a.pdf", "v1", "01");
    tell(&memory, &document).await;
    finish(&memory, &document).await;
    let erased_at = document.uploaded_at + Duration::from_secs(60);
    let erasing = job_of(&memory, &document).await.erase(erased_at);
    memory.replace(&erasing).await.unwrap();
    memory.replace(&erasing.forget(erased_at)).await.unwrap();
    let waiting = || memory.bodies(Address::live(Stage::Ingest)).len();
    let before = waiting();
    tell(&memory, &document).await;
    take(&memory.stack(), vec![removed("private/a.pdf", Some("v1"), "02")]).await.unwrap();
    let tombstone = job_of(&memory, &document).await;
    assert!(tombstone.is_forgotten());
    assert_eq!(waiting(), before, "nothing is owed");

    let again = Document { uploaded_at: erased_at + Duration::from_secs(1), ..document.clone() };
    tell(&memory, &again).await;
    let job = job_of(&memory, &document).await;
    assert_eq!((job.run, job.stage(), job.is_erased()), (2, Some(Stage::Ingest), false));
    assert_eq!((job.document.key.as_str(), waiting()), ("private/a.pdf", before + 1));
}
