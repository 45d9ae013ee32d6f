//! Listing jobs: the indexes say which, newest first, and the table says how they stand.

use super::jobs::{JobTable, SHARDS, order, parse, place};
use super::{Item, micros, text, text_of};
use crate::classify::port_error;
use aws_sdk_dynamodb::types::KeysAndAttributes;
use domain::{Job, JobId, Stage, State};
use jiff::Timestamp;
use ports::{Filter, Result};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Jobs of one listing, unless fewer are asked for.
const PAGE: usize = 1000;
/// Items that one call reads.
const BATCH: usize = 100;

pub(super) async fn list(table: &JobTable, filter: &Filter) -> Result<Vec<Job>> {
    let limit = if filter.limit == 0 { PAGE } else { filter.limit.min(PAGE) };
    let mut below = match &filter.after {
        None => None,
        Some(after) => match table.read(after.as_str()).await? {
            Some(job) => Some(order(&job)),
            None => return Ok(Vec::new()),
        },
    };
    if let Some(prefix) = &filter.id_prefix {
        let mut jobs = table.jobs(&table.by_head(prefix).await?).await?;
        jobs.retain(|job| passes(filter, job) && below.as_ref().is_none_or(|below| order(job) < *below));
        jobs.sort_by_key(|job| Reverse(order(job)));
        jobs.truncate(limit);
        return Ok(jobs);
    }
    let mut listed = Vec::new();
    // Some may have moved on since the index saw them: then there is room for more.
    while listed.len() < limit {
        let wanted = limit - listed.len();
        let found = table.by_state(filter, below.as_deref(), wanted).await?;
        let Some((last, _)) = found.last().cloned() else { break };
        let exhausted = found.len() < wanted;
        let ids: Vec<_> = found.into_iter().map(|(_, id)| id).collect();
        let mut jobs = table.jobs(&ids).await?;
        jobs.retain(|job| passes(filter, job));
        jobs.sort_by_key(|job| Reverse(order(job)));
        listed.extend(jobs);
        below = Some(last);
        if exhausted {
            break;
        }
    }
    Ok(listed)
}

/// Whether a job as it stands is what was asked for.
fn passes(filter: &Filter, job: &Job) -> bool {
    let reason = job.outcome.as_ref().and_then(|outcome| outcome.reason);
    filter.state.is_none_or(|state| state == job.state)
        && (!filter.unfinished || job.state != State::Ended)
        && filter.reason.is_none_or(|wanted| reason == Some(wanted) && job.state == State::Ended)
        && filter.key_prefix.as_ref().is_none_or(|prefix| job.document.key.starts_with(prefix))
        && filter.id_prefix.as_ref().is_none_or(|prefix| job.id.as_str().starts_with(prefix))
        && filter.still_since.is_none_or(|since| job.updated_at <= since)
}

/// The states that can pass.
fn states(filter: &Filter) -> Vec<State> {
    let all = Stage::ALL.into_iter().map(State::At).chain([State::Ended]);
    all.filter(|state| {
        filter.state.is_none_or(|wanted| wanted == *state)
            && (!filter.unfinished || *state != State::Ended)
            && (filter.reason.is_none() || *state == State::Ended)
    })
    .collect()
}

impl JobTable {
    /// Orders and ids of the newest jobs below an order, over all shards of the states that can pass.
    async fn by_state(
        &self,
        filter: &Filter,
        below: Option<&str>,
        wanted: usize,
    ) -> Result<Vec<(String, String)>> {
        // A job that is still since then was made before then.
        let still = filter.still_since.map(|since| format!("{:020}$", micros(since)));
        let below = match (below, still.as_deref()) {
            (Some(below), Some(still)) => below.min(still).to_owned(),
            (Some(below), None) => below.to_owned(),
            (None, Some(still)) => still.to_owned(),
            (None, None) => format!("{:020}$", micros(Timestamp::MAX)),
        };
        let shards =
            states(filter).into_iter().flat_map(|state| (0..SHARDS).map(move |shard| place(state, shard)));
        let shards = shards.map(|place| self.shard(place, filter, &below, wanted));
        let mut found: Vec<_> = futures::future::try_join_all(shards).await?.into_iter().flatten().collect();
        found.sort_by(|a, b| b.cmp(a));
        // A job that moved on between two of the queries was found in both places.
        found.dedup();
        found.truncate(wanted);
        Ok(found)
    }

    /// The newest of one shard.
    async fn shard(
        &self,
        place: String,
        filter: &Filter,
        below: &str,
        wanted: usize,
    ) -> Result<Vec<(String, String)>> {
        let mut query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("by-state")
            .key_condition_expression("#place = :place AND #order < :below")
            .expression_attribute_names("#place", "place")
            .expression_attribute_names("#order", "order")
            .expression_attribute_values(":place", text(place))
            .expression_attribute_values(":below", text(below))
            .scan_index_forward(false)
            .limit(i32::try_from(wanted).unwrap_or(i32::MAX));
        let mut conditions = Vec::new();
        if let Some(prefix) = filter.key_prefix.as_ref().filter(|prefix| !prefix.is_empty()) {
            conditions.push("begins_with(#key, :prefix)");
            query = query
                .expression_attribute_names("#key", "key")
                .expression_attribute_values(":prefix", text(prefix));
        }
        if let Some(reason) = filter.reason {
            conditions.push("reason = :reason");
            query = query.expression_attribute_values(":reason", text(reason.code()));
        }
        if !conditions.is_empty() {
            query = query.filter_expression(conditions.join(" AND "));
        }
        let mut pages = query.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| port_error("listing jobs", &error))?;
            found.extend(page.items().iter().map(entry));
            if found.len() >= wanted {
                break;
            }
        }
        Ok(found)
    }

    /// Ids that begin so.
    async fn by_head(&self, prefix: &str) -> Result<Vec<String>> {
        if !prefix.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)) {
            return Ok(Vec::new());
        }
        let heads: Vec<String> = match prefix.len() {
            0 | 1 => {
                (0..=255_u8).map(|head| format!("{head:02x}")).filter(|h| h.starts_with(prefix)).collect()
            }
            _ => vec![prefix[..2].to_owned()],
        };
        let found = heads.into_iter().map(|head| async move {
            let mut pages = self
                .client
                .query()
                .table_name(&self.table)
                .index_name("by-head")
                .key_condition_expression("head = :head AND begins_with(id, :prefix)")
                .expression_attribute_values(":head", text(head))
                .expression_attribute_values(":prefix", text(prefix))
                .into_paginator()
                .send();
            let mut ids = Vec::new();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| port_error("looking for a job by its id", &error))?;
                ids.extend(page.items().iter().map(|item| text_of(item, "id").to_owned()));
            }
            Ok(ids)
        });
        Ok(futures::future::try_join_all(found).await?.into_iter().flatten().collect())
    }

    /// The jobs at a place of `by-key`.
    pub(super) async fn at_key(&self, document: &str) -> Result<Vec<Job>> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("by-key")
            .key_condition_expression("#document = :document")
            .expression_attribute_names("#document", "document")
            .expression_attribute_values(":document", text(document))
            .into_paginator()
            .send();
        let mut ids = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| port_error("listing the jobs of a key", &error))?;
            ids.extend(page.items().iter().map(|item| text_of(item, "id").to_owned()));
        }
        self.jobs(&ids).await
    }

    /// Which of these ids there are.
    pub(super) async fn which(&self, ids: &[JobId]) -> Result<BTreeSet<JobId>> {
        let ids: Vec<_> = ids.iter().map(|id| id.as_str().to_owned()).collect();
        let items = self.items(&ids, Some("id")).await?;
        let parsed = items.keys().map(|id| id.parse::<JobId>());
        parsed.collect::<std::result::Result<_, _>>().map_err(|error| super::unreadable("a job's id", &error))
    }

    /// The jobs of these ids, as they stand now.
    async fn jobs(&self, ids: &[String]) -> Result<Vec<Job>> {
        self.items(ids, None).await?.values().map(parse).collect()
    }

    /// The items of these ids, whole or only these attributes of them.
    async fn items(&self, ids: &[String], only: Option<&str>) -> Result<BTreeMap<String, Item>> {
        let mut items = BTreeMap::new();
        for ids in ids.chunks(BATCH) {
            let keys = ids.iter().map(|id| Item::from([("id".to_owned(), text(id))])).collect();
            let mut wanted = Some(keys);
            while let Some(keys) = wanted.take() {
                let keys = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true);
                let keys = keys.set_projection_expression(only.map(str::to_owned));
                let keys = keys.build().map_err(super::unbuilt)?;
                let answer = self.client.batch_get_item().request_items(&self.table, keys).send().await;
                let answer = answer.map_err(|error| port_error("reading jobs", &error))?;
                for item in answer.responses.unwrap_or_default().into_values().flatten() {
                    items.insert(text_of(&item, "id").to_owned(), item);
                }
                // What one answer has no room for.
                wanted = answer
                    .unprocessed_keys
                    .and_then(|mut left| left.remove(&self.table))
                    .map(|left| left.keys)
                    .filter(|keys| !keys.is_empty());
            }
        }
        Ok(items)
    }
}

fn entry(item: &Item) -> (String, String) {
    (text_of(item, "order").to_owned(), text_of(item, "id").to_owned())
}
