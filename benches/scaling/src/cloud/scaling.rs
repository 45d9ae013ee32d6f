//! Application Auto Scaling: what a policy that was set off makes of the number of tasks.
//!
//! While a scale-out cools down, what it added counts as there: the same band adds nothing, a higher one only the
//! difference. A scale-in that cools down blocks the next one, and a scale-out ends its cooldown at once. Bounds of steps
//! count from the alarm's threshold; above it the lower one belongs to the step, below it the upper one. What a policy adds
//! to or takes from is the number of tasks that run, not the one that is wished for ("Service auto scaling considerations",
//! Amazon ECS Developer Guide), so that tasks which find no place are not added again and again. Sources:
//! Application Auto Scaling User Guide, "How step scaling for Application Auto Scaling works" and "How target tracking
//! scaling works"; API Reference, `StepScalingPolicyConfiguration` and `StepAdjustment`.

use crate::Second;
use crate::plan::{Adjustment, Comparison, Policy, Step, Target};

/// The memory of one service's target.
#[derive(Debug, Clone)]
pub struct Capacity {
    /// The service's desired count.
    pub desired: u32,
    /// Scale-outs that cool down: until when, and how many tasks there were before.
    cooling: Vec<(usize, Second, u32)>,
    /// Scale-in is blocked until then.
    blocked: Second,
}

impl Capacity {
    /// A target with so many tasks.
    #[must_use]
    pub fn new(desired: u32) -> Self {
        Self { desired, cooling: Vec::new(), blocked: 0 }
    }

    /// A policy was set off while so many tasks ran, which is what it counts from.
    pub fn apply(
        &mut self,
        now: Second,
        index: usize,
        policy: &Policy,
        breach: Breach,
        target: Target,
        running: u32,
    ) {
        let cooling = self.cooling.iter().find(|(of, until, _)| *of == index && now < *until);
        let base = cooling.map_or(running, |(_, _, base)| *base);
        let Some(wanted) = policy.wanted(base, running, breach) else { return };
        let wanted = wanted.clamp(target.floor, target.ceiling);
        if wanted > self.desired {
            self.cooling.retain(|(of, until, _)| *of != index && now < *until);
            self.cooling.push((index, now + policy.cooldown, base));
            self.blocked = now;
            self.desired = wanted;
        } else if wanted < self.desired && now >= self.blocked && cooling.is_none() {
            self.blocked = now + policy.cooldown;
            self.desired = wanted;
        }
    }
}

/// By how much an alarm is breached.
#[derive(Debug, Clone, Copy)]
pub struct Breach {
    /// The metric.
    pub value: f64,
    /// The alarm's threshold.
    pub threshold: f64,
    /// On which side it breaches.
    pub comparison: Comparison,
}

impl Policy {
    /// The number of tasks that it wants; none if no step is meant.
    fn wanted(&self, base: u32, current: u32, breach: Breach) -> Option<u32> {
        if let Adjustment::Track(goal) = self.adjustment {
            let wanted = (f64::from(current) * breach.value / goal).ceil() as u32;
            // It scales in by half at most, so that an outage of the metric empties nothing.
            return Some(if breach.value > goal { wanted } else { wanted.max(current.div_ceil(2)) });
        }
        let step = self.steps.iter().find(|step| step.holds(breach))?;
        let add = |change: f64| (f64::from(base) + change).max(0.0) as u32;
        Some(match self.adjustment {
            Adjustment::ExactCapacity => step.adjustment as u32,
            Adjustment::PercentChangeInCapacity(least) => {
                let change = percent(f64::from(base) * step.adjustment / 100.0);
                add(if change < 0.0 { change.min(-f64::from(least)) } else { change.max(f64::from(least)) })
            }
            Adjustment::ChangeInCapacity | Adjustment::Track(_) => add(step.adjustment),
        })
    }
}

/// A percentage in whole tasks: towards zero beyond one, and one for anything smaller.
fn percent(change: f64) -> f64 {
    if change.abs() < 1.0 && change != 0.0 { change.signum() } else { change.trunc() }
}

impl Step {
    fn holds(&self, breach: Breach) -> bool {
        let above = breach.value - breach.threshold;
        let (lower, upper) = (self.lower.unwrap_or(f64::NEG_INFINITY), self.upper.unwrap_or(f64::INFINITY));
        match breach.comparison {
            Comparison::GreaterThan | Comparison::GreaterThanOrEqualTo => lower <= above && above < upper,
            Comparison::LessThan | Comparison::LessThanOrEqualTo => lower < above && above <= upper,
        }
    }
}
