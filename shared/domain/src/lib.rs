//! What is true: the words of Precis and the rules between them. No input, no output, no waiting.
//!
//! Every other crate speaks in these types. Nothing here knows how a queue, a disk or a model works, so the
//! rules (which state follows which, what a repeated event means) can be tested without any of them.

pub mod erase;
pub mod event;
pub mod ids;
pub mod job;
pub mod message;
pub mod outcome;
pub mod reason;
pub mod settings;
pub mod summary;
pub mod text;

pub use ids::{Artifact, ContentHash, Document, JobId, Tenant};
pub use job::{Job, Stage, State};
pub use outcome::{Outcome, OutcomeKind};
pub use reason::{Audience, Reason};
pub use settings::Settings;
