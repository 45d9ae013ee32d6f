//! The emulator is stopped in the middle of the work and started again, with all that it held.
//!
//! LocalStack's community edition keeps nothing over a restart, so this is MiniStack's to show.

use crate::queues_are_empty;
use precis_tests::deployment::{Deployment, Plan};
use precis_tests::ministack::MiniStack;
use precis_tests::papers;
use std::collections::BTreeSet;
use std::time::Duration;

const DOCUMENTS: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_the_emulator_delays_and_loses_nothing() {
    let Some(mut ministack) = MiniStack::start() else { return };
    let plan = Plan { copies: [2, 1, 1, 2], emulator: Some(ministack.endpoint.clone()), ..Plan::default() };
    let Some(deployment) = Deployment::start(plan).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let scans = papers::scans();
    let count = DOCUMENTS - scans.len();
    let all: Vec<_> = scans.into_iter().chain((0..count).map(papers::good)).collect();
    let mut keys = BTreeSet::new();
    for (number, paper) in all.iter().enumerate() {
        if number == DOCUMENTS / 2 {
            let open = deployment.jobs().await.iter().filter(|job| job.state != domain::State::Ended).count();
            ministack.stop();
            println!("stopped with {open} of {number} documents under way");
            tokio::time::sleep(Duration::from_secs(10)).await;
            ministack.go_on();
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
    println!("{DOCUMENTS} documents through a restart: {} reports", outcomes.len());
    assert_eq!(told, keys, "each is told");
    assert_eq!(jobs.len(), DOCUMENTS);
    assert!(
        jobs.iter()
            .all(|job| job.outcome.as_ref().is_some_and(|o| o.kind == domain::OutcomeKind::Summarized))
    );
}
