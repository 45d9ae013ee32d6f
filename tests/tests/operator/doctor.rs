//! `precis doctor --stack`: what is broken is named, and its advice, run word for word, mends it.

use aws::Aws;
use aws_sdk_dynamodb::types::{
    DeleteGlobalSecondaryIndexAction, GlobalSecondaryIndexUpdate, TimeToLiveSpecification,
};
use aws_sdk_s3::types::NotificationConfiguration;
use aws_sdk_sqs::types::QueueAttributeName;
use ports::{Address, QueueName};
use precis_tests::deployment::{Deployment, Plan, emulator};
use precis_tests::program::{Ran, program, run};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

fn doctor(deployment: &Deployment) -> Ran {
    deployment.precis(&["doctor"])
}

/// The commands that it printed.
fn advice(said: &Ran) -> Vec<String> {
    said.out.lines().filter_map(|line| line.trim_start().strip_prefix("Do: ")).map(str::to_owned).collect()
}

/// Runs a command as a person would paste it, with the AWS CLI and `precis` on the path.
fn paste(deployment: &Deployment, command: &str) {
    let python = std::env::var("PRECIS_TEST_PYTHON").unwrap();
    let (clients, ours) = (Path::new(&python).parent().unwrap(), program());
    let before = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{}:{before}", clients.display(), ours.parent().unwrap().display());
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command).env("PATH", path).envs(deployment.environment()).env_remove("AWS_CA_BUNDLE");
    run(&mut shell).with_status(0);
}

/// One thing is broken: doctor names it alone, and what it says mends it.
fn named_and_mended(deployment: &Deployment, names: &[&str]) {
    let said = doctor(deployment).with_status(1).saying(names);
    assert_eq!(said.out.matches("WRONG").count(), 1, "{}", said.out);
    for command in advice(&said) {
        paste(deployment, &command);
    }
    let well = doctor(deployment).with_status(0);
    assert!(!well.out.contains("WRONG"), "{}", well.out);
}

async fn url(aws: &Aws, address: Address) -> String {
    let asked = aws.clients.sqs.get_queue_url().queue_name(aws.names.queue(address)).send().await.unwrap();
    asked.queue_url.unwrap()
}

async fn set(aws: &Aws, queue: QueueName, name: QueueAttributeName, value: &str) {
    let url = url(aws, Address::live(queue)).await;
    aws.clients.sqs.set_queue_attributes().queue_url(url).attributes(name, value).send().await.unwrap();
}

/// ARN of the subscription by which the queue hears Textract.
async fn completions(aws: &Aws) -> String {
    let ask = aws.clients.sns.list_subscriptions_by_topic().topic_arn(aws.names.textract_completed_arn());
    let all = ask.send().await.unwrap();
    all.subscriptions()[0].subscription_arn().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_broken_in_a_deployment_is_named_and_the_advice_mends_it_word_for_word() {
    let Some(deployment) = Deployment::start(Plan { copies: [0; 4], ..Plan::default() }).await else {
        return;
    };
    let rooms = aws::doctor::ROOMS.map(|room| format!("ok    {room}"));
    let rooms: Vec<_> = rooms.iter().map(String::as_str).collect();
    doctor(&deployment).with_status(0).saying(&rooms);
    queues(&deployment).await;
    topics(&deployment).await;
    buckets(&deployment).await;
    tables(&deployment).await;
    deployment
        .precis(&["doctor", "--check", "smtp"])
        .with_status(1)
        .saying(&["there is no check", "textract"]);
}

async fn queues(deployment: &Deployment) {
    let aws = &deployment.aws;
    set(aws, QueueName::Notify, QueueAttributeName::RedrivePolicy, "").await;
    named_and_mended(deployment, &["-notify has no redrive policy"]);
    set(aws, QueueName::Ingest, QueueAttributeName::Policy, "").await;
    named_and_mended(deployment, &["the queue policy of", "-ingest does not let the bucket"]);
    set(aws, QueueName::OcrCompleted, QueueAttributeName::Policy, "").await;
    named_and_mended(deployment, &["-ocr-completed does not let the topic"]);
    let gone = url(aws, Address::live(QueueName::Ingest)).await;
    aws.clients.sqs.delete_queue().queue_url(gone).send().await.unwrap();
    named_and_mended(deployment, &["there is no queue", "-ingest"]);
}

async fn topics(deployment: &Deployment) {
    let aws = &deployment.aws;
    let arn = completions(aws).await;
    aws.clients.sns.unsubscribe().subscription_arn(arn).send().await.unwrap();
    named_and_mended(deployment, &["ocr-completed is not subscribed"]);
    let change = aws.clients.sns.set_subscription_attributes().subscription_arn(completions(aws).await);
    change.attribute_name("RawMessageDelivery").attribute_value("false").send().await.unwrap();
    named_and_mended(deployment, &["does not get Textract's messages raw"]);
    aws.clients.sns.delete_topic().topic_arn(aws.names.outcomes_arn()).send().await.unwrap();
    named_and_mended(deployment, &["there is no topic", "-outcomes"]);
}

async fn buckets(deployment: &Deployment) {
    let aws = &deployment.aws;
    let nothing = NotificationConfiguration::builder().build();
    let put = aws.clients.s3.put_bucket_notification_configuration().bucket(aws.names.uploads());
    put.notification_configuration(nothing).send().await.unwrap();
    named_and_mended(deployment, &["does not lead to the queue ingest"]);
    aws.clients.s3.delete_public_access_block().bucket(aws.names.results()).send().await.unwrap();
    named_and_mended(deployment, &["its public access is not blocked"]);
}

async fn tables(deployment: &Deployment) {
    let (aws, dynamodb) = (&deployment.aws, &deployment.aws.clients.dynamodb);
    let gone = DeleteGlobalSecondaryIndexAction::builder().index_name("by-key").build().unwrap();
    let update = GlobalSecondaryIndexUpdate::builder().delete(gone).build();
    let drop = dynamodb.update_table().table_name(aws.names.jobs()).global_secondary_index_updates(update);
    drop.send().await.unwrap();
    named_and_mended(deployment, &["lacks its index by-key"]);
    let off = TimeToLiveSpecification::builder().enabled(false).attribute_name("expires_at").build().unwrap();
    let update = dynamodb.update_time_to_live().table_name(aws.names.jobs()).time_to_live_specification(off);
    update.send().await.unwrap();
    named_and_mended(deployment, &["has no time to live"]);
    dynamodb.delete_table().table_name(aws.names.claims()).send().await.unwrap();
    named_and_mended(deployment, &["there is no table", "-claims"]);
}

/// What SNS mailed to the only address: LocalStack tells it to whoever asks.
async fn token(deployment: &Deployment) -> String {
    let aws = &deployment.aws;
    let ask = aws.clients.sns.list_subscriptions_by_topic().topic_arn(aws.names.completions_arn());
    let all = ask.send().await.unwrap();
    let mail = all.subscriptions().iter().find(|one| one.protocol() == Some("email")).unwrap();
    let (endpoint, _) = emulator().unwrap();
    let host = endpoint.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).unwrap();
    let path = format!("/_aws/sns/subscription-tokens/{}", mail.subscription_arn().unwrap());
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    page.split("\"subscription_token\": \"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stack_that_is_not_there_is_one_finding_and_an_address_that_did_not_confirm_another() {
    let Some(deployment) = Deployment::start(Plan { copies: [0; 4], ..Plan::default() }).await else {
        return;
    };
    let mut other = precis_tests::program::precis();
    other.args(["doctor", "--stack", "nowhere"]).envs(deployment.environment()).env_remove("AWS_CA_BUNDLE");
    let said =
        run(&mut other).with_status(1).saying(&["no queue of the stack nowhere", "cloudformation deploy"]);
    assert_eq!(said.out.matches("WRONG").count(), 1, "{}", said.out);

    deployment.precis(&["subscribe", "ann@example.org"]).with_status(0);
    let said =
        doctor(&deployment).with_status(1).saying(&["ann@example.org has not confirmed", "--confirm 'LINK'"]);
    assert_eq!(said.out.matches("WRONG").count(), 1, "{}", said.out);
    let link =
        format!("https://sns.example.org/?Action=ConfirmSubscription&Token={}", token(&deployment).await);
    for command in advice(&said) {
        paste(&deployment, &command.replace("LINK", &link));
    }
    doctor(&deployment).with_status(0);

    let mut nobody = precis_tests::program::precis();
    nobody
        .args(["doctor", "--stack", "any"])
        .envs(deployment.environment())
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    run(&mut nobody).with_status(1).saying(&["WRONG credentials", "Do: "]);
}
