//! Reading through the child process, as the services do it.

mod common;
mod documents;
mod hostile;
