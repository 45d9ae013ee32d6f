//! What an operator relies on where things cost and get lost: a monthly cap of OCR that holds over all tasks, and documents
//! whose event never came.

use crate::told_once;
use domain::Reason;
use precis_tests::deployment::{Deployment, Plan};
use precis_tests::papers;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(300);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cap_holds_over_all_tasks_and_what_it_stops_is_told_once_and_runs_again() {
    let plan = Plan { copies: [1, 2, 1, 1], ..Plan::default() };
    let Some(deployment) = Deployment::start(plan).await else { return };
    deployment.precis(&["settings", "scans/", "--set", "ocr_monthly_pages=3"]).with_status(0).saying(&["3"]);
    let folder = tempfile::tempdir().unwrap();
    let originals = papers::scans();
    for number in 0..8 {
        let mut paper = originals[number % originals.len()].clone();
        paper.name = format!("{number}-{}", paper.name);
        paper.bytes.extend(format!("\n{number}").into_bytes());
        let file = paper.lay_into(folder.path());
        deployment.put(&format!("scans/{}", paper.name), &file).await;
    }
    let detects =
        || deployment.metric("precis_aws_calls_total{service=\"Textract\",operation=\"DetectDocumentText\"");
    let jobs = deployment.ended(8, PATIENCE).await;
    let stopped: Vec<_> = jobs
        .iter()
        .filter(|job| job.outcome.as_ref().is_some_and(|outcome| outcome.reason == Some(Reason::OcrBudget)))
        .collect();
    assert_eq!((stopped.len(), detects()), (5, 3.0), "no page more is paid for than the cap has");
    let paid: u32 = jobs.iter().map(|job| job.cost.ocr_paid).sum();
    let usd: f64 = jobs.iter().map(|job| job.cost.usd).sum();
    assert!(paid == 3 && (usd - 3.0 * 0.0015).abs() < 1e-9, "{paid} pages, ${usd}");
    assert_eq!(told_once(&deployment.outcomes().await).len(), 8, "programs hear of each");
    let mails = deployment.mails().await;
    let about: Vec<_> = mails.iter().filter(|(_, text)| text.contains("OCR_BUDGET")).collect();
    assert_eq!((about.len(), mails.len()), (1, 4), "operators hear of it once: {mails:#?}");
    let counted = &jobs.iter().find(|job| job.cost.ocr_paid == 1).unwrap().cost.calls;
    assert!(
        counted.s3 >= 6 && counted.dynamodb >= 6 && counted.textract == 1 && counted.sns == 2,
        "{counted:?}"
    );

    deployment.precis(&["settings", "scans/", "--set", "ocr_monthly_pages=8"]).with_status(0);
    // Services read settings again within ten seconds.
    tokio::time::sleep(Duration::from_secs(11)).await;
    deployment.precis(&["retry", "--reason", "OCR_BUDGET"]).with_status(0).saying(&["run 2 started"]);
    let jobs = deployment.ended(8, PATIENCE).await;
    let summarized = jobs.iter().filter(|job| job.outcome == Some(domain::Outcome::summarized())).count();
    assert_eq!((summarized, detects()), (8, 8.0));
    let sums = deployment.precis(&["cost", "--since", "2020-01-01", "--json"]).with_status(0).json();
    assert_eq!((&sums[0]["prefix"], &sums[0]["ocr_paid"]), (&"scans/".into(), &8.into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_whose_event_was_lost_gets_its_summary() {
    let env = vec![
        ("PRECIS_LISTING_EVERY", "3".to_owned()),
        ("PRECIS_LISTING_AFTER", "1".to_owned()),
        ("PRECIS_EMAILS_PER_SECOND", "1000".to_owned()),
    ];
    let Some(deployment) = Deployment::start(Plan { copies: [2, 1, 1, 1], env, ..Plan::default() }).await
    else {
        return;
    };
    let none = aws_sdk_s3::types::NotificationConfiguration::builder().build();
    let silence = deployment.aws.clients.s3.put_bucket_notification_configuration();
    silence.bucket(deployment.aws.names.uploads()).notification_configuration(none).send().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = papers::text(1).lay_into(folder.path());
    let document = deployment.put("in/lost.txt", &file).await;
    let jobs = deployment.ended(1, PATIENCE).await;
    assert_eq!(jobs[0].id, domain::event::ObjectEvent::job_id(&document));
    assert_eq!(jobs[0].outcome, Some(domain::Outcome::summarized()));
    assert!(deployment.metric("precis_events_repaired_total") >= 1.0);
}
