//! kill -9 at random moments: what was acknowledged is there, and nothing is half.
//!
//! A process of its own (this test program again, running only [`writes_until_it_is_killed`]) writes through every
//! port as fast as it can and says on its standard output what was acknowledged. It is killed, the folder is
//! opened and compared with what was said, and the next process goes on in the same folder.

use domain::event::ObjectEvent;
use domain::{Document, Job, JobId};
use local::Local;
use ports::{Address, Channel, ContentClaim, GateName, Outgoing, Pass, QueueName, Written};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const FOLDER: &str = "PRECIS_TEST_KILL_FOLDER";
const ROUNDS: u64 = 20;
const WRITERS: u64 = 6;
const FAR: Duration = Duration::from_secs(3600);

/// A body that can be told from its name: whole or not.
fn body(name: &str, length: usize) -> Vec<u8> {
    Sha256::digest(name).iter().copied().cycle().take(length).collect()
}

fn length(number: u64) -> usize {
    // Both below and above what lies in the database.
    if number.is_multiple_of(4) { 150_000 } else { 300 + usize::try_from(number % 2000).unwrap() }
}

fn job(name: &str) -> Job {
    let document = Document {
        bucket: local::UPLOADS.into(),
        key: name.into(),
        version: "1".into(),
        size: 1,
        sequencer: None,
        uploaded_at: jiff::Timestamp::UNIX_EPOCH,
    };
    Job::new(document, jiff::Timestamp::UNIX_EPOCH)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started by the test below, which kills it"]
async fn writes_until_it_is_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let local = std::sync::Arc::new(super::open(Path::new(&folder)).await);
    let deliveries = local.deliveries();
    tokio::spawn(deliveries.run(std::future::pending()));
    let round = std::process::id();
    let writers = (0..WRITERS).map(|writer| {
        let (local, folder) = (local.clone(), folder.clone());
        tokio::spawn(async move {
            for number in 0.. {
                write_one(&local, Path::new(&folder), &format!("{round}-{writer}-{number}"), number).await;
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}

/// Holds something of everything and goes on writing, until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started by the tests of the contract, which kill it"]
async fn holds_everything_until_it_is_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let stack = super::open(Path::new(&folder)).await.stack;
    for queue in QueueName::ALL {
        for address in [Address::live(queue), Address::dead(queue)] {
            let bodies = ["held", "left", "late"].map(|body| Outgoing::now(body.into()));
            assert!(stack.queue.send(address, bodies.into()).await.unwrap().iter().all(Result::is_ok));
            assert_eq!(stack.queue.receive(address, 1, FAR, Duration::ZERO).await.unwrap().len(), 1);
        }
    }
    while let Pass::Open(_) = stack.gate.take(GateName::Ocr, FAR).await.unwrap() {}
    stack.jobs.claim_content("held", &JobId::of("b", "held", "1"), 1, FAR).await.unwrap();
    for number in 0.. {
        let name = format!("held/{number}");
        stack.objects.write_once(&name, body(&name, length(number))).await.unwrap();
        println!("ack {name}");
    }
}

/// What a process leaves that was killed so.
pub(super) fn hold_everything_and_die(folder: &Path, after: Duration) {
    run_and_kill("holds_everything_until_it_is_killed", folder, after);
}

async fn write_one(local: &Local, folder: &Path, name: &str, number: u64) {
    let stack = &local.stack;
    let say = |what: &str| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "ack {what} {name}").unwrap();
        out.flush().unwrap();
    };
    let sent = stack
        .queue
        .send(Address::live(QueueName::Notify), vec![Outgoing::now(name.to_owned())])
        .await
        .unwrap();
    assert!(sent[0].is_ok());
    say("message");
    let written = stack.objects.write_once(&format!("a/{name}"), body(name, length(number))).await.unwrap();
    assert_eq!(written, Written::New);
    say("artifact");
    let file = folder.join("inbox").join(name);
    std::fs::write(&file, body(name, length(number))).unwrap();
    stack.objects.upload(name, &file).await.unwrap();
    say("upload");
    std::fs::remove_file(file).unwrap();
    let mut job = job(name);
    stack.jobs.create(&job).await.unwrap();
    job.revision += 1;
    stack.jobs.replace(&job).await.unwrap();
    say("job");
    job.revision += 1;
    let claim = stack.jobs.replace_claiming(&job, &format!("content of {name}"), FAR).await.unwrap();
    assert_eq!(claim, ContentClaim::Won);
    say("claim");
    stack.topic.publish(Channel::Outcomes, &super::notification(name, "1", 1)).await.unwrap();
    stack.topic.publish(Channel::Completions, &super::notification(name, "1", 1)).await.unwrap();
    say("published");
}

/// A small generator, so that a seed tells the whole run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_kill_9_what_was_acknowledged_is_there_and_nothing_is_half() {
    let seed = std::env::var("PRECIS_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs());
    println!("PRECIS_SEED={seed}");
    let mut chance = Chance(seed);
    let folder = tempfile::tempdir().unwrap();
    drop(super::open(folder.path()).await);
    let mut acknowledged = HashSet::new();
    for round in 0..ROUNDS {
        let after = Duration::from_millis(30 + chance.below(400));
        let lines = run_and_kill("writes_until_it_is_killed", folder.path(), after);
        let local = super::open(folder.path()).await;
        let named = lines.iter().filter_map(|line| line.split_once("ack ").map(|(_, what)| what.to_owned()));
        acknowledged.extend(named);
        if round % 5 == 4 || round == ROUNDS - 1 {
            compare(&local, &acknowledged).await;
        }
    }
    let local = super::open(folder.path()).await;
    while local.deliveries().deliver_due().await.unwrap() > 0 {}
    compare_files(&local, &acknowledged);
    println!("{} acknowledged writes over {ROUNDS} kills", acknowledged.len());
    assert!(acknowledged.len() > 50, "too little was written to tell anything");
}

/// Starts the test of this name in a process of its own and kills it so long after it has acknowledged something.
fn run_and_kill(name: &str, folder: &Path, after: Duration) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("kill::{name}"), "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // The time counts from the first acknowledgement, so that a slow start is no empty round.
    let first = lines.by_ref().map_while(Result::ok).find(|line| line.contains("ack "));
    let killer = std::thread::spawn(move || {
        std::thread::sleep(after);
        child.kill().unwrap();
        child.wait().unwrap();
    });
    let mut lines: Vec<String> = first.into_iter().chain(lines.map_while(Result::ok)).collect();
    killer.join().unwrap();
    // The last line may be cut short by the kill: its acknowledgement is not known then.
    lines.retain(|line| line.contains("ack "));
    lines.pop();
    lines
}

async fn compare(local: &Local, acknowledged: &HashSet<String>) {
    let stack = &local.stack;
    let depth = stack.queue_admin.depth(QueueName::Notify).await.unwrap();
    let names = |what: &str| {
        let prefix = format!("{what} ");
        acknowledged
            .iter()
            .filter_map(|line| line.strip_prefix(&prefix))
            .map(str::to_owned)
            .collect::<HashSet<_>>()
    };
    assert!(depth.waiting >= names("message").len() as u64, "messages were lost");
    let listed = stack.objects.list("a/").await.unwrap();
    for key in &listed {
        let name = key.strip_prefix("a/").unwrap();
        let number: u64 = name.rsplit('-').next().unwrap().parse().unwrap();
        assert!(
            stack.objects.read(key, 1 << 20).await.unwrap() == body(name, length(number)),
            "{key} is half"
        );
    }
    let listed: HashSet<_> = listed.into_iter().map(|key| key[2..].to_owned()).collect();
    assert!(names("artifact").is_subset(&listed), "artifacts were lost");
    let claims = names("claim");
    for name in names("job") {
        let found = stack.jobs.get(&JobId::of(local::UPLOADS, &name, "1")).await.unwrap();
        let revision = found.as_ref().map(|job| job.revision);
        let holder = stack.jobs.content(&format!("content of {name}")).await.unwrap();
        match revision {
            Some(1) if !claims.contains(&name) => {
                assert_eq!(holder, None, "a claim without its write of {name}")
            }
            Some(2) => {
                assert_eq!(holder, found.map(|job| (job.id, 1)), "a write without its claim of {name}")
            }
            _ => panic!("job {name} has revision {revision:?}"),
        }
    }
    compare_uploads(local, &names("upload")).await;
}

/// Each upload has its event and its bytes, and each event its upload.
async fn compare_uploads(local: &Local, acknowledged: &HashSet<String>) {
    let from = Address::live(QueueName::Ingest);
    let scratch = tempfile::tempdir().unwrap();
    let mut found = HashSet::new();
    let mut held = Vec::new();
    loop {
        let got = local.stack.queue.receive(from, 10, FAR, Duration::ZERO).await.unwrap();
        if got.is_empty() {
            break;
        }
        for delivery in got {
            let events = domain::event::decode(&delivery.body).unwrap();
            let [ObjectEvent::Created(document)] = events.as_slice() else { panic!("{events:?}") };
            let number: u64 = document.key.rsplit('-').next().unwrap().parse().unwrap();
            let into = scratch.path().join("into");
            local.stack.objects.fetch(document, 1 << 20, &into).await.unwrap();
            assert!(
                std::fs::read(&into).unwrap() == body(&document.key, length(number)),
                "{} is half",
                document.key
            );
            std::fs::remove_file(into).unwrap();
            assert!(found.insert(document.key.clone()), "two events of {}", document.key);
            held.push(delivery.receipt);
        }
    }
    assert!(acknowledged.is_subset(&found), "uploads were lost");
    for receipt in held {
        local.stack.queue.settle(from, receipt, ports::Disposition::Release(Duration::ZERO)).await.unwrap();
    }
}

/// All results and e-mails are there, whole, once.
fn compare_files(local: &Local, acknowledged: &HashSet<String>) {
    for name in acknowledged.iter().filter_map(|line| line.strip_prefix("published ")) {
        let told = super::notification(name, "1", 1);
        let results = local.layout.results();
        let read = |path| std::fs::read_to_string(path).unwrap();
        assert_eq!(read(results.join(format!("{name}.md"))), format!("{}\n", told.markdown));
        assert_eq!(read(results.join(format!("{name}.json"))), format!("{}\n", told.json));
        assert!(read(local.layout.outbox().join(format!("{}.eml", told.id))).contains("Rent rises"));
    }
}
