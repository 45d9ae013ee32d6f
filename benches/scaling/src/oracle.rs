//! The least that any schedule can cost which has every document done at each service as early as ours had it.
//!
//! It knows all that comes, has its tasks started in time, and may end them for every pause. Three things it cannot avoid:
//! the work itself (messages ÷ what a task gets through in a second); one task being there in every second in which a
//! message was in somebody's hands; and, over a pause, either staying or starting anew, whichever is cheaper. The largest
//! of these is taken for each ten minutes, with the work only of messages that came and went within them (other work could
//! have been done earlier), and nothing for tasks being whole. So the real optimum lies above this bound, and a cost of
//! so many times the bound is fewer times the optimum.

use crate::Second;

/// Seconds of a window.
const WINDOW: Second = 600;

/// The bound for one service, in task-seconds.
#[derive(Debug, Clone)]
pub struct Oracle {
    start: f64,
    window: Second,
    presence: f64,
    same: f64,
    sum: f64,
    work: f64,
    seen: Option<Second>,
}

impl Oracle {
    /// One whose starts take so many seconds.
    #[must_use]
    pub fn new(start: f64) -> Self {
        Self { start, window: 0, presence: 0.0, same: 0.0, sum: 0.0, work: 0.0, seen: None }
    }

    /// In this second work of so many task-seconds was done, for messages that came at `since`.
    pub fn worked(&mut self, now: Second, since: Second, seconds: f64) {
        self.roll(now);
        self.work += seconds;
        if since / WINDOW == now / WINDOW {
            self.same += seconds;
        }
        let pause = match self.seen {
            Some(seen) if seen == now => return,
            Some(seen) => f64::from(now - seen - 1).min(self.start),
            None => 0.0,
        };
        self.seen = Some(now);
        // A message that is gone within the second needs its task for that long only.
        self.presence += pause + seconds.min(1.0);
    }

    fn roll(&mut self, now: Second) {
        if now / WINDOW != self.window {
            self.sum += self.presence.max(self.same);
            (self.presence, self.same, self.window) = (0.0, 0.0, now / WINDOW);
        }
    }

    /// Task-seconds, the first start and the least that is paid included.
    #[must_use]
    pub fn seconds(&self, least_paid: f64) -> f64 {
        if self.seen.is_none() {
            return 0.0;
        }
        let sum = self.sum + self.presence.max(self.same);
        (self.start + sum.max(self.work)).max(least_paid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_presence_and_pauses_bound_the_cost() {
        let mut steady = Oracle::new(40.0);
        (0..3600).for_each(|now| steady.worked(now, now, 3.0));
        assert!((steady.seconds(60.0) - (40.0 + 3.0 * 3600.0)).abs() < 1e-6);
        // Once in 10 s: nobody ends a task for that. Once an hour: a start each.
        let mut sparse = Oracle::new(40.0);
        (0..360).for_each(|at| sparse.worked(at * 10, at * 10, 1.0));
        assert!((sparse.seconds(60.0) - (40.0 + 3591.0)).abs() < 1.0);
        let mut rare = Oracle::new(40.0);
        (0..5).for_each(|at| rare.worked(at * 3600, at * 3600, 1.0));
        assert!((rare.seconds(60.0) - 5.0 * 41.0).abs() < 1e-6);
        assert_eq!(Oracle::new(40.0).seconds(60.0), 0.0);
    }
}
