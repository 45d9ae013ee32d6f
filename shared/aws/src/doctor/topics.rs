//! The topics, and that Textract's completions come from theirs into our queue.

use super::{Trouble, Verdict, Ward};
use crate::classify::port_error;
use ports::{Address, Fault, QueueName};

/// Looks at each topic, then at the subscription.
pub(super) async fn look(ward: &Ward) -> Vec<Verdict> {
    let names = &ward.aws.names;
    let mut verdicts = Vec::new();
    for arn in [names.outcomes_arn(), names.completions_arn()] {
        verdicts.push(topic(ward, &arn).await);
    }
    let there = topic(ward, &names.textract_completed_arn()).await;
    let led = if there.is_ok() { Some(completions(ward).await) } else { None };
    verdicts.push(there);
    verdicts.extend(led);
    verdicts
}

async fn topic(ward: &Ward, arn: &str) -> Verdict {
    let name = arn.rsplit(':').next().unwrap_or(arn);
    match ward.aws.clients.sns.get_topic_attributes().topic_arn(arn).send().await {
        Ok(_) => Ok(name.to_owned()),
        Err(error) if port_error("", &error).fault == Fault::NotFound => Err(Trouble::new(
            format!(
                "there is no topic {name}: nobody is told by it (who was subscribed to it is to be subscribed again)"
            ),
            ward.mender
                .aws(&format!("sns create-topic --name {name} --attributes KmsMasterKeyId=alias/aws/sns")),
        )),
        Err(error) => {
            Err(ward.failed(&format!("looking at the topic {name}"), "sns:GetTopicAttributes", arn, &error))
        }
    }
}

/// Whether the queue hears the topic, and hears it as Textract spoke.
async fn completions(ward: &Ward) -> Verdict {
    let (sns, topic) = (&ward.aws.clients.sns, ward.aws.names.textract_completed_arn());
    let queue = ward.aws.names.queue_arn(Address::live(QueueName::OcrCompleted));
    let mut pages = sns.list_subscriptions_by_topic().topic_arn(&topic).into_paginator().send();
    let mut ours = None;
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| {
            ward.failed("listing who hears Textract", "sns:ListSubscriptionsByTopic", &topic, &error)
        })?;
        let found =
            page.subscriptions().iter().find(|subscription| subscription.endpoint() == Some(queue.as_str()));
        ours = ours.or_else(|| found.and_then(|found| found.subscription_arn().map(str::to_owned)));
    }
    let Some(arn) = ours.filter(|arn| arn.starts_with("arn:")) else {
        return Err(Trouble::new(
            "the queue ocr-completed is not subscribed to the topic textract-completed: what Textract has done is only \
             found out by asking it, late",
            ward.mender.aws(&format!(
                "sns subscribe --topic-arn {topic} --protocol sqs --notification-endpoint {queue} --attributes \
                 RawMessageDelivery=true"
            )),
        ));
    };
    let answer = sns.get_subscription_attributes().subscription_arn(&arn).send().await;
    let answer = answer.map_err(|error| {
        ward.failed("looking at a subscription", "sns:GetSubscriptionAttributes", &topic, &error)
    })?;
    let raw = answer.attributes().and_then(|all| all.get("RawMessageDelivery"));
    if raw.is_some_and(|raw| raw == "true") {
        return Ok("ocr-completed hears textract-completed, raw".to_owned());
    }
    Err(Trouble::new(
        "the queue ocr-completed does not get Textract's messages raw, but wrapped",
        ward.mender.aws(&format!(
            "sns set-subscription-attributes --subscription-arn {arn} --attribute-name RawMessageDelivery \
             --attribute-value true"
        )),
    ))
}
