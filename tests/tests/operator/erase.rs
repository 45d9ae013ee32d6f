//! Erasing and backfilling on a deployment.

use aws_sdk_dynamodb::types::AttributeValue;
use ports::{Address, QueueName};
use precis_tests::deployment::{Deployment, Plan};
use precis_tests::papers;
use precis_tests::program::Place;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(180);

/// All attributes of all items of a table, as text.
async fn everything(deployment: &Deployment, table: &str) -> String {
    let mut pages = deployment.aws.clients.dynamodb.scan().table_name(table).into_paginator().send();
    let mut all = String::new();
    while let Some(page) = pages.next().await {
        for item in page.unwrap().items() {
            for (name, value) in item {
                let value = match value {
                    AttributeValue::S(text) | AttributeValue::N(text) => text.clone(),
                    other => format!("{other:?}"),
                };
                all.push_str(&format!("{name}={value}\n"));
            }
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_an_erased_document_is_left_in_buckets_and_tables() {
    let Some(deployment) = Deployment::start(Plan::default()).await else { return };
    let place = Place::new();
    let objects = &deployment.aws.stack.objects;
    let (bucket, key) = (deployment.aws.names.uploads(), "private/geheimakte.txt");
    // Two versions of one key, and a neighbour with the bytes of the second.
    for number in [1, 2] {
        let file = papers::text(number).lay_into(place.folder());
        deployment.put(key, &file).await;
        deployment.ended(number, PATIENCE).await;
    }
    let twin = papers::text(2).lay_into(place.folder());
    deployment.put("private/twin.txt", &twin).await;
    let jobs = deployment.ended(3, PATIENCE).await;
    assert_eq!(objects.versions(&bucket, key).await.unwrap().len(), 2);
    let before = everything(&deployment, &deployment.aws.names.jobs()).await;
    assert!(before.contains("geheimakte"));

    deployment.precis(&["erase", key]).with_status(1).saying(&[
        "2  versions of the object",
        "2  jobs",
        "--yes",
        "Textract",
    ]);
    deployment.precis(&["erase", key, "--yes"]).with_status(0).saying(&["Erased."]);
    assert!(objects.versions(&bucket, key).await.unwrap().is_empty());
    let erased: Vec<_> = jobs.iter().filter(|job| job.document.key == key).collect();
    for job in &erased {
        assert!(objects.list(&format!("jobs/{}/", job.id)).await.unwrap().is_empty());
        let tombstone = deployment.aws.stack.jobs.get(&job.id).await.unwrap().unwrap();
        assert!(tombstone.is_forgotten(), "{tombstone:?}");
    }
    for table in [deployment.aws.names.jobs(), deployment.aws.names.claims()] {
        let left = everything(&deployment, &table).await;
        assert!(!left.contains("geheimakte"), "{table}: {left}");
        let claims = table == deployment.aws.names.claims();
        assert!(!claims || erased.iter().all(|job| !left.contains(job.id.as_str())), "{table}: {left}");
    }
    let neighbour = jobs.iter().find(|job| job.document.key == "private/twin.txt").unwrap();
    deployment.precis(&["result", neighbour.id.as_str()]).with_status(0).saying(&["[p. 1]"]);
    deployment.precis(&["job", erased[0].id.as_str()]).with_status(0).saying(&["ERASED at"]);
    // The events of the deletion change nothing.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(deployment.jobs().await.iter().filter(|job| job.is_erased()).count() == 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_that_were_there_before_are_sent_once_as_their_events_would_have_named_them() {
    let Some(deployment) = Deployment::start(Plan { copies: [0; 4], ..Plan::default() }).await else {
        return;
    };
    let place = Place::new();
    let mut wanted = Vec::new();
    for number in 0..3 {
        let file = papers::text(number).lay_into(place.folder());
        let document = deployment.put(&format!("in/{number}.txt"), &file).await;
        wanted.push(domain::event::ObjectEvent::job_id(&document));
    }
    let ingest = Address::live(QueueName::Ingest);
    while deployment.aws.stack.queue_admin.depth(ingest.queue).await.unwrap().waiting < 3 {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    deployment.precis(&["purge", "ingest", "--yes"]).with_status(0);
    let checkpoint = place.folder().join("checkpoint").display().to_string();
    let look = deployment.precis(&["backfill", "--json"]).with_status(0).json().remove(0);
    assert_eq!(
        (&look["documents"], &look["known"], &look["list_requests"]),
        (&3.into(), &0.into(), &1.into())
    );
    assert!(look["usd"][1].as_f64().unwrap() > 0.0);
    let send = ["backfill", "in/", "--yes", "--rate", "100", "--checkpoint", &checkpoint];
    deployment.precis(&send).with_status(0).saying(&["3 documents were sent"]);
    let mut told = Vec::new();
    while told.len() < 3 {
        let got =
            deployment.aws.stack.queue.receive(ingest, 10, PATIENCE, Duration::from_secs(2)).await.unwrap();
        for delivery in got {
            let events = domain::event::decode(&delivery.body).unwrap();
            for event in events {
                let domain::event::ObjectEvent::Created(document) = event else { panic!("{event:?}") };
                told.push(domain::event::ObjectEvent::job_id(&document));
            }
        }
    }
    told.sort();
    wanted.sort();
    assert_eq!(told, wanted);
}
