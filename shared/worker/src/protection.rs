//! Task protection: whoever scales the service in is asked to spare this task while a long job is in hand.

use crate::heartbeat::Heartbeat;
use crate::in_flight::InFlight;
use ports::Stack;
use std::time::Duration;

/// Work that is over sooner is not worth a call.
pub(crate) const LONG: Duration = Duration::from_secs(5);
/// How long one request protects.
const TERM: Duration = Duration::from_secs(10 * 60);

/// Protects while anything has been in hand for longer than [`LONG`], until the guard is dropped. It releases
/// only what it asked for.
pub(crate) fn guard(stack: &Stack, in_flight: &InFlight) -> Heartbeat {
    let (stack, in_flight) = (stack.clone(), in_flight.clone());
    Heartbeat::start(async move {
        let mut until = None;
        loop {
            tokio::time::sleep(LONG).await;
            let now = stack.clock.now();
            let long = in_flight.list().first().is_some_and(|oldest| oldest.since + LONG <= now);
            let answer = match (long, until) {
                (true, Some(until)) if now + TERM / 2 < until => continue,
                (true, _) => {
                    until = Some(now + TERM);
                    stack.protection.protect(TERM).await
                }
                (false, Some(_)) => {
                    until = None;
                    stack.protection.release().await
                }
                (false, None) => continue,
            };
            if let Err(error) = answer {
                tracing::warn!(error = %error, "task protection not changed");
            }
        }
    })
}
