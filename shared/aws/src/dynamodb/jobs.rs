//! `Jobs` over DynamoDB: one item a job, the job itself as JSON and beside it what is searched for.
//!
//! Nothing of a document is in it: pages and results are objects in S3, whose size no item could hold. Indexes:
//! `by-state` (state and shard, then time), `by-key` (the document's place, then its version's order), `by-head` (the
//! first two digits of the id, then the id). States are spread over a few shards so that no index key is hot. Indexes
//! lag behind by a moment, so what they find is read again from the table before anybody relies on it.

use super::claims::{self, Claims};
use super::{Item, KEPT, expiry, list, lost, micros, number, number_of, text, text_of, unreadable};
use crate::classify::port_error;
use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    Put, ReturnValuesOnConditionCheckFailure as OnFailure, Select, TransactWriteItem,
};
use domain::{Job, JobId, Stage, State};
use ports::jobs::state_name;
use ports::{ContentClaim, Fault, Filter, Jobs, PortError, Result, Tally};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::time::Duration;

/// Keys of `by-state` that one state is spread over. Each takes 1,000 writes a second.
pub(super) const SHARDS: u32 = 4;
/// Room for a job's JSON in an item of 400 KB.
const MAX_BODY: usize = 380_000;
/// Tries of a transaction that met another.
const TRIES: u32 = 8;

/// The jobs of a deployment.
pub struct JobTable {
    pub(super) client: Client,
    pub(super) table: String,
    claims: Claims,
}

impl JobTable {
    /// Over these tables. Nothing is asked yet.
    #[must_use]
    pub fn new(client: Client, jobs: String, claims: String) -> Self {
        Self { claims: Claims { client: client.clone(), table: claims }, client, table: jobs }
    }

    pub(super) async fn read(&self, id: &str) -> Result<Option<Job>> {
        let get = self.client.get_item().table_name(&self.table).key("id", text(id)).consistent_read(true);
        let answer = get.send().await.map_err(|error| port_error("reading a job", &error))?;
        answer.item.as_ref().map(parse).transpose()
    }

    fn replacement(&self, job: &Job) -> Result<Put> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item(job)?))
            .condition_expression("revision = :before AND #schema <= :schema")
            .expression_attribute_names("#schema", "schema")
            .expression_attribute_values(":before", number(job.revision.saturating_sub(1)))
            .expression_attribute_values(":schema", number(job.schema))
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        put.build().map_err(super::unbuilt)
    }
}

/// Where a job stands in `by-state`.
pub(super) fn place(state: State, shard: u32) -> String {
    format!("{}#{shard}", state_name(state))
}

fn shard(id: &JobId) -> u32 {
    id.as_str().bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte))) % SHARDS
}

/// Orders jobs by time, then by id.
pub(super) fn order(job: &Job) -> String {
    format!("{:020}#{}", micros(job.created_at), job.id)
}

/// A bucket and a key as one short text. Keys may be longer than an index key of several parts should be.
fn document(bucket: &str, key: &str) -> String {
    let mut hash = Sha256::new();
    hash.update((bucket.len() as u64).to_be_bytes());
    hash.update(bucket.as_bytes());
    hash.update(key.as_bytes());
    hex::encode(hash.finalize())
}

/// Orders the versions of a key: by sequencer (hexadecimal, compared after padding on the right), then by time.
fn version_order(job: &Job) -> String {
    let sequencer = job.document.sequencer.as_deref().unwrap_or_default().to_ascii_uppercase();
    format!(
        "{sequencer:0<64}#{:020}#{:020}#{}",
        micros(job.document.uploaded_at),
        micros(job.created_at),
        job.id
    )
}

fn item(job: &Job) -> Result<Item> {
    let body = serde_json::to_string(job)
        .map_err(|error| PortError::new(Fault::Permanent, format!("writing a job: {error}")))?;
    if body.len() > MAX_BODY {
        let what = format!("writing a job: it has {} bytes and an item of DynamoDB 400 KB", body.len());
        return Err(PortError::new(Fault::Permanent, what));
    }
    let mut item = Item::from([
        ("id".to_owned(), text(job.id.as_str())),
        ("head".to_owned(), text(&job.id.as_str()[..2])),
        ("place".to_owned(), text(place(job.state, shard(&job.id)))),
        ("order".to_owned(), text(order(job))),
        ("key".to_owned(), text(&job.document.key)),
        ("revision".to_owned(), number(job.revision)),
        ("schema".to_owned(), number(job.schema)),
        ("body".to_owned(), text(body)),
    ]);
    // A tombstone stands at no key: all of them would stand at the same one.
    if !job.is_forgotten() {
        item.insert("document".to_owned(), text(document(&job.document.bucket, &job.document.key)));
        item.insert("version_order".to_owned(), text(version_order(job)));
    }
    if let Some(reason) = job.outcome.as_ref().and_then(|outcome| outcome.reason) {
        item.insert("reason".to_owned(), text(reason.code()));
    }
    if job.state == State::Ended {
        item.insert("expires_at".to_owned(), expiry(KEPT));
    }
    Ok(item)
}

pub(super) fn parse(item: &Item) -> Result<Job> {
    serde_json::from_str(text_of(item, "body")).map_err(|error| unreadable("a job", &error))
}

/// Why a write was refused: the item that stood against it tells.
fn refused(job: &Job, stored: Option<&Item>) -> PortError {
    let Some(stored) = stored else {
        return PortError::new(Fault::NotFound, format!("writing job {}: there is no such job", job.id));
    };
    let (schema, revision) = (number_of(stored, "schema"), number_of(stored, "revision"));
    if schema > i64::from(job.schema) {
        let what = format!("writing job {}: a newer Precis wrote it (shape {schema})", job.id);
        return PortError::new(Fault::Permanent, what);
    }
    let read = job.revision.saturating_sub(1);
    let what = format!("writing job {}: revision {revision} is stored, {read} was read", job.id);
    PortError::new(Fault::Conflict, what)
}

#[async_trait]
impl Jobs for JobTable {
    async fn create(&self, job: &Job) -> Result<Option<Job>> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item(job)?))
            .condition_expression("attribute_not_exists(id)")
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        let Err(error) = put.send().await else { return Ok(None) };
        match error.as_service_error() {
            Some(refused) if refused.is_conditional_check_failed_exception() => {
                let aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException(
                    refused,
                ) = refused
                else {
                    return lost("storing a new job");
                };
                match &refused.item {
                    Some(item) => parse(item).map(Some),
                    None => self.read(job.id.as_str()).await,
                }
            }
            _ => Err(port_error("storing a new job", &error)),
        }
    }

    async fn get(&self, id: &JobId) -> Result<Option<Job>> {
        self.read(id.as_str()).await
    }

    async fn replace(&self, job: &Job) -> Result<()> {
        let put = self.replacement(job)?;
        let call = self
            .client
            .put_item()
            .table_name(put.table_name())
            .set_item(Some(put.item().clone()))
            .set_condition_expression(put.condition_expression().map(str::to_owned))
            .set_expression_attribute_names(put.expression_attribute_names().cloned())
            .set_expression_attribute_values(put.expression_attribute_values().cloned())
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        let Err(error) = call.send().await else { return Ok(()) };
        use aws_sdk_dynamodb::operation::put_item::PutItemError;
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(why)) => Err(refused(job, why.item.as_ref())),
            _ => Err(port_error("writing a job", &error)),
        }
    }

    async fn replace_claiming(&self, job: &Job, name: &str, lease: Duration) -> Result<ContentClaim> {
        let put = TransactWriteItem::builder().put(self.replacement(job)?).build();
        let claim = self.claims.claiming(name, &job.id, job.run, lease)?;
        let claim = TransactWriteItem::builder().put(claim).build();
        for attempt in 1..=TRIES {
            let call =
                self.client.transact_write_items().transact_items(put.clone()).transact_items(claim.clone());
            let Err(error) = call.send().await else { return Ok(ContentClaim::Won) };
            use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
            let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
                error.as_service_error()
            else {
                return Err(port_error("writing a job with its claim", &error));
            };
            let reasons = cancelled.cancellation_reasons();
            let failed =
                |at: usize| reasons.get(at).filter(|reason| reason.code() == Some("ConditionalCheckFailed"));
            if let Some(reason) = failed(0) {
                return Err(refused(job, reason.item.as_ref()));
            }
            if let Some(reason) = failed(1) {
                return match &reason.item {
                    Some(item) => claims::standing(item),
                    None => self.claims.standing(name).await,
                };
            }
            let met = reasons.iter().any(|reason| reason.code() == Some("TransactionConflict"));
            if !met {
                return Err(port_error("writing a job with its claim", &error));
            }
            super::jitter(attempt).await;
        }
        lost("writing a job with its claim")
    }

    async fn list(&self, filter: &Filter) -> Result<Vec<Job>> {
        list::list(self, filter).await
    }

    async fn counts(&self) -> Result<Vec<(State, u64)>> {
        let states = Stage::ALL.into_iter().map(State::At).chain([State::Ended]);
        let counts = states.map(|state| async move {
            let shards = (0..SHARDS).map(|shard| self.count(place(state, shard)));
            let counts: Vec<u64> = futures::future::try_join_all(shards).await?;
            Ok((state, counts.into_iter().sum()))
        });
        futures::future::try_join_all(counts).await
    }

    async fn newest_of_key(&self, bucket: &str, key: &str) -> Result<Option<Job>> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("by-key")
            .key_condition_expression("#document = :document")
            .expression_attribute_names("#document", "document")
            .expression_attribute_values(":document", text(document(bucket, key)))
            .scan_index_forward(false)
            .limit(1);
        let answer = query.send().await;
        let answer = answer.map_err(|error| port_error("looking for the newest job of a key", &error))?;
        match answer.items().first() {
            Some(item) => self.read(text_of(item, "id")).await,
            None => Ok(None),
        }
    }

    async fn of_key(&self, bucket: &str, key: &str) -> Result<Vec<Job>> {
        let mut jobs = self.at_key(&document(bucket, key)).await?;
        // What the index said is looked at again in the job itself.
        jobs.retain(|job| job.document.bucket == bucket && job.document.key == key);
        Ok(jobs)
    }

    async fn known(&self, ids: &[JobId]) -> Result<BTreeSet<JobId>> {
        self.which(ids).await
    }

    async fn forget(&self, job: &Job) -> Result<()> {
        self.claims.forget(&job.id, &job.document.key).await
    }

    async fn content(&self, name: &str) -> Result<Option<(JobId, u32)>> {
        self.claims.holder(name).await
    }

    async fn claim_content(
        &self,
        name: &str,
        job: &JobId,
        run: u32,
        lease: Duration,
    ) -> Result<ContentClaim> {
        self.claims.claim(name, job, run, lease).await
    }

    async fn finish_content(&self, name: &str, job: &JobId, run: u32) -> Result<()> {
        self.claims.finish(name, job, run).await
    }

    async fn release_content(&self, name: &str, job: &JobId, run: u32) -> Result<()> {
        self.claims.release(name, job, run).await
    }

    async fn tally(&self, cause: &str, window: i64, job: &JobId, run: u32, key: &str) -> Result<Tally> {
        self.claims.tally(cause, window, job, run, key).await
    }

    async fn tallied(&self, cause: &str, window: i64) -> Result<Tally> {
        self.claims.tallied(cause, window).await
    }
}

impl JobTable {
    async fn count(&self, place: String) -> Result<u64> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("by-state")
            .select(Select::Count)
            .key_condition_expression("#place = :place")
            .expression_attribute_names("#place", "place")
            .expression_attribute_values(":place", text(place))
            .into_paginator()
            .send();
        let mut count = 0;
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| port_error("counting jobs", &error))?;
            count += u64::try_from(page.count).unwrap_or(0);
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Document;
    use jiff::Timestamp;

    fn job(sequencer: Option<&str>, second: i64) -> Job {
        let at = Timestamp::from_second(second).unwrap();
        let document = Document {
            bucket: "b".into(),
            key: "k".into(),
            version: second.to_string(),
            size: 1,
            sequencer: sequencer.map(str::to_owned),
            uploaded_at: at,
        };
        Job::new(document, at)
    }

    #[test]
    fn versions_are_ordered_as_s3_orders_its_events() {
        let ordered = [job(None, 9), job(Some("88FF"), 8), job(Some("9"), 2), job(Some("9a"), 1)];
        let orders: Vec<_> = ordered.iter().map(version_order).collect();
        assert!(orders.is_sorted(), "{orders:?}");
        assert!(version_order(&job(None, 1)) < version_order(&job(None, 2)), "time tells where S3 does not");
    }

    #[test]
    fn states_are_spread_over_all_shards() {
        let shards: BTreeSet<_> = (0..100).map(|second| shard(&job(None, second).id)).collect();
        assert_eq!(shards.len(), SHARDS as usize);
    }

    #[test]
    fn an_item_holds_no_page_and_says_when_it_may_go() {
        let mut ended = job(None, 1);
        assert!(!item(&ended).unwrap().contains_key("expires_at"), "what is owed is kept for ever");
        ended.state = State::Ended;
        assert!(item(&ended).unwrap().contains_key("expires_at"));
        ended.last_failure = Some("x".repeat(MAX_BODY));
        assert_eq!(item(&ended).unwrap_err().fault, Fault::Permanent);
    }
}
