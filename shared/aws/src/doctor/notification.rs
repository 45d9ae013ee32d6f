//! Whom a bucket tells of its objects: whether our queue is among them, and a configuration in which it is. S3 takes the
//! whole configuration at once, so what others set up is said again.

use aws_sdk_s3::operation::get_bucket_notification_configuration::GetBucketNotificationConfigurationOutput as Present;
use aws_sdk_s3::types::{Event, NotificationConfigurationFilter};
use serde_json::{Value, json};

/// What ingest must hear.
const EVENTS: [&str; 2] = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"];

/// Whether the queue hears all that it must.
pub(super) fn leads(present: &Present, queue: &str) -> bool {
    let ours: Vec<_> = present.queue_configurations().iter().filter(|one| one.queue_arn() == queue).collect();
    EVENTS
        .iter()
        .all(|event| ours.iter().any(|one| one.events().iter().any(|heard| heard.as_str() == *event)))
}

fn one(
    id: Option<&str>,
    target: (&str, &str),
    events: &[Event],
    filter: Option<&NotificationConfigurationFilter>,
) -> Value {
    let events: Vec<_> = events.iter().map(Event::as_str).collect();
    let mut said = json!({ target.0: target.1, "Events": events });
    if let Some(id) = id {
        said["Id"] = id.into();
    }
    let rules = filter.and_then(NotificationConfigurationFilter::key).map(|key| key.filter_rules());
    if let Some(rules) = rules.filter(|rules| !rules.is_empty()) {
        let rules: Vec<_> = rules
            .iter()
            .map(|rule| json!({"Name": rule.name().map(|name| name.as_str().to_lowercase()), "Value": rule.value()}))
            .collect();
        said["Filter"] = json!({"Key": {"FilterRules": rules}});
    }
    said
}

/// What is there, and our queue.
pub(super) fn leading(present: &Present, queue: &str) -> Value {
    let mut queues: Vec<_> = present
        .queue_configurations()
        .iter()
        .filter(|other| other.queue_arn() != queue)
        .map(|other| one(other.id(), ("QueueArn", other.queue_arn()), other.events(), other.filter()))
        .collect();
    queues.push(json!({"QueueArn": queue, "Events": EVENTS}));
    let mut all = json!({ "QueueConfigurations": queues });
    let topics = present.topic_configurations();
    if !topics.is_empty() {
        let said = topics
            .iter()
            .map(|other| one(other.id(), ("TopicArn", other.topic_arn()), other.events(), other.filter()));
        all["TopicConfigurations"] = said.collect();
    }
    let functions = present.lambda_function_configurations();
    if !functions.is_empty() {
        let arn = "LambdaFunctionArn";
        let said = functions
            .iter()
            .map(|other| one(other.id(), (arn, other.lambda_function_arn()), other.events(), other.filter()));
        all["LambdaFunctionConfigurations"] = said.collect();
    }
    if present.event_bridge_configuration().is_some() {
        all["EventBridgeConfiguration"] = json!({});
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_s3::types::{EventBridgeConfiguration, QueueConfiguration};

    fn queue(arn: &str, events: &[&str]) -> QueueConfiguration {
        let events = events.iter().map(|event| Event::from(*event)).collect();
        QueueConfiguration::builder().queue_arn(arn).set_events(Some(events)).build().unwrap()
    }

    #[test]
    fn the_queue_must_hear_what_comes_and_what_goes() {
        let of =
            |all: Vec<QueueConfiguration>| Present::builder().set_queue_configurations(Some(all)).build();
        assert!(leads(&of(vec![queue("q", &EVENTS)]), "q"));
        assert!(leads(&of(vec![queue("q", &EVENTS[..1]), queue("q", &EVENTS[1..])]), "q"));
        assert!(!leads(&of(vec![queue("q", &EVENTS[..1])]), "q"));
        assert!(!leads(&of(vec![queue("other", &EVENTS)]), "q"));
        assert!(!leads(&Present::builder().build(), "q"));
    }

    #[test]
    fn what_others_set_up_is_kept() {
        let present = Present::builder()
            .queue_configurations(queue("other", &["s3:ObjectRestore:*"]))
            .queue_configurations(queue("q", &EVENTS[..1]))
            .event_bridge_configuration(EventBridgeConfiguration::builder().build())
            .build();
        let said = leading(&present, "q");
        assert_eq!(
            said,
            json!({"QueueConfigurations": [
                {"QueueArn": "other", "Events": ["s3:ObjectRestore:*"]}, {"QueueArn": "q", "Events": EVENTS}],
                "EventBridgeConfiguration": {}})
        );
    }
}
