//! One document followed through all services: W3C trace context in jobs and messages.
//!
//! The trace of a run is named after its job, so that whoever has the one has the other.

use domain::JobId;

/// The `traceparent` of a job that came without one: its id is the trace id, the first half of it the span.
#[must_use]
pub fn traceparent(job: &JobId) -> String {
    let id = job.as_str();
    format!("00-{id}-{}-01", &id[..16])
}

/// The trace id in a `traceparent`; `None` if it is none (version, 32 and 16 hexadecimal digits, flags).
#[must_use]
pub fn trace_id(traceparent: &str) -> Option<&str> {
    let mut parts = traceparent.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |text: &str, len: usize| {
        text.len() == len && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let zero = |text: &str| text.bytes().all(|byte| byte == b'0');
    let good = hex(version, 2) && hex(trace, 32) && hex(span, 16) && hex(flags, 2);
    (good && !zero(trace) && !zero(span)).then_some(trace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trace_of_a_job_is_named_after_it_and_nonsense_is_no_trace() {
        let id = JobId::of("b", "k", "1");
        assert_eq!(trace_id(&traceparent(&id)), Some(id.as_str()));
        assert_eq!(trace_id("00-00000000000000000000000000000000-0123456789abcdef-01"), None);
        assert_eq!(trace_id("<b>00-x</b>"), None);
    }
}
