//! AWS out of order: an endpoint that answers errors for a while or not at all, and a table that lacks its index.

use crate::between::{Between, Weather};
use crate::{queues_are_empty, told_once};
use aws_sdk_dynamodb::types::{BillingMode, GlobalSecondaryIndex, TableDescription};
use domain::{Job, OutcomeKind};
use precis_tests::deployment::{Deployment, Plan, emulator};
use precis_tests::papers;
use std::collections::BTreeSet;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_fails_and_then_is_gone_for_a_while_delays_and_loses_nothing() {
    let Some((endpoint, _)) = emulator() else { return };
    let between = Between::new(&endpoint).await;
    let mut plan = Plan { copies: [2, 1, 1, 2], ..Plan::default() };
    plan.env.push(("AWS_ENDPOINT_URL", between.address.clone()));
    let Some(deployment) = Deployment::start(plan).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let all: Vec<_> = (0..40).map(papers::good).collect();
    for (number, paper) in all.iter().enumerate() {
        match number {
            10 => between.turns(Weather::Errors),
            20 => between.turns(Weather::Gone),
            _ => {}
        }
        if matches!(number, 10 | 20) {
            tokio::time::sleep(Duration::from_secs(30)).await;
        }
        let file = paper.lay_into(folder.path());
        deployment.put(&format!("in/{}", file.file_name().unwrap().to_string_lossy()), &file).await;
    }
    between.turns(Weather::Fair);
    deployment.ended(all.len(), Duration::from_secs(600)).await;
    queues_are_empty(&deployment).await;
    let outcomes = deployment.outcomes().await;
    let told: BTreeSet<_> = outcomes.iter().map(|outcome| outcome["job"].to_string()).collect();
    println!("{} documents through a minute of outage: {} reports", all.len(), outcomes.len());
    assert_eq!(told.len(), all.len(), "each is told");
    assert!(all_summarized(&deployment.jobs().await));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_expired_and_a_wrong_clock_delay_are_explained_and_lose_nothing() {
    let Some((endpoint, _)) = emulator() else { return };
    let between = Between::new(&endpoint).await;
    let mut plan = Plan::default();
    plan.env.push(("AWS_ENDPOINT_URL", between.address.clone()));
    let Some(deployment) = Deployment::start(plan).await else { return };
    let folder = tempfile::tempdir().unwrap();
    for number in 0..20 {
        match number {
            5 => between.turns(Weather::Expired),
            10 => between.turns(Weather::Clock),
            15 => between.turns(Weather::Fair),
            _ => {}
        }
        let file = papers::good(number).lay_into(folder.path());
        deployment.put(&format!("in/{number}"), &file).await;
        if matches!(number, 5 | 10) {
            tokio::time::sleep(Duration::from_secs(30)).await;
        }
    }
    let jobs = deployment.ended(20, Duration::from_secs(600)).await;
    queues_are_empty(&deployment).await;
    assert!(all_summarized(&jobs));
    let said = deployment.said();
    assert!(said.contains("The security token included in the request is expired"), "{said}");
    assert!(said.contains("This machine's clock is wrong: set it"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kms_key_that_we_may_not_use_is_named_to_the_operator_and_a_retry_mends() {
    let Some((endpoint, _)) = emulator() else { return };
    let between = Between::new(&endpoint).await;
    let mut plan = Plan::default();
    plan.env.push(("AWS_ENDPOINT_URL_S3", between.address.clone()));
    let Some(deployment) = Deployment::start(plan).await else { return };
    let folder = tempfile::tempdir().unwrap();
    between.turns(Weather::NoKey);
    let file = papers::good(1).lay_into(folder.path());
    deployment.put("in/locked.txt", &file).await;
    let jobs = deployment.ended(1, Duration::from_secs(120)).await;
    let outcome = jobs[0].outcome.clone().unwrap();
    assert_eq!((outcome.kind, outcome.reason), (OutcomeKind::Failed, Some(domain::Reason::AccessDenied)));
    let mails = deployment.mails().await;
    let (subject, text) = &mails[0];
    assert!(subject.contains("access was denied"), "{subject}");
    assert!(text.contains("kms:Decrypt") && text.contains("precis doctor"), "{text}");
    between.turns(Weather::Fair);
    let retried = deployment.precis(&["retry", "--reason", "ACCESS_DENIED"]);
    assert_eq!(retried.status, 0, "{retried:?}");
    assert!(all_summarized(&deployment.ended(1, Duration::from_secs(120)).await));
    assert_eq!(deployment.mails().await.len(), 1);
}

fn all_summarized(jobs: &[Job]) -> bool {
    jobs.iter().all(|job| job.outcome.as_ref().is_some_and(|outcome| outcome.kind == OutcomeKind::Summarized))
}

/// The table of jobs as it was described, with these of its indexes.
async fn make_jobs(deployment: &Deployment, described: &TableDescription, keep: impl Fn(&str) -> bool) {
    let indexes =
        described.global_secondary_indexes().iter().filter(|index| keep(index.index_name().unwrap()));
    let indexes: Vec<_> = indexes
        .map(|index| {
            GlobalSecondaryIndex::builder()
                .set_index_name(index.index_name.clone())
                .set_key_schema(index.key_schema.clone())
                .set_projection(index.projection.clone())
                .build()
                .unwrap()
        })
        .collect();
    let keys = described.key_schema().iter().chain(indexes.iter().flat_map(|index| index.key_schema()));
    let used: BTreeSet<_> = keys.map(|key| key.attribute_name().to_owned()).collect();
    let attributes = described.attribute_definitions().iter().filter(|a| used.contains(a.attribute_name()));
    let create = deployment
        .aws
        .clients
        .dynamodb
        .create_table()
        .table_name(deployment.aws.names.jobs())
        .set_key_schema(described.key_schema.clone())
        .set_attribute_definitions(Some(attributes.cloned().collect()))
        .set_global_secondary_indexes(Some(indexes))
        .billing_mode(BillingMode::PayPerRequest);
    create.send().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_table_of_jobs_or_an_index_of_it_documents_wait() {
    let Some(deployment) = Deployment::start(Plan::default()).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let client = &deployment.aws.clients.dynamodb;
    let name = deployment.aws.names.jobs();
    let described = client.describe_table().table_name(&name).send().await.unwrap().table.unwrap();
    let drop_table = async || client.delete_table().table_name(&name).send().await.map(|_| ()).unwrap();
    drop_table().await;
    for number in 0..3 {
        let file = papers::good(number).lay_into(folder.path());
        deployment.put(&format!("in/{number}"), &file).await;
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    make_jobs(&deployment, &described, |index| index != "by-key").await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(deployment.messages().await.1, 0, "nothing is given up");
    drop_table().await;
    make_jobs(&deployment, &described, |_| true).await;
    let jobs = deployment.ended(3, Duration::from_secs(300)).await;
    assert!(jobs.iter().all(|job| job.outcome.as_ref().unwrap().kind == OutcomeKind::Summarized));
    assert_eq!(told_once(&deployment.outcomes().await).len(), 3);
    assert!(deployment.said().contains("ResourceNotFoundException"), "the logs say what is missing");
}
