//! A stack whose calls fail on purpose, at one call after the other.
//!
//! [`wrap`] puts something around each port that counts the calls. A first run with [`Plan::none`] records
//! every call that there is; the matrix of faults is that list times [`Mode::ALL`], so that a call which is
//! added next year is tested without anybody thinking of it.

use crate::budget::{Budget, Cap, Taken};
use crate::error::{Fault, PortError, Result};
use crate::gate::{Gate, GateName, Lease, Pass};
use crate::host::TaskProtection;
use crate::jobs::{ContentClaim, Filter, Jobs, Tally};
use crate::objects::{Listing, Objects, Written};
use crate::ocr::{Ocr, Part, Progress};
use crate::queue::{Address, Delivery, Depth, Disposition, Outgoing, Queue, QueueAdmin, QueueName, Receipt};
use crate::settings::SettingsSource;
use crate::stack::Stack;
use crate::topic::{Channel, Notification, Subscription, Subscriptions, Topic};
use async_trait::async_trait;
use domain::settings::{Layer, Source};
use domain::{Document, Job, JobId, State};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mode {
    /// It is not applied, and fails.
    Before,
    /// It is applied, and fails.
    Unacknowledged,
    /// It is applied, and fails only after [`LATE`]: longer than claims and visibility live.
    Late,
    /// It is applied, and answers well, but only after [`LATE`].
    Slow,
}

impl Mode {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Before, Self::Unacknowledged, Self::Late, Self::Slow];
}

/// How late a late answer is, unless the plan says otherwise.
pub const LATE: Duration = Duration::from_secs(150);

/// One call: the n-th of a port's method.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Call {
    /// Port and method, for example `Jobs.replace`.
    pub name: &'static str,
    /// Which call of it, from 1.
    pub nth: u32,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} #{}", self.name, self.nth)
    }
}

/// Which calls fail, and how.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    calls: BTreeMap<Call, (Mode, Fault)>,
    always: Vec<(&'static str, Fault)>,
    late: Option<Duration>,
}

impl Plan {
    /// Nothing fails.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// This call fails so, as `Transient`.
    #[must_use]
    pub fn at(call: Call, mode: Mode) -> Self {
        Self::none().and(call, mode, Fault::Transient)
    }

    /// This call fails too, with this fault.
    #[must_use]
    pub fn and(mut self, call: Call, mode: Mode, fault: Fault) -> Self {
        self.calls.insert(call, (mode, fault));
        self
    }

    /// Late answers are so late, for tests on real time with short claims.
    #[must_use]
    pub fn late(mut self, late: Duration) -> Self {
        self.late = Some(late);
        self
    }

    /// Every call of this port and method fails, before it is applied, until [`Log::mend`].
    #[must_use]
    pub fn always(mut self, name: &'static str, fault: Fault) -> Self {
        self.always.push((name, fault));
        self
    }
}

#[derive(Default)]
struct Counted {
    plan: Plan,
    counts: BTreeMap<&'static str, u32>,
    calls: Vec<Call>,
    fired: Vec<Call>,
}

/// What was called, and what failed of it; clones share it.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Counted>>);

impl Log {
    fn counted(&self) -> std::sync::MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every call so far, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.counted().calls.clone()
    }

    /// The calls that were made to fail.
    #[must_use]
    pub fn fired(&self) -> Vec<Call> {
        self.counted().fired.clone()
    }

    /// From now on nothing fails.
    pub fn mend(&self) {
        self.counted().plan = Plan::none();
    }

    fn enter(&self, name: &'static str) -> Option<(Mode, PortError)> {
        let mut counted = self.counted();
        let count = counted.counts.entry(name).or_default();
        *count += 1;
        let call = Call { name, nth: *count };
        counted.calls.push(call.clone());
        let always = counted.plan.always.iter().find(|(always, _)| *always == name);
        let always = always.map(|(_, fault)| (Mode::Before, *fault));
        let (mode, fault) = counted.plan.calls.get(&call).copied().or(always)?;
        let error = PortError::new(fault, format!("{call} was made to fail ({mode:?})"));
        counted.fired.push(call);
        Some((mode, error))
    }

    async fn call<T>(&self, name: &'static str, call: impl Future<Output = Result<T>> + Send) -> Result<T> {
        let Some((mode, error)) = self.enter(name) else { return call.await };
        if mode == Mode::Before {
            return Err(error);
        }
        let answer = call.await;
        if matches!(mode, Mode::Late | Mode::Slow) {
            let late = self.counted().plan.late.unwrap_or(LATE);
            tokio::time::sleep(late).await;
        }
        if mode == Mode::Slow { answer } else { Err(error) }
    }
}

/// A port with the log around it.
struct Faulty<P: ?Sized> {
    port: Arc<P>,
    log: Log,
}

/// Puts the plan around each port of a stack. The clock never fails.
#[must_use]
pub fn wrap(stack: Stack, plan: Plan) -> (Stack, Log) {
    let log = Log(Arc::new(Mutex::new(Counted { plan, ..Counted::default() })));
    macro_rules! faulty {
        ($port:ident) => {
            Arc::new(Faulty { port: stack.$port, log: log.clone() })
        };
    }
    let stack = Stack {
        queue: faulty!(queue),
        queue_admin: faulty!(queue_admin),
        objects: faulty!(objects),
        jobs: faulty!(jobs),
        ocr: faulty!(ocr),
        topic: faulty!(topic),
        subscriptions: faulty!(subscriptions),
        settings: faulty!(settings),
        gate: faulty!(gate),
        budget: faulty!(budget),
        protection: faulty!(protection),
        clock: stack.clock,
    };
    (stack, log)
}

macro_rules! intercept {
    ($port:ident { $(fn $method:ident($($arg:ident: $ty:ty),*) -> $out:ty;)* }) => {
        #[async_trait]
        impl $port for Faulty<dyn $port> {
            $(async fn $method(&self, $($arg: $ty),*) -> Result<$out> {
                let name = concat!(stringify!($port), ".", stringify!($method));
                self.log.call(name, self.port.$method($($arg),*)).await
            })*
        }
    };
}

intercept!(Queue {
    fn send(to: Address, messages: Vec<Outgoing>) -> Vec<Result<()>>;
    fn receive(from: Address, max: usize, visibility: Duration, wait: Duration) -> Vec<Delivery>;
    fn extend(of: Address, receipt: &Receipt, visibility: Duration) -> ();
    fn settle(of: Address, receipt: Receipt, disposition: Disposition) -> ();
});
intercept!(QueueAdmin {
    fn depth(queue: QueueName) -> Depth;
    fn redrive(queue: QueueName) -> u64;
    fn purge(of: Address) -> u64;
});
intercept!(Objects {
    fn fetch(document: &Document, limit: u64, into: &Path) -> ();
    fn documents(bucket: &str, prefix: &str) -> Vec<Document>;
    fn resume(document: &Document, into: &Path) -> ();
    fn sha256(document: &Document) -> Option<String>;
    fn tags(document: &Document) -> BTreeMap<String, String>;
    fn is_current(document: &Document) -> bool;
    fn upload(key: &str, file: &Path) -> Document;
    fn listing(bucket: &str, prefix: &str, after: &str) -> Listing;
    fn versions(bucket: &str, key: &str) -> Vec<Document>;
    fn erase(document: &Document) -> bool;
    fn erase_artifacts(prefix: &str) -> u64;
    fn read(key: &str, limit: u64) -> Vec<u8>;
    fn write_once(key: &str, body: Vec<u8>) -> Written;
    fn write_once_file(key: &str, file: &Path) -> Written;
    fn list(prefix: &str) -> Vec<String>;
    fn delete(key: &str) -> ();
});
intercept!(Jobs {
    fn create(job: &Job) -> Option<Job>;
    fn get(id: &JobId) -> Option<Job>;
    fn replace(job: &Job) -> ();
    fn replace_claiming(job: &Job, name: &str, lease: Duration) -> ContentClaim;
    fn list(filter: &Filter) -> Vec<Job>;
    fn counts() -> Vec<(State, u64)>;
    fn newest_of_key(bucket: &str, key: &str) -> Option<Job>;
    fn of_key(bucket: &str, key: &str) -> Vec<Job>;
    fn known(ids: &[JobId]) -> BTreeSet<JobId>;
    fn forget(job: &Job) -> ();
    fn claim_content(name: &str, job: &JobId, run: u32, lease: Duration) -> ContentClaim;
    fn content(name: &str) -> Option<(JobId, u32)>;
    fn finish_content(name: &str, job: &JobId, run: u32) -> ();
    fn release_content(name: &str, job: &JobId, run: u32) -> ();
    fn tally(cause: &str, window: i64, job: &JobId, run: u32, key: &str) -> Tally;
    fn tallied(cause: &str, window: i64) -> Tally;
});
intercept!(Ocr {
    fn version() -> String;
    fn start(part: &Part) -> Progress;
    fn collect(part: &Part, token: &str) -> Progress;
});
intercept!(Topic {
    fn publish(channel: Channel, notification: &Notification) -> ();
});
intercept!(Subscriptions {
    fn add(subscription: Subscription) -> Subscription;
    fn remove(id_or_address: &str) -> Vec<Subscription>;
    fn list() -> Vec<Subscription>;
    fn test(id: &str) -> ();
});
intercept!(SettingsSource {
    fn layers(bucket: &str, key: &str) -> Vec<(Source, Layer)>;
});
intercept!(Gate {
    fn take(gate: GateName, ttl: Duration) -> Pass;
    fn give_back(lease: Lease) -> ();
    fn close(gate: GateName, until: Timestamp) -> ();
    fn closed_until(gate: GateName) -> Option<Timestamp>;
});
intercept!(Budget {
    fn take(name: &str, pages: u64, of: &[Cap]) -> Taken;
    fn give_back(name: &str, of: &[Cap]) -> ();
    fn spent(cap: &Cap) -> u64;
});
intercept!(TaskProtection {
    fn protect(duration: Duration) -> ();
    fn release() -> ();
});
