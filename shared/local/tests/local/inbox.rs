//! Documents that people drop.

use local::{AfterTaking, Inbox, InboxWatcher, Local, Scanned};
use ports::{Address, QueueName};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

const SETTLE: Duration = Duration::from_millis(30);

struct Place {
    _parent: TempDir,
    inbox: std::path::PathBuf,
    local: Local,
}

async fn place() -> Place {
    let parent = tempfile::tempdir().unwrap();
    let inbox = parent.path().join("in");
    fs::create_dir(&inbox).unwrap();
    let local = super::open(&parent.path().join("data")).await;
    Place { inbox, local, _parent: parent }
}

fn watcher(place: &Place, after: AfterTaking) -> InboxWatcher {
    let inbox = Inbox { folder: place.inbox.clone(), prefix: "in/".into(), after };
    place.local.inbox(inbox).settling(SETTLE)
}

/// Looks until nothing is waiting any more; what was taken in all.
async fn scan(watcher: &mut InboxWatcher) -> Scanned {
    let mut all = Scanned::default();
    loop {
        let scanned = watcher.scan().await.unwrap();
        all.taken += scanned.taken;
        all.failed = scanned.failed;
        if scanned.waiting == 0 {
            return all;
        }
        tokio::time::sleep(SETTLE).await;
    }
}

async fn keys(local: &Local) -> Vec<String> {
    let mut keys = Vec::new();
    loop {
        let from = Address::live(QueueName::Ingest);
        let got =
            local.stack.queue.receive(from, 10, Duration::from_secs(600), Duration::ZERO).await.unwrap();
        if got.is_empty() {
            keys.sort();
            return keys;
        }
        for delivery in got {
            for event in domain::event::decode(&delivery.body).unwrap() {
                let domain::event::ObjectEvent::Created(document) = event else { panic!("{event:?}") };
                keys.push(document.key);
            }
        }
    }
}

fn write(place: &Place, name: &str, body: &str) {
    let path = place.inbox.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, body).unwrap();
}

#[tokio::test]
async fn whole_files_are_taken_once_and_stay_untouched() {
    let place = place().await;
    for name in
        ["a b+c%.pdf", "sub/ü\n🦀.txt", "empty.txt", ".hidden", "~$a.docx", "b.pdf.part", ".dir/x.txt"]
    {
        write(&place, name, if name == "empty.txt" { "" } else { name });
    }
    let mut first = watcher(&place, AfterTaking::Keep);
    assert_eq!(scan(&mut first).await.taken, 3);
    assert_eq!(keys(&place.local).await, ["in/a b+c%.pdf", "in/empty.txt", "in/sub/ü\n🦀.txt"]);
    assert_eq!(scan(&mut first).await, Scanned::default());
    let mut next_start = watcher(&place, AfterTaking::Keep);
    let looked = next_start.scan().await.unwrap();
    assert_eq!(looked, Scanned::default(), "an untouched file is not even looked at again");
    assert_eq!(fs::read_to_string(place.inbox.join("a b+c%.pdf")).unwrap(), "a b+c%.pdf");
    write(&place, "a b+c%.pdf", "another version");
    assert_eq!(scan(&mut first).await.taken, 1);
    assert_eq!(keys(&place.local).await, ["in/a b+c%.pdf"]);
}

#[tokio::test]
async fn a_file_that_still_grows_waits() {
    let place = place().await;
    let mut watcher = watcher(&place, AfterTaking::Keep);
    for length in 1..5 {
        write(&place, "a.txt", &"x".repeat(length));
        tokio::time::sleep(SETTLE).await;
        let scanned = watcher.scan().await.unwrap();
        assert_eq!((scanned.taken, scanned.waiting), (0, 1));
    }
    assert_eq!(scan(&mut watcher).await.taken, 1);
}

#[tokio::test]
async fn links_are_not_followed_and_a_data_folder_is_not_looked_into() {
    let place = place().await;
    let secret = place.inbox.with_file_name("secret.txt");
    fs::write(&secret, "secret").unwrap();
    std::os::unix::fs::symlink(&secret, place.inbox.join("link.txt")).unwrap();
    std::os::unix::fs::symlink(secret.parent().unwrap(), place.inbox.join("folder")).unwrap();
    let inner = super::open(&place.inbox.join("precis-data")).await;
    fs::write(inner.layout.results().join("result.md"), "a result").unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, place.inbox.join("pipe"), rustix::fs::Mode::from_raw_mode(0o600))
        .unwrap();
    write(&place, "real.txt", "real");
    assert_eq!(scan(&mut watcher(&place, AfterTaking::Keep)).await.taken, 1);
    assert_eq!(keys(&place.local).await, ["in/real.txt"]);
    let itself =
        Inbox { folder: inner.layout.folder.clone(), prefix: String::new(), after: AfterTaking::Keep };
    assert!(place.local.inbox(itself).scan().await.unwrap_err().is_permanent());
}

#[tokio::test]
async fn taken_files_move_without_overwriting_or_are_deleted() {
    let place = place().await;
    let mut moving = watcher(&place, AfterTaking::Move);
    for body in ["one", "two"] {
        write(&place, "sub/a.txt", body);
        assert_eq!(scan(&mut moving).await.taken, 1);
    }
    let done = place.inbox.join("done/sub");
    assert_eq!(fs::read_to_string(done.join("a.txt")).unwrap(), "one");
    assert_eq!(fs::read_to_string(done.join("a-2.txt")).unwrap(), "two");
    assert_eq!(scan(&mut moving).await, Scanned::default());
    let mut deleting = watcher(&place, AfterTaking::Delete);
    write(&place, "b.txt", "b");
    fs::remove_dir_all(place.inbox.join("done")).unwrap();
    assert_eq!(scan(&mut deleting).await.taken, 1);
    assert!(!place.inbox.join("b.txt").exists());
    assert_eq!(keys(&place.local).await, ["in/b.txt", "in/sub/a.txt", "in/sub/a.txt"]);
}

#[tokio::test]
async fn names_that_are_not_utf_8_and_names_that_are_too_long_do_not_stop_others() {
    let place = place().await;
    let strange = std::ffi::OsStr::from_bytes(b"\xff\xfe.txt");
    if fs::write(place.inbox.join(strange), "strange").is_err() {
        println!("skipped: this file system has no such names");
        return;
    }
    let deep: String = std::iter::repeat_n("d".repeat(200), 6).collect::<Vec<_>>().join("/");
    write(&place, &format!("{deep}/a.txt"), "too long a key");
    write(&place, "good.txt", "good");
    let scanned = scan(&mut watcher(&place, AfterTaking::Keep)).await;
    assert_eq!((scanned.taken, scanned.failed), (2, 1));
    let keys = keys(&place.local).await;
    assert!(keys.iter().any(|key| key == "in/good.txt") && keys.len() == 2, "{keys:?}");
    assert!(Path::new(&place.inbox.join(strange)).exists());
}
