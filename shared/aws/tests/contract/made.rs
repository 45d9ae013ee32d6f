//! Fresh deployments: the parts that one promise needs, under a name of their own, taken away afterwards from an account.

use aws::client::Choice;
use aws::dynamodb::settings::Place;
use aws::{Aws, Limit, Limits, Names, Settings};
use aws_credential_types::Credentials;
use aws_sdk_dynamodb::types as db;
use aws_sdk_s3::types as s3;
use aws_sdk_sqs::types::QueueAttributeName;
use domain::settings::{Layer, Source};
use ports::contract::Fresh;
use ports::queue::MAX_RECEIVES;
use ports::{Address, QueueName, SettingsSource};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

const LEASES: usize = 3;

/// Where a deployment is made.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    LocalStack,
    MiniStack,
    /// The account of the environment's credentials.
    Account,
}

impl Target {
    fn variable(self) -> &'static str {
        match self {
            Self::LocalStack => "PRECIS_TEST_LOCALSTACK",
            Self::MiniStack => "PRECIS_TEST_MINISTACK",
            Self::Account => "PRECIS_TEST_AWS",
        }
    }

    /// Whether it can be tested against; says so if not.
    pub fn is_there(self) -> bool {
        let there = std::env::var(self.variable()).is_ok_and(|value| !value.is_empty());
        if !there {
            eprintln!("skipped: {} is not set (docker/host/emulators run …)", self.variable());
        }
        there
    }

    fn choice(self) -> Choice {
        match self {
            Self::Account => Choice::default(),
            Self::LocalStack | Self::MiniStack => Choice {
                region: Some("eu-west-1".into()),
                endpoint: Some(std::env::var(self.variable()).unwrap()),
                credentials: Some(Credentials::new("test", "test", None, None, "tests")),
                ..Choice::default()
            },
        }
    }
}

/// What is made of a deployment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Parts {
    Queues,
    Tables,
    Buckets {
        versions: bool,
    },
    /// The topics, and the table of who hears them.
    Topics,
}

/// A deployment of its own.
pub async fn deployment(target: Target, parts: Parts) -> Aws {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let stack = format!("t{}-{:x}-{number}", std::process::id(), jiff::Timestamp::now().as_second() & 0xFFFF);
    let concurrent = |most: usize| Limit { concurrent: Some(u32::try_from(most).unwrap()), per_second: None };
    let limits = Limits { ocr: concurrent(LEASES), publish: Limit::default(), ..Limits::default() };
    let settings = Settings { stack, limits, choice: target.choice(), ..Settings::default() };
    let aws = aws::connect(&settings).await.unwrap();
    match parts {
        Parts::Queues => queues(&aws).await,
        Parts::Tables => {
            table(&aws, &aws.names.jobs(), ("id", None), &INDEXES).await;
            table(&aws, &aws.names.claims(), ("name", None), &[]).await;
            table(&aws, &aws.names.settings(), ("kind", Some("name")), &[]).await;
        }
        Parts::Buckets { versions } => buckets(&aws, versions).await,
        Parts::Topics => {
            table(&aws, &aws.names.settings(), ("kind", Some("name")), &[]).await;
            for part in ["outcomes", "completions"] {
                let name = format!("{}-{part}", aws.names.stack);
                aws.clients.sns.create_topic().name(name).send().await.unwrap();
            }
        }
    }
    aws
}

/// A deployment as the contract suite wants it.
pub async fn fresh(target: Target, parts: Parts) -> Fresh {
    let aws = deployment(target, parts).await;
    let stack = aws.stack.clone();
    Fresh { stack, unit: Duration::from_secs(1), ocr_leases: LEASES, kept: Box::new(aws) }
}

const INDEXES: [(&str, &str, &str); 3] =
    [("by-state", "place", "order"), ("by-key", "document", "version_order"), ("by-head", "head", "id")];

async fn table(aws: &Aws, name: &str, key: (&str, Option<&str>), indexes: &[(&str, &str, &str)]) {
    let part = |name: &str, kind| {
        db::KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap()
    };
    let mut attributes = vec![key.0];
    attributes.extend(key.1);
    attributes.extend(indexes.iter().flat_map(|(_, hash, range)| [*hash, *range]));
    attributes.sort_unstable();
    attributes.dedup();
    let mut create = aws
        .clients
        .dynamodb
        .create_table()
        .table_name(name)
        .billing_mode(db::BillingMode::PayPerRequest)
        .key_schema(part(key.0, db::KeyType::Hash));
    if let Some(range) = key.1 {
        create = create.key_schema(part(range, db::KeyType::Range));
    }
    for attribute in attributes {
        let definition = db::AttributeDefinition::builder()
            .attribute_name(attribute)
            .attribute_type(db::ScalarAttributeType::S)
            .build();
        create = create.attribute_definitions(definition.unwrap());
    }
    for (index, hash, range) in indexes {
        let projection = db::Projection::builder().projection_type(db::ProjectionType::KeysOnly);
        let projection = if *index == "by-state" {
            projection
                .projection_type(db::ProjectionType::Include)
                .non_key_attributes("reason")
                .non_key_attributes("key")
        } else {
            projection
        };
        let index = db::GlobalSecondaryIndex::builder()
            .index_name(*index)
            .key_schema(part(hash, db::KeyType::Hash))
            .key_schema(part(range, db::KeyType::Range))
            .projection(projection.build());
        create = create.global_secondary_indexes(index.build().unwrap());
    }
    create.send().await.unwrap();
    loop {
        let described = aws.clients.dynamodb.describe_table().table_name(name).send().await.unwrap();
        if described.table().and_then(|table| table.table_status()) == Some(&db::TableStatus::Active) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn queue(aws: &Aws, address: Address) {
    let mut create = aws.clients.sqs.create_queue().queue_name(aws.names.queue(address));
    if !address.dead {
        let dead = aws.names.queue_arn(Address { dead: true, ..address });
        let redrive =
            format!("{{\"deadLetterTargetArn\":\"{dead}\",\"maxReceiveCount\":\"{MAX_RECEIVES}\"}}");
        create = create.attributes(QueueAttributeName::RedrivePolicy, redrive);
    }
    create.send().await.unwrap();
}

async fn queues(aws: &Aws) {
    let mut addresses = Names::addresses();
    addresses.sort_by_key(|address| !address.dead);
    for address in addresses {
        queue(aws, address).await;
    }
}

async fn buckets(aws: &Aws, versions: bool) {
    queue(aws, Address::dead(QueueName::Ingest)).await;
    queue(aws, Address::live(QueueName::Ingest)).await;
    let client = &aws.clients.s3;
    let region = s3::BucketLocationConstraint::from(aws.names.region.as_str());
    for bucket in [aws.names.uploads(), aws.names.results()] {
        let place = s3::CreateBucketConfiguration::builder().location_constraint(region.clone()).build();
        client.create_bucket().bucket(bucket).create_bucket_configuration(place).send().await.unwrap();
    }
    let uploads = aws.names.uploads();
    if versions {
        let on = s3::VersioningConfiguration::builder().status(s3::BucketVersioningStatus::Enabled).build();
        client.put_bucket_versioning().bucket(&uploads).versioning_configuration(on).send().await.unwrap();
    }
    let events = s3::QueueConfiguration::builder()
        .queue_arn(aws.names.queue_arn(Address::live(QueueName::Ingest)))
        .events(s3::Event::from("s3:ObjectCreated:*"))
        .build()
        .unwrap();
    let events = s3::NotificationConfiguration::builder().queue_configurations(events).build();
    let put =
        client.put_bucket_notification_configuration().bucket(&uploads).notification_configuration(events);
    put.send().await.unwrap();
    // What S3 sends to say that notifications are set up is no event of an object.
    let from = Address::live(QueueName::Ingest);
    let got =
        aws.stack.queue.receive(from, 10, Duration::from_secs(60), Duration::from_secs(1)).await.unwrap();
    for delivery in got {
        aws.stack.queue.settle(from, delivery.receipt, ports::Disposition::Delete).await.unwrap();
    }
}

pub async fn settings_hold_for_their_place(target: Target) {
    let aws = deployment(target, Parts::Tables).await;
    let layer = |words: &str| Layer::from_pairs([("words", words)]).unwrap();
    let place = |bucket: &str, prefix: &str| Place { bucket: bucket.into(), prefix: prefix.into() };
    for (place, words) in [
        (place("", ""), "90"),
        (place("b", ""), "80"),
        (place("b", "in/"), "70"),
        (place("b", "in/deep/"), "60"),
        (place("other", ""), "50"),
    ] {
        aws.settings.put(&place, &layer(words)).await.unwrap();
    }
    let layers = aws.settings.layers("b", "in/deep/k").await.unwrap();
    assert_eq!(
        layers,
        [
            (Source::File, layer("90")),
            (Source::File, layer("80")),
            (Source::Prefix("in/".into()), layer("70")),
            (Source::Prefix("in/deep/".into()), layer("60")),
        ]
    );
    aws.settings.delete(&place("b", "in/")).await.unwrap();
    assert_eq!(aws.settings.layers("b", "in/deep/k").await.unwrap().len(), 3);
    assert_eq!(aws.settings.layers("c", "k").await.unwrap(), [(Source::File, layer("90"))]);
}
