//! What one small text document costs in calls, counted by the services themselves. docs/aws-calls.md has the table.

use crate::{queues_are_empty, told_once};
use precis_tests::deployment::{Deployment, Plan};
use precis_tests::papers;
use std::time::{Duration, Instant};

const DOCUMENTS: usize = 40;

/// A request that the SDK repeated now and then is no regression; one more for each document is.
const REPEATED: f64 = 0.25;

/// Operations that write to DynamoDB. A transaction is one request.
const WRITES: [&str; 5] = ["PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_text_document_costs_no_more_calls_than_promised() {
    let Some(deployment) = Deployment::start(Plan::default()).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let calls = |service: &str| deployment.metric(&format!("precis_aws_calls_total{{service=\"{service}\""));
    let of = |service: &str, operation: &str| {
        deployment.metric(&format!("precis_aws_calls_total{{service=\"{service}\",operation=\"{operation}\""))
    };
    let writes = || WRITES.iter().map(|operation| of("DynamoDB", operation)).sum::<f64>();
    let cpu = || deployment.workers.iter().map(precis_tests::deployment::Worker::cpu).sum::<f64>();
    let services = ["SQS", "DynamoDB", "S3", "SNS", "Textract"];
    let (before, written, busy) = (services.map(calls), writes(), cpu());
    let begun = Instant::now();
    for number in 0..DOCUMENTS {
        let file = papers::text(number).lay_into(folder.path());
        deployment.put(&format!("in/{number}.txt"), &file).await;
    }
    deployment.ended(DOCUMENTS, Duration::from_secs(300)).await;
    let took = begun.elapsed();
    queues_are_empty(&deployment).await;
    let each = |count: f64| count / DOCUMENTS as f64;
    let [sqs, dynamodb, s3, sns, textract] = std::array::from_fn(|at| each(calls(services[at]) - before[at]));
    let (writes, busy) = (each(writes() - written), each(cpu() - busy));
    let rate = DOCUMENTS as f64 / took.as_secs_f64();
    println!(
        "for each document: SQS {sqs:.2}, DynamoDB {writes:.2} writes and {:.2} reads, S3 {s3:.2}, SNS {sns:.2}, Textract {textract:.2}",
        dynamodb - writes
    );
    println!("{rate:.1} documents a second; {:.0} ms of our processors for each", busy * 1e3);
    assert_eq!(told_once(&deployment.outcomes().await).len(), DOCUMENTS);
    assert!(sqs <= 12.0, "{sqs} SQS requests");
    assert!(writes <= 8.0 + REPEATED, "{writes} DynamoDB writes");
    assert!(s3 <= 6.0 + REPEATED, "{s3} S3 requests");
    assert!((sns - 2.0).abs() < 0.01, "{sns} SNS publishes");
    assert!(textract < 0.01, "{textract} Textract calls");
}
