//! Promises of the store of objects.

use super::{FAR, Fresh};
use crate::{Address, Fault, QueueName, Stack, Written};
use domain::Document;
use domain::event::{self, ObjectEvent};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// Larger than what an adapter may keep in another way than large bodies.
pub(super) const LARGE: usize = 3 * 1024 * 1024 + 7;

pub(super) fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

pub(super) fn file(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("a file can be written");
    path
}

/// Bytes in which a mistake in their order shows.
pub(super) fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| ((at * 31) ^ (at >> 8)) as u8).collect()
}

pub(super) async fn upload(stack: &Stack, folder: &TempDir, key: &str, bytes: &[u8]) -> Document {
    let file = file(folder, "upload", bytes);
    stack.objects.upload(key, &file).await.expect("upload works")
}

pub(super) async fn fetch(stack: &Stack, document: &Document, into: &Path) -> Vec<u8> {
    stack.objects.fetch(document, u64::MAX, into).await.expect("fetch works");
    std::fs::read(into).expect("what was fetched can be read")
}

async fn events(stack: &Stack) -> Vec<ObjectEvent> {
    let mut events = Vec::new();
    loop {
        let from = Address::live(QueueName::Ingest);
        let got = stack.queue.receive(from, 10, FAR, Duration::ZERO).await.expect("receive works");
        if got.is_empty() {
            return events;
        }
        for delivery in got {
            events.extend(event::decode(&delivery.body).expect("an event can be read"));
        }
    }
}

/// What names a document; its sequencer only the event knows.
fn named(document: &Document) -> (String, String, u64) {
    (document.key.clone(), document.version.clone(), document.size)
}

/// The documents that were told of, at least so many: where notifications are slow, they are waited for.
async fn created(stack: &Stack, count: usize) -> Vec<(String, String, u64)> {
    let mut told = Vec::new();
    for _ in 0..100 {
        told.extend(events(stack).await.into_iter().filter_map(|event| match event {
            ObjectEvent::Created(document) => Some(named(&document)),
            _ => None,
        }));
        if told.len() >= count {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    told
}

pub(super) async fn an_upload_makes_one_event_and_can_be_fetched(fresh: Fresh) {
    let (stack, folder) = (&fresh.stack, folder());
    for (number, length) in [0, 1, 1000, LARGE].into_iter().enumerate() {
        let key = format!("in/{number}.bin");
        let document = upload(stack, &folder, &key, &bytes(length)).await;
        assert_eq!((document.key.as_str(), document.size), (key.as_str(), length as u64));
        assert_eq!(created(stack, 1).await, [named(&document)]);
        let fetched = fetch(stack, &document, &folder.path().join(number.to_string())).await;
        assert!(fetched == bytes(length), "{length} bytes come back as they were");
        assert!(stack.objects.is_current(&document).await.expect("is_current works"));
        assert!(stack.objects.tags(&document).await.expect("tags work").is_empty());
    }
    let missing = stack.objects.upload("in/missing", &folder.path().join("no such file")).await;
    assert!(missing.is_err(), "a file that is not there cannot be uploaded");
    assert_eq!(events(stack).await, []);
}

pub(super) async fn the_same_bytes_under_the_same_key_are_one_version(fresh: Fresh) {
    let (stack, folder) = (&fresh.stack, folder());
    let first = upload(stack, &folder, "a", b"same").await;
    assert_eq!(named(&upload(stack, &folder, "a", b"same").await), named(&first));
    assert_eq!(created(stack, 1).await.len(), 1, "the same bytes make no second event");
    let other = upload(stack, &folder, "b", b"same").await;
    assert_ne!(ObjectEvent::job_id(&other), ObjectEvent::job_id(&first), "another key is another document");
    assert_eq!(created(stack, 1).await.len(), 1);
    let uploads = (0..8).map(|number| {
        let (objects, file) = (stack.objects.clone(), file(&folder, &format!("c{number}"), b"at once"));
        tokio::spawn(async move { objects.upload("c", &file).await })
    });
    let uploads: Vec<_> = uploads.collect();
    let mut documents = Vec::new();
    for upload in uploads {
        documents.push(upload.await.expect("an upload does not panic").expect("upload works"));
    }
    assert!(documents.iter().all(|document| document.version == documents[0].version));
    assert_eq!(created(stack, 1).await.len(), 1, "nor do they when they come at the same time");
}

pub(super) async fn a_version_that_is_uploaded_after_another_is_the_newest_again(fresh: Fresh) {
    let (stack, folder) = (&fresh.stack, folder());
    let first = upload(stack, &folder, "a", b"first").await;
    let second = upload(stack, &folder, "a", b"second").await;
    assert_eq!(created(stack, 2).await.len(), 2);
    let again = upload(stack, &folder, "a", b"first").await;
    assert_eq!(created(stack, 1).await, [named(&again)], "its return is told");
    assert!(stack.objects.is_current(&again).await.expect("is_current works"));
    assert!(!stack.objects.is_current(&second).await.expect("is_current works"));
    let sequencer = |document: &Document| document.sequencer.clone().unwrap_or_default();
    for former in [&first, &second] {
        let order = event::compare_sequencers(&sequencer(former), &sequencer(&again));
        assert!(former.sequencer.is_none() || order.is_lt(), "sequencers grow");
    }
    assert_eq!(fetch(stack, &again, &folder.path().join("1")).await, b"first");
}

pub(super) async fn a_document_is_read_in_its_version_or_not_at_all(fresh: Fresh) {
    let (stack, folder) = (&fresh.stack, folder());
    let first = upload(stack, &folder, "a", b"first").await;
    let second = upload(stack, &folder, "a", b"second").await;
    assert_ne!(first.version, second.version);
    let order = event::compare_sequencers(
        first.sequencer.as_deref().unwrap_or_default(),
        second.sequencer.as_deref().unwrap_or_default(),
    );
    assert!(first.sequencer.is_none() || order.is_lt(), "sequencers grow");
    assert!(!stack.objects.is_current(&first).await.expect("is_current works"));
    assert!(stack.objects.is_current(&second).await.expect("is_current works"));
    assert_eq!(fetch(stack, &second, &folder.path().join("2")).await, b"second");
    let into = folder.path().join("1");
    match stack.objects.fetch(&first, 100, &into).await {
        Ok(()) => assert_eq!(std::fs::read(&into).expect("it was fetched"), b"first"),
        Err(error) => assert!(error.fault == Fault::Conflict && !into.exists(), "{error}"),
    }
    let never = Document { version: "0".repeat(64), ..second.clone() };
    let into = folder.path().join("3");
    let error = stack.objects.fetch(&never, 100, &into).await.expect_err("there is no such version");
    assert!(matches!(error.fault, Fault::Conflict | Fault::NotFound), "{error}");
    assert!(!into.exists());
    let gone = Document { key: "gone".into(), ..second };
    let error = stack.objects.fetch(&gone, 100, &into).await.expect_err("there is no such key");
    assert_eq!(error.fault, Fault::NotFound);
    assert!(!stack.objects.is_current(&gone).await.expect("is_current works"));
}

pub(super) async fn a_fetch_keeps_its_bound(fresh: Fresh) {
    let (stack, folder) = (&fresh.stack, folder());
    for length in [10, LARGE] {
        let document = upload(stack, &folder, &format!("{length}"), &bytes(length)).await;
        let into = folder.path().join(format!("into-{length}"));
        let error = stack.objects.fetch(&document, length as u64 - 1, &into).await.expect_err("it is larger");
        assert!(error.fault == Fault::TooLarge && !into.exists(), "{error}");
        stack.objects.fetch(&document, length as u64, &into).await.expect("it is as large as the bound");
    }
}

/// Keys that somebody may think of.
fn keys() -> Vec<String> {
    let mut keys: Vec<String> = [
        "../../etc/passwd",
        "/etc/passwd",
        "..",
        ".",
        "a/../../b",
        "a\0b",
        "a\nb\rc",
        "a b+c%d%2F",
        "\u{1F980}/\u{202E}gpj.exe",
        "C:\\x",
        "-rf *",
        "'; DROP TABLE jobs; --",
    ]
    .map(str::to_owned)
    .to_vec();
    keys.push("k".repeat(1024));
    keys.push("\u{E9}".repeat(512));
    keys
}

pub(super) async fn keys_of_any_characters_lead_nowhere_else(fresh: Fresh) {
    let (stack, folder) = (&fresh.stack, folder());
    for key in keys() {
        for length in [20, LARGE] {
            let mut body = bytes(length);
            body.extend(key.as_bytes());
            let document = upload(stack, &folder, &key, &body).await;
            assert_eq!(document.key, key);
            let into = folder.path().join("into");
            assert!(fetch(stack, &document, &into).await == body, "{key:?}");
            std::fs::remove_file(into).expect("it can be removed");
        }
        // An artifact's name is a key too, and ours are short.
        let name: String = format!("jobs/x/{key}").chars().take(500).collect();
        assert_eq!(
            stack.objects.write_once(&name, key.clone().into_bytes()).await.expect("works"),
            Written::New
        );
        assert_eq!(stack.objects.read(&name, 2000).await.expect("read works"), key.as_bytes(), "{key:?}");
    }
    let mut expected: Vec<_> = keys().into_iter().flat_map(|key| [key.clone(), key]).collect();
    let told = created(stack, expected.len()).await;
    let mut created: Vec<_> = told.into_iter().map(|(key, ..)| key).collect();
    expected.sort();
    created.sort();
    assert_eq!(created, expected, "events carry keys through");
    let file = file(&folder, "f", b"x");
    assert!(stack.objects.upload("", &file).await.is_err(), "an empty key is none");
    assert!(stack.objects.upload(&"k".repeat(1025), &file).await.is_err(), "a key has at most 1,024 bytes");
}

pub(super) async fn an_artifact_is_written_once(fresh: Fresh) {
    let (objects, folder) = (&fresh.stack.objects, folder());
    for length in [0, 10, LARGE] {
        let (first, second) = (format!("a/{length}"), format!("b/{length}"));
        let other = file(&folder, "other", b"another");
        assert_eq!(objects.write_once(&first, bytes(length)).await.expect("works"), Written::New);
        assert_eq!(
            objects.write_once(&first, b"another".to_vec()).await.expect("works"),
            Written::AlreadyThere
        );
        assert_eq!(objects.write_once_file(&first, &other).await.expect("works"), Written::AlreadyThere);
        let source = file(&folder, "source", &bytes(length));
        assert_eq!(objects.write_once_file(&second, &source).await.expect("works"), Written::New);
        assert_eq!(
            objects.write_once(&second, bytes(LARGE + 1)).await.expect("works"),
            Written::AlreadyThere
        );
        for key in [first, second] {
            assert!(
                objects.read(&key, u64::MAX).await.expect("works") == bytes(length),
                "the first one stays"
            );
        }
    }
}

pub(super) async fn of_many_writers_of_one_artifact_one_wins(fresh: Fresh) {
    for length in [100, LARGE] {
        let key = format!("k/{length}");
        let writers: Vec<_> = (0..6_u8)
            .map(|number| {
                let (objects, key) = (fresh.stack.objects.clone(), key.clone());
                tokio::spawn(async move { (number, objects.write_once(&key, vec![number; length]).await) })
            })
            .collect();
        let mut winner = None;
        for writer in writers {
            let (number, written) = writer.await.expect("a writer does not panic");
            if written.expect("write_once works") == Written::New {
                assert!(winner.replace(number).is_none(), "two writers won");
            }
        }
        let winner = winner.expect("one of them wins");
        let body = fresh.stack.objects.read(&key, u64::MAX).await.expect("read works");
        assert!(body == vec![winner; length], "the winner's body is there, whole");
    }
}

pub(super) async fn a_read_keeps_its_bound(fresh: Fresh) {
    let objects = &fresh.stack.objects;
    for length in [10, LARGE] {
        let key = format!("{length}");
        objects.write_once(&key, bytes(length)).await.expect("write_once works");
        let error = objects.read(&key, length as u64 - 1).await.expect_err("it is larger");
        assert_eq!(error.fault, Fault::TooLarge);
        assert_eq!(objects.read(&key, length as u64).await.expect("read works").len(), length);
    }
    assert_eq!(objects.read("missing", 10).await.expect_err("it is not there").fault, Fault::NotFound);
}

pub(super) async fn artifacts_are_listed_by_prefix_and_deleted(fresh: Fresh) {
    let objects = &fresh.stack.objects;
    for key in ["jobs/a/1/pages", "jobs/a/1/part-1", "jobs/a/2/pages", "jobs/ab/1/pages", "jobs/a_/1"] {
        objects.write_once(key, b"x".to_vec()).await.expect("write_once works");
    }
    objects.write_once("jobs/a/1/large", bytes(LARGE)).await.expect("write_once works");
    let under = objects.list("jobs/a/1/").await.expect("list works");
    assert_eq!(under, ["jobs/a/1/large", "jobs/a/1/pages", "jobs/a/1/part-1"]);
    assert_eq!(objects.list("jobs/a").await.expect("list works").len(), 6);
    assert!(objects.list("nothing").await.expect("list works").is_empty());
    for key in under {
        objects.delete(&key).await.expect("delete works");
        objects.delete(&key).await.expect("deleting what is gone is no failure");
        assert_eq!(objects.read(&key, 10).await.expect_err("it is gone").fault, Fault::NotFound);
    }
    assert_eq!(objects.list("jobs/a/").await.expect("list works"), ["jobs/a/2/pages"]);
    assert_eq!(objects.write_once("jobs/a/1/large", b"anew".to_vec()).await.expect("works"), Written::New);
}
