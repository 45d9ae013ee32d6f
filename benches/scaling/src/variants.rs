//! Other ways to scale, to be compared with the template on the same loads.

use crate::Stage;
use crate::expression::Expression;
use crate::plan::{Adjustment, Alarm, Comparison, Measure, Missing, Plan, Policy, Step};
use crate::template::{Error, Template};

/// A way to scale, by its name.
pub type Variant = (&'static str, Plan);

/// The template, and what it is compared with.
pub fn all(template: &Template) -> Result<Vec<Variant>, Error> {
    let ours = Plan::of(template)?;
    let first = [(1, 1), (50, 3), (200, 8), (1000, 20)];
    let mut numbers = template.clone();
    for (band, (backlog, tasks)) in first.into_iter().enumerate() {
        numbers = numbers.with(&format!("Band{}Backlog", band + 1), backlog)?;
        numbers = numbers.with(&format!("Band{}Tasks", band + 1), tasks)?;
    }
    let numbers = numbers.with("GrowCooldown", 60)?.with("ShrinkCooldown", 300)?;
    Ok(vec![
        ("the template", ours.clone()),
        ("bands 1, 50, 200, 1000; in when empty", only_when_empty(Plan::of(&numbers)?)),
        ("the template, in when empty only", only_when_empty(ours.clone())),
        ("steps of the visible count", visible_steps(ours.clone())),
        ("target tracking, CPU at 60 %", cpu_tracking(ours)),
    ])
}

/// Scale-in waits until every queue is empty: no alarm but the one for sleep takes tasks away.
#[must_use]
pub fn only_when_empty(mut plan: Plan) -> Plan {
    plan.alarms.retain(|alarm| !alarm.name.ends_with("Shrink"));
    plan
}

fn alarm(name: String, measure: Measure, comparison: Comparison, threshold: f64, periods: usize) -> Alarm {
    Alarm {
        name,
        ids: vec!["m".to_owned()],
        measures: vec![measure],
        expressions: vec![Expression::Named(0)],
        comparison,
        threshold,
        periods,
        datapoints: periods,
        missing: Missing::NotBreaching,
        actions: Vec::new(),
    }
}

fn policy(name: String, stage: Stage, steps: Vec<Step>, cooldown: u32) -> Policy {
    Policy { name, stage, adjustment: Adjustment::ChangeInCapacity, steps, cooldown }
}

fn bare(plan: &Plan) -> Plan {
    Plan { alarms: Vec::new(), policies: Vec::new(), ..plan.clone() }
}

/// What many begin with: each service by the visible messages of its own queue, without regard to how many tasks there
/// are, and one task less after five minutes without any.
#[must_use]
pub fn visible_steps(plan: Plan) -> Plan {
    let mut other = bare(&plan);
    for stage in Stage::ALL {
        let (name, visible) = (stage.name(), Measure::Visible(stage.queue()));
        let bounds = [
            (0.0, Some(49.0), 1.0),
            (49.0, Some(199.0), 3.0),
            (199.0, Some(999.0), 8.0),
            (999.0, None, 20.0),
        ];
        let steps = bounds.map(|(lower, upper, adjustment)| Step { lower: Some(lower), upper, adjustment });
        let mut grow = alarm(format!("{name} grow"), visible, Comparison::GreaterThanOrEqualTo, 1.0, 1);
        grow.actions = vec![other.policies.len()];
        let mut shrink = alarm(format!("{name} shrink"), visible, Comparison::LessThan, 1.0, 5);
        shrink.actions = vec![other.policies.len() + 1];
        other.alarms.extend([grow, shrink]);
        let less = Step { lower: None, upper: Some(0.0), adjustment: -1.0 };
        other.policies.push(policy(format!("{name} grow"), stage, steps.to_vec(), 60));
        other.policies.push(policy(format!("{name} shrink"), stage, vec![less], 300));
    }
    other
}

/// Target tracking of each service's processor, which says nothing of a service without tasks: so one always runs. Out
/// after three minutes above the target, in after fifteen below nine tenths of it, as ECS sets its alarms up.
#[must_use]
pub fn cpu_tracking(plan: Plan) -> Plan {
    const TARGET: f64 = 60.0;
    let mut other = bare(&plan);
    for stage in Stage::ALL {
        other.targets[stage as usize].floor = 1;
        let (name, cpu) = (stage.name(), Measure::Cpu(stage));
        let mut high = alarm(format!("{name} high"), cpu, Comparison::GreaterThan, TARGET, 3);
        let mut low = alarm(format!("{name} low"), cpu, Comparison::LessThan, 0.9 * TARGET, 15);
        for one in [&mut high, &mut low] {
            one.actions = vec![other.policies.len()];
        }
        other.alarms.extend([high, low]);
        let mut track = policy(format!("{name} track"), stage, Vec::new(), 300);
        track.adjustment = Adjustment::Track(TARGET);
        other.policies.push(track);
    }
    other
}
