//! Every event ten times, in any order, to four workers: as many jobs, OCR starts and e-mails as documents.

use crate::{queues_are_empty, soak, told_once};
use domain::event;
use ports::{Address, Outgoing, QueueName};
use precis_tests::deployment::{Deployment, Plan};
use precis_tests::papers::{self, Chance};
use std::time::Duration;

const EVENTS: usize = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_ten_events_for_each_document_one_counts() {
    let Some(deployment) = Deployment::start(Plan { copies: [4, 1, 1, 1], ..Plan::default() }).await else {
        return;
    };
    let count = if soak() { 1000 } else { 100 };
    let folder = tempfile::tempdir().unwrap();
    let scans = papers::scans();
    let scanned = scans.len();
    let all: Vec<_> = scans.into_iter().chain((0..count - scanned).map(papers::good)).collect();
    let mut events = Vec::new();
    for paper in &all {
        let file = paper.lay_into(folder.path());
        let key = format!("in/{}", file.file_name().unwrap().to_string_lossy());
        let document = deployment.put(&key, &file).await;
        events.extend((1..EVENTS).map(|_| event::encode_created(&document)));
    }
    Chance::seeded("PRECIS_STORM_SEED").shuffle(&mut events);
    for batch in events.chunks(ports::queue::MAX_BATCH) {
        let messages = batch.iter().cloned().map(Outgoing::now).collect();
        let sent = deployment.aws.stack.queue.send(Address::live(QueueName::Ingest), messages).await.unwrap();
        assert!(sent.iter().all(Result::is_ok));
    }
    deployment.ended(count, Duration::from_secs(1800)).await;
    queues_are_empty(&deployment).await;
    let jobs = deployment.jobs().await;
    let outcomes = told_once(&deployment.outcomes().await);
    let mails = deployment.mails().await;
    let starts =
        deployment.metric("precis_aws_calls_total{service=\"Textract\",operation=\"DetectDocumentText\"");
    println!(
        "{count} documents, {} events: {} jobs, {starts} OCR calls, {} e-mails",
        count * EVENTS,
        jobs.len(),
        mails.len()
    );
    assert_eq!((jobs.len(), outcomes.len(), mails.len()), (count, count, count));
    assert!((starts - scanned as f64).abs() < 0.5, "{starts} OCR calls for {scanned} scans");
}
