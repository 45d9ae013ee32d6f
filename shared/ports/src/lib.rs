//! What Precis needs from the world, in its own words: small traits, each with a written contract.
//!
//! No signature here knows an SDK, a database or a file format, so the same services run on AWS, on one machine
//! and in a test. An adapter is right when it passes the contract suite (feature `contract`); the suite is the
//! contract in executable form.

pub mod budget;
#[cfg(feature = "contract")]
pub mod contract;
pub mod error;
#[cfg(feature = "testing")]
pub mod faults;
pub mod gate;
pub mod host;
pub mod jobs;
#[cfg(feature = "testing")]
pub mod memory;
pub mod objects;
pub mod ocr;
pub mod queue;
pub mod settings;
pub mod stack;
pub mod topic;

pub use budget::{Budget, Cap, Taken};
pub use error::{Fault, PortError, Result};
pub use gate::{Gate, GateName, Lease, Pass};
pub use host::{Clock, SystemClock, TaskProtection};
pub use jobs::{ContentClaim, Filter, Jobs, Tally};
pub use objects::{Listing, Objects, Written};
pub use ocr::{Ocr, PageImage, PageLines, Part, Progress};
pub use queue::{Address, Delivery, Depth, Disposition, Outgoing, Queue, QueueAdmin, QueueName, Receipt};
pub use settings::SettingsSource;
pub use stack::Stack;
pub use topic::{Channel, Endpoint, Notification, Subscription, Subscriptions, Topic};
