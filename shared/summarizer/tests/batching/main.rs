//! What holds for every plan, whatever comes and goes: tried with generated arrivals, and told by oracles that count for
//! themselves.
//!
//! A few hundred arrivals in every run; `PROPTEST_CASES=30000` in the environment for the long one.

#![expect(clippy::unwrap_used, reason = "helpers of tests are not marked as tests")]

mod decoding;
mod encoding;
mod waits;

/// Tenants of the tests.
const TENANTS: [&str; 4] = ["a", "b", "c", "d"];
