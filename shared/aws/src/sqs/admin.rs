//! What operators do with queues.

use super::{Link, Queues};
use crate::classify::port_error;
use async_trait::async_trait;
use aws_sdk_sqs::types::QueueAttributeName;
use ports::queue::MAX_BATCH;
use ports::{Address, Depth, Disposition, Outgoing, Queue, QueueAdmin, QueueName, Result};
use std::time::Duration;

/// How long a dead letter is in our hands while it is moved.
const MOVING: Duration = Duration::from_secs(60);

/// Messages of a queue: visible, in flight, delayed. SQS counts approximately.
async fn counts(link: &Link) -> Result<(u64, u64, u64)> {
    let names = [
        QueueAttributeName::ApproximateNumberOfMessages,
        QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        QueueAttributeName::ApproximateNumberOfMessagesDelayed,
    ];
    let answer = link
        .client
        .get_queue_attributes()
        .queue_url(link.url().await?)
        .set_attribute_names(Some(names.to_vec()))
        .send()
        .await
        .map_err(|error| port_error("counting messages", &error))?;
    let attributes = answer.attributes.unwrap_or_default();
    let [visible, in_flight, delayed] =
        names.map(|name| attributes.get(&name).and_then(|count| count.parse().ok()).unwrap_or(0));
    Ok((visible, in_flight, delayed))
}

#[async_trait]
impl QueueAdmin for Queues {
    async fn depth(&self, queue: QueueName) -> Result<Depth> {
        let (waiting, in_flight, delayed) = counts(&self.line(Address::live(queue))?.link).await?;
        let (visible, held, _) = counts(&self.line(Address::dead(queue))?.link).await?;
        // The age of the oldest is CloudWatch's to tell (`ApproximateAgeOfOldestMessage`).
        Ok(Depth { waiting, in_flight, delayed, dead: visible + held, oldest: None })
    }

    async fn redrive(&self, queue: QueueName) -> Result<u64> {
        let (dead, live) = (Address::dead(queue), Address::live(queue));
        let mut moved = 0;
        loop {
            // Each is sent on before it is deleted: a break in between repeats, and loses nothing.
            let letters = self.receive(dead, MAX_BATCH, MOVING, Duration::from_secs(1)).await?;
            if letters.is_empty() {
                return Ok(moved);
            }
            let (again, receipts): (Vec<_>, Vec<_>) = letters
                .into_iter()
                .map(|letter| (Outgoing::now(letter.body).of(letter.group), letter.receipt))
                .unzip();
            for (sent, receipt) in self.send(live, again).await?.into_iter().zip(receipts) {
                sent?;
                self.settle(dead, receipt, Disposition::Delete).await?;
                moved += 1;
            }
        }
    }

    async fn purge(&self, of: Address) -> Result<u64> {
        let link = &self.line(of)?.link;
        let (visible, in_flight, delayed) = counts(link).await?;
        let purged = link.client.purge_queue().queue_url(link.url().await?).send().await;
        purged.map_err(|error| port_error("purging a queue (SQS does that once a minute)", &error))?;
        Ok(visible + in_flight + delayed)
    }
}
