//! `Queue` and `QueueAdmin` over SQS.
//!
//! Single sends and deletes that come together travel together: requests are what SQS is paid by, and a
//! busy worker would else make one for each message. An entry of a batch that fails is its own caller's failure.
//!
//! Limits: SQS Developer Guide, "Amazon SQS message quotas".

mod admin;
mod batch;

use crate::classify::{by_code, port_error};
use crate::names::Names;
use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, Message, MessageAttributeValue, MessageSystemAttributeName,
    SendMessageBatchRequestEntry,
};
use batch::{Batcher, Call};
use jiff::Timestamp;
use ports::queue::{MAX_BATCH, MAX_DELAY};
use ports::{Address, Delivery, Disposition, Fault, Outgoing, PortError, Queue, Receipt, Result};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;

/// The largest body that we send. SQS takes more by now; SNS and older queues do not.
const MAX_BODY: usize = 256 * 1024;
/// The longest poll.
const MAX_WAIT: Duration = Duration::from_secs(20);
/// The longest that a message stays invisible after it was received, however often that is extended.
const MAX_VISIBILITY: Duration = Duration::from_secs(12 * 3600);

/// The queues of a deployment.
pub struct Queues {
    lines: BTreeMap<Address, Line>,
}

/// One queue: where it is, and what waits to travel together.
struct Line {
    link: Arc<Link>,
    sends: Batcher<Sends>,
    deletes: Batcher<Deletes>,
}

/// A queue's client and its address, which is asked for at the first use.
struct Link {
    client: Client,
    name: String,
    url: OnceCell<String>,
}

impl Link {
    async fn url(&self) -> Result<&str> {
        let ask = || async {
            let answer = self.client.get_queue_url().queue_name(&self.name).send().await;
            let answer = answer.map_err(|error| {
                let error = port_error("looking for a queue", &error);
                match error.fault {
                    // Without its queue a service can do nothing, and only an operator can make one.
                    Fault::NotFound => PortError::new(
                        Fault::Denied,
                        format!("there is no queue {} in this account and region: deploy the stack, or set its name", self.name),
                    ),
                    _ => error,
                }
            })?;
            answer.queue_url.ok_or_else(|| PortError::new(Fault::Transient, "SQS gave no queue URL"))
        };
        self.url.get_or_try_init(ask).await.map(String::as_str)
    }
}

impl Queues {
    /// The queues of these names. Nothing is asked yet.
    #[must_use]
    pub fn new(client: &Client, names: &Names) -> Self {
        let line = |address: Address| {
            let (client, name) = (client.clone(), names.queue(address));
            let link = Arc::new(Link { client, name, url: OnceCell::new() });
            let sends = Batcher::new(Sends(link.clone()));
            let deletes = Batcher::new(Deletes(link.clone()));
            (address, Line { link, sends, deletes })
        };
        Self { lines: Names::addresses().into_iter().map(line).collect() }
    }

    fn line(&self, address: Address) -> Result<&Line> {
        let missing = || PortError::new(Fault::Permanent, "there is no such queue");
        self.lines.get(&address).ok_or_else(missing)
    }
}

/// Whole seconds, as SQS counts, never shorter than asked for.
fn seconds(time: Duration, most: Duration) -> i32 {
    let time = time.min(most);
    let whole = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    i32::try_from(whole).unwrap_or(i32::MAX)
}

#[async_trait]
impl Queue for Queues {
    async fn send(&self, to: Address, messages: Vec<Outgoing>) -> Result<Vec<Result<()>>> {
        if messages.len() > MAX_BATCH {
            return Err(PortError::new(
                Fault::Permanent,
                format!("more than {MAX_BATCH} messages in one call"),
            ));
        }
        let line = self.line(to)?;
        // Known before anything is sent, so that a caller whose queue is missing hears it as one failure.
        line.link.url().await?;
        let sends = messages.into_iter().map(|message| async {
            check(&message)?;
            line.sends.call(message).await
        });
        Ok(futures::future::join_all(sends).await)
    }

    async fn receive(
        &self,
        from: Address,
        max: usize,
        visibility: Duration,
        wait: Duration,
    ) -> Result<Vec<Delivery>> {
        let link = &self.line(from)?.link;
        let answer = link
            .client
            .receive_message()
            .queue_url(link.url().await?)
            .max_number_of_messages(i32::try_from(max.clamp(1, MAX_BATCH)).unwrap_or(1))
            .visibility_timeout(seconds(visibility, MAX_VISIBILITY))
            .wait_time_seconds(seconds(wait, MAX_WAIT))
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .message_system_attribute_names(MessageSystemAttributeName::MessageGroupId)
            .send()
            .await
            .map_err(|error| port_error("receiving messages", &error))?;
        Ok(answer.messages.unwrap_or_default().into_iter().filter_map(delivery).collect())
    }

    async fn extend(&self, of: Address, receipt: &Receipt, visibility: Duration) -> Result<()> {
        let link = &self.line(of)?.link;
        let changed = link
            .client
            .change_message_visibility()
            .queue_url(link.url().await?)
            .receipt_handle(&receipt.0)
            .visibility_timeout(seconds(visibility, MAX_VISIBILITY))
            .send()
            .await;
        changed.map(|_| ()).map_err(|error| gone(port_error("keeping a message invisible", &error)))
    }

    async fn settle(&self, of: Address, receipt: Receipt, disposition: Disposition) -> Result<()> {
        match disposition {
            Disposition::Release(wait) => self.extend(of, &receipt, wait).await,
            Disposition::Delete => {
                let line = self.line(of)?;
                line.link.url().await?;
                match line.deletes.call(receipt).await {
                    // Deleted before, or another's by now: nothing of it is left to us either way.
                    Err(error) if error.fault == Fault::NotFound => Ok(()),
                    deleted => deleted,
                }
            }
        }
    }
}

fn check(message: &Outgoing) -> Result<()> {
    if message.body.len() > MAX_BODY {
        return Err(PortError::new(Fault::TooLarge, format!("a message has more than {MAX_BODY} bytes")));
    }
    if message.delay > MAX_DELAY {
        return Err(PortError::new(Fault::Permanent, "a delay of more than 15 minutes"));
    }
    Ok(())
}

/// A receipt that SQS does not take any more: the message was deleted, or another has it, or it was in hand for 12
/// hours, after which nothing keeps it invisible. In each case it is not ours now.
fn gone(error: PortError) -> PortError {
    let is_gone = ["ReceiptHandleIsInvalid", "InvalidParameterValue", "MessageNotInflight", "NotInflight"];
    if error.fault == Fault::NotFound || is_gone.iter().any(|code| error.what.contains(code)) {
        return PortError::new(Fault::NotFound, error.what);
    }
    error
}

fn delivery(message: Message) -> Option<Delivery> {
    let attributes = message.attributes.unwrap_or_default();
    let number = |name: &MessageSystemAttributeName| attributes.get(name)?.parse::<i64>().ok();
    let sent = number(&MessageSystemAttributeName::SentTimestamp).unwrap_or_default();
    let receives = number(&MessageSystemAttributeName::ApproximateReceiveCount).unwrap_or(1);
    Some(Delivery {
        body: message.body?,
        group: attributes.get(&MessageSystemAttributeName::MessageGroupId).cloned().unwrap_or_default(),
        receipt: Receipt(message.receipt_handle?),
        receives: u32::try_from(receives.max(1)).unwrap_or(u32::MAX),
        sent_at: Timestamp::from_millisecond(sent).unwrap_or(Timestamp::UNIX_EPOCH),
    })
}

/// A group as `MessageGroupId` takes it: at most 128 printable ASCII characters. Other names are hashed, so that two
/// tenants never become one group.
fn group_id(group: &str) -> String {
    use sha2::{Digest, Sha256};
    let fits = group.len() <= 128 && group.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { group.to_owned() } else { hex::encode(Sha256::digest(group.as_bytes())) }
}

/// `SendMessageBatch`.
struct Sends(Arc<Link>);

#[async_trait]
impl Call for Sends {
    type Item = Outgoing;
    /// Of all bodies together.
    const MAX_BYTES: usize = MAX_BODY;

    fn bytes(item: &Outgoing) -> usize {
        // The attribute counts too.
        item.body.len() + item.trace.as_ref().map_or(0, |trace| trace.len() + 32)
    }

    async fn call(&self, items: Vec<Outgoing>) -> Result<Vec<Result<()>>> {
        let count = items.len();
        let mut call = self.0.client.send_message_batch().queue_url(self.0.url().await?);
        for (index, message) in items.into_iter().enumerate() {
            call = call.entries(entry(index, message)?);
        }
        let answer = call.send().await.map_err(|error| port_error("sending messages", &error))?;
        let failed = answer.failed.into_iter().map(|failed| (failed.id, failed.code, failed.message));
        Ok(outcomes("sending a message", count, failed))
    }
}

fn entry(index: usize, message: Outgoing) -> Result<SendMessageBatchRequestEntry> {
    let mut entry = SendMessageBatchRequestEntry::builder()
        .id(index.to_string())
        .delay_seconds(seconds(message.delay, MAX_DELAY))
        .message_body(message.body);
    if !message.group.is_empty() {
        entry = entry.message_group_id(group_id(&message.group));
    }
    if let Some(trace) = message.trace {
        let value = MessageAttributeValue::builder().data_type("String").string_value(trace).build();
        entry = entry.message_attributes("traceparent", value.map_err(unbuilt)?);
    }
    entry.build().map_err(unbuilt)
}

/// `DeleteMessageBatch`.
struct Deletes(Arc<Link>);

#[async_trait]
impl Call for Deletes {
    type Item = Receipt;
    const MAX_BYTES: usize = usize::MAX;

    fn bytes(_: &Receipt) -> usize {
        0
    }

    async fn call(&self, items: Vec<Receipt>) -> Result<Vec<Result<()>>> {
        let count = items.len();
        let mut call = self.0.client.delete_message_batch().queue_url(self.0.url().await?);
        for (index, receipt) in items.into_iter().enumerate() {
            let entry =
                DeleteMessageBatchRequestEntry::builder().id(index.to_string()).receipt_handle(receipt.0);
            call = call.entries(entry.build().map_err(unbuilt)?);
        }
        let answer = call.send().await.map_err(|error| port_error("deleting messages", &error))?;
        let failed = answer.failed.into_iter().map(|failed| (failed.id, failed.code, failed.message));
        let outcomes = outcomes("deleting a message", count, failed);
        Ok(outcomes.into_iter().map(|outcome| outcome.map_err(gone)).collect())
    }
}

/// A request that lacks something that we always give.
fn unbuilt(error: aws_smithy_types::error::operation::BuildError) -> PortError {
    PortError::new(Fault::Permanent, format!("a request could not be built: {error}"))
}

/// One result for each entry: those that are not among the failed went well.
fn outcomes(
    doing: &str,
    count: usize,
    failed: impl Iterator<Item = (String, String, Option<String>)>,
) -> Vec<Result<()>> {
    let mut outcomes = vec![Ok(()); count];
    for (id, code, message) in failed {
        let error = by_code(doing, &code, message.as_deref().unwrap_or_default(), None, None);
        if let Some(outcome) = id.parse().ok().and_then(|index: usize| outcomes.get_mut(index)) {
            *outcome = Err(error);
        }
    }
    outcomes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_whole_seconds_and_never_shorter_than_asked_for() {
        assert_eq!(seconds(Duration::ZERO, MAX_WAIT), 0);
        assert_eq!(seconds(Duration::from_millis(1), MAX_WAIT), 1);
        assert_eq!(seconds(Duration::from_millis(2001), MAX_WAIT), 3);
        assert_eq!(seconds(Duration::from_secs(99), MAX_WAIT), 20);
    }

    #[test]
    fn a_group_of_any_name_fits_and_no_two_become_one() {
        assert_eq!(group_id("uploads/contracts"), "uploads/contracts");
        let odd = ["uploads/a b", "uploads/\u{E9}", &"x".repeat(129)].map(group_id);
        assert!(odd.iter().all(|id| id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_graphic())));
        assert!(odd[0] != odd[1] && odd[1] != odd[2]);
    }

    #[test]
    fn an_entry_that_failed_is_its_own_callers_failure() {
        let failed = [("1".to_owned(), "InternalError".to_owned(), None)];
        let outcomes = outcomes("sending", 3, failed.into_iter());
        assert!(outcomes[0].is_ok() && outcomes[2].is_ok());
        assert_eq!(outcomes[1].as_ref().unwrap_err().fault, Fault::Transient);
    }

    #[test]
    fn a_receipt_whose_twelve_hours_are_over_is_no_longer_ours() {
        let said = "Value 60 for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds].";
        let error = by_code("keeping", "InvalidParameterValue", said, Some(400), None);
        assert_eq!(gone(error).fault, Fault::NotFound);
    }
}
