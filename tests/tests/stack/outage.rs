//! AWS out of order: an endpoint that answers errors for a while or not at all, and a table that lacks its index.

use crate::{queues_are_empty, told_once};
use aws_sdk_dynamodb::types::{BillingMode, GlobalSecondaryIndex, TableDescription};
use precis_tests::deployment::{Deployment, Plan, emulator};
use precis_tests::papers;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How what stands between behaves.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Weather {
    Fair,
    /// Every request is answered by an error of the server.
    Errors,
    /// Every connection is closed at once.
    Gone,
}

/// Stands between the services and the emulator.
struct Between {
    address: String,
    weather: watch::Sender<Weather>,
}

impl Between {
    async fn new(endpoint: &str) -> Self {
        let upstream: Arc<str> = endpoint.trim_start_matches("http://").into();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (weather, seen) = watch::channel(Weather::Fair);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(carry(stream, Arc::clone(&upstream), seen.clone()));
            }
        });
        Self { address, weather }
    }

    fn turns(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

/// Carries one connection for as long as the weather does not turn.
async fn carry(mut stream: TcpStream, upstream: Arc<str>, mut seen: watch::Receiver<Weather>) {
    let weather = *seen.borrow_and_update();
    match weather {
        Weather::Gone => {}
        Weather::Errors => {
            let _ = stream.read(&mut [0; 4096]).await;
            let answer =
                "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            let _ = stream.write_all(answer.as_bytes()).await;
        }
        Weather::Fair => {
            let Ok(mut to) = TcpStream::connect(&*upstream).await else { return };
            tokio::select! {
                _ = copy_bidirectional(&mut stream, &mut to) => {}
                _ = seen.changed() => {}
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_fails_and_then_is_gone_for_a_while_delays_and_loses_nothing() {
    let Some((endpoint, _)) = emulator() else { return };
    let between = Between::new(&endpoint).await;
    let plan = Plan { copies: [2, 1, 1, 2], between: Some(between.address.clone()), ..Plan::default() };
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
    let mut outcomes = deployment.outcomes().await;
    let count = outcomes.len();
    outcomes.dedup_by(|a, b| a["job"] == b["job"]);
    println!("{} documents through a minute of outage: {count} reports", all.len());
    assert!(deployment.jobs().await.iter().all(|job| {
        job.outcome.as_ref().is_some_and(|outcome| outcome.kind == domain::OutcomeKind::Summarized)
    }));
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
    assert!(jobs.iter().all(|job| job.outcome.as_ref().unwrap().kind == domain::OutcomeKind::Summarized));
    assert_eq!(told_once(&deployment.outcomes().await).len(), 3);
    assert!(deployment.said().contains("ResourceNotFoundException"), "the logs say what is missing");
}
