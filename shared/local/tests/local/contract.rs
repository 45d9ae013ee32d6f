//! One machine keeps every promise of the ports.

use local::{Local, OpenOptions};
use ports::contract::{self, Fresh};
use ports::{Address, GateName, Outgoing, Pass, QueueName};
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

const LEASES: usize = 3;

/// A data folder to be, with its settings.
fn data_folder(folder: &TempDir) -> PathBuf {
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("precis.toml"), format!("[gates.ocr]\nconcurrent = {LEASES}\n")).unwrap();
    data
}

fn fresh_over(local: Local, folder: TempDir) -> Fresh {
    Fresh { stack: local.stack, unit: Duration::from_millis(100), ocr_leases: LEASES, kept: Box::new(folder) }
}

async fn fresh() -> Fresh {
    let folder = tempfile::tempdir().unwrap();
    let local = local::open(&data_folder(&folder), OpenOptions::exclusive()).await.unwrap();
    fresh_over(local, folder)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queues_keep_their_contract() {
    contract::queue(fresh).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_keep_their_contract() {
    contract::jobs(fresh).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_keep_their_contract() {
    contract::objects(fresh).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gates_keep_their_contract() {
    contract::gate(fresh).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn budgets_keep_their_contract() {
    contract::budget(fresh).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_keep_their_contract() {
    contract::topic(fresh).await;
}

/// A folder in which a process was killed that held something of everything, emptied as far as ports can.
async fn after_a_kill() -> Fresh {
    let folder = tempfile::tempdir().unwrap();
    let data = data_folder(&folder);
    let path = data.clone();
    let dying = move || super::kill::hold_everything_and_die(&path, Duration::from_millis(2));
    tokio::task::spawn_blocking(dying).await.unwrap();
    let local = local::open(&data, OpenOptions::exclusive()).await.unwrap();
    for queue in QueueName::ALL {
        for address in [Address::live(queue), Address::dead(queue)] {
            assert_eq!(local.stack.queue_admin.purge(address).await.unwrap(), 3);
        }
    }
    for key in local.stack.objects.list("").await.unwrap() {
        local.stack.objects.delete(&key).await.unwrap();
    }
    fresh_over(local, folder)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_contracts_are_kept_in_a_folder_whose_process_was_killed() {
    contract::queue(after_a_kill).await;
    contract::jobs(after_a_kill).await;
    contract::objects(after_a_kill).await;
    contract::gate(after_a_kill).await;
    contract::budget(after_a_kill).await;
    contract::topic(after_a_kill).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leases_are_counted_over_all_processes_of_a_folder() {
    let fresh = fresh().await;
    let folder = fresh.kept.downcast_ref::<TempDir>().unwrap().path().join("data");
    let beside = local::open(&folder, OpenOptions::shared()).await.unwrap();
    let long = Duration::from_secs(60);
    let mut open = Vec::new();
    for stack in [&fresh.stack, &beside.stack].into_iter().cycle().take(2 * LEASES) {
        if let Pass::Open(lease) = stack.gate.take(GateName::Ocr, long).await.unwrap() {
            open.push(lease);
        }
    }
    assert_eq!(open.len(), LEASES);
    fresh.stack.gate.give_back(open.pop().unwrap()).await.unwrap();
    assert!(matches!(beside.stack.gate.take(GateName::Ocr, long).await.unwrap(), Pass::Open(_)));
    let until = jiff::Timestamp::now() + long;
    beside.stack.gate.close(GateName::Publish, until).await.unwrap();
    assert!(fresh.stack.gate.closed_until(GateName::Publish).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gate_with_a_rate_lets_no_more_through_in_a_second() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("precis.toml"), "[gates.publish]\nper_second = 5\n").unwrap();
    let gate = super::open(folder.path()).await.stack.gate;
    let start = std::time::Instant::now();
    let mut passed = 0;
    while passed < 12 {
        match gate.take(GateName::Publish, Duration::from_secs(60)).await.unwrap() {
            Pass::Open(_) => passed += 1,
            Pass::Closed(until) => {
                let wait = until.duration_since(jiff::Timestamp::now());
                assert!(wait < jiff::SignedDuration::from_millis(300), "one is due each fifth of a second");
                tokio::time::sleep(wait.try_into().unwrap_or_default()).await;
            }
        }
    }
    // What a quiet second saved up comes at once, then one each fifth of a second.
    assert!(start.elapsed() >= Duration::from_millis(1300), "12 passed in {:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_many_messages_of_one_group_do_not_keep_those_of_others_waiting() {
    let fresh = fresh().await;
    let queue = &fresh.stack.queue;
    let to = Address::live(QueueName::Summarize);
    let send = async |body: &str, group: &str| {
        queue.send(to, vec![Outgoing::now(body.into()).of(group)]).await.unwrap().remove(0).unwrap();
    };
    for number in 0..50 {
        send(&number.to_string(), "many").await;
    }
    for (body, group) in [("few 1", "few"), ("few 2", "few"), ("nobody's", "")] {
        send(body, group).await;
    }
    let mut bodies = Vec::new();
    for max in [1, 1, 4, 4] {
        let got = queue.receive(to, max, Duration::from_secs(60), Duration::ZERO).await.unwrap();
        assert!(got.iter().all(|delivery| (delivery.group == "many") == (delivery.body.len() < 3)));
        bodies.extend(got.into_iter().map(|delivery| delivery.body));
    }
    assert_eq!(bodies.len(), 10, "what is left is for whoever has it");
    assert_eq!(bodies[..2], ["0", "few 1"]);
    for body in ["nobody's", "few 2"] {
        assert!(bodies[2..6].contains(&body.to_owned()), "{body} is not among {bodies:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_process_sends_is_received_by_one_that_waits() {
    let folder = tempfile::tempdir().unwrap();
    let ours = super::open(folder.path()).await;
    let theirs = local::open(folder.path(), OpenOptions::shared()).await.unwrap();
    let queue = ours.stack.queue.clone();
    let to = Address::live(domain::Stage::Ingest);
    let long = Duration::from_secs(60);
    let waiting = tokio::spawn(async move { queue.receive(to, 1, long, long).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    theirs.stack.queue.send(to, vec![Outgoing::now("m".into())]).await.unwrap();
    let got = tokio::time::timeout(long / 2, waiting).await.unwrap().unwrap().unwrap();
    assert_eq!(got[0].body, "m");
}
