//! What the thread of a model does between its batches, whatever the model: it takes in what has come, knows who waits for
//! which results, and lives on when the model's code fails.
//!
//! Nothing here bounds how much waits. Whoever submits holds a permit of the service while it waits, and takes no further
//! message from the queue without one: so texts wait in memory for as many documents as there are permits, and all others in
//! SQS.

use crate::ModelError;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};
use summarizer::{BackendError, batch};
use tokio::sync::oneshot;

pub(crate) type Reply<R> = oneshot::Sender<Result<Vec<R>, BackendError>>;

/// What somebody waits for together: a document's. Dropping the other end of `reply` cancels it.
pub(crate) struct Request<A, R> {
    pub tenant: String,
    /// One result is wanted for each.
    pub asked: Vec<A>,
    pub since: Instant,
    pub reply: Reply<R>,
}

impl<A, R> Request<A, R> {
    /// With the end at which the results come.
    pub(crate) fn new(
        tenant: &str,
        asked: Vec<A>,
    ) -> (Self, oneshot::Receiver<Result<Vec<R>, BackendError>>) {
        let (reply, answer) = oneshot::channel();
        (Self { tenant: tenant.to_owned(), asked, since: Instant::now(), reply }, answer)
    }

    pub(crate) fn fail(self, error: BackendError) {
        // Nobody waits any more: nothing to tell.
        let _ = self.reply.send(Err(error));
    }
}

/// A loaded model with all that waits for it.
pub(crate) trait Desk {
    /// What it is asked.
    type Asked;
    /// What it answers.
    type Result;

    /// Takes on a request, or tells why not.
    fn admit(&mut self, request: Request<Self::Asked, Self::Result>);

    /// Runs one batch; `false` when nothing waits.
    fn work(&mut self) -> bool;
}

/// Serves requests until every sender is gone. Without a desk it loads one at the first request.
pub(crate) fn serve<D: Desk>(
    mut desk: Option<D>,
    load: impl Fn() -> Result<D, ModelError>,
    requests: &Receiver<Request<D::Asked, D::Result>>,
) {
    while let Ok(first) = requests.recv() {
        let ready = match desk.take() {
            Some(desk) => Ok(desk),
            None => load(),
        };
        match ready {
            Ok(mut ready) => {
                ready.admit(first);
                run(&mut ready, requests);
                desk = Some(ready);
            }
            Err(error) => {
                let error = BackendError::Load(error.to_string());
                std::iter::once(first).chain(requests.try_iter()).for_each(|one| one.fail(error.clone()));
            }
        }
    }
}

/// Until nothing waits any more.
pub(crate) fn run<D: Desk>(desk: &mut D, requests: &Receiver<Request<D::Asked, D::Result>>) {
    loop {
        requests.try_iter().for_each(|request| desk.admit(request));
        if !desk.work() {
            return;
        }
    }
}

/// Everybody who waits.
pub(crate) struct Waiting<R>(BTreeMap<batch::Request, One<R>>);

struct One<R> {
    reply: Reply<R>,
    since: Instant,
    /// Something of it has been in a batch.
    begun: bool,
}

impl<R> Default for Waiting<R> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<R> Waiting<R> {
    pub(crate) fn enter(&mut self, request: batch::Request, since: Instant, reply: Reply<R>) {
        self.0.insert(request, One { reply, since, begun: false });
    }

    /// These are in a batch. How long the longest of those waited that have their first turn in it.
    pub(crate) fn begin(
        &mut self,
        requests: impl Iterator<Item = batch::Request>,
        now: Instant,
    ) -> Option<Duration> {
        let mut longest = None;
        for request in requests {
            let Some(one) = self.0.get_mut(&request) else { continue };
            if !std::mem::replace(&mut one.begun, true) {
                longest = longest.max(Some(now.saturating_duration_since(one.since)));
            }
        }
        longest
    }

    /// Forgets those who have gone, and says whose requests they were.
    pub(crate) fn gone(&mut self) -> Vec<batch::Request> {
        let gone: Vec<_> =
            self.0.iter().filter(|(_, one)| one.reply.is_closed()).map(|(&request, _)| request).collect();
        gone.iter().for_each(|request| drop(self.0.remove(request)));
        gone
    }

    pub(crate) fn reply(&mut self, request: batch::Request, result: Result<Vec<R>, BackendError>) {
        if let Some(one) = self.0.remove(&request) {
            // Nobody waits any more: nothing to tell.
            let _ = one.reply.send(result);
        }
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Loads a model and notes how long that took.
pub(crate) fn timed<M>(
    name: &str,
    loaded: &OnceLock<Duration>,
    load: impl FnOnce() -> Result<M, ModelError>,
) -> Result<M, ModelError> {
    let start = Instant::now();
    let model = load()?;
    let took = *loaded.get_or_init(|| start.elapsed());
    let duration = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(duration_ms = duration, model = name, "model loaded");
    Ok(model)
}

/// A panic of the model is an error like others: the thread lives on, and so do the other documents.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, ModelError>) -> Result<T, ModelError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(ModelError::Run("the model's code panicked; the log says where".to_owned())))
}
