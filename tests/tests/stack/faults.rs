//! kill -9 at any time, and messages that no service of ours sent: each document has one end, none is lost.

use crate::{queues_are_empty, told_once};
use precis_tests::deployment::{Deployment, Plan};
use precis_tests::papers::{self, Chance};
use std::collections::BTreeSet;
use std::time::Duration;

const DOCUMENTS: usize = 100;
const KILLS: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_kills_among_two_copies_of_each_service_lose_nothing() {
    let Some(mut deployment) = Deployment::start(Plan { copies: [2; 4], ..Plan::default() }).await else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut chance = Chance::seeded("PRECIS_KILL_SEED");
    let scans = papers::scans();
    let count = DOCUMENTS - scans.len();
    let all: Vec<_> = scans.into_iter().chain((0..count).map(papers::good)).collect();
    let mut keys = BTreeSet::new();
    for (number, paper) in all.iter().enumerate() {
        let file = paper.lay_into(folder.path());
        let key = format!("in/{}", file.file_name().unwrap().to_string_lossy());
        deployment.put(&key, &file).await;
        keys.insert(key);
        if number % (DOCUMENTS / KILLS) == 0 {
            tokio::time::sleep(Duration::from_millis(chance.below(400))).await;
            let victims = deployment.workers.len() as u64;
            let victim = usize::try_from(chance.below(victims)).unwrap();
            deployment.workers[victim].kill_and_restart();
        }
    }
    let jobs = deployment.ended(DOCUMENTS, Duration::from_secs(900)).await;
    queues_are_empty(&deployment).await;
    let outcomes = deployment.outcomes().await;
    let told: BTreeSet<_> = outcomes
        .iter()
        .filter_map(|outcome| outcome["document"]["key"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(told, keys, "each is told");
    assert_eq!(jobs.len(), DOCUMENTS);
    let repeated = outcomes.len() - told.len();
    println!("{KILLS} kills, {DOCUMENTS} documents: {} reports, {repeated} of them repeated", outcomes.len());
    // SNS knows no ids: a kill between a publish and its commit repeats what was in hand there.
    assert!(repeated <= KILLS, "{repeated} reports were repeated");
    assert!(
        jobs.iter()
            .all(|job| job.outcome.as_ref().is_some_and(|o| o.kind == domain::OutcomeKind::Summarized))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_event_and_what_is_gone_harm_nobody() {
    let Some(deployment) = Deployment::start(Plan::default()).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let good = papers::good(1).lay_into(folder.path());
    let gone = deployment.put("in/gone.txt", &papers::good(2).lay_into(folder.path())).await;
    let client = &deployment.aws.clients.s3;
    deployment.ended(1, Duration::from_secs(120)).await;
    client.delete_object().bucket(&gone.bucket).key(&gone.key).send().await.unwrap();
    let never = domain::Document { key: "in/never.txt".into(), ..gone.clone() };
    let elsewhere = domain::Document { bucket: "no-bucket-of-ours".into(), key: "in/x.txt".into(), ..gone };
    let event = |document| domain::event::encode_created(document);
    let wrapped = |message: &str| {
        serde_json::json!({ "Type": "Notification", "TopicArn": "arn:aws:sns:eu-west-1:1:t", "Message": message }).to_string()
    };
    let bodies = vec![
        event(&never),
        event(&elsewhere),
        r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-11-28T00:00:00Z","Bucket":"b"}"#
            .to_owned(),
        wrapped("no JSON at all"),
        wrapped(&event(&never)),
        "x".repeat(256 * 1024),
    ];
    let to = ports::Address::live(ports::QueueName::Ingest);
    for body in bodies {
        let sent = deployment.aws.stack.queue.send(to, vec![ports::Outgoing::now(body)]).await.unwrap();
        assert!(sent[0].is_ok(), "{sent:?}");
    }
    // A completion by somebody who may not: it names a job and is not from our topic.
    let forged = r#"{"JobId":"forged","Status":"SUCCEEDED","JobTag":"00000000000000000000000000000000"}"#;
    let to = ports::Address::live(ports::QueueName::OcrCompleted);
    deployment.aws.stack.queue.send(to, vec![ports::Outgoing::now(forged.into())]).await.unwrap();
    deployment.put("in/good.txt", &good).await;
    let jobs = deployment.ended(4, Duration::from_secs(240)).await;
    let reason = |key: &str| {
        let job =
            jobs.iter().find(|job| job.document.key == key).unwrap_or_else(|| panic!("{key} has no job"));
        let outcome = job.outcome.clone().unwrap();
        (outcome.kind, outcome.reason)
    };
    use domain::{OutcomeKind, Reason};
    assert_eq!(reason("in/never.txt"), (OutcomeKind::Superseded, Some(Reason::Deleted)));
    assert_eq!(reason("in/x.txt"), (OutcomeKind::Failed, Some(Reason::AccessDenied)));
    assert_eq!(reason("in/good.txt").0, OutcomeKind::Summarized);
    for _ in 0..60 {
        if deployment.messages().await == (0, 2) {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(deployment.messages().await, (0, 2), "what nobody understands waits for an operator");
    assert!(
        deployment.metric("precis_ocr_completions_ignored_total") >= 1.0,
        "a forged completion is counted"
    );
    assert!(!told_once(&deployment.outcomes().await).is_empty());
    for secret in ["forged completion", "no JSON at all", "AWS_SECRET"] {
        assert!(!deployment.said().contains(secret), "{secret:?} stands in a log");
    }
}
