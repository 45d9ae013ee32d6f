//! Going through the documents of a bucket, from a listing or from an inventory, with a place to go on from.

use super::inventory::Inventory;
use crate::cli;
use crate::commands::place::Place;
use anyhow::{Result, bail};
use domain::Document;
use ports::Objects;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Where to go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cursor {
    /// Behind this key.
    Key(String),
    /// In this file of the inventory, behind so many rows.
    Row {
        /// Which of the manifest's files, from 0.
        file: usize,
        /// Rows that are done.
        row: u64,
    },
}

/// Some documents, in order.
pub struct Step {
    /// The documents.
    pub documents: Vec<Document>,
    /// The last key, for people.
    pub last: String,
    /// Where each document ends, and where the step does.
    cursors: Vec<Cursor>,
    end: Cursor,
}

impl Step {
    /// Where to go on behind the document at this place.
    pub fn cursor(&self, at: usize) -> Cursor {
        self.cursors.get(at).unwrap_or(&self.end).clone()
    }

    /// Where to go on behind all of it.
    pub fn end(&self) -> Cursor {
        self.end.clone()
    }
}

/// A way through a bucket.
pub struct Walk {
    objects: Arc<dyn Objects>,
    bucket: String,
    prefix: String,
    inventory: Option<Inventory>,
    /// Behind which key; `None`: at the end.
    after: Option<String>,
    /// Requests that listing took.
    pub requests: u64,
}

impl Walk {
    /// From the beginning.
    pub async fn open(place: &Place, bucket: &str, args: &cli::Backfill) -> Result<Self> {
        let objects = place.stack.objects.clone();
        let inventory = match &args.inventory {
            Some(manifest) => Some(Inventory::open(objects.clone(), manifest, bucket, &args.prefix).await?),
            None => None,
        };
        Ok(Self {
            objects,
            bucket: bucket.to_owned(),
            prefix: args.prefix.clone(),
            inventory,
            after: Some(String::new()),
            requests: 0,
        })
    }

    /// Goes on from where an earlier walk ended.
    pub fn go_on(&mut self, from: Cursor) -> Result<()> {
        match (from, &mut self.inventory) {
            (Cursor::Key(key), None) => self.after = Some(key),
            (Cursor::Row { file, row }, Some(inventory)) => inventory.go_on(file, row),
            _ => bail!("the checkpoint is of another way to find documents. Do: --restart"),
        }
        Ok(())
    }

    /// The next documents; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Step>> {
        if let Some(inventory) = &mut self.inventory {
            let Some((documents, rows, end)) = inventory.next().await? else { return Ok(None) };
            let last = documents.last().map(|document| document.key.clone()).unwrap_or_default();
            let cursor = |(file, row)| Cursor::Row { file, row };
            let cursors = rows.into_iter().map(cursor).collect();
            return Ok(Some(Step { documents, last, cursors, end: cursor(end) }));
        }
        let Some(after) = self.after.take() else { return Ok(None) };
        let page = self.objects.listing(&self.bucket, &self.prefix, &after).await;
        let page = match page {
            Ok(page) => page,
            Err(error) => {
                self.after = Some(after);
                return Err(error.into());
            }
        };
        self.requests += 1;
        let cursors: Vec<_> =
            page.documents.iter().map(|document| Cursor::Key(document.key.clone())).collect();
        let last = page.documents.last().map(|document| document.key.clone()).unwrap_or_default();
        let end = page.next.clone().or_else(|| (!last.is_empty()).then(|| last.clone())).unwrap_or(after);
        self.after = page.next;
        Ok(Some(Step { documents: page.documents, last, cursors, end: Cursor::Key(end) }))
    }

    /// Whether it came to the end.
    pub fn is_finished(&self) -> bool {
        match &self.inventory {
            Some(inventory) => inventory.is_finished(),
            None => self.after.is_none(),
        }
    }
}
