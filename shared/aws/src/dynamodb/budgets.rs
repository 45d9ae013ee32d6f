//! `Budget` over the table of claims: one item a cap counts what was taken of it, one item for each spending tells that it
//! was counted. Both are written in one transaction with those of all other caps, so that nothing is spent uncounted and
//! nothing is counted twice, whoever dies in between.

use super::{Item, expiry, jitter, lost, number, number_of, text, unbuilt};
use crate::classify::port_error;
use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem, Update};
use ports::{Budget, Cap, Result, Taken};
use std::time::Duration;

/// How long a month's spending is remembered.
const KEPT: Duration = Duration::from_secs(100 * 24 * 3600);
/// Tries of a transaction that met others. All who spend of a cap meet at its item.
const TRIES: u32 = 40;

/// The budgets of a deployment.
pub struct Budgets {
    client: Client,
    table: String,
}

fn cap_key(cap: &Cap) -> String {
    format!("budget#{}", cap.name)
}

fn own_key(cap: &Cap, name: &str) -> String {
    format!("spending#{}#{name}", cap.name)
}

/// What came of a transaction.
enum Done {
    Yes,
    /// This one of its actions met its condition's "no".
    Refused(usize),
    /// It met another.
    Again,
}

impl Budgets {
    /// Over this table. Nothing is asked yet.
    #[must_use]
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    async fn get(&self, key: String) -> Result<Option<Item>> {
        let get = self.client.get_item().table_name(&self.table).key("name", text(key)).consistent_read(true);
        let answer = get.send().await.map_err(|error| port_error("looking at a budget", &error))?;
        Ok(answer.item)
    }

    async fn transact(&self, actions: Vec<TransactWriteItem>) -> Result<Done> {
        let call = self.client.transact_write_items().set_transact_items(Some(actions));
        let Err(error) = call.send().await else { return Ok(Done::Yes) };
        let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error()
        else {
            return Err(port_error("counting a budget", &error));
        };
        let codes =
            || cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or_default());
        if let Some(refused) = codes().position(|code| code == "ConditionalCheckFailed") {
            return Ok(Done::Refused(refused));
        }
        if codes().any(|code| code == "TransactionConflict") {
            return Ok(Done::Again);
        }
        Err(port_error("counting a budget", &error))
    }

    /// Counts pages onto a cap, if it bears them.
    fn counting(&self, cap: &Cap, pages: u64) -> Result<TransactWriteItem> {
        let update = Update::builder()
            .table_name(&self.table)
            .key("name", text(cap_key(cap)))
            .update_expression("ADD spent :pages SET expires_at = :kept")
            .condition_expression("attribute_not_exists(spent) OR spent <= :room")
            .expression_attribute_values(":pages", number(pages))
            .expression_attribute_values(":room", number(cap.pages - pages))
            .expression_attribute_values(":kept", expiry(KEPT));
        Ok(TransactWriteItem::builder().update(update.build().map_err(unbuilt)?).build())
    }

    fn noting(&self, cap: &Cap, name: &str, pages: u64) -> Result<TransactWriteItem> {
        let put = Put::builder()
            .table_name(&self.table)
            .item("name", text(own_key(cap, name)))
            .item("pages", number(pages))
            .item("expires_at", expiry(KEPT))
            .condition_expression("attribute_not_exists(#name)")
            .expression_attribute_names("#name", "name");
        Ok(TransactWriteItem::builder().put(put.build().map_err(unbuilt)?).build())
    }

    fn undoing(&self, cap: &Cap, name: &str, pages: i64) -> Result<[TransactWriteItem; 2]> {
        let delete = Delete::builder()
            .table_name(&self.table)
            .key("name", text(own_key(cap, name)))
            .condition_expression("attribute_exists(#name)")
            .expression_attribute_names("#name", "name");
        let update = Update::builder()
            .table_name(&self.table)
            .key("name", text(cap_key(cap)))
            .update_expression("ADD spent :pages")
            .expression_attribute_values(":pages", number(-pages));
        Ok([
            TransactWriteItem::builder().delete(delete.build().map_err(unbuilt)?).build(),
            TransactWriteItem::builder().update(update.build().map_err(unbuilt)?).build(),
        ])
    }
}

#[async_trait]
impl Budget for Budgets {
    async fn take(&self, name: &str, pages: u64, of: &[Cap]) -> Result<Taken> {
        let mut new: Vec<&Cap> = of.iter().collect();
        for attempt in 1..=TRIES {
            if new.is_empty() {
                return Ok(Taken::Yes);
            }
            // Beyond the cap even when nothing was spent; but it may have been taken before the cap was lowered.
            if let Some(at) = new.iter().position(|cap| pages > cap.pages) {
                if self.get(own_key(new[at], name)).await?.is_none() {
                    return Ok(Taken::Exceeds(new[at].clone()));
                }
                new.remove(at);
                continue;
            }
            let mut actions = Vec::with_capacity(new.len() * 2);
            for cap in &new {
                actions.extend([self.noting(cap, name, pages)?, self.counting(cap, pages)?]);
            }
            match self.transact(actions).await? {
                Done::Yes => return Ok(Taken::Yes),
                Done::Again => jitter(attempt).await,
                // Counted before, under the same name.
                Done::Refused(at) if at % 2 == 0 => {
                    new.remove(at / 2);
                }
                Done::Refused(at) => {
                    let cap = new[at / 2];
                    // Which of both conditions is named first is not promised.
                    if self.get(own_key(cap, name)).await?.is_none() {
                        return Ok(Taken::Exceeds(cap.clone()));
                    }
                    new.remove(at / 2);
                }
            }
        }
        lost("taking pages of a budget")
    }

    async fn give_back(&self, name: &str, of: &[Cap]) -> Result<()> {
        for cap in of {
            let mut attempt = 0;
            // Its condition says that somebody gave it back already.
            while let Some(own) = self.get(own_key(cap, name)).await? {
                let undo = self.undoing(cap, name, number_of(&own, "pages"))?;
                match self.transact(undo.to_vec()).await? {
                    Done::Yes | Done::Refused(_) => break,
                    Done::Again if attempt < TRIES => {
                        attempt += 1;
                        jitter(attempt).await;
                    }
                    Done::Again => return lost("giving pages of a budget back"),
                }
            }
        }
        Ok(())
    }

    async fn spent(&self, cap: &Cap) -> Result<u64> {
        let item = self.get(cap_key(cap)).await?.unwrap_or_default();
        Ok(u64::try_from(number_of(&item, "spent")).unwrap_or(0))
    }
}
