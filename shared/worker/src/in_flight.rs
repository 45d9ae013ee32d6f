//! What is in hand right now, for those who wait for it: `precis up` on Ctrl-C, task protection, a gauge.

use domain::{Job, JobId, Stage};
use jiff::Timestamp;
use ports::QueueName;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One message in hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// From which queue.
    pub queue: QueueName,
    /// Its job, once read.
    pub job: Option<JobId>,
    /// The document's name, once its job was read; untrusted text.
    pub name: String,
    /// The stage at work on it.
    pub stage: Option<Stage>,
    /// Since when.
    pub since: Timestamp,
    /// How far the step is: done, of how many.
    pub progress: Option<(u32, u32)>,
}

#[derive(Default)]
struct Inner {
    next: u64,
    held: BTreeMap<u64, Held>,
}

/// All that is in hand; clones share it.
#[derive(Clone, Default)]
pub struct InFlight(Arc<Mutex<Inner>>);

impl InFlight {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is in hand, oldest first.
    #[must_use]
    pub fn list(&self) -> Vec<Held> {
        self.inner().held.values().cloned().collect()
    }

    /// How much is in hand.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner().held.len()
    }

    /// Whether nothing is in hand.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inner().held.is_empty()
    }

    pub(crate) fn enter(&self, queue: QueueName, since: Timestamp) -> Entry {
        let mut inner = self.inner();
        let id = inner.next;
        inner.next += 1;
        let held = Held { queue, job: None, name: String::new(), stage: None, since, progress: None };
        inner.held.insert(id, held);
        Entry { all: self.clone(), id }
    }
}

/// One message's line; it goes with the handling.
pub(crate) struct Entry {
    all: InFlight,
    id: u64,
}

impl Entry {
    pub(crate) fn about(&self, job: &Job) {
        if let Some(held) = self.all.inner().held.get_mut(&self.id) {
            held.job = Some(job.id.clone());
            job.document.name().clone_into(&mut held.name);
            held.stage = job.stage();
        }
    }

    pub(crate) fn progress(&self, done: u32, total: u32) {
        if let Some(held) = self.all.inner().held.get_mut(&self.id) {
            held.progress = Some((done, total));
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.all.inner().held.remove(&self.id);
    }
}
