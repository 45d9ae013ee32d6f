//! One machine keeps every promise of the ports.

use local::OpenOptions;
use ports::contract::{self, Fresh};
use std::time::Duration;

const LEASES: usize = 3;

async fn fresh() -> Fresh {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("precis.toml"), format!("[gates.ocr]\nconcurrent = {LEASES}\n")).unwrap();
    let local = local::open(&data, OpenOptions::exclusive()).await.unwrap();
    Fresh { stack: local.stack, unit: Duration::from_millis(100), ocr_leases: LEASES, kept: Box::new(folder) }
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
async fn topics_keep_their_contract() {
    contract::topic(fresh).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_process_sends_is_received_by_one_that_waits() {
    let folder = tempfile::tempdir().unwrap();
    let ours = super::open(folder.path()).await;
    let theirs = local::open(folder.path(), OpenOptions::shared()).await.unwrap();
    let queue = ours.stack.queue.clone();
    let to = ports::Address::live(domain::Stage::Ingest);
    let long = Duration::from_secs(60);
    let waiting = tokio::spawn(async move { queue.receive(to, 1, long, long).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    theirs.stack.queue.send(to, vec![ports::Outgoing::now("m".into())]).await.unwrap();
    let got = tokio::time::timeout(long / 2, waiting).await.unwrap().unwrap().unwrap();
    assert_eq!(got[0].body, "m");
}
