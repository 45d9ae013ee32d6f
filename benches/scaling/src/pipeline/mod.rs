//! A deployment under a load, second by second.
//!
//! In each second documents come, tasks start, end and stop, messages are handled and go on; then metrics are taken, alarms
//! looked at and policies applied, each in its own second of the minute, drawn by the seed. What happens within a second
//! is not told apart. A deployment that is asleep is passed over until the next file.

mod control;
mod serve;

use crate::assumptions::Assumptions;
use crate::chance::Chance;
use crate::cloud::instances::Instances;
use crate::loads::Load;
use crate::oracle::Oracle;
use crate::outcome::{Minute, Outcome, Waits};
use crate::plan::Plan;
use crate::work::gate::Gate;
use crate::work::queue::{Batch, Queue};
use crate::work::tasks::{Cause, Tasks};
use crate::{Second, Stage};
use control::Control;
use std::collections::BTreeMap;

/// Seconds after the last document in which a deployment that does not fall asleep is still paid for.
const TAIL: Second = 1800;
/// A load is given up after so long.
const GIVE_UP: Second = 5 * 86_400;

/// One service.
pub(crate) struct Station {
    pub(crate) stage: Stage,
    pub(crate) queue: Queue,
    pub(crate) tasks: Tasks,
    oracle: Oracle,
    waits: Waits,
    credit: f64,
    /// Short messages in hand.
    pub(crate) in_hand: u32,
    /// Processor-seconds used, and task-seconds, in this minute.
    pub(crate) used: f64,
    pub(crate) present: f64,
    peak: u32,
}

/// A run.
pub struct Run<'a> {
    load: &'a Load,
    assumptions: &'a Assumptions,
    now: Second,
    chance: Chance,
    stations: [Station; 4],
    control: Control<'a>,
    instances: Instances,
    launches: Gate,
    textract: Gate,
    collects: Gate,
    email: Gate,
    /// Jobs that Textract is at, by when it is done.
    pending: BTreeMap<Second, Vec<Batch>>,
    pending_count: u32,
    completed: Queue,
    told: u64,
    first: Option<f64>,
    whole: Waits,
    cut_by_scale_in: u32,
    cut_by_spot: u32,
    trace: Option<Vec<Minute>>,
}

impl<'a> Run<'a> {
    /// A deployment with that plan, asleep.
    #[must_use]
    pub fn new(load: &'a Load, plan: &'a Plan, assumptions: &'a Assumptions) -> Self {
        let mut chance = Chance::new(load.seed ^ 0x5ca1_ab1e);
        let spot = load.spot.then_some(assumptions.spot.hours);
        let station = |stage: Stage| {
            let start = assumptions.start(stage);
            let on_gpu = assumptions.on_gpu && stage == Stage::Summarize;
            let oracle = start.median + if on_gpu { assumptions.gpu.boot.median } else { 0.0 };
            let least = if on_gpu { 0.0 } else { assumptions.fargate_price.least_seconds };
            let slots = assumptions.of(stage).task.concurrency;
            Station {
                stage,
                queue: Queue::default(),
                tasks: Tasks::new(slots, assumptions.worker, start, spot, least),
                oracle: Oracle::new(oracle, plan.targets[stage as usize].ceiling, stage == Stage::Ocr),
                waits: Waits::default(),
                credit: 0.0,
                in_hand: 0,
                used: 0.0,
                present: 0.0,
                peak: 0,
            }
        };
        let textract = assumptions.textract.calls_per_second;
        let fargate = &assumptions.fargate;
        let launches = Gate::bucket(f64::from(fargate.burst), f64::from(fargate.per_second));
        Self {
            load,
            assumptions,
            now: 0,
            stations: Stage::ALL.map(station),
            control: Control::new(plan, &mut chance),
            instances: Instances::new(&mut chance),
            launches,
            textract: Gate::new(textract),
            collects: Gate::new(textract),
            email: Gate::new(assumptions.email.per_second),
            pending: BTreeMap::new(),
            pending_count: 0,
            completed: Queue::default(),
            told: 0,
            first: None,
            whole: Waits::default(),
            cut_by_scale_in: 0,
            cut_by_spot: 0,
            trace: None,
            chance,
        }
    }

    /// The same, which keeps what it did minute by minute.
    #[must_use]
    pub fn traced(mut self) -> Self {
        self.trace = Some(Vec::new());
        self
    }

    /// Runs it to the end.
    #[must_use]
    pub fn outcome(mut self) -> Outcome {
        let mut arrivals = self.load.arrivals.iter().copied().peekable();
        let (mut quiet_since, mut begun) = (None, false);
        loop {
            if self.is_asleep() {
                match arrivals.peek() {
                    Some((at, _)) => self.now = self.now.max(*at),
                    None if begun => break,
                    None => return self.finish(),
                }
                self.control.pass_over(self.now, &mut self.chance);
            }
            begun = true;
            while let Some((_, count)) = arrivals.next_if(|(at, _)| *at <= self.now) {
                self.arrive(Stage::Ingest, Batch::of(self.now, self.now, count));
            }
            self.second();
            let busy = arrivals.peek().is_some() || !self.is_drained();
            quiet_since = if busy { None } else { quiet_since.or(Some(self.now)) };
            if quiet_since.is_some_and(|since| self.now - since > TAIL) || self.now > GIVE_UP {
                break;
            }
            self.now += 1;
        }
        self.finish()
    }

    fn second(&mut self) {
        if let Some(loss) = self.load.loss {
            let lost = (loss.from..loss.until).contains(&self.now);
            let share = if lost { loss.left } else { 1.0 };
            self.textract.rate = self.assumptions.textract.calls_per_second * share;
            self.collects.rate = self.textract.rate;
        }
        for gate in [&mut self.textract, &mut self.collects, &mut self.email] {
            gate.second();
        }
        for at in 0..4 {
            self.stations[at].queue.second(self.now);
            self.live(at);
        }
        self.serve();
        self.control.measure(
            self.now,
            &mut self.stations,
            (&self.completed, self.pending_count),
            self.assumptions,
            &mut self.chance,
        );
        let running = std::array::from_fn(|at| self.stations[at].tasks.running());
        self.control.decide(self.now, running, self.assumptions, &mut self.chance);
        self.follow();
        self.note();
    }

    /// Tasks go on with what takes long, start and go.
    fn live(&mut self, at: usize) {
        let ended = self.stations[at].tasks.second(self.now, &mut self.chance);
        for _ in 0..ended.gone {
            self.gone(at);
        }
        for message in ended.done {
            self.handled(self.stations[at].stage, Batch { long: None, ..message });
        }
        for (message, cause) in ended.cut {
            match cause {
                Cause::ScaleIn => self.cut_by_scale_in += message.count,
                Cause::Spot => self.cut_by_spot += message.count,
            }
            self.stations[at].queue.give_back(message);
        }
        let station = &mut self.stations[at];
        let held = f64::from(station.tasks.held());
        if held > 0.0 {
            let seconds = held / f64::from(self.assumptions.of(station.stage).task.concurrency);
            station.used += seconds * self.assumptions.of(station.stage).task.vcpu;
        }
    }

    /// ECS makes as many tasks as are wished for.
    fn follow(&mut self) {
        self.launches.second();
        for at in 0..4 {
            let stage = self.stations[at].stage;
            let on_gpu = self.assumptions.on_gpu && stage == Stage::Summarize;
            let (desired, active) = (self.control.desired(stage), self.stations[at].tasks.active());
            if active > desired {
                let gone = self.stations[at].tasks.scale_in(self.now, active - desired, &mut self.chance);
                for _ in 0..gone {
                    self.gone(at);
                }
            } else if active < desired {
                let count =
                    if on_gpu { desired - active } else { (desired - active).min(self.launches.open()) };
                self.launches.take(if on_gpu { 0 } else { count });
                for _ in 0..count {
                    self.stations[at].tasks.start(self.now, !on_gpu, &mut self.chance);
                }
            }
            if on_gpu {
                let needed = self.stations[at].tasks.active() as usize;
                let most = self.control.ceiling(stage) as usize;
                self.instances.second(self.now, needed, most, &self.assumptions.gpu, &mut self.chance);
                let instances = &mut self.instances;
                self.stations[at].tasks.place(self.now, || instances.place(self.now), &mut self.chance);
            }
        }
    }

    fn gone(&mut self, at: usize) {
        if self.assumptions.on_gpu && self.stations[at].stage == Stage::Summarize {
            self.instances.free();
        }
    }

    fn note(&mut self) {
        for station in &mut self.stations {
            let service = self.assumptions.of(station.stage);
            let hands = f64::from(service.task.concurrency);
            station.oracle.second(self.now, station.queue.work(hands / service.rate()) / hands);
            station.peak = station.peak.max(station.tasks.running());
            station.present += f64::from(station.tasks.running());
        }
        if let Some(trace) = self.trace.as_mut().filter(|_| self.now.is_multiple_of(60)) {
            trace.push(Minute {
                minute: self.now / 60,
                waiting: std::array::from_fn(|at| self.stations[at].queue.visible()),
                running: std::array::from_fn(|at| self.stations[at].tasks.running()),
                desired: Stage::ALL.map(|stage| self.control.desired(stage)),
            });
        }
    }

    fn is_drained(&self) -> bool {
        let idle = |station: &Station| station.queue.is_empty() && station.tasks.held() == 0;
        self.stations.iter().all(idle) && self.pending_count == 0 && self.completed.is_empty()
    }

    fn is_asleep(&self) -> bool {
        self.control.is_asleep()
            && self.stations.iter().all(|station| station.tasks.is_empty())
            && self.instances.count() == 0
            && self.is_drained()
    }

    fn finish(self) -> Outcome {
        let (assumptions, now) = (self.assumptions, self.now);
        let price = |station: &Station| assumptions.dollars_a_second(station.stage);
        let paid = |station: &Station| {
            if assumptions.on_gpu && station.stage == Stage::Summarize {
                self.instances.seconds
            } else {
                station.tasks.paid(now)
            }
        };
        let stations = &self.stations;
        Outcome {
            shape: self.load.shape,
            documents: self.load.documents(),
            told: self.told,
            first: self.first,
            waits: std::array::from_fn(|at| stations[at].waits.clone()),
            whole: self.whole,
            cut_by_scale_in: self.cut_by_scale_in,
            cut_by_spot: self.cut_by_spot,
            stopped: stations.iter().map(|station| station.tasks.stopped).sum(),
            peak: std::array::from_fn(|at| stations[at].peak),
            dollars: std::array::from_fn(|at| paid(&stations[at]) * price(&stations[at])),
            oracle: std::array::from_fn(|at| stations[at].oracle.clone().seconds() * price(&stations[at])),
            emptied: self.control.emptied,
            ended: now,
            trace: self.trace.unwrap_or_default(),
        }
    }
}
