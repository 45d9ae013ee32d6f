//! The tasks of one service, as ECS starts, spares and stops them.
//!
//! A task that is to go gets SIGTERM: it ends its open poll, goes on with what it has in hand for as long as a drain
//! takes, and gives back what is left. ECS passes over tasks that are protected, and so does the service while it has
//! more tasks than it should. Messages that take less than protection's five seconds always end within the drain, so only
//! those that take longer are followed one by one. Sources: `shared/worker`; Amazon ECS Developer Guide, "Protect your
//! Amazon ECS tasks from being terminated by scale-in events".

use crate::Second;
use crate::assumptions::{Around, Worker};
use crate::chance::Chance;
use crate::work::queue::Batch;

/// A message that takes long, in somebody's hands.
#[derive(Debug, Clone, Copy)]
pub struct Held {
    /// The message.
    pub message: Batch,
    /// Since when.
    pub since: Second,
    /// Until when.
    pub until: Second,
}

/// Why a task goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The service has too many.
    ScaleIn,
    /// Spot wants its capacity back.
    Spot,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// Waits for an instance.
    Unplaced,
    /// Runs from then on.
    Starting(Second),
    Running,
    /// Ends its poll then, and what it holds at the second time, at the latest.
    Stopping {
        poll: Second,
        cut: Second,
        cause: Cause,
    },
}

/// One task.
#[derive(Debug, Clone)]
struct Task {
    state: State,
    /// Paid for since.
    since: Second,
    held: Vec<Held>,
    protected_until: Option<Second>,
    asked_until: Second,
    interrupted_at: Second,
    phase: Second,
}

/// What one second brought.
#[derive(Debug, Default)]
pub struct Ended {
    /// Long messages that are done.
    pub done: Vec<Batch>,
    /// Those that were cut off and go back to the queue, with the reason.
    pub cut: Vec<(Batch, Cause)>,
    /// Tasks that are gone.
    pub gone: u32,
}

/// All tasks of a service.
#[derive(Debug, Clone)]
pub struct Tasks {
    list: Vec<Task>,
    slots: u32,
    worker: Worker,
    start: Around,
    /// Hours to a Spot interruption; none on demand.
    spot_hours: Option<f64>,
    least_paid: f64,
    /// Task-seconds that are paid for, of tasks that are gone.
    paid: f64,
    /// Scale-ins so far, in tasks.
    pub stopped: u32,
}

impl Tasks {
    /// None yet; each will have so many slots.
    #[must_use]
    pub fn new(slots: u32, worker: Worker, start: Around, spot_hours: Option<f64>, least_paid: f64) -> Self {
        Self { list: Vec::new(), slots, worker, start, spot_hours, least_paid, paid: 0.0, stopped: 0 }
    }

    /// Tasks that are not on their way out: what ECS compares with the desired count.
    #[must_use]
    pub fn active(&self) -> u32 {
        self.list.iter().filter(|task| !matches!(task.state, State::Stopping { .. })).count() as u32
    }

    /// Tasks that run and are not on their way out: what Container Insights counts.
    #[must_use]
    pub fn running(&self) -> u32 {
        self.list.iter().filter(|task| matches!(task.state, State::Running)).count() as u32
    }

    /// Free slots of tasks that receive, beside all their slots.
    #[must_use]
    pub fn free(&self) -> (u32, u32) {
        let receiving = self.list.iter().filter(|task| matches!(task.state, State::Running));
        receiving.fold((0, 0), |(free, all), task| {
            (free + self.slots.saturating_sub(task.held.len() as u32), all + self.slots)
        })
    }

    /// Long messages in hand.
    #[must_use]
    pub fn held(&self) -> u32 {
        self.list.iter().map(|task| task.held.len() as u32).sum()
    }

    /// When the oldest of them came.
    #[must_use]
    pub fn oldest(&self) -> Option<Second> {
        self.list.iter().flat_map(|task| &task.held).map(|held| held.message.at).min()
    }

    /// No task at all?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Task-seconds that are paid for until now.
    #[must_use]
    pub fn paid(&self, now: Second) -> f64 {
        self.paid + self.list.iter().map(|task| f64::from(now - task.since)).sum::<f64>()
    }

    /// Gives a long message to a task with a free slot.
    pub fn hold(&mut self, now: Second, message: Batch, seconds: f64, chance: &mut Chance) -> bool {
        let slots = self.slots as usize;
        let free = |task: &Task| matches!(task.state, State::Running) && task.held.len() < slots;
        let count = self.list.iter().filter(|task| free(task)).count();
        let chosen = chance.below(count);
        let Some(task) = self.list.iter_mut().filter(|task| free(task)).nth(chosen) else { return false };
        task.held.push(Held { message, since: now, until: now + (seconds.round() as Second).max(1) });
        true
    }

    /// Starts a task, on an instance that has to be found first or not.
    pub fn start(&mut self, now: Second, placed: bool, chance: &mut Chance) {
        let state = if placed { State::Starting(self.ready(now, chance)) } else { State::Unplaced };
        self.list.push(Task {
            state,
            since: now,
            held: Vec::new(),
            protected_until: None,
            asked_until: 0,
            interrupted_at: Second::MAX,
            phase: chance.below(5) as Second,
        });
    }

    fn ready(&self, now: Second, chance: &mut Chance) -> Second {
        now + chance.around(self.start.median, self.start.p95).round() as Second
    }

    /// Places tasks that wait for an instance, while `place` finds one.
    pub fn place(&mut self, now: Second, mut place: impl FnMut() -> bool, chance: &mut Chance) {
        let start = self.start;
        for task in self.list.iter_mut().filter(|task| matches!(task.state, State::Unplaced)) {
            if !place() {
                return;
            }
            let ready = now + chance.around(start.median, start.p95).round() as Second;
            task.state = State::Starting(ready);
        }
    }

    /// Asks so many tasks to go: first those that do not run yet, then any that is not protected. Gives how many were
    /// gone at once.
    pub fn scale_in(&mut self, now: Second, mut surplus: u32, chance: &mut Chance) -> u32 {
        let mut gone = 0;
        while surplus > 0 {
            let waiting = |task: &Task| matches!(task.state, State::Unplaced | State::Starting(_));
            if let Some(at) = self.list.iter().position(waiting) {
                let task = self.list.swap_remove(at);
                let placed = matches!(task.state, State::Starting(_));
                self.paid += if placed { f64::from(now - task.since).max(self.least_paid) } else { 0.0 };
                gone += u32::from(placed);
                surplus -= 1;
                continue;
            }
            let spared = |task: &Task| task.protected_until.is_some_and(|until| now < until);
            let may_go = |task: &&mut Task| matches!(task.state, State::Running) && !spared(task);
            let count = self.list.iter_mut().filter(may_go).count();
            let chosen = chance.below(count);
            let Some(task) = self.list.iter_mut().filter(may_go).nth(chosen) else { break };
            task.stop(now, Cause::ScaleIn, &self.worker, chance);
            self.stopped += 1;
            surplus -= 1;
        }
        gone
    }

    /// One second of their lives.
    pub fn second(&mut self, now: Second, chance: &mut Chance) -> Ended {
        let mut ended = Ended::default();
        let mut at = 0;
        while at < self.list.len() {
            let spot_hours = self.spot_hours;
            let task = &mut self.list[at];
            task.live(now, spot_hours, &self.worker, chance, &mut ended);
            if task.is_gone(now) {
                self.paid += f64::from(now - task.since).max(self.least_paid);
                self.list.swap_remove(at);
                ended.gone += 1;
            } else {
                at += 1;
            }
        }
        ended
    }
}

impl Task {
    fn stop(&mut self, now: Second, cause: Cause, worker: &Worker, chance: &mut Chance) {
        let poll = now + chance.between(0.0, worker.poll).round() as Second;
        let cut = (f64::from(poll) + worker.drain).min(f64::from(now) + worker.stop_timeout);
        self.state = State::Stopping { poll, cut: cut as Second, cause };
    }

    fn live(
        &mut self,
        now: Second,
        spot_hours: Option<f64>,
        worker: &Worker,
        chance: &mut Chance,
        ended: &mut Ended,
    ) {
        match self.state {
            State::Starting(ready) if ready <= now => {
                self.state = State::Running;
                let life = spot_hours.map(|hours| chance.exponential(hours * 3600.0));
                self.interrupted_at =
                    life.map_or(Second::MAX, |life| now.saturating_add(life.min(1e9) as Second));
            }
            State::Running if self.interrupted_at <= now => self.stop(now, Cause::Spot, worker, chance),
            _ => {}
        }
        if self.held.is_empty() && self.protected_until.is_none() {
            return;
        }
        self.held.retain(|held| {
            if held.until <= now {
                ended.done.push(held.message);
            }
            held.until > now
        });
        if now % 5 == self.phase {
            self.protect(now, worker, chance);
        }
        if let State::Stopping { cut, cause, .. } = self.state
            && now >= cut
        {
            ended.cut.extend(self.held.drain(..).map(|held| (held.message, cause)));
        }
    }

    /// As `worker::protection` does it: asks once for a term, again when half of it is over, releases when idle.
    fn protect(&mut self, now: Second, worker: &Worker, chance: &mut Chance) {
        let long = self.held.iter().any(|held| f64::from(now - held.since) >= worker.protect_after);
        if !long {
            (self.protected_until, self.asked_until) = (None, 0);
        } else if now >= self.asked_until {
            self.asked_until = now + (worker.term / 2.0) as Second;
            let answered = chance.unit() >= worker.absent;
            self.protected_until = answered.then_some(now + worker.term as Second);
        }
    }

    fn is_gone(&self, now: Second) -> bool {
        matches!(self.state, State::Stopping { poll, .. } if now >= poll && self.held.is_empty())
    }
}
