//! Reading through the child process, as the services do it.
#![expect(clippy::unwrap_used, reason = "what the helpers of tests cannot do fails the test")]

mod common;
mod documents;
mod hostile;
