//! CloudWatch's metrics: one number a minute, which can be seen only after a while.

use crate::Second;

/// Minutes that are kept.
const KEPT: usize = 32;

/// One metric.
#[derive(Debug, Clone)]
pub struct Series {
    minute: [u32; KEPT],
    value: [f64; KEPT],
    from: [Second; KEPT],
}

impl Default for Series {
    fn default() -> Self {
        Self { minute: [u32::MAX; KEPT], value: [f64::NAN; KEPT], from: [0; KEPT] }
    }
}

impl Series {
    /// Writes the value of the minute that `now` is in; it can be read from `visible_from` on.
    pub fn put(&mut self, now: Second, value: f64, visible_from: Second) {
        let minute = now / 60;
        let at = minute as usize % KEPT;
        (self.minute[at], self.value[at], self.from[at]) = (minute, value, visible_from);
    }

    /// The value of that minute as it is known now; NaN if none is.
    #[must_use]
    pub fn get(&self, minute: u32, now: Second) -> f64 {
        let at = minute as usize % KEPT;
        if self.minute[at] == minute && self.from[at] <= now { self.value[at] } else { f64::NAN }
    }
}

/// When SQS reports on a queue: not after six hours in which nobody touched it and it was empty, and again up to a
/// quarter of an hour after somebody did. Source: Amazon SQS Developer Guide, "Monitoring Amazon SQS queues using
/// CloudWatch".
#[derive(Debug, Clone)]
pub struct Reporting {
    touched: Second,
    again: Second,
}

/// Seconds until a queue that nobody touches is left out.
pub const IDLE: Second = 6 * 3600;
/// Seconds, at most, until one that was touched again is reported.
pub const LATE: f64 = 900.0;

impl Reporting {
    /// A queue that was touched last so long before the load begins.
    #[must_use]
    pub fn new(idle_for: Second, start: Second) -> Self {
        Self { touched: start.saturating_sub(idle_for), again: 0 }
    }

    /// Somebody sent, received or asked; `late` seconds go by before a queue that slept is reported.
    pub fn touch(&mut self, now: Second, late: Second) {
        if self.sleeps(now) {
            self.again = now + late;
        }
        self.touched = now;
    }

    /// Has it been left out?
    #[must_use]
    pub fn sleeps(&self, now: Second) -> bool {
        now > self.touched + IDLE
    }

    /// Is there a value now?
    #[must_use]
    pub fn reports(&self, now: Second) -> bool {
        !self.sleeps(now) && now >= self.again
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_seen_only_after_its_delay() {
        let mut series = Series::default();
        series.put(130, 7.0, 150);
        assert!(series.get(2, 149).is_nan() && series.get(1, 200).is_nan());
        assert_eq!(series.get(2, 150), 7.0);
    }

    #[test]
    fn a_queue_that_slept_is_reported_late() {
        let mut queue = Reporting::new(0, 0);
        assert!(queue.reports(IDLE) && !queue.reports(IDLE + 1));
        queue.touch(IDLE + 10, 900);
        assert!(!queue.reports(IDLE + 909) && queue.reports(IDLE + 910));
        let mut asked = Reporting::new(0, 0);
        (1..100).for_each(|half_hour| asked.touch(half_hour * 1800, 900));
        assert!(asked.reports(99 * 1800 + 60));
    }
}
