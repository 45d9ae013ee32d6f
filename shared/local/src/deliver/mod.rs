//! Deliveries: what was published is carried to each endpoint, again and again until it is there or is hopeless.
//!
//! Files (results, `.eml`) are written many at a time: all under temporary names, one sync of the file system,
//! then all renamed, one more sync, one commit. A crash in between writes the same files again, under the same
//! names with the same bytes. E-mails and webhooks go out a few at a time; of those that were under way in a
//! crash it is not known whether they arrived, so they go out again ([`AT_ONCE`] at most).

pub(crate) mod email;
mod files;
pub(crate) mod names;
pub(crate) mod results;
mod table;
pub(crate) mod webhook;

use crate::db::Db;
use crate::layout::Layout;
use crate::objects::ObjectStore;
use crate::settings::SettingsFile;
use crate::time;
use futures::FutureExt;
use jiff::Timestamp;
use ports::{Channel, Fault, Notification, PortError, Result, Subscription};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::{Duration, Instant};
pub(crate) use table::drop_told;
use table::{due, list, settle};
use telemetry::metrics::{self, Delivered, Via};
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
    /// The notification's row.
    pub(crate) seq: i64,
    pub(crate) address: Address,
    pub(crate) attempts: u32,
    pub(crate) created_at: i64,
    pub(crate) published_at: Timestamp,
    pub(crate) notification: Arc<Notification>,
}

impl Due {
    /// Whether a failure is the last one.
    fn is_hopeless(&self, error: &PortError) -> bool {
        // A full disk and a folder we may not write to are mended by people; until then it is tried.
        let is_file = matches!(self.address, Address::Results | Address::Outbox(_));
        let waited = time::duration(time::now() - self.created_at);
        !is_file && (error.is_permanent() || (waited > GIVE_UP && error.fault != Fault::Full))
    }

    /// Counts and logs what came of it.
    fn tell(&self, result: &Result<()>) {
        let delivered = match result {
            Ok(()) => Delivered::Accepted,
            Err(error) if self.is_hopeless(error) => Delivered::GivenUp,
            Err(_) => Delivered::Retried,
        };
        let via = match self.address {
            Address::Results => None,
            Address::Outbox(_) => Some(Via::Outbox),
            Address::Email(_) => Some(Via::Smtp),
            Address::Webhook(_) => Some(Via::Webhook),
        };
        if let Some(via) = via {
            metrics::delivery(via, delivered);
        }
        if let Err(error) = result {
            let (id, kind, result) = (&self.notification.id, self.address.kind(), delivered.as_str());
            tracing::warn!(notification.id = %id, kind, result, error = %error, "delivery failed");
        }
    }
}

/// Deliveries that go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    Files,
    Mail,
    Webhooks,
}

impl Lane {
    const ALL: [Self; 3] = [Self::Files, Self::Mail, Self::Webhooks];

    /// Two kinds, since a statement is prepared for two.
    fn kinds(self) -> [&'static str; 2] {
        match self {
            Self::Files => ["results", "outbox"],
            Self::Mail => ["email", "email"],
            Self::Webhooks => ["webhook", "webhook"],
        }
    }

    fn at_once(self) -> usize {
        match self {
            Self::Files => FILES,
            Self::Mail | Self::Webhooks => AT_ONCE,
        }
    }
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
        let stop = stop.shared();
        // Each kind by itself: a mail server that does not answer holds up no result.
        let lanes = Lane::ALL.map(|lane| self.run_lane(lane, stop.clone()));
        futures::future::join_all(lanes).await;
    }

    async fn run_lane(&self, lane: Lane, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        loop {
            let rung = self.bell.notified();
            tokio::pin!(rung);
            rung.as_mut().enable();
            let pause = match self.deliver_lane(lane).await {
                Ok(0) => LOOK,
                Ok(_) => Duration::ZERO,
                Err(error) => {
                    tracing::error!(error = %error, "deliveries cannot be looked for");
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
            let untried = self.db.read("counting deliveries", |db| {
                let sql = "SELECT count(*) FROM deliveries WHERE state = 'pending' AND attempts = 0";
                Ok(db.prepare_cached(sql)?.query_row([], |row| row.get::<_, u64>(0))?)
            });
            if untried.await? == 0 {
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
        let attempts = futures::future::join_all(Lane::ALL.map(|lane| self.deliver_lane(lane))).await;
        attempts.into_iter().sum()
    }

    async fn deliver_lane(&self, lane: Lane) -> Result<usize> {
        let due = self.db.read("looking for deliveries", move |db| due(db, lane)).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let count = due.len();
        let results = match lane {
            Lane::Files => files::write(self, &due).await,
            Lane::Mail | Lane::Webhooks => {
                let mailer = email::Mailer::of(&self.settings);
                futures::future::join_all(due.iter().map(|due| self.call(&mailer, due))).await
            }
        };
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
                    seq: 0,
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

    async fn settle(&self, due: Vec<Due>, results: Vec<Result<()>>) -> Result<()> {
        for (due, result) in due.iter().zip(&results) {
            due.tell(result);
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
        self.bell.notify_waiters();
        Ok(count as u64)
    }
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
