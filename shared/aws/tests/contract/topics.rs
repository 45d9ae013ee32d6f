//! What each address hears, seen by queues that subscribe with the policies that Precis makes.

use aws::Aws;
use domain::{Audience, JobId, OutcomeKind, Reason};
use ports::contract::Fresh;
use ports::{Channel, Endpoint, Notification, Subscription};
use std::time::Duration;

fn told(key: &str, outcome: OutcomeKind, reason: Option<Reason>) -> Notification {
    let job = JobId::of("b", key, "1");
    Notification {
        id: format!("{job}-1"),
        job: Some(job),
        run: 1,
        bucket: "b".into(),
        key: key.into(),
        outcome,
        reason,
        audience: reason.map_or(Audience::Sender, Reason::audience),
        subject: format!("about {key}"),
        text: format!("text of {key}"),
        markdown: String::new(),
        json: format!("{{\"key\":\"{key}\"}}"),
    }
}

fn subscription(address: &str, prefix: &str, outcomes: &[OutcomeKind], audience: Audience) -> Subscription {
    Subscription {
        id: String::new(),
        endpoint: Endpoint::Email(address.into()),
        outcomes: outcomes.to_vec(),
        prefix: prefix.into(),
        audience,
        created_at: jiff::Timestamp::UNIX_EPOCH,
    }
}

/// The policy that SNS has for an address, as it was given.
async fn policy(aws: &Aws, address: &str) -> Option<String> {
    let listed = aws.clients.sns.list_subscriptions_by_topic().topic_arn(aws.names.completions_arn());
    let listed = listed.send().await.unwrap();
    let found = listed.subscriptions().iter().find(|found| found.endpoint() == Some(address))?;
    let arn = found.subscription_arn()?.to_owned();
    let attributes =
        aws.clients.sns.get_subscription_attributes().subscription_arn(arn).send().await.unwrap();
    attributes.attributes().and_then(|attributes| attributes.get("FilterPolicy")).cloned()
}

/// A queue that hears what a policy lets through, beside the address that has it.
async fn listener(aws: &Aws, name: &str, policy: &str) -> String {
    let name = format!("{}-{name}", aws.names.stack);
    let queue = aws.clients.sqs.create_queue().queue_name(&name).send().await.unwrap();
    let arn = format!("arn:aws:sqs:{}:{}:{name}", aws.names.region, aws.names.account);
    let subscribe = aws
        .clients
        .sns
        .subscribe()
        .topic_arn(aws.names.completions_arn())
        .protocol("sqs")
        .endpoint(arn)
        .attributes("RawMessageDelivery", "true")
        .attributes("FilterPolicy", policy);
    subscribe.send().await.unwrap();
    queue.queue_url().unwrap().to_owned()
}

async fn heard(aws: &Aws, queue: &str) -> Vec<String> {
    let mut heard = Vec::new();
    loop {
        let receive = aws.clients.sqs.receive_message().queue_url(queue).max_number_of_messages(10);
        let got = receive.wait_time_seconds(1).visibility_timeout(600).send().await.unwrap();
        if got.messages().is_empty() {
            heard.sort();
            return heard;
        }
        heard.extend(got.messages().iter().filter_map(|message| message.body().map(str::to_owned)));
    }
}

pub async fn each_address_hears_what_it_wants(fresh: Fresh) {
    let aws = fresh.kept.downcast_ref::<Aws>().unwrap();
    let add = async |subscription| aws.stack.subscriptions.add(subscription).await.unwrap();
    add(subscription("ann@example.org", "contracts/", &[], Audience::Sender)).await;
    add(subscription("ann@example.org", "letters/", &[OutcomeKind::Rejected], Audience::Sender)).await;
    add(subscription("ops@example.org", "", &[], Audience::Operator)).await;
    let ann = policy(aws, "ann@example.org").await.expect("SNS has one subscription of the address");
    let ops = policy(aws, "ops@example.org").await.expect("and one of the other");
    let (ann, ops) = (listener(aws, "ann", &ann).await, listener(aws, "ops", &ops).await);
    tokio::time::sleep(Duration::from_millis(500)).await;
    for notification in [
        told("contracts/a", OutcomeKind::Summarized, None),
        told("letters/b", OutcomeKind::Summarized, None),
        told("letters/c", OutcomeKind::Rejected, Some(Reason::Encrypted)),
        told("contracts/d", OutcomeKind::Failed, Some(Reason::OcrUnavailable)),
        told("offers/e", OutcomeKind::Summarized, None),
    ] {
        aws.stack.topic.publish(Channel::Completions, &notification).await.unwrap();
    }
    assert_eq!(heard(aws, &ann).await, ["text of contracts/a", "text of letters/c"]);
    assert_eq!(heard(aws, &ops).await, ["text of contracts/d"]);
    aws.stack.subscriptions.remove("ann@example.org").await.unwrap();
    assert_eq!(policy(aws, "ann@example.org").await, None, "who unsubscribed is gone from SNS too");
}
