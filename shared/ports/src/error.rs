//! How a port fails, in words that a caller can act on. Each adapter decides in one place which word fits.

use std::time::Duration;

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Too many calls; worth trying again after the time, when one is named.
    Throttled(Option<Duration>),
    /// May work the next time: time-outs, broken connections, busy files. The call may have been applied.
    Transient,
    /// There is no such thing (any more).
    NotFound,
    /// Somebody else wrote first, or the thing is no longer the version that was asked for.
    Conflict,
    /// We may not.
    Denied,
    /// Larger than the bound that the caller gave.
    TooLarge,
    /// No room left to write to.
    Full,
    /// It will never work as asked.
    Permanent,
}

/// A failed call.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{what}")]
pub struct PortError {
    /// The kind.
    pub fault: Fault,
    /// What was tried and what went wrong, for people. Never holds document text or secrets.
    pub what: String,
}

impl PortError {
    /// A failure of this kind.
    #[must_use]
    pub fn new(fault: Fault, what: impl Into<String>) -> Self {
        Self { fault, what: what.into() }
    }

    /// Whether trying again is useless until somebody changes something.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        match self.fault {
            Fault::Throttled(_) | Fault::Transient | Fault::Full => false,
            Fault::NotFound | Fault::Conflict | Fault::Denied | Fault::TooLarge | Fault::Permanent => true,
        }
    }
}

/// What every port call gives back.
pub type Result<T> = std::result::Result<T, PortError>;
