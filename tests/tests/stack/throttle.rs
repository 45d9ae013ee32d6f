//! Textract's quotas: a burst of scans finishes at the speed of the quota, with no failure and no dead letter.

use crate::{queues_are_empty, soak, told_once};
use precis_tests::deployment::{Deployment, Plan};
use precis_tests::papers::{self, Paper};
use std::time::{Duration, Instant};

/// Scans of one page, each of its own: PNG readers leave alone what stands behind the image's end.
fn scans(count: usize) -> Vec<Paper> {
    let originals = papers::scans();
    (0..count)
        .map(|number| {
            let mut paper = originals[number % originals.len()].clone();
            paper.name = format!("{number}-{}", paper.name);
            paper.bytes.extend(format!("\n{number}").into_bytes());
            paper
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_scans_finishes_at_the_speed_of_the_quota() {
    let (count, rate) = if soak() { (200, "1") } else { (30, "2") };
    let plan = Plan {
        copies: [1, 2, 1, 1],
        // The services believe in twice the quota that there is, and learn.
        env: vec![
            ("PRECIS_TEXTRACT_DETECTS_PER_SECOND", (2 * rate.parse::<u32>().unwrap()).to_string()),
            ("PRECIS_EMAILS_PER_SECOND", "1000".to_owned()),
        ],
        textract: vec![
            ("TEXTRACT_LOCAL_DETECTS_PER_SECOND", rate.to_owned()),
            ("TEXTRACT_LOCAL_STARTS_PER_SECOND", rate.to_owned()),
            ("TEXTRACT_LOCAL_CONCURRENT_JOBS", "5".to_owned()),
        ],
        ..Plan::default()
    };
    let Some(deployment) = Deployment::start(plan).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    for paper in scans(count) {
        let file = paper.lay_into(folder.path());
        deployment.put(&format!("in/{}", file.file_name().unwrap().to_string_lossy()), &file).await;
    }
    let jobs = deployment.ended(count, Duration::from_secs(1800)).await;
    let took = begun.elapsed();
    queues_are_empty(&deployment).await;
    let told = told_once(&deployment.outcomes().await);
    assert!(told.len() == count && told.values().all(|outcome| outcome == "summarized"), "{told:?}");
    assert_eq!(jobs.len(), count);
    let calls =
        deployment.metric("precis_aws_calls_total{service=\"Textract\",operation=\"DetectDocumentText\"");
    let amplification = calls / count as f64;
    println!("{count} scans at {rate} a second: {took:?}, {calls} calls, {amplification:.2} for each");
    assert!(amplification <= 2.1, "{calls} calls for {count} scans");
}
