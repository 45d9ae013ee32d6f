//! What is written down stays readable: messages, jobs and S3 events in files that only ever grow in number.
//!
//! A file here is what some release wrote, or what AWS documents. If a test fails because a shape changed, the
//! shape gets a new version and a new file; the old one stays and must still be read. Until the first release
//! the job's files may be written anew, by running these tests with `PRECIS_GOLDEN=1`.
#![expect(clippy::unwrap_used, reason = "a test that fails here has failed")]

use jiff::Timestamp;
use precis_domain::event::{self, ObjectEvent, compare_sequencers, encode_created};
use precis_domain::message::{DecodeError, Digest, Message, Nudge};
use precis_domain::settings::Layer;
use precis_domain::{ContentHash, Document, Job, JobId, Outcome, Reason, Stage, State};
use proptest::prelude::*;
use std::cmp::Ordering;
use std::time::Duration;

macro_rules! golden {
    ($name:literal) => {
        include_str!(concat!("golden/", $name, ".json"))
    };
}

fn id() -> JobId {
    "9f86d081884c7d659a2feaa0c55ad015".parse().unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn one(body: &str) -> ObjectEvent {
    let events = event::decode(body).unwrap();
    assert_eq!(events.len(), 1);
    events.into_iter().next().unwrap()
}

fn document(key: &str, version: &str, size: u64, sequencer: Option<&str>, time: &str) -> Document {
    Document {
        bucket: "uploads".into(),
        key: key.into(),
        version: version.into(),
        size,
        sequencer: sequencer.map(str::to_owned),
        uploaded_at: at(time),
    }
}

fn removed(key: &str, version: Option<&str>, sequencer: &str) -> ObjectEvent {
    ObjectEvent::Removed {
        bucket: "uploads".into(),
        key: key.into(),
        version: version.map(str::to_owned),
        sequencer: Some(sequencer.into()),
    }
}

#[test]
fn a_put_makes_a_document_of_its_version() {
    let put = document(
        "contracts/lease.pdf",
        "096fKKXTRTtl3on89fVO.nfljtsv6qko",
        1024,
        Some("0055AED6DCD90281E5"),
        "2026-03-01T08:15:30.123Z",
    );
    assert_eq!(one(golden!("event-put")), ObjectEvent::Created(put));
}

#[test]
fn a_bucket_without_versions_has_the_bare_etag_for_one() {
    let ObjectEvent::Created(document) = one(golden!("event-unversioned")) else { panic!() };
    assert_eq!(document.version, "9a0364b9e99bb480dd25e1f0284c8555-2");
}

#[test]
fn keys_are_decoded_as_forms_are_and_every_record_counts() {
    let events = event::decode(golden!("event-keys")).unwrap();
    let keys: Vec<_> = events
        .iter()
        .map(|event| match event {
            ObjectEvent::Created(document) => document.key.as_str(),
            ObjectEvent::Other(name) => name,
            other => panic!("{other:?}"),
        })
        .collect();
    let expected =
        ["my letters/a+b & c 100%.pdf", "契約😀\nline2.pdf", "../../etc/passwd", "ObjectRestore:Completed"];
    assert_eq!(keys, expected);
}

#[test]
fn a_deletion_names_the_version_that_went_and_a_delete_marker_names_none() {
    let events = event::decode(golden!("event-deletes")).unwrap();
    let expected = [
        removed("gone for good.pdf", Some("v1"), "0A"),
        removed("marked.pdf", None, "0B"),
        removed("expired.pdf", None, "0C"),
        removed("plain.pdf", None, "0D"),
    ];
    assert_eq!(events, expected);
}

#[test]
fn the_test_event_of_a_new_notification_is_known() {
    assert_eq!(one(golden!("event-test")), ObjectEvent::Test);
}

#[test]
fn eventbridge_says_the_same_with_keys_as_they_are() {
    let created = document(
        "a+b 100%25.pdf",
        "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
        5,
        Some("00617F08299329D189"),
        "2026-03-01T08:15:30Z",
    );
    assert_eq!(one(golden!("event-bridge-created")), ObjectEvent::Created(created));
    assert_eq!(one(golden!("event-bridge-marker")), removed("marked.pdf", None, "00617F0837B476E463"));
    assert_eq!(one(golden!("event-bridge-deleted")), removed("marked.pdf", Some("v1"), "00617F0837B476E463"));
}

#[test]
fn what_is_no_event_is_named_and_never_half_read() {
    for body in [
        "",
        "{}",
        "[]",
        "{\"Records\":3}",
        "{\"Records\":[{\"eventName\":\"ObjectCreated:Put\"}]}",
        &golden!("event-put").replace("lease.pdf", "lease%zz.pdf"),
        &golden!("event-put").replace("lease.pdf", "lease%ff.pdf"),
        &golden!("event-put").replace("lease.pdf", "lease%+1.pdf"),
    ] {
        assert!(matches!(Message::decode(body), Err(DecodeError::Malformed(_))), "{body}");
    }
}

#[test]
fn sequencers_are_compared_as_if_padded_on_the_right() {
    use Ordering::{Equal, Greater, Less};
    for (a, b, order) in [
        ("0055AED6DCD90281E5", "0055AED6DCD90281E5", Equal),
        ("0055AED6DCD90281E5", "0055AED6DCD90281E6", Less),
        ("0A", "0A00", Equal),
        ("0B", "0A99999999", Greater),
        ("0a", "0A", Equal),
        ("", "01", Less),
    ] {
        assert_eq!(compare_sequencers(a, b), order, "{a} {b}");
    }
}

#[test]
fn messages_are_written_and_read_as_they_always_were() {
    let nudge = Nudge::new(id(), 2, Stage::Summarize, None);
    assert_eq!(nudge.encode(), golden!("nudge").trim());
    assert_eq!(Message::decode(golden!("nudge")), Ok(Message::Nudge(nudge)));
    let trace = "00-9f86d081884c7d659a2feaa0c55ad015-9f86d081884c7d65-01".to_owned();
    let traced = Nudge::new(id(), 1, Stage::Ocr, Some(trace));
    assert_eq!(traced.encode(), golden!("nudge-traced").trim());
    assert_eq!(Message::decode(golden!("nudge-traced")), Ok(Message::Nudge(traced)));
    let (tenant, window) = ("uploads/contracts".to_owned(), 1_772_352_000);
    let digest = Digest::new(Some(Reason::OcrUnavailable), tenant.clone(), None, window);
    assert_eq!(digest.encode(), golden!("digest").trim());
    assert_eq!(Message::decode(golden!("digest")), Ok(Message::Digest(digest)));
    let burst = Digest::new(None, tenant, Some("contracts/2026-".into()), window);
    assert_eq!(burst.encode(), golden!("digest-burst").trim());
    assert_eq!(Message::decode(golden!("digest-burst")), Ok(Message::Digest(burst)));
}

#[test]
fn a_newer_message_is_known_as_newer_whatever_else_it_says() {
    for body in ["{\"v\":2}", "{\"v\":99,\"job\":7}", "{\"v\":3,\"digest\":[]}"] {
        assert!(matches!(Message::decode(body), Err(DecodeError::Newer(_))), "{body}");
    }
}

#[test]
fn fields_that_a_later_release_adds_within_a_version_are_no_hindrance() {
    let body = golden!("nudge").replace("\"run\"", "\"priority\":3,\"run\"");
    assert_eq!(Message::decode(&body), Message::decode(golden!("nudge")));
}

/// A job that has been through everything that leaves a trace on it.
fn eventful_job() -> Job {
    let time = "2026-03-01T08:15:30Z";
    let mut job = Job::new(document("contracts/lease.pdf", "v1", 1024, Some("0055"), time), at(time));
    job.trace = Some("00-9f86d081884c7d659a2feaa0c55ad015-9f86d081884c7d65-01".into());
    let (lease, took) = (Duration::from_secs(30), Duration::from_millis(1500));
    let claim = |job: &Job, stage, holder: &str| {
        job.claim(stage, job.run, holder, at(time) + took, lease, 5).unwrap()
    };
    job = claim(&job, Stage::Ingest, "one").fail("one", at(time) + took, "the disk was busy").unwrap();
    job = claim(&job, Stage::Ingest, "two");
    job.kind = Some("pdf".into());
    job.content = Some(ContentHash("9f86d081".into()));
    job.pages = Some(3);
    job.ocr_pages = vec![2];
    job.reuse = Some("uploads/contracts 9f86d081 words=120".into());
    job = job.advance("two", State::At(Stage::Ocr), at(time) + took, took).unwrap();
    job = claim(&job, Stage::Ocr, "three").release("three", at(time) + took, "the gate is closed").unwrap();
    let failed = Outcome::failed(Reason::OcrUnavailable, "no engine");
    job = claim(&job, Stage::Ocr, "four").decide(Some("four"), failed, at(time) + took, took).unwrap();
    job = claim(&job, Stage::Notify, "five").advance("five", State::Ended, at(time) + took, took).unwrap();
    let asked = Layer { words: Some(60), ..Layer::default() };
    job = job.restart(asked, true, at("2026-03-02T09:00:00Z")).unwrap();
    job.reused_from = Some((id(), 1));
    job.cost.usd = 0.0015;
    job.claim(Stage::Ingest, 2, "six", at("2026-03-02T09:00:01.5Z"), lease, 5).unwrap()
}

#[test]
fn a_job_is_stored_and_read_as_it_always_was() {
    let new = Job::new(
        document("contracts/lease.pdf", "v1", 1024, None, "2026-03-01T08:15:30Z"),
        at("2026-03-01T08:15:31Z"),
    );
    for (job, file, name) in
        [(new, golden!("job-new"), "job-new"), (eventful_job(), golden!("job-eventful"), "job-eventful")]
    {
        let written = serde_json::to_string_pretty(&job).unwrap() + "\n";
        if std::env::var_os("PRECIS_GOLDEN").is_some() {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
            std::fs::write(format!("{folder}/{name}.json"), &written).unwrap();
            continue;
        }
        assert_eq!(serde_json::from_str::<Job>(file).unwrap(), job, "{name} is read");
        assert_eq!(written, file, "{name} is written");
    }
}

proptest! {
    #[test]
    fn any_key_survives_the_way_through_an_event(key in ".{1,80}", version in "[a-f0-9]{1,64}", size: u64) {
        let document = document(&key, &version, size, Some("01"), "2026-03-01T08:15:30Z");
        prop_assert_eq!(one(&encode_created(&document)), ObjectEvent::Created(document));
    }

    #[test]
    fn no_body_makes_decoding_panic(body in ".{0,200}") {
        let _ = Message::decode(&body);
    }

    #[test]
    fn comparing_sequencers_is_an_order(a in "[0-9A-Fa-f]{0,20}", b in "[0-9A-Fa-f]{0,20}", c in "[0-9A-Fa-f]{0,20}") {
        prop_assert_eq!(compare_sequencers(&a, &b), compare_sequencers(&b, &a).reverse());
        if compare_sequencers(&a, &b).is_le() && compare_sequencers(&b, &c).is_le() {
            prop_assert!(compare_sequencers(&a, &c).is_le());
        }
    }
}
