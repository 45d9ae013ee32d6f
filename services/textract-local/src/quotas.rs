//! Rates: a bucket of tokens for each operation that fills at the configured speed and holds a second's worth.

use crate::config::Quotas;
use crate::error::{ApiError, Code};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// An operation of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// `DetectDocumentText`.
    Detect,
    /// `StartDocumentTextDetection`.
    Start,
    /// `GetDocumentTextDetection`.
    Get,
}

struct Bucket {
    rate: f64,
    tokens: f64,
    at: Instant,
}

impl Bucket {
    fn new(rate: f64, now: Instant) -> Self {
        Self { rate, tokens: rate.max(1.0), at: now }
    }

    fn take(&mut self, now: Instant) -> bool {
        if self.rate == 0.0 {
            return true;
        }
        let earned = now.saturating_duration_since(self.at).as_secs_f64() * self.rate;
        self.tokens = (self.tokens + earned).min(self.rate.max(1.0));
        self.at = now;
        let enough = self.tokens >= 1.0;
        self.tokens -= if enough { 1.0 } else { 0.0 };
        enough
    }
}

struct Buckets {
    all: Bucket,
    detect: Bucket,
    start: Bucket,
    get: Bucket,
}

/// The rates of an account, and how far they are used up.
pub struct Rates(Mutex<Buckets>);

impl Rates {
    /// Full buckets.
    #[must_use]
    pub fn new(quotas: &Quotas, now: Instant) -> Self {
        let bucket = |rate| Bucket::new(rate, now);
        Self(Mutex::new(Buckets {
            all: bucket(quotas.calls_per_second),
            detect: bucket(quotas.detects_per_second),
            start: bucket(quotas.starts_per_second),
            get: bucket(quotas.gets_per_second),
        }))
    }

    /// Lets a call pass, or not.
    ///
    /// # Errors
    /// `ThrottlingException` for calls of all kinds, `ProvisionedThroughputExceededException` for the operation's.
    pub fn take(&self, operation: Operation, now: Instant) -> Result<(), ApiError> {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !buckets.all.take(now) {
            return Err(ApiError::new(Code::Throttling, "Rate exceeded"));
        }
        let own = match operation {
            Operation::Detect => &mut buckets.detect,
            Operation::Start => &mut buckets.start,
            Operation::Get => &mut buckets.get,
        };
        if own.take(now) {
            Ok(())
        } else {
            Err(ApiError::new(Code::ProvisionedThroughputExceeded, "Provisioned rate exceeded"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn each_operation_has_its_own_rate_and_all_share_one() {
        let now = Instant::now();
        let quotas = Quotas {
            starts_per_second: 1.0,
            gets_per_second: 2.0,
            calls_per_second: 5.0,
            ..Quotas::default()
        };
        let rates = Rates::new(&quotas, now);
        let code = |operation, now| rates.take(operation, now).err().map(|error| error.code);
        let exceeded = Some(Code::ProvisionedThroughputExceeded);
        assert_eq!([0; 2].map(|_| code(Operation::Start, now)), [None, exceeded]);
        assert_eq!([0; 3].map(|_| code(Operation::Get, now)), [None, None, exceeded]);
        assert_eq!(code(Operation::Detect, now), Some(Code::Throttling));
        let later = now + Duration::from_secs(1);
        assert_eq!([0; 2].map(|_| code(Operation::Start, later)), [None, exceeded]);
    }

    #[test]
    fn a_slow_rate_still_lets_one_pass_in_its_time() {
        let now = Instant::now();
        let rates = Rates::new(&Quotas { detects_per_second: 0.5, ..Quotas::default() }, now);
        assert!(rates.take(Operation::Detect, now).is_ok());
        assert!(rates.take(Operation::Detect, now + Duration::from_secs(1)).is_err());
        assert!(rates.take(Operation::Detect, now + Duration::from_secs(2)).is_ok());
    }
}
