//! Deliveries: what was published is carried to each endpoint, again and again until it is there or is hopeless.
//!
//! Files (results, `.eml`) are written many at a time: all under temporary names, one sync of the file system,
//! then all renamed, one more sync, one commit. A crash in between writes the same files again, under the same
//! names with the same bytes. E-mails and webhooks go out a few at a time; of those that were under way in a
//! crash it is not known whether they arrived, so they go out again ([`AT_ONCE`] at most).

pub(crate) mod email;
mod files;
mod names;
pub(crate) mod results;
pub(crate) mod webhook;

use crate::db::Db;
use crate::fault::DbResult;
use crate::objects::ObjectStore;
use crate::open::Layout;
use crate::settings::SettingsFile;
use crate::time;
use jiff::Timestamp;
use ports::{Channel, Fault, Notification, PortError, Result, Subscription};
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// E-mails and webhooks under way at once.
pub const AT_ONCE: usize = 4;
/// Files of so many deliveries are synced together.
const FILES: usize = 128;
/// After this time an endpoint that cannot be reached is given up.
const GIVE_UP: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a delivery of a process before, or one put back by a command, may stay unseen.
const LOOK: Duration = Duration::from_secs(1);

/// Where a notification goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Address {
    /// Files in `results/`.
    Results,
    /// One `.eml` in `outbox/`, to these people.
    Outbox(Vec<String>),
    /// One person, by SMTP.
    Email(String),
    /// The webhook of this subscription.
    Webhook(String),
}

impl Address {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Results => "results",
            Self::Outbox(_) => "outbox",
            Self::Email(_) => "email",
            Self::Webhook(_) => "webhook",
        }
    }
}

/// A delivery that is not done, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeliveryStatus {
    /// Its number.
    pub id: i64,
    /// `results`, `outbox`, `email` or `webhook`.
    pub kind: String,
    /// The e-mail address, or the webhook's subscription.
    pub to: String,
    /// What is told.
    pub notification: String,
    /// Whether it was given up; else it is tried again.
    pub dead: bool,
    /// Attempts so far.
    pub attempts: u32,
    /// Next attempt.
    pub due_at: Timestamp,
    /// Since when it waits.
    pub created_at: Timestamp,
    /// What went wrong the last time.
    pub last_error: Option<String>,
}

/// A delivery to make.
pub(crate) struct Due {
    pub(crate) id: i64,
    pub(crate) address: Address,
    pub(crate) attempts: u32,
    pub(crate) created_at: i64,
    pub(crate) published_at: Timestamp,
    pub(crate) notification: Arc<Notification>,
}

/// Carries what was published.
pub(crate) struct Deliverer {
    pub(crate) db: Db,
    pub(crate) settings: Arc<SettingsFile>,
    pub(crate) layout: Layout,
    pub(crate) objects: Arc<ObjectStore>,
    pub(crate) bell: Notify,
}

impl Deliverer {
    /// Delivers until `stop`; what is under way then is finished.
    pub(crate) async fn run(&self, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        loop {
            let rung = self.bell.notified();
            let pause = match self.deliver_due().await {
                Ok(0) => LOOK,
                Ok(_) => Duration::ZERO,
                Err(error) => {
                    tracing::error!(error = %error, "deliveries failed");
                    LOOK * 5
                }
            };
            tokio::select! {
                biased;
                () = &mut stop => return,
                () = rung => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Waits until everything published was tried, at most so long. Whether it was.
    pub(crate) async fn done(&self, wait: Duration) -> Result<bool> {
        let start = Instant::now();
        loop {
            let untried = self.list().await?.iter().any(|delivery| delivery.attempts == 0);
            if !untried {
                return Ok(true);
            }
            if start.elapsed() >= wait {
                return Ok(false);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Tries everything that is due once. Gives the number of attempts.
    pub(crate) async fn deliver_due(&self) -> Result<usize> {
        let (files, calls) = tokio::join!(self.write_due_files(), self.make_due_calls());
        Ok(files? + calls?)
    }

    async fn write_due_files(&self) -> Result<usize> {
        let due = self.due(&["results", "outbox"], FILES).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let count = due.len();
        let results = files::write(self, &due).await;
        self.settle(due, results).await?;
        Ok(count)
    }

    async fn make_due_calls(&self) -> Result<usize> {
        let due = self.due(&["email", "webhook"], AT_ONCE).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let count = due.len();
        let mailer = email::Mailer::of(&self.settings);
        let calls = due.iter().map(|due| self.call(&mailer, due));
        let results = futures::future::join_all(calls).await;
        self.settle(due, results).await?;
        Ok(count)
    }

    async fn call(&self, mailer: &Result<email::Mailer>, due: &Due) -> Result<()> {
        match &due.address {
            Address::Email(to) => {
                let mailer = mailer.as_ref().map_err(Clone::clone)?;
                mailer.send(&due.notification, due.published_at, to).await
            }
            Address::Webhook(subscription) => {
                let url = self.webhook_url(subscription).await?;
                webhook::post(self.webhook_secret()?, url, &due.notification).await
            }
            Address::Results | Address::Outbox(_) => Ok(()),
        }
    }

    async fn webhook_url(&self, id: &str) -> Result<String> {
        let all = self.db.read("looking for a subscription", crate::topic::all).await?;
        let found = all.into_iter().find(|found| found.id == id).map(|found| found.endpoint);
        match found {
            Some(ports::Endpoint::Webhook(url)) => Ok(url),
            _ => Err(PortError::new(Fault::NotFound, "the subscription was removed")),
        }
    }

    fn webhook_secret(&self) -> Result<crate::settings::Secret> {
        match self.settings.webhook().secret {
            Some(secret) => Ok(secret),
            None => webhook::folder_secret(&self.layout.folder),
        }
    }

    /// Sends one test message at once, whatever waits.
    pub(crate) async fn send_test(&self, subscription: &Subscription) -> Result<()> {
        let now = time::timestamp(time::now());
        let notification = email::test_notification(subscription, now);
        match &subscription.endpoint {
            ports::Endpoint::Email(to) => {
                if self.settings.smtp()?.is_some() {
                    return email::Mailer::of(&self.settings)?.send(&notification, now, to).await;
                }
                let due = Due {
                    id: 0,
                    address: Address::Outbox(vec![to.clone()]),
                    attempts: 0,
                    created_at: time::now(),
                    published_at: now,
                    notification: Arc::new(notification),
                };
                files::write(self, &[due]).await.into_iter().collect()
            }
            ports::Endpoint::Webhook(url) => {
                webhook::post(self.webhook_secret()?, url.clone(), &notification).await
            }
        }
    }

    async fn due(&self, kinds: &'static [&'static str; 2], limit: usize) -> Result<Vec<Due>> {
        self.db.read("looking for deliveries", move |db| due(db, kinds, limit)).await
    }

    async fn settle(&self, due: Vec<Due>, results: Vec<Result<()>>) -> Result<()> {
        for (due, result) in due.iter().zip(&results) {
            if let Err(error) = result {
                let (id, kind) = (&due.notification.id, due.address.kind());
                tracing::warn!(notification.id = %id, kind, error = %error, "delivery failed");
            }
        }
        self.db
            .write("writing down deliveries", move |db| {
                due.iter().zip(&results).try_for_each(|(due, result)| settle(db, due, result))
            })
            .await
    }

    /// Deliveries that are not done.
    pub(crate) async fn list(&self) -> Result<Vec<DeliveryStatus>> {
        self.db.read("listing deliveries", list).await
    }

    /// Tries again now what was given up (and what waits). Gives their number.
    pub(crate) async fn retry(&self) -> Result<u64> {
        let count = self
            .db
            .write("trying deliveries again", |db| {
                let now = time::now();
                // Since when it waits begins anew, so that it has a whole day again.
                Ok(db.execute(
                    "UPDATE deliveries SET state = 'pending', due_at = ?1, created_at = ?1, attempts = 0
                     WHERE state IN ('pending', 'dead')",
                    [now],
                )?)
            })
            .await?;
        self.bell.notify_one();
        Ok(count as u64)
    }
}

fn due(db: &Connection, kinds: &[&str; 2], limit: usize) -> DbResult<Vec<Due>> {
    let mut statement = db.prepare_cached(
        "SELECT d.id, d.endpoint, d.attempts, d.created_at, n.published_at, n.body
         FROM deliveries d JOIN notifications n ON n.seq = d.notification
         WHERE d.state = 'pending' AND d.kind IN (?1, ?2) AND d.due_at <= ?3 AND n.body IS NOT NULL
         ORDER BY d.due_at, d.id LIMIT ?4",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![kinds[0], kinds[1], time::now(), limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let text = |column| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
        found.push(Due {
            id: row.get(0)?,
            address: serde_json::from_str(text(1)?)?,
            attempts: row.get(2)?,
            created_at: row.get(3)?,
            published_at: time::timestamp(row.get(4)?),
            notification: Arc::new(serde_json::from_str(text(5)?)?),
        });
    }
    Ok(found)
}

fn settle(db: &Connection, due: &Due, result: &Result<()>) -> DbResult<()> {
    let now = time::now();
    let Err(error) = result else {
        db.prepare_cached("UPDATE deliveries SET state = 'done', attempts = attempts + 1 WHERE id = ?1")?
            .execute([due.id])?;
        // The row stays and remembers; what was told need not be kept twice.
        db.prepare_cached(
            "UPDATE notifications SET body = NULL WHERE seq = (SELECT notification FROM deliveries WHERE id = ?1)
             AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.notification = seq AND d.state <> 'done')",
        )?
        .execute([due.id])?;
        return Ok(());
    };
    let waited = time::duration(now - due.created_at);
    // A full disk and a folder we may not write to are mended by people; until then it is tried.
    let is_file = matches!(due.address, Address::Results | Address::Outbox(_));
    let hopeless = !is_file && (error.is_permanent() || (waited > GIVE_UP && error.fault != Fault::Full));
    let pause = pause_after(due.attempts + 1, is_file);
    db.prepare_cached(
        "UPDATE deliveries SET state = ?2, attempts = attempts + 1, due_at = ?3, last_error = ?4 WHERE id = ?1",
    )?
    .execute(params![due.id, if hopeless { "dead" } else { "pending" }, now + time::span(pause), error.what])?;
    Ok(())
}

/// 2 s, 4 s, 8 s … to an hour; files no longer than a minute.
fn pause_after(attempts: u32, is_file: bool) -> Duration {
    let longest = Duration::from_secs(if is_file { 60 } else { 60 * 60 });
    Duration::from_secs(1 << attempts.min(12)).min(longest)
}

fn list(db: &Connection) -> DbResult<Vec<DeliveryStatus>> {
    let mut statement = db.prepare_cached(
        "SELECT d.id, d.endpoint, n.id, d.state, d.attempts, d.due_at, d.created_at, d.last_error
         FROM deliveries d JOIN notifications n ON n.seq = d.notification
         WHERE d.state IN ('pending', 'dead') ORDER BY d.id",
    )?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let address: Address =
            serde_json::from_str(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?)?;
        let state: String = row.get(3)?;
        found.push(DeliveryStatus {
            id: row.get(0)?,
            kind: address.kind().to_owned(),
            to: match address {
                Address::Results => "results".into(),
                Address::Outbox(people) => people.join(", "),
                Address::Email(to) | Address::Webhook(to) => to,
            },
            notification: row.get(2)?,
            dead: state == "dead",
            attempts: row.get(4)?,
            due_at: time::timestamp(row.get(5)?),
            created_at: time::timestamp(row.get(6)?),
            last_error: row.get(7)?,
        });
    }
    Ok(found)
}

/// Whether a channel's notification is about results files at all.
pub(crate) fn writes_results(channel: Channel, notification: &Notification) -> bool {
    channel == Channel::Outcomes
        && notification.job.is_some()
        && notification.outcome != domain::OutcomeKind::Superseded
}

/// Removes what a process before left half written.
pub(crate) fn clean(layout: &Layout) {
    files::clean(&layout.results());
    files::clean(&layout.outbox());
}
