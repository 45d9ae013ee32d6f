//! A rolling deployment and the way back: workers of the last landing and of this one share the queues.
//!
//! `make rolling` builds the programs of the commit before and names their folder by `PRECIS_FORMER`.

use crate::queues_are_empty;
use precis_tests::deployment::{Deployment, Plan, SERVICES, built};
use precis_tests::papers;
use precis_tests::shared::skip;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

const DOCUMENTS: usize = 100;

/// Ends those that run, as ECS does: all at once, each may finish what it holds.
fn end(deployment: &mut Deployment, which: std::ops::Range<usize>) {
    let mut ending: Vec<_> = deployment.workers.drain(which).collect();
    std::thread::scope(|scope| {
        for worker in &mut ending {
            scope.spawn(|| assert!(worker.terminate().1, "{} did not end well", worker.service));
        }
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_landing_and_this_one_share_the_queues_there_and_back() {
    let Some(former) = std::env::var_os("PRECIS_FORMER").map(PathBuf::from) else {
        return skip("no programs of the last landing (make rolling)");
    };
    let plan = Plan { programs: Some(former.clone()), ..Plan::default() };
    let Some(mut deployment) = Deployment::start(plan).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let scans = papers::scans();
    let count = DOCUMENTS - scans.len();
    let mut all: Vec<_> = (0..count).map(papers::good).collect();
    for (number, scan) in scans.into_iter().enumerate() {
        all.insert(number * 7, scan);
    }
    let mut keys = BTreeSet::new();
    for (number, paper) in all.iter().enumerate() {
        match number {
            // This landing's beside the last one's, then alone.
            20 => SERVICES.iter().for_each(|service| deployment.add(service, &built())),
            40 => end(&mut deployment, 0..SERVICES.len()),
            // And back.
            60 => SERVICES.iter().for_each(|service| deployment.add(service, &former)),
            80 => end(&mut deployment, 0..SERVICES.len()),
            _ => {}
        }
        if number % 20 == 0 {
            deployment.ready().await;
        }
        let file = paper.lay_into(folder.path());
        let key = format!("in/{}", file.file_name().unwrap().to_string_lossy());
        deployment.put(&key, &file).await;
        keys.insert(key);
    }
    let jobs = deployment.ended(DOCUMENTS, Duration::from_secs(600)).await;
    queues_are_empty(&deployment).await;
    let outcomes = deployment.outcomes().await;
    let told: BTreeSet<_> =
        outcomes.iter().filter_map(|o| o["document"]["key"].as_str().map(str::to_owned)).collect();
    println!("{DOCUMENTS} documents, rolled out and back: {} reports", outcomes.len());
    assert_eq!(told, keys, "each is told");
    assert_eq!((jobs.len(), outcomes.len()), (DOCUMENTS, DOCUMENTS), "and once");
    assert!(
        jobs.iter()
            .all(|job| job.outcome.as_ref().is_some_and(|o| o.kind == domain::OutcomeKind::Summarized))
    );
}
