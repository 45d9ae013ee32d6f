//! What must hold of any scaling plan, whatever its numbers: asked of the alarms themselves, by showing them metrics.

use crate::Stage;
use crate::assumptions::Assumptions;
use crate::cloud::alarms::State;
use crate::plan::{Adjustment, Alarm, Comparison, Measure, Plan, Policy};

/// Seconds in which a metric is reported once.
const MINUTE: u32 = 60;
/// Seconds between two times that a queue is asked, at most.
const HOUR: u32 = 3600;

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
fn goes_off(alarm: &Alarm, value: impl Fn(Measure) -> f64) -> bool {
    let read = |index: usize, _| value(alarm.measures[index]);
    alarm.look(6000, State::Ok, read).state == State::Alarm
}

fn never_in_flight(alarm: &Alarm, policy: &Policy, assumptions: &Assumptions, broken: &mut Vec<String>) {
    let service = assumptions.of(policy.stage);
    let tasks = 4.0;
    let quiet = |measure: Measure| if matches!(measure, Measure::Running(_)) { tasks } else { 0.0 };
    if !goes_off(alarm, quiet) {
        broken.push(format!("{}: it does not go off when nothing is left to do", alarm.name));
    }
    let hands = if policy.adjustment == Adjustment::ExactCapacity {
        1.0
    } else {
        // What is in hand must fit into the hands that stay.
        let taken = policy.steps.iter().map(|step| -step.adjustment / 100.0).fold(0.0, f64::max);
        tasks * f64::from(service.concurrency) * (1.0 - taken)
    };
    for one in &alarm.measures {
        let (value, what) = match one {
            Measure::Visible(_) => (1.0, "messages wait"),
            Measure::InFlight(_) => (hands, "work is in flight"),
            Measure::Running(_) | Measure::Cpu(_) => continue,
        };
        if goes_off(alarm, |measure| if measure == *one { value } else { quiet(measure) }) {
            broken.push(format!("{}: it takes tasks away while {what}", alarm.name));
        }
    }
    if goes_off(alarm, |_| f64::NAN) {
        broken.push(format!("{}: it takes tasks away because it has no data", alarm.name));
    }
    if policy.adjustment != Adjustment::ExactCapacity {
        let last = |measure: Measure| f64::from(u8::from(matches!(measure, Measure::Running(_))));
        if goes_off(alarm, last) {
            broken.push(format!("{}: it takes the last task away, which is sleep's to do", alarm.name));
        }
    } else if alarm.measures.len() < 10 {
        broken.push(format!("{}: it puts to sleep without looking at every queue", alarm.name));
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
                Measure::Running(_) | Measure::Cpu(_) => f64::NAN,
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
            let needed = assumptions.fargate.start.p95 + assumptions.metrics.insights.high;
            let cooldown = alarm.actions.iter().map(|index| plan.policies[*index].cooldown).min();
            if cooldown.is_none_or(|cooldown| f64::from(cooldown) < needed) {
                broken.push(format!("{name}: it is woken again before the task that was started is counted"));
            }
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
