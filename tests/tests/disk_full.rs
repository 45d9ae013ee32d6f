//! The disk of the data folder fills up while `precis up` works, is made room on, and fills up again.

use precis_tests::papers::{self, Chance, Paper};
use precis_tests::program::{eventually, repository};
use precis_tests::running::{self, Up};
use precis_tests::shared::skip;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

/// Room for a small folder's database, its log and its files.
const SIZE: &str = "48m";
const ROUNDS: usize = 2;
const EACH: usize = 12;

/// A small file system in memory, gone at the end.
struct Disk(PathBuf);

impl Disk {
    /// `None` where this user may not mount.
    fn mount(at: PathBuf, size: &str) -> Option<Self> {
        fs::create_dir(&at).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "none"])
            .arg(&at)
            .output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(at)),
            _ => None,
        }
    }

    fn grow(&self, size: &str) {
        let grown = Command::new("mount").args(["-o", &format!("remount,size={size}")]).arg(&self.0).status();
        assert!(grown.unwrap().success());
    }

    /// Writes until nothing more fits.
    fn fill(&self) {
        let mut file = File::options().create(true).append(true).open(self.filler()).unwrap();
        for size in [1 << 20, 1 << 12, 1] {
            let block = vec![0; size];
            loop {
                match file.write(&block) {
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => panic!("filling the disk: {error}"),
                }
            }
        }
    }

    fn make_room(&self) {
        fs::remove_file(self.filler()).unwrap();
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Jobs that have ended; none while the folder cannot be asked.
fn ended(data: &Path) -> usize {
    let output = running::run(data, "jobs", &["--json"]);
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().filter(|line| line.contains("\"stage\":null")).count()
}

#[test]
fn a_full_disk_delays_documents_and_loses_none() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::mount(folder.path().join("disk"), SIZE) else {
        return skip("only root may mount a small disk");
    };
    let mut chance = Chance::seeded("PRECIS_DISK_SEED");
    let (data, inbox, log) = (disk.0.join("data"), folder.path().join("in"), folder.path().join("up.log"));
    fs::create_dir(&inbox).unwrap();
    let mut up = Up::start(&data, &log, &["--inbox", inbox.to_str().unwrap()], &[]);
    up.says("Drop a document");
    let mut all: Vec<Paper> = Vec::new();
    for round in 0..ROUNDS {
        let papers: Vec<_> = (round * EACH..(round + 1) * EACH).map(papers::good).collect();
        for paper in &papers {
            paper.lay_into(&inbox);
        }
        all.extend(papers);
        // The first round fills up before anything is taken, the others in the middle of the work.
        if round > 0 {
            let known = round * EACH;
            eventually("new files are taken", 60, || (running::jobs(&data).len() > known).then_some(()));
            sleep(Duration::from_millis(chance.below(300)));
        }
        disk.fill();
        sleep(Duration::from_secs(4));
        assert!(up.ended().is_none(), "it ended on the full disk: {}", up.said());
        if round == 0 {
            a_command_says_what_is_wrong(&data, folder.path());
        }
        println!("round {round}: {} of {} ended while the disk is full", ended(&data), all.len());
        disk.make_room();
        eventually("all jobs have ended after room was made", 150, || {
            (ended(&data) == all.len()).then_some(())
        });
    }
    let mails = || (running::files(&data.join("outbox")).len() == all.len()).then_some(());
    eventually("all are told", 90, mails);
    let said = up.said();
    assert!(said.contains("full"), "nothing was said about the full disk: {said}");
    up.stop();
    check(&data, &all);
}

#[test]
fn a_full_disk_ends_a_summarize_which_goes_on_from_there_once_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::mount(folder.path().join("disk"), "1m") else {
        return skip("only root may mount a small disk");
    };
    let data = disk.0.join("data");
    let samples: Vec<PathBuf> = ["01-service-agreement.pdf", "02-incident-report.pdf"]
        .map(|name| repository().join("samples").join(name))
        .into();
    let stopped = running::run(&data, "summarize", &samples);
    let said = String::from_utf8_lossy(&stopped.stderr);
    assert_eq!(stopped.status.code(), Some(1), "{said}");
    assert!(said.contains("is full. Do: make room; the same command goes on from here"), "{said}");
    disk.grow(SIZE);
    let done = running::run(&data, "summarize", &samples);
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(running::jobs(&data).len(), samples.len());
}

/// A document that is sent meanwhile is refused with the reason and what to do, and is not half there.
fn a_command_says_what_is_wrong(data: &Path, scratch: &Path) {
    let before = running::files(&data.join("objects"));
    let large = scratch.join("large.txt");
    fs::write(&large, "It must not be lost. ".repeat(20_000)).unwrap();
    let output = running::run(data, "put", &[&large]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("large.txt was not sent") && said.contains("make room"), "{said}");
    assert_eq!(running::files(&data.join("objects")), before);
}

fn check(data: &Path, all: &[Paper]) {
    let jobs = running::jobs(data);
    assert_eq!(jobs.len(), all.len());
    for job in &jobs {
        let whole = || running::job(data, job["id"].as_str().unwrap());
        assert_eq!(job["state"], "summarized", "{:#}", whole());
    }
    for paper in all {
        let path = |ending: &str| data.join("results").join("in").join(format!("{}.{ending}", paper.name));
        let report: serde_json::Value = serde_json::from_slice(&fs::read(path("json")).unwrap()).unwrap();
        assert_eq!(report["outcome"], "summarized");
        assert!(fs::read_to_string(path("txt")).unwrap().contains(&paper.word));
        assert!(fs::read_to_string(path("md")).unwrap().ends_with("run 1.\n"));
    }
    assert_eq!(running::messages(data), [0; 4]);
}
