//! How AWS says what Precis needs: one file a port over the SDK's clients.
//!
//! [`connect()`] gives one of each port of a deployment, whose parts are called after its stack ([`names`]).
//! [`classify`] decides, in one place, what a failed call means. Nothing here knows how work flows.

pub mod classify;
pub mod client;
pub mod connect;
pub mod doctor;
pub mod dynamodb;
pub mod host;
pub mod names;
pub mod options;
pub mod prices;
pub mod record;
pub mod s3;
pub mod sns;
pub mod sqs;
pub mod textract;

pub use connect::{Aws, Settings, connect, connect_patiently};
pub use dynamodb::gates::{Limit, Limits};
pub use names::Names;
pub use textract::{NotificationChannel, Textract};
