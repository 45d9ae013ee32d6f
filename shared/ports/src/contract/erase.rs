//! Promises that erasing and backfill rest on: everything of a document is found, and goes; nothing else does.

use super::jobs::job;
use super::{FAR, Fresh, objects};
use crate::{ContentClaim, Filter};
use domain::event::ObjectEvent;
use domain::{Document, JobId};
use std::collections::BTreeSet;

pub(super) async fn jobs_of_a_key_are_found_whatever_their_version(fresh: Fresh) {
    let jobs = &fresh.stack.jobs;
    let (one, two, other) = (job("a/b", 1), job("a/b", 2), job("a/b c", 3));
    for job in [&one, &two, &other] {
        jobs.create(job).await.expect("create works");
    }
    let found = async |key: &str| -> BTreeSet<JobId> {
        let found = jobs.of_key("b", key).await.expect("of_key works");
        found.into_iter().map(|job| job.id).collect()
    };
    assert_eq!(found("a/b").await, BTreeSet::from([one.id.clone(), two.id.clone()]));
    assert_eq!(found("a/b c").await, BTreeSet::from([other.id.clone()]));
    assert!(found("a").await.is_empty());
    assert!(jobs.of_key("c", "a/b").await.expect("of_key works").is_empty(), "of another bucket");
}

pub(super) async fn which_jobs_there_are_is_told(fresh: Fresh) {
    let jobs = &fresh.stack.jobs;
    // More than one call of a store takes.
    let made: Vec<_> = (0..130).map(|second| job(&format!("k{second}"), second)).collect();
    for job in made.iter().step_by(2) {
        jobs.create(job).await.expect("create works");
    }
    let ids: Vec<_> = made.iter().map(|job| job.id.clone()).collect();
    let known = jobs.known(&ids).await.expect("known works");
    assert_eq!(known, ids.iter().step_by(2).cloned().collect::<BTreeSet<_>>());
    assert!(jobs.known(&[]).await.expect("known works").is_empty());
}

pub(super) async fn what_hangs_on_a_job_is_forgotten_and_nothing_else(fresh: Fresh) {
    let jobs = &fresh.stack.jobs;
    let (gone, stays) = (job("private/gone", 1), job("private/stays", 2));
    for job in [&gone, &stays] {
        jobs.create(job).await.expect("create works");
        let name = format!("content of {}", job.document.key);
        assert_eq!(jobs.claim_content(&name, &job.id, 1, FAR).await.expect("it works"), ContentClaim::Won);
        jobs.tally("CAUSE", 0, &job.id, 1, &job.document.key).await.expect("tally works");
    }
    assert_eq!(jobs.claim_content("finished", &gone.id, 1, FAR).await.expect("it works"), ContentClaim::Won);
    jobs.finish_content("finished", &gone.id, 1).await.expect("it works");
    for _ in 0..2 {
        jobs.forget(&gone).await.expect("forget works, also again");
    }
    for name in ["content of private/gone", "finished"] {
        assert_eq!(jobs.content(name).await.expect("content works"), None, "{name}");
    }
    let held = jobs.content("content of private/stays").await.expect("content works");
    assert_eq!(held, Some((stays.id.clone(), 1)));
    let tally = jobs.tallied("CAUSE", 0).await.expect("tallied works");
    assert_eq!(
        (tally.count, tally.examples),
        (2, vec!["private/stays".to_owned()]),
        "it was counted all the same"
    );
    let again = jobs.tally("CAUSE", 0, &stays.id, 1, "private/stays").await.expect("tally works");
    assert_eq!((again.count, again.place), (2, 2), "the places of others stay");
    assert_eq!(jobs.get(&gone.id).await.expect("get works"), Some(gone), "the record is another's to change");
}

pub(super) async fn a_tombstone_is_found_by_its_id_alone(fresh: Fresh) {
    let jobs = &fresh.stack.jobs;
    let first = job("private/a", 1);
    jobs.create(&first).await.expect("create works");
    let erasing = first.erase(first.created_at);
    jobs.replace(&erasing).await.expect("replace works");
    let found = jobs.of_key("b", "private/a").await.expect("of_key works");
    assert_eq!(found, std::slice::from_ref(&erasing), "as long as something is left to delete");
    let tombstone = erasing.forget(first.created_at);
    jobs.replace(&tombstone).await.expect("replace works");
    assert_eq!(jobs.get(&first.id).await.expect("get works"), Some(tombstone.clone()));
    assert!(jobs.of_key("b", "private/a").await.expect("of_key works").is_empty());
    assert_eq!(jobs.newest_of_key("b", "private/a").await.expect("it works"), None);
    let by_key = Filter { key_prefix: Some("private/".into()), ..Filter::default() };
    assert!(jobs.list(&by_key).await.expect("list works").is_empty());
    let by_id = Filter { id_prefix: Some(first.id.short().into()), ..Filter::default() };
    assert_eq!(jobs.list(&by_id).await.expect("list works"), std::slice::from_ref(&tombstone));
    // The document came once more.
    let document = Document { uploaded_at: first.created_at + FAR, ..first.document.clone() };
    let revived = tombstone.revive(document, first.created_at + FAR).expect("it came later");
    jobs.replace(&revived).await.expect("replace works");
    assert_eq!(jobs.list(&by_key).await.expect("list works"), std::slice::from_ref(&revived));
    assert_eq!(jobs.newest_of_key("b", "private/a").await.expect("it works"), Some(revived));
}

pub(super) async fn a_bucket_is_listed_page_by_page_as_its_events_named_it(fresh: Fresh) {
    let store = &fresh.stack.objects;
    let folder = objects::folder();
    let mut bucket = String::new();
    let mut wanted = Vec::new();
    for number in 0..23 {
        for body in ["old", "new"] {
            let key = format!("in/{number:02} \u{e4}.txt");
            let file = objects::file(&folder, "upload", format!("{body} {number}").as_bytes());
            let document = store.upload(&key, &file).await.expect("upload works");
            bucket.clone_from(&document.bucket);
            if body == "new" {
                wanted.push(ObjectEvent::job_id(&document));
            }
        }
    }
    let beside = objects::file(&folder, "upload", b"beside");
    store.upload("other/x.txt", &beside).await.expect("upload works");
    let (mut seen, mut after, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let listing = store.listing(&bucket, "in/", &after).await.expect("listing works");
        seen.extend(listing.documents);
        pages += 1;
        assert!(pages < 100, "it gets on");
        match listing.next {
            Some(next) => after = next,
            None => break,
        }
    }
    assert!(seen.is_sorted_by(|a, b| a.key < b.key), "sorted, and no key twice");
    assert!(seen.iter().all(|document| document.size == 5 || document.size == 6), "{seen:?}");
    let ids: Vec<_> = seen.iter().map(ObjectEvent::job_id).collect();
    assert_eq!(ids, wanted, "each names the job that its event made");
    let rest = store.listing(&bucket, "in/", &seen[20].key).await.expect("listing works").documents;
    assert_eq!(rest, seen[21..], "from any key on");
    assert!(store.listing("no-such-bucket-of-ours", "", "").await.is_err());
}

pub(super) async fn a_version_is_erased_and_its_neighbours_stay(fresh: Fresh) {
    let store = &fresh.stack.objects;
    let folder = objects::folder();
    let mut uploaded = Vec::new();
    for (key, body) in [("a", "one"), ("a", "two"), ("ab", "three"), ("twin", "three")] {
        let file = objects::file(&folder, "upload", body.as_bytes());
        uploaded.push(store.upload(key, &file).await.expect("upload works"));
    }
    let bucket = uploaded[0].bucket.clone();
    let there = async |key: &str| store.versions(&bucket, key).await.expect("versions works");
    let versions = there("a").await;
    assert_eq!(versions[0].version, uploaded[1].version, "the newest comes first");
    assert!(versions.len() <= 2, "two where the bucket keeps them, else the newest: {versions:?}");
    assert!(store.erase(&uploaded[1]).await.expect("erase works"));
    assert!(!store.erase(&uploaded[1]).await.expect("erase works"), "once");
    let left = there("a").await;
    assert!(left.iter().all(|left| left.version == uploaded[0].version), "{left:?}");
    for version in left {
        assert!(store.erase(&version).await.expect("erase works"));
    }
    assert!(there("a").await.is_empty());
    let into = folder.path().join("fetched");
    assert!(store.fetch(&uploaded[1], 100, &into).await.is_err());
    // The same bytes under another key are another document's.
    assert!(store.erase(&uploaded[2]).await.expect("erase works"));
    store.fetch(&uploaded[3], 100, &into).await.expect("its twin is there");
    assert!(there("never").await.is_empty());
}

pub(super) async fn artifacts_are_erased_below_their_prefix_alone(fresh: Fresh) {
    let store = &fresh.stack.objects;
    for key in ["jobs/aa/1/read", "jobs/aa/1/pages", "jobs/aa/2/result", "jobs/ab/1/read"] {
        store.write_once(key, vec![7; 100_000]).await.expect("write_once works");
    }
    assert_eq!(store.erase_artifacts("jobs/aa/").await.expect("erase_artifacts works"), 3);
    assert_eq!(store.erase_artifacts("jobs/aa/").await.expect("erase_artifacts works"), 0);
    assert_eq!(store.list("jobs/").await.expect("list works"), ["jobs/ab/1/read"]);
}
