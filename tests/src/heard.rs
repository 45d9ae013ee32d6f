//! What is told by SNS, heard by queues that subscribe.

use aws::Aws;

/// A queue that hears everything of a topic.
pub(crate) async fn listener(aws: &Aws, name: &str, topic: &str, raw: bool) -> String {
    let name = format!("{}-test-{name}", aws.names.stack);
    let made = aws.clients.sqs.create_queue().queue_name(&name).send().await.expect("a queue can be made");
    let arn = format!("arn:aws:sqs:{}:{}:{name}", aws.names.region, aws.names.account);
    let subscribe = aws.clients.sns.subscribe().topic_arn(topic).protocol("sqs").endpoint(arn);
    let subscribe = subscribe.attributes("RawMessageDelivery", if raw { "true" } else { "false" });
    subscribe.send().await.expect("a queue can subscribe");
    made.queue_url().expect("a queue has a URL").to_owned()
}

/// Takes everything out of a queue.
pub(crate) async fn drain(aws: &Aws, queue: &str) -> Vec<String> {
    let mut bodies = Vec::new();
    loop {
        let receive = aws.clients.sqs.receive_message().queue_url(queue).max_number_of_messages(10);
        let got =
            receive.wait_time_seconds(1).visibility_timeout(600).send().await.expect("it can be received");
        if got.messages().is_empty() {
            return bodies;
        }
        for message in got.messages() {
            bodies.extend(message.body().map(str::to_owned));
            let receipt = message.receipt_handle().unwrap_or_default();
            let delete = aws.clients.sqs.delete_message().queue_url(queue).receipt_handle(receipt);
            delete.send().await.expect("it can be deleted");
        }
    }
}
