//! Metrics, alarms and targets of a run: what decides how many tasks there are.

use super::Station;
use crate::assumptions::{Assumptions, Between};
use crate::chance::Chance;
use crate::cloud::alarms::State;
use crate::cloud::metrics::{LATE, Reporting, Series};
use crate::cloud::scaling::{Breach, Capacity};
use crate::plan::{Adjustment, Measure, Plan, QUEUES};
use crate::work::queue::Queue;
use crate::{Second, Stage};

/// The index of the queue in which Textract says that it is done.
const COMPLETED: usize = 2;

/// A policy that is about to be applied.
struct Action {
    at: Second,
    policy: usize,
    breach: Breach,
}

/// All that decides.
pub(super) struct Control<'a> {
    plan: &'a Plan,
    capacities: [Capacity; 4],
    visible: [Series; 5],
    in_flight: [Series; 5],
    oldest: [Series; 5],
    running: [Series; 4],
    wished: [Series; 4],
    cpu: [Series; 4],
    reporting: [Reporting; 5],
    queue_phases: [Second; 5],
    alarm_phases: Vec<Second>,
    states: Vec<State>,
    actions: Vec<Action>,
    asked: Second,
    ask_phase: Second,
    /// How often a service was emptied by anything but sleep.
    pub(super) emptied: u32,
}

impl<'a> Control<'a> {
    pub(super) fn new(plan: &'a Plan, chance: &mut Chance) -> Self {
        let mut phase = || chance.below(60) as Second;
        Self {
            plan,
            capacities: Stage::ALL.map(|stage| Capacity::new(plan.targets[stage as usize].floor)),
            visible: Default::default(),
            in_flight: Default::default(),
            oldest: Default::default(),
            running: Default::default(),
            wished: Default::default(),
            cpu: Default::default(),
            reporting: std::array::from_fn(|_| Reporting::new(0, 0)),
            queue_phases: std::array::from_fn(|_| phase()),
            alarm_phases: plan.alarms.iter().map(|_| phase()).collect(),
            states: vec![State::default(); plan.alarms.len()],
            actions: Vec::new(),
            asked: 0,
            emptied: 0,
            ask_phase: plan.asked_every.map_or(0, |every| chance.below(every as usize) as Second),
        }
    }

    pub(super) fn desired(&self, stage: Stage) -> u32 {
        self.capacities[stage as usize].desired
    }

    pub(super) fn ceiling(&self, stage: Stage) -> u32 {
        self.plan.targets[stage as usize].ceiling
    }

    pub(super) fn is_asleep(&self) -> bool {
        self.actions.is_empty() && self.capacities.iter().all(|capacity| capacity.desired == 0)
    }

    /// Somebody sent to a service's queue, or received from it.
    pub(super) fn touch(&mut self, stage: Stage, now: Second, chance: &mut Chance) {
        self.touch_queue(stage.queue(), now, chance);
        if stage == Stage::Ocr {
            self.touch_queue(COMPLETED, now, chance);
        }
    }

    fn touch_queue(&mut self, queue: usize, now: Second, chance: &mut Chance) {
        let late = if self.reporting[queue].sleeps(now) { chance.between(0.0, LATE) as Second } else { 0 };
        self.reporting[queue].touch(now, late);
    }

    /// Time went by in which nobody but the schedule touched anything.
    pub(super) fn pass_over(&mut self, now: Second, chance: &mut Chance) {
        let Some(every) = self.plan.asked_every else { return };
        let next =
            |asked: Second| (asked.saturating_sub(self.ask_phase) / every + 1) * every + self.ask_phase;
        let (mut asks, mut at) = (Vec::new(), next(self.asked));
        while at <= now {
            asks.push(at);
            at = next(at);
        }
        for at in asks {
            self.asked = at;
            (0..QUEUES.len()).for_each(|queue| self.touch_queue(queue, at, chance));
        }
    }

    /// Takes the metrics whose second it is.
    pub(super) fn measure(
        &mut self,
        now: Second,
        stations: &mut [Station; 4],
        (completed, pending): (&Queue, u32),
        assumptions: &Assumptions,
        chance: &mut Chance,
    ) {
        let metrics = &assumptions.metrics;
        let visible = |delay: Between, chance: &mut Chance| {
            now + chance.between(delay.low, delay.high).round() as Second
        };
        for (queue, reporting) in self.reporting.iter().enumerate() {
            if now % 60 != self.queue_phases[queue] || !reporting.reports(now) {
                continue;
            }
            let (waiting, flight, oldest) = match Stage::ALL.iter().position(|stage| stage.queue() == queue) {
                Some(at) => {
                    let station = &stations[at];
                    let pending = if station.stage == Stage::Ocr { pending } else { 0 };
                    let held = station.in_hand + station.tasks.held();
                    let oldest = [station.queue.oldest(), station.tasks.oldest()].into_iter().flatten().min();
                    (station.queue.visible(), held + station.queue.put_back_count() + pending, oldest)
                }
                None => (completed.visible(), 0, completed.oldest()),
            };
            let from = visible(metrics.sqs, chance);
            self.visible[queue].put(now, f64::from(waiting), from);
            self.in_flight[queue].put(now, f64::from(flight), from);
            self.oldest[queue].put(now, oldest.map_or(0.0, |at| f64::from(now - at)), from);
        }
        if now % 60 != 59 {
            return;
        }
        for (at, station) in stations.iter_mut().enumerate() {
            let running = station.tasks.running();
            // Nothing is reported of a service without tasks.
            if running > 0 {
                let from = visible(metrics.insights, chance);
                self.running[at].put(now, f64::from(running), from);
                self.wished[at].put(now, f64::from(self.capacities[at].desired), from);
            }
            if station.present > 0.0 {
                let vcpu = assumptions.of(station.stage).task.vcpu;
                let percent = 100.0 * station.used / (station.present * vcpu);
                self.cpu[at].put(now, percent.min(100.0), visible(metrics.ecs, chance));
            }
            (station.used, station.present) = (0.0, 0.0);
        }
    }

    /// Looks at the alarms whose second it is, and applies what they set off before.
    pub(super) fn decide(
        &mut self,
        now: Second,
        running: [u32; 4],
        assumptions: &Assumptions,
        chance: &mut Chance,
    ) {
        self.ask(now, chance);
        let plan = self.plan;
        for (index, alarm) in plan.alarms.iter().enumerate() {
            if now % 60 != self.alarm_phases[index] {
                continue;
            }
            let read = |measure: usize, minute: u32| match alarm.measures[measure] {
                Measure::Visible(queue) => self.visible[queue].get(minute, now),
                Measure::InFlight(queue) => self.in_flight[queue].get(minute, now),
                Measure::Oldest(queue) => self.oldest[queue].get(minute, now),
                Measure::Running(stage) => self.running[stage as usize].get(minute, now),
                Measure::Desired(stage) => self.wished[stage as usize].get(minute, now),
                Measure::Cpu(stage) => self.cpu[stage as usize].get(minute, now),
            };
            let verdict = alarm.look(now, self.states[index], read);
            self.states[index] = verdict.state;
            if verdict.state == State::Alarm && verdict.value.is_finite() {
                let delay = chance.between(assumptions.metrics.action.low, assumptions.metrics.action.high);
                let breach =
                    Breach { value: verdict.value, threshold: alarm.threshold, comparison: alarm.comparison };
                let at = now + delay.round() as Second;
                self.actions.extend(alarm.actions.iter().map(|policy| Action {
                    at,
                    policy: *policy,
                    breach,
                }));
            }
        }
        let (capacities, emptied) = (&mut self.capacities, &mut self.emptied);
        self.actions.retain(|action| {
            if action.at > now {
                return true;
            }
            let policy = &plan.policies[action.policy];
            let at = policy.stage as usize;
            let former = capacities[at].desired;
            capacities[at].apply(now, action.policy, policy, action.breach, plan.targets[at], running[at]);
            let to_zero = former > 0 && capacities[at].desired == 0;
            *emptied += u32::from(to_zero && policy.adjustment != Adjustment::ExactCapacity);
            false
        });
    }

    /// The schedule asks every queue.
    fn ask(&mut self, now: Second, chance: &mut Chance) {
        if let Some(every) = self.plan.asked_every
            && now % every == self.ask_phase
        {
            self.asked = now;
            (0..QUEUES.len()).for_each(|queue| self.touch_queue(queue, now, chance));
        }
    }
}
