//! What Precis tells about itself while it works: logs, metrics, and the thread that ties one document's log
//! lines together across services.
//!
//! Three rules hold everywhere. Names are constants, documented in one place. A label is a word from a closed
//! set, by its type: never a key, a file name or a text, so that metrics stay few and nothing of a document
//! leaks into them. And measuring never fails and never waits: without a recorder the calls do nothing.

pub mod calls;
pub mod emf;
pub mod health;
pub mod host;
pub mod logs;
pub mod metrics;
pub mod serve;
pub mod trace;

pub use calls::Counted;
pub use health::Health;
pub use logs::{Format, LogError, init, init_with, ms};
pub use metrics::{Handle, recorder};
pub use trace::TraceParent;
