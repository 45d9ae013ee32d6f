//! What must hold of any scaling plan, whatever its numbers: asked of the alarms themselves, by showing them metrics.

use crate::Stage;
use crate::assumptions::Assumptions;
use crate::cloud::alarms::State;
use crate::cloud::scaling::{Breach, Capacity};
use crate::plan::{Adjustment, Alarm, Comparison, Measure, Plan, Policy, Target};
use crate::template::Template;
use crate::wiring;

/// Seconds in which a metric is reported once.
const MINUTE: u32 = 60;
/// Seconds between two times that a queue is asked, at most.
const HOUR: u32 = 3600;
/// As many tasks as a rule is tried with.
const MANY: u32 = 20;

/// What is wrong with a template, on Fargate and on GPU instances; a mistake that cannot be read is one.
#[must_use]
pub fn of(template: &Template, assumptions: &Assumptions) -> Vec<String> {
    let mut said = Vec::new();
    for (gpu, assumptions) in [("false", *assumptions), ("true", assumptions.on_gpu())] {
        match template.clone().with("Gpu", gpu).and_then(|template| Plan::of(&template)) {
            Ok(plan) => {
                said.extend(broken(&plan, &assumptions));
                match wiring::wrong(template, &plan, &assumptions) {
                    Ok(wrong) => said.extend(wrong),
                    Err(error) => said.push(error.to_string()),
                }
            }
            Err(error) => said.push(error.to_string()),
        }
    }
    said.sort();
    said.dedup();
    said
}

/// Every rule that the plan breaks, in words.
#[must_use]
pub fn broken(plan: &Plan, assumptions: &Assumptions) -> Vec<String> {
    let mut broken = Vec::new();
    for policy in &plan.policies {
        bands(policy, &mut broken);
    }
    for alarm in &plan.alarms {
        if alarm.measures.len() > 10 {
            broken.push(format!("{}: an alarm may have ten metrics", alarm.name));
        }
        for policy in alarm.actions.iter().map(|index| &plan.policies[*index]) {
            directions(alarm, policy, &mut broken);
            if shrinks(policy) {
                never_in_flight(alarm, policy, assumptions, &mut broken);
            }
        }
    }
    for stage in Stage::ALL {
        service(plan, stage, assumptions, &mut broken);
    }
    if plan.asked_every.is_none_or(|every| every > HOUR) {
        broken.push("nothing asks the queues at least once an hour, so their metrics may sleep".to_owned());
    }
    broken
}

fn shrinks(policy: &Policy) -> bool {
    policy.steps.iter().any(|step| step.adjustment < 0.0) || policy.adjustment == Adjustment::ExactCapacity
}

/// Steps follow each other without a gap, and a higher one adds more.
fn bands(policy: &Policy, broken: &mut Vec<String>) {
    for pair in policy.steps.windows(2) {
        let (low, high) = (&pair[0], &pair[1]);
        if low.upper.is_none() || low.upper != high.lower {
            broken.push(format!("{}: a step does not begin where the one before ends", policy.name));
        }
        if low.lower >= low.upper {
            broken.push(format!("{}: the bands do not go up", policy.name));
        }
        if low.adjustment >= high.adjustment {
            broken.push(format!("{}: a higher band adds no more than a lower one", policy.name));
        }
    }
    if policy.steps.iter().any(|step| step.adjustment == 0.0)
        && policy.adjustment == Adjustment::ChangeInCapacity
    {
        broken.push(format!("{}: a step changes nothing", policy.name));
    }
    if policy.cooldown < MINUTE {
        broken.push(format!("{}: it cools down faster than metrics come", policy.name));
    }
}

/// What is added is added above a threshold, what is taken away below one.
fn directions(alarm: &Alarm, policy: &Policy, broken: &mut Vec<String>) {
    let above = matches!(alarm.comparison, Comparison::GreaterThan | Comparison::GreaterThanOrEqualTo);
    if above == shrinks(policy) {
        broken.push(format!("{} sets off {}, which goes the other way", alarm.name, policy.name));
    }
}

/// Does the alarm go off when this is all that it has seen?
pub(crate) fn goes_off(alarm: &Alarm, value: impl Fn(Measure) -> f64) -> bool {
    let read = |index: usize, _| value(alarm.measures[index]);
    alarm.look(6000, State::Ok, read).state == State::Alarm
}

/// What it hands to its policies then.
pub(crate) fn verdict(alarm: &Alarm, value: impl Fn(Measure) -> f64) -> f64 {
    alarm.look(6000, State::Ok, |index, _| value(alarm.measures[index])).value
}

/// The verdict when this is all that it has seen, and how many tasks are left by it.
fn leaves(alarm: &Alarm, policy: &Policy, tasks: u32, value: impl Fn(Measure) -> f64) -> u32 {
    let verdict = alarm.look(6000, State::Ok, |index, _| value(alarm.measures[index]));
    let mut capacity = Capacity::new(tasks);
    if verdict.state == State::Alarm && verdict.value.is_finite() {
        let breach =
            Breach { value: verdict.value, threshold: alarm.threshold, comparison: alarm.comparison };
        capacity.apply(0, 0, policy, breach, Target { floor: 0, ceiling: MANY }, tasks);
    }
    capacity.desired
}

/// Tasks go only while nothing waits, and no more of them than leave room for what the service has in hand.
fn never_in_flight(alarm: &Alarm, policy: &Policy, assumptions: &Assumptions, broken: &mut Vec<String>) {
    let hands = f64::from(assumptions.of(policy.stage).task.concurrency);
    let sleeps = policy.adjustment == Adjustment::ExactCapacity;
    for tasks in 2..=MANY {
        let with = |one: Measure, value: f64| {
            move |measure: Measure| match measure {
                Measure::Running(_) | Measure::Desired(_) => f64::from(tasks),
                other if other == one => value,
                _ => 0.0,
            }
        };
        let quiet = with(Measure::Running(policy.stage), 0.0);
        if leaves(alarm, policy, tasks, quiet) == tasks {
            broken.push(format!("{}: it does not go off when nothing is left to do", alarm.name));
        }
        let queues: &[usize] = if sleeps { &[0, 1, 2, 3, 4] } else { &[policy.stage.queue()] };
        let of_queues = queues.iter().flat_map(|queue| [Measure::Visible(*queue), Measure::InFlight(*queue)]);
        let processor = (!sleeps).then_some(Measure::Cpu(policy.stage));
        for one in of_queues.chain(processor) {
            let (each, what) = match one {
                Measure::Visible(_) => (0.0, "messages wait"),
                Measure::InFlight(_) => (if sleeps { 0.0 } else { hands }, "work is in flight"),
                _ => (100.0, "their processors are busy"),
            };
            // What makes `busy` tasks busy, and one message more than that.
            let wrong = (0..tasks).find(|busy| {
                let share = if one == Measure::Cpu(policy.stage) { f64::from(tasks) } else { 1.0 };
                let value = f64::from(*busy) * each / share + 1.0;
                leaves(alarm, policy, tasks, with(one, value)) <= *busy
            });
            if wrong.is_some_and(|busy| sleeps || busy > 0 || each == 0.0) {
                broken.push(format!("{}: it takes tasks away while {what}", alarm.name));
            }
        }
        if !sleeps && leaves(alarm, policy, tasks, quiet) == 0 {
            broken.push(format!("{}: it takes the last task away, which is sleep's to do", alarm.name));
        }
    }
    broken.dedup();
    if goes_off(alarm, |_| f64::NAN) {
        broken.push(format!("{}: it takes tasks away because it has no data", alarm.name));
    }
    // One runs, or one is wished for, whatever the other count says.
    let last = [(1.0, 1.0), (1.0, 5.0), (5.0, 1.0)].into_iter().any(|(running, desired)| {
        goes_off(alarm, |measure| match measure {
            Measure::Running(_) => running,
            Measure::Desired(_) => desired,
            _ => 0.0,
        })
    });
    if !sleeps && last {
        broken.push(format!("{}: it takes the last task away, which is sleep's to do", alarm.name));
    }
}

fn service(plan: &Plan, stage: Stage, assumptions: &Assumptions, broken: &mut Vec<String>) {
    let (target, name) = (plan.targets[stage as usize], stage.name());
    if target.ceiling < target.floor.max(1) {
        broken.push(format!("{name}: the ceiling is below the floor, or below 1"));
    }
    let mut alarms = plan.alarms.iter().filter(|alarm| {
        alarm
            .actions
            .iter()
            .any(|index| plan.policies[*index].stage == stage && !shrinks(&plan.policies[*index]))
    });
    let wakes = |alarm: &Alarm| {
        (0..5).all(|queue| {
            let one = |measure: Measure| match measure {
                Measure::Visible(of) if of == queue => 1.0,
                Measure::Running(_) | Measure::Desired(_) | Measure::Cpu(_) => f64::NAN,
                _ => 0.0,
            };
            goes_off(alarm, one)
        })
    };
    let again = |alarm: &Alarm| goes_off(alarm, |_| 1.0);
    match alarms.find(|alarm| wakes(alarm)) {
        None => broken.push(format!("{name}: nothing wakes it when a document waits in any queue")),
        Some(alarm) if again(alarm) => broken.push(format!("{name}: it is woken while it runs")),
        Some(alarm) => {
            let gpu = &assumptions.gpu;
            let start = if assumptions.on_gpu && stage == Stage::Summarize {
                f64::from(MINUTE) + gpu.reservation_delay.high + gpu.boot.p95 + gpu.start.p95
            } else {
                assumptions.fargate.start.p95
            };
            let needed = start + assumptions.metrics.insights.high;
            let cooldown = alarm.actions.iter().map(|index| plan.policies[*index].cooldown).min();
            if cooldown.is_none_or(|cooldown| f64::from(cooldown) < needed) {
                broken.push(format!("{name}: it is woken again before the task that was started is counted"));
            }
        }
    }
    // A task that goes is not counted any more in the minute after that, which is told so much later and looked at within
    // another minute.
    let counted = assumptions.metrics.insights.high + f64::from(2 * MINUTE);
    for policy in plan.policies.iter().filter(|policy| policy.stage == stage && shrinks(policy)) {
        if f64::from(policy.cooldown) < counted {
            broken.push(format!(
                "{}: it takes tasks away that it took before and that are still counted",
                policy.name
            ));
        }
    }
    let cooldown = |out: bool| {
        let of = plan.policies.iter().filter(|policy| policy.stage == stage && shrinks(policy) != out);
        of.map(|policy| policy.cooldown).min()
    };
    if cooldown(false) < cooldown(true) {
        broken.push(format!("{name}: it scales in with less of a pause than it scales out"));
    }
}
