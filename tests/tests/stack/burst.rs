//! Summaries come faster than e-mails may be sent: the first have their own, one e-mail tells of the others.
//!
//! A digest waits until its five minutes are over, so this is a part of `make soak`.

use crate::{queues_are_empty, soak, told_once};
use precis_tests::deployment::{Deployment, Plan};
use precis_tests::papers;
use precis_tests::shared::skip;
use std::time::Duration;

const DOCUMENTS: usize = 150;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_is_told_by_as_many_emails_as_the_pace_allows_and_by_digests() {
    if !soak() {
        return skip("a digest takes minutes (make soak)");
    }
    let env = vec![("PRECIS_EMAILS_PER_SECOND", "0.5".to_owned())];
    let Some(deployment) = Deployment::start(Plan { env, ..Plan::default() }).await else { return };
    let folder = tempfile::tempdir().unwrap();
    for number in 0..DOCUMENTS {
        let file = papers::text(number).lay_into(folder.path());
        deployment.put(&format!("in/{number}.txt"), &file).await;
    }
    let jobs = deployment.ended(DOCUMENTS, Duration::from_secs(600)).await;
    assert_eq!(told_once(&deployment.outcomes().await).len(), DOCUMENTS, "programs hear of each");
    let late = jobs.iter().filter(|job| job.digest.is_some()).count();
    let mut mails = deployment.mails().await;
    for _ in 0..80 {
        if mails.iter().any(|(subject, _)| subject.contains("documents summarized")) {
            break;
        }
        tokio::time::sleep(Duration::from_secs(10)).await;
        mails.extend(deployment.mails().await);
    }
    queues_are_empty(&deployment).await;
    mails.extend(deployment.mails().await);
    let (digests, single): (Vec<_>, Vec<_>) =
        mails.into_iter().partition(|(subject, _)| subject.contains("documents summarized"));
    println!("{DOCUMENTS} documents: {} e-mails, {late} told by {} digests", single.len(), digests.len());
    assert!(late > 20 && single.len() + late == DOCUMENTS, "each is told in one way");
    let counted = digests.iter().map(|(subject, _)| {
        let count = subject.trim_start_matches("[Precis] ").split(' ').next().unwrap_or_default();
        count.parse::<usize>().unwrap()
    });
    assert_eq!(counted.sum::<usize>(), late, "{digests:#?}");
    println!("{}\n\n{}", digests[0].0, digests[0].1);
}
