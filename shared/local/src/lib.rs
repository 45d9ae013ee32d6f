//! One machine says it: every port over SQLite, files, SMTP or `.eml`. Durable, not a mock.
//!
//! A data folder is all there is: `precis.toml` (settings), `precis.db` (queues, jobs, small objects), `objects/`
//! (large ones), `heads/`, `inbox/`, `results/`, `outbox/`. One process at a time does the work ([`Mode::Exclusive`]);
//! commands look and ask beside it ([`Mode::Shared`]). What a call has acknowledged is on the disk.
//!
//! ```no_run
//! # use precis_local as local;
//! # async fn example() -> Result<(), local::OpenError> {
//! let local = local::open("precis-data".as_ref(), local::OpenOptions::exclusive()).await?;
//! let jobs = local.stack.jobs.clone();
//! # Ok(())
//! # }
//! ```

pub mod backup;
mod body;
mod budget;
mod contents;
mod db;
mod deliver;
mod erase;
mod fault;
mod gate;
mod heads;
mod host;
mod inbox;
mod jobs;
mod layout;
mod objects;
mod ocr;
mod open;
mod queue;
mod reading;
mod schema;
mod settings;
mod sweep;
mod takeover;
mod time;
mod topic;
mod traces;

pub use deliver::{AT_ONCE, DeliveryStatus};
pub use gate::Limit;
pub use heads::Heads;
pub use inbox::{AfterTaking, Inbox, InboxWatcher, Scanned};
pub use layout::Layout;
pub use objects::UPLOADS;
pub use open::{Mode, OpenError, OpenOptions};
pub use settings::{Secret, SettingsError, Smtp, Tls, example_toml};
pub use traces::Traces;

use body::Folder;
use deliver::Deliverer;
use ports::{Result, Stack, SystemClock};
use settings::SettingsFile;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// An open data folder.
pub struct Local {
    /// One of each port.
    pub stack: Stack,
    /// Where things lie.
    pub layout: Layout,
    deliverer: Arc<Deliverer>,
    objects: Arc<objects::ObjectStore>,
}

/// Opens a data folder. In [`Mode::Exclusive`] it is ours until all of the result (stack included) is dropped.
///
/// # Errors
/// [`OpenError`]: what happened, why, and what to do. Nothing was changed then.
pub async fn open(folder: &Path, options: OpenOptions) -> std::result::Result<Local, OpenError> {
    let path = folder.to_owned();
    let opened = tokio::task::spawn_blocking(move || {
        let (layout, db) = open::open(&path, options)?;
        let settings = SettingsFile::open(&layout.settings())?;
        if options.mode == Mode::Exclusive {
            deliver::clean(&layout);
        }
        Ok((layout, db, settings))
    });
    let (layout, db, settings) = opened.await.unwrap_or_else(|error| {
        Err(OpenError::Other { folder: folder.to_owned(), cause: error.to_string() })
    })?;
    Ok(Local::build(layout, db, settings))
}

impl Local {
    fn build(layout: Layout, db: db::Db, settings: SettingsFile) -> Self {
        let settings = Arc::new(settings);
        let bells = queue::Bells::default();
        let objects = Arc::new(objects::ObjectStore {
            db: db.clone(),
            bells: bells.clone(),
            uploads: Folder { files: layout.uploads(), scratch: layout.scratch() },
            artifacts: Folder { files: layout.artifacts(), scratch: layout.scratch() },
        });
        let deliverer = Arc::new(Deliverer {
            db: db.clone(),
            settings: settings.clone(),
            layout: layout.clone(),
            objects: objects.clone(),
            bell: Notify::new(),
        });
        let queues = Arc::new(queue::Queues { db: db.clone(), bells });
        let topics = Arc::new(topic::Topics { db: db.clone(), deliverer: deliverer.clone() });
        let stack = Stack {
            queue: queues.clone(),
            queue_admin: queues,
            objects: objects.clone(),
            jobs: Arc::new(jobs::JobStore { db: db.clone() }),
            ocr: Arc::new(ocr::Engine::new(objects.clone(), layout.scratch())),
            topic: topics.clone(),
            subscriptions: topics,
            settings: settings.clone(),
            budget: Arc::new(budget::Budgets { db: db.clone() }),
            gate: Arc::new(gate::Gates { db, settings }),
            protection: Arc::new(host::Unscaled),
            clock: Arc::new(SystemClock),
        };
        Self { stack, layout, deliverer, objects }
    }

    /// What carries published outcomes to `results/`, `outbox/`, mail servers and webhooks. To be run by the
    /// process that does the work.
    #[must_use]
    pub fn deliveries(&self) -> Deliveries {
        Deliveries(self.deliverer.clone())
    }

    /// Waits until everything published was tried at least once, at most so long. Whether it was.
    ///
    /// # Errors
    /// If the deliveries cannot be read.
    pub async fn deliveries_done(&self, wait: Duration) -> Result<bool> {
        self.deliverer.done(wait).await
    }

    /// Deliveries that wait (to be tried again) or were given up.
    ///
    /// # Errors
    /// If they cannot be read.
    pub async fn delivery_list(&self) -> Result<Vec<DeliveryStatus>> {
        self.deliverer.list().await
    }

    /// Tries again now what waits or was given up. Gives their number.
    ///
    /// # Errors
    /// If it cannot be written down.
    pub async fn retry_deliveries(&self) -> Result<u64> {
        self.deliverer.retry().await
    }

    /// Where e-mails go, for people: the mail server, or the folder.
    #[must_use]
    pub fn mail_goes_to(&self) -> String {
        match self.smtp() {
            Ok(Some(smtp)) => format!("by SMTP through {}", smtp.host),
            _ => self.layout.outbox().display().to_string(),
        }
    }

    /// Whether a process does the work in this folder (this one included).
    #[must_use]
    pub fn somebody_works(&self) -> bool {
        open::is_locked(&self.layout)
    }

    /// Watches a folder for documents.
    #[must_use]
    pub fn inbox(&self, inbox: Inbox) -> InboxWatcher {
        InboxWatcher::new(self.objects.clone(), inbox)
    }

    /// The mail server of the settings, if one is set.
    ///
    /// # Errors
    /// If its password file cannot be read.
    pub fn smtp(&self) -> Result<Option<Smtp>> {
        self.deliverer.settings.smtp()
    }

    /// Whether the mail server can be reached and takes our name and password: its name, or `None` without one.
    ///
    /// # Errors
    /// Says what the server or the network said.
    pub async fn check_smtp(&self) -> Result<Option<String>> {
        let Some(smtp) = self.smtp()? else { return Ok(None) };
        deliver::email::Mailer::new(&smtp)?.check().await?;
        Ok(Some(smtp.host))
    }

    /// What a gate lets through.
    ///
    /// # Errors
    /// If the settings cannot be read.
    pub fn gate_limit(&self, gate: ports::GateName) -> Result<Limit> {
        self.deliverer.settings.gate(gate)
    }
}

/// What carries published outcomes to their endpoints; see [`Local::deliveries`].
#[derive(Clone)]
pub struct Deliveries(Arc<Deliverer>);

impl Deliveries {
    /// Delivers until `stop` ends; what is under way then is finished, what waits is for the next start.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        self.0.run(stop).await;
    }

    /// Tries once everything that is due. Gives the number of attempts: 0 when nothing is due (any more).
    ///
    /// # Errors
    /// If the deliveries cannot be read or written down; a delivery that fails is none.
    pub async fn deliver_due(&self) -> Result<usize> {
        self.0.deliver_due().await
    }
}
