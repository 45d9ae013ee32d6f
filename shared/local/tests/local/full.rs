//! A full disk: everything says so, nothing acknowledged is lost, and it goes on when there is room.

use local::OpenError;
use ports::{Address, Fault, Outgoing, QueueName};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A small file system of its own; gone with the value.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn new(kib: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={kib}k");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(folder));
        }
        println!("skipped: this user may not mount a small file system");
        None
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

/// Takes all the room there is.
fn fill(folder: &Path) -> PathBuf {
    use std::io::Write;
    let path = folder.join("lost+found");
    let mut file = fs::File::create(&path).unwrap();
    while file.write_all(&[7; 512]).is_ok() {}
    path
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_full_disk_writes_fail_as_full_and_go_on_when_there_is_room() {
    let Some(disk) = SmallDisk::new(4096) else { return };
    let local = super::open(disk.path()).await;
    let (stack, to) = (local.stack.clone(), Address::live(QueueName::Notify));
    let message = || vec![Outgoing::now("x".repeat(50_000))];
    stack.queue.send(to, message()).await.unwrap();
    let filler = fill(disk.path());
    let mut acknowledged = 1_u64;
    let mut fault = None;
    for _ in 0..100 {
        match stack.queue.send(to, message()).await {
            Ok(results) => acknowledged += u64::from(results[0].is_ok()),
            Err(error) => fault = Some(error.fault),
        }
    }
    assert_eq!(fault, Some(Fault::Full));
    let large = stack.objects.write_once("large", vec![1; 300_000]).await.unwrap_err();
    assert_eq!(large.fault, Fault::Full, "{large}");
    stack.topic.publish(ports::Channel::Outcomes, &super::notification("a.pdf", "1", 1)).await.unwrap_err();
    let depth = stack.queue_admin.depth(QueueName::Notify).await.unwrap();
    assert_eq!(depth.waiting, acknowledged, "what was acknowledged is there and can be looked at");
    fs::remove_file(filler).unwrap();
    stack.queue.send(to, message()).await.unwrap();
    stack.objects.write_once("large", vec![1; 300_000]).await.unwrap();
    let got = stack.queue.receive(to, 1, Duration::from_secs(60), Duration::ZERO).await.unwrap();
    assert_eq!(got.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_wait_for_room() {
    let Some(disk) = SmallDisk::new(4096) else { return };
    let local = super::open(disk.path()).await;
    let mut told = super::notification("a.pdf", "1", 1);
    told.markdown = "x".repeat(100_000);
    local.stack.topic.publish(ports::Channel::Outcomes, &told).await.unwrap();
    let filler = fill(disk.path());
    // Even this may not be writable: then it is as if nothing had been tried.
    let _ = local.deliveries().deliver_due().await;
    assert!(!local.layout.results().join("a.pdf.md").exists());
    fs::remove_file(filler).unwrap();
    local.retry_deliveries().await.unwrap();
    while local.deliveries().deliver_due().await.unwrap() > 0 {}
    assert_eq!(fs::read_to_string(local.layout.results().join("a.pdf.md")).unwrap().len(), 100_001);
}

#[tokio::test]
async fn a_full_disk_is_named_when_a_folder_is_opened() {
    let Some(disk) = SmallDisk::new(256) else { return };
    let filler = fill(disk.path());
    match local::open(&disk.path().join("data"), local::OpenOptions::exclusive()).await {
        Err(error) => assert!(matches!(error, OpenError::Full { .. }), "{error}"),
        Ok(_) => panic!("there is no room for a data folder"),
    }
    fs::remove_file(filler).unwrap();
    super::open(&disk.path().join("data")).await;
}

#[tokio::test]
async fn a_read_only_disk_is_named_when_a_folder_is_opened() {
    let Some(disk) = SmallDisk::new(2048) else { return };
    let (made, new) = (disk.path().join("made"), disk.path().join("new"));
    drop(super::open(&made).await);
    let remount = Command::new("mount").args(["-o", "remount,ro"]).arg(disk.path()).status().unwrap();
    assert!(remount.success());
    for (folder, options) in [
        (&made, local::OpenOptions::exclusive()),
        (&made, local::OpenOptions::shared()),
        (&new, local::OpenOptions::exclusive()),
    ] {
        match local::open(folder, options).await {
            Err(error) => assert!(matches!(error, OpenError::Unwritable { .. }), "{error:?}"),
            Ok(_) => panic!("{} was opened", folder.display()),
        }
    }
}
