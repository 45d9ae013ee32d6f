//! One document's thread through all services: the W3C `traceparent`, in messages and on the job.
//!
//! Source: W3C Recommendation "Trace Context", version 00. There is no collector behind it here: the ids go into
//! the logs (`trace.id`), and whoever runs one can join them.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};

/// Trace, span and flags of the work at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceParent {
    trace: u128,
    span: u64,
    flags: u8,
}

/// A text that is no `traceparent`: start a new trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a W3C traceparent")]
pub struct NotATraceParent;

impl TraceParent {
    /// The start of a new trace.
    #[must_use]
    pub fn start() -> Self {
        Self { trace: u128::from(random()) << 64 | u128::from(random()), span: random(), flags: 1 }
    }

    /// Goes on with a trace if there is a sound one, else starts one. What comes from outside may be anything.
    #[must_use]
    pub fn from_or_start(text: Option<&str>) -> Self {
        text.and_then(|text| text.parse().ok()).map_or_else(Self::start, |parent: Self| parent.child())
    }

    /// A step within the same trace: same trace id and flags, its own span id.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { span: random(), ..*self }
    }

    /// The trace id: 32 hexadecimal digits.
    #[must_use]
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace)
    }

    /// The span id: 16 hexadecimal digits.
    #[must_use]
    pub fn span_id(&self) -> String {
        format!("{:016x}", self.span)
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.span, self.flags)
    }
}

impl std::str::FromStr for TraceParent {
    type Err = NotATraceParent;

    fn from_str(text: &str) -> Result<Self, NotATraceParent> {
        let mut parts = text.split('-');
        let version = hex(parts.next(), 2)?;
        let (trace, span, flags) = (hex(parts.next(), 32)?, hex(parts.next(), 16)?, hex(parts.next(), 2)?);
        // A later version may add fields behind; this one has none, and ff is no version.
        if version == 0xff || trace == 0 || span == 0 || (version == 0 && parts.next().is_some()) {
            return Err(NotATraceParent);
        }
        let span = u64::try_from(span).map_err(|_| NotATraceParent)?;
        // Of the flags only "sampled" is known to version 00.
        Ok(Self { trace, span, flags: u8::from(flags & 1 == 1) })
    }
}

/// A field of exactly so many lower-case hexadecimal digits.
fn hex(part: Option<&str>, digits: usize) -> Result<u128, NotATraceParent> {
    let part = part.filter(|part| part.len() == digits).ok_or(NotATraceParent)?;
    if !part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(NotATraceParent);
    }
    u128::from_str_radix(part, 16).map_err(|_| NotATraceParent)
}

/// A number that no other call gave, never 0. Names need to differ; they guard nothing, so the standard
/// library's randomly keyed hash is random enough.
fn random() -> u64 {
    loop {
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_u128(std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_nanos()));
        match hasher.finish() {
            0 => {}
            number => return number,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    #[test]
    fn a_trace_survives_being_written_and_read_and_a_child_stays_in_it() {
        let start = TraceParent::start();
        assert_eq!(start.to_string().parse(), Ok(start));
        let child = start.child();
        assert_eq!(child.trace_id(), start.trace_id());
        assert_ne!(child.span_id(), start.span_id());
        assert_eq!(TraceParent::from_or_start(Some(&start.to_string())).trace_id(), start.trace_id());
        assert_ne!(TraceParent::from_or_start(Some("nonsense")).trace_id(), start.trace_id());
    }

    #[test]
    fn the_example_of_the_recommendation_is_read_and_its_forbidden_forms_are_not() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(good.parse::<TraceParent>().unwrap().to_string(), good);
        let later = "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-the-future-brings";
        assert_eq!(later.parse::<TraceParent>().unwrap().to_string(), good);
        for bad in [
            "",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(bad.parse::<TraceParent>(), Err(NotATraceParent), "{bad}");
        }
    }

    #[test]
    fn a_thousand_spans_have_a_thousand_names() {
        let start = TraceParent::start();
        let names: HashSet<_> = (0..1000).map(|_| start.child().span_id()).collect();
        assert_eq!(names.len(), 1000);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,80}") {
            let _ = text.parse::<TraceParent>();
        }
    }
}
