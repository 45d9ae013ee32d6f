//! How work flows: receive, decode, claim, work, commit, send on, delete.
//!
//! *The job is the truth, messages are nudges.* A nudge says only "this job may owe this stage some work". The
//! handler reads the job, and if the stage still owes it something takes the claim, runs the step, commits the
//! new state by compare and set, sends the next nudge and only then lets its own message be deleted. Whatever
//! dies in between leaves the message undeleted, and its redelivery finds in the job how far things got: the
//! redelivery is the outbox. So a message may come twice, late, out of order or never.
//!
//! ```text
//! queue ─▶ Runtime (permit, receive, decode, visibility) ─▶ StageHandler (load, claim, heartbeat)
//!                                                                │ Step::run   writes its artifacts
//!                                                                ▼
//!          delete ◀── Settlement::Done ◀── send next nudge ◀── commit (compare and set)
//! ```
//!
//! A service implements [`Step`] for its stage, wraps it in a [`StageHandler`] and hands that to a [`Runtime`],
//! which runs it until a [`Shutdown`]. What is no step of a job (Textract's completions, dead letters)
//! implements [`Handler`] itself.

mod attempt;
mod claimed;
mod config;
pub mod crash;
mod dead;
mod delivery;
pub mod flow;
mod handler;
mod heartbeat;
mod in_flight;
mod listing;
mod protection;
mod reconcile;
mod resume;
mod runtime;
mod service;
mod settlement;
mod shutdown;
mod stage;
mod step;

pub use claimed::Claimed;
pub use config::{Backoff, Config};
pub use dead::DeadLetters;
pub use delivery::KEPT;
pub use handler::{Context, Handler};
pub use in_flight::{Held, InFlight};
pub use listing::{Listed, Listing, Watch};
pub use reconcile::Reconciler;
pub use resume::Resume;
pub use runtime::Runtime;
pub use service::Service;
pub use settlement::{Settlement, Why};
pub use shutdown::Shutdown;
pub use stage::StageHandler;
pub use step::{Patch, Step, StepDone, StepFailure, unchanged};
