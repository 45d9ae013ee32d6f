//! `SettingsSource` over DynamoDB: layers for everything, for a bucket, and for prefixes of its keys, edited with
//! `precis settings`. Read again every 10 seconds; while the table cannot be read, what was read before holds.

use super::{Item, text, text_of, unreadable};
use crate::classify::port_error;
use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use domain::settings::{Layer, Source};
use ports::{Result, SettingsSource};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How long what was read is taken for what stands.
const FRESH: Duration = Duration::from_secs(10);
/// The kind of a layer's item.
const KIND: &str = "layer";

/// One layer: of a bucket (empty: of all) and a prefix of its keys (empty: of all).
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// The bucket, or empty.
    pub bucket: String,
    /// The prefix, or empty.
    pub prefix: String,
}

impl Place {
    /// Its name among the items.
    fn name(&self) -> String {
        // No bucket's name has a slash, so this is told apart.
        format!("{}/{}", self.bucket, self.prefix)
    }

    /// Whether it holds for a key.
    fn holds(&self, bucket: &str, key: &str) -> bool {
        (self.bucket.is_empty() || self.bucket == bucket) && key.starts_with(&self.prefix)
    }

    fn source(&self) -> Source {
        if self.prefix.is_empty() { Source::File } else { Source::Prefix(self.prefix.clone()) }
    }
}

type Layers = Vec<(Place, Layer)>;

/// The settings of a deployment.
pub struct SettingsTable {
    client: Client,
    table: String,
    known: Mutex<Option<(Instant, Arc<Layers>)>>,
}

impl SettingsTable {
    /// Over this table. Nothing is asked yet.
    #[must_use]
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table, known: Mutex::default() }
    }

    /// Every layer there is, weakest first.
    ///
    /// # Errors
    /// If they cannot be read.
    pub async fn all(&self) -> Result<Vec<(Place, Layer)>> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("kind = :kind")
            .expression_attribute_values(":kind", text(KIND))
            .into_paginator()
            .send();
        let mut layers = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| port_error("reading the settings", &error))?;
            for item in page.items() {
                layers.push(layer(item)?);
            }
        }
        layers.sort_by_key(|(place, _)| (!place.bucket.is_empty(), place.prefix.len()));
        Ok(layers)
    }

    /// Sets a layer, in place of the one there is.
    ///
    /// # Errors
    /// If it cannot be written.
    pub async fn put(&self, place: &Place, layer: &Layer) -> Result<()> {
        let body = serde_json::to_string(layer).map_err(|error| unreadable("a setting", &error))?;
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .item("kind", text(KIND))
            .item("name", text(place.name()))
            .item("bucket", text(&place.bucket))
            .item("prefix", text(&place.prefix))
            .item("body", text(body));
        put.send().await.map_err(|error| port_error("writing a setting", &error))?;
        *self.known.lock().await = None;
        Ok(())
    }

    /// Takes a layer away.
    ///
    /// # Errors
    /// If it cannot be deleted.
    pub async fn delete(&self, place: &Place) -> Result<()> {
        let delete = self
            .client
            .delete_item()
            .table_name(&self.table)
            .key("kind", text(KIND))
            .key("name", text(place.name()));
        delete.send().await.map_err(|error| port_error("deleting a setting", &error))?;
        *self.known.lock().await = None;
        Ok(())
    }

    async fn layers(&self) -> Result<Arc<Layers>> {
        let mut known = self.known.lock().await;
        if let Some((at, layers)) = known.as_ref()
            && at.elapsed() < FRESH
        {
            return Ok(layers.clone());
        }
        match (self.all().await, known.as_ref()) {
            (Ok(read), _) => {
                let read = Arc::new(read);
                *known = Some((Instant::now(), read.clone()));
                Ok(read)
            }
            (Err(error), Some((_, before))) => {
                tracing::warn!(error = %error, "settings not read again, the former ones hold");
                Ok(before.clone())
            }
            (Err(error), None) => Err(error),
        }
    }
}

fn layer(item: &Item) -> Result<(Place, Layer)> {
    let place =
        Place { bucket: text_of(item, "bucket").to_owned(), prefix: text_of(item, "prefix").to_owned() };
    let layer = serde_json::from_str(text_of(item, "body"))
        .map_err(|error| unreadable(&format!("the setting of {:?}", place.name()), &error))?;
    Ok((place, layer))
}

#[async_trait]
impl SettingsSource for SettingsTable {
    async fn layers(&self, bucket: &str, key: &str) -> Result<Vec<(Source, Layer)>> {
        let layers = self.layers().await?;
        let held = layers.iter().filter(|(place, _)| place.holds(bucket, key));
        Ok(held.map(|(place, layer)| (place.source(), layer.clone())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_holds_for_its_own_bucket_and_prefix() {
        let place = |bucket: &str, prefix: &str| Place { bucket: bucket.into(), prefix: prefix.into() };
        assert!(place("", "").holds("b", "k") && place("b", "").holds("b", "k"));
        assert!(place("b", "in/").holds("b", "in/k") && !place("b", "in/").holds("b", "out/k"));
        assert!(!place("c", "").holds("b", "k"));
        assert_eq!(place("b", "in/").source(), Source::Prefix("in/".into()));
    }
}
