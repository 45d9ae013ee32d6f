//! A test hook: places where the process can be made to kill itself.
//!
//! `PRECIS_CRASH_AT=<stage>.<moment>:<nth>` kills the process with SIGKILL when that place is reached for the
//! nth time (`:1` may be left out); several are separated by commas. Nothing is flushed and no destructor runs,
//! exactly as with `kill -9`. Without the variable each place costs one atomic load.

use domain::Stage;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The variable.
pub const VARIABLE: &str = "PRECIS_CRASH_AT";

/// The claim is taken, no work done.
pub const AFTER_CLAIM: &str = "after_claim";
/// The artifacts are written, the new state is not.
pub const AFTER_STEP: &str = "after_step";
/// The new state is written, the next nudge is not sent.
pub const AFTER_COMMIT: &str = "after_commit";
/// The next nudge is sent, the message is not deleted.
pub const AFTER_SEND: &str = "after_send";

/// The moments that every stage has, in order.
pub const MOMENTS: [&str; 4] = [AFTER_CLAIM, AFTER_STEP, AFTER_COMMIT, AFTER_SEND];

/// The places that every stage has: `ingest.after_claim`, …, `notify.after_send`.
#[must_use]
pub fn points() -> Vec<String> {
    Stage::ALL.iter().flat_map(|stage| MOMENTS.map(|moment| format!("{stage}.{moment}"))).collect()
}

struct Trap {
    nth: u64,
    seen: AtomicU64,
}

fn traps() -> &'static BTreeMap<String, Trap> {
    static TRAPS: OnceLock<BTreeMap<String, Trap>> = OnceLock::new();
    TRAPS.get_or_init(|| parse(&std::env::var(VARIABLE).unwrap_or_default()))
}

fn parse(text: &str) -> BTreeMap<String, Trap> {
    text.split(',')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (point, nth) = part.split_once(':').unwrap_or((part, "1"));
            // A number that cannot be read must not quietly never crash: the test would pass for nothing.
            let nth = nth.trim().parse().unwrap_or(1);
            (point.trim().to_owned(), Trap { nth, seen: AtomicU64::new(0) })
        })
        .collect()
}

/// Dies here if that was asked for.
pub fn point(name: &str) {
    let traps = traps();
    if traps.is_empty() {
        return;
    }
    if let Some(trap) = traps.get(name)
        && trap.seen.fetch_add(1, Ordering::Relaxed) + 1 == trap.nth
    {
        die();
    }
}

pub(crate) fn stage_point(stage: Stage, moment: &str) {
    if !traps().is_empty() {
        point(&format!("{stage}.{moment}"));
    }
}

fn die() {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    // The signal may take a moment to arrive; nothing may happen in it.
    std::process::abort();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_has_the_same_moments_and_traps_are_read_by_name_and_number() {
        assert_eq!(points().len(), 16);
        assert!(points().contains(&"ocr.after_commit".to_owned()));
        let traps = parse("ingest.after_commit:3,notify.after_send");
        assert_eq!(traps["ingest.after_commit"].nth, 3);
        assert_eq!(traps["notify.after_send"].nth, 1);
        assert!(parse("").is_empty());
    }
}
