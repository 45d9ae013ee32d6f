//! Claims on content, and tallies: the short-lived items that many writers meet at.

use super::{
    Item, KEPT, expiry, jitter, lost, micros, number, number_of, text, text_of, timestamp, unbuilt,
    unreadable,
};
use crate::classify::port_error;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, Put, ReturnValuesOnConditionCheckFailure as OnFailure, TransactWriteItem, Update,
};
use domain::JobId;
use jiff::Timestamp;
use ports::{ContentClaim, Result, Tally};
use std::time::Duration;

/// Keys that a tally names.
const EXAMPLES: usize = 3;
/// How long a tally is kept after its last count.
const TALLY_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
/// Tries of a count that met others.
const TRIES: u32 = 20;

/// The table of claims.
pub(super) struct Claims {
    pub(super) client: Client,
    pub(super) table: String,
}

fn content_key(name: &str) -> String {
    format!("content#{name}")
}

/// Who a claim is by.
fn holder(item: &Item) -> Result<(JobId, u32)> {
    let job = text_of(item, "job").parse().map_err(|error| unreadable("a claim", &error))?;
    Ok((job, u32::try_from(number_of(item, "run")).unwrap_or(0)))
}

fn is_finished(item: &Item) -> bool {
    item.get("finished").and_then(|value| value.as_bool().ok()).copied().unwrap_or(false)
}

/// What a claim that stands means to who comes second.
pub(super) fn standing(item: &Item) -> Result<ContentClaim> {
    let (by, run) = holder(item)?;
    if is_finished(item) {
        return Ok(ContentClaim::Finished { job: by, run });
    }
    Ok(ContentClaim::Held { by, until: timestamp(number_of(item, "until")) })
}

impl Claims {
    async fn get(&self, name: &str) -> Result<Option<Item>> {
        let get =
            self.client.get_item().table_name(&self.table).key("name", text(name)).consistent_read(true);
        let answer = get.send().await.map_err(|error| port_error("reading a claim", &error))?;
        Ok(answer.item)
    }

    pub(super) async fn standing(&self, name: &str) -> Result<ContentClaim> {
        match self.get(&content_key(name)).await? {
            Some(item) => standing(&item),
            // It went away meanwhile: whoever asks again wins.
            None => lost("claiming content"),
        }
    }

    pub(super) async fn holder(&self, name: &str) -> Result<Option<(JobId, u32)>> {
        let Some(item) = self.get(&content_key(name)).await? else { return Ok(None) };
        let lives = is_finished(&item) || number_of(&item, "until") > micros(Timestamp::now());
        if lives { holder(&item).map(Some) } else { Ok(None) }
    }

    /// The write that claims a content if nobody else has it.
    pub(super) fn claiming(&self, name: &str, job: &JobId, run: u32, lease: Duration) -> Result<Put> {
        let now = Timestamp::now();
        let put = Put::builder()
            .table_name(&self.table)
            .item("name", text(content_key(name)))
            .item("job", text(job.as_str()))
            .item("run", number(run))
            .item("until", number(micros(now + lease)))
            .item("finished", AttributeValue::Bool(false))
            .item("expires_at", expiry(lease + Duration::from_secs(24 * 3600)))
            .condition_expression(
                "attribute_not_exists(#name) OR (finished = :no AND (#until <= :now OR (#job = :job AND #run <= :run)))",
            )
            .expression_attribute_names("#name", "name")
            .expression_attribute_names("#until", "until")
            .expression_attribute_names("#job", "job")
            .expression_attribute_names("#run", "run")
            .expression_attribute_values(":no", AttributeValue::Bool(false))
            .expression_attribute_values(":now", number(micros(now)))
            .expression_attribute_values(":job", text(job.as_str()))
            .expression_attribute_values(":run", number(run))
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        put.build().map_err(unbuilt)
    }

    pub(super) async fn claim(
        &self,
        name: &str,
        job: &JobId,
        run: u32,
        lease: Duration,
    ) -> Result<ContentClaim> {
        let put = self.claiming(name, job, run, lease)?;
        let call = self
            .client
            .put_item()
            .table_name(put.table_name())
            .set_item(Some(put.item().clone()))
            .set_condition_expression(put.condition_expression().map(str::to_owned))
            .set_expression_attribute_names(put.expression_attribute_names().cloned())
            .set_expression_attribute_values(put.expression_attribute_values().cloned())
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        let Err(error) = call.send().await else { return Ok(ContentClaim::Won) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(why)) => match &why.item {
                Some(item) => standing(item),
                None => self.standing(name).await,
            },
            _ => Err(port_error("claiming content", &error)),
        }
    }

    pub(super) async fn finish(&self, name: &str, job: &JobId, run: u32) -> Result<()> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("name", text(content_key(name)))
            .update_expression("SET finished = :yes, expires_at = :kept")
            .condition_expression("#job = :job AND #run = :run")
            .expression_attribute_names("#job", "job")
            .expression_attribute_names("#run", "run")
            .expression_attribute_values(":yes", AttributeValue::Bool(true))
            .expression_attribute_values(":kept", expiry(KEPT))
            .expression_attribute_values(":job", text(job.as_str()))
            .expression_attribute_values(":run", number(run));
        match update.send().await {
            Ok(_) => Ok(()),
            // Only the holder's word counts.
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_conditional_check_failed_exception()) =>
            {
                Ok(())
            }
            Err(error) => Err(port_error("finishing content", &error)),
        }
    }

    pub(super) async fn release(&self, name: &str, job: &JobId, run: u32) -> Result<()> {
        let delete = self
            .client
            .delete_item()
            .table_name(&self.table)
            .key("name", text(content_key(name)))
            .condition_expression("#job = :job AND #run = :run AND finished = :no")
            .expression_attribute_names("#job", "job")
            .expression_attribute_names("#run", "run")
            .expression_attribute_values(":no", AttributeValue::Bool(false))
            .expression_attribute_values(":job", text(job.as_str()))
            .expression_attribute_values(":run", number(run));
        match delete.send().await {
            Ok(_) => Ok(()),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_conditional_check_failed_exception()) =>
            {
                Ok(())
            }
            Err(error) => Err(port_error("releasing content", &error)),
        }
    }

    /// Forgets what hangs on a job. Nothing names these items by their job, so all are looked through: once for an
    /// erasure, at the price of reading the table (a claim is some 300 bytes).
    pub(super) async fn forget(&self, job: &JobId, key: &str) -> Result<()> {
        let mut pages = self
            .client
            .scan()
            .table_name(&self.table)
            .filter_expression("#job = :job OR contains(examples, :key)")
            .projection_expression("#name, #job, examples")
            .expression_attribute_names("#job", "job")
            .expression_attribute_names("#name", "name")
            .expression_attribute_values(":job", text(job.as_str()))
            .expression_attribute_values(":key", text(key))
            .consistent_read(true)
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| port_error("looking what hangs on a job", &error))?;
            for item in page.items() {
                let name = text_of(item, "name");
                if text_of(item, "job") == job.as_str() {
                    let delete = self.client.delete_item().table_name(&self.table).key("name", text(name));
                    delete.send().await.map_err(|error| port_error("forgetting a claim", &error))?;
                } else {
                    self.unname(name, key).await?;
                }
            }
        }
        Ok(())
    }

    /// Takes a key out of the examples of a tally.
    async fn unname(&self, name: &str, key: &str) -> Result<()> {
        for attempt in 1..=TRIES {
            let Some(item) = self.get(name).await? else { return Ok(()) };
            let before = item.get("examples").cloned().unwrap_or_else(|| AttributeValue::L(Vec::new()));
            let left = examples_of(&item).into_iter().filter(|example| example != key).map(text).collect();
            let update = self
                .client
                .update_item()
                .table_name(&self.table)
                .key("name", text(name))
                .update_expression("SET examples = :left")
                .condition_expression("examples = :before")
                .expression_attribute_values(":left", AttributeValue::L(left))
                .expression_attribute_values(":before", before);
            let Err(error) = update.send().await else { return Ok(()) };
            let was_counted =
                error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception());
            if !was_counted {
                return Err(port_error("taking a key out of a tally", &error));
            }
            jitter(attempt).await;
        }
        lost("taking a key out of a tally")
    }

    pub(super) async fn tallied(&self, cause: &str, window: i64) -> Result<Tally> {
        let item = self.get(&tally_key(cause, window)).await?;
        Ok(item.map(|item| tally_of(&item, 0)).unwrap_or_default())
    }

    /// Counts a run: the window's item says how many there are, and one item for each run says its place.
    pub(super) async fn tally(
        &self,
        cause: &str,
        window: i64,
        job: &JobId,
        run: u32,
        key: &str,
    ) -> Result<Tally> {
        let name = tally_key(cause, window);
        let own = format!("{name}#{job}#{run}");
        for attempt in 1..=TRIES {
            let counted = self.get(&own).await?;
            let window = self.get(&name).await?.unwrap_or_default();
            if let Some(counted) = counted {
                return Ok(tally_of(&window, number_of(&counted, "place")));
            }
            let count = number_of(&window, "count");
            let mut examples = examples_of(&window);
            if examples.len() < EXAMPLES {
                examples.push(key.to_owned());
            }
            let counting = self.counting(&name, count, &examples)?;
            let placed = self.placing(&own, count + 1)?;
            let call = self.client.transact_write_items().transact_items(counting).transact_items(placed);
            match call.send().await {
                Ok(_) => {
                    let count = u64::try_from(count + 1).unwrap_or(0);
                    return Ok(Tally { count, place: count, examples });
                }
                Err(error)
                    if error
                        .as_service_error()
                        .is_some_and(|error| error.is_transaction_canceled_exception()) =>
                {
                    jitter(attempt).await;
                }
                Err(error) => return Err(port_error("counting a cause", &error)),
            }
        }
        lost("counting a cause")
    }

    fn counting(&self, name: &str, count: i64, examples: &[String]) -> Result<TransactWriteItem> {
        let examples = AttributeValue::L(examples.iter().map(text).collect());
        let update = Update::builder()
            .table_name(&self.table)
            .key("name", text(name))
            .update_expression("SET #count = :next, examples = :examples, expires_at = :kept")
            .condition_expression("attribute_not_exists(#count) OR #count = :count")
            .expression_attribute_names("#count", "count")
            .expression_attribute_values(":count", number(count))
            .expression_attribute_values(":next", number(count + 1))
            .expression_attribute_values(":examples", examples)
            .expression_attribute_values(":kept", expiry(TALLY_KEPT));
        Ok(TransactWriteItem::builder().update(update.build().map_err(unbuilt)?).build())
    }

    fn placing(&self, own: &str, place: i64) -> Result<TransactWriteItem> {
        let put = Put::builder()
            .table_name(&self.table)
            .item("name", text(own))
            .item("place", number(place))
            .item("expires_at", expiry(TALLY_KEPT))
            .condition_expression("attribute_not_exists(#name)")
            .expression_attribute_names("#name", "name");
        Ok(TransactWriteItem::builder().put(put.build().map_err(unbuilt)?).build())
    }
}

fn tally_key(cause: &str, window: i64) -> String {
    format!("tally#{cause}#{window}")
}

fn examples_of(item: &Item) -> Vec<String> {
    let list = item.get("examples").and_then(|value| value.as_l().ok()).cloned().unwrap_or_default();
    list.into_iter().filter_map(|value| value.as_s().ok().cloned()).collect()
}

fn tally_of(item: &Item, place: i64) -> Tally {
    let whole = |number: i64| u64::try_from(number).unwrap_or(0);
    Tally { count: whole(number_of(item, "count")), place: whole(place), examples: examples_of(item) }
}
