//! The cheapest schedule of one service that knows all that comes.
//!
//! It is a real schedule: whole tasks, no more than may run, which are started in time and paid for from their start, and
//! it may choose another number of them each minute, as nothing that looks at metrics can do better. It has a minute of
//! patience: whatever it leaves at the end of a minute came within that minute, or is no more than what ours left. What it
//! costs is the minimum over all such schedules, by dynamic programming over the number of tasks and the work that is left: of schedules that
//! have the same number of tasks now, one that cost more is kept only if it has less left to do.
//!
//! Three things are in its favour, so that a real schedule can hardly reach it: it may do work of a minute in all of that
//! minute's seconds, even before it came; it ends a task in the second in which it wants to; and it knows which documents
//! will fail.

use crate::Second;

/// What tasks cost is counted in units of so many seconds, to which a start is rounded.
const UNIT: f64 = 12.0;
/// Units of a minute of a task.
const MINUTE: u32 = 5;
/// Minutes without anything after which more of them change nothing: every task has been ended.
const LONGEST_GAP: u32 = 30;

/// A schedule so far: what it cost, in units, and the work that is left, in task-minutes.
type Way = (u32, f64);

/// The schedules of one service.
#[derive(Debug, Clone)]
pub struct Oracle {
    start: u32,
    most: usize,
    /// No patience: the work of a minute is done within it.
    prompt: bool,
    /// For each number of tasks the ways to have come there: dearer ones have less left to do.
    ways: Vec<Vec<Way>>,
    minute: u32,
    done: f64,
    left: f64,
    needed: bool,
}

impl Oracle {
    /// One whose starts take so many seconds, and that may have so many tasks; `prompt` if somebody else's quota paces the
    /// work, which then can neither be put together nor put off.
    #[must_use]
    pub fn new(start: f64, most: u32, prompt: bool) -> Self {
        let start = ((start / UNIT).round() as u32).max(1);
        Self {
            start,
            most: most as usize,
            prompt,
            ways: vec![vec![(0, 0.0)]],
            minute: 0,
            done: 0.0,
            left: 0.0,
            needed: false,
        }
    }

    /// Ours did so many task-seconds of work in this second.
    pub fn worked(&mut self, seconds: f64) {
        self.done += seconds / 60.0;
        self.needed |= seconds > 0.0;
    }

    /// A second ends, in which ours left so many task-seconds of work.
    pub fn second(&mut self, now: Second, left: f64) {
        if now % 60 != 59 {
            return;
        }
        for _ in 0..(now / 60 - self.minute).saturating_sub(1).min(LONGEST_GAP) {
            self.step(0.0, 0.0);
        }
        let left = if self.prompt { 0.0 } else { left / 60.0 };
        let came = (left - self.left + self.done).max(0.0);
        self.step(came, left);
        (self.minute, self.left, self.done) = (now / 60, left, 0.0);
    }

    /// One minute, in which so much work came, and ours left so much at its end.
    fn step(&mut self, came: f64, left: f64) {
        let allowed = if self.prompt { 0.0 } else { came.max(left) } + 1e-9;
        // More tasks than this have nothing to do in this minute, and are worth having only if that is cheaper than to start
        // them again.
        let work = self.ways.iter().flatten().map(|(_, left)| left + came).fold(0.0, f64::max);
        let work = (work.ceil() as usize).min(self.most);
        let mut here: Vec<Vec<Way>> = Vec::with_capacity(work.max(self.ways.len()) + 1);
        let mut worth = work;
        for tasks in 0..=work.max(self.ways.len() - 1) {
            let started = here.last().map_or_else(Vec::new, |fewer| dearer(fewer, self.start));
            let kept = self.ways.get(tasks).map_or(&[][..], Vec::as_slice);
            let both = cheapest(&started, kept);
            worth = if both == started { worth } else { worth.max(tasks) };
            here.push(both);
        }
        here.truncate(worth + 1);
        let mut ended = Vec::new();
        for ways in here.iter_mut().rev() {
            ended = cheapest(&ended, ways);
            ways.clone_from(&ended);
        }
        for (tasks, ways) in here.iter_mut().enumerate() {
            for (cost, left) in ways.iter_mut() {
                *cost += tasks as u32 * MINUTE;
                *left = (*left + came - tasks as f64).max(0.0);
            }
            *ways = cheapest(ways, &[]);
        }
        // What ours did with as many tasks can be done, but for a second's work or so between two minutes.
        let least = here.iter().flatten().map(|(_, left)| *left).fold(f64::INFINITY, f64::min);
        here.iter_mut().for_each(|ways| ways.retain(|(_, left)| *left <= allowed.max(least)));
        self.ways = here;
    }

    /// Task-seconds, starts included.
    #[must_use]
    pub fn seconds(mut self) -> f64 {
        if !self.needed {
            return 0.0;
        }
        // The last minute may not have ended, and all must be done.
        let came = (self.done - self.left).max(0.0);
        self.left = 0.0;
        self.step(came, 0.0);
        let mut rest = self;
        rest.prompt = true;
        rest.step(0.0, 0.0);
        let least = rest.ways.iter().flatten().map(|(cost, _)| *cost).min().unwrap_or(0);
        f64::from(least) * UNIT
    }
}

fn dearer(ways: &[Way], by: u32) -> Vec<Way> {
    ways.iter().map(|(cost, left)| (cost + by, *left)).collect()
}

/// Both together, in the order of their cost, without those that cost no less than another one and leave no less.
fn cheapest(one: &[Way], other: &[Way]) -> Vec<Way> {
    let mut all: Vec<Way> = Vec::with_capacity(one.len() + other.len());
    let (mut one, mut other) = (one.iter().peekable(), other.iter().peekable());
    loop {
        let first = match (one.peek(), other.peek()) {
            (Some(a), Some(b)) if (a.0, a.1) <= (b.0, b.1) => one.next(),
            (_, Some(_)) => other.next(),
            (Some(_), None) => one.next(),
            (None, None) => return all,
        };
        if let Some(way) = first.filter(|way| all.last().is_none_or(|last| way.1 < last.1)) {
            all.push(*way);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::Chance;

    fn of(start: f64, prompt: bool, minutes: &[(f64, f64)]) -> f64 {
        let mut oracle = Oracle::new(start, 4, prompt);
        let mut former = 0.0;
        for (minute, (came, left)) in minutes.iter().enumerate() {
            oracle.worked(60.0 * (former + came - left));
            oracle.second(minute as Second * 60 + 59, 60.0 * left);
            former = *left;
        }
        oracle.seconds()
    }

    /// The cheapest of all schedules with up to so many tasks, each tried.
    fn tried(start: f64, prompt: bool, minutes: &[(f64, f64)], most: usize) -> f64 {
        let mut best = f64::INFINITY;
        let minutes: Vec<(f64, f64)> = minutes.iter().copied().chain([(0.0, 0.0)]).collect();
        for code in 0..(most + 1).pow(minutes.len() as u32) {
            let (mut code, mut former, mut work, mut cost) = (code, 0, 0.0_f64, 0.0);
            let kept = minutes.iter().all(|(came, left)| {
                let tasks = code % (most + 1);
                code /= most + 1;
                cost += 60.0 * tasks as f64 + start * tasks.saturating_sub(former) as f64;
                former = tasks;
                work = (work + came - tasks as f64).max(0.0);
                work <= if prompt { 0.0 } else { came.max(*left) } + 1e-9
            });
            best = best.min(if kept { cost } else { f64::INFINITY });
        }
        best
    }

    #[test]
    fn no_schedule_is_cheaper_and_one_costs_as_much() {
        let mut chance = Chance::new(5);
        for round in 0..300 {
            let start = 12.0 * (1.0 + (round % 8) as f64);
            let mut behind = 0.0;
            let minutes: Vec<(f64, f64)> = (0..6)
                .map(|_| {
                    let came = if chance.unit() < 0.4 { 0.0 } else { chance.between(0.0, 2.0) };
                    let left = if chance.unit() < 0.5 { 0.0 } else { (behind + came) * chance.unit() };
                    behind = left;
                    (came, left)
                })
                .collect();
            let minutes: Vec<(f64, f64)> = minutes.into_iter().chain([(0.0, 0.0)]).collect();
            for prompt in [false, true] {
                let minutes: Vec<(f64, f64)> =
                    minutes.iter().map(|(came, left)| (*came, if prompt { 0.0 } else { *left })).collect();
                let (ours, all) = (of(start, prompt, &minutes), tried(start, prompt, &minutes, 4));
                assert!((ours - all).abs() < 1e-6, "{ours} beside {all}: {start} s a start, {minutes:?}");
            }
        }
    }

    #[test]
    fn pauses_and_heaps_cost_what_they_must() {
        // One document: a start and a minute. Nothing: nothing.
        assert_eq!(of(36.0, false, &[(0.01, 0.0)]), 96.0);
        assert_eq!(of(36.0, false, &[(0.0, 0.0)]), 0.0);
        // Once an hour: a start each. In every other minute: nobody ends a task for that, but two minutes' work fits into one.
        let hourly: Vec<_> =
            (0..180).map(|minute| (if minute % 60 == 0 { 0.01 } else { 0.0 }, 0.0)).collect();
        assert_eq!(of(36.0, false, &hourly), 3.0 * 96.0);
        // Three tasks' work each minute for an hour; the last minute's may be done in the next, by a task that is there.
        assert_eq!(of(36.0, false, &[(3.0, 0.0); 60]), 3.0 * 36.0 + 180.0 * 60.0);
        // A heap that ours works off with one task in ten minutes: ten task-minutes and a start.
        let heap: Vec<_> =
            (0..10).map(|minute| (if minute == 0 { 10.0 } else { 0.0 }, 9.0 - f64::from(minute))).collect();
        assert_eq!(of(36.0, false, &heap), 36.0 + 600.0);
    }
}
