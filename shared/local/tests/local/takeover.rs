//! What a process held when it died is free as soon as the next one has the folder, and not before.

use domain::{Document, Job, Stage};
use local::{Local, OpenOptions};
use ports::{Address, Disposition, GateName, Outgoing, Pass, QueueName};
use std::time::Duration;

const FAR: Duration = Duration::from_secs(3600);
const QUEUE: Address = Address { queue: QueueName::Summarize, dead: false };

fn job() -> Job {
    let document = Document {
        bucket: local::UPLOADS.into(),
        key: "a.txt".into(),
        version: "1".into(),
        size: 1,
        sequencer: None,
        uploaded_at: jiff::Timestamp::UNIX_EPOCH,
    };
    Job::new(document, jiff::Timestamp::UNIX_EPOCH)
}

/// Holds a delivery and a claim for an hour, as a process that is killed then does.
async fn hold(local: &Local) -> Job {
    let stack = &local.stack;
    stack.queue.send(QUEUE, vec![Outgoing::now("held".into())]).await.unwrap();
    assert_eq!(stack.queue.receive(QUEUE, 1, FAR, Duration::ZERO).await.unwrap().len(), 1);
    stack.queue.send(QUEUE, vec![Outgoing::after("delayed".into(), FAR / 6)]).await.unwrap();
    let job = job();
    stack.jobs.create(&job).await.unwrap();
    let claimed = job.claim(Stage::Ingest, 1, "dead", jiff::Timestamp::now(), FAR, 5).unwrap();
    stack.jobs.replace(&claimed).await.unwrap();
    while let Pass::Open(_) = stack.gate.take(GateName::Ocr, FAR).await.unwrap() {}
    claimed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries_claims_and_leases_of_a_process_that_died_are_free_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let held = hold(&super::open(folder.path()).await).await;
    let half = folder.path().join("objects/tmp/ingest-half");
    std::fs::create_dir(&half).unwrap();
    std::fs::write(half.join("document"), "x").unwrap();

    let local = super::open(folder.path()).await;
    let got = local.stack.queue.receive(QUEUE, 10, FAR, Duration::ZERO).await.unwrap();
    // The count of receives stands, which ends what kills its process each time.
    let bodies: Vec<_> = got.iter().map(|delivery| (delivery.body.as_str(), delivery.receives)).collect();
    assert_eq!(bodies, [("held", 2), ("delayed", 1)]);
    let job = local.stack.jobs.get(&held.id).await.unwrap().unwrap();
    assert_eq!((job.claim.as_ref(), job.attempts, job.revision), (None, 0, held.revision + 1));
    let claimed = job.claim(Stage::Ingest, 1, "next", jiff::Timestamp::now(), FAR, 5).unwrap();
    local.stack.jobs.replace(&claimed).await.unwrap();
    assert!(matches!(local.stack.gate.take(GateName::Ocr, FAR).await.unwrap(), Pass::Open(_)));
    assert!(!half.exists(), "half-written files are left");
}

/// Receives a message so often, and puts it off for an hour each time.
async fn put_off(local: &Local, body: &str, times: u32) {
    let queue = &local.stack.queue;
    queue.send(QUEUE, vec![Outgoing::now(body.into())]).await.unwrap();
    for time in 1..=times {
        let delivery = queue.receive(QUEUE, 1, FAR, Duration::ZERO).await.unwrap().remove(0);
        let wait = if time == times { FAR / 6 } else { Duration::ZERO };
        queue.settle(QUEUE, delivery.receipt, Disposition::Release(wait)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_put_off_for_long_after_many_deaths_is_looked_at_soon_but_each_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let local = super::open(folder.path()).await;
    for (body, receives) in [("often", 7), ("once", 1), ("more often", 9)] {
        put_off(&local, body, receives).await;
    }
    let kept = Address { dead: true, ..QUEUE };
    local.stack.queue.send(kept, vec![Outgoing::after("for an operator".into(), FAR / 6)]).await.unwrap();
    drop(local);

    let _local = super::open(folder.path()).await;
    let opened = jiff::Timestamp::now().as_microsecond();
    let database = rusqlite::Connection::open(folder.path().join("precis.db")).unwrap();
    let mut statement =
        database.prepare("SELECT body, visible_at FROM messages ORDER BY visible_at").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let rows: Vec<(String, i64)> = rows.collect::<rusqlite::Result<_>>().unwrap();
    let bodies: Vec<_> = rows.iter().map(|(body, _)| body.as_str()).collect();
    assert_eq!(bodies, ["once", "often", "more often", "for an operator"]);
    let second = 1_000_000;
    let waits: Vec<_> = rows.iter().map(|(_, at)| at - opened).collect();
    assert!(waits[0] <= 0 && waits[2] < 10 * second && waits[3] > 300 * second, "{waits:?}");
    assert!(
        waits[1] - waits[0] >= second && waits[2] - waits[1] >= second,
        "each has time for itself: {waits:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_beside_the_one_that_works_takes_nothing_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let working = super::open(folder.path()).await;
    let held = hold(&working).await;
    let beside = local::open(folder.path(), OpenOptions::shared()).await.unwrap();
    assert!(beside.stack.queue.receive(QUEUE, 10, FAR, Duration::ZERO).await.unwrap().is_empty());
    let job = beside.stack.jobs.get(&held.id).await.unwrap().unwrap();
    assert_eq!(job.claim, held.claim);
}
