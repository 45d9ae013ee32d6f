//! The queues: there, with their dead letters behind them, and open to those who send to them from outside.

use super::mend::quote;
use super::policy::{Sender, lets, letting};
use super::{Trouble, Verdict, Ward};
use crate::classify::port_error;
use crate::names::Names;
use aws_sdk_sqs::types::QueueAttributeName;
use ports::queue::MAX_RECEIVES;
use ports::{Address, Fault, QueueName};
use serde_json::{Value, json};
use std::collections::HashMap;

type Attributes = HashMap<QueueAttributeName, String>;

/// A queue that is there.
struct Found {
    url: String,
    attributes: Attributes,
}

/// Whether not one of our queues is there.
pub(super) async fn none(ward: &Ward) -> bool {
    for address in Names::addresses() {
        let ask = ward.aws.clients.sqs.get_queue_url().queue_name(ward.aws.names.queue(address));
        match ask.send().await {
            Err(error) if port_error("", &error).fault == Fault::NotFound => {}
            _ => return false,
        }
    }
    true
}

/// Looks at each queue, then at who may send.
pub(super) async fn look(ward: &Ward) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for queue in QueueName::ALL {
        let dead = find(ward, Address::dead(queue)).await;
        let live = find(ward, Address::live(queue)).await;
        let both = dead.and(live);
        match both {
            Err(trouble) => verdicts.push(Err(trouble)),
            Ok(found) => {
                verdicts.push(redrive(ward, queue, &found));
                verdicts.extend(sender(ward, queue, &found));
            }
        }
    }
    verdicts
}

fn redrive_policy(ward: &Ward, queue: QueueName) -> Value {
    let arn = ward.aws.names.queue_arn(Address::dead(queue));
    Value::from(json!({"deadLetterTargetArn": arn, "maxReceiveCount": MAX_RECEIVES.to_string()}).to_string())
}

/// A queue with its attributes; else how to make it.
async fn find(ward: &Ward, address: Address) -> Result<Found, Trouble> {
    let (sqs, name) = (&ward.aws.clients.sqs, ward.aws.names.queue(address));
    let arn = ward.aws.names.queue_arn(address);
    let url = match sqs.get_queue_url().queue_name(&name).send().await {
        Ok(answer) => answer.queue_url.unwrap_or_default(),
        Err(error) if port_error("", &error).fault == Fault::NotFound => {
            return Err(Trouble::new(
                format!("there is no queue {name}: its service can do nothing"),
                make(ward, address),
            ));
        }
        Err(error) => {
            return Err(ward.failed(
                &format!("looking for the queue {name}"),
                "sqs:GetQueueUrl",
                &arn,
                &error,
            ));
        }
    };
    let ask = sqs.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::All);
    let answer = ask.send().await.map_err(|error| {
        ward.failed(&format!("looking at the queue {name}"), "sqs:GetQueueAttributes", &arn, &error)
    })?;
    Ok(Found { url, attributes: answer.attributes.unwrap_or_default() })
}

fn make(ward: &Ward, address: Address) -> String {
    let mut attributes = json!({"VisibilityTimeout": "60", "ReceiveMessageWaitTimeSeconds": "20",
        "MessageRetentionPeriod": "1209600", "SqsManagedSseEnabled": "true"});
    if !address.dead {
        attributes["RedrivePolicy"] = redrive_policy(ward, address.queue);
        if let Some(sender) = outside(ward, address.queue) {
            let arn = ward.aws.names.queue_arn(address);
            attributes["Policy"] = letting(None, &arn, &sender.borrow()).to_string().into();
        }
    }
    let name = ward.aws.names.queue(address);
    ward.mender
        .aws(&format!("sqs create-queue --queue-name {name} --attributes {}", quote(&attributes.to_string())))
}

fn set(ward: &Ward, found: &Found, attributes: &Value) -> String {
    let attributes = quote(&attributes.to_string());
    ward.mender.aws(&format!("sqs set-queue-attributes --queue-url {} --attributes {attributes}", found.url))
}

fn redrive(ward: &Ward, queue: QueueName, found: &Found) -> Verdict {
    let dead = ward.aws.names.queue_arn(Address::dead(queue));
    let policy = found.attributes.get(&QueueAttributeName::RedrivePolicy);
    let policy: Value = policy.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    if policy["deadLetterTargetArn"] == dead.as_str() {
        return Ok(format!("{} and its dead letters", queue.as_str()));
    }
    Err(Trouble::new(
        format!(
            "{} has no redrive policy that leads to {}: a message that nobody can handle comes again for 14 days, and \
             is then lost",
            ward.aws.names.queue(Address::live(queue)),
            ward.aws.names.queue(Address::dead(queue))
        ),
        set(ward, found, &json!({"RedrivePolicy": redrive_policy(ward, queue)})),
    ))
}

/// A sender with its own words.
struct Outside {
    service: &'static str,
    source: String,
    account: Option<String>,
    sid: &'static str,
    what: String,
}

impl Outside {
    fn borrow(&self) -> Sender<'_> {
        Sender {
            service: self.service,
            source: &self.source,
            account: self.account.as_deref(),
            sid: self.sid,
        }
    }
}

/// Who sends to a queue from outside.
fn outside(ward: &Ward, queue: QueueName) -> Option<Outside> {
    let names = &ward.aws.names;
    match queue {
        QueueName::Ingest => Some(Outside {
            service: "s3.amazonaws.com",
            source: format!("arn:{}:s3:::{}", names.partition, names.uploads()),
            account: Some(names.account.clone()),
            sid: "EventsOfOurBucket",
            what: format!("the bucket {}", names.uploads()),
        }),
        QueueName::OcrCompleted => Some(Outside {
            service: "sns.amazonaws.com",
            source: names.textract_completed_arn(),
            account: None,
            sid: "CompletionsOfOurTopic",
            what: format!("the topic {}-textract-completed", names.stack),
        }),
        QueueName::Ocr | QueueName::Summarize | QueueName::Notify => None,
    }
}

/// Whether the policy lets those send who do from outside.
fn sender(ward: &Ward, queue: QueueName, found: &Found) -> Option<Verdict> {
    let from = outside(ward, queue)?;
    let (name, arn) =
        (ward.aws.names.queue(Address::live(queue)), ward.aws.names.queue_arn(Address::live(queue)));
    let policy =
        found.attributes.get(&QueueAttributeName::Policy).map(String::as_str).filter(|text| !text.is_empty());
    if lets(policy, &from.borrow()) {
        return Some(Ok(format!("{} takes what {} sends", queue.as_str(), from.what)));
    }
    Some(Err(Trouble::new(
        format!("the queue policy of {name} does not let {} send: its events are lost", from.what),
        set(ward, found, &json!({"Policy": letting(policy, &arn, &from.borrow()).to_string()})),
    )))
}
