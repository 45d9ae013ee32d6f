//! Publishing and subscriptions. To publish is to write down, in one transaction, what is told and to whom; the
//! telling itself (`deliver`) has its own queue, so that a slow mail server stops nobody, and a crash loses
//! nothing. What is told under the same id a second time tells nobody anything.

use crate::body::random_hex;
use crate::db::Db;
use crate::deliver::{self, Address, Deliverer};
use crate::fault::DbResult;
use crate::time::{self, micros};
use async_trait::async_trait;
use domain::Audience;
use jiff::Timestamp;
use ports::{Channel, Endpoint, Fault, Notification, PortError, Result, Subscription, Subscriptions, Topic};
use rusqlite::{Connection, OptionalExtension, params};
use std::sync::Arc;

/// The topics of a data folder.
pub(crate) struct Topics {
    pub(crate) db: Db,
    pub(crate) deliverer: Arc<Deliverer>,
}

pub(crate) fn channel_name(channel: Channel) -> &'static str {
    match channel {
        Channel::Outcomes => "outcomes",
        Channel::Completions => "completions",
    }
}

#[async_trait]
impl Topic for Topics {
    async fn publish(&self, channel: Channel, notification: &Notification) -> Result<()> {
        let has_smtp = self.deliverer.settings.smtp()?.is_some();
        let notification = notification.clone();
        self.db.write("publishing", move |db| publish(db, channel, &notification, has_smtp)).await?;
        self.deliverer.bell.notify_waiters();
        Ok(())
    }
}

fn publish(db: &Connection, channel: Channel, notification: &Notification, has_smtp: bool) -> DbResult<()> {
    let now = time::now();
    let seq: Option<i64> = db
        .prepare_cached(
            "INSERT INTO notifications (id, channel, published_at, body) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO NOTHING RETURNING seq",
        )?
        .query_row(
            params![notification.id, channel_name(channel), now, serde_json::to_string(notification)?],
            |row| row.get(0),
        )
        .optional()?;
    let Some(seq) = seq else { return Ok(()) };
    let mut addresses = Vec::new();
    let subscriptions = all(db)?;
    let wanted = subscriptions.iter().filter(|subscription| subscription.wants(notification));
    match channel {
        Channel::Outcomes => {
            if deliver::writes_results(channel, notification) {
                addresses.push(Address::Results);
            }
            let hooks = wanted.filter(|subscription| matches!(subscription.endpoint, Endpoint::Webhook(_)));
            addresses.extend(hooks.map(|subscription| Address::Webhook(subscription.id.clone())));
        }
        Channel::Completions => {
            let mails = wanted.filter_map(|subscription| match &subscription.endpoint {
                Endpoint::Email(address) => Some(address.clone()),
                Endpoint::Webhook(_) => None,
            });
            let mut mails: Vec<_> = mails.collect();
            mails.sort();
            mails.dedup();
            if has_smtp {
                addresses.extend(mails.into_iter().map(Address::Email));
            } else {
                addresses.push(Address::Outbox(mails));
            }
        }
    }
    for address in &addresses {
        insert_delivery(db, seq, address, now)?;
    }
    if addresses.is_empty() {
        db.prepare_cached("UPDATE notifications SET body = NULL WHERE seq = ?1")?.execute([seq])?;
    }
    Ok(())
}

fn insert_delivery(db: &Connection, seq: i64, address: &Address, now: i64) -> DbResult<()> {
    db.prepare_cached(
        "INSERT INTO deliveries (notification, kind, endpoint, due_at, created_at) VALUES (?1, ?2, ?3, ?4, ?4)
         ON CONFLICT DO NOTHING",
    )?
    .execute(params![seq, address.kind(), serde_json::to_string(address)?, now])?;
    Ok(())
}

/// All subscriptions, oldest first.
pub(crate) fn all(db: &Connection) -> DbResult<Vec<Subscription>> {
    let mut statement = db.prepare_cached("SELECT body FROM subscriptions ORDER BY created_at, id")?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(serde_json::from_str(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?);
    }
    Ok(found)
}

#[async_trait]
impl Subscriptions for Topics {
    async fn add(&self, subscription: Subscription) -> Result<Subscription> {
        check(&subscription.endpoint)?;
        self.db.write("subscribing", move |db| add(db, subscription)).await
    }

    async fn remove(&self, id_or_address: &str) -> Result<Vec<Subscription>> {
        let wanted = id_or_address.to_owned();
        self.db
            .write("unsubscribing", move |db| {
                let is_it = |found: &Subscription| found.id == wanted || address(&found.endpoint) == wanted;
                let (gone, left): (Vec<_>, Vec<_>) = all(db)?.into_iter().partition(is_it);
                for subscription in &gone {
                    db.execute("DELETE FROM subscriptions WHERE id = ?1", [&subscription.id])?;
                    cancel(db, subscription, &left)?;
                }
                Ok(gone)
            })
            .await
    }

    async fn list(&self) -> Result<Vec<Subscription>> {
        self.db.read("listing subscriptions", all).await
    }

    async fn test(&self, id: &str) -> Result<()> {
        let all = self.list().await?;
        let Some(subscription) = all.into_iter().find(|found| found.id == id) else {
            return Err(PortError::new(Fault::NotFound, format!("there is no subscription {id}")));
        };
        self.deliverer.send_test(&subscription).await
    }
}

/// Who has unsubscribed hears nothing more, also not what is on its way.
fn cancel(db: &Connection, gone: &Subscription, left: &[Subscription]) -> DbResult<()> {
    let address = match &gone.endpoint {
        Endpoint::Webhook(_) => Address::Webhook(gone.id.clone()),
        Endpoint::Email(_) if left.iter().any(|other| other.endpoint == gone.endpoint) => return Ok(()),
        Endpoint::Email(to) => Address::Email(to.clone()),
    };
    let mut statement = db.prepare_cached(
        "DELETE FROM deliveries WHERE state IN ('pending', 'dead') AND kind = ?1 AND endpoint = ?2
         RETURNING notification",
    )?;
    let parameters = params![address.kind(), serde_json::to_string(&address)?];
    let told =
        statement.query_map(parameters, |row| row.get::<_, i64>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    told.into_iter().try_for_each(|seq| deliver::drop_told(db, seq))
}

fn address(endpoint: &Endpoint) -> &str {
    match endpoint {
        Endpoint::Email(address) | Endpoint::Webhook(address) => address,
    }
}

/// Refuses what could never be delivered to, when somebody is there to hear it.
fn check(endpoint: &Endpoint) -> Result<()> {
    let refused = |why: String| Err(PortError::new(Fault::Permanent, why));
    match endpoint {
        Endpoint::Email(address) => match address.parse::<lettre::Address>() {
            Ok(_) => Ok(()),
            Err(error) => refused(format!("{address:?} is no e-mail address: {error}")),
        },
        Endpoint::Webhook(url) => match deliver::webhook::check(url) {
            Ok(()) => Ok(()),
            Err(why) => refused(format!("{url:?} is no webhook address: {why}")),
        },
    }
}

fn add(db: &Connection, subscription: Subscription) -> DbResult<Subscription> {
    let kind = match subscription.endpoint {
        Endpoint::Email(_) => "email",
        Endpoint::Webhook(_) => "webhook",
    };
    let audience = match subscription.audience {
        Audience::Sender => "sender",
        Audience::Operator => "operator",
    };
    let place = params![kind, address(&subscription.endpoint), subscription.prefix, audience];
    let found: Option<String> = db
        .prepare_cached(
            "SELECT body FROM subscriptions WHERE kind = ?1 AND address = ?2 AND prefix = ?3 AND audience = ?4",
        )?
        .query_row(place, |row| row.get(0))
        .optional()?;
    if let Some(found) = found {
        let mut found: Subscription = serde_json::from_str(&found)?;
        found.outcomes = subscription.outcomes;
        db.prepare_cached("UPDATE subscriptions SET body = ?2 WHERE id = ?1")?
            .execute(params![found.id, serde_json::to_string(&found)?])?;
        return Ok(found);
    }
    let created_at = if subscription.created_at == Timestamp::UNIX_EPOCH {
        time::timestamp(time::now())
    } else {
        subscription.created_at
    };
    let subscription = Subscription { id: format!("s{}", &random_hex()[..8]), created_at, ..subscription };
    db.prepare_cached(
        "INSERT INTO subscriptions (id, kind, address, prefix, audience, created_at, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        subscription.id,
        kind,
        address(&subscription.endpoint),
        subscription.prefix,
        audience,
        micros(created_at),
        serde_json::to_string(&subscription)?,
    ])?;
    Ok(subscription)
}
