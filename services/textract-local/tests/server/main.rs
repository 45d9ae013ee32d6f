//! The server over HTTP: by the SDK, by our own adapter, and by clients that were not written here.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod adapter;
mod clients;
mod common;
mod protocol;
