//! Application Auto Scaling does what its documentation shows by example.

use scaling::Stage;
use scaling::cloud::scaling::{Breach, Capacity};
use scaling::plan::{Adjustment, Comparison, Policy, Step, Target};

const WIDE: Target = Target { floor: 0, ceiling: 1000 };

fn policy(adjustment: Adjustment, steps: &[(Option<f64>, Option<f64>, f64)], cooldown: u32) -> Policy {
    let step = |(lower, upper, adjustment): &(Option<f64>, Option<f64>, f64)| Step {
        lower: *lower,
        upper: *upper,
        adjustment: *adjustment,
    };
    Policy {
        name: "example".to_owned(),
        stage: Stage::Ingest,
        adjustment,
        steps: steps.iter().map(step).collect(),
        cooldown,
    }
}

fn above(value: f64, threshold: f64) -> Breach {
    Breach { value, threshold, comparison: Comparison::GreaterThan }
}

fn below(value: f64, threshold: f64) -> Breach {
    Breach { value, threshold, comparison: Comparison::LessThan }
}

/// `StepScalingPolicyConfiguration`, Cooldown: "an alarm triggers a step scaling policy to increase the capacity by 2, the
/// scaling activity completes successfully, and a cooldown period starts. If the alarm triggers again during the cooldown
/// period but at a more aggressive step adjustment of 3, the previous increase of 2 is considered part of the current
/// capacity. Therefore, only 1 is added."
#[test]
fn during_a_cooldown_only_what_a_higher_step_adds_is_added() {
    let out =
        policy(Adjustment::ChangeInCapacity, &[(Some(0.0), Some(10.0), 2.0), (Some(10.0), None, 3.0)], 300);
    let mut capacity = Capacity::new(5);
    capacity.apply(0, 0, &out, above(61.0, 60.0), WIDE, capacity.desired);
    assert_eq!(capacity.desired, 7);
    capacity.apply(60, 0, &out, above(61.0, 60.0), WIDE, capacity.desired);
    assert_eq!(capacity.desired, 7, "the same step adds nothing while it cools down");
    capacity.apply(120, 0, &out, above(75.0, 60.0), WIDE, capacity.desired);
    assert_eq!(capacity.desired, 8);
    capacity.apply(419, 0, &out, above(75.0, 60.0), WIDE, capacity.desired);
    assert_eq!(capacity.desired, 8, "the larger scale-out began a cooldown of its own");
    capacity.apply(420, 0, &out, above(75.0, 60.0), WIDE, capacity.desired);
    assert_eq!(capacity.desired, 11);
}

/// The same page: scale-in is blocked until its cooldown is over; a scale-out in that time happens at once and ends it.
#[test]
fn scale_in_waits_for_its_cooldown_and_scale_out_ends_that() {
    let inward = policy(Adjustment::ChangeInCapacity, &[(None, Some(0.0), -1.0)], 300);
    let out = policy(Adjustment::ChangeInCapacity, &[(Some(0.0), None, 4.0)], 60);
    let mut capacity = Capacity::new(10);
    capacity.apply(0, 0, &inward, below(1.0, 2.0), WIDE, capacity.desired);
    capacity.apply(299, 0, &inward, below(1.0, 2.0), WIDE, capacity.desired);
    assert_eq!(capacity.desired, 9);
    capacity.apply(299, 1, &out, above(9.0, 2.0), WIDE, capacity.desired);
    assert_eq!(capacity.desired, 13);
    capacity.apply(300, 0, &inward, below(1.0, 2.0), WIDE, capacity.desired);
    assert_eq!(capacity.desired, 12);
}

/// "How step scaling works": with a threshold of 60, 10 units are added from 60, 30 from 75 and 40 from 85; the lower
/// bound belongs to the step and the upper one does not.
#[test]
fn steps_count_from_the_threshold() {
    let steps = [(Some(0.0), Some(15.0), 10.0), (Some(15.0), Some(25.0), 30.0), (Some(25.0), None, 40.0)];
    let out = policy(Adjustment::ChangeInCapacity, &steps, 60);
    for (value, added) in [(60.0, 10), (74.9, 10), (75.0, 30), (84.9, 30), (85.0, 40), (1e6, 40)] {
        let mut capacity = Capacity::new(10);
        capacity.apply(0, 0, &out, above(value, 60.0), WIDE, capacity.desired);
        assert_eq!(capacity.desired, 10 + added, "{value}");
    }
}

/// "Scaling adjustment types": values over 1 are rounded down (12.7 is 12), between 0 and 1 to 1 (0.67), between 0 and −1
/// to −1 (−0.58), below −1 up (−6.67 is −6).
#[test]
fn percentages_are_rounded_as_the_user_guide_says() {
    for (tasks, percent, change) in [(127, 10.0, 12), (67, 1.0, 1), (58, -1.0, -1), (667, -1.0, -6)] {
        let step = if percent > 0.0 { (Some(0.0), None, percent) } else { (None, Some(0.0), percent) };
        let one = policy(Adjustment::PercentChangeInCapacity(1), &[step], 60);
        let mut capacity = Capacity::new(tasks);
        let breach = if percent > 0.0 { above(2.0, 1.0) } else { below(0.0, 1.0) };
        capacity.apply(0, 0, &one, breach, WIDE, capacity.desired);
        assert_eq!(i64::from(capacity.desired), i64::from(tasks) + change, "{percent} % of {tasks}");
    }
}

#[test]
fn no_policy_leaves_the_targets_bounds() {
    let bounds = Target { floor: 2, ceiling: 5 };
    let out = policy(Adjustment::ChangeInCapacity, &[(Some(0.0), None, 20.0)], 60);
    let asleep = policy(Adjustment::ExactCapacity, &[(None, Some(0.0), 0.0)], 60);
    let mut capacity = Capacity::new(3);
    capacity.apply(0, 0, &out, above(1.0, 0.0), bounds, capacity.desired);
    assert_eq!(capacity.desired, 5);
    capacity.apply(
        60,
        1,
        &asleep,
        Breach { value: 0.0, threshold: 0.0, comparison: Comparison::LessThanOrEqualTo },
        bounds,
        capacity.desired,
    );
    assert_eq!(capacity.desired, 2);
}
